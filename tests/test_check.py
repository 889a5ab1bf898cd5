"""What `check` finds in small tasks with one fault each, and in the official data."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from official import ABSENT, DATA
from waystation import readers
from waystation.check import check_task, normalised
from waystation.examples import ClassificationExample
from waystation.metrics.labels import ACCURACY
from waystation.task import Task, get
from waystation.tasks import layouts


def read(files, language, split):
    for line, (text, label) in readers.fields(files[0], (2,)):
        yield ClassificationExample(
            id=str(line), group=f"g{line}", text=text, label=label if label != "?" else None
        )


TASK = Task(
    name="toy",
    version=1,
    summary="",
    example=ClassificationExample,
    layouts=layouts(read, {"train": "{l}.train", "test": "{l}.test"}),
    languages=("en", "de"),
    splits=("train", "test"),
    labels=("0", "1"),
    metrics=(ACCURACY,),
)


def put(folder, **files):
    for name, rows in files.items():
        content = "".join(f"{text}\t{label}\n" for text, label in rows)
        (folder / name.replace("_", ".")).write_text(content, encoding="utf-8")


def texts(report, level):
    return [f"{finding.where}: {finding.text}" for finding in report.findings
            if finding.level == level]  # fmt: skip


def test_a_clean_task(tmp_path):
    put(tmp_path, en_train=[("a", 0), ("b", 1)], en_test=[("c", 0)], de_test=[("d", 0)])
    report = check_task(TASK, tmp_path)
    assert report.ok
    assert texts(report, "warning") == []
    assert texts(report, "note") == ["train: no files for 1 of 2 languages: de"]
    train = report.entries[0]
    assert (train.language, train.split, train.examples) == ("en", "train", 2)
    assert (train.labels, train.without_gold) == ({"0": 1, "1": 1}, 0)
    shown = json.loads(json.dumps(report.to_json()))
    assert shown["ok"] is True
    assert shown["entries"][0]["first"][0]["text"] == "a"
    assert shown["entries"][0]["files"][0]["path"] == "en.train"


def test_faults(tmp_path):
    put(tmp_path, en_train=[("a", 0)], en_test=[("c", 7)])
    report = check_task(TASK, tmp_path)
    assert not report.ok
    (fault,) = texts(report, "fault")
    assert fault.startswith("en test: ")
    assert "found '7'" in fault


def test_nothing_there(tmp_path):
    report = check_task(TASK, tmp_path)
    assert not report.ok
    assert "train: expected the files of task 'toy'" in texts(report, "fault")[0]


def test_a_language_that_was_asked_for_is_a_fault(tmp_path):
    put(tmp_path, en_test=[("c", 0)])
    assert not check_task(TASK, tmp_path, ["en", "de"], ["test"]).ok
    assert not check_task(TASK, tmp_path, ["en", "de"]).ok
    assert check_task(TASK, tmp_path, ["en"], ["test"]).ok


def test_warnings_inside_a_split(tmp_path):
    same = [(f"t{n}", 0) for n in range(12)]
    put(tmp_path, en_train=[*same, ("Ｔ0  ", 1)], en_test=[*same[:10], ("x�", 0), ("y", "?")])
    found = texts(check_task(replace(TASK, splits=("train",)), tmp_path), "warning")
    assert found == [
        "en train: 1 examples repeat the text of an earlier one ('13' that of '1'),"
        " 1 of them with other gold"
    ]
    found = texts(check_task(replace(TASK, splits=("test",)), tmp_path), "warning")
    assert found == [
        "en test: 1 of 12 examples have no gold: no metric can be taken on them",
        "en test: all 11 examples have the label '0'",
        "en test: 1 examples hold U+FFFD, left by a wrong decoding; the first is '11'",
    ]


def test_texts_in_two_splits(tmp_path):
    put(tmp_path, en_train=[("Same  text", 0), ("b", 1)], en_test=[("c", 0), ("same text", 0)])
    assert texts(check_task(TASK, tmp_path), "warning") == [
        "en train, test: 1 texts of test are in train as well ('2' is '1' there)"
    ]


def test_languages_that_disagree(tmp_path):
    put(tmp_path, en_test=[("a", 0), ("b", 1), ("c", 1)], de_test=[("x", 0), ("y", 0)])
    assert texts(check_task(TASK, tmp_path), "warning") == [
        "en, de test: 2 examples are parallel, of 3 in en and 2 in de",
        "en, de test: gold differs on 1 of 2 parallel examples, the first is '2'",
    ]


def test_normalised():
    assert normalised(" Ｆoo\tBÄR ") == "foo bär"


needs_data = pytest.mark.skipif(not DATA.is_dir(), reason=ABSENT)


@pytest.mark.data
@needs_data
def test_copa_test_has_no_gold_in_xtreme_r():
    found = texts(check_task(get("copa"), DATA, ["en"], ["test"]), "warning")
    assert found == ["en test: 500 of 500 examples have no gold: no metric can be taken on them"]


@pytest.mark.data
@needs_data
def test_questions_of_xcopa_differ():
    report = check_task(get("xcopa"), DATA, ["vi", "th", "tr"], ["dev", "test"])
    found = [t for t in texts(report, "warning") if "the question (cause or effect)" in t]
    assert [text.split(" parallel")[0] for text in found] == [
        "vi, th dev: the question (cause or effect) differs on 52 of 100",
        "vi, tr dev: the question (cause or effect) differs on 52 of 100",
        "vi, th test: the question (cause or effect) differs on 250 of 500",
        "vi, tr test: the question (cause or effect) differs on 51 of 500",
    ]


@pytest.mark.data
@needs_data
def test_pawsx_labels_differ():
    found = texts(check_task(get("pawsx"), DATA, ["en", "de"], ["dev"]), "warning")
    assert any("gold differs on 32 of 2000" in text for text in found)
