"""What `check` finds in small tasks that have one fault each."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

from waystation import readers
from waystation.check import CODES, CheckReport, check_task
from waystation.check.alignment import numbers, shifts
from waystation.cli import app
from waystation.errors import UserError
from waystation.examples import BitextExample, ChoiceExample, ClassificationExample
from waystation.metrics.labels import ACCURACY
from waystation.task import Task, get
from waystation.tasks import layouts

PAGE = Path(__file__).parents[1] / "docs" / "howto" / "check.md"


def read(files, language, split):
    for line, (text, label) in readers.fields(files[0], (2,)):
        label = None if label == "?" else readers.one_of(label, LABELS, "the label", files[0], line)
        yield ClassificationExample(id=str(line), group=f"g{line}", text=text, label=label)


LABELS = {"0": "0", "1": "1", "2": "2"}
TASK = Task(
    name="toy",
    version=1,
    summary="",
    example=ClassificationExample,
    layouts=layouts(read, {"train": "{l}.train", "test": "{l}.test"}),
    languages=("en", "de", "ru"),
    splits=("train", "test"),
    labels=("0", "1"),
    metrics=(ACCURACY,),
)


def put(folder, **files):
    for name, rows in files.items():
        content = "".join(f"{text}\t{label}\n" for text, label in rows)
        (folder / name.replace("_", ".")).write_text(content, encoding="utf-8")


def said(report, *severities):
    """`code language split count` of each finding."""
    return [
        " ".join(filter(None, (f.code, f.language, f.split, str(f.count))))
        for f in report.findings
        if f.severity in (severities or ("error", "warning"))
    ]


def one(report, code):
    (found,) = [f for f in report.findings if f.code == code]
    return found


def sentences(count, start=0):
    """Sentences that are nothing like each other."""
    words = ("amber", "birch", "cedar", "delta", "ember", "fjord", "grove", "heath", "inlet",
             "jetty", "knoll", "ledge", "marsh")  # fmt: skip
    return [
        " ".join(words[(n * k + k * k + n // 7) % 13] + str(n * k % 17) for k in range(3, 9))
        for n in range(start, start + count)
    ]


def test_a_clean_task(tmp_path):
    put(tmp_path, en_train=[("a", 0), ("b", 1)], en_test=[("c", 0)], de_test=[("d", 0)])
    report = check_task(TASK, tmp_path)
    assert report.ok
    assert said(report) == []
    assert said(report, "note") == ["missing-files train 2", "missing-files test 1"]
    train = report.entries[0]
    assert (train.language, train.split, train.examples) == ("en", "train", 2)
    assert (train.labels, train.without_gold) == ({"0": 1, "1": 1}, 0)
    assert train.official == "unknown"


def test_the_shape_of_the_json(tmp_path):
    put(tmp_path, en_train=[("a", 0), ("b", 1), ("a", 1)])
    shown = json.loads(json.dumps(check_task(replace(TASK, splits=("train",)), tmp_path).to_json()))
    assert list(shown) == ["format", "name", "ok", "findings", "read", "tokens"]
    assert (shown["format"], shown["name"], shown["ok"], shown["tokens"]) == (1, "toy", True, [])
    assert shown["findings"][0] == {
        "code": "conflicting-duplicates",
        "severity": "warning",
        "task": "toy",
        "language": "en",
        "split": "train",
        "count": 1,
        "message": "1 of 3 (33.3%) examples repeat the text of an earlier one with other gold, so"
        " that one of the two may be wrong: look at them",
        "examples": ["3 = 1"],
    }
    (entry,) = shown["read"]
    assert (entry["task"], entry["kind"], entry["examples"]) == ("toy", "classification", 3)
    assert entry["first"][0]["text"] == "a"
    assert [*entry["files"][0]] == ["path", "sha256", "size_bytes"]


def test_reading_goes_on_after_bad_rows(tmp_path):
    rows = [(text, n % 2) for n, text in enumerate(sentences(700))]
    rows[3], rows[4], rows[420] = ("x", 7), ("y", "maybe"), ("z\tz", 0)
    put(tmp_path, en_test=rows)
    report = check_task(TASK, tmp_path, ["en"], ["test"])
    assert not report.ok
    found = one(report, "bad-row")
    assert found.count == 3
    assert found.message == (
        "3 rows are not as the format promises, which stops a study: correct or remove them"
    )
    assert found.examples[0].startswith("en.test:4: expected the label to be one of '0', '1', '2'")
    assert found.examples[1].startswith("en.test:5: ")
    assert found.examples[2] == (
        "en.test:421: expected 2 tab-separated columns, found 3; a tab or line break inside a text"
        " must be removed"
    )
    assert report.entries[0].examples == 697


def test_a_bad_first_row_and_bytes_that_are_not_utf8(tmp_path):
    (tmp_path / "en.test").write_bytes(b"a\t9\nb\t0\nc \xff\t1\nd\t1\n")
    report = check_task(TASK, tmp_path, ["en"], ["test"])
    found = one(report, "bad-row")
    assert [example[:10] for example in found.examples] == ["en.test:1:", "en.test:3:"]
    assert "expected UTF-8, found the byte 0xff" in found.examples[1]
    assert report.entries[0].examples == 2


def test_ids_and_labels_that_stop_a_study(tmp_path):
    def same_id(files, language, split):
        yield from (replace(e, id="1") for e in read(files, language, split))

    put(tmp_path, en_test=[("a", 0), ("b", 1)])
    twice = replace(TASK, layouts=layouts(same_id, {"test": "{l}.test"}))
    assert one(check_task(twice, tmp_path, ["en"], ["test"]), "repeated-id").examples == ("1",)
    put(tmp_path, en_test=[("a", 0), ("b", 2)])
    found = one(check_task(TASK, tmp_path, ["en"], ["test"]), "bad-example")
    assert found.examples[0].startswith("expected a label of task 'toy' (0, 1) in example '2'")


@pytest.mark.parametrize(
    ("task", "name", "content", "bad", "kept"),
    [
        ("rte", "RTE/train.tsv", "index\tsentence1\tsentence2\tlabel\n0\ta\tb\tentailment\n"
         "1\ta\t\tentailment\n2\tc\td\tnot_entailment\n", ["RTE/train.tsv:3"], 2),
        ("panx", "panx/train-en.tsv", "a\tO\n\nb\tB-XXX\nc\tO\n\nd\tO\n",
         ["panx/train-en.tsv:3"], 2),
        ("cosmosqa", "cosmosqa/train.csv", 'id,context,question,answer0,answer1,answer2,answer3,'
         'label\n1,"a\nb",q,x,y,z,w,0\n2,c,q,x,y,z,w,9\n3,d,q,x,y,z,w,1\n',
         ["cosmosqa/train.csv:4"], 2),
        ("commonsenseqa", "commonsenseqa/train_rand_split.jsonl", '{"id": "1"}\nno\n',
         ["commonsenseqa/train_rand_split.jsonl:1", "commonsenseqa/train_rand_split.jsonl:2"], 0),
    ],
)  # fmt: skip
def test_reading_goes_on_in_every_format(tmp_path, task, name, content, bad, kept):
    path = tmp_path / name
    path.parent.mkdir(parents=True)
    path.write_text(content, encoding="utf-8")
    report = check_task(get(task), tmp_path, ["en"], ["train"])
    found = [e for f in report.findings if f.code == "bad-row" for e in f.examples]
    assert [example.split(": ")[0] for example in found] == bad
    assert sum(entry.examples for entry in report.entries) == kept


def test_reading_goes_on_in_squad(tmp_path):
    def question(number, start):
        answers = [{"text": "two", "answer_start": start}]
        return {"id": f"q{number}", "question": "?", "answers": answers}

    paragraph = {
        "context": "one two three",
        "qas": [question(n, 4 if n % 3 else 5) for n in range(7)],
    }
    release = {"data": [{"title": "A", "paragraphs": [paragraph]}]}
    (tmp_path / "squad").mkdir()
    (tmp_path / "squad" / "train-v1.1.json").write_text(json.dumps(release))
    report = check_task(get("squad-v1"), tmp_path, ["en"], ["train"])
    found = one(report, "bad-row")
    assert found.count == 3
    assert "expected the answer 'two' of question 'q0' at character 5" in found.examples[0]
    assert report.entries[0].examples == 4


def test_files_of_one_name(tmp_path):
    for number in (1, 2, 3):
        row = {"context": f"c{number}", "hypothesis": "h", "label": "e"}
        rows = [row | {"uid": f"{number}-{n}"} for n in range(number)]
        rows[0] |= {"label": "x"} if number == 2 else {}
        lines = "".join(json.dumps(row) + "\n" for row in rows)
        (tmp_path / "anli" / f"R{number}").mkdir(parents=True)
        (tmp_path / "anli" / f"R{number}" / "dev.jsonl").write_text(lines)
    report = check_task(get("anli"), tmp_path, ["en"], ["dev"])
    assert [e.split(": ")[0] for e in one(report, "bad-row").examples] == ["anli/R2/dev.jsonl:1"]
    assert report.entries[0].examples == 5


def test_line_aligned_files_are_cut_alike(tmp_path):
    folder = tmp_path / "xnli"
    folder.mkdir()
    rows = [f"p{n}\th{n}\n" for n in range(6)]
    (folder / "test-de.tsv").write_text("".join(rows))
    (folder / "test-labels.txt").write_text(
        "neutral\nneutral\nwhat\nneutral\nentailment\nneutral\n"
    )
    report = check_task(get("xnli"), tmp_path, ["de"], ["test"])
    assert one(report, "bad-row").examples[0].startswith("xnli/test-labels.txt:3: ")
    assert report.entries[0].labels == {"entailment": 1, "neutral": 4}


def test_what_cannot_be_read_on(tmp_path):
    (tmp_path / "squad").mkdir()
    (tmp_path / "squad" / "train-v1.1.json").write_text("{")
    assert one(check_task(get("squad-v1"), tmp_path, ["en"], ["train"]), "unreadable-file")
    (tmp_path / "RTE").mkdir()
    (tmp_path / "RTE" / "train.tsv").write_text("a\tb\n1\t2\n")
    found = one(check_task(get("rte"), tmp_path, ["en"], ["train"]), "unreadable-file")
    assert "RTE/train.tsv:1: expected a tab-separated header" in found.message
    (tmp_path / "en.test").write_text("")
    assert one(check_task(TASK, tmp_path, ["en"], ["test"]), "unreadable-file")


def test_nothing_there(tmp_path):
    report = check_task(TASK, tmp_path)
    assert not report.ok
    found = one(report, "missing-files")
    assert found.message.startswith("expected the files of task 'toy'")
    assert found.examples == ("train", "test")


def test_a_language_that_was_asked_for_is_an_error(tmp_path):
    put(tmp_path, en_test=[("c", 0)])
    assert not check_task(TASK, tmp_path, ["en", "de"], ["test"]).ok
    assert not check_task(TASK, tmp_path, ["en", "de"]).ok
    assert check_task(TASK, tmp_path, ["en"], ["test"]).ok


def test_gold(tmp_path):
    same = [(text, 0) for text in sentences(12)]
    put(tmp_path, en_test=[*same, ("x\ufffd", 0), ("cafÃ©", 0), ("y", "?")], de_test=[("a", "?")])
    report = check_task(TASK, tmp_path)
    assert said(report) == [
        "one-label en test 14",
        "wrong-decoding en test 2",
        "no-gold en test 1",
        "not-parallel de test 14",
    ]
    assert one(report, "one-label").message.startswith("all 14 examples have the label '0'")
    assert one(report, "wrong-decoding").examples == ("13", "14")
    assert "no-gold de test 1" in said(report, "note")


def test_a_label_that_is_never_learnt(tmp_path):
    put(tmp_path, en_train=[("a", 0), ("b", 1)])
    report = check_task(replace(TASK, labels=("0", "1", "2")), tmp_path)
    assert one(report, "missing-label").examples == ("2",)


def test_a_language_with_other_label_frequencies(tmp_path):
    for language, every in (("en", 2), ("de", 2), ("ru", 5)):
        rows = [(f"{language} {t}", int(n % every == 0)) for n, t in enumerate(sentences(120))]
        put(tmp_path, **{f"{language}_train": rows})
    found = one(check_task(TASK, tmp_path), "label-frequencies")
    assert found.language == "ru"
    assert found.message.startswith("its labels are 0 80%, 1 20% where the median")


def test_duplicates(tmp_path):
    first = sentences(20)
    again = [(first[0].upper(), 0), ("  " + first[1], 1), (first[2] + "!", 0)]
    put(tmp_path, en_train=[*((t, 0) for t in first), *again], en_test=[(first[5], 1), ("b", 0),
        (first[6].replace("a", "e", 1), 0)])  # fmt: skip
    report = check_task(TASK, tmp_path)
    assert one(report, "duplicates").examples == ("21 = 1",)
    assert one(report, "conflicting-duplicates").examples == ("22 = 2",)
    assert one(report, "near-duplicates").examples == ("23 ~ 3",)
    assert one(report, "shared-between-splits").examples == ("test 1 = train 6",)
    assert one(report, "near-shared").examples == ("3 ~ train 7",)


def test_a_part_of_a_split_is_no_other_split(tmp_path):
    files = {"dev": "{l}.train", "dev-r1": "{l}.train"}
    put(tmp_path, en_train=[("one and the same text", 0), ("b", 1)])
    task = replace(TASK, layouts=layouts(read, files), splits=("dev", "dev-r1"))
    assert said(check_task(task, tmp_path)) == []


def test_languages_that_disagree(tmp_path):
    put(
        tmp_path,
        en_test=[(f"a sentence of the year 19{n}{n} and more", n % 2) for n in range(4)],
        de_test=[(f"ein Satz vom Jahr 19{n}{n or 7} und mehr", 0) for n in range(3)],
    )
    report = check_task(TASK, tmp_path)
    assert one(report, "not-parallel").examples == ("4",)
    assert one(report, "labels-differ").examples == ("2: 0, not 1",)
    assert one(report, "numbers-differ").examples == ("1: 1900 / 1907",)


def test_most_languages_decide_where_the_source_language_is_absent(tmp_path):
    for language, label in (("en", 1), ("de", 1), ("ru", 0)):
        put(tmp_path, **{f"{language}_test": [(f"{language}", label)]})
    task = replace(TASK, source_language="fr", languages=("en", "de", "ru"))
    found = one(check_task(task, tmp_path), "labels-differ")
    assert (found.language, found.examples) == ("ru", ("1: 0, not 1",))
    assert "most languages" in found.message


def test_texts_that_are_not_translations(tmp_path):
    english = [(f"{t} and a tail", 0) for t in sentences(30)]
    german = [(f"{t} und ein Ende", 0) for t in sentences(30)]
    german[4] = english[4]
    german[5] = (german[5][0] * 5, 0)
    german[6] = (german[6][0] + " www.example.org/b", 0)
    english[6] = (english[6][0] + " www.example.org/a", 0)
    put(tmp_path, en_test=english, de_test=german)
    put(tmp_path, ru_test=[("Россия и немного слов по-русски", 0)] * 29 + [("latin " * 8, 0)])
    report = check_task(TASK, tmp_path)
    for code, where in (("untranslated", "5"), ("other-script", "30"), ("urls-differ", "7:")):
        assert one(report, code).examples[0].startswith(where), code
    lengths = [f for f in report.findings if f.code == "lengths-differ" and f.language == "de"]
    assert lengths[0].examples == ("6",)


def bitext(source, target, language="de"):
    def pairs(files, language, split):
        for n, texts in enumerate(zip(source, target, strict=True), 1):
            yield BitextExample(id=str(n), source=texts[0], target=texts[1])

    return replace(
        TASK,
        example=BitextExample,
        layouts=(replace(layouts(pairs, {})[0], paths=lambda *_: (), reads_folder=False),),
        languages=(language,),
        splits=("test",),
        labels=(),
    )


def long_and_short(count):
    return ["das Wort " * (1 + n * n % 23) + str(n) for n in range(count)]


def test_shifted_sides():
    source = long_and_short(400)
    target = [text.replace("das", "the").replace("Wort", "word") for text in source]
    assert check_task(bitext(source, target), None).ok
    moved = [*target[:150], *target[151:], "the end"]
    found = one(check_task(bitext(source, moved), None), "shifted-lines")
    assert (found.severity, found.examples) == ("error", ("201: -1", "301: -1"))
    assert "from '201' on, texts fit those of the other side 1 line back" in found.message


def test_swapped_and_repeated_sides():
    german = [f"Satz {t}" for t in sentences(40)]
    english = [f"the {t} is that of his" for t in sentences(40)]
    assert check_task(bitext(german, english), None).ok
    assert one(check_task(bitext(english, german), None), "swapped-sides").severity == "error"
    found = check_task(bitext([*german, german[0] + "."], [*english, english[0]]), None)
    assert one(found, "repeated-targets").examples == ("41 = 1",)
    found = check_task(bitext(german, [*english[:-1], german[-1]]), None)
    assert one(found, "untranslated").examples == ("40",)


def test_numbers_in_every_script():
    assert numbers("1,000 und ١٩٨٤ und 7") == {"1000": 1, "1984": 1}
    assert shifts(*[__import__("numpy").arange(10)] * 2) == []


def test_a_question_that_never_changes(tmp_path):
    def ask(files, language, split):
        for n in range(12):
            ask_for = "cause" if n % 2 and language == "en" else "effect"
            yield ChoiceExample(
                id=str(n), group=f"g{n}", context=f"{n} {language}. What was the {ask_for}?",
                options=("a", "b"), label=n % 2,
            )  # fmt: skip

    layout = replace(layouts(ask, {})[0], paths=lambda *_: (), reads_folder=False)
    task = replace(TASK, example=ChoiceExample, layouts=(layout,), splits=("test",), labels=())
    report = check_task(replace(task, languages=("en", "de")), None)
    assert said(report) == ["one-question de test 12", "question-differs de test 6"]


def test_placeholder_labels(tmp_path):
    folder = tmp_path / "copa"
    folder.mkdir()
    row = {"premise": "p", "choice1": "a", "choice2": "b", "question": "cause", "label": 0}
    rows = [json.dumps(row | {"idx": n, "premise": t}) for n, t in enumerate(sentences(5))]
    (folder / "test-en.jsonl").write_text("\n".join(rows) + "\n")
    found = one(check_task(get("copa"), tmp_path, ["en"], ["test"]), "placeholder-labels")
    assert found.message.startswith("the field 'label' is 0 on all 5 rows, a placeholder")


def test_files_that_are_not_the_official_ones(tmp_path):
    folder = tmp_path / "xcopa" / "it"
    folder.mkdir(parents=True)
    row = {
        "premise": "p",
        "choice1": "a",
        "choice2": "b",
        "question": "cause",
        "label": 0,
        "idx": 1,
    }
    (folder / "val.it.jsonl").write_text(json.dumps(row) + "\n")
    report = check_task(get("xcopa"), tmp_path, ["it"], ["dev"])
    assert report.entries[0].official == "differs"
    messages = [f.message for f in report.findings if f.code == "not-official"]
    assert messages[0].startswith("1 of 1 (100.0%) files are not those of github.com/cambridgeltl")
    assert messages[1].startswith("1 of 100 (1.0%) examples of the official release are here")


def test_limit_and_only(tmp_path):
    put(tmp_path, en_test=[("a", 0), ("b", 1), ("a", 1)])
    assert check_task(TASK, tmp_path, ["en"], ["test"], limit=2).entries[0].examples == 2
    report = check_task(TASK, tmp_path, ["en"], ["test"])
    assert report.only(["duplicates"]).findings == ()
    message = (
        "expected a code of `waystation check`, found 'duplicate'. Did you mean 'duplicates'?"
        " The codes are missing-files, "
    )
    with pytest.raises(UserError, match=re.escape(message)):
        report.only(["duplicate"])


def call(*arguments):
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def test_what_is_printed(tmp_path):
    folder = tmp_path / "glue" / "RTE"
    folder.mkdir(parents=True)
    rows = ["index\tsentence1\tsentence2\tlabel"]
    rows += [f"{n}\t{t}\t{t[::-1]}\tentailment" for n, t in enumerate(sentences(12))]
    (folder / "train.tsv").write_text("\n".join(rows) + "\n")
    found = call("check", "rte", "--data", tmp_path)
    assert found.exit_code == 1
    lines = found.stdout.splitlines()
    assert lines[0] == "rte (classification)"
    assert lines[2].split() == ["train", "en", "12", "0", "entailment", "12", "differs"]
    assert lines[3].startswith("  en train  ")
    assert lines[3].endswith(" -> entailment")
    assert "errors" in lines
    assert any(line.startswith("  one-label: all 12 examples have the label") for line in lines)
    assert "    rte train: en 12" in [line.rstrip() for line in lines]
    assert lines[-1].startswith("rte: 1 error, ")
    only = call("check", "rte", "--data", tmp_path, "--only", "duplicates")
    assert (only.exit_code, only.stdout) == (0, "rte: nothing to complain about\n")
    unknown = call("check", "rte", "--only", "dupes")
    assert unknown.exit_code == 2
    shown = json.loads(call("check", "rte", "--data", tmp_path, "--json", "--limit", 3).stdout)
    assert shown["read"][0]["examples"] == 3


def test_a_task_is_checked_without_torch(tmp_path):
    (tmp_path / "RTE").mkdir()
    (tmp_path / "RTE" / "train.tsv").write_text(
        "index\tsentence1\tsentence2\tlabel\n0\ta\tb\tentailment\n1\ta\tc\tnot_entailment\n"
    )
    code = (
        "import pathlib, sys\n"
        "from waystation.check import show\n"
        f"assert show.show_check('rte', pathlib.Path({str(tmp_path)!r})) == 0\n"
        "assert 'torch' not in sys.modules and 'transformers' not in sys.modules\n"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert found.stderr == ""


def test_the_page_and_the_code_name_the_same_codes():
    text = PAGE.read_text(encoding="utf-8")
    documented = re.findall(r"^\| `([a-z-]+)` \|", text, re.MULTILINE)
    assert documented == list(CODES)
    used = set()
    for path in (Path(__file__).parents[1] / "src/waystation/check").glob("*.py"):
        if path.name != "findings.py":
            used |= set(
                re.findall(
                    r'"([a-z]+(?:-[a-z]+)+|duplicates|truncated|untranslated)"', path.read_text()
                )
            )
    assert [code for code in CODES if code not in used] == []


def test_an_empty_report_is_fine():
    assert CheckReport(name="x", entries=(), tokens=(), findings=()).ok
