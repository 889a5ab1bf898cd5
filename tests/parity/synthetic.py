"""Items drawn by seed that need no data, in the shapes that each official script takes.

Everything comes from `random.Random` seeded with a string, which is the same on every machine.
The texts mean nothing: they hold what scoring trips over, that is articles, case, punctuation of
several scripts, combining marks, repeated words and empty answers.
"""

from __future__ import annotations

import random
from collections.abc import Sequence

from waystation.examples import Answer, SpanExample

# Language -> (words, what stands between two words)
TEXTS: dict[str, tuple[str, str]] = {
    "ar": ("الكتاب كتاب في المدينة ، القديمة 1250 التي؟ و «البيت» العال مدينة قال", " "),
    "de": ("Der die das ein einer des Haus Häuser, Straße 1250 U-Bahn „Ende“ über den.", " "),
    "en": ("The the a an tower of Rome's 1,250 U.S. co-op naïve café “An (A) theatre", " "),
    "es": ("El la los unas un casa ¿qué? niño 1250 «fin» los-que de año, las unos", " "),
    "hi": ("यह किताब में है। 1250 शहर की, पुराना 'घर' हिन्दी क्या? एक दो", " "),
    "vi": ("của là cái những con báo, 1250 chiếc thành-phố cũ “nhà” Việt Nam. và", " "),
    "zh": ("北京 大学 在 中国 ， the A 1250 年 「书」 。 Apple 公司 、 ・ 的", ""),
}


def labels(values: Sequence[str], seed: str, count: int = 1000) -> list[str]:
    """Labels drawn alike."""
    draw = random.Random(f"labels {seed}")
    return [draw.choice(values) for _ in range(count)]


def tags(values: Sequence[str], seed: int, count: int = 1000) -> list[list[str]]:
    """Sentences of 1 to 12 tags with many repetitions, most of them no valid chunk sequence."""
    draw = random.Random(f"synthetic {seed}")
    found = []
    for _ in range(count):
        made: list[str] = []
        for _ in range(draw.randint(1, 12)):
            made.append(made[-1] if made and draw.random() < 0.4 else draw.choice(values))
        found.append(made)
    return found


def questions(language: str, unanswerable: float = 0.0, count: int = 1000) -> list[SpanExample]:
    """Questions with one to three answers cut anywhere in a text of random words."""
    draw = random.Random(f"questions {language} {unanswerable}")
    line, space = TEXTS[language]
    words = line.split()
    found = []
    for number in range(count):
        context = space.join(draw.choice(words) for _ in range(draw.randint(8, 30)))
        answers = []
        for _ in range(0 if draw.random() < unanswerable else draw.randint(1, 3)):
            start = draw.randrange(len(context) - 2)
            answers.append(Answer(text=context[start : start + draw.randint(1, 20)], start=start))
        found.append(
            SpanExample(id=f"q{number}", question="", context=context, answers=tuple(answers))
        )
    return found


def gold_pairs(seed: str, count: int = 1000) -> list[str]:
    """`source<TAB>target` lines of a one-to-one alignment."""
    order = list(range(count))
    random.Random(f"pairs {seed}").shuffle(order)
    return [f"s{source}\tt{target}" for source, target in enumerate(order)]


def entities(seed: str, count: int = 1000) -> dict[str, list[str]]:
    """Mention -> its one entity."""
    draw = random.Random(f"entities {seed}")
    return {f"m{i}": [f"Q{draw.randint(1, 4 * count)}"] for i in range(count)}


def relevances(seed: str, count: int = 1000, pool: int = 600) -> dict[str, list[str]]:
    """Question -> 1 to 30 relevant candidates of a pool `c0`, `c1`, ..."""
    draw = random.Random(f"relevances {seed}")
    names = [f"c{i}" for i in range(pool)]
    return {f"q{i}": sorted(draw.sample(names, draw.randint(1, 30))) for i in range(count)}
