"""A Ray cluster and what one worker takes of it: joining, starting, sizes.

Whatever Ray prints to a terminal is kept from it, and whatever is wrong with an address, a version
or a token is one sentence, within seconds: Ray itself tries for two minutes. Its usage reports and
its dashboard are off where the cluster is ours.
"""

from __future__ import annotations

import contextlib
import logging
import os
import shutil
import signal
import socket
import sys
import tempfile
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final, cast

from waystation.errors import UserError
from waystation.plan import Plan, Step
from waystation.settings import Resources
from waystation.store import Store

CONNECT_S: Final = 5.0
"""A cluster's head answers within this, or it is not there."""
OBJECT_STORE_BYTES: Final = 80_000_000  # Ray's least is 75 MB, and nothing large goes through it
WEIGHTS_TO_PEAK: Final = 4.0  # fp32 weights, gradients and AdamW's two moments
SILENT: Final = {"log_to_driver": False, "logging_level": logging.ERROR}
QUIET: Final = {
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_ENABLE_AUTO_CONNECT": "0",  # a late call must not start a cluster after the run's end
    "RAY_NUM_REDIS_GET_RETRIES": "3",  # tries of one second to reach the head, 20 by default
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "1",
}


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
    address = os.environ.get("RAY_ADDRESS") or "local"
    if address == "local":
        return _start(ray)
    if address != "auto":
        knock(address)
    try:
        with _hushed():
            ray.init(address=address, **SILENT)
    except Exception as error:  # some of Ray's own are no more than that
        raise UserError(_refusal(address, error)) from error
    return None


def _start(ray: Any) -> Path:
    """A cluster on this machine, in a scratch folder of its own."""
    # not in the usual temporary folder: paths of sockets must be short, 107 bytes
    scratch = Path(tempfile.mkdtemp(prefix="ws-ray-", dir="/tmp"))
    try:
        with _hushed():
            ray.init(
                address="local",
                include_dashboard=False,
                object_store_memory=OBJECT_STORE_BYTES,
                _temp_dir=str(scratch),
                **SILENT,
            )
    except BaseException as error:
        ray.shutdown()
        shutil.rmtree(scratch, ignore_errors=True)
        if not isinstance(error, Exception):
            raise
        raise UserError(
            f"expected Ray to start on this machine, found that it did not ({_first(error)});"
            " run again, when the machine is less busy or with --pool local."
        ) from error
    return scratch


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


def keep_quiet(ray: Any) -> None:
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
    return (
        f"expected to join the Ray cluster at {address}, found {_first(error)};"
        f" run `ray start --address={address}` on this machine first, or unset RAY_ADDRESS for a"
        " cluster on this machine."
    )


def _first(error: BaseException) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return f"{type(error).__name__}: {lines[0] if lines else 'nothing said'}"


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
        int(min(room.get(name, 0) / least + 1e-9 for name, least in wanted.items() if least))
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


# -- sizes ----------------------------------------------------------------------------------------


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
    names = {backbone_of(plan.steps[k]) for k in missing} - {""}
    models = lock["backbones"] | lock.get("translators", {})
    weights = [models[name]["size_bytes"] for name in names]
    peaks = [
        int(cast("int", store.run_info(key).get("peak_memory_bytes", 0)))
        for key, step in plan.steps.items()
        if backbone_of(step) in names
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


def backbone_of(step: Step) -> str:
    """The backbone of a step's model or the model that translates, "" where it has none."""
    return str(step.context.get("backbone", step.context.get("translator", "")))
