"""`study.lock`: where it lies, how it is read, and what an old and a new one differ in.

A lock is plain JSON that `resolve` writes and everything after it reads: `content` (what the study
file asked for), `versions`, `numerics`, `backbones`, `seeds`, `stops`, `targets`, `data` (one entry
per set of examples, see `entries.py`) and `remarks`. Nothing here reads data.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

from waystation import hub
from waystation import task as tasks
from waystation.errors import UserError
from waystation.examples import JSON, digest
from waystation.study import Study
from waystation.task import Task

FORMAT = 1
PACKAGES = ("torch", "transformers", "tokenizers", "accelerate", "safetensors", "numpy")
"""The packages whose versions a lock and a step's record name."""
DIGESTS = ("digest", "dev_digest", "pool_digest", "dev_pool_digest")
"""What an entry of `data` pins by content; all but the first are for training, or absent."""

Lock = dict[str, JSON]


def lock_path(study: Study, limit: int | None) -> Path:
    """`which-stop.lock` beside `which-stop.yaml`; trials with a limit keep their own."""
    suffix = ".lock" if limit is None else f".limit-{limit}.lock"
    return study.path.with_suffix(suffix)


def read_lock(path: Path) -> dict[str, Any]:
    """A study's lock, {} where there is none. Raises UserError for one that cannot be read."""
    try:
        lock = json.loads(path.read_text())
        if lock["format"] == FORMAT:
            return cast("dict[str, Any]", lock)
        found = f"format {lock['format']!r}"
    except FileNotFoundError:
        return {}
    except (ValueError, KeyError, TypeError):
        found = "something else"
    raise UserError(
        f"{path}: expected a study's lock of format {FORMAT}, found {found};"
        " restore it, or run with --relock to write a new one."
    )


def locked(study: Study, limit: int | None) -> Lock | None:
    """The study's lock where it still is this study's: enough to report without any data."""
    lock = read_lock(lock_path(study, limit))
    return lock if lock.get("content") == content_of(study) else None


def content_of(study: Study) -> str:
    """sha256 of what a study asks for: all but where it lies and where it runs."""
    kept = study.model_dump(mode="json", exclude={"path", "resources"}, exclude_defaults=True)
    return digest(cast("JSON", kept))


def differences(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
    """What an old lock pins and a new one has otherwise, one phrase each."""
    found = []
    for what in ("backbone", "translator"):
        for name, entry in old.get(f"{what}s", {}).items():
            now = new.get(f"{what}s", {}).get(name)
            if now is not None and now["digest"] != entry["digest"]:
                digests = f"{entry['digest'][:12]} -> {now['digest'][:12]}"
                found.append(f"{what} {name}: other files ({digests})")
    for name, entry in old.get("data", {}).items():
        now = new["data"].get(name)
        if now is None or now == entry:
            continue
        files = {f[0]: f[1] for f in now["files"]}
        changed = [f[0] for f in entry["files"] if files.get(f[0]) != f[1]]
        if now["version"] != entry["version"]:
            found.append(f"data {name}: task version {entry['version']} -> {now['version']}")
        elif any(now.get(part) != entry.get(part) for part in DIGESTS):
            found.append(
                f"data {name}: {entry['count']} -> {now['count']} examples, other content"
                + (f" ({', '.join(changed)} changed)" if changed else "")
            )
        elif changed:
            found.append(f"data {name}: {', '.join(changed)} changed, examples the same")
    return found


def pins(old: Mapping[str, Any]) -> dict[str, list[str]]:
    """The commits of hub repositories that a lock names."""
    return hub.pinned(f[0] for entry in old.get("data", {}).values() for f in entry["files"])


def task_of(ref: Mapping[str, Any], beside: Path) -> Task[Any]:
    """The Task of a lock's reference: a name, or own data."""
    if ref.get("own") is not None:
        from waystation.tasks import own

        return own.task_of(own.OwnData.model_validate(ref["own"]), beside)
    return tasks.get(ref["task"], beside)


def named(task: Task[Any], own: Any) -> str:
    """A task's name in data entries; own data of one name may differ in its columns."""
    return task.name if own is None else f"{task.name}#{digest(own_json(own))[:6]}"


def own_json(own: Any) -> JSON:
    """OwnData as plain JSON, None where there is none."""
    return None if own is None else cast("JSON", own.model_dump(mode="json"))
