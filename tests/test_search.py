"""Exact neighbours: equal to the float64 rule in any chunking, ties to the lowest position."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from waystation import search
from waystation.errors import ModelError
from waystation.search import MOST, nearest, nearest_both


def vectors(count: int, seed: int, size: int = 6) -> NDArray[np.float32]:
    return np.random.default_rng(seed).normal(size=(count, size)).astype(np.float32)


def by_the_rule(
    queries: NDArray[np.float32], candidates: NDArray[np.float32], k: int
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """All cosines in float64, rounded, in one stable sort: the rule as it reads."""
    cosines = np.rint(_unit(queries) @ _unit(candidates).T * 2.0**20) / 2.0**20 + 0.0
    order = np.argsort(-cosines, axis=1, kind="stable")[:, :k]
    return order, np.take_along_axis(cosines, order, axis=1).astype(np.float32)


def _unit(vectors: NDArray[np.float32]) -> NDArray[np.float64]:
    wide = vectors.astype(np.float64)
    norms = np.linalg.norm(wide, axis=1, keepdims=True)
    return np.asarray(wide / np.where(norms == 0, 1, norms))


def collections(
    shape: str, left: int, right: int, size: int, seed: int
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Two sides: apart, of small whole numbers (many zero vectors and ties), with duplicates, or
    so close together that float32 cannot tell them apart."""
    queries, candidates = vectors(left, seed, size), vectors(right, seed + 1, size)
    if shape == "whole":
        return np.round(queries / 2), np.round(candidates / 2)
    if shape == "repeated":
        few = candidates[np.random.default_rng(seed).integers(0, 1 + right // 5, right)]
        return 3 * few[np.arange(left) % right], few
    if shape == "crowded":
        return 1 + queries * np.float32(1e-6), 1 + candidates * np.float32(1e-6)
    return queries, candidates


@given(
    shape=st.sampled_from(["apart", "whole", "repeated", "crowded"]),
    left=st.integers(1, 40),
    right=st.integers(1, 200),
    size=st.integers(1, 9),
    k=st.integers(1, 9),
    chunk=st.integers(5, 150),
    seed=st.integers(0, 999),
)
def test_both_directions_keep_the_rule(
    shape: str, left: int, right: int, size: int, k: int, chunk: int, seed: int
) -> None:
    queries, candidates = collections(shape, left, right, size, seed)
    forward, backward = nearest_both(queries, candidates, k, chunk)
    alone = nearest(queries, candidates, k, chunk)
    for found, expected in (
        (forward, by_the_rule(queries, candidates, k)),
        (alone, by_the_rule(queries, candidates, k)),
        (backward, by_the_rule(candidates, queries, k)),
    ):
        assert found[0].tolist() == expected[0].tolist()
        assert found[1].tolist() == expected[1].tolist()


@pytest.mark.parametrize("shape", ["apart", "repeated", "crowded"])
def test_the_rule_holds_over_many_blocks(shape: str) -> None:
    queries, candidates = collections(shape, 700, 3000, 96, 5)
    forward, backward = nearest_both(queries, candidates, 4, 512)
    for found, expected in (
        (forward, by_the_rule(queries, candidates, 4)),
        (backward, by_the_rule(candidates, queries, 4)),
    ):
        assert np.array_equal(found[0], expected[0])
        assert np.array_equal(found[1], expected[1])


def test_most_rows_of_ordinary_vectors_are_shortlisted_not_computed_in_float64(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rows = []
    exact = search._exact

    def counted(queries: NDArray[np.float32], *rest: object) -> NDArray[np.int64]:
        rows.append(len(queries))
        return exact(queries, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(search, "_exact", counted)
    nearest_both(vectors(900, 0, 384), vectors(1100, 1, 384))
    assert sum(rows) == 0
    nearest(np.tile(vectors(1, 0, 384), (900, 1)), np.tile(vectors(1, 1, 384), (1100, 1)))
    assert sum(rows) == 900


def test_float32_products_miss_by_less_than_the_bound() -> None:
    for size in (8, 384, 2048):
        # Same signs and sizes: where sums of products lose most.
        left, right = (np.abs(vectors(200, seed, size)) + 1 for seed in (0, 1))
        exact = _unit(left) @ _unit(right).T
        products = _unit(left).astype(np.float32) @ _unit(right).astype(np.float32).T
        assert np.abs(products - exact).max() < search._error(size)


def test_a_shortlist_that_overflows_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    make = search._Side.__init__

    def small(side: search._Side, *arguments: object) -> None:
        make(side, *arguments)  # type: ignore[arg-type]
        side.room = 50

    monkeypatch.setattr(search._Side, "__init__", small)
    queries, candidates = collections("repeated", 60, 900, 16, 3)
    for found, expected in zip(
        nearest(queries, candidates, 3, 100), by_the_rule(queries, candidates, 3), strict=True
    ):
        assert np.array_equal(found, expected)


@pytest.mark.parametrize("k", [MOST, MOST + 1, 400])
def test_more_neighbours_than_shortlists_take(k: int) -> None:
    queries, candidates = vectors(30, 0), vectors(300, 1)
    positions, scores = nearest(queries, candidates, k)
    expected = by_the_rule(queries, candidates, k)
    assert positions.shape == scores.shape == (30, min(k, 300))
    assert np.array_equal(positions, expected[0])
    assert np.array_equal(scores, expected[1])


@pytest.mark.parametrize(("left", "right"), [(0, 3), (3, 0), (0, 0)])
def test_an_empty_side(left: int, right: int) -> None:
    forward, backward = nearest_both(vectors(left, 0), vectors(right, 1), 2)
    assert forward[0].shape == forward[1].shape == (left, min(2, right))
    assert backward[0].shape == backward[1].shape == (right, min(2, left))


def test_ties_go_to_the_lowest_position_in_any_chunking() -> None:
    candidates = np.tile(vectors(3, 0, 384), (50, 1))
    for chunk in (1, 7, 2048):
        positions, _ = nearest(candidates[:3] * 3, candidates, 4, chunk)
        assert positions.tolist() == [[i, i + 3, i + 6, i + 9] for i in range(3)]


def test_a_zero_vector_is_near_to_nothing() -> None:
    candidates = np.array([[0, 0], [1, 0], [0, 2]], dtype=np.float32)
    positions, scores = nearest(np.array([[0, 1], [0, 0]], dtype=np.float32), candidates, 3)
    assert positions.tolist() == [[2, 0, 1], [0, 1, 2]]
    assert scores.tolist() == [[1, 0, 0], [0, 0, 0]]


@pytest.mark.parametrize("wrong", [np.nan, np.inf])
def test_vectors_that_are_not_finite_are_refused(wrong: float) -> None:
    queries, candidates = vectors(3, 0), vectors(4, 1)
    candidates[2, 1] = wrong
    with pytest.raises(ModelError, match=r"finite numbers, found others in 1 of 4 \(number 3"):
        nearest(queries, candidates)


def test_progress_counts_every_comparison() -> None:
    told: list[tuple[int, int]] = []
    nearest_both(vectors(5, 0), vectors(7, 1), 2, 3, lambda *at: told.append(at))
    assert told[-1] == (35, 35)
    assert told == sorted(told)
