"""Partial states in whole studies: a run that was cut off, plan, gc, workers, disks."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest
from miniature import bytes_of, write
from test_kill import TRAINING
from typer.testing import CliRunner

from test_store import _mounts
from waystation import partial
from waystation.cli import app
from waystation.run import Options, Watcher, prepare, run_study, stale
from waystation.steps import Finished, Progress


def printed(*arguments: object) -> str:
    """What a verb that succeeds prints."""
    found = CliRunner().invoke(app, [str(argument) for argument in arguments])
    assert found.exit_code == 0, found.output
    return found.stdout


class Stop(BaseException):
    """As Ctrl-C: nothing catches it."""


class Stopping(Watcher):
    """Keeps what a run says of its training; stops it after a step."""

    def __init__(self, after: int = 0) -> None:
        self.after = after
        self.said: list[str] = []
        self.taken: list[int] = []

    def event(self, event: Progress | Finished) -> None:
        if isinstance(event, Progress) and event.key.startswith("train"):
            if not event.total:
                self.said.append(event.text)
                return
            self.taken.append(event.done)
            if event.done == self.after:
                raise Stop


@pytest.fixture
def eager(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every step saves."""
    monkeypatch.setattr(partial.Partial, "due", lambda *_: True)


def stopped(study: Path, store: Path, after: int = 7) -> str:
    """A run that stopped in a training step; the step's key."""
    with pytest.raises(Stop):
        run_study(study, Options(store=store), Stopping(after))
    (key,) = (p.name for p in (store / "partial").iterdir())
    return key


@pytest.mark.usefixtures("eager")
def test_a_run_goes_on_inside_its_training_step(tmp_path: Path) -> None:
    study = write(tmp_path / "study", TRAINING)
    whole = Stopping()
    run_study(study, Options(store=tmp_path / "whole"), whole)
    steps = whole.taken[-1]
    store = tmp_path / "store"
    key = stopped(study, store)
    assert f"6 of {steps}" in printed("plan", study, "--store", store)
    found = json.loads(printed("plan", study, "--store", store, "--json"))
    (train,) = (s for s in found["to_run"] if s["kind"] == "train")
    assert train["key"] == key
    assert train["partly_done"] == {"step": 6, "of": steps}
    # Time that the first run took counts in the record of the step.
    (state,) = (store / "partial" / key).iterdir()
    signed = json.loads((state / "state.json").read_text())
    signed["about"]["seconds"] = 1000.0
    signed["sha256"] = partial._digest(signed["about"])
    (state / "state.json").write_text(json.dumps(signed))
    again = Stopping()
    outcome = run_study(study, Options(store=store), again)
    assert again.taken == list(range(7, steps + 1))
    assert again.said == [f"continues after step 6 of {steps}"]
    assert bytes_of(store) == bytes_of(tmp_path / "whole")
    assert outcome.prepared.store.partials() == ()
    assert float(str(outcome.prepared.store.run_info(key)["seconds"])) > 1000


@pytest.mark.usefixtures("eager")
def test_gc_names_what_nothing_continues(tmp_path: Path) -> None:
    study, store = write(tmp_path / "study", TRAINING), tmp_path / "store"
    key = stopped(study, store)
    prepared = prepare(study, Options(store=store))
    other = store / "partial" / "train-000000000000"
    shutil.copytree(store / "partial" / key, other)
    assert stale(prepared) == {}  # one is needed, the other may be another study's
    week_ago = time.time() - 8 * 86400
    for folder in (other, store / "partial" / key):
        os.utime(folder, (week_ago, week_ago))
    assert list(stale(prepared)) == [other.name]
    assert stale(prepared)[other.name] > 100_000
    command = ("gc", study, "--store", store)
    with prepared.store.lock(other.name):  # a run that holds it has more to say than its age
        assert json.loads(printed(*command, "--yes", "--json"))["partial"] == []
    assert "partial state that nothing continues" in printed(*command)
    assert "Deleted" in printed(*command, "--yes")
    assert prepared.store.partials() == (key,)


@pytest.mark.slow
@pytest.mark.parametrize("pool", ["local", pytest.param("ray", marks=pytest.mark.ray)])
def test_workers_go_on_too(pool: str, tmp_path: Path) -> None:
    study = write(tmp_path / "study", TRAINING)
    run_study(study, Options(store=tmp_path / "whole"))
    store = tmp_path / "store"
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(partial.Partial, "due", lambda *_: True)
        stopped(study, store)
    # In a process of its own: Ray keeps the first cluster's token for as long as a process lives.
    command = [sys.executable, "-m", "waystation", "run", study, "--store", store]
    ran = subprocess.run(
        [*map(str, command), "--pool", pool, "--jobs", "1"],
        capture_output=True,
        text=True,
        timeout=500,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert re.search(r"continues after step 6 of \d+", ran.stdout + ran.stderr)
    assert bytes_of(store) == bytes_of(tmp_path / "whole")


EAGER = """
from waystation import partial
from waystation.cli import main
partial.Partial.due = lambda *_: True
main()
"""


@pytest.mark.slow
@pytest.mark.skipif(not _mounts(), reason="needs the right to mount a small file system")
def test_a_disk_that_fills_while_a_state_is_saved(tmp_path: Path) -> None:
    study, disk = write(tmp_path / "study", TRAINING), tmp_path / "disk"
    disk.mkdir()
    size = 0
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(partial.Partial, "due", lambda *_: True)
        stopped(study, tmp_path / "store", 3)
        size = sum(p.stat().st_size for p in (tmp_path / "store").rglob("*") if p.is_file())
    script = tmp_path / "eager.py"
    script.write_text(EAGER)
    run = f"{sys.executable} {script} run {study} --store {disk}"
    # Room for one state and half of the next.
    mount = f"mount -t tmpfs -o size={size + size // 3} tmpfs {disk}"
    ran = subprocess.run(
        ["unshare", "-m", "sh", "-c", f"{mount} && {run}; ls {disk}/partial/*; exit 9"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert "a full disk" in ran.stderr
    assert "Traceback" not in ran.stderr
    assert ran.stdout.split() == ["state-00000001"]
