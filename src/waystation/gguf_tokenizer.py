"""The tokenizer of a GGUF file, from its metadata, as `tokenizers` reads it.

The metadata hold pieces, their kinds, merges and special tokens, but of how text is cut into
words no more than a name. `TOKENIZERS` knows what the name means in the publishers' own
tokenizers: SmolLM2 takes digits one by one and Qwen2 composes characters (NFC), which conversions
from the metadata alone forget. Knows the tokenizers of the packaged models only.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from waystation.errors import ModelError

KEY: Final = "tokenizer.ggml."

NORMAL, CONTROL, USER_DEFINED, UNUSED = 1, 3, 4, 5
"""Kinds of tokens (`tokenizer.ggml.token_type`)."""

QWEN2_WORDS: Final = (  # how Qwen2's published tokenizer.json cuts text into words
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}|"
    r" ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)


def tokenizer_config(values: Mapping[str, Any], longest: int) -> dict[str, Any]:
    """tokenizer_config.json; `longest` is the model's context in tokens."""
    ids = {
        name: values.get(f"{KEY}{long}_token_id")
        for name, long in (("bos", "bos"), ("eos", "eos"), ("pad", "padding"), ("unk", "unknown"))
    }
    return {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "model_max_length": longest,
        "model_input_names": ["input_ids", "attention_mask"],
        "clean_up_tokenization_spaces": False,
        **{f"{n}_token": values[f"{KEY}tokens"][i] for n, i in ids.items() if i is not None},
    }


def tokenizer_json(values: Mapping[str, Any]) -> dict[str, Any]:
    """tokenizer.json."""
    model = (values.get(f"{KEY}model"), values.get(f"{KEY}pre"))
    if model not in TOKENIZERS:
        raise ModelError(
            "expected a GGUF file with a tokenizer of"
            f" {' or '.join(f'{a}/{b}' for a, b in TOKENIZERS)}, found {model[0]}/{model[1]};"
            " save the model with `save_pretrained` and name that folder."
        )
    shape, tokens, kinds = TOKENIZERS[model], values[f"{KEY}tokens"], values[f"{KEY}token_type"]
    from_bytes = model[0] == "llama"  # SentencePiece falls back to bytes, the others are of bytes
    merges = [merge.split(" ") for merge in values.get(f"{KEY}merges") or ()]
    if from_bytes:
        # Runs of blanks are written as blanks, but met by the model after normalisation.
        tokens = [t.replace(" ", "▁") if not t.strip(" ") else t for t in tokens]
        merges = merges_of(tokens)
    added = [
        {"id": i, "content": tokens[i], "single_word": False, "lstrip": False}
        | {"rstrip": False, "normalized": False, "special": kind == CONTROL}
        for i, kind in enumerate(kinds)
        if kind in (CONTROL, USER_DEFINED)
    ]
    used = zip(tokens, kinds, strict=True)
    return {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": added,
        "normalizer": shape["normalizer"],
        "pre_tokenizer": shape["pre_tokenizer"],
        "post_processor": _frame(values),
        "decoder": shape["decoder"],
        "model": {
            "type": "BPE",
            "dropout": None,
            "unk_token": tokens[values[f"{KEY}unknown_token_id"]] if from_bytes else None,
            "continuing_subword_prefix": None,
            "end_of_word_suffix": None,
            "fuse_unk": from_bytes,
            "byte_fallback": from_bytes,
            "ignore_merges": False,
            # Rows that only pad the embedding have names, but no text ever means them.
            "vocab": {t: i for i, (t, kind) in enumerate(used) if kind != UNUSED},
            "merges": merges,
        },
    }


def _frame(values: Mapping[str, Any]) -> dict[str, Any]:
    """The beginning token in front of a text, where the model wants one."""
    first, second = ({"Sequence": {"id": x, "type_id": 0}} for x in "AB")
    if not values.get(f"{KEY}add_bos_token"):
        return BYTE_LEVEL | {"trim_offsets": False}
    i = values[f"{KEY}bos_token_id"]
    bos = values[f"{KEY}tokens"][i]
    front = {"SpecialToken": {"id": bos, "type_id": 0}}
    return {
        "type": "TemplateProcessing",
        "single": [front, first],
        "pair": [front, first, second],
        "special_tokens": {bos: {"id": bos, "ids": [i], "tokens": [bos]}},
    }


def merges_of(tokens: list[str]) -> list[list[str]]:
    """The merges that a SentencePiece vocabulary implies, those of the first tokens first.

    Gemma's scores say nothing; the order of its tokens is the order of its merges. Of the ways
    to make one token, the one with the longest beginning comes first, as `transformers` has it.
    """
    known = set(tokens)
    found = []
    for token in tokens:
        cuts = [[token[:i], token[i:]] for i in range(len(token) - 1, 0, -1)]
        found += [[a, b] for a, b in cuts if a in known and b in known]
    return found


BYTE_LEVEL: Final[dict[str, Any]] = {
    "type": "ByteLevel",
    "add_prefix_space": False,
    "trim_offsets": True,
    "use_regex": True,
}
TOKENIZERS: Final[dict[tuple[str, str], dict[str, Any]]] = {
    ("gpt2", "smollm"): {
        "normalizer": None,
        "pre_tokenizer": {
            "type": "Sequence",
            "pretokenizers": [{"type": "Digits", "individual_digits": True}, dict(BYTE_LEVEL)],
        },
        "decoder": dict(BYTE_LEVEL),
    },
    ("gpt2", "qwen2"): {
        "normalizer": {"type": "NFC"},
        "pre_tokenizer": {
            "type": "Sequence",
            "pretokenizers": [
                {"type": "Split", "pattern": {"Regex": QWEN2_WORDS}, "behavior": "Isolated"}
                | {"invert": False},
                BYTE_LEVEL | {"use_regex": False},
            ],
        },
        "decoder": dict(BYTE_LEVEL),
    },
    ("llama", "default"): {
        "normalizer": {"type": "Replace", "pattern": {"String": " "}, "content": "▁"},
        "pre_tokenizer": {"type": "Split", "pattern": {"String": " "}}
        | {"behavior": "MergedWithPrevious", "invert": False},
        "decoder": {
            "type": "Sequence",
            "decoders": [
                {"type": "Replace", "pattern": {"String": "▁"}, "content": " "},
                {"type": "ByteFallback"},
                {"type": "Fuse"},
            ],
        },
    },
}
"""(`tokenizer.ggml.model`, `tokenizer.ggml.pre`) -> the parts that the metadata leaves out.

Read off the publishers' tokenizers as `transformers` implements them (SmolLM2:
HuggingFaceTB/SmolLM2-135M-Instruct; Qwen2: models/qwen2; Gemma: models/gemma).
"""
