"""Findings on a study: what it trains on among what it evaluates.

Every example that any stage draws (of the stops, which serve every target, and of a target's own
fine-tuning) is compared with every evaluated example: by the identity that releases give it,
which holds across languages and across tasks that share items; by its text; nearly by its text;
and, for questions, by paragraph, passage and article. Each evaluated example is counted once, by
the strongest of these. Texts under MIN_CHARACTERS are not compared, since short names and
phrases coincide by chance, and a text in another language than the training one is no error.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np

from waystation import readers, sources
from waystation.check.findings import Finding, Severity, share
from waystation.check.texts import (
    ALIKE,
    candidates,
    compared,
    containing,
    key,
    likeness,
    normalised,
    signatures,
)
from waystation.errors import DataError, UserError
from waystation.examples import SpanExample
from waystation.sources import Place
from waystation.task import Task

MIN_CHARACTERS: Final = 20
WRONG: Final = 0.01
"""Share of a language's evaluated examples from which an overlap is an error."""

# Tasks whose ids and groups name the same items. XCOPA translates COPA's validation and test
# sets (Ponti et al. 2020, section 3).
ITEMS_OF: Final[Mapping[str, str]] = {"xcopa": "copa"}
_OWN_NAME: Final = 16
"""Ids of questions at least so long name one question whatever the file: SQuAD's and XQuAD's 24,
MLQA's 40 and TyDi QA's."""


@dataclass(frozen=True, kw_only=True)
class Used:
    """Examples that a study trains on or evaluates, in one language."""

    task: Task[Any]
    name: str
    language: str
    split: str
    examples: tuple[Any, ...]
    where: str = ""
    """The stop or target, as a study names it."""
    target: str | None = None
    """The target that a training part belongs to; None serves them all."""
    selects: bool = False
    """Whether these examples choose a checkpoint instead of training it."""
    titles: Mapping[str, str] = field(default_factory=dict)
    """Question id -> article."""


def identity(used: Used, example: Any) -> tuple[str, ...] | None:
    """What a release calls an item in all of its languages; None where it does not say."""
    *prefix, own = example.id.split("/", 1) if "+" in used.split else [example.id]
    if isinstance(example, SpanExample) and len(own) >= _OWN_NAME:
        return ("question", own)
    if example.group is None:
        return None
    split = prefix[0] if prefix else used.split
    return (ITEMS_OF.get(used.task.name, used.task.name), split, own, example.group)


def titles(task: Task[Any], data: Place, language: str, split: str) -> dict[str, str]:
    """Question id -> normalised article title, of SQuAD JSON files; {} for all others."""
    found: dict[str, str] = {}
    if task.kind not in ("span", "query"):
        return found
    for name in sources.parts(split):
        try:
            files = sources.find(task, data, language, name).files
        except UserError:
            continue
        prefix = f"{name}/" if "+" in split else ""
        for path in files[:1] if task.kind == "query" else files:
            try:
                for title, example in readers.squad(path):
                    if title:
                        found[prefix + example.id] = normalised(title.replace("_", " "))
            except DataError:
                continue  # another format, which has no titles
    return found


def check(trained: Sequence[Used], evaluated: Sequence[Used]) -> Iterator[Finding]:
    """One finding for each kind of overlap, training part, and evaluated language."""
    everything = [*trained, *evaluated]
    keys = {id(used): [key(e) for e in used.examples] for used in everything}
    numbers: dict[str, int] = {}
    for used in everything:
        for text in keys[id(used)]:
            numbers.setdefault(text, len(numbers))
    signed = signatures(list(numbers))
    for use in trained:
        faced = [e for e in evaluated if use.target in (None, e.where)]
        near = _near(use, faced, keys, numbers, signed)
        for tested in faced:
            yield from _between(use, tested, keys, near.get(id(tested), {}))


def _near(
    use: Used,
    faced: Sequence[Used],
    keys: Mapping[int, list[str]],
    numbers: Mapping[str, int],
    signed: Any,
) -> dict[int, dict[int, int]]:
    """For each evaluated part: position -> position of a training example nearly like it."""
    rows = [(use, i) for i in range(len(use.examples))]
    rows += [(tested, i) for tested in faced for i in range(len(tested.examples))]
    owner = np.array([0] * len(use.examples) + [1] * (len(rows) - len(use.examples)))
    chosen = signed[[numbers[keys[id(used)][i]] for used, i in rows]]
    found: dict[int, dict[int, int]] = {}
    for a, b in candidates(chosen, owner).tolist():
        if owner[a] == owner[b]:
            continue
        (_, i), (tested, j) = rows[a], rows[b]
        known = found.setdefault(id(tested), {})
        if j in known or len(keys[id(tested)][j]) < MIN_CHARACTERS:
            continue
        if likeness(compared(use.examples[i]), compared(tested.examples[j])) >= ALIKE:
            known[j] = i
    return found


def _between(
    use: Used, tested: Used, keys: Mapping[int, list[str]], near: Mapping[int, int]
) -> Iterator[Finding]:
    """The overlap of one training part and one evaluated language, each example counted once."""
    texts = {k: e.id for k, e in zip(keys[id(use)], use.examples, strict=True)}
    items = {i: e.id for e in use.examples if (i := identity(use, e)) is not None}
    found: dict[str, list[str]] = {}
    left = []
    for place, (example, text) in enumerate(zip(tested.examples, keys[id(tested)], strict=True)):
        item = identity(tested, example)
        same = use.language == tested.language or item not in items
        if len(text) >= MIN_CHARACTERS and text in texts and same:
            found.setdefault("overlap-exact", []).append(f"{example.id} = {texts[text]}")
        elif item is not None and item in items:
            found.setdefault("overlap-parallel", []).append(f"{example.id} = {items[item]}")
        elif place in near:
            pair = f"{example.id} ~ {use.examples[near[place]].id}"
            found.setdefault("overlap-near", []).append(pair)
        else:
            left.append(example)
    if all(isinstance(e, SpanExample) for e in (*use.examples[:1], *tested.examples[:1])):
        found |= _paragraphs(use, tested, left)
    if use.selects:
        exact = [*found.get("overlap-exact", ()), *found.get("overlap-parallel", ())]
        found = {"selected-on-evaluated": exact} if exact else {}
    for code, pairs in found.items():
        yield _finding(use, tested, code, pairs)


def _paragraphs(use: Used, tested: Used, left: Sequence[Any]) -> dict[str, list[str]]:
    """Questions whose paragraph, a passage of it, or article is trained on."""
    contexts: dict[str, str] = {}
    for e in use.examples:
        contexts.setdefault(normalised(e.context), e.id)
    articles = {use.titles[e.id]: e.id for e in use.examples if e.id in use.titles}
    groups = {e.group: e.id for e in use.examples if e.group and len(e.group) >= _OWN_NAME}
    known = list(contexts)
    asked = list(dict.fromkeys(normalised(e.context) for e in left))
    other = [text for text in asked if text not in contexts]
    like = dict(zip(other, containing(known, other), strict=True)) if known else {}
    found: dict[str, list[str]] = {}
    for example in left:
        text, title = normalised(example.context), tested.titles.get(example.id)
        place = like.get(text)
        if text in contexts:
            found.setdefault("overlap-context", []).append(f"{example.id}: {contexts[text]}")
        elif example.group in groups:
            pair = f"{example.id}: {groups[example.group]}"
            found.setdefault("overlap-context", []).append(pair)
        elif place is not None:
            pair = f"{example.id}: {contexts[known[place]]} (in part)"
            found.setdefault("overlap-context", []).append(pair)
        elif title is not None and title in articles:
            found.setdefault("overlap-article", []).append(f"{example.id}: {title}")
    return found


_SAID: Final[Mapping[str, str]] = {
    "overlap-exact": "have the text of an example that {use} trains on",
    "overlap-parallel": "are trained on in another language or copy by {use}",
    "overlap-near": "are nearly like an example that {use} trains on",
    "overlap-context": "ask about a paragraph, or part of one, that {use} trains on",
    "overlap-article": "ask about an article that {use} trains on",
    "selected-on-evaluated": "also choose the checkpoint of {use}",
}
_DO: Final[Mapping[str, str]] = {
    "overlap-exact": "their scores show memory, so train on other examples (`split`, `skip`)",
    "overlap-parallel": "their scores show memory, so train on other items (`split`, `skip`)",
    "overlap-near": "look at them before you trust the score",
    "overlap-context": "leave those paragraphs out of training",
    "overlap-article": "leave those articles out of training if facts are to be new",
    "selected-on-evaluated": "evaluate another split, or set `selection: last`",
}


def _finding(use: Used, tested: Used, code: str, pairs: Sequence[str]) -> Finding:
    number = len(tested.examples)
    same_language = use.language == tested.language
    certain = code in ("overlap-parallel", "overlap-context") or (
        code == "overlap-exact" and same_language
    )
    severity: Severity = "warning"
    if certain and len(pairs) >= WRONG * number:
        severity = "error"
    elif not certain and len(pairs) < WRONG * number:
        severity = "note"
    named = f"{use.where} ({use.name} {use.language} {use.split})"
    message = (
        f"{share(len(pairs), number)} evaluated examples {_SAID[code].format(use=named)}:"
        f" {_DO[code]}"
    )
    return Finding(
        code=code,
        severity=severity,
        task=tested.where,
        language=tested.language,
        split=tested.split,
        count=len(pairs),
        message=message,
        examples=tuple(pairs),
    )
