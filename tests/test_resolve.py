"""Resolving: what it pins, what it compares, what it refuses before anything runs."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tiny import tiny_encoder
from waystation.entries import hold_out
from waystation.errors import LockMismatch, StudyFaults, UserError
from waystation.lock import differences, lock_path
from waystation.plan import plan
from waystation.resolve import resolve, trained_head
from waystation.run import Options, prepare
from waystation.store import Store
from waystation.study import Target, load_study
from waystation.task import get

CSV = """\
name: own
backbones: [model]
targets:
  - {csv: train.csv, kind: classification, text: body, label: stars, language: en,
     evaluate: {de: test.csv}}
numerics: {precision: fp32, threads: 1}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    tiny_encoder(tmp_path / "model")
    rows = "".join(f"text number {i},{'good' if i % 2 else 'bad'}\n" for i in range(40))
    (tmp_path / "train.csv").write_text("body,stars\n" + rows)
    (tmp_path / "test.csv").write_text("body,stars\nein Text,good\nnoch einer,bad\n")
    (tmp_path / "own.yaml").write_text(CSV)
    return tmp_path


def test_the_lock_pins_files_examples_models_and_numerics(folder: Path) -> None:
    lock = json.loads(json.dumps(_resolve(folder)))
    assert lock == json.loads((folder / "own.lock").read_text())
    assert lock["numerics"] == {"precision": "fp32", "threads": 1}
    assert len(lock["backbones"]["model"]["digest"]) == 64
    paths = {f[0] for e in lock["data"].values() for f in e["files"]}
    assert paths == {"train.csv", "test.csv"}
    assert str(folder) not in (folder / "own.lock").read_text()


def test_resolving_again_reads_nothing_and_changes_nothing(folder: Path) -> None:
    first = _resolve(folder)
    written = (folder / "own.lock").stat().st_mtime_ns
    said: list[str] = []
    assert _resolve(folder, said) == first
    assert said == []
    assert (folder / "own.lock").stat().st_mtime_ns == written


def test_a_changed_file_stops_the_run_and_is_named(folder: Path) -> None:
    _resolve(folder)
    path = folder / "test.csv"
    path.write_text(path.read_text().replace("noch einer", "ein anderer"))
    with pytest.raises(LockMismatch, match=r"other content \(test\.csv changed\)") as caught:
        _resolve(folder)
    assert "--relock" in str(caught.value)


def test_new_entries_are_added_and_old_ones_kept(folder: Path) -> None:
    before = _resolve(folder)
    study = folder / "own.yaml"
    study.write_text(study.read_text().replace("{de: test.csv}", "{de: test.csv, es: test.csv}"))
    after = _resolve(folder)
    assert len(after["data"]) == len(before["data"]) + 1
    assert differences(before, after) == []


def test_missing_things_are_all_reported_together(folder: Path) -> None:
    study = folder / "own.yaml"
    study.write_text(
        "name: broken\nbackbones: [model]\ntargets:\n"
        "  - {task: xnli, languages: [de]}\n  - {task: udpos, languages: [hi]}\n"
    )
    with pytest.raises(StudyFaults) as caught:
        resolve(load_study(study), Store.open(folder / "store"))
    text = str(caught.value)
    assert "facebook/xnli on the hub" in text
    assert "google/xtreme on the hub" in text
    assert "nyu-mll/multi_nli on the hub" in text


def test_training_examples_without_gold_are_refused_before_anything_runs(folder: Path) -> None:
    (folder / "tasks.py").write_text(
        "from dataclasses import replace\n"
        "from waystation.pocket.tasks import TOPIC\n"
        "from waystation.task import Layout\n"
        "read = lambda f, l, s: (replace(e, label=None) for e in TOPIC.layouts[0].read(f, l, s))\n"
        "HIDDEN = replace(TOPIC, name='hidden', layouts=(Layout(\n"
        "    paths=lambda l, s: (), read=read, reads_folder=False),))\n"
    )
    study = folder / "own.yaml"
    study.write_text(
        "name: own\nbackbones: [model]\ntargets: [{task: 'tasks.py:HIDDEN', languages: [de]}]\n"
    )
    with pytest.raises(StudyFaults, match="expected gold in task hidden, en, split train"):
        _resolve(folder)


def test_held_out_examples_are_whole_groups(folder: Path) -> None:
    class Item:
        def __init__(self, id: str, group: str | None) -> None:
            self.id, self.group = id, group

    items = tuple(Item(str(i), f"g{i // 4}") for i in range(400))
    rest, held = hold_out(items, 500)
    assert len(rest) + len(held) == 400
    assert 20 <= len(held) < 24
    assert not {e.group for e in rest} & {e.group for e in held}
    assert [e.id for e in rest] == [str(i) for i in range(400) if items[i] in rest]
    alone, none = hold_out(items[:4], 500)
    assert len(alone) == 4
    assert none == ()


def test_planning_is_pure_and_keys_follow_from_the_lock(folder: Path) -> None:
    lock = _resolve(folder)
    assert plan(lock) == plan(json.loads(json.dumps(lock)))
    other = json.loads(json.dumps(lock))
    other["numerics"]["threads"] = 2
    assert not set(plan(lock).steps) & set(plan(other).steps)


def test_a_limit_has_its_own_lock(folder: Path) -> None:
    study = load_study(folder / "own.yaml")
    assert lock_path(study, None).name == "own.lock"
    assert lock_path(study, 5).name == "own.limit-5.lock"


def _resolve(folder: Path, said: list[str] | None = None) -> dict[str, object]:
    study = load_study(folder / "own.yaml")
    say = (said if said is not None else []).append
    return dict(resolve(study, Store.open(folder / "store"), say=say))


FILES = """\
from waystation.examples import ClassificationExample
from waystation.metrics.labels import ACCURACY
from waystation.task import Layout, Task

def read(files, language, split):
    for number, line in enumerate(files[0].read_text().splitlines()):
        text, label = line.split("\\t")
        yield ClassificationExample(id=str(number), text=text, label=label)

MINE = Task(name="mine", version=1, summary="", example=ClassificationExample,
    layouts=(Layout(paths=lambda l, s: (f"{s}.{l}.tsv",), read=read),), languages=("en", "de"),
    splits=("train", "test"), dev_split=None, metrics=(ACCURACY,), labels=("bad", "good"))
"""


def test_a_report_needs_no_data_once_the_study_is_locked(folder: Path) -> None:
    (folder / "tasks.py").write_text(FILES)
    rows = "".join(f"text {i}\t{'good' if i % 2 else 'bad'}\n" for i in range(40))
    for name in ("train.en.tsv", "test.de.tsv"):
        (folder / name).write_text(rows)
    study = folder / "own.yaml"
    study.write_text(
        "name: own\nbackbones: [model]\ntargets: [{task: 'tasks.py:MINE', languages: [de]}]\n"
    )
    options = Options(store=folder / "store", data=folder)
    prepare(study, options)
    without = Options(store=folder / "store")
    assert prepare(study, without, trust=True).plan.steps
    with pytest.raises(UserError, match=r"train\.en\.tsv"):
        prepare(study, without)
    study.write_text(study.read_text().replace("name: own", "name: other"))
    with pytest.raises(UserError, match=r"train\.en\.tsv"):
        prepare(study, without, trust=True)


def test_a_broken_file_of_the_user_s_own_is_one_sentence(folder: Path) -> None:
    (folder / "tasks.py").write_text("import nothing_of_that_name\n")
    (folder / "own.yaml").write_text("backbones: [model]\ntargets: ['tasks.py:MINE']\n")
    with pytest.raises(StudyFaults, match="expected a Python file that can be imported, found Mod"):
        _resolve(folder)


def test_inputs_longer_than_the_backbone_are_refused(folder: Path) -> None:
    study = folder / "own.yaml"
    study.write_text(study.read_text() + "train: {max_tokens: 65536}\n")
    with pytest.raises(StudyFaults, match="expected max_tokens of at most"):
        _resolve(folder)


def test_equal_trainings_have_equal_heads_whatever_is_compared_afterwards() -> None:
    squad_r, squad, snli = get("squad-r"), get("squad-v1"), get("snli")
    many = Target(name="t", layers=(4, 8), pooling=("mean", "cls"), scoring=("ratio",))
    assert trained_head(squad_r, many, "query", "study") == squad_r.head
    first = Target(name="t", pooling=("cls", "mean"))
    assert trained_head(squad_r, first, "query", "study").options == (("pooling", "cls"),)
    cut = Target(name="t", options={"windows": "official"})
    assert trained_head(squad, cut, "span", "study").options == (("windows", "official"),)
    assert trained_head(snli, cut, "span", "study") == snli.head


def test_two_tasks_of_one_name_are_refused(folder: Path) -> None:
    """Their examples would be taken for each other's."""
    (folder / "mine.py").write_text(
        "from dataclasses import replace\nfrom waystation.task import get\n"
        "MINE = replace(get('snli'), version=9)\n"
    )
    text = CSV.replace("targets", 'intermediate: ["mine.py:MINE", {name: x, task: snli}]\ntargets')
    (folder / "own.yaml").write_text(text)
    message = r"'snli' for mine\.py:MINE and for snli; give yours another `name`\.$"
    with pytest.raises(UserError, match=message):
        _resolve(folder)


def test_layers_that_the_backbone_does_not_have_are_refused(folder: Path) -> None:
    (folder / "own.yaml").write_text(
        "backbones: [model]\n"
        "targets: [{task: pocket-bitext, languages: [de], layers: [0, 40], examples: 4}]\n"
    )
    with pytest.raises(StudyFaults, match=r"expected layers of at most \d, those of backbone mo"):
        _resolve(folder)
