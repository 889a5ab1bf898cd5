"""Selecting: which numbered checkpoint of a training is handed on, and which value won a sweep.

`source-dev` takes the best score on the dev sets of the stage's own (English) tasks, the mean of
their headlines; the earlier one wins a tie. `last` takes the last. English dev is a weak guide
for other languages (Keung et al. 2020, arXiv 2004.15001), so reports name the rule. `oracle-dev`
takes the best on the target language's own dev split, which zero-shot transfer cannot have: for
comparison only. A sweep compares all checkpoints of all its values by source dev. No torch.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from waystation.errors import StepFailed
from waystation.examples import JSON


def choose(evaluations: Sequence[Mapping[str, Any]], rule: str) -> dict[str, JSON]:
    """The chosen row of `evaluations.json` with the rule that was applied.

    Without any dev score `source-dev` has nothing to go by: that is an error unless there is
    only one checkpoint to choose.
    """
    if not evaluations:
        raise StepFailed("expected at least one checkpoint to select from, found none.")
    chosen = evaluations[-1]
    if rule != "last" and len(evaluations) > 1:
        chosen = _best(evaluations)
    return {
        "checkpoint": chosen["checkpoint"],
        "score": chosen["score"],
        "step": chosen["step"],
        "rule": rule,
    }


def sweep(runs: Sequence[tuple[float, str, Sequence[Mapping[str, Any]]]]) -> dict[str, JSON]:
    """The best checkpoint of all values; `runs` are (learning rate, train step, evaluations).

    The earlier value wins a tie. `train` is the step that holds the checkpoint, `values` has
    the best checkpoint of every value, in the order of the list.
    """
    values: list[dict[str, JSON]] = []
    for rate, train, evaluations in runs:
        best = _best(evaluations)
        own: dict[str, JSON] = {"learning_rate": rate, "train": train}
        values.append(own | {name: best[name] for name in ("checkpoint", "score", "step")})
    won = max(values, key=lambda v: float(str(v["score"])))
    return won | {"rule": "source-dev", "values": [dict(value) for value in values]}


def last(evaluations: Sequence[Mapping[str, Any]], count: int) -> list[str]:
    """The names of the last `count` checkpoints, which must be there."""
    if len(evaluations) < count:
        raise StepFailed(
            f"expected {count} checkpoints to average, found {len(evaluations)}, where training"
            " stopped early; raise `patience` or average fewer."
        )
    return [str(e["checkpoint"]) for e in evaluations[-count:]]


def _best(evaluations: Sequence[Mapping[str, Any]]) -> Mapping[str, Any]:
    """The row with the best dev score, the earlier one where several have it."""
    if any(e["score"] is None for e in evaluations):
        raise StepFailed(
            "expected a dev score for each checkpoint, found none; give the stage's tasks a"
            " dev split or set `selection: last`."
        )
    return max(evaluations, key=lambda e: (e["score"], -e["step"]))
