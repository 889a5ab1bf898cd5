"""A translation model with weights set by hand: word by word, in order, always the same.

A BART of one layer. Every state is a one-hot word beside a one-hot position; cross-attention looks
at the source word of the decoder's own position and adds its translation. Layer norms only shift
and scale, since all states they see have as many ones. Words are told apart by spaces and
punctuation. Real `transformers` files, so everything but the quality of translation is tested.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from tokenizers import AddedToken, Tokenizer, models, pre_tokenizers, processors
from transformers import BartConfig, BartForConditionalGeneration, PreTrainedTokenizerFast
from transformers.utils import logging

SPECIALS = ("<s>", "<pad>", "</s>", "<unk>")
POSITIONS = 64
SHARP = 200.0
"""How much a position prefers itself."""


def tokenizer_of(words: Mapping[str, str], codes: tuple[str, ...] = ()) -> Tokenizer:
    """A word-level tokenizer of both sides' words, `codes` special."""
    names = dict.fromkeys([*SPECIALS, *codes, *words, *words.values()])
    tokenizer = Tokenizer(models.WordLevel({n: i for i, n in enumerate(names)}, unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    special = [AddedToken(name, special=True) for name in (*SPECIALS, *codes)]
    tokenizer.add_special_tokens(special)
    tokenizer.post_processor = processors.TemplateProcessing(
        single="$A </s>", special_tokens=[("</s>", 2)]
    )
    return tokenizer


def word_translator(
    folder: Path, words: Mapping[str, str], codes: tuple[str, ...] = (), **settings: Any
) -> Path:
    """Write the model that translates `words`; `settings` go to its tokenizer_config.json."""
    tokenizer = tokenizer_of(words, codes)
    size = tokenizer.get_vocab_size()
    width = size + POSITIONS + 2
    config = BartConfig(
        vocab_size=size,
        d_model=width,
        encoder_layers=1,
        decoder_layers=1,
        encoder_attention_heads=1,
        decoder_attention_heads=1,
        encoder_ffn_dim=1,
        decoder_ffn_dim=1,
        max_position_embeddings=POSITIONS,
        scale_embedding=False,
        bos_token_id=0,
        pad_token_id=1,
        eos_token_id=2,
        decoder_start_token_id=2,
        forced_eos_token_id=None,
        forced_bos_token_id=None,
    )
    model = BartForConditionalGeneration(config)
    _set(model, tokenizer, words, size)
    folder.mkdir(parents=True, exist_ok=True)
    logging.disable_progress_bar()
    model.save_pretrained(folder)
    PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        bos_token="<s>",
        pad_token="<pad>",
        eos_token="</s>",
        unk_token="<unk>",
        extra_special_tokens=list(codes),
        **settings,
    ).save_pretrained(folder)
    return folder


def _set(model: Any, tokenizer: Tokenizer, words: Mapping[str, str], size: int) -> None:
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            parameter.fill_(1.0 if "layer" in name and "norm.weight" in name else 0.0)
        for name, parameter in model.named_parameters():
            if "layernorm_embedding.weight" in name:
                parameter.fill_(1.0)
        shared = model.model.shared.weight
        shared[:, :size] = torch.eye(size)
        for side in (model.model.encoder, model.model.decoder):
            table = side.embed_positions.weight  # two rows are kept for the padding index
            table[:, size : size + len(table)] = torch.eye(len(table))
        look = model.model.decoder.layers[0].encoder_attn
        for projection in (look.q_proj, look.k_proj):
            for place in range(size, projection.weight.shape[0]):
                projection.weight[place, place] = SHARP
        for source in range(size):
            look.v_proj.weight[source, source] = 0.0
        for index, name in enumerate(_by_id(tokenizer)):
            target = tokenizer.token_to_id(words.get(name, name))
            look.v_proj.weight[target, index] = SHARP
        look.out_proj.weight.copy_(torch.eye(look.out_proj.weight.shape[0]))


def _by_id(tokenizer: Tokenizer) -> list[str]:
    return [tokenizer.id_to_token(i) or "<unk>" for i in range(tokenizer.get_vocab_size())]
