"""The pictures of the HTML report, as inline SVG that takes its colours from the page's style.

Written by hand and not by a plotting library, so that dark mode, print and phone widths come from
the style sheet, a page stays small, and drawing costs nothing. Each picture carries a `title` for
screen readers; its numbers are always in a table beside it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from waystation.report.markup import Markup, element, join
from waystation.report.numbers import MINUS

LINES = 6
"""How many line colours the style sheet has."""


@dataclass(frozen=True, kw_only=True)
class Interval:
    """One row of a forest plot. `look` is gain, loss or noise, or "" where nothing was measured."""

    label: str
    value: float | None
    low: float | None
    high: float | None
    look: str
    strong: bool = False


def ticks(low: float, high: float, wanted: int = 4) -> list[float]:
    """About `wanted` round numbers that cover [low, high]."""
    span = max(high - low, 1e-9)
    size = 10 ** math.floor(math.log10(span / wanted))
    step = next(size * m for m in (1, 2, 2.5, 5, 10) if span / (size * m) <= wanted)
    first = math.ceil(low / step - 1e-9)
    last = math.floor(high / step + 1e-9)
    return [i * step for i in range(first, last + 1)]


def _number(value: float) -> str:
    return f"{value:.6g}".replace("-", MINUS)


def _text(x: float, y: float, text: str, class_: str = "", anchor: str = "start") -> Markup:
    return element("text", text, x=x, y=y, class_=class_, text_anchor=anchor)


def _line(x1: float, y1: float, x2: float, y2: float, class_: str) -> Markup:
    return element("line", x1=x1, y1=y1, x2=x2, y2=y2, class_=class_)


def _svg(width: float, height: float, title: str, *children: str, class_: str = "") -> Markup:
    return element(
        "svg",
        element("title", title),
        *children,
        viewBox=f"0 0 {width:g} {height:g}",
        role="img",
        class_=class_,
        style=f"max-width:{width * 1.12:g}px",
    )


def domain(rows: Sequence[Interval]) -> tuple[float, float]:
    """The range that shows every dot, 0 and all but unusually wide intervals, with a margin.

    An interval of two seeds may be ten times as wide as the others; it is cut at the edge, with an
    arrow, rather than flattening everything else.
    """
    bounded = [
        (r.value, r.high - r.low) for r in rows
        if r.value is not None and r.low is not None and r.high is not None
        and math.isfinite(r.high - r.low)
    ]  # fmt: skip
    widths = sorted(width for _, width in bounded)
    widest = 3 * widths[len(widths) // 2] if widths else 0.0
    found = [0.0, *(r.value for r in rows if r.value is not None)]
    for value, width in bounded:
        half = min(width, widest) / 2
        found += [value - half, value + half]
    low, high = min(found), max(found)
    margin = max(0.06 * (high - low), 0.5)
    return low - margin, high + margin


def forest(rows: Sequence[Interval], span: tuple[float, float], title: str) -> Markup:
    """A dot and an interval for each row, on an axis of gains in points that shows 0."""
    left, right, height, top = 112.0, 312.0, 19.0, 8.0
    bottom = top + height * len(rows)

    def at(value: float) -> float:
        share = (value - span[0]) / (span[1] - span[0])
        return left + min(max(share, 0.0), 1.0) * (right - left)

    marks = [
        join(
            _line(at(t), top, at(t), bottom, "zero" if abs(t) < 1e-9 else "grid"),
            _text(at(t), bottom + 14, _number(t), "tick", "middle"),
        )
        for t in ticks(*span)
    ]
    for number, row in enumerate(rows):
        y = top + height * (number + 0.5)
        marks.append(
            _text(left - 8, y + 4, row.label, "label strong" if row.strong else "label", "end")
        )
        if row.value is None:
            marks.append(_text(at(0.0), y + 4, "not measured", "tick", "middle"))
            continue
        if row.low is not None and row.high is not None:
            marks.append(_line(at(row.low), y, at(row.high), y, f"bar {row.look}"))
            if row.low < span[0]:
                marks.append(_arrow(left, y, -1, row.look))
            if row.high > span[1]:
                marks.append(_arrow(right, y, 1, row.look))
        radius = 5.0 if row.strong else 3.8
        marks.append(element("circle", cx=at(row.value), cy=y, r=radius, class_=f"dot {row.look}"))
    return _svg(right + 12, bottom + 20, title, *marks, class_="forest")


def _arrow(x: float, y: float, side: int, look: str) -> Markup:
    """The end of an interval that goes on beyond the picture."""
    path = f"M{x + side * 5:g} {y:g}l{-side * 5} -3.5v7z"
    return element("path", d=path, class_=f"arrow {look}")


@dataclass(frozen=True, kw_only=True)
class Series:
    """One line of a line plot; `number` picks its colour, 0 being the baseline's."""

    label: str
    points: tuple[tuple[float, float], ...]
    number: int


def lines(series: Sequence[Series], title: str, axis: str) -> Markup:
    """Lines over a numeric axis, each labelled at its right end."""
    left, right, top, bottom = 34.0, 268.0, 10.0, 190.0
    xs = sorted({x for s in series for x, _ in s.points})
    ys = [y for s in series for _, y in s.points]
    low, high = min(ys), max(ys)
    margin = max(0.06 * (high - low), 1.0)
    low, high = low - margin, high + margin

    def at(x: float, y: float) -> tuple[float, float]:
        across = (x - xs[0]) / max(xs[-1] - xs[0], 1e-9)
        return left + across * (right - left), bottom - (y - low) / (high - low) * (bottom - top)

    marks = []
    for t in ticks(low, high):
        marks.append(_line(left, at(xs[0], t)[1], right, at(xs[0], t)[1], "grid"))
        marks.append(_text(left - 6, at(xs[0], t)[1] + 4, _number(t), "tick", "end"))
    for x in xs if len(xs) <= 13 else xs[:: math.ceil(len(xs) / 13)]:
        marks.append(_text(at(x, low)[0], bottom + 14, _number(x), "tick", "middle"))
    marks.append(_text((left + right) / 2, bottom + 30, axis, "tick", "middle"))
    ends = spread([at(*s.points[-1])[1] for s in series], 14.0, top, bottom)
    for s, end in zip(series, ends, strict=True):
        colour = f"line-{s.number % LINES}"
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in (at(*p) for p in s.points))
        marks.append(element("polyline", points=path, class_=f"line {colour}"))
        for p in s.points if len(s.points) <= 13 else ():
            marks.append(
                element("circle", cx=at(*p)[0], cy=at(*p)[1], r=2.6, class_=f"point {colour}")
            )
        marks.append(_text(right + 8, end + 4, s.label, f"label {colour}"))
    return _svg(right + 150, bottom + 36, title, *marks, class_="lines")


def spread(wanted: Sequence[float], gap: float, low: float, high: float) -> list[float]:
    """Positions near the wanted ones that lie at least `gap` apart, within [low, high] if it fits.

    Labels at the ends of lines would otherwise print over each other.
    """
    order = sorted(range(len(wanted)), key=lambda i: wanted[i])
    placed: list[float] = []
    for i in order:
        placed.append(max(wanted[i], placed[-1] + gap if placed else low))
    for j in reversed(range(len(placed))):
        ceiling = placed[j + 1] - gap if j + 1 < len(placed) else high
        placed[j] = min(placed[j], ceiling)
    found = [0.0] * len(wanted)
    for i, y in zip(order, placed, strict=True):
        found[i] = y
    return found


def spark(curves: Sequence[Sequence[tuple[float, float]]], title: str) -> Markup:
    """Training loss over optimiser steps, one thin line per seed, from 0 to its maximum."""
    width, height = 180.0, 56.0
    last = max(x for c in curves for x, _ in c)
    top = max(max(y for c in curves for _, y in c), 1e-9)
    marks = [_line(0, height - 1, width, height - 1, "grid")]
    for number, curve in enumerate(curves):
        path = " ".join(
            f"{x / max(last, 1) * width:.1f},{(height - 1) - y / top * (height - 6):.1f}"
            for x, y in curve
        )
        marks.append(element("polyline", points=path, class_=f"line seed-{number % 3}"))
    return _svg(width, height, title, *marks, class_="spark")
