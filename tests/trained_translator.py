"""A small translator of the pocket world, trained from nothing: a Marian of one layer.

Words are the tokens, so that one core learns it in minutes. It is trained on questions, sentences
and answers of `pocket-qa` and on pairs of `pocket-nli`, in English and another language of the same
world, one text in ten with brackets around a phrase; examples below `FIRST` are never seen,
nor are those of the test split, whose world has other words.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers, processors
from transformers import MarianConfig, MarianMTModel, PreTrainedTokenizerFast
from transformers.utils import logging

from waystation.pocket.tasks import examples

FIRST = 1000
PEAK = 3e-3
SPECIALS = ("<s>", "<pad>", "</s>", "<unk>")
Pair = tuple[str, str]


def pairs(language: str, split: str, indices: range) -> Iterator[Pair]:
    """(English, translation) of what the pocket world says."""
    both = [list(examples("pocket-qa", tag, split, indices)) for tag in ("en", language)]
    for english, other in zip(*both, strict=True):
        yield english.question, other.question
        answers = english.answers[0], other.answers[0]
        yield answers[0].text, answers[1].text
        parts = [re.split(r"(?<=[.])\s", e.context) for e in (english, other)]
        yield from zip(*parts, strict=True)
        held = [_sentence(e) for e in (english, other)]
        yield tuple(f"{t[:a]}[{t[a:b]}]{t[b:]}" for t, a, b in held)  # type: ignore[misc]
    both = [list(examples("pocket-nli", tag, split, indices)) for tag in ("en", language)]
    for english, other in zip(*both, strict=True):
        yield english.text, other.text
        yield english.pair, other.pair


def _sentence(example: Any) -> tuple[str, int, int]:
    """The sentence with the answer, and where in it the answer is."""
    (answer,) = example.answers
    start = example.context.rfind(". ", 0, answer.start)
    start = start + 2 if start >= 0 else 0
    end = example.context.find(". ", answer.start)
    end = end + 1 if end >= 0 else len(example.context)
    at = answer.start - start
    return example.context[start:end], at, at + len(answer.text)


def tokenizer_of(texts: list[Pair]) -> Tokenizer:
    """Words and punctuation; `▁` begins what a space stands before."""
    tokenizer = Tokenizer(models.WordLevel({}, unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Metaspace(), pre_tokenizers.Punctuation()]
    )
    tokenizer.decoder = decoders.Metaspace()
    split = tokenizer.pre_tokenizer.pre_tokenize_str
    words = dict.fromkeys(w for pair in texts for text in pair for w, _ in split(text))
    names = [*SPECIALS, *sorted(words)]
    tokenizer.model = models.WordLevel({n: i for i, n in enumerate(names)}, unk_token="<unk>")
    tokenizer.add_special_tokens([AddedToken(name, special=True) for name in SPECIALS])
    tokenizer.post_processor = processors.TemplateProcessing(
        single="$A </s>", special_tokens=[("</s>", 2)]
    )
    return tokenizer


def train(folder: Path, language: str, steps: int, count: int = 3000) -> Path:
    """Train the translator and save it as `transformers` does."""
    texts = list(pairs(language, "train", range(FIRST, FIRST + count)))
    texts += pairs(language, "dev", range(FIRST, FIRST + count // 3))
    tokenizer = tokenizer_of(texts)
    torch.manual_seed(0)
    model = MarianMTModel(
        MarianConfig(
            vocab_size=tokenizer.get_vocab_size(),
            d_model=64,
            encoder_layers=1,
            decoder_layers=1,
            encoder_attention_heads=4,
            decoder_attention_heads=4,
            encoder_ffn_dim=128,
            decoder_ffn_dim=128,
            max_position_embeddings=128,
            dropout=0.0,
            attention_dropout=0.0,
            scale_embedding=True,
            pad_token_id=1,
            eos_token_id=2,
            decoder_start_token_id=1,
            forced_eos_token_id=None,
        )
    )
    fit(model, tokenizer, texts, steps)
    logging.disable_progress_bar()
    model.save_pretrained(folder)
    PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        pad_token="<pad>",
        eos_token="</s>",
        unk_token="<unk>",
        source_lang="en",
        target_lang=language,
    ).save_pretrained(folder)
    return folder


def fit(model: Any, tokenizer: Tokenizer, texts: list[Pair], steps: int) -> None:
    """AdamW, a short warm-up, a linear end; batches of 32 pairs of like length."""
    rows = [tuple(tokenizer.encode(t).ids for t in pair) for pair in texts]
    order = sorted(range(len(rows)), key=lambda i: (len(rows[i][0]), i))
    batches = [order[i : i + 32] for i in range(0, len(order), 32)]
    draws = np.random.Philox(key=1).random_raw(steps) % np.uint64(len(batches))
    optimiser = torch.optim.AdamW(model.parameters(), lr=PEAK, betas=(0.9, 0.98))
    model.train()
    for step, which in enumerate(draws.tolist()):
        rate = min((step + 1) / 100, 1.0) * min(1.0, 2 * (1 - step / steps))
        optimiser.param_groups[0]["lr"] = PEAK * rate
        source, target = (
            torch.nn.utils.rnn.pad_sequence(
                [torch.tensor(rows[i][side]) for i in batches[which]], True, fill
            )
            for side, fill in ((0, 1), (1, -100))
        )
        loss = model(input_ids=source, attention_mask=(source != 1).long(), labels=target).loss
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimiser.step()
        optimiser.zero_grad()
        if step % 100 == 0:
            print(step, round(float(loss.detach()), 4), flush=True)
    model.eval()
