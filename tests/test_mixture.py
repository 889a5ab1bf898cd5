"""Mixtures: rates, numbers of steps, and draws that are a function of (seed, i)."""

from __future__ import annotations

import itertools
import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from waystation.errors import UserError
from waystation.mixture import draws, effective, optimiser_steps, probabilities
from waystation.task import member_names

NAMES, SIZES = ("a", "b", "c"), (100, 300, 1600)


def test_proportional_rates_follow_capped_sizes() -> None:
    assert probabilities("proportional", NAMES, SIZES, None) == [0.05, 0.15, 0.8]
    assert probabilities("proportional", NAMES, SIZES, 400) == [1 / 8, 3 / 8, 4 / 8]
    assert effective(SIZES, 400) == [100, 300, 400]


def test_equal_temperature_and_explicit_rates() -> None:
    assert probabilities("equal", NAMES, SIZES, None) == [1 / 3] * 3
    roots = np.sqrt([100, 300, 1600])
    assert probabilities({"temperature": 2}, NAMES, SIZES, None) == pytest.approx(
        list(roots / roots.sum())
    )
    weights = {"c": 0.5, "a": 0.2, "b": 0.3}
    assert probabilities(weights, NAMES, SIZES, None) == [0.2, 0.3, 0.5]


@pytest.mark.parametrize(
    ("rates", "message"),
    [
        ("often", "one weight for each of a, b, c, found 'often'"),
        ({"a": 1.0}, "one weight for each of a, b, c, found {'a': 1.0}"),
        ({"a": 0.0, "b": 0.0, "c": 0.0}, "expected rates of at least 0 that are not all 0"),
        ({"a": -1.0, "b": 1.0, "c": 1.0}, "expected rates of at least 0 that are not all 0"),
    ],
)
def test_impossible_rates_are_refused(rates: object, message: str) -> None:
    with pytest.raises(UserError) as caught:
        probabilities(rates, NAMES, SIZES, None)
    assert message in str(caught.value)


def test_steps_cover_the_epochs() -> None:
    assert optimiser_steps([100], None, 3, 32) == 10
    assert optimiser_steps([100, 1000], 200, 0.5, 32) == 5
    assert optimiser_steps([1], None, 0.01, 32) == 1


def test_draws_come_at_their_rates_and_have_a_common_beginning() -> None:
    drawn = draws([0.2, 0.0, 0.8], 10_000, seed=3)
    shares = np.bincount(drawn, minlength=3) / len(drawn)
    assert shares == pytest.approx([0.2, 0, 0.8], abs=0.015)
    assert draws([0.2, 0.0, 0.8], 50, seed=3).tolist() == drawn[:50].tolist()
    assert draws([0.2, 0.0, 0.8], 50, seed=4).tolist() != drawn[:50].tolist()
    assert draws([1.0], 5, seed=0).tolist() == [0] * 5


Sizes = st.lists(st.integers(1, 10**6), min_size=1, max_size=9)
Caps = st.none() | st.integers(1, 10**6)
Rules = st.sampled_from(["proportional", "equal", {"temperature": 0.5}, {"temperature": 7.0}])


@given(sizes=Sizes, cap=Caps, rule=Rules)
def test_rates_sum_to_one_and_a_larger_task_is_never_drawn_less(
    sizes: list[int], cap: int | None, rule: Any
) -> None:
    rates = probabilities(rule, [str(i) for i in range(len(sizes))], sizes, cap)
    assert math.fsum(rates) == pytest.approx(1)
    by_size = [rate for _, rate in sorted(zip(sizes, rates, strict=True))]
    assert all(a <= b + 1e-12 for a, b in itertools.pairwise(by_size))


@given(sizes=Sizes, cap=Caps)
def test_temperature_goes_from_proportional_to_equal(sizes: list[int], cap: int | None) -> None:
    names = [str(i) for i in range(len(sizes))]
    proportional = probabilities("proportional", names, sizes, cap)
    assert probabilities({"temperature": 1}, names, sizes, cap) == pytest.approx(proportional)
    flat = probabilities({"temperature": 1e6}, names, sizes, cap)
    assert flat == pytest.approx([1 / len(sizes)] * len(sizes), rel=1e-4)


@given(sizes=Sizes, cap=st.integers(1, 10**6))
def test_a_cap_makes_larger_tasks_alike(sizes: list[int], cap: int) -> None:
    rates = probabilities("proportional", [str(i) for i in range(len(sizes))], sizes, cap)
    capped = [rate for size, rate in zip(sizes, rates, strict=True) if size >= cap]
    assert len(set(capped)) <= 1
    assert sum(effective(sizes, cap)) <= cap * len(sizes)


@given(weights=st.lists(st.integers(1, 100), min_size=2, max_size=9), seed=st.integers(0, 99))
def test_draws_are_as_frequent_as_their_rates(weights: list[int], seed: int) -> None:
    rates = [w / sum(weights) for w in weights]
    shares = np.bincount(draws(rates, 20_000, seed), minlength=len(rates)) / 20_000
    # Five standard errors of the most uncertain share: 0.5 * 0.5 / 20,000.
    assert shares == pytest.approx(rates, abs=5 * 0.5 / math.sqrt(20_000))


def test_members_of_one_task_are_named_with_their_language() -> None:
    assert member_names([("a", "en"), ("b", "de")]) == ["a", "b"]
    assert member_names([("a", "en"), ("b", "de"), ("a", "de")]) == ["a.en", "b", "a.de"]
    names = member_names([("a", "en"), ("a", "de")])
    assert probabilities({"a.de": 0.75, "a.en": 0.25}, names, [5, 5], None) == [0.25, 0.75]
