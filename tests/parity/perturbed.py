"""Predictions made from gold by a fixed rule, so that golden values need no stored predictions.

`make_golden.py` gives these to the official scripts, the tests give them to ours. Everything is
drawn from `random.Random` seeded with a string, which is the same on every machine.
"""

from __future__ import annotations

import os
import random
from collections.abc import Sequence
from pathlib import Path

from waystation import readers
from waystation.examples import SpanExample

DATA = Path(os.environ.get("WAYSTATION_DATA", Path(__file__).parents[2] / "../shared/data"))
XNLI_LABELS = ("contradiction", "entailment", "neutral")

XCOPA = ("et", "ht", "id", "it", "qu", "sw", "ta", "th", "tr", "vi", "zh")

# task -> language -> the gold file below DATA
FILES: dict[str, dict[str, str]] = {
    "xnli": dict.fromkeys(("de", "hi", "zh"), "xnli/test-labels.txt"),
    "udpos": {
        "ar": "udpos/UD_Arabic-PUD/ar_pud-ud-test.conllu",
        "de": "udpos/UD_German-PUD/de_pud-ud-test.conllu",
        "en": "udpos/UD_English-PUD/en_pud-ud-test.conllu",
        "et": "udpos/UD_Estonian-EWT/et_ewt-ud-test.conllu",
        "hi": "udpos/UD_Hindi-PUD/hi_pud-ud-test.conllu",
        "zh": "udpos/UD_Chinese-PUD/zh_pud-ud-test.conllu",
    },
    "panx": {lang: f"panx/dev-{lang}.tsv" for lang in ("ar", "de", "es", "hi", "ru", "sw", "zh")},
    "xquad": {
        lang: f"xquad/xquad.{lang}.json" for lang in ("ar", "de", "en", "es", "hi", "ru", "zh")
    },
    "tydiqa": {
        lang: f"tydiqa/tydiqa-goldp-v1.1-dev/tydiqa.goldp.{lang}.dev.json"
        for lang in ("ar", "en", "id", "ru")
    },
    "mlqa": {
        lang: f"mlqa/MLQA_V1/dev/dev-context-{lang}-question-{lang}.json"
        for lang in ("de", "en", "es", "hi")
    },
    # MLQA's other languages, on XQuAD's files; Vietnamese rules on Spanish text with added words
    "mlqa-rules": {
        "ar": "xquad/xquad.ar.json",
        "vi": "xquad/xquad.es.json",
        "zh": "xquad/xquad.zh.json",
    },
    "pawsx": {lang: f"pawsx/dev-{lang}.tsv" for lang in ("de", "fr", "zh")},
    "xcopa": {lang: f"xcopa/{lang}/val.{lang}.jsonl" for lang in XCOPA},
    "bucc2018": {"zh": "bucc2018/zh-en.dev.gold"},
    "lareqa": {lang: f"xquad-r/{lang}.json" for lang in ("de", "en", "es", "zh")},
    "tatoeba": {
        lang: f"tatoeba/tatoeba.{code}-eng.eng"
        for lang, code in (("de", "deu"), ("fi", "fin"), ("hi", "hin"), ("zh", "cmn"))
    },
}


def sentences(task: str, language: str) -> list[list[str]]:
    """The gold tags of a tagging task."""
    path = DATA / FILES[task][language]
    if task == "udpos":
        return [list(tags) for _, _, _, tags in readers.conllu(path)]
    return [list(tags or ()) for _, _, tags in readers.conll(path)]


def questions(task: str, language: str) -> list[SpanExample]:
    """The questions of a span task."""
    return [example for _, example in readers.squad(DATA / FILES[task][language])]


def lines(task: str, language: str) -> list[str]:
    """The gold of a task with one label, pair or index per item."""
    path = DATA / FILES[task][language]
    if task == "xcopa":
        return [str(record["label"]) for _, record in readers.jsonl(path)]
    rows = [row for _, row in readers.lines(path) if row]
    if task == "pawsx":
        return [row.split("\t")[2] for row in rows]
    return [str(i) for i in range(len(rows))] if task == "tatoeba" else rows


def perturb_labels(gold: Sequence[str], seed: str) -> list[str]:
    """About a third of the labels drawn anew from those that occur."""
    draw, labels = random.Random(seed), sorted(set(gold))
    return [draw.choice(labels) if draw.random() < 0.35 else label for label in gold]


def perturb_tags(gold: Sequence[Sequence[str]], seed: str) -> list[list[str]]:
    """About a fifth of the tags drawn anew, and some copied from the word before."""
    draw = random.Random(seed)
    labels = sorted({tag for tags in gold for tag in tags})
    predicted = []
    for tags in gold:
        made: list[str] = []
        for tag in tags:
            chance = draw.random()
            if chance < 0.2:
                made.append(draw.choice(labels))
            elif chance < 0.25 and made:
                made.append(made[-1])
            else:
                made.append(tag)
        predicted.append(made)
    return predicted


def perturb_answers(gold: Sequence[SpanExample], seed: str) -> dict[str, str]:
    """A gold answer as it is, shifted, in upper case, decorated, elsewhere, with words dropped or
    doubled, or empty; where there is none, an empty answer, an article or a piece of the text."""
    draw = random.Random(seed)
    predicted = {}
    for example in gold:
        if not example.answers:
            predicted[example.id] = draw.choice(["", "", " ", "the", "A.", example.context[:9]])
            continue
        answer = draw.choice(example.answers)
        start, end = answer.start, answer.start + len(answer.text)
        context, kind = example.context, draw.randrange(10)
        shift = draw.randint(1, 25)
        words = answer.text.split()
        place = draw.randrange(len(words)) if words else 0
        predicted[example.id] = {
            0: answer.text,
            1: answer.text,
            2: context[max(0, start - shift) : end + shift],
            3: context[start : max(start + 1, end - shift // 4)],
            4: answer.text.upper(),
            5: f"  the «{answer.text}», an - der el la của những {answer.text[:1]}。",
            6: context[shift : shift + draw.randint(5, 60)],
            7: "" if shift < 5 else context[start : end + 4 * shift],
            8: " ".join(words[:place] + words[place + 1 :]),
            9: " ".join([*words[: place + 1], *words[place:], "The."]),
        }[kind]
    return predicted


def perturb_pairs(gold: Sequence[str], seed: str) -> list[str]:
    """Mined pairs: some dropped, some with another target, some twice, some invented."""
    draw = random.Random(seed)
    targets = [line.split("\t")[1] for line in gold]
    predicted = []
    for line in gold:
        source, target = line.split("\t")
        chance = draw.random()
        if chance < 0.2:
            continue
        predicted.append(f"{source}\t{draw.choice(targets) if chance < 0.4 else target}")
        if chance > 0.9:
            predicted.append(predicted[-1])
        if chance > 0.95:
            predicted.append(f"{source}-no\t{target}")
    return predicted


def scored_pairs(gold: Sequence[str], seed: str, wrong: float) -> list[tuple[str, str, float]]:
    """One candidate per source, (source, target, score), with many equal scores.

    `wrong` is how many wrong pairs there are for each right one; right pairs score higher on
    average, and the lowest score belongs to a wrong one.
    """
    draw = random.Random(seed)
    found = []
    for line in gold:
        source, target = line.split("\t")
        if draw.random() < 0.9:
            found.append((source, target, round(draw.gauss(1.15, 0.1) * 256) / 256))
        for number in range(int(wrong) + (draw.random() < wrong % 1)):
            score = round(draw.gauss(0.95, 0.1) * 256) / 256
            found.append((f"{source}-{number}", f"{target}-{number}", score))
    draw.shuffle(found)
    return [*found, ("last", "last", -1.0)]


def perturb_ranking(relevant: Sequence[str], pool: Sequence[str], seed: str) -> list[str]:
    """0 to 30 candidates: relevant ones among others, some of them more than once."""
    draw = random.Random(seed)
    ranked: list[str] = []
    for _ in range(draw.choice((0, 1, 5, 20, 20, 20, 30))):
        chance = draw.random()
        if chance < 0.15 and ranked:
            ranked.append(draw.choice(ranked))
        else:
            ranked.append(draw.choice(relevant if chance < 0.4 else pool))
    return ranked
