"""Reports: a pure function of a study's results, in the terminal, HTML, Markdown, CSV and JSON.

`analyse` decides what is said, the renderers only how it looks. Nothing here reads the store or
runs anything. No torch.
"""

from __future__ import annotations

from typing import Final

from waystation.errors import UserError, suggest
from waystation.report import html, tables
from waystation.report.analysis import Analysis, analyse
from waystation.report.terminal import show
from waystation.results import Results

__all__ = ["FORMATS", "Analysis", "analyse", "render", "show"]

FORMATS: Final = ("html", "md", "csv", "json")


def render(results: Results, format: str, analysis: Analysis | None = None) -> str:
    """The report in one of `FORMATS`; an analysis made before saves making it again."""
    if format not in FORMATS:
        raise UserError(
            f"expected a report format out of {', '.join(FORMATS)}, found '{format}'."
            f"{suggest(format, FORMATS)}"
        )
    if format == "csv":  # carries no judgement, so that none is computed
        return tables.comma_separated(results)
    if analysis is None:
        analysis = analyse(results)
    if format == "html":
        return html.page(analysis)
    return tables.markdown(analysis) if format == "md" else tables.as_json(analysis)
