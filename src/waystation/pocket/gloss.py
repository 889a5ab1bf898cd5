"""Glossed samples for readers to judge: fifty sentences of every language, as Markdown.

`python -m waystation.pocket.gloss docs/pocket` writes one page per language; a test keeps the
committed pages equal to what this prints. The sentences are those of pocket-pos: the first ones
of training, dev and test, so that most of the world's words and all constructions are seen.
"""

from __future__ import annotations

import sys
from pathlib import Path

from waystation.pocket import LANGUAGES, VERSION
from waystation.pocket.grammar import Token, grammar
from waystation.pocket.tasks import entities, tokens_of

_SAMPLES = (("train", 20), ("dev", 10), ("test", 20))


def _word(token: Token, entity: str) -> str:
    """form/TAG, then what it stands for and whose name it is."""
    gloss = f" '{token.gloss.replace('.', ' ')}'" if token.gloss else ""
    return f"{token.form}/{token.tag}{gloss}" + (f" {entity}" if entity != "O" else "")


def page(code: str) -> str:
    """The Markdown page of one language."""
    language, english = grammar(code), grammar("en")
    lines = [
        f"# pocket in {language.name} (`{code}`)",
        "",
        f"Family: {language.family}. Script: {language.script}. Version {VERSION}."
        " Written by `python -m waystation.pocket.gloss docs/pocket`; do not edit.",
        "",
        "Sentence, its English counterpart, then each word with its tag, what it stands for in the"
        " world, and its entity tag where it has one.",
        "",
    ]
    for split, count in _SAMPLES:
        for index in range(count):
            tokens = tokens_of(language, "pos", split, index)
            told = english.text(tokens_of(english, "pos", split, index))[0]
            glossed = (_word(t, e) for t, e in zip(tokens, entities(tokens), strict=True))
            lines += [
                f"**{split}-{index:05d}** {language.text(tokens)[0]}  ",
                f"*{told}*  ",
                " · ".join(glossed),
                "",
            ]
    return "\n".join(lines)


def main(arguments: list[str]) -> int:
    """Write every page into the folder named."""
    if len(arguments) != 1:
        print("expected one folder to write to: python -m waystation.pocket.gloss docs/pocket")
        return 2
    folder = Path(arguments[0])
    folder.mkdir(parents=True, exist_ok=True)
    for code in LANGUAGES:
        (folder / f"{code}.md").write_text(page(code), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
