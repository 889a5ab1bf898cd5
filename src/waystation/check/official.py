"""Whether files are those of the official release, as far as that is publicly known.

`official.tsv` has two kinds of rows. A *file* row gives the sha256 of one official file, taken
from a commit of the publisher's own repository, or of the hub's documentation, which gives the
checksums of what it once downloaded there; a *size* row gives how many examples a split has
by public documentation (for one language, or `*` for each), as this project's readers count them.
Where neither is known the answer is "unknown": nothing here is guessed.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib import resources
from typing import Final

from waystation.check.findings import Finding, share
from waystation.check.reading import Part

_TABLE: Final = "official.tsv"


@dataclass(frozen=True)
class Official:
    """What is known: sha256 -> source of a (task, file name), size -> source of a split."""

    files: Mapping[tuple[str, str], Mapping[str, str]]
    sizes: Mapping[tuple[str, str, str], Mapping[int, str]]

    def of(self, task: str, language: str, split: str) -> Mapping[int, str]:
        """Documented numbers of examples -> who says so; copies of a release may differ."""
        own = self.sizes.get((task, language, split), {})
        return {**self.sizes.get((task, "*", split), {}), **own}


@functools.cache
def known() -> Official:
    """The table that comes with the package."""
    files: dict[tuple[str, str], dict[str, str]] = {}
    sizes: dict[tuple[str, str, str], dict[int, str]] = {}
    text = resources.files("waystation.check").joinpath(_TABLE).read_text(encoding="utf-8")
    for line in text.splitlines():
        if not line or line.startswith("#"):
            continue
        kind, task, where, value, source = line.split("\t")
        if kind == "file":
            files.setdefault((task, where), {})[value] = source
        else:
            language, split = where.split(" ")
            sizes.setdefault((task, language, split), {})[int(value)] = source
    return Official(files, sizes)


def compare(part: Part) -> tuple[str, tuple[Finding, ...]]:
    """("same files", "same size", "differs" or "unknown", findings) of a split that was read."""
    if not part.examples or not part.files:
        return "unknown", ()
    table = known()
    hashes = [table.files.get((part.name, file.path.rsplit("/", 1)[-1])) for file in part.files]
    if all(h is not None and f.sha256 in h for h, f in zip(hashes, part.files, strict=True)):
        return "same files", ()
    found = tuple(_differing(part, hashes, table))
    if found:
        return "differs", found
    return ("same size" if table.of(part.name, part.language, part.split) else "unknown"), ()


def _differing(
    part: Part, hashes: list[Mapping[str, str] | None], table: Official
) -> Iterator[Finding]:
    other = [
        (file.path, known_)
        for file, known_ in zip(part.files, hashes, strict=True)
        if known_ is not None and file.sha256 not in known_
    ]
    if other:
        source = next(iter(other[0][1].values()))
        message = (
            f"{share(len(other), len(part.files))} files are not those of {source} (sha256): get"
            " them, since results on others are not comparable with published ones"
        )
        shown = [path for path, _ in other]
        yield part.finding("not-official", "warning", len(other), message, shown)
    sizes = table.of(part.name, part.language, part.split)
    if sizes and len(part.examples) not in sizes:
        size, source = next(iter(sizes.items()))
        message = (
            f"{share(len(part.examples), size)} examples of the official release are here"
            f" ({source}): complete it, or say which part you used"
        )
        yield part.finding("not-official", "warning", len(part.examples), message)
