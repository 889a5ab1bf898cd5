"""A process of ours, a command's or a worker's: how its threads wait, what its memory costs, and
what it runs on.

Memory of the C library is kept while a step runs and given back between steps; that part does
nothing where the C library is not glibc. No torch: all of it is meant to come before torch.
"""

from __future__ import annotations

import ctypes
import functools
import gc
import os
import platform
from pathlib import Path

_ours: list[bool] = []


def own_process() -> None:
    """Called once where a process of ours begins, before torch is imported.

    OpenMP's threads wait without spinning unless the user says otherwise: two processes that spin
    on the same cores slow each other many times over (`benchmarks/two_studies.py`).
    """
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    _ours.append(True)


@functools.cache
def keep_memory() -> None:
    """Let glibc keep freed memory instead of returning it to the system after every tensor.

    Returning it costs page faults at the next allocation, a third of CPU time on long inputs.
    In a process of ours the collector also stops looking at what imports have made, some 200,000
    objects that never go; in a user's own process it is not for us to say what stays.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(-4, 0)  # M_MMAP_MAX: no block of its own for a large tensor
        mallopt(-1, 2**31 - 1)  # M_TRIM_THRESHOLD
    if _ours:
        gc.collect()
        gc.freeze()


def give_back_memory() -> None:
    """Return to the system what `keep_memory` made a finished step keep."""
    gc.collect()
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)


def processor() -> str:
    """The processor's name where the system tells it, else its architecture."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()
