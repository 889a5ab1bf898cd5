"""HTML and SVG text that is escaped by construction: whatever is not `Markup` is escaped.

A study's names are the user's, and a report opens in a browser, so no string reaches the page
but through `element`.
"""

from __future__ import annotations

import html
import re


class Markup(str):
    """Text that is markup already."""

    __slots__ = ()


VOID = ("meta", "link", "br", "wbr", "input")


def element(tag: str, /, *children: str, **attributes: str | float | bool) -> Markup:
    """`<tag attributes>children</tag>`; `class_` is class, `_` in other names a hyphen.

    Attributes that are False or "" are left out; True writes the bare name.
    """
    shown = "".join(_attribute(k, v) for k, v in attributes.items())
    if tag in VOID:
        return Markup(f"<{tag}{shown}>")
    return Markup(f"<{tag}{shown}>{join(*children)}</{tag}>")


def join(*children: str) -> Markup:
    """The children one after the other, escaped where they are plain text."""
    return Markup("".join(c if isinstance(c, Markup) else html.escape(c) for c in children))


def scrolled(table: Markup, label: str) -> Markup:
    """A table that scrolls by itself where it is wider than the page; `label` says what it is."""
    return element("div", table, class_="scroll", tabindex="0", role="region", aria_label=label)


def name(text: str) -> Markup:
    """A name that may be broken after its joints, `nli+` `commonsenseqa`, and nowhere else."""
    parts = re.split(r"(?<=[+_/>:-])(?!$)", text)
    return Markup("<wbr>".join(join(part) for part in parts))


def _attribute(key: str, value: str | float | bool) -> str:
    key = key.rstrip("_").replace("_", "-")
    if value is True:
        return f" {key}"
    if value is False or value == "":
        return ""
    text = f"{value:.6g}" if isinstance(value, float) else str(value)
    return f' {key}="{html.escape(text)}"'
