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

import contextlib
import fcntl
import logging
import os
import shutil
import signal
import socket
import sys
import tempfile
import threading
import time
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import BrokenExecutor, Future
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO, Any, Final, cast

from waystation.errors import UserError
from waystation.plan import Plan, Step
from waystation.ray_worker import Greeting, Worker, arrived, versions
from waystation.settings import Resources
from waystation.steps import Emit, Finished, Place
from waystation.store import Store, explained

CONNECT_S: Final = 5.0
"""A cluster's head answers within this, or it is not there."""
PATIENCE_S: Final = 30.0
"""After waiting this long for room in the cluster, that is said."""
FAILED_STARTS: Final = 3
OBJECT_STORE_BYTES: Final = 80_000_000  # Ray's least is 75 MB, and nothing large goes through it
WEIGHTS_TO_PEAK: Final = 4.0  # fp32 weights, gradients and AdamW's two moments
QUIET: Final = {
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_NUM_REDIS_GET_RETRIES": "3",  # tries of one second to reach the head, 20 by default
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "1",
}


@dataclass(frozen=True, kw_only=True)
class Need:
    """What one worker reserves. `gpus` None: one, where the cluster has any."""

    cpus: int
    gpus: float | None
    memory_bytes: int
    estimated: bool
    """The memory is an estimate, which is no reason to refuse a machine."""
    threads: int

    def __str__(self) -> str:
        cpus = "1 CPU" if self.cpus == 1 else f"{self.cpus} CPUs"
        gpus = f", {self.gpus:g} GPU" if self.gpus else ""
        return f"{cpus}{gpus} and {self.memory_bytes / 1e9:.1f} GB of memory"


def need_of(
    lock: Mapping[str, Any], plan: Plan, missing: Iterable[str], store: Store, resources: Resources
) -> Need:
    """The size of a worker: what the study's `resources` say, else what its largest step takes.

    Memory is the most that this store's finished steps took with the same backbones, else a
    multiple of the weights.
    """
    names = {_backbone(plan.steps[k]) for k in missing} - {""}
    weights = [lock["backbones"][name]["size_bytes"] for name in names]
    peaks = [
        int(cast("int", store.run_info(key).get("peak_memory_bytes", 0)))
        for key, step in plan.steps.items()
        if _backbone(step) in names
    ]
    peak = max(peaks, default=0) or int(WEIGHTS_TO_PEAK * max(weights, default=0))
    gpus, memory, threads = resources.gpus, resources.memory_gb, int(lock["numerics"]["threads"])
    if gpus is None and resources.devices != "auto":
        gpus = 1.0 if resources.devices == "cuda" else 0.0
    return Need(
        cpus=resources.cpus or threads,
        gpus=gpus,
        memory_bytes=peak if memory is None else int(memory * 1e9),
        estimated=memory is None,
        threads=threads,
    )


def _backbone(step: Step) -> str:
    return str(step.context.get("backbone", ""))


# -- the cluster -----------------------------------------------------------------------------------


def import_ray() -> Any:
    """Ray, set to be quiet and to report nothing. Raises UserError where it is not installed."""
    for name, value in QUIET.items():
        os.environ.setdefault(name, value)
    try:
        import ray
    except ImportError as error:
        raise UserError(
            "expected Ray for --pool ray, found it not installed;"
            " install it with `pip install waystation[ray]` on every machine of the cluster."
        ) from error
    return ray


def connect(ray: Any) -> Path | None:
    """Join the cluster at RAY_ADDRESS, or start one here: then gives its scratch folder.

    Raises UserError where there is none, or where it is not for us.
    """
    quiet = {"log_to_driver": False, "logging_level": logging.ERROR}
    address = os.environ.get("RAY_ADDRESS") or "local"
    if address == "local":
        # not the usual temporary folder: paths of sockets are short, 107 bytes
        scratch = Path(tempfile.mkdtemp(prefix="ws-ray-", dir="/tmp"))
        try:
            ray.init(
                address="local",
                include_dashboard=False,
                object_store_memory=OBJECT_STORE_BYTES,
                _temp_dir=str(scratch),
                **quiet,
            )
        except BaseException:
            shutil.rmtree(scratch, ignore_errors=True)
            raise
        return scratch
    if address != "auto":
        knock(address)
    try:
        with _hushed():
            ray.init(address=address, **quiet)
    except (ConnectionError, RuntimeError, ValueError, OSError, ray.exceptions.RayError) as error:
        raise UserError(_refusal(address, error)) from error
    return None


def knock(address: str) -> None:
    """Raise UserError unless something at HOST:PORT answers as Ray's head does (HTTP/2).

    Ray itself would try for two minutes and not be interruptible.
    """
    host, colon, port = address.rpartition(":")
    if "://" in address or not colon or not port.isdigit():
        raise UserError(
            f"expected RAY_ADDRESS to be HOST:PORT of a cluster's head, `auto` or `local`, found"
            f" '{address}'; run on a machine of the cluster, `ray start --head` prints its address."
        )
    found = ""
    try:
        with socket.create_connection((host.strip("[]"), int(port)), CONNECT_S) as connection:
            if os.environ.get("RAY_USE_TLS") == "1":
                return
            connection.sendall(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes((0, 0, 0, 4, *[0] * 5)))
            answer = connection.recv(9)
            if len(answer) < 4 or answer[3] != 4:  # the type of a SETTINGS frame, RFC 9113
                found = "something else listening there"
    except (OSError, OverflowError) as error:
        found = f"nothing ({error})"
    if found:
        raise UserError(
            f"expected the head of a Ray cluster at RAY_ADDRESS {address}, found {found};"
            " start one with `ray start --head`, or unset RAY_ADDRESS for one on this machine."
        )


@contextlib.contextmanager
def _hushed() -> Iterator[None]:
    """Keep what Ray's C++ side writes to standard error out: we say it in one sentence."""
    kept = os.dup(2)
    with Path(os.devnull).open("w") as nothing:
        os.dup2(nothing.fileno(), 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)


def _keep_quiet(ray: Any) -> None:
    """Take back what `ray.init` does to the process of a command line."""
    # it prints what it hears of lost machines to standard output, where results go
    ray._private.worker._worker_logs_enabled = False
    # and dumps its stack on SIGTERM, which schedulers send: the run must end and clean up
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))


def _refusal(address: str, error: BaseException) -> str:
    link: BaseException | None = error
    said = ""
    while link is not None:
        said += f" {type(link).__name__}: {link}"
        link = link.__cause__ or link.__context__
    if "Version mismatch" in said:
        words = " ".join(str(error).split())
        return (
            f"expected the cluster at {address} to have this machine's versions of Python and Ray,"
            f" found others ({words}); install the same on every machine."
        )
    if "AuthenticationError" in said:
        return (
            f"expected the cluster at {address} to accept this machine's token, found it refused;"
            " copy ~/.ray/auth_token from its head, or set RAY_AUTH_TOKEN_PATH."
        )
    first = str(error).strip().split("\n")[0]
    return (
        f"expected to join the Ray cluster at {address}, found {type(error).__name__}: {first};"
        f" run `ray start --address={address}` on this machine first, or unset RAY_ADDRESS for a"
        " cluster on this machine."
    )


def fitted(need: Need, nodes: Sequence[Mapping[str, Any]]) -> tuple[Need, int]:
    """The need made concrete and how many such workers fit. Raises UserError for none."""
    rooms = [n["Resources"] for n in nodes if n["Alive"]]
    if need.gpus is None:
        need = replace(need, gpus=1.0 if any(r.get("GPU", 0) >= 1 for r in rooms) else 0.0)
    if need.estimated:
        largest = int(max((r.get("memory", 0) for r in rooms), default=0))
        need = replace(need, memory_bytes=min(need.memory_bytes, largest))
    wanted = {"CPU": need.cpus, "GPU": need.gpus, "memory": need.memory_bytes}
    count = sum(
        int(min(room.get(name, 0) // least for name, least in wanted.items() if least))
        for room in rooms
    )
    if not count:
        found = "; ".join(
            f"{r.get('CPU', 0):g} CPUs, {r.get('GPU', 0):g} GPU, {r.get('memory', 0) / 1e9:.1f} GB"
            for r in rooms
        )
        raise UserError(
            f"expected a machine in the cluster with {need} for one step, found {found};"
            " lower `resources: {cpus:, gpus:, memory_gb:}` in the study, or add such a machine."
        )
    return need, count


# -- the pool --------------------------------------------------------------------------------------


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
                _keep_quiet(self._ray)
            nodes = self._ray.nodes()
            self._need, count = fitted(need, nodes)
            self.jobs = jobs or count
            machines = {n["NodeManagerHostname"] for n in nodes if n["Alive"]}
            self.retries_alone = len(machines) == 1
            where = "1 machine" if self.retries_alone else f"{len(machines)} machines"
            say(f"Ray: at most {self.jobs} workers on {where}, each with {self._need}")
            self._idle.append(self._claim(""))  # a cluster that will not do says so at once
            self._busy.clear()
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

        threading.Thread(target=serve, daemon=True).start()
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
            if self._joined:
                self._ray.shutdown()
        if self._token is not None:
            Path(self._token.name).unlink(missing_ok=True)
            self._token.close()
        if self._scratch is not None:
            shutil.rmtree(self._scratch, ignore_errors=True)

    def _serve(self, place: Place, unit: tuple[Step, ...]) -> list[Finished]:
        backbone = next((b for s in unit if (b := _backbone(s))), "")
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
        began = time.monotonic()
        told = False
        while not self._closed:
            with self._lock:
                if self._idle:
                    worker = nearest(self._idle, backbone)
                    self._idle.remove(worker)
                    self._busy.append(worker)
                    worker.backbone = backbone or worker.backbone
                    return worker
                if len(self._starting) + len(self._busy) < self.jobs:
                    self._starting.append(self._hire())
                waiting = {w.greeting: w for w in self._starting}
            if not waiting:
                time.sleep(0.1)
                continue
            for reference in self._ray.wait(list(waiting), timeout=0.5)[0]:
                self._welcome(waiting[reference])
            if not told and time.monotonic() - began > PATIENCE_S:
                told = True
                self._say(f"waiting for the cluster to have room for {self._need}")
        raise BrokenExecutor("the pool was closed")

    def _hire(self) -> Hired:
        threads = str(self._need.threads)
        # A thread that waits for others must not spin: the cores may be somebody else's.
        environment = {
            "OMP_WAIT_POLICY": "PASSIVE",
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
            self._processors.setdefault(greeting.processor, greeting.host)
            names = [f"{p} on {h}" for p, h in self._processors.items()]
            new = len(names) > 1 and names[-1].endswith(f" on {greeting.host}")
        if new:
            self._say(
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
