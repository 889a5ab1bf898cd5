"""What an example is about, before any language: one frame per index of a task and split.

The pair tasks are built so that their surfaces give nothing away. All labels draw their people,
things and modifiers alike; a wrong pairing exchanges two people who bear the *same* role (and
have the same gender) between two events, so that words, cases and agreement are those of a right
one; and every variation of the surface (the converse verb, the order of events) is drawn without
a look at the label. Two transfers in one premise are always seen from the same side, lest case
forms tell which event a hypothesis is about.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from random import Random
from typing import Final

from waystation.pocket import world as w
from waystation.pocket.world import Event, World

NLI_LABELS: Final = ("entailment", "neutral", "contradiction")
PARAPHRASE_LABELS: Final = ("different", "paraphrase")


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """Events in one sentence or in one each, with an order of words for each event."""

    events: tuple[Event, ...]
    orders: tuple[str, ...]
    linked: bool = False


def _plain(events: tuple[Event, ...], linked: bool) -> Story:
    return Story(events=events, orders=("plain",) * len(events), linked=linked)


def _event(rng: Random, world: World, people: list[w.Person], thing: str, kinds: str) -> Event:
    """An event of a random kind (letters of `kinds`: t to, f from, d do) with everything in it."""
    kind = {"t": "to", "f": "from", "d": "do"}[w.pick(rng, kinds)]
    verb = w.pick(rng, world.deeds) if kind == "do" else w.transfer(rng, thing, kind)
    return Event(
        verb=verb,
        agent=people[0],
        thing=thing,
        other=None if kind == "do" else people[1],
        adjective=w.adjective(rng, world, thing),
        place=w.place(rng, world),
        time=w.pick(rng, world.times),
    )


def _thinned(rng: Random, event: Event) -> Event:
    """The event without its place or without its time, one time in two."""
    drop = rng.randrange(4)
    place, time = event.place if drop != 0 else "", event.time if drop != 1 else ""
    return replace(event, place=place, time=time)


def topic(split: str, index: int) -> tuple[Story, str]:
    """One event; its label is what its thing is for. Labels take turns."""
    rng, world = w.seeded("topic", split, index), w.world_of(split)
    label = w.TOPICS[index % len(w.TOPICS)]
    thing = w.pick(rng, world.things[label])
    # Nobody lends food, so nobody lends anything: the verb must not tell the topic.
    event = _event(rng, world, w.anybody(rng, world, 2), thing, "tfd")
    if event.verb in ("lend", "borrow"):
        event = replace(event, verb={"lend": "give", "borrow": "get"}[event.verb])
    order = w.pick(rng, world.orders)
    return Story(events=(_thinned(rng, event),), orders=(order,)), label


def tagged(task: str, split: str, index: int) -> tuple[Story, str]:
    """One or two events in one sentence, or (second value) what a question on the event asks."""
    rng, world = w.seeded(task, split, index), w.world_of(split)
    count = 1 + (rng.random() < 0.35)
    people = w.anybody(rng, world, 2 * count)
    things = w.things(rng, world, count)
    events = tuple(
        _thinned(rng, _event(rng, world, people[2 * i : 2 * i + 2], thing, "tfd"))
        for i, thing in enumerate(things)
    )
    orders = tuple(w.pick(rng, world.orders) for _ in events)
    asked = w.pick(rng, world.questions) if task == "pos" and rng.random() < 0.2 else ""
    return Story(events=events, orders=orders, linked=True), asked


def bitext(split: str, index: int) -> Story:
    """One event; no two of a split have thing, place, time and agent in common."""
    rng, world = w.seeded("bitext", split, index), w.world_of(split)
    things = [thing for found in world.things.values() for thing in found]
    names = world.women + world.men
    pools = (things, world.cities, world.times, names, world.families)
    thing, city, time, given, family = (
        pool[choice]
        for pool, choice in zip(pools, w.scatter(index, [len(p) for p in pools]), strict=True)
    )
    agent = w.Person("f" if given in world.women else "m", given, family)
    other = next(p for p in w.named(rng, world, 2) if p.given != given)
    event = replace(_event(rng, world, [agent, other], thing, "tfd"), place=city, time=time)
    return Story(events=(event,), orders=(w.pick(rng, world.orders),))


def _two_transfers(rng: Random, world: World, views: tuple[str, str]) -> tuple[Event, Event]:
    """Two transfers between four people; givers are of one gender, and so are receivers."""
    genders = (w.pick(rng, "fm"), w.pick(rng, "fm"))
    if genders[0] == genders[1]:
        people = w.named(rng, world, 4, genders[0])
        givers, receivers = people[:2], people[2:]
    else:
        givers, receivers = (w.named(rng, world, 2, gender) for gender in genders)
    events = []
    for view, giver, receiver, thing in zip(
        views, givers, receivers, w.things(rng, world, 2), strict=True
    ):
        agent, other = (giver, receiver) if view == "to" else (receiver, giver)
        events.append(Event(w.transfer(rng, thing, view), agent, thing, other))
    return events[0], events[1]


def nli(split: str, index: int) -> tuple[Story, Event, str]:
    """Two transfers, of which one says where and the other when; a hypothesis about one of them.

    Entailed: as it was, with its own modifier. Neutral: with the other's modifier. Contradicted:
    with somebody else as giver or receiver, and either modifier.
    """
    rng, world = w.seeded("nli", split, index), w.world_of(split)
    label = NLI_LABELS[index % 3]
    view = w.pick(rng, ("to", "from"))
    first, second = _two_transfers(rng, world, (view, view))
    place, time = w.place(rng, world), w.pick(rng, world.times)
    events = [replace(first, place=place), replace(second, time=time)]
    if rng.random() < 0.5:
        events = [replace(first, time=time), replace(second, place=place)]
    chosen, part = rng.randrange(2), w.pick(rng, ("giver", "receiver"))
    own, convert = rng.random() < 0.5, rng.random() < 0.5
    hypothesis = (w.exchange(events[0], events[1], part) if label == "contradiction" else events)[
        chosen
    ]
    if label == "neutral" or (label == "contradiction" and not own):
        absent = events[1 - chosen]
        hypothesis = replace(hypothesis, place=absent.place, time=absent.time)
    hypothesis = hypothesis.converse() if convert else hypothesis
    return _plain(tuple(events), world.linked), hypothesis, label


def paraphrase(split: str, index: int) -> tuple[Story, Story, str]:
    """Two transfers told twice; told differently, two givers or two receivers are exchanged."""
    rng, world = w.seeded("paraphrase", split, index), w.world_of(split)
    label = PARAPHRASE_LABELS[index % 2]
    view = w.pick(rng, ("to", "from"))
    first, second = _two_transfers(rng, world, (view, view))
    first = replace(first, place=w.place(rng, world))
    second = replace(second, time=w.pick(rng, world.times))
    part, change = w.pick(rng, ("giver", "receiver")), rng.randrange(4)
    again = list(w.exchange(first, second, part) if label == "different" else (first, second))
    if change in (1, 3):
        again[0] = again[0].converse()
    if change in (2, 3):
        again[1] = again[1].converse()
    if change == 0 or rng.random() < 0.5:
        again.reverse()
    linked = world.linked
    return _plain((first, second), linked), _plain(tuple(again), linked), label


def choice(split: str, index: int) -> tuple[Story, Event, str, tuple[w.Person, w.Person], int]:
    """Two transfers; who has one of the things now, or had it before? Options bear one role."""
    rng, world = w.seeded("choice", split, index), w.world_of(split)
    views = (w.pick(rng, ("to", "from")), w.pick(rng, ("to", "from")))
    events = _two_transfers(rng, world, views)
    asked, chosen, label = w.pick(rng, ("now", "before")), rng.randrange(2), index % 2
    part = "receiver" if asked == "now" else "giver"
    right, wrong = getattr(events[chosen], part), getattr(events[1 - chosen], part)
    options = (right, wrong) if label == 0 else (wrong, right)
    return _plain(events, world.linked), events[chosen], asked, options, label


def qa(split: str, index: int) -> tuple[Story, int, str]:
    """Three events, each with place and time, and what is asked about one of them.

    Two of them may share their agent unless that is asked; verbs differ: one sentence answers.
    """
    rng, world = w.seeded("qa", split, index), w.world_of(split)
    people, things = w.named(rng, world, 6), w.things(rng, world, 3)
    asked = ("who", "what", "where", "when")[index % 4]
    if asked != "who" and rng.random() < 0.4:
        people[2] = people[0]
    cities, times = rng.sample(world.cities, 3), rng.sample(world.times, 3)
    events: list[Event] = []
    for i, thing in enumerate(things):
        event = _event(rng, world, people[2 * i : 2 * i + 2], thing, "tfd")
        while any(_alike(event, before) for before in events):
            event = _event(rng, world, people[2 * i : 2 * i + 2], thing, "tfd")
        events.append(replace(event, place=cities[i], time=times[i]))
    orders = tuple(w.pick(rng, world.orders) for _ in events)
    return Story(events=tuple(events), orders=orders), rng.randrange(3), asked


def _alike(one: Event, two: Event) -> bool:
    """Whether both are the same transfer or deed, seen from whichever side."""
    return w.RECEIVING.get(one.verb, one.verb) == w.RECEIVING.get(two.verb, two.verb)
