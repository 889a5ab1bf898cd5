"""What speaks for a mistake although a file has the right format: ids, scripts, forms of text.

A file of another language or split is refused where ids or scripts say so, since its score would
be a number without meaning. What may be right is a note beside the score: answers that stand
nowhere in their contexts, and answers that differ from the gold only in Unicode's composition or
in invisible characters, which the official scripts count as wrong and so does the score.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path
from typing import Any, Final

from waystation.errors import DataError, UserError
from waystation.examples import SpanExample, SpanPrediction
from waystation.task import Task

ENOUGH: Final = 20
"""Answers from which on a share of them says something."""
_NAMED: Final = re.compile(r"test-([A-Za-z]{2,3}(?:-[A-Za-z]+)*)\.\w+$")
_EAST_ASIAN: Final = ("CJK", "HIRAGANA", "KATAKANA", "HANGUL")


def language_of(task: Task[Any], given: str | None, *paths: Path) -> str | None:
    """The language of files: as given, else as official names say; None where nothing does.

    Official are a submission's `test-de.tsv` and the names that a task's own files have.
    """
    named = {path.name: tag for path in paths if (tag := _named(task, path.name))}
    languages = [*dict.fromkeys([*([given] if given else []), *named.values()])]
    if len(languages) > 1:
        wanted = f"of '{given}'" if given else "of one language"
        other = [name for name, language in named.items() if language != given]
        raise UserError(
            f"expected files {wanted}, found {' and '.join(other)}; name files of the same"
            " language, or rename them."
        )
    return languages[0] if languages else None


def _named(task: Task[Any], name: str) -> str | None:
    """The one language of a file name, if there is one."""
    if match := _NAMED.search(name):
        return match[1]
    found: dict[bool, dict[str, None]] = {True: {}, False: {}}
    for layout in task.layouts:
        for language in task.languages:
            for split in task.splits:
                for own in (Path(p).name for p in layout.paths(language, split)):
                    if fnmatchcase(name, own):
                        found[name == own][language] = None
    likely = found[True] or found[False]
    return next(iter(likely)) if len(likely) == 1 else None


def check_ids(found: Sequence[str], wanted: Sequence[str], path: Path) -> None:
    """Every id is one of the references', and once."""
    known = frozenset(wanted)
    unknown = [name for name in found if name not in known]
    if unknown and 2 * len(unknown) > len(found):
        raise DataError(
            f"expected the ids of the references, such as '{wanted[0]}', found {len(unknown)} of"
            f" {len(found)} that they do not have, such as '{unknown[0]}'; is this the file of"
            " another language or split?",
            path,
        )
    if unknown:
        raise DataError(
            f"expected only ids of the references, found the unknown id '{unknown[0]}'"
            f" ({len(unknown)} in all); remove what was not asked",
            path,
        )
    twice = next((name for name, count in Counter(found).items() if count > 1), None)
    if twice is not None:
        raise DataError(
            f"expected one prediction per example, found two for id '{twice}'; remove one", path
        )
    there = frozenset(found)
    missing = [name for name in wanted if name not in there]
    if missing:
        raise DataError(
            f"expected {len(wanted)} predictions, one per example, found {len(found)}: id"
            f" '{missing[0]}' is the first without one; predict the whole split",
            path,
        )


def check_positions(found: Sequence[tuple[int, Any]], gold: Sequence[str], path: Path) -> None:
    """Positions lie in the file that the gold positions number completely, where they do."""
    if sorted(map(int, gold)) != list(range(len(gold))):
        return
    for line, position in found:
        if int(position) >= len(gold):
            raise DataError(
                f"expected positions from 0 to {len(gold) - 1}, as the references have, found"
                f" {position}; the first line of a file is number 0",
                path,
                line,
            )


def check_pairs(
    found: Sequence[tuple[int, tuple[str, str]]], gold: Sequence[tuple[str, str]], path: Path
) -> None:
    """Pairs' ids begin as the gold pairs' do (`de-000413461`), column by column."""
    for column, what in enumerate(("source", "target")):
        examples = [pair[column] for pair in gold]
        prefixes = {_prefix(name) for name in examples}
        for line, pair in found:
            if _prefix(pair[column]) not in prefixes:
                raise DataError(
                    f"expected {what} ids such as '{examples[0]}', as the references have, found"
                    f" '{pair[column]}'; are these pairs of another language, or the columns"
                    " swapped?",
                    path,
                    line,
                )


def _prefix(name: str) -> str:
    return name.rpartition("-")[0]


def check_scripts(
    predictions: Iterable[SpanPrediction], examples: Iterable[SpanExample], path: Path
) -> None:
    """Answers are written in the script of the gold answers."""
    answers = [p.text for p in predictions if any(map(str.isalpha, p.text))]
    gold = [answer.text for e in examples for answer in e.answers or ()]
    if len(answers) < ENOUGH or not gold:
        return
    wanted, share = _main_script(gold)
    letters = _scripts(answers)
    if share > 0.6 and letters[wanted] < 0.2 * letters.total():
        raise DataError(
            f"expected answers in the script of the references ({wanted.lower()}), found"
            f" {_main_script(answers)[0].lower()}; is this the file of another language?",
            path,
        )


def _main_script(texts: Iterable[str]) -> tuple[str, float]:
    counts = _scripts(texts)
    name, count = max(sorted(counts.items()), key=lambda item: item[1], default=("", 0))
    return name, count / max(1, counts.total())


def _scripts(texts: Iterable[str]) -> Counter[str]:
    return Counter(_script(c) for text in texts for c in text if c.isalpha())


@cache
def _script(character: str) -> str:
    """The first word of its Unicode name, which is its script; Chinese to Korean are one."""
    name = unicodedata.name(character, "UNKNOWN").split()[0]
    return "CJK" if name in _EAST_ASIAN else name


def notes(predictions: Sequence[SpanPrediction], examples: Sequence[SpanExample]) -> list[str]:
    """What to say of answers beside their score."""
    asked = {example.id: example for example in examples}
    found = []
    filled = [p for p in predictions if p.text.strip()]
    lost = [p for p in filled if _plain(p.text) not in _plain(asked[p.id].context)]
    if len(filled) >= ENOUGH and 4 * len(lost) > len(filled):
        found.append(
            f"{len(lost)} of {len(filled)} answers stand nowhere in their contexts, the first for"
            f" '{lost[0].id}': is this the file of another language?"
        )
    close = [p for p in filled if _only_form_differs(p.text, asked[p.id])]
    if close:
        found.append(
            f"{len(close)} of {len(filled)} answers differ from the gold only in Unicode"
            f" composition or invisible characters, the first for '{close[0].id}'; they count as"
            " the official script counts them."
        )
    return found


def _only_form_differs(text: str, example: SpanExample) -> bool:
    gold = [answer.text for answer in example.answers or ()]
    return text not in gold and _form(text) in map(_form, gold)


def _form(text: str) -> str:
    """Composed, and without format characters such as the marks of direction."""
    visible = "".join(c for c in text if unicodedata.category(c) != "Cf")
    return unicodedata.normalize("NFC", visible)


def _plain(text: str) -> str:
    return "".join(_form(text).lower().split())
