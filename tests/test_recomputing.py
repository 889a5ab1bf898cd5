"""Passes that are too large compute activations again: equal gradients, and only such passes."""

from __future__ import annotations

from typing import Any

import pytest
import torch

import toys
from waystation import encoded, train
from waystation.batching import collate
from waystation.heads import build
from waystation.model import recomputing, set_dropout
from waystation.train import Output, finetune


def gradients(kind: str, wanted: bool) -> list[Any]:
    model = toys.model(kind)
    head: Any = build(toys.head("span"), model.tokenizer, 32, 8)
    torch.manual_seed(0)
    model.heads[head.spec.name] = head.module(model.hidden_size, 0.1)
    set_dropout(model.backbone, 0.1)
    model.train()
    rows = [row for parts in head.encode(toys.span(6), True) for row in parts]
    torch.manual_seed(1)
    with recomputing(model, wanted):
        loss, _ = head.loss(model, collate(rows, model.pad_id))
        loss.backward()
    assert not model.backbone.is_gradient_checkpointing
    return [p.grad.clone() for p in model.parameters() if p.grad is not None]


@pytest.mark.parametrize("kind", ["encoder", "xlm-roberta", "decoder", "seq2seq"])
def test_gradients_are_equal_to_the_byte(kind: str) -> None:
    kept, again = gradients(kind, False), gradients(kind, True)
    assert len(kept) == len(again) > 10
    assert all(torch.equal(a, b) for a, b in zip(kept, again, strict=True))


def test_only_passes_above_the_token_budget_are_computed_again(
    tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[bool] = []

    def watched(model: Any, wanted: bool) -> Any:
        asked.append(wanted)
        return recomputing(model, wanted)

    monkeypatch.setattr(train, "recomputing", watched)
    written = []
    for number, budget in enumerate((4096, 16)):
        monkeypatch.setattr(encoded, "TOKENS", budget)
        folder = tmp_path / str(number)
        folder.mkdir()
        asked.clear()
        config = toys.config(epochs=1, batch_size=8)
        mixture = toys.mixture(toys.member("span", count=8))
        finetune(toys.model(), mixture, config, toys.NUMERICS, 0, Output(folder=folder))
        assert asked == [budget == 16]
        written.append((folder / "curve.json").read_bytes())
    assert written[0] == written[1]
