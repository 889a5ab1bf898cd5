"""`score`: predictions matched to examples by id, checked, measured, and put beside baselines."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

import numpy as np

from waystation.errors import UserError, some, suggest
from waystation.examples import (
    GOLD,
    JSON,
    KINDS,
    ChoicePrediction,
    LabelPrediction,
    Neighbours,
    RetrievalPrediction,
    TagsPrediction,
)
from waystation.metrics import Metric, Statistics, measure, total
from waystation.metrics.retrieval import threshold_of
from waystation.score.baselines import baselines
from waystation.task import Task

Scored = tuple[Sequence[Any], Sequence[Any]]
"""Predictions and examples."""


def score(
    task: Task[Any],
    predictions: Sequence[Any],
    examples: Sequence[Any],
    language: str,
    tuning: Scored | None = None,
) -> dict[str, JSON]:
    """Scores of one language, as plain JSON; see the fields of the returned value below.

    `variants` has one entry, "", or for retrieval one per layer, pooling and scoring; in it, one
    entry per metric, named by the metric's headline, with the names and columns of its
    statistics. Mined pairs are scored from the threshold up that is best on `tuning`, the
    predictions and examples of the task's tune split; beside it stands, as `oracle_f1`, what the
    threshold that is best on the scored pairs themselves would give. Raises UserError where ids
    do not match one to one or a prediction is outside its label set.
    """
    aligned, found = _checked(task, predictions, examples, language)
    if task.mines:
        variants, thresholds = _mined(task, aligned, examples, language, tuning)
        found |= {"thresholds": thresholds} if thresholds else {}
    else:
        variants = {
            name: {m.names[0]: _measured(m, items, examples, language) for m in task.metrics}
            for name, items in _variants(aligned).items()
        }
    return found | {
        "variants": cast("JSON", variants),
        "baselines": cast("JSON", baselines(task, examples, language)),
    }


def unscored(
    task: Task[Any],
    predictions: Sequence[Any],
    examples: Sequence[Any],
    language: str,
    tuning: Scored | None = None,
) -> dict[str, JSON]:
    """What `score` returns where gold is hidden: checked predictions, no variant of a score.

    Mined pairs have the thresholds of the tune split, at which a submission cuts them.
    """
    _, found = _checked(task, predictions, examples, language)
    if task.mines and tuning is not None:
        tuned = _variants(_align(task, *tuning))
        found["thresholds"] = {
            name: {"threshold": _threshold(items, tuning[1])} for name, items in tuned.items()
        }
    return found | {"variants": {}, "baselines": {}}


def is_hidden(task: Task[Any], examples: Sequence[Any]) -> bool:
    """Whether none of the examples has gold, as in the test files of benchmarks."""
    return all(getattr(example, GOLD[task.kind]) is None for example in examples)


def _checked(
    task: Task[Any], predictions: Sequence[Any], examples: Sequence[Any], language: str
) -> tuple[list[Any], dict[str, JSON]]:
    """The predictions in the order of the examples, and what a result says of the examples."""
    if not examples:
        raise UserError(f"expected examples of {task.name} in '{language}', found none to score.")
    aligned = _align(task, predictions, examples)
    for prediction, example in zip(aligned, examples, strict=True):
        _check(task, prediction, example)
    return aligned, {
        "task": task.name,
        "version": task.version,
        "language": language,
        "count": len(examples),
        "ids": [e.id for e in examples],
        "groups": [e.id if e.group is None else e.group for e in examples],
    }


def _mined(
    task: Task[Any],
    predictions: Sequence[Any],
    examples: Sequence[Any],
    language: str,
    tuning: Scored | None,
) -> tuple[dict[str, dict[str, JSON]], dict[str, JSON]]:
    """The variants of mined pairs, and the thresholds that they were cut at.

    Pairs that carry no scores were cut already, as those of an official prediction file are; with
    a tune split at hand, none with a score means that none was mined.
    """
    metric = task.metrics[0]
    found = _variants(predictions)
    if tuning is None and not any(n.forward_scores for items in found.values() for n in items):
        plain = {
            name: {metric.names[0]: _measured(metric, items, examples, language)}
            for name, items in found.items()
        }
        return plain, {}
    tuned = {} if tuning is None else _variants(_align(task, *tuning))
    variants: dict[str, dict[str, JSON]] = {}
    thresholds: dict[str, JSON] = {}
    for name, items in found.items():
        oracle = threshold = _threshold(items, examples)
        variants[name] = {}
        if tuning is not None:
            if name not in tuned:
                raise UserError(
                    f"expected predictions of {task.name}'s {task.tune_split} split for variant"
                    f" {name}, found {', '.join(tuned)}; predict both splits alike."
                )
            threshold = _threshold(tuned[name], tuning[1])
            own = _measured(metric, cut(items, threshold), examples, language)
            variants[name][metric.names[0]] = own
        best = _measured(metric, cut(items, oracle), examples, language)
        thresholds[name] = {"threshold": threshold, "oracle": oracle}
        renamed = {f"oracle_{k}": v for k, v in cast("Any", best)["values"].items()}
        best = cast("Any", best) | {"names": list(renamed), "values": renamed}
        variants[name][f"oracle_{metric.names[0]}"] = best
    return variants, thresholds


def _threshold(items: Sequence[Neighbours], examples: Sequence[Any]) -> float:
    """The score from which on the pairs of these examples have the best F1.

    Pairs come in the order of the queries. The official script has them in the order in which it
    mined them, which among equal scores is that of an unstable sort, hence nobody's; and order
    matters among equal scores only, see `threshold_of`.
    """
    scored = [
        (n.forward_scores[0], n.forward[0] in example.relevant)
        for n, example in zip(items, examples, strict=True)
        if n.forward
    ]
    return threshold_of(scored, sum(len(example.relevant) for example in examples))


def cut(items: Sequence[Neighbours], threshold: float) -> list[Neighbours]:
    """Neighbours without the pairs below the threshold; equal scores stay."""
    empty = Neighbours(forward=(), forward_scores=())
    return [n if n.forward and n.forward_scores[0] >= threshold else empty for n in items]


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
            f"expected one of {task.name}'s labels {some(task.labels, 24)} for example"
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
