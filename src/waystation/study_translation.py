"""`translate: {to: de, with: MODEL}` in a study file, and which tasks sentences can carry over.

Whether the model has the two languages is known when its files are read, see translations.py.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

from waystation.document import Item
from waystation.errors import UserError
from waystation.languages import check_tag
from waystation.study import Translate
from waystation.study_parts import model_name
from waystation.task import Task

REFUSED: Final = {
    "tagging": "the words of a translation would not line up with its tags",
    "bitext": "it is parallel text already",
    "query": "the candidates that its queries search are not translated with them",
    "text": "its completions may be code or numbers, which no translation keeps",
    "lm": "text in the language itself serves better",
    "code": "code has no translation",
}
"""Why tasks of other kinds are not translated sentence by sentence, by kind."""


def translation(item: Item, task: Task[Any], source: str, folder: Path) -> Translate | None:
    """What a use of a task says of its translation; `folder` is the study's."""
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
        values["to"] = _language(fields["to"], source)
    if "with" in fields:
        values["model"] = model_name(fields["with"], folder)
    for name in ("beams", "max_tokens"):
        if name in fields:
            info = Translate.model_fields[name]
            values[name] = fields[name].value(info.rebuild_annotation())
    return Translate(**values) if len(item.faults) == before else None


def _language(item: Item, source: str) -> str | None:
    tag = item.text("a language tag such as de")
    if tag is None:
        return None
    try:
        check_tag(tag)
    except UserError as error:
        item.say(str(error))
        return None
    if tag == source:
        item.fault(f"another language than that of the examples ({source})")
    return tag
