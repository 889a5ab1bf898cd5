"""What the report says by language and by bucket: sizes, transfer, benchmarks, in every format."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import replace
from importlib import resources

import jsonschema
import pytest

from synthetic_pages import aspects_of
from synthetic_results import ACCURACY, QUICK, quick, scores_of, synthetic
from waystation.benchmarks import BENCHMARKS
from waystation.buckets import QUARTERS
from waystation.metrics import total
from waystation.report import Analysis, analyse, render
from waystation.report.breakdown import FEWEST, breakdowns
from waystation.report.profile import correlation, fertility
from waystation.report.sentences import of_variants
from waystation.report.standing import said, standings
from waystation.results import Results, Score


@pytest.fixture(scope="module")
def analysis() -> Analysis:
    return quick(targets=("xnli", "xcopa", "tatoeba"), seeds=(0, 1), items=60)


# --- buckets ----------------------------------------------------------------------------------


def test_buckets_hold_the_items_they_say(analysis: Analysis) -> None:
    found = breakdowns(analysis, aspects_of(analysis.results))
    assert [(b.target, b.feature) for b in found] == [
        (target, feature) for target in ("xnli", "xcopa", "tatoeba")
        for feature in ("text length", "label")
    ]  # fmt: skip
    quarters, labels = found[:2]
    assert [b.items for b in quarters.buckets] == [8 * 15] * 4  # English is fine-tuned on
    # Three items of a language are too few, and none has the last label.
    assert [(b.name, b.items) for b in labels.buckets] == [("neutral", 8 * 27)]
    assert FEWEST == 5


def test_a_buckets_scores_and_gains_are_those_of_its_items(analysis: Analysis) -> None:
    table = breakdowns(analysis, aspects_of(analysis.results))[0]
    bucket = table.buckets[1]

    def mean(stop: str) -> float:
        values = [
            ACCURACY.reduce(total(s.statistics[15:30]))["accuracy"]
            for s in analysis.results.scores
            if (s.target, s.stop) == ("xnli", stop) and s.language != "en"
        ]
        return sum(values) / len(values)

    assert bucket.means["none"] == pytest.approx(mean("none"))
    cell = bucket.cell("nli")
    assert cell is not None
    assert cell.gain is not None
    assert cell.gain.value == pytest.approx(mean("nli") - mean("none"))
    assert cell.gain.items == bucket.items == 120
    assert cell.verdict == ""
    assert bucket.cell("none") is None


def test_scores_over_other_items_are_in_no_bucket(analysis: Analysis) -> None:
    aspects = [replace(a, ids=tuple(reversed(a.ids))) for a in aspects_of(analysis.results)]
    assert breakdowns(analysis, aspects) == ()


# --- languages --------------------------------------------------------------------------------


def test_tokens_per_word_and_characters_per_token(analysis: Analysis) -> None:
    aspects = aspects_of(analysis.results)
    english = fertility(aspects, "multilingual-e5-small", "en")
    assert english == (2.0, 2.5)
    chinese = fertility(aspects, "multilingual-e5-small", "zh")
    assert chinese is not None
    assert chinese.per_word is None
    assert fertility(aspects, "another", "en") is None
    assert fertility(aspects, "multilingual-e5-small", "en", "tatoeba") is None


def test_rank_correlation() -> None:
    assert correlation([(1, 10), (2, 20), (3, 40)]) == pytest.approx(1.0)
    assert correlation([(0, 3), (1, 2), (2, 2), (5, 1)]) == pytest.approx(-0.9486832980505138)
    assert correlation([(1, 1), (1, 2), (1, 3)]) is None
    assert correlation([(1, 2), (2, 3)]) is None


def test_the_page_shows_languages_and_pictures(analysis: Analysis) -> None:
    text = render(analysis.results, "html", analysis, (), aspects_of(analysis.results))
    assert text.count('<svg viewBox="0 0 282 162" role="group" class="scatter"') == 3 * 2 * 2
    for word in (
        "Transfer gap",
        "tokens per word",
        "Niger-Congo",
        "ρ = ",
        "All 9 languages",
        "By text length and label",
        "shortest quarter",
    ):
        assert word in text, word  # fmt: skip
    bare = render(analysis.results, "html", analysis)
    assert "tokens per word" not in bare
    assert "shortest quarter" not in bare


def test_a_target_of_one_language_has_no_picture() -> None:
    results = synthetic(targets=("xnli",), seeds=(0,), items=30)
    one = [s for s in results.scores if s.language == "de"]
    text = render(replace(results, scores=tuple(one)), "html")
    assert 'class="scatter"' not in text
    assert "German (de)" in text


def test_markdown_and_latex_have_the_gap_and_the_languages(analysis: Analysis) -> None:
    text = render(analysis.results, "md", analysis, (), aspects_of(analysis.results))
    assert "English minus the mean of the other zero-shot languages:" in text
    assert "| Swahili (sw) | Niger-Congo | Latin | 4 | " in text
    assert "| Chinese (zh) | Sino-Tibetan | Chinese | 5 | – | " in text
    assert "tokens per word" not in render(analysis.results, "md", analysis)
    paper = render(analysis.results, "latex", analysis)
    assert r"{xnli} & {no stop} & " in paper
    alone = quick(targets=("xcopa",), seeds=(0,), items=20)
    assert "Transfer gap" not in render(alone.results, "latex", alone)


def test_json_has_everything_and_fits_its_schema(analysis: Analysis) -> None:
    found = json.loads(render(analysis.results, "json", analysis, (), aspects_of(analysis.results)))
    text = (resources.files("waystation.report") / "report_schema.json").read_text("utf-8")
    jsonschema.validate(found, json.loads(text))
    xnli, _, tatoeba = found["targets"]
    assert [t["stop"] for t in xnli["transfer"]] == list(analysis.results.stops)
    assert xnli["transfer"][0]["change"] is None
    assert [b["feature"] for b in xnli["breakdowns"]] == ["text length", "label"]
    assert xnli["breakdowns"][0]["buckets"][0]["gains"]["nli"]["items"] == 120
    assert tatoeba["official_variant"] == tatoeba["variant"] == "8/mean"
    assert "points apart" in tatoeba["about_variants"]
    distances = {row["language"]: row["distance_to_english"] for row in found["languages"]}
    assert (distances["en"], distances["de"], distances["es"], distances["th"]) == (0, 1, 3, 5)


def test_csv_has_a_row_for_each_bucket_as_measured(analysis: Analysis) -> None:
    aspects = aspects_of(analysis.results)
    rows = list(csv.DictReader(io.StringIO(render(analysis.results, "csv", aspects=aspects))))
    plain = list(csv.DictReader(io.StringIO(render(analysis.results, "csv"))))
    assert [r for r in rows if not r["feature"]] == plain
    wanted = {"stop": "nli", "target": "xnli", "language": "de", "seed": "1"}
    chosen = [r for r in rows if wanted.items() <= r.items() and r["feature"] == "text length"]
    assert {r["bucket"] for r in chosen} == set(QUARTERS)
    assert [r["items"] for r in chosen] == ["15"] * 4
    mean = sum(float(r["value"]) for r in chosen) / 4
    whole = next(r for r in rows if wanted.items() <= r.items() and not r["feature"])
    assert mean == pytest.approx(float(whole["value"]))
    assert {r["variant"] for r in rows if r["feature"] and r["target"] == "tatoeba"} == {"8/mean"}


# --- layers -----------------------------------------------------------------------------------


def test_the_choice_of_the_layer_and_its_weight_are_said(analysis: Analysis) -> None:
    part = analysis.parts[2]
    text = of_variants(part)
    assert text.startswith(
        "The grid shows layer 8, mean pooling, the same for every stop: what the benchmark's own"
        " scripts evaluate on a backbone of 12 layers, the highest measured here. Without a stop"
        " the best variant (layer 12,"
    )
    assert text.endswith(
        "points apart; a gain smaller than that may be no more than what another layer would give."
    )
    own = replace(analysis.results, official={})
    assert "since no official variant was measured" in of_variants(
        analyse(own, resamples=20).parts[2]
    )
    assert of_variants(analysis.parts[0]) == ""


def test_layers_are_a_heat_map_for_each_stop() -> None:
    results = synthetic(targets=("tatoeba",), seeds=(0, 1), items=30)
    ways = {"4/mean": "4/mean", "8/mean": "8/cls/ratio", "12/mean": "8/mean"}
    scores = tuple(replace(s, variant=ways[s.variant]) for s in results.scores)
    text = render(replace(results, scores=scores), "html", None)
    assert text.count('<table class="heat sweep"') == 4
    assert '<th scope="row">cls, ratio margin</th>' in text
    assert "layer 8, cls pooling, ratio margin" in text
    assert '<td class="level official shown"' in text
    assert '<td class="none">–</td>' in text  # 4/cls/ratio was not measured


# --- benchmarks -------------------------------------------------------------------------------


def covering(tasks: tuple[str, ...], lost: tuple[str, str] = ("", "")) -> Results:
    """A study of whole tasks of XTREME, but for one language of one of them."""
    template = scores_of("xnli", (0, 1), 20)
    scores: list[Score] = []
    for name in tasks:
        part = BENCHMARKS["xtreme"].part(name)
        for s in (s for s in template if s.language == "de"):
            for number, tag in enumerate(part.languages):
                if (name, tag) != lost:
                    values = dict.fromkeys(part.values, 40.0 + number + 2 * s.seed)
                    scores.append(
                        replace(s, target=name, task=name, language=tag, headline=part.values[0],
                                values=values)
                    )  # fmt: skip
    return replace(
        synthetic(targets=("xnli",), seeds=(0, 1), items=20),
        targets=tasks, scores=tuple(scores), official={},
        source_language=dict.fromkeys(tasks, "en"),
    )  # fmt: skip


def test_groups_of_a_benchmark_are_means_of_complete_tasks() -> None:
    (found,) = standings(analyse(covering(("xnli", "pawsx")), resamples=QUICK))
    line = found.lines[0]
    assert found.benchmark.name == "xtreme"
    assert line.tasks["xnli"] == pytest.approx(41 + 7)
    assert line.tasks["pawsx"] == pytest.approx(41 + 3)
    assert line.groups["classification"] == pytest.approx(46)
    assert line.groups["qa"] is line.overall is None
    assert line.missing == tuple(t for t in found.benchmark.tasks if t not in ("xnli", "pawsx"))
    assert any("20 items" in note and "5,010" in note for note in found.notes)


def test_of_two_targets_of_a_task_the_first_counts_and_the_other_is_named() -> None:
    results = covering(("xnli", "pawsx"))
    again = [replace(s, target="xnli-again") for s in results.scores if s.task == "xnli"]
    both = replace(
        results,
        targets=(*results.targets, "xnli-again"),
        source_language=results.source_language | {"xnli-again": "en"},
        scores=(*results.scores, *again),
    )
    (found,) = standings(analyse(both, resamples=QUICK))
    note = "xnli: the study's target xnli, its first of this task, not xnli-again."
    assert found.notes.count(note) == 1
    assert all("again" not in n for n in found.notes if n != note)


def test_an_incomplete_task_is_named_and_never_averaged_over() -> None:
    results = covering(("xnli", "pawsx", "mlqa", "xquad", "tydiqa"), ("mlqa", "vi"))
    found = standings(analyse(results, resamples=20))
    line = found[0].lines[0]
    assert line.groups["classification"] is not None
    assert line.tasks["mlqa"] is line.groups["qa"] is line.overall is None
    assert "mlqa in vi" in line.missing
    text = render(results, "html", analyse(results, resamples=20))
    assert "mlqa in vi" in text
    assert "XTREME, multilingual-e5-small" in text
    assert "## XTREME, multilingual-e5-small" in render(results, "md")


def test_a_whole_benchmark_has_an_overall_score() -> None:
    results = covering(BENCHMARKS["xtreme"].tasks)
    found = next(s for s in standings(analyse(results, resamples=5)) if s.lines[0].overall)
    line = found.lines[0]
    tasks = [v for v in line.tasks.values() if v is not None]
    assert line.overall == pytest.approx(sum(tasks) / 9)
    assert said(line.missing) == "complete"


def test_a_study_without_a_whole_group_shows_no_benchmark(analysis: Analysis) -> None:
    assert standings(analysis) == ()
    assert 'id="benchmarks"' not in render(analysis.results, "html", analysis)
