"""Turns a GGUF file into a plain `transformers` folder that needs neither GGUF nor us.

GGUF (github.com/ggml-org/ggml, docs/gguf.md) holds a decoder's weights in blocks of a few bits,
its sizes and its tokenizer's vocabulary as metadata. Weights are dequantized to fp32, which
holds their values exactly, with the public `gguf` package; what the conversion to GGUF changed
is undone: names, llama's interleaved rotary rows, Gemma's norms (stored plus one). Where the
file has one matrix twice, as input and as output embedding in different precision, the finer one
is kept and tied, as the publisher has it.

Everything else is written by hand (the tokenizer in gguf_tokenizer.py), so that equal input gives
equal bytes whatever versions are installed. No torch. Knows the architectures of the packaged
models only.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Final, cast

import numpy as np
from numpy.typing import NDArray

from waystation.errors import ModelError
from waystation.gguf_tokenizer import CONTROL, tokenizer_config, tokenizer_json
from waystation.modelfolder import safetensors_header, write_json

CHUNK_WEIGHTS: Final = 1 << 23  # 32 MB of fp32 at a time

_COMMON: Final = {
    "attn_norm": "input_layernorm",
    "attn_q": "self_attn.q_proj",
    "attn_k": "self_attn.k_proj",
    "attn_v": "self_attn.v_proj",
    "attn_output": "self_attn.o_proj",
    "ffn_gate": "mlp.gate_proj",
    "ffn_up": "mlp.up_proj",
    "ffn_down": "mlp.down_proj",
}
_LLAMA: Final = _COMMON | {"ffn_norm": "post_attention_layernorm"}
_GEMMA: Final = _COMMON | {
    "attn_q_norm": "self_attn.q_norm",
    "attn_k_norm": "self_attn.k_norm",
    "post_attention_norm": "post_attention_layernorm",
    "ffn_norm": "pre_feedforward_layernorm",
    "post_ffw_norm": "post_feedforward_layernorm",
}
LAYER_NAMES: Final = {"llama": _LLAMA, "qwen2": _LLAMA, "gemma3": _GEMMA}
"""Architecture -> the file's names inside a layer -> those of `transformers`."""

ENDS: Final = ("<|endoftext|>", "<|im_end|>", "<end_of_turn>")
"""Control tokens that end a text or a turn, whichever of them the file calls its end."""


@dataclass(frozen=True)
class Stored:
    """One tensor as the file has it: its rows' bytes, and the number of its format."""

    name: str
    shape: tuple[int, ...]
    format: int
    data: NDArray[np.uint8]


@dataclass(frozen=True)
class Tensor:
    """One tensor to be written: rows of `stored` in `order`, plus `added`."""

    name: str
    stored: Stored
    order: NDArray[np.int64] | None = None
    added: float = 0.0


def convert(path: Path, folder: Path, progress: Callable[[int, int], None]) -> None:
    """Writes weights, configuration and tokenizer of the GGUF file `path` into `folder`.

    Raises ModelError for a file that is damaged or of an unknown architecture or tokenizer.
    """
    values, stored = read(path)
    facts = Facts(values)
    layout = tensors(stored, facts)
    tied = all(tensor.name != "lm_head.weight" for tensor in layout)
    write_json(folder / "config.json", facts.config(tied), indent=2)
    write_json(folder / "generation_config.json", facts.generation(), indent=2)
    names = tokenizer_config(values, facts.size("context_length"))
    write_json(folder / "tokenizer_config.json", names, indent=2)
    write_json(folder / "tokenizer.json", tokenizer_json(values), indent=None)
    template = facts.get("tokenizer.chat_template")
    if template is not None:
        (folder / "chat_template.jinja").write_text(template, encoding="utf-8", newline="\n")
    with (folder / "model.safetensors").open("wb") as out:
        write_safetensors(layout, out, progress)


# ---------------------------------------------------------------------------- the file


_NUMBERS: Final = dict(enumerate("BbHhIif?")) | {10: "Q", 11: "q", 12: "d"}
_STRING, _ARRAY = 8, 9


class Cursor:
    """Reads one value after the other (the `gguf` package's reader takes minutes for this)."""

    def __init__(self, data: NDArray[np.uint8]) -> None:
        self.data, self.at = memoryview(cast("Any", data)), 0

    def number(self, kind: str) -> Any:
        (value,) = struct.unpack_from(f"<{kind}", self.data, self.at)
        self.at += struct.calcsize(kind)
        return value

    def string(self) -> str:
        length = self.number("Q")
        self.at += length
        return bytes(self.data[self.at - length : self.at]).decode()

    def value(self, kind: int) -> Any:
        """A number, a text or a list of either, by the file's number for its type."""
        if kind == _STRING:
            return self.string()
        if kind != _ARRAY:
            return self.number(_NUMBERS[kind])
        inner, count = self.number("I"), self.number("Q")
        return [self.value(inner) for _ in range(count)]


def read(path: Path) -> tuple[dict[str, Any], dict[str, Stored]]:
    """The metadata and the tensors of a GGUF file of version 2 or 3."""
    try:
        data = np.memmap(path, dtype=np.uint8, mode="r")
        cursor = Cursor(data)
        magic = bytes(data[:4])
        cursor.at = 4
        version = cursor.number("I")
        if magic != b"GGUF" or version not in (2, 3):
            raise ValueError(f"{magic!r}, version {version}")
        count, pairs = cursor.number("Q"), cursor.number("Q")
        values = {cursor.string(): cursor.value(cursor.number("I")) for _ in range(pairs)}
        infos = []
        for _ in range(count):
            name, dimensions = cursor.string(), cursor.number("I")
            # The file counts dimensions the other way.
            shape = tuple(cursor.number("Q") for _ in range(dimensions))[::-1]
            infos.append((name, shape, cursor.number("I"), cursor.number("Q")))
        alignment = values.get("general.alignment", 32)
        start = -(-cursor.at // alignment) * alignment
        stored = {i[0]: _stored(data, start, *i) for i in infos}
    except (ValueError, KeyError, struct.error) as error:
        raise ModelError(
            f"expected {path.name} to be a whole GGUF file, found '{error}'; fetch it again."
        ) from error
    return values, stored


def _stored(
    data: NDArray[np.uint8], start: int, name: str, shape: tuple[int, ...], kind: int, offset: int
) -> Stored:
    from gguf.constants import GGML_QUANT_SIZES, GGMLQuantizationType

    weights, size = GGML_QUANT_SIZES[GGMLQuantizationType(kind)]
    row = shape[-1] // weights * size
    rows = int(np.prod(shape[:-1]))
    part = data[start + offset :][: rows * row]
    return Stored(name, shape, kind, part.reshape(*shape[:-1], row))


# ---------------------------------------------------------------------------- weights


def tensors(stored: dict[str, Stored], facts: Facts) -> list[Tensor]:
    """Every tensor of the finished folder, in the order of the file."""
    stored = dict(stored)
    embedding, output = stored["token_embd.weight"], stored.pop("output.weight", None)
    found = []
    if output is not None and _same_matrix(embedding, output):
        # A finer quantization has more bytes in the same shape.
        stored["token_embd.weight"] = max(output, embedding, key=lambda t: t.data.size)
    elif output is not None:
        found.append(Tensor("lm_head.weight", output))
    for name, tensor in stored.items():
        added = -1.0 if facts.architecture == "gemma3" and name.endswith("norm.weight") else 0.0
        order = None
        if facts.architecture == "llama" and name.endswith(("attn_q.weight", "attn_k.weight")):
            heads = "head_count_kv" if "attn_k" in name else "head_count"
            order = rotary_order(tensor.shape[0], facts.size(f"attention.{heads}"))
        found.append(Tensor(facts.long_name(name), tensor, order, added))
    return found


def rotary_order(rows: int, heads: int) -> NDArray[np.int64]:
    """Where each row of llama's query or key weights lies in the file.

    The file has the two halves that rotate together interleaved, `transformers` one after the
    other (llama.cpp, convert_hf_to_gguf.py, LlamaModel.permute).
    """
    return np.arange(rows).reshape(heads, rows // heads // 2, 2).swapaxes(1, 2).ravel()


def _same_matrix(one: Stored, other: Stored) -> bool:
    """Whether two tensors differ by their quantization alone, seen on their first rows."""
    if one.shape != other.shape:
        return False
    a, b = (_values(tensor, slice(0, 256)) for tensor in (one, other))
    return bool(np.linalg.norm(a - b) < 0.2 * np.linalg.norm(b))


def _values(tensor: Stored, rows: slice | NDArray[np.int64]) -> NDArray[np.float32]:
    from gguf.constants import GGMLQuantizationType
    from gguf.quants import dequantize

    kind = GGMLQuantizationType(tensor.format)
    data = tensor.data if tensor.data.ndim > 1 else tensor.data[None]
    try:
        found = dequantize(np.ascontiguousarray(data[rows]), kind)
    except NotImplementedError as error:
        raise ModelError(
            f"expected weights in a known number format, found {kind.name} in {tensor.name};"
            " take another quantization of the model."
        ) from error
    return np.asarray(found, dtype=np.float32)


def write_safetensors(
    layout: list[Tensor], out: BinaryIO, progress: Callable[[int, int], None]
) -> None:
    """Writes every tensor in fp32, a few rows at a time."""
    header, total = safetensors_header({tensor.name: tensor.stored.shape for tensor in layout})
    out.write(header)
    done = 0
    for tensor in layout:
        for part in _parts(tensor):
            out.write(part.astype("<f4", copy=False).tobytes())
            done += part.nbytes
            progress(done, total)


def _parts(tensor: Tensor) -> Iterator[NDArray[np.float32]]:
    shape = tensor.stored.shape
    rows = shape[0] if len(shape) > 1 else 1
    step = max(1, CHUNK_WEIGHTS // shape[-1])
    for start in range(0, rows, step):
        chosen: slice | NDArray[np.int64] = slice(start, start + step)
        if tensor.order is not None:
            chosen = tensor.order[chosen]
        values = _values(tensor.stored, chosen)
        yield values + np.float32(tensor.added) if tensor.added else values


# ---------------------------------------------------------------------------- metadata


class Facts:
    """The metadata of a file, and what follows from it for the configuration."""

    def __init__(self, values: Mapping[str, Any]) -> None:
        self.get = values.get
        self.architecture = str(self.get("general.architecture"))
        if self.architecture not in LAYER_NAMES:
            raise ModelError(
                f"expected a GGUF file of {', '.join(LAYER_NAMES)}, found '{self.architecture}';"
                " save the model with `save_pretrained` and name that folder."
            )
        self.layers = self.size("block_count")
        self.tokens = cast("list[str]", self.get("tokenizer.ggml.tokens"))
        self.kinds = cast("list[int]", self.get("tokenizer.ggml.token_type"))
        self.bos, self.eos, self.pad = (
            cast("int", self.get(f"tokenizer.ggml.{name}_token_id"))
            for name in ("bos", "eos", "padding")
        )

    def size(self, key: str) -> Any:
        """A value of the architecture's own."""
        return self.get(f"{self.architecture}.{key}")

    def long_name(self, name: str) -> str:
        """The name of a tensor in `transformers`."""
        outside = {"token_embd.weight": "embed_tokens.weight", "output_norm.weight": "norm.weight"}
        if name in outside:
            return f"model.{outside[name]}"
        _, layer, short, ending = name.split(".")
        return f"model.layers.{layer}.{LAYER_NAMES[self.architecture][short]}.{ending}"

    def config(self, tied: bool) -> dict[str, Any]:
        """config.json."""
        heads, hidden = self.size("attention.head_count"), self.size("embedding_length")
        found: dict[str, Any] = {
            "vocab_size": len(self.tokens),
            "hidden_size": hidden,
            "intermediate_size": self.size("feed_forward_length"),
            "num_hidden_layers": self.layers,
            "num_attention_heads": heads,
            "num_key_value_heads": self.size("attention.head_count_kv"),
            "head_dim": self.size("attention.key_length") or hidden // heads,
            "max_position_embeddings": self.size("context_length"),
            "rms_norm_eps": float(f"{self.size('attention.layer_norm_rms_epsilon'):.6g}"),
            "rope_theta": self.size("rope.freq_base"),
            "attention_dropout": 0.0,
            "initializer_range": 0.02,
            "tie_word_embeddings": tied,
            "bos_token_id": self.bos,
            "eos_token_id": self.eos,
            "pad_token_id": self.pad,
            "dtype": "float32",
        }
        if self.architecture == "gemma3":
            # What the file leaves out is Gemma 3's for every size: one layer in six sees all.
            kinds = ["full" if (i + 1) % 6 == 0 else "sliding" for i in range(self.layers)]
            return {
                "architectures": ["Gemma3ForCausalLM"],
                "model_type": "gemma3_text",
                **found,
                "hidden_activation": "gelu_pytorch_tanh",
                "query_pre_attn_scalar": self.size("attention.key_length"),
                "sliding_window": self.size("attention.sliding_window"),
                "layer_types": [f"{kind}_attention" for kind in kinds],
                "rope_local_base_freq": 10000.0,
            }
        if self.architecture == "qwen2":
            names = {"architectures": ["Qwen2ForCausalLM"], "model_type": "qwen2"}
            return {**names, **found, "hidden_act": "silu", "use_sliding_window": False}
        names = {"architectures": ["LlamaForCausalLM"], "model_type": "llama"}
        return {**names, **found, "hidden_act": "silu"}

    def generation(self) -> dict[str, Any]:
        """generation_config.json: which tokens end a text; greedy."""
        ends = [i for i in self.special() if self.tokens[i] in ENDS and i != self.eos]
        return {
            "bos_token_id": self.bos,
            "eos_token_id": [self.eos, *ends],
            "pad_token_id": self.pad,
            "do_sample": False,
        }

    def special(self) -> list[int]:
        """Ids of control tokens."""
        return [i for i, kind in enumerate(self.kinds) if kind == CONTROL]
