"""Whether a training taught its task anything: its loss and dev score against those of guessing.

Guessing is the better of chance and the most frequent label; what it pays in loss is what a model
pays that knows the labels' frequencies alone. A training collapsed where its loss at the end is
still that and its dev score not above guessing by more than noise, or where its dev score is not
above guessing at all. A mixture has one loss for all its tasks, so that dev alone speaks of each.
Reads what train steps left behind; what a stop does to a target is the report's to say. No torch.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, cast

from waystation.lock import task_of
from waystation.plan import Step
from waystation.score.baselines import baselines
from waystation.store import Store
from waystation.task import Task

AT_CHANCE: Final = 0.98
"""A loss above this share of what guessing pays has learned nothing worth the name."""
LAST: Final = 0.1
"""The share of a curve that is its end."""
ENOUGH: Final = 50
"""Dev examples below which a dev score alone says nothing."""
ONE_SIDED: Final = 1.645
"""Standard errors that a score must be above a floor to be clearly so (5%, one side)."""

Dev = Sequence[tuple[int, Mapping[str, float]]]
Curve = Sequence[tuple[int, float, float]]


@dataclass
class Collapses:
    """Looks at train steps one by one; remembers what guessing comes to on each dev set."""

    store: Store
    beside: Path
    _guesses: dict[str, tuple[float, float, int] | None] = field(default_factory=dict)

    def of(self, step: Step, curve: Curve, dev: Dev) -> tuple[str, ...]:
        """What says that a training taught a task nothing: a clause for each such task."""
        members = cast("Any", step.spec["members"])
        alone = len(members) == 1 and "mlm" not in step.spec
        found: list[str] = []
        for member, ref, label in zip(members, step.context["refs"], _labels(members), strict=True):
            guess = self._guess(member, ref, int(cast("Any", step.spec)["config"]["batch_size"]))
            scores = [values[label] for _, values in dev if label in values]
            if guess is not None:
                said = verdict(guess, scores, end_of(curve) if alone else None)
                found += [f"{label}: {said}"] if said else []
        return tuple(found)

    def _guess(
        self, member: Mapping[str, Any], ref: Mapping[str, Any], batch: int
    ) -> tuple[float, float, int] | None:
        """(dev headline of guessing, its loss, dev examples); None where nothing is known."""
        digest = member["dev"]
        if digest is None or not self.store.has_data(digest):
            return None
        name = f"{digest} {member['task']} {batch}"
        if name not in self._guesses:
            task = task_of(ref, self.beside)
            examples = self.store.data(digest, task.example)
            known = [v for v in baselines(task, examples, member["language"]).values() if v]
            self._guesses[name] = (
                max(known, default=0.0),
                loss_of_guessing(task, examples, batch),
                len(examples),
            )
        return self._guesses[name]


def verdict(guess: tuple[float, float, int], scores: Sequence[float], loss: float | None) -> str:
    """Why a training taught nothing; "" where it taught something or nothing can be said."""
    floor, paid, examples = guess
    best = max(scores, default=None)
    margin = ONE_SIDED * math.sqrt(max(floor * (100 - floor), 0.0) / examples)
    if best is not None and best > floor + margin:
        return ""
    said = []
    if loss is not None and math.isfinite(paid) and loss >= AT_CHANCE * paid:
        said.append(f"its loss ended at {loss:.3f}, where guessing pays {paid:.3f}")
        clearly = "clearly "
    elif best is None or best > floor or examples < ENOUGH:
        return ""
    else:
        clearly = ""
    if best is not None:
        above = f"not {clearly}above guessing ({floor:.1f})"
        said.append(f"{best:.1f} on {examples} dev examples is {above}")
    return ", and ".join(said)


def end_of(curve: Curve) -> float | None:
    """The mean loss over the last tenth of a curve; None without one."""
    last = curve[-max(1, round(LAST * len(curve))) :] if curve else ()
    return math.fsum(loss for _, loss, _ in last) / len(last) if last else None


def loss_of_guessing(task: Task[Any], examples: Sequence[Any], batch: int) -> float:
    """What a model pays per item that knows how frequent each label is; inf where unknown."""
    if task.kind == "classification":
        return _entropy([e.label for e in examples])
    if task.kind == "tagging":
        return _entropy([tag for e in examples for tag in e.tags])
    if task.kind == "choice":
        return math.fsum(math.log(len(e.options)) for e in examples) / len(examples)
    if task.kind == "regression":
        mean = math.fsum(e.value for e in examples) / len(examples)
        return math.fsum((e.value - mean) ** 2 for e in examples) / len(examples)
    if task.kind in ("bitext", "query"):
        return math.log(batch)
    return math.inf


def _entropy(labels: Sequence[str]) -> float:
    counts = Counter(labels)
    shares = [counts[label] / len(labels) for label in sorted(counts)]
    return -math.fsum(p * math.log(p) for p in shares)


def _labels(members: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """What evaluations call the members, see `encoded.encode`."""
    taken: list[str] = []
    for member in members:
        name = member["task"]
        taken.append(name if name not in taken else f"{name}#{len(taken)}")
        yield taken[-1]
