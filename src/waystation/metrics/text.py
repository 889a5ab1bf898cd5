"""Metrics of generated text: exact match after stripping surrounding white space."""

from __future__ import annotations

import numpy as np

from waystation.examples import TextExample, TextPrediction
from waystation.metrics import Metric, Statistics
from waystation.metrics.labels import accuracies, no_gold


def _same(prediction: TextPrediction, example: TextExample, _: str) -> Statistics:
    if example.completion is None:
        raise no_gold(example.id, "a completion")
    return np.array([prediction.text.strip() == example.completion.strip(), 1.0])


def _reduce(total: Statistics) -> dict[str, float]:
    return {"exact_match": float(total[0] / total[1] * 100) if total[1] else 0.0}


EXACT_MATCH: Metric[TextPrediction, TextExample] = Metric(
    names=("exact_match",), statistics=_same, reduce=_reduce, headlines=accuracies
)
