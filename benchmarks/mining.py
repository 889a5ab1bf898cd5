"""Time, memory and pairs of exact bitext mining: ours, sentence-transformers', XTREME's.

    python benchmarks/mining.py [--sentences N] [--size D] [--peer-python PYTHON] [--xtreme DIR]

Makes N (default 10,000) vectors a side, of which six in ten have a translation, and mines them
with ratio margins over 4 neighbours, each contestant in a process of its own, one after the
other, with as many threads as there are cores. Printed: seconds of the whole process and of
mining alone, processor seconds (what a busy machine distorts least), the process's peak memory,
and pairs that are not the same as ours.

Peers need an interpreter with torch, faiss-cpu and sentence-transformers (--peer-python), and a
checkout of google-research/xtreme (--xtreme). `sentence-transformers` is its `semantic_search`
in both directions; since it has no margins, our arithmetic follows in numpy. `faiss` is what its
example for parallel sentence mining searches with, and the same arithmetic. `xtreme` is
`mine_bitext` of third_party/utils_retrieve.py as it stands.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

Matrix = NDArray[np.float32]
K = 4


def sides(count: int, size: int) -> tuple[Matrix, Matrix]:
    """Vectors with a common direction, as sentence encoders give them; 60% have a translation."""
    rng = np.random.default_rng(7)
    common = 1.5 * rng.normal(size=size)
    sources = rng.normal(size=(count, size)) + common
    targets = rng.normal(size=(count, size)) + common
    shared = int(0.6 * count)
    targets[:shared] = sources[:shared] + 0.9 * rng.normal(size=(shared, size))
    return sources.astype(np.float32), targets[rng.permutation(count)].astype(np.float32)


def waystation(folder: Path) -> list[tuple[int, int]]:
    """Ours."""
    from waystation.mining import mine

    mined = mine(np.load(folder / "s.npy"), np.load(folder / "t.npy"), neighbours=K)
    return list(zip(mined.sources.tolist(), mined.targets.tolist(), strict=True))


def sentence_transformers(folder: Path) -> list[tuple[int, int]]:
    """Its exact search in both directions, then margins in numpy."""
    import torch
    from sentence_transformers.util import semantic_search

    left, right = (torch.from_numpy(np.load(folder / f"{n}.npy")) for n in "st")
    found = []
    for one, other in ((left, right), (right, left)):
        hits = semantic_search(one, other, top_k=K)
        scores = np.array([[h["score"] for h in row] for row in hits], np.float32)
        found.append((scores, np.array([[h["corpus_id"] for h in row] for row in hits])))
    return margins(*found)


def faiss(folder: Path) -> list[tuple[int, int]]:
    """Flat inner products in both directions, then margins in numpy."""
    import faiss as library

    left, right = np.load(folder / "s.npy"), np.load(folder / "t.npy")
    found = []
    for matrix in (left, right):
        library.normalize_L2(matrix)
    for one, other in ((left, right), (right, left)):
        index = library.IndexFlatIP(one.shape[1])
        index.add(other)
        found.append(index.search(one, K))
    return margins(*found)


def margins(
    forward: tuple[Matrix, NDArray[np.int64]], backward: tuple[Matrix, NDArray[np.int64]]
) -> list[tuple[int, int]]:
    """Ratio margins and the two-way selection on what another search found."""
    best = []
    for (scores, places), (others, _) in ((forward, backward), (backward, forward)):
        around = (scores.mean(axis=1)[:, None] + others.mean(axis=1)[places]) / 2
        ratios = scores / around
        chosen = ratios.argmax(axis=1)
        rows = np.arange(len(chosen))
        best.append((places[rows, chosen], ratios[rows, chosen]))
    (there, ahead), (back, behind) = best
    left = np.concatenate([np.arange(len(there)), back])
    right = np.concatenate([there, np.arange(len(back))])
    order = np.argsort(-np.concatenate([ahead, behind]), kind="stable")
    pairs, seen, taken = [], set(), set()
    for i, j in zip(left[order].tolist(), right[order].tolist(), strict=True):
        if i not in seen and j not in taken:
            seen.add(i)
            taken.add(j)
            pairs.append((i, j))
    return pairs


def xtreme(folder: Path) -> list[tuple[int, int]]:
    """The official function, whose lines are numbers here."""
    sys.path.insert(0, os.environ["XTREME"] + "/third_party")
    from utils_retrieve import mine_bitext

    left, right = np.load(folder / "s.npy"), np.load(folder / "t.npy")
    for name, matrix in (("s", left), ("t", right)):
        (folder / f"{name}.txt").write_text("".join(f"{i}\n" for i in range(len(matrix))))
    paths = [str(folder / name) for name in ("s.txt", "t.txt", "out.tsv")]
    mine_bitext(left, right, *paths, neighborhood=K)
    rows = (line.split("\t") for line in (folder / "out.tsv").read_text().splitlines())
    return [(int(source), int(target)) for _, source, target in rows]


CONTESTANTS = {
    "waystation": waystation,
    "sentence-transformers": sentence_transformers,
    "faiss": faiss,
    "xtreme": xtreme,
}


def contest(name: str, folder: Path) -> None:
    """In a process of its own: mine, leave pairs, seconds and peak memory in the folder."""
    begun = time.monotonic()
    pairs = CONTESTANTS[name](folder)
    seconds = time.monotonic() - begun
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    result = {"pairs": pairs, "seconds": seconds, "peak_bytes": peak}
    (folder / f"{name}.json").write_text(json.dumps(result))


def processor() -> float:
    """Processor seconds of all contestants so far."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def main(options: argparse.Namespace) -> None:
    """Print one line for each contestant."""
    names = ["waystation"]
    if options.peer_python:
        names += (["xtreme"] if options.xtreme else []) + ["faiss", "sentence-transformers"]
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        for name, matrix in zip("st", sides(options.sentences, options.size), strict=True):
            np.save(folder / f"{name}.npy", matrix)
        ours: set[tuple[int, int]] = set()
        spent = processor()
        for name in names:
            python = sys.executable if name == "waystation" else options.peer_python
            begun = time.monotonic()
            subprocess.run(
                [python, __file__, "--contest", name, scratch],
                check=True,
                stdout=subprocess.DEVNULL,
                env=os.environ | {"XTREME": options.xtreme or ""},
            )
            whole = time.monotonic() - begun
            used, spent = spent, processor()
            found = json.loads((folder / f"{name}.json").read_text())
            pairs = {(i, j) for i, j in found["pairs"]}
            ours = ours or pairs
            print(
                f"{name}: {whole:.1f} s ({found['seconds']:.1f} s without start),"
                f" {spent - used:.1f} processor seconds, peak"
                f" {found['peak_bytes'] / 1e9:.2f} GB, {len(pairs):,} pairs,"
                f" {len(pairs ^ ours):,} not as ours",
                flush=True,
            )


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--sentences", type=int, default=10_000)
    parser.add_argument("--size", type=int, default=384)
    parser.add_argument("--peer-python")
    parser.add_argument("--xtreme")
    parser.add_argument("--contest", nargs=2)
    given = parser.parse_args()
    if given.contest:
        contest(given.contest[0], Path(given.contest[1]))
    else:
        main(given)
