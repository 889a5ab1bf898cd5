"""The miniature files are read by every task of both benchmarks, in all of their languages."""

from __future__ import annotations

import pytest

import miniatures
from waystation import sources
from waystation.task import get

TRAINING = {
    "mnli": ("train", "dev"), "pawsx": ("train", "dev"), "udpos": ("train", "dev"),
    "panx": ("train", "dev"), "squad-v1": ("train", "dev"), "tydiqa": ("train",),
    "socialiqa": ("train", "dev"), "copa": ("train", "dev"), "squad-r": ("train", "dev"),
    "mewslix-pairs": ("train", "dev"), "snli": ("train", "dev"), "anli": ("train", "dev"),
    "qqp": ("train", "dev"), "squad-v2": ("train", "dev"), "hellaswag": ("train", "dev", "test"),
    "commonsenseqa": ("train", "dev", "test"), "cosmosqa": ("train", "dev"), "ccg": ("dev", "test"),
}  # fmt: skip


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return miniatures.write(tmp_path_factory.mktemp("data"))


@pytest.mark.parametrize("name", miniatures.TASKS)
def test_every_language_has_its_test_part_with_gold(folder, name):
    task = get(name)
    for language in miniatures.languages_of(name):
        loaded = sources.load(task, folder, language, task.test_split)
        assert 6 <= len(loaded.examples) <= miniatures.ITEMS
        gold = {"classification": "label", "choice": "label", "tagging": "tags", "span": "answers",
                "query": "relevant", "bitext": "target"}[task.kind]  # fmt: skip
        assert all(getattr(example, gold) is not None for example in loaded.examples)


@pytest.mark.parametrize(("name", "splits"), TRAINING.items())
def test_english_training_parts(folder, name, splits):
    for split in splits:
        assert len(sources.load(get(name), folder, "en", split).examples) == miniatures.ITEMS


@pytest.mark.parametrize("name", ["bucc2018", "lareqa", "mewslix", "squad-r", "mewslix-pairs"])
def test_what_is_relevant_is_in_the_pool(folder, name):
    task = get(name)
    for language in task.languages:
        tags = task.languages if task.shared_pool else (language,)
        pool = {c.id for c in sources.load_pool(task, folder, tags, task.test_split).examples}
        queries = sources.load(task, folder, language, task.test_split).examples
        assert {id_ for query in queries for id_ in query.relevant} <= pool
        assert any(query.relevant for query in queries)


def test_the_same_bytes_every_time(tmp_path):
    def contents(folder):
        return {
            path.relative_to(folder): path.read_bytes()
            for path in folder.rglob("*")
            if path.is_file()
        }

    first, second = (miniatures.write(tmp_path / name, ["de", "he"]) for name in "ab")
    assert contents(first) == contents(second)
    assert not sources.present(get("xquad"), first, "zh", "test")
