"""CCG supertagging: one lexical category per word, from CCGbank (LDC2005T13, licensed).

Two formats. The release's derivations (`data/AUTO/SS/wsj_SSNN.auto`): a line `ID=wsj_0001.1 ...`,
then the tree on one line, whose leaves are `<L category pos pos word category-with-indices>`. And
the C&C tools' tagged text, a sentence a line, `word|pos|category` between spaces; their lines of
comment begin with "# ". Words are kept as the treebank writes them (-LRB- and the like).

Sections 02-21 train, 00 dev, 23 test. Labels are the 425 categories that occur at least ten times
in training (Clark 2002; Clark and Curran 2007, "Wide-Coverage Efficient Statistical Parsing", CL
33:4) and UNK, which stands for all others: one class in training, and right where it is predicted.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from importlib import resources
from pathlib import Path
from typing import Final

from waystation import readers
from waystation.errors import DataError
from waystation.examples import TaggingExample
from waystation.metrics.tagging import TOKEN_ACCURACY
from waystation.task import Task
from waystation.tasks import layouts, under

UNKNOWN: Final = "UNK"
_TABLE: Final = resources.files("waystation.tasks").joinpath("ccg_categories.txt")
CATEGORIES: Final = tuple(
    line for line in _TABLE.read_text(encoding="utf-8").splitlines() if not line.startswith("#")
)
_LABEL_OF: Final = {category: category for category in CATEGORIES}
_SECTIONS: Final = {
    "train": [f"{number:02}" for number in range(2, 22)],
    "dev": ["00"],
    "test": ["23"],
}
_CATEGORY: Final = re.compile(r"[A-Za-z\[\]()/\\,.:;]+")
_LEAF: Final = re.compile(r"<L (\S+) \S+ \S+ (\S+) \S+>")
# Categories of another treebank would all turn into UNK without a word.
_MOST_UNKNOWN: Final = 0.2


def _tagged(path: Path, line: int, pairs: Sequence[tuple[str, str]], id_: str) -> TaggingExample:
    for _, category in pairs:
        if not _CATEGORY.fullmatch(category):
            raise DataError(
                f"expected a category such as N/N or (S[dcl]\\NP)/NP, found '{category}'",
                path,
                line,
            )
    return TaggingExample(
        id=id_,
        group=id_.partition(".")[0] if "." in id_ else None,  # the article
        words=tuple(word for word, _ in pairs),
        tags=tuple(_LABEL_OF.get(category, UNKNOWN) for _, category in pairs),
    )


def _checked(examples: Iterator[TaggingExample], path: Path) -> Iterator[TaggingExample]:
    """The same, refused at the end where too many categories are none of CCGbank's."""
    words = unknown = 0
    for example in examples:
        words += len(example.words)
        unknown += (example.tags or ()).count(UNKNOWN)
        yield example
    if unknown > _MOST_UNKNOWN * words:
        raise DataError(
            f"expected CCGbank's categories, found {unknown} of {words} words with others; another"
            " treebank or notation is a task of its own",
            path,
        )


def _derivations(files: Sequence[Path], _: str, split: str) -> Iterator[TaggingExample]:
    missing = [s for s in _SECTIONS[split] if s not in {path.parent.name for path in files}]
    if missing:
        raise DataError(
            f"expected sections {_SECTIONS[split][0]} to {_SECTIONS[split][-1]} of CCGbank, found"
            f" none of {', '.join(missing)}; copy the folder AUTO whole",
            files[0],
        )
    yield from _checked((e for path in files for e in _trees(path)), files[0])


def _trees(path: Path) -> Iterator[TaggingExample]:
    id_ = ""
    for line, text in readers.lines(path):
        if text.startswith("ID="):
            id_ = text[3:].split(" ")[0]
            continue
        leaves = _LEAF.findall(text)
        if not id_ or not leaves or len(leaves) != text.count("<L "):
            raise DataError(
                "expected a line `ID=...`, then a derivation with leaves"
                f" `<L category pos pos word category>`, found '{text[:60]}'",
                path,
                line,
            )
        yield _tagged(path, line, [(word, category) for category, word in leaves], id_)
        id_ = ""


def _tagged_text(files: Sequence[Path], _: str, split: str) -> Iterator[TaggingExample]:
    yield from _checked(_sentences(files[0]), files[0])


def _sentences(path: Path) -> Iterator[TaggingExample]:
    number = 0
    for line, text in readers.lines(path):
        if not text.strip() or text.startswith("# "):
            continue
        cells = [token.rsplit("|", 2) for token in text.split()]
        wrong = next((cell for cell in cells if len(cell) != 3 or not cell[0]), None)
        if wrong is not None:
            raise DataError(
                f"expected word|pos|category between spaces, found '{'|'.join(wrong)}'", path, line
            )
        number += 1
        yield _tagged(path, line, [(word, category) for word, _, category in cells], str(number))


CCG: Final = Task(
    name="ccg",
    version=1,
    summary="CCG supertags: the lexical category of each word of the Wall Street Journal.",
    example=TaggingExample,
    layouts=(
        *layouts(
            _derivations,
            *under(
                ("ccgbank_1_1/data/AUTO", "ccg/AUTO"),
                {
                    "train": ("0[2-9]/*.auto", "1[0-9]/*.auto", "2[01]/*.auto"),
                    "dev": "00/*.auto",
                    "test": "23/*.auto",
                },
            ),
        ),
        *layouts(
            _tagged_text,
            *under(("ccg",), {split: f"{split}.stagged" for split in _SECTIONS}),
            *under(
                ("ccg",),
                {
                    "train": "wsj02-21.stagged",
                    "dev": "wsj00.stagged",
                    "test": "wsj23.stagged",
                },
            ),
        ),
    ),
    languages=("en",),
    splits=("train", "dev", "test"),
    labels=(*CATEGORIES, UNKNOWN),
    metrics=(TOKEN_ACCURACY,),
    recipe=(
        # nyu-mll/jiant@daa5a258, jiant/scripts/benchmarks/xtreme: e_run_models.sh,
        # xtreme_runconfig_writer.py; batch, epochs and length of its tagging tasks
        ("learning_rate", 1e-5),
        ("epochs", 10),
        ("batch_size", 32),
        ("max_tokens", 256),
        ("warmup", 0.1),
    ),
    licence="LDC User Agreement, not free",
    citation="Hockenmaier and Steedman 2007, CCGbank, Computational Linguistics 33:3",
    source="LDC2005T13, to be ordered under licence from the Linguistic Data Consortium,"
    " https://catalog.ldc.upenn.edu/LDC2005T13",
    notes=(
        "Sections 02-21 train, 00 is dev, 23 is test. A group is an article (derivations only).",
        "Labels: the 425 categories that occur ten times or more in training, and UNK for the"
        " others. A word with a rare category counts as right where UNK is predicted; published"
        " accuracies leave such words out or count them as wrong.",
        "Not on the hub: the corpus is licensed, and nothing here downloads it.",
    ),
)
