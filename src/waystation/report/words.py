"""The verdict words of a report, their marks and what they mean, the same in every format."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal, TypeAlias

if TYPE_CHECKING:
    from waystation.report.analysis import Cell

Look: TypeAlias = Literal["gain", "loss", "noise", "none"]

PHRASES: Final = {
    "gain": "clear gain",
    "loss": "clear loss",
    "no clear difference": "no clear difference",
    "too few seeds": "too few seeds",
    "too few items": "too few items",
    "uninformative": "uninformative",
    "missing": "not measured",
    "": "",
}
"""What readers see for the verdicts of `waystation.statistics`, and for cells without one."""

_MARKS: Final[dict[Look, str]] = {"gain": "▲", "loss": "▼", "noise": "○", "none": ""}
_UNJUDGED: Final = ("too few seeds", "too few items", "uninformative")

INTERVALS: Final = "[95% interval over items and seeds]"
LEGEND: Final = f"▲ clear gain, ▼ clear loss, ○ no clear difference, ? not judged; {INTERVALS}"

MEANINGS: Final = (
    (
        "gain",
        "The score after the stop minus the score without it, in points of the target's own"
        " metric, seed by seed and language by language, then averaged.",
    ),
    (
        "zero-shot mean",
        "The mean over the languages that the target was not fine-tuned on; the fine-tuning"
        " language is shown apart. Where nothing is fine-tuned it is the mean over all languages.",
    ),
    (
        "95% interval",
        "Covers both other test items and other training seeds: a paired bootstrap over items,"
        " drawn by group where items belong together, joined with the spread between seeds."
        " No interval is corrected for how many there are: of every twenty about one leaves out"
        " 0 by chance alone. Gains by language or layer get no verdict for that reason; those"
        " whose interval leaves out 0 are filled in pictures and bold in tables.",
    ),
    (
        "▲ clear gain, ▼ clear loss",
        "The gain differs from 0 at the 5% level after Holm's correction over all gains in the"
        " grid: if no stop did anything, a study would call even one of them clear in at most one"
        " case in twenty. An interval that leaves out 0 is therefore not yet a clear gain.",
    ),
    (
        "○ no clear difference",
        "It cannot be told from noise. This is not the same as no effect: compare the smallest"
        " gain that could have been detected.",
    ),
    (
        "? too few seeds, too few items",
        "With one seed an interval covers items only and looks more certain than it is; with"
        " fewer than twenty groups of items the bootstrap is not to be trusted. No verdict is"
        " given.",
    ),
    (
        "? uninformative",
        "Neither with nor without the stop is the target clearly above chance and majority, so"
        " that differences between the two say nothing about transfer.",
    ),
    (
        "smallest detectable gain",
        "The true gain that a study of this many items and seeds would find four times in five.",
    ),
    (
        "chance, majority",
        "What uniform guessing and always giving the most frequent label score; a model that is"
        " not above both has learned nothing that a score can show.",
    ),
    (
        "not measured",
        "The step failed, was skipped or has not run; it never counts as 0.",
    ),
)


def look(cell: Cell | None) -> Look:
    """How a cell is drawn.

    Without a verdict (one language, another layer) it is the interval that decides.
    """
    if cell is None or cell.gain is None:
        return "none"
    if cell.verdict == "gain":
        return "gain"
    if cell.verdict == "loss":
        return "loss"
    if cell.verdict or cell.gain.flags or not cell.informative:
        return "noise"
    if cell.gain.low > 0:
        return "gain"
    return "loss" if cell.gain.high < 0 else "noise"


def mark(cell: Cell | None) -> str:
    """One character: ▲, ▼, ○, or ? where a verdict was not to be had; "" for details."""
    if cell is None or not cell.verdict:
        return ""
    return "?" if cell.verdict in _UNJUDGED else _MARKS[look(cell)]


def phrase(cell: Cell | None) -> str:
    """Mark and words: `▲ clear gain`; only the words where nothing was measured."""
    if cell is None or cell.gain is None:
        return PHRASES["missing"]
    return f"{mark(cell)} {PHRASES[cell.verdict]}".strip()
