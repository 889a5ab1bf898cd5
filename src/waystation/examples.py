"""The words of the project: examples, their predictions, and the kind that joins them.

The type of a task's examples decides the head that predicts them and the predictions that come
out: one row of `KINDS`. Every example keeps its dataset's own `id` and, where there is one, its
`group` (paragraph, problem, parallel sentence), which the statistics resample by. Gold is None
where it is unpublished; nothing here ever invents it.

Canonical JSON lines of examples are what digests are taken of, so field names and their order
are part of every step's key. No torch, no numpy, no file access.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, fields
from typing import Final, TypeAlias, cast

JSON: TypeAlias = "bool | int | float | str | list[JSON] | dict[str, JSON] | None"


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassificationExample:
    """A text, or a pair of texts, with one label."""

    id: str
    group: str | None = None
    text: str
    pair: str | None = None
    label: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RegressionExample:
    """A text, or a pair of texts, with a number."""

    id: str
    group: str | None = None
    text: str
    pair: str | None = None
    value: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ChoiceExample:
    """A context (question included) and options, of which `label` (from 0) is right."""

    id: str
    group: str | None = None
    context: str
    options: tuple[str, ...]
    label: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TaggingExample:
    """Words with one tag each."""

    id: str
    group: str | None = None
    words: tuple[str, ...]
    tags: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """An answer's text and where it starts, in characters of the context."""

    text: str
    start: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SpanExample:
    """A question on a context. `answers=()` is unanswerable; None is unpublished gold."""

    id: str
    group: str | None = None
    question: str
    context: str
    answers: tuple[Answer, ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class BitextExample:
    """A sentence and its translation; the targets of one file are its candidate pool."""

    id: str
    group: str | None = None
    source: str
    target: str


@dataclass(frozen=True, slots=True, kw_only=True)
class QueryExample:
    """A query and the ids of its relevant candidates, () where none is; the pool is the task's."""

    id: str
    group: str | None = None
    query: str
    relevant: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """One item of a pool that queries search, with the text around it where that is told."""

    id: str
    language: str = ""
    text: str
    context: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class TextExample:
    """A prompt and the text that should follow it."""

    id: str
    group: str | None = None
    prompt: str
    completion: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CodeExample:
    """A programming problem with the tests that decide it."""

    id: str
    group: str | None = None
    prompt: str
    tests: str
    entry_point: str
    programming_language: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LineExample:
    """A line of text without any label; a language model's gold is the text itself."""

    id: str
    group: str | None = None
    text: str


Example: TypeAlias = (
    ClassificationExample
    | RegressionExample
    | ChoiceExample
    | TaggingExample
    | SpanExample
    | BitextExample
    | QueryExample
    | TextExample
    | CodeExample
    | LineExample
)


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelPrediction:
    """One label, with the head's scores in the order of the task's labels (may be empty)."""

    id: str
    label: str
    scores: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ValuePrediction:
    """One number."""

    id: str
    value: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ChoicePrediction:
    """The chosen option's position (from 0), with one score per option (may be empty)."""

    id: str
    label: int
    scores: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class TagsPrediction:
    """One tag per word."""

    id: str
    tags: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SpanPrediction:
    """The answer's text, empty where the model says that there is none."""

    id: str
    text: str
    score: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Neighbours:
    """The nearest candidates' ids and scores, best first, in both directions of a bitext."""

    forward: tuple[str, ...]
    forward_scores: tuple[float, ...]
    backward: tuple[str, ...] = ()
    backward_scores: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class RetrievalPrediction:
    """Neighbours per variant; a variant is a layer and a pooling, named like `8/mean`."""

    id: str
    variants: dict[str, Neighbours]


@dataclass(frozen=True, slots=True, kw_only=True)
class TextPrediction:
    """Generated text."""

    id: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LossPrediction:
    """What a language model pays for a text: the sum over its predicted tokens, in nats."""

    id: str
    loss: float
    tokens: int
    """Predicted tokens: all but the first, or those that were masked."""


Prediction: TypeAlias = (
    LabelPrediction
    | ValuePrediction
    | ChoicePrediction
    | TagsPrediction
    | SpanPrediction
    | RetrievalPrediction
    | TextPrediction
    | LossPrediction
)

KINDS: Final[Mapping[str, tuple[type, type]]] = {
    "classification": (ClassificationExample, LabelPrediction),
    "regression": (RegressionExample, ValuePrediction),
    "choice": (ChoiceExample, ChoicePrediction),
    "tagging": (TaggingExample, TagsPrediction),
    "span": (SpanExample, SpanPrediction),
    "bitext": (BitextExample, RetrievalPrediction),
    "query": (QueryExample, RetrievalPrediction),
    "text": (TextExample, TextPrediction),
    "code": (CodeExample, TextPrediction),
    "lm": (LineExample, LossPrediction),
}

GOLD: Final[Mapping[str, str]] = {
    "classification": "label",
    "regression": "value",
    "choice": "label",
    "tagging": "tags",
    "span": "answers",
    "bitext": "target",
    "query": "relevant",
    "text": "completion",
    "code": "tests",
    "lm": "text",
}
"""The field that is gold, by kind; None where gold is unpublished."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HeadSpec:
    """What makes two heads the same one: kind, label set and the options that shape it.

    Heads of equal spec are shared between tasks and kept between stages where asked. `options`
    are sorted pairs of strings, for instance (("first_piece", "non-empty"),).
    """

    kind: str
    labels: tuple[str, ...] = ()
    options: tuple[tuple[str, str], ...] = ()

    @property
    def name(self) -> str:
        """A short stable name, `classification-1a2b3c`, for files and module keys."""
        return f"{self.kind}-{digest(to_json(self))[:6]}"

    def option(self, name: str, default: str) -> str:
        """The value of one option, or `default`."""
        return dict(self.options).get(name, default)


def kind_of(example: type) -> str:
    """The kind that an example type belongs to; raises KeyError for a type outside KINDS."""
    for kind, (type_, _) in KINDS.items():
        if type_ is example:
            return kind
    raise KeyError(f"{example.__name__} is not an example type")


def canonical(value: JSON) -> str:
    """The one JSON text of a value: sorted keys, no spaces, no escapes, NaN refused."""
    return json.dumps(
        value, ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False
    )


def digest(value: JSON) -> str:
    """sha256 in hex of a value's canonical JSON."""
    return hashlib.sha256(canonical(value).encode()).hexdigest()


def to_json(item: object) -> dict[str, JSON]:
    """An example, prediction or spec as plain JSON, tuples as lists."""
    return cast("dict[str, JSON]", json.loads(json.dumps(asdict(item))))  # type: ignore[call-overload]


def from_json(type_: type, data: Mapping[str, JSON]) -> object:
    """The inverse of `to_json` for the types of this module."""
    values: dict[str, object] = {}
    for field in fields(type_):
        if field.name in data:
            values[field.name] = _revive(field.name, data[field.name])
    return type_(**values)


def _revive(name: str, value: JSON) -> object:
    if name == "answers" and isinstance(value, list):
        return tuple(Answer(**cast("dict[str, JSON]", a)) for a in value)  # type: ignore[arg-type]
    if name == "variants" and isinstance(value, dict):
        return {k: from_json(Neighbours, cast("dict[str, JSON]", v)) for k, v in value.items()}
    if name == "options" and isinstance(value, list) and value and isinstance(value[0], list):
        return tuple(tuple(cast("list[str]", pair)) for pair in value)
    return tuple(value) if isinstance(value, list) else value


def digest_of_lines(items: Iterable[object]) -> str:
    """sha256 in hex over the canonical JSON lines of examples or predictions, in order."""
    hashed = hashlib.sha256()
    for item in items:
        hashed.update(canonical(to_json(item)).encode() + b"\n")
    return hashed.hexdigest()
