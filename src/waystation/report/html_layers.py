"""Retrieval in the HTML report: a heat map of layer x pooling (and scoring) for each stop.

Every variant was measured in one pass, and the score hangs on the choice more than on most stops,
so that all are shown, which one the grid takes and why. Colours: the baseline's by its score, a
stop's by its gain over the baseline in the same variant.
"""

from __future__ import annotations

from waystation.report import plots, tips
from waystation.report.analysis import BASELINE, MEAN, Analysis, Part
from waystation.report.html_grid import strength
from waystation.report.markup import Markup, element, name
from waystation.report.numbers import NOTHING, points, pooling, score, variant
from waystation.report.sentences import of_variants
from waystation.report.words import look


def layers(analysis: Analysis, part: Part) -> list[Markup]:
    """Heat maps and lines over layers; nothing where there is one variant only."""
    if len(part.variants) < 2:
        return []
    maps = [_map(part, stop) for stop in (BASELINE, *analysis.stops)]
    caption = (
        f"Mean {part.headline} over the languages, layers across, poolings down. ◆ in the grid;"
        " framed: the official variant. No stop: the stronger the colour, the higher. Stops:"
        " coloured where the interval of the gain over no stop leaves out 0."
    )
    return [
        element("h3", "Layers and poolings"),
        element("p", of_variants(part)),
        element(
            "figure",
            element("figcaption", caption),
            element("div", *(m for m in maps if m), class_="sweeps"),
        ),
        *_plot(analysis, part),
        element("h3", f"By language, {variant(part.variant)}"),
    ]


def _split(part: Part) -> tuple[list[str], list[str]]:
    """The layers, numbers in order, and the poolings with their scorings."""
    found = list(dict.fromkeys(v.partition("/")[0] for v in part.variants))
    rows = list(dict.fromkeys(v.partition("/")[2] for v in part.variants))
    return sorted(found, key=lambda n: (not n.isdigit(), int(n) if n.isdigit() else 0)), rows


def _map(part: Part, stop: str) -> Markup:
    """One stop's heat map; empty where it has no score."""
    across, down = _split(part)
    known = [part.mean(stop, MEAN, v) for v in part.variants]
    measured = [v for v in known if v is not None]
    if not measured:
        return Markup("")
    span = min(measured), max(measured)
    gains = [c.gain.value for c in part.cells if c.language == MEAN and c.gain]
    top = max(map(abs, gains), default=0.0)
    head = [element("th", "layer", scope="col"), *(element("th", n, scope="col") for n in across)]
    rows = []
    for way in down:
        cells = [_cell(part, stop, f"{n}/{way}" if way else n, span, top) for n in across]
        how, _, margin = way.partition("/")
        title = f"{how}, {margin} margin" if margin else how or part.headline
        rows.append(element("tr", element("th", title, scope="row"), *cells))
    table = element(
        "table",
        element("thead", element("tr", *head)),
        element("tbody", *rows),
        class_="heat sweep",
        data_grid=True,
        style=f"--columns:{len(across)}",
    )
    title = element("h4", "no stop" if stop == BASELINE else name(stop))
    label = f"{part.headline} by layer and pooling on {part.target}, {stop}"
    region = element("div", table, class_="scroll", role="region", aria_label=label)
    return element("div", title, region)


def _cell(part: Part, stop: str, shown: str, span: tuple[float, float], top: float) -> Markup:
    value = part.mean(stop, MEAN, shown)
    if value is None:
        return element("td", NOTHING, class_="none")
    marks = [c for c, on in (("official", shown == part.official), ("shown", shown == part.variant))
             if on]  # fmt: skip
    said = [m for m, on in (("the official variant", shown == part.official),
                            ("in the grid", shown == part.variant)) if on]  # fmt: skip
    star = "◆" if shown == part.variant else ""
    if stop == BASELINE:
        share = (value - span[0]) / max(span[1] - span[0], 1e-9)
        tip = "\n".join([f"no stop → {part.target}, mean, {variant(shown)}",
                         f"{part.headline} {score(value)}", *said])  # fmt: skip
        return element(
            "td",
            element("b", f"{score(value)}{star}"),
            class_=" ".join(["level", *marks]),
            style=f"--s:{55 * share:.0f}%",
            data_tip=tip,
        )
    cell = part.cell(stop, MEAN, shown)
    number = element("b", f"{score(value)}{star}")
    if cell is None or cell.gain is None:
        return element("td", number, class_=" ".join(["none", *marks]))
    colour = look(cell)
    return element(
        "td",
        number,
        element("span", points(cell.gain.value), class_="word"),
        class_=" ".join([colour, *marks]),
        style=strength(cell.gain.value, top) if colour in ("gain", "loss") else "",
        data_tip="\n".join([tips.of_cell(part, cell), *said]),
    )


def _plot(analysis: Analysis, part: Part) -> list[Markup]:
    """Score over layer, one panel a pooling by cosine; margins are in the heat maps."""
    panels = []
    across, down = _split(part)
    for way in (w for w in down if "/" not in w):
        series = []
        for number, stop in enumerate((BASELINE, *analysis.stops)):
            found = [(float(n), part.mean(stop, MEAN, f"{n}/{way}")) for n in across if n.isdigit()]
            drawn = tuple((x, y) for x, y in found if y is not None)
            if len(drawn) > 1:
                label = "no stop" if stop == BASELINE else stop
                series.append(plots.Series(label=label, points=drawn, number=number))
        if series:
            how = pooling(way)
            title = f"{part.headline} on {part.target} by layer, {how}"
            panels.append(
                element("div", plots.lines(series, title, f"layer ({how})"), class_="panel")
            )
    return [element("div", *panels, class_="panels wide")] if panels else []
