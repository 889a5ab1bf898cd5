"""What the command line shows: progress while a study runs, and tables of what there is.

Progress goes to standard error, bars on a terminal and plain lines where it is piped; results go
to standard output, so that they can be piped on. Nothing is computed here.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final, Literal

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeRemainingColumn
from rich.table import Table

from waystation.run import Watcher
from waystation.steps import Finished
from waystation.steps import Progress as StepProgress

if TYPE_CHECKING:
    from waystation.plan import Step

PIPED_WIDTH: Final = 240
SHORT: Final = 17
"""Characters up to which a column keeps its width."""
NARROW: Final = 9
"""Characters that longer columns can do with."""
QUIET_S: Final = 15.0
"""Piped output has at most one line of progress in so many seconds."""


class Lines(Watcher):
    """Plain lines, one for each step that ends and now and then one for a step that goes on."""

    def __init__(self, write: Callable[[str], None] | None = None) -> None:
        self._write = write or (lambda line: print(line, file=sys.stderr, flush=True))
        self._steps: dict[str, Step] = {}
        self._ended = 0
        self._said = time.monotonic()

    def say(self, text: str) -> None:
        """One sentence."""
        self._write(text)

    def begin(self, steps: dict[str, Step], total: int) -> None:
        """How much there is to do."""
        self._steps = steps
        self._write(opening(len(steps), total))

    def event(self, event: StepProgress | Finished) -> None:
        """A line for an ended step; progress only where nothing was said for a while."""
        if not isinstance(event, StepProgress):
            if event.state in ENDINGS:
                self._ended += 1
                self._write(f"[{self._ended}/{len(self._steps)}] {_ending(event, self._steps)}")
            self._said = time.monotonic()
        elif not event.total or time.monotonic() - self._said >= QUIET_S:
            self._said = time.monotonic()
            self._write(f"  {_label(event.key, self._steps)}: {_how_far(event)}")


class Bars(Watcher):
    """Bars on a terminal: one for the study, one for each step that runs."""

    def __init__(self, console: Console) -> None:
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(bar_width=24),
            TextColumn("{task.completed:.0f}/{task.total:.0f}"),
            TextColumn("{task.fields[rate]}", style="dim"),
            TimeRemainingColumn(),
            console=console,
            transient=True,
        )
        self._steps: dict[str, Step] = {}
        self._bars: dict[str, TaskID] = {}
        self._whole: TaskID | None = None

    def __enter__(self) -> Bars:
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    def say(self, text: str) -> None:
        """One sentence, above the bars."""
        self._progress.console.print(text, style="yellow", highlight=False, markup=False)

    def begin(self, steps: dict[str, Step], total: int) -> None:
        """How much there is to do."""
        self._steps = steps
        text = opening(len(steps), total)
        self._progress.console.print(text, highlight=False, markup=False)
        self._whole = self._progress.add_task("study", total=len(steps), rate="steps")

    def event(self, event: StepProgress | Finished) -> None:
        """Move a bar, or take it away and say how its step ended."""
        if isinstance(event, StepProgress) and not event.total:
            self.say(f"{_label(event.key, self._steps)}: {event.text}")
            return
        if isinstance(event, StepProgress):
            if event.key not in self._bars:
                name = _label(event.key, self._steps)
                self._bars[event.key] = self._progress.add_task(name, total=event.total, rate="")
            bar = self._bars[event.key]
            self._progress.update(bar, completed=event.done, total=event.total, rate=_rate(event))
            return
        if event.key in self._bars:
            self._progress.remove_task(self._bars.pop(event.key))
        if event.state in ENDINGS and self._whole is not None:
            self._progress.advance(self._whole)
            if event.state in ("failed", "skipped"):
                self.say(_ending(event, self._steps))


ENDINGS: Final = {
    "done": "done",
    "cached": "already there",
    "failed": "FAILED",
    "skipped": "skipped",
}


def opening(missing: int, total: int) -> str:
    """What a run says first."""
    if not missing:
        return f"Nothing to run: all {total} steps are in the store."
    return f"{missing} of {total} steps to run."


def _label(key: str, steps: Mapping[str, Step]) -> str:
    return steps[key].label if key in steps else key


def _ending(event: Finished, steps: Mapping[str, Step]) -> str:
    text = f"{ENDINGS[event.state]}: {_label(event.key, steps)}"
    if event.state == "done":
        text += f" ({event.seconds:.1f} s)"
    return text + (f": {event.message}" if event.message else "")


def _rate(event: StepProgress) -> str:
    return ", ".join(part for part in (event.unit, event.text) if part)


def _how_far(event: StepProgress) -> str:
    far = f"{event.done}/{event.total} " if event.total else ""
    left = event.seconds_left or 0.0
    return f"{far}{_rate(event)}" + (f", {left:.0f} s left" if left >= 1 else "")


@contextmanager
def counting(what: str, unit: str) -> Iterator[Callable[[int, int], None]]:
    """Progress of one job: calls with (done, total) move a bar, or now and then print a line."""
    console, begun = Console(stderr=True), time.monotonic()
    said = begun

    def rate(done: int) -> str:
        return f"{done / max(time.monotonic() - begun, 1e-9):,.0f} {unit}/s"

    def line(done: int, total: int) -> None:
        nonlocal said
        if time.monotonic() - said >= QUIET_S:
            said = time.monotonic()
            left = (said - begun) * (total - done) / max(done, 1)
            text = f"  {what}: {done:,}/{total:,} {rate(done)}, {left:.0f} s left"
            print(text, file=sys.stderr, flush=True)

    if not console.is_terminal:
        yield line
        return
    columns = (
        TextColumn("{task.description}"),
        BarColumn(bar_width=24),
        TextColumn("{task.fields[rate]}", style="dim"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console, transient=True) as p:
        bar = p.add_task(what, total=None, rate="")
        yield lambda done, total: p.update(bar, completed=done, total=total, rate=rate(done))


def table(
    columns: Sequence[str], rows: Iterable[Sequence[object]], right: Sequence[str] = ()
) -> None:
    """A table on standard output; the columns named in `right` hold numbers.

    Where it is too wide for the terminal long columns are folded, short ones only at need.
    """
    console = Console()
    cells = [[str(cell) for cell in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(columns, *cells, strict=True)]
    short = {n for n, width in enumerate(widths) if width <= SHORT}
    long = len(columns) - len(short)
    least = sum(widths[n] for n in short) + NARROW * long + 2 * (len(columns) - 1)
    fits = least <= console.width
    shown = Table(box=None, pad_edge=False, header_style="bold", show_header=any(columns))
    for n, column in enumerate(columns):
        justify: Literal["left", "right"] = "right" if column in right else "left"
        whole = fits and n in short
        shown.add_column(column, justify=justify, overflow="fold", no_wrap=whole)
    for row_ in cells:
        shown.add_row(*row_)
    if console.is_terminal:
        console.print(shown, highlight=False, markup=False)
        return
    wide = Console(width=PIPED_WIDTH)
    with wide.capture() as captured:
        wide.print(shown, highlight=False, markup=False)
    print("\n".join(line.rstrip() for line in captured.get().splitlines()))


def as_json(value: object) -> None:
    """A JSON document on standard output."""
    print(json.dumps(value, ensure_ascii=False, indent=2))


def size(size_bytes: float) -> str:
    """`479 MB`: decimal units, three digits at most."""
    for unit in ("B", "kB", "MB", "GB"):
        if size_bytes < 1000:
            return f"{size_bytes:.3g} {unit}"
        size_bytes /= 1000
    return f"{size_bytes:.3g} TB"
