"""The tests of MultiCheckList, made from its templates.

Rules of google-research/xtreme@838c13b, `multichecklist/generate_tests.py` and
`generate_test_utils.py`: which words go with which sentences in a language, how many cases each
combination gives, every context of a case with every question, and no case in which two gaps are
filled alike. Names are CheckList's (`multichecklist_names.tsv`), English ones where it has none
for a language, as there.

What differs is chance: the official draws follow the order of Python sets, which changes from run
to run, so no two official suites are alike. Here a hash of language, test, case and gap fills
every gap, so that a suite is the same everywhere. Where the official lists of words and of their
conditions are of unequal length, they are paired as there.
"""

from __future__ import annotations

import functools
import hashlib
import itertools
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from importlib import resources
from pathlib import Path
from typing import Final, NamedTuple, TypeAlias

from waystation import readers
from waystation.errors import DataError
from waystation.examples import Answer, SpanExample
from waystation.languages import listed
from waystation.metrics.multichecklist import TESTS

CASES: Final = 200
"""Test cases of a language and test, of which combinations get equal shares."""

NAMES: Final = (
    "A is COMP than B. Who is more / less COMP?",
    "Intensifiers (very, super, extremely) and reducers (somewhat, kinda, etc)?",
    "size, shape, age, color",
    "Profession vs nationality",
    "Animal vs Vehicle",
    "Animal vs Vehicle v2",
)
"""What the templates and suites call the tests, in the order of TESTS."""
_COMP, _INTENSE, _PROPS, _PROFESSION, _ANIMAL, _ANIMAL2 = NAMES
# Their templates have the male forms only; the others take names of both.
_MALE: Final = (_COMP, _INTENSE, _PROFESSION)
_KEEP_EMPTY: Final = (_PROPS, _PROFESSION)

# Languages whose words and sentences hang on each other, by test.
_COMP_BY_QUESTION: Final = listed("ja ta ru hu pt")
_INTENSE_BY_STATE: Final = listed("de ru ja vi")
_PROPS_BY_QUESTION: Final = listed("es he et fi fr it uk ur bg nl hi ru ja fa pl pt el lt de")
_PROFESSION_BY_JOB: Final = listed("fr he it es uk ru pt el lt")
_SEPARATORS: Final = {"my": " ", "th": " ", "ur": "،", "ar": "،", "fa": "،", "zh": "，"}

Word: TypeAlias = "str | tuple[str, ...] | Mapping[str, str]"
_GAP: Final = re.compile(r"\{(?:[^{}:]*:)?([a-z_]+)(\d*)(?:\[(\d+)\]|\.(\w+))?\}")


@dataclass
class _Entry:
    """One test in one language: its sentences and words, with the conditions on each."""

    contexts: list[str] = field(default_factory=list)
    questions: list[str] = field(default_factory=list)
    answers: list[str] = field(default_factory=list)
    words: dict[str, list[str]] = field(default_factory=dict)

    def of(self, name: str) -> list[str]:
        """All values of a list of words, `NAME_placeholders` being the conditions on them."""
        return self.words.get(name, [])

    def given(self, name: str) -> list[str]:
        """The values of a list that are not empty."""
        return [value for value in self.of(name) if value]


class _Group(NamedTuple):
    """Sentences that go with each other and with all of these words, and how many cases."""

    contexts: Sequence[str]
    qas: Sequence[tuple[str, str]]
    words: Mapping[str, Sequence[Word]]
    cases: int


# ---------------------------------------------------------------------------- templates


def _entries(path: Path, language: str) -> dict[str, _Entry]:
    """Test -> its templates in one language, which may have several columns."""
    rows = [(number, line.strip()) for number, line in readers.lines(path)]
    columns = rows[0][1].split("\t")[1:] if rows else []
    if language not in columns:
        raise DataError(
            f"expected a column '{language}' in the first line of MultiCheckList's templates,"
            f" found {', '.join(dict.fromkeys(columns))[:200] or 'nothing'}",
            path,
            1,
        )
    found: dict[str, _Entry] = {}
    name = ""
    for number, row in rows[1:]:
        kind, *cells = row.split("\t")
        if kind == "Name":
            name = cells[0] if cells else ""
            if name not in NAMES:
                raise DataError(
                    f"expected the name of one of MultiCheckList's six tests, found '{name}'",
                    path,
                    number,
                )
        elif row and kind != "Capability" and name:
            own = [(c, cell) for c, cell in zip(columns, cells, strict=False) if _of(c, language)]
            _add(found.setdefault(name, _Entry()), name, kind, own, language)
    return found


def _of(column: str, language: str) -> bool:
    return column in (language, f"{language}-placeholders")


def _add(
    entry: _Entry, name: str, kind: str, cells: Sequence[tuple[str, str]], language: str
) -> None:
    """One row's cells; empty ones are kept where conditions are paired with them."""
    for column, cell in cells:
        condition = column != language
        if kind in ("Context", "Question", "Answer"):
            cell = cell.replace("first_name", "male") if name in _MALE else cell
        if kind in ("Context", "Question"):
            if condition:
                entry.words.setdefault(f"{kind.lower()}s_placeholders", []).append(cell)
            else:
                (entry.contexts if kind == "Context" else entry.questions).append(cell)
        elif kind == "Answer":
            if condition:
                entry.words.setdefault("answer_placeholders", []).append(cell)
            elif cell.strip():
                entry.answers.append(cell)
        elif condition:
            entry.words.setdefault(f"{kind}_placeholders", []).append(cell)
        elif cell.strip() or name in _KEEP_EMPTY:
            entry.words.setdefault(kind, []).append(cell)


def _meets(word: str, condition: str) -> bool:
    """Whether an English word, or the last one of several, is in a list of those meant."""
    return word in condition or word.split(" ")[-1] in condition


def _filled(values: Sequence[str]) -> list[str]:
    return [value for value in values if value]


def _qas(questions: Sequence[str], answers: Sequence[str]) -> list[tuple[str, str]]:
    return list(zip(questions, answers, strict=False))


# ---------------------------------------------------------------------------- the six tests


def _comparisons(language: str, own: _Entry, english: _Entry, cases: int) -> Iterator[_Group]:
    separator = _SEPARATORS.get(language, ", ")
    contexts = _filled(own.contexts)

    def group(questions: Sequence[str], adjectives: Sequence[str], count: int) -> _Group:
        words = {"adj": [tuple(a.split(separator)) for a in adjectives]}
        return _Group(contexts, _qas(questions, own.answers), words, count)

    if language not in _COMP_BY_QUESTION:
        yield group(_filled(own.questions), own.of("adj"), cases)
        return
    by: dict[str, tuple[list[str], list[str]]] = {}
    for question, condition in zip(own.questions, own.of("questions_placeholders"), strict=False):
        questions, adjectives = by.setdefault(condition, ([], []))
        questions.append(question)
        for adjective, meant in zip(own.given("adj"), english.of("adj"), strict=False):
            if not condition or meant.split(",")[1] in condition:
                adjectives.append(adjective)
    always = _filled(by.pop("", ([], []))[0])
    for questions, adjectives in by.values():
        yield group([*questions, *always], adjectives, cases // len(by))


def _intensifiers(language: str, own: _Entry, english: _Entry, cases: int) -> Iterator[_Group]:
    words: dict[str, Sequence[Word]] = {name: own.of(name) for name in ("very", "somewhat")}
    if language not in _INTENSE_BY_STATE:
        qas = _qas(_filled(own.questions), own.answers)
        yield _Group(_filled(own.contexts), qas, {"s": own.of("state"), **words}, cases)
        return
    states = dict(zip(english.of("state"), own.of("state"), strict=False))

    def meant(name: str, sentences: Sequence[str], state: str) -> list[str]:
        conditions = own.of(f"{name}_placeholders")
        pairs = zip(sentences, conditions, strict=False)
        return [sentence for sentence, c in pairs for named in c.split(", ") if named == state]

    for state, word in states.items():
        qas = _qas(meant("questions", own.questions, state), own.answers)
        contexts = meant("contexts", own.contexts, state)
        yield _Group(contexts, qas, {"s": [word], **words}, cases // len(states))


def _properties(language: str, own: _Entry, english: _Entry, cases: int) -> Iterator[_Group]:
    contexts = _filled(own.contexts)
    separator = _SEPARATORS.get(language, ", ")
    named = dict(zip(english.of("property"), own.given("property"), strict=False))
    if language in _PROPS_BY_QUESTION:
        yield from _by_question(language, own, english, named, cases)
        return
    pairs: list[Word] = [
        {"p1": named[a], "p2": named[b], "v1": v1, "v2": v2}
        for a, b in itertools.combinations(named, 2)
        for v1, v2 in itertools.product(own.given(a), own.given(b))
    ]
    qas = _qas(_filled(own.questions), own.answers)
    things = [tuple(o.split(separator)) for o in own.given("obj")]
    if language != "mr":
        yield _Group(contexts, qas, {"obj": things, "p": pairs}, cases)
        return
    meant = dict(zip(english.of("obj"), things, strict=False))
    for thing, word in meant.items():
        some = _meant(own.contexts, own.of("contexts_placeholders"), thing)
        yield _Group(some, qas, {"obj": [word], "p": pairs}, cases // len(meant))


def _meant(values: Sequence[str], conditions: Sequence[str], word: str) -> list[str]:
    """The values that go with an English word: by their condition, or all that have none."""
    return [
        value
        for value, condition in zip(values, conditions, strict=False)
        if _meets(word, condition) or (not condition and value)
    ]


def _by_question(
    language: str, own: _Entry, english: _Entry, named: Mapping[str, str], cases: int
) -> Iterator[_Group]:
    """Questions that ask for some properties only, of some things only."""
    ages: dict[str, str] = {}  # question -> the things whose age it asks for
    asks: dict[str, dict[str, None]] = {}
    conditions = own.of("questions_placeholders")
    for question, condition in zip(own.questions, conditions, strict=False):
        if language == "ru" and condition.startswith("age"):
            ages[question], condition = condition, "age"
        if condition or question:
            some = condition.strip().split(", ") if condition else english.of("property")
            asks.setdefault(question, {}).update(dict.fromkeys(some))
    separator = _SEPARATORS.get(language, ", ")
    things = dict(zip(english.of("obj"), own.given("obj"), strict=False))
    values = {
        (thing, p): _meant(own.of(p), own.of(f"{p}_placeholders"), thing)
        for thing in things
        for p in english.of("property")
    }
    count = int(cases // len(asks) / 10)
    count = 1 if language == "ru" else 3 * count if language == "pl" else count
    for (one, first), (two, second) in itertools.product(asks.items(), repeat=2):
        if not _both(language, (one, first), (two, second)):
            continue
        for thing, word in things.items():
            asked = [q for q, some in ((one, first), (two, second)) if "age" in some]
            if language in ("ru", "pl") and any(thing not in ages.get(q, "") for q in asked):
                continue
            pairs: list[Word] = [
                _pair(language, named, (a, v1), (b, v2))
                for a, b in itertools.product(first, second)
                if a != b
                for v1, v2 in itertools.product(values[thing, a], values[thing, b])
            ]
            contexts = _filled(own.contexts)
            if language == "nl":
                contexts = [_dutch(own)["material" if "material" in first else "color"]]
            qas = _qas([one, two], own.answers)
            yield _Group(contexts, qas, {"obj": [tuple(word.split(separator))], "p": pairs}, count)


Asking: TypeAlias = "tuple[str, Mapping[str, None]]"


def _both(language: str, one: Asking, two: Asking) -> bool:
    """Whether two questions are asked of one thing: the first of p1, the second of p2."""
    if language != "ru" and ("p1" not in one[0] or "p2" not in two[0]):
        return False
    return one[1].keys() != two[1].keys() or len(one[1]) > 1


def _pair(
    language: str, named: Mapping[str, str], one: tuple[str, str], two: tuple[str, str]
) -> dict[str, str]:
    """Two properties and their values; Russian questions, and Polish ones of age, name none."""
    found = {"v1": one[1], "v2": two[1]}
    for gap, (name, _) in (("p1", one), ("p2", two)):
        if language != "ru" and (language != "pl" or name != "age"):
            found[gap] = named[name]
    return found


def _dutch(own: _Entry) -> dict[str, str]:
    """Property -> the context that goes with it."""
    conditions = own.of("contexts_placeholders")
    pairs = zip(_filled(own.contexts), conditions, strict=False)
    return {p: context for context, condition in pairs for p in condition.split(", ")}


def _professions(language: str, own: _Entry, english: _Entry, cases: int) -> Iterator[_Group]:
    if language not in _PROFESSION_BY_JOB:
        words = {name: own.given(name) for name in ("nationality", "profession")}
        qas = _qas(_filled(own.questions), own.answers)
        yield _Group(_filled(own.contexts), qas, words, cases)
        return
    jobs = dict(zip(english.of("profession"), own.given("profession"), strict=False))
    for job, word in jobs.items():
        contexts, questions, nationalities = (
            _meant(values, own.of(f"{name}_placeholders"), job)
            for name, values in (
                ("contexts", own.contexts),
                ("questions", own.questions),
                ("nationality", own.of("nationality")),
            )
        )
        words = {"nationality": nationalities, "profession": [word]}
        count = int(cases // len(jobs) * 1.5)
        yield _Group(contexts, _qas(questions, own.answers), words, count)


def _animals(
    language: str, own: _Entry, english: _Entry, cases: int, lists: tuple[_Entry, _Entry]
) -> Iterator[_Group]:
    """Both tests of animals and vehicles; the words (own, English) are those of the first."""
    words, english_words = lists
    qas = _qas(_filled(own.questions), own.answers)
    animals, vehicles = words.given("animal"), words.given("vehicle")
    conditions = own.of("contexts_placeholders")
    if language in ("nl", "fi"):
        meant = dict(zip(english_words.of("animal"), animals, strict=False))
        for animal, word in meant.items():
            some = {"animal": [word], "vehicle": vehicles}
            contexts = _meant(own.contexts, conditions, animal)
            yield _Group(contexts, qas, some, cases // len(meant))
    elif language in ("ru", "tr"):
        contexts = _filled(own.contexts)
        meant = dict(zip(english.contexts, contexts, strict=False))
        said = {
            name: [
                word
                for word, condition in zip(
                    words.of(name), words.of(f"{name}_placeholders"), strict=False
                )
                if (any(c in condition for c in meant) if condition else word)
            ]
            for name in ("animal", "vehicle")
        }
        some = {name: list(dict.fromkeys(values)) for name, values in said.items()}
        yield _Group(list(meant.values()), qas, some, cases // len(meant))
    elif language == "qu" and own is words:
        for context, answers in zip(
            _filled(own.contexts)[:2], (own.answers, own.of("answer_placeholders")), strict=True
        ):
            some = {"animal": animals, "vehicle": vehicles}
            yield _Group([context], _qas(own.questions, answers), some, cases // 2)
    else:
        some = {"animal": animals, "vehicle": vehicles}
        yield _Group(_filled(own.contexts), qas, some, cases)


_GROUPS: Final = {
    _COMP: _comparisons, _INTENSE: _intensifiers, _PROPS: _properties, _PROFESSION: _professions,
}  # fmt: skip


def groups(
    language: str, own: Mapping[str, _Entry], english: Mapping[str, _Entry], name: str
) -> Iterator[_Group]:
    """The combinations of sentences and words that make up one test in one language."""
    if name in _GROUPS:
        return _GROUPS[name](language, own[name], english[name], CASES)
    lists = (own[_ANIMAL], english[_ANIMAL])
    return _animals(language, own[name], english[name], CASES, lists)


# ---------------------------------------------------------------------------- filling gaps


@functools.cache
def first_names() -> dict[tuple[str, str], list[str]]:
    """(language, "male" or "first_name") -> names."""
    lists: dict[tuple[str, str], list[str]] = {}
    file = resources.files("waystation.tasks").joinpath("multichecklist_names.tsv")
    for line in file.read_text(encoding="utf-8").splitlines():
        if not line.startswith("#"):
            language, kind, names = line.split("\t")
            lists[language, kind] = names.split("|")
    for language, kind in list(lists):
        if kind == "male":
            both = zip(lists[language, "male"], lists[language, "female"], strict=False)
            lists[language, "first_name"] = [name for pair in both for name in pair]
    return lists


def _gaps(group: _Group) -> dict[str, str]:
    """Gap -> list of words: `first_name1` and `first_name2` are filled from the same one."""
    strings = [*group.contexts, *(text for qa in group.qas for text in qa)]
    return {m[1] + m[2]: m[1] for text in strings for m in _GAP.finditer(text)}


def _choose(count: int, *what: object) -> int:
    """A number below count, the same for the same words on any machine."""
    digest = hashlib.sha256("\t".join(map(str, what)).encode()).digest()
    return int.from_bytes(digest[:8], "big") % count


def _fill(text: str, words: Mapping[str, Word]) -> str:
    def word(match: re.Match[str]) -> str:
        value = words[match[1] + match[2]]
        key = match[3] or match[4]
        if isinstance(value, str):
            return value
        return value[int(key)] if isinstance(value, tuple) else value[key]

    return _GAP.sub(word, text)


def _cases(
    language: str, own: Mapping[str, _Entry], english: Mapping[str, _Entry], name: str
) -> Iterator[list[tuple[str, str, str]]]:
    """The (context, question, answer) of each case of a test."""
    made = 0
    for place, group in enumerate(groups(language, own, english, name)):
        if name == _PROPS and made > CASES:
            return  # as there, where combinations would give thousands
        gaps = _gaps(group)
        known = first_names()
        lists = {
            gap: group.words.get(base) or known.get((language, base)) or known.get(("en", base), [])
            for gap, base in gaps.items()
        }
        for number in range(group.cases if all(lists.values()) else 0):
            words = {
                gap: some[_choose(len(some), language, name, place, number, gap)]
                for gap, some in lists.items()
            }
            if len({repr(word) for word in words.values()}) < len(words):
                continue
            made += 1
            yield [
                (_fill(context, words), _fill(question, words), _fill(answer, words))
                for context, (question, answer) in itertools.product(group.contexts, group.qas)
            ]


def made_of(path: Path, language: str) -> Iterator[SpanExample]:
    own, english = _entries(path, language), _entries(path, "en")
    for name in NAMES:
        if name not in own or name not in english:
            raise DataError(f"expected the templates of the test '{name}', found none", path)
    for short, name in zip(TESTS, NAMES, strict=True):
        yield from examples_of(language, short, _cases(language, own, english, name))


def examples_of(
    language: str, test: str, cases: Iterator[list[tuple[str, str, str]]]
) -> Iterator[SpanExample]:
    for number, case in enumerate(cases, 1):
        group = f"{language}/{test}/{number}"
        for place, (context, question, answer) in enumerate(case, 1):
            yield SpanExample(
                id=f"{group}/{place}",
                group=group,
                question=question,
                context=context,
                answers=(Answer(text=answer, start=context.find(answer)),),
            )
