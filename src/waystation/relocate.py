"""Where sentences end, and where an answer went when its text was translated.

A translation model reads a sentence at a time, so a context is cut into pieces; an answer is then
looked for in the translation of its own piece. The marks of `marked` follow EasyProject (Chen et
al. 2023, Frustratingly Easy Label Projection: square brackets); what a model does not keep is
found by the answer's own translation, exactly, then but for case, spaces and punctuation, then by
overlapping words. Nothing here translates. Standard library only.
"""

from __future__ import annotations

import itertools
import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

OVERLAP: Final = 0.6
"""A window of the translation is taken for the answer where its F1 of words is above this."""
ALIKE: Final = 0.6
"""The least share of a common beginning at which two words count as forms of one."""
INSIDE: Final = 4
"""Characters from which an answer may end inside a word, as stems do before endings."""

_CLOSERS: Final = re.escape("\"'”’»）)]】」』")
# Full stops that a space follows, and those of scripts that need none.
_END: Final = re.compile(rf"(?:[.!?…؟۔।॥።։၊။។]+[{_CLOSERS}]*(?=\s)|[。！？｡]+[{_CLOSERS}]*|\n)")
_SHORT: Final = (
    *("dr", "mr", "mrs", "ms", "st", "prof", "sr", "jr", "gen", "gov", "inc", "ltd", "dept"),
    *("vs", "etc", "no", "e.g", "i.e", "approx", "est", "vol", "fig", "cf"),
)
_CLAUSE: Final = re.compile(r"[,;:，、；：،؛]\s*|\s+[-–—]\s+")
_SPACE: Final = re.compile(r"\s+")
_OPEN, _SHUT = "[［【", "]］】"


@dataclass(frozen=True)
class Piece:
    """A part of a text and what stands between it and the next one."""

    start: int
    end: int
    gap: str = ""


@dataclass(frozen=True)
class Place:
    """Where an answer was found: [start, end) of the text, and `how`."""

    start: int
    end: int
    how: str


# ---------------------------------------------------------------------------- pieces


def pieces(text: str, keep: Sequence[tuple[int, int]], fits: Callable[[str], bool]) -> list[Piece]:
    """The sentences of a text, those that do not fit cut at clauses, spaces or characters.

    No cut falls into a range of `keep`, so a piece with one may still not fit. Space at the ends
    of pieces belongs to the gaps.
    """
    bounds = [0, *_ends(text), len(text)]
    cuts = [cut for cut in dict.fromkeys(bounds) if _free(cut, keep)]
    found: list[tuple[int, int]] = []
    for start, end in itertools.pairwise(cuts):
        found += _fitted(text, start, end, keep, fits)
    kept = [_stripped(text, start, end) for start, end in found]
    kept = [(start, end) for start, end in kept if start < end]
    begins = [start for start, _ in kept[1:]]
    made = [Piece(s, e, text[e:b]) for (s, e), b in zip(kept, begins, strict=False)]
    return [*made, Piece(*kept[-1])] if kept else []


def _free(cut: int, keep: Sequence[tuple[int, int]]) -> bool:
    return not any(start < cut < end for start, end in keep)


def _ends(text: str) -> Iterator[int]:
    """Where sentences end, not after abbreviations, initials, or before a small letter."""
    for match in _END.finditer(text):
        before = _SPACE.split(text[max(0, match.start() - 24) : match.start()])[-1].lstrip("(\"'")
        if text[match.start()] == ".":
            initial = len(before) == 1 and before.isupper()
            if initial or before.lower() in _SHORT or text[match.end() :].lstrip()[:1].islower():
                continue
        yield match.end()


def _fitted(
    text: str,
    start: int,
    end: int,
    keep: Sequence[tuple[int, int]],
    fits: Callable[[str], bool],
) -> Iterator[tuple[int, int]]:
    """[start, end) in halves, at the best place near the middle, until each part fits."""
    todo = [(start, end)]
    while todo:
        start, end = todo.pop()
        begin, stop = _stripped(text, start, end)
        cut = None if fits(text[begin:stop]) else _middle(text, begin, stop, keep)
        if cut is None:
            yield start, end
        else:
            todo += [(cut, end), (start, cut)]


def _middle(text: str, start: int, end: int, keep: Sequence[tuple[int, int]]) -> int | None:
    """The cut nearest to the middle: after a clause, else at a space, else anywhere."""
    middle = (start + end) / 2
    within = range(start + 1, end)
    for pattern in (_CLAUSE, _SPACE):
        ends = [m.end() for m in pattern.finditer(text, start, end)]
        ends = [cut for cut in ends if cut in within and _free(cut, keep)]
        if ends:
            return min(ends, key=lambda cut: (abs(cut - middle), cut))
    anywhere = [c for c in within if _free(c, keep) and not unicodedata.combining(text[c])]
    return min(anywhere, key=lambda cut: (abs(cut - middle), cut), default=None)


def _stripped(text: str, start: int, end: int) -> tuple[int, int]:
    while start < end and text[start].isspace():
        start += 1
    while end > start and text[end - 1].isspace():
        end -= 1
    return start, end


def joined(parts: Iterable[tuple[str, str]], spaced: bool) -> tuple[str, list[int]]:
    """Translated pieces with their gaps as one text, and where each begins.

    Line breaks stay; any other gap is a space where the language writes spaces.
    """
    text, starts = "", []
    for translated, gap in parts:
        starts.append(len(text))
        between = "\n" if "\n" in gap else " " if spaced else ""
        text += translated + between
    return text.rstrip(), starts


# ---------------------------------------------------------------------------- marks


def marked(text: str, start: int, end: int) -> str | None:
    """The text with brackets around [start, end); None where it has brackets of its own."""
    if any(c in text for c in _OPEN + _SHUT):
        return None
    return f"{text[:start]}[{text[start:end]}]{text[end:]}"


def unmarked(text: str, spaced: bool) -> tuple[str, Place] | None:
    """A translation without its marks and what they held; None where they were not kept."""
    opens = [i for i, c in enumerate(text) if c in _OPEN]
    shuts = [i for i, c in enumerate(text) if c in _SHUT]
    if len(opens) != 1 or len(shuts) != 1 or opens[0] > shuts[0]:
        return None
    content = text[opens[0] + 1 : shuts[0]].strip()
    if not content or not any(c.isalnum() for c in content):
        return None
    before, after = text[: opens[0]], text[shuts[0] + 1 :]
    if spaced and before[-1:].isalnum():
        before += " "
    if spaced and after[:1].isalnum():
        after = " " + after
    if after[:1] and unicodedata.category(after[0]).startswith("P") and before.endswith("  "):
        before = before[:-1]
    start = len(before)
    return before + content + after, Place(start, start + len(content), "markers")


# ---------------------------------------------------------------------------- finding


def find(candidates: Sequence[str], text: str, near: float, spaced: bool) -> Place | None:
    """The place of the first candidate that is found in the text, by the strictest way that works.

    Of several occurrences the one whose middle is nearest to the share `near` of the text wins.
    `spaced` says that the language writes spaces: matches then begin where a word does.
    """
    kept = [c.strip() for c in candidates]
    kept = [c for c in dict.fromkeys(kept) if any(x.isalnum() for x in c)]
    kept += [bare for c in kept if (bare := c.rstrip(".。।")) != c]
    for how, search in (("exact", _exact), ("loose", _loose), ("overlap", _overlapping)):
        for candidate in kept:
            found = search(candidate, text, spaced)
            if found:
                middle = near * len(text)
                start, end = min(found, key=lambda f: (abs((f[0] + f[1]) / 2 - middle), f))
                return Place(start, end, how)
    return None


def _exact(candidate: str, text: str, spaced: bool) -> list[tuple[int, int]]:
    found = [m.start() for m in re.finditer(f"(?={re.escape(candidate)})", text)]
    return _whole([(start, start + len(candidate)) for start in found], text, spaced)


def _whole(found: list[tuple[int, int]], text: str, spaced: bool) -> list[tuple[int, int]]:
    """Matches that begin with a word and end with one, or else with the stem of one."""
    if not spaced:
        return found
    begun = [f for f in found if not _inside(text, f[0])]
    ended = [f for f in begun if not _inside(text, f[1])]
    return ended or [f for f in begun if f[1] - f[0] >= INSIDE]


def _inside(text: str, at: int) -> bool:
    return 0 < at < len(text) and text[at - 1].isalnum() and text[at].isalnum()


def _loose(candidate: str, text: str, spaced: bool) -> list[tuple[int, int]]:
    """Matches but for case, width, accents' encoding, spaces and punctuation."""
    folded, places = _folded(text)
    wanted, _ = _folded(candidate)
    if not wanted:
        return []
    starts = [m.start() for m in re.finditer(f"(?={re.escape(wanted)})", folded)]
    found = [(places[s], places[s + len(wanted) - 1] + 1) for s in starts]
    return _whole(list(dict.fromkeys(found)), text, spaced)


def _folded(text: str) -> tuple[str, list[int]]:
    """Letters, digits and marks alone, case-folded, with the place of each in the text."""
    letters: list[str] = []
    places: list[int] = []
    for place, character in enumerate(text):
        for one in unicodedata.normalize("NFKC", character).casefold():
            if unicodedata.category(one)[0] in "LNM":
                letters.append(one)
                places.append(place)
    return "".join(letters), places


def _overlapping(candidate: str, text: str, spaced: bool) -> list[tuple[int, int]]:
    """The windows whose words overlap best with the candidate's, if by more than OVERLAP."""
    wanted = [word for word, _ in _words(candidate, spaced)]
    there = _words(text, spaced)
    best, found = OVERLAP, list[tuple[int, int]]()
    for length in range(max(1, len(wanted) - 2), len(wanted) + 3):
        for first in range(len(there) - length + 1):
            window = there[first : first + length]
            score = _f1(wanted, [word for word, _ in window])
            place = (window[0][1], window[-1][1] + len(window[-1][0]))
            if score > best:
                best, found = score, [place]
            elif score == best and found:
                found.append(place)
    return found


def _words(text: str, spaced: bool) -> list[tuple[str, int]]:
    """The words with their places; single characters where words are not written apart."""
    pattern = r"[^\W_]+(?:[\u0300-\u036f\u0900-\u0dff]+[^\W_]*)*" if spaced else r"[^\W_]"
    return [(m[0], m.start()) for m in re.finditer(pattern, text)]


def _f1(wanted: Sequence[str], there: Sequence[str]) -> float:
    """F1 of two bags of words; forms of one word count by their common beginning."""
    left, total = list(there), 0.0
    for word in wanted:
        scores = [_alike(word, other) for other in left]
        if scores and max(scores) > 0:
            total += max(scores)
            del left[scores.index(max(scores))]
    return 2 * total / (len(wanted) + len(there))


def _alike(one: str, two: str) -> float:
    one, two = one.casefold(), two.casefold()
    common = 0
    for a, b in zip(one, two, strict=False):
        if a != b:
            break
        common += 1
    share = common / max(len(one), len(two))
    return share if share >= ALIKE else 0.0
