"""A LoRA as `peft`'s own folder: small, over the backbone as it was published.

`adapter_config.json` and `adapter_model.safetensors`, which `peft.PeftModel.from_pretrained` loads
over that backbone; a head lies beside it in `head.safetensors`. The LoRAs of several stages are
one here: their ranks are laid side by side, which is exactly the sum of their products. Only where
adapters are all that training changed; the written folder is loaded again with `peft` and run.
Format: https://huggingface.co/docs/peft/developer_guides/checkpoint.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from waystation import adapters, plain
from waystation.adapters import Placed
from waystation.batching import Batch
from waystation.checkpoint import changes
from waystation.errors import ModelError
from waystation.examples import HeadSpec
from waystation.heads import build
from waystation.model import quiet

if TYPE_CHECKING:
    from waystation.model import Model
    from waystation.plain import Plain


@dataclass(frozen=True, kw_only=True)
class Base:
    """The backbone that the adapter lies over: as it was read, its name, its commit."""

    model: Model
    name: str
    revision: str


def write(model: Model, spec: HeadSpec | None, folder: Path, base: Base, lengths: Any) -> Plain:
    """Write the adapter, the head and the tokenizer; `lengths` are max_tokens, stride, variant.

    Both models are used up. Raises ModelError where something else than LoRA was trained.
    """
    max_tokens, stride, variant = lengths
    stages = [*model.merged, *((p, adapters.tensors_of(model, p)) for p in model.adapters)]
    _check(model, [placed for placed, _ in stages])
    model.eval()
    base.model.eval()
    with quiet(), torch.random.fork_rng(devices=[]), torch.no_grad():
        batch = plain.probe(model, max_tokens)
        written, wanted = _outputs(model, spec, batch, variant, folder)
        if spec is not None and spec.kind == "span":
            windows: Any = build(spec, model.tokenizer, max_tokens, stride)
            cut = {"stride": windows.stride, "question_tokens": windows.question_tokens}
            written = replace(written, **cut)
        if spec is not None and spec.kind == "text":
            settings: Any = build(spec, model.tokenizer, max_tokens, 0)
            settings.generation(model).save_pretrained(folder)
        written = replace(written, base=base.name, revision=base.revision)
        outer = _save(base, stages, written.loader != "AutoModel", folder)
        plain.write_tokenizer(model, written, folder)
        _try(outer, written, spec, (batch, wanted), folder)
    return written


def _outputs(
    model: Model, spec: HeadSpec | None, batch: Batch, variant: str, folder: Path
) -> tuple[Plain, Tensor]:
    """What the model computes, and how the folder is to be used for that."""
    if spec is not None and spec.kind in ("text", "lm"):
        loader = plain.LANGUAGE_MODELS[model.architecture]
        return plain.facts(model, loader), plain.language_scores(model, batch)
    if spec is not None and spec.kind not in ("bitext", "query"):
        plain.write_head(model, spec, folder)
        written = replace(plain.facts(model), head_file=True)
        return written, plain.headed_scores(model, spec, batch)
    states = model.layers(batch)
    layer, pooling = plain.chosen(variant, len(states) - 1)
    last = layer == len(states) - 1
    written = replace(
        plain.facts(model),
        layers=len(states) - 1,
        layer=None if last else layer,
        pooling=pooling,
    )
    return written, states[layer][batch.attention_mask == 1]


def _save(
    base: Base, stages: Sequence[tuple[Placed, dict[str, Tensor]]], lm: bool, folder: Path
) -> Any:
    """Write peft's two files; gives the module that they lie over."""
    import peft

    raw = base.model
    outer = raw.lm if lm else raw.backbone
    prefix = next(f"{n}." if n else "" for n, m in outer.named_modules() if m is raw.backbone)
    paths = list(dict.fromkeys(path for placed, _ in stages for path in placed.modules))
    stored = {
        f"base_model.model.{prefix}{path}.lora_{side}.weight": value.contiguous()
        for path in paths
        for side, value in zip("AB", _side_by_side(path, stages), strict=True)
    }
    save_file(stored, folder / "adapter_model.safetensors", metadata={"format": "pt"})
    rank = sum(placed.rank for placed, _ in stages)
    config = peft.LoraConfig(
        r=rank,
        lora_alpha=rank,  # a scale of 1: each stage's own lies in its B
        target_modules=[prefix + path for path in paths],
        base_model_name_or_path=base.name,
        revision=base.revision or None,
        fan_in_fan_out=not isinstance(raw.backbone.get_submodule(paths[0]), nn.Linear),
        inference_mode=True,
    )
    config.target_modules = sorted(config.target_modules)  # peft writes a set as it comes
    config.save_pretrained(folder)
    return outer


def _side_by_side(
    path: str, stages: Sequence[tuple[Placed, dict[str, Tensor]]]
) -> tuple[Tensor, Tensor]:
    """A [R, inputs] and B [outputs, R] of a layer; zeros where a stage has none on it."""
    has = next(stored for placed, stored in stages if path in placed.modules)
    inputs, outputs = has[f"{path}.lora_A"].shape[1], has[f"{path}.lora_B"].shape[0]
    down, up = [], []
    for placed, stored in stages:
        if path in placed.modules:
            down.append(stored[f"{path}.lora_A"])
            up.append(stored[f"{path}.lora_B"] * (placed.alpha / placed.rank))
        else:
            down.append(torch.zeros(placed.rank, inputs))
            up.append(torch.zeros(outputs, placed.rank))
    return torch.cat(down), torch.cat(up, dim=1)


def _check(model: Model, placed: Sequence[Placed]) -> None:
    """Raises where a LoRA is not all that was trained of the backbone."""
    changed, found = changes(model), ""
    if any(p.kind != "lora" for p in placed):
        found = "a bottleneck adapter, which peft does not have"
    elif not placed:
        found = "one whose own weights were trained" if changed.names else "one without adapters"
    elif changed.names or changed.factor != 1.0 or len(changed.rows):
        what = sorted(changed.names)[0] if changed.names else "the embeddings"
        found = f"one of which {what} was trained too"
    if found:
        raise ModelError(
            "expected a model of which LoRA adapters alone were trained for --form adapter, found"
            f" {found}; leave --form out for whole weights."
        )


def _try(
    outer: Any,
    written: Plain,
    spec: HeadSpec | None,
    tried: tuple[Batch, Tensor],
    folder: Path,
) -> None:
    """Load the folder with peft over the backbone and run it on the same inputs."""
    import peft

    batch, wanted = tried
    loaded = peft.PeftModel.from_pretrained(outer, str(folder)).eval()
    found = plain.again(loaded.get_base_model(), written, spec, batch, folder)
    if not plain.close(found, wanted):
        raise ModelError(
            f"expected peft {peft.__version__} to compute with {folder} what was trained, found"
            " other outputs; leave --form out for whole weights."
        )
