"""The transfer gap: how far the other languages stay behind English, and what a stop does to it.

The gap of a route is its score on English minus the mean over the other zero-shot languages (the
cross-lingual transfer gap of XTREME, Hu et al. 2020, section 5), with an interval over items and
seeds in which parallel items are paired (`statistics.score_interval`). A target without English
has none. Its change under a stop is a detail: it has an interval and no verdict.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from waystation.results import Score
from waystation.statistics import (
    Gain,
    Interval,
    Items,
    Sample,
    SeedNoise,
    paired_gain,
    score_interval,
    seed_noise,
    stop_noise,
)

ENGLISH: Final = "en"
SHARE: Final = 2
"""Intervals of details take one resample in this many."""


@dataclass(frozen=True, kw_only=True)
class Transfer:
    """English, the mean of the others, the gap between both, and its change under the stop.

    A change below 0 says that the stop brought the other languages nearer to English.
    """

    stop: str
    english: float
    others: float
    gap: Interval
    change: Gain | None = None


def transfers(
    scores: Sequence[Score],
    variant: str,
    stops: Sequence[str],
    others: Sequence[str],
    resampling: tuple[int, int],
) -> tuple[Transfer, ...]:
    """The gaps of one target and backbone; stops without all languages or shared seeds are out."""
    if not others:
        return ()
    samples = {stop: _samples(scores, stop, variant, (ENGLISH, *others)) for stop in stops}
    shares = {ENGLISH: 1.0} | dict.fromkeys(others, -1.0 / len(others))
    often, seed = max(1, resampling[0] // SHARE), resampling[1]
    gaps = {
        stop: score_interval(list(own.values()), resamples=often, seed=seed, shares=shares)
        for stop, own in samples.items()
        if own
    }
    fine_tuned = all(s.fine_tuned for s in scores)
    found = []
    for stop, gap in gaps.items():
        change = None
        before, after = _pairs(samples.get("none", {}), samples[stop], fine_tuned)
        if stop != "none" and before and _same(before, after):
            alike = [s for s in gaps if list(samples[s]) == list(samples[stop])]
            noise = _noise([gaps[s] for s in alike if fine_tuned or s != "none"], fine_tuned)
            change = paired_gain(
                before, after, noise=noise, resamples=often, seed=seed, shares=shares
            )
        english, rest = _means(list(samples[stop].values()), others)
        found.append(Transfer(stop=stop, english=english, others=rest, gap=gap, change=change))
    return tuple(found)


def _pairs(
    first: Mapping[int, Sample], chosen: Mapping[int, Sample], fine_tuned: bool
) -> tuple[list[Sample], list[Sample]]:
    """Baseline and stop of the same seeds; without fine-tuning the baseline is one model."""
    if first and not fine_tuned:
        one = next(iter(first.values()))
        return [first.get(n, one) for n in chosen], list(chosen.values())
    both = [n for n in chosen if n in first]
    return [first[n] for n in both], [chosen[n] for n in both]


def _noise(gaps: Sequence[Interval], fine_tuned: bool) -> SeedNoise | None:
    """The seed variance of a change, from all routes of the same seeds."""
    if len(gaps) < (3 if fine_tuned else 2):
        return None
    rows = np.array([gap.per_seed for gap in gaps], dtype=np.float64)
    return (seed_noise if fine_tuned else stop_noise)(rows)


def _samples(
    scores: Sequence[Score], stop: str, variant: str, languages: Sequence[str]
) -> dict[int, Sample]:
    """By seed, where every language is there."""
    values = {(s.seed, s.language): s for s in scores if (s.stop, s.variant) == (stop, variant)}
    found = {}
    for seed in sorted({n for n, _ in values}):
        if all((seed, t) in values for t in languages):
            chosen = {t: values[seed, t] for t in languages}
            items = {t: Items(s.statistics, s.groups, s.ids) for t, s in chosen.items()}
            found[seed] = Sample(metric=chosen[languages[0]].metric, languages=items)
    if len({tuple(x.languages[t].ids for t in languages) for x in found.values()}) > 1:
        return {}
    return found


def _same(before: Sequence[Sample], after: Sequence[Sample]) -> bool:
    return all(
        one.languages[t].ids == other.languages[t].ids
        for one, other in zip(before, after, strict=True)
        for t in one.languages
    )


def _means(samples: Sequence[Sample], others: Sequence[str]) -> tuple[float, float]:
    """English and the mean of the others, over seeds."""
    english, rest = [], []
    for sample in samples:
        values = {
            t: float(sample.metric.of_many(items.statistics.sum(axis=0)[None])[0])
            for t, items in sample.languages.items()
        }
        english.append(values[ENGLISH])
        rest.append(sum(values[t] for t in others) / len(others))
    return sum(english) / len(english), sum(rest) / len(rest)
