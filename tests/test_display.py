"""Tables on a terminal of a given width."""

from __future__ import annotations

import functools
import re

import pytest
from rich.console import Console

from waystation import catalogue, display


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    made = functools.partial(Console, force_terminal=True, no_color=True, width=80)
    monkeypatch.setattr(display, "Console", made)


@pytest.mark.usefixtures("terminal")
def test_short_columns_stay_whole_beside_long_ones(capsys: pytest.CaptureFixture[str]) -> None:
    text = "words that go on and on " * 6
    display.table(("task", "kind", "notes"), [("pocket-paraphrase", "classification", text)])
    lines = capsys.readouterr().out.splitlines()
    assert lines[1].startswith("pocket-paraphrase  classification  words that")
    assert max(map(len, lines[1:])) <= 80
    assert len(lines) > 3


@pytest.mark.usefixtures("terminal")
def test_what_cannot_fit_is_folded_and_not_lost(capsys: pytest.CaptureFixture[str]) -> None:
    display.table([f"column {n}" for n in range(7)], [["0123456789abcdef"] * 7])
    shown = "".join(capsys.readouterr().out.split())
    assert all(shown.count(character) >= 7 for character in "abcdef0123456789")


@pytest.mark.usefixtures("terminal")
def test_tasks_keep_their_kinds_whole(capsys: pytest.CaptureFixture[str]) -> None:
    catalogue.show_tasks(None, json=False)
    shown = capsys.readouterr().out
    assert re.search(r"xnli +classification +15  dev, test", shown)
    assert "classificati " not in shown


def test_notes_on_the_hub_are_a_line_each(capsys: pytest.CaptureFixture[str]) -> None:
    catalogue.show_task("udpos", None, json=False)
    shown = capsys.readouterr().out
    assert "have no groups.\n" in shown
    assert "have no groups.," not in shown
