"""Reading for `check`: what a study reads, and after a bad row everything that follows it.

Readers stop at the first row that is not as the format promises, since nothing may be mended on
the way into a study. Here such a file is read on: it is cut into pieces of some rows under its
first line, each is read by the task's own reader from a copy, a row that it refuses is written
down and left out, and so on to the end. Rows are lines, sentences (tagging), records (CSV) or
questions (SQuAD JSON); files that must be line-aligned are cut alike. The examples then come
from a copy of the whole without its bad rows. Where ids are line numbers they are others then,
so that such a part is not compared with other languages. Hub data, and files whose fault has no
place in them, are not read on.
"""

from __future__ import annotations

import bz2
import gzip
import json
import tempfile
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final, TypeAlias

from waystation import readers, sources
from waystation.check.findings import Finding, Severity
from waystation.check.texts import normalised
from waystation.errors import DataError, UserError
from waystation.examples import Candidate
from waystation.hub_files import Hub
from waystation.sources import Place, SourceFile
from waystation.task import Layout, Task

_PIECE: Final = 200  # rows read together
_ROUNDS: Final = 20  # faults that only the whole shows, such as a second file's


class Pool:
    """The candidates that queries search, by id and by text."""

    def __init__(self, candidates: Sequence[Candidate]) -> None:
        self.candidates = candidates
        self.by_id = {candidate.id: candidate for candidate in candidates}
        self.by_text: dict[str, list[str]] = {}
        for candidate in candidates:
            self.by_text.setdefault(self.text_of(candidate), []).append(candidate.id)

    @staticmethod
    def text_of(candidate: Candidate) -> str:
        """What is embedded of a candidate, in the form in which texts are compared."""
        return f"{normalised(candidate.text)}\t{normalised(candidate.context)}"

    def same_text(self, name: str) -> Sequence[str]:
        """The ids of the candidates with the text of this one."""
        return self.by_text[self.text_of(self.by_id[name])]


@dataclass(frozen=True, kw_only=True)
class Part:
    """One language and (single) split of a task as it could be read."""

    task: Task[Any]
    name: str
    """What the study calls the task."""
    language: str
    split: str
    examples: tuple[Any, ...] = ()
    files: tuple[SourceFile, ...] = ()
    findings: tuple[Finding, ...] = ()
    pool: Pool | None = None

    @property
    def whole(self) -> bool:
        """Whether every row could be read, so that ids are those of the release."""
        return bool(self.examples) and not self.findings

    def finding(
        self,
        code: str,
        severity: Severity,
        count: int,
        message: str,
        examples: Sequence[str] = (),
    ) -> Finding:
        """A finding in this language and split."""
        return Finding(
            code=code,
            severity=severity,
            task=self.name,
            language=self.language,
            split=self.split,
            count=count,
            message=message,
            examples=tuple(examples),
        )


def read(task: Task[Any], name: str, data: Place, language: str, split: str) -> Part:
    """One language and split, with a finding for everything that keeps a study from reading it."""
    part = Part(task=task, name=name, language=language, split=split)

    def finding(code: str, count: int, message: str, where: Sequence[str] = ()) -> Finding:
        return part.finding(code, "error", count, message, where)

    try:
        loaded = sources.load(task, data, language, split)
        return replace(part, examples=loaded.examples, files=loaded.files)
    except DataError as error:
        first = error
    except UserError as error:
        return replace(part, findings=(finding("missing-files", 1, str(error)),))
    found = sources.find(task, data, language, split)
    if not found.files or (task.hub is not None and isinstance(data, Hub)):
        return replace(part, findings=(finding("unreadable-file", 1, str(first)),))
    examples, bad, stopped = _read_on(found.layout, found.files, language, split)
    findings = []
    if bad:
        message = (
            f"{len(bad)} {'row is' if len(bad) == 1 else 'rows are'} not as the format promises,"
            " which stops a study: correct or remove them"
        )
        shown = [_located(error, data) for error in bad]
        findings.append(finding("bad-row", len(bad), message, shown))
    if stopped is not None:
        findings.append(finding("unreadable-file", 1, _located(stopped, data)))
    kept, more = _checked(task, examples, finding)
    findings += more
    if not findings:  # whatever else a study would stop at
        findings.append(finding("unreadable-file", 1, _located(first, data)))
    files = tuple(sources.source_file(path, data) for path in found.files)
    return replace(part, examples=kept, files=files, findings=tuple(findings))


def _located(error: DataError, data: Place) -> str:
    """`path:line: message` with the path under the data folder."""
    path = Path(error.path)
    under = isinstance(data, Path) and path.is_relative_to(data)
    shown = path.relative_to(data).as_posix() if isinstance(data, Path) and under else error.path
    return f"{shown}{f':{error.line}' if error.line else ''}: {_message(error)}"


def _message(error: DataError) -> str:
    where = f"{error.path}:{error.line}: " if error.line is not None else f"{error.path}: "
    return str(error).removeprefix(where)


def _checked(
    task: Task[Any], examples: Sequence[Any], finding: Any
) -> tuple[tuple[Any, ...], list[Finding]]:
    """The examples that a study could take, and what is wrong with the others."""
    kept: dict[str, Any] = {}
    repeated: list[str] = []
    bad: list[str] = []
    for example in examples:
        try:
            sources.check_example(task, example, task.name)
        except DataError as error:
            bad.append(_message(error))
            continue
        if kept.setdefault(example.id, example) is not example:
            repeated.append(example.id)
    findings = []
    if bad:
        message = f"{len(bad)} examples do not fit the task, which stops a study: correct them"
        findings.append(finding("bad-example", len(bad), message, bad))
    if repeated:
        message = (
            f"{len(repeated)} examples have the id of an earlier one, which stops a study:"
            " rename or remove them"
        )
        findings.append(finding("repeated-id", len(repeated), message, repeated))
    return tuple(kept.values()), findings


# ---------------------------------------------------------------------------- reading on


@dataclass
class _Rows:
    """A file cut into rows; `ends` is the last line of each."""

    path: Path
    texts: list[str]
    ends: list[int]
    release: Any = None
    """SQuAD JSON: rows are questions, and `texts` their ids."""
    bad: dict[int, DataError] = field(default_factory=dict)


def _read_on(
    layout: Layout[Any], files: Sequence[Path], language: str, split: str
) -> tuple[list[Any], list[DataError], DataError | None]:
    """(good examples, one error a bad row in the order of the files, what ended the reading)."""
    try:
        cut = [_cut(path) for path in files]
    except DataError as error:
        return [], [], error
    aligned = len(cut) > 1 and len({len(rows.texts) for rows in cut}) == 1
    with tempfile.TemporaryDirectory(prefix="waystation-check-") as folder:

        def attempt(
            group: list[_Rows], chosen: list[list[int]]
        ) -> tuple[list[Any], DataError | None, tuple[int, int] | None]:
            """(examples, error, (file, row) of the error) of copies with the chosen rows."""
            paths = [
                _write(Path(folder) / str(i), rows, some)
                for i, (rows, some) in enumerate(zip(group, chosen, strict=True))
            ]
            try:
                return [*layout.read(paths, language, split)], None, None
            except DataError as error:
                which = next((i for i, path in enumerate(paths) if str(path) == error.path), None)
                if which is None:
                    return [], error, None
                found = _row(group[which], chosen[which], error)
                row, line = found if found is not None else (None, None)
                own = DataError(_message(error), group[which].path, line)
                return [], own, None if row is None else (which, row)

        for group in [cut] if aligned else [[rows] for rows in cut]:
            if (header := _find_bad(group, attempt)) is not None:
                return [], [], header
        examples, stopped = _good(cut, aligned, attempt)
    bad = [rows.bad[i] for rows in cut for i in sorted(rows.bad)]
    return examples, bad, stopped


_Attempt: TypeAlias = (
    "Callable[[list[_Rows], list[list[int]]],"
    " tuple[list[Any], DataError | None, tuple[int, int] | None]]"
)


def _find_bad(group: list[_Rows], attempt: _Attempt) -> DataError | None:
    """Note the bad rows of a file, or of line-aligned ones; the error of a bad header."""
    count, lead = len(group[0].texts), 0
    for start in range(0, count, _PIECE):
        rows = [*range(start, min(start + _PIECE, count))]
        rows = rows if start == 0 or group[0].release is not None else [lead, *rows]
        while rows:
            _, error, place = attempt(group, [rows] * len(group))
            if error is None or place is None:
                break
            which, row = place
            if row == lead == 0 and group[0].release is None:
                if "header" in str(error) or "each column" in str(error):
                    return error
                lead = rows[1] if len(rows) > 1 else 0
            group[which].bad[row] = error
            rows = [i for i in rows if i != row]
    return None


def _good(cut: list[_Rows], aligned: bool, attempt: _Attempt) -> tuple[list[Any], DataError | None]:
    """The examples of all good rows, and the error that could not be passed."""
    error: DataError | None = None
    for _ in range(_ROUNDS):
        together = {i for rows in cut for i in rows.bad} if aligned else set()
        chosen = [
            [i for i in range(len(rows.texts)) if i not in rows.bad and i not in together]
            for rows in cut
        ]
        examples, error, place = attempt(cut, chosen)
        if error is None or place is None:
            return examples, error
        cut[place[0]].bad[place[1]] = error
    return [], error


def _row(rows: _Rows, chosen: Sequence[int], error: DataError) -> tuple[int, int | None] | None:
    """(row, line of the file) that an error in a copy of the chosen rows is about."""
    if rows.release is not None:
        named = [i for i in chosen if f"'{rows.texts[i]}'" in str(error)]
        return (named[0], None) if len(named) == 1 else None
    if error.line is None:
        return None
    before = 0
    for i in chosen:
        start = rows.ends[i - 1] if i else 0
        if error.line <= before + rows.ends[i] - start:
            return i, start + error.line - before
        before += rows.ends[i] - start
    return None


def _cut(path: Path) -> _Rows:
    """A file's rows. Raises DataError where it cannot be decoded or is no JSON."""
    inner = Path(path.stem) if path.suffix in (".gz", ".bz2") else path
    if inner.suffix == ".json":
        return _questions(path)
    lines = _lines(path)
    if inner.suffix == ".csv":
        ends = list(_records(lines))
    elif inner.suffix != ".jsonl" and any(not line.strip() for line in lines[1:-1]):
        ends = [i for i, line in enumerate(lines, 1) if not line.strip() or i == len(lines)]
    else:
        ends = list(range(1, len(lines) + 1))
    starts = [0, *ends][: len(ends)]
    texts = ["".join(lines[a:b]) for a, b in zip(starts, ends, strict=True)]
    return _Rows(path, texts, ends)


def _lines(path: Path) -> list[str]:
    """Lines with their ends; bytes that are not UTF-8 survive the way into a copy."""
    try:
        raw = path.read_bytes()
        if path.suffix in (".gz", ".bz2"):
            raw = (gzip if path.suffix == ".gz" else bz2).decompress(raw)
    except (EOFError, OSError, zlib.error) as error:
        raise DataError(f"expected a readable file, found: {error}", path) from error
    text = raw.decode("utf-8", errors="surrogateescape")
    return [f"{line}\n" for line in text.removesuffix("\n").split("\n")] if text else []


def _records(lines: Sequence[str]) -> Iterator[int]:
    """The last lines of CSV records: those after which all quotes are closed."""
    quotes = 0
    for number, line in enumerate(lines, 1):
        quotes += line.count('"')
        if quotes % 2 == 0 or number == len(lines):
            yield number
            quotes = 0


def _questions(path: Path) -> _Rows:
    try:
        release = json.loads(readers.text(path))
        ids = [str(q["id"]) for a in release["data"] for p in a["paragraphs"] for q in p["qas"]]
    except (ValueError, KeyError, TypeError) as error:
        raise DataError(f"expected SQuAD JSON, found something else ({error!r})", path) from error
    return _Rows(path, ids, [0] * len(ids), release)


def _write(folder: Path, rows: _Rows, chosen: Sequence[int]) -> Path:
    """A copy of a file with the chosen rows, under the same name."""
    folder.mkdir(exist_ok=True)  # one a file, since files of two folders may have one name
    path = folder / rows.path.name
    if rows.release is not None:
        left, place = set(chosen), iter(range(len(rows.texts)))
        data = []
        for article in rows.release["data"]:
            paragraphs = [
                {**p, "qas": [q for q in p["qas"] if next(place) in left]}
                for p in article["paragraphs"]
            ]
            data.append({**article, "paragraphs": [p for p in paragraphs if p["qas"]]})
        path.write_text(json.dumps({"data": data}), encoding="utf-8")
        return path
    raw = "".join(rows.texts[i] for i in chosen).encode(errors="surrogateescape")
    if path.suffix in (".gz", ".bz2"):
        raw = (gzip if path.suffix == ".gz" else bz2).compress(raw)
    path.write_bytes(raw)
    return path
