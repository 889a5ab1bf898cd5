"""What is compared with official scripts: which items, by which script, against which metric.

A case has a scorer (an official function and our metric for it) and parts, mostly languages. The
items of a part are the same for both sides: gold and a prediction made from it by a seeded rule
(`perturbed.py`), from real files or from `synthetic.py`. `golden.json` holds what the official
functions said (`make_golden.py`); the tests of this folder and `scripts/parity_page.py` compare.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import pytest

from parity import perturbed, synthetic
from waystation.examples import (
    BitextExample,
    ChoiceExample,
    ChoicePrediction,
    ClassificationExample,
    LabelPrediction,
    Neighbours,
    QueryExample,
    SpanPrediction,
    TaggingExample,
    TagsPrediction,
)
from waystation.languages import listed
from waystation.metrics import Metric, labels, measure, qa, retrieval, tagging, total

GOLDEN = json.loads(Path(__file__).with_name("golden.json").read_text(encoding="utf-8"))
UPOS = listed("ADJ ADP ADV AUX CCONJ DET INTJ NOUN NUM PART PRON PROPN PUNCT SCONJ SYM VERB X _")
BIO = ("O", "B-LOC", "I-LOC", "B-ORG", "I-ORG", "B-PER", "I-PER")
# Schemes beyond PAN-X's, and types with dashes, on which the two releases of seqeval differ.
BIOES = ("O", *(f"{prefix}-{type_}" for type_ in ("A", "x-A", "x-B") for prefix in "BIES"))
SETS = {"upos": UPOS, "bio": BIO, "bioes": BIOES}

Values: TypeAlias = "dict[str, float | str]"


@dataclass(frozen=True)
class Case:
    """One row of the parity table."""

    task: str
    scorer: str
    parts: tuple[str, ...]
    real: bool = False

    @property
    def name(self) -> str:
        """Its key in `golden.json`."""
        return f"{self.task} {self.scorer}"

    def official(self, part: str) -> Values:
        """What the official function said."""
        return dict(GOLDEN["cases"][self.name]["values"][part])

    def skip_without_data(self) -> None:
        """Skips the test that asks where a real file is not here."""
        for path in perturbed.FILES[self.task].values():
            if not (perturbed.DATA / path).exists():
                pytest.skip(f"no {path} here")


def _real(task: str, scorer: str) -> Case:
    return Case(task, scorer, tuple(perturbed.FILES[task]), real=True)


SEEDS = ("1", "2", "3")
CASES = (
    _real("xnli", "accuracy"),
    _real("pawsx", "accuracy"),
    _real("xcopa", "choice"),
    Case("labels", "accuracy", SEEDS),
    Case("options", "choice", SEEDS),
    _real("udpos", "seqeval 0.0.12"),
    _real("udpos", "seqeval 1.2.2"),
    _real("panx", "seqeval 0.0.12"),
    _real("panx", "seqeval 1.2.2"),
    *(Case(s, f"seqeval {v}", SEEDS) for s in SETS for v in ("0.0.12", "1.2.2")),
    _real("xquad", "squad"),
    _real("tydiqa", "squad"),
    Case("questions", "squad", tuple(synthetic.TEXTS)),
    Case("questions", "squad-v2", tuple(synthetic.TEXTS)),
    _real("mlqa", "mlqa"),
    _real("mlqa-rules", "mlqa"),
    Case("questions", "mlqa", tuple(synthetic.TEXTS)),
    _real("tatoeba", "positions"),
    Case("positions", "positions", SEEDS),
    _real("bucc2018", "pairs"),
    Case("pairs", "pairs", SEEDS),
    _real("bucc2018", "threshold"),
    Case("pairs", "threshold", SEEDS),
    _real("lareqa", "lareqa"),
    Case("rankings", "lareqa", SEEDS),
    Case("entities", "mewslix", SEEDS),
)


def made(*scorers: str) -> list[Any]:
    """pytest parameters of the synthetic parts of these scorers."""
    return [_parameter(c, p) for c in CASES if c.scorer in scorers and not c.real for p in c.parts]


def real(*scorers: str) -> list[Any]:
    """pytest parameters of the parts from real files."""
    return [_parameter(c, p) for c in CASES if c.scorer in scorers and c.real for p in c.parts]


def _parameter(case: Case, part: str) -> Any:
    return pytest.param(case, part, id=f"{case.name} {part}".replace(" ", "-"))


def items(case: Case, part: str) -> tuple[Any, Any]:
    """(gold, predicted) of one part, in the shape that its scorer takes."""
    gold = _gold(case, part)
    return gold, _PREDICTED[case.scorer.split()[0]](gold, f"{case.task} {part}")


def _gold(case: Case, part: str) -> Any:
    if case.scorer in ("squad", "squad-v2", "mlqa"):
        if case.real:
            return perturbed.questions(case.task, part)
        return synthetic.questions(part, 0.3 if case.scorer == "squad-v2" else 0.0)
    if case.scorer.startswith("seqeval"):
        if case.real:
            return perturbed.sentences(case.task, part)
        return synthetic.tags(SETS[case.task], int(part))
    if case.scorer == "lareqa":
        return real_rankings(part) if case.real else synthetic.relevances(part)
    if case.real:
        return perturbed.lines(case.task, part)
    made: dict[str, Callable[[], Any]] = {
        "accuracy": lambda: synthetic.labels(perturbed.XNLI_LABELS, part),
        "choice": lambda: synthetic.labels("01", part),
        "positions": lambda: [str(i) for i in range(1000)],
        "pairs": lambda: synthetic.gold_pairs(part),
        "threshold": lambda: synthetic.gold_pairs(part),
        "mewslix": lambda: synthetic.entities(part),
    }
    return made[case.scorer]()


def real_rankings(language: str) -> dict[str, list[str]]:
    """LAReQA's questions of one language with what our task takes for relevant to them."""
    from waystation.tasks import queries

    files = [perturbed.DATA / path for path in perturbed.FILES["lareqa"].values()]
    first = perturbed.DATA / perturbed.FILES["lareqa"][language]
    return {
        e.id: sorted(e.relevant or ())
        for e in queries.lareqa(list(dict.fromkeys([first, *files])), language, "test")
    }


def rankings(gold: dict[str, list[str]], seed: str) -> dict[str, list[str]]:
    """A ranking per query; what is not relevant to it comes from what is to another."""
    pool = sorted({name for names in gold.values() for name in names})
    return {q: perturbed.perturb_ranking(gold[q], pool, f"{seed} {q}") for q in gold}


_PREDICTED: dict[str, Callable[[Any, str], Any]] = {
    "accuracy": perturbed.perturb_labels,
    "choice": perturbed.perturb_labels,
    "positions": perturbed.perturb_labels,
    "seqeval": perturbed.perturb_tags,
    "squad": perturbed.perturb_answers,
    "squad-v2": perturbed.perturb_answers,
    "mlqa": perturbed.perturb_answers,
    "pairs": perturbed.perturb_pairs,
    # BUCC's 257 gold pairs get more wrong ones beside them.
    "threshold": lambda gold, seed: perturbed.scored_pairs(
        gold, seed, 12 if len(gold) < 500 else 2
    ),
    "lareqa": rankings,
    "mewslix": rankings,
}


def count(case: Case, part: str) -> int:
    """How many items of one part were scored: sentences, questions, pairs or queries."""
    gold, predicted = items(case, part)
    return len(predicted if case.scorer == "threshold" else gold)


def ours(case: Case, part: str) -> Values:
    """Our values of one part, in the official names."""
    gold, predicted = items(case, part)
    return _OURS[case.scorer](gold, predicted, part)


def _values(
    metric: Metric[Any, Any], predictions: Sequence[Any], examples: Sequence[Any], language: str
) -> Values:
    return dict(metric.reduce(total(measure(metric, predictions, examples, language))))


def _labels(gold: list[str], predicted: list[str], language: str) -> Values:
    examples = [ClassificationExample(id=str(i), text="", label=x) for i, x in enumerate(gold)]
    predictions = [LabelPrediction(id=str(i), label=x) for i, x in enumerate(predicted)]
    return _values(labels.ACCURACY, predictions, examples, language)


def _choices(gold: list[str], predicted: list[str], language: str) -> Values:
    examples = [
        ChoiceExample(id=str(i), context="", options=("", ""), label=int(x))
        for i, x in enumerate(gold)
    ]
    predictions = [ChoicePrediction(id=str(i), label=int(x)) for i, x in enumerate(predicted)]
    return _values(labels.CHOICE_ACCURACY, predictions, examples, language)


def _tags(metric: Metric[Any, Any]) -> Callable[[Any, Any, str], Values]:
    def values(gold: list[list[str]], predicted: list[list[str]], language: str) -> Values:
        examples = [
            TaggingExample(id=str(i), words=tuple(t), tags=tuple(t)) for i, t in enumerate(gold)
        ]
        predictions = [TagsPrediction(id=str(i), tags=tuple(t)) for i, t in enumerate(predicted)]
        found = _values(metric, predictions, examples, language)
        return {name.removesuffix("_seqeval1"): value for name, value in found.items()}

    return values


def _answers(metric: Metric[Any, Any]) -> Callable[[Any, Any, str], Values]:
    def values(gold: Any, predicted: dict[str, str], language: str) -> Values:
        predictions = [SpanPrediction(id=e.id, text=predicted[e.id]) for e in gold]
        return _values(metric, predictions, gold, language)

    return values


def _positions(gold: list[str], predicted: list[str], language: str) -> Values:
    examples = [BitextExample(id=i, source="", target="") for i in gold]
    predictions = [Neighbours(forward=(), forward_scores=(), backward=(i,)) for i in predicted]
    return _values(retrieval.ACCURACY, predictions, examples, language)


def _pairs(gold: list[str], predicted: list[str], language: str) -> Values:
    right: dict[str, list[str]] = {}
    found: dict[str, list[str]] = {}
    for lines, targets in ((gold, right), (predicted, found)):
        for line in lines:
            source, target = line.split("\t")
            targets.setdefault(source, []).append(target)
    sources = list(dict.fromkeys([*right, *found]))
    examples = [QueryExample(id=s, query="", relevant=tuple(right.get(s, ()))) for s in sources]
    predictions = [Neighbours(forward=tuple(found.get(s, ())), forward_scores=()) for s in sources]
    return _values(retrieval.BUCC_F1, predictions, examples, language)


def _threshold(gold: list[str], scored: list[tuple[str, str, float]], language: str) -> Values:
    right = frozenset(gold)
    rows = [(score, f"{source}\t{target}" in right) for source, target, score in scored]
    threshold = retrieval.threshold_of(rows, len(gold))
    kept = [f"{source}\t{target}" for source, target, score in scored if score >= threshold]
    return {"threshold": threshold} | _pairs(gold, kept, language)


def _rankings(gold: dict[str, list[str]], predicted: dict[str, list[str]], _: str) -> Values:
    examples = [QueryExample(id=q, query="", relevant=tuple(gold[q])) for q in gold]
    predictions = [Neighbours(forward=tuple(predicted[q]), forward_scores=()) for q in gold]
    return _values(retrieval.MAP20, predictions, examples, "")


def _each_ranking(gold: dict[str, list[str]], predicted: dict[str, list[str]], _: str) -> Values:
    """The digest of every average precision beside their mean."""
    each = [retrieval.average_precision(predicted[q], gold[q]) for q in gold]
    return {"each": digest_of(each)} | _rankings(gold, predicted, "")


def digest_of(values: Sequence[float]) -> str:
    """What names a list of numbers to their last digit."""
    return hashlib.sha256(" ".join(float(v).hex() for v in values).encode()).hexdigest()[:16]


_OURS: dict[str, Callable[[Any, Any, str], Values]] = {
    "accuracy": _labels,
    "choice": _choices,
    "seqeval 0.0.12": _tags(tagging.UDPOS_F1),
    "seqeval 1.2.2": _tags(tagging.UDPOS_F1_1X),
    "squad": _answers(qa.SQUAD),
    "squad-v2": _answers(qa.SQUAD_V2),
    "mlqa": _answers(qa.MLQA),
    "positions": _positions,
    "pairs": _pairs,
    "threshold": _threshold,
    "lareqa": _each_ranking,
    "mewslix": _rankings,
}
