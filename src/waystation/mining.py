"""Bitext mining: which sentences of two collections are translations of each other.

A pair's score is its cosine, set against how near its two sentences lie to their neighbours
(Artetxe and Schwenk 2019, aclanthology.org/P19-1309, section 3): with c the mean of the two mean
cosines to the k nearest, `ratio` is cos / c, `distance` cos - c and `absolute` cos alone. Only a
sentence's k nearest are weighed, and the one with the best margin, not the nearest, is its best.

Selection is that of the official script (google-research/xtreme@838c13b,
third_party/utils_retrieve.py, `mine_bitext`): `max` ranks the best pair of every source and of
every target together and takes each source and each target once, from the top; `intersect` takes
the pairs that are both. `forward` gives every source its best target and `backward` every target
its best source; the script names both, and stops at them with an UnboundLocalError. Ties, which
it leaves to an unstable sort and to the last bits of float32: the nearer candidate is the better,
pairs found forward come before those found backward, then the lower position goes first. That it
drops scores not above 0 is a threshold and so the caller's. No models, no tasks.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from waystation.search import Progress, nearest_both

MARGINS: Final = ("ratio", "distance", "absolute")
SELECTIONS: Final = ("max", "forward", "backward", "intersect")
NEIGHBOURS: Final = 4
"""k of the margin: `neighborhood=4` in the official script."""


@dataclass(frozen=True)
class Mined:
    """Pairs by falling score: positions int64[P] on both sides, scores float64[P]."""

    sources: NDArray[np.int64]
    targets: NDArray[np.int64]
    scores: NDArray[np.float64]


@dataclass(frozen=True)
class Neighbourhood:
    """Of one direction: positions int64[N, k] and cosines float64[N, k] of the k nearest."""

    positions: NDArray[np.int64]
    cosines: NDArray[np.float64]

    @property
    def means(self) -> NDArray[np.float64]:
        """Mean cosine to the neighbours, float64[N]; 0 where there are none."""
        return np.asarray(self.cosines.sum(axis=1) / max(1, self.cosines.shape[1]))


def mine(
    sources: NDArray[np.float32],
    targets: NDArray[np.float32],
    *,
    margin: str = "ratio",
    neighbours: int = NEIGHBOURS,
    select: str = "max",
    progress: Progress | None = None,
) -> Mined:
    """Pairs of sources [N, D] and targets [M, D], best first; all of them, whatever their score."""
    forward, backward = nearest_both(sources, targets, neighbours, progress=progress)
    return select_pairs(
        Neighbourhood(forward[0], forward[1].astype(np.float64)),
        Neighbourhood(backward[0], backward[1].astype(np.float64)),
        margin=margin,
        select=select,
    )


def select_pairs(
    forward: Neighbourhood, backward: Neighbourhood, *, margin: str = "ratio", select: str = "max"
) -> Mined:
    """Pairs out of what the search found in both directions."""
    if select not in SELECTIONS:
        raise ValueError(f"expected a selection among {SELECTIONS}, found {select!r}")
    there, ahead = best(forward, backward.means, margin)  # of every source
    back, behind = best(backward, forward.means, margin)  # of every target
    left, right = np.arange(len(there)), np.arange(len(back))
    if not len(left) or not len(right):
        return Mined(left[:0], right[:0], ahead[:0])
    if select == "forward":
        pairs = (left, there, ahead)
    elif select == "backward":
        pairs = (back, right, behind)
    elif select == "intersect":
        both = back[there] == left
        pairs = (left[both], there[both], ahead[both])
    else:
        pairs = (
            np.concatenate([left, back]),
            np.concatenate([there, right]),
            np.concatenate([ahead, behind]),
        )
    order = np.argsort(-pairs[2], kind="stable")
    if select == "max":
        order = order[_first_uses(pairs[0][order].tolist(), pairs[1][order].tolist())]
    return Mined(pairs[0][order], pairs[1][order], pairs[2][order])


def best(
    found: Neighbourhood, means: NDArray[np.float64], margin: str
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """The candidate with the best margin of each row, int64[N], and that margin, float64[N].

    `means` are those of the other side. Cosines are multiples of 2**-20, so their sums are exact
    and equal neighbourhoods give equal margins.
    """
    if not found.positions.shape[1]:
        return np.zeros(len(found.positions), np.int64), np.zeros(len(found.positions))
    margins = margin_of(
        found.cosines, (found.means[:, None] + means[found.positions]) / 2, margin
    )  # [N, k]
    place = margins.argmax(axis=1)  # the first of equals, which is the nearest
    rows = np.arange(len(place))
    return found.positions[rows, place], margins[rows, place]


def margin_of(
    cosines: NDArray[np.float64], means: NDArray[np.float64], margin: str
) -> NDArray[np.float64]:
    """Margins of cosines against the mean of their two neighbourhoods.

    A ratio to a mean of 0 (only zero vectors have one, or opposites) says nothing and is 0.
    """
    if margin == "absolute":
        return np.broadcast_to(cosines, np.broadcast_shapes(cosines.shape, means.shape)).copy()
    if margin == "distance":
        return np.asarray(cosines - means)
    if margin != "ratio":
        raise ValueError(f"expected a margin among {MARGINS}, found {margin!r}")
    return np.asarray(np.where(means == 0, 0.0, cosines / np.where(means == 0, 1.0, means)))


def _first_uses(sources: list[int], targets: list[int]) -> NDArray[np.int64]:
    """Places of the pairs neither of whose sentences was used by an earlier one taken."""
    used_sources: set[int] = set()
    used_targets: set[int] = set()
    taken = []
    for place, (source, target) in enumerate(zip(sources, targets, strict=True)):
        if source not in used_sources and target not in used_targets:
            used_sources.add(source)
            used_targets.add(target)
            taken.append(place)
    return np.asarray(taken, dtype=np.int64)
