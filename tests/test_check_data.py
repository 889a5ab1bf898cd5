"""The known faults of the official data, each found by a check, and no cry of wolf."""

from __future__ import annotations

from pathlib import Path

import pytest

from official import ABSENT, DATA
from waystation.check import check_study, check_task
from waystation.task import get

pytestmark = [pytest.mark.data, pytest.mark.skipif(not DATA.is_dir(), reason=ABSENT)]


def found(report, code):
    """{(language, split): count} of one code."""
    return {(f.language, f.split): f.count for f in report.findings if f.code == code}


def study(folder: Path, text: str):
    path = folder / "s.yaml"
    path.write_text(text)
    return check_study(path, DATA)


def test_copa_test_has_placeholders():
    report = check_task(get("copa"), DATA)
    assert found(report, "placeholder-labels") == {("en", "test"): 500}
    assert [f.code for f in report.findings if f.severity == "error"] == []


def test_questions_of_xcopa():
    report = check_task(get("xcopa"), DATA)
    differ = found(report, "question-differs")
    assert {language: n for (language, split), n in differ.items() if split == "test"} == {
        "id": 4,
        "it": 4,
        "th": 250,
        "tr": 51,
    }
    assert found(report, "one-question") == {
        ("th", "dev"): 100,
        ("tr", "dev"): 100,
        ("th", "test"): 500,
    }
    assert {entry.official for entry in report.entries} == {"same files"}
    assert report.ok


def test_labels_of_pawsx():
    report = check_task(get("pawsx"), DATA, splits=["dev"])
    differ = found(report, "labels-differ")
    assert differ == {("de", "dev"): 32, ("fr", "dev"): 3, ("zh", "dev"): 10}


@pytest.mark.slow
def test_romanised_hindi_in_xnli():
    report = check_task(get("xnli"), DATA, ["en", "de", "hi"], ["test"])
    assert report.ok
    assert found(report, "other-script") == {("hi", "test"): 88}
    assert found(report, "labels-differ") == {}


def test_labels_of_xnli_as_placeholders(tmp_path):
    folder = tmp_path / "xnli"
    folder.mkdir()
    text = (DATA / "xnli" / "test-de.tsv").read_bytes()
    (folder / "test-de.tsv").write_bytes(text)
    (folder / "test-labels.txt").write_text("neutral\n" * text.count(b"\n"))
    report = check_task(get("xnli"), tmp_path, ["de"], ["test"])
    assert found(report, "one-label") == {("de", "test"): 5010}
    assert not report.ok


def test_tatoeba_is_official_and_aligned():
    report = check_task(get("tatoeba"), DATA, ["de", "hi", "th", "zh"], ["test"])
    assert {entry.official for entry in report.entries} == {"same files"}
    assert report.ok


def test_a_lost_line_of_xnli(tmp_path):
    folder = tmp_path / "xnli"
    folder.mkdir()
    for language in ("en", "de"):
        rows = (DATA / "xnli" / f"test-{language}.tsv").read_bytes().splitlines(keepends=True)
        if language == "de":
            rows = [*rows[:2000], *rows[2001:], rows[2000]]
        (folder / f"test-{language}.tsv").write_bytes(b"".join(rows))
    (folder / "test-labels.txt").write_bytes((DATA / "xnli" / "test-labels.txt").read_bytes())
    report = check_task(get("xnli"), tmp_path, ["en", "de"], ["test"])
    (shifted,) = [f for f in report.findings if f.code == "shifted-lines"]
    assert shifted.language == "de"
    assert int(shifted.examples[0].split(":")[0]) in range(1901, 2202)


@pytest.mark.slow
def test_squad_articles_of_xquad(tmp_path):
    text = """
        targets:
          - {task: xquad, languages: [en, de], fine_tune: {task: squad-v1, split: SPLIT}}
        backbones: [not-here/at-all]
        """
    report = study(tmp_path, text.replace("SPLIT", "xquad-articles"))
    assert not report.ok
    assert found(report, "overlap-exact")["en", "test"] > 50
    assert found(report, "overlap-parallel")["de", "test"] > 50
    clean = study(tmp_path, text.replace("SPLIT", "train"))
    assert [f.code for f in clean.findings if f.code.startswith("overlap")] == []


def test_copa_test_is_xcopa_test(tmp_path):
    report = study(
        tmp_path,
        """
        targets: [{task: xcopa, languages: [it], fine_tune: {task: copa, split: test}}]
        backbones: [not-here/at-all]
        """,
    )
    assert found(report, "overlap-parallel")["it", "test"] >= 450


@pytest.mark.slow
def test_snli_test_for_training_and_for_evaluation(tmp_path):
    report = study(
        tmp_path,
        """
        intermediate: [{task: snli, split: dev+test}]
        targets:
          - {task: snli, split: test, examples: 500, fine_tune: {task: snli, split: dev}}
          - {task: xnli, languages: [en], fine_tune: {task: snli, split: dev+test}}
        backbones: [not-here/at-all]
        train: {selection: last}
        """,
    )
    exact = {(f.task, f.severity): f.count for f in report.findings if f.code == "overlap-exact"}
    assert exact["snli", "error"] >= 450
    assert "xnli" not in {task for task, _ in exact}


def test_lareqa_beside_what_it_shares_with_xquad(tmp_path):
    """Its items are XQuAD's in every language, and its articles and paragraphs those of others."""
    report = study(
        tmp_path,
        "backbones: [nobody/nothing]\n"
        "intermediate: [none, {task: xquad, language: de, split: test, examples: 300}]\n"
        "targets: [{task: lareqa, languages: [en, de]}]\n"
        "train: {selection: last}\n",
    )
    assert set(found(report, "overlap-exact")) == {("de", "test")}
    assert set(found(report, "overlap-parallel")) == {("en", "test")}
    assert set(found(report, "overlap-context")) == {("en", "test"), ("de", "test")}
    assert not report.ok


def test_pools_and_queries_fit():
    for name in ("bucc2018", "lareqa"):
        report = check_task(get(name), DATA)
        assert {f.severity for f in report.findings} == {"note"}
        assert all(entry.candidates > 4_000 for entry in report.entries)


def test_paragraphs_of_mlqa_are_not_taken_for_translations():
    report = check_task(get("mlqa"), DATA)
    assert found(report, "lengths-differ") == {}
    assert {f.severity for f in report.findings} == {"note"}
