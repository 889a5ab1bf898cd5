"""The table of languages, and that a typo in a tag is caught with the tag that was meant."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from waystation import languages
from waystation.errors import UserError
from waystation.languages import (
    LANGUAGES,
    check_tag,
    distance_to_english,
    script_of,
    writes_spaces,
)


def test_benchmarks_are_covered():
    assert len(languages.XTREME) == 40
    assert len(set(languages.XTREME_R)) == 50
    assert set(languages.XTREME_R) <= set(LANGUAGES)
    assert len(languages.HUMANEVAL_XL) == 23
    assert set(languages.HUMANEVAL_XL) <= set(LANGUAGES)


def test_codes_are_unique_and_convert_back():
    for tag, row in LANGUAGES.items():
        assert languages.from_tatoeba(row.tatoeba) == tag
        assert row.flores is None or languages.from_flores(row.flores) == tag
        assert row.tag == tag
        assert len(row.script) == 4


@pytest.mark.parametrize(
    ("tag", "tatoeba", "flores", "name"),
    [
        ("zh", "cmn", "zho_Hans", "Chinese"),
        ("sw", "swh", "swh_Latn", "Swahili"),
        ("fa", "pes", "pes_Arab", "Persian"),
        ("ar", "ara", "arb_Arab", "Arabic"),
        ("et", "est", "est_Latn", "Estonian"),
        ("ko", "kor", "kor_Hang", "Korean"),
    ],
)
def test_known_codes(tag, tatoeba, flores, name):
    row = languages.language(tag)
    assert (row.tatoeba, row.flores, row.name) == (tatoeba, flores, name)


def test_humaneval_xl_names():
    assert languages.from_humaneval_xl("Chinese") == "zh"
    with pytest.raises(UserError, match=r"found 'Chinesse'. Did you mean 'Chinese'\?"):
        languages.from_humaneval_xl("Chinesse")


@pytest.mark.parametrize("tag", ["de", "zh-Hant", "pt-BR", "sr-Latn-RS", "es-419", "x-klingon"])
def test_tags_pass(tag):
    assert check_tag(tag) == tag


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("Chinese", "zh"),
        ("chinese", "zh"),
        ("cmn", "zh"),
        ("zho_Hans", "zh"),
        ("swh", "sw"),
        ("Swahilli", "sw"),
        ("DE", "de"),
        ("deu", "de"),
        ("deu_Latn", "de"),
        ("pt-br", "pt-BR"),
        ("zh_hant", "zh-Hant"),
        ("jp", "ja"),
        (" de", "de"),
    ],
)
def test_typos_get_the_tag_that_was_meant(text, meant):
    with pytest.raises(UserError) as caught:
        check_tag(text)
    assert f"found '{text}'. Did you mean '{meant}'" in str(caught.value)


def test_unknown_language_says_how_to_write_it():
    with pytest.raises(UserError, match="A language that the table lacks is written 'x-NAME'"):
        check_tag("xx")


def test_private_tag_has_no_row():
    with pytest.raises(UserError, match="found the private tag 'x-klingon'"):
        languages.language("x-klingon")


def test_names():
    assert languages.name_of("zh-Hant") == "Chinese (Hant)"
    assert languages.name_of("x-klingon") == "x-klingon"


def test_unknown_flores_code():
    with pytest.raises(UserError, match=r"a FLORES-200 language code, found 'deu_Lat'"):
        languages.from_flores("deu_Lat")


@given(st.text(max_size=12).filter(lambda text: not text.startswith("x-")))
def test_no_text_but_a_tag_passes(text):
    if text.split("-")[0] in LANGUAGES and text.isascii():
        return
    with pytest.raises(UserError, match="expected a BCP 47 language tag"):
        check_tag(text)


@pytest.mark.parametrize(
    ("tag", "steps"),
    [
        ("en", 0), ("de", 1), ("yi", 2), ("sv", 2), ("es", 3), ("ru", 4), ("sw", 4), ("ht", 4),
        ("eu", 4), ("zh", 5), ("ar", 5), ("uz-Cyrl", 5), ("uz", 4), ("de-en", 1), ("x-own", None),
    ],
)  # fmt: skip
def test_distance_to_english_is_by_branch_and_script(tag: str, steps: int | None) -> None:
    assert distance_to_english(tag) == steps


@pytest.mark.parametrize(
    ("tag", "apart"), [("de", True), ("zh", False), ("th", False), ("ko", True), ("x-own", True)]
)
def test_whether_words_are_written_apart(tag: str, apart: bool) -> None:
    assert writes_spaces(tag) is apart


def test_a_script_in_the_tag_decides_before_the_languages_own() -> None:
    assert [script_of(tag) for tag in ("zh", "zh-Hant", "sr-Latn", "de-en", "xx", "xx-Cyrl")] == [
        "Hans", "Hant", "Latn", "Latn", "", "Cyrl",
    ]  # fmt: skip
