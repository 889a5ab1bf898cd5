"""Tiny GGUF files of the architectures that are packaged, written by the public `gguf` package."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from gguf import GGMLQuantizationType, GGUFWriter
from gguf.quants import quantize
from tokenizers.pre_tokenizers import ByteLevel

HIDDEN, INNER, LAYERS, HEADS, GROUPS = 64, 96, 2, 4, 2
CONTROL, USER_DEFINED, UNUSED, BYTE = 3, 4, 5, 6
SPECIALS = ("<|endoftext|>", "<|im_start|>", "<|im_end|>")
MERGES = ("t h", "th e", "i n", "e r", "Ġ the", "Ġ a", "Ċ Ċ", "Ã ©")
CHAT = (
    "{% for m in messages %}{{ '<|im_start|>' + m['role'] + '\n' + m['content'] + '<|im_end|>\n' }}"
    "{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)
Q8 = GGMLQuantizationType.Q8_0


def write(path: Path, architecture: str, *, output: str = "", **changed: Any) -> Path:
    """A whole file. `output` "same" repeats the input embedding as output in a finer format,
    "other" has an output embedding of its own; `changed` replaces metadata."""
    writer = GGUFWriter(path, architecture)
    _sizes(writer, architecture, changed.pop("context", 128))
    rows = _byte_level(writer, architecture) if architecture != "gemma3" else _pieces(writer)
    for key, value in changed.items():
        writer.add_string(f"tokenizer.ggml.{key}", value)
    draws = np.random.default_rng(7)

    def add(name: str, *shape: int, kind: GGMLQuantizationType | None = Q8) -> Any:
        values = draws.normal(size=shape).astype(np.float32) / np.sqrt(shape[-1], dtype=np.float32)
        _add(writer, name, values, kind)
        return values

    coarse = GGMLQuantizationType.Q5_0 if output == "same" else Q8
    embedding = add("token_embd.weight", rows, HIDDEN, kind=coarse)
    if output == "same":
        _add(writer, "output.weight", embedding, Q8)
    if output == "other":
        add("output.weight", rows, HIDDEN)
    add("output_norm.weight", HIDDEN, kind=None)
    width = HIDDEN // HEADS
    shapes = {"attn_q": HIDDEN, "attn_k": GROUPS * width, "attn_v": GROUPS * width}
    for layer in range(LAYERS):
        for name, size in shapes.items():
            add(f"blk.{layer}.{name}.weight", size, HIDDEN)
            if architecture == "qwen2":
                add(f"blk.{layer}.{name}.bias", size, kind=None)
        add(f"blk.{layer}.attn_output.weight", HIDDEN, HIDDEN)
        add(f"blk.{layer}.ffn_gate.weight", INNER, HIDDEN)
        add(f"blk.{layer}.ffn_up.weight", INNER, HIDDEN)
        add(f"blk.{layer}.ffn_down.weight", HIDDEN, INNER)
        norms = ["attn_norm", "ffn_norm"]
        if architecture == "gemma3":
            norms += ["post_attention_norm", "post_ffw_norm"]
            add(f"blk.{layer}.attn_q_norm.weight", width, kind=None)
            add(f"blk.{layer}.attn_k_norm.weight", width, kind=None)
        for name in norms:
            add(f"blk.{layer}.{name}.weight", HIDDEN, kind=None)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def _add(writer: GGUFWriter, name: str, values: Any, kind: GGMLQuantizationType | None) -> None:
    if kind is None:
        writer.add_tensor(name, values)
    else:
        writer.add_tensor(name, quantize(values, kind), raw_dtype=kind)


def _sizes(writer: GGUFWriter, architecture: str, context: int) -> None:
    writer.add_context_length(context)
    writer.add_embedding_length(HIDDEN)
    writer.add_block_count(LAYERS)
    writer.add_feed_forward_length(INNER)
    writer.add_head_count(HEADS)
    writer.add_head_count_kv(GROUPS)
    writer.add_layer_norm_rms_eps(1e-6)
    writer.add_rope_freq_base(100000.0)
    if architecture == "llama":
        writer.add_rope_dimension_count(HIDDEN // HEADS)
    if architecture == "gemma3":
        writer.add_key_length(HIDDEN // HEADS)
        writer.add_value_length(HIDDEN // HEADS)
        writer.add_sliding_window(16)


def _byte_level(writer: GGUFWriter, architecture: str) -> int:
    letters = sorted(ByteLevel.alphabet())
    merged = [merge.replace(" ", "") for merge in MERGES]
    tokens = [*SPECIALS, *letters, *merged, "[PAD0]", "[PAD1]"]
    kinds = [CONTROL] * 3 + [1] * (len(tokens) - 5) + [UNUSED] * 2
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("qwen2" if architecture == "qwen2" else "smollm")
    writer.add_token_list(tokens)
    writer.add_token_types(kinds)
    writer.add_token_merges(list(MERGES))
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(2)
    writer.add_pad_token_id(2)
    if architecture == "llama":
        writer.add_unk_token_id(0)
    writer.add_add_bos_token(False)
    writer.add_chat_template(CHAT)
    return len(tokens)


def _pieces(writer: GGUFWriter) -> int:
    tokens = ["<pad>", "<eos>", "<bos>", "<unk>", "<end_of_turn>", "\n\n", "  "]
    kinds = [CONTROL] * 5 + [USER_DEFINED] * 2
    tokens += [f"<0x{byte:02X}>" for byte in range(256)]
    kinds += [BYTE] * 256
    tokens += ["▁t", "he", "▁the", "in", *map(chr, range(97, 123)), "▁", "é"]
    kinds += [1] * (len(tokens) - len(kinds))
    writer.add_tokenizer_model("llama")
    writer.add_tokenizer_pre("default")
    writer.add_token_list(tokens)
    writer.add_token_scores([-1000.0] * len(tokens))
    writer.add_token_types(kinds)
    writer.add_pad_token_id(0)
    writer.add_eos_token_id(1)
    writer.add_bos_token_id(2)
    writer.add_unk_token_id(3)
    writer.add_add_bos_token(True)
    return len(tokens)
