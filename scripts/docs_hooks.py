"""Hooks of the site's build: the pocket pages in the navigation, and search without a server.

MkDocs calls `on_config` and `on_post_build`. Opened from disk, a page may not fetch the search
index, so that the index is also written as a script, which the theme then loads by itself.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any


def on_config(config: Any) -> Any:
    """Add the other pocket pages, then one per language, English first, by the language's name."""
    folder = Path(config["docs_dir"]) / "pocket"
    pages = {page: _title(page) for page in sorted(folder.glob("*.md")) if page.stem != "index"}
    order = sorted(pages, key=lambda page: (pages[page][0], page.stem != "en", pages[page][1]))
    section = next(part["Pocket"] for part in config["nav"] if "Pocket" in part)
    section += [{pages[page][1]: f"pocket/{page.name}"} for page in order]
    return config


def _title(page: Path) -> tuple[bool, str]:
    """Whether a page is a language's (`# pocket in NAME (tag)`), and what to call it."""
    with page.open(encoding="utf-8") as file:
        heading = file.readline().removeprefix("# ").strip()
    found = re.match(r"pocket in (.+) \(", heading)
    return (True, found[1]) if found else (False, heading)


def on_post_build(config: Any) -> None:
    """Write the search index as a script beside itself."""
    folder = Path(config["site_dir"]) / "search"
    index = (folder / "search_index.json").read_text(encoding="utf-8")
    (folder / "search_index.js").write_text(f"var __index = {index}", encoding="utf-8")
