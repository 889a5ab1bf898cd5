"""Nearest neighbours in both directions."""

from __future__ import annotations

import pytest

from waystation.errors import UserError
from waystation.examples import BitextExample, Neighbours
from waystation.metrics import measure, total
from waystation.metrics.retrieval import ACCURACY


def example(name: str) -> BitextExample:
    return BitextExample(id=name, source="", target="")


def nearest(forward: str, backward: str = "") -> Neighbours:
    return Neighbours(
        forward=(forward, "z"),
        forward_scores=(0.9, 0.1),
        backward=(backward,) if backward else (),
        backward_scores=(0.9,) if backward else (),
    )


def test_both_directions() -> None:
    predictions = [nearest("a", "b"), nearest("b", "b"), nearest("a", "c")]
    statistics = measure(ACCURACY, predictions, [example(x) for x in "abc"], "de")
    assert ACCURACY.reduce(total(statistics)) == {
        "accuracy": 2 / 3 * 100,
        "accuracy_backward": 2 / 3 * 100,
    }


def test_a_second_neighbour_does_not_count() -> None:
    statistics = ACCURACY.statistics(nearest("a"), example("z"), "de")
    assert ACCURACY.reduce(statistics) == {"accuracy": 0.0}


def test_no_neighbours_are_refused() -> None:
    with pytest.raises(UserError) as error:
        ACCURACY.statistics(Neighbours(forward=(), forward_scores=()), example("a"), "de")
    assert str(error.value) == (
        "expected at least one neighbour for example 'a', found none; predict again, or give one"
        " target id per source."
    )
