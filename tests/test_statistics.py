"""Intervals, p values and verdicts; coverage is checked by simulation."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import t as student
from scipy.stats import ttest_rel

from waystation.metrics import Metric, Statistics
from waystation.metrics.labels import ACCURACY
from waystation.metrics.tagging import UDPOS_F1
from waystation.statistics import (
    Gain,
    Items,
    Sample,
    beats,
    correct,
    paired_gain,
    score_interval,
    seed_noise,
    stop_noise,
    verdict,
)

MEAN: Metric[object, object] = Metric(
    names=("mean",),
    statistics=lambda prediction, example, language: np.zeros(2),
    reduce=lambda total: {"mean": float(total[0] / total[1])},
    headlines=lambda totals: totals[:, 0] / totals[:, 1],
)


def sample(groups: list[str] | None = None, **languages: np.ndarray) -> Sample:
    """One seed with these item values per language."""
    items = {}
    for language, values in languages.items():
        ids = [f"{language}{i}" for i in range(len(values))]
        statistics = np.stack([values, np.ones(len(values))], axis=1)
        items[language] = Items(statistics, groups or ids, ids)
    return Sample(metric=MEAN, languages=items)


def arms(
    rng: np.random.Generator, seeds: int, items: int, *, gain: float = 0.0, **sd: float
) -> tuple[list[Sample], list[Sample]]:
    """Both arms; the difference has noise of `seed`, `item` and `interaction`, by default 0."""
    common = rng.normal(50, 20, items)
    shared = rng.normal(0, sd.get("item", 0.0), items)
    baseline, stop = [], []
    for _ in range(seeds):
        mine = common + rng.normal(0, 5, items)
        shift = gain + rng.normal(0, sd.get("seed", 0.0))
        own = rng.normal(0, sd.get("interaction", 0.0), items)
        baseline.append(sample(de=mine))
        stop.append(sample(de=mine + shift + shared + own))
    return baseline, stop


def coverage(runs: int, seeds: int, items: int, **sd: float) -> tuple[float, float]:
    """The share of 95% intervals that hold the true gain, and the same for items alone."""
    rng = np.random.default_rng(seeds)
    inside = items_only = 0
    for run in range(runs):
        found = paired_gain(*arms(rng, seeds, items, gain=1.0, **sd), resamples=200, seed=run)
        inside += found.low <= 1.0 <= found.high
        items_only += abs(found.value - 1.0) <= 1.96 * found.se_items
    return inside / runs, items_only / runs


@pytest.mark.parametrize("seeds", [2, 3, 5])
def test_coverage(seeds: int) -> None:
    """Item noise of 0.5, interaction of 0.5 and seed noise of 1.5 in the mean of one seed."""
    both, items_only = coverage(250, seeds, 100, item=5.0, interaction=5.0, seed=1.5)
    assert both >= 0.91
    assert items_only < 0.8  # what intervals without seed variance are worth


@pytest.mark.slow
@pytest.mark.parametrize("seeds", [2, 3, 5])
@pytest.mark.parametrize("interaction", [0.0, 5.0, 20.0])
@pytest.mark.parametrize("seed_noise", [0.0, 0.5, 1.0, 3.0])
def test_coverage_over_the_grid(seeds: int, interaction: float, seed_noise: float) -> None:
    """1,000 studies each: the standard error of a coverage of 95% is 0.7 points."""
    both, _ = coverage(1000, seeds, 100, item=5.0, interaction=interaction, seed=seed_noise)
    assert both >= 0.93


def coverage_of_routes(runs: int, seeds: int, spread: tuple[float, ...]) -> float:
    """How often intervals with the seed noise of all routes cover the gain of the last one.

    `spread` is the standard deviation of training noise after each route, baseline first.
    """
    rng = np.random.default_rng([11, seeds, len(spread)])
    inside = 0
    for run in range(runs):
        shape = (len(spread), seeds, 100)
        items = rng.normal(0, 5, (len(spread), 1, 100)) + rng.normal(0, 5, shape)
        training = rng.normal(0, 1, shape[:2]) * np.array(spread)[:, None]
        values = 50 + rng.normal(0, 2, (1, seeds, 1)) + training[:, :, None] + items
        values[-1] += 1.0
        samples = [[sample(de=v) for v in route] for route in values]
        noise = seed_noise(values.mean(axis=2))
        found = paired_gain(samples[0], samples[-1], noise=noise, resamples=200, seed=run)
        inside += found.low <= 1.0 <= found.high
    return inside / runs


@pytest.mark.slow
@pytest.mark.parametrize("seeds", [2, 3, 5])
@pytest.mark.parametrize("spread", [(0.0,) * 4, (1.0,) * 3, (1.5,) * 4, (3.0,) * 8])
def test_coverage_with_the_seed_noise_of_all_routes(seeds: int, spread: tuple[float, ...]) -> None:
    assert coverage_of_routes(1000, seeds, spread) >= 0.93


@pytest.mark.slow
@pytest.mark.parametrize("seeds", [2, 3])
@pytest.mark.parametrize("spread", [0.0, 1.5, 4.0])
def test_coverage_over_a_baseline_that_is_one_model(seeds: int, spread: float) -> None:
    """Three stops, one fixed baseline: retrieval without fine-tuning."""
    rng = np.random.default_rng([13, seeds])
    inside, runs = 0, 1000
    for run in range(runs):
        base = rng.normal(50, 5, 100)
        items = rng.normal(0, 5, (3, 1, 100)) + rng.normal(0, 5, (3, seeds, 100))
        stops = base + 1.0 + rng.normal(0, spread, (3, seeds, 1)) + items
        found = paired_gain(
            [sample(de=base)] * seeds,
            [sample(de=v) for v in stops[0]],
            noise=stop_noise(stops.mean(axis=2)),
            resamples=200,
            seed=run,
        )
        inside += found.low <= 1.0 <= found.high
    assert inside / runs >= 0.93


@pytest.mark.slow
@pytest.mark.parametrize("seeds", [2, 3, 5])
def test_noise_that_doubles_after_one_stop_costs_some_coverage(seeds: int) -> None:
    """What the assumption of equal noise is worth: 95% promised, at least 89% kept."""
    assert coverage_of_routes(1000, seeds, (1.5, 1.5, 1.5, 3.0)) >= 0.89


def test_the_seed_noise_of_two_routes_is_their_own() -> None:
    scores = np.random.default_rng(5).normal(50, 3, (2, 4))
    found = seed_noise(scores)
    assert found is not None
    assert found.variance == pytest.approx(float(np.var(scores[1] - scores[0], ddof=1)))
    assert found.freedom == 3
    more = seed_noise(np.vstack([scores, scores[:1]]))
    assert more is not None
    assert more.freedom == 6
    assert seed_noise(scores[:1]) is None
    assert seed_noise(scores[:, :1]) is None
    alone = stop_noise(scores[:1])
    assert alone is not None
    assert alone.variance == pytest.approx(float(np.var(scores[0], ddof=1)))
    assert alone.freedom == 3
    assert stop_noise(scores[:, :1]) is None


@pytest.mark.slow
def test_coverage_with_clusters_over_languages() -> None:
    """Two languages of the same 60 paragraphs, three questions each, noise by paragraph."""
    rng = np.random.default_rng(7)
    groups = [f"p{i // 3}" for i in range(180)]
    inside = 0
    runs = 1000
    for run in range(runs):
        paragraph = np.repeat(rng.normal(0, 6, 60), 3)
        baseline, stop = [], []
        for _ in range(3):
            shift = 1.0 + rng.normal(0, 0.5)
            languages = {x: paragraph + rng.normal(shift, 6, 180) for x in ("de", "hi")}
            baseline.append(sample(groups, de=np.zeros(180), hi=np.zeros(180)))
            stop.append(sample(groups, **languages))
        found = paired_gain(baseline, stop, resamples=200, seed=run)
        inside += found.low <= 1.0 <= found.high
    assert inside / runs >= 0.93


def test_one_seed_equals_the_paired_t_test() -> None:
    rng = np.random.default_rng(3)
    before, after = rng.normal(50, 10, 400), rng.normal(51, 10, 400)
    found = paired_gain([sample(de=before)], [sample(de=after)], resamples=20_000)
    expected = ttest_rel(after, before)
    low, high = expected.confidence_interval()
    assert found.value == pytest.approx(float(np.mean(after - before)))
    assert (found.low, found.high) == (pytest.approx(low, rel=0.05), pytest.approx(high, rel=0.05))
    assert found.p_value == pytest.approx(expected.pvalue, rel=0.2)
    assert found.flags == ("too_few_seeds",)
    assert found.se_seeds == 0.0


def test_many_items_leave_the_t_test_over_seeds() -> None:
    """Without item noise, S seeds are S numbers: the textbook interval with S - 1 freedoms."""
    rng = np.random.default_rng(4)
    baseline, stop = arms(rng, 4, 200, gain=2.0, seed=1.0)
    found = paired_gain(baseline, stop)
    gains = np.array(found.per_seed)
    half = student.ppf(0.975, 3) * gains.std(ddof=1) / 2
    assert found.high - found.value == pytest.approx(half, rel=1e-6)
    assert found.se_seeds == pytest.approx(gains.std(ddof=1) / 2)
    assert found.se_items == pytest.approx(0.0, abs=1e-9)


def test_interaction_is_not_counted_twice() -> None:
    """All noise is of items within seeds: V_items and V_seeds see the same and do not add up."""
    rng = np.random.default_rng(5)
    found = paired_gain(*arms(rng, 40, 100, interaction=20.0))
    assert found.se == pytest.approx(20 / math.sqrt(100 * 40), rel=0.25)
    assert found.se < 0.85 * math.hypot(found.se_items, found.se_seeds)


def test_p_value_inverts_the_interval() -> None:
    rng = np.random.default_rng(6)
    for run in range(40):
        gain = rng.uniform(-3, 3)
        found = paired_gain(
            *arms(rng, 3, 80, gain=gain, item=5.0, seed=0.5), resamples=200, seed=run
        )
        assert (found.p_value < 0.05) == (not found.low <= 0 <= found.high)


def test_detectable_is_found_with_the_promised_power() -> None:
    """With known noise: (t.975 + t.8) x se, here close to 2.8 standard errors."""
    rng = np.random.default_rng(8)
    found = paired_gain(*arms(rng, 30, 2000, item=40.0, interaction=1.0), resamples=1000)
    assert found.detectable == pytest.approx(2.8 * found.se, rel=0.02)


def test_equal_arms_gain_nothing() -> None:
    baseline, _ = arms(np.random.default_rng(9), 3, 50)
    found = paired_gain(baseline, baseline)
    assert (found.value, found.low, found.high, found.se, found.p_value) == (0, 0, 0, 0, 1)
    assert verdict(found, 1.0) == "no clear difference"


def test_pairing_removes_what_both_arms_share() -> None:
    baseline, stop = arms(np.random.default_rng(10), 3, 300, item=1.0)
    assert paired_gain(baseline, stop).se < 0.2 * score_interval(baseline).se


def test_parallel_items_are_resampled_together() -> None:
    """The same noise in two languages is no second piece of evidence where groups are shared."""
    noise = np.random.default_rng(11).normal(1, 5, 400)
    names = [str(i) for i in range(400)]
    zeros = np.zeros(400)
    apart = paired_gain([sample(de=zeros, hi=zeros)], [sample(de=noise, hi=noise)])
    joined = paired_gain([sample(names, de=zeros, hi=zeros)], [sample(names, de=noise, hi=noise)])
    assert joined.groups == 400
    assert apart.groups == 800
    assert joined.se == pytest.approx(apart.se * math.sqrt(2), rel=0.1)
    assert joined.value == apart.value


def test_groups_widen_the_interval() -> None:
    noise = np.repeat(np.random.default_rng(12).normal(1, 5, 40), 10)
    groups = [str(i // 10) for i in range(400)]
    zeros = np.zeros(400)
    grouped = paired_gain([sample(groups, de=zeros)], [sample(groups, de=noise)])
    single = paired_gain([sample(de=zeros)], [sample(de=noise)])
    assert grouped.se > 2.5 * single.se
    assert (grouped.groups, grouped.items) == (40, 400)


def test_languages_without_common_groups_keep_their_sizes() -> None:
    """Each language is constant, so resampling within languages leaves no variance at all."""
    low, high = np.zeros(30), np.ones(60)
    found = paired_gain([sample(de=low, hi=low)], [sample(de=low, hi=high[:30])])
    assert found.se == 0.0
    assert found.value == 0.5


def test_macro_average_weighs_languages_equally() -> None:
    zeros, ones = np.zeros(10), np.ones(1000)
    found = paired_gain([sample(a=zeros, b=0 * ones)], [sample(a=zeros, b=ones)])
    assert found.value == 0.5
    assert found.items == 1010


def test_score_is_the_metric_itself() -> None:
    rng = np.random.default_rng(13)
    counts = np.sort(rng.integers(0, 9, (100, 3)), axis=1).astype(np.float64)
    ids = [str(i) for i in range(100)]
    one = Sample(metric=UDPOS_F1, languages={"de": Items(counts, ids, ids)})
    found = score_interval([one, one])
    assert found.value == UDPOS_F1.reduce(counts.sum(axis=0))["f1"]
    assert found.low < found.value < found.high
    assert found.per_seed == (found.value, found.value)


def test_pools_of_many_clusters_keep_the_variance() -> None:
    """5,000 clusters of different sizes: in pools or each by itself, the same standard error."""
    rng = np.random.default_rng(18)
    groups = [str(i) for i in rng.integers(0, 5000, 8000)]
    noise = rng.normal(1, 5, 8000)
    found = paired_gain([sample(groups, de=np.zeros(8000))], [sample(groups, de=noise)])
    sums: dict[str, list[float]] = {}
    for group, value in zip(groups, noise - noise.mean(), strict=True):
        sums.setdefault(group, []).append(value)
    expected = math.sqrt(sum(sum(values) ** 2 for values in sums.values())) / 8000
    assert found.se == pytest.approx(expected, rel=0.08)
    assert found.groups == len(sums)


def test_same_seed_same_numbers() -> None:
    baseline, stop = arms(np.random.default_rng(14), 2, 60, item=5.0)
    assert paired_gain(baseline, stop) == paired_gain(baseline, stop)
    assert paired_gain(baseline, stop) != paired_gain(baseline, stop, seed=1)


def test_resampling_in_pieces_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    baseline, stop = arms(np.random.default_rng(15), 2, 60, item=5.0)
    whole = paired_gain(baseline, stop)
    monkeypatch.setattr("waystation.statistics._CHUNK", 60 * 7)
    assert paired_gain(baseline, stop).se == pytest.approx(whole.se)


def test_too_few_items() -> None:
    baseline, stop = arms(np.random.default_rng(16), 3, 19, gain=50.0)
    found = paired_gain(baseline, stop)
    assert found.flags == ("too_few_items",)
    assert verdict(found, found.p_value) == "too few items"


def test_a_single_group_says_nothing() -> None:
    one = np.ones(5)
    found = paired_gain([sample(["g"] * 5, de=one)], [sample(["g"] * 5, de=2 * one)])
    assert (found.low, found.high, found.p_value) == (-199.0, 201.0, 1.0)
    assert (found.se, found.se_items, found.detectable) == (200.0, 200.0, 200.0)
    assert found.flags == ("too_few_seeds", "too_few_items")


def statistics(*rows: float) -> Statistics:
    return np.array([[value, 1.0] for value in rows])


@pytest.mark.parametrize(
    ("stop", "message"),
    [
        ([], "as many seeds"),
        ([sample(hi=np.ones(3))], "the same languages"),
        (
            [replace(sample(de=np.ones(3)), metric=ACCURACY)],
            "the same metric in every sample",
        ),
        ([sample(de=np.ones(4))], "the same items in every sample of de"),
        (
            [Sample(metric=MEAN, languages={"de": Items(statistics(1, 2, 3), ["a"], ["de0"])})],
            "the same items in every sample of de",
        ),
    ],
)
def test_arms_that_do_not_match(stop: list[Sample], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        paired_gain([sample(de=np.ones(3))], stop)


def test_nothing_to_score() -> None:
    with pytest.raises(ValueError, match="at least one sample"):
        score_interval([])
    with pytest.raises(ValueError, match="at least one language"):
        score_interval([Sample(metric=MEAN, languages={})])
    with pytest.raises(ValueError, match="some items in de"):
        score_interval([sample(de=np.ones(0))])


def test_holm() -> None:
    assert correct([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
    assert correct([]) == []


@given(st.lists(st.floats(0, 1), max_size=12))
def test_holm_properties(p_values: list[float]) -> None:
    adjusted = correct(p_values)
    assert all(p <= a <= 1 for p, a in zip(p_values, adjusted, strict=True))
    order = sorted(range(len(p_values)), key=lambda i: p_values[i])
    assert [adjusted[i] for i in order] == sorted(adjusted)


GAIN = Gain(
    value=2.0,
    low=1.0,
    high=3.0,
    se=0.5,
    se_items=0.4,
    se_seeds=0.3,
    seeds=3,
    items=500,
    groups=500,
    per_seed=(1.9, 2.0, 2.1),
    flags=(),
    p_value=0.001,
    detectable=1.6,
)


@pytest.mark.parametrize(
    ("gain", "adjusted", "informative", "word"),
    [
        (GAIN, 0.01, True, "gain"),
        (replace(GAIN, value=-2.0), 0.01, True, "loss"),
        (GAIN, 0.05, True, "no clear difference"),
        (replace(GAIN, flags=("too_few_seeds",)), 0.01, True, "too few seeds"),
        (replace(GAIN, flags=("too_few_seeds", "too_few_items")), 0.01, True, "too few items"),
        (GAIN, 0.01, False, "uninformative"),
    ],
)
def test_verdict(gain: Gain, adjusted: float, informative: bool, word: str) -> None:
    assert verdict(gain, adjusted, informative=informative) == word


def test_beats_a_floor() -> None:
    rng = np.random.default_rng(17)
    ids = [str(i) for i in range(300)]

    def model(accuracy: float) -> Sample:
        right = (rng.random(300) < accuracy).astype(np.float64)
        items = Items(np.stack([right, np.ones(300)], axis=1), ids, ids)
        return Sample(metric=ACCURACY, languages={"de": items})

    assert beats(score_interval([model(0.5), model(0.9)]), 100 / 3)  # seeds far apart, both good
    assert not beats(score_interval([model(1 / 3), model(1 / 3)]), 100 / 3)


def test_shares_pair_parallel_items_across_languages() -> None:
    """The gap of parallel items is a paired difference, as a t test of one column has it."""
    rng = np.random.default_rng(3)
    hard = rng.normal(50, 20, 400)
    english, german = hard + 5, hard + rng.normal(0, 4, 400)
    names = [str(i) for i in range(400)]
    gap = score_interval(
        [sample(groups=names, en=english, de=german)],
        resamples=4000,
        shares={"en": 1.0, "de": -1.0},
    )
    differences = english - german
    assert gap.value == pytest.approx(float(differences.mean()))
    assert gap.se == pytest.approx(float(differences.std(ddof=1) / math.sqrt(400)), rel=0.05)
    alone = score_interval(
        [sample(en=english, de=german)], resamples=4000, shares={"en": 1.0, "de": -1.0}
    )
    assert alone.se > 4 * gap.se  # other items in each language: nothing to pair
    assert alone.groups == 800


def test_equal_shares_are_the_mean_over_languages() -> None:
    rng = np.random.default_rng(4)
    before, after = arms(rng, 3, 60, gain=2.0, item=3.0, seed=1.0)
    plain = paired_gain(before, after, resamples=200)
    shared = paired_gain(before, after, resamples=200, shares={"de": 1.0})
    assert shared == plain
