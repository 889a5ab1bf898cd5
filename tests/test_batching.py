"""Batches: padding, the training order as a function of (seed, i), prediction's token budget."""

from __future__ import annotations

from collections import Counter

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from waystation.batching import (
    POOL,
    TOKENS,
    TrainingOrder,
    by_token_budget,
    collate,
    derived_seed,
    padded_length,
    passes,
    random_words,
)
from waystation.heads import Row


def row(tokens: list[int], segments: list[int] | None = None) -> Row:
    return Row(
        example=0,
        part=0,
        tokens=np.array(tokens, dtype=np.int32),
        segments=None if segments is None else np.array(segments, dtype=np.int32),
    )


def order(lengths: list[int], batch_size: int, limit: int, seed: int = 0) -> TrainingOrder:
    return TrainingOrder(np.array(lengths), batch_size, limit, seed, "task")


def test_rows_are_padded_to_a_multiple_of_eight_with_a_mask() -> None:
    batch = collate([row([5, 6, 7]), row(list(range(9)))], pad_id=1)
    assert batch.input_ids.shape == (2, 16)
    assert batch.input_ids[0].tolist() == [5, 6, 7] + [1] * 13
    assert batch.attention_mask.sum(dim=1).tolist() == [3, 9]
    assert batch.token_type_ids is None
    with_segments = collate([row([5, 6], [0, 1]), row([5])], pad_id=1)
    assert with_segments.token_type_ids is not None
    assert with_segments.token_type_ids[:, :2].tolist() == [[0, 1], [0, 0]]


def test_padding_never_passes_the_longest_input() -> None:
    assert [padded_length(n) for n in (1, 8, 9)] == [8, 8, 16]
    assert [padded_length(n, 12) for n in (9, 12, 3)] == [12, 12, 8]


def test_seeds_differ_by_purpose_and_words_have_a_common_beginning() -> None:
    # printf 0/head/x | sha256sum, the first 16 digits, halved
    assert derived_seed(0, "head", "x") == 3390789625716105314
    assert len({derived_seed(s, p) for s in range(9) for p in ("a", "b", "a/b")}) == 27
    assert random_words(9, 3, "x")[:4].tolist() == random_words(4, 3, "x").tolist()


@given(
    lengths=st.lists(st.integers(1, 60), min_size=1, max_size=50),
    batch_size=st.integers(1, 7),
    epochs=st.integers(1, 4),
    seed=st.integers(0, 5),
)
def test_every_example_occurs_once_per_epoch(
    lengths: list[int], batch_size: int, epochs: int, seed: int
) -> None:
    limit = epochs * len(lengths)
    made = order(lengths, batch_size, limit, seed)
    batches = [made.batch(i) for i in range(-(-limit // batch_size))]
    counts = Counter(i for batch in batches for i in batch)
    assert counts == dict.fromkeys(range(len(lengths)), epochs)
    assert sorted(map(len, batches))[1:] == [batch_size] * (len(batches) - 1)


def test_a_batch_depends_on_seed_and_index_alone() -> None:
    lengths = [1 + i % 37 for i in range(1000)]
    count = 2 * POOL + 5
    forwards = order(lengths, 4, 4 * count)
    backwards = order(lengths, 4, 4 * count)
    first = [forwards.batch(i) for i in range(count)]
    assert [backwards.batch(i) for i in reversed(range(count))] == first[::-1]
    other = order(lengths, 4, 4 * count, seed=1)
    assert [other.batch(i) for i in range(count)] != first


def test_batches_hold_like_lengths_in_a_random_order() -> None:
    draws = random_words(2048, 7, "lengths")
    lengths = [int(d % 200) + 1 for d in draws]
    made = order(lengths, 32, 2048)
    batches = [[lengths[i] for i in made.batch(k)] for k in range(64)]
    assert max(max(b) - min(b) for b in batches) <= 10
    means = [sum(b) / len(b) for b in batches]
    assert means != sorted(means)
    assert abs(np.corrcoef(means, range(64))[0, 1]) < 0.4


@given(
    lengths=st.lists(st.integers(1, 100), max_size=60),
    budget=st.integers(1, 300),
)
def test_prediction_batches_keep_the_budget_and_lose_nothing(
    lengths: list[int], budget: int
) -> None:
    batches = by_token_budget(lengths, budget)
    assert sorted(i for batch in batches for i in batch) == list(range(len(lengths)))
    for batch in batches:
        widest = padded_length(max(lengths[i] for i in batch))
        assert len(batch) == 1 or len(batch) * widest <= budget
    flat = [lengths[i] for batch in batches for i in batch]
    assert flat == sorted(flat, reverse=True)


@given(
    lengths=st.lists(st.lists(st.integers(1, 900), min_size=1, max_size=6), min_size=1),
    size=st.none() | st.integers(1, 9),
)
def test_passes_hold_whole_examples_within_their_bounds(
    lengths: list[list[int]], size: int | None
) -> None:
    rows = [
        [Row(example=i, part=j, tokens=np.zeros(n, np.int32)) for j, n in enumerate(parts)]
        for i, parts in enumerate(lengths)
    ]
    batch = list(range(len(rows)))[::-1]
    found = passes(batch, rows, size)
    assert [row for part in found for row in part] == [row for i in batch for row in rows[i]]
    for number, part in enumerate(found):
        examples = list(dict.fromkeys(row.example for row in part))
        assert len(part) == sum(len(rows[i]) for i in examples)
        if size is not None:
            last = number + 1 == len(found)
            assert len(examples) == size or (last and 0 < len(examples) < size)
        elif len(examples) > 1:
            assert len(part) * padded_length(max(len(r.tokens) for r in part)) <= TOKENS
