"""`submit`: a study's stored predictions in the layout that a benchmark's own script reads.

One folder per task with `test-{language}.{suffix}`; `score/layout.py` writes the files, and the
gold beside them where asked for, since the official gold is not public and the official script
needs it. Only whole test sets are written; what is missing is named. Nothing is scored or
predicted here.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple, cast

from waystation.benchmarks import Benchmark, Part
from waystation.errors import UserError, suggest
from waystation.examples import JSON
from waystation.lock import task_of
from waystation.plan import Route
from waystation.report.analysis import headline_variant
from waystation.report.numbers import variant as in_words
from waystation.run import Options, Prepared, prepare
from waystation.score import layout
from waystation.score.benchmark import sizes
from waystation.score.scoring import cut, is_hidden
from waystation.steps import read_predictions
from waystation.store import explained
from waystation.study import BASELINE, Study, Target
from waystation.task import Task


@dataclass(frozen=True, kw_only=True)
class Choice:
    """Whose predictions are written; None is the study's first."""

    stop: str = BASELINE
    seed: int | None = None
    backbone: str | None = None
    partial: bool = False
    """Write what there is although something is missing."""
    references: Path | None = None
    """A folder for the gold of the same items, in the same layout."""


class _File(NamedTuple):
    predictions: str
    gold: str | None
    """None where it is not published."""
    items: int


@dataclass(frozen=True, kw_only=True)
class Submission:
    """What was written, and what could not be."""

    benchmark: str
    route: str
    folder: str
    files: int
    missing: tuple[str, ...]
    """One sentence per task that is not complete."""
    notes: tuple[str, ...]

    def to_json(self) -> dict[str, JSON]:
        """Plain values, for `--json`."""
        return {
            "benchmark": self.benchmark,
            "route": self.route,
            "folder": self.folder,
            "files": self.files,
            "missing": list(self.missing),
            "notes": list(self.notes),
        }


def submit(
    path: Path, options: Options, benchmark: Benchmark, folder: Path, choice: Choice
) -> Submission:
    """Write `folder`, which must be new or empty; nothing where incomplete, unless `partial`.

    Raises UserError for an unknown stop, seed or backbone and for targets that are evaluated on
    parts of the test sets.
    """
    for place in (folder, choice.references):
        if place is not None:
            _check_folder(place)
    if options.limit is not None:
        raise UserError(
            f"expected whole test sets, found --limit {options.limit}; run the study without it."
        )
    prepared = prepare(path, options, trust=True)
    study = prepared.study
    _check_whole(study, benchmark)
    chosen = (
        _one_of("backbone", choice.backbone, study.backbones),
        _one_of("stop", choice.stop, [stop.name for stop in study.intermediate]),
        _one_of("seed", choice.seed, study.seeds),
    )
    routes = [r for r in prepared.plan.routes if (r.backbone, r.stop, r.seed) == chosen]
    missing: list[str] = []
    written: dict[str, _File] = {}
    notes: list[str] = []
    for part in benchmark.parts:
        files, said = _files(prepared, part, routes, notes)
        missing += said
        written |= files
    if written and (choice.partial or not missing):
        # Gold that is not published is refused before anything is written.
        gold = _gold(written) if choice.references is not None else {}
        _write(folder, {name: file.predictions for name, file in written.items()})
        if choice.references is not None:
            _write(choice.references, gold)
    else:
        written = {}
    return Submission(
        benchmark=benchmark.name,
        route=f"{study.name}#{chosen[1]}@{chosen[2]} ({chosen[0]})",
        folder=str(folder),
        files=len(written),
        missing=tuple(missing),
        notes=tuple(notes),
    )


def _check_folder(folder: Path) -> None:
    if folder.is_dir() and any(folder.iterdir()):
        raise UserError(
            f"expected a new or empty folder, found {folder} with files in it, which a submission"
            " would mix with its own; name another one."
        )
    if folder.exists() and not folder.is_dir():
        raise UserError(f"expected a folder to write, found the file {folder}; name another one.")


def _one_of(what: str, given: Any, known: Sequence[Any]) -> Any:
    if given is None:
        return known[0]
    if given not in known:
        names = [str(name) for name in known]
        raise UserError(
            f"expected a {what} of the study ({', '.join(names)}), found '{given}'."
            f"{suggest(str(given), names)}"
        )
    return given


def _check_whole(study: Study, benchmark: Benchmark) -> None:
    """Refuses targets that see only a part of the test set or another split."""
    partial = [
        f"{target.name} ({said})"
        for target in study.targets
        if target.task in benchmark.tasks and target.own is None
        for said in [_limit_of(target)]
        if said
    ]
    if partial:
        raise UserError(
            f"expected whole test sets for a submission, found {', '.join(partial)};"
            " take that out of the study and run it again."
        )


def _limit_of(target: Target) -> str:
    if target.examples is not None:
        return f"examples: {target.examples}"
    task = task_of({"task": target.task}, Path())
    return f"split: {target.split}" if target.split not in (None, task.test_split) else ""


def _files(
    prepared: Prepared, part: Part, routes: Sequence[Route], notes: list[str]
) -> tuple[dict[str, _File], list[str]]:
    """{path: file} of one task, and the sentence that says what it lacks."""
    locked = cast("Any", prepared.lock["targets"])
    targets = [t for t in locked if t["ref"] == {"task": part.name, "own": None}]
    if not targets:
        return {}, [f"{part.name}: not a target of the study."]
    target = next((t for t in targets if t["name"] == part.name), targets[0])
    if len(targets) > 1:
        others = ", ".join(t["name"] for t in targets if t is not target)
        notes.append(f"{part.name}: taken from the target {target['name']}, not from {others}.")
    found = {r.language: r for r in routes if r.target == target["name"]}
    absent = [tag for tag in part.languages if tag not in found]
    undone = [tag for tag in part.languages if tag in found and not _is_done(prepared, found[tag])]
    ready = [tag for tag in part.languages if tag in found and tag not in undone]
    task = task_of(target["ref"], prepared.study.path.resolve().parent)
    files: dict[str, _File] = {}
    for tag in ready:
        files[part.file(tag)] = _content(prepared, task, found[tag], part, notes)
    notes += sizes(part, {tag: files[part.file(tag)].items for tag in ready})
    said = []
    if absent:
        said.append(f"not evaluated in {', '.join(absent)}")
    if undone:
        said.append(f"not predicted yet in {', '.join(undone)}, `waystation run` does it")
    return files, [f"{part.name}: {'; '.join(said)}."] if said else []


def _is_done(prepared: Prepared, route: Route) -> bool:
    return all(prepared.store.state(key) == "done" for key in (route.predict, route.score))


def _content(
    prepared: Prepared, task: Task[Any], route: Route, part: Part, notes: list[str]
) -> _File:
    """One language's files; mined pairs are cut as the score step cut them."""
    store = prepared.store
    entry = cast("Any", prepared.lock["data"])[route.data]
    examples: list[Any] = cast("Any", store.data(entry["digest"], task.example))
    by_id = {p.id: p for p in read_predictions(store, route.predict, task.kind)}
    predictions = [by_id[example.id] for example in examples]
    if task.kind in ("bitext", "query"):
        names = list(predictions[0].variants)
        official = task.official_among(names)
        variant = headline_variant(names, official)
        note = f"{part.name}: {in_words(variant)}" + (
            "." if variant == official else ", which is not the official variant."
        )
        notes += [note] if len(names) > 1 and note not in notes else []
        predictions = [p.variants[variant] for p in predictions]
        if task.mines:
            # The tune split's: a study of a whole test set is not resolved without that split.
            scored = cast("Any", store.read_json(route.score, "score.json"))
            predictions = cut(predictions, scored["thresholds"][variant]["threshold"])
    return _File(
        predictions=layout.predicted(task, examples, predictions),
        gold=None if is_hidden(task, examples) else layout.gold(task, examples),
        items=len(examples),
    )


def _gold(written: Mapping[str, _File]) -> dict[str, str]:
    hidden = [name for name, file in written.items() if file.gold is None]
    if hidden:
        raise UserError(
            f"expected gold for every file of --references, found none published for"
            f" {len(hidden)} of {len(written)}, {hidden[0]} the first; leave --references out."
        )
    return {name: file.gold or "" for name, file in written.items()}


def _write(folder: Path, files: Mapping[str, str]) -> None:
    """All files or none: written beside the folder, then moved into its place."""
    folder = folder.absolute()  # `.` has no name
    beside = folder.with_name(f".{folder.name}.{os.getpid()}")
    with explained(folder.parent):
        try:
            for name, content in files.items():
                (beside / name).parent.mkdir(parents=True, exist_ok=True)
                (beside / name).write_text(content, encoding="utf-8", newline="\n")
            if folder.is_dir():
                folder.rmdir()
            beside.rename(folder)
        finally:
            shutil.rmtree(beside, ignore_errors=True)
