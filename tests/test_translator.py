"""Which languages a translation model has, by each form in which models say so."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from transformers import NllbTokenizer, PreTrainedTokenizerFast

import tiny
import wordmap
from waystation.errors import ModelError
from waystation.translator import spoken, spoken_by

WORDS = {"a": "b"}


def tokenizer(*codes: str, words: dict[str, str] = WORDS, **settings: Any) -> Any:
    made = wordmap.tokenizer_of(words, codes)
    return PreTrainedTokenizerFast(
        tokenizer_object=made, extra_special_tokens=list(codes), **settings
    )


@pytest.mark.parametrize(
    ("codes", "pair", "token", "before"),
    [
        (("eng_Latn", "deu_Latn", "zho_Hans"), ("eng_Latn", "deu_Latn"), "deu_Latn", ""),
        (("__en__", "__de__"), ("en", "de"), "__de__", ""),
        (("en_XX", "de_DE"), ("en_XX", "de_DE"), "de_DE", ""),
    ],
)
def test_language_tokens_are_the_models_codes(
    codes: tuple[str, ...], pair: tuple[str, str], token: str, before: str
) -> None:
    found = spoken_by(tokenizer(*codes), {}, "model")
    assert found.pair("en", "de") == pair
    assert found.token(pair[1]) == token
    assert found.before(*pair) == before


@pytest.mark.parametrize(
    ("words", "tag", "before"),
    [
        ({">>deu<<": "x", ">>spa<<": "x"}, "de", ">>deu<< "),
        ({">>pt_BR<<": "x", ">>pt<<": "x"}, "pt-BR", ">>pt_BR<< "),
        ({"<2de>": "x", "<2zh_Hant>": "x"}, "zh-Hant", "<2zh_Hant> "),
    ],
)
def test_words_before_a_text_name_the_target(words: dict[str, str], tag: str, before: str) -> None:
    found = spoken_by(tokenizer(words=words), {}, "model")
    codes = found.pair("en", tag)  # the model does not say what it reads
    assert found.before(*codes) == before
    assert found.token(codes[1]) is None


def test_t5_has_its_prefixes() -> None:
    config = {
        "task_specific_params": {
            "translation_en_to_de": {"prefix": "translate English to German: "},
            "translation_fr_to_es": {"prefix": "translate French to Spanish: "},
            "summarization": {"prefix": "summarize: "},
        }
    }
    found = spoken_by(tokenizer(), config, "t5")
    assert found.before(*found.pair("en", "de")) == "translate English to German: "
    with pytest.raises(ModelError, match=r"'t5' to translate en to es, found en to de, fr to es;"):
        found.pair("en", "es")


def test_one_pair_is_in_the_tokenizers_settings(tmp_path: Path) -> None:
    folder = wordmap.word_translator(tmp_path, WORDS, source_lang="en", target_lang="deu")
    found = spoken(folder, "pair")
    assert found.pair("en", "de") == ("en", "deu")
    with pytest.raises(
        ModelError,
        match=r"^expected target language 'es' \(Spanish\) among those of the translation model"
        r" 'pair', found de; take another model\.$",
    ):
        found.pair("en", "es")
    with pytest.raises(ModelError, match=r"source language 'de' \(German\).*found en;"):
        found.pair("de", "de")


def test_marians_groups_of_languages_are_no_source() -> None:
    words = {">>fra<<": "x"}
    assert spoken_by(tokenizer(words=words, source_lang="ROMANCE"), {}, "m").sources == frozenset()
    assert spoken_by(tokenizer(words=words, source_lang="en"), {}, "m").sources == {"en"}


def test_nllbs_own_tokenizer_names_its_languages() -> None:
    vocabulary = {"<s>": 0, "<pad>": 1, "</s>": 2, "<unk>": 3, "▁a": 4, "<mask>": 5}
    found = spoken_by(NllbTokenizer(vocab=vocabulary, merges=[]), {}, "nllb")
    assert found.form == "nllb"
    assert found.pair("en", "sw") == ("eng_Latn", "swh_Latn")
    assert found.pair("zh", "zh-Hant") == ("zho_Hans", "zho_Hant")
    assert len(found.targets) > 190
    with pytest.raises(ModelError, match=r"'gsw' \(Swiss German\).*Did you mean"):
        found.pair("en", "gsw")


def test_mbarts_and_m2ms_codes_that_differ_from_tags() -> None:
    codes = ("en_XX", "zh_CN", "tl_XX", "he_IL", "sw_KE")
    mbart = spoken_by(tokenizer(*codes), {}, "mbart")
    assert [mbart.code(tag, "target") for tag in ("zh", "tl", "he", "sw")] == list(codes[1:])
    m2m = spoken_by(tokenizer("__en__", "__no__", "__zh__"), {}, "m2m")
    assert [m2m.code(tag, "target") for tag in ("nb", "zh")] == ["no", "zh"]


def test_codes_that_a_tokenizer_keeps_apart_are_found() -> None:
    apart = SimpleNamespace(
        all_special_tokens=["<s>"],
        get_added_vocab=dict,
        lang_token_to_id={"__en__": 5, "__de__": 6},
        get_vocab=dict,
        init_kwargs={},
    )
    assert spoken_by(apart, {}, "m2m").targets == {"en", "de"}


def test_a_model_that_says_nothing_is_refused(tmp_path: Path) -> None:
    folder = tiny.tiny_seq2seq(tmp_path)
    with pytest.raises(
        ModelError,
        match=r"^expected a translation model that says which languages it translates, found"
        r" 'mute' without language tokens .* write `source_lang` and `target_lang` into its"
        r" tokenizer_config\.json\.$",
    ):
        spoken(folder, "mute")


def test_an_unreadable_tokenizer_is_said(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text('{"model_type": "bart"}')
    (tmp_path / "tokenizer.json").write_text("{")
    with pytest.raises(ModelError, match=r"^expected to read the tokenizer of the .* 'broken'"):
        spoken(tmp_path, "broken")


WITHOUT = """\
import importlib.util, sys
from pathlib import Path
sys.modules["sentencepiece"] = None
there = importlib.util.find_spec
importlib.util.find_spec = lambda n, *a: None if n == "sentencepiece" else there(n, *a)
from waystation.errors import ModelError
from waystation.translator import spoken
for folder in sys.argv[1:]:
    try:
        spoken(Path(folder), Path(folder).name)
    except ModelError as error:
        print(error)
"""


def test_the_package_that_a_tokenizer_needs_is_named(tmp_path: Path) -> None:
    """Marian and M2M-100 always need it, others where they come without tokenizer.json."""
    names = {"marian": "Marian", "m2m_100": "M2M100", "nllb": "Nllb"}
    for model, name in names.items():
        folder = tmp_path / model
        folder.mkdir()
        for file, content in (
            ("config.json", {"model_type": model if model == "marian" else "m2m_100"}),
            ("tokenizer_config.json", {"tokenizer_class": f"{name}Tokenizer"}),
            ("vocab.json", {"<unk>": 0, "</s>": 1}),
        ):
            (folder / file).write_text(json.dumps(content))
        (folder / ("source.spm" if model == "marian" else "sentencepiece.bpe.model")).touch()
    command = [sys.executable, "-c", WITHOUT, *(str(tmp_path / model) for model in names)]
    found = subprocess.run(command, capture_output=True, text=True)
    assert found.stdout.splitlines() == [
        "expected the package sentencepiece, which the tokenizer of the translation model"
        f" '{model}' is read with, found it not installed; `pip install sentencepiece` and run"
        " again."
        for model in names
    ], found.stderr
