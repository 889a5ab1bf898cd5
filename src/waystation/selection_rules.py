"""What a study says about choosing checkpoints: read from its file, checked, pinned in its lock.

`selections:` of a target are ways to choose that are reported beside the training's own
`selection`. What can be told from the file is a fault there; what hangs on merged settings and
on data is one of resolving, before anything trains.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, Final, cast

from waystation import sources
from waystation.document import Item
from waystation.entries import listed
from waystation.errors import suggest
from waystation.examples import JSON
from waystation.score.scoring import is_hidden
from waystation.selections import ORACLE, SEEDS, last_of
from waystation.settings import TrainConfig
from waystation.study import Stage, Study, Target
from waystation.study_parts import RETRIEVAL, each
from waystation.task import Task

if TYPE_CHECKING:
    from waystation.resolve import Resolver

RULES: Final = ("source-dev", ORACLE, "last", "average-3", SEEDS)
ENOUGH: Final = 2
"""Seeds that an average needs."""


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
    every = [study.config_for(s) for stop in study.intermediate for s in stop.stages]
    yield from _whole([*configs, *every], SEEDS)


def _whole(configs: Sequence[TrainConfig], rule: str) -> Iterable[str]:
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
