"""Sentences to vectors: one layer of a model, pooled.

Layer 0 is the embedding layer, None the last. Poolings are those of `heads.retrieval`. Texts are
tokenised some thousands at a time, so that memory is the vectors, one batch's states and little
more. Nothing is searched here.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
import torch
from numpy.typing import NDArray

from waystation.batching import TOKENS, by_token_budget, collate
from waystation.errors import ModelError
from waystation.heads import Row
from waystation.heads.pieces import encode_texts, pooled_by
from waystation.predict import memory_advice
from waystation.settings import Numerics

if TYPE_CHECKING:
    from torch import Tensor

    from waystation.batching import Batch
    from waystation.model import Model

CHUNK: Final = 16384
"""Texts sorted by length together."""


@dataclass(frozen=True, kw_only=True)
class Variant:
    """Which vector of a text: a layer, its pooling, and what is written before every text."""

    layer: int | None = None
    pooling: str = "mean"
    prefix: str = ""


def embed(
    model: Model,
    texts: Sequence[str],
    variant: Variant,
    numerics: Numerics,
    *,
    max_tokens: int,
    progress: Callable[[int, int], None] | None = None,
) -> tuple[NDArray[np.float32], int]:
    """The vectors float32[N, D] of texts, and how many were as long as `max_tokens` allows.

    `progress(done, total)` counts texts. Raises ModelError for a layer that is not there.
    """
    torch.set_num_threads(int(numerics.threads))
    model.eval()
    vectors = np.empty((len(texts), model.hidden_size), dtype=np.float32)
    cut = done = 0
    for start in range(0, len(texts), CHUNK):
        part = [(variant.prefix + text, None) for text in texts[start : start + CHUNK]]
        encoded = encode_texts(model.tokenizer, part, max_tokens)
        rows = [Row(example=start + i, part=0, tokens=row[0]) for i, row in enumerate(encoded)]
        cut += sum(len(row.tokens) >= max_tokens for row in rows)
        for places in by_token_budget([len(row.tokens) for row in rows], TOKENS):
            batch = collate([rows[i] for i in places], model.pad_id, max_tokens, model.device)
            with (
                memory_advice("predicting", "embeddings"),
                torch.inference_mode(),
                torch.autocast(
                    model.device.type, torch.bfloat16, enabled=numerics.precision == "bf16"
                ),
            ):
                vectors[[row.example for row in batch.rows]] = _vectors(model, batch, variant)
            done += len(places)
            if progress:
                progress(done, len(texts))
    return vectors, cut


def _vectors(model: Model, batch: Batch, variant: Variant) -> NDArray[np.float32]:
    states = _states(model, batch, variant.layer)  # [B, T, D]
    return np.asarray(pooled_by(variant.pooling, model, states, batch).cpu().numpy())


def _states(model: Model, batch: Batch, layer: int | None) -> Tensor:
    if layer is None:
        return model.states(batch)
    layers = model.layers(batch)
    if not 0 <= layer < len(layers):
        raise ModelError(
            f"expected a layer from 0 to {len(layers) - 1} (0 is the embedding layer), which is"
            f" what this backbone has, found {layer}; correct --layer."
        )
    return layers[layer]
