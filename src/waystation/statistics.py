"""How sure a score or a gain is: intervals over items and seeds, correction over a grid, verdicts.

A gain is the mean over seeds of (macro average over languages of the stop's score - the same of
the baseline's). Its uncertainty has two sources, and leaving either out misleads: other test
items, and other training seeds. With S seeds and n items, write the gain of seed s as

    g_s = gain + A_s + mean_i(b_i) + mean_i(c_si)     A: seeds, b: items, c: items within a seed

    Var(mean_s g_s) = Var(A)/S + Var(b)/n + Var(c)/(S n)

- V_items, the paired bootstrap variance of mean_s g_s, estimates Var(b)/n + Var(c)/(S n). Both
  arms and all seeds are resampled together, by group; a group of one name in several languages
  is one cluster (parallel items). Languages that share no group are resampled apart. More than
  `MAX_POOLS` clusters are dealt out into as many pools first, which are then the clusters: sums
  of independent clusters have the same variance, whichever are added up first.
- V_seeds, the variance of the g_s divided by S, estimates Var(A)/S + Var(c)/(S n).
- V_shared = Var(c)/(S n) is in both. It is the bootstrap variance of the deviations g_s - mean,
  averaged over s, divided by S - 1, and is taken off once:

    Var = V_seeds + max(0, V_items - V_shared)

Two or three seeds say little about V_seeds. Where a target was fine-tuned after R >= 3 stops (the
baseline counts as one), `seed_noise` estimates it from all of them: the residual mean square of
the scores in a layout of R routes x S seeds, two-way without interaction, on (R - 1)(S - 1)
degrees of freedom instead of S - 1 (randomised blocks, Fisher 1935; for R = 2 both are the same
number). Where nothing is fine-tuned the baseline is one model and has no seed variance: then it
is the mean over R >= 2 stops of the variance between seeds, on R (S - 1) degrees of freedom
(`stop_noise`). Both assume that training noise is about equal after every stop.

The interval is gain +- t * sqrt(Var), t being the average of the t quantiles of both parts (S - 1
and groups - 1 degrees of freedom) weighted by their variances, as Cochran and Cox (1950) do for
two means of unequal variance, and never narrower than V_items alone allows. Welch-Satterthwaite
degrees of freedom were tried first: with two seeds they covered as little as 87% where 95% was
promised, because two close seeds then look like no seed variance at all. This rule covered 94%
or more for S = 2, 3, 5 (tests/test_statistics.py simulates it). p values invert the interval, so
the two never disagree.

With one seed no seed variance can be had: the interval covers items only and says so by the flag
`too_few_seeds`. Below `MIN_GROUPS` clusters the bootstrap itself is not to be trusted:
`too_few_items`; of a single cluster nothing follows, and its margin is 200 points. Floor 1:
numpy and scipy.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtrit

from waystation.metrics import Metric, Statistics, total

MIN_SEEDS: Final = 2
MIN_GROUPS: Final = 20
MAX_POOLS: Final = 500
LEVEL: Final = 0.05
POWER: Final = 0.8
_CHUNK: Final = 4_000_000  # cells of the weight matrix held at once: 32 MB
# What stands for an infinite margin, as large as any difference on a scale of -100 to 100, so
# that intervals stay finite numbers wherever they are written.
_UNBOUNDED: Final = 200.0

Verdict: TypeAlias = Literal[
    "gain", "loss", "no clear difference", "too few seeds", "too few items", "uninformative"
]
Floats: TypeAlias = NDArray[np.float64]


class Items(NamedTuple):
    """The test items of one language: float64[n, k], and n groups and ids in the same order."""

    statistics: Statistics
    groups: Sequence[str]
    ids: Sequence[str]


@dataclass(frozen=True, kw_only=True)
class Sample:
    """One seed's statistics of one metric on every language that is averaged over."""

    metric: Metric[Any, Any]
    languages: Mapping[str, Items]


@dataclass(frozen=True, kw_only=True)
class Interval:
    """A score with its 95% interval; `groups` counts the clusters that were resampled.

    `se_items` and `se_seeds` are the square roots of V_items and V_seeds (see above); they
    overlap, so that `se` is below their quadratic sum. `flags` may hold `too_few_seeds` (then
    `se_seeds` is 0 and the interval covers items only) and `too_few_items`.
    """

    value: float
    low: float
    high: float
    se: float
    se_items: float
    se_seeds: float
    seeds: int
    items: int
    groups: int
    per_seed: tuple[float, ...]
    flags: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Gain(Interval):
    """A difference; `detectable` is the smallest that would be found with 80% power at 5%."""

    p_value: float
    detectable: float


class SeedNoise(NamedTuple):
    """The variance of one seed's gain, with its degrees of freedom."""

    variance: float
    freedom: int


@dataclass(frozen=True)
class _Part:
    """A sum of independent variance estimates, each with its degrees of freedom."""

    variances: tuple[float, ...]
    freedoms: tuple[float, ...]

    @property
    def se(self) -> float:
        return min(math.sqrt(sum(self.variances)), _UNBOUNDED)

    def margin(self, tail: float) -> float:
        """How far the estimate strays with probability `tail` to one side."""
        variance = sum(self.variances)
        if variance == 0.0:
            return 0.0
        if math.isinf(variance):
            return _UNBOUNDED
        pairs = zip(self.variances, self.freedoms, strict=True)
        return -sum(v * float(stdtrit(df, tail)) for v, df in pairs) / math.sqrt(variance)

    def p_value(self, difference: float) -> float:
        """Two-sided: the level at which `margin` just reaches the difference."""
        if difference == 0.0 or math.isinf(sum(self.variances)):
            return 1.0
        low, high = math.log(1e-300), 0.0
        for _ in range(60):
            middle = (low + high) / 2
            if self.margin(math.exp(middle) / 2) > abs(difference):
                low = middle
            else:
                high = middle
        return math.exp(high)


class _Scores(NamedTuple):
    """Macro scores of C samples: as measured float64[C], resampled float64[R, C]."""

    measured: Floats
    resampled: Floats
    items: int
    groups: int
    pools: int
    freedom: int


def seed_noise(scores: Floats) -> SeedNoise | None:
    """The seed variance of a gain between any two of R routes, from their scores float64[R, S].

    None where there are fewer than two routes or two seeds.
    """
    routes, seeds = scores.shape
    if routes < 2 or seeds < MIN_SEEDS:
        return None
    residual = scores - scores.mean(axis=0) - scores.mean(axis=1, keepdims=True) + scores.mean()
    freedom = (routes - 1) * (seeds - 1)
    return SeedNoise(2 * float(np.sum(residual**2)) / freedom, freedom)


def stop_noise(scores: Floats) -> SeedNoise | None:
    """The seed variance of a gain over a baseline without any, from R stops' scores float64[R, S].

    None where there is no stop or fewer than two seeds.
    """
    stops, seeds = scores.shape
    if stops < 1 or seeds < MIN_SEEDS:
        return None
    variance = float(np.mean(np.var(scores, axis=1, ddof=1)))
    return SeedNoise(variance, stops * (seeds - 1))


def paired_gain(
    baseline: Sequence[Sample],
    stop: Sequence[Sample],
    *,
    noise: SeedNoise | None = None,
    resamples: int = 2000,
    seed: int = 0,
    shares: Mapping[str, float] | None = None,
) -> Gain:
    """The gain of a stop over the baseline. Sample s of both must be of the same training seed.

    `noise` is the seed variance where more routes than these two tell it (`seed_noise`). `shares`
    weigh the languages otherwise than alike (`score_interval`). Raises ValueError where the two
    arms are not on the same languages and items.
    """
    if len(baseline) != len(stop) or not baseline:
        raise ValueError(f"expected as many seeds in both arms, got {len(baseline)}, {len(stop)}")
    scores = _scores([*baseline, *stop], resamples, seed, shares)
    half = len(baseline)
    per_seed = scores.measured[half:] - scores.measured[:half]
    parts, fields = _spread(
        per_seed, scores.resampled[:, half:] - scores.resampled[:, :half], scores, noise
    )
    value = fields["value"]
    return Gain(
        **fields,
        p_value=max(part.p_value(value) for part in parts),
        detectable=min(
            max(part.margin(LEVEL / 2) + part.margin(1 - POWER) for part in parts), _UNBOUNDED
        ),
    )


def score_interval(
    samples: Sequence[Sample],
    *,
    resamples: int = 2000,
    seed: int = 0,
    shares: Mapping[str, float] | None = None,
) -> Interval:
    """The mean over seeds of the macro average over languages, with its interval.

    With `shares` it is the sum of the languages' scores times their shares instead: 1 for English
    and -1/m for each of m other languages give the transfer gap, parallel items paired.
    """
    if not samples:
        raise ValueError("expected at least one sample")
    scores = _scores(samples, resamples, seed, shares)
    return Interval(**_spread(scores.measured, scores.resampled, scores)[1])


def beats(score: Interval, floor: float) -> bool:
    """Whether the models behind a score are clearly above a floor, chance or majority.

    The question is about these trained models, not about other seeds, so that items alone count.
    """
    freedom = max(1, score.groups - 1)
    return score.value - _Part((score.se_items**2,), (freedom,)).margin(LEVEL) > floor


def correct(p_values: Sequence[float]) -> list[float]:
    """Holm's adjusted p values, in the order given.

    The family is one study's grid: every stop but the baseline times every target, one macro
    average over languages each. Per-language gains are not in it and get no verdict.
    """
    adjusted = [0.0] * len(p_values)
    largest = 0.0
    for rank, i in enumerate(sorted(range(len(p_values)), key=lambda i: p_values[i])):
        largest = max(largest, min(1.0, (len(p_values) - rank) * p_values[i]))
        adjusted[i] = largest
    return adjusted


def verdict(gain: Gain, adjusted_p: float, *, informative: bool = True) -> Verdict:
    """The word for a gain, from its interval, the corrected p value and nothing else.

    `informative` is False where neither arm `beats` the larger of chance and majority: then no
    difference between the two says anything about transfer.
    """
    if not informative:
        return "uninformative"
    if "too_few_items" in gain.flags:
        return "too few items"
    if "too_few_seeds" in gain.flags:
        return "too few seeds"
    if adjusted_p >= LEVEL:
        return "no clear difference"
    return "gain" if gain.value > 0 else "loss"


def _spread(
    per_seed: Floats, resampled: Floats, scores: _Scores, noise: SeedNoise | None = None
) -> tuple[tuple[_Part, ...], dict[str, Any]]:
    """The variance parts of a mean over seeds, and the fields of its `Interval`."""
    seeds = len(per_seed)
    flags = ("too_few_seeds",) * (seeds < MIN_SEEDS)
    flags += ("too_few_items",) * (scores.groups < MIN_GROUPS)
    # A bootstrap over G clusters has variance (G - 1)/G of what it should have.
    scale = scores.pools / scores.freedom if scores.freedom else math.inf
    mean = resampled.mean(axis=1)
    v_items = _variance(mean) * scale if scores.freedom else math.inf
    parts: tuple[_Part, ...] = (_Part((v_items,), (max(1, scores.freedom),)),)
    v_seeds = 0.0
    if seeds >= MIN_SEEDS and scores.freedom:
        own = SeedNoise(float(np.var(per_seed, ddof=1)), seeds - 1)
        v_seeds, freedom = (noise or own).variance / seeds, (noise or own).freedom
        deviations = resampled - mean[:, None]
        v_shared = float(np.mean([_variance(d) for d in deviations.T])) * scale / (seeds - 1)
        both = _Part((v_seeds, max(0.0, v_items - v_shared)), (freedom, scores.freedom))
        parts += (both,)
    value = float(np.mean(per_seed))
    margin = max(part.margin(LEVEL / 2) for part in parts)
    return parts, {
        "value": value,
        "low": value - margin,
        "high": value + margin,
        "se": max(part.se for part in parts),
        "se_items": parts[0].se,
        "se_seeds": math.sqrt(v_seeds),
        "seeds": seeds,
        "items": scores.items,
        "groups": scores.groups,
        "per_seed": tuple(float(g) for g in per_seed),
        "flags": flags,
    }


def _variance(values: Floats) -> float:
    return float(np.var(values, ddof=1))


def _scores(
    samples: Sequence[Sample],
    resamples: int,
    seed: int,
    shares: Mapping[str, float] | None = None,
) -> _Scores:
    """Macro scores of all samples on the items as they are and on the same resampled items."""
    languages, metric = _aligned(samples), samples[0].metric
    sums = [[total(s.languages[x].statistics) for x in languages] for s in samples]
    headline = metric.names[0]
    scores = np.array([[metric.reduce(t)[headline] for t in row] for row in sums])
    by_share = None if shares is None else np.array([shares[x] for x in languages])
    measured = scores.mean(axis=1) if by_share is None else scores @ by_share
    resampled = np.zeros((resamples, len(samples)))
    groups = pools = 0
    families = _families(samples[0], languages)
    for number, family in enumerate(families):
        clusters = _clusters(samples[0], family)
        size = min(len(clusters), MAX_POOLS)
        groups, pools = groups + len(clusters), pools + size
        pooled = [
            (shares[x] if shares else 1.0, _pool_sums(samples, x, clusters, size)) for x in family
        ]
        rng = np.random.default_rng([seed, number])
        for rows, weights in _weights(rng, resamples, size):
            for share, pool_sums in pooled:
                totals = (weights @ pool_sums).reshape(len(weights) * len(samples), -1)
                resampled[rows] += share * metric.of_many(totals).reshape(-1, len(samples))
    return _Scores(
        measured=measured,
        resampled=resampled if shares else resampled / len(languages),
        items=sum(len(samples[0].languages[x].ids) for x in languages),
        groups=groups,
        pools=pools,
        freedom=pools - len(families),
    )


def _aligned(samples: Sequence[Sample]) -> list[str]:
    """The languages of all samples, after checking that each has the same items in each."""
    first = samples[0].languages
    if not first:
        raise ValueError("expected at least one language")
    for sample in samples:
        if set(sample.languages) != set(first):
            raise ValueError("expected the same languages in every sample")
        if sample.metric.names != samples[0].metric.names:
            raise ValueError("expected the same metric in every sample")
        for language, items in sample.languages.items():
            same = list(items.ids) == list(first[language].ids)
            if not same or len(items.statistics) != len(items.groups):
                raise ValueError(f"expected the same items in every sample of {language}")
            if not len(items.ids) == len(items.groups) > 0:
                raise ValueError(f"expected one group per id and some items in {language}")
    return sorted(first)


def _families(sample: Sample, languages: Sequence[str]) -> list[list[str]]:
    """Languages joined wherever they share a group, directly or through others."""
    families: list[tuple[list[str], set[str]]] = []
    for language in languages:
        names, members = set(sample.languages[language].groups), [language]
        apart = []
        for family, theirs in families:
            if theirs.isdisjoint(names):
                apart.append((family, theirs))
            else:
                members, names = [*family, *members], names | theirs
        families = [*apart, (members, names)]
    return sorted(sorted(members) for members, _ in families)


def _clusters(sample: Sample, family: Sequence[str]) -> dict[str, int]:
    """Group name -> position, in the order of first appearance."""
    names = dict.fromkeys(g for language in family for g in sample.languages[language].groups)
    return {name: position for position, name in enumerate(names)}


def _pool_sums(
    samples: Sequence[Sample], language: str, clusters: Mapping[str, int], pools: int
) -> Floats:
    """float64[G, C * k]: the statistics of one language summed by pool, samples side by side."""
    side_by_side = np.hstack([s.languages[language].statistics for s in samples])
    where = [clusters[g] % pools for g in samples[0].languages[language].groups]
    sums = np.zeros((pools, side_by_side.shape[1]))
    np.add.at(sums, where, side_by_side)
    return sums


def _weights(
    rng: np.random.Generator, resamples: int, groups: int
) -> Iterator[tuple[slice, Floats]]:
    """How often each resample draws each cluster, float64[r, G], some resamples at a time."""
    step = max(1, _CHUNK // groups)
    for start in range(0, resamples, step):
        rows = min(step, resamples - start)
        drawn = rng.integers(0, groups, size=(rows, groups))
        drawn += np.arange(rows)[:, None] * groups
        counts = np.bincount(drawn.ravel(), minlength=rows * groups).reshape(rows, groups)
        yield slice(start, start + rows), counts.astype(np.float64)
