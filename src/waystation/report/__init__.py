"""Reports: a pure function of a study's results, for terminal, browser, paper and programs.

`analyse` decides what is said, the renderers only how it looks. Nothing here reads the store or
runs anything: the examples of the HTML page and what test items are like are handed in
(`waystation.excerpts`, `waystation.buckets`). No torch.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from waystation.buckets import Aspects
from waystation.errors import UserError, suggest
from waystation.excerpts import Excerpt
from waystation.report import html, latex, markdown, tables
from waystation.report.analysis import Analysis, analyse
from waystation.report.terminal import show
from waystation.results import Results

__all__ = ["FORMATS", "Analysis", "analyse", "render", "show"]

FORMATS: Final = ("html", "md", "latex", "csv", "json")


def render(
    results: Results,
    format: str,
    analysis: Analysis | None = None,
    excerpts: Sequence[Excerpt] = (),
    aspects: Sequence[Aspects] = (),
) -> str:
    """The report in one of `FORMATS`; an analysis made before saves making it again.

    Only HTML shows `excerpts`; scores by bucket, from `aspects`, are in HTML, CSV and JSON.
    """
    if format not in FORMATS:
        raise UserError(
            f"expected a report format out of {', '.join(FORMATS)}, found '{format}'."
            f"{suggest(format, FORMATS)}"
        )
    if format == "csv":  # carries no judgement, so that none is computed
        return tables.comma_separated(results, aspects)
    if analysis is None:
        analysis = analyse(results)
    if format == "html":
        return html.page(analysis, excerpts, aspects)
    if format == "latex":
        return latex.document(analysis)
    if format == "md":
        return markdown.markdown(analysis, aspects)
    return tables.as_json(analysis, aspects)
