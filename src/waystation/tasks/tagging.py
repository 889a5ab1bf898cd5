"""One tag per word: parts of speech and names.

XTREME's TSV files are what google-research/xtreme `utils_preprocess.py` writes. Universal
Dependencies treebanks are read directly as well, see `treebanks.py`. Fine-tuning settings are
those of `scripts/train_udpos.sh` and `scripts/train_panx.sh` there, which agree.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

from waystation import readers
from waystation.errors import DataError
from waystation.examples import TaggingExample
from waystation.languages import XTREME_R, listed
from waystation.metrics.tagging import CHUNK_F1, TOKEN_ACCURACY, UDPOS_F1, UDPOS_F1_1X
from waystation.task import Layout, Task
from waystation.tasks import Read, hub_words, layouts, treebanks, under

# XTREME takes these from UD 2.5; for XTREME-R it adds five from UD 2.7 (scripts/download_data.sh).
_UD_2_5: Final = listed(
    "af ar bg de el en es et eu fa fi fr he hi hu id it ja kk ko mr nl pt ru ta te th tl tr ur vi"
    " yo zh"
)
_UD_2_7: Final = listed("lt pl uk wo ro")
# Languages of later UD releases that `languages.py` knows; files decide what is there.
_UD_MORE: Final = listed(
    "am be bm br ca cs cy da fo ga gd gl gn gsw gv hr hsb hy is ku la lv mt nb nds nn orv sa se"
    " sk sl sq sr sv tt ug yue"
)
_UD_CODES: Final = {"nb": "no", "nn": "no", "se": "sme", "ku": "kmr"}
_WIKIANN_MORE: Final = listed(
    "am ang arz as ast ba be bo br bs ca ceb cs csb cy da eo fo fy ga gd gl gn hr hsb hy ia ig io"
    " is km kn ku ky la lb ln lv mg mhr mi mk mn mt nb nds ne nn nov oc or pms ps rw sa sd si sk"
    " sl so sq sr su sv tg tk tt ug uz war wuu yi yue"
)
_WIKIANN_CODES: Final = {"nb": "no", "yue": "zh-yue"}
_WNUT: Final = listed("corporation creative-work group location person product")


def _iob(types: Sequence[str]) -> tuple[str, ...]:
    return (*(f"{prefix}-{type_}" for type_ in types for prefix in "BI"), "O")


def _conll(labels: Sequence[str], prefixed: bool = False) -> Read:
    """Reader of word-tag lines; words only are accepted where gold is unpublished (test).

    `prefixed` words carry their language (`de:Haus`), as in the original WikiAnn files.
    """
    known = {label: label for label in labels}

    def read(files: Sequence[Path], language: str, split: str) -> Iterator[TaggingExample]:
        path = files[0]
        prefix = f"{_WIKIANN_CODES.get(language, language)}:"
        for number, (line, words, tags) in enumerate(readers.conll(path), 1):
            if tags is None and split != "test":
                raise DataError("expected word<TAB>tag, found words only", path, line)
            for offset, tag in enumerate(tags or ()):
                readers.one_of(tag, known, "the tag", path, line + offset)
            if prefixed:
                words = tuple(
                    _unprefixed(word, prefix, path, line + offset)
                    for offset, word in enumerate(words)
                )
            yield TaggingExample(id=str(number), words=words, tags=tags)

    return read


def _unprefixed(word: str, prefix: str, path: Path, line: int) -> str:
    if not word.startswith(prefix) or word == prefix:
        raise DataError(f"expected a word after '{prefix}', found '{word}'", path, line)
    return word.removeprefix(prefix)


def _treebank_names(language: str) -> str:
    """The beginning of a language's treebank files: `de_`, and `no_bokmaal` for nb."""
    narrower = {"nb": "no_bokmaal", "nn": "no_nynorsk"}.get(language)
    return narrower or f"{_UD_CODES.get(language, language)}_"


_TREEBANKS: Final = {split: f"UD_*/{{l}}*-ud-{split}.conllu" for split in ("train", "dev", "test")}


def _release(version: str, languages: Sequence[str], note: str = "") -> tuple[Layout[Any], ...]:
    """The treebanks of some languages in one release; `*` is any release."""

    def code(language: str) -> str | None:
        return _treebank_names(language) if language in languages else None

    places = (f"ud-treebanks-v{version}", f"udpos/ud-treebanks-v{version}")
    return layouts(treebanks.released, *under(places, _TREEBANKS), code=code, note=note)


def _other(version: str) -> str:
    return (
        f"read from Universal Dependencies {version}, where XTREME and XTREME-R have 2.5 (lt, pl,"
        " uk, wo and ro: 2.7); not comparable with published scores"
    )


_EVERY: Final = (*_UD_2_5, *_UD_2_7, *_UD_MORE)
_LATER: Final = tuple(tag for tag in _EVERY if tag not in _UD_2_5)
# scripts/train_udpos.sh, scripts/train_panx.sh: XLM-R Large, 2 x 16 sentences
_RECIPE: Final = (
    ("learning_rate", 2e-5),
    ("epochs", 10),
    ("batch_size", 32),
    ("max_tokens", 128),  # longer sentences are cut into parts: scripts/preprocess_udpos.sh
    ("stride", 0),  # parts do not overlap
    ("warmup", 0.0),  # third_party/run_tag.py
    ("weight_decay", 0.0),  # third_party/run_tag.py
)
UDPOS: Final = Task(
    name="udpos",
    version=1,
    summary="Universal part-of-speech tags from Universal Dependencies.",
    example=TaggingExample,
    layouts=(
        *layouts(
            _conll(treebanks.UPOS),
            *under(
                ("udpos", "udpos/xtreme_udpos"), {"train": "train-{l}.tsv", "dev": "dev-{l}.tsv"}
            ),
        ),
        *layouts(
            treebanks.single,
            *under(("udpos",), _TREEBANKS),
            code=_treebank_names,
            note=_other("of an unknown release by syntactic words"),
        ),
        *_release("2.5", _UD_2_5),
        *_release("2.7", _LATER),
        *_release("2.7", _UD_2_5, _other("2.7")),
        *_release("2.5", _LATER, _other("2.5")),
        *_release("*", _EVERY, _other("of another release")),
        *layouts(
            treebanks.single,
            _TREEBANKS,
            code=_treebank_names,
            note=_other("of an unknown release by syntactic words"),
        ),
        *layouts(_conll(treebanks.UPOS), {"test": "udpos/test-{l}.tsv"}),
    ),
    hub=hub_words.UDPOS,
    languages=_EVERY,
    splits=("train", "dev", "test"),
    labels=treebanks.UPOS,
    metrics=(UDPOS_F1, UDPOS_F1_1X, TOKEN_ACCURACY),
    recipe=_RECIPE,
    licence="per treebank, see its README",
    citation="Nivre et al. 2020, Universal Dependencies v2, LREC",
    source="https://universaldependencies.org (XTREME: v2.5, XTREME-R adds v2.7)",
    notes=(
        "Headline: chunk F1 over raw tags by seqeval 0.0.12's rules, which is what XTREME"
        " reports under the name of accuracy; seqeval 1.2.2's F1 (`f1_seqeval1`) and accuracy per"
        " word stand beside it.",
        "Treebanks are looked for before XTREME's test-XX.tsv, whose tags are removed.",
        "XTREME's files and whole releases (ud-treebanks-v2.5/, ud-treebanks-v2.7/): fused tokens"
        " in the place of their words, as the official script makes them. Single treebanks"
        " (udpos/UD_*/): syntactic words; the report says so.",
        "Releases: 2.5 for XTREME's 33 languages in both benchmarks, 2.7 for the five that"
        " XTREME-R adds (lt pl uk wo ro), by scripts/download_data.sh. Another release is read"
        " where neither is there, and the report says so.",
        "All treebanks of a language are joined; th, tl and yo have PUD or small test sets alone."
        " XTREME-R's training script leaves out wo, which its evaluator requires.",
    ),
)

_PANX_LABELS: Final = _iob(("LOC", "ORG", "PER"))
_PANX_XTREME_R: Final = tuple(tag for tag in XTREME_R if tag not in ("ht", "wo"))
PANX: Final = Task(
    name="panx",
    version=1,
    summary="Names of places, organisations and people in Wikipedia (WikiAnn).",
    example=TaggingExample,
    layouts=(
        *layouts(
            _conll(_PANX_LABELS),
            {split: f"panx/{split}-{{l}}.tsv" for split in ("train", "dev", "test")},
        ),
        *layouts(
            _conll(_PANX_LABELS, prefixed=True),
            {split: f"panx_dataset/{{l}}-{split}" for split in ("train", "dev", "test")},
            {split: f"panx_dataset/{{l}}/{split}" for split in ("train", "dev", "test")},
            code=lambda tag: _WIKIANN_CODES.get(tag, tag),
        ),
    ),
    hub=hub_words.PANX,
    languages=(*_PANX_XTREME_R, *_WIKIANN_MORE),
    splits=("train", "dev", "test"),
    labels=_PANX_LABELS,
    metrics=(CHUNK_F1, TOKEN_ACCURACY),
    recipe=_RECIPE,
    licence="ODC-BY",
    citation="Pan et al. 2017, Cross-lingual Name Tagging and Linking for 282 Languages, ACL;"
    " splits by Rahimi et al. 2019",
    source="https://github.com/afshinrahimi/mmner (AmazonPhotos.zip in XTREME's script)",
    notes=(
        "XTREME's test-XX.tsv have no tags: evaluate `split: dev`, or put the original files in"
        " panx_dataset/.",
    ),
)

WNUT17: Final = Task(
    name="wnut17",
    version=1,
    summary="Rare and emerging names in social media text.",
    example=TaggingExample,
    layouts=layouts(
        _conll(_iob(_WNUT)),
        *under(
            ("wnut17", "emerging_entities_17"),
            {
                "train": "wnut17train.conll",
                "dev": "emerging.dev.conll",
                "test": "emerging.test.annotated",
            },
        ),
    ),
    hub=hub_words.WNUT17,
    languages=("en",),
    splits=("train", "dev", "test"),
    labels=_iob(_WNUT),
    metrics=(CHUNK_F1, TOKEN_ACCURACY),
    licence="CC BY 4.0",
    citation="Derczynski et al. 2017, Results of the WNUT2017 Shared Task, W-NUT",
    source="https://github.com/leondz/emerging_entities_17",
)
