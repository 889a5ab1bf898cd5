"""`score_files`: two files against each other, in XTREME's submission layouts or in our own.

References, by what they look like: the official gold file (one label, tag, number or line index
a line; SQuAD JSON; XCOPA's JSONL), the data set's own file under its official name, or our
examples as JSONL. Predictions: the official layout (matched by order, question answering by id),
or our predictions as JSONL (matched by id, which the references must then have).
google-research/xtreme@838c13b, `evaluate.py`, is the reference; unlike it, nothing here is
scored as wrong that is really missing, unknown or double. Byte order marks and CRLF are no fault.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from fnmatch import fnmatch
from pathlib import Path
from typing import Any, Final, TypeAlias

from waystation import readers
from waystation.errors import DataError, UserError, suggest
from waystation.examples import (
    JSON,
    KINDS,
    BitextExample,
    ChoiceExample,
    ChoicePrediction,
    ClassificationExample,
    LabelPrediction,
    Neighbours,
    RegressionExample,
    RetrievalPrediction,
    SpanPrediction,
    TaggingExample,
    TagsPrediction,
    TextExample,
    TextPrediction,
    ValuePrediction,
    from_json,
)
from waystation.score.scoring import score
from waystation.task import Task

Row: TypeAlias = "tuple[int, Any]"  # line number, what the line says

# The field of a prediction or example in JSON that must be there, and its type.
_PREDICTED: Final[Mapping[str, tuple[str, type | tuple[type, ...]]]] = {
    "classification": ("label", str),
    "regression": ("value", (int, float)),
    "choice": ("label", int),
    "tagging": ("tags", list),
    "span": ("text", str),
    "bitext": ("variants", dict),
    "text": ("text", str),
}


def score_files(
    task: Task[Any], predictions: Path, references: Path, language: str
) -> dict[str, JSON]:
    """The official metric of a task on two files; what `score` returns."""
    if task.kind not in _PREDICTED:
        raise UserError(
            f"expected a task that is scored from files, found {task.name} of the kind"
            f" {task.kind}; `waystation tasks` lists kinds."
        )
    if task.kind == "span":
        examples = _span_references(references)
        return score(task, _span_predictions(predictions), examples, language)
    gold, ours = _records(references), _records(predictions)
    have_ids = ours is not None and _have(ours, "id")
    if gold is not None and _have(gold, "id"):
        examples = [_example(task, row, references) for row in gold]
    elif have_ids or not _is_gold_alone(task, references):
        examples = _dataset(task, references, language, have_ids)
    else:
        examples = _official_references(task, references, gold)
        return _by_order(task, predictions, ours, examples, language)
    if ours is not None and have_ids:
        return score(task, _own(task, ours, predictions), examples, language)
    if task.kind == "bitext":
        raise DataError(
            "expected JSONL predictions with the ids of the references, found positions of lines,"
            " which only a gold file of positions explains",
            predictions,
        )
    return _by_order(task, predictions, ours, examples, language)


def _is_gold_alone(task: Task[Any], path: Path) -> bool:
    """Whether a reference file is the gold column only, judged by its first line."""
    first = next((row for _, row in readers.lines(path)), "")
    if task.kind == "bitext":
        return not first.strip() or first.strip().isdecimal()
    return task.kind in ("text", "regression") or not ("\t" in first or first.startswith("#"))


def _dataset(task: Task[Any], path: Path, language: str, need_ids: bool) -> list[Any]:
    """The examples of a data set's own file, known by the name that the task gives it.

    Files that belong to it (the other side of a bitext) are looked for beside it.
    """
    names: dict[str, None] = {}
    for layout in task.layouts:
        for split in task.splits:
            wanted = [Path(p).name for p in layout.paths(language, split)]
            if any(fnmatch(path.name, name) for name in wanted):
                here = [path if fnmatch(path.name, n) else path.parent / n for n in wanted]
                return list(layout.read(here, language, split))
            names |= dict.fromkeys(wanted)
    plain = "JSONL with the ids of the predictions" if need_ids else "one gold value a line"
    raise DataError(
        f"expected {plain}, or a file named as {task.name} names its own for '{language}'"
        f" ({', '.join(names) or 'it has none'}), found neither",
        path,
    )


def _by_order(
    task: Task[Any],
    path: Path,
    records: list[Row] | None,
    examples: Sequence[Any],
    language: str,
) -> dict[str, JSON]:
    """Official predictions, which have no ids: the n-th line belongs to the n-th example."""
    rows = _rows(task, path, records)
    if len(rows) != len(examples):
        what = "sentences" if task.kind == "tagging" else "lines"
        raise DataError(
            f"expected {len(examples)} {what}, as many as the references have, found {len(rows)};"
            " predict the whole split, one prediction per example in the same order",
            path,
        )
    make = _MAKE[task.kind]
    found = []
    for (line, value), example in zip(rows, examples, strict=True):
        if task.kind == "tagging" and len(value) != len(example.tags or value):
            raise DataError(
                f"expected {len(example.tags)} tags in this sentence, as the references have,"
                f" found {len(value)}; predict exactly one tag per word",
                path,
                line,
            )
        found.append(make(example.id, value))
    return score(task, found, examples, language)


_MAKE: Final[Mapping[str, Callable[[str, Any], Any]]] = {
    "classification": lambda name, value: LabelPrediction(id=name, label=value),
    "regression": lambda name, value: ValuePrediction(id=name, value=value),
    "choice": lambda name, value: ChoicePrediction(id=name, label=value),
    "tagging": lambda name, value: TagsPrediction(id=name, tags=value),
    "bitext": lambda name, value: RetrievalPrediction(
        id=name, variants={"": Neighbours(forward=(value,), forward_scores=())}
    ),
    "text": lambda name, value: TextPrediction(id=name, text=value),
}


def _official_references(task: Task[Any], path: Path, records: list[Row] | None) -> list[Any]:
    """Gold without ids becomes examples named by their line; their inputs are not known."""
    rows = _rows(task, path, records)
    if not rows:
        raise DataError("expected references, found an empty file", path)
    if task.kind == "bitext":
        return [BitextExample(id=value, source="", target="") for _, value in rows]
    make: dict[str, Callable[[str, Any], Any]] = {
        "classification": lambda n, v: ClassificationExample(id=n, text="", label=v),
        "regression": lambda n, v: RegressionExample(id=n, text="", value=v),
        "tagging": lambda n, v: TaggingExample(id=n, words=("",) * len(v), tags=v),
        "text": lambda n, v: TextExample(id=n, prompt="", completion=v),
    }
    if task.kind == "choice":
        options = [_options(record) for _, record in records or []]
        count = max((len(o) for o in options), default=0) or 1 + max(v for _, v in rows)
        return [
            ChoiceExample(id=str(line), context="", options=("",) * count, label=value)
            for line, value in rows
        ]
    return [make[task.kind](str(line), value) for line, value in rows]


def _options(record: Mapping[str, Any]) -> list[str]:
    return [key for key in record if key.startswith(("choice", "answer", "option"))]


def _rows(task: Task[Any], path: Path, records: list[Row] | None) -> list[Row]:
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
        raise DataError(f"expected {wanted}, found '{row}'", path, line) from error


_PARSE: Final[Mapping[str, tuple[str, Callable[[str], Any]]]] = {
    "regression": ("a number", float),
    "choice": ("the position of an option, from 0", int),
    "bitext": ("the position of a line, a whole number", lambda text: str(int(text))),
}


def _label(task: Task[Any], label: str, path: Path, line: int) -> str:
    if not label or (task.labels and label not in task.labels):
        raise DataError(
            f"expected one of {task.name}'s labels {', '.join(task.labels) or '(any text)'},"
            f" found '{label}'.{suggest(label, task.labels)}",
            path,
            line,
        )
    return label


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


def _records(path: Path) -> list[Row] | None:
    """The JSON objects of a JSONL file; None where it is not one."""
    start = readers.text(path).lstrip()
    return list(readers.jsonl(path)) if start.startswith("{") else None


def _have(records: Iterable[Row], key: str) -> bool:
    return any(key in record for _, record in records)


def _own(task: Task[Any], records: Iterable[Row], path: Path) -> list[Any]:
    """Our own predictions; the field that says something is checked, others may be missing."""
    field, type_ = _PREDICTED[task.kind]
    found = []
    for line, record in records:
        name = readers.take(record, "id", str, path, line)
        value = record.get(field)
        if not isinstance(value, type_) or isinstance(value, bool):
            raise DataError(
                f"expected id '{name}' to have '{field}', as predictions of {task.kind} do, found"
                f" {json.dumps(value, ensure_ascii=False)[:80]}",
                path,
                line,
            )
        found.append(from_json(KINDS[task.kind][1], record))
    return found


def _example(task: Task[Any], row: Row, path: Path) -> Any:
    line, record = row
    try:
        return from_json(task.example, record)
    except TypeError as error:
        raise DataError(
            f"expected the fields of a {task.example.__name__}, found"
            f" {', '.join(record)} ({error})",
            path,
            line,
        ) from error


class _Pairs(list[tuple[str, Any]]):
    """A JSON object with its double keys."""


def _answer(name: str, value: object, path: Path) -> str:
    if not isinstance(value, str):
        raise DataError(
            f"expected the answer to '{name}' to be text, found"
            f" {json.dumps(value, ensure_ascii=False)[:80]}",
            path,
        )
    return value


def _span_references(path: Path) -> list[Any]:
    return [example for _, example in readers.squad(path)]


def _span_predictions(path: Path) -> list[SpanPrediction]:
    """`{id: text}` as SQuAD's script reads it, or our JSONL."""
    try:
        pairs = json.loads(readers.text(path), object_pairs_hook=_Pairs)
    except ValueError:
        pairs = None  # more than one object: JSON lines
    if isinstance(pairs, _Pairs) and not {"id", "text"} <= {key for key, _ in pairs}:
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
