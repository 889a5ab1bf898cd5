"""What `plan` prints of a long list of training steps."""

from __future__ import annotations

import pytest

from waystation.study_verbs import LISTED, _trains


def steps(targets: int) -> list[dict[str, str]]:
    names = [f"train {stop}@0" for stop in ("snli", "squad [snli]")]
    names += [f"train {stop}>t{n}@0" for stop in ("snli", "squad", "none") for n in range(targets)]
    return [{"label": name, "key": f"train-{i:012x}"} for i, name in enumerate(names)]


def test_a_short_plan_lists_every_training_step(capsys: pytest.CaptureFixture[str]) -> None:
    _trains(steps(1))
    shown = capsys.readouterr().out
    assert all(step["key"] in shown for step in steps(1))


def test_a_grid_is_counted_by_stop(capsys: pytest.CaptureFixture[str]) -> None:
    _trains(steps(LISTED))
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert ["snli", "1", "40"] in lines
    assert ["squad", "1", "40"] in lines
    assert ["none", "0", "40"] in lines
    assert "--json" in lines[-1][0]
