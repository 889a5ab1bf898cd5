"""The targets of a study file: a task, a benchmark that stands for its tasks, or own data.

A target says what is evaluated (languages, split, examples), how the model is fine-tuned for it,
and for retrieval what is compared. Every fault is recorded at its line; no data is read.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any, Final

from waystation.benchmarks import BENCHMARKS
from waystation.document import Item
from waystation.errors import some
from waystation.selections import selections
from waystation.settings import TrainConfig
from waystation.study import Stage, Target
from waystation.study_parts import (
    RETRIEVAL,
    UNDER_TRAIN,
    WORDS,
    Natural,
    Tasks,
    Whole,
    each,
    is_own,
    label,
    language,
    named_task,
    one_of,
    own_data,
    own_name,
    settings,
    split,
)
from waystation.study_stages import chain
from waystation.task import Task

CHOICES: Final[dict[str, tuple[str, ...]]] = {
    "pooling": ("mean", "cls", "words"),
    "scoring": ("cosine", "ratio", "distance"),
}
"""What a retrieval target may compare, with its values."""
COMPARED: Final = ("layers", *CHOICES, "neighbours")


def targets(item: Item, known: Tasks) -> tuple[Target, ...]:
    """The targets of a study in the file's order, each with a name of its own."""
    lines: dict[str, int] = {}
    found = []
    for entry, target in ((e, t) for e in item.items("targets") for t in _expanded(e, known)):
        if target.name in lines:
            twin = f"'{target.name}', also on line {lines[target.name]}"
            hint = " Give one of them `name:`."
            entry.fault("a name of its own for each target", hint, twin)
            continue
        lines[target.name] = entry.line
        found.append(target)
    return tuple(found)


def _expanded(item: Item, known: Tasks) -> list[Target]:
    """The targets of one entry: one, or those of a benchmark's tasks."""
    if isinstance(item.content, dict) and "benchmark" in item.content:
        return _of_benchmark(item, known)
    target = _target(item, known)
    return [] if target is None else [target]


def _of_benchmark(item: Item, known: Tasks) -> list[Target]:
    """One target per task, in the benchmark's languages, each under the task's name."""
    names = ("benchmark", "tasks", "languages", "examples", "selections")
    fields = item.fields((*names, *COMPARED), UNDER_TRAIN)
    before = len(item.faults)
    name = one_of(fields["benchmark"], tuple(BENCHMARKS))
    if name is None:
        return []
    benchmark = BENCHMARKS[name]
    chosen = _listed(fields.get("tasks"), "tasks", benchmark.tasks)
    tags = _listed(fields.get("languages"), "languages", benchmark.languages)
    common: dict[str, Any] = {}
    if "examples" in fields:
        common["examples"] = fields["examples"].value(Whole)
    retrieval: dict[str, Any] | None = None
    targets: list[Target | None] = []
    for part in map(benchmark.part, chosen):
        task = known.look_up(item, part.name)
        spoken = tuple(tag for tag in part.languages if tag in tags)
        if task is None:
            continue
        if not spoken and "tasks" in fields and fields["tasks"].content != "all":
            found = f"none of {', '.join(tags)}"
            fields["tasks"].fault(f"a task with one of the languages, as {part.name}", "", found)
        if not spoken:
            continue
        values = {"name": task.name, "task": part.name, "languages": spoken} | common
        if task.kind in RETRIEVAL and retrieval is None:
            retrieval = {}
            _retrieval(fields, task, retrieval)
        values |= (retrieval or {}) if task.kind in RETRIEVAL else {}
        if "selections" in fields and task.kind not in RETRIEVAL:
            values["selections"] = selections(fields["selections"], task, None)
            if len(item.faults) > before:  # once is enough
                return []
        # As officially, also where a bare retrieval target takes the model as it is.
        recipe = replace(item, content=True) if task.train else None
        targets.append(_completed(item, task, values, recipe, known))
    given = next((option for option in COMPARED if option in fields), None)
    if targets and retrieval is None and given is not None:
        fields[given].fault(f"`{given}` beside a retrieval task only", found=", ".join(chosen))
    if "selections" in fields and not any(t.selections for t in targets if t is not None):
        what = "`selections` beside a task that is not retrieval"
        fields["selections"].fault(what, found=", ".join(chosen))
    return [t for t in targets if t is not None] if len(item.faults) == before else []


def _listed(item: Item | None, what: str, every: tuple[str, ...]) -> tuple[str, ...]:
    """Some of the names that a benchmark has, or all of them."""
    if item is None or item.content == "all":
        return every
    return each(item, what, partial(one_of, known=every), otherwise="all or ")


def _target(item: Item, known: Tasks) -> Target | None:
    if isinstance(item.content, str):
        task = known.look_up(item, item.content)
        plain: dict[str, Any] = {"name": task.name if task else "", "task": item.content}
        return _completed(item, task, plain, None, known) if task else None
    names = ("languages", "split", "examples", "fine_tune", "options", "train", "selections")
    before = len(item.faults)
    values: dict[str, Any]
    if is_own(item):
        own, fields = own_data(item, known, (*COMPARED, *names))
        if own is None:
            return None
        task = known.found[own_name(own)]
        tested = "split" not in fields or fields["split"].content == "test"
        languages = tuple(own.evaluate) if tested else (own.language,)
        values = {"task": task.name, "own": own, "languages": languages}
        if not own.evaluate and "split" not in fields:
            found = "neither"
            item.fault("`evaluate:`, files to evaluate by language, or `split: dev`", "", found)
    else:
        fields = item.fields(("task", "name", *COMPARED, *names), UNDER_TRAIN)
        task = named_task(item, fields, known)
        if task is None:
            return None
        values = {"task": fields["task"].content}
    values |= {"name": task.name} | _evaluation(fields, task)
    _retrieval(fields, task, values)
    if "selections" in fields:
        values["selections"] = selections(fields["selections"], task, values.get("split"))
    target = _completed(item, task, values, fields.get("fine_tune"), known)
    if target is not None and target.selections and not target.fine_tuned:
        found = f"'{target.name}', which is evaluated without any"
        fields["selections"].fault("`selections` on a target with fine-tuning", found=found)
    return target if len(item.faults) == before else None


def _evaluation(fields: dict[str, Item], task: Task[Any]) -> dict[str, Any]:
    """What is evaluated, under which name and settings."""
    values: dict[str, Any] = {}
    if "name" in fields:
        values["name"] = label(fields["name"], "#@>")
    if "languages" in fields and fields["languages"].content != "all":
        values["languages"] = each(
            fields["languages"], "languages", lambda i: language(i, task), otherwise="all or "
        )
    if "split" in fields:
        values["split"] = split(fields["split"], task)
    if "examples" in fields:
        values["examples"] = fields["examples"].value(Whole)
    if "train" in fields:
        values["train"] = settings(fields["train"], TrainConfig)
    if "options" in fields:
        values["options"] = _options(fields["options"], task)
    return values


def _retrieval(fields: dict[str, Item], task: Task[Any], values: dict[str, Any]) -> None:
    """Layers, poolings and scores, which only a retrieval target has."""
    found = f"one for '{task.name}' ({task.kind})"
    for name in COMPARED:
        if name in fields and task.kind not in RETRIEVAL:
            fields[name].fault(f"`{name}` on a retrieval target only", found=found)
            return
    if "layers" in fields and fields["layers"].content != "all":
        values["layers"] = each(
            fields["layers"], "layers", lambda i: i.value(Natural), otherwise="all or "
        )
    for name, known in CHOICES.items():
        if name in fields:
            values[name] = each(fields[name], f"{name}s", partial(one_of, known=known))
    if "neighbours" in fields:
        values["neighbours"] = fields["neighbours"].value(Whole)


def _options(item: Item, task: Task[Any]) -> dict[str, str]:
    known = WORDS.get(task.kind, {})
    if not known:
        item.fault(f"no options, since a {task.kind} target has none")
        return {}
    fields = item.fields(known)
    return {name: one_of(value, known[name]) or "" for name, value in fields.items()}


def _completed(
    item: Item, task: Task[Any], values: dict[str, Any], recipe: Item | None, known: Tasks
) -> Target | None:
    """The target with its fine-tuning; None after a fault in it."""
    before = len(item.faults)
    if task.kind in RETRIEVAL and (recipe is None or recipe.content is False):
        values["fine_tuned"] = False  # the backbone as the stop left it
        if "train" in values:
            found = f"one for '{task.name}' ({task.kind})"
            item.fault("`train` on a fine-tuned target only", found=found)
    elif recipe is not None and recipe.content is False:
        recipe.fault(f"a task to fine-tune on, since a {task.kind} target needs a trained head")
    elif recipe is not None and recipe.content is not True:
        values["stages"] = chain(recipe, known)
        if values["stages"] and task.kind not in RETRIEVAL:
            _check_fit(recipe, task, values["stages"][-1], known)
    elif not task.train and task.train_split not in task.splits:
        what = f"`fine_tune:`, since '{task.name}' has no split '{task.train_split}'"
        item.fault(what, found="none")
    return Target(**values) if len(item.faults) == before and values["name"] else None


def _check_fit(item: Item, task: Task[Any], stage: Stage, known: Tasks) -> None:
    """The last stage must train the head that the target predicts with."""
    trained = [known.found[member.task] for member in stage.members]
    if any((t.kind, t.labels) == (task.kind, task.labels) for t in trained):
        return
    found = ", ".join(f"'{t.name}' ({_head(t)})" for t in trained) or "language modelling alone"
    item.fault(f"fine-tuning that ends with the head of '{task.name}' ({_head(task)})", found=found)


def _head(task: Task[Any]) -> str:
    return f"{task.kind}: {some(task.labels, 24)}" if task.labels else task.kind
