"""Prediction: a model, a head and examples of one language to predictions.

Rows are batched by length under a token budget and come back in the order of the examples.
Kinds differ in their heads only; retrieval's search is part of its head. Nothing is scored here.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray

from waystation.batching import TOKENS, by_token_budget, collate
from waystation.errors import ModelError, StepFailed
from waystation.examples import Candidate, HeadSpec, Prediction
from waystation.heads import WHOLE_BATCH, Head, Row, build, pieces
from waystation.settings import Numerics

if TYPE_CHECKING:
    from waystation.model import Model


@dataclass
class Pool:
    """What the queries of a retrieval task search; its embeddings once they have been made."""

    candidates: Sequence[Candidate]
    outputs: list[Any] | None = field(default=None, repr=False)
    lengths: dict[str, int] = field(default_factory=dict)


def predict(
    model: Model,
    spec: HeadSpec,
    examples: Sequence[Any],
    numerics: Numerics,
    *,
    max_tokens: int,
    stride: int,
    language: str,
    pool: Pool | None = None,
    lengths: dict[str, int] | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> list[Prediction]:
    """Predictions aligned with `examples`, which are all in `language`.

    `pool` holds what queries search; its candidates are embedded once and then kept in it.
    `lengths` is filled with what was cut of the examples and of the pool.
    `progress(done, total)` counts rows, several per example for choices and windows. Raises
    ModelError for a head that the model does not have.
    """
    head = build(spec, model.tokenizer, max_tokens, stride)
    if spec.name not in model.heads:
        module = head.module(model.hidden_size, 0.0)
        if any(True for _ in module.parameters()):
            raise ModelError(
                f"expected a model trained for a {spec.kind} head with labels"
                f" {', '.join(spec.labels) or '(none)'}, found none; fine-tune it first."
            )
        model.heads[spec.name] = module
    torch.set_num_threads(int(numerics.threads))
    model.eval()

    def run(items: Sequence[Any]) -> tuple[list[Any], dict[str, int]]:
        head.cuts.clear()
        with memory_advice("predicting", f"{spec.kind} in {language}"):
            found = _outputs(model, head, items, numerics, max_tokens, progress)
        return found, pieces.lengths(head.cuts, len(items), sum(map(len, found)))

    if pool is not None and pool.outputs is None:
        pool.outputs, pool.lengths = run(pool.candidates)
    found, counted = run(examples)
    if lengths is not None:
        lengths.update(counted)
        if pool is not None:  # embedded here or for a language before: the same counts
            lengths.update({name: counted[name] + pool.lengths[name] for name in counted})
    if pool is None:
        return list(head.decode(examples, found))
    return list(head.decode([*examples, *pool.candidates], [*found, *(pool.outputs or ())]))


def _outputs(
    model: Model,
    head: Head[Any, Any],
    items: Sequence[Any],
    numerics: Numerics,
    max_tokens: int,
    progress: Callable[[int, int], None] | None,
) -> list[list[tuple[Row, Any]]]:
    """The rows of each item with what the head keeps of them."""
    encoded = head.encode(items, False)
    rows = [row for parts in encoded for row in parts]
    kept: list[list[Any]] = [[None] * len(parts) for parts in encoded]
    device = model.device
    shown, done = time.monotonic(), 0
    for batch in by_token_budget([len(row.tokens) for row in rows], TOKENS):
        part = [rows[i] for i in batch]
        with (
            torch.inference_mode(),
            torch.autocast(device.type, torch.bfloat16, enabled=numerics.precision == "bf16"),
        ):
            outputs = head.outputs(model, collate(part, model.pad_id, max_tokens, device))
        if not done and head.spec.kind in WHOLE_BATCH:
            _check_room(outputs[0], len(rows))
        for row, output in zip(part, outputs, strict=True):
            kept[row.example][row.part] = output
        done += len(batch)
        if progress and (time.monotonic() - shown > 0.2 or done == len(rows)):
            shown = time.monotonic()
            progress(done, len(rows))
    return [list(zip(parts, out, strict=True)) for parts, out in zip(encoded, kept, strict=True)]


def memory_bytes() -> int:
    """The machine's memory."""
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def _check_room(vectors: NDArray[np.float32], texts: int) -> None:
    """Refuses at once what the system would kill after hours: embeddings are all in memory."""
    wanted, there = vectors.nbytes * texts, memory_bytes()
    if wanted > there:
        raise StepFailed(
            f"expected room for the embeddings of {texts:,} texts under {len(vectors)} layers and"
            f" poolings, {wanted / 2**30:,.1f} GiB, found a machine of {there / 2**30:,.1f} GiB;"
            " name fewer `layers` or `pooling` of the target."
        )


@contextmanager
def memory_advice(doing: str, what: str) -> Iterator[None]:
    """Turn running out of memory into a sentence that names the settings to lower."""
    try:
        yield
    except (MemoryError, RuntimeError) as error:
        text = str(error).lower()
        lacking = isinstance(error, (MemoryError, torch.OutOfMemoryError))
        if not lacking and "allocate memory" not in text and "out of memory" not in text:
            raise
        advice = "`max_tokens`" if doing == "predicting" else "`micro_batch_size` or `max_tokens`"
        raise StepFailed(
            f"expected room for {doing} {what}, found memory exhausted; lower {advice}"
            " or run fewer jobs at once."
        ) from error


def rows_of(encoded: Sequence[Sequence[Row]]) -> Iterator[Row]:
    """All rows of encoded examples, in order."""
    for parts in encoded:
        yield from parts
