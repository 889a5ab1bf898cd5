"""The HTML report: complete, escaped, self-contained, and at home in a browser."""

from __future__ import annotations

import base64
import csv
import hashlib
import io
import json
import re
from dataclasses import replace
from html.parser import HTMLParser

import pytest

from synthetic_results import HOSTILE, quick, renamed, synthetic
from waystation.report import Analysis, analyse, html_run, numbers, render, tips
from waystation.report.markup import Markup, element, name
from waystation.report.sentences import brief
from waystation.report.words import look, phrase


@pytest.fixture(scope="module")
def faulty() -> Analysis:
    return quick(faults=True)


class Page(HTMLParser):
    """Checks that tags nest, and collects text, ids, and what would be fetched."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.ids: list[str] = []
        self.links: list[str] = []
        self.fetched: list[str] = []
        self.tags: set[str] = set()
        self.scripts = 0
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.scripts += tag == "script" and ("type", "application/json") not in attrs
        if tag not in ("meta", "link", "br", "wbr", "input"):
            self.open.append(tag)
        for key, value in attrs:
            if key == "id":
                self.ids.append(value or "")
            if tag == "a" and key == "href":
                self.links.append(value or "")
            elif key in ("src", "href", "srcset", "data", "action", "poster"):
                self.fetched.append(value or "")
            assert not key.startswith("on"), f"{tag} {key}"

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] not in ("style", "script"):
            self.text += data


def read(text: str) -> Page:
    page = Page()
    page.feed(text)
    page.close()
    assert page.open == []
    return page


def test_html_is_whole_and_fetches_nothing(faulty: Analysis) -> None:
    text = render(faulty.results, "html", faulty)
    page = read(text)
    assert page.fetched == ["data:,"]
    assert not re.search(r"https?://|@import|url\(", text)
    assert page.scripts == 1
    assert len(page.ids) == len(set(page.ids))
    assert {link[1:] for link in page.links} <= set(page.ids)


def test_html_says_everything(faulty: Analysis) -> None:
    page = read(render(faulty.results, "html", faulty))
    assert faulty.sentence in page.text
    for part in faulty.parts:
        assert part.sentence in page.text
    for word in (
        "This study is not complete.", "1 failed, 18 skipped because of that, 57 not run yet",
        "expected 2.1 GB of free memory", "51 of 500 Turkish items", "▼ clear loss",
        "? uninformative", "not measured", "without seed 1", "German (de)", "Provenance",
        "2.13.0+cpu", "Learning curves", "not above baselines",
    ):  # fmt: skip
        assert word in page.text, word


def test_html_shows_no_zero_for_a_missing_cell(faulty: Analysis) -> None:
    text = render(faulty.results, "html", faulty)
    row = re.search(r"<tr><th scope=\"row\">nli\+<wbr>commonsenseqa</th>(<td.*?</td>)", text, re.S)
    assert row is not None
    assert 'class="none"' in row[1]
    assert "not measured" in row[1]
    assert "0.0" not in row[1]


def test_user_strings_are_escaped_everywhere() -> None:
    results = renamed(synthetic(targets=("xnli",), seeds=(0, 1), items=40), HOSTILE)
    analysis = analyse(results, resamples=50)
    page = read(render(results, "html", analysis))
    assert page.scripts == 1
    assert HOSTILE in page.text
    assert "<script" not in render(results, "md", analysis).replace("\\<", "")
    assert json.loads(render(results, "json", analysis))["study"] == HOSTILE
    rows = list(csv.DictReader(io.StringIO(render(results, "csv"))))
    assert {r["target"] for r in rows} == {HOSTILE}


def test_markup_escapes_what_is_not_markup() -> None:
    assert element("b", "<&", Markup("<i></i>"), title='"') == (
        '<b title="&quot;">&lt;&amp;<i></i></b>'
    )
    assert element("details", open=True, hidden=False) == "<details open></details>"
    assert name("a+<b>") == "a+<wbr>&lt;b&gt;"


def test_several_backbones_have_a_heat_map_each() -> None:
    results = synthetic(targets=("xnli", "udpos"), seeds=(0, 1), items=40, backbones=("a", "b"))
    text = render(results, "html", analyse(results, resamples=50))
    page = read(text)
    assert text.count('<table class="heat" ') == 2
    assert "xnli on a" in page.text
    assert "udpos on b" in page.text


def test_verdict_words_are_said_in_full() -> None:
    assert phrase(None) == "not measured"
    assert look(None) == "none"


@pytest.mark.slow
def test_a_study_of_four_targets_is_small() -> None:
    results = synthetic(targets=("xnli", "udpos", "xcopa", "tatoeba"))
    text = render(results, "html")
    assert len(text.encode()) < 2_000_000


def test_the_policy_names_the_script_that_is_there(faulty: Analysis) -> None:
    text = render(faulty.results, "html", faulty)
    script = re.search(r"<script>(.*)</script>", text, re.S)
    assert script is not None
    digest = base64.b64encode(hashlib.sha256(script[1].encode()).digest()).decode()
    assert f"script-src 'sha256-{digest}'" in text
    assert "</script" not in script[1]


def test_every_target_has_its_sentence_before_the_grid(faulty: Analysis) -> None:
    text = render(faulty.results, "html", faulty)
    overview = read(text[text.index('<section id="overview"') : text.index('<section id="gains"')])
    for part in faulty.parts:
        assert part.target in overview.text
        assert brief(part) in overview.text


@pytest.mark.parametrize(
    ("target", "said"),
    [
        ("xnli", "From 45.2: a clear gain with nli, +"),
        ("udpos", "no stop made a clear difference"),
        ("pawsx", "No route is clearly above chance and majority, so nothing can be said."),
        ("tatoeba", "3 clear losses, the largest with nli, −"),
    ],
)
def test_the_short_sentence_of_a_target(faulty: Analysis, target: str, said: str) -> None:
    part = next(p for p in faulty.parts if p.target == target)
    assert said.partition(": ")[2] in brief(part) if ": " in said else said in brief(part)


def test_the_short_sentence_without_a_verdict() -> None:
    part = quick(targets=("xnli",), seeds=(0,)).parts[0]
    assert brief(part).endswith(": 3 without a verdict (too few seeds).")
    nothing = replace(part, cells=tuple(replace(c, gain=None) for c in part.cells))
    assert brief(nothing) == "Nothing was measured yet."
    assert brief(replace(part, cells=())) == "It has no stops."


def test_every_gain_has_a_tooltip_with_its_evidence(faulty: Analysis) -> None:
    part = next(p for p in faulty.parts if p.target == "udpos")
    cell = part.cell("commonsenseqa")
    assert cell is not None
    lines = tips.of_cell(part, cell).split("\n")
    assert lines[0] == "commonsenseqa → udpos, mean"
    assert re.fullmatch(r"[+−][\d.]+ points \[[+−][\d.]+, [+−][\d.]+\]", lines[1])
    assert re.fullmatch(r"○ no clear difference \(corrected p = [\d.]+\)", lines[2])
    assert lines[4] == "2 seeds, n = 1600 items in 200 groups, 8 languages"
    assert lines[5] == "without seed 1"
    german = part.cell("commonsenseqa", "de")
    assert german is not None
    assert "no verdict for details" in tips.of_cell(part, german)
    lost = next(p for p in faulty.parts if p.target == "xnli").cell("nli+commonsenseqa")
    assert lost is not None
    assert "not measured: not run yet" in tips.of_cell(faulty.parts[0], lost)


def test_shared_steps_are_counted_once() -> None:
    results = synthetic(targets=("xnli",), seeds=(0,), items=20)
    shared = [s for s in results.steps if s.kind == "train"][:2]
    steps = [replace(s, stops=("nli",), seconds=60.0) for s in results.steps if s not in shared]
    steps += [replace(s, stops=("nli", "commonsenseqa"), seconds=3600.0) for s in shared]
    text = str(html_run.cost(replace(results, steps=tuple(steps))))
    row = re.search(r'<th scope="row">shared by several stops</th>.*?</tr>', text, re.S)
    assert row is not None
    assert "2 h 00 min" in row[0]
    whole = sum(s.seconds for s in steps)
    assert f"took {numbers.duration(whole)} of work" in text


def test_a_large_study_lists_training_only() -> None:
    results = synthetic(targets=("xnli", "udpos", "pawsx", "tatoeba", "xcopa"), items=5)
    assert len(results.steps) > html_run.LISTED
    text = str(html_run.cost(results))
    assert "steps: training and what failed (the JSON report has all)" in text
    assert "train nli&gt;xnli@0" in text
    assert "predict nli" not in text
