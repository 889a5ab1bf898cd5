"""Findings on repeated texts: within a split, between splits of a task, among candidates."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from waystation.check.findings import Finding, Severity, share
from waystation.check.reading import Part
from waystation.check.texts import (
    ALIKE,
    candidates,
    compared,
    gold,
    key,
    likeness,
    normalised,
    signatures,
)


def of_language(splits: Sequence[Part]) -> Iterator[Finding]:
    """What the splits of one task and language repeat, exactly and nearly."""
    first: list[dict[str, Any]] = []
    for part in splits:
        known: dict[str, Any] = {}
        again = []
        for example in part.examples:
            before = known.setdefault(key(example), example)
            again += [(before, example)] if before is not example else []
        first.append(known)
        yield from _repeated(part, again)
        yield from _targets(part)
    for j, part in enumerate(splits):
        for i, other in enumerate(splits[:j]):
            if not _apart(part.split, other.split):
                continue
            both = [(first[i][k], e) for k, e in first[j].items() if k in first[i]]
            if both:
                yield _shared(part, other, both, len(part.examples))
    yield from _near(splits, first)


def _apart(one: str, other: str) -> bool:
    """Whether two splits ought to be disjoint: `dev-r1` is a part of `dev` by construction."""
    return one not in other.split("-") and other not in one.split("-")


def _level(count: int, of: int) -> Severity:
    return "warning" if count * 100 >= of else "note"


def _repeated(part: Part, again: Sequence[tuple[Any, Any]]) -> Iterator[Finding]:
    number = len(part.examples)
    other = [(a, b) for a, b in again if gold(a) != gold(b)]
    same = [(a, b) for a, b in again if gold(a) == gold(b)]
    if same:
        message = (
            f"{share(len(same), number)} examples repeat an earlier one, gold and all, and count"
            " twice: remove them if the release is your own"
        )
        pairs = [f"{b.id} = {a.id}" for a, b in same]
        yield part.finding("duplicates", _level(len(same), number), len(same), message, pairs)
    if other:
        message = (
            f"{share(len(other), number)} examples repeat the text of an earlier one with other"
            " gold, so that one of the two may be wrong: look at them"
        )
        pairs = [f"{b.id} = {a.id}" for a, b in other]
        severity = _level(len(other), number)
        yield part.finding("conflicting-duplicates", severity, len(other), message, pairs)


def _targets(part: Part) -> Iterator[Finding]:
    """Equal sentences among the candidates of a bitext: either is right, one is counted."""
    if part.task.kind != "bitext":
        return
    seen: dict[str, str] = {}
    again = []
    for example in part.examples:
        before = seen.setdefault(normalised(example.target), example.id)
        again += [f"{example.id} = {before}"] if before != example.id else []
    if again:
        message = (
            f"{share(len(again), len(part.examples))} candidates are the same sentence as an"
            " earlier one, so that a right answer can count as wrong: read scores with that in mind"
        )
        severity = _level(len(again), len(part.examples))
        yield part.finding("repeated-targets", severity, len(again), message, again)


def _shared(part: Part, other: Part, both: Sequence[tuple[Any, Any]], number: int) -> Finding:
    message = (
        f"{share(len(both), number)} texts of {part.split} are in {other.split} as well: leave"
        f" them out of {other.split}, or say so where you report {part.split}"
    )
    pairs = [f"{part.split} {b.id} = {other.split} {a.id}" for a, b in both]
    severity = _level(len(both), number)
    return part.finding("shared-between-splits", severity, len(both), message, pairs)


def _near(splits: Sequence[Part], first: Sequence[dict[str, Any]]) -> Iterator[Finding]:
    """Nearly equal texts within and between splits; equal ones are counted elsewhere."""
    keys: list[str] = []
    examples: list[Any] = []
    owner: list[int] = []
    for place, known in enumerate(first):
        keys += known
        examples += known.values()
        owner += [place] * len(known)
    owners = np.array(owner, dtype=np.int64)
    alike: dict[tuple[int, int], dict[int, str]] = {}
    for i, j in candidates(signatures(keys), owners).tolist():
        at = (owner[i], owner[j])
        if keys[i] == keys[j] or j in alike.get(at, ()):
            continue
        if not (owner[i] == owner[j] or _apart(splits[at[0]].split, splits[at[1]].split)):
            continue
        if likeness(compared(examples[i]), compared(examples[j])) >= ALIKE:
            prefix = f"{splits[at[0]].split} " if owner[i] != owner[j] else ""
            alike.setdefault(at, {})[j] = f"{examples[j].id} ~ {prefix}{examples[i].id}"
    for (one, other), found in sorted(alike.items()):
        part, number = splits[other], len(splits[other].examples)
        pairs = [found[j] for j in sorted(found)]
        if one == other:
            message = (
                f"{share(len(found), number)} examples are nearly like an earlier one: where they"
                " are edits of each other, intervals by example are too narrow"
            )
            yield part.finding("near-duplicates", "note", len(found), message, pairs)
        else:
            message = (
                f"{share(len(found), number)} texts of {part.split} are nearly like one of"
                f" {splits[one].split}: look at them before you call the splits apart"
            )
            severity = _level(len(found), number)
            yield part.finding("near-shared", severity, len(found), message, pairs)
