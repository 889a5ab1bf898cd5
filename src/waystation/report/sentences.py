"""The sentences of a report: one per target, one over everything, computed from the verdicts.

They say what was found, what could not have been found, and what is not there. Plain text; the
renderers escape it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from waystation.report.numbers import count, interval, listing, points, score, variant

if TYPE_CHECKING:
    from waystation.report.analysis import Analysis, Cell, Part

WHOLE_SCALE: Final = 100.0
"""Points; a gain that must be larger to be detected cannot be."""
SEEN: Final = 0.05
"""Points; less than this is written 0.0."""
JUDGED: Final = ("gain", "loss", "no clear difference")
"""The verdicts that say something of a gain."""


def incomplete(seeds: Sequence[int], languages: Sequence[str]) -> str:
    """What a gain had to leave out, or ""."""
    parts = []
    if seeds:
        names = listing([str(s) for s in seeds])
        parts.append(f"without {'seed' if len(seeds) == 1 else 'seeds'} {names}")
    if languages:
        parts.append(f"without {listing(languages)}")
    return ", ".join(parts)


def metric_line(part: Part) -> str:
    """What the numbers of a target are: metric, languages, layer."""
    where = count(len(part.languages), "language")
    kind = f"mean over {where} never fine-tuned on" if part.fine_tuned else f"mean over {where}"
    layer = f", {variant(part.variant)}" if part.variant else ""
    return f"{part.headline}, {kind}{layer}"


def of_part(part: Part) -> str:
    """One honest sentence or two on what the stops were worth on a target."""
    measured = [c for c in part.grid if c.gain is not None]
    missing = [f"{c.stop} ({c.note})" for c in part.grid if c.gain is None]
    if not part.grid:
        return f"{score(part.mean('none'))} without a stop, and no stop to compare with."
    if not measured:
        return f"No gain can be said of {part.target}: {'; '.join(missing)}."
    silent = [c for c in measured if c.verdict == "uninformative"]
    if len(silent) == len(measured):
        return (
            f"{part.target} says nothing here: no route is clearly above chance and majority"
            f" ({score(part.floor())}), so differences between routes are not gains."
        )
    by_verdict = {c.verdict: [d for d in measured if d.verdict == c.verdict] for c in measured}
    found = [
        _clear(by_verdict.get("gain", []), "a clear gain", "clear gains"),
        _clear(by_verdict.get("loss", []), "a clear loss", "clear losses"),
        _of(by_verdict.get("no clear difference", []), "cannot be told from noise"),
        _of(by_verdict.get("too few seeds", []), "cannot be judged with one seed"),
        _of(by_verdict.get("too few items", []), "cannot be judged on so few items"),
        _of(silent, "says nothing, since it never left chance and majority"),
    ]
    start = part.mean("none")
    before = "" if start is None else f"From {score(start)} without a stop: "
    text = f"{before}{'; '.join(f for f in found if f)}."
    seen = [c.gain.detectable for c in measured if c.gain and c.verdict == "no clear difference"]
    if seen:
        text += _unseen(max(seen))
    if missing:
        text += f" Not measured: {listing(missing)}."
    return text


def of_variants(part: Part) -> str:
    """Why the grid shows this layer and pooling, and what hangs on it; "" without a choice."""
    if len(part.variants) < 2:
        return ""
    if part.variant == part.official:
        top = max(int(v.partition("/")[0]) for v in part.variants)
        why = (
            "what the benchmark's own scripts evaluate on a backbone of"
            f" {top} layers, the highest measured here"
        )
    else:
        why = (
            "chosen by name before any score was seen (mean pooling, cosine, the layer nearest to"
            " two thirds of the highest), since no official variant was measured"
        )
    text = f"The grid shows {variant(part.variant)}, the same for every stop: {why}."
    if part.spread is not None:
        worst, best = part.spread
        low, high = part.mean("none", variant=worst), part.mean("none", variant=best)
        assert low is not None
        assert high is not None
        text += (
            f" Without a stop the best variant ({variant(best)}: {score(high)}) and the worst"
            f" ({variant(worst)}: {score(low)}) are {score(high - low)} points apart"
        )
        text += (
            "; a gain smaller than that may be no more than what another layer would give."
            if part.grid
            else ": so much hangs on layer and pooling alone."
        )
    return text


def brief(part: Part) -> str:
    """One short sentence on a target: its best clear stop, the counts, what went unseen."""
    measured = [c for c in part.grid if c.gain is not None]
    words = [c.verdict for c in measured]
    if not measured:
        return "Nothing was measured yet." if part.grid else "It has no stops."
    if words.count("uninformative") == len(words):
        return "No route is clearly above chance and majority, so nothing can be said."
    texts = []
    for word, most, one, more in (
        ("gain", max, "a clear gain", "clear gains, the largest"),
        ("loss", min, "a clear loss", "clear losses, the largest"),
    ):
        found = [c for c in measured if c.verdict == word]
        if found:
            top = most(found, key=lambda c: c.gain.value if c.gain else 0.0)
            what = one if len(found) == 1 else f"{len(found)} {more}"
            texts.append(f"{what} with {top.stop}, {_value(top)}")
    if not texts and words.count("no clear difference"):
        texts.append("no stop made a clear difference")
    elif words.count("no clear difference"):
        texts.append(f"{words.count('no clear difference')} of {len(words)} stops in the noise")
    silent = [w for w in words if w not in JUDGED]
    if silent:
        texts.append(f"{len(silent)} without a verdict ({listing(list(dict.fromkeys(silent)))})")
    if len(measured) < len(part.grid):
        texts.append(f"{len(part.grid) - len(measured)} not measured")
    text = "; ".join(texts) + "."
    start = part.mean("none")
    text = text[0].upper() + text[1:] if start is None else f"From {score(start)}: {text}"
    seen = [c.gain.detectable for c in measured if c.gain and c.verdict == "no clear difference"]
    return text + _unseen(max(seen)) if seen else text


def _unseen(detectable: float) -> str:
    if detectable >= WHOLE_SCALE:
        return " With so few seeds, some cells could not tell a gain of any size from noise."
    if detectable < SEEN:  # equal predictions: their spread of nought is no measure of power
        return ""
    return f" Gains below {detectable:.1f} points would probably have gone unseen."


def _clear(cells: Sequence[Cell], one: str, more: str) -> str:
    text = listing([f"{c.stop} {_value(c)}" for c in cells])
    return text and f"{text} {f'is {one}' if len(cells) == 1 else f'are {more}'}"


def _of(cells: Sequence[Cell], what: str) -> str:
    text = listing([f"{c.stop} ({_value(c)})" for c in cells])
    return text and f"{text} {what}"


def _value(cell: Cell) -> str:
    assert cell.gain is not None
    return f"{points(cell.gain.value)} {interval(cell.gain.low, cell.gain.high)}"


def overview(analysis: Analysis) -> str:
    """How many gains are clear, how many are not, and what could have been seen at all."""
    grid = analysis.grid
    measured = [c for c in grid if c.gain is not None]
    if not grid:
        return "The study has no stops: these are scores without one, and no gains."
    if not measured:
        return "No gain could be computed: no stop and baseline share a target, seed and language."
    words = [c.verdict for c in measured]
    parts = []
    if any(word in words for word in JUDGED):
        parts = [
            _number(words.count("gain"), "is a clear gain", "are clear gains"),
            _number(words.count("loss"), "is a clear loss", "are clear losses"),
            f"{words.count('no clear difference')} cannot be told from noise",
        ]
    for word, text in (
        ("too few seeds", "cannot be judged with one seed"),
        ("too few items", "cannot be judged on so few items"),
    ):
        if words.count(word):
            parts.append(f"{words.count(word)} {text}")
    silent = list(dict.fromkeys(c.target for c in measured if c.verdict == "uninformative"))
    if silent:
        number = _number(words.count("uninformative"), "says nothing", "say nothing")
        parts.append(f"{number}, since {listing(silent)} never left chance and majority")
    text = f"Of {count(len(measured), 'gain')}, {listing(parts)}."
    if len(measured) < len(grid):
        text += f" {count(len(grid) - len(measured), 'more', 'more')} could not be measured."
    seen = [(c.gain.detectable, c) for c in measured if c.gain and not c.gain.flags]
    seen = [(d, c) for d, c in seen if c.verdict != "uninformative" and d >= SEEN]
    if seen:
        least, most = min(seen, key=lambda s: s[0]), max(seen, key=lambda s: s[0])
        text += (
            f" The smallest gain this study could detect was {least[0]:.1f} points on"
            f" {least[1].target}"
        )
        apart = most[1].target != least[1].target
        if apart and most[0] >= WHOLE_SCALE:
            text += f"; on {most[1].target} its seeds differ too much to detect any."
        else:
            text += f", and {most[0]:.1f} on {most[1].target}." if apart else "."
    return text


def _number(number: int, one: str, more: str) -> str:
    return f"{number} {one if number == 1 else more}"
