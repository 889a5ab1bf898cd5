"""What a score must beat to mean anything: chance, and the best guess that reads no input.

Both are values of the task's headline on its official scale, for the very examples that are
scored. Chance is the task's own figure where it states one, otherwise the expectation of a
uniform guess, or where that has no closed form the score of one guess drawn by a generator that
is seeded with each example's id: the same on every machine. Majority predicts the most frequent
gold label, tag or option for everything (ties: the first in the task's order), for spans the
whole context or no answer, whichever scores higher. None where there is no such baseline.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, TypeAlias

from waystation.examples import (
    ChoicePrediction,
    LabelPrediction,
    SpanPrediction,
    TagsPrediction,
    TextPrediction,
)
from waystation.metrics import measure, total
from waystation.task import Task

Pair: TypeAlias = "tuple[float | None, float | None]"
Value: TypeAlias = Callable[[Sequence[Any]], float]

# Answers of the SQuAD family are mostly this short, in words.
_LONGEST_GUESS: Final = 5


def baselines(task: Task[Any], examples: Sequence[Any], language: str) -> dict[str, float | None]:
    """{"chance": ..., "majority": ...} of the headline."""

    def value(predictions: Sequence[Any]) -> float:
        metric = task.metrics[0]
        sums = total(measure(metric, predictions, examples, language))
        return metric.reduce(sums)[metric.names[0]]

    chance, majority = _OF_KIND[task.kind](task, examples, value)
    return {"chance": chance if task.chance is None else task.chance, "majority": majority}


def _most_frequent(gold: Sequence[str], order: Sequence[str]) -> str:
    counts = Counter(gold)
    return max(sorted(counts), key=lambda label: (counts[label], _before(label, order)))


def _before(label: str, order: Sequence[str]) -> int:
    return -order.index(label) if label in order else -len(order)


def _label_set(task: Task[Any], gold: Sequence[str]) -> list[str]:
    return list(task.labels) or sorted(set(gold))


def _classification(task: Task[Any], examples: Sequence[Any], value: Value) -> Pair:
    gold = [e.label for e in examples]
    best = _most_frequent(gold, task.labels)
    majority = value([LabelPrediction(id=e.id, label=best) for e in examples])
    if task.headline == "accuracy":
        return 100 / len(_label_set(task, gold)), majority
    labels = _label_set(task, gold)
    guesses = [LabelPrediction(id=e.id, label=random.Random(e.id).choice(labels)) for e in examples]
    return value(guesses), majority


def _choice(task: Task[Any], examples: Sequence[Any], value: Value) -> Pair:
    counts = Counter(e.label for e in examples)
    best = max(sorted(counts), key=lambda option: counts[option])
    majority = value([ChoicePrediction(id=e.id, label=best) for e in examples])
    return sum(100 / len(e.options) for e in examples) / len(examples), majority


def _tagging(task: Task[Any], examples: Sequence[Any], value: Value) -> Pair:
    gold = [tag for e in examples for tag in e.tags]
    labels = _label_set(task, gold)
    best = _most_frequent(gold, task.labels)
    guesses = []
    for e in examples:
        draw = random.Random(e.id)
        guesses.append(TagsPrediction(id=e.id, tags=tuple(draw.choices(labels, k=len(e.tags)))))
    majority = value([TagsPrediction(id=e.id, tags=(best,) * len(e.tags)) for e in examples])
    return value(guesses), majority


def _span(task: Task[Any], examples: Sequence[Any], value: Value) -> Pair:
    whole = value([SpanPrediction(id=e.id, text=e.context) for e in examples])
    nothing = value([SpanPrediction(id=e.id, text="") for e in examples])
    guesses = [SpanPrediction(id=e.id, text=_guess(e.context, e.id)) for e in examples]
    return value(guesses), max(whole, nothing)


def _guess(context: str, seed: str) -> str:
    draw = random.Random(seed)
    words = context.split()
    start = draw.randrange(len(words)) if words else 0
    return " ".join(words[start : start + draw.randint(1, _LONGEST_GUESS)])


def _retrieval(task: Task[Any], examples: Sequence[Any], value: Value) -> Pair:
    """Every candidate is right for one query, so that any constant is right once."""
    return 100 / len(examples), 100 / len(examples)


def _query(task: Task[Any], examples: Sequence[Any], value: Value) -> Pair:
    """Pairs that nobody looks for are not found; ranks depend on a pool that is not known here."""
    return (0.0, 0.0) if task.mines else (None, None)


def _regression(task: Task[Any], examples: Sequence[Any], value: Value) -> Pair:
    """A guess without information, or a constant, correlates with nothing."""
    return 0.0, 0.0


def _text(task: Task[Any], examples: Sequence[Any], value: Value) -> Pair:
    best = _most_frequent([e.completion for e in examples], ())
    return None, value([TextPrediction(id=e.id, text=best) for e in examples])


_OF_KIND: Final[Mapping[str, Callable[[Task[Any], Sequence[Any], Value], Pair]]] = {
    "classification": _classification,
    "regression": _regression,
    "choice": _choice,
    "tagging": _tagging,
    "span": _span,
    "bitext": _retrieval,
    "query": _query,
    "text": _text,
    "lm": lambda *_: (None, None),
}
