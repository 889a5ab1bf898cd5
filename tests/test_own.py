"""The user's own files as a task: CSV, TSV, JSONL, pairs, tags, numbers, and their faults."""

from __future__ import annotations

import json

import pytest
from pydantic import ValidationError

from waystation import sources
from waystation.errors import DataError, UserError
from waystation.tasks.own import OwnData, task_of


def put(folder, name, content):
    (folder / name).write_text(content, encoding="utf-8")


def load(task, language, split):
    return sources.load(task, None, language, split).examples


def reviews(folder, rows=40, **fields):
    content = "body,stars\n" + "".join(f'"Text, no. {n}",{n % 3}\n' for n in range(rows))
    put(folder, "reviews.csv", content)
    put(folder, "reviews.de.csv", 'stars,body\n2,"Gut, ja"\n')
    values = {
        "format": "csv",
        "path": "reviews.csv",
        "kind": "classification",
        "text": "body",
        "label": "stars",
        "evaluate": {"de": "reviews.de.csv"},
    }
    return OwnData(**(values | fields))


def test_csv_classification(tmp_path):
    task = task_of(reviews(tmp_path), tmp_path)
    assert (task.name, task.labels, task.languages) == ("reviews", ("0", "1", "2"), ("en", "de"))
    assert task.chance == pytest.approx(100 / 3)
    train, dev = load(task, "en", "train"), load(task, "en", "dev")
    assert (len(train), len(dev)) == (36, 4)
    assert {e.id for e in train} | {e.id for e in dev} == {str(n) for n in range(1, 41)}
    assert train[0].text.startswith("Text, no. ")
    (test,) = load(task, "de", "test")
    assert (test.text, test.label) == ("Gut, ja", "2")


def test_files_are_recorded_and_json_keeps_it(tmp_path):
    own = reviews(tmp_path)
    again = OwnData.model_validate(json.loads(json.dumps(own.model_dump(mode="json"))))
    assert again == own
    loaded = sources.load(task_of(again, tmp_path), None, "de", "test")
    assert [file.path for file in loaded.files] == ["reviews.de.csv"]


def test_the_held_out_part_depends_on_ids_alone(tmp_path):
    own = reviews(tmp_path)
    before = [e.id for e in load(task_of(own, tmp_path), "en", "dev")]
    assert before == [e.id for e in load(task_of(own, tmp_path), "en", "dev")]
    assert before != ["1", "2", "3", "4"]


def test_own_dev_file(tmp_path):
    own = reviews(tmp_path, dev="reviews.de.csv")
    task = task_of(own, tmp_path)
    assert len(load(task, "en", "train")) == 40
    assert len(load(task, "en", "dev")) == 1


def test_tsv_pairs_keep_quotes(tmp_path):
    put(tmp_path, "nli.tsv", 'key\ta\tb\tlabel\nk1\t"x\ty\tyes\nk2\tz\tw\tno\n')
    own = OwnData(
        format="tsv", path="nli.tsv", kind="classification", text="a", pair="b", id="key",
        language="sw", dev="nli.tsv",
    )  # fmt: skip
    first, second = load(task_of(own, tmp_path), "sw", "train")
    assert (first.id, first.text, first.pair) == ("k1", '"x', "y")
    assert second.label == "no"


def test_jsonl_tagging(tmp_path):
    rows = [{"tokens": ["In", "Rom"], "tags": ["O", "B-LOC"]}, {"tokens": "a b", "tags": "O O"}]
    put(tmp_path, "ner.jsonl", "".join(json.dumps(row) + "\n" for row in rows))
    own = OwnData(format="jsonl", path="ner.jsonl", kind="tagging", dev="ner.jsonl")
    task = task_of(own, tmp_path)
    assert task.headline == "f1"
    assert [e.words for e in load(task, "en", "train")] == [("In", "Rom"), ("a", "b")]


def test_plain_tags_are_scored_by_word(tmp_path):
    put(tmp_path, "pos.csv", "tokens,tags\nThe cat,DET NOUN\nIt,PRON\n")
    own = OwnData(format="csv", path="pos.csv", kind="tagging")
    assert task_of(own, tmp_path).headline == "accuracy"


def test_jsonl_regression(tmp_path):
    put(tmp_path, "sts.jsonl", '{"text": "a", "label": 1}\n{"text": "b", "label": 2.5}\n')
    own = OwnData(format="jsonl", path="sts.jsonl", kind="regression", dev="sts.jsonl")
    task = task_of(own, tmp_path)
    assert task.labels == ()
    assert [e.value for e in load(task, "en", "train")] == [1.0, 2.5]


def refused(folder, own, read=("en", "train"), kind=DataError):
    with pytest.raises(kind) as caught:
        load(task_of(own, folder), *read)
    return str(caught.value)


def test_label_that_training_lacks(tmp_path):
    own = reviews(tmp_path)
    put(tmp_path, "reviews.de.csv", "body,stars\nGut,2\nSehr gut,5\n")
    message = refused(tmp_path, own, ("de", "test"))
    assert "reviews.de.csv:3: expected 'stars' (all that training has) to be one of" in message
    assert "found '5'" in message


def test_missing_files(tmp_path):
    own = reviews(tmp_path, evaluate={"de": "none.csv"})
    message = refused(tmp_path, own, kind=UserError)
    assert "none.csv that the study names, found none; paths are relative to" in message


def test_language_without_test_file(tmp_path):
    message = refused(tmp_path, reviews(tmp_path), ("en", "test"), UserError)
    assert "no known release has them" in message


def test_wrong_tag(tmp_path):
    own = reviews(tmp_path, evaluate={"German": "reviews.de.csv"})
    assert "Did you mean 'de' (German)?" in refused(tmp_path, own, kind=UserError)


def test_name_of_a_built_in_task(tmp_path):
    put(tmp_path, "snli.csv", "text,label\na,x\nb,y\n")
    own = OwnData(format="csv", path="snli.csv", kind="classification")
    message = refused(tmp_path, own, kind=UserError)
    assert "no built-in task has, found 'snli' (from snli.csv); add `name:`" in message
    task_of(own.model_copy(update={"name": "my-snli"}), tmp_path)


@pytest.mark.parametrize(
    ("content", "part"),
    [
        ("text,label\na,x\nb,x\n", "at least two labels in column 'label', found only 'x'"),
        ("text,label\n", "at least two labels in column 'label', found none"),
        ("text,lable\na,x\n", "a.csv:1: expected a comma-separated header with the column 'label'"),
        ("text,label\na,x\nb,y\n ,y\n", "a.csv:4: expected 'text' to hold text, found it empty"),
        ("text,label\na,x\nb,y\nc,\n", "a.csv:4: expected 'label' to hold text, found it empty"),
        (
            "text,label\n" + "".join(f"t{n},l{n}\n" for n in range(30)),
            "found 30 different values in 30 rows; name the column of labels",
        ),
    ],
)
def test_bad_training_files(tmp_path, content, part):
    put(tmp_path, "a.csv", content)
    own = OwnData(format="csv", path="a.csv", kind="classification")
    assert part in refused(tmp_path, own)


def test_too_few_rows_for_dev(tmp_path):
    put(tmp_path, "a.csv", "text,label\na,1\n")
    own = OwnData(format="csv", path="a.csv", kind="regression")
    assert "at least 2 rows, one of them for dev, found 1" in refused(tmp_path, own)


@pytest.mark.parametrize(
    ("row", "part"),
    [
        ({"tokens": ["a", "b"], "tags": ["X"]}, "found 1 tags for 2 words"),
        ({"tokens": ["a", ""], "tags": ["X", "Y"]}, "expected text in 'tokens', found ''"),
        ({"tokens": [], "tags": []}, "expected 'tags' to be a list"),
        ({"tokens": {"a": 1}, "tags": ["X"]}, "expected 'tokens' to be a list"),
    ],
)
def test_bad_tagging_rows(tmp_path, row, part):
    good = {"tokens": ["a", "b"], "tags": ["X", "Y"]}
    put(tmp_path, "a.jsonl", json.dumps(good) + "\n" + json.dumps(row) + "\n")
    own = OwnData(format="jsonl", path="a.jsonl", kind="tagging", dev="a.jsonl")
    message = refused(tmp_path, own)
    assert "a.jsonl:2: " in message
    assert part in message


def test_bad_number(tmp_path):
    put(tmp_path, "a.csv", "text,label\na,1\nb,high\n")
    own = OwnData(format="csv", path="a.csv", kind="regression")
    assert "a.csv:3: expected 'label' to be a number, found 'high'" in refused(tmp_path, own)


def test_a_list_for_a_text(tmp_path):
    put(tmp_path, "a.jsonl", '{"text": ["a"], "label": 1}\n{"text": "b", "label": true}\n')
    own = OwnData(format="jsonl", path="a.jsonl", kind="classification", dev="a.jsonl")
    assert "a.jsonl:1: expected 'text' to be text or a number, found [\"a\"]" in refused(
        tmp_path, own
    )


def test_unknown_fields_are_refused():
    with pytest.raises(ValidationError, match="lable"):
        OwnData(format="csv", path="a.csv", kind="classification", lable="x")
