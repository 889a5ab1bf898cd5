"""Every code block of README and docs: YAML loads as a study, Python runs, commands exist.

Shell blocks hold `make` targets (which CI runs itself) and `waystation` commands, whose verbs and
options are checked against the real command line.
"""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
from typer.testing import CliRunner

from waystation.cli import app
from waystation.study import load_study
from waystation.task import get

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def blocks(language: str) -> list[tuple[str, str]]:
    """(page and number, text) of every block in a language."""
    return [
        (f"{page.name}-{number}", text)
        for page in PAGES
        for number, (found, text) in enumerate(BLOCK.findall(page.read_text()))
        if found == language
    ]


def test_every_block_says_what_it_is() -> None:
    known = {"sh", "yaml", "python", "text"}
    for page in PAGES:
        for language, text in BLOCK.findall(page.read_text()):
            assert language in known, f"{page.name}: {text[:60]}"


@pytest.mark.parametrize(("name", "text"), blocks("yaml"))
def test_yaml_blocks_are_studies(name: str, text: str, tmp_path: Path) -> None:
    path = tmp_path / "study.yaml"
    path.write_text(text)
    assert load_study(path).targets, name


@pytest.mark.parametrize(("name", "text"), blocks("python"))
def test_python_blocks_run(name: str, text: str, tmp_path: Path) -> None:
    path = tmp_path / "my_tasks.py"
    path.write_text(text)
    if "Task(" in text:
        assert get("my_tasks.py:REVIEWS", tmp_path).kind == "classification", name
    else:
        exec(compile(text, name, "exec"), {})


@pytest.mark.parametrize(("name", "text"), blocks("sh"))
def test_shell_blocks_name_what_exists(name: str, text: str) -> None:
    targets = re.findall(r"^(\w[\w-]*):", (ROOT / "Makefile").read_text(), re.MULTILINE)
    for line in text.replace("\\\n", " ").splitlines():
        words = shlex.split(line, comments=True)
        if not words:
            continue
        if words[0] == "make":
            assert words[1] in targets, line
            continue
        assert words[0] in ("waystation", "python"), line
        if words[0] == "python":
            assert (ROOT / words[1]).is_file(), line
            continue
        shown = CliRunner().invoke(app, [words[1], "--help"], env={"COLUMNS": "200"})
        assert shown.exit_code == 0, line
        for word in words[2:]:
            if word.startswith("--"):
                assert word in shown.output, line


def test_links_inside_the_repository_lead_somewhere() -> None:
    for page in PAGES:
        for target in re.findall(r"\]\(([^)#:]+)\)", page.read_text()):
            assert (page.parent / target).exists(), f"{page.name}: {target}"


def test_every_study_of_the_repository_loads() -> None:
    for path in sorted((ROOT / "studies").glob("*.yaml")):
        assert load_study(path).intermediate[0].name == "none"
