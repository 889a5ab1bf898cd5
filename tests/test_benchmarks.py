"""XTREME and XTREME-R: their tables, scores of whole folders, and targets of a study."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from typer.testing import CliRunner

from official import PUBLISHED
from waystation import task as tasks
from waystation.benchmarks import BENCHMARKS, XTREME, XTREME_R, Benchmark, Part, get
from waystation.cli import app
from waystation.errors import StudyFaults, UserError
from waystation.languages import LANGUAGES
from waystation.score import score_benchmark
from waystation.score.benchmark import mean, summed_up
from waystation.study import load_study

ROOT = Path(__file__).parents[1]
REPOSITORY = os.environ.get("WAYSTATION_XTREME_REPO")
official = pytest.mark.skipif(
    not REPOSITORY, reason="WAYSTATION_XTREME_REPO names no checkout of google-research/xtreme"
)

# What evaluate_test.py publishes of XTREME's tasks.
MOCK = {name: values for name, values in PUBLISHED.items() if name != "mewslix"}
# evaluate.py --xtreme_version xtreme on the same data, with seqeval 0.0.12.
MOCK_GROUPS = {
    "classification": 41.04761904761905,
    "tagging": 63.862698495741725,
    "qa": 80.37568011593986,
    "retrieval": 54.30555555555556,
}
# The script adds nine scores in the order of a set of strings: one of these, by hash seed.
MOCK_OVERALL = (62.17319850507246, 62.17319850507248)


# The tables


@pytest.mark.parametrize("benchmark", BENCHMARKS.values(), ids=lambda b: b.name)
def test_tables_agree_with_the_tasks(benchmark: Benchmark) -> None:
    for part in benchmark.parts:
        task = tasks.get(part.name)
        assert set(part.languages) <= set(task.languages), part.name
        assert len(set(part.languages)) == len(part.languages), part.name
        assert set(part.score) <= set(part.values) <= set(task.metrics[0].names), part.name
        assert part.data, part.name
    assert set(benchmark.languages) <= set(LANGUAGES)
    for members in benchmark.groups.values():
        assert set(members) <= set(benchmark.tasks)


def test_sizes_of_the_benchmarks() -> None:
    """As the papers count them: nine tasks in 40 languages, ten in 50."""
    assert (len(XTREME.tasks), len(XTREME.languages)) == (9, 40)
    assert (len(XTREME_R.tasks), len(XTREME_R.languages)) == (10, 50)
    counts = {part.name: len(part.languages) for part in XTREME_R.parts}
    assert counts["udpos"] == 38
    assert counts["panx"] == 48
    assert counts["tatoeba"] == 41
    assert XTREME.part("mlqa").file("de") == "mlqa/test-de.json"
    assert XTREME_R.part("xcopa").file("et") == "xcopa/test-et.jsonl"


def test_an_unknown_benchmark() -> None:
    with pytest.raises(UserError) as error:
        get("xtremer")
    assert str(error.value) == (
        "expected a benchmark (xtreme, xtreme-r), found 'xtremer'. Did you mean 'xtreme-r'?"
    )


@official
def test_the_official_tables(monkeypatch: pytest.MonkeyPatch) -> None:
    evaluate = _official(monkeypatch)
    lists = evaluate.XTREME_VERSIONS_LANG_DICT
    for name, benchmark in BENCHMARKS.items():
        groups = evaluate.XTREME_VERSIONS_GROUP_DICT[name]
        assert {k: list(v) for k, v in benchmark.groups.items() if k in groups} == groups
        for part in benchmark.parts:
            if part.name != "lareqa":  # empty there, see the module's notes
                assert list(part.languages) == lists[name][part.name]
                assert part.suffix == evaluate.get_suffix(part.name, groups)
        assert set(benchmark.tasks) == set(lists[name])


def _official(monkeypatch: pytest.MonkeyPatch) -> Any:
    assert REPOSITORY
    monkeypatch.syspath_prepend(REPOSITORY)
    sys.modules.pop("evaluate", None)
    import evaluate  # type: ignore[import-not-found,unused-ignore]

    return evaluate


# Scores


def every(benchmark: Benchmark, value: Any = lambda task, language, name: 0.0) -> Any:
    """Values of every task, value and language."""
    return {
        part.name: {
            name: {tag: value(part.name, tag, name) for tag in part.languages}
            for name in part.values
        }
        for part in benchmark.parts
    }


def test_the_sum_runs_from_first_to_last() -> None:
    """math.fsum, and `sum` since Python 3.12, give 0.2."""
    assert mean([0.1] * 10) * 10 == 0.9999999999999999
    assert mean([1e16, 1.0, -1e16]) == 0.0


def test_averages_groups_and_overall() -> None:
    ranks = {name: float(number) for number, name in enumerate(XTREME.tasks)}
    found: Any = summed_up(XTREME, every(XTREME, lambda task, _, name: ranks[task]))
    assert found["score"] == 4.0
    assert found["groups"] == {
        "classification": 0.5, "tagging": 2.5, "qa": 7.0, "retrieval": 4.5,
    }  # fmt: skip
    both = {"exact_match": 10.0, "f1": 20.0}
    values = every(XTREME, lambda task, _, name: both.get(name, 0.0))
    assert summed_up(XTREME, values)["tasks"]["xquad"]["score"] == 15.0  # type: ignore[index,call-overload]


def test_the_overall_score_of_xtreme_r_is_the_mean_of_ten_tasks() -> None:
    values = every(XTREME_R, lambda task, _, name: 100.0 if task == "lareqa" else 50.0)
    found: Any = summed_up(XTREME_R, values)
    assert found["score"] == 55.0
    assert found["groups"]["retrieval"] == 50.0
    assert found["groups"]["retrieval_with_lareqa"] == mean([50.0, 50.0, 100.0])
    assert found["groups"]["multi_choice"] == found["groups"]["classification"] == 50.0


def test_nothing_is_averaged_over_what_is_missing() -> None:
    values = every(XTREME, lambda *_: 1.0)
    del values["xnli"]["accuracy"]["sw"]
    found: Any = summed_up(XTREME, values)
    assert found["tasks"]["xnli"]["score"] is None
    assert found["tasks"]["xnli"]["averages"] == {}
    assert len(found["tasks"]["xnli"]["languages"]) == 14
    assert found["groups"]["classification"] is None
    assert found["groups"]["tagging"] == 1.0
    assert found["score"] is None


TOY = Benchmark(
    name="toy",
    title="Toy",
    parts=(
        Part(name="xnli", languages=("de", "sw"), values=("accuracy",), score=("accuracy",),
             size=2),
        Part(name="mlqa", languages=("de",), values=("exact_match", "f1"),
             score=("exact_match", "f1"), suffix="json"),
    ),
    groups={"classification": ("xnli",), "qa": ("mlqa",)},
    notes=("Toys.",),
)  # fmt: skip


def put(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


@pytest.fixture
def folders(tmp_path: Path) -> tuple[Path, Path]:
    made, gold = tmp_path / "made", tmp_path / "gold"
    for tag in ("de", "sw"):
        put(made / f"xnli/test-{tag}.tsv", "neutral\nneutral\n")
        put(gold / f"xnli/test-{tag}.tsv", "neutral\nentailment\n")
    put(made / "mlqa/test-de.json", '{"a": "die Stadt"}')
    question = {"id": "a", "question": "?", "answers": [{"text": "Stadt", "answer_start": 4}]}
    paragraph = {"context": "die Stadt Ulm", "qas": [question]}
    data = {"data": [{"title": "", "paragraphs": [paragraph]}]}
    put(gold / "mlqa/test-de.json", json.dumps(data))
    return made, gold


def test_two_folders(folders: tuple[Path, Path]) -> None:
    found: Any = score_benchmark(TOY, *folders)
    assert found["tasks"]["xnli"]["languages"] == {
        "de": {"accuracy": 50.0}, "sw": {"accuracy": 50.0},
    }  # fmt: skip
    assert found["tasks"]["mlqa"] == {  # German articles are dropped, so the answer is right
        "score": 100.0,
        "averages": {"exact_match": 100.0, "f1": 100.0},
        "languages": {"de": {"exact_match": 100.0, "f1": 100.0}},
    }
    assert found["groups"] == {"classification": 50.0, "qa": 100.0}
    assert found["score"] == 75.0
    assert found["missing"] == found["notes"] == []
    assert found["remarks"] == ["Toys."]


def test_missing_files_are_named(folders: tuple[Path, Path]) -> None:
    made, gold = folders
    (made / "xnli/test-sw.tsv").unlink()
    (gold / "mlqa/test-de.json").unlink()
    found: Any = score_benchmark(TOY, made, gold)
    assert found["missing"] == [
        "xnli: no predictions for sw.", "mlqa: no references (mlqa/test-*.json).",
    ]  # fmt: skip
    assert found["score"] is None
    assert found["tasks"]["xnli"]["languages"] == {"de": {"accuracy": 50.0}}


def test_what_nothing_reads_is_named(folders: tuple[Path, Path]) -> None:
    made, gold = folders
    put(made / "xnly/test-de.tsv", "neutral\n")
    put(made / "xnli/test-zh-CN.tsv", "neutral\n")
    put(made / "README", "")
    (made / ".DS_Store").touch()
    for folder in (made, gold):
        put(folder / "xnli/test-de.tsv", "neutral\n" * 3)
    assert score_benchmark(TOY, made, gold)["notes"] == [
        "README: not a task of Toy, not scored.",
        "xnli: not scored: test-zh-CN.tsv; files are named as xnli/test-de.tsv.",
        "xnly: not a task of Toy, not scored. Did you mean 'xnli'?",
        "xnli: 3 items in de, where the official test set has 2.",
    ]


def test_faults_of_all_files_at_once(folders: tuple[Path, Path]) -> None:
    made, gold = folders
    put(made / "xnli/test-de.tsv", "neutral\n")
    put(made / "mlqa/test-de.json", '{"b": ""}')
    with pytest.raises(UserError) as error:
        score_benchmark(TOY, made, gold)
    first, second = str(error.value).split("\n")
    assert first.startswith(f"{made}/xnli/test-de.tsv: expected 2 lines, as many as")
    assert second.startswith(f"{made}/mlqa/test-de.json: expected the ids of the references")


@pytest.mark.parametrize("variants", [("8/cls", "8/mean"), ("8/cls",)])
def test_predictions_of_which_none_is_chosen(
    folders: tuple[Path, Path], variants: tuple[str, ...]
) -> None:
    made, gold = folders
    near = {"forward": ["en-1"], "forward_scores": [0.5]}
    row = {"id": "de-1", "variants": dict.fromkeys(variants, near)}
    put(made / "bucc2018/test-de.tsv", json.dumps(row) + "\n")
    asked = {"id": "de-1", "query": "", "relevant": ["en-1"]}
    put(gold / "bucc2018/test-de.tsv", json.dumps(asked) + "\n")
    with pytest.raises(UserError, match=r"expected the official layout of bucc2018, found our own"):
        score_benchmark(XTREME, made, gold)


def test_folders_that_are_none(folders: tuple[Path, Path]) -> None:
    made, gold = folders
    for folder, found in ((made / "no", "none"), (made / "xnli/test-de.tsv", "a file")):
        with pytest.raises(UserError) as error:
            score_benchmark(TOY, folder, gold)
        assert str(error.value) == (
            f"expected a folder of predictions at {folder}, with one folder per task of Toy,"
            f" found {found}; give the folder that holds xnli/test-de.tsv."
        )


@official
def test_mock_data_to_the_last_digit() -> None:
    assert REPOSITORY
    folder = Path(REPOSITORY) / "mock_test_data"
    found: Any = score_benchmark(XTREME, folder / "predictions", folder / "labels")
    assert found["missing"] == []
    for task, averages in MOCK.items():
        assert found["tasks"][task]["averages"] == averages
    assert found["groups"] == MOCK_GROUPS
    assert found["score"] in MOCK_OVERALL
    found = score_benchmark(XTREME_R, folder / "predictions", folder / "labels")
    assert found["tasks"]["mewslix"]["averages"] == {"map@20": 14.39025156130419}
    assert found["score"] is None
    assert "xcopa: no predictions and no references (xcopa/test-*.jsonl)." in found["missing"]


def test_the_published_averages_give_the_published_groups() -> None:
    """From committed averages alone, so that plain runs see the arithmetic too."""
    values = every(XTREME, lambda task, _, name: MOCK[task][name])
    found: Any = summed_up(XTREME, values)
    for name, value in MOCK_GROUPS.items():
        assert found["groups"][name] == pytest.approx(value, rel=1e-14)
    assert found["score"] == pytest.approx(MOCK_OVERALL[0], rel=1e-14)


# Studies


def targets(folder: Path, entry: str) -> Any:
    path = put(folder / "my.yaml", f"targets:\n  - {entry}\n")
    return load_study(path).targets


def test_a_benchmark_stands_for_its_tasks(tmp_path: Path) -> None:
    found = targets(tmp_path, "{benchmark: xtreme, pooling: [cls]}")
    assert [target.name for target in found] == list(XTREME.tasks)
    for target, part in zip(found, XTREME.parts, strict=True):
        assert target.languages == part.languages
        assert (target.task, target.split, target.examples) == (part.name, None, None)
        is_retrieval = part.name in ("tatoeba", "bucc2018")
        assert target.pooling == (("cls",) if is_retrieval else ("mean",))


def test_tasks_of_a_benchmark_are_trained_as_officially(tmp_path: Path) -> None:
    """LAReQA's and Mewsli-X's dual encoders are; Tatoeba and BUCC take the model as it is."""
    for name in BENCHMARKS:
        for target in targets(tmp_path, f"{{benchmark: {name}}}"):
            assert target.fine_tuned == (target.name not in ("tatoeba", "bucc2018"))


def test_some_tasks_and_languages_of_a_benchmark(tmp_path: Path) -> None:
    (one,) = targets(tmp_path, "{benchmark: xtreme-r, tasks: [xquad], languages: all}")
    assert one.languages == XTREME_R.part("xquad").languages
    found = targets(tmp_path, "{benchmark: xtreme-r, tasks: all, languages: [qu, et]}")
    assert {t.name: t.languages for t in found} == {
        "panx": ("et", "qu"),
        "udpos": ("et",),
        "tatoeba": ("et",),
        "xcopa": ("et", "qu"),
    }
    found = targets(tmp_path, "{benchmark: xtreme, tasks: [xquad, xnli], examples: 5}")
    assert [(t.name, t.examples) for t in found] == [("xquad", 5), ("xnli", 5)]


FAULTS = [
    (
        "{benchmark: xtremr}",
        "2:17: targets[0].benchmark: expected one of xtreme, xtreme-r, found 'xtremr'."
        " Did you mean 'xtreme-r'?",
    ),
    (
        "{benchmark: xtreme, tasks: [xqad], layers: [1]}",
        "2:33: targets[0].tasks[0]: expected one of pawsx, xnli, panx, udpos, bucc2018, tatoeba,"
        " xquad, mlqa, tydiqa, found 'xqad'. Did you mean 'xquad'?",
    ),
    (
        "{benchmark: xtreme, tasks: xquad}",
        "2:32: targets[0].tasks: expected all or a list of tasks, found 'xquad'.",
    ),
    (
        "{benchmark: xtreme, tasks: [xquad, tatoeba], languages: [en]}",
        "2:32: targets[0].tasks: expected a task with one of the languages, as tatoeba, found"
        " none of en.",
    ),
    (
        "{benchmark: xtreme, tasks: [xquad], layers: [1]}",
        "2:49: targets[0].layers: expected `layers` beside a retrieval task only, found xquad.",
    ),
    (
        "{benchmark: xtreme, taks: [xquad]}",
        "2:25: targets[0].taks: expected one of benchmark, tasks, languages, examples,"
        " selections, layers, pooling, scoring, neighbours, found 'taks'. Did you mean 'tasks'?",
    ),
    (
        "{benchmark: xtreme, tasks: [xnli, xnli]}",
        "2:39: targets[0].tasks[1]: expected each of the tasks once, found 'xnli' again (line 2).",
    ),
]


@pytest.mark.parametrize(("entry", "message"), FAULTS)
def test_faults_of_a_benchmark_target(tmp_path: Path, entry: str, message: str) -> None:
    with pytest.raises(StudyFaults) as error:
        targets(tmp_path, entry)
    assert str(error.value) == f"{tmp_path / 'my.yaml'}:{message}"


def test_an_unknown_language_of_a_benchmark(tmp_path: Path) -> None:
    with pytest.raises(StudyFaults, match=r"languages\[1\]: expected one of .*, found 'xx'\."):
        targets(tmp_path, "{benchmark: xtreme, tasks: [xnli], languages: [de, xx]}")


@pytest.mark.parametrize("name", ["xtreme", "xtreme-r"])
def test_the_study_files_ask_for_everything(name: str) -> None:
    study = load_study(ROOT / "studies" / f"{name}.yaml")
    assert tuple(target.name for target in study.targets) == BENCHMARKS[name].tasks
    assert study.recipes == "official"


def test_the_verb(folders: tuple[Path, Path]) -> None:
    made, gold = folders
    where = ("--predictions", str(made), "--references", str(gold))
    found = CliRunner().invoke(app, ["score", "xtreme", *where, "--json"])
    assert found.exit_code == 0, found.output
    printed = json.loads(found.stdout)
    schema = json.loads((ROOT / "docs/reference/json/score-benchmark.json").read_text())
    Draft202012Validator(schema).validate(printed)
    assert printed["tasks"]["mlqa"]["languages"] == {"de": {"exact_match": 100.0, "f1": 100.0}}
    assert printed["score"] is None
    shown = CliRunner().invoke(app, ["score", "xtreme", *where])
    assert "de 50.00  sw 50.00" in shown.stdout
    assert ["overall", "(9", "tasks)", "incomplete"] in [
        x.split() for x in shown.stdout.split("\n")
    ]
    assert (
        "Missing: mlqa: no predictions and no references for en, es, ar, hi, vi, zh."
        in shown.output
    )
    assert "last digit" not in shown.output  # that is said of an overall score, and there is none


def test_folders_without_any_file_of_the_benchmark(folders: tuple[Path, Path]) -> None:
    made, gold = folders
    with pytest.raises(UserError) as error:
        score_benchmark(XTREME, made / "xnli", gold)
    assert str(error.value) == (
        f"expected files of XTREME such as pawsx/test-de.tsv in {made / 'xnli'} and {gold}, found"
        " none that both have; give the folders that hold the tasks' folders, or the name of a"
        " task to score one file."
    )


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (
            ("xtreme", "--language", "de"),
            "expected no --language with xtreme, whose folders hold every language, found 'de';"
            " score one file with the name of its task.",
        ),
        (
            ("xtremr",),
            "expected the name of a task or of a benchmark (xtreme, xtreme-r), found 'xtremr'. Did"
            " you mean 'xtreme-r'? `waystation tasks` lists tasks; a task of your own is written"
            " file.py:NAME.",
        ),
    ],
)
def test_wrong_words(folders: tuple[Path, Path], words: tuple[str, ...], message: str) -> None:
    made, gold = folders
    command = ["score", *words, "--predictions", str(made), "--references", str(gold)]
    found = CliRunner().invoke(app, command)
    assert found.exit_code == 2
    assert found.output.strip() == message
