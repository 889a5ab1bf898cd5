"""Selecting: which numbered checkpoint of a training is handed on, and which value won a sweep.

The rules, and the select and average steps that apply them to what lies in the store; planning
(`selections.py`) says which of these there are.

`source-dev` takes the best score on the dev sets of the stage's own (English) tasks, the mean of
their headlines; the earlier one wins a tie. `last` takes the last. English dev is a weak guide
for other languages (Keung et al. 2020, arXiv 2004.15001), so reports name the rule. `oracle-dev`
takes the best on the target language's own dev split, which zero-shot transfer cannot have: for
comparison only. A sweep compares all checkpoints of all its values by source dev. torch is imported
by the averaging (`average.py`) alone.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, cast

from waystation.errors import StepFailed
from waystation.examples import JSON
from waystation.graph import Step
from waystation.store import Damaged, Store, pretty

AVERAGE = "average"
"""The name of the one checkpoint of an average step."""


def choose(evaluations: Sequence[Mapping[str, Any]], rule: str) -> dict[str, JSON]:
    """The chosen row of `evaluations.json` with the rule that was applied.

    Without any dev score `source-dev` has nothing to go by: that is an error unless there is
    only one checkpoint to choose.
    """
    if not evaluations:
        raise StepFailed("expected at least one checkpoint to select from, found none.")
    chosen = evaluations[-1]
    if rule != "last" and len(evaluations) > 1:
        chosen = _best(evaluations)
    return {
        "checkpoint": chosen["checkpoint"],
        "score": chosen["score"],
        "step": chosen["step"],
        "rule": rule,
    }


def sweep(runs: Sequence[tuple[float, str, Sequence[Mapping[str, Any]]]]) -> dict[str, JSON]:
    """The best checkpoint of all values; `runs` are (learning rate, train step, evaluations).

    The earlier value wins a tie. `train` is the step that holds the checkpoint, `values` has
    the best checkpoint of every value, in the order of the list.
    """
    values: list[dict[str, JSON]] = []
    for rate, train, evaluations in runs:
        best = _best(evaluations)
        own: dict[str, JSON] = {"learning_rate": rate, "train": train}
        values.append(own | {name: best[name] for name in ("checkpoint", "score", "step")})
    won = max(values, key=lambda v: float(str(v["score"])))
    return won | {"rule": "source-dev", "values": [dict(value) for value in values]}


def last(evaluations: Sequence[Mapping[str, Any]], count: int) -> list[str]:
    """The names of the last `count` checkpoints, which must be there."""
    if len(evaluations) < count:
        raise StepFailed(
            f"expected {count} checkpoints to average, found {len(evaluations)}, where training"
            " stopped early; raise `patience` or average fewer."
        )
    return [str(e["checkpoint"]) for e in evaluations[-count:]]


def _best(evaluations: Sequence[Mapping[str, Any]]) -> Mapping[str, Any]:
    """The row with the best dev score, the earlier one where several have it."""
    if any(e["score"] is None for e in evaluations):
        raise StepFailed(
            "expected a dev score for each checkpoint, found none; give the stage's tasks a"
            " dev split or set `selection: last`."
        )
    return max(evaluations, key=lambda e: (e["score"], -e["step"]))


# ---------------------------------------------------------------------------- steps


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


def write_choice(store: Store, step: Step, folder: Path) -> None:
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


def write_average(store: Store, step: Step, folder: Path, raw: Callable[[], Any]) -> None:
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
