"""A study's results as Markdown, CSV and JSON.

CSV has one row for each backbone, stop, target, variant, seed, language, metric and value, and
carries no judgement; JSON has everything the HTML report says, in the shape that
`report_schema.json` beside this file documents; Markdown is for pages and messages.
"""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Final

from waystation.buckets import Aspects
from waystation.examples import JSON
from waystation.languages import distance_to_english
from waystation.report.analysis import BASELINE, MEAN, Analysis, Cell, Part, headline_variant
from waystation.report.breakdown import Breakdown, Bucket, Sliced, breakdowns, sliced
from waystation.report.families import grouped
from waystation.report.numbers import (
    NOTHING,
    interval,
    language_name,
    points,
    score,
    unsigned,
    variant,
)
from waystation.report.profile import fertility
from waystation.report.sentences import metric_line, of_variants
from waystation.report.standing import Standing, standings
from waystation.report.transfer import Transfer
from waystation.report.words import LEGEND, mark
from waystation.results import Results
from waystation.statistics import Gain

SCHEMA_VERSION: Final = 1
CSV_COLUMNS: Final = (
    "backbone", "stop", "target", "task", "variant", "seed", "language", "metric", "value", "items",
    "feature", "bucket",
)  # fmt: skip


# --- Markdown -------------------------------------------------------------------------------


def markdown(analysis: Analysis, aspects: Sequence[Aspects] = ()) -> str:
    """The gains, the scores by language, layers, languages, and what did not run."""
    results = analysis.results
    lines = [f"# {_plain(results.study)}", "", _plain(analysis.sentence), ""]
    for backbone in results.backbones:
        parts = analysis.of(backbone)
        title = "Gains in points over no stop" if analysis.stops else "Scores without a stop"
        lines += [f"## {title}: {_plain(backbone)}", ""]
        rows = [["no stop (score)", *(score(p.mean(BASELINE)) for p in parts)]]
        rows += [[s, *(_gain(p.cell(s)) for p in parts)] for s in analysis.stops]
        lines += _rows(["stop", *(p.target for p in parts)], rows)
        lines += ["", *([_plain(LEGEND), ""] if analysis.stops else [])]
    for part in analysis.parts:
        lines += _part(analysis, part)
    for found in standings(analysis):
        lines += _standing(found)
    lines += _languages(analysis, aspects)
    undone = [s for s in results.steps if s.state != "done"]
    if undone:
        lines += ["## Steps that are not done", ""]
        rows = [[s.label, s.state, s.message] for s in undone]
        lines += _rows(["step", "state", "message"], rows)
        lines.append("")
    if results.warnings:
        lines += ["## Warnings", "", *(f"- {_plain(w)}" for w in results.warnings), ""]
    lines += ["## Provenance", ""]
    lines += _rows(["what", "value"], [list(item) for item in results.provenance.items()])
    return "\n".join(lines) + "\n"


def _part(analysis: Analysis, part: Part) -> list[str]:
    names = list(dict.fromkeys(n for b in part.bounds.values() for n in b))
    many = f" on {part.backbone}" if len(analysis.results.backbones) > 1 else ""
    lines = [f"## {_plain(part.target + many)}", "", _plain(metric_line(part)) + ".", ""]
    lines += [_plain(part.sentence), ""]
    rows: list[list[str]] = []
    for language in (MEAN, *part.languages, *part.apart):
        label = "mean" if language == MEAN else language_name(language)
        label += " (fine-tuned on)" if language in part.apart else ""
        bounds = [score(part.bounds.get(language, {}).get(n)) for n in names]
        gains = [_gain(part.cell(s, language)) for s in analysis.stops]
        rows.append([label, *bounds, score(part.mean(BASELINE, language)), *gains])
    lines += [*_rows(["language", *names, "no stop", *analysis.stops], rows), ""]
    if len(part.variants) > 1:
        layers = []
        for name in part.variants:
            label = variant(name) + (" (in the grid)" if name == part.variant else "")
            gains = [_gain(part.cell(s, MEAN, name)) for s in analysis.stops]
            layers.append([label, score(part.mean(BASELINE, MEAN, name)), *gains])
        lines += [_plain(of_variants(part)), ""]
        lines += [*_rows(["layer and pooling", "no stop", *analysis.stops], layers), ""]
    if part.transfer:
        lines += ["English minus the mean of the other zero-shot languages:", ""]
        gaps = [_transfer(found) for found in part.transfer]
        heads = ["route", "English", "others", "gap", "change by the stop"]
        lines += [*_rows(heads, gaps), ""]
    return lines


def _transfer(found: Transfer) -> list[str]:
    gap, change = found.gap, found.change
    moved = "" if change is None else f"{points(change.value)} {interval(change.low, change.high)}"
    return [
        "no stop" if found.stop == BASELINE else found.stop,
        score(found.english),
        score(found.others),
        unsigned(f"{points(gap.value)} {interval(gap.low, gap.high)}"),
        moved,
    ]


def _standing(found: Standing) -> list[str]:
    """A benchmark's overall, group and task scores by route, and what is missing."""
    official = found.benchmark
    heads = ["route", "overall", *official.groups, *official.tasks, "missing"]
    rows = []
    for line in found.lines:
        numbers = [line.overall, *line.groups.values(), *line.tasks.values()]
        stop = "no stop" if line.stop == BASELINE else line.stop
        rows.append([stop, *map(score, numbers), "; ".join(line.missing)])
    notes = [f"- {_plain(note)}" for note in found.notes]
    title = _plain(f"{official.title}, {found.backbone}")
    return [f"## {title}", "", *_rows(heads, rows), "", *notes, *([""] if notes else [])]


def _languages(analysis: Analysis, aspects: Sequence[Aspects]) -> list[str]:
    """Family, script, distance and tokens per word of every language that was evaluated."""
    tags = list(dict.fromkeys(t for p in analysis.parts for t in (*p.languages, *p.apart)))
    if not tags:
        return []
    backbones = analysis.results.backbones
    counted = [b for b in backbones if any(fertility(aspects, b, t) for t in tags)]
    heads = ["language", "family", "script", "distance to English"]
    for backbone in counted:
        many = f", {backbone}" if len(backbones) > 1 else ""
        heads += [f"tokens per word{many}", f"characters per token{many}"]
    rows = []
    for family, found in grouped(tags):
        for row in found:
            far = distance_to_english(row.tag)
            cells = [
                language_name(row.tag),
                family,
                row.script,
                NOTHING if far is None else f"{far}",
            ]
            for backbone in counted:
                pieces = fertility(aspects, backbone, row.tag)
                word = pieces.per_word if pieces else None
                cells.append(NOTHING if word is None else f"{word:.2f}")
                cells.append(f"{pieces.characters:.2f}" if pieces else NOTHING)
            rows.append(cells)
    return ["## Languages", "", *_rows(heads, rows), ""]


def _gain(cell: Cell | None) -> str:
    if cell is None or cell.gain is None:
        return "not measured"
    bounds = interval(cell.gain.low, cell.gain.high)
    return f"{points(cell.gain.value)} {bounds} {mark(cell)}".strip()


def _rows(head: list[str], rows: list[list[str]]) -> list[str]:
    rule = ["---"] + ["---:"] * (len(head) - 1)
    return [f"| {' | '.join(_plain(c) for c in row)} |" for row in (head, rule, *rows)]


def _plain(text: str) -> str:
    """Text that Markdown shows as it is, on one line."""
    text = " ".join(text.split())
    for character in "\\`*_{}<>#|":
        text = text.replace(character, f"\\{character}")
    return text


# --- CSV ------------------------------------------------------------------------------------


def comma_separated(results: Results, aspects: Sequence[Aspects] = ()) -> str:
    """One row for each value, as measured: no means, no gains.

    Rows with a feature and a bucket are the headline metric of those items alone, in the variant
    that the grid shows.
    """
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(CSV_COLUMNS)
    for s in results.scores:
        for name, value in s.values.items():
            route = (s.backbone, s.stop, s.target, s.task, s.variant, s.seed, s.language)
            writer.writerow((*route, name, repr(float(value)), len(s.ids), "", ""))
    for one in _sliced(results, aspects):
        s = one.score
        route = (s.backbone, s.stop, s.target, s.task, s.variant, s.seed, s.language)
        where = (one.feature.name, one.feature.buckets[one.bucket])
        shown = repr(s.values[s.headline])
        writer.writerow((*route, s.headline, shown, one.items, *where))
    return out.getvalue()


def _sliced(results: Results, aspects: Sequence[Aspects]) -> Iterator[Sliced]:
    variants: dict[tuple[str, str], list[str]] = {}
    for s in results.scores:
        variants.setdefault((s.backbone, s.target), []).append(s.variant)
    shown = {
        key: headline_variant(tuple(dict.fromkeys(found)), results.official.get(key))
        for key, found in variants.items()
    }
    for aspect in aspects:
        wanted = (aspect.target, aspect.language)
        yield from sliced(
            [
                s
                for s in results.scores
                if (s.target, s.language) == wanted and s.variant == shown[s.backbone, s.target]
            ],
            aspect,
        )


# --- JSON -----------------------------------------------------------------------------------


def as_json(analysis: Analysis, aspects: Sequence[Aspects] = ()) -> str:
    """Everything that the report says, see `report_schema.json`."""
    return (
        json.dumps(document(analysis, aspects), ensure_ascii=False, indent=2, allow_nan=False)
        + "\n"
    )


def document(analysis: Analysis, aspects: Sequence[Aspects] = ()) -> JSON:
    """The JSON report as plain values."""
    results = analysis.results
    tables = breakdowns(analysis, aspects)
    return {
        "schema": SCHEMA_VERSION,
        "study": results.study,
        "sentence": analysis.sentence,
        "backbones": list(results.backbones),
        "seeds": list(results.seeds),
        "stops": list(results.stops),
        "targets": [_target(part, tables) for part in analysis.parts],
        "benchmarks": [_benchmark(found) for found in standings(analysis)],
        "languages": _tongues(analysis, aspects),
        "scores": [
            {
                "backbone": s.backbone,
                "stop": s.stop,
                "target": s.target,
                "variant": s.variant,
                "seed": s.seed,
                "language": s.language,
                "items": len(s.ids),
                "values": {name: _finite(v) for name, v in s.values.items()},
                "baselines": {name: _finite(v) for name, v in s.baselines.items()},
            }
            for s in results.scores
        ],
        "steps": [
            {
                "key": s.key,
                "kind": s.kind,
                "label": s.label,
                "stops": list(s.stops),
                "targets": list(s.targets),
                "state": s.state,
                "seconds": _finite(s.seconds),
                "peak_memory_bytes": s.peak_memory_bytes,
                "message": s.message,
            }
            for s in results.steps
        ],
        "warnings": list(results.warnings),
        "provenance": dict(results.provenance),
    }


def _target(part: Part, tables: Sequence[Breakdown]) -> JSON:
    return {
        "backbone": part.backbone,
        "target": part.target,
        "task": part.task,
        "headline": part.headline,
        "fine_tuned": part.fine_tuned,
        "sentence": part.sentence,
        "languages": list(part.languages),
        "fine_tuning_languages": list(part.apart),
        "variant": part.variant,
        "variants": list(part.variants),
        "official_variant": part.official,
        "about_variants": of_variants(part),
        "baselines": {
            language or "mean": {n: _finite(v) for n, v in bounds.items()}
            for language, bounds in part.bounds.items()
        },
        "gains": [_cell(cell, part) for cell in part.cells],
        "transfer": [
            {
                "stop": found.stop,
                "english": found.english,
                "others": found.others,
                "gap": {k: _value(v) for k, v in asdict(found.gap).items()},
                "change": None if found.change is None else _gain_json(found.change),
            }
            for found in part.transfer
        ],
        "breakdowns": [
            {
                "feature": table.feature,
                "meaning": table.meaning,
                "buckets": [_bucket(bucket, part) for bucket in table.buckets],
            }
            for table in tables
            if (table.backbone, table.target) == (part.backbone, part.target)
        ],
    }


def _bucket(bucket: Bucket, part: Part) -> JSON:
    return {
        "bucket": bucket.name,
        "items": bucket.items,
        "languages": list(bucket.languages),
        "scores": {stop: _finite(value) for stop, value in bucket.means.items()},
        "gains": {c.stop: None if c.gain is None else _gain_json(c.gain) for c in bucket.cells},
    }


def _gain_json(gain: Gain) -> JSON:
    return {k: _value(v) for k, v in asdict(gain).items()}


def _benchmark(found: Standing) -> JSON:
    return {
        "benchmark": found.benchmark.name,
        "backbone": found.backbone,
        "notes": list(found.notes),
        "routes": [
            {
                "stop": line.stop,
                "overall": line.overall,
                "groups": dict(line.groups),
                "tasks": dict(line.tasks),
                "missing": list(line.missing),
            }
            for line in found.lines
        ],
    }


def _tongues(analysis: Analysis, aspects: Sequence[Aspects]) -> JSON:
    """What each evaluated language is, and how each backbone's tokenizer cuts it."""
    tags = dict.fromkeys(t for p in analysis.parts for t in (*p.languages, *p.apart))
    found: list[JSON] = []
    for family, rows in grouped(tags):
        for row in rows:
            pieces: dict[str, JSON] = {}
            for backbone in analysis.results.backbones:
                cut = fertility(aspects, backbone, row.tag)
                if cut is not None:
                    pieces[backbone] = {
                        "tokens_per_word": _finite(cut.per_word),
                        "characters_per_token": cut.characters,
                    }
            found.append(
                {
                    "language": row.tag,
                    "name": row.name,
                    "family": family,
                    "script": row.script,
                    "distance_to_english": distance_to_english(row.tag),
                    "tokens": pieces,
                }
            )
    return found


def _cell(cell: Cell, part: Part) -> JSON:
    gain = None if cell.gain is None else _gain_json(cell.gain)
    return {
        "stop": cell.stop,
        "variant": cell.variant,
        "language": cell.language or "mean",
        "in_grid": cell.language == MEAN and cell.variant == part.variant,
        "languages": list(cell.languages),
        "baseline": _finite(cell.baseline),
        "score": _finite(cell.score),
        "gain": gain,
        "adjusted_p": _finite(cell.adjusted_p),
        "informative": cell.informative,
        "verdict": cell.verdict,
        "note": cell.note,
    }


def _value(value: object) -> JSON:
    if isinstance(value, dict):
        return {str(k): _value(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [_value(v) for v in value]
    if isinstance(value, (str, int)) or value is None:
        return value
    assert isinstance(value, float), type(value)
    return _finite(value)


def _finite(value: float | None) -> float | None:
    """JSON has no infinity; what is not a number is null."""
    return float(value) if value is not None and math.isfinite(value) else None
