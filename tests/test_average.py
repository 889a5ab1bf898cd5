"""Averaging: the mean of weights, checked against torch by hand on real checkpoints."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

import toys
from waystation.average import average
from waystation.checkpoint import load_checkpoint
from waystation.errors import ModelError
from waystation.train import Output, finetune
from waystation.vocabulary import full_table


def trained(folder: Path, seed: int = 0, **fields: Any) -> list[Path]:
    """The checkpoints of a short training."""
    folder.mkdir()
    config = toys.config(epochs=3, evaluations=3, learning_rate=1e-2, **fields)
    mixture = toys.mixture(toys.member("classification"))
    finetune(toys.model(), mixture, config, toys.NUMERICS, seed, Output(folder=folder))
    return sorted((folder / "checkpoints").iterdir())


def loaded(folder: Path) -> dict[str, torch.Tensor]:
    model = toys.model()
    load_checkpoint(model, folder)
    return {name: value.detach().clone() for name, value in model.named_parameters()}


def raw() -> torch.Tensor:
    return full_table(toys.model()).detach()


def no_raw() -> torch.Tensor:
    raise AssertionError("equal rows need no raw table")


def by_hand(folders: list[Path]) -> dict[str, torch.Tensor]:
    models = [loaded(f) for f in folders]
    return {n: torch.stack([m[n].double() for m in models]).mean(0) for n in models[0]}


def test_the_mean_of_a_training_is_that_of_every_weight(tmp_path: Path) -> None:
    folders = trained(tmp_path / "a")
    assert len(folders) == 3
    average(folders, no_raw, tmp_path / "mean")
    found, expected = loaded(tmp_path / "mean"), by_hand(folders)
    assert found.keys() == expected.keys()
    assert any(name.startswith("heads.") for name in found)
    for name, value in found.items():
        torch.testing.assert_close(value.double(), expected[name], rtol=1e-6, atol=1e-7)


def test_the_factor_of_rows_that_no_stage_reached_is_averaged(tmp_path: Path) -> None:
    folders = trained(tmp_path / "a", weight_decay=0.5)
    factors = [json.loads((f / "checkpoint.json").read_text())["factor"] for f in folders]
    assert len(set(factors)) == 3
    average(folders, no_raw, tmp_path / "mean")
    table = full_table(toys.model()).detach()
    rows = load_file(folders[0] / "changed.safetensors")["rows"]
    untouched = next(i for i in range(len(table)) if i not in rows.tolist())
    model = toys.model()
    load_checkpoint(model, tmp_path / "mean")
    torch.testing.assert_close(full_table(model)[untouched], table[untouched] * sum(factors) / 3)


def test_rows_that_only_one_changed_are_the_raw_ones_in_the_other(tmp_path: Path) -> None:
    one, other = trained(tmp_path / "a", weight_decay=0.5)[-2:]
    tensors = load_file(other / "changed.safetensors")
    kept = torch.arange(len(tensors["rows"])) % 2 == 0
    tensors["rows"] = tensors["rows"][kept].contiguous()
    tensors["embedding"] = tensors["embedding"][kept].contiguous()
    save_file(tensors, other / "changed.safetensors")
    average([one, other], raw, tmp_path / "mean")
    found, expected = loaded(tmp_path / "mean"), by_hand([one, other])
    for name, value in found.items():
        torch.testing.assert_close(value.double(), expected[name], rtol=1e-6, atol=1e-7)


def test_the_same_checkpoint_twice_is_itself(tmp_path: Path) -> None:
    folder = trained(tmp_path / "a")[-1]
    average([folder, folder], no_raw, tmp_path / "mean")
    assert (tmp_path / "mean" / "changed.safetensors").read_bytes() == (
        folder / "changed.safetensors"
    ).read_bytes()


def test_checkpoints_of_other_parameters_or_heads_are_refused(tmp_path: Path) -> None:
    one, other = trained(tmp_path / "a")[-2:]
    tensors = load_file(other / "changed.safetensors")
    name = next(n for n in tensors if n.startswith("heads."))
    save_file({n: t for n, t in tensors.items() if n != name}, other / "changed.safetensors")
    with pytest.raises(ModelError, match="same parameters and heads to average, found 1 that diff"):
        average([one, other], no_raw, tmp_path / "mean")
    save_file(tensors, other / "changed.safetensors")
    about = json.loads((other / "checkpoint.json").read_text()) | {"heads": []}
    (other / "checkpoint.json").write_text(json.dumps(about))
    with pytest.raises(ModelError, match="to average, found other heads in"):
        average([one, other], no_raw, tmp_path / "mean")
