"""`waystation init`: what it writes loads, and what it cannot write it says in one sentence."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from waystation.errors import StudyFaults, UserError
from waystation.init import OwnFile, write_study
from waystation.study import load_study
from waystation.tasks.own import OwnData


def write_csv(path: Path, header: str = "id,body,stars", rows: int = 30) -> Path:
    lines = [f'{i},"Review {i}, long enough",{1 + i % 3}' for i in range(rows)]
    path.write_text("\n".join([header, *lines]) + "\n", encoding="utf-8")
    return path


def message(file: Path, own: OwnFile | None = None, targets: tuple[str, ...] = ()) -> str:
    with pytest.raises(UserError) as caught:
        write_study(file, targets=targets, own=own)
    assert not file.exists() or file.read_text() == "kept"
    assert [p.name for p in file.parent.glob(".*draft")] == []
    return str(caught.value)


def test_without_anything_it_writes_a_study_that_needs_no_files(tmp_path: Path) -> None:
    file = tmp_path / "my first study.yaml"
    write_study(file)
    study = load_study(file)
    assert study.name == "my-first-study"
    assert [target.task for target in study.targets] == ["pocket-pos", "pocket-nli"]
    assert [stop.name for stop in study.intermediate] == ["none", "pocket-paraphrase"]
    assert study.seeds == (0, 1, 2)
    comments = [line for line in file.read_text().splitlines() if line.startswith("#")]
    assert len(comments) >= 8


def test_named_targets_get_real_stops(tmp_path: Path) -> None:
    file = tmp_path / "s.yaml"
    write_study(file, targets=("xcopa", "udpos"))
    study = load_study(file)
    assert [target.name for target in study.targets] == ["xcopa", "udpos"]
    stops = [stop.name for stop in study.intermediate]
    assert stops == ["none", "snli", "commonsenseqa", "snli+commonsenseqa"]


def test_own_csv_with_everything_named(tmp_path: Path) -> None:
    write_csv(tmp_path / "reviews.csv")
    write_csv(tmp_path / "reviews.de.csv")
    own = OwnFile(
        path=tmp_path / "reviews.csv",
        text="body",
        label="stars",
        evaluate=(f"de={tmp_path / 'reviews.de.csv'}",),
    )
    write_study(tmp_path / "s.yaml", own=own)
    (target,) = load_study(tmp_path / "s.yaml").targets
    assert target.own == OwnData(
        format="csv",
        path="reviews.csv",
        kind="classification",
        text="body",
        label="stars",
        language="en",
        evaluate={"de": "reviews.de.csv"},
    )
    assert target.languages == ("de",)
    assert (
        "# 30 rows looked at: columns 'id', 'body', 'stars'." in (tmp_path / "s.yaml").read_text()
    )


@pytest.mark.parametrize(
    ("header", "text", "label"),
    [
        ("id,body,stars", "body", "stars"),  # by name
        ("Number,Sentence,Class", "Sentence", "Class"),  # by name, whatever the case
        ("a,b,c", "b", "c"),  # the longest, and the one that repeats its values
        ("yes: no,null,#3", "null", "#3"),  # names that YAML would read as something else
    ],
)
def test_columns_are_proposed(tmp_path: Path, header: str, text: str, label: str) -> None:
    write_csv(tmp_path / "mine.csv", header)
    write_study(tmp_path / "s.yaml", own=OwnFile(path=tmp_path / "mine.csv"))
    (target,) = load_study(tmp_path / "s.yaml").targets
    assert target.own is not None
    assert (target.own.text, target.own.label) == (text, label)
    assert (target.split, target.languages) == ("dev", ("en",))


def test_numbers_make_a_regression(tmp_path: Path) -> None:
    rows = [{"text": f"some text {i}", "label": i / 7} for i in range(40)]
    file = tmp_path / "mine.jsonl"
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    write_study(tmp_path / "s.yaml", own=OwnFile(path=file))
    (target,) = load_study(tmp_path / "s.yaml").targets
    assert target.own is not None
    assert (target.own.format, target.own.kind) == ("jsonl", "regression")


def test_the_data_may_lie_elsewhere(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "studies").mkdir()
    write_csv(tmp_path / "data" / "my reviews.csv")
    own = OwnFile(path=tmp_path / "data" / "my reviews.csv")
    write_study(tmp_path / "studies" / "s.yaml", own=own)
    (target,) = load_study(tmp_path / "studies" / "s.yaml").targets
    assert target.own is not None
    assert target.own.path == "../data/my reviews.csv"


def test_it_never_overwrites(tmp_path: Path) -> None:
    file = tmp_path / "s.yaml"
    file.write_text("kept")
    assert message(file) == (
        f"expected {file} to be new, found a file there; choose another name or delete it."
    )


def test_no_folder(tmp_path: Path) -> None:
    file = tmp_path / "nowhere" / "s.yaml"
    assert message(file) == f"expected the folder {file.parent}, found none; create it first."


def test_unknown_task(tmp_path: Path) -> None:
    assert message(tmp_path / "s.yaml", targets=("udpo",)) == (
        "expected the name of a task, found 'udpo'. Did you mean 'udpos'?"
        " `waystation tasks` lists them."
    )


def test_unknown_column(tmp_path: Path) -> None:
    path = write_csv(tmp_path / "a.csv")
    assert message(tmp_path / "s.yaml", OwnFile(path=path, label="star")) == (
        f"expected --label to name a column of {path} (id, body, stars), found 'star'."
        " Did you mean 'stars'?"
    )


def test_no_column_of_labels(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("n,body\n" + "".join(f"{i},text {i}\n" for i in range(9)))
    assert message(tmp_path / "s.yaml", OwnFile(path=path)) == (
        f"expected a column of texts and one of labels in {path}, found n, body; name them with"
        " --text and --label."
    )


def test_no_such_file(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    assert message(tmp_path / "s.yaml", OwnFile(path=path)) == (
        f"expected your examples in {path}, found 'No such file or directory'; check the path."
    )


def test_other_formats(tmp_path: Path) -> None:
    path = write_csv(tmp_path / "a.xlsx")
    assert message(tmp_path / "s.yaml", OwnFile(path=path)) == (
        f"expected a file that ends in .csv, .tsv or .jsonl, found {path}; rename it."
    )


def test_an_empty_file(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("text,label\n")
    assert message(tmp_path / "s.yaml", OwnFile(path=path)) == (
        f"expected a header and rows in {path}, found no row; add examples."
    )


def test_not_json(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text("text\n")
    assert message(tmp_path / "s.yaml", OwnFile(path=path)).startswith(
        f"expected JSONL rows in {path}, found Expecting value"
    )


def test_evaluate_without_a_language(tmp_path: Path) -> None:
    own = OwnFile(path=write_csv(tmp_path / "a.csv"), evaluate=("b.csv",))
    assert message(tmp_path / "s.yaml", own) == (
        "expected --evaluate TAG=FILE, such as de=de.csv, found 'b.csv'."
    )


def test_evaluate_with_other_columns(tmp_path: Path) -> None:
    path, other = write_csv(tmp_path / "a.csv"), tmp_path / "b.csv"
    other.write_text("id,text,stars\n1,a,1\n")
    assert message(tmp_path / "s.yaml", OwnFile(path=path, evaluate=(f"de={other}",))) == (
        f"expected the columns of {path} in {other}, found no 'body' (id, text, stars); give all"
        " files the same columns."
    )


def test_faults_of_the_data_are_those_of_the_study(tmp_path: Path) -> None:
    path = write_csv(tmp_path / "a.csv")
    file = tmp_path / "s.yaml"
    with pytest.raises(StudyFaults) as caught:
        write_study(file, own=OwnFile(path=path, language="German"))
    (fault,) = caught.value.faults
    assert fault.startswith(f"{file}:20:10: targets[0].csv: expected a BCP 47 language tag")
    assert not file.exists()
