"""The store: atomic publishing, damage found by size and hash, disks that are full or read-only."""

from __future__ import annotations

import errno
import fcntl
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from miniature import write

from waystation.errors import StoreError
from waystation.examples import TaggingExample
from waystation.store import Damaged, Store, step_key


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store.open(tmp_path / "a 'store' with spaces")


def _publish(store: Store, key: str, text: str = "content") -> None:
    def work(folder: Path) -> None:
        (folder / "sub").mkdir()
        (folder / "sub" / "out.txt").write_text(text)

    store.publish(key, {"kind": "test"}, work, lambda: {"seconds": 1})


def test_a_published_step_has_a_manifest_of_its_outputs(store: Store) -> None:
    _publish(store, "train-1")
    assert store.state("train-1") == "done"
    assert store.outputs("train-1") == ("step.json", "sub/out.txt")
    assert store.read("train-1", "sub/out.txt") == b"content"
    assert store.run_info("train-1") == {"seconds": 1}
    assert not list((store.root / "tmp").iterdir())


def test_work_that_fails_publishes_nothing(store: Store) -> None:
    def work(folder: Path) -> None:
        (folder / "half").write_text("half")
        raise ValueError("stop")

    with pytest.raises(ValueError, match="stop"):
        store.publish("train-1", {}, work, dict)
    assert store.state("train-1") == "missing"
    assert not list((store.root / "tmp").iterdir())


def test_leftovers_of_a_killed_run_are_swept(store: Store) -> None:
    left = store.root / "tmp" / "train-1-dead"
    left.mkdir()
    (left / "big").write_text("x")
    _publish(store, "train-1")
    assert not left.exists()


@pytest.mark.parametrize("damage", ["truncate", "remove", "manifest"])
def test_damage_is_found_by_size(store: Store, damage: str) -> None:
    _publish(store, "train-1")
    folder = store.folder("train-1")
    if damage == "truncate":
        (folder / "sub" / "out.txt").write_text("con")
    elif damage == "remove":
        (folder / "sub" / "out.txt").unlink()
    else:
        (folder / "manifest.json").write_text("{")
    assert store.state("train-1") == "damaged"
    store.discard("train-1")
    assert store.state("train-1") == "missing"
    _publish(store, "train-1")
    assert store.state("train-1") == "done"


def test_an_edit_of_the_same_size_is_found_by_hash(store: Store) -> None:
    _publish(store, "train-1")
    (store.folder("train-1") / "sub" / "out.txt").write_text("CONTENT")
    assert store.state("train-1") == "done"
    with pytest.raises(Damaged, match="differs from its manifest") as caught:
        store.read("train-1", "sub/out.txt")
    assert caught.value.key == "train-1"
    assert store.verify() == [str(caught.value)]
    assert store.state("train-1") == "missing"


def test_examples_are_named_by_their_digest(store: Store) -> None:
    examples = [TaggingExample(id="1", words=("a\u2028b", "\x85"), tags=("X", "Y"))]
    name = store.put_data(examples)
    assert store.data(name, TaggingExample) == examples
    path = store.root / "data" / f"{name}.jsonl"
    path.write_text(path.read_text().replace("X", "Z"))
    with pytest.raises(Damaged, match="differs from the digest in its name"):
        store.data(name, TaggingExample)
    with pytest.raises(Damaged, match="is missing"):
        store.data("0" * 64, TaggingExample)


def test_pruning_keeps_what_the_step_was(store: Store) -> None:
    _publish(store, "train-1")
    store.prune("train-1", ["sub/out.txt"])
    assert store.state("train-1") == "pruned"
    assert store.run_info("train-1") == {"seconds": 1}
    _publish(store, "train-1")
    assert store.state("train-1") == "done"


def test_keys_change_with_kind_version_and_spec() -> None:
    key = step_key("train", 1, {"a": 1, "b": [2]})
    assert key == step_key("train", 1, {"b": [2], "a": 1})
    assert len({key, step_key("train", 2, {"a": 1, "b": [2]}), step_key("train", 1, {})}) == 3
    assert key.startswith("train-")
    assert len(key) == len("train-") + 12


@pytest.mark.parametrize(
    ("number", "sentence"),
    [
        (errno.ENOSPC, "found a full disk; free space .* run again: nothing is lost"),
        (errno.EROFS, "found .* read-only .*; change its permissions or give another --store"),
    ],
)
def test_a_broken_disk_is_one_sentence(
    store: Store, monkeypatch: pytest.MonkeyPatch, number: int, sentence: str
) -> None:
    def fsync(_: int) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "fsync", fsync)
    with pytest.raises(StoreError, match=sentence):
        _publish(store, "train-1")
    monkeypatch.undo()
    assert store.state("train-1") == "missing"
    assert not list((store.root / "tmp").iterdir())


def test_a_disk_without_locks_is_one_sentence(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    def flock(*_: object) -> None:
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr(fcntl, "flock", flock)
    with (
        pytest.raises(StoreError, match=r"on a file system with file locks, found .* without"),
        store.lock("train-1"),
    ):
        raise AssertionError("the lock was given")


def _mounts() -> bool:
    if shutil.which("unshare") is None:
        return False
    probe = ["unshare", "-m", "sh", "-c", "mount -t tmpfs -o size=1m tmpfs /mnt"]
    return subprocess.run(probe, capture_output=True, check=False).returncode == 0


@pytest.mark.slow
@pytest.mark.skipif(not _mounts(), reason="needs the right to mount a small file system")
@pytest.mark.parametrize(
    ("options", "sentence"), [("size=200k", "a full disk"), ("size=4m,ro", "read-only")]
)
def test_a_real_full_or_read_only_disk(tmp_path: Path, options: str, sentence: str) -> None:
    study, disk = write(tmp_path / "study"), tmp_path / "disk"
    disk.mkdir()
    run = f"{sys.executable} -m waystation run {study} --store {disk}"
    ran = subprocess.run(
        ["unshare", "-m", "sh", "-c", f"mount -t tmpfs -o {options} tmpfs {disk} && {run}"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 1, ran.stderr
    assert sentence in ran.stderr
    assert "Traceback" not in ran.stderr
