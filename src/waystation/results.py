"""What a finished (or half-finished) study came to: the input of every report and comparison.

`Results` is plain data gathered from study, lock and store (`collect`, at the end of this file);
renderers and statistics see nothing else, so that a report is a pure function. No torch.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, cast

import numpy as np

from waystation import translations
from waystation.collapse import Collapses
from waystation.lengths import cuts
from waystation.lock import Lock, task_of
from waystation.metrics import Metric, Statistics
from waystation.plan import Plan, Route
from waystation.selected import Selected, Sweep, edges, selected, sweeps
from waystation.store import Store
from waystation.study import Study
from waystation.task import Task


@dataclass(frozen=True, kw_only=True)
class Score:
    """One route's score on one language.

    A route is backbone, stop, target and seed. `variant` is "" or, for retrieval, a layer and a
    pooling such as `8/mean`. `statistics` is float64[n, k] of the headline metric, aligned with
    `ids` and `groups` (the id itself where the data has no group).
    """

    backbone: str
    stop: str
    target: str
    task: str
    seed: int
    language: str
    variant: str
    headline: str
    values: dict[str, float]
    baselines: dict[str, float]
    metric: Metric[Any, Any] = field(repr=False)
    ids: tuple[str, ...] = field(repr=False)
    groups: tuple[str, ...] = field(repr=False)
    statistics: Statistics = field(repr=False)
    fine_tuned: bool = True


@dataclass(frozen=True, kw_only=True)
class Probed:
    """One probe in one language after one stage of a stop; `score.target` is the probe's name.

    Stage 0 is the raw backbone, which is the stop `none`.
    """

    stage: int
    stages: int
    score: Score


@dataclass(frozen=True, kw_only=True)
class StepSummary:
    """One step of the plan, what it was and what it cost.

    `state` is done, failed, skipped or missing.
    """

    key: str
    kind: str
    label: str
    state: str
    seconds: float = 0.0
    peak_memory_bytes: int = 0
    message: str = ""
    curve: tuple[tuple[int, float, float], ...] = ()
    """(optimiser step, mean training loss since the last point, learning rate) of train steps."""
    dev: tuple[tuple[int, dict[str, float]], ...] = ()
    """(optimiser step, dev headline per task) of train steps."""
    stops: tuple[str, ...] = ()
    """The stops whose routes need it; several share it."""
    targets: tuple[str, ...] = ()
    """The targets whose routes need it."""
    collapse: tuple[str, ...] = ()
    """What says that a train step taught a task nothing, a clause for each such task."""


@dataclass(frozen=True, kw_only=True)
class Results:
    """Everything a report shows. `stops` and `targets` are in the study's order, baseline first."""

    study: str
    backbones: tuple[str, ...]
    seeds: tuple[int, ...]
    stops: tuple[str, ...]
    targets: tuple[str, ...]
    source_language: dict[str, str]
    """The fine-tuning language of each target; the other languages are zero-shot."""
    scores: tuple[Score, ...]
    steps: tuple[StepSummary, ...]
    warnings: tuple[str, ...]
    provenance: dict[str, str]
    """Versions, precision, model revisions and data digests, as label -> text."""
    official: dict[tuple[str, str], str] = field(default_factory=dict)
    """(backbone, target) -> the layer and pooling that the benchmark's own scripts evaluate."""
    probes: tuple[Probed, ...] = ()
    unprobed: dict[str, str] = field(default_factory=dict)
    """Backbone -> why its language-model loss is not probed, where a loss was asked for."""
    selections: tuple[Selected, ...] = ()
    """Scores of the targets that compare ways to choose a checkpoint, by every way."""
    sweeps: tuple[Sweep, ...] = ()
    """What each sweep of learning rates compared."""


def collect(lock: Lock, plan: Plan, store: Store, study: Study) -> Results:
    """Gather what is finished; what is missing or failed is listed, never filled in."""
    targets = {t["name"]: t for t in cast("Any", lock["targets"])}
    tasks = {name: task_of(t["ref"], study.path.resolve().parent) for name, t in targets.items()}
    scores: list[Score] = []

    def scores_of(route: Route) -> Iterator[Score]:
        found = cast("Any", store.read_json(route.score, "score.json"))
        return _scores(route, tasks[route.target], found)

    for route in plan.routes:
        if store.state(route.score) == "done":
            scores += scores_of(route)
    needed = _needed_by(plan)
    collapses = Collapses(store, study.path.resolve().parent)
    steps = tuple(
        replace(_summary(plan, store, key, collapses), stops=needed[key][0], targets=needed[key][1])
        for key in plan.steps
    )
    warnings = _warnings(lock) + _dropped(plan, store) + cuts(plan, store)
    warnings += translations.warnings(plan, store)
    swept = sweeps(plan, store)
    warnings += edges(swept)
    return Results(
        study=study.name,
        backbones=study.backbones,
        seeds=study.seeds,
        stops=tuple(s.name for s in study.intermediate),
        targets=tuple(targets),
        source_language={n: t["source_language"] for n, t in targets.items()},
        scores=tuple(scores),
        steps=steps,
        warnings=warnings,
        provenance=_provenance(lock),
        official=_official(scores, tasks),
        probes=tuple(_probed(lock, plan, store, study)),
        unprobed=dict(cast("Any", lock).get("probes", {}).get("unmeasured", {})),
        selections=selected(lock, plan, store, scores_of),
        sweeps=swept,
    )


def _probed(lock: Lock, plan: Plan, store: Store, study: Study) -> Iterator[Probed]:
    """Every probe that is finished."""
    beside = study.path.resolve().parent
    measured = cast("Any", lock).get("probes", {}).get("measured", [])
    tasks = {probe["name"]: task_of(probe["ref"], beside) for probe in measured}
    for probe in plan.probes:
        route = probe.route
        if store.state(route.score) == "done":
            found = cast("Any", store.read_json(route.score, "score.json"))
            for score in _scores(route, tasks[route.target], found):
                yield Probed(stage=probe.stage, stages=probe.stages, score=score)


def _official(
    scores: Sequence[Score], tasks: Mapping[str, Task[Any]]
) -> dict[tuple[str, str], str]:
    """The official variant of each retrieval target, where it was measured."""
    measured: dict[tuple[str, str], dict[str, None]] = {}
    for s in scores:
        measured.setdefault((s.backbone, s.target), {})[s.variant] = None
    found = {key: tasks[key[1]].official_among(variants) for key, variants in measured.items()}
    return {key: official for key, official in found.items() if official is not None}


def _scores(route: Route, task: Task[Any], found: Any) -> Iterator[Score]:
    metric = task.metrics[0]
    for variant, metrics in found["variants"].items():
        # Mined pairs whose threshold could not be chosen on another split have an oracle's only.
        name = task.headline if task.headline in metrics else next(iter(metrics))
        headline = metrics[name]
        values: dict[str, float] = {}
        for one in metrics.values():
            values |= one["values"]
        values |= headline["values"]  # another metric may have a value of the same name
        yield Score(
            backbone=route.backbone,
            stop=route.stop,
            target=route.target,
            task=task.name,
            seed=route.seed,
            language=route.language,
            variant=variant,
            headline=name,
            values=values,
            baselines={k: v for k, v in found["baselines"].items() if v is not None},
            metric=metric,
            ids=tuple(found["ids"]),
            groups=tuple(found["groups"]),
            statistics=np.asarray(headline["statistics"], dtype=np.float64),
            fine_tuned=route.fine_tuned,
        )


def _needed_by(plan: Plan) -> dict[str, tuple[tuple[str, ...], tuple[str, ...]]]:
    """The stops and the targets whose routes stand on each step, in the study's order."""
    routes = (*plan.routes, *plan.selections)
    of_stops = [(r.score, r.stop) for r in (*routes, *(p.route for p in plan.probes))]
    found, wanted = plan.serving(of_stops), plan.serving((r.score, r.target) for r in routes)
    stops = dict.fromkeys(r.stop for r in plan.routes)
    targets = dict.fromkeys(r.target for r in plan.routes)
    return {
        key: (
            tuple(s for s in stops if s in found[key]),
            tuple(t for t in targets if t in wanted[key]),
        )
        for key in plan.steps
    }


def _summary(plan: Plan, store: Store, key: str, collapses: Collapses) -> StepSummary:
    step, info, failure = plan.steps[key], store.run_info(key), store.failure(key)
    state = store.state(key)
    message = ""
    if state != "done" and failure is not None:
        state, message = "failed", str(failure["message"])
    elif state not in ("done", "pruned"):
        state = "missing"
        failed = [a for a in plan.ancestors(key) if store.failure(a) is not None]
        if failed:
            state, message = "skipped", f"needs '{plan.steps[failed[0]].label}', which failed"
    curve, dev = _learning(store, key) if step.kind == "train" else ((), ())
    return StepSummary(
        key=key,
        kind=step.kind,
        label=step.label,
        state="done" if state == "pruned" else state,
        seconds=float(cast("float", info.get("seconds", 0.0))),
        peak_memory_bytes=int(cast("int", info.get("peak_memory_bytes", 0))),
        message=message,
        curve=curve,
        dev=dev,
        collapse=collapses.of(step, curve, dev) if curve else (),
    )


def _learning(store: Store, key: str) -> tuple[Any, Any]:
    """A train step's curve and dev headlines; they stay when gc deletes its checkpoints."""
    folder = store.folder(key)
    try:
        curve = json.loads((folder / "curve.json").read_text())
        evaluations = json.loads((folder / "evaluations.json").read_text())
    except (OSError, ValueError):
        return (), ()
    dev = []
    for row in evaluations:
        heads = {task: next(iter(values.values())) for task, values in row["dev"].items()}
        tasks = {task: value for task, value in heads.items() if not task.startswith("mlm.")}
        heads = tasks or heads  # the loss of lines beside tasks is on another scale
        dev.append((int(row["step"]), heads))
    return tuple((int(s), float(loss), float(lr)) for s, loss, lr in curve), tuple(dev)


def _dropped(plan: Plan, store: Store) -> tuple[str, ...]:
    """What training left out because nothing of it fitted (an answer that is cut away)."""
    found = []
    for key, step in plan.steps.items():
        path = store.folder(key) / "training.json"
        if step.kind == "train" and path.exists():
            for member in json.loads(path.read_text())["members"]:
                if member["dropped"]:
                    whole = member["dropped"] + member["examples"]
                    found.append(
                        f"{step.label}: {member['dropped']} of {whole} examples of"
                        f" {member['task']} dropped, cut away by max_tokens or empty."
                    )
    return tuple(found)


def _warnings(lock: Lock) -> tuple[str, ...]:
    notes = list(cast("Any", lock.get("remarks", [])))
    notes += [n for e in cast("Any", lock["data"]).values() for n in e.get("notes", [])]
    for name, source in cast("Any", lock["backbones"]).items():
        notes += [f"{name}: {note}" for note in source["notes"]]
    return tuple(dict.fromkeys(notes))


def _provenance(lock: Lock) -> dict[str, str]:
    found = {f"{name}": str(v) for name, v in cast("Any", lock["versions"]).items()}
    found |= {name: str(v) for name, v in cast("Any", lock["numerics"]).items()}
    models = [("backbone", *one) for one in cast("Any", lock["backbones"]).items()]
    models += [("translator", *one) for one in cast("Any", lock).get("translators", {}).items()]
    for what, name, source in models:
        found[f"{what} {name}"] = f"{source['origin']}, sha256 {source['digest'][:12]}" + (
            f", revision {source['revision']}" if source["revision"] else ""
        )
    for name, entry in cast("Any", lock["data"]).items():
        found[f"data {name}"] = f"{entry['count']} examples, sha256 {entry['digest'][:12]}"
    return found
