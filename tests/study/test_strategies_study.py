"""Whole small studies of probes, size-matched stops, mixtures and long chains."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import miniature
import pytest

from official import ABSENT, DATA
from tiny import tiny_decoder, tiny_encoder
from waystation import sources
from waystation import task as tasks
from waystation.errors import StudyFaults
from waystation.plan import plan
from waystation.report import analyse, render
from waystation.resolve import resolve
from waystation.run import Options, Outcome, run_study
from waystation.store import Store
from waystation.study import load_study

PROBED = """\
name: miniature
backbones: [model]
seeds: [0, 1]
intermediate:
  - none
  - {task: pocket-topic, examples: 24, name: topic}
  - name: long
    mix: [{task: pocket-topic, examples: 12}, {task: pocket-nli, examples: 12, language: de}]
targets:
  - {task: pocket-bitext, languages: [de], examples: 10, fine_tune: false}
probes:
  text: [pocket-bitext]
  parallel: pocket-bitext
  languages: [en, de, sw]
  examples: 10
train: {learning_rate: 1e-3, epochs: 1, batch_size: 8, max_tokens: 64, dev_examples: 8}
numerics: {precision: fp32, threads: 1}
"""


def locked(path: Path, store: Path) -> Any:
    return resolve(load_study(path), Store.open(store))


@pytest.fixture(scope="module")
def outcome(tmp_path_factory: pytest.TempPathFactory) -> Outcome:
    folder = tmp_path_factory.mktemp("probed")
    path = miniature.write(folder, PROBED)
    found = run_study(path, Options(store=folder / "store"))
    assert found.count("failed") == 0
    return found


def test_every_stage_of_every_stop_is_probed(outcome: Outcome) -> None:
    seen = {
        (p.score.target, p.score.stop, p.stage, p.score.seed, p.score.language)
        for p in outcome.results.probes
    }
    stops = (("none", 0), ("topic", 1), ("long", 1))
    assert seen == {
        (probe, stop, stage, seed, tag)
        for stop, stage in stops
        for seed in (0, 1)
        for probe, tags in (("retrieval", ("de", "sw")), ("loss", ("en", "de", "sw")))
        for tag in tags
    }
    assert outcome.results.unprobed == {}


def test_an_equal_target_is_the_same_steps(outcome: Outcome) -> None:
    planned = outcome.prepared.plan
    targets = {(r.stop, r.seed): r.score for r in planned.routes}
    probes = {
        (p.route.stop, p.route.seed): p.route.score
        for p in planned.probes
        if (p.route.target, p.route.language) == ("retrieval", "de")
    }
    assert targets == probes


def test_the_raw_backbone_is_probed_once(outcome: Outcome) -> None:
    raw = {p.route.score for p in outcome.prepared.plan.probes if p.stage == 0}
    assert len(raw) == 5  # two languages of retrieval and three of the loss, for both seeds


def test_all_stages_meet_the_same_masks(outcome: Outcome) -> None:
    store, tokens = outcome.prepared.store, []
    for probe in outcome.prepared.plan.probes:
        if (probe.route.target, probe.route.language) == ("loss", "sw"):
            lines = store.read(probe.route.predict, "predictions.jsonl").decode().splitlines()
            tokens.append([(json.loads(n)["id"], json.loads(n)["tokens"]) for n in lines])
    assert len(tokens) == 6
    assert all(one == tokens[0] for one in tokens)


def test_the_report_has_what_the_stops_forgot(outcome: Outcome) -> None:
    analysis = analyse(outcome.results, resamples=50)
    assert [p.target for p in analysis.probes] == ["retrieval", "loss"]
    loss = analysis.probes[1].cell("topic", "sw")
    assert loss is not None
    assert loss.gain is not None
    assert "What the stops forgot" in render(outcome.results, "html", analysis)


def test_only_keeps_the_probes_of_its_stops(outcome: Outcome) -> None:
    chosen = plan(outcome.prepared.lock, "topic>*@0")
    assert {p.route.stop for p in chosen.probes} == {"none", "topic"}


def test_an_encoder_without_an_output_layer_says_why(tmp_path: Path) -> None:
    from transformers import AutoModel

    path = miniature.write(tmp_path, PROBED.replace("[model]", "[model, bare]"))
    tiny_encoder(tmp_path / "bare")
    bare = AutoModel.from_pretrained(tmp_path / "bare", add_pooling_layer=False)
    bare.save_pretrained(tmp_path / "bare")
    lock = locked(path, tmp_path / "store")
    measured = {p["name"]: p for p in lock["probes"]["measured"]}
    assert measured["loss"]["backbones"] == ["model"]
    assert list(lock["probes"]["unmeasured"]) == ["bare"]
    assert "ships no output layer" in lock["probes"]["unmeasured"]["bare"]
    probed = {(p.route.backbone, p.route.target) for p in plan(lock).probes}
    assert probed == {("model", "retrieval"), ("model", "loss"), ("bare", "retrieval")}


def test_a_decoder_is_probed_by_causal_loss(tmp_path: Path) -> None:
    path = miniature.write(tmp_path, PROBED.replace("[model]", "[decoder]"))
    tiny_decoder(tmp_path / "decoder")
    lock = locked(path, tmp_path / "store")
    loss = lock["probes"]["measured"][1]
    assert loss["head"]["options"] == [["objective", "causal"]]


def test_a_study_without_probes_has_none_in_its_lock(tmp_path: Path) -> None:
    lock = locked(miniature.write(tmp_path), tmp_path / "store")
    assert "probes" not in lock
    assert plan(lock).probes == ()


# -- stops as large as another -------------------------------------------------------------------

STOPS = """\
name: sizes
backbones: [model]
intermediate:
  - {task: pocket-nli, split: test, examples: 60, name: en}
  - {task: pocket-nli, language: de, split: test, like: en, name: de}
  - {task: pocket-topic, like: both, name: topic}
  - name: both
    mix: [{task: pocket-nli, examples: 30}, {task: pocket-topic, examples: 9}]
    cap: 20
targets: [{task: pocket-bitext, languages: [de], examples: 10, fine_tune: false}]
train: {learning_rate: 1e-3, epochs: 1, batch_size: 8, max_tokens: 64, dev_examples: 8}
"""


def test_a_stop_is_as_large_as_another(tmp_path: Path) -> None:
    """What counts is what is trained on: pocket-nli's test split holds some out for dev."""
    path = miniature.write(tmp_path, STOPS)
    lock = locked(path, tmp_path / "store")
    counts = {
        stop["name"]: [
            lock["data"][m["data"]]["count"] for s in stop["stages"] for m in s["members"]
        ]
        for stop in lock["stops"]
    }
    assert counts["de"] == counts["en"]
    assert counts["both"] == [30, 9]
    assert counts["topic"] == [29]  # 30 count as 20, the cap


def test_like_is_the_same_step_as_its_number(tmp_path: Path) -> None:
    def key(text: str) -> str:
        lock = locked(miniature.write(tmp_path, text), tmp_path / "store")
        steps = plan(lock).steps
        return next(k for k, s in steps.items() if s.label == "train de@0")

    assert key(STOPS) == key(STOPS.replace("like: en", "examples: 60"))


def test_a_stop_that_cannot_be_as_large_is_refused(tmp_path: Path) -> None:
    text = STOPS.replace("split: test, like: en", "split: test, like: topic").replace(
        "{task: pocket-topic, like: both", "{task: pocket-topic, examples: 2500"
    )
    with pytest.raises(StudyFaults) as caught:
        locked(miniature.write(tmp_path, text), tmp_path / "store")
    assert "`like: topic`: expected " in str(caught.value)
    assert "as many as that stop trains on, found " in str(caught.value)


# -- mixtures and chains -------------------------------------------------------------------------

NINE = """\
name: nine
backbones: [model]
intermediate:
  - name: all
    mix:
      - {task: pocket-nli, examples: 24}
      - {task: pocket-nli, examples: 16, language: de}
      - {task: pocket-paraphrase, examples: 24}
      - {task: pocket-topic, examples: 24}
      - {task: pocket-choice, examples: 16}
      - {task: pocket-pos, examples: 16}
      - {task: pocket-ner, examples: 16}
      - {task: pocket-qa, examples: 16}
      - {task: pocket-bitext, examples: 16, language: sw}
    RATES
CHAIN
targets: [{task: pocket-bitext, languages: [de], examples: 10, fine_tune: false}]
train: {learning_rate: 1e-3, epochs: 1, batch_size: 8, max_tokens: 64, dev_examples: 8}
numerics: {precision: fp32, threads: 1}
"""
EXPLICIT = (
    "rates: {pocket-nli.en: 0.2, pocket-nli.de: 0.1, pocket-paraphrase: 0.1, pocket-topic: 0.1,"
    " pocket-choice: 0.1, pocket-pos: 0.1, pocket-ner: 0.1, pocket-qa: 0.1, pocket-bitext: 0.1}"
)
FIVE = """\
  - - {task: pocket-topic, examples: 8, language: tr}
    - {task: pocket-nli, examples: 8, language: hi}
    - {task: pocket-pos, examples: 8, language: zh}
    - {mix: [{task: pocket-qa, examples: 8, language: ar}, {task: pocket-choice, examples: 8}]}
    - {task: pocket-bitext, examples: 8, language: sw}
"""


@pytest.mark.parametrize(
    "rates",
    ["cap: 20", "rates: equal", "rates: {temperature: 2}", EXPLICIT],
    ids=["capped", "equal", "temperature", "explicit"],
)
def test_nine_tasks_at_once_are_planned_under_every_sampling(tmp_path: Path, rates: str) -> None:
    text = NINE.replace("RATES", rates).replace("CHAIN\n", "")
    lock = locked(miniature.write(tmp_path, text), tmp_path / "store")
    stage = lock["stops"][1]["stages"][0]
    assert len(stage["members"]) == 9
    assert len([s for s in plan(lock).steps.values() if s.kind == "train"]) == 1


@pytest.mark.parametrize("share", [False, True])
def test_tasks_that_name_labels_in_another_order_share_a_head_where_asked(
    tmp_path: Path, share: bool
) -> None:
    (tmp_path / "mine.py").write_text(
        "from dataclasses import replace\n"
        "from waystation.pocket.tasks import NLI\n"
        "MINE = replace(NLI, name='mine', labels=NLI.labels[::-1])\n"
    )
    text = """\
name: shared
backbones: [model]
intermediate:
  - name: both
    mix: [{task: pocket-nli, examples: 24}, {task: "mine.py:MINE", examples: 24}]
targets: [{task: pocket-bitext, languages: [de], examples: 10, fine_tune: false}]
"""
    text = text.replace("    mix:", "    share_head: true\n    mix:") if share else text
    lock = locked(miniature.write(tmp_path, text), tmp_path / "store")
    first, second = (m["head"]["labels"] for m in lock["stops"][1]["stages"][0]["members"])
    assert sorted(first) == sorted(second)
    assert (first == second) is share
    if share:
        assert first == ["entailment", "neutral", "contradiction"]


@pytest.mark.data
@pytest.mark.skipif(not DATA.is_dir(), reason=ABSENT)
def test_xnli_gives_the_same_items_in_every_language(tmp_path: Path) -> None:
    """Stops of XNLI's parallel test files differ in their language and in nothing else."""
    task = tasks.get("xnli")
    ids = []
    for tag in ("en", "de", "es", "hi"):
        found = sources.load(task, DATA, tag, "test").examples
        ids.append([e.id for e in sources.select(task, found, 2000)])
    assert len(ids[0]) == 2000
    assert all(one == ids[0] for one in ids)


@pytest.mark.slow
def test_nine_tasks_and_five_stages_run(tmp_path: Path) -> None:
    text = NINE.replace("RATES", EXPLICIT).replace("CHAIN\n", FIVE)
    text = text.replace("train:", "probes: {languages: [de], examples: 8, layers: [1]}\ntrain:")
    path = miniature.write(tmp_path, text)
    found = run_study(path, Options(store=tmp_path / "store"))
    assert found.count("failed") == 0
    chain = next(s for s in found.results.stops if s.count(">") == 4)
    assert chain == (
        "pocket-topic.tr>pocket-nli.hi>pocket-pos.zh>pocket-qa.ar+pocket-choice>pocket-bitext.sw"
    )
    stages = [(p.stage, p.stages) for p in found.results.probes if p.score.stop == chain]
    assert stages == [(n, 5) for n in range(1, 6)]
