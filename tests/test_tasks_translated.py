"""Ready-made translations: XTREME's translate-train files, and KorNLI-like tables as own data."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from waystation import sources, task
from waystation.errors import DataError
from waystation.examples import Answer, ClassificationExample
from waystation.study import load_study

XNLI = (
    """\
A cat sleeps.\tAn animal sleeps.\tEine Katze schläft.\tEin "Tier" schläft.\tentailment
A cat sleeps.\tA dog sleeps.\tEine Katze schläft.\tEin Hund schläft.\tcontradictory
"""
    + "A\tB\tC\tD\tneutral\n" * 20
)


def put(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def load(name: str, folder: Path, language: str = "de") -> tuple[object, ...]:
    return sources.load(task.get(name), folder, language, "translate-train").examples


@pytest.mark.parametrize(
    "folder",
    ["xtreme_translations/XNLI/translate-train", "XNLI/translate-train", "xnli/translate-train"],
)
def test_xnli_pairs(tmp_path: Path, folder: str) -> None:
    put(tmp_path / folder / "en-de-translated.tsv", XNLI)
    found = load("xnli", tmp_path)
    assert len(found) == 22
    first, second = found[:2]
    assert isinstance(first, ClassificationExample)
    assert isinstance(second, ClassificationExample)
    assert first.id == "1"
    assert (first.text, first.pair) == ("Eine Katze schläft.", 'Ein "Tier" schläft.')
    assert [first.label, second.label] == ["entailment", "contradiction"]
    assert first.group == second.group


def test_pawsx_rows_that_went_wrong_are_left_out(tmp_path: Path) -> None:
    rows = ["a\tb\tc\td\t1", "a\tb\tc\td", "a\tb\tc\td\tlabel"] + ["a\tb\tc\td\t0"] * 20
    path = tmp_path / "xtreme_translations/PAWSX/translate-train/en-fr-translated.tsv"
    put(path, "\n".join(rows) + "\n")
    found = load("pawsx", tmp_path, "fr")
    assert [e.id for e in found[:2]] == ["1", "4"]  # type: ignore[attr-defined]
    assert [e.label for e in found[:2]] == ["1", "0"]  # type: ignore[attr-defined]
    put(path, "\n".join(rows[:3]) + "\n")
    with pytest.raises(
        DataError,
        match=r"expected rows of an English pair, its translation and a label, found 2 of 3 that"
        r" are not; take XTREME's own file",
    ):
        load("pawsx", tmp_path, "fr")


def squad(contexts: list[tuple[str, str, int]]) -> str:
    paragraphs = [
        {
            "context": context,
            "qas": [
                {
                    "id": f"q{n}",
                    "question": "Wo?",
                    "answers": [{"text": answer, "answer_start": start}],
                }
            ],
        }
        for n, (context, answer, start) in enumerate(contexts)
    ]
    return json.dumps({"data": [{"title": "T", "paragraphs": paragraphs}]}, ensure_ascii=False)


@pytest.mark.parametrize(
    ("name", "file"),
    [
        ("xquad", "SQuAD/translate-train/squad.translate.train.en-ru.json"),
        ("tydiqa", "TyDiQA-GoldP/translate-train/tydiqa.translate.train.en-ru.json"),
    ],
)
def test_questions_whose_answers_are_misplaced_or_lost(
    tmp_path: Path, name: str, file: str
) -> None:
    rows = [("В Риме и в Риме.", "Риме", 11), ("В Риме и в Риме.", "Риме", 9)]
    rows += [("В Риме и в Риме.", "Риме", 4), ("В Риме и в Риме.", "Риме", -1)]
    rows += [("В Риме.", "Париже", 2)] + [("В Риме.", "Риме", 2)] * 10
    path = put(tmp_path / file, squad(rows))
    found = load(name, tmp_path, "ru")
    starts = [e.answers for e in found[:4]]  # type: ignore[attr-defined]
    assert starts == [(Answer(text="Риме", start=s),) for s in (11, 11, 2, 2)]
    assert "q4" not in [e.id for e in found]  # type: ignore[attr-defined]
    assert len(found) == 14
    put(path, squad([("В Риме.", "Париже", 2), ("В Риме.", "Риме", 2)]))
    with pytest.raises(DataError, match=r"expected questions whose answers are .* found 1 of 2"):
        load(name, tmp_path, "ru")
    put(path, "[")
    with pytest.raises(DataError, match="expected SQuAD JSON, found"):
        load(name, tmp_path, "ru")


def test_a_table_like_kornlis_is_own_data(tmp_path: Path) -> None:
    rows = [f"문장 {n}\t다른 문장 {n}\t{'entailment' if n % 2 else 'neutral'}" for n in range(20)]
    put(tmp_path / "multinli.train.ko.tsv", "sentence1\tsentence2\tgold_label\n" + "\n".join(rows))
    own = (
        "{tsv: multinli.train.ko.tsv, name: kornli, kind: classification, language: ko,"
        " text: sentence1, pair: sentence2, label: gold_label}"
    )
    study = put(tmp_path / "s.yaml", f"intermediate: [{own}]\ntargets: [pocket-topic]\n")
    (use,) = load_study(study).intermediate[1].stages[0].members
    assert (use.task, use.language) == ("kornli", "ko")


def test_a_stop_of_xtremes_translations(tmp_path: Path) -> None:
    stop = "{task: xnli, language: de, split: translate-train}"
    study = put(tmp_path / "s.yaml", f"intermediate: [{stop}]\ntargets: [pocket-topic]\n")
    assert load_study(study).intermediate[1].name == "xnli.de"
