"""The report as LaTeX: what it says, how it escapes, and that pdflatex compiles it."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from synthetic_pages import large
from synthetic_results import HOSTILE, quick, renamed, synthetic
from waystation.languages import LANGUAGES
from waystation.report import Analysis, analyse, latex, render
from waystation.results import Results


@pytest.fixture(scope="module")
def faulty() -> Analysis:
    return quick(faults=True)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("nli+qa_1", r"nli+qa\_1"),
        ("50% & more #1 {x} $y$", r"50\% \& more \#1 \{x\} \$y\$"),
        ("a\\b~c^d", r"a\textbackslash{}b\textasciitilde{}c\textasciicircum{}d"),
        ("−0.4 – ∞", r"$-$0.4 -- $\infty$"),
        ("Bokmål", r"Bokm\r{a}l"),
        ("ş, ğ, ế", r"\c{s}, \u{g}, \'{\^{e}}"),
        ("straße œuvre", r"stra\ss{}e \oe{}uvre"),
        ("中文", r"{\fboxsep1pt\fbox{?}}{\fboxsep1pt\fbox{?}}"),
        ("a-b -- c", "a-b -{}- c"),
        ("two\nlines", "two lines"),
        ("bell\x07", r"bell{\fboxsep1pt\fbox{?}}"),
    ],
)
def test_escape(text: str, expected: str) -> None:
    assert latex.escape(text) == expected


def test_every_language_of_the_table_has_a_name_in_latin_letters() -> None:
    for row in LANGUAGES.values():
        assert "fbox" not in latex.escape(row.name), row.name


def test_the_tables_say_what_the_report_says(faulty: Analysis) -> None:
    text = render(faulty.results, "latex", faulty)
    assert text.isascii()
    assert text.count(r"\begin{longtable}") == 1 + len(faulty.parts) + 1
    assert r"Transfer gap: the score on English minus the mean" in text
    for rule in (r"\toprule", r"\midrule", r"\bottomrule"):
        assert rule in text
    grid = text.partition(r"\end{longtable}")[0]
    assert re.search(r"xnli & 4\d\.\d & \+1\d\.\d & \$\\blacktriangle\$ & \{\[\+", grid)
    assert r"\multicolumn{3}{c}{not measured}" in grid
    assert r"$\blacktriangledown$" in grid
    assert "English (en) (fine-tuned on)" in text
    assert latex.escape(faulty.sentence) in text
    first = text.splitlines()[:8]
    for package in re.findall(r"\\usepackage(?:\[.*?\])?\{(.*?)\}", text.partition("begin")[0]):
        for name in package.split(","):
            if name not in ("lmodern", "geometry"):
                assert any(name in line for line in first), name


def compiled(text: str, folder: Path) -> str:
    """The log of pdflatex, which must end well."""
    if shutil.which("pdflatex") is None:
        pytest.skip("no pdflatex on PATH")
    (folder / "report.tex").write_text(text, "ascii")
    done = subprocess.run(
        ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "report.tex"],
        cwd=folder, capture_output=True, text=True, errors="replace", timeout=300, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-2000:]
    assert (folder / "report.pdf").read_bytes()[:5] == b"%PDF-"
    return done.stdout


@pytest.mark.slow
def test_it_compiles(faulty: Analysis, tmp_path: Path) -> None:
    log = compiled(render(faulty.results, "latex", faulty), tmp_path)
    assert "Overfull" not in log


def hostile() -> Results:
    name = HOSTILE + r"\end{document} % $_^~ ß ş 中文 עברית"
    return renamed(synthetic(targets=("xnli",), seeds=(0, 1), items=40), name)


@pytest.mark.slow
def test_hostile_names_compile(tmp_path: Path) -> None:
    results = hostile()
    compiled(render(results, "latex", analyse(results, resamples=50)), tmp_path)


@pytest.mark.slow
def test_a_large_study_compiles(tmp_path: Path) -> None:
    results = large()
    text = render(results, "latex", analyse(results, resamples=4))
    assert r"\begin{landscape}" in text
    assert "Overfull" not in compiled(text, tmp_path)
