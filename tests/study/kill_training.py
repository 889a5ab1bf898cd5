"""Trains one step in forked children that are killed with SIGKILL at given points; prints JSON.

    python kill_training.py STUDY FOLDER

A process of its own for the reason of kill_driver.py. Every step of the training saves its state,
so that a kill inside a save is as likely as one between two. Each child appends the steps that it
takes to a file: what a later child takes again, or does not, is counted there.
"""

from __future__ import annotations

import gc
import json
import os
import random
import shutil
import signal
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from kill_driver import _before, _die, _in_child
from miniature import bytes_of

import waystation.average
import waystation.backbone
import waystation.predict
import waystation.train  # noqa: F401  (imported once, before the forks)
from waystation import partial, run, steps


class _Counting(run.Watcher):
    """Writes down every training step, and dies after the nth."""

    def __init__(self, log: Path, dies_after: int | None = None) -> None:
        self.log, self.left = log, dies_after

    def event(self, event: steps.Progress | steps.Finished) -> None:
        if isinstance(event, steps.Progress) and event.key.startswith("train"):
            line = str(event.done) if event.total else event.text
            with self.log.open("a") as file:
                file.write(f"{line}\n")
            if event.total and self.left is not None:
                self.left -= 1
                if self.left == 0:
                    _die()


def _after(owner: Any, name: str, count: int) -> None:
    """Die after the nth call of owner.name."""
    original, left = getattr(owner, name), [count]

    def patched(*args: Any, **kwargs: Any) -> Any:
        result = original(*args, **kwargs)
        left[0] -= 1
        if left[0] == 0:
            _die()
        return result

    setattr(owner, name, patched)


def _half_a_file(count: int) -> None:
    """Die with half of the nth tensors on disk."""
    original, left = partial.save_file, [count]

    def patched(tensors: Any, path: Path) -> None:
        original(tensors, path)
        left[0] -= 1
        if left[0] == 0:
            os.truncate(path, path.stat().st_size // 2)
            _die()

    partial.save_file = patched


def _in_save(number: int, arm: Callable[[], None]) -> Callable[[], None]:
    """Arm a death when the numbered save begins: other files are written by the same functions."""

    def armed() -> None:
        original, left = partial.Partial.save, [number]

        def save(*args: Any) -> None:
            left[0] -= 1
            if left[0] == 0:
                arm()
            original(*args)

        partial.Partial.save = save  # type: ignore[method-assign]

    return armed


POINTS: dict[str, Callable[[], None]] = {
    "before a save": _in_save(2, _die),
    "before tensors are written": _in_save(3, lambda: _before(partial, "save_file", 1)),
    "half of the tensors written": _in_save(4, lambda: _half_a_file(1)),
    "before tensors are flushed": _in_save(5, lambda: _before(os, "fsync", 1)),
    "before a checkpoint is linked": _in_save(6, lambda: _before(os, "link", 1)),
    "after a checkpoint is linked": _in_save(7, lambda: _after(os, "link", 1)),
    "before the position is written": _in_save(8, lambda: _before(partial, "_digest", 1)),
    "between flush and rename": _in_save(9, lambda: _before(Path, "rename", 1)),
    "between rename and flush": _in_save(10, lambda: _after(Path, "rename", 1)),
    "before the old state is deleted": _in_save(11, lambda: _before(shutil, "rmtree", 3)),
    "after the old state is deleted": _in_save(12, lambda: _after(shutil, "rmtree", 3)),
}


def _run(study: Path, root: Path, watcher: run.Watcher) -> None:
    partial.Partial.due = lambda *_: True  # type: ignore[method-assign]
    outcome = run.run_study(study, run.Options(store=root), watcher)
    assert outcome.count("failed") == 0, outcome.finished


def _taken(log: Path) -> list[int]:
    return [int(line) for line in log.read_text().split("\n") if line.isdigit()]


def _killed(status: int) -> bool:
    return os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL


def _at_point(
    arm: Callable[[], None], study: Path, root: Path, after: int | None
) -> dict[str, Any]:
    """Killed once at a point or after a step, then run to the end."""
    first, second = root / "first.log", root / "second.log"
    first.touch()

    def dying() -> None:
        arm()
        _run(study, root / "store", _Counting(first, after))

    killed = _killed(_in_child(dying))
    finished = _in_child(lambda: _run(study, root / "store", _Counting(second))) == 0
    return {
        "killed": killed,
        "finished": finished,
        "taken": _taken(first),
        "then": _taken(second),
        "said": [line for line in second.read_text().split("\n") if not line.isdigit() and line],
    }


def _at_random_moments(study: Path, root: Path, draws: random.Random) -> dict[str, Any]:
    """Killed by the clock, again and again, each time some steps after the last."""
    log, kills = root / "all.log", 0
    log.touch()
    for _ in range(8):

        def dying(
            steps_taken: int = len(_taken(log)), delay_s: float = draws.uniform(0, 0.1)
        ) -> None:
            def killer() -> None:
                while len(_taken(log)) < steps_taken + 1:
                    time.sleep(0.002)
                time.sleep(delay_s)
                _die()

            threading.Thread(target=killer, daemon=True).start()
            _run(study, root / "store", _Counting(log))

        status = _in_child(dying)
        kills += _killed(status)
        if not _killed(status):
            break
    finished = _in_child(lambda: _run(study, root / "store", _Counting(log))) == 0
    return {"kills": kills, "finished": finished, "taken": _taken(log)}


def main(study: Path, folder: Path) -> None:
    """Print what happened at every point."""
    gc.freeze()  # the children's collections need not look at what was imported
    ready = folder / "ready" / "store"
    ready.parent.mkdir()
    assert _in_child(lambda: run.prepare(study, run.Options(store=ready))) == 0
    shutil.copytree(ready.parent, folder / "whole")
    log = folder / "whole" / "all.log"
    assert _in_child(lambda: _run(study, folder / "whole" / "store", _Counting(log))) == 0
    whole, total = bytes_of(folder / "whole" / "store"), len(_taken(log))
    draws, found = random.Random(5), {}
    points: list[tuple[str, Callable[[], None], int | None]] = [
        (name, arm, None) for name, arm in POINTS.items()
    ]
    for step in sorted(draws.sample(range(2, total), 3)):
        points.append((f"step {step}, drawn", lambda: None, step))
    for number, (name, arm, after) in enumerate(points):
        root = folder / f"killed-{number}"
        shutil.copytree(ready.parent, root)
        found[name] = _at_point(arm, study, root, after)
        found[name]["equal"] = bytes_of(root / "store") == whole
        found[name]["left"] = [p.name for p in (root / "store" / "partial").glob("*")]
        shutil.rmtree(root)
    shutil.copytree(ready.parent, folder / "random")
    again = _at_random_moments(study, folder / "random", draws)
    again["equal"] = bytes_of(folder / "random" / "store") == whole
    print(json.dumps({"steps": total, "points": found, "random": again}))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
