"""The languages of the HTML report: what they are, how far from English, and what that costs.

A table of the transfer gap, small pictures of score and gain over the distance to English or the
tokens per word, and a table of the languages, which has all that the pictures show. Distance is
`languages.distance_to_english`; a rank correlation over a handful of languages is a description
and no test.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

from waystation.buckets import Aspects
from waystation.languages import distance_to_english
from waystation.report import plots
from waystation.report.analysis import BASELINE, MEAN, Analysis, Part
from waystation.report.families import grouped
from waystation.report.markup import Markup, element, join, name, scrolled
from waystation.report.numbers import MINUS, interval, points, score, unsigned
from waystation.report.profile import correlation, fertility
from waystation.report.transfer import Transfer

ENOUGH: Final = 3
"""Languages below which nothing is drawn over them."""


class Measure(NamedTuple):
    """What the pictures have across: a name, and a number for each language that has one."""

    label: str
    values: Mapping[str, float]
    span: tuple[int, int] | None = None


def languages(analysis: Analysis, aspects: Sequence[Aspects]) -> list[Markup]:
    """The section; nothing where no language was evaluated."""
    tags = {t for p in analysis.parts for t in (*p.languages, *p.apart)}
    if not tags:
        return []
    children = [element("h2", "Languages")]
    if any(p.transfer for p in analysis.parts):
        children += _transfer(analysis)
    children += _pictures(analysis, aspects)
    for backbone in analysis.results.backbones:
        if len(analysis.results.backbones) > 1:
            children.append(element("h3", backbone))
        children.append(_table(analysis, backbone, aspects))
    return [element("section", *children, id="languages")]


# --- the transfer gap -------------------------------------------------------------------------


def _transfer(analysis: Analysis) -> list[Markup]:
    text = (
        "Score on English minus the mean over the other zero-shot languages, with its 95% interval"
        " over items and seeds, parallel items paired. A change below 0: the stop brought the"
        " others nearer to English; details, without a verdict."
    )
    rows = []
    for part in analysis.parts:
        many = len(analysis.results.backbones) > 1
        title = f"{part.target} ({part.backbone})" if many else part.target
        for found in part.transfer:
            stop = "no stop" if found.stop == BASELINE else found.stop
            first = found is part.transfer[0]
            cells = [element("td", stop), element("td", score(found.english))]
            cells += [element("td", score(found.others)), *_gap(found)]
            shown = name(title) if first else Markup("")
            head = element("th", shown, scope="row")
            rows.append(element("tr", head, *cells))
    names = ("target", "route", "English", "others", "gap", "change by the stop")
    table = element(
        "table",
        element("thead", element("tr", *(element("th", n, scope="col") for n in names))),
        element("tbody", *rows),
        class_="plain gaps",
    )
    return [
        element("h3", "Transfer gap"),
        element("figure", element("figcaption", text), scrolled(table, "Transfer gap by route")),
    ]


def _gap(found: Transfer) -> list[Markup]:
    gap, change = found.gap, found.change
    where = element("span", unsigned(interval(gap.low, gap.high)), class_="ci")
    cells = [element("td", unsigned(points(gap.value)), where)]
    if change is None:
        return [*cells, element("td")]
    look = "" if change.flags or change.low <= 0 <= change.high else "strong"
    bounds = element("span", interval(change.low, change.high), class_="ci")
    return [*cells, element("td", element("span", points(change.value), class_=look), bounds)]


# --- pictures ---------------------------------------------------------------------------------


def _pictures(analysis: Analysis, aspects: Sequence[Aspects]) -> list[Markup]:
    panels = [panel for part in analysis.parts for panel in _panels(analysis, part, aspects)]
    if not panels:
        return []
    text = (
        "Each point is a language; arrow keys move between the points of a picture. Distance to"
        " English: 0 English, 1 West Germanic, 2 other Germanic, 3 other Indo-European, 4 any"
        " other family; 1 more where the script is not Latin. ρ is Spearman's rank correlation,"
        " a description of these few languages and no test."
    )
    if len(analysis.stops) >= plots.LINES:
        text += f" Gains of the first {plots.LINES - 1} stops; the tables have all."
    return [
        element("h3", "Score and gain by distance"),
        element(
            "figure",
            element("figcaption", text),
            element("div", *panels, class_="panels scatters"),
        ),
    ]


def _panels(analysis: Analysis, part: Part, aspects: Sequence[Aspects]) -> list[Markup]:
    tags = (*part.languages, *part.apart)
    distances = {t: distance_to_english(t) for t in tags}
    known = {t: float(d) for t, d in distances.items() if d is not None}
    far = Measure("distance to English", known, (0, 5))
    cut = {
        t: fertility(aspects, part.backbone, t, part.target) or fertility(aspects, part.backbone, t)
        for t in tags
    }
    pieces = {t: f.per_word for t, f in cut.items() if f is not None and f.per_word is not None}
    found = []
    for measure in (far, Measure("tokens per word", pieces)):
        if len(measure.values) >= ENOUGH and len(set(measure.values.values())) > 1:
            found.append(_panel(analysis, part, measure))
    return found


def _panel(analysis: Analysis, part: Part, measure: Measure) -> Markup:
    """Scores without a stop above, gains of the stops below."""
    scores = {t: value for t in measure.values if (value := part.mean(BASELINE, t)) is not None}
    cells = {
        stop: {t: c.gain.value for t in measure.values if (c := part.cell(stop, t)) and c.gain}
        for stop in analysis.stops[: plots.LINES - 1]
    }
    drawn = []
    if len(scores) >= ENOUGH:
        series = [_dots("no stop", scores, measure, 0, part.headline)]
        title = f"{part.headline} on {part.target} without a stop, by {measure.label}"
        drawn += [
            plots.scatter(series, title, measure.label, span=measure.span),
            _rho("no stop", scores, measure),
        ]
    dots = [
        _dots(stop, values, measure, number, "gain")
        for number, (stop, values) in enumerate(cells.items(), 1)
        if len(values) >= ENOUGH
    ]
    if dots:
        title = f"Gain on {part.target} by {measure.label}"
        drawn.append(plots.scatter(dots, title, measure.label, zero=True, span=measure.span))
        drawn += [
            _rho(stop, values, measure, number)
            for number, (stop, values) in enumerate(cells.items(), 1)
            if len(values) >= ENOUGH
        ]
    many = len(analysis.results.backbones) > 1
    title = f"{part.target} ({part.backbone})" if many else part.target
    what = element("small", f", {part.headline} without a stop, and gains")
    return element("div", element("h4", name(title), what), *drawn, class_="panel")


def _dots(
    label: str, values: Mapping[str, float], measure: Measure, number: int, what: str
) -> plots.Dots:
    def tip(tag: str) -> str:
        value = points(values[tag]) if what == "gain" else score(values[tag])
        return f"{_name(tag)}, {label}\n{what} {value}\n{measure.label} {measure.values[tag]:.3g}"

    return plots.Dots(
        points=tuple((measure.values[t], values[t], tip(t)) for t in values), number=number
    )


def _name(tag: str) -> str:
    return next(row.name for _, rows in grouped([tag]) for row in rows) + f" ({tag})"


def _rho(label: str, values: Mapping[str, float], measure: Measure, number: int = 0) -> Markup:
    found = correlation([(measure.values[t], v) for t, v in values.items()])
    text = "not defined" if found is None else f"{found:.2f}".replace("-", MINUS)
    swatch = element("i", class_=f"key line-{number % plots.LINES}")
    return element("p", swatch, f" {label}: ρ = {text}, {len(values)} languages")


# --- the languages ----------------------------------------------------------------------------


def _table(analysis: Analysis, backbone: str, aspects: Sequence[Aspects]) -> Markup:
    parts = analysis.of(backbone)
    tags = list(dict.fromkeys(t for p in parts for t in (*p.languages, *p.apart)))
    cut = {t: fertility(aspects, backbone, t) for t in tags}
    known = any(cut.values())
    names = ["language", "family", "script", "distance to English"]
    names += ["tokens per word", "characters per token"] if known else []
    head = [element("th", n, scope="col") for n in names]
    head += [element("th", name(p.target), element("small", "no stop"), scope="col") for p in parts]
    rows = []
    for family, found in grouped(tags):
        for row in found:
            far, pieces = distance_to_english(row.tag), cut[row.tag]
            cells = [element("td", family), element("td", row.script)]
            cells.append(element("td", "–" if far is None else str(far)))
            if known:
                per_word = pieces.per_word if pieces else None
                each = pieces.characters if pieces else None
                cells += [element("td", _short(per_word)), element("td", _short(each))]
            cells += [element("td", score(p.mean(BASELINE, row.tag))) for p in parts]
            title = join(row.name, f" ({row.tag})" if row.name != row.tag else "")
            rows.append(element("tr", element("th", title, scope="row"), *cells))
    mean = [element("td", score(p.mean(BASELINE, MEAN))) for p in parts]
    blank = [element("td") for _ in names[1:]]
    rows.append(element("tr", element("th", "zero-shot mean", scope="row"), *blank, *mean,
                        class_="mean"))  # fmt: skip
    table = element(
        "table", element("thead", element("tr", *head)), element("tbody", *rows),
        class_="plain tongues",
    )  # fmt: skip
    note = element("p", _note(known), class_="meta")
    summary = element("summary", f"All {len(tags)} languages")
    return element("details", summary, note, scrolled(table, f"Languages, {backbone}"))


def _short(value: float | None) -> str:
    return "–" if value is None else f"{value:.2f}"


def _note(known: bool) -> str:
    if not known:
        return "Family, script and distance of each language, and its scores without a stop."
    return (
        "Tokens as the backbone's tokenizer cuts the test texts, special ones not counted; words"
        " are counted at spaces, so that languages which write none have characters per token only."
    )
