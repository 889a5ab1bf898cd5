"""Metrics of one decision per example: accuracy, binary F1 and correlation.

Accuracy keeps the arithmetic of XTREME's `evaluate.py` (google-research/xtreme@838c13b), which
divides first and multiplies by 100 afterwards. Correlation is Pearson's, times 100, as GLUE
tables print it; Spearman's needs all ranks at once, is not a sum over examples and so is left out.
"""

from __future__ import annotations

import math

import numpy as np

from waystation.errors import UserError
from waystation.examples import (
    ChoiceExample,
    ChoicePrediction,
    ClassificationExample,
    LabelPrediction,
    RegressionExample,
    ValuePrediction,
)
from waystation.metrics import Metric, Statistics, ratio


def no_gold(example_id: str, what: str) -> UserError:
    """The refusal to score an example whose gold is unpublished."""
    return UserError(
        f"expected every example to have gold, found example '{example_id}' without {what};"
        " score a split whose gold is published."
    )


def accuracy(total: Statistics) -> dict[str, float]:
    """(correct, count) -> accuracy; 0 of nothing is 0."""
    return {"accuracy": float(total[0] / total[1] * 100) if total[1] else 0.0}


def accuracies(totals: Statistics) -> Statistics:
    """`accuracy` of many sums at once."""
    return ratio(totals[:, 0], totals[:, 1]) * 100


def f1_precision_recall(total: Statistics) -> dict[str, float]:
    """(correct, predicted, gold) -> micro-averaged values, in seqeval's order of arithmetic."""
    correct, predicted, gold = total
    precision = correct / predicted if predicted else 0.0
    recall = correct / gold if gold else 0.0
    both = precision + recall
    f1 = 2 * precision * recall / both if both else 0.0
    return {
        "f1": float(f1 * 100),
        "precision": float(precision * 100),
        "recall": float(recall * 100),
    }


def f1s(totals: Statistics) -> Statistics:
    """The F1 of `f1_precision_recall` of many sums at once."""
    precision, recall = ratio(totals[:, 0], totals[:, 1]), ratio(totals[:, 0], totals[:, 2])
    return ratio(2 * precision * recall, precision + recall) * 100


def _label(prediction: LabelPrediction, example: ClassificationExample, _: str) -> Statistics:
    if example.label is None:
        raise no_gold(example.id, "a label")
    return np.array([prediction.label == example.label, 1.0])


def _choice(prediction: ChoicePrediction, example: ChoiceExample, _: str) -> Statistics:
    if example.label is None:
        raise no_gold(example.id, "a right option")
    return np.array([prediction.label == example.label, 1.0])


ACCURACY: Metric[LabelPrediction, ClassificationExample] = Metric(
    names=("accuracy",), statistics=_label, reduce=accuracy, headlines=accuracies
)
CHOICE_ACCURACY: Metric[ChoicePrediction, ChoiceExample] = Metric(
    names=("accuracy",), statistics=_choice, reduce=accuracy, headlines=accuracies
)


def f1_binary(positive: str) -> Metric[LabelPrediction, ClassificationExample]:
    """F1 of one label against all others, the second metric of MRPC and QQP in GLUE."""

    def statistics(
        prediction: LabelPrediction, example: ClassificationExample, _: str
    ) -> Statistics:
        if example.label is None:
            raise no_gold(example.id, "a label")
        predicted, gold = prediction.label == positive, example.label == positive
        return np.array([predicted and gold, predicted, gold], dtype=np.float64)

    return Metric(
        names=("f1", "precision", "recall"),
        statistics=statistics,
        reduce=f1_precision_recall,
        headlines=f1s,
    )


def _moments(prediction: ValuePrediction, example: RegressionExample, _: str) -> Statistics:
    if example.value is None:
        raise no_gold(example.id, "a value")
    x, y = prediction.value, example.value
    return np.array([1.0, x, y, x * x, y * y, x * y])


def _pearson(total: Statistics) -> dict[str, float]:
    n, x, y, xx, yy, xy = (float(value) for value in total)
    if n == 0:
        return {"pearson": 0.0}
    spread_x, spread_y = xx / n - (x / n) ** 2, yy / n - (y / n) ** 2
    # A constant carries no information about the other variable; rounding leaves about 1e-16
    # of its square behind.
    if spread_x <= 1e-14 * (xx / n) or spread_y <= 1e-14 * (yy / n):
        return {"pearson": 0.0}
    r = (xy / n - (x / n) * (y / n)) / math.sqrt(spread_x * spread_y)
    return {"pearson": 100 * min(1.0, max(-1.0, r))}


CORRELATION: Metric[ValuePrediction, RegressionExample] = Metric(
    names=("pearson",), statistics=_moments, reduce=_pearson
)
