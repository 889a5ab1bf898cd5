"""Metrics of extracted answers: F1 and exact match of SQuAD v1.1 and v2.0, MLQA, and by language.

- `SQUAD` follows the official v1.1 script, which XTREME applies to XQuAD and TyDiQA in every
  language: English articles, ASCII punctuation, white-space tokens even for Chinese or Thai. An
  unanswerable question counts fully if and only if nothing is left of the prediction.
- `SQUAD_V2` follows the official `evaluate-v2.0.py`: as v1.1, but gold answers of which nothing
  is left are dropped, and two empty answers agree.
- `MLQA` follows `mlqa_evaluation_v1.py`: articles of the context's language, Unicode
  punctuation, and Chinese characters as tokens.
- `BY_LANGUAGE` is ours, to stand beside `SQUAD` under names of its own: MLQA's rules, unchanged,
  for MLQA's seven languages; in any other language Unicode punctuation goes, no articles go
  (nobody has published a list), and every character of a script written without spaces is a
  token, its combining marks with it. Chance agreement rises with short tokens, so its values
  are not for comparison between languages, nor with published ones.

v1.1 and MLQA as in google-research/xtreme@838c13b, `third_party`. Unicode punctuation and lower
case are those of the running Python. Does not choose answers: that is the span head's work.
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

# Scripts written without spaces between words: Thai, Lao, Tibetan, Myanmar, Khmer, kana, Han.
_UNSPACED: Final = (
    (0x0E00, 0x0EFF), (0x0F00, 0x0FFF), (0x1000, 0x109F), (0x1780, 0x17FF), (0x3005, 0x3007),
    (0x3040, 0x30FF), (0x31F0, 0x31FF), (0x3400, 0x4DBF), (0x4E00, 0x9FFF), (0xA9E0, 0xA9FF),
    (0xAA60, 0xAA7F), (0xF900, 0xFAFF), (0xFF66, 0xFF9F), (0x20000, 0x3FFFF),
)  # fmt: skip


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


def normalise_by_language(text: str, language: str) -> str:
    """MLQA's rules where it has some; elsewhere see `BY_LANGUAGE` in the module's docstring."""
    if language.partition("-")[0] in _MLQA_ARTICLES:
        return normalise_mlqa(text, language)
    parts: list[str] = []
    after_single = False
    for character in text.lower():
        if _is_punctuation(character):
            continue
        mark = unicodedata.category(character).startswith("M")
        single = _is_unspaced(character)
        if (single or after_single) and not mark:
            parts.append(" ")
        parts.append(character)
        after_single = single or (mark and after_single)
    return " ".join("".join(parts).split())


@cache
def _is_punctuation(character: str) -> bool:
    return character in string.punctuation or unicodedata.category(character).startswith("P")


@cache
def _is_unspaced(character: str) -> bool:
    point = ord(character)
    return point >= 0x0E00 and any(first <= point <= last for first, last in _UNSPACED)


def _f1(predicted: list[str], gold: list[str]) -> float:
    same = sum((Counter(predicted) & Counter(gold)).values())
    if same == 0:
        return 0.0
    precision, recall = same / len(predicted), same / len(gold)
    return (2 * precision * recall) / (precision + recall)


def _metric(normalise: Normalise, suffix: str = "") -> Metric[SpanPrediction, SpanExample]:
    def statistics(prediction: SpanPrediction, example: SpanExample, language: str) -> Statistics:
        predicted = normalise(prediction.text, language)
        if not _answers(example):
            return np.array([not predicted, not predicted, 1.0], dtype=np.float64)
        golds = [normalise(answer, language) for answer in _answers(example)]
        f1 = max(_f1(predicted.split(), gold.split()) for gold in golds)
        return np.array([f1, predicted in golds, 1.0], dtype=np.float64)

    return _of(statistics, suffix)


def _v2(prediction: SpanPrediction, example: SpanExample, _: str) -> Statistics:
    golds = [gold for answer in _answers(example) if (gold := normalise_squad(answer))] or [""]
    predicted = normalise_squad(prediction.text)
    f1 = max(
        _f1(predicted.split(), g.split()) if predicted and g else predicted == g for g in golds
    )
    return np.array([f1, predicted in golds, 1.0], dtype=np.float64)


def _answers(example: SpanExample) -> list[str]:
    if example.answers is None:
        raise no_gold(example.id, "answers")
    return [answer.text for answer in example.answers]


def _of(
    statistics: Callable[[SpanPrediction, SpanExample, str], Statistics], suffix: str = ""
) -> Metric[SpanPrediction, SpanExample]:
    def reduce(total: Statistics) -> dict[str, float]:
        f1, exact, count = (float(value) for value in total)
        return {
            f"f1{suffix}": 100.0 * f1 / count if count else 0.0,
            f"exact_match{suffix}": 100.0 * exact / count if count else 0.0,
        }

    return Metric(
        names=(f"f1{suffix}", f"exact_match{suffix}"),
        statistics=statistics,
        reduce=reduce,
        headlines=lambda totals: ratio(100.0 * totals[:, 0], totals[:, 2]),
    )


SQUAD = _metric(normalise_squad)
SQUAD_V2 = _of(_v2)
MLQA = _metric(normalise_mlqa)
BY_LANGUAGE = _metric(normalise_by_language, "_language")
