"""What all tests share: a steady environment, and nothing of the user's own caches.

Nothing here changes what is tested: it keeps results that are pure functions of their arguments,
and says how many examples a property test draws (`--hypothesis-profile`: `fast`, the default, or
`thorough`, that of `make test-all`). Both draw the same examples every time.
"""

from __future__ import annotations

import functools
import gc
import os
from collections.abc import Iterable, Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

# One thread: tests are small, machines are shared, and sums then have one order.
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
# No test may reach a hub; those that need the packaged model say so with a marker.
os.environ.setdefault("HF_HUB_OFFLINE", "1")

# No deadline and no complaint of slowness: either would make a result depend on the machine.
STEADY = settings(
    deadline=None, database=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow]
)
settings.register_profile("fast", STEADY, max_examples=25)
settings.register_profile("thorough", STEADY, max_examples=300)
settings.load_profile("fast")


def pytest_collection_finish() -> None:
    """What was imported stays: `gc.collect`, which every step calls, need not walk through it."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session", autouse=True)
def _pocket_splits_are_made_once() -> Iterator[None]:
    """Whole pocket splits (10,000 training examples) are kept while a process tests.

    They are functions of task, language and split, which `test_pocket.py` shows of the function
    itself.
    """
    from waystation.pocket import tasks

    whole = tasks.examples

    @functools.lru_cache(maxsize=24)
    def kept(task: str, language: str, split: str, indices: range) -> tuple[Any, ...]:
        return tuple(whole(task, language, split, indices))

    def examples(task: str, language: str, split: str, indices: Iterable[int]) -> Iterator[Any]:
        if isinstance(indices, range) and task in tasks._RENDER:
            return iter(kept(task, language, split, indices))
        return whole(task, language, split, indices)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tasks, "examples", examples)
        yield
