"""Accuracy of nearest-neighbour retrieval over a bitext, in both directions.

Forward asks which target lies nearest to each source, backward the reverse. XTREME's Tatoeba
score (google-research/xtreme@838c13b) is one direction only: for each English sentence, the
nearest sentence of the other language. Divides first, then times 100, as its `evaluate.py`.
A prediction holds one variant here; `waystation.score` goes through the layers and poolings.
"""

from __future__ import annotations

import numpy as np

from waystation.errors import UserError
from waystation.examples import BitextExample, Neighbours
from waystation.metrics import Metric, Statistics
from waystation.metrics.labels import accuracies


def _nearest(prediction: Neighbours, example: BitextExample, _: str) -> Statistics:
    if not prediction.forward:
        raise UserError(
            f"expected at least one neighbour for example '{example.id}', found none;"
            " predict again, or give one target id per source."
        )
    backward = prediction.backward
    return np.array(
        [
            prediction.forward[0] == example.id,
            1.0,
            bool(backward) and backward[0] == example.id,
            bool(backward),
        ],
        dtype=np.float64,
    )


def _reduce(total: Statistics) -> dict[str, float]:
    """Leaves `accuracy_backward` out where no prediction searched that way."""
    right, count, right_backward, count_backward = total
    values = {"accuracy": float(right / count * 100) if count else 0.0}
    if count_backward:
        values["accuracy_backward"] = float(right_backward / count_backward * 100)
    return values


ACCURACY: Metric[Neighbours, BitextExample] = Metric(
    names=("accuracy", "accuracy_backward"),
    statistics=_nearest,
    reduce=_reduce,
    headlines=accuracies,
)
