"""What the choice of a checkpoint is worth: every way that a target compares, side by side.

All ways choose among the checkpoints of the same training runs, so that their scores differ by
the choice alone. Published zero-shot scores differ by up to 17 points on it (Keung et al. 2020,
arXiv 2004.15001). Differences are to `source-dev`, or to the training's own selection where that
is not compared, paired by seed and item; they are details with intervals and get no verdict.
`oracle-dev` looks at the target languages and is no zero-shot result.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from waystation.report.numbers import NOTHING, interval, language_name, listing, points, score
from waystation.results import Results
from waystation.selected import Selected, Sweep
from waystation.selections import SEEDS
from waystation.statistics import Gain, Items, Sample, paired_gain

if TYPE_CHECKING:
    from waystation.report.analysis import Analysis, Part

SOURCE: Final = "source-dev"
MEAN: Final = ""
SHARE: Final = 2
"""As other details, intervals take one resample in this many."""
TITLE: Final = "What the choice of checkpoint is worth"
NOTE: Final = (
    "One training, several ways to choose among its checkpoints. In brackets the 95% interval of"
    " the difference to {reference} over items and seeds; no verdicts. oracle-dev looks at the"
    " target language's own dev split, so that it is no zero-shot score; average-seeds is one"
    " model made of all seeds."
)


@dataclass(frozen=True, kw_only=True)
class Chosen:
    """One way on one language or MEAN: its mean over `seeds`, and its difference to `reference`.

    `steps` are the optimiser steps of the checkpoints, seed by seed; empty for averages, MEAN.
    """

    score: float
    seeds: int
    steps: tuple[int, ...] = ()
    gain: Gain | None = field(default=None, repr=False)


@dataclass(frozen=True, kw_only=True)
class Choice:
    """The ways to choose that one route's target compares. `cells` maps (rule, language)."""

    backbone: str
    target: str
    stop: str
    headline: str
    own: str
    reference: str
    rules: tuple[str, ...]
    languages: tuple[str, ...]
    cells: Mapping[tuple[str, str], Chosen]

    def spread(self, language: str) -> tuple[float, str, str] | None:
        """How far the best way is above the worst, and both; None where there are not two."""
        found = [
            (self.cells[r, language].score, r) for r in self.rules if (r, language) in self.cells
        ]
        if len(found) < 2:
            return None
        low, high = min(found, key=lambda f: f[0]), max(found, key=lambda f: f[0])
        return high[0] - low[0], high[1], low[1]


def choices(
    results: Results, parts: Sequence[Part], resampling: tuple[int, int]
) -> tuple[Choice, ...]:
    """Every route whose target compares ways to choose, in the study's order."""
    found = []
    for part in parts:
        own = [
            s
            for s in results.selections
            if (s.score.backbone, s.score.target, s.score.variant)
            == (part.backbone, part.target, part.variant)
        ]
        for stop in results.stops:
            mine = [s for s in own if s.score.stop == stop]
            if mine:
                found.append(_choice(part, stop, mine, resampling))
    return tuple(found)


def _choice(part: Part, stop: str, mine: Sequence[Selected], resampling: tuple[int, int]) -> Choice:
    rules = tuple(dict.fromkeys(s.rule for s in mine))
    own = next((s.rule for s in mine if s.own), "")
    reference = SOURCE if SOURCE in rules else own or rules[0]
    by_place = {(s.rule, s.score.seed, s.score.language): s for s in mine}
    seeds = sorted({s.score.seed for s in mine})
    for language in dict.fromkeys(s.score.language for s in mine):  # one model for all seeds
        first = by_place.get((SEEDS, seeds[0], language))
        if first is not None:
            by_place |= {(SEEDS, n, language): first for n in seeds}
    cells = {}
    for rule in rules:
        for language in (MEAN, *part.languages, *part.apart):
            wanted = part.languages if language == MEAN else (language,)
            cell = _cell(by_place, (reference, rule), wanted, (seeds, resampling))
            if cell is not None:
                cells[rule, language] = cell
    return Choice(
        backbone=part.backbone,
        target=part.target,
        stop=stop,
        headline=part.headline,
        own=own,
        reference=reference,
        rules=rules,
        languages=(*part.languages, *part.apart),
        cells=cells,
    )


def _cell(
    by_place: Mapping[tuple[str, int, str], Selected],
    pair: tuple[str, str],
    languages: Sequence[str],
    drawn: tuple[Sequence[int], tuple[int, int]],
) -> Chosen | None:
    """A rule on some languages, over the seeds that have all of them."""
    reference, rule = pair
    seeds, (resamples, seed) = drawn
    there = [n for n in seeds if all((rule, n, t) in by_place for t in languages)]
    if not there or not languages:
        return None
    values = [
        found.score.values[found.score.headline]
        for found in (by_place[rule, n, t] for n in there for t in languages)
    ]
    gain = None
    both = [n for n in there if all((reference, n, t) in by_place for t in languages)]
    if rule != reference and both:
        gain = paired_gain(
            [_sample(by_place, reference, n, languages) for n in both],
            [_sample(by_place, rule, n, languages) for n in both],
            resamples=max(1, resamples // SHARE),
            seed=seed,
        )
    steps = [by_place[rule, n, languages[0]].step for n in there] if len(languages) == 1 else []
    return Chosen(
        score=sum(values) / len(values),
        seeds=1 if rule == SEEDS else len(there),
        steps=tuple(s for s in steps if s is not None),
        gain=gain,
    )


def _sample(
    by_place: Mapping[tuple[str, int, str], Selected],
    rule: str,
    seed: int,
    languages: Sequence[str],
) -> Sample:
    scores = {t: by_place[rule, seed, t].score for t in languages}
    items = {t: Items(s.statistics, s.groups, s.ids) for t, s in scores.items()}
    return Sample(metric=scores[languages[0]].metric, languages=items)


# --- words, the same in every format ----------------------------------------------------------


def sentence(found: Sequence[Choice]) -> str:
    """The largest difference that a choice made, of single languages."""
    spreads = [
        (spread, c, language) for c in found for language in c.languages
        if (spread := c.spread(language))
    ]  # fmt: skip
    if not spreads:
        return "Nothing to compare yet."
    (width, best, worst), choice, language = max(spreads, key=lambda s: s[0][0])
    if width == 0:
        return "Every way to choose a checkpoint came to the same scores."
    route = f"{'no stop' if choice.stop == 'none' else choice.stop} on {choice.target}"
    return (
        f"From the same training, the choice of checkpoint moves a score by up to {score(width)}"
        f" points: {language_name(language)}, {route}, {best} over {worst}. That is the largest of"
        f" {len(spreads)} such differences, hence partly chance."
    )


def note(found: Sequence[Choice]) -> str:
    """What the tables show and what not to read into them."""
    references = listing(list(dict.fromkeys(choice.reference for choice in found)))
    return NOTE.format(reference=references)


def rows(choice: Choice) -> list[list[str]]:
    """A line for each language: its name, every rule, the spread."""
    lines = []
    for language in (MEAN, *choice.languages):
        cells = [choice.cells.get((rule, language)) for rule in choice.rules]
        spread = choice.spread(language)
        label = "mean" if language == MEAN else language_name(language)
        width = NOTHING if spread is None else score(spread[0])
        lines.append([label, *map(shown, cells), width])
    return lines


def shown(cell: Chosen | None) -> str:
    """`56.2` of the reference, `57.0 (+0.8 [−0.4, +2.0])` of another rule."""
    if cell is None:
        return NOTHING
    if cell.gain is None:
        return score(cell.score)
    return (
        f"{score(cell.score)} ({points(cell.gain.value)} {interval(cell.gain.low, cell.gain.high)})"
    )


def heads(choice: Choice) -> list[str]:
    """The columns of `rows`; the training's own selection is marked."""
    own = (f"{rule} (handed on)" if rule == choice.own else rule for rule in choice.rules)
    return ["language", *own, "spread"]


def title(analysis: Analysis, choice: Choice) -> str:
    """`xnli, no stop`, with the backbone where there are several."""
    where = f", {choice.backbone}" if len(analysis.results.backbones) > 1 else ""
    return f"{choice.target}, {'no stop' if choice.stop == 'none' else choice.stop}{where}"


def sweep_rows(sweeps: Sequence[Sweep]) -> list[list[str]]:
    """A line for each training: its name, the value taken, and every value's dev score."""
    lines = []
    for sweep in sweeps:
        values = [f"{rate:g}: {score(value)}" for rate, value in sweep.values]
        edge = " (at the edge of the list)" if sweep.at_edge else ""
        lines.append([sweep.training, f"{sweep.chosen:g}{edge}", ", ".join(values)])
    return lines


SWEEP_HEADS: Final = ["training", "taken", "best dev score of each learning rate"]
