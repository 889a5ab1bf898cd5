"""XTREME's own mock submission, every task and language, from files to values."""

from __future__ import annotations

import os
from functools import reduce
from operator import add
from pathlib import Path
from typing import Any

import pytest

from official import PUBLISHED
from parity.cases import GOLDEN
from waystation.score import score_files
from waystation.task import get


def average(values: dict[str, dict[str, float]]) -> dict[str, float]:
    """Over languages, added from first to last as `sum` did before Python 3.12."""
    first = next(iter(values.values()))
    return {key: reduce(add, [v[key] for v in values.values()]) / len(values) for key in first}


def release(task: str) -> str:
    """The release of seqeval that the published averages come from."""
    return "0.0.12" if task in ("udpos", "panx") else ""


@pytest.mark.parametrize("task", list(PUBLISHED))
def test_what_the_scripts_say_today_is_what_they_published(task: str) -> None:
    assert average(GOLDEN["mock"][task][release(task)]) == PUBLISHED[task]


@pytest.mark.data
@pytest.mark.parametrize("task", list(PUBLISHED))
def test_mock_submission(task: str) -> None:
    """Files of a checkout named by WAYSTATION_XTREME, which is not part of this repository."""
    checkout = os.environ.get("WAYSTATION_XTREME")
    if not checkout:
        pytest.skip("WAYSTATION_XTREME does not name a checkout of google-research/xtreme")
    folder = Path(checkout) / "mock_test_data"
    scored = get(task)
    official = GOLDEN["mock"][task]
    suffix = "json" if task in ("xquad", "mlqa", "tydiqa", "mewslix") else "tsv"
    for language, expected in official[release(task)].items():
        name = f"{task}/test-{language}.{suffix}"
        result: Any = score_files(
            scored, folder / "predictions" / name, folder / "labels" / name, language
        )
        found = result["variants"][""]
        assert found[scored.headline]["values"] == expected, language
        if task == "udpos":
            newer = found["f1_seqeval1"]["values"]
            other = {k.removesuffix("_seqeval1"): v for k, v in newer.items()}
            assert other == official["1.2.2"][language], language
