"""Buckets: what the test items of a target are like, so that scores can be told apart by it.

As ExplainaBoard does (Liu et al. 2021; XTREME-R, Ruder et al. 2021, section 5), items are put into
buckets by length, label, answer type or chunk, and every route is scored on each bucket. Lengths
are put into quarters of one language's own items, the shortest to the longest: lengths do not
compare between scripts, and so every language counts alike in every quarter. Answer types are
told from the surface of the first gold answer alone, by the rules of `answer_type`.

`buckets_of` is pure; `collect_aspects` reads a study's store, examples and, for chunks, every
route's predictions, hashed while they are read. Scores and intervals are the report's. No torch.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple, cast

import numpy as np

from waystation.errors import StoreError
from waystation.examples import KINDS, from_json
from waystation.excerpts import Run
from waystation.languages import writes_spaces
from waystation.lock import Lock, task_of
from waystation.metrics import Metric, Statistics
from waystation.metrics.tagging import (
    CHUNK_F1,
    TOKEN_ACCURACY,
    UDPOS_F1,
    Split,
    chunks,
    split_first_letter,
    split_last_dash,
)
from waystation.plan import Plan, Route
from waystation.store import Store
from waystation.study import Study
from waystation.task import Task

QUARTERS: Final = ("shortest quarter", "second quarter", "third quarter", "longest quarter")
ANSWER_TYPES: Final = ("no answer", "number", "date-like", "person-like", "name-like", "other")
LONGEST_CHUNK: Final = 4
"""Chunks of so many words and more are one bucket."""
CAPITALISED: Final = 4
"""A run of more capitalised words is a title or a sentence rather than a name."""
_LENGTH: Final = (
    "its quarter of the language's own items by length (words; characters where words"
    " are not written apart)"
)


@dataclass(frozen=True, kw_only=True)
class Feature:
    """One way of putting the items of a target in one language into buckets.

    `places` has the position in `buckets` of each item, None where it is in none. A feature of
    parts of items (chunks) has `parts` instead: for each run the headline metric's statistics,
    float64[n, buckets, k], and in `counts` how many gold parts each bucket has.
    """

    name: str
    meaning: str
    buckets: tuple[str, ...]
    places: tuple[int | None, ...] = ()
    parts: Mapping[Run, Statistics] = field(default_factory=dict, repr=False)
    counts: tuple[int, ...] = ()


class Size(NamedTuple):
    """How much text a language's items are, and into how many tokens a backbone cuts it."""

    words: int
    characters: int
    tokens: Mapping[str, int]


@dataclass(frozen=True, kw_only=True)
class Aspects:
    """What is known of the test items of one target in one language besides their scores."""

    target: str
    language: str
    ids: tuple[str, ...]
    features: tuple[Feature, ...]
    size: Size


def buckets_of(
    task: Task[Any],
    examples: Sequence[Any],
    language: str,
    predictions: Mapping[Run, Sequence[Any]] | None = None,
) -> tuple[Feature, ...]:
    """Every way in which items of a task's kind are put into buckets; without gold, by texts only.

    `predictions` are those of each run, aligned with the examples; only chunks need them.
    """
    kind = task.kind
    found = [_lengths(_NAMES[kind], [_text(kind, e) for e in examples], language)]
    if kind == "classification" and all(e.label is not None for e in examples):
        labels = task.labels or tuple(sorted({e.label for e in examples}))
        found.append(_labels("label", "its gold label", labels, [e.label for e in examples]))
    if kind == "choice" and all(e.label is not None for e in examples):
        most = max((len(e.options) for e in examples), default=0)
        names = tuple(f"option {i + 1}" for i in range(most))
        right = [names[e.label] for e in examples]
        found.append(_labels("right option", "the place of its right option", names, right))
    if kind == "span" and all(e.answers is not None for e in examples):
        answers = [e.answers[0].text if e.answers else None for e in examples]
        found.append(_lengths("question length", [e.question for e in examples], language))
        found.append(_lengths("answer length", answers, language))
        types = [answer_type(a) for a in answers]
        found.append(_labels("answer type", _TYPES, ANSWER_TYPES, types))
    if kind == "tagging" and predictions and all(e.tags is not None for e in examples):
        found += _chunks(task.metrics[0], examples, predictions)
    return tuple(f for f in found if len(_filled(f)) > 1)


def _filled(feature: Feature) -> set[int]:
    if feature.parts:
        return {i for i, n in enumerate(feature.counts) if n}
    return {p for p in feature.places if p is not None}


# --- lengths and labels -----------------------------------------------------------------------

_NAMES: Final[Mapping[str, str]] = {
    "classification": "text length", "regression": "text length", "choice": "context length",
    "tagging": "sentence length", "span": "context length", "bitext": "sentence length",
    "query": "query length", "text": "prompt length", "code": "prompt length",
}  # fmt: skip
_FIELDS: Final[Mapping[str, tuple[str, ...]]] = {
    "classification": ("text", "pair"), "regression": ("text", "pair"), "choice": ("context",),
    "span": ("context",), "bitext": ("source",), "query": ("query",), "text": ("prompt",),
    "code": ("prompt",),
}  # fmt: skip


def _text(kind: str, example: Any) -> str | tuple[str, ...]:
    """The text whose length counts, or the words of a sentence to be tagged."""
    if kind == "tagging":
        return tuple(example.words)
    return " ".join(filter(None, (getattr(example, name) for name in _FIELDS[kind])))


def length(text: str | tuple[str, ...], language: str) -> int:
    """Words, or characters of a text whose language writes no spaces between them."""
    if not isinstance(text, str):
        return len(text)
    return len(text.split()) if writes_spaces(language) else len("".join(text.split()))


def _lengths(name: str, texts: Sequence[str | tuple[str, ...] | None], language: str) -> Feature:
    """Quarters by rank; items of one length are never parted, so quarters may differ in size."""
    sizes = [None if t is None else length(t, language) for t in texts]
    known = sorted(s for s in sizes if s is not None)
    counts, quarter, below = Counter(known), {}, 0
    for size in sorted(counts):
        middle = below + (counts[size] - 1) / 2
        quarter[size] = min(int(4 * middle / len(known)), 3)
        below += counts[size]
    places = tuple(None if s is None else quarter[s] for s in sizes)
    return Feature(name=name, meaning=_LENGTH, buckets=QUARTERS, places=places)


def _labels(name: str, meaning: str, buckets: tuple[str, ...], found: Sequence[str]) -> Feature:
    place = {bucket: i for i, bucket in enumerate(buckets)}
    places = tuple(place.get(label) for label in found)
    return Feature(name=name, meaning=meaning, buckets=buckets, places=places)


# --- answer types -----------------------------------------------------------------------------

_TYPES: Final = (
    "the surface of its first gold answer: number (digits, signs and at most one word), date-like"
    " (a year from 1000 to 2099, or digits parted as in 3/4/1999 or 5月4日, and at most four words"
    " of letters), person-like (two to four capitalised words), name-like (one), other (the rest,"
    " and names in scripts without capitals)"
)
_YEAR: Final = re.compile(r"(?<!\d)(1\d{3}|20\d{2})(?!\d)(?![.,]\d)")
_PARTED: Final = re.compile(r"\d{1,4}([./-])\d{1,2}\1\d{1,4}|\d+\s?[年月日년월일]")
# Small words inside names, which count for nothing as long as they are small, and the article.
_PARTICLES: Final = ("of", "the", "The", "de", "la", "del", "da", "di", "von", "van", "der", "al")


def answer_type(text: str | None) -> str:
    """One of `ANSWER_TYPES` by rules that look at characters only, the same in every language."""
    if text is None or not text.strip():
        return "no answer"
    plain = unicodedata.normalize("NFKC", text)  # full-width digits, and other scripts' below
    plain = "".join(str(unicodedata.decimal(c)) if c.isdecimal() else c for c in plain)
    words = [w.strip("\"'“”‘’«»()[],.;:!?") for w in plain.split()]
    words = [w for w in words if w]
    letters = [w for w in words if any(c.isalpha() for c in w)]
    digits = any(c.isdigit() for c in plain)
    if digits and len(letters) <= 4 and (_YEAR.search(plain) or _PARTED.search(plain)):
        return "date-like"
    if digits and len(letters) <= 1:
        return "number"
    if not digits and words and len(words) <= CAPITALISED:
        named = [w for w in words if w not in _PARTICLES]
        if named and all(w[0].isupper() for w in named):
            return "person-like" if len(named) > 1 else "name-like"
    return "other"


# --- chunks -----------------------------------------------------------------------------------


def _chunks(
    metric: Metric[Any, Any], examples: Sequence[Any], predictions: Mapping[Run, Sequence[Any]]
) -> Iterator[Feature]:
    """By type and, where chunks can have several words of a kind, by length in words."""
    if metric is TOKEN_ACCURACY:
        yield _tags(examples, predictions)
        return
    split = {id(CHUNK_F1): split_first_letter, id(UDPOS_F1): split_last_dash}.get(id(metric))
    if split is None:  # a user's own metric, of whose parts nothing is known
        return
    gold = [chunks(e.tags, split) for e in examples]
    types = tuple(sorted({c[0] for found in gold for c in found}))
    place = {name: i for i, name in enumerate(types)}
    yield _parts("chunk type", "the type of the chunk", types, gold, predictions, split,
                 lambda c: place.get(c[0]))  # fmt: skip
    if split is split_first_letter:
        sizes = (*map(str, range(1, LONGEST_CHUNK)), f"{LONGEST_CHUNK} or more")
        names = tuple(f"{s} word{'' if s == '1' else 's'}" for s in sizes)
        yield _parts("chunk length", "the number of words of the chunk", names, gold, predictions,
                     split, lambda c: min(c[2] - c[1], LONGEST_CHUNK - 1))  # fmt: skip


def _parts(
    name: str,
    meaning: str,
    buckets: tuple[str, ...],
    gold: Sequence[set[Any]],
    predictions: Mapping[Run, Sequence[Any]],
    split: Split,
    place: Any,
) -> Feature:
    """(correct, predicted, gold) of every item and bucket: what chunk F1 is made of."""
    wanted = np.zeros((len(gold), len(buckets)))
    for i, found in enumerate(gold):
        for chunk in found:
            wanted[i, place(chunk)] += 1
    parts: dict[Run, Statistics] = {}
    for run, outputs in predictions.items():
        counted = np.zeros((len(gold), len(buckets), 3))
        counted[:, :, 2] = wanted
        for i, output in enumerate(outputs):
            for chunk in chunks(output.tags, split):
                at = place(chunk)
                if at is not None:
                    counted[i, at, 0] += chunk in gold[i]
                    counted[i, at, 1] += 1
        parts[run] = counted
    counts = tuple(int(n) for n in wanted.sum(axis=0))
    return Feature(name=name, meaning=meaning, buckets=buckets, parts=parts, counts=counts)


def _tags(examples: Sequence[Any], predictions: Mapping[Run, Sequence[Any]]) -> Feature:
    """(right, words) of every item and gold tag."""
    tags = tuple(sorted({t for e in examples for t in e.tags}))
    place = {tag: i for i, tag in enumerate(tags)}
    parts: dict[Run, Statistics] = {}
    counts = np.zeros(len(tags))
    for run, outputs in predictions.items():
        counted = np.zeros((len(examples), len(tags), 2))
        for i, (example, output) in enumerate(zip(examples, outputs, strict=True)):
            for gold, found in zip(example.tags, output.tags, strict=True):
                counted[i, place[gold]] += (gold == found, 1)
        parts[run], counts = counted, counted[:, :, 1].sum(axis=0)
    whole = tuple(int(n) for n in counts)
    return Feature(name="tag", meaning="the gold tag of a word", buckets=tags, parts=parts,
                   counts=whole)  # fmt: skip


# --- from a store -----------------------------------------------------------------------------


def collect_aspects(lock: Lock, plan: Plan, store: Store, study: Study) -> tuple[Aspects, ...]:
    """The aspects of every target and language that has predictions, in the study's order."""
    targets = {t["name"]: t for t in cast("Any", lock["targets"])}
    tasks = {name: task_of(t["ref"], study.path.resolve().parent) for name, t in targets.items()}
    digests = {name: entry["digest"] for name, entry in cast("Any", lock["data"]).items()}
    grouped: dict[tuple[str, str], list[Route]] = {}
    for route in plan.routes:  # a store may be passed on without its data or predictions
        if store.has_data(digests[route.data]) and store.state(route.predict) == "done":
            grouped.setdefault((route.target, route.language), []).append(route)
    order = {name: i for i, name in enumerate(targets)}
    return tuple(
        _aspects(tasks[target], language, routes, digests[routes[0].data], store)
        for (target, language), routes in sorted(grouped.items(), key=lambda g: order[g[0][0]])
    )


def _aspects(
    task: Task[Any], language: str, routes: Sequence[Route], digest: str, store: Store
) -> Aspects:
    examples = store.data(digest, task.example)
    predictions: dict[Run, Sequence[Any]] = {}
    for route in routes if task.kind == "tagging" else ():
        run = Run(route.backbone, route.stop, route.seed)
        predictions[run] = _predictions(store, route.predict, task.kind, examples)
    return Aspects(
        target=routes[0].target,
        language=language,
        ids=tuple(e.id for e in cast("Any", examples)),
        features=buckets_of(task, examples, language, predictions),
        size=_size(task.kind, examples, language, routes, store),
    )


_INPUTS: Final[Mapping[str, Callable[[Any], Iterable[str]]]] = {
    "classification": lambda e: (e.text, e.pair or ""),
    "regression": lambda e: (e.text, e.pair or ""),
    "choice": lambda e: (part for option in e.options for part in (e.context, option)),
    "tagging": lambda e: e.words,
    "span": lambda e: (e.question, e.context),
}
"""The texts whose tokens a predict step counts. Retrieval's are those of two languages."""


def _size(
    kind: str, examples: Sequence[Any], language: str, routes: Sequence[Route], store: Store
) -> Size:
    """Words and characters of the inputs, with the tokens that predict steps counted in them.

    Steps of older stores counted none; questions in another language than their context would
    say nothing of either.
    """
    if kind not in _INPUTS or language.partition("-")[2].islower():
        return Size(0, 0, {})
    tokens: dict[str, int] = {}
    for route in routes:
        if route.backbone not in tokens and store.outputs(route.predict, "lengths.json"):
            found = cast("Any", store.read_json(route.predict, "lengths.json"))
            tokens[route.backbone] = int(found["tokens"])
    texts = [text for example in examples for text in _INPUTS[kind](example)]
    words = sum(len(text.split()) for text in texts)
    return Size(words, sum(map(len, texts)), tokens)


def _predictions(store: Store, key: str, kind: str, examples: Sequence[Any]) -> list[Any]:
    lines = store.read(key, "predictions.jsonl").decode().split("\n")
    found = [from_json(KINDS[kind][1], json.loads(line)) for line in lines if line]
    ids = [getattr(p, "id", None) for p in found]
    if ids != [e.id for e in examples]:
        raise StoreError(
            f"expected {key} to have one prediction for each of its {len(examples)} examples, in"
            " their order, found other ids; delete that step and run the study again."
        )
    return found
