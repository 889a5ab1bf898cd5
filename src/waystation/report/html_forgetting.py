"""What the stops forgot, in the HTML report: a table for each probe, and pictures of what it meant.

Tables have the change against the raw backbone by stop and language; retrieval also by layer. The
pictures have that change across and the gain on a target up, a point for each stop and language.
"""

from __future__ import annotations

from collections.abc import Sequence

from waystation.report import forgetting as words
from waystation.report import plots
from waystation.report.analysis import BASELINE, MEAN, Analysis, Cell, Part
from waystation.report.markup import Markup, element, join, name, scrolled
from waystation.report.numbers import language_name, points, variant
from waystation.report.words import look


def forgetting(analysis: Analysis) -> list[Markup]:
    """The section; nothing where the study has no probes."""
    if not analysis.probes and not analysis.results.unprobed:
        return []
    text = (
        "Each probe measures the model as it is after a stage, no target's fine-tuning between:"
        " what changed against the raw backbone, with its 95% interval. Details without verdicts;"
        " changes whose interval leaves out 0 are bold."
    )
    children = [element("h2", "What the stops forgot"), element("p", text)]
    for probe in analysis.probes:
        children += _probe(analysis, probe)
    missing = [element("li", why) for why in words.unmeasured(analysis.results)]
    if missing:
        children.append(element("ul", *missing, class_="warnings"))
    return [element("section", *children, id="forgetting")]


def _probe(analysis: Analysis, probe: Part) -> list[Markup]:
    title = words.title(analysis, probe)
    found = [
        element("h3", title),
        element("p", words.sentence(probe)),
        _table(probe, "language", [(MEAN, probe.variant), *((t, probe.variant)
               for t in probe.languages)]),
    ]  # fmt: skip
    if len(probe.variants) > 1:
        found.append(element("h4", "By layer, mean over the languages"))
        found.append(_table(probe, "layer", [(MEAN, v) for v in probe.variants]))
    panels = [_panel(analysis, probe, one) for one in words.against(analysis, probe)]
    if panels:
        text = (
            "Each point is a stop in a language that is both probed and evaluated (otherwise the"
            " stop's mean): the change of the probe across, the gain on the target up. ρ is"
            " Spearman's rank correlation, its interval that of as many points as there are stops."
        )
        found.append(
            element(
                "figure",
                element("figcaption", text),
                element("div", *panels, class_="panels scatters"),
            )
        )
    return found


def _table(probe: Part, what: str, columns: Sequence[tuple[str, str]]) -> Markup:
    heads = [element("th", "route", scope="col")]
    for tag, shown in columns:
        if what == "layer":
            label = variant(shown) + (" ◆" if shown == probe.variant else "")
        else:
            label = "mean" if tag == MEAN else language_name(tag)
        heads.append(element("th", label, scope="col"))
    raw = [element("td", words.value(probe, probe.mean(BASELINE, t, v))) for t, v in columns]
    rows = [element("tr", element("th", "raw backbone", scope="row"), *raw, class_="mean")]
    for stop in dict.fromkeys(c.stop for c in probe.cells):
        cells = [_cell(probe, probe.cell(stop, t, v)) for t, v in columns]
        rows.append(element("tr", element("th", name(stop), scope="row"), *cells))
    table = element(
        "table",
        element("thead", element("tr", *heads)),
        element("tbody", *rows),
        class_="plain forgot",
    )
    label = f"{probe.target} by {what}"
    return element(
        "figure",
        *([element("figcaption", words.about(probe))] if what == "language" else []),
        scrolled(table, label),
    )


def _cell(probe: Part, cell: Cell | None) -> Markup:
    if cell is None or cell.gain is None:
        return element("td", element("small", "not measured"))
    text, _, bounds = words.change(probe, cell).partition(" ")
    strong = "strong" if look(cell) in ("gain", "loss") else ""
    return element(
        "td",
        join(element("span", text, class_=strong), " ", element("span", bounds, class_="ci")),
    )


def _panel(analysis: Analysis, probe: Part, found: words.Against) -> Markup:
    numbers = {stop: i for i, stop in enumerate(analysis.stops, 1)}
    series: dict[str, list[tuple[float, float, str]]] = {}
    for mark in found.points:
        place = language_name(mark.language) if mark.language else "mean"
        moved = words.change(probe, probe.cell(mark.stop, mark.language)).partition(" ")[0]
        tip = f"{mark.stop}, {place}\n{probe.target} {moved}\ngain {points(mark.gain)}"
        series.setdefault(mark.stop, []).append((mark.change, mark.gain, tip))
    dots = [
        plots.Dots(points=tuple(series[stop]), number=numbers[stop] % plots.LINES)
        for stop in series
    ]
    unit = "nats" if probe.headline == words.LOSS else "points"
    title = f"Gain on {found.target} by change of {probe.target}"
    keys = [
        join(element("i", class_=f"key line-{numbers[stop] % plots.LINES}"), f" {stop} ")
        for stop in series
    ]
    return element(
        "div",
        element("h4", name(found.target)),
        plots.scatter(dots, title, f"change of {probe.target} ({unit})", zero=True, beside=False),
        element("p", *keys),
        element("p", words.said(found)),
        class_="panel",
    )
