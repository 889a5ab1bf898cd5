"""A small study whose stages train adapters: merged and stacked chains, frozen layers, faults."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from miniature import bytes_of, write

from tiny import tiny_encoder
from waystation.errors import ModelError, StudyFaults
from waystation.explain import summary
from waystation.modelfolder import config_of
from waystation.run import Options, Outcome, prepare, run_study

STUDY = """\
name: adapters
backbones: [model]
intermediate:
  - none
  - {task: pocket-topic, examples: 24, name: full}
  - {task: pocket-topic, examples: 24, name: merged, train: {adapter: {rank: 2, after: merge}}}
  - - {task: pocket-topic, examples: 24, train: {adapter: {rank: 2, after: merge}}}
    - {task: pocket-nli, examples: 16, train: {adapter: {rank: 2, after: stack}}}
    - {task: pocket-topic, examples: 24, train: {adapter: {kind: bottleneck, rank: 2}}}
    - {task: pocket-nli, examples: 16, train: {frozen: 1, layer_decay: 0.8}}
targets:
  - {task: pocket-topic, languages: [en, de], examples: 12,
     fine_tune: {task: pocket-topic, examples: 24, train: {adapter: {kind: lora, rank: 4}}}}
train: {learning_rate: 1e-2, epochs: 1, batch_size: 8, max_tokens: 64, dev_examples: 8}
numerics: {precision: fp32, threads: 1}
"""
FULL = """\
name: full
backbones: [model]
intermediate: [none, {task: pocket-topic, examples: 24}]
targets:
  - {task: pocket-pos, languages: [en], examples: 8, fine_tune: {task: pocket-pos, examples: 16}}
train: {learning_rate: 1e-2, epochs: 1, batch_size: 8, max_tokens: 64, dev_examples: 8}
"""
CHAIN = "pocket-topic>pocket-nli>pocket-topic>pocket-nli"


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write(tmp_path_factory.mktemp("study"), STUDY)


@pytest.fixture(scope="module")
def ran(study: Path, tmp_path_factory: pytest.TempPathFactory) -> Outcome:
    return run_study(study, Options(store=tmp_path_factory.mktemp("store")))


def stages(ran: Outcome, name: str) -> list[Any]:
    """The checkpoints of a stop's stages and of the target's after it: (file sizes, adapters)."""
    prepared, found = ran.prepared, []
    (route,) = {r.predict for r in prepared.plan.routes if r.stop == name and r.language == "en"}
    for key in prepared.plan.ancestors(route):
        if prepared.plan.steps[key].kind == "train":
            (folder,) = (prepared.store.folder(key) / "checkpoints").iterdir()
            about = json.loads((folder / "checkpoint.json").read_text())
            lying = [(a["name"], a["merged"]) for a in about.get("adapters", [])]
            found.append(((folder / "changed.safetensors").stat().st_size, lying))
    return found


def test_every_route_is_scored_and_shares_what_is_equal(ran: Outcome) -> None:
    assert ran.count("failed") == 0, ran.finished
    assert len({(s.stop, s.language) for s in ran.results.scores}) == 4 * 2
    trains = [s for s in ran.prepared.plan.steps.values() if s.kind == "train"]
    assert len(trains) == 1 + 1 + 3 + 4  # full, merged (the chain's first too), the chain, targets
    for step in trains:
        config: Any = step.spec["config"]
        assert ("adapter" in config) == (config.get("adapter") is not None)


def test_what_each_stage_stores(ran: Outcome) -> None:
    assert [lying for _, lying in stages(ran, "none")] == [[("s0", False)]]
    assert [lying for _, lying in stages(ran, "full")] == [[], [("s0", False)]]
    merged = stages(ran, "merged")
    assert [lying for _, lying in merged] == [[("s0", False)], [("s0", True), ("s1", False)]]
    assert max(size for size, _ in merged) < stages(ran, "full")[0][0] / 4
    assert [lying for _, lying in stages(ran, CHAIN)] == [
        [("s0", False)],
        [("s0", True), ("s1", False)],
        [("s0", True), ("s1", False), ("s2", False)],
        [("s0", True), ("s1", False), ("s2", False)],  # layer 1, frozen, is still merged
        [("s0", True), ("s1", False), ("s2", False), ("s3", False)],
    ]


def test_the_same_study_gives_the_same_bytes(study: Path, ran: Outcome, tmp_path: Path) -> None:
    run_study(study, Options(store=tmp_path, jobs=2, pool="local"))
    assert bytes_of(tmp_path) == bytes_of(ran.prepared.store.root)


def test_the_plan_knows_how_much_is_trained(study: Path, tmp_path: Path) -> None:
    prepared = prepare(study, Options(store=tmp_path))
    counts = prepared.lock["backbones"]["model"]["trainable"]  # type: ignore[index,call-overload]
    lora = '{"adapter":{"after":"merge","alpha":16.0,"dropout":0.0,"kind":"lora","modules":[],'
    # Two layers, query and value, 16 by 16: rank * (16 + 16) each.
    assert counts[lora + '"rank":2}}'] == 2 * 2 * 2 * 32
    assert counts['{"frozen":1}'] < 3000
    # Without any finished step, a step takes its share of what a full one is assumed to.
    estimate: Any = summary(prepared)["estimate"]
    full = write(tmp_path / "full", FULL)
    assumed: Any = summary(prepare(full, Options(store=tmp_path / "store")))["estimate"]
    size = prepared.lock["backbones"]["model"]["size_bytes"]  # type: ignore[index,call-overload]
    assert assumed["disk_bytes"] == 3 * size  # the stop, and the target without and with it
    assert estimate["disk_bytes"] < 4 * size  # the full stop, the target after it, the last stage
    assert estimate["memory_bytes"] == assumed["memory_bytes"] == 4 * size


def faults(folder: Path, settings: str) -> str:
    path = write(folder, STUDY.replace("frozen: 1, layer_decay: 0.8", settings))
    with pytest.raises(StudyFaults) as error:
        prepare(path, Options(store=folder / "store"))
    return str(error.value)


def test_what_does_not_fit_the_backbone_is_said_before_anything_runs(tmp_path: Path) -> None:
    path = f"{tmp_path / 'miniature.yaml'}: backbone model: "
    assert faults(tmp_path, "frozen: 5") == (
        f"{path}expected `frozen` of at most 2, the number of its layers, found 5; lower it."
    )
    assert faults(tmp_path, "adapter: {modules: [querry]}") == (
        f"{path}expected `adapter.modules` to name linear layers of the bert backbone (query, key,"
        " value, dense; or all-linear alone), found 'querry', which it does not have; correct it."
        " Did you mean 'query'?"
    )
    assert "expected no `modules` for `adapter: {kind: bottleneck}`" in faults(
        tmp_path, "adapter: {kind: bottleneck, modules: [query]}"
    )


def test_an_adapters_folder_is_no_backbone(tmp_path: Path) -> None:
    folder = tiny_encoder(tmp_path / "model")
    about = {"peft_type": "LORA", "base_model_name_or_path": "intfloat/multilingual-e5-small"}
    (folder / "adapter_config.json").write_text(json.dumps(about))
    with pytest.raises(ModelError) as error:
        config_of(folder, "model")
    assert str(error.value) == (
        f"expected a whole model in {folder}, found a PEFT adapter for"
        " 'intfloat/multilingual-e5-small' (adapter_config.json); merge it into that model with"
        " `merge_and_unload`, save the result with `save_pretrained` and name its folder."
    )
