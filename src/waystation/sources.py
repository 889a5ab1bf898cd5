"""Where a task's files lie, their hashes, and the examples read from them with every check.

`load` is the one way in which examples of a task enter: it finds the files of a language and
split, hashes them, reads them, and refuses an empty split, an id that occurs twice, or a label
that the task does not have. `select` cuts a size-matched or held-out part by hash of the id.
A place is a data folder, or the hub where there is none: then a task's files are those of its
`HubSource`, in the hub's cache. With a folder, nothing is ever taken from the hub.
"""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final, NamedTuple, TypeAlias

from waystation import hub
from waystation.errors import DataError, UserError, some, suggest
from waystation.examples import Candidate
from waystation.hub import HubSource
from waystation.hub_files import Hub
from waystation.languages import check_tag
from waystation.task import Layout, Task

Place: TypeAlias = Path | Hub | None
"""The data folder; the hub; or neither, for tasks that need none."""

_MAGIC: Final = "*?["
_PLACES_NAMED: Final = 6


class SourceFile(NamedTuple):
    """One file that was read: its path under the data folder, sha256 in hex, and size."""

    path: str
    sha256: str
    size_bytes: int


@dataclass(frozen=True, kw_only=True)
class Found:
    """The layout of which all files are there, and those files in reading order."""

    layout: Layout[Any]
    files: tuple[Path, ...]


@dataclass(frozen=True, kw_only=True)
class Loaded:
    """Examples of one language and split, and the files that they come from."""

    examples: tuple[Any, ...]
    files: tuple[SourceFile, ...]


def sha256(path: Path) -> str:
    """sha256 in hex of a file's bytes."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def parts(split: str) -> tuple[str, ...]:
    """The splits of a sum such as `dev+test`."""
    return tuple(split.split("+"))


def check_names(task: Task[Any], language: str, split: str) -> None:
    """UserError for a tag, a language or a split (or sum of splits) that the task does not have."""
    check_tag(language)
    if language not in task.languages:
        raise UserError(
            f"expected a language of task '{task.name}', found '{language}'; it has"
            f" {', '.join(task.languages)}."
        )
    names = parts(split)
    for name in names:
        if name not in task.splits:
            raise UserError(
                f"expected a split of task '{task.name}' ({', '.join(task.splits)}) or a sum"
                f" such as '{'+'.join(task.splits[:2])}', found '{name}'."
                f"{suggest(name, task.splits)}"
            )
        if names.count(name) > 1:
            raise UserError(f"expected each split once in '{split}', found '{name}' twice.")


def find(task: Task[Any], data: Place, language: str, split: str, *, pool: bool = False) -> Found:
    """The files of one language and (single) split, in the first layout that has them all.

    `pool` asks for the files of the task's candidates instead of its examples.
    """
    check_names(task, language, split)
    if isinstance(data, Hub) and task.hub is not None and not pool:
        return _on_hub(task.hub, data, language, split)
    data = None if isinstance(data, Hub) else data
    tried: list[str] = []
    for layout in task.pools if pool else task.layouts:
        patterns = layout.paths(language, split)
        if not layout.reads_folder:
            return Found(layout=layout, files=())
        matches = [tuple(_matches(data, pattern)) for pattern in patterns]
        if matches and all(matches):
            files = tuple(dict.fromkeys(file for match in matches for file in match))
            return Found(layout=layout, files=files)
        tried += [" with ".join(patterns)] if patterns else []
    raise UserError(_missing(task, data, language, split, tried))


def _on_hub(source: HubSource[Any], place: Hub, language: str, split: str) -> Found:
    """The same for a task that comes from the hub: its parquet files, fetched if need be."""

    def read(files: Sequence[Path], tag: str, name: str) -> Iterator[Any]:
        yield from hub.read(source, files, tag, name)

    files = place.files(source, language, split)
    return Found(layout=Layout(paths=lambda *_: (), read=read), files=files)


def present(task: Task[Any], data: Place, language: str, split: str, *, pool: bool = False) -> bool:
    """Whether the files of a language and split (or sum of splits) are all there; or its pool's.

    Of the hub nothing is asked: what a task's schema has there counts as there.
    """
    if isinstance(data, Hub) and task.hub is not None and not pool:
        return all(task.hub.has(language, name) for name in parts(split))
    try:
        return all(find(task, data, language, name, pool=pool) for name in parts(split))
    except UserError:
        return False


def available(task: Task[Any], data: Place, split: str, *, pool: bool = False) -> tuple[str, ...]:
    """The task's languages of which the files of this split are there, in the task's order."""
    return tuple(tag for tag in task.languages if present(task, data, tag, split, pool=pool))


def _matches(data: Path | None, pattern: str) -> Iterator[Path]:
    if Path(pattern).is_absolute():
        yield from (path for path in [Path(pattern)] if path.is_file())
    elif data is not None:
        plain = data / pattern
        if plain.is_file():
            yield plain
        elif any(sign in pattern for sign in _MAGIC):
            found = sorted(data.glob(pattern), key=lambda path: path.as_posix())
            yield from (path for path in found if path.is_file())


def _missing(
    task: Task[Any], data: Path | None, language: str, split: str, tried: Sequence[str]
) -> str:
    what = f"the files of task '{task.name}', language '{language}', split '{split}'"
    more = len(tried) - _PLACES_NAMED
    names = "; or ".join(tried[:_PLACES_NAMED])
    names += f"; or {more} more places (`waystation tasks {task.name}`)" if more > 0 else ""
    if not tried:
        return (
            f"expected {what}, found that no known release has them;"
            f" name another language or split ({', '.join(task.splits)})."
        )
    if all(Path(name).is_absolute() for name in tried):
        return f"expected {what} at {names}, found no such file; correct the path in the study."
    release = f" (official release: {task.source})" if task.source else ""
    if data is None:
        return (
            f"expected a folder with {what}, found none given; pass --data DIR with"
            f" {names}{release}."
        )
    if not data.is_dir():
        return f"expected the data folder {data}, found no such folder; correct --data."
    return (
        f"expected {what} under {data}, found none of: {names};"
        f" put them there or pass another --data DIR{release}."
    )


def load(task: Task[Any], data: Place, language: str, split: str) -> Loaded:
    """The examples of one language and split (or sum, ids then prefixed `split/`), checked."""
    check_names(task, language, split)
    examples: list[Any] = []
    files: list[SourceFile] = []
    for name in parts(split):
        found = find(task, data, language, name)
        files += [source_file(path, data) for path in found.files]
        read = [*found.layout.read(found.files, language, name)]
        _check_examples(task, read, found, f"{language}, split '{name}'")
        sum_ = "+" in split
        examples += [replace(e, id=f"{name}/{e.id}") for e in read] if sum_ else read
    return Loaded(examples=tuple(examples), files=tuple(files))


def load_pool(task: Task[Any], data: Place, languages: Sequence[str], split: str) -> Loaded:
    """The candidates of some languages and a split or sum of splits, ids checked.

    Files that several languages have are read once.
    """
    candidates: dict[str, Candidate] = {}
    files: dict[SourceFile, None] = {}
    read: list[tuple[str, tuple[Path, ...]]] = []
    for language, part in itertools.product(languages, parts(split)):
        found = find(task, data, language, part, pool=True)
        if found.files and (part, found.files) in read:
            continue
        read.append((part, found.files))
        files |= dict.fromkeys(source_file(path, data) for path in found.files)
        path = found.files[0] if found.files else task.name
        empty = True
        for candidate in found.layout.read(found.files, language, part):
            empty = False
            if candidates.get(candidate.id, candidate) != candidate:
                raise DataError(
                    f"expected every candidate's id once (pool of {task.name}), found"
                    f" '{candidate.id}' for two texts; remove or rename one",
                    path,
                )
            candidates[candidate.id] = candidate
        if empty:
            raise DataError(
                f"expected candidates in the pool of {task.name} ({language}, split '{part}'),"
                " found none; the file is empty or cut off",
                path,
            )
    return Loaded(examples=tuple(candidates.values()), files=tuple(files))


def source_file(path: Path, data: Place) -> SourceFile:
    """A file's path as shown (under the data folder, or `hf://` with commit), hash and size."""
    if isinstance(data, Path) and path.is_relative_to(data):
        name = path.relative_to(data).as_posix()
    else:
        name = hub.shown(path) or path.name
    return SourceFile(name, sha256(path), path.stat().st_size)


def _check_examples(task: Task[Any], examples: Sequence[Any], found: Found, where: str) -> None:
    path: Path | str = found.files[0] if found.files else task.name
    path = hub.shown(Path(path)) or path
    if not examples:
        raise DataError(
            f"expected at least one example ({where}), found none; the file is empty or cut off",
            path,
        )
    seen: dict[str, int] = {}
    for position, example in enumerate(examples, 1):
        if example.id in seen:
            raise DataError(
                f"expected every id once ({where}), found '{example.id}' for examples"
                f" {seen[example.id]} and {position}; remove or rename one",
                path,
            )
        seen[example.id] = position
        check_example(task, example, path)


def check_example(task: Task[Any], example: Any, path: Path | str) -> None:
    """DataError for an example of another type, or with labels that the task does not have."""
    if not isinstance(example, task.example):
        raise DataError(
            f"expected task '{task.name}' to read {task.example.__name__}, found"
            f" {type(example).__name__}; correct the task's `read`",
            path,
        )
    if task.kind == "tagging" and example.tags is not None:
        if len(example.tags) != len(example.words):
            raise DataError(
                f"expected as many tags as words in example '{example.id}', found"
                f" {len(example.tags)} tags for {len(example.words)} words",
                path,
            )
        given: Sequence[str] = example.tags
    elif task.kind == "classification" and example.label is not None:
        given = (example.label,)
    else:
        if task.kind == "choice" and example.label not in (None, *range(len(example.options))):
            raise DataError(
                f"expected the label of example '{example.id}' to be 0 to"
                f" {len(example.options) - 1}, found {example.label}",
                path,
            )
        return
    for label in given:
        if task.labels and label not in task.labels:
            raise DataError(
                f"expected a label of task '{task.name}' ({some(task.labels, 24)}) in example"
                f" '{example.id}', found '{label}'.{suggest(label, task.labels)}",
                path,
            )


def select(
    task: Task[Any], loaded: Sequence[Any], examples: int | None = None, skip: int = 0
) -> tuple[Any, ...]:
    """`examples` of them after the first `skip`, in the order of sha256(task name, id).

    The order depends on ids alone, so that `skip: n` of one entry is disjoint from
    `examples: n` of another on the same data. With neither, all stay in released order. Where
    fewer than `examples` are left, they are all taken: the caller says so.
    """
    if examples is None and skip == 0:
        return tuple(loaded)
    if examples is not None and examples < 1:
        raise UserError(f"expected `examples` to be at least 1, found {examples}.")
    if skip < 0:
        raise UserError(f"expected `skip` to be at least 0, found {skip}.")
    if skip >= len(loaded):
        raise UserError(
            f"expected `skip` below the {len(loaded)} examples of task '{task.name}', found"
            f" {skip}; nothing would be left."
        )
    ordered = sorted(loaded, key=lambda e: (_rank(task.name, e.id), e.id))
    return tuple(ordered[skip:] if examples is None else ordered[skip : skip + examples])


def _rank(task: str, id_: str) -> str:
    return hashlib.sha256(f"{task}\0{id_}".encode()).hexdigest()
