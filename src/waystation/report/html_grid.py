"""The heat map of the HTML report: what each stop was worth on each target, at a glance.

Every cell shows gain, interval and verdict; hover, keyboard focus or touch show the rest. A cell
also opens the example browser on its two routes, see `report.js`.
"""

from __future__ import annotations

from waystation.report import tips
from waystation.report.analysis import BASELINE, Analysis, Cell, Part
from waystation.report.markup import Markup, element, name
from waystation.report.numbers import interval, points, score, variant
from waystation.report.words import look, phrase


def gains(analysis: Analysis, browser: bool) -> Markup:
    """The section: one heat map for each backbone."""
    top = largest(analysis)
    found = [element("h2", "What each stop was worth")]
    for backbone in analysis.results.backbones:
        title = [element("h3", backbone)] if len(analysis.results.backbones) > 1 else []
        hint = "; Enter or a click shows its examples" if browser else ""
        found.append(
            element(
                "figure",
                *title,
                element("figcaption", _caption(analysis)),
                element(
                    "div",
                    heat_map(analysis, analysis.of(backbone), top),
                    class_="scroll",
                    role="region",
                    aria_label=f"Gains by stop and target, {backbone}",
                ),
                _legend(top),
                element("p", f"Arrow keys move between cells{hint}.", class_="hint", hidden=True),
            )
        )
    return element("section", *found, id="gains")


def _caption(analysis: Analysis) -> str:
    return (
        "Points gained over the same route without the stop, mean over the languages that were"
        " not fine-tuned on. In brackets the 95% interval over items and seeds. Verdicts are"
        f" corrected for the {len(analysis.grid)} gains of the grid."
    )


def anchor(analysis: Analysis, part: Part) -> str:
    """The id of a target's section; a number, since names are the user's."""
    return f"target-{analysis.parts.index(part) + 1}"


def largest(analysis: Analysis) -> float:
    """The largest clear gain or loss, which gets full colour; 0 where none is clear."""
    found = [abs(c.gain.value) for c in analysis.grid if c.gain and look(c) in ("gain", "loss")]
    return max(found, default=0.0)


def strength(points_: float, top: float) -> str:
    """How much of the colour a gain gets: square root, so that 3 shows beside 60."""
    return f"--s:{12 + 63 * (min(abs(points_) / top, 1.0) ** 0.5):.0f}%"


def heat_map(analysis: Analysis, parts: tuple[Part, ...], top: float) -> Markup:
    """Stops down, targets across; first the baseline's own scores."""
    head = [element("th", Markup('<span aria-hidden="true"></span>'), scope="col")]
    for part in parts:
        layer = variant(part.variant) if part.variant else ""
        notes = ", ".join(filter(None, [part.headline, layer]))
        link = element("a", name(part.target), href=f"#{anchor(analysis, part)}")
        head.append(element("th", link, element("small", notes), scope="col"))
    rows = [_baseline_row(parts)]
    for stop in analysis.stops:
        cells = [_cell(p, p.cell(stop), top) for p in parts]
        rows.append(element("tr", element("th", name(stop), scope="row"), *cells))
    return element(
        "table",
        element("thead", element("tr", *head)),
        element("tbody", *rows),
        class_="heat",
        data_grid=True,
        style=f"--columns:{len(parts)}",
    )


def _baseline_row(parts: tuple[Part, ...]) -> Markup:
    cells = []
    for part in parts:
        bounds = ", ".join(f"{n} {score(v)}" for n, v in part.bounds[""].items())
        value = part.mean(BASELINE)
        inner = [element("b", score(value)), element("span", bounds, class_="word")]
        if value is None:
            inner = [element("span", "not measured", class_="word")]
        cells.append(element("td", *inner, class_="none" if value is None else "base"))
    first = element("th", "no stop", element("small", "score"), scope="row")
    return element("tr", first, *cells)


def _cell(part: Part, cell: Cell | None, top: float) -> Markup:
    if cell is None or cell.gain is None:
        note = cell.note.partition(":")[0] if cell else ""  # the whole is in the target's sentence
        return element(
            "td",
            element("span", "not measured", class_="word"),
            element("span", note, class_="word"),
            class_="none",
            data_tip=tips.of_cell(part, cell) if cell else "",
        )
    shown = look(cell)
    gain = cell.gain
    extra = [element("span", cell.note, class_="word")] if cell.note else []
    return element(
        "td",
        element("b", points(gain.value)),
        element("span", interval(gain.low, gain.high), class_="ci"),
        element("span", phrase(cell), class_="word"),
        *extra,
        class_=shown,
        style=strength(gain.value, top) if shown in ("gain", "loss") else "",
        data_tip=tips.of_cell(part, cell),
        data_backbone=cell.backbone,
        data_stop=cell.stop,
        data_target=cell.target,
    )


def _legend(top: float) -> Markup:
    items = []
    for share in (-1.0, -0.25, 0.25, 1.0) if top else ():
        value = share * top
        side = "gain" if share > 0 else "loss"
        swatch = element("span", class_=f"swatch {side}", style=strength(value, top))
        items.append(element("li", swatch, points(value)))
    for look_, text in (
        ("noise", "cannot be told from noise, or ? not judged"),
        ("none", "not measured"),
    ):
        items.append(element("li", element("span", class_=f"swatch {look_}"), text))
    return element("ul", *items, class_="legend")
