"""Pools: where units of steps run. All follow `concurrent.futures`; bytes are equal in each.

`InlinePool` runs in this process, exceptions unwrapped, so that a debugger lands in user code.
`LocalPool` runs `jobs` spawned processes; events travel back through a queue, results through
the store. A worker that dies (killed, out of memory) breaks only what it was running; its future
raises BrokenExecutor. `RayPool`, for many machines, is in ray_pool.py.
"""

from __future__ import annotations

import multiprocessing
import threading
from collections.abc import Callable
from concurrent.futures import Future, ProcessPoolExecutor
from typing import Any, Protocol

from waystation.memory import own_process
from waystation.plan import Step
from waystation.steps import Emit, Finished, Place, run_unit

Unit = tuple[Step, ...]
_queue: Any = None


class Pool(Protocol):
    """Runs units; `jobs` says how many at once."""

    jobs: int
    retries_alone: bool
    """Workers share a machine, so what killed one may have been the others' memory."""

    def submit(self, place: Place, unit: Unit) -> Future[list[Finished]]:
        """Start a unit (or run it, inline) and give its future."""

    def restart(self) -> None:
        """Make the pool usable again after a worker died."""

    def close(self, *, kill: bool = False) -> None:
        """Wait for what runs, or end it at once."""


class InlinePool:
    """One unit at a time, in this process."""

    jobs = 1
    retries_alone = True

    def __init__(self, emit: Emit) -> None:
        self._emit = emit

    def submit(self, place: Place, unit: Unit) -> Future[list[Finished]]:
        """Run the unit now; its exceptions pass through."""
        future: Future[list[Finished]] = Future()
        future.set_result(run_unit(place, unit, self._emit))
        return future

    def restart(self) -> None:
        """Nothing to restart."""

    def close(self, *, kill: bool = False) -> None:
        """Nothing to close."""


class LocalPool:
    """Units in spawned processes of this machine."""

    retries_alone = True

    def __init__(self, jobs: int, emit: Emit) -> None:
        self.jobs = jobs
        self._context = multiprocessing.get_context("spawn")
        self._events: Any = self._context.Queue()
        self._listener = threading.Thread(target=_listen, args=(self._events, emit), daemon=True)
        self._listener.start()
        self._executor = self._start()

    def _start(self) -> ProcessPoolExecutor:
        return ProcessPoolExecutor(
            self.jobs,
            mp_context=self._context,
            initializer=_begin,
            initargs=(self._events,),
        )

    def submit(self, place: Place, unit: Unit) -> Future[list[Finished]]:
        """Queue the unit."""
        return self._executor.submit(_work, place, unit)

    def restart(self) -> None:
        """Replace the broken executor."""
        self._executor.shutdown(wait=False, cancel_futures=True)
        self._executor = self._start()

    def close(self, *, kill: bool = False) -> None:
        """Shut the workers down; `kill` ends what they run, which a later run continues."""
        if kill:
            for process in list((self._executor._processes or {}).values()):
                process.kill()
        self._executor.shutdown(wait=not kill, cancel_futures=True)
        self._events.put(None)
        self._listener.join(timeout=5)


def _begin(events: Any) -> None:
    global _queue
    _queue = events
    own_process()


def _work(place: Place, unit: Unit) -> list[Finished]:
    return run_unit(place, unit, _queue.put)


def _listen(events: Any, emit: Callable[[Any], None]) -> None:
    while (event := events.get()) is not None:
        emit(event)
