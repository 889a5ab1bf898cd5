"""Findings on the gold and the texts of one split: counts, placeholders, missing labels, decoding.

Counting is all there is: whether a label is right is nobody's to say here.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, cast

from waystation import readers, sources
from waystation.check.findings import Entry, Finding, Severity, share
from waystation.check.reading import Part
from waystation.check.texts import gold, parts
from waystation.errors import UserError
from waystation.examples import to_json
from waystation.sources import Place

SHOWN: Final = 10
"""First examples that an entry keeps."""
ENOUGH: Final = 10
"""Examples below which one label for all says nothing."""
ENOUGH_TO_COMPARE: Final = 100
FAR: Final = 0.1
"""Half the sum of absolute differences of label shares above which a language stands out."""
_GOLD_FIELDS: Final = ("label", "gold_label", "answerKey", "correct")


def entry_of(part: Part, official: str) -> Entry:
    """What a split holds, in numbers, with its first examples."""
    counts = label_counts(part)
    return Entry(
        task=part.name,
        kind=part.task.kind,
        language=part.language,
        split=part.split,
        files=part.files,
        examples=len(part.examples),
        without_gold=sum(gold(example) is None for example in part.examples),
        candidates=len(part.pool.candidates) if part.pool is not None else 0,
        labels=dict(sorted(counts.items())),
        official=official,
        first=tuple(to_json(example) for example in part.examples[:SHOWN]),
    )


def label_counts(part: Part) -> Counter[str]:
    """How often each label, tag or right place occurs; empty for other kinds."""
    counts: Counter[str] = Counter()
    for example in part.examples:
        found = gold(example)
        if found is not None and part.task.kind in ("classification", "choice"):
            counts[str(found)] += 1
        elif found is not None and part.task.kind == "tagging":
            counts.update(cast("tuple[str, ...]", found))
    return counts


def of_split(part: Part, data: Place) -> Iterator[Finding]:
    """What the gold and the texts of one split show by themselves."""
    number = len(part.examples)
    without = [e.id for e in part.examples if gold(e) is None]
    if without:
        yield from _without_gold(part, without, data)
    counts = label_counts(part)
    labelled = number - len(without)
    if part.task.kind != "tagging" and len(counts) == 1 and labelled >= ENOUGH:
        label = next(iter(counts))
        message = (
            f"all {labelled} examples have the label '{label}', as placeholders do: any score on"
            " them means nothing, so find the file with the true labels"
        )
        yield part.finding("one-label", "error", labelled, message)
    yield from _missing_labels(part, counts)
    asked = Counter(question(e) for e in part.examples)
    if None not in asked and len(asked) == 1 and number >= ENOUGH:
        message = (
            f"'question' is '{next(iter(asked))}' on all {number} items, where COPA's ask for"
            " causes and effects in turn: compare with the English items before you trust it"
        )
        yield part.finding("one-question", "warning", number, message)
    broken = [e.id for e in part.examples if any(damaged(text) for text in parts(e))]
    if broken:
        message = (
            f"{share(len(broken), number)} examples hold U+FFFD or UTF-8 that was read as another"
            " character set: get the file again, or convert it from its true character set"
        )
        severity: Severity = "warning" if len(broken) * 100 >= number else "note"
        yield part.finding("wrong-decoding", severity, len(broken), message, broken)


def question(example: Any) -> str | None:
    """COPA's English question, which `tasks/choice.py` puts behind a premise in any language."""
    context = getattr(example, "context", "")
    return next((q for q in ("cause", "effect") if context.endswith(f" What was the {q}?")), None)


def damaged(text: str) -> bool:
    """Whether a text was decoded with another character set than it was written in."""
    if text.isascii():
        return False
    if "\ufffd" in text:
        return True
    if not any("\u00c2" <= sign <= "\u00f4" for sign in text):  # no first byte of UTF-8
        return False
    try:
        return not text.encode("cp1252").decode("utf-8").isascii()
    except UnicodeError:
        return False


def _without_gold(part: Part, without: Sequence[str], data: Place) -> Iterator[Finding]:
    number = len(part.examples)
    placeholder = _placeholder(part, data) if len(without) == number else None
    if placeholder is not None:
        name, value = placeholder
        message = (
            f"the field '{name}' is {value} on all {number} rows, a placeholder that is read as no"
            " gold: get the labels from the source, or evaluate another split"
        )
        yield part.finding("placeholder-labels", "warning", number, message)
    elif len(without) == number:
        message = (
            f"none of the {number} examples has gold, so that no metric can be taken on them:"
            " evaluate another split, or get the labels"
        )
        yield part.finding("no-gold", "note", number, message)
    else:
        message = (
            f"{share(len(without), number)} examples have no gold, which every metric needs:"
            " complete or remove them"
        )
        yield part.finding("no-gold", "warning", len(without), message, without)


def _placeholder(part: Part, data: Place) -> tuple[str, str] | None:
    """(field, value) that a JSON lines file without readable gold has on every row."""
    try:
        files = sources.find(part.task, data, part.language, part.split).files
    except UserError:
        return None
    for path in files:
        if path.name.endswith((".jsonl", ".jsonl.gz", ".jsonl.bz2")):
            rows = [row for _, row in readers.jsonl(path)]
            for name in _GOLD_FIELDS:
                values = {json.dumps(row[name]) for row in rows if name in row}
                if len(values) == 1 and all(name in row for row in rows):
                    return name, values.pop()
    return None


def _missing_labels(part: Part, counts: Mapping[str, int]) -> Iterator[Finding]:
    """Labels that the training split of a classification lacks: they are never learnt."""
    if part.task.kind != "classification" or part.split != part.task.train_split or not counts:
        return
    absent = [label for label in part.task.labels if label not in counts]
    if absent and len(counts) > 1:
        message = (
            f"no training example has the label {', '.join(repr(a) for a in absent)}, which is"
            " never predicted then: add examples, or take the label from the task"
        )
        yield part.finding("missing-label", "warning", len(absent), message, absent)


def between_languages(split: Sequence[Part]) -> Iterator[Finding]:
    """Languages of one split whose labels are distributed unlike all of them together."""
    shares = {}
    for part in split:
        counts = label_counts(part)
        if part.task.kind == "classification" and counts.total() >= ENOUGH_TO_COMPARE:
            shares[part.language] = {k: v / counts.total() for k, v in counts.items()}
    if len(shares) < 3:
        return
    labels = sorted({label for of in shares.values() for label in of})
    usual = {
        label: sorted(of.get(label, 0.0) for of in shares.values())[len(shares) // 2]
        for label in labels
    }
    for part in split:
        if part.language not in shares:
            continue
        own = shares[part.language]
        far = sum(abs(own.get(label, 0.0) - usual[label]) for label in labels) / 2
        if far > FAR:
            shown = ", ".join(f"{label} {100 * own.get(label, 0.0):.0f}%" for label in labels)
            common = ", ".join(f"{label} {100 * usual[label]:.0f}%" for label in labels)
            message = (
                f"its labels are {shown} where the median over languages is {common}:"
                " see whether the file is this task's and complete"
            )
            yield part.finding("label-frequencies", "note", len(part.examples), message)
