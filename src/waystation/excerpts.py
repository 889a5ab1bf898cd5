"""Excerpts of a study: some examples of every target and language with every route's prediction.

What the report's example browser shows. A fixed sample, the same whoever asks: the examples whose
ids have the smallest sha256, so that parallel tests show the same items in every language. Texts
come from the store's data, predictions from its predict steps, both hashed while they are read.
How good one output is comes from comparing it with gold; for answers it is the headline metric
of that one example, as the score step measured it. A query is right where the first candidate
found is relevant; a mined pair that the threshold drops counts as not found.

Excerpts say nothing of scores: those are over all examples. No torch.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple, TypeAlias, cast

from waystation.examples import KINDS, BitextExample, Candidate, Neighbours, from_json
from waystation.lock import Lock, task_of
from waystation.metrics.retrieval import BUCC_F1
from waystation.plan import Plan, Route
from waystation.results import Results, Score
from waystation.store import Store
from waystation.study import Study

PER_LANGUAGE: Final = 60
"""Items of a target in one language; the page shows fewer where they would make it too large."""
LONGEST: Final = 600
"""Characters of a text; a longer one is cut, a context around its answer."""

NOTHING: Final = "(nothing)"
"""What a query without an answer has for gold, and where no candidate was found or kept."""

Output: TypeAlias = "str | tuple[str, ...]"
"""A prediction as it is shown: a text, or one tag for each word."""
Pool: TypeAlias = Mapping[str, Candidate]


class Text(NamedTuple):
    """One text of an example: its role, its language ("" where unknown), and its words or text."""

    role: str
    language: str
    content: str | tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Item:
    """One example. `outputs` are the different predictions, each with how right it is, 0 to 1.

    `chosen` has one entry for each run of the excerpt: the position of its output, None where
    that run has not predicted. A value is None where gold is unpublished.
    """

    id: str
    texts: tuple[Text, ...]
    gold: Output | None
    outputs: tuple[tuple[Output, float | None], ...]
    chosen: tuple[int | None, ...]


class Run(NamedTuple):
    """One route, but for target and language."""

    backbone: str
    stop: str
    seed: int


@dataclass(frozen=True, kw_only=True)
class Excerpt:
    """The sampled items of one target in one language, out of `total`."""

    target: str
    kind: str
    language: str
    variant: str
    """The layer and pooling shown of a retrieval target."""
    total: int
    runs: tuple[Run, ...]
    items: tuple[Item, ...]


def collect_excerpts(
    results: Results,
    lock: Lock,
    plan: Plan,
    store: Store,
    study: Study,
    variants: Mapping[tuple[str, str], str],
) -> tuple[Excerpt, ...]:
    """Excerpts of every target and language with a score, in the study's order.

    `variants` says which layer and pooling to show of a (backbone, target) with several.
    """
    kinds = {
        t["name"]: task_of(t["ref"], study.path.resolve().parent).kind
        for t in cast("Any", lock["targets"])
    }
    scores = {
        (s.backbone, s.stop, s.target, s.seed, s.language, s.variant): s for s in results.scores
    }
    grouped: dict[tuple[str, str], list[Route]] = {}
    digests = {name: entry["digest"] for name, entry in cast("Any", lock["data"]).items()}
    for route in plan.routes:  # a store may be passed on without its data or predictions
        if store.has_data(digests[route.data]) and store.state(route.predict) == "done":
            grouped.setdefault((route.target, route.language), []).append(route)
    found = []
    pools: dict[str, Pool] = {}
    for (target, language), routes in grouped.items():
        examples = store.data(digests[routes[0].data], KINDS[kinds[target]][0])
        pool = _pool(cast("Any", plan.steps[routes[0].predict].spec).get("pool"), store, pools)
        reader = _Reader(store, kinds[target], variants, scores, pool)
        found.append(_excerpt(target, language, routes, examples, reader))
    order = {name: i for i, name in enumerate(results.targets)}
    return tuple(sorted(found, key=lambda e: order[e.target]))


def _pool(digest: str | None, store: Store, known: dict[str, Pool]) -> Pool:
    """What queries search, by id; empty where there is no pool or the store came without it."""
    if digest is None or not store.has_data(digest):
        return {}
    if digest not in known:  # languages share pools
        known[digest] = {c.id: c for c in cast("Any", store.data(digest, Candidate))}
    return known[digest]


class _Reader(NamedTuple):
    """Where the predictions of one target lie and how they are read."""

    store: Store
    kind: str
    variants: Mapping[tuple[str, str], str]
    scores: Mapping[tuple[str, str, str, int, str, str], Score]
    pool: Pool

    def predictions(self, route: Route, positions: Sequence[int]) -> list[Any]:
        """The predictions at these places; only they are parsed."""
        lines = self.store.read(route.predict, "predictions.jsonl").decode().split("\n")
        return [from_json(KINDS[self.kind][1], json.loads(lines[i])) for i in positions]

    def score(self, route: Route) -> Score | None:
        variant = self.variants.get((route.backbone, route.target), "")
        key = (route.backbone, route.stop, route.target, route.seed, route.language, variant)
        return self.scores.get(key)


def sample(ids: Sequence[str], most: int = PER_LANGUAGE) -> list[int]:
    """Positions of the ids with the smallest sha256, smallest first."""
    ranked = sorted(range(len(ids)), key=lambda i: hashlib.sha256(ids[i].encode()).digest())
    return ranked[:most]


def _excerpt(
    target: str, language: str, routes: Sequence[Route], examples: Sequence[Any], reader: _Reader
) -> Excerpt:
    positions = sample([e.id for e in examples])
    layers = [reader.variants.get((r.backbone, target), "") for r in routes]
    columns: list[list[tuple[Output, float | None]]] = []
    pool = reader.pool
    if reader.kind == "bitext":
        pool = {e.id: Candidate(id=e.id, text=e.source, language=language) for e in examples}
    for route, layer in zip(routes, layers, strict=True):
        score, column = reader.score(route), []
        for place, prediction in zip(positions, reader.predictions(route, positions), strict=True):
            example = examples[place]
            assert prediction.id == example.id, (route.predict, prediction.id)
            if reader.kind in ("bitext", "query"):
                column.append(_found(example, prediction.variants.get(layer), pool, score, place))
            else:
                shown = _SHOWN[reader.kind](example, prediction)
                column.append((shown, _value(reader.kind, example, shown, score, place)))
        columns.append(column)
    items = [
        _item(reader.kind, language, examples[place], [c[row] for c in columns], pool)
        for row, place in enumerate(positions)
    ]
    return Excerpt(
        target=target,
        kind=reader.kind,
        language=language,
        variant=" or ".join(dict.fromkeys(layers)),
        total=len(examples),
        runs=tuple(Run(r.backbone, r.stop, r.seed) for r in routes),
        items=tuple(items),
    )


def _item(
    kind: str,
    language: str,
    example: Any,
    outputs: Sequence[tuple[Output, float | None]],
    pool: Pool,
) -> Item:
    different = list(dict.fromkeys(outputs))
    return Item(
        id=example.id,
        texts=tuple(_TEXTS[kind](example, language)),
        gold=_relevant(example, language, pool) if kind == "query" else _gold(kind, example),
        outputs=tuple(different),
        chosen=tuple(different.index(o) for o in outputs),
    )


# --- how each kind is shown ------------------------------------------------------------------


def _found(
    example: Any, neighbours: Neighbours | None, pool: Pool, score: Score | None, place: int
) -> tuple[Output, float | None]:
    """The first candidate in the headline's direction and whether it is right, by its id.

    That is the nearest sentence of the language for an English one of a bitext.
    """
    bitext = isinstance(example, BitextExample)
    ids = () if neighbours is None else neighbours.backward if bitext else neighbours.forward
    first = ids[0] if ids else ""
    if score is not None and score.metric is BUCC_F1 and score.ids[place] == example.id:
        first = first if score.statistics[place][1] else ""  # what the threshold has left
    relevant = (example.id,) if bitext else example.relevant
    right = None if relevant is None else float(first in relevant if first else not relevant)
    return cut(_text(first, pool)) if first else NOTHING, right


def _relevant(example: Any, language: str, pool: Pool) -> Output | None:
    """What answers a query: where that is there in the query's own language, this."""
    if not example.relevant:
        return None if example.relevant is None else NOTHING
    own = [r for r in example.relevant if r in pool and pool[r].language == language]
    return cut(" / ".join(dict.fromkeys(_text(r, pool) for r in own or example.relevant)))


def _text(name: str, pool: Pool) -> str:
    return pool[name].text if name in pool else name


_SHOWN: Final[Mapping[str, Callable[[Any, Any], Output]]] = {
    "classification": lambda e, p: p.label,
    "regression": lambda e, p: f"{p.value:.2f}",
    "choice": lambda e, p: e.options[p.label],
    "tagging": lambda e, p: p.tags,
    "span": lambda e, p: cut(p.text),
    "text": lambda e, p: cut(p.text),
    "code": lambda e, p: cut(p.text),
}


def _pair(example: Any, language: str) -> Iterable[Text]:
    yield Text("text" if example.pair is None else "first text", language, cut(example.text))
    if example.pair is not None:
        yield Text("second text", language, cut(example.pair))


def _choice(example: Any, language: str) -> Iterable[Text]:
    yield Text("context", language, cut(example.context))
    for number, option in enumerate(example.options, 1):
        yield Text(f"option {number}", language, cut(option))


def _span(example: Any, language: str) -> Iterable[Text]:
    context, _, question = language.partition("-")  # `de-en` is a German context asked in English
    if not question.islower():
        context = question = language
    first = example.answers[0].start if example.answers else 0
    yield Text("question", question, cut(example.question))
    yield Text("context", context, cut(example.context, first))


_TEXTS: Final[Mapping[str, Callable[[Any, str], Iterable[Text]]]] = {
    "classification": _pair,
    "regression": _pair,
    "choice": _choice,
    "tagging": lambda e, t: [Text("words", t, tuple(e.words))],
    "span": _span,
    "bitext": lambda e, t: [Text("sentence", "en", cut(e.target))],
    "query": lambda e, t: [Text("query", t, cut(e.query))],
    "text": lambda e, t: [Text("prompt", t, cut(e.prompt))],
    "code": lambda e, t: [Text("prompt", t, cut(e.prompt))],
}


def _gold(kind: str, example: Any) -> Output | None:
    if kind == "classification":
        return cast("str | None", example.label)
    if kind == "regression":
        return None if example.value is None else f"{example.value:.2f}"
    if kind == "choice":
        return None if example.label is None else cast("str", example.options[example.label])
    if kind == "tagging":
        return None if example.tags is None else tuple(example.tags)
    if kind == "span":
        return None if example.answers is None else _answers(example)
    if kind == "bitext":
        return cut(example.source)
    return cut(example.completion) if kind == "text" and example.completion else None


def _answers(example: Any) -> str:
    return cut(" / ".join(dict.fromkeys(a.text for a in example.answers))) or "(no answer)"


def _value(kind: str, example: Any, shown: Output, score: Score | None, place: int) -> float | None:
    """How right one output is: 1 is right, less than 1 is not; None where gold is unpublished."""
    gold = _gold(kind, example)
    if gold is None:
        return None
    if kind == "tagging":
        return sum(a == b for a, b in zip(gold, shown, strict=True)) / max(len(gold), 1)
    if kind == "regression":
        return 1 / (1 + abs(float(cast("str", gold)) - float(cast("str", shown))))
    if kind == "span":
        if score is None or score.ids[place] != example.id:
            return None
        headline = score.metric.reduce(score.statistics[place])[score.headline]
        return round(headline / 100, 3)
    return float(shown == gold)


def cut(text: str, around: int = 0) -> str:
    """At most LONGEST characters of a text: its beginning, or what lies around a place in it."""
    if len(text) <= LONGEST:
        return text
    start = min(max(0, around - LONGEST // 2), len(text) - LONGEST)
    part = text[start : start + LONGEST].strip()
    before, after = bool(start), start + LONGEST < len(text)
    return f"{'… ' if before else ''}{part}{' …' if after else ''}"
