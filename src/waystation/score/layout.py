"""Predictions and gold written as the official files that `official.py` reads.

Layouts: google-research/xtreme@838c13b, `evaluate.py` and README; the order of Tatoeba's English
sentences is that of its `utils_preprocess.py`, and positions count from 0. Not all of a task's
gold fits: spans keep text and offset of their answers only.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final

from waystation.task import Task

DEPTH: Final = 20
"""Candidates per query, as many as mAP@20 looks at."""


def predicted(task: Task[Any], examples: Sequence[Any], found: Sequence[Any]) -> str:
    """The prediction file of one language; `found` is aligned with the examples.

    Retrieval takes one variant's neighbours, mined pairs those that the threshold has left.
    """
    if task.kind == "bitext":
        position = {example.id: number for number, example in enumerate(examples)}
        return _lines(position[found[n].backward[0]] for n in _english_order(examples))
    if task.kind == "query":
        pairs = zip(examples, found, strict=True)
        if task.mines:
            return _pairs((e.id, near.forward) for e, near in pairs)
        return _object({e.id: list(near.forward[:DEPTH]) for e, near in pairs})
    return _PREDICTED[task.kind](found)


def gold(task: Task[Any], examples: Sequence[Any]) -> str:
    """The gold file of one language."""
    if task.kind == "bitext":
        return _lines(_english_order(examples))
    if task.kind == "query":
        if task.mines:
            return _pairs((e.id, e.relevant) for e in examples)
        return _object({e.id: list(e.relevant) for e in examples})
    return _squad(examples) if task.kind == "span" else _PREDICTED[task.kind](examples)


def _english_order(examples: Sequence[Any]) -> list[int]:
    return sorted(range(len(examples)), key=lambda n: examples[n].target.strip())


def _lines(rows: Iterable[object]) -> str:
    return "".join(f"{row}\n" for row in rows)


def _pairs(found: Iterable[tuple[str, Sequence[str]]]) -> str:
    return _lines(f"{source}\t{target}" for source, targets in found for target in targets)


def _object(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, indent=0) + "\n"


def _squad(examples: Sequence[Any]) -> str:
    """Consecutive questions on one context are one paragraph."""
    paragraphs: list[dict[str, Any]] = []
    for example in examples:
        if not paragraphs or paragraphs[-1]["context"] != example.context:
            paragraphs.append({"context": example.context, "qas": []})
        answers = [{"text": a.text, "answer_start": a.start} for a in example.answers]
        asked = {"id": example.id, "question": example.question, "answers": answers}
        paragraphs[-1]["qas"].append(asked)
    return _object({"version": "1.1", "data": [{"title": "", "paragraphs": paragraphs}]})


_PREDICTED: Final[Mapping[str, Callable[[Sequence[Any]], str]]] = {
    "classification": lambda found: _lines(p.label for p in found),
    "choice": lambda found: _lines(json.dumps({"label": p.label}) for p in found),
    "tagging": lambda found: _lines(_lines(p.tags) for p in found),
    "span": lambda found: _object({p.id: p.text for p in found}),
}
