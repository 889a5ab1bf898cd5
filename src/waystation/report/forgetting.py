"""What the stops forgot: the change of every probe against the raw backbone, and what it meant.

A probe is laid out like a target that nothing is fine-tuned for (`Analysis.probes`); its changes
are details with intervals and without verdicts. Against a target each stop and language is a
point: the change of the probe across, the gain on the target up. Their rank correlation has the
interval of Bonett & Wright 2000 (Psychometrika 65, equation 3) with the number of stops as its
sample size, since the languages of one stop are one model seen several times.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NamedTuple

from waystation.report.numbers import MINUS, count, listing, points, score, variant
from waystation.report.profile import correlation
from waystation.results import Results

if TYPE_CHECKING:
    from waystation.report.analysis import Analysis, Cell, Part

LOSS: Final = "loss"
STOPS_NEEDED: Final = 5
"""Below this many stops the interval would say nothing."""
NORMAL: Final = 1.959964
TITLES: Final = {"retrieval": "Retrieval of translations", "loss": "Language-model loss"}


class Point(NamedTuple):
    """One stop in one language, or on the means where language is ""."""

    stop: str
    language: str
    change: float
    gain: float


@dataclass(frozen=True, kw_only=True)
class Against:
    """A probe's changes against a target's gains; `rho` is None where it is not defined."""

    target: str
    points: tuple[Point, ...]
    rho: float | None
    low: float | None
    high: float | None
    note: str


def title(analysis: Analysis, probe: Part) -> str:
    """What a probe is called in a heading."""
    name = TITLES.get(probe.target, probe.target)
    return f"{name}, {probe.backbone}" if len(analysis.results.backbones) > 1 else name


def against(analysis: Analysis, probe: Part) -> tuple[Against, ...]:
    """The probe against every target of its backbone that has a gain."""
    found = []
    for part in analysis.of(probe.backbone):
        marks = _points(analysis, probe, part)
        if marks:
            found.append(_correlated(part.target, marks))
    return tuple(found)


def _points(analysis: Analysis, probe: Part, part: Part) -> tuple[Point, ...]:
    evaluated = (*part.languages, *part.apart)
    common = [tag for tag in probe.languages if tag in evaluated] or [""]
    marks = []
    for stop in analysis.stops:
        for tag in common:
            change, gain = probe.cell(stop, tag), part.cell(stop, tag)
            if change and change.gain and gain and gain.gain:
                marks.append(Point(stop, tag, change.gain.value, gain.gain.value))
    return tuple(marks)


def _correlated(target: str, marks: tuple[Point, ...]) -> Against:
    rho = correlation([(m.change, m.gain) for m in marks])
    stops = len(dict.fromkeys(m.stop for m in marks))
    low = high = None
    note = ""
    if stops < STOPS_NEEDED:
        note = f"too few points: {count(stops, 'stop')}, and at least {STOPS_NEEDED} are needed"
    elif rho is None:
        note = "not defined: one side never changes"
    else:
        low, high = bounds(rho, stops)
    return Against(
        target=target,
        points=marks,
        rho=None if note else rho,
        low=low,
        high=high,
        note=note,
    )


def bounds(rho: float, stops: int) -> tuple[float, float]:
    """The 95% interval of a rank correlation over so many independent points."""
    if abs(rho) >= 1:
        rho = math.copysign(1 - 1e-9, rho)
    margin = NORMAL * math.sqrt((1 + rho**2 / 2) / (stops - 3))
    return math.tanh(math.atanh(rho) - margin), math.tanh(math.atanh(rho) + margin)


def said(found: Against) -> str:
    """`ρ = −0.62 [−0.90, +0.02] over 8 stops`, or why there is none."""
    if found.rho is None or found.low is None or found.high is None:
        return found.note
    stops = len(dict.fromkeys(m.stop for m in found.points))
    return f"ρ = {_signed(found.rho)} [{_signed(found.low)}, {_signed(found.high)}], {stops} stops"


def _signed(value: float) -> str:
    """Two decimals with their sign; what rounds to nothing has none."""
    text = f"{value:+.2f}"
    return "0.00" if float(text) == 0 else text.replace("-", MINUS)


def value(probe: Part, number: float | None) -> str:
    """A probe's score; a loss has two decimals."""
    if probe.headline != LOSS or number is None:
        return score(number)
    return f"{number:.2f}"


def change(probe: Part, cell: Cell | None) -> str:
    """`−8.7 [−9.9, −7.5]`, or a dash; a loss in nats has two decimals."""
    if cell is None or cell.gain is None:
        return "not measured"
    if probe.headline != LOSS:
        gain = cell.gain
        return f"{points(gain.value)} [{points(gain.low)}, {points(gain.high)}]"
    return f"{_signed(cell.gain.value)} [{_signed(cell.gain.low)}, {_signed(cell.gain.high)}]"


def about(probe: Part) -> str:
    """What the numbers of a probe are."""
    where = count(len(probe.languages), "language")
    if probe.headline == LOSS:
        return f"Nats per predicted token, mean over {where}; lower is better."
    shown = f" at {variant(probe.variant)}" if probe.variant else ""
    return f"{probe.headline} on {probe.task}{shown}, mean over {where}; chance is near 0."


def sentence(probe: Part) -> str:
    """Which stops lost, which won, which cannot be told apart from the raw backbone."""
    groups: dict[str, list[str]] = {"worse": [], "better": [], "alike": []}
    for cell in probe.grid:
        if cell.gain is not None:
            worse = cell.gain.low > 0 if probe.headline == LOSS else cell.gain.high < 0
            better = cell.gain.high < 0 if probe.headline == LOSS else cell.gain.low > 0
            word = "worse" if worse else "better" if better else "alike"
            groups[word].append(f"{cell.stop} ({change(probe, cell)})")
    texts = [
        f"Worse than the raw backbone after {listing(groups['worse'])}" if groups["worse"] else "",
        f"better after {listing(groups['better'])}" if groups["better"] else "",
        f"no change beyond the interval after {listing(groups['alike'])}"
        if groups["alike"]
        else "",
    ]
    text = "; ".join(t for t in texts if t)
    return f"{text[0].upper()}{text[1:]}." if text else "Not measured yet."


def unmeasured(results: Results) -> list[str]:
    """Why a backbone's loss is not probed, one sentence each."""
    return [f"{backbone}: {why}" for backbone, why in results.unprobed.items()]
