"""What a finished (or half-finished) study came to: the input of every report and comparison.

`Results` is plain data gathered from study, lock and store (`collect`, at the end of this file);
renderers and statistics see nothing else, so that a report is a pure function. No torch.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from waystation.metrics import Metric, Statistics


@dataclass(frozen=True, kw_only=True)
class Score:
    """One route's score on one language.

    A route is backbone, stop, target and seed. `variant` is "" or, for retrieval, a layer and a
    pooling such as `8/mean`. `statistics` is float64[n, k] of the headline metric, aligned with
    `ids` and `groups` (the id itself where the data has no group).
    """

    backbone: str
    stop: str
    target: str
    task: str
    seed: int
    language: str
    variant: str
    headline: str
    values: dict[str, float]
    baselines: dict[str, float]
    metric: Metric[Any, Any] = field(repr=False)
    ids: tuple[str, ...] = field(repr=False)
    groups: tuple[str, ...] = field(repr=False)
    statistics: Statistics = field(repr=False)
    fine_tuned: bool = True


@dataclass(frozen=True, kw_only=True)
class StepSummary:
    """One step of the plan: what it was and what it cost. `state`: done, failed, skipped, missing."""

    key: str
    kind: str
    label: str
    state: str
    seconds: float = 0.0
    peak_memory_bytes: int = 0
    message: str = ""
    curve: tuple[tuple[int, float, float], ...] = ()
    """(optimiser step, mean training loss since the last point, learning rate) of train steps."""
    dev: tuple[tuple[int, dict[str, float]], ...] = ()
    """(optimiser step, dev headline per task) of train steps."""


@dataclass(frozen=True, kw_only=True)
class Results:
    """Everything a report shows. `stops` and `targets` are in the study's order, baseline first."""

    study: str
    backbones: tuple[str, ...]
    seeds: tuple[int, ...]
    stops: tuple[str, ...]
    targets: tuple[str, ...]
    source_language: dict[str, str]
    """The fine-tuning language of each target; the other languages are zero-shot."""
    scores: tuple[Score, ...]
    steps: tuple[StepSummary, ...]
    warnings: tuple[str, ...]
    provenance: dict[str, str]
    """Versions, precision, model revisions and data digests, as label -> text."""
