"""Training: every kind can be learnt, accumulation and trimming are exact, bytes repeat."""

from __future__ import annotations

import hashlib
import json
import logging
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import AutoConfig, AutoModelForCausalLM, AutoModelForSeq2SeqLM

import toys
from waystation.checkpoint import load_checkpoint
from waystation.errors import ModelError, StepFailed, UserError
from waystation.examples import SpanExample
from waystation.memory import keep_memory
from waystation.predict import predict
from waystation.settings import Numerics
from waystation.train import Output, TrainProgress, finetune, learning_rate


def train(folder: Path, *members: Any, model: Any = None, **fields: Any) -> Any:
    model = model or toys.model()
    rates = {k: fields.pop(k) for k in ("rates", "cap") if k in fields}
    seed = fields.pop("seed", 0)
    folder.mkdir(exist_ok=True)
    output = Output(folder=folder)
    mixture = toys.mixture(*members, **rates)
    finetune(model, mixture, toys.config(**fields), toys.NUMERICS, seed, output)
    return model


def read(folder: Path, name: str) -> Any:
    return json.loads((folder / f"{name}.json").read_text())


def weights(model: Any) -> dict[str, torch.Tensor]:
    return {name: value.detach().clone() for name, value in model.named_parameters()}


def apart(a: dict[str, torch.Tensor], b: dict[str, torch.Tensor]) -> float:
    """The largest difference of any parameter, relative to that parameter's largest value."""
    assert a.keys() == b.keys()
    return max(float((a[n] - b[n]).abs().max() / b[n].abs().max()) for n in a)


@pytest.mark.parametrize("kind", ["classification", "regression", "choice", "tagging", "span"])
def test_every_kind_learns_its_examples_by_heart(kind: str, tmp_path: Path) -> None:
    model = train(tmp_path, toys.member(kind), epochs=60)
    curve = read(tmp_path, "curve")
    assert curve[-1][1] < curve[0][1] / 3
    (evaluation,) = read(tmp_path, "evaluations")
    assert evaluation["score"] > 90
    spec = toys.head(kind)
    predictions = predict(
        model,
        spec,
        toys.EXAMPLES[kind](32),
        toys.NUMERICS,
        max_tokens=64,
        stride=16,
        language="en",
    )
    accuracy = sum(map(toys.right, predictions, toys.EXAMPLES[kind](32))) / 32
    assert 100 * accuracy == evaluation["score"]
    assert [p.id for p in predictions] == [str(i) for i in range(32)]


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["decoder", "seq2seq"])
def test_text_is_learnt_and_generated(kind: str, tmp_path: Path) -> None:
    model = toys.model(kind, text=True)
    member = toys.member("text", count=8, max_new_tokens="8")
    train(tmp_path, member, model=model, epochs=100, batch_size=8, learning_rate=2e-2)
    assert read(tmp_path, "evaluations")[0]["score"] == 100
    assert read(tmp_path, "training")["trained_rows"] == 400  # not trimmed


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["decoder", "seq2seq", "xlm-roberta"])
def test_any_backbone_under_any_head(kind: str, tmp_path: Path) -> None:
    members = [toys.member(k) for k in ("classification", "choice", "tagging", "span")]
    train(tmp_path, *members, model=toys.model(kind), epochs=10, learning_rate=3e-3)
    curve = read(tmp_path, "curve")
    early, late = (sum(p[1] for p in part) for part in (curve[:20], curve[-20:]))
    assert late < early


def test_a_backbone_passes_from_one_head_to_the_next(tmp_path: Path) -> None:
    first = train(tmp_path / "a", toys.member("tagging"), epochs=4, weight_decay=0.1)
    second = train(
        tmp_path / "b", toys.member("classification"), model=first, epochs=4, weight_decay=0.1
    )
    assert list(second.heads) == [toys.head("classification").name]
    # One checkpoint holds the whole chain: the stages in memory equal the file over a raw model.
    (last,) = (tmp_path / "b" / "checkpoints").iterdir()
    loaded = toys.model()
    load_checkpoint(loaded, last)
    assert apart(weights(loaded), weights(second)) < 1e-6
    # And a stage that starts from a file equals one that goes on in memory.
    middle = toys.model()
    load_checkpoint(middle, next((tmp_path / "a" / "checkpoints").iterdir()), heads=False)
    assert not list(middle.heads)
    third = train(
        tmp_path / "c", toys.member("classification"), model=middle, epochs=4, weight_decay=0.1
    )
    assert apart(weights(third), weights(second)) < 1e-5


def untied(kind: str, folder: Path) -> str:
    """A tiny language model whose output layer is not its input embedding."""
    shutil.copytree(toys.folder(kind), folder)
    config = AutoConfig.from_pretrained(folder, tie_word_embeddings=False)
    loader = AutoModelForCausalLM if kind == "decoder" else AutoModelForSeq2SeqLM
    loader.from_config(config).save_pretrained(folder)
    return str(folder)


@pytest.mark.parametrize("kind", ["decoder", "seq2seq"])
def test_a_text_stage_hands_on_its_output_layer(kind: str, tmp_path: Path) -> None:
    kind = untied(kind, tmp_path / "model")
    raw = toys.model(kind, text=True).lm.get_output_embeddings().weight
    text = toys.member("text", count=8, max_new_tokens="8")
    first = train(tmp_path / "a", text, model=toys.model(kind, text=True), epochs=5)
    trained = first.lm.get_output_embeddings().weight
    assert not torch.equal(trained, raw)
    # A stage in between that is loaded without the output layer keeps it for the next.
    plain = toys.model(kind)
    load_checkpoint(plain, next((tmp_path / "a" / "checkpoints").iterdir()), heads=False)
    train(tmp_path / "b", toys.member("tagging"), model=plain, epochs=2)
    again = toys.model(kind, text=True)
    load_checkpoint(again, next((tmp_path / "b" / "checkpoints").iterdir()), heads=False)
    assert torch.equal(again.lm.get_output_embeddings().weight, trained)


@pytest.mark.parametrize("kind", ["classification", "choice", "tagging", "span"])
def test_accumulation_is_exact(kind: str, tmp_path: Path) -> None:
    # A large epsilon: AdamW otherwise blows rounding up where a gradient is close to 0.
    fields = {"epochs": 3, "adam_epsilon": 1e-2}
    whole = train(tmp_path / "a", toys.member(kind, dev=False), **fields)
    split = train(tmp_path / "b", toys.member(kind, dev=False), **fields, micro_batch_size=5)
    assert apart(weights(split), weights(whole)) < 1e-5
    for a, b in zip(read(tmp_path / "a", "curve"), read(tmp_path / "b", "curve"), strict=True):
        assert a == pytest.approx(b, rel=1e-4)


@pytest.mark.parametrize("decay", [0.0, 0.3])
@pytest.mark.parametrize("kind", ["encoder", "seq2seq", "xlm-roberta"])
def test_a_trimmed_vocabulary_equals_training_all_rows(
    kind: str, decay: float, tmp_path: Path
) -> None:
    members = (toys.member("classification", dev=True), toys.member("tagging", dev=False))
    trained = {
        trim: train(
            tmp_path / str(trim),
            *members,
            model=toys.model(kind),
            epochs=4,
            learning_rate=1e-3,
            weight_decay=decay,
            trim_vocabulary=trim,
            evaluations=2,
        )
        for trim in (True, False)
    }
    assert apart(weights(trained[True]), weights(trained[False])) < 1e-6
    raw = toys.model(kind).backbone.get_input_embeddings().weight
    unseen = trained[True].backbone.get_input_embeddings().weight[300]
    assert (not torch.equal(unseen, raw[300])) == (decay > 0)
    kept = read(tmp_path / "True", "training")["trained_rows"]
    assert kept < 100 < read(tmp_path / "False", "training")["trained_rows"]
    # The checkpoints of both, laid over a raw model, are the trained models.
    for trim in (True, False):
        loaded = toys.model(kind)
        load_checkpoint(loaded, sorted((tmp_path / str(trim) / "checkpoints").iterdir())[-1])
        assert apart(weights(loaded), weights(trained[trim])) < 1e-7


def test_trimming_leaves_the_model_as_it_found_it(tmp_path: Path) -> None:
    model = toys.model()
    table = model.backbone.get_input_embeddings()
    full, padding = table.weight, table.padding_idx
    train(tmp_path, toys.member("classification"), model=model, epochs=1)
    assert table.weight is full
    assert table.padding_idx == padding
    assert full.requires_grad
    assert not table._forward_pre_hooks


REPEATED = """
import sys
from pathlib import Path
sys.path.insert(0, "tests")
import test_train
test_train.repeated(Path(sys.argv[1]), seed=0)
"""


def repeated(folder: Path, seed: int) -> None:
    train(
        folder,
        toys.member("classification"),
        toys.member("span"),
        rates="equal",
        epochs=2,
        dropout=0.1,
        evaluations=2,
        weight_decay=0.01,
        seed=seed,
    )


def contents(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


@pytest.mark.slow
def test_equal_runs_in_two_processes_write_equal_bytes(tmp_path: Path) -> None:
    command = [sys.executable, "-c", REPEATED, str(tmp_path / "a")]
    subprocess.run(command, cwd=Path(__file__).parents[1], check=True)
    repeated(tmp_path / "b", seed=0)
    repeated(tmp_path / "c", seed=1)
    a, b, c = (contents(tmp_path / name) for name in "abc")
    assert a == b
    assert len(a) == 4 + 2 * 2
    assert a["curve.json"] != c["curve.json"]


def test_fresh_heads_depend_on_seed_and_spec_alone(tmp_path: Path) -> None:
    kept = {}
    for name, members in {
        "alone": [toys.member("classification")],
        "mixed": [toys.member("tagging"), toys.member("classification", count=8)],
    }.items():
        train(tmp_path / name, *members, learning_rate=1e-30, epochs=1)
        model = toys.model()
        load_checkpoint(model, next((tmp_path / name / "checkpoints").iterdir()))
        kept[name] = model.heads[toys.head("classification").name].state_dict()
    assert all(torch.equal(kept["alone"][n], kept["mixed"][n]) for n in kept["alone"])


def test_a_head_is_fresh_unless_it_is_to_be_kept(tmp_path: Path) -> None:
    name = toys.head("tagging").name
    model = train(tmp_path / "a", toys.member("tagging"), epochs=2)
    trained = model.heads[name][1].weight.detach().clone()
    train(tmp_path / "b", toys.member("tagging"), model=model, learning_rate=1e-30, keep_head=True)
    assert torch.equal(model.heads[name][1].weight, trained)
    train(tmp_path / "c", toys.member("tagging"), model=model, learning_rate=1e-30)
    assert not torch.equal(model.heads[name][1].weight, trained)


def test_evaluations_are_numbered_and_stop_when_nothing_improves(tmp_path: Path) -> None:
    train(tmp_path / "a", toys.member("tagging"), epochs=6, evaluations=4)
    evaluations = read(tmp_path / "a", "evaluations")
    assert [e["checkpoint"] for e in evaluations] == ["000003", "000006", "000009", "000012"]
    assert [e["step"] for e in evaluations] == [3, 6, 9, 12]
    assert evaluations[-1]["epoch"] == 6
    assert set(evaluations[0]["dev"]) == {"toy-tagging"}
    names = sorted(path.name for path in (tmp_path / "a" / "checkpoints").iterdir())
    assert names == [e["checkpoint"] for e in evaluations]
    train(
        tmp_path / "b",
        toys.member("tagging"),
        epochs=6,
        evaluations=6,
        patience=2,
        learning_rate=1e-30,
    )
    assert [e["step"] for e in read(tmp_path / "b", "evaluations")] == [2, 4, 6]
    assert read(tmp_path / "b", "training")["steps"] == 6
    assert read(tmp_path / "b", "training")["planned_steps"] == 12


def test_without_dev_there_is_no_score(tmp_path: Path) -> None:
    train(tmp_path, toys.member("tagging", dev=False), epochs=1)
    assert read(tmp_path, "evaluations")[0]["score"] is None
    assert read(tmp_path, "evaluations")[0]["dev"] == {}


def test_a_headline_is_the_mean_over_members(tmp_path: Path) -> None:
    train(tmp_path, toys.member("tagging"), toys.member("classification"), epochs=1)
    evaluation = read(tmp_path, "evaluations")[0]
    values = [dev["accuracy"] for dev in evaluation["dev"].values()]
    assert len(values) == 2
    assert evaluation["score"] == sum(values) / 2


def test_equal_heads_are_shared_and_tasks_told_apart(tmp_path: Path) -> None:
    model = train(tmp_path, toys.member("tagging"), toys.member("tagging", count=8), epochs=1)
    assert list(model.heads) == [toys.head("tagging").name]
    assert [m["task"] for m in read(tmp_path, "training")["members"]] == [
        "toy-tagging",
        "toy-tagging#1",
    ]


def test_what_is_cut_away_is_dropped_counted_and_logged(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    member = toys.member("span")
    lost = SpanExample(id="lost", question="who", context="the cat", answers=())
    with caplog.at_level(logging.WARNING):
        train(tmp_path, replace(member, examples=[*member.examples, lost]), epochs=1)
    assert read(tmp_path, "training")["members"][0]["dropped"] == 1
    assert "toy-span: 1 training examples dropped" in caplog.text
    with pytest.raises(StepFailed, match="expected training examples of task toy-span, found none"):
        train(tmp_path / "b", replace(member, examples=[lost]), epochs=1)


def test_progress_ends_at_the_last_step(tmp_path: Path) -> None:
    seen: list[TrainProgress] = []
    mixture = toys.mixture(toys.member("tagging"))
    output = Output(folder=tmp_path, progress=seen.append)
    finetune(toys.model(), mixture, toys.config(epochs=2), toys.NUMERICS, 0, output)
    assert [p.step for p in seen] == [1, 2, 3, 4]
    assert seen[-1].steps == 4
    assert seen[-1].seconds_left == 0
    assert seen[-1].tokens_per_s > seen[-1].examples_per_s > 0


def test_the_schedule_rises_and_falls_and_is_never_zero() -> None:
    config = toys.config(learning_rate=1.0, warmup=0.2)
    rates = [learning_rate(step, 10, config) for step in range(1, 11)]
    assert rates[:2] == [0.5, 1.0]
    assert rates[1:] == sorted(rates[1:], reverse=True)
    assert rates[-1] == pytest.approx(1 / 9)
    assert learning_rate(1, 1, toys.config(learning_rate=1.0)) == 1.0
    assert learning_rate(1, 1, toys.config(learning_rate=1.0, warmup=0)) == 1.0


def test_a_loss_that_is_not_finite_names_step_and_task(tmp_path: Path) -> None:
    model = toys.model()
    with torch.no_grad():
        next(model.backbone.parameters()).fill_(torch.nan)
    with pytest.raises(StepFailed, match=r"expected a finite loss, found nan at step 1 of .* toy-"):
        train(tmp_path, toys.member("classification"), model=model)


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20 GiB"),
        RuntimeError("[enforce fail at alloc_cpu.cpp] DefaultCPUAllocator: can't allocate memory"),
    ],
)
def test_out_of_memory_names_the_settings_to_lower(
    error: Exception, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any) -> None:
        raise error

    monkeypatch.setattr("waystation.heads.classification.Classification.loss", fail)
    with pytest.raises(StepFailed, match=r"memory exhausted; lower `micro_batch_size` or `max_t"):
        train(tmp_path, toys.member("classification"))


def test_other_errors_stay_what_they_are(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any) -> None:
        raise RuntimeError("shapes do not match")

    monkeypatch.setattr("waystation.heads.classification.Classification.loss", fail)
    with pytest.raises(RuntimeError, match="shapes do not match"):
        train(tmp_path, toys.member("classification"))


def test_gold_is_needed_to_train(tmp_path: Path) -> None:
    member = toys.member("classification")
    blank = replace(member.examples[3], label=None)
    with pytest.raises(UserError, match=r"expected one of the labels a, b, c .* None .* '3'"):
        train(tmp_path, replace(member, examples=[blank]))


def test_a_checkpoint_of_another_backbone_is_refused(tmp_path: Path) -> None:
    train(tmp_path, toys.member("tagging"), epochs=1)
    (checkpoint,) = (tmp_path / "checkpoints").iterdir()
    with pytest.raises(ModelError, match=r"expected a checkpoint of this backbone in .*, found"):
        load_checkpoint(toys.model("decoder"), checkpoint)


def test_bf16_trains(tmp_path: Path) -> None:
    finetune(
        toys.model(),
        toys.mixture(toys.member("tagging"), toys.member("classification")),
        toys.config(epochs=20),
        Numerics(precision="bf16", threads=1),
        0,
        Output(folder=tmp_path),
    )
    curve = read(tmp_path, "curve")
    assert curve[-1][1] < curve[0][1]


def test_keeping_memory_changes_nothing_that_is_computed(tmp_path: Path) -> None:
    keep_memory()
    assert torch.ones(3).sum() == 3
