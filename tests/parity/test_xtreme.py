"""Our metrics equal XTREME's own evaluator to the last digit, on its scale."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from parity import perturbed
from parity.perturbed import BIO, DATA, FILES, UPOS, perturb_tags, synthetic_tags
from waystation.examples import (
    BitextExample,
    ClassificationExample,
    LabelPrediction,
    Neighbours,
    SpanPrediction,
    TaggingExample,
    TagsPrediction,
)
from waystation.metrics import Metric, measure, qa, retrieval, total
from waystation.metrics.labels import ACCURACY
from waystation.metrics.tagging import CHUNK_F1, UDPOS_F1
from waystation.score import score_files
from waystation.task import get

GOLDEN = json.loads(Path(__file__).with_name("xtreme.json").read_text())["tasks"]
CASES = [(task, language) for task, languages in FILES.items() for language in languages]
METRICS: dict[str, Metric[Any, Any]] = {
    "xnli": ACCURACY,
    "udpos": UDPOS_F1,
    "upos": UDPOS_F1,
    "panx": CHUNK_F1,
    "bio": CHUNK_F1,
    "xquad": qa.SQUAD,
    "tydiqa": qa.SQUAD,
    "mlqa": qa.MLQA,
    "mlqa-rules": qa.MLQA,
    "tatoeba": retrieval.ACCURACY,
}


def values(task: str, language: str, predictions: list[Any], examples: list[Any]) -> Any:
    """Our values of one language."""
    metric = METRICS[task]
    return metric.reduce(total(measure(metric, predictions, examples, language)))


def tagged(gold: list[list[str]], predicted: list[list[str]]) -> tuple[list[Any], list[Any]]:
    """Predictions and examples of tag sequences."""
    examples = [
        TaggingExample(id=str(i), words=tuple(t), tags=tuple(t)) for i, t in enumerate(gold)
    ]
    return [TagsPrediction(id=str(i), tags=tuple(t)) for i, t in enumerate(predicted)], examples


@pytest.mark.parametrize("seed", ["1", "2", "3"])
@pytest.mark.parametrize("task", ["upos", "bio"])
def test_synthetic_tags(task: str, seed: str) -> None:
    gold = synthetic_tags(UPOS if task == "upos" else BIO, int(seed))
    predictions, examples = tagged(gold, perturb_tags(gold, f"{task} {seed}"))
    assert values(task, seed, predictions, examples) == GOLDEN[task]["values"][seed]


def test_the_two_releases_of_seqeval_differ_on_upos() -> None:
    """Otherwise the case above would not show which of them we follow."""
    gold = synthetic_tags(UPOS, 1)
    predictions, examples = tagged(gold, perturb_tags(gold, "upos 1"))
    assert values("panx", "1", predictions, examples) != GOLDEN["upos"]["values"]["1"]


@pytest.mark.data
@pytest.mark.parametrize(("task", "language"), CASES)
def test_perturbed_gold_of_real_files(task: str, language: str) -> None:
    if not (DATA / FILES[task][language]).exists():
        pytest.skip(f"no {FILES[task][language]} here")
    predictions, examples = predicted(task, language)
    assert len(examples) == GOLDEN[task]["items"][language]
    ours = values(task, language, predictions, examples)
    assert ours == GOLDEN[task]["values"][language]


def predicted(task: str, language: str) -> tuple[list[Any], list[Any]]:
    """Predictions and examples of one real file."""
    seed = f"{task} {language}"
    if task in ("udpos", "panx"):
        gold = perturbed.sentences(task, language)
        return tagged(gold, perturb_tags(gold, seed))
    if task in ("xquad", "tydiqa", "mlqa", "mlqa-rules"):
        examples: list[Any] = list(perturbed.questions(task, language))
        answers = perturbed.perturb_answers(examples, seed)
        return [SpanPrediction(id=e.id, text=answers[e.id]) for e in examples], examples
    rows = perturbed.lines(task, language)
    changed = perturbed.perturb_labels(rows, seed)
    if task == "tatoeba":
        examples = [BitextExample(id=i, source="", target="") for i in rows]
        return [Neighbours(forward=(i,), forward_scores=(1.0,)) for i in changed], examples
    examples = [
        ClassificationExample(id=str(i), text="", label=label) for i, label in enumerate(rows)
    ]
    return [LabelPrediction(id=str(i), label=row) for i, row in enumerate(changed)], examples


def test_every_metric_is_compared_on_at_least_a_thousand_items() -> None:
    for task in FILES:
        assert sum(GOLDEN[task]["items"].values()) >= 1000, task


# evaluate_test.py of the same commit; averages over languages.
MOCK = {
    "pawsx": {"accuracy": 51.42857142857143},
    "xnli": {"accuracy": 30.666666666666668},
    "panx": {
        "f1": 57.50793650793652,
        "precision": 54.729166666666664,
        "recall": 62.750000000000014,
    },
    "udpos": {
        "f1": 70.21746048354693,
        "precision": 71.02232625883823,
        "recall": 69.54982073976082,
    },
    "tatoeba": {"accuracy": 53.611111111111114},
    "xquad": {"exact_match": 77.27272727272727, "f1": 79.9586776859504},
    "mlqa": {"exact_match": 57.142857142857146, "f1": 81.76870748299321},
    "tydiqa": {"exact_match": 88.88888888888889, "f1": 97.22222222222223},
}
# In the order in which the official evaluator adds them up.
MOCK_LANGUAGES = {
    "pawsx": "de en es fr ja ko zh",
    "xnli": "ar bg de el en es fr hi ru sw th tr ur vi zh",
    "panx": (
        "ar he vi id jv ms tl eu ml ta te af nl en de el bn hi mr ur fa fr it pt es bg ru ja ka"
        " ko th sw yo my zh kk tr et fi hu"
    ),
    "udpos": (
        "af ar bg de el en es et eu fa fi fr he hi hu id it ja kk ko mr nl pt ru ta te th tl tr"
        " ur vi yo zh"
    ),
    "tatoeba": (
        "ar he vi id jv tl eu ml ta te af nl de el bn hi mr ur fa fr it pt es bg ru ja ka ko th"
        " sw zh kk tr et fi hu"
    ),
    "xquad": "en es de el ru tr ar vi th zh hi",
    "mlqa": "en es de ar hi vi zh",
    "tydiqa": "en ar bn fi id ko ru sw te",
}


@pytest.mark.data
@pytest.mark.parametrize("task", list(MOCK))
def test_mock_submission(task: str) -> None:
    """XTREME's own test files, from a checkout named by WAYSTATION_XTREME, through score_files."""
    checkout = os.environ.get("WAYSTATION_XTREME")
    if not checkout:
        pytest.skip("WAYSTATION_XTREME does not name a checkout of google-research/xtreme")
    folder = Path(checkout) / "mock_test_data"
    suffix = "json" if task in ("xquad", "mlqa", "tydiqa") else "tsv"
    scored = get(task)
    languages = MOCK_LANGUAGES[task].split()
    found: list[Any] = []
    for language in languages:
        name = f"{task}/test-{language}.{suffix}"
        result: Any = score_files(
            scored, folder / "predictions" / name, folder / "labels" / name, language
        )
        found.append(result["variants"][""][scored.headline]["values"])
    averages = {key: sum(f[key] for f in found) / len(found) for key in found[0]}
    assert averages == MOCK[task]
