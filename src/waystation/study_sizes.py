"""`like: STOP` in a study file: that the stop is there, and that sizes do not wait for each other.

The number itself is known when the data has been read, see `resolve.py`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from waystation.document import Item
from waystation.errors import suggest
from waystation.study import BASELINE, Stop


def check_sizes(root: Item, stops: Sequence[Stop]) -> None:
    """A fault for each `like:` that names no stop, or a stop whose size depends on itself."""
    names = [stop.name for stop in stops if stop.name != BASELINE]
    asked = {s.name: [m.like for stage in s.stages for m in stage.members if m.like] for s in stops}
    for item in _likes(root):
        name = item.text("the name of a stop")
        if name is None:
            continue
        if name not in names:
            item.fault(f"the name of a stop ({', '.join(names)})", suggest(name, names))
        elif name in _reached(name, asked):
            item.fault(
                "a stop whose size does not depend on this one's",
                " Give one of them `examples:` instead.",
                f"'{name}', which is as large as itself",
            )


def _likes(item: Item) -> Iterator[Item]:
    """Every value of a key `like` below an item."""
    if isinstance(item.content, list):
        for entry in item.content:
            yield from _likes(entry)
    elif isinstance(item.content, dict):
        for name, value in item.content.items():
            if name == "like":
                yield value
            else:
                yield from _likes(value)


def _reached(name: str, asked: Mapping[str, Sequence[str]]) -> list[str]:
    """The stops whose size a stop's own size hangs on."""
    found: list[str] = []
    waiting = list(asked.get(name, ()))
    while waiting:
        other = waiting.pop()
        if other not in found:
            found.append(other)
            waiting += asked.get(other, ())
    return found
