"""Where a backbone comes from: a packaged name, a `transformers` folder or a hub id, checked.

`locate` finds the files, says in one sentence what is wrong with them, and pins them by digest;
`load` (in model.py, imported when first asked for, since it needs torch) reads them. Folders win
over hub ids, as in `transformers`. Code that lies beside weights is never run; pickled weights
are taken only where there are no others, and then read as weights alone.

Legend of shapes: B rows in a batch, T tokens, D hidden size, L labels, V vocabulary.
No torch, no transformers.
"""

from __future__ import annotations

import contextlib
import json
import os
import platform
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from waystation import modelfolder, packaged
from waystation.errors import ModelError, suggest
from waystation.examples import JSON
from waystation.packaged import Progress, cache_folder
from waystation.packaged import get as get
from waystation.packaged import models as models
from waystation.packages import PACKAGED, digest_of

if TYPE_CHECKING:
    from waystation.model import Model as Model
    from waystation.model import load as load
    from waystation.model import set_dropout as set_dropout


def __getattr__(name: str) -> Any:
    """`Model`, `load` and `set_dropout` bring torch with them, so they wait until asked for."""
    if name in ("Model", "load", "set_dropout"):
        from waystation import model

        return getattr(model, name)
    raise AttributeError(f"module 'waystation.backbone' has no attribute '{name}'")


@dataclass(frozen=True, kw_only=True)
class Source:
    """A backbone that has been found: its files, pinned."""

    name: str
    """As the study names it."""
    origin: str
    """"packaged", "folder" or "hub"."""
    path: Path
    digest: str
    """sha256 over the weight, configuration and tokenizer files."""
    revision: str | None
    """The hub's commit or the package's version; None for a folder."""
    architecture: str
    """"encoder", "decoder" or "encoder-decoder"."""
    max_tokens: int | None
    """The longest input that its positions allow; None where they have no end."""
    size_bytes: int
    licence: str
    notes: tuple[str, ...] = ()

    def pinned(self) -> dict[str, JSON]:
        """What a lock says of it: all but its name, which is the key, and where its files lie."""
        return {
            "origin": self.origin,
            "revision": self.revision,
            "digest": self.digest,
            "architecture": self.architecture,
            "size_bytes": self.size_bytes,
            "max_tokens": self.max_tokens,
            "licence": self.licence,
            "notes": list(self.notes),
        }


def locate(name: str, beside: Path, progress: Progress | None = None) -> Source:
    """The backbone called `name`, fetched if need be. Raises ModelError in one sentence.

    A folder is looked for under the folder `beside` (the study's), then under the current one; a
    hub id may pin a commit, tag or branch as `owner/name@revision`.
    """
    if name in PACKAGED:
        return _packaged(name, progress)
    folder = _folder(name, beside)
    if folder is not None:
        return _source(name, "folder", folder, None)
    if "/" not in name:
        raise ModelError(
            f"expected a packaged model ({', '.join(PACKAGED)}), a model folder or a hub id"
            f" written owner/name, found '{name}'.{suggest(name, PACKAGED)}"
        )
    folder, revision = _snapshot(name)
    return _source(name, "hub", folder, revision)


def digest(folder: Path) -> str:
    """sha256 over the files of a model folder that decide what it computes."""
    return digest_of(_hashes(folder, modelfolder.files_of(folder, str(folder))))


# ---------------------------------------------------------------------------- the three origins


def _packaged(name: str, progress: Progress | None) -> Source:
    folder, model = packaged.get(name, progress), PACKAGED[name]
    present = [folder / file for file in model.files if (folder / file).is_file()]
    hashes = _hashes(folder, present)
    for file, expected in model.files.items():
        if hashes.get(file) != expected:
            found = f"sha256 {hashes[file]}" if file in hashes else "nothing"
            raise ModelError(
                f"expected {folder / file} with sha256 {expected}, found {found}: the copy in the"
                f" cache has changed; delete {folder} and run `waystation models get {name}`."
            )
    return Source(
        name=name,
        origin="packaged",
        path=folder,
        digest=model.digest,
        revision=model.revision,
        architecture=model.architecture,
        max_tokens=modelfolder.max_tokens_of(modelfolder.config_of(folder, name)),
        size_bytes=model.size_bytes,
        licence=model.licence,
        notes=model.notes,
    )


def _folder(name: str, beside: Path) -> Path | None:
    """The existing folder that `name` means; None where it can only be a hub id."""
    path = Path(name).expanduser()
    places = list(dict.fromkeys((beside / path, Path.cwd() / path)))
    for place in places:
        if place.is_dir():
            return place.resolve()
    if path.is_absolute() or name.startswith((".", "~")) or len(path.parts) > 2:
        found = "a file" if any(place.is_file() for place in places) else "nothing"
        raise ModelError(
            f"expected a model folder at {' or '.join(map(str, places))}, found {found};"
            f" correct the path or name a packaged model ({', '.join(PACKAGED)})."
        )
    return None


def _snapshot(name: str) -> tuple[Path, str]:
    """A hub repository's files in huggingface_hub's own cache, and their commit."""
    import huggingface_hub
    from huggingface_hub import errors

    repository, _, revision = name.partition("@")
    tokenizers = [file for files in modelfolder.TOKENIZERS for file in files]
    wanted = ["config.json", "model*.safetensors", "model.safetensors.index.json"]
    pickled = ["pytorch_model*.bin", "pytorch_model.bin.index.json"]
    try:
        for patterns in (wanted, pickled):
            folder = Path(
                huggingface_hub.snapshot_download(
                    repository,
                    revision=revision or None,
                    allow_patterns=[*patterns, *tokenizers, *modelfolder.SIDE_FILES],
                    ignore_patterns=["*/*"],
                )
            )
            if any(folder.glob("*.safetensors")):
                break
    except errors.GatedRepoError as error:
        raise ModelError(
            f"expected to read '{repository}' on the model hub, found it gated; accept its terms"
            " there and log in with `hf auth login`."
        ) from error
    except errors.RevisionNotFoundError as error:
        raise ModelError(
            f"expected '{repository}' on the model hub to have revision '{revision}', found no"
            " such commit, tag or branch; correct what follows the @."
        ) from error
    except (errors.RepositoryNotFoundError, errors.HFValidationError) as error:
        raise ModelError(
            f"expected '{repository}' to be a folder or a model on the hub, found neither (or it"
            " is private: log in with `hf auth login`); correct the name."
            f"{suggest(repository, PACKAGED)}"
        ) from error
    except (errors.LocalEntryNotFoundError, errors.OfflineModeIsEnabled) as error:
        offline = huggingface_hub.constants.HF_HUB_OFFLINE
        why = "HF_HUB_OFFLINE is set" if offline else "the hub cannot be reached"
        raise ModelError(
            f"expected '{repository}' as a folder, in the hub's cache or on the model hub, found"
            f" it in none ({why}); connect, name a folder, or take a packaged model"
            f" ({', '.join(PACKAGED)})."
        ) from error
    except (errors.HfHubHTTPError, OSError) as error:
        reason = str(error).strip().splitlines() or [type(error).__name__]
        raise ModelError(
            f"expected to download '{repository}' from the model hub, found '{reason[0]}';"
            " try again, or name a model folder."
        ) from error
    return folder, folder.name


# ---------------------------------------------------------------------------- checks


def _source(name: str, origin: str, folder: Path, revision: str | None) -> Source:
    config = modelfolder.config_of(folder, name)
    architecture = modelfolder.architecture_of(config, name)
    files = modelfolder.files_of(folder, name)
    for file in files:
        if file.suffix == ".safetensors":
            modelfolder.check_safetensors(file)
    return Source(
        name=name,
        origin=origin,
        path=folder,
        digest=digest_of(_hashes(folder, files)),
        revision=revision,
        architecture=architecture,
        max_tokens=modelfolder.max_tokens_of(config),
        size_bytes=sum(file.stat().st_size for file in files),
        licence="see the model's own card",
    )


# ---------------------------------------------------------------------------- digests


def _hashes(folder: Path, files: list[Path]) -> dict[str, str]:
    """Name -> sha256 of the contents, remembered by path, size and time of change.

    Hashing 470 MB takes a second or more and every worker asks; who edits a file without
    changing its size and time goes unnoticed until the memory (digests.json) is deleted.
    """
    memory = cache_folder() / "digests.json"
    known: dict[str, list[Any]] = {}
    with contextlib.suppress(OSError, ValueError):  # absent or damaged: hash again
        known = json.loads(memory.read_text(encoding="utf-8"))
    found, news = {}, {}
    for path in files:
        status = path.stat()
        stamp, key = [status.st_size, status.st_mtime_ns], str(path.resolve())
        entry = known.get(key)
        if entry is None or entry[:2] != stamp:
            news[key] = [*stamp, packaged.sha256(path)]
            entry = news[key]
        found[path.relative_to(folder).as_posix()] = str(entry[2])
    if news:
        kept = {key: entry for key, entry in known.items() if os.path.isfile(key)}
        with contextlib.suppress(OSError):  # a cache that cannot be written only costs time
            _replace(memory, json.dumps(kept | news, indent=0, sort_keys=True))
    return found


def _replace(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}-")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
        os.replace(temporary, path)
    except OSError:
        os.unlink(temporary)
        raise


# ---------------------------------------------------------------------------- number formats


def hardware_has_bf16(device: str = "cpu") -> bool:
    """Whether the device multiplies bf16 in hardware; emulation is slower than fp32.

    On a CPU: what the kernel says of avx512_bf16 and amx_bf16 (x86) or bf16 (Arm); elsewhere than
    on Linux nothing is known and fp32 is taken.
    """
    if device.startswith("cuda"):
        import torch

        return bool(
            torch.cuda.is_available() and torch.cuda.is_bf16_supported(including_emulation=False)
        )
    if platform.system() != "Linux":
        return False
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return False
    flags = [line.partition(":")[2].split() for line in lines if line.startswith(("flags", "Feat"))]
    return bool(flags) and not {"avx512_bf16", "amx_bf16", "bf16"}.isdisjoint(flags[0])
