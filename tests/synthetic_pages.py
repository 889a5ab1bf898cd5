"""What the HTML report shows beside results: invented examples, and a study of great size."""

from __future__ import annotations

import zlib
from dataclasses import replace

import numpy as np

from synthetic_results import ACCURACY, generator, one_step, train_step
from waystation.buckets import QUARTERS, Aspects, Feature, Size
from waystation.excerpts import Excerpt, Item, Output, Run, Text
from waystation.languages import XTREME_R
from waystation.metrics import total
from waystation.results import Results, Score

# --- examples -------------------------------------------------------------------------------

SENTENCES = {
    "ar": "أكلت القطة السمكة قبل أن يعود الصياد", "hi": "बिल्ली ने मछली खा ली और सो गई",
    "th": "แมวกินปลาแล้วก็นอนหลับ", "zh": "猫吃了鱼然后睡着了", "de": "Die Katze aß den Fisch",
}  # fmt: skip
KINDS_OF = {"udpos": "tagging", "tatoeba": "bitext", "xcopa": "choice"}
LABELS = ("entailment", "neutral", "contradiction")
TAGS = ("NOUN", "VERB", "DET")


def _outputs(kind: str, number: int, sentence: str) -> tuple[Output, list[tuple[Output, float]]]:
    """Gold and three different outputs of an item, the first of them right."""
    if kind == "tagging":
        gold = tuple(TAGS[(number + i) % 3] for i in range(len(sentence.split())))
        wrong = ("DET", *gold[1:]) if gold[0] != "DET" else ("NOUN", *gold[1:])
        none = tuple(TAGS[(number + i + 1) % 3] for i in range(len(gold)))
        return gold, [(gold, 1.0), (wrong, 1 - 1 / len(gold)), (none, 0.0)]
    if kind == "classification":
        labels = [LABELS[(number + i) % 3] for i in range(3)]
        return labels[0], [(labels[0], 1.0), (labels[1], 0.0), (labels[2], 0.0)]
    texts = [f"{sentence} {number + i}" for i in range(3)]
    return texts[0], [(texts[0], 1.0), (texts[1], 0.0), (texts[2], 0.0)]


def chosen(number: int, run: int) -> int:
    """Which of its outputs an item has under a run; 0 is the right one."""
    return zlib.crc32(f"{number} {run}".encode()) % 3


def _item(kind: str, language: str, number: int, runs: int) -> Item:
    sentence = SENTENCES.get(language, f"A cat of {language} ate the fish")
    gold, outputs = _outputs(kind, number, sentence)
    words: str | tuple[str, ...] = tuple(sentence.split()) if kind == "tagging" else sentence
    texts = [Text("words" if kind == "tagging" else "first text", language, words)]
    if kind in ("classification", "choice"):
        texts.append(Text("second text", language, f"{sentence} ({number})"))
    return Item(
        id=f"item-{number}",
        texts=tuple(texts),
        gold=gold,
        outputs=tuple(outputs),
        chosen=tuple(chosen(number, run) for run in range(runs)),
    )


def excerpts_of(results: Results, items: int = 12) -> tuple[Excerpt, ...]:
    """Invented examples for every target and language with a score; the baseline is right."""
    routes: dict[tuple[str, str], list[Run]] = {}
    for s in results.scores:
        run = Run(s.backbone, s.stop, s.seed)
        routes.setdefault((s.target, s.language), []).append(run)
    found = []
    for (target, language), runs in routes.items():
        runs = list(dict.fromkeys(runs))
        kind = KINDS_OF.get(target, "classification")
        found.append(
            Excerpt(
                target=target,
                kind=kind,
                language=language,
                variant="12/mean" if kind == "bitext" else "",
                total=200,
                runs=tuple(runs),
                items=tuple(_item(kind, language, n, len(runs)) for n in range(items)),
            )
        )
    return tuple(found)


# --- what test items are like -----------------------------------------------------------------


def aspects_of(results: Results) -> tuple[Aspects, ...]:
    """Invented features of every target and language: quarters, and a label of two unequal sizes.

    Texts have two tokens a word in English, and more the later a language comes.
    """
    ids = {(s.target, s.language): s.ids for s in results.scores}
    found = []
    for number, ((target, language), names) in enumerate(ids.items()):
        n = len(names)
        quarters = Feature(
            name="text length",
            meaning="its quarter of the language's own items by length",
            buckets=QUARTERS,
            places=tuple(4 * i // n for i in range(n)),
        )
        labels = Feature(
            name="label",
            meaning="its gold label",
            buckets=("entailment", "neutral", "contradiction"),
            places=tuple(0 if i < 3 else 1 if i < n // 2 else None for i in range(n)),
        )
        tokens = dict.fromkeys(results.backbones, (20 + number) * n)
        found.append(
            Aspects(
                target=target,
                language=language,
                ids=names,
                features=(quarters, labels),
                size=Size(10 * n, 50 * n, tokens),
            )
        )
    return tuple(found)


# --- a large study --------------------------------------------------------------------------


def large() -> Results:
    """Ten stops, nine targets, fifty languages and three seeds, with all their steps."""
    stops = ("none", *(f"stop-{i}" for i in range(1, 11)))
    targets = tuple(f"target-{i}" for i in range(1, 10))
    scores, steps = [], []
    for target in targets:
        for stop in stops:
            for seed in (0, 1, 2):
                route = f"{stop}>{target}@{seed}"
                steps.append(train_step(f"train {route}", 42.0, seed))
                for language in XTREME_R:
                    steps.append(one_step("predict", f"predict {route} {language}", 1.2))
                    steps.append(one_step("score", f"score {route} {language}", 0.1))
                    right = generator(route, language).random(24) < 0.6
                    statistics = np.stack([right.astype(float), np.ones(24)], axis=1)
                    scores.append(
                        Score(
                            backbone="e5",
                            stop=stop,
                            target=target,
                            task=target,
                            seed=seed,
                            language=language,
                            variant="",
                            headline="accuracy",
                            values=ACCURACY.reduce(total(statistics)),
                            baselines={"chance": 33.3, "majority": 34.0},
                            metric=ACCURACY,
                            ids=ITEMS,
                            groups=ITEMS,
                            statistics=statistics,
                        )
                    )
    return Results(
        study="large",
        backbones=("e5",),
        seeds=(0, 1, 2),
        stops=stops,
        targets=targets,
        source_language=dict.fromkeys(targets, "en"),
        scores=tuple(scores),
        steps=tuple(replace(s, stops=("stop-1",)) for s in steps),
        warnings=(),
        provenance={},
    )


ITEMS = tuple(map(str, range(24)))
