"""The members of a mixture as rows of tokens, and how their batches are cut into passes.

Floor 3; knows heads and settings, nothing of the model's weights.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from waystation import mixture as mixtures
from waystation.batching import TOKENS, Batch, TrainingOrder, passes
from waystation.errors import StepFailed
from waystation.heads import WHOLE_BATCH, Head, Row, build, pieces
from waystation.heads.lm import LanguageModel
from waystation.mixture import Member, Mixture
from waystation.settings import TrainConfig

if TYPE_CHECKING:
    from waystation.model import Model

log = logging.getLogger("waystation")


@dataclass(frozen=True, kw_only=True)
class Encoded:
    """A member with its rows; `label` tells members of one task apart."""

    member: Member
    label: str
    head: Head[Any, Any]
    rows: list[list[Row]]
    dropped: int
    lengths: dict[str, int]


def encode(model: Model, mixture: Mixture, config: TrainConfig) -> list[Encoded]:
    """Members with their rows, examples without any row dropped and counted."""
    heads: dict[str, Head[Any, Any]] = {}
    members: list[Encoded] = []
    for member in (*mixture.members, *mixture.text):
        head = heads.setdefault(
            member.head.name,
            build(member.head, model.tokenizer, config.max_tokens, config.stride),
        )
        encoded = head.encode(member.trained, True)
        rows = [parts for parts in encoded if parts]
        lengths = pieces.lengths(head.cuts, len(encoded), sum(map(len, rows)))
        head.cuts.clear()  # members of equal heads share one
        dropped = len(encoded) - len(rows)
        if dropped:
            log.warning("%s: %d training examples dropped, nothing left", member.name, dropped)
        if not rows:
            raise StepFailed(
                f"expected training examples of task {member.name}, found none left of"
                f" {len(encoded)} (an answer that is cut away or an empty input drops one);"
                " raise `max_tokens` or choose another split."
            )
        taken = [m.label for m in members]
        label = member.name if member.name not in taken else f"{member.name}#{len(taken)}"
        members.append(
            Encoded(
                member=member, label=label, head=head, rows=rows, dropped=dropped, lengths=lengths
            )
        )
    return members


def lengths_of(member: Encoded) -> NDArray[np.int64]:
    """What batches are sorted by: tokens, or nothing where a batch should be a fair sample."""
    if member.member.head.kind in WHOLE_BATCH:
        return np.zeros(len(member.rows), dtype=np.int64)
    return np.array([max(len(row.tokens) for row in parts) for parts in member.rows])


def too_large(inputs: Batch, member: Encoded, config: TrainConfig) -> bool:
    """Whether a pass holds more than it should: one example with many windows, for one."""
    chosen = config.micro_batch_size is not None or member.member.head.kind in WHOLE_BATCH
    return not chosen and inputs.input_ids.numel() > TOKENS


def passes_of(
    batch: Sequence[int], member: Encoded, config: TrainConfig, seed: int, step: int
) -> list[list[Row]]:
    """The rows of a batch in forward passes; heads that compare examples split it themselves.

    Lines of text have tokens masked, others at every step.
    """
    if member.member.head.kind in WHOLE_BATCH:
        return [[row for i in batch for row in member.rows[i]]]
    found = passes(batch, member.rows, config.micro_batch_size)
    if isinstance(member.head, LanguageModel):
        hidden, purpose = member.head.hidden, (seed, member.label, step)
        found = [[hidden(row, *purpose, row.example) for row in rows] for rows in found]
    return found


def orders_of(
    members: Sequence[Encoded], plan: mixtures.Schedule, seed: int
) -> list[TrainingOrder]:
    """Which of a member's examples its batches hold."""
    return [
        TrainingOrder(
            lengths=lengths_of(m),
            batch_size=plan.batch_sizes[i],
            limit=plan.limits[i],
            seed=seed,
            name=f"{i}/{m.label}",
        )
        for i, m in enumerate(members)
    ]
