"""The trimmed vocabulary: train only the embedding rows that a stage's examples can reach.

Most of a multilingual encoder's weights are rows that a training set never touches. While
`trimmed` is in force the input embedding holds the reachable rows alone; token ids are mapped in
front of it, so batches, position ids and padding stay as they are. On leaving, the rows are laid
over the full table, and the other rows get what AdamW's decoupled weight decay would have made of
them: one factor, the product of (1 - lr_t * weight_decay). The result equals training the whole
table to rounding (AdamW moves a row without gradient by its decay alone).

Not for heads whose loss or generation reads the output embedding.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from waystation.heads import Row

if TYPE_CHECKING:
    from waystation.model import Model


@dataclass
class Table:
    """The embedding rows that are being trained, and the factor of all others so far.

    `scale` is what the learning rate of the whole table is multiplied by (layer-wise decay).
    """

    rows: NDArray[np.int64]
    weight: Any
    full: Any
    factor: float = 1.0
    scale: float = 1.0


def reachable(rows: Iterable[Row], tokenizer: Any, pad_id: int) -> NDArray[np.int64]:
    """Ids that occur in rows, with all special tokens, in order."""
    seen = [np.array([pad_id, *tokenizer.all_special_ids], dtype=np.int64)]
    seen += [row.tokens.astype(np.int64) for row in rows]
    return np.unique(np.concatenate(seen))


def full_table(model: Model) -> Any:
    """The parameter of the input embedding, [vocabulary, D]."""
    return model.backbone.get_input_embeddings().weight


@contextmanager
def trimmed(model: Model, rows: NDArray[np.int64]) -> Iterator[Table]:
    """Put the compact table in place of the full one, and lay it over the full one at the end."""
    full = full_table(model)
    # Encoder-decoders reach one table through several modules.
    embeddings = [
        m for m in model.backbone.modules() if isinstance(m, nn.Embedding) and m.weight is full
    ]
    lookup = torch.full((len(full),), -1, dtype=torch.int64, device=full.device)
    index = torch.from_numpy(rows).to(full.device)
    lookup[index] = torch.arange(len(rows), device=full.device)
    compact = nn.Parameter(full.detach()[index].clone(), requires_grad=full.requires_grad)
    table = Table(rows, compact, full)
    paddings = [m.padding_idx for m in embeddings]
    trainable = full.requires_grad
    full.requires_grad_(False)
    hooks = []
    for module in embeddings:
        module.weight = compact
        if module.padding_idx is not None:
            module.padding_idx = int(np.searchsorted(rows, module.padding_idx))
        hooks.append(module.register_forward_pre_hook(lambda _, ids: (lookup[ids[0]], *ids[1:])))
    try:
        yield table
    finally:
        for module, padding, hook in zip(embeddings, paddings, hooks, strict=True):
            hook.remove()
            module.weight, module.padding_idx = full, padding
        with torch.no_grad():
            if table.factor != 1.0:
                full.mul_(table.factor)
            full[index] = compact
        full.requires_grad_(trainable)


@contextmanager
def untrimmed(model: Model) -> Iterator[Table]:
    """The full table in the same form: every row is trained."""
    full = full_table(model)
    yield Table(np.arange(len(full), dtype=np.int64), full, full)


def frozen_table(model: Model) -> Table:
    """The full table where no row is trained."""
    full = full_table(model)
    return Table(np.empty(0, dtype=np.int64), full, full)
