"""A task's schema on the hub, and its rows as examples.

`HubSource` is a schema: repository, configuration per language, splits, columns and their types
(the names of a ClassLabel in their order), and a function from rows to examples. `read` opens
parquet files with `datasets`, compares their features with the schema (drift must not become
wrong labels), and yields examples. Which files, of which commit, is `hub_files.py`'s business.

Schemas come from public documentation, see `HubSource.schema`; `verified` says whether one has
been compared with the live hub.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Generic, TypeAlias, TypeVar

from waystation.errors import DataError, UserError, suggest

E = TypeVar("E")
# "text", "integer", "number", "boolean"; a tuple of ClassLabel names; [item]; {column: feature}.
Feature: TypeAlias = "str | tuple[str, ...] | list[Feature] | dict[str, Feature]"

SCRIPTS: Final = "https://github.com/huggingface/datasets/blob/61258078bcb8/datasets"
"""The last commit at which the hub's documentation had every dataset's schema in one place."""


@dataclass(frozen=True, slots=True)
class Row:
    """One row: its number in the split from 1, its values (ClassLabels by name), its place."""

    number: int
    values: Mapping[str, Any]
    place: str

    def text(self, column: str) -> str:
        """A text that is not empty."""
        value = self.values[column]
        if not isinstance(value, str) or not value.strip():
            raise self.fault(f"expected text in the column '{column}', found {value!r}")
        return value

    def fault(self, message: str) -> DataError:
        """A DataError at this row."""
        return DataError(message, self.place, self.number)


@dataclass(frozen=True, kw_only=True)
class HubSource(Generic[E]):
    """A task's schema on the hub.

    `config` gives a language's configuration, None where the repository does not have it.
    `splits` maps the task's splits to the repository's (several are joined). `columns` are those
    that are read; others may be there. `read(rows, language, split)` yields the examples.
    """

    repository: str
    config: Callable[[str], str | None]
    splits: Mapping[str, str | tuple[str, ...]]
    columns: Mapping[str, Feature]
    read: Callable[[Iterable[Row], str, str], Iterable[E]]
    schema: str
    """Where public documentation gives the columns: under `SCRIPTS`, a dataset's folder."""
    absent: frozenset[tuple[str, str]] = frozenset()
    """Pairs of language and split that a configuration lacks."""
    verified: bool = False
    """Whether the schema was compared with the live hub."""
    notes: tuple[str, ...] = ()

    @property
    def card(self) -> str:
        """The address of the dataset card."""
        return f"https://huggingface.co/datasets/{self.repository}"

    @property
    def documented(self) -> str:
        """The address of the published schema."""
        return f"{SCRIPTS}/{self.schema}/dataset_infos.json"

    def names(self, split: str) -> tuple[str, ...]:
        """The repository's names of a split of the task, none where it does not have it."""
        found = self.splits.get(split, ())
        return (found,) if isinstance(found, str) else found

    def has(self, language: str, split: str) -> bool:
        """Whether the schema has this language and split; asks nobody."""
        there = self.config(language) is not None and bool(self.names(split))
        return there and (language, split) not in self.absent


# -- paths -----------------------------------------------------------------------------------------


def shown(path: Path) -> str | None:
    """`hf://datasets/owner/name@commit/file` of a file in the hub's cache, None for any other."""
    parts = path.parts
    for place, part in enumerate(parts[:-3]):
        if part.startswith("datasets--") and parts[place + 1] == "snapshots":
            repository = part.removeprefix("datasets--").replace("--", "/", 1)
            file = "/".join(parts[place + 3 :])
            return f"hf://datasets/{repository}@{parts[place + 2]}/{file}"
    return None


def pinned(paths: Iterable[str]) -> dict[str, list[str]]:
    """The commits of each repository in paths as `shown` writes them; others are passed over."""
    found: dict[str, list[str]] = {}
    for path in paths:
        if path.startswith("hf://datasets/"):
            repository, _, rest = path.removeprefix("hf://datasets/").partition("@")
            commits = found.setdefault(repository, [])
            commits += [commit for commit in [rest.partition("/")[0]] if commit not in commits]
    return found


# -- rows ------------------------------------------------------------------------------------------


def read(source: HubSource[E], files: Sequence[Path], language: str, split: str) -> Iterable[E]:
    """The examples of parquet files, after their features were found to be the schema's."""
    try:
        import datasets
    except ImportError as error:
        raise UserError(
            f"expected the Python package `datasets` to read {source.repository} from the hub,"
            " found it missing; install it (pip install datasets), or pass --data DIR with the"
            " official files."
        ) from error
    datasets.disable_progress_bars()
    place = shown(files[0]) or str(files[0])
    try:
        table = datasets.Dataset.from_parquet([str(file) for file in files])
    except (ValueError, OSError, datasets.exceptions.DatasetGenerationError) as error:
        raise DataError(
            f"expected readable parquet files with one schema, found {type(error).__name__}; delete"
            " the repository's folder in the hub's cache and run again",
            place,
        ) from error
    found = described(table.features)
    _check_columns(source, found, place)
    table = table.select_columns(list(source.columns))
    names = {column: found[column] for column in source.columns}
    rows = (
        Row(number, {c: _named(value, names[c]) for c, value in values.items()}, place)
        for number, values in enumerate(table, 1)
    )
    yield from source.read(rows, language, split)


_KINDS: Final = (
    ("text", ("string", "large_string", "string_view")),
    ("integer", ("int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64")),
    ("number", ("float16", "float32", "float64")),
    ("boolean", ("bool",)),
)


def described(features: Any) -> Any:
    """The features of `datasets` in this module's notation."""
    if isinstance(features, dict):
        return {name: described(feature) for name, feature in features.items()}
    if isinstance(features, list):
        return [described(features[0])]
    if hasattr(features, "names"):
        return tuple(features.names)
    if hasattr(features, "feature"):
        return [described(features.feature)]
    kind = getattr(features, "dtype", type(features).__name__)
    return next((ours for ours, theirs in _KINDS if kind in theirs), str(kind))


def _check_columns(source: HubSource[Any], found: Mapping[str, Any], place: str) -> None:
    for column, expected in source.columns.items():
        if column not in found:
            raise DataError(
                f"expected the column '{column}' ({in_words(expected)}), found"
                f" {', '.join(found)}.{suggest(column, found)} {_advice(source)}",
                place,
            )
        if not _fits(found[column], expected):
            raise DataError(
                f"expected the column '{column}' to be {in_words(expected)}, found"
                f" {in_words(found[column])}; labels would be wrong. {_advice(source)}",
                place,
            )


def _advice(source: HubSource[Any]) -> str:
    """What to do about another column; one that the user's own study names has no schema."""
    if not source.schema:
        return "Correct `column:` in the study"
    return (
        f"The dataset has changed since its schema was written down (see {source.card}): pass"
        " --data DIR with the official files, and report it"
    )


def _fits(found: Any, expected: Any) -> bool:
    """Equality, but for parts of a record that are not read."""
    if isinstance(expected, dict):
        inside = isinstance(found, dict) and set(expected) <= set(found)
        return inside and all(_fits(found[name], part) for name, part in expected.items())
    if isinstance(expected, list):
        return isinstance(found, list) and _fits(found[0], expected[0])
    return bool(found == expected)


def in_words(feature: Any) -> str:
    """A feature as the table of tasks and the messages show it."""
    if isinstance(feature, tuple):
        return f"labels {', '.join(feature)}"
    if isinstance(feature, list):
        return f"a list of {in_words(feature[0])}"
    if isinstance(feature, dict):
        return "{" + ", ".join(f"{name}: {in_words(f)}" for name, f in feature.items()) + "}"
    return str(feature)


def _named(value: Any, feature: Any) -> Any:
    """A value with ClassLabel numbers as names; -1 and null, which stand for no gold, are None."""
    if isinstance(feature, tuple):
        return None if value is None or value < 0 else feature[value]
    if isinstance(feature, list) and value is not None:
        return [_named(item, feature[0]) for item in value]
    if isinstance(feature, dict) and value is not None:
        return {name: _named(item, feature[name]) for name, item in value.items()}
    return value
