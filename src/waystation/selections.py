"""Choosing checkpoints in a study: read from its file, checked, pinned in its lock, planned.

`selections:` of a target are ways to choose that are reported beside the training's own
`selection`. What can be told from the file is a fault there; what hangs on merged settings and
on data is one of resolving, before anything trains. `select.py` has the rules themselves.

A *run* is one training: a train step, or several of them, one for each learning rate of a sweep,
with the select step that finds the best value. What a run hands on, and what else a target wants
to compare, is picked from its numbered checkpoints by further steps, so that every rule is judged
on the same training.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final, cast

from waystation import sources
from waystation.document import Item
from waystation.entries import listed
from waystation.errors import suggest
from waystation.examples import JSON
from waystation.graph import Model, Route, Step, add
from waystation.score.scoring import is_hidden
from waystation.settings import TrainConfig
from waystation.study import Stage, Study, Target
from waystation.study_parts import RETRIEVAL, each
from waystation.task import Task

if TYPE_CHECKING:
    from waystation.resolve import Resolver

SEEDS: Final = "average-seeds"
ORACLE: Final = "oracle-dev"
RULES: Final = ("source-dev", ORACLE, "last", "average-3", SEEDS)
ENOUGH: Final = 2
"""Seeds that an average needs."""


def last_of(rule: str) -> int:
    """How many checkpoints a rule averages; 1 for those that pick one."""
    _, _, count = rule.partition("average-")
    return int(count) if count.isdigit() else 1


# ---------------------------------------------------------------------------- study file and lock


def selections(item: Item, task: Task[Any], split: str | None) -> tuple[str, ...]:
    """The rules of a target's `selections:`; `split` is what it evaluates, if it says so."""

    def rule(entry: Item) -> str | None:
        found = entry.content
        if found not in RULES and not re.fullmatch(r"average-[1-9]\d*", str(found)):
            what = f"one of {', '.join(RULES)} (or another number)"
            entry.fault(what, suggest(str(found), RULES))
            return None
        if found == ORACLE and task.kind in RETRIEVAL:
            what = "no oracle-dev, since a retrieval target has a score for each layer"
            entry.fault(f"{what} and none to choose by")
        tested = (split or task.test_split).split("+")
        if found == ORACLE and task.dev_split in tested:
            entry.fault(
                "another split to evaluate beside oracle-dev, which chooses by the dev split",
                " Give the target another `split:` or leave oracle-dev out.",
                f"the {task.dev_split} split of '{task.name}', which would judge its own choice",
            )
        return str(found)

    return each(item, "selections", rule)


def stage_faults(config: TrainConfig, stage: Stage, dev: bool) -> Iterable[str]:
    """What is wrong with how a stage chooses; `dev` is whether its tasks have dev examples."""
    name = "+".join(use.task for use in stage.members) or "mlm"
    count = last_of(config.selection)
    if count > config.evaluations:
        yield (
            f"{name}: expected at least {count} `evaluations` to average over, found"
            f" {config.evaluations}; raise `evaluations` or set another `selection`."
        )
    if count > 1:
        yield from _whole([config], f"{name}: `selection: {config.selection}`")
    rates = config.learning_rates
    if len(set(rates)) < len(rates):
        twice = next(r for i, r in enumerate(rates) if r in rates[:i])
        yield f"{name}: expected each of `learning_rates` once, found {twice:g} again; remove one."
    if len(rates) > 1 and not dev:
        yield (
            f"{name}: expected dev examples to compare `learning_rates` by, found none; give"
            " one `learning_rate`, or a task with a dev split."
        )


def pinned(
    resolver: Resolver, target: Target, stages: Sequence[Stage], task: Task[Any], languages: Any
) -> dict[str, JSON]:
    """A target's selections and its oracle's dev entries for its lock; {} where it has none."""
    study = resolver.study
    if not target.selections:
        return {}
    where = f"{study.path}: targets.{target.name}.selections"
    faults = _target_faults(study, target, stages)
    resolver.entries.faults += [f"{where}: {fault}" for fault in faults]
    found: dict[str, JSON] = {"selections": list(target.selections)}
    if ORACLE in target.selections:
        count = study.config_for(stages[-1], target).dev_examples
        found["oracle"] = cast("JSON", _dev_entries(resolver, target, task, (languages, count)))
    return found


def _target_faults(study: Study, target: Target, stages: Sequence[Stage]) -> Iterable[str]:
    configs = [study.config_for(stage, target) for stage in stages]
    most = max(map(last_of, target.selections))
    if most > configs[-1].evaluations:
        yield (
            f"expected at least {most} `evaluations` to average over, found"
            f" {configs[-1].evaluations}; raise `evaluations` or average fewer."
        )
    if most > 1:
        yield from _whole(configs[-1:], f"average-{most}")
    if SEEDS in target.selections:
        yield from _seed_faults(study, configs)


def _seed_faults(study: Study, configs: Sequence[TrainConfig]) -> Iterable[str]:
    """What keeps models of several seeds from being averaged: heads that start apart, mostly."""
    if len(study.seeds) < ENOUGH:
        yield f"expected several `seeds` for average-seeds, found {len(study.seeds)}; add seeds."
    kept = [configs[-1]]
    for config in reversed(configs[:-1]):
        if not kept[0].keep_head:
            break
        kept.insert(0, config)
    if kept[0].keep_head:  # the head comes from the stop
        kept += [study.config_for(s) for stop in study.intermediate for s in stop.stages[-1:]]
    if any(config.head_seed is None for config in kept):
        yield (
            "expected `head_seed` in the training's settings, so that the heads of all seeds"
            " start equal and their mean means something (Schmidt et al. 2023), found none; set"
            " `train: {head_seed: 0}`."
        )
    yield from _whole(configs, SEEDS)
    for stop in study.intermediate:
        yield from _whole(map(study.config_for, stop.stages), f"{SEEDS} after {stop.name}")


def _whole(configs: Iterable[TrainConfig], rule: str) -> Iterable[str]:
    """Adapters are refused: a mean of LoRA's factors is not the mean of their products."""
    kinds = {c.adapter.kind for c in configs if c.adapter is not None}
    if kinds:
        yield (
            f"{rule}: expected weights that can be averaged, found an adapter"
            f" ({', '.join(sorted(kinds))}), whose factors' mean is not the mean of what they"
            " make; select one checkpoint, or train without `adapter`."
        )


def _dev_entries(
    resolver: Resolver, target: Target, task: Task[Any], asked: tuple[Any, int]
) -> dict[str, str]:
    """The dev examples of each language that has some with gold; the others are remarked on."""
    languages, count = asked
    entries = resolver.entries
    split = task.dev_split
    found: dict[str, str] = {}
    missing = []
    use = target.model_copy(update={"examples": count})
    for tag in languages:
        if split is None or not sources.present(task, entries.data, tag, split):
            missing.append(tag)
            continue
        before = set(entries.found)
        name = entries.evaluation(use, task, tag, split)
        pinned_ = cast("Any", entries.found[name]).get("digest")
        if pinned_ and is_hidden(task, entries.store.data(pinned_, task.example)):
            missing.append(tag)
            if name not in before:
                del entries.found[name]
            continue
        found[tag] = name
    if missing:
        entries.remarks.append(
            f"{target.name}: no dev split with gold in {listed(missing)}, so that oracle-dev is"
            " left out there."
        )
    return found


# ---------------------------------------------------------------------------- planning


@dataclass(frozen=True, kw_only=True)
class Growth:
    """Where steps are added, and what every step of one backbone carries along.

    `shown` is what a label says of the model: `snli>xnli`, with the seed.
    """

    steps: dict[str, Step]
    context: Mapping[str, Any]
    shown: str


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
