"""Glossed samples for readers to judge, as Markdown: fifty sentences of every language on a page
of its own, and one page that shows the same sentence in every language with all its labels.

`python -m waystation.pocket.gloss docs/pocket` writes the pages; a test keeps the committed ones
equal to what this prints. The fifty are those of pocket-pos: the first ones of training, dev and
test, so that most of the world's words and all constructions are seen. The one sentence is from
pocket-topic, with the tags that pocket-pos and pocket-ner give its words; the items beside it are
examples of the other tasks.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from waystation.examples import ChoiceExample, ClassificationExample, SpanExample
from waystation.pocket import LANGUAGES, VERSION, frames
from waystation.pocket.grammar import Grammar, Token, grammar, sentence
from waystation.pocket.tasks import entities, examples, tokens_of

_SAMPLES = (("train", 20), ("dev", 10), ("test", 20))
# Training items: one with two full names, a city, a year and an attribute; one that is entailed
# by the other side of its event; two transfers retold; and so on.
_SHOWN = {"topic": 97, "nli": 6, "paraphrase": 7, "choice": 5, "qa": 2}


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


def _shown(code: str, task: str) -> tuple[str, Any]:
    """Where an item of the page of sentences is found, and the item."""
    index = _SHOWN[task]
    (example,) = examples(f"pocket-{task}", code, "train", [index])
    return f"`pocket-{task}` train-{index:05d}", example


def _table(language: Grammar) -> list[str]:
    """The words of the one sentence with their tags."""
    story, _ = frames.topic("train", _SHOWN["topic"])
    tokens = sentence(language, story.events, story.orders)
    rows = [
        f"| {token.form} | {token.tag} | {entity} | {token.gloss.replace('.', ' ')} |"
        for token, entity in zip(tokens, entities(tokens), strict=True)
    ]
    return ["| word | POS | NER | stands for |", "|---|---|---|---|", *rows]


def _items(code: str) -> list[str]:
    """A pair, a retelling, a choice and a question with its answer, each with its label."""
    lines = []
    for task, name, relation in (("nli", "NLI", "→"), ("paraphrase", "Paraphrase", "↔")):
        where, pair = _shown(code, task)
        assert isinstance(pair, ClassificationExample)
        lines.append(f"- **{name}** ({where}): {pair.text} {relation} {pair.pair} **{pair.label}**")
    where, choice = _shown(code, "choice")
    assert isinstance(choice, ChoiceExample)
    options = " / ".join(
        f"**{option}**" if position == choice.label else option
        for position, option in enumerate(choice.options)
    )
    lines.append(f"- **Choice** ({where}): {choice.context} {options}")
    where, asked = _shown(code, "qa")
    assert isinstance(asked, SpanExample)
    (answer,) = asked.answers or ()
    end = answer.start + len(answer.text)
    context = f"{asked.context[: answer.start]}⟦{answer.text}⟧{asked.context[end:]}"
    lines.append(
        f"- **Question** ({where}): {asked.question} {context}"
        f" Answer: **{answer.text}**, characters {answer.start} to {end}."
    )
    return lines


def sentences() -> str:
    """The Markdown page of one sentence with all its labels in every language."""
    grammars = [grammar(code) for code in LANGUAGES]
    families = len({found.family for found in grammars})
    scripts = len({found.script for found in grammars})
    lines = [
        "# One sentence with all its labels, in every language",
        "",
        f"{len(LANGUAGES)} languages, {families} families, {scripts} scripts. Version {VERSION}."
        " Written by `python -m waystation.pocket.gloss docs/pocket`; do not edit.",
        "",
        "**No native reader has judged these sentences**: the authors wrote the grammars and read"
        " them over. What to doubt is listed under [known oddities](index.md); fifty more sentences"
        " of each language are on its own page.",
        "",
        "Every section shows the same items. The sentence is an example of `pocket-topic`; its"
        " tags are those that `pocket-pos` and `pocket-ner` give such words, and its translation"
        " is what `pocket-bitext` pairs it with. The right option of a choice is **bold**; the"
        " answer to a question stands in ⟦brackets⟧ in its context, and its characters"
        " count from 0.",
        "",
    ]
    _, english = _shown("en", "topic")
    for language in grammars:
        code = language.code
        where, shown = _shown(code, "topic")
        lines += [
            f"## {language.name} (`{code}`)",
            "",
            f"Family: {language.family}. Script: {language.script}. [Fifty sentences]({code}.md).",
            "",
            f"**{shown.text}**  ",
            f"*{english.text}*  ",
            f"Topic: **{shown.label}** ({where})",
            "",
            *_table(language),
            "",
            *_items(code),
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
    (folder / "sentences.md").write_text(sentences(), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
