"""Mining: the official script's pairs and scores, its order of ties stated, edges."""

from __future__ import annotations

import hashlib
import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from waystation.cli import Margin, Pooling, Selection
from waystation.heads.pieces import POOLINGS
from waystation.heads.retrieval import SCORINGS
from waystation.mining import MARGINS, SELECTIONS, Mined, Neighbourhood, margin_of, mine
from waystation.mining import select_pairs as select
from waystation.study_targets import CHOICES

# `mine_bitext` of google-research/xtreme@838c13b, third_party/utils_retrieve.py, with faiss-cpu
# 1.15.1, retrieval "max" and "intersect", threshold=-100, on `golden_sides()`: margin, selection,
# pairs, sha256 of the sorted pairs, and the first, second, middle and last score. Its "fwd" and
# "bwd" stop with an UnboundLocalError.
GOLDEN = [
    ("ratio", "max", 499, "71a9291346811520",
     1.6294622421264648, 1.6113449335098267, 1.3701367378234863, 0.976815402507782),
    ("ratio", "intersect", 492, "0dc1904494742d4f",
     1.6294622421264648, 1.6113449335098267, 1.3710700273513794, 0.9990504384040833),
    ("distance", "max", 499, "71a9291346811520",
     0.3561176061630249, 0.32786130905151367, 0.20161259174346924, -0.011894166469573975),
    ("distance", "intersect", 492, "0dc1904494742d4f",
     0.3561176061630249, 0.32786130905151367, 0.20249545574188232, -0.00046879053115844727),
    ("absolute", "max", 496, "4582f4fd68aab03f",
     0.9218665361404419, 0.8970250487327576, 0.7434897422790527, 0.45595571398735046),
    ("absolute", "intersect", 480, "bb80d82b8799224e",
     0.9218665361404419, 0.8970250487327576, 0.7465240955352783, 0.5245134234428406),
]  # fmt: skip


def golden_sides() -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    rng = np.random.default_rng(20240613)
    sources = rng.normal(size=(600, 32)).astype(np.float32)
    noise = sources[rng.permutation(600)[:500]] + 0.9 * rng.normal(size=(500, 32))
    return sources, noise.astype(np.float32)


def pairs(mined: Mined) -> list[tuple[int, int]]:
    return list(zip(mined.sources.tolist(), mined.targets.tolist(), strict=True))


@pytest.mark.parametrize("golden", GOLDEN, ids=lambda g: f"{g[0]}-{g[1]}")
def test_the_official_pairs_and_scores(golden: tuple[str, str, int, str, float]) -> None:
    margin, selection, count, digest, *expected = golden
    mined = mine(*golden_sides(), margin=margin, select=selection)
    text = json.dumps(sorted(pairs(mined)), separators=(",", ":"))
    assert len(mined.scores) == count
    assert hashlib.sha256(text.encode()).hexdigest()[:16] == digest
    found = [mined.scores[i] for i in (0, 1, count // 2, count - 1)]
    # The script's scores are float32, ours of cosines rounded to 2**-20.
    assert found == pytest.approx(expected, rel=0, abs=2e-6)


def nested_loops(
    sources: NDArray[np.float32], targets: NDArray[np.float32], margin: str, k: int
) -> list[tuple[int, int]]:
    """Two-way selection as a sentence says it, without a line of ours but the rounding."""
    left = sources / np.linalg.norm(sources.astype(float), axis=1, keepdims=True)
    right = targets / np.linalg.norm(targets.astype(float), axis=1, keepdims=True)
    cosines = np.rint(left @ right.T * 2**20) / 2**20
    near = [sorted(range(len(right)), key=lambda j: (-row[j], j))[:k] for row in cosines]
    back = [sorted(range(len(left)), key=lambda i: (-row[i], i))[:k] for row in cosines.T]
    mean = [sum(cosines[i, j] for j in js) / len(js) for i, js in enumerate(near)]
    mean_back = [sum(cosines[i, j] for i in found) / len(found) for j, found in enumerate(back)]

    def score(i: int, j: int) -> float:
        around = (mean[i] + mean_back[j]) / 2
        if margin == "ratio":
            return float(cosines[i, j] / around) if around else 0.0
        return float(cosines[i, j] - (around if margin == "distance" else 0))

    listed = [(i, max(js, key=lambda j, i=i: score(i, j))) for i, js in enumerate(near)]
    listed += [(max(found, key=lambda i, j=j: score(i, j)), j) for j, found in enumerate(back)]
    taken: list[tuple[int, int]] = []
    for i, j in sorted(listed, key=lambda pair: -score(*pair)):
        if all(i != a and j != b for a, b in taken):
            taken.append((i, j))
    return taken


@given(
    left=st.integers(1, 12),
    right=st.integers(1, 12),
    k=st.integers(1, 5),
    margin=st.sampled_from(MARGINS),
    whole=st.booleans(),
    seed=st.integers(0, 999),
)
def test_max_equals_nested_loops(
    left: int, right: int, k: int, margin: str, whole: bool, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    sources, targets = rng.normal(size=(left, 3)), rng.normal(size=(right, 3))
    if whole:  # many ties
        sources, targets = np.sign(sources), np.sign(targets)
    sides = sources.astype(np.float32), targets.astype(np.float32)
    mined = mine(*sides, margin=margin, neighbours=k)
    assert pairs(mined) == nested_loops(*sides, margin, k)
    assert (np.diff(mined.scores) <= 0).all()
    assert len(set(mined.sources.tolist())) == len(set(mined.targets.tolist())) == len(mined.scores)


def test_forward_and_backward_give_every_sentence_its_best() -> None:
    sides = golden_sides()
    forward, backward = mine(*sides, select="forward"), mine(*sides, select="backward")
    assert sorted(forward.sources.tolist()) == list(range(600))
    assert sorted(backward.targets.tolist()) == list(range(500))
    both = set(pairs(forward)) & set(pairs(backward))
    assert both == set(pairs(mine(*sides, select="intersect")))


@pytest.mark.parametrize("margin", MARGINS)
def test_all_ties_pair_sentences_in_their_order(margin: str) -> None:
    same = np.ones((5, 4), np.float32)
    # Nothing tells them apart: all of the first direction name target 0, all of the second
    # source 0, so one pair is left.
    assert pairs(mine(same, same[:3], margin=margin)) == [(0, 0)]
    assert pairs(mine(same, same[:3], margin=margin, select="forward")) == [
        (i, 0) for i in range(5)
    ]


@pytest.mark.parametrize("selection", SELECTIONS)
@pytest.mark.parametrize(("left", "right"), [(0, 4), (4, 0), (0, 0)])
def test_an_empty_side_gives_no_pairs(selection: str, left: int, right: int) -> None:
    mined = mine(np.ones((left, 3), np.float32), np.ones((right, 3), np.float32), select=selection)
    assert len(mined.sources) == len(mined.targets) == len(mined.scores) == 0


def test_one_candidate_is_everybodys_best() -> None:
    sources = np.array([[1, 0], [1, 1], [0, 1]], np.float32)
    mined = mine(sources, sources[1:2])
    assert pairs(mined) == [(1, 0)]
    assert mined.scores[0] == pytest.approx(1 / ((1 + (1 + 2 * 0.5**0.5) / 3) / 2), abs=2e-6)


def test_a_ratio_to_nothing_is_zero() -> None:
    zero = np.zeros((2, 3), np.float32)
    assert mine(zero, zero).scores.tolist() == [0.0]


def test_unknown_names_are_refused() -> None:
    none = Neighbourhood(np.zeros((1, 1), np.int64), np.ones((1, 1)))
    with pytest.raises(ValueError, match=r"a selection among .*, found 'best'"):
        select(none, none, select="best")
    with pytest.raises(ValueError, match=r"a margin among .*, found 'sum'"):
        margin_of(np.ones(1), np.ones(1), "sum")


def test_what_can_be_asked_for_is_what_can_be_computed() -> None:
    """The command line and study files name the choices themselves, since these need torch."""
    assert tuple(Margin) == MARGINS
    assert tuple(Selection) == SELECTIONS
    assert tuple(Pooling) == CHOICES["pooling"] == POOLINGS
    assert CHOICES["scoring"] == SCORINGS
