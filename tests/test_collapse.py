"""Collapse: what a training's loss and dev score say of what it taught."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import pytest

import toys
from waystation import sources
from waystation.collapse import Collapses, end_of, loss_of_guessing, verdict
from waystation.plan import Step
from waystation.pocket import tasks as pocket
from waystation.store import Store

GUESS = (50.0, math.log(2), 200)


@pytest.mark.parametrize(
    ("scores", "loss", "said"),
    [
        ([71.0], 0.40, ""),
        ([71.0], 0.69, ""),  # dev says that it learned
        ([53.0], 0.60, ""),  # above guessing, if not clearly, and the loss fell
        (
            [53.0],
            0.69,
            "its loss ended at 0.690, where guessing pays 0.693, and 53.0 on 200 dev examples is"
            " not clearly above guessing (50.0)",
        ),
        ([48.0, 50.0], 0.30, "50.0 on 200 dev examples is not above guessing (50.0)"),
        ([49.0, 71.0], 0.69, ""),  # the better checkpoint is what is handed on
        ([], 0.70, "its loss ended at 0.700, where guessing pays 0.693"),
        ([], 0.30, ""),
        ([50.0], None, "50.0 on 200 dev examples is not above guessing (50.0)"),
        ([], None, ""),
    ],
)
def test_verdict(scores: list[float], loss: float | None, said: str) -> None:
    assert verdict(GUESS, scores, loss) == said


def test_few_dev_examples_say_nothing_alone() -> None:
    assert verdict((50.0, math.log(2), 49), [40.0], 0.30) == ""
    assert verdict((50.0, math.log(2), 50), [40.0], 0.30) != ""


def test_the_end_of_a_curve_is_its_last_tenth() -> None:
    curve = [(i, float(i), 0.1) for i in range(1, 41)]
    assert end_of(curve) == pytest.approx((37 + 38 + 39 + 40) / 4)
    assert end_of(curve[:3]) == 3.0
    assert end_of([]) is None


def test_loss_of_guessing() -> None:
    examples = toys.classification(30)
    assert loss_of_guessing(pocket.TOPIC, examples, 8) == pytest.approx(math.log(3))
    uneven = [*examples[:3], examples[0]]
    expected = -(0.5 * math.log(0.5) + 2 * 0.25 * math.log(0.25))
    assert loss_of_guessing(pocket.TOPIC, uneven, 8) == pytest.approx(expected)
    assert loss_of_guessing(pocket.BITEXT, toys.bitext(4), 8) == pytest.approx(math.log(8))
    assert loss_of_guessing(pocket.QA, [], 8) == math.inf
    choices = toys.choice(4)
    two, three = (sum(len(c.options) == n for c in choices) for n in (2, 3))
    assert two + three == 4
    expected = (two * math.log(2) + three * math.log(3)) / 4
    assert loss_of_guessing(pocket.CHOICE, choices, 8) == pytest.approx(expected)


def test_a_training_is_judged_by_what_it_left_behind(tmp_path: Path) -> None:
    """A step of two tasks: the second one's dev score is that of its most frequent label."""
    store = Store.open(tmp_path)
    dev = store.put_data(list(sources.load(pocket.TOPIC, None, "en", "dev").examples)[:60])
    other = store.put_data(list(sources.load(pocket.NLI, None, "en", "dev").examples)[:60])
    members = [
        {"task": name, "language": "en", "dev": digest}
        for name, digest in (("pocket-topic", dev), ("pocket-nli", other), ("pocket-nli", None))
    ]
    names = [m["task"] for m in members]
    step = Step(
        key="train-0",
        kind="train",
        label="train both@0",
        spec={"members": members, "config": {"batch_size": 8}},
        context={"refs": [{"task": name, "own": None} for name in names]},
    )
    scores = {"pocket-topic": 80.0, "pocket-nli": 20.0, "pocket-nli#2": 1.0}
    said = Collapses(store, tmp_path).of(step, [(1, 1.0, 0.1)], [(1, scores)])
    assert len(said) == 1
    assert said[0].startswith("pocket-nli: 20.0 on 60 dev examples is not above guessing (")
    alone = replace(step, spec={"members": members[1:2], "config": {"batch_size": 8}},
                    context={"refs": step.context["refs"][1:2]})  # fmt: skip
    said = Collapses(store, tmp_path).of(alone, [(1, 1.2, 0.1)], [(1, {"pocket-nli": 42.0})])
    assert said[0].startswith("pocket-nli: its loss ended at 1.200, where guessing pays 1.0")
    beside_text = replace(alone, spec=dict(alone.spec) | {"mlm": {}})
    said = Collapses(store, tmp_path).of(beside_text, [(1, 1.2, 0.1)], [(1, {"pocket-nli": 42.0})])
    assert said == ()  # the loss is not the task's alone
