"""`waystation check`: reads a task's or a study's data and says what is wrong with it.

`check_task` looks at all that is there of a task, `check_study` at what a study reads, and at what
only a study can get wrong: trained examples among evaluated ones, inputs that are too long for
its models. Findings, codes and severities are in `findings.py`, one file per kind of check. It
mends nothing and judges no content. A task's check never imports torch.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from waystation import sources
from waystation.check import alignment, duplicates, labels, official, pools
from waystation.check.findings import CODES as CODES
from waystation.check.findings import CheckReport as CheckReport
from waystation.check.findings import Entry as Entry
from waystation.check.findings import Finding as Finding
from waystation.check.findings import in_order
from waystation.check.overlap import ITEMS_OF
from waystation.check.reading import Part, read
from waystation.errors import UserError
from waystation.hub_files import Hub
from waystation.sources import Place
from waystation.task import Task, get

_LISTED: Final = 20

Say = Callable[[str], None]


def check_task(
    task: Task[Any],
    data: Place,
    languages: Sequence[str] | None = None,
    splits: Sequence[str] | None = None,
    *,
    limit: int | None = None,
    say: Say = lambda _: None,
) -> CheckReport:
    """Check the given languages and splits of a task (None: all whose files are there)."""
    findings: list[Finding] = []
    parts = []
    for language, split in _asked(task, data, languages, splits, findings):
        say(f"reading {task.name} {language} {split}")
        parts.append(read(task, task.name, data, language, split))
        if isinstance(data, Hub) and [f for f in parts[-1].findings if f.code == "missing-files"]:
            break  # the hub is out of reach, or has no such dataset: the others would say so too
    say(f"comparing {task.name}")
    entries, more = of_parts(parts, data, limit)
    return CheckReport(
        name=task.name, entries=entries, tokens=(), findings=in_order([*findings, *more])
    )


def check_study(
    path: Path,
    data: Place,
    *,
    limit: int | None = None,
    say: Say = lambda _: None,
) -> CheckReport:
    """Check what a study reads, part by part and against each other."""
    from waystation.check.study import check

    return check(path, data, limit, say)


def of_parts(
    parts: Sequence[Part], data: Place, limit: int | None, cache: pools.Cache | None = None
) -> tuple[tuple[Entry, ...], list[Finding]]:
    """What one task's languages and splits show by themselves and beside each other."""
    entries: list[Entry] = []
    findings: list[Finding] = []
    cut = []
    pools_: pools.Cache = {} if cache is None else cache
    for part in parts:
        kind, found = official.compare(part) if part.whole else ("unknown", ())
        part = pools.with_pool(replace(part, examples=part.examples[:limit]), data, pools_)
        findings += [*part.findings, *found, *pools.of_part(part)]
        if part.examples:
            cut.append(part)
            entries.append(labels.entry_of(part, kind))
            findings += labels.of_split(part, data)
    for language in dict.fromkeys(part.language for part in cut):
        own = sorted((p for p in cut if p.language == language), key=lambda p: _place(p))
        findings += [*duplicates.of_language(own), *pools.of_language(own)]
    for split in dict.fromkeys(part.split for part in cut):
        own = [part for part in cut if part.split == split]
        findings += labels.between_languages(own)
        findings += alignment.of_split(own, _english(own[0], data))
    return tuple(entries), findings


def _place(part: Part) -> int:
    return part.task.splits.index(part.split)


def _english(part: Part, data: Place) -> Part | None:
    """The same items in English where another task has them."""
    original = ITEMS_OF.get(part.task.name)
    if original is None or not isinstance(data, Path):
        return None
    task = get(original)
    if part.split not in task.splits or not sources.present(task, data, "en", part.split):
        return None
    found = read(task, task.name, data, "en", part.split)
    return found if found.whole else None


def _asked(
    task: Task[Any],
    data: Place,
    languages: Sequence[str] | None,
    splits: Sequence[str] | None,
    findings: list[Finding],
) -> Iterator[tuple[str, str]]:
    """The pairs to read; what a default leaves out for want of files is noted."""
    missing: dict[str, list[str]] = {}
    there: list[str] = []
    for split in splits or task.splits:
        for language in languages or task.languages:
            explicit = languages is not None and splits is not None
            if splits is None and _same_files(task, data, language, split):
                there.append(split)
                continue
            if explicit or sources.present(task, data, language, split):
                there.append(split)
                yield language, split
            else:
                missing.setdefault(split, []).append(language)
    if missing and not there:
        split, tags = next(iter(missing.items()))
        try:
            sources.find(task, data, tags[0], split)
        except UserError as error:
            findings.append(_missing(task, "", str(error), [*missing], severe=True))
        return
    where = f"`waystation tasks {task.name}` says where they are looked for"
    whole = [split for split in missing if split not in there]
    if whole:
        message = f"no files for {', '.join(whole)}: {where}"
        findings.append(_missing(task, "", message, whole, severe=languages is not None))
    for split in (split for split in missing if split in there and not _base(task, split)):
        tags = missing[split]
        shown = ", ".join(tags[:_LISTED]) + (" and more" if len(tags) > _LISTED else "")
        message = f"no files for {len(tags)} of {len(task.languages)} languages ({shown}): {where}"
        findings.append(_missing(task, split, message, tags, severe=languages is not None))


def _base(task: Task[Any], split: str) -> str | None:
    """The split that another one is told apart from by its name: `dev` of `dev-r1`."""
    return next((own for own in task.splits if split.startswith(f"{own}-")), None)


def _same_files(task: Task[Any], data: Place, language: str, split: str) -> bool:
    """Whether a split such as MLQA's `dev-question-de` is the same in this language as `dev`."""
    base = _base(task, split)
    if base is None or not isinstance(data, Path):
        return False
    if not all(sources.present(task, data, language, own) for own in (base, split)):
        return False
    one, other = (sources.find(task, data, language, own) for own in (base, split))
    return one.layout is other.layout and one.files == other.files


def _missing(
    task: Task[Any], split: str, message: str, examples: Sequence[str], *, severe: bool
) -> Finding:
    return Finding(
        code="missing-files", severity="error" if severe else "note", task=task.name, split=split,
        count=len(examples), message=message, examples=tuple(examples),
    )  # fmt: skip
