"""Results on a model card: scores by language beside no stop, and what a stop was worth.

Means, gains and verdicts are the report's own; only the intervals of scores are computed here,
by the same resampling. A score's interval is cut at the ends of its scale.
"""

from __future__ import annotations

from collections.abc import Sequence

from waystation.export.facts import Facts, split_of, table
from waystation.report.analysis import BASELINE, MEAN, Part
from waystation.report.numbers import count, interval, language_name, points, score, variant
from waystation.report.words import phrase
from waystation.results import Score
from waystation.statistics import Items, Sample, score_interval


def of_part(facts: Facts, part: Part) -> list[str]:
    """A target's scores by language: this seed's, all seeds', the route's without a stop."""
    subject, shown = facts.subject, facts.shown(part)
    found = facts.scores(part)
    if not part.fine_tuned and subject.stop == BASELINE:  # one model, whatever the seed
        found = [s for s in found if s.seed == subject.seed]
    seeds = len({s.seed for s in found})
    compared = subject.stop != BASELINE
    several = f"{count(seeds, 'seed')} [95% interval]" if seeds > 1 else "[95% interval over items]"
    header = ["language", f"this model (seed {subject.seed})", several]
    header += ["no stop", "gain over no stop"] if compared else []
    rows = []
    for language in (MEAN, *part.languages, *part.apart):
        wanted = part.languages if language == MEAN else (language,)
        own = [s for s in found if s.language in wanted]
        values = [s.values[s.headline] for s in own if s.seed == subject.seed]
        mine = sum(values) / len(values) if len(values) == len(wanted) else None
        row = [_language(part, language), score(mine), _spread(own, wanted, seeds > 1)]
        cell = part.cell(subject.stop, language, shown)
        gain = cell.gain if cell else None
        if compared:
            row.append(score(part.mean(BASELINE, language, shown)))
            row.append(f"{points(gain.value)} {interval(gain.low, gain.high)}" if gain else "–")
        rows.append([*row, score(part.floor(language))])
    task = facts.tasks[part.task]
    layer = f", {variant(shown)}" if shown else ""
    examples = max(len(s.ids) for s in found)
    lines = [
        f"### {part.target}",
        "",
        f"{part.headline} of {task.name}, split {split_of(facts, part)},"
        f" {count(examples, 'example')} a language at most{layer}.",
        "",
        *table([*header, "chance or majority"], rows),
    ]
    return [*lines, "", _verdict(facts, part)] if compared else lines


def _language(part: Part, language: str) -> str:
    if language == MEAN:
        return "mean, zero-shot" if part.fine_tuned and part.apart else "mean"
    return language_name(language) + (" (fine-tuned on)" if language in part.apart else "")


def _spread(scores: Sequence[Score], languages: Sequence[str], several: bool) -> str:
    """The mean over seeds and languages with its interval; from seeds with all languages."""
    seeds: dict[int, dict[str, Items]] = {}
    for s in scores:
        seeds.setdefault(s.seed, {})[s.language] = Items(s.statistics, s.groups, s.ids)
    samples = [
        Sample(metric=scores[0].metric, languages=items)
        for items in seeds.values()
        if len(items) == len(languages)
    ]
    if not samples:
        return "–"
    found = score_interval(samples)
    low = found.low if scores[0].headline == "pearson" else max(found.low, 0.0)
    bounds = f"[{score(low)}, {score(min(found.high, 100))}]"  # a normal interval knows no ends
    return f"{score(found.value)} {bounds}" if several else bounds


def _verdict(facts: Facts, part: Part) -> str:
    assert facts.analysis is not None
    cell = part.cell(facts.subject.stop, MEAN, facts.shown(part))
    if cell is None or cell.gain is None:
        return f"No gain can be said: {cell.note if cell else 'no scores without a stop'}."
    many = sum(c.gain is not None for c in facts.analysis.grid)
    return (
        f"The stop `{facts.subject.stop}` over no stop, mean over {', '.join(cell.languages)}:"
        f" {points(cell.gain.value)} {interval(cell.gain.low, cell.gain.high)} points over"
        f" {count(cell.gain.seeds, 'seed')}; {phrase(cell) or 'no verdict for this layer'}"
        f" (corrected over the study's {count(many, 'gain')})."
    )


def worth(facts: Facts) -> list[str]:
    """What the stop was worth to each target of the study."""
    assert facts.analysis is not None
    rows = []
    for part in facts.analysis.of(facts.subject.backbone):
        cell = part.cell(facts.subject.stop)
        if cell is None or cell.gain is None:
            rows.append([part.target, part.headline, "–", "–", "–", cell.note if cell else ""])
            continue
        gain = f"{points(cell.gain.value)} {interval(cell.gain.low, cell.gain.high)}"
        after = [score(cell.baseline), score(cell.score)]
        rows.append([part.target, part.headline, *after, gain, phrase(cell)])
    header = ["target", "metric", "no stop", "after this stop", "gain [95% interval]", "verdict"]
    return ["What this stop was worth to the targets of the study:", "", *table(header, rows)]
