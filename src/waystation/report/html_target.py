"""A target's section of the HTML report: its sentence, pictures by language, tables, layers."""

from __future__ import annotations

from collections.abc import Sequence

from waystation.report import tips
from waystation.report.analysis import BASELINE, MEAN, Analysis, Cell, Part
from waystation.report.axis import Axis, domain
from waystation.report.breakdown import FEWEST, Breakdown, Bucket
from waystation.report.families import grouped
from waystation.report.html_layers import layers
from waystation.report.markup import Markup, element, name, scrolled
from waystation.report.numbers import (
    NOTHING,
    count,
    interval,
    language_name,
    listing,
    points,
    score,
)
from waystation.report.sentences import metric_line
from waystation.report.words import look, mark, phrase


def section(
    analysis: Analysis, part: Part, anchor: str, tables: Sequence[Breakdown] = ()
) -> Markup:
    """Everything on one target and backbone; `tables` are its scores by bucket."""
    many = len(analysis.results.backbones) > 1
    title = f"{part.target} on {part.backbone}" if many else part.target
    task = f"{part.task}: " if part.task != part.target else ""
    children = [
        element("h2", title),
        element("p", task + metric_line(part), class_="meta"),
        element("p", part.sentence, class_="verdict"),
    ]
    if part.means:
        children += [*layers(analysis, part), _multiples(analysis, part)]
        children.append(
            element("details", element("summary", "All numbers"), _table(analysis, part))
        )
        children += _buckets(analysis, part, tables)
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
        cells += [_scored(part.mean(s, language), part.cell(s, language)) for s in analysis.stops]
        label = "mean" if language == MEAN else language_name(language)
        extra = [element("small", "fine-tuned on")] if language in part.apart else []
        kind = "mean" if language == MEAN else "apart" if language in part.apart else ""
        rows.append(element("tr", element("th", label, *extra, scope="row"), *cells, class_=kind))
    table = element(
        "table", element("thead", element("tr", *head)), element("tbody", *rows), class_="plain"
    )
    label = f"Scores and gains by language on {part.target}"
    return scrolled(table, label)


def _baseline(part: Part, language: str) -> Markup:
    value, floor = part.mean(BASELINE, language), part.floor(language)
    below = value is not None and floor is not None and value <= floor
    extra = [element("span", "not above baselines", class_="flag")] if below else []
    return element("td", score(value), *extra)


def _scored(value: float | None, cell: Cell | None) -> Markup:
    """A score with its gain and interval."""
    if cell is None or cell.gain is None:
        return element("td", NOTHING, element("span", "not measured", class_="ci"))
    shown, gain = look(cell), cell.gain
    return element(
        "td",
        f"{score(value)} ",
        element("span", f"{points(gain.value)} {mark(cell)}".strip(), class_=shown),
        element("span", interval(gain.low, gain.high), class_="ci"),
        *([element("span", cell.note, class_="ci")] if cell.note else []),
    )


# --- by bucket --------------------------------------------------------------------------------


def _buckets(analysis: Analysis, part: Part, tables: Sequence[Breakdown]) -> list[Markup]:
    """Scores and gains by length, label and the like, folded away."""
    if not tables:
        return []
    text = (
        f"{part.headline} in each bucket, mean over the languages that have at least {FEWEST}"
        " items there; then score and gain of each stop with its interval. Many intervals: of"
        " every twenty about one leaves out 0 by chance."
    )
    names = listing([table.feature for table in tables])
    shown = [_bucket_table(analysis, part, table) for table in tables]
    return [
        element("details", element("summary", f"By {names}"), element("p", text, class_="meta"),
                *shown, class_="buckets")
    ]  # fmt: skip


def _bucket_table(analysis: Analysis, part: Part, table: Breakdown) -> Markup:
    head = [element("th", n, scope="col") for n in (table.feature, "items", "no stop")]
    for stop in analysis.stops:
        head.append(element("th", name(stop), element("small", "score, gain"), scope="col"))
    rows = [_bucket(analysis, part, bucket) for bucket in table.buckets]
    drawn = element(
        "table", element("thead", element("tr", *head)), element("tbody", *rows), class_="plain"
    )
    label = f"Scores and gains by {table.feature} on {part.target}"
    return element(
        "figure",
        element("figcaption", f"An item's {table.feature}: {table.meaning}."),
        scrolled(drawn, label),
    )


def _bucket(analysis: Analysis, part: Part, bucket: Bucket) -> Markup:
    fewer = len(bucket.languages) < len(part.languages)
    where = [element("small", count(len(bucket.languages), "language"))] if fewer else []
    cells = [element("td", f"{bucket.items:,}"), element("td", score(bucket.means.get(BASELINE)))]
    for stop in analysis.stops:
        cells.append(_scored(bucket.means.get(stop), bucket.cell(stop)))
    return element("tr", element("th", bucket.name, *where, scope="row"), *cells)
