"""Hooks of the site's build: the navigation's remaining pages, and search without a server.

MkDocs calls `on_config` and `on_post_build`. Opened from disk, a page may not fetch the search
index, so that the index is also written as a script, which the theme then loads by itself.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any


def on_config(config: Any) -> Any:
    """Put the pages in the navigation that it does not name: how-tos, pocket, its languages."""
    docs = Path(config["docs_dir"])
    how_to = _section(config, "How to")
    named = {path for entry in how_to for path in entry.values()}
    for page in sorted((docs / "howto").glob("*.md")):
        if f"howto/{page.name}" not in named:
            how_to.append({_heading(page): f"howto/{page.name}"})
    pocket = sorted((docs / "pocket").glob("*.md"), key=_pocket_order)
    _section(config, "Pocket")[:] = [{_short(page): f"pocket/{page.name}"} for page in pocket]
    return config


def _section(config: Any, name: str) -> list[dict[str, str]]:
    found: list[dict[str, str]] = next(part[name] for part in config["nav"] if name in part)
    return found


def _heading(page: Path) -> str:
    with page.open(encoding="utf-8") as file:
        return file.readline().removeprefix("# ").strip()


def _short(page: Path) -> str:
    """A heading; `pocket in NAME (tag)` is shown as the language's name."""
    found = re.match(r"pocket in (.+) \(", _heading(page))
    return found[1] if found else _heading(page)


def _pocket_order(page: Path) -> tuple[bool, bool, bool, str]:
    """The benchmark's page, other pages, then the languages by name, English first."""
    language = _short(page) != _heading(page)
    return page.stem != "index", language, page.stem != "en", _short(page)


def on_post_build(config: Any) -> None:
    """Write the search index as a script beside itself."""
    folder = Path(config["site_dir"]) / "search"
    index = (folder / "search_index.json").read_text(encoding="utf-8")
    (folder / "search_index.js").write_text(f"var __index = {index}", encoding="utf-8")
