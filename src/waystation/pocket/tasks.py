"""The built-in tasks: frames rendered into every kind of example; see `waystation.pocket`.

Example i of a split is about the same frame in every language: its id is also its group. Labels,
tags and spans follow from the frame. The readers take no files and yield lazily; any number of
examples can be had from `examples`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Final, TypeVar

from waystation.errors import UserError
from waystation.examples import (
    Answer,
    BitextExample,
    ChoiceExample,
    ClassificationExample,
    SpanExample,
    TaggingExample,
)
from waystation.metrics import Metric, qa, retrieval, tagging
from waystation.metrics import labels as label_metrics
from waystation.pocket import LANGUAGES, VERSION, frames
from waystation.pocket import world as w
from waystation.pocket.frames import Story
from waystation.pocket.grammar import Grammar, Token, grammar, question, sentence
from waystation.task import Layout, Task

E = TypeVar("E")

SIZES: Final = {"train": 10_000, "dev": 500, "test": 500}
# The tags that occur; the order is UPOS's alphabetical one.
UPOS: Final = (
    "ADJ", "ADP", "ADV", "AUX", "CCONJ", "DET", "NOUN", "NUM", "PART", "PRON", "PROPN", "PUNCT",
    "SCONJ", "VERB",
)  # fmt: skip
ENTITIES: Final = ("O", "B-PER", "I-PER", "B-LOC", "I-LOC")
_ENTITY_OF: Final = {"agent": "PER", "other": "PER", "place": "LOC"}


def _sentences(language: Grammar, story: Story) -> list[list[Token]]:
    if story.linked:
        return [sentence(language, story.events, story.orders)]
    return [
        sentence(language, (event,), (order,))
        for event, order in zip(story.events, story.orders, strict=True)
    ]


def _text(language: Grammar, story: Story) -> str:
    return language.gap.join(language.text(tokens)[0] for tokens in _sentences(language, story))


def _id(split: str, index: int) -> str:
    return f"{split}-{index:05d}"


def _topic(language: Grammar, split: str, index: int) -> ClassificationExample:
    story, label = frames.topic(split, index)
    name = _id(split, index)
    return ClassificationExample(id=name, group=name, text=_text(language, story), label=label)


def _nli(language: Grammar, split: str, index: int) -> ClassificationExample:
    premise, hypothesis, label = frames.nli(split, index)
    told = sentence(language, (hypothesis,), ("plain",))
    return ClassificationExample(
        id=_id(split, index),
        group=_id(split, index),
        text=_text(language, premise),
        pair=language.text(told)[0],
        label=label,
    )


def _paraphrase(language: Grammar, split: str, index: int) -> ClassificationExample:
    once, again, label = frames.paraphrase(split, index)
    return ClassificationExample(
        id=_id(split, index),
        group=_id(split, index),
        text=_text(language, once),
        pair=_text(language, again),
        label=label,
    )


def _choice(language: Grammar, split: str, index: int) -> ChoiceExample:
    premise, event, asked, options, label = frames.choice(split, index)
    asking = language.text(question(language, event, asked))[0]
    names = tuple(
        language.text([Token(*word) for word in language.person(person, "nom")])[0]
        for person in options
    )
    return ChoiceExample(
        id=_id(split, index),
        group=_id(split, index),
        context=_text(language, premise) + language.gap + asking,
        options=names,
        label=label,
    )


def tokens_of(language: Grammar, task: str, split: str, index: int) -> list[Token]:
    """The sentence of example `index` of `pos` or `ner`, with roles and glosses."""
    story, asked = frames.tagged(task, split, index)
    if asked:
        return question(language, story.events[0], asked)
    return sentence(language, story.events, story.orders)


def entities(tokens: Iterable[Token]) -> tuple[str, ...]:
    """BIO tags: names of people and of cities; an entity ends where its role does."""
    tags, before = [], ""
    for token in tokens:
        kind = _ENTITY_OF.get(token.role, "") if token.tag == "PROPN" else ""
        tags.append(f"{'I' if token.role == before else 'B'}-{kind}" if kind else "O")
        before = token.role if kind else ""
    return tuple(tags)


def _pos(language: Grammar, split: str, index: int) -> TaggingExample:
    tokens = tokens_of(language, "pos", split, index)
    return TaggingExample(
        id=_id(split, index),
        group=_id(split, index),
        words=tuple(token.form for token in tokens),
        tags=tuple(token.tag for token in tokens),
    )


def _ner(language: Grammar, split: str, index: int) -> TaggingExample:
    tokens = tokens_of(language, "ner", split, index)
    return TaggingExample(
        id=_id(split, index),
        group=_id(split, index),
        words=tuple(token.form for token in tokens),
        tags=entities(tokens),
    )


_ROLE: Final = {"who": "agent", "what": "thing", "where": "place", "when": "time"}


def _qa(language: Grammar, split: str, index: int) -> SpanExample:
    story, chosen, asked = frames.qa(split, index)
    context, answer = "", Answer(text="", start=0)
    for position, tokens in enumerate(_sentences(language, story)):
        context += language.gap if context else ""
        text, starts = language.text(tokens)
        if position == chosen:
            asked_for = [i for i, token in enumerate(tokens) if token.role == _ROLE[asked]]
            start, last = starts[asked_for[0]], asked_for[-1]
            end = starts[last] + len(tokens[last].form) - language.ending(tokens[last])
            found = text[start:end]
            answer = Answer(text=found, start=len(context) + start)
        context += text
    asking = question(language, story.events[chosen], asked)
    return SpanExample(
        id=_id(split, index),
        group=_id(split, index),
        question=language.text(asking)[0],
        context=context,
        answers=(answer,),
    )


def _bitext(language: Grammar, split: str, index: int) -> BitextExample:
    story = frames.bitext(split, index)
    return BitextExample(
        id=_id(split, index),
        group=_id(split, index),
        source=_text(language, story),
        target=_text(grammar("en"), story),
    )


_RENDER: Final[dict[str, Callable[[Grammar, str, int], Any]]] = {
    "pocket-topic": _topic,
    "pocket-nli": _nli,
    "pocket-paraphrase": _paraphrase,
    "pocket-choice": _choice,
    "pocket-pos": _pos,
    "pocket-ner": _ner,
    "pocket-qa": _qa,
    "pocket-bitext": _bitext,
}


def examples(task: str, language: str, split: str, indices: Iterable[int]) -> Iterator[Any]:
    """Those examples of a task, by their indices, in any number and order."""
    w.world_of(split)
    if task not in _RENDER:
        raise UserError(
            f"expected a task of pocket ({', '.join(_RENDER)}), found '{task}'; name one of them."
        )
    render, words = _RENDER[task], grammar(language)
    return (render(words, split, index) for index in indices)


def _read(task: str, files: Sequence[Path], language: str, split: str) -> Iterator[Any]:
    w.world_of(split)
    return examples(task, language, split, range(SIZES[split]))


def _task(
    name: str,
    summary: str,
    example: type[E],
    metrics: tuple[Metric[Any, Any], ...],
    labels: tuple[str, ...] = (),
    chance: float | None = None,
) -> Task[E]:
    tagged = example is TaggingExample
    return Task(
        name=name,
        # 1 more: its headline became the official direction of Tatoeba, English to the language.
        version=VERSION + (name == "pocket-bitext"),
        summary=summary,
        example=example,
        layouts=(Layout(paths=lambda *_: (), read=partial(_read, name), reads_folder=False),),
        languages=LANGUAGES if name != "pocket-bitext" else LANGUAGES[1:],
        splits=tuple(SIZES),
        metrics=metrics,
        labels=labels,
        options=(("first_piece", "non-empty"),) if tagged else (),
        chance=chance,
        licence="Apache-2.0",
        citation="Written for Waystation; cite the project (CITATION.cff).",
        source="waystation.pocket",
        notes=(
            "Rendered by grammars from a world of a few hundred words: for seeing, testing and"
            " timing the whole path; it is not a source of findings.",
        ),
    )


TOPIC = _task(
    "pocket-topic",
    "One sentence; what is its thing for (food, music, ...)?",
    ClassificationExample,
    (label_metrics.ACCURACY,),
    w.TOPICS,
    100 / len(w.TOPICS),
)
NLI = _task(
    "pocket-nli",
    "Two transfers; is a third sentence about one of them entailed, neutral or contradicted?",
    ClassificationExample,
    (label_metrics.ACCURACY,),
    frames.NLI_LABELS,
    100 / 3,
)
PARAPHRASE = _task(
    "pocket-paraphrase",
    "Two transfers told twice, from another side or in another order: the same, or not?",
    ClassificationExample,
    (label_metrics.ACCURACY,),
    frames.PARAPHRASE_LABELS,
    50.0,
)
CHOICE = _task(
    "pocket-choice",
    "Two transfers; which of two people has one of the things now, or had it before?",
    ChoiceExample,
    (label_metrics.CHOICE_ACCURACY,),
    chance=50.0,
)
POS = _task(
    "pocket-pos",
    "Universal part-of-speech tags.",
    TaggingExample,
    (tagging.TOKEN_ACCURACY,),
    UPOS,
)
NER = _task(
    "pocket-ner",
    "Names of people and cities, of one or more words, among nouns that name neither.",
    TaggingExample,
    (tagging.CHUNK_F1,),
    ENTITIES,
)
QA = _task(
    "pocket-qa",
    "Three sentences; who, what, where or when in one of them?",
    SpanExample,
    (qa.SQUAD,),
)
BITEXT = _task(
    "pocket-bitext",
    "The sentence that an English one translates, among all others.",
    BitextExample,
    (retrieval.ACCURACY,),
)
