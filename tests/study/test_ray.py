"""The Ray pool on a real cluster: a head and two workers, each a process tree on this machine.

Bytes are those of the local pool, whoever is killed or interrupted in the meantime.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from miniature import STUDY, bytes_of, write

from waystation import ray_pool
from waystation.errors import UserError
from waystation.run import Options, Outcome, Watcher, run_study
from waystation.steps import Finished, Progress

pytestmark = pytest.mark.ray

ONLY = "topic>*@0"
NODE = {"object_store_memory": 80_000_000, "include_dashboard": False}
PATIENCE_S = 120.0


class Listener(Watcher):
    """Keeps what a run says and how its steps ended."""

    def __init__(self) -> None:
        self.said: list[str] = []
        self.progress: list[Progress] = []

    def say(self, text: str) -> None:
        self.said.append(text)

    def event(self, event: Progress | Finished) -> None:
        if isinstance(event, Progress):
            self.progress.append(event)


# -- the cluster, and what runs in it --------------------------------------------------------------


@pytest.fixture(scope="module")
def cluster() -> Iterator[Any]:
    """A head without CPUs and two worker nodes with one each; RAY_ADDRESS leads there."""
    scratch = Path(tempfile.mkdtemp(prefix="ws-ray-", dir="/tmp"))
    with pytest.MonkeyPatch.context() as patch:
        (scratch / "ray").mkdir()
        patch.setenv("RAY_TMPDIR", str(scratch))
        patch.setenv("RAY_AUTH_MODE", "token")
        patch.setenv("RAY_AUTH_TOKEN", secrets.token_hex(32))
        patch.setenv("RAY_worker_niceness", "0")  # the machine may be busy
        patch.setenv("RAY_USAGE_STATS_ENABLED", "0")
        cluster_utils = pytest.importorskip("ray.cluster_utils")  # reads all that when imported
        found = cluster_utils.Cluster()
        try:
            found.add_node(num_cpus=0, **NODE)
            for _ in range(2):
                found.add_node(num_cpus=1, **NODE)
            patch.setenv("RAY_ADDRESS", found.address)
            yield found
        finally:
            found.shutdown()
            shutil.rmtree(scratch, ignore_errors=True)


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write(tmp_path_factory.mktemp("study"))


@pytest.fixture(scope="module")
def local(study: Path, tmp_path_factory: pytest.TempPathFactory) -> Outcome:
    """The study in the local pool."""
    store = tmp_path_factory.mktemp("local")
    return run_study(study, Options(store=store, pool="local", jobs=2, only=ONLY))


def raylet_of(node: Any) -> int:
    """The process id of a node's raylet."""
    return int(node.all_processes["raylet"][0].process.pid)


def workers_of(raylet: int) -> list[int]:
    """The processes of a raylet that are running a unit: their titles say so."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            parent = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
            title = (folder / "cmdline").read_bytes()
            if parent == raylet and title.startswith(b"ray::Worker.run"):
                found.append(int(folder.name))
    return found


def marked(value: str) -> list[str]:
    """The command lines of processes that carry this value in their environment."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if value.encode() in (folder / "environ").read_bytes():
                found.append((folder / "cmdline").read_bytes().replace(b"\0", b" ").decode())
    return found


def until(condition: Any) -> bool:
    """Whether the condition comes true in good time."""
    end = time.monotonic() + PATIENCE_S
    while not (holds := bool(condition())) and time.monotonic() < end:
        time.sleep(0.2)
    return holds


class Killer(Listener):
    """Takes a machine that computes away at once: its raylet first, then its workers, -9."""

    def __init__(self, cluster: Any) -> None:
        super().__init__()
        self.cluster = cluster
        self.killed: list[int] = []

    def event(self, event: Progress | Finished) -> None:
        super().event(event)
        if isinstance(event, Progress) and event.key.startswith("train-") and not self.killed:
            node = next(n for n in self.cluster.worker_nodes if workers_of(raylet_of(n)))
            self.killed = workers_of(raylet_of(node))
            for process in (raylet_of(node), *self.killed):
                os.kill(process, signal.SIGKILL)
            self.node = node


# -- tests -----------------------------------------------------------------------------------------


def test_a_killed_machine_changes_no_byte(
    cluster: Any,
    study: Path,
    local: Outcome,
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
) -> None:
    listener = Killer(cluster)
    outcome = run_study(study, Options(store=tmp_path, pool="ray", only=ONLY), listener)
    assert listener.killed
    assert capfd.readouterr() == ("", "")
    assert sum("a worker died while it ran 'train " in s for s in listener.said) == 1, listener.said
    assert any("Ray: up to 2 workers on 1 machine" in s for s in listener.said)
    assert outcome.count("failed") == 0, outcome.finished
    assert outcome.count("done") == len(outcome.prepared.plan.steps)
    assert bytes_of(tmp_path) == bytes_of(local.prepared.store.root)
    assert {p.unit for p in listener.progress} >= {"steps", "examples"}
    assert until(lambda: not any(Path(f"/proc/{p}").exists() for p in listener.killed))
    assert not list((tmp_path / "locks").glob("ray-*"))
    cluster.remove_node(listener.node, allow_graceful=False)
    cluster.add_node(num_cpus=1, **NODE)


FAILING = """\
from dataclasses import replace
from pathlib import Path
from waystation.pocket.tasks import TOPIC
from waystation.metrics import Metric

def fails(prediction, example, language):
    with Path(__file__).with_name("calls").open("a") as file:
        file.write("called\\n")
    raise ValueError("this metric always fails")

BROKEN = replace(TOPIC, name="broken", metrics=(Metric(
    names=("accuracy",), statistics=fails, reduce=lambda s: {"accuracy": 0.0}),))
"""


def test_a_failing_step_is_not_retried(cluster: Any, tmp_path: Path) -> None:
    text = STUDY.replace(
        "targets:\n",
        "targets:\n  - {task: 'broken.py:BROKEN', name: broken, languages: [de], examples: 8,"
        " fine_tune: {task: pocket-topic, examples: 24}}\n",
    )
    (tmp_path / "study").mkdir()
    (tmp_path / "study" / "broken.py").write_text(FAILING)
    study = write(tmp_path / "study", text)
    listener = Listener()
    options = Options(store=tmp_path / "store", pool="ray", jobs=1, only="none>broken@0")
    outcome = run_study(study, options, listener)
    failed = [f for f in outcome.finished.values() if f.state == "failed"]
    assert len(failed) == 1, outcome.finished
    assert outcome.count("done") == 3  # train, select, predict
    assert "this metric always fails" in failed[0].message
    assert (tmp_path / "study" / "calls").read_text() == "called\n"
    assert not any("died" in s for s in listener.said)


def test_a_cluster_with_other_versions_runs_nothing(
    cluster: Any, study: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = ray_pool.versions() | {"torch": "1.0"}
    monkeypatch.setattr(ray_pool, "versions", lambda: other)
    with pytest.raises(UserError, match=r"since they decide the last bits of results, found torch"):
        run_study(study, Options(store=tmp_path, pool="ray", only=ONLY))
    assert bytes_of(tmp_path) == {}
    assert not list((tmp_path / "locks").glob("ray-*"))


def command(study: Path, store: Path, only: str = ONLY) -> list[str]:
    return [
        *(sys.executable, "-m", "waystation", "run", str(study), "--store", str(store)),
        *("--pool", "ray", "--only", only),
    ]


def test_a_token_that_the_cluster_refuses_is_one_sentence(
    cluster: Any, study: Path, tmp_path: Path
) -> None:
    ran = subprocess.run(
        command(study, tmp_path),
        env=os.environ | {"RAY_AUTH_TOKEN": secrets.token_hex(32)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 2
    said = ran.stderr.splitlines()
    assert "to accept this machine's token, found it refused" in said[-1]
    assert not any("GCS" in line for line in said)


def test_ctrl_c_leaves_a_store_that_continues(
    cluster: Any, study: Path, local: Outcome, tmp_path: Path
) -> None:
    driver = subprocess.Popen(
        command(study, tmp_path),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        # A shell's background job ignores Ctrl-C, and so would its children.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    assert driver.stderr is not None
    said = []
    for line in driver.stderr:
        said.append(line)
        if "done: train" in line:
            break
    os.killpg(driver.pid, signal.SIGINT)
    _, rest = driver.communicate()
    assert driver.returncode == 130, (said, rest)
    assert "Stopped. What is finished is kept; run again to go on." in rest
    raylets = [raylet_of(n) for n in cluster.worker_nodes]
    assert until(lambda: not any(workers_of(r) for r in raylets))
    assert not list((tmp_path / "locks").glob("ray-*"))
    again = run_study(study, Options(store=tmp_path, only=ONLY))  # any pool continues it
    assert 0 < again.count("done") < len(again.prepared.plan.steps)
    assert bytes_of(tmp_path) == bytes_of(local.prepared.store.root)


def test_a_cluster_of_its_own_ends_with_the_run(
    study: Path, local: Outcome, tmp_path: Path
) -> None:
    mark = secrets.token_hex(16)
    environment = {k: v for k, v in os.environ.items() if not k.startswith("RAY_")}
    own = {"WAYSTATION_TEST": mark, "RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": mark * 2}
    ran = subprocess.run(
        command(study, tmp_path, "topic>pocket-bitext@0"),
        env=environment | own,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    known = ("reading ", "Ray: up to ", "[", "  train ", "  predict ")
    for line in ran.stderr.splitlines():
        assert line.startswith(known) or line.endswith("steps to run."), ran.stderr
    assert len(found := bytes_of(tmp_path)) > 10
    assert found.items() <= bytes_of(local.prepared.store.root).items()
    assert until(lambda: not marked(mark)), marked(mark)
