"""One axis of gains that every small picture of a target shares."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final, NamedTuple

from waystation.report.markup import Markup, element, join
from waystation.report.numbers import MINUS

TICKS: Final = 5
"""About how many numbers fit under a small picture."""


class Axis(NamedTuple):
    """The range shown; places on it are percentages from left to right."""

    low: float
    high: float

    def at(self, value: float) -> str:
        """Where a value lies, at most at the edges."""
        share = (value - self.low) / (self.high - self.low)
        return f"{100 * min(max(share, 0.0), 1.0):.3g}"

    def lines(self) -> str:
        """CSS backgrounds: a line at each tick, a stronger one at 0."""
        shown = []
        for tick in sorted(ticks(self.low, self.high, TICKS), key=abs):
            colour = "--soft" if abs(tick) < 1e-9 else "--rule"
            shown.append(
                f"linear-gradient(var({colour}),var({colour}))"
                f" {self.at(tick)}% 0/1px 100% no-repeat"
            )
        return ",".join(shown)

    def scale(self) -> Markup:
        """The ticks' numbers."""
        marks = (
            element("span", number(t), style=f"--v:{self.at(t)}")
            for t in ticks(self.low, self.high, TICKS)
        )
        return element("i", join(*marks))


def ticks(low: float, high: float, wanted: int = 4) -> list[float]:
    """About `wanted` round numbers that cover [low, high]."""
    span = max(high - low, 1e-9)
    size = 10 ** math.floor(math.log10(span / wanted))
    step = next(size * m for m in (1, 2, 2.5, 5, 10) if span / (size * m) <= wanted)
    first = math.ceil(low / step - 1e-9)
    last = math.floor(high / step + 1e-9)
    return [i * step for i in range(first, last + 1)]


def number(value: float) -> str:
    """A tick's number, as short as it can be."""
    return f"{value:.6g}".replace("-", MINUS)


def domain(bounds: Sequence[tuple[float, float, float]]) -> tuple[float, float]:
    """The range that shows every (value, low, high): 0, all values, all but very wide intervals.

    An interval of two seeds may be ten times as wide as the others; it is cut at the edge rather
    than flattening everything else.
    """
    bounded = [(v, high - low) for v, low, high in bounds if math.isfinite(high - low)]
    widths = sorted(width for _, width in bounded)
    widest = 3 * widths[len(widths) // 2] if widths else 0.0
    found = [0.0, *(v for v, _, _ in bounds)]
    for value, width in bounded:
        half = min(width, widest) / 2
        found += [value - half, value + half]
    low, high = min(found), max(found)
    margin = max(0.06 * (high - low), 0.5)
    return low - margin, high + margin
