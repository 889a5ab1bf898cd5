"""Checkpoints: what training changed of a backbone, complete relative to the raw one.

A checkpoint of the second stage of a chain holds what either stage changed, so loading is one
step whatever came before. `changed.safetensors` has the trained parameters under their names in
`Model` (`backbone.NAME`, `lm_head.NAME`), the heads (`heads.NAME.PARAMETER`), and of the input
embedding only the rows that some stage could reach (`rows`, `embedding`); every other row is the
raw one times `factor` in `checkpoint.json`. Optimiser state is not kept.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import load_file, save_file

from waystation.errors import ModelError
from waystation.examples import HeadSpec, canonical, from_json, to_json
from waystation.heads import build
from waystation.vocabulary import Table, full_table

if TYPE_CHECKING:
    from waystation.model import Model


@dataclass
class Changes:
    """What training has changed of a raw model: parameters, embedding rows, other rows.

    `carried` are changed parameters of an output layer that this copy was loaded without.
    """

    names: set[str] = field(default_factory=set)
    rows: NDArray[np.int64] = field(default_factory=lambda: np.empty(0, dtype=np.int64))
    factor: float = 1.0
    carried: dict[str, Any] = field(default_factory=dict)


def changes(model: Model) -> Changes:
    """The changes of the stages before; none for a backbone that was just loaded."""
    return cast("Changes", getattr(model, "changes", None) or Changes())


def changed_since_raw(model: Model, table: Table) -> Changes:
    """The changes of the stages before and of the present one together."""
    before = changes(model)
    trained = {
        name
        for name, parameter in model.named_parameters()
        if parameter.requires_grad
        and parameter is not table.weight
        and not name.startswith("heads.")
    }
    return Changes(
        names=before.names | trained,
        rows=np.union1d(before.rows, table.rows),
        factor=before.factor * table.factor,
        carried=before.carried,
    )


def save_checkpoint(
    model: Model, table: Table, specs: tuple[HeadSpec, ...], step: int, folder: Path
) -> None:
    """Write what the present stage and those before changed."""
    changed = changed_since_raw(model, table)
    parameters = dict(model.named_parameters(remove_duplicate=False))
    # Rows that only an earlier stage reached decay with the rest.
    index = torch.from_numpy(changed.rows).to(table.full.device)
    embedding = table.full.detach()[index].clone()
    if table.full is not table.weight:
        embedding *= table.factor
        place = torch.from_numpy(np.searchsorted(changed.rows, table.rows)).to(index.device)
        embedding[place] = table.weight.detach()
    tensors = {"rows": index, "embedding": embedding, **changed.carried}
    tensors |= {name: parameters[name].detach() for name in sorted(changed.names)}
    for spec in specs:
        for name, value in model.heads[spec.name].state_dict().items():
            tensors[f"heads.{spec.name}.{name}"] = value
    folder.mkdir(parents=True)
    save_file(
        {name: value.cpu().contiguous() for name, value in tensors.items()},
        folder / "changed.safetensors",
    )
    about = {"step": step, "factor": changed.factor, "heads": [to_json(spec) for spec in specs]}
    (folder / "checkpoint.json").write_text(canonical(cast("Any", about)) + "\n", encoding="utf-8")


def load_checkpoint(model: Model, folder: Path, heads: bool = True) -> None:
    """Lay a checkpoint over a raw backbone; `heads` says whether to take its heads too."""
    assert not len(changes(model).rows), "a checkpoint is relative to the raw backbone"
    tensors = load_file(folder / "changed.safetensors")
    about = json.loads((folder / "checkpoint.json").read_text(encoding="utf-8"))
    rows, embedding = tensors.pop("rows"), tensors.pop("embedding")
    found = {name: tensors.pop(name) for name in sorted(tensors) if not name.startswith("heads.")}
    parameters = dict(model.named_parameters(remove_duplicate=False))
    carried = {n: v for n, v in found.items() if n not in parameters and "lm_head." in n}
    table = full_table(model)
    with torch.no_grad():
        for name in [n for n in found if n not in carried]:
            if name not in parameters or parameters[name].shape != found[name].shape:
                raise _other(folder, f"the parameter {name} {list(found[name].shape)}")
            parameters[name].copy_(found[name])
        if embedding.shape[1:] != table.shape[1:] or int(rows.max()) >= len(table):
            raise _other(folder, "an embedding of another size")
        if about["factor"] != 1.0:
            table.mul_(about["factor"])
        table[rows.to(table.device)] = embedding.to(table.device)
    names = set(found) - set(carried)
    model.changes = Changes(names, rows.numpy(), about["factor"], carried)
    for data in about["heads"] if heads else []:
        spec = cast("HeadSpec", from_json(HeadSpec, data))
        prefix = f"heads.{spec.name}."
        state = {name[len(prefix) :]: v for name, v in tensors.items() if name.startswith(prefix)}
        module = build(spec, model.tokenizer, 512, 0).module(model.hidden_size, 0.0)
        module.load_state_dict(state)
        model.heads[spec.name] = module.to(table.device)


def _other(folder: Path, found: str) -> ModelError:
    return ModelError(
        f"expected a checkpoint of this backbone in {folder}, found {found}, which it does not"
        " have; load the backbone that the checkpoint was trained from."
    )
