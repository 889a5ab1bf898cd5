"""The pages of README and docs as what they are made of: fences, and directives before them.

A fence is `sh`, `yaml`, `python` or `text`. An HTML comment on the line before it, which readers
do not see, says what a test does with it:

    <!-- file: NAME -->   it is written to NAME, in the page's own folder
    <!-- run -->          its commands are run there, one after the other, and must succeed
    <!-- output -->       it is what the last command printed, numbers apart

A page with such comments is a session, played from top to bottom.
"""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGES = (ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md")))
FENCE = re.compile(r"^(?:<!-- ([a-z]+)(?:: (\S+))? -->\n)?```([^\n]*)\n(.*?)^```$", re.M | re.S)


@dataclass(frozen=True)
class Block:
    """One fence; `does` and `name` are its directive's, empty where it has none."""

    page: Path
    number: int
    does: str
    name: str
    language: str
    text: str

    @property
    def label(self) -> str:
        """What a test's output calls it."""
        return f"{self.page.relative_to(ROOT)}-{self.number}"

    @property
    def commands(self) -> list[list[str]]:
        """The words of each command of a shell block."""
        lines = self.text.replace("\\\n", " ").splitlines()
        return [words for line in lines if (words := shlex.split(line, comments=True))]


def blocks(page: Path) -> list[Block]:
    """All fences of a page, in order."""
    found = FENCE.findall(page.read_text(encoding="utf-8"))
    return [Block(page, number, *parts) for number, parts in enumerate(found)]


BLOCKS = [block for page in PAGES for block in blocks(page)]


def of(language: str) -> list[Block]:
    """All blocks in one language."""
    return [block for block in BLOCKS if block.language == language]
