"""A small dataset hub on the loopback, for `huggingface_hub`'s and `datasets`' own clients.

Serves what those clients ask of a dataset repository: its commit, its file tree, and its files with
etag, commit and byte ranges. It can be told to fail: with a status, or by cutting a connection
after some bytes. Not served: uploads, large-file redirects, search.
"""

from __future__ import annotations

import hashlib
import io
import json
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote

import pytest
import yaml

CONVERTED = "refs/convert/parquet"


def parquet(rows: Sequence[Mapping[str, Any]], features: Any) -> bytes:
    """Rows as the hub's parquet files hold them, features in the file's own metadata."""
    import datasets

    datasets.disable_progress_bars()
    columns = {name: [row[name] for row in rows] for name in features}
    buffer = io.BytesIO()
    datasets.Dataset.from_dict(columns, features=features).to_parquet(buffer)
    return buffer.getvalue()


def card(configs: Mapping[str, Mapping[str, str]]) -> bytes:
    """A README whose metadata name the files of every configuration and split."""
    listed = [
        {
            "config_name": name,
            "data_files": [{"split": s, "path": p} for s, p in splits.items()],
        }
        for name, splits in configs.items()
    ]
    return f"---\n{yaml.safe_dump({'configs': listed})}---\n# A dataset\n".encode()


@dataclass
class Repository:
    """One dataset: its commits' files, its branches, and how it refuses."""

    commits: dict[str, dict[str, bytes]] = field(default_factory=dict)
    branches: dict[str, str] = field(default_factory=dict)
    gated: bool = False

    def commit(self, files: Mapping[str, bytes], branch: str = "main") -> str:
        """Make these files the branch's newest commit."""
        digest = hashlib.sha1(branch.encode())
        for name, content in sorted(files.items()):
            digest.update(name.encode() + content)
        sha = digest.hexdigest()
        self.commits[sha] = {".gitattributes": b"*.parquet lfs\n", **files}
        self.branches[branch] = sha
        return sha


@dataclass
class Fault:
    """What goes wrong with the next `times` requests whose path contains `part`."""

    part: str
    times: int
    status: int | None = None
    after_bytes: int | None = None
    method: str = ""


@dataclass
class FakeHub:
    """Repositories by name, faults to come, and what was asked."""

    repositories: dict[str, Repository] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)
    asked: list[tuple[str, str, dict[str, str]]] = field(default_factory=list)
    endpoint: str = ""

    def put(
        self,
        name: str,
        tables: Mapping[str, Mapping[str, Sequence[Mapping[str, Any]]]],
        features: Any,
        *,
        converted: bool = False,
    ) -> str:
        """Commit configurations -> splits -> rows, natively or as the hub converts scripts."""
        files: dict[str, bytes] = {}
        configs: dict[str, dict[str, str]] = {}
        for config, splits in tables.items():
            for split, rows in splits.items():
                file = f"{config}/{split}-00000-of-00001.parquet"
                file = f"{config}/{split}/0000.parquet" if converted else file
                files[file] = parquet(rows, features)
                configs.setdefault(config, {})[split] = f"{config}/{split}-*"
        repository = self.repositories.setdefault(name, Repository())
        if converted:
            repository.commit({"README.md": b"# A dataset\n", f"{name[-4:]}.py": b"script"})
            return repository.commit(files, CONVERTED)
        return repository.commit({"README.md": card(configs), **files})

    def of(self, path: str) -> list[tuple[str, str, dict[str, str]]]:
        """The requests whose path contains a part."""
        return [entry for entry in self.asked if path in entry[1]]


def _handler(hub: FakeHub) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *args: object) -> None:
            pass

        def do_HEAD(self) -> None:
            self._serve()

        def do_GET(self) -> None:
            self._serve()

        def _serve(self) -> None:
            path = unquote(self.path.partition("?")[0])
            hub.asked.append((self.command, path, {k.lower(): v for k, v in self.headers.items()}))
            fault = next(
                (
                    fault
                    for fault in hub.faults
                    if fault.part in path and fault.times > 0 and fault.method in ("", self.command)
                ),
                None,
            )
            if fault is not None and fault.status is not None:
                fault.times -= 1
                return self._answer(fault.status, b"down", {})
            api = path.startswith("/api/")
            rest = path.removeprefix("/api").removeprefix("/datasets/")
            owner, name, *tail = rest.split("/")
            repository = hub.repositories.get(f"{owner}/{name}")
            if repository is None:
                return self._answer(404, b"", {"X-Error-Code": "RepoNotFound"})
            if repository.gated:
                return self._answer(403, b"", {"X-Error-Code": "GatedRepo"})
            where = "/".join(tail[1:]) if tail else "main"
            commit, file = self._revision(repository, where)
            if commit is None:
                return self._answer(404, b"", {"X-Error-Code": "RevisionNotFound"})
            if api:
                return self._listing(f"{owner}/{name}", repository, commit, tail)
            return self._file(repository.commits[commit], commit, file)

        def _revision(self, repository: Repository, where: str) -> tuple[str | None, str]:
            for known, commit in (
                *repository.branches.items(),
                *((sha, sha) for sha in repository.commits),
            ):
                if where == known or where.startswith(f"{known}/"):
                    return commit, where.removeprefix(known).removeprefix("/")
            return None, ""

        def _listing(
            self, name: str, repository: Repository, commit: str, tail: Sequence[str]
        ) -> None:
            files = repository.commits[commit]
            body: Any = {"id": name, "sha": commit, "siblings": [{"rfilename": f} for f in files]}
            if tail and tail[0] == "tree":
                body = [
                    {"type": "file", "path": f, "size": len(b), "oid": hashlib.sha1(b).hexdigest()}
                    for f, b in sorted(files.items())
                ]
            headers = {"Content-Type": "application/json"}
            self._answer(200, json.dumps(body).encode(), headers)

        def _file(self, files: Mapping[str, bytes], commit: str, file: str) -> None:
            headers = {"X-Repo-Commit": commit, "Accept-Ranges": "bytes"}
            if file not in files:
                return self._answer(404, b"", headers | {"X-Error-Code": "EntryNotFound"})
            body = files[file]
            headers["ETag"] = f'"{hashlib.sha256(body).hexdigest()}"'
            start = int(self.headers.get("Range", "bytes=0-").removeprefix("bytes=").split("-")[0])
            if start:
                headers["Content-Range"] = f"bytes {start}-{len(body) - 1}/{len(body)}"
            return self._answer(206 if start else 200, body[start:], headers, file)

        def _answer(
            self, status: int, body: bytes, headers: Mapping[str, str], file: str = ""
        ) -> None:
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if self.command == "HEAD":
                return
            cut = next((f for f in hub.faults if file and f.part in file and f.times > 0), None)
            if cut is not None and cut.after_bytes is not None and len(body) > cut.after_bytes:
                cut.times -= 1
                self.wfile.write(body[: cut.after_bytes])
                self.wfile.flush()
                self.close_connection = True
                self.connection.close()
                return
            self.wfile.write(body)

    return Handler


@contextmanager
def serving() -> Iterator[FakeHub]:
    """A hub that answers at `endpoint` until the block ends."""
    hub = FakeHub()
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(hub))
    server.daemon_threads = True
    hub.endpoint = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield hub
    finally:
        server.shutdown()
        server.server_close()


def connect(monkeypatch: pytest.MonkeyPatch, cache: Any, endpoint: str) -> None:
    """Point this process's hub clients at an endpoint, with empty caches and no token."""
    import datasets
    from huggingface_hub import constants

    from waystation import hub_files

    monkeypatch.setattr(constants, "ENDPOINT", endpoint)
    monkeypatch.setattr(
        constants,
        "HUGGINGFACE_CO_URL_TEMPLATE",
        endpoint + "/{repo_id}/resolve/{revision}/{filename}",
    )
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", True)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(cache / "hub"))
    monkeypatch.setattr(constants, "HF_TOKEN_PATH", str(cache / "token"))
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", str(cache / "datasets"))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.delenv("HF_TOKEN", raising=False)
    monkeypatch.setattr(hub_files, "WAITS_S", (0.0, 0.0, 0.0, 0.0))
