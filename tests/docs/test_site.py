"""The documentation site: generated pages are what the code says, and the built site is whole.

Pages that `scripts/docs.py` writes are committed, so that they can be read in the repository;
here they are written again and compared. The built site is opened from disk in a browser.
"""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from types import ModuleType

import pytest
from pages import ROOT

from waystation.document import Item
from waystation.study import load_study


def script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("docs_script", ROOT / "scripts" / "docs.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


DOCS = script()


@pytest.mark.parametrize("name", DOCS.PAGES)
def test_generated_pages_are_current(name: str) -> None:
    written = (ROOT / "docs" / name).read_text(encoding="utf-8")
    assert written == DOCS.WRITTEN + DOCS.PAGES[name](), "run: python scripts/docs.py"


def test_the_report_schema_is_the_package_s() -> None:
    package = ROOT / "src" / "waystation" / "report" / "report_schema.json"
    copy = ROOT / "docs" / "reference" / "json" / "report.json"
    assert copy.read_bytes() == package.read_bytes(), "run: python scripts/docs.py"


def test_paths_of_a_task_are_written_once_for_all_languages() -> None:
    text = (ROOT / "docs" / "reference" / "tasks.md").read_text()
    assert "`tatoeba.{l}-eng.{l}`, `tatoeba.{l}-eng.eng` (ar: ara, he: heb," in text
    assert "`dev-context-{l}-question-{l}.json` | `mlqa/MLQA_V1/dev`" in text
    assert "nb: `no_bokmaal*-ud-test.conllu`" in text


def test_the_keys_of_study_files_are_those_of_the_page(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever key the reader of study files accepts is named on its page, and vice versa."""
    asked: set[str] = set()
    fields = Item.fields

    def record(item: Item, known: Iterable[str], later: Iterable[str] = ()) -> dict[str, Item]:
        names = list(known)
        asked.update(names)
        return fields(item, names, later)

    monkeypatch.setattr(Item, "fields", record)
    (tmp_path / "own.csv").write_text("text,label\na,x\nb,y\n")
    path = tmp_path / "s.yaml"
    path.write_text(
        "intermediate: [{task: snli}, {mix: [snli, rte]}, {name: c, chain: [snli, rte]}]\n"
        "targets: [{task: xnli}, {task: udpos, options: {first_piece: first}},\n"
        "  {csv: own.csv, kind: classification, split: dev}, {benchmark: xtreme, tasks: [mlqa]}]\n"
        "train: {epochs: 1}\nnumerics: {threads: 1}\nresources: {jobs: 1}\n"
    )
    load_study(path)
    pages = [ROOT / "docs" / "study-file.md", ROOT / "docs" / "reference" / "settings.md"]
    text = "".join(page.read_text() for page in pages)
    table = text.split("## Every key")[1].split("\n## ")[0]
    first = re.findall(r"^\| ([^|]+) \|", table, re.MULTILINE)
    documented = {key for cell in first for key in re.findall(r"`(\w+)`", cell)}
    settings = set(re.findall(r"^\| `(\w+)`", text, re.MULTILINE))
    assert asked - settings - documented == {"first_piece", "windows", "snli"} & asked
    assert documented - asked == set()


def test_no_page_is_in_the_navigation_twice() -> None:
    text = (ROOT / "mkdocs.yml").read_text(encoding="utf-8").split("\nnav:\n")[1]
    pages = re.findall(r"(\S+\.md)$", text, re.MULTILINE)
    assert len(pages) > 20
    assert sorted(set(pages)) == sorted(pages)


# -- the built site --------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "-q", "-d", str(folder)]
    environment = os.environ | {"NO_MKDOCS_2_WARNING": "1"}
    built = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, env=environment)
    assert built.returncode == 0, built.stderr
    return folder


@pytest.mark.slow
def test_the_site_needs_no_other_host(site: Path) -> None:
    pages = list(site.rglob("*.html"))
    assert len(pages) > 20
    for page in pages:
        text = page.read_text(encoding="utf-8")
        loaded = re.findall(r"<(?:script|img|iframe)[^>]* src=\"?([^\" >]+)", text)
        loaded += re.findall(r"<link[^>]* rel=\"?stylesheet\"?[^>]*href=\"?([^\" >]+)", text)
        assert not [one for one in loaded if "//" in one], page
    assert (site / "search" / "search_index.js").read_text().startswith("var __index = {")


FLAGS = [
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
]


@pytest.mark.browser
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_site_works_from_disk(site: Path, scheme: str) -> None:
    playwright = pytest.importorskip("playwright.sync_api")
    chromium = shutil.which("chromium")
    if chromium is None:
        pytest.skip("no chromium on this machine")
    said: list[str] = []
    asked: list[str] = []
    with playwright.sync_playwright() as runner:
        browser = runner.chromium.launch(executable_path=chromium, args=FLAGS)
        page = browser.new_context(color_scheme=scheme).new_page()
        page.on("console", lambda message: said.append(message.text))
        page.on("pageerror", lambda error: said.append(str(error)))
        page.on("request", lambda request: asked.append(request.url))
        page.goto((site / "tutorial.html").as_uri())
        page.click("[data-md-component=search-query]")
        page.keyboard.type("trimmed vocabulary")
        page.wait_for_selector(".md-search-result__link")
        found = page.inner_text(".md-search-result__list")
        colour = page.evaluate("document.body.getAttribute('data-md-color-scheme')")
        browser.close()
    assert "Trimmed vocabulary" in found
    assert colour == {"light": "default", "dark": "slate"}[scheme]
    assert said == []
    assert [url for url in asked if not url.startswith(("file:", "data:", "about:"))] == []
