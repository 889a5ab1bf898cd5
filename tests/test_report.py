"""What reports say of studies with known true effects, gaps and failures."""

from __future__ import annotations

import io
from dataclasses import replace

import pytest
from rich.console import Console

from synthetic_results import QUICK, TARGETS, quick, synthetic
from waystation.report import FORMATS, Analysis, analyse, render, show
from waystation.report.analysis import BASELINE, MEAN, Part, floor, headline_variant
from waystation.report.sentences import _unseen
from waystation.report.words import look, mark


@pytest.fixture(scope="module")
def whole() -> Analysis:
    return quick(targets=("xnli", "udpos", "xcopa", "tatoeba"), seeds=(0, 1, 2, 3), items=300)


@pytest.fixture(scope="module")
def faulty() -> Analysis:
    return quick(faults=True)


def part_of(analysis: Analysis, target: str) -> Part:
    return next(p for p in analysis.parts if p.target == target)


def test_true_effects_are_found_and_their_intervals_hold_them(whole: Analysis) -> None:
    xnli = part_of(whole, "xnli")
    for stop in ("nli", "nli+commonsenseqa"):
        cell = xnli.cell(stop)
        assert cell is not None
        assert cell.gain is not None
        assert cell.verdict == "gain"
        assert cell.gain.low < TARGETS["xnli"].effects[stop] < cell.gain.high
    tatoeba = [part_of(whole, "tatoeba").cell(s) for s in whole.stops]
    assert [c.verdict for c in tatoeba if c] == ["loss"] * 3


def test_no_effect_is_called_clear_where_there_is_none(whole: Analysis) -> None:
    cells = [c for c in whole.grid if c.target == "udpos"]
    assert len(cells) == 3
    assert {c.verdict for c in cells} == {"no clear difference"}


def test_the_mean_leaves_the_fine_tuning_language_out(whole: Analysis) -> None:
    part = part_of(whole, "xnli")
    assert part.apart == ("en",)
    assert "en" not in part.languages
    values = [
        s.values["accuracy"]
        for s in whole.results.scores
        if (s.target, s.stop) == ("xnli", "nli") and s.language != "en"
    ]
    assert part.mean("nli") == pytest.approx(sum(values) / len(values))
    cell = part.cell("nli")
    assert cell is not None
    assert cell.gain is not None
    assert cell.score is not None
    assert cell.score == pytest.approx(sum(values) / len(values))
    assert cell.gain.value == pytest.approx(cell.score - (cell.baseline or 0))
    english = part.cell("nli", "en")
    assert english is not None
    assert english.gain is not None
    assert english.verdict == ""


def test_retrieval_averages_all_languages_and_shows_the_official_layer() -> None:
    results = synthetic(targets=("tatoeba",), seeds=(0, 1))
    results = replace(results, source_language={"tatoeba": "de"})
    part = analyse(results, resamples=QUICK).parts[0]
    assert part.apart == ()
    assert "de" in part.languages
    # Layer 12 scores higher without a stop; choosing it for that would be choosing on test scores.
    assert part.variant == part.official == "8/mean"
    assert part.spread == ("4/mean", "12/mean")
    assert part.cell("nli", MEAN, "12/mean") is not None


@pytest.mark.parametrize(
    ("variants", "official", "shown"),
    [
        (("",), None, ""),
        (("4/mean", "8/mean", "12/mean"), None, "8/mean"),
        (("8/mean", "8/cls"), "8/cls", "8/cls"),
        (("8/mean", "12/mean"), "8/cls", "8/mean"),  # the official one was not measured
        (("8/cls/ratio", "12/cls", "0/cls"), None, "12/cls"),
        (("8/words", "12/words", "8/mean/ratio", "1/mean"), None, "1/mean"),
        (("7/mean", "9/mean", "12/mean"), None, "7/mean"),
        (("first", "second"), None, "first"),
    ],
)
def test_the_headline_variant_is_decided_by_names_alone(
    variants: tuple[str, ...], official: str | None, shown: str
) -> None:
    assert headline_variant(variants, official) == shown


def test_the_transfer_gap_is_english_less_the_others(whole: Analysis) -> None:
    part = part_of(whole, "xnli")
    assert [t.stop for t in part.transfer] == list(whole.results.stops)
    for found in part.transfer:
        others = [part.mean(found.stop, t) or 0.0 for t in part.languages]
        assert found.english == pytest.approx(part.mean(found.stop, "en"))
        assert found.others == pytest.approx(sum(others) / len(others))
        assert found.gap.value == pytest.approx(found.english - found.others)
        assert found.gap.low <= found.gap.value <= found.gap.high
    first, nli = part.transfer[:2]
    assert first.change is None
    assert nli.change is not None
    assert nli.change.value == pytest.approx(nli.gap.value - first.gap.value)
    assert nli.change.groups < nli.change.items  # parallel items are one cluster
    for target in ("xcopa", "tatoeba"):
        assert part_of(whole, target).transfer == ()


def test_a_route_without_english_has_no_gap() -> None:
    results = synthetic(targets=("xnli",), seeds=(0, 1), items=40)
    lost = [s for s in results.scores if (s.stop, s.language) != ("nli", "en")]
    part = analyse(replace(results, scores=tuple(lost)), resamples=QUICK).parts[0]
    assert [t.stop for t in part.transfer] == ["none", "commonsenseqa", "nli+commonsenseqa"]


def test_variants_stand_in_the_order_of_their_layers() -> None:
    results = synthetic(targets=("tatoeba",), items=40)
    shuffled = tuple(sorted(results.scores, key=lambda s: s.variant))  # 12 before 4, as stored
    part = analyse(replace(results, scores=shuffled), resamples=QUICK).parts[0]
    assert part.variants == ("4/mean", "8/mean", "12/mean")


def test_a_stop_that_has_not_run_is_not_a_baseline_without_scores() -> None:
    results = synthetic(targets=("tatoeba",), items=40)
    kept = tuple(s for s in results.scores if s.stop != "nli")
    part = analyse(replace(results, scores=kept), resamples=QUICK).parts[0]
    assert {c.note for c in part.grid if c.stop == "nli"} == {"no scores"}


def test_one_baseline_serves_all_seeds_where_nothing_is_fine_tuned() -> None:
    part = quick(targets=("tatoeba",), seeds=(0, 1, 2)).parts[0]
    cell = part.cell("nli")
    assert part.seeds[BASELINE, "8/mean", MEAN] == 1
    assert cell is not None
    assert cell.gain is not None
    assert cell.gain.seeds == 3


def test_a_target_that_never_leaves_its_majority_class_is_uninformative(faulty: Analysis) -> None:
    part = part_of(faulty, "pawsx")
    assert {c.verdict for c in part.grid} == {"uninformative"}
    assert "says nothing" in part.sentence
    assert "55.0" in part.sentence
    assert "since pawsx never left chance and majority" in faulty.sentence


def test_missing_cells_say_why_and_are_never_zero(faulty: Analysis) -> None:
    part = part_of(faulty, "xnli")
    cell = part.cell("nli+commonsenseqa")
    assert cell is not None
    assert (cell.gain, cell.score, cell.verdict) == (None, None, "missing")
    assert part.mean("nli+commonsenseqa") is None
    assert "nli+commonsenseqa (not run yet)" in part.sentence
    assert "1 more could not be measured" in faulty.sentence


def test_a_missing_cell_names_what_failed() -> None:
    results = synthetic(targets=("udpos",), seeds=(1,), faults=True)
    cell = analyse(results, resamples=QUICK).parts[0].cell("commonsenseqa")
    assert cell is not None
    assert cell.note == (
        "failed: expected 2.1 GB of free memory, found 0.4 GB; lower micro_batch_size."
    )


def test_a_failed_seed_is_left_out_on_both_sides_and_said(faulty: Analysis) -> None:
    cell = part_of(faulty, "udpos").cell("commonsenseqa")
    assert cell is not None
    assert cell.gain is not None
    assert cell.gain.seeds == 2
    assert cell.note == "without seed 1"
    means = [
        s.values["f1"]
        for s in faulty.results.scores
        if (s.target, s.stop) == ("udpos", BASELINE) and s.seed != 1 and s.language != "en"
    ]
    assert cell.baseline == pytest.approx(sum(means) / len(means))


def test_one_seed_gets_no_verdict() -> None:
    analysis = quick(targets=("xnli",), seeds=(0,))
    assert {c.verdict for c in analysis.grid} == {"too few seeds"}
    assert {look(c) for c in analysis.grid} == {"noise"}
    assert mark(analysis.grid[0]) == "?"
    assert analysis.sentence.startswith("Of 3 gains, 3 cannot be judged with one seed.")
    assert "smallest gain" not in analysis.sentence


def test_equal_predictions_are_no_measure_of_what_could_be_seen() -> None:
    assert _unseen(0.0) == ""
    assert _unseen(1.26) == " Gains below 1.3 points would probably have gone unseen."
    assert "of any size" in _unseen(100.0)


def test_few_items_get_no_verdict() -> None:
    analysis = quick(targets=("xnli",), seeds=(0, 1), items=12)
    assert {c.verdict for c in analysis.grid} == {"too few items"}
    assert "cannot be judged on so few items" in analysis.sentence


def test_without_a_baseline_no_gain_can_be_said() -> None:
    results = synthetic(targets=("xnli",), seeds=(0, 1))
    results = replace(results, scores=tuple(s for s in results.scores if s.stop != BASELINE))
    analysis = analyse(results, resamples=QUICK)
    assert analysis.sentence.startswith("No gain could be computed")
    assert "baseline without scores" in analysis.parts[0].sentence
    for form in FORMATS:
        assert render(results, form, analysis)


def test_a_lost_language_is_left_out_of_the_mean_and_said() -> None:
    results = synthetic(targets=("xnli",), seeds=(0, 1))
    kept = tuple(s for s in results.scores if (s.stop, s.language) != ("nli", "sw"))
    part = analyse(replace(results, scores=kept), resamples=QUICK).parts[0]
    cell = part.cell("nli")
    assert cell is not None
    assert "sw" not in cell.languages
    assert cell.note == "without sw"
    assert part.mean("nli") is None  # a mean over fewer languages does not compare


def test_other_items_in_the_two_routes_give_no_gain() -> None:
    results = synthetic(targets=("xnli",), seeds=(0, 1))
    scores = tuple(
        replace(s, ids=tuple(f"x{i}" for i in s.ids)) if s.stop == "nli" else s
        for s in results.scores
    )
    cell = analyse(replace(results, scores=scores), resamples=QUICK).parts[0].cell("nli")
    assert cell is not None
    assert cell.gain is None
    assert cell.note == "other items than the baseline"


def test_an_empty_study_is_a_report_too() -> None:
    results = replace(synthetic(targets=("xnli",)), scores=(), steps=(), warnings=())
    analysis = analyse(results, resamples=QUICK)
    for form in FORMATS:
        assert render(results, form, analysis)
    show(analysis, Console(file=io.StringIO()))


def test_a_study_without_stops_speaks_of_scores_and_not_of_gains() -> None:
    results = synthetic(targets=("xnli", "tatoeba"), seeds=(0, 1), items=40)
    scores = tuple(s for s in results.scores if s.stop == BASELINE)
    analysis = analyse(replace(results, scores=scores, stops=(BASELINE,)), resamples=QUICK)
    assert analysis.sentence == (
        "The study has no stops: these are scores without one, and no gains."
    )
    for part in analysis.parts:
        assert part.sentence.endswith(" without a stop, and no stop to compare with.")
    out = io.StringIO()
    show(analysis, Console(file=out, width=80))
    text = " ".join(out.getvalue().split())
    assert "Gains in points" not in text
    assert "▲" not in text
    assert "Transfer gap, English minus the mean of the others" in text
    assert "+" not in text  # nothing that would read as a gain, least of all the transfer gap
    assert "points apart: so much hangs on layer and pooling alone." in text
    assert "a gain smaller than that" not in text
    for form in FORMATS:
        assert "Gains in points over no stop" not in render(analysis.results, form, analysis)


def test_same_results_same_bytes() -> None:
    results = synthetic(targets=("xnli", "tatoeba"), seeds=(0, 1), items=60)
    one, two = (analyse(results, resamples=QUICK) for _ in range(2))
    for form in FORMATS:
        assert render(results, form, one) == render(results, form, two)


def test_floor_is_the_best_baseline_language_by_language() -> None:
    assert floor([{"chance": 50.0, "majority": 40.0}, {"chance": 50.0, "majority": 60.0}]) == 55.0
    assert floor([{"chance": 50.0}, {}]) is None
    assert floor([]) is None
