"""From a study file to a `Study`: every form that the YAML may take, and every fault at once.

The surface is small and closed: an entry of `intermediate` is a name, a mapping with `task:`,
`mix:` or `mlm:`, or a list of those, which `{name: ..., chain: [...]}` gives a name;
`study_targets.py` reads the targets. No data is read.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field

from waystation.document import Item, parse
from waystation.errors import StudyFaults, suggest
from waystation.settings import Numerics, Resources, TrainConfig
from waystation.study import BASELINE, Partial, Stage, Stop, Study, TaskUse
from waystation.study_parts import UNDER_TRAIN, Tasks, each, label, model_name, one_of, settings
from waystation.study_stages import chain
from waystation.study_targets import targets
from waystation.study_text import probes
from waystation.task import MIXTURES, Task

Seed = Annotated[int, Field(ge=0, le=2**32 - 1)]


def read(path: Path) -> Study:
    """The study of a file; raises StudyFaults with every fault of it."""
    root = parse(path)
    known = Tasks(path.parent)
    fields = root.fields(
        (
            *("name", "backbones", "seeds", "intermediate", "targets"),
            *("train", "recipes", "overrides", "probes", "numerics", "resources"),
        ),
        UNDER_TRAIN,
    )
    values: dict[str, Any] = {"path": path, "name": path.stem}
    if "name" in fields:
        values["name"] = label(fields["name"])
    if "backbones" in fields:
        values["backbones"] = each(
            fields["backbones"], "backbones", lambda i: model_name(i, path.parent)
        )
    if "seeds" in fields:
        values["seeds"] = each(fields["seeds"], "seeds", lambda i: i.value(Seed))
    values["intermediate"] = _stops(fields.get("intermediate"), known)
    if "targets" in fields:
        values["targets"] = targets(fields["targets"], known)
    else:
        root.say("expected `targets:`, a list of tasks to evaluate, found none.")
    for key, model in (("train", TrainConfig), ("numerics", Numerics), ("resources", Resources)):
        if key in fields:
            values[key] = settings(fields[key], model)
    if "recipes" in fields:
        values["recipes"] = one_of(fields["recipes"], ("study", "official")) or "study"
    if "overrides" in fields:
        values["overrides"] = _overrides(fields["overrides"], known)
    if "probes" in fields:
        values["probes"] = probes(fields["probes"], known)
    if not root.faults:  # a stop with a fault has no name yet
        _check_sizes(root, values["intermediate"])
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
    names = [_use_name(member, known.found[member.task]) for member in stage.members]
    return "+".join([*names, *(["mlm"] if stage.mlm else [])])


def _use_name(member: TaskUse, task: Task[Any]) -> str:
    if member.translate is not None:
        return f"{task.name}.{member.translate.to}-mt"
    other = member.language != task.source_language
    return f"{task.name}.{member.language}" if other else task.name


def _check_sizes(root: Item, stops: Sequence[Stop]) -> None:
    """A fault for each `like:` that names no stop, or a stop whose size depends on itself.

    The number itself is known when the data has been read, see `resolve.py`.
    """
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
