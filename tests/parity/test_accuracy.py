"""Accuracy equals that of XTREME's evaluate.py to the last digit: XNLI, PAWS-X, XCOPA."""

from __future__ import annotations

import pytest

from parity.cases import CASES, GOLDEN, Case, made, ours, real

SCORERS = ("accuracy", "choice")


@pytest.mark.parametrize(("case", "part"), made(*SCORERS))
def test_synthetic_items(case: Case, part: str) -> None:
    assert ours(case, part) == case.official(part)


@pytest.mark.data
@pytest.mark.parametrize(("case", "part"), real(*SCORERS))
def test_real_files(case: Case, part: str) -> None:
    case.skip_without_data()
    assert ours(case, part) == case.official(part)


def test_every_scorer_is_compared_on_a_thousand_items_with_and_without_data() -> None:
    """Of every metric, not only of these."""
    for scorer in {case.scorer for case in CASES}:
        for is_real in (False, True):
            cases = [c for c in CASES if c.scorer == scorer and c.real == is_real]
            counts = [sum(GOLDEN["cases"][c.name]["items"].values()) for c in cases]
            no_real_file = is_real and scorer in ("mewslix", "squad-v2")
            small = is_real and scorer == "pairs"  # BUCC zh has 257 gold pairs
            assert sum(counts) >= 1000 or no_real_file or small, scorer
