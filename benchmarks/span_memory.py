"""Peak memory of one training pass over a question whose context fills many windows.

    python benchmarks/span_memory.py [WINDOWS]

An example's windows are one pass, however many; above `batching.TOKENS` tokens activations are
computed again for the gradient instead of being kept. Prints, for the packaged encoder with rows
of 256 tokens, peak resident memory and seconds of the pass in a fresh process without and with
it, what is left of memory after loading, and whether the gradients are equal byte for byte.
"""

from __future__ import annotations

import hashlib
import resource
import subprocess
import sys
import time
from pathlib import Path

TOKENS_OF_ROW = 256


def one(windows: int, wanted: bool) -> None:
    """One pass in this process; prints memory after loading, peak memory, seconds, gradients."""
    import torch

    from waystation import backbone, packaged
    from waystation.batching import collate
    from waystation.examples import Answer, HeadSpec, SpanExample
    from waystation.heads import build
    from waystation.model import recomputing

    torch.set_num_threads(2)
    folder = packaged.get("multilingual-e5-small")
    model = backbone.load(backbone.locate(str(folder), Path.cwd()))
    model.backbone.embeddings.word_embeddings.weight.requires_grad_(False)
    head = build(HeadSpec(kind="span"), model.tokenizer, TOKENS_OF_ROW, 128)
    context = "the king lives in the house " * (windows * TOKENS_OF_ROW)
    example = SpanExample(
        id="0", question="who lives there", context=context, answers=(Answer(text="the", start=0),)
    )
    (rows,) = head.encode([example], True)
    torch.manual_seed(0)
    model.heads[head.spec.name] = head.module(model.hidden_size, 0.1)
    batch = collate(rows[:windows], model.pad_id, TOKENS_OF_ROW)
    model.train()
    torch.manual_seed(0)
    loaded, started = _peak(), time.monotonic()
    with recomputing(model, wanted):
        with torch.autocast("cpu", torch.bfloat16):
            loss, _ = head.loss(model, batch)
        loss.backward()
    seconds = time.monotonic() - started
    found = hashlib.sha256()
    for parameter in model.parameters():
        if parameter.grad is not None:
            found.update(parameter.grad.numpy().tobytes())
    print(loaded, _peak(), f"{seconds:.1f}", found.hexdigest())


def _peak() -> float:
    return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024**2, 2)


def main(windows: int) -> None:
    digests = set()
    for wanted in (False, True):
        command = [sys.executable, __file__, str(windows), str(int(wanted))]
        said = subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()
        loaded, peak, seconds, digest = said[-4:]
        digests.add(digest)
        name = "computed again" if wanted else "kept"
        print(
            f"{windows} windows, activations {name}: {peak} GiB ({loaded} after loading),"
            f" {seconds} s"
        )
    print("gradients equal" if len(digests) == 1 else "GRADIENTS DIFFER")


if __name__ == "__main__":
    if len(sys.argv) == 3:
        one(int(sys.argv[1]), sys.argv[2] == "1")
    else:
        main(int(sys.argv[1]) if len(sys.argv) > 1 else 24)
