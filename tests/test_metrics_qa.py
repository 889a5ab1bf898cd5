"""SQuAD's and MLQA's normalisation, F1 and exact match by hand; real files are in parity/."""

from __future__ import annotations

import pytest

from waystation.errors import UserError
from waystation.examples import Answer, SpanExample, SpanPrediction
from waystation.metrics import Metric
from waystation.metrics.qa import MLQA, SQUAD, normalise_mlqa, normalise_squad


def f1_and_match(
    predicted: str,
    *golds: str,
    metric: Metric[SpanPrediction, SpanExample] = SQUAD,
    language: str = "en",
) -> tuple[float, float]:
    example = SpanExample(
        id="q", question="", context="", answers=tuple(Answer(text=g, start=0) for g in golds)
    )
    f1, match, count = metric.statistics(SpanPrediction(id="q", text=predicted), example, language)
    assert count == 1
    return float(f1), float(match)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("The  Panthers!", "panthers"),
        ("a-b", "ab"),
        ("an an", ""),
        ("theatre", "theatre"),
        ("«die» Panther。", "«die» panther。"),
        ("ÉCOLE\u00a0A", "école"),
    ],
)
def test_squad_normalisation(text: str, expected: str) -> None:
    assert normalise_squad(text) == expected


@pytest.mark.parametrize(
    ("language", "text", "expected"),
    [
        ("en", "The «Panthers»", "panthers"),
        ("de", "Die Panther, der dem", "panther"),
        ("es", "los Panteras de la", "panteras de"),
        ("vi", "những con báo của", "con báo"),
        ("hi", "यह।", "यह"),
        ("ar", "الكتاب", "كتاب"),
        ("zh", "在北京,the 3年", "在 北 京 the 3 年"),
        ("de-en", "Der Hund", "hund"),
    ],
)
def test_mlqa_normalisation(language: str, text: str, expected: str) -> None:
    assert normalise_mlqa(text, language) == expected


def test_mlqa_refuses_languages_without_rules() -> None:
    with pytest.raises(UserError) as error:
        normalise_mlqa("text", "sw")
    assert str(error.value) == (
        "expected one of MLQA's languages ar, de, en, es, hi, vi, zh, found 'sw'; its"
        " normalisation is defined for these only, so score other languages as SQuAD."
    )


def test_overlap() -> None:
    precision, recall = 2 / 3, 2 / 4
    f1 = 2 * precision * recall / (precision + recall)
    assert f1_and_match("one two five", "one two three four") == (f1, 0.0)
    assert f1_and_match("two two", "two") == (2 * 0.5 * 1 / 1.5, 0.0)


def test_the_best_gold_answer_counts() -> None:
    assert f1_and_match("42", "forty-two", "the 42.") == (1.0, 1.0)


def test_f1_and_match_disagree_where_nothing_is_left() -> None:
    """As in the official script: two articles match exactly but share no token."""
    assert f1_and_match("the", "a") == (0.0, 1.0)


@pytest.mark.parametrize(("predicted", "value"), [("", 1.0), (" the ", 1.0), ("x", 0.0)])
def test_unanswerable(predicted: str, value: float) -> None:
    assert f1_and_match(predicted) == (value, value)


def test_no_answer_to_an_answerable_question() -> None:
    assert f1_and_match("", "x") == (0.0, 0.0)


def test_chinese_differs_between_the_two() -> None:
    assert f1_and_match("北京大学", "北京", language="zh") == (0.0, 0.0)
    half = f1_and_match("北京大学", "北京", metric=MLQA, language="zh")
    assert half == (2 * 0.5 * 1 / 1.5, 0.0)
