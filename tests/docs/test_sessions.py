"""Pages that are sessions, played from top to bottom in an empty folder, as a reader would.

By default with a tiny model and fewer examples, in this process; with the packaged model and the
page's own numbers in the `model` tier. What a page shows as output must be among the lines that
were printed, numbers apart where there are fewer examples.
"""

from __future__ import annotations

import re
import runpy
from pathlib import Path

import pytest
from pages import BLOCKS, ROOT, Block, blocks
from typer.testing import CliRunner

from tiny import tiny_encoder
from waystation.cli import app

SESSIONS = sorted({block.page for block in BLOCKS if block.does})
SMALLER = {
    "multilingual-e5-small": "tiny",
    "seeds: [0, 1, 2]": "seeds: [0]",
    "epochs: 2": "epochs: 1",
    '"train", 400': '"train", 40',
    '"test", 150': '"test", 12',
    "examples: 400": "examples: 32",
}


def shape(text: str, smaller: bool) -> list[str]:
    """Lines without spacing; without numbers too where fewer examples change them."""
    lines = (" ".join(line.split()) for line in text.splitlines())
    return [re.sub(r"\d+", "0", line) if smaller else line for line in lines if line]


def play(page: Path, folder: Path, smaller: bool) -> None:
    """Do what the page's directives say, in `folder`, which is the current one."""
    printed = ""
    for block in blocks(page):
        text = block.text
        if block.does == "file":
            for long, short in SMALLER.items() if smaller else ():
                text = text.replace(long, short)
            (folder / block.name).parent.mkdir(parents=True, exist_ok=True)
            (folder / block.name).write_text(text, encoding="utf-8")
        elif block.does == "run":
            printed = "".join(run(block, words) for words in block.commands)
        elif block.does == "output":
            lines = shape(printed, smaller)
            for line in shape(text, smaller):
                assert line in lines, f"{block.label}: {printed}"


def run(block: Block, words: list[str]) -> str:
    """What a command prints; a shell would find `waystation` and `python` in the environment."""
    if words[0] == "python":
        runpy.run_path(words[1], run_name="__main__")
        return ""
    found = CliRunner().invoke(app, words[1:])
    assert found.exit_code == 0, f"{block.label}: {words}: {found.output}"
    return found.stdout


LONG = [pytest.mark.slow]


@pytest.mark.parametrize(
    "page",
    [pytest.param(p, id=p.stem, marks=LONG if p.stem == "tutorial" else []) for p in SESSIONS],
)
def test_session(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    tiny_encoder(tmp_path / "tiny")
    play(page, tmp_path, smaller=True)


@pytest.mark.slow
@pytest.mark.model
def test_the_tutorial_as_it_stands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    play(ROOT / "docs" / "tutorial.md", tmp_path, smaller=False)
    report = (tmp_path / "messages.md").read_text()
    assert "## messages" in report
