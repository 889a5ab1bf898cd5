"""Learning curves of the HTML report: every train step, the seeds of one route over each other.

One group for the stops' own training and one for each target, its panels on common axes, so that
what a stop changes in the target's training can be seen.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from waystation.report import plots
from waystation.report.markup import Markup, element, name
from waystation.report.numbers import count, score
from waystation.results import Results, StepSummary

STOPS = "Training at the stops"


def curves(results: Results) -> list[Markup]:
    """The section; nothing where no train step has a curve."""
    groups: dict[str, dict[str, list[StepSummary]]] = {STOPS: {}}
    for step in results.steps:
        if len(step.curve) > 1:
            label = step.label.removeprefix("train ")
            label = label.rpartition("@")[0] or label
            stop, arrow, target = label.partition(">")
            group, title = (target, stop) if arrow else (STOPS, label)
            groups.setdefault(group, {}).setdefault(title, []).append(step)
    groups = {title: panels for title, panels in groups.items() if panels}
    if not groups:
        return []
    number = sum(len(steps) for panels in groups.values() for steps in panels.values())
    text = (
        f"Loss of {count(number, 'training step')} over optimiser steps from 0 up, and the score"
        " on dev below it where it was measured; a line for each seed. The panels of a group"
        " have the same axes. A route whose training is another's is shown there."
    )
    shown = [_group(title, panels) for title, panels in groups.items()]
    return [
        element(
            "section",
            element("h2", "Learning curves"),
            element("p", text),
            *(part for group in shown for part in group),
            id="curves",
        )
    ]


def _group(title: str, panels: dict[str, list[StepSummary]]) -> list[Markup]:
    steps = [s for found in panels.values() for s in found]
    top = max((y for s in steps for _, y, _ in s.curve if math.isfinite(y)), default=1.0)
    values = [y for s in steps for line in _dev(s) for _, y in line]
    margin = max(0.08 * (max(values) - min(values)), 0.5) if values else 0.0
    span = (min(values) - margin, max(values) + margin) if values else None
    shown = [_panel(label, found, (top, span)) for label, found in panels.items()]
    return [element("h3", name(title)), element("div", *shown, class_="panels small")]


def _dev(step: StepSummary) -> list[list[tuple[float, float]]]:
    """Dev scores over steps, a line for each member of the training set."""
    tasks = dict.fromkeys(task for _, values in step.dev for task in values)
    return [[(float(x), v[task]) for x, v in step.dev if task in v] for task in tasks]


def _panel(
    label: str,
    found: Sequence[StepSummary],
    spans: tuple[float, tuple[float, float] | None],
) -> Markup:
    loss = [[(float(x), y) for x, y, _ in s.curve if math.isfinite(y)] for s in found]
    loss = [line for line in loss if line]
    dev = [line for s in found for line in _dev(s)]
    ends = [line[-1][1] for line in loss]
    text = f"loss {sum(ends) / len(ends):.2f}" if ends else "no finite loss"
    if dev:
        text += f", dev {score(sum(line[-1][1] for line in dev) / len(dev))}"
    seeds = f", {count(len(found), 'seed')}" if len(found) > 1 else ""
    shown = "no stop" if label == "none" else name(label)
    return element(
        "div",
        element("h4", shown),
        plots.curves(loss, dev, spans, f"Training loss and dev score of {label}"),
        element("p", text + seeds),
        class_="panel",
    )
