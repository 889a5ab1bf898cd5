"""Resolving: do all the reading a study asks for and pin it in `study.lock`.

The lock holds everything that planning needs and nothing that a machine may change: every stage
spelled out with its settings, every file with its sha256, every set of examples by the digest of
its canonical lines, every backbone by the digest of its files, and concrete numerics. Planning
is then a pure function of the lock. Examples are kept in the store under their digest, so that a
resolved study runs without its data folder.

Resolving again compares: what the lock already pins must still be what is found, or the run
stops and says what changed (`--relock` accepts it). What the study newly asks for is added.
"""

from __future__ import annotations

import os
import platform
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any, cast

from waystation import mlm, probes, selections, sources, trainable, translations
from waystation.corpora import Corpora
from waystation.entries import Entries, listed
from waystation.errors import LockMismatch, StudyFaults, UserError
from waystation.examples import JSON, HeadSpec, to_json
from waystation.hub_files import Hub
from waystation.lock import (
    FORMAT,
    PACKAGES,
    Lock,
    content_of,
    differences,
    lock_path,
    own_json,
    pins,
    read_lock,
    task_of,
)
from waystation.modelfolder import config_of, layers_of
from waystation.settings import Numerics, TrainConfig
from waystation.store import Store, explained, pretty, write_atomically
from waystation.study import Stage, Study, Target, TaskUse
from waystation.study_parts import RETRIEVAL
from waystation.task import Task, member_names

SHOWN = 12
"""Changes named in a sentence."""


@dataclass
class Resolver:
    """One resolving: the study, the entries of its data, and what is wrong or worth saying."""

    study: Study
    entries: Entries
    depths: dict[str, int | None] = field(default_factory=dict)
    """Layers of each backbone, where its configuration tells."""
    _named: dict[str, tuple[str, Task[Any]]] = field(default_factory=dict)

    @property
    def beside(self) -> Path:
        """The folder that user files and model folders are relative to."""
        return self.study.path.resolve().parent

    def task(self, use: TaskUse | Target) -> Task[Any]:
        """The Task that a use names; no other one of the study may have its name."""
        found = task_of({"task": use.task, "own": own_json(use.own)}, self.beside)
        other, known = self._named.setdefault(found.name, (use.task, found))
        if other != use.task and known is not found:
            raise UserError(
                f"{self.study.path}: expected a name of its own for each task, found"
                f" '{found.name}' for {other} and for {use.task}; give yours another `name`."
            )
        return found

    def stage(self, stage: Stage, target: Target | None = None) -> JSON:
        """A training stage with its members' data pinned."""
        config = self.study.config_for(stage, target)
        members = [self.member(use, config, target) for use in stage.members]
        if stage.share_head:
            members = [cast("Any", m) | {"head": cast("Any", members[0])["head"]} for m in members]
        found = [cast("Any", self.entries.found[cast("Any", m)["data"]]) for m in members]
        own: dict[str, JSON] = {}
        if stage.mlm is not None:
            corpora = Corpora(self.entries, self.beside)
            own["mlm"] = mlm.pinned(stage.mlm, not members, corpora, config)
        if not members:
            found = [self.entries.found.get(name, {}) for name in mlm.entries(own)["text"]]
        # An entry that could not be read has a fault of its own.
        dev = any(entry.get("dev_digest") or not entry for entry in found)
        faults = selections.stage_faults(config, stage, dev)
        self.entries.faults += [f"{self.study.path}: {fault}" for fault in faults]
        return own | {
            "members": members,
            "rates": self._rates(stage),
            "cap": stage.cap,
            "config": config.pinned(),
        }

    def _rates(self, stage: Stage) -> JSON:
        """A stage's rates; explicit ones name members by the names of their tasks."""
        if isinstance(stage.rates, str):
            return stage.rates
        if not isinstance(stage.rates, dict):
            return cast("JSON", stage.rates.model_dump())
        asked = member_names([(use.task, use.trained_in) for use in stage.members])
        named = member_names([(self.task(use).name, use.trained_in) for use in stage.members])
        return {name: stage.rates[old] for old, name in zip(asked, named, strict=True)}

    def trained_on(self, stop: str) -> int:
        """How many examples the stages of a stop train on, caps considered."""
        chosen = next(s for s in self.study.intermediate if s.name == stop)
        count = 0
        for stage in chosen.stages:
            own = cast("Any", self.stage(stage))
            for member in own["members"] or own["mlm"]["text"]:
                size = cast("Any", self.entries.found.get(member["data"], {})).get("count", 0)
                count += min(size, stage.cap or size)
        return count

    def _sized(self, use: TaskUse, task: Task[Any], dev_examples: int) -> TaskUse:
        """A use that is `like` a stop, with its number of examples instead.

        Where some are held out for dev, as many more are asked for.
        """
        if use.like is None:
            return use
        wanted = self.trained_on(use.like)
        try:
            examples = self.entries.enough(use, task, dev_examples, wanted)
        except UserError as error:
            self.entries.faults.append(f"{self.study.path}: `like: {use.like}`: {error}")
            examples = wanted
        return use.model_copy(update={"examples": max(1, examples), "like": None})

    def member(self, use: TaskUse, config: TrainConfig, target: Target | None) -> JSON:
        """One task of a stage: its head, its training and its dev examples."""
        task = self.task(use)
        kind = "" if target is None else self.task(target).kind
        use = self._sized(use, task, config.dev_examples)
        entry = self.entries.training(use, task, config.dev_examples)
        self._check_negatives(use, task, cast("Any", self.entries.found[entry]))
        head = trained_head(task, target, kind, self.study.recipes)
        if use.options:
            options = dict(head.options) | use.options
            head = replace(head, options=tuple(sorted(options.items())))
        pinned: dict[str, JSON] = {
            "task": task.name,
            "ref": {"task": use.task, "own": own_json(use.own)},
            "version": task.version,
            "language": use.language,
            "head": to_json(head),
            "data": entry,
        }
        return pinned if use.translate is None else translations.asked(pinned, use.translate)

    def _check_negatives(self, use: TaskUse, task: Task[Any], entry: Mapping[str, Any]) -> None:
        """There must be more to mine from than is asked for; {} is an entry that has a fault."""
        asked = int(use.options.get("hard_negatives", "0"))
        there = entry.get("pool_count", entry.get("count", asked + 1))
        if there <= asked:
            self.entries.faults.append(
                f"{self.study.path}: expected `hard_negatives` below the {there} candidates of task"
                f" {task.name} ({use.language}), found {asked}; lower it or train on more examples."
            )


def resolve(
    study: Study,
    store: Store,
    *,
    data: Path | None = None,
    limit: int | None = None,
    relock: bool = False,
    keep: bool = True,
    say: Callable[[str], None] = lambda _: None,
) -> Lock:
    """Read what the study needs, compare with its lock, write the lock, and return it.

    Without `data`, tasks come from the hub, at the commits that the lock names. Without `keep`
    it neither compares nor writes.

    Raises StudyFaults with everything that is missing or wrong, LockMismatch with everything
    that changed.
    """
    path = lock_path(study, limit)
    old = {} if relock else read_lock(path)
    place = Hub(pins=pins(old), say=say) if data is None else data
    entries = Entries(store, place, limit, old.get("data", {}), say)
    resolver = Resolver(study, entries)
    lock: Lock = {
        "format": FORMAT,
        "study": study.name,
        "content": content_of(study),
        "versions": _versions(),
        "numerics": numerics_of(study.numerics, old),
        "backbones": _backbones(resolver),
        "seeds": list(study.seeds),
        "stops": [
            {"name": s.name, "stages": [resolver.stage(stage) for stage in s.stages]}
            for s in study.intermediate
        ],
        "targets": [_target(resolver, t) for t in study.targets],
    }
    if translators := translations.located(study, entries.faults):
        lock["translators"] = translators
    lock["remarks"] = cast("JSON", entries.remarks)
    mlm.check(study, lock, old, entries.faults)
    if study.probes is not None:
        target_of, corpora = partial(_target, resolver), Corpora(entries, resolver.beside)
        lock["probes"] = probes.pinned(study.probes, lock, old, target_of, corpora)
    lock["data"] = entries.found
    _check_lengths(resolver, lock)
    if not entries.faults:  # a backbone that is not there has been said
        entries.faults += [f"{study.path}: {f}" for f in trainable.count(lock, resolver.beside)]
    if entries.faults:
        raise StudyFaults(list(dict.fromkeys(entries.faults)))
    if not keep:
        return lock
    changed = differences(old, lock)
    if changed:
        more = f"; and {len(changed) - SHOWN} more" if len(changed) > SHOWN else ""
        raise LockMismatch(
            f"{path}: expected what this lock pins, found "
            + "; ".join(changed[:SHOWN])
            + f"{more}. Restore it, or run with --relock to accept the change"
            " (steps that depend on it are computed again)."
        )
    text = pretty(lock)
    if not path.exists() or path.read_text() != text:
        with explained(path.parent):
            write_atomically(path, text)
    return lock


def _versions() -> dict[str, JSON]:
    found: dict[str, JSON] = {p: version(p) for p in PACKAGES}
    return found | {"python": platform.python_version()}


def _backbones(resolver: Resolver) -> dict[str, JSON]:
    from waystation import backbone

    found: dict[str, JSON] = {}
    for name in resolver.study.backbones:
        try:
            source = backbone.locate(name, resolver.beside)
        except UserError as error:
            resolver.entries.faults.append(str(error))
            continue
        resolver.depths[name] = layers_of(config_of(source.path, name))
        found[name] = source.pinned()
    return found


def _check_lengths(resolver: Resolver, lock: Mapping[str, Any]) -> None:
    """No stage may ask for longer inputs than a backbone has positions, nor for higher layers."""
    stages = [s for stop in lock["stops"] for s in stop["stages"]]
    longest = [s["config"]["max_tokens"] for s in stages]
    longest += [target["max_tokens"] for target in lock["targets"]]
    longest += [probe["max_tokens"] for probe in lock.get("probes", {}).get("measured", [])]
    for name, source in lock["backbones"].items():
        most = source["max_tokens"]
        if most is not None and max(longest) > most:
            resolver.entries.faults.append(
                f"{resolver.study.path}: expected max_tokens of at most {most}, the positions of"
                f" backbone {name}, found {max(longest)}; lower max_tokens."
            )
    measured = [*lock["targets"], *lock.get("probes", {}).get("measured", [])]
    asked = [dict(m["head"]["options"]).get("layers", "") for m in measured]
    highest = max((int(n) for text in asked for n in text.split(",") if n.isdecimal()), default=0)
    for name, depth in resolver.depths.items():
        if depth is not None and highest > depth:
            resolver.entries.faults.append(
                f"{resolver.study.path}: expected layers of at most {depth}, those of backbone"
                f" {name} (0 is the embeddings), found {highest}; lower `layers`."
            )


def _target(resolver: Resolver, target: Target) -> JSON:
    task = resolver.task(target)
    stages = target.stages
    if target.fine_tuned and stages is None:
        own = TaskUse(task=target.task, own=target.own, language=task.source_language)
        uses = [TaskUse(task=t) for t in task.train] or [own]
        stages = tuple(Stage(members=(use,)) for use in uses)
    head = head_of(task, target, resolver.study.recipes)
    pinned = [resolver.stage(s, target) for s in stages or ()] if target.fine_tuned else []
    if pinned:
        trained = [m["head"] for m in cast("Any", pinned[-1])["members"]]
        if to_json(head) not in trained and task.kind not in RETRIEVAL:
            resolver.entries.faults.append(
                f"{resolver.study.path}: targets.{target.name}: expected its last fine-tuning"
                f" stage to train a {head.kind} head with labels {list(head.labels)}, found"
                f" {[(h['kind'], h['labels']) for h in trained]}; fine-tune on a task of the same"
                " kind and labels."
            )
    config = resolver.study.config_for(
        (stages or (Stage(members=(TaskUse(task=target.task, own=target.own),)),))[-1], target
    )
    source = task.source_language
    for first in stages[-1].members[:1] if stages else ():
        source = first.trained_in
    pinned_target: dict[str, JSON] = {
        "name": target.name,
        "task": task.name,
        "ref": {"task": target.task, "own": own_json(target.own)},
        "version": task.version,
        "head": to_json(head),
        "fine_tuned": target.fine_tuned,
        "source_language": source,
        "stages": pinned,
        "max_tokens": config.max_tokens,
        "stride": config.stride,
    }
    pinned_target |= _evaluated(resolver, target, task)
    tags = tuple(cast("Any", pinned_target["evaluate"]))
    return pinned_target | selections.pinned(resolver, target, stages or (), task, tags)


def _evaluated(resolver: Resolver, target: Target, task: Task[Any]) -> dict[str, JSON]:
    """Language -> entry of what is evaluated, of its pool, and of what thresholds are chosen on.

    A task that mines pairs has one entry more for each of the first two: its tune split, which
    may be what is evaluated; then the threshold is chosen on the very same pairs, an oracle.
    """
    entries = resolver.entries
    split = target.split or task.test_split
    languages = _languages(resolver, target, task)
    found: dict[str, JSON] = {
        "evaluate": {tag: entries.evaluation(target, task, tag, split) for tag in languages}
    }
    if task.pools:
        found["pools"] = dict(entries.pools(target, task, split, languages))
    tuned = task.tune_split
    if tuned is not None and tuned != split:
        pools = entries.pools(target, task, tuned, languages)
        found["tuning"] = {
            tag: [entries.evaluation(target, task, tag, tuned), pools[tag]] for tag in languages
        }
    return found


def _languages(resolver: Resolver, target: Target, task: Task[Any]) -> tuple[str, ...]:
    """The target's languages; where it names none, all of the task's whose files are there."""
    if target.languages is not None:
        return target.languages
    split = target.split or task.test_split
    there = sources.available(task, resolver.entries.data, split)
    if not there:  # let reading say what is missing
        return task.languages[:1]
    absent = [tag for tag in task.languages if tag not in there]
    if absent:
        count = "one language" if len(there) == 1 else f"{len(there)} languages"
        resolver.entries.remarks.append(
            f"{target.name}: evaluated in the {count} whose {split} files are there; absent:"
            f" {listed(absent)}."
        )
    return there


def head_of(task: Task[Any], target: Target | None, recipes: str = "study") -> HeadSpec:
    """A task's head under a target's options; retrieval heads carry layers and poolings."""
    options = dict(task.options)
    if recipes == "official" and task.kind in ("tagging", "span"):
        options["windows"] = "official"
    options |= target.options if target is not None else {}
    if task.kind in RETRIEVAL and target is not None:
        layers = target.layers
        options["layers"] = layers if isinstance(layers, str) else ",".join(map(str, layers))
        options["pooling"] = ",".join(target.pooling)
        if target.scoring:
            options["scoring"] = ",".join(target.scoring)
        if target.neighbours is not None:
            options["neighbours"] = str(target.neighbours)
    return HeadSpec(kind=task.kind, labels=task.labels, options=tuple(sorted(options.items())))


def trained_head(task: Task[Any], target: Target | None, kind: str, recipes: str) -> HeadSpec:
    """The head that a stage trains for a target of a kind, or for none.

    What does not change its training is left out, so that equal trainings are one step: layers,
    scores and further poolings are compared afterwards, and options are the target's kind's own.
    """
    if task.kind not in RETRIEVAL:
        return head_of(task, target if task.kind == kind else None, recipes)
    head = head_of(task, None, recipes)
    if target is None or target.pooling[0] == "mean":  # what a retrieval head does unasked
        return head
    options = dict(head.options) | {"pooling": target.pooling[0]}
    return replace(head, options=tuple(sorted(options.items())))


def numerics_of(numerics: Numerics, old: Mapping[str, Any]) -> JSON:
    """Concrete numerics; what was `auto` keeps the lock's value."""
    pinned = old.get("numerics") or {}
    precision, threads = numerics.precision, numerics.threads
    if precision == "auto":
        precision = pinned.get("precision") or ("bf16" if _bf16() else "fp32")
    if threads == "auto":
        threads = pinned.get("threads") or len(os.sched_getaffinity(0))
    return {"precision": precision, "threads": threads}


def _bf16() -> bool:
    from waystation.backbone import hardware_has_bf16

    return hardware_has_bf16()
