"""Accuracy, binary F1 and correlation: scale, arithmetic, refusals."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from scipy.stats import pearsonr
from sklearn.metrics import f1_score, precision_score, recall_score

from waystation.errors import UserError
from waystation.examples import (
    ChoiceExample,
    ChoicePrediction,
    ClassificationExample,
    LabelPrediction,
    RegressionExample,
    SpanExample,
    SpanPrediction,
    TaggingExample,
    TagsPrediction,
    TextExample,
    TextPrediction,
    ValuePrediction,
)
from waystation.metrics import Metric, labels, measure, qa, retrieval, tagging, text, total


def pair(predicted: str, gold: str | None) -> tuple[LabelPrediction, ClassificationExample]:
    return LabelPrediction(id="x", label=predicted), ClassificationExample(
        id="x", text="", label=gold
    )


def values(metric: Metric[Any, Any], pairs: list[tuple[Any, Any]]) -> dict[str, float]:
    predictions, examples = zip(*pairs, strict=True)
    return metric.reduce(total(measure(metric, predictions, examples, "en")))


def test_accuracy_divides_before_it_multiplies() -> None:
    """As XTREME does; the other order differs in the last digit here."""
    pairs = [pair("a", "a")] * 7 + [pair("a", "b")] * 18
    assert values(labels.ACCURACY, pairs) == {"accuracy": 7 / 25 * 100}
    assert 7 / 25 * 100 != 100 * 7 / 25


def test_choice_accuracy() -> None:
    example = ChoiceExample(id="x", context="", options=("a", "b"), label=1)
    pairs = [(ChoicePrediction(id="x", label=i), example) for i in (0, 1, 1, 1)]
    assert values(labels.CHOICE_ACCURACY, pairs) == {"accuracy": 75.0}


def test_binary_f1_equals_scikit_learn() -> None:
    rng = np.random.default_rng(0)
    gold, predicted = rng.choice(["yes", "no"], 200), rng.choice(["yes", "no"], 200)
    pairs = [pair(str(p), str(g)) for p, g in zip(predicted, gold, strict=True)]
    found = values(labels.f1_binary("yes"), pairs)
    assert found["f1"] == pytest.approx(100 * f1_score(gold, predicted, pos_label="yes"))
    assert found["precision"] == pytest.approx(
        100 * precision_score(gold, predicted, pos_label="yes")
    )
    assert found["recall"] == pytest.approx(100 * recall_score(gold, predicted, pos_label="yes"))


def test_binary_f1_of_nothing_found_is_zero() -> None:
    assert values(labels.f1_binary("yes"), [pair("no", "no")])["f1"] == 0.0


def number(predicted: float, gold: float | None) -> tuple[ValuePrediction, RegressionExample]:
    return ValuePrediction(id="x", value=predicted), RegressionExample(id="x", text="", value=gold)


def test_pearson_equals_scipy() -> None:
    rng = np.random.default_rng(1)
    gold = rng.uniform(0, 5, 500)
    predicted = gold + rng.normal(0, 2, 500) + 3
    pairs = [number(float(p), float(g)) for p, g in zip(predicted, gold, strict=True)]
    expected = 100 * pearsonr(predicted, gold).statistic
    assert values(labels.CORRELATION, pairs)["pearson"] == pytest.approx(expected, rel=1e-10)


@pytest.mark.parametrize("constant", [0.0, 0.1, 3.3, 1e6])
def test_pearson_of_a_constant_is_zero(constant: float) -> None:
    pairs = [number(constant, float(g)) for g in range(7)]
    assert values(labels.CORRELATION, pairs) == {"pearson": 0.0}


def test_pearson_is_at_most_100() -> None:
    pairs = [number(g / 10, g / 10) for g in range(50)]
    assert values(labels.CORRELATION, pairs)["pearson"] == pytest.approx(100.0)
    assert values(labels.CORRELATION, pairs)["pearson"] <= 100.0


def test_nothing_scores_zero() -> None:
    assert labels.ACCURACY.reduce(np.zeros(2)) == {"accuracy": 0.0}
    assert labels.CORRELATION.reduce(np.zeros(6)) == {"pearson": 0.0}
    assert qa.SQUAD.reduce(np.zeros(3)) == {"f1": 0.0, "exact_match": 0.0}
    assert text.EXACT_MATCH.reduce(np.zeros(2)) == {"exact_match": 0.0}


WITHOUT_GOLD: list[tuple[Metric[Any, Any], Any, Any, str]] = [
    (labels.ACCURACY, *pair("a", None), "a label"),
    (labels.f1_binary("a"), *pair("a", None), "a label"),
    (labels.CORRELATION, *number(1, None), "a value"),
    (
        labels.CHOICE_ACCURACY,
        ChoicePrediction(id="x", label=0),
        ChoiceExample(id="x", context="", options=("a", "b")),
        "a right option",
    ),
    (
        tagging.UDPOS_F1,
        TagsPrediction(id="x", tags=("X",)),
        TaggingExample(id="x", words=("w",)),
        "tags",
    ),
    (
        tagging.TOKEN_ACCURACY,
        TagsPrediction(id="x", tags=("X",)),
        TaggingExample(id="x", words=("w",)),
        "tags",
    ),
    (
        qa.SQUAD,
        SpanPrediction(id="x", text="a"),
        SpanExample(id="x", question="", context="a"),
        "answers",
    ),
    (
        text.EXACT_MATCH,
        TextPrediction(id="x", text="a"),
        TextExample(id="x", prompt=""),
        "a completion",
    ),
]


@pytest.mark.parametrize(("metric", "prediction", "example", "what"), WITHOUT_GOLD)
def test_missing_gold_is_refused_by_name(
    metric: Metric[Any, Any], prediction: Any, example: Any, what: str
) -> None:
    with pytest.raises(UserError) as error:
        metric.statistics(prediction, example, "en")
    assert str(error.value) == (
        f"expected every example to have gold, found example 'x' without {what};"
        " score a split whose gold is published."
    )


def test_exact_match_of_text_strips_only_the_ends() -> None:
    def one(predicted: str) -> tuple[Any, Any]:
        example = TextExample(id="x", prompt="", completion="yes and no")
        return TextPrediction(id="x", text=predicted), example

    pairs = [one(" yes and no\n"), one("yes  and no"), one("Yes and no"), one("yes and no")]
    assert values(text.EXACT_MATCH, pairs) == {"exact_match": 50.0}


REDUCERS: list[Callable[[np.ndarray], dict[str, float]]] = [
    labels.ACCURACY.reduce,
    labels.CORRELATION.reduce,
    tagging.CHUNK_F1.reduce,
    qa.SQUAD.reduce,
]


@pytest.mark.parametrize("reduce", REDUCERS)
def test_values_are_plain_floats(reduce: Callable[[np.ndarray], dict[str, float]]) -> None:
    """numpy's own floats would print and serialise differently."""
    for value in reduce(np.arange(1.0, 7.0)[:6] if reduce is REDUCERS[1] else np.ones(3)).values():
        assert type(value) is float


WITH_HEADLINES: list[tuple[Metric[Any, Any], int]] = [
    (labels.ACCURACY, 2),
    (labels.CHOICE_ACCURACY, 2),
    (labels.f1_binary("a"), 3),
    (labels.CORRELATION, 6),
    (tagging.TOKEN_ACCURACY, 2),
    (tagging.CHUNK_F1, 3),
    (tagging.UDPOS_F1, 3),
    (tagging.UDPOS_F1_1X, 3),
    (qa.SQUAD, 3),
    (qa.SQUAD_V2, 3),
    (qa.MLQA, 3),
    (qa.BY_LANGUAGE, 3),
    (retrieval.ACCURACY, 4),
    (retrieval.BUCC_F1, 3),
    (retrieval.MAP20, 2),
    (text.EXACT_MATCH, 2),
]


@pytest.mark.parametrize(("metric", "columns"), WITH_HEADLINES)
def test_many_at_once_are_the_same(metric: Metric[Any, Any], columns: int) -> None:
    totals = np.sort(np.random.default_rng(2).integers(0, 4, (200, columns)), axis=1)
    totals = np.vstack([np.zeros(columns), totals]).astype(np.float64)
    one_by_one = [metric.reduce(row)[metric.names[0]] for row in totals]
    np.testing.assert_allclose(metric.of_many(totals), one_by_one, rtol=1e-12, atol=0)
