"""One step of translation ranking beside sentence-transformers' cached loss: loss, time, memory.

    python benchmarks/ranking.py [BATCH ...]

Both train the same small encoder (seeded random weights, 2 layers of 256 units, no dropout) on the
same sentences of the pocket world, German and English, cut at 32 tokens, in float32 with one
thread, cosines times 100, both directions. `waystation` is `heads/ranking.py`; `cached` is
CachedMultipleNegativesRankingLoss with mini-batches of 32; `plain` keeps the whole batch's graph
(MultipleNegativesRankingLoss), for batches up to 256. Prints the loss, the processor's seconds
of a forward and backward pass (up to 256 the faster of two), and how far the process's peak memory
rose meanwhile.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
MOST_PLAIN = 256
MAX_TOKENS = 32


def pairs(count: int) -> list[tuple[str, str]]:
    """German sentences with their translations, which differ before they are cut."""
    from waystation.pocket.tasks import examples

    found: dict[str, tuple[str, str]] = {}
    for e in examples("pocket-bitext", "de", "train", range(10_000)):
        found.setdefault(e.source[:20], (e.source, e.target))
    found = {target[:20]: (source, target) for source, target in found.values()}
    if len(found) < count:
        sys.exit(f"expected at most {len(found)} pairs, found {count}")
    return list(found.values())[:count]


def ours(folder: Path, texts: list[tuple[str, str]]) -> Callable[[], Any]:
    """A step of `heads/ranking.py`."""
    from waystation import backbone
    from waystation.batching import collate
    from waystation.examples import BitextExample, HeadSpec
    from waystation.heads import build

    model = backbone.load(backbone.locate(str(folder), folder))
    model.eval()
    head = build(HeadSpec(kind="bitext"), model.tokenizer, MAX_TOKENS, 0)
    found = [BitextExample(id=str(i), source=s, target=t) for i, (s, t) in enumerate(texts)]
    rows = [row for parts in head.encode(found, True) for row in parts]

    def step() -> Any:
        loss, weight = head.loss(model, collate(rows, model.pad_id))
        loss = loss / weight
        loss.backward()
        return loss

    return step


def theirs(folder: Path, texts: list[tuple[str, str]], cached: bool) -> Callable[[], Any]:
    """A step of sentence-transformers."""
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer import losses, modules

    body = modules.Transformer(str(folder), max_seq_length=MAX_TOKENS)
    model = SentenceTransformer(modules=[body, modules.Pooling(256, "mean")], device="cpu")
    ways: Any = {"scale": 100.0, "directions": ("query_to_doc", "doc_to_query")}
    ways["partition_mode"] = "per_direction"
    if cached:
        loss: Any = losses.CachedMultipleNegativesRankingLoss(model, mini_batch_size=32, **ways)
    else:
        loss = losses.MultipleNegativesRankingLoss(model, **ways)
    model.eval()  # no dropout; `eval` keeps gradients
    inputs = [model.preprocess([pair[side] for pair in texts]) for side in (0, 1)]

    def step() -> Any:
        value = loss([dict(side) for side in inputs], None)
        value.backward()
        return value

    return step


def measure(which: str, batch: int, folder: Path) -> None:
    """One process: prints a JSON line."""
    import torch

    torch.set_num_threads(1)
    texts = pairs(batch)
    step = (
        ours(folder, texts) if which == "waystation" else theirs(folder, texts, which == "cached")
    )
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    seconds, value = [], 0.0
    for _ in range(2 if batch <= MOST_PLAIN else 1):
        begun = time.process_time()
        value = float(step().detach())
        seconds.append(time.process_time() - begun)
    risen = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * 1024
    print(json.dumps({"loss": value, "seconds": min(seconds), "bytes": risen}))


def main(batches: list[int]) -> None:
    """A line for each loss and batch size."""
    sys.path.insert(0, str(ROOT / "tests"))
    from tiny import tiny_encoder

    with tempfile.TemporaryDirectory() as folder:
        tiny_encoder(Path(folder), hidden=256)
        for batch in batches:
            for which in ("waystation", "cached", "plain"):
                if which == "plain" and batch > MOST_PLAIN:
                    continue
                command = [sys.executable, __file__, "--one", which, str(batch), folder]
                done = subprocess.run(command, capture_output=True, text=True)
                if done.returncode:
                    sys.exit(done.stderr)
                found = json.loads(done.stdout.splitlines()[-1])
                print(
                    f"{batch:5} pairs, {which:10}: loss {found['loss']:.6f},"
                    f" {found['seconds']:.1f} s, {found['bytes'] / 2**20:,.0f} MiB more"
                )


if __name__ == "__main__":
    if sys.argv[1:2] == ["--one"]:
        measure(sys.argv[2], int(sys.argv[3]), Path(sys.argv[4]))
    else:
        main([int(a) for a in sys.argv[1:]] or [256, 1024])
