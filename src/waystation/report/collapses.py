"""Collapse in a report: trainings that taught nothing, and stops that clearly harm a target.

What a training taught is `waystation.collapse`'s judgement; a stop harms a target where the grid's
verdict is a clear loss, as QQP did to named entities in Phang et al. 2020 (arXiv 2005.13013,
section 4). A target that says nothing (uninformative) is named in its own sentence, not here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from waystation.report.numbers import count, interval, listing, points
from waystation.results import StepSummary

if TYPE_CHECKING:
    from waystation.report.analysis import Analysis, Cell, Part


@dataclass(frozen=True, kw_only=True)
class Collapse:
    """One thing that went wrong. `kind` is `training` or `harm`.

    `stops` and `targets` are those whose routes stand on a training, or the one that is harmed.
    """

    kind: str
    stops: tuple[str, ...]
    targets: tuple[str, ...]
    sentence: str


def collapses(analysis: Analysis) -> tuple[Collapse, ...]:
    """The stops' trainings, then those for targets, then harm, each in the study's order."""
    groups: dict[str, list[StepSummary]] = {}
    for step in analysis.results.steps:
        if step.kind == "train" and step.state == "done" and step.curve:
            groups.setdefault(_route(step), []).append(step)
    order = sorted(groups.items(), key=lambda group: _tunes(*group))
    found = [_training(name, steps) for name, steps in order]
    harmed = [c for c in analysis.grid if c.verdict == "loss"]
    return (*(c for c in found if c), *(_harm(analysis, cell) for cell in harmed))


def _route(step: StepSummary) -> str:
    return step.label.removeprefix("train ").rpartition("@")[0]


def _training(name: str, steps: list[StepSummary]) -> Collapse | None:
    """One sentence for the seeds of one training."""
    failed = [s for s in steps if s.collapse]
    if not failed:
        return None
    shown = [f"seed {s.label.rpartition('@')[2]}: {'; '.join(s.collapse)}" for s in failed]
    whole = any(_wholly(s) for s in failed)
    seeds = f"{len(failed)} of {count(len(steps), 'seed')}" if len(steps) > 1 else "its one seed"
    stops = tuple(dict.fromkeys(t for s in failed for t in s.stops))
    targets = tuple(dict.fromkeys(t for s in failed for t in s.targets))
    if _tunes(name, steps):
        stop = name.removesuffix(f">{name.rpartition('>')[2]}")
        after = "without a stop" if stop == "none" else f"after {stop}"
        what, cost = f"fine-tuning for {listing(targets)} {after}", ""
    else:
        what = f"training at the stop {name}"
        worth = f"what {listing(stops)} is worth to a target"
        cost = f" So {worth} says nothing of its task." if whole else ""
    return Collapse(
        kind="training",
        stops=stops,
        targets=targets,
        sentence=(
            f"The {what} taught nothing{'' if whole else ' of some of its tasks'} in {seeds}"
            f" ({'; '.join(shown)}).{cost}"
        ),
    )


def _wholly(step: StepSummary) -> bool:
    """Whether a training taught none of its tasks anything."""
    return len(step.collapse) >= len(step.dev[-1][1] if step.dev else ())


def _tunes(name: str, steps: list[StepSummary]) -> bool:
    """Whether a training is a target's own: a route's name, of which it serves the target only."""
    return ">" in name and all(len(s.targets) == 1 and f">{s.targets[0]}" in name for s in steps)


def _harm(analysis: Analysis, cell: Cell) -> Collapse:
    """A clear loss, with what is known of why."""
    assert cell.gain is not None
    many = len(analysis.results.backbones) > 1
    where = f"{cell.target} ({cell.backbone})" if many else cell.target
    value = f"{points(cell.gain.value)} {interval(cell.gain.low, cell.gain.high)}"
    return Collapse(
        kind="harm",
        stops=(cell.stop,),
        targets=(cell.target,),
        sentence=(
            f"The stop {cell.stop} harmed {where}: {value} points against no stop, more than noise."
            f" {_cause(analysis, cell)}"
        ),
    )


def _cause(analysis: Analysis, cell: Cell) -> str:
    part = next(p for p in analysis.parts if (p.backbone, p.target) == (cell.backbone, cell.target))
    if any(s.collapse and _wholly(s) and _route(s) == cell.stop for s in analysis.results.steps):
        return "Likely because its own training taught nothing, see above."
    if not part.fine_tuned:
        return "Nothing was fine-tuned after it, so this is what its training itself undid."
    forgot = [p for p in analysis.probes if p.backbone == cell.backbone and _fell(p, cell.stop)]
    if forgot:
        names = listing([p.target for p in forgot])
        return f"Likely because its training undid what the backbone knew: {names} fell too."
    return (
        "Its own training went well, so its task likely conflicts with the target's, as QQP did"
        " with named entities in Phang et al. 2020; try fewer examples or a lower learning rate."
    )


def _fell(probe: Part, stop: str) -> bool:
    cell = probe.cell(stop)
    if cell is None or cell.gain is None:
        return False
    return cell.gain.low > 0 if probe.headline == "loss" else cell.gain.high < 0
