"""The small world: its people, places, things and events, split into disjoint parts.

Concepts are English identifiers; no word of any language is decided here. Training, dev and test
draw from disjoint names, places, things, attributes, times and from different constructions; only
the verbs of transfer are shared, because their converses (sell and buy) are what is asked about.
Randomness is a `random.Random` that the caller seeds with a string.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from random import Random
from typing import Final

from waystation.errors import UserError
from waystation.pocket import VERSION

# A transfer seen from its giver, and the same transfer seen from its receiver.
CONVERSE: Final = {"sell": "buy", "send": "receive", "lend": "borrow", "give": "get"}
RECEIVING: Final = {receiving: giving for giving, receiving in CONVERSE.items()}
TOPICS: Final = ("food", "music", "clothing", "reading", "technology", "home")


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody with a name (`given`, perhaps `family`), or somebody known by a noun."""

    gender: str
    given: str = ""
    family: str = ""
    noun: str = ""


@dataclass(frozen=True, slots=True)
class Event:
    """Who did what: `agent` is the grammatical subject; `other` gives or receives, if anybody."""

    verb: str
    agent: Person
    thing: str
    other: Person | None = None
    adjective: str = ""
    place: str = ""
    time: str = ""

    @property
    def kind(self) -> str:
        """`to` (the agent gives), `from` (the agent receives) or `do` (nobody else)."""
        return "to" if self.verb in CONVERSE else "from" if self.verb in RECEIVING else "do"

    @property
    def giver(self) -> Person | None:
        """Who had the thing before."""
        return self.agent if self.kind == "to" else self.other

    @property
    def receiver(self) -> Person | None:
        """Who has the thing now."""
        return self.other if self.kind == "to" else self.agent

    def converse(self) -> Event:
        """The same transfer from the other side: sold to, bought from."""
        assert self.other is not None
        verb = {**CONVERSE, **RECEIVING}[self.verb]
        return replace(self, verb=verb, agent=self.other, other=self.agent)


def exchange(first: Event, second: Event, part: str) -> tuple[Event, Event]:
    """Both events with their givers or their receivers exchanged (`part` says which)."""

    def field(event: Event) -> str:
        return "agent" if (part == "giver") == (event.kind == "to") else "other"

    one, two = getattr(first, part), getattr(second, part)
    return replace(first, **{field(first): two}), replace(second, **{field(second): one})


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """What one split may draw from."""

    women: tuple[str, ...]
    men: tuple[str, ...]
    families: tuple[str, ...]
    nouns: tuple[tuple[str, str], ...]
    cities: tuple[str, ...]
    spots: tuple[str, ...]
    things: dict[str, tuple[str, ...]]
    adjectives: tuple[str, ...]
    times: tuple[str, ...]
    deeds: tuple[str, ...]
    orders: tuple[str, ...]
    linked: bool
    questions: tuple[str, ...]


def _things(rows: str) -> dict[str, tuple[str, ...]]:
    return dict(zip(TOPICS, (tuple(row.split()) for row in rows.strip().splitlines()), strict=True))


def _years(first: int, last: int) -> tuple[str, ...]:
    return tuple(str(year) for year in range(first, last + 1))


WORLDS: Final[dict[str, World]] = {
    "train": World(
        women=("maria", "sara", "elena", "nadia", "olivia", "lucia"),
        men=("omar", "daniel", "viktor", "martin", "karim", "thomas"),
        families=("lopez", "rossi", "novak", "weber", "tanaka", "santos", "jensen", "nasser"),
        nouns=(("man", "m"), ("woman", "f"), ("grandfather", "m"), ("grandmother", "f")),
        cities=("paris", "rome", "berlin", "moscow", "cairo", "tokyo", "capetown", "hongkong"),
        spots=("market", "school", "hotel", "office"),
        things=_things("""
            bread fish rice apple cheese
            guitar piano violin drum flute
            shirt coat hat dress shoe
            book newspaper letter magazine dictionary
            computer phone camera printer radio
            table chair bed lamp mirror
        """),
        adjectives=("new", "old", "big", "good"),
        times=(
            *("mon", "tue", "wed", "thu", "jan", "feb", "mar", "apr", "may", "jun", "yesterday"),
            *_years(1991, 2006),
        ),
        deeds=("find", "choose"),
        orders=("plain", "place"),
        linked=True,
        questions=("who", "what"),
    ),
    "dev": World(
        women=("laura", "diana", "clara", "emma"),
        men=("robert", "samir", "oscar", "kevin"),
        families=("silva", "keller"),
        nouns=(("king", "m"), ("queen", "f")),
        cities=("london", "madrid", "athens"),
        spots=("park", "restaurant"),
        things=_things("""
            soup egg
            trumpet harp
            belt scarf
            novel diary
            television calculator
            carpet cupboard
        """),
        adjectives=("cheap", "small"),
        times=("fri", "jul", "aug", *_years(2007, 2010)),
        deeds=("find", "see"),
        orders=("place", "time"),
        linked=True,
        questions=("who", "where"),
    ),
    "test": World(
        women=("anna", "sofia", "leila", "nina", "julia"),
        men=("david", "adam", "marko", "hassan", "peter"),
        families=("garcia", "moreno", "schmidt", "haddad", "conti", "larsen", "suzuki"),
        nouns=(("boy", "m"), ("girl", "f")),
        cities=("vienna", "beijing", "istanbul", "newyork", "lisbon", "delhi", "buenosaires"),
        spots=("library", "museum", "station"),
        things=_things("""
            orange honey cake
            accordion saxophone cello
            skirt sweater suit
            textbook encyclopedia postcard
            scanner keyboard projector
            sofa pillow blanket
        """),
        adjectives=("beautiful", "expensive", "white"),
        times=("sat", "sun", "sep", "oct", "nov", "dec", *_years(2011, 2024)),
        deeds=("lose", "see"),
        orders=("time",),
        linked=False,
        questions=("where", "when"),
    ),
}  # fmt: skip

TOPIC_OF: Final = {
    thing: topic
    for world in WORLDS.values()
    for topic, things in world.things.items()
    for thing in things
}
_MASS: Final = ("rice", "soup", "honey")


def world_of(split: str) -> World:
    """The part of the world that a split draws from; UserError for an unknown split."""
    if split not in WORLDS:
        raise UserError(
            f"expected a split of pocket ({', '.join(WORLDS)}), found '{split}'; name one of them."
        )
    return WORLDS[split]


def seeded(task: str, split: str, index: int) -> Random:
    """The source of every choice in one example."""
    return Random(f"pocket/{VERSION}/{task}/{split}/{index}")


def scatter(index: int, sizes: Sequence[int]) -> tuple[int, ...]:
    """Distinct choices for distinct indices: a bijection onto the product of `sizes`."""
    total = math.prod(sizes)
    if index >= total:
        raise UserError(
            f"expected an index below {total}, the number of distinct items of this split,"
            f" found {index}; ask for fewer examples."
        )
    step = int(total * 0.6180339887)
    while math.gcd(step, total) != 1:
        step += 1
    rest, choices = index * step % total, []
    for size in sizes:
        rest, choice = divmod(rest, size)
        choices.append(choice)
    return tuple(choices)


def named(rng: Random, world: World, count: int, gender: str = "") -> list[Person]:
    """`count` people with different given names, all of one gender where it is given."""
    names = {"f": world.women, "m": world.men, "": world.women + world.men}[gender]
    people = []
    for given in rng.sample(names, count):
        family = pick(rng, world.families) if rng.random() < 0.5 else ""
        people.append(Person("f" if given in world.women else "m", given, family))
    return people


def anybody(rng: Random, world: World, count: int) -> list[Person]:
    """`count` different people, some of them known by a noun only."""
    people, nouns = named(rng, world, count), list(world.nouns)
    for position in range(count):
        if nouns and rng.random() < 0.3:
            noun, gender = nouns.pop(rng.randrange(len(nouns)))
            people[position] = Person(gender, noun=noun)
    return people


def pick(rng: Random, choices: Sequence[str]) -> str:
    """One of them."""
    return choices[rng.randrange(len(choices))]


def place(rng: Random, world: World) -> str:
    """A city twice as often as a spot in town."""
    return pick(rng, world.cities if rng.random() < 2 / 3 else world.spots)


def things(rng: Random, world: World, count: int) -> list[str]:
    """Different things, of different topics as far as these reach."""
    topics = rng.sample(TOPICS, count)
    return [pick(rng, world.things[topic]) for topic in topics]


def adjective(rng: Random, world: World, thing: str) -> str:
    """An attribute that fits the thing, or none (half of the time)."""
    if rng.random() < 0.5:
        return ""
    found = pick(rng, world.adjectives)
    food = TOPIC_OF[thing] == "food"
    if (found in ("old", "beautiful") and food) or (found in ("big", "small") and thing in _MASS):
        return ""
    return found


def transfer(rng: Random, thing: str, view: str) -> str:
    """A verb of transfer from the view `to` or `from`; nobody lends food."""
    verbs = [verb for verb in CONVERSE if verb != "lend" or TOPIC_OF[thing] != "food"]
    verb = pick(rng, verbs)
    return verb if view == "to" else CONVERSE[verb]
