"""Writes xtreme.json: what the official scripts say about the perturbed gold of perturbed.py.

Run from the repository root with a checkout of google-research/xtreme (commit below) and with
`seqeval==0.0.12` unpacked in a folder of its own; 1.2.2 comes from the environment:

    pip install --no-deps --target SEQEVAL0 seqeval==0.0.12
    for t in xnli panx xquad tydiqa mlqa mlqa-rules tatoeba bio; do
      PYTHONPATH=XTREME:src:tests python tests/parity/make_golden.py $t; done
    for t in udpos upos; do
      PYTHONPATH=SEQEVAL0:XTREME:src:tests python tests/parity/make_golden.py $t; done
"""

from __future__ import annotations

import json
import sys
from importlib import metadata
from pathlib import Path
from typing import Any

import evaluate as official  # type: ignore[import-not-found]

from parity.perturbed import (
    BIO,
    DATA,
    FILES,
    UPOS,
    lines,
    perturb_answers,
    perturb_labels,
    perturb_tags,
    questions,
    sentences,
    synthetic_tags,
)

COMMIT = "838c13b69daafb9328785d16caae2711e4012123"
GOLDEN = Path(__file__).with_name("xtreme.json")


def values(task: str, language: str) -> tuple[int, dict[str, float]]:
    """(number of items, the official values) of one language."""
    seed = f"{task} {language}"
    if task in ("upos", "bio"):
        labels = UPOS if task == "upos" else BIO
        gold = synthetic_tags(labels, int(language))
        return len(gold), official.f1(gold, perturb_tags(gold, seed))
    if task in ("udpos", "panx"):
        gold = sentences(task, language)
        return len(gold), official.f1(gold, perturb_tags(gold, seed))
    if task in ("xnli", "tatoeba"):
        rows = lines(task, language)
        return len(rows), official.accuracy(rows, perturb_labels(rows, seed))
    examples = questions(task, language)
    dataset = official.read_squad(str(DATA / FILES[task][language]))
    score = official.METRIC_FUNCTION[task.removesuffix("-rules")]
    return len(examples), score(dataset, perturb_answers(examples, seed), language)


def main(task: str) -> None:
    """Adds or replaces one task in xtreme.json."""
    golden: dict[str, Any] = json.loads(GOLDEN.read_text()) if GOLDEN.exists() else {}
    golden["source"] = f"github.com/google-research/xtreme@{COMMIT}, evaluate.py"
    golden["command"] = "see make_golden.py"
    languages = FILES.get(task, ("1", "2", "3"))
    found = {language: values(task, language) for language in languages}
    golden.setdefault("tasks", {})[task] = {
        "seqeval": metadata.version("seqeval"),
        "items": {language: count for language, (count, _) in found.items()},
        "values": {language: official_values for language, (_, official_values) in found.items()},
    }
    GOLDEN.write_text(json.dumps(golden, indent=1, sort_keys=True) + "\n")


if __name__ == "__main__":
    main(sys.argv[1])
