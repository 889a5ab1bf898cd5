"""What is said of a language besides its scores: tokens per word, and rank correlation with both.

Pure, and the same for every format. Sizes of texts come from `waystation.buckets`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from waystation.buckets import Aspects
from waystation.languages import writes_spaces


class Fertility(NamedTuple):
    """Tokens per word, None where words are not written apart, and characters per token."""

    per_word: float | None
    characters: float


def fertility(
    aspects: Sequence[Aspects], backbone: str, language: str, target: str | None = None
) -> Fertility | None:
    """Of one language's test texts, of one target or all; None where tokens were not counted."""
    sizes = [
        a.size
        for a in aspects
        if a.language == language and target in (None, a.target) and backbone in a.size.tokens
    ]
    tokens = sum(s.tokens[backbone] for s in sizes)
    words, characters = sum(s.words for s in sizes), sum(s.characters for s in sizes)
    if not tokens or not words:
        return None
    return Fertility(tokens / words if writes_spaces(language) else None, characters / tokens)


def correlation(pairs: Sequence[tuple[float, float]]) -> float | None:
    """Spearman's rank correlation, ties at their mean rank; None where one side is constant."""
    if len(pairs) < 3:
        return None
    sides = [_ranks([pair[i] for pair in pairs]) for i in (0, 1)]
    centred = [side - side.mean() for side in sides]
    spread = float(np.sqrt(np.sum(centred[0] ** 2) * np.sum(centred[1] ** 2)))
    return float(np.sum(centred[0] * centred[1])) / spread if spread else None


def _ranks(values: Sequence[float]) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    array = np.asarray(values, dtype=np.float64)
    below = (array[:, None] > array[None, :]).sum(axis=1)
    alike = (array[:, None] == array[None, :]).sum(axis=1)
    return np.asarray(below + (alike - 1) / 2, dtype=np.float64)
