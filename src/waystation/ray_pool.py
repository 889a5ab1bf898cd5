"""The Ray pool: units of steps on the machines of a Ray cluster; bytes equal to the other pools.

The cluster is the one at RAY_ADDRESS, or one that is started on this machine and ends with the
run. Workers are actors, all of one size: enough CPU cores, GPUs and memory for the largest step.
A unit goes to a free worker that holds its base model, else to any free one. A worker that is
lost with its process or machine breaks only its own unit. Ray carries steps there and progress
back; results go through the store, which every machine must mount at the same path.

Not done: growing with an autoscaler beyond `--jobs`, several machines for one step, `ray://`
clients. The cluster's head is Ray's single point of failure: without it the run ends, and the
store is continued by running again.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import threading
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import BrokenExecutor, Future
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO, Any, Final

from waystation.errors import UserError
from waystation.plan import Step
from waystation.ray_cluster import Need, backbone_of, connect, fitted, import_ray, keep_quiet
from waystation.ray_worker import Greeting, Worker, arrived, versions
from waystation.steps import Emit, Finished, Place
from waystation.store import Store, explained

PATIENCE_S: Final = 30.0
"""After waiting this long for room in the cluster, that is said."""
FAILED_STARTS: Final = 3


@dataclass(eq=False)
class Hired:
    """A worker as the driver knows it; `greeting` is a reference until it has come."""

    actor: Any
    greeting: Any
    backbone: str = ""


def nearest(idle: Sequence[Hired], backbone: str) -> Hired:
    """The free worker that holds the backbone, else one that holds none, else the first."""
    return min(idle, key=lambda w: (w.backbone != backbone, w.backbone != ""))


class RayPool:
    """Units on a cluster's machines."""

    def __init__(
        self,
        store: Store,
        need: Need,
        jobs: int | None,
        emit: Emit,
        say: Callable[[str], None],
    ) -> None:
        self._store, self._emit, self._say = store, emit, say
        self._lock, self._telling = threading.Lock(), threading.Lock()
        self._starting: list[Hired] = []
        self._idle: list[Hired] = []
        self._busy: list[Hired] = []
        self._processors: dict[str, str] = {}
        self._threads: list[threading.Thread] = []
        self._claims = 0
        self._failed_starts = 0
        self._closed = False
        self._ray = import_ray()
        self._joined = not self._ray.is_initialized()
        self._scratch: Path | None = None
        self._token: IO[str] | None = None
        try:
            self._token = self._hold_token()
            self._versions = versions()
            self._scratch = connect(self._ray) if self._joined else None
            if self._joined:
                keep_quiet(self._ray)
            nodes = self._ray.nodes()
            self._need, count = fitted(need, nodes)
            self.jobs = jobs or count
            machines = {n["NodeManagerHostname"] for n in nodes if n["Alive"]}
            self.retries_alone = len(machines) == 1
            where = "1 machine" if self.retries_alone else f"{len(machines)} machines"
            workers = "1 worker" if self.jobs == 1 else f"{self.jobs} workers"
            say(f"Ray: up to {workers} on {where}, each with {self._need}")
            self._move(self._claim(""), self._idle)  # a cluster that will not do says so at once
        except BaseException:
            self.close(kill=True)
            raise

    def _hold_token(self) -> IO[str]:
        """A file by which workers know the store, and a lock that they must not get."""
        with explained(self._store.root):
            file = (self._store.root / "locks" / f"ray-{uuid.uuid4().hex}").open("w+")
            file.write(Path(file.name).name)
            file.flush()
            os.fsync(file.fileno())
            fcntl.flock(file, fcntl.LOCK_EX)
        return file

    def submit(self, place: Place, unit: tuple[Step, ...]) -> Future[list[Finished]]:
        """Find a worker for the unit, in a thread of its own."""
        future: Future[list[Finished]] = Future()
        place = replace(place, device="cuda" if self._need.gpus else "cpu")

        def serve() -> None:
            try:
                ended = self._serve(place, unit)
            except BaseException as error:
                future.set_exception(error)
            else:
                future.set_result(ended)

        thread = threading.Thread(target=serve, daemon=True)
        self._threads = [t for t in self._threads if t.is_alive()] + [thread]
        thread.start()
        return future

    def restart(self) -> None:
        """Nothing to restart: a lost worker is replaced when a unit needs one."""

    def close(self, *, kill: bool = False) -> None:
        """End the workers, and the cluster where it is ours; nothing of ours is left running."""
        self._closed = True
        if self._ray.is_initialized():
            with self._lock:
                for worker in (*self._starting, *self._idle, *self._busy):
                    self._ray.kill(worker.actor)
            for thread in self._threads:
                thread.join(timeout=5)
            if self._joined:
                self._ray.shutdown()
        if self._token is not None:
            Path(self._token.name).unlink(missing_ok=True)
            self._token.close()
        if self._scratch is not None:
            shutil.rmtree(self._scratch, ignore_errors=True)

    def _serve(self, place: Place, unit: tuple[Step, ...]) -> list[Finished]:
        backbone = next((b for s in unit if (b := backbone_of(s))), "")
        ended: list[Finished] | None = None
        while ended is None:
            worker = self._claim(backbone)
            begun = False
            try:
                run = worker.actor.run.options(num_returns="streaming")
                for reference in run.remote(place, unit):
                    event = self._ray.get(reference)
                    begun = True
                    if isinstance(event, list):
                        ended = event
                    elif event is not None:
                        with self._telling:
                            self._emit(event)
            except self._ray.exceptions.RayTaskError as error:
                self._move(worker, self._idle)
                raise error.cause from None
            except self._ray.exceptions.RayError as error:
                self._dismiss(worker)
                if begun:
                    raise BrokenExecutor(f"a worker was lost: {error}") from error
                continue  # it was lost while it was idle: the unit has no part in that
            self._move(worker, self._idle)
        arrived(self._store, [f.key for f in ended if f.state in ("done", "cached")])
        return ended

    def _claim(self, backbone: str) -> Hired:
        """A free worker, one that holds the backbone if there is one; starts one while it may."""
        began, told = time.monotonic(), False
        with self._lock:
            self._claims += 1
        try:
            while not self._closed:
                with self._lock:
                    if self._idle:
                        return self._take(nearest(self._idle, backbone), backbone)
                    room = self.jobs - len(self._starting) - len(self._busy)
                    if room > 0 and len(self._starting) < self._claims:
                        self._starting.append(self._hire())
                    waiting = {w.greeting: w for w in self._starting}
                if not waiting:
                    time.sleep(0.1)
                    continue
                for reference in self._ray.wait(list(waiting), timeout=0.5)[0]:
                    self._welcome(waiting[reference])
                if not told and time.monotonic() - began > PATIENCE_S:
                    told = True
                    self._tell(f"waiting for the cluster to have room for {self._need}")
        finally:
            with self._lock:
                self._claims -= 1
        raise BrokenExecutor("the pool was closed")

    def _take(self, worker: Hired, backbone: str) -> Hired:
        self._idle.remove(worker)
        self._busy.append(worker)
        worker.backbone = backbone or worker.backbone
        return worker

    def _tell(self, text: str) -> None:
        with self._telling:
            self._say(text)

    def _hire(self) -> Hired:
        threads = str(self._need.threads)
        environment = {
            "OMP_NUM_THREADS": threads,
            "MKL_NUM_THREADS": threads,
            "TOKENIZERS_PARALLELISM": "false",
        }
        actor = (
            self._ray.remote(Worker)
            .options(
                num_cpus=self._need.cpus,
                num_gpus=self._need.gpus,
                memory=self._need.memory_bytes or None,
                max_restarts=0,
                max_task_retries=0,
            )
            .remote(environment)
        )
        token = Path(self._token.name).name if self._token else ""
        return Hired(actor, actor.greet.remote(self._store.root, token))

    def _welcome(self, worker: Hired) -> None:
        """Take a worker that has greeted into the pool. Raises UserError where it does not fit."""
        with self._lock:
            if worker not in self._starting:  # another thread was quicker
                return
            self._starting.remove(worker)
            try:
                greeting: Greeting = self._ray.get(worker.greeting)
            except self._ray.exceptions.RayError as error:
                self._failed_starts += 1
                if self._failed_starts < FAILED_STARTS:
                    return
                lines = [line.strip() for line in str(error).splitlines() if line.strip()]
                raise UserError(
                    f"expected workers of the cluster to start, found {FAILED_STARTS} that did not"
                    f" ({lines[-1]}); install waystation[ray] and its requirements on every machine"
                    " of the cluster, in the environment that `ray start` was run in."
                ) from error
            self._failed_starts = 0
            fault = unfit(greeting, self._versions, self._store.root)
            if fault:
                self._ray.kill(worker.actor)
                raise UserError(fault)
            self._idle.append(worker)
            new = bool(self._processors) and greeting.processor not in self._processors
            self._processors.setdefault(greeting.processor, greeting.host)
            names = [f"{p} on {h}" for p, h in self._processors.items()]
        if new:
            self._tell(
                f"workers have different processors ({', '.join(names)}): results may differ in"
                " their last bits with the machine that computed them"
            )

    def _move(self, worker: Hired, to: list[Hired]) -> None:
        with self._lock:
            self._busy.remove(worker)
            to.append(worker)

    def _dismiss(self, worker: Hired) -> None:
        with self._lock:
            self._busy.remove(worker)
        if not self._closed:
            self._ray.kill(worker.actor)  # it may live on beyond a network that is down


def unfit(greeting: Greeting, expected: Mapping[str, str], root: Path) -> str:
    """Why a worker cannot take part, "" where it can."""
    if greeting.fault:
        return (
            f"expected the store {root} on every machine of the cluster, found on {greeting.host}"
            f" {greeting.fault}; keep it on a file system with file locks that all of them mount"
            " at the same path (docs/howto/ray.md) and give it with --store."
        )
    found = [
        f"{name} {greeting.versions.get(name, 'missing')} instead of {version}"
        for name, version in expected.items()
        if greeting.versions.get(name) != version
    ]
    if not found:
        return ""
    return (
        f"expected the versions of this machine on {greeting.host}, since they decide the last bits"
        f" of results, found {', '.join(found)}; install the same on every machine of the cluster."
    )
