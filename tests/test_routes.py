"""Trained routes on own files: found by name, refused with a sentence, equal to the study's."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from miniature import write

from waystation import routes
from waystation.errors import DataError, UserError
from waystation.run import Options, Outcome, prepare, prunable, run_study
from waystation.steps import read_predictions
from waystation.task import get

NAME = "miniature#topic>pocket-topic@0"


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Outcome:
    folder = tmp_path_factory.mktemp("routes")
    study = write(folder / "study")
    return run_study(study, Options(store=folder / "store", only="topic>pocket-topic@0"))


def test_predictions_equal_the_study_s(ran: Outcome, tmp_path: Path) -> None:
    route = next(r for r in ran.prepared.plan.routes if r.language == "de")
    entry = ran.prepared.lock["data"][route.data]  # type: ignore[index,call-overload]
    store = ran.prepared.store
    examples = store.data(entry["digest"], get("pocket-topic").example)
    file = tmp_path / "mine.jsonl"
    lines = [json.dumps({"id": e.id, "text": e.text}) for e in examples]  # type: ignore[attr-defined]
    file.write_text("\n".join(lines))
    found = list(routes.predict(NAME, file, store, "de"))
    study = read_predictions(store, route.predict, "classification")
    assert [f["label"] for f in found] == [p.label for p in study]
    assert [f["id"] for f in found] == [p.id for p in study]


def test_a_study_s_file_names_it_too(ran: Outcome) -> None:
    store = ran.prepared.store
    path = ran.prepared.study.path
    assert routes.find(f"{path}#topic>pocket-topic@0", store) == routes.find(NAME, store)


def test_unknown_routes_get_the_nearest(ran: Outcome) -> None:
    with pytest.raises(UserError, match="Did you mean 'miniature#topic>pocket-topic@0'"):
        routes.find("miniature#topic>pocket-topik@0", ran.prepared.store)


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ("{", "mine.jsonl:1: expected one JSON object a line"),
        ('{"label": "x"}', "mine.jsonl:1: expected an object with text .* found no text"),
        ('{"text": "a", "txt": 1}', "mine.jsonl:1: expected an object .* found unknown txt"),
    ],
)
def test_bad_lines_are_named(ran: Outcome, tmp_path: Path, line: str, sentence: str) -> None:
    file = tmp_path / "mine.jsonl"
    file.write_text(line + "\n")
    with pytest.raises(DataError, match=sentence):
        list(routes.predict(NAME, file, ran.prepared.store))
    with pytest.raises(UserError, match="expected a file to predict for, found none"):
        list(routes.predict(NAME, tmp_path / "absent.jsonl", ran.prepared.store))


def test_pruned_weights_are_said_and_can_be_computed_again(ran: Outcome, tmp_path: Path) -> None:
    study = ran.prepared.study.path
    options = Options(store=ran.prepared.store.root, only="topic>pocket-topic@0")
    prepared = prepare(study, options)
    for key, (names, _) in prunable(prepared).items():
        prepared.store.prune(key, names)
    file = tmp_path / "mine.jsonl"
    file.write_text('{"text": "Anna"}\n')
    with pytest.raises(UserError, match="run STUDY --weights"):
        list(routes.predict(NAME, file, ran.prepared.store))
    again = run_study(study, Options(store=options.store, only=options.only, weights=True))
    assert again.count("done") >= 1
    assert len(list(routes.predict(NAME, file, ran.prepared.store))) == 1
