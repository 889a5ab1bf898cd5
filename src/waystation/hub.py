"""Datasets of the hub: what a task expects there, and its rows, pinned to a commit.

`HubSource` is a schema: repository, configuration per language, splits, columns and their types
(the names of a ClassLabel in their order), and a function from rows to examples. `Hub` finds and
fetches the parquet files of one configuration and split at one commit; `read` checks their
features against the schema and yields examples. `huggingface_hub` does what touches the network
(etags, resuming, gating, offline mode), into its own cache; `datasets` reads the files.

`datasets.load_dataset(repository)` is not called with a repository: whatever fails there, it
takes the newest copy in its cache, of any commit, and only warns; it also needs the network to
name the files, where a cached listing of a commit serves offline. Loading scripts never run:
where `main` holds no parquet files of a configuration, the hub's own conversion of it
(`refs/convert/parquet`, https://huggingface.co/docs/dataset-viewer/parquet) is read.

Schemas come from public documentation, see `HubSource.schema`; `verified` says whether one has
been checked against the live hub.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, Final, Generic, TypeAlias, TypeVar

from waystation.errors import DataError, UserError, suggest

E = TypeVar("E")
# "text", "integer", "number", "boolean"; a tuple of ClassLabel names; [item]; {column: feature}.
Feature: TypeAlias = "str | tuple[str, ...] | list[Feature] | dict[str, Feature]"

SCRIPTS: Final = "https://github.com/huggingface/datasets/blob/61258078bcb8/datasets"
"""The last commit at which the hub's documentation had every dataset's schema in one place."""
CONVERTED: Final = "refs/convert/parquet"
WAITS_S: Final = (1.0, 2.0, 4.0, 8.0)
_COMMIT_LENGTH: Final = 40
_LISTED: Final = 12


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


# -- files ---------------------------------------------------------------------------------------


@dataclass
class Hub:
    """One reading of the hub: `pins` maps repositories to the commits that a lock names.

    Of several, the first that has what is asked for is read; where none has it, the newest is.
    """

    pins: Mapping[str, Sequence[str]] = field(default_factory=dict)
    say: Callable[[str], None] = lambda _: None
    _snapshots: dict[tuple[str, str], _Snapshot | None] = field(default_factory=dict)
    _files: dict[tuple[str, str, str], tuple[Path, ...]] = field(default_factory=dict)

    def files(self, source: HubSource[Any], language: str, split: str) -> tuple[Path, ...]:
        """The parquet files of a language and split in the hub's cache, fetched if need be."""
        config = source.config(language)
        if config is None or not source.has(language, split):
            raise UserError(
                f"expected language '{language}' and split '{split}' on the hub, found that"
                f" {source.card} does not have them (splits: {', '.join(source.splits)});"
                " pass --data DIR with the official files."
            )
        key = (source.repository, config, split)
        if key not in self._files:
            self._files[key] = self._fetched(source, config, split)
        return self._files[key]

    def _fetched(self, source: HubSource[Any], config: str, split: str) -> tuple[Path, ...]:
        seen: list[_Snapshot] = []
        for revision in (*self.pins.get(source.repository, ()), "main", CONVERTED):
            snapshot = self._snapshot(source.repository, revision)
            if snapshot is None:
                continue
            seen.append(snapshot)
            paths = [snapshot.paths(config, name) for name in source.names(split)]
            if all(paths):
                return _download(source.repository, snapshot, [p for ps in paths for p in ps])
        raise UserError(_absent(source, config, split, seen))

    def _snapshot(self, repository: str, revision: str) -> _Snapshot | None:
        """The listing of a revision; None where there is no conversion to parquet."""
        key = (repository, revision)
        if key not in self._snapshots:
            self._snapshots[key] = self._list(repository, revision)
        return self._snapshots[key]

    def _list(self, repository: str, revision: str) -> _Snapshot | None:
        from huggingface_hub import get_cached_repo_tree, metadata_load
        from huggingface_hub.errors import RevisionNotFoundError

        with _explained(repository, revision):
            try:
                commit = self._commit(repository, revision)
            except RevisionNotFoundError:
                if revision == CONVERTED:
                    return None
                raise
            folder = _snapshot_download(repository, commit, ["README.md", ".gitattributes"])
            listed = get_cached_repo_tree(repository, repo_type="dataset", revision=commit)
            card = folder / "README.md"
            metadata = (metadata_load(card) if card.is_file() else None) or {}
        paths = tuple(sorted(file.path for file in listed if file.path.endswith(".parquet")))
        return _Snapshot(revision, commit, folder, paths, _configurations(metadata))

    def _commit(self, repository: str, revision: str) -> str:
        """The commit of a branch: the hub's, or the cached one where it cannot be asked."""
        if len(revision) == _COMMIT_LENGTH and "/" not in revision:
            return revision
        from huggingface_hub import HfApi
        from huggingface_hub.errors import OfflineModeIsEnabled

        api = HfApi()
        try:
            info = patiently(
                lambda: api.repo_info(repository, repo_type="dataset", revision=revision)
            )
        except Exception as error:
            if not isinstance(error, OfflineModeIsEnabled) and not _passing(error):
                raise
            cached = api.resolve_revision(
                repository, repo_type="dataset", revision=revision, local_files_only=True
            )
            if not isinstance(error, OfflineModeIsEnabled):
                self.say(
                    f"the hub cannot be reached; {repository} is read as it was last seen,"
                    f" commit {str(cached.resolved)[:12]}"
                )
            return str(cached.resolved)
        _remember(api, repository, revision, str(info.sha))
        return str(info.sha)


@dataclass(frozen=True)
class _Snapshot:
    """The parquet files of one commit; `configurations` are the card's, by name and split."""

    revision: str
    commit: str
    folder: Path
    files: tuple[str, ...]
    configurations: Mapping[str, Mapping[str, tuple[str, ...]]]

    def paths(self, config: str, split: str) -> tuple[str, ...]:
        """A split's files: as the card says, else in the layout of the hub's conversion."""
        patterns = self.configurations.get(config, {}).get(split, (f"{config}/{split}/*.parquet",))
        return tuple(p for p in self.files if any(_matches(p, pattern) for pattern in patterns))


def _matches(path: str, pattern: str) -> bool:
    """Shell patterns whose `*` stays within a folder, as in a dataset card; `**` does not."""
    pattern = pattern.removeprefix("./")
    depth = "**" in pattern or path.count("/") == pattern.count("/")
    return depth and fnmatchcase(path, pattern.replace("**/", "*"))


def _configurations(metadata: Mapping[str, Any]) -> dict[str, dict[str, tuple[str, ...]]]:
    """`configs` of a card: configuration -> split -> patterns; what has no splits is left out."""
    found: dict[str, dict[str, tuple[str, ...]]] = {}
    for entry in metadata.get("configs") or ():
        splits = found.setdefault(str(entry.get("config_name", "default")), {})
        files = entry.get("data_files")
        for part in files if isinstance(files, list) else ():
            if isinstance(part, dict) and "split" in part:
                paths = part.get("path", ())
                splits[part["split"]] = (paths,) if isinstance(paths, str) else tuple(paths)
    return found


def _absent(source: HubSource[Any], config: str, split: str, seen: Sequence[_Snapshot]) -> str:
    """The sentence on a configuration or split that is not there."""
    wanted = " and ".join(f"'{name}'" for name in source.names(split))
    known = {path.split("/")[0] for s in seen for path in s.files}
    known |= {name for s in seen for name in s.configurations}
    where = " and ".join(f"{s.revision} ({s.commit[:12]})" for s in seen)
    names = sorted(known)
    if config in known:
        found = f"the configuration without that split among {_splits(seen, config)}"
    else:
        found = f"configurations {', '.join(names[:_LISTED]) or '(none)'}"
        found += f" and {len(names) - _LISTED} more" if len(names) > _LISTED else ""
    return (
        f"expected parquet files of configuration '{config}', split {wanted}, in the dataset"
        f" {source.repository} on the hub, found {found} at {where}.{suggest(config, names)}"
        " The repository has changed since its schema was written down: pass --data DIR with the"
        " official files, and report it."
    )


def _splits(seen: Sequence[_Snapshot], config: str) -> str:
    cards = {split for s in seen for split in s.configurations.get(config, {})}
    folders = {
        path.split("/")[1]
        for s in seen
        for path in s.files
        if path.startswith(f"{config}/") and path.count("/") > 1
    }
    return ", ".join(sorted(cards | folders)) or "none"


def _download(repository: str, snapshot: _Snapshot, paths: Sequence[str]) -> tuple[Path, ...]:
    with _explained(repository, snapshot.commit):
        folder = _snapshot_download(repository, snapshot.commit, list(paths))
    return tuple(folder / path for path in paths)


def _snapshot_download(repository: str, commit: str, patterns: list[str]) -> Path:
    from huggingface_hub import snapshot_download
    from huggingface_hub.utils import disable_progress_bars

    if not sys.stderr.isatty():
        disable_progress_bars()
    return Path(
        patiently(
            lambda: snapshot_download(
                repository, repo_type="dataset", revision=commit, allow_patterns=patterns
            )
        )
    )


def _remember(api: Any, repository: str, revision: str, commit: str) -> None:
    """Note a branch's commit in the hub's cache, for the days when the hub is out of reach."""
    from huggingface_hub import constants

    name = f"datasets--{repository.replace('/', '--')}"
    path = Path(constants.HF_HUB_CACHE) / name / "refs" / revision
    if not path.is_file() or path.read_text() != commit:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(commit)


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


# -- failures ------------------------------------------------------------------------------------

T = TypeVar("T")


def patiently(call: Callable[[], T]) -> T:
    """`call()`, tried again after 1, 2, 4 and 8 s where the hub or the connection fails.

    `huggingface_hub` is patient by itself with file headers, listings and broken downloads, not
    with a commit's look-up nor with a file that is answered 5xx.
    """
    for wait_s in WAITS_S:
        try:
            return call()
        except Exception as error:
            if not _passing(error):
                raise
        time.sleep(wait_s)
    return call()


def _passing(error: Exception) -> bool:
    """Whether an error may pass by itself: no connection, a timeout, 408, 429 or 5xx."""
    from huggingface_hub.errors import HfHubHTTPError, HTTPError

    if isinstance(error, HfHubHTTPError):
        status = error.response.status_code
        return status in (408, 429) or status >= 500
    return isinstance(error, HTTPError)


@contextmanager
def _explained(repository: str, revision: str) -> Iterator[None]:
    """The hub's errors as one sentence each; none repeats a header or a token."""
    from huggingface_hub import errors

    what = f"the dataset {repository} on the hub"
    page = f"https://huggingface.co/datasets/{repository}"
    try:
        yield
    except errors.GatedRepoError as error:
        raise UserError(
            f"expected to read {what}, found it gated; accept its terms at {page}, log in with"
            " `hf auth login`, or pass --data DIR with the official files."
        ) from error
    except errors.RevisionNotFoundError as error:
        raise UserError(
            f"expected revision {revision} of {what}, found that the hub no longer has it; run"
            " with --relock to take the present one, or pass --data DIR with the official files."
        ) from error
    except errors.RepositoryNotFoundError as error:
        raise UserError(
            f"expected {what}, found no such repository, or a private one; log in with"
            " `hf auth login`, or pass --data DIR with the official files."
        ) from error
    except (
        errors.LocalEntryNotFoundError,
        errors.OfflineModeIsEnabled,
        errors.RevisionResolutionError,
        errors.CachedRepoTreeNotFoundError,
    ) as error:
        raise UserError(_out_of_reach(what, repository, revision)) from error
    except (errors.HTTPError, OSError) as error:
        reason = f"status {error.response.status_code}" if hasattr(error, "response") else ""
        raise UserError(
            f"expected to download {what}, found {reason or type(error).__name__} after"
            f" {len(WAITS_S) + 1} tries; try again (finished files are kept), or pass --data DIR"
            " with the official files."
        ) from error


def _out_of_reach(what: str, repository: str, revision: str) -> str:
    from huggingface_hub import constants

    why = "HF_HUB_OFFLINE is set" if constants.HF_HUB_OFFLINE else "the hub cannot be reached"
    name = revision if len(revision) < _COMMIT_LENGTH else revision[:12]
    return (
        f"expected {what} (revision {name}) in the hub's cache, found it incomplete or absent and"
        f" {why}; connect, fetch it where there is a connection with `hf download --repo-type"
        f" dataset {repository}`, or pass --data DIR with the official files."
    )


# -- rows ----------------------------------------------------------------------------------------


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
                f" {', '.join(found)}.{suggest(column, found)} The dataset has changed since its"
                f" schema was written down (see {source.card}): pass --data DIR with the official"
                " files, and report it",
                place,
            )
        if not _fits(found[column], expected):
            raise DataError(
                f"expected the column '{column}' to be {in_words(expected)}, found"
                f" {in_words(found[column])}; labels would be wrong. The dataset has changed since"
                f" its schema was written down (see {source.card}): pass --data DIR with the"
                " official files, and report it",
                place,
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
