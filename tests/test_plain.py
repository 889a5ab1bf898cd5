"""Plain checkpoints: which class each head goes into, and that it computes what ours does."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
import transformers
from safetensors.torch import load_file, save_file

import toys
from waystation import plain
from waystation.errors import ModelError
from waystation.examples import HeadSpec
from waystation.heads import build

LABELS = ("a", "b", "c")
SPECS = {
    "classification": HeadSpec(kind="classification", labels=LABELS),
    "regression": HeadSpec(kind="regression"),
    "choice": HeadSpec(kind="choice"),
    "tagging": HeadSpec(kind="tagging", labels=LABELS),
    "span": HeadSpec(kind="span"),
}


def headed(family: str, kind: str) -> tuple[Any, HeadSpec]:
    spec = SPECS[kind]
    model = toys.model(family)
    torch.manual_seed(3)
    head: Any = build(spec, model.tokenizer, 64, 0)
    model.heads[spec.name] = head.module(model.hidden_size, 0.0)
    return model, spec


@pytest.mark.parametrize(
    ("family", "kind", "model_class"),
    [
        ("encoder", "classification", "BertForSequenceClassification"),
        ("encoder", "regression", "BertForSequenceClassification"),
        ("encoder", "choice", "BertForMultipleChoice"),
        ("encoder", "tagging", "BertForTokenClassification"),
        ("encoder", "span", "BertForQuestionAnswering"),
        ("xlm-roberta", "classification", "XLMRobertaForSequenceClassification"),
        ("xlm-roberta", "choice", "XLMRobertaForMultipleChoice"),
        ("xlm-roberta", "tagging", "XLMRobertaForTokenClassification"),
        ("xlm-roberta", "span", "XLMRobertaForQuestionAnswering"),
        ("decoder", "tagging", "LlamaForTokenClassification"),
        ("decoder", "span", "LlamaForQuestionAnswering"),
    ],
)
def test_heads_go_into_classes_of_transformers(
    family: str, kind: str, model_class: str, tmp_path: Path
) -> None:
    model, spec = headed(family, kind)
    written = plain.write(model, spec, tmp_path, 64, 8)  # compares outputs itself
    assert (written.model_class, written.loader) == (model_class, plain.NATIVE[kind])
    assert not written.head_file
    assert not (tmp_path / "head.safetensors").exists()
    config = transformers.AutoConfig.from_pretrained(tmp_path)
    assert config.architectures == [model_class]
    assert not hasattr(config, "auto_map")
    if kind in ("classification", "tagging"):
        assert config.id2label == dict(enumerate(LABELS))
        assert config.label2id == {label: i for i, label in enumerate(LABELS)}
    problems = {"classification": "single_label_classification", "regression": "regression"}
    assert config.problem_type == problems.get(kind)


@pytest.mark.parametrize(
    ("family", "kind"),
    [
        *(("decoder", kind) for kind in ("classification", "regression", "choice")),
        *(("seq2seq", kind) for kind in SPECS),
    ],
)
def test_other_heads_lie_beside_the_backbone(family: str, kind: str, tmp_path: Path) -> None:
    model, spec = headed(family, kind)
    out = model.heads[spec.name][-1].weight.detach().clone()
    written = plain.write(model, spec, tmp_path, 64, 8)
    assert (written.loader, written.head_file) == ("AutoModel", True)
    head = load_file(tmp_path / "head.safetensors")
    assert torch.equal(head["out.weight"], out)
    assert ("dense.weight" in head) == (kind in ("classification", "regression"))


@pytest.mark.parametrize("family", ["encoder", "xlm-roberta", "decoder", "seq2seq"])
def test_backbones_alone_and_one_layer_of_them(family: str, tmp_path: Path) -> None:
    whole = plain.write(toys.model(family), None, tmp_path / "whole", 64, 0)
    assert (whole.loader, whole.layers, whole.layer) == ("AutoModel", 2, None)
    assert whole.sentences == (family in ("encoder", "xlm-roberta"))
    part = plain.write(toys.model(family), None, tmp_path / "part", 64, 0, "1/cls")
    # Only an encoder without a last normalisation can be cut; elsewhere the layer is named.
    cut = family in ("encoder", "xlm-roberta")
    assert (part.layers, part.layer, part.pooling) == ((1, None, "cls") if cut else (2, 1, "cls"))
    assert part.sentences == cut
    with pytest.raises(ModelError, match=r"expected a layer from 0 to 2 .* found 3; correct --var"):
        plain.write(toys.model(family), None, tmp_path / "none", 64, 0, "3/mean")


@pytest.mark.parametrize("family", ["decoder", "seq2seq"])
def test_language_models_keep_how_they_generate(family: str, tmp_path: Path) -> None:
    spec = HeadSpec(kind="text", options=(("max_new_tokens", "5"),))
    written = plain.write(toys.model(family, text=True), spec, tmp_path, 64, 0)
    assert written.model_class in ("LlamaForCausalLM", "T5ForConditionalGeneration")
    settings = transformers.GenerationConfig.from_pretrained(tmp_path)
    assert (settings.max_new_tokens, settings.do_sample) == (5, False)
    assert settings.eos_token_id == [2]
    assert transformers.AutoTokenizer.from_pretrained(tmp_path).padding_side == "left"


def test_a_pooler_that_changes_nothing() -> None:
    """Equal to rounding for states far larger than a normalised layer has."""
    out = torch.nn.Linear(64, 1)
    states = torch.randn(100, 64, generator=torch.Generator().manual_seed(1)) * 8
    with torch.no_grad():
        dense, scaled = plain._through_tanh(out)
        found, wanted = scaled(torch.tanh(dense(states))), out(states)
    assert torch.allclose(found, wanted, rtol=1e-6, atol=2e-6)


def test_what_loads_otherwise_is_no_export(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = plain.write_tokenizer

    def damage(model: Any, written: Any, folder: Path) -> None:
        real(model, written, folder)
        weights = load_file(folder / "model.safetensors")
        weights["classifier.bias"] += 0.01
        save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})

    monkeypatch.setattr(plain, "write_tokenizer", damage)
    model, spec = headed("encoder", "classification")
    with pytest.raises(ModelError, match=r"expected AutoModelForSequence.* found that other outp"):
        plain.write(model, spec, tmp_path / "other", 64, 0)

    def lose(model: Any, written: Any, folder: Path) -> None:
        real(model, written, folder)
        weights = load_file(folder / "model.safetensors")
        del weights["classifier.bias"]
        save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})

    monkeypatch.setattr(plain, "write_tokenizer", lose)
    model, spec = headed("encoder", "classification")
    with pytest.raises(ModelError, match=r"classifier.bias is not as saved; this architecture"):
        plain.write(model, spec, tmp_path / "less", 64, 0)


def test_the_tokenizer_gives_what_the_model_takes(tmp_path: Path) -> None:
    names = ["attention_mask", "input_ids"]
    segments = [*names, "token_type_ids"]
    for family, gives, wanted in (
        ("encoder", names, names),
        ("encoder", segments, segments),
        ("xlm-roberta", segments, names),  # one segment only
    ):
        source, folder = tmp_path / f"{family}-{len(gives)}", tmp_path / f"{family}-{len(gives)}-x"
        shutil.copytree(toys.folder(family), source)
        config = json.loads((source / "tokenizer_config.json").read_text())
        config["model_input_names"] = gives
        (source / "tokenizer_config.json").write_text(json.dumps(config))
        plain.write(toys.model(str(source)), None, folder, 64, 0)
        tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
        assert sorted(tokenizer("a", "b")) == wanted
        for file in ("tokenizer_config.json", "config.json"):
            assert str(tmp_path) not in (folder / file).read_text()


def test_equal_models_give_equal_bytes(tmp_path: Path) -> None:
    for name in ("one", "two"):
        model, spec = headed("encoder", "choice")
        toys.model("encoder").tokenizer("a b c", truncation=True, max_length=2)  # no trace of this
        plain.write(model, spec, tmp_path / name, 64, 0)
    files = sorted(p.name for p in (tmp_path / "one").iterdir())
    for file in files:
        assert (tmp_path / "one" / file).read_bytes() == (tmp_path / "two" / file).read_bytes()
