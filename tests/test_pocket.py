"""The pocket benchmark: worlds, frames, tasks, sizes, artifacts and committed samples."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from scipy.sparse import hstack
from sklearn.ensemble import RandomForestClassifier
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import LogisticRegression

from waystation.errors import UserError
from waystation.examples import digest_of_lines
from waystation.languages import language as row_of
from waystation.pocket import LANGUAGES, VERSION, gloss, tasks
from waystation.pocket.grammar import grammar, table
from waystation.pocket.world import CONVERSE, WORLDS, scatter
from waystation.task import CATALOGUE, Task, get

DOCS = Path(__file__).parents[1] / "docs" / "pocket"
NAMES = tuple(name for name in CATALOGUE if name.startswith("pocket-"))


def some(task: str, language: str, split: str = "test", count: int = 24) -> list:
    return list(tasks.examples(task, language, split, range(count)))


def languages_of(task: str) -> tuple[str, ...]:
    found: Task = get(task)
    return found.languages


def test_breadth():
    grammars = [grammar(code) for code in LANGUAGES]
    assert len(LANGUAGES) == 16
    assert len({g.family for g in grammars}) == 12
    assert len({g.script for g in grammars}) == 9
    assert sum(not g.spaced for g in grammars) == 3
    for g in grammars:  # the project's table of languages names the same families
        assert (row_of(g.code).family, row_of(g.code).name) == (g.family, g.name)
    assert [g.code for g in grammars] == list(LANGUAGES)


@pytest.mark.parametrize("code", LANGUAGES)
def test_every_concept_has_words(code):
    g = grammar(code)
    for world in WORLDS.values():
        for name in (*world.women, *world.men, *world.families):
            assert g.names[name]
        for thing in (thing for things in world.things.values() for thing in things):
            for adjective in ("", *world.adjectives):
                assert g.thing(thing, adjective, "acc")
        assert set(world.cities + world.spots) <= set(g.places)
        assert all(g.time(moment) for moment in world.times)
        assert {noun for noun, _ in world.nouns} <= set(g.people)
        assert {*CONVERSE, *CONVERSE.values(), *world.deeds} <= set(g.verbs)
    assert set(g.verbs) == set(grammar("en").verbs)
    assert set(g.things) == set(grammar("en").things)


@pytest.mark.parametrize("code", LANGUAGES)
def test_names_and_things_are_told_apart(code):
    g = grammar(code)
    assert len(set(g.names.values())) == len(g.names)
    assert len({g.thing(thing, "", "acc") for thing in g.things}) == len(g.things)


def test_splits_are_disjoint():
    def parts(split: str) -> list[set[str]]:
        world = WORLDS[split]
        things = {thing for found in world.things.values() for thing in found}
        nouns = {noun for noun, _ in world.nouns}
        return [
            {*world.women, *world.men, *world.families, *nouns},
            {*world.cities, *world.spots},
            things,
            set(world.adjectives),
            set(world.times),
        ]

    for one, two in (("train", "dev"), ("train", "test"), ("dev", "test")):
        for mine, theirs in zip(parts(one), parts(two), strict=True):
            assert not mine & theirs
    assert WORLDS["train"].linked != WORLDS["test"].linked
    assert not set(WORLDS["train"].orders) & set(WORLDS["test"].orders)


@pytest.mark.parametrize("task", NAMES)
def test_tasks_are_complete_and_parallel(task):
    found = get(task)
    layout = found.layouts[0]
    assert not layout.reads_folder
    assert layout.paths("en", "train") == ()
    assert found.version == VERSION + (task == "pocket-bitext")
    assert found.licence == "Apache-2.0"
    ids = None
    for language in found.languages:
        examples = some(task, language)
        assert all(type(example) is found.example for example in examples)
        assert all(example.id == example.group for example in examples)
        ids = ids or [example.id for example in examples]
        assert [example.id for example in examples] == ids
    assert ids[12] == "test-00012"
    assert sum(1 for _ in layout.read((), "de", "dev")) == tasks.SIZES["dev"]


@pytest.mark.parametrize("task", NAMES)
def test_random_access_gives_the_same_examples(task):
    language = languages_of(task)[-1]
    assert list(tasks.examples(task, language, "train", [41, 7])) == [
        some(task, language, "train", 42)[41],
        some(task, language, "train", 42)[7],
    ]


def test_examples_have_not_changed_without_a_new_version():
    """Bytes of VERSION 1; on any change raise VERSION and put the new digests here."""

    def digest(first: int, last: int) -> str:
        everything = [
            example
            for task in NAMES
            for language in languages_of(task)
            for split in tasks.SIZES
            for example in some(task, language, split, 10)
            if language in LANGUAGES[first:last]
        ]
        return digest_of_lines(everything)[:16]

    found = (VERSION, digest(0, 12), digest(12, 16))
    assert found == (1, "5170f971c9ce941d", "95aa40081ec29e67")


@pytest.mark.parametrize("task", ["pocket-topic", "pocket-nli", "pocket-paraphrase"])
def test_labels_are_balanced_and_the_same_in_every_language(task):
    gold = [example.label for example in some(task, "en", count=60)]
    assert set(gold) == set(get(task).labels)
    counts = Counter(gold)
    assert max(counts.values()) - min(counts.values()) <= 1
    for language in LANGUAGES:
        assert [example.label for example in some(task, language, count=60)] == gold


def test_choices_are_balanced_and_distinct():
    for language in LANGUAGES:
        examples = some("pocket-choice", language, count=60)
        assert sum(example.label for example in examples) == 30
        assert all(len(set(example.options)) == 2 for example in examples)


@pytest.mark.parametrize("language", LANGUAGES)
def test_answers_lie_in_their_contexts(language):
    for split in tasks.SIZES:
        for example in some("pocket-qa", language, split, 60):
            (answer,) = example.answers
            assert answer.text
            assert example.context[answer.start :].startswith(answer.text)


@pytest.mark.parametrize("language", LANGUAGES)
def test_tags_are_known_and_aligned(language):
    for split in tasks.SIZES:
        for task, known in (("pocket-pos", tasks.UPOS), ("pocket-ner", tasks.ENTITIES)):
            for example in some(task, language, split, 60):
                assert len(example.words) == len(example.tags)
                assert set(example.tags) <= set(known)
                assert all(word and word == word.strip() for word in example.words)


@pytest.mark.parametrize(
    ("split", "languages"), [("dev", ("zh", "ko", "th")), ("test", ("hi", "ta", "vi"))]
)
def test_bitext_is_distinct_on_both_sides(split, languages):
    for language in languages:
        examples = some("pocket-bitext", language, split, tasks.SIZES[split])
        assert len({example.source for example in examples}) == len(examples)
        assert len({example.target for example in examples}) == len(examples)
    assert "en" not in languages_of("pocket-bitext")


def test_scatter_is_a_bijection():
    assert len({scatter(index, (3, 5, 4)) for index in range(60)}) == 60
    with pytest.raises(UserError, match=r"an index below 60, .* found 60; ask for fewer examples"):
        scatter(60, (3, 5, 4))


def test_unknown_names_are_one_sentence():
    with pytest.raises(UserError, match=r"expected a language of pocket .*, found 'xx'"):
        tasks.examples("pocket-pos", "xx", "train", [0])
    with pytest.raises(UserError, match=r"expected a split of pocket \(train, .*found 'tset'"):
        tasks.examples("pocket-pos", "en", "tset", [0])
    with pytest.raises(UserError, match=r"expected a task of pocket .*found 'pocket-no'"):
        tasks.examples("pocket-no", "en", "train", [0])


def test_faulty_tables_are_refused():
    with pytest.raises(ValueError, match="expected 2 cells"):
        table("thing noun\nbread")
    with pytest.raises(ValueError, match="expected one row for bread"):
        table("thing noun\nbread a\nbread b")


def test_the_committed_samples_are_up_to_date():
    for code in LANGUAGES:
        page = gloss.page(code)
        assert (DOCS / f"{code}.md").read_text(encoding="utf-8") == page, (
            "run: python -m waystation.pocket.gloss docs/pocket"
        )
        assert page.count("\n**") == 50


def test_the_committed_sentences_are_up_to_date():
    page = gloss.sentences()
    assert (DOCS / "sentences.md").read_text(encoding="utf-8") == page, (
        "run: python -m waystation.pocket.gloss docs/pocket"
    )
    sections = page.split("\n## ")[1:]
    assert [section.split("`")[1] for section in sections] == list(LANGUAGES)
    for code, section in zip(LANGUAGES, sections, strict=True):
        g = grammar(code)
        assert f"Family: {g.family}. Script: {g.script}." in section
        (shown,) = tasks.examples("pocket-topic", code, "train", [97])
        words = [row.split(" | ")[0][2:] for row in section.splitlines() if row.startswith("| ")]
        assert "".join(words[1:]).replace(" ", "") == shown.text.replace(" ", "")
        for label in ("Topic: **music**", "**entailment**", "**paraphrase**", "B-PER", "B-LOC"):
            assert label in section


def test_gloss_writes_pages_and_says_what_it_needs(tmp_path, capsys):
    assert gloss.main([str(tmp_path / "new")]) == 0
    assert len(list((tmp_path / "new").iterdir())) == len(LANGUAGES) + 1
    assert gloss.main([]) == 2
    assert "expected one folder" in capsys.readouterr().out


def test_examples_do_not_depend_on_the_process():
    code = (
        "from waystation.pocket.tasks import examples;"
        "print(ascii([next(examples(t, 'tr', 'train', [5])) for t in "
        f"{list(NAMES)!r}]))"
    )
    runs = {
        subprocess.run(
            [sys.executable, "-c", code],
            env={"PYTHONHASHSEED": seed, "PYTHONPATH": ":".join(sys.path)},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert len(runs) == 1


def _vectorizer(language: str, texts: list[str]) -> CountVectorizer:
    """Words; single characters where words are not separated."""
    how = {} if grammar(language).spaced else {"analyzer": "char"}
    return CountVectorizer(token_pattern=r"[^\s.,?؟،।]+", **how).fit(texts)


def _overlap(analyze, one: str, two: str) -> list[float]:
    first, second = analyze(one), analyze(two)
    shared, either = set(first) & set(second), set(first) | set(second)
    inside = sum(word in shared for word in second) / len(second)
    sizes = [len(shared), len(either), len(first), len(second), len(first) - len(second)]
    return [*sizes, len(shared) / len(either), inside]


def artifact_accuracies(task: str, language: str) -> dict[str, float]:
    """Accuracies on test of baselines that cannot know the answer, fitted on train.

    The overlap baseline is also fitted on other test items, lest a change of templates hide
    what it could have used.
    """
    train, test = some(task, language, "train", 1000), some(task, language, "test", 2000)
    other, test = test[1000:], test[:1000]
    linear = LogisticRegression(max_iter=300)
    forest = RandomForestClassifier(60, min_samples_leaf=25, random_state=0)

    def sides(example) -> tuple[str, ...]:
        if task == "pocket-choice":
            return (example.context, *example.options)
        return (example.text, example.pair)

    vectors = _vectorizer(language, [" ".join(sides(example)) for example in train])
    analyze = vectors.build_analyzer()

    def part(examples: list, positions: tuple[int, ...]):
        columns = [vectors.transform([sides(e)[i] for e in examples]) for i in positions]
        return hstack(columns).tocsr()

    def overlap(examples: list) -> np.ndarray:
        return np.array(
            [
                [value for s in sides(e)[1:] for value in _overlap(analyze, sides(e)[0], s)]
                for e in examples
            ]
        )

    def gold(examples: list) -> list:
        return [example.label for example in examples]

    hypothesis = (1, 2) if task == "pocket-choice" else (1,)
    found = {}
    for name, view in (("hypothesis", hypothesis), ("bags", (0, *hypothesis))):
        linear.fit(part(train, view), gold(train))
        found[name] = linear.score(part(test, view), gold(test))
    for name, fitted in (("overlap", train), ("overlap within", other)):
        forest.fit(overlap(fitted), gold(fitted))
        found[name] = forest.score(overlap(test), gold(test))
    return {name: 100 * value for name, value in found.items()}


PAIRS = ("pocket-nli", "pocket-paraphrase", "pocket-choice")
FAST = (("pocket-nli", "en"), ("pocket-paraphrase", "ru"), ("pocket-choice", "zh"))


def _artifacts(task: str, language: str) -> None:
    chance = get(task).chance
    for name, accuracy in artifact_accuracies(task, language).items():
        assert abs(accuracy - chance) <= 5, (task, language, name, accuracy)


@pytest.mark.parametrize(("task", "language"), FAST)
def test_artifacts_stay_near_chance(task, language):
    _artifacts(task, language)


@pytest.mark.slow
@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("task", PAIRS)
def test_artifacts_stay_near_chance_everywhere(task, language):
    _artifacts(task, language)


def test_the_artifact_baselines_can_find_an_artifact(monkeypatch):
    """The same baselines reach the label once a single word gives it away."""
    honest = tasks.examples

    def leaking(task, language, split, indices):
        for example in honest(task, language, split, indices):
            mark = {"entailment": "so", "neutral": "perhaps", "contradiction": "not"}
            yield type(example)(
                id=example.id,
                text=example.text,
                pair=f"{example.pair} {mark[example.label]}",
                label=example.label,
            )

    monkeypatch.setattr(tasks, "examples", leaking)
    assert artifact_accuracies("pocket-nli", "en")["hypothesis"] > 90
