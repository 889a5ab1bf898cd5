"""Study files: the normal form of every documented form, and the exact text of every fault."""

from __future__ import annotations

import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from waystation.errors import StudyFaults, UserError
from waystation.study import Stage, Stop, Study, Target, TaskUse, Temperature, load_study
from waystation.tasks.own import OwnData

TASKS = """
from waystation.examples import (
    BitextExample, ChoiceExample, ClassificationExample, TaggingExample,
)
from waystation.task import Task

COMMON = dict(version=1, summary="", layouts=(), metrics=(), languages=("en", "de", "sw"))
NLI = Task(
    name="nli", example=ClassificationExample, labels=("yes", "no"),
    splits=("train", "dev", "test"), **COMMON,
)
TOPIC = Task(
    name="topic", example=ClassificationExample, labels=("a", "b", "c"),
    splits=("train", "dev", "test"), **COMMON,
)
CHOICE = Task(name="choice", example=ChoiceExample, splits=("train", "dev", "test"), **COMMON)
TAGS = Task(name="tags", example=TaggingExample, labels=("X",), splits=("train", "test"), **COMMON)
XNLI = Task(
    name="xl", example=ClassificationExample, labels=("yes", "no"), splits=("dev", "test"),
    train=("nli",), **COMMON,
)
ORPHAN = Task(
    name="orphan", example=ClassificationExample, labels=("yes", "no"), splits=("test",), **COMMON,
)
PAIRS = Task(name="pairs", example=BitextExample, splits=("test",), **COMMON)
NOT_A_TASK = 3
"""

NLI, CHOICE, TAGS, XNLI = (f"mytasks.py:{n}" for n in ("NLI", "CHOICE", "TAGS", "XNLI"))

Write = Callable[[str], Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    (tmp_path / "mytasks.py").write_text(TASKS)

    def write_study(text: str) -> Path:
        path = tmp_path / "my.yaml"
        path.write_text(textwrap.dedent(text))
        return path

    return write_study


def faults(write: Write, text: str) -> list[str]:
    """The faults of a study, without the folder that they all start with."""
    path = write(text)
    with pytest.raises(StudyFaults) as caught:
        load_study(path)
    return [fault.removeprefix(f"{path.parent}/") for fault in caught.value.faults]


MINIMAL = f"targets: [{TAGS}]\n"


def test_the_smallest_study_has_every_default(write: Write) -> None:
    study = load_study(write(MINIMAL))
    assert study == Study(name="my", targets=(Target(name="tags", task=TAGS),))
    assert study.backbones == ("multilingual-e5-small",)
    assert study.seeds == (0,)
    assert study.intermediate == (Stop(name="none"),)


def test_every_form_of_a_stop(write: Write) -> None:
    study = load_study(
        write(f"""
        intermediate:
          - {CHOICE}
          - {{task: {NLI}, split: dev+test, examples: 50, skip: 10, language: de}}
          - {{mix: [{NLI}, {{task: {CHOICE}, examples: 7}}], rates: equal, train: {{epochs: 2}}}}
          - {{mix: [{NLI}, {TAGS}], rates: {{temperature: 2}}, cap: 20000}}
          - {{mix: [{NLI}, {TAGS}], rates: {{"{NLI}": 0.7, "{TAGS}": 0.3}}, name: weighted}}
          - {{mix: [{NLI}], rates: equal, name: alone}}
          - [{TAGS}, {{task: {CHOICE}, train: {{keep_head: true}}}}]
        targets: [{TAGS}]
        """)
    )
    nli, choice, tags = (TaskUse(task=name) for name in (NLI, CHOICE, TAGS))
    part = TaskUse(task=NLI, split="dev+test", examples=50, skip=10, language="de")
    some = TaskUse(task=CHOICE, examples=7)
    assert study.intermediate == (
        Stop(name="none"),
        Stop(name="choice", stages=(Stage(members=(choice,)),)),
        Stop(name="nli.de", stages=(Stage(members=(part,)),)),
        Stop(
            name="nli+choice",
            stages=(Stage(members=(nli, some), rates="equal", train={"epochs": 2}),),
        ),
        Stop(
            name="nli+tags",
            stages=(Stage(members=(nli, tags), rates=Temperature(temperature=2), cap=20000),),
        ),
        Stop(
            name="weighted",
            stages=(Stage(members=(nli, tags), rates={NLI: 0.7, TAGS: 0.3}),),
        ),
        Stop(name="alone", stages=(Stage(members=(nli,)),)),
        Stop(
            name="tags>choice",
            stages=(Stage(members=(tags,)), Stage(members=(choice,), train={"keep_head": True})),
        ),
    )


def test_every_form_of_a_target(write: Write) -> None:
    study = load_study(
        write(f"""
        targets:
          - {{task: {TAGS}, languages: [de, sw], examples: 200,
             options: {{first_piece: non-empty}}}}
          - {{task: mytasks.py:PAIRS, fine_tune: false, layers: [4, 8], pooling: [mean, cls]}}
          - {{task: {XNLI}, languages: all, split: dev, train: {{epochs: 1}}, name: control,
             fine_tune: {{task: {NLI}, examples: 1500, skip: 3}}}}
          - {{task: mytasks.py:CHOICE, fine_tune: [{NLI}, {CHOICE}]}}
        """)
    )
    part = TaskUse(task=NLI, examples=1500, skip=3)
    assert study.targets == (
        Target(
            name="tags",
            task=TAGS,
            languages=("de", "sw"),
            examples=200,
            options={"first_piece": "non-empty"},
        ),
        Target(
            name="pairs",
            task="mytasks.py:PAIRS",
            fine_tuned=False,
            layers=(4, 8),
            pooling=("mean", "cls"),
        ),
        Target(
            name="control",
            task=XNLI,
            split="dev",
            stages=(Stage(members=(part,)),),
            train={"epochs": 1},
        ),
        Target(
            name="choice",
            task=CHOICE,
            stages=(
                Stage(members=(TaskUse(task=NLI),)),
                Stage(members=(TaskUse(task=CHOICE),)),
            ),
        ),
    )


def write_reviews(folder: Path, name: str = "reviews.csv", rows: int = 12) -> None:
    lines = [f"text {i},{'good' if i % 2 else 'bad'}" for i in range(rows)]
    (folder / name).write_text("\n".join(["body,stars", *lines]) + "\n")


OWN = "csv: reviews.csv, kind: classification, text: body, label: stars"


def test_own_data_as_a_target_and_as_a_stop(write: Write, tmp_path: Path) -> None:
    write_reviews(tmp_path)
    write_reviews(tmp_path, "reviews.de.csv")
    study = load_study(
        write(f"""
        intermediate: [{{{OWN}, examples: 4}}]
        targets:
          - {{{OWN}, language: en, evaluate: {{de: reviews.de.csv}}, examples: 5, name: shop}}
          - {{{OWN}, evaluate: {{en: reviews.de.csv}}}}
        """)
    )
    own = OwnData(
        format="csv", path="reviews.csv", kind="classification", text="body", label="stars"
    )
    named = own.model_copy(update={"name": "shop", "evaluate": {"de": "reviews.de.csv"}})
    tested = own.model_copy(update={"evaluate": {"en": "reviews.de.csv"}})
    part = TaskUse(task="reviews", own=own, examples=4)
    assert study.intermediate[1] == Stop(name="reviews", stages=(Stage(members=(part,)),))
    assert study.targets == (
        Target(name="shop", task="shop", own=named, languages=("de",), examples=5),
        Target(name="reviews", task="reviews", own=tested, languages=("en",)),
    )


OWN_FAULTS: list[tuple[str, str, str]] = [
    (
        "no kind",
        "targets: [{csv: reviews.csv, split: dev}]\n",
        "my.yaml:1:11: targets[0]: expected `kind:`, one of classification, regression, tagging,"
        " bitext, found none.",
    ),
    (
        "wrong kind",
        "targets: [{csv: reviews.csv, kind: clasification, split: dev}]\n",
        "my.yaml:1:36: targets[0].kind: expected one of classification, regression, tagging,"
        " bitext, found 'clasification'.",
    ),
    (
        "two files",
        f"targets: [{{{OWN}, tsv: a.tsv, split: dev}}]\n",
        "my.yaml:1:11: targets[0]: expected one training file, found `csv:` and `tsv:`.",
    ),
    (
        "nothing to evaluate",
        f"targets: [{{{OWN}}}]\n",
        "my.yaml:1:11: targets[0]: expected `evaluate:`, files to evaluate by language, or"
        " `split: dev`, found neither.",
    ),
    (
        "evaluate is a file",
        f"targets: [{{{OWN}, evaluate: b.csv}}]\n",
        "my.yaml:1:88: targets[0].evaluate: expected a mapping from language tags to files,"
        " found 'b.csv'.",
    ),
    (
        "no file",
        "targets: [{csv: absent.csv, kind: classification, split: dev}]\n",
        "my.yaml:1:17: targets[0].csv: expected the file {folder}/absent.csv that the study"
        " names, found none; paths are relative to the study's folder.",
    ),
    (
        "two under one name",
        f"targets: [{{{OWN}, split: dev}}, {{{OWN}, language: de, split: dev, name: reviews}}]\n",
        "my.yaml:1:91: targets[1]: expected a name of its own for each of your files, found"
        " 'reviews' again. Give one of them `name:`.",
    ),
]


@pytest.mark.parametrize(
    ("text", "expected"), [f[1:] for f in OWN_FAULTS], ids=[f[0] for f in OWN_FAULTS]
)
def test_fault_of_own_data(write: Write, tmp_path: Path, text: str, expected: str) -> None:
    write_reviews(tmp_path)
    assert expected.replace("{folder}", str(tmp_path)) in faults(write, text)


def test_yaml_1_2_scalars(write: Write) -> None:
    study = load_study(write(f"name: no\ntrain: {{learning_rate: 1e-5, clip: null}}\n{MINIMAL}"))
    assert study.name == "no"
    assert study.train.learning_rate == 1e-5
    assert study.train.clip is None


def test_equality_leaves_the_path_out(write: Write, tmp_path: Path) -> None:
    first = load_study(write(f"name: same\n{MINIMAL}"))
    other = tmp_path / "other.yaml"
    other.write_text(f"# a comment\nname: same\n{MINIMAL}")
    assert load_study(other) == first
    assert load_study(write(f"name: same\nseeds: [1]\n{MINIMAL}")) != first


def test_settings_later_ones_win(write: Write) -> None:
    study = load_study(
        write(f"""
        intermediate:
          - {{task: {NLI}, train: {{batch_size: 8}}}}
          - {{mix: [{NLI}, {TAGS}], train: {{epochs: 9}}}}
        targets: [{{task: {TAGS}, train: {{epochs: 4}}}}]
        train: {{learning_rate: 2e-5, batch_size: 64}}
        overrides: {{"{NLI}": {{learning_rate: 3e-5, batch_size: 16}}, "{TAGS}": {{epochs: 5}}}}
        """)
    )
    alone, mixed = study.intermediate[1].stages[0], study.intermediate[2].stages[0]
    config = study.config_for(alone)
    assert (config.learning_rate, config.batch_size, config.epochs) == (3e-5, 8, 3)
    config = study.config_for(mixed)
    assert (config.learning_rate, config.batch_size, config.epochs) == (2e-5, 64, 9)
    tags = Stage(members=(TaskUse(task=TAGS),))
    assert study.config_for(tags).epochs == 5
    assert study.config_for(tags, study.targets[0]).epochs == 4


def line(text: str, after: str = MINIMAL) -> str:
    return f"{after}{text}\n"


FAULTS: list[tuple[str, str, str]] = [
    (
        "unknown key",
        f"target: [a]\n{MINIMAL}",
        "my.yaml:1:1: target: expected one of name, backbones, seeds, intermediate, targets, train,"
        " recipes, overrides, probes, numerics, resources, found 'target'. Did you mean"
        " 'targets'?",
    ),
    (
        "unknown nested key",
        line("train:\n  learning_rat: 1e-5"),
        "my.yaml:3:3: train.learning_rat: expected one of learning_rate, epochs, batch_size,"
        " micro_batch_size, max_tokens, stride, warmup, weight_decay, adam_beta1, adam_beta2,"
        " adam_epsilon, clip, dropout, evaluations, patience, dev_examples, selection, keep_head,"
        " trim_vocabulary, frozen, layer_decay, adapter, learning_rates, head_seed, found"
        " 'learning_rat'. Did you mean 'learning_rate'?",
    ),
    (
        "duplicate key",
        line("seeds: [1]\nseeds: [2]"),
        "my.yaml:3:1: seeds: expected each key once, found 'seeds' again (line 2).",
    ),
    (
        "missing targets",
        "name: x\n",
        "my.yaml:1:1: expected `targets:`, a list of tasks to evaluate, found none.",
    ),
    (
        "empty list",
        "targets: []\n",
        "my.yaml:1:10: targets: expected a list of targets, found an empty list.",
    ),
    (
        "not a list",
        "targets: udpos\n",
        "my.yaml:1:10: targets: expected a list of targets, found 'udpos'.",
    ),
    ("nothing", "targets:\n", "my.yaml:1:1: targets: expected a list of targets, found nothing."),
    (
        "absurd rate",
        line("train: {learning_rate: 10}"),
        "my.yaml:2:24: train.learning_rate: expected a number above 0 and at most 1, found 10.",
    ),
    (
        "infinite",
        line("train: {clip: .inf}"),
        "my.yaml:2:15: train.clip: expected a number above 0 or null, found inf.",
    ),
    (
        "negative epochs",
        line("train: {epochs: -1}"),
        "my.yaml:2:17: train.epochs: expected a number above 0 and at most 1000, found -1.",
    ),
    (
        "fractional batch",
        line("train: {batch_size: 1.5}"),
        "my.yaml:2:21: train.batch_size: expected a whole number at least 1 and at most 65536,"
        " found 1.5.",
    ),
    (
        "quoted number",
        line("train: {epochs: '3'}"),
        "my.yaml:2:17: train.epochs: expected a number above 0 and at most 1000, found '3'.",
    ),
    (
        "unknown choice",
        line("train: {selection: best}"),
        "my.yaml:2:20: train.selection: expected one of source-dev, last, average-3 (or another"
        " number), found 'best'.",
    ),
    (
        "negative seed",
        line("seeds: [0, -1]"),
        "my.yaml:2:12: seeds[1]: expected a whole number at least 0 and at most 4294967295,"
        " found -1.",
    ),
    (
        "duplicate seed",
        line("seeds: [3, 3]"),
        "my.yaml:2:12: seeds[1]: expected each of the seeds once, found 3 again (line 2).",
    ),
    (
        "unknown task",
        "targets: [udpo]\n",
        "my.yaml:1:11: targets[0]: expected the name of a task, found 'udpo'. Did you mean 'udpos'?"
        " `waystation tasks` lists them; a task of your own is written file.py:NAME.",
    ),
    (
        "not a task",
        "targets: [mytasks.py:NOT_A_TASK]\n",
        "my.yaml:1:11: targets[0]: expected 'mytasks.py:NOT_A_TASK' to name a waystation.Task,"
        " found int; that file defines NLI, TOPIC, CHOICE, TAGS, XNLI, ORPHAN, PAIRS.",
    ),
    (
        "impossible language",
        f"targets: [{{task: {TAGS}, languages: [de, fi]}}]\n",
        "my.yaml:1:51: targets[0].languages[1]: expected a language of tags (en, de, sw),"
        " found 'fi'.",
    ),
    (
        "no language at all",
        f"targets: [{{task: {TAGS}, languages: [German]}}]\n",
        "my.yaml:1:47: targets[0].languages[0]: expected a BCP 47 language tag such as 'de', 'sw'"
        " or 'zh-Hant', found 'German'. Did you mean 'de' (German)? A language that the table"
        " lacks is written 'x-NAME'.",
    ),
    (
        "languages as a word",
        f"targets: [{{task: {TAGS}, languages: every}}]\n",
        "my.yaml:1:46: targets[0].languages: expected all or a list of languages, found 'every'.",
    ),
    (
        "rates of another task",
        line(f"intermediate: [{{mix: [{NLI}, {TAGS}], rates: {{snli: 0.5, '{NLI}': 0.5}}}}]"),
        "my.yaml:2:65: intermediate[0].rates.snli: expected one of mytasks.py:NLI,"
        " mytasks.py:TAGS, found 'snli'.",
    ),
    (
        "duplicate language",
        f"targets: [{{task: {TAGS}, languages: [de, de]}}]\n",
        "my.yaml:1:51: targets[0].languages[1]: expected each of the languages once,"
        " found 'de' again (line 1).",
    ),
    (
        "impossible split",
        f"targets: [{{task: {TAGS}, split: tests}}]\n",
        "my.yaml:1:42: targets[0].split: expected a split of tags (train, test), found 'tests'."
        " Did you mean 'test'?",
    ),
    (
        "split twice",
        f"targets: [{{task: {TAGS}, split: test+test}}]\n",
        "my.yaml:1:42: targets[0].split: expected each split once, found 'test+test'.",
    ),
    (
        "no training split",
        line(f"intermediate: [{XNLI}]"),
        "my.yaml:2:16: intermediate[0]: expected a task with a split 'train', found 'xl'."
        " To train on it, train on nli instead, or give `split:`, one of dev, test.",
    ),
    (
        "retrieval stop",
        line("intermediate: [mytasks.py:PAIRS]"),
        "my.yaml:2:16: intermediate[0]: expected a task with a split 'train', found 'pairs'. To"
        " train on it, give `split:`, one of test.",
    ),
    (
        "duplicate stop",
        line(f"intermediate: [{NLI}, {NLI}]"),
        "my.yaml:2:32: intermediate[1]: expected each stop once, found 'nli' again (line 2).",
    ),
    (
        "stop names clash",
        line(f"intermediate: [{NLI}, {{task: {NLI}, examples: 5}}]"),
        "my.yaml:2:32: intermediate[1]: expected a name of its own for each stop, found 'nli',"
        " also on line 2. Give one of them `name:`.",
    ),
    (
        "stop named none",
        line(f"intermediate: [{{task: {NLI}, name: none}}]"),
        "my.yaml:2:16: intermediate[0]: expected a name of its own for each stop, found 'none',"
        " the baseline's. Give one of them `name:`.",
    ),
    (
        "duplicate target",
        f"targets: [{TAGS}, {TAGS}]\n",
        "my.yaml:1:28: targets[1]: expected a name of its own for each target, found 'tags',"
        " also on line 1. Give one of them `name:`.",
    ),
    (
        "bad name",
        f"targets: [{{task: {TAGS}, name: a>b}}]\n",
        "my.yaml:1:41: targets[0].name: expected a name without spaces, slashes, # or @ or >,"
        " found 'a>b'.",
    ),
    (
        "no task",
        "targets: [{languages: [de]}]\n",
        "my.yaml:1:11: targets[0]: expected `task:` (the name of a task) or own data (`csv:`,"
        " `tsv:`, `jsonl:`, `parallel:`), found neither.",
    ),
    (
        "a training's setting outside `train:`",
        line(f"intermediate: [{{task: {NLI}, lora: {{rank: 4}}}}]"),
        "my.yaml:2:39: intermediate[0].lora: expected `adapter: {kind: lora}` under `train:`,"
        " found 'lora' here.",
    ),
    (
        "rates of an absent task",
        line(f"intermediate: [{{mix: [{NLI}, {TAGS}], rates: {{snli: 0.5, '{NLI}': 0.5}}}}]"),
        "my.yaml:2:64: intermediate[0].rates: expected a rate for each task of the mixture,"
        " found none for mytasks.py:TAGS.",
    ),
    (
        "rates that do not sum to 1",
        line(f"intermediate: [{{mix: [{NLI}, {TAGS}], rates: {{'{NLI}': 0.5, '{TAGS}': 0.1}}}}]"),
        "my.yaml:2:64: intermediate[0].rates: expected rates that sum to 1, found a sum of 0.6.",
    ),
    (
        "unknown rates",
        line(f"intermediate: [{{mix: [{NLI}, {TAGS}], rates: proportinal}}]"),
        "my.yaml:2:64: intermediate[0].rates: expected proportional, equal, {temperature: 2}, or a"
        " rate for each task, found 'proportinal'. Did you mean 'proportional'?",
    ),
    (
        "a cap without sizes",
        line(f"intermediate: [{{mix: [{NLI}, {TAGS}], rates: equal, cap: 5}}]"),
        "my.yaml:2:76: intermediate[0].cap: expected a cap only where rates follow sizes"
        " (proportional, temperature), found 5.",
    ),
    (
        "member twice",
        line(f"intermediate: [{{mix: [{NLI}, {NLI}]}}]"),
        "my.yaml:2:39: intermediate[0].mix[1]: expected each of the tasks of a mixture once,"
        " found 'mytasks.py:NLI' again (line 2).",
    ),
    (
        "layers of a tagger",
        f"targets: [{{task: {TAGS}, layers: all}}]\n",
        "my.yaml:1:43: targets[0].layers: expected `layers` on a retrieval target only, found one"
        " for 'tags' (tagging).",
    ),
    (
        "unknown pooling",
        "targets: [{task: mytasks.py:PAIRS, pooling: [max]}]\n",
        "my.yaml:1:46: targets[0].pooling[0]: expected one of mean, cls, words, found 'max'.",
    ),
    (
        "unknown option",
        f"targets: [{{task: {TAGS}, options: {{first_piece: nonempty}}}}]\n",
        "my.yaml:1:58: targets[0].options.first_piece: expected one of first, non-empty,"
        " found 'nonempty'. Did you mean 'non-empty'?",
    ),
    (
        "options of a kind without",
        f"targets: [{{task: {NLI}, options: {{first_piece: first}}}}]\n",
        "my.yaml:1:43: targets[0].options: expected no options, since a classification target has"
        " none, found a mapping with first_piece.",
    ),
    (
        "another head",
        f"targets: [{{task: {XNLI}, fine_tune: mytasks.py:TOPIC}}]\n",
        "my.yaml:1:46: targets[0].fine_tune: expected fine-tuning that ends with the head of 'xl'"
        " (classification: yes, no), found 'topic' (classification: a, b, c).",
    ),
    (
        "another kind",
        f"targets: [{{task: {TAGS}, fine_tune: [{TAGS}, {CHOICE}]}}]\n",
        "my.yaml:1:46: targets[0].fine_tune: expected fine-tuning that ends with the head of"
        " 'tags' (tagging: X), found 'choice' (choice).",
    ),
    (
        "an untrained head",
        f"targets: [{{task: {TAGS}, fine_tune: false}}]\n",
        "my.yaml:1:46: targets[0].fine_tune: expected a task to fine-tune on, since a tagging"
        " target needs a trained head, found false.",
    ),
    (
        "fine-tuned retrieval",
        "targets: [{task: mytasks.py:PAIRS, fine_tune: true}]\n",
        "my.yaml:1:11: targets[0]: expected `fine_tune:`, since 'pairs' has no split 'train', found"
        " none.",
    ),
    (
        "settings of retrieval",
        "targets: [{task: mytasks.py:PAIRS, train: {epochs: 1}}]\n",
        "my.yaml:1:11: targets[0]: expected `train` on a fine-tuned target only, found one"
        " for 'pairs' (bitext).",
    ),
    (
        "nothing to fine-tune on",
        "targets: [mytasks.py:ORPHAN]\n",
        "my.yaml:1:11: targets[0]: expected `fine_tune:`, since 'orphan' has no split 'train',"
        " found none.",
    ),
    (
        "overrides of an unknown task",
        line("overrides: {sqad-v1: {epochs: 1}}"),
        "my.yaml:2:22: overrides.sqad-v1: expected the name of a task, found 'sqad-v1'. Did you"
        " mean 'squad-v1'? `waystation tasks` lists them; a task of your own is written"
        " file.py:NAME.",
    ),
    (
        "overrides as a list",
        line("overrides: [a]"),
        "my.yaml:2:12: overrides: expected a mapping from task names to settings,"
        " found a list of 1.",
    ),
    (
        "unknown precision",
        line("numerics: {precision: fp16}"),
        "my.yaml:2:23: numerics.precision: expected one of auto, fp32, bf16, found 'fp16'.",
    ),
    (
        "threads",
        line("numerics: {threads: 0}"),
        "my.yaml:2:21: numerics.threads: expected a whole number at least 1 and at most 1024 or"
        " one of auto, found 0.",
    ),
    (
        "jobs",
        line("resources: {jobs: many}"),
        "my.yaml:2:19: resources.jobs: expected a whole number at least 1 and at most 1024,"
        " found 'many'.",
    ),
    (
        "unknown model",
        line("backbones: [multilingual-e5-smal]"),
        "my.yaml:2:13: backbones[0]: expected a packaged model, a folder, or a hub id written"
        " owner/name (packaged: {packaged}), found 'multilingual-e5-smal'. Did you mean"
        " 'multilingual-e5-small'?",
    ),
]


@pytest.mark.parametrize(("text", "expected"), [f[1:] for f in FAULTS], ids=[f[0] for f in FAULTS])
def test_fault(write: Write, text: str, expected: str) -> None:
    from waystation.packaged import PACKAGED

    found = faults(write, text)
    assert expected.replace("{packaged}", ", ".join(PACKAGED)) in found


def test_all_faults_are_reported_together_in_the_files_order(write: Write) -> None:
    found = faults(
        write,
        f"""\
        name: my study
        seeds: [0, -1, 0]
        intermediate: [snil, {{mix: []}}]
        targets:
          - {{task: {TAGS}, languages: [], layers: all}}
          - udpo
        train: {{epochs: 0, warmup: 3}}
        """,
    )
    places = [fault.split(": ")[:2] for fault in found]
    assert places == [
        ["my.yaml:1:7", "name"],
        ["my.yaml:2:12", "seeds[1]"],
        ["my.yaml:2:16", "seeds[2]"],
        ["my.yaml:3:16", "intermediate[0]"],
        ["my.yaml:3:28", "intermediate[1].mix"],
        ["my.yaml:5:40", "targets[0].languages"],
        ["my.yaml:5:52", "targets[0].layers"],
        ["my.yaml:6:5", "targets[1]"],
        ["my.yaml:7:17", "train.epochs"],
        ["my.yaml:7:28", "train.warmup"],
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "targets: [a\nname: b\n",
            "my.yaml:2:5: expected YAML, found a syntax error: while parsing a flow sequence,"
            " expected ',' or ']', but got ':'.",
        ),
        (
            "a: 1\n\tb: 2\n",
            "my.yaml:2:1: expected YAML, found a syntax error: while scanning for the next token,"
            " found character '\\t' that cannot start any token.",
        ),
        (
            "targets: *nowhere\n",
            "my.yaml:1:10: expected YAML, found a syntax error: found undefined alias 'nowhere'.",
        ),
        ("", "my.yaml:1:1: expected a study (a mapping with `targets:`), found nothing."),
        ("- a\n", "my.yaml:1:1: expected a study (a mapping with `targets:`), found a list."),
        ("hello\n", "my.yaml:1:1: expected a study (a mapping with `targets:`), found a text."),
    ],
)
def test_what_is_no_study_at_all(write: Write, text: str, expected: str) -> None:
    assert faults(write, text) == [expected]


def test_not_utf_8(write: Write) -> None:
    path = write("")
    path.write_bytes(b"name: a\nname: \xff\n")
    with pytest.raises(StudyFaults) as caught:
        load_study(path)
    assert str(caught.value) == (
        f"{path}:2: expected UTF-8 text, found other bytes; save the file as UTF-8."
    )


def test_no_file(tmp_path: Path) -> None:
    path = tmp_path / "absent.yaml"
    with pytest.raises(UserError) as caught:
        load_study(path)
    assert str(caught.value) == (
        f"expected a study file at {path}, found none; `waystation init {path}` writes one."
    )


def test_a_folder_instead_of_a_file(tmp_path: Path) -> None:
    with pytest.raises(UserError) as caught:
        load_study(tmp_path)
    assert str(caught.value) == f"expected a study file at {tmp_path}, found Is a directory."


def test_a_user_file_that_fails(write: Write, tmp_path: Path) -> None:
    (tmp_path / "broken.py").write_text("import nowhere_to_be_found\n")
    assert faults(write, "targets: [broken.py:X]\n") == [
        f"my.yaml:1:11: targets[0]: {tmp_path}/broken.py: expected a Python file that can be"
        " imported, found ModuleNotFoundError: No module named 'nowhere_to_be_found'; correct the"
        " file."
    ]


def test_a_bom_and_crlf_are_read(write: Write) -> None:
    path = write("")
    path.write_bytes(b"\xef\xbb\xbfname: x\r\n" + MINIMAL.encode())
    assert load_study(path).name == "x"


def test_a_folder_beside_the_study_is_a_backbone(write: Write, tmp_path: Path) -> None:
    (tmp_path / "model").mkdir()
    study = load_study(write(f"backbones: [model, someone/model-7b]\n{MINIMAL}"))
    assert study.backbones == ("model", "someone/model-7b")


def test_the_types_are_frozen_and_closed() -> None:
    values: dict[str, Any] = {"task": "a", "examples": 0}
    with pytest.raises(ValueError, match="greater than or equal to 1"):
        TaskUse(**values)
    with pytest.raises(ValueError, match="Extra inputs"):
        TaskUse.model_validate({"task": "a", "unknown": 1})
    with pytest.raises(ValueError, match="frozen"):
        TaskUse(task="a").task = "b"  # type: ignore[misc]
