"""Sentence retrieval: the nearest neighbours of each sentence's translation, in both directions.

One forward pass gives every layer; a variant is a layer and a pooling, `8/mean`. Options:
layers="all" (default; 0 is the embedding layer) or "4,8,12", and pooling="mean,cls" (default
mean). Mean pooling takes special tokens in, as the XTREME scripts do by default
(`third_party/evaluate_retrieval.py`, `--pool_skip_special_token` off), but not a decoder's first
token (see `mean_states`), which also makes cls, the first token's state, useless there. The
targets of all examples are the candidates. Has no loss: training on translation ranking is
another head.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from waystation.errors import ModelError, StepFailed, UserError
from waystation.examples import BitextExample, HeadSpec, Neighbours, RetrievalPrediction
from waystation.heads import Row
from waystation.heads.pieces import encode_texts, mean_states
from waystation.search import nearest

if TYPE_CHECKING:
    from torch import Tensor

    from waystation.batching import Batch
    from waystation.model import Model

POOLINGS: Final = ("mean", "cls")
NEIGHBOURS: Final = 4
"""Neighbours kept per sentence: what margin scores of bitext mining average over (k = 4)."""


def build(spec: HeadSpec, tokenizer: Any, max_tokens: int, stride: int) -> Retrieval:
    """The head of a spec of kind bitext; `stride` is not used."""
    return Retrieval(spec, tokenizer, max_tokens)


class Retrieval:
    """See the module's docstring."""

    def __init__(self, spec: HeadSpec, tokenizer: Any, max_tokens: int) -> None:
        self.spec, self.tokenizer, self.max_tokens = spec, tokenizer, max_tokens
        self.poolings = tuple(spec.option("pooling", "mean").split(","))
        for pooling in self.poolings:
            if pooling not in POOLINGS:
                raise UserError(
                    f"expected a pooling among {', '.join(POOLINGS)}, found '{pooling}';"
                    " correct the target's `pooling`."
                )
        self.variants: tuple[str, ...] = ()

    def module(self, hidden_size: int, dropout: float) -> nn.Module:
        return nn.Identity()

    def encode(self, examples: Sequence[BitextExample], training: bool) -> list[list[Row]]:
        texts: list[tuple[str, str | None]] = []
        for example in examples:
            texts += [(example.source, None), (example.target, None)]
        encoded = encode_texts(self.tokenizer, texts, self.max_tokens)
        return [
            [Row(example=i, part=part, tokens=encoded[2 * i + part][0]) for part in (0, 1)]
            for i in range(len(examples))
        ]

    def loss(self, model: Model, batch: Batch) -> tuple[Tensor, float]:
        raise StepFailed(
            "expected a task with a training loss, found sentence retrieval, which is evaluated"
            " without training; set fine_tune: false on the target and leave it out of stops."
        )

    def outputs(self, model: Model, batch: Batch) -> list[Any]:
        """float32[V, D] per row: its embedding under each variant."""
        states = model.layers(batch)
        layers = self._layers(len(states))
        self.variants = tuple(f"{layer}/{p}" for layer in layers for p in self.poolings)
        kept = []
        for layer in layers:
            for pooling in self.poolings:
                if pooling == "mean":
                    kept.append(mean_states(model, states[layer], batch))
                else:
                    kept.append(states[layer][:, 0].float())  # [B, D]
        return list(torch.stack(kept, dim=1).cpu().numpy())  # B times [V, D]

    def _layers(self, available: int) -> list[int]:
        option = self.spec.option("layers", "all")
        if option == "all":
            return list(range(available))
        layers = [int(layer) for layer in option.split(",")]
        for layer in layers:
            if not 0 <= layer < available:
                raise ModelError(
                    f"expected layers from 0 to {available - 1} (0 is the embedding layer), which"
                    f" is what this backbone has, found {layer}; correct the target's `layers`."
                )
        return layers

    def decode(
        self,
        examples: Sequence[BitextExample],
        outputs: Sequence[Sequence[tuple[Row, Any]]],
    ) -> list[RetrievalPrediction]:
        ids = [e.id for e in examples]
        found: list[dict[str, Neighbours]] = [{} for _ in examples]
        for v, variant in enumerate(self.variants):
            sources = np.stack([kept[0][1][v] for kept in outputs])  # [N, D]
            targets = np.stack([kept[1][1][v] for kept in outputs])  # [N, D]
            forward = nearest(sources, targets, NEIGHBOURS)
            backward = nearest(targets, sources, NEIGHBOURS)
            for i in range(len(examples)):
                found[i][variant] = Neighbours(
                    forward=tuple(ids[j] for j in forward[0][i]),
                    forward_scores=_short(forward[1][i]),
                    backward=tuple(ids[j] for j in backward[0][i]),
                    backward_scores=_short(backward[1][i]),
                )
        return [
            RetrievalPrediction(id=e.id, variants=v) for e, v in zip(examples, found, strict=True)
        ]


def _short(scores: NDArray[np.float32]) -> tuple[float, ...]:
    """float32 values as the shortest decimals that read back as the same float32."""
    return tuple(float(str(score)) for score in scores)
