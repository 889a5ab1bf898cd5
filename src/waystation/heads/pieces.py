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

    What is too long loses tokens from the longer of the two texts until it fits. An empty text
    of a decoder without special tokens becomes its end token, so that every row has a state.
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
