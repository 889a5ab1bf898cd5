"""Parallel text: the files of each release, side by side with English."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

from official import ABSENT, DATA
from waystation import sources
from waystation.errors import DataError, StudyFaults, UserError
from waystation.study import Study, load_study
from waystation.task import get
from waystation.tasks.own import OwnData, task_of


def put(path: Path, rows: list[str]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    text = "".join(f"{row}\n" for row in rows).encode()
    path.write_bytes(gzip.compress(text) if path.suffix == ".gz" else text)


def sides(folder: Path, name: str, foreign: list[str], english: list[str], tag: str = "de") -> None:
    put(folder / name.replace("{l}", tag), foreign)
    put(folder / name.replace("{l}", "en"), english)


@pytest.mark.parametrize(
    ("split", "name"),
    [
        ("train", "multi30k/data/task1/raw/train.{l}.gz"),
        ("dev", "multi30k/data/task1/raw/val.{l}.gz"),
        ("test", "multi30k/data/task1/raw/test_2016_flickr.{l}.gz"),
        ("train", "dataset/data/task1/raw/train.{l}.gz"),
        ("train", "multi30k/train.{l}"),
    ],
)
def test_multi30k_in_the_layouts_it_is_published_in(tmp_path, split, name):
    sides(tmp_path, name, ["Ein Hund.", "Ein Mann."], ["A dog.", "A man."])
    found = sources.load(get("multi30k"), tmp_path, "de", split).examples
    assert [(e.id, e.source, e.target) for e in found] == [
        ("1", "Ein Hund.", "A dog."),
        ("2", "Ein Mann.", "A man."),
    ]


def test_the_same_english_sentence_is_one_group_in_every_language(tmp_path):
    name = "multi30k/data/task1/raw/train.{l}.gz"
    sides(tmp_path, name, ["Ein Hund."], ["A dog."])
    sides(tmp_path, name, ["Un chien."], ["A dog."], "fr")
    german, french = (sources.load(get("multi30k"), tmp_path, t, "train") for t in ("de", "fr"))
    assert german.examples[0].group == french.examples[0].group


def test_flores_codes_are_tags(tmp_path):
    for code in ("swh_Latn", "zho_Hant", "eng_Latn"):
        put(tmp_path / "flores200_dataset/devtest" / f"{code}.devtest", [f"in {code}"])
    task = get("flores200")
    assert sources.available(task, tmp_path, "devtest") == ("sw", "zh-Hant")
    found = sources.load(task, tmp_path, "zh-Hant", "devtest").examples
    assert (found[0].source, found[0].target) == ("in zho_Hant", "in eng_Latn")
    assert len(task.languages) == len(set(task.languages)) > 100
    assert "en" not in task.languages


def test_parts_of_a_side_are_read_in_the_order_of_their_names(tmp_path):
    for tag in ("en", "ja"):
        for part in range(2):
            path = tmp_path / f"small_parallel_enja/train.{tag}.{part:03d}"
            put(path, [f"{tag} {part} {line}" for line in range(2)])
    found = sources.load(get("small_parallel_enja"), tmp_path, "ja", "train").examples
    assert [e.id for e in found] == ["1", "2", "3", "4"]
    assert [e.source for e in found] == ["ja 0 0", "ja 0 1", "ja 1 0", "ja 1 1"]
    assert [e.target for e in found] == ["en 0 0", "en 0 1", "en 1 0", "en 1 1"]


def test_a_missing_part_is_named(tmp_path):
    for name in ("train.ja.000", "train.en.000", "train.en.001"):
        put(tmp_path / "small_parallel_enja" / name, ["text"])
    with pytest.raises(DataError, match="as many files for one language as for the other"):
        sources.load(get("small_parallel_enja"), tmp_path, "ja", "train")


@pytest.mark.parametrize(
    ("foreign", "part"),
    [
        (["Ein Hund."], "train.en.gz: expected 1 lines, one for each of train.de.gz, found 2"),
        (["Ein Hund.", " "], "train.de.gz:2: expected a sentence, found an empty cell"),
    ],
)
def test_faults(tmp_path, foreign, part):
    sides(tmp_path, "multi30k/data/task1/raw/train.{l}.gz", foreign, ["A dog.", "A man."])
    with pytest.raises(DataError) as caught:
        sources.load(get("multi30k"), tmp_path, "de", "train")
    assert part in str(caught.value)


def test_english_is_no_language_of_a_pair_with_english():
    with pytest.raises(UserError, match="expected a language of task 'multi30k', found 'en'"):
        sources.check_names(get("multi30k"), "en", "train")


@pytest.mark.data
@pytest.mark.skipif(not DATA.is_dir(), reason=ABSENT)
@pytest.mark.parametrize(
    ("task", "split", "languages", "count"),
    [
        ("multi30k", "train", ("de", "fr"), 29000),
        ("multi30k", "dev", ("de", "fr"), 1014),
        ("multi30k", "test", ("de", "fr"), 1000),
        ("flores200", "dev", ("de", "sw", "yo", "zh"), 997),
        ("small_parallel_enja", "train", ("ja",), 10000),
        ("small_parallel_enja", "dev", ("ja",), 500),
    ],
)
def test_released_numbers(task, split, languages, count):
    there = sources.available(get(task), DATA, split)
    assert set(languages) <= set(there)
    for language in languages:
        assert len(sources.load(get(task), DATA, language, split).examples) == count


# -- the user's own parallel text ----------------------------------------------------------------


def own_files(folder: Path, count: int = 20) -> None:
    put(folder / "train.de", [f"Satz {n}" for n in range(count)])
    put(folder / "train.en", [f"Sentence {n}" for n in range(count)])
    put(folder / "test.fr", ["Phrase 1", "Phrase 2"])
    put(folder / "test.en", ["Sentence 1", "Sentence 2"])


def study(folder: Path, entry: str) -> Study:
    text = f"targets: [{{task: pocket-bitext, languages: [de]}}]\nintermediate:\n  - {entry}\n"
    (folder / "own.yaml").write_text(text, encoding="utf-8")
    return load_study(folder / "own.yaml")


def test_two_plain_files_are_a_task(tmp_path):
    own_files(tmp_path)
    entry = (
        "{parallel: {source: train.de, target: train.en}, language: de, name: mine,"
        " evaluate: {fr: {source: test.fr, target: test.en}}}"
    )
    use = study(tmp_path, entry).intermediate[1].stages[0].members[0]
    assert (use.task, use.language) == ("mine", "de")
    task = task_of(use.own, tmp_path)
    assert (task.kind, task.languages, task.source_language) == ("bitext", ("de", "fr"), "de")
    train, dev = (sources.load(task, None, "de", split).examples for split in ("train", "dev"))
    assert (len(train), len(dev)) == (18, 2)
    assert {e.id for e in train} | {e.id for e in dev} == {str(n + 1) for n in range(20)}
    assert all(e.source.split()[1] == e.target.split()[1] for e in (*train, *dev))
    loaded = sources.load(task, None, "fr", "test")
    assert [(e.source, e.target) for e in loaded.examples] == [
        ("Phrase 1", "Sentence 1"),
        ("Phrase 2", "Sentence 2"),
    ]
    assert [file.path for file in loaded.files] == ["test.fr", "test.en"]
    again = OwnData.model_validate(json.loads(json.dumps(use.own.model_dump(mode="json"))))
    assert again == use.own


def test_two_columns_are_a_task(tmp_path):
    rows = [f'{{"de": "Satz {n}", "en": "Sentence {n}"}}' for n in range(20)]
    put(tmp_path / "pairs.jsonl", rows)
    entry = "{jsonl: pairs.jsonl, kind: bitext, text: de, pair: en, language: de}"
    use = study(tmp_path, entry).intermediate[1].stages[0].members[0]
    found = sources.load(task_of(use.own, tmp_path), None, "de", "train").examples
    assert len(found) == 18
    assert (found[0].source, found[0].target) == ("Satz 0", "Sentence 0")


@pytest.mark.parametrize(
    ("entry", "expected"),
    [
        (
            "{parallel: train.de, language: de}",
            "parallel: expected two files, {source: FILE, target: FILE}, a sentence a line in each,"
            " found 'train.de'.",
        ),
        (
            "{parallel: {source: train.de, target: none.en}, language: de}",
            "none.en that the study names, found none; paths are relative to the study's folder.",
        ),
        (
            "{parallel: {source: train.de, target: train.en}, kind: tagging, language: de}",
            "kind: expected no kind but bitext for parallel files, found 'tagging'.",
        ),
        (
            "{jsonl: pairs.jsonl, kind: bitext, text: de, language: de}",
            "expected `pair:`, the column of pairs.jsonl that holds the translations of 'de', found"
            " none; name it.",
        ),
        (
            "{parallel: {source: train.de, target: train.en}, language: de, dev: dev.de}",
            "dev: expected two files",
        ),
        (
            "{parallel: {source: train.de, target: train.en}, language: de, evaluate: test.de}",
            "evaluate: expected a mapping from language tags to files, found 'test.de'.",
        ),
    ],
)
def test_faults_of_own_parallel_text(tmp_path, entry, expected):
    own_files(tmp_path)
    put(tmp_path / "pairs.jsonl", ['{"de": "Satz", "en": "Sentence"}'] * 20)
    with pytest.raises(StudyFaults) as caught:
        study(tmp_path, entry)
    assert expected in str(caught.value)


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        (b"one\n", "train.en: expected 20 lines, one for each of train.de, found 1"),
        (b"x\n" * 3 + b"\n" + b"x\n" * 16, "train.en:4: expected a sentence, found an empty cell"),
        (b"x\n" * 19 + b"caf\xe9\n", "train.en:20: expected UTF-8, found the byte 0xe9"),
    ],
)
def test_faults_in_own_parallel_files(tmp_path, lines, expected):
    own_files(tmp_path)
    (tmp_path / "train.en").write_bytes(lines)
    own = OwnData(format="parallel", path=("train.de", "train.en"), kind="bitext", language="de")
    with pytest.raises(DataError) as caught:
        sources.load(task_of(own, tmp_path), None, "de", "train")
    assert expected in str(caught.value)


def test_tatoeba_trains_only_where_its_test_split_is_named(tmp_path):
    with pytest.raises(StudyFaults, match="expected a task with a split 'train'"):
        study(tmp_path, "{task: tatoeba, language: de}")
    found = study(tmp_path, "{task: tatoeba, language: de, split: test}").intermediate[1]
    assert found.stages[0].members[0].split == "test"


def test_a_pair_with_english_needs_its_language(tmp_path):
    with pytest.raises(StudyFaults) as caught:
        study(tmp_path, "pocket-bitext")
    assert (
        "expected `language:` beside the task, found none for 'pocket-bitext'. Each pairs with"
        " English: " in str(caught.value)
    )
