"""Which steps choose and average checkpoints: the part of planning that follows a training.

A *run* is one training: a train step, or several of them, one for each learning rate of a sweep,
with the select step that finds the best value. What a run hands on, and what else a target wants
to compare, is picked from its numbered checkpoints by further steps, so that every rule is judged
on the same training. Nothing here reads files.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, cast

from waystation.examples import JSON
from waystation.graph import Model, Route, Step, add

SEEDS: Final = "average-seeds"
ORACLE: Final = "oracle-dev"


@dataclass(frozen=True, kw_only=True)
class Growth:
    """Where steps are added, and what every step of one backbone carries along.

    `shown` is what a label says of the model: `snli>xnli`, with the seed.
    """

    steps: dict[str, Step]
    context: Mapping[str, Any]
    shown: str


def last_of(rule: str) -> int:
    """How many checkpoints a rule averages; 1 for those that pick one."""
    _, _, count = rule.partition("average-")
    return int(count) if count.isdigit() else 1


def handed_on(growth: Growth, model: Model, trains: Mapping[float, str], rule: str) -> Model:
    """What a stage hands on; `trains` has its train step for every learning rate."""
    keys = tuple(trains.values())
    run = keys[0]
    if len(keys) > 1:
        spec: dict[str, JSON] = {"runs": [[r, k] for r, k in trains.items()], "rule": "source-dev"}
        label = f"select {growth.shown} (learning rate)"
        run = add(growth.steps, "select", spec, inputs=keys, label=label)
    return chosen(growth, replace(model, run=run, trains=keys), rule)


def chosen(growth: Growth, model: Model, rule: str) -> Model:
    """The model that a rule makes of a run's checkpoints."""
    run = cast("str", model.run)
    rule = "last" if rule == "average-1" else rule
    shown = f"{growth.shown} ({rule})"
    if last_of(rule) > 1:
        spec: dict[str, JSON] = {"backbone": model.digest, "run": run, "last": last_of(rule)}
        inputs = tuple(dict.fromkeys((*model.trains, run)))
        return _averaged(growth, model, spec, inputs, shown)
    if rule == "source-dev" and run not in model.trains:  # what a sweep has picked already
        return replace(model, train=run, select=run)
    select = add(
        growth.steps,
        "select",
        {"train": run, "rule": rule},
        inputs=tuple(dict.fromkeys((*model.trains, run))),
        label=f"select {shown}",
        unit=run,
    )
    return replace(model, train=run, select=select)


def over_seeds(growth: Growth, models: Sequence[Model]) -> Model:
    """The mean of what each seed's training hands on."""
    spec: dict[str, JSON] = {
        "backbone": models[0].digest,
        "models": [model.parent for model in models],
    }
    inputs = tuple(dict.fromkeys(key for model in models for key in model.inputs))
    return _averaged(growth, models[0], spec, inputs, f"{growth.shown} ({SEEDS})")


def _averaged(
    growth: Growth, model: Model, spec: dict[str, JSON], inputs: tuple[str, ...], shown: str
) -> Model:
    key = add(
        growth.steps,
        "average",
        spec,
        context=growth.context,
        inputs=inputs,
        label=f"average {shown}",
    )
    return replace(model, train=key, select=key)


def oracle(
    growth: Growth, model: Model, dev: dict[str, JSON], task: Mapping[str, JSON], ref: JSON
) -> Model:
    """The model that is best on a language's own dev split.

    `dev` is the predict spec of that split's examples, `task` what a score step says of them.
    """
    run = cast("str", model.run)
    trains = tuple(dict.fromkeys((*model.trains, run)))
    shown = f"{growth.shown} {task['language']}"
    predict = add(
        growth.steps,
        "predict",
        dev | {"model": [run], "checkpoints": "all"},
        context=growth.context,
        inputs=trains,
        label=f"predict {shown} dev (every checkpoint)",
        unit=run,
    )
    score = add(
        growth.steps,
        "score",
        {"predict": predict, "checkpoints": "all", **task},
        context={"ref": ref},
        inputs=(predict,),
        label=f"score {shown} dev (every checkpoint)",
        unit=run,
    )
    select = add(
        growth.steps,
        "select",
        {"train": run, "rule": ORACLE, "score": score},
        inputs=(*trains, score),
        label=f"select {shown} ({ORACLE})",
        unit=run,
    )
    return replace(model, train=run, select=select)


def link(steps: dict[str, Step], routes: Sequence[Route], selections: Sequence[Route]) -> None:
    """Tell predict steps of one training and language of each other.

    Rules often agree on a checkpoint. Which do is known only when they run, so that the keys
    differ; a step whose twin has predicted with the same checkpoint takes over its result.
    """
    alike: dict[str, list[list[str]]] = {}
    for route in (*routes, *selections):
        spec = cast("Any", steps[route.predict].spec)
        pair = [spec["model"][1], route.predict] if spec["model"] else []
        known = alike.setdefault(_likeness(steps[route.predict]), [])
        if pair and pair not in known:
            known.append(pair)
    for key in dict.fromkeys(route.predict for route in selections):
        twins = [pair for pair in alike[_likeness(steps[key])] if pair[1] != key]
        steps[key] = replace(steps[key], context=dict(steps[key].context) | {"twins": twins})


def _likeness(step: Step) -> str:
    """What predict steps have in common that differ in their select step alone."""
    spec = cast("Any", dict(step.spec))
    return repr(sorted((spec | {"model": (spec["model"] or [None])[:1]}).items()))
