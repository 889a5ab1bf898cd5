"""The real JSON output of every verb against its documented schema (docs/reference/json/)."""

from __future__ import annotations

import json
import re
from dataclasses import fields
from pathlib import Path
from typing import Any

import miniature
import pytest
from jsonschema import Draft202012Validator
from jsonschema.exceptions import best_match
from pages import ROOT
from typer.testing import CliRunner

from waystation.cli import app
from waystation.examples import KINDS, Neighbours, to_json

SCHEMAS = ROOT / "docs" / "reference" / "json"
STUDY = """\
name: json
backbones: [model]
intermediate: [none, {task: pocket-nli, examples: 16, name: nli}]
targets:
  - {task: pocket-topic, languages: [en, de], examples: 8,
     fine_tune: {task: pocket-topic, examples: 16}}
  - {task: pocket-bitext, languages: [de], examples: 8, fine_tune: false, layers: [1]}
train: {epochs: 1, batch_size: 8, max_tokens: 64, dev_examples: 8}
numerics: {precision: fp32, threads: 1}
"""


def call(*arguments: object) -> Any:
    """What a verb printed: one JSON document."""
    found = CliRunner().invoke(app, [str(argument) for argument in arguments])
    assert found.exit_code in (0, 1), found.output
    return json.loads(found.stdout)


def follows(value: Any, name: str) -> None:
    schema = json.loads((SCHEMAS / f"{name}.json").read_text())
    fault = best_match(Draft202012Validator(schema).iter_errors(value))
    assert fault is None, f"{name}: {fault.json_path}: {fault.message[:200]}"


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str, str]:
    """A finished study, as the words that its verbs take."""
    folder = tmp_path_factory.mktemp("json")
    where = (str(miniature.write(folder, STUDY)), "--store", str(folder / "store"))
    before = call("plan", *where, "--json")
    assert before["to_run"]
    assert before["shared"]
    follows(before, "plan")
    follows(call("run", *where, "--dry-run", "--json"), "plan")
    follows(call("run", *where, "--json"), "report")
    return where


def test_every_schema_is_one() -> None:
    found = sorted(SCHEMAS.glob("*.json"))
    assert len(found) >= 12
    for path in found:
        schema = json.loads(path.read_text())
        Draft202012Validator.check_schema(schema)
        assert schema["title"]


def test_a_field_too_many_or_too_few_is_seen() -> None:
    whole = {"deleted": False, "checkpoints": [], "partial": []}
    follows(whole, "gc")
    with pytest.raises(AssertionError, match="'checkpoints' is a required property"):
        follows({"deleted": False, "partial": []}, "gc")
    with pytest.raises(AssertionError, match="'more' was unexpected"):
        follows(whole | {"more": 1}, "gc")


def test_verbs_on_a_study(study: tuple[str, str, str], tmp_path: Path) -> None:
    follows(call("report", *study, "--format", "json"), "report")
    done = call("plan", *study, "--json")
    assert done["to_run"] == []
    follows(done, "plan")
    follows(call("plan", *study, "--why", next(Path(study[2]).glob("steps/*")).name), "plan-why")
    follows(call("plan", *study, "--diff", "--json"), "plan-diff")
    texts = tmp_path / "texts.jsonl"
    texts.write_text('{"id": "a", "text": "Ana sold a drum."}\n')
    follows(call("predict", "json#none>pocket-topic@0", texts, *study[1:]), "predict")
    folder = tmp_path / "exported"
    route = "json#none>pocket-topic@0"
    follows(call("export", route, folder, *study[1:], "--json"), "export")
    could = call("gc", *study, "--json")
    assert not could["deleted"]
    assert could["checkpoints"]
    follows(could, "gc")


def test_a_store_has_what_its_page_says(study: tuple[str, str, str]) -> None:
    """Every file of a small store is in a table of the page."""
    store = Path(study[2])
    page = (ROOT / "docs" / "reference" / "store.md").read_text()
    top, step = page.split("## A step's folder")
    named = re.findall(r"`([\w.]+)(?:/[^`]*)?`", top)
    assert {p.name for p in store.iterdir()} <= set(named)
    named = re.findall(r"^\| `([\w.]+)(?:/[^`]*)?`", step, re.MULTILINE)
    found = {p.name for folder in (store / "steps").iterdir() for p in folder.iterdir()}
    assert found | {"pruned.json"} == set(named)


def test_check(study: tuple[str, str, str], tmp_path: Path) -> None:
    follows(call("check", study[0], "--limit", "20", "--json"), "check")
    faults = call("check", "xcopa", "--data", tmp_path, "--json")
    follows(faults, "check")


def test_predictions_of_every_kind() -> None:
    """Each prediction type as the store and `predict` write it."""
    near = Neighbours(forward=("b",), forward_scores=(1.0,))
    values: dict[str, Any] = {
        "id": "a", "label": "x", "value": 1.0, "tags": ("X",), "text": "t", "score": 0.5,
        "scores": (0.5, 0.5), "variants": {"8/mean": near}, "loss": 2.5,
        "tokens": 3,
    }  # fmt: skip
    for kind, (_, prediction) in KINDS.items():
        chosen = {f.name: values[f.name] for f in fields(prediction) if f.name in values}
        assert [f.name for f in fields(prediction) if f.name not in values] == [], kind
        if kind == "choice":
            chosen["label"] = 1
        follows(to_json(prediction(**chosen)), "predict")


def test_catalogues(tmp_path: Path) -> None:
    follows(call("tasks", "--json"), "tasks")
    follows(call("tasks", "xcopa", "--data", tmp_path, "--json"), "tasks")
    listed = call("models", "--json")
    follows(listed, "models")
    follows(call("models", listed[0]["name"], "--json"), "models")


def test_score(tmp_path: Path) -> None:
    gold = tmp_path / "gold.jsonl"
    gold.write_text('{"id": "1", "text": "a", "pair": "b", "label": "neutral"}\n')
    found = call("score", "xnli", "--predictions", gold, "--references", gold, "--json")
    follows(found, "score")


def test_doctor() -> None:
    follows(call("doctor", "--json"), "doctor")
