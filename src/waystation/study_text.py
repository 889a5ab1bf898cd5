"""The `mlm:` and `probes:` of a study file: training on unlabelled text, and measuring on it.

What is trained and measured lies in `mlm.py` and `probes.py`. Each fault is recorded at its line.
No data is read, but the user's files are looked for.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Final

from waystation.document import Item
from waystation.errors import suggest
from waystation.study import Mlm, Probes, TextUse
from waystation.study_parts import UNDER_TRAIN, Natural, Tasks, Whole, each, language, split, tag_of
from waystation.task import Task
from waystation.tasks.lines import LANGUAGE, file_of

PLAIN: Final = ("share", "smoothing", "batches", "masked", "examples")
ENGLISH: Final = "en"


def mlm(item: Item, known: Tasks, alone: bool) -> Mlm | None:
    """Language modelling beside tasks, or `alone`; None after a fault."""
    before = len(item.faults)
    fields = item.fields(tuple(Mlm.model_fields))
    values: dict[str, Any] = {}
    for name in ("text", "languages"):
        if isinstance(item.content, dict) and name not in fields:
            what = {
                "text": "a list of tasks, files or hub data sets",
                "languages": "a list of tags",
            }
            item.fault(f"`{name}:`, {what[name]}", found="none")
    if "text" in fields:
        values["text"] = each(
            fields["text"], "texts (tasks, files or hub data sets)", lambda i: text_use(i, known)
        )
    if "languages" in fields:
        uses = values.get("text", ())
        values["languages"] = each(
            fields["languages"], "languages", lambda i: text_language(i, uses, known)
        )
        _check_texts(fields, values)
    for name in PLAIN:
        if name in fields:
            values[name] = fields[name].value(_type_of(name))
    _check_share(fields, values, alone)
    if len(item.faults) > before:
        return None
    return Mlm(**values | ({"share": 1.0} if alone else {}))


def _type_of(name: str) -> Any:
    info = Mlm.model_fields[name]
    return Annotated[info.annotation, info] if info.metadata else info.annotation


def _check_texts(fields: Mapping[str, Item], values: Mapping[str, Any]) -> None:
    """A path is one file, which cannot be the text of several languages."""
    for use in values.get("text", ()) if len(values["languages"]) > 1 else ():
        if use.files and LANGUAGE not in use.files:
            what = f"`{LANGUAGE}` in a path that stands for several languages"
            fields["text"].fault(what, found=f"'{use.files}'")


def _check_share(fields: Mapping[str, Item], values: Mapping[str, Any], alone: bool) -> None:
    share = values.get("share")
    if not alone and share == 1:
        hint = " Leave the tasks out for language modelling alone."
        fields["share"].fault("a share below 1 beside tasks", hint)
    if alone and share not in (None, 1):
        fields["share"].fault("`share` beside tasks only, since this stage has none")
    if alone and values.get("batches") == "mixed":
        fields["batches"].fault("mixed batches beside tasks only, since this stage has none")


def text_use(item: Item, known: Tasks) -> TextUse | None:
    """A source of text: a task's name, or a mapping with `task:`, `files:` or `hub:`."""
    if isinstance(item.content, str) and item.content.endswith((".txt", LANGUAGE)):
        hint = f" A file is written `{{files: {item.content}}}`."
        item.fault("the name of a task as the source of text", hint)
        return None
    if isinstance(item.content, str):
        task = known.look_up(item, item.content)
        return TextUse(task=item.content) if task else None
    before = len(item.faults)
    fields = item.fields(("task", "split", "files", "hub", "config", "column"))
    kinds = [name for name in ("task", "files", "hub") if name in fields]
    if isinstance(item.content, dict) and len(kinds) != 1:
        found = " and ".join(kinds) or "none of them"
        item.fault("one of `task:`, `files:` and `hub:` as the source of text", found=found)
    if len(kinds) != 1:
        return None
    values: dict[str, Any] = {}
    for name in ("files", "hub", "config", "column"):
        if name in fields:
            values[name] = fields[name].text(_WHAT[name])
    if kinds == ["task"]:
        named = fields["task"].text("the name of a task")
        task = known.look_up(fields["task"], named) if named is not None else None
        values["task"] = named
        if "split" in fields:
            values["split"] = split(fields["split"], task)
    elif "split" in fields:
        values["split"] = fields["split"].text("a split such as train")
        if kinds == ["files"]:
            fields["split"].fault("`split` with a task or a hub data set only")
    for name in ("config", "column"):
        if name in fields and kinds != ["hub"]:
            fields[name].fault(f"`{name}` with a hub data set only")
    if kinds == ["hub"] and values["hub"] and values["hub"].count("/") != 1:
        fields["hub"].fault(_WHAT["hub"])
    return TextUse(**values) if len(item.faults) == before and None not in values.values() else None


_WHAT: Final = {
    "files": f"a path, with {LANGUAGE} in it where there are several languages",
    "hub": "a data set on the hub, written owner/name",
    "config": f"a configuration's name, with {LANGUAGE} in it where it has the tag",
    "column": "the name of a column",
}


def text_language(item: Item, uses: tuple[TextUse, ...], known: Tasks) -> str | None:
    """A language that some source has text in."""
    tag = tag_of(item)
    if tag is None:
        return None
    lacking = []
    for use in uses:
        missing = _lacks(use, tag, known)
        if missing is None:
            return tag
        lacking.append(missing)
    if uses:
        tags = [t for use in uses if use.task for t in known.found[use.task].languages]
        what = f"a language with text for language modelling ({'; '.join(lacking)})"
        item.fault(what, suggest(tag, tags) or " Correct `text`, or leave the language out.")
    return tag if not uses else None


def _lacks(use: TextUse, tag: str, known: Tasks) -> str | None:
    """Why a source has no text in a language; None where it has, or may have."""
    if use.hub:
        return None
    if use.files:
        path = file_of(use.files, tag, known.folder)
        return None if path.is_file() else f"no file {path}"
    task: Task[Any] = known.found[use.task]
    if tag in task.languages or (task.kind == "bitext" and tag == "en"):
        return None
    shown = ", ".join(task.languages[:12]) + (" ..." if len(task.languages) > 12 else "")
    return f"{task.name} has {shown}"


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
        values["languages"] = each(
            fields["languages"],
            "languages",
            lambda i: ENGLISH if i.content == ENGLISH else language(i, task),
        )
        entries = fields["languages"].content
        for entry in entries if isinstance(entries, list) and values.get("text") else []:
            if entry.content in values["languages"]:
                text_language(entry, values["text"], known)
        _check_texts(fields, values)
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
