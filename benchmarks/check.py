"""Time and memory of `waystation check` on many pairs of sentences.

    python benchmarks/check.py [PAIRS]

Makes PAIRS (default 400,000) premises and hypotheses, three to a premise as in SNLI, of which
one in a hundred is an edit of an earlier one, and 10,000 to evaluate; prints processor seconds
and peak memory of finding duplicates and near-duplicates in them, of comparing them with the
evaluated ones, and of reading on past 1,000 bad rows in a file of them.
"""

from __future__ import annotations

import random
import resource
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from waystation.check import duplicates, overlap
from waystation.check.reading import Part, read
from waystation.examples import ClassificationExample
from waystation.task import get

WORDS = [f"{a}{b}{c}" for a in "bcdfghklmnprstvw" for b in "aeiou" for c in ("", "n", "rt", "st")]
LABELS = ("entailment", "not_entailment")


def pairs(count: int, seed: int) -> list[ClassificationExample]:
    """Sentences of made-up words, short words frequent as in a language."""
    rng = random.Random(seed)
    weights = [1 / (n + 1) for n in range(len(WORDS))]
    names = rng.sample(WORDS, len(WORDS))

    def words(length: int) -> list[str]:
        return rng.choices(names, weights, k=length)

    found: list[ClassificationExample] = []
    premise = words(14)
    for n in range(count):
        premise = words(14) if n % 3 == 0 else premise
        text, pair = " ".join(premise), " ".join(words(8))
        if n % 100 == 99:
            edited = found[rng.randrange(len(found))]
            text, pair = edited.text, f"{edited.pair}s"
        label = LABELS[n % 2]
        found.append(ClassificationExample(id=str(n), text=text, pair=pair, label=label))
    return found


@contextmanager
def measured(what: str) -> Iterator[None]:
    """Print processor seconds and the peak of memory so far."""
    begun = time.process_time()
    yield
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    print(f"{what}: {time.process_time() - begun:.1f} s, peak {peak:.2f} GB", flush=True)


def main(count: int) -> None:
    """Print one line for each."""
    task = get("rte")
    with measured(f"making {count:,} pairs"):
        train, test = pairs(count, 1), pairs(10_000, 2)
    parts = [
        Part(task=task, name="rte", language="en", split=split, examples=tuple(examples))
        for split, examples in (("train", train), ("dev", test))
    ]
    with measured("duplicates and near-duplicates"):
        for finding in duplicates.of_language(parts):
            print(f"  {finding.code} {finding.split}: {finding.count:,}")
    uses = [
        overlap.Used(
            task=task, name="rte", language="en", split=p.split, examples=p.examples, where=p.split
        )
        for p in parts
    ]
    with measured("trained against evaluated"):
        for finding in overlap.check(uses[:1], uses[1:]):
            print(f"  {finding.code}: {finding.count:,}")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "RTE" / "train.tsv"
        path.parent.mkdir()
        rows = [f"{e.id}\t{e.text}\t{e.pair}\t{e.label}" for e in train]
        for n in range(0, len(rows), max(1, len(rows) // 1000)):
            rows[n] = rows[n].replace("\t", " ", 1)
        path.write_text("\n".join(["index\tsentence1\tsentence2\tlabel", *rows]) + "\n")
        with measured("reading on past bad rows"):
            found = read(task, "rte", Path(folder), "en", "train")
        print(f"  {found.findings[0].code}: {found.findings[0].count:,}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 400_000)
