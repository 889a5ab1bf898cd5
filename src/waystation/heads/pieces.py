"""What several heads share: texts to word pieces in bulk, and one state per row.

Pairs go through the tokenizer's own pair template. Where that has nothing between the two texts
(decoders), a line break stands there. No head lives here.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from torch import Tensor

    from waystation.batching import Batch
    from waystation.model import Model

CHUNK: Final = 2048
"""Texts per call of the tokenizer: enough for its threads, little enough for memory."""

Ids = NDArray[np.int32]


def encode_texts(
    tokenizer: Any, texts: Sequence[tuple[str, str | None]], max_tokens: int
) -> list[tuple[Ids, Ids | None]]:
    """(tokens, segments) of texts and pairs of texts, special tokens included.

    What is too long loses tokens from the longer of the two texts until it fits.
    """
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
                found[i] = (tokens, types if types is not None and types.any() else None)
    return found


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
