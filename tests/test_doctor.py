"""Doctor: every line says what is there, and what to do where something is not."""

from __future__ import annotations

import os
import socket
import sys
from importlib import metadata
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from huggingface_hub import constants

from waystation import doctor, packaged


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("WAYSTATION_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def the(name: str) -> doctor.Check:
    (found,) = [check for check in doctor.examine(hub_timeout_s=0.1) if check.name == name]
    return found


def refuse(error: Exception) -> Any:
    def call(*args: object, **kwargs: object) -> Any:
        raise error

    return call


def test_every_check_has_one_line(own_cache: Path) -> None:
    checks = doctor.examine(hub_timeout_s=0.1)
    names = [check.name for check in checks]
    assert len(set(names)) == len(names)
    assert {"waystation", "torch", "devices", "cores", "bf16 (cpu)", "memory"} <= set(names)
    assert {"cache", "model multilingual-e5-small", "hub", "sandbox"} <= set(names)
    assert all(check.text and "\n" not in check.text for check in checks)
    assert {check.state for check in checks} <= {"ok", "warn", "missing"}
    assert not own_cache.exists(), "looking must not write"


def test_a_missing_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(metadata, "version", refuse(metadata.PackageNotFoundError("scipy")))
    assert the("scipy") == doctor.Check("scipy", "missing", "not installed; pip install scipy")


def test_a_broken_torch_is_said_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)
    assert the("devices").state == "missing"
    assert "install it again" in the("devices").text
    assert the("bf16 (cpu)").state in ("ok", "warn")


@pytest.mark.parametrize(
    ("has", "state", "text"), [(True, "ok", "takes it"), (False, "warn", "fp32")]
)
def test_bf16(monkeypatch: pytest.MonkeyPatch, has: bool, state: str, text: str) -> None:
    monkeypatch.setattr(doctor, "hardware_has_bf16", lambda device: has)
    assert the("bf16 (cpu)").state == state
    assert text in the("bf16 (cpu)").text


def test_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "_cgroup_limit_bytes", lambda path: 3_000_000_000)
    assert the("memory").state == "warn"
    assert "3.0 GB allowed to this container" in the("memory").text
    monkeypatch.setattr(os, "sysconf", refuse(ValueError("unknown")))
    assert the("memory").state == "warn"
    assert "does not tell" in the("memory").text


@pytest.mark.parametrize(("text", "limit"), [("max\n", None), ("1234\n", 1234)])
def test_memory_limit_of_a_container(tmp_path: Path, text: str, limit: int | None) -> None:
    (tmp_path / "memory.max").write_text(text)
    assert doctor._cgroup_limit_bytes(tmp_path / "memory.max") == limit
    assert doctor._cgroup_limit_bytes(tmp_path / "absent") is None


def test_disk(monkeypatch: pytest.MonkeyPatch, own_cache: Path) -> None:
    usage = SimpleNamespace(free=10**9)
    monkeypatch.setattr(doctor.shutil, "disk_usage", lambda place: usage)
    assert the("cache") == doctor.Check(
        "cache", "warn", f"{own_cache}, 1.0 GB free; the quick-start needs 2 GB"
    )
    usage.free = 10**10
    assert the("cache").state == "ok"
    monkeypatch.setattr(os, "access", lambda place, mode: False)
    assert the("cache").state == "missing"
    assert "set WAYSTATION_CACHE" in the("cache").text


def test_models(own_cache: Path) -> None:
    name = "multilingual-e5-small"
    assert the(f"model {name}").state == "warn"
    assert f"`waystation models get {name}`" in the(f"model {name}").text
    packaged.folder_of(name).mkdir(parents=True)
    (packaged.folder_of(name) / "waystation.json").write_text("{}")
    assert the(f"model {name}") == doctor.Check(f"model {name}", "ok", "in the cache, 479 MB")


def test_hub(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
        monkeypatch.setattr(constants, "ENDPOINT", f"http://127.0.0.1:{port}")
        assert the("hub") == doctor.Check("hub", "ok", "127.0.0.1 can be reached")
    assert the("hub").state == "warn"
    assert "packaged models and folders still work" in the("hub").text
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    assert "HF_HUB_OFFLINE is set" in the("hub").text


@pytest.mark.parametrize(
    ("script", "state", "text"),
    [
        ("exit 0", "ok", "makes namespaces"),
        ("echo no permission >&2; exit 1", "warn", "cannot make a namespace here (no permission)"),
        ("exit 3", "warn", "(exit status 3)"),
    ],
)
def test_sandbox(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str, state: str, text: str
) -> None:
    program = tmp_path / "bwrap"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    monkeypatch.setattr(doctor.shutil, "which", lambda name: str(program))
    assert the("sandbox").state == state
    assert text in the("sandbox").text


def test_no_sandbox(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor.shutil, "which", lambda name: None)
    assert the("sandbox").state == "warn"
    assert "not installed" in the("sandbox").text
    monkeypatch.setattr(doctor.shutil, "which", lambda name: "/nowhere/bwrap")
    assert "does not run" in the("sandbox").text
