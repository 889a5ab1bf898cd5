"""HTML and SVG text that is escaped by construction: whatever is not `Markup` is escaped.

A study's names are the user's, and a report opens in a browser, so no string reaches the page
but through `element`.
"""

from __future__ import annotations

import html


class Markup(str):
    """Text that is markup already."""

    __slots__ = ()


VOID = ("meta", "link", "br")


def element(name: str, /, *children: str, **attributes: str | float | bool) -> Markup:
    """`<name attributes>children</name>`; `class_` is class, `_` in other names a hyphen.

    Attributes that are False or "" are left out; True writes the bare name.
    """
    shown = "".join(_attribute(k, v) for k, v in attributes.items())
    if name in VOID:
        return Markup(f"<{name}{shown}>")
    return Markup(f"<{name}{shown}>{join(*children)}</{name}>")


def join(*children: str) -> Markup:
    """The children one after the other, escaped where they are plain text."""
    return Markup("".join(c if isinstance(c, Markup) else html.escape(c) for c in children))


def _attribute(name: str, value: str | float | bool) -> str:
    name = name.rstrip("_").replace("_", "-")
    if value is True:
        return f" {name}"
    if value is False or value == "":
        return ""
    text = f"{value:.6g}" if isinstance(value, float) else str(value)
    return f' {name}="{html.escape(text)}"'
