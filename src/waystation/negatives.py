"""Hard negatives for the members of a stage that rank: mined once, by the model as it begins.

A stage that goes on after an interruption mines again before its weights are loaded, with the same
model and so the same result. What is mined and why: `heads/ranking.py`. Members mine apart: those
of one language pair are no negatives of another's. Floor 3.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import torch

from waystation.encoded import Encoded
from waystation.heads import Row
from waystation.heads.ranking import Mined, with_negatives
from waystation.heads.retrieval import Bitext, Pair, Query
from waystation.predict import memory_advice
from waystation.settings import Numerics, TrainConfig

if TYPE_CHECKING:
    from waystation.model import Model

log = logging.getLogger("waystation")


def mined(
    model: Model, members: Sequence[Encoded], config: TrainConfig, numerics: Numerics
) -> list[Encoded]:
    """The members; those that ask for hard negatives have them in their rows."""
    return [_with(model, member, config, numerics) for member in members]


def _with(model: Model, own: Encoded, config: TrainConfig, numerics: Numerics) -> Encoded:
    head = own.head
    if not isinstance(head, (Bitext, Query)) or not head.embedding.ranking.hard_negatives:
        return own
    ranking, texts = head.embedding.ranking, len(own.rows)
    log.info("%s: mining %d hard negatives a text", own.label, ranking.hard_negatives)
    found = Mined(pairs=own.rows)
    if isinstance(head, Query):
        found = _of_queries(head, own)
        texts += len(found.others)
    bf16 = numerics.precision == "bf16"
    with (
        memory_advice("predicting", f"hard negatives of task {own.label} among {texts} texts"),
        torch.autocast(model.device.type, torch.bfloat16, enabled=bf16),
    ):
        rows = with_negatives(model, found, ranking, config.max_tokens)
    return replace(own, rows=rows)


def _of_queries(head: Query, own: Encoded) -> Mined:
    """Queries are mined against their whole pool, in which several candidates may be right."""
    pool: dict[str, Row] = {}
    for candidate, (row,) in zip(own.member.pool, head.encode(own.member.pool, True), strict=True):
        pool[candidate.id] = row
    head.cuts.clear()  # the pairs' have been counted
    more = []
    for pair in own.member.trained:
        assert isinstance(pair, Pair)
        more.append([pool[name] for name in pair.query.relevant or () if name in pool])
    return Mined(pairs=own.rows, others=list(pool.values()), more=more)
