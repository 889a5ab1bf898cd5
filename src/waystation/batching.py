"""Batches: rows padded to one tensor, and which examples go together.

In training the batch at step i is a function of (seed, i): no iterator state to save, so an
interrupted run goes on as if nothing had happened. Examples of like length are batched together
(pools of POOL batches are sorted by length, then the batches of a pool are shuffled), which on
short texts is worth more than any other trick. Every example occurs once per epoch.

Random numbers are raw Philox output under a sha256 key: numpy promises that stream, not the
results of its higher-level methods. Floor 2b; knows tokens, not tasks.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from waystation.heads import Row

POOL: Final = 64
"""Batches whose examples are sorted by length together."""

TOKENS: Final = 4096
"""Tokens of one forward pass, padding included, where nothing else is asked: enough to keep the
processor busy, little enough to train a small encoder in 4 GB."""

MULTIPLE: Final = 8
"""Lengths are padded to multiples of this: bf16 kernels compile anew for every unusual length."""


@dataclass
class Batch:
    """Padded rows: `input_ids`, `attention_mask` and `token_type_ids` are int64[B, T].

    `token_type_ids` is None where every segment is 0.
    """

    input_ids: Tensor
    attention_mask: Tensor
    token_type_ids: Tensor | None
    rows: list[Row]


def padded_length(tokens: int, longest: int | None = None) -> int:
    """`tokens` rounded up to a multiple of MULTIPLE, but to no more than `longest`."""
    rounded = -(-tokens // MULTIPLE) * MULTIPLE
    return max(tokens, min(rounded, longest)) if longest is not None else rounded


def collate(
    rows: Sequence[Row], pad_id: int, longest: int | None = None, device: Any = "cpu"
) -> Batch:
    """Rows as one batch, padded on the right."""
    length = padded_length(max(len(row.tokens) for row in rows), longest)
    ids = np.full((len(rows), length), pad_id, dtype=np.int64)
    mask = np.zeros((len(rows), length), dtype=np.int64)
    segments = np.zeros((len(rows), length), dtype=np.int64)
    for i, row in enumerate(rows):
        ids[i, : len(row.tokens)] = row.tokens
        mask[i, : len(row.tokens)] = 1
        if row.segments is not None:
            segments[i, : len(row.segments)] = row.segments
    return Batch(
        input_ids=torch.from_numpy(ids).to(device),
        attention_mask=torch.from_numpy(mask).to(device),
        token_type_ids=torch.from_numpy(segments).to(device) if segments.any() else None,
        rows=list(rows),
    )


def derived_seed(seed: int, *purpose: object) -> int:
    """A seed in [0, 2**63) for one purpose, unrelated to those of all other purposes."""
    text = "/".join(str(part) for part in (seed, *purpose))
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") >> 1


def random_words(count: int, seed: int, *purpose: object) -> NDArray[np.uint64]:
    """`count` random 64-bit words; a longer draw begins with the same words."""
    words = np.random.Philox(key=derived_seed(seed, *purpose)).random_raw(count)
    return np.asarray(words, dtype=np.uint64)


def shuffled(count: int, seed: int, *purpose: object) -> NDArray[np.int64]:
    """A random order of range(count)."""
    return np.argsort(random_words(count, seed, *purpose), kind="stable")


@dataclass
class TrainingOrder:
    """Which examples are in batch k of one member of a mixture: a function of its fields and k.

    `lengths` are the examples' lengths in tokens, `limit` the number of draws in the whole
    training (the last batch may be smaller), `name` tells members apart.
    """

    lengths: NDArray[np.int64]
    batch_size: int
    limit: int
    seed: int
    name: str
    _pool: tuple[int, list[list[int]]] = field(default=(-1, []), repr=False)

    def batch(self, index: int) -> list[int]:
        """Positions of the examples in batch `index`, shortest first."""
        number, place = divmod(index, POOL)
        if self._pool[0] != number:
            self._pool = (number, self._batches(number))
        return self._pool[1][place]

    def _batches(self, number: int) -> list[list[int]]:
        size = POOL * self.batch_size
        start, stop = number * size, min((number + 1) * size, self.limit)
        count = len(self.lengths)
        # The stream of draws is one random order of all examples after the other.
        epochs = range(start // count, -(-stop // count))
        orders = [shuffled(count, self.seed, "examples", self.name, epoch) for epoch in epochs]
        drawn = np.concatenate(orders)[start - epochs[0] * count : stop - epochs[0] * count]
        drawn = drawn[np.argsort(self.lengths[drawn], kind="stable")]
        cuts = [drawn[i : i + self.batch_size] for i in range(0, len(drawn), self.batch_size)]
        order = shuffled(len(cuts), self.seed, "batches", self.name, number)
        return [[int(i) for i in cuts[place]] for place in order]


def passes(
    batch: Sequence[int], rows: Sequence[Sequence[Row]], size: int | None
) -> list[list[Row]]:
    """The rows of a batch's examples, split into forward passes of `size` examples.

    None splits by tokens instead: TOKENS with padding, or one example where that has more. An
    example's rows stay together.
    """
    found: list[list[Row]] = []
    examples = widest = 0
    for i in batch:
        longest = max(len(row.tokens) for row in rows[i])
        if size is not None:
            full = examples == size
        else:
            width = padded_length(max(widest, longest))
            full = bool(found) and (len(found[-1]) + len(rows[i])) * width > TOKENS
        if full or not found:
            found.append([])
            examples = widest = 0
        found[-1] += rows[i]
        examples, widest = examples + 1, max(widest, longest)
    return found


def by_token_budget(lengths: Sequence[int], budget: int) -> list[list[int]]:
    """Positions batched for prediction: alike in length, longest first, within a token budget.

    The longest come first so that memory runs out at once or not at all. A row that is longer
    than the budget is a batch of its own.
    """
    batches: list[list[int]] = []
    widest = 0
    for i in sorted(range(len(lengths)), key=lambda i: (-lengths[i], i)):
        if batches and (len(batches[-1]) + 1) * widest <= budget:
            batches[-1].append(i)
        else:
            batches.append([i])
            widest = padded_length(lengths[i])
    return batches
