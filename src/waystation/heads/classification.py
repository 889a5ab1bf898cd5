"""Classification and regression of a text or a pair of texts.

One dense layer with tanh and an output layer on the pooled state, as in RoBERTa's classification
head (transformers `modeling_roberta.py`, RobertaClassificationHead), which the XTREME scripts
use. Regression has one output and squared error, and does not scale its values.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from waystation.errors import UserError
from waystation.examples import (
    ClassificationExample,
    HeadSpec,
    LabelPrediction,
    RegressionExample,
    ValuePrediction,
)
from waystation.heads import Row
from waystation.heads.pieces import Cuts, encode_texts, pooled

if TYPE_CHECKING:
    from torch import Tensor

    from waystation.batching import Batch
    from waystation.model import Model


def build(spec: HeadSpec, tokenizer: Any, max_tokens: int, stride: int) -> Classification:
    """The head of a spec of kind classification or regression; `stride` is not used."""
    return Classification(spec, tokenizer, max_tokens)


class Classification:
    """See the module's docstring."""

    def __init__(self, spec: HeadSpec, tokenizer: Any, max_tokens: int) -> None:
        self.spec, self.tokenizer, self.max_tokens = spec, tokenizer, max_tokens
        self.cuts: Cuts = Cuts()
        self.positions = {label: i for i, label in enumerate(spec.labels)}

    @property
    def regression(self) -> bool:
        return self.spec.kind == "regression"

    def module(self, hidden_size: int, dropout: float) -> nn.Module:
        return nn.Sequential(
            nn.Dropout(dropout),
            nn.Linear(hidden_size, hidden_size),
            nn.Tanh(),
            nn.Dropout(dropout),
            nn.Linear(hidden_size, 1 if self.regression else len(self.spec.labels)),
        )

    def encode(
        self, examples: Sequence[ClassificationExample | RegressionExample], training: bool
    ) -> list[list[Row]]:
        texts = [(e.text, e.pair) for e in examples]
        encoded = encode_texts(self.tokenizer, texts, self.max_tokens, self.cuts)
        return [
            [
                Row(
                    example=i,
                    part=0,
                    tokens=tokens,
                    segments=segments,
                    gold=self._gold(examples[i]) if training else None,
                )
            ]
            for i, (tokens, segments) in enumerate(encoded)
        ]

    def _gold(self, example: ClassificationExample | RegressionExample) -> float | int:
        if isinstance(example, RegressionExample):
            if example.value is None:
                raise UserError(
                    f"expected a value to train on, found none in example '{example.id}';"
                    " train on a split whose gold is published."
                )
            return example.value
        if example.label not in self.positions:
            raise UserError(
                f"expected one of the labels {', '.join(self.spec.labels)} to train on, found"
                f" {example.label!r} in example '{example.id}'; correct the data or the task's"
                " labels."
            )
        return self.positions[example.label]

    def loss(self, model: Model, batch: Batch) -> tuple[Tensor, float]:
        logits = self._logits(model, batch)
        golds = [row.gold for row in batch.rows]
        if self.regression:
            values = torch.tensor(golds, dtype=torch.float32, device=logits.device)
            return F.mse_loss(logits[:, 0], values, reduction="sum"), float(len(golds))
        labels = torch.tensor(golds, device=logits.device)
        return F.cross_entropy(logits, labels, reduction="sum"), float(len(golds))

    def _logits(self, model: Model, batch: Batch) -> Tensor:
        return model.heads[self.spec.name](pooled(model, batch)).float()  # [B, L]

    def outputs(self, model: Model, batch: Batch) -> list[Any]:
        return list(self._logits(model, batch).cpu().numpy())

    def decode(
        self,
        examples: Sequence[ClassificationExample | RegressionExample],
        outputs: Sequence[Sequence[tuple[Row, Any]]],
    ) -> list[LabelPrediction | ValuePrediction]:
        return [self._decode(e.id, o[0][1]) for e, o in zip(examples, outputs, strict=True)]

    def _decode(self, id_: str, logits: Any) -> LabelPrediction | ValuePrediction:
        if self.regression:
            return ValuePrediction(id=id_, value=float(str(logits[0])))
        label = self.spec.labels[int(np.argmax(logits))]
        return LabelPrediction(id=id_, label=label, scores=probabilities(logits))


def probabilities(logits: Any) -> tuple[float, ...]:
    """Softmax to six decimals, which is what predictions keep."""
    exponents = np.exp(np.asarray(logits, dtype=np.float64) - np.max(logits))
    return tuple(round(float(p), 6) for p in exponents / exponents.sum())
