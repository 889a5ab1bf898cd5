"""Forgetting and collapse in reports: sentences, correlations, every format."""

from __future__ import annotations

import csv
import io
import json
import math
from dataclasses import replace
from importlib import resources

import jsonschema
import numpy as np
import pytest
from rich.console import Console

from synthetic_results import QUICK, generator, scores_of, synthetic
from waystation.metrics import Metric, Statistics, total
from waystation.report import Analysis, analyse, forgetting, render, show
from waystation.results import Probed, Results, Score

SEEDS = (0, 1, 2)


def _nats(totals: Statistics) -> dict[str, float]:
    return {"loss": float(totals[0] / totals[1])}


LOSS: Metric[object, object] = Metric(
    names=("loss",), statistics=lambda *_: np.zeros(2), reduce=_nats
)


def _loss(stop: str, seed: int, language: str) -> Score:
    cost = {"none": 2.0, "nli": 2.6, "commonsenseqa": 2.0, "nli+commonsenseqa": 2.4}[stop]
    noise = generator("loss", stop, seed, language).normal(0, 0.02, 40) * (stop != "none")
    items = generator("line", language).normal(0, 0.2, 40)
    statistics = np.stack([10 * (cost + items + noise), np.full(40, 10.0)], axis=1)
    ids = tuple(f"{language}-{i}" for i in range(40))
    return Score(
        backbone="multilingual-e5-small",
        stop=stop,
        target="loss",
        task="lines",
        seed=seed,
        language=language,
        variant="",
        headline="loss",
        values=_nats(total(statistics)),
        baselines={},
        metric=LOSS,
        ids=ids,
        groups=ids,
        statistics=statistics,
        fine_tuned=False,
    )


def probed(results: Results) -> Results:
    """The results with retrieval and loss probed; nli+commonsenseqa is a chain of two stages."""
    found = []
    for score in scores_of("tatoeba", SEEDS, 60):
        own = replace(score, target="retrieval", task="flores200")
        stages = {"none": 0, "nli+commonsenseqa": 2}.get(score.stop, 1)
        found.append(Probed(stage=stages, stages=stages, score=own))
        if stages == 2:  # its first stage left what nli leaves
            found.append(Probed(stage=1, stages=2, score=own))
    for stop in results.stops:
        for seed in SEEDS if stop != "none" else SEEDS[:1]:
            for language in ("de", "sw"):
                stages = {"none": 0, "nli+commonsenseqa": 2}.get(stop, 1)
                found.append(Probed(stage=stages, stages=stages, score=_loss(stop, seed, language)))
    return replace(results, probes=tuple(found))


@pytest.fixture(scope="module")
def analysis() -> Analysis:
    results = probed(synthetic(targets=("xnli", "udpos", "tatoeba"), seeds=SEEDS, items=60))
    steps = [
        replace(s, collapse=("qqp: its loss ended at 0.693, where guessing pays 0.693",))
        if s.label in ("train commonsenseqa@1", "train nli>xnli@2")
        else s
        for s in results.steps
    ]
    for i, step in enumerate(steps):
        if step.kind == "train":
            stop, arrow, target = step.label[6:-2].partition(">")
            served = (target,) if arrow else ("xnli", "udpos")
            steps[i] = replace(step, stops=(stop,), targets=served)
    return analyse(replace(results, steps=tuple(steps)), resamples=QUICK)


def test_probes_are_measured_against_the_raw_backbone(analysis: Analysis) -> None:
    retrieval, loss = analysis.probes
    assert (retrieval.target, loss.target) == ("retrieval", "loss")
    assert retrieval.variants == ("4/mean", "8/mean", "12/mean")
    assert retrieval.variant == "8/mean"  # two thirds of the highest, as for any target
    routes = list(dict.fromkeys(c.stop for c in retrieval.cells))
    assert set(routes) == {"nli", "commonsenseqa", "nli+commonsenseqa", "nli+commonsenseqa[1]"}
    cell = retrieval.cell("nli")
    assert cell is not None
    assert cell.gain is not None
    assert cell.gain.value == pytest.approx(-8.7, abs=3)
    assert all(c.verdict == "" for c in (*retrieval.cells, *loss.cells))
    worse = loss.cell("nli", "sw")
    assert worse is not None
    assert worse.gain is not None
    assert worse.gain.value == pytest.approx(0.6, abs=0.05)


def test_a_higher_loss_is_worse_and_a_higher_accuracy_better(analysis: Analysis) -> None:
    retrieval, loss = analysis.probes
    said = forgetting.sentence(loss)
    assert said.startswith("Worse than the raw backbone after nli (+0.")
    assert "no change beyond the interval after commonsenseqa" in said
    assert forgetting.sentence(retrieval).startswith("Worse than the raw backbone after nli (−")
    assert forgetting.value(loss, 2.0) == "2.00"
    assert forgetting.value(retrieval, 82.8) == "82.8"


def test_points_are_stops_in_languages_that_both_have(analysis: Analysis) -> None:
    retrieval = analysis.probes[0]
    by_target = {found.target: found for found in forgetting.against(analysis, retrieval)}
    xnli = by_target["xnli"]
    assert {p.stop for p in xnli.points} == set(analysis.stops)  # a chain counts once, at its end
    assert {p.language for p in xnli.points} == set(retrieval.languages)
    assert xnli.rho is None
    assert xnli.note == "too few points: 3 stops, and at least 5 are needed"


def test_without_a_common_language_the_means_are_compared(analysis: Analysis) -> None:
    alone = [p for p in analysis.results.probes if p.score.language == "sw"]
    results = replace(analysis.results, probes=tuple(alone))
    scores = [s for s in results.scores if s.language != "sw"]
    found = analyse(replace(results, scores=tuple(scores)), resamples=QUICK)
    points = forgetting.against(found, found.probes[0])[0].points
    assert [p.language for p in points] == ["", "", ""]


def test_the_interval_of_a_correlation_counts_stops() -> None:
    low, high = forgetting.bounds(0.0, 12)
    assert high == pytest.approx(math.tanh(1.959964 / 3))
    assert low == -high
    assert forgetting.bounds(0.5, 50)[0] > forgetting.bounds(0.5, 8)[0]
    low, high = forgetting.bounds(1.0, 8)
    assert 0.9 < low < high <= 1


def test_a_correlation_is_said_with_its_interval(analysis: Analysis) -> None:
    marks = tuple(
        forgetting.Point(f"s{i}", tag, float(i), float(-i))
        for i in range(6)
        for tag in ("de", "sw")
    )
    found = forgetting._correlated("xnli", marks)
    assert found.rho == pytest.approx(-1)
    assert forgetting.said(found).startswith("ρ = −1.00 [−1.00, −")
    assert forgetting.said(found).endswith("], 6 stops")
    flat = tuple(m._replace(gain=0.0) for m in marks)
    assert forgetting.said(forgetting._correlated("xnli", flat)).startswith("not defined")


def test_collapses_name_the_training_and_the_harm(analysis: Analysis) -> None:
    sentences = [c.sentence for c in analysis.collapses]
    assert sentences[0] == (
        "The training at the stop commonsenseqa taught nothing in 1 of 3 seeds (seed 1: qqp: its"
        " loss ended at 0.693, where guessing pays 0.693). So what commonsenseqa is worth to a"
        " target says nothing of its task."
    )
    assert sentences[1] == (
        "The fine-tuning for xnli after nli taught nothing in 1 of 3 seeds (seed 2: qqp: its loss"
        " ended at 0.693, where guessing pays 0.693)."
    )
    harm = [c for c in analysis.collapses if c.kind == "harm"]
    losses = [(c.stop, c.target) for c in analysis.grid if c.verdict == "loss"]
    assert [(c.stops[0], c.targets[0]) for c in harm] == losses
    assert ("nli", "tatoeba") in losses
    assert all("more than noise. Nothing was fine-tuned" in c.sentence for c in harm[:1])


def test_no_collapse_is_said_of_a_study_that_went_well() -> None:
    results = synthetic(targets=("udpos",), seeds=SEEDS, items=60)
    assert analyse(results, resamples=QUICK).collapses == ()


def test_why_a_target_was_harmed(analysis: Analysis) -> None:
    """The clear loss of a fine-tuned target is put down to what is known of the stop."""
    part = next(p for p in analysis.parts if p.target == "xnli")
    cell = part.cell("nli")
    assert cell is not None
    from waystation.report.collapses import _cause

    assert _cause(analysis, cell) == (
        "Likely because its training undid what the backbone knew: retrieval and loss fell too."
    )
    blank = replace(analysis, probes=())
    assert _cause(blank, cell).startswith("Its own training went well, so its task likely")
    taught_nothing = part.cell("commonsenseqa")
    assert taught_nothing is not None
    assert _cause(blank, taught_nothing).startswith("Likely because its own training taught")


def test_every_format_has_the_probes(analysis: Analysis) -> None:
    results = analysis.results
    html = render(results, "html", analysis)
    assert "What the stops forgot" in html
    assert "Something collapsed here." in html
    assert "nli+<wbr>commonsenseqa[1]" in html
    markdown = render(results, "md", analysis)
    assert "## What the stops forgot" in markdown
    assert "## What collapsed" in markdown
    assert "raw backbone | 2.0" in markdown
    rows = list(csv.DictReader(io.StringIO(render(results, "csv", analysis))))
    stages = {r["bucket"] for r in rows if r["target"] == "probe:retrieval"}
    assert stages == {"0 of 0", "1 of 1", "1 of 2", "2 of 2"}
    document = json.loads(render(results, "json", analysis))
    schema = json.loads(
        resources.files("waystation.report").joinpath("report_schema.json").read_text("utf-8")
    )
    jsonschema.Draft202012Validator(schema).validate(document)
    assert [p["probe"] for p in document["probes"]["measured"]] == ["retrieval", "loss"]
    assert document["collapses"][0]["kind"] == "training"


def test_the_terminal_says_it_in_words(analysis: Analysis) -> None:
    console = Console(width=100, record=True, file=io.StringIO())
    show(analysis, console)
    text = " ".join(console.export_text().split())
    assert "Retrieval of translations: accuracy on flores200 at layer 8, mean pooling" in text
    assert "Language-model loss: Nats per predicted token" in text
    assert "collapse: The training at the stop commonsenseqa taught nothing" in text


def test_a_loss_that_is_not_probed_says_why() -> None:
    results = probed(synthetic(targets=("udpos",), seeds=SEEDS, items=20))
    results = replace(results, unprobed={"multilingual-e5-small": "ships no output layer"})
    analysis = analyse(results, resamples=QUICK)
    for format in ("html", "md", "json"):
        assert "ships no output layer" in render(results, format, analysis)


def test_a_mixture_may_teach_some_of_its_tasks_nothing(analysis: Analysis) -> None:
    results = analysis.results
    steps = [
        replace(s, dev=((10, {"snli": 60.0, "rte": 50.0}),), collapse=("rte: 50.0 is not above",))
        if s.label == "train nli@0"
        else replace(s, collapse=())
        for s in results.steps
    ]
    found = analyse(replace(results, steps=tuple(steps)), resamples=QUICK)
    assert found.collapses[0].sentence == (
        "The training at the stop nli taught nothing of some of its tasks in 1 of 3 seeds (seed 0:"
        " rte: 50.0 is not above)."
    )


def test_a_change_that_rounds_to_nothing_has_no_sign() -> None:
    assert forgetting._signed(-0.004) == "0.00"
    assert forgetting._signed(-0.006) == "−0.01"
    assert forgetting._signed(0.5) == "+0.50"
