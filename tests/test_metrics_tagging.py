"""Chunk F1 against seqeval 1.2.2, live; 0.0.12 by hand and by committed values (parity/)."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from seqeval.metrics import f1_score, precision_score, recall_score

from waystation.errors import UserError
from waystation.examples import TaggingExample, TagsPrediction
from waystation.metrics import Metric, measure, total
from waystation.metrics.tagging import (
    CHUNK_F1,
    TOKEN_ACCURACY,
    UDPOS_F1,
    UDPOS_F1_1X,
    chunks,
    split_last_dash,
)

TAG = st.sampled_from(
    [
        "O",
        *(f"{p}-{t}" for p in "BIES" for t in ("PER", "LOC", "A-B")),
        *("NOUN", "CCONJ", "SCONJ", "X", "_", ".", "B"),
    ]
)
PAIRS = st.lists(st.lists(st.tuples(TAG, TAG), min_size=1, max_size=8), min_size=1, max_size=8)


def both(
    gold: list[list[str]], predicted: list[list[str]]
) -> tuple[list[TagsPrediction], list[TaggingExample]]:
    examples = [TaggingExample(id="x", words=tuple(t), tags=tuple(t)) for t in gold]
    return [TagsPrediction(id="x", tags=tuple(t)) for t in predicted], examples


@given(PAIRS)
def test_equals_seqeval_on_any_tags(pairs: list[list[tuple[str, str]]]) -> None:
    gold = [[g for g, _ in sentence] for sentence in pairs]
    predicted = [[p for _, p in sentence] for sentence in pairs]
    found = CHUNK_F1.reduce(total(measure(CHUNK_F1, *both(gold, predicted), "en")))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        expected = {
            "f1": f1_score(gold, predicted) * 100,
            "precision": precision_score(gold, predicted) * 100,
            "recall": recall_score(gold, predicted) * 100,
        }
    assert found == expected


@given(st.lists(TAG, min_size=1, max_size=12))
def test_gold_scores_100_against_itself(tags: list[str]) -> None:
    for metric in (CHUNK_F1, UDPOS_F1):
        correct, predicted, gold = metric.statistics(*[x[0] for x in both([tags], [tags])], "en")
        assert correct == predicted == gold


def test_prefixes() -> None:
    assert chunks(("B-PER", "I-PER", "O", "I-LOC", "I-PER", "B-PER")) == {
        ("PER", 0, 1),
        ("LOC", 3, 3),
        ("PER", 4, 4),
        ("PER", 5, 5),
    }


def test_upos_keeps_the_whole_tag_as_the_type() -> None:
    """1.x cuts off the first letter, so that CCONJ and SCONJ both become CONJ."""
    tags = ("CCONJ", "SCONJ", "NOUN", "NOUN", "ADV")
    assert chunks(tags, split_last_dash) == {
        ("CCONJ", 0, 0),
        ("SCONJ", 1, 1),
        ("NOUN", 2, 3),
        ("ADV", 4, 4),
    }
    assert {type_ for type_, _, _ in chunks(tags)} == {"CONJ", "OUN", "DV"}


def test_upos_tags_with_the_letters_of_prefixes_start_chunks() -> None:
    """SYM, SCONJ and INTJ begin with S and I, which the official score takes for prefixes."""
    assert chunks(("SYM", "SYM"), split_last_dash) == {("SYM", 0, 0), ("SYM", 1, 1)}
    assert chunks(("INTJ", "INTJ"), split_last_dash) == {("INTJ", 0, 1)}


def test_sentences_do_not_run_into_each_other() -> None:
    apart = measure(UDPOS_F1, *both([["NOUN"], ["NOUN"]], [["NOUN"], ["NOUN"]]), "en")
    assert np.array_equal(total(apart), [2, 2, 2])


def test_token_accuracy() -> None:
    predictions, examples = both([["A", "B"], ["C"]], [["A", "A"], ["C"]])
    found = TOKEN_ACCURACY.reduce(total(measure(TOKEN_ACCURACY, predictions, examples, "en")))
    assert found == {"accuracy": 2 / 3 * 100}


@pytest.mark.parametrize("metric", [TOKEN_ACCURACY, CHUNK_F1, UDPOS_F1])
def test_wrong_number_of_tags_is_refused(metric: object) -> None:
    prediction = TagsPrediction(id="s1", tags=("A",))
    example = TaggingExample(id="s1", words=("a", "b"), tags=("A", "B"))
    with pytest.raises(UserError, match="expected 2 tags for example 's1', found 1; predict"):
        metric.statistics(prediction, example, "en")  # type: ignore[attr-defined]


def test_x_begins_where_the_last_chunk_began_in_seqeval_1() -> None:
    """X has the type of O there, so at the beginning of a sentence it starts no chunk."""
    gold, predicted = [["NOUN", "VERB"], ["X", "NOUN"]], [["NOUN", "NOUN"], ["X", "NOUN"]]
    found = UDPOS_F1_1X.reduce(total(measure(UDPOS_F1_1X, *both(predicted, gold), "en")))
    assert found["precision_seqeval1"] == 25.0  # ("_", 1, 3) of gold is ("_", 0, 3) as predicted
    old = UDPOS_F1.reduce(total(measure(UDPOS_F1, *both(predicted, gold), "en")))
    assert old["precision"] == 50.0


def test_a_chunk_counts_in_the_sentence_that_it_ends_in() -> None:
    tags = [["NOUN"], ["X", "NOUN"], ["X"]]
    assert measure(UDPOS_F1_1X, *both(tags, tags), "en").tolist() == [[1] * 3, [2] * 3, [0] * 3]


@pytest.mark.parametrize("metric", [CHUNK_F1, UDPOS_F1, UDPOS_F1_1X])
def test_nothing_found_scores_zero(metric: Metric[Any, Any]) -> None:
    for gold, predicted in (([["O", "O"]], [["O", "O"]]), ([[]], [[]]), ([["O"]], [["B-A"]])):
        values = metric.reduce(total(measure(metric, *both(gold, predicted), "en")))
        assert list(values.values()) == [0.0, 0.0, 0.0]


def test_empty_sentences_change_nothing() -> None:
    tags = [["B-A", "I-A"], ["X", "NOUN"]]
    for metric in (CHUNK_F1, UDPOS_F1):
        with_empty = [tags[0], [], tags[1], []]
        once = total(measure(metric, *both(tags, tags), "en"))
        assert np.array_equal(total(measure(metric, *both(with_empty, with_empty), "en")), once)


def test_names_of_the_metrics_of_udpos_do_not_collide() -> None:
    names = [*UDPOS_F1.names, *UDPOS_F1_1X.names, *TOKEN_ACCURACY.names]
    assert len(set(names)) == len(names)
