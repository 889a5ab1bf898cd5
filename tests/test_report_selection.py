"""The report on choosing checkpoints: means, paired differences, spread, sweeps, every format."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from synthetic_results import HOSTILE, QUICK, synthetic
from test_report_formats import faults_of, schema
from waystation.report import analyse, render
from waystation.report.selection import Choice, sentence
from waystation.results import Results, Score
from waystation.selected import Selected, Sweep, edges


def moved(score: Score, share: float) -> Score:
    """The score with the first `share` of the items all wrong (below 0) or all right."""
    statistics = score.statistics.copy()
    some = slice(0, round(abs(share) * len(statistics)))
    statistics[some, 0] = statistics[:, 0].max() if share > 0 else 0
    value = float(score.metric.of_many(statistics.sum(axis=0)[None])[0])
    return replace(score, statistics=statistics, values=score.values | {score.headline: value})


def compared(own: str = "source-dev") -> Results:
    results = synthetic(targets=("xnli",), items=60)
    found = []
    for score in (s for s in results.scores if s.stop in ("none", "nli")):
        found.append(Selected(rule=own, own=True, step=40, score=score))
        found.append(Selected(rule="last", own=False, step=80, score=moved(score, -0.25)))
        if score.language != "th":
            found.append(Selected(rule="oracle-dev", own=False, step=60, score=moved(score, 0.1)))
        if score.seed == 0:
            found.append(Selected(rule="average-seeds", own=False, step=None, score=score))
    return replace(results, selections=tuple(found), sweeps=SWEEPS)


SWEEPS = (
    Sweep(key="select-a", label="select nli@0 (learning rate)", values=((1e-5, 60.0), (3e-5, 70.0)),
          chosen=3e-5),
    Sweep(key="select-b", label="select nli@1 (learning rate)", values=((1e-5, 60.0), (3e-5, 61.0)),
          chosen=3e-5),
    Sweep(key="select-c", label="select nli>xnli@0 (learning rate)",
          values=((1e-5, 1.0), (3e-5, 3.0), (1e-4, 2.0)), chosen=3e-5),
)  # fmt: skip


@pytest.fixture(scope="module")
def results() -> Results:
    return compared()


@pytest.fixture(scope="module")
def choices(results: Results) -> tuple[Choice, ...]:
    return analyse(results, resamples=QUICK).choices


def test_every_compared_route_has_its_ways_and_the_headlines_stay(
    results: Results, choices: tuple[Choice, ...]
) -> None:
    assert [(c.stop, c.own, c.reference) for c in choices] == [
        ("none", "source-dev", "source-dev"),
        ("nli", "source-dev", "source-dev"),
    ]
    assert choices[0].rules == ("source-dev", "last", "oracle-dev", "average-seeds")
    plain = analyse(replace(results, selections=(), sweeps=()), resamples=QUICK)
    assert analyse(results, resamples=QUICK).parts == plain.parts


def test_scores_are_means_over_seeds_and_differences_are_paired(
    results: Results, choices: tuple[Choice, ...]
) -> None:
    def mean(rule: str, language: str) -> float:
        values = [
            s.score.values["accuracy"]
            for s in results.selections
            if (s.rule, s.score.stop, s.score.language) == (rule, "nli", language)
        ]
        return float(np.mean(values))

    cell = choices[1].cells["last", "de"]
    assert cell.score == pytest.approx(mean("last", "de"))
    assert cell.gain is not None
    assert cell.gain.value == pytest.approx(mean("last", "de") - mean("source-dev", "de"))
    assert cell.gain.high < 0
    assert cell.steps == (80, 80, 80)
    assert choices[1].cells["source-dev", "de"].gain is None
    spread = choices[1].spread("de")
    assert spread is not None
    assert spread[0] == pytest.approx(mean("oracle-dev", "de") - mean("last", "de"))
    assert spread[1:] == ("oracle-dev", "last")


def test_a_mean_over_languages_needs_all_of_them(choices: tuple[Choice, ...]) -> None:
    assert ("oracle-dev", "") not in choices[0].cells
    assert ("last", "") in choices[0].cells
    assert ("oracle-dev", "th") not in choices[0].cells


def test_the_mean_of_seeds_is_one_model_against_each_of_them(choices: tuple[Choice, ...]) -> None:
    cell = choices[0].cells["average-seeds", "de"]
    assert cell.seeds == 1
    assert cell.gain is not None
    assert cell.gain.seeds == 3
    assert len(set(cell.gain.per_seed)) > 1


def test_without_source_dev_differences_are_to_the_training_s_own() -> None:
    (first, _) = analyse(compared("average-2"), resamples=QUICK).choices
    assert first.reference == first.own == "average-2"


def test_the_sentence_names_the_largest_difference(choices: tuple[Choice, ...]) -> None:
    widest = max(c.spread(t)[0] for c in choices for t in c.languages if c.spread(t))  # type: ignore[index]
    said = sentence(choices)
    assert f"by up to {widest:.1f} points" in said
    assert "oracle-dev over last" in said
    assert sentence([]) == "Nothing to compare yet."


def test_a_best_value_at_the_edge_is_a_warning() -> None:
    assert edges(SWEEPS) == (
        "nli: the best of `learning_rates` is the highest that was tried, 3e-05 (seeds 0, 1); a"
        " better one may lie beyond it.",
    )


def test_every_format_has_the_section(results: Results) -> None:
    analysis = analyse(results, resamples=QUICK)
    for format in ("html", "md", "latex"):
        text = render(results, format, analysis)
        for words in ("What the choice of checkpoint is worth", "oracle-dev", "Learning rates"):
            assert words in text
    document: Any = json.loads(render(results, "json", analysis))
    assert [c["stop"] for c in document["selections"]] == ["none", "nli"]
    assert [s["at_edge"] for s in document["sweeps"]] == [True, True, False]
    rows = render(results, "csv").splitlines()
    assert sum(row.endswith("selection,last") for row in rows) == len(
        [s for s in results.selections if s.rule == "last"]
    ) * len(results.scores[0].values)


def test_the_json_follows_its_schema(results: Results) -> None:
    document = json.loads(render(results, "json", analyse(results, resamples=QUICK)))
    rules: Any = schema()
    assert faults_of(document, rules, rules) == []
    document["selections"][0]["languages"][0]["rules"]["last"]["difference"] = 1
    assert faults_of(document, rules, rules) != []


def test_a_study_that_compares_nothing_has_no_section() -> None:
    plain = synthetic(targets=("xnli",), items=30)
    for format in ("html", "md", "latex"):
        text = render(plain, format, analyse(plain, resamples=QUICK))
        assert "What the choice of checkpoint" not in text


def test_names_of_the_user_s_are_escaped(results: Results) -> None:
    renamed = replace(
        results,
        stops=tuple(HOSTILE if s == "nli" else s for s in results.stops),
        selections=tuple(
            replace(s, score=replace(s.score, stop=HOSTILE)) if s.score.stop == "nli" else s
            for s in results.selections
        ),
        sweeps=tuple(replace(s, label=HOSTILE) for s in results.sweeps),
    )
    page = render(renamed, "html", analyse(renamed, resamples=QUICK))
    assert "<script>alert(1)" not in page
