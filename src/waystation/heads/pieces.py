"""What several heads share: texts to word pieces in bulk, and one state per row.

Pairs go through the tokenizer's own pair template. Where that has nothing between the two texts
(decoders), a line break stands there. What does not fit is counted, never lost in silence. No
head lives here.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray

if TYPE_CHECKING:
    from torch import Tensor

    from waystation.batching import Batch
    from waystation.model import Model

CHUNK: Final = 2048
"""Texts per call of the tokenizer: enough for its threads, little enough for memory."""

Ids = NDArray[np.int32]

Cuts: TypeAlias = Counter[str]
"""What a head met while encoding: `tokens` of its inputs as they came (special tokens aside),
`tokens_cut` of them that enter no row, `inputs` (texts, pairs, sentences, questions with their
contexts) and `inputs_cut`, and of those `questions_cut`, `words_cut` (words longer than a row)
and `answers_lost` (of training examples, in no row)."""


COUNTED: Final = (
    "inputs",
    "inputs_cut",
    "tokens",
    "tokens_cut",
    "questions_cut",
    "words_cut",
    "answers_lost",
)


def lengths(cuts: Cuts, examples: int, rows: int) -> dict[str, int]:
    """What a step records of the inputs that a head has encoded."""
    return {"examples": examples, "rows": rows} | {name: cuts[name] for name in COUNTED}


def encode_texts(
    tokenizer: Any,
    texts: Sequence[tuple[str, str | None]],
    max_tokens: int,
    cuts: Cuts | None = None,
) -> list[tuple[Ids, Ids | None]]:
    """(tokens, segments) of texts and pairs of texts, special tokens included.

    What is too long loses tokens from the longer of the two texts until it fits, and is counted
    in `cuts`. An empty text of a decoder without special tokens becomes its end token, so that
    every row has a state.
    """
    end = as_ids([tokenizer.eos_token_id or tokenizer.pad_token_id or 0])
    found: list[tuple[Ids, Ids | None]] = [(np.empty(0, np.int32), None)] * len(texts)
    between = pair_separator(tokenizer)
    for paired in (False, True):
        where = [i for i, (_, pair) in enumerate(texts) if (pair is not None) == paired]
        for start in range(0, len(where), CHUNK):
            part = where[start : start + CHUNK]
            arguments: list[list[str]] = [[texts[i][0] for i in part]]
            if paired:
                arguments.append([f"{between}{texts[i][1]}" for i in part])
            encoded = tokenizer(*arguments, truncation="longest_first", max_length=max_tokens)
            segments = encoded.get("token_type_ids")
            for position, i in enumerate(part):
                types = None if segments is None else as_ids(segments[position])
                tokens = as_ids(encoded["input_ids"][position])
                types = types if types is not None and types.any() else None
                found[i] = (tokens if len(tokens) else end, types)
            if cuts is not None:
                own = tokenizer.num_special_tokens_to_add(pair=paired)
                kept = [len(ids) - own for ids in encoded["input_ids"]]
                count_cuts(tokenizer, arguments, kept, max_tokens - own, cuts)
    return found


def count_cuts(
    tokenizer: Any, texts: Sequence[Sequence[str]], kept: Sequence[int], room: int, cuts: Cuts
) -> None:
    """Add what inputs lost: `texts` holds one list per part, `kept` the tokens left of each."""
    cuts["inputs"] += len(kept)
    cuts["tokens"] += sum(kept)
    # Only what fills its row can have been longer.
    full = [i for i, count in enumerate(kept) if count >= room]
    if not full:
        return
    lengths = [0] * len(full)
    for part in texts:
        encoded = tokenizer([part[i] for i in full], add_special_tokens=False, verbose=False)[
            "input_ids"
        ]
        lengths = [a + len(ids) for a, ids in zip(lengths, encoded, strict=True)]
    lost = [max(0, length - kept[i]) for i, length in zip(full, lengths, strict=True)]
    cuts["tokens"] += sum(lost)
    cuts["tokens_cut"] += sum(lost)
    cuts["inputs_cut"] += sum(1 for count in lost if count)


class WordPieces:
    """The pieces of words encoded one by one, so that equal words have equal pieces.

    A word may have none: what stands for it is the head's business.
    """

    def __init__(self, tokenizer: Any) -> None:
        self.tokenizer = tokenizer
        self.space = space_before_words(tokenizer)
        self.known: dict[str, list[int]] = {}

    def learn(self, words: Iterable[str]) -> list[str]:
        """Encode the words that are new, and return them in their order."""
        fresh = [word for word in dict.fromkeys(words) if word not in self.known]
        for start in range(0, len(fresh), CHUNK):
            part = fresh[start : start + CHUNK]
            texts = [self.space + word for word in part]
            encoded = self.tokenizer(texts, add_special_tokens=False)["input_ids"]
            for word, ids in zip(part, encoded, strict=True):
                self.known[word] = list(ids)
        return fresh

    def unknown(self) -> int:
        """What stands for a word that has no piece of its own (a zero-width space, say)."""
        unknown = self.tokenizer.unk_token_id
        if unknown is None:
            unknown = self.tokenizer("?", add_special_tokens=False)["input_ids"][0]
        return int(unknown)


def space_before_words(tokenizer: Any) -> str:
    """A space where the tokenizer sees a word inside a text as other pieces than alone."""

    def ids(text: str) -> list[int]:
        return list(tokenizer(text, add_special_tokens=False)["input_ids"])

    return "" if ids("a b") == ids("a") + ids("b") else " "


def as_ids(tokens: Sequence[int]) -> Ids:
    """Token ids in the one form that rows keep."""
    return np.asarray(tokens, dtype=np.int32)


def pair_separator(tokenizer: Any) -> str:
    """What stands before the second text where the tokenizer's pair template adds nothing."""
    alone = tokenizer.num_special_tokens_to_add(pair=False)
    return "" if tokenizer.num_special_tokens_to_add(pair=True) > alone else "\n"


def frame(tokenizer: Any) -> tuple[list[int], list[int]]:
    """The special tokens that the tokenizer puts before and after a single text."""
    bare = list(tokenizer("a", add_special_tokens=False)["input_ids"])
    whole = list(tokenizer("a")["input_ids"])
    for start in range(len(whole) - len(bare) + 1):
        if whole[start : start + len(bare)] == bare:
            return whole[:start], whole[start + len(bare) :]
    return [], []


def pair_frame(tokenizer: Any) -> tuple[tuple[list[int], list[int]], ...]:
    """(tokens, segments) before, between and after the texts of a pair, segments one per token.

    A fourth and a fifth entry hold the segment of the first and of the second text's tokens.
    """
    one, two = (list(tokenizer(t, add_special_tokens=False)["input_ids"]) for t in ("a", "b"))
    between = pair_separator(tokenizer)
    encoded = tokenizer("a", f"{between}b")
    whole = list(encoded["input_ids"])
    segments = list(encoded.get("token_type_ids") or [0] * len(whole))
    first = next(i for i in range(len(whole)) if whole[i : i + len(one)] == one)
    inner = first + len(one)
    second = next(i for i in range(len(whole), inner, -1) if whole[i - len(two) : i] == two)
    parts = ((0, first), (inner, second - len(two)), (second, len(whole)))
    framed = [(whole[start:end], segments[start:end]) for start, end in parts]
    framed += [([], [segments[first]]), ([], [segments[second - 1]])]
    return tuple(framed)


def pooled(model: Model, batch: Batch) -> Tensor:
    """One state per row, [B, D]: the first token's of an encoder, else the last token's.

    Only in an encoder does the first token see the others; elsewhere the last one does (in an
    encoder-decoder it is the end-of-text token of the encoder).
    """
    states = model.states(batch)  # [B, T, D]
    if model.architecture == "encoder":
        return states[:, 0]
    last = batch.attention_mask.sum(dim=1) - 1  # [B]
    return states[range(len(last)), last]


POOLINGS: Final = ("mean", "cls", "words")


def pooled_by(pooling: str, model: Model, states: Tensor, batch: Batch) -> Tensor:
    """One vector per row under one of POOLINGS, [B, D], in float32; cls is the first token's."""
    if pooling == "cls":
        return states[:, 0].float()  # [B, D]
    return {"mean": mean_states, "words": word_states}[pooling](model, states, batch)


def mean_states(model: Model, states: Tensor, batch: Batch) -> Tensor:
    """The mean state of each row's tokens, [B, D], in float32 whatever the autocast.

    A decoder's first token counts only where it is alone. It sees no other token, and trained
    decoders use it as a sink for attention (Xiao et al. 2023, arXiv 2309.17453) whose state is a
    hundred times longer than those of words (Sun et al. 2024, arXiv 2402.17762): the mean would
    be that state and nothing else.
    """
    mask = batch.attention_mask.float()  # [B, T]
    if model.architecture == "decoder":
        mask[:, 0] = (mask.sum(dim=1) == 1).float()
    # bf16 sums of many tokens lose digits.
    return (states.float() * mask[:, :, None]).sum(dim=1) / mask.sum(dim=1, keepdim=True)


def word_states(model: Model, states: Tensor, batch: Batch) -> Tensor:
    """The mean state of each row's tokens but special ones, [B, D], in float32.

    A row of special tokens only (an empty text) has the mean of them all.
    """
    special = np.asarray(model.tokenizer.all_special_ids)
    mask = np.zeros(tuple(batch.attention_mask.shape), dtype=np.float32)  # [B, T]
    for i, row in enumerate(batch.rows):
        words = ~np.isin(row.tokens, special)
        if model.architecture == "decoder" and len(words) > 1:
            words[0] = False  # as in `mean_states`
        mask[i, : len(words)] = words if words.any() else 1.0
    weights = torch.from_numpy(mask).to(states.device)
    return (states.float() * weights[:, :, None]).sum(dim=1) / weights.sum(dim=1, keepdim=True)
