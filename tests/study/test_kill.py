"""kill -9 at many moments of a run: the next run ends with the bytes of an undisturbed one."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from miniature import write

pytestmark = [pytest.mark.slow, pytest.mark.alone]


def test_a_killed_run_continues_to_the_same_bytes(tmp_path: Path) -> None:
    study = write(tmp_path / "study")
    driver = Path(__file__).with_name("kill_driver.py")
    ran = subprocess.run(
        [sys.executable, str(driver), str(study), str(tmp_path)],
        capture_output=True,
        text=True,
        check=False,
        env={"PATH": "/usr/bin:/bin", "PYTHONPATH": f"{driver.parent}:{driver.parents[1]}"},
    )
    assert ran.returncode == 0, ran.stderr[-3000:]
    found = json.loads(ran.stdout.splitlines()[-1])
    assert len(found) >= 8
    assert all(point["killed"] for point in found.values()), found
    assert all(point["equal"] for point in found.values()), found
