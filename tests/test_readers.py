"""Each format's reader: what it accepts, and the sentence for each way in which a file is wrong."""

from __future__ import annotations

import bz2
import csv
import gzip
import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from waystation import readers
from waystation.errors import DataError
from waystation.examples import Answer

CELL = st.text(
    st.characters(blacklist_categories=("Cs",), blacklist_characters="\0\t\n\r"), min_size=1
).filter(str.strip)


def write(folder, name, content):
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def fails(read, path, *parts):
    with pytest.raises(DataError) as caught:
        for _ in read(path):
            pass
    for part in parts:
        assert part in str(caught.value)
    return caught.value


# -- lines ------------------------------------------------------------------------------------


def test_lines_accept_bom_crlf_and_a_missing_last_line_end(tmp_path):
    path = write(tmp_path, "a.txt", "\ufeffone\r\ntwo\u2028still two\nthree".encode())
    assert [*readers.lines(path)] == [(1, "one"), (2, "two\u2028still two"), (3, "three")]


def test_lines_of_an_empty_file(tmp_path):
    assert [*readers.lines(write(tmp_path, "a.txt", b""))] == []


@pytest.mark.parametrize(("suffix", "pack"), [(".gz", gzip.compress), (".bz2", bz2.compress)])
def test_compressed_files(tmp_path, suffix, pack):
    packed = pack("ä\nb\n".encode() * 200)
    good = write(tmp_path, f"a{suffix}", packed)
    assert [*readers.lines(good)][:2] == [(1, "ä"), (2, "b")]
    cut = write(tmp_path, f"cut{suffix}", packed[:-6])
    fails(readers.lines, cut, f"cut{suffix}", "damaged or cut off", "download it again")
    fails(readers.lines, write(tmp_path, f"no{suffix}", b"plain"), "damaged or cut off")


def test_bad_utf8_names_line_and_byte(tmp_path):
    path = write(tmp_path, "latin.txt", "good\nsch\xf6n\n".encode("latin-1"))
    error = fails(readers.lines, path, "latin.txt:2:", "0xf6 at byte 4", "convert the file")
    assert error.line == 2


def test_nul(tmp_path):
    fails(readers.lines, write(tmp_path, "a.txt", b"one\ntw\0o\n"), "a.txt:2:", "NUL")


def test_missing_file(tmp_path):
    fails(readers.lines, tmp_path / "none.txt", "expected a readable file", "No such file")


# -- tables -----------------------------------------------------------------------------------


def test_fields_keep_quotes(tmp_path):
    path = write(tmp_path, "a.tsv", '" He said\tyes"\t1\n')
    assert [*readers.fields(path, (3,))] == [(1, ['" He said', 'yes"', "1"])]


def test_fields_wrong_column_count(tmp_path):
    path = write(tmp_path, "a.tsv", "a\tb\nc\td\te\n")
    fails(lambda p: readers.fields(p, (2, 3)), path, "a.tsv:2:", "expected 2 tab", "found 3")
    fails(lambda p: readers.fields(p, (3, 4)), path, "a.tsv:1:", "expected 3 or 4", "found 2")


def test_table(tmp_path):
    path = write(tmp_path, "a.tsv", 'id\ttext\n1\tsays "x"\n')
    assert [*readers.table(path, ("text",))] == [(2, {"id": "1", "text": 'says "x"'})]


def test_table_missing_column_has_suggestion(tmp_path):
    path = write(tmp_path, "a.tsv", "id\tsentence_1\n1\tx\n")
    fails(
        lambda p: readers.table(p, ("sentence1",)),
        path,
        "a.tsv:1:",
        "column 'sentence1', found 'id', 'sentence_1'. Did you mean 'sentence_1'?",
    )


def test_table_column_twice(tmp_path):
    path = write(tmp_path, "a.tsv", "a\ta\n1\tx\n")
    fails(lambda p: readers.table(p, ("a",)), path, "expected each column once, found 'a' twice")


def test_table_wrong_column_count(tmp_path):
    path = write(tmp_path, "a.tsv", "a\tb\n1\n")
    fails(lambda p: readers.table(p, ("a",)), path, "a.tsv:2:", "expected 2", "found 1")


def test_table_may_leave_out_known_breaks_but_no_more(tmp_path):
    path = write(tmp_path, "a.tsv", "a\tb\n1\n2\tx\n3\n")
    assert [row["a"] for _, row in readers.table(path, ("a",), may_break=2)] == ["2"]
    fails(lambda p: readers.table(p, ("a",), may_break=1), path, "a.tsv:4:")


def test_csv_table(tmp_path):
    path = write(tmp_path, "a.csv", 'id,text\r\n1,"a, ""b""\nc"\r\n2,d\r\n')
    assert [*readers.csv_table(path, ("text",))] == [
        (3, {"id": "1", "text": 'a, "b"\nc'}),
        (4, {"id": "2", "text": "d"}),
    ]


@pytest.mark.parametrize(
    ("content", "parts"),
    [
        ("id,text\n1,a,b\n", ("a.csv:2:", "expected 2 comma", "found 3", "needs quotes")),
        ('id,text\n1,"a"b\n', ("a.csv:2:", "quotes doubled inside quotes")),
        ('id,text\n1,"a\n', ("quotes doubled inside quotes",)),
        ("id;text\n1;a\n", ("a.csv:1:", "column 'text', found 'id;text'")),
        ("", ("a.csv:1:", "column 'text'")),
    ],
)
def test_csv_faults(tmp_path, content, parts):
    fails(lambda p: readers.csv_table(p, ("text",)), write(tmp_path, "a.csv", content), *parts)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(CELL, CELL), min_size=1, max_size=5))
def test_what_csv_writer_wrote_comes_back(tmp_path, rows):
    path = tmp_path / "a.tsv"
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file, delimiter="\t").writerows(rows)
    assert [tuple(cells) for _, cells in readers.written_by_csv(path, (2,))] == rows


def test_plainly_written_quotes_stay(tmp_path):
    path = write(tmp_path, "a.tsv", '"Yes", he said\t"No."\n"a ""b"" c"\tx\n')
    assert [cells for _, cells in readers.written_by_csv(path, (2,))] == [
        ['"Yes", he said', '"No."'],
        ['"a ""b"" c"', "x"],
    ]


# -- JSON lines -------------------------------------------------------------------------------


def test_jsonl(tmp_path):
    path = write(tmp_path, "a.jsonl", '{"a": 1}\n{"a": "ä"}\n')
    assert [*readers.jsonl(path)] == [(1, {"a": 1}), (2, {"a": "ä"})]


@pytest.mark.parametrize("content", ['{"a": 1}\n{"a"\n', '{"a": 1}\n\n', '{"a": 1}\n[1]\n'])
def test_jsonl_faults(tmp_path, content):
    fails(readers.jsonl, write(tmp_path, "a.jsonl", content), "a.jsonl:2: expected one JSON object")


@pytest.mark.parametrize(
    ("record", "type_", "part"),
    [
        ({"lable": 1}, int, "expected the field 'label', found 'lable'. Did you mean 'lable'?"),
        ({"label": "1"}, int, "expected 'label' to be a whole number, found \"1\""),
        ({"label": True}, int, "found true"),
        ({"label": " "}, str, "expected 'label' to hold text, found it empty"),
    ],
)
def test_take_faults(tmp_path, record, type_, part):
    with pytest.raises(DataError) as caught:
        readers.take(record, "label", type_, tmp_path / "a.jsonl", 7)
    assert "a.jsonl:7:" in str(caught.value)
    assert part in str(caught.value)


def test_small_checks(tmp_path):
    path = tmp_path / "a"
    assert readers.number("2.5", "'score'", path, 1) == 2.5
    for text in ("x", "nan", "inf", ""):
        with pytest.raises(DataError, match=f"expected 'score' to be a number, found '{text}'"):
            readers.number(text, "'score'", path, 1)
    with pytest.raises(DataError, match=r"one of 'yes', 'no', found 'yess'. Did you mean 'yes'"):
        readers.one_of("yess", {"yes": 1, "no": 0}, "the label", path, 3)
    with pytest.raises(DataError, match="a:3: expected a sentence, found an empty cell"):
        readers.filled(" ", "a sentence", path, 3)


# -- tags -------------------------------------------------------------------------------------


def test_conll(tmp_path):
    path = write(tmp_path, "a.tsv", "The\tDET\ncat\tNOUN\n\n \t\nIt\tPRON\n")
    assert [*readers.conll(path)] == [
        (1, ("The", "cat"), ("DET", "NOUN")),
        (5, ("It",), ("PRON",)),
    ]


def test_conll_without_tags(tmp_path):
    assert [*readers.conll(write(tmp_path, "a.tsv", "The\ncat\n\n"))] == [(1, ("The", "cat"), None)]


@pytest.mark.parametrize(
    ("content", "parts"),
    [
        ("The\tDET\ncat\n", (":2:", "expected 2", "found 1")),
        ("The\ncat\tNOUN\n", (":2:", "expected 1", "found 2")),
        ("The\tDET\tx\n", (":1:", "expected 1 or 2", "found 3")),
        ("The\tDET\n\tNOUN\n", (":2:", "expected a word, found an empty cell")),
        ("The\t\n", (":1:", "expected a tag, found an empty cell")),
    ],
)
def test_conll_faults(tmp_path, content, parts):
    fails(readers.conll, write(tmp_path, "a.tsv", content), *parts)


WORD = CELL.filter(lambda text: text == text.strip())


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.lists(st.tuples(WORD, WORD), min_size=1, max_size=4), min_size=1, max_size=4))
def test_conll_comes_back(tmp_path, sentences):
    content = "\n".join("".join(f"{w}\t{t}\n" for w, t in s) for s in sentences)
    read = [
        tuple(zip(w, t, strict=True)) for _, w, t in readers.conll(write(tmp_path, "a", content))
    ]
    assert read == [tuple(sentence) for sentence in sentences]


def row(id_, form, tag):
    return "\t".join((id_, form, "_", tag, *["_"] * 6)) + "\n"


def test_conllu_passes_over_multiword_tokens_and_empty_nodes(tmp_path):
    content = (
        "# newdoc id = d\n# sent_id = s1\n# text = zum Haus\n"
        + row("1-2", "zum", "_") + row("1", "zu", "ADP") + row("2", "dem", "DET")
        + row("3", "Haus", "NOUN") + row("3.1", "_", "VERB") + "\n"
        + "# sent_id = s2\n" + row("1", "Ja", "INTJ")
    )  # fmt: skip
    assert [*readers.conllu(write(tmp_path, "a.conllu", content))] == [
        (5, "s1", ("zu", "dem", "Haus"), ("ADP", "DET", "NOUN")),
        (11, "s2", ("Ja",), ("INTJ",)),
    ]


@pytest.mark.parametrize(
    ("content", "parts"),
    [
        (row("1", "a", "X"), (":1:", "expected '# sent_id ='")),
        ("# sent_id = s\n1\ta\tX\n", (":2:", "expected 10 tab-separated columns, found 3")),
        ("# sent_id = s\n" + row("2", "a", "X"), (":2:", "expected word 1, found '2'")),
        ("# sent_id = s\n" + row("1", "", "X"), (":2:", "expected a word form")),
        ("# sent_id = s\n" + row("1", "a", ""), (":2:", "expected a universal tag")),
    ],
)
def test_conllu_faults(tmp_path, content, parts):
    fails(readers.conllu, write(tmp_path, "a.conllu", content), *parts)


def test_parallel(tmp_path):
    a, b = write(tmp_path, "a", "1\n2\n"), write(tmp_path, "b", "x\ny\n")
    assert [*readers.parallel((a, b))] == [(1, ("1", "x")), (2, ("2", "y"))]
    c = write(tmp_path, "c", "x\n")
    fails(readers.parallel, (a, c), "c: expected 2 lines, one for each of a, found 1")


# -- SQuAD ------------------------------------------------------------------------------------


def squad(*questions, context="The cat sat."):
    return json.dumps(
        {"data": [{"title": "T", "paragraphs": [{"context": context, "qas": list(questions)}]}]}
    )


def question(**fields):
    return {"id": "q1", "question": "Who sat?"} | fields


def test_squad(tmp_path):
    answers = [{"text": "cat", "answer_start": 4}]
    path = write(tmp_path, "a.json", squad(question(id="q2", answers=answers), question()))
    (title, first), (_, second) = readers.squad(path)
    assert title == "T"
    assert (first.id, first.group, first.answers) == ("q2", "q1", (Answer(text="cat", start=4),))
    assert (second.group, second.answers) == ("q1", None)


def test_squad_offsets_count_characters(tmp_path):
    answers = [{"text": "猫", "answer_start": 3}]
    path = write(tmp_path, "a.json", squad(question(answers=answers), context="😂ä 猫"))
    assert next(readers.squad(path))[1].answers == (Answer(text="猫", start=3),)


def test_squad_v2_and_removed_gold(tmp_path):
    impossible = question(answers=[], is_impossible=True)
    removed = question(answers=[{"text": "", "answer_start": 0}])
    read = [
        e.answers for _, e in readers.squad(write(tmp_path, "a.json", squad(impossible, removed)))
    ]
    assert read == [(), None]


@pytest.mark.parametrize(
    ("content", "parts"),
    [
        ("[1]", ("expected an object with the field 'data', found [1]",)),
        ("{", ("expected SQuAD JSON",)),
        (squad({"id": None, "question": "Who?"}), ("a question's 'id' to be text, found null",)),
        ('{"data": [{}]}', ("expected the field 'paragraphs'",)),
        (squad({"id": "q1", "question": ""}), ("question 'q1' to have text",)),
        (squad({"question": "Who?"}), ("expected the field 'id'",)),
        (squad(question(answers=[])), ("question 'q1' to have an answer, found none",)),
        (
            squad(question(answers=[{"text": "cat", "answer_start": 5}])),
            ("the answer 'cat' of question 'q1' at character 5", "found 'at '"),
        ),
        (
            squad(question(answers=[{"text": "cat", "answer_start": -8}])),
            ("at character -8", "found ''"),
        ),
        (squad(question(answers=[{"text": "cat"}])), ("to have 'text' and 'answer_start'",)),
    ],
)
def test_squad_faults(tmp_path, content, parts):
    fails(readers.squad, write(tmp_path, "a.json", content), "a.json: expected", *parts)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 30) | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=2)
    | st.dictionaries(
        st.sampled_from(
            ["data", "paragraphs", "context", "qas", "id", "question", "answers", "text",
             "answer_start", "is_impossible", "title"]
        ),
        inner,
        max_size=4,
    ),
    max_leaves=12,
)  # fmt: skip


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(JSON, st.integers(0, 4))
def test_squad_refuses_any_other_json_in_a_sentence(tmp_path, value, depth):
    nested = value
    for key in ("answers", "qas", "paragraphs", "data")[4 - depth :]:
        rest = {"id": "1", "question": "?", "context": "abc"}
        nested = {key: [nested], **rest} if depth else nested
    path = write(tmp_path, "a.json", json.dumps(nested))
    try:
        examples = [example for _, example in readers.squad(path)]
    except DataError as error:
        assert str(error).startswith(f"{path}: expected ")  # noqa: PT017
    else:
        for example in examples:
            for answer in example.answers or ():
                assert example.context[answer.start :].startswith(answer.text)
