"""Span tasks on small files in each release's own layout."""

from __future__ import annotations

import json

import pytest

from waystation import sources
from waystation.errors import DataError
from waystation.examples import Answer
from waystation.task import get


def article(title, *paragraphs):
    """An article of (context, {id: answer}), each answer found in its context."""
    return {
        "title": title,
        "paragraphs": [
            {
                "context": context,
                "qas": [
                    {
                        "id": id_,
                        "question": "Who?",
                        "answers": [{"text": a, "answer_start": context.index(a)}],
                    }
                    for id_, a in answers.items()
                ],
            }
            for context, answers in paragraphs
        ],
    }


def put(folder, name, content):
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content), encoding="utf-8")
    return path


def load(folder, name, split, language="en"):
    return sources.load(get(name), folder, language, split).examples


def test_official_squad(tmp_path):
    data = {"version": "1.1", "data": [article("T", ("A cat.", {"b": "cat", "a": "A"}))]}
    put(tmp_path, "squad/train-v1.1.json", data)
    first, second = load(tmp_path, "squad-v1", "train")
    assert (first.id, first.group, second.group) == ("b", "a", "a")
    assert first.answers == (Answer(text="cat", start=2),)


def sample(folder, mrqa=()):
    articles = [
        article("American_Idol", ("A cat.", {"1": "cat"})),
        article("Pain", ("A dog.", {"2": "dog"})),
        article("Huguenot", ("A cow.", {"3": "cow"})),
    ]
    put(folder, "squad/squad_v1.1-20articles.json", {"data": articles})
    put(folder, "squad/mrqa_squad-4330.list.json", list(mrqa))


def test_sample_of_squad_is_cut_by_article(tmp_path):
    rows = [
        {"context": "A dog.", "question": "Who?", "answer": "dog"},
        {"context": "An owl, an owl.", "question": "Who?", "answer": "owl"},
        {"context": "An owl, an owl.", "question": "What?", "answer": "an owl"},
    ]
    sample(tmp_path, rows)
    train = load(tmp_path, "squad-v1", "train")
    assert [(e.id, e.group) for e in train] == [
        ("1", "1"),
        ("mrqa-2", "mrqa-2"),
        ("mrqa-3", "mrqa-2"),
    ]
    assert train[1].answers == (Answer(text="owl", start=3),)
    assert [e.id for e in load(tmp_path, "squad-v1", "dev")] == ["2"]
    assert [e.id for e in load(tmp_path, "squad-v1", "xquad-articles")] == ["3"]


@pytest.mark.parametrize(
    ("rows", "part"),
    [
        ([{"context": "A", "question": "?", "answer": "B"}], "'B' of entry 1 in its context"),
        ([{"context": "A", "question": "?"}], "expected the field 'answer'"),
    ],
)
def test_sample_faults(tmp_path, rows, part):
    sample(tmp_path, rows)
    with pytest.raises(DataError) as caught:
        load(tmp_path, "squad-v1", "train")
    assert "mrqa_squad-4330.list.json: expected" in str(caught.value)
    assert part in str(caught.value)


def test_sample_list_that_is_no_json(tmp_path):
    sample(tmp_path)
    for content in ("[", "{}"):
        (tmp_path / "squad/mrqa_squad-4330.list.json").write_text(content)
        with pytest.raises(DataError, match="expected a JSON list"):
            load(tmp_path, "squad-v1", "train")


def test_squad_v2_has_questions_without_answer(tmp_path):
    data = {"data": [article("T", ("A cat.", {"1": "cat"}))]}
    question = {"id": "2", "question": "Why?", "answers": [], "is_impossible": True}
    data["data"][0]["paragraphs"][0]["qas"].append(question)
    put(tmp_path, "squad/dev-v2.0.json", data)
    assert [e.answers for e in load(tmp_path, "squad-v2", "dev")] == [
        (Answer(text="cat", start=2),),
        (),
    ]


def test_xquad_and_mlqa_files(tmp_path):
    data = {"data": [article("T", ("Eine Katze.", {"1": "Katze"}))]}
    put(tmp_path, "xquad/xquad.de.json", data)
    put(tmp_path, "mlqa/MLQA_V1/dev/dev-context-de-question-de.json", data)
    assert load(tmp_path, "xquad", "test", "de") == load(tmp_path, "mlqa", "dev", "de")
    assert get("xquad").train == get("mlqa").train == ("squad-v1",)


def test_tydiqa_layouts(tmp_path):
    data = {
        "data": [article("T", ("Kissa.", {"finnish-1": "Kissa"}), ("A cat.", {"english-2": "cat"}))]
    }
    put(tmp_path, "tydiqa/tydiqa-goldp-v1.1-train.json", data)
    assert [e.id for e in load(tmp_path, "tydiqa", "train", "fi")] == ["finnish-1"]
    one = {"data": data["data"][:1]}
    put(tmp_path, "tydiqa/tydiqa-goldp-v1.1-dev/tydiqa-goldp-dev-finnish.json", one)
    assert len(load(tmp_path, "tydiqa", "dev", "fi")) == 2
    put(tmp_path, "tydiqa/tydiqa-goldp-v1.1-train/tydiqa.goldp.en.train.json", one)
    assert len(load(tmp_path, "tydiqa", "train", "en")) == 2


def test_mlqa_pairs_of_two_languages_are_splits(tmp_path):
    both = {"data": [article("T", ("Eine Katze.", {"a": "Katze"}))]}
    asked = json.loads(json.dumps(both))
    asked["data"][0]["paragraphs"][0]["qas"][0]["question"] = "Wer?"
    put(tmp_path, "mlqa/MLQA_V1/test/test-context-de-question-en.json", both)
    put(tmp_path, "mlqa/MLQA_V1/test/test-context-de-question-de.json", asked)
    assert load(tmp_path, "mlqa", "test", "de")[0].question == "Wer?"
    assert load(tmp_path, "mlqa", "test-question-de", "de")[0].question == "Wer?"
    (example,) = load(tmp_path, "mlqa", "test-question-en", "de")
    assert (example.question, example.context) == ("Who?", "Eine Katze.")
    assert not sources.present(get("mlqa"), tmp_path, "en", "test-question-de")
