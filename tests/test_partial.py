"""Partial states: a training cut off at any step goes on to the bytes of one that was not."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import toys
from waystation import partial as partials
from waystation.errors import StepFailed
from waystation.partial import Partial, Position
from waystation.settings import Numerics
from waystation.train import TrainProgress, finetune

FITS = {"step": "train-0123456789ab", "torch": torch.__version__}

Setting = tuple[tuple[str, ...], dict[str, Any], str]
SETTINGS: dict[str, Setting] = {
    "dropout, decay, mixture": (
        ("classification", "span"),
        {"dropout": 0.1, "weight_decay": 0.1, "evaluations": 3},
        "fp32",
    ),
    "untrimmed, no dev": (
        ("tagging",),
        {"trim_vocabulary": False, "weight_decay": 0.1, "dropout": 0.2, "evaluations": 2},
        "fp32",
    ),
    "bf16, accumulation": (
        ("choice", "classification"),
        {"micro_batch_size": 3, "evaluations": 2, "dropout": 0.1, "weight_decay": 0.05},
        "bf16",
    ),
    "patience": (
        ("classification",),
        {"evaluations": 7, "patience": 2, "learning_rate": 1e-9, "dropout": 0.1},
        "fp32",
    ),
    "in-batch ranking": (("bitext",), {"evaluations": 2, "dropout": 0.1}, "fp32"),
}


class Cut(Exception):
    """Stands for whatever ends a process."""


def train(
    folder: Path,
    setting: Setting,
    partial: Partial | None = None,
    cut: int | None = None,
    **changed: Any,
) -> int:
    """Train a toy; gives the optimiser steps that were taken here."""
    kinds, fields, precision = setting
    folder.mkdir(parents=True)
    taken = [0]

    def progress(at: TrainProgress) -> None:
        taken[0] += 1
        if at.step == cut:
            raise Cut

    members = [toys.member(k, dev=k in ("classification", "choice"), count=24) for k in kinds]
    options = {"epochs": 3, "batch_size": 8} | fields | changed
    finetune(
        toys.model(),
        toys.mixture(*members, rates="equal" if len(kinds) > 1 else "proportional"),
        toys.config(**options),
        Numerics(precision=precision, threads=1),  # type: ignore[arg-type]
        0,
        folder,
        progress,
        partial,
    )
    return taken[0]


def contents(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


@pytest.fixture
def eager(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every step saves."""
    monkeypatch.setattr(Partial, "due", lambda *_: True)


@pytest.mark.usefixtures("eager")
@pytest.mark.parametrize("name", SETTINGS)
def test_a_training_cut_off_at_every_step_ends_with_equal_bytes(name: str, tmp_path: Path) -> None:
    setting = SETTINGS[name]
    whole = train(tmp_path / "whole", setting)
    expected = contents(tmp_path / "whole")
    stopped = json.loads((tmp_path / "whole" / "training.json").read_text())
    assert (stopped["steps"] < stopped["planned_steps"]) == (name == "patience")
    # One training that is cut off in each of its steps: no step but the cut one is taken twice.
    state = tmp_path / "state"
    for cut in range(1, whole + 1):
        with pytest.raises(Cut):
            train(tmp_path / f"cut-{cut}", setting, Partial(state, FITS), cut)
    said: list[str] = []
    assert train(tmp_path / "last", setting, Partial(state, FITS, said.append)) == 1
    assert said == [f"continues after step {whole - 1} of {stopped['planned_steps']}"]
    assert contents(tmp_path / "last") == expected
