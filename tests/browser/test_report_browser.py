"""The HTML report in a headless Chromium, opened from disk as a reader opens it."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from synthetic_pages import aspects_of, chosen, excerpts_of, large
from synthetic_results import HOSTILE, QUICK, renamed, synthetic
from waystation.excerpts import Excerpt, Text
from waystation.report import analyse, render

if TYPE_CHECKING:  # a second to import, in every process that collects tests
    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.browser

FLAGS = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
)  # fmt: skip
ARABIC = "أكلت القطة السمكة قبل أن يعود الصياد"


def expect(locator: Any) -> Any:
    from playwright.sync_api import expect

    return expect(locator)


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    names = ("chromium", "chromium-browser", "google-chrome")
    path = next(filter(None, map(shutil.which, names)), None)
    if path is None:
        pytest.skip(f"none of {', '.join(names)} on PATH")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=path, args=list(FLAGS))
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The report of a study with a failed step, with examples, in a folder with a space."""
    results = synthetic(targets=("xnli", "udpos", "xcopa", "tatoeba"), items=60, faults=True)
    path = tmp_path_factory.mktemp("a report") / "report.html"
    analysis = analyse(results, resamples=QUICK)
    text = render(results, "html", analysis, excerpts_of(results), aspects_of(results))
    path.write_text(text, "utf-8")
    return path


class Opened:
    """A page, and everything it complained of or asked for."""

    def __init__(self, browser: Browser, path: Path, **options: object) -> None:
        self.page = browser.new_page(**options)  # type: ignore[arg-type]
        self.messages: list[str] = []
        self.requests: list[str] = []
        self.page.on("console", lambda m: self.messages.append(f"{m.type}: {m.text}"))
        self.page.on("pageerror", lambda e: self.messages.append(str(e)))
        self.page.on("request", lambda r: self.requests.append(r.url))
        self.page.goto(path.as_uri())


@pytest.fixture
def opened(chromium: Browser, report: Path) -> Iterator[Opened]:
    found = Opened(chromium, report)
    yield found
    assert found.messages == []
    assert set(found.requests) <= {report.as_uri(), "data:,"}
    found.page.close()


@pytest.fixture
def page(opened: Opened) -> Page:
    return opened.page


def test_a_page_that_breaks_its_policy_is_noticed(
    chromium: Browser, report: Path, tmp_path: Path
) -> None:
    # The control of every other test here: silence means something.
    broken = tmp_path / "broken.html"
    text = report.read_text("utf-8").replace("</body>", "<script>1</script></body>")
    broken.write_text(text, "utf-8")
    found = Opened(chromium, broken)
    assert any("Content Security Policy" in m for m in found.messages)
    found.page.close()


def test_the_overview_comes_before_the_grid(page: Page) -> None:
    order = page.locator("main > section").evaluate_all("all => all.map(s => s.id)")
    assert order[:2] == ["overview", "gains"]
    assert order[2:6] == ["target-1", "target-2", "target-3", "target-4"]
    assert "clear gain" in page.locator("#overview dd").first.inner_text()


def test_a_tooltip_appears_on_hover_and_goes_away(page: Page) -> None:
    tip, cell = page.locator("#tip"), page.locator(".heat td[data-stop=nli]").first
    expect(tip).to_be_hidden()
    cell.hover()
    expect(tip).to_be_visible()
    text = tip.inner_text()
    for word in ("nli → xnli, mean", "points [", "clear gain", "corrected p", "3 seeds", "n = "):
        assert word in text, word
    page.locator("h1").hover()
    expect(tip).to_be_hidden()


def test_a_tooltip_appears_on_focus_and_escape_hides_it(page: Page) -> None:
    page.locator("#gains a").last.focus()
    page.keyboard.press("Tab")
    tip = page.locator("#tip")
    expect(tip).to_be_visible()
    assert "nli → xnli" in tip.inner_text()
    assert page.locator(":focus").get_attribute("aria-describedby") == "tip"
    page.keyboard.press("ArrowRight")
    assert "nli → udpos" in tip.inner_text()
    page.keyboard.press("ArrowDown")
    assert "commonsenseqa → udpos" in tip.inner_text()
    page.keyboard.press("Home")
    assert "commonsenseqa → xnli" in tip.inner_text()
    page.keyboard.press("Escape")
    expect(tip).to_be_hidden()


def test_tooltips_stay_within_a_narrow_window(chromium: Browser, report: Path) -> None:
    found = Opened(chromium, report, viewport={"width": 360, "height": 700})
    for number in (0, 1):
        found.page.locator(".forest td[data-tip]").nth(number).hover()
        box = found.page.locator("#tip").bounding_box()
        assert box is not None
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= 360
    wide = found.page.evaluate("document.documentElement.scrollWidth")
    assert wide <= 360
    found.page.close()


def test_languages_are_grouped_by_family_and_a_gain_has_its_interval(page: Page) -> None:
    forest = page.locator("#target-1 .forest")
    families = forest.locator("tr.family th").all_inner_texts()
    assert families[0] == "Indo-European"
    assert families[-1] == "Fine-tuned on"
    assert "German\xa0" not in forest.inner_text()
    row = forest.locator("tr", has_text="German")
    assert "Latin" in row.inner_text()
    row.locator("td[data-tip]").first.hover()
    assert "German (de)" in page.locator("#tip").inner_text()


def test_retrieval_shows_every_layer(page: Page) -> None:
    maps = page.locator("#target-4 table.sweep")
    assert maps.count() == 4
    assert maps.first.locator("thead th").all_inner_texts() == ["layer", "4", "8", "12"]
    assert maps.first.locator("tbody th").all_inner_texts() == ["mean"]
    shown = maps.nth(1).locator("td.official.shown b").all_inner_texts()
    assert len(shown) == 1
    assert shown[0].endswith("◆")
    assert page.locator("#target-4 svg.lines").count() == 1
    maps.nth(1).locator("td").first.focus()
    page.keyboard.press("ArrowRight")
    tip = page.locator("#tip").inner_text()
    assert "layer 8, mean pooling" in tip
    assert "the official variant" in tip


def test_points_of_languages_are_reached_by_keys(page: Page) -> None:
    picture = page.locator("#languages svg.scatter").first
    points = picture.locator("circle")
    assert points.count() == 9
    assert picture.locator("circle[tabindex='0']").count() == 1
    points.first.focus()
    picture.locator("circle[tabindex='0']").focus()
    assert "English (en), no stop" in page.locator("#tip").inner_text()
    page.keyboard.press("ArrowRight")
    assert "German (de), no stop" in page.locator("#tip").inner_text()
    assert "distance to English 1" in page.locator("#tip").inner_text()
    page.keyboard.press("End")
    page.keyboard.press("ArrowLeft")
    assert "English (en)" in page.locator("#tip").inner_text()


def test_buckets_and_languages_unfold(page: Page) -> None:
    buckets = page.locator("#target-1 details.buckets")
    expect(buckets.locator("table").first).to_be_hidden()
    buckets.locator("summary").click()
    expect(buckets.locator("table").first).to_be_visible()
    rows = buckets.locator("table").first.locator("tbody th").all_inner_texts()
    assert rows == ["shortest quarter", "second quarter", "third quarter", "longest quarter"]
    page.locator("#languages summary").click()
    expect(page.locator("#languages .tongues tbody tr").first).to_be_visible()
    assert page.locator("#languages .tongues tbody tr").count() == 10


def test_colours_switch_and_stay(page: Page) -> None:
    def paper() -> str:
        return str(page.evaluate("getComputedStyle(document.documentElement).backgroundColor"))

    button, light = page.locator("#theme"), paper()
    assert button.inner_text() == "Dark"
    button.click()
    assert button.inner_text() == "Light"
    dark = paper()
    assert dark != light
    page.reload()
    assert paper() == dark
    button.focus()
    page.keyboard.press("Enter")
    assert paper() == light
    page.emulate_media(color_scheme="dark")
    assert paper() == light  # what was chosen wins over what the system says


def test_the_systems_dark_colours_are_used(chromium: Browser, report: Path) -> None:
    found = Opened(chromium, report, color_scheme="dark")
    assert found.page.locator("#theme").inner_text() == "Light"
    found.page.emulate_media(color_scheme="light")
    expect(found.page.locator("#theme")).to_have_text("Dark")
    found.page.close()


def choose(page: Page, **values: str) -> None:
    for name, value in values.items():
        page.locator(f"#ex-{name}").select_option(value)


def test_the_browser_shows_two_routes_and_says_how_many(page: Page) -> None:
    choose(page, target="xnli", language="de")
    assert page.locator("#ex-a option:checked").inner_text() == "no stop"
    assert page.locator("#ex-b option:checked").inner_text() == "nli"
    count = page.locator("#ex-count").inner_text()
    assert count.startswith("12 shown of 12 sampled, out of 200 test items.")
    assert page.locator("article").count() == 8
    first = page.locator("article").first
    assert "German (de)" in first.inner_text()
    assert first.locator(".side").count() == 2
    assert first.locator("p[lang=de][dir=auto]").count() == 2
    page.locator("#ex-next").click()
    assert page.locator("article").count() == 4
    assert page.locator("#ex-page").inner_text() == "page 2 of 2"


def test_the_browser_filters_by_who_is_right(page: Page) -> None:
    choose(page, target="xnli", language="de", seed="1")

    def shown(filter_: str) -> int:
        choose(page, show=filter_)
        return int(page.locator("#ex-count").inner_text().split()[0])

    choose(page, a="0", b="2")
    runs = (3 * 0 + 1, 3 * 2 + 1)  # stop by stop, seed by seed
    outputs = [[chosen(n, r) for r in runs] for n in range(12)]
    assert shown("all") == 12
    assert 0 < shown("differ") < 12
    assert shown("differ") == sum(a != b for a, b in outputs)
    assert shown("a") == sum(a == 0 != b for a, b in outputs)
    assert shown("b") == sum(b == 0 != a for a, b in outputs)
    assert shown("both") == sum(a == b == 0 for a, b in outputs)
    assert shown("neither") == sum(a != 0 and b != 0 for a, b in outputs)


def test_the_browser_searches_texts(page: Page) -> None:
    choose(page, target="xnli", language="")
    page.locator("#ex-search").fill("die katze ASS")
    expect(page.locator("#ex-items")).to_have_text("No sampled item is like this.")
    page.locator("#ex-search").fill("die KATZE")
    expect(page.locator("#ex-count")).to_contain_text("12 shown of 108 sampled")


def test_the_browser_answers_to_keys(page: Page) -> None:
    choose(page, target="xnli", language="de")
    page.locator("article").first.focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("j")
    assert page.locator(":focus").inner_text().startswith("3 ·")
    page.keyboard.press("k")
    assert page.locator(":focus").inner_text().startswith("2 ·")
    page.keyboard.press("ArrowRight")
    assert page.locator(":focus").inner_text().startswith("9 ·")
    page.keyboard.press("/")
    assert page.evaluate("document.activeElement.id") == "ex-search"


def test_tags_stand_under_their_words_and_arabic_runs_from_the_right(page: Page) -> None:
    choose(page, target="udpos", language="ar", a="0", b="1", seed="0", show="differ")
    words = page.locator("article").first.locator(".word")
    assert words.count() == len(ARABIC.split())
    boxes = [words.nth(i).bounding_box() for i in (0, 1)]
    assert boxes[0] is not None
    assert boxes[1] is not None
    assert boxes[0]["x"] > boxes[1]["x"]
    assert page.locator("article").first.locator(".off").count() > 0


def test_a_cell_of_the_grid_opens_its_examples(page: Page) -> None:
    page.locator(".heat td[data-stop=commonsenseqa][data-target=xcopa]").first.focus()
    page.keyboard.press("Enter")
    assert page.locator("#ex-target").input_value() == "xcopa"
    assert page.locator("#ex-b option:checked").inner_text() == "commonsenseqa"
    assert page.locator("#ex-show").input_value() == "differ"
    expect(page.locator("#examples")).to_be_in_viewport()


def test_everything_to_act_on_is_reached_by_tab(page: Page) -> None:
    page.keyboard.press("Tab")
    assert page.locator(":focus").inner_text() == "Skip to the gains"
    expect(page.locator(":focus")).to_be_in_viewport()
    seen = set()
    for _ in range(80):
        page.keyboard.press("Tab")
        seen.add(page.evaluate("document.activeElement.id || document.activeElement.tagName"))
    wanted = {"theme", "TD", "SUMMARY", "ex-next", "ARTICLE", "ex-search"}
    wanted |= {f"ex-{n}" for n in ("target", "language", "a", "b", "seed", "show")}
    assert wanted <= seen
    page.locator("#theme").focus()
    page.keyboard.press("Tab")
    style = "getComputedStyle(document.activeElement).outlineStyle"
    assert page.evaluate(style) == "solid"


def test_print_hides_what_paper_cannot_do_and_shows_the_rest(page: Page, tmp_path: Path) -> None:
    page.locator("#theme").click()  # dark: paper stays white
    page.locator(".heat td[data-stop=nli]").first.hover()
    page.emulate_media(media="print")
    for hidden in ("#tip", "#examples", ".bar", ".skip"):
        expect(page.locator(hidden)).to_be_hidden()
    background = "getComputedStyle(document.documentElement).backgroundColor"
    assert page.evaluate(background) == "rgb(255, 255, 255)"
    table = page.locator("#target-1 details table").first
    assert table.evaluate("e => e.getBoundingClientRect().height") > 100
    page.emulate_media()
    assert len(page.pdf()) > 50_000


def test_without_scripts_every_number_is_there(chromium: Browser, report: Path) -> None:
    page = chromium.new_context(java_script_enabled=False).new_page()
    page.goto(report.as_uri())
    for hidden in ("#theme", "#examples", "#tip", ".hint >> nth=0"):
        expect(page.locator(hidden)).to_be_hidden()
    expect(page.locator(".heat td.gain").first).to_be_visible()
    page.close()


def test_hostile_names_and_texts_stay_text(chromium: Browser, tmp_path: Path) -> None:
    results = renamed(synthetic(targets=("xnli",), seeds=(0, 1), items=40), HOSTILE)
    rtl = f"{ARABIC} {HOSTILE} \u202e"

    def spoilt(excerpt: Excerpt) -> Excerpt:
        items = tuple(
            replace(
                item,
                id=HOSTILE,
                texts=(Text(HOSTILE, excerpt.language, rtl),),
                gold=HOSTILE,
                outputs=tuple((f"{HOSTILE}{i}", 0.0) for i in range(3)),
            )
            for item in excerpt.items
        )
        return replace(excerpt, target=HOSTILE, kind="classification", items=items)

    path = tmp_path / "report.html"
    analysis = analyse(results, resamples=50)
    excerpts = [spoilt(e) for e in excerpts_of(results)]
    path.write_text(render(results, "html", analysis, excerpts), "utf-8")
    found = Opened(chromium, path)
    alerts: list[str] = []
    found.page.on("dialog", lambda d: (alerts.append(d.message), d.dismiss()))
    assert found.page.locator("h1").inner_text() == HOSTILE
    article = found.page.locator("article").first
    assert HOSTILE in article.locator(".text p").first.inner_text()
    assert article.locator(".text p").first.get_attribute("dir") == "auto"
    direction = "e => getComputedStyle(e).direction"
    assert article.locator(".text p").first.evaluate(direction) == "rtl"
    found.page.locator(".heat td[data-stop]").first.hover()
    assert HOSTILE in found.page.locator("#tip").inner_text()
    assert found.page.locator("script").count() == 2
    assert alerts == []
    assert found.messages == []
    found.page.close()


@pytest.mark.slow
def test_a_large_study_stays_under_five_megabytes_and_works(
    chromium: Browser, tmp_path: Path
) -> None:
    results = large()
    path = tmp_path / "large.html"
    analysis = analyse(results, resamples=4)
    text = render(results, "html", analysis, excerpts_of(results, 60), aspects_of(results))
    path.write_text(text, "utf-8")
    assert path.stat().st_size < 5_000_000
    found = Opened(chromium, path)
    assert found.messages == []
    assert found.page.locator(".heat td[data-stop]").count() == 90
    choose(found.page, target="target-9", language="hi")
    assert "sampled, out of 200 test items" in found.page.locator("#ex-count").inner_text()
    found.page.close()
