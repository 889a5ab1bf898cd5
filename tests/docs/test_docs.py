"""What every page of README and docs owes: blocks that work, links that lead somewhere.

YAML loads as a study, Python runs or is a task, shell blocks name `make` targets, files and
options that exist. Pages that are sessions are played in `test_sessions.py`.
"""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

import pytest
from pages import BLOCKS, PAGES, ROOT, Block, of
from typer.testing import CliRunner

from waystation.cli import app
from waystation.study import load_study
from waystation.task import get

SESSION = {block.page for block in BLOCKS if block.does}


def label(block: Block) -> str:
    return block.label


def loose(language: str) -> list[Block]:
    """Blocks that no session writes or runs."""
    return [block for block in of(language) if not block.does]


def test_every_block_says_what_it_is() -> None:
    for block in BLOCKS:
        assert block.language in ("sh", "yaml", "python", "text"), block.label
        assert block.does in ("", "file", "run", "output"), block.label
        assert bool(block.name) == (block.does == "file"), block.label


@pytest.mark.parametrize("block", loose("yaml"), ids=label)
def test_yaml_blocks_are_studies(block: Block, tmp_path: Path) -> None:
    path = tmp_path / "study.yaml"
    path.write_text(block.text)
    assert load_study(path).targets


@pytest.mark.parametrize("block", loose("python"), ids=label)
def test_python_blocks_run(block: Block, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "my_tasks.py"
    path.write_text(block.text)
    names = re.findall(r"^([A-Z_]+) = Task\(", block.text, re.MULTILINE)
    for name in names:
        assert get(f"my_tasks.py:{name}", tmp_path).name
    if not names:
        exec(compile(block.text, block.label, "exec"), {"__name__": "__main__"})


@cache
def help_of(verb: str) -> str:
    shown = CliRunner().invoke(app, [verb, "--help"], env={"COLUMNS": "200"})
    assert shown.exit_code == 0, verb
    return shown.output


@pytest.mark.parametrize("block", of("sh"), ids=label)
def test_shell_blocks_name_what_exists(block: Block) -> None:
    targets = re.findall(r"^(\w[\w-]*):", (ROOT / "Makefile").read_text(), re.MULTILINE)
    written = {other.name for other in BLOCKS if other.page == block.page}
    for words in block.commands:
        if words[0] == "make":
            assert words[1] in targets
            continue
        assert words[0] in ("waystation", "python"), words
        if words[0] == "python":
            assert words[1] in written or (ROOT / words[1]).is_file()
            continue
        shown = help_of(words[1])
        for word in words[2:]:
            if word.startswith("--"):
                assert re.search(rf"{word}\b", shown), word


def test_links_inside_the_repository_lead_somewhere() -> None:
    for page in PAGES:
        text = re.sub(r"^```.*?^```$", "", page.read_text(), flags=re.MULTILINE | re.DOTALL)
        for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", text):
            assert (page.parent / target).exists(), f"{page.name}: {target}"


def test_every_study_of_the_repository_loads() -> None:
    for path in sorted((ROOT / "studies").glob("*.yaml")):
        assert load_study(path).intermediate[0].name == "none"
