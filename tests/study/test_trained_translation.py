"""A translator that really translates, trained here, and what the translate step makes of it.

The only test of the step in which translations can be wrong: answers must arrive at the gold
answer of the same question in Spanish, with marks that the model has learned to keep and without.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from miniature import write

import trained_translator
from waystation import backbone, relocate
from waystation.examples import Answer
from waystation.pocket.tasks import examples
from waystation.run import Options, run_study
from waystation.settings import Numerics
from waystation.translate import Direction, Translation, translate
from waystation.translations import counts

pytestmark = pytest.mark.slow
COUNT = 300
STEPS = 1500


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    made = trained_translator.train(tmp_path_factory.mktemp("es"), "es", STEPS)
    torch.set_num_threads(threads)
    return made


def moved(folder: Path, task: str) -> tuple[Translation, list[Any]]:
    """The first examples in machine translation, and those that are left in the pocket's own."""
    model = backbone.load(backbone.locate(str(folder), Path.cwd()), text=True)
    direction = Direction(source="en", target="es", beams=1, max_tokens=64)
    numerics = Numerics(precision="fp32", threads=1)
    english = list(examples(task, "en", "train", range(COUNT)))
    made = translate(model, english, direction, numerics)
    own = {e.id: e for e in examples(task, "es", "train", range(COUNT))}
    return made, [own[e.id] for e in made.examples]


def right(made: Translation, own: list[Any]) -> float:
    """The share of all examples whose answer is the gold one, where it is in the context."""
    same = 0
    for found, gold in zip(made.examples, own, strict=True):
        (answer,) = found.answers
        assert found.context[answer.start :].startswith(answer.text)
        same += answer.text == gold.answers[0].text
    return same / COUNT


def test_answers_arrive_by_their_marks(folder: Path) -> None:
    made, own = moved(folder, "pocket-qa")
    assert made.counts["kept"] >= 0.97 * COUNT  # type: ignore[operator]
    assert made.counts["answers"].get("markers", 0) >= 0.8 * COUNT  # type: ignore[union-attr,operator]
    assert right(made, own) >= 0.9
    same = sum(
        found.question == gold.question for found, gold in zip(made.examples, own, strict=True)
    )
    assert same >= 0.9 * len(own)


def test_answers_arrive_without_marks(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(relocate, "marked", lambda *_: None)
    made, own = moved(folder, "pocket-qa")
    assert "markers" not in made.counts["answers"]  # type: ignore[operator]
    assert made.counts["kept"] >= 0.9 * COUNT  # type: ignore[operator]
    assert right(made, own) >= 0.85


def test_words_it_never_learned_are_mistranslated_and_every_example_is_counted(
    folder: Path,
) -> None:
    """Marks carry a wrong answer through as well as a right one: no count tells."""
    model = backbone.load(backbone.locate(str(folder), Path.cwd()), text=True)
    direction = Direction(source="en", target="es", beams=1, max_tokens=64)
    both = [e for s in ("train", "test") for e in examples("pocket-qa", "en", s, range(60))]
    made = translate(model, both, direction, Numerics(precision="fp32", threads=1))
    lost: dict[str, int] = made.counts["lost"]  # type: ignore[assignment]
    assert len(made.examples) + sum(lost.values()) == len(both)
    own = {e.id: e for e in examples("pocket-qa", "es", "test", range(60))}
    there = [e.context == own[e.id].context for e in made.examples if e.id in own]
    assert there
    assert sum(there) <= 20


def test_answers_of_words_it_never_learned_may_be_lost(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without marks: what it makes of unknown words alone is not always in their sentence."""
    monkeypatch.setattr(relocate, "marked", lambda *_: None)
    odd = []
    for number, e in enumerate(examples("pocket-qa", "en", "train", range(60))):
        (answer,) = e.answers or ()
        end, new = answer.start + len(answer.text), f"Zorblax{number} quibbled fnord"
        context = e.context[: answer.start] + new + e.context[end:]
        odd.append(replace(e, context=context, answers=(Answer(text=new, start=answer.start),)))
    model = backbone.load(backbone.locate(str(folder), Path.cwd()), text=True)
    direction = Direction(source="en", target="es", beams=1, max_tokens=64)
    made = translate(model, odd, direction, Numerics(precision="fp32", threads=1))
    lost: dict[str, int] = made.counts["lost"]  # type: ignore[assignment]
    assert lost["answer lost"] == made.counts["answers"]["lost"] > 0  # type: ignore[index,call-overload,operator]
    assert len(made.examples) + sum(lost.values()) == len(odd)


def test_pairs_are_translated_right(folder: Path) -> None:
    made, own = moved(folder, "pocket-nli")
    same = [
        (found.text, found.pair, found.label) == (gold.text, gold.pair, gold.label)
        for found, gold in zip(made.examples, own, strict=True)
    ]
    assert len(same) == COUNT
    assert sum(same) >= 0.85 * COUNT


def test_a_study_trains_on_it_and_reports_the_share_lost(folder: Path, tmp_path: Path) -> None:
    path = write(
        tmp_path,
        f"""\
name: miniature
backbones: [model]
intermediate:
  - {{task: pocket-qa, examples: 64, translate: {{to: es, with: {folder}, max_tokens: 64}}}}
targets:
  - {{task: pocket-qa, languages: [es], examples: 16, fine_tune: {{task: pocket-qa, examples: 32}}}}
train: {{learning_rate: 1e-3, epochs: 1, batch_size: 8, max_tokens: 128, dev_examples: 16}}
numerics: {{precision: fp32, threads: 1}}
""",
    )
    outcome = run_study(path, Options(store=tmp_path / "store"))
    assert outcome.count("failed") == 0, outcome.finished
    (step, _) = (s for s in outcome.prepared.plan.steps.values() if s.kind == "translate")
    found = counts(outcome.prepared.store, step.key)
    assert found is not None
    lost = found["examples"] - found["kept"]
    share = f"{lost} of 64 examples lost ({lost / 64:.1%}" if lost else "0 of 64 examples lost;"
    assert any(share in warning for warning in outcome.results.warnings)
    assert lost <= 6
