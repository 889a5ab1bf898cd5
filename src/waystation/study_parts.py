"""The parts of a study file that recur: tasks, languages, splits, settings, own data.

Each function takes an `Item` of the document and gives its value in normal form, or None after
it has recorded a fault. What a task can do is judged by its own declaration; no data is read.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Final, TypeVar, get_args

from pydantic import BaseModel, Field

from waystation import task as tasks
from waystation.document import Item, describe
from waystation.errors import UserError, suggest
from waystation.languages import check_tag
from waystation.study import Partial
from waystation.task import Task
from waystation.tasks.own import OwnData, task_of

T = TypeVar("T")

RETRIEVAL: Final = ("bitext", "query")
FORMATS: Final = ("csv", "tsv", "jsonl", "parallel")
UNDER_TRAIN: Final = ("adapter", "adapters", "lora", "frozen", "layer_decay")
"""Settings of a training that read like parts of a stage, so people will write them there."""
Whole = Annotated[int, Field(ge=1)]
Natural = Annotated[int, Field(ge=0)]


@dataclass(frozen=True)
class Tasks:
    """The tasks that one study file names, each looked up once."""

    folder: Path
    found: dict[str, Task[Any]] = field(default_factory=dict)
    own: dict[str, OwnData] = field(default_factory=dict)

    def look_up(self, item: Item, name: str) -> Task[Any] | None:
        """The task of a name; a name that leads nowhere is a fault at `item`."""
        if name not in self.found:
            try:
                self.found[name] = tasks.get(name, self.folder)
            except UserError as error:
                item.say(str(error))
        return self.found.get(name)


def each(
    item: Item,
    what: str,
    one: Callable[[Item], T | None],
    key: Callable[[T], Hashable] = lambda value: value,
    otherwise: str = "",
) -> tuple[T, ...]:
    """The values of a list, each read by `one`; equal ones are faults.

    `otherwise` is what might stand in the list's place, such as `all or `.
    """
    first: dict[Hashable, int] = {}
    values: list[T] = []
    for entry in item.items(what, otherwise):
        value = one(entry)
        if value is None:
            continue
        if key(value) in first:
            line = first[key(value)]
            entry.fault(f"each of the {what} once", found=f"{entry.found()} again (line {line})")
            continue
        first[key(value)] = entry.line
        values.append(value)
    return tuple(values)


def one_of(item: Item, known: tuple[str, ...]) -> str | None:
    """One of some words."""
    if item.content in known:
        return str(item.content)
    item.fault(f"one of {', '.join(known)}", suggest(str(item.content), known))
    return None


def label(item: Item, forbidden: str = "#@") -> str | None:
    """A name that can be part of a route."""
    what = f"a name without spaces, slashes, {' or '.join(forbidden)}"
    text = item.text(what)
    if text is not None and re.search(rf"[\s/\\{forbidden}]", text):
        item.fault(what)
        return None
    return text


def settings(item: Item, model: type[BaseModel]) -> Partial:
    """Some fields of a settings type, each checked on its own."""
    values: Partial = {}
    for name, value in item.fields(model.model_fields).items():
        info = model.model_fields[name]
        type_ = Annotated[info.annotation, info] if info.metadata else info.annotation
        before = len(item.faults)
        part = _settings_type(info.annotation)
        if part is not None and isinstance(value.content, dict):
            checked: Any = part.model_validate(settings(value, part)).model_dump(mode="json")
        else:
            checked = value.value(type_)
        if len(item.faults) == before:
            values[name] = checked
    return values


def _settings_type(annotation: Any) -> type[BaseModel] | None:
    """The settings type that a field holds, None for plain values."""
    for choice in get_args(annotation) or (annotation,):
        if isinstance(choice, type) and issubclass(choice, BaseModel):
            return choice
    return None


def language(item: Item, task: Task[Any] | None) -> str | None:
    """One of the task's languages."""
    tag = item.text("a language tag such as de")
    if tag is None or task is None or tag in task.languages:
        return tag
    try:
        check_tag(tag)
    except UserError as error:
        item.say(str(error))
        return None
    known = ", ".join(task.languages)
    item.fault(f"a language of {task.name} ({known})", suggest(tag, task.languages))
    return None


def split(item: Item, task: Task[Any] | None) -> str | None:
    """One of the task's splits, or a sum of them."""
    text = item.text("a split such as dev, or a sum such as dev+test")
    if text is None or task is None:
        return text
    parts = text.split("+")
    for part in parts:
        if part not in task.splits:
            what = f"a split of {task.name} ({', '.join(task.splits)})"
            item.fault(what, suggest(part, task.splits), f"'{part}'")
            return None
    if len(set(parts)) < len(parts):
        item.fault("each split once")
        return None
    return text


def named_task(item: Item, fields: Mapping[str, Item], known: Tasks) -> Task[Any] | None:
    """The task that a mapping names with `task:`."""
    if "task" in fields:
        name = fields["task"].text("the name of a task")
        return known.look_up(fields["task"], name) if name is not None else None
    if isinstance(item.content, dict) and not any(name in item.content for name in UNDER_TRAIN):
        item.fault(
            "`task:` (the name of a task) or own data (`csv:`, `tsv:`, `jsonl:`, `parallel:`)",
            found="neither",
        )
    return None


def model_name(item: Item, folder: Path) -> str | None:
    """A model: a packaged one, a folder beside the study, or a hub id."""
    from waystation.packaged import PACKAGED

    what = "a packaged model, a folder, or a hub id written owner/name"
    name = item.text(what)
    if name is None or name in PACKAGED or (folder / name).is_dir():
        return name
    if re.fullmatch(r"[A-Za-z0-9][\w.-]*/[\w.-]+(@[\w./-]+)?", name):
        return name
    item.fault(f"{what} (packaged: {', '.join(PACKAGED)})", suggest(name, PACKAGED))
    return None


def is_own(item: Item) -> bool:
    """Whether a mapping names the user's own files."""
    return isinstance(item.content, dict) and any(name in item.content for name in FORMATS)


def own_name(own: OwnData) -> str:
    """What the user's own data is called."""
    return own.called


def _files(item: Item, format: str) -> str | tuple[str, str] | None:
    """A file's path; of parallel text the paths of both sides."""
    if format != "parallel":
        return item.text("a file's path")
    if not isinstance(item.content, dict) or set(item.content) != {"source", "target"}:
        item.fault("two files, {source: FILE, target: FILE}, a sentence a line in each")
        return None
    source, target = (item.content[side].text("a file's path") for side in ("source", "target"))
    return None if source is None or target is None else (source, target)


def _tested(item: Item, format: str) -> dict[str, Any] | None:
    """Language tag to the file (or the two sides) to evaluate."""
    if not isinstance(item.content, dict):
        item.fault("a mapping from language tags to files")
        return None
    return {tag: _files(value, format) for tag, value in item.content.items()}


def own_data(
    item: Item, known: Tasks, extra: tuple[str, ...]
) -> tuple[OwnData | None, dict[str, Item]]:
    """The user's own files, and the mapping's fields, `extra` ones included.

    Reads the training file, for its labels; what is wrong with it is a fault here.
    """
    before = len(item.faults)
    names = tuple(name for name in OwnData.model_fields if name not in ("format", "path"))
    fields = item.fields((*FORMATS, *names, *extra), UNDER_TRAIN)
    format, *others = [name for name in FORMATS if name in fields]
    if others:
        item.fault("one training file", found=f"`{format}:` and `{others[0]}:`")
    values: dict[str, Any] = {"format": format, "path": _files(fields[format], format)}
    for name in names:
        if name == "dev" and name in fields:
            values[name] = _files(fields[name], format)
        elif name == "evaluate" and name in fields:
            values[name] = _tested(fields[name], format)
        elif name in fields:
            values[name] = fields[name].value(OwnData.model_fields[name].annotation)
    if format == "parallel":
        if values.setdefault("kind", "bitext") not in ("bitext", None):
            fields["kind"].fault("no kind but bitext for parallel files")
    elif "kind" not in fields:
        kinds = describe(OwnData.model_fields["kind"].annotation)
        item.fault(f"`kind:`, {kinds}", found="none")
    if len(item.faults) > before:
        return None, fields
    own = OwnData(**values)
    try:
        task = task_of(own, known.folder)
    except UserError as error:
        fields[format].say(str(error))
        return None, fields
    training = own.model_copy(update={"evaluate": {}})
    if known.own.setdefault(task.name, training) != training:
        hint = " Give one of them `name:`."
        item.fault("a name of its own for each of your files", hint, f"'{task.name}' again")
        return None, fields
    known.found[task.name] = task
    return own, fields
