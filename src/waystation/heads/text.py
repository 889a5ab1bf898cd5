"""Text to text: language-model loss on the completion, greedy generation.

The prompt and the completion are encoded apart, so that what is generated continues exactly what
was trained on; the end token closes a completion. A prompt that is too long loses its beginning,
a training example whose completion alone is too long is dropped. Option max_new_tokens (default
64) bounds generation. Option chat="yes" puts the prompt into the model's own chat template as the
user's turn (models tuned on chats often fail on bare prompts); the template stays whole where a
long prompt is cut. Needs a backbone loaded with its output embedding; keeps no parameters of its
own. Does not sample.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import torch
from torch import nn
from torch.nn import functional as F
from transformers import GenerationConfig

from waystation.batching import collate
from waystation.errors import ModelError, UserError
from waystation.examples import HeadSpec, TextExample, TextPrediction
from waystation.heads import Row
from waystation.heads.pieces import CHUNK, Cuts, as_ids

if TYPE_CHECKING:
    from torch import Tensor

    from waystation.batching import Batch
    from waystation.model import Model


def build(spec: HeadSpec, tokenizer: Any, max_tokens: int, stride: int) -> Text:
    """The head of a spec of kind text; `stride` is not used."""
    return Text(spec, tokenizer, max_tokens)


class Text:
    """See the module's docstring."""

    def __init__(self, spec: HeadSpec, tokenizer: Any, max_tokens: int) -> None:
        self.spec, self.tokenizer, self.max_tokens = spec, tokenizer, max_tokens
        self.cuts: Cuts = Cuts()
        self.max_new_tokens = int(spec.option("max_new_tokens", "64"))
        self.chat = _chosen(spec, tokenizer)
        # Tokens of the template before the user's text, 0 without a template.
        self.opening = 0
        if self.chat:
            one, other = self._prompts(["a", "b"])
            differ = [a != b for a, b in zip(one, other, strict=False)]
            self.opening = differ.index(True)

    def module(self, hidden_size: int, dropout: float) -> nn.Module:
        return nn.Identity()

    def encode(self, examples: Sequence[TextExample], training: bool) -> list[list[Row]]:
        prompts = self._prompts([e.prompt for e in examples])
        if not training:
            return [
                [Row(example=i, part=0, tokens=as_ids(self._cut(prompt, 0)))]
                for i, prompt in enumerate(prompts)
            ]
        for example in examples:
            if example.completion is None:
                raise UserError(
                    "expected a completion to train on, found none in example"
                    f" '{example.id}'; train on a split whose gold is published."
                )
        completions = self._ids([e.completion or "" for e in examples], special=False)
        found: list[list[Row]] = []
        for i, (prompt, completion) in enumerate(zip(prompts, completions, strict=True)):
            gold = [*completion, int(self.tokenizer.eos_token_id)]
            # At least one token of the prompt has to stay to predict from.
            if len(gold) >= self.max_tokens:
                self.cuts["answers_lost"] += 1
                found.append([])
                continue
            kept = self._cut(prompt, len(gold))
            row = Row(example=i, part=0, tokens=as_ids([*kept, *gold]), gold=len(kept))
            found.append([row])
        return found

    def _prompts(self, texts: list[str]) -> list[list[int]]:
        if not self.chat:
            return self._ids(texts, special=True)
        turns = [[{"role": "user", "content": text}] for text in texts]
        rendered = [
            self.tokenizer.apply_chat_template(turn, tokenize=False, add_generation_prompt=True)
            for turn in turns
        ]
        return self._ids(rendered, special=False)  # the template writes special tokens itself

    def _ids(self, texts: list[str], special: bool) -> list[list[int]]:
        found: list[list[int]] = []
        for start in range(0, len(texts), CHUNK):
            part = texts[start : start + CHUNK]
            found += self.tokenizer(part, add_special_tokens=special, verbose=False)["input_ids"]
        return found

    def _cut(self, prompt: list[int], reserved: int) -> list[int]:
        """The end of a prompt, leaving room for `reserved` tokens; never empty."""
        room = max(1, self.max_tokens - reserved)
        self.cuts["inputs"] += 1
        self.cuts["tokens"] += len(prompt)
        self.cuts["inputs_cut"] += len(prompt) > room
        self.cuts["tokens_cut"] += max(0, len(prompt) - room)
        if len(prompt) > room > self.opening:
            return prompt[: self.opening] + prompt[len(prompt) - room + self.opening :]
        return prompt[-room:] or [int(self.tokenizer.eos_token_id)]

    def loss(self, model: Model, batch: Batch) -> tuple[Tensor, float]:
        """`gold` of a row is where its completion begins."""
        device, pad = batch.input_ids.device, model.pad_id
        if model.architecture == "encoder-decoder":
            ends = [replace(row, tokens=row.tokens[row.gold :]) for row in batch.rows]
            completions = collate(ends, pad, device=device)
            targets = completions.input_ids
            wanted = completions.attention_mask == 1
            prompts = [replace(row, tokens=row.tokens[: row.gold]) for row in batch.rows]
            logits = model.logits(
                collate(prompts, pad, device=device),
                model.lm.prepare_decoder_input_ids_from_labels(labels=targets),
            )  # [B, T, V]
        else:
            starts = torch.tensor([[row.gold] for row in batch.rows], device=device)
            places = torch.arange(1, batch.input_ids.shape[1], device=device)
            wanted = (places >= starts) & (batch.attention_mask[:, 1:] == 1)  # [B, T - 1]
            targets = batch.input_ids[:, 1:]
            logits = model.logits(batch)[:, :-1]  # [B, T - 1, V]
        loss = F.cross_entropy(logits[wanted].float(), targets[wanted], reduction="sum")
        return loss, float(wanted.sum())

    def generation(self, model: Model) -> Any:
        """How completions are generated: greedily, up to an end token."""
        return GenerationConfig(
            do_sample=False,
            num_beams=1,
            repetition_penalty=1.0,
            max_new_tokens=self.max_new_tokens,
            pad_token_id=model.pad_id,
            eos_token_id=_end_tokens(model.lm, self.tokenizer),
            decoder_start_token_id=model.lm.config.to_dict().get("decoder_start_token_id"),
        )

    def outputs(self, model: Model, batch: Batch) -> list[Any]:
        """Token ids of each row's completion, up to its end token."""
        settings = self.generation(model)
        ends = settings.eos_token_id
        # In inference mode autocast would cast every weight anew for every token.
        with torch.inference_mode(False), torch.no_grad():
            ids, mask = _left_padded(batch)
            found = model.lm.generate(
                input_ids=ids, attention_mask=mask, generation_config=settings
            ).tolist()
        skipped = 1 if model.architecture == "encoder-decoder" else ids.shape[1]
        kept = []
        for tokens in found:
            fresh = tokens[skipped:]
            stops = [i for i, token in enumerate(fresh) if token in ends]
            kept.append(fresh[: stops[0]] if stops else fresh)
        return kept

    def decode(
        self,
        examples: Sequence[TextExample],
        outputs: Sequence[Sequence[tuple[Row, Any]]],
    ) -> list[TextPrediction]:
        return [
            TextPrediction(
                id=e.id, text=self.tokenizer.decode(kept[0][1], skip_special_tokens=True)
            )
            for e, kept in zip(examples, outputs, strict=True)
        ]


def _chosen(spec: HeadSpec, tokenizer: Any) -> bool:
    """Whether prompts go through the chat template."""
    chat = spec.option("chat", "no")
    if chat not in ("yes", "no"):
        raise UserError(
            f"expected the option chat to be yes or no, found '{chat}'; correct the task's options."
        )
    if chat == "yes" and not tokenizer.chat_template:
        raise ModelError(
            "expected a backbone with a chat template for the option chat, found one without; take"
            " a model tuned on chats, or leave the option out."
        )
    return chat == "yes"


def _end_tokens(lm: Any, tokenizer: Any) -> list[int]:
    """The tokens that end a completion: the tokenizer's and those the model is published with."""
    published = getattr(lm.generation_config, "eos_token_id", None)
    published = published if isinstance(published, list) else [published]
    ends = [tokenizer.eos_token_id, *published]
    return list(dict.fromkeys(int(end) for end in ends if end is not None))


def _left_padded(batch: Batch) -> tuple[Tensor, Tensor]:
    """Ids and mask with the padding moved to the left, where generation wants it."""
    lengths = [len(row.tokens) for row in batch.rows]
    ids = [line.roll(len(line) - n) for line, n in zip(batch.input_ids, lengths, strict=True)]
    mask = [line.roll(len(line) - n) for line, n in zip(batch.attention_mask, lengths, strict=True)]
    return torch.stack(ids), torch.stack(mask)
