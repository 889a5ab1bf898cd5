"""Finding, hashing, checking and selecting examples; every refusal says what to do."""

from __future__ import annotations

import hashlib
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from waystation import readers, sources
from waystation.errors import DataError, UserError
from waystation.examples import ChoiceExample, ClassificationExample, TaggingExample
from waystation.metrics.labels import ACCURACY
from waystation.task import Layout, Task
from waystation.tasks import layouts, under


def read(files, language, split):
    for path in files:
        for _, (id_, text, label) in readers.fields(path, (3,)):
            yield ClassificationExample(id=id_, text=text, label=label)


TASK = Task(
    name="toy",
    version=1,
    summary="",
    example=ClassificationExample,
    layouts=layouts(
        read,
        {"train": "toy/{l}.train", "dev": "toy/{l}.dev", "test": ("toy/{l}.a", "toy/{l}.b")},
        {"train": "old/*-{l}.tsv"},
    ),
    languages=("en", "de"),
    splits=("train", "dev", "test"),
    labels=("yes", "no"),
    metrics=(ACCURACY,),
    source="https://example.org/toy.zip",
)


def put(folder, name, content="1\ta\tyes\n2\tb\tno\n"):
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content, encoding="utf-8")
    return path


def refusal(call, kind=UserError):
    with pytest.raises(kind) as caught:
        call()
    return str(caught.value)


def test_first_complete_layout_wins(tmp_path):
    old_b, old_a = put(tmp_path, "old/b-en.tsv"), put(tmp_path, "old/a-en.tsv")
    assert sources.find(TASK, tmp_path, "en", "train").files == (old_a, old_b)
    new = put(tmp_path, "toy/en.train")
    assert sources.find(TASK, tmp_path, "en", "train").files == (new,)


def test_all_files_of_a_layout_are_needed(tmp_path):
    put(tmp_path, "toy/en.a")
    message = refusal(lambda: sources.find(TASK, tmp_path, "en", "test"))
    assert "found none of: toy/en.a with toy/en.b;" in message
    assert "official release: https://example.org/toy.zip" in message
    assert sources.available(TASK, tmp_path, "test") == ()
    b = put(tmp_path, "toy/en.b", "3\tc\tno\n")
    assert sources.find(TASK, tmp_path, "en", "test").files[1] == b
    assert sources.available(TASK, tmp_path, "test") == ("en",)
    assert not sources.present(TASK, tmp_path, "en", "test+dev")


def test_missing_files_name_every_path(tmp_path):
    message = refusal(lambda: sources.find(TASK, tmp_path, "de", "train"))
    assert f"under {tmp_path}, found none of: toy/de.train; or old/*-de.tsv;" in message
    assert "pass --data DIR with toy/de.train" in refusal(
        lambda: sources.find(TASK, None, "de", "train")
    )
    nowhere = tmp_path / "nowhere"
    assert f"the data folder {nowhere}, found no such folder" in refusal(
        lambda: sources.find(TASK, nowhere, "de", "train")
    )


@pytest.mark.parametrize(
    ("language", "split", "parts"),
    [
        ("deu", "train", ("found 'deu'. Did you mean 'de' (German)?",)),
        ("fr", "train", ("a language of task 'toy', found 'fr'; it has en, de",)),
        ("en", "trian", ("a split of task 'toy'", "found 'trian'. Did you mean 'train'?")),
        ("en", "dev+dve", ("found 'dve'. Did you mean 'dev'?",)),
        ("en", "dev+dev", ("found 'dev' twice",)),
    ],
)
def test_impossible_names(tmp_path, language, split, parts):
    message = refusal(lambda: sources.load(TASK, tmp_path, language, split))
    assert all(part in message for part in parts)


def test_no_release_has_it(tmp_path):
    task = replace(TASK, splits=("train", "extra"))
    assert "no known release has them" in refusal(
        lambda: sources.find(task, tmp_path, "en", "extra")
    )


def test_load(tmp_path):
    path = put(tmp_path, "toy/en.dev")
    loaded = sources.load(TASK, tmp_path, "en", "dev")
    assert [e.id for e in loaded.examples] == ["1", "2"]
    sha = hashlib.sha256(path.read_bytes()).hexdigest()
    assert loaded.files == (("toy/en.dev", sha, path.stat().st_size),)


def test_sums_keep_ids_apart(tmp_path):
    put(tmp_path, "toy/en.dev")
    put(tmp_path, "toy/en.train")
    loaded = sources.load(TASK, tmp_path, "en", "dev+train")
    assert [e.id for e in loaded.examples] == ["dev/1", "dev/2", "train/1", "train/2"]
    assert [file.path for file in loaded.files] == ["toy/en.dev", "toy/en.train"]


@pytest.mark.parametrize(
    ("content", "parts"),
    [
        ("", ("expected at least one example (en, split 'dev'), found none",)),
        ("1\ta\tyes\n2\tb\tno\n1\tc\tno\n", ("found '1' for examples 1 and 3",)),
        ("1\ta\tyess\n", ("(yes, no) in example '1', found 'yess'. Did you mean 'yes'?",)),
    ],
)
def test_bad_contents(tmp_path, content, parts):
    path = put(tmp_path, "toy/en.dev", content)
    message = refusal(lambda: sources.load(TASK, tmp_path, "en", "dev"), DataError)
    assert message.startswith(f"{path}: ")
    assert all(part in message for part in parts)


def built_in(example, **fields):
    layout = Layout(paths=lambda *_: (), read=lambda *_: iter([example]), reads_folder=False)
    return replace(TASK, layouts=(layout,), example=type(example), **fields)


def test_tasks_without_files_need_no_folder():
    task = built_in(ClassificationExample(id="1", text="a", label="no"))
    loaded = sources.load(task, None, "en", "train")
    assert len(loaded.examples) == 1
    assert loaded.files == ()


@pytest.mark.parametrize(
    ("example", "part"),
    [
        (
            TaggingExample(id="s", words=("a", "b"), tags=("yes",)),
            "as many tags as words in example 's', found 1 tags for 2 words",
        ),
        (TaggingExample(id="s", words=("a",), tags=("maybe",)), "found 'maybe'"),
        (
            ChoiceExample(id="c", context="?", options=("a", "b"), label=2),
            "the label of example 'c' to be 0 to 1, found 2",
        ),
    ],
)
def test_wrong_examples_of_a_user_task(example, part):
    task = built_in(example)
    assert part in refusal(lambda: sources.load(task, None, "en", "train"), DataError)


def test_wrong_type_of_example():
    task = replace(
        built_in(ChoiceExample(id="c", context="?", options=("a",))), example=TaggingExample
    )
    message = refusal(lambda: sources.load(task, None, "en", "train"), DataError)
    assert "to read TaggingExample, found ChoiceExample" in message


EXAMPLES = tuple(ClassificationExample(id=str(n), text="x") for n in range(40))


@given(st.integers(1, 60), st.integers(0, 39))
def test_selection_and_skip_are_disjoint_and_complete(count, skip):
    first = sources.select(TASK, EXAMPLES, skip or None) if skip else ()
    rest = sources.select(TASK, EXAMPLES, count, skip)
    assert len(rest) == min(count, 40 - skip)
    assert not {e.id for e in first} & {e.id for e in rest}
    everything = sources.select(TASK, EXAMPLES, None, skip)
    assert {e.id for e in (*first, *everything)} == {e.id for e in EXAMPLES}


def test_selection_ignores_the_order_of_the_file():
    assert sources.select(TASK, EXAMPLES, 7) == sources.select(TASK, EXAMPLES[::-1], 7)
    assert sources.select(TASK, EXAMPLES) == EXAMPLES
    other = replace(TASK, name="other")
    assert sources.select(TASK, EXAMPLES, 7) != sources.select(other, EXAMPLES, 7)


@pytest.mark.parametrize(
    ("examples", "skip", "part"),
    [
        (0, 0, "`examples` to be at least 1, found 0"),
        (1, -1, "`skip` to be at least 0, found -1"),
        (1, 40, "`skip` below the 40 examples of task 'toy', found 40"),
    ],
)
def test_impossible_selections(examples, skip, part):
    assert part in refusal(lambda: sources.select(TASK, EXAMPLES, examples, skip))


def test_under():
    release = {"dev": ("a", "b"), "test": "c"}
    assert under(("x", ""), release) == (
        {"dev": ("x/a", "x/b"), "test": ("x/c",)},
        {"dev": ("a", "b"), "test": ("c",)},
    )
