"""The files by which sentence-transformers reads a plain folder as an encoder of sentences.

`modules.json` names its parts in their order: the model, where the first token must not count a
weight per token, pooling, and length 1 (what we compare are cosines). A layer that could not be
cut off is named as an output of the model, as sentence-transformers 6.2 reads it.
A decoder's first token is never in our means (`heads.pieces.mean_states`): that can be said only
where the tokenizer puts the same special token first everywhere; elsewhere the form is refused.
Encoder-decoders must be among those of which sentence-transformers loads the encoder alone.
Layout: https://sbert.net/docs/sentence_transformer/usage/custom_models.html. No prompts: we put
nothing before a text.
"""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from waystation.errors import ModelError

if TYPE_CHECKING:
    from waystation.plain import Plain

MODES: Final = {"cls": "cls_token", "mean": "mean_tokens"}
ENCODERS: Final = (
    *("t5", "mt5", "umt5", "longt5", "switch_transformers", "prophetnet", "blenderbot"),
    *("blenderbot-small", "m2m_100", "pegasus", "pegasus_x", "marian"),
)
"""Encoder-decoders whose encoder sentence-transformers 6.2 loads alone, by their `model_type`
(`sentence_transformers/base/modules/transformer.py`, `_ENCODER_ONLY_MODELS`)."""


def describe(plain: Plain, folder: Path, max_tokens: int) -> Plain:
    """Write the files beside a backbone that `plain.write` wrote; says so in what it returns.

    Raises ModelError where sentence-transformers would compute something else.
    """
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    first = plain.architecture == "decoder" and plain.pooling == "mean"
    reason = ""
    if first and len(plain.before) != 1:
        reason = "a tokenizer that begins texts with a word, which a decoder's mean leaves out"
    if plain.architecture == "encoder-decoder" and config["model_type"] not in ENCODERS:
        reason = f"the encoder-decoder '{config['model_type']}', which it loads whole"
    if reason:
        raise ModelError(
            "expected a backbone that sentence-transformers pools as waystation does, found"
            f" {reason}; take --form encoder, whose card has the code."
        )
    size = int(config.get("hidden_size") or config["d_model"])
    steps: list[tuple[str, str, dict[str, Any] | None]] = [("Transformer", "", None)]
    if first:
        rows = [str(number) for number in range(int(config["vocab_size"]))]
        weights = {"vocab": rows, "word_weights": {str(plain.before[0]): 0.0}}
        steps.append(("WordWeights", "1_WordWeights", weights | {"unknown_word_weight": 1.0}))
    steps.append(("Pooling", f"{len(steps)}_Pooling", _pooling(plain, size)))
    steps.append(("Normalize", f"{len(steps)}_Normalize", {}))
    kind = "sentence_transformers.models"
    modules = [
        {"idx": i, "name": str(i), "path": path, "type": f"{kind}.{name}"}
        for i, (name, path, _) in enumerate(steps)
    ]
    _write(folder / "modules.json", modules)
    _write(folder / "sentence_bert_config.json", _reading(plain, max_tokens))
    about: dict[str, Any] = {
        "prompts": {},
        "default_prompt_name": None,
        "similarity_fn_name": "cosine",
    }
    _write(folder / "config_sentence_transformers.json", about)
    for _, path, content in steps[1:]:
        (folder / path).mkdir()
        _write(folder / path / "config.json", content)
    return replace(plain, sentences=True)


def _pooling(plain: Plain, size: int) -> dict[str, Any]:
    modes = ("cls_token", "mean_tokens", "max_tokens", "mean_sqrt_len_tokens")
    chosen = MODES[plain.pooling]
    pooling: dict[str, Any] = {"word_embedding_dimension": size}
    return pooling | {f"pooling_mode_{mode}": mode == chosen for mode in modes}


def _reading(plain: Plain, max_tokens: int) -> dict[str, Any]:
    reading: dict[str, Any] = {"max_seq_length": max_tokens, "do_lower_case": False}
    if plain.pooler:  # which is not in the weights
        reading["model_args"] = {"add_pooling_layer": False}
    if plain.layer is not None:
        output = {"method": "forward", "method_output_name": ["hidden_states", plain.layer]}
        reading |= {"transformer_task": "feature-extraction", "modality_config": {"text": output}}
        reading |= {"module_output_name": "token_embeddings"}
    return reading


def _write(path: Path, content: Any) -> None:
    path.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
