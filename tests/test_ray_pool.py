"""The Ray pool without a cluster: sizes of workers, greetings, addresses, one sentence each."""

from __future__ import annotations

import socket
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from waystation import ray_pool
from waystation.errors import UserError
from waystation.plan import Plan, Step
from waystation.ray_cluster import Need, connect, fitted, import_ray, need_of
from waystation.ray_pool import Hired, RayPool, nearest, unfit
from waystation.ray_worker import Greeting, Worker, arrived, store_fault, versions
from waystation.settings import Resources
from waystation.steps import Place
from waystation.store import Store

NEED = Need(cpus=2, gpus=None, memory_bytes=4_000_000_000, estimated=True, threads=2)
SMALL = {"Alive": True, "Resources": {"CPU": 4.0, "memory": 9e9}}
CARDS = {"Alive": True, "Resources": {"CPU": 16.0, "memory": 64e9, "GPU": 4.0}}
GONE = {"Alive": False, "Resources": {"CPU": 64.0, "memory": 64e9, "GPU": 8.0}}


# -- sizes -----------------------------------------------------------------------------------------


def _step(key: str, backbone: str | None) -> Step:
    context = {"backbone": backbone} if backbone else {}
    return Step(key=key, kind=key.split("-")[0], label=key, spec={}, context=context)


def test_a_worker_is_as_large_as_the_largest_missing_step(tmp_path: Path) -> None:
    store = Store.open(tmp_path)
    steps = [_step("train-a", "small"), _step("train-b", "large"), _step("score-c", None)]
    plan = Plan({s.key: s for s in steps}, ())
    lock = {
        "backbones": {"small": {"size_bytes": 1_000}, "large": {"size_bytes": 9_000}},
        "numerics": {"threads": 3},
    }
    need = need_of(lock, plan, ["train-a", "train-b", "score-c"], store, Resources())
    assert (need.cpus, need.gpus, need.memory_bytes, need.estimated) == (3, None, 36_000, True)
    assert need_of(lock, plan, ["train-a"], store, Resources()).memory_bytes == 4_000
    assert need_of(lock, plan, ["score-c"], store, Resources()).memory_bytes == 0
    store.folder("train-a").mkdir()
    (store.folder("train-a") / "run.json").write_text('{"peak_memory_bytes": 5500}')
    assert need_of(lock, plan, ["train-a"], store, Resources()).memory_bytes == 5_500
    own = Resources(devices="cuda", cpus=1, memory_gb=0.5)
    need = need_of(lock, plan, ["train-a"], store, own)
    assert (need.cpus, need.gpus, need.memory_bytes, need.estimated) == (1, 1.0, 500_000_000, False)
    assert need_of(lock, plan, ["train-a"], store, Resources(devices="cpu")).gpus == 0
    assert need_of(lock, plan, ["train-a"], store, Resources(gpus=0.5)).gpus == 0.5


def test_workers_are_counted_over_living_machines() -> None:
    assert fitted(NEED, [SMALL, GONE]) == (replace(NEED, gpus=0.0), 2)
    assert fitted(NEED, [SMALL, CARDS]) == (replace(NEED, gpus=1.0), 4)
    assert fitted(replace(NEED, gpus=0.5), [CARDS])[1] == 8
    tenths = replace(NEED, cpus=1, gpus=0.1, memory_bytes=1)
    assert (
        fitted(tenths, [{"Alive": True, "Resources": {"CPU": 16, "memory": 9e9, "GPU": 1.0}}])[1]
        == 10
    )
    assert fitted(replace(NEED, gpus=0.0), [SMALL, CARDS])[1] == 2 + 8
    # an estimate is no reason to refuse a machine, the study's own number is
    assert fitted(replace(NEED, memory_bytes=10**12), [SMALL])[0].memory_bytes == 9e9
    with pytest.raises(UserError, match=r"a machine in the cluster with 2 CPUs and 1000.0"):
        fitted(replace(NEED, memory_bytes=10**12, estimated=False), [SMALL])
    with pytest.raises(UserError, match=r"found 4 CPUs, 0 GPU, 9.0 GB; lower `resources:"):
        fitted(replace(NEED, cpus=5), [SMALL])
    with pytest.raises(UserError, match=r"with 2 CPUs, 1 GPU and"):
        fitted(replace(NEED, gpus=1.0), [SMALL])


def test_a_unit_goes_to_the_worker_that_holds_its_model() -> None:
    fresh, small, large = (Hired(None, None, b) for b in ("", "small", "large"))
    assert nearest([fresh, small, large], "large") is large
    assert nearest([small, fresh, large], "other") is fresh
    assert nearest([small, large], "other") is small


# -- greetings -------------------------------------------------------------------------------------


def _greeting(**changes: Any) -> Greeting:
    return replace(Greeting(host="node-7", processor="a", versions=versions(), fault=""), **changes)


def test_a_worker_with_other_versions_is_refused(tmp_path: Path) -> None:
    assert unfit(_greeting(), versions(), tmp_path) == ""
    assert {"python", "ray", "waystation", "torch"} <= set(versions())
    other = versions() | {"torch": "1.0", "python": "2.7.18"}
    said = unfit(_greeting(versions=other), versions(), tmp_path)
    assert "expected the versions of this machine on node-7" in said
    assert f"torch 1.0 instead of {versions()['torch']}" in said
    assert "python 2.7.18" in said
    assert "transformers" not in said


def test_a_worker_that_does_not_see_the_store_is_refused(tmp_path: Path) -> None:
    store = Store.open(tmp_path / "store")
    pool = SimpleNamespace(_store=store)
    with ray_pool.RayPool._hold_token(pool) as file:  # type: ignore[arg-type]
        token = Path(file.name).name
        greeting = Worker({}).greet(store.root, token)
        assert greeting.fault == ""
        absent = Worker({}).greet(tmp_path / "absent", token).fault
        other = Worker({}).greet(Store.open(tmp_path / "other").root, token).fault
    assert absent == f"no folder {tmp_path / 'absent'} there"
    assert other == f"another folder at {tmp_path / 'other'} there"
    # the lock is free now, as it would look where locks end at their machine
    unlocked = store_fault(store.root, token)
    assert unlocked == f"file locks in {store.root} that do not hold between the two machines"
    said = unfit(_greeting(fault=absent), versions(), store.root)
    assert f"expected the store {store.root} on every machine of the cluster" in said
    assert "found on node-7 no folder" in said


def test_a_step_of_another_machine_is_waited_for(tmp_path: Path) -> None:
    store = Store.open(tmp_path)
    assert not arrived(store, ["train-a"], patience_s=0.0)

    def publish() -> None:
        with store.lock("train-a"):
            store.publish("train-a", {}, lambda folder: None, dict)

    timer = threading.Timer(0.3, publish)
    timer.start()
    assert arrived(store, ["train-a"])
    timer.join()


# -- addresses -------------------------------------------------------------------------------------


@pytest.fixture
def web_server() -> Iterator[int]:
    """Something that listens and is no cluster."""
    with socket.create_server(("127.0.0.1", 0)) as server, ThreadPoolExecutor(1) as thread:

        def answer() -> None:
            connection, _ = server.accept()
            connection.recv(64)
            connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")
            connection.close()

        thread.submit(answer)
        yield server.getsockname()[1]


def test_an_address_without_a_cluster_is_one_sentence(
    monkeypatch: pytest.MonkeyPatch, web_server: int
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        closed = server.getsockname()[1]
    expected = {
        f"127.0.0.1:{closed}": f"at RAY_ADDRESS 127.0.0.1:{closed}, found nothing (",
        f"127.0.0.1:{web_server}": "found something else listening there; start one with",
        "ray://127.0.0.1:10001": "expected RAY_ADDRESS to be HOST:PORT of a cluster's head",
        "somewhere": "`local`, found 'somewhere'; run on a machine of the cluster",
    }
    for address, sentence in expected.items():
        monkeypatch.setenv("RAY_ADDRESS", address)
        with pytest.raises(UserError) as raised:
            connect(SimpleNamespace())
        assert sentence in str(raised.value)


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (
            RuntimeError("Version mismatch: The cluster was started with:\n  Ray: 2.1"),
            "this machine's versions of Python and Ray, found others (Version mismatch: The",
        ),
        (
            ConnectionError("no raylet\nmore"),
            "found ConnectionError: no raylet; run `ray start --address=auto` on this machine",
        ),
    ],
)
def test_a_cluster_that_refuses_is_one_sentence(
    monkeypatch: pytest.MonkeyPatch, error: Exception, sentence: str
) -> None:
    def init(**_: object) -> None:
        raise error

    monkeypatch.setenv("RAY_ADDRESS", "auto")
    fake = SimpleNamespace(init=init)
    with pytest.raises(UserError) as raised:
        connect(fake)
    assert sentence in str(raised.value)
    assert "\n" not in str(raised.value)


def test_a_cluster_that_does_not_start_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    def init(**options: Any) -> None:
        folders.append(Path(options["_temp_dir"]))
        raise Exception("The current node timed out during startup.\n")

    folders: list[Path] = []
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    with pytest.raises(UserError, match=r"expected Ray to start .* \(Exception: The current node"):
        connect(SimpleNamespace(init=init, shutdown=lambda: None))
    assert not folders[0].exists()


def test_ray_that_is_not_installed_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(UserError, match=r"install it with `pip install waystation\[ray\]`"):
        import_ray()


# -- hiring, with a Ray of this process ------------------------------------------------------------


class FakeRay:
    """Actors that live here; `lost` names (by number) those whose calls fail, `slow` the late."""

    class exceptions:  # noqa: N801
        class RayError(Exception):
            """What Ray raises for a lost actor."""

        class RayTaskError(RayError):
            """What Ray raises for an error in an actor's method."""

    def __init__(self) -> None:
        self.actors: list[int] = []
        self.lost: set[int] = set()
        self.slow: set[int] = set()
        self.ran: list[int] = []
        self.greeting = _greeting()

    def is_initialized(self) -> bool:
        return True

    def nodes(self) -> list[Any]:
        names = ("a", "b")
        return [
            {"Alive": True, "NodeManagerHostname": n, "Resources": {"CPU": 2, "memory": 9e9}}
            for n in names
        ]

    def remote(self, _: type) -> Any:
        return SimpleNamespace(options=lambda **_: SimpleNamespace(remote=self._hire))

    def _hire(self, environment: dict[str, str]) -> Any:
        assert environment["OMP_NUM_THREADS"]
        number = len(self.actors)
        self.actors.append(number)

        def run(place: Place, unit: Any) -> list[Any]:
            return [(number, None), (number, [number])]

        return SimpleNamespace(
            number=number,
            greet=SimpleNamespace(remote=lambda *_: (number, "greeting")),
            run=SimpleNamespace(options=lambda **_: SimpleNamespace(remote=run)),
        )

    def wait(self, references: list[Any], timeout: float) -> tuple[list[Any], list[Any]]:
        ready = [r for r in references if r[0] not in self.slow]
        return ready, []

    def get(self, reference: Any) -> Any:
        number, value = reference
        if number in self.lost:
            raise self.exceptions.RayError("it died\nModuleNotFoundError: no waystation")
        if isinstance(value, list):
            self.ran.append(number)
            return []
        return self.greeting if value == "greeting" else value

    def kill(self, actor: Any) -> None:
        self.lost.add(actor.number)


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> FakeRay:
    found = FakeRay()
    monkeypatch.setattr(ray_pool, "import_ray", lambda: found)
    return found


def _pool(store: Path, said: list[str]) -> RayPool:
    need = replace(NEED, memory_bytes=1)
    return RayPool(Store.open(store), need, None, lambda event: None, said.append)


def _run(pool: RayPool, store: Path) -> None:
    place = Place(root=store, beside=store)
    assert pool.submit(place, (_step("train-a", "small"),)).result(timeout=60) == []


def test_units_go_to_workers_that_are_there(fake: FakeRay, tmp_path: Path) -> None:
    said: list[str] = []
    pool = _pool(tmp_path, said)
    assert pool.jobs == 2
    assert not pool.retries_alone  # on two machines
    assert said == ["Ray: up to 2 workers on 2 machines, each with 2 CPUs and 0.0 GB of memory"]
    _run(pool, tmp_path)
    _run(pool, tmp_path)
    assert (fake.actors, fake.ran) == ([0], [0, 0])
    fake.lost.add(0)  # while it was idle: no unit is to blame
    _run(pool, tmp_path)
    assert (fake.actors, fake.ran) == ([0, 1], [0, 0, 1])
    pool.close()
    assert fake.lost == {0, 1}
    assert not list((tmp_path / "locks").glob("ray-*"))


def test_a_full_cluster_is_waited_for_and_said(
    fake: FakeRay, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ray_pool, "PATIENCE_S", 0.0)
    said: list[str] = []
    pool = _pool(tmp_path, said)
    fake.lost.add(0)
    fake.slow.add(1)
    place = Place(root=tmp_path, beside=tmp_path)
    future = pool.submit(place, (_step("train-a", "small"),))
    while not any("waiting for the cluster to have room for 2 CPUs" in s for s in said):
        assert not future.done()
    fake.slow.clear()
    assert future.result(timeout=60) == []
    assert fake.actors == [0, 1]  # one unit waits for one worker, not for two
    pool.close()


def test_workers_that_do_not_start_are_one_sentence(fake: FakeRay, tmp_path: Path) -> None:
    fake.lost.update(range(9))
    with pytest.raises(UserError, match=r"found 3 that did not \(ModuleNotFoundError: no way"):
        _pool(tmp_path, [])
    assert len(fake.actors) == ray_pool.FAILED_STARTS


def test_other_processors_are_said_once(fake: FakeRay, tmp_path: Path) -> None:
    said: list[str] = []
    pool = _pool(tmp_path, said)
    fake.greeting = _greeting(processor="b", host="node-8")
    for lost in (0, 1):
        fake.lost.add(lost)
        _run(pool, tmp_path)
    remarks = [s for s in said if "different processors" in s]
    assert len(remarks) == 1
    assert "(a on node-7, b on node-8)" in remarks[0]
    pool.close()
