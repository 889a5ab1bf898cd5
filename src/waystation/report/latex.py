"""The report as LaTeX: the grid of gains and a table by language for each target.

A document of its own that plain pdflatex compiles; the tables are meant to be copied out. Every
character outside ASCII is either written in ASCII LaTeX or, where there is no way, replaced by a
visible box, so that a name in another script never stops a compilation.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from typing import Final

from waystation.report.analysis import BASELINE, MEAN, Analysis, Cell, Part
from waystation.report.numbers import interval, language_name, points, score, variant
from waystation.report.sentences import metric_line
from waystation.report.words import look

HEAD: Final = r"""% Made by `waystation report STUDY --format latex`; compiles with pdflatex.
% The tables need these packages, all of them in TeX Live's latex-recommended and latex-extra:
%   booktabs   the rules
%   longtable  tables by language may be longer than a page
%   array, amssymb (the marks), fontenc with T1, pdflscape (grids of many targets)
\documentclass{article}
\usepackage[T1]{fontenc}
\usepackage{array,booktabs,longtable,amssymb,pdflscape}
\usepackage[margin=2cm]{geometry}
\setlength{\tabcolsep}{4pt}
\begin{document}
"""
LEGEND: Final = (
    r"$\blacktriangle$ clear gain, $\blacktriangledown$ clear loss, $\circ$ no clear difference,"
    r" ? not judged (Holm-corrected over the grid); in brackets the 95\% interval over items and"
    r" seeds."
)
WIDE: Final = 5
"""Targets (or stops) more than which a table goes on a landscape page, in small type."""

_SPECIAL: Final = {
    "\\": r"\textbackslash{}", "{": r"\{", "}": r"\}", "$": r"\$", "&": r"\&", "#": r"\#",
    "%": r"\%", "_": r"\_", "^": r"\textasciicircum{}", "~": r"\textasciitilde{}",
    "<": r"\textless{}", ">": r"\textgreater{}", "|": r"\textbar{}", '"': r"\textquotedbl{}",
    "'": r"\textquotesingle{}", "`": r"\textasciigrave{}", "-": "-{}",
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
    return "\n".join([*lines, r"\end{document}", ""])


def escape(text: str) -> str:
    """Text as LaTeX shows it as it is, in ASCII only."""
    return "".join(_character(c) for c in " ".join(text.split()))


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
    parts = analysis.of(backbone)
    heads = [rf"\shortstack{{{escape(p.target)}\\{{\footnotesize {_metric(p)}}}}}" for p in parts]
    rows = [["no stop (score)", *(escape(score(p.mean(BASELINE))) for p in parts)]]
    bounds: list[list[str]] = []
    for stop in analysis.stops:
        cells = [p.cell(stop) for p in parts]
        rows.append([escape(stop), *(_gain(c) for c in cells)])
        bounds.append(["", *(_bracket(c) for c in cells)])
    caption = f"Gains in points over no stop, {escape(backbone)}. {LEGEND}"
    body = [_row(rows[0]), r"\midrule"]
    for row, bound in zip(rows[1:], bounds, strict=True):
        body += [_row(row), _row(bound)]
    wide = len(parts) > WIDE
    columns = f"@{{}}l*{{{len(parts)}}}{{c}}@{{}}"
    size = r"\scriptsize" if wide else r"\small"
    table = [
        r"\begin{table}[htbp]", rf"\caption{{{caption}}}", r"\centering", size,
        rf"\begin{{tabular}}{{{columns}}}", r"\toprule", _row(["stop", *heads]), r"\midrule",
        *body, r"\bottomrule", r"\end{tabular}", r"\end{table}",
    ]  # fmt: skip
    return [*([r"\begin{landscape}"] if wide else []), *table,
            *([r"\end{landscape}"] if wide else []), ""]  # fmt: skip


def _metric(part: Part) -> str:
    layer = f", {variant(part.variant)}" if part.variant else ""
    return escape(part.headline + layer)


def _by_language(analysis: Analysis, part: Part) -> list[str]:
    """Scores and gains of one target, a row for each language; long ones go over pages."""
    where = f" on {part.backbone}" if len(analysis.results.backbones) > 1 else ""
    caption = f"{escape(part.target + where)}: {escape(metric_line(part))}. {escape(part.sentence)}"
    head = _row(["language", "no stop", *(rf"\multicolumn{{1}}{{c}}{{{escape(s)}}}"
                                          for s in analysis.stops)])  # fmt: skip
    body = []
    for language in (MEAN, *part.languages, *part.apart):
        label = "mean" if language == MEAN else language_name(language)
        label += " (fine-tuned on)" if language in part.apart else ""
        cells = [part.cell(stop, language) for stop in analysis.stops]
        before = escape(score(part.mean(BASELINE, language)))
        body.append(_row([escape(label), before, *(_line(c) for c in cells)]))
        if language == MEAN:
            body.append(r"\midrule")
    wide = len(analysis.stops) > 3
    size = r"\tiny" if len(analysis.stops) > WIDE else r"\footnotesize"
    columns = f"@{{}}lr*{{{len(analysis.stops)}}}{{r}}@{{}}"
    table = [
        rf"\begin{{longtable}}{{{columns}}}", rf"\caption{{{caption}}}\\", r"\toprule", head,
        r"\midrule", r"\endfirsthead", r"\toprule", head, r"\midrule", r"\endhead", *body,
        r"\bottomrule", r"\end{longtable}",
    ]  # fmt: skip
    return [*([r"\begin{landscape}"] if wide else []), rf"{{{size}", *table, "}",
            *([r"\end{landscape}"] if wide else []), ""]  # fmt: skip


def _row(cells: Sequence[str]) -> str:
    return " & ".join(cells) + r" \\"


def _gain(cell: Cell | None) -> str:
    if cell is None or cell.gain is None:
        return "not measured"
    return f"{escape(points(cell.gain.value))} {_mark(cell)}".strip()


def _bracket(cell: Cell | None) -> str:
    """The interval in braces: a row that begins with [ would be an option of the row before."""
    if cell is None or cell.gain is None:
        return ""
    return rf"{{\footnotesize {escape(interval(cell.gain.low, cell.gain.high))}}}"


def _line(cell: Cell | None) -> str:
    return f"{_gain(cell)} {_bracket(cell)}".strip()


def _mark(cell: Cell) -> str:
    """The verdict's mark; nothing for details, which have none."""
    if not cell.verdict:
        return ""
    if cell.verdict in ("too few seeds", "too few items", "uninformative"):
        return "?"
    return _MARKS.get(look(cell), "")
