"""Scores and gains by bucket: where on a target a stop helps, and where it costs.

For each feature of a target's items (`waystation.buckets`) and each bucket, the mean over the
zero-shot languages that have at least `FEWEST` items in the bucket, and the gain of every stop
with its interval. Like all details they get no verdict: there are many, and of every twenty about
one leaves out 0 by chance alone. Pure.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final, NamedTuple

import numpy as np

from waystation.buckets import Aspects, Feature
from waystation.excerpts import Run
from waystation.metrics import total
from waystation.report.analysis import BASELINE, MEAN, Analysis, Cell, Part, cell_of, means_of
from waystation.results import Results, Score

FEWEST: Final = 5
"""Items (or chunks) of a bucket below which a language is left out of it."""
RESAMPLES: Final = 300


@dataclass(frozen=True, kw_only=True)
class Bucket:
    """One bucket: how many items of how many languages, and what each stop does there."""

    name: str
    items: int
    languages: tuple[str, ...]
    means: Mapping[str, float]
    cells: tuple[Cell, ...]

    def cell(self, stop: str) -> Cell | None:
        """The gain of a stop in this bucket; None for the baseline."""
        return next((c for c in self.cells if c.stop == stop), None)


@dataclass(frozen=True, kw_only=True)
class Breakdown:
    """One target on one backbone by one feature; buckets without enough items are not there."""

    backbone: str
    target: str
    feature: str
    meaning: str
    buckets: tuple[Bucket, ...]


class Sliced(NamedTuple):
    """One route's score on one bucket of one language."""

    feature: Feature
    bucket: int
    items: int
    score: Score


def breakdowns(analysis: Analysis, aspects: Sequence[Aspects]) -> tuple[Breakdown, ...]:
    """Every feature of every target, in the order of targets and features."""
    return tuple(
        table
        for part in analysis.parts
        for table in _of_part(
            analysis.results, part, [a for a in aspects if a.target == part.target]
        )
    )


def _of_part(results: Results, part: Part, aspects: Sequence[Aspects]) -> Iterator[Breakdown]:
    slices: dict[str, dict[str, list[Sliced]]] = {}
    for aspect in aspects:
        if aspect.language in part.languages:
            for one in sliced(_scores(results, part, aspect.language), aspect):
                buckets = slices.setdefault(one.feature.name, {})
                buckets.setdefault(one.feature.buckets[one.bucket], []).append(one)
    for name, buckets in slices.items():
        features = [one.feature for found in buckets.values() for one in found]
        order = dict.fromkeys(b for f in features for b in f.buckets)
        found = [_bucket(results, part, b, buckets[b]) for b in order if b in buckets]
        kept = tuple(b for b in found if b is not None)
        if kept:
            yield Breakdown(
                backbone=part.backbone,
                target=part.target,
                feature=name,
                meaning=features[0].meaning,
                buckets=kept,
            )


def _scores(results: Results, part: Part, language: str) -> list[Score]:
    wanted = (part.backbone, part.target, language, part.variant)
    return [s for s in results.scores if (s.backbone, s.target, s.language, s.variant) == wanted]


def sliced(scores: Sequence[Score], aspect: Aspects) -> Iterator[Sliced]:
    """Each score on each bucket of its language; scores over other items are left out."""
    for feature in aspect.features:
        for score in scores:
            if score.ids != aspect.ids:
                continue
            for bucket in range(len(feature.buckets)):
                found = _slice(score, feature, bucket)
                if found is not None:
                    yield found


def _slice(score: Score, feature: Feature, bucket: int) -> Sliced | None:
    if feature.parts:
        run = Run(score.backbone, score.stop, score.seed)
        items = feature.counts[bucket]
        if run not in feature.parts or not items:
            return None
        statistics = feature.parts[run][:, bucket]
        ids, groups = score.ids, score.groups
    else:
        at = [i for i, place in enumerate(feature.places) if place == bucket]
        items = len(at)
        if not items:
            return None
        statistics = score.statistics[at]
        ids, groups = tuple(score.ids[i] for i in at), tuple(score.groups[i] for i in at)
    value = score.metric.reduce(np.asarray(total(statistics)))[score.metric.names[0]]
    values = {score.headline: float(value)}
    narrow = replace(score, ids=ids, groups=groups, statistics=statistics, values=values)
    return Sliced(feature, bucket, items, narrow)


def _bucket(results: Results, part: Part, name: str, slices: Sequence[Sliced]) -> Bucket | None:
    items = {one.score.language: one.items for one in slices}
    languages = tuple(t for t in part.languages if items.get(t, 0) >= FEWEST)
    if not languages:
        return None
    scores = [one.score for one in slices if one.score.language in languages]
    means, seeds = means_of(scores, languages)
    narrow = replace(
        part, languages=languages, apart=(), means=means, seeds=seeds, bounds={}, cells=()
    )
    stops = [s for s in results.stops if s != BASELINE]
    return Bucket(
        name=name,
        items=sum(items[t] for t in languages),
        languages=languages,
        means={
            stop: means[stop, part.variant, MEAN]
            for stop in results.stops
            if (stop, part.variant, MEAN) in means
        },
        cells=tuple(
            cell_of(narrow, scores, stop, part.variant, MEAN, (RESAMPLES, 0)) for stop in stops
        ),
    )
