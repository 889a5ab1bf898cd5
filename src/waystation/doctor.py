"""What this machine has for a study: packages, devices, precision, memory, models, hub, disk.

Each line says what was found; `ok` is False only for what stops every study. Nothing is
installed, fetched or written, apart from one request to the hub for its reachability.
"""

from __future__ import annotations

import os
import platform
import shutil
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Final

from waystation import __version__, packaged

PACKAGES: Final = ("torch", "transformers", "tokenizers", "accelerate", "numpy", "scipy")
HUB_TIMEOUT_S: Final = 3.0
ROOM_BYTES: Final = 2_000_000_000
"""What a small study needs on disk, the packaged model included."""


@dataclass(frozen=True, kw_only=True)
class Fact:
    """One line: what was looked at, what was found, and whether studies can run with it."""

    name: str
    found: str
    ok: bool = True


def examine() -> list[Fact]:
    """Everything, in the order in which it is shown."""
    facts = [Fact(name="waystation", found=f"{__version__}, Python {platform.python_version()}")]
    facts += _packages()
    facts += [Fact(name="processor", found=_processor()), Fact(name="memory", found=_memory())]
    facts += _devices()
    facts += [_model(), _hub(), *_disk()]
    return facts


def _packages() -> Iterator[Fact]:
    for name in PACKAGES:
        try:
            yield Fact(name=name, found=metadata.version(name))
        except metadata.PackageNotFoundError:
            yield Fact(name=name, found=f"missing; pip install {name}", ok=False)


def _processor() -> str:
    able = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return f"{platform.machine()}, {able} of {os.cpu_count()} cores usable"


def _memory() -> str:
    try:
        total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (ValueError, OSError, AttributeError):
        return "size unknown on this system"
    return f"{total / 1e9:.1f} GB"


def _devices() -> Iterator[Fact]:
    try:
        import torch
    except ImportError as error:
        yield Fact(name="devices", found=f"torch cannot be imported: {error}", ok=False)
        return
    from waystation.backbone import hardware_has_bf16

    names = [torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count())]
    yield Fact(name="devices", found=", ".join(names) or "CPU only")
    device = "cuda" if names else "cpu"
    precision = "bf16" if hardware_has_bf16(device) else "fp32 (no bf16 in hardware)"
    yield Fact(name="precision: auto", found=precision)


def _model() -> Fact:
    here = [name for name in packaged.PACKAGED if packaged.is_here(name)]
    absent = [name for name in packaged.PACKAGED if name not in here]
    found = f"here: {', '.join(here) or 'none'}"
    if absent:
        found += f"; `waystation models get NAME` fetches {', '.join(absent)}"
    return Fact(name="packaged models", found=found)


def _hub() -> Fact:
    try:
        from huggingface_hub import constants
    except ImportError as error:
        return Fact(name="hub", found=f"huggingface_hub cannot be imported: {error}", ok=False)
    if constants.HF_HUB_OFFLINE:
        return Fact(name="hub", found="switched off (HF_HUB_OFFLINE); only what is cached is used")
    request = urllib.request.Request(constants.ENDPOINT, method="HEAD")
    try:
        with urllib.request.urlopen(request, timeout=HUB_TIMEOUT_S):
            return Fact(name="hub", found="reachable")
    except (OSError, ValueError) as error:  # URLError and HTTPError are OSErrors
        why = error.reason if isinstance(error, urllib.error.URLError) else error
        return Fact(name="hub", found=f"not reachable ({why}); packaged and local models work")


def _disk() -> Iterator[Fact]:
    for name, folder in (("cache", packaged.cache_folder()), ("this folder", Path.cwd())):
        existing = next(p for p in (folder, *folder.parents) if p.exists())
        free = shutil.disk_usage(existing).free
        found = f"{folder}: {free / 1e9:.1f} GB free"
        writable = os.access(existing, os.W_OK)
        if not writable:
            found += "; cannot be written to" + (
                ", set WAYSTATION_CACHE" if name == "cache" else ""
            )
        elif free < ROOM_BYTES:
            found += f"; a small study needs about {ROOM_BYTES / 1e9:.0f}"
        yield Fact(name=name, found=found, ok=writable)
