"""Runs a study in forked children that kill -9 themselves at given points; prints JSON.

    python kill_driver.py STUDY FOLDER

A process of its own, because a fork is only safe where no thread of torch has started: this one
imports and forks, and never computes. Each point gets a fresh store: killed once (or more), run
to the end, compared with the bytes of a run that was left alone.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from miniature import bytes_of

import waystation.backbone
import waystation.predict
import waystation.train  # noqa: F401  (imported once, before the forks)
from waystation import resolve, run, steps, store


def _die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def _nth(count: int) -> Callable[[], None]:
    left = [count]

    def call() -> None:
        left[0] -= 1
        if left[0] == 0:
            _die()

    return call


def _before(owner: Any, name: str, count: int) -> None:
    """Die before the nth call of owner.name."""
    original, tick = getattr(owner, name), _nth(count)

    def patched(*args: Any, **kwargs: Any) -> Any:
        tick()
        return original(*args, **kwargs)

    setattr(owner, name, patched)


class _Dying(run.Watcher):
    def __init__(self, kind: str, count: int) -> None:
        self.kind, self.tick = kind, _nth(count)

    def event(self, event: steps.Progress | steps.Finished) -> None:
        if isinstance(event, steps.Progress) and event.key.startswith(self.kind):
            self.tick()


POINTS: dict[str, Callable[[], run.Watcher | None]] = {
    "resolving": lambda: _before(store.Store, "put_data", 3),
    "writing the lock": lambda: _before(resolve, "write_atomically", 1),
    "first training step": lambda: _Dying("train", 1),
    "in the middle of training": lambda: _Dying("train", 23),
    "predicting": lambda: _Dying("predict", 2),
    "selecting": lambda: _kill_work("select"),
    "scoring": lambda: _kill_work("score"),
    "before a manifest": lambda: _before(store.Store, "_seal", 2),
    "between manifest and rename": lambda: _before(store, "_sync_folder", 1),
    "renaming": lambda: _before(Path, "rename", 20),
    "flushing": lambda: _before(os, "fsync", 15),
}


def _kill_work(kind: str) -> None:
    original, tick = steps.WORK[kind], _nth(2)

    def patched(*args: Any) -> None:
        original(*args)
        tick()

    steps.WORK[kind] = patched


def _in_child(work: Callable[[], None]) -> int:
    """The wait status of a forked child that did the work."""
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            work()
            code = 0
        finally:
            os._exit(code)
    return os.waitpid(pid, 0)[1]


def _run(study: Path, root: Path, watcher: run.Watcher | None) -> None:
    outcome = run.run_study(study, run.Options(store=root), watcher)
    assert outcome.count("failed") == 0, outcome.finished


def main(study: Path, folder: Path) -> None:
    """Print {"point": {"killed": bool, "equal": bool}} for every point."""
    lock = study.with_suffix(".lock")
    assert _in_child(lambda: _run(study, folder / "whole", None)) == 0
    whole = bytes_of(folder / "whole")
    found = {}
    for number, (name, arm) in enumerate(POINTS.items()):
        lock.unlink(missing_ok=True)
        root = folder / f"killed-{number}"

        def dying(arm: Callable[[], run.Watcher | None] = arm, root: Path = root) -> None:
            _run(study, root, arm())

        status = _in_child(dying)
        killed = os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL
        finished = _in_child(lambda root=root: _run(study, root, None)) == 0
        found[name] = {"killed": killed, "equal": finished and bytes_of(root) == whole}
    print(json.dumps(found))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
