"""A target's section of the HTML report: its sentence, pictures by language, tables, layers."""

from __future__ import annotations

from waystation.languages import name_of
from waystation.report import plots
from waystation.report.analysis import BASELINE, MEAN, Analysis, Cell, Part
from waystation.report.markup import Markup, element, name
from waystation.report.numbers import (
    NOTHING,
    interval,
    language_name,
    points,
    score,
    variant,
)
from waystation.report.sentences import metric_line
from waystation.report.words import look, mark, phrase


def section(analysis: Analysis, part: Part, anchor: str) -> Markup:
    """Everything on one target and backbone."""
    many = len(analysis.results.backbones) > 1
    title = f"{part.target} on {part.backbone}" if many else part.target
    task = f"{part.task}: " if part.task != part.target else ""
    children = [
        element("h2", title),
        element("p", task + metric_line(part), class_="meta"),
        element("p", part.sentence, class_="verdict"),
    ]
    if part.means:
        children += [_forests(analysis, part), *_layers(analysis, part), _table(analysis, part)]
    return element("section", *children, id=anchor)


def _shown_languages(part: Part) -> list[str]:
    return [MEAN, *part.languages, *part.apart]


def _forests(analysis: Analysis, part: Part) -> Markup:
    """One panel a stop, all on one axis."""
    panels = {stop: _rows(part, stop) for stop in analysis.stops}
    span = plots.domain([r for rows in panels.values() for r in rows])
    found = []
    for stop, rows in panels.items():
        cell = part.cell(stop)
        if all(row.value is None for row in rows):
            note = f"not measured: {cell.note if cell else 'no scores'}"
            found.append(
                element("div", element("h4", name(stop)), element("p", note), class_="panel")
            )
            continue
        title = f"Gain of {stop} on {part.target} by language, in points with 95% intervals"
        found.append(
            element(
                "div",
                element("h4", name(stop)),
                element("p", phrase(cell)),
                plots.forest(rows, span, title),
                class_="panel",
            )
        )
    caption = (
        "Gain by language in points, with 95% intervals. Filled marks: the interval leaves out 0,"
        " not corrected for the number of intervals."
    )
    return element(
        "figure", element("figcaption", caption), element("div", *found, class_="panels")
    )


def _rows(part: Part, stop: str) -> list[plots.Interval]:
    rows = []
    for language in _shown_languages(part):
        cell = part.cell(stop, language)
        gain = cell.gain if cell else None
        rows.append(
            plots.Interval(
                label="mean" if language == MEAN else name_of(language),
                value=gain.value if gain else None,
                low=gain.low if gain else None,
                high=gain.high if gain else None,
                look=look(cell),
                strong=language == MEAN,
            )
        )
    return rows


def _table(analysis: Analysis, part: Part) -> Markup:
    names = list(dict.fromkeys(n for b in part.bounds.values() for n in b))
    head = [element("th", n, scope="col") for n in ("language", *names, "no stop")]
    for stop in analysis.stops:
        head.append(element("th", name(stop), element("small", "score, gain"), scope="col"))
    rows = []
    for language in _shown_languages(part):
        bounds = part.bounds.get(language, {})
        cells = [element("td", score(bounds.get(n)), class_="noise") for n in names]
        cells.append(_baseline(part, language))
        cells += [_gain(part, part.cell(s, language), language) for s in analysis.stops]
        label = "mean" if language == MEAN else language_name(language)
        extra = [element("small", "fine-tuned on")] if language in part.apart else []
        kind = "mean" if language == MEAN else "apart" if language in part.apart else ""
        rows.append(element("tr", element("th", label, *extra, scope="row"), *cells, class_=kind))
    table = element(
        "table", element("thead", element("tr", *head)), element("tbody", *rows), class_="plain"
    )
    label = f"Scores and gains by language on {part.target}"
    return element("div", table, class_="scroll", tabindex="0", role="region", aria_label=label)


def _baseline(part: Part, language: str) -> Markup:
    value, floor = part.mean(BASELINE, language), part.floor(language)
    below = value is not None and floor is not None and value <= floor
    extra = [element("span", "not above baselines", class_="flag")] if below else []
    return element("td", score(value), *extra)


def _gain(part: Part, cell: Cell | None, language: str) -> Markup:
    if cell is None or cell.gain is None:
        return element("td", NOTHING, element("span", "not measured", class_="ci"))
    shown, gain = look(cell), cell.gain
    value = part.mean(cell.stop, language)
    return element(
        "td",
        f"{score(value)} ",
        element("span", f"{points(gain.value)} {mark(cell)}".strip(), class_=shown),
        element("span", interval(gain.low, gain.high), class_="ci"),
        *([element("span", cell.note, class_="ci")] if cell.note else []),
    )


def _layers(analysis: Analysis, part: Part) -> list[Markup]:
    """Retrieval only: every layer and pooling, and which one the grid shows."""
    if len(part.variants) < 2:
        return []
    text = (
        f"The grid shows {variant(part.variant)}, which scores highest without a stop, and the"
        " same for every stop: choosing again for each stop would turn a change of the best layer"
        " into a gain. All of them:"
    )
    stops = (BASELINE, *analysis.stops)
    head = [element("th", "layer and pooling", scope="col")]
    head += [element("th", "no stop" if s == BASELINE else name(s), scope="col") for s in stops]
    rows = []
    for layer in part.variants:
        cells = [element("td", score(part.mean(BASELINE, MEAN, layer)))]
        cells += [_variant_gain(part, stop, layer) for stop in analysis.stops]
        kind = "mean" if layer == part.variant else ""
        rows.append(element("tr", element("th", variant(layer), scope="row"), *cells, class_=kind))
    table = element(
        "table", element("thead", element("tr", *head)), element("tbody", *rows), class_="plain"
    )
    label = f"Scores by layer on {part.target}"
    return [
        element("h3", "Layers and poolings"),
        element("p", text),
        *_layer_plot(analysis, part),
        element("div", table, class_="scroll", tabindex="0", role="region", aria_label=label),
        element("h3", f"By language, {variant(part.variant)}"),
    ]


def _variant_gain(part: Part, stop: str, layer: str) -> Markup:
    cell = part.cell(stop, MEAN, layer)
    if cell is None or cell.gain is None:
        return element("td", NOTHING)
    shown = look(cell)
    return element(
        "td",
        f"{score(part.mean(stop, MEAN, layer))} ",
        element("span", f"{points(cell.gain.value)} {mark(cell)}".strip(), class_=shown),
        element("span", interval(cell.gain.low, cell.gain.high), class_="ci"),
    )


def _layer_plot(analysis: Analysis, part: Part) -> list[Markup]:
    """Score over layer, one panel a pooling."""
    poolings = list(dict.fromkeys(v.partition("/")[2] for v in part.variants))
    panels = []
    for pooling in poolings:
        layers = {
            int(v.partition("/")[0]): v
            for v in part.variants
            if v.partition("/")[2] == pooling and v.partition("/")[0].isdigit()
        }
        series = []
        for number, stop in enumerate((BASELINE, *analysis.stops)):
            found = [(x, part.mean(stop, MEAN, v)) for x, v in sorted(layers.items())]
            points_ = tuple((float(x), y) for x, y in found if y is not None)
            if len(points_) > 1:
                label = "no stop" if stop == BASELINE else stop
                series.append(plots.Series(label=label, points=points_, number=number))
        if series:
            title = f"{part.headline} on {part.target} by layer, {pooling} pooling"
            drawn = plots.lines(series, title, f"layer ({pooling} pooling)")
            panels.append(element("div", drawn, class_="panel"))
    return [element("div", *panels, class_="panels wide")] if panels else []
