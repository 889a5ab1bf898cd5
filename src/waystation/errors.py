"""The errors that a user can meet, and the one sentence each of them owes.

A message says what was expected, what was found and where, and what to do. The command line
prints it without a traceback: `UserError` exits with status 2 (the input is wrong), every other
`WaystationError` with status 1 (the work failed). Programming mistakes stay plain exceptions.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from pathlib import Path


class WaystationError(Exception):
    """Base of every error that is reported as a sentence."""


class UserError(WaystationError):
    """The user's input is wrong: a study, an option, a name."""


class DataError(UserError):
    """A data file is not what its format promises.

    Says `path:line: message`; `line` counts from 1 and is left out where it has no meaning.
    """

    def __init__(self, message: str, path: Path | str, line: int | None = None) -> None:
        self.path, self.line = str(path), line
        where = f"{path}:{line}" if line is not None else f"{path}"
        super().__init__(f"{where}: {message}")


class ModelError(UserError):
    """A backbone cannot be had, is damaged, or cannot do what a head asks of it."""


class StudyFaults(UserError):
    """Every fault of a study file, reported together; each already names file, line and path."""

    def __init__(self, faults: Sequence[str]) -> None:
        self.faults = tuple(faults)
        super().__init__("\n".join(self.faults))


class LockMismatch(UserError):
    """A study's lock no longer matches its data, models or settings."""


class StoreError(WaystationError):
    """The store cannot be read or written: no space, no permission, damaged contents."""


class StepFailed(WaystationError):
    """One step's own work failed; the rest of the study goes on."""


def shown(text: str, most: int = 60) -> str:
    """Someone's text within a message: shortened, on one line, invisible characters escaped."""
    cut = text if len(text) <= most else f"{text[:most]}…"
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in cut)


def some(names: Iterable[str], most: int = 12) -> str:
    """Names within a message: the first ones, and how many more there are."""
    all_ = list(names)
    more = f" and {len(all_) - most} more" if len(all_) > most else ""
    return ", ".join(all_[:most]) + more


def suggest(name: str, choices: Iterable[str]) -> str:
    """` Did you mean 'x'?` for the nearest known name, else an empty string."""
    close = difflib.get_close_matches(name, list(choices), n=1, cutoff=0.6)
    return f" Did you mean '{close[0]}'?" if close else ""
