"""Tagging tasks on a few lines in each release's own layout, and the faults of their files."""

from __future__ import annotations

import pytest

from waystation import sources
from waystation.entries import said_of
from waystation.errors import DataError
from waystation.task import get


def put(folder, name, content):
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content, encoding="utf-8")
    return path


def load(folder, name, split, language="en"):
    return sources.load(get(name), folder, language, split).examples


def refused(folder, name, split, language="en"):
    with pytest.raises(DataError) as caught:
        load(folder, name, split, language)
    return str(caught.value)


def tree(*sentences):
    """CoNLL-U of (sent_id, [(form, tag)])."""
    content = ""
    for name, words in sentences:
        content += f"# sent_id = {name}\n"
        for n, (form, tag) in enumerate(words, 1):
            content += "\t".join((str(n), form, "_", tag, *["_"] * 6)) + "\n"
        content += "\n"
    return content


@pytest.mark.parametrize("folder", ["udpos", "udpos/xtreme_udpos"])
def test_udpos_in_xtreme_form(tmp_path, folder):
    put(tmp_path, f"{folder}/train-en.tsv", "The\tDET\ncat\tNOUN\n\nYes\tINTJ\n")
    first, second = load(tmp_path, "udpos", "train")
    assert (first.id, first.words, first.tags) == ("1", ("The", "cat"), ("DET", "NOUN"))
    assert (second.id, second.group) == ("2", None)


def test_parallel_treebanks_carry_groups(tmp_path):
    put(tmp_path, "udpos/UD_German-PUD/de_pud-ud-test.conllu", tree(("n1", [("Ja", "INTJ")])))
    (example,) = load(tmp_path, "udpos", "test", "de")
    assert (example.id, example.group) == ("n1", "n1")


def test_treebanks_of_a_language_are_joined_by_name(tmp_path):
    one = tree(("s1", [("Ja", "INTJ")]))
    put(tmp_path, "udpos/UD_German-PUD/de_pud-ud-test.conllu", one)
    put(tmp_path, "udpos/UD_German-GSD/de_gsd-ud-test.conllu", one)
    put(tmp_path, "udpos/UD_Low_Saxon-LSDC/nds_lsdc-ud-test.conllu", one)
    examples = load(tmp_path, "udpos", "test", "de")
    assert [(e.id, e.group) for e in examples] == [("de_gsd/s1", None), ("de_pud/s1", "s1")]


def test_norwegian_treebanks_have_their_own_codes(tmp_path):
    put(tmp_path, "udpos/UD_Norwegian-Bokmaal/no_bokmaal-ud-test.conllu",
        tree(("s1", [("Ja", "INTJ")])))  # fmt: skip
    assert len(load(tmp_path, "udpos", "test", "nb")) == 1
    assert not sources.present(get("udpos"), tmp_path, "nn", "test")


def test_withheld_text_is_left_out_as_xtreme_does(tmp_path):
    hidden = [("_", "NOUN"), ("_", "VERB"), (".", "PUNCT")]
    partly = [("_", "NOUN"), ("a", "VERB"), (".", "PUNCT")]
    put(tmp_path, "udpos/UD_Arabic-NYUAD/ar_nyuad-ud-test.conllu",
        tree(("s1", hidden), ("s2", partly)))  # fmt: skip
    assert [e.id for e in load(tmp_path, "udpos", "test", "ar")] == ["s2"]


def test_treebanks_come_before_stripped_tests(tmp_path):
    put(tmp_path, "udpos/test-de.tsv", "Ja\n")
    assert load(tmp_path, "udpos", "test", "de")[0].tags is None
    put(tmp_path, "udpos/UD_German-PUD/de_pud-ud-test.conllu", tree(("n1", [("Ja", "INTJ")])))
    assert load(tmp_path, "udpos", "test", "de")[0].tags == ("INTJ",)


def test_unknown_universal_tag(tmp_path):
    content = tree(("n1", [("Ja", "INTERJ")]))
    put(tmp_path, "udpos/UD_German-PUD/de_pud-ud-test.conllu", content)
    message = refused(tmp_path, "udpos", "test", "de")
    assert ":2: expected the universal tags of sentence n1 to be one of 'ADJ'" in message
    assert "Did you mean 'INTJ'?" in message


def test_panx_original_files_carry_the_language(tmp_path):
    put(tmp_path, "panx_dataset/de-test", "de:In\tO\nde:Rom\tB-LOC\n\n")
    (example,) = load(tmp_path, "panx", "test", "de")
    assert (example.words, example.tags) == (("In", "Rom"), ("O", "B-LOC"))
    put(tmp_path, "panx_dataset/de-test", "de:In\tO\nRom\tB-LOC\n\n")
    assert "de-test:2: expected a word after 'de:', found 'Rom'" in refused(
        tmp_path, "panx", "test", "de"
    )


def test_panx_codes_of_wikipedia(tmp_path):
    put(tmp_path, "panx_dataset/no/test", "no:Oslo\tB-LOC\n")
    assert load(tmp_path, "panx", "test", "nb")[0].words == ("Oslo",)


@pytest.mark.parametrize(
    ("split", "content", "part"),
    [
        ("dev", "Rom\tB-LOC\nund\tB-XYZ\n", "dev-de.tsv:2: expected the tag to be one of 'B-LOC'"),
        ("dev", "Rom\n", "dev-de.tsv:1: expected word<TAB>tag, found words only"),
        ("dev", "Rom\tB-LOC\nund\n", "dev-de.tsv:2: expected 2 tab-separated columns"),
        ("test", "Rom\nund\tO\n", "test-de.tsv:2: expected 1 tab-separated columns"),
    ],
)
def test_panx_faults(tmp_path, split, content, part):
    put(tmp_path, f"panx/{split}-de.tsv", content)
    assert part in refused(tmp_path, "panx", split, "de")


def test_wnut17_separates_by_white_space(tmp_path):
    put(tmp_path, "wnut17/wnut17train.conll", "Empire\tB-location\n\t\nHi\tO\n")
    assert [e.words for e in load(tmp_path, "wnut17", "train")] == [("Empire",), ("Hi",)]


def test_languages_of_the_benchmarks():
    assert len(get("udpos").languages) == len(set(get("udpos").languages))
    assert len(get("panx").languages) == len(set(get("panx").languages))
    assert get("udpos").headline == get("panx").headline == "f1"


def rows(*lines):
    """CoNLL-U rows of (id, form, tag, head)."""
    cells = ((n, form, "_", tag, "_", "_", head, "_", "_", "_") for n, form, tag, head in lines)
    return "# sent_id = s1\n" + "".join("\t".join(map(str, row)) + "\n" for row in cells) + "\n"


ZUM = rows(
    ("1", "Er", "PRON", 2), ("2", "geht", "VERB", 0), ("3-4", "zum", "_", "_"),
    ("3", "zu", "ADP", 5), ("4", "dem", "DET", 5), ("5", "Haus", "NOUN", 2),
    ("5.1", "leer", "X", "_"),
)  # fmt: skip


def test_releases_have_fused_tokens_and_single_treebanks_their_words(tmp_path):
    put(tmp_path, "ud-treebanks-v2.5/UD_German-GSD/de_gsd-ud-test.conllu", ZUM)
    (example,) = load(tmp_path, "udpos", "test", "de")
    assert example.words == ("Er", "geht", "zum", "Haus")
    assert example.tags == ("PRON", "VERB", "ADP", "NOUN")
    put(tmp_path, "udpos/UD_German-GSD/de_gsd-ud-test.conllu", ZUM)
    (example,) = load(tmp_path, "udpos", "test", "de")
    assert example.words == ("Er", "geht", "zu", "dem", "Haus")


@pytest.mark.parametrize(
    ("language", "tags", "heads", "tag"),
    [
        ("de", ("DET", "NOUN"), (2, 0), "NOUN"),  # the higher one
        ("de", ("DET", "ADP"), (3, 3), "ADP"),  # equally high: the list decides
        ("es", ("ADP", "PRON"), (3, 3), "PRON"),
        ("it", ("NOUN", "INTJ"), (3, 3), "INTJ"),  # what is not in the list comes last
    ],
)
def test_which_word_gives_a_fused_token_its_tag(tmp_path, language, tags, heads, tag):
    content = rows(
        ("1-2", "ab", "_", "_"), ("1", "a", tags[0], heads[0]), ("2", "b", tags[1], heads[1]),
        ("3", "c", "VERB", 0),
    )  # fmt: skip
    put(tmp_path, f"ud-treebanks-v2.5/UD_X/{language}_x-ud-test.conllu", content)
    (example,) = load(tmp_path, "udpos", "test", language)
    assert (example.words, example.tags) == (("ab", "c"), (tag, "VERB"))


def test_words_of_releases_lose_spaces_and_joiners(tmp_path):
    content = tree(("s1", [("20 000", "NUM"), ("می\u200cرود", "VERB")]))
    put(tmp_path, "ud-treebanks-v2.5/UD_Persian-X/fa_x-ud-test.conllu", content)
    assert load(tmp_path, "udpos", "test", "fa")[0].words == ("20000", "میرود")
    content = tree(("s1", [("\u200c", "NUM")]))
    put(tmp_path, "ud-treebanks-v2.5/UD_Persian-X/fa_x-ud-test.conllu", content)
    message = refused(tmp_path, "udpos", "test", "fa")
    assert "fa_x-ud-test.conllu:2: expected words with letters in sentence s1" in message


def test_treebanks_of_a_release_are_joined_by_file_name(tmp_path):
    one = tree(("s1", [("Yes", "INTJ")]))
    for folder, file in (("UD_English-PUD", "en_pud"), ("UD_English-ParTUT", "en_partut")):
        put(tmp_path, f"ud-treebanks-v2.5/{folder}/{file}-ud-test.conllu", one)
    assert [e.id for e in load(tmp_path, "udpos", "test")] == ["en_partut/s1", "en_pud/s1"]


@pytest.mark.parametrize(
    ("language", "folder", "note"),
    [
        ("de", "ud-treebanks-v2.5", ""),
        ("lt", "ud-treebanks-v2.7", ""),
        ("de", "udpos/ud-treebanks-v2.5", ""),
        ("de", "ud-treebanks-v2.7", "read from Universal Dependencies 2.7, where XTREME"),
        ("lt", "ud-treebanks-v2.5", "read from Universal Dependencies 2.5, where XTREME"),
        ("de", "ud-treebanks-v2.16", "read from Universal Dependencies of another release"),
        ("de", "udpos", "of an unknown release by syntactic words"),
        ("de", ".", "of an unknown release by syntactic words"),
    ],
)
def test_another_release_is_labelled(tmp_path, language, folder, note):
    put(tmp_path, f"{folder}/UD_X/{language}_x-ud-test.conllu", tree(("s1", [("a", "X")])))
    layout = sources.find(get("udpos"), tmp_path, language, "test").layout
    assert layout.note.startswith(note) if note.startswith("read") else note in layout.note
    assert bool(layout.note) == bool(note)


def test_the_lock_says_which_release(tmp_path):
    put(tmp_path, "ud-treebanks-v2.7/UD_X/de_x-ud-test.conllu", tree(("s1", [("a", "X")])))
    (note,) = said_of(get("udpos"), tmp_path, "de", "test")
    assert note.startswith("udpos (de): read from Universal Dependencies 2.7, where")
    put(tmp_path, "ud-treebanks-v2.5/UD_X/de_x-ud-test.conllu", tree(("s1", [("a", "X")])))
    assert said_of(get("udpos"), tmp_path, "de", "test") == []


def test_each_language_has_its_own_release_where_both_are_there(tmp_path):
    for version in ("2.5", "2.7"):
        for language in ("de", "lt"):
            content = tree((f"v{version}", [("a", "X")]))
            name = f"ud-treebanks-v{version}/UD_X/{language}_x-ud-test.conllu"
            put(tmp_path, name, content)
    assert load(tmp_path, "udpos", "test", "de")[0].id == "v2.5"
    assert load(tmp_path, "udpos", "test", "lt")[0].id == "v2.7"


def test_two_other_releases_are_refused(tmp_path):
    for version in ("2.14", "2.16"):
        content = tree(("s1", [("a", "X")]))
        put(tmp_path, f"ud-treebanks-v{version}/UD_X/de_x-ud-test.conllu", content)
    assert "expected treebanks of one release, found those of ud-treebanks-v2.14 and" in refused(
        tmp_path, "udpos", "test", "de"
    )
