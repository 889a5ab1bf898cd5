"""Buckets of test items: lengths in quarters, labels, answer types by surface, chunks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from waystation.buckets import ANSWER_TYPES, Feature, answer_type, buckets_of, length
from waystation.examples import (
    Answer,
    BitextExample,
    ChoiceExample,
    ClassificationExample,
    SpanExample,
    TaggingExample,
    TagsPrediction,
)
from waystation.excerpts import Run
from waystation.metrics import Metric, measure, total
from waystation.metrics.tagging import CHUNK_F1, TOKEN_ACCURACY, UDPOS_F1
from waystation.task import Task

RUN = Run("e5", "none", 0)


def task(example: type, metric: Any = None, labels: tuple[str, ...] = ()) -> Task[Any]:
    return Task(
        name="mine", version=1, summary="", example=example, layouts=(), languages=("en",),
        splits=("test",), metrics=(metric,), labels=labels,
    )  # fmt: skip


def named(features: Sequence[Feature], name: str) -> Feature:
    return next(f for f in features if f.name == name)


@pytest.mark.parametrize(
    ("text", "type_"),
    [
        (None, "no answer"),
        ("  ", "no answer"),
        ("308", "number"),
        ("$1.2 million", "number"),
        ("३०८", "number"),
        ("7,9 %", "number"),
        ("1,234", "number"),
        ("1990", "date-like"),
        ("5 May 1963", "date-like"),
        ("१९९०", "date-like"),
        ("3/4/1999", "date-like"),
        ("2月7日", "date-like"),
        ("12345", "number"),
        ("1990.5", "number"),
        ("Von Miller", "person-like"),
        ("Иван Петрович", "person-like"),
        ("Ludwig van Beethoven", "person-like"),
        ("“Denver”", "name-like"),
        ("the Rhine", "name-like"),
        ("the", "other"),
        ("The Old Man and the Sea", "other"),
        ("Super Bowl 50", "other"),
        ("丹佛野马", "other"),
        ("a big cat", "other"),
        ("?!", "other"),
    ],
)
def test_answer_types_follow_from_the_surface(text: str | None, type_: str) -> None:
    assert answer_type(text) == type_


@given(st.text())
def test_every_text_has_an_answer_type(text: str) -> None:
    assert answer_type(text) in ANSWER_TYPES


def test_length_is_in_words_or_characters() -> None:
    assert length("a b  c", "de") == 3
    assert length("猫 吃鱼", "zh") == 3
    assert length(("a", "b"), "zh") == 2
    assert length("a b", "x-own") == 2


def test_lengths_are_quarters_of_their_own_language() -> None:
    examples = [BitextExample(id=str(i), source="w " * (i + 1), target="t") for i in range(8)]
    (found,) = buckets_of(task(BitextExample), examples, "de")
    assert found.name == "sentence length"
    assert found.places == (0, 0, 1, 1, 2, 2, 3, 3)
    assert buckets_of(task(BitextExample), examples[:1], "de") == ()  # nothing to tell apart


@given(st.lists(st.integers(1, 30), min_size=1, max_size=60))
def test_items_of_one_length_stay_together_and_in_order(sizes: list[int]) -> None:
    examples = [BitextExample(id=str(i), source="w " * n, target="t") for i, n in enumerate(sizes)]
    for found in buckets_of(task(BitextExample), examples, "de"):
        pairs = sorted(zip(sizes, found.places, strict=True), key=lambda p: (p[0], p[1] or 0))
        assert [p for _, p in pairs] == sorted(p for p in found.places if p is not None)
        assert len(dict(pairs)) == len(set(pairs))


def test_labels_are_buckets_in_the_tasks_order() -> None:
    examples = [
        ClassificationExample(id=str(i), text="w " * (i + 1), pair="x", label=label)
        for i, label in enumerate(["neutral", "entailment", "neutral", "entailment"])
    ]
    labels = ("entailment", "neutral", "contradiction")
    found = named(buckets_of(task(ClassificationExample, labels=labels), examples, "de"), "label")
    assert found.buckets == labels
    assert found.places == (1, 0, 1, 0)
    hidden = [*examples, ClassificationExample(id="h", text="w", label=None)]
    shown = buckets_of(task(ClassificationExample, labels=labels), hidden, "de")
    assert [f.name for f in shown] == ["text length"]


def test_the_right_option_is_a_bucket() -> None:
    examples = [
        ChoiceExample(id=str(i), context="c", options=("a", "b"), label=i % 2) for i in range(4)
    ]
    (found,) = buckets_of(task(ChoiceExample), examples, "de")
    assert (found.name, found.buckets) == ("right option", ("option 1", "option 2"))
    assert found.places == (0, 1, 0, 1)


def test_answers_have_lengths_and_types() -> None:
    texts = ["1990", "Von Miller", None, "a very long answer indeed"]
    examples = [
        SpanExample(
            id=str(i),
            question="who " * (i + 1),
            context="c",
            answers=() if t is None else (Answer(text=t, start=0),),
        )
        for i, t in enumerate(texts)
    ]
    features = buckets_of(task(SpanExample), examples, "en")
    assert [f.name for f in features] == ["question length", "answer length", "answer type"]
    types = named(features, "answer type")
    assert [types.buckets[p] for p in types.places if p is not None] == [
        "date-like", "person-like", "no answer", "other",
    ]  # fmt: skip
    assert named(features, "answer length").places[2] is None


GOLD = (("B-PER", "I-PER", "O", "B-LOC"), ("O", "B-LOC", "I-LOC", "I-LOC"))
TAGS = (("B-PER", "I-PER", "O", "B-ORG"), ("O", "B-LOC", "I-LOC", "I-LOC"))


def tagged(
    metric: Metric[Any, Any], gold: Sequence[tuple[str, ...]], found: Sequence[tuple[str, ...]]
) -> tuple[list[TaggingExample], list[TagsPrediction], tuple[Feature, ...]]:
    examples = [
        TaggingExample(id=str(i), words=("w",) * len(g), tags=g) for i, g in enumerate(gold)
    ]
    outputs = [TagsPrediction(id=str(i), tags=t) for i, t in enumerate(found)]
    return (
        examples,
        outputs,
        buckets_of(task(TaggingExample, metric), examples, "en", {RUN: outputs}),
    )


def test_chunks_are_told_apart_by_type_and_length() -> None:
    _, _, features = tagged(CHUNK_F1, GOLD, TAGS)
    types = named(features, "chunk type")
    assert types.buckets == ("LOC", "PER")
    assert types.counts == (2, 1)
    scores = [CHUNK_F1.reduce(total(types.parts[RUN][:, i]))["f1"] for i in (0, 1)]
    assert scores == pytest.approx([200 / 3, 100.0])  # one LOC of two found, none made up
    lengths = named(features, "chunk length")
    assert lengths.buckets == ("1 word", "2 words", "3 words", "4 or more words")
    assert lengths.counts == (1, 1, 1, 0)
    # The made-up ORG of one word counts against chunks of one word.
    assert lengths.parts[RUN][:, 0].sum(axis=0).tolist() == [0, 1, 1]


@pytest.mark.parametrize("metric", [CHUNK_F1, UDPOS_F1])
def test_chunks_by_length_or_type_add_up_to_the_whole(metric: Metric[Any, Any]) -> None:
    generator = np.random.default_rng(0)
    kinds = ("O", "B-PER", "I-PER", "B-LOC", "I-LOC", "NOUN")
    sentences = [tuple(kinds[i] for i in generator.integers(0, 6, 9)) for _ in range(20)]
    guesses = [tuple(kinds[i] for i in generator.integers(0, 6, 9)) for _ in range(20)]
    examples, outputs, features = tagged(metric, sentences, guesses)
    whole = measure(metric, outputs, examples, "en")
    types = named(features, "chunk type")
    assert types.parts[RUN].sum(axis=1)[:, (0, 2)].tolist() == whole[:, (0, 2)].tolist()
    if metric is CHUNK_F1:
        assert named(features, "chunk length").parts[RUN].sum(axis=1).tolist() == whole.tolist()


def test_token_accuracy_is_told_apart_by_tag() -> None:
    _, _, features = tagged(TOKEN_ACCURACY, GOLD, TAGS)
    tags = named(features, "tag")
    assert tags.buckets == ("B-LOC", "B-PER", "I-LOC", "I-PER", "O")
    assert tags.parts[RUN].sum(axis=0).tolist() == [[1, 2], [1, 1], [2, 2], [1, 1], [2, 2]]


def test_a_metric_of_unknown_parts_has_none() -> None:
    own = Metric(names=("f1",), statistics=CHUNK_F1.statistics, reduce=CHUNK_F1.reduce)
    _, _, features = tagged(own, GOLD, TAGS)
    assert [f.name for f in features] == []
