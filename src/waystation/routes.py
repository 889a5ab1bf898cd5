"""Trained routes on a user's own file: what `waystation predict ROUTE FILE` does.

ROUTE is `STUDY#stop>target@seed`, STUDY being the study's name in the store or its file; or the
key of a predict step. The file is JSONL of the example's fields (gold may be absent), or the
task's own file format. Predictions are those of the study: same head, lengths and numerics.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import MISSING, fields
from pathlib import Path
from typing import Any, cast

from waystation.errors import DataError, UserError, suggest
from waystation.examples import JSON, KINDS, HeadSpec, from_json, to_json
from waystation.lock import task_of
from waystation.plan import Step
from waystation.select import trained
from waystation.store import Store
from waystation.study import load_study
from waystation.task import Task


def find(route: str, store: Store) -> dict[str, Any]:
    """What the store knows of a route: backbone, predict spec, task reference.

    Raises UserError with the nearest known route.
    """
    known: dict[str, dict[str, Any]] = {}
    for path in sorted((store.root / "studies").glob("*.json")):
        for name, entry in json.loads(path.read_text())["routes"].items():
            known[f"{path.stem}#{name}"] = entry
    study, hash_, rest = route.partition("#")
    if hash_ and Path(study).is_file():
        route = f"{load_study(Path(study)).name}#{rest}"
    if route in known:
        return known[route]
    raise UserError(
        f"expected a route such as {next(iter(known), 'STUDY#stop>target@seed')!r} of the store"
        f" {store.root}, found '{route}'.{suggest(route, known)}"
        " Run the study first; `waystation report` lists its routes."
    )


def predict(
    route: str, file: Path, store: Store, language: str = "en"
) -> Iterator[dict[str, JSON]]:
    """Predictions of a route for a file, as JSON objects in the file's order."""
    entry = find(route, store)
    task = task_of(entry["ref"], Path(entry["beside"]))
    examples = read_examples(task, file, language)
    return _predicted(entry, examples, store, language)


def _predicted(
    entry: Mapping[str, Any], examples: Sequence[Any], store: Store, language: str
) -> Iterator[dict[str, JSON]]:
    from waystation.predict import predict as predict_examples
    from waystation.settings import Numerics

    spec = entry["spec"]
    model = model_of(entry, store)
    predictions = predict_examples(
        model,
        cast("HeadSpec", from_json(HeadSpec, spec["head"])),
        examples,
        Numerics.model_validate(spec["numerics"]),
        max_tokens=spec["max_tokens"],
        stride=spec["stride"],
        language=language,
    )
    for prediction in predictions:
        yield to_json(prediction)


def model_of(entry: Mapping[str, Any], store: Store) -> Any:
    """The model that a route predicts with, on its device; `entry` as `find` gives it.

    Raises UserError where its weights are not in the store.
    """
    from waystation.steps import Place, load_model

    spec = entry["spec"]
    step = Step(key="", kind="predict", label="", spec=spec, context={"pinned": entry["backbone"]})
    parent = spec["model"]
    holder = "" if parent is None else parent[0]
    if holder and store.state(holder) == "done":
        holder = trained(store, holder)
    state = store.state(holder) if holder else "done"
    if state == "missing":
        raise UserError(
            f"expected a trained route, found that {holder} is not in the store {store.root};"
            " `waystation run STUDY` trains it."
        )
    if state != "done":
        raise UserError(
            f"expected the weights of {holder} in the store {store.root}, found them deleted"
            " (gc keeps only what reports need); `waystation run STUDY --weights` computes them"
            " again."
        )
    place = Place(root=store.root, beside=Path(entry["beside"]))
    return load_model(store, place, step, parent, keep_heads=True)


def read_examples(task: Task[Any], file: Path, language: str) -> list[Any]:
    """Examples of a user's file: JSONL of the example's fields, else the task's own format."""
    if not file.is_file():
        raise UserError(f"expected a file to predict for, found none at {file}; check the path.")
    if file.suffix == ".jsonl":
        return list(_json_lines(task, file))
    layout = task.layouts[0]
    return list(layout.read((file,), language, task.test_split))


def _json_lines(task: Task[Any], file: Path) -> Iterator[Any]:
    example = KINDS[task.kind][0]
    names = [f.name for f in fields(example)]
    required = [
        f.name
        for f in fields(example)
        if f.name != "id" and f.default is MISSING and f.default_factory is MISSING
    ]
    for number, line in enumerate(file.read_text(encoding="utf-8-sig").split("\n"), 1):
        if not line.strip():
            continue
        try:
            data = json.loads(line)
        except ValueError as error:
            raise DataError(
                f"expected one JSON object a line, found {error}", file, number
            ) from error
        unknown = [k for k in data if k not in names] if isinstance(data, dict) else ["no object"]
        missing = [k for k in required if k not in data]
        if unknown or missing:
            raise DataError(
                f"expected an object with {', '.join(required)} (and perhaps"
                f" {', '.join(n for n in names if n not in required)}), found"
                f" {'unknown ' + unknown[0] if unknown else 'no ' + missing[0]}; a line is one"
                f" example of task '{task.name}'",
                file,
                number,
            )
        yield from_json(example, {"id": str(number)} | data)
