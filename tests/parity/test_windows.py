"""Long inputs with the option windows=official against the official code, see make_windows.py."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

import toys
from official import ABSENT, DATA
from parity.long_inputs import (
    REAL,
    SETTINGS,
    fingerprint,
    logits,
    real_questions,
    sentences,
    synthetic_questions,
    synthetic_sentences,
)
from waystation import backbone, packaged
from waystation.heads import build

GOLDEN = json.loads(Path(__file__).with_name("windows.json").read_text(encoding="utf-8"))
QUESTIONS = [f"{name} {language}" for name in REAL for language in REAL[name].split()]


def e5() -> Any:
    folder = packaged.folder_of("multilingual-e5-small")
    return backbone.load(backbone.locate(str(folder), Path.cwd())).tokenizer


def spans(tokenizer: Any, examples: Any, setting: tuple[int, int]) -> list[str]:
    """The lines of make_windows.spans, ours."""
    head: Any = build(toys.head("span", windows="official"), tokenizer, *setting)
    rows, trained = head.encode(examples, False), head.encode(examples, True)
    lines = []
    for example, own, golds in zip(examples, rows, trained, strict=True):
        windows = [
            [r.tokens.tolist(), r.meta[0], [int(m) for m in r.meta[1].most_context]] for r in own
        ]
        texts = []
        for kind in ("peak", "ties"):
            kept = []
            for part, row in enumerate(own):
                values = logits(kind, example, part, len(row.tokens), row.meta[0])
                kept.append((row, head.spans(row, values)))
            texts.append(fingerprint(head.decode([example], [kept])[0].text or "empty"))
        positions = fingerprint([list(row.gold) for row in golds])
        lines.append(f"{len(own)} {fingerprint(windows)} {positions} {' '.join(texts)}")
    return lines


def tags(tokenizer: Any, examples: Any, size: int) -> list[str]:
    head: Any = build(toys.head("tagging", windows="official"), tokenizer, size, 128)
    lines = []
    for example, rows in zip(examples, head.encode(examples, False), strict=True):
        parts = []
        for row in rows:
            words = [example.words[i] for i in row.meta[0]]
            pieces = [tokenizer.convert_ids_to_tokens(head.pieces[w][0]) for w in words]
            parts.append(
                [
                    tokenizer.unk_token if own == [tokenizer.unk_token] else word
                    for word, own in zip(words, pieces, strict=True)
                ]
            )
        lines.append(f"{len(parts)} {fingerprint(parts)}")
    return lines


@pytest.mark.parametrize("number", range(len(SETTINGS)))
def test_synthetic_questions_have_the_official_windows_golds_and_answers(number: int) -> None:
    expected = GOLDEN["synthetic"][number]
    assert spans(toys.model().tokenizer, synthetic_questions(), SETTINGS[number]) == expected
    assert number == 0 or sum(int(line.split()[0]) > 1 for line in expected) > 100


def test_synthetic_sentences_are_split_as_the_scripts_split_them() -> None:
    expected = GOLDEN["synthetic sentences"]
    assert tags(toys.model().tokenizer, synthetic_sentences(), 64) == expected
    assert sum(int(line.split()[0]) > 1 for line in expected) > 200


@pytest.mark.data
@pytest.mark.model
@pytest.mark.skipif(not DATA.is_dir(), reason=ABSENT)
@pytest.mark.parametrize("name", QUESTIONS)
def test_real_questions_have_the_official_windows_golds_and_answers(name: str) -> None:
    tokenizer, examples = e5(), real_questions(*name.split())
    for setting, expected in zip(SETTINGS, GOLDEN["real"][name], strict=True):
        assert spans(tokenizer, examples, setting) == expected


@pytest.mark.data
@pytest.mark.model
@pytest.mark.skipif(not DATA.is_dir(), reason=ABSENT)
@pytest.mark.parametrize("language", sorted(GOLDEN["sentences"]))
def test_real_sentences_are_split_as_the_scripts_split_them(language: str) -> None:
    expected = GOLDEN["sentences"][language]
    assert tags(e5(), sentences(language), 128) == expected
    assert sum(int(line.split()[0]) > 1 for line in expected) >= 140
