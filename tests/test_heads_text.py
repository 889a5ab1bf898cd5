"""Text to text: rows, loss on the completion alone, greedy generation."""

from __future__ import annotations

import copy
from dataclasses import replace
from typing import Any

import pytest
import torch
from torch.nn import functional as F

import toys
from waystation.batching import collate
from waystation.errors import ModelError, UserError
from waystation.examples import TextExample
from waystation.heads import build
from waystation.predict import predict


def head(model: Any, max_tokens: int = 64, **options: str) -> Any:
    return build(toys.head("text", **options), model.tokenizer, max_tokens, 0)


def test_the_loss_of_a_decoder_is_on_the_completion_and_its_end() -> None:
    model = toys.model("decoder", text=True)
    text = head(model)
    encoded = text.encode(toys.text(3), True)
    batch = collate([row for parts in encoded for row in parts], model.pad_id)
    with torch.inference_mode():
        loss, weight = text.loss(model, batch)
        expected, count = 0.0, 0
        for (row,), example in zip(encoded, toys.text(3), strict=True):
            tokens = torch.tensor(row.tokens.tolist())
            completion = model.tokenizer(example.completion, add_special_tokens=False)["input_ids"]
            assert tokens[row.gold :].tolist() == [*completion, model.tokenizer.eos_token_id]
            logits = model.lm(input_ids=tokens[None]).logits[0]
            wanted = slice(row.gold - 1, len(tokens) - 1)
            expected += float(F.cross_entropy(logits[wanted], tokens[row.gold :], reduction="sum"))
            count += len(tokens) - row.gold
    assert weight == count
    assert float(loss) == pytest.approx(expected, rel=1e-5)


def test_the_loss_of_an_encoder_decoder_is_transformers_own() -> None:
    model = toys.model("seq2seq", text=True)
    text = head(model)
    encoded = text.encode(toys.text(3), True)
    with torch.inference_mode():
        loss, weight = text.loss(
            model, collate([row for parts in encoded for row in parts], model.pad_id)
        )
        expected = 0.0
        for (row,) in encoded:
            labels = torch.tensor([row.tokens[row.gold :].tolist()])
            prompt = torch.tensor([row.tokens[: row.gold].tolist()])
            expected += float(model.lm(input_ids=prompt, labels=labels).loss) * labels.shape[1]
    assert weight == sum(len(row.tokens) - row.gold for (row,) in encoded)
    assert float(loss) == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("kind", ["decoder", "seq2seq"])
def test_generation_does_not_depend_on_the_batch(kind: str) -> None:
    model = toys.model(kind, text=True)
    examples = [replace(e, prompt=e.prompt * (1 + i)) for i, e in enumerate(toys.text(6))]

    def generated(part: list[Any]) -> list[str]:
        predictions: Any = predict(
            model,
            toys.head("text", max_new_tokens="6"),
            part,
            toys.NUMERICS,
            max_tokens=64,
            stride=0,
            language="en",
        )
        return [p.text for p in predictions]

    together = generated(examples)
    assert together == [generated([example])[0] for example in examples]
    assert len(set(together)) > 1


def test_a_prompt_loses_its_beginning_and_a_completion_too_long_is_dropped() -> None:
    model = toys.model("decoder", text=True)
    text = head(model, max_tokens=12)
    long = replace(toys.text(1)[0], prompt="the king " * 20 + "n0")
    ((row,),) = text.encode([long], True)
    assert len(row.tokens) == 12
    assert model.tokenizer.decode(row.tokens).endswith("n0 x0</s>")
    assert len(text.encode([long], False)[0][0].tokens) == 12
    assert text.encode([replace(long, completion="the king " * 9)], True) == [[]]
    assert len(text.encode([replace(long, prompt="")], False)[0][0].tokens) >= 1


def test_unpublished_completions_are_refused_in_training() -> None:
    model = toys.model("decoder", text=True)
    with pytest.raises(UserError, match=r"expected a completion to train on, found none in .* '0'"):
        head(model).encode([replace(toys.text(1)[0], completion=None)], True)


@pytest.mark.parametrize("kind", ["encoder", "decoder"])
def test_a_model_without_output_layer_cannot_generate(kind: str) -> None:
    with pytest.raises(
        ModelError, match=r"expected a model loaded as a language model .* found an? "
    ):
        predict(
            toys.model(kind),
            toys.head("text"),
            toys.text(1),
            toys.NUMERICS,
            max_tokens=64,
            stride=0,
            language="en",
        )


TEMPLATE = (
    "{% for m in messages %}<s>{{ m['role'] + ': ' + m['content'] }}{% endfor %}"
    "{% if add_generation_prompt %}</s>it:{% endif %}"
)


def chatty() -> Any:
    model = toys.model("decoder", text=True)
    model.tokenizer = copy.deepcopy(model.tokenizer)
    model.tokenizer.chat_template = TEMPLATE
    return model


def test_prompts_go_through_the_chat_template_where_asked() -> None:
    model = chatty()
    examples = [TextExample(id="0", prompt="the cat", completion=" lives")]
    for training in (True, False):
        plain, chat = (head(model, chat=c).encode(examples, training)[0][0] for c in ("no", "yes"))
        texts = [model.tokenizer.decode(row.tokens.tolist()) for row in (plain, chat)]
        end = " lives</s>" if training else ""
        assert texts == [f"<s>the cat{end}", f"<s>user: the cat</s>it:{end}"]
    with torch.inference_mode():
        row = head(model, chat="yes").encode(examples, True)[0][0]
        _, weight = head(model, chat="yes").loss(model, collate([row], model.pad_id))
    completion = model.tokenizer(" lives", add_special_tokens=False)["input_ids"]
    assert weight == len(completion) + 1, "no loss on the template"


def test_a_long_prompt_is_cut_inside_the_template() -> None:
    model = chatty()
    long = TextExample(id="0", prompt="a b c d " * 20 + "z", completion=None)
    (row,) = head(model, max_tokens=24, chat="yes").encode([long], False)[0]
    kept = model.tokenizer.decode(row.tokens.tolist())
    assert len(row.tokens) == 24
    assert kept.startswith("<s>user: ")
    assert kept.endswith("d z</s>it:")


def test_chat_that_cannot_be() -> None:
    model = toys.model("decoder", text=True)
    with pytest.raises(ModelError, match=r"a backbone with a chat template .* found one without"):
        head(model, chat="yes")
    with pytest.raises(UserError, match="the option chat to be yes or no, found 'true'"):
        head(model, chat="true")
