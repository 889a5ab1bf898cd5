"""What a translation model speaks, and how it is told which language to read and to write.

A model's own tokenizer and configuration decide, by the first of these forms that they have:
language tokens (NLLB `deu_Latn`, M2M-100 `__de__`, mBART `de_DE`), words before the text (Marian
`>>deu<<`, MADLAD `<2de>`, T5 `translate English to German:`), or one pair for good (Marian and any
other model whose tokenizer_config.json has `source_lang` and `target_lang`). Nothing else is
guessed. Floor 2b; imports transformers where it reads, never torch.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

from waystation import modelfolder
from waystation.errors import ModelError, some, suggest
from waystation.languages import LANGUAGES, listed, name_of

_FORMS: Final = {
    "nllb": re.compile(r"([a-z]{3}_[A-Z][a-z]{3})"),
    "m2m": re.compile(r"__([a-z]{2,3})__"),
    "mbart": re.compile(r"([a-z]{2,3}_[A-Z]{2})"),
    "marian": re.compile(r">>(.+)<<"),
    "madlad": re.compile(r"<2([a-z]{2,3}(?:_[A-Z][a-z]{3})?)>"),
}
TOKENS: Final = ("nllb", "m2m", "mbart")
"""Forms whose language token is written by the decoder first."""
# mBART-50's codes whose region is not XX (facebook/mbart-large-50, tokenization_mbart50.py).
_MBART: Final = listed(
    "ar_AR cs_CZ de_DE et_EE fi_FI gu_IN hi_IN kk_KZ ko_KR lt_LT lv_LV my_MM ne_NP ro_RO ru_RU"
    " si_LK tr_TR vi_VN zh_CN af_ZA az_AZ bn_IN fa_IR he_IL hr_HR id_ID ka_GE km_KH mk_MK ml_IN"
    " mn_MN mr_IN pl_PL ps_AF sv_SE sw_KE ta_IN te_IN th_TH uk_UA ur_PK xh_ZA gl_ES sl_SI"
)
_OTHERS: Final = {"nb": ("no", "nor"), "he": ("iw",), "id": ("in",), "jv": ("jw",), "tl": ("fil",)}
"""Older codes that models use for a tag."""
SENTENCEPIECE: Final = "sentencepiece"
"""What `transformers` reads tokenizers without a tokenizer.json with; it does not require it."""


@dataclass(frozen=True, kw_only=True)
class Spoken:
    """The languages of a translation model, as its own codes (`name`: what the study calls it).

    `sources` empty: the model reads whatever it was trained on and does not say what.
    """

    name: str
    form: str
    sources: frozenset[str]
    targets: frozenset[str]
    prefixes: Mapping[tuple[str, str], str]
    """(source, target) -> the words before a text, where the form is T5's."""

    def code(self, tag: str, side: str) -> str:
        """The model's code of a BCP 47 tag. Raises ModelError where it has none."""
        codes = self.sources if side == "source" else self.targets
        found = next((c for c in _candidates(tag) if c in codes), None)
        if found is not None:
            return found
        if side == "source" and not codes:
            return ""
        known = {t: name_of(t) for t in LANGUAGES if any(c in codes for c in _candidates(t))}
        near = suggest(tag, known) or suggest(name_of(tag), known.values())
        spoken = some(known or sorted(codes))
        raise ModelError(
            f"expected {side} language '{tag}' ({name_of(tag)}) among those of the translation"
            f" model '{self.name}', found {spoken};{near or ' take another model.'}"
        )

    def pair(self, source: str, target: str) -> tuple[str, str]:
        """The codes of a direction; raises ModelError where the model does not have it."""
        codes = self.code(source, "source"), self.code(target, "target")
        if self.form == "prefix" and codes not in self.prefixes:
            known = some(f"{a} to {b}" for a, b in self.prefixes)
            raise ModelError(
                f"expected the translation model '{self.name}' to translate {source} to {target},"
                f" found {known}; take another model."
            )
        return codes

    def before(self, source: str, target: str) -> str:
        """What stands before a text to read, given the codes."""
        if self.form == "marian":
            return f">>{target}<< "
        if self.form == "madlad":
            return f"<2{target}> "
        return self.prefixes[source, target] if self.form == "prefix" else ""

    def token(self, target: str) -> str | None:
        """The language token that the decoder begins with, None where there is none."""
        written = {"nllb": target, "m2m": f"__{target}__", "mbart": target}
        return written.get(self.form)


def spoken(folder: Path, name: str) -> Spoken:
    """The languages of the model in a folder; raises ModelError where it does not say."""
    import transformers

    try:
        tokenizer = transformers.AutoTokenizer.from_pretrained(
            folder, local_files_only=True, trust_remote_code=False
        )
    except (OSError, ValueError, RuntimeError, ImportError, KeyError, TypeError) as error:
        said = str(error)
        if find_spec(SENTENCEPIECE) is None and re.search("sentencepiece|tiktoken", said.lower()):
            raise ModelError(
                f"expected the package {SENTENCEPIECE}, which the tokenizer of the translation"
                f" model '{name}' is read with, found it not installed; `pip install"
                f" {SENTENCEPIECE}` and run again."
            ) from error
        reason = (said.strip().splitlines() or [type(error).__name__])[0]
        raise ModelError(
            f"expected to read the tokenizer of the translation model '{name}' from {folder},"
            f" found '{type(error).__name__}: {reason}'; fetch or save the model again."
        ) from error
    return spoken_by(tokenizer, modelfolder.config_of(folder, name), name)


def spoken_by(tokenizer: Any, config: Mapping[str, Any], name: str) -> Spoken:
    """The languages that a tokenizer and a configuration name."""
    special = _special(tokenizer)
    for form, tokens in (
        *((form, special) for form in TOKENS),
        *((form, tokenizer.get_vocab()) for form in ("marian", "madlad")),
    ):
        codes = frozenset(m[1] for t in tokens if (m := _FORMS[form].fullmatch(t)))
        if codes:
            sources = codes if form in TOKENS else _own(tokenizer, "source_lang")
            return Spoken(name=name, form=form, sources=sources, targets=codes, prefixes={})
    if prefixes := dict(_prefixes(config)):
        return Spoken(
            name=name,
            form="prefix",
            sources=frozenset(source for source, _ in prefixes),
            targets=frozenset(target for _, target in prefixes),
            prefixes=prefixes,
        )
    sources, targets = _own(tokenizer, "source_lang"), _own(tokenizer, "target_lang")
    if sources and targets:
        return Spoken(name=name, form="pair", sources=sources, targets=targets, prefixes={})
    raise ModelError(
        f"expected a translation model that says which languages it translates, found '{name}'"
        " without language tokens (deu_Latn, __de__, de_DE, >>deu<<, <2de>), without T5's prefixes"
        " and without a pair; write `source_lang` and `target_lang` into its tokenizer_config.json."
    )


def _special(tokenizer: Any) -> list[str]:
    """Special and added tokens, and the codes that tokenizers of the families keep apart."""
    found = [*tokenizer.all_special_tokens, *tokenizer.get_added_vocab()]
    found += getattr(tokenizer, "lang_token_to_id", {})
    found += getattr(tokenizer, "lang_code_to_id", {})
    return list(dict.fromkeys(map(str, found)))


def _own(tokenizer: Any, name: str) -> frozenset[str]:
    """A language that the tokenizer's settings name; Marian's groups (ROMANCE) name none."""
    value = getattr(tokenizer, name, None) or tokenizer.init_kwargs.get(name)
    known = {code for tag in LANGUAGES for code in _candidates(tag)}
    return frozenset((value,)) if value in known else frozenset()


def _prefixes(config: Mapping[str, Any]) -> Iterable[tuple[tuple[str, str], str]]:
    for task, settings in (config.get("task_specific_params") or {}).items():
        match = re.fullmatch(r"translation_([a-zA-Z]+)_to_([a-zA-Z]+)", task)
        if match and isinstance(settings, dict) and settings.get("prefix"):
            yield (match[1], match[2]), str(settings["prefix"])


def _candidates(tag: str) -> list[str]:
    """The codes under which a model may know a tag, the most exact first."""
    if tag.startswith("x-"):
        return [tag, tag[2:]]
    primary, *rest = tag.split("-")
    script = next((part for part in rest if len(part) == 4), None)
    region = next((part for part in rest if len(part) != 4), None)
    row = LANGUAGES.get(primary)
    short = (primary, *_OTHERS.get(primary, ()))
    long = (row.tatoeba, *((row.flores[:3],) if row and row.flores else ())) if row else ()
    found = [f"{primary}_{region}"] if region else []
    if script is not None:
        found += [f"{code}_{script}" for code in (*dict.fromkeys(long), *short)]
        if row is None or script != row.script:
            return found
    elif row is not None and row.flores:
        found += [row.flores, f"{row.tatoeba}_{row.script}"]
    found += [*short, *long]
    found += [code for code in _MBART if code.startswith(f"{primary}_")]
    found += [f"{primary}_XX"]
    if row is not None:
        found += [f"{code}_{row.script}" for code in (*long, *short)]
    return list(dict.fromkeys(found))
