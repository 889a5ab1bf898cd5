"""Mixtures: rates, numbers of steps, and draws that are a function of (seed, i)."""

from __future__ import annotations

import numpy as np
import pytest

from waystation.errors import UserError
from waystation.mixture import draws, effective, optimiser_steps, probabilities

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
