"""Tiny backbones for tests: plain `transformers` folders, built in code in well under a second.

Weights are seeded and far from zero (a fresh initialisation of std 0.02 hides mistakes behind
almost equal outputs). Tokenizers cover every Unicode text through byte pieces, carry character
offsets, and have the special tokens of the family they stand for. Nothing is downloaded, and
equal arguments give equal files. They have learned nothing: only code can be tested with them.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, pre_tokenizers, processors
from transformers import (
    BertConfig,
    BertForMaskedLM,
    LlamaConfig,
    LlamaForCausalLM,
    PreTrainedTokenizerFast,
    T5Config,
    T5ForConditionalGeneration,
    XLMRobertaConfig,
    XLMRobertaForMaskedLM,
)
from transformers.utils import logging

SPECIALS = ("<s>", "<pad>", "</s>", "<unk>", "<mask>")
_WORDS = "the a is in of to and not no for an on at he she it was who what where does lives how"
_ENDINGS = "ing ed er es ly s en e t n on an ha st"


def _pieces(vocabulary: int) -> list[tuple[str, float]]:
    """Pieces of a small SentencePiece-like vocabulary, with log probabilities."""
    letters = [chr(code) for code in range(33, 127)]
    words = [f"▁{word}" for word in _WORDS.split()] + _ENDINGS.split()
    words += [f"▁{letter}" for letter in letters if letter.isalpha()]
    bytes_ = [f"<0x{byte:02X}>" for byte in range(256)]
    pieces = [(special, 0.0) for special in SPECIALS[:4]]
    pieces += [("▁", -3.0)] + [(letter, -6.0) for letter in letters]
    pieces += [(byte, -12.0) for byte in bytes_]
    room = vocabulary - len(pieces) - 1
    assert room >= 0, f"a tiny tokenizer needs at least {len(pieces) + 1} pieces"
    pieces += [(word, -5.0) for word in dict.fromkeys(words) if word not in letters][:room]
    return pieces


def _unigram(vocabulary: int, template: tuple[str, str]) -> Tokenizer:
    tokenizer = Tokenizer(models.Unigram(_pieces(vocabulary), unk_id=3, byte_fallback=True))
    # Characters outside ASCII stand alone, so that their byte pieces carry exact offsets.
    alone = pre_tokenizers.Split(Regex(r"[^\x00-\x7f▁]"), "isolated")
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.Metaspace(), alone])
    tokenizer.decoder = decoders.Sequence([decoders.ByteFallback(), decoders.Metaspace()])
    tokenizer.add_special_tokens([AddedToken(name, special=True) for name in SPECIALS[:4]])
    tokenizer.add_special_tokens([AddedToken("<mask>", lstrip=True, special=True)])
    tokenizer.post_processor = processors.TemplateProcessing(
        single=template[0], pair=template[1], special_tokens=[("<s>", 0), ("</s>", 2)]
    )
    return tokenizer


def _byte_level() -> Tokenizer:
    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    names = [*SPECIALS[:4], *letters]
    merges = [("t", "h"), ("th", "e"), ("i", "n"), ("e", "r"), ("Ġ", "the"), ("a", "n"), ("Ġ", "a")]
    names += ["".join(merge) for merge in merges]
    vocabulary = {name: index for index, name in enumerate(names)}
    tokenizer = Tokenizer(models.BPE(vocabulary, merges))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens([AddedToken(name, special=True) for name in SPECIALS[:4]])
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A", pair="<s> $A $B:1", special_tokens=[("<s>", 0)]
    )
    return tokenizer


def _save(folder: Path, model: Any, tokenizer: Tokenizer, **specials: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    draws = torch.Generator().manual_seed(20)
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.dim() > 1:
                spread = parameter.shape[-1] ** -0.5
                parameter.copy_(torch.randn(parameter.shape, generator=draws) * spread)
            else:
                parameter.add_(torch.randn(parameter.shape, generator=draws) * 0.1)
    logging.disable_progress_bar()
    model.save_pretrained(folder)
    PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, model_max_length=512, **specials
    ).save_pretrained(folder)
    return folder


def tiny_encoder(
    folder: Path, vocabulary: int = 400, hidden: int = 16, model_type: str = "bert"
) -> Path:
    """A 2-layer encoder with an MLM head and an XLM-R-like tokenizer.

    `model_type` "bert" has two token types and positions from 0, "xlm-roberta" has one token
    type and positions that follow the padding index.
    """
    sizes = {
        "vocab_size": vocabulary,
        "hidden_size": hidden,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "intermediate_size": 2 * hidden,
        "max_position_embeddings": 514,
        "bos_token_id": 0,
        "pad_token_id": 1,
        "eos_token_id": 2,
    }
    model: Any
    if model_type == "bert":
        model = BertForMaskedLM(BertConfig(**sizes, type_vocab_size=2))
    else:
        model = XLMRobertaForMaskedLM(XLMRobertaConfig(**sizes, type_vocab_size=1))
    tokenizer = _unigram(vocabulary, ("<s> $A </s>", "<s> $A </s> </s> $B </s>"))
    return _save(
        folder,
        model,
        tokenizer,
        bos_token="<s>",
        cls_token="<s>",
        eos_token="</s>",
        sep_token="</s>",
        unk_token="<unk>",
        pad_token="<pad>",
        mask_token="<mask>",
    )


def tiny_decoder(
    folder: Path, vocabulary: int = 400, hidden: int = 16, pad_token: bool = True
) -> Path:
    """A 2-layer Llama with a byte-level tokenizer (267 pieces; the other rows never occur)."""
    config = LlamaConfig(
        vocab_size=vocabulary,
        hidden_size=hidden,
        num_hidden_layers=2,
        num_attention_heads=2,
        num_key_value_heads=1,
        intermediate_size=2 * hidden,
        max_position_embeddings=512,
        bos_token_id=0,
        eos_token_id=2,
        pad_token_id=1 if pad_token else None,
        tie_word_embeddings=True,
    )
    specials = {"bos_token": "<s>", "eos_token": "</s>", "unk_token": "<unk>"}
    if pad_token:
        specials["pad_token"] = "<pad>"
    return _save(folder, LlamaForCausalLM(config), _byte_level(), **specials)


def tiny_seq2seq(folder: Path, vocabulary: int = 400, hidden: int = 16) -> Path:
    """A T5 of 2 + 2 layers; `</s>` ends every input."""
    config = T5Config(
        vocab_size=vocabulary,
        d_model=hidden,
        d_kv=hidden // 2,
        d_ff=2 * hidden,
        num_layers=2,
        num_heads=2,
        pad_token_id=1,
        eos_token_id=2,
        decoder_start_token_id=1,
    )
    tokenizer = _unigram(vocabulary, ("$A </s>", "$A </s> $B </s>"))
    return _save(
        folder,
        T5ForConditionalGeneration(config),
        tokenizer,
        eos_token="</s>",
        unk_token="<unk>",
        pad_token="<pad>",
    )
