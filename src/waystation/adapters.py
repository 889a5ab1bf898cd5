"""Adapters: small modules that a stage trains in place of a backbone's own weights.

LoRA (Hu et al. 2021) is `peft`'s. The bottleneck is Houlsby et al. 2019, figure 2, once a layer
as in Pfeiffer et al. 2020: the output of the feed-forward block goes through a narrow layer and
back and is added to itself, before the block's own residual connection; `peft` 0.21 has none.
The way back starts at zero, so that training starts from the backbone as it was.

Paths of modules are those of the untouched backbone, whatever has been wrapped around a layer.
Several adapters can lie on one layer: LoRAs add up in its weights, then bottlenecks follow in the
order in which they were placed. checkpoint.py says how adapters are stored.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import torch
from torch import Tensor, nn

from waystation.errors import ModelError, suggest
from waystation.layers import Layers

if TYPE_CHECKING:
    from waystation.model import Model

_OWN: Final = re.compile(r"\.(?:lora_A|lora_B|lora_dropout|bottlenecks)\.(\w+)")
_ATTENTION: Final = re.compile(r"att(n|ention)", re.IGNORECASE)
_EXPERTS: Final = re.compile(r"expert|router", re.IGNORECASE)


@dataclass(frozen=True, kw_only=True)
class Placed:
    """An adapter that lies on a model (or did, before it was merged)."""

    name: str
    kind: str
    """"lora" or "bottleneck"."""
    rank: int
    alpha: float
    dropout: float
    stacked: bool
    """Whether it stays a module of its own in the stages that follow."""
    modules: tuple[str, ...]
    """The layers that it lies on."""


class Bottleneck(nn.Module):  # type: ignore[misc]
    """down, ReLU, up, and the input added: [B, T, D] to [B, T, D]."""

    def __init__(self, width: int, rank: int, dropout: float) -> None:
        super().__init__()
        self.dropout = nn.Dropout(dropout)
        self.down = nn.Linear(width, rank)
        self.up = nn.Linear(rank, width)
        nn.init.zeros_(self.up.weight)
        nn.init.zeros_(self.up.bias)

    def forward(self, states: Tensor) -> Tensor:
        narrow = torch.relu(self.down(self.dropout(states)))  # [B, T, rank]
        return states + self.up(narrow)  # [B, T, D]


class Narrowed(nn.Module):  # type: ignore[misc]
    """A linear layer with bottlenecks behind it."""

    def __init__(self, base_layer: nn.Module) -> None:
        super().__init__()
        self.base_layer = base_layer
        self.bottlenecks = nn.ModuleDict()

    @property
    def weight(self) -> Any:
        """Some layers of `transformers` ask for their output layer's number format."""
        return self.base_layer.weight

    def forward(self, states: Tensor) -> Tensor:
        states = self.base_layer(states)  # [B, T, D]
        for bottleneck in self.bottlenecks.values():
            states = bottleneck(states)
        return states


def plain(name: str) -> str:
    """The name of a module or parameter in the untouched backbone."""
    return re.sub(r"\.base_layer\b", "", name)


def owner(name: str) -> str | None:
    """The adapter that a parameter belongs to; None for the backbone's own and for heads."""
    found = _OWN.search(name)
    return found[1] if found else None


def targets(
    backbone: Any, kind: str, names: Sequence[str] = (), frozen: int = 0
) -> tuple[str, ...]:
    """The layers that an adapter of a kind lies on: none in the `frozen` lowest ones.

    `names` chooses LoRA's, as `adapter.modules` does. Raises ModelError where none fit.
    """
    layers = Layers(backbone)
    linear = _linear_layers(backbone)
    if kind == "bottleneck" and names:
        raise ModelError(
            "expected no `modules` for `adapter: {kind: bottleneck}`, which lies behind the"
            f" feed-forward block of every layer, found {', '.join(names)}; leave them out."
        )
    if kind == "bottleneck":
        found = list(_feed_forward_ends(backbone, layers, linear))
    else:
        found = _named(backbone, names, layers, linear)
    found = [path for path in found if layers.number(path) > frozen]
    if not found:
        raise ModelError(
            f"expected linear layers for the adapter above the {frozen} frozen layers of the"
            f" {backbone.config.model_type} backbone, found none; lower `frozen`."
        )
    return tuple(found)


def size(backbone: Any, kind: str, rank: int, modules: Iterable[str]) -> int:
    """How many parameters an adapter has."""
    linear, count = _linear_layers(backbone), 0
    for path in modules:
        outputs, inputs = _shape(linear[path])
        if kind == "lora":
            count += rank * (inputs + outputs)
        else:
            count += 2 * rank * outputs + rank + outputs
    return count


def place(model: Model, placed: Placed) -> None:
    """Wrap the adapter's layers; everything else stays as trainable as it was."""
    trainable = {id(p): p.requires_grad for p in model.parameters()}
    if placed.kind == "lora":
        _place_lora(model, placed)
    else:
        for path in placed.modules:
            layer = model.backbone.get_submodule(path)
            if not isinstance(layer, Narrowed):
                layer = Narrowed(layer)
                _replace(model.backbone, path, layer)
            width, _ = _shape(_base(layer))
            fresh = Bottleneck(width, placed.rank, placed.dropout)
            layer.bottlenecks[placed.name] = fresh.to(layer.weight.device)
    for parameter in model.parameters():
        parameter.requires_grad_(trainable.get(id(parameter), True))
    model.adapters = (*model.adapters, placed)


def settle(model: Model) -> None:
    """What a following stage and predictions start from: adapters merged, or stacked."""
    for placed in model.adapters:
        if not placed.stacked:
            merge(model, placed)


def merge(model: Model, placed: Placed) -> None:
    """Add a LoRA to the weights it lies on and take it away; its tensors stay on record."""
    kept = {name: value.clone() for name, value in tensors_of(model, placed).items()}
    for path in placed.modules:
        outer = model.backbone.get_submodule(path)
        layer = outer.base_layer if isinstance(outer, Narrowed) else outer
        base = layer.get_base_layer()
        with torch.no_grad():
            base.weight += layer.get_delta_weight(placed.name)
        others = [name for name in layer.lora_A if name != placed.name]
        layer.set_adapter(others, inference_mode=True)
        layer.delete_adapter(placed.name)
        if not others:
            _replace(model.backbone, path + ".base_layer" * (layer is not outer), base)
    model.adapters = tuple(other for other in model.adapters if other != placed)
    model.merged = (*model.merged, (placed, kept))


def set_adapter_dropout(model: Model, trained: str | None) -> None:
    """An adapter's dropout is its own stage's: frozen ones are part of the weights."""
    own = {p.name: p.dropout if p.name == trained else 0.0 for p in model.adapters}
    for path, module in model.backbone.named_modules():
        name = owner(path)
        if name is not None and isinstance(module, nn.Dropout):
            module.p = own[name]


def tensors_of(model: Model, placed: Placed) -> dict[str, Tensor]:
    """`MODULE.lora_A`, `MODULE.lora_B`, or `MODULE.down.weight` and so on."""
    found = {}
    for name, parameter in model.backbone.named_parameters():
        if owner(name) == placed.name:
            path = plain(name).replace(f".bottlenecks.{placed.name}.", ".")
            found[re.sub(rf"\.(lora_[AB])\.{placed.name}\.weight$", r".\1", path)] = (
                parameter.detach()
            )
    return found


def modules_of(names: Iterable[str]) -> tuple[str, ...]:
    """The layers of an adapter with tensors of these names."""
    paths = [re.sub(r"\.(?:lora_[AB]|(?:down|up)\.(?:weight|bias))$", "", name) for name in names]
    return tuple(dict.fromkeys(paths))


def unfit(model: Model, placed: Placed, stored: dict[str, Tensor]) -> str | None:
    """What of a stored adapter this backbone does not have; None where all of it fits."""
    linear = _linear_layers(model.backbone)
    for path in placed.modules:
        if path not in linear:
            return f"an adapter on the layer {path}"
        outputs, inputs = _shape(linear[path])
        rank, lora = placed.rank, placed.kind == "lora"
        first = (rank, inputs) if lora else (rank, outputs)
        value = stored.get(f"{path}.lora_A" if lora else f"{path}.down.weight")
        if value is None or tuple(value.shape) != first:
            shape = None if value is None else list(value.shape)
            return f"an adapter of shape {shape} on the layer {path}"
    return None


def fill(model: Model, placed: Placed, stored: dict[str, Tensor]) -> None:
    """Give an adapter its stored weights."""
    with torch.no_grad():
        for name, value in tensors_of(model, placed).items():
            value.copy_(stored[name])


# -- where they lie ------------------------------------------------------------------------------


def _linear_layers(backbone: Any) -> dict[str, Any]:
    """Every linear layer of a backbone but an output layer of its own, in order."""
    from transformers.pytorch_utils import Conv1D

    last = backbone.get_output_embeddings() if hasattr(backbone, "lm_head") else None
    return {
        plain(path): module
        for path, module in backbone.named_modules()
        if isinstance(module, (nn.Linear, Conv1D)) and owner(path) is None and module is not last
    }


def _named(
    backbone: Any, names: Sequence[str], layers: Layers, linear: dict[str, Any]
) -> list[str]:
    """LoRA's layers: those asked for, those `peft` names for this architecture, or all."""
    from peft.utils import TRANSFORMERS_MODELS_TO_LORA_TARGET_MODULES_MAPPING as KNOWN

    inside = [path for path in linear if 0 < layers.number(path) <= layers.count]
    kind = backbone.config.model_type
    if not names:
        known = KNOWN.get(kind, ())
        found = [path for path in inside if path.rpartition(".")[2] in known]
        return found or inside
    if list(names) == ["all-linear"]:
        return inside
    for name in names:
        if not any(f".{path}".endswith(f".{name}") for path in linear):
            known = list(dict.fromkeys(path.rpartition(".")[2] for path in inside))
            raise ModelError(
                f"expected `adapter.modules` to name linear layers of the {kind} backbone"
                f" ({', '.join(known)}; or all-linear alone), found '{name}', which it does not"
                f" have; correct it.{suggest(name, known)}"
            )
    ends = tuple(f".{name}" for name in names)
    return [path for path in linear if f".{path}".endswith(ends)]


def _feed_forward_ends(backbone: Any, layers: Layers, linear: dict[str, Any]) -> Iterator[str]:
    """The output layer of each layer's feed-forward block: its last one outside attention."""
    width = int(backbone.config.hidden_size)
    for layer in layers.paths():
        module = backbone.get_submodule(layer)
        several = any(_EXPERTS.search(path) for path, _ in module.named_modules())
        ends = [
            path
            for path in linear
            if path.startswith(f"{layer}.")
            and not _ATTENTION.search(path[len(layer) :])
            and _shape(linear[path])[0] == width
        ]
        if several or not ends:
            found = "a mixture of experts" if several else "none"
            raise ModelError(
                "expected one feed-forward block in each layer for `adapter: {kind: bottleneck}`,"
                f" found {found} in {layer} of the {backbone.config.model_type} backbone; use"
                " `kind: lora`."
            )
        yield ends[-1]


def _place_lora(model: Model, placed: Placed) -> None:
    import peft
    from peft.tuners.lora import LoraLayer

    backbone = model.backbone
    paths = [
        f"{path}.base_layer" if isinstance(backbone.get_submodule(path), Narrowed) else path
        for path in placed.modules
    ]
    peft.inject_adapter_in_model(
        peft.LoraConfig(
            r=placed.rank,
            lora_alpha=placed.alpha,
            lora_dropout=placed.dropout,
            target_modules="|".join(map(re.escape, paths)),  # exactly these
            fan_in_fan_out=any(
                not isinstance(_base(backbone.get_submodule(p)), nn.Linear) for p in paths
            ),
        ),
        backbone,
        placed.name,
    )
    del backbone.peft_config  # of no use once the layers are there, and of the last one alone
    for path in paths:
        layer = backbone.get_submodule(path)
        assert isinstance(layer, LoraLayer), path
        layer.set_adapter(list(layer.lora_A))  # peft leaves the last one active alone


def _base(layer: Any) -> Any:
    """The linear layer inside its adapters."""
    while hasattr(layer, "base_layer"):
        layer = layer.base_layer
    return layer


def _shape(linear: Any) -> tuple[int, int]:
    """(outputs, inputs); GPT-2's Conv1D keeps its weights the other way round."""
    first, second = linear.weight.shape
    return (first, second) if isinstance(linear, nn.Linear) else (second, first)


def _replace(backbone: Any, path: str, module: nn.Module) -> None:
    parent, _, name = path.rpartition(".")
    setattr(backbone.get_submodule(parent), name, module)
