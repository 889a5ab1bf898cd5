"""Group and overall scores of a benchmark, where a study covers at least one of its groups.

The arithmetic is `score.benchmark.summed_up`'s: means over all official languages, English
included, of the values averaged over seeds. A group or the overall score is there only where all
its tasks are complete; what is missing is named. Official test sets have their sizes, and a study
of fewer items says so. These numbers have no interval: gains of stops on targets do.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from waystation.benchmarks import BENCHMARKS, Benchmark
from waystation.report.analysis import Analysis, Part
from waystation.report.numbers import count, listing, variant
from waystation.score.benchmark import Values, sizes, summed_up


@dataclass(frozen=True, kw_only=True)
class Line:
    """One stop's scores, None where they are not complete."""

    stop: str
    tasks: Mapping[str, float | None]
    groups: Mapping[str, float | None]
    overall: float | None
    missing: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Standing:
    """A benchmark on one backbone; `notes` say where it is not the official setting."""

    backbone: str
    benchmark: Benchmark
    lines: tuple[Line, ...]
    notes: tuple[str, ...]


def standings(analysis: Analysis) -> tuple[Standing, ...]:
    """Every benchmark of which some stop has a group of several tasks, or all of it."""
    return tuple(
        standing
        for backbone in analysis.results.backbones
        for benchmark in BENCHMARKS.values()
        for standing in _standing(analysis, backbone, benchmark)
    )


def _standing(analysis: Analysis, backbone: str, benchmark: Benchmark) -> Iterator[Standing]:
    parts: dict[str, Part] = {}
    for part in analysis.of(backbone):
        if part.task in benchmark.tasks:
            parts.setdefault(part.task, part)
    lines = tuple(_line(analysis, benchmark, parts, stop) for stop in analysis.results.stops)
    several = [name for name, tasks in benchmark.groups.items() if len(tasks) > 1]
    if any(line.groups[name] is not None for line in lines for name in several):
        yield Standing(
            backbone=backbone,
            benchmark=benchmark,
            lines=lines,
            notes=tuple(_notes(analysis, benchmark, parts)),
        )


def _line(analysis: Analysis, benchmark: Benchmark, parts: Mapping[str, Part], stop: str) -> Line:
    values = {name: _values(analysis, part, stop) for name, part in parts.items()}
    found = cast("Any", summed_up(benchmark, values))
    return Line(
        stop=stop,
        tasks={name: found["tasks"][name]["score"] for name in benchmark.tasks},
        groups=found["groups"],
        overall=found["score"],
        missing=tuple(_missing(benchmark, values)),
    )


def _values(analysis: Analysis, part: Part, stop: str) -> Values:
    """Value name -> language -> mean over seeds, in the variant that the grid shows."""
    wanted = (part.backbone, part.target, stop, part.variant)
    seen: dict[str, dict[str, list[float]]] = {}
    for s in analysis.results.scores:
        if (s.backbone, s.target, s.stop, s.variant) == wanted:
            for name, value in s.values.items():
                seen.setdefault(name, {}).setdefault(s.language, []).append(value)
    return {
        name: {tag: sum(v) / len(v) for tag, v in languages.items()}
        for name, languages in seen.items()
    }


def _missing(benchmark: Benchmark, values: Mapping[str, Values]) -> Iterator[str]:
    for part in benchmark.parts:
        own = values.get(part.name, {})
        absent = [t for t in part.languages if not all(t in own.get(n, {}) for n in part.values)]
        if len(absent) == len(part.languages):
            yield part.name
        elif absent:
            yield f"{part.name} in {listing(absent)}"


def _notes(analysis: Analysis, benchmark: Benchmark, parts: Mapping[str, Part]) -> Iterator[str]:
    for name, part in parts.items():
        targets = [p.target for p in analysis.of(part.backbone) if p.task == name]
        if len(targets) > 1:
            others = listing(targets[1:])
            yield f"{name}: the study's target {targets[0]}, its first of this task, not {others}."
        official = benchmark.part(name)
        items: dict[str, int] = {}
        for s in analysis.results.scores:
            if (s.backbone, s.target) == (part.backbone, part.target):
                items[s.language] = len(s.ids)
        yield from sizes(official, {t: n for t, n in items.items() if t in official.languages})
        if part.variant != part.official and len(part.variants) > 1:
            yield f"{name}: {variant(part.variant)}, which is not the official variant."
    seeds = len(analysis.results.seeds)
    if seeds > 1:
        yield f"Means over {count(seeds, 'seed')}; languages as the benchmark lists them."


def said(missing: Sequence[str]) -> str:
    """What a line lacks, or that it lacks nothing."""
    return f"missing: {'; '.join(missing)}" if missing else "complete"
