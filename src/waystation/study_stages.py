"""The training stages of a study file: a part of a task, a mixture of several, or a chain.

Each function takes an `Item` of the document and gives its value in normal form, or None after it
has recorded a fault.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any, Final

from pydantic import Field

from waystation.document import Item
from waystation.errors import some, suggest
from waystation.examples import KINDS
from waystation.heads import HEADS
from waystation.settings import TrainConfig
from waystation.study import Stage, TaskUse, Temperature, Translate
from waystation.study_parts import (
    UNDER_TRAIN,
    Natural,
    Tasks,
    Whole,
    each,
    head_options,
    is_own,
    language,
    model_name,
    named_task,
    own_data,
    own_name,
    settings,
    split,
    tag_of,
)
from waystation.study_text import mlm
from waystation.task import MIXTURES, Task, member_names

TRAINABLE: Final = tuple(kind for kind in KINDS if kind in HEADS)
REFUSED: Final = {
    "tagging": "the words of a translation would not line up with its tags",
    "bitext": "it is parallel text already",
    "query": "the candidates that its queries search are not translated with them",
    "text": "its completions may be code or numbers, which no translation keeps",
    "lm": "text in the language itself serves better",
    "code": "code has no translation",
}
"""Why tasks of other kinds are not translated sentence by sentence, by kind."""


def use(item: Item, known: Tasks, extra: tuple[str, ...] = ()) -> TaskUse | None:
    """A part of a task to train on, from a name or a mapping."""
    if isinstance(item.content, str):
        task = known.look_up(item, item.content)
        return _used(item, task, {"task": item.content}) if task else None
    if is_own(item):
        own, fields = own_data(
            item, known, ("split", "examples", "skip", "like", "options", "translate", *extra)
        )
        task = known.found[own_name(own)] if own else None
        values: dict[str, Any] = {"task": own_name(own), "own": own} if own else {}
        place = item
    else:
        own_names = ("task", "split", "examples", "skip", "language", "options", "like")
        fields = item.fields((*own_names, "translate", *extra), UNDER_TRAIN)
        task = named_task(item, fields, known)
        values = {"task": fields["task"].content} if task else {}
        place = fields.get("task", item)
        if "language" in fields:
            values["language"] = language(fields["language"], task)
    if "split" in fields:
        values["split"] = split(fields["split"], task)
    if "examples" in fields:
        values["examples"] = fields["examples"].value(Whole)
    if "like" in fields:  # checked once all stops have names, see study_file.py
        values["like"] = fields["like"].text("the name of a stop")
        if "examples" in fields:
            fields["like"].fault("either `examples` or `like`", found="both")
    if "skip" in fields:
        values["skip"] = fields["skip"].value(Natural)
    if "options" in fields:
        values["options"] = head_options(fields["options"], task) if task else None
    if "translate" in fields and task is not None:
        source = values.get("language") or task.source_language
        values["translate"] = _translation(fields["translate"], task, source, known.folder)
        if values["translate"] is None:
            return None
    return _used(place, task, values) if task else None


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
    if "language" not in values and task.source_language not in task.languages:
        hint = f" Each pairs with English: {some(task.languages, 12)}."
        item.fault("`language:` beside the task", hint, f"none for '{task.name}'")
        return None
    values.setdefault("language", task.source_language)
    return None if any(v is None for v in values.values()) else TaskUse(**values)


def _translation(item: Item, task: Task[Any], source: str, folder: Path) -> Translate | None:
    """What a use of a task says of its translation; `folder` is the study's.

    Whether the model has both languages is known when its files are read, see translations.py.
    """
    if task.kind in REFUSED:
        what = f"a task that can be translated by sentence, since {REFUSED[task.kind]}"
        item.fault(what, found=f"'{task.name}' ({task.kind})")
        return None
    before = len(item.faults)
    fields = item.fields(("to", "with", "beams", "max_tokens"))
    missing = [name for name in ("to", "with") if name not in fields]
    if missing and isinstance(item.content, dict):
        what = "`to:` (a language) and `with:` (a translation model)"
        item.fault(what, found=f"no `{missing[0]}:`")
    values: dict[str, Any] = {}
    if "to" in fields:
        values["to"] = _other_language(fields["to"], source)
    if "with" in fields:
        values["model"] = model_name(fields["with"], folder)
    for name in ("beams", "max_tokens"):
        if name in fields:
            info = Translate.model_fields[name]
            values[name] = fields[name].value(info.rebuild_annotation())
    return Translate(**values) if len(item.faults) == before else None


def _other_language(item: Item, source: str) -> str | None:
    tag = tag_of(item)
    if tag == source:
        item.fault(f"another language than that of the examples ({source})")
    return tag


def stage(item: Item, known: Tasks, extra: tuple[str, ...] = ()) -> Stage | None:
    """One training step, from any of its forms."""
    item = _spelled_out(item)
    if isinstance(item.content, dict) and "mix" in item.content:
        return _mix(item, known, extra)
    fields = item.content if isinstance(item.content, dict) else {}
    if "mlm" in fields and "task" not in fields and not is_own(item):
        fields = item.fields(("mlm", "train", *extra), UNDER_TRAIN)
        member, members = None, True
    else:
        member = use(item, known, ("train", "mlm", *extra))
        members = member is not None
    values: dict[str, Any] = {"members": (member,) if member else ()}
    if "train" in fields:
        values["train"] = settings(fields["train"], TrainConfig)
    if "mlm" in fields:
        values["mlm"] = mlm(fields["mlm"], known, alone=member is None)
    return Stage(**values) if members and None not in values.values() else None


def _named_mixture(item: Item) -> list[Item]:
    """The tasks that a mixture's name stands for; none for anything else."""
    fields = item.content if isinstance(item.content, dict) else {}
    if set(fields) == {"task", "translate"}:  # each of them translated
        named = _named_mixture(fields["task"])
        return [replace(item, content=fields | {"task": name}) for name in named]
    names = MIXTURES.get(item.content, ()) if isinstance(item.content, str) else ()
    return [replace(item, content=name) for name in names]


def _spelled_out(item: Item) -> Item:
    """A stage that is a named mixture as the `mix:` that it stands for; any other as it is."""
    fields = item.content if isinstance(item.content, dict) else {}
    named = fields.get("task", item)
    used = {name: value for name, value in fields.items() if name in ("task", "translate")}
    if not (members := _named_mixture(replace(item, content=used) if used else named)):
        members = _named_mixture(named)
    if not members:
        return item
    others = {name: value for name, value in fields.items() if name not in used}
    return replace(item, content={"mix": replace(named, content=members)} | others)


def _members(item: Item) -> Item:
    """The list of a `mix:` with named mixtures replaced by their tasks."""
    if not isinstance(item.content, list):
        return item
    return replace(
        item, content=[m for entry in item.content for m in _named_mixture(entry) or [entry]]
    )


def chain(item: Item, known: Tasks, extra: tuple[str, ...] = ()) -> tuple[Stage, ...] | None:
    """One stage, or several in a list, perhaps under `chain:`; None after a fault."""
    if isinstance(item.content, dict) and "chain" in item.content:
        item = item.fields(("chain", *extra), UNDER_TRAIN)["chain"]
        if not isinstance(item.content, list):
            item.fault("a list of stages")
            return None
    if not isinstance(item.content, list):
        one = stage(item, known, extra)
        return (one,) if one else None
    stages = [stage(entry, known) for entry in item.items("stages")]
    return tuple(s for s in stages if s) if stages and None not in stages else None


def _mix(item: Item, known: Tasks, extra: tuple[str, ...]) -> Stage | None:
    fields = item.fields(("mix", "rates", "cap", "share_head", "train", "mlm", *extra), UNDER_TRAIN)
    before = len(item.faults)
    members = each(_members(fields["mix"]), "tasks of a mixture", lambda i: use(i, known), repr)
    values: dict[str, Any] = {"members": members}
    if "rates" in fields:
        values["rates"] = _rates(fields["rates"], members)
    if "cap" in fields:
        values["cap"] = fields["cap"].value(Whole)
        if values.get("rates") == "equal" or isinstance(values.get("rates"), Mapping):
            fields["cap"].fault("a cap only where rates follow sizes (proportional, temperature)")
    if "share_head" in fields:
        values["share_head"] = fields["share_head"].value(bool)
        if values["share_head"]:
            _check_shared(fields["share_head"], [known.found[member.task] for member in members])
    if "train" in fields:
        values["train"] = settings(fields["train"], TrainConfig)
    if "mlm" in fields:
        values["mlm"] = mlm(fields["mlm"], known, alone=False)
    if len(item.faults) > before or not members:
        return None
    if len(members) == 1:  # no mixture at all: the same step as the task alone
        values = {name: values[name] for name in ("members", "train", "mlm") if name in values}
    return Stage(**values)


def _check_shared(item: Item, tasks: list[Task[Any]]) -> None:
    """One head can be trained on tasks of one kind with one set of labels only."""
    first = tasks[0]
    for other in tasks[1:]:
        if (other.kind, sorted(other.labels)) != (first.kind, sorted(first.labels)):
            found = f"'{first.name}' ({_head(first)}) and '{other.name}' ({_head(other)})"
            hint = " Leave `share_head` out: each has a head of its own then."
            item.fault("tasks of one kind and one label set to share a head", hint, found)
            return


def _head(task: Task[Any]) -> str:
    return f"{task.kind}: {some(task.labels, 12)}" if task.labels else task.kind


def _rates(item: Item, members: Sequence[TaskUse]) -> Any:
    """The rates of a mixture, whose members an explicit mapping must all name."""
    if not isinstance(item.content, dict):
        if item.content not in ("proportional", "equal"):
            what = "proportional, equal, {temperature: 2}, or a rate for each task"
            item.fault(what, suggest(str(item.content), ("proportional", "equal")))
        return item.content
    if list(item.content) == ["temperature"]:
        value = item.content["temperature"].value(Annotated[float, Field(gt=0, le=1000)])
        return None if value is None else Temperature(temperature=value)
    names = member_names([(member.task, member.trained_in) for member in members])
    rate = Annotated[float, Field(gt=0, le=1)]
    rates = {name: value.value(rate) for name, value in item.fields(names).items()}
    missing = [name for name in dict.fromkeys(names) if name not in item.content]
    if missing:
        item.fault("a rate for each task of the mixture", found=f"none for {', '.join(missing)}")
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        found = f"'{twice}' twice"
        item.fault("equal or proportional rates, or each task once per language", found=found)
    if set(rates) == set(names) and None not in rates.values():
        total = math.fsum(rates.values())
        if abs(total - 1) > 0.005:
            item.fault("rates that sum to 1", found=f"a sum of {total:g}")
    return rates
