"""A study's results as CSV and JSON.

CSV has one row for each backbone, stop, target, variant, seed, language, metric and value, and
carries no judgement; JSON has everything the HTML report says, in the shape that
`report_schema.json` beside this file documents.
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
from waystation.report import forgetting
from waystation.report.analysis import MEAN, Analysis, Cell, Part, headline_variant
from waystation.report.breakdown import Breakdown, Bucket, Sliced, breakdowns, sliced
from waystation.report.families import grouped
from waystation.report.profile import fertility
from waystation.report.selection import Choice
from waystation.report.sentences import of_variants
from waystation.report.standing import Standing, standings
from waystation.results import Results
from waystation.selections import SEEDS
from waystation.statistics import Gain

SCHEMA_VERSION: Final = 1
CSV_COLUMNS: Final = (
    "backbone", "stop", "target", "task", "variant", "seed", "language", "metric", "value", "items",
    "feature", "bucket",
)  # fmt: skip


# --- CSV ------------------------------------------------------------------------------------


def comma_separated(results: Results, aspects: Sequence[Aspects] = ()) -> str:
    """One row for each value, as measured: no means, no gains.

    Rows with a feature and a bucket are the headline metric of those items alone, in the variant
    that the grid shows; with the feature `selection`, all items under each choice of checkpoint.
    Probes are targets called `probe:NAME`, with the stage as their feature.
    """
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(CSV_COLUMNS)
    for s in results.scores:
        for name, value in s.values.items():
            route = (s.backbone, s.stop, s.target, s.task, s.variant, s.seed, s.language)
            writer.writerow((*route, name, repr(float(value)), len(s.ids), "", ""))
    for probe in results.probes:
        s = probe.score
        for name, value in s.values.items():
            route = (s.backbone, s.stop, f"probe:{s.target}", s.task, s.variant, s.seed, s.language)
            stage = f"{probe.stage} of {probe.stages}"
            writer.writerow((*route, name, repr(float(value)), len(s.ids), "stage", stage))
    for found in results.selections:
        s = found.score
        seed = "all" if found.rule == SEEDS else str(s.seed)
        for name, value in s.values.items():
            place = (s.backbone, s.stop, s.target, s.task, s.variant, seed, s.language)
            number = (name, repr(float(value)), len(s.ids))
            writer.writerow((*place, *number, "selection", found.rule))
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
        "probes": {
            "measured": [_probe(analysis, probe) for probe in analysis.probes],
            "unmeasured": dict(results.unprobed),
        },
        "selections": [_choice(choice) for choice in analysis.choices],
        "sweeps": [
            {
                "training": sweep.training,
                "select": sweep.key,
                "values": [
                    {"learning_rate": rate, "dev_score": _finite(value)}
                    for rate, value in sweep.values
                ],
                "chosen": sweep.chosen,
                "at_edge": sweep.at_edge,
            }
            for sweep in results.sweeps
        ],
        "collapses": [_value(asdict(collapse)) for collapse in analysis.collapses],
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


def _probe(analysis: Analysis, probe: Part) -> JSON:
    """A probe's changes, and how they go with the gains on each target."""
    return {
        "backbone": probe.backbone,
        "probe": probe.target,
        "task": probe.task,
        "headline": probe.headline,
        "languages": list(probe.languages),
        "variant": probe.variant,
        "variants": list(probe.variants),
        "sentence": forgetting.sentence(probe),
        "changes": [
            {
                "route": cell.stop,
                "variant": cell.variant,
                "language": cell.language or "mean",
                "before": _finite(cell.baseline),
                "after": _finite(cell.score),
                "change": None if cell.gain is None else _gain_json(cell.gain),
                "note": cell.note,
            }
            for cell in probe.cells
        ],
        "against": [
            {
                "target": found.target,
                "rho": found.rho,
                "low": found.low,
                "high": found.high,
                "note": found.note,
                "points": [
                    {
                        "stop": mark.stop,
                        "language": mark.language or "mean",
                        "change": mark.change,
                        "gain": mark.gain,
                    }
                    for mark in found.points
                ],
            }
            for found in forgetting.against(analysis, probe)
        ],
    }


def _choice(choice: Choice) -> JSON:
    """The ways to choose a checkpoint that a route compares."""
    languages: list[JSON] = []
    for language in (MEAN, *choice.languages):
        rules: dict[str, JSON] = {}
        for rule in choice.rules:
            cell = choice.cells.get((rule, language))
            if cell is not None:
                rules[rule] = {
                    "score": _finite(cell.score),
                    "seeds": cell.seeds,
                    "steps": list(cell.steps),
                    "difference": None if cell.gain is None else _gain_json(cell.gain),
                }
        spread = choice.spread(language)
        width = None if spread is None else _finite(spread[0])
        languages.append({"language": language or "mean", "spread": width, "rules": rules})
    return {
        "backbone": choice.backbone,
        "target": choice.target,
        "stop": choice.stop,
        "own": choice.own,
        "reference": choice.reference,
        "languages": languages,
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
