"""One tag per word: parts of speech and names.

XTREME's TSV files are what google-research/xtreme `utils_preprocess.py` writes. Universal
Dependencies treebanks are read directly as well: syntactic words, universal tags, all treebanks
of a language together, sorted by name, as XTREME joins them; XTREME itself puts fused tokens
("zum") in the place of their words, which matters in ar, de, es, fr, he, it, pt and a few more.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from waystation import readers
from waystation.errors import DataError
from waystation.examples import TaggingExample
from waystation.languages import XTREME_R, listed
from waystation.metrics.tagging import CHUNK_F1, TOKEN_ACCURACY, UDPOS_F1, UDPOS_F1_1X
from waystation.task import Task
from waystation.tasks import Read, hub_words, layouts, under

_UPOS: Final = listed(
    "ADJ ADP ADV AUX CCONJ DET INTJ NOUN NUM PART PRON PROPN PUNCT SCONJ SYM VERB X"
)
_UD_XTREME_R: Final = listed(
    "af ar bg de el en es et eu fa fi fr he hi hu id it ja kk ko mr nl pt ru ta te th tl tr ur vi"
    " yo zh lt pl uk wo ro"
)
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


def _treebanks(files: Sequence[Path], _: str, split: str) -> Iterator[TaggingExample]:
    """CoNLL-U files; PUD sentences, parallel in all languages, are their own groups.

    Sentences whose text the release withholds (words are `_`) are left out by the rule of
    XTREME's `utils_preprocess.py`: all words, or all but one.
    """
    known = {tag: tag for tag in _UPOS}
    for path in files:
        treebank = path.name.split("-ud-")[0]
        for line, name, words, tags in readers.conllu(path):
            hidden = words.count("_")
            if hidden and hidden >= len(words) - 1:
                continue
            for tag in tags:
                readers.one_of(tag, known, f"the universal tags of sentence {name}", path, line)
            yield TaggingExample(
                id=name if len(files) == 1 else f"{treebank}/{name}",
                group=name if treebank.endswith("_pud") else None,
                words=words,
                tags=tags,
            )


def _treebank_names(language: str) -> str:
    """The beginning of a language's treebank files: `de_`, and `no_bokmaal` for nb."""
    narrower = {"nb": "no_bokmaal", "nn": "no_nynorsk"}.get(language)
    return narrower or f"{_UD_CODES.get(language, language)}_"


_TREEBANKS: Final = {split: f"UD_*/{{l}}*-ud-{split}.conllu" for split in ("train", "dev", "test")}
UDPOS: Final = Task(
    name="udpos",
    version=1,
    summary="Universal part-of-speech tags from Universal Dependencies.",
    example=TaggingExample,
    layouts=(
        *layouts(
            _conll(_UPOS),
            *under(
                ("udpos", "udpos/xtreme_udpos"), {"train": "train-{l}.tsv", "dev": "dev-{l}.tsv"}
            ),
        ),
        *layouts(
            _treebanks,
            *under(("udpos", "ud-treebanks-v2.5", "ud-treebanks-v2.7", ""), _TREEBANKS),
            code=_treebank_names,
        ),
        *layouts(_conll(_UPOS), {"test": "udpos/test-{l}.tsv"}),
    ),
    hub=hub_words.UDPOS,
    languages=(*_UD_XTREME_R, *_UD_MORE),
    splits=("train", "dev", "test"),
    labels=_UPOS,
    metrics=(UDPOS_F1, UDPOS_F1_1X, TOKEN_ACCURACY),
    licence="per treebank, see its README",
    citation="Nivre et al. 2020, Universal Dependencies v2, LREC",
    source="https://universaldependencies.org (XTREME: v2.5, XTREME-R adds v2.7)",
    notes=(
        "Headline: chunk F1 over raw tags by seqeval 0.0.12's rules, which is what XTREME"
        " reports under the name of accuracy; seqeval 1.2.2's F1 (`f1_seqeval1`) and accuracy per"
        " word stand beside it.",
        "Treebanks are looked for before XTREME's test-XX.tsv, whose tags are removed.",
        "From treebanks: syntactic words, where XTREME has fused tokens.",
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
