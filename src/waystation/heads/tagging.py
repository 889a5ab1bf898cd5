"""Tagging: one label per word, predicted at one of the word's pieces.

The piece is the word's first, as in the XTREME scripts (`third_party/utils_tag.py`), or with the
option first_piece=non-empty the first that is more than a bare word mark: XLM-R's tokenizer puts
a piece `▁` that carries no meaning before most Chinese words. Words are encoded one by one, so
that equal words have equal pieces. A sentence that is too long is split into windows that share
up to `stride` tokens; each word is predicted once, in the window where it has most context. Only
a single word longer than a whole window loses pieces, at its end.

With the option windows=official sentences are split as the XTREME scripts split them
(google-research/xtreme@838c13b, utils_preprocess.py and third_party/utils_tag.py): windows share
nothing, a word longer than one is the unknown token, and a tokenizer of RoBERTa's kind, which
puts two separators between texts, puts both at the end.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from waystation.errors import UserError, some
from waystation.examples import HeadSpec, TaggingExample, TagsPrediction
from waystation.heads import Row
from waystation.heads.pieces import Cuts, WordPieces, as_ids, frame

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
        self.cuts: Cuts = Cuts()
        self.official = spec.option("windows", "shared") == "official"
        self.before, self.after = frame(tokenizer)
        # A pair of RoBERTa's kind has four special tokens, a single text two.
        if self.official and tokenizer.num_special_tokens_to_add(pair=True) == 4:
            self.after = self.after * 2
        self.room = max(1, max_tokens - len(self.before) - len(self.after))
        self.stride = 0 if self.official else min(stride, self.room // 2)
        self.positions = {label: i for i, label in enumerate(spec.labels)}
        self.words = WordPieces(tokenizer)
        self.pieces: dict[str, tuple[list[int], int]] = {}

    def module(self, hidden_size: int, dropout: float) -> nn.Module:
        return nn.Sequential(nn.Dropout(dropout), nn.Linear(hidden_size, len(self.spec.labels)))

    def encode(self, examples: Sequence[TaggingExample], training: bool) -> list[list[Row]]:
        self._learn({word: None for example in examples for word in example.words})
        found = []
        for index, example in enumerate(examples):
            golds = self._golds(example) if training else []
            lengths = [len(self.pieces[word][0]) for word in example.words]
            self._count(example.words)
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
        for word in self.words.learn(words):
            pieces = self.words.known[word] or [self.words.unknown()]
            if len(pieces) > self.room:
                pieces = [self.words.unknown()] if self.official else pieces[: self.room]
            self.pieces[word] = (pieces, self._labelled(pieces))

    def _count(self, words: Sequence[str]) -> None:
        """Add a sentence to what was cut: pieces of words that are longer than a window."""
        whole = [max(1, len(self.words.known[word])) for word in words]
        long = [count for count in whole if count > self.room]
        kept = 0 if self.official else self.room
        self.cuts["inputs"] += 1
        self.cuts["tokens"] += sum(whole)
        if long:
            self.cuts["inputs_cut"] += 1
            self.cuts["words_cut"] += len(long)
            self.cuts["tokens_cut"] += sum(long) - kept * len(long)

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
                    f"expected one of the tags {some(self.spec.labels, 24)} to train on, found"
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
