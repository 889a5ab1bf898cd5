"""What the goldens of windows.json are about: long inputs and the logits that answer them.

Real questions and sentences are read from the official data; synthetic ones are drawn from words
of several scripts, so that a part of the comparison runs without data or model. Everything
follows from seeds.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from typing import Any, Final

import numpy as np

from official import DATA
from waystation import task as tasks
from waystation.examples import Answer, SpanExample, TaggingExample
from waystation.sources import load

SETTINGS = ((384, 128), (128, 48), (96, 24))
"""(--max_seq_length, --doc_stride): the scripts' own, and two that cut most contexts."""
SPACES = (" ",) * 12 + ("  ", "\n", "\u202f", "\t ")
REAL = {"xquad": "ar de en es hi ru zh", "tydiqa": "ar en id ru"}
EACH = 130
"""Questions of each language, spread over the file."""
SENTENCES = 150
"""Long sentences of each treebank language (six to ten joined)."""
WORDS: Final = tuple(
    "the king lives in (1992), U.S. don't “said” Straße über_all 大理 中国的，首都。 на-пример, "  # noqa: SIM905
    "κόσμος! हिन्दी। שלום x² ½ ﬁne … a/b e.g. 10,000 «oui» ? - \u00a0 naïve ﷺ ช้าง #5".split(" ")
)  # not at the no-break space, a word that is none


def draws(count: int, *purpose: object) -> Any:
    """float64[count] in [0, 1): raw Philox output, the stream that numpy promises."""
    text = "/".join(map(str, purpose))
    key = int(hashlib.sha256(text.encode()).hexdigest()[:32], 16)
    return (np.random.Philox(key=key).random_raw(count) >> np.uint64(11)) / 2**53


def fingerprint(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:10]


def real_questions(name: str, language: str) -> list[SpanExample]:
    found = load(tasks.get(name), DATA, language, tasks.get(name).test_split).examples
    return list(found[:: max(1, len(found) // EACH)][:EACH])


def synthetic_questions(count: int = 300) -> list[SpanExample]:
    found = []
    for number in range(count):
        random = draws(250, "synthetic", number)
        size = 1 + int(random[0] * 119)
        words = [WORDS[int(r * len(WORDS))] for r in random[4 : 4 + size]]
        spaces = [SPACES[int(r * len(SPACES))] for r in random[124 : 124 + size]]
        context = "".join(f"{w}{s}" for w, s in zip(words, spaces, strict=True))
        starts = np.cumsum([0] + [len(w) + len(s) for w, s in zip(words, spaces, strict=True)])
        first = int(random[1] * size)
        last = min(size, first + 1 + int(random[2] * 3))
        start, text = int(starts[first]), context[starts[first] : starts[last]].rstrip()
        if len(text) > 2 and number % 3 == 0:  # inside its words
            start, text = start + 1, text[1:]
        found.append(
            SpanExample(
                id=str(number),
                question="who lives in the house " * (1 + number % 4),
                context=context,
                answers=(Answer(text=text, start=start),),
            )
        )
    return found


def logits(kind: str, example: SpanExample, part: int, tokens: int, first: int) -> Any:
    """float32[tokens, 2] of one window: noise with a peak at some answer, or ties all over."""
    random = draws(2 * tokens + 2, "logits", kind, example.id, part)
    found = (random[2:].reshape(tokens, 2) * 4).astype(np.float32)
    if kind == "ties":
        return np.round(found)
    begin = first + int(random[0] * max(1, tokens - 1 - first))
    end = min(tokens - 1, begin + int(random[1] * 8))
    found[begin, 0] += 8
    found[end, 1] += 8
    return found


def sentences(language: str) -> list[TaggingExample]:
    """Real sentences, six to ten joined, most of them longer than a row."""
    task = tasks.get("udpos")
    found = load(task, DATA, language, task.test_split).examples
    joined = []
    for number in range(SENTENCES):
        parts = [found[(3 * number + i) % len(found)] for i in range(6 + number % 5)]
        words = tuple(word for part in parts for word in part.words)
        joined.append(replace(found[0], id=str(number), words=words, tags=("X",) * len(words)))
    return joined


def synthetic_sentences(count: int = 300) -> list[TaggingExample]:
    found = []
    for number in range(count):
        random = draws(200, "sentence", number)
        words = [WORDS[int(r * len(WORDS))] for r in random[1 : 2 + int(random[0] * 198)]]
        if number % 7 == 0:
            words.insert(len(words) // 2, "überlang" * 20)
        # The scripts' files end a word at any space.
        words = [word for word in words if word.strip()]
        found.append(TaggingExample(id=str(number), words=tuple(words), tags=("X",) * len(words)))
    return found
