"""Memory of the C library: kept while a step runs, given back between steps.

Does nothing where the C library is not glibc.
"""

from __future__ import annotations

import ctypes
import gc


def keep_memory() -> None:
    """Let glibc keep freed memory instead of returning it to the system after every tensor.

    Returning it costs page faults at the next allocation, a third of CPU time on long inputs.
    Called once by a worker process; does nothing where the C library has no mallopt.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(-4, 0)  # M_MMAP_MAX: no block of its own for a large tensor
        mallopt(-1, 2**31 - 1)  # M_TRIM_THRESHOLD


def give_back_memory() -> None:
    """Return to the system what `keep_memory` made a finished step keep."""
    gc.collect()
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)
