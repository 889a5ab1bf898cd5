"""A study whose tasks come from the hub, one of each kind: resolved, locked, run, run again."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from huggingface_hub import constants
from miniature import bytes_of, write

from hub_rows import PUBLISHED, question
from hub_server import FakeHub, connect, serving
from waystation.errors import LockMismatch, StudyFaults
from waystation.lock import lock_path
from waystation.resolve import resolve
from waystation.run import Options, run_study
from waystation.store import Store
from waystation.study import load_study

TRAIN = "train: {learning_rate: 1e-3, epochs: 1, batch_size: 8, max_tokens: 64, dev_examples: 4}\n"
HEAD = "backbones: [model]\nseeds: [0]\nnumerics: {precision: fp32, threads: 1}\n" + TRAIN
ONE = f"name: one\n{HEAD}targets:\n  - {{task: xnli, languages: [de], fine_tune: {{task: snli}}}}\n"
EVERY = f"""\
name: every-kind
{HEAD}intermediate: [none, {{task: snli, examples: 6}}]
targets:
  - {{task: xnli, languages: [de], fine_tune: {{task: snli}}}}
  - {{task: sts-b, languages: [en], split: dev}}
  - {{task: copa, languages: [en], split: dev}}
  - {{task: wnut17, languages: [en]}}
  - {{task: xquad, languages: [hi]}}
  - {{task: tatoeba, languages: [zh], fine_tune: false, layers: [1, 2]}}
"""


def _rows(task: str) -> list[dict[str, Any]]:
    """Twelve rows with gold, each with its own texts."""
    if task == "copa":
        return [
            {"premise": f"It fell {n} times.", "choice1": "I ran.", "choice2": "It broke."}
            | {"question": "effect", "idx": n, "label": n % 2}
            for n in range(12)
        ]
    if task == "squad":
        return [
            question(f"q{n}", f"Ann met Bo on day {n}.", "Who met Bo?", ("Ann", 0))
            for n in range(12)
        ]
    if task == "wnut17":
        tokens = {"tokens": ["Ana", "flew"], "ner_tags": [9, 0]}
        return [{"id": str(n)} | tokens for n in range(12)]
    if task == "sts-b":
        return [
            {"sentence1": f"One {n}.", "sentence2": "Two.", "label": n % 6, "idx": n}
            for n in range(12)
        ]
    return [
        {"premise": f"Number {n} rains.", "hypothesis": "It is wet.", "label": n % 3}
        for n in range(12)
    ]


def fill(fake: FakeHub) -> None:
    """The repositories of one task of each kind, some native, some with scripts."""
    rows = {name: _rows(name) for name in ("snli", "squad", "wnut17", "copa", "sts-b")}
    for name, split, repository in (
        ("snli", "dev", "snli"),
        ("sts-b", "dev", "sts-b"),
        ("copa", "test", "copa"),
        ("wnut17", "test", "wnut17"),
        ("squad-v1", "dev", "squad"),
    ):
        data = PUBLISHED[name, "en", split]
        tables = {data.config: dict.fromkeys(("train", "validation", "test"), rows[repository])}
        fake.put(data.repository, tables, data.features, converted=data.converted)
    for key in (("xnli", "de", "test"), ("xquad", "hi", "test"), ("tatoeba", "zh", "test")):
        data = PUBLISHED[key]
        fake.put(data.repository, {data.config: {data.split: data.rows}}, data.features)


@pytest.fixture
def fake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeHub]:
    with serving() as running:
        connect(monkeypatch, tmp_path / "cache", running.endpoint)
        fill(running)
        yield running


def _resolve(study: Path, **options: Any) -> dict[str, Any]:
    store = Store.open(study.parent / "store")
    return dict(resolve(load_study(study), store, **options))


def _commits(lock: dict[str, Any]) -> set[str]:
    return {file[0].partition("@")[2][:40] for e in lock["data"].values() for file in e["files"]}


def test_the_lock_pins_commits_and_digests(fake: FakeHub, tmp_path: Path) -> None:
    study = write(tmp_path / "study", ONE)
    lock = _resolve(study)
    heads = {name: fake.repositories[name].branches["main"] for name in fake.repositories}
    assert _commits(lock) == {heads["stanfordnlp/snli"], heads["facebook/xnli"]}
    entry = next(e for name, e in lock["data"].items() if name.startswith("xnli de test"))
    ((path, sha256, size),) = entry["files"]
    assert path.startswith(f"hf://datasets/facebook/xnli@{heads['facebook/xnli']}/de/test-")
    content = fake.repositories["facebook/xnli"].commits[heads["facebook/xnli"]]
    assert size == len(content[path.partition(heads["facebook/xnli"] + "/")[2]])
    assert len(sha256) == 64
    assert entry["count"] == 4
    assert "not compared with the official files" in entry["notes"][0]


def test_a_repository_that_moved_is_read_where_the_lock_says(fake: FakeHub, tmp_path: Path) -> None:
    study = write(tmp_path / "study", ONE)
    before = _resolve(study)
    data = PUBLISHED["xnli", "de", "test"]
    rows = [{**row, "premise": "Anders."} for row in data.rows]
    fake.put("facebook/xnli", {"de": {"test": rows}, "fr": {"test": rows}}, data.features)
    fake.asked.clear()
    assert _resolve(study) == before
    assert not fake.of("/datasets/"), "a lock and its store need no hub"
    # A new language that the pinned commit does not have is read at the newest.
    study.write_text(ONE.replace("[de]", "[de, fr]"))
    more = _resolve(study)
    assert all(more["data"][name] == entry for name, entry in before["data"].items())
    assert len(_commits(more)) == len(_commits(before)) + 1
    # Both commits are pinned then, without the store too.
    fake.put("facebook/xnli", {"de": {"test": rows[:2]}, "fr": {"test": rows[:2]}}, data.features)
    shutil.rmtree(study.parent / "store")
    assert _resolve(study) == more
    # --relock takes the newest commit of everything.
    study.write_text(ONE)
    after = _resolve(study, relock=True)
    assert fake.repositories["facebook/xnli"].branches["main"] in _commits(after)
    name = next(name for name in before["data"] if name.startswith("xnli"))
    assert after["data"][name]["digest"] != before["data"][name]["digest"]


def test_a_lock_from_files_does_not_become_one_from_the_hub(fake: FakeHub, tmp_path: Path) -> None:
    study = write(tmp_path / "study", ONE)
    data = tmp_path / "data"
    (data / "snli").mkdir(parents=True)
    (data / "xnli").mkdir()
    pair = {"sentence1": "A.", "gold_label": "neutral"}
    lines = [json.dumps(pair | {"pairID": str(n), "sentence2": f"{n}."}) for n in range(12)]
    for split in ("train", "dev"):
        (data / "snli" / f"snli_1.0_{split}.jsonl").write_text("\n".join(lines))
    (data / "xnli" / "test-de.tsv").write_text("Ja.\tNein.\tneutral\n")
    asked = len(fake.asked)
    _resolve(study, data=data)
    assert len(fake.asked) == asked, "with --data nobody asks the hub"
    with pytest.raises(LockMismatch) as caught:
        _resolve(study)
    assert "snli/snli_1.0_train.jsonl" in str(caught.value)
    assert "--relock" in str(caught.value)


def test_all_that_is_missing_is_reported_together(fake: FakeHub, tmp_path: Path) -> None:
    fake.repositories["facebook/xnli"].gated = True
    del fake.repositories["stanfordnlp/snli"]
    with pytest.raises(StudyFaults) as caught:
        _resolve(write(tmp_path / "study", ONE))
    assert [line.split(" on the hub")[0] for line in caught.value.faults] == [
        "expected the dataset stanfordnlp/snli",
        "expected to read the dataset facebook/xnli",
    ]


@pytest.mark.slow
def test_every_kind_from_the_hub_to_scores(
    fake: FakeHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_" + "secret" * 6)
    study = write(tmp_path / "study", EVERY)
    outcome = run_study(study, Options(store=tmp_path / "store"))
    assert outcome.count("failed") == 0, outcome.finished
    kinds = {"xnli", "sts-b", "copa", "wnut17", "xquad", "tatoeba"}
    assert {score.target for score in outcome.results.scores} == kinds
    # The same offline, from the hub's cache alone, into an empty store, byte for byte.
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    again = run_study(study, Options(store=tmp_path / "again"))
    assert again.count("failed") == 0
    assert bytes_of(tmp_path / "again") == bytes_of(tmp_path / "store")
    written = lock_path(load_study(study), None).read_bytes()
    everything = [p.read_bytes() for p in (tmp_path / "store").rglob("*") if p.is_file()]
    assert not any(b"secretsecret" in content for content in [written, *everything])
