"""Likeness of texts: hashing against the exact index, passages, determinism."""

from __future__ import annotations

import random

import numpy as np
import pytest

from waystation.check.texts import (
    ALIKE,
    candidates,
    containing,
    likeness,
    normalised,
    passages,
    signatures,
)

WORDS = [f"{a}{b}{c}" for a in "bdfgklmnprst" for b in "aeiou" for c in ("n", "rl", "mp", "st")]


def sentence(rng, length=12):
    return " ".join(rng.choice(WORDS) for _ in range(length))


def edited(rng, text, words):
    parts = text.split()
    for place in rng.sample(range(len(parts)), words):
        parts[place] = rng.choice(WORDS)
    return " ".join(parts)


def test_normalised():
    assert normalised(" Ｆoo\tBÄR ") == "foo bär"
    assert normalised("Straße") == "strasse"


def test_likeness():
    assert likeness(["One text"], ["one  TEXT"]) == 1.0
    assert likeness(["abcd efgh"], ["zyxw vuts"]) == 0.0
    assert likeness(["the very same premise", "yes"], ["the very same premise", "no"]) < ALIKE
    assert likeness(["a", "b"], ["a b"]) == 1.0


def test_every_pair_that_is_alike_is_found():
    rng = random.Random(1)
    texts = [sentence(rng, 16) for _ in range(300)]
    pairs = [(i, 300 + i) for i in range(300)]
    texts += [edited(rng, text, rng.randint(0, 3)) for text in texts]
    found = {tuple(pair) for pair in candidates(signatures(texts), np.zeros(600, int)).tolist()}
    alike = [(i, j) for i, j in pairs if likeness([texts[i]], [texts[j]]) >= ALIKE]
    assert 100 < len(alike) < 290  # the edits are on both sides of the threshold
    assert [pair for pair in alike if pair not in found] == []
    assert len(found) < 400  # and little else is compared


def test_owners_are_compared_with_each_other():
    rng = random.Random(2)
    base = sentence(rng, 20)
    texts = [edited(rng, base, 1) for _ in range(40)]
    owner = np.array([0] * 20 + [1] * 20)
    found = candidates(signatures(texts), owner)
    across = {j for i, j in found.tolist() if owner[i] != owner[j]}
    assert len(across) >= 19
    assert (found[:, 0] < found[:, 1]).all()


@pytest.mark.parametrize("texts", [[], ["one"], ["", ""], ["中", "文"]])
def test_small_inputs(texts):
    signed = signatures(texts)
    assert signed.shape == (len(texts), 64)
    candidates(signed, np.zeros(len(texts), int))


def test_a_text_has_one_signature_wherever_it_stands():
    rng = random.Random(3)
    texts = [sentence(rng, 40) for _ in range(1500)]  # several pieces of work
    signed = signatures(texts)
    assert (signed[700:705] == signatures(texts[700:705])).all()
    assert signed[0, :3].tolist() == signatures(texts[:1])[0, :3].tolist()


def test_passages():
    rng = random.Random(4)
    long = [sentence(rng, 120) for _ in range(5)]
    asked = [long[2], "before " + long[3][100:600] + " after", sentence(rng, 120), "short"]
    assert containing(long, asked) == [2, 3, None, None]
    assert containing([], asked) == [None] * 4
    assert set(passages(long[0][50:]).tolist()) <= set(passages(long[0]).tolist())
