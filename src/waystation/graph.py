"""The graph of a study: steps with their keys, the routes that they serve, and models on their way.

What `plan` builds and everything after it reads. A step's key is the hash of its kind, the
version of that kind's algorithm and its `spec`. Nothing here reads files or knows a lock.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar

from waystation.examples import JSON
from waystation.store import step_key

T = TypeVar("T")

# Raise a kind's number whenever its algorithm gives other results for the same spec.
ALGORITHMS: Final = dict.fromkeys(
    ("translate", "train", "select", "average", "predict", "score"), 1
)
TRAINED: Final = ("train", "select", "average")
"""Kinds of step that a model comes from."""


@dataclass(frozen=True, kw_only=True)
class Step:
    """One step. `unit` names the steps that a worker runs together because they share a model."""

    key: str
    kind: str
    label: str
    spec: Mapping[str, JSON] = field(repr=False)
    context: Mapping[str, Any] = field(repr=False)
    inputs: tuple[str, ...] = ()
    unit: str = ""


@dataclass(frozen=True, kw_only=True)
class Route:
    """One way through the study, evaluated on one language."""

    backbone: str
    stop: str
    target: str
    seed: int
    language: str
    score: str
    predict: str
    select: str | None
    data: str
    fine_tuned: bool
    rule: str = ""
    """How its checkpoint was chosen, where that is not the training's own `selection`."""

    @property
    def name(self) -> str:
        """`stop>target@seed`, as ROUTE arguments write it (with the study before a #)."""
        return f"{self.stop}>{self.target}@{self.seed}"


@dataclass(frozen=True, kw_only=True)
class Probe:
    """What is measured of a stop's model after one of its stages; stage 0 is the raw backbone.

    The route's target is the probe's name. A loss needs no gold, so that its predictions are its
    score.
    """

    stage: int
    stages: int
    route: Route


@dataclass(frozen=True)
class Plan:
    """Steps by key, parents before children, and the routes they serve.

    `selections` are routes whose checkpoint was chosen in another way, for comparison.
    """

    steps: dict[str, Step]
    routes: tuple[Route, ...]
    selections: tuple[Route, ...] = ()
    probes: tuple[Probe, ...] = ()

    def needed(self, done: Mapping[str, bool], weights: bool = False) -> list[str]:
        """The keys that must run, in order: missing results and the missing inputs they need.

        `weights` asks for every checkpoint too, those that gc deleted included.
        """
        wanted: set[str] = set()
        ends = self.ends()
        if weights:
            ends += [k for k, s in self.steps.items() if s.kind in TRAINED]
        stack = [end for end in ends if not done.get(end)]
        while stack:
            key = stack.pop()
            if key not in wanted:
                wanted.add(key)
                stack += [i for i in self.steps[key].inputs if not done.get(i)]
        return [key for key in self.steps if key in wanted]

    def ends(self) -> list[str]:
        """The score steps that everything else is for."""
        routes = (*self.routes, *self.selections, *(p.route for p in self.probes))
        return [route.score for route in routes]

    def serving(self, ends: Iterable[tuple[str, T]]) -> dict[str, set[T]]:
        """What each step is for: what is said of the ends, handed to all that they stand on."""
        found: dict[str, set[T]] = {key: set() for key in self.steps}
        for end, what in ends:
            found[end].add(what)
        for key in reversed(self.steps):  # children before parents
            for parent in self.steps[key].inputs:
                found[parent] |= found[key]
        return found

    def ancestors(self, key: str) -> tuple[str, ...]:
        """Everything a step stands on, in order."""
        found: set[str] = set()
        stack = list(self.steps[key].inputs)
        while stack:
            parent = stack.pop()
            if parent not in found:
                found.add(parent)
                stack += self.steps[parent].inputs
        return tuple(k for k in self.steps if k in found)


@dataclass(frozen=True)
class Model:
    """A model on its way: the raw backbone, or what a stage hands on.

    `parent` names its checkpoint: the step that holds it, or the sweep that knows which, and the
    step that picked it. An average is both. `inputs` are all the steps it takes to load it.
    """

    backbone: str
    digest: str
    train: str | None = None
    select: str | None = None
    run: str | None = None
    """The training it was chosen from: a train step, or the select step of a sweep."""
    trains: tuple[str, ...] = ()
    """The train steps of that training; of a sweep, one for each value."""
    rule: str = ""
    """How it was chosen, where that is not the training's own `selection`."""

    @property
    def parent(self) -> JSON:
        return None if self.train is None else [self.train, self.select]

    @property
    def inputs(self) -> tuple[str, ...]:
        held = () if self.train == self.select != self.run else self.trains
        return tuple(dict.fromkeys(k for k in (*held, self.train, self.select) if k))

    @property
    def unit(self) -> str:
        return self.train or f"raw-{self.digest[:12]}"


def add(
    steps: dict[str, Step],
    kind: str,
    spec: dict[str, JSON],
    *,
    label: str,
    inputs: tuple[str, ...] = (),
    context: Mapping[str, Any] | None = None,
    unit: str = "",
) -> str:
    """The key of a step, which is added where it is new. `unit` is its own unless it is given."""
    key = step_key(kind, ALGORITHMS[kind], spec)
    if key not in steps:
        steps[key] = Step(
            key=key,
            kind=kind,
            label=label,
            spec=spec,
            context=context or {},
            inputs=inputs,
            unit=unit or key,
        )
    return key
