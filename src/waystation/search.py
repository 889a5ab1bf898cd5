"""Exact nearest neighbours by cosine, in chunks.

Memory stays at one chunk of similarities however large the two sides are. Similarities are
computed in float64 and compared after rounding to multiples of 2**-20: equal sentences then tie
although the order of sums differs between columns of a product, and ties go to the lowest
position. Not an index: every pair is compared.
"""

from __future__ import annotations

from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

CHUNK: Final = 2048
"""Queries and candidates compared at once: 32 MiB of similarities."""

_GRID: Final = float(2**20)


def nearest(
    queries: NDArray[np.float32], candidates: NDArray[np.float32], k: int = 4, chunk: int = CHUNK
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Positions int64[N, k] and cosines float32[N, k] of each query's k nearest, best first.

    queries [N, D], candidates [M, D]; k is lowered to M. A zero vector has cosine 0 with all.
    """
    k = min(k, len(candidates))
    positions = np.empty((len(queries), k), dtype=np.int64)
    scores = np.empty((len(queries), k), dtype=np.float32)
    for start in range(0, len(queries), chunk):
        rows = slice(start, start + chunk)
        positions[rows], scores[rows] = _nearest(_unit(queries[rows]), candidates, k, chunk)
    return positions, scores


Neighbours: TypeAlias = tuple[NDArray[np.int64], NDArray[np.float32]]
"""Positions int64[N, k] and cosines float32[N, k], best first."""


def nearest_both(
    sources: NDArray[np.float32], targets: NDArray[np.float32], k: int = 4, chunk: int = CHUNK
) -> tuple[Neighbours, Neighbours]:
    """`nearest` of the sources among the targets, and of the targets among the sources."""
    return nearest(sources, targets, k, chunk), nearest(targets, sources, k, chunk)


def _nearest(
    queries: NDArray[np.float64], candidates: NDArray[np.float32], k: int, chunk: int
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    best = np.empty((len(queries), 0), dtype=np.int64)
    scores = np.empty((len(queries), 0))
    for start in range(0, len(candidates), chunk):
        found = np.rint(queries @ _unit(candidates[start : start + chunk]).T * _GRID) / _GRID
        # What was found before stands to the left: a stable sort prefers the lower position.
        scores = np.concatenate([scores, found], axis=1)
        places = np.broadcast_to(np.arange(start, start + found.shape[1]), found.shape)
        best = np.concatenate([best, places], axis=1)
        order = np.argsort(-scores, axis=1, kind="stable")[:, :k]
        best = np.take_along_axis(best, order, axis=1)
        scores = np.take_along_axis(scores, order, axis=1)
    return best, scores


def _unit(vectors: NDArray[np.float32]) -> NDArray[np.float64]:
    wide = vectors.astype(np.float64)
    norms = np.linalg.norm(wide, axis=1, keepdims=True)
    return np.asarray(wide / np.where(norms == 0, 1, norms))
