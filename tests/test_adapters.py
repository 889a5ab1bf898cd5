"""Adapters: zero at the start, alone in training, small on disk, merged or stacked, peft's LoRA."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import peft
import pytest
import torch

import toys
from waystation.adapters import Placed, merge, owner, place, plain, size, targets, tensors_of
from waystation.batching import collate
from waystation.checkpoint import load_checkpoint
from waystation.errors import ModelError
from waystation.heads import build
from waystation.layers import skeleton
from waystation.model import recomputing, set_dropout
from waystation.parameters import place_heads, vocabulary
from waystation.predict import predict
from waystation.settings import Adapter, Numerics, TrainConfig
from waystation.train import Output, finetune

KINDS = ["encoder", "decoder", "seq2seq"]
SLOWLY = ["encoder", "decoder", pytest.param("seq2seq", marks=pytest.mark.slow)]


def trained(folder: Path, parent: Path | None = None, kind: str = "encoder", **fields: Any) -> Any:
    """A model that was fine-tuned on top of a checkpoint, and its own checkpoint's folder."""
    numerics = fields.pop("numerics", toys.NUMERICS)
    task = fields.pop("task", "tagging")
    model = toys.model(kind, text=task == "text")
    if parent is not None:
        load_checkpoint(model, parent, heads=False)
    folder.mkdir(parents=True)
    settings = {"epochs": 4, "learning_rate": 1e-2, **fields}
    config = toys.config(**settings)
    finetune(model, toys.mixture(toys.member(task)), config, numerics, 0, Output(folder=folder))
    (checkpoint,) = (folder / "checkpoints").iterdir()
    return model, checkpoint


def loaded(checkpoint: Path, kind: str = "encoder") -> Any:
    model = toys.model(kind)
    load_checkpoint(model, checkpoint)
    return model


def weights(model: Any) -> dict[str, Any]:
    return {name: value.detach().clone() for name, value in model.named_parameters()}


def states(model: Any) -> Any:
    """Last states of a few sentences."""
    head: Any = build(toys.head("tagging"), model.tokenizer, 32, 8)
    rows = [row for parts in head.encode(toys.tagging(6), True) for row in parts]
    model.eval()
    with torch.no_grad():
        return model.states(collate(rows, model.pad_id))


def placed(model: Any, kind: str = "lora", **fields: Any) -> Placed:
    """An adapter with weights that are not zero anywhere, on a model."""
    names = fields.pop("modules", ())
    settings = {"rank": 4, "alpha": 8.0, "dropout": 0.0, "stacked": False, **fields}
    number = len(model.adapters)
    modules = targets(model.backbone, kind, names)
    adapter = Placed(name=f"s{number}", kind=kind, modules=modules, **settings)
    torch.manual_seed(number)
    place(model, adapter)
    for value in tensors_of(model, adapter).values():
        value.copy_(torch.randn(value.shape) * 0.1)
    return adapter


@pytest.mark.parametrize("architecture", KINDS)
@pytest.mark.parametrize("kind", ["lora", "bottleneck"])
def test_before_training_the_model_is_the_backbone(architecture: str, kind: str) -> None:
    model, raw = toys.model(architecture), toys.model(architecture)
    config = TrainConfig(adapter=Adapter(kind=kind))
    place_heads(model, {}, config, 0)
    assert any(owner(name) == "s0" for name, _ in model.named_parameters())
    assert torch.equal(states(model), states(raw))
    assert plain("encoder.layer.0.output.dense.base_layer.weight") in dict(
        toys.model().backbone.named_parameters()
    )


@pytest.mark.parametrize("architecture", KINDS)
@pytest.mark.parametrize("modules", [(), ("all-linear",)])
def test_merged_predictions_are_those_of_the_unmerged(
    architecture: str, modules: tuple[str, ...]
) -> None:
    model, raw = toys.model(architecture), states(toys.model(architecture))
    adapter = placed(model, modules=modules)
    apart = states(model)
    assert (apart - raw).abs().max() > 1e-2
    merge(model, adapter)
    assert not model.adapters
    assert weights(model).keys() == weights(toys.model(architecture)).keys()
    torch.testing.assert_close(states(model), apart, rtol=1e-4, atol=1e-5)


def test_adapters_on_one_layer_merge_in_any_order() -> None:
    model = toys.model()
    first = placed(model, modules=("output.dense",))
    placed(model, "bottleneck", stacked=True)
    second = placed(model, modules=("output.dense", "query"))
    before = states(model)
    for adapter in (first, second):
        merge(model, adapter)
        torch.testing.assert_close(states(model), before, rtol=1e-4, atol=1e-5)
    assert [a.kind for a in model.adapters] == ["bottleneck"]
    assert "backbone.encoder.layer.0.attention.self.query.weight" in weights(model)


@pytest.mark.parametrize("kind", ["lora", "bottleneck"])
def test_only_the_adapter_and_heads_are_trained_and_stored(kind: str, tmp_path: Path) -> None:
    raw = weights(toys.model())
    model, checkpoint = trained(tmp_path / "a", adapter=Adapter(kind=kind, rank=2))
    for name, value in model.named_parameters():
        if owner(name) is None and not name.startswith("heads."):
            assert torch.equal(value, raw[plain(name)]), name
    stored = [n.split(".")[0] for n in load_names(checkpoint)]
    assert set(stored) == {"adapters", "heads", "rows", "embedding"}
    assert json.loads((tmp_path / "a" / "training.json").read_text())["trained_rows"] == 0
    _, full = trained(tmp_path / "full")
    sizes = [(c / "changed.safetensors").stat().st_size for c in (checkpoint, full)]
    assert sizes[0] < sizes[1] / 10
    again, _ = trained(tmp_path / "b", adapter=Adapter(kind=kind, rank=2))
    assert all(
        torch.equal(a, b) for a, b in zip(model.parameters(), again.parameters(), strict=True)
    )
    other, _ = trained(tmp_path / "c", adapter=Adapter(kind=kind, rank=2), head_seed=5)
    assert not all(
        torch.equal(a, b) for a, b in zip(model.parameters(), other.parameters(), strict=True)
    )


def load_names(checkpoint: Path) -> list[str]:
    from safetensors import safe_open

    with safe_open(checkpoint / "changed.safetensors", "pt") as file:
        return list(file.keys())


@pytest.mark.parametrize("architecture", SLOWLY)
def test_a_chain_of_merged_stacked_and_full_stages(architecture: str, tmp_path: Path) -> None:
    stages: list[dict[str, Any]] = [
        {"adapter": Adapter(after="merge", rank=2)},
        {"adapter": Adapter(after="stack", rank=2, dropout=0.1)},
        {"adapter": Adapter(kind="bottleneck", rank=2)},
        {"frozen": 1},
        {"adapter": Adapter(after="merge", rank=3, modules=("all-linear",))},
        {},
    ]
    lying = [[], ["s1"], ["s1", "s2"], ["s1", "s2"], ["s1", "s2"], ["s1", "s2"]]
    parent: Path | None = None
    for number, settings in enumerate(stages):
        before = loaded(parent, architecture) if parent else toys.model(architecture)
        model, parent = trained(tmp_path / str(number), parent, architecture, **settings)
        after = loaded(parent, architecture)
        assert [a.name for a in after.adapters] == lying[number]
        # What comes back is what training left, merged or not.
        torch.testing.assert_close(states(after), states(model), rtol=1e-4, atol=1e-5)
        own = {n for n, _ in after.named_parameters() if not n.startswith("heads.")}
        kept = weights(before)
        changed = {n for n in own if n not in kept or not torch.equal(weights(after)[n], kept[n])}
        if settings.get("adapter") is None:
            assert not any(owner(n) for n in changed)  # a stacked adapter stays as it was
        assert changed
    names = load_names(parent) if parent else []
    assert not any(n.startswith(("adapters.s0.", "adapters.s3.")) for n in names)


def test_a_merged_adapter_stays_small_until_its_weights_are_trained(tmp_path: Path) -> None:
    _, first = trained(tmp_path / "1", adapter=Adapter(rank=2))
    _, second = trained(tmp_path / "2", first, adapter=Adapter(rank=2))
    about = json.loads((second / "checkpoint.json").read_text())["adapters"]
    assert [(a["name"], a["merged"]) for a in about] == [("s0", True), ("s1", False)]
    assert not any(name.startswith("backbone.") for name in load_names(second))
    # What the first stage left is what the second started from, to the byte.
    assert torch.equal(
        loaded(first).backbone.encoder.layer[0].attention.self.key.weight,
        loaded(second).backbone.encoder.layer[0].attention.self.key.weight,
    )
    _, third = trained(tmp_path / "3", second, frozen=1)
    about = json.loads((third / "checkpoint.json").read_text())["adapters"]
    assert [(a["name"], a["merged"]) for a in about] == [("s0", True), ("s1", True)]
    frozen = "encoder.layer.0.attention.self.query.weight"
    assert torch.equal(
        loaded(third).backbone.get_parameter(frozen), loaded(second).backbone.get_parameter(frozen)
    )
    _, fourth = trained(tmp_path / "4", third)
    assert "adapters" not in json.loads((fourth / "checkpoint.json").read_text())


def test_lora_trains_as_pefts_own_model_does(tmp_path: Path) -> None:
    config = toys.config(epochs=4, learning_rate=1e-2, adapter=Adapter(rank=4, alpha=8))
    model, _ = trained(tmp_path / "ours", adapter=Adapter(rank=4, alpha=8))
    (adapter,) = model.adapters
    ours = tensors_of(model, adapter)

    # The same start, data and schedule, by hand.
    start = toys.model()
    head: Any = build(toys.head("tagging"), start.tokenizer, 64, 16)
    place_heads(start, {head.spec.name: head}, config, 0)
    fresh = {n: v.clone() for n, v in tensors_of(start, start.adapters[0]).items()}
    theirs = toys.model()
    theirs.heads = start.heads
    lora = peft.LoraConfig(r=4, lora_alpha=8, target_modules=["query", "value"])
    wrapped = peft.get_peft_model(theirs.backbone, lora)
    named = {
        n.replace("base_model.model.", "").replace(".default.weight", ""): p
        for n, p in wrapped.named_parameters()
        if "lora_" in n
    }
    assert named.keys() == fresh.keys()
    for name, parameter in named.items():
        parameter.data.copy_(fresh[name])
    by_hand(theirs, head, [*named.values(), *theirs.heads.parameters()], config)
    for name, parameter in named.items():
        apart = (ours[name] - parameter.detach()).abs().max()
        assert apart <= 1e-6 * parameter.detach().abs().max(), name


def by_hand(model: Any, head: Any, parameters: list[Any], config: TrainConfig) -> None:
    """Plain AdamW over the batches of a single task's training, without dropout."""
    from waystation.batching import TrainingOrder
    from waystation.train import learning_rate

    examples = toys.tagging(32)
    rows = [parts for parts in head.encode(examples, True) if parts]
    lengths = torch.tensor([max(len(r.tokens) for r in parts) for parts in rows]).numpy()
    order = TrainingOrder(
        lengths=lengths,
        batch_size=config.batch_size,
        limit=int(config.epochs * len(rows)),
        seed=0,
        name="0/toy-tagging",
    )
    steps = int(config.epochs * len(rows) / config.batch_size)
    set_dropout(model, 0.0)
    optimizer = torch.optim.AdamW(parameters, lr=1.0, weight_decay=0.0, fused=True)
    model.train()
    for step in range(1, steps + 1):
        batch = [row for i in order.batch(step - 1) for row in rows[i]]
        loss, weight = head.loss(model, collate(batch, model.pad_id, config.max_tokens))
        loss.backward()
        for parameter in parameters:
            parameter.grad /= weight
        torch.nn.utils.clip_grad_norm_(parameters, 1.0)
        for group in optimizer.param_groups:
            group["lr"] = learning_rate(step, steps, config)
        optimizer.step()
        optimizer.zero_grad()


@pytest.mark.parametrize("architecture", KINDS)
@pytest.mark.parametrize("kind", ["lora", "bottleneck", "frozen"])
def test_recomputing_and_accumulation_give_equal_gradients(architecture: str, kind: str) -> None:
    config = TrainConfig(
        frozen=1 if kind == "frozen" else "nothing",
        adapter=None if kind == "frozen" else Adapter(kind=kind, dropout=0.1),
        trim_vocabulary=False,
    )
    found = []
    for wanted in (False, True):
        model = toys.model(architecture)
        head: Any = build(toys.head("tagging"), model.tokenizer, 32, 8)
        place_heads(model, {head.spec.name: head}, config, 0)
        rows = [row for parts in head.encode(toys.tagging(6), True) for row in parts]
        model.train()
        with vocabulary(model, [], config):
            torch.manual_seed(1)
            with recomputing(model, wanted):
                loss, _ = head.loss(model, collate(rows, model.pad_id))
                loss.backward()
        found.append({n: p.grad for n, p in model.named_parameters() if p.grad is not None})
    kept, again = found
    assert kept.keys() == again.keys()
    assert len(kept) > 2
    assert all(torch.equal(kept[name], again[name]) for name in kept)
    table = model.backbone.get_input_embeddings().weight
    assert table.grad is None
    assert table.requires_grad  # for the next stage


@pytest.mark.parametrize("kind", ["lora", "bottleneck"])
def test_accumulated_passes_train_the_same_adapter(kind: str, tmp_path: Path) -> None:
    adapter = Adapter(kind=kind)
    whole, _ = trained(tmp_path / "a", adapter=adapter)
    parts, _ = trained(tmp_path / "b", adapter=adapter, micro_batch_size=3)
    for name, value in whole.named_parameters():
        torch.testing.assert_close(
            dict(parts.named_parameters())[name], value, rtol=2e-3, atol=1e-4
        )


@pytest.mark.parametrize("kind", ["lora", "bottleneck"])
def test_adapters_learn_in_bf16_with_dropout(kind: str, tmp_path: Path) -> None:
    numerics = Numerics(precision="bf16", threads=1)
    adapter = Adapter(kind=kind, rank=8, dropout=0.1, modules=("all-linear",) * (kind == "lora"))
    trained(tmp_path / "a", adapter=adapter, numerics=numerics, epochs=30, dropout=None)
    curve = json.loads((tmp_path / "a" / "curve.json").read_text())
    assert curve[-1][1] < 0.75 * curve[0][1]


def test_dropout_belongs_to_the_stage_that_trains(tmp_path: Path) -> None:
    model, first = trained(tmp_path / "1", adapter=Adapter(after="stack", dropout=0.3))
    (own,) = {m.p for n, m in model.backbone.named_modules() if n.endswith("lora_dropout.s0")}
    assert own == 0.3
    second, _ = trained(tmp_path / "2", first, adapter=Adapter(dropout=0.2), dropout=0.4)
    rates = {
        name.rpartition(".")[2]: module.p
        for name, module in second.backbone.named_modules()
        if "lora_dropout." in name
    }
    assert rates == {"s0": 0.0, "s1": 0.2}


@pytest.mark.parametrize("kind", SLOWLY[1:])
def test_text_is_learnt_through_an_adapter(kind: str, tmp_path: Path) -> None:
    adapter = Adapter(rank=16, alpha=32, modules=("all-linear",))
    model, checkpoint = trained(
        tmp_path / "a", kind=kind, task="text", adapter=adapter, epochs=20, dev_examples=1
    )
    curve = json.loads((tmp_path / "a" / "curve.json").read_text())
    assert curve[-1][1] < 0.9 * curve[0][1]
    assert not any(name.startswith(("backbone.", "lm_head.")) for name in load_names(checkpoint))
    examples = toys.text(4)
    found = []
    text = toys.model(kind, text=True)
    load_checkpoint(text, checkpoint)
    for each in (model, text):
        predictions: Any = predict(
            each, toys.head("text"), examples, toys.NUMERICS, max_tokens=32, stride=8, language="en"
        )
        found.append([p.text for p in predictions])
    assert found[0] == found[1]


def test_shapes_and_sizes_are_those_of_the_skeleton() -> None:
    from waystation import backbone

    for architecture in KINDS:
        model = toys.model(architecture)
        source = backbone.locate(str(toys.folder(architecture)), Path.cwd())
        for kind in ("lora", "bottleneck"):
            adapter = placed(toys.model(architecture), kind)
            modules = skeleton(source)
            assert targets(modules, kind) == adapter.modules
            fresh = toys.model(architecture)
            place(fresh, adapter)
            count = sum(v.numel() for v in tensors_of(fresh, adapter).values())
            assert size(modules, kind, 4, adapter.modules) == count > 0
        assert targets(model.backbone, "bottleneck")[-1].rpartition(".")[2] in (
            "dense",
            "down_proj",
            "wo",
        )


def test_modules_that_no_layer_is_called_by() -> None:
    with pytest.raises(ModelError) as error:
        targets(toys.model().backbone, "lora", ("query", "q_proj"))
    assert str(error.value) == (
        "expected `adapter.modules` to name linear layers of the bert backbone (query, key, value,"
        " dense; or all-linear alone), found 'q_proj', which it does not have; correct it."
    )
    with pytest.raises(
        ModelError, match=r"expected no `modules` for `adapter: \{kind: bottleneck\}`"
    ):
        targets(toys.model().backbone, "bottleneck", ("query",))
    with pytest.raises(ModelError, match="above the 2 frozen layers of the bert backbone, found"):
        targets(toys.model().backbone, "lora", (), 2)


def test_an_adapter_of_another_architecture(tmp_path: Path) -> None:
    _, checkpoint = trained(tmp_path / "1", adapter=Adapter())
    with pytest.raises(ModelError) as error:
        loaded(checkpoint, "decoder")
    assert str(error.value) == (
        f"expected a checkpoint of this backbone in {checkpoint}, found an adapter on the layer"
        " encoder.layer.0.attention.self.query, which it does not have; load the backbone that"
        " the checkpoint was trained from."
    )
    with pytest.raises(ModelError, match=r"found an adapter of shape \[8, 32\] on the layer"):
        loaded(checkpoint, "xlm-roberta")


def test_a_mixture_of_experts_has_no_place_for_a_bottleneck() -> None:
    from transformers import AutoModel, MixtralConfig

    tiny = MixtralConfig(
        vocab_size=50, hidden_size=8, intermediate_size=8, num_hidden_layers=1,
        num_attention_heads=2, num_key_value_heads=2, num_local_experts=2,
    )  # fmt: skip
    with pytest.raises(ModelError, match=r"found a mixture of experts in layers\.0 of the mixtral"):
        targets(AutoModel.from_config(tiny), "bottleneck")


def test_a_drawn_output_layer_is_trained_beside_the_adapter(tmp_path: Path) -> None:
    from transformers import AutoModel

    from waystation import backbone

    folder = toys.folder("encoder")
    bare = tmp_path / "bare"  # an encoder without its language model's output layer
    AutoModel.from_pretrained(folder, add_pooling_layer=False).save_pretrained(bare)
    for name in ("tokenizer.json", "tokenizer_config.json"):
        (bare / name).write_bytes((folder / name).read_bytes())
    model = backbone.load(backbone.locate(str(bare), Path.cwd()), lm=True)
    model.draw_output(0)
    drawn = set(model.drawn)
    assert drawn
    config = TrainConfig(adapter=Adapter(), trim_vocabulary=False)
    place_heads(model, {}, config, 0)
    with vocabulary(model, [], config):
        free = {n for n, p in model.named_parameters() if p.requires_grad and owner(n) is None}
    assert free == drawn
