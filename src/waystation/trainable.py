"""How much of each backbone a study's stages train, and whether they can, before anything runs.

Only studies with `frozen` layers or adapters need it. The backbone's modules are built without
weights, so that names and shapes are those that training will meet; torch and `transformers` are
imported for that alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

from waystation.errors import ModelError
from waystation.examples import JSON, canonical
from waystation.settings import Adapter


def key_of(config: Mapping[str, Any]) -> str:
    """What of a stage's settings decides how much is trained; "" where all of it is."""
    parts = {name: config[name] for name in ("frozen", "adapter") if config.get(name) is not None}
    return canonical(cast("JSON", parts)) if parts else ""


def count(lock: Mapping[str, Any], beside: Path) -> list[str]:
    """Note in the lock how many parameters each kind of stage trains; gives what is wrong."""
    stages = [s for part in (*lock["stops"], *lock["targets"]) for s in part["stages"]]
    wanted = {key_of(s["config"]): s["config"] for s in stages if key_of(s["config"])}
    faults = []
    for name in lock["backbones"] if wanted else ():
        found = _counts(name, beside, wanted)
        faults += [f"backbone {name}: {value}" for value in found.values() if type(value) is str]
        lock["backbones"][name]["trainable"] = found
    return faults


def bytes_of(lock: Mapping[str, Any], backbone: str, config: Mapping[str, Any]) -> int:
    """The size of the weights that a stage trains."""
    source = lock["backbones"][backbone]
    parameters = source.get("trainable", {}).get(key_of(config))
    return int(source["size_bytes"]) if parameters is None else 4 * int(parameters)


def _counts(name: str, beside: Path, wanted: Mapping[str, Any]) -> dict[str, int | str]:
    """Settings -> parameters, or the sentence that says why they do not fit the backbone."""
    from waystation import backbone
    from waystation.layers import skeleton

    modules = skeleton(backbone.locate(name, beside))
    found: dict[str, int | str] = {}
    for key, config in wanted.items():
        try:
            found[key] = _count(modules, config)
        except ModelError as error:
            found[key] = str(error)
    return found


def _count(modules: Any, config: Mapping[str, Any]) -> int:
    from waystation.adapters import size, targets
    from waystation.layers import Layers

    layers, frozen = Layers(modules), config.get("frozen", "nothing")
    lowest = {"nothing": -1, "embeddings": 0}.get(frozen, frozen)
    layers.check(lowest)
    if config.get("adapter") is None:
        named = modules.named_parameters()
        return sum(p.numel() for path, p in named if layers.number(path) > lowest)
    adapter = Adapter.model_validate(config["adapter"])
    found = targets(modules, adapter.kind, adapter.modules, max(0, lowest))
    return size(modules, adapter.kind, adapter.rank, found)
