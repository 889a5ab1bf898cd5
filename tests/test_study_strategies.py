"""Study files: probes, `like:`, shared heads and rates of a task in several languages."""

from __future__ import annotations

from pathlib import Path

import pytest

from waystation.errors import StudyFaults
from waystation.study import Probes, Study, TextUse, load_study

TARGETS = "targets: [{task: pocket-bitext, fine_tune: false}]\n"


def study(folder: Path, text: str) -> Study:
    (folder / "my.yaml").write_text(text + TARGETS)
    return load_study(folder / "my.yaml")


def faults(folder: Path, text: str) -> list[str]:
    with pytest.raises(StudyFaults) as caught:
        study(folder, text)
    return [fault.removeprefix(f"{folder}/") for fault in caught.value.faults]


def test_probes_have_defaults(tmp_path: Path) -> None:
    assert study(tmp_path, "").probes is None
    found = study(tmp_path, "probes: {languages: [de, sw]}\n").probes
    assert found == Probes(languages=("de", "sw"))
    assert (found.parallel, found.examples, found.layers) == ("pocket-bitext", 200, "all")


def test_every_field_of_probes(tmp_path: Path) -> None:
    text = (
        "probes: {text: [pocket-nli, {task: pocket-bitext, split: dev}], parallel: pocket-bitext,"
        " languages: [en, hi], examples: 50, layers: [0, 2]}\n"
    )
    assert study(tmp_path, text).probes == Probes(
        text=(TextUse(task="pocket-nli"), TextUse(task="pocket-bitext", split="dev")),
        languages=("en", "hi"),
        examples=50,
        layers=(0, 2),
    )


def test_a_chain_may_have_a_name(tmp_path: Path) -> None:
    chain = "[pocket-nli, {task: pocket-topic, train: {epochs: %d}}]"
    found = study(
        tmp_path,
        f"intermediate: [{chain % 1}, {{name: longer, chain: {chain % 2}}},"
        f" {{chain: {chain % 3}, name: longest}}]\n",
    )
    assert [stop.name for stop in found.intermediate] == [
        *("none", "pocket-nli>pocket-topic", "longer", "longest")
    ]
    assert [stop.stages[-1].train["epochs"] for stop in found.intermediate[1:]] == [1, 2, 3]


def test_a_benchmark_s_targets_may_compare_selections(tmp_path: Path) -> None:
    text = "targets: [{benchmark: xtreme, tasks: [panx, tatoeba], languages: [de], %s}]\n"
    path = tmp_path / "my.yaml"
    path.write_text(text % "selections: [oracle-dev, last]")
    found = {target.name: target.selections for target in load_study(path).targets}
    assert found == {"panx": ("oracle-dev", "last"), "tatoeba": ()}
    path.write_text(text % "selections: [first]")
    fault = "expected one of source-dev, oracle-dev, last, average-3,"
    with pytest.raises(StudyFaults, match=fault) as caught:
        load_study(path)
    assert len(caught.value.faults) == 1
    path.write_text(
        "targets: [{benchmark: xtreme, tasks: [tatoeba], languages: [de], selections: [last]}]\n"
    )
    fault = "expected `selections` beside a task that is not retrieval, found tatoeba"
    with pytest.raises(StudyFaults, match=fault):
        load_study(path)


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        (
            "intermediate: [{name: two, chain: pocket-nli}]\n",
            "my.yaml:1:35: intermediate[0].chain: expected a list of stages, found 'pocket-nli'.",
        ),
        (
            "intermediate: [{name: two, chain: [pocket-nli], train: {epochs: 1}}]\n",
            "intermediate[0].train: expected one of chain, name, found 'train'.",
        ),
        (
            "probes: {parallel: pocket-bitext}\n",
            "my.yaml:1:9: probes: expected `languages:`, a list of language tags to probe, found"
            " none.",
        ),
        ("probes: 3\n", "my.yaml:1:9: probes: expected a mapping, found 3."),
        (
            "probes: {languages: [de], parallel: pocket-nli}\n",
            "my.yaml:1:37: probes.parallel: expected a task of parallel sentences (bitext), found"
            " 'pocket-nli' (classification).",
        ),
        (
            "probes: {languages: [en]}\n",
            "my.yaml:1:21: probes.languages: expected a language beside English, which bitexts"
            " are aligned with, found a list of 1.",
        ),
        (
            "probes: {languages: [et]}\n",
            "my.yaml:1:22: probes.languages[0]: expected a language of pocket-bitext (de, es,",
        ),
        (
            "probes: {languages: [german]}\n",
            "my.yaml:1:22: probes.languages[0]: expected a BCP 47 language tag such as",
        ),
        (
            "probes: {languages: [de], texts: [pocket-nli]}\n",
            "my.yaml:1:27: probes.texts: expected one of text, parallel, languages, examples,"
            " layers, found 'texts'. Did you mean 'text'?",
        ),
        (
            "probes: {languages: [de], text: [wnut17]}\n",
            "my.yaml:1:22: probes.languages[0]: expected a language with text for language"
            " modelling (wnut17 has en), found 'de'.",
        ),
        (
            "probes: {languages: [de], examples: 0}\n",
            "my.yaml:1:37: probes.examples: expected a whole number at least 1, found 0.",
        ),
        (
            "intermediate: [{task: pocket-nli, like: wrong}]\n",
            "my.yaml:1:41: intermediate[0].like: expected the name of a stop (pocket-nli), found"
            " 'wrong'.",
        ),
        (
            "intermediate: [{task: pocket-nli, like: none}]\n",
            "my.yaml:1:41: intermediate[0].like: expected the name of a stop (pocket-nli), found"
            " 'none'.",
        ),
        (
            "intermediate: [{task: pocket-nli, like: pocket-nli}]\n",
            "my.yaml:1:41: intermediate[0].like: expected a stop whose size does not depend on"
            " this one's, found 'pocket-nli', which is as large as itself. Give one of them"
            " `examples:` instead.",
        ),
        (
            "intermediate: [{task: pocket-nli, like: b}, {task: pocket-nli, like: c, name: b},"
            " {task: pocket-topic, like: b, name: c}]\n",
            "my.yaml:1:70: intermediate[1].like: expected a stop whose size does not depend on"
            " this one's, found 'c', which is as large as itself.",
        ),
        (
            "intermediate: [{task: pocket-topic, name: t},"
            " {task: pocket-nli, like: t, examples: 9}]\n",
            "my.yaml:1:72: intermediate[1].like: expected either `examples` or `like`, found both.",
        ),
        (
            "intermediate: [{mix: [pocket-nli, pocket-topic], share_head: true}]\n",
            "my.yaml:1:62: intermediate[0].share_head: expected tasks of one kind and one label"
            " set to share a head, found 'pocket-nli' (classification: entailment, neutral,"
            " contradiction) and 'pocket-topic' (classification: ",
        ),
        (
            "intermediate: [{mix: [pocket-nli, pocket-choice], share_head: true}]\n",
            "found 'pocket-nli' (classification: entailment, neutral, contradiction) and"
            " 'pocket-choice' (choice). Leave `share_head` out: each has a head of its own then.",
        ),
        (
            "intermediate: [{mix: [pocket-nli, {task: pocket-nli, language: de}],"
            " rates: {pocket-nli: 1.0}}]\n",
            "expected one of pocket-nli.en, pocket-nli.de, found 'pocket-nli'.",
        ),
        (
            "intermediate: [{task: pocket-nli, frozen: 2}]\n",
            "intermediate[0].frozen: expected `frozen:` under `train:`, found 'frozen' here.",
        ),
        (
            "intermediate: [{task: pocket-bitext, language: de, margin: 0.3}]\n",
            "intermediate[0].margin: expected `margin:` under `options:`, found 'margin' here.",
        ),
        (
            "selections: [last]\n",
            "my.yaml:1:1: selections: expected `selections:` under a target, found 'selections'"
            " here.",
        ),
        (
            "train: {lora: {rank: 4}}\n",
            "my.yaml:1:9: train.lora: expected `adapter: {kind: lora}`, found 'lora' here.",
        ),
        (
            "train: {adapter: lora}\n",
            "my.yaml:1:18: train.adapter: expected a mapping with any of kind, rank, alpha,"
            " dropout, modules, after or null, found 'lora'.",
        ),
        (
            "train: {learning_rate: [1e-5, 1e-4]}\n",
            "my.yaml:1:24: train.learning_rate: expected a number above 0 and at most 1, found a"
            " list of 2. Several are written `learning_rates:`.",
        ),
        (
            "train: {learning_rates: 1e-4}\n",
            "my.yaml:1:25: train.learning_rates: expected a list of values, each a number above 0"
            " and at most 1, found 0.0001.",
        ),
        (
            "train: {learning_rates: [1e-5, 1e-4], learning_rate: 1e-5}\n",
            "my.yaml:1:8: train: expected either `learning_rate` or `learning_rates`, found both.",
        ),
        (
            "intermediate: [{mix: [pocket-nli, {task: pocket-nli, split: dev}],"
            " rates: {pocket-nli.en: 1.0}}]\n",
            "expected equal or proportional rates, or each task once per language, found"
            " 'pocket-nli.en' twice.",
        ),
    ],
)
def test_fault(tmp_path: Path, text: str, fault: str) -> None:
    found = faults(tmp_path, text)
    assert any(fault in one for one in found), found


def test_rates_name_languages_where_a_task_is_there_several_times(tmp_path: Path) -> None:
    text = (
        "intermediate: [{mix: [pocket-nli, {task: pocket-nli, language: de}, pocket-topic],"
        " rates: {pocket-nli.en: 0.5, pocket-nli.de: 0.3, pocket-topic: 0.2}, name: m}]\n"
    )
    (stage,) = study(tmp_path, text).intermediate[1].stages
    assert stage.rates == {"pocket-nli.en": 0.5, "pocket-nli.de": 0.3, "pocket-topic": 0.2}


def test_equal_label_sets_may_share_a_head(tmp_path: Path) -> None:
    text = "intermediate: [{mix: [pocket-nli, sick], share_head: true, name: m}]\n"
    assert study(tmp_path, text).intermediate[1].stages[0].share_head is True
