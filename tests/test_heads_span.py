"""Span extraction: windows, gold positions, the best span over windows, no answer."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import toys
from waystation.errors import UserError
from waystation.examples import Answer, SpanExample
from waystation.heads import build
from waystation.heads.span import best_spans

KINDS = ["encoder", "decoder", "seq2seq"]


def head(kind: str = "encoder", max_tokens: int = 64, stride: int = 16, **options: str) -> Any:
    return build(toys.head("span", **options), toys.model(kind).tokenizer, max_tokens, stride)


def example(context: str, answer: str | None, question: str = "who is he") -> SpanExample:
    answers = () if answer is None else (Answer(text=answer, start=context.index(answer)),)
    return SpanExample(id="x", question=question, context=context, answers=answers)


def read_back(row: Any, context: str) -> str:
    """The text that a row's gold points to."""
    first, starts, ends = row.meta
    return context[starts[row.gold[0] - first] : ends[row.gold[1] - first]].strip()


@pytest.mark.parametrize("kind", KINDS)
def test_gold_positions_read_back_as_the_answer(kind: str) -> None:
    for context, answer in [
        ("the king lives in the house", "king"),
        ("the king lives in the house", "the king"),
        ("the king lives in the house", "house"),
        ("Der König wohnt 在 大理 today", "König"),
        ("Der König wohnt 在 大理 today", "大理"),
        ("  spaces  before the king ", " king "),
        ("x" * 5 + "-y", "y"),
    ]:
        ((row,),) = head(kind).encode([example(context, answer)], True)
        assert read_back(row, context) == answer.strip()


@given(seed=st.integers(0, 999), place=st.integers(0, 59), max_tokens=st.integers(16, 48))
def test_some_window_holds_every_short_answer(seed: int, place: int, max_tokens: int) -> None:
    words = toys.sentence(seed, 60).split()
    words[place] = "n7"
    context = " ".join(words)
    (rows,) = WIDE[max_tokens].encode([example(context, "n7")], True)
    assert len(rows) > 1
    holding = [row for row in rows if row.gold != (0, 0)]
    assert holding
    assert all(read_back(row, context) == "n7" for row in holding)
    assert all(len(row.tokens) <= max_tokens for row in rows)
    covered = sorted({int(c) for row in rows for c in (*row.meta[1], *row.meta[2])})
    assert covered[0] == 0
    assert covered[-1] == len(context)


WIDE = {n: head(max_tokens=n, stride=6) for n in range(16, 49)}


def test_an_answer_that_every_window_cuts_drops_the_example() -> None:
    context = toys.sentence(0, 60)
    long = example(context, context[2:-2])
    assert head(max_tokens=24).encode([long], True) == [[]]
    assert len(head(max_tokens=24).encode([long], False)[0]) > 1


def test_an_unanswerable_example_points_to_the_first_token_where_that_is_an_option() -> None:
    unanswered = example("the king", None)
    assert head().encode([unanswered], True) == [[]]
    ((row,),) = head(unanswerable="yes").encode([unanswered], True)
    assert row.gold == (0, 0)


def test_a_long_question_is_cut_and_leaves_room_for_the_context() -> None:
    long = example("the king lives in the house", "house", question="who is " * 200)
    (rows,) = head(max_tokens=32).encode([long], True)
    assert max(len(row.tokens) for row in rows) <= 32
    assert any(row.gold != (0, 0) for row in rows)


def test_an_empty_context_has_no_answer() -> None:
    span = head()
    (rows,) = span.encode([SpanExample(id="x", question="who", context="", answers=None)], False)
    kept = [(row, (0.0, best_spans(np.empty(0), np.empty(0)))) for row in rows]
    (prediction,) = span.decode([example("", None)], [kept])
    assert (prediction.text, prediction.score) == ("", 0.0)


def test_unpublished_gold_is_refused_in_training() -> None:
    blank = SpanExample(id="x", question="who", context="the king", answers=None)
    with pytest.raises(UserError, match=r"expected an answer to train on, found none in .* 'x'"):
        head().encode([blank], True)


@given(seed=st.integers(0, 99), count=st.integers(0, 40), longest=st.integers(1, 10))
def test_the_best_span_is_the_best_of_all(seed: int, count: int, longest: int) -> None:
    draws = np.random.default_rng(seed).normal(size=(2, count)).astype(np.float32)
    spans = best_spans(draws[0], draws[1], n_best=count or 1, longest=longest)
    every = [
        float(draws[0, i] + draws[1, j])
        for i in range(count)
        for j in range(i, min(count, i + longest))
    ]
    assert [score for score, _, _ in spans] == sorted(every, reverse=True)[: count or 1]
    assert all(0 <= last - first < longest for _, first, last in spans)


def test_the_best_answer_of_all_windows_wins_and_null_competes_where_allowed() -> None:
    context = toys.sentence(1, 30)
    for unanswerable, null, expected in [
        ("no", 99.0, "second"),
        ("yes", 1.0, "second"),
        ("yes", 99.0, ""),
    ]:
        span = head(max_tokens=24, stride=4, unanswerable=unanswerable)
        (rows,) = span.encode([example(context, None)], False)
        kept = []
        for number, row in enumerate(rows):
            score = {0: 3.0, 1: 5.0}.get(number, 1.0)
            # The window's null score counts only if every window has a higher one.
            kept.append((row, (null + number, [(score, 0, 0)])))
        (prediction,) = span.decode([example(context, None)], [kept])
        _, starts, ends = rows[1].meta
        second = context[starts[0] : ends[0]].strip()
        assert prediction.text == (second if expected == "second" else "")
        assert prediction.score == (5.0 if unanswerable == "no" else 5.0 - null)
