"""Exact nearest neighbours by cosine, in blocks.

The rule: cosines in float64, rounded to multiples of 2**-20, so that equal sentences tie although
the order of sums differs between columns of a product; ties go to the lowest position. Every pair
is compared; this is no index.

How: products of float32 unit vectors, block by block, shortlist the candidates that can be among
the nearest, given the most that rounding can do to a float32 product (`_error`; Higham 2002,
Accuracy and Stability of Numerical Algorithms, section 3.1); those few are computed again in
float64 and compared by the rule. A row with more near-ties than a shortlist takes, and the rare
search for very many neighbours, is computed in float64 throughout, so the result never depends on
the road taken. One pass over the products serves both directions. Memory: unit vectors in
float32, the shortlists and a block of products, never a number per pair.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from waystation.errors import ModelError

CHUNK: Final = 4096
"""Queries and candidates compared at once: 64 MiB of products."""

MOST: Final = 64
"""Neighbours that shortlists are made for; more are found in float64."""

_GRID: Final = float(2**20)
_PLACES: Final = 2**40
_WIDTH: Final = 64
"""Products whose maximum is looked at before each of them is."""

Neighbours: TypeAlias = tuple[NDArray[np.int64], NDArray[np.float32]]
"""Positions int64[N, k] and cosines float32[N, k], best first."""

Progress: TypeAlias = Callable[[int, int], None]
"""Called with comparisons done and comparisons in all."""


def nearest(
    queries: NDArray[np.float32], candidates: NDArray[np.float32], k: int = 4, chunk: int = CHUNK
) -> Neighbours:
    """Each query's k nearest candidates.

    queries [N, D], candidates [M, D]; k is lowered to M. A zero vector has cosine 0 with all.
    Raises ModelError for a vector that is not finite.
    """
    return _search(queries, candidates, k, chunk, None, both=False)[0]


def nearest_both(
    sources: NDArray[np.float32],
    targets: NDArray[np.float32],
    k: int = 4,
    chunk: int = CHUNK,
    progress: Progress | None = None,
) -> tuple[Neighbours, Neighbours]:
    """`nearest` of the sources among the targets, and of the targets among the sources."""
    forward, backward = _search(sources, targets, k, chunk, progress, both=True)
    return forward, backward


def _search(
    left: NDArray[np.float32],
    right: NDArray[np.float32],
    k: int,
    chunk: int,
    progress: Progress | None,
    *,
    both: bool,
) -> list[Neighbours]:
    zero, void = _norms(left) == 0, _norms(right) == 0
    sides = [_Side(left, right, k, zero)]
    if both:
        sides.append(_Side(right, left, k, void))
    # Products take all cores; the two directions look at them at once. They share nothing else.
    with ThreadPoolExecutor(len(sides)) as threads:
        if any(side.open for side in sides):
            for row, column, products in _blocks(left, right, chunk):
                views = ((products, row, column), (products.T, column, row))
                list(threads.map(lambda side, view: side.take(*view), sides, views))
                if progress:
                    done = row * len(right) + len(products) * (column + products.shape[1])
                    progress(done, len(left) * len(right))
        return list(threads.map(lambda side: side.close(chunk), sides))


def _blocks(
    left: NDArray[np.float32], right: NDArray[np.float32], chunk: int
) -> Iterator[tuple[int, int, NDArray[np.float32]]]:
    """(first row, first column, products float32[B, C]) of all blocks; the array is reused."""
    left, right = _unit(left).astype(np.float32), _unit(right).astype(np.float32)
    room = np.empty((min(chunk, len(left)), min(chunk, len(right))), np.float32)
    for row in range(0, len(left), chunk):
        for column in range(0, len(right), chunk):
            rows, columns = left[row : row + chunk], right[column : column + chunk]
            products = room[: len(rows), : len(columns)]
            np.matmul(rows, columns.T, out=products)  # [B, C]
            yield row, column, products


class _Side:
    """The shortlists of one direction.

    `least` [N, k] are values of k different candidates of each row, so the smallest of them is
    no more than what the k-th best has; whoever is below it by more than `slack` is not among the
    k nearest. A row is closed (and `least` infinite) once it is to be computed in float64.
    """

    def __init__(
        self,
        queries: NDArray[np.float32],
        candidates: NDArray[np.float32],
        k: int,
        closed: NDArray[np.bool_],
    ) -> None:
        self.queries, self.candidates = queries, candidates
        self.k = min(k, len(candidates))
        self.crowd = 4 * (self.k + 4)
        self.slack = 2 * _error(queries.shape[1]) + 1 / _GRID
        self.least = np.full((len(queries), self.k), -np.inf, np.float32)
        self.closed = closed
        self.found: list[tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float32]]] = []
        self.held, self.room = 0, 2 * self.crowd * max(len(queries), 2**15)
        if not 0 < self.k <= MOST:
            self.closed[:] = True
        self.least[self.closed] = np.inf

    @property
    def open(self) -> bool:
        """Whether any row is shortlisted."""
        return bool(self.k) and not self.closed.all()

    def take(self, products: NDArray[np.float32], row: int, column: int) -> None:
        """Note what a block [B, C] has for rows from `row`, its candidates from `column` on."""
        width = min(_WIDTH, products.shape[1])
        whole = products.shape[1] // width * width
        self._take(products[:, :whole], width, row, column)
        if whole < products.shape[1]:
            self._take(products[:, whole:], 1, row, column + whole)

    def _take(self, products: NDArray[np.float32], width: int, row: int, column: int) -> None:
        # Group g of a row holds columns g, g + G, ...: maxima of whole rows are quick.
        groups = products.shape[1] // width
        split = _split(products, width)  # [B, W, G]
        peaks = split.max(axis=1)  # [B, G]
        rows = np.arange(row, row + len(products))
        better = np.flatnonzero(peaks.max(axis=1) > self.least[rows].min(axis=1))
        if len(better):
            best = np.concatenate([self.least[rows[better]], peaks[better]], axis=1)
            self.least[rows[better]] = np.partition(best, -self.k, axis=1)[:, -self.k :]
        bound = self.least[rows].min(axis=1) - np.float32(self.slack)  # [B]
        hits = peaks >= bound[:, None]
        self._close(rows[hits.sum(axis=1) > self.crowd])
        hits[self.closed[rows]] = False
        which, group = np.nonzero(hits)
        members = split[which, :, group]  # [H, W]
        hit, place = np.nonzero(members >= bound[which, None])
        which, group = which[hit], group[hit]
        self.found.append((rows[which], column + place * groups + group, members[hit, place]))
        self.held += len(hit)
        if self.held > self.room:
            self._tidy()

    def _close(self, rows: NDArray[np.int64]) -> None:
        self.closed[rows] = True
        self.least[rows] = np.inf

    def _tidy(self) -> None:
        """Forget what later finds have pushed out; close rows that hold too many all the same."""
        rows, columns, values = (np.concatenate(part) for part in zip(*self.found, strict=True))
        kept = values >= self.least.min(axis=1)[rows] - np.float32(self.slack)
        counts = np.bincount(rows[kept], minlength=len(self.queries))
        self._close(np.flatnonzero(counts > self.crowd))
        kept &= ~self.closed[rows]
        self.found = [(rows[kept], columns[kept], values[kept])]
        self.held = int(kept.sum())

    def close(self, chunk: int) -> Neighbours:
        """The k nearest by the rule."""
        positions = np.empty((len(self.queries), self.k), np.int64)
        scores = np.empty((len(self.queries), self.k), np.float32)
        if self.found:
            self._tidy()
            rows, columns, _ = self.found[0]
            self.found = []
            keys = np.empty(len(rows), np.int64)
            for start in range(0, len(rows), chunk):
                which, where = rows[start : start + chunk], columns[start : start + chunk]
                one, other = _unit(self.queries[which]), _unit(self.candidates[where])
                cosines = np.einsum("pd,pd->p", one, other)
                keys[start : start + chunk] = _keys(cosines, where)
            order = np.lexsort((-keys, rows))
            rows, keys = rows[order], keys[order]
            # Place of each find within its row, whose first it is that differs from the last.
            rank = np.arange(len(rows)) - np.searchsorted(rows, rows)
            kept = rank < self.k
            found = _read(keys[kept].reshape(-1, self.k))
            positions[~self.closed], scores[~self.closed] = found
        left = np.flatnonzero(self.closed)
        for start in range(0, len(left), chunk):
            part = left[start : start + chunk]
            keys = _exact(self.queries[part], self.candidates, self.k, chunk)
            positions[part], scores[part] = _read(keys)
        return positions, scores


def _split(products: NDArray[np.float32], width: int) -> NDArray[np.float32]:
    """[B, C] as [B, W, C / W] without a copy, whichever of its axes lies close in memory."""
    if products.flags.c_contiguous or products.strides[1] == products.itemsize:
        return products.reshape(len(products), width, -1)
    turned = products.T.reshape(width, -1, len(products))  # [W, G, B]
    return turned.transpose(2, 0, 1)


def _exact(
    queries: NDArray[np.float32], candidates: NDArray[np.float32], k: int, chunk: int
) -> NDArray[np.int64]:
    """Keys int64[N, k] of the k nearest, best first, all in float64."""
    best = np.empty((len(queries), 0), np.int64)
    unit = _unit(queries)
    for start in range(0, len(candidates), chunk):
        products = unit @ _unit(candidates[start : start + chunk]).T  # [N, C]
        places = np.arange(start, start + products.shape[1])
        best = np.concatenate([best, _keys(products, places)], axis=1)
        if best.shape[1] > k:
            best = np.partition(best, -k, axis=1)[:, -k:] if k else best[:, :0]
    return np.sort(best, axis=1)[:, ::-1]


def _keys(cosines: NDArray[np.float64], positions: NDArray[np.int64]) -> NDArray[np.int64]:
    """Whole numbers in the order of the rule: rounded cosines, then falling positions."""
    return np.asarray(np.rint(cosines * _GRID).astype(np.int64) * _PLACES - positions)


def _read(keys: NDArray[np.int64]) -> Neighbours:
    positions = -keys % _PLACES
    return positions, ((keys + positions) // _PLACES / _GRID).astype(np.float32)


def _error(size: int) -> float:
    """The most by which a float32 product of `size` numbers can miss the cosine.

    n u / (1 - n u) for sums in any order, with or without fused multiplications, of unit vectors
    whose entries were rounded to float32 (2 u together); the rest is for the comparisons.
    """
    unit = 2.0**-24
    return size * unit / (1 - size * unit) + 8 * unit


def _norms(vectors: NDArray[np.float32]) -> NDArray[np.float64]:
    """Lengths float64[N]."""
    norms = np.concatenate(
        [np.zeros(0)]
        + [
            np.linalg.norm(vectors[start : start + CHUNK].astype(np.float64), axis=1)
            for start in range(0, len(vectors), CHUNK)
        ]
    )
    wrong = np.flatnonzero(~np.isfinite(norms))
    if len(wrong):
        raise ModelError(
            f"expected embeddings of finite numbers, found others in {len(wrong)} of"
            f" {len(norms)} (number {wrong[0] + 1} first); the model has diverged or overflows in"
            " its number format, so take another layer, another checkpoint or fp32."
        )
    return norms


def _unit(vectors: NDArray[np.float32]) -> NDArray[np.float64]:
    wide = vectors.astype(np.float64)
    norms = np.linalg.norm(wide, axis=1, keepdims=True)
    return np.asarray(wide / np.where(norms == 0, 1, norms))
