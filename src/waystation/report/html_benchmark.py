"""A benchmark's tasks, groups and overall score by stop, in the HTML report."""

from __future__ import annotations

from waystation.report.analysis import BASELINE, Analysis
from waystation.report.markup import Markup, element, name, scrolled
from waystation.report.numbers import score
from waystation.report.standing import Standing, said, standings


def benchmark(analysis: Analysis) -> list[Markup]:
    """A section for each benchmark that the study covers a group of."""
    found = standings(analysis)
    return [element("section", *map(_table, found), id="benchmarks")] if found else []


def _table(found: Standing) -> Markup:
    official = found.benchmark
    heads = [
        element("th", "route", scope="col"),
        element("th", "overall", scope="col"),
        *(element("th", g, element("small", "group"), scope="col") for g in official.groups),
        *(element("th", t, scope="col") for t in official.tasks),
    ]
    rows = []
    for line in found.lines:
        stop = "no stop" if line.stop == BASELINE else name(line.stop)
        numbers = [line.overall, *line.groups.values(), *line.tasks.values()]
        cells = [element("td", score(value)) for value in numbers]
        rows.append(element("tr", element("th", stop, scope="row"), *cells))
    table = element(
        "table", element("thead", element("tr", *heads)), element("tbody", *rows), class_="plain"
    )
    lacking = {line.stop: said(line.missing) for line in found.lines}
    notes = [element("li", f"{stop}: {text}.") for stop, text in lacking.items()]
    if len(set(lacking.values())) == 1:
        notes = [element("li", f"Every route: {next(iter(lacking.values()))}.")]
    label = f"{official.title} by route, {found.backbone}"
    caption = (
        "Means over the official languages, English included; a group and the overall score only"
        " where all their tasks are complete. No intervals: the gains by target have them."
    )
    return element(
        "figure",
        element("h2", f"{official.title}, {found.backbone}"),
        element("figcaption", caption),
        scrolled(table, label),
        element("ul", *notes, *(element("li", n) for n in found.notes), class_="warnings"),
    )
