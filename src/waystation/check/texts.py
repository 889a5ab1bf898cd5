"""The texts of an example in the form in which they are compared, and their likeness.

Texts are compared after NFKC, case folding and joining of white space. Likeness is the Jaccard
index of their sets of 4 characters in a row, and two examples are alike where each of their texts
is (premise and premise, hypothesis and hypothesis): 0.8 and more counts as nearly the same.
Candidates come from MinHash with 64 hashes in 16 bands of 4 (Broder 1997; Leskovec, Rajaraman
and Ullman, Mining of Massive Datasets, section 3.4), which finds a pair of likeness 0.8 with a
chance of 0.9998; every candidate is then compared exactly, so nothing is claimed that is not so.
In a large group of like texts not every pair is looked at, but every member is compared with
some of the others. Nothing is drawn at random: equal inputs give equal findings.

Memory: 256 bytes a text for its hashes, and the texts.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

ALIKE: Final = 0.8
CHARACTERS: Final = 4
HASHES: Final = 64
BANDS: Final = 16
_LIKELY: Final = 0.65
"""Share of equal hashes below which a candidate is not compared: 3 deviations under ALIKE."""
_AT_ONCE: Final = 1 << 17  # characters hashed together: they fit the processor's cache
PASSAGE: Final = 20
"""Characters in a row that two paragraphs must share to share a passage."""
_SAMPLED: Final = 8  # one passage in so many is remembered
CONTAINED: Final = 0.5

Words = NDArray[np.uint64]


def parts(example: Any) -> tuple[str, ...]:
    """All texts that a model sees of an example, as they are."""
    found: list[str] = []
    for name in ("text", "pair", "question", "context", "options", "source", "prompt", "query"):
        value = getattr(example, name, None)
        found += [value] if isinstance(value, str) else list(value or ())
    words = getattr(example, "words", None)
    return (*found, " ".join(words)) if words else tuple(found)


def compared(example: Any) -> tuple[str, ...]:
    """The texts that must all be alike for two examples to be; a choice's options are one."""
    options = getattr(example, "options", None)
    return (example.context, "\t".join(options)) if options is not None else parts(example)


def gold(example: Any) -> object:
    """The gold of an example of any kind, None where there is none."""
    for name in ("label", "value", "tags", "answers", "target", "relevant", "completion", "tests"):
        if hasattr(example, name):
            found: object = getattr(example, name)
            return found
    return None


def normalised(text: str) -> str:
    """The form in which texts are compared: NFKC, case folded, single spaces."""
    plain = text if text.isascii() else unicodedata.normalize("NFKC", text)
    return " ".join(plain.casefold().split())


def key(example: Any) -> str:
    """All texts of an example, normalised; equal keys are equal inputs."""
    return "\t".join(normalised(part) for part in parts(example))


def likeness(one: Sequence[str], other: Sequence[str]) -> float:
    """The least Jaccard index over two examples' texts; of all text where they are built unlike."""
    if len(one) != len(other):
        one, other = [" ".join(one)], [" ".join(other)]
    least = 1.0
    for a, b in zip(one, other, strict=True):
        first, second = _shingles(normalised(a)), _shingles(normalised(b))
        least = min(least, len(first & second) / len(first | second))
        if least < ALIKE:
            break
    return least


def _shingles(text: str) -> set[str]:
    padded = _padded(text)
    return {padded[i : i + CHARACTERS] for i in range(len(padded) - CHARACTERS + 1)}


def _padded(text: str) -> str:
    """Room at the ends, so that one letter has a shingle and first and last letters weigh more."""
    return f"  {text} ".ljust(CHARACTERS)


# ---------------------------------------------------------------------------- hashing


def _mixed(values: Words) -> Words:
    """The finaliser of splitmix64 (Steele et al. 2014): every bit depends on every other."""
    values = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    values = (values ^ (values >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return values ^ (values >> np.uint64(31))


_FACTORS: Final = (_mixed(np.arange(1, HASHES + 1, dtype=np.uint64)) >> np.uint64(32)).astype(
    np.uint32
) | np.uint32(1)
_TERMS: Final = (_mixed(np.arange(1001, HASHES + 1001, dtype=np.uint64)) >> np.uint64(32)).astype(
    np.uint32
)


def _windows(texts: Sequence[str], width: int) -> tuple[Words, NDArray[np.int64]]:
    """(hash of each `width` characters in a row, where each text's begin); none span two texts."""
    codes = np.frombuffer("".join(texts).encode("utf-32-le"), np.uint32).astype(np.uint64)
    lengths = np.array([len(text) for text in texts], dtype=np.int64)
    count = max(0, len(codes) - width + 1)
    hashes = np.zeros(count, dtype=np.uint64)
    for offset in range(width):
        hashes = hashes * np.uint64(0x100000001B3) + codes[offset : offset + count]
    inside = np.maximum(lengths - width + 1, 0)
    ends = np.cumsum(lengths)
    starts = ends - lengths
    keep = np.repeat(starts, inside) + _counted(inside)
    return _mixed(hashes[keep]), np.cumsum(inside) - inside


def _counted(sizes: NDArray[np.int64]) -> NDArray[np.int64]:
    """0, 1, .. within each of the given sizes, one after the other."""
    ends = np.cumsum(sizes)
    return np.arange(ends[-1] if len(ends) else 0) - np.repeat(ends - sizes, sizes)


def _chunks(texts: Sequence[str]) -> Iterator[tuple[int, int]]:
    start = characters = 0
    for i, text in enumerate(texts):
        characters += len(text)
        if characters >= _AT_ONCE:
            yield start, i + 1
            start, characters = i + 1, 0
    if start < len(texts):
        yield start, len(texts)


def signatures(texts: Sequence[str]) -> NDArray[np.uint32]:
    """MinHash of each (normalised) text: uint32[texts, HASHES]."""
    found = np.empty((len(texts), HASHES), dtype=np.uint32)
    for start, stop in _chunks(texts):
        hashes, starts = _windows([_padded(text) for text in texts[start:stop]], CHARACTERS)
        short = (hashes >> np.uint64(32)).astype(np.uint32)
        for i in range(HASHES):
            permuted = short * _FACTORS[i] + _TERMS[i]
            found[start:stop, i] = np.minimum.reduceat(permuted, starts)
    return found


def candidates(signed: NDArray[np.uint32], owner: NDArray[np.int64]) -> NDArray[np.int64]:
    """Pairs (i, j), i < j, that are probably alike: int64[pairs, 2], sorted.

    `owner` never falls along the rows. A member of a group of like texts is paired with the one
    before it and the first of the same owner, and with the nearest and the first of lower owners.
    """
    count = len(signed)
    if count < 2:
        return np.empty((0, 2), dtype=np.int64)
    rows = HASHES // BANDS
    found = []
    for band in range(BANDS):
        values = np.zeros(count, dtype=np.uint64)
        for column in range(band * rows, (band + 1) * rows):
            values = _mixed(values + signed[:, column] + np.uint64(0x9E3779B97F4A7C15))
        order = np.argsort(values, kind="stable")
        values = values[order]
        run = _starts(values[1:] != values[:-1])
        segment = np.maximum(run, _starts(owner[order][1:] != owner[order][:-1]))
        place = np.arange(count)
        for partner in (place - 1, segment, segment - 1, run):
            paired = (partner >= run) & (partner < place)
            pairs = np.stack([order[partner[paired]], order[place[paired]]], axis=1)
            found.append(_likely(signed, np.sort(pairs, axis=1)))
    joined = np.concatenate(found)
    codes = np.unique(joined[:, 0] * count + joined[:, 1])
    return np.stack([codes // count, codes % count], axis=1)


def _starts(differs: NDArray[np.bool_]) -> NDArray[np.int64]:
    """For each place, where its run of equal values begins."""
    begins = np.concatenate([[True], differs])
    return np.maximum.accumulate(np.where(begins, np.arange(len(begins)), 0))


def _likely(signed: NDArray[np.uint32], pairs: NDArray[np.int64]) -> NDArray[np.int64]:
    kept = [pairs[:0]]
    for start in range(0, len(pairs), 1 << 16):
        some = pairs[start : start + (1 << 16)]
        equal = (signed[some[:, 0]] == signed[some[:, 1]]).mean(axis=1)
        kept.append(some[equal >= _LIKELY])
    return np.concatenate(kept)


# ---------------------------------------------------------------------------- passages


def passages(text: str) -> Words:
    """Hashes of one in `_SAMPLED` of the text's runs of PASSAGE characters, sorted.

    Which ones depends on their content alone, so that the same passage gives the same hashes
    wherever it stands (Manber 1994, Finding similar files in a large file system).
    """
    hashes, _ = _windows([text], PASSAGE)
    return np.unique(hashes[hashes % np.uint64(_SAMPLED) == 0])


def containing(known: Sequence[str], asked: Sequence[str]) -> list[int | None]:
    """For each asked text a known one that shares half of the shorter one's passages, or None."""
    marks = [passages(text) for text in known]
    sizes = np.array([len(m) for m in marks], dtype=np.int64)
    everything = np.concatenate([np.empty(0, dtype=np.uint64), *marks])
    owners = np.repeat(np.arange(len(marks)), sizes)
    order = np.argsort(everything, kind="stable")
    everything, owners = everything[order], owners[order]
    found: list[int | None] = []
    for text in asked:
        own = passages(text)
        low = np.searchsorted(everything, own, side="left")
        high = np.searchsorted(everything, own, side="right")
        hits = owners[np.repeat(low, high - low) + _counted(high - low)]
        shared = np.bincount(hits, minlength=len(marks))
        enough = np.minimum(sizes, len(own)) * CONTAINED
        fits = np.flatnonzero((shared >= enough) & (shared >= 3))
        found.append(int(fits[np.argmax(shared[fits])]) if len(fits) else None)
    return found
