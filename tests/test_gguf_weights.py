"""GGUF to a plain folder: weights, configuration and tokenizer as `transformers` reads them.

`transformers` reads GGUF files itself: it is the reference here, where it is right.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer, GgufConfig

import gguf_files
from waystation import gguf_weights
from waystation.backbone import load, locate
from waystation.batching import collate
from waystation.errors import ModelError
from waystation.heads import Row

ARCHITECTURES = ("llama", "qwen2", "gemma3")
TEXT = "the  cat in there, née 1234\n\n\tdef f(x):\n\n    return 'Ω猫'\n"


def ignore(*_: object) -> None:
    pass


def converted(folder: Path, architecture: str, **options: Any) -> tuple[Path, Path]:
    """The GGUF file and the finished folder."""
    file = gguf_files.write(folder / f"{architecture}.gguf", architecture, **options)
    made = folder / architecture
    made.mkdir()
    gguf_weights.convert(file, made, ignore)
    return file, made


def theirs(file: Path) -> Any:
    return AutoModelForCausalLM.from_pretrained(
        file.parent,
        gguf_file=file.name,
        dtype=torch.float32,
        quantization_config=GgufConfig(dequantize=True),
    ).eval()


def ours(folder: Path) -> Any:
    model, report = AutoModelForCausalLM.from_pretrained(
        folder, local_files_only=True, output_loading_info=True
    )
    assert not any(report.values())
    return model.eval()


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_weights_and_logits_are_those_that_transformers_reads(
    tmp_path: Path, architecture: str
) -> None:
    file, folder = converted(tmp_path, architecture)
    model, reference = ours(folder), theirs(file)
    found, expected = model.state_dict(), reference.state_dict()
    assert list(found) == list(expected)
    for name, value in expected.items():
        assert found[name].dtype == torch.float32
        assert torch.equal(found[name], value.float()), name
    if architecture == "gemma3":
        # Files do not say how queries are scaled: transformers takes Gemma's 256 whatever the
        # size of the heads, which is right for the packaged model only.
        assert model.config.query_pre_attn_scalar == model.config.head_dim == 16
        for layer in reference.model.layers:
            layer.self_attn.scaling = 16**-0.5
    ids = torch.arange(40)[None] % 30 + 3
    with torch.no_grad():
        assert torch.equal(model(ids).logits, reference(ids).logits)
    assert model.config.tie_word_embeddings
    assert model.config.max_position_embeddings == 128


def test_gemma_sees_far_in_every_sixth_layer(tmp_path: Path) -> None:
    file, folder = converted(tmp_path, "gemma3")
    values, _ = gguf_weights.read(file)
    values["gemma3.block_count"] = 12
    kinds = gguf_weights.Facts(values).config(True)["layer_types"]
    assert [i for i, kind in enumerate(kinds) if kind == "full_attention"] == [5, 11]
    assert json.loads((folder / "config.json").read_text())["sliding_window"] == 16


def test_of_two_copies_of_the_embedding_the_finer_is_tied(tmp_path: Path) -> None:
    file, folder = converted(tmp_path, "qwen2", output="same")
    model, reference = ours(folder), theirs(file)
    assert model.config.tie_word_embeddings
    table = model.get_input_embeddings().weight
    assert model.get_output_embeddings().weight is table
    assert torch.equal(table, reference.get_output_embeddings().weight.float())
    assert not torch.equal(table, reference.get_input_embeddings().weight.float())


def test_an_output_embedding_of_its_own_stays(tmp_path: Path) -> None:
    file, folder = converted(tmp_path, "qwen2", output="other")
    model, reference = ours(folder), theirs(file)
    assert not model.config.tie_word_embeddings
    assert torch.equal(model.lm_head.weight, reference.lm_head.weight.float())
    table = reference.get_input_embeddings().weight.float()
    assert torch.equal(model.get_input_embeddings().weight, table)


def test_equal_input_gives_equal_bytes(tmp_path: Path) -> None:
    file, folder = converted(tmp_path, "gemma3")
    shutil.move(folder, tmp_path / "first")
    folder.mkdir()
    seen: list[tuple[int, int]] = []
    gguf_weights.convert(file, folder, lambda *step: seen.append(step))
    assert seen[-1][0] == seen[-1][1] > 0
    for path in folder.iterdir():
        assert path.read_bytes() == (tmp_path / "first" / path.name).read_bytes()


# ---------------------------------------------------------------------------- tokenizers


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_tokenizers_agree_with_transformers_and_lose_nothing(
    tmp_path: Path, architecture: str
) -> None:
    file, folder = converted(tmp_path, architecture)
    tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
    reference = AutoTokenizer.from_pretrained(file.parent, gguf_file=file.name)
    texts = [TEXT, "the", "", " ", "  the", "\n\n\n", "in\tthe\r\n", "<|im_end|>the<eos>"]
    if architecture == "llama":  # see the next test
        texts[0] = texts[0].replace("1234", "")
    for text in texts:
        ids = tokenizer(text)["input_ids"]
        assert ids == reference(text)["input_ids"], text
        start = 1 if architecture == "gemma3" else 0
        assert tokenizer.decode(ids[start:], clean_up_tokenization_spaces=False) == text
    for name in ("bos_token_id", "eos_token_id", "pad_token_id"):
        assert getattr(tokenizer, name) == getattr(reference, name)


def test_smollm_takes_digits_one_by_one_and_blanks_before_them_together(tmp_path: Path) -> None:
    _, folder = converted(tmp_path, "llama")
    tokenizer = AutoTokenizer.from_pretrained(folder)
    assert tokenizer.tokenize("a\n\n12 ३४") == [
        *("a", "ĊĊ", "1", "2", "Ġ", *tokenizer.tokenize("३"), *tokenizer.tokenize("४"))
    ]


def test_qwen_composes_characters_and_gemma_does_not(tmp_path: Path) -> None:
    apart = "ne\u0301e"
    _, qwen = converted(tmp_path, "qwen2")
    tokenizer = AutoTokenizer.from_pretrained(qwen)
    assert tokenizer(apart)["input_ids"] == tokenizer("née")["input_ids"]
    assert "Ã©" in tokenizer.tokenize(apart)
    _, gemma = converted(tmp_path, "gemma3")
    tokenizer = AutoTokenizer.from_pretrained(gemma)
    assert tokenizer.decode(tokenizer(apart)["input_ids"][1:]) == apart


def test_special_tokens_and_the_template_reach_the_model(tmp_path: Path) -> None:
    _, folder = converted(tmp_path, "qwen2")
    model = load(locate(str(folder), tmp_path), text=True)
    tokenizer = model.tokenizer
    chat = tokenizer.apply_chat_template(
        [{"role": "user", "content": "the"}], add_generation_prompt=True, return_dict=False
    )
    assert tokenizer.decode(chat) == "<|im_start|>user\nthe<|im_end|>\n<|im_start|>assistant\n"
    assert chat[0] == 1
    assert len(tokenizer) == len(tokenizer.get_vocab()) == model.lm.config.vocab_size - 2
    assert model.lm.generation_config.eos_token_id == [2, 0]
    _, folder = converted(tmp_path, "gemma3")
    tokenizer = AutoTokenizer.from_pretrained(folder)
    assert tokenizer("the")["input_ids"][0] == tokenizer.bos_token_id == 2
    assert tokenizer("the", "in")["input_ids"].count(2) == 1
    assert tokenizer.chat_template is None


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_states_do_not_depend_on_padding(tmp_path: Path, architecture: str) -> None:
    _, folder = converted(tmp_path, architecture)
    model = load(locate(str(folder), tmp_path))
    assert model.architecture == "decoder"
    # Longer than Gemma's window of 16.
    tokens = [model.tokenizer(text)["input_ids"] for text in ("the in a the in", TEXT)]
    rows = [Row(example=i, part=0, tokens=np.array(t)) for i, t in enumerate(tokens)]
    with torch.no_grad():
        both = model.states(collate(rows, model.pad_id))
        alone = model.states(collate(rows[:1], model.pad_id))
    count = len(tokens[0])
    torch.testing.assert_close(both[0, :count], alone[0, :count])


# ---------------------------------------------------------------------------- faults


def one_sentence(error: Exception, *parts: str) -> None:
    message = str(error)
    assert "\n" not in message
    assert message.startswith("expected ")
    for part in ("found", *parts):
        assert part in message, message


@pytest.mark.parametrize(
    "damage",
    [
        lambda data: b"GGML" + data[4:],
        lambda data: data[:4] + b"\x01" + data[5:],
        lambda data: data[:2000],
        lambda data: data[:-100],
        lambda data: b"",
    ],
)
def test_damaged_files(tmp_path: Path, damage: Any) -> None:
    file = gguf_files.write(tmp_path / "model.gguf", "llama")
    file.write_bytes(damage(file.read_bytes()))
    with pytest.raises(ModelError) as caught:
        gguf_weights.convert(file, tmp_path, ignore)
    one_sentence(caught.value, "model.gguf to be a whole GGUF file", "fetch it again")


def test_unknown_kinds_of_models_and_tokenizers(tmp_path: Path) -> None:
    file = gguf_files.write(tmp_path / "model.gguf", "llama", pre="tekken")
    with pytest.raises(ModelError) as caught:
        gguf_weights.convert(file, tmp_path, ignore)
    one_sentence(caught.value, "gpt2/smollm or gpt2/qwen2", "found gpt2/tekken")
    with pytest.raises(ModelError) as caught:
        gguf_weights.Facts({"general.architecture": "mamba"})
    one_sentence(caught.value, "a GGUF file of llama, qwen2, gemma3", "found 'mamba'")


def test_unknown_number_formats(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import gguf.quants

    def unknown(*_: object) -> None:
        raise NotImplementedError

    file = gguf_files.write(tmp_path / "model.gguf", "llama")
    monkeypatch.setattr(gguf.quants, "dequantize", unknown)
    with pytest.raises(ModelError) as caught:
        gguf_weights.convert(file, tmp_path, ignore)
    one_sentence(caught.value, "a known number format", "found Q8_0 in token_embd.weight")
