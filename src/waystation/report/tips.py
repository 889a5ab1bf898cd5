"""What a tooltip says of a gain, and the attributes that make a cell show it.

A tooltip is plain text in a `data-tip` attribute, a line each; `report.js` shows it on hover and
on keyboard focus. Everything in it is also in the tables of the page, for paper and for readers
without scripts.
"""

from __future__ import annotations

from waystation.report.analysis import MEAN, Cell, Part
from waystation.report.numbers import (
    count,
    interval,
    language_name,
    points,
    score,
    variant,
)
from waystation.report.words import look, phrase


def of_cell(part: Part, cell: Cell) -> str:
    """Gain, interval, verdict, seeds and items of a cell, a line each."""
    where = ["mean" if cell.language == MEAN else language_name(cell.language)]
    if len(part.variants) > 1:
        where.append(variant(cell.variant))
    lines = [f"{cell.stop} → {part.target}, {', '.join(where)}"]
    gain = cell.gain
    if gain is None:
        return "\n".join([*lines, f"not measured: {cell.note or 'no scores'}"])
    lines.append(f"{points(gain.value)} points {interval(gain.low, gain.high)}")
    lines.append(_judgement(cell))
    lines.append(f"{part.headline} {score(cell.baseline)} → {score(cell.score)}")
    items = count(gain.items, "item")
    groups = f" in {count(gain.groups, 'group')}" if gain.groups != gain.items else ""
    languages = f", {count(len(cell.languages), 'language')}" if cell.language == MEAN else ""
    lines.append(f"{count(gain.seeds, 'seed')}, n = {items}{groups}{languages}")
    return "\n".join([*lines, *([cell.note] if cell.note else [])])


def _judgement(cell: Cell) -> str:
    if cell.verdict:
        p = "" if cell.adjusted_p is None else f" (corrected p {_p(cell.adjusted_p)})"
        return f"{phrase(cell)}{p}"
    if cell.gain is not None and cell.gain.flags:
        return "too few seeds or items for a judgement"
    apart = look(cell) in ("gain", "loss")
    return f"interval {'leaves out' if apart else 'includes'} 0; no verdict for details"


def _p(value: float) -> str:
    return "< 0.001" if value < 0.001 else f"= {value:.3f}"
