"""`waystation mine`: files read as they are, pairs written, one sentence for bad input."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from jsonschema import Draft202012Validator
from miniature import write
from typer.testing import CliRunner, Result

from tiny import tiny_decoder, tiny_encoder
from waystation import backbone, display
from waystation.cli import app
from waystation.embed import CHUNK, Variant, embed
from waystation.errors import DataError, ModelError
from waystation.mine_verb import default_prefix, read_sentences
from waystation.run import Options, run_study
from waystation.settings import Numerics

FP32 = Numerics(precision="fp32", threads=1)
WORDS = ["one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"]


def call(*arguments: object) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A tiny model and two sides whose sentences are the same in another order."""
    tiny_encoder(tmp_path / "tiny")
    texts = [f"{a} {b}" for a in WORDS for b in WORDS[:4]]
    (tmp_path / "s.txt").write_text("\n".join(texts) + "\n")
    (tmp_path / "t.txt").write_text("\n".join(reversed(texts)) + "\n")
    return tmp_path


def mine(folder: Path, *arguments: object) -> Result:
    files = folder / "s.txt", folder / "t.txt"
    return call("mine", *files, "--backbone", folder / "tiny", *arguments)


def test_equal_sentences_find_each_other(folder: Path) -> None:
    result = mine(folder, "-o", folder / "pairs.tsv")
    assert result.exit_code == 0, result.output
    rows = [line.split("\t") for line in (folder / "pairs.tsv").read_text().splitlines()]
    assert len(rows) == 40
    assert all(source == target for _, source, target in rows)
    scores = [float(score) for score, _, _ in rows]
    assert scores == sorted(scores, reverse=True)
    assert "s.txt: 40 sentences of 40 lines (left out: 0 empty, 0 duplicate)." in (result.stderr)
    assert f"40 pairs written to {folder / 'pairs.tsv'}." in result.stderr


def test_pairs_go_to_standard_output_and_nothing_else_does(folder: Path) -> None:
    result = mine(folder)
    assert [len(line.split("\t")) for line in result.stdout.splitlines()] == [3] * 40


def test_ids_are_printed_and_a_threshold_is_inclusive(folder: Path) -> None:
    for name in ("s", "t"):
        path = folder / f"{name}.txt"
        lines = path.read_text().splitlines()
        path.write_text("".join(f"{name}{i}\t{line}\n" for i, line in enumerate(lines)))
    everything = [line.split("\t") for line in mine(folder, "--ids").stdout.splitlines()]
    assert all(int(s[1:]) + int(t[1:]) == 39 for _, s, t in everything)
    bound = json.loads(mine(folder, "--ids", "--margin", "absolute", "--json").stdout)
    assert {pair["score"] for pair in bound["pairs"]} == {1.0}
    kept = mine(folder, "--ids", "--margin", "absolute", "--threshold", "1", "--json")
    assert json.loads(kept.stdout)["kept"] == 40
    none = mine(folder, "--ids", "--margin", "absolute", "--threshold", "1.1")
    assert none.stdout == ""
    assert "0 pairs of 40 at or above the threshold 1.1." in none.stderr


def test_the_summary_says_what_was_done(folder: Path) -> None:
    with (folder / "s.txt").open("a") as file:
        file.write("\n  \none two\n")
    result = mine(
        folder, "--json", "-o", folder / "p.tsv", "--layer", 1, "--pooling", "words",
        "--prefix", "say: ", "--neighbours", 3, "--select", "intersect",
    )  # fmt: skip
    assert json.loads(result.stdout) == {
        "source": {
            "file": str(folder / "s.txt"),
            "lines": 43,
            "empty": 2,
            "duplicates": 1,
            "sentences": 40,
        },
        "target": {
            "file": str(folder / "t.txt"),
            "lines": 40,
            "empty": 0,
            "duplicates": 0,
            "sentences": 40,
        },
        "backbone": str(folder / "tiny"),
        "route": None,
        "margin": "ratio",
        "neighbours": 3,
        "select": "intersect",
        "threshold": None,
        "layer": 1,
        "pooling": "words",
        "prefix": "say: ",
        "max_tokens": 256,
        "long": 0,
        "mined": 40,
        "kept": 40,
        "output": str(folder / "p.tsv"),
    }


@pytest.mark.parametrize("output", [True, False])
def test_the_summary_keeps_its_schema(folder: Path, output: bool) -> None:
    arguments = ["-o", folder / "p.tsv"] if output else []
    found = json.loads(mine(folder, "--json", *arguments).stdout)
    path = Path(__file__).parent.parent / "docs" / "reference" / "json" / "mine.json"
    Draft202012Validator(json.loads(path.read_text())).validate(found)


@pytest.mark.slow
def test_a_trained_route_mines_as_its_backbone_does_not(
    folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    study = write(tmp_path_factory.mktemp("mine") / "study")
    store = study.parent / "store"
    run_study(study, Options(store=store, only="topic>pocket-topic@0"))
    name = "miniature#topic>pocket-topic@0"
    files = folder / "s.txt", folder / "t.txt"
    result = call("mine", *files, "--route", name, "--store", store, "--json")
    assert result.exit_code == 0, result.output
    found = json.loads(result.stdout)
    assert (found["route"], found["backbone"], found["prefix"]) == (name, None, "")
    assert found["mined"] > 0
    wrong = call("mine", *files, "--route", "miniature#x", "--store", store)
    assert wrong.exit_code == 2
    assert "expected a route such as" in wrong.stderr


@pytest.mark.parametrize(
    ("data", "ids", "sentence"),
    [
        (b"", False, "expected sentences, one a line, found none; check the file"),
        (b"\n \n", False, "expected sentences, one a line, found none"),
        (b"a\nb\xff\n", False, ":2: expected UTF-8, found byte 0xff at 1; convert the file"),
        (b"1\ta\nb\n", True, ":2: expected an id, a tab and a sentence, found no tab"),
        (b"\ta\n", True, ":1: expected an id, a tab and a sentence, found no id"),
        (b"1\ta\n1\tb\n", True, ":2: expected every id once, found '1' again, first in line 1"),
    ],
)
def test_bad_files_are_refused_in_a_sentence(
    tmp_path: Path, data: bytes, ids: bool, sentence: str
) -> None:
    (tmp_path / "bad.txt").write_bytes(data)
    with pytest.raises(DataError) as error:
        read_sentences(tmp_path / "bad.txt", ids)
    assert str(error.value).startswith(f"{tmp_path / 'bad.txt'}:")
    assert sentence in str(error.value)


def test_lines_end_where_the_file_ends_them(tmp_path: Path) -> None:
    path = tmp_path / "odd.txt"
    path.write_bytes('\ufeffa\u2028b\r\n"c\n\u0645\u0631\u062d\u0628\u0627\n\n"c\nd'.encode())
    found = read_sentences(path, False)
    assert found.texts == ("a\u2028b", '"c', "\u0645\u0631\u062d\u0628\u0627", "d")
    assert found.ids == ("1", "2", "3", "6")
    assert (found.lines, found.empty, found.duplicates) == (6, 1, 1)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--layer", "top"], "expected `last` or the number of a layer"),
        (["--layer", "99"], "expected a layer from 0 to 2 (0 is the embedding layer)"),
        (["-o", "absent/pairs.tsv"], "expected a folder to write pairs.tsv to at absent, found"),
        (["--backbone", "no/such/model"], "expected a model folder at"),
    ],
)
def test_bad_options_are_refused_in_a_sentence(
    folder: Path, arguments: list[str], sentence: str
) -> None:
    result = mine(folder, *arguments)
    assert result.exit_code == 2
    assert sentence in result.stderr
    assert result.stderr.strip().splitlines()[-1].startswith("expected")


def test_files_that_cannot_be_read_or_written(folder: Path) -> None:
    absent = call("mine", folder / "no.txt", folder / "t.txt")
    assert absent.exit_code == 2
    assert f"expected a file of sentences at {folder / 'no.txt'}, found 'No such" in absent.stderr
    (folder / "taken").mkdir()
    full = mine(folder, "-o", folder / "taken")
    assert full.exit_code == 2
    assert f"expected to write {folder / 'taken'}, found 'Is a directory'" in full.stderr


def test_tabs_inside_sentences_do_not_make_columns(folder: Path) -> None:
    for name in ("s.txt", "t.txt"):
        (folder / name).write_text("one\ttwo\nthree four\n")
    rows = [line.split("\t") for line in mine(folder).stdout.splitlines()]
    assert sorted(row[1] for row in rows) == ["one two", "three four"]


@pytest.mark.parametrize(
    ("backbone", "prefix"),
    [
        ("multilingual-e5-small", "query: "),
        ("intfloat/multilingual-e5-large@0a1b", "query: "),
        ("intfloat/multilingual-e5-large-instruct", ""),
        ("sentence-transformers/LaBSE", ""),
        ("smollm2-135m-instruct", ""),
    ],
)
def test_only_e5_models_have_a_prefix_of_their_own(backbone: str, prefix: str) -> None:
    assert default_prefix(backbone) == prefix


def test_long_sentences_are_counted(folder: Path) -> None:
    (folder / "s.txt").write_text("one " * 2000 + "\ntwo\n")
    result = mine(folder)
    assert "tokens or more: 1; what is beyond is not read." in result.stderr


@pytest.mark.parametrize("architecture", ["encoder", "decoder"])
@pytest.mark.parametrize("pooling", ["mean", "cls", "words"])
def test_vectors_do_not_depend_on_what_is_embedded_beside(
    tmp_path: Path, architecture: str, pooling: str
) -> None:
    {"encoder": tiny_encoder, "decoder": tiny_decoder}[architecture](tmp_path / "tiny")
    model = backbone.load(backbone.locate(str(tmp_path / "tiny"), tmp_path))
    texts = [" ".join(WORDS[: 1 + i % 9]) for i in range(30)]
    told: list[tuple[int, int]] = []
    vectors, cut = embed(
        model, texts, Variant(layer=1, pooling=pooling), FP32, max_tokens=24,
        progress=lambda *at: told.append(at),
    )  # fmt: skip
    assert told[-1] == (30, 30)
    assert cut == sum(len(model.tokenizer(text)["input_ids"]) >= 24 for text in texts)
    for i in (0, 8, 29):
        alone, _ = embed(model, [texts[i]], Variant(layer=1, pooling=pooling), FP32, max_tokens=24)
        np.testing.assert_allclose(vectors[i], alone[0], atol=1e-5)
    last, _ = embed(model, texts[:2], Variant(pooling=pooling), FP32, max_tokens=24)
    assert not np.allclose(last, vectors[:2])


def test_texts_beyond_one_chunk_stay_in_order(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert CHUNK > 100
    monkeypatch.setattr("waystation.embed.CHUNK", 7)
    tiny_encoder(tmp_path / "tiny")
    model = backbone.load(backbone.locate(str(tmp_path / "tiny"), tmp_path))
    texts = [" ".join(WORDS[: 1 + i % 9]) for i in range(20)]
    vectors, cut = embed(model, texts, Variant(), FP32, max_tokens=64)
    assert cut == 0
    np.testing.assert_allclose(vectors[0], vectors[9], atol=1e-5)
    np.testing.assert_allclose(vectors[1], vectors[10], atol=1e-5)
    assert not np.allclose(vectors[0], vectors[1], atol=1e-3)
    with pytest.raises(ModelError, match=r"expected a layer from 0 to 2 .*, found 3"):
        embed(model, texts, Variant(layer=3), FP32, max_tokens=24)


def test_piped_progress_is_a_line_now_and_then(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    now = 0.0
    monkeypatch.setattr(display.time, "monotonic", lambda: now)
    with display.counting("embedding s.txt", "sentences") as progress:
        for done in range(0, 101, 10):
            now = done / 2
            progress(done, 100)
    lines = capsys.readouterr().err.splitlines()
    assert lines[0] == "  embedding s.txt: 30/100 2 sentences/s, 35 s left"
    assert len(lines) == 3


def test_help_needs_no_torch() -> None:
    code = (
        "import sys; from typer.testing import CliRunner; from waystation.cli import app;"
        "assert CliRunner().invoke(app, ['mine', '--help']).exit_code == 0;"
        "import waystation.mine_verb; assert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
