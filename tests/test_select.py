"""Choosing: which checkpoint, which value of a sweep, which rows to average."""

from __future__ import annotations

from typing import Any

import pytest

from waystation.errors import StepFailed
from waystation.select import choose, last, sweep


def rows(*scores: float | None) -> list[dict[str, Any]]:
    return [
        {"checkpoint": f"{n:06d}", "step": n, "score": score} for n, score in enumerate(scores, 1)
    ]


def test_source_dev_takes_the_best_and_the_earlier_of_equals() -> None:
    assert choose(rows(1.0, 3.0, 3.0, 2.0), "source-dev") == {
        "checkpoint": "000002",
        "score": 3.0,
        "step": 2,
        "rule": "source-dev",
    }


def test_last_takes_the_last_whatever_it_scored() -> None:
    assert choose(rows(5.0, None, 1.0), "last")["checkpoint"] == "000003"


def test_oracle_dev_chooses_by_the_scores_it_is_given() -> None:
    assert choose(rows(1.0, 0.5, 2.0), "oracle-dev")["step"] == 3


def test_one_checkpoint_needs_no_score() -> None:
    assert choose(rows(None), "source-dev")["step"] == 1


def test_without_dev_scores_there_is_nothing_to_choose_by() -> None:
    with pytest.raises(StepFailed, match="expected a dev score for each checkpoint, found none"):
        choose(rows(1.0, None), "source-dev")
    with pytest.raises(StepFailed, match="expected a dev score for each checkpoint, found none"):
        sweep([(1e-5, "train-a", rows(1.0)), (3e-5, "train-b", rows(None))])


def test_no_checkpoint_is_an_error() -> None:
    with pytest.raises(StepFailed, match="expected at least one checkpoint to select from"):
        choose([], "last")


def test_a_sweep_compares_all_checkpoints_and_the_earlier_value_wins_a_tie() -> None:
    runs = [
        (3e-5, "train-a", rows(1.0, 4.0)),
        (1e-5, "train-b", rows(4.0, 2.0)),
        (1e-4, "train-c", rows(0.0, 3.0)),
    ]
    found: Any = sweep(runs)
    assert (found["train"], found["checkpoint"], found["learning_rate"]) == (
        "train-a",
        "000002",
        3e-5,
    )
    assert [(v["learning_rate"], v["score"], v["step"]) for v in found["values"]] == [
        (3e-5, 4.0, 2),
        (1e-5, 4.0, 1),
        (1e-4, 3.0, 2),
    ]


def test_the_last_checkpoints_are_those_and_must_be_there() -> None:
    assert last(rows(1.0, 2.0, 3.0), 2) == ["000002", "000003"]
    with pytest.raises(StepFailed, match="expected 3 checkpoints to average, found 2"):
        last(rows(1.0, 2.0), 3)
