"""What a study cut from its inputs: read from the steps' `lengths.json`, told where it matters.

Predict and train steps count what their heads left out while encoding, see `heads.pieces.Cuts`.
Steps of older stores have no such file and say nothing. Measures nothing itself.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any, Final, cast

from waystation.plan import Plan
from waystation.store import Store

TOLD: Final = 0.01
"""The share of tokens cut, or of training answers lost, above which a reader is told."""


def cuts(plan: Plan, store: Store) -> tuple[str, ...]:
    """A sentence for each target and each training data set that lost more than TOLD."""
    targets: dict[str, dict[str, Mapping[str, Any]]] = {}
    limits: dict[str, int] = {}
    for route in plan.routes:
        found = _read(store, route.predict)
        if found is not None and _much(found):
            targets.setdefault(route.target, {}).setdefault(route.language, found)
            limits[route.target] = cast("int", plan.steps[route.predict].spec["max_tokens"])
    said = [
        f"{target}: cut at {limits[target]} tokens: {_listed(found)}; raise `max_tokens`."
        for target, found in targets.items()
    ]
    trained: dict[str, Mapping[str, Any]] = {}
    for key, step in plan.steps.items():
        if step.kind == "train":
            own = _read(store, key) or {}
            trained |= {name: one for name, one in own.items() if _much(one)}
    if trained:
        said.append(f"Training data cut by `max_tokens`: {_listed(trained)}.")
    return tuple(said)


def _read(store: Store, key: str) -> Any:
    path = store.folder(key) / "lengths.json"
    if store.state(key) != "done" or not path.exists():
        return None
    return json.loads(path.read_text(encoding="utf-8"))


def share(counts: Mapping[str, Any]) -> float:
    """The share of the tokens that entered no row."""
    return float(counts["tokens_cut"] / max(1, counts["tokens"]))


def _much(counts: Mapping[str, Any]) -> bool:
    return share(counts) > TOLD or counts["answers_lost"] > TOLD * counts["examples"]


def _listed(found: Mapping[str, Mapping[str, Any]]) -> str:
    return ", ".join(f"{name} {' and '.join(_parts(one))}" for name, one in found.items())


def _parts(counts: Mapping[str, Any]) -> Iterable[str]:
    if share(counts) > TOLD:
        inputs = counts["inputs_cut"] / max(1, counts["inputs"])
        yield f"{share(counts):.1%} of tokens ({inputs:.0%} of inputs)"
    if counts["answers_lost"] > TOLD * counts["examples"]:
        yield f"{counts['answers_lost'] / counts['examples']:.1%} of answers"
