"""Examples of every kind through a real model with weights set by hand (wordmap.py)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

import wordmap
from waystation import backbone
from waystation.errors import ModelError, StepFailed
from waystation.examples import (
    Answer,
    ChoiceExample,
    ClassificationExample,
    RegressionExample,
    SpanExample,
)
from waystation.settings import Numerics
from waystation.translate import Direction, Translation, translate

ENGLISH = "the a in lives Anna Ben Berlin cat dog pet He saw . ? where does live [ ] and , nobody"
GERMAN = "der ein in wohnt Anna Ben Berlino Katze Hund Hund Er sah . ? wo tut wohnen [ ] und , …"
WORDS = dict(zip(ENGLISH.split(), GERMAN.split(), strict=True))
NUMERICS = Numerics(precision="fp32", threads=1)


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Translators that keep marks, that lose them, and that are told languages by tokens."""
    root = tmp_path_factory.mktemp("translators")
    pair = {"source_lang": "en", "target_lang": "de"}
    return {
        "keeps": wordmap.word_translator(root / "keeps", WORDS, **pair),
        "loses": wordmap.word_translator(root / "loses", WORDS | {"[": ",", "]": ","}, **pair),
        "tokens": wordmap.word_translator(root / "tokens", WORDS, ("eng_Latn", "deu_Latn")),
    }


def run(folder: Path, examples: list[Any], **settings: Any) -> Translation:
    values: dict[str, Any] = {"source": "en", "target": "de", "beams": 1, "max_tokens": 48}
    model = backbone.load(backbone.locate(str(folder), Path.cwd()), text=True)
    return translate(model, examples, Direction(**values | settings), NUMERICS)


def span(context: str, *answers: str, question: str = "where does Anna live ?") -> SpanExample:
    found = tuple(Answer(text=a, start=context.index(a)) for a in answers)
    return SpanExample(id=context, group="g", question=question, context=context, answers=found)


def test_pairs_numbers_and_labels_are_kept(folders: dict[str, Path]) -> None:
    examples = [
        ClassificationExample(id="1", group="g", text="the cat", pair="a dog.", label="no"),
        ClassificationExample(id="2", text="He saw Ben. Ben saw a cat.", label="yes"),
        RegressionExample(id="3", text="the dog", pair="the dog", value=0.5),
    ]
    made = run(folders["keeps"], examples)
    assert made.examples == [
        ClassificationExample(id="1", group="g", text="der Katze", pair="ein Hund .", label="no"),
        ClassificationExample(id="2", text="Er sah Ben . Ben sah ein Katze .", label="yes"),
        RegressionExample(id="3", text="der Hund", pair="der Hund", value=0.5),
    ]
    assert made.counts == {
        "examples": 3,
        "kept": 3,
        "lost": {},
        "answers": {},
        "sentences": 5,  # "the dog" once
        "unfinished": 0,
    }


def test_options_that_become_one_lose_the_example(folders: dict[str, Path]) -> None:
    examples = [
        ChoiceExample(id="1", context="Anna saw", options=("a cat", "a dog"), label=1),
        ChoiceExample(id="2", context="Anna saw", options=("a pet", "a dog"), label=1),
    ]
    made = run(folders["keeps"], examples)
    assert made.examples == [
        ChoiceExample(id="1", context="Anna sah", options=("ein Katze", "ein Hund"), label=1)
    ]
    assert made.counts["lost"] == {"options that became one": 1}


@pytest.mark.parametrize(("model", "way"), [("keeps", "markers"), ("loses", "exact")])
def test_answers_move_with_their_sentence(folders: dict[str, Path], model: str, way: str) -> None:
    context = "Ben lives in Berlin. Anna lives in Berlin. He saw a cat."
    second = context.index("Berlin", 20)
    example = SpanExample(
        id="1",
        question="where does Anna live ?",
        context=context,
        answers=(Answer(text="Berlin", start=second),),
    )
    made = run(folders[model], [example])
    (moved,) = made.examples
    assert moved.question == "wo tut Anna wohnen ?"
    assert moved.context == "Ben wohnt in Berlino . Anna wohnt in Berlino . Er sah ein Katze ."
    assert moved.answers == (Answer(text="Berlino", start=moved.context.index("Berlino", 20)),)
    assert made.counts["answers"] == {way: 1}


def test_several_answers_of_one_sentence(folders: dict[str, Path]) -> None:
    made = run(folders["keeps"], [span("Anna saw a cat in Berlin.", "Anna", "a cat", "Berlin")])
    (moved,) = made.examples
    assert moved.answers == (
        Answer(text="Anna", start=0),
        Answer(text="ein Katze", start=9),
        Answer(text="Berlino", start=22),
    )
    assert all(moved.context[a.start :].startswith(a.text) for a in moved.answers)
    assert made.counts["answers"] == {"markers": 1, "exact": 2}


def test_unanswerable_questions_stay_and_lost_answers_are_counted(
    folders: dict[str, Path],
) -> None:
    examples = [
        span("Anna lives in Berlin."),
        span("Anna saw nobody.", "nobody"),  # becomes "…", in which nothing can be found
        span("Anna saw nobody. Anna saw Ben.", "nobody", "Ben"),
    ]
    made = run(folders["loses"], examples)
    assert [e.answers for e in made.examples] == [(), (Answer(text="Ben", start=22),)]
    assert made.counts["lost"] == {"answer lost": 1}
    assert made.counts["answers"] == {"exact": 1, "lost": 2}


def test_what_is_too_long_is_split_or_dropped(folders: dict[str, Path]) -> None:
    long = "the cat and the dog, the cat and the dog, the cat and the dog"
    examples = [
        ClassificationExample(id="split", text=long, label="a"),
        span(f"Anna saw {long}.", long),
    ]
    made = run(folders["keeps"], examples, max_tokens=16)
    halves = "der Katze und der Hund , der Katze und der Hund , der Katze und der Hund"
    assert [e.text for e in made.examples] == [halves]
    assert made.counts["lost"] == {"too long or without an end": 1}


def test_what_does_not_end_is_dropped_even_if_its_end_is_forced(tmp_path: Path) -> None:
    """Marian and mBART write an end where generation stops: it says nothing of the sentence."""
    pair = {"source_lang": "en", "target_lang": "de"}
    folder = wordmap.word_translator(tmp_path / "endless", WORDS | {"</s>": "…"}, **pair)
    settings = folder / "generation_config.json"
    forced = json.loads(settings.read_text()) | {"forced_eos_token_id": 2}
    settings.write_text(json.dumps(forced))
    with pytest.raises(StepFailed, match=r"none left of 1 \(1 too long or without an end\)"):
        run(folder, [ClassificationExample(id="1", text="the cat", label="a")])


def test_language_tokens_begin_what_is_read_and_written(folders: dict[str, Path]) -> None:
    made = run(folders["tokens"], [ClassificationExample(id="1", text="the cat", label="a")])
    assert made.examples[0].text == "der Katze"


@pytest.mark.parametrize("beams", [1, 3])
def test_equal_inputs_give_equal_results_whatever_stands_beside(
    folders: dict[str, Path], beams: int
) -> None:
    first = ClassificationExample(id="1", text="the cat", label="a")
    others = [
        ClassificationExample(id=f"{n}", text="He saw " + "the dog and " * n + "Ben", label="a")
        for n in range(2, 7)
    ]
    alone = run(folders["keeps"], [first], beams=beams)
    together = run(folders["keeps"], [*others, first], beams=beams)
    assert together.examples[-1] == alone.examples[0]
    assert together == run(folders["keeps"], [*others, first], beams=beams)


def test_progress_counts_sentences(folders: dict[str, Path]) -> None:
    said = []
    model = backbone.load(backbone.locate(str(folders["keeps"]), Path.cwd()), text=True)
    direction = Direction(source="en", target="de", beams=1, max_tokens=48)
    examples = [ClassificationExample(id="1", text="the cat", pair="the dog", label="a")]
    translate(model, examples, direction, NUMERICS, lambda *p: said.append(p))
    assert said[-1][:2] == (2, 2)
    assert said[-1][2].endswith(" examples/s")


def test_a_language_that_the_model_lacks_is_said(folders: dict[str, Path]) -> None:
    with pytest.raises(ModelError, match=r"expected target language 'fr' \(French\)"):
        run(folders["keeps"], [span("Anna lives in Berlin.", "Berlin")], target="fr")


def test_nothing_left_fails_the_step(folders: dict[str, Path]) -> None:
    with pytest.raises(
        StepFailed,
        match=r"^expected translated examples, found none left of 1 \(1 answer lost\); raise"
        r" `max_tokens` or take a better translation model\.$",
    ):
        run(folders["loses"], [span("Anna saw nobody.", "nobody")])
