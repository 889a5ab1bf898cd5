"""What it costs that a training step can be continued: the share of its time that saves take.

    python benchmarks/resume.py [SECONDS [NAME ...]]

Each model (the packaged encoder and the small packaged decoder by default) trains for SECONDS on
pairs of pocket-nli, 32 a step, bf16 where the processor multiplies it, with an evaluation and a
checkpoint every 20 steps, saving its state as any run does. The time in saves is set against the
rest of the same run, so that whatever else the machine does slows both; processor seconds are
printed beside. A last save, outside of that count, says what one costs and how large it is: a
long training saves once in `cost / SHARE` seconds.
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from waystation import backbone, partial
from waystation.examples import HeadSpec
from waystation.mixture import Member, Mixture
from waystation.pocket import tasks
from waystation.settings import Numerics, TrainConfig
from waystation.train import Output, finetune

NAMES = ("multilingual-e5-small", "smollm2-135m-instruct")
STEPS, EVERY, BATCH = 1000, 20, 32


class TimeIsUp(Exception):
    """Ends a training that would go on."""


class Watched(partial.Partial):
    """A partial state that measures its saves, and ends the training with one when time is up."""

    def __init__(self, folder: Path, seconds: float) -> None:
        super().__init__(folder, {"benchmark": "resume"})
        self.allowed_s, self.over = seconds, False
        self.saves: list[tuple[float, float]] = []
        self.whole = (0.0, 0.0)

    def load(self, *arguments: Any) -> partial.Position:
        """Begin to measure."""
        self.begun = (time.monotonic(), time.process_time())
        return super().load(*arguments)

    def due(self, *arguments: Any) -> bool:
        """Whether to save; always when the time is up."""
        self.whole = (time.monotonic() - self.begun[0], time.process_time() - self.begun[1])
        self.over = self.whole[0] > self.allowed_s
        return self.over or super().due(*arguments)

    def save(self, *arguments: Any) -> None:
        """Save, measured."""
        wall, processor = time.monotonic(), time.process_time()
        super().save(*arguments)
        self.saves.append((time.monotonic() - wall, time.process_time() - processor))
        if self.over:
            self.steps = arguments[0].step
            raise TimeIsUp


def measure(name: str, seconds: float, folder: Path) -> str:
    """Train one model for so long; what saving took of it."""
    model = backbone.load(backbone.locate(name, Path.cwd()))
    examples = list(tasks.examples("pocket-nli", "en", "train", range(STEPS * BATCH)))
    head = HeadSpec(kind="classification", labels=tasks.NLI.labels)
    member = Member(
        name="pocket-nli", task=tasks.NLI, head=head, examples=examples, dev=examples[:BATCH]
    )
    config = TrainConfig(batch_size=BATCH, epochs=1, evaluations=STEPS // EVERY)
    numerics = Numerics(precision="bf16" if backbone.hardware_has_bf16() else "fp32", threads=1)
    watched = Watched(folder / "partial", seconds)
    mixture = Mixture(members=(member,), rates="proportional")
    try:
        finetune(model, mixture, config, numerics, 0, Output(folder=folder, partial=watched))
    except TimeIsUp:
        *saves, last = watched.saves
        size = sum(p.stat().st_size for p in watched.folder.glob("*/tensors.safetensors"))
        wall, processor = (sum(save[i] for save in saves) for i in (0, 1))
        return (
            f"{name}: {watched.steps} steps in {watched.whole[0]:.0f} s"
            f" ({watched.whole[1]:.0f} s of the processor), {len(saves)} saves took"
            f" {100 * wall / (watched.whole[0] - wall):.1f}% of the rest"
            f" ({100 * processor / (watched.whole[1] - processor):.1f}% of the processor's);"
            f" one save: {last[0]:.2f} s ({last[1]:.2f} s), {size / 1e6:.0f} MB,"
            f" so one in {max(last[0] / partial.SHARE, partial.QUIET_S):.0f} s"
        )
    return f"{name}: finished before its time was up; give fewer seconds"


if __name__ == "__main__":
    for model_name in sys.argv[2:] or NAMES:
        with tempfile.TemporaryDirectory(dir=Path.cwd()) as scratch:
            print(
                measure(model_name, float(sys.argv[1] if len(sys.argv) > 1 else 90), Path(scratch)),
                flush=True,
            )
