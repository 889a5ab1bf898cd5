"""Options of the heads that a stage trains, by kind, with the values that they may have.

A head's options are texts in its spec (and so in keys); a study file may write numbers. Values
that are the default are left out, so that saying them changes no key. No data is read.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Annotated, Any, Final

from pydantic import Field

from waystation.document import Item
from waystation.study_parts import one_of
from waystation.task import Task

WORDS: Final[Mapping[str, Mapping[str, tuple[str, ...]]]] = {
    "tagging": {"first_piece": ("first", "non-empty"), "windows": ("shared", "official")},
    "span": {"windows": ("shared", "official")},
}
"""Options whose values are words; a target has them too."""
_RANKED: Final = {"pooling": ("mean", "cls", "words")}
_RANKING: Final[Mapping[str, tuple[Any, float]]] = {
    "margin": (Annotated[float, Field(ge=0, le=1)], 0.0),
    "scale": (Annotated[float, Field(gt=0, le=1000)], 100.0),
    "hard_negatives": (Annotated[int, Field(ge=0, le=50)], 0),
}
"""Number options of a head that ranks, with type and default, see `heads/ranking.py`."""
RANKED: Final = ("bitext", "query")


def head_options(item: Item, task: Task[Any]) -> dict[str, str] | None:
    """The options that a stage trains a task's head with; None after a fault."""
    ranked = task.kind in RANKED
    words = _RANKED if ranked else WORDS.get(task.kind, {})
    numbers = _RANKING if ranked else {}
    if not words:
        item.fault(f"no options, since a {task.kind} head has none")
        return None
    before = len(item.faults)
    values: dict[str, str] = {}
    for name, value in item.fields((*numbers, *words)).items():
        if name in words:
            word = one_of(value, words[name])
            if word is not None and not (ranked and word == words[name][0]):
                values[name] = word
            continue
        type_, default = numbers[name]
        number = _number(value).value(type_)
        if number is not None and number != default:
            values[name] = f"{number:g}"
    return values if len(item.faults) == before else None


def _number(item: Item) -> Item:
    """A number that stands in quotes as the number; anything else as it is."""
    text = item.content
    if not isinstance(text, str):
        return item
    for type_ in (int, float):
        try:
            return replace(item, content=type_(text))
        except ValueError:
            continue
    return item
