"""Hooks of the site's build: the pocket pages in the navigation, and search without a server.

MkDocs calls `on_config` and `on_post_build`. Opened from disk, a page may not fetch the search
index, so that the index is also written as a script, which the theme then loads by itself.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any


def on_config(config: Any) -> Any:
    """Add one page per pocket language, English first, without listing them by hand."""
    folder = Path(config["docs_dir"]) / "pocket"
    pages = sorted(p for p in folder.glob("*.md") if p.stem != "index")
    pages.sort(key=lambda page: (page.stem != "en", _title(page)))
    section = next(part["Pocket"] for part in config["nav"] if "Pocket" in part)
    section += [{_title(page): f"pocket/{page.name}"} for page in pages]
    return config


def _title(page: Path) -> str:
    """The language's name, from the page's heading `pocket in NAME (tag)`."""
    found = re.search(r"^# pocket in (.+) \(", page.read_text(encoding="utf-8"), re.MULTILINE)
    assert found, f"{page} has no heading 'pocket in LANGUAGE (tag)'"
    return found[1]


def on_post_build(config: Any) -> None:
    """Write the search index as a script beside itself."""
    folder = Path(config["site_dir"]) / "search"
    index = (folder / "search_index.json").read_text(encoding="utf-8")
    (folder / "search_index.js").write_text(f"var __index = {index}", encoding="utf-8")
