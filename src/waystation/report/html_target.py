"""A target's section of the HTML report: its sentence, pictures by language, tables, layers."""

from __future__ import annotations

from waystation.report import plots, tips
from waystation.report.analysis import BASELINE, MEAN, Analysis, Cell, Part
from waystation.report.axis import Axis, domain
from waystation.report.families import grouped
from waystation.report.html_grid import strength
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
        children += [*_layers(analysis, part), _multiples(analysis, part)]
        children.append(
            element("details", element("summary", "All numbers"), _table(analysis, part))
        )
    return element("section", *children, id=anchor)


def _shown_languages(part: Part) -> list[str]:
    return [MEAN, *part.languages, *part.apart]


# --- small multiples: languages down, stops across, all on one axis ---------------------------


def _multiples(analysis: Analysis, part: Part) -> Markup:
    """Gain and interval of every language and stop, languages by family and script."""
    cells = [part.cell(s, t) for s in analysis.stops for t in _shown_languages(part)]
    bounds = [(c.gain.value, c.gain.low, c.gain.high) for c in cells if c is not None and c.gain]
    axis = Axis(*domain(bounds))
    head = [element("th", "language", scope="col")]
    for stop in analysis.stops:
        verdict = phrase(part.cell(stop))
        head.append(element("th", name(stop), element("small", verdict), scope="col"))
    bodies = [element("tbody", _language(analysis, part, MEAN, axis, "mean"), class_="mean")]
    blank = [element("td", element("i")) for _ in analysis.stops]
    families = grouped(part.languages)
    if part.apart:
        families.append(("Fine-tuned on", [r for _, rows in grouped(part.apart) for r in rows]))
    for family, rows in families:
        title = element("th", family, scope="rowgroup")
        shown = [_language(analysis, part, r.tag, axis, r.name, r.script) for r in rows]
        bodies.append(element("tbody", element("tr", title, *blank, class_="family"), *shown))
    foot = [element("td", "points"), *(element("td", axis.scale()) for _ in analysis.stops)]
    table = element(
        "table",
        element("thead", element("tr", *head)),
        *bodies,
        element("tfoot", element("tr", *foot), aria_hidden="true"),
        class_="forest",
        data_grid=True,
        style=f"--columns:{len(analysis.stops)};--axis:{axis.lines()}",
    )
    caption = (
        "Gain by language in points with 95% intervals, languages by family and script. Filled"
        " marks: the interval leaves out 0, not corrected for the number of intervals."
    )
    label = f"Gain by language on {part.target}"
    return element(
        "figure",
        element("figcaption", caption),
        element("div", table, class_="scroll", role="region", aria_label=label),
    )


def _language(
    analysis: Analysis, part: Part, language: str, axis: Axis, title: str, script: str = ""
) -> Markup:
    cells = [_interval(part, part.cell(stop, language), axis) for stop in analysis.stops]
    note = [element("small", script)] if script else []
    return element("tr", element("th", title, *note, scope="row"), *cells)


def _interval(part: Part, cell: Cell | None, axis: Axis) -> Markup:
    if cell is None or cell.gain is None:
        tip = tips.of_cell(part, cell) if cell else ""
        return element("td", element("i", "not measured"), class_="none", data_tip=tip)
    gain = cell.gain
    cut = [c for c, beyond in (("below", gain.low < axis.low), ("above", gain.high > axis.high))
           if beyond]  # fmt: skip
    return element(
        "td",
        element("i"),
        element("span", points(gain.value)),
        class_=" ".join([look(cell), *cut]),
        style=f"--l:{axis.at(gain.low)};--v:{axis.at(gain.value)};--h:{axis.at(gain.high)}",
        data_tip=tips.of_cell(part, cell),
    )


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
        " into a gain."
    )
    stops = (BASELINE, *analysis.stops)
    head = [element("th", "layer and pooling", scope="col")]
    head += [element("th", "no stop" if s == BASELINE else name(s), scope="col") for s in stops]
    variants = sorted(part.variants, key=_by_layer)
    poolings = dict.fromkeys(v.partition("/")[2] for v in variants)
    bodies = []
    for pooling in poolings:
        rows = [_layer(analysis, part, v) for v in variants if v.partition("/")[2] == pooling]
        bodies.append(element("tbody", *rows))
    table = element(
        "table",
        element("thead", element("tr", *head)),
        *bodies,
        class_="heat layers",
        data_grid=True,
        style=f"--columns:{len(stops)}",
    )
    label = f"Scores and gains by layer and pooling on {part.target}"
    caption = (
        f"Mean {part.headline} by layer and pooling; below it the gain over no stop. Colour: the"
        " interval of the gain leaves out 0."
    )
    return [
        element("h3", "Layers and poolings"),
        element("p", text),
        element(
            "figure",
            element("figcaption", caption),
            element("div", table, class_="scroll", role="region", aria_label=label),
        ),
        *_layer_plot(analysis, part),
        element("h3", f"By language, {variant(part.variant)}"),
    ]


def _by_layer(name: str) -> tuple[str, int, str]:
    layer, _, pooling = name.partition("/")
    return pooling, int(layer) if layer.isdigit() else 0, layer


def _layer(analysis: Analysis, part: Part, layer: str) -> Markup:
    """One row: the baseline's score, then score and gain of each stop."""
    cells = [c for c in part.cells if c.language == MEAN and c.gain]
    top = max((abs(c.gain.value) for c in cells if c.gain), default=0.0)
    row = [element("td", element("b", score(part.mean(BASELINE, MEAN, layer))), class_="base")]
    for stop in analysis.stops:
        cell = part.cell(stop, MEAN, layer)
        if cell is None or cell.gain is None:
            row.append(element("td", NOTHING, class_="none"))
            continue
        shown = look(cell)
        row.append(
            element(
                "td",
                element("b", score(part.mean(stop, MEAN, layer))),
                element("span", f"{points(cell.gain.value)} {mark(cell)}".strip(), class_="word"),
                class_=shown,
                style=strength(cell.gain.value, top) if shown in ("gain", "loss") else "",
                data_tip=tips.of_cell(part, cell),
            )
        )
    note = [element("small", "in the grid")] if layer == part.variant else []
    return element("tr", element("th", variant(layer), *note, scope="row"), *row)


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
