"""Two trainings at once on the same cores: OpenMP's threads spinning or waiting.

    python benchmarks/two_studies.py [STEPS]

Each process runs a 4-layer encoder of 384 units forward and backward, with as many threads as the
machine has cores; prints milliseconds a step, alone and beside a second one, with OpenMP's own
default (threads spin while they wait) and with OMP_WAIT_POLICY=PASSIVE, waystation's.
"""

from __future__ import annotations

import os
import subprocess
import sys

WORK = """
import os, sys, time
import torch
from torch import nn
torch.manual_seed(0)
torch.set_num_threads(os.cpu_count())
layer = nn.TransformerEncoderLayer(384, 12, 1536, batch_first=True)
model, rows = nn.TransformerEncoder(layer, 4, enable_nested_tensor=False), torch.randn(8, 48, 384)
for number in range(-2, int(sys.argv[1])):
    if number == 0:
        begun = time.monotonic()
    model(rows).square().mean().backward()
print(1000 * (time.monotonic() - begun) / int(sys.argv[1]))
"""


def together(processes: int, steps: int, policy: str | None) -> float:
    """Mean milliseconds a step, with so many processes at once."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("OMP_", "MKL_"))}
    environment |= {"OMP_WAIT_POLICY": policy} if policy else {}
    command = [sys.executable, "-c", WORK, str(steps)]
    running = [
        subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment)
        for _ in range(processes)
    ]
    return sum(float(p.communicate()[0]) for p in running) / processes


def main(steps: int) -> None:
    """Print a line for each policy."""
    for policy in (None, "PASSIVE"):
        alone, beside = together(1, steps, policy), together(2, steps, policy)
        said = policy or "OpenMP's default"
        print(f"{said}: {alone:.0f} ms a step alone, {beside:.0f} ms beside another")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 40)
