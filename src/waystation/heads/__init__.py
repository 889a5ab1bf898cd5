"""What a head is, and the table that finds one for each kind of example.

A head is everything that turns a backbone into one kind of prediction: how examples become rows
of tokens, the loss, what is kept of a forward pass, and how the rows of an example become its
prediction. One file per kind hides windows (span, tagging), B x C choices, neighbour search and
generation. It receives the model, not its states, so a head may call it as often as it needs.
Examples come and go in bulk: a fast tokenizer is ten times faster on many texts, and retrieval
needs them all at once anyway.

Legend of shapes: B rows in a batch, T tokens, D hidden size, L labels.
"""

from __future__ import annotations

import importlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Protocol, TypeVar

from waystation.examples import HeadSpec

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from torch import Tensor, nn

    from waystation.batching import Batch
    from waystation.model import Model

E = TypeVar("E", contravariant=True)
P = TypeVar("P", covariant=True)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Row:
    """One sequence of tokens that enters the backbone; knows its example and its part of it.

    `tokens` is int32[T] with the special tokens; `segments` int32[T] are token type ids, None
    where all are 0. `gold` is what the loss needs of this row (a label's position, one label per
    token with -100 where there is none, a (start, end) pair), None at prediction. `meta` is what
    `outputs` and `decode` need, or what ranking knows to be right for a text.
    """

    example: int
    part: int
    tokens: NDArray[np.int32]
    segments: NDArray[np.int32] | None = None
    gold: Any = None
    meta: Any = None


class Head(Protocol[E, P]):
    """See the module's docstring. Built by `build(spec, tokenizer, max_tokens, stride)`."""

    spec: HeadSpec
    cuts: Counter[str]
    """What its inputs lost while it encoded them, see `pieces.Cuts`."""

    def module(self, hidden_size: int, dropout: float) -> nn.Module:
        """Fresh parameters, in a fixed order of random draws; an empty module where none."""

    def encode(self, examples: Sequence[E], training: bool) -> list[list[Row]]:
        """The rows of each example, aligned with `examples`.

        No rows in training drop the example (its answer is cut away); the caller counts them.
        """

    def loss(self, model: Model, batch: Batch) -> tuple[Tensor, float]:
        """(sum of losses, weight): dividing after adding makes accumulation exact."""

    def outputs(self, model: Model, batch: Batch) -> list[Any]:
        """What is kept of each row, as numpy arrays or numbers, in the order of the batch."""

    def decode(
        self, examples: Sequence[E], outputs: Sequence[Sequence[tuple[Row, Any]]]
    ) -> Sequence[P]:
        """The prediction of each example from its rows and their outputs."""


# kind -> "module:function" building a Head
HEADS: Final[dict[str, str]] = {
    "classification": "waystation.heads.classification:build",
    "regression": "waystation.heads.classification:build",
    "choice": "waystation.heads.choice:build",
    "tagging": "waystation.heads.tagging:build",
    "span": "waystation.heads.span:build",
    "bitext": "waystation.heads.retrieval:build",
    "query": "waystation.heads.retrieval:build",
    "text": "waystation.heads.text:build",
    "lm": "waystation.heads.lm:build",
}


# Kinds whose loss compares the examples of a batch: it gets all of them at once.
WHOLE_BATCH: Final = ("bitext", "query")


def build(spec: HeadSpec, tokenizer: Any, max_tokens: int, stride: int) -> Head[Any, Any]:
    """The head of a spec. Raises KeyError for a kind without one (checked at resolving)."""
    module, _, function = HEADS[spec.kind].partition(":")
    head: Head[Any, Any] = getattr(importlib.import_module(module), function)(
        spec, tokenizer, max_tokens, stride
    )
    return head
