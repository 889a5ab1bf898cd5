"""What the packaged decoders cost: loading, memory, writing.

    python benchmarks/decoders.py [NAME ...]

For each model that is in the cache, in a process of its own with one thread: seconds to load it
(files hashed before, as in every run but the first), peak memory of loading and of all, tokens
written greedily, one prompt at a time and eight together, in fp32 and (where the processor
multiplies bf16) in bf16. Every batch writes its full length: the end token is kept away. Seconds
are the processor's, so that a shared machine tells nearly the same as a calm one: they are what
one core takes that has nothing else to do.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

NEW_TOKENS = 24
PROMPT = "def moving_average(values, width):\n"


def measure(name: str) -> dict[str, Any]:
    """The figures of one model, in this process."""
    import torch

    from waystation.backbone import hardware_has_bf16, load, locate

    torch.set_num_threads(1)
    source = locate(name, Path.cwd())
    began = time.process_time()
    model = load(source, text=True)
    found: dict[str, Any] = {"model": name, "load s": time.process_time() - began}
    found["parameters, M"] = sum(p.numel() for p in model.parameters()) / 1e6
    found["after loading, GB"] = _peak_gb()
    for precision in ["fp32", *(["bf16"] if hardware_has_bf16() else [])]:
        for batch in (1, 8):
            found[f"tokens/s {precision} x{batch}"] = _rate(model, precision, batch)
    return found | {"peak, GB": _peak_gb()}


def _rate(model: Any, precision: str, batch: int) -> float:
    import torch

    ids = torch.tensor([model.tokenizer(PROMPT)["input_ids"]] * batch)
    settings = {"min_new_tokens": NEW_TOKENS, "max_new_tokens": NEW_TOKENS, "do_sample": False}
    rates = []
    with torch.no_grad(), torch.autocast("cpu", torch.bfloat16, precision == "bf16"):
        for _ in range(2):  # the first time warms up
            began = time.process_time()
            made = model.lm.generate(input_ids=ids, attention_mask=torch.ones_like(ids), **settings)
            assert made.shape == (batch, ids.shape[1] + NEW_TOKENS)
            rates.append(batch * NEW_TOKENS / (time.process_time() - began))
    return rates[-1]


def _peak_gb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e9


def main(names: list[str]) -> None:
    """One table, a model a line."""
    from waystation import packaged

    known = [m.name for m in packaged.models() if m.architecture == "decoder"]
    for name in names or known:
        if not packaged.is_here(name):
            print(f"{name}: not in the cache; `waystation models get {name}` fetches it")
            continue
        command = [sys.executable, __file__, "--one", name]
        done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
        found = json.loads(done.stdout.splitlines()[-1])
        print(f"{found.pop('model')}")
        for what, value in found.items():
            print(f"  {what:20} {value:8.2f}")


if __name__ == "__main__":
    if sys.argv[1:2] == ["--one"]:
        print(json.dumps(measure(sys.argv[2])))
    else:
        main(sys.argv[1:])
