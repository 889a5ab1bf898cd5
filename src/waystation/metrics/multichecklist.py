"""Failure rates of MultiCheckList, as google-research/xtreme@838c13b, `multichecklist`, takes them.

A test case is a handful of questions on one draw of names and words, and passes only if every
answer to them is right: equal to the gold after removing a language's articles and stripping
spaces and punctuation (`clean` in generate_test_utils.py; nothing is lower-cased, and an article
is replaced by a space). A test's failure rate is (1 - passed / cases) * 100, in that order
(test_models.py). Test and case are read from an example's id, `language/test/case/question`.
The headline, the mean success over the tests that are there, is ours: the script prints the rates
one by one. Floor 1: numpy only.
"""

from __future__ import annotations

import re
from typing import Final

import numpy as np

from waystation.errors import UserError
from waystation.examples import SpanExample, SpanPrediction
from waystation.metrics import Metric, Statistics, ratio
from waystation.metrics.labels import no_gold

# The short names that the official files of predictions carry, in the order of the templates.
TESTS: Final = (
    "comp", "intense", "props", "profession_nationality", "animal_vehicle", "animal_vehicle_v2",
)  # fmt: skip

_WHOLE_WORDS: Final = {
    "de": "ein eine einen",
    "el": "Ο ένα μια",
    "en": "a an the in at",
    "es": "un una unos unas el la los las",
    "eu": "bat",
    "fa": "یک",
    "fr": "un une le la en",
    "hu": "egy",
    "it": "un una",
    "nl": "een",
    "pt": "um uma",
    "tl": "Si",
    "tr": "bir",
    "vi": "một",
    "wo": "dafa",
    "yo": "kan",
}
_PREFIXES: Final = {
    "bn": "একটি একজন",
    "hi": "एक",
    "ml": "ഒരു",
    "mr": "एक",
    "my": "တစ်ဦး",
    "pa": "ਇੱਕ ਇਕ",
    "ta": "ஒரு",
}
_ARTICLES: Final[dict[str, re.Pattern[str]]] = {
    **{tag: re.compile(rf"\b({'|'.join(w.split())})\b") for tag, w in _WHOLE_WORDS.items()},
    **{tag: re.compile(rf"\b({'|'.join(w.split())})") for tag, w in _PREFIXES.items()},
    "af": re.compile(r"(’n)\b"),
    "ar": re.compile("ال"),  # the other branch of the official pattern can match nothing
}
_STRIPPED: Final = {
    "bn": ",. ৷",
    "hi": ",. ৷",
    "pa": ",. ।",
    "pl": "„”,. ",
    "ur": ",. \u200f",
}


def normalise(text: str, language: str) -> str:
    """An answer without articles, spaces and punctuation at its ends, as the language has it."""
    articles = _ARTICLES.get(language)
    return (articles.sub(" ", text) if articles else text).strip(_STRIPPED.get(language, ",. "))


def case_of(example: SpanExample) -> str:
    """The test case of an example: `language/test/case`."""
    return example.id.rpartition("/")[0]


def _statistics(prediction: SpanPrediction, example: SpanExample, language: str) -> Statistics:
    """float64[12]: for each test whether the answer is right, then whether it is of that test."""
    if example.answers is None:
        raise no_gold(example.id, "answers")
    name = example.id.split("/")
    if len(name) < 4 or name[-3] not in TESTS:
        raise UserError(
            "expected ids of MultiCheckList such as 'en/comp/1/1' (language, test, case, question;"
            f" the tests are {', '.join(TESTS)}), found '{example.id}'."
        )
    place = TESTS.index(name[-3])
    found = normalise(prediction.text, language)
    row = np.zeros(2 * len(TESTS))
    row[place] = any(found == normalise(answer.text, language) for answer in example.answers)
    row[len(TESTS) + place] = 1.0
    return row


def _rates(totals: Statistics) -> Statistics:
    """float64[n, 6]: the share of cases that pass, NaN for a test without any."""
    totals = np.where(np.abs(totals - np.round(totals)) < 1e-6, np.round(totals), totals)
    passed, cases = totals[:, : len(TESTS)], totals[:, len(TESTS) :]
    return np.where(cases > 0, ratio(passed, cases), np.nan)


def _headlines(totals: Statistics) -> Statistics:
    shares = _rates(totals)
    there = ~np.isnan(shares)
    return 100.0 * ratio(np.where(there, shares, 0.0).sum(axis=1), there.sum(axis=1) * 1.0)


def _reduce(total: Statistics) -> dict[str, float]:
    shares = _rates(total[None])[0]
    rates = {
        f"error_{test}": float((1.0 - share) * 100)
        for test, share in zip(TESTS, shares, strict=True)
        if not np.isnan(share)
    }
    return {"success": float(_headlines(total[None])[0]), **rates}


CHECKLIST: Final = Metric(
    names=("success", *(f"error_{test}" for test in TESTS)),
    statistics=_statistics,
    reduce=_reduce,
    headlines=_headlines,
    case=case_of,
)
