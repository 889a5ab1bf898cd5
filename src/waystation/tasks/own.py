"""A task from the user's own CSV, TSV, JSONL or parallel text files, without any Python.

Kinds: classification (single texts or pairs), regression, tagging, bitext (a sentence and its
translation: two columns, or two files with a sentence a line, as WMT and OPUS have them). Labels
are collected from the training file, so that file is read when the task is made. CSV follows RFC
4180 (quotes around cells with commas); TSV has no quoting. Tagging takes words and tags separated
by spaces, or lists in JSONL. Without a dev file a tenth of the training rows, chosen by hash of
their ids, is dev.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Final, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field

from waystation import readers
from waystation.errors import DataError, UserError
from waystation.examples import (
    BitextExample,
    ClassificationExample,
    RegressionExample,
    TaggingExample,
    digest,
)
from waystation.languages import check_tag
from waystation.metrics import Metric
from waystation.metrics.labels import ACCURACY, CORRELATION
from waystation.metrics.retrieval import ACCURACY as RETRIEVED
from waystation.metrics.tagging import CHUNK_F1, TOKEN_ACCURACY
from waystation.task import CATALOGUE, Layout, Task
from waystation.tasks.parallel import bitext

_DEV_SHARE: Final = 10
_EXAMPLES: Final[Mapping[str, type]] = {
    "classification": ClassificationExample,
    "regression": RegressionExample,
    "tagging": TaggingExample,
    "bitext": BitextExample,
}
Sides: TypeAlias = Annotated[
    str | tuple[str, str], Field(description="a file, or {source: FILE, target: FILE}")
]
"""A file; of parallel text, the file of sentences and that of their translations."""


class OwnData(BaseModel):
    """What a study says of the user's own files; paths are relative to the study's folder."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    format: Literal["csv", "tsv", "jsonl", "parallel"]
    path: Sides
    """The training file."""
    kind: Literal["classification", "regression", "tagging", "bitext"]
    name: str | None = None
    """The task's name; None takes the training file's."""
    text: str = "text"
    pair: str | None = None
    """The column of the second text, where examples are pairs; of the translation in a bitext."""
    label: str = "label"
    """The column of the label, or of the number for regression."""
    words: str = "tokens"
    tags: str = "tags"
    id: str | None = None
    """The column of ids; None numbers the rows from 1."""
    language: str = "en"
    """That of the source side, where it is a bitext."""
    dev: Sides | None = None
    evaluate: dict[str, Sides] = {}
    """Language tag to test file."""

    @property
    def called(self) -> str:
        """The task's name."""
        return self.name or Path(self.first).name.split(".")[0]

    @property
    def first(self) -> str:
        """The training file, or the first of the two."""
        return self.path if isinstance(self.path, str) else self.path[0]


def task_of(own: OwnData, beside: Path) -> Task[Any]:
    """The Task of the user's own files, labels collected from the training file."""
    name = own.called
    if name in CATALOGUE:
        raise UserError(
            f"expected a name that no built-in task has, found '{name}' (from {own.first});"
            " add `name:` to that entry."
        )
    for tag in (own.language, *own.evaluate):
        check_tag(tag)
    files = _files(own, beside)
    if own.kind == "bitext" and own.format != "parallel" and own.pair is None:
        raise UserError(
            f"expected `pair:`, the column of {own.first} that holds the translations of"
            f" '{own.text}', found none; name it."
        )
    labels = () if own.kind in ("regression", "bitext") else _labels(own, files["train"][0])
    return Task(
        name=name,
        version=1,
        summary=f"{own.kind} from {own.first}",
        example=_EXAMPLES[own.kind],
        layouts=(_layout(own, files, labels),),
        languages=tuple(dict.fromkeys((own.language, *own.evaluate))),
        splits=("train", "dev", "test"),
        labels=labels,
        metrics=_metrics(own, labels),
        source_language=own.language,
        chance=100 / len(labels) if own.kind == "classification" else None,
        source="the user's own files",
    )


def _files(own: OwnData, beside: Path) -> dict[str, tuple[Path, ...]]:
    """The files of `train`, of `dev`, and of each language to evaluate."""
    named = {"train": own.path, "dev": own.dev or own.path} | own.evaluate
    files = {name: _absolute(sides, beside) for name, sides in named.items()}
    for path in (path for found in files.values() for path in found):
        if not path.is_file():
            raise UserError(
                f"expected the file {path} that the study names, found none;"
                " paths are relative to the study's folder."
            )
    return files


def _absolute(sides: Sides, beside: Path) -> tuple[Path, ...]:
    names = (sides,) if isinstance(sides, str) else sides
    return tuple((beside / name).absolute() for name in names)


def _layout(
    own: OwnData, files: Mapping[str, tuple[Path, ...]], labels: tuple[str, ...]
) -> Layout[Any]:
    def paths(language: str, split: str) -> tuple[str, ...]:
        if split == "test":
            return tuple(map(str, files[language])) if language in own.evaluate else ()
        return tuple(map(str, files[split])) if language == own.language else ()

    def read(found: Sequence[Path], _: str, split: str) -> Iterator[Any]:
        if own.format == "parallel":
            examples: list[Any] = list(bitext(found, own.language, split))
        else:
            examples = [_example(own, row, found[0], labels) for row in _rows(own, found[0])]
        if own.dev is not None or split == "test":
            yield from examples
            return
        held = _held_out([example.id for example in examples], found[0])
        yield from (e for e in examples if (e.id in held) == (split == "dev"))

    return Layout(paths=paths, read=read)


def _held_out(ids: Sequence[str], path: Path) -> frozenset[str]:
    if len(ids) < 2:
        raise DataError(
            f"expected at least 2 rows, one of them for dev, found {len(ids)};"
            " add rows or name a `dev:` file",
            path,
        )
    ranked = sorted(ids, key=lambda id_: (hashlib.sha256(id_.encode()).hexdigest(), id_))
    return frozenset(ranked[: max(1, len(ids) // _DEV_SHARE)])


def _columns(own: OwnData) -> tuple[str, ...]:
    given: dict[str, tuple[str | None, ...]] = {
        "tagging": (own.words, own.tags),
        "bitext": (own.text, own.pair),
    }
    columns = given.get(own.kind, (own.text, own.pair, own.label))
    return tuple(column for column in (*columns, own.id) if column is not None)


def _rows(own: OwnData, path: Path) -> Iterator[tuple[int, str, Mapping[str, Any]]]:
    """(line, id, row) of a file; only the columns that the task reads have to be there."""
    if own.format == "jsonl":
        rows: Iterator[tuple[int, Mapping[str, Any]]] = readers.jsonl(path)
    elif own.format == "csv":
        rows = readers.csv_table(path, _columns(own))
    else:
        rows = readers.table(path, _columns(own))
    for number, (line, row) in enumerate(rows, 1):
        name = str(number) if own.id is None else _scalar(row, own.id, path, line)
        yield line, name, row


def _scalar(row: Mapping[str, Any], column: str, path: Path, line: int) -> str:
    """A cell as text; JSON whole numbers and truth values are written as JSON does."""
    value = readers.take(row, column, object, path, line)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return str(value)
    if not isinstance(value, str):
        shown = json.dumps(value, ensure_ascii=False)[:80]
        raise DataError(f"expected '{column}' to be text or a number, found {shown}", path, line)
    return value


def _words(row: Mapping[str, Any], column: str, path: Path, line: int) -> tuple[str, ...]:
    value = readers.take(row, column, object, path, line)
    parts = value.split() if isinstance(value, str) else value
    if not isinstance(parts, list) or not parts:
        raise DataError(
            f"expected '{column}' to be a list, or words with spaces between them, found {value!r}",
            path,
            line,
        )
    for part in parts:
        if not isinstance(part, str) or not part.strip():
            raise DataError(f"expected text in '{column}', found {part!r}", path, line)
    return tuple(parts)


def _labels(own: OwnData, path: Path) -> tuple[str, ...]:
    found: set[str] = set()
    count = 0
    for line, _, row in _rows(own, path):
        count += 1
        if own.kind == "tagging":
            found.update(_words(row, own.tags, path, line))
        else:
            found.add(_scalar(row, own.label, path, line))
    column = own.tags if own.kind == "tagging" else own.label
    if len(found) < 2:
        shown = f"only '{min(found)}'" if found else "none"
        raise DataError(f"expected at least two labels in column '{column}', found {shown}", path)
    if count >= 20 and len(found) > count / 2:
        raise DataError(
            f"expected '{column}' to hold labels, found {len(found)} different values in {count}"
            " rows; name the column of labels, or use `kind: regression` for numbers",
            path,
        )
    return tuple(sorted(found))


def _example(
    own: OwnData, row: tuple[int, str, Mapping[str, Any]], path: Path, labels: tuple[str, ...]
) -> BitextExample | ClassificationExample | RegressionExample | TaggingExample:
    line, id_, cells = row
    known = {label: label for label in labels}
    if own.kind == "tagging":
        words, tags = (_words(cells, column, path, line) for column in (own.words, own.tags))
        if len(words) != len(tags):
            raise DataError(
                f"expected as many tags as words, found {len(tags)} tags for {len(words)} words",
                path,
                line,
            )
        for tag in tags:
            readers.one_of(tag, known, "the tag (all that training has)", path, line)
        return TaggingExample(id=id_, words=words, tags=tags)
    text = _scalar(cells, own.text, path, line)
    pair = _scalar(cells, own.pair, path, line) if own.pair is not None else None
    if own.kind == "bitext":
        source = readers.filled(text, "a sentence", path, line)
        target = readers.filled(pair or "", "a sentence", path, line)
        return BitextExample(id=id_, group=digest(target)[:12], source=source, target=target)
    gold = _scalar(cells, own.label, path, line)
    if own.kind == "regression":
        value = readers.number(gold, f"'{own.label}'", path, line)
        return RegressionExample(id=id_, text=text, pair=pair, value=value)
    label = readers.one_of(gold, known, f"'{own.label}' (all that training has)", path, line)
    return ClassificationExample(id=id_, text=text, pair=pair, label=label)


def _metrics(own: OwnData, labels: Sequence[str]) -> tuple[Metric[Any, Any], ...]:
    if own.kind == "classification":
        return (ACCURACY,)
    if own.kind == "regression":
        return (CORRELATION,)
    if own.kind == "bitext":
        return (RETRIEVED,)
    chunks = "O" in labels and all(label == "O" or label[:2] in ("B-", "I-") for label in labels)
    return (CHUNK_F1, TOKEN_ACCURACY) if chunks else (TOKEN_ACCURACY,)
