"""What a study's results say: for every stop and target, what the stop was worth and how sure.

Pure: `analyse(results)` gives numbers and words, renderers only lay them out. The headline gain of
a stop on a target is the mean over the zero-shot languages (all but the fine-tuning language; all
of them where nothing was fine-tuned) of stop minus baseline, over the seeds that both have. The
interval, the correction and the verdict words are those of `waystation.statistics`.

The headline gains of a study are corrected together and get a verdict. Details (one language,
another layer) have intervals and no verdict. It does not decide which stop to use.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Final, NamedTuple

import numpy as np

from waystation.report import sentences
from waystation.report.collapses import Collapse, collapses
from waystation.report.selection import Choice, choices
from waystation.report.transfer import Transfer, transfers
from waystation.results import Results, Score
from waystation.statistics import (
    Gain,
    Items,
    Sample,
    SeedNoise,
    beats,
    correct,
    paired_gain,
    score_interval,
    seed_noise,
    stop_noise,
    verdict,
)

BASELINE: Final = "none"
ENGLISH: Final = "en"
MEAN: Final = ""
"""The `language` of a mean over the zero-shot languages."""
MISSING: Final = "missing"
"""The verdict of a cell in the grid without a gain."""
NO_BASELINE: Final = "baseline without scores"
DETAIL_SHARE: Final = 2
"""Intervals of details, which no verdict hangs on, take one resample in this many."""


@dataclass(frozen=True, kw_only=True)
class Cell:
    """What one stop was worth on one target and language (MEAN: over `languages`).

    Without a gain, `note` says why; with one, what it leaves out. `verdict` is a word of
    `waystation.statistics` or MISSING in the grid, "" elsewhere, and so is `adjusted_p` None.
    `informative` is False where neither route is clearly above chance and majority.
    """

    backbone: str
    stop: str
    target: str
    variant: str
    language: str
    languages: tuple[str, ...] = ()
    baseline: float | None = None
    score: float | None = None
    gain: Gain | None = field(default=None, repr=False)
    adjusted_p: float | None = None
    verdict: str = ""
    informative: bool = True
    note: str = ""


@dataclass(frozen=True, kw_only=True)
class Part:
    """One target on one backbone. `variant` is the one that the grid shows, "" where there is one.

    `languages` are the zero-shot ones, `apart` the fine-tuning language if it was evaluated.
    `means` maps (stop, variant, language or MEAN) to a score, the mean over `seeds` of them.
    `bounds` maps language or MEAN to chance and majority, `gaps` a stop to why it lacks scores.
    `official` is the variant of the benchmark's own scripts, "" where it was not measured or there
    is none. `transfer` has the gap between English and the rest, baseline first.
    """

    backbone: str
    target: str
    task: str
    headline: str
    fine_tuned: bool
    languages: tuple[str, ...]
    apart: tuple[str, ...]
    variants: tuple[str, ...]
    variant: str
    means: dict[tuple[str, str, str], float]
    seeds: dict[tuple[str, str, str], int]
    bounds: dict[str, dict[str, float]]
    cells: tuple[Cell, ...]
    gaps: dict[str, str]
    official: str = ""
    transfer: tuple[Transfer, ...] = ()
    sentence: str = ""

    @property
    def spread(self) -> tuple[str, str] | None:
        """The worst and the best variant of the baseline; None where there are not two."""
        found = [v for v in self.variants if self.mean(BASELINE, MEAN, v) is not None]
        if len(found) < 2:
            return None
        ranked = sorted(found, key=lambda v: self.mean(BASELINE, MEAN, v) or 0.0)
        return ranked[0], ranked[-1]

    @property
    def grid(self) -> tuple[Cell, ...]:
        """The headline cells, stop by stop."""
        return tuple(c for c in self.cells if c.language == MEAN and c.variant == self.variant)

    def cell(self, stop: str, language: str = MEAN, variant: str | None = None) -> Cell | None:
        """The cell of a stop, by default the one in the grid; None for the baseline."""
        wanted = (stop, language, self.variant if variant is None else variant)
        found = (c for c in self.cells if (c.stop, c.language, c.variant) == wanted)
        return next(found, None)

    def mean(self, stop: str, language: str = MEAN, variant: str | None = None) -> float | None:
        """The score of a stop or of the baseline, None where it was not measured."""
        return self.means.get((stop, self.variant if variant is None else variant, language))

    def floor(self, language: str = MEAN) -> float | None:
        """The best of chance and majority, language by language; None where neither is known."""
        wanted = self.languages if language == MEAN else (language,)
        return floor([self.bounds.get(t, {}) for t in wanted])


@dataclass(frozen=True, kw_only=True)
class Analysis:
    """Everything that a report says about its results."""

    results: Results
    parts: tuple[Part, ...]
    sentence: str
    probes: tuple[Part, ...] = ()
    """The probes of each backbone, as targets without fine-tuning; a chain's stages have routes."""
    collapses: tuple[Collapse, ...] = ()
    choices: tuple[Choice, ...] = ()

    @property
    def grid(self) -> tuple[Cell, ...]:
        """The headline cells, backbone by backbone, target by target, stop by stop."""
        return tuple(c for p in self.parts for c in p.grid)

    @property
    def stops(self) -> tuple[str, ...]:
        """The stops that are compared with the baseline."""
        return tuple(s for s in self.results.stops if s != BASELINE)

    def of(self, backbone: str) -> tuple[Part, ...]:
        """The parts of one backbone, in the study's order of targets."""
        return tuple(p for p in self.parts if p.backbone == backbone)


def analyse(results: Results, *, resamples: int = 2000, seed: int = 0) -> Analysis:
    """Means, gains with intervals, verdicts and sentences of a study. Same input, same output."""
    drafts = [
        _part(results, backbone, target, (resamples, seed))
        for backbone in results.backbones
        for target in results.targets
    ]
    judged = _judge([c for p in drafts for c in p.grid])
    parts = []
    for draft in drafts:
        cells = tuple(judged.get(_key(c), c) for c in draft.cells)
        part = replace(draft, cells=cells)
        parts.append(replace(part, sentence=sentences.of_part(part)))
    probes = _probes(results, (max(1, resamples // DETAIL_SHARE), seed))
    analysis = Analysis(results=results, parts=tuple(parts), sentence="", probes=probes)
    found = choices(results, parts, (resamples, seed))
    analysis = replace(analysis, collapses=collapses(analysis), choices=found)
    return replace(analysis, sentence=sentences.overview(analysis))


def _probes(results: Results, resampling: tuple[int, int]) -> tuple[Part, ...]:
    """Each probe on each backbone; after stage 1 of 2 of a chain its route is `chain[1]`."""
    scores = []
    for found in results.probes:
        stage = f"[{found.stage}]" if found.stage < found.stages else ""
        scores.append(replace(found.score, stop=found.score.stop + stage))
    stops = _unique(s.stop for s in scores)
    own = replace(results, scores=tuple(scores), stops=stops, official={})
    return tuple(
        _part(own, backbone, probe, resampling)
        for backbone in results.backbones
        for probe in _unique(s.target for s in scores if s.backbone == backbone)
    )


def floor(bounds: Sequence[dict[str, float]]) -> float | None:
    """The mean over languages of the best of chance and majority."""
    found = [max(b.values()) for b in bounds if b]
    return sum(found) / len(found) if found and len(found) == len(bounds) else None


def _key(cell: Cell) -> tuple[str, ...]:
    return (cell.backbone, cell.stop, cell.target, cell.variant, cell.language)


def _judge(cells: Sequence[Cell]) -> dict[tuple[str, ...], Cell]:
    """The cells of the grid with their verdicts, corrected together."""
    found = {_key(c): replace(c, verdict=MISSING) for c in cells}
    measured = [(c, c.gain) for c in cells if c.gain is not None]
    adjusted = correct([gain.p_value for _, gain in measured])
    for (cell, gain), p in zip(measured, adjusted, strict=True):
        word = verdict(gain, p, informative=cell.informative)
        found[_key(cell)] = replace(cell, adjusted_p=p, verdict=word)
    return found


def _part(results: Results, backbone: str, target: str, resampling: tuple[int, int]) -> Part:
    scores = [s for s in results.scores if (s.backbone, s.target) == (backbone, target)]
    fine_tuned = all(s.fine_tuned for s in scores)
    source = results.source_language.get(target) if fine_tuned else None
    evaluated = _unique(s.language for s in scores)
    languages = tuple(t for t in evaluated if t != source) or evaluated
    variants = _by_layer(_unique(s.variant for s in scores)) or ("",)
    means, seeds = means_of(scores, languages)
    part = Part(
        backbone=backbone,
        target=target,
        task=scores[0].task if scores else target,
        headline=scores[0].headline if scores else "",
        fine_tuned=fine_tuned,
        languages=languages,
        apart=tuple(t for t in evaluated if t not in languages),
        variants=variants,
        variant=headline_variant(variants, results.official.get((backbone, target))),
        official=results.official.get((backbone, target), ""),
        means=means,
        seeds=seeds,
        bounds=_bounds(scores, languages),
        cells=(),
        gaps=_gaps(results, target, bool(scores)),
    )
    stops = [s for s in results.stops if s != BASELINE]
    cells = [
        cell_of(part, scores, stop, variant, language, resampling)
        for stop in stops
        for variant in variants
        for language in (MEAN, *(evaluated if variant == part.variant else ()))
    ]
    others = tuple(t for t in languages if t != ENGLISH)
    found = transfers(scores, part.variant, results.stops, others, resampling)
    return replace(part, cells=tuple(cells), transfer=found)


def _gaps(results: Results, target: str, scored: bool) -> dict[str, str]:
    """Why a stop, or the baseline, lacks scores: the state of its first step that is not done.

    Where all are done and nothing is scored, gold is hidden.
    """
    found = {}
    for stop in results.stops:
        route = f" {stop}>{target}@"
        undone = (s for s in results.steps if s.state != "done" and route in f" {s.label}")
        step = next(undone, None)
        if step is not None:
            state = "not run yet" if step.state == "missing" else step.state
            text = ": ".join(filter(None, [state, step.message]))
            found[stop] = f"baseline {text}" if stop == BASELINE else text
        elif not scored:
            found[stop] = "gold not published"
    return found


def _unique(words: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(words))


def means_of(
    scores: Sequence[Score], languages: Sequence[str]
) -> tuple[dict[tuple[str, str, str], float], dict[tuple[str, str, str], int]]:
    """Scores by (stop, variant, language or MEAN), means over seeds, and how many seeds.

    MEAN is there only where every zero-shot language is, so that means compare.
    """
    values: dict[tuple[str, str, str], list[float]] = {}
    for s in scores:
        values.setdefault((s.stop, s.variant, s.language), []).append(s.values[s.headline])
    means = {key: sum(v) / len(v) for key, v in values.items()}
    seeds = {key: len(v) for key, v in values.items()}
    for stop, variant in dict.fromkeys((stop, variant) for stop, variant, _ in list(means)):
        keys = [(stop, variant, language) for language in languages]
        if all(key in means for key in keys):
            means[stop, variant, MEAN] = sum(means[key] for key in keys) / len(keys)
            seeds[stop, variant, MEAN] = min(seeds[key] for key in keys)
    return means, seeds


def _by_layer(variants: Sequence[str]) -> tuple[str, ...]:
    """Variants in the order of their layers: 8 before 12."""

    def layer(variant: str) -> int:
        number = variant.partition("/")[0]
        return int(number) if number.isdigit() else -1

    return tuple(sorted(variants, key=layer))


def headline_variant(variants: Sequence[str], official: str | None = None) -> str:
    """The variant that the grid shows, decided by names alone, before any score is looked at.

    The official one where it was measured. Otherwise cosine before margins, mean pooling before
    others, and the layer nearest to two thirds of the highest one (XTREME's scripts take layer 8
    of 12), the lower where two are as near; the first where nothing names a layer.
    """
    if official in variants:
        return official or variants[0]
    parts = {v: v.split("/") for v in variants if v.partition("/")[0].isdigit()}
    if not parts:
        return variants[0]
    top = max(int(p[0]) for p in parts.values())

    def rank(name: str) -> tuple[bool, bool, int, int]:
        layer, pooling, *scoring = parts[name]
        return bool(scoring), pooling != "mean", abs(3 * int(layer) - 2 * top), int(layer)

    return min(parts, key=rank)


def _bounds(scores: Sequence[Score], languages: Sequence[str]) -> dict[str, dict[str, float]]:
    """Chance, majority and the like by language, and their means over the zero-shot languages."""
    found: dict[str, dict[str, float]] = {}
    for s in scores:
        found.setdefault(s.language, dict(s.baselines))
    known = [found[language] for language in languages if language in found]
    names = [n for n in (known[0] if known else {}) if all(n in b for b in known)]
    return {MEAN: {n: sum(b[n] for b in known) / len(known) for n in names}} | found


def cell_of(
    part: Part,
    scores: Sequence[Score],
    stop: str,
    variant: str,
    language: str,
    resampling: tuple[int, int],
) -> Cell:
    """The gain of a stop on one language or MEAN; `resampling` is how often and from which seed."""
    wanted = part.languages if language == MEAN else (language,)
    chosen = [s for s in scores if s.variant == variant and s.language in wanted]
    cell = Cell(
        backbone=part.backbone, stop=stop, target=part.target, variant=variant, language=language
    )
    before = {(s.seed, s.language): s for s in chosen if s.stop == BASELINE}
    after = {(s.seed, s.language): s for s in chosen if s.stop == stop}
    # Without fine-tuning the baseline is one model, whatever the seed.
    if after and not part.fine_tuned:
        first = {t: s for (_, t), s in reversed(before.items())}
        before = {(n, t): first[t] for n, t in after if t in first}
    if not before or not after:
        gap = part.gaps.get(stop, "no scores") if before else part.gaps.get(BASELINE, NO_BASELINE)
        return replace(cell, note=gap)
    seeds = sorted({n for n, _ in before} & {n for n, _ in after})
    languages = tuple(t for t in wanted if all((n, t) in before and (n, t) in after for n in seeds))
    if not seeds or not languages:
        return replace(cell, note="no seed and language in common with the baseline")
    pairs = [(before[n, t], after[n, t]) for n in seeds for t in languages]
    if any(one.ids != other.ids for one, other in pairs):
        return replace(cell, note="other items than the baseline")
    lost = [n for n in sorted({s.seed for s in scores}) if n not in seeds]
    in_grid = language == MEAN and variant == part.variant
    pair = _Pair(
        [_sample(before, n, languages) for n in seeds],
        [_sample(after, n, languages) for n in seeds],
        resampling[0] if in_grid else max(1, resampling[0] // DETAIL_SHARE),
        resampling[1],
        _noise(part, chosen, seeds, languages),
    )
    bound = floor([part.bounds.get(t, {}) for t in languages]) if in_grid else None
    return replace(
        cell,
        languages=languages,
        baseline=_mean([one for one, _ in pairs]),
        score=_mean([other for _, other in pairs]),
        gain=pair.gain(),
        informative=bound is None or pair.beats(bound),
        note=sentences.incomplete(lost, [t for t in wanted if t not in languages]),
    )


class _Pair(NamedTuple):
    """Baseline and stop of the same seeds, and how they are resampled: how often, from where."""

    before: list[Sample]
    after: list[Sample]
    resamples: int
    seed: int
    noise: SeedNoise | None

    def gain(self) -> Gain:
        return paired_gain(
            self.before,
            self.after,
            noise=self.noise,
            resamples=self.resamples,
            seed=self.seed,
        )

    def beats(self, bound: float) -> bool:
        """Whether either side is clearly above the bound."""
        return any(
            beats(score_interval(samples, resamples=self.resamples, seed=self.seed), bound)
            for samples in (self.before, self.after)
        )


def _noise(
    part: Part, scores: Sequence[Score], seeds: Sequence[int], languages: Sequence[str]
) -> SeedNoise | None:
    """The seed variance of a gain, from every route of the target that has all its scores."""
    values = {(s.stop, s.seed, s.language): s.values[s.headline] for s in scores}
    rows = []
    for stop in dict.fromkeys(s.stop for s in scores):
        if stop == BASELINE and not part.fine_tuned:
            continue
        if all((stop, n, t) in values for n in seeds for t in languages):
            rows.append([np.mean([values[stop, n, t] for t in languages]) for n in seeds])
    if len(rows) < (3 if part.fine_tuned else 2):
        return None
    return (seed_noise if part.fine_tuned else stop_noise)(np.array(rows, dtype=np.float64))


def _mean(scores: Sequence[Score]) -> float:
    values = [s.values[s.headline] for s in scores]
    return sum(values) / len(values)


def _sample(scores: dict[tuple[int, str], Score], seed: int, languages: Sequence[str]) -> Sample:
    chosen = {t: scores[seed, t] for t in languages}
    items = {t: Items(s.statistics, s.groups, s.ids) for t, s in chosen.items()}
    return Sample(metric=chosen[languages[0]].metric, languages=items)
