"""Mixtures: several tasks in one training stage, and which of them each batch comes from.

Batches are homogeneous: one member per optimiser step, drawn at its rate, so that every batch
has one head and one kind of loss (as in jiant's multi-task training). Which member is drawn at
step i is a function of (seed, i). A mixture of one member is plain training.

Language modelling comes beside the tasks, one member per language, in one of two ways. As whole
batches, they are put between the tasks', which stay what and in what order they are without it:
epochs count the tasks' examples. Mixed, every batch holds lines beside fewer examples, and the
gradient is that of the weighted mean of both losses. Alone, epochs count lines.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from waystation.errors import UserError
from waystation.examples import Candidate, HeadSpec
from waystation.task import Task, member_names

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
        answers = [next(name for name in e.relevant if name in known) for e in self.examples]
        return [Pair(e, known[name]) for e, name in zip(self.examples, answers, strict=True)]


@dataclass(frozen=True, kw_only=True)
class Mixture:
    """Members in order, the rule that says how often each is drawn, and the cap on sizes."""

    members: tuple[Member, ...]
    rates: Rates = "proportional"
    cap: int | None = None
    text: tuple[Member, ...] = ()
    """Language modelling beside the members, one per language; alone where there are none."""
    share: float = 0.25
    """The share of the batches, or of each batch, that is language modelling."""
    smoothing: float = 0.7
    mixed: bool = False
    """Lines in every batch instead of whole batches of lines."""

    @property
    def counted(self) -> tuple[Member, ...]:
        """The members whose examples epochs count."""
        return self.members or self.text


@dataclass(frozen=True, kw_only=True)
class Schedule:
    """Which members each step's batch comes from."""

    drawn: NDArray[np.int64]
    """int64[parts, steps]: positions in (*members, *text); two parts where batches are mixed."""
    rates: list[float]
    """How often each member is drawn in a part."""
    batch_sizes: list[int]
    """Examples of each member in its part of a batch; the last may be smaller."""
    limits: list[int]
    """Draws of each member in all: exact epochs where it is alone, else whole batches."""
    weights: tuple[float, ...]
    """What the mean loss of each part of a batch counts."""

    @property
    def steps(self) -> int:
        """Optimiser steps."""
        return int(self.drawn.shape[1])


def schedule(
    mixture: Mixture, sizes: Sequence[int], epochs: float, batch_size: int, seed: int
) -> Schedule:
    """The steps of a training; `sizes` are those of (*members, *text)."""
    tasks = len(mixture.members)
    lines = sizes[tasks:]
    names = member_names([(m.name, m.language or "") for m in mixture.members])
    rates = probabilities(mixture.rates, names, sizes[:tasks], mixture.cap) if tasks else []
    spoken = smoothed(lines, mixture.smoothing) if lines else []
    part = lines_of(batch_size, mixture.share) if tasks and lines and mixture.mixed else 0
    batches = [batch_size - part] * tasks + [part or batch_size] * len(lines)
    counted = list(sizes[:tasks] or lines)
    cap = mixture.cap if tasks else None
    steps = optimiser_steps(counted, cap, epochs, batch_size - part)
    weights: tuple[float, ...] = (1.0,)
    if not lines:
        drawn = draws(rates, steps, seed)[None]
    elif not tasks:
        drawn = draws(spoken, steps, seed, "languages")[None]
    elif part:
        drawn = np.stack(
            [draws(rates, steps, seed), tasks + draws(spoken, steps, seed, "languages")]
        )
        weights = (1 - mixture.share, mixture.share)
    else:
        drawn = _between(
            draws(rates, steps, seed),
            tasks + draws(spoken, beside(steps, mixture.share), seed, "languages"),
            seed,
        )[None]
    limits = [int((drawn == i).sum()) * batches[i] for i in range(len(sizes))]
    if len(counted) == 1:
        limits[0] = math.ceil(epochs * effective(counted, cap)[0])
    return Schedule(
        drawn=drawn, rates=rates + spoken, batch_sizes=batches, limits=limits, weights=weights
    )


def _between(tasks: NDArray[np.int64], lines: NDArray[np.int64], seed: int) -> NDArray[np.int64]:
    """The batches of lines at random places between those of the tasks, both in their order."""
    from waystation.batching import shuffled

    steps = len(tasks) + len(lines)
    taken = np.zeros(steps, dtype=bool)
    taken[shuffled(steps, seed, "places of lines")[: len(lines)]] = True
    drawn = np.empty(steps, dtype=np.int64)
    drawn[taken], drawn[~taken] = lines, tasks
    return drawn


def effective(sizes: Sequence[int], cap: int | None) -> list[int]:
    """The sizes that rates and the number of steps count with."""
    return [min(size, cap) if cap else size for size in sizes]


def optimiser_steps(sizes: Sequence[int], cap: int | None, epochs: float, batch_size: int) -> int:
    """Steps that `epochs` passes over the mixture take."""
    return max(1, math.ceil(epochs * sum(effective(sizes, cap)) / batch_size))


def beside(steps: int, share: float) -> int:
    """Batches of lines beside `steps` batches of tasks, so that they are `share` of all."""
    return max(1, round(steps * share / (1 - share)))


def lines_of(batch_size: int, share: float) -> int:
    """Lines in a mixed batch: the nearest to `share` of it that leaves room for both."""
    return min(batch_size - 1, max(1, round(batch_size * share)))


def smoothed(sizes: Sequence[int], smoothing: float) -> list[float]:
    """How often each language is drawn: q_i = p_i ** a / sum p_j ** a, p its share of the lines.

    Conneau & Lample 2019 (arXiv 1901.07291, section 3.1), with a = 0.7 for masking; XLM-R has 0.3.
    """
    shares = [size / sum(sizes) for size in sizes]
    powers = [share**smoothing for share in shares]
    return [power / sum(powers) for power in powers]


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


def draws(
    rates: Sequence[float], steps: int, seed: int, purpose: str = "mixture"
) -> NDArray[np.int64]:
    """int64[steps]: the position of the member that each step's batch comes from."""
    from waystation.batching import random_words  # brings torch, which plans do without

    # The upper 53 bits of a word are a uniform number in [0, 1).
    uniform = (random_words(steps, seed, purpose) >> np.uint64(11)) * 2.0**-53
    edges = np.cumsum(rates)[:-1]
    return np.searchsorted(edges, uniform, side="right").astype(np.int64)
