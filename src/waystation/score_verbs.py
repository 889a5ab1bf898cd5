"""What `score` and `submission` print: values of two files, of two folders, of a study's route.

Results go to standard output, what is missing and worth knowing to standard error. Nothing is
computed here, and nothing needs torch.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from waystation import benchmarks, display, task
from waystation.benchmarks import BENCHMARKS, Benchmark
from waystation.errors import UserError, suggest
from waystation.task import CATALOGUE

if TYPE_CHECKING:
    from waystation.run import Options
    from waystation.submission import Choice


def show_score(
    name: str, predictions: Path, references: Path, language: str | None, *, json: bool
) -> None:
    """The official metric of a task on two files, or of a benchmark on two folders."""
    if name in BENCHMARKS:
        if language is not None:
            raise UserError(
                f"expected no --language with {name}, whose folders hold every language, found"
                f" '{language}'; score one file with the name of its task."
            )
        _show_benchmark(BENCHMARKS[name], predictions, references, json=json)
        return
    if ":" not in name and name not in CATALOGUE:
        known = (*CATALOGUE, *BENCHMARKS)
        raise UserError(
            f"expected the name of a task or of a benchmark ({', '.join(BENCHMARKS)}), found"
            f" '{name}'.{suggest(name, known)} `waystation tasks` lists tasks; a task of your own"
            " is written file.py:NAME."
        )
    from waystation.score import score_files

    found: Any = score_files(task.get(name), predictions, references, language)
    scores = {
        variant or "scores": {k: v for one in metrics.values() for k, v in one["values"].items()}
        for variant, metrics in found["variants"].items()
    }
    if json:
        kept = ("task", "version", "language", "count", "baselines", "notes")
        display.as_json({key: found[key] for key in kept} | {"scores": scores})
        return
    rows = [
        (name if variant == "scores" else f"{variant} {name}", _number(value))
        for variant, values in scores.items()
        for name, value in values.items()
    ]
    rows += [(name, _number(value)) for name, value in found["baselines"].items()]
    display.table(
        ("", found["task"]), [("examples", found["count"]), *rows], right=(found["task"],)
    )
    _say(found["notes"])


def _say(sentences: list[str]) -> None:
    for sentence in sentences:
        print(sentence, file=sys.stderr)


def _number(value: float | None, otherwise: str = "not defined") -> str:
    return otherwise if value is None else f"{value:.2f}"


def _show_benchmark(
    benchmark: Benchmark, predictions: Path, references: Path, *, json: bool
) -> None:
    from waystation.score import score_benchmark

    def progress(name: str) -> None:
        if sys.stderr.isatty():
            print(f"\r\033[Kscoring {name}", end="", file=sys.stderr, flush=True)

    found: Any = score_benchmark(benchmark, predictions, references, progress)
    if sys.stderr.isatty():
        print("\r\033[K", end="", file=sys.stderr)
    if json:
        display.as_json(found)
        return
    _table_of_languages(benchmark, found)
    print()
    _table_of_scores(benchmark, found)
    _say([f"Missing: {sentence}" for sentence in found["missing"]])
    _say([f"Note: {sentence}" for sentence in (*found["notes"], *found["remarks"])])


def _table_of_languages(benchmark: Benchmark, found: Any) -> None:
    rows = []
    for part in benchmark.parts:
        scored = found["tasks"][part.name]
        for name in part.values:
            values = [f"{tag} {one[name]:.2f}" for tag, one in scored["languages"].items()]
            average = _number(scored["averages"].get(name), "")
            if values:
                rows.append((part.name, name, average, "  ".join(values)))
    if rows:
        display.table(("task", "value", "average", "languages"), rows, right=("average",))


def _table_of_scores(benchmark: Benchmark, found: Any) -> None:
    rows = [
        (name, _number(scored["score"], "incomplete")) for name, scored in found["tasks"].items()
    ]
    rows += [
        (f"{name} ({', '.join(benchmark.groups[name])})", _number(value, "incomplete"))
        for name, value in found["groups"].items()
    ]
    rows += [
        (f"overall ({len(benchmark.parts)} tasks)", _number(found["score"], "incomplete")),
    ]
    display.table((benchmark.title, "score"), rows, right=("score",))


def write_submission(
    study: Path, options: Options, name: str, folder: Path, choice: Choice, *, json: bool
) -> int:
    """A study's predictions in a benchmark's layout; 1 where it is not complete."""
    from waystation.submission import submit

    done = submit(study, options, benchmarks.get(name), folder, choice)
    if json:
        display.as_json(done.to_json())
    else:
        if done.files:
            print(f"Wrote {done.files} files of {done.route} to {folder}.")
        _say([f"Missing: {sentence}" for sentence in done.missing])
        _say([f"Note: {sentence}" for sentence in done.notes])
        if done.missing and not choice.partial:
            print(
                f"Nothing was written: {len(done.missing)} of {len(benchmarks.get(name).parts)}"
                f" tasks are not complete; --partial writes the rest.",
                file=sys.stderr,
            )
    return 1 if done.missing and not choice.partial else 0
