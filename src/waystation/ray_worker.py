"""What a Ray worker does: greet the driver, then run units of steps and tell of their progress.

A worker is one process on one machine of the cluster. Its greeting shows whether it may take part:
the same versions as the driver's, a store that is the driver's own, file locks that hold between
the two. Results never come back through Ray: they lie in the store, and what travels is progress
and how each step ended. The pristine base model of its last unit stays in the process.

Ray itself is only named in ray_pool; nothing here imports it.
"""

from __future__ import annotations

import fcntl
import os
import platform
import queue
import time
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from waystation import __version__
from waystation.lock import PACKAGES
from waystation.memory import own_process, processor
from waystation.plan import ALGORITHMS, Step
from waystation.steps import Finished, Place, Progress, run_unit
from waystation.store import Store

QUIET_S = 0.2
"""A step tells of its progress at most once in so long."""
ARRIVAL_S = 90.0
"""How long a file of another machine may take to be seen: NFS remembers for up to 60 s that a
name was absent (acdirmax, nfs(5))."""


@dataclass(frozen=True, kw_only=True)
class Greeting:
    """What a worker is, and what it finds wrong with the store ("" where nothing is)."""

    host: str
    processor: str
    versions: dict[str, str]
    fault: str


class Worker:
    """One worker process."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        os.environ.update(environment)  # before torch, whose OpenMP reads it when it is loaded
        own_process()
        # one thread for all units, since OpenMP keeps a set of threads for each that calls it
        self._thread = ThreadPoolExecutor(1)

    def greet(self, root: Path, token: str) -> Greeting:
        """Look at the store as this process sees it."""
        return Greeting(
            host=platform.node(),
            processor=processor(),
            versions=versions(),
            fault=store_fault(root, token),
        )

    def run(
        self, place: Place, unit: tuple[Step, ...]
    ) -> Iterator[Progress | Finished | list[Finished] | None]:
        """Run a unit; gives None at its begin, its events, and last how its steps ended."""
        events: queue.SimpleQueue[Progress | Finished | None] = queue.SimpleQueue()
        told: dict[str, float] = {}

        def emit(event: Progress | Finished) -> None:
            if isinstance(event, Progress) and event.total:
                now = time.monotonic()
                if now - told.get(event.key, -QUIET_S) < QUIET_S and event.done < event.total:
                    return
                told[event.key] = now
            events.put(event)

        def work() -> list[Finished]:
            try:
                arrived(Store(place.root), {i for s in unit for i in s.inputs} - keys)
                return run_unit(place, unit, emit)
            finally:
                events.put(None)

        keys = {s.key for s in unit}
        yield None
        future = self._thread.submit(work)
        while (event := events.get()) is not None:
            yield event
        yield future.result()


def store_fault(root: Path, token: str) -> str:
    """How the driver's store looks wrong from here, "" where all is well.

    The driver holds a lock on a file that it has just made: whoever can take that lock too sees
    a file system whose locks end at its own machine.
    """
    path = root / "locks" / token
    if not root.is_dir():
        return f"no folder {root} there"
    try:
        with path.open("r+") as file:
            if file.read() != token:
                return f"another folder at {root} there"
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return ""
    except FileNotFoundError:
        return f"another folder at {root} there"
    except OSError as error:
        return f"{path} cannot be written and locked there ({error.strerror})"
    return f"file locks in {root} that do not hold between the two machines"


def arrived(store: Store, keys: Iterable[str], patience_s: float = ARRIVAL_S) -> bool:
    """Wait until steps that are known to be done can be seen from this machine."""
    until = time.monotonic() + patience_s
    while any(store.state(k) == "missing" for k in keys):
        if time.monotonic() > until:
            return False
        os.listdir(store.root / "steps")  # makes NFS ask its server again
        time.sleep(0.2)
    return True


def versions() -> dict[str, str]:
    """The versions that decide the bytes of results."""
    algorithms = " ".join(f"{kind} {number}" for kind, number in ALGORITHMS.items())
    return {
        "python": platform.python_version(),
        "waystation": f"{__version__} ({algorithms})",
        "ray": version("ray"),
        **{p: version(p) for p in PACKAGES},
    }
