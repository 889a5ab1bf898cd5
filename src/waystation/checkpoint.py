"""Checkpoints: what training changed of a backbone, complete relative to the raw one.

A checkpoint of the second stage of a chain holds what either stage changed, so loading is one
step whatever came before. `changed.safetensors` has the trained parameters under their names in
`Model` (`backbone.NAME`, `lm_head.NAME`), the heads (`heads.NAME.PARAMETER`), and of the input
embedding only the rows that some stage could reach (`rows`, `embedding`); every other row is the
raw one times `factor` in `checkpoint.json`. Optimiser state is not kept.

Adapters are `adapters.NAME.MODULE.lora_A` and so on, in the order of `adapters` in
`checkpoint.json`, which is there only where a stage had one. The `merged` ones were added to the
raw weights before anything else; those that training changed later are complete in themselves.
Loading merges what is to be merged, so that only stacked adapters remain on the model.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias, cast

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import load_file, save_file

from waystation.adapters import (
    Placed,
    fill,
    merge,
    modules_of,
    owner,
    place,
    plain,
    settle,
    tensors_of,
    unfit,
)
from waystation.errors import ModelError
from waystation.examples import JSON, HeadSpec, canonical, from_json, to_json
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
        plain(name)
        for name, parameter in model.named_parameters()
        if parameter.requires_grad
        and parameter is not table.weight
        and not name.startswith("heads.")
        and owner(name) is None
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
    parameters = _own_parameters(model)
    # Rows that only an earlier stage reached decay with the rest.
    index = torch.from_numpy(changed.rows).to(table.full.device)
    embedding = table.full.detach()[index].clone()
    if table.full is not table.weight:
        embedding *= table.factor
        trained = torch.from_numpy(np.searchsorted(changed.rows, table.rows)).to(index.device)
        embedding[trained] = table.weight.detach()
    tensors = {"rows": index, "embedding": embedding, **changed.carried}
    tensors |= {name: parameters[name].detach() for name in sorted(changed.names)}
    for spec in specs:
        for name, value in model.heads[spec.name].state_dict().items():
            tensors[f"heads.{spec.name}.{name}"] = value
    about = {"step": step, "factor": changed.factor, "heads": [to_json(spec) for spec in specs]}
    if adapters := _adapters(model, changed.names):
        about["adapters"] = [_about(placed, merged) for placed, _, merged in adapters]
        for placed, stored, _ in adapters:
            tensors |= {f"adapters.{placed.name}.{name}": v for name, v in stored.items()}
    folder.mkdir(parents=True)
    save_file(
        {name: value.cpu().contiguous() for name, value in tensors.items()},
        folder / "changed.safetensors",
    )
    (folder / "checkpoint.json").write_text(canonical(cast("Any", about)) + "\n", encoding="utf-8")


def load_checkpoint(model: Model, folder: Path, heads: bool = True) -> None:
    """Lay a checkpoint over a raw backbone; `heads` says whether to take its heads too."""
    assert not hasattr(model, "changes"), "a checkpoint is relative to the raw backbone"
    tensors = load_file(folder / "changed.safetensors")
    about = json.loads((folder / "checkpoint.json").read_text(encoding="utf-8"))
    rows, embedding = tensors.pop("rows"), tensors.pop("embedding")
    adapters = _stored_adapters(model, folder, about, tensors)
    for placed, stored, merged in adapters:
        if merged:
            _lay(model, placed, stored)
            merge(model, placed)
    elsewhere = ("heads.", "adapters.")
    found = {n: tensors[n] for n in sorted(tensors) if not n.startswith(elsewhere)}
    parameters = _own_parameters(model)
    carried = {n: v for n, v in found.items() if n not in parameters and "lm_head." in n}
    table = full_table(model)
    with torch.no_grad():
        for name in [n for n in found if n not in carried]:
            if name not in parameters or parameters[name].shape != found[name].shape:
                raise _other(folder, f"the parameter {name} {list(found[name].shape)}")
            parameters[name].copy_(found[name])
        if embedding.shape[1:] != table.shape[1:] or (len(rows) and int(rows.max()) >= len(table)):
            raise _other(folder, "an embedding of another size")
        if about["factor"] != 1.0:
            table.mul_(about["factor"])
        table[rows.to(table.device)] = embedding.to(table.device)
    names = set(found) - set(carried)
    model.changes = Changes(names, rows.numpy(), about["factor"], carried)
    for placed, stored, merged in adapters:
        if not merged:
            _lay(model, placed, stored)
    settle(model)
    for data in about["heads"] if heads else []:
        spec = cast("HeadSpec", from_json(HeadSpec, data))
        prefix = f"heads.{spec.name}."
        state = {name[len(prefix) :]: v for name, v in tensors.items() if name.startswith(prefix)}
        module = build(spec, model.tokenizer, 512, 0).module(model.hidden_size, 0.0)
        module.load_state_dict(state)
        model.heads[spec.name] = module.to(table.device)


def _own_parameters(model: Model) -> dict[str, Any]:
    """A model's parameters but its adapters', by their names in the raw one."""
    named = model.named_parameters(remove_duplicate=False)
    return {plain(name): parameter for name, parameter in named if owner(name) is None}


_Kept: TypeAlias = "tuple[Placed, dict[str, Any], bool]"
"""An adapter, its tensors, and whether it was merged."""


def _adapters(model: Model, complete: set[str]) -> list[_Kept]:
    """Adapters to keep: all that lie on the model, merged ones unless later training took over."""
    merged: list[_Kept] = [
        (placed, stored, True)
        for placed, stored in model.merged
        if any(f"backbone.{module}.weight" not in complete for module in placed.modules)
    ]
    return merged + [(placed, tensors_of(model, placed), False) for placed in model.adapters]


def _about(placed: Placed, merged: bool) -> JSON:
    return {n: v for n, v in to_json(placed).items() if n != "modules"} | {"merged": merged}


def _stored_adapters(
    model: Model, folder: Path, about: Any, tensors: Mapping[str, Any]
) -> list[_Kept]:
    """The adapters of a checkpoint, in order; ModelError where the model has no place for one."""
    found: list[_Kept] = []
    for entry in about.get("adapters", ()):
        prefix = f"adapters.{entry['name']}."
        stored = {n[len(prefix) :]: v for n, v in tensors.items() if n.startswith(prefix)}
        facts = {name: value for name, value in entry.items() if name != "merged"}
        placed = Placed(**facts, modules=modules_of(stored))
        wrong = unfit(model, placed, stored)
        if wrong is not None:
            raise _other(folder, wrong)
        found.append((placed, stored, entry["merged"]))
    return found


def _lay(model: Model, placed: Placed, stored: dict[str, Any]) -> None:
    place(model, placed)
    fill(model, placed, stored)


def _other(folder: Path, found: str) -> ModelError:
    return ModelError(
        f"expected a checkpoint of this backbone in {folder}, found {found}, which it does not"
        " have; load the backbone that the checkpoint was trained from."
    )
