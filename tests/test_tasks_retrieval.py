"""Tatoeba in LASER's layout."""

from __future__ import annotations

import pytest

from waystation import sources
from waystation.errors import DataError
from waystation.task import get


def put(folder, code, foreign, english):
    folder.mkdir(parents=True, exist_ok=True)
    for suffix, rows in ((code, foreign), ("eng", english)):
        content = "".join(f"{row}\n" for row in rows)
        (folder / f"tatoeba.{code}-eng.{suffix}").write_text(content, encoding="utf-8")


def load(folder, language):
    return sources.load(get("tatoeba"), folder, language, "test").examples


def test_files_carry_three_letter_codes(tmp_path):
    put(tmp_path / "tatoeba", "cmn", ["猫", "狗"], ["Cat.", "Dog."])
    first, second = load(tmp_path, "zh")
    assert (first.id, first.source, first.target) == ("1", "猫", "Cat.")
    assert second.group != first.group


def test_equal_english_sentences_are_one_group_in_any_language(tmp_path):
    put(tmp_path / "tatoeba", "deu", ["Katze"], ["Cat."])
    put(tmp_path / "tatoeba", "swh", ["Paka", "Mbwa"], ["Dog.", "Cat."])
    assert load(tmp_path, "de")[0].group == load(tmp_path, "sw")[1].group


def test_laser_folder(tmp_path):
    put(tmp_path / "LASER-main/data/tatoeba/v1", "pes", ["گربه"], ["Cat."])
    assert len(load(tmp_path, "fa")) == 1


@pytest.mark.parametrize(
    ("foreign", "part"),
    [
        (["Katze"], "tatoeba.deu-eng.eng: expected 1 lines, one for each of tatoeba.deu-eng.deu"),
        (["Katze", " "], "tatoeba.deu-eng.deu:2: expected a sentence, found an empty cell"),
    ],
)
def test_faults(tmp_path, foreign, part):
    put(tmp_path / "tatoeba", "deu", foreign, ["Cat.", "Dog."])
    with pytest.raises(DataError) as caught:
        load(tmp_path, "de")
    assert part in str(caught.value)


def test_all_112_languages_of_laser():
    languages = get("tatoeba").languages
    assert len(set(languages)) == len(languages) == 112
