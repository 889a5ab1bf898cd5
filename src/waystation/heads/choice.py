"""Multiple choice: every option is one row, scored alone; a softmax runs over an example's own.

B x C rows of (context, option) with a linear score on the pooled state, as in transformers'
`modeling_xlm_roberta.py`, XLMRobertaForMultipleChoice. Examples may differ in their number of
options. Does not compare options with each other inside the backbone.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from waystation.errors import UserError
from waystation.examples import ChoiceExample, ChoicePrediction, HeadSpec
from waystation.heads import Row
from waystation.heads.classification import probabilities
from waystation.heads.pieces import Cuts, encode_texts, pooled

if TYPE_CHECKING:
    from torch import Tensor

    from waystation.batching import Batch
    from waystation.model import Model


def build(spec: HeadSpec, tokenizer: Any, max_tokens: int, stride: int) -> Choice:
    """The head of a spec of kind choice; `stride` is not used."""
    return Choice(spec, tokenizer, max_tokens)


class Choice:
    """See the module's docstring."""

    def __init__(self, spec: HeadSpec, tokenizer: Any, max_tokens: int) -> None:
        self.spec, self.tokenizer, self.max_tokens = spec, tokenizer, max_tokens
        self.cuts: Cuts = Cuts()

    def module(self, hidden_size: int, dropout: float) -> nn.Module:
        return nn.Sequential(nn.Dropout(dropout), nn.Linear(hidden_size, 1))

    def encode(self, examples: Sequence[ChoiceExample], training: bool) -> list[list[Row]]:
        texts = [(e.context, option) for e in examples for option in e.options]
        encoded = iter(encode_texts(self.tokenizer, texts, self.max_tokens, self.cuts))
        found = []
        for index, example in enumerate(examples):
            gold = _gold(example) if training else None
            rows = []
            for part in range(len(example.options)):
                tokens, segments = next(encoded)
                rows.append(
                    Row(example=index, part=part, tokens=tokens, segments=segments, gold=gold)
                )
            found.append(rows)
        return found

    def loss(self, model: Model, batch: Batch) -> tuple[Tensor, float]:
        scores = self._scores(model, batch)
        # Rows of one example lie side by side, its first option first.
        starts = [i for i, row in enumerate(batch.rows) if row.part == 0]
        ends = [*starts[1:], len(batch.rows)]
        widest = max(end - start for start, end in zip(starts, ends, strict=True))
        padded = [
            F.pad(scores[start:end], (0, widest - (end - start)), value=-torch.inf)
            for start, end in zip(starts, ends, strict=True)
        ]
        golds = torch.tensor([batch.rows[i].gold for i in starts], device=scores.device)
        loss = F.cross_entropy(torch.stack(padded), golds, reduction="sum")
        return loss, float(len(starts))

    def _scores(self, model: Model, batch: Batch) -> Tensor:
        return model.heads[self.spec.name](pooled(model, batch)).float()[:, 0]  # [B]

    def outputs(self, model: Model, batch: Batch) -> list[Any]:
        return list(self._scores(model, batch).cpu().numpy())

    def decode(
        self,
        examples: Sequence[ChoiceExample],
        outputs: Sequence[Sequence[tuple[Row, Any]]],
    ) -> list[ChoicePrediction]:
        found = []
        for example, kept in zip(examples, outputs, strict=True):
            scores = [score for _, score in kept]
            found.append(
                ChoicePrediction(
                    id=example.id, label=int(np.argmax(scores)), scores=probabilities(scores)
                )
            )
        return found


def _gold(example: ChoiceExample) -> int:
    if example.label is None or not 0 <= example.label < len(example.options):
        raise UserError(
            f"expected the position of one of {len(example.options)} options to train on, found"
            f" {example.label!r} in example '{example.id}'; positions count from 0."
        )
    return example.label
