"""Language modelling: what a model pays for lines of text, in nats.

Option objective=masked (encoders) hides tokens and predicts them: of every row the share `masked`
(option, 0.15), at least one, special tokens never; of those 80% become the mask token, 10% a
random piece and 10% stay (Devlin et al. 2019, section 3.1; the number per row is that of
google-research/bert, create_pretraining_data.py). In training they are drawn anew at every step
(Liu et al. 2019, section 4.1), a function of the purpose that the caller names; at prediction
they are a function of the example's id, so that models are compared on equal masks.
objective=causal (decoders) predicts every token from those before it.

A line that is longer than `max_tokens` becomes several rows, none shares tokens with another.
Keeps no parameters of its own: the output layer is the model's (`Model.scores`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from torch.nn import functional as F
from torch.utils.checkpoint import checkpoint

from waystation.batching import random_words
from waystation.errors import ModelError
from waystation.examples import HeadSpec, LineExample, LossPrediction
from waystation.heads import Row
from waystation.heads.pieces import CHUNK, Cuts, as_ids, frame

if TYPE_CHECKING:
    from torch import Tensor

    from waystation.batching import Batch
    from waystation.model import Model

NOTHING: Final = -100
"""The gold of tokens that are not predicted."""

SCORES: Final = 2**26
"""Scores held at once, 256 MB in fp32; more are computed again for the gradient."""


def build(spec: HeadSpec, tokenizer: Any, max_tokens: int, stride: int) -> LanguageModel:
    """The head of a spec of kind lm; `stride` is not used."""
    return LanguageModel(spec, tokenizer, max_tokens)


class LanguageModel:
    """See the module's docstring."""

    def __init__(self, spec: HeadSpec, tokenizer: Any, max_tokens: int) -> None:
        self.spec, self.tokenizer, self.max_tokens = spec, tokenizer, max_tokens
        self.cuts: Cuts = Cuts()
        self.masked = spec.option("objective", "masked") == "masked"
        self.share = float(spec.option("masked", "0.15"))
        if self.masked and tokenizer.mask_token_id is None:
            raise ModelError(
                "expected a backbone whose tokenizer has a mask token for masked language"
                " modelling, found one without; take another encoder, or leave `mlm` out."
            )
        special = np.asarray(tokenizer.all_special_ids, dtype=np.int64)
        self.special = special
        self.pieces = np.setdiff1d(np.arange(len(tokenizer), dtype=np.int64), special)

    def module(self, hidden_size: int, dropout: float) -> nn.Module:
        return nn.Identity()

    def encode(self, examples: Sequence[LineExample], training: bool) -> list[list[Row]]:
        before, after = frame(self.tokenizer)
        room = self.max_tokens - len(before) - len(after)
        found: list[list[Row]] = []
        for start in range(0, len(examples), CHUNK):
            part = [example.text for example in examples[start : start + CHUNK]]
            encoded = self.tokenizer(part, add_special_tokens=False, verbose=False)["input_ids"]
            for i, ids in enumerate(encoded, start):
                rows = [
                    Row(example=i, part=n, tokens=as_ids([*before, *piece, *after]))
                    for n, piece in enumerate(_pieces(ids, room))
                    if self._predicts(piece, before)
                ]
                self._count(ids, rows, len(before) + len(after))
                found.append([replace(row, part=n) for n, row in enumerate(rows)])
        if not training and self.masked:
            return [
                [self.hidden(row, "example", e.id) for row in rows]
                for e, rows in zip(examples, found, strict=True)
            ]
        return found

    def _predicts(self, piece: Sequence[int], before: Sequence[int]) -> bool:
        """Whether a row has anything to predict."""
        if self.masked:
            return not np.isin(piece, self.special).all()
        return len(before) + len(piece) > 1

    def _count(self, ids: Sequence[int], rows: Sequence[Row], framed: int) -> None:
        kept = sum(len(row.tokens) - framed for row in rows)
        self.cuts["inputs"] += 1
        self.cuts["tokens"] += len(ids)
        self.cuts["inputs_cut"] += kept < len(ids)
        self.cuts["tokens_cut"] += len(ids) - kept

    def hidden(self, row: Row, *purpose: object) -> Row:
        """A row with tokens masked, and what was there as its gold; equal for equal purposes.

        A decoder's row comes back as it is.
        """
        if not self.masked:
            return row
        tokens = row.tokens.astype(np.int64)
        words = np.flatnonzero(~np.isin(tokens, self.special))
        order, kind, piece = _uniform(len(words), *purpose, row.part)
        count = max(1, round(self.share * len(words)))
        chosen = np.argsort(order, kind="stable")[:count]
        places = words[chosen]
        gold = np.full(len(tokens), NOTHING, dtype=np.int64)
        gold[places] = tokens[places]
        random = self.pieces[(piece[chosen] * len(self.pieces)).astype(np.int64)]
        mask = np.full(count, self.tokenizer.mask_token_id, dtype=np.int64)
        draw = kind[chosen]
        tokens[places] = np.where(draw < 0.8, mask, np.where(draw < 0.9, random, tokens[places]))
        return replace(row, tokens=tokens.astype(np.int32), gold=gold)

    def loss(self, model: Model, batch: Batch) -> tuple[Tensor, float]:
        states, golds, _ = self._predicted(model, batch)
        most = max(1, SCORES // int(model.backbone.get_input_embeddings().num_embeddings))
        if len(golds) <= most:
            return F.cross_entropy(model.scores(states).float(), golds, reduction="sum"), len(golds)

        def part(some: Tensor, gold: Tensor) -> Tensor:
            return F.cross_entropy(model.scores(some).float(), gold, reduction="sum")

        parts = [
            checkpoint(part, some, gold, use_reentrant=False)
            for some, gold in zip(states.split(most), golds.split(most), strict=True)
        ]
        return torch.stack(parts).sum(), float(len(golds))

    def _predicted(self, model: Model, batch: Batch) -> tuple[Tensor, Tensor, Tensor]:
        """States [N, D] of what is predicted, their gold [N], and which tokens these are [B, T]."""
        states = model.states(batch)  # [B, T, D]
        if not self.masked:
            wanted = batch.attention_mask[:, 1:] == 1  # [B, T - 1]
            return states[:, :-1][wanted], batch.input_ids[:, 1:][wanted], wanted
        width = batch.input_ids.shape[1]
        gold = np.full((len(batch.rows), width), NOTHING, dtype=np.int64)
        for i, row in enumerate(batch.rows):
            gold[i, : len(row.gold)] = row.gold
        golds = torch.from_numpy(gold).to(states.device)  # [B, T]
        wanted = golds != NOTHING
        return states[wanted], golds[wanted], wanted

    def outputs(self, model: Model, batch: Batch) -> list[Any]:
        """(nats, predicted tokens) of each row."""
        if model.untrained:
            raise ModelError(
                "expected a language model whose output layer was trained, found one that its"
                " checkpoint does not ship; train it with `mlm` first."
            )
        states, golds, wanted = self._predicted(model, batch)
        most = max(1, SCORES // int(model.backbone.get_input_embeddings().num_embeddings))
        losses = [
            F.cross_entropy(model.scores(some).float(), gold, reduction="none")
            for some, gold in zip(states.split(most), golds.split(most), strict=True)
        ]
        counts = wanted.sum(dim=1).tolist()
        ends = np.cumsum([0, *counts])
        paid = torch.cat(losses).double().cpu().numpy()
        parts = np.split(paid, ends[1:-1])
        return [(float(part.sum()), len(part)) for part in parts]

    def decode(
        self,
        examples: Sequence[LineExample],
        outputs: Sequence[Sequence[tuple[Row, Any]]],
    ) -> list[LossPrediction]:
        return [
            LossPrediction(
                id=example.id,
                loss=round(sum(paid for _, (paid, _) in kept), 6),
                tokens=int(sum(count for _, (_, count) in kept)),
            )
            for example, kept in zip(examples, outputs, strict=True)
        ]


def _pieces(ids: Sequence[int], room: int) -> list[Sequence[int]]:
    return [ids[i : i + room] for i in range(0, len(ids), room)]


def _uniform(count: int, *purpose: object) -> NDArray[np.float64]:
    """Uniform numbers in [0, 1), [3, count]."""
    words = random_words(3 * count, 0, "mask", *purpose)
    uniform: NDArray[np.float64] = (words >> np.uint64(11)).astype(np.float64) * 2.0**-53
    return uniform.reshape(3, count)
