"""The built-in benchmark: one small world, rendered by a grammar into many languages.

Written for this project (Apache-2.0; cite the project). A *frame* says who did what to what,
where and when, without any language; a grammar renders it, and every tag, span and label follows
from the frame. Example i of (task, split, `VERSION`) is the same frame in every language, so
items are parallel, and it is a function of these alone: nothing is stored, any size is possible.

It exists so that the whole path can be seen, tested and timed in minutes without downloads. It is
NOT a source of findings: the sentences are simple, the vocabulary is a few hundred words, and a
gain on it says nothing about natural text. Standard library only.
"""

from __future__ import annotations

from typing import Final

# Raise it whenever any rendered sentence, label or frame changes.
VERSION: Final = 1

LANGUAGES: Final[tuple[str, ...]] = (
    "en", "de", "es", "ru", "hi", "tr", "fi", "ar", "id", "sw", "zh", "ja", "ko", "ta", "th", "vi",
)  # fmt: skip
