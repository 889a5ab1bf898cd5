"""A study's results as Markdown, for pages and messages; scores by bucket are not in it."""

from __future__ import annotations

from collections.abc import Sequence

from waystation.buckets import Aspects
from waystation.languages import distance_to_english
from waystation.report import forgetting, selection
from waystation.report.analysis import BASELINE, MEAN, Analysis, Cell, Part
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
    if analysis.collapses:
        lines += ["## What collapsed", ""]
        lines += [*(f"- {_plain(c.sentence)}" for c in analysis.collapses), ""]
    for part in analysis.parts:
        lines += _part(analysis, part)
    lines += _selection(analysis)
    lines += _forgetting(analysis)
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


def _forgetting(analysis: Analysis) -> list[str]:
    """Each probe by language and layer, and its correlation with every target's gains."""
    if not analysis.probes and not analysis.results.unprobed:
        return []
    lines = ["## What the stops forgot", ""]
    for probe in analysis.probes:
        lines += [f"### {_plain(forgetting.title(analysis, probe))}", ""]
        lines += [_plain(f"{forgetting.about(probe)} {forgetting.sentence(probe)}"), ""]
        columns = [(MEAN, probe.variant), *((tag, probe.variant) for tag in probe.languages)]
        heads = ["mean", *map(language_name, probe.languages)]
        lines += _changes(probe, columns, heads)
        if len(probe.variants) > 1:
            lines += ["By layer, mean over the languages:", ""]
            lines += _changes(
                probe, [(MEAN, v) for v in probe.variants], list(map(variant, probe.variants))
            )
        for found in forgetting.against(analysis, probe):
            said = f"Against the gains on {found.target}: {forgetting.said(found)}."
            lines.append(f"- {_plain(said)}")
        lines.append("")
    return [*lines, *(f"- {_plain(why)}" for why in forgetting.unmeasured(analysis.results)), ""]


def _changes(probe: Part, columns: list[tuple[str, str]], heads: list[str]) -> list[str]:
    raw = [forgetting.value(probe, probe.mean(BASELINE, tag, v)) for tag, v in columns]
    rows = [["raw backbone", *raw]]
    for stop in dict.fromkeys(c.stop for c in probe.cells):
        rows.append(
            [stop, *(forgetting.change(probe, probe.cell(stop, tag, v)) for tag, v in columns)]
        )
    return [*_rows(["route", *heads], rows), ""]


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


def _selection(analysis: Analysis) -> list[str]:
    """Ways to choose a checkpoint side by side, and what sweeps compared."""
    found, sweeps = analysis.choices, analysis.results.sweeps
    lines = [f"## {selection.TITLE}", ""] if found or sweeps else []
    if found:
        lines += [_plain(selection.sentence(found)), "", _plain(selection.note(found)), ""]
    for choice in found:
        lines += [f"### {_plain(selection.title(analysis, choice))}", ""]
        lines += [*_rows(selection.heads(choice), selection.rows(choice)), ""]
    if sweeps:
        lines += ["### Learning rates", ""]
        lines += [*_rows(selection.SWEEP_HEADS, selection.sweep_rows(sweeps)), ""]
    return lines


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
