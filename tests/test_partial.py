"""Partial states: a training cut off at any step goes on to the bytes of one that was not."""

from __future__ import annotations

import errno
import functools
import hashlib
import itertools
import json
import math
import os
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import toys
import waystation.train
from waystation import backbone
from waystation import partial as partials
from waystation.errors import StepFailed
from waystation.examples import LineExample
from waystation.mixture import Member
from waystation.mlm import head
from waystation.partial import Partial, Position
from waystation.settings import Numerics
from waystation.tasks.lines import LINES
from waystation.train import Output, TrainProgress, finetune

FITS = {"step": "train-0123456789ab", "torch": torch.__version__}

Setting = tuple[tuple[str, ...], dict[str, Any], str]
Whole = Callable[[str], tuple[int, int, dict[str, str]]]
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
        {"epochs": 3, "evaluations": 7, "patience": 2, "learning_rate": 1e-9, "dropout": 0.1},
        "fp32",
    ),
    "in-batch ranking": (("bitext",), {"evaluations": 2, "dropout": 0.1}, "fp32"),
    "adapter": (
        ("classification",),
        {"adapter": {"kind": "lora", "rank": 2, "dropout": 0.1}, "weight_decay": 0.1},
        "fp32",
    ),
    "frozen layers, layer decay": (
        ("tagging",),
        {"frozen": 1, "layer_decay": 0.5, "evaluations": 2, "weight_decay": 0.1},
        "fp32",
    ),
    "lines in batches of their own": (
        ("classification", "lm"),
        {"evaluations": 2, "dropout": 0.1, "weight_decay": 0.1},
        "fp32",
    ),
    "lines in every batch": (
        ("classification", "lm"),
        {"mixed": True, "evaluations": 2, "dropout": 0.1, "weight_decay": 0.1},
        "fp32",
    ),
}
MIXTURE = "dropout, decay, mixture"


DEV = ("classification", "choice")


def lines(language: str, count: int) -> Member:
    """Text to model, of one language."""
    examples = [LineExample(id=str(i), text=toys.sentence(i + count, 9)) for i in range(count)]
    return Member(
        name=f"mlm.{language}",
        task=LINES,
        head=head("encoder", 0.15),
        examples=examples,
        dev=examples[:2],
        language=language,
    )


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

    options = {"epochs": 2, "batch_size": 8} | fields | changed
    mixture = toys.mixture(
        *(toys.member(k, dev=k in DEV, count=24) for k in kinds if k != "lm"),
        rates="equal" if len(kinds) > 1 and "lm" not in kinds else "proportional",
        text=(lines("de", 8), lines("sw", 16)) if "lm" in kinds else (),
        mixed=options.pop("mixed", False),
    )
    source = backbone.locate(str(toys.folder("encoder")), Path.cwd())
    finetune(
        backbone.load(source, lm="lm" in kinds),
        mixture,
        toys.config(**options),
        Numerics(precision=precision, threads=1),  # type: ignore[arg-type]
        0,
        Output(folder=folder, progress=progress, partial=partial),
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


def cut_off(tmp_path: Path, setting: Setting, cut: int) -> Path:
    """The partial state of a training that was cut off in a step."""
    state = tmp_path / "state"
    with pytest.raises(Cut):
        train(tmp_path / "cut", setting, Partial(state, FITS), cut)
    assert [p.name for p in state.iterdir()] == [f"state-{cut - 1:08d}"]
    return state


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Whole:
    """Steps, planned steps and contents of a setting's undisturbed training, trained once."""

    @functools.cache
    def made(name: str) -> tuple[int, int, dict[str, str]]:
        folder = tmp_path_factory.mktemp("whole") / "training"
        steps = train(folder, SETTINGS[name])
        about = json.loads((folder / "training.json").read_text())
        assert about["steps"] == steps
        return steps, about["planned_steps"], contents(folder)

    return made


@pytest.mark.usefixtures("eager")
@pytest.mark.parametrize("name", SETTINGS)
def test_a_training_cut_off_ends_with_equal_bytes(name: str, tmp_path: Path, whole: Whole) -> None:
    steps, planned, expected = whole(name)
    assert (steps < planned) == (name == "patience")
    state, said = tmp_path / "state", [""]
    with pytest.raises(Cut):
        train(tmp_path / "cut", SETTINGS[name], Partial(state, FITS), steps - 1)
    taken = train(tmp_path / "last", SETTINGS[name], Partial(state, FITS, said.append))
    assert taken == 2
    assert said[1:] == [f"continues after step {steps - 2} of {planned}"]
    assert contents(tmp_path / "last") == expected


@pytest.mark.slow
@pytest.mark.usefixtures("eager")
@pytest.mark.parametrize("name", SETTINGS)
def test_a_training_cut_off_in_each_of_its_steps(name: str, tmp_path: Path, whole: Whole) -> None:
    # No step but the cut one is taken twice.
    setting, (steps, _, expected) = SETTINGS[name], whole(name)
    state = tmp_path / "state"
    for cut in range(1, steps + 1):
        with pytest.raises(Cut):
            train(tmp_path / f"cut-{cut}", setting, Partial(state, FITS), cut)
    assert train(tmp_path / "last", setting, Partial(state, FITS)) == 1
    assert contents(tmp_path / "last") == expected


@pytest.mark.slow
@given(
    saves=st.sets(st.integers(1, 11)),
    cuts=st.lists(st.integers(1, 12), max_size=3),
)
@settings(
    max_examples=6, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_saves_may_be_few_and_cuts_anywhere(
    saves: set[int], cuts: list[int], tmp_path_factory: pytest.TempPathFactory, whole: Whole
) -> None:
    folder = tmp_path_factory.mktemp("some")
    setting = SETTINGS[MIXTURE]

    def some(state: Path) -> Partial:
        """Saves after the drawn steps."""
        kept = Partial(state, FITS)
        save = kept.save
        kept.due = lambda *_: True  # type: ignore[method-assign]
        kept.save = lambda at, *rest: save(at, *rest) if at.step in saves else None  # type: ignore[method-assign]
        return kept

    for number, cut in enumerate(cuts):
        try:
            train(folder / f"cut-{number}", setting, some(folder / "state"), cut)
        except Cut:
            continue
    train(folder / "last", setting, some(folder / "state"))
    assert contents(folder / "last") == whole(MIXTURE)[2]


def _edit(path: Path, change: Callable[[bytes], bytes]) -> None:
    content = change(path.read_bytes())
    path.unlink()  # a checkpoint is one file under two names
    path.write_bytes(content)


def _flip(content: bytes) -> bytes:
    return content[:-9] + bytes([content[-9] ^ 1]) + content[-8:]


DAMAGES: dict[str, tuple[Callable[[Path], None], str]] = {
    "one bit of a tensor": (
        lambda state: _edit(state / "tensors.safetensors", _flip),
        "is damaged: tensors.safetensors differs from its sha256",
    ),
    "cut off tensors": (
        lambda state: _edit(state / "tensors.safetensors", lambda c: c[: len(c) // 2]),
        "is damaged: tensors.safetensors differs from its sha256",
    ),
    "no tensors": (
        lambda state: (state / "tensors.safetensors").unlink(),
        r"cannot be read \(FileNotFoundError: ",
    ),
    "an edited position": (
        lambda state: _edit(
            state / "state.json", lambda c: c.replace(b'"tokens_seen": ', b'"tokens_seen": 1')
        ),
        "is damaged: its state.json differs from its own sha256",
    ),
    "half a position": (
        lambda state: _edit(state / "state.json", lambda c: c[: len(c) // 2]),
        "is damaged: its state.json differs from its own sha256",
    ),
    "an empty position": (
        lambda state: _edit(state / "state.json", lambda _: b""),
        "is damaged: its state.json differs from its own sha256",
    ),
    "one bit of a checkpoint": (
        lambda state: _edit(next(state.rglob("changed.safetensors")), _flip),
        r"is damaged: checkpoints/\d+/changed.safetensors differs from its sha256",
    ),
    "a lost checkpoint": (
        lambda state: shutil.rmtree(state / "checkpoints"),
        r"cannot be read \(FileNotFoundError: ",
    ),
}


@pytest.fixture(scope="module")
def cut_at_8(tmp_path_factory: pytest.TempPathFactory) -> Path:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Partial, "due", lambda *_: True)
        return cut_off(tmp_path_factory.mktemp("cut"), SETTINGS[MIXTURE], 8)


def refused(tmp_path: Path, name: str, state: Path, fits: dict[str, str], whole: Whole) -> str:
    """What is said of a state that is not used; the training is as if there had been none."""
    steps, _, expected = whole(name)
    said: list[str] = []
    assert train(tmp_path / "again", SETTINGS[name], Partial(state, fits, said.append)) == steps
    assert contents(tmp_path / "again") == expected
    (sentence,) = said
    return sentence


@pytest.mark.parametrize("name", DAMAGES)
def test_a_damaged_state_is_said_and_not_used(
    name: str, tmp_path: Path, cut_at_8: Path, whole: Whole
) -> None:
    state = tmp_path / "state"
    shutil.copytree(cut_at_8, state)
    damage, sentence = DAMAGES[name]
    damage(next(state.iterdir()))
    assert re.match(
        f"starts from its beginning: the partial state .*/state-00000007 {sentence}",
        refused(tmp_path, MIXTURE, state, FITS, whole),
    )


@pytest.mark.usefixtures("eager")
def test_a_damaged_state_makes_way_for_the_one_before_it(
    tmp_path: Path, cut_at_8: Path, whole: Whole
) -> None:
    # What a kill between renaming and clearing up leaves, and then a bad disk.
    state = cut_off(tmp_path, SETTINGS[MIXTURE], 6)
    shutil.copytree(cut_at_8 / "state-00000007", state / "state-00000007")
    DAMAGES["one bit of a tensor"][0](state / "state-00000007")
    said: list[str] = []
    train(tmp_path / "again", SETTINGS[MIXTURE], Partial(state, FITS, said.append))
    assert len(said) == 2
    assert said[1] == "continues after step 5 of 12"
    assert contents(tmp_path / "again") == whole(MIXTURE)[2]


@pytest.mark.usefixtures("eager")
@pytest.mark.parametrize(
    ("fits", "sentence"),
    [
        (FITS | {"torch": "1.0"}, f"was made with torch {torch.__version__}, this is 1.0"),
        (FITS | {"processor": "abacus"}, "was made with processor None, this is abacus"),
        ({"torch": torch.__version__}, "was made with step train-0123456789ab, this is None"),
    ],
)
def test_a_foreign_state_is_said_and_not_used(
    fits: dict[str, str], sentence: str, tmp_path: Path, whole: Whole
) -> None:
    state = cut_off(tmp_path, SETTINGS["patience"], 3)
    said = refused(tmp_path, "patience", state, fits, whole)
    assert said.endswith(f"state-00000002 {sentence}")


@pytest.mark.usefixtures("eager")
def test_a_state_of_another_model_is_said_and_not_used(tmp_path: Path) -> None:
    setting = SETTINGS["patience"]
    state = cut_off(tmp_path, setting, 3)
    said: list[str] = []
    train(tmp_path / "again", setting, Partial(state, FITS, said.append), trim_vocabulary=False)
    assert len(said) == 1
    assert re.search(
        r"has parameter.backbone.embeddings.word_embeddings.weight as torch.float32 \[\d+, 32\],"
        r" this model as torch.float32 \[400, 32\]",
        said[0],
    )
    assert (tmp_path / "again" / "training.json").exists()


@pytest.mark.usefixtures("eager")
@pytest.mark.parametrize("broken", ["save_file", "_digest", "_flush"])
def test_the_state_before_stays_until_the_new_one_is_whole(
    broken: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, whole: Whole
) -> None:
    setting = SETTINGS[MIXTURE]
    original = getattr(partials, broken)

    def full(*arguments: Any) -> Any:
        if (tmp_path / "state" / "state-00000004").exists():
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return original(*arguments)

    monkeypatch.setattr(partials, broken, full)
    with pytest.raises(OSError, match="No space left on device"):
        train(tmp_path / "cut", setting, Partial(tmp_path / "state", FITS))
    left = sorted(p.name for p in (tmp_path / "state").iterdir())
    assert left[-1] == "state-00000004"
    assert "new" not in left
    monkeypatch.setattr(partials, broken, original)
    said: list[str] = []
    train(tmp_path / "again", setting, Partial(tmp_path / "state", FITS, said.append))
    assert said == ["continues after step 4 of 12"]
    assert contents(tmp_path / "again") == whole(MIXTURE)[2]


@pytest.mark.usefixtures("eager")
def test_a_file_system_without_hard_links_will_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, whole: Whole
) -> None:
    def link(*_: object) -> None:
        raise OSError(errno.EPERM, os.strerror(errno.EPERM))

    monkeypatch.setattr(os, "link", link)
    state = cut_off(tmp_path, SETTINGS[MIXTURE], 8)
    assert train(tmp_path / "again", SETTINGS[MIXTURE], Partial(state, FITS)) == 5
    assert contents(tmp_path / "again") == whole(MIXTURE)[2]


@pytest.mark.usefixtures("eager")
def test_only_a_loss_that_is_not_finite_leaves_nothing_to_continue(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    setting = SETTINGS["patience"]
    state = tmp_path / "state"
    collate = waystation.train.collate

    def lacking(*arguments: Any) -> Any:
        if (state / "state-00000002").exists():
            raise MemoryError
        return collate(*arguments)

    monkeypatch.setattr(waystation.train, "collate", lacking)
    with pytest.raises(StepFailed, match="memory"):
        train(tmp_path / "short", setting, Partial(state, FITS))
    assert [p.name for p in state.iterdir()] == ["state-00000002"]
    monkeypatch.setattr(waystation.train, "collate", collate)
    monkeypatch.setattr(math, "isfinite", lambda _: False)
    with pytest.raises(StepFailed, match="expected a finite loss"):
        train(tmp_path / "infinite", setting, Partial(state, FITS))
    assert not state.exists()


class Clock:
    """Time that passes only where it is told to."""

    def __init__(self) -> None:
        self.now = 0.0

    def monotonic(self) -> float:
        return self.now


@pytest.mark.parametrize(("step_s", "save_s"), [(0.01, 0.2), (0.5, 1.0), (2.0, 30.0), (60.0, 0.1)])
def test_saving_takes_its_share_and_no_more(
    step_s: float, save_s: float, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    clock = Clock()
    monkeypatch.setattr(partials, "time", clock)
    monkeypatch.setattr(
        Partial, "_write", lambda self, scratch, *_: (scratch.mkdir(parents=True), clock.wait())
    )
    clock.wait = lambda: setattr(clock, "now", clock.now + save_s)  # type: ignore[attr-defined]
    model = toys.model()
    partial = Partial(tmp_path / "state", FITS)
    spent, moments, steps = 0.0, [], round(min(4000, 4000 / step_s))
    for step in range(1, steps + 1):
        clock.now += step_s
        if partial.due(model, step % 1000 == 0):
            partial.save(Position(steps=steps, step=step), model, None, tmp_path)
            spent += save_s
            moments.append(clock.now)
    # The first cost is a guess, so the bound holds up to one save; 5% of the time is never reached.
    assert spent <= partials.SHARE * clock.now + save_s
    assert spent < 0.05 * clock.now or len(moments) == 1
    least = [b - a for a, b in itertools.pairwise(moments)]
    assert all(gap >= min(partials.QUIET_S, step_s) for gap in least)
    # And it is used: what a kill can lose is bounded too.
    assert max(least, default=0) <= max(2 * save_s / partials.SHARE, partials.QUIET_S) + 2 * step_s
    assert moments
