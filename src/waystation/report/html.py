"""The report as one HTML file: no scripts, no network, light and dark, phone to print.

A content security policy in the file itself forbids every request, so that a page someone passes
on stays what it was. Sections on a target are in `html_target`, on what ran in `html_run`.
"""

from __future__ import annotations

from importlib import resources

from waystation.report.analysis import BASELINE, Analysis, Cell, Part
from waystation.report.html_run import curves, faults, steps
from waystation.report.html_target import section
from waystation.report.markup import Markup, element, join, name
from waystation.report.numbers import count, interval, listing, points, score, variant
from waystation.report.words import MEANINGS, look, phrase

POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"


def page(analysis: Analysis) -> str:
    """The whole file."""
    results = analysis.results
    style = resources.files("waystation.report").joinpath("style.css").read_text("utf-8")
    head = element(
        "head",
        element("meta", charset="utf-8"),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        Markup(f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">'),
        element("meta", name="generator", content="Waystation"),
        element("title", f"{results.study} · Waystation report"),
        element("link", rel="icon", href="data:,"),
        element("style", Markup(style)),
    )
    body = element(
        "body",
        element("a", "Skip to the gains", href="#gains", class_="skip"),
        _header(analysis),
        element("main", *_main(analysis)),
        element(
            "footer",
            f"Made by Waystation {results.provenance.get('waystation', '')}.".replace(" .", "."),
        ),
    )
    return f'<!doctype html>\n<html lang="en">{head}{body}</html>\n'


def _main(analysis: Analysis) -> list[Markup]:
    gains = element("section", *_gains(analysis), id="gains")
    return [
        gains,
        *(section(analysis, part, anchor(analysis, part)) for part in analysis.parts),
        *curves(analysis.results),
        steps(analysis.results),
        _reading(),
        _provenance(analysis),
    ]


def anchor(analysis: Analysis, part: Part) -> str:
    """The id of a target's section; a number, since names are the user's."""
    return f"target-{analysis.parts.index(part) + 1}"


def _header(analysis: Analysis) -> Markup:
    results = analysis.results
    languages = {t for p in analysis.parts for t in (*p.languages, *p.apart)}
    seeds = f"{'seed' if len(results.seeds) == 1 else 'seeds'} {listing(_words(results.seeds))}"
    facts = [
        listing(results.backbones),
        f"{count(len(analysis.stops), 'stop')} and the baseline",
        count(len(results.targets), "target"),
        count(len(languages), "language"),
        seeds,
    ]
    links = [
        element("a", _title(analysis, part), href=f"#{anchor(analysis, part)}")
        for part in analysis.parts
    ]
    links += [
        element("a", "What ran", href="#ran"),
        element("a", "How to read this", href="#reading"),
    ]
    return element(
        "header",
        element("p", "Waystation transfer study", class_="eyebrow"),
        element("h1", results.study),
        element("p", analysis.sentence, class_="lead"),
        element("p", " · ".join(facts), class_="facts"),
        *faults(results),
        _warnings(results.warnings),
        element("nav", *links, aria_label="Sections"),
    )


def _words(numbers: tuple[int, ...]) -> list[str]:
    return [str(n) for n in numbers]


def _title(analysis: Analysis, part: Part) -> str:
    many = len(analysis.results.backbones) > 1
    return f"{part.target} ({part.backbone})" if many else part.target


def _warnings(warnings: tuple[str, ...]) -> Markup:
    if not warnings:
        return Markup("")
    return element(
        "div",
        element("p", element("strong", count(len(warnings), "warning"))),
        element("ul", *(element("li", w) for w in warnings)),
        class_="notice",
        role="note",
    )


# --- the heat map ---------------------------------------------------------------------------


def _gains(analysis: Analysis) -> list[Markup]:
    top = largest(analysis)
    found = [element("h2", "What each stop was worth")]
    for backbone in analysis.results.backbones:
        caption = (
            "Points gained over the same route without the stop, mean over the languages that were"
            " not fine-tuned on. In brackets the 95% interval over items and seeds. Verdicts are"
            f" corrected for the {len(analysis.grid)} gains of the grid."
        )
        title = [element("h3", backbone)] if len(analysis.results.backbones) > 1 else []
        found.append(
            element(
                "figure",
                *title,
                element("figcaption", caption),
                element(
                    "div",
                    heat_map(analysis, analysis.of(backbone), top),
                    class_="scroll",
                    tabindex="0",
                    role="region",
                    aria_label=f"Gains by stop and target, {backbone}",
                ),
                _legend(top),
            )
        )
    return found


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
        cells = [_cell(p.cell(stop), top) for p in parts]
        rows.append(element("tr", element("th", name(stop), scope="row"), *cells))
    return element(
        "table",
        element("thead", element("tr", *head)),
        element("tbody", *rows),
        class_="heat",
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


def _cell(cell: Cell | None, top: float) -> Markup:
    if cell is None or cell.gain is None:
        note = cell.note.partition(":")[0] if cell else ""  # the whole is in the target's sentence
        return element(
            "td",
            element("span", "not measured", class_="word"),
            element("span", note, class_="word"),
            class_="none",
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
    )


def _legend(top: float) -> Markup:
    items = []
    for share in (-1.0, -0.25, 0.25, 1.0) if top else ():
        value = share * top
        side = "gain" if share > 0 else "loss"
        swatch = element("span", class_=f"swatch {side}", style=strength(value, top))
        items.append(element("li", swatch, points(value)))
    for look_, text in (("noise", "cannot be told from noise"), ("none", "not measured")):
        items.append(element("li", element("span", class_=f"swatch {look_}"), text))
    return element("ul", *items, class_="legend")


# --- the end --------------------------------------------------------------------------------


def _reading() -> Markup:
    return element(
        "section",
        element("h2", "How to read this"),
        element("dl", *(join(element("dt", term), element("dd", text)) for term, text in MEANINGS)),
        id="reading",
    )


def _provenance(analysis: Analysis) -> Markup:
    rows = [
        join(element("dt", label), element("dd", text))
        for label, text in analysis.results.provenance.items()
    ]
    return element("section", element("h2", "Provenance"), element("dl", *rows), id="provenance")
