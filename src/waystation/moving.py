"""One example on its way into another language: what of it is to be translated, and the result.

Texts go in pieces, those with answers with the answer marked; what a translation did to the marks
and where the answers are then is relocate.py's. What a kind's examples consist of is in `_texts`
and `_rebuilt`. Translates nothing: it says what it needs and reads what was made of it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypeAlias

from waystation import relocate
from waystation.examples import (
    Answer,
    ChoiceExample,
    ClassificationExample,
    RegressionExample,
    SpanExample,
)

Said: TypeAlias = Mapping[str, str | None]
"""Texts with their translations; None where a translation did not end."""


@dataclass
class _Text:
    """A text in pieces, those with answers told apart."""

    text: str
    pieces: list[relocate.Piece]
    answers: dict[tuple[int, int], int] = field(default_factory=dict)
    """[start, end) of an answer -> its piece."""


class Moving:
    """One example under way: what to translate first, what after that, and the result."""

    def __init__(self, example: Any, said: Said, fits: Callable[[str], bool], spaced: bool) -> None:
        self.example, self.said, self.fits, self.spaced = example, said, fits, spaced
        self.ways: Counter[str] = Counter()
        spans = []
        if isinstance(example, SpanExample):
            spans = [(a.start, a.start + len(a.text)) for a in example.answers or ()]
        self.texts = [self._cut(text, ()) for text in _texts(example)]
        if spans:
            self.texts[-1] = self._cut(self.texts[-1].text, tuple(dict.fromkeys(spans)))

    def _cut(self, text: str, spans: Sequence[tuple[int, int]]) -> _Text:
        found = relocate.pieces(text, spans, self.fits)
        answers = {
            span: next(n for n, p in enumerate(found) if p.start <= span[0] and span[1] <= p.end)
            for span in (self._trimmed(text, span) for span in spans)
            if span[0] < span[1]
        }
        return _Text(text, found, answers)

    @staticmethod
    def _trimmed(text: str, span: tuple[int, int]) -> tuple[int, int]:
        own = text[span[0] : span[1]]
        start = span[0] + len(own) - len(own.lstrip())
        return start, start + len(own.strip())

    def first(self) -> Iterator[str]:
        """Pieces without answers, and those with one marked."""
        for text in self.texts:
            held = set(text.answers.values())
            for number, piece in enumerate(text.pieces):
                if number not in held:
                    yield text.text[piece.start : piece.end]
            for span in text.answers:
                mark = self._marked(text, span)
                if mark is not None:
                    yield mark

    def second(self) -> Iterator[str]:
        """Pieces whose marks were lost, and answers alone that no mark shows."""
        for text in self.texts:
            for number in dict.fromkeys(text.answers.values()):
                piece, base = text.pieces[number], self._base(text, number)
                if base is None:
                    yield text.text[piece.start : piece.end]
                for span, where in text.answers.items():
                    if where == number and (base is None or span != base[0]):
                        yield text.text[slice(*span)]

    def rebuilt(self) -> tuple[Any | None, str]:
        """The translated example; or None, and why."""
        found = []
        for text in self.texts:
            parts = []
            for number, piece in enumerate(text.pieces):
                translated = self._piece(text, number)
                if translated is None:
                    return None, "too long or without an end"
                parts.append((translated, piece.gap))
            whole, starts = relocate.joined(parts, self.spaced)
            if text.text.strip() and not whole:
                return None, "empty"
            found.append(whole)
        answers = None
        if isinstance(self.example, SpanExample):
            answers = self._moved(self.texts[-1], found[-1], starts)
            if self.example.answers and not answers:
                return None, "answer lost"
        return _rebuilt(self.example, found, answers)

    def _marked(self, text: _Text, span: tuple[int, int]) -> str | None:
        piece = text.pieces[text.answers[span]]
        own = text.text[piece.start : piece.end]
        return relocate.marked(own, span[0] - piece.start, span[1] - piece.start)

    def _unmarked(self, text: _Text, span: tuple[int, int]) -> tuple[str, relocate.Place] | None:
        translated = self.said.get(self._marked(text, span) or "")
        return relocate.unmarked(translated, self.spaced) if translated else None

    def _base(self, text: _Text, number: int) -> tuple[tuple[int, int], str, relocate.Place] | None:
        """The first answer of a piece whose marks came through, with its translation."""
        for span, where in text.answers.items():
            kept = self._unmarked(text, span) if where == number else None
            if kept is not None:
                return span, *kept
        return None

    def _piece(self, text: _Text, number: int) -> str | None:
        base = self._base(text, number) if number in text.answers.values() else None
        piece = text.pieces[number]
        return base[1] if base else self.said[text.text[piece.start : piece.end]]

    def _moved(self, text: _Text, whole: str, starts: Sequence[int]) -> tuple[Answer, ...]:
        """The answers in the translated context, in order, each text once."""
        moved = []
        for span, number in text.answers.items():
            place = self._place(text, span, number)
            self.ways[place.how if place else "lost"] += 1
            if place is not None:
                start, end = starts[number] + place.start, starts[number] + place.end
                moved.append(Answer(text=whole[start:end], start=start))
        return tuple(dict.fromkeys(moved))

    def _place(self, text: _Text, span: tuple[int, int], number: int) -> relocate.Place | None:
        base, piece = self._base(text, number), text.pieces[number]
        if base is not None and base[0] == span:
            return base[2]
        kept = self._unmarked(text, span)
        shown = [kept[0][kept[1].start : kept[1].end]] if kept is not None else []
        alone = self.said.get(text.text[slice(*span)])
        near = ((span[0] + span[1]) / 2 - piece.start) / max(1, piece.end - piece.start)
        candidates = [*shown, *([alone] if alone else [])]
        return relocate.find(candidates, self._piece(text, number) or "", near, self.spaced)


def _texts(example: Any) -> list[str]:
    """The texts of an example, the one that answers lie in last."""
    match example:
        case ClassificationExample() | RegressionExample():
            return [example.text] if example.pair is None else [example.text, example.pair]
        case ChoiceExample():
            return [example.context, *example.options]
        case SpanExample():
            return [example.question, example.context]
    raise TypeError(f"{type(example).__name__} cannot be translated by sentences")


def _rebuilt(
    example: Any, texts: Sequence[str], answers: tuple[Answer, ...] | None
) -> tuple[Any | None, str]:
    """The example with its texts replaced; or None, and why."""
    match example:
        case ClassificationExample() | RegressionExample():
            pair = texts[1] if example.pair is not None else None
            return replace(example, text=texts[0], pair=pair), ""
        case ChoiceExample():
            if len(set(texts[1:])) < len(set(example.options)):
                return None, "options that became one"
            return replace(example, context=texts[0], options=tuple(texts[1:])), ""
    kept = answers if example.answers is not None else None
    return replace(example, question=texts[0], context=texts[1], answers=kept), ""
