"""How much is trained: frozen layers, layer-wise rates, and what a checkpoint then holds."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

import toys
from waystation import backbone
from waystation.batching import TrainingOrder, collate
from waystation.checkpoint import load_checkpoint
from waystation.errors import ModelError, StepFailed
from waystation.heads import build
from waystation.layers import Layers, skeleton
from waystation.model import set_dropout
from waystation.parameters import optimizer_of, place_heads, vocabulary
from waystation.settings import TrainConfig
from waystation.train import Output, finetune, learning_rate

KINDS = ["encoder", "xlm-roberta", "decoder", "seq2seq"]


def train(folder: Path, model: Any = None, task: str = "tagging", **fields: Any) -> Any:
    model = model or toys.model()
    folder.mkdir()
    config = toys.config(**{"epochs": 2, "learning_rate": 1e-2, **fields})
    finetune(
        model, toys.mixture(toys.member(task)), config, toys.NUMERICS, 0, Output(folder=folder)
    )
    return model


def weights(model: Any) -> dict[str, Any]:
    return {name: value.detach().clone() for name, value in model.backbone.named_parameters()}


def changed(model: Any, raw: Any) -> set[str]:
    before, after = weights(raw), weights(model)
    return {name for name in after if not torch.equal(before[name], after[name])}


@pytest.mark.parametrize("kind", KINDS)
def test_layers_are_counted_from_the_input(kind: str) -> None:
    model = toys.model(kind)
    layers = Layers(model.backbone)
    assert layers.count == (4 if kind == "seq2seq" else 2)
    assert Layers(skeleton(backbone.locate(str(toys.folder(kind)), Path.cwd()))).stacks == (
        layers.stacks
    )
    table = {id(p): n for n, p in model.backbone.named_parameters()}[
        id(model.backbone.get_input_embeddings().weight)
    ]
    assert (layers.number(table), layers.below_heads(table)) == (0, 3)
    numbers = {layers.number(n) for n, _ in model.backbone.named_parameters()}
    assert numbers >= set(range(layers.count + 1))
    for number, path in enumerate(layers.paths()):
        assert layers.number(f"{path}.x") == number + 1
        assert layers.below_heads(f"{path}.x") == 2 - number % 2
    above = [n for n in weights(model) if layers.below_heads(n) == 0]
    assert [layers.number(n) for n in above] == [layers.count + 1] * len(above)
    assert bool(above) == (kind in ("decoder", "seq2seq"))  # their last normalisation


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("trim", [True, False])
def test_frozen_parts_stay_and_are_not_stored(kind: str, trim: bool, tmp_path: Path) -> None:
    raw = toys.model(kind)
    layers = Layers(raw.backbone)
    for number, frozen in enumerate(("embeddings", 1)):
        folder = tmp_path / str(number)
        model = train(folder, toys.model(kind), frozen=frozen, trim_vocabulary=trim)
        moved = {layers.number(name) for name in changed(model, raw)}
        assert min(moved) == number + 1
        stored = load_file(next((folder / "checkpoints").iterdir()) / "changed.safetensors")
        assert len(stored["rows"]) == len(stored["embedding"]) == 0
        kept = {n.removeprefix("backbone.") for n in stored if n.startswith("backbone.")}
        assert kept == {n for n in weights(raw) if layers.number(n) > number}
        assert json.loads((folder / "training.json").read_text())["trained_rows"] == 0
        assert all(p.requires_grad for p in model.parameters())
        back = toys.model(kind)
        load_checkpoint(back, next((folder / "checkpoints").iterdir()))
        assert not changed(back, model)


def test_each_stage_of_a_chain_freezes_for_itself(tmp_path: Path) -> None:
    first = train(tmp_path / "1")
    model = toys.model()
    load_checkpoint(model, next((tmp_path / "1" / "checkpoints").iterdir()))
    layers = Layers(model.backbone)
    train(tmp_path / "2", model, task="classification", frozen=1)
    assert {layers.number(n) for n in changed(model, first)} == {2}
    checkpoint = next((tmp_path / "2" / "checkpoints").iterdir())
    third = toys.model()
    load_checkpoint(third, checkpoint)
    assert not changed(third, model)  # what the first stage changed is there too
    train(tmp_path / "3", third)
    assert {layers.number(n) for n in changed(third, model)} == {0, 1, 2}


def test_a_frozen_part_costs_no_gradient() -> None:
    model = toys.model()
    head: Any = build(toys.head("tagging"), model.tokenizer, 32, 8)
    config = TrainConfig(frozen=1)
    place_heads(model, {head.spec.name: head}, config, 0)
    rows = [row for parts in head.encode(toys.tagging(6), True) for row in parts]
    with vocabulary(model, [], config):
        optimizer = optimizer_of(model, config)
        loss, _ = head.loss(model, collate(rows, model.pad_id))
        loss.backward()
        held = {id(p) for group in optimizer.param_groups for p in group["params"]}
        layers = Layers(model.backbone)
        for name, parameter in model.backbone.named_parameters():
            free = layers.number(name) > 1
            assert (parameter.grad is not None, id(parameter) in held) == (free, free), name


def test_tied_output_embeddings_are_frozen_with_the_input(tmp_path: Path) -> None:
    model, raw = toys.model("decoder", text=True), toys.model("decoder")
    train(tmp_path / "a", model, task="text", frozen="embeddings", dev_examples=1)
    layers = Layers(raw.backbone)
    assert {layers.number(n) for n in changed(model, raw)} == {1, 2, 3}
    assert model.lm.get_output_embeddings().weight is model.backbone.embed_tokens.weight


def test_layer_decay_of_one_changes_no_byte(tmp_path: Path) -> None:
    written = []
    for number, fields in enumerate(({}, {"layer_decay": 1.0, "frozen": "nothing"})):
        train(tmp_path / str(number), **fields)
        folder = next((tmp_path / str(number) / "checkpoints").iterdir())
        written.append((folder / "changed.safetensors").read_bytes())
    assert written[0] == written[1]
    groups = optimizer_of(toys.model(), TrainConfig()).param_groups
    assert len(groups) == 2
    assert not any("scale" in group for group in groups)


@pytest.mark.parametrize("kind", ["encoder", "decoder", "seq2seq"])
@pytest.mark.parametrize("trim", [True, False])
def test_layer_decay_is_a_rate_for_each_layer(kind: str, trim: bool, tmp_path: Path) -> None:
    fields = {"layer_decay": 0.5, "weight_decay": 0.1, "trim_vocabulary": trim}
    fields["adam_epsilon"] = 1e-4  # gradients that are 0 but for rounding stay small
    ours = train(tmp_path / "a", toys.model(kind), **fields)
    theirs = reference(kind, toys.config(epochs=2, learning_rate=1e-2, **fields))
    for name, value in weights(theirs).items():
        apart = (weights(ours)[name] - value).abs().max()
        assert apart <= 2e-6 * value.abs().max(), name


def reference(kind: str, config: TrainConfig) -> Any:
    """One group per parameter, rates written out by hand for two layers."""
    model = toys.model(kind)
    head: Any = build(toys.head("tagging"), model.tokenizer, config.max_tokens, config.stride)
    place_heads(model, {head.spec.name: head}, config, 0)
    rows = [parts for parts in head.encode(toys.tagging(32), True) if parts]
    order = TrainingOrder(
        lengths=torch.tensor([max(len(r.tokens) for r in parts) for parts in rows]).numpy(),
        batch_size=config.batch_size,
        limit=int(config.epochs * len(rows)),
        seed=0,
        name="0/toy-tagging",
    )
    layer = {"encoder": "layer", "decoder": "layers", "seq2seq": "block"}[kind]
    rates = {f"{layer}.1.": 0.5, f"{layer}.0.": 0.25, "embed": 0.125, "shared": 0.125}
    groups = []
    for name, p in model.named_parameters():
        scale = next((rate for part, rate in rates.items() if part in name), 1.0)
        decay = 0.1 if p.dim() > 1 else 0.0
        groups.append({"params": [p], "scale": scale, "weight_decay": decay})
    optimizer = torch.optim.AdamW(groups, lr=1.0, eps=config.adam_epsilon, fused=True)
    parameters = list(model.parameters())
    steps = int(config.epochs * len(rows) / config.batch_size)
    set_dropout(model, 0.0)
    model.train()
    for step in range(1, steps + 1):
        batch = [row for i in order.batch(step - 1) for row in rows[i]]
        loss, weight = head.loss(model, collate(batch, model.pad_id, config.max_tokens))
        loss.backward()
        for p in parameters:
            if p.grad is not None:
                p.grad /= weight
        torch.nn.utils.clip_grad_norm_(parameters, 1.0)
        for group in optimizer.param_groups:
            group["lr"] = learning_rate(step, steps, config) * group["scale"]
        optimizer.step()
        optimizer.zero_grad()
    return model


def test_more_layers_than_there_are(tmp_path: Path) -> None:
    with pytest.raises(ModelError) as error:
        train(tmp_path / "a", frozen=3)
    assert str(error.value) == (
        "expected `frozen` of at most 2, the number of its layers, found 3; lower it."
    )


def test_nothing_left_to_train(tmp_path: Path) -> None:
    with pytest.raises(StepFailed) as error:
        train(tmp_path / "a", task="bitext", frozen=2)
    assert str(error.value) == (
        "expected something to train, found every layer frozen (`frozen: 2`) and heads without"
        " weights of their own; lower `frozen`."
    )
