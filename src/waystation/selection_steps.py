"""What the steps that choose and average checkpoints do, and which checkpoint they lead to.

Planning (`selections.py`) says which of them there are, `select.py` and `average.py` have the
rules and the arithmetic; this reads their inputs from the store. torch is imported by the
averaging alone.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, cast

from waystation.examples import JSON
from waystation.graph import Step
from waystation.select import choose, last, sweep
from waystation.store import Damaged, Store, pretty

AVERAGE = "average"
"""The name of the one checkpoint of an average step."""


def trained(store: Store, run: str) -> str:
    """The step that holds a run's checkpoints: itself, or what won the sweep that it is."""
    if not run.startswith("select-"):
        return run
    return cast("str", cast("Any", store.read_json(run, "select.json"))["train"])


def checkpoint(store: Store, run: str, select: str) -> Path:
    """The folder of the checkpoint that a select step picked of a run, its files hashed."""
    name = cast("Any", store.read_json(select, "select.json"))["checkpoint"]
    return _folder(store, trained(store, run), name)


def held(store: Store, parent: Path | Sequence[str]) -> Path:
    """The folder of a parent: that of a checkpoint as it is, or of a run and its select step."""
    if isinstance(parent, Path):
        return parent
    run, select_ = parent
    return checkpoint(store, run, select_)


def checkpoints(store: Store, run: str) -> dict[str, Path]:
    """The folders of all checkpoints of a run by name, in order, their files hashed."""
    train = trained(store, run)
    return {e["checkpoint"]: _folder(store, train, e["checkpoint"]) for e in _rows(store, train)}


def _folder(store: Store, train: str, name: str) -> Path:
    names = store.outputs(train, f"checkpoints/{name}/")
    if not names:
        raise Damaged(train, store.folder(train), f"has no checkpoint {name}")
    store.check(train, names)
    return store.folder(train) / "checkpoints" / name


def _rows(store: Store, train: str) -> list[dict[str, Any]]:
    return cast("list[dict[str, Any]]", store.read_json(train, "evaluations.json"))


def select(store: Store, step: Step, folder: Path) -> None:
    """Write `select.json`: the checkpoint, its score, the rule, and what a sweep compared."""
    spec = cast("Any", step.spec)
    if "runs" in spec:
        runs = [(float(rate), key, _rows(store, key)) for rate, key in spec["runs"]]
        picked = sweep(runs)
    else:
        train = trained(store, spec["train"])
        rows = _rows(store, train)
        if "score" in spec:
            rows = _by_score(rows, cast("Any", store.read_json(spec["score"], "score.json")))
        picked = choose(rows, spec["rule"])
        if train != spec["train"]:
            picked["train"] = train
    (folder / "select.json").write_text(pretty(picked))


def _by_score(rows: Sequence[Mapping[str, Any]], found: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The evaluations with another dev score: a score step's, whose variants are checkpoints."""
    scored = []
    for row in rows:
        headline = next(iter(found["variants"][row["checkpoint"]].values()))
        value = next(iter(headline["values"].values()))
        scored.append(dict(row) | {"score": value})
    return scored


def average(store: Store, step: Step, folder: Path, raw: Callable[[], Any]) -> None:
    """Write the mean of a run's last checkpoints, or of several models; `raw` as there."""
    from waystation.average import average as mean

    spec = cast("Any", step.spec)
    if "models" in spec:
        folders = [checkpoint(store, run, picked) for run, picked in spec["models"]]
        names: list[JSON] = [list(pair) for pair in spec["models"]]
    else:
        train = trained(store, spec["run"])
        chosen = last(_rows(store, train), int(spec["last"]))
        folders = [_folder(store, train, name) for name in chosen]
        names = [[train, name] for name in chosen]
    mean(folders, raw, folder / "checkpoints" / AVERAGE)
    about: dict[str, JSON] = {"checkpoint": AVERAGE, "rule": AVERAGE, "of": names}
    (folder / "select.json").write_text(pretty(about))


def twin(store: Store, step: Step) -> str | None:
    """A finished predict step that differs in its rule and not in the checkpoint it came to."""
    for select_, predict in step.context.get("twins", ()):
        if store.state(predict) == "done" and store.state(select_) == "done":
            _, own = cast("Any", step.spec["model"])
            if _picked(store, select_) == _picked(store, own):
                return cast("str", predict)
    return None


def _picked(store: Store, select: str) -> tuple[str, str]:
    """(train step where a sweep chose one, checkpoint) of a select step."""
    picked = cast("Any", store.read_json(select, "select.json"))
    return picked.get("train", ""), picked["checkpoint"]
