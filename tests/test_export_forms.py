"""Every form of an export loads with its own library alone and computes what the study did.

Each card's code runs as it stands where waystation cannot be imported and nothing reaches a
network, and is held against the route's stored predictions: `transformers`, `peft` over the
untouched backbone, `sentence-transformers`. Trained in earnest on tiny backbones, once a family.
"""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import transformers
from huggingface_hub import ModelCard
from typer.testing import CliRunner

from test_export import FAMILIES, alone, compare, job
from waystation.cli import app
from waystation.errors import ModelError, UserError
from waystation.examples import to_json
from waystation.export import FORMS, export, subject
from waystation.lock import task_of
from waystation.run import Options, Outcome, run_study
from waystation.steps import read_predictions

pytestmark = pytest.mark.slow

STUDY = """\
name: {family}
backbones: [model]
intermediate:
  - none
  - {{task: pocket-topic, examples: 16, name: full}}
  - {{task: pocket-topic, examples: 16, name: low, train: {{adapter: {{kind: lora, rank: 4}}}}}}
  - {{task: pocket-topic, examples: 16, name: narrow, train: {{adapter: {{kind: bottleneck}}}}}}
targets:
  - {{task: pocket-nli, languages: [en, de, sw], examples: 6, fine_tune: {{task: pocket-nli, examples: 16,
     train: {{adapter: {{kind: lora, rank: 2, alpha: 8, after: stack}}}}}}}}
  - {{task: pocket-pos, languages: [en, de], examples: 6, fine_tune: {{task: pocket-pos, examples: 16,
     train: {{learning_rates: [1e-2, 1e-3], evaluations: 2, selection: average-2}}}}}}
  - {{task: pocket-bitext, languages: [de, tr], examples: 6, fine_tune: false, layers: [1, 2], pooling: [mean, cls]}}
train: {{learning_rate: 1e-2, epochs: 1, batch_size: 8, max_tokens: 200, dev_examples: 4}}
numerics: {{precision: fp32, threads: 1}}
"""  # noqa: E501
VARIANTS = ("1/mean", "2/mean", "1/cls", "2/cls")
SENTENCES = """\
import json, os, sys
sys.modules["waystation"] = None
for name in ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE"):
    os.environ[name] = "1"
from sentence_transformers import SentenceTransformer
jobs, found = json.load(sys.stdin), []
for job in jobs:
    model = SentenceTransformer(job["folder"], device="cpu")
    found.append([model.encode(texts).tolist() for (texts,) in job["calls"]])
with open(sys.argv[1], "w") as file:
    json.dump(found, file)
"""


@pytest.fixture(scope="module", params=["bert", "xlm-roberta", "decoder", "seq2seq"])
def outcome(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Outcome:
    family = request.param
    folder = tmp_path_factory.mktemp(family)
    FAMILIES[family](folder / "study" / "model")
    (folder / "study" / f"{family}.yaml").write_text(STUDY.format(family=family))
    for only in ("low>*", "full>pocket-bitext*", "full>pocket-pos*", "narrow>pocket-bitext*"):
        done = run_study(
            folder / "study" / f"{family}.yaml", Options(store=folder / "store", only=only)
        )
        assert done.count("failed") == 0, [f.message for f in done.finished.values()]
    return done


def stored(outcome: Outcome, name: str) -> tuple[list[Any], list[Any]]:
    """A route's German examples, and the predictions that the study itself kept of them."""
    store = outcome.prepared.store
    found = subject.find(name, store)
    route = next(r for r in found.routes if r.language == "de")
    lock: Any = found.opened.lock
    target = next(t for t in lock["targets"] if t["name"] == route.target)
    task = task_of(target["ref"], found.beside)
    examples = store.data(lock["data"][route.data]["digest"], task.example)
    predictions = read_predictions(store, route.predict, task.kind)
    assert len(predictions) == len(examples) == 6
    return list(examples), [to_json(p) for p in predictions]


def beside(outcome: Outcome, folder: Path) -> None:
    """The untouched backbone where the card's code looks for it."""
    shutil.copytree(outcome.prepared.study.path.parent / "model", folder / "model")


def test_a_low_rank_route_in_both_forms(outcome: Outcome, tmp_path: Path) -> None:
    """Merged (LoRA of the stop, stacked LoRA of the target) and as peft's folder."""
    store, study = outcome.prepared.store, outcome.prepared.study.name
    name = f"{study}#low>pocket-nli@0"
    merged = export(name, tmp_path / "merged", store)
    small = export(name, tmp_path / "small", store, form="adapter")
    beside(outcome, tmp_path / "small")
    examples, wanted = stored(outcome, name)
    jobs = [job(tmp_path / f, "classification", examples) for f in ("merged", "small")]
    for answer in alone(jobs, tmp_path):
        compare("classification", *answer, wanted)
    assert small.size_bytes < merged.size_bytes / 2
    config = json.loads((tmp_path / "small" / "adapter_config.json").read_text())
    assert (config["r"], config["base_model_name_or_path"]) == (6, "model")
    again = export(name, tmp_path / "again", store, form="adapter")
    assert again.files == small.files  # equal bytes
    card = ModelCard.load(tmp_path / "small" / "README.md")
    assert card.data.library_name == "peft"
    assert "over other weights of that name" in card.text
    assert "LoRA of rank 4" in card.text


def test_an_adapter_alone_is_its_stop(outcome: Outcome, tmp_path: Path) -> None:
    name = f"{outcome.prepared.study.name}#low>pocket-bitext@0"
    export(name, tmp_path / "out", outcome.prepared.store, "1/mean", form="adapter")
    beside(outcome, tmp_path / "out")
    examples, wanted = stored(outcome, name)
    (answer,) = alone([job(tmp_path / "out", "bitext", examples)], tmp_path)
    compare("bitext", *answer, wanted)


def test_an_averaged_sweep_is_a_model_like_any_other(outcome: Outcome, tmp_path: Path) -> None:
    name = f"{outcome.prepared.study.name}#full>pocket-pos@0"
    done = export(name, tmp_path / "out", outcome.prepared.store)
    assert done.step.startswith("average-")
    examples, wanted = stored(outcome, name)
    (answer,) = alone([job(tmp_path / "out", "tagging", examples)], tmp_path)
    compare("tagging", *answer, wanted)
    text = (tmp_path / "out" / "README.md").read_text()
    assert "the mean of the last 2 checkpoints" in text
    assert "learning rate chosen from 0.01, 0.001 by source dev" in text


def test_sentence_transformers_give_the_study_s_vectors(outcome: Outcome, tmp_path: Path) -> None:
    """Cosines of stored neighbours in every variant; our own vectors for a route with a head."""
    store, study = outcome.prepared.store, outcome.prepared.study.name
    name, tagged = f"{study}#full>pocket-bitext@0", f"{study}#full>pocket-pos@0"
    form = "sentence-transformers"
    examples, wanted = stored(outcome, name)
    for variant in VARIANTS:
        folder = tmp_path / variant.replace("/", "-")
        done = export(name, folder, store, variant, form=form)
        assert done.sentence_transformers
    export(tagged, tmp_path / "tagged", store, "1/mean", form=form)
    export(tagged, tmp_path / "encoder", store, "1/mean", form="encoder")
    folders = [tmp_path / v.replace("/", "-") for v in VARIANTS] + [tmp_path / "tagged"]
    found = alone([job(f, "bitext", examples) for f in folders], tmp_path, SENTENCES)
    for variant, answer in zip(VARIANTS, found, strict=False):
        sources, targets = (np.array(v) for v in answer)
        assert np.allclose(np.linalg.norm(sources, axis=1), 1, atol=1e-6)
        cosines = -np.sort(-(sources @ targets.T), axis=1)[:, :4]
        expected = [p["variants"][variant]["forward_scores"] for p in wanted]
        assert np.allclose(cosines, expected, atol=1e-5), variant
    ((direct, _),) = alone([job(tmp_path / "encoder", "bitext", examples)], tmp_path)
    for one, other in zip(direct, found[-1], strict=True):
        lengths = np.linalg.norm(np.array(one), axis=1)
        assert np.abs((np.array(one) * np.array(other)).sum(axis=1) / lengths - 1).max() < 1e-6
    card = ModelCard.load(tmp_path / "1-mean" / "README.md")
    assert card.data.library_name == "sentence-transformers"
    assert "SentenceTransformer" in card.text


def test_the_output_layer(outcome: Outcome, tmp_path: Path) -> None:
    """As `transformers` loads it: the tied table is the one that the stop has trained."""
    store, study = outcome.prepared.store, outcome.prepared.study.name
    done = export(f"{study}#full@0", tmp_path / "lm", store, form="language-model")
    export(f"{study}#full@0", tmp_path / "encoder", store)
    families = {
        "bert": "Masked",
        "xlm-roberta": "Masked",
        "decoder": "Causal",
        "seq2seq": "Seq2Seq",
    }
    assert done.loader == f"AutoModelFor{families[study]}LM"
    model = getattr(transformers, done.loader).from_pretrained(tmp_path / "lm")
    encoder = transformers.AutoModel.from_pretrained(tmp_path / "encoder")
    own = {name: value for name, value in encoder.state_dict().items() if "pooler" not in name}
    inner = dict(model.base_model.state_dict())
    assert all(torch.equal(value, inner[name]) for name, value in own.items())
    raw = type(model).from_pretrained(outcome.prepared.study.path.parent / "model")
    table, before = (m.get_output_embeddings().weight for m in (model, raw))
    assert not torch.equal(table, before)
    function = "fill" if done.loader == "AutoModelForMaskedLM" else "generate"
    call = "<mask> is here" if function == "fill" else "the"
    ask = {"folder": str(tmp_path / "lm"), "function": function, "calls": [[call]]}
    ((values, _),) = alone([ask], tmp_path)
    if function == "fill":
        ids = tokenized = transformers.AutoTokenizer.from_pretrained(tmp_path / "lm")
        rows = tokenized([call], return_tensors="pt")
        with torch.inference_mode():
            logits = model.eval()(**rows).logits[0]
        place = rows["input_ids"][0].tolist().index(ids.mask_token_id)
        assert values[0][0][0] == ids.convert_ids_to_tokens([int(logits[place].argmax())])[0]
    else:
        assert isinstance(values[0], str)


def test_forms_that_do_not_fit(outcome: Outcome, tmp_path: Path) -> None:
    store, study = outcome.prepared.store, outcome.prepared.study.name
    with pytest.raises(ModelError, match=r"LoRA adapters alone .* own weights were trained; leave"):
        export(f"{study}#full@0", tmp_path / "a", store, form="adapter")
    with pytest.raises(ModelError, match=r"found a bottleneck adapter, which peft does not have"):
        export(f"{study}#narrow@0", tmp_path / "a", store, form="adapter")
    with pytest.raises(ModelError, match=r"found a bottleneck adapter on .*`waystation predict`"):
        export(f"{study}#narrow@0", tmp_path / "a", store)
    with pytest.raises(UserError, match=r"expected a form \(.*found 'adaptor'\. Did you mean 'ada"):
        export(f"{study}#full@0", tmp_path / "a", store, form="adaptor")
    with pytest.raises(UserError, match=r"tagging head; .* take the encoder with --form encoder"):
        export(f"{study}#full>pocket-pos@0", tmp_path / "a", store, "1/mean")
    assert not (tmp_path / "a").exists()


def test_the_verb_names_the_forms(outcome: Outcome, tmp_path: Path) -> None:
    store, study = outcome.prepared.store, outcome.prepared.study.name
    arguments = ["export", f"{study}#low@0", str(tmp_path / "x"), "--store", str(store.root)]
    found = CliRunner().invoke(app, [*arguments, "--form", "adapter", "--json"])
    assert found.exit_code == 0, found.output
    assert json.loads(found.output)["form"] == "adapter"
    wrong = CliRunner().invoke(app, [*arguments, "--form", "onnx"])
    assert wrong.exit_code == 2
    assert all(form in re.sub(r"\s+", " ", wrong.output) for form in FORMS)
