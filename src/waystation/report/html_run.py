"""What a study cost, by stop and kind, and which of its steps failed, for the HTML report."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from waystation.report.analysis import BASELINE
from waystation.report.markup import Markup, element, name, scrolled
from waystation.report.numbers import NOTHING, count, duration, memory
from waystation.results import Results, StepSummary

DONE: Final = "done"
SHARED: Final = "shared by several stops"
KINDS: Final = 6
"""How many colours of kinds the style sheet has."""
LISTED: Final = 400
"""Steps that a page lists."""


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


def cost(results: Results) -> Markup:
    """Where time and memory went, by stop and kind; then the steps, folded away."""
    ran = [s for s in results.steps if s.state == DONE]
    total = duration(sum(s.seconds for s in ran))
    peak = memory(max((s.peak_memory_bytes for s in ran), default=0))
    text = (
        f"{count(len(ran), 'step')} took {total} of work in all; the largest held {peak}. A step"
        " that several stops need ran once and is counted once, in a row of its own."
    )
    return element(
        "section",
        element("h2", "What it cost"),
        element("p", text),
        *_by_stop(results, ran),
        element("h3", "By kind of step"),
        _kinds(results),
        *_all_steps(results),
        id="cost",
    )


def _by_stop(results: Results, ran: list[StepSummary]) -> list[Markup]:
    """One bar for each stop: time by kind, drawn and in numbers, and the largest memory."""
    rows: dict[str, list[StepSummary]] = {stop: [] for stop in (*results.stops, SHARED)}
    for step in ran:
        if step.stops:
            rows[step.stops[0] if len(step.stops) == 1 else SHARED].append(step)
    rows = {label: found for label, found in rows.items() if found}
    if not rows:
        return []
    kinds = [
        k for k in dict.fromkeys(s.kind for s in ran) if any(s.seconds for s in ran if s.kind == k)
    ]
    longest = max(sum(s.seconds for s in found) for found in rows.values()) or 1.0
    body = []
    for label, found in rows.items():
        spent = {k: sum(s.seconds for s in found if s.kind == k) for k in kinds}
        bar = [
            element(
                "span",
                class_=f"kind-{number % KINDS}",
                style=f"width:{100 * spent[k] / longest:.2f}%",
                data_tip=f"{label}\n{k}: {duration(spent[k])}",
            )
            for number, k in enumerate(kinds)
            if spent[k]
        ]
        shown = "no stop" if label == BASELINE else name(label)
        cells = [element("td", duration(spent[k]) if spent[k] else NOTHING) for k in kinds]
        body.append(
            element(
                "tr",
                element("th", shown, scope="row"),
                element("td", element("div", *bar, class_="cost", aria_hidden="true")),
                *cells,
                element("td", duration(sum(spent.values()))),
                element("td", memory(max(s.peak_memory_bytes for s in found))),
            )
        )
    swatches = [
        element("th", element("span", class_=f"swatch kind-{i % KINDS}"), f" {k}", scope="col")
        for i, k in enumerate(kinds)
    ]
    head = [element("th", "stop", scope="col"), element("th", "time", scope="col"), *swatches]
    head += [element("th", "all", scope="col"), element("th", "peak memory", scope="col")]
    table = element(
        "table",
        element("thead", element("tr", *head)),
        element("tbody", *body),
        class_="plain costs",
    )
    label = "Time and memory by stop"
    return [element("div", table, class_="scroll", role="region", tabindex="0", aria_label=label)]


def _kinds(results: Results) -> Markup:
    kinds = list(dict.fromkeys(s.kind for s in results.steps))
    rows = [_kind_row(kind, [s for s in results.steps if s.kind == kind]) for kind in kinds]
    return _table(["kind", "steps", "not done", "time", "longest", "peak memory"], rows)


def _all_steps(results: Results) -> list[Markup]:
    """Every step of a small study; of a large one training and what is not done."""
    listed = list(results.steps)
    if len(listed) > LISTED:
        listed = [s for s in listed if s.kind == "train" or s.state == "failed"][:LISTED]
    if not listed:
        return []
    every = len(listed) == len(results.steps)
    title = (
        f"All {count(len(listed), 'step')}"
        if every
        else (
            f"{len(listed)} of {count(len(results.steps), 'step')}: training and what failed"
            " (the JSON report has all)"
        )
    )
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
        for s in listed
    ]
    columns = ["step", "kind", "state", "time", "peak memory", "message", "key"]
    return [element("details", element("summary", title), _table(columns, details))]


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
    return scrolled(table, "Steps")
