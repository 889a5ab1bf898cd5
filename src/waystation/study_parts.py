"""The parts of a study file that recur: tasks, languages, splits, settings, options, own data.

Each function takes an `Item` of the document and gives its value in normal form, or None after
it has recorded a fault. What a task can do is judged by its own declaration; no data is read.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, field, replace
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
LORA: Final = "`adapter: {kind: lora}`"
INSTEAD: Final = dict.fromkeys(("lora", "adapters"), LORA)
"""Names of settings that people will write, and what they are to write instead."""
UNDER_TRAIN: Final = {
    **{name: f"`{name}:` under `train:`" for name in ("adapter", "frozen", "layer_decay")},
    **dict.fromkeys(INSTEAD, f"{LORA} under `train:`"),
    **{name: f"`{name}:` under `options:`" for name in ("margin", "hard_negatives", "scale")},
    "selections": "`selections:` under a target",
}
"""The same of a stage, a target and a study: what reads like a part of them and is none."""
Whole = Annotated[int, Field(ge=1)]
Natural = Annotated[int, Field(ge=0)]

WORDS: Final[Mapping[str, Mapping[str, tuple[str, ...]]]] = {
    "tagging": {"first_piece": ("first", "non-empty"), "windows": ("shared", "official")},
    "span": {"windows": ("shared", "official")},
}
"""Options whose values are words; a target has them too."""
_RANKED: Final = {"pooling": ("mean", "cls", "words")}
_RANKING: Final[Mapping[str, tuple[Any, float]]] = {
    "margin": (Annotated[float, Field(ge=0, le=1)], 0.0),
    "scale": (Annotated[float, Field(gt=0, le=1000)], 100.0),
    "hard_negatives": (Annotated[int, Field(ge=0, le=50)], 0),
}
"""Number options of a head that ranks, with type and default, see `heads/ranking.py`."""


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
    for name, value in item.fields(model.model_fields, INSTEAD).items():
        info = model.model_fields[name]
        type_ = Annotated[info.annotation, info] if info.metadata else info.annotation
        before = len(item.faults)
        part = _settings_type(info.annotation)
        if part is not None and isinstance(value.content, dict):
            checked: Any = part.model_validate(settings(value, part)).model_dump(mode="json")
        elif isinstance(value.content, list) and f"{name}s" in model.model_fields:
            value.fault(describe(type_), f" Several are written `{name}s:`.")
        else:
            checked = value.value(type_)
        if len(item.faults) == before:
            values[name] = checked
    for name in values:
        if f"{name}s" in values:
            item.fault(f"either `{name}` or `{name}s`", found="both")
    return values


def _settings_type(annotation: Any) -> type[BaseModel] | None:
    """The settings type that a field holds, None for plain values."""
    for choice in get_args(annotation) or (annotation,):
        if isinstance(choice, type) and issubclass(choice, BaseModel):
            return choice
    return None


def tag_of(item: Item) -> str | None:
    """A language tag."""
    tag = item.text("a language tag such as de")
    try:
        if tag is not None:
            check_tag(tag)
    except UserError as error:
        item.say(str(error))
        return None
    return tag


def language(item: Item, task: Task[Any] | None) -> str | None:
    """One of the task's languages."""
    if task is None or item.content in task.languages:
        return item.text("a language tag such as de")
    tag = tag_of(item)
    if tag is not None:
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


def head_options(item: Item, task: Task[Any]) -> dict[str, str] | None:
    """The options that a stage trains a task's head with; None after a fault.

    They are texts in its spec (and so in keys); a study file may write numbers. Numbers that are
    the default are left out, so that saying them changes no key.
    """
    ranked = task.kind in RETRIEVAL
    words = _RANKED if ranked else WORDS.get(task.kind, {})
    numbers = _RANKING if ranked else {}
    if not words:
        item.fault(f"no options, since a {task.kind} head has none")
        return None
    before = len(item.faults)
    values: dict[str, str] = {}
    for name, value in item.fields((*numbers, *words)).items():
        if name in words:
            word = one_of(value, words[name])
            if word is not None and not (ranked and word == words[name][0]):
                values[name] = word
            continue
        type_, default = numbers[name]
        number = _number(value).value(type_)
        if number is not None and number != default:
            values[name] = f"{number:g}"
    return values if len(item.faults) == before else None


def _number(item: Item) -> Item:
    """A number that stands in quotes as the number; anything else as it is."""
    text = item.content
    if not isinstance(text, str):
        return item
    for type_ in (int, float):
        try:
            return replace(item, content=type_(text))
        except ValueError:
            continue
    return item
