"""Answers as spans on the hub: the schemas of `qa.py`'s tasks there.

Rows carry their paragraph; consecutive rows with one paragraph are its questions, and their group
is the smallest of their ids, as in the files. XQuAD and TyDiQA were stored with the white space
around paragraphs removed and the offsets left alone (the hub's own `xquad.py` and `tydiqa.py`), so
that 46% of the Arabic answers of TyDiQA's dev set are not at their offset: there all answers of a
paragraph are moved back by the smallest number of characters that puts every one in its place.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any, Final

from waystation.examples import Answer, SpanExample
from waystation.hub import Feature, HubSource, Row
from waystation.tasks.hub_pairs import always

_COLUMNS: Final[Mapping[str, Feature]] = {
    "id": "text",
    "context": "text",
    "question": "text",
    "answers": {"text": ["text"], "answer_start": ["integer"]},
}
_MOST_MOVED: Final = 1000


def _questions(
    *,
    stripped: bool = False,
    unanswerable: bool = False,
    prefixes: Mapping[str, str] | None = None,
) -> Callable[[Iterable[Row], str, str], Iterator[SpanExample]]:
    """Reader of questions.

    `stripped` paragraphs lost white space in front; `unanswerable` questions have no answers;
    `prefixes` gives the beginning of a language's ids, where one configuration has all languages.
    """

    def read(rows: Iterable[Row], language: str, split: str) -> Iterator[SpanExample]:
        begin = prefixes[language] if prefixes else ""
        mine = (row for row in rows if row.text("id").startswith(begin))
        for context, paragraph in groupby(mine, key=lambda row: row.text("context")):
            questions = list(paragraph)
            moved = _moved(questions, context) if stripped else 0
            group = min(row.values["id"] for row in questions)
            for row in questions:
                answers = tuple(_answers(row, context, moved))
                if not answers and not unanswerable:
                    raise row.fault("expected at least one answer, found none")
                yield SpanExample(
                    id=row.values["id"],
                    group=group,
                    question=row.text("question"),
                    context=context,
                    answers=answers,
                )

    return read


def _given(row: Row) -> list[tuple[str, int]]:
    answers = row.values["answers"]
    texts, starts = answers["text"], answers["answer_start"]
    if len(texts) != len(starts):
        raise row.fault(f"expected a start for each of {len(texts)} answers, found {len(starts)}")
    return list(zip(texts, starts, strict=True))


def _moved(questions: Sequence[Row], context: str) -> int:
    """By how many characters the answers lie too far right, all of them alike; 0 if unknown."""
    given = [pair for row in questions for pair in _given(row)]
    furthest = min((start for _, start in given), default=0)
    for moved in range(min(furthest, _MOST_MOVED) + 1):
        if all(context.startswith(text, start - moved) for text, start in given):
            return moved
    return 0


def _answers(row: Row, context: str, moved: int) -> Iterator[Answer]:
    for text, given in _given(row):
        start = given - moved
        if start < 0 or not text or not context.startswith(text, start):
            there = context[max(start, 0) : max(start, 0) + len(text)]
            raise row.fault(
                f"expected the answer '{text}' of question '{row.values['id']}' at character"
                f" {start} of its context, found '{there}'"
            )
        yield Answer(text=text, start=start)


def _squad(repository: str, config: str, schema: str, unanswerable: bool) -> HubSource[Any]:
    return HubSource(
        repository=repository,
        config=always(config),
        splits={"train": "train", "dev": "validation"},
        columns=_COLUMNS,
        read=_questions(unanswerable=unanswerable),
        schema=schema,
    )


SQUAD_V1: Final = _squad("rajpurkar/squad", "plain_text", "squad", False)
SQUAD_V2: Final = _squad("rajpurkar/squad_v2", "squad_v2", "squad_v2", True)

_SPACES: Final = (
    "White space around paragraphs and questions is removed there, and offsets are moved to fit:"
    " the examples are not byte for byte those of the official files."
)
XQUAD: Final[HubSource[Any]] = HubSource(
    repository="google/xquad",
    config=lambda tag: f"xquad.{tag}",
    splits={"test": "validation"},
    columns=_COLUMNS,
    read=_questions(stripped=True),
    schema="xquad",
    notes=(_SPACES,),
)

MLQA: Final[HubSource[Any]] = HubSource(
    repository="facebook/mlqa",
    config=lambda tag: f"mlqa.{tag}.{tag}",
    splits={"dev": "validation", "test": "test"},
    columns=_COLUMNS,
    read=_questions(),
    schema="mlqa",
)


def tydiqa(names: Mapping[str, str]) -> HubSource[Any]:
    """TyDiQA-GoldP; `names` are the English names of languages that begin its ids."""
    return HubSource(
        repository="google-research-datasets/tydiqa",
        config=dict.fromkeys(names, "secondary_task").get,
        splits={"train": "train", "dev": "validation"},
        columns=_COLUMNS,
        read=_questions(stripped=True, prefixes={tag: f"{name}-" for tag, name in names.items()}),
        schema="tydiqa",
        notes=(_SPACES,),
    )
