"""Readers of the files in which pairs of sentences are released; see `pairs.py`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

from waystation import readers
from waystation.errors import DataError
from waystation.examples import ClassificationExample, RegressionExample, digest
from waystation.tasks import Read

NLI: Final = ("entailment", "neutral", "contradiction")
NLI_NAMES: Final[Mapping[str, str]] = {
    **{label: label for label in NLI},
    "contradictory": "contradiction",  # XNLI and its MNLI training file
}
LETTERS: Final = {"e": "entailment", "n": "neutral", "c": "contradiction"}
BINARY: Final = {"0": "0", "1": "1"}


def _group(text: str) -> str:
    """The group of pairs with the same first sentence."""
    return digest(text)[:12]


def _pair(
    path: Path, line: int, id_: str, texts: tuple[str, str], label: str | None, group: str | None
) -> ClassificationExample:
    text, pair = (readers.filled(t, "a sentence", path, line) for t in texts)
    return ClassificationExample(id=id_, group=group, text=text, pair=pair, label=label)


def table(
    columns: tuple[str, str, str],
    names: Mapping[str, str],
    id_: str | None = None,
    grouped: bool = False,
    may_break: int = 0,
) -> Read:
    """Reader of tables with a header; the label may be missing in the test split only.

    Without a column `id_` a pair's id is its row's number, from 1.
    """
    first, second, gold = columns

    def read(files: Sequence[Path], _: str, split: str) -> Iterator[ClassificationExample]:
        needed = (first, second) if split == "test" else columns
        for path in files:
            rows = readers.table(path, needed, may_break)
            for number, (line, row) in enumerate(rows, 1):
                if row.get(gold) == "-" and "-" not in names:
                    continue
                label = row.get(gold)
                if label is not None:
                    label = readers.one_of(label, names, f"'{gold}'", path, line)
                own = row[id_] if id_ in row else str(number)
                group = _group(row[first]) if grouped else None
                yield _pair(path, line, own, (row[first], row[second]), label, group)

    return read


def jsonl(keys: tuple[str, str, str, str], names: Mapping[str, str]) -> Read:
    """Reader of JSON lines with (id, first, second, label); "-" is left out."""
    id_, first, second, gold = keys

    def read(files: Sequence[Path], _: str, split: str) -> Iterator[ClassificationExample]:
        for path in files:
            for line, row in readers.jsonl(path):
                value = readers.take(row, gold, str, path, line)
                if value == "-":
                    continue
                label = readers.one_of(value, names, f"'{gold}'", path, line)
                texts = tuple(readers.take(row, key, str, path, line) for key in (first, second))
                own = readers.take(row, id_, str, path, line)
                yield _pair(path, line, own, (texts[0], texts[1]), label, _group(texts[0]))

    return read


def xtreme(names: Mapping[str, str], group: str) -> Read:
    """Reader of XTREME's header-less pairs; `group` says what is parallel across languages."""

    def read(files: Sequence[Path], _: str, split: str) -> Iterator[ClassificationExample]:
        path = files[0]
        counts = (2, 3) if split == "test" else (3,)
        golds = [*readers.lines(files[1])] if len(files) > 1 else []
        rows = [*readers.written_by_csv(path, counts)]
        if golds and len(golds) != len(rows):
            raise DataError(
                f"expected {len(rows)} labels, one for each line of {path.name}, found"
                f" {len(golds)}; the files must be line-aligned",
                files[1],
            )
        for line, cells in rows:
            label = cells[2] if len(cells) == 3 else None
            where = path
            if golds:
                label, where = golds[line - 1][1], files[1]
            if label is not None:
                label = readers.one_of(label.strip(), names, "the label", where, line)
            yield _pair(
                path, line, str(line), (cells[0], cells[1]), label, _parallel(group, line, cells[0])
            )

    return read


def _parallel(group: str, line: int, text: str) -> str:
    if group == "triple":  # XNLI gives each premise three hypotheses, one after the other
        return f"p{(line - 1) // 3}"
    return f"s{line}" if group == "line" else _group(text)


def xnli_release(
    files: Sequence[Path], language: str, split: str
) -> Iterator[ClassificationExample]:
    """XNLI-1.0's own tables, all languages in one file; ids count a language's rows from 1."""
    columns = ("language", "gold_label", "sentence1", "sentence2")
    number = 0
    for line, row in readers.table(files[0], columns):
        if row["language"] == language:
            number += 1
            label = readers.one_of(row["gold_label"], NLI_NAMES, "'gold_label'", files[0], line)
            texts = (row["sentence1"], row["sentence2"])
            group = _parallel("triple", number, row["sentence1"])
            yield _pair(files[0], line, str(number), texts, label, group)


def pawsx_release(
    files: Sequence[Path], language: str, split: str
) -> Iterator[ClassificationExample]:
    """PAWS-X's own tables; an id stands for the same pair in every language."""
    for line, row in readers.table(files[0], ("id", "sentence1", "sentence2", "label")):
        label = readers.one_of(row["label"], BINARY, "'label'", files[0], line)
        texts = (row["sentence1"], row["sentence2"])
        yield _pair(files[0], line, row["id"], texts, label, f"s{row['id']}")


def infersent(files: Sequence[Path], _: str, split: str) -> Iterator[ClassificationExample]:
    """Three line-aligned files: premises, hypotheses, labels."""
    for line, (text, pair, gold) in readers.parallel(files):
        if gold != "-":
            label = readers.one_of(gold, NLI_NAMES, "the label", files[2], line)
            yield _pair(files[0], line, str(line), (text, pair), label, _group(text))


def anli_csv(files: Sequence[Path], _: str, split: str) -> Iterator[ClassificationExample]:
    for path in files:
        for line, row in readers.csv_table(path, ("uid", "context", "statement", "gold_label")):
            label = readers.one_of(row["gold_label"], LETTERS, "'gold_label'", path, line)
            texts = (row["context"], row["statement"])
            yield _pair(path, line, row["uid"], texts, label, _group(texts[0]))


def sts(files: Sequence[Path], _: str, split: str) -> Iterator[RegressionExample]:
    path = files[0]
    columns = ("index", "sentence1", "sentence2", "score")[: 3 if split == "test" else 4]
    for line, row in readers.table(path, columns):
        score = row.get("score")
        value = None if score is None else readers.number(score, "'score'", path, line)
        if value is not None and not 0 <= value <= 5:
            raise DataError(f"expected 'score' between 0 and 5, found {score}", path, line)
        text, pair = (
            readers.filled(row[key], "a sentence", path, line) for key in ("sentence1", "sentence2")
        )
        yield RegressionExample(id=row["index"], text=text, pair=pair, value=value)
