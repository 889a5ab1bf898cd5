"""The section on choosing checkpoints in the HTML report: ways side by side, and sweeps."""

from __future__ import annotations

from waystation.report.analysis import Analysis
from waystation.report.markup import Markup, element, name, scrolled
from waystation.report.numbers import NOTHING, interval, language_name, points, score
from waystation.report.selection import (
    MEAN,
    SWEEP_HEADS,
    TITLE,
    Choice,
    Chosen,
    note,
    sentence,
    sweep_rows,
    title,
)


def selection(analysis: Analysis) -> list[Markup]:
    """The section; nothing where a study compares no ways and sweeps nothing."""
    found, sweeps = analysis.choices, analysis.results.sweeps
    if not found and not sweeps:
        return []
    children = [element("h2", TITLE)]
    if found:
        children.append(element("p", sentence(found)))
        children.append(element("p", note(found)))
        children += [_compared(analysis, choice) for choice in found]
    if sweeps:
        children.append(_sweeps(analysis))
    return [element("section", *children, id="selection")]


def _compared(analysis: Analysis, choice: Choice) -> Markup:
    top = [element("th", name(rule), *_marks(choice, rule), scope="col") for rule in choice.rules]
    head = [element("th", "language", scope="col"), *top, element("th", "spread", scope="col")]
    body = []
    for language in (MEAN, *choice.languages):
        label = "mean" if language == MEAN else language_name(language)
        cells = [_cell(choice.cells.get((rule, language))) for rule in choice.rules]
        spread = choice.spread(language)
        tip = "" if spread is None else f"{spread[1]} over {spread[2]}"
        width = element("td", NOTHING if spread is None else score(spread[0]), data_tip=tip)
        body.append(element("tr", element("th", label, scope="row"), *cells, width))
    table = element(
        "table",
        element("thead", element("tr", *head)),
        element("tbody", *body),
        class_="plain",
    )
    label = f"{choice.headline} by way to choose a checkpoint, {title(analysis, choice)}"
    return element(
        "figure",
        element("h3", title(analysis, choice)),
        element("figcaption", f"{choice.headline}, means over seeds"),
        scrolled(table, label),
    )


def _marks(choice: Choice, rule: str) -> list[Markup]:
    marks = ["handed on"] if rule == choice.own else []
    marks += ["compared with"] if rule == choice.reference != choice.own else []
    return [element("small", f" {', '.join(marks)}")] if marks else []


def _cell(cell: Chosen | None) -> Markup:
    if cell is None:
        return element("td", NOTHING)
    steps = ", ".join(map(str, cell.steps))
    tip = f"checkpoints at steps {steps}" if steps else ""
    if cell.gain is None:
        return element("td", score(cell.score), data_tip=tip)
    clear = not cell.gain.flags and (cell.gain.low > 0 or cell.gain.high < 0)
    moved = points(cell.gain.value)
    bounds = interval(cell.gain.low, cell.gain.high)
    return element(
        "td",
        f"{score(cell.score)} ",
        element("b" if clear else "span", moved),
        element("small", f" {bounds}", class_="ci"),
        data_tip=tip,
    )


def _sweeps(analysis: Analysis) -> Markup:
    head = [element("th", text, scope="col") for text in SWEEP_HEADS]
    body = [
        element("tr", element("th", name(first), scope="row"), *(element("td", c) for c in cells))
        for first, *cells in sweep_rows(analysis.results.sweeps)
    ]
    table = element(
        "table", element("thead", element("tr", *head)), element("tbody", *body), class_="plain"
    )
    caption = (
        "Each training was run with every learning rate; the best checkpoint of all, on the dev"
        " split of the language that it trains in, is handed on."
    )
    region = scrolled(table, "Learning rates")
    return element(
        "figure", element("h3", "Learning rates"), element("figcaption", caption), region
    )
