"""`waystation mine`: translations found between two files of sentences of the user's own.

Files hold one sentence a line, or `id<tab>text` (the layout of BUCC 2018). Empty lines and lines
that were there before are left out and counted: a text stands for its first line. Models and
mining come from below; here files are read and pairs are written. No torch at import.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from waystation import display, routes
from waystation.errors import DataError, UserError

if TYPE_CHECKING:
    from waystation.mining import Mined
    from waystation.settings import Numerics
    from waystation.store import Store

MAX_TOKENS: Final = 256
"""Longest sentence in tokens where no route says otherwise."""


@dataclass(frozen=True, kw_only=True)
class Request:
    """What the user asked for."""

    source: Path
    target: Path
    ids: bool
    backbone: str
    route: str | None
    layer: str
    pooling: str
    prefix: str | None
    margin: str
    neighbours: int
    select: str
    threshold: float | None


@dataclass(frozen=True, kw_only=True)
class Sentences:
    """One side: its different sentences with their ids, and what was left out."""

    file: Path
    lines: int
    empty: int
    duplicates: int
    ids: tuple[str, ...]
    texts: tuple[str, ...]

    def counts(self) -> dict[str, Any]:
        """For people and machines: what the file held."""
        return {
            "file": str(self.file),
            "lines": self.lines,
            "empty": self.empty,
            "duplicates": self.duplicates,
            "sentences": len(self.texts),
        }

    def __str__(self) -> str:
        return (
            f"{self.file}: {len(self.texts):,} sentences of {self.lines:,} lines"
            f" (left out: {self.empty:,} empty, {self.duplicates:,} duplicate)."
        )


def read_sentences(file: Path, ids: bool) -> Sentences:
    """The different sentences of a file. Raises DataError naming the line."""
    known: dict[str, str] = {}
    seen: dict[str, int] = {}
    lines = empty = duplicates = 0
    for lines, line in enumerate(_lines(file), 1):
        name, text = str(lines), line.strip()
        if ids and text:
            name, tab, text = line.partition("\t")
            name, text = name.strip(), text.strip()
            if not tab or not name:
                raise DataError(
                    "expected an id, a tab and a sentence, found"
                    f" {'no id' if tab else 'no tab'}; leave out --ids for plain sentences",
                    file,
                    lines,
                )
            if name in seen:
                raise DataError(
                    f"expected every id once, found '{name}' again, first in line {seen[name]};"
                    " correct the ids",
                    file,
                    lines,
                )
            seen[name] = lines
        empty += not text
        duplicates += text in known
        if text:
            known.setdefault(text, name)
    if not known:
        raise DataError("expected sentences, one a line, found none; check the file", file)
    return Sentences(
        file=file,
        lines=lines,
        empty=empty,
        duplicates=duplicates,
        ids=tuple(known.values()),
        texts=tuple(known),
    )


def _lines(file: Path) -> Iterator[str]:
    """Lines as `\\n` ends them: other separators of Unicode may stand inside sentences."""
    try:
        data = file.read_bytes()
    except OSError as error:
        raise UserError(
            f"expected a file of sentences at {file}, found '{error.strerror}'; check the path."
        ) from error
    lines = data.removeprefix(b"\xef\xbb\xbf").split(b"\n")
    if not lines[-1]:
        del lines[-1]
    for number, line in enumerate(lines, 1):
        try:
            yield line.decode("utf-8")
        except UnicodeDecodeError as error:
            raise DataError(
                f"expected UTF-8, found byte 0x{line[error.start]:02x} at {error.start}; convert"
                " the file (`iconv -t UTF-8`)",
                file,
                number,
            ) from error


def run(request: Request, store: Path, output: Path | None, *, json: bool) -> None:
    """Read, embed, mine, write; what was done goes to standard error or into the JSON."""
    layer = _layer(request.layer)
    if output is not None and not output.parent.is_dir():
        raise UserError(
            f"expected a folder to write {output.name} to at {output.parent}, found none; create"
            " it or correct -o."
        )
    sides = [read_sentences(file, request.ids) for file in (request.source, request.target)]
    for side in sides:
        _say(str(side))
    vectors, made = _embed(request, layer, sides, store)
    mined = _mine(request, vectors)
    kept = len(mined.scores)
    if request.threshold is not None:
        kept = int((mined.scores >= request.threshold).sum())
    pairs = list(_pairs(mined, sides, kept, request.ids))
    if output is not None:
        _write(output, "".join(f"{s}\t{a}\t{b}\n" for s, a, b in pairs))
    if json:
        found = _summary(request, sides, made) | {"mined": len(mined.scores), "kept": kept}
        listed = [{"score": float(s), "source": a, "target": b} for s, a, b in pairs]
        where = {"pairs": listed} if output is None else {"output": str(output)}
        display.as_json(found | where)
        return
    if output is None:
        for pair in pairs:
            print("\t".join(pair))
    limit = "" if request.threshold is None else f" of {len(mined.scores):,} at or above the"
    limit += "" if request.threshold is None else f" threshold {request.threshold:g}"
    counted = "1 pair" if kept == 1 else f"{kept:,} pairs"
    _say(f"{counted}{limit}{f' written to {output}' if output else ''}.")


def _layer(layer: str) -> int | None:
    if layer == "last":
        return None
    if layer.isdecimal():
        return int(layer)
    raise UserError(
        f"expected `last` or the number of a layer (0 is the embedding layer), found '{layer}';"
        " correct --layer."
    )


def _embed(
    request: Request, layer: int | None, sides: Sequence[Sentences], store: Path
) -> tuple[list[Any], dict[str, Any]]:
    """The vectors of both sides, and what made them."""
    from waystation.embed import Variant, embed
    from waystation.heads.pieces import POOLINGS

    if request.pooling not in POOLINGS:
        raise UserError(
            f"expected a pooling among {', '.join(POOLINGS)}, found '{request.pooling}'; correct"
            " --pooling."
        )
    model, numerics, max_tokens = _model(request, store)
    prefix = request.prefix
    if prefix is None:
        prefix = default_prefix(request.backbone) if request.route is None else ""
    variant = Variant(layer=layer, pooling=request.pooling, prefix=prefix)
    vectors, cut = [], 0
    for side in sides:
        with display.counting(f"embedding {side.file.name}", "sentences") as progress:
            made, long = embed(
                model, side.texts, variant, numerics, max_tokens=max_tokens, progress=progress
            )
        vectors.append(made)
        cut += long
    if cut:
        _say(f"Sentences of {max_tokens} tokens or more: {cut:,}; what is beyond is not read.")
    return vectors, asdict(variant) | {"max_tokens": max_tokens, "long": cut}


def default_prefix(backbone: str) -> str:
    """What the multilingual E5 models were trained to see before texts.

    Their cards ask for "query: " on both sides of symmetric tasks and name bitext mining
    (huggingface.co/intfloat/multilingual-e5-small, "FAQ"). The instruct model has no prefix.
    """
    name = backbone.partition("@")[0].rpartition("/")[2]
    return "query: " if name.startswith("multilingual-e5-") and "instruct" not in name else ""


def _model(request: Request, store: Path) -> tuple[Any, Numerics, int]:
    from waystation.resolve import numerics_of
    from waystation.settings import Numerics
    from waystation.store import Store

    if request.route is not None:
        opened: Store = Store.open(store)
        entry = routes.find(request.route, opened)
        spec = entry["spec"]
        model = routes.model_of(entry, opened)
        return model, Numerics.model_validate(spec["numerics"]), int(spec["max_tokens"])
    import torch

    from waystation import backbone

    source = backbone.locate(request.backbone, Path.cwd())
    model = backbone.load(source).to("cuda" if torch.cuda.is_available() else "cpu")
    numerics = Numerics.model_validate(numerics_of(Numerics(), {}))
    return model, numerics, min(MAX_TOKENS, source.max_tokens or MAX_TOKENS)


def _mine(request: Request, vectors: Sequence[Any]) -> Mined:
    from waystation.mining import mine

    with display.counting("comparing", "pairs") as progress:
        return mine(
            vectors[0],
            vectors[1],
            margin=request.margin,
            neighbours=request.neighbours,
            select=request.select,
            progress=progress,
        )


def _pairs(
    mined: Mined, sides: Sequence[Sentences], kept: int, ids: bool
) -> Iterator[tuple[str, str, str]]:
    """Score, source and target of the best `kept` pairs; a tab inside a text becomes a space."""
    names = [
        side.ids if ids else [t.replace("\t", " ").replace("\r", " ") for t in side.texts]
        for side in sides
    ]
    for score, i, j in zip(
        mined.scores[:kept], mined.sources[:kept], mined.targets[:kept], strict=True
    ):
        yield f"{score:.6f}", names[0][i], names[1][j]


def _summary(request: Request, sides: Sequence[Sentences], made: dict[str, Any]) -> dict[str, Any]:
    asked = {
        "backbone": request.backbone if request.route is None else None,
        "route": request.route,
        "margin": request.margin,
        "neighbours": request.neighbours,
        "select": request.select,
        "threshold": request.threshold,
    }
    made = made | {"layer": "last" if made["layer"] is None else made["layer"]}
    return {"source": sides[0].counts(), "target": sides[1].counts()} | asked | made


def _write(path: Path, text: str) -> None:
    from waystation.store import write_atomically

    try:
        write_atomically(path, text)
    except OSError as error:
        raise UserError(
            f"expected to write {path}, found '{error.strerror}'; make room or choose another -o."
        ) from error


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
