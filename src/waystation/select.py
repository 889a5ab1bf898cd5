"""Selecting: which numbered checkpoint of a training step is handed on.

`source-dev` takes the best score on the dev sets of the stage's own (English) tasks, the mean of
their headlines; the earlier one wins a tie. `last` takes the last. English dev is a weak guide
for other languages (Keung et al. 2020), so reports name the rule. No torch.
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
    if rule == "source-dev" and len(evaluations) > 1:
        if any(e["score"] is None for e in evaluations):
            raise StepFailed(
                "expected a dev score for each checkpoint, found none; give the stage's tasks a"
                " dev split or set `selection: last`."
            )
        chosen = max(evaluations, key=lambda e: (e["score"], -e["step"]))
    return {
        "checkpoint": chosen["checkpoint"],
        "score": chosen["score"],
        "step": chosen["step"],
        "rule": rule,
    }
