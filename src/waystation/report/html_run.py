"""What ran, how long it took, what failed, and the learning curves of the HTML report."""

from __future__ import annotations

from collections.abc import Iterable

from waystation.report import plots
from waystation.report.markup import Markup, element, name
from waystation.report.numbers import count, duration, memory, score
from waystation.results import Results, StepSummary

DONE = "done"


def faults(results: Results) -> list[Markup]:
    """A notice of the steps that failed, were skipped or did not run yet; failed ones by name."""
    undone = [s for s in results.steps if s.state != DONE]
    if not undone:
        return []
    states = list(dict.fromkeys(s.state for s in undone))
    verbs = {"failed": "failed", "skipped": "skipped because of that", "missing": "not run yet"}
    parts = [
        f"{sum(s.state == state for s in undone)} {verbs.get(state, state)}" for state in states
    ]
    text = f"Of {count(len(results.steps), 'step')}, {', '.join(parts)}."
    failed = [
        element("li", element("strong", s.label), f": {s.message or 'no message'}")
        for s in undone
        if s.state == "failed"
    ]
    return [
        element(
            "div",
            element("p", element("strong", "This study is not complete. "), text),
            *([element("ul", *failed)] if failed else []),
            class_="notice",
            role="note",
        )
    ]


def steps(results: Results) -> Markup:
    """A summary by kind, then every step folded away."""
    ran = [s for s in results.steps if s.state == DONE]
    total = duration(sum(s.seconds for s in ran))
    peak = memory(max((s.peak_memory_bytes for s in ran), default=0))
    text = f"{count(len(ran), 'step')} took {total} of work in all; the largest held {peak}."
    kinds = list(dict.fromkeys(s.kind for s in results.steps))
    rows = [_kind_row(kind, [s for s in results.steps if s.kind == kind]) for kind in kinds]
    summary = _table(["kind", "steps", "not done", "time", "longest", "peak memory"], rows)
    details = [
        _row(
            s.label,
            s.kind,
            s.state,
            duration(s.seconds) if s.seconds else "",
            memory(s.peak_memory_bytes),
            s.message,
            s.key,
        )
        for s in results.steps
    ]
    columns = ["step", "kind", "state", "time", "peak memory", "message", "key"]
    return element(
        "section",
        element("h2", "What ran and how long"),
        element("p", text),
        summary,
        element(
            "details",
            element("summary", f"All {count(len(results.steps), 'step')}"),
            _table(columns, details),
        ),
        id="ran",
    )


def _kind_row(kind: str, found: list[StepSummary]) -> Markup:
    done = [s for s in found if s.state == DONE]
    return _row(
        kind,
        str(len(found)),
        str(len(found) - len(done)),
        duration(sum(s.seconds for s in done)),
        duration(max((s.seconds for s in done), default=0.0)),
        memory(max((s.peak_memory_bytes for s in done), default=0)),
    )


def _row(label: str, *cells: str) -> Markup:
    return element("tr", element("th", label, scope="row"), *(element("td", c) for c in cells))


def _table(columns: list[str], rows: Iterable[Markup]) -> Markup:
    head = [element("th", c, scope="col") for c in columns]
    table = element(
        "table", element("thead", element("tr", *head)), element("tbody", *rows), class_="plain run"
    )
    return element("div", table, class_="scroll", tabindex="0", role="region", aria_label="Steps")


def curves(results: Results) -> list[Markup]:
    """Training loss of every training step, seeds over each other."""
    groups: dict[str, list[StepSummary]] = {}
    for step in results.steps:
        if len(step.curve) > 1:
            label = step.label.removeprefix("train ")
            groups.setdefault(label.rpartition("@")[0] or label, []).append(step)
    if not groups:
        return []
    panels = [_panel(label, found) for label, found in groups.items()]
    number = sum(len(found) for found in groups.values())
    return [
        element(
            "section",
            element("h2", "Learning curves"),
            element("p", "Training loss over optimiser steps from 0 up, one line for each seed."),
            element(
                "details",
                element("summary", f"{count(number, 'training step')}"),
                element("div", *panels, class_="panels small"),
            ),
            id="curves",
        )
    ]


def _panel(label: str, found: list[StepSummary]) -> Markup:
    lines = [[(float(x), loss) for x, loss, _ in s.curve] for s in found]
    last = [c[-1][1] for c in lines]
    text = f"loss {sum(last) / len(last):.2f} after {found[0].curve[-1][0]:,} steps"
    dev = [v for s in found if s.dev for v in list(s.dev[-1][1].values())[:1]]
    if dev:
        text += f", dev {score(sum(dev) / len(dev))}"
    return element(
        "div",
        element("h4", name(label)),
        plots.spark(lines, f"Training loss of {label}"),
        element("p", text),
        class_="panel",
    )
