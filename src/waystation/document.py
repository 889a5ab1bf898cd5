"""A YAML 1.2 file as plain values that know where they stand, and the list of its faults.

Parsing is `ruamel.yaml`'s; what it composes is walked here instead of constructed, so that every
key and value keeps its line and column, and all duplicate keys are found, not only the first.
A fault reads `file:line:column: path.to.key: expected ..., found ....`; lines and columns count
from 1. Knows nothing of studies.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType, UnionType
from typing import Annotated, Any, Final, Literal, TypeAlias, Union, get_args, get_origin

import annotated_types
from pydantic import BaseModel, TypeAdapter
from pydantic.fields import FieldInfo
from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import MappingNode, Node, SequenceNode

from waystation.errors import StudyFaults, UserError, suggest

Content: TypeAlias = "bool | int | float | str | list[Item] | dict[str, Item] | None"
Fault: TypeAlias = tuple[int, int, str]
"""Line, column and message; sorted, they read in the file's order."""
_TAG: Final = "tag:yaml.org,2002:"


@dataclass(frozen=True, eq=False)
class Item:
    """One value of the document. `faults` is the document's own list, shared by all its items."""

    content: Content
    file: str
    line: int
    column: int
    path: str
    faults: list[Fault] = field(repr=False)
    key: tuple[int, int] = (1, 1)
    """Line and column of its key; its own where it has none."""

    def fault(self, expected: str, hint: str = "", found: str | None = None) -> None:
        """Record that something else was expected here."""
        self.say(f"expected {expected}, found {found or self.found()}.{hint}")

    def say(self, sentence: str, at_key: bool = False) -> None:
        """Record a fault in words of one's own."""
        line, column = self.key if at_key or self.content is None else (self.line, self.column)
        where = f"{self.path}: " if self.path else ""
        self.faults.append((line, column, f"{self.file}:{line}:{column}: {where}{sentence}"))

    def found(self) -> str:
        """How a message shows this value."""
        match self.content:
            case None:
                return "nothing"
            case bool() as value:
                return str(value).lower()
            case str() as text:
                return f"'{text}'"
            case list() as items:
                return f"a list of {len(items)}" if items else "an empty list"
            case dict() as fields:
                return f"a mapping with {', '.join(fields)}" if fields else "an empty mapping"
            case number:
                return str(number)

    def plain(self) -> Any:
        """The value without positions, sequences as tuples."""
        if isinstance(self.content, list):
            return tuple(item.plain() for item in self.content)
        if isinstance(self.content, dict):
            return {name: item.plain() for name, item in self.content.items()}
        return self.content

    def fields(
        self, known: Iterable[str], instead: Mapping[str, str] = MappingProxyType({})
    ) -> dict[str, Item]:
        """The mapping's known fields; others are faults, `instead` has what some should be."""
        if not isinstance(self.content, dict):
            self.fault("a mapping")
            return {}
        names = list(known)
        for name, item in self.content.items():
            if name in instead and name not in names:
                item.say(f"expected {instead[name]}, found '{name}' here.", at_key=True)
            elif name not in names:
                known_names = f"expected one of {', '.join(names)}"
                item.say(f"{known_names}, found '{name}'.{suggest(name, names)}", at_key=True)
        return {name: item for name, item in self.content.items() if name in names}

    def items(self, what: str, otherwise: str = "") -> list[Item]:
        """The list's items; an empty list and anything else are faults."""
        if isinstance(self.content, list) and self.content:
            return self.content
        self.fault(f"{otherwise}a list of {what}")
        return []

    def text(self, what: str) -> str | None:
        """The text, or None after a fault."""
        if isinstance(self.content, str) and self.content.strip():
            return self.content
        self.fault(what)
        return None

    def value(self, type_: Any, what: str | None = None) -> Any:
        """The value as `type_` (anything that pydantic knows), or None after a fault."""
        try:
            if isinstance(self.content, float) and not math.isfinite(self.content):
                raise ValueError
            return TypeAdapter(type_).validate_python(self.plain(), strict=True)
        except ValueError:  # pydantic's ValidationError is one
            self.fault(what or describe(type_))
            return None


def parse(path: Path) -> Item:
    """The document of a file; raises StudyFaults where it is not YAML, or not a mapping."""
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except FileNotFoundError:
        raise UserError(
            f"expected a study file at {path}, found none; `waystation init {path}` writes one."
        ) from None
    except OSError as error:
        raise UserError(f"expected a study file at {path}, found {error.strerror}.") from None
    except UnicodeDecodeError as error:
        line = path.read_bytes()[: error.start].count(b"\n") + 1
        raise StudyFaults(
            [f"{path}:{line}: expected UTF-8 text, found other bytes; save the file as UTF-8."]
        ) from None
    try:
        node = YAML().compose(text)
    except YAMLError as error:
        raise StudyFaults([_syntax(path, error)]) from None
    faults: list[Fault] = []
    if not isinstance(node, MappingNode):
        found = {None: "nothing", SequenceNode: "a list"}.get(node and type(node), "a text")
        raise StudyFaults(
            [f"{path}:1:1: expected a study (a mapping with `targets:`), found {found}."]
        )
    return _item(node, str(path), "", faults)


def _syntax(path: Path, error: YAMLError) -> str:
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    where = f"{path}:{mark.line + 1}:{mark.column + 1}" if mark is not None else str(path)
    words = [getattr(error, "context", None), getattr(error, "problem", None)]
    said = (
        ", ".join(str(w) for w in words if w) if isinstance(error, MarkedYAMLError) else str(error)
    )
    return f"{where}: expected YAML, found a syntax error: {said}."


def _item(
    node: Node, file: str, path: str, faults: list[Fault], key: tuple[int, int] | None = None
) -> Item:
    line, column = node.start_mark.line + 1, node.start_mark.column + 1
    content: Content
    if isinstance(node, SequenceNode):
        content = [_item(n, file, f"{path}[{i}]", faults) for i, n in enumerate(node.value)]
    elif isinstance(node, MappingNode):
        content = dict(_members(node, file, path, faults))
    else:
        content = _scalar(node)
    return Item(content, file, line, column, path, faults, key or (line, column))


def _members(
    node: MappingNode, file: str, path: str, faults: list[Fault]
) -> Iterator[tuple[str, Item]]:
    first: dict[str, int] = {}
    for key, value in node.value:
        name = "a list or mapping" if isinstance(key.value, list) else str(key.value)
        below = f"{path}.{name}" if path else name
        line, column = key.start_mark.line + 1, key.start_mark.column + 1
        if name in first:
            found = f"found '{name}' again (line {first[name]})"
            text = f"{file}:{line}:{column}: {below}: expected each key once, {found}."
            faults.append((line, column, text))
            continue
        first[name] = line
        yield name, _item(value, file, below, faults, (line, column))


def _scalar(node: Node) -> Content:
    text = node.value
    match str(node.tag).removeprefix(_TAG):
        case "null":
            return None
        case "bool":
            return bool(text.lower() == "true")
        case "int":
            digits = text.replace("_", "")
            return int(digits, 0) if digits.lstrip("+-")[:2] in ("0x", "0o") else int(digits)
        case "float":
            return float(text.replace("_", "").replace(".inf", "inf").replace(".nan", "nan"))
        case _:
            return str(text)


_NOUNS: Final[Mapping[Any, str]] = {
    int: "a whole number",
    float: "a number",
    str: "a text",
    bool: "true or false",
    type(None): "null",
}


def describe(type_: Any) -> str:
    """A type in words, bounds included: `a number above 0 and at most 1`."""
    origin = get_origin(type_)
    if origin is Annotated:
        for extra in type_.__metadata__:
            if isinstance(extra, FieldInfo) and extra.description:
                return extra.description
        bounds = [b for extra in type_.__metadata__ for b in _bounds(extra)]
        return " ".join([describe(get_args(type_)[0]), *_join(bounds)])
    if origin is Literal:
        return "one of " + ", ".join(str(choice) for choice in get_args(type_))
    if origin in (Union, UnionType):
        return " or ".join(describe(choice) for choice in get_args(type_))
    if origin is tuple:
        return f"a list of values, each {describe(get_args(type_)[0])}"
    if isinstance(type_, type) and issubclass(type_, BaseModel):
        return f"a mapping with any of {', '.join(type_.model_fields)}"
    return _NOUNS.get(type_, getattr(type_, "__name__", str(type_)))


def _bounds(extra: Any) -> list[str]:
    if isinstance(extra, FieldInfo):
        return [b for inner in extra.metadata for b in _bounds(inner)]
    match extra:
        case annotated_types.Gt(gt=bound):
            return [f"above {bound}"]
        case annotated_types.Ge(ge=bound):
            return [f"at least {bound}"]
        case annotated_types.Lt(lt=bound):
            return [f"below {bound}"]
        case annotated_types.Le(le=bound):
            return [f"at most {bound}"]
    return []


def _join(bounds: list[str]) -> list[str]:
    return [" and ".join(bounds)] if bounds else []
