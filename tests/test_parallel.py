"""Parallel text: the files of each release, side by side with English."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from official import ABSENT, DATA
from waystation import sources
from waystation.errors import DataError, UserError
from waystation.task import get


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
