"""Stops and fine-tuning on machine translation: from the study file to the report, and the faults.

The translator is wordmap.py's, which writes every English word backwards.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from miniature import write

import tiny
import wordmap
from waystation import explain
from waystation.errors import LockMismatch, StudyFaults, UserError
from waystation.examples import ClassificationExample, SpanExample
from waystation.export import export
from waystation.pocket.tasks import examples
from waystation.run import Options, Outcome, prepare, run_study
from waystation.study import Stage, Translate, load_study
from waystation.translations import counts, examples_of

STUDY = """\
name: miniature
backbones: [model]
seeds: [0]
intermediate:
  - {task: pocket-nli, examples: 24, translate: {to: de, with: translator, max_tokens: 64}}
  - {mix: [{task: pocket-nli, examples: 24,
            translate: {to: de, with: translator, max_tokens: 64}},
           {task: pocket-qa, examples: 16,
            translate: {to: de, with: translator, max_tokens: 64}}],
     name: both}
targets:
  - {task: pocket-nli, languages: [de], examples: 12, name: there,
     fine_tune: {task: pocket-nli, examples: 24,
                 translate: {to: de, with: translator, max_tokens: 64}}}
  - {task: pocket-topic, languages: [en], examples: 8,
     fine_tune: {task: pocket-topic, examples: 16}}
train: {learning_rate: 1e-3, epochs: 1, batch_size: 8, max_tokens: 128, dev_examples: 8}
numerics: {precision: fp32, threads: 1}
"""


def translator(folder: Path, **settings: str) -> Path:
    """A model that knows the pocket's words, and writes them backwards."""
    texts: list[str] = []
    for name in ("pocket-nli", "pocket-qa"):
        for split in ("train", "dev"):
            for e in examples(name, "en", split, range(800)):
                span = isinstance(e, SpanExample)
                texts += [e.question, e.context] if span else [e.text, e.pair]
    words = dict.fromkeys(w for text in texts for w in re.findall(r"\w+|[^\w\s]", text))
    backwards = {w: w[::-1] for w in words}
    return wordmap.word_translator(folder, backwards | {"[": "[", "]": "]"}, **settings)


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("study")
    translator(folder / "translator", source_lang="en", target_lang="de")
    return write(folder, STUDY)


@pytest.fixture(scope="module")
def ran(study: Path, tmp_path_factory: pytest.TempPathFactory) -> Outcome:
    return run_study(study, Options(store=tmp_path_factory.mktemp("store")))


def by_label(outcome: Outcome) -> dict[str, Any]:
    return {step.label: step for step in outcome.prepared.plan.steps.values()}


def test_stops_are_named_after_their_language(study: Path) -> None:
    read = load_study(study)
    assert [s.name for s in read.intermediate] == ["none", "pocket-nli.de-mt", "both"]
    use = read.intermediate[1].stages[0].members[0]
    assert use.language == "en"
    assert use.translate == Translate(to="de", model="translator", beams=1, max_tokens=64)


def test_translations_are_steps_that_trainings_read(ran: Outcome) -> None:
    assert ran.count("failed") == 0, ran.finished
    steps = by_label(ran)
    labels = [label for label in steps if label.startswith("translate")]
    # one for the stop, the mixture and the target alike
    assert labels == [
        "translate pocket-nli en-de",
        "translate pocket-nli en-de (dev)",
        "translate pocket-qa en-de",
        "translate pocket-qa en-de (dev)",
    ]
    # the target's training without a stop is the stop itself
    (train,) = (
        s
        for s in steps.values()
        if s.kind == "train" and list(s.inputs) == [steps[labels[0]].key, steps[labels[1]].key]
    )
    (member,) = train.spec["members"]
    assert member["language"] == "de"
    assert [member["data"], member["dev"]] == [steps[label].key for label in labels[:2]]
    assert set(train.inputs) >= {member["data"], member["dev"]}
    for moved, own in _moved(ran, labels[0], ClassificationExample):
        assert moved.label == own.label
        assert moved.id == own.id
        assert _words(moved.text) == [w[::-1] for w in _words(own.text)]
        assert _words(moved.pair) == [w[::-1] for w in _words(own.pair)]


def _moved(ran: Outcome, label: str, example: type) -> list[tuple[Any, Any]]:
    """Translated examples, each with what it was."""
    store, step = ran.prepared.store, by_label(ran)[label]
    own: list[Any] = store.data(str(step.spec["data"]), example)
    return list(zip(examples_of(store, step.key, example), own, strict=True))


def _words(text: str) -> list[str]:
    return re.findall(r"\w+", text)


def test_answers_are_moved_and_counted(ran: Outcome) -> None:
    key = by_label(ran)["translate pocket-qa en-de"].key
    found = counts(ran.prepared.store, key)
    assert found is not None
    assert found["answers"] == {"markers": 16}
    for moved, own in _moved(ran, "translate pocket-qa en-de", SpanExample):
        (answer,) = moved.answers
        assert moved.context[answer.start :].startswith(answer.text)
        assert _words(answer.text) == [w[::-1] for w in _words(own.answers[0].text)]


def test_the_target_is_in_the_language_that_it_trains_on(ran: Outcome) -> None:
    assert ran.results.source_language == {"there": "de", "pocket-topic": "en"}


def test_the_report_says_by_which_model_and_what_was_lost(ran: Outcome) -> None:
    said = [w for w in ran.results.warnings if "machine translation" in w]
    assert said[0] == (
        "translate pocket-nli en-de: machine translation by translator; 0 of 24 examples lost."
    )
    assert said[2] == (
        "translate pocket-qa en-de: machine translation by translator; 0 of 16 examples lost;"
        " answers: 16 by marks."
    )
    assert "translator translator" in ran.results.provenance
    assert {s.kind for s in ran.results.steps} >= {"translate"}


def test_plan_and_why_know_the_step(ran: Outcome, study: Path) -> None:
    again = prepare(study, Options(store=ran.prepared.store.root))
    plan = explain.summary(again)
    assert plan["steps"]["translate"] == {"total": 4, "finished": 4, "to_run": 0}  # type: ignore[index,call-overload]
    assert plan["translated"] == [w for w in ran.results.warnings if "machine tr" in w]
    step = explain.why(again, by_label(ran)["translate pocket-qa en-de"].key)
    assert step["spec"]["from"] == "en"  # type: ignore[index,call-overload]
    assert step["result"]["kept"] == 16  # type: ignore[index,call-overload]
    assert again.missing == []


def test_what_plan_prints_as_json_has_its_schema(ran: Outcome, study: Path) -> None:
    schemas = Path(__file__).parents[2] / "docs/reference/json"
    again = prepare(study, Options(store=ran.prepared.store.root))
    key = by_label(ran)["translate pocket-qa en-de"].key
    for name, shown in (("plan", explain.summary(again)), ("plan-why", explain.why(again, key))):
        jsonschema.validate(shown, json.loads((schemas / f"{name}.json").read_text()))


def test_model_cards_say_what_was_translated_and_by_which_model(
    ran: Outcome, tmp_path: Path
) -> None:
    export("miniature#pocket-nli.de-mt>there@0", tmp_path / "out", ran.prepared.store)
    card = (tmp_path / "out" / "README.md").read_text()
    assert "24 (de), machine translation from en by translator" in card
    assert "| translation | translator |  | see the model's own card |  |" in card


def test_before_anything_ran_there_is_an_estimate(study: Path, tmp_path: Path) -> None:
    plan = explain.summary(prepare(study, Options(store=tmp_path)))
    assert plan["translated"] == []
    assert plan["steps"]["translate"]["to_run"] == 4  # type: ignore[index,call-overload]


def test_translators_are_pinned(ran: Outcome, study: Path) -> None:
    lock = json.loads(study.with_suffix(".lock").read_text())
    assert lock["translators"]["translator"]["origin"] == "folder"
    config = study.parent / "translator" / "generation_config.json"
    before = config.read_text()
    config.write_text(before.replace("{", '{"length_penalty": 0.5,', 1))
    try:
        with pytest.raises(LockMismatch, match="translator translator: other files"):
            prepare(study, Options(store=ran.prepared.store.root))
    finally:
        config.write_text(before)


def test_a_limit_has_translations_of_its_own(study: Path, tmp_path: Path) -> None:
    prepared = prepare(study, Options(store=tmp_path, limit=4))
    sizes = {
        s.label: prepared.lock["data"][s.context["entry"]]["count"]  # type: ignore[index,call-overload]
        for s in prepared.plan.steps.values()
        if s.kind == "translate"
    }
    assert set(sizes.values()) == {4}


def one(text: str) -> str:
    return (
        f"intermediate: [{text}]\ntargets: [pocket-topic]\nbackbones: [model]\n"
        "numerics: {precision: fp32, threads: 1}\n"
    )


def faults(folder: Path, text: str) -> str:
    path = write(folder, one(text))
    with pytest.raises(StudyFaults) as caught:
        load_study(path)
    (fault,) = caught.value.faults
    return fault.partition(": ")[2]


USE = "{task: pocket-nli, translate: "


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "{task: pocket-pos, translate: {to: de, with: model}}",
            "expected a task that can be translated by sentence, since the words of a translation"
            " would not line up with its tags, found 'pocket-pos' (tagging).",
        ),
        (
            "{task: pocket-bitext, translate: {to: de, with: model}}",
            "expected a task that can be translated by sentence, since it is parallel text"
            " already, found 'pocket-bitext' (bitext).",
        ),
        (USE + "de}", "expected a mapping, found 'de'."),
        (
            USE + "{to: de}}",
            "expected `to:` (a language) and `with:` (a translation model), found no `with:`.",
        ),
        (
            USE + "{to: en, with: model}}",
            "expected another language than that of the examples (en), found 'en'.",
        ),
        (
            USE + "{to: german, with: model}}",
            "expected a BCP 47 language tag such as 'de', 'sw' or 'zh-Hant', found 'german'. Did"
            " you mean 'de' (German)? A language that the table lacks is written 'x-NAME'.",
        ),
        (
            USE + "{to: de, with: model, beams: 0}}",
            "expected a whole number at least 1 and at most 64, found 0.",
        ),
        (
            USE + "{to: de, with: model, beam: 1}}",
            "expected one of to, with, beams, max_tokens, found 'beam'. Did you mean 'beams'?",
        ),
    ],
)
def test_fault_in_the_file(tmp_path: Path, text: str, expected: str) -> None:
    assert faults(tmp_path, text).partition(": ")[2] == expected


def test_a_folder_that_is_nowhere_is_a_fault(tmp_path: Path) -> None:
    said = faults(tmp_path, USE + "{to: de, with: nowhere}}")
    assert "expected a packaged model, a folder, or a hub id written owner/name" in said


@pytest.mark.parametrize(
    ("translate", "expected"),
    [
        (
            "{to: fr, with: translator, max_tokens: 64}",
            "expected target language 'fr' (French) among those of the translation model"
            " 'translator', found de; take another model.",
        ),
        (
            "{to: de, with: model}",
            "expected a translation model, which is an encoder-decoder, found 'model', a mere"
            " encoder; take one such as facebook/nllb-200-distilled-600M.",
        ),
        (
            "{to: de, with: translator, max_tokens: 512}",
            "expected max_tokens of at most 64, the positions of translation model translator,"
            " found 512; lower max_tokens.",
        ),
        (
            "{to: de, with: mute}",
            "expected a translation model that says which languages it translates, found 'mute'",
        ),
    ],
)
def test_what_the_model_cannot_do_is_found_while_resolving(
    study: Path, tmp_path: Path, translate: str, expected: str
) -> None:
    if not (study.parent / "mute").exists():
        tiny.tiny_seq2seq(study.parent / "mute")
    path = study.parent / "wrong.yaml"
    path.write_text(one(USE.replace("translate", "examples: 8, translate") + translate + "}"))
    with pytest.raises(UserError) as caught:
        prepare(path, Options(store=tmp_path))
    assert expected in str(caught.value)


def test_a_named_mixture_is_translated_member_by_member(tmp_path: Path) -> None:
    translate = "translate: {to: de, with: model}"
    for text in (
        f"{{task: anli-plus, {translate}, cap: 5}}",
        f"{{mix: [{{task: anli-plus, {translate}}}], cap: 5}}",
    ):
        stop = load_study(write(tmp_path, one(text))).intermediate[1]
        assert stop.name == "snli.de-mt+mnli.de-mt+anli.de-mt"
        (stage,) = stop.stages
        assert isinstance(stage, Stage)
        assert {m.translate.to for m in stage.members if m.translate} == {"de"}
        assert stage.cap == 5
