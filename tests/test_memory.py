"""Processes of ours: threads that wait without spinning, and a collector with little to look at."""

from __future__ import annotations

import gc
import os
import subprocess
import sys
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import pytest
import torch

from waystation import pools
from waystation.memory import give_back_memory, keep_memory
from waystation.ray_worker import Worker

FACES = {
    "worker": "from waystation import pools; pools._begin(None)",
    "ray": "from waystation.ray_worker import Worker; Worker({})",
    "command": (
        "import sys; from waystation import cli; cli.app = lambda **_: None; cli.main();"
        " assert 'torch' not in sys.modules"
    ),
}
FREEZING = """\
import gc
{begin}
import torch
from waystation.memory import give_back_memory, keep_memory
keep_memory()
frozen = gc.get_freeze_count()
keep_memory()
give_back_memory()
class Loop: pass
loop = Loop()
loop.own = loop
import weakref
gone = weakref.ref(loop)
del loop
give_back_memory()
print(frozen == gc.get_freeze_count(), frozen > 10000, gone() is None)
"""


def python(code: str, **environment: str) -> str:
    """What a fresh process prints, in this environment without a policy of its own."""
    own = {k: v for k, v in os.environ.items() if k != "OMP_WAIT_POLICY"}
    found = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=own | environment
    )
    assert found.returncode == 0, found.stderr
    return found.stdout.strip()


@pytest.mark.parametrize("face", FACES)
@pytest.mark.parametrize(("own", "after"), [({}, "PASSIVE"), ({"OMP_WAIT_POLICY": "ACTIVE"},) * 2])
def test_threads_wait_without_spinning_unless_the_user_says_so(
    face: str, own: dict[str, str], after: str | dict[str, str]
) -> None:
    code = f"{FACES[face]}; import os; print(os.environ['OMP_WAIT_POLICY'])"
    wanted = after if isinstance(after, str) else after["OMP_WAIT_POLICY"]
    assert python(code, **own) == wanted


def test_a_process_of_the_local_pool_has_the_policy() -> None:
    """In a spawned process, as LocalPool starts them."""
    context = get_context("spawn")
    queue = context.Queue()
    with ProcessPoolExecutor(1, context, pools._begin, (queue,)) as executor:
        found = executor.submit(os.getenv, "OMP_WAIT_POLICY").result()
    assert found == os.environ.get("OMP_WAIT_POLICY", "PASSIVE")


def test_a_ray_worker_s_own_settings_come_first() -> None:
    before = dict(os.environ)
    try:
        Worker({"OMP_WAIT_POLICY": "ACTIVE"})
        assert os.environ["OMP_WAIT_POLICY"] == "ACTIVE"
    finally:
        os.environ.clear()
        os.environ.update(before)


def test_a_process_of_ours_freezes_its_imports_once_and_still_collects() -> None:
    begin = "from waystation.memory import own_process; own_process()"
    assert python(FREEZING.format(begin=begin)) == "True True True"


def test_a_user_s_process_is_not_frozen() -> None:
    assert python(FREEZING.format(begin="")) == "True False True"


def test_keeping_memory_changes_nothing_that_is_computed() -> None:
    keep_memory()
    assert torch.ones(3).sum() == 3
    assert gc.isenabled()
    give_back_memory()
