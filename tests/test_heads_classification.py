"""Classification, regression and choice: rows, pooling, losses, predictions."""

from __future__ import annotations

import copy
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from tokenizers import processors
from torch.nn import functional as F
from transformers import PreTrainedTokenizerFast

import toys
from waystation.batching import collate
from waystation.errors import UserError
from waystation.heads import HEADS, Row, build
from waystation.heads.classification import probabilities
from waystation.heads.pieces import encode_texts, frame, pair_separator, pooled


def head(kind: str, model: Any, max_tokens: int = 64) -> Any:
    return build(toys.head(kind), model.tokenizer, max_tokens, 0)


def test_every_kind_that_has_a_head_builds_it() -> None:
    model = toys.model()
    for kind in HEADS:
        assert head(kind, model).spec == toys.head(kind)


def test_pairs_go_through_the_tokenizers_own_template() -> None:
    tokenizer = toys.model().tokenizer
    (tokens, segments), (single, _) = encode_texts(
        tokenizer, [("the king", "who lives"), ("the king", None)], 64
    )
    names = tokenizer.convert_ids_to_tokens(tokens)
    assert names[0] == "<s>"
    assert names[-1] == "</s>"
    middle = names.index("</s>")
    assert names[middle + 1] == "</s>"
    assert segments is None
    assert tokenizer.convert_ids_to_tokens(single) == names[: middle + 1]
    assert frame(tokenizer) == ([0], [2])


def test_a_decoder_has_a_line_break_between_the_texts_of_a_pair() -> None:
    tokenizer = toys.model("decoder").tokenizer
    assert pair_separator(tokenizer) == "\n"
    ((tokens, _),) = encode_texts(tokenizer, [("the king", "who lives")], 64)
    assert tokenizer.decode(tokens, skip_special_tokens=True) == "the king\nwho lives"


def test_the_longer_text_loses_tokens_first() -> None:
    tokenizer = toys.model().tokenizer
    ((tokens, _),) = encode_texts(tokenizer, [("the " * 50, "who is he")], 16)
    assert len(tokens) == 16
    assert "who is he" in tokenizer.decode(tokens)


@pytest.mark.parametrize(("kind", "place"), [("encoder", 0), ("decoder", -1), ("seq2seq", -1)])
def test_encoders_pool_the_first_token_others_the_last(kind: str, place: int) -> None:
    model = toys.model(kind)
    rows = [
        r
        for parts in head("classification", model).encode(toys.classification(6), False)
        for r in parts
    ]
    batch = collate(rows, model.pad_id)
    with torch.inference_mode():
        states, found = model.states(batch), pooled(model, batch)
    for i, row in enumerate(rows):
        assert torch.equal(found[i], states[i, : len(row.tokens)][place])


def test_the_loss_of_choice_is_a_softmax_over_each_examples_own_options() -> None:
    model = toys.model()
    choice = head("choice", model)
    examples = toys.choice(5)  # two and three options
    encoded = choice.encode(examples, True)
    assert [len(parts) for parts in encoded] == [2, 3, 2, 3, 2]
    torch.manual_seed(0)
    model.heads[toys.head("choice").name] = choice.module(model.hidden_size, 0.0)
    batch = collate([row for parts in encoded for row in parts], model.pad_id)
    with torch.inference_mode():
        loss, weight = choice.loss(model, batch)
        scores = choice.outputs(model, batch)
    expected, start = 0.0, 0
    for example in examples:
        own = torch.tensor(np.array(scores[start : start + len(example.options)]))
        expected += float(F.cross_entropy(own, torch.tensor(example.label)))
        start += len(example.options)
    assert weight == 5
    assert float(loss) == pytest.approx(expected, rel=1e-5)


def test_predictions_are_the_best_label_with_probabilities() -> None:
    model = toys.model()
    (prediction,) = head("classification", model).decode(
        toys.classification(1), [[(None, np.array([0.0, 2.0, 1.0], dtype=np.float32))]]
    )
    assert prediction.label == "b"
    assert prediction.scores == (0.090031, 0.665241, 0.244728)
    assert probabilities([1000.0, 0.0]) == (1.0, 0.0)
    (value,) = head("regression", model).decode(
        toys.regression(1), [[(None, np.array([0.1], dtype=np.float32))]]
    )
    assert value.value == 0.1


def test_gold_that_is_missing_or_impossible_is_refused_in_training_only() -> None:
    model = toys.model()
    blank = {
        "classification": replace(toys.classification(1)[0], label="d"),
        "regression": replace(toys.regression(1)[0], value=None),
        "choice": replace(toys.choice(1)[0], label=7),
    }
    messages = {
        "classification": "expected one of the labels a, b, c to train on, found 'd' in"
        " example '0'",
        "regression": "expected a value to train on, found none in example '0'",
        "choice": "expected the position of one of 2 options to train on, found 7 in example '0'",
    }
    for kind, example in blank.items():
        assert head(kind, model).encode([example], False)
        with pytest.raises(UserError) as caught:
            head(kind, model).encode([example], True)
        assert messages[kind] in str(caught.value)


def test_an_empty_text_of_a_decoder_without_special_tokens_is_its_end_token() -> None:
    model = toys.model("decoder")
    backend = copy.deepcopy(model.tokenizer.backend_tokenizer)
    backend.post_processor = processors.ByteLevel()
    bare = PreTrainedTokenizerFast(tokenizer_object=backend, eos_token="</s>")
    (tokens, segments), (other, _) = encode_texts(bare, [("", None), ("a", None)], 16)
    assert (tokens.tolist(), segments) == ([2], None)
    assert other.tolist() == bare("a")["input_ids"]
    rows = [Row(example=0, part=0, tokens=tokens), Row(example=1, part=0, tokens=other)]
    with torch.inference_mode():
        states = pooled(model, collate(rows, model.pad_id))
    assert torch.isfinite(states).all()
