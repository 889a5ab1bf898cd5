"""Tagging: one label per word, predicted at one of the word's pieces.

The piece is the word's first, as in the XTREME scripts (`third_party/utils_tag.py`), or with the
option first_piece=non-empty the first that is more than a bare word mark: XLM-R's tokenizer puts
a piece `▁` that carries no meaning before most Chinese words. Words are encoded one by one, so
that equal words have equal pieces. A sentence that is too long is split into windows that share
up to `stride` tokens; each word is predicted once, in the window where it has most context. Only
a single word longer than a whole window loses pieces, at its end.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from waystation.errors import UserError
from waystation.examples import HeadSpec, TaggingExample, TagsPrediction
from waystation.heads import Row
from waystation.heads.pieces import CHUNK, as_ids, frame

if TYPE_CHECKING:
    from torch import Tensor

    from waystation.batching import Batch
    from waystation.model import Model

IGNORED = -100
"""The label of a token that has none (torch's own default for cross-entropy)."""


def build(spec: HeadSpec, tokenizer: Any, max_tokens: int, stride: int) -> Tagging:
    """The head of a spec of kind tagging."""
    return Tagging(spec, tokenizer, max_tokens, stride)


class Tagging:
    """See the module's docstring."""

    def __init__(self, spec: HeadSpec, tokenizer: Any, max_tokens: int, stride: int) -> None:
        self.spec, self.tokenizer = spec, tokenizer
        self.before, self.after = frame(tokenizer)
        self.room = max(1, max_tokens - len(self.before) - len(self.after))
        self.stride = min(stride, self.room // 2)
        self.positions = {label: i for i, label in enumerate(spec.labels)}
        self.space = _space(tokenizer)
        self.pieces: dict[str, tuple[list[int], int]] = {}

    def module(self, hidden_size: int, dropout: float) -> nn.Module:
        return nn.Sequential(nn.Dropout(dropout), nn.Linear(hidden_size, len(self.spec.labels)))

    def encode(self, examples: Sequence[TaggingExample], training: bool) -> list[list[Row]]:
        self._learn({word: None for example in examples for word in example.words})
        found = []
        for index, example in enumerate(examples):
            golds = self._golds(example) if training else []
            lengths = [len(self.pieces[word][0]) for word in example.words]
            rows = []
            for part, window in enumerate(windows(lengths, self.room, self.stride)):
                first, last, owned = window
                tokens, places = list(self.before), []
                for word in range(first, last):
                    pieces, labelled = self.pieces[example.words[word]]
                    if word in owned:
                        places.append(len(tokens) + labelled)
                    tokens += pieces
                tokens += self.after
                gold = None
                if training:
                    gold = np.full(len(tokens), IGNORED, dtype=np.int64)
                    gold[places] = [golds[word] for word in owned]
                rows.append(
                    Row(
                        example=index,
                        part=part,
                        tokens=as_ids(tokens),
                        gold=gold,
                        meta=(owned, as_ids(places)),
                    )
                )
            found.append(rows)
        return found

    def _learn(self, words: dict[str, None]) -> None:
        """Encode the words that are new; remember their pieces and which one is labelled."""
        fresh = [word for word in words if word not in self.pieces]
        for start in range(0, len(fresh), CHUNK):
            part = fresh[start : start + CHUNK]
            texts = [self.space + word for word in part]
            encoded = self.tokenizer(texts, add_special_tokens=False)["input_ids"]
            for word, ids in zip(part, encoded, strict=True):
                pieces = list(ids[: self.room]) or [self.unknown()]
                self.pieces[word] = (pieces, self._labelled(pieces))

    def unknown(self) -> int:
        """What stands for a word that has no piece of its own (a zero-width space, say)."""
        unknown = self.tokenizer.unk_token_id
        if unknown is None:
            unknown = self.tokenizer("?", add_special_tokens=False)["input_ids"][0]
        return int(unknown)

    def _labelled(self, pieces: list[int]) -> int:
        if self.spec.option("first_piece", "first") == "non-empty":
            for place, name in enumerate(self.tokenizer.convert_ids_to_tokens(pieces)):
                if name.strip("▁ĠĊ "):
                    return place
        return 0

    def _golds(self, example: TaggingExample) -> list[int]:
        if example.tags is None or len(example.tags) != len(example.words):
            found = "none" if example.tags is None else str(len(example.tags))
            raise UserError(
                f"expected one tag for each of {len(example.words)} words to train on, found"
                f" {found} in example '{example.id}'; correct the data."
            )
        for tag in example.tags:
            if tag not in self.positions:
                raise UserError(
                    f"expected one of the tags {', '.join(self.spec.labels)} to train on, found"
                    f" {tag!r} in example '{example.id}'; correct the data or the task's labels."
                )
        return [self.positions[tag] for tag in example.tags]

    def loss(self, model: Model, batch: Batch) -> tuple[Tensor, float]:
        golds = np.full(tuple(batch.input_ids.shape), IGNORED, dtype=np.int64)
        for i, row in enumerate(batch.rows):
            golds[i, : len(row.gold)] = row.gold
        labels = torch.from_numpy(golds).to(batch.input_ids.device)
        labelled = labels != IGNORED
        states = model.states(batch)[labelled]  # [N, D]: only the labelled tokens
        logits = model.heads[self.spec.name](states).float()  # [N, L]
        loss = F.cross_entropy(logits, labels[labelled], reduction="sum")
        return loss, float(np.sum(golds != IGNORED))

    def outputs(self, model: Model, batch: Batch) -> list[Any]:
        logits = model.heads[self.spec.name](model.states(batch)).float()  # [B, T, L]
        labels = logits.argmax(dim=2).cpu().numpy()  # [B, T]
        return [labels[i, row.meta[1]] for i, row in enumerate(batch.rows)]

    def decode(
        self,
        examples: Sequence[TaggingExample],
        outputs: Sequence[Sequence[tuple[Row, Any]]],
    ) -> list[TagsPrediction]:
        found = []
        for example, kept in zip(examples, outputs, strict=True):
            tags = [""] * len(example.words)
            for row, labels in kept:
                for word, label in zip(row.meta[0], labels, strict=True):
                    tags[word] = self.spec.labels[label]
            found.append(TagsPrediction(id=example.id, tags=tuple(tags)))
        return found


def _space(tokenizer: Any) -> str:
    """A space where the tokenizer sees a word inside a text as other pieces than alone."""

    def ids(text: str) -> list[int]:
        return list(tokenizer(text, add_special_tokens=False)["input_ids"])

    return "" if ids("a b") == ids("a") + ids("b") else " "


def windows(lengths: Sequence[int], room: int, stride: int) -> Iterator[tuple[int, int, range]]:
    """(first word, word after the last, words predicted here) for each window of a sentence.

    A window holds at most `room` pieces and shares at most `stride` with the one before; a word
    that two windows share belongs to the one in which it lies farther from the shared edge.
    """
    edges: list[tuple[int, int]] = []
    first = 0
    while first < len(lengths):
        last, used = first, 0
        while last < len(lengths) and used + lengths[last] <= room:
            used += lengths[last]
            last += 1
        edges.append((first, last))
        if last == len(lengths):
            break
        start, shared = last, 0
        while start - 1 > first and shared + lengths[start - 1] <= stride:
            start -= 1
            shared += lengths[start]
        # A start that leaves no room for a new word would never end.
        while sum(lengths[start : last + 1]) > room:
            start += 1
        first = start
    begin = 0
    for number, (first, last) in enumerate(edges):
        end = last if number + 1 == len(edges) else (edges[number + 1][0] + last + 1) // 2
        yield first, last, range(begin, end)
        begin = end
