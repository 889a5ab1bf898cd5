"""What a study may say of selections, averages and sweeps, and which steps it gets for it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tiny import tiny_encoder
from waystation.errors import StudyFaults
from waystation.plan import Plan, plan
from waystation.resolve import resolve
from waystation.selections import stage_faults
from waystation.settings import TrainConfig
from waystation.store import Store
from waystation.study import Stage, TaskUse, load_study

TARGET = "{task: pocket-topic, languages: [en, de], examples: 6, fine_tune: {task: pocket-topic, examples: 16}%s}"  # noqa: E501
TRAIN = "epochs: 1, batch_size: 8, max_tokens: 64, dev_examples: 4, evaluations: 4"


class Written:
    """A folder with a tiny model, where studies are written and planned."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        tiny_encoder(folder / "model")

    def lock(self, target: str, train: str = "", more: str = "", seeds: str = "[0, 1]") -> Any:
        text = (
            f"name: own\nbackbones: [model]\nseeds: {seeds}\n{more}targets:\n"
            f"  - {TARGET % target}\ntrain: {{{TRAIN}{train}}}\n"
            "numerics: {precision: fp32, threads: 1}\n"
        )
        path = self.folder / "own.yaml"
        path.write_text(text)
        (self.folder / "own.lock").unlink(missing_ok=True)
        return resolve(load_study(path), Store.open(self.folder / "store"))

    def plan(self, *args: str, **kwargs: str) -> Plan:
        return plan(self.lock(*args, **kwargs))


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Written:
    return Written(tmp_path_factory.mktemp("selections"))


def kinds(planned: Plan) -> dict[str, int]:
    found = [step.kind for step in planned.steps.values()]
    return {kind: found.count(kind) for kind in sorted(set(found))}


ALL = ", selections: [source-dev, oracle-dev, last, average-3, average-seeds]"


def test_all_ways_come_from_the_same_training_and_leave_its_own_steps_alone(
    written: Written,
) -> None:
    plain = written.plan("", ", head_seed: 0")
    compared = written.plan(ALL, ", head_seed: 0")
    assert compared.routes == plain.routes
    assert set(plain.steps) < set(compared.steps)
    # Per seed: its own, last, an oracle for each language; average-3; and one over the seeds.
    assert kinds(compared) == {
        "train": 2,
        "select": 2 * 4,
        "average": 2 + 1,
        # Per seed: 2 languages by 4 ways, and the oracle's 2 dev sets; the mean of the seeds.
        "predict": 2 * (2 * 4 + 2) + 2,
        "score": 2 * (2 * 4 + 2) + 2,
    }
    rules = [(r.rule, r.seed) for r in compared.selections]
    assert set(rules) == {
        *((rule, seed) for rule in ("oracle-dev", "last", "average-3") for seed in (0, 1)),
        ("average-seeds", 0),
    }


def test_a_way_that_is_another_study_s_own_selection_is_the_same_step(written: Written) -> None:
    compared = written.plan(", selections: [last, average-2]")
    last = written.plan("", ", selection: last")
    averaged = written.plan("", ", selection: average-2")
    assert {r.score for r in last.routes} == {
        r.score for r in compared.selections if r.rule == "last"
    }
    assert {r.score for r in averaged.routes} == {
        r.score for r in compared.selections if r.rule == "average-2"
    }


def test_average_1_is_last(written: Written) -> None:
    assert written.plan("", ", selection: average-1") == written.plan("", ", selection: last")


def test_what_no_rule_uses_enters_no_key(written: Written) -> None:
    planned = written.plan("")
    for step in planned.steps.values():
        assert not {"twins"} & set(step.context)
        if step.kind == "train":
            config: Any = step.spec["config"]
            assert not {"learning_rates", "head_seed", "selection"} & set(config)
        if step.kind == "select":
            assert set(step.spec) == {"train", "rule"}
        if step.kind == "predict":
            assert "checkpoints" not in step.spec


def test_a_sweep_trains_every_value_and_one_value_is_none(written: Written) -> None:
    swept = written.plan("", ", learning_rates: [1.0e-4, 1.0e-3]", seeds="[0]")
    assert kinds(swept) == {"predict": 2, "score": 2, "select": 1, "train": 2}
    (select,) = (s for s in swept.steps.values() if s.kind == "select")
    assert [rate for rate, _ in select.spec["runs"]] == [1e-4, 1e-3]  # type: ignore[union-attr,misc]
    one = written.plan("", ", learning_rates: [1.0e-3]")
    assert one == written.plan("", ", learning_rate: 1.0e-3")
    # A value of the list is the training that has it alone.
    alone = {k for k, s in one.steps.items() if s.kind == "train" and s.spec["seed"] == 0}
    assert alone < set(swept.steps)


def test_a_narrower_learning_rate_ends_a_sweep_and_a_narrower_sweep_begins_one(
    written: Written,
) -> None:
    ended = written.plan(", train: {learning_rate: 1e-3}", ", learning_rates: [1e-4, 1e-5]")
    assert kinds(ended)["train"] == 2
    begun = written.plan(
        "", more="overrides: {pocket-topic: {learning_rates: [1e-4, 1e-5, 1e-6]}}\n"
    )
    assert kinds(begun)["train"] == 6


def test_a_swept_stop_hands_on_its_winner(written: Written) -> None:
    stop = "{task: pocket-topic, examples: 8, name: stop, train: {learning_rates: [1e-4, 1e-3]%s}}"
    for rule, kind in (("", "select"), (", selection: average-2", "average")):
        planned = written.plan("", more=f"intermediate:\n  - {stop % rule}\n", seeds="[0]")
        (train,) = (
            s for s in planned.steps.values() if s.kind == "train" and s.spec["parent"] is not None
        )
        parent: Any = train.spec["parent"]
        assert parent[0] == parent[1]
        assert planned.steps[parent[0]].kind == kind
        values = [s.key for s in planned.steps.values() if "learning rate" in s.label]
        assert set(values) <= {*planned.ancestors(train.key)}


def test_only_some_seeds_have_no_mean_of_all(written: Written) -> None:
    lock = written.lock(ALL, ", head_seed: 0")
    assert all(r.rule != "average-seeds" for r in plan(lock, only="none>pocket-topic@0").selections)


FAULTS = {
    "an unknown rule": (
        (", selections: [first]",),
        "expected one of source-dev, oracle-dev, last, average-3, average-seeds",
    ),
    "a rule twice": ((", selections: [last, last]",), "expected each of the selections once"),
    "circular": (
        (", split: dev, selections: [oracle-dev]",),
        "expected another split to evaluate beside oracle-dev",
    ),
    "too few evaluations to compare": (
        (", selections: [average-5]",),
        r"targets\.pocket-topic\.selections: expected at least 5 `evaluations` to average over",
    ),
    "too few evaluations to hand on": (
        ("", ", selection: average-5"),
        "pocket-topic: expected at least 5 `evaluations` to average over, found 4",
    ),
    "heads that start apart": (
        (", selections: [average-seeds]",),
        "expected `head_seed` in the training's settings",
    ),
    "an adapter": (
        (", selections: [average-2]", ", adapter: {kind: lora}"),
        r"average-2: expected weights that can be averaged, found an adapter \(lora\)",
    ),
    "an adapter handed on": (
        ("", ", selection: average-2, adapter: {kind: lora}"),
        r"`selection: average-2`: expected weights that can be averaged, found an adapter",
    ),
    "a value twice": (
        ("", ", learning_rates: [1e-4, 1e-3, 1e-4]"),
        "pocket-topic: expected each of `learning_rates` once, found 0.0001 again",
    ),
}


@pytest.mark.parametrize("case", FAULTS)
def test_faults_are_found_before_anything_trains(written: Written, case: str) -> None:
    arguments, message = FAULTS[case]
    with pytest.raises(StudyFaults, match=message):
        written.lock(*arguments)


def test_the_stop_whose_adapter_cannot_be_averaged_is_named(written: Written) -> None:
    stop = "intermediate: [{task: pocket-nli, name: small, train: {adapter: {kind: lora}}}]\n"
    with pytest.raises(StudyFaults, match="average-seeds after small: expected weights"):
        written.lock(", selections: [average-seeds]", ", head_seed: 0", stop)


def test_one_seed_has_no_mean(written: Written) -> None:
    with pytest.raises(StudyFaults, match="expected several `seeds` for average-seeds, found 1"):
        written.lock(", selections: [average-seeds]", ", head_seed: 0", seeds="[0]")


def test_retrieval_has_no_oracle_and_what_is_not_trained_no_choice(written: Written) -> None:
    path = written.folder / "own.yaml"
    start = "name: own\nbackbones: [model]\ntargets:\n"
    path.write_text(start + "  - {task: pocket-bitext, selections: [oracle-dev]}\n")
    with pytest.raises(StudyFaults, match="expected no oracle-dev, since a retrieval target"):
        load_study(path)
    path.write_text(start + "  - {task: pocket-bitext, fine_tune: false, selections: [last]}\n")
    with pytest.raises(StudyFaults, match="expected `selections` on a target with fine-tuning"):
        load_study(path)


def test_a_language_without_dev_is_left_out_and_said(tmp_path: Path) -> None:
    tiny_encoder(tmp_path / "model")
    rows = "".join(f"text number {i},{'good' if i % 2 else 'bad'}\n" for i in range(40))
    (tmp_path / "train.csv").write_text("body,stars\n" + rows)
    (tmp_path / "test.csv").write_text("body,stars\nein Text,good\nnoch einer,bad\n")
    (tmp_path / "own.yaml").write_text(
        "name: own\nbackbones: [model]\ntargets:\n"
        "  - {csv: train.csv, kind: classification, text: body, label: stars, language: en,\n"
        "     evaluate: {de: test.csv}, selections: [oracle-dev]}\n"
    )
    lock: Any = resolve(load_study(tmp_path / "own.yaml"), Store.open(tmp_path / "store"))
    assert lock["targets"][0]["oracle"] == {}
    assert (
        "train: no dev split with gold in de, so that oracle-dev is left out there."
        in (lock["remarks"])
    )
    assert plan(lock).selections == ()


def test_a_sweep_needs_dev_examples() -> None:
    stage = Stage(members=(TaskUse(task="snli"),))
    config = TrainConfig(learning_rates=(1e-5, 3e-5))
    assert list(stage_faults(config, stage, dev=True)) == []
    (fault,) = stage_faults(config, stage, dev=False)
    assert fault.startswith("snli: expected dev examples to compare `learning_rates` by")
