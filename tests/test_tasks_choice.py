"""Choice tasks on a few lines in each release's own layout, and the faults of their files."""

from __future__ import annotations

import json

import pytest

from waystation import sources
from waystation.errors import DataError
from waystation.task import get


def put(folder, name, *rows):
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = [row if isinstance(row, str) else json.dumps(row) for row in rows]
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return path


def load(folder, name, split, language="en"):
    return sources.load(get(name), folder, language, split).examples


def refused(folder, name, split, language="en"):
    with pytest.raises(DataError) as caught:
        load(folder, name, split, language)
    return str(caught.value)


def csqa(**fields):
    choices = [{"label": letter, "text": letter * 2} for letter in "ABCDE"]
    question = {"stem": "Where?", "choices": choices, "question_concept": "x"}
    return {"id": "q1", "answerKey": "C", "question": question} | fields


def test_commonsenseqa(tmp_path):
    put(tmp_path, "commonsenseqa/dev_rand_split.jsonl", csqa())
    (example,) = load(tmp_path, "commonsenseqa", "dev")
    assert (example.context, example.options[2], example.label) == ("Where?", "CC", 2)
    test = csqa()
    del test["answerKey"]
    put(tmp_path, "commonsenseqa/test_rand_split_no_answers.jsonl", test)
    assert load(tmp_path, "commonsenseqa", "test")[0].label is None


def test_commonsenseqa_faults(tmp_path):
    path = put(tmp_path, "commonsenseqa/dev_rand_split.jsonl", csqa(), csqa(answerKey="F"))
    message = refused(tmp_path, "commonsenseqa", "dev")
    assert message.startswith(f"{path}:2: expected 'answerKey' to be one of 'A', 'B'")
    put(tmp_path, "commonsenseqa/dev_rand_split.jsonl", csqa(), csqa())
    assert "found 'q1' for examples 1 and 2" in refused(tmp_path, "commonsenseqa", "dev")
    put(tmp_path, "commonsenseqa/dev_rand_split.jsonl", csqa(question="Where?"))
    assert "expected 'question' to be an object" in refused(tmp_path, "commonsenseqa", "dev")


SOCIAL = {"context": "Jan left.", "question": "Why?", "answerA": "x", "answerB": "y",
          "answerC": "z"}  # fmt: skip


def test_socialiqa_layouts_agree(tmp_path):
    put(tmp_path / "a", "socialiqa/socialiqa-train-dev/dev.jsonl", SOCIAL)
    put(tmp_path / "a", "socialiqa/socialiqa-train-dev/dev-labels.lst", "3")
    put(tmp_path / "b", "siqa/socialIQa_v1.4_dev.jsonl", SOCIAL | {"correct": "C"})
    a, b = load(tmp_path / "a", "socialiqa", "dev"), load(tmp_path / "b", "socialiqa", "dev")
    assert a == b
    assert (a[0].context, a[0].label) == ("Jan left. Why?", 2)


def test_socialiqa_labels_must_fit(tmp_path):
    put(tmp_path, "socialiqa/dev.jsonl", SOCIAL)
    put(tmp_path, "socialiqa/dev-labels.lst", "3", "1")
    assert "dev-labels.lst: expected 1 labels" in refused(tmp_path, "socialiqa", "dev")
    put(tmp_path, "socialiqa/dev-labels.lst", "4")
    assert "dev-labels.lst:1: expected the label to be one of '1', '2', '3', found '4'" in refused(
        tmp_path, "socialiqa", "dev"
    )


COSMOS = "id,context,question,answer0,answer1,answer2,answer3,label"


def test_cosmosqa(tmp_path):
    put(tmp_path, "cosmosqa/valid.csv", COSMOS, '1,"It ""rained"", a lot.",Why?,a,b,c,d,3')
    (example,) = load(tmp_path, "cosmosqa", "dev")
    assert (example.context, example.label) == ('It "rained", a lot. Why?', 3)
    put(tmp_path, "cosmosqa/valid.csv", COSMOS, "1,It rained.,Why?,a,,c,d,3")
    assert "valid.csv:2: expected 'answer1', found an empty cell" in refused(
        tmp_path, "cosmosqa", "dev"
    )


def copa(**fields):
    row = {"premise": "Er fiel.", "choice1": "a", "choice2": "b", "question": "cause", "idx": 0}
    return row | {"label": 1} | fields


def test_copa_puts_its_question_in_english(tmp_path):
    put(tmp_path, "xcopa/it/val.it.jsonl", copa(changed=False))
    (example,) = load(tmp_path, "xcopa", "dev", "it")
    assert example.context == "Er fiel. What was the cause?"
    assert (example.id, example.group, example.options, example.label) == (
        "0",
        "dev-0",
        ("a", "b"),
        1,
    )


def test_xtreme_r_removes_gold_by_writing_zeros(tmp_path):
    rows = [copa(idx=n, label=0) for n in range(3)]
    put(tmp_path, "xcopa/test-it.jsonl", *rows)
    assert [e.label for e in load(tmp_path, "xcopa", "test", "it")] == [None] * 3
    put(tmp_path, "xcopa/val-it.jsonl", *rows)
    assert [e.label for e in load(tmp_path, "xcopa", "dev", "it")] == [0] * 3
    put(tmp_path, "xcopa/it/test.it.jsonl", *rows[:2], copa(idx=2))
    assert [e.label for e in load(tmp_path, "xcopa", "test", "it")] == [0, 0, 1]


def test_superglue_tests_have_no_label(tmp_path):
    row = copa()
    del row["label"]
    put(tmp_path, "COPA/test.jsonl", row)
    assert load(tmp_path, "copa", "test")[0].label is None
    put(tmp_path, "COPA/val.jsonl", row)
    assert "val.jsonl:1: expected the field 'label'" in refused(tmp_path, "copa", "dev")


@pytest.mark.parametrize(
    ("fields", "part"),
    [
        ({"question": "why"}, "expected 'question' to be one of 'cause', 'effect'"),
        ({"label": 2}, "expected 'label' to be one of '0', '1', found '2'"),
        ({"label": "1"}, "expected 'label' to be a whole number"),
        ({"choice2": ""}, "expected 'choice2' to hold text"),
    ],
)
def test_copa_faults(tmp_path, fields, part):
    path = put(tmp_path, "copa/train-en.jsonl", copa(**fields))
    message = refused(tmp_path, "copa", "train")
    assert message.startswith(f"{path}:1: ")
    assert part in message
