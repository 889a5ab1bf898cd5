"""Backbones: found, checked, pinned, loaded; every sentence a broken one owes."""

from __future__ import annotations

import json
import os
import pickle
import shutil
import struct
import subprocess
import sys
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
import torch

from tiny import tiny_decoder, tiny_encoder, tiny_seq2seq
from waystation import backbone
from waystation.backbone import hardware_has_bf16, load, locate, set_dropout
from waystation.batching import Batch, collate
from waystation.errors import ModelError
from waystation.heads import Row


@pytest.fixture(autouse=True)
def own_cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    cache = tmp_path_factory.mktemp("cache")
    monkeypatch.setenv("WAYSTATION_CACHE", str(cache))
    return cache


@pytest.fixture
def encoder(tmp_path: Path) -> Path:
    return tiny_encoder(tmp_path / "encoder")


def batch_of(model: Any, *texts: str, ids: list[list[int]] | None = None) -> Batch:
    tokens = ids or [model.tokenizer(text)["input_ids"] for text in texts]
    rows = [Row(example=i, part=0, tokens=tuple(row)) for i, row in enumerate(tokens)]
    return collate(rows, model.pad_id)


def test_locates_a_folder_beside_the_study_first(encoder: Path, tmp_path: Path) -> None:
    source = locate("encoder", beside=tmp_path)
    assert (source.origin, source.architecture, source.revision) == ("folder", "encoder", None)
    assert source.path == encoder
    assert source.size_bytes == sum(p.stat().st_size for p in encoder.iterdir())
    assert source.max_tokens == 514
    assert locate(str(encoder), beside=Path("/")).digest == source.digest


@pytest.mark.parametrize(
    ("build", "architecture", "longest"),
    [
        (lambda p: tiny_encoder(p, model_type="xlm-roberta"), "encoder", 512),
        (tiny_decoder, "decoder", 512),
        (tiny_seq2seq, "encoder-decoder", None),
    ],
)
def test_architectures(tmp_path: Path, build: Any, architecture: str, longest: int | None) -> None:
    source = locate(str(build(tmp_path / "m")), tmp_path)
    assert (source.architecture, source.max_tokens) == (architecture, longest)


def test_locating_needs_no_torch(encoder: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from waystation import backbone;"
        f"backbone.locate({str(encoder)!r}, Path('.')); backbone.models();"
        "assert not {'torch', 'transformers', 'huggingface_hub'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_the_digest_follows_contents_and_nothing_else(encoder: Path, tmp_path: Path) -> None:
    first = locate(str(encoder), tmp_path).digest
    copy = tmp_path / "elsewhere"
    shutil.copytree(encoder, copy)
    (copy / "README.md").write_text("not part of the model")
    assert locate(str(copy), tmp_path).digest == first
    weights = copy / "model.safetensors"
    data = bytearray(weights.read_bytes())
    data[-1] ^= 1
    weights.write_bytes(data)
    assert locate(str(copy), tmp_path).digest != first
    (encoder / "special_tokens_map.json").write_text("{}")
    assert locate(str(encoder), tmp_path).digest != first


def test_digests_are_remembered_until_the_file_changes(encoder: Path, own_cache: Path) -> None:
    first = backbone.digest(encoder)
    memory = own_cache / "digests.json"
    known = json.loads(memory.read_text())
    key = str(encoder / "model.safetensors")
    known[key][2] = "0" * 64
    memory.write_text(json.dumps(known))
    assert backbone.digest(encoder) != first, "the remembered value was not used"
    os.utime(encoder / "model.safetensors", ns=(1, 1))
    assert backbone.digest(encoder) == first
    memory.write_text(json.dumps(known | {"/gone/model.safetensors": [1, 1, "0"]}))
    os.utime(encoder / "model.safetensors", ns=(2, 2))
    assert backbone.digest(encoder) == first
    assert "/gone/model.safetensors" not in json.loads(memory.read_text())
    memory.write_text("{damaged")
    assert backbone.digest(encoder) == first


# ---------------------------------------------------------------------------- sentences


def refuses(name: str, beside: Path, *parts: str) -> None:
    with pytest.raises(ModelError) as caught:
        locate(name, beside)
    one_sentence(caught.value, *parts)


def one_sentence(error: Exception, *parts: str) -> None:
    message = str(error)
    assert "\n" not in message
    assert message.startswith("expected ")
    assert "found" in message
    for part in parts:
        assert part in message, message


def test_unknown_name_suggests_a_packaged_model(tmp_path: Path) -> None:
    refuses("multilingual-e5-smal", tmp_path, "Did you mean 'multilingual-e5-small'?")


def test_missing_folder(tmp_path: Path) -> None:
    refuses("./nowhere", tmp_path, "a model folder at", "found nothing")
    (tmp_path / "weights.bin").write_bytes(b"")
    refuses("./weights.bin", tmp_path, "found a file")


def test_folder_without_config(encoder: Path, tmp_path: Path) -> None:
    (encoder / "config.json").unlink()
    refuses("encoder", tmp_path, "config.json", "model.safetensors", "save_pretrained")


@pytest.mark.parametrize("text", ["{", "[]", "\xff"])
def test_unreadable_config(encoder: Path, tmp_path: Path, text: str) -> None:
    (encoder / "config.json").write_bytes(text.encode("latin-1"))
    refuses("encoder", tmp_path, "config.json", "JSON")


def test_folder_without_weights_names_what_lies_there(encoder: Path, tmp_path: Path) -> None:
    (encoder / "model.safetensors").rename(encoder / "model.gguf")
    refuses("encoder", tmp_path, "model.safetensors", "found model.gguf")
    (encoder / "model.gguf").unlink()
    refuses("encoder", tmp_path, "found none")


def test_folder_without_tokenizer(encoder: Path, tmp_path: Path) -> None:
    (encoder / "tokenizer.json").unlink()
    refuses("encoder", tmp_path, "a tokenizer beside the weights", "save_pretrained")


@pytest.mark.parametrize(
    ("damage", "found"),
    [
        (lambda data: data[:-10], "bytes where its header needs"),
        (lambda data: data + b"x", "bytes where its header needs"),
        (lambda data: b"version https://git-lfs", "no header"),
        (lambda data: b"", "no header"),
        (lambda data: struct.pack("<Q", 4) + b"[1]\n", "no header"),
    ],
)
def test_corrupt_safetensors(encoder: Path, tmp_path: Path, damage: Any, found: str) -> None:
    weights = encoder / "model.safetensors"
    weights.write_bytes(damage(weights.read_bytes()))
    refuses("encoder", tmp_path, str(weights), found, "corrupt")


def test_missing_shard(encoder: Path, tmp_path: Path) -> None:
    (encoder / "model.safetensors").rename(encoder / "model-00001-of-00002.safetensors")
    index = {"weight_map": {"a": "model-00001-of-00002.safetensors", "b": "other.safetensors"}}
    (encoder / "model.safetensors.index.json").write_text(json.dumps(index))
    refuses("encoder", tmp_path, "every shard", "no other.safetensors")
    (encoder / "model.safetensors.index.json").write_text("{}")
    refuses("encoder", tmp_path, "no names in it")


def edit_config(folder: Path, **changes: object) -> None:
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | changes))


def test_wrong_architecture(encoder: Path, tmp_path: Path) -> None:
    edit_config(encoder, model_type="whisper")
    refuses("encoder", tmp_path, "model_type 'whisper'", "xlm-roberta")


def test_code_beside_weights_is_refused(encoder: Path, tmp_path: Path) -> None:
    edit_config(encoder, model_type="mystery", auto_map={"AutoModel": "modeling.Mystery"})
    refuses("encoder", tmp_path, "runs code of its own", "never run")


def test_changed_files_are_not_loaded(encoder: Path, tmp_path: Path) -> None:
    source = locate("encoder", tmp_path)
    edit_config(encoder, hidden_act="relu")
    with pytest.raises(ModelError) as caught:
        load(source)
    one_sentence(caught.value, "they have changed", "--relock")


def test_weights_of_another_model(encoder: Path, tmp_path: Path) -> None:
    edit_config(encoder, intermediate_size=48)
    with pytest.raises(ModelError) as caught:
        load(locate("encoder", tmp_path))
    one_sentence(caught.value, str(encoder))
    edit_config(encoder, intermediate_size=32, num_hidden_layers=3)
    with pytest.raises(ModelError) as caught:
        load(locate("encoder", tmp_path))
    one_sentence(caught.value, "missing or of another shape", "encoder.layer.2")


def test_larger_tokenizer_of_another_model(encoder: Path, tmp_path: Path) -> None:
    other = tiny_encoder(tmp_path / "other", vocabulary=420)
    shutil.copy(other / "tokenizer.json", encoder / "tokenizer.json")
    with pytest.raises(ModelError) as caught:
        load(locate("encoder", tmp_path))
    one_sentence(caught.value, "at most 400 tokens", "another model's")


def test_tokenizer_with_other_special_tokens(encoder: Path, tmp_path: Path) -> None:
    edit_config(encoder, pad_token_id=0, bos_token_id=101, eos_token_id=102)
    with pytest.raises(ModelError) as caught:
        load(locate("encoder", tmp_path))
    one_sentence(caught.value, "(0, 101, 102)", "found 1, 0, 2", "another model's")


def test_damaged_tokenizer(encoder: Path, tmp_path: Path) -> None:
    (encoder / "tokenizer.json").write_text("{}")
    with pytest.raises(ModelError) as caught:
        load(locate("encoder", tmp_path))
    one_sentence(caught.value, "read the model 'encoder'")


def test_encoder_cannot_generate(encoder: Path, tmp_path: Path) -> None:
    source = locate("encoder", tmp_path)
    with pytest.raises(ModelError) as caught:
        load(source, text=True)
    one_sentence(caught.value, "generates text", "the encoder 'encoder'")
    model = load(source)
    with pytest.raises(ModelError) as caught:
        model.logits(batch_of(model, "a"))
    one_sentence(caught.value, "without its output layer")


def test_encoder_without_padding_token(encoder: Path, tmp_path: Path) -> None:
    path = encoder / "tokenizer_config.json"
    config = json.loads(path.read_text())
    del config["pad_token"]
    path.write_text(json.dumps(config))
    with pytest.raises(ModelError) as caught:
        load(locate("encoder", tmp_path))
    one_sentence(caught.value, "a padding token")


def test_pickled_weights_are_read_as_weights_alone(encoder: Path, tmp_path: Path) -> None:
    expected = load(locate("encoder", tmp_path)).state_dict()
    from safetensors.torch import load_file

    torch.save(load_file(encoder / "model.safetensors"), encoder / "pytorch_model.bin")
    (encoder / "model.safetensors").unlink()
    found = load(locate("encoder", tmp_path)).state_dict()
    assert list(found) == list(expected)
    assert all(torch.equal(found[name], expected[name]) for name in expected)


class Attack:
    def __reduce__(self) -> Any:
        return (os.mkdir, (self.path,))

    def __init__(self, path: str) -> None:
        self.path = path


def test_pickled_code_is_not_run(encoder: Path, tmp_path: Path) -> None:
    (encoder / "model.safetensors").unlink()
    victim = tmp_path / "made-by-the-pickle"
    torch.save({"x": Attack(str(victim))}, encoder / "pytorch_model.bin")
    with pytest.raises(ModelError) as caught:
        load(locate("encoder", tmp_path))
    one_sentence(caught.value, "read the model 'encoder'")
    (encoder / "pytorch_model.bin").write_bytes(pickle.dumps(Attack(str(victim)), protocol=2))
    with pytest.raises(ModelError):
        load(locate("encoder", tmp_path))
    assert not victim.exists()


# ---------------------------------------------------------------------------- the hub


class _Hub(BaseHTTPRequestHandler):
    """As much of the hub's protocol as a download asks for."""

    folder: Path
    commit = "c" * 40

    def log_message(self, *args: object) -> None:
        pass

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_GET(self) -> None:
        path = self.path.partition("?")[0]
        if not path.startswith(("/api/models/tiny/encoder", "/tiny/encoder")):
            gated = "gated" in path
            message = "GatedRepo" if gated else "RepoNotFound"
            return self._answer(403 if gated else 404, b"", {"X-Error-Code": message})
        if "unknown-branch" in path:
            return self._answer(404, b"", {"X-Error-Code": "RevisionNotFound"})
        if path.startswith("/api/"):
            names = sorted(p.name for p in self.folder.iterdir())
            if "/tree/" in path:
                body: Any = [
                    {"type": "file", "path": n, "size": (self.folder / n).stat().st_size, "oid": n}
                    for n in names
                ]
            else:
                siblings = [{"rfilename": name} for name in names]
                body = {"id": "tiny/encoder", "sha": self.commit, "siblings": siblings}
            return self._answer(200, json.dumps(body).encode(), {})
        file = self.folder / path.rpartition("/")[2]
        if not file.is_file():
            return self._answer(404, b"", {"X-Error-Code": "EntryNotFound"})
        headers = {"ETag": f'"{file.name}"', "X-Repo-Commit": self.commit}
        return self._answer(200, file.read_bytes(), headers)

    def _answer(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(body)


LOCATE = """
import json, sys
from pathlib import Path
from waystation import backbone
from waystation.errors import ModelError
found = []
for name in sys.argv[1:]:
    try:
        source = backbone.locate(name, Path("."))
        found.append([source.origin, source.digest, source.revision, source.size_bytes])
    except ModelError as error:
        found.append(str(error))
print(json.dumps(found))
"""


def on_hub(folder: Path, *names: str, **environment: str) -> Any:
    """What locating each name gives in a fresh process (hub settings are read at import)."""
    keep = {k: v for k, v in os.environ.items() if not k.startswith(("HF_", "HUGGING"))}
    keep |= {"HF_HOME": str(folder / "hf"), "HF_HUB_DISABLE_XET": "1", "NO_PROXY": "127.0.0.1"}
    done = subprocess.run(
        [sys.executable, "-c", LOCATE, *names],
        env=keep | environment,
        cwd=folder,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_hub_models_are_pinned_to_their_commit(encoder: Path, tmp_path: Path) -> None:
    (encoder / "training_args.bin").write_bytes(b"not wanted")
    expected = locate("encoder", tmp_path)
    _Hub.folder = encoder
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Hub)
    Thread(target=server.serve_forever, daemon=True).start()
    endpoint = f"http://127.0.0.1:{server.server_address[1]}"
    work = tmp_path / "work"
    work.mkdir()
    names = ("tiny/encoder", "tiny/absent", "tiny/encoder@unknown-branch", "tiny/gated")
    try:
        found, absent, branch, gated = on_hub(work, *names, HF_ENDPOINT=endpoint)
    finally:
        server.shutdown()
        server.server_close()
    assert found == ["hub", expected.digest, _Hub.commit, expected.size_bytes]
    assert "found neither" in absent
    assert "no such commit, tag or branch" in branch
    assert "gated" in gated
    assert "hf auth login" in gated
    # Offline, what the hub's cache holds still serves.
    pinned = f"tiny/encoder@{_Hub.commit}"
    again, other = on_hub(work, pinned, "tiny/other", HF_HUB_OFFLINE="1")
    assert again == found
    assert "HF_HUB_OFFLINE is set" in other
    (unreachable,) = on_hub(work, "tiny/other", HF_ENDPOINT=endpoint)
    assert "the hub cannot be reached" in unreachable
    assert "multilingual-e5-small" in unreachable


def test_impossible_hub_id(tmp_path: Path) -> None:
    refuses("tiny/enc oder", tmp_path, "found neither")


# ---------------------------------------------------------------------------- loaded models


def test_every_load_is_a_fresh_copy(encoder: Path, tmp_path: Path) -> None:
    source = locate("encoder", tmp_path)
    first = load(source)
    before = {name: value.clone() for name, value in first.state_dict().items()}
    with torch.no_grad():
        for parameter in first.parameters():
            parameter.zero_()
    second = load(source)
    assert all(torch.equal(second.state_dict()[name], before[name]) for name in before)
    assert second.tokenizer is first.tokenizer


def test_loading_leaves_the_random_stream_alone(encoder: Path, tmp_path: Path) -> None:
    source = locate("encoder", tmp_path)
    torch.manual_seed(5)
    load(source)
    drawn = torch.rand(3)
    torch.manual_seed(5)
    assert torch.equal(drawn, torch.rand(3))


@pytest.mark.parametrize("model_type", ["bert", "xlm-roberta"])
def test_encoder_states_do_not_depend_on_padding(tmp_path: Path, model_type: str) -> None:
    model = load(locate(str(tiny_encoder(tmp_path / "m", model_type=model_type)), tmp_path))
    short, long = "the cat", "she was not at the house on a hill, who lives in it?"
    with torch.no_grad():
        alone = model.states(batch_of(model, short))
        both = model.states(batch_of(model, short, long))
        layers = model.layers(batch_of(model, short, long))
    count = len(model.tokenizer(short)["input_ids"])
    assert both.shape[0] == 2
    assert both.shape[2] == model.hidden_size == 16
    torch.testing.assert_close(both[0, :count], alone[0, :count])
    assert len(layers) == 3
    assert torch.equal(layers[-1], both)
    assert layers[0].shape == both.shape


@pytest.mark.parametrize("model_type", ["bert", "xlm-roberta"])
def test_states_are_those_of_transformers(tmp_path: Path, model_type: str) -> None:
    from transformers import AutoModel

    folder = tiny_encoder(tmp_path / "m", model_type=model_type)
    model = load(locate(str(folder), tmp_path))
    theirs = AutoModel.from_pretrained(folder).eval()
    batch = batch_of(model, "the cat", "who was it?")
    with torch.no_grad():
        expected = theirs(input_ids=batch.input_ids, attention_mask=batch.attention_mask)
        torch.testing.assert_close(model.states(batch), expected.last_hidden_state)


def test_renumbered_ids_keep_their_positions(tmp_path: Path) -> None:
    """RoBERTa's family reads positions off the padding id, which trimming gives to another row."""
    folder = tiny_encoder(tmp_path / "m", model_type="xlm-roberta")
    model = load(locate(str(folder), tmp_path))
    batch = batch_of(model, "the cat", "who was it?")
    with torch.no_grad():
        expected = model.states(batch)
        used = sorted(set(batch.input_ids.flatten().tolist()))
        kept = [row for row in used if row != model.pad_id] + [model.pad_id]
        assert kept[1] != model.pad_id, "row 1 must change hands"
        table = model.backbone.get_input_embeddings().weight[kept]
        model.backbone.set_input_embeddings(torch.nn.Embedding.from_pretrained(table))
        ids = torch.tensor([[kept.index(i) for i in row] for row in batch.input_ids.tolist()])
        found = model.states(replace(batch, input_ids=ids))
    real = batch.attention_mask.bool()
    torch.testing.assert_close(found[real], expected[real])


def test_segments_reach_models_that_have_them(encoder: Path, tmp_path: Path) -> None:
    other = tiny_encoder(tmp_path / "x", model_type="xlm-roberta")
    for folder, differs in ((encoder, True), (other, False)):
        model = load(locate(str(folder), tmp_path))
        batch = batch_of(model, "the cat")
        with torch.no_grad():
            plain = model.states(batch)
            batch.token_type_ids = torch.ones_like(batch.input_ids)
            assert torch.equal(model.states(batch), plain) is not differs


@pytest.mark.parametrize("pad_token", [True, False])
def test_decoder_states_and_logits(tmp_path: Path, pad_token: bool) -> None:
    source = locate(str(tiny_decoder(tmp_path / "m", pad_token=pad_token)), tmp_path)
    model, lm = load(source), load(source, text=True)
    assert model.pad_id == (1 if pad_token else model.tokenizer.eos_token_id)
    batch = batch_of(lm, "the cat", "who was it, and where?")
    with torch.no_grad():
        states = model.states(batch)
        assert torch.equal(lm.states(batch), states)
        logits = lm.logits(batch)
        assert logits.shape == (*batch.input_ids.shape, 400)
        torch.testing.assert_close(logits, lm.lm_head(states))
        alone = model.states(batch_of(model, "the cat"))
        count = int(batch.attention_mask[0].sum())
        torch.testing.assert_close(states[0, :count], alone[0, :count])
        # Padded on the left, as for generation, the states are the same.
        ids, mask = batch.input_ids[:1, :count], batch.attention_mask[:1, :count]
        pads = torch.full((1, 3), model.pad_id)
        left = Batch(
            input_ids=torch.cat([pads, ids], 1),
            attention_mask=torch.cat([torch.zeros_like(pads), mask], 1),
            token_type_ids=None,
            rows=[],
        )
        torch.testing.assert_close(model.states(left)[:, 3:], alone[:, :count])
    assert len(model.layers(batch)) == 3
    names = [name for name, _ in model.named_parameters()]
    assert [name for name, _ in lm.named_parameters()] == names, "tied output: no name of its own"


def test_copies_of_a_language_model_share_nothing(tmp_path: Path) -> None:
    source = locate(str(tiny_decoder(tmp_path / "m")), tmp_path)
    first = load(source, text=True)
    batch = batch_of(first, "the cat")
    with torch.no_grad():
        expected = load(source, text=True).logits(batch)
        for parameter in first.parameters():
            parameter.zero_()
        assert not first.logits(batch).any(), "lm, backbone and parameters are one"
        torch.testing.assert_close(load(source, text=True).logits(batch), expected)


def test_encoder_decoder(tmp_path: Path) -> None:
    source = locate(str(tiny_seq2seq(tmp_path / "m")), tmp_path)
    model, lm = load(source), load(source, text=True)
    batch = batch_of(model, "the cat", "who was it, and where?")
    with torch.no_grad():
        states = model.states(batch)
        assert states.shape == (*batch.input_ids.shape, 16)
        assert torch.equal(lm.states(batch), states)
        assert len(model.layers(batch)) == 3
        assert lm.logits(batch, torch.ones(2, 5, dtype=torch.long)).shape == (2, 5, 400)
        made = lm.lm.generate(
            input_ids=batch.input_ids, attention_mask=batch.attention_mask, max_new_tokens=3
        )
    assert made.shape[0] == 2


@pytest.mark.parametrize(
    "build",
    [
        tiny_encoder,
        lambda p: tiny_encoder(p, model_type="xlm-roberta"),
        tiny_decoder,
        tiny_seq2seq,
    ],
)
def test_set_dropout_reaches_every_layer(tmp_path: Path, build: Any) -> None:
    model = load(locate(str(build(tmp_path / "m")), tmp_path))
    batch = batch_of(model, "the cat lives in a house on the hill")
    with torch.no_grad():
        model.eval()
        still = model.states(batch)
        model.train()
        set_dropout(model, 0.0)
        torch.testing.assert_close(model.states(batch), still)
        set_dropout(model, 0.5)
        torch.manual_seed(1)
        noisy = model.states(batch)
    assert not torch.allclose(noisy, still)


# ---------------------------------------------------------------------------- number formats


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("flags\t\t: fpu avx512f avx512_bf16 amx_tile\n", True),
        ("flags\t\t: fpu avx2 amx_bf16\n", True),
        ("flags\t\t: fpu avx2 avx512f\nvmx flags\t: bf16\n", False),
        ("Features\t: fp asimd bf16 sve\n", True),
        ("Features\t: fp asimd\n", False),
        ("", False),
    ],
)
def test_bf16_is_read_off_the_processor(
    monkeypatch: pytest.MonkeyPatch, text: str, expected: bool
) -> None:
    monkeypatch.setattr(backbone.platform, "system", lambda: "Linux")
    monkeypatch.setattr(Path, "read_text", lambda *args, **kwargs: text)
    assert hardware_has_bf16() is expected
    monkeypatch.setattr(backbone.platform, "system", lambda: "Darwin")
    assert hardware_has_bf16() is False


def test_an_absent_cuda_device_has_no_bf16(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert hardware_has_bf16("cuda:0") is False
