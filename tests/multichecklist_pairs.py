"""Answers and golds that MultiCheckList's official code judged, made here; no test in itself.

`multichecklist_golden.json` holds its verdicts: every pair of `pairs` by `expect_squad`, and the
failure rates of the cases of `outcomes` as test_models.py computes them.
"""

from __future__ import annotations

import hashlib

from waystation.languages import listed

LANGUAGES = listed(
    "en af ar az bg bn de el es et eu fa fi fr gu ha he hi ht hu id it ja jv ka kk ko lt ml mr"
    " ms my nl pa pl pt qu ru sw ta te th tl tr uk ur vi wo yo zh"
)
TESTS = (
    "A is COMP than B. Who is more / less COMP?",
    "Intensifiers (very, super, extremely) and reducers (somewhat, kinda, etc)?",
    "size, shape, age, color",
)
# Every article of any language and words like them; each is tried in every language.
ARTICLES = listed(
    "’n ال একটি একজন ein eine einen einem Ein Ο ένα μια a an the in at The A un una unos unas el"
    " la los las bat یک une le en एक egy ഒരു တစ်ဦး een ਇੱਕ ਇਕ um uma o ஒரு Si si bir một dafa kan"
    " один 一个"
)
# Every mark that some language strips, and some that none does.
ENDS = ("", " ", ".", ",", ", ", "৷", "।", "„", "”", "\u200f", "!", "。", "،")
WORDS = ("Anna", "hund", "собака", "一只狗", "कुत्ता", "unan", "guinea pig", "größer")


def _pick(some, *what):
    digest = hashlib.sha256("\t".join(map(str, what)).encode()).digest()
    return some[int.from_bytes(digest[:6], "big") % len(some)]


def pairs(language):
    """Pairs of (prediction, gold) that differ by an article, or by marks at their ends."""
    found = []
    for article in ARTICLES:
        word = _pick(WORDS, language, article)
        found.append((f"{article} {word}", word))
        found.append((f"{article}{word}", word))
        other = _pick(ARTICLES, language, article, "other")
        found.append((f"{word} {article}", f"{other} {word}"))
    for end in ENDS:
        word = _pick(WORDS, language, end)
        before, after = _pick(ENDS, language, end, 1), _pick(ENDS, language, end, 2)
        found += [(word + end, word), (end + word, word), (before + word + after, word + end)]
    return found


def outcomes(seed):
    """150 cases of 1 to 12 (prediction, gold)."""
    cases = []
    for case in range(150):
        size = _pick(range(1, 13), seed, case, "size")
        cases.append(
            [
                ("Bea" if _pick(range(10), seed, case, place) == 0 else "Anna.", "Anna")
                for place in range(size)
            ]
        )
    return cases
