"""The `probes:` of a study file: what is measured of every stop to see what it forgot.

Each fault is recorded at its line; no data is read. What is measured lies in `probes.py`.
"""

from __future__ import annotations

from functools import partial
from typing import Any

from waystation.document import Item
from waystation.errors import UserError, suggest
from waystation.languages import check_tag
from waystation.study import Probes
from waystation.study_parts import UNDER_TRAIN, Natural, Tasks, Whole, each
from waystation.study_text import text_language, text_use
from waystation.task import Task

ENGLISH = "en"


def probes(item: Item, known: Tasks) -> Probes | None:
    """The probes, or None after a fault."""
    before = len(item.faults)
    fields = item.fields(tuple(Probes.model_fields), UNDER_TRAIN)
    values: dict[str, Any] = {}
    task = _parallel(fields, known, item)
    if "text" in fields:
        what = "texts (tasks, files or hub data sets)"
        values["text"] = each(fields["text"], what, lambda i: text_use(i, known))
    if "parallel" in fields:
        values["parallel"] = fields["parallel"].content
    if "languages" in fields:
        one = partial(_language, task=task)
        values["languages"] = each(fields["languages"], "languages", one)
        entries = fields["languages"].content
        for entry in entries if isinstance(entries, list) and values.get("text") else []:
            if entry.content in values["languages"]:
                text_language(entry, values["text"], known)
        if values["languages"] == (ENGLISH,):
            fields["languages"].fault("a language beside English, which bitexts are aligned with")
    elif isinstance(item.content, dict):
        item.fault("`languages:`, a list of language tags to probe", found="none")
    if "examples" in fields:
        values["examples"] = fields["examples"].value(Whole)
    if "layers" in fields and fields["layers"].content != "all":
        values["layers"] = each(
            fields["layers"], "layers", lambda i: i.value(Natural), otherwise="all or "
        )
    return Probes(**values) if len(item.faults) == before else None


def _parallel(fields: dict[str, Item], known: Tasks, item: Item) -> Task[Any] | None:
    """The task of parallel sentences; anything else is a fault."""
    place = fields.get("parallel", item)
    name = Probes.model_fields["parallel"].default
    if "parallel" in fields:
        name = place.text("the name of a task of parallel sentences")
    task = known.look_up(place, name) if name is not None else None
    if task is not None and task.kind != "bitext":
        found = f"'{task.name}' ({task.kind})"
        place.fault("a task of parallel sentences (bitext)", found=found)
        return None
    return task


def _language(item: Item, task: Task[Any] | None) -> str | None:
    """A language to probe: English, or one of the parallel task's."""
    tag = item.text("a language tag such as de")
    if tag is None or task is None or tag == ENGLISH or tag in task.languages:
        return tag
    try:
        check_tag(tag)
    except UserError as error:
        item.say(str(error))
        return None
    tags = ", ".join(task.languages)
    item.fault(f"a language of {task.name} ({tags})", suggest(tag, task.languages))
    return None
