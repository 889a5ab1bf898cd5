"""Findings on languages that should say the same: parallel tasks, and the two sides of bitext.

Items are parallel where languages share ids and groups. Gold and COPA's question are compared
with the source language's, else with what most languages say. Lengths are compared by the
deviation of their log ratio from the two languages' own median, numbers by the runs of two and
more digits in a text (separators inside them dropped, digits of every script read as digits).
Sides that are shifted against each other show in a higher correlation of lengths some lines
apart than side by side, in windows, since a line may be lost in the middle of a file. All of
this is cheap and blind to meaning: a fluent translation of another sentence passes.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from waystation.check import pools
from waystation.check.findings import Finding, Severity, share
from waystation.check.labels import question
from waystation.check.reading import Part
from waystation.check.texts import gold, key, normalised, parts
from waystation.languages import listed, script_of

_NUMBER: Final = re.compile(r"\d(?:[.,'’٫٬\u00a0\u202f ]?\d)+")
_URL: Final = re.compile(r"https?://[!-~]+|www\.[!-~]+")
_LONG: Final = 20  # characters; shorter texts may be names, the same in every language
_FAR: Final = np.log(3.0)
"""A text three times as long, or a third, of what the two languages make usual."""
_WINDOW: Final = 100  # lines
_SHIFTS: Final = (-2, -1, 1, 2)
_FITS: Final = 0.6
_MARGIN: Final = 0.35
# Frequent English words: which side of a bitext with English is English.
_ENGLISH: Final = frozenset(
    listed("the of and to is you was for that it he are with his have this")
)
# Questions are translated, paragraphs are each Wikipedia's own (Lewis et al. 2020, section 2).
_OWN_CONTEXTS: Final = ("mlqa",)
_SCRIPTS: Final[Mapping[str, tuple[str, ...]]] = {
    "Jpan": ("HIRAGANA", "KATAKANA", "CJK"), "Hans": ("CJK",), "Hant": ("CJK",), "Hani": ("CJK",),
    "Kore": ("HANGUL", "CJK"), "Latn": ("LATIN",), "Cyrl": ("CYRILLIC",), "Arab": ("ARABIC",),
    "Deva": ("DEVANAGARI",), "Beng": ("BENGALI",), "Grek": ("GREEK",), "Hebr": ("HEBREW",),
    "Thai": ("THAI",), "Taml": ("TAMIL",), "Telu": ("TELUGU",), "Mlym": ("MALAYALAM",),
    "Geor": ("GEORGIAN",), "Armn": ("ARMENIAN",), "Mymr": ("MYANMAR",), "Khmr": ("KHMER",),
    "Gujr": ("GUJARATI",), "Guru": ("GURMUKHI",), "Ethi": ("ETHIOPIC",), "Laoo": ("LAO",),
    "Knda": ("KANNADA",), "Sinh": ("SINHALA",), "Orya": ("ORIYA",), "Tibt": ("TIBETAN",),
}  # fmt: skip
"""ISO 15924 -> first words of the Unicode names of its letters."""


def of_split(split: Sequence[Part], english: Part | None = None) -> Iterator[Finding]:
    """What the languages of one split show beside each other; `english` holds the same items.

    `english` is another task's split with the originals, COPA's for XCOPA.
    """
    for part in split:
        yield from _script(part)
        if part.task.kind == "bitext":
            pairs = [(e.source, e.target) for e in part.examples]
            yield from _bitext(part, pairs, [e.id for e in part.examples], pairs)
        elif part.task.mines and part.pool is not None:
            others = (candidate.text for candidate in part.pool.candidates)
            sides = zip((e.query for e in part.examples), others, strict=False)
            yield from _bitext(part, *pools.pairs(part), list(sides))
    if split and split[0].task.kind == "bitext":
        return
    whole = [part for part in split if part.whole]
    source = next((p for p in whole if p.language == p.task.source_language), english)
    reference = source or (whole[0] if whole else None)
    if reference is None:
        return
    compared = [part for part in whole if part is not reference]
    aligned = [(part, both) for part in compared if (both := _parallel(part, reference))]
    for part, both in aligned:
        yield from _missing_items(part, reference, both)
    everyone = [p for p, _ in aligned] + [reference]
    for what, code, told in (
        (gold, "labels-differ", "other gold"),
        (question, "question-differs", "another question (cause, effect)"),
    ):
        if what is gold and reference.task.kind not in ("classification", "choice", "regression"):
            continue
        yield from _disagreeing(everyone, source, what, code, told)
    for part, both in aligned:
        yield from _texts(part, reference, both)


# ---------------------------------------------------------------------------- parallel items

Both = Sequence[tuple[Any, Any]]


def _parallel(part: Part, reference: Part) -> Both:
    """(reference's, own) items with equal id and group; () where that is less than half."""
    known = {pools.item(reference, e): e for e in reference.examples}
    both = [
        (known[name], e)
        for e in part.examples
        if (name := pools.item(part, e)) in known
        and e.group is not None
        and e.group == known[name].group
    ]
    smaller = min(len(part.examples), len(reference.examples))
    return both if len(both) >= max(1, smaller / 2) else ()


def _missing_items(part: Part, reference: Part, both: Both) -> Iterator[Finding]:
    larger = max(len(part.examples), len(reference.examples))
    if len(both) < larger and part.task is reference.task:
        message = (
            f"{share(larger - len(both), larger)} items have no counterpart in"
            f" {reference.language} or here: compare the two languages on shared items only"
        )
        shared = {pools.item(reference, a) for a, _ in both}
        ids = [
            e.id for p in (part, reference) for e in p.examples if pools.item(p, e) not in shared
        ]
        severity: Severity = "note" if part.task.name in _OWN_CONTEXTS else "warning"
        yield part.finding("not-parallel", severity, larger - len(both), message, ids)


def _disagreeing(
    split: Sequence[Part],
    source: Part | None,
    what: Callable[[Any], object],
    code: str,
    told: str,
) -> Iterator[Finding]:
    """Items of which a language says otherwise than the source language, or than most do."""
    votes: dict[str, Counter[str]] = {}
    for part in split:
        for example in part.examples:
            if what(example) is not None:
                votes.setdefault(example.id, Counter())[repr(what(example))] += 1
    said = {e.id: repr(what(e)) for e in source.examples if what(e) is not None} if source else {}
    against = source.language if source is not None and said else "most languages"
    usual = {id_: said.get(id_) or _most(counts) for id_, counts in votes.items()}
    for part in split:
        asked = [e for e in part.examples if what(e) is not None]
        if part is source or len(split) < 2:
            continue
        differ = [e for e in asked if repr(what(e)) != usual[e.id]]
        if differ:
            message = (
                f"{share(len(differ), len(asked))} items have {told} than {against}: if the"
                " release is so, say it where you compare languages, else correct them"
            )
            shown = [f"{e.id}: {what(e)!s}, not {usual[e.id].strip(chr(39))}" for e in differ]
            severity: Severity = "warning" if len(differ) * 200 >= len(asked) else "note"
            yield part.finding(code, severity, len(differ), message, shown)


def _most(counts: Counter[str]) -> str:
    return min(counts, key=lambda value: (-counts[value], list(counts).index(value)))


def _texts(part: Part, reference: Part, both: Both) -> Iterator[Finding]:
    """Lengths, numbers, addresses and untranslated texts of parallel items."""
    shown = (lambda e: (e.question,)) if part.task.name in _OWN_CONTEXTS else parts
    pairs = [(" ".join(shown(a)), " ".join(shown(b))) for a, b in both]
    same = [
        b.id for a, b in both if key(a) == key(b) and len(key(a)) >= _LONG
    ]  # numbers alone are the same everywhere
    yield from _untranslated(
        part, same, f"items are the same text as in {reference.language}: get their translations,"
        " or read the score without them",
    )  # fmt: skip
    yield from _unlike(part, reference.language, pairs, [b.id for _, b in both])


def _untranslated(part: Part, same: Sequence[str], told: str) -> Iterator[Finding]:
    if same:
        severity: Severity = "warning" if len(same) * 100 >= len(part.examples) else "note"
        message = f"{share(len(same), len(part.examples))} {told}"
        yield part.finding("untranslated", severity, len(same), message, same)


def _unlike(
    part: Part, other: str, pairs: Sequence[tuple[str, str]], ids: Sequence[str]
) -> Iterator[Finding]:
    """Pairs of translations that can hardly be, by length, numbers and addresses; shifted lines."""
    ratios = np.array([np.log((len(b) + 5) / (len(a) + 5)) for a, b in pairs])
    far = np.flatnonzero(np.abs(ratios - np.median(ratios)) > _FAR).tolist()
    if len(far):
        message = (
            f"{share(len(far), len(pairs))} texts are three times as long or short beside"
            f" {other} as is usual here: read them, and see whether lines were cut or joined"
        )
        shown = [ids[i] for i in far]
        yield part.finding("lengths-differ", _many(far, pairs), len(far), message, shown)
    for code, told, found in (
        ("numbers-differ", "numbers", numbers),
        ("urls-differ", "web addresses", addresses),
    ):
        having = differ = 0
        shown = []
        for (a, b), id_ in zip(pairs, ids, strict=True):
            one, two = found(a), found(b)
            if one and two:
                having += 1
                if not (one <= two or two <= one):
                    differ += 1
                    shown.append(f"{id_}: {_listed(one)} / {_listed(two)}")
        if differ:
            message = (
                f"{share(differ, having)} texts with {told} on both sides have others than"
                f" {other}: read them, since a translation keeps its {told}"
            )
            severity: Severity = "warning" if having >= 20 and differ * 4 >= having else "note"
            yield part.finding(code, severity, differ, message, shown)
    shifted = shifts(np.array([len(a) for a, _ in pairs]), np.array([len(b) for _, b in pairs]))
    if shifted:
        start, shift = shifted[0]
        message = (
            f"from '{ids[start]}' on, texts fit those of {other} {abs(shift)}"
            f" {'line' if abs(shift) == 1 else 'lines'} {'on' if shift > 0 else 'back'}: a line"
            " is missing or too many, so align the files again"
        )
        shown = [f"{ids[i]}: {s:+d}" for i, s in shifted]
        yield part.finding("shifted-lines", "error", len(shifted) * _WINDOW, message, shown)


def _many(some: Sequence[int], of: Sequence[object]) -> Severity:
    return "warning" if len(some) * 20 >= len(of) else "note"


def _listed(counts: Counter[str]) -> str:
    return " ".join(sorted(counts.elements()))[:60]


def numbers(text: str) -> Counter[str]:
    """The runs of two and more digits, separators dropped, in ASCII digits."""
    found: Counter[str] = Counter()
    for match in _NUMBER.findall(text):
        found["".join(str(unicodedata.digit(sign)) for sign in match if sign.isdigit())] += 1
    return found


def addresses(text: str) -> Counter[str]:
    """The web addresses of a text."""
    return Counter(match.rstrip(".,;:!?)'\"") for match in _URL.findall(text))


def shifts(one: NDArray[np.int64], other: NDArray[np.int64]) -> list[tuple[int, int]]:
    """(first line, shift) of each window whose lengths fit only when the other side is moved."""
    found = []
    for start in range(0, len(one) - _WINDOW + 1, _WINDOW):
        fits = {s: _correlation(one, other, start, s) for s in (0, *_SHIFTS)}
        best = max(_SHIFTS, key=lambda s: (fits[s], -abs(s), s))
        if fits[best] >= _FITS and fits[best] - fits[0] >= _MARGIN:
            found.append((start, best))
    return found


def _correlation(one: NDArray[np.int64], other: NDArray[np.int64], start: int, shift: int) -> float:
    low, high = max(start, -shift), min(start + _WINDOW, len(one), len(other) - shift)
    a, b = np.log1p(one[low:high]), np.log1p(other[low + shift : high + shift])
    if len(a) < _WINDOW // 2 or a.std() == 0 or b.std() == 0:
        return 0.0
    return float(np.corrcoef(a, b)[0, 1])


# ---------------------------------------------------------------------------- bitext, scripts


def _bitext(
    part: Part,
    pairs: Sequence[tuple[str, str]],
    ids: Sequence[str],
    sides: Sequence[tuple[str, str]],
) -> Iterator[Finding]:
    """Findings on translations, and on the two sides that they come from, aligned or not."""
    if len(pairs) >= 2:
        yield from _unlike(part, "the other side", pairs, ids)
    same = [
        name
        for name, (a, b) in zip(ids, pairs, strict=True)
        if len(a) >= _LONG and normalised(a) == normalised(b)
    ]
    yield from _untranslated(
        part, same, "pairs have one text on both sides and are found by any model: replace or"
        " remove them",
    )  # fmt: skip
    if part.language == "en" or not sides:
        return
    source = sum(map(_english, (a for a, _ in sides)))
    target = sum(map(_english, (b for _, b in sides)))
    if source >= 20 and source > 3 * target:
        message = (
            f"the source side has {source} frequent English words, the target side {target}: the"
            f" sides have changed places, so exchange them ({part.language} is the source)"
        )
        yield part.finding("swapped-sides", "error", len(sides), message)


def _english(text: str) -> int:
    return sum(word in _ENGLISH for word in text.casefold().split())


def _script(part: Part) -> Iterator[Finding]:
    """Texts of which at most a fifth of the letters are of the language's script."""
    script = script_of(part.language)
    starts = _SCRIPTS.get(script)
    if starts is None:
        return
    other = [e.id for e in part.examples if _foreign(_own_text(e), starts)]
    if other:
        number = len(part.examples)
        message = (
            f"{share(len(other), number)} texts are hardly in their language's script: see whether"
            " they are in another language, or romanised"
        )
        severity: Severity = "warning" if len(other) * 20 >= number else "note"
        yield part.finding("other-script", severity, len(other), message, other)


def _own_text(example: Any) -> str:
    if hasattr(example, "source"):
        return str(example.source)
    text = " ".join(parts(example))
    asked = question(example)
    return text.replace(f" What was the {asked}?", "") if asked else text


def _foreign(text: str, starts: tuple[str, ...]) -> bool:
    if text.isascii():
        if "LATIN" in starts:
            return False
        return sum(sign.isalpha() for sign in text) >= _LONG
    letters = [sign for sign in text[:400] if sign.isalpha()]
    own = sum(unicodedata.name(sign, "").startswith(starts) for sign in letters)
    return len(letters) >= _LONG and own * 5 < len(letters)
