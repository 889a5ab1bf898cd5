"""What a metric is: additive per-example statistics and a reduction of their sum.

Splitting a metric this way lets any of them be resampled: a bootstrap adds up the statistics of
the examples it drew and reduces once, whether the metric is accuracy, F1, BLEU or pass@k. The
modules beside this file hold the metrics of the field; each names the official script whose
scale and order of arithmetic it keeps. Floor 1: numpy and scipy only.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

P = TypeVar("P")
E = TypeVar("E")
Statistics = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Metric(Generic[P, E]):
    """One metric of a task; `names[0]` is the value that a report leads with.

    `statistics(prediction, example, language)` gives float64[k] and raises UserError, naming the
    example, where it needs gold that is unpublished. `reduce(total)` turns the sum over examples,
    float64[k], into the named values on the official scale.

    `headlines` is the first of these values for many sums at once, float64[n, k] to float64[n]:
    the same to rounding, for the sake of speed only. Without it, resampling calls `reduce`.

    `case` is for metrics that count several examples as one case: examples that it gives one name
    bear equal shares of that case, whose statistics are the least of theirs.

    `corpus` is for official scripts that read all examples in sequence: the rows of all at once,
    where they are not what `statistics` gives for each alone.
    """

    names: tuple[str, ...]
    statistics: Callable[[P, E, str], Statistics]
    reduce: Callable[[Statistics], dict[str, float]]
    headlines: Callable[[Statistics], Statistics] | None = None
    case: Callable[[E], str] | None = None
    corpus: Callable[[Sequence[P], Sequence[E], str], Statistics] | None = None

    def of_many(self, totals: Statistics) -> Statistics:
        """The headline of each of float64[n, k]."""
        if self.headlines is not None:
            return self.headlines(totals)
        return np.array([self.reduce(row)[self.names[0]] for row in totals])


def ratio(part: Statistics, whole: Statistics) -> Statistics:
    """Element by element, 0 where the whole is 0."""
    return np.divide(part, whole, out=np.zeros(part.shape), where=whole != 0)


def total(statistics: Statistics) -> Statistics:
    """Sum float64[n, k] over n strictly from first to last, as the official scripts add.

    numpy's own sum is pairwise and differs from them in the last digit.
    """
    if len(statistics) == 0:
        return np.zeros(statistics.shape[1:])
    return np.asarray(np.add.accumulate(statistics, axis=0)[-1])


def measure(
    metric: Metric[Any, Any],
    predictions: Sequence[object],
    examples: Sequence[object],
    language: str,
) -> Statistics:
    """float64[n, k]: the metric's statistics of aligned predictions and examples."""
    if metric.corpus is not None:
        return metric.corpus(predictions, examples, language)
    rows = [metric.statistics(p, e, language) for p, e in zip(predictions, examples, strict=True)]
    measured = np.asarray(rows, dtype=np.float64)
    if metric.case is not None:
        members: dict[str, list[int]] = {}
        for place, example in enumerate(examples):
            members.setdefault(metric.case(example), []).append(place)
        for places in members.values():
            measured[places] = measured[places].min(axis=0) / len(places)
    return measured
