"""The official prediction and gold files of each kind, read into examples and predictions.

One value a line (labels, numbers, positions, texts), one tag a line with empty lines between
sentences, JSON objects of id to answer or ranking, and pairs of ids. The layouts are those that
google-research/xtreme@838c13b, `evaluate.py`, reads; LAReQA has none there and takes Mewsli-X's.
Every value is checked. Which file is which is decided in `files.py`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, TypeAlias

from waystation import readers
from waystation.errors import DataError, shown, some, suggest
from waystation.examples import (
    BitextExample,
    ChoiceExample,
    ChoicePrediction,
    ClassificationExample,
    LabelPrediction,
    Neighbours,
    QueryExample,
    RegressionExample,
    RetrievalPrediction,
    SpanPrediction,
    TaggingExample,
    TagsPrediction,
    TextExample,
    TextPrediction,
    ValuePrediction,
)
from waystation.task import Task

Row: TypeAlias = "tuple[int, Any]"  # line number, what the line says
Pair: TypeAlias = "tuple[str, str]"


def _position(name: str, value: str) -> RetrievalPrediction:
    """The nearest sentence of the language to an English one, which is the backward search."""
    found = Neighbours(forward=(), forward_scores=(), backward=(value,), backward_scores=())
    return RetrievalPrediction(id=name, variants={"": found})


PREDICTION: Final[Mapping[str, Callable[[str, Any], Any]]] = {
    "classification": lambda name, value: LabelPrediction(id=name, label=value),
    "regression": lambda name, value: ValuePrediction(id=name, value=value),
    "choice": lambda name, value: ChoicePrediction(id=name, label=value),
    "tagging": lambda name, value: TagsPrediction(id=name, tags=value),
    "bitext": _position,
    "text": lambda name, value: TextPrediction(id=name, text=value),
}
"""From the value of a line to a prediction, by kind."""


def examples(task: Task[Any], path: Path, records: list[Row] | None) -> list[Any]:
    """Gold without ids becomes examples named by their line; their inputs are not known."""
    found = rows(task, path, records)
    if not found:
        raise DataError("expected references, found an empty file", path)
    if task.kind == "bitext":
        return [BitextExample(id=value, source="", target="") for _, value in found]
    make: dict[str, Callable[[str, Any], Any]] = {
        "classification": lambda n, v: ClassificationExample(id=n, text="", label=v),
        "regression": lambda n, v: RegressionExample(id=n, text="", value=v),
        "tagging": lambda n, v: TaggingExample(id=n, words=("",) * len(v), tags=v),
        "text": lambda n, v: TextExample(id=n, prompt="", completion=v),
    }
    if task.kind == "choice":
        options = [_options(record) for _, record in records or []]
        count = max((len(o) for o in options), default=0) or 1 + max(v for _, v in found)
        return [
            ChoiceExample(id=str(line), context="", options=("",) * max(2, count), label=value)
            for line, value in found
        ]
    return [make[task.kind](str(line), value) for line, value in found]


def _options(record: Mapping[str, Any]) -> list[str]:
    return [key for key in record if key.startswith(("choice", "answer", "option"))]


def rows(task: Task[Any], path: Path, records: list[Row] | None) -> list[Row]:
    """(line, value) of an official file, each value checked."""
    if task.kind == "tagging":
        return _sentences(task, path)
    if task.kind == "choice" and records is not None:
        return [(n, readers.take(r, "label", int, path, n)) for n, r in records]
    lines = [(number, row.strip()) for number, row in readers.lines(path)]
    if task.kind == "text":
        return list(lines)
    while lines and not lines[-1][1]:
        lines.pop()
    return [(number, _parsed(task, row, path, number)) for number, row in lines]


def _parsed(task: Task[Any], row: str, path: Path, line: int) -> Any:
    if task.kind == "classification":
        return _label(task, row, path, line)
    wanted, parse = _PARSE[task.kind]
    try:
        return parse(row)
    except ValueError as error:
        raise DataError(f"expected {wanted}, found '{shown(row)}'", path, line) from error


def _whole(text: str) -> str:
    if not text.isdecimal():
        raise ValueError(text)
    return str(int(text))


_PARSE: Final[Mapping[str, tuple[str, Callable[[str], Any]]]] = {
    "regression": ("a number", float),
    "choice": ("the position of an option, from 0", int),
    "bitext": ("the position of a line, a whole number from 0", _whole),
}


def _label(task: Task[Any], label: str, path: Path, line: int) -> str:
    if not label or (task.labels and label not in task.labels):
        raise DataError(
            f"expected one of {task.name}'s labels {some(task.labels, 24) or '(any text)'},"
            f" found '{shown(label)}'.{_advice(label, task.labels)}",
            path,
            line,
        )
    return label


def _advice(label: str, labels: Sequence[str]) -> str:
    if "\t" in label:
        return " Give the column of labels alone."
    if "\r" in label:
        return " The file's line ends are bare carriage returns: convert them to line feeds."
    return suggest(label[:60], labels)


def _sentences(task: Task[Any], path: Path) -> list[Row]:
    """(first line, tags) of sentences with empty lines between them."""
    found: list[Row] = []
    tags: list[str] = []
    start = 1
    for number, row in [*readers.lines(path), (0, "")]:
        if row.strip():
            start = start if tags else number
            tags.append(_label(task, row.strip(), path, number))
        elif tags:
            found.append((start, tuple(tags)))
            tags = []
    return found


class _Object(list[tuple[str, Any]]):
    """A JSON object with its double keys."""


def _json(path: Path) -> Any:
    """The one JSON value of a file, objects as `_Object`; None where it is not one value."""
    try:
        return json.loads(readers.text(path), object_pairs_hook=_Object)
    except ValueError:
        return None  # more than one object: JSON lines


def _shown(value: object) -> str:
    def plain(value: object) -> object:
        if isinstance(value, _Object):
            return {key: plain(one) for key, one in value}
        return [plain(one) for one in value] if isinstance(value, list) else value

    return json.dumps(plain(value), ensure_ascii=False)[:80]


def answers(path: Path) -> list[SpanPrediction]:
    """`{id: text}` as SQuAD's script reads it, or our JSONL."""
    pairs = _json(path)
    if isinstance(pairs, _Object) and not {"id", "text"} <= {key for key, _ in pairs}:
        return [SpanPrediction(id=key, text=_answer(key, value, path)) for key, value in pairs]
    found = []
    for line, record in readers.jsonl(path):
        if "id" not in record or not isinstance(record.get("text"), str):
            raise DataError(
                "expected one JSON object of id -> answer text, or one line with 'id' and 'text'"
                f" per question, found {', '.join(record)[:80]}",
                path,
                line,
            )
        found.append(SpanPrediction(id=str(record["id"]), text=record["text"]))
    return found


def _answer(name: str, value: object, path: Path) -> str:
    if not isinstance(value, str):
        raise DataError(
            f"expected the answer to '{name}' to be text, found {_shown(value)}",
            path,
        )
    return value


def rankings(path: Path) -> list[tuple[str, tuple[str, ...]]] | None:
    """(query, candidates from the best down) of a JSON object of lists; None for JSON lines."""
    pairs = _json(path)
    if isinstance(pairs, _Object) and {"id", "variants"} <= {key for key, _ in pairs}:
        return None
    if pairs is None and readers.text(path).lstrip().startswith('{"'):
        return None
    if not isinstance(pairs, _Object):
        raise DataError(
            "expected one JSON object of query id -> list of candidate ids, the best first, found"
            " something else",
            path,
        )
    return [(name, _ranking(name, value, path)) for name, value in pairs]


def _ranking(name: str, value: object, path: Path) -> tuple[str, ...]:
    good = isinstance(value, list) and not isinstance(value, _Object) and bool(value)
    if not good or not all(isinstance(v, str) and v.strip() for v in value):  # type: ignore[attr-defined]
        raise DataError(
            f"expected a list of at least one candidate id for '{name}', found {_shown(value)}",
            path,
        )
    found = tuple(v.strip() for v in value)  # type: ignore[attr-defined]
    if len(set(found)) < len(found):
        twice = next(v for v in found if found.count(v) > 1)
        raise DataError(
            f"expected each candidate once in the ranking of '{name}', found '{twice}' twice;"
            " remove one",
            path,
        )
    return found


def ranked(found: Iterable[tuple[str, tuple[str, ...]]]) -> list[RetrievalPrediction]:
    """Rankings as predictions."""
    return [
        RetrievalPrediction(
            id=name, variants={"": Neighbours(forward=ids, forward_scores=())}
        )
        for name, ids in found
    ]  # fmt: skip


def relevant(found: Iterable[tuple[str, tuple[str, ...]]]) -> list[QueryExample]:
    """Gold rankings as examples: every id listed is a right one."""
    return [QueryExample(id=name, query="", relevant=ids) for name, ids in found]


def pairs(path: Path) -> list[tuple[int, Pair]]:
    """(line, (source id, target id)) of mined or gold pairs, each once."""
    found: dict[Pair, int] = {}
    for line, row in readers.lines(path):
        if not row.strip():
            continue
        cells = [cell.strip() for cell in row.split("\t")]
        if len(cells) != 2 or not all(cells) or any(c.isspace() for cell in cells for c in cell):
            raise DataError(
                f"expected a source id, a tab and a target id, found {_shown(row)}", path, line
            )
        pair = (cells[0], cells[1])
        if pair in found:
            raise DataError(
                f"expected each pair once, found '{pair[0]}' with '{pair[1]}' again (line"
                f" {found[pair]}); remove one",
                path,
                line,
            )
        found[pair] = line
    return [(line, pair) for pair, line in found.items()]


def mined(
    predicted: Sequence[Pair], gold: Sequence[Pair]
) -> tuple[list[RetrievalPrediction], list[QueryExample]]:
    """Two sets of pairs as predictions and examples of the sources that occur in either."""
    targets: dict[str, tuple[list[str], list[str]]] = {}
    for which, found in enumerate((predicted, gold)):
        for source, target in found:
            targets.setdefault(source, ([], []))[which].append(target)
    ours = ranked((source, tuple(both[0])) for source, both in targets.items())
    return ours, relevant((source, tuple(both[1])) for source, both in targets.items())
