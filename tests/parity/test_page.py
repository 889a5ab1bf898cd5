"""docs/parity.md is what the goldens and our metrics say today."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest


def script() -> ModuleType:
    path = Path(__file__).parents[2] / "scripts" / "parity_page.py"
    spec = importlib.util.spec_from_file_location("parity_page", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


PAGE = script()
WRITTEN = PAGE.PAGE.read_text(encoding="utf-8")


def test_rows_of_seeded_items_are_current() -> None:
    rows = list(PAGE.rows(real=False))
    assert len(rows) == sum(not case.real for case in PAGE.CASES)
    assert [row for row in rows if row not in WRITTEN] == [], "run: scripts/parity_page.py"


@pytest.mark.data
def test_rows_of_real_files_are_current() -> None:
    rows = list(PAGE.rows(real=True))
    if not rows:
        pytest.skip("no data folder here")
    assert [row for row in rows if row not in WRITTEN] == [], "run: scripts/parity_page.py"


@pytest.mark.data
def test_rows_of_the_mock_submission_are_current() -> None:
    rows = list(PAGE.mock_rows())
    if not rows:
        pytest.skip("WAYSTATION_XTREME does not name a checkout of google-research/xtreme")
    assert [row for row in rows if row not in WRITTEN] == [], "run: scripts/parity_page.py"


def test_the_page_has_a_row_per_case_and_mock_task() -> None:
    releases = sum(len(found) for found in PAGE.GOLDEN["mock"].values())
    table = WRITTEN.partition(PAGE.BEGIN)[2].partition(PAGE.END)[0]
    rows = [line for line in table.splitlines() if line.startswith("| `") or "SQuAD's" in line]
    assert len(rows) == len(PAGE.CASES) + releases


def test_only_lareqa_differs_and_by_rounding() -> None:
    table = WRITTEN.partition(PAGE.BEGIN)[2].partition(PAGE.END)[0]
    for line in table.splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if len(cells) == 7 and cells[2].isdecimal() and cells[6] != "0":
            assert "lareqa" in cells[0]
            assert float(cells[6]) < 1e-12
