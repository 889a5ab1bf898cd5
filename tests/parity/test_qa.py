"""F1 and exact match equal SQuAD's and MLQA's scripts: XQuAD, TyDiQA, MLQA, SQuAD v2.0."""

from __future__ import annotations

import pytest

from parity.cases import CASES, Case, items, made, ours, real
from waystation.examples import SpanPrediction
from waystation.metrics import measure, qa, total

SCORERS = ("squad", "squad-v2", "mlqa")


@pytest.mark.parametrize(("case", "part"), made(*SCORERS))
def test_synthetic_questions(case: Case, part: str) -> None:
    assert ours(case, part) == case.official(part)


@pytest.mark.data
@pytest.mark.parametrize(("case", "part"), real(*SCORERS))
def test_real_files(case: Case, part: str) -> None:
    case.skip_without_data()
    assert ours(case, part) == case.official(part)


@pytest.mark.parametrize(("case", "part"), made("mlqa"))
def test_by_language_is_mlqa_where_mlqa_has_rules(case: Case, part: str) -> None:
    gold, predicted = items(case, part)
    predictions = [SpanPrediction(id=e.id, text=predicted[e.id]) for e in gold]
    found = qa.BY_LANGUAGE.reduce(total(measure(qa.BY_LANGUAGE, predictions, gold, part)))
    assert {k.removesuffix("_language"): v for k, v in found.items()} == case.official(part)


def test_the_scripts_differ() -> None:
    """Otherwise the cases above would not show which of them we follow."""
    one, two, three = (c for c in CASES if c.task == "questions")
    assert one.official("zh") != three.official("zh")
    assert two.official("en") != one.official("en")
