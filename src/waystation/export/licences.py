"""Licences on a model card: what the tasks and the backbone state, and what that restricts.

Nothing here is legal advice, and the card says so: it repeats statements and names those that
exclude commercial use, pass on terms, or are not said.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from waystation.export.facts import Facts, trained_on, unique
from waystation.report.numbers import listing

LICENCES: Final = {
    "MIT": "mit",
    "Apache-2.0": "apache-2.0",
    "CC BY 4.0": "cc-by-4.0",
    "CC BY-SA 4.0": "cc-by-sa-4.0",
    "CC BY-NC 4.0": "cc-by-nc-4.0",
}
"""Licences as models state them -> the hub's names; others are `other` there."""

_NON_COMMERCIAL: Final = re.compile(r"\bNC\b|non-?commercial", re.IGNORECASE)
_NOT_SAID: Final = re.compile(r"^$|^see |terms|^per |and others", re.IGNORECASE)
_RESTRICTED_MODEL: Final = re.compile(r"gemma|llama|rail|terms|\bNC\b|non-?comm", re.IGNORECASE)


def licence_of(facts: Facts) -> tuple[str, str | None]:
    """The hub's name of a licence; `other` with a name of ours where restrictions meet."""
    base = str(facts.subject.source["licence"])
    if any(_NON_COMMERCIAL.search(task.licence) for task in trained_on(facts)):
        return "other", "non-commercial-training-data"
    if base in LICENCES:
        return LICENCES[base], None
    return ("gemma", None) if "gemma" in base.lower() else ("other", "see-base-model")


def consequences(facts: Facts) -> Iterator[str]:
    """What the licences mean for the model, as far as one can say without being a lawyer."""
    base, trained = str(facts.subject.source["licence"]), trained_on(facts)
    if _RESTRICTED_MODEL.search(base):
        yield (
            f"**The backbone is under {base}: these weights are a derivative of it, so its terms"
            " and use restrictions pass on to them and to whoever receives them.**"
        )
    elif _NOT_SAID.search(base):
        yield f"The backbone's licence is not known here ({base}); it holds for these weights too."
    closed = [t for t in trained if _NON_COMMERCIAL.search(t.licence)]
    if closed:
        names = listing([f"{t.name} ({t.licence})" for t in closed])
        verb = "excludes" if len(closed) == 1 else "exclude"
        yield (
            f"**Trained on {names}, which {verb} commercial use: take this model as"
            " non-commercial unless you have cleared that use yourself.** Whether weights inherit"
            " the terms of training data is not settled; this is no legal advice."
        )
    unclear = [t for t in trained if _NOT_SAID.search(t.licence) and t not in closed]
    if unclear:
        names = listing([f"{t.name} ({t.licence or 'not stated'})" for t in unclear])
        yield f"No single licence is stated for {names}; read its terms before you pass this on."
    if not closed and not unclear and trained:
        yield "No training data here excludes commercial use; attribution and share-alike remain."
    tested = [facts.tasks[p.task] for p in facts.parts if p.task not in {t.name for t in trained}]
    apart = unique(f"{t.name} ({t.licence})" for t in tested if _NON_COMMERCIAL.search(t.licence))
    if apart:
        yield f"{listing(apart)}, non-commercial data, served for evaluation alone."
