"""Long contexts and answer texts as the official QA scripts have them.

Facts of google-research/xtreme@838c13b, third_party/run_squad.py and processors/squad.py, and of
the post-processing they import (transformers 2.4.0, data/metrics/squad_metrics.py): the context
is split at spaces and its words are encoded one by one; a window starts every `doc_stride` pieces;
an answer begins where the window is the one that gives its first piece most context; whole
words are projected back onto what their pieces say. Used by the span head with the option
windows=official; knows no model.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

_SPACE: Final = re.compile("[ \t\r\n\u202f]+")  # processors/squad.py, _is_whitespace
_CJK: Final = (
    (0x4E00, 0x9FFF),
    (0x3400, 0x4DBF),
    (0x20000, 0x2A6DF),
    (0x2A700, 0x2B73F),
    (0x2B740, 0x2B81F),
    (0x2B820, 0x2CEAF),
    (0xF900, 0xFAFF),
    (0x2F800, 0x2FA1F),
)
"""What BERT's tokenizer takes for Chinese characters."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """Pieces `first` to `first + count` of a context; which of them have most context here."""

    first: int
    count: int
    most_context: NDArray[np.bool_]


def split_words(text: str) -> list[str]:
    """The words of a context: what lies between spaces."""
    return [word for word in _SPACE.split(text) if word]


def word_of_character(text: str) -> list[int]:
    """The word that each character belongs to; a space belongs to the word before it."""
    found, word, inside = [], -1, False
    for character in text:
        if _SPACE.match(character):
            inside = False
        elif not inside:
            word, inside = word + 1, True
        found.append(word)
    return found


def windows(pieces: int, room: int, advance: int) -> list[Window]:
    """The windows of a context: one every `advance` pieces, until one holds the last piece."""
    starts = [0]
    while starts[-1] + room < pieces:
        starts.append(starts[-1] + advance)
    counts = [min(room, pieces - start) for start in starts]
    best = np.full(pieces, -1.0)
    owner = np.full(pieces, -1)
    for number, (start, count) in enumerate(zip(starts, counts, strict=True)):
        place = np.arange(count)
        # Context on the shorter side, longer windows first; the earliest of equals.
        score = np.minimum(place, count - 1 - place) + 0.01 * count
        better = score > best[start : start + count]
        best[start : start + count][better] = score[better]
        owner[start : start + count][better] = number
    return [
        Window(first=start, count=count, most_context=owner[start : start + count] == number)
        for number, (start, count) in enumerate(zip(starts, counts, strict=True))
    ]


def gold_pieces(
    pieces: Sequence[int], first: int, last: int, answer: Sequence[int]
) -> tuple[int, int]:
    """The pieces `first` to `last` of whole words, narrowed to those of the answer alone.

    Only where they are the answer's own pieces to the letter, which in an XLM-R vocabulary asks
    for a space before the answer: `(1992),` stays whole.
    """
    for start in range(first, last + 2 - len(answer)):
        if answer and list(pieces[start : start + len(answer)]) == list(answer):
            return start, start + len(answer) - 1
    return first, last


def candidates(
    logits: NDArray[np.float32],
    first: int,
    most_context: NDArray[np.bool_],
    best: int,
    longest: int,
) -> list[tuple[float, float, int, int]]:
    """(start logit, end logit, first piece, last piece) of a window's answers, in official order.

    `logits` is [T, 2] of the whole row: its `best` starts and ends may lie in the question, and
    then they count for nothing. Pieces count from the first of the context's in the row.
    """
    count = len(most_context)
    ranked = np.argsort(-logits, axis=0, kind="stable")[:best] - first
    starts = [int(i) for i in ranked[:, 0] if 0 <= i < count and most_context[i]]
    ends = [int(j) for j in ranked[:, 1] if 0 <= j < count]
    return [
        (float(logits[first + i, 0]), float(logits[first + j, 1]), i, j)
        for i in starts
        for j in ends
        if 0 <= j - i < longest
    ]


def final_text(said: str, words: str) -> str:
    """The part of `words` that the pieces of an answer say, all of it where that is not found.

    `said` is compared with BERT's basic tokens of `words` joined by spaces, so it is not found
    where it has a mark or a Chinese character inside: then the answer is whole words, in Chinese
    often a whole sentence.
    """
    tokens = " ".join(basic_tokens(words))
    start = tokens.find(said)
    places = [i for i, c in enumerate(words) if c != " "]
    letters = [i for i, c in enumerate(tokens) if c != " "]
    if start < 0 or not said or len(places) != len(letters):
        return words
    at = dict(zip(letters, places, strict=True))
    end = start + len(said) - 1
    return words[at[start] : at[end] + 1] if start in at and end in at else words


def basic_tokens(text: str) -> list[str]:
    """BERT's basic tokens, case kept: words, with marks and Chinese characters on their own."""
    parts: list[str] = []
    for character in text:
        code = ord(character)
        kind = unicodedata.category(character)
        if character in " \t\n\r" or kind == "Zs":
            parts.append(" ")
        elif code in (0, 0xFFFD) or kind.startswith("C"):
            continue
        elif _mark(code, kind) or any(low <= code <= high for low, high in _CJK):
            parts.append(f" {character} ")
        else:
            parts.append(character)
    return "".join(parts).split()


def _mark(code: int, kind: str) -> bool:
    """Punctuation, where every ASCII sign that is no letter, digit or space counts as such."""
    ascii_sign = 33 <= code <= 47 or 58 <= code <= 64 or 91 <= code <= 96 or 123 <= code <= 126
    return ascii_sign or kind.startswith("P")


def joined(tokenizer: Any, pieces: Sequence[str]) -> str:
    """What pieces say, without the spaces around it."""
    return " ".join(str(tokenizer.convert_tokens_to_string(list(pieces))).split())
