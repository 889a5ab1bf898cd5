"""What `waystation check` prints: what was read, first examples, and findings by severity.

What several languages and tasks share is said once, with where it holds and how often, so that
fifteen languages with one fault read as one fault.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence
from itertools import groupby
from pathlib import Path
from typing import Any, Final

from rich.console import Console
from rich.padding import Padding
from rich.text import Text

from waystation import display, task
from waystation.check import check_study, check_task
from waystation.check.findings import SEVERITIES, CheckReport, Entry, Finding, Severity
from waystation.hub_files import Hub

LABELS: Final = 6
WIDE: Final = 110
_STYLES: Final = {"error": "bold red", "warning": "yellow", "note": "cyan"}
_SHARE: Final = re.compile(r"^[\d,]+ of [\d,]+ \(([\d.]+%)\) ")
_TEXT: Final = 100  # characters of a text that are shown


def show_check(
    name: str,
    data: Path | None,
    *,
    limit: int | None = None,
    only: Sequence[str] = (),
    shown: int = 1,
    json: bool = False,
) -> int:
    """Check a task or a study and print what was found; 1 where there is an error."""
    CheckReport(name="", entries=(), tokens=(), findings=()).only(only)  # unknown codes at once
    console = Console(stderr=True)

    def say(text: str) -> None:
        if console.is_terminal:
            console.print(f"\r{text:<{WIDE}.{WIDE}}", end="\r", highlight=False, markup=False)

    place = Hub(say=say) if data is None else data
    study = Path(name)
    if study.suffix in (".yaml", ".yml"):
        report = check_study(study, place, limit=limit, say=say)
    else:
        report = check_task(task.get(name), place, limit=limit, say=say)
    say("")
    if only:
        report = report.only(only)
    if json:
        display.as_json(report.to_json())
    else:
        _print(report, shown, bare=bool(only))
    return 0 if report.ok else 1


def _print(report: CheckReport, shown: int, bare: bool) -> None:
    if not bare:
        for name, entries in groupby(report.entries, key=lambda entry: entry.task):
            _print_task(name, list(entries), shown)
        _print_tokens(report)
    console = Console(width=None if sys.stdout.isatty() else WIDE, highlight=False)
    with console.capture() as captured:
        for severity in SEVERITIES:
            found = [f for f in report.findings if f.severity == severity]
            if found:
                _print_findings(console, severity, found, shown)
    print("\n".join(line.rstrip() for line in captured.get().split("\n")), end="")
    counts = [(s, sum(f.severity == s for f in report.findings)) for s in SEVERITIES]
    told = ", ".join(f"{n} {s}{'' if n == 1 else 's'}" for s, n in counts if n)
    print(f"{report.name}: {told or 'nothing to complain about'}")


def _print_task(name: str, entries: Sequence[Entry], shown: int) -> None:
    print(f"{name} ({entries[0].kind})")
    rows: dict[tuple[str, ...], list[str]] = {}
    for entry in entries:
        row = [entry.split, f"{entry.examples:,}", f"{entry.without_gold:,}"]
        row += [f"{entry.candidates:,}" if entry.kind == "query" else _labels(entry)]
        rows.setdefault((*row, entry.official), []).append(entry.language)
    counted = "candidates" if entries[0].kind == "query" else "labels"
    columns = ("split", "languages", "examples", "without gold", counted, "official")
    display.table(
        columns,
        [(row[0], " ".join(tags), *row[1:]) for row, tags in rows.items()],
        right=("examples", "without gold", "candidates"),
    )
    for entry in entries:
        for example in entry.first[:shown]:
            print(f"  {entry.language} {entry.split}  {_example(example)}")
    print()


def _labels(entry: Entry) -> str:
    most = sorted(entry.labels.items(), key=lambda pair: (-pair[1], pair[0]))[:LABELS]
    more = len(entry.labels) - len(most)
    shown = ", ".join(f"{label} {count:,}" for label, count in most)
    return shown + (f", {more} more" if more else "")


def _example(example: dict[str, Any]) -> str:
    """An example on one line, as its kind is read."""
    if "options" in example:
        label = example["label"]
        options = [
            f"{'*' if place == label else ''}{_cut(option, 40)}"
            for place, option in enumerate(example["options"])
        ]
        return f"{_cut(example['context'])} [{' | '.join(options)}]"
    if "words" in example:
        tags = example["tags"] or [""] * len(example["words"])
        words = [
            f"{word}/{tag}" if tag else word
            for word, tag in zip(example["words"], tags, strict=True)
        ]
        return _cut(" ".join(words), 2 * _TEXT)
    if "question" in example:
        answers = example["answers"]
        given = "no gold" if answers is None else answers[0]["text"] if answers else "no answer"
        return (
            f"{_cut(example['question'])} -> {_cut(given, 60)}  in: {_cut(example['context'], 60)}"
        )
    if "source" in example:
        return f"{_cut(example['source'])} = {_cut(example['target'])}"
    texts = [
        _cut(example[name]) for name in ("text", "pair", "prompt", "query") if example.get(name)
    ]
    told = ("label", "value", "completion", "relevant")
    gold = next((example[n] for n in told if n in example), None)
    gold = ", ".join(gold) or None if isinstance(gold, list) else gold
    return " / ".join(texts) + (f" -> {_cut(str(gold), 60)}" if gold is not None else "")


def _cut(text: str, characters: int = _TEXT) -> str:
    plain = " ".join(text.split())
    return plain if len(plain) <= characters else plain[: characters - 1] + "…"


def _print_tokens(report: CheckReport) -> None:
    if not report.tokens:
        return
    columns = (
        "tokens",
        "language",
        "split",
        "max",
        "too long",
        "per word",
        "characters each",
        "unknown",
    )
    rows = [
        (
            row.task,
            row.language,
            row.split,
            row.max_tokens,
            f"{100 * row.too_long / row.examples:.1f}%",
            "" if row.tokens_per_word is None else f"{row.tokens_per_word:.2f}",
            f"{row.characters_per_token:.1f}",
            f"{100 * row.unknown_share:.2f}%",
        )
        for row in report.tokens
    ]
    display.table(columns, rows, right=columns[3:])
    print()


def _print_findings(
    console: Console, severity: Severity, found: Sequence[Finding], shown: int
) -> None:
    """Each code and message once, under it where it holds; examples of all but notes."""
    console.print(Text(f"{severity}s", style=_STYLES[severity]))
    alike: dict[tuple[str, str], list[Finding]] = {}
    for finding in found:
        words = _SHARE.sub("", finding.message).rstrip(".")
        alike.setdefault((finding.code, words), []).append(finding)
    for (code, words), group in alike.items():
        console.print(Padding(Text.assemble((code, "bold"), f": {words}."), (0, 0, 0, 2)))
        places: dict[str, list[Finding]] = {}
        for finding in group:
            places.setdefault(f"{finding.task} {finding.split}".strip(), []).append(finding)
        for place, some in places.items():
            _print_place(console, place, some, severity, shown)
    console.print()


def _print_place(
    console: Console, place: str, some: Sequence[Finding], severity: Severity, shown: int
) -> None:
    """`pawsx dev: de 32 (1.6%), zh 10 (0.5%)`, and some of the examples."""
    counts = ", ".join(f"{f.language} {_share(f)}".strip() for f in some)
    _indented(console, f"{place}: {counts}")
    each = 1 if len(some) > 1 else shown + 1
    examples = [f"{f.language} {_cut(e)}".strip() for f in some for e in f.examples[:each]]
    if severity == "error":
        for example in examples[: 3 * shown]:
            _indented(console, example, style="dim", by=6)
    elif severity == "warning" and shown and examples:
        _indented(console, "; ".join(examples[: shown + 2]), style="dim", by=6)


def _share(finding: Finding) -> str:
    """`32 (1.6%)`, or the count where its message gives no share."""
    found = _SHARE.match(finding.message)
    return f"{finding.count:,} ({found[1]})" if found else f"{finding.count:,}"


def _indented(console: Console, text: str, style: str = "", by: int = 4) -> None:
    console.print(Padding(Text(text, style=style), (0, 0, 0, by)))
