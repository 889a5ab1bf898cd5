"""Planning: a pure function from the lock to a graph of steps.

A step's key is the hash of its kind, the version of that kind's algorithm and its `spec`:
everything that determines its result, parents by their own keys. Equal steps are one step, so an
intermediate checkpoint serves every target, and an intermediate that equals a target's own
training is that training. What a step needs to run but what does not change its result (names,
where user code lies) is its `context` and stays out of the key.

Nothing here reads files, loads models or knows what is finished.
"""

from __future__ import annotations

import fnmatch
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, cast

from waystation import mlm
from waystation.errors import UserError
from waystation.examples import JSON
from waystation.graph import ALGORITHMS, Model, Plan, Probe, Route, Step, add
from waystation.selections import (
    ORACLE,
    SEEDS,
    Growth,
    chosen,
    handed_on,
    link,
    oracle,
    over_seeds,
)
from waystation.translations import translated

__all__ = ["ALGORITHMS", "Plan", "Probe", "Route", "Step", "optimiser_steps", "pinned", "plan"]


def plan(lock: Mapping[str, Any], only: str | None = None) -> Plan:
    """All steps and routes of a lock; `only` keeps the routes whose name matches a pattern."""
    steps: dict[str, Step] = {}
    routes: list[Route] = []
    selections: list[Route] = []
    probes: list[Probe] = []
    for backbone, source in lock["backbones"].items():
        of_seeds: dict[tuple[str, str], list[Model]] = {}
        for seed in lock["seeds"]:
            raw = Model(backbone, source["digest"])
            for stop in lock["stops"]:
                stopped = _trained(steps, lock, raw, stop["stages"], seed, stop["name"])
                before = len(routes)
                for target in lock["targets"]:
                    route = f"{stop['name']}>{target['name']}@{seed}"
                    if only is None or fnmatch.fnmatchcase(route, only):
                        model = _trained(steps, lock, stopped, target["stages"], seed, route)
                        routes += _evaluated(steps, lock, model, stop["name"], target, seed)
                        selections += _selected(steps, lock, model, stop["name"], target, seed)
                        of_seeds.setdefault((stop["name"], target["name"]), []).append(model)
                if len(routes) > before or not stop["stages"]:
                    probes += _probed(steps, lock, raw, stop, seed)
        selections += _over_seeds(steps, lock, of_seeds)
    link(steps, routes, selections)
    if only is not None and not routes:
        raise UserError(
            f"expected --only to match a route such as"
            f" '{lock['stops'][0]['name']}>{lock['targets'][0]['name']}@{lock['seeds'][0]}',"
            f" found nothing for '{only}'; patterns use * and ? over stop>target@seed."
        )
    kept = Plan(steps, tuple(routes), tuple(selections), tuple(probes))
    reached = kept.serving((end, "") for end in kept.ends())
    return replace(kept, steps={k: s for k, s in steps.items() if reached[k]})


def _probed(
    steps: dict[str, Step], lock: Mapping[str, Any], raw: Model, stop: Mapping[str, Any], seed: int
) -> Iterator[Probe]:
    """The probes after each stage of a stop; the baseline's are of the raw backbone."""
    stages = stop["stages"]
    for count in range(1, len(stages) + 1) if stages else (0,):
        model = _trained(steps, lock, raw, stages[:count], seed, stop["name"])
        name = stop["name"] + (f"[{count}]" if count < len(stages) else "")
        for probe in lock.get("probes", {}).get("measured", []):
            if raw.backbone in probe.get("backbones", (raw.backbone,)):
                for route in _evaluated(steps, lock, model, name, probe, seed):
                    own = replace(route, stop=stop["name"])
                    yield Probe(stage=count, stages=len(stages), route=own)


def _trained(
    steps: dict[str, Step],
    lock: Mapping[str, Any],
    model: Model,
    stages: list[Any],
    seed: int,
    label: str,
) -> Model:
    for stage in stages:
        config = dict(stage["config"])
        rule, values = config.pop("selection"), config.pop("learning_rates", [])
        read = [_member(steps, lock, m) for m in stage["members"]]
        members: list[JSON] = [member for member, _ in read]
        spec: dict[str, JSON] = {
            "backbone": model.digest,
            "parent": model.parent,
            "members": members,
            "rates": stage["rates"],
            "cap": stage["cap"],
            "config": config,
            "numerics": lock["numerics"],
            "seed": seed,
        }
        spec |= mlm.spec(stage, lock, model.backbone)
        names = "+".join([*(m["task"] for m in stage["members"]), *(["mlm"] * ("mlm" in spec))])
        shown = f"{label.split('@')[0]} [{names}]" if len(stages) > 1 else label.split("@")[0]
        inputs = tuple(dict.fromkeys([*model.inputs, *(key for _, keys in read for key in keys)]))
        context = {
            **_source(lock, model),
            "refs": [m["ref"] for m in stage["members"]],
            "entries": [m["data"] for m in stage["members"]],
        } | mlm.entries(stage)
        trains = {}
        for rate in values or [config["learning_rate"]]:
            trains[rate] = add(
                steps,
                "train",
                spec | {"config": config | {"learning_rate": rate}},
                context=context,
                inputs=inputs,
                label=f"train {shown}@{seed}" + (f" (learning rate {rate:g})" if values else ""),
            )
        model = handed_on(_growth(steps, lock, model, f"{shown}@{seed}"), model, trains, rule)
    return model


def _growth(steps: dict[str, Step], lock: Mapping[str, Any], model: Model, shown: str) -> Growth:
    return Growth(steps=steps, context=_source(lock, model), shown=shown)


def _source(lock: Mapping[str, Any], model: Model) -> dict[str, Any]:
    """What a step needs to find its backbone, none of which changes a result."""
    return {"backbone": model.backbone, "pinned": pinned(lock, model.backbone)}


def _selected(
    steps: dict[str, Step],
    lock: Mapping[str, Any],
    model: Model,
    stop: str,
    target: Mapping[str, Any],
    seed: int,
) -> Iterator[Route]:
    """A target's other ways to choose a checkpoint, each evaluated on every language."""
    growth = _growth(steps, lock, model, f"{stop}>{target['name']}@{seed}")
    for rule in target.get("selections", ()):
        if rule == ORACLE:
            for language, entry in target["oracle"].items():
                dev = _predict_spec(lock, model, target, language, (entry, None))
                task = {name: target[name] for name in ("task", "version")}
                task |= {"data": dev["data"], "language": language}
                best = oracle(growth, model, dev, task, target["ref"])
                one = dict(target) | {"evaluate": {language: target["evaluate"][language]}}
                yield from _evaluated(steps, lock, replace(best, rule=rule), stop, one, seed)
        elif rule not in (SEEDS, target["stages"][-1]["config"]["selection"]):
            other = replace(chosen(growth, model, rule), rule=rule)
            yield from _evaluated(steps, lock, other, stop, target, seed)


def _over_seeds(
    steps: dict[str, Step], lock: Mapping[str, Any], models: Mapping[tuple[str, str], list[Model]]
) -> Iterator[Route]:
    """The mean over all seeds of each route to a target that asks for it, under the first one."""
    for target in (t for t in lock["targets"] if SEEDS in t.get("selections", ())):
        for (stop, name), found in models.items():
            if name == target["name"] and len(found) == len(lock["seeds"]):
                growth = _growth(steps, lock, found[0], f"{stop}>{name}@all")
                model = replace(over_seeds(growth, found), rule=SEEDS)
                yield from _evaluated(steps, lock, model, stop, target, lock["seeds"][0])


def _member(
    steps: dict[str, Step], lock: Mapping[str, Any], member: Mapping[str, Any]
) -> tuple[JSON, tuple[str, ...]]:
    """What determines one task's part in a training, and the steps that translate it.

    Only retrieval has pools.
    """
    data = lock["data"][member["data"]]
    own = {name: member[name] for name in ("task", "version", "language", "head")}
    own |= {"data": data["digest"], "dev": data["dev_digest"]}
    pools = {"pool": "pool_digest", "dev_pool": "dev_pool_digest"}
    own |= {name: data[digest] for name, digest in pools.items() if digest in data}
    found, keys = translated(steps, lock, member, own)
    return cast("JSON", found), keys


def _evaluated(
    steps: dict[str, Step],
    lock: Mapping[str, Any],
    model: Model,
    stop: str,
    target: Mapping[str, Any],
    seed: int,
) -> Iterator[Route]:
    inputs = model.inputs
    route = f"{stop}>{target['name']}@{seed}"
    by_rule = f" ({model.rule})" if model.rule else ""

    context = _source(lock, model) | {"ref": target["ref"]}

    def predicted(language: str, data: tuple[str, str | None], what: str = "") -> str:
        spec = _predict_spec(lock, model, target, language, data)
        label = f"predict {route} {language}{by_rule}{what}"
        return add(
            steps, "predict", spec, context=context, inputs=inputs, label=label, unit=model.unit
        )

    for language, entry in target["evaluate"].items():
        data = lock["data"][entry]["digest"]
        predict = predicted(language, (entry, target.get("pools", {}).get(language)))
        spec: dict[str, JSON] = {
            "predict": predict,
            "data": data,
            "task": target["task"],
            "version": target["version"],
            "language": language,
        }
        needs: tuple[str, ...] = (predict,)
        if language in target.get("tuning", {}):
            tuned, pool = target["tuning"][language]
            tuning = predicted(language, (tuned, pool), " (for the threshold)")
            spec["tuning"] = [tuning, lock["data"][tuned]["digest"]]
            needs = (predict, tuning)
        score = add(
            steps,
            "score",
            spec,
            context={"ref": target["ref"]},
            inputs=needs,
            label=f"score {route} {language}{by_rule}",
            unit=model.unit,
        )
        yield Route(
            backbone=model.backbone,
            stop=stop,
            target=target["name"],
            seed=seed,
            language=language,
            score=score,
            predict=predict,
            select=model.select,
            data=entry,
            fine_tuned=target["fine_tuned"],
            rule=model.rule,
        )


def _predict_spec(
    lock: Mapping[str, Any],
    model: Model,
    target: Mapping[str, Any],
    language: str,
    data: tuple[str, str | None],
) -> dict[str, JSON]:
    """What determines predictions; `data` names the entries of examples and of their pool."""
    entry, pool = data
    spec: dict[str, JSON] = {
        "backbone": model.digest,
        "model": model.parent,
        "head": target["head"],
        "data": lock["data"][entry]["digest"],
        "language": language,
        "max_tokens": target["max_tokens"],
        "stride": target["stride"],
        "numerics": lock["numerics"],
    }
    return spec if pool is None else spec | {"pool": lock["data"][pool]["digest"]}


def pinned(lock: Mapping[str, Any], backbone: str) -> str:
    """A backbone's name with the lock's commit where it comes from the hub."""
    source = lock["backbones"][backbone]
    if source["origin"] != "hub":
        return backbone
    return f"{backbone.partition('@')[0]}@{source['revision']}"


def optimiser_steps(lock: Mapping[str, Any], step: Step) -> int:
    """How many optimiser steps a train step takes at most (early stopping may end it sooner)."""
    return mlm.steps_of(lock, step)[0]
