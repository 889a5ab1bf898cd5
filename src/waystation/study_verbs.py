"""What the verbs on a study print: run, plan, report, predict, export, gc.

Results go to standard output, progress and remarks to standard error. The work is done in
`run`, `explain`, `report` and `routes`; here it is only shown.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Any, Final, cast

from rich.console import Console

from waystation import display, explain, report, routes
from waystation.buckets import Aspects, collect_aspects
from waystation.excerpts import collect_excerpts
from waystation.report.numbers import duration
from waystation.results import collect
from waystation.run import Options, Outcome, Prepared, prepare, prunable, run_study, stale
from waystation.store import Store, explained, write_atomically

LISTED: Final = 40
"""Training steps that a plan lists one by one."""


def show_run(path: Path, options: Options, *, json: bool) -> int:
    """Run a study, show its tables, write its page; 1 where a step failed."""
    console = Console(stderr=True)
    watcher: Any = display.Bars(console) if console.is_terminal else display.Lines()
    with watcher if console.is_terminal else nullcontext():
        outcome = run_study(path, options, watcher)
    analysis = report.analyse(outcome.results)
    page = options.store / "reports" / f"{path.stem}{_trial(options)}.html"
    _write(page, _page(outcome.prepared, analysis))
    if json:
        print(report.render(outcome.results, "json", analysis, aspects=_aspects(outcome.prepared)))
    else:
        report.show(analysis, Console())
        print(_closing(outcome))
        print(f"Report: {page}")
    return 1 if outcome.count("failed") else 0


def _trial(options: Options) -> str:
    return "" if options.limit is None else f".limit-{options.limit}"


def _closing(outcome: Outcome) -> str:
    counts = {state: outcome.count(state) for state in ("done", "failed", "skipped")}
    if not any(counts.values()):
        return "Nothing had to be computed."
    said = f"Computed {_steps(counts['done'])}"
    if counts["failed"]:
        said += f"; {counts['failed']} failed and {counts['skipped']} that need them were skipped"
        first = next(f for f in outcome.finished.values() if f.state == "failed")
        label = outcome.prepared.plan.steps[first.key].label
        said += f".\nFirst failure: {label}: {first.message}"
        said += f"\nSee {outcome.prepared.store.root / 'failed'}; run again to repeat only these"
    return f"{said}."


def _steps(number: int) -> str:
    return "1 step" if number == 1 else f"{number} steps"


def show_plan(path: Path, options: Options, *, json: bool) -> None:
    """What would run, what is shared, what it may cost."""
    prepared = prepare(path, options, display.Lines())
    plan = cast("Mapping[str, Any]", explain.summary(prepared))
    if json:
        display.as_json(plan)
        return
    rows = [
        (kind, counts["total"], counts["finished"], counts["to_run"])
        for kind, counts in plan["steps"].items()
    ]
    display.table(
        ("steps", "all", "finished", "to run"),
        rows,
        right=(
            "all",
            "finished",
            "to run",
        ),
    )
    if plan["shared"]:
        print("\nTrained once for several routes:")
        display.table(
            ("step", "routes", "key"),
            ((s["label"], s["routes"], s["key"]) for s in plan["shared"]),
            right=("routes",),
        )
    trains = [s for s in plan["to_run"] if s["kind"] == "train"]
    if trains:
        print("\nTraining steps to run:")
        _trains(trains, prepared)
    if plan["mixtures"]:
        print("\nMixtures, and how often a batch is of each task:")
        display.table(
            ("step", "task", "examples", "share"),
            (
                (mixture["label"], m["task"], m["examples"], f"{m['rate']:.1%}")
                for mixture in plan["mixtures"]
                for m in mixture["members"]
            ),
            right=("examples", "share"),
        )
    if "text" in plan:
        print("\nLanguage modelling:")
        rows = [
            (t["label"], ", ".join(f"{n} {tag}" for tag, n in t["lines"].items()),
             t["steps_with_lines"], t["steps"])
            for t in plan["text"]
        ]  # fmt: skip
        columns = ("step", "lines", "steps with lines", "all steps")
        display.table(columns, rows, right=columns[2:])
    if plan["translated"]:
        print("\nTranslated:")
        print("\n".join(plan["translated"]))
    if plan["to_run"]:
        rough = plan["estimate"]
        print(
            f"\nRoughly {duration(rough['seconds'])} one step at a time,"
            f" {display.size(rough['memory_bytes'])} of memory,"
            f" {display.size(rough['disk_bytes'])} of disk (from {rough['basis']})."
        )
    else:
        print("\nNothing to run: everything is in the store.")


def _trains(trains: Sequence[Mapping[str, Any]], prepared: Prepared) -> None:
    """Each training step with its key; of a grid how many there are of each stop."""
    begun = any("partly_done" in s for s in trains)
    if len(trains) > LISTED:
        columns = ("after the stop", "its own steps", "steps of targets")
        rows = ((name, *counts) for name, counts in explain.by_stop(prepared).items())
        display.table(columns, rows, right=columns[1:])
        print("`--json` lists every step with its key.")
        return
    display.table(
        ("step", "key", *["partly done"] * begun),
        ((s["label"], s["key"], *[_far(s)] * begun) for s in trains),
    )


def _far(step: Mapping[str, Any]) -> str:
    at = step.get("partly_done")
    return f"{at['step']} of {at['of']}" if at else ""


def show_why(path: Path, options: Options, key: str) -> None:
    """What entered a step's key, as JSON."""
    display.as_json(explain.why(prepare(path, options, display.Lines()), key))


def show_difference(path: Path, options: Options, *, json: bool) -> None:
    """What changed since the study's lock."""
    found = explain.diff(path, options)
    if json:
        display.as_json(found)
    else:
        print("\n".join(found) if found else "Nothing changed since the lock.")


def show_report(path: Path, options: Options, format: str | None, output: Path | None) -> None:
    """The tables here, or a report in a format, printed or written to a file."""
    found = prepare(path, options, display.Lines(), trust=True)
    results = collect(found.lock, found.plan, found.store, found.study)
    if format is None and output is None:
        report.show(report.analyse(results), Console())
        return
    if format == "html":
        text = _page(found, report.analyse(results))
    else:
        aspects = _aspects(found) if format in ("md", "csv", "json") else ()
        text = report.render(results, format or "", aspects=aspects)
    if output is None:
        sys.stdout.write(text if text.endswith("\n") else f"{text}\n")
    else:
        _write(output, text)
        print(f"Wrote {output}")


def _page(found: Prepared, analysis: report.Analysis) -> str:
    """The HTML report with its sampled examples."""
    variants = {(p.backbone, p.target): p.variant for p in analysis.parts}
    excerpts = collect_excerpts(
        analysis.results, found.lock, found.plan, found.store, found.study, variants
    )
    return report.render(analysis.results, "html", analysis, excerpts, _aspects(found))


def _aspects(found: Prepared) -> tuple[Aspects, ...]:
    return collect_aspects(found.lock, found.plan, found.store, found.study)


def write_predictions(
    route: str, file: Path, store: Path, language: str, output: Path | None
) -> None:
    """Predictions of a route for a file, JSON lines."""
    from waystation.examples import canonical

    found = routes.predict(route, file, Store.open(store), language)
    lines = (canonical(prediction) for prediction in found)
    if output is None:
        for line in lines:
            print(line)
        return
    _write(output, "".join(f"{line}\n" for line in lines))
    print(f"Wrote {output}")


def write_export(
    route: str, folder: Path, store: Path, options: Mapping[str, Any], *, json: bool
) -> None:
    """A route in some form: what was written and where; `options` are those of `export`."""
    from waystation.export import export

    done = export(route, folder, Store.open(store), **options)
    if json:
        display.as_json(done.to_json())
        return
    print(
        f"Wrote {done.route} to {folder}: {done.model_class}, {display.size(done.size_bytes)}."
        f" README.md there says how to load it."
    )


def collect_garbage(path: Path, options: Options, *, yes: bool, json: bool = False) -> None:
    """Checkpoints that no report needs, partial states: named, and deleted on `yes`."""
    prepared = prepare(path, options, display.Lines(), trust=True)
    found = {key: entry for key, entry in prunable(prepared).items() if entry[0]}
    steps, left = prepared.plan.steps, stale(prepared)
    if yes:
        for key, (names, _) in found.items():
            prepared.store.prune(key, names)
        left = {key: n for key, n in left.items() if prepared.store.drop_partial(key)}
    if json:
        listed = [{"key": k, "label": steps[k].label, "bytes": n} for k, (_, n) in found.items()]
        partial = [{"key": k, "bytes": n} for k, n in left.items()]
        display.as_json({"deleted": yes, "checkpoints": listed, "partial": partial})
        return
    if not found and not left:
        print("Nothing to delete: every checkpoint is still needed.")
        return
    if found:
        rows = [(steps[key].label, key, display.size(entry[1])) for key, entry in found.items()]
        display.table(("checkpoints of", "key", "size"), rows, right=("size",))
    if left:
        ages = [(key, display.size(n)) for key, n in left.items()]
        display.table(("partial state that nothing continues", "size"), ages, right=("size",))
    total = display.size(sum(size for _, size in found.values()) + sum(left.values()))
    if yes:
        print(f"Deleted {total}.")
    else:
        print(f"{total} could be deleted; --yes deletes it. Results and intermediate stops stay.")


def _write(path: Path, text: str) -> None:
    with explained(path.parent):
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(path, text)
