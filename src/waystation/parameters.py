"""What a stage trains: heads, an adapter or the layers that are not frozen, rows of the vocabulary.

The optimiser over them has one group for each learning rate: with `layer_decay` d, layer i of n
(counted from 1) learns at the peak times d ** (n + 1 - i), embeddings at d ** (n + 1), heads and
what lies above the layers at the peak.

Floor 3; the loop in train.py calls it before its first step.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

import torch
from torch import nn

from waystation.adapters import Placed, owner, place, plain, set_adapter_dropout, settle, targets
from waystation.batching import derived_seed
from waystation.encoded import Encoded
from waystation.errors import StepFailed
from waystation.examples import digest, to_json
from waystation.heads import Head
from waystation.layers import Layers
from waystation.predict import rows_of
from waystation.settings import Adapter, TrainConfig
from waystation.vocabulary import Table, frozen_table, full_table, reachable, trimmed, untrimmed

if TYPE_CHECKING:
    from waystation.model import Model

_BACKBONE: Final = "backbone."


def place_heads(
    model: Model, heads: dict[str, Head[Any, Any]], config: TrainConfig, seed: int
) -> None:
    """Leave the model with the stage's own heads, fresh or kept where asked and equal, and adapter.

    A fresh head's weights follow from (seed, spec) alone, whatever was trained before.
    """
    seed = seed if config.head_seed is None else config.head_seed
    settle(model)
    if config.adapter is not None:
        _place_adapter(model, config.adapter, max(0, highest_frozen(config)), seed)
    for name in [name for name in model.heads if name not in heads or not config.keep_head]:
        del model.heads[name]
    if any(head.spec.kind == "lm" for head in heads.values()):
        model.draw_output(derived_seed(seed, "output layer"))
    dropout = _head_dropout(model, config)
    for name, head in heads.items():
        if name not in model.heads:
            torch.manual_seed(derived_seed(seed, "head", digest(to_json(head.spec))))
            module = head.module(model.hidden_size, dropout)
            model.heads[name] = module.to(model.device)
        for part in model.heads[name].modules():
            if isinstance(part, nn.Dropout):
                part.p = dropout


def _place_adapter(model: Model, adapter: Adapter, frozen: int, seed: int) -> None:
    """A fresh adapter: its weights follow from (seed, its number, its settings) alone."""
    taken = [placed for placed, _ in model.merged] + list(model.adapters)
    number = 1 + max((int(placed.name[1:]) for placed in taken), default=-1)
    placed = Placed(
        name=f"s{number}",
        kind=adapter.kind,
        rank=adapter.rank,
        alpha=adapter.alpha,
        dropout=adapter.dropout,
        stacked=adapter.stacked,
        modules=targets(model.backbone, adapter.kind, adapter.modules, frozen),
    )
    draws = digest(adapter.model_dump(mode="json", exclude={"after", "dropout"}))
    torch.manual_seed(derived_seed(seed, "adapter", number, draws))
    place(model, placed)


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
    """The embedding rows to train: those that training and dev examples reach, all, or none.

    Everything else that the stage does not train is frozen until the end.
    """
    with _frozen(model, config):
        if not full_table(model).requires_grad:
            yield frozen_table(model)
            return
        with _trained_rows(model, members, config) as table:
            names = {id(p): name for name, p in model.named_parameters()}
            table.scale = config.layer_decay ** _below_heads(model, names[id(table.weight)])
            yield table


@contextmanager
def _trained_rows(model: Model, members: Sequence[Encoded], config: TrainConfig) -> Iterator[Table]:
    if not config.trim_vocabulary or any(m.member.head.kind in ("text", "lm") for m in members):
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
    """AdamW; biases and normalisation weights, the vectors, are exempt from weight decay.

    A group's `scale` is what the schedule's rate is multiplied by; there is none where all are 1.
    """
    trained = {name: p for name, p in model.named_parameters() if p.requires_grad}
    if not trained:
        raise StepFailed(
            f"expected something to train, found every layer frozen (`frozen: {config.frozen}`)"
            " and heads without weights of their own; lower `frozen`."
        )
    below: dict[int, list[Any]] = {}
    for name, parameter in trained.items():
        steps = 0 if config.layer_decay == 1 else _below_heads(model, name)
        below.setdefault(steps, []).append(parameter)
    groups: list[dict[str, Any]] = []
    for steps, found in sorted(below.items()):
        for vectors in (False, True):
            group: dict[str, Any] = {
                "params": [p for p in found if (p.dim() <= 1) == vectors],
                "weight_decay": 0.0 if vectors else config.weight_decay,
            }
            groups.append(group | ({"scale": config.layer_decay**steps} if steps else {}))
    return torch.optim.AdamW(
        groups,
        lr=config.learning_rate,
        betas=(config.adam_beta1, config.adam_beta2),
        eps=config.adam_epsilon,
        fused=next(iter(trained.values())).device.type in ("cpu", "cuda"),
    )


def highest_frozen(config: TrainConfig) -> int:
    """The number of the highest frozen layer: 0 for embeddings alone, -1 for nothing."""
    if isinstance(config.frozen, int):
        return config.frozen
    return 0 if config.frozen == "embeddings" else -1


@contextmanager
def _frozen(model: Model, config: TrainConfig) -> Iterator[None]:
    """Only what the stage trains takes gradients: its adapter, or what is not frozen; heads."""
    current = model.adapters[-1].name if config.adapter is not None else None
    layers, highest = Layers(model.backbone), highest_frozen(config)
    layers.check(highest)

    def trains(name: str) -> bool:
        if name.startswith("heads.") or name in model.drawn:  # fresh: nothing to be kept
            return True
        if current is not None or owner(name) is not None:
            return owner(name) == current
        return not name.startswith(_BACKBONE) or layers.number(_path(name)) > highest

    frozen = [p for n, p in model.named_parameters() if p.requires_grad and not trains(n)]
    for parameter in frozen:
        parameter.requires_grad_(False)
    set_adapter_dropout(model, current)
    try:
        yield
    finally:
        for parameter in frozen:
            parameter.requires_grad_(True)


def _below_heads(model: Model, name: str) -> int:
    return Layers(model.backbone).below_heads(_path(name)) if name.startswith(_BACKBONE) else 0


def _path(name: str) -> str:
    return plain(name.removeprefix(_BACKBONE))
