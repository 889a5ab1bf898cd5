"""What `check` finds in a study: trained examples among evaluated ones, lengths, what is absent."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from test_check import one, said, sentences
from tiny import tiny_encoder
from waystation.check import check_study


@pytest.fixture(autouse=True)
def no_models(tmp_path, monkeypatch):
    monkeypatch.setenv("WAYSTATION_CACHE", str(tmp_path / "cache"))


def check(folder: Path, text: str, **options):
    path = folder / "s.yaml"
    path.write_text(text, encoding="utf-8")
    return check_study(path, folder, **options)


def codes(report, *severities):
    return [line for line in said(report, *severities) if not line.startswith("not-official")]


def lines(path: Path, rows) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(f"{row}\n" for row in rows), encoding="utf-8")


def copa(path: Path, texts, label=None) -> None:
    row = {"choice1": "a longer option", "choice2": "another one", "question": "cause"}
    lines(path, [
        json.dumps(row | {"premise": t, "idx": n, "label": n % 2 if label is None else label})
        for n, t in enumerate(texts)
    ])  # fmt: skip


def paws(path: Path, texts) -> None:
    lines(path, [f"{t}\t{t} or so\t{n % 2}" for n, t in enumerate(texts)])


def squad(path: Path, title: str, contexts, prefix: str) -> None:
    paragraphs = [
        {
            "context": context,
            "qas": [
                {
                    "id": f"{prefix}{n:020d}",
                    "question": f"{prefix} what is number {n}?",
                    "answers": [{"text": context[:4], "answer_start": 0}],
                }
            ],
        }
        for n, context in enumerate(contexts)
    ]
    lines(path, [json.dumps({"data": [{"title": title, "paragraphs": paragraphs}]})])


def test_pairs_trained_on_in_english_and_evaluated_in_translation(tmp_path):
    english = sentences(60)
    paws(tmp_path / "pawsx" / "dev-en.tsv", english)
    paws(tmp_path / "pawsx" / "dev-de.tsv", [f"auf Deutsch {t}" for t in sentences(60, 500)])
    report = check(tmp_path, """
        targets:
          - {task: pawsx, languages: [en, de], split: dev, examples: 20,
             fine_tune: {task: pawsx, split: dev, skip: 10}, train: {selection: last}}
        """)  # fmt: skip
    assert not report.ok
    exact, parallel = one(report, "overlap-exact"), one(report, "overlap-parallel")
    assert (exact.severity, exact.language) == ("error", "en")
    assert (parallel.severity, parallel.language) == ("error", "de")
    # Which examples `skip` leaves out is decided by hash, which come first by the file.
    assert exact.examples == parallel.examples
    assert 10 <= exact.count < 20
    assert "evaluated examples have the text of an example that pawsx (pawsx en dev) trains on" in (
        exact.message
    )


def test_disjoint_parts_are_clean(tmp_path):
    english = sentences(60)
    paws(tmp_path / "pawsx" / "train-en.tsv", sentences(60, 100))
    paws(tmp_path / "pawsx" / "dev-en.tsv", english)
    paws(tmp_path / "pawsx" / "test-en.tsv", sentences(60, 300))
    report = check(tmp_path, "targets: [{task: pawsx, languages: [en]}]")
    assert [c for c in codes(report) if c.startswith(("overlap", "selected"))] == []


def test_an_item_of_another_task(tmp_path):
    copa(tmp_path / "COPA" / "test.jsonl", sentences(30))
    copa(tmp_path / "xcopa" / "it" / "test.it.jsonl", [f"it {t}" for t in sentences(30, 50)])
    report = check(
        tmp_path,
        "targets: [{task: xcopa, languages: [it], fine_tune: {task: copa, split: test}}]\n"
        "train: {selection: last}",
    )
    found = one(report, "overlap-parallel")
    assert found.severity == "error"
    assert found.count >= 28  # a few are held out to choose by
    assert "xcopa (copa en test)" in found.message


def test_what_chooses_is_said_apart(tmp_path):
    copa(tmp_path / "COPA" / "train.jsonl", sentences(40))
    copa(tmp_path / "COPA" / "val.jsonl", sentences(30, 100))
    study = "targets: [{task: copa, languages: [en], split: dev, fine_tune: copa}]"
    report = check(tmp_path, study)
    assert one(report, "selected-on-evaluated").severity == "warning"
    assert report.ok
    report = check(tmp_path, study + "\ntrain: {selection: last}")
    assert [c for c in codes(report) if c.startswith("selected")] == []


def test_nearly_the_same_text(tmp_path):
    copa(tmp_path / "COPA" / "train.jsonl", sentences(40))
    near = [t.replace("a", "e", 1) for t in sentences(20)]
    copa(tmp_path / "COPA" / "test.jsonl", near)
    report = check(tmp_path, "targets: [{task: copa, languages: [en]}]")
    found = one(report, "overlap-near")
    assert (found.severity, found.examples[0]) == ("warning", "0 ~ 0")


def test_paragraphs_passages_and_articles(tmp_path):
    long = [" ".join(sentences(12, 40 * n)) for n in range(6)]
    squad(tmp_path / "squad" / "train-v1.1.json", "Panda", long[:3], "aaaa")
    asked = [long[0], long[1][: len(long[1]) // 2] + " cut", long[4], long[5]]
    squad(tmp_path / "xquad" / "xquad.en.json", "panda", asked[:3], "bbbb")
    squad(tmp_path / "xquad" / "xquad.de.json", "Bambus", asked[3:], "cccc")
    report = check(
        tmp_path,
        "targets: [{task: xquad, languages: [en, de], fine_tune: {task: squad-v1, split: train}}]\n"
        "train: {selection: last}",
    )
    (found,) = [f for f in report.findings if f.code == "overlap-context"]
    assert (found.language, found.severity) == ("en", "error")
    whole, part = found.examples
    assert whole.startswith("bbbb00000000000000000000: aaaa")
    assert part.endswith("(in part)")
    assert one(report, "overlap-article").examples == ("bbbb00000000000000000002: panda",)


def test_a_stop_is_compared_with_every_target(tmp_path):
    lines(
        tmp_path / "own.csv", ["text,label", *(f"{t},{n % 2}" for n, t in enumerate(sentences(40)))]
    )
    lines(
        tmp_path / "de.csv", ["text,label", *(f"{t},{n % 2}" for n, t in enumerate(sentences(9)))]
    )
    lines(
        tmp_path / "me.csv",
        ["text,label", *(f"{t},{n % 2}" for n, t in enumerate(sentences(50, 90)))],
    )
    report = check(tmp_path, """
        intermediate: [{csv: own.csv, kind: classification}]
        targets: [{csv: me.csv, kind: classification, evaluate: {en: de.csv}}]
        """)  # fmt: skip
    found = one(report, "overlap-exact")
    assert (found.task, found.language, found.severity) == ("me", "en", "error")
    assert found.count >= 7


def test_short_texts_coincide_by_chance(tmp_path):
    lines(tmp_path / "own.csv", ["text,label", *(f"word {n},{n % 2}" for n in range(40))])
    lines(tmp_path / "de.csv", ["text,label", *(f"word {n},{n % 2}" for n in range(9))])
    report = check(
        tmp_path, "targets: [{csv: own.csv, kind: classification, evaluate: {de: de.csv}}]"
    )
    assert [c for c in codes(report) if c.startswith("overlap")] == []


def test_what_a_study_needs_and_is_not_there(tmp_path):
    copa(tmp_path / "copa" / "test-en.jsonl", sentences(20), label=0)
    report = check(tmp_path, """
        intermediate: [snli]
        targets: [{task: copa, languages: [en]}]
        """)  # fmt: skip
    assert not report.ok
    found = [f for f in report.findings if f.code == "missing-files"]
    assert {(f.task, f.language, f.split, f.severity) for f in found} == {
        ("snli", "en", "train", "error"),
        ("copa", "en", "train", "error"),
    }
    assert one(report, "no-gold").message == (
        "20 of the 20 evaluated examples have no gold, which stops the study: evaluate a split"
        " that has it"
    )
    skipped = one(report, "no-tokenizer")
    assert skipped.severity == "note"
    assert skipped.message == (
        "expected the backbone multilingual-e5-small on this machine, found it in no cache or"
        " folder; `waystation models get multilingual-e5-small` fetches it. Lengths and unknown"
        " pieces were not looked at."
    )


def test_tokens_of_the_studys_own_tokenizer(tmp_path):
    tiny_encoder(tmp_path / "tiny")
    texts = [*sentences(30), "word " * 200]
    lines(tmp_path / "own.csv", ["text,label", *(f"{t},{n % 2}" for n, t in enumerate(texts))])
    lines(tmp_path / "zh.csv", ["text,label", "中文没有空格,0", "另一句中文,1"])
    report = check(tmp_path, """
        backbones: [tiny]
        targets: [{csv: own.csv, kind: classification, evaluate: {zh: zh.csv}}]
        train: {max_tokens: 100}
        """)  # fmt: skip
    trained, tested = report.tokens
    assert (trained.language, trained.split, trained.max_tokens) == ("en", "train", 100)
    assert trained.too_long == 1
    assert trained.tokens_per_word is not None
    assert tested.tokens_per_word is None
    assert one(report, "truncated").count == 1
    assert "lose their ends" in one(report, "truncated").message


def test_limit_is_that_of_a_trial_run(tmp_path):
    paws(tmp_path / "pawsx" / "train-en.tsv", sentences(60))
    paws(tmp_path / "pawsx" / "test-en.tsv", [*sentences(20, 100), *sentences(5)])
    study = "targets: [{task: pawsx, languages: [en]}]\ntrain: {selection: last}"
    assert one(check(tmp_path, study), "overlap-exact").count == 5
    report = check(tmp_path, study, limit=20)
    assert [c for c in codes(report) if c.startswith("overlap")] == []
    assert {entry.examples for entry in report.entries} == {20}
