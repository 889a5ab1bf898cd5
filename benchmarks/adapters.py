"""What training less costs and saves: full, frozen layers, LoRA and bottlenecks, side by side.

    python benchmarks/adapters.py [MODEL ...]

Trains each packaged model (multilingual-e5-small and smollm2-135m-instruct unless others are
named) on the same batches of pocket-nli in fp32 on one thread, each setting in a fresh process, one
after the other. Prints processor seconds per step (median of the steps after the first), peak
resident memory above the loaded model, and the size of a checkpoint.
"""

from __future__ import annotations

import itertools
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

MODELS = ("multilingual-e5-small", "smollm2-135m-instruct")
SETTINGS: dict[str, dict[str, object]] = {
    "full": {},
    "frozen embeddings": {"frozen": "embeddings"},
    "frozen lower half": {"frozen": -1},
    "lora, rank 8": {"adapter": {"kind": "lora", "rank": 8}},
    "bottleneck, width 48": {"adapter": {"kind": "bottleneck", "rank": 48}},
}
STEPS, BATCH = 6, 8


def one(name: str, setting: str) -> None:
    """Trains in this process; prints seconds, MB of memory and MB of a checkpoint."""
    from waystation import backbone, packaged, sources, task
    from waystation.examples import HeadSpec
    from waystation.layers import Layers
    from waystation.mixture import Member, Mixture
    from waystation.settings import Numerics, TrainConfig
    from waystation.train import Output, TrainProgress, finetune

    model = backbone.load(backbone.locate(str(packaged.get(name)), Path.cwd()))
    fields = dict(SETTINGS[setting])
    if fields.get("frozen") == -1:
        fields["frozen"] = Layers(model.backbone).count // 2
    own = task.get("pocket-nli", Path.cwd())
    examples = sources.load(own, Path.cwd(), "en", "train").examples[: STEPS * BATCH]
    head = HeadSpec(kind=own.kind, labels=own.labels)
    member = Member(name=own.name, task=own, head=head, examples=examples, dev=())
    config = TrainConfig.model_validate(
        {"epochs": 1, "batch_size": BATCH, "max_tokens": 64, **fields}
    )
    times, loaded = [time.process_time()], _peak()

    def seen(_: TrainProgress) -> None:
        times.append(time.process_time())

    with tempfile.TemporaryDirectory() as scratch:
        numerics = Numerics(precision="fp32", threads=1)
        output = Output(folder=Path(scratch), progress=seen)
        finetune(model, Mixture(members=(member,)), config, numerics, 0, output)
        (weights,) = Path(scratch).glob("checkpoints/*/changed.safetensors")
        size = weights.stat().st_size
    steps = [after - before for before, after in itertools.pairwise(times[1:])]
    print(f"{statistics.median(steps):.3f} {(_peak() - loaded) / 1e6:.0f} {size / 1e6:.2f}")


def _peak() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def main() -> None:
    """One line per model and setting."""
    for name in sys.argv[1:] or MODELS:
        print(f"{name}: CPU s/step, MB above the loaded model, MB of a checkpoint")
        for setting in SETTINGS:
            command = [sys.executable, __file__, "--one", name, setting]
            done = subprocess.run(command, check=True, capture_output=True, text=True)
            seconds, memory, size = done.stdout.split()[-3:]
            print(f"  {setting:26} {seconds:>8} {memory:>8} {size:>8}", flush=True)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--one"]:
        one(sys.argv[2], sys.argv[3])
    else:
        main()
