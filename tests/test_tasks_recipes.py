"""What every target of the two benchmarks carries: training source, recipe, licence, sizes."""

from __future__ import annotations

import pytest

import miniatures
from waystation import benchmarks
from waystation.catalogue import in_numbers, sizes
from waystation.examples import HeadSpec
from waystation.settings import TrainConfig
from waystation.task import CATALOGUE, get

# task -> fine-tuned on; learning rate, epochs, batch, tokens of XLM-R Large in the scripts
OFFICIAL = {
    "xnli": (("mnli",), 3e-5, 5, 32, 128),
    "pawsx": ((), 2e-5, 5, 32, 128),
    "udpos": ((), 2e-5, 10, 32, 128),
    "panx": ((), 2e-5, 10, 32, 128),
    "xquad": (("squad-v1",), 3e-5, 3, 32, 384),
    "mlqa": (("squad-v1",), 3e-5, 3, 32, 384),
    "tydiqa": ((), 2.1e-5, 3, 32, 384),
    "xcopa": (("socialiqa", "copa"), 3e-5, 5, 32, 128),
    "lareqa": (("squad-r",), 2e-5, 3, 16, 256),
    "mewslix": (("mewslix-pairs",), 1e-5, 2, 32, 64),
}
UNTRAINED = {"tatoeba": 512, "bucc2018": 512}


def test_every_target_of_both_benchmarks_is_listed():
    assert {*OFFICIAL, *UNTRAINED} == {*miniatures.TASKS}


@pytest.mark.parametrize(("name", "row"), OFFICIAL.items())
def test_recipes_are_those_of_the_official_scripts(name, row):
    task = get(name)
    config = TrainConfig.model_validate(dict(task.recipe))
    found = (config.learning_rate, config.epochs, config.batch_size, config.max_tokens)
    assert (task.train, *found) == row
    for source in task.train:
        assert get(source).recipe == task.recipe


@pytest.mark.parametrize(("name", "tokens"), UNTRAINED.items())
def test_targets_without_training(name, tokens):
    task = get(name)
    assert task.train_split not in task.splits
    assert task.recipe == (("max_tokens", tokens),)


@pytest.mark.parametrize("name", miniatures.TASKS)
def test_languages_are_those_of_the_benchmarks_or_more(name):
    task = get(name)
    for benchmark in benchmarks.BENCHMARKS.values():
        for part in benchmark.parts:
            if part.name == name:
                assert set(part.languages) <= set(task.languages)
                known = sizes(task).get(task.test_split, {})
                assert part.size is None or part.size in known.get("*", [])
    assert task.licence
    assert task.citation
    assert task.source


def test_official_layers_and_poolings():
    found = {name: [get(name).official_variant(layers) for layers in (12, 24, 6)]
             for name in ("tatoeba", "bucc2018", "lareqa", "mewslix")}  # fmt: skip
    assert found == {
        "tatoeba": ["8/mean", "14/mean", None],
        "bucc2018": ["8/cls/ratio", "20/cls/ratio", None],
        "lareqa": ["12/cls", "24/cls", None],
        "mewslix": ["12/cls", "24/cls", None],
    }


def test_the_official_variant_among_those_measured():
    tatoeba = get("tatoeba")
    assert tatoeba.official_among([f"{n}/mean" for n in range(13)]) == "8/mean"
    assert tatoeba.official_among(["8/cls", "12/mean"]) is None  # not measured
    assert tatoeba.official_among(["6/mean", "4/mean"]) is None  # no such backbone
    assert tatoeba.official_among([""]) is None


def test_queries_and_mining():
    assert get("bucc2018").mines
    assert get("bucc2018").tune_split == "dev"
    assert get("bucc2018").head == HeadSpec(kind="query", options=(("search", "mine"),))
    assert [name for name in CATALOGUE if get(name).shared_pool] == ["lareqa", "mewslix"]


def test_sizes_in_numbers():
    assert list(in_numbers(get("xnli"))) == ["dev 2,490", "test 5,010"]
    assert "test 4,517 to 11,590 by language" in list(in_numbers(get("mlqa")))
    assert sizes(get("lareqa")) == {"test": {"*": [1190]}}
    assert sizes(get("pocket-nli")) == {}
