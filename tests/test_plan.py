"""The plan of a study that uses everything at once, counted by hand. Nothing is trained."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import replace
from typing import Any, cast

import pytest

import wordmap
from tiny import tiny_encoder
from waystation.explain import summary
from waystation.plan import plan
from waystation.run import Options, Prepared, prepare
from waystation.study_verbs import show_plan

NLI = "task: pocket-nli, examples: 24"
STUDY = f"""\
name: all
backbones: [model]
seeds: [0, 1]
intermediate:
  - none
  - {{{NLI}, name: nli, train: {{learning_rates: [1e-3, 3e-3]}}}}
  - {{task: pocket-nli, language: de, like: nli, name: german}}
  - {{{NLI}, translate: {{to: de, with: translator, max_tokens: 64}}, name: translated}}
  - {{task: pocket-topic, examples: 24, name: text,
     mlm: {{text: [pocket-bitext], languages: [de, sw], examples: 40}}}}
  - name: merged
    chain:
      - {{{NLI}, train: {{adapter: {{rank: 2}}}}}}
      - {{task: pocket-topic, examples: 24}}
  - name: stacked
    chain:
      - {{{NLI}, train: {{adapter: {{rank: 2, after: stack}}}}}}
      - {{task: pocket-topic, examples: 24}}
targets:
  - {{task: pocket-topic, languages: [en, de], examples: 6,
     fine_tune: {{task: pocket-topic, examples: 16}},
     selections: [source-dev, oracle-dev, last, average-2]}}
  - {{task: pocket-bitext, languages: [de], examples: 6, fine_tune: false, layers: [1]}}
probes: {{text: [pocket-bitext], languages: [en, de], examples: 6}}
train: {{epochs: 1, batch_size: 8, max_tokens: 64, dev_examples: 4, evaluations: 2}}
numerics: {{precision: fp32, threads: 1}}
"""
STOPS = 7
STAGES = 8
"""Those of all stops; the sweep's is one."""


@pytest.fixture(scope="module")
def planned(tmp_path_factory: pytest.TempPathFactory) -> Prepared:
    folder = tmp_path_factory.mktemp("all")
    tiny_encoder(folder / "model")
    wordmap.word_translator(folder / "translator", {}, source_lang="en", target_lang="de")
    (folder / "all.yaml").write_text(STUDY)
    return prepare(folder / "all.yaml", Options(store=folder / "store"))


def kinds(prepared: Prepared, only: str | None = None) -> dict[str, int]:
    found = plan(prepared.lock, only)
    return dict(Counter(step.kind for step in found.steps.values()))


def test_every_step_is_there_once(planned: Prepared) -> None:
    predicted = (
        # By its own selection, last and the average in two languages; an oracle for each, with
        # its dev set.
        STOPS * (3 * 2 + 2 * 2)
        + STOPS  # the bitext
        # After every stage and of the raw backbone: retrieval in German, the loss in two languages.
        + (STAGES + 1) * 3
    )
    raw = 1 + 3  # the bitext and the probes of the raw backbone know no seed
    assert kinds(planned) == {
        "translate": 2,  # training and dev examples, for both seeds
        "train": 2 * (STAGES + 1 + STOPS),  # one more for the sweep's second value
        # A sweep's source-dev is its choice of value.
        "select": 2 * (STAGES + STOPS * (2 + 2)),
        "average": 2 * STOPS,
        "predict": 2 * predicted - raw,
        "score": 2 * predicted - raw,
    }


def test_only_keeps_what_the_route_stands_on(planned: Prepared) -> None:
    assert kinds(planned, "merged>pocket-topic@1") == {
        "train": 3,
        "select": 2 + 4,
        "average": 1,
        "predict": 10 + 2 * 3 + 3,  # those of the target, both stages' probes, the raw backbone's
        "score": 10 + 2 * 3 + 3,
    }


def test_a_size_is_that_of_what_the_other_stop_trains_on(planned: Prepared) -> None:
    data = cast("Any", planned.lock)["data"]
    stops = {stop["name"]: stop["stages"] for stop in cast("Any", planned.lock)["stops"]}
    sizes = [data[stops[n][0]["members"][0]["data"]]["count"] for n in ("german", "nli")]
    assert sizes == [24, 24]


def test_it_reads_well(planned: Prepared, capsys: pytest.CaptureFixture[str]) -> None:
    show_plan(planned.study.path, planned.options, json=False)
    lines = [re.sub(r" +", " ", line) for line in capsys.readouterr().out.splitlines()]
    assert "train 32 0 32" in lines
    named = [label for label in lines if label.startswith("train merged")]
    assert [line.split(" train-")[0] for line in named[-3:]] == [
        "train merged [pocket-nli]@1",
        "train merged [pocket-topic]@1",
        "train merged>pocket-topic@1",
    ]
    assert "train text@0 38 de, 38 sw 1 4" in lines


def test_a_grid_is_counted_by_stop(
    planned: Prepared, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("waystation.study_verbs.LISTED", 10)
    show_plan(planned.study.path, planned.options, json=False)
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    # For both seeds: its own, and that of the one target that is fine-tuned for.
    for stop, own in (("none", "0"), ("nli", "4"), ("german", "2"), ("merged", "4")):
        assert [stop, own, "2"] in lines
    assert ["`--json`", "lists", "every", "step", "with", "its", "key."] in lines


def test_a_plan_says_what_each_step_is_for(planned: Prepared) -> None:
    found = planned.plan
    served = found.serving((r.score, r.name) for r in found.routes)
    for route in found.routes:
        above = {*found.ancestors(route.score), route.score}
        assert {key for key, names in served.items() if route.name in names} >= above
    assert sum(map(len, served.values())) == len(
        {(key, r.name) for r in found.routes for key in (*found.ancestors(r.score), r.score)}
    )


def test_an_average_takes_disk(planned: Prepared) -> None:
    average = next(key for key, s in planned.plan.steps.items() if s.kind == "average")
    without = replace(planned, states=planned.states | {average: "done"})
    disks = [cast("Any", summary(one))["estimate"]["disk_bytes"] for one in (planned, without)]
    assert disks[0] > disks[1]


def test_labels_tell_steps_apart(planned: Prepared) -> None:
    labels = Counter(step.label for step in planned.plan.steps.values())
    assert [label for label, count in labels.items() if count > 1] == []
