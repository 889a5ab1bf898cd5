"""Tatoeba in both directions, mAP@20, mined pairs and their threshold, at the edges too."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from waystation.errors import UserError
from waystation.examples import BitextExample, Neighbours, QueryExample
from waystation.metrics import measure, total
from waystation.metrics.retrieval import (
    ACCURACY,
    BUCC_F1,
    MAP20,
    average_precision,
    threshold_of,
)


def example(name: str) -> BitextExample:
    return BitextExample(id=name, source="", target="")


def nearest(backward: str, forward: str = "") -> Neighbours:
    return Neighbours(
        forward=(forward,) if forward else (),
        forward_scores=(0.9,) if forward else (),
        backward=(backward, "z"),
        backward_scores=(0.9, 0.1),
    )


def test_both_directions() -> None:
    predictions = [nearest("a", "b"), nearest("c", "b"), nearest("a", "c")]
    statistics = measure(ACCURACY, predictions, [example(x) for x in "abc"], "de")
    assert ACCURACY.reduce(total(statistics)) == {
        "accuracy": 1 / 3 * 100,
        "accuracy_forward": 2 / 3 * 100,
    }


def test_a_second_neighbour_does_not_count() -> None:
    statistics = ACCURACY.statistics(nearest("a"), example("z"), "de")
    assert ACCURACY.reduce(statistics) == {"accuracy": 0.0}


def test_no_neighbours_are_refused() -> None:
    with pytest.raises(UserError) as error:
        ACCURACY.statistics(Neighbours(forward=("a",), forward_scores=()), example("a"), "de")
    assert str(error.value) == (
        "expected the nearest source sentence of example 'a', found no backward neighbour;"
        " predict again, or give one source id per English sentence."
    )


def query(relevant: tuple[str, ...] | None, name: str = "q") -> QueryExample:
    return QueryExample(id=name, query="", relevant=relevant)


def ranked(*ids: str) -> Neighbours:
    return Neighbours(forward=ids, forward_scores=(1.0,) * len(ids))


@pytest.mark.parametrize("metric", [MAP20, BUCC_F1])
def test_queries_without_gold_are_refused(metric: Any) -> None:
    with pytest.raises(UserError) as error:
        metric.statistics(ranked("a"), query(None), "en")
    assert str(error.value) == (
        "expected every example to have gold, found example 'q' without relevant candidates;"
        " score a split whose gold is published."
    )


def test_a_query_that_nothing_answers_is_refused() -> None:
    with pytest.raises(UserError) as error:
        MAP20.statistics(ranked("a"), query(()), "en")
    assert str(error.value) == (
        "expected every query to have a relevant candidate, found none for 'q'; leave out queries"
        " that nothing answers."
    )


@pytest.mark.parametrize(
    ("ids", "relevant", "value"),
    [
        ("", "a", 0.0),
        ("a", "a", 1.0),
        ("xa", "a", 1 / 2),
        ("ab", "ab", 1.0),
        ("axb", "ab", (1 / 1 + 2 / 3) / 2),
        ("aab", "ab", (1 / 1 + 2 / 3) / 2),  # the second a uses up a rank
        ("a", "abc", 1 / 3),
        ("x" * 19 + "a", "a", 1 / 20),
        ("x" * 20 + "a", "a", 0.0),
    ],
)
def test_average_precision(ids: str, relevant: str, value: float) -> None:
    assert average_precision(ids, relevant) == value


def test_no_more_than_twenty_relevant_ones_divide() -> None:
    names = [str(i) for i in range(30)]
    assert average_precision(names, names) == 1.0


def test_mean_average_precision() -> None:
    predictions, examples = [ranked("a"), ranked("x", "b")], [query(("a",)), query(("b",))]
    statistics = measure(MAP20, predictions, examples, "en")
    assert MAP20.reduce(total(statistics)) == {"map@20": 75.0}
    assert MAP20.reduce(np.zeros(2)) == {"map@20": 0.0}


def test_mined_pairs() -> None:
    predictions = [ranked("x"), ranked("y"), ranked(), ranked()]
    examples = [query(("x",)), query(()), query(("z",)), query(())]
    values = BUCC_F1.reduce(total(measure(BUCC_F1, predictions, examples, "de")))
    assert values == {"f1": 50.0, "precision": 50.0, "recall": 50.0}


def test_no_right_pair_scores_zero() -> None:
    values = BUCC_F1.reduce(total(measure(BUCC_F1, [ranked("x")], [query(("y",))], "de")))
    assert values == {"f1": 0.0, "precision": 0.0, "recall": 0.0}
    assert BUCC_F1.reduce(np.zeros(3)) == {"f1": 0.0, "precision": 0.0, "recall": 0.0}


@pytest.mark.parametrize(
    ("scored", "gold", "threshold"),
    [
        ([], 3, 0.0),
        ([(0.9, False), (0.8, False)], 3, 0.0),
        ([(0.9, True)], 1, 0.9),  # a single candidate: the official code raises IndexError
        ([(0.9, True), (0.5, False)], 1, 0.7),
        ([(0.9, False), (0.5, True)], 1, 0.5),  # the last one too
        ([(0.5, True), (0.5, True)], 2, 0.5),
        ([(0.5, True), (0.5, False)], 1, 0.5),  # a tie: both are kept all the same
        ([(0.25, True), (0.75, True), (0.5, False)], 2, 0.25),  # 2/3 after one, 0.8 after all
        ([(0.75, True), (0.5, True), (-1.0, False)], 2, -0.25),
    ],
)
def test_threshold(scored: list[tuple[float, bool]], gold: int, threshold: float) -> None:
    assert threshold_of(scored, gold) == threshold


def test_a_later_cut_of_the_same_f1_does_not_win() -> None:
    """F1 is 2/3 after the first pair and again after the fourth."""
    scored = [(0.8, True), (0.7, False), (0.6, False), (0.5, True), (0.1, False)]
    assert 2 * 1.0 * 0.5 / 1.5 == 2 * 0.5 * 1.0 / 1.5
    assert threshold_of(scored, 2) == 0.75


SCORES = st.lists(
    st.tuples(st.floats(-1, 2, width=32), st.booleans()), min_size=1, max_size=30
).map(lambda rows: [(float(score), right) for score, right in rows])


def f1_from(scored: list[tuple[float, bool]], gold: int, threshold: float) -> float:
    kept = [right for score, right in scored if score >= threshold]
    right = sum(kept)
    return 2 * right / (len(kept) + gold) if right else 0.0


@given(SCORES, st.integers(0, 5))
def test_no_cut_between_different_scores_is_better(
    scored: list[tuple[float, bool]], missing: int
) -> None:
    gold = sum(right for _, right in scored) + missing
    distinct = sorted({score for score, _ in scored})
    if len(distinct) < len(scored) or any(a + (b - a) / 2 <= a for a, b in pairwise(distinct)):
        return  # ties and neighbouring floats have no midpoint to tell them apart
    if not any(right for _, right in scored):
        assert threshold_of(scored, gold) == 0.0
        return
    best = max(f1_from(scored, gold, score) for score in distinct)
    assert f1_from(scored, gold, threshold_of(scored, gold)) == pytest.approx(best, rel=1e-12)


@given(st.integers(1, 20), st.integers(0, 20))
def test_all_ties_keep_all(right: int, wrong: int) -> None:
    scored = [(0.5, True)] * right + [(0.5, False)] * wrong
    assert threshold_of(scored, right) == 0.5


IDS = st.lists(st.sampled_from("abcdefgh"), max_size=25)


@given(IDS, st.sets(st.sampled_from("abcdefgh"), min_size=1))
def test_average_precision_stays_between_nothing_and_a_perfect_ranking(
    ids: list[str], relevant: set[str]
) -> None:
    wanted = sorted(relevant)
    assert 0.0 <= average_precision(ids, wanted) <= average_precision(wanted, wanted) == 1.0
