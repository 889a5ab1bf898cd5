"""Reads a task's data and says what is wrong with it: `waystation check`.

A *fault* stops a study (a file that cannot be read as its format promises); a *warning* is
something that a careful reader of the results would want to know (missing gold, one label for
all, duplicates, texts that training and test share, languages that disagree). Texts are compared
after NFKC, case folding and joining of white space. It mends nothing and judges no content.
"""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final, Literal, cast

from waystation import sources
from waystation.errors import UserError
from waystation.examples import JSON, to_json
from waystation.sources import SourceFile
from waystation.task import Task, get

_SHOWN: Final = 3
_LISTED: Final = 20
_ENOUGH_TO_JUDGE: Final = 10


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One thing found; `where` is `language split`, or several of them."""

    level: Literal["fault", "warning", "note"]
    where: str
    text: str


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One language and split as it was read; `labels` counts gold labels or tags."""

    language: str
    split: str
    files: tuple[SourceFile, ...]
    examples: int
    without_gold: int
    labels: dict[str, int]
    first: tuple[dict[str, JSON], ...]


@dataclass(frozen=True, kw_only=True)
class CheckReport:
    """All that was read of a task and all that was found."""

    task: str
    kind: str
    entries: tuple[Entry, ...]
    findings: tuple[Finding, ...]

    @property
    def ok(self) -> bool:
        """Whether nothing that was found stops a study."""
        return all(finding.level != "fault" for finding in self.findings)

    def to_json(self) -> dict[str, JSON]:
        """The report as plain JSON."""
        entries = [
            {**asdict(entry), "files": [file._asdict() for file in entry.files]}
            for entry in self.entries
        ]
        findings = [asdict(finding) for finding in self.findings]
        return cast(
            "dict[str, JSON]",
            {
                "task": self.task,
                "kind": self.kind,
                "ok": self.ok,
                "entries": entries,
                "findings": findings,
            },
        )


def check_task(
    task: Task[Any],
    data: Path | None,
    languages: Sequence[str] | None = None,
    splits: Sequence[str] | None = None,
) -> CheckReport:
    """Read the given languages and splits (None: all whose files are there) and lint them."""
    findings: list[Finding] = []
    loaded: dict[tuple[str, str], sources.Loaded] = {}
    for language, split in _asked(task, data, languages, splits, findings):
        try:
            loaded[language, split] = sources.load(task, data, language, split)
        except UserError as error:
            findings.append(Finding(level="fault", where=f"{language} {split}", text=str(error)))
    read = {key: value.examples for key, value in loaded.items()}
    entries = []
    for (language, split), value in loaded.items():
        entries.append(_entry(task, language, split, value))
        findings += _inside(entries[-1], value.examples)
    findings += _between_splits(task, read)
    findings += _between_languages(task, read)
    findings += _training_in_test(task, data, read)
    return CheckReport(
        task=task.name, kind=task.kind, entries=tuple(entries), findings=tuple(findings)
    )


def _asked(
    task: Task[Any],
    data: Path | None,
    languages: Sequence[str] | None,
    splits: Sequence[str] | None,
    findings: list[Finding],
) -> Iterator[tuple[str, str]]:
    """The pairs to read; what a default leaves out for want of files is noted."""
    missing: dict[str, list[str]] = {}
    count = 0
    for split in splits or task.splits:
        for language in languages or task.languages:
            explicit = languages is not None and splits is not None
            if explicit or sources.present(task, data, language, split):
                count += 1
                yield language, split
            else:
                missing.setdefault(split, []).append(language)
    for split, tags in missing.items():
        level: Literal["fault", "note"] = "note" if count and languages is None else "fault"
        shown = ", ".join(tags[:_LISTED]) + (" and more" if len(tags) > _LISTED else "")
        text = f"no files for {len(tags)} of {len(task.languages)} languages: {shown}"
        if count == 0:
            try:
                sources.find(task, data, tags[0], split)
            except UserError as error:
                text = str(error)
        findings.append(Finding(level=level, where=split, text=text))


def _gold(example: Any) -> object:
    """The gold of an example of any kind, None where there is none."""
    for name in ("label", "value", "tags", "answers", "target", "relevant", "completion", "tests"):
        if hasattr(example, name):
            return cast("object", getattr(example, name))
    return None


def _entry(task: Task[Any], language: str, split: str, loaded: sources.Loaded) -> Entry:
    counts: Counter[str] = Counter()
    for example in loaded.examples:
        gold = _gold(example)
        if gold is not None and task.kind in ("classification", "choice"):
            counts[str(gold)] += 1
        elif gold is not None and task.kind == "tagging":
            counts.update(cast("tuple[str, ...]", gold))
    return Entry(
        language=language,
        split=split,
        files=loaded.files,
        examples=len(loaded.examples),
        without_gold=sum(_gold(example) is None for example in loaded.examples),
        labels=dict(sorted(counts.items())),
        first=tuple(to_json(example) for example in loaded.examples[:_SHOWN]),
    )


def _parts(example: Any) -> tuple[str, ...]:
    """All texts that a model sees of an example."""
    found: list[str] = []
    for name in ("text", "pair", "question", "context", "options", "words", "source", "prompt"):
        value = getattr(example, name, None)
        found += [value] if isinstance(value, str) else list(value or ())
    return tuple(found)


def normalised(text: str) -> str:
    """The form in which texts are compared: NFKC, case folded, single spaces."""
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())


def _key(example: Any) -> str:
    return "\t".join(normalised(part) for part in _parts(example))


def _inside(entry: Entry, examples: Sequence[Any]) -> list[Finding]:
    """What one language and split shows by itself."""
    where = f"{entry.language} {entry.split}"
    found: list[str] = []
    if entry.without_gold:
        found.append(
            f"{entry.without_gold} of {entry.examples} examples have no gold:"
            " no metric can be taken on them"
        )
    labelled = entry.examples - entry.without_gold
    if len(entry.labels) == 1 and labelled >= _ENOUGH_TO_JUDGE:
        found.append(f"all {labelled} examples have the label '{next(iter(entry.labels))}'")
    damaged = [e.id for e in examples if any("�" in part for part in _parts(e))]
    if damaged:
        found.append(
            f"{len(damaged)} examples hold U+FFFD, left by a wrong decoding; the first is"
            f" '{damaged[0]}'"
        )
    first: dict[str, Any] = {}
    again: list[tuple[Any, Any]] = []
    for example in examples:
        before = first.setdefault(_key(example), example)
        again += [(before, example)] if before is not example else []
    if again:
        a, b = again[0]
        differ = sum(_gold(a) != _gold(b) for a, b in again)
        found.append(
            f"{len(again)} examples repeat the text of an earlier one ('{b.id}' that of"
            f" '{a.id}'), {differ} of them with other gold"
        )
    return [Finding(level="warning", where=where, text=text) for text in found]


def _between_splits(
    task: Task[Any], read: Mapping[tuple[str, str], Sequence[Any]]
) -> list[Finding]:
    """Texts that two splits of one language share."""
    findings = []
    keys = {at: {_key(e): e.id for e in examples} for at, examples in read.items()}
    for language in dict.fromkeys(language for language, _ in read):
        splits = [split for split in task.splits if (language, split) in read]
        for i, one in enumerate(splits):
            for other in splits[i + 1 :]:
                if one in other.split("-") or other in one.split("-"):
                    continue  # `dev-r1` is a part of `dev` by construction
                a, b = keys[language, one], keys[language, other]
                shared = [key for key in b if key in a]
                if shared:
                    text = (
                        f"{len(shared)} texts of {other} are in {one} as well"
                        f" ('{b[shared[0]]}' is '{a[shared[0]]}' there)"
                    )
                    where = f"{language} {one}, {other}"
                    findings.append(Finding(level="warning", where=where, text=text))
    return findings


def _between_languages(
    task: Task[Any], read: Mapping[tuple[str, str], Sequence[Any]]
) -> list[Finding]:
    """Parallel languages that differ in number or gold; equal id and group mean parallel."""
    findings = []
    for split in dict.fromkeys(split for _, split in read):
        first, *rest = [language for language, s in read if s == split]
        reference = {e.id: e for e in read[first, split]}
        for language in rest:
            found = _parallel(task, reference, read[language, split], (first, language))
            where = f"{first}, {language} {split}"
            findings += [Finding(level="warning", where=where, text=text) for text in found]
    return findings


def _parallel(
    task: Task[Any],
    reference: Mapping[str, Any],
    examples: Sequence[Any],
    names: tuple[str, str],
) -> list[str]:
    both = [
        (reference[e.id], e)
        for e in examples
        if e.id in reference and e.group is not None and e.group == reference[e.id].group
    ]
    larger = max(len(examples), len(reference))
    if len(both) < larger / 2:
        return []  # a few equal ids do not make two languages parallel
    found = []
    if len(both) < larger:
        found.append(
            f"{len(both)} examples are parallel, of {len(reference)} in {names[0]} and"
            f" {len(examples)} in {names[1]}"
        )
    asked = [a.id for a, b in both if _question(a) != _question(b)]
    if asked:
        found.append(
            f"the question (cause or effect) differs on {len(asked)} of {len(both)} parallel"
            f" examples, the first is '{asked[0]}'"
        )
    if task.kind in ("classification", "choice", "regression"):
        golds = [(a.id, _gold(a), _gold(b)) for a, b in both]
        differ = [id_ for id_, a, b in golds if a is not None and b is not None and a != b]
        if differ:
            found.append(
                f"gold differs on {len(differ)} of {len(both)} parallel examples, the first is"
                f" '{differ[0]}'"
            )
    return found


def _question(example: Any) -> str | None:
    """COPA's English question, which `tasks/choice.py` puts behind a premise in any language."""
    context = getattr(example, "context", "")
    return next((q for q in ("cause", "effect") if context.endswith(f" What was the {q}?")), None)


def _training_in_test(
    task: Task[Any], data: Path | None, read: Mapping[tuple[str, str], Sequence[Any]]
) -> list[Finding]:
    """Texts of the tasks that this one is fine-tuned on among its own examples.

    Paragraphs for spans, whole inputs for all else; only where the training files are there.
    """
    findings = []
    for name in task.train:
        trained = get(name)
        language, split = trained.source_language, trained.train_split
        if not sources.present(trained, data, language, split):
            continue
        try:
            examples = sources.load(trained, data, language, split).examples
        except UserError as error:
            findings.append(Finding(level="fault", where=f"{name} {split}", text=str(error)))
            continue
        known = {_text_to_share(e): e.id for e in examples}
        for (own, own_split), tested in read.items():
            shared = [e for e in tested if _text_to_share(e) in known]
            if shared:
                text = (
                    f"{len(shared)} examples share their text with training data of '{name}'"
                    f" ('{shared[0].id}' with '{known[_text_to_share(shared[0])]}')"
                )
                findings.append(Finding(level="warning", where=f"{own} {own_split}", text=text))
    return findings


def _text_to_share(example: Any) -> str:
    paragraph = hasattr(example, "question")
    return normalised(example.context) if paragraph else _key(example)
