"""How reports write numbers, intervals, times, sizes and routes: once, for every format.

One decimal, a true minus sign, intervals in brackets; what is not there is an en dash, never 0.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from waystation import languages

MINUS: Final = "\N{MINUS SIGN}"
NOTHING: Final = "\N{EN DASH}"


def score(value: float | None) -> str:
    """`56.2`, or a dash where there is none."""
    return NOTHING if value is None else f"{value:.1f}".replace("-", MINUS)


def points(value: float | None) -> str:
    """A signed difference: `+11.5`, `−0.4`, `0.0`."""
    if value is None:
        return NOTHING
    text = f"{value:+.1f}".replace("inf", "∞")
    return "0.0" if text in ("+0.0", "-0.0") else text.replace("-", MINUS)


def unsigned(text: str) -> str:
    """A difference that is no gain, without the plus signs that would make it read as one."""
    return text.replace("+", "")


def interval(low: float | None, high: float | None) -> str:
    """`[+5.1, +17.9]`, or nothing where a bound is unknown."""
    return "" if low is None or high is None else f"[{points(low)}, {points(high)}]"


def duration(seconds: float) -> str:
    """`0.4 s`, `42 s`, `3 min 05 s`, `2 h 07 min`."""
    if seconds < 10:
        return f"{seconds:.1f} s"
    if round(seconds) < 60:
        return f"{seconds:.0f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest:02d} s"
    return f"{minutes // 60} h {minutes % 60:02d} min"


def memory(size_bytes: int) -> str:
    """`2.4 GB`, `310 MB`, or a dash where it was not measured."""
    if size_bytes <= 0:
        return NOTHING
    return f"{size_bytes / 1e9:.1f} GB" if size_bytes >= 1e9 else f"{size_bytes / 1e6:.0f} MB"


def variant(text: str) -> str:
    """`layer 8, mean pooling` of `8/mean`, with `, ratio margin` of `8/mean/ratio`.

    Other variants as they are.
    """
    layer, *rest = text.split("/")
    return f"layer {layer}, {pooling(*rest)}" if rest and layer.isdigit() else text


def pooling(name: str, scoring: str = "") -> str:
    """`mean pooling`, `mean pooling, ratio margin`."""
    return f"{name} pooling" + (f", {scoring} margin" if scoring else "")


def count(number: int, noun: str, plural: str = "") -> str:
    """`1 seed`, `3 seeds`."""
    return f"{number} {noun if number == 1 else plural or noun + 's'}"


def listing(items: Sequence[str]) -> str:
    """`a`, `a and b`, `a, b and c`."""
    return " and ".join(filter(None, [", ".join(items[:-1]), *items[-1:]]))


def language_name(tag: str) -> str:
    """`German (de)`; a tag that has no name is its own."""
    name = languages.name_of(tag.split("-")[0])
    return f"{name} ({tag})" if name != tag.split("-")[0] else tag
