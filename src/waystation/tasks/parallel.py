"""Parallel text to train and to test on: Multi30k, FLORES-200, small_parallel_enja.

A language stands for its pair with English: the source is in the language, the target in English,
line by line (`bitext`, which Tatoeba and the user's own parallel files are read by too). Training
on it is translation ranking, see `heads/retrieval.py`. A part of several files (`train.en.000`,
`train.en.001`) is read in the order of their names. Nothing is lower-cased, cut or filtered; an
empty line on either side is a fault, since it would pair nothing with something.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from waystation import readers
from waystation.errors import DataError
from waystation.examples import BitextExample, digest
from waystation.languages import LANGUAGES, listed
from waystation.metrics.retrieval import ACCURACY
from waystation.task import Task
from waystation.tasks import Release, layouts, under


def bitext(files: Sequence[Path], _: str, split: str) -> Iterator[BitextExample]:
    """Line-aligned sides; pairs with the same English sentence are one group in any language."""
    half = len(files) // 2
    if len(files) != 2 * half:
        raise DataError(
            f"expected as many files for one language as for the other, found {len(files)} in all:"
            f" {', '.join(file.name for file in files)}; put the missing part there",
            files[-1],
        )
    line = 0
    for left, right in zip(files[:half], files[half:], strict=True):
        for number, (source, target) in readers.parallel((left, right)):
            readers.filled(source, "a sentence", left, number)
            readers.filled(target, "a sentence", right, number)
            line += 1
            group = digest(target)[:12]
            yield BitextExample(id=str(line), group=group, source=source, target=target)


def _sides(name: str) -> tuple[str, str]:
    """The language's file, then the English one."""
    return name, name.replace("{l}", "en")


_MULTI30K_PARTS: Final = {"train": "train", "dev": "val", "test": "test_2016_flickr"}
_MULTI30K_FOLDERS: Final = (
    "multi30k/data/task1/raw",
    "dataset/data/task1/raw",
    "multi30k",
)


def _multi30k(ending: str) -> Release:
    return {split: _sides(f"{part}.{{l}}{ending}") for split, part in _MULTI30K_PARTS.items()}


MULTI30K: Final = Task(
    name="multi30k",
    version=1,
    summary="Captions of photographs in English with their translations: rank the right one first.",
    example=BitextExample,
    layouts=layouts(
        bitext,
        *under(_MULTI30K_FOLDERS, _multi30k(".gz")),
        *under(_MULTI30K_FOLDERS, _multi30k("")),
    ),
    languages=listed("de fr cs"),
    splits=tuple(_MULTI30K_PARTS),
    metrics=(ACCURACY,),
    source_language="de",
    licence="not stated (captions of Flickr30k)",
    citation="Elliott et al. 2016, Multi30K: Multilingual English-German Image Descriptions, VL;"
    " Elliott et al. 2017 and Barrault et al. 2018 for French and Czech",
    source="https://github.com/multi30k/dataset (data/task1/raw)",
    notes=(
        "A language stands for its pair with English; without one, German is taken.",
        "`dev` is the release's val, `test` its test_2016_flickr.",
        "Captions are short and alike, so that a pool of them is harder than its size says.",
    ),
)


# zho_Hant is the one code whose tag has more than a language.
_FLORES: Final = {t: row.flores for t, row in LANGUAGES.items() if row.flores and t != "en"}
_FLORES_CODES: Final = _FLORES | {"zh-Hant": "zho_Hant"}
_FLORES_PARTS: Final = ("dev", "devtest")

FLORES200: Final = Task(
    name="flores200",
    version=1,
    summary="Sentences of Wikimedia pages in 200 languages: find the one that an English one is.",
    example=BitextExample,
    layouts=layouts(
        bitext,
        *under(
            ("flores200", "flores200_dataset", "flores200/flores200_dataset"),
            {part: (f"{part}/{{l}}.{part}", f"{part}/eng_Latn.{part}") for part in _FLORES_PARTS},
        ),
        code=_FLORES_CODES.get,
    ),
    languages=tuple(_FLORES_CODES),
    splits=_FLORES_PARTS,
    metrics=(ACCURACY,),
    source_language="de",
    train_split="dev",
    test_split="devtest",
    licence="CC BY-SA 4.0",
    citation="NLLB Team 2022, No Language Left Behind: Scaling Human-Centered Machine Translation,"
    " arXiv 2207.04672; Goyal et al. 2022, The FLORES-101 Evaluation Benchmark, TACL",
    source="https://github.com/facebookresearch/flores/tree/main/flores200",
    notes=(
        "A language stands for its pair with English; without one, German is taken. Line n is the"
        " same sentence in every language. Of the 204 codes those are read whose language has a"
        " tag here.",
        "FLORES-200 has no training part: what trains on it, trains on `dev` (997 lines), and what"
        " is then measured on `devtest` (1,012 lines) is from the same pages' kind of text.",
    ),
)


def _parts(folder: str) -> tuple[Release, ...]:
    names = {split: f"{folder}/{split}.{{l}}" for split in ("train", "dev", "test")}
    whole = {split: _sides(name) for split, name in names.items()}
    # The repository has the training part in five files as well.
    return whole, whole | {"train": _sides(names["train"] + ".[0-9][0-9][0-9]")}


SMALL_PARALLEL_ENJA: Final = Task(
    name="small_parallel_enja",
    version=1,
    summary="Short English and Japanese sentences: rank the right translation first.",
    example=BitextExample,
    layouts=layouts(bitext, *_parts("small_parallel_enja")),
    languages=("ja",),
    splits=("train", "dev", "test"),
    metrics=(ACCURACY,),
    source_language="ja",
    licence="not stated (text from the Tanaka corpus, which is CC BY)",
    citation="Neubig 2014 and Oda 2015, small_parallel_enja: 50k En/Ja Parallel Corpus for Testing"
    " SMT Methods",
    source="https://github.com/odashi/small_parallel_enja",
    notes=(
        "English is lower-cased and both sides are cut into words with spaces between them, as"
        " released.",
    ),
)
