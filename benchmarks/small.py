"""Times of small things that people wait for: help, pocket examples, a report.

    python benchmarks/small.py

Prints wall seconds of `waystation --help` (median of five processes), processor seconds for
100,000 pocket examples of each task (Turkish, from 10,000), and of rendering the HTML report of
the store and study given (default: the quick start's), if they are there.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from pathlib import Path

from waystation.pocket import tasks

ROOT = Path(__file__).parents[1]
NAMES = ("topic", "nli", "paraphrase", "choice", "pos", "ner", "qa", "bitext")


def main(study: Path, store: Path) -> None:
    """Print one line for each."""
    taken = []
    for _ in range(5):
        started = time.monotonic()
        subprocess.run(
            [sys.executable, "-m", "waystation", "--help"], capture_output=True, check=True
        )
        taken.append(time.monotonic() - started)
    print(f"waystation --help: {statistics.median(taken):.2f} s")
    for name in NAMES:
        begun = time.process_time()
        for _ in tasks.examples(f"pocket-{name}", "tr", "train", range(10_000)):
            pass
        print(f"100,000 examples of pocket-{name}: {10 * (time.process_time() - begun):.1f} s")
    if store.exists():
        started = time.monotonic()
        command = ["report", str(study), "--store", str(store), "--format", "html"]
        ran = subprocess.run([sys.executable, "-m", "waystation", *command], capture_output=True)
        size = len(ran.stdout) / 1e6
        print(f"HTML report: {time.monotonic() - started:.1f} s, {size:.2f} MB")


if __name__ == "__main__":
    quick = (ROOT / "studies" / "quickstart.yaml", ROOT / ".store" / "quickstart")
    main(*(map(Path, sys.argv[1:3]) if len(sys.argv) > 2 else quick))
