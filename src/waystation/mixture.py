"""Mixtures: several tasks in one training stage, and which of them each batch comes from.

Batches are homogeneous: one member per optimiser step, drawn at its rate, so that every batch
has one head and one kind of loss (as in jiant's multi-task training). Which member is drawn at
step i is a function of (seed, i). A mixture of one member is plain training.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from waystation.batching import random_words
from waystation.errors import UserError
from waystation.examples import Candidate, HeadSpec
from waystation.task import Task

Rates: TypeAlias = "str | Mapping[str, Any]"
"""`proportional`, `equal`, {"temperature": T}, or a weight per task name."""


@dataclass(frozen=True, kw_only=True)
class Member:
    """One task of a mixture with its examples; `dev` may be empty. Equal heads are shared."""

    name: str
    task: Task[Any]
    head: HeadSpec
    examples: Sequence[Any]
    dev: Sequence[Any] = ()
    language: str | None = None
    """The language of both; None is the task's source language."""
    pool: Sequence[Candidate] = ()
    """What the queries of `examples` look for; theirs only."""
    dev_pool: Sequence[Candidate] = ()
    """What the queries of `dev` search."""

    @property
    def trained(self) -> Sequence[Any]:
        """What the head encodes for training: the examples, queries with what answers them."""
        if not self.pool:
            return self.examples
        from waystation.heads.retrieval import Pair

        known = {c.id: c for c in self.pool}
        return [Pair(e, known[e.relevant[0]]) for e in self.examples]


@dataclass(frozen=True, kw_only=True)
class Mixture:
    """Members in order, the rule that says how often each is drawn, and the cap on sizes."""

    members: tuple[Member, ...]
    rates: Rates = "proportional"
    cap: int | None = None


def effective(sizes: Sequence[int], cap: int | None) -> list[int]:
    """The sizes that rates and the number of steps count with."""
    return [min(size, cap) if cap else size for size in sizes]


def optimiser_steps(sizes: Sequence[int], cap: int | None, epochs: float, batch_size: int) -> int:
    """Steps that `epochs` passes over the mixture take."""
    return max(1, math.ceil(epochs * sum(effective(sizes, cap)) / batch_size))


def probabilities(
    rates: Rates, names: Sequence[str], sizes: Sequence[int], cap: int | None
) -> list[float]:
    """How often each member is drawn; sums to 1."""
    if rates == "equal":
        weights = [1.0] * len(names)
    elif rates == "proportional":
        weights = [float(size) for size in effective(sizes, cap)]
    elif isinstance(rates, Mapping) and set(rates) == {"temperature"}:
        power = 1 / float(rates["temperature"])
        weights = [size**power for size in effective(sizes, cap)]
    elif isinstance(rates, Mapping) and set(rates) == set(names):
        weights = [float(rates[name]) for name in names]
    else:
        raise UserError(
            "expected rates `proportional`, `equal`, {temperature: T} or one weight for each of"
            f" {', '.join(names)}, found {rates!r}; correct the mixture's `rates`."
        )
    if min(weights) < 0 or sum(weights) <= 0:
        raise UserError(
            f"expected rates of at least 0 that are not all 0, found {rates!r};"
            " correct the mixture's `rates`."
        )
    return [weight / sum(weights) for weight in weights]


def draws(rates: Sequence[float], steps: int, seed: int) -> NDArray[np.int64]:
    """int64[steps]: the position of the member that each step's batch comes from."""
    # The upper 53 bits of a word are a uniform number in [0, 1).
    uniform = (random_words(steps, seed, "mixture") >> np.uint64(11)) * 2.0**-53
    edges = np.cumsum(rates)[:-1]
    return np.searchsorted(edges, uniform, side="right").astype(np.int64)
