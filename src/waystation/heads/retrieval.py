"""Retrieval: from one forward pass to ranked neighbours or mined pairs, per layer and pooling.

A variant is a layer and a pooling, `8/mean`, compared by cosine; with a margin score added,
`8/mean/ratio`. Options: layers="all" (default; 0 is the embedding layer), "last" or "4,8,12";
pooling="mean,cls,words" (default mean); scoring="cosine,ratio,distance"; neighbours="4", what
margins average over. Mean pooling takes special tokens in, as the XTREME scripts do by default
(`third_party/evaluate_retrieval.py`, `--pool_skip_special_token` off), words leaves them out, cls
is the first token's state. (What the scripts of LAReQA and Mewsli-X train and compare is that
state after the pooler, a dense layer and a tanh, `third_party/bert.py`; cls has no pooler, since
other backbones and checkpoints have none.) A decoder's first token is never in a mean (see
`mean_states`), which also makes cls useless there.

Two kinds share this file. Of a bitext, the two sides are each other's candidates and both
directions are kept. Queries search a pool and keep its 20 nearest, or with search=mine the pairs
that the official selection takes (`waystation.mining`), each sentence once; texts that stand
several times on a side are embedded once and never paired, as the official BUCC script has it
(`third_party/utils_retrieve.py`, `read_sent2id`).

Trained, both are dual encoders: see `ranking.py`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from waystation.errors import ModelError, UserError
from waystation.examples import (
    BitextExample,
    Candidate,
    HeadSpec,
    Neighbours,
    QueryExample,
    RetrievalPrediction,
)
from waystation.heads import Row, ranking
from waystation.heads.pieces import POOLINGS, Cuts, encode_texts, pooled_by
from waystation.mining import MARGINS, NEIGHBOURS, Neighbourhood, margin_of, select_pairs
from waystation.search import nearest, nearest_both

if TYPE_CHECKING:
    from torch import Tensor

    from waystation.batching import Batch
    from waystation.model import Model

SCORINGS: Final = ("cosine", "ratio", "distance")
RANKED: Final = 20
"""Candidates kept per query: what mAP@20 looks at."""

Kept: TypeAlias = Sequence[Sequence[tuple[Row, Any]]]
Matrix: TypeAlias = NDArray[np.float32]


class Pair(NamedTuple):
    """A query and a candidate that answers it, to train on."""

    query: QueryExample
    candidate: Candidate


def build(spec: HeadSpec, tokenizer: Any, max_tokens: int, stride: int) -> Bitext | Query:
    """The head of a spec of kind bitext or query; `stride` is not used."""
    embedding = Embedding(spec, tokenizer, max_tokens)
    return Query(embedding) if spec.kind == "query" else Bitext(embedding)


class Embedding:
    """What both heads do alike: texts to one vector per variant of layer and pooling."""

    def __init__(self, spec: HeadSpec, tokenizer: Any, max_tokens: int) -> None:
        self.spec, self.tokenizer, self.max_tokens = spec, tokenizer, max_tokens
        self.cuts: Cuts = Cuts()
        self.poolings = _among(spec, "pooling", "mean", POOLINGS)
        self.ranking = ranking.Ranking.of(spec, self.poolings[0])
        mined = spec.option("search", "") == "mine"
        self.scorings = _among(spec, "scoring", "ratio" if mined else "cosine", SCORINGS)
        # Kept per sentence of a bitext, and what margins average over.
        self.neighbours = int(spec.option("neighbours", str(NEIGHBOURS)))
        self.variants: tuple[str, ...] = ()

    def rows(self, texts: Sequence[Sequence[str]]) -> list[list[Row]]:
        """One row per text of each item."""
        alone = [(text, None) for own in texts for text in own]
        flat = iter(encode_texts(self.tokenizer, alone, self.max_tokens, self.cuts))
        found = []
        for index, own in enumerate(texts):
            rows = []
            for part in range(len(own)):
                tokens, segments = next(flat)
                rows.append(Row(example=index, part=part, tokens=tokens, segments=segments))
            found.append(rows)
        return found

    def outputs(self, model: Model, batch: Batch) -> list[Any]:
        """float32[V, D] per row: its embedding under each variant."""
        states = model.layers(batch)
        layers = self._layers(len(states))
        self.variants = tuple(f"{layer}/{p}" for layer in layers for p in self.poolings)
        kept = [
            pooled_by(p, model, states[layer], batch) for layer in layers for p in self.poolings
        ]
        return list(torch.stack(kept, dim=1).cpu().numpy())  # B times [V, D]

    def loss(self, model: Model, batch: Batch) -> tuple[Tensor, float]:
        """(sum over the examples, their number) of finding each row's partner in the batch."""
        return ranking.loss(model, batch, self.ranking, self.max_tokens)

    def _layers(self, available: int) -> list[int]:
        option = self.spec.option("layers", "all")
        if option in ("all", "last"):
            return list(range(available))[0 if option == "all" else -1 :]
        layers = [int(layer) for layer in option.split(",")]
        for layer in layers:
            if not 0 <= layer < available:
                raise ModelError(
                    f"expected layers from 0 to {available - 1} (0 is the embedding layer), which"
                    f" is what this backbone has, found {layer}; correct the target's `layers`."
                )
        return layers

    def named(self, variant: str, scoring: str) -> str:
        """`8/mean`, or `8/mean/ratio` where it is not plain cosine."""
        return variant if scoring == "cosine" else f"{variant}/{scoring}"


def _among(spec: HeadSpec, option: str, default: str, known: tuple[str, ...]) -> tuple[str, ...]:
    values = tuple(spec.option(option, default).split(","))
    for value in values:
        if value not in known:
            raise UserError(
                f"expected a {option} among {', '.join(known)}, found '{value}'; correct the"
                f" target's `{option}`."
            )
    return values


class Bitext:
    """Sentences and their translations; see the module's docstring."""

    def __init__(self, embedding: Embedding) -> None:
        self.spec, self.embedding, self.cuts = embedding.spec, embedding, embedding.cuts

    def module(self, hidden_size: int, dropout: float) -> nn.Module:
        return nn.Identity()

    def encode(self, examples: Sequence[BitextExample], training: bool) -> list[list[Row]]:
        return self.embedding.rows([(e.source, e.target) for e in examples])

    def loss(self, model: Model, batch: Batch) -> tuple[Tensor, float]:
        return self.embedding.loss(model, batch)

    def outputs(self, model: Model, batch: Batch) -> list[Any]:
        return self.embedding.outputs(model, batch)

    def decode(self, examples: Sequence[BitextExample], outputs: Kept) -> list[RetrievalPrediction]:
        ids = [e.id for e in examples]
        found: list[dict[str, Neighbours]] = [{} for _ in examples]
        for v, variant in enumerate(self.embedding.variants):
            sources, targets = _side(outputs, 0, v), _side(outputs, 1, v)  # [N, D]
            forward, backward = nearest_both(sources, targets, self.embedding.neighbours)
            for scoring in self.embedding.scorings:
                ahead = _ranked(forward, backward, scoring)
                back = _ranked(backward, forward, scoring)
                for i, known in enumerate(found):
                    known[self.embedding.named(variant, scoring)] = Neighbours(
                        forward=tuple(ids[j] for j in ahead[0][i]),
                        forward_scores=_short(ahead[1][i]),
                        backward=tuple(ids[j] for j in back[0][i]),
                        backward_scores=_short(back[1][i]),
                    )
        return [
            RetrievalPrediction(id=e.id, variants=v) for e, v in zip(examples, found, strict=True)
        ]


class Query:
    """Queries and the pool they search, one after the other; see the module's docstring."""

    def __init__(self, embedding: Embedding) -> None:
        self.spec, self.embedding, self.cuts = embedding.spec, embedding, embedding.cuts

    def module(self, hidden_size: int, dropout: float) -> nn.Module:
        return nn.Identity()

    def encode(
        self, examples: Sequence[QueryExample | Candidate | Pair], training: bool
    ) -> list[list[Row]]:
        found = self.embedding.rows(
            [
                (_text(e.query), _text(e.candidate)) if isinstance(e, Pair) else (_text(e),)
                for e in examples
            ]
        )
        pairs = [(e, rows) for e, rows in zip(examples, found, strict=True) if isinstance(e, Pair)]
        known = {pair.candidate.id: rows[1].tokens.tobytes() for pair, rows in pairs}
        for pair, rows in pairs:  # other pairs' candidates may answer a query too
            right = tuple(known[name] for name in pair.query.relevant or () if name in known)
            if len(right) > 1:
                rows[0] = replace(rows[0], meta=right)
        return found

    def loss(self, model: Model, batch: Batch) -> tuple[Tensor, float]:
        return self.embedding.loss(model, batch)

    def outputs(self, model: Model, batch: Batch) -> list[Any]:
        return self.embedding.outputs(model, batch)

    def decode(
        self, examples: Sequence[QueryExample | Candidate], outputs: Kept
    ) -> list[RetrievalPrediction]:
        queries = [e for e in examples if isinstance(e, QueryExample)]
        pool = [e for e in examples if isinstance(e, Candidate)]
        search = self._mined if self.spec.option("search", "") == "mine" else self._nearest
        found: list[dict[str, Neighbours]] = [{} for _ in queries]
        for v, variant in enumerate(self.embedding.variants):
            sides = _side(outputs[: len(queries)], 0, v), _side(outputs[len(queries) :], 0, v)
            search(queries, pool, sides, variant, found)
        return [
            RetrievalPrediction(id=e.id, variants=v) for e, v in zip(queries, found, strict=True)
        ]

    def _nearest(
        self,
        queries: Sequence[QueryExample],
        pool: Sequence[Candidate],
        sides: tuple[Matrix, Matrix],
        variant: str,
        found: list[dict[str, Neighbours]],
    ) -> None:
        k = max(RANKED, self.embedding.neighbours)
        forward, backward = nearest(*sides, k), None
        for scoring in self.embedding.scorings:
            if scoring != "cosine" and backward is None:
                backward = nearest(sides[1], sides[0], self.embedding.neighbours)
            ranked = _ranked(forward, backward, scoring, self.embedding.neighbours)
            for i, known in enumerate(found):
                known[self.embedding.named(variant, scoring)] = Neighbours(
                    forward=tuple(pool[j].id for j in ranked[0][i][:RANKED]),
                    forward_scores=_short(ranked[1][i][:RANKED]),
                )

    def _mined(
        self,
        queries: Sequence[QueryExample],
        pool: Sequence[Candidate],
        sides: tuple[Matrix, Matrix],
        variant: str,
        found: list[dict[str, Neighbours]],
    ) -> None:
        left, right = _firsts([e.query for e in queries]), _firsts([c.text for c in pool])
        sources, targets = list(left), list(right)
        forward, backward = nearest_both(
            sides[0][sources], sides[1][targets], self.embedding.neighbours
        )
        around = (
            Neighbourhood(forward[0], forward[1].astype(np.float64)),
            Neighbourhood(backward[0], backward[1].astype(np.float64)),
        )
        for scoring in self.embedding.scorings:
            name = self.embedding.named(variant, scoring)
            for known in found:
                known[name] = Neighbours(forward=(), forward_scores=())
            margin = "absolute" if scoring == "cosine" else scoring
            mined = select_pairs(*around, margin=margin)
            for s, t, score in zip(mined.sources, mined.targets, mined.scores, strict=True):
                i, j = sources[s], targets[t]
                # The script keeps positive scores only; a text that repeats has no one id.
                if score > 0 and left[i] == 1 and right[j] == 1:
                    found[i][name] = Neighbours(
                        forward=(pool[j].id,), forward_scores=(float(score),)
                    )


def _text(item: QueryExample | Candidate) -> str:
    """What is embedded; a candidate's context follows at once, as in the official script."""
    if isinstance(item, QueryExample):
        return item.query
    return (item.text + item.context).replace("\n", "") if item.context else item.text


def _firsts(texts: Sequence[str]) -> dict[int, int]:
    """Position of each text's first occurrence -> how often it occurs."""
    where: dict[str, int] = {}
    counts: dict[int, int] = {}
    for position, text in enumerate(text.strip() for text in texts):
        first = where.setdefault(text, position)
        counts[first] = counts.get(first, 0) + 1
    return counts


def _side(outputs: Kept, part: int, variant: int) -> Matrix:
    """[N, D]: the embeddings of one part of each item under a variant."""
    return np.stack([kept[part][1][variant] for kept in outputs])


def _ranked(
    found: tuple[NDArray[np.int64], Matrix],
    other: tuple[NDArray[np.int64], Matrix] | None,
    scoring: str,
    neighbours: int | None = None,
) -> tuple[NDArray[np.int64], Matrix]:
    """The same candidates by falling score; margins average over the first `neighbours`."""
    positions, cosines = found
    if scoring == "cosine" or other is None:
        return positions, cosines
    assert scoring in MARGINS
    wide = cosines.astype(np.float64)
    own = wide[:, :neighbours].mean(axis=1)  # [N]
    theirs = other[1].astype(np.float64)[:, :neighbours].mean(axis=1)  # [M]
    scores = margin_of(wide, (own[:, None] + theirs[positions]) / 2, scoring)  # [N, k]
    order = np.argsort(-scores, axis=1, kind="stable")
    return (
        np.take_along_axis(positions, order, axis=1),
        np.take_along_axis(scores, order, axis=1).astype(np.float32),
    )


def _short(scores: NDArray[np.float32]) -> tuple[float, ...]:
    """float32 values as the shortest decimals that read back as the same float32."""
    return tuple(float(str(score)) for score in scores)
