"""The result tables on a terminal: gains first, then scores; plain text where output is piped.

Tables keep within `WIDTH` columns by splitting targets over several tables. Colour and box lines
come only where the console is a terminal, and never carry meaning alone: marks do.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Final

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from waystation.report import forgetting
from waystation.report.analysis import BASELINE, Analysis, Cell, Part
from waystation.report.numbers import NOTHING, count, interval, points, score, unsigned, variant
from waystation.report.sentences import of_variants
from waystation.report.words import INTERVALS, LEGEND, look, mark

WIDTH: Final = 100
FIRST: Final = 24
COLUMN: Final = 18
STYLES: Final = {"gain": "bold blue", "loss": "bold yellow", "noise": "dim", "none": "dim"}


def show(analysis: Analysis, console: Console) -> None:
    """Print the tables, a sentence for each target and the overview; gains only where stops are."""
    width = min(console.width, WIDTH)
    for backbone in analysis.results.backbones:
        parts = analysis.of(backbone)
        for chosen in _chunks(parts if analysis.stops else (), (width - FIRST) // COLUMN or 1):
            title = f"Gains in points over no stop · {backbone}"
            _print(console, _table(analysis, chosen, title, _gain_cell), width)
        for chosen in _chunks(parts, max(1, (width - FIRST) // COLUMN)):
            title = f"Scores · {backbone}"
            _print(console, _table(analysis, chosen, title, _score_cell, baselines=True), width)
        gaps = [p for p in parts if p.transfer]
        for chosen in _chunks(gaps, max(1, (width - FIRST) // COLUMN)):
            title = f"Transfer gap, English minus the mean of the others · {backbone}"
            _print(console, _table(analysis, chosen, title, _transfer_cell, gaps=True), width)
    _print(console, Text(LEGEND if analysis.stops else INTERVALS), width)
    for part in analysis.parts:
        name = (
            part.target
            if len(analysis.results.backbones) == 1
            else (f"{part.target} ({part.backbone})")
        )
        said = " ".join(filter(None, [part.sentence if part.grid else "", of_variants(part)]))
        if not said:
            continue
        _print(console, Text.assemble((f"{name}: ", "bold"), said), width)
    for probe in analysis.probes:
        title = f"{forgetting.title(analysis, probe)}: "
        said = f"{forgetting.about(probe)} {forgetting.sentence(probe)}"
        _print(console, Text.assemble((title, "bold"), said), width)
    for why in forgetting.unmeasured(analysis.results):
        _print(console, Text(why), width)
    for collapse in analysis.collapses:
        _print(console, Text(f"collapse: {collapse.sentence}", style="yellow"), width)
    for line in _faults(analysis):
        _print(console, Text(line, style="yellow"), width)
    _print(console, Text(analysis.sentence, style="bold"), width)


def _print(console: Console, what: Table | Text, width: int) -> None:
    console.print(what, width=width, highlight=False)


def _chunks(parts: Sequence[Part], size: int) -> Iterator[Sequence[Part]]:
    for start in range(0, len(parts), size):
        yield parts[start : start + size]


def _table(
    analysis: Analysis,
    parts: Sequence[Part],
    title: str,
    cell: Callable[[Part, str], Text],
    *,
    baselines: bool = False,
    gaps: bool = False,
) -> Table:
    table = Table(
        title=title, box=box.SIMPLE_HEAD, title_justify="left", pad_edge=False, title_style="bold"
    )
    table.add_column("stop", overflow="fold", max_width=FIRST - 2)
    for part in parts:
        layer = f"\n{variant(part.variant)}" if part.variant else ""
        header = Text(f"{part.target}\n{part.headline}{layer}")
        table.add_column(header, justify="right", overflow="fold", max_width=COLUMN - 2)
    if baselines:
        names = list(dict.fromkeys(n for p in parts for n in p.bounds[""]))
        for name in names:
            row = [Text(score(p.bounds[""].get(name)), style="dim") for p in parts]
            table.add_row(Text(name, style="dim"), *row)
        table.add_row("no stop", *(Text(score(p.mean(BASELINE))) for p in parts))
    if gaps:
        table.add_row("no stop", *(cell(p, BASELINE) for p in parts))
    for stop in analysis.stops:
        table.add_row(Text(stop), *(cell(p, stop) for p in parts))
    return table


def _gain_cell(part: Part, stop: str) -> Text:
    cell = part.cell(stop)
    if cell is None or cell.gain is None:
        return Text("not measured", style="dim")
    bounds = interval(cell.gain.low, cell.gain.high)
    return Text(f"{_marked(cell)}\n{bounds}", style=STYLES[look(cell)])


def _marked(cell: Cell) -> str:
    assert cell.gain is not None
    return f"{points(cell.gain.value)} {mark(cell)}"


def _score_cell(part: Part, stop: str) -> Text:
    value = part.mean(stop)
    return Text(NOTHING if value is None else score(value))


def _transfer_cell(part: Part, stop: str) -> Text:
    found = next((t for t in part.transfer if t.stop == stop), None)
    if found is None:
        return Text("not measured", style="dim")
    bounds = interval(found.gap.low, found.gap.high)
    return Text(unsigned(f"{points(found.gap.value)}\n{bounds}"))


def _faults(analysis: Analysis) -> list[str]:
    """Failed steps with their message, and how many others did not run."""
    steps = analysis.results.steps
    lines = [f"failed: {s.label}: {s.message}" for s in steps if s.state == "failed"]
    others = sum(s.state in ("skipped", "missing") for s in steps)
    if others:
        lines.append(f"{count(others, 'step')} did not run.")
    return lines + [f"warning: {w}" for w in analysis.results.warnings]
