"""Forgetting probes: what is measured of a stop's model to see what its training cost.

Retrieval of translations among parallel sentences, which needs no head, and the loss of the
language model's own output layer, where the checkpoint ships one: an untrained layer would
measure nothing but itself, and one that a stage has trained from the start is no measure of what
the backbone knew. Masks are a function of each line, so that every stage is asked the same. Both
are predict and score steps like any target's, so that equal ones are shared: pinned here for the
lock, planned in `plan.py`, gathered in `results.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final, cast

from waystation import mlm
from waystation.corpora import Corpora
from waystation.errors import UserError
from waystation.examples import JSON, to_json
from waystation.study import Probes, Target
from waystation.tasks import lines

RETRIEVAL: Final = "retrieval"
LOSS: Final = "loss"
ENGLISH: Final = "en"
LINES: Final = "waystation.tasks.lines:LINES"
MASKED: Final = 0.15
"""Share of tokens that an encoder predicts."""
NO_OUTPUT: Final = (
    "its checkpoint ships no output layer for language modelling, and an untrained one would"
    " measure nothing but itself, so that retrieval alone is probed."
)
TWO_SIDED: Final = (
    "an encoder-decoder has no loss of single sentences that is not a translation's, so that"
    " retrieval alone is probed."
)


def pinned(
    probes: Probes,
    lock: Mapping[str, Any],
    old: Mapping[str, Any],
    target_of: Callable[[Target], JSON],
    corpora: Corpora,
) -> JSON:
    """The lock's part: probes as targets that nothing is fine-tuned for.

    `old` is the lock before, whose word on equal backbones is taken.
    """
    retrieval = Target(
        name=RETRIEVAL,
        task=probes.parallel,
        languages=tuple(tag for tag in probes.languages if tag != ENGLISH),
        examples=probes.examples,
        fine_tuned=False,
        layers=probes.layers,
    )
    first = cast("dict[str, JSON]", target_of(retrieval))
    measured: list[JSON] = [first]
    unmeasured: dict[str, JSON] = {}
    if probes.text:
        entries: dict[str, JSON] = {
            tag: corpora.entry(probes.text, tag, examples=probes.examples)
            for tag in probes.languages
        }
        known = old.get("probes", {})
        groups: dict[str, list[JSON]] = {}
        for name, source in lock["backbones"].items():
            same = old.get("backbones", {}).get(name, {}).get("digest") == source["digest"]
            why = _unable(name, source, known if same else {}, corpora.beside)
            if why:
                unmeasured[name] = why
            else:
                groups.setdefault(source["architecture"], []).append(name)
        for architecture, names in groups.items():
            head = to_json(mlm.head(architecture, MASKED))
            measured.append(_loss(first, entries, names, head))
    return {"measured": measured, "unmeasured": unmeasured}


def _loss(
    like: Mapping[str, JSON], entries: dict[str, JSON], names: list[JSON], head: JSON
) -> JSON:
    """The loss on lines as a target of some backbones."""
    return {
        "name": LOSS,
        "task": lines.LINES.name,
        "ref": {"task": LINES, "own": None},
        "version": lines.LINES.version,
        "head": head,
        "fine_tuned": False,
        "source_language": ENGLISH,
        "stages": [],
        "max_tokens": like["max_tokens"],
        "stride": like["stride"],
        "evaluate": entries,
        "backbones": names,
    }


def _unable(name: str, source: Mapping[str, Any], known: Mapping[str, Any], beside: Path) -> str:
    """Why a backbone's language-model loss cannot be probed; "" where it can."""
    if source["architecture"] == "encoder-decoder":
        return TWO_SIDED
    if any(name in probe.get("backbones", ()) for probe in known.get("measured", ())):
        return ""
    if name in known.get("unmeasured", {}):
        return str(known["unmeasured"][name])
    try:
        output = source.get("output") or mlm.output(name, beside)
    except UserError as error:  # no mask token, for one
        return str(error)
    return "" if output == mlm.SHIPPED else NO_OUTPUT
