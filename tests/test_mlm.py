"""Language modelling in studies: schedules, sources of text, faults, whole small runs."""

from __future__ import annotations

import json
import textwrap
from collections import Counter
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest
from datasets import Features, Value

import tiny
from hub_server import connect, serving
from test_heads_lm import bare
from waystation import mixture
from waystation.corpora import Corpora
from waystation.entries import Entries
from waystation.errors import StudyFaults
from waystation.examples import (
    BitextExample,
    ChoiceExample,
    ClassificationExample,
    CodeExample,
    LineExample,
    QueryExample,
    RegressionExample,
    SpanExample,
    TaggingExample,
    TextExample,
    kind_of,
)
from waystation.metrics import total
from waystation.mixture import Member, Mixture
from waystation.mlm import head as spec_of
from waystation.plan import optimiser_steps, plan
from waystation.resolve import resolve
from waystation.run import Options, run_study
from waystation.store import Store
from waystation.study import TextUse, load_study
from waystation.tasks.lines import LINES, LOSS, texts

STUDY = """\
    name: text
    backbones: [model]
    intermediate:
      - none
      - {mlm: {text: [pocket-nli], languages: [de, hi], examples: 40}, train: {evaluations: 2}}
      - task: pocket-topic
        examples: 24
        mlm: {text: [pocket-nli, pocket-bitext], languages: [de, en], examples: 40}
      - mix: [{task: pocket-topic, examples: 24}, {task: pocket-nli, examples: 24}]
        mlm: {text: [pocket-nli], languages: [de], batches: mixed, share: 0.5}
        name: mixed
    targets:
      - {task: pocket-topic, languages: [de], examples: 12,
         fine_tune: {task: pocket-topic, examples: 24}}
    train: {learning_rate: 1e-3, epochs: 1, batch_size: 8, max_tokens: 64, dev_examples: 8}
    numerics: {precision: fp32, threads: 1}
"""


def write(folder: Path, text: str = STUDY) -> Path:
    path = folder / "text.yaml"
    path.write_text(textwrap.dedent(text))
    return path


def faults(folder: Path, stop: str) -> list[str]:
    """What a study with this one stop is refused with, its path left out."""
    text = STUDY.split("    intermediate:\n")
    after = text[1][text[1].index("    targets:") :]
    path = write(folder, f"{text[0]}    intermediate:\n      - {stop}\n{after}")
    with pytest.raises(StudyFaults) as caught:
        resolve(load_study(path), Store.open(folder / "store"))
    return [fault.removeprefix(str(path)) for fault in caught.value.faults]


def member(name: str, language: str | None = None) -> Member:
    return Member(
        name=name, task=LINES, head=spec_of("encoder", 0.15), examples=(), language=language
    )


def test_languages_are_smoothed_as_the_paper_has_it() -> None:
    found = mixture.smoothed([1000, 10], 0.7)
    shares = [1000 / 1010, 10 / 1010]
    whole = sum(share**0.7 for share in shares)
    assert found == pytest.approx([share**0.7 / whole for share in shares])
    assert sum(found) == pytest.approx(1)
    assert mixture.smoothed([30, 10], 1) == pytest.approx([0.75, 0.25])
    assert mixture.smoothed([30, 10], 0) == [0.5, 0.5]


def test_whole_batches_of_lines_stand_between_the_batches_of_tasks() -> None:
    tasks = (member("a"), member("b"))
    text = (member("mlm.de", "de"), member("mlm.sw", "sw"))
    sizes = [6400, 3200]
    plain = mixture.schedule(Mixture(members=tasks), sizes, 2, 32, 5)
    made = Mixture(members=tasks, text=text, share=0.25, smoothing=0.7)
    both = mixture.schedule(made, [*sizes, 900, 100], 2, 32, 5)
    assert both.steps == plain.steps + mixture.beside(plain.steps, 0.25) == 800
    own = both.drawn[0]
    # The batches of tasks are those of the training without lines, in their order.
    assert (own[own < 2] == plain.drawn[0]).all()
    assert (own >= 2).sum() == 200
    counts = Counter(own[own >= 2].tolist())
    rate = mixture.smoothed([900, 100], 0.7)[0]
    assert counts[2] / 200 == pytest.approx(rate, abs=4 * (rate * (1 - rate) / 200) ** 0.5)
    # They stand everywhere: each quarter of the training has about its share.
    for quarter in np.split(own >= 2, 4):
        assert abs(quarter.sum() - 50) < 25
    again = mixture.schedule(made, [*sizes, 900, 100], 2, 32, 5)
    assert (again.drawn == both.drawn).all()
    assert (mixture.schedule(made, [*sizes, 900, 100], 2, 32, 6).drawn != both.drawn).any()


def test_mixed_batches_hold_lines_beside_fewer_examples() -> None:
    made = Mixture(members=(member("a"),), text=(member("mlm.de", "de"),), share=0.25, mixed=True)
    found = mixture.schedule(made, [100, 50], 1, 32, 0)
    assert found.batch_sizes == [24, 8]
    assert found.steps == 5
    assert found.drawn.tolist() == [[0] * 5, [1] * 5]
    assert found.limits == [100, 40]
    assert found.weights == (0.75, 0.25)
    assert mixture.lines_of(2, 0.99) == 1
    assert mixture.lines_of(32, 0.001) == 1


def test_alone_epochs_count_lines() -> None:
    one = mixture.schedule(Mixture(members=(), text=(member("mlm.de", "de"),)), [100], 1.5, 32, 0)
    assert (one.steps, one.limits) == (5, [150])
    two = Mixture(members=(), text=(member("mlm.de", "de"), member("mlm.sw", "sw")))
    found = mixture.schedule(two, [100, 28], 2, 32, 0)
    assert found.steps == 8
    assert found.limits == [32 * int((found.drawn == i).sum()) for i in range(2)]


def test_the_loss_is_nats_per_predicted_token() -> None:
    from waystation.examples import LossPrediction

    rows = [
        LOSS.statistics(
            LossPrediction(id="a", loss=loss, tokens=n), LineExample(id="a", text=""), ""
        )
        for loss, n in ((6.0, 2), (3.0, 4))
    ]
    assert LOSS.reduce(total(np.array(rows))) == {"loss": 1.5}
    assert LOSS.of_many(np.array([[9.0, 6.0]])).tolist() == [1.5]


def test_texts_of_every_kind_leave_gold_out() -> None:
    code = CodeExample(
        id="1", prompt="p", tests="t", entry_point="f", programming_language="python"
    )
    examples: list[tuple[Any, tuple[str, ...]]] = [
        (ClassificationExample(id="1", text=" a ", pair="b", label="x"), ("a", "b")),
        (ClassificationExample(id="1", text="a", label="x"), ("a",)),
        (RegressionExample(id="1", text="a", pair=" ", value=1.0), ("a",)),
        (ChoiceExample(id="1", context="c", options=("x", "y"), label=0), ("c", "x", "y")),
        (TaggingExample(id="1", words=("a", "b"), tags=("X", "Y")), ("a b",)),
        (SpanExample(id="1", question="q", context="c", answers=()), ("c", "q")),
        (BitextExample(id="1", source="s", target="t"), ("s",)),
        (QueryExample(id="1", query="q", relevant=("a",)), ("q",)),
        (TextExample(id="1", prompt="p", completion="c"), ("p",)),
        (code, ("p",)),
        (LineExample(id="1", text="a"), ("a",)),
    ]
    for example, expected in examples:
        assert texts(example, kind_of(type(example)), "de") == expected
    assert texts(TaggingExample(id="1", words=("我", "们")), "tagging", "zh") == ("我们",)


def corpora(folder: Path, limit: int | None = None) -> Corpora:
    store = Store.open(folder / "store")
    return Corpora(Entries(store, None, limit, {}), folder)


def test_files_are_read_line_by_line_and_equal_lines_count_once(tmp_path: Path) -> None:
    (tmp_path / "text").mkdir()
    lines = [f"line {i}" for i in range(30)]
    body = "\ufeff" + "\n\n".join([*lines, "line 3", "  line 4  "]) + "\n"
    (tmp_path / "text/de.txt").write_text(body, encoding="utf-8")
    found = corpora(tmp_path)
    uses = (TextUse(files="text/{language}.txt"),)
    name = found.entry(uses, "de", dev_examples=100)
    entry: Any = found.entries.found[name]
    assert found.entries.faults == []
    trained: Any = found.entries.store.data(entry["digest"], LineExample)
    held: Any = found.entries.store.data(entry["dev_digest"], LineExample)
    assert (entry["count"], len(trained), len(held)) == (28, 28, 2)
    assert sorted(e.text for e in (*trained, *held)) == sorted(lines)
    assert [f[0] for f in entry["files"]] == ["de.txt"]
    few: Any = found.entries.found[found.entry(uses, "de", examples=10)]
    assert (few["count"], few["dev_digest"], few["notes"]) == (10, None, [])
    many: Any = found.entries.found[found.entry(uses, "de", examples=99)]
    assert many["notes"] == [
        "text in de: 99 lines were asked for, 30 different ones are there and are used."
    ]
    trial = corpora(tmp_path, limit=4)
    assert trial.entries.found[trial.entry(uses, "de")]["count"] == 4  # type: ignore[index,call-overload]


def test_english_is_the_other_side_of_a_bitext(tmp_path: Path) -> None:
    found = corpora(tmp_path)
    uses = (TextUse(task="pocket-bitext"),)
    sides = {}
    for tag in ("en", "de"):
        entry: Any = found.entries.found[found.entry(uses, tag, examples=5)]
        read: Any = found.entries.store.data(entry["digest"], LineExample)
        sides[tag] = [e.text for e in read]
    assert not set(sides["en"]) & set(sides["de"])


def test_bad_bytes_are_told_with_their_line(tmp_path: Path) -> None:
    (tmp_path / "de.txt").write_bytes(b"gut\nschlecht \xff\n")
    found = corpora(tmp_path)
    found.entry((TextUse(files="{language}.txt"),), "de")
    (fault,) = found.entries.faults
    assert fault.startswith(f"{tmp_path}/de.txt:2: expected UTF-8")


def test_text_that_is_empty_in_one_language_is_refused(tmp_path: Path) -> None:
    tiny.tiny_encoder(tmp_path / "model")
    (tmp_path / "de.txt").write_text("gut\n" * 3)
    (tmp_path / "sw.txt").write_text("\n  \n")
    stop = "{mlm: {text: [{files: '{language}.txt'}], languages: [de, sw]}}"
    assert faults(tmp_path, stop) == [
        "expected text in 'sw' for language modelling, found none in sw.txt; give text in that"
        " language, or leave it out of `languages`."
    ]


BAD = [
    (
        "{mlm: {text: [{files: '{language}.txt'}], languages: [de]}}",
        "languages[0]: expected a language with text for language modelling (no file",
    ),
    (
        "{mlm: {text: [{files: text.txt}], languages: [de, sw]}}",
        "mlm.text: expected `{language}` in a path that stands for several languages, found"
        " 'text.txt'.",
    ),
    (
        "{mlm: {text: [text.txt], languages: [de]}}",
        "mlm.text[0]: expected the name of a task as the source of text, found 'text.txt'. A file"
        " is written `{files: text.txt}`.",
    ),
    (
        "{mlm: {text: [pocket-nli], languages: [eu, en]}}",
        "languages[0]: expected a language with text for language modelling (pocket-nli has en,",
    ),
    ("{mlm: {text: [pocket-nli], languages: [xx-nope]}}", "languages[0]"),
    ("{mlm: {languages: [de]}}", "expected `text:`, a list of tasks, files or hub data sets"),
    ("{mlm: {text: [pocket-nli]}}", "expected `languages:`, a list of tags, found none."),
    ("{mlm: {text: [nowhere], languages: [de]}}", "expected the name of a task, found 'nowhere'"),
    (
        "{task: pocket-nli, mlm: {text: [pocket-nli], languages: [de], share: 1.5}}",
        "mlm.share: expected",
    ),
    (
        "{task: pocket-nli, mlm: {text: [pocket-nli], languages: [de], share: 0}}",
        "mlm.share: expected",
    ),
    (
        "{task: pocket-nli, mlm: {text: [pocket-nli], languages: [de], share: 1}}",
        "mlm.share: expected a share below 1 beside tasks, found 1. Leave the tasks out for",
    ),
    (
        "{mlm: {text: [pocket-nli], languages: [de], share: 0.5}}",
        "mlm.share: expected `share` beside tasks only, since this stage has none, found 0.5.",
    ),
    (
        "{mlm: {text: [pocket-nli], languages: [de], batches: mixed}}",
        "mlm.batches: expected mixed batches beside tasks only, since this stage has none",
    ),
    (
        "{mlm: {text: [{task: pocket-nli, files: a}], languages: [de]}}",
        "expected one of `task:`, `files:` and `hub:` as the source of text, found task and files.",
    ),
    (
        "{mlm: {text: [{split: dev}], languages: [de]}}",
        "expected one of `task:`, `files:` and `hub:` as the source of text, found none of them.",
    ),
    (
        "{mlm: {text: [{hub: wikipedia}], languages: [de]}}",
        "hub: expected a data set on the hub, written owner/name, found 'wikipedia'.",
    ),
    (
        "{mlm: {text: [{task: pocket-nli, column: text}], languages: [de]}}",
        "column: expected `column` with a hub data set only",
    ),
    (
        "{mlm: {text: [{files: a, split: dev}], languages: [de]}}",
        "split: expected `split` with a task or a hub data set only",
    ),
    (
        "{mlm: {text: [{task: pocket-nli, split: nope}], languages: [de]}}",
        "split: expected a split of pocket-nli",
    ),
]


def test_a_target_cannot_be_fine_tuned_on_text_alone(tmp_path: Path) -> None:
    tiny.tiny_encoder(tmp_path / "model")
    text = STUDY.replace(
        "fine_tune: {task: pocket-topic, examples: 24}",
        "fine_tune: {mlm: {text: [pocket-nli], languages: [de]}}",
    )
    with pytest.raises(StudyFaults, match=r"the head of 'pocket-topic' .*, found language modell"):
        load_study(write(tmp_path, text))


def test_a_retrieval_target_may_be_and_a_size_may_follow_text(tmp_path: Path) -> None:
    tiny.tiny_encoder(tmp_path / "model")
    text = textwrap.dedent(STUDY).split("targets:")
    targets = """targets:
  - {task: pocket-bitext, languages: [de], examples: 8, layers: [1],
     fine_tune: {mlm: {text: [pocket-nli], languages: [de], examples: 20}}}
"""
    like = "  - {task: pocket-nli, like: mlm, name: sized}\n"
    path = tmp_path / "text.yaml"
    path.write_text(
        text[0] + like + targets + text[1][text[1].index("train: {learning_rate: 1e-3") :]
    )
    lock: Any = resolve(load_study(path), Store.open(tmp_path / "store"))
    (sized,) = [s for s in lock["stops"] if s["name"] == "sized"]
    (member,) = sized["stages"][0]["members"]
    assert lock["data"][member["data"]]["count"] == 2 * 38


@pytest.mark.parametrize(("stop", "said"), BAD)
def test_bad_input_is_told_where_it_stands(tmp_path: Path, stop: str, said: str) -> None:
    (tmp_path / "model").mkdir()
    (tmp_path / "text.txt").write_text("gut\n")
    found = faults(tmp_path, stop)
    assert len(found) == 1
    assert found[0].startswith(":4:")  # the stop's own line
    assert said in found[0]


def test_what_a_backbone_cannot_do_is_told_before_training(tmp_path: Path) -> None:
    one = "{mlm: {text: [pocket-nli], languages: [de], examples: 20, masked: 0.2}}"
    tiny.tiny_decoder(tmp_path / "model")
    assert faults(tmp_path, one) == [
        ": intermediate.mlm: expected no `masked` with the decoder model, which predicts every"
        " token, found one; leave it out, or take an encoder."
    ]
    other = tmp_path / "other"
    other.mkdir()
    tiny.tiny_seq2seq(other / "model")
    (said,) = faults(other, "{mlm: {text: [pocket-nli], languages: [de], examples: 20}}")
    assert said.startswith(": intermediate.mlm: expected an encoder or a decoder for language")
    text = STUDY.replace("batch_size: 8", "batch_size: 1")
    third = tmp_path / "third"
    third.mkdir()
    tiny.tiny_encoder(third / "model")
    with pytest.raises(StudyFaults, match="`batch_size` of at least 2 where `mlm` has mixed"):
        resolve(load_study(write(third, text)), Store.open(third / "store"))


def test_the_plan_counts_steps_as_training_does(tmp_path: Path) -> None:
    tiny.tiny_encoder(tmp_path / "model")
    path = write(tmp_path)
    store = tmp_path / "store"
    outcome = run_study(path, Options(store=store))
    assert outcome.count("failed") == 0
    assert [s.name for s in load_study(path).intermediate] == [
        "none",
        "mlm",
        "pocket-topic+mlm",
        "mixed",
    ]
    lock: Any = outcome.prepared.lock
    trained = 0
    for key, step in outcome.prepared.plan.steps.items():
        if step.kind != "train":
            continue
        about = json.loads((store / "steps" / key / "training.json").read_text())
        assert about["planned_steps"] == optimiser_steps(lock, step), step.label
        if "mlm" not in step.spec:
            continue
        trained += 1
        rows = json.loads((store / "steps" / key / "evaluations.json").read_text())
        own = [label for label in rows[-1]["dev"] if label.startswith("mlm.")]
        spec: Any = step.spec["mlm"]
        assert own == [f"mlm.{part['language']}" for part in spec["text"]]
        values = rows[-1]["dev"]
        tasks = [next(iter(v.values())) for name, v in values.items() if name not in own]
        losses = [values[name]["loss"] for name in own]
        expected = sum(tasks) / len(tasks) if tasks else -sum(losses) / len(losses)
        assert rows[-1]["score"] == pytest.approx(expected)
    assert trained == 3
    assert outcome.results.warnings == tuple(
        w for w in outcome.results.warnings if "ships no output layer" not in w
    )


@pytest.mark.parametrize("kind", ["decoder", "fresh"])
def test_studies_of_decoders_and_of_fresh_layers_run(tmp_path: Path, kind: str) -> None:
    if kind == "decoder":
        tiny.tiny_decoder(tmp_path / "model")
    else:
        bare(tmp_path).rename(tmp_path / "model")
    outcome = run_study(write(tmp_path), Options(store=tmp_path / "store"))
    assert outcome.count("failed") == 0
    said = [w for w in outcome.results.warnings if "output layer" in w]
    fresh = "model ships no output layer for language modelling: it is trained from the start,"
    assert said == ([f"{fresh} drawn from the seed."] if kind == "fresh" else [])
    lock: Any = outcome.prepared.lock
    assert lock["backbones"]["model"]["output"] == ("fresh" if kind == "fresh" else "shipped")
    heads = [
        dict(cast("Any", s.spec["mlm"])["head"]["options"])
        for s in outcome.prepared.plan.steps.values()
        if "mlm" in s.spec
    ]
    expected = {"objective": "causal"} if kind == "decoder" else {
        "objective": "masked", "masked": "0.15",
    }  # fmt: skip
    assert heads == [expected] * 3


def test_a_corpus_of_the_hub_is_pinned_even_beside_a_data_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tiny.tiny_encoder(tmp_path / "model")
    features = Features({"text": Value("string"), "url": Value("string")})
    with serving() as hub:
        connect(monkeypatch, tmp_path / "cache", hub.endpoint)

        def publish(*more: str) -> None:
            lines = [*(f"Satz {n}." for n in range(30)), "", "Satz 3.", *more]
            rows = [{"text": line, "url": "u"} for line in lines]
            hub.put("own/wiki", {"2023.de": {"train": rows}}, features)

        publish()
        source = "{hub: own/wiki, config: '2023.{language}'}"
        stop = f"{{mlm: {{text: [{source}], languages: [de]}}}}"
        text = STUDY.split("    intermediate:\n")
        after = text[1][text[1].index("    targets:") :]
        path = write(tmp_path, f"{text[0]}    intermediate:\n      - {stop}\n{after}")
        store = Store.open(tmp_path / "store")
        (tmp_path / "data").mkdir()
        lock: Any = resolve(load_study(path), store, data=tmp_path / "data")
        (entry,) = [e for name, e in lock["data"].items() if name.startswith("text de of own/wiki")]
        assert (entry["count"], entry["notes"]) == (28, [])
        assert entry["files"][0][0].startswith("hf://datasets/own/wiki@")
        publish("Neu.")  # the commit that the lock names is read on
        again = resolve(load_study(path), store, data=tmp_path / "data")
        assert again["data"] == lock["data"]
        for wrong, said in (
            (source.replace("2023", "2024"), r"configuration '2024\.de'.* Correct `config:` or"),
            (source[:-1] + ", column: texts}", "expected the column 'texts' .* Correct `column:`"),
        ):
            path.write_text(path.read_text().replace(source, wrong))
            with pytest.raises(StudyFaults, match=said):
                resolve(load_study(path), store, data=tmp_path / "data")
            path.write_text(path.read_text().replace(wrong, source))


def test_keys_of_studies_without_text_are_as_they_were(tmp_path: Path) -> None:
    tiny.tiny_encoder(tmp_path / "model")
    lock = resolve(load_study(write(tmp_path)), Store.open(tmp_path / "store"))
    steps = plan(lock).steps.values()
    plain = [s for s in steps if s.kind == "train" and "mlm" not in s.spec]
    assert plain
    names = {"backbone", "parent", "members", "rates", "cap", "config", "numerics", "seed"}
    assert all(set(s.spec) == names for s in plain)
    assert all("text" not in s.context for s in plain)


def test_draws_of_languages_are_not_those_of_tasks() -> None:
    one = mixture.draws([0.5, 0.5], 64, 0)
    other = mixture.draws([0.5, 0.5], 64, 0, "languages")
    assert (one != other).any()
