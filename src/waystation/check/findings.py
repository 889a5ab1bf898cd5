"""What `check` can find: the table of codes, one finding, and the report that holds them.

A code says what was found and never changes its meaning; a severity says what follows from it: an
*error* stops a study or makes a score mean nothing, a *warning* changes how a careful reader takes
the results, a *note* is worth knowing. The exit status is 1 where there is an error. The JSON
shape is documented in `docs/howto/check.md`, which a test holds against `CODES`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Final, Literal, TypeAlias, cast

from waystation.errors import UserError, suggest
from waystation.examples import JSON
from waystation.sources import SourceFile

FORMAT: Final = 1
LISTED: Final = 100
"""Examples that a finding keeps; its count says how many there are."""

Severity: TypeAlias = Literal["error", "warning", "note"]
SEVERITIES: Final[tuple[Severity, ...]] = ("error", "warning", "note")

CODES: Final[Mapping[str, str]] = {
    "missing-files": "Files of a language or split are not there.",
    "unreadable-file": "A file cannot be read at all.",
    "bad-row": "Rows that are not as the format promises.",
    "bad-example": "Examples with a label that the task does not have, or tags that do not fit.",
    "repeated-id": "Examples that have the id of an earlier one.",
    "wrong-decoding": "Texts that were decoded with the wrong character set.",
    "no-gold": "Examples without gold.",
    "placeholder-labels": "Labels in the file that are one and the same placeholder.",
    "one-label": "Every example has the same label.",
    "missing-label": "A label of the task that no training example has.",
    "one-question": "COPA's question is the same on every item.",
    "label-frequencies": "A language whose labels are distributed unlike the others'.",
    "duplicates": "Examples with the text of an earlier one of their split.",
    "conflicting-duplicates": "Examples with the text of an earlier one and other gold.",
    "shared-between-splits": "Texts of one split that are in another split too.",
    "near-duplicates": "Examples nearly like an earlier one of their split.",
    "near-shared": "Texts of one split nearly like one of another split.",
    "repeated-targets": "Right answers that occur several times among the candidates.",
    "no-relevant": "Queries that no candidate answers.",
    "gold-not-in-pool": "Queries whose gold is among no candidates.",
    "not-parallel": "Parallel languages with different items.",
    "labels-differ": "Parallel items whose gold differs between languages.",
    "question-differs": "Parallel items whose question differs between languages.",
    "untranslated": "Parallel items that are the same text in both languages.",
    "other-script": "Texts that are not in their language's script.",
    "lengths-differ": "Parallel texts of very unlike length.",
    "numbers-differ": "Parallel texts with other numbers.",
    "urls-differ": "Parallel texts with other web addresses.",
    "shifted-lines": "Sides that fit each other only a line or more apart.",
    "swapped-sides": "Source and target sides that have changed places.",
    "overlap-exact": "Evaluated examples that are trained on.",
    "overlap-parallel": "Evaluated examples that are trained on in another language.",
    "overlap-near": "Evaluated examples nearly like one that is trained on.",
    "overlap-context": "Evaluated questions on a paragraph, or part of one, that is trained on.",
    "overlap-article": "Evaluated questions on an article that is trained on.",
    "selected-on-evaluated": "Examples that choose a checkpoint and are evaluated as well.",
    "truncated": "Examples that lose tokens at the study's max_tokens.",
    "unknown-tokens": "A language of which the tokenizer does not know many pieces.",
    "many-tokens": "A language that the tokenizer cuts much finer than the source language.",
    "no-tokenizer": "A backbone whose tokenizer is not on this machine.",
    "not-official": "Files or sizes that are not those of the official release.",
}
"""code -> what it means; `docs/howto/check.md` says what to do."""


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One thing found in one task, language and split; "" where it concerns them all."""

    code: str
    severity: Severity
    task: str
    language: str = ""
    split: str = ""
    count: int
    message: str
    """What was found where and what to do about it, one sentence."""
    examples: tuple[str, ...] = ()
    """Where: ids of examples, or file:line with what was expected there."""


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One language and split as it was read; `labels` counts gold labels or tags."""

    task: str
    kind: str
    language: str
    split: str
    files: tuple[SourceFile, ...]
    examples: int
    without_gold: int
    candidates: int
    """How many its queries search, 0 for tasks without a pool."""
    labels: dict[str, int]
    official: str
    """"same files", "same size", "differs", or "unknown" where nothing is known."""
    first: tuple[dict[str, JSON], ...]


@dataclass(frozen=True, kw_only=True)
class TokenRow:
    """How a backbone's tokenizer cuts one language of a task; shares are between 0 and 1."""

    backbone: str
    task: str
    language: str
    split: str
    examples: int
    """How many were encoded, a sample where there are more."""
    max_tokens: int
    too_long: int
    """Of these, how many have more tokens than `max_tokens`."""
    tokens_per_word: float | None
    """None where the language writes no spaces between words."""
    characters_per_token: float
    unknown_share: float


@dataclass(frozen=True, kw_only=True)
class CheckReport:
    """All that was read and all that was found, most severe first."""

    name: str
    entries: tuple[Entry, ...]
    tokens: tuple[TokenRow, ...]
    findings: tuple[Finding, ...]

    @property
    def ok(self) -> bool:
        """Whether nothing was found that stops a study or makes a score mean nothing."""
        return all(finding.severity != "error" for finding in self.findings)

    def only(self, codes: Sequence[str]) -> CheckReport:
        """The report with findings of these codes alone. Raises UserError for an unknown one."""
        for code in codes:
            if code not in CODES:
                raise UserError(
                    f"expected a code of `waystation check`, found '{code}'.{suggest(code, CODES)}"
                    f" The codes are {', '.join(CODES)}."
                )
        return replace(self, findings=tuple(f for f in self.findings if f.code in codes))

    def to_json(self) -> dict[str, JSON]:
        """The report as plain JSON, in the documented shape."""
        entries: list[Any] = [
            {**asdict(entry), "files": [file._asdict() for file in entry.files]}
            for entry in self.entries
        ]
        found: dict[str, Any] = {
            "format": FORMAT,
            "name": self.name,
            "ok": self.ok,
            "findings": [asdict(finding) for finding in self.findings],
            "read": entries,
            "tokens": [asdict(row) for row in self.tokens],
        }
        return cast("dict[str, JSON]", found)


def in_order(findings: Sequence[Finding]) -> tuple[Finding, ...]:
    """Errors first; within a severity by the order of CODES, then as they were found."""
    codes = {code: place for place, code in enumerate(CODES)}
    kept = [replace(f, examples=f.examples[:LISTED]) for f in findings]
    return tuple(sorted(kept, key=lambda f: (SEVERITIES.index(f.severity), codes[f.code])))


def share(count: int, of: int) -> str:
    """`12 of 500 (2.4%)`; what is not all of them is never called 100%, nor some of them 0%."""
    if not of:
        return f"{count:,}"
    percent = 100 * count / of
    if 0 < count < of:
        percent = min(max(percent, 0.1), 99.9)
    return f"{count:,} of {of:,} ({percent:.1f}%)"
