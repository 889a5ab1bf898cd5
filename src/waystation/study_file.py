"""From a study file to a `Study`: every form that the YAML may take, and every fault at once.

The surface is small and closed: an entry of `intermediate` is a name, a mapping with `task:` or
`mix:`, or a list of those (a chain); a target is a name, a mapping with `task:` or `benchmark:`
(which stands for its tasks), or own data.
Keys of later versions are answered as such. No data is read.
"""

from __future__ import annotations

import re
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Annotated, Any, Final

from pydantic import Field

from waystation.benchmarks import BENCHMARKS
from waystation.document import Item, parse
from waystation.errors import StudyFaults, suggest
from waystation.settings import Numerics, Resources, TrainConfig
from waystation.study import BASELINE, Partial, Stage, Stop, Study, Target, TaskUse
from waystation.study_parts import (
    LATER,
    RETRIEVAL,
    Natural,
    Tasks,
    Whole,
    chain,
    each,
    is_own,
    label,
    language,
    named_task,
    own_data,
    own_name,
    settings,
    split,
)
from waystation.task import MIXTURES, Task

OPTIONS: Final[dict[str, dict[str, tuple[str, ...]]]] = {
    "tagging": {"first_piece": ("first", "non-empty"), "windows": ("shared", "official")},
    "span": {"windows": ("shared", "official")},
}
"""Options of a target's head, by kind, with their values."""
CHOICES: Final[dict[str, tuple[str, ...]]] = {
    "pooling": ("mean", "cls", "words"),
    "scoring": ("cosine", "ratio", "distance"),
}
"""What a retrieval target may compare."""
Seed = Annotated[int, Field(ge=0, le=2**32 - 1)]


def read(path: Path) -> Study:
    """The study of a file; raises StudyFaults with every fault of it."""
    root = parse(path)
    known = Tasks(path.parent)
    fields = root.fields(
        (
            *("name", "backbones", "seeds", "intermediate", "targets"),
            *("train", "recipes", "overrides", "numerics", "resources"),
        ),
        LATER,
    )
    values: dict[str, Any] = {"path": path, "name": path.stem}
    if "name" in fields:
        values["name"] = label(fields["name"])
    if "backbones" in fields:
        values["backbones"] = each(fields["backbones"], "backbones", lambda i: _backbone(i, path))
    if "seeds" in fields:
        values["seeds"] = each(fields["seeds"], "seeds", lambda i: i.value(Seed))
    values["intermediate"] = _stops(fields.get("intermediate"), known)
    if "targets" in fields:
        values["targets"] = _targets(fields["targets"], known)
    else:
        root.say("expected `targets:`, a list of tasks to evaluate, found none.")
    for key, model in (("train", TrainConfig), ("numerics", Numerics), ("resources", Resources)):
        if key in fields:
            values[key] = settings(fields[key], model)
    if "recipes" in fields:
        values["recipes"] = _one_of(fields["recipes"], ("study", "official")) or "study"
    if "overrides" in fields:
        values["overrides"] = _overrides(fields["overrides"], known)
    if root.faults:
        raise StudyFaults([text for _, _, text in sorted(root.faults)])
    return Study.model_validate(values)


def _overrides(item: Item, known: Tasks) -> dict[str, Partial]:
    if not isinstance(item.content, dict):
        item.fault("a mapping from task names to settings")
        return {}
    for name, value in item.content.items():
        known.look_up(value, name)
    return {name: settings(value, TrainConfig) for name, value in item.content.items()}


def _backbone(item: Item, study: Path) -> str | None:
    from waystation.packaged import PACKAGED

    what = "a packaged model, a folder, or a hub id written owner/name"
    name = item.text(what)
    if name is None or name in PACKAGED or (study.parent / name).is_dir():
        return name
    if re.fullmatch(r"[A-Za-z0-9][\w.-]*/[\w.-]+", name):
        return name
    item.fault(f"{what} (packaged: {', '.join(PACKAGED)})", suggest(name, PACKAGED))
    return None


def _stops(item: Item | None, known: Tasks) -> tuple[Stop, ...]:
    """The baseline, then the others in the file's order."""
    stops: list[Stop] = [Stop(name=BASELINE)]
    lines: dict[str, int] = {}
    for entry in item.items("stops") if item is not None else []:
        stop = _stop(entry, known)
        if stop is None:
            continue
        twin = next((s for s in stops if s.stages == stop.stages and s.name in lines), None)
        if twin is not None:
            entry.fault("each stop once", found=f"'{stop.name}' again (line {lines[twin.name]})")
        elif stop.name in lines or (stop.name == BASELINE and stop.stages):
            taken = f"also on line {lines[stop.name]}" if stop.name in lines else "the baseline's"
            hint = " Give one of them `name:`."
            entry.fault("a name of its own for each stop", hint, f"'{stop.name}', {taken}")
        else:
            lines[stop.name] = entry.line
            stops += [stop] if stop.stages else []
    return tuple(stops)


def _stop(item: Item, known: Tasks) -> Stop | None:
    if item.content == BASELINE:
        return Stop(name=BASELINE)
    stages = chain(item, known, ("name",))
    given = item.content.get("name") if isinstance(item.content, dict) else None
    if given is not None:
        name = label(given)
    else:
        name = ">".join(_stage_name(stage, known) for stage in stages or ())
    return Stop(name=name, stages=stages) if stages and name else None


def _stage_name(stage: Stage, known: Tasks) -> str:
    """What a stage is called where the file gives no name: `snli+commonsenseqa`, `xnli.de`."""
    plain = stage.model_copy(update={"train": {}})
    for name, tasks in MIXTURES.items():
        if plain == Stage(members=tuple(TaskUse(task=task) for task in tasks)):
            return name
    return "+".join(_use_name(member, known.found[member.task]) for member in stage.members)


def _use_name(member: TaskUse, task: Task[Any]) -> str:
    other = member.language != task.source_language
    return f"{task.name}.{member.language}" if other else task.name


def _targets(item: Item, known: Tasks) -> tuple[Target, ...]:
    lines: dict[str, int] = {}
    targets = []
    for entry, target in ((e, t) for e in item.items("targets") for t in _expanded(e, known)):
        if target.name in lines:
            found = f"'{target.name}', also on line {lines[target.name]}"
            hint = " Give one of them `name:`."
            entry.fault("a name of its own for each target", hint, found)
            continue
        lines[target.name] = entry.line
        targets.append(target)
    return tuple(targets)


def _expanded(item: Item, known: Tasks) -> list[Target]:
    """The targets of one entry: one, or those of a benchmark's tasks."""
    if isinstance(item.content, dict) and "benchmark" in item.content:
        return _of_benchmark(item, known)
    target = _target(item, known)
    return [] if target is None else [target]


def _of_benchmark(item: Item, known: Tasks) -> list[Target]:
    """One target per task, in the benchmark's languages, each under the task's name."""
    compared = ("layers", *CHOICES, "neighbours")
    fields = item.fields(("benchmark", "tasks", "languages", "examples", *compared), LATER)
    before = len(item.faults)
    name = _one_of(fields["benchmark"], tuple(BENCHMARKS))
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
        # As officially, also where a bare retrieval target takes the model as it is.
        recipe = replace(item, content=True) if task.train else None
        targets.append(_completed(item, task, values, recipe, known))
    given = next((option for option in compared if option in fields), None)
    if targets and retrieval is None and given is not None:
        fields[given].fault(f"`{given}` beside a retrieval task only", found=", ".join(chosen))
    return [t for t in targets if t is not None] if len(item.faults) == before else []


def _listed(item: Item | None, what: str, every: tuple[str, ...]) -> tuple[str, ...]:
    """Some of the names that a benchmark has, or all of them."""
    if item is None or item.content == "all":
        return every
    return each(item, what, partial(_one_of, known=every), otherwise="all or ")


def _target(item: Item, known: Tasks) -> Target | None:
    if isinstance(item.content, str):
        task = known.look_up(item, item.content)
        plain: dict[str, Any] = {"name": task.name if task else "", "task": item.content}
        return _completed(item, task, plain, None, known) if task else None
    names = ("languages", "split", "examples", "fine_tune", "options", "train")
    before = len(item.faults)
    values: dict[str, Any]
    if is_own(item):
        own, fields = own_data(item, known, names)
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
        compared = ("layers", "pooling", "scoring", "neighbours")
        fields = item.fields(("task", "name", *compared, *names), LATER)
        task = named_task(item, fields, known)
        if task is None:
            return None
        values = {"task": fields["task"].content}
    values |= {"name": task.name} | _evaluation(fields, task)
    _retrieval(fields, task, values)
    target = _completed(item, task, values, fields.get("fine_tune"), known)
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
    for name in ("layers", "pooling", "scoring", "neighbours"):
        if name in fields and task.kind not in RETRIEVAL:
            fields[name].fault(f"`{name}` on a retrieval target only", found=found)
            return
    if "layers" in fields and fields["layers"].content != "all":
        values["layers"] = each(
            fields["layers"], "layers", lambda i: i.value(Natural), otherwise="all or "
        )
    for name, known in CHOICES.items():
        if name in fields:
            values[name] = each(fields[name], f"{name}s", partial(_one_of, known=known))
    if "neighbours" in fields:
        values["neighbours"] = fields["neighbours"].value(Whole)


def _one_of(item: Item, known: tuple[str, ...]) -> str | None:
    if item.content in known:
        return str(item.content)
    item.fault(f"one of {', '.join(known)}", suggest(str(item.content), known))
    return None


def _options(item: Item, task: Task[Any]) -> dict[str, str]:
    known = OPTIONS.get(task.kind, {})
    if not known:
        item.fault(f"no options, since a {task.kind} target has none")
        return {}
    fields = item.fields(known)
    for name, value in fields.items():
        if value.content not in known[name]:
            hint = suggest(str(value.content), known[name])
            value.fault(f"one of {', '.join(known[name])}", hint)
    return {name: str(value.content) for name, value in fields.items()}


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
    found = ", ".join(f"'{t.name}' ({_head(t)})" for t in trained)
    item.fault(f"fine-tuning that ends with the head of '{task.name}' ({_head(task)})", found=found)


def _head(task: Task[Any]) -> str:
    return f"{task.kind}: {', '.join(task.labels)}" if task.labels else task.kind
