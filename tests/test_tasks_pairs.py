"""Pair tasks on a few lines in each release's own layout, and the faults of their files."""

from __future__ import annotations

import json

import pytest

from waystation import sources
from waystation.errors import DataError
from waystation.task import get


def put(folder, name, *rows):
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = ["\t".join(row) if isinstance(row, tuple) else row for row in rows]
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return path


def load(folder, name, split, language="en"):
    return sources.load(get(name), folder, language, split).examples


def refused(folder, name, split, language="en"):
    with pytest.raises(DataError) as caught:
        load(folder, name, split, language)
    return str(caught.value)


SNLI_ROW = {
    "gold_label": "neutral",
    "sentence1": "A man.",
    "sentence2": "He.",
    "pairID": "7.jpg#0r1n",
}


def test_snli_json_lines(tmp_path):
    rows = [SNLI_ROW, SNLI_ROW | {"gold_label": "-", "pairID": "2"}]
    put(tmp_path, "snli_1.0/snli_1.0_dev.jsonl", *map(json.dumps, rows))
    (example,) = load(tmp_path, "snli", "dev")
    assert (example.id, example.text, example.pair) == ("7.jpg#0r1n", "A man.", "He.")
    assert example.label == "neutral"


def test_snli_table_and_three_files_agree(tmp_path):
    put(tmp_path / "a", "snli/snli_1.0_dev.txt", tuple(SNLI_ROW), tuple(SNLI_ROW.values()))
    for name, text in (("s1", "A man."), ("s2", "He."), ("labels", "neutral")):
        put(tmp_path / "b", f"SNLI/{name}.dev", text)
    (a,), (b,) = load(tmp_path / "a", "snli", "dev"), load(tmp_path / "b", "snli", "dev")
    assert (a.text, a.pair, a.label, a.group) == (b.text, b.pair, b.label, b.group)
    assert (a.id, b.id) == ("7.jpg#0r1n", "1")


def test_snli_unknown_label(tmp_path):
    put(tmp_path, "snli/snli_1.0_dev.jsonl", json.dumps(SNLI_ROW | {"gold_label": "neutrall"}))
    message = refused(tmp_path, "snli", "dev")
    assert "snli_1.0_dev.jsonl:1: expected 'gold_label' to be one of" in message
    assert "found 'neutrall'. Did you mean 'neutral'?" in message


def test_three_files_of_different_length(tmp_path):
    put(tmp_path, "SNLI/s1.dev", "a", "b")
    put(tmp_path, "SNLI/s2.dev", "a")
    put(tmp_path, "SNLI/labels.dev", "neutral", "neutral")
    assert "s2.dev: expected 2 lines, one for each of s1.dev, found 1" in refused(
        tmp_path, "snli", "dev"
    )


def test_mnli_layouts(tmp_path):
    glue = ("index", "pairID", "sentence1", "sentence2", "label1", "gold_label")
    put(tmp_path / "a", "glue_data/MNLI/train.tsv", glue, ("0", "9n", 'p "', "h", "-", "neutral"))
    put(tmp_path / "b", "xnli/train-en.tsv", ('"p """', "h", "neutral"))
    header = ("premise", "hypo", "label")
    put(tmp_path / "c", "XNLI-MT-1.0/multinli/multinli.train.en.tsv", header,
        ('p "', "h", "contradictory"))  # fmt: skip
    (a,), (b,), (c,) = (load(tmp_path / folder, "mnli", "train") for folder in "abc")
    assert (a.id, b.id, c.id) == ("9n", "1", "1")
    assert a.text == b.text == c.text == 'p "'
    assert (a.group, b.group) == (c.group, c.group)
    assert (b.label, c.label) == ("neutral", "contradiction")


XNLI_HEADER = ("language", "gold_label", "sentence1", "sentence2", "pairID")


def xnli_release(folder, split="test"):
    rows = [(tag, "neutral", f"p{n // 3}", f"h{n}", str(n)) for tag in ("de", "en")
            for n in range(4)]  # fmt: skip
    put(folder, f"XNLI-1.0/xnli.{split}.tsv", XNLI_HEADER, *rows)


def test_xnli_release(tmp_path):
    xnli_release(tmp_path)
    examples = load(tmp_path, "xnli", "test", "de")
    assert [(e.id, e.group) for e in examples] == [
        ("1", "p0"),
        ("2", "p0"),
        ("3", "p0"),
        ("4", "p1"),
    ]
    assert examples[3].pair == "h3"


def test_xtreme_equals_the_release(tmp_path):
    xnli_release(tmp_path / "a", "dev")
    rows = [(f"p{n // 3}", f"h{n}", "neutral") for n in range(4)]
    put(tmp_path / "b", "xnli/dev-de.tsv", *rows)
    assert load(tmp_path / "a", "xnli", "dev", "de") == load(tmp_path / "b", "xnli", "dev", "de")


def test_xnli_test_labels_beside_the_stripped_files(tmp_path):
    put(tmp_path, "xnli/test-de.tsv", ("p", "h"), ("p", "g"))
    assert [e.label for e in load(tmp_path, "xnli", "test", "de")] == [None, None]
    labels = put(tmp_path, "xnli/test-labels.txt", "neutral", "entailment")
    assert [e.label for e in load(tmp_path, "xnli", "test", "de")] == ["neutral", "entailment"]
    put(tmp_path, "xnli/test-labels.txt", "neutral")
    assert f"{labels}: expected 2 labels, one for each line of test-de.tsv, found 1" in refused(
        tmp_path, "xnli", "test", "de"
    )
    put(tmp_path, "xnli/test-labels.txt", "neutral", "entail")
    assert "test-labels.txt:2: expected the label" in refused(tmp_path, "xnli", "test", "de")


@pytest.mark.parametrize(
    ("rows", "part"),
    [
        ([("p", "h", "neutral"), ("p", "h")], "dev-de.tsv:2: expected 3 tab-separated columns"),
        ([("p", " ", "neutral")], "dev-de.tsv:1: expected a sentence, found an empty cell"),
        ([("p", "h", "neutrl")], "dev-de.tsv:1: expected the label to be one of"),
        ([], "found none; the file is empty"),
    ],
)
def test_xtreme_faults(tmp_path, rows, part):
    put(tmp_path, "xnli/dev-de.tsv", *rows)
    assert part in refused(tmp_path, "xnli", "dev", "de")


def test_pawsx_layouts_agree(tmp_path):
    header = ("id", "sentence1", "sentence2", "label")
    put(tmp_path / "a", "x-final/de/dev_2k.tsv", header, ("1", 'Er sagte "ja"', "b", "1"))
    put(tmp_path / "b", "pawsx/dev-de.tsv", ('"Er sagte ""ja"""', "b", "1"))
    a, b = load(tmp_path / "a", "pawsx", "dev", "de"), load(tmp_path / "b", "pawsx", "dev", "de")
    assert a == b
    assert (a[0].text, a[0].group) == ('Er sagte "ja"', "s1")


def test_sick(tmp_path):
    header = ("pair_ID", "sentence_A", "sentence_B", "relatedness_score", "entailment_judgment")
    put(tmp_path, "SICK/SICK_trial.txt", header, ("4", "a", "b", "3.6", "CONTRADICTION"))
    (example,) = load(tmp_path, "sick", "dev")
    assert (example.id, example.label) == ("4", "contradiction")


def test_glue_tests_have_no_gold_and_need_none(tmp_path):
    put(tmp_path, "glue/RTE/test.tsv", ("index", "sentence1", "sentence2"), ("0", "a", "b"))
    assert load(tmp_path, "rte", "test")[0].label is None
    put(tmp_path, "glue/RTE/dev.tsv", ("index", "sentence1", "sentence2"), ("0", "a", "b"))
    assert "column 'label'" in refused(tmp_path, "rte", "dev")


def test_mrpc_drops_its_byte_order_mark(tmp_path):
    header = ("\ufeffQuality", "#1 ID", "#2 ID", "#1 String", "#2 String")
    put(tmp_path, "glue/MRPC/dev.tsv", header, ("1", "11", "12", '" a', "b"))
    (example,) = load(tmp_path, "mrpc", "dev")
    assert (example.text, example.label) == ('" a', "1")


def test_qqp_leaves_out_broken_rows_within_bounds(tmp_path):
    header = ("id", "qid1", "qid2", "question1", "question2", "is_duplicate")
    good = ("5", "1", "2", "a?", "b?", "1")
    put(tmp_path, "glue/QQP/dev.tsv", header, *[("9", "broken")] * 10, good)
    assert [e.id for e in load(tmp_path, "qqp", "dev")] == ["5"]
    put(tmp_path, "glue/QQP/dev.tsv", header, *[("9", "broken")] * 11, good)
    assert "dev.tsv:12: expected 6" in refused(tmp_path, "qqp", "dev")


@pytest.mark.parametrize(
    ("score", "part"),
    [("5.5", "expected 'score' between 0 and 5, found 5.5"), ("high", "to be a number")],
)
def test_sts(tmp_path, score, part):
    header = ("index", "sentence1", "sentence2", "score")
    put(tmp_path, "glue/STS-B/dev.tsv", header, ("0", "a", "b", "4.250"))
    assert load(tmp_path, "sts-b", "dev")[0].value == 4.25
    put(tmp_path, "glue/STS-B/dev.tsv", header, ("0", "a", "b", score))
    assert part in refused(tmp_path, "sts-b", "dev")


def test_anli_rounds(tmp_path):
    for n in (1, 2, 3):
        row = {"uid": f"u{n}", "context": "c", "hypothesis": "h", "label": "e"}
        put(tmp_path, f"anli_v1.0/R{n}/dev.jsonl", json.dumps(row))
    assert [e.id for e in load(tmp_path, "anli", "dev")] == ["u1", "u2", "u3"]
    (second,) = load(tmp_path, "anli", "dev-r2")
    assert (second.id, second.label) == ("u2", "entailment")


def test_inference_tasks_share_their_labels():
    specs = {get(name).head for name in ("snli", "mnli", "sick", "xnli", "anli")}
    assert len(specs) == 1
    assert get("rte").head not in specs
    assert get("pawsx").head == get("mrpc").head == get("qqp").head
