"""Forgetting probes: what is measured of a stop's model to see what its training cost.

Retrieval of translations among parallel sentences, which needs no head, and the loss of the
language model's own output layer, where the checkpoint ships one: an untrained layer would
measure nothing but itself. Both are predict steps like any target's, so that equal ones are
shared. They are pinned here for the lock, planned in `plan.py`, gathered in `results.py`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from waystation.examples import JSON
from waystation.study import Probes, Target

RETRIEVAL: Final = "retrieval"
LOSS: Final = "loss"
ENGLISH: Final = "en"


def pinned(probes: Probes, target_of: Callable[[Target], JSON]) -> JSON:
    """The lock's part: probes as targets that nothing is fine-tuned for."""
    tags = tuple(tag for tag in probes.languages if tag != ENGLISH)
    retrieval = Target(
        name=RETRIEVAL,
        task=probes.parallel,
        languages=tags,
        examples=probes.examples,
        fine_tuned=False,
        layers=probes.layers,
    )
    return {"measured": [target_of(retrieval)], "unmeasured": {}}
