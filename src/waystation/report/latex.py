"""The report as LaTeX: the grid of gains and a table by language for each target.

A document of its own that plain pdflatex compiles; the tables are meant to be copied out. Every
character outside ASCII is either written in ASCII LaTeX or, where there is no way, replaced by a
visible box, so that a name in another script never stops a compilation.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from itertools import pairwise
from typing import Final

from waystation.report import selection
from waystation.report.analysis import BASELINE, MEAN, Analysis, Cell, Part
from waystation.report.numbers import interval, language_name, points, score, unsigned
from waystation.report.sentences import metric_line
from waystation.report.words import look

HEAD: Final = r"""% Made by `waystation report STUDY --format latex`; compiles with plain pdflatex.
% The tables need these packages, all in TeX Live's latex-recommended collection:
%   booktabs   the rules
%   longtable  tables that may be longer than a page
%   amssymb    the marks of verdicts
%   fontenc    T1, for accents
%   pdflscape  landscape pages, for studies of many stops
\documentclass{article}
\usepackage[T1]{fontenc}
\IfFileExists{lmodern.sty}{\usepackage{lmodern}}{}
\usepackage{amssymb,booktabs,longtable,pdflscape}
\usepackage[margin=2cm]{geometry}
\setlength{\tabcolsep}{4pt}
\begin{document}
"""
LEGEND: Final = (
    r"$\blacktriangle$ clear gain, $\blacktriangledown$ clear loss, $\circ$ no clear difference,"
    r" ? not judged (Holm-corrected over the grid); in brackets the 95\% interval over items and"
    r" seeds."
)
BESIDE: Final = 3
"""Stops up to which an interval stands beside its gain; of more it stands below."""
UPRIGHT: Final = 5
"""Stops up to which a table stands on an upright page."""

_SPECIAL: Final = {
    "\\": r"\textbackslash{}", "{": r"\{", "}": r"\}", "$": r"\$", "&": r"\&", "#": r"\#",
    "%": r"\%", "_": r"\_", "^": r"\textasciicircum{}", "~": r"\textasciitilde{}",
    "<": r"\textless{}", ">": r"\textgreater{}", "|": r"\textbar{}", '"': r"\textquotedbl{}",
    "'": r"\textquotesingle{}", "`": r"\textasciigrave{}",
    "\N{MINUS SIGN}": "$-$", "\N{EN DASH}": "--", "\N{EM DASH}": "---", "∞": r"$\infty$",
    "→": r"$\rightarrow$", "·": r"\textperiodcentered{}", "…": r"\ldots{}", "×": r"$\times$",
    "‘": "`", "’": "'", "“": "``", "”": "''", "ß": r"\ss{}", "æ": r"\ae{}", "Æ": r"\AE{}",
    "ø": r"\o{}", "Ø": r"\O{}", "ł": r"\l{}", "Ł": r"\L{}", "đ": r"\dj{}", "Đ": r"\DJ{}",
    "ı": r"\i{}", "œ": r"\oe{}", "Œ": r"\OE{}", "þ": r"\th{}", "ð": r"\dh{}",
}  # fmt: skip
_ACCENTS: Final = {
    "\u0300": "`", "\u0301": "'", "\u0302": "^", "\u0303": "~", "\u0304": "=", "\u0306": "u",
    "\u0307": ".", "\u0308": '"', "\u030a": "r", "\u030b": "H", "\u030c": "v", "\u0323": "d",
    "\u0327": "c", "\u0328": "k", "\u0331": "b",
}  # fmt: skip
_MARKS: Final = {"gain": r"$\blacktriangle$", "loss": r"$\blacktriangledown$", "noise": r"$\circ$"}
_BOX: Final = r"{\fboxsep1pt\fbox{?}}"


def document(analysis: Analysis) -> str:
    """The whole file."""
    results = analysis.results
    lines = [HEAD, rf"\section*{{{escape(results.study)}}}", escape(analysis.sentence), ""]
    for backbone in results.backbones:
        lines += _grid(analysis, backbone)
    for part in analysis.parts:
        lines += _by_language(analysis, part)
    lines += [*_selection(analysis), *_transfer(analysis)]
    return "\n".join([*lines, r"\end{document}", ""])


def escape(text: str) -> str:
    """Text as LaTeX shows it as it is, in ASCII only."""
    plain = " ".join(text.split())
    # Two hyphens in a row would become a dash.
    return "".join(_character(c) + "{}" * (c + n == "--") for c, n in pairwise(plain + " "))


def _character(character: str) -> str:
    if character in _SPECIAL:
        return _SPECIAL[character]
    if character.isascii():
        return character if character.isprintable() else _BOX
    parts = unicodedata.normalize("NFD", character)
    shown = _character(parts[0]) if parts[0] != character else _BOX
    for mark in parts[1:]:
        if mark not in _ACCENTS or shown == _BOX:
            return _BOX
        shown = rf"\{_ACCENTS[mark]}{{{shown}}}"
    return shown


def _grid(analysis: Analysis, backbone: str) -> list[str]:
    """Targets down and stops across, which paper has more room for than the other way round."""
    rows = [
        ([part.target, score(part.mean(BASELINE))], [part.cell(s) for s in analysis.stops])
        for part in analysis.of(backbone)
    ]
    metrics = "; ".join(
        f"{escape(part.target)}: {escape(metric_line(part))}" for part in analysis.of(backbone)
    )
    gains = f"Gains in points over no stop, {escape(backbone)}. {LEGEND} Scores"
    caption = f"{gains if analysis.stops else f'Scores, {escape(backbone)}'}: {metrics}."
    return _table(analysis.stops, ["target", "no stop"], rows, caption)


def _by_language(analysis: Analysis, part: Part) -> list[str]:
    """Scores without a stop and gains of one target, a row for each language."""
    where = f" on {part.backbone}" if len(analysis.results.backbones) > 1 else ""
    rows = []
    for language in (MEAN, *part.languages, *part.apart):
        label = "mean" if language == MEAN else language_name(language)
        label += " (fine-tuned on)" if language in part.apart else ""
        cells = [part.cell(stop, language) for stop in analysis.stops]
        rows.append(([label, score(part.mean(BASELINE, language))], cells))
    caption = f"{escape(part.target + where)}: {escape(metric_line(part))}. {escape(part.sentence)}"
    return _table(analysis.stops, ["language", "no stop"], rows, caption)


def _selection(analysis: Analysis) -> list[str]:
    """A table of the ways to choose a checkpoint for each route, and one of the sweeps."""
    lines = []
    for choice in analysis.choices:
        caption = f"{selection.TITLE}: {selection.title(analysis, choice)}."
        caption += f" {selection.note([choice])}" if choice is analysis.choices[0] else ""
        lines += _plainly(selection.heads(choice), selection.rows(choice), caption)
    if analysis.results.sweeps:
        rows = selection.sweep_rows(analysis.results.sweeps)
        lines += _plainly(selection.SWEEP_HEADS, rows, "Learning rates and their best dev scores.")
    return lines


def _plainly(heads: Sequence[str], rows: Sequence[Sequence[str]], caption: str) -> list[str]:
    """A table of text, its columns as wide as the page allows."""
    width = f"{0.8 / (len(heads) - 1):.3f}"
    columns = rf"p{{0.14\linewidth}}*{{{len(heads) - 1}}}{{p{{{width}\linewidth}}}}"
    head = _row([escape(h) for h in heads])
    body = [_row([f"{{{escape(cell)}}}" for cell in row]) for row in rows]
    return [
        rf"{{\scriptsize\setlength{{\tabcolsep}}{{2pt}}\raggedright"
        rf"\setlength{{\LTcapwidth}}{{\linewidth}}\begin{{longtable}}{{@{{}}{columns}@{{}}}}",
        rf"\caption{{{escape(caption)}}}\\", r"\toprule", head, r"\midrule", r"\endfirsthead",
        r"\toprule", head, r"\midrule", r"\endhead", *body, r"\bottomrule",
        r"\end{longtable}}", "",
    ]  # fmt: skip


def _transfer(analysis: Analysis) -> list[str]:
    """The transfer gap of every route that has English and all other languages."""
    rows = []
    for part in analysis.parts:
        where = f" on {part.backbone}" if len(analysis.results.backbones) > 1 else ""
        for found in part.transfer:
            target = part.target + where if found is part.transfer[0] else ""
            stop = "no stop" if found.stop == BASELINE else found.stop
            gap, change = found.gap, found.change
            moved = ["", ""]
            if change is not None:
                moved = [points(change.value), interval(change.low, change.high)]
            cells = [target, stop, score(found.english), score(found.others)]
            cells += [unsigned(points(gap.value)), unsigned(interval(gap.low, gap.high)), *moved]
            rows.append(_row([f"{{{escape(c)}}}" for c in cells]))
    if not rows:
        return []
    heads = (
        r"target & route & English & others & \multicolumn{2}{c}{gap} &"
        r" \multicolumn{2}{c}{change by the stop} \\"
    )
    caption = (
        r"Transfer gap: the score on English minus the mean over the other zero-shot languages,"
        r" with 95\% interval; a change below 0 says that the stop brought them nearer."
    )
    return [
        r"{\footnotesize\setlength{\LTcapwidth}{\linewidth}\begin{longtable}{@{}llrrr@{~}lr@{~}l@{}}",
        rf"\caption{{{caption}}}\\", r"\toprule", heads, r"\midrule", r"\endfirsthead",
        r"\toprule", heads, r"\midrule", r"\endhead", *rows, r"\bottomrule",
        r"\end{longtable}}", "",
    ]  # fmt: skip


def _table(
    stops: Sequence[str],
    first: Sequence[str],
    rows: Sequence[tuple[list[str], list[Cell | None]]],
    caption: str,
) -> list[str]:
    """One longtable; its first two columns are a name and a score."""
    beside = len(stops) <= BESIDE
    heads = [rf"\multicolumn{{3}}{{c}}{{{escape(s)}}}" if beside else escape(s) for s in stops]
    head = _row([*first, *heads])
    one = r"@{\quad}r@{\,}l@{~}l" if beside else "c"
    columns = f"lr*{{{len(stops)}}}{{{one}}}"
    body = [line for labels, cells in rows for line in _lines(labels, cells, beside)]
    table = [
        rf"\setlength{{\LTcapwidth}}{{\linewidth}}\begin{{longtable}}{{@{{}}{columns}@{{}}}}",
        rf"\caption{{{caption}}}\\", r"\toprule", head, r"\midrule", r"\endfirsthead",
        r"\toprule", head, r"\midrule", r"\endhead", *body, r"\bottomrule", r"\end{longtable}",
    ]  # fmt: skip
    if len(stops) <= UPRIGHT:
        return [r"{\footnotesize", *table, "}", ""]
    return [
        r"\begin{landscape}",
        r"{\scriptsize\setlength{\tabcolsep}{2pt}",
        *table,
        "}",
        r"\end{landscape}",
        "",
    ]


def _lines(labels: list[str], cells: Sequence[Cell | None], beside: bool) -> list[str]:
    """One row of the table, or two where intervals stand below."""
    left = [escape(label) for label in labels]
    if beside:
        return [_row([*left, *(_beside(c) for c in cells)])]
    bounds = ["{" + (_bounds(c)) + "}" for c in cells]
    above = _row([*left, *(f"{_gain(c)} {_mark(c)}".strip() for c in cells)])
    return [rf"{above}*", _row(["", "", *bounds]), r"\addlinespace[2pt]"]


def _beside(cell: Cell | None) -> str:
    if cell is None or cell.gain is None:
        return r"\multicolumn{3}{c}{not measured}"
    return f"{_gain(cell)} & {_mark(cell)} & {{{_bounds(cell)}}}"


def _row(cells: Sequence[str]) -> str:
    return " & ".join(cells) + r" \\"


def _gain(cell: Cell | None) -> str:
    if cell is None or cell.gain is None:
        return "not measured"
    return escape(points(cell.gain.value))


def _bounds(cell: Cell | None) -> str:
    if cell is None or cell.gain is None:
        return ""
    return escape(interval(cell.gain.low, cell.gain.high))


def _mark(cell: Cell | None) -> str:
    """The verdict's mark; nothing for details, which have none."""
    if cell is None or cell.gain is None or not cell.verdict:
        return ""
    if cell.verdict in ("too few seeds", "too few items", "uninformative"):
        return "?"
    return _MARKS.get(look(cell), "")
