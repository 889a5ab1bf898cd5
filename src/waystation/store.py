"""The store: a folder of immutable step results.

`steps/<kind>-<12 hex>/` holds a step's outputs, `step.json` (what it is), `run.json` (time, host,
memory: outside keys and comparison) and `manifest.json` (size and sha256 of every output), which
is written last: a step exists when its manifest does. A step is made in `tmp/` under its file
lock and renamed into place. Sizes are checked whenever a study is planned, contents whenever
they are read; what is damaged is said, moved out of the way and computed again, never used.

`data/<sha256>.jsonl` holds canonical examples, named by their own digest; `failed/` the records
of failed steps; `partial/<key>/` the state of a training that is not finished, used under its
step's lock alone. File systems with `flock` only: local ones, and shared ones where a lock of one
machine holds on the others (NFS 4, where the server lets the locks of a lost machine expire);
remote stores are refused.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import hashlib
import json
import os
import shutil
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, cast

from waystation.errors import StoreError, UserError
from waystation.examples import JSON, canonical, digest, from_json, to_json
from waystation.sources import sha256

FORMAT = 1
UNHASHED = ("run.json", "manifest.json")


class Damaged(StoreError):
    """A published file is not what its manifest says; `key` names the step (or data digest)."""

    def __init__(self, key: str, path: Path, what: str) -> None:
        self.key, self.path, self.what = key, path, what
        super().__init__(f"{path} {what}; it is not used and will be computed again")

    def __reduce__(self) -> tuple[object, ...]:
        return (Damaged, (self.key, self.path, self.what))


def step_key(kind: str, version: int, spec: Mapping[str, JSON]) -> str:
    """`<kind>-<12 hex>` of everything that determines the step's result."""
    return f"{kind}-{digest([kind, version, dict(spec)])[:12]}"


@dataclass(frozen=True)
class Store:
    """One store; cheap to make, safe to make in every worker."""

    root: Path

    @staticmethod
    def open(root: Path | str) -> Store:
        """Make or open a store. Raises UserError for remote URLs, StoreError for a bad folder."""
        if "://" in str(root):
            raise UserError(
                f"expected a folder on this machine as the store, found '{root}';"
                " remote stores are not available in this version: give a local --store DIR."
            )
        root = Path(root)
        with explained(root):
            for name in ("steps", "data", "tmp", "locks", "failed", "damaged", "studies"):
                (root / name).mkdir(parents=True, exist_ok=True)
            marker = root / "waystation.json"
            if not marker.exists():
                write_atomically(marker, canonical({"format": FORMAT}) + "\n")
        try:
            found = json.loads(marker.read_text()).get("format")
        except ValueError:
            found = None
        if found != FORMAT:
            raise StoreError(
                f"expected a store of format {FORMAT}, found {found!r} in {marker};"
                " use another --store or the version of waystation that made it."
            )
        return Store(root.resolve())

    # -- steps ---------------------------------------------------------------------------------

    def folder(self, key: str) -> Path:
        """Where a step lies once it is published."""
        return self.root / "steps" / key

    def partial(self, key: str) -> Path:
        """Where a training step that is not finished keeps its state."""
        return self.root / "partial" / key

    def partials(self) -> tuple[str, ...]:
        """The keys of all training steps that have a partial state here."""
        return tuple(sorted(p.name for p in (self.root / "partial").glob("*")))

    def position(self, key: str) -> tuple[int, int] | None:
        """(step, steps) that the newest state of an unfinished training has reached."""
        for state in sorted(self.partial(key).glob("state-*"), reverse=True):
            try:
                at = json.loads((state / "state.json").read_bytes())["about"]["position"]
                return int(at["step"]), int(at["steps"])
            except (OSError, ValueError, KeyError, TypeError):
                continue  # damaged: a run says so and does not use it
        return None

    def drop_partial(self, key: str) -> bool:
        """Delete a partial state unless a run holds its step."""
        with explained(self.root), (self.root / "locks" / key).open("w") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return False
            shutil.rmtree(self.partial(key))
        return True

    def state(self, key: str) -> str:
        """`done`, `missing`, `pruned` (outputs deleted by gc) or `damaged` (sizes differ)."""
        folder = self.folder(key)
        if not (folder / "manifest.json").exists():
            return "pruned" if (folder / "pruned.json").exists() else "missing"
        try:
            for name, (size, _) in self._manifest(key).items():
                if (folder / name).stat().st_size != size:
                    return "damaged"
        except (OSError, Damaged):
            return "damaged"
        return "done"

    def read(self, key: str, name: str) -> bytes:
        """One output's bytes, hashed. Raises Damaged."""
        self.check(key, (name,))
        return (self.folder(key) / name).read_bytes()

    def read_json(self, key: str, name: str) -> JSON:
        """One output as JSON, hashed. Raises Damaged."""
        return cast("JSON", json.loads(self.read(key, name)))

    def check(self, key: str, names: Sequence[str] | None = None) -> Path:
        """Hash the named outputs (all by default) and give the step's folder. Raises Damaged."""
        folder, manifest = self.folder(key), self._manifest(key)
        for name in names if names is not None else sorted(manifest):
            if name not in manifest:
                raise Damaged(key, folder / name, "is not in its step's manifest")
            size, expected = manifest[name]
            try:
                found = sha256(folder / name)
            except FileNotFoundError as error:
                raise Damaged(key, folder / name, "is missing") from error
            if found != expected:
                raise Damaged(key, folder / name, f"differs from its manifest ({size} bytes)")
        return folder

    def outputs(self, key: str, prefix: str = "") -> tuple[str, ...]:
        """The names of a step's outputs that start with `prefix`."""
        return tuple(n for n in sorted(self._manifest(key)) if n.startswith(prefix))

    def _manifest(self, key: str) -> dict[str, tuple[int, str]]:
        path = self.folder(key) / "manifest.json"
        try:
            files = json.loads(path.read_bytes())["files"]
            return {name: (int(size), str(sha)) for name, (size, sha) in files.items()}
        except FileNotFoundError as error:
            raise Damaged(key, path, "is missing") from error
        except (ValueError, KeyError, TypeError) as error:
            raise Damaged(key, path, "cannot be read as a manifest") from error

    def publish(
        self, key: str, step: JSON, work: Callable[[Path], None], info: Callable[[], JSON]
    ) -> None:
        """Run `work(folder)` in a scratch folder and publish what it wrote there.

        The caller holds the step's lock. `info()` is asked after the work for `run.json`.
        Whatever interrupts this leaves no published step.
        """
        with explained(self.root):
            for stale in self.root.glob(f"tmp/{key}-*"):
                shutil.rmtree(stale, ignore_errors=True)
            scratch = self.root / "tmp" / f"{key}-{uuid.uuid4().hex[:8]}"
            scratch.mkdir()
        try:
            with explained(self.root):
                work(scratch)
                (scratch / "step.json").write_text(pretty(step))
                (scratch / "run.json").write_text(pretty(info()))
                self._seal(scratch)
                target = self.folder(key)
                if target.exists():  # pruned, or damaged and put back by a concurrent run
                    shutil.rmtree(target)
                scratch.rename(target)
                _sync_folder(target.parent)
                (self.root / "failed" / f"{key}.json").unlink(missing_ok=True)
                shutil.rmtree(self.partial(key), ignore_errors=True)
        finally:
            shutil.rmtree(scratch, ignore_errors=True)

    def _seal(self, folder: Path) -> None:
        files: dict[str, JSON] = {}
        for path in sorted(p for p in folder.rglob("*") if p.is_file()):
            name = path.relative_to(folder).as_posix()
            with path.open("rb") as file:
                os.fsync(file.fileno())
            if name not in UNHASHED:
                files[name] = [path.stat().st_size, sha256(path)]
        with (folder / "manifest.json").open("w") as file:
            file.write(pretty({"format": FORMAT, "files": files}))
            file.flush()
            os.fsync(file.fileno())

    def discard(self, key: str) -> None:
        """Move a damaged step (or data file) to `damaged/`, where a person can look at it."""
        for path in (self.folder(key), self.root / "data" / f"{key}.jsonl"):
            if path.exists():
                with explained(self.root):
                    path.rename(self.root / "damaged" / f"{path.name}-{uuid.uuid4().hex[:8]}")

    def prune(self, key: str, names: Sequence[str]) -> None:
        """Delete outputs of a step that nothing needs any more; what it was stays readable."""
        folder = self.folder(key)
        with explained(self.root):
            write_atomically(folder / "pruned.json", pretty({"deleted": list(names)}))
            (folder / "manifest.json").unlink()
            for name in names:
                (folder / name).unlink()

    @contextlib.contextmanager
    def lock(self, key: str, waiting: Callable[[], None] | None = None) -> Iterator[None]:
        """Hold the step's lock; calls `waiting` once when another run holds it, then waits."""
        with explained(self.root):
            file: IO[str] = (self.root / "locks" / key).open("w")
        with file:
            with explained(self.root):
                try:
                    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except BlockingIOError:
                    if waiting is not None:
                        waiting()
                    fcntl.flock(file, fcntl.LOCK_EX)
            yield

    # -- failures ------------------------------------------------------------------------------

    def record_failure(self, key: str, record: Mapping[str, JSON]) -> Path:
        """Keep a failed step's sentence and trace; a later success removes it."""
        path = self.root / "failed" / f"{key}.json"
        with explained(self.root):
            write_atomically(path, pretty(dict(record)))
        return path

    def failure(self, key: str) -> dict[str, JSON] | None:
        """The record of a step's last failure, or None."""
        try:
            loaded = json.loads((self.root / "failed" / f"{key}.json").read_text())
        except (OSError, ValueError):
            return None
        return cast("dict[str, JSON]", loaded)

    def run_info(self, key: str) -> dict[str, JSON]:
        """What `run.json` says of a step (also of a pruned one), {} where there is none."""
        try:
            loaded = json.loads((self.folder(key) / "run.json").read_text())
        except (OSError, ValueError):
            return {}
        return cast("dict[str, JSON]", loaded)

    # -- data ----------------------------------------------------------------------------------

    def put_data(self, examples: Sequence[object]) -> str:
        """Keep examples under the sha256 of their canonical lines; returns it."""
        body = "".join(canonical(to_json(e)) + "\n" for e in examples).encode()
        name = hashlib.sha256(body).hexdigest()
        path = self.root / "data" / f"{name}.jsonl"
        if not path.exists() or path.stat().st_size != len(body):
            with explained(self.root):
                write_atomically(path, body)
        return name

    def has_data(self, name: str) -> bool:
        """Whether examples of this digest are here (their content is hashed when read)."""
        return (self.root / "data" / f"{name}.jsonl").exists()

    def data(self, name: str, example: type) -> list[object]:
        """The examples of a digest. Raises Damaged where the file is not what its name says."""
        path = self.root / "data" / f"{name}.jsonl"
        try:
            body = path.read_bytes()
        except FileNotFoundError as error:
            raise Damaged(name, path, "is missing") from error
        if hashlib.sha256(body).hexdigest() != name:
            raise Damaged(name, path, "differs from the digest in its name")
        return [from_json(example, json.loads(line)) for line in body.decode().split("\n") if line]

    # -- the whole -----------------------------------------------------------------------------

    def verify(self) -> list[str]:
        """Hash everything; discard what is damaged and say so, one sentence each."""
        found = []
        for folder in sorted((self.root / "steps").iterdir()):
            if (folder / "manifest.json").exists():
                try:
                    self.check(folder.name)
                except Damaged as error:
                    found.append(str(error))
                    self.discard(folder.name)
        for path in sorted((self.root / "data").glob("*.jsonl")):
            if sha256(path) != path.stem:
                found.append(str(Damaged(path.stem, path, "differs from its name's digest")))
                self.discard(path.stem)
        return found


@contextlib.contextmanager
def explained(root: Path) -> Iterator[None]:
    """Turn what a full, read-only or lockless disk raises into one sentence."""
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise StoreError(
                f"expected room in the store {root}, found a full disk; free space"
                " (`waystation gc STUDY` says what could go) and run again: nothing is lost."
            ) from error
        elsewhere = error.filename is not None and str(root) not in str(error.filename)
        if error.errno in (errno.EACCES, errno.EROFS, errno.EPERM) and not elsewhere:
            raise StoreError(
                f"expected a store that can be written, found {root} read-only"
                f" ({error.strerror}); change its permissions or give another --store."
            ) from error
        if error.errno in (errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP) and not elsewhere:
            raise StoreError(
                f"expected a store on a file system with file locks, found {root} without"
                f" ({error.strerror}); mount it with locks or give another --store."
            ) from error
        if error.errno in (errno.ENOTDIR, errno.EEXIST) and not elsewhere:
            raise StoreError(
                f"expected a folder as the store, found a file in the way of {root};"
                " move it or give another --store."
            ) from error
        raise


def write_atomically(path: Path, content: str | bytes) -> None:
    """Write beside the target, then rename over it."""
    scratch = path.with_name(f".{path.name}.{uuid.uuid4().hex[:8]}")
    try:
        with scratch.open("wb") as file:
            file.write(content.encode() if isinstance(content, str) else content)
            file.flush()
            os.fsync(file.fileno())
        scratch.rename(path)
    finally:
        scratch.unlink(missing_ok=True)


def pretty(value: JSON) -> str:
    """JSON for people: indented, sorted keys, one trailing newline."""
    return json.dumps(value, ensure_ascii=False, sort_keys=True, indent=1) + "\n"


def _sync_folder(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
