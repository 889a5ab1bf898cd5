"""Translation ranking: the loss that trains both kinds of retrieval, and its hard negatives.

A dual encoder with shared weights: in a batch, each text is to find its own partner among all
partners (Chidambaram et al. 2018, arXiv 1810.12836), by cosines of the last layer under one
pooling. Queries look for candidates; of a bitext both sides look for each other, and the loss is
the mean of both directions. Texts that are equal, on either side, are no mistakes of each other,
and neither is a partner that a text is known to have beside its own.

Options of a stage's head: `scale`, what cosines are multiplied by (100 unless said, where the
official scripts begin to learn that factor, `third_party/bert.py`); `margin`, taken off the
cosine of the true pair (additive margin, Yang et al. 2019, arXiv 1902.08564, eq. 5);
`hard_negatives`, how many wrong partners stand in the softmax beside those of the batch: the
nearest wrong ones of each text by the model as it is when the stage begins, which every text of
the batch must tell from its own partner (Guo et al. 2018, arXiv 1807.11906, mine theirs with a
weaker model); `pooling`. They are mined once, not again each epoch.

Batches count whole, however many passes memory allows (Gao et al. 2021, arXiv 2101.06983):
embeddings are made again for their gradients.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional as F
from torch.utils.checkpoint import checkpoint

from waystation.batching import TOKENS, by_token_budget, collate
from waystation.errors import StepFailed
from waystation.heads import Row
from waystation.heads.pieces import pooled_by
from waystation.search import nearest

if TYPE_CHECKING:
    from torch import Tensor

    from waystation.batching import Batch
    from waystation.examples import HeadSpec
    from waystation.model import Model

SCALE: Final = 100.0
"""What cosines are multiplied by in the loss."""

Answers: TypeAlias = "dict[bytes, tuple[bytes, ...]]"
"""A text's tokens -> those of every text that is right for it."""


@dataclass(frozen=True, kw_only=True)
class Ranking:
    """How a head ranks while it is trained; see the module's docstring."""

    pooling: str
    both_ways: bool
    scale: float = SCALE
    margin: float = 0.0
    hard_negatives: int = 0

    @classmethod
    def of(cls, spec: HeadSpec, pooling: str) -> Ranking:
        """What the options of a head ask for."""
        return cls(
            pooling=pooling,
            both_ways=spec.kind == "bitext",
            scale=float(spec.option("scale", str(SCALE))),
            margin=float(spec.option("margin", "0")),
            hard_negatives=int(spec.option("hard_negatives", "0")),
        )


def loss(model: Model, batch: Batch, ranking: Ranking, max_tokens: int) -> tuple[Tensor, float]:
    """(sum over the examples, their number) of finding each row's partner in the batch."""
    rows = _each_once(batch.rows) if ranking.hard_negatives else list(batch.rows)
    device = batch.input_ids.device
    made = vectors(model, rows, ranking.pooling, max_tokens, device)
    embedded = F.normalize(made, dim=1)  # [M, D]
    parts: list[list[int]] = [[], [], [], []]  # texts, their partners, wrong texts and partners
    for i, row in enumerate(rows):
        parts[row.part if row.part < 2 else 2 + row.part % 2].append(i)
    left, right = parts[0], parts[1]
    # bf16 would round cosines times 100 to halves.
    with torch.autocast(device.type, enabled=False):
        scores = ranking.scale * embedded[left] @ embedded[right].T  # [N, N]
        beside = [_beside(embedded, rows, parts, part, ranking.scale) for part in (0, 1)]
    gold = torch.arange(len(left), device=scores.device)
    same = _equal(rows, left) | _equal(rows, right) | _right(rows, left, right)
    same.fill_diagonal_(False)
    scores = scores.masked_fill(same.to(device), -torch.inf)
    if ranking.margin:
        scores = scores - ranking.scale * ranking.margin * torch.eye(len(left), device=device)
    total = F.cross_entropy(torch.cat([scores, *beside[0]], dim=1), gold, reduction="sum")
    if ranking.both_ways:
        back = torch.cat([scores.T, *beside[1]], dim=1)
        total = (total + F.cross_entropy(back, gold, reduction="sum")) / 2
    return total, float(len(left))


def _each_once(rows: Sequence[Row]) -> list[Row]:
    """The pairs' rows, and each wrong text once that is not in the batch as it is."""
    known = {(row.part % 2, row.tokens.tobytes()) for row in rows if row.part < 2}
    kept = []
    for row in rows:
        key = (row.part % 2, row.tokens.tobytes())
        if row.part < 2 or key not in known:
            kept.append(row)
            known.add(key)
    return kept


def _beside(
    embedded: Tensor, rows: Sequence[Row], parts: Sequence[Sequence[int]], part: int, scale: float
) -> list[Tensor]:
    """[N, W]: scores of one side's texts with the wrong ones of the other; none without them."""
    wrong = parts[3 - part]
    if not wrong:
        return []
    scores = scale * embedded[list(parts[part])] @ embedded[list(wrong)].T  # [N, W]
    return [scores.masked_fill(_right(rows, parts[part], wrong).to(scores.device), -torch.inf)]


def _right(rows: Sequence[Row], texts: Sequence[int], others: Sequence[int]) -> Tensor:
    """[N, M]: whether others are among what is known to be right for each text."""
    places: dict[bytes, list[int]] = {}
    for place, j in enumerate(others):
        places.setdefault(rows[j].tokens.tobytes(), []).append(place)
    right = torch.zeros((len(texts), len(others)), dtype=torch.bool)
    for n, i in enumerate(texts):
        for answer in rows[i].meta or ():
            right[n, places.get(answer, [])] = True
    return right


def vectors(
    model: Model, rows: Sequence[Row], pooling: str, max_tokens: int, device: torch.device
) -> Tensor:
    """[M, D]: the rows' embeddings, in passes of which only the inputs are kept."""
    parts = by_token_budget([len(row.tokens) for row in rows], TOKENS)
    again = len(parts) > 1 and torch.is_grad_enabled()
    needed = torch.ones((), requires_grad=True)  # without an input that asks for it, no gradient

    def embed(_: Tensor, __: Tensor, inputs: Batch) -> Tensor:
        return pooled_by(pooling, model, model.states(inputs), inputs)

    made = []
    for part in parts:
        inputs = collate([rows[i] for i in part], model.pad_id, max_tokens, device)
        # `checkpoint` restores the random numbers of those devices only on which it is handed
        # a tensor: without one, dropout on a GPU would be drawn anew for the gradients.
        given = (needed, inputs.input_ids, inputs)
        # Reentrant, since that builds no graph at first: the nodes of a graph, small and kept,
        # come to lie between the large blocks that a pass gives back, which then fit no other.
        made.append(checkpoint(embed, *given, use_reentrant=True) if again else embed(*given))
    order = torch.tensor([i for part in parts for i in part], device=device)
    return torch.cat(made)[order.argsort()]


def _equal(rows: Sequence[Row], which: Sequence[int]) -> Tensor:
    """[N, N]: whether two of the rows are the same text."""
    known: dict[bytes, int] = {}
    texts = [known.setdefault(rows[i].tokens.tobytes(), len(known)) for i in which]
    text = torch.tensor(texts)
    return text[:, None] == text[None, :]


# -- hard negatives ------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Mined:
    """What the pairs of a stage are mined from.

    `pairs` are the rows of each pair, `others` texts that are nobody's partner, `more` says what
    else is right for a pair's text: the partners that it has beside its own.
    """

    pairs: Sequence[Sequence[Row]]
    others: Sequence[Row] = ()
    more: Sequence[Sequence[Row]] = ()


def with_negatives(
    model: Model, found: Mined, ranking: Ranking, max_tokens: int
) -> list[list[Row]]:
    """Each pair's rows with its hardest wrong partners behind them, nearest first.

    Even parts from 2 on are wrong texts, odd ones wrong partners. The first two rows carry what
    is right for them, so that nothing right is taken for a mistake. Raises StepFailed where a
    text has fewer wrong partners than asked for.
    """
    more = found.more or [()] * len(found.pairs)
    answers: Answers = {}
    askers: Answers = {}
    for (text, partner), others in zip(found.pairs, more, strict=True):
        for right in (partner, *others):
            _add(answers, text, right)
            _add(askers, right, text)
    sides = (
        _different(pair[0] for pair in found.pairs),
        _different([*(pair[1] for pair in found.pairs), *found.others]),
    )
    embedded = tuple(_embedded(model, side, ranking.pooling, max_tokens) for side in sides)
    known = (answers, askers)
    chosen: list[dict[bytes, list[Row]]] = [{}, {}]
    for side in (0, 1) if ranking.both_ways else (0,):
        chosen[side] = _nearest_wrong(
            (sides[side], embedded[side]),
            (sides[1 - side], embedded[1 - side]),
            known[side],
            ranking.hard_negatives,
        )
    return [_together(index, pair, chosen, known) for index, pair in enumerate(found.pairs)]


def _together(
    index: int,
    pair: Sequence[Row],
    chosen: Sequence[Mapping[bytes, Sequence[Row]]],
    known: Sequence[Answers],
) -> list[Row]:
    rows = [replace(row, meta=known[row.part][row.tokens.tobytes()]) for row in pair]
    for side, row in enumerate(pair):
        for n, wrong in enumerate(chosen[side].get(row.tokens.tobytes(), ())):
            rows.append(replace(wrong, example=index, part=2 + 2 * n + (1 - side), meta=None))
    return rows


def _add(answers: Answers, text: Row, right: Row) -> None:
    key, value = text.tokens.tobytes(), right.tokens.tobytes()
    if value not in answers.setdefault(key, ()):
        answers[key] += (value,)


def _different(rows: Iterable[Row]) -> dict[bytes, Row]:
    found: dict[bytes, Row] = {}
    for row in rows:
        found.setdefault(row.tokens.tobytes(), row)
    return found


def _embedded(
    model: Model, rows: Mapping[bytes, Row], pooling: str, max_tokens: int
) -> NDArray[np.float32]:
    training = model.training
    model.eval()
    with torch.inference_mode():
        made = vectors(model, list(rows.values()), pooling, max_tokens, model.device)
    model.train(training)
    return np.asarray(made.cpu().numpy(), dtype=np.float32)


def _nearest_wrong(
    asking: tuple[Mapping[bytes, Row], NDArray[np.float32]],
    asked: tuple[Mapping[bytes, Row], NDArray[np.float32]],
    answers: Answers,
    count: int,
) -> dict[bytes, list[Row]]:
    """The nearest `count` texts of the other side that are wrong for each text."""
    most = max(len(right) for right in answers.values())
    positions, _ = nearest(asking[1], asked[1], count + most)
    keys, rows = list(asked[0]), list(asked[0].values())
    found = {}
    for key, near in zip(asking[0], positions, strict=True):
        wrong = [rows[j] for j in near if keys[j] not in answers[key]][:count]
        if len(wrong) < count:
            raise StepFailed(
                f"expected {count} wrong partners (`hard_negatives`) for each training text, found"
                f" {len(wrong)} for one of them, since there are {len(keys)} different partners in"
                " all; lower `hard_negatives` or train on more examples."
            )
        found[key] = wrong
    return found
