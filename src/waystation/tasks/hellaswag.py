"""HellaSwag: which of four endings a scene or a how-to text has.

The context is "<activity>: <ctx>", as in the dataset's published text form, which is read as well
(dev only; klosax/hellaswag_text_data). jiant's reader leaves the activity out and puts `ctx_b`
before each ending. Texts are kept as released, [header], [title] and [step] included.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from waystation import readers
from waystation.errors import DataError
from waystation.examples import ChoiceExample, digest
from waystation.metrics.labels import CHOICE_ACCURACY
from waystation.task import Task
from waystation.tasks import hub_choice, layouts, under
from waystation.tasks.choice import STILTS

_PLACES: Final = {str(number): number for number in range(4)}


def _jsonl(files: Sequence[Path], _: str, split: str) -> Iterator[ChoiceExample]:
    path = files[0]
    for line, row in readers.jsonl(path):
        activity, context = (
            readers.take(row, key, str, path, line) for key in ("activity_label", "ctx")
        )
        endings = readers.take(row, "endings", list, path, line)
        if len(endings) != 4 or not all(isinstance(e, str) and e.strip() for e in endings):
            raise DataError(
                f"expected four texts in 'endings', found {json.dumps(endings)[:80]}", path, line
            )
        label = None
        if split != "test" or "label" in row:
            value = str(readers.take(row, "label", int, path, line))
            label = readers.one_of(value, _PLACES, "'label'", path, line)
        yield ChoiceExample(
            id=str(line),
            group=readers.take(row, "source_id", str, path, line),
            context=f"{activity}: {context}",
            options=tuple(endings),
            label=label,
        )


def _text(files: Sequence[Path], _: str, split: str) -> Iterator[ChoiceExample]:
    """Six lines an item: activity and context, the right ending's number, four endings."""
    path = files[0]
    rows = [*readers.lines(path)]
    if len(rows) % 6:
        raise DataError(f"expected six lines for each item, found {len(rows)} in all", path)
    for number, first in enumerate(range(0, len(rows), 6), 1):
        texts = [readers.filled(text, "text", path, line) for line, text in rows[first : first + 6]]
        activity, colon, _context = texts[0].partition(": ")
        if not colon:
            raise DataError(
                f"expected `activity: context`, found '{texts[0][:60]}'", path, rows[first][0]
            )
        yield ChoiceExample(
            id=str(number),
            group=digest(activity)[:12],
            context=texts[0],
            options=tuple(texts[2:]),
            label=readers.one_of(texts[1], _PLACES, "the label", path, rows[first + 1][0]),
        )


HELLASWAG: Final = Task(
    name="hellaswag",
    version=1,
    summary="How does a scene or a how-to text go on? Four endings, chosen to fool models.",
    example=ChoiceExample,
    layouts=(
        *layouts(
            _jsonl,
            *under(
                ("hellaswag", "hellaswag/data", ""),
                {
                    "train": "hellaswag_train.jsonl",
                    "dev": "hellaswag_val.jsonl",
                    "test": "hellaswag_test.jsonl",
                },
            ),
        ),
        *layouts(
            _text,
            {"dev": "hellaswag/hellaswag_val_full.txt.bz2"},
            {"dev": "hellaswag/hellaswag_val_full.txt"},
            note="from its text form, whose contexts are tidied; not the official file",
        ),
    ),
    hub=hub_choice.HELLASWAG,
    languages=("en",),
    splits=("train", "dev", "test"),
    metrics=(CHOICE_ACCURACY,),
    test_split="dev",
    chance=25.0,
    recipe=STILTS,
    licence="MIT",
    citation="Zellers et al. 2019, HellaSwag: Can a Machine Really Finish Your Sentence? ACL",
    source="https://github.com/rowanz/hellaswag/tree/master/data",
    notes=(
        "The context is the activity's label, a colon and `ctx`, the options are `endings`; jiant"
        " leaves the label out and puts `ctx_b` before each ending.",
        "Ids are line numbers and groups the videos or articles. The text form has item numbers"
        " and activities in their place, and its texts are tidied (no [header], [title], [step]).",
        "The test file has no labels: dev is both selected and tested on.",
    ),
)
