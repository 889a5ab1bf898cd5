"""The example browser of the HTML report: sampled items as compact JSON, and the form over them.

`report.js` fills it. The JSON is data in a script element that the browser never runs; `<` is
escaped in it, so that no text can end the element. Items are left out, the same number in every
target and language, until the page keeps to its size.

The JSON: names once (`backbones`, `stops`), then `parts`, one for each target and language. `runs`
are [backbone, stop, seed] by position in those names; `texts` of an item are [position in `roles`,
text]; `chosen` is one character for each run, its code less that of "0" being the position of its
output, "-" where there is none. Tags are written the same way, one character for each word.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Final

from waystation.examples import JSON
from waystation.excerpts import PER_LANGUAGE, Excerpt, Item, Output
from waystation.report.markup import Markup, element
from waystation.report.numbers import language_name, variant
from waystation.results import Results

SIZES: Final = (PER_LANGUAGE, 45, 34, 25, 19, 14, 10, 7, 5, 3, 2, 1)
"""How many items of a target and language are tried, until the page is small enough."""
FIRST: Final = ord("0")


def section(results: Results, excerpts: Sequence[Excerpt], most: int) -> list[Markup]:
    """The browser within `most` bytes; nothing where there is nothing to show or no room."""
    form = _form(len(results.backbones) > 1)
    room = most - len(form.encode()) - 200
    for size in SIZES if excerpts else ():
        data = _embedded(document(results, excerpts, size))
        if len(data.encode()) <= room:
            block = element("script", data, type="application/json", id="data")
            return [element("section", form, block, id="examples", hidden=True)]
    return []


def _embedded(value: JSON) -> Markup:
    """JSON that is safe inside a script element."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return Markup(text.replace("<", "\\u003c"))


def document(results: Results, excerpts: Sequence[Excerpt], size: int) -> JSON:
    """The JSON of the browser with at most `size` items of a target and language."""
    names: list[str] = list(results.stops)
    return {
        "backbones": list(results.backbones),
        "stops": list(names),
        "parts": [_part(results, excerpt, size) for excerpt in excerpts],
    }


def _part(results: Results, excerpt: Excerpt, size: int) -> JSON:
    items = excerpt.items[:size]
    roles = list(dict.fromkeys((t.role, t.language) for item in items for t in item.texts))
    labels = list(dict.fromkeys(tag for item in items for out in _tags(item) for tag in out))
    return {
        "target": excerpt.target,
        "kind": excerpt.kind,
        "language": excerpt.language,
        "name": language_name(excerpt.language),
        "note": variant(excerpt.variant) if excerpt.variant else "",
        "total": excerpt.total,
        "roles": [list(role) for role in roles],
        "labels": list(labels),
        "runs": [
            [results.backbones.index(r.backbone), results.stops.index(r.stop), r.seed]
            for r in excerpt.runs
        ],
        "items": [_item(item, roles, labels) for item in items],
    }


def _tags(item: Item) -> list[tuple[str, ...]]:
    found = [item.gold, *(output for output, _ in item.outputs)]
    return [output for output in found if isinstance(output, tuple)]


def _item(item: Item, roles: Sequence[tuple[str, str]], labels: Sequence[str]) -> JSON:
    def shown(output: Output | None) -> JSON:
        if isinstance(output, tuple):
            return "".join(_code(labels.index(tag)) for tag in output)
        return output

    texts: list[JSON] = [
        [
            roles.index((t.role, t.language)),
            list(t.content) if isinstance(t.content, tuple) else t.content,
        ]
        for t in item.texts
    ]
    outputs: list[JSON] = [
        [shown(output), None if value is None else round(value, 3)]
        for output, value in item.outputs
    ]
    chosen = "".join("-" if at is None else _code(at) for at in item.chosen)
    return {"id": item.id, "gold": shown(item.gold), "texts": texts, "outputs": outputs,
            "chosen": chosen}  # fmt: skip


def _code(position: int) -> str:
    return chr(FIRST + position)


def _form(several_backbones: bool) -> Markup:
    """Heading, controls and the empty list that the script fills."""
    controls = [
        _select("target", "Target"),
        _select("language", "Language"),
        _select("a", "Route A"),
        _select("b", "Route B"),
        _select("seed", "Seed"),
        _select("show", "Show"),
    ]
    if several_backbones:
        controls.insert(0, _select("backbone", "Backbone"))
    search = element(
        "label", "Search", element("input", type="search", id="ex-search", autocomplete="off")
    )
    buttons = [
        element("button", "Previous", type="button", id="ex-previous"),
        element("span", id="ex-page"),
        element("button", "Next", type="button", id="ex-next"),
    ]
    form = element(
        "div",
        element("h2", "Examples, two routes side by side"),
        element(
            "p",
            "A fixed sample of the test items, the same for every route. What is typical of it"
            " need not be typical of the test set: the scores above are over all items.",
        ),
        element("div", *controls, search, class_="controls", role="group", aria_label="Filters"),
        element("p", id="ex-count", role="status"),
        element("div", id="ex-items"),
        element("div", *buttons, class_="pager"),
        element(
            "p",
            "Keys in the list: arrow up and down (or k and j) from item to item, left and right"
            " from page to page, / to search.",
            class_="hint",
        ),
    )
    return form


def _select(name: str, label: str) -> Markup:
    return element("label", label, element("select", id=f"ex-{name}"))
