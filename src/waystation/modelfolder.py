"""What a `transformers` model folder must hold, and one sentence for each way in which it may not.

Reads names, JSON and the headers of safetensors files; weights themselves are read by model.py.
Writes the same two by hand, for converters whose output must not depend on installed versions.
No torch, no transformers.
"""

from __future__ import annotations

import contextlib
import json
import math
import struct
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from waystation.errors import ModelError

_MODEL_TYPES: Final = {
    "encoder": "albert bert camembert convbert deberta deberta-v2 distilbert electra ernie"
    " eurobert megatron-bert modernbert mpnet nomic_bert rembert roberta roberta-prelayernorm"
    " roformer xlm-roberta xlm-roberta-xl",
    "decoder": "apertus bloom codegen cohere cohere2 falcon gemma gemma2 gemma3_text gpt2"
    " gpt_bigcode gpt_neo gpt_neox gptj granite llama mistral mixtral olmo olmo2 olmo3 opt phi"
    " phi3 qwen2 qwen2_moe qwen3 qwen3_moe smollm3 stablelm starcoder2 xglm",
    "encoder-decoder": "bart blenderbot longt5 m2m_100 marian mbart mt5 nllb-moe pegasus plbart"
    " t5 umt5",
}
ARCHITECTURES: Final[dict[str, str]] = {
    model_type: architecture
    for architecture, model_types in _MODEL_TYPES.items()
    for model_type in model_types.split()
}
"""`model_type` of config.json -> which states and logits model.py takes of it."""

TOKENIZERS: Final = (
    ("tokenizer.json",),
    ("vocab.txt",),
    ("vocab.json", "merges.txt"),
    ("sentencepiece.bpe.model",),
    ("sentencepiece.bpe.model", "vocab.json"),
    ("spiece.model",),
    ("tokenizer.model",),
    ("sentencepiece.model",),
    ("source.spm", "target.spm", "vocab.json"),
)
"""Sets of files of which one makes a tokenizer."""

SIDE_FILES: Final = (
    *("generation_config.json", "tokenizer_config.json", "special_tokens_map.json"),
    *("added_tokens.json", "chat_template.jinja"),
)
"""Files that change a model's or tokenizer's behaviour where they are present."""

ROBERTA_POSITIONS: Final = frozenset(("roberta", "xlm-roberta", "xlm-roberta-xl", "camembert"))
"""Positions start behind the padding index, so two of `max_position_embeddings` are unusable."""


def config_of(folder: Path, name: str) -> dict[str, Any]:
    adapter = folder / "adapter_config.json"
    if adapter.is_file():  # transformers would load its base model from elsewhere, unpinned
        base = _read_json(adapter, f"the adapter's configuration in '{name}'")
        raise ModelError(
            f"expected a whole model in {folder}, found a PEFT adapter for"
            f" '{base.get('base_model_name_or_path')}' (adapter_config.json); merge it into that"
            " model with `merge_and_unload`, save the result with `save_pretrained` and name its"
            " folder."
        )
    return _read_json(folder / "config.json", f"the configuration of the model '{name}'")


def _read_json(path: Path, what: str) -> dict[str, Any]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        inside = ", ".join(sorted(p.name for p in path.parent.iterdir())[:8]) or "nothing"
        raise ModelError(
            f"expected {what} at {path}, found only {inside}; name a folder that"
            " `save_pretrained` has written."
        ) from error
    except (OSError, ValueError) as error:
        raise ModelError(
            f"expected {what} at {path} to be readable JSON, found {error}; fetch or save the"
            " model again."
        ) from error
    if not isinstance(content, dict):
        raise ModelError(
            f"expected {what} at {path} to be a JSON object, found {type(content).__name__};"
            " fetch or save the model again."
        )
    return content


def architecture_of(config: dict[str, Any], name: str) -> str:
    kind = str(config.get("model_type", ""))
    if kind in ARCHITECTURES:
        return ARCHITECTURES[kind]
    if "auto_map" in config:
        raise ModelError(
            f"expected '{name}' to be a model that transformers itself implements, found one that"
            f" runs code of its own (model_type '{kind}', auto_map); that is never run here, take"
            " another model."
        )
    raise ModelError(
        f"expected '{name}' to be a text encoder, decoder or encoder-decoder, found model_type"
        f" '{kind}' in its config.json; take one of {', '.join(sorted(ARCHITECTURES))}."
    )


def max_tokens_of(config: dict[str, Any]) -> int | None:
    kind = config["model_type"]
    if kind in ("t5", "mt5", "umt5", "longt5", "bloom"):
        return None  # relative positions; n_positions in old T5 files limits nothing
    longest = config.get("max_position_embeddings", config.get("n_positions"))
    if longest is None:
        return None
    return int(longest) - (2 if kind in ROBERTA_POSITIONS else 0)


def layers_of(config: dict[str, Any]) -> int | None:
    """How many layers give states; of an encoder-decoder the encoder's. None where it is not told.

    Architectures name it differently: BART and Marian, most others, T5, GPT-2.
    """
    for key in ("encoder_layers", "num_hidden_layers", "num_layers", "n_layer"):
        if isinstance(config.get(key), int):
            return int(config[key])
    return None


def files_of(folder: Path, name: str) -> list[Path]:
    """Every file that decides what a model computes; ModelError where one is missing."""
    files = [folder / "config.json", *_weights(folder, name)]
    tokenizer = [folder / file for files in TOKENIZERS if _all(folder, files) for file in files]
    if not tokenizer:
        raise ModelError(
            f"expected a tokenizer beside the weights of '{name}' in {folder}, found none of"
            f" {', '.join(' with '.join(files) for files in TOKENIZERS)}; save the model's own"
            " tokenizer there with `save_pretrained`."
        )
    files += tokenizer
    files += [folder / file for file in SIDE_FILES if (folder / file).is_file()]
    return sorted(dict.fromkeys(files))


def _all(folder: Path, files: tuple[str, ...]) -> bool:
    return all((folder / file).is_file() for file in files)


def _weights(folder: Path, name: str) -> list[Path]:
    """Safetensors if there are any, otherwise pickled weights; with the index of shards."""
    for single in ("model.safetensors", "pytorch_model.bin"):
        index = folder / f"{single}.index.json"
        if (folder / single).is_file():
            return [folder / single]
        if index.is_file():
            shards = _read_json(index, f"the index of the shards of '{name}'").get("weight_map")
            names = sorted(set(shards.values())) if isinstance(shards, dict) else []
            missing = [shard for shard in names if not (folder / shard).is_file()]
            if missing or not names:
                raise ModelError(
                    f"expected every shard that {index} names, found"
                    f" {f'no {missing[0]}' if missing else 'no names in it'}; fetch the model"
                    " again."
                )
            return [index, *(folder / shard for shard in names)]
    others = sorted(
        path.name
        for path in folder.iterdir()
        if path.suffix in (".gguf", ".h5", ".msgpack", ".onnx", ".pt", ".pth", ".ckpt", ".bin")
    )
    raise ModelError(
        f"expected the weights of '{name}' in {folder} as model.safetensors (or"
        f" pytorch_model.bin), found {', '.join(others) or 'none'}; save them with"
        " `save_pretrained`."
    )


def check_safetensors(path: Path) -> None:
    """Header and length: what a broken download or a full disk damages."""
    size = path.stat().st_size
    found = "no header"
    with path.open("rb") as file:
        start = file.read(8)
        length = struct.unpack("<Q", start)[0] if len(start) == 8 else size
        if 8 + length <= size:
            with contextlib.suppress(ValueError, KeyError, TypeError, AttributeError):
                header = json.loads(file.read(length))
                header.pop("__metadata__", None)
                ends = [tensor["data_offsets"][1] for tensor in header.values()]
                if 8 + length + max(ends, default=0) == size:
                    return
                found = f"{size} bytes where its header needs {8 + length + max(ends)}"
    raise ModelError(
        f"expected {path} to be a whole safetensors file, found {found}; it is corrupt, so fetch"
        " or save the model again."
    )


def safetensors_header(shapes: Mapping[str, tuple[int, ...]]) -> tuple[bytes, int]:
    """The start of a safetensors file of fp32 tensors in that order, and the bytes that follow.

    The header is padded to 8 bytes as the format asks.
    """
    header: dict[str, Any] = {"__metadata__": {"format": "pt"}}
    end = 0
    for name, shape in shapes.items():
        start, end = end, end + 4 * math.prod(shape)
        header[name] = {"dtype": "F32", "shape": list(shape), "data_offsets": [start, end]}
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    return struct.pack("<Q", len(text)) + text, end


def write_json(path: Path, content: object, indent: int | None) -> None:
    """JSON with a line break at its end, the same bytes on every system."""
    text = json.dumps(content, ensure_ascii=False, indent=indent)
    path.write_text(text + "\n", encoding="utf-8", newline="\n")
