"""Running a study: resolve, plan, run what is missing, collect the results.

The scheduler knows nothing of models: it sends units of steps to a pool as their inputs become
ready, recomputes what turns out to be damaged, skips the descendants of what failed, and retries
alone, once, a unit whose worker died. Everything it must remember lies in the store, so a run
that is killed at any moment is continued by running again.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, Future, wait
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from waystation.errors import StoreError
from waystation.lock import Lock, locked
from waystation.plan import Plan, Step, plan
from waystation.pools import InlinePool, LocalPool, Pool
from waystation.resolve import resolve
from waystation.results import Results, collect
from waystation.steps import Finished, Place, Progress
from waystation.store import Store, explained, pretty, write_atomically
from waystation.study import Study, load_study

PoolName = Literal["inline", "local", "ray"]
MAX_RECOMPUTES = 3
STALE_DAYS = 7


@dataclass(frozen=True, kw_only=True)
class Options:
    """How to run: none of it changes a result but `limit`, which enters the keys."""

    store: Path
    data: Path | None = None
    pool: PoolName = "inline"
    jobs: int | None = None
    only: str | None = None
    limit: int | None = None
    relock: bool = False
    verify: bool = False
    weights: bool = False
    """Also compute again the checkpoints that gc deleted."""


@dataclass(frozen=True, kw_only=True)
class Prepared:
    """A study resolved and planned against a store."""

    study: Study
    lock: Lock
    plan: Plan
    store: Store
    states: dict[str, str]
    """Store state of every step of the plan, see Store.state."""
    options: Options

    @property
    def place(self) -> Place:
        """Where its steps run."""
        return Place(
            root=self.store.root,
            beside=self.study.path.resolve().parent,
            device=self.study.resources.devices,
        )

    @property
    def missing(self) -> list[str]:
        """The steps that a run would run."""
        done = {k: s == "done" for k, s in self.states.items()}
        return self.plan.needed(done, self.options.weights)


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """How a run ended."""

    results: Results
    finished: dict[str, Finished]
    prepared: Prepared

    def count(self, state: str) -> int:
        """How many steps of this run ended so."""
        return sum(f.state == state for f in self.finished.values())


class Watcher:
    """What a run tells while it goes on; the command line overrides this with a display."""

    def say(self, text: str) -> None:
        """One sentence worth reading."""

    def begin(self, steps: dict[str, Step], total: int) -> None:
        """`steps` will run, out of `total` in the plan."""

    def event(self, event: Progress | Finished) -> None:
        """A step moved on or ended."""


def prepare(
    path: Path, options: Options, watcher: Watcher | None = None, *, trust: bool = False
) -> Prepared:
    """Read, resolve and plan a study; discards what the store's sizes show to be damaged.

    `trust` takes the study's lock as it is, without looking at data and models, where the study
    has not changed since: reports need no more.
    """
    watcher = watcher or Watcher()
    study = load_study(path)
    store = Store.open(options.store)
    if options.verify:
        for sentence in store.verify():
            watcher.say(sentence)
    known = locked(study, options.limit) if trust else None
    lock = known or resolve(
        study,
        store,
        data=options.data,
        limit=options.limit,
        relock=options.relock,
        say=watcher.say,
    )
    planned = plan(lock, options.only)
    states = {}
    for key in planned.steps:
        states[key] = store.state(key)
        if states[key] == "damaged":
            watcher.say(
                f"{store.folder(key)} has outputs of another size than its manifest says;"
                " it is moved to damaged/ and computed again"
            )
            store.discard(key)
            states[key] = "missing"
    return Prepared(
        study=study, lock=lock, plan=planned, store=store, states=states, options=options
    )


def run_study(path: Path, options: Options, watcher: Watcher | None = None) -> Outcome:
    """The main job. Raises UserError before anything runs, StoreError where the store breaks."""
    watcher = watcher or Watcher()
    prepared = prepare(path, options, watcher)
    missing = prepared.missing
    watcher.begin({k: prepared.plan.steps[k] for k in missing}, len(prepared.plan.steps))
    finished: dict[str, Finished] = {}
    if missing:
        pool = _pool(prepared, watcher, missing)
        run = _Run(prepared, pool, watcher, set(missing))
        try:
            finished = run.all()
        except BaseException:
            pool.close(kill=True)
            raise
        pool.close()
    register(prepared, options.limit)
    results = collect(prepared.lock, prepared.plan, prepared.store, prepared.study)
    return Outcome(results=results, finished=finished, prepared=prepared)


def _pool(prepared: Prepared, watcher: Watcher, missing: list[str]) -> Pool:
    options, resources = prepared.options, prepared.study.resources
    if options.pool == "ray":
        from waystation.ray_cluster import need_of
        from waystation.ray_pool import RayPool

        need = need_of(prepared.lock, prepared.plan, missing, prepared.store, resources)
        return RayPool(prepared.store, need, options.jobs, watcher.event, watcher.say)
    jobs = options.jobs or resources.jobs
    if options.pool == "local" or jobs > 1:
        return LocalPool(jobs, watcher.event)
    return InlinePool(watcher.event)


@dataclass
class _Run:
    """The state of one scheduling."""

    prepared: Prepared
    pool: Pool
    watcher: Watcher
    todo: set[str]
    finished: dict[str, Finished] = field(default_factory=dict)
    deaths: dict[str, int] = field(default_factory=dict)
    recomputes: dict[str, int] = field(default_factory=dict)
    running: dict[Future[list[Finished]], tuple[Step, ...]] = field(default_factory=dict)

    def all(self) -> dict[str, Finished]:
        """Run until nothing is left that can run."""
        while self.todo or self.running:
            self._skip()
            self._submit()
            if not self.running:
                if self.todo:
                    raise AssertionError(f"steps that never become ready: {sorted(self.todo)}")
                break
            done, _ = wait(self.running, return_when=FIRST_COMPLETED)
            for future in done:
                self._take(future, self.running.pop(future))
        return self.finished

    def _submit(self) -> None:
        units = self._ready()
        alone = [u for u in units if self.pool.retries_alone and self.deaths.get(u[0].unit)]
        if alone and not self.running:
            units = alone[:1]
        elif alone:
            units = [u for u in units if u not in alone]
        for unit in units[: max(0, self.pool.jobs - len(self.running))]:
            future = self.pool.submit(self.prepared.place, unit)
            self.running[future] = unit
            self.todo -= {s.key for s in unit}

    def _ready(self) -> list[tuple[Step, ...]]:
        """Units whose inputs are there, in the plan's order, with their steps that are to do."""
        groups: dict[str, list[Step]] = {}
        for key, step in self.prepared.plan.steps.items():
            if key in self.todo:
                groups.setdefault(step.unit, []).append(step)
        ready = []
        under_way = {s.key for unit in self.running.values() for s in unit}
        for steps in groups.values():
            own = {s.key for s in steps}
            outside = {i for s in steps for i in s.inputs} - own
            if not outside & (self.todo | under_way):
                ready.append(tuple(steps))
        return ready

    def _skip(self) -> None:
        """Take off what stands on something that failed."""
        for key, step in self.prepared.plan.steps.items():
            if key in self.todo:
                for parent in step.inputs:
                    if self._state(parent) in ("failed", "skipped"):
                        self.todo.discard(key)
                        label = self.prepared.plan.steps[parent].label
                        ended = Finished(
                            key=key, state="skipped", message=f"needs '{label}', which failed"
                        )
                        self.finished[key] = ended
                        self.watcher.event(ended)
                        break

    def _state(self, key: str) -> str:
        return self.finished[key].state if key in self.finished else ""

    def _take(self, future: Future[list[Finished]], unit: tuple[Step, ...]) -> None:
        try:
            ended = future.result()
        except BrokenExecutor:
            self._worker_died(unit)
            return
        for one in ended:
            if one.state == "damaged":
                self._recompute(one, unit)
            else:
                self.finished[one.key] = one

    def _recompute(self, ended: Finished, unit: tuple[Step, ...]) -> None:
        damaged = ended.damaged
        self.watcher.say(ended.message)
        self.recomputes[damaged] = self.recomputes.get(damaged, 0) + 1
        if self.recomputes[damaged] > MAX_RECOMPUTES:
            raise StoreError(
                f"expected {damaged} to stay as it was written, found it damaged"
                f" {MAX_RECOMPUTES} times; check the disk under {self.prepared.store.root}."
            )
        self.prepared.store.discard(damaged)
        if damaged not in self.prepared.plan.steps:
            raise StoreError(
                f"examples {damaged[:12]} in the store were damaged and moved away;"
                " run again: they are read anew from their files."
            )
        states = self.prepared.store.state
        done = {k: states(k) == "done" for k in self.prepared.plan.steps}
        needed = set(self.prepared.plan.needed(done, self.prepared.options.weights))
        under_way = {s.key for steps in self.running.values() for s in steps}
        settled = {k for k, f in self.finished.items() if f.state in ("failed", "skipped")}
        self.todo |= needed - under_way - settled

    def _worker_died(self, unit: tuple[Step, ...]) -> None:
        self.pool.restart()
        name = unit[0].unit
        self.deaths[name] = self.deaths.get(name, 0) + 1
        left = [s for s in unit if self.prepared.store.state(s.key) != "done"]
        if self.deaths[name] < 2:
            alone = ", alone" if self.pool.retries_alone else ""
            self.watcher.say(
                f"a worker died while it ran '{unit[0].label}'; that is tried once more{alone}"
            )
            self.todo |= {s.key for s in left}
            return
        for step in left[:1]:
            sentence = (
                "expected its worker to finish, found it killed twice, perhaps for memory;"
                " lower jobs, micro_batch_size or max_tokens"
            )
            self.prepared.store.record_failure(
                step.key, {"key": step.key, "label": step.label, "message": sentence, "trace": ""}
            )
            self.finished[step.key] = Finished(key=step.key, state="failed", message=sentence)
            self.watcher.event(self.finished[step.key])
        self.todo |= {s.key for s in left[1:]}


# -- the study in the store, and what else is asked of it ------------------------------------------


def register(prepared: Prepared, limit: int | None) -> None:
    """Write what `STUDY#stop>target@seed` arguments are looked up in."""
    target = {t["name"]: t for t in _any(prepared.lock["targets"])}
    routes: dict[str, Any] = {}
    # All routes, also those that this run's --only left out.
    whole = plan(prepared.lock) if prepared.options.only else prepared.plan
    for route in whole.routes:
        step = whole.steps[route.predict]
        routes[route.name] = {
            "backbone": step.context["pinned"],
            "spec": {k: v for k, v in step.spec.items() if k not in ("data", "language")},
            "ref": target[route.target]["ref"],
            "beside": str(prepared.study.path.resolve().parent),
        }
    name = prepared.study.name + (f".limit-{limit}" if limit is not None else "")
    path = prepared.store.root / "studies" / f"{name}.json"
    text = pretty({"study": str(prepared.study.path.resolve()), "routes": routes})
    if not path.exists() or path.read_text() != text:
        with explained(prepared.store.root):
            write_atomically(path, text)


def prunable(prepared: Prepared) -> dict[str, tuple[list[str], int]]:
    """Train and average steps with checkpoints that this study no longer needs: (files, bytes).

    Intermediate checkpoints stay, since new targets start from them; so does a target's own
    training while any of its scores is missing, or where it doubles as an intermediate.
    """
    needed = prepared.plan.serving((key, "") for key in prepared.missing)
    stops = stop_keys(prepared.lock, prepared.plan)
    found = {}
    for key, step in prepared.plan.steps.items():
        if step.kind not in ("train", "average") or needed[key] or key in stops:
            continue
        if prepared.states[key] == "done":
            names = list(prepared.store.outputs(key, "checkpoints/"))
            folder = prepared.store.folder(key)
            found[key] = (names, sum((folder / n).stat().st_size for n in names))
    return found


def stale(prepared: Prepared) -> dict[str, int]:
    """Partial states that nothing is likely to continue: key -> bytes.

    Of steps that are done; and of steps that this study does not have, after STALE_DAYS, since a
    store may serve another study.
    """
    store, found = prepared.store, {}
    for key in store.partials():
        age_s = time.time() - store.partial(key).stat().st_mtime
        elsewhere = key not in prepared.plan.steps
        if store.state(key) == "done" or (elsewhere and age_s > STALE_DAYS * 86400):
            files = [p.stat() for p in store.partial(key).rglob("*") if p.is_file()]
            found[key] = sum(s.st_size for s in files if s.st_nlink == 1)  # others stay anyway
    return found


def stop_keys(lock: Mapping[str, Any], whole: Plan) -> set[str]:
    """Steps that some stop of the study ends with or passes through."""
    bare: Any = {"stages": [], "selections": []}
    only_stops = dict(lock) | {"targets": [dict(t) | bare for t in _any(lock["targets"])]}
    return set(plan(only_stops).steps) & set(whole.steps)


def _any(value: object) -> Any:
    return value
