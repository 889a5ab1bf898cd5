"""A small study with every way to choose a checkpoint and a sweep, run from end to end."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from miniature import bytes_of, write

from waystation.report import render
from waystation.run import Options, Outcome, prepare, prunable, run_study

STUDY = """\
name: choices
backbones: [model]
seeds: [0, 1]
intermediate:
  - {task: pocket-topic, examples: 16, name: topic,
     train: {learning_rates: [1e-4, 1e-2], selection: average-2}}
targets:
  - {task: pocket-pos, languages: [en, de], examples: 8,
     fine_tune: {task: pocket-pos, examples: 16},
     selections: [source-dev, oracle-dev, last, average-3, average-seeds]}
train: {learning_rate: 1e-2, epochs: 2, batch_size: 4, max_tokens: 32, dev_examples: 8,
        evaluations: 4, head_seed: 0}
numerics: {precision: fp32, threads: 1}
"""

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write(tmp_path_factory.mktemp("choices"), STUDY)


@pytest.fixture(scope="module")
def ran(study: Path, tmp_path_factory: pytest.TempPathFactory) -> Outcome:
    return run_study(study, Options(store=tmp_path_factory.mktemp("store")))


def read(ran: Outcome, key: str | None, name: str) -> Any:
    return json.loads((ran.prepared.store.folder(str(key)) / name).read_text())


def test_everything_runs_and_every_way_is_scored(ran: Outcome) -> None:
    assert {f.state for f in ran.finished.values()} == {"done"}
    found = {(s.rule, s.score.stop, s.score.seed, s.score.language) for s in ran.results.selections}
    ways = ("source-dev", "oracle-dev", "last", "average-3")
    assert found == {
        (rule, stop, seed, language)
        for stop in ("none", "topic")
        for language in ("en", "de")
        for rule, seed in [*((w, n) for w in ways for n in (0, 1)), ("average-seeds", 0)]
    }
    own = {id(s.score.metric): None for s in ran.results.selections if s.own}
    assert len(own) == 1
    headline = [s.values for s in ran.results.scores]
    assert [s.score.values for s in ran.results.selections if s.own] == headline


def test_the_oracle_is_at_least_as_good_on_its_own_dev_as_any_checkpoint(ran: Outcome) -> None:
    plan = ran.prepared.plan
    oracles = [r for r in plan.selections if r.rule == "oracle-dev"]
    assert len(oracles) == 8
    moved = set()
    for route in oracles:
        picked = read(ran, route.select, "select.json")
        scored = read(ran, str(plan.steps[str(route.select)].spec["score"]), "score.json")
        values = {
            name: next(iter(next(iter(metrics.values()))["values"].values()))
            for name, metrics in scored["variants"].items()
        }
        assert len(values) == 4
        assert picked["score"] == max(values.values()) == values[picked["checkpoint"]]
        moved |= set(values.values())
    assert len(moved) > 4, "dev scores that never differ test nothing"


def test_equal_choices_give_equal_predictions(ran: Outcome) -> None:
    plan, store = ran.prepared.plan, ran.prepared.store
    by_checkpoint: dict[tuple[Any, ...], set[bytes]] = {}
    for route in (*plan.routes, *plan.selections):
        model: Any = plan.steps[route.predict].spec["model"]
        name = read(ran, route.select, "select.json")["checkpoint"]
        body = store.read(route.predict, "predictions.jsonl")
        by_checkpoint.setdefault((model[0], name, route.language), set()).add(body)
    assert all(len(bodies) == 1 for bodies in by_checkpoint.values())
    assert len(by_checkpoint) < len(plan.routes) + len(plan.selections)


def test_a_twin_s_result_is_what_predicting_gives(
    ran: Outcome, study: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("waystation.select.twin", lambda store, step: None)
    run_study(study, Options(store=tmp_path))
    assert bytes_of(tmp_path) == bytes_of(ran.prepared.store.root)


def test_a_sweep_names_every_value_and_hands_on_the_winner(ran: Outcome) -> None:
    plan = ran.prepared.plan
    assert len(ran.results.sweeps) == 2
    for sweep in ran.results.sweeps:
        picked = read(ran, sweep.key, "select.json")
        assert [rate for rate, _ in sweep.values] == [1e-4, 1e-2]
        assert sweep.chosen == max(sweep.values, key=lambda v: v[1])[0]
        (average,) = (
            s for s in plan.steps.values() if s.kind == "average" and s.spec.get("run") == sweep.key
        )
        of = read(ran, average.key, "select.json")["of"]
        assert of == [[picked["train"], name] for _, name in of]
        assert [name for _, name in of] == ["000006", "000008"]
    assert any("the best of `learning_rates` is the" in w for w in ran.results.warnings)


def test_a_second_run_computes_nothing_and_gc_may_delete_averages(
    ran: Outcome, study: Path
) -> None:
    prepared = prepare(study, Options(store=ran.prepared.store.root))
    assert prepared.missing == []
    plan = prepared.plan
    stops = [s for s in plan.steps.values() if "topic@" in s.label and "pos" not in s.label]
    assert prunable(prepared).keys() == {
        k for k, s in plan.steps.items() if s.kind in ("train", "average") and s not in stops
    }


def test_every_format_has_them(ran: Outcome) -> None:
    for format in ("html", "md", "latex"):
        text = render(ran.results, format)
        assert "What the choice of checkpoint is worth" in text
        assert "oracle-dev" in text
        assert "Learning rates" in text
    document = json.loads(render(ran.results, "json"))
    assert [(c["stop"], c["own"], c["reference"]) for c in document["selections"]] == [
        ("none", "source-dev", "source-dev"),
        ("topic", "source-dev", "source-dev"),
    ]
    languages = {x["language"]: x for x in document["selections"][0]["languages"]}
    assert list(languages) == ["mean", "de", "en"]
    scores = {rule: found["score"] for rule, found in languages["de"]["rules"].items()}
    assert languages["de"]["spread"] == max(scores.values()) - min(scores.values())
    difference = languages["de"]["rules"]["last"]["difference"]
    assert difference["value"] == pytest.approx(scores["last"] - scores["source-dev"])
    assert [s["training"] for s in document["sweeps"]] == ["topic@0", "topic@1"]
    csv = render(ran.results, "csv").splitlines()
    averaged = [line for line in csv if line.endswith("selection,average-seeds")]
    assert averaged
    assert all(",all," in line for line in averaged)
