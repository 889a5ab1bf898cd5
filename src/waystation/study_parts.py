"""The parts of a study file that recur: tasks, languages, splits, settings, stages.

Each function takes an `Item` of the document and gives its value in normal form, or None after
it has recorded a fault. What a task can do is judged by its own declaration; no data is read.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Annotated, Any, Final, TypeVar

from pydantic import BaseModel, Field

from waystation import task as tasks
from waystation.document import Item, describe
from waystation.errors import UserError, suggest
from waystation.examples import KINDS
from waystation.heads import HEADS
from waystation.languages import check_tag
from waystation.settings import TrainConfig
from waystation.study import Partial, Stage, TaskUse, Temperature
from waystation.task import MIXTURES, Task
from waystation.tasks.own import OwnData, task_of

T = TypeVar("T")

RETRIEVAL: Final = ("bitext", "query")
TRAINABLE: Final = tuple(kind for kind in KINDS if kind in HEADS)
FORMATS: Final = ("csv", "tsv", "jsonl")
LATER: Final = ("adapter", "adapters", "lora", "mlm", "translate")
"""Strategies of later versions: papers and plans name them, so people will try them."""
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
        checked = value.value(type_)
        if len(item.faults) == before:
            values[name] = checked
    return values


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


def use(item: Item, known: Tasks, extra: tuple[str, ...] = ()) -> TaskUse | None:
    """A part of a task to train on, from a name or a mapping."""
    if isinstance(item.content, str):
        task = known.look_up(item, item.content)
        return _used(item, task, {"task": item.content}) if task else None
    if is_own(item):
        own, fields = own_data(item, known, ("split", "examples", "skip", *extra))
        task = known.found[own_name(own)] if own else None
        values: dict[str, Any] = {"task": own_name(own), "own": own} if own else {}
        place = item
    else:
        fields = item.fields(("task", "split", "examples", "skip", "language", *extra), LATER)
        task = named_task(item, fields, known)
        values = {"task": fields["task"].content} if task else {}
        place = fields.get("task", item)
        if "language" in fields:
            values["language"] = language(fields["language"], task)
    if "split" in fields:
        values["split"] = split(fields["split"], task)
    if "examples" in fields:
        values["examples"] = fields["examples"].value(Whole)
    if "skip" in fields:
        values["skip"] = fields["skip"].value(Natural)
    return _used(place, task, values) if task else None


def named_task(item: Item, fields: Mapping[str, Item], known: Tasks) -> Task[Any] | None:
    """The task that a mapping names with `task:`."""
    if "task" in fields:
        name = fields["task"].text("the name of a task")
        return known.look_up(fields["task"], name) if name is not None else None
    if isinstance(item.content, dict) and not any(name in item.content for name in LATER):
        item.fault(
            "`task:` (the name of a task) or own data (`csv:`, `tsv:`, `jsonl:`)", found="neither"
        )
    return None


def is_own(item: Item) -> bool:
    """Whether a mapping names the user's own files."""
    return isinstance(item.content, dict) and any(name in item.content for name in FORMATS)


def own_name(own: OwnData) -> str:
    """What the user's own data is called."""
    return own.name or Path(own.path).name.split(".")[0]


def own_data(
    item: Item, known: Tasks, extra: tuple[str, ...]
) -> tuple[OwnData | None, dict[str, Item]]:
    """The user's own files, and the mapping's fields, `extra` ones included.

    Reads the training file, for its labels; what is wrong with it is a fault here.
    """
    before = len(item.faults)
    names = tuple(name for name in OwnData.model_fields if name not in ("format", "path"))
    fields = item.fields((*FORMATS, *names, *extra), LATER)
    format, *others = [name for name in FORMATS if name in fields]
    if others:
        item.fault("one training file", found=f"`{format}:` and `{others[0]}:`")
    values: dict[str, Any] = {"format": format, "path": fields[format].text("a file's path")}
    for name in names:
        if name in fields:
            tags = "a mapping from language tags to files" if name == "evaluate" else None
            values[name] = fields[name].value(OwnData.model_fields[name].annotation, tags)
    if "kind" not in fields:
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


def _used(item: Item, task: Task[Any], values: dict[str, Any]) -> TaskUse | None:
    if task.kind not in TRAINABLE:
        what = f"a task that a model can be trained on ({', '.join(TRAINABLE)})"
        item.fault(what, found=f"'{task.name}' ({task.kind})")
        return None
    if "split" not in values and task.train_split not in task.splits:
        advice = f"train on {', '.join(task.train)} instead, or " if task.train else ""
        hint = f" To train on it, {advice}give `split:`, one of {', '.join(task.splits)}."
        item.fault(f"a task with a split '{task.train_split}'", hint, f"'{task.name}'")
        return None
    values.setdefault("language", task.source_language)
    return None if any(v is None for v in values.values()) else TaskUse(**values)


def stage(item: Item, known: Tasks, extra: tuple[str, ...] = ()) -> Stage | None:
    """One training step, from any of its forms."""
    item = _spelled_out(item)
    if isinstance(item.content, dict) and "mix" in item.content:
        return _mix(item, known, extra)
    member = use(item, known, ("train", *extra))
    train = item.content.get("train") if isinstance(item.content, dict) else None
    own = settings(train, TrainConfig) if train is not None else {}
    return Stage(members=(member,), train=own) if member else None


def _named_mixture(item: Item) -> list[Item]:
    """The tasks that a mixture's name stands for; none for anything else."""
    names = MIXTURES.get(item.content, ()) if isinstance(item.content, str) else ()
    return [replace(item, content=name) for name in names]


def _spelled_out(item: Item) -> Item:
    """A stage that is a named mixture as the `mix:` that it stands for; any other as it is."""
    fields = item.content if isinstance(item.content, dict) else {}
    named = fields.get("task", item)
    if not (members := _named_mixture(named)):
        return item
    others = {name: value for name, value in fields.items() if name != "task"}
    return replace(item, content={"mix": replace(named, content=members)} | others)


def _members(item: Item) -> Item:
    """The list of a `mix:` with named mixtures replaced by their tasks."""
    if not isinstance(item.content, list):
        return item
    return replace(
        item, content=[m for entry in item.content for m in _named_mixture(entry) or [entry]]
    )


def chain(item: Item, known: Tasks, extra: tuple[str, ...] = ()) -> tuple[Stage, ...] | None:
    """One stage, or several in a list; None after a fault."""
    if not isinstance(item.content, list):
        one = stage(item, known, extra)
        return (one,) if one else None
    stages = [stage(entry, known) for entry in item.items("stages")]
    return tuple(s for s in stages if s) if stages and None not in stages else None


def _mix(item: Item, known: Tasks, extra: tuple[str, ...]) -> Stage | None:
    fields = item.fields(("mix", "rates", "cap", "train", *extra), LATER)
    before = len(item.faults)
    members = each(_members(fields["mix"]), "tasks of a mixture", lambda i: use(i, known), repr)
    values: dict[str, Any] = {"members": members}
    if "rates" in fields:
        values["rates"] = _rates(fields["rates"], [member.task for member in members])
    if "cap" in fields:
        values["cap"] = fields["cap"].value(Whole)
        if values.get("rates") == "equal" or isinstance(values.get("rates"), Mapping):
            fields["cap"].fault("a cap only where rates follow sizes (proportional, temperature)")
    if "train" in fields:
        values["train"] = settings(fields["train"], TrainConfig)
    if len(item.faults) > before or not members:
        return None
    if len(members) == 1:  # no mixture at all: the same step as the task alone
        values = {name: values[name] for name in ("members", "train") if name in values}
    return Stage(**values)


def _rates(item: Item, names: list[str]) -> Any:
    """The rates of a mixture of the tasks `names`, which an explicit mapping must all name."""
    if not isinstance(item.content, dict):
        if item.content not in ("proportional", "equal"):
            what = "proportional, equal, {temperature: 2}, or a rate for each task"
            item.fault(what, suggest(str(item.content), ("proportional", "equal")))
        return item.content
    if list(item.content) == ["temperature"]:
        value = item.content["temperature"].value(Annotated[float, Field(gt=0, le=1000)])
        return None if value is None else Temperature(temperature=value)
    rate = Annotated[float, Field(gt=0, le=1)]
    rates = {name: value.value(rate) for name, value in item.fields(names).items()}
    missing = [name for name in dict.fromkeys(names) if name not in item.content]
    if missing:
        item.fault("a rate for each task of the mixture", found=f"none for {', '.join(missing)}")
    if len(set(names)) < len(names):
        item.fault("equal or proportional rates, since a task is in this mixture twice")
    if set(rates) == set(names) and None not in rates.values():
        total = math.fsum(rates.values())
        if abs(total - 1) > 0.005:
            item.fault("rates that sum to 1", found=f"a sum of {total:g}")
    return rates
