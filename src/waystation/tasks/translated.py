"""Ready-made machine translations of English training sets: XTREME's `translate-train` files.

Layouts as public readers have them (tensorflow/datasets: xtreme_xnli, xtreme_pawsx and tydi_qa;
google-research/xtreme#37): pairs are header-less rows of the English pair, its translation and the
label; questions are SQuAD JSON under the ids of the English ones. Both have rows that went wrong,
which are left out here, as those readers do: a pair with another number of cells or no such label,
an answer that is nowhere in its context. An answer at another place than the file says is moved to
its nearest occurrence.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from waystation import readers
from waystation.errors import DataError
from waystation.examples import Answer, ClassificationExample, SpanExample, digest
from waystation.tasks import Read

SPLIT: Final = "translate-train"
WRONG: Final = 0.1
"""The largest share of rows or questions that may be left out."""
FOLDERS: Final = ("xtreme_translations", "")
"""Where people keep the bucket's folders under --data."""


def not_english(tag: str) -> str | None:
    """A tag is its own code; the English side has its own release."""
    return None if tag == "en" else tag


def releases(folder: str, name: str, own: str) -> tuple[dict[str, tuple[str, ...]], ...]:
    """Places of a file: in the bucket's folder, or in the folder `own` of XTREME's downloads."""
    places = [f"{top}/{folder}" if top else folder for top in FOLDERS]
    return tuple({SPLIT: (f"{place}/{SPLIT}/{name}",)} for place in (*places, own))


def pairs(names: Mapping[str, str]) -> Read:
    """Reader of (English pair, translated pair, label) rows; groups are English first texts."""

    def read(found: Sequence[Path], _: str, split: str) -> Iterator[ClassificationExample]:
        for path in found:
            wrong = total = 0
            for line, row in readers.lines(path):
                cells = row.split("\t")
                total += 1
                whole = len(cells) == 5 and all(cell.strip() for cell in cells)
                if not whole or cells[4].strip() not in names:
                    wrong += 1
                    continue
                yield ClassificationExample(
                    id=str(line),
                    group=digest(cells[0])[:12],
                    text=cells[2],
                    pair=cells[3],
                    label=names[cells[4].strip()],
                )
            _check(path, wrong, total, "rows of an English pair, its translation and a label")

    return read


def questions(found: Sequence[Path], _: str, split: str) -> Iterator[SpanExample]:
    """SQuAD JSON whose answers may not be where it says."""
    for path in found:
        wrong = total = 0
        for context, group, question in _asked(path):
            total += 1
            answers = [_moved(a, context) for a in question.get("answers") or ()]
            kept = tuple(dict.fromkeys(a for a in answers if a is not None))
            asked = question.get("question")
            if not kept or not isinstance(asked, str) or not asked.strip():
                wrong += 1
                continue
            yield SpanExample(
                id=str(question["id"]), group=group, question=asked, context=context, answers=kept
            )
        _check(path, wrong, total, "questions whose answers are in their contexts")


def _asked(path: Path) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
    """(context, group, question) of SQuAD JSON."""
    try:
        release = json.loads(readers.text(path))
    except ValueError as error:
        raise DataError(f"expected SQuAD JSON, found: {error}", path) from error
    for article in readers.take(release, "data", list, path, None):
        for paragraph in readers.take(article, "paragraphs", list, path, None):
            context = readers.take(paragraph, "context", str, path, None)
            asked = readers.take(paragraph, "qas", list, path, None)
            ids = [str(readers.take(question, "id", object, path, None)) for question in asked]
            for question in asked:
                yield context, min(ids), question


def _moved(answer: Any, context: str) -> Answer | None:
    """The answer at its nearest occurrence to where the file says; None where it is nowhere."""
    given = answer if isinstance(answer, dict) else {}
    wanted, start = given.get("text"), given.get("answer_start")
    if not isinstance(wanted, str) or not wanted.strip() or wanted not in context:
        return None
    near = start if isinstance(start, int) else 0
    near = max(0, near)
    places = [context.rfind(wanted, 0, near + len(wanted)), context.find(wanted, near)]
    places = [place for place in places if place >= 0]
    return Answer(text=wanted, start=min(places, key=lambda place: abs(place - near)))


def _check(path: Path, wrong: int, total: int, what: str) -> None:
    if not total or wrong > WRONG * total:
        raise DataError(
            f"expected {what}, found {wrong:,} of {total:,} that are not; take XTREME's own file",
            path,
        )
