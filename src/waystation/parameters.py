"""What a stage trains: its heads, the rows of the vocabulary, and the optimiser over both.

Floor 3; the loop in train.py calls it before its first step.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from waystation.batching import derived_seed
from waystation.encoded import Encoded
from waystation.examples import digest, to_json
from waystation.heads import Head
from waystation.predict import rows_of
from waystation.settings import TrainConfig
from waystation.vocabulary import Table, reachable, trimmed, untrimmed

if TYPE_CHECKING:
    from waystation.model import Model


def place_heads(
    model: Model, heads: dict[str, Head[Any, Any]], config: TrainConfig, seed: int
) -> None:
    """Leave the model with the stage's own heads: fresh, or kept where asked and equal.

    A fresh head's weights follow from (seed, spec) alone, whatever was trained before.
    """
    seed = seed if config.head_seed is None else config.head_seed
    for name in [name for name in model.heads if name not in heads or not config.keep_head]:
        del model.heads[name]
    dropout = _head_dropout(model, config)
    for name, head in heads.items():
        if name not in model.heads:
            torch.manual_seed(derived_seed(seed, "head", digest(to_json(head.spec))))
            module = head.module(model.hidden_size, dropout)
            model.heads[name] = module.to(model.device)
        for part in model.heads[name].modules():
            if isinstance(part, nn.Dropout):
                part.p = dropout


def _head_dropout(model: Model, config: TrainConfig) -> float:
    if config.dropout is not None:
        return config.dropout
    for name in ("classifier_dropout", "hidden_dropout_prob", "dropout_rate", "dropout"):
        value = getattr(model.backbone.config, name, None)
        if isinstance(value, float):
            return value
    return 0.0


@contextmanager
def vocabulary(model: Model, members: Sequence[Encoded], config: TrainConfig) -> Iterator[Table]:
    """The embedding rows to train: those that training and dev examples reach, or all."""
    if not config.trim_vocabulary or any(m.member.head.kind == "text" for m in members):
        with untrimmed(model) as table:
            yield table
        return
    rows = [row for m in members for row in rows_of(m.rows)]
    for m in members:
        dev = [*m.member.dev[: config.dev_examples], *m.member.dev_pool]
        rows += rows_of(m.head.encode(dev, False))
    with trimmed(model, reachable(rows, model.tokenizer, model.pad_id)) as table:
        yield table


def optimizer_of(model: Model, config: TrainConfig) -> Any:
    """AdamW; biases and normalisation weights, the vectors, are exempt from weight decay."""
    trained = [p for p in model.parameters() if p.requires_grad]
    groups = [
        {"params": [p for p in trained if p.dim() > 1], "weight_decay": config.weight_decay},
        {"params": [p for p in trained if p.dim() <= 1], "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(
        groups,
        lr=config.learning_rate,
        betas=(config.adam_beta1, config.adam_beta2),
        eps=config.adam_epsilon,
        fused=trained[0].device.type in ("cpu", "cuda"),
    )
