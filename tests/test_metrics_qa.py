"""Normalisation, F1 and exact match by hand and at the edges; official values are in parity/."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from waystation.errors import UserError
from waystation.examples import Answer, SpanExample, SpanPrediction
from waystation.metrics import Metric, measure, total
from waystation.metrics.qa import (
    BY_LANGUAGE,
    MLQA,
    SQUAD,
    SQUAD_V2,
    normalise_by_language,
    normalise_mlqa,
    normalise_squad,
)


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


@pytest.mark.parametrize(
    ("predicted", "golds", "value"),
    [
        ("the", ("a",), (1.0, 1.0)),  # nothing is left of either: v1.1 gives F1 0 here
        ("the", ("a", "Rome"), (0.0, 0.0)),  # an answer of which nothing is left is dropped
        ("Rome", ("a", "Rome"), (1.0, 1.0)),
        ("", (), (1.0, 1.0)),
        ("The.", (), (1.0, 1.0)),
        ("x", (), (0.0, 0.0)),
        ("", ("x",), (0.0, 0.0)),
        ("x y", ("x",), (2 * 0.5 * 1 / 1.5, 0.0)),
    ],
)
def test_squad_v2(predicted: str, golds: tuple[str, ...], value: tuple[float, float]) -> None:
    assert f1_and_match(predicted, *golds, metric=SQUAD_V2) == value


@pytest.mark.parametrize(
    ("language", "text", "expected"),
    [
        ("ja", "「東京タワー」の、Tokyo 3年", "東 京 タ ワ ー の tokyo 3 年"),
        ("th", "กรุงเทพฯ ที่ Bangkok", "ก รุ ง เ ท พ ฯ ที่ bangkok"),
        ("zh", "在北京,the 3年", "在 北 京 the 3 年"),  # as MLQA
        ("yue", "香港。", "香 港"),
        ("ko", "서울의 「탑」", "서울의 탑"),
        ("el", "Η «Αθήνα»;", "η αθήνα"),
        ("ru", "в „Москве“ — а", "в москве а"),
        ("te", "హైదరాబాద్‌లో।", "హైదరాబాద్‌లో"),
        ("sw", "the a an", "the a an"),  # no language but English has English articles
        ("en", "the a an", ""),
        ("ja", "", ""),
    ],
)
def test_normalisation_by_language(language: str, text: str, expected: str) -> None:
    assert normalise_by_language(text, language) == expected


def test_by_language_gives_part_of_a_chinese_answer_its_due() -> None:
    assert f1_and_match("北京。", "北京", language="zh") == (0.0, 0.0)
    assert f1_and_match("北京。", "北京", metric=BY_LANGUAGE, language="zh") == (1.0, 1.0)
    assert f1_and_match("東京都", "東京", metric=BY_LANGUAGE, language="ja")[0] == 0.8


def test_values_of_the_two_do_not_collide() -> None:
    assert not set(SQUAD.names) & set(BY_LANGUAGE.names)


TEXT = st.text(
    st.one_of(
        st.sampled_from("the an a der la của ال 北京 กที่ タ .,«»。 \u0301\u00a0\n"),
        st.characters(),
    ),
    max_size=30,
)
LANGUAGE = st.sampled_from(["ar", "de", "en", "es", "hi", "vi", "zh"])


@given(TEXT, LANGUAGE)
def test_by_language_is_mlqa_for_mlqa_s_languages(text: str, language: str) -> None:
    assert normalise_by_language(text, language) == normalise_mlqa(text, language)


@given(TEXT, st.sampled_from(["ja", "th", "ko", "ru", "bn", "my"]))
def test_what_is_normalised_stays_so_and_loses_punctuation_alone(text: str, language: str) -> None:
    once = normalise_by_language(text, language)
    assert normalise_by_language(once, language) == once.lower()
    assert not any(unicodedata.category(c).startswith("P") for c in once)
    kept = [c for c in text.lower() if not unicodedata.category(c).startswith("P")]
    kept = [c for c in kept if c not in "$+<=>^`|~" and not c.isspace()]
    assert "".join(once.split()) == "".join(kept)


@given(TEXT, st.lists(TEXT, min_size=1, max_size=3), LANGUAGE)
def test_scores_stay_between_0_and_1(predicted: str, golds: list[str], language: str) -> None:
    for metric in (SQUAD, SQUAD_V2, MLQA, BY_LANGUAGE):
        f1, match = f1_and_match(predicted, *golds, metric=metric, language=language)
        assert 0.0 <= f1 <= 1.0
        assert match in (0.0, 1.0)
        assert f1_and_match(golds[0], *golds, metric=metric, language=language)[1] == 1.0 or (
            metric is SQUAD_V2 and not normalise_squad(golds[0])
        )


def test_a_thousand_empty_predictions_score_zero() -> None:
    example = SpanExample(id="q", question="", context="", answers=(Answer(text="Rome", start=0),))
    rows = measure(SQUAD, [SpanPrediction(id="q", text="")] * 1000, [example] * 1000, "en")
    assert SQUAD.reduce(total(rows)) == {"f1": 0.0, "exact_match": 0.0}
