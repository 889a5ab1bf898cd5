"""The built-in tasks, one module per kind, found through `waystation.task.CATALOGUE`.

Each task is one `Task` value: the names of its files in each known release, one short function
per file format, and its metadata. This file holds what they share: turning file names into
layouts. Numbers, labels and licences come from the cited releases.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeAlias

from waystation.task import Layout

Release: TypeAlias = "Mapping[str, str | tuple[str, ...]]"
Read: TypeAlias = "Callable[[Sequence[Path], str, str], Iterable[Any]]"


def layouts(
    read: Read, *releases: Release, code: Callable[[str], str | None] = str, note: str = ""
) -> tuple[Layout[Any], ...]:
    """One layout per release, which maps splits to file names; `{l}` is the file's language code.

    `code` turns a tag into that code; None where the release does not have the language. `note`
    is `Layout.note`.
    """
    return tuple(_layout(read, release, code, note) for release in releases)


def _layout(
    read: Read, release: Release, code: Callable[[str], str | None], note: str
) -> Layout[Any]:
    def paths(language: str, split: str) -> tuple[str, ...]:
        names, own = release.get(split, ()), code(language)
        if own is None:
            return ()
        return tuple(n.replace("{l}", own) for n in ((names,) if isinstance(names, str) else names))

    return Layout(paths=paths, read=read, note=note)


def under(folders: Sequence[str], release: Release) -> tuple[Release, ...]:
    """The same release under each of the folders that people keep it in (`""` for none)."""

    def below(folder: str, names: str | tuple[str, ...]) -> tuple[str, ...]:
        prefix = f"{folder}/" if folder else ""
        return tuple(prefix + name for name in ((names,) if isinstance(names, str) else names))

    return tuple(
        {split: below(folder, names) for split, names in release.items()} for folder in folders
    )
