"""Exact neighbours: equal to brute force in any chunking, ties to the lowest position."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from waystation.search import nearest


def vectors(count: int, seed: int, size: int = 6) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(count, size)).astype(np.float32)


@settings(deadline=None, max_examples=40)
@given(
    queries=st.integers(0, 12),
    candidates=st.integers(1, 12),
    k=st.integers(1, 5),
    chunk=st.integers(1, 13),
    seed=st.integers(0, 99),
)
def test_neighbours_equal_brute_force(
    queries: int, candidates: int, k: int, chunk: int, seed: int
) -> None:
    left, right = vectors(queries, seed), vectors(candidates, seed + 1)
    positions, scores = nearest(left, right, k, chunk)
    assert positions.shape == scores.shape == (queries, min(k, candidates))
    for i in range(queries):
        cosines = [
            float(left[i] @ right[j] / np.linalg.norm(left[i]) / np.linalg.norm(right[j]))
            for j in range(candidates)
        ]
        expected = np.argsort(-np.array(cosines), kind="stable")[:k]
        assert positions[i].tolist() == expected.tolist()
        np.testing.assert_allclose(scores[i], np.array(cosines)[expected], atol=2e-6)


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
