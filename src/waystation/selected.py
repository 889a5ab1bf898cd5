"""What other choices of checkpoint came to, and what each sweep compared, for reports.

Beside the headline scores of a study, which these never touch. Reads select and score steps that
are finished; what is missing or failed is left out here and listed with the steps.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from waystation.graph import Plan, Route
from waystation.store import Store

if TYPE_CHECKING:
    from waystation.results import Score


@dataclass(frozen=True, kw_only=True)
class Selected:
    """The score of a route whose checkpoint was chosen by `rule`.

    `own` marks the training's own selection, whose score is also a headline. `step` is the
    optimiser step of the checkpoint, None for a mean of several. What was averaged over seeds
    has the first seed's number.
    """

    rule: str
    own: bool
    step: int | None
    score: Score


@dataclass(frozen=True, kw_only=True)
class Sweep:
    """The learning rates of one training with their best dev scores, in the study's order."""

    key: str
    label: str
    values: tuple[tuple[float, float], ...]
    chosen: float

    @property
    def training(self) -> str:
        """Which training it is of: `snli>xnli@0`."""
        return self.label.removeprefix("select ").removesuffix(" (learning rate)")

    @property
    def at_edge(self) -> bool:
        """Whether the best value is the lowest or the highest, so that a better may lie outside."""
        rates = [rate for rate, _ in self.values]
        return self.chosen in (min(rates), max(rates))


def selected(
    lock: Mapping[str, Any],
    plan: Plan,
    store: Store,
    scores_of: Callable[[Route], Iterator[Score]],
) -> tuple[Selected, ...]:
    """All choices of the targets that compare some, each target's own first."""
    own = {
        target["name"]: target["stages"][-1]["config"]["selection"]
        for target in lock["targets"]
        if target.get("selections")
    }
    found = []
    for route in (*(r for r in plan.routes if r.target in own), *plan.selections):
        if store.state(route.score) == "done":
            picked = cast("Any", store.read_json(cast("str", route.select), "select.json"))
            found += [
                Selected(
                    rule=route.rule or own[route.target],
                    own=not route.rule,
                    step=picked.get("step"),
                    score=score,
                )
                for score in scores_of(route)
            ]
    return tuple(found)


def sweeps(plan: Plan, store: Store) -> tuple[Sweep, ...]:
    """Every finished sweep of a plan."""
    found = []
    for key, step in plan.steps.items():
        if step.kind == "select" and "runs" in step.spec and store.state(key) == "done":
            picked = cast("Any", store.read_json(key, "select.json"))
            found.append(
                Sweep(
                    key=key,
                    label=step.label,
                    values=tuple((v["learning_rate"], v["score"]) for v in picked["values"]),
                    chosen=picked["learning_rate"],
                )
            )
    return tuple(found)


def edges(sweeps: Sequence[Sweep]) -> tuple[str, ...]:
    """A warning for each training whose best value is the first or last of its list."""
    found: dict[tuple[str, float, str], list[str]] = {}
    for sweep in (s for s in sweeps if s.at_edge):
        name, _, seed = sweep.training.rpartition("@")
        side = "lowest" if sweep.chosen == min(r for r, _ in sweep.values) else "highest"
        found.setdefault((name, sweep.chosen, side), []).append(seed)
    return tuple(
        f"{name}: the best of `learning_rates` is the {side} that was tried, {rate:g}"
        f" (seed{'s' * (len(seeds) > 1)} {', '.join(seeds)}); a better one may lie beyond it."
        for (name, rate, side), seeds in found.items()
    )
