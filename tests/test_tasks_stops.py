"""HellaSwag, CCG and ANLI+: their formats, what their files may have wrong, the paper's grid."""

from __future__ import annotations

import bz2
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

import miniatures
from official import ABSENT, DATA
from tiny import tiny_encoder
from waystation import sources
from waystation.errors import DataError, StudyFaults, UserError
from waystation.examples import digest
from waystation.plan import plan
from waystation.resolve import resolve
from waystation.settings import TrainConfig
from waystation.store import Store
from waystation.study import Stage, Stop, TaskUse, load_study
from waystation.task import MIXTURES, get
from waystation.tasks.ccg import CATEGORIES, UNKNOWN

ROOT = Path(__file__).parents[1]


def put(folder: Path, name: str, *rows: object) -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = [row if isinstance(row, str) else json.dumps(row) for row in rows]
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return path


def load(folder: Path, name: str, split: str) -> tuple[Any, ...]:
    return sources.load(get(name), folder, "en", split).examples


def refused(folder: Path, name: str, split: str) -> str:
    with pytest.raises(DataError) as caught:
        load(folder, name, split)
    return str(caught.value)


# HellaSwag


def item(**fields: object) -> dict[str, object]:
    return {
        "ind": 24,
        "activity_label": "Roof repair",
        "ctx_a": "A man sits.",
        "ctx_b": "he",
        "ctx": "A man sits. he",
        "endings": ["sleeps.", "sings.", "swims.", "starts."],
        "source_id": "activitynet~v_1",
        "split": "val",
        "split_type": "indomain",
        "label": 3,
    } | fields


def test_hellaswag(tmp_path: Path) -> None:
    put(tmp_path, "hellaswag/hellaswag_val.jsonl", item(), item(ctx="It runs. it", label=0))
    first, second = load(tmp_path, "hellaswag", "dev")
    assert first.context == "Roof repair: A man sits. he"
    assert (first.options[3], first.label) == ("starts.", 3)
    assert (first.id, second.id) == ("1", "2")
    assert first.group == second.group == "activitynet~v_1"
    hidden = {key: value for key, value in item().items() if key != "label"}
    put(tmp_path, "hellaswag/hellaswag_test.jsonl", hidden)
    assert load(tmp_path, "hellaswag", "test")[0].label is None


def test_hellaswag_faults(tmp_path: Path) -> None:
    name = "hellaswag/hellaswag_val.jsonl"
    path = put(tmp_path, name, item(), item(label=4))
    message = refused(tmp_path, "hellaswag", "dev")
    assert message.startswith(f"{path}:2: expected 'label' to be one of '0', '1', '2', '3'")
    put(tmp_path, name, item(endings=["a", "b", ""]))
    found = 'expected four texts in \'endings\', found ["a", "b", ""]'
    assert found in refused(tmp_path, "hellaswag", "dev")
    put(tmp_path, name, {key: value for key, value in item().items() if key != "label"})
    assert "expected the field 'label'" in refused(tmp_path, "hellaswag", "dev")


def test_hellaswag_as_text(tmp_path: Path) -> None:
    name = "hellaswag/hellaswag_val_full.txt"
    rows = ("Roof repair: A man sits. he", "3", "sleeps.", "sings.", "swims.", "starts.")
    path = put(tmp_path, name, *rows)
    (example,) = load(tmp_path, "hellaswag", "dev")
    assert (example.id, example.group) == ("1", digest("Roof repair")[:12])
    compressed = path.with_suffix(".txt.bz2")
    compressed.write_bytes(bz2.compress(path.read_bytes()))
    path.unlink()
    assert load(tmp_path, "hellaswag", "dev") == (example,)
    # The official file says the same but for the group, and comes first.
    put(tmp_path, "hellaswag/hellaswag_val.jsonl", item())
    (official,) = load(tmp_path, "hellaswag", "dev")
    same = ("id", "context", "options", "label")
    assert [getattr(official, key) for key in same] == [getattr(example, key) for key in same]


def test_hellaswag_text_faults(tmp_path: Path) -> None:
    name = "hellaswag/hellaswag_val_full.txt"
    put(tmp_path, name, "A: b", "3", "c", "d", "e")
    message = "expected six lines for each item, found 5 in all"
    assert message in refused(tmp_path, "hellaswag", "dev")
    path = put(tmp_path, name, "A: b", "4", "c", "d", "e", "f")
    assert f"{path}:2: expected the label to be one of" in refused(tmp_path, "hellaswag", "dev")
    put(tmp_path, name, "A b", "3", "c", "d", "e", "f")
    assert f"{path}:1: expected `activity: context`" in refused(tmp_path, "hellaswag", "dev")


@pytest.mark.data
@pytest.mark.skipif(not (DATA / "hellaswag").is_dir(), reason=ABSENT)
def test_hellaswag_on_its_published_text() -> None:
    examples = load(DATA, "hellaswag", "dev")
    assert len(examples) == 10_042
    assert len({e.group for e in examples}) == 192


# CCG


def leaf(category: str, word: str) -> str:
    return f"(<L {category} X X {word} {category}>)"


SENTENCE = ((r"N", "Ann"), (r"S[dcl]\NP", "sleeps"), (".", "."))
NAMES = ("ID=wsj_{s}01.1 PARSER=GOLD NUMPARSE=1", "ID=wsj_{s}01.2 PARSER=GOLD NUMPARSE=1")


def section(folder: Path, number: int, *sentences: Iterable[tuple[str, str]]) -> Path:
    rows = []
    for name, sentence in zip(NAMES, sentences, strict=False):
        leaves = " ".join(leaf(category, word) for category, word in sentence)
        rows += [name.replace("{s}", f"{number:02}"), f"(<T S[dcl] 0 2> {leaves} )"]
    name = f"ccgbank_1_1/data/AUTO/{number:02}/wsj_{number:02}01.auto"
    return put(folder, name, *rows)


def test_the_labels_are_the_425_frequent_categories_and_unknown() -> None:
    assert len(CATEGORIES) == len({*CATEGORIES}) == 425
    assert CATEGORIES[:3] == ("N", "N/N", "NP[nb]/N")
    assert get("ccg").labels == (*CATEGORIES, UNKNOWN)


def test_derivations(tmp_path: Path) -> None:
    rare = (*SENTENCE, *SENTENCE, (r"((N/N)/N)/N", "odd"))
    section(tmp_path, 0, SENTENCE, rare)
    first, second = load(tmp_path, "ccg", "dev")
    assert (first.id, first.group) == ("wsj_0001.1", "wsj_0001")
    assert first.words == ("Ann", "sleeps", ".")
    assert first.tags == ("N", r"S[dcl]\NP", ".")
    assert second.tags[-1] == UNKNOWN


def test_training_is_sections_02_to_21(tmp_path: Path) -> None:
    for number in range(24):
        section(tmp_path, number, SENTENCE)
    found = [example.id for example in load(tmp_path, "ccg", "train")]
    assert found == [f"wsj_{number:02}01.1" for number in range(2, 22)]
    assert [e.id for e in load(tmp_path, "ccg", "test")] == ["wsj_2301.1"]
    (tmp_path / "ccgbank_1_1/data/AUTO/13/wsj_1301.auto").unlink()
    message = "expected sections 02 to 21 of CCGbank, found none of 13; copy the folder AUTO whole"
    assert message in refused(tmp_path, "ccg", "train")


def test_tagged_text(tmp_path: Path) -> None:
    rows = ("# this file was generated", "", r"Ann|NNP|N sleeps|VBZ|S[dcl]\NP .|.|.", "a|b|NN|N")
    put(tmp_path, "ccg/dev.stagged", *rows)
    first, second = load(tmp_path, "ccg", "dev")
    assert (first.id, first.tags) == ("1", ("N", r"S[dcl]\NP", "."))
    assert (second.words, second.group) == (("a|b",), None)
    put(tmp_path, "ccg/wsj02-21.stagged", *rows)
    assert load(tmp_path, "ccg", "train") == (first, second)


def test_ccg_faults(tmp_path: Path) -> None:
    path = put(tmp_path, "ccg/dev.stagged", "Ann|NNP|N", "sleeps|VBZ")
    message = refused(tmp_path, "ccg", "dev")
    assert message.startswith(f"{path}:2: expected word|pos|category between spaces, found 'sleeps")
    put(tmp_path, "ccg/dev.stagged", "Ann|NNP|N_1")
    message = r"expected a category such as N/N or (S[dcl]\NP)/NP, found 'N_1'"
    assert message in refused(tmp_path, "ccg", "dev")
    put(tmp_path, "ccg/dev.stagged", "Ann|NNP|NPX is|VBZ|VB here|RB|N")
    message = "expected CCGbank's categories, found 2 of 3 words with others"
    assert message in refused(tmp_path, "ccg", "dev")
    path = section(tmp_path, 0, SENTENCE)
    path.write_text(path.read_text().replace("X X Ann", "X Ann"))
    message = refused(tmp_path, "ccg", "dev")
    assert message.startswith(f"{path}:2: expected a line `ID=...`, then a derivation with leaves")


def test_a_missing_ccgbank_is_said_to_be_licensed(tmp_path: Path) -> None:
    with pytest.raises(UserError) as caught:
        load(tmp_path, "ccg", "dev")
    message = str(caught.value)
    assert "found none of: ccgbank_1_1/data/AUTO/00/*.auto; or ccg/AUTO/00/*.auto; or" in message
    assert message.endswith(
        "(official release: LDC2005T13, to be ordered under licence from the Linguistic Data"
        " Consortium, https://catalog.ldc.upenn.edu/LDC2005T13)."
    )


# ANLI+


def stops(folder: Path, entries: str) -> tuple[Stop, ...]:
    path = folder / "s.yaml"
    path.write_text(f"intermediate: [{entries}]\ntargets: [udpos]\n")
    return load_study(path).intermediate[1:]


MEMBERS = tuple(TaskUse(task=name) for name in MIXTURES["anli-plus"])


def test_a_mixture_known_by_name(tmp_path: Path) -> None:
    assert stops(tmp_path, "anli-plus") == (
        Stop(name="anli-plus", stages=(Stage(members=MEMBERS),)),
    )
    assert stops(tmp_path, "{mix: [snli, mnli, anli]}") == stops(tmp_path, "anli-plus")
    (named,) = stops(tmp_path, "{task: anli-plus, name: x, train: {epochs: 1}}")
    assert named == Stop(name="x", stages=(Stage(members=MEMBERS, train={"epochs": 1}),))
    (mixed,) = stops(tmp_path, "{mix: [anli-plus, qqp]}")
    assert mixed.stages == (Stage(members=(*MEMBERS, TaskUse(task="qqp"))),)
    (chained,) = stops(tmp_path, "[anli-plus, qqp]")
    assert chained.name == "anli-plus>qqp"


def test_a_named_mixture_is_no_task(tmp_path: Path) -> None:
    sentence = (
        "expected the name of one task, found 'anli-plus', which is a mixture of snli, mnli, anli;"
        " name one of them, or use it as a stop or in a `mix:`."
    )
    with pytest.raises(UserError) as caught:
        get("anli-plus")
    assert str(caught.value) == sentence
    with pytest.raises(UserError, match="Did you mean 'anli-plus'"):
        get("anli-pluss")
    with pytest.raises(StudyFaults, match="each of the tasks of a mixture once, found 'mnli'"):
        stops(tmp_path, "{mix: [anli-plus, mnli]}")


# The paper's grid

SETTINGS = {
    # learning rate, epochs, batch, tokens: jiant's scripts, XTREME's seven trained targets
    "xnli": (1e-5, 2, 32, 256),
    "pawsx": (1e-5, 5, 32, 256),
    "udpos": (1e-5, 10, 32, 256),
    "panx": (1e-5, 10, 32, 256),
    "xquad": (1e-5, 2, 16, 384),
    "mlqa": (1e-5, 2, 16, 384),
    "tydiqa": (1e-5, 2, 16, 384),
}
NINE = {
    "anli-plus", "mnli", "qqp", "squad-v2", "squad-v1", "hellaswag", "ccg", "cosmosqa",
    "commonsenseqa",
}  # fmt: skip


def _settings(config: TrainConfig) -> tuple[float, float, int, int]:
    return config.learning_rate, config.epochs, config.batch_size, config.max_tokens


def test_the_grid_has_the_papers_stops_and_settings() -> None:
    study = load_study(ROOT / "studies/stilts.yaml")
    assert {stop.name for stop in study.intermediate} == {"none", *NINE, "multi-task"}
    for target in study.targets:
        if target.name in SETTINGS:
            (source,) = get(target.task).train or (target.task,)
            stage = Stage(members=(TaskUse(task=source),))
            assert _settings(study.config_for(stage, target)) == SETTINGS[target.name]
    for stop in study.intermediate[1:]:
        config = study.config_for(stop.stages[0])
        assert (config.learning_rate, config.warmup) == (1e-5, 0.1)


def test_the_grid_is_planned_on_miniature_files(tmp_path: Path) -> None:
    tiny_encoder(tmp_path / "tiny")
    data = miniatures.write(tmp_path / "data", ["en", "de"])
    path = tmp_path / "stilts.yaml"
    text = (ROOT / "studies/stilts.yaml").read_text()
    for before, after in (
        ("FacebookAI/xlm-roberta-large", "tiny"),
        ("seeds: [0, 1, 2]", "seeds: [0]"),
        ("layers: [14, 20, 24]", "layers: [1, 2], languages: [en, de]"),
    ):
        assert before in text
        text = text.replace(before, after)
    path.write_text(text)
    found = plan(resolve(load_study(path), Store.open(tmp_path / "store"), data=data))
    labels = [step.label for step in found.steps.values() if step.kind == "train"]
    # MNLI is XNLI's own fine-tuning and SQuAD v1.1 XQuAD's and MLQA's: those stops are these steps.
    own = {name for name in (*NINE, "multi-task") if f"train {name}@0" in labels}
    assert own == {*NINE, "multi-task"} - {"mnli", "squad-v1"}
    assert len(labels) == 8 + 11 * 6
    assert {route.stop for route in found.routes} == {"none", *NINE, "multi-task"}


def test_long_label_sets_are_cut_in_messages(tmp_path: Path) -> None:
    path = tmp_path / "s.yaml"
    path.write_text("targets: [{task: ccg, fine_tune: udpos}]\n")
    with pytest.raises(StudyFaults) as caught:
        load_study(path)
    message = str(caught.value)
    assert "the head of 'ccg' (tagging: N, N/N, NP[nb]/N, ," in message
    assert "S[dcl]\\NP)/S[dcl] and 402 more), found 'udpos' (tagging: ADJ" in message
