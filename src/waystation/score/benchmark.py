"""`score_benchmark`: two folders in the official layout, by language, task, group and overall.

Folders hold one folder per task with `test-{language}.{suffix}`, as google-research/xtreme@838c13b,
`evaluate.py`, reads them, and the arithmetic is that script's: means over languages in its order,
a question answering task's score is (mean exact match + mean F1) / 2, groups and the overall
score are means of tasks' scores. What is missing is named and no mean is taken over the rest.
Sums run from first to last: Python 3.12's own `sum` rounds differently in the last digit.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, cast

from waystation import task as tasks
from waystation.benchmarks import Benchmark, Part
from waystation.errors import DataError, UserError, suggest
from waystation.examples import JSON
from waystation.score.files import score_files

Values = dict[str, dict[str, float]]
"""Value name -> language -> value, languages in the official order."""


def mean(values: Iterable[float]) -> float:
    """Sum from first to last, divided by the count."""
    found = list(values)
    total = 0.0
    for value in found:
        total += value
    return total / len(found)


def summed_up(benchmark: Benchmark, values: Mapping[str, Values]) -> dict[str, JSON]:
    """Averages, scores of tasks, groups and overall of values by task; None where incomplete.

    A task counts where every one of its languages has every official value.
    """
    scored: dict[str, dict[str, JSON]] = {}
    scores: dict[str, float] = {}
    for part in benchmark.parts:
        languages = values.get(part.name, {})
        averages: dict[str, float] = {}
        if all(set(part.languages) <= set(languages.get(name, {})) for name in part.values):
            averages = {
                name: mean(languages[name][tag] for tag in part.languages) for name in part.values
            }
            scores[part.name] = mean(averages[name] for name in part.score)
        scored[part.name] = {
            "score": scores.get(part.name),
            "averages": cast("JSON", averages),
            "languages": cast(
                "JSON",
                {
                    tag: {name: languages[name][tag] for name in part.values}
                    for tag in part.languages
                    if all(tag in languages.get(name, {}) for name in part.values)
                },
            ),
        }
    groups = {name: _over(members, scores) for name, members in benchmark.groups.items()}
    return {
        "benchmark": benchmark.name,
        "score": _over(benchmark.tasks, scores),
        "groups": cast("JSON", groups),
        "tasks": cast("JSON", scored),
    }


def _over(members: Sequence[str], scores: Mapping[str, float]) -> float | None:
    return mean(scores[m] for m in members) if all(m in scores for m in members) else None


def score_benchmark(
    benchmark: Benchmark,
    predictions: Path,
    references: Path,
    progress: Callable[[str], None] = lambda _: None,
) -> dict[str, JSON]:
    """What `summed_up` says of two folders, with `missing`, `notes` and the official `remarks`.

    Raises UserError with the faults of all files together.
    """
    _check_folders(benchmark, predictions, references)
    values: dict[str, Values] = {}
    missing: list[str] = []
    notes = _strangers(benchmark, predictions)
    faults: list[str] = []
    for part in benchmark.parts:
        progress(part.name)
        absent = _absent(part, predictions, references)
        missing += absent
        values[part.name] = {name: {} for name in part.values}
        counts: dict[str, int] = {}
        for tag in part.languages:
            made, gold = predictions / part.file(tag), references / part.file(tag)
            if not (made.exists() and gold.exists()):
                continue
            try:
                found: Any = score_files(tasks.get(part.name), made, gold, tag)
                own = _values(part, found, made)
            except UserError as error:
                faults.append(str(error))
                continue
            counts[tag] = found["count"]
            notes += [f"{part.name}, {tag}: {note}" for note in found["notes"]]
            for name in part.values:
                values[part.name][name][tag] = own[name]
        notes += sizes(part, counts)
    if faults:
        raise UserError("\n".join(faults))
    if not any(languages for part in values.values() for languages in part.values()):
        raise UserError(
            f"expected files of {benchmark.title} such as {_example(benchmark)} in {predictions}"
            f" and {references}, found none that both have; give the folders that hold the tasks'"
            " folders, or the name of a task to score one file."
        )
    scores = summed_up(benchmark, values)
    return scores | {
        "missing": cast("JSON", missing),
        "notes": cast("JSON", notes),
        "remarks": list(benchmark.notes) if scores["score"] is not None else [],
    }


def _values(part: Part, found: Any, path: Path) -> Mapping[str, float]:
    """The official values of one file; refuses one that holds several sets of predictions."""
    (variant, *others) = found["variants"].values()
    values: Mapping[str, float] = next(iter(variant.values()))["values"]
    if others or not set(part.values) <= set(values):
        raise DataError(
            f"expected the official layout of {part.name}, found our own predictions of"
            f" {', '.join(found['variants'])} with scores, of which none is chosen and no threshold"
            " applied; `waystation submission` writes the layout",
            path,
        )
    return values


def _check_folders(benchmark: Benchmark, predictions: Path, references: Path) -> None:
    for folder, what in ((predictions, "predictions"), (references, "references")):
        if not folder.is_dir():
            found = "a file" if folder.exists() else "none"
            raise UserError(
                f"expected a folder of {what} at {folder}, with one folder per task of"
                f" {benchmark.title}, found {found}; give the folder that holds"
                f" {_example(benchmark)}."
            )


def _example(benchmark: Benchmark) -> str:
    return benchmark.parts[0].file(benchmark.parts[0].languages[0])


def _absent(part: Part, predictions: Path, references: Path) -> list[str]:
    """One sentence for a task of which files are not there."""
    said: dict[str, str] = {}
    for folder, what in ((predictions, "predictions"), (references, "references")):
        tags = [tag for tag in part.languages if not (folder / part.file(tag)).exists()]
        if tags:
            where = f" for {', '.join(tags)}"
            where = f" ({part.file('*')})" if len(tags) == len(part.languages) else where
            said[where] = f"{said[where]} and no {what}" if where in said else f"no {what}"
    both = " and ".join(f"{what}{where}" for where, what in said.items())
    return [f"{part.name}: {both}."] if both else []


def _strangers(benchmark: Benchmark, folder: Path) -> list[str]:
    """Folders and files of predictions that are no part of the benchmark, which nothing reads."""
    notes = []
    for path in sorted(folder.iterdir()):
        if path.name.startswith("."):
            continue
        if not path.is_dir() or path.name not in benchmark.tasks:
            hint = suggest(path.name, benchmark.tasks)
            notes.append(f"{path.name}: not a task of {benchmark.title}, not scored.{hint}")
            continue
        part = benchmark.part(path.name)
        known = {Path(part.file(tag)).name for tag in part.languages}
        more = [file.name for file in sorted(path.iterdir()) if file.name not in known]
        if more:
            shown = ", ".join(more[:5]) + (f" and {len(more) - 5} more" if len(more) > 5 else "")
            example = part.file(part.languages[0])
            notes.append(f"{path.name}: not scored: {shown}; files are named as {example}.")
    return notes


def sizes(part: Part, counts: Mapping[str, int]) -> list[str]:
    """What to say where test sets do not have the official number of items."""
    if part.size is None:
        return []
    other = {tag: count for tag, count in counts.items() if count != part.size}
    if not other:
        return []
    tag, count = next(iter(other.items()))
    return [
        f"{part.name}: {count:,} items in {tag}"
        + (f" (and other numbers in {len(other) - 1} more languages)" if len(other) > 1 else "")
        + f", where the official test set has {part.size:,}."
    ]
