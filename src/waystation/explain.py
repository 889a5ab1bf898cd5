"""What a plan comes to before anything runs: counts, sharing, estimates, what entered a key.

Estimates are rough and say what they rest on: the finished training steps of this store where
there are any, else one measurement with multilingual-e5-small on two cores (32 pairs of 46
tokens: 0.78 s a step in bf16), scaled by the size of the weights. No torch.
"""

from __future__ import annotations

from pathlib import Path
from statistics import median
from typing import Any, Final, cast

from waystation import mlm, trainable, translations
from waystation.errors import UserError, suggest
from waystation.examples import JSON
from waystation.lock import differences, lock_path, read_lock
from waystation.mixture import probabilities
from waystation.plan import ALGORITHMS, Step, optimiser_steps
from waystation.resolve import resolve
from waystation.run import Options, Prepared, stop_keys
from waystation.store import Store
from waystation.study import load_study
from waystation.task import member_names

REFERENCE_BYTES: Final = 471e6  # multilingual-e5-small, fp32
REFERENCE_SECONDS_PER_EXAMPLE: Final = 0.78 / 32
RARE: Final = ("translate", "average")
"""Kinds of step that few studies have, named where they do."""
ADAPTER_SHARE: Final = 2 / 3  # no gradients of weights, the third part of a training example
PREDICT_SHARE: Final = 1 / 3  # a forward pass of the three that a training example costs


def summary(prepared: Prepared) -> dict[str, JSON]:
    """Counts per kind, what is shared, and estimates for what is missing."""
    plan, missing = prepared.plan, set(prepared.missing)
    kinds: dict[str, JSON] = {}
    for kind in ALGORITHMS:
        keys = [k for k, s in plan.steps.items() if s.kind == kind]
        if not keys and kind in RARE:
            continue
        done = sum(prepared.states[k] == "done" for k in keys)
        kinds[kind] = {
            "total": len(keys),
            "finished": done,
            "to_run": sum(k in missing for k in keys),
        }
    text = mlm.told(prepared.lock, plan)
    found: dict[str, JSON] = {
        "study": prepared.study.name,
        "routes": len({(r.backbone, r.name) for r in plan.routes}),
        "steps": kinds,
        "shared": _shared(prepared),
        "to_run": [
            cast("dict[str, JSON]", {"key": k, "kind": plan.steps[k].kind})
            | {"label": plan.steps[k].label}
            | _partly_done(prepared.store, k)
            for k in plan.steps
            if k in missing
        ],
        "mixtures": _mixtures(prepared),
        "translated": list(translations.warnings(plan, prepared.store)),
        "estimate": _estimate(prepared),
    }
    return found | ({"text": text} if text else {})


def _mixtures(prepared: Prepared) -> JSON:
    """Stages of several tasks, with how often each is drawn; the seeds of one once."""
    found: dict[str, JSON] = {}
    for step in prepared.plan.steps.values():
        members = cast("Any", step.spec.get("members", ()))
        name = step.label.removeprefix("train ").rpartition("@")[0]
        if step.kind == "train" and len(members) > 1 and name not in found:
            counts = [
                cast("Any", prepared.lock["data"])[e]["count"] for e in step.context["entries"]
            ]
            names = member_names([(m["task"], m["language"]) for m in members])
            spec = cast("Any", step.spec)
            rates = probabilities(spec["rates"], names, counts, spec["cap"])
            found[name] = {
                "label": name,
                "members": [
                    {"task": task, "examples": count, "rate": rate}
                    for task, count, rate in zip(names, counts, rates, strict=True)
                ],
            }
    return list(found.values())


def _partly_done(store: Store, key: str) -> dict[str, JSON]:
    position = store.position(key)
    return {} if position is None else {"partly_done": {"step": position[0], "of": position[1]}}


def _shared(prepared: Prepared) -> JSON:
    """Training steps that several routes stand on, with how many."""
    plan = prepared.plan
    served = plan.serving((r.score, f"{r.backbone} {r.name}") for r in plan.routes)
    return [
        {"key": key, "label": step.label, "routes": len(served[key])}
        for key, step in plan.steps.items()
        if step.kind == "train" and len(served[key]) > 1
    ]


def by_stop(prepared: Prepared) -> dict[str, tuple[int, int]]:
    """How many trainings are to run for each stop, and for its targets beside; no one twice."""
    plan, stops = prepared.plan, stop_keys(prepared.lock, prepared.plan)
    served = plan.serving((r.score, r.stop) for r in plan.routes)
    missing = [key for key in prepared.missing if plan.steps[key].kind == "train"]
    found: dict[str, tuple[int, int]] = {}
    for stop in dict.fromkeys(r.stop for r in plan.routes):
        of_stop = [key for key in missing if stop in served[key]]
        missing = [key for key in missing if stop not in served[key]]
        own = sum(key in stops for key in of_stop)
        found[stop] = (own, len(of_stop) - own)
    return found


def _estimate(prepared: Prepared) -> JSON:
    lock = cast("Any", prepared.lock)
    seconds, disk, memory = 0.0, 0.0, 0.0
    measured: dict[tuple[str, str], tuple[float, float, float] | None] = {}
    for key in prepared.missing:
        step = prepared.plan.steps[key]
        if step.kind == "translate":
            weights = lock["translators"][step.context["translator"]]["size_bytes"]
            seconds += translations.seconds_of(lock, prepared.store, prepared.plan, step) or (
                translations.PASSES
                * cast("Any", step.spec["beams"])
                * (PREDICT_SHARE * REFERENCE_SECONDS_PER_EXAMPLE * weights / REFERENCE_BYTES)
                * translations.size_of(lock, step)
            )
            memory = max(memory, 2.0 * weights)
        if step.kind not in ("train", "average", "predict"):
            continue
        name = step.context["backbone"]
        of = _averaged(prepared, key) if step.kind == "average" else step
        part = trainable.key_of(cast("Any", of.spec.get("config", {})))
        if (name, part) not in measured:
            measured[name, part] = _measured(prepared, name, part)
        per_example, checkpoint, peak = measured[name, part] or _assumed(prepared, of)
        memory = max(memory, peak)
        if step.kind == "train":
            config = cast("Any", step.spec["config"])
            seconds += per_example * optimiser_steps(lock, step) * config["batch_size"]
            disk += checkpoint * config["evaluations"]
        elif step.kind == "average":
            disk += checkpoint
        else:
            times = 1
            if "checkpoints" in step.spec:  # with each of a training's
                train = prepared.plan.steps[step.inputs[0]]
                times = cast("Any", train.spec["config"])["evaluations"]
            seconds += PREDICT_SHARE * per_example * _count(lock, step) * times
    return {
        "seconds": round(seconds),
        "memory_bytes": round(memory),
        "disk_bytes": round(disk),
        "basis": "finished steps of this store"
        if any(measured.values())
        else "a measurement with multilingual-e5-small on two cores, scaled by weights",
    }


def _averaged(prepared: Prepared, key: str) -> Step:
    """The training whose checkpoints an average step reads, or one of them."""
    found = map(prepared.plan.steps.__getitem__, reversed(prepared.plan.ancestors(key)))
    return next(step for step in found if step.kind == "train")


def _assumed(prepared: Prepared, step: Step) -> tuple[float, float, float]:
    """What `_measured` gives, for steps of which none has been finished.

    Weights that are not trained need no gradient and no moments of AdamW.
    """
    lock, steps, name = cast("Any", prepared.lock), prepared.plan.steps, step.context["backbone"]
    weights = lock["backbones"][name]["size_bytes"]
    seconds = REFERENCE_SECONDS_PER_EXAMPLE * weights / REFERENCE_BYTES
    config = cast("Any", step.spec.get("config", {}))
    trained = trainable.bytes_of(lock, name, config)
    if config.get("adapter") is not None:
        seconds *= ADAPTER_SHARE
    # A checkpoint also holds what the stages before it changed.
    before = [steps[key].spec for key in prepared.plan.ancestors(step.key)]
    configs = [cast("Any", spec["config"]) for spec in before if "config" in spec]
    kept = trained + sum(trainable.bytes_of(lock, name, c) for c in configs)
    return seconds, min(kept, weights), weights + 3.0 * trained


def _count(lock: Any, step: Step) -> int:
    counts = (e["count"] for e in lock["data"].values() if e.get("digest") == step.spec["data"])
    return int(next(counts, 0))


def _measured(prepared: Prepared, backbone: str, part: str) -> tuple[float, float, float] | None:
    """(seconds per training example, bytes of a checkpoint, peak bytes) of finished steps.

    Of those that train the same `part` of a backbone, as `trainable.key_of` names it.
    """
    store, found = prepared.store, []
    for key, step in prepared.plan.steps.items():
        if step.kind == "train" and step.context["backbone"] == backbone:
            info = store.run_info(key)
            config = cast("Any", step.spec["config"])
            same = trainable.key_of(config) == part
            if same and prepared.states[key] == "done" and "seconds" in info:
                size = sum(
                    (store.folder(key) / n).stat().st_size
                    for n in store.outputs(key, "checkpoints/")
                )
                examples = optimiser_steps(prepared.lock, step) * config["batch_size"]
                numbers = cast("Any", info)
                found.append(
                    (
                        numbers["seconds"] / examples,
                        size / config["evaluations"],
                        numbers["peak_memory_bytes"],
                    )
                )
    if not found:
        return None
    return (
        median(f[0] for f in found),
        median(f[1] for f in found),
        max(f[2] for f in found),
    )


def why(prepared: Prepared, key: str) -> dict[str, JSON]:
    """Everything that entered a step's key. Raises UserError for a key the plan lacks."""
    steps = prepared.plan.steps
    matches = [k for k in steps if k.startswith(key)]
    if len(matches) != 1:
        raise UserError(
            f"expected the key of a step in this plan, such as '{next(iter(steps))}', found"
            f" '{key}' ({len(matches)} match).{suggest(key, steps)} `waystation plan STUDY --json`"
            " lists them."
        )
    step = steps[matches[0]]
    found: dict[str, JSON] = {
        "key": step.key,
        "kind": step.kind,
        "label": step.label,
        "state": prepared.states[step.key],
        "inputs": list(step.inputs),
        "spec": dict(step.spec),
    }
    if step.kind == "translate" and prepared.states[step.key] == "done":
        found["result"] = translations.counts(prepared.store, step.key)
    return found


def diff(path: Path, options: Options) -> list[str]:
    """What a fresh resolving would change in the study's lock, one phrase each."""
    study = load_study(path)
    old = read_lock(lock_path(study, options.limit))
    if not old:
        return ["there is no lock yet: everything is new"]
    new = resolve(
        study,
        Store.open(options.store),
        data=options.data,
        limit=options.limit,
        relock=True,
        keep=False,
    )
    found = differences(old, new)
    for part in ("backbones", "translators", "data"):
        before, after = cast("Any", old.get(part, {})), cast("Any", new.get(part, {}))
        found += [f"{part} {n}: no longer asked for" for n in before if n not in after]
        found += [f"{part} {n}: new" for n in after if n not in before]
    for part in ("stops", "targets", "seeds", "numerics", "probes"):
        if old.get(part) != new.get(part):
            found.append(f"{part}: the study asks for something else than the lock")
    return found
