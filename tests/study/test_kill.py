"""kill -9 at many moments of a run: the next run ends with the bytes of an undisturbed one."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from miniature import write

pytestmark = [pytest.mark.slow, pytest.mark.alone]


def driven(name: str, study: Path, folder: Path) -> Any:
    """What a driver, which kills processes of its own, says in its last line."""
    driver = Path(__file__).with_name(name)
    ran = subprocess.run(
        [sys.executable, str(driver), str(study), str(folder)],
        capture_output=True,
        text=True,
        check=False,
        env={"PATH": "/usr/bin:/bin", "PYTHONPATH": f"{driver.parent}:{driver.parents[1]}"},
    )
    assert ran.returncode == 0, ran.stderr[-3000:]
    return json.loads(ran.stdout.splitlines()[-1])


def test_a_killed_run_continues_to_the_same_bytes(tmp_path: Path) -> None:
    study = write(tmp_path / "study")
    found = driven("kill_driver.py", study, tmp_path)
    assert len(found) >= 8
    assert all(point["killed"] for point in found.values()), found
    assert all(point["equal"] for point in found.values()), found


TRAINING = """\
name: training
backbones: [model]
seeds: [0]
intermediate: [none]
targets:
  - task: pocket-topic
    languages: [en]
    examples: 8
    fine_tune:
      mix: [{task: pocket-topic, examples: 48}, {task: pocket-nli, examples: 48}]
train: {learning_rate: 1e-3, epochs: 1, batch_size: 6, max_tokens: 64, dev_examples: 8,
        evaluations: 4, weight_decay: 0.1, dropout: 0.1}
numerics: {precision: fp32, threads: 1}
"""


def test_a_killed_training_step_continues_where_it_was(tmp_path: Path) -> None:
    study = write(tmp_path / "study", TRAINING)
    found = driven("kill_training.py", study, tmp_path)
    steps, points = found["steps"], found["points"]
    assert steps >= 16
    assert len(points) >= 14
    for name, point in points.items():
        assert point["killed"], name
        assert point["finished"], name
        assert point["equal"], name
        assert point["left"] == [], name
        # It went on where the last whole state was: that of the last step, or of the one before.
        assert len(point["taken"]) > 1, (name, point)
        last, then = point["taken"][-1], point["then"]
        assert point["taken"] == list(range(1, last + 1)), name
        assert then[0] in (last, last + 1), (name, point)
        assert then == list(range(then[0], steps + 1)), name
        assert point["said"] == [f"continues after step {then[0] - 1} of {steps}"], name
    # Killed by the clock again and again: no kill cost more than the step that it fell into.
    again = found["random"]
    assert again["finished"]
    assert again["equal"]
    assert again["kills"] >= 5
    assert len(again["taken"]) <= steps + again["kills"]
