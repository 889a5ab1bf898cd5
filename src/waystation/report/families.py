"""Languages in the order that pictures show them: by family, then script, then name.

Families and scripts are those of `waystation.languages`; the names of scripts are ISO 15924's,
shortened to what readers call them. A language that the table lacks is in the last group.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, NamedTuple

from waystation.languages import LANGUAGES, name_of, script_of

OTHER: Final = "Other"
SCRIPTS: Final = {
    "Arab": "Arabic", "Armn": "Armenian", "Beng": "Bengali", "Cyrl": "Cyrillic",
    "Deva": "Devanagari", "Ethi": "Ethiopic", "Geor": "Georgian", "Grek": "Greek",
    "Gujr": "Gujarati", "Guru": "Gurmukhi", "Hans": "Chinese", "Hant": "Chinese, traditional",
    "Hang": "Hangul", "Hebr": "Hebrew", "Jpan": "Japanese", "Khmr": "Khmer", "Knda": "Kannada",
    "Kore": "Korean", "Laoo": "Lao", "Latn": "Latin", "Mlym": "Malayalam", "Mymr": "Burmese",
    "Orya": "Odia", "Sinh": "Sinhala", "Taml": "Tamil", "Telu": "Telugu", "Thai": "Thai",
    "Tibt": "Tibetan",
}  # fmt: skip


class Row(NamedTuple):
    """One language; `name` is its tag where the table has no name for it."""

    tag: str
    name: str
    family: str
    script: str


def row(tag: str) -> Row:
    """A tag's row; the first part of a pair such as `de-en` decides."""
    known = LANGUAGES.get(tag.partition("-")[0])
    if known is None:
        return Row(tag, tag, OTHER, "")
    script = script_of(tag)
    return Row(tag, name_of(tag), known.family, SCRIPTS.get(script, script))


def grouped(tags: Iterable[str]) -> list[tuple[str, list[Row]]]:
    """Languages by family, the largest family first, within it by script and name."""
    families: dict[str, list[Row]] = {}
    for tag in tags:
        families.setdefault(row(tag).family, []).append(row(tag))
    order = sorted(families, key=lambda f: (f == OTHER, -len(families[f]), f))
    return [(f, sorted(families[f], key=lambda r: (r.script, r.name, r.tag))) for f in order]
