"""Chunk F1 equals that of XTREME's evaluate.py with either release of seqeval: UDPOS, PAN-X."""

from __future__ import annotations

import pytest

from parity.cases import CASES, Case, made, ours, real

SCORERS = ("seqeval 0.0.12", "seqeval 1.2.2")


@pytest.mark.parametrize(("case", "part"), made(*SCORERS))
def test_synthetic_tags(case: Case, part: str) -> None:
    assert ours(case, part) == case.official(part)


@pytest.mark.data
@pytest.mark.parametrize(("case", "part"), real(*SCORERS))
def test_real_files(case: Case, part: str) -> None:
    case.skip_without_data()
    assert ours(case, part) == case.official(part)


@pytest.mark.parametrize(("task", "differ"), [("upos", True), ("bioes", True), ("bio", False)])
def test_where_the_two_releases_differ(task: str, differ: bool) -> None:
    """Otherwise the cases above would not show which of them we follow."""
    old, new = (c for c in CASES if c.task == task)
    assert (old.official("1") != new.official("1")) == differ
