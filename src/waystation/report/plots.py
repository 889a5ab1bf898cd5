"""The pictures of the HTML report, as inline SVG that takes its colours from the page's style.

Written by hand and not by a plotting library, so that dark mode, print and phone widths come from
the style sheet, a page stays small, and drawing costs nothing. Each picture carries a `title` for
screen readers; its numbers are always in a table beside it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from waystation.report.axis import number, ticks
from waystation.report.markup import Markup, element

LINES = 6
"""How many line colours the style sheet has."""


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
        marks.append(_text(left - 6, at(xs[0], t)[1] + 4, number(t), "tick", "end"))
    for x in xs if len(xs) <= 13 else xs[:: math.ceil(len(xs) / 13)]:
        marks.append(_text(at(x, low)[0], bottom + 14, number(x), "tick", "middle"))
    marks.append(_text((left + right) / 2, bottom + 30, axis, "tick", "middle"))
    ends = spread([at(*s.points[-1])[1] for s in series], 14.0, top, bottom)
    for s, end in zip(series, ends, strict=True):
        colour = f"line-{s.number % LINES}"
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in (at(*p) for p in s.points))
        drawn = [element("polyline", points=path, class_=f"line {colour}")]
        for x, y in s.points if len(s.points) <= 13 else ():
            cx, cy = at(x, y)
            tip = f"{s.label}\n{axis.partition(' ')[0]} {number(x)}: {y:.1f}"
            drawn.append(
                element("circle", cx=cx, cy=cy, r=2.6, class_=f"point {colour}", data_tip=tip)
            )
        drawn.append(_text(right + 8, end + 4, s.label, f"label {colour}"))
        marks.append(element("g", *drawn, class_="series"))
    return _svg(right + 150, bottom + 36, title, *marks, class_="lines")


@dataclass(frozen=True, kw_only=True)
class Dots:
    """Points (x, y, tooltip) of one colour; `number` picks it, 0 being the baseline's."""

    points: tuple[tuple[float, float, str], ...]
    number: int


def scatter(
    series: Sequence[Dots],
    title: str,
    axis: str,
    *,
    zero: bool = False,
    span: tuple[int, int] | None = None,
    beside: bool = True,
) -> Markup:
    """Points over a numeric axis. `zero` draws a line there and keeps it in the picture.

    `span` is the range of an axis of whole numbers. `beside` puts points of several series side
    by side, where they would have the same place across.
    """
    left, right, top, bottom = 34.0, 268.0, 8.0, 128.0
    found = [(x, y) for s in series for x, y, _ in s.points]
    ys = [y for _, y in found] + [0.0] * zero
    low, high = min(ys), max(ys)
    margin = max(0.06 * (high - low), 1.0)
    low, high = low - margin, high + margin
    first, last = span or (min(x for x, _ in found), max(x for x, _ in found))
    whole = [float(t) for t in range(span[0], span[1] + 1)] if span else ticks(first, last, 5)
    room = 0.05 * max(last - first, 1e-9)
    first, last = first - room, last + room

    def at(x: float, y: float) -> tuple[float, float]:
        across = (x - first) / (last - first)
        return left + across * (right - left), bottom - (y - low) / (high - low) * (bottom - top)

    marks = []
    for t in ticks(low, high, 3):
        kind = "zero" if zero and abs(t) < 1e-9 else "grid"
        marks.append(_line(left, at(first, t)[1], right, at(first, t)[1], kind))
        marks.append(_text(left - 6, at(first, t)[1] + 4, number(t), "tick", "end"))
    for t in whole:
        marks.append(_text(at(t, low)[0], bottom + 14, number(t), "tick", "middle"))
    marks.append(_text((left + right) / 2, bottom + 28, axis, "tick", "middle"))
    for s in series:
        # Languages as far as one another would hide each other's stops: these stand side by side.
        apart = beside and len(series) > 1
        aside = (s.number - (len(series) + 1) / 2) * 3.2 if apart else 0.0
        for x, y, tip in s.points:
            cx, cy = at(x, y)
            colour = f"point line-{s.number % LINES}"
            marks.append(
                element("circle", cx=cx + aside, cy=cy, r=3.4, class_=colour, data_tip=tip)
            )
    # A group and not one picture: its points can be reached one by one.
    drawn = _svg(right + 14, bottom + 34, title, *marks, class_="scatter")
    return Markup(drawn.replace('role="img"', 'role="group"', 1))


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


def curves(
    loss: Sequence[Sequence[tuple[float, float]]],
    dev: Sequence[Sequence[tuple[float, float]]],
    spans: tuple[float, tuple[float, float] | None],
    title: str,
) -> Markup:
    """Training loss over optimiser steps, a line for each seed, and below it the dev score.

    `spans` are the top of the loss axis, which begins at 0, and the range of the dev axis.
    """
    left, right, top, bottom = 34.0, 214.0, 16.0, 88.0
    last = max([x for c in (*loss, *dev) for x, _ in c], default=1.0)

    def across(x: float) -> float:
        return left + x / max(last, 1.0) * (right - left)

    def panel(
        lines: Sequence[Sequence[tuple[float, float]]],
        span: tuple[float, float],
        edge: tuple[float, float],
        marker: bool,
    ) -> list[Markup]:
        def up(y: float) -> float:
            share = (y - span[0]) / max(span[1] - span[0], 1e-9)
            return edge[1] - share * (edge[1] - edge[0])

        marks = []
        for t in ticks(*span, 2):
            marks.append(_line(left, up(t), right, up(t), "grid"))
            marks.append(_text(left - 5, up(t) + 4, number(t), "tick", "end"))
        for order, line in enumerate(lines):
            path = " ".join(f"{across(x):.1f},{up(y):.1f}" for x, y in thinned(line))
            marks.append(element("polyline", points=path, class_=f"line seed-{order % 3}"))
            for x, y in line if marker else ():
                marks.append(element("circle", cx=across(x), cy=up(y), r=2.2, class_="at"))
        return marks

    height = bottom + 18
    marks = panel(loss, (0.0, spans[0]), (top, bottom), False)
    marks.append(_text(left, top - 6, "loss", "tick"))
    if spans[1] is not None:
        height = bottom + 80
        marks += panel(dev, spans[1], (bottom + 22, bottom + 62), True)
        marks.append(_text(left, bottom + 15, "dev", "tick"))
    marks.append(_text(right, height - 3, f"{last:,.0f} steps", "tick", "end"))
    return _svg(right + 8, height, title, *marks, class_="curve")


def thinned(line: Sequence[tuple[float, float]], most: int = 60) -> Sequence[tuple[float, float]]:
    """At most `most` points of a line, the last one always among them."""
    if len(line) <= most:
        return line
    stride = math.ceil(len(line) / (most - 1))
    kept = list(line[::stride])
    return kept if kept[-1] == line[-1] else [*kept, line[-1]]
