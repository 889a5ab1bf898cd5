"""Retrieval: every layer in one pass, poolings, neighbours in both directions."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

import toys
from waystation.batching import collate
from waystation.errors import ModelError, UserError
from waystation.examples import BitextExample, RetrievalPrediction
from waystation.heads import build
from waystation.predict import predict


def found(kind: str = "encoder", count: int = 12, **options: str) -> list[RetrievalPrediction]:
    predictions: Any = predict(
        toys.model(kind),
        toys.head("bitext", **options),
        toys.bitext(count),
        toys.NUMERICS,
        max_tokens=64,
        stride=0,
        language="de",
    )
    return list(predictions)


@pytest.mark.parametrize("kind", ["encoder", "decoder", "seq2seq", "xlm-roberta"])
def test_every_layer_and_pooling_finds_copies(kind: str) -> None:
    predictions = found(kind, pooling="mean,cls")
    assert list(predictions[0].variants) == [f"{n}/{p}" for n in range(3) for p in ("mean", "cls")]
    for layer in range(3):
        right = [p.variants[f"{layer}/mean"].forward[0] == p.id for p in predictions]
        assert all(right)
    best = predictions[3].variants["2/mean"]
    assert len(best.forward) == len(best.backward) == len(best.forward_scores) == 4
    assert list(best.forward_scores) == sorted(best.forward_scores, reverse=True)
    assert all(float(str(np.float32(s))) == s for s in best.forward_scores)


def test_only_the_layers_asked_for_are_kept() -> None:
    assert list(found(layers="2,0")[0].variants) == ["2/mean", "0/mean"]
    assert found(layers="2")[5].variants["2/mean"] == found()[5].variants["2/mean"]


def test_mean_pooling_takes_special_tokens_in_and_padding_out() -> None:
    model = toys.model()
    head = build(toys.head("bitext", pooling="mean,cls"), model.tokenizer, 64, 0)
    rows = [row for parts in head.encode(toys.bitext(3), False) for row in parts]
    batch = collate(rows, model.pad_id)
    with torch.inference_mode():
        outputs, layers = head.outputs(model, batch), model.layers(batch)
    for i, row in enumerate(rows):
        states = layers[1][i, : len(row.tokens)]
        np.testing.assert_allclose(outputs[i][2], states.mean(dim=0).numpy(), atol=1e-6)
        np.testing.assert_allclose(outputs[i][3], states[0].numpy(), atol=1e-6)


def test_a_decoder_leaves_its_first_token_out_of_the_mean() -> None:
    model = toys.model("decoder")
    head = build(toys.head("bitext"), model.tokenizer, 64, 0)
    pairs = [BitextExample(id="0", source="the cat lives", target="")]
    rows = head.encode(pairs, False)[0]
    batch = collate(rows, model.pad_id)
    with torch.inference_mode():
        outputs, layers = head.outputs(model, batch), model.layers(batch)
    count = len(rows[0].tokens)
    assert (count > 2, len(rows[1].tokens)) == (True, 1)
    expected = layers[1][0, 1:count].mean(dim=0), layers[1][1, 0]
    for output, mean in zip(outputs, expected, strict=True):
        np.testing.assert_allclose(output[1], mean.numpy(), atol=1e-6)


def test_impossible_options_are_refused() -> None:
    with pytest.raises(ModelError, match=r"expected layers from 0 to 2 .* found 12"):
        found(layers="1,12")
    with pytest.raises(UserError, match="expected a pooling among mean, cls, words, found 'max'"):
        found(pooling="max")
