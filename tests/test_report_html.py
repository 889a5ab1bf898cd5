"""The HTML report: complete, escaped, self-contained, and at home in a browser."""

from __future__ import annotations

import csv
import io
import json
import re
import shutil
import subprocess
from html.parser import HTMLParser
from pathlib import Path

import pytest

from synthetic_results import HOSTILE, quick, renamed, synthetic
from waystation.report import Analysis, analyse, render
from waystation.report.markup import Markup, element, name
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


def _chromium(path: Path, folder: Path, *options: str) -> subprocess.CompletedProcess[str]:
    found = next(filter(None, map(shutil.which, ("chromium", "chromium-browser"))), None)
    found = found or shutil.which("google-chrome")
    if found is None:
        pytest.skip("no chromium, chromium-browser or google-chrome on PATH")
    return subprocess.run(
        [
            found, "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic",
            "--no-first-run", "--disable-background-networking", "--disable-component-update",
            "--disable-sync", "--enable-logging=stderr", f"--user-data-dir={folder / 'profile'}",
            "--virtual-time-budget=2000", *options, path.as_uri(),
        ],
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip


def console_lines(log: str) -> list[str]:
    return [line for line in log.splitlines() if "CONSOLE" in line]


@pytest.mark.browser
def test_browser_opens_it_from_disk_without_console_errors(
    faulty: Analysis, tmp_path: Path
) -> None:
    path = tmp_path / "report with a space.html"
    text = render(faulty.results, "html", faulty)
    path.write_text(text, "utf-8")
    done = _chromium(path, tmp_path, "--dump-dom")
    assert done.returncode == 0, done.stderr[-2000:]
    assert console_lines(done.stderr) == []
    seen = read(done.stdout)
    assert faulty.sentence in seen.text
    assert "How to read this" in seen.text
    # The control: a page that breaks the policy is noticed, so that silence above means something.
    broken = tmp_path / "broken.html"
    broken.write_text(text.replace("</body>", "<script>1</script></body>"), "utf-8")
    assert console_lines(_chromium(broken, tmp_path, "--dump-dom").stderr)


@pytest.mark.browser
def test_browser_draws_it_at_phone_width(faulty: Analysis, tmp_path: Path) -> None:
    path = tmp_path / "report.html"
    path.write_text(render(faulty.results, "html", faulty), "utf-8")
    picture = tmp_path / "page.png"
    done = _chromium(path, tmp_path, f"--screenshot={picture}", "--window-size=500,2000")
    assert done.returncode == 0, done.stderr[-2000:]
    # An empty page compresses to a few kB.
    assert picture.stat().st_size > 60_000
