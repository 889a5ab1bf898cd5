"""`score`: predictions matched to examples by id, checked, measured, and put beside baselines."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

import numpy as np

from waystation.errors import UserError, suggest
from waystation.examples import (
    JSON,
    KINDS,
    ChoicePrediction,
    LabelPrediction,
    RetrievalPrediction,
    TagsPrediction,
)
from waystation.metrics import Metric, Statistics, measure, total
from waystation.score.baselines import baselines
from waystation.task import Task


def score(
    task: Task[Any], predictions: Sequence[Any], examples: Sequence[Any], language: str
) -> dict[str, JSON]:
    """Scores of one language, as plain JSON; see the fields of the returned value below.

    `variants` has one entry, "", or for retrieval one per layer and pooling; in it, one entry
    per metric, named by the metric's headline, with the names and columns of its statistics.
    Raises UserError where ids do not match one to one or a prediction is outside its label set.
    """
    if not examples:
        raise UserError(f"expected examples of {task.name} in '{language}', found none to score.")
    aligned = _align(task, predictions, examples)
    for prediction, example in zip(aligned, examples, strict=True):
        _check(task, prediction, example)
    return {
        "task": task.name,
        "version": task.version,
        "language": language,
        "count": len(examples),
        "ids": [e.id for e in examples],
        "groups": [e.id if e.group is None else e.group for e in examples],
        "variants": {
            name: {
                metric.names[0]: _measured(metric, items, examples, language)
                for metric in task.metrics
            }
            for name, items in _variants(aligned).items()
        },
        "baselines": cast("JSON", baselines(task, examples, language)),
    }


def _measured(
    metric: Metric[Any, Any], predictions: Sequence[Any], examples: Sequence[Any], language: str
) -> JSON:
    statistics: Statistics = np.atleast_2d(measure(metric, predictions, examples, language))
    return {
        "names": list(metric.names),
        "statistics": cast("JSON", statistics.tolist()),
        "values": cast("JSON", metric.reduce(total(statistics))),
    }


def _align(task: Task[Any], predictions: Sequence[Any], examples: Sequence[Any]) -> list[Any]:
    """The predictions in the order of the examples."""
    type_: Any = KINDS[task.kind][1]
    wanted: dict[str, None] = {}
    for example in examples:
        if example.id in wanted:
            raise UserError(
                f"expected every example of {task.name} to have its own id, found"
                f" '{example.id}' twice; give each example one id."
            )
        wanted[example.id] = None
    by_id: dict[str, Any] = {}
    for prediction in predictions:
        if not isinstance(prediction, type_):
            raise UserError(
                f"expected predictions of the kind {task.kind} ({type_.__name__}) for"
                f" {task.name}, found a {type(prediction).__name__}."
            )
        if prediction.id not in wanted:
            raise UserError(
                f"expected predictions for the examples of {task.name}, found one for the unknown"
                f" id '{prediction.id}'; predict the same split."
            )
        if prediction.id in by_id:
            raise UserError(
                f"expected one prediction per example, found two for id '{prediction.id}';"
                " remove one."
            )
        by_id[prediction.id] = prediction
    missing = [name for name in wanted if name not in by_id]
    if missing:
        raise UserError(
            f"expected {len(wanted)} predictions, one per example, found {len(by_id)}: id"
            f" '{missing[0]}' is the first without one; predict the whole split."
        )
    return [by_id[name] for name in wanted]


def _check(task: Task[Any], prediction: Any, example: Any) -> None:
    """Refuses what no metric could ever count as right."""
    if isinstance(prediction, ChoicePrediction):
        if not 0 <= prediction.label < len(example.options):
            raise UserError(
                f"expected an option from 0 to {len(example.options) - 1} for example"
                f" '{example.id}', found {prediction.label}; options are counted from 0."
            )
        return
    labels: tuple[str, ...] = ()
    if isinstance(prediction, LabelPrediction):
        labels = (prediction.label,)
    elif isinstance(prediction, TagsPrediction):
        labels = prediction.tags
    unknown = [label for label in labels if task.labels and label not in task.labels]
    if unknown:
        raise UserError(
            f"expected one of {task.name}'s labels {', '.join(task.labels)} for example"
            f" '{example.id}', found '{unknown[0]}'.{suggest(unknown[0], task.labels)}"
        )


def _variants(predictions: Sequence[Any]) -> dict[str, list[Any]]:
    """Variant -> what its metric takes: the predictions themselves, or one set of neighbours."""
    if not isinstance(predictions[0], RetrievalPrediction):
        return {"": list(predictions)}
    names = list(predictions[0].variants)
    for prediction in predictions:
        if list(prediction.variants) != names or not names:
            raise UserError(
                f"expected the variants {', '.join(names) or '(at least one)'} for every example,"
                f" found {', '.join(prediction.variants) or 'none'} for '{prediction.id}'."
            )
    return {name: [p.variants[name] for p in predictions] for name in names}
