"""Partial state: what a training that was cut off needs to go on as if nothing had happened.

A state is a folder `state-STEP/`: `tensors.safetensors` (the trained parameters, the buffers, the
optimiser's state), `checkpoints/` (hard links to those written so far) and `state.json` (the
position, what the state fits, the sha256 of all other files). Batches, dropout and every other
draw are functions of (seed, step), so there is no random state among it. A state is written
beside, flushed and renamed, and the one before stays until then: a kill at any moment leaves a
whole one. One that is damaged, or that other versions or another processor made, is not used.

Saves are spaced so that they take SHARE of the time at most. Nothing is saved on the way out of
an error: in the middle of a step there is no state that an undisturbed training passes through.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from waystation.sources import sha256

if TYPE_CHECKING:
    from waystation.model import Model

SHARE: Final = 0.04
"""Saving takes at most this share of a training's time."""
QUIET_S: Final = 5.0
"""Between two saves, except after an evaluation, lie at least so many seconds."""
FIRST_S: Final = 0.1
FIRST_BYTES_PER_S: Final = 200e6
"""What a save is taken to cost before one was measured: a slow disk."""
FORMAT: Final = 1


@dataclass(kw_only=True)
class Position:
    """How far a training is: all that does not follow from (seed, step) and is no tensor."""

    steps: int
    step: int = 0
    examples_seen: int = 0
    tokens_seen: int = 0
    loss_since: float = 0.0
    weight_since: float = 0.0
    factor: float = 1.0
    """Of the embedding rows that are not trained, see vocabulary.Table."""
    evaluations: list[dict[str, Any]] = field(default_factory=list)
    curve: list[list[float]] = field(default_factory=list)

    @property
    def without_gain(self) -> int:
        """Evaluations since the best dev score so far."""
        scores = [e["score"] for e in self.evaluations if e["score"] is not None]
        return len(scores) - 1 - scores.index(max(scores)) if scores else 0


class _Unfit(Exception):
    """Why a state cannot be used, as the end of a sentence."""


class Partial:
    """The partial state of one training, in a folder of its own.

    `fits` names what a state must have been made with; `say` gets one sentence where a state is
    continued from and where one is not used.
    """

    def __init__(
        self, folder: Path, fits: Mapping[str, str], say: Callable[[str], None] = lambda _: None
    ) -> None:
        self.folder, self.fits, self.say = folder, dict(fits), say
        self.seconds = 0.0
        """What earlier runs took up to the state that this one continues from."""
        self._begun = self._saved = time.monotonic()
        self._spent = 0.0
        self._cost: float | None = None
        self._hashes: dict[str, str] = {}

    # -- going on --------------------------------------------------------------------------------

    def load(self, model: Model, optimizer: Any, folder: Path, steps: int) -> Position:
        """Lay the newest state over model and optimiser, its checkpoints into `folder`.

        Gives the position to go on from: the beginning where there is no state that fits.
        """
        self._begun = self._saved = time.monotonic()
        for state in _states(self.folder):
            try:
                about = self._checked(state)
                tensors = load_file(state / "tensors.safetensors")
                places = _places(model, tensors)
            except (_Unfit, OSError, SafetensorError) as reason:
                self.say(f"starts from its beginning: the partial state {state} {_why(reason)}")
                shutil.rmtree(state, ignore_errors=True)  # its name may be wanted again
                continue
            if (state / "checkpoints").exists():
                shutil.copytree(state / "checkpoints", folder / "checkpoints", copy_function=_link)
            _restore(tensors, places, optimizer)
            self.seconds = about["seconds"]
            self._hashes = about["files"]
            at = Position(**about["position"])
            self.say(f"continues after step {at.step} of {at.steps}")
            return at
        self.remove()
        return Position(steps=steps)

    def _checked(self, state: Path) -> Any:
        """What `state.json` says, once it and all other files are known to be whole and ours."""
        about = read_about(state)
        if about is None:
            raise _Unfit("is damaged: its state.json differs from its own sha256")
        for name in sorted(self.fits.keys() | about["fits"].keys()):
            ours, theirs = self.fits.get(name), about["fits"].get(name)
            if ours != theirs:
                raise _Unfit(f"was made with {name} {theirs}, this is {ours}")
        for name, expected in about["files"].items():
            if sha256(state / name) != expected:
                raise _Unfit(f"is damaged: {name} differs from its sha256")
        return about

    # -- saving ----------------------------------------------------------------------------------

    def due(self, model: Model, evaluated: bool) -> bool:
        """Whether a save now keeps within SHARE; an evaluation is a good moment for one."""
        now = time.monotonic()
        cost = self._cost
        if cost is None:
            trained = (p for p in model.parameters() if p.requires_grad)
            size_bytes = 3 * sum(p.numel() * p.element_size() for p in trained)
            cost = FIRST_S + size_bytes / FIRST_BYTES_PER_S
        if not evaluated and now - self._saved < QUIET_S:
            return False
        return self._spent + cost <= SHARE * (now - self._begun)

    def save(self, at: Position, model: Model, optimizer: Any, folder: Path) -> None:
        """Write the state after a step; `folder` has the checkpoints written so far."""
        begun = time.monotonic()
        scratch = self.folder / "new"
        shutil.rmtree(scratch, ignore_errors=True)
        try:
            self._write(scratch, at, model, optimizer, folder)
            old = _states(self.folder)
            scratch.rename(self.folder / f"state-{at.step:08d}")
            _flush(self.folder)
        finally:
            shutil.rmtree(scratch, ignore_errors=True)
        for state in old:
            shutil.rmtree(state)
        self._saved = time.monotonic()
        self._cost = self._saved - begun
        self._spent += self._cost

    def _write(
        self, scratch: Path, at: Position, model: Model, optimizer: Any, folder: Path
    ) -> None:
        scratch.mkdir(parents=True)
        save_file(_tensors(model, optimizer), scratch / "tensors.safetensors")
        self._hashes.pop("tensors.safetensors", None)
        if (folder / "checkpoints").exists():
            shutil.copytree(folder / "checkpoints", scratch / "checkpoints", copy_function=_link)
        for path in sorted(p for p in scratch.rglob("*") if p.is_file()):
            name = path.relative_to(scratch).as_posix()
            if name not in self._hashes:  # checkpoints never change
                _flush(path)
                self._hashes[name] = sha256(path)
        about = {
            "fits": self.fits,
            "position": asdict(at),
            "seconds": self.seconds + time.monotonic() - self._begun,
            "files": self._hashes,
        }
        signed = {"sha256": _digest(about), "about": about}
        (scratch / "state.json").write_text(json.dumps(signed), encoding="utf-8")
        _flush(scratch / "state.json")
        _flush(scratch)

    def remove(self) -> None:
        """Leave nothing to continue from."""
        shutil.rmtree(self.folder, ignore_errors=True)


def read_about(state: Path) -> Any:
    """What the `state.json` of a state says; None where it is damaged."""
    try:
        signed = json.loads((state / "state.json").read_text(encoding="utf-8"))
        whole = signed["sha256"] == _digest(signed["about"])
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return signed["about"] if whole else None


def _digest(about: Any) -> str:
    return hashlib.sha256(json.dumps([FORMAT, about]).encode()).hexdigest()


def _tensors(model: Model, optimizer: Any) -> dict[str, Any]:
    names = {parameter: name for name, parameter in _trained(model)}
    found = {f"parameter.{name}": parameter.detach() for parameter, name in names.items()}
    for parameter, values in optimizer.state.items():
        for what, value in values.items():
            found[f"optimizer.{what}.{names[parameter]}"] = value.detach()
    # A copy of its own, since save_file refuses memory that two names share.
    found |= {
        f"buffer.{name}": value.detach().clone(memory_format=torch.contiguous_format)
        for name, value in model.named_buffers()
    }
    return {name: value.cpu().contiguous() for name, value in found.items()}


def _trained(model: Model) -> list[tuple[str, Any]]:
    return [(name, p) for name, p in model.named_parameters() if p.requires_grad]


def _places(model: Model, tensors: Mapping[str, Any]) -> dict[str, Any]:
    """Where the values of a state belong; names and shapes compared before one is taken."""
    places = {f"parameter.{name}": parameter for name, parameter in _trained(model)}
    places |= {f"buffer.{name}": buffer for name, buffer in model.named_buffers()}
    kept = {name: value for name, value in tensors.items() if not name.startswith("optimizer.")}
    for name in sorted(places.keys() | kept.keys()):
        ours, theirs = (_form(d.get(name)) for d in (places, kept))
        if ours != theirs:
            raise _Unfit(f"has {name} as {theirs}, this model as {ours}")
    return places


def _restore(tensors: Mapping[str, Any], places: Mapping[str, Any], optimizer: Any) -> None:
    with torch.no_grad():
        for name, place in places.items():
            place.copy_(tensors[name])
    packed = optimizer.state_dict()
    order = [p for group in optimizer.param_groups for p in group["params"]]
    numbers = {p: n for n, p in enumerate(order)}
    state: dict[int, dict[str, Any]] = {}
    for name in sorted(tensors):
        if name.startswith("optimizer."):
            _, what, parameter = name.split(".", 2)
            number = numbers[places[f"parameter.{parameter}"]]
            # A copy, since the state's file is deleted when the next one is written.
            state.setdefault(number, {})[what] = tensors[name].clone()
    optimizer.load_state_dict({"state": state, "param_groups": packed["param_groups"]})


def _form(value: Any) -> str:
    return "nothing" if value is None else f"{value.dtype} {list(value.shape)}"


def _why(reason: Exception) -> str:
    if isinstance(reason, _Unfit):
        return str(reason)
    return f"cannot be read ({type(reason).__name__}: {reason})"


def _states(folder: Path) -> list[Path]:
    """The states in a folder, the newest first."""
    return sorted(folder.glob("state-*"), reverse=True)


def _link(source: str, target: str) -> None:
    try:
        os.link(source, target)
    except OSError:  # a file system without hard links
        shutil.copyfile(source, target)


def _flush(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
