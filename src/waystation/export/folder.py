"""The folder of an export: what may be written over, and that it appears whole or not at all."""

from __future__ import annotations

import json
import os
import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from waystation.errors import UserError
from waystation.sources import sha256

RECORD: Final = "waystation.json"
FORMAT: Final = 1


def check_folder(folder: Path, force: bool) -> None:
    """Nothing is lost: only what is not there, empty, or an export's own files is written over."""
    if not folder.exists():
        return
    if not folder.is_dir():
        raise UserError(
            f"expected a folder to write to, found the file {folder}; name another DIR."
        )
    inside = sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file())
    if not inside:
        return
    try:
        record = json.loads((folder / RECORD).read_text(encoding="utf-8"))
        own = {RECORD, *record["files"]} if record["format"] == FORMAT else set()
    except (OSError, ValueError, KeyError, TypeError):
        own = set()
    foreign = [name for name in inside if name not in own]
    if foreign:
        raise UserError(
            f"expected {folder} to be empty or an earlier export, found {foreign[0]} in it, which"
            " no export has written; name another DIR."
        )
    if not force:
        raise UserError(
            f"expected {folder} to be empty, found an earlier export ({record['route']}) in it;"
            " name another DIR or replace it with --force."
        )


@contextmanager
def published(folder: Path) -> Iterator[Path]:
    """A scratch folder beside the target that takes its place once everything is written."""
    target = folder.absolute()
    scratch = target.with_name(f".{target.name}-{uuid.uuid4().hex[:8]}")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        scratch.mkdir()
        yield scratch
        if target.exists():
            old = scratch.with_name(f"{scratch.name}-old")
            os.rename(target, old)
            os.rename(scratch, target)
            shutil.rmtree(old)
        else:
            os.rename(scratch, target)
    except OSError as error:
        raise UserError(
            f"expected to write {folder}, found '{error.strerror or error}'; make room there or"
            " name a DIR that can be written."
        ) from error
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def written(folder: Path) -> dict[str, tuple[int, str]]:
    """Names to [bytes, sha256]."""
    found = {}
    for path in sorted(p for p in folder.rglob("*") if p.is_file()):
        found[path.relative_to(folder).as_posix()] = (path.stat().st_size, sha256(path))
    return found
