"""Averaging: one checkpoint from several, the mean of their weights.

Over the last evaluations of one training (Izmailov et al. 2018, arXiv 1803.05407, without their
learning-rate cycles) or over the seeds of a route (Schmidt et al. 2023, arXiv 2305.16834, whose
heads start equal: elsewhere the mean of two heads is neither). Sums are in fp64 and stored as the
weights are. The result is a checkpoint like any other, of the raw backbone's changed parameters,
its embedding rows and the factor on all other rows.

It averages what a checkpoint stores, so that low-rank adapters are refused before: the mean of
their factors is not that of their products.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeAlias

import torch
from safetensors.torch import load_file, save_file

from waystation.errors import ModelError
from waystation.examples import canonical


def average(folders: Sequence[Path], raw: Callable[[], torch.Tensor], folder: Path) -> None:
    """Write the mean of some checkpoints of one backbone into `folder`.

    `raw` gives the backbone's own embedding table; it is asked for only where the checkpoints
    changed other rows of it. Raises ModelError where they changed other parameters.
    """
    abouts = [json.loads((f / "checkpoint.json").read_text(encoding="utf-8")) for f in folders]
    parts = [load_file(f / "changed.safetensors") for f in folders]
    rows = [part.pop("rows") for part in parts]
    embeddings = [part.pop("embedding") for part in parts]
    for other, about, place in zip(parts, abouts, folders, strict=True):
        _check_alike((parts[0], abouts[0], folders[0]), (other, about, place))
    factors = [float(about["factor"]) for about in abouts]
    union = rows[0]
    if any(not torch.equal(union, other) for other in rows):
        union = torch.unique(torch.cat(rows))  # sorted
        table = raw()[union].double()
        embeddings = [
            _spread(table * factor, union, own, embedding)
            for own, embedding, factor in zip(rows, embeddings, factors, strict=True)
        ]
    found = {name: _mean([part[name] for part in parts]) for name in sorted(parts[0])}
    found |= {"rows": union, "embedding": _mean(embeddings).float()}
    folder.mkdir(parents=True)
    save_file({n: v.contiguous() for n, v in found.items()}, folder / "changed.safetensors")
    about = abouts[-1] | {"factor": sum(factors) / len(factors)}
    (folder / "checkpoint.json").write_text(canonical(about) + "\n", encoding="utf-8")


def _spread(
    table: torch.Tensor, union: torch.Tensor, own: torch.Tensor, embedding: torch.Tensor
) -> torch.Tensor:
    """A checkpoint's rows over those that only another one changed."""
    spread = table.clone()
    spread[torch.searchsorted(union, own)] = embedding.double()
    return spread


def _mean(tensors: Sequence[torch.Tensor]) -> torch.Tensor:
    """The mean, added up in fp64 in the order given; whole numbers are equal anyway."""
    first = tensors[0]
    if not _addable(first):
        return first
    total = torch.zeros(first.shape, dtype=torch.float64)
    for tensor in tensors:
        total += tensor
    return (total / len(tensors)).to(first.dtype)


_Stored: TypeAlias = tuple[Mapping[str, torch.Tensor], Mapping[str, Any], Path]
"""The tensors of a checkpoint, what it says of itself, and where it lies."""


def _check_alike(one: _Stored, other: _Stored) -> None:
    """Raises where the weights of two checkpoints do not stand for the same thing."""
    shapes = [{n: (t.shape, t.dtype) for n, t in tensors.items()} for tensors, _, _ in (one, other)]
    if shapes[0] != shapes[1]:
        odd = sorted(n for n in {**shapes[0], **shapes[1]} if shapes[0].get(n) != shapes[1].get(n))
        found = f"{len(odd)} that differ, such as {odd[0]}"
    elif odd := [n for n, t in one[0].items() if not _addable(t) and not t.equal(other[0][n])]:
        found = f"other whole numbers in {sorted(odd)[0]}"
    elif _fixed(one[1]) != _fixed(other[1]):
        found = "other heads"
    else:
        return
    raise ModelError(
        f"expected checkpoints with the same parameters and heads to average, found {found} in"
        f" {one[2]} and {other[2]}; average checkpoints of one training or of equal routes."
    )


def _addable(tensor: torch.Tensor) -> bool:
    return bool(tensor.is_floating_point())


def _fixed(about: Mapping[str, Any]) -> dict[str, Any]:
    """What two checkpoints must agree on: all but how far they are."""
    return {name: value for name, value in about.items() if name not in ("step", "factor")}
