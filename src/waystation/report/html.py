"""The report as one HTML file: no network, light and dark, keyboard, phone to print.

A content security policy in the file itself forbids every request and every script but the one
that the report brings (by its hash), so that a page someone passes on stays what it was. Without
scripts all numbers are there; what needs them (tooltips, example browser) stays hidden. The heat
map is in `html_grid`, a target's section in `html_target` and `html_layers`, languages in
`html_languages`, examples in `html_examples`, curves in `html_curves`, cost in `html_run`.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from importlib import resources
from typing import Final

from waystation.buckets import Aspects
from waystation.excerpts import Excerpt
from waystation.report import html_examples
from waystation.report.analysis import Analysis, Part
from waystation.report.breakdown import breakdowns
from waystation.report.html_benchmark import benchmark
from waystation.report.html_curves import curves
from waystation.report.html_forgetting import forgetting
from waystation.report.html_grid import anchor, gains
from waystation.report.html_languages import languages
from waystation.report.html_run import cost, faults
from waystation.report.html_selection import selection
from waystation.report.html_target import section
from waystation.report.markup import Markup, element, join, name
from waystation.report.numbers import count, listing
from waystation.report.sentences import brief
from waystation.report.words import MEANINGS

LARGEST: Final = 4_500_000
"""Bytes of a page; examples are left out until it fits."""


def page(
    analysis: Analysis,
    excerpts: Sequence[Excerpt] = (),
    aspects: Sequence[Aspects] = (),
) -> str:
    """The whole file."""
    before, after = _sections(analysis, bool(excerpts), aspects)
    rest = sum(len(part.encode()) for part in (*before, *after))
    browser = html_examples.section(analysis.results, excerpts, LARGEST - rest)
    if excerpts and not browser:  # there is no room for any
        return page(analysis, (), aspects)
    body = element(
        "body",
        element("a", "Skip to the gains", href="#gains", class_="skip"),
        _header(analysis),
        _bar(analysis, bool(excerpts)),
        element("main", *before, *browser, *after),
        element(
            "footer",
            f"Made by Waystation {analysis.results.provenance.get('waystation', '')}.".replace(
                " .", "."
            ),
        ),
        element("div", id="tip", role="tooltip", hidden=True),
        element("script", Markup(_file("report.js"))),
    )
    return f'<!doctype html>\n<html lang="en">{_head(analysis)}{body}</html>\n'


def _file(name: str) -> str:
    return resources.files("waystation.report").joinpath(name).read_text("utf-8")


def policy() -> str:
    """Nothing is fetched, nothing runs but the report's own script."""
    digest = base64.b64encode(hashlib.sha256(_file("report.js").encode()).digest()).decode()
    return (
        "default-src 'none'; style-src 'unsafe-inline'; img-src data:;"
        f" script-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    )


def _head(analysis: Analysis) -> Markup:
    return element(
        "head",
        element("meta", charset="utf-8"),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        Markup(f'<meta http-equiv="Content-Security-Policy" content="{policy()}">'),
        element("meta", name="generator", content="Waystation"),
        element("title", f"{analysis.results.study} · Waystation report"),
        element("link", rel="icon", href="data:,"),
        element("style", Markup(_file("style.css"))),
    )


def _sections(
    analysis: Analysis, browser: bool, aspects: Sequence[Aspects]
) -> tuple[list[Markup], list[Markup]]:
    """What comes before and after the example browser."""
    results = analysis.results
    tables = breakdowns(analysis, aspects)
    before = [_overview(analysis), gains(analysis, browser)]
    for part in analysis.parts:
        own = [b for b in tables if (b.backbone, b.target) == (part.backbone, part.target)]
        before.append(section(analysis, part, anchor(analysis, part), own))
    before += [*benchmark(analysis), *selection(analysis), *forgetting(analysis)]
    before += languages(analysis, aspects)
    after = [*curves(results), cost(results), *_warnings(results.warnings), _reading()]
    return before, [*after, _provenance(analysis)]


def _header(analysis: Analysis) -> Markup:
    results = analysis.results
    tags = {t for p in analysis.parts for t in (*p.languages, *p.apart)}
    seeds = f"{'seed' if len(results.seeds) == 1 else 'seeds'} {listing(_words(results.seeds))}"
    facts = [
        listing(results.backbones),
        f"{count(len(analysis.stops), 'stop')} and the baseline",
        count(len(results.targets), "target"),
        count(len(tags), "language"),
        seeds,
    ]
    return element(
        "header",
        element("p", "Waystation transfer study", class_="eyebrow"),
        element("h1", results.study, dir="auto"),
        element("p", analysis.sentence, class_="lead"),
        element("p", " · ".join(facts), *_noticed(results.warnings), class_="facts"),
        *faults(results),
        *_collapses(analysis),
    )


def _collapses(analysis: Analysis) -> list[Markup]:
    """A notice of what collapsed."""
    if not analysis.collapses:
        return []
    return [
        element(
            "div",
            element("p", element("strong", "Something collapsed here.")),
            element("ul", *(element("li", c.sentence) for c in analysis.collapses)),
            class_="notice",
            role="note",
        )
    ]


def _noticed(warnings: tuple[str, ...]) -> list[Markup]:
    link = element("a", count(len(warnings), "warning"), href="#warnings")
    return [join(" · ", link)] if warnings else []


def _bar(analysis: Analysis, browser: bool) -> Markup:
    """Links to the sections, and the switch between light and dark."""
    links = [element("a", "Gains", href="#gains")]
    links += [
        element("a", _title(analysis, part), href=f"#{anchor(analysis, part)}")
        for part in analysis.parts
    ]
    if analysis.choices or analysis.results.sweeps:
        links.append(element("a", "Checkpoints", href="#selection"))
    if analysis.probes:
        links.append(element("a", "Forgetting", href="#forgetting"))
    if any(p.languages for p in analysis.parts):
        links.append(element("a", "Languages", href="#languages"))
    if browser:
        links.append(element("a", "Examples", href="#examples"))
    if any(len(s.curve) > 1 for s in analysis.results.steps):
        links.append(element("a", "Curves", href="#curves"))
    links += [
        element("a", "Cost", href="#cost"),
        element("a", "How to read this", href="#reading"),
    ]
    return element(
        "div",
        element("nav", *links, aria_label="Sections"),
        element("button", "Dark", type="button", id="theme", hidden=True),
        class_="bar",
    )


def _words(numbers: tuple[int, ...]) -> list[str]:
    return [str(n) for n in numbers]


def _title(analysis: Analysis, part: Part) -> str:
    many = len(analysis.results.backbones) > 1
    return f"{part.target} ({part.backbone})" if many else part.target


def _overview(analysis: Analysis) -> Markup:
    rows = []
    for part in analysis.parts:
        link = element("a", name(_title(analysis, part)), href=f"#{anchor(analysis, part)}")
        rows.append(join(element("dt", link), element("dd", brief(part))))
    return element(
        "section",
        element("h2", "In a sentence each"),
        element("dl", *rows, class_="overview"),
        id="overview",
    )


def _warnings(warnings: tuple[str, ...]) -> list[Markup]:
    if not warnings:
        return []
    return [
        element(
            "section",
            element("h2", "Warnings"),
            element("p", f"{count(len(warnings), 'thing')} to know before quoting these numbers."),
            element("ul", *(element("li", w) for w in warnings), class_="warnings"),
            id="warnings",
        )
    ]


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
