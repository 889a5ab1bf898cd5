"""A miniature study end to end: sharing, caching, damage, failures, pools, two runs at once."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from miniature import STUDY, bytes_of, write

from waystation.errors import LockMismatch, StoreError, UserError
from waystation.routes import predict
from waystation.run import Options, Outcome, Watcher, prepare, prunable, run_study
from waystation.store import Store


class Listener(Watcher):
    """Keeps what a run says."""

    def __init__(self) -> None:
        self.said: list[str] = []

    def say(self, text: str) -> None:
        self.said.append(text)


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write(tmp_path_factory.mktemp("study"))


@pytest.fixture(scope="module")
def ran(study: Path, tmp_path_factory: pytest.TempPathFactory) -> Outcome:
    return run_study(study, Options(store=tmp_path_factory.mktemp("store")))


def test_everything_runs_and_every_route_is_scored(ran: Outcome) -> None:
    assert ran.count("failed") == 0, ran.finished
    plan = ran.prepared.plan
    assert ran.count("done") == len(plan.steps)
    scored = {(s.stop, s.target, s.seed, s.language, s.variant) for s in ran.results.scores}
    assert len(scored) == 3 * 2 * (2 + 2 + 2 * 2)
    assert {s.variant for s in ran.results.scores if s.target == "pocket-bitext"} == {
        "1/mean",
        "2/mean",
    }
    assert all(s.baselines for s in ran.results.scores)
    assert all(len(s.ids) == len(s.statistics) > 0 for s in ran.results.scores)


def test_one_intermediate_checkpoint_serves_every_target(ran: Outcome) -> None:
    trains = [s for s in ran.prepared.plan.steps.values() if s.kind == "train"]
    # per seed: stops topic and mixture; targets after none, topic and mixture. The topic target
    # without a stop is the topic stop itself: one step less.
    assert len(trains) == 2 * (2 + 2 * 3 - 1)


def test_a_second_run_computes_nothing(ran: Outcome, study: Path) -> None:
    again = run_study(study, Options(store=ran.prepared.store.root))
    assert again.finished == {}
    assert len(again.results.scores) == len(ran.results.scores)


@pytest.mark.slow
def test_two_workers_give_the_same_bytes(ran: Outcome, study: Path, tmp_path: Path) -> None:
    outcome = run_study(study, Options(store=tmp_path, pool="local", jobs=2))
    assert outcome.count("failed") == 0
    assert bytes_of(tmp_path) == bytes_of(ran.prepared.store.root)


def test_only_runs_the_routes_that_match(study: Path, tmp_path: Path) -> None:
    outcome = run_study(study, Options(store=tmp_path, only="none>pocket-bitext@0"))
    assert {s.kind for s in outcome.prepared.plan.steps.values()} == {"predict", "score"}
    with pytest.raises(UserError, match="expected --only to match a route such as"):
        prepare(study, Options(store=tmp_path, only="nothing*"))
    known = json.loads((tmp_path / "studies" / "miniature.json").read_text())["routes"]
    assert len(known) > 1  # those that were left out can be named, and say that they have not run
    file = tmp_path / "words.jsonl"
    file.write_text('{"words": ["a"]}\n')
    route = next(name for name in known if ">pocket-pos@" in name)
    with pytest.raises(UserError, match="expected a trained route, found that train-"):
        list(predict(f"miniature#{route}", file, outcome.prepared.store))


def test_a_limit_is_a_trial_of_its_own(study: Path, tmp_path: Path) -> None:
    outcome = run_study(study, Options(store=tmp_path, limit=4, only="none>pocket-pos@0"))
    assert all(len(s.ids) == 4 for s in outcome.results.scores)
    assert study.with_suffix(".limit-4.lock").exists()


def test_truncated_outputs_are_found_by_size_and_computed_again(
    study: Path, tmp_path: Path, ran: Outcome
) -> None:
    options = Options(store=tmp_path, only="none>pocket-bitext@0")
    first = run_study(study, options)
    key = next(k for k, s in first.prepared.plan.steps.items() if s.kind == "predict")
    before = bytes_of(tmp_path)
    file = first.prepared.store.folder(key) / "predictions.jsonl"
    file.write_bytes(file.read_bytes()[:-5])
    (first.prepared.store.folder(first.prepared.plan.routes[0].score) / "score.json").unlink()
    listener = Listener()
    again = run_study(study, options, listener)
    assert any("another size than its manifest says" in s for s in listener.said)
    assert again.count("done") >= 2
    assert bytes_of(tmp_path) == before
    assert list((tmp_path / "damaged").iterdir())


def test_edited_outputs_are_found_by_hash_and_never_used(study: Path, tmp_path: Path) -> None:
    options = Options(store=tmp_path, only="none>pocket-pos@0")
    first = run_study(study, options)
    before = bytes_of(tmp_path)
    steps = first.prepared.plan.steps
    train = next(k for k, s in steps.items() if s.kind == "train")
    weights = next(first.prepared.store.folder(train).rglob("*.safetensors"))
    body = bytearray(weights.read_bytes())
    body[-1] ^= 1
    weights.write_bytes(bytes(body))
    for key, step in steps.items():
        if step.kind in ("predict", "score"):
            first.prepared.store.discard(key)
    listener = Listener()
    again = run_study(study, options, listener)
    assert any("differs from its manifest" in s for s in listener.said), listener.said
    assert again.count("failed") == 0
    assert bytes_of(tmp_path) == before


def test_verify_hashes_the_whole_store(study: Path, tmp_path: Path) -> None:
    options = Options(store=tmp_path, only="none>pocket-bitext@0")
    first = run_study(study, options)
    before = bytes_of(tmp_path)
    file = first.prepared.store.folder(first.prepared.plan.routes[0].score) / "score.json"
    file.write_bytes(file.read_bytes().replace(b'"language":"', b'"language":"'[::-1], 1))
    listener = Listener()
    run_study(study, Options(store=tmp_path, only=options.only, verify=True), listener)
    assert len(listener.said) == 1
    assert bytes_of(tmp_path) == before


BROKEN_TASK = """\
from dataclasses import replace
from waystation.pocket.tasks import TOPIC
from waystation.metrics import Metric

def fails(prediction, example, language):
    raise ValueError("this metric always fails")

BROKEN = replace(TOPIC, name="broken", metrics=(Metric(
    names=("accuracy",), statistics=fails, reduce=lambda s: {"accuracy": 0.0}),))
"""


@pytest.mark.slow
def test_a_failed_step_fails_alone(tmp_path: Path) -> None:
    text = STUDY.replace(
        "targets:\n",
        "targets:\n  - {task: 'broken.py:BROKEN', name: broken, languages: [de], examples: 8,"
        " fine_tune: {task: pocket-topic, examples: 24}}\n",
    ).replace("seeds: [0, 1]", "seeds: [0]")
    (tmp_path / "study").mkdir()
    (tmp_path / "study" / "broken.py").write_text(BROKEN_TASK)
    study = write(tmp_path / "study", text)
    options = Options(store=tmp_path / "store")
    outcome = run_study(study, options)
    failed = [f for f in outcome.finished.values() if f.state == "failed"]
    assert len(failed) == 3
    assert all("this metric always fails" in f.message for f in failed)
    assert {s.target for s in outcome.results.scores} == {
        "pocket-topic",
        "pocket-pos",
        "pocket-bitext",
    }
    assert sum(s.state == "failed" for s in outcome.results.steps) == 3
    record = outcome.prepared.store.failure(failed[0].key)
    assert record is not None
    assert "ValueError" in str(record["trace"])
    again = run_study(study, options)
    assert set(again.finished) == {f.key for f in failed}


@pytest.mark.slow
def test_descendants_of_a_failed_step_are_skipped_by_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from waystation import steps

    def fails(*args: object) -> None:
        raise RuntimeError("no luck")

    study = write(tmp_path / "study", STUDY.replace("seeds: [0, 1]", "seeds: [0]"))
    options = Options(store=tmp_path / "store", only="mixture>*@0")
    monkeypatch.setitem(steps.WORK, "select", fails)
    outcome = run_study(study, options)
    skipped = [f for f in outcome.finished.values() if f.state == "skipped"]
    assert outcome.count("failed") == 1
    assert skipped
    assert all("which failed" in f.message for f in skipped)
    monkeypatch.undo()
    again = run_study(study, options)
    assert again.count("failed") == 0
    assert all(s.state == "done" for s in again.results.steps)


@pytest.mark.slow
def test_two_runs_on_one_store_at_once(study: Path, tmp_path: Path, ran: Outcome) -> None:
    command = [sys.executable, "-m", "waystation", "run", str(study), "--store", str(tmp_path)]
    both = [
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    ended = [p.communicate() for p in both]
    assert [p.returncode for p in both] == [0, 0], ended
    assert bytes_of(tmp_path) == bytes_of(ran.prepared.store.root)


def test_a_changed_lock_stops_the_run(tmp_path: Path) -> None:
    study = write(tmp_path / "study")
    options = Options(store=tmp_path / "store", only="none>pocket-bitext@0")
    prepare(study, options)
    path = study.with_suffix(".lock")
    lock = json.loads(path.read_text())
    lock["backbones"]["model"]["digest"] = "0" * 64
    path.write_text(json.dumps(lock))
    with pytest.raises(LockMismatch, match=r"backbone model: other files \(000000000000 -> "):
        prepare(study, options)
    prepare(study, Options(store=options.store, only=options.only, relock=True))
    path.write_text("{")
    with pytest.raises(UserError, match="expected a study's lock of format 1"):
        prepare(study, options)


def test_gc_deletes_only_what_nothing_needs(study: Path, tmp_path: Path) -> None:
    options = Options(store=tmp_path, only="topic>*@0")
    outcome = run_study(study, options)
    prepared = prepare(study, options)
    found = prunable(prepared)
    trains = {k for k, s in prepared.plan.steps.items() if s.kind == "train"}
    assert len(trains) == 3
    assert len(found) == 2  # the intermediate stays
    for key, (names, size) in found.items():
        assert size > 0
        prepared.store.prune(key, names)
    again = run_study(study, options)
    assert again.finished == {}
    curves = [s.curve for s in again.results.steps if s.kind == "train"]
    assert all(curves)
    assert len(again.results.scores) == len(outcome.results.scores)


def test_a_store_that_cannot_be_used_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="expected a folder on this machine as the store"):
        Store.open("s3://bucket/store")
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="expected a folder as the store, found a file"):
        Store.open(tmp_path / "file")
    store = Store.open(tmp_path / "store")
    (store.root / "waystation.json").write_text('{"format": 99}')
    with pytest.raises(StoreError, match="expected a store of format 1, found 99"):
        Store.open(store.root)
