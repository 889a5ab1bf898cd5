"""The parquet files of a dataset on the hub, pinned to a commit, in the hub's own cache.

`Hub` finds and fetches the files of one configuration and split. `huggingface_hub` does what
touches the network (etags, broken downloads, gating, offline mode). `datasets.load_dataset` is not
called with a repository: whatever fails there, it takes the newest copy in its cache, of any
commit, and only warns; and it needs the network to name the files, where a cached listing of a
commit serves offline. Loading scripts never run: where `main` holds no parquet files of a
configuration, the hub's own conversion of it (`refs/convert/parquet`,
https://huggingface.co/docs/dataset-viewer/parquet) is read.

Every failure is one sentence. Tokens are `huggingface_hub`'s affair and are never looked at.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, Final, TypeVar

from waystation.errors import UserError, suggest
from waystation.hub import HubSource

CONVERTED: Final = "refs/convert/parquet"
WAITS_S: Final = (1.0, 2.0, 4.0, 8.0)
_COMMIT_LENGTH: Final = 40
_LISTED: Final = 12


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
        f" {_advice(source)}"
    )


def _advice(source: HubSource[Any]) -> str:
    """What to do about a configuration that is not there; the user's own choice has no schema."""
    if not source.schema:
        return "Correct `config:` or `split:` in the study."
    return (
        "The repository has changed since its schema was written down: pass --data DIR with the"
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
    command = f"hf download --repo-type dataset {repository}"
    command += "" if revision == "main" else f" --revision {revision}"
    return (
        f"expected {what} (revision {revision}) in the hub's cache, found it incomplete or absent"
        f" and {why}; connect, fetch it where there is a connection with `{command}`, or pass"
        " --data DIR with the official files."
    )
