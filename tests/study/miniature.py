"""A whole study small enough for a test: a tiny seeded encoder on a few pocket examples."""

from __future__ import annotations

import hashlib
from pathlib import Path

from tiny import tiny_encoder

STUDY = """\
name: miniature
backbones: [model]
seeds: [0, 1]
intermediate:
  - none
  - {task: pocket-topic, examples: 24, name: topic}
  - {mix: [{task: pocket-topic, examples: 24}, {task: pocket-nli, examples: 24}], name: mixture}
targets:
  - {task: pocket-topic, languages: [en, de], examples: 12,
     fine_tune: {task: pocket-topic, examples: 24}}
  - {task: pocket-pos, languages: [en, de], examples: 8,
     fine_tune: {task: pocket-pos, examples: 16}}
  - {task: pocket-bitext, languages: [de, zh], examples: 12, fine_tune: false, layers: [1, 2]}
train: {learning_rate: 1e-3, epochs: 1, batch_size: 8, max_tokens: 64, dev_examples: 8}
numerics: {precision: fp32, threads: 1}
"""


def write(folder: Path, text: str = STUDY) -> Path:
    """Write the study and its model into a folder; gives the study's path."""
    folder.mkdir(parents=True, exist_ok=True)
    if not (folder / "model").exists():
        tiny_encoder(folder / "model")
    path = folder / "miniature.yaml"
    path.write_text(text)
    return path


def bytes_of(store: Path) -> dict[str, str]:
    """sha256 of every step's outputs: everything but run.json, which holds times."""
    return {
        str(p.relative_to(store)): hashlib.sha256(p.read_bytes()).hexdigest()
        for p in sorted((store / "steps").rglob("*"))
        if p.is_file() and p.name != "run.json"
    }
