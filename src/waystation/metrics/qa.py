"""Metrics of extracted answers: SQuAD's and MLQA's F1 and exact match.

`SQUAD` follows the official v1.1 script, which XTREME applies to every language: English
articles, ASCII punctuation and white-space tokens even for Chinese or Thai. `MLQA` follows
`mlqa_evaluation_v1.py`: articles of the context's language, Unicode punctuation, and Chinese
characters as tokens. Both as in google-research/xtreme@838c13b, `third_party`. An unanswerable
question (SQuAD v2.0) counts fully if and only if nothing is left of the prediction.

Unicode punctuation and lower case are those of the running Python.
"""

from __future__ import annotations

import re
import string
import unicodedata
from collections import Counter
from collections.abc import Callable
from functools import cache
from typing import Final, TypeAlias

import numpy as np

from waystation.errors import UserError
from waystation.examples import SpanExample, SpanPrediction
from waystation.metrics import Metric, Statistics, ratio
from waystation.metrics.labels import no_gold

Normalise: TypeAlias = Callable[[str, str], str]

_ENGLISH_ARTICLES: Final = re.compile(r"\b(a|an|the)\b")
_ASCII_PUNCTUATION: Final = str.maketrans("", "", string.punctuation)

# Language -> what MLQA's script takes for articles; Hindi and Chinese have none. The Arabic
# entry is a prefix, which the script removes wherever the two letters stand.
_MLQA_ARTICLES: Final[dict[str, re.Pattern[str] | None]] = {
    "ar": re.compile("ال"),
    "de": re.compile(r"\b(ein|eine|einen|einem|eines|einer|der|die|das|den|dem|des)\b"),
    "en": _ENGLISH_ARTICLES,
    "es": re.compile(r"\b(un|una|unos|unas|el|la|los|las)\b"),
    "hi": None,
    "vi": re.compile(r"\b(của|là|cái|chiếc|những)\b"),
    "zh": None,
}
_CHINESE_CHARACTER: Final = re.compile("([\u4e00-\u9fa5])")


def normalise_squad(text: str, language: str = "en") -> str:
    """Lower case without ASCII punctuation, English articles and runs of white space."""
    text = text.lower().translate(_ASCII_PUNCTUATION)
    return " ".join(_ENGLISH_ARTICLES.sub(" ", text).split())


def normalise_mlqa(text: str, language: str) -> str:
    """As MLQA does for the context's language; a pair such as `de-en` has its context first."""
    primary = language.partition("-")[0]
    if primary not in _MLQA_ARTICLES:
        raise UserError(
            f"expected one of MLQA's languages {', '.join(_MLQA_ARTICLES)}, found '{language}';"
            " its normalisation is defined for these only, so score other languages as SQuAD."
        )
    text = "".join(c for c in text.lower() if not _is_punctuation(c))
    articles = _MLQA_ARTICLES[primary]
    if articles is not None:
        text = articles.sub(" ", text)
    if primary == "zh":
        text = _CHINESE_CHARACTER.sub(r" \1 ", text)
    return " ".join(text.split())


@cache
def _is_punctuation(character: str) -> bool:
    return character in string.punctuation or unicodedata.category(character).startswith("P")


def _f1(predicted: list[str], gold: list[str]) -> float:
    same = sum((Counter(predicted) & Counter(gold)).values())
    if same == 0:
        return 0.0
    precision, recall = same / len(predicted), same / len(gold)
    return (2 * precision * recall) / (precision + recall)


def _metric(normalise: Normalise) -> Metric[SpanPrediction, SpanExample]:
    def statistics(prediction: SpanPrediction, example: SpanExample, language: str) -> Statistics:
        if example.answers is None:
            raise no_gold(example.id, "answers")
        predicted = normalise(prediction.text, language)
        if not example.answers:
            return np.array([not predicted, not predicted, 1.0], dtype=np.float64)
        golds = [normalise(answer.text, language) for answer in example.answers]
        f1 = max(_f1(predicted.split(), gold.split()) for gold in golds)
        return np.array([f1, predicted in golds, 1.0], dtype=np.float64)

    return Metric(
        names=("f1", "exact_match"),
        statistics=statistics,
        reduce=_reduce,
        headlines=lambda totals: ratio(100.0 * totals[:, 0], totals[:, 2]),
    )


def _reduce(total: Statistics) -> dict[str, float]:
    f1, exact, count = total
    if not count:
        return {"f1": 0.0, "exact_match": 0.0}
    return {"f1": float(100.0 * f1 / count), "exact_match": float(100.0 * exact / count)}


SQUAD = _metric(normalise_squad)
MLQA = _metric(normalise_mlqa)
