"""Every form of an export loads with its own library alone and computes what the study did.

Each card's code runs as it stands where waystation cannot be imported and nothing reaches a
network, and is held against the route's stored predictions: `transformers`, `peft` over the
untouched backbone, `sentence-transformers`. Trained in earnest on tiny backbones, once a family;
all cards run in two processes, since importing those libraries costs more than everything else.
"""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import transformers
from huggingface_hub import ModelCard
from typer.testing import CliRunner

import wordmap
from test_export import FAMILIES, alone, compare, job
from waystation.cli import app
from waystation.errors import ModelError, UserError
from waystation.examples import to_json
from waystation.export import FORMS, Exported, export
from waystation.lock import task_of
from waystation.plan import Route, plan
from waystation.pocket.tasks import examples as pocket
from waystation.run import Options, Outcome, run_study
from waystation.steps import read_predictions

pytestmark = pytest.mark.slow

STUDY = """\
name: {family}
backbones: [model]
intermediate:
  - none
  - {{task: pocket-topic, examples: 8, name: full}}
  - {{task: pocket-topic, examples: 8, name: low, train: {{adapter: {{kind: lora, rank: 4}}}}}}
  - {{task: pocket-topic, examples: 8, name: narrow, train: {{adapter: {{kind: bottleneck}}}}}}
targets:
  - {{task: pocket-nli, languages: [de], examples: 6, fine_tune: {{task: pocket-nli, examples: 8,
     train: {{adapter: {{kind: lora, rank: 2, alpha: 8, after: stack}}}}}}}}
  - {{task: pocket-pos, languages: [de], examples: 6, fine_tune: {{task: pocket-pos, examples: 16,
     train: {{learning_rates: [1e-2, 1e-3], evaluations: 2, selection: average-2}}}}}}
  - {{task: pocket-bitext, languages: [de], examples: 6, fine_tune: false, layers: [1, 2], pooling: [mean, cls]}}
train: {{learning_rate: 1e-2, epochs: 1, batch_size: 8, max_tokens: 200, dev_examples: 4}}
numerics: {{precision: fp32, threads: 1}}
"""  # noqa: E501
MORE = """\
name: bert
backbones: [model]
seeds: [0, 1]
intermediate:
  - none
  - {name: text, mlm: {text: [pocket-bitext], languages: [de], examples: 16}}
  - {task: pocket-bitext, language: de, examples: 8, name: ranking}
targets:
  - {task: pocket-bitext, languages: [de], examples: 6, layers: [1],
     fine_tune: {task: pocket-bitext, language: tr, examples: 8}}
  - {task: pocket-bitext, name: by-word, languages: [de], examples: 6, fine_tune: false,
     layers: [1], pooling: [words]}
  - {task: pocket-pos, languages: [de], examples: 6,
     fine_tune: {task: pocket-pos, examples: 8, train: {head_seed: 0}},
     selections: [source-dev, average-seeds]}
  - {task: pocket-nli, languages: [de], examples: 6, fine_tune:
      {task: pocket-nli, examples: 8, translate: {to: de, with: translator, max_tokens: 64}}}
train: {learning_rate: 1e-2, epochs: 1, batch_size: 8, max_tokens: 200, dev_examples: 4}
numerics: {precision: fp32, threads: 1}
"""
ONLY = {
    "xlm-roberta": ("low>pocket-[nb]*", "full>pocket-[bp]*", "narrow>pocket-b*"),
    "decoder": ("low>pocket-[nb]*", "full>pocket-[bp]*"),
    "seq2seq": ("low>pocket-[nb]*", "full>pocket-[bp]*"),
    "bert": ("text>by-word@0", "ranking>pocket-bitext@0", "none>pocket-pos@*", "none>pocket-nli@0"),
}
EVERY = ("xlm-roberta", "decoder", "seq2seq")
VARIANTS = ("1/mean", "2/mean", "1/cls", "2/cls")
SENTENCES = "sentence-transformers"
LANGUAGE_MODELS = {"decoder": "AutoModelForCausalLM", "seq2seq": "AutoModelForSeq2SeqLM"}
Asking = tuple[str, str, dict[str, Any]]
"""A route, the kind of what its card is asked, and the options of its export."""
FORMED: dict[str, Asking] = {
    "merged": ("low>pocket-nli@0", "classification", {}),
    "small": ("low>pocket-nli@0", "classification", {"form": "adapter"}),
    "stop": ("low>pocket-bitext@0", "bitext", {"form": "adapter", "variant": "1/mean"}),
    "averaged": ("full>pocket-pos@0", "tagging", {}),
    **{
        v.replace("/", "-"): (
            "full>pocket-bitext@0",
            "sentences",
            {"form": SENTENCES, "variant": v},
        )
        for v in VARIANTS
    },
    "tagged": ("full>pocket-pos@0", "sentences", {"form": SENTENCES, "variant": "1/mean"}),
    "encoder": ("full>pocket-pos@0", "bitext", {"form": "encoder", "variant": "1/mean"}),
    "lm": ("full@0", "lm", {"form": "language-model"}),
}
MORE_FORMED: dict[str, Asking] = {
    "lm": ("text@0", "lm", {"form": "language-model"}),
    "ranking": ("ranking>pocket-bitext@0", "bitext", {"variant": "1/mean"}),
    "translated": ("none>pocket-nli@0", "classification", {}),
    "seeds": ("average-seeds", "tagging", {}),
}


@dataclass(frozen=True)
class Made:
    """A family's study, its exports by folder name, and what their cards answered."""

    outcome: Outcome
    folder: Path
    exports: Mapping[str, Exported]
    answers: Mapping[str, Any]

    @property
    def name(self) -> str:
        return self.outcome.prepared.study.name

    def export(self, route: str, folder: Path, **options: Any) -> Exported:
        return export(f"{self.name}#{route}", folder, self.outcome.prepared.store, **options)

    def card(self, name: str) -> str:
        return (self.folder / name / "README.md").read_text()


def run(family: str, folder: Path) -> Outcome:
    FAMILIES[family](folder / "study" / "model")
    path = folder / "study" / f"{family}.yaml"
    path.write_text(MORE if family == "bert" else STUDY.format(family=family))
    if family == "bert":
        said = [t for e in pocket("pocket-nli", "en", "train", range(99)) for t in (e.text, e.pair)]
        said += [t for e in pocket("pocket-nli", "en", "dev", range(99)) for t in (e.text, e.pair)]
        words = {w: w[::-1] for t in said for w in re.findall(r"\w+|[^\w\s]", t)}
        pair: dict[str, Any] = {"source_lang": "en", "target_lang": "de"}
        wordmap.word_translator(folder / "study" / "translator", words, **pair)
    for only in ONLY[family]:
        done = run_study(path, Options(store=folder / "store", only=only))
        assert done.count("failed") == 0, [f.message for f in done.finished.values()]
    return done


def route_of(outcome: Outcome, name: str) -> Route:
    whole = plan(outcome.prepared.lock)
    if name != "average-seeds":
        return next(r for r in whole.routes if r.name == name)
    return next(r for r in whole.selections if (r.rule, r.stop) == (name, "none"))


def stored(outcome: Outcome, name: str) -> tuple[list[Any], list[Any]]:
    """A route's German examples, and the predictions that the study itself kept of them."""
    store, lock, route = outcome.prepared.store, outcome.prepared.lock, route_of(outcome, name)
    target = next(t for t in lock["targets"] if t["name"] == route.target)  # type: ignore[union-attr,call-overload,index]
    task = task_of(target["ref"], outcome.prepared.study.path.parent)  # type: ignore[index,call-overload,arg-type]
    examples = store.data(lock["data"][route.data]["digest"], task.example)  # type: ignore[index,call-overload,arg-type]
    predictions = read_predictions(store, route.predict, task.kind)
    assert len(predictions) == len(examples) == 6
    return list(examples), [to_json(p) for p in predictions]


def asked(outcome: Outcome, folder: Path, asking: Asking) -> dict[str, Any]:
    route, kind, _options = asking
    if kind == "lm":
        masked = "bert" in outcome.prepared.study.name
        function, text = ("fill", "<mask> is here") if masked else ("generate", "the")
        return {"folder": str(folder), "function": function, "calls": [[text]]}
    if "pos" in route and kind in ("bitext", "sentences"):  # what a tagger's encoder makes of it
        route = "full>pocket-bitext@0"
    return job(folder, kind, stored(outcome, route)[0])


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Made]:
    root = tmp_path_factory.mktemp("forms")
    ran, exports, jobs = {}, {}, {}
    for family in ONLY:
        folder = root / family
        ran[family] = outcome = run(family, folder)
        for name, asking in (MORE_FORMED if family == "bert" else FORMED).items():
            place, (route, _, options) = folder / name, asking
            named = f"{family}#{route}"
            if route == "average-seeds":
                named = route_of(outcome, route).predict
            exports[family, name] = export(named, place, outcome.prepared.store, **options)
            jobs[family, name] = asked(outcome, place, asking)
            if options.get("form") == "adapter":  # the backbone where the card's code looks for it
                shutil.copytree(folder / "study" / "model", place / "model")
    answers: dict[tuple[str, str], Any] = {}
    adapters = [key for key in jobs if exports[key].form == "adapter"]
    for keys in (adapters, [key for key in jobs if key not in adapters]):
        found = alone([jobs[key] for key in keys], root)
        answers |= dict(zip(keys, found, strict=True))
    return {
        family: Made(
            ran[family],
            root / family,
            {name: one for (f, name), one in exports.items() if f == family},
            {name: one for (f, name), one in answers.items() if f == family},
        )
        for family in ONLY
    }


@pytest.fixture(params=EVERY)
def one(request: pytest.FixtureRequest, made: dict[str, Made]) -> Made:
    return made[request.param]


def same(found: Made, name: str, asking: Asking) -> None:
    values, labels = found.answers[name]
    compare(asking[1], values, labels, stored(found.outcome, asking[0])[1])


@pytest.mark.parametrize("name", ["merged", "small", "stop", "averaged"])
def test_cards_compute_what_the_study_predicted(one: Made, name: str) -> None:
    """LoRA of the stop under that of the target, merged and as peft's; an averaged sweep."""
    same(one, name, FORMED[name])


@pytest.mark.parametrize("name", ["ranking", "translated", "seeds"])
def test_so_do_those_of_ranking_translation_and_averaged_seeds(
    made: dict[str, Made], name: str
) -> None:
    same(made["bert"], name, MORE_FORMED[name])


def test_an_adapter_is_small_and_says_what_it_lies_over(one: Made, tmp_path: Path) -> None:
    small = one.exports["small"]
    assert small.size_bytes < one.exports["merged"].size_bytes / 2
    config = json.loads((small.folder / "adapter_config.json").read_text())
    assert (config["r"], config["base_model_name_or_path"]) == (6, "model")
    again = one.export("low>pocket-nli@0", tmp_path / "again", form="adapter")
    assert again.files == small.files  # equal bytes
    card = ModelCard.load(small.folder / "README.md")
    assert card.data.library_name == "peft"
    assert "over other weights of that name" in card.text
    assert "LoRA of rank 4" in card.text


def test_cards_say_what_was_averaged_and_what_was_read(made: dict[str, Made]) -> None:
    swept, more = made["decoder"], made["bert"]
    assert swept.exports["averaged"].step.startswith("average-")
    assert "the mean of the last 2 checkpoints" in swept.card("averaged")
    assert "learning rate chosen from 0.01, 0.001 by source dev" in swept.card("averaged")
    seeds = more.card("seeds")
    assert more.exports["seeds"].step.startswith("average-")
    assert "the mean of what 2 seeds came to" in seeds
    assert "The mean of the trainings with seeds 0 and 1" in seeds
    assert "This model itself was not evaluated." in seeds  # the route's own scores are another's
    assert "machine translation from en by translator" in more.card("translated")
    text = ModelCard.load(more.folder / "lm" / "README.md")
    assert text.data.language == ["de"]
    assert text.data.pipeline_tag == "fill-mask"
    assert "Trained on German (de) alone." in text.text
    assert "masked language modelling on text of pocket-bitext in German (de)" in text.text


def test_sentence_transformers_give_the_study_s_vectors(one: Made) -> None:
    """Cosines of stored neighbours in every variant; our own vectors for a route with a head."""
    _, wanted = stored(one.outcome, "full>pocket-bitext@0")
    for variant in VARIANTS:
        name = variant.replace("/", "-")
        assert one.exports[name].sentence_transformers
        sources, targets = (np.array(v) for v in one.answers[name][0])
        assert np.allclose(np.linalg.norm(sources, axis=1), 1, atol=1e-6)
        cosines = -np.sort(-(sources @ targets.T), axis=1)[:, :4]
        expected = [p["variants"][variant]["forward_scores"] for p in wanted]
        assert np.allclose(cosines, expected, atol=1e-5), variant
    (direct, _), (unit, _) = one.answers["encoder"], one.answers["tagged"]
    for vectors, others in zip(direct, unit, strict=True):
        lengths = np.linalg.norm(np.array(vectors), axis=1)
        cosines = (np.array(vectors) * np.array(others)).sum(axis=1) / lengths
        assert np.abs(cosines - 1).max() < 1e-6
    card = ModelCard.load(one.folder / "1-mean" / "README.md")
    assert card.data.library_name == "sentence-transformers"


@pytest.mark.parametrize("family", ONLY)
def test_the_output_layer(made: dict[str, Made], family: str, tmp_path: Path) -> None:
    """As `transformers` loads it: the tied table is the one that the stop has trained."""
    found, (route, _, _) = made[family], (MORE_FORMED if family == "bert" else FORMED)["lm"]
    loader = found.exports["lm"].loader
    assert loader == LANGUAGE_MODELS.get(family, "AutoModelForMaskedLM")
    found.export(route, tmp_path)
    model = getattr(transformers, loader).from_pretrained(found.folder / "lm")
    encoder = transformers.AutoModel.from_pretrained(tmp_path)
    own = {name: value for name, value in encoder.state_dict().items() if "pooler" not in name}
    inner = dict(model.base_model.state_dict())
    assert all(torch.equal(value, inner[name]) for name, value in own.items())
    raw = type(model).from_pretrained(found.folder / "study" / "model")
    table, before = (m.get_output_embeddings().weight for m in (model, raw))
    assert not torch.equal(table, before)
    (value,), _ = found.answers["lm"]
    if family in LANGUAGE_MODELS:
        assert isinstance(value, str)
        return
    tokenizer = transformers.AutoTokenizer.from_pretrained(found.folder / "lm")
    rows = tokenizer(["<mask> is here"], return_tensors="pt")
    with torch.inference_mode():
        logits = model.eval()(**rows).logits[0]
    place = rows["input_ids"][0].tolist().index(tokenizer.mask_token_id)
    assert value[0][0] == tokenizer.convert_ids_to_tokens([int(logits[place].argmax())])[0]


WRONG: dict[str, tuple[str, str, dict[str, Any]]] = {
    r"LoRA adapters alone .* own weights were trained; leave": (
        *("xlm-roberta", "full@0"),
        {"form": "adapter"},
    ),
    r"found a bottleneck adapter, which peft does not have": (
        *("xlm-roberta", "narrow@0"),
        {"form": "adapter"},
    ),
    r"found a bottleneck adapter on .*`waystation predict`": ("xlm-roberta", "narrow@0", {}),
    r"expected a form \(.*found 'adaptor'\. Did you mean 'ada": (
        *("xlm-roberta", "full@0"),
        {"form": "adaptor"},
    ),
    r"tagging head; .* take the encoder with --form encoder": (
        *("xlm-roberta", "full>pocket-pos@0"),
        {"variant": "1/mean"},
    ),
    r"^expected a pooling that .* \(mean, cls\), found 1/words for 'bert#text>by-word@0'; choose": (
        *("bert", "text>by-word@0"),
        {},
    ),
    r"^expected a pooling that .* \(mean, cls\), found 2/words for 'bert#text@0'; choose": (
        *("bert", "text@0"),
        {"variant": "2/words", "form": SENTENCES},
    ),
}


@pytest.mark.parametrize("message", WRONG)
def test_forms_that_do_not_fit(made: dict[str, Made], message: str, tmp_path: Path) -> None:
    family, route, options = WRONG[message]
    with pytest.raises((ModelError, UserError), match=message):
        made[family].export(route, tmp_path / "a", **options)
    assert not (tmp_path / "a").exists()


def test_the_verb_names_the_forms(made: dict[str, Made], tmp_path: Path) -> None:
    store = str(made["decoder"].outcome.prepared.store.root)
    arguments = ["export", "decoder#low@0", str(tmp_path / "x"), "--store", store]
    found = CliRunner().invoke(app, [*arguments, "--form", "adapter", "--json"])
    assert found.exit_code == 0, found.output
    assert json.loads(found.output)["form"] == "adapter"
    wrong = CliRunner().invoke(app, [*arguments, "--form", "onnx"])
    assert wrong.exit_code == 2
    assert all(form in re.sub(r"\s+", " ", wrong.output) for form in FORMS)
