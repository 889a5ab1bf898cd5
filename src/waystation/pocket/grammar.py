"""How a frame becomes words: the tables and templates of a language, and their renderer.

A language is one module in `languages/`, whose `GRAMMAR` is data (inflected forms in tables, word
orders as templates) and a few lines for agreement inside the noun phrase and on names.

A table has a header of columns and one row per line; `+` joins the words of a cell, `/TAG` gives a
word its UPOS tag, `_` is a space inside a word, `-` is nothing, `=` repeats the cell before it. A
template is a sequence of
literal words (`to/ADP`) and slots: A agent, O other (with K, the verb's adposition, both dropped
where nobody else takes part), T thing, V verb, P place, W time, F whichever of these two is
fronted, Q question word, B a past of "be" that agrees with the thing; `.x` asks for a case of a
noun or a column of a verb.

Tags are those that the treebanks of Universal Dependencies give such words.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from itertools import pairwise
from typing import Final, NamedTuple, TypeAlias, cast

from waystation.errors import UserError, suggest
from waystation.pocket import LANGUAGES
from waystation.pocket.world import Event, Person

Words: TypeAlias = tuple[tuple[str, str], ...]
Row: TypeAlias = Mapping[str, str]
Table: TypeAlias = Mapping[str, Row]

_SLOTS: Final = frozenset("AOKTVPWFQB")
_OPENING: Final = "¿"


class Token(NamedTuple):
    """A word with its tag, the role that it bears in its event, and what it stands for."""

    form: str
    tag: str
    role: str = ""
    gloss: str = ""


def table(text: str) -> Table:
    """Rows by their first column; see the module's docstring for the cells."""
    lines = [line.split() for line in text.strip().splitlines() if line.strip()]
    header, rows = lines[0], {}
    for cells in lines[1:]:
        if len(cells) != len(header):
            raise ValueError(f"expected {len(header)} cells ({' '.join(header)}), found {cells}")
        for position, cell in enumerate(cells):
            if cell == "=":
                cells[position] = cells[position - 1]
        if cells[0] in rows:
            raise ValueError(f"expected one row for {cells[0]}, found two")
        rows[cells[0]] = dict(zip(header[1:], cells[1:], strict=True))
    return rows


def pairs(text: str) -> dict[str, str]:
    """`key=value` pairs separated by white space."""
    return dict(pair.split("=", 1) for pair in text.split())


@cache
def phrase(cell: str, tag: str = "NOUN") -> Words:
    """The words of a cell; those without a tag get `tag`."""
    if cell == "-":
        return ()
    words = (word.rpartition("/") for word in cell.split("+"))
    tagged = ((form, found) if form else (found, tag) for form, _, found in words)
    return tuple((form.replace("_", " "), found) for form, found in tagged)


@dataclass(frozen=True, kw_only=True, eq=False)  # compared by identity: keys of caches
class Grammar:
    """One language; `noun_phrase(row, adjective's row, case)` gives the words of a thing.

    `names` maps name concepts to their base forms; `inflect(words, person, case)` gives the words
    of a full name; `name_joint` makes one word of them where it is not a space. `agree` says what
    the verb's columns m, f, n follow (agent, thing; empty where the column is v), or `noun`: the
    column that the row of the agent's noun names. `linked_form` is the verb's column in a clause
    that another one follows. `fused` are adposition and article in one word; `liaison` is what a
    word takes on before another. `ending` is how many letters at the end of a word (a particle)
    an answer leaves out. `parted` says where a script that does not separate words has a space all
    the same; it then also separates sentences.
    """

    code: str
    name: str
    family: str
    script: str
    names: Mapping[str, str]
    things: Table
    adjectives: Table
    verbs: Table
    people: Table
    places: Mapping[str, str]
    times: Mapping[str, str]
    year: str
    templates: Mapping[str, str]
    noun_phrase: Callable[[Row, Row | None, str], Words]
    inflect: Callable[[tuple[str, ...], Person, str], tuple[str, ...]] = lambda words, _, __: words
    cases: Mapping[str, str] = field(default_factory=lambda: {"to": "dat", "from": "abl"})
    name_joint: str = " "
    agree: str = ""
    linked_form: str = ""
    fused: Mapping[tuple[str, str], str] = field(default_factory=dict)
    liaison: Callable[[Token, Token], str] | None = None
    ending: Callable[[Token], int] = lambda _: 0
    link: str
    stop: str = "./PUNCT"
    spaced: bool = True
    parted: Callable[[Token, Token], bool] | None = None
    upper: Callable[[str], str] = str.upper

    def person(self, person: Person, case: str) -> Words:
        """A name or a noun for somebody, in a case."""
        if person.noun:
            row = self.people[person.noun]
            return phrase(row.get(case, row["nom"]))
        parts = (person.given, person.family) if person.family else (person.given,)
        words = self.inflect(tuple(self.names[part] for part in parts), person, case)
        if self.name_joint != " ":
            words = (self.name_joint.join(words),)
        return tuple((word, "PROPN") for word in words)

    def thing(self, thing: str, adjective: str, case: str) -> Words:
        """A thing with its attribute, in a case."""
        row = self.adjectives[adjective] if adjective else None
        return self.noun_phrase(self.things[thing], row, case)

    def time(self, time: str) -> Words:
        """When: a day, a month or a year."""
        return phrase(self.year.format(time) if time.isdigit() else self.times[time])

    def verb(self, event: Event, column: str) -> Words:
        """The verb in a column, by default in the form that agrees."""
        row = self.verbs[event.verb]
        if not column:
            gender = event.agent.gender if self.agree == "agent" else ""
            gender = self.things[event.thing]["gender"] if self.agree == "thing" else gender
            if self.agree == "noun" and event.agent.noun:
                gender = self.people[event.agent.noun]["agrees"]
            column = gender or "v"
        return phrase(row[column], "VERB")

    @property
    def gap(self) -> str:
        """What stands between two sentences."""
        return " " if self.spaced or self.parted else ""

    def _apart(self, before: Token, after: Token) -> bool:
        """Whether a space stands between two words of a sentence."""
        if not self.spaced:
            return self.parted is not None and self.parted(before, after)
        closing = after.tag == "PUNCT" and after.form != _OPENING
        return before.form != _OPENING and not closing

    def text(self, tokens: Sequence[Token]) -> tuple[str, list[int]]:
        """Running text, and where each token starts in it."""
        text, starts = "", []
        for position, token in enumerate(tokens):
            if position and self._apart(tokens[position - 1], token):
                text += " "
            starts.append(len(text))
            text += token.form
        return text, starts


@cache
def grammar(code: str) -> Grammar:
    """The grammar of a language; UserError where pocket does not have it."""
    if code not in LANGUAGES:
        raise UserError(
            f"expected a language of pocket ({', '.join(LANGUAGES)}), found '{code}'."
            f"{suggest(code, LANGUAGES)} Name one of them."
        )
    return cast("Grammar", importlib.import_module(f"waystation.pocket.languages.{code}").GRAMMAR)


@cache
def _template(text: str) -> tuple[tuple[str, str, str], ...]:
    """(slot, argument, "") or ("", form, tag) for each item."""
    items = []
    for item in text.split():
        slot, _, argument = item.partition(".")
        if slot in _SLOTS:
            items.append((slot, argument, ""))
        else:
            ((form, tag),) = phrase(item, "X")
            items.append(("", form, tag))
    return tuple(items)


def _core(words: Words) -> set[int]:
    """Positions of the words that answer where or when: the name, else all but adpositions."""
    names = {i for i, (_, tag) in enumerate(words) if tag == "PROPN"}
    outer = {0, len(words) - 1}
    return names or {i for i, (_, tag) in enumerate(words) if not (tag == "ADP" and i in outer)}


@cache
def _adverbial(language: Grammar, role: str, concept: str) -> tuple[Token, ...]:
    if not concept:
        return ()
    words = phrase(language.places[concept]) if role == "place" else language.time(concept)
    core = _core(words)
    return tuple(
        Token(form, tag, role if i in core else "", concept if i in core else "")
        for i, (form, tag) in enumerate(words)
    )


@cache
def _thing(language: Grammar, thing: str, adjective: str, case: str) -> tuple[Token, ...]:
    gloss = f"{adjective}.{thing}".strip(".")
    return tuple(Token(*w, "thing", gloss) for w in language.thing(thing, adjective, case))


@cache
def _person(language: Grammar, person: Person, case: str, role: str) -> tuple[Token, ...]:
    gloss = person.noun or f"{person.given}.{person.family}".strip(".")
    return tuple(Token(*word, role, gloss) for word in language.person(person, case))


def _slot(language: Grammar, event: Event, slot: str, argument: str) -> Iterable[Token]:
    """The tokens of A, O, K, T, V, P, W or B."""
    if slot in "PW":
        role = "place" if slot == "P" else "time"
        return _adverbial(language, role, getattr(event, role))
    if slot == "V":
        return [Token(*word, "verb", event.verb) for word in language.verb(event, argument)]
    if slot == "T":
        return _thing(language, event.thing, event.adjective, argument or "acc")
    if slot == "B":
        gender = language.things[event.thing]["gender"]
        return [Token(*word) for word in phrase(language.templates[f"was.{gender}"])]
    if slot == "A":
        return _person(language, event.agent, argument or "nom", "agent")
    if event.other is None:
        return ()
    if slot == "K":
        return [Token(*word) for word in phrase(language.verbs[event.verb]["k"], "ADP")]
    return _person(language, event.other, argument or language.cases[event.kind], "other")


def fill(
    language: Grammar, event: Event, construction: str, front: str = "", verb: str = ""
) -> list[Token]:
    """The tokens of one event in a construction, without capital; `verb` overrides its column.

    `front` is what slot F holds instead of P or W (place, time), or, in a question, what slot Q
    asks for (where, when).
    """
    templates = language.templates
    text = templates.get(f"{construction}.{event.kind}") or templates[construction]
    fronted = {"place": "P", "time": "W"}.get(front, "")
    tokens: list[Token] = []
    for slot, argument, tag in _template(text):
        if not slot:
            tokens.append(Token(argument, tag))
        elif slot == "F":
            tokens += _slot(language, event, fronted, "")
        elif slot == "Q":
            tokens += [Token(*word) for word in phrase(templates[front], "ADV")]
        elif slot != fronted:
            column = argument or (verb if slot == "V" else "")
            tokens += _slot(language, event, slot, column)
    return _fuse(language, tokens)


def _fuse(language: Grammar, tokens: list[Token]) -> list[Token]:
    """Adposition and article in one word, and liaison, where the language writes them so."""
    liaison = language.liaison
    if liaison:
        ends = [*(liaison(one, two) for one, two in pairwise(tokens)), ""]
        return [t._replace(form=t.form + end) for t, end in zip(tokens, ends, strict=True)]
    if not language.fused:
        return tokens
    done: list[Token] = []
    for token in tokens:
        one = language.fused.get((done[-1].form, token.form)) if done else None
        if one is None:
            done.append(token)
        else:
            done[-1] = Token(one, done[-1].tag)
    return done


def _capital(language: Grammar, tokens: list[Token]) -> list[Token]:
    """The first letter of a sentence in upper case; a no-op in scripts without case."""
    first = next(i for i, token in enumerate(tokens) if token.form != _OPENING)
    form = tokens[first].form
    tokens[first] = tokens[first]._replace(form=language.upper(form[0]) + form[1:])
    return tokens


def clause(language: Grammar, event: Event, order: str, verb: str = "") -> list[Token]:
    """One event as a clause; `order` is plain, place or time (fronted where the event has it)."""
    has = order in ("place", "time") and bool(getattr(event, order))
    return fill(language, event, "front" if has else "plain", order if has else "", verb)


def sentence(language: Grammar, events: Sequence[Event], orders: Sequence[str]) -> list[Token]:
    """One or more events in one sentence."""
    tokens: list[Token] = []
    for position, (event, order) in enumerate(zip(events, orders, strict=True)):
        last = position == len(events) - 1
        tokens += clause(language, event, order, "" if last else language.linked_form)
        ending = phrase(language.stop if last else language.link, "CCONJ")
        tokens += [Token(*word) for word in ending]
    return _capital(language, tokens)


def question(language: Grammar, event: Event, asked: str) -> list[Token]:
    """A question on an event: who, what, where, when; now and before ask who has its thing."""
    construction = "at" if asked in ("where", "when") else asked
    return _capital(language, fill(language, event, construction, asked))
