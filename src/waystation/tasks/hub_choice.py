"""Multiple choice on the hub: the schemas of `choice.py`'s tasks there.

Contexts carry the question as in the files. Ids are a dataset's own, else row numbers from 1.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from waystation.examples import ChoiceExample
from waystation.hub import HubSource, Row
from waystation.tasks.hub_pairs import always, first_sentence

_SAME: Final = {"train": "train", "dev": "validation", "test": "test"}


def _commonsenseqa(rows: Iterable[Row], _: str, split: str) -> Iterator[ChoiceExample]:
    """An empty `answerKey` is hidden gold."""
    for row in rows:
        choices, key = row.values["choices"], row.values["answerKey"]
        letters, texts = choices["label"], choices["text"]
        if len(letters) != len(texts) or (key and key not in letters):
            raise row.fault(
                f"expected as many options as letters and an 'answerKey' among {letters}, found"
                f" {len(texts)} options and '{key}'"
            )
        yield ChoiceExample(
            id=str(row.values["id"]),
            context=row.text("question"),
            options=tuple(texts),
            label=letters.index(key) if key else None,
        )


def _socialiqa(rows: Iterable[Row], _: str, split: str) -> Iterator[ChoiceExample]:
    """`label` is text: 1, 2 or 3, in some copies with a line break."""
    places = {"1": 0, "2": 1, "3": 2, "": None}
    for row in rows:
        context, key = row.text("context"), str(row.values["label"] or "").strip()
        if key not in places:
            raise row.fault(f"expected 'label' to be 1, 2 or 3, found '{key}'")
        yield ChoiceExample(
            id=str(row.number),
            group=first_sentence(context),
            context=f"{context} {row.text('question')}",
            options=tuple(row.text(f"answer{letter}") for letter in "ABC"),
            label=places[key],
        )


def _place(row: Row, options: int) -> int | None:
    """A whole-numbered `label` from 0; -1 is hidden gold."""
    label = row.values["label"]
    if label is None or label == -1:
        return None
    if not 0 <= label < options:
        raise row.fault(f"expected 'label' from 0 to {options - 1}, or -1 for none, found {label}")
    return int(label)


def _cosmosqa(rows: Iterable[Row], _: str, split: str) -> Iterator[ChoiceExample]:
    for row in rows:
        context = row.text("context")
        yield ChoiceExample(
            id=str(row.values["id"]),
            group=first_sentence(context),
            context=f"{context} {row.text('question')}",
            options=tuple(row.text(f"answer{number}") for number in range(4)),
            label=_place(row, 4),
        )


def _hellaswag(rows: Iterable[Row], _: str, split: str) -> Iterator[ChoiceExample]:
    """`label` is text, empty where gold is hidden."""
    places = {"0": 0, "1": 1, "2": 2, "3": 3, "": None}
    for row in rows:
        endings, key = row.values["endings"], str(row.values["label"] or "")
        if key not in places or len(endings) != 4 or not all(endings):
            raise row.fault(
                "expected four texts in 'endings' and 'label' from 0 to 3 or empty, found"
                f" {len(endings)} and '{key}'"
            )
        yield ChoiceExample(
            id=str(row.number),
            group=row.text("source_id"),
            context=f"{row.text('activity_label')}: {row.text('ctx')}",
            options=tuple(endings),
            label=places[key],
        )


def _alternatives(row: Row, split: str, label: int | None) -> ChoiceExample:
    """COPA and XCOPA: the question in words, in English in every language."""
    question, own = row.values["question"], str(row.values["idx"])
    if question not in ("cause", "effect"):
        raise row.fault(f"expected 'question' to be cause or effect, found '{question}'")
    return ChoiceExample(
        id=own,
        group=f"{split}-{own}",
        context=f"{row.text('premise')} What was the {question}?",
        options=(row.text("choice1"), row.text("choice2")),
        label=label,
    )


def _copa(rows: Iterable[Row], _: str, split: str) -> Iterator[ChoiceExample]:
    places = {"choice1": 0, "choice2": 1, None: None}
    yield from (_alternatives(row, split, places[row.values["label"]]) for row in rows)


def _xcopa(rows: Iterable[Row], _: str, split: str) -> Iterator[ChoiceExample]:
    yield from (_alternatives(row, split, _place(row, 2)) for row in rows)


COMMONSENSEQA: Final = HubSource(
    repository="tau/commonsense_qa",
    config=always("default"),
    splits=_SAME,
    columns={
        "id": "text",
        "question": "text",
        "choices": {"label": ["text"], "text": ["text"]},
        "answerKey": "text",
    },
    read=_commonsenseqa,
    schema="commonsense_qa",
)

SOCIALIQA: Final = HubSource(
    repository="allenai/social_i_qa",
    config=always("default"),
    splits={"train": "train", "dev": "validation"},
    columns=dict.fromkeys(
        ("context", "question", "answerA", "answerB", "answerC", "label"), "text"
    ),
    read=_socialiqa,
    schema="social_i_qa",
)

COSMOSQA: Final = HubSource(
    repository="allenai/cosmos_qa",
    config=always("default"),
    splits={"train": "train", "dev": "validation"},
    columns={
        **dict.fromkeys(("id", "context", "question"), "text"),
        **dict.fromkeys((f"answer{number}" for number in range(4)), "text"),
        "label": "integer",
    },
    read=_cosmosqa,
    schema="cosmos_qa",
)

HELLASWAG: Final = HubSource(
    repository="Rowan/hellaswag",
    config=always("default"),
    splits=_SAME,
    columns={
        **dict.fromkeys(("activity_label", "ctx", "source_id", "label"), "text"),
        "endings": ["text"],
    },
    read=_hellaswag,
    schema="hellaswag",
)

_TEXTS: Final = dict.fromkeys(("premise", "choice1", "choice2", "question"), "text")
COPA: Final = HubSource(
    repository="aps/super_glue",
    config=always("copa"),
    splits=_SAME,
    columns={**_TEXTS, "idx": "integer", "label": ("choice1", "choice2")},
    read=_copa,
    schema="super_glue",
)

XCOPA: Final = HubSource(
    repository="cambridgeltl/xcopa",
    config=lambda tag: tag,
    splits={"dev": "validation", "test": "test"},
    columns={**_TEXTS, "idx": "integer", "label": "integer"},
    read=_xcopa,
    schema="xcopa",
)
