"""Writes a study file to start from: commented, valid, for tasks by name or the user's own file.

For own data the header is read, and columns that were not named are proposed from their names
and contents. What is written is read back before it is put in place, so that it loads.
"""

from __future__ import annotations

import csv
import json
import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from waystation.errors import StudyFaults, UserError, suggest
from waystation.study import load_study
from waystation.task import CATALOGUE

TEXTS: Final = ("text", "sentence", "body", "review", "content", "comment", "title", "premise")
LABELS: Final = ("label", "class", "category", "sentiment", "stars", "rating", "intent", "topic")
SAMPLE_ROWS: Final = 500
MANY_NUMBERS: Final = 10
"""More different numbers than this in a label column are values to predict, not classes."""


@dataclass(frozen=True, kw_only=True)
class OwnFile:
    """The user's own training file, and what the command line said of it."""

    path: Path
    text: str | None = None
    pair: str | None = None
    label: str | None = None
    language: str = "en"
    evaluate: tuple[str, ...] = ()
    """`tag=file` for each language to evaluate."""


def write_study(file: Path, *, targets: Sequence[str] = (), own: OwnFile | None = None) -> None:
    """Write a study of the named tasks, or of the user's file. Refuses to overwrite."""
    if file.exists():
        raise UserError(
            f"expected {file} to be new, found a file there; choose another name or delete it."
        )
    if not file.parent.is_dir():
        raise UserError(f"expected the folder {file.parent}, found none; create it first.")
    for name in targets:
        if name not in CATALOGUE and ":" not in name:
            raise UserError(
                f"expected the name of a task, found '{name}'.{suggest(name, CATALOGUE)}"
                " `waystation tasks` lists them."
            )
    entries = [f"  - {name}" for name in targets]
    if own is not None:
        entries += _own_entry(own, file.parent)
    real = own is None and any(not name.startswith("pocket-") for name in targets)
    parts = {
        "NAME": re.sub(r"[^\w.-]+", "-", file.stem),
        "STOPS": _REAL_STOPS if real else _POCKET_STOPS,
        "TARGETS": "\n".join(entries or ["  - pocket-pos", "  - pocket-nli"]),
    }
    text = _TEMPLATE
    for part, value in parts.items():
        text = text.replace(part, value, 1)
    _write(file, text)


def _write(file: Path, text: str) -> None:
    """Put a study in place once it loads."""
    draft = file.with_name(f".{file.name}.draft")
    try:
        draft.write_text(text, encoding="utf-8")
        load_study(draft)
        draft.rename(file)
    except StudyFaults as error:
        raise StudyFaults([f.replace(str(draft), str(file)) for f in error.faults]) from None
    except OSError as error:
        raise UserError(f"expected to write {file}, found '{error.strerror}'.") from None
    finally:
        draft.unlink(missing_ok=True)


_TEMPLATE: Final = """\
# A Waystation study. `waystation plan FILE` shows what would run, `waystation run FILE` runs it.
name: NAME

# What is trained: a packaged model (`waystation models`), a folder, or a hub id (owner/name).
backbones: [multilingual-e5-small]

# Every route runs once per seed; fewer than three say little about noise.
seeds: [0, 1, 2]

# Stops between the backbone and the targets. `none`, the baseline, is always there.
STOPS
# What is evaluated after each stop. A target is first fine-tuned on its own training data.
targets:
TARGETS

# How every stage trains; `overrides:` changes it for one task, `train:` in an entry for that one.
train: {learning_rate: 2e-5, epochs: 3, batch_size: 32, max_tokens: 128}
"""

_POCKET_STOPS: Final = """\
# `pocket` tasks come with the package and show the path; they are no source of findings. Real
# ones, such as snli or commonsenseqa, need their files: `waystation tasks NAME`, then --data DIR.
intermediate:
  - none
  - {task: pocket-paraphrase, examples: 2000}
"""

_REAL_STOPS: Final = """\
# Their files are looked for under --data DIR; `waystation tasks NAME` says under which names.
intermediate:
  - none
  - snli
  - commonsenseqa
  - {mix: [snli, commonsenseqa], rates: proportional, cap: 20000}
"""


def _own_entry(own: OwnFile, folder: Path) -> list[str]:
    """The lines of a target from the user's own file."""
    format = own.path.suffix.removeprefix(".").lower()
    if format not in ("csv", "tsv", "jsonl"):
        raise UserError(
            f"expected a file that ends in .csv, .tsv or .jsonl, found {own.path}; rename it."
        )
    rows = list(_rows(own.path, format))
    chosen = _with_columns(own, rows)
    labels = [str(row.get(chosen.label or "")) for row in rows]
    kind = "regression" if _is_numbers(labels) else "classification"
    columns = [("text", chosen.text), ("pair", chosen.pair), ("label", chosen.label)]
    tests = dict(_tests(chosen, format))
    lines = [
        f"  # {len(rows) if len(rows) < SAMPLE_ROWS else f'The first {len(rows)}'} rows looked at:"
        f" columns {', '.join(map(repr, rows[0]))}.",
        f"  - {format}: {_scalar(_relative(own.path, folder))}",
        f"    kind: {kind}",
        *(f"    {name}: {_scalar(column)}" for name, column in columns if column is not None),
        f"    language: {own.language}",
    ]
    if tests:
        lines.append("    evaluate:")
        lines += [f"      {tag}: {_scalar(_relative(p, folder))}" for tag, p in tests.items()]
    else:
        lines.append("    split: dev  # a tenth of the rows; or `evaluate: {de: FILE}`, test files")
    return lines


def _relative(path: Path, folder: Path) -> str:
    return Path(os.path.relpath(path.absolute(), folder.absolute())).as_posix()


def _scalar(text: str) -> str:
    """A YAML scalar; quoted as JSON where it could be read as anything but this text."""
    plain = re.fullmatch(r"[A-Za-z][\w./-]*", text)
    return text if plain and text not in ("true", "false", "null") else json.dumps(text)


def _rows(path: Path, format: str) -> Iterator[dict[str, Any]]:
    """The first rows of a file, by column. Whether all of it is sound is judged on loading."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as opened:
            rows: Iterator[dict[str, Any]]
            if format == "jsonl":
                rows = (json.loads(line) for line in opened if line.strip())
            elif format == "csv":
                rows = csv.DictReader(opened)
            else:
                rows = csv.DictReader(opened, delimiter="\t", quoting=csv.QUOTE_NONE)
            found = [dict(row) for row, _ in zip(rows, range(SAMPLE_ROWS), strict=False)]
    except OSError as error:
        raise UserError(
            f"expected your examples in {path}, found '{error.strerror}'; check the path."
        ) from None
    except (ValueError, TypeError, csv.Error) as error:
        raise UserError(f"expected {format.upper()} rows in {path}, found {error}.") from None
    if not found:
        raise UserError(f"expected a header and rows in {path}, found no row; add examples.")
    yield from found


def _with_columns(own: OwnFile, rows: Sequence[dict[str, Any]]) -> OwnFile:
    """With a column for text and label: the ones named, else the likeliest."""
    columns = [name for name in rows[0] if name is not None]
    for option in ("text", "pair", "label"):
        named = getattr(own, option)
        if named is not None and named not in columns:
            raise UserError(
                f"expected --{option} to name a column of {own.path} ({', '.join(columns)}),"
                f" found '{named}'.{suggest(named, columns)}"
            )
    free = [c for c in columns if c not in (own.text, own.pair, own.label)]
    text = own.text or _named(free, TEXTS) or _longest(free, rows)
    free = [c for c in free if c != text]
    label = own.label or _named(free, LABELS) or _fewest_values(free, rows)
    if text is None or label is None:
        raise UserError(
            f"expected a column of texts and one of labels in {own.path}, found"
            f" {', '.join(columns)}; name them with --text and --label."
        )
    return replace(own, text=text, label=label)


def _named(columns: Sequence[str], names: Sequence[str]) -> str | None:
    lowered = {column.lower(): column for column in reversed(columns)}
    return next((lowered[name] for name in names if name in lowered), None)


def _longest(columns: Sequence[str], rows: Sequence[dict[str, Any]]) -> str | None:
    lengths = {c: sum(len(str(row.get(c) or "")) for row in rows) for c in columns}
    return max(columns, key=lambda c: lengths[c], default=None)


def _fewest_values(columns: Sequence[str], rows: Sequence[dict[str, Any]]) -> str | None:
    """The column that repeats its values most, provided that it has two and repeats them."""
    counts = {c: len({str(row.get(c)) for row in rows}) for c in columns}
    able = [c for c in columns if 2 <= counts[c] <= len(rows) / 2]
    return min(able, key=lambda c: counts[c], default=None)


def _is_numbers(values: Sequence[str]) -> bool:
    try:
        return len({float(value) for value in values}) > MANY_NUMBERS
    except ValueError:
        return False


def _tests(own: OwnFile, format: str) -> Iterator[tuple[str, Path]]:
    """Language and path of each test file, all with the training file's columns."""
    for text in own.evaluate:
        tag, equals, name = text.partition("=")
        if not equals or not name:
            raise UserError(f"expected --evaluate TAG=FILE, such as de=de.csv, found '{text}'.")
        path = Path(name)
        header = next(_rows(path, format))
        missing = [c for c in (own.text, own.pair, own.label) if c and c not in header]
        if missing:
            raise UserError(
                f"expected the columns of {own.path} in {path}, found no '{missing[0]}'"
                f" ({', '.join(header)}); give all files the same columns."
            )
        yield tag, path
