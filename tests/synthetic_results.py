"""Results of studies that never ran, simulated with known true effects, for tests of the report.

The shape is that of a small transfer study: baseline and three stops; a pair task with a true
gain, a tagging task with none, a pair task that stays at its majority class, a choice task that
has no English test set, and retrieval at three layers. Items are shared by all routes of a target
and language, so that differences are paired; seeds add their own spread. The texts are invented.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass, field, replace

import numpy as np

from waystation.metrics import Metric, Statistics, total
from waystation.report import Analysis, analyse
from waystation.results import Results, Score, StepSummary

QUICK = 150
"""Resamples of tests that are not about intervals."""

STOPS = ("none", "nli", "commonsenseqa", "nli+commonsenseqa")
LANGUAGES = ("en", "ar", "de", "es", "hi", "sw", "th", "tr", "zh")


@dataclass(frozen=True)
class Simulated:
    """One target: its baseline score and the true effect of each stop, in points."""

    task: str
    base: float
    effects: dict[str, float] = field(default_factory=dict)
    variants: dict[str, tuple[float, dict[str, float]]] = field(default_factory=dict)
    headline: str = "accuracy"
    baselines: dict[str, float] = field(default_factory=dict)
    english: bool = True
    fine_tuned: bool = True
    seed_spread: float = 0.6
    constant: bool = False


TARGETS: dict[str, Simulated] = {
    "xnli": Simulated(
        task="xnli",
        base=46.0,
        effects={"nli": 12.0, "commonsenseqa": -1.0, "nli+commonsenseqa": 10.0},
        baselines={"chance": 100 / 3, "majority": 34.5},
    ),
    "udpos": Simulated(
        task="udpos",
        base=75.5,
        effects={"nli": 0.4, "commonsenseqa": 0.5, "nli+commonsenseqa": 0.2},
        headline="f1",
        baselines={"majority": 16.2},
        seed_spread=0.5,
    ),
    "pawsx": Simulated(
        task="pawsx",
        base=55.0,
        baselines={"chance": 50.0, "majority": 55.0},
        constant=True,
    ),
    "tatoeba": Simulated(
        task="tatoeba",
        base=82.8,
        variants={
            "4/mean": (61.0, {"nli": -2.0, "commonsenseqa": -1.5, "nli+commonsenseqa": -2.2}),
            "8/mean": (82.8, {"nli": -8.7, "commonsenseqa": -5.7, "nli+commonsenseqa": -8.0}),
            "12/mean": (91.9, {"nli": -62.4, "commonsenseqa": -34.5, "nli+commonsenseqa": -51.2}),
        },
        baselines={"chance": 0.5},
        english=False,
        fine_tuned=False,
    ),
    "xcopa": Simulated(
        task="xcopa",
        base=56.2,
        effects={"nli": -0.7, "commonsenseqa": 0.5, "nli+commonsenseqa": 0.3},
        baselines={"chance": 50.0, "majority": 50.5},
        english=False,
        seed_spread=1.5,
    ),
}
SPREAD = {"en": 9.0, "de": 4.0, "es": 3.0, "zh": 1.0, "tr": -1.0, "ar": -2.0, "hi": -3.0}


def _accuracy(totals: Statistics) -> dict[str, float]:
    return {"accuracy": float(100 * totals[0] / totals[1])}


def _f1(totals: Statistics) -> dict[str, float]:
    return {"f1": float(100 * 2 * totals[0] / (totals[1] + totals[2]))}


def _refuse(prediction: object, example: object, language: str) -> Statistics:
    raise AssertionError("a report never measures predictions again")


ACCURACY = Metric(
    names=("accuracy",),
    statistics=_refuse,
    reduce=_accuracy,
    headlines=lambda t: 100 * t[:, 0] / t[:, 1],
)
F1 = Metric(
    names=("f1",),
    statistics=_refuse,
    reduce=_f1,
    headlines=lambda t: 100 * 2 * t[:, 0] / (t[:, 1] + t[:, 2]),
)


def generator(*words: object) -> np.random.Generator:
    return np.random.default_rng(zlib.crc32("/".join(map(str, words)).encode()))


def _statistics(
    target: Simulated, probability: float, uniform: np.ndarray, redraw: np.random.Generator
) -> Statistics:
    """float64[n, k]: items are right where their own uniform, partly redrawn, is below p."""
    n = len(uniform)
    fresh = redraw.random(n)
    drawn = np.where(redraw.random(n) < 0.3, fresh, uniform)
    if target.constant:
        right = (np.arange(n) < round(n * target.base / 100)).astype(float)
    else:
        right = (drawn < probability).astype(float)
    if target.headline == "accuracy":
        return np.stack([right, np.ones(n)], axis=1)
    words = 12.0
    hits = np.round(words * np.clip(probability + 0.25 * (right - probability), 0, 1))
    return np.stack([hits, np.full(n, words), np.full(n, words)], axis=1)


def _score(name: str, stop: str, seed: int, language: str, variant: str) -> tuple[float, float]:
    """The true baseline and the true score of one route, seeds and languages included."""
    target = TARGETS[name]
    base, effects = target.variants.get(variant, (target.base, target.effects))
    base += SPREAD.get(language, 0.0) * (0.4 if name == "xcopa" else 1.0) * (base < 90)
    by_seed = generator("seed", name, variant, stop, seed).normal(0, target.seed_spread)
    by_language = generator("lang", name, variant, stop, language, seed).normal(0, 0.3)
    return base, base + effects.get(stop, 0.0) + (by_seed + by_language) * target.fine_tuned


def scores_of(
    name: str, seeds: tuple[int, ...], items: int, backbone: str = "multilingual-e5-small"
) -> list[Score]:
    """Every score of one target: stops x seeds x languages x variants."""
    target = TARGETS[name]
    metric = ACCURACY if target.headline == "accuracy" else F1
    found = []
    for stop in STOPS:
        for seed in seeds if target.fine_tuned else seeds[:1] if stop == "none" else seeds:
            for language in LANGUAGES if target.english else LANGUAGES[1:]:
                for variant in target.variants or {"": None}:
                    uniform = generator("items", name, language).random(items)
                    _, truth = _score(name, stop, seed, language, variant)
                    redraw = generator("redraw", name, language, stop, seed, variant, backbone)
                    statistics = _statistics(target, truth / 100, uniform, redraw)
                    ids = tuple(f"{language}-{i}" for i in range(items))
                    found.append(
                        Score(
                            backbone=backbone,
                            stop=stop,
                            target=name,
                            task=target.task,
                            seed=seed,
                            language=language,
                            variant=variant,
                            headline=target.headline,
                            values=metric.reduce(total(statistics)),
                            baselines=dict(target.baselines),
                            metric=metric,
                            ids=ids,
                            groups=tuple(f"parallel-{i}" for i in range(items)),
                            statistics=statistics,
                            fine_tuned=target.fine_tuned,
                        )
                    )
    return found


def _curve(steps: int, seed: int) -> tuple[tuple[int, float, float], ...]:
    noise = generator("curve", steps, seed)
    points = np.linspace(1, steps, 20).round().astype(int)
    loss = 0.35 + 0.8 * np.exp(-points / (steps / 4)) + noise.normal(0, 0.02, len(points))
    rate = 1e-5 * np.minimum(points / (0.1 * steps), (steps - points) / (0.9 * steps))
    return tuple((int(p), float(x), float(r)) for p, x, r in zip(points, loss, rate, strict=True))


def _steps(targets: tuple[str, ...], seeds: tuple[int, ...]) -> list[StepSummary]:
    """Steps labelled as `waystation.plan` labels them: `score nli>xnli@0 de`."""
    steps = []
    for stop in STOPS:
        for seed in seeds:
            if stop != "none":
                steps.append(train_step(f"train {stop}@{seed}", 110.0 + seed, seed))
            for target in targets:
                route = f"{stop}>{target}@{seed}"
                if TARGETS[target].fine_tuned:
                    steps.append(train_step(f"train {route}", 42.0 + 2 * seed, seed))
                for language in LANGUAGES if TARGETS[target].english else LANGUAGES[1:]:
                    steps.append(one_step("predict", f"predict {route} {language}", 1.2))
                    steps.append(one_step("score", f"score {route} {language}", 0.1))
    return steps


def one_step(kind: str, label: str, seconds: float) -> StepSummary:
    number = zlib.crc32(label.encode())
    return StepSummary(
        key=f"{kind}-{number:012x}",
        kind=kind,
        label=label,
        state="done",
        seconds=seconds,
        peak_memory_bytes=1_100_000_000,
    )


def train_step(label: str, seconds: float, seed: int) -> StepSummary:
    dev = ((94, {"dev": 61.0 + seed}), (188, {"dev": 66.5 + seed}))
    step = one_step("train", label, seconds)
    return replace(step, peak_memory_bytes=2_400_000_000, curve=_curve(188, seed), dev=dev)


def synthetic(
    targets: tuple[str, ...] = ("xnli", "udpos", "pawsx", "tatoeba"),
    seeds: tuple[int, ...] = (0, 1, 2),
    items: int = 200,
    *,
    faults: bool = False,
    backbones: tuple[str, ...] = ("multilingual-e5-small",),
) -> Results:
    """A finished study, or with `faults` one with a failed step, what follows from it and a gap.

    With faults, seed 1 of commonsenseqa>udpos failed, and nli+commonsenseqa>xnli has no scores.
    """
    scores = [s for b in backbones for name in targets for s in scores_of(name, seeds, items, b)]
    steps = _steps(targets, seeds)
    if faults:
        scores = [s for s in scores if not _lost(s)]
        steps = [_spoilt(s) for s in steps]
    return Results(
        study="which-stop",
        backbones=backbones,
        seeds=seeds,
        stops=STOPS,
        targets=targets,
        source_language={name: "en" for name in targets if TARGETS[name].fine_tuned},
        scores=tuple(scores),
        steps=tuple(steps),
        warnings=("xcopa: 51 of 500 Turkish items disagree with English on `question`.",),
        provenance={
            "waystation": "0.1.0",
            "torch": "2.13.0+cpu",
            "precision": "fp32, 2 threads",
            "multilingual-e5-small": "sha256 0123abcd… (a third-party copy)",
        },
        official={(b, "tatoeba"): "8/mean" for b in backbones if "tatoeba" in targets},
    )


def _lost(score: Score) -> bool:
    failed = (score.stop, score.target, score.seed) == ("commonsenseqa", "udpos", 1)
    return failed or (score.stop, score.target) == ("nli+commonsenseqa", "xnli")


def _spoilt(step: StepSummary) -> StepSummary:
    lost = replace(step, seconds=0.0, peak_memory_bytes=0, curve=(), dev=())
    if "commonsenseqa>udpos@1" in step.label and "+" not in step.label:
        if step.kind == "train":
            message = "expected 2.1 GB of free memory, found 0.4 GB; lower micro_batch_size."
            return replace(lost, state="failed", message=message, seconds=3.0)
        message = "needs 'train commonsenseqa>udpos@1', which failed"
        return replace(lost, state="skipped", message=message)
    return replace(lost, state="missing") if "nli+commonsenseqa>xnli" in step.label else step


HOSTILE = "<script>alert(1)</script>\"'&`|</style>*_<!--</script"


def renamed(results: Results, name: str) -> Results:
    """The same study with a name of the user's everywhere."""
    return replace(
        results,
        study=name,
        stops=tuple(name if s == "nli" else s for s in results.stops),
        targets=tuple(name if t == "xnli" else t for t in results.targets),
        source_language={name: "en"},
        scores=tuple(
            replace(s, stop=name if s.stop == "nli" else s.stop, target=name)
            for s in results.scores
        ),
        steps=tuple(replace(s, label=name, message=name, state="failed") for s in results.steps),
        warnings=(name,),
        provenance={name: name},
    )


def quick(**changes: object) -> Analysis:
    """The analysis of a synthetic study with few resamples, enough for tests of what is shown."""
    return analyse(synthetic(**changes), resamples=QUICK)  # type: ignore[arg-type]
