"""What ROUTE names for `waystation export`: one trained model of a registered study.

ROUTE is `STUDY#stop>target@seed` (the model that this route is evaluated with, under its head),
`STUDY#stop@seed` (the intermediate checkpoint, without a head), or the key of a train step (under
the head that it trained, if it is one) or of a predict step (its route). STUDY is a study's name
in the store or its file. Reads the study, its lock and which steps are done; loads nothing.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final, cast

from waystation.errors import StepFailed, UserError, suggest
from waystation.examples import HeadSpec, from_json
from waystation.lock import Lock, locked
from waystation.plan import Plan, Route, Step, pinned, plan
from waystation.store import Store
from waystation.study import BASELINE, Study, load_study

KEY: Final = re.compile(r"[a-z]+-[0-9a-f]{12}")
FORMS: Final = "STUDY#stop>target@seed, STUDY#stop@seed or the key of a train step"


@dataclass(frozen=True, kw_only=True)
class Opened:
    """A study that the store knows, with its lock and plan; `name` is the store's for it."""

    name: str
    study: Study
    lock: Lock
    plan: Plan


@dataclass(frozen=True, kw_only=True)
class Subject:
    """One model to export. `chain` are its (run, select) steps, first to last, where a run is a
    train step, the select step of a sweep, or twice the average step. `trains` are the train steps
    that these came to (`settled` says which; until then the first of a sweep).

    `routes` are those evaluated with exactly this model (of a target alone, where ROUTE names
    one). `head` is None for the backbone alone; `target` is "" unless ROUTE names a route.
    """

    name: str
    opened: Opened
    backbone: str
    stop: str
    target: str
    seed: int
    chain: tuple[tuple[str, str], ...]
    routes: tuple[Route, ...]
    head: HeadSpec | None
    max_tokens: int
    stride: int
    trains: tuple[str, ...] = ()

    @property
    def source(self) -> Mapping[str, Any]:
        """What the lock says of the backbone."""
        return cast("Any", self.opened.lock["backbones"])[self.backbone]  # type: ignore[no-any-return]

    @property
    def pinned(self) -> str:
        """The backbone's name with the lock's commit."""
        return pinned(self.opened.lock, self.backbone)

    @property
    def beside(self) -> Path:
        """The study's folder."""
        return self.opened.study.path.resolve().parent

    @property
    def stages(self) -> list[Step]:
        """Its train steps, first to last."""
        trains = self.trains or [_train_of(self.opened.plan, run) for run, _ in self.chain]
        return [self.opened.plan.steps[train] for train in trains]

    @property
    def key(self) -> str:
        """The train or average step that made it; "" where nothing was trained."""
        if self.chain and self.chain[-1][0].startswith("average-"):
            return self.chain[-1][0]
        return self.stages[-1].key if self.chain else ""


def find(name: str, store: Store) -> Subject:
    """The model that a ROUTE names. Raises UserError with the nearest right name."""
    study, hash_, rest = name.partition("#")
    if not hash_:
        return _by_key(name, store)
    opened = _open(study, store)
    known = dict(_named(opened))
    if rest not in known:
        raise UserError(
            f"expected {FORMS}, such as '{opened.name}#{next(iter(known), 'stop>target@seed')}',"
            f" found '{name}', which is no route or stop of that study."
            f"{_advice(rest, known, opened)}"
        )
    found = known[rest]
    if len(found) > 1:
        keys = [f"{s.key or s.routes[0].predict} ({s.backbone})" for s in found]
        raise UserError(
            f"expected one model, found '{name}' for {len(found)} backbones; name the step"
            f" instead: {', '.join(keys)}."
        )
    return found[0]


def require(subject: Subject, store: Store) -> None:
    """Raises where the weights are not there: not run, failed, or deleted by gc."""
    path = subject.opened.study.path
    last = [key for step in subject.chain[-1:] for key in step]
    for key in dict.fromkeys([*last, *([subject.key] if last else [])]):
        label, state = subject.opened.plan.steps[key].label, store.state(key)
        if state == "done":
            continue
        if state == "pruned":
            raise UserError(
                f"expected the checkpoint of '{label}' in the store {store.root}, found it deleted"
                f" (gc keeps what reports need); `waystation run {path} --weights` computes it"
                " again."
            )
        if state == "damaged":
            raise UserError(
                f"expected {store.folder(key)} as it was written, found files of another size;"
                f" `waystation run {path}` computes it again."
            )
        ancestors = [k for k in subject.opened.plan.ancestors(key) if store.failure(k)]
        failed = next((k for k in (*ancestors, key) if store.failure(k)), None)
        if failed is not None:
            message = (store.failure(failed) or {}).get("message")
            raise StepFailed(
                f"expected '{label}' to be done, found that"
                f" '{subject.opened.plan.steps[failed].label}' failed ({message}); correct that"
                f" and run {path} again."
            )
        raise UserError(
            f"expected '{label}' to be done, found that it has not run in the store {store.root};"
            f" `waystation run {path}` first."
        )


def settled(subject: Subject, store: Store) -> Subject:
    """The subject with the train steps that sweeps chose, its steps being done."""

    def won(run: str) -> str:
        spec = cast("Any", subject.opened.plan.steps[run].spec)
        if run.startswith("select-"):
            return cast("str", cast("Any", store.read_json(run, "select.json"))["train"])
        if run.startswith("average-"):
            return won(spec["run"] if "run" in spec else spec["models"][0][0])
        return run

    return replace(subject, trains=tuple(won(run) for run, _ in subject.chain))


# -- studies ---------------------------------------------------------------------------------------


def _open(name: str, store: Store) -> Opened:
    known = {p.stem: p for p in sorted((store.root / "studies").glob("*.json"))}
    if name in known:
        path = Path(json.loads(known[name].read_text())["study"])
        if not path.is_file():
            raise UserError(
                f"expected the file of study '{name}' at {path}, where it was when it ran, found"
                " none; give its file instead of its name, as in FILE#stop>target@seed."
            )
    elif Path(name).is_file():
        path = Path(name)
    else:
        raise UserError(
            f"expected a study of the store {store.root} ({', '.join(known) or 'it has none'}) or"
            f" a study's file, found '{name}'.{suggest(name, known)} Run the study first."
        )
    study = load_study(path)
    limit = re.search(r"\.limit-(\d+)$", name) if name in known else None
    lock = locked(study, int(limit[1]) if limit else None)
    if lock is None:
        raise UserError(
            f"expected a lock beside {path} that was made of it as it is now, found none or an"
            f" older one; `waystation run {path}` renews it and keeps what is finished."
        )
    return Opened(
        name=name if name in known else study.name, study=study, lock=lock, plan=plan(lock)
    )


def _by_key(key: str, store: Store) -> Subject:
    names = [p.stem for p in sorted((store.root / "studies").glob("*.json"))]
    if not KEY.fullmatch(key):
        raise UserError(
            f"expected {FORMS}, found '{key}'; studies of the store {store.root}:"
            f" {', '.join(names) or 'none'}."
        )
    faults = []
    steps: list[str] = []
    for name in names:
        try:
            opened = _open(name, store)
        except UserError as error:  # another study's fault, unless no study has the step
            faults.append(str(error))
            continue
        steps += [k for k in opened.plan.steps if k.startswith(("train-", "predict-"))]
        for route in (*opened.plan.routes, *opened.plan.selections):
            if route.predict == key:
                return _route(opened, route)
            for count, (run, _) in enumerate(_chain(opened, route), 1):
                if key == run or key in _swept(opened.plan, run):
                    found = _step(opened, count, route)
                    _check_chosen(found, key, store)
                    return found
    raise UserError(
        f"expected the key of a train step of the studies {', '.join(names) or '(none)'} in the"
        f" store {store.root}, found '{key}'.{suggest(key, steps)}"
        + (f" Not looked at: {faults[0]}" if faults else " `waystation plan STUDY` shows keys.")
    )


def _check_chosen(subject: Subject, key: str, store: Store) -> None:
    run, _ = subject.chain[-1]
    if key != run and store.state(run) == "done":
        won = settled(subject, store).trains[-1]
        if key != won:
            raise UserError(
                f"expected the train step whose learning rate the sweep {run} chose, found"
                f" '{key}', which it did not; take {won}."
            )


def _advice(rest: str, known: Mapping[str, object], opened: Opened) -> str:
    if re.fullmatch(rf"{BASELINE}@\d+", rest):
        return (
            f" '{BASELINE}' trains nothing: export the backbone by loading it from where it is"
            f" ({', '.join(opened.study.backbones)})."
        )
    return suggest(rest, known) + " `waystation report STUDY` lists stops and targets."


# -- models ----------------------------------------------------------------------------------------


def _named(opened: Opened) -> Iterator[tuple[str, list[Subject]]]:
    """Every route and every stop of a study by name, once for each backbone."""
    found: dict[str, dict[str, Subject]] = {}
    for route in opened.plan.routes:
        found.setdefault(route.name, {}).setdefault(route.backbone, _route(opened, route))
        if route.stop != BASELINE:
            name = f"{route.stop}@{route.seed}"
            by_backbone = found.setdefault(name, {})
            if route.backbone not in by_backbone:
                by_backbone[route.backbone] = _stop(opened, route)
    for name, subjects in found.items():
        yield name, list(subjects.values())


def _chain(opened: Opened, route: Route) -> tuple[tuple[str, str], ...]:
    """The (train, select) steps behind a route, first to last."""
    found: list[tuple[str, str]] = []
    parent = cast("Any", opened.plan.steps[route.predict].spec["model"])
    while parent is not None:
        found.insert(0, (parent[0], parent[1]))
        train = opened.plan.steps[_train_of(opened.plan, parent[0])]
        parent = cast("Any", train.spec["parent"])
    return tuple(found)


def _train_of(plan: Plan, run: str) -> str:
    """A train step of a run, the first of several."""
    while not run.startswith("train-"):
        spec = cast("Any", plan.steps[run].spec)
        if "runs" in spec:
            run = spec["runs"][0][1]
        else:
            run = spec["models"][0][0] if "models" in spec else spec["run"]
    return run


def _swept(plan: Plan, run: str) -> list[str]:
    """The train steps of a sweep; none of other runs."""
    return [key for _, key in cast("Any", plan.steps[run].spec).get("runs", ())]


def _route(opened: Opened, route: Route) -> Subject:
    """The model of a route; of another way to choose its checkpoint, which was evaluated apart."""
    spec, chain = cast("Any", opened.plan.steps[route.predict].spec), _chain(opened, route)
    named = [r for r in opened.plan.routes if (r.name, r.backbone) == (route.name, route.backbone)]
    own = tuple(r for r in named if _chain(opened, r) == chain)
    return Subject(
        name=f"{opened.name}#{route.name}" if own else route.predict,
        opened=opened,
        backbone=route.backbone,
        stop=route.stop,
        target=route.target,
        seed=route.seed,
        chain=chain,
        routes=own,
        head=cast("HeadSpec", from_json(HeadSpec, spec["head"])),
        max_tokens=spec["max_tokens"],
        stride=spec["stride"],
    )


def _stop(opened: Opened, route: Route) -> Subject:
    stops = cast("Any", opened.lock["stops"])
    stages = next(s["stages"] for s in stops if s["name"] == route.stop)
    return _trained(
        opened, _chain(opened, route)[: len(stages)], route, f"{route.stop}@{route.seed}", None
    )


def _step(opened: Opened, count: int, route: Route) -> Subject:
    chain = _chain(opened, route)[:count]
    train = _train_of(opened.plan, chain[-1][0])
    members = cast("Any", opened.plan.steps[train].spec["members"])
    heads = [cast("HeadSpec", from_json(HeadSpec, m["head"])) for m in members]
    head = heads[0] if len(set(heads)) == 1 else None
    return _trained(opened, chain, route, "", head)


def _trained(
    opened: Opened,
    chain: tuple[tuple[str, str], ...],
    route: Route,
    name: str,
    head: HeadSpec | None,
) -> Subject:
    """A model by the steps that trained it, and whatever was evaluated with it."""
    spec = cast("Any", opened.plan.steps[_train_of(opened.plan, chain[-1][0])].spec)
    return Subject(
        name=f"{opened.name}#{name}" if name else chain[-1][0],
        opened=opened,
        backbone=route.backbone,
        stop=route.stop,
        target="",
        seed=route.seed,
        chain=chain,
        routes=tuple(r for r in opened.plan.routes if _chain(opened, r) == chain),
        head=head,
        max_tokens=spec["config"]["max_tokens"],
        stride=spec["config"]["stride"],
    )
