"""Excerpts: what is sampled from a study's store, and how the report embeds it."""

from __future__ import annotations

import json
import re
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from miniature import write

from synthetic_pages import excerpts_of
from synthetic_results import HOSTILE, quick
from waystation.buckets import _predictions, collect_aspects
from waystation.errors import StoreError
from waystation.examples import TaggingExample
from waystation.excerpts import LONGEST, Excerpt, Text, collect_excerpts, cut, sample
from waystation.report import Analysis, analyse, html_examples, render
from waystation.results import Results, collect
from waystation.run import Options, prepare, run_study
from waystation.store import Damaged

STUDY = """\
name: miniature
backbones: [model]
intermediate: [none, {task: pocket-topic, examples: 16, name: topic}]
targets:
  - {task: pocket-topic, languages: [de], examples: 6,
     fine_tune: {task: pocket-topic, examples: 8}}
  - {task: pocket-choice, languages: [de], examples: 6,
     fine_tune: {task: pocket-choice, examples: 8}}
  - {task: pocket-pos, languages: [de], examples: 6, fine_tune: {task: pocket-pos, examples: 8}}
  - {task: pocket-qa, languages: [de], examples: 6, fine_tune: {task: pocket-qa, examples: 8}}
  - {task: pocket-bitext, languages: [de, zh], examples: 6, fine_tune: false, layers: [1, 2]}
train: {learning_rate: 1e-3, epochs: 1, batch_size: 8, max_tokens: 64, dev_examples: 8}
numerics: {precision: fp32, threads: 1}
"""


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A study that ran, and its store."""
    folder = tmp_path_factory.mktemp("study")
    path = write(folder, STUDY)
    outcome = run_study(path, Options(store=folder / "store"))
    assert outcome.count("failed") == 0
    return path, folder / "store"


def gathered(study: tuple[Path, Path]) -> tuple[Results, tuple[Excerpt, ...]]:
    found = prepare(study[0], Options(store=study[1]), trust=True)
    results = collect(found.lock, found.plan, found.store, found.study)
    parts = analyse(results, resamples=20).parts
    variants = {(p.backbone, p.target): p.variant for p in parts}
    return results, collect_excerpts(
        results, found.lock, found.plan, found.store, found.study, variants
    )


@pytest.fixture(scope="module")
def excerpts(study: tuple[Path, Path]) -> dict[str, Excerpt]:
    results, found = gathered(study)
    assert [e.target for e in found] == sorted((e.target for e in found), key=results.targets.index)
    return {f"{e.target} {e.language}": e for e in found}


@pytest.mark.slow
def test_every_target_and_language_is_there(excerpts: dict[str, Excerpt]) -> None:
    assert set(excerpts) == {
        "pocket-topic de", "pocket-choice de", "pocket-pos de", "pocket-qa de",
        "pocket-bitext de", "pocket-bitext zh",
    }  # fmt: skip
    for excerpt in excerpts.values():
        assert excerpt.total == len(excerpt.items) == 6
        assert [run.stop for run in excerpt.runs] == ["none", "topic"]
        for item in excerpt.items:
            assert len(item.chosen) == 2
            assert all(0 <= at < len(item.outputs) for at in item.chosen if at is not None)
            assert len({output for output, _ in item.outputs}) == len(item.outputs)


@pytest.mark.slow
def test_aspects_of_a_store_agree_with_its_scores_and_tokens(study: tuple[Path, Path]) -> None:
    found = prepare(study[0], Options(store=study[1]), trust=True)
    results = collect(found.lock, found.plan, found.store, found.study)
    aspects = collect_aspects(found.lock, found.plan, found.store, found.study)
    assert [(a.target, a.language) for a in aspects] == [
        ("pocket-topic", "de"), ("pocket-choice", "de"), ("pocket-pos", "de"),
        ("pocket-qa", "de"), ("pocket-bitext", "de"), ("pocket-bitext", "zh"),
    ]  # fmt: skip
    for aspect in aspects:
        own = [
            s for s in results.scores if (s.target, s.language) == (aspect.target, aspect.language)
        ]
        assert {s.ids for s in own} == {aspect.ids}
    words = {a.target: a.size for a in aspects}
    assert words["pocket-bitext"].tokens == {}  # both sides were counted together
    for target in ("pocket-topic", "pocket-choice", "pocket-pos", "pocket-qa"):
        assert words[target].tokens["model"] >= words[target].words > 0
    tags = next(f for a in aspects for f in a.features if f.name in ("tag", "chunk type"))
    parts = sum(f.sum(axis=(0, 1)) for f in tags.parts.values())
    whole = sum(s.statistics.sum(axis=0) for s in results.scores if s.target == "pocket-pos")
    assert parts.tolist() == whole.tolist()


def test_predictions_of_other_examples_are_refused() -> None:
    class Other:
        def read(self, key: str, name: str) -> bytes:
            return b'{"id":"b","tags":["O"]}\n'

    examples = [TaggingExample(id="a", words=("w",), tags=("O",))]
    with pytest.raises(StoreError, match="expected predict-1 to have one prediction for each of"):
        _predictions(Other(), "predict-1", "tagging", examples)  # type: ignore[arg-type]


@pytest.mark.slow
def test_right_outputs_agree_with_the_scores(
    study: tuple[Path, Path], excerpts: dict[str, Excerpt]
) -> None:
    """All items are sampled here, so that what the browser counts is the score."""
    results, _ = gathered(study)
    for name in ("pocket-topic de", "pocket-choice de", "pocket-qa de", "pocket-bitext zh"):
        excerpt = excerpts[name]
        for column, run in enumerate(excerpt.runs):
            values = [i.outputs[i.chosen[column] or 0][1] or 0.0 for i in excerpt.items]
            score = next(
                s
                for s in results.scores
                if (s.target, s.language, s.stop) == (excerpt.target, excerpt.language, run.stop)
                and s.variant == excerpt.variant
            )
            assert 100 * sum(values) / len(values) == pytest.approx(
                score.values[score.headline], abs=0.1
            ), name


@pytest.mark.slow
def test_each_kind_shows_its_texts(excerpts: dict[str, Excerpt]) -> None:
    roles = {name: [t.role for t in e.items[0].texts] for name, e in excerpts.items()}
    assert roles["pocket-qa de"] == ["question", "context"]
    assert roles["pocket-choice de"][0] == "context"
    assert roles["pocket-bitext de"] == ["sentence"]
    tagging = excerpts["pocket-pos de"].items[0]
    assert isinstance(tagging.texts[0].content, tuple)
    assert isinstance(tagging.gold, tuple)
    assert len(tagging.gold) == len(tagging.texts[0].content)
    assert excerpts["pocket-bitext de"].variant in ("1/mean", "2/mean")
    assert all(t.language == "de" for t in excerpts["pocket-qa de"].items[0].texts)


@pytest.mark.slow
def test_changed_predictions_are_never_shown(study: tuple[Path, Path]) -> None:
    path = next((study[1] / "steps").glob("predict-*/predictions.jsonl"))
    body = path.read_bytes()
    path.write_bytes(body.replace(b'"id":"', b'"id":"', 1).replace(b"}", b"]", 1))
    try:
        with pytest.raises(Damaged, match="differs from its manifest"):
            gathered(study)
    finally:
        path.write_bytes(body)


@pytest.mark.slow
def test_a_store_without_its_data_has_no_examples(study: tuple[Path, Path], tmp_path: Path) -> None:
    shutil.copytree(study[1], tmp_path / "store")
    for path in (tmp_path / "store" / "data").iterdir():
        path.unlink()
    results, found = gathered((study[0], tmp_path / "store"))
    assert found == ()
    assert results.scores


@pytest.mark.slow
def test_a_step_knows_which_stops_and_targets_need_it(study: tuple[Path, Path]) -> None:
    results, _ = gathered(study)
    by_label = {s.label: s for s in results.steps}
    assert by_label["train topic@0"].stops == ("topic",)
    assert set(by_label["train topic@0"].targets) == set(results.targets)
    assert by_label["train none>pocket-pos@0"].targets == ("pocket-pos",)
    assert all(s.stops and s.targets for s in results.steps)


def test_the_sample_is_fixed_and_the_same_for_parallel_items() -> None:
    ids = [str(i) for i in range(500)]
    picked = [ids[i] for i in sample(ids, 10)]
    assert picked == [ids[::-1][i] for i in sample(ids[::-1], 10)]
    assert picked != ids[:10]
    assert sample(ids, 5) == sample(ids, 10)[:5]
    assert sample([], 5) == []


def test_long_texts_are_cut_around_the_answer() -> None:
    text = "a" * 5000 + "ANSWER" + "b" * 5000
    shown = cut(text, 5000)
    assert "ANSWER" in shown
    assert shown.startswith("… ")
    assert shown.endswith(" …")
    assert len(shown) <= LONGEST + 4
    assert cut("short", 3) == "short"
    assert cut(text).startswith("aaa")


@pytest.fixture(scope="module")
def analysis() -> Analysis:
    return quick(targets=("xnli", "udpos", "tatoeba"), items=30)


def embedded(text: str) -> dict:
    found = re.search(r'<script type="application/json" id="data">(.*?)</script>', text, re.S)
    assert found is not None
    return json.loads(found[1])  # type: ignore[no-any-return]


def test_the_page_holds_what_the_excerpts_say(analysis: Analysis) -> None:
    excerpts = excerpts_of(analysis.results)
    data = embedded(render(analysis.results, "html", analysis, excerpts))
    assert data["stops"] == list(analysis.results.stops)
    assert len(data["parts"]) == len(excerpts)
    for part, excerpt in zip(data["parts"], excerpts, strict=True):
        runs = [(data["stops"][stop], seed) for _, stop, seed in part["runs"]]
        assert runs == [(r.stop, r.seed) for r in excerpt.runs]
        for shown, item in zip(part["items"], excerpt.items, strict=True):
            places = [ord(c) - html_examples.FIRST for c in shown["chosen"]]
            assert places == list(item.chosen)
            if excerpt.kind == "tagging":
                tags = tuple(part["labels"][ord(c) - 48] for c in shown["gold"])
                assert tags == item.gold
            else:
                assert shown["gold"] == item.gold


def test_items_are_left_out_until_the_page_is_small_enough(
    analysis: Analysis, monkeypatch: pytest.MonkeyPatch
) -> None:
    excerpts = excerpts_of(analysis.results, 60)
    whole = html_examples.section(analysis.results, excerpts, 10_000_000)
    size = len("".join(whole).encode())
    half = html_examples.section(analysis.results, excerpts, size // 2)
    assert len("".join(half).encode()) <= size // 2
    counts = {len(p["items"]) for p in embedded("".join(half))["parts"]}
    assert len(counts) == 1
    assert 1 <= counts.pop() < 60
    assert html_examples.section(analysis.results, excerpts, 2000) == []
    monkeypatch.setattr("waystation.report.html.LARGEST", 1)
    text = render(analysis.results, "html", analysis, excerpts)
    assert 'id="examples"' not in text
    assert "#examples" not in text.partition("<script>")[0].partition("</style>")[2]
    assert "shows its examples" not in text


def test_no_text_can_end_the_data(analysis: Analysis) -> None:
    excerpts = excerpts_of(analysis.results)
    items = (replace(excerpts[0].items[0], texts=(Text(HOSTILE, "en", HOSTILE),), id=HOSTILE),)
    text = render(analysis.results, "html", analysis, [replace(excerpts[0], items=items)])
    data = embedded(text)
    assert data["parts"][0]["items"][0]["texts"][0][1] == HOSTILE
    assert text.count("<script") == text.count("</script>") == 2


def test_without_examples_there_is_no_browser(analysis: Analysis) -> None:
    text = render(analysis.results, "html", analysis)
    assert 'id="examples"' not in text
    assert "application/json" not in text
