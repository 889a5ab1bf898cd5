"""Retrieval equals the official scripts: Tatoeba, BUCC, LAReQA, Mewsli-X."""

from __future__ import annotations

import numpy as np
import pytest

from parity.cases import Case, items, made, ours, real
from waystation.metrics.retrieval import average_precision

SCORERS = ("positions", "pairs", "threshold", "mewslix")


@pytest.mark.parametrize(("case", "part"), made(*SCORERS))
def test_synthetic_items(case: Case, part: str) -> None:
    assert ours(case, part) == case.official(part)


@pytest.mark.data
@pytest.mark.parametrize(("case", "part"), real(*SCORERS))
def test_real_files(case: Case, part: str) -> None:
    case.skip_without_data()
    assert ours(case, part) == case.official(part)


def lareqa(case: Case, part: str) -> None:
    """Every average precision is the same; the official mean is numpy's, which adds pairwise.

    It is a mean over all questions in the order in which files are listed, so that its last digit
    is no fixed number; ours adds from first to last, as Mewsli-X and every other metric does.
    """
    found, official = ours(case, part), case.official(part)
    assert found["each"] == official["each"]
    gold, predicted = items(case, part)
    each = [average_precision(predicted[q], gold[q]) for q in gold]
    assert float(np.mean(each)) * 100 == official["map@20"]
    assert found["map@20"] == pytest.approx(official["map@20"], rel=1e-14)


@pytest.mark.parametrize(("case", "part"), made("lareqa"))
def test_synthetic_rankings(case: Case, part: str) -> None:
    lareqa(case, part)


@pytest.mark.data
@pytest.mark.parametrize(("case", "part"), real("lareqa"))
def test_real_questions_and_what_is_relevant_to_them(case: Case, part: str) -> None:
    case.skip_without_data()
    lareqa(case, part)
