"""Exports load with `transformers` alone and predict what `waystation predict` predicts.

The code of each card is run as it stands, in a process where waystation cannot be imported and
nothing reaches a network. Trained in earnest: a study of every kind on tiny backbones.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from huggingface_hub import ModelCard
from typer.testing import CliRunner

import tiny
from waystation import routes
from waystation.cli import app
from waystation.errors import StepFailed, UserError
from waystation.examples import to_json
from waystation.export import export, subject
from waystation.lock import task_of
from waystation.run import Options, Outcome, run_study
from waystation.store import Store

TARGETS = {
    "pocket-topic": "classification",
    "pocket-nli": "classification",
    "stars": "regression",
    "pocket-choice": "choice",
    "pocket-pos": "tagging",
    "pocket-qa": "span",
    "pocket-bitext": "bitext",
}
FAMILIES = {
    "bert": tiny.tiny_encoder,
    "xlm-roberta": lambda folder: tiny.tiny_encoder(folder, model_type="xlm-roberta"),
    "decoder": tiny.tiny_decoder,
    "seq2seq": tiny.tiny_seq2seq,
}
STUDY = """\
name: {family}
backbones: [model]
intermediate: [none, {{task: pocket-topic, examples: 24, name: topic}}]
targets:
  - {{task: pocket-topic, languages: [en, de], examples: 6, fine_tune: {{task: pocket-topic, examples: 16}}}}
  - {{task: pocket-nli, languages: [en, de], examples: 6, fine_tune: {{task: pocket-nli, examples: 16}}}}
  - {{csv: stars.csv, kind: regression, evaluate: {{de: stars.de.csv}}}}
  - {{task: pocket-choice, languages: [de], examples: 6, fine_tune: {{task: pocket-choice, examples: 16}}}}
  - {{task: pocket-pos, languages: [de], examples: 6, fine_tune: {{task: pocket-pos, examples: 16}},
     options: {{first_piece: non-empty}}}}
  - {{task: pocket-qa, languages: [de], examples: 6, fine_tune: {{task: pocket-qa, examples: 16}}}}
  - {{task: pocket-bitext, languages: [de], examples: 6, fine_tune: false, layers: [1, 2]}}
train: {{learning_rate: 1e-2, epochs: 1, batch_size: 8, max_tokens: 200, dev_examples: 4}}
numerics: {{precision: fp32, threads: 1}}
"""  # noqa: E501
RUNNER = """\
import json, os, re, sys
sys.modules["waystation"] = None  # importing it is an ImportError
jobs, found = json.load(sys.stdin), []
for job in jobs:
    os.chdir(job["folder"])
    code = re.search(r"```python\\n(.*?)```", open("README.md").read(), re.DOTALL)[1]
    names = {}
    exec(compile(code, job["folder"], "exec"), names)
    encode = job["function"] == "encode"  # sentence-transformers' own
    function = names["model"].encode if encode else names[job["function"]]
    values = [function(*call) for call in job["calls"]]
    labels = None if encode else getattr(names["model"].config, "id2label", None)
    found.append([[v.tolist() if hasattr(v, "tolist") else v for v in values], labels])
    try:
        import waystation
        raise SystemExit("waystation can be imported")
    except ImportError:
        pass
with open(sys.argv[1], "w") as file:
    json.dump(found, file)
"""


def study_of(folder: Path, family: str, text: str = STUDY) -> Path:
    folder.mkdir(parents=True)
    FAMILIES[family](folder / "model")
    for name, rows in (("stars.csv", 24), ("stars.de.csv", 6)):
        lines = [f"{name} {i} {'good ' * (i % 3)},{i % 3}" for i in range(rows)]
        (folder / name).write_text("\n".join(["text,label", *lines]) + "\n")
    path = folder / f"{family}.yaml"
    path.write_text(text.format(family=family))
    return path


def run(folder: Path, family: str) -> Outcome:
    """Every target after the stop, and some without it."""
    path = study_of(folder / "study", family)
    for only in ("none>pocket-[nb]*", "topic>*"):
        outcome = run_study(path, Options(store=folder / "store", only=only))
        assert outcome.count("failed") == 0, [f.message for f in outcome.finished.values()]
    return outcome


@pytest.fixture(scope="module")
def bert(tmp_path_factory: pytest.TempPathFactory) -> Outcome:
    return run(tmp_path_factory.mktemp("bert"), "bert")


def examples_of(outcome: Outcome, target: str) -> list[Any]:
    """The study's own German examples of a target, without their gold."""
    route = next(
        r for r in outcome.prepared.plan.routes if r.target == target and r.language == "de"
    )
    lock: Any = outcome.prepared.lock
    ref = next(t["ref"] for t in lock["targets"] if t["name"] == target)
    task = task_of(ref, outcome.prepared.study.path.parent)
    return outcome.prepared.store.data(lock["data"][route.data]["digest"], task.example)


def predicted(outcome: Outcome, name: str, examples: Sequence[Any], folder: Path) -> list[Any]:
    """What `waystation predict` says of them."""
    golds = ("label", "value", "tags", "answers", "completion")
    file = folder / "examples.jsonl"
    lines = [{k: v for k, v in to_json(e).items() if k not in golds} for e in examples]
    file.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return list(routes.predict(name, file, outcome.prepared.store, "de"))


def job(folder: Path, kind: str, examples: Sequence[Any]) -> dict[str, Any]:
    """What the card's own function is asked."""
    function, calls = "scores", []
    if kind in ("classification", "regression"):
        texts, pairs = [e.text for e in examples], [e.pair for e in examples]
        calls = [[texts] if pairs[0] is None else [texts, pairs]]
    elif kind == "choice":
        calls = [[e.context, list(e.options)] for e in examples]
    elif kind == "tagging":
        calls = [[list(e.words)] for e in examples]
    elif kind == "span":
        function, calls = "answer", [[e.question, e.context] for e in examples]
    elif kind in ("bitext", "sentences"):
        function = "embed" if kind == "bitext" else "encode"
        calls = [[[e.source for e in examples]], [[e.target for e in examples]]]
    elif kind == "text":
        function, calls = "generate", [[e.prompt] for e in examples]
    return {"folder": str(folder), "function": function, "calls": calls}


def alone(jobs: list[dict[str, Any]], folder: Path) -> list[Any]:
    """The cards' code without waystation, isolated and offline."""
    script, answers = folder / "runner.py", folder / "answers.json"
    script.write_text(RUNNER)
    environment = {k: v for k, v in os.environ.items() if not k.startswith("PYTHON")}
    found = subprocess.run(
        [sys.executable, "-I", str(script), str(answers)],
        input=json.dumps(jobs),
        capture_output=True,
        text=True,
        cwd=folder,
        env=environment | {"HF_HUB_OFFLINE": "1"},
    )
    assert found.returncode == 0, found.stderr
    for noise in ("newly initialized", "MISSING", "Traceback"):
        assert noise not in found.stderr
    if not any((Path(job["folder"]) / "adapter_config.json").exists() for job in jobs):
        assert "UNEXPECTED" not in found.stderr  # a published backbone may have more
    return list(json.loads(answers.read_text()))


def compare(kind: str, values: list[Any], labels: dict[str, str], wanted: list[Any]) -> None:
    """An export's answers and `waystation predict`'s: equal labels, scores within 1e-5."""
    if kind in ("classification", "choice"):
        logits = values[0] if kind == "classification" else values
        for row, prediction in zip(logits, wanted, strict=True):
            exponents = np.exp(np.array(row) - max(row))
            assert np.allclose(exponents / exponents.sum(), prediction["scores"], atol=1e-5)
            best = int(np.argmax(row))
            assert (labels[str(best)] if kind == "classification" else best) == prediction["label"]
    elif kind == "regression":
        assert np.allclose([row[0] for row in values[0]], [p["value"] for p in wanted], atol=1e-5)
    elif kind == "tagging":
        found = [[labels[str(int(np.argmax(word)))] for word in one] for one in values]
        assert found == [p["tags"] for p in wanted]
    elif kind == "span":
        assert [text for text, _ in values] == [p["text"] for p in wanted]
        assert np.allclose([score for _, score in values], [p["score"] for p in wanted], atol=1e-5)
    elif kind == "bitext":
        sources, targets = (np.array(v) / np.linalg.norm(v, axis=1)[:, None] for v in values)
        cosines = -np.sort(-(sources @ targets.T), axis=1)[:, :4]
        variant = next(v for v in wanted[0]["variants"] if v == "1/mean")
        expected = [p["variants"][variant]["forward_scores"] for p in wanted]
        assert np.allclose(cosines, expected, atol=1e-5)
    else:
        assert values == [p["text"] for p in wanted]


def check_every_kind(outcome: Outcome, family: str, folder: Path) -> dict[str, Any]:
    """Export each target's route, run the cards, compare; the exports by target."""
    jobs, wanted, done = [], [], {}
    for target, kind in TARGETS.items():
        name = f"{family}#topic>{target}@0"
        variant = "1/mean" if kind == "bitext" else None
        done[target] = export(name, folder / target, outcome.prepared.store, variant)
        examples = examples_of(outcome, target)
        jobs.append(job(folder / target, kind, examples))
        wanted.append(predicted(outcome, name, examples, folder))
    for (target, kind), answer, expected in zip(
        TARGETS.items(), alone(jobs, folder), wanted, strict=True
    ):
        assert len(expected) == 6, target
        compare(kind, *answer, expected)
    return done


@pytest.mark.slow
def test_bert_s_routes_load_with_transformers_alone(bert: Outcome, tmp_path: Path) -> None:
    done = check_every_kind(bert, "bert", tmp_path)
    assert {t: d.model_class for t, d in done.items()} == {
        "pocket-topic": "BertForSequenceClassification",
        "pocket-nli": "BertForSequenceClassification",
        "stars": "BertForSequenceClassification",
        "pocket-choice": "BertForMultipleChoice",
        "pocket-pos": "BertForTokenClassification",
        "pocket-qa": "BertForQuestionAnswering",
        "pocket-bitext": "BertModel",
    }
    for one in done.values():
        check_folder(one)
    check_card(tmp_path / "pocket-nli" / "README.md", done["pocket-nli"])
    check_sentence_files(tmp_path / "pocket-bitext")


@pytest.mark.slow
@pytest.mark.parametrize("family", ["xlm-roberta", "decoder", "seq2seq"])
def test_other_families_too(family: str, tmp_path: Path) -> None:
    done = check_every_kind(run(tmp_path, family), family, tmp_path / "exports")
    native = {
        "xlm-roberta": set(TARGETS),
        "decoder": {"pocket-pos", "pocket-qa", "pocket-bitext"},
        "seq2seq": {"pocket-bitext"},
    }[family]
    assert {target for target, d in done.items() if not d.head_file} == native


def check_folder(done: Any) -> None:
    record = json.loads((done.folder / "waystation.json").read_text())
    inside = {p.relative_to(done.folder).as_posix() for p in done.folder.rglob("*") if p.is_file()}
    assert inside == {*record["files"], "waystation.json"} == {*done.files, "waystation.json"}
    assert record["steps"][-1][0] == done.step
    assert (record["route"], record["class"]) == (done.route, done.model_class)
    for name, (size, _) in record["files"].items():
        assert (done.folder / name).stat().st_size == size
    for name in ("README.md", "config.json", "tokenizer_config.json", "waystation.json"):
        assert "/tmp" not in (done.folder / name).read_text(), name


def check_card(path: Path, done: Any) -> None:
    card = ModelCard.load(path)
    data = card.data.to_dict()
    assert data["language"] == ["en", "de"]
    assert data["pipeline_tag"] == "text-classification"
    assert data["library_name"] == "transformers"
    assert data["license"] == "other"
    assert "base_model" not in data  # a folder of the user's
    results = {r.dataset_config: r for r in card.data.eval_results or []}
    assert set(results) == {"en", "de"}
    text = path.read_text()
    assert f"| German (de) | {results['de'].metric_value:.1f} |" in text
    assert f"`{done.step}`" in text
    assert "| stop | pocket-topic |" in text
    assert "| target | pocket-nli |" in text
    assert "One training run with one seed" in text
    assert "The stop `topic` over no stop, mean over de: " in text
    assert "(corrected over the study's " in text
    assert "Scores in German (de) are zero-shot" in text
    assert "Apache-2.0" in text
    assert "no findings" not in text
    assert "come from a small grammar" in text


def check_sentence_files(folder: Path) -> None:
    """Structure only: test_export_forms.py loads one with sentence-transformers."""
    modules = json.loads((folder / "modules.json").read_text())
    assert [(m["idx"], m["path"]) for m in modules] == [
        (0, ""),
        (1, "1_Pooling"),
        (2, "2_Normalize"),
    ]
    kinds = ["Transformer", "Pooling", "Normalize"]
    assert [m["type"].rpartition(".")[2] for m in modules] == kinds
    pooling = json.loads((folder / "1_Pooling" / "config.json").read_text())
    assert pooling["word_embedding_dimension"] == 16
    assert [k for k, v in pooling.items() if v is True] == ["pooling_mode_mean_tokens"]
    assert json.loads((folder / "config.json").read_text())["num_hidden_layers"] == 1
    lengths = json.loads((folder / "sentence_bert_config.json").read_text())
    assert lengths["max_seq_length"] == 200
    assert ModelCard.load(folder / "README.md").data.tags == ["waystation", "sentence-transformers"]


def test_a_stop_is_its_encoder(bert: Outcome, tmp_path: Path) -> None:
    store = bert.prepared.store
    done = export("bert#topic@0", tmp_path / "stop", store)
    assert (done.kind, done.model_class, done.loader) == ("encoder", "BertModel", "AutoModel")
    card = (tmp_path / "stop" / "README.md").read_text()
    assert "What this stop was worth to the targets of the study" in card
    assert "| pocket-qa | exact_match |" in card or "| pocket-qa | f1 |" in card
    assert "### pocket-bitext" in card  # evaluated with the stop's own model
    # By its step's key it comes with the head that the step trained.
    keyed = export(done.step, tmp_path / "keyed", store)
    assert (keyed.kind, keyed.model_class) == ("classification", "BertForSequenceClassification")
    assert keyed.step == done.step


def test_a_predict_step_s_key_is_its_route(bert: Outcome) -> None:
    route = bert.prepared.plan.routes[0]
    found = subject.find(route.predict, bert.prepared.store)
    assert found.name == f"bert#{route.name}"
    by_file = subject.find(f"{bert.prepared.study.path}#{route.name}", bert.prepared.store)
    assert (by_file.chain, by_file.head) == (found.chain, found.head)


def test_a_baseline_without_training_is_the_backbone(bert: Outcome, tmp_path: Path) -> None:
    done = export("bert#none>pocket-bitext@0", tmp_path / "raw", bert.prepared.store)
    assert done.step == ""
    assert "Nothing was trained" in (tmp_path / "raw" / "README.md").read_text()


@pytest.mark.parametrize(
    ("route", "sentence"),
    [
        ("bert#topic>pocket-nly@0", r"no route or stop .* Did you mean 'topic>pocket-nli@0'\?"),
        ("bert#topik@0", r"no route or stop of that study\. Did you mean 'topic@0'\?"),
        ("bert#none@0", r"'none' trains nothing: export the backbone by loading it .*\(model\)"),
        ("bart#topic@0", r"expected a study of the store .*'bart'\. Did you mean 'bert'\?"),
        ("topic@0", r"expected STUDY#stop>target@seed, .* found 'topic@0'; studies .*: bert\."),
        ("train-000000000000", r"expected the key of a train step .* found 'train-000000000000'"),
    ],
)
def test_unknown_routes(bert: Outcome, tmp_path: Path, route: str, sentence: str) -> None:
    with pytest.raises(UserError, match=sentence):
        export(route, tmp_path / "out", bert.prepared.store)
    assert not (tmp_path / "out").exists()


def test_variants_are_for_encoders_and_have_a_form(bert: Outcome, tmp_path: Path) -> None:
    store = bert.prepared.store
    with pytest.raises(UserError, match=r"for a stop or a retrieval route alone, .* leave it out"):
        export("bert#topic>pocket-pos@0", tmp_path / "a", store, "1/mean")
    with pytest.raises(UserError, match=r"a layer and a pooling such as 8/mean .* found 'last'"):
        export("bert#topic@0", tmp_path / "a", store, "last")


def test_folders_are_not_written_over(bert: Outcome, tmp_path: Path) -> None:
    store, route = bert.prepared.store, "bert#topic>pocket-pos@0"
    (tmp_path / "file").write_text("x")
    with pytest.raises(UserError, match="expected a folder to write to, found the file"):
        export(route, tmp_path / "file", store)
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "notes.txt").write_text("mine")
    for force in (False, True):
        with pytest.raises(UserError, match=r"found notes.txt in it, which no export has written"):
            export(route, tmp_path / "full", store, force=force)
    with pytest.raises(UserError, match=r"expected to write .*; make room there or name a DIR"):
        export(route, tmp_path / "file" / "below", store)
    (tmp_path / "out").mkdir()  # empty
    first = export(route, tmp_path / "out", store)
    with pytest.raises(UserError, match=r"found an earlier export \(bert#topic>pocket-pos@0\)"):
        export(route, tmp_path / "out", store)
    again = export(route, tmp_path / "out", store, force=True)
    assert again.files == first.files  # equal bytes
    (tmp_path / "out" / "added.txt").write_text("mine")
    with pytest.raises(UserError, match=r"found added.txt in it"):
        export(route, tmp_path / "out", store, force=True)
    assert not [p for p in tmp_path.iterdir() if p.name.startswith(".")]  # no scratch is left


def test_the_verb(bert: Outcome, tmp_path: Path) -> None:
    store = bert.prepared.store.root
    found = CliRunner().invoke(
        app,
        ["export", "bert#topic>pocket-nli@0", str(tmp_path / "x"), "--store", str(store), "--json"],
    )
    assert found.exit_code == 0, found.output
    shown = json.loads(found.output)
    assert shown["folder"] == str(tmp_path / "x")
    assert shown["loader"] == "AutoModelForSequenceClassification"
    assert shown["bytes"] == sum(size for size, _ in shown["files"].values())
    again = CliRunner().invoke(
        app, ["export", "bert#topic>pocket-nli@0", str(tmp_path / "x"), "--store", str(store)]
    )
    assert again.exit_code == 2
    said = CliRunner().invoke(
        app, ["export", "bert#topic@0", str(tmp_path / "y"), "--store", str(store)]
    )
    assert re.match(r"Wrote bert#topic@0 to .*: BertModel, .*README.md there says", said.output)


# -- weights that are not there --------------------------------------------------------------------

SMALL = """\
name: {family}
backbones: [model, other]
seeds: [0]
intermediate: [none, {{task: pocket-topic, examples: 8, name: topic}}]
targets: [{{csv: stars.csv, kind: regression, evaluate: {{de: stars.de.csv}}}}]
train: {{epochs: 1, batch_size: 8, max_tokens: 32, dev_examples: 4}}
numerics: {{precision: fp32, threads: 1}}
"""


@pytest.fixture(scope="module")
def partly(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Store]:
    """A study of two backbones of which the routes through a stop have not run."""
    folder = tmp_path_factory.mktemp("partly")
    path = study_of(folder / "study", "bert", SMALL)
    tiny.tiny_encoder(folder / "study" / "other", hidden=8)
    run_study(path, Options(store=folder / "store", only="none>*"))
    return path, Store.open(folder / "store")


def test_two_backbones_need_a_key(partly: tuple[Path, Store], tmp_path: Path) -> None:
    _, store = partly
    with pytest.raises(UserError, match=r"found 'bert#none>stars@0' for 2 backbones; name") as said:
        export("bert#none>stars@0", tmp_path / "x", store)
    keys = re.findall(r"(train-\w{12}) \((\w+)\)", str(said.value))
    assert [backbone for _, backbone in keys] == ["model", "other"]
    done = export(keys[1][0], tmp_path / "x", store)
    assert (done.step, done.kind) == (keys[1][0], "regression")


def test_steps_that_are_not_done(partly: tuple[Path, Store], tmp_path: Path) -> None:
    _, store = partly
    plan = subject._open("bert", store).plan
    stop = next(k for k, s in plan.steps.items() if s.label == "train topic@0")
    with pytest.raises(UserError, match=r"'train topic@0' to be done, found that it has not run"):
        export(stop, tmp_path / "x", store)
    below = next(k for k, s in plan.steps.items() if s.label == "train topic>stars@0")
    store.record_failure(stop, {"key": stop, "label": "", "message": "no memory", "trace": ""})
    with pytest.raises(StepFailed, match=r"found that 'train topic@0' failed \(no memory\)"):
        export(below, tmp_path / "x", store)
    trained = next(k for k, s in plan.steps.items() if s.label == "train none>stars@0")
    store.prune(trained, store.outputs(trained, "checkpoints/"))
    with pytest.raises(UserError, match=r"found it deleted .*`waystation run .* --weights`"):
        export(trained, tmp_path / "x", store)


def test_a_study_that_changed_or_went_away(partly: tuple[Path, Store], tmp_path: Path) -> None:
    path, store = partly
    text = path.read_text()
    try:
        path.write_text(text.replace("epochs: 1", "epochs: 2"))
        with pytest.raises(UserError, match=r"expected a lock beside .* found none or an older"):
            export("bert#topic@0", tmp_path / "x", store)
        path.unlink()
        with pytest.raises(UserError, match=r"expected the file of study 'bert' at .* give its"):
            export("bert#topic@0", tmp_path / "x", store)
    finally:
        path.write_text(text)


# -- text, and licences ----------------------------------------------------------------------------

TASKS = """
from waystation.examples import TextExample
from waystation.metrics.text import EXACT_MATCH
from waystation.task import Layout, Task


def read(files, language, split):
    for i in range(24 if split == "train" else 6):
        yield TextExample(id=f"{split}-{i}", prompt=f"say {i % 4}:", completion=f" {i % 4}")


RECALL = Task(
    name="recall", version=1, summary="", example=TextExample, languages=("en", "de"),
    layouts=(Layout(paths=lambda l, s: (), read=read, reads_folder=False),),
    splits=("train", "dev", "test"), metrics=(EXACT_MATCH,), licence="CC BY-NC-SA 3.0",
    options=(("max_new_tokens", "6"),),
)
"""
TEXT_STUDY = """\
name: {family}
backbones: [model]
targets: [{{task: "my_tasks.py:RECALL", languages: [de]}}]
train: {{learning_rate: 1e-2, epochs: 6, batch_size: 8, max_tokens: 32, dev_examples: 4}}
numerics: {{precision: bf16, threads: 1}}
"""


@pytest.mark.slow
@pytest.mark.parametrize("family", ["decoder", "seq2seq"])
def test_language_models_write_the_same(family: str, tmp_path: Path) -> None:
    path = study_of(tmp_path / "study", family, TEXT_STUDY)
    (tmp_path / "study" / "my_tasks.py").write_text(TASKS)
    outcome = run_study(path, Options(store=tmp_path / "store"))
    assert outcome.count("failed") == 0
    name = f"{family}#none>recall@0"
    done = export(name, tmp_path / "out", outcome.prepared.store)
    assert done.loader.startswith("AutoModelFor")
    examples = examples_of(outcome, "recall")
    wanted = predicted(outcome, name, examples, tmp_path)
    (answer,) = alone([job(tmp_path / "out", "text", examples)], tmp_path)
    compare("text", *answer, wanted)
    assert any(p["text"] for p in wanted)
    card = (tmp_path / "out" / "README.md").read_text()
    assert "torch.bfloat16" in card  # as the study predicted
    assert "**Trained on recall (CC BY-NC-SA 3.0), which excludes commercial use" in card
    data = ModelCard.load(tmp_path / "out" / "README.md").data
    assert data.license_name == "non-commercial-training-data"


def test_restrictive_terms_of_a_backbone_are_said(bert: Outcome, tmp_path: Path) -> None:
    """Gemma's terms pass on; the licence comes from the lock."""
    from waystation import export as module
    from waystation.export.licences import consequences, licence_of

    store = bert.prepared.store
    found = subject.find("bert#topic>pocket-nli@0", store)
    facts: Any = module._facts(found, store, None, None, "")  # type: ignore[arg-type]
    found.opened.lock["backbones"]["model"]["licence"] = "Gemma terms"  # type: ignore[index,call-overload]
    (terms, free) = consequences(facts)
    assert "under Gemma terms" in terms
    assert "pass on to them" in terms
    assert "No training data here excludes commercial use" in free
    assert licence_of(facts) == ("gemma", None)
    found.opened.lock["backbones"]["model"]["licence"] = "see the model's own card"  # type: ignore[index,call-overload]
    (unknown, _) = consequences(facts)
    assert "licence is not known here" in unknown
    assert licence_of(facts) == ("other", "see-base-model")
