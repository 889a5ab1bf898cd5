"""Findings on retrieval from pools: whether each query's gold is there, and there once.

A pool is read as a study reads it: one language's, or all languages' that are there together. Of
candidates nothing is claimed by likeness, only by equality, since pools have up to a million. For
comparison with training on questions (SQuAD), a query on a paragraph is given that paragraph.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final, TypeAlias

from waystation import sources
from waystation.check.findings import Finding, Severity, share
from waystation.check.labels import damaged
from waystation.check.reading import Part, Pool
from waystation.errors import DataError, UserError
from waystation.examples import SpanExample
from waystation.sources import Place

Cache: TypeAlias = dict[tuple[Path, ...], Pool]
_MANY: Final = 100  # one query in so many is worth a warning


def with_pool(part: Part, data: Place, cache: Cache) -> Part:
    """The part with the candidates that its queries search, or what keeps them from being read."""
    task = part.task
    if not task.pools or not part.examples:
        return part
    languages: tuple[str, ...] = (part.language,)
    if task.shared_pool:
        languages = sources.available(task, data, part.split, pool=True) or languages

    def without(code: str, message: str) -> Part:
        found = part.finding(code, "error", len(part.examples), f"no candidates: {message}")
        return replace(part, findings=(*part.findings, found))

    try:
        files = tuple(
            path
            for tag in languages
            for path in sources.find(task, data, tag, part.split, pool=True).files
        )
        if files not in cache:
            loaded = sources.load_pool(task, data, languages, part.split)
            cache[files] = Pool(loaded.examples)
    except DataError as error:
        return without("unreadable-file", str(error))
    except UserError as error:
        return without("missing-files", str(error))
    return replace(part, pool=cache[files])


def of_part(part: Part) -> Iterator[Finding]:
    """What one language's queries and their pool show."""
    pool = part.pool
    if pool is None:
        return
    asked = [e for e in part.examples if e.relevant is not None]
    if not part.task.mines:  # where pairs are mined, most sentences have none
        yield from _told(
            part, "no-relevant", "warning", [e.id for e in asked if not e.relevant],
            "queries are answered by no candidate and count as wrong whatever is found: complete"
            " or remove them",
        )  # fmt: skip
    absent = {e.id: r for e in asked for r in e.relevant if r not in pool.by_id}
    yield from _told(
        part, "gold-not-in-pool", "error", [f"{q}: {r}" for q, r in absent.items()],
        "queries have gold that is in no file of candidates and cannot be found: get queries and"
        " candidates of one release",
    )  # fmt: skip
    again = [f"{e.id}: {copy} = {r}" for e in asked for r, copy in [_copy(e, pool)] if copy]
    level: Severity = "warning" if len(again) * _MANY >= len(part.examples) else "note"
    yield from _told(
        part, "repeated-targets", level, again,
        "queries have gold of which the pool holds a copy that is not gold, so that a right answer"
        " can count as wrong: read scores with that in mind",
    )  # fmt: skip
    broken = [c.id for c in pool.candidates if damaged(c.text)]
    if broken:
        level = "warning" if len(broken) * _MANY >= len(pool.candidates) else "note"
        message = (
            f"{share(len(broken), len(pool.candidates))} candidates hold U+FFFD or UTF-8 that was"
            " read as another character set: get the file again"
        )
        yield part.finding("wrong-decoding", level, len(broken), message, broken)


def _told(
    part: Part, code: str, severity: Severity, places: Sequence[str], message: str
) -> Iterator[Finding]:
    if places:
        told = f"{share(len(places), len(part.examples))} {message}"
        yield part.finding(code, severity, len(places), told, places)


def _copy(query: Any, pool: Pool) -> tuple[str, str]:
    """(gold, candidate with the same text that is not gold) of a query, ("", "") without one."""
    for right in query.relevant:
        if right in pool.by_id:
            for other in pool.same_text(right):
                if other not in query.relevant:
                    return right, other
    return "", ""


def of_language(splits: Sequence[Part]) -> Iterator[Finding]:
    """Candidates that the split a threshold is chosen on shares with the evaluated one."""
    by_split = {part.split: part for part in splits if part.pool is not None}
    for part in splits:
        tune = by_split.get(part.task.tune_split or "")
        if part.pool is None or tune is None or tune.pool is None or tune is part:
            continue
        pairs = [
            f"{part.split} {own.id} = {tune.split} {tune.pool.by_text[text][0]}"
            for own in part.pool.candidates
            if (text := Pool.text_of(own)) in tune.pool.by_text
        ]
        if pairs:
            number = len(part.pool.candidates)
            message = (
                f"{share(len(pairs), number)} candidates of {part.split} are in {tune.split} as"
                " well, which thresholds are chosen on: leave them out there, or say so"
            )
            level: Severity = "warning" if len(pairs) * _MANY >= number else "note"
            yield part.finding("shared-between-splits", level, len(pairs), message, pairs)


def pairs(part: Part) -> tuple[list[tuple[str, str]], list[str]]:
    """The (query, gold) texts of a mining task, and what they are called."""
    if part.pool is None:
        return [], []
    told = [
        ((e.query, part.pool.by_id[r].text), f"{e.id} = {r}")
        for e in part.examples
        for r in e.relevant or ()
        if r in part.pool.by_id
    ]
    return [texts for texts, _ in told], [name for _, name in told]


def as_questions(part: Part) -> tuple[Any, ...]:
    """Queries on paragraphs as questions on them, ids as SQuAD's; all others as they are."""
    pool = part.pool
    if pool is None or not any(c.context for c in pool.candidates[:1]):
        return part.examples
    found = []
    for example in part.examples:
        own = [pool.by_id[r] for r in example.relevant or () if r in pool.by_id]
        context = next((c.context for c in own if c.language in ("", part.language)), "")
        found.append(
            SpanExample(
                id=item(part, example), group=example.group, question=example.query,
                context=context, answers=None,
            )
        )  # fmt: skip
    return tuple(found)


def item(part: Part, example: Any) -> str:
    """What an example is called in every language: LAReQA's ids end in theirs."""
    name: str = example.id
    return name.removesuffix(f"_{part.language}") if part.task.kind == "query" else name
