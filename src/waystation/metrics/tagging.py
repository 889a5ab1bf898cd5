"""Metrics of one tag per word: token accuracy and the two chunk F1 of the field.

A chunk is what seqeval's default (conlleval-like) mode finds. Its releases disagree about a tag
without a prefix: 0.0.12, whose values XTREME publishes, keeps the whole tag as the type, while
1.x takes the first letter for a prefix, so that CCONJ and SCONJ become one type. `UDPOS_F1` is
0.0.12 over raw UPOS tags, `CHUNK_F1` is 1.2.2; on B-/I-/O tags of names without a dash both are
the same. `UDPOS_F1_1X` is 1.2.2 under names of its own, to stand beside `UDPOS_F1`.

seqeval reads a corpus as one sequence with an O after every sentence, and so does `corpus`; each
chunk counts in the sentence that it ends in. An O ends any chunk, so that sentences could be read
one by one, but for a tag of one letter (X) in 1.x: it has the type of O, at the beginning of a
sentence it starts nothing, and a chunk found next begins where one last began sentences before.
Chunks are compared as seqeval does: type, first and last word all equal.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TypeAlias

import numpy as np

from waystation.errors import UserError
from waystation.examples import TaggingExample, TagsPrediction
from waystation.metrics import Metric, Statistics
from waystation.metrics.labels import accuracies, accuracy, f1_precision_recall, f1s, no_gold

Chunk: TypeAlias = tuple[str, int, int]
Split: TypeAlias = Callable[[str], tuple[str, str]]


def split_first_letter(tag: str) -> tuple[str, str]:
    """(prefix, type) as seqeval 1.2.2 splits: the prefix is the first letter, whatever it is."""
    return tag[0], tag[1:].split("-", maxsplit=1)[-1] or "_"


def split_last_dash(tag: str) -> tuple[str, str]:
    """(prefix, type) as seqeval 0.0.12 splits: the type is what follows the last dash, or all."""
    return tag[0], tag.split("-")[-1]


def chunks(tags: Sequence[str], split: Split = split_first_letter) -> set[Chunk]:
    """(type, first word, last word) of every chunk of one sentence."""
    return chunks_of([tags], split)[0]


def chunks_of(sentences: Iterable[Sequence[str]], split: Split) -> list[set[Chunk]]:
    """The chunks that end in each sentence, positions counted through all of them, O's included."""
    found: list[set[Chunk]] = []
    prefix_before, type_before = "O", ""
    first = position = 0
    for tags in sentences:
        found.append(set())
        for tag in (*tags, "O"):
            prefix, type_ = split(tag)
            if _ends(prefix_before, prefix, type_before != type_):
                found[-1].add((type_before, first, position - 1))
            if _starts(prefix_before, prefix, type_before != type_):
                first = position
            prefix_before, type_before = prefix, type_
            position += 1
    return found


def _ends(before: str, prefix: str, types_differ: bool) -> bool:
    """Whether a chunk ends between two neighbouring words."""
    if before in "ES":
        return True
    if before in "BI" and prefix in "BSO":
        return True
    return before not in "O." and types_differ


def _starts(before: str, prefix: str, types_differ: bool) -> bool:
    """Whether a chunk starts at the second of two neighbouring words."""
    if prefix in "BS":
        return True
    if before in "ESO" and prefix in "EI":
        return True
    return prefix not in "O." and types_differ


def _gold(prediction: TagsPrediction, example: TaggingExample) -> tuple[str, ...]:
    if example.tags is None:
        raise no_gold(example.id, "tags")
    if len(prediction.tags) != len(example.tags):
        raise UserError(
            f"expected {len(example.tags)} tags for example '{example.id}', found"
            f" {len(prediction.tags)}; predict exactly one tag per word."
        )
    return example.tags


def _tokens(prediction: TagsPrediction, example: TaggingExample, _: str) -> Statistics:
    gold = _gold(prediction, example)
    right = sum(p == g for p, g in zip(prediction.tags, gold, strict=True))
    return np.array([right, len(gold)], dtype=np.float64)


def _chunk_f1(split: Split, suffix: str = "") -> Metric[TagsPrediction, TaggingExample]:
    def corpus(
        predictions: Sequence[TagsPrediction], examples: Sequence[TaggingExample], _: str
    ) -> Statistics:
        gold = chunks_of(map(_gold, predictions, examples), split)
        found = chunks_of([p.tags for p in predictions], split)
        rows = [(len(g & f), len(f), len(g)) for g, f in zip(gold, found, strict=True)]
        return np.array(rows, dtype=np.float64).reshape(-1, 3)

    def statistics(
        prediction: TagsPrediction, example: TaggingExample, language: str
    ) -> Statistics:
        return np.asarray(corpus([prediction], [example], language)[0])

    def reduce(total: Statistics) -> dict[str, float]:
        return {name + suffix: value for name, value in f1_precision_recall(total).items()}

    return Metric(
        names=tuple(name + suffix for name in ("f1", "precision", "recall")),
        statistics=statistics,
        reduce=reduce,
        headlines=f1s,
        corpus=corpus,
    )


TOKEN_ACCURACY: Metric[TagsPrediction, TaggingExample] = Metric(
    names=("accuracy",), statistics=_tokens, reduce=accuracy, headlines=accuracies
)
CHUNK_F1 = _chunk_f1(split_first_letter)
UDPOS_F1 = _chunk_f1(split_last_dash)
UDPOS_F1_1X = _chunk_f1(split_first_letter, "_seqeval1")
