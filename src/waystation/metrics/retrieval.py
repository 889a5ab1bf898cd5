"""Metrics of retrieval: accuracy over a bitext, mAP@20, and F1 of mined pairs.

All follow google-research/xtreme@838c13b and its order of arithmetic (divide, then times 100):

- Tatoeba (`third_party/utils_retrieve.py`, `similarity_search`): for each English sentence the
  nearest sentence of the language. That is `backward` here, where English is the target side.
- mAP@20 (`third_party/utils_lareqa.py`, and Mewsli-X's reciprocal rank in
  `third_party/utils_mewslix.py`, which is the same for one right answer): an id counts at its
  first rank only, and the divisor is at most 20.
- BUCC (`evaluate.py`, `bucc_f1`): F1 of the set of mined pairs, and `threshold_of`, which is
  `bucc_optimize` of `third_party/utils_retrieve.py`.

A prediction holds one variant here; `waystation.score` goes through layers and poolings and
applies the threshold. Does not search.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np

from waystation.errors import UserError
from waystation.examples import BitextExample, Neighbours, QueryExample
from waystation.metrics import Metric, Statistics
from waystation.metrics.labels import accuracies, f1_precision_recall, f1s, no_gold

DEPTH: Final = 20
"""Candidates that mAP@20 looks at."""


def _nearest(prediction: Neighbours, example: BitextExample, _: str) -> Statistics:
    backward, forward = prediction.backward, prediction.forward
    if not backward:
        raise UserError(
            f"expected the nearest source sentence of example '{example.id}', found no backward"
            " neighbour; predict again, or give one source id per English sentence."
        )
    return np.array(
        [
            backward[0] == example.id,
            1.0,
            bool(forward) and forward[0] == example.id,
            bool(forward),
        ],
        dtype=np.float64,
    )


def _both_ways(total: Statistics) -> dict[str, float]:
    """Leaves `accuracy_forward` out where no prediction searched that way."""
    right, count, right_forward, count_forward = total
    values = {"accuracy": float(right / count * 100) if count else 0.0}
    if count_forward:
        values["accuracy_forward"] = float(right_forward / count_forward * 100)
    return values


ACCURACY: Metric[Neighbours, BitextExample] = Metric(
    names=("accuracy", "accuracy_forward"),
    statistics=_nearest,
    reduce=_both_ways,
    headlines=accuracies,
)


def _relevant(example: QueryExample) -> tuple[str, ...]:
    if example.relevant is None:
        raise no_gold(example.id, "relevant candidates")
    return example.relevant


def average_precision(ranked: Sequence[str], relevant: Sequence[str], depth: int = DEPTH) -> float:
    """Average precision within the first `depth`; an id counts where it first stands.

    The ranks of repeated ids are used up all the same. 0 of an empty ranking.
    """
    wanted = frozenset(relevant)
    hits, score = 0.0, 0.0
    seen: set[str] = set()
    for rank, found in enumerate(ranked[:depth], 1):
        if found in wanted and found not in seen:
            hits += 1.0
            score += hits / rank
        seen.add(found)
    return score / min(len(wanted), depth)


def _average_precision(prediction: Neighbours, example: QueryExample, _: str) -> Statistics:
    relevant = _relevant(example)
    if not relevant:
        raise UserError(
            f"expected every query to have a relevant candidate, found none for '{example.id}';"
            " leave out queries that nothing answers."
        )
    return np.array([average_precision(prediction.forward, relevant), 1.0])


def _mean(total: Statistics) -> dict[str, float]:
    return {"map@20": float(total[0] / total[1] * 100) if total[1] else 0.0}


MAP20: Metric[Neighbours, QueryExample] = Metric(
    names=("map@20",), statistics=_average_precision, reduce=_mean, headlines=accuracies
)


def _pairs(prediction: Neighbours, example: QueryExample, _: str) -> Statistics:
    gold, found = frozenset(_relevant(example)), frozenset(prediction.forward)
    return np.array([len(gold & found), len(found), len(gold)], dtype=np.float64)


BUCC_F1: Metric[Neighbours, QueryExample] = Metric(
    names=("f1", "precision", "recall"),
    statistics=_pairs,
    reduce=f1_precision_recall,
    headlines=f1s,
)
"""F1 of the pairs that a threshold has left: every id still in `forward` is a mined pair."""


def threshold_of(scored: Sequence[tuple[float, bool]], gold_count: int) -> float:
    """The score from which on (inclusive) pairs are kept, so that their F1 is highest.

    `scored` holds (score, whether the pair is right), `gold_count` how many right pairs there are.
    Cuts are tried from the best score down, equal scores in the order given (cuts between them
    included, as officially), and a later cut wins only where its F1 is strictly higher. The
    threshold is the midpoint between the last pair kept and the first one dropped; where those
    two tie, the midpoint is their score and both are kept, as officially. 0 where nothing is
    right. After the last pair there is no midpoint (the official code raises IndexError): there
    it is the last pair's own score, which keeps every pair.
    """
    ordered = sorted(scored, key=lambda item: -item[0])
    threshold, best, right = 0.0, 0.0, 0
    for kept, (score, is_right) in enumerate(ordered, 1):
        right += is_right
        if not right:
            continue
        precision, recall = right / kept, right / gold_count
        f1 = 2 * precision * recall / (precision + recall)
        if f1 > best:
            below = ordered[kept][0] if kept < len(ordered) else score
            best, threshold = f1, (score + below) / 2
    return threshold
