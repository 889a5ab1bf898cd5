"""Every task's rows on the hub, from parquet files with the features that its card publishes."""

from __future__ import annotations

import functools
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from hub_rows import PUBLISHED, Dataset, question
from hub_server import FakeHub, connect, parquet, serving
from official import ABSENT, DATA
from waystation import hub, sources
from waystation.errors import DataError
from waystation.examples import (
    Answer,
    BitextExample,
    ChoiceExample,
    ClassificationExample,
    RegressionExample,
    SpanExample,
    TaggingExample,
    digest,
)
from waystation.hub_files import Hub
from waystation.task import CATALOGUE, get


def first(text: str) -> str:
    return digest(text)[:12]


def pair(id_: str, group: str | None, text: str, other: str, label: str | None) -> Any:
    return ClassificationExample(id=id_, group=group, text=text, pair=other, label=label)


def span(id_: str, group: str, ask: str, context: str, *answers: tuple[str, int]) -> Any:
    found = tuple(Answer(text=text, start=start) for text, start in answers)
    return SpanExample(id=id_, group=group, question=ask, context=context, answers=found)


CAT, CHAIRS = "A cat sleeps.", ("bed", "sky", "chair", "sea", "box")
EXPECTED: dict[str, list[Any]] = {
    "snli": [
        pair("1", first(CAT), CAT, "An animal sleeps.", "entailment"),
        pair("3", first(CAT), CAT, "A cat runs.", "contradiction"),
    ],
    "mnli": [pair("75290c", first("It rains."), "It rains.", "It is wet.", "neutral")],
    "anli": [
        pair("a-1", first("P"), "P", "H", "contradiction"),
        pair("a-2", first("P"), "P", "I", "entailment"),
    ],
    "xnli": [
        pair("1", "p0", "Es regnet.", "Nass.", "entailment"),
        pair("2", "p0", "Es regnet.", "Kalt.", "neutral"),
        pair("3", "p0", "Es regnet.", "Trocken.", "contradiction"),
        pair("4", "p1", "Nacht.", "Tag.", "contradiction"),
    ],
    "pawsx": [pair("11", "s11", "Un.", "Deux.", "0"), pair("12", "s12", "Un.", "Un !", "1")],
    "sick": [pair("24", None, "A.", "B.", "neutral")],
    "rte": [
        pair("0", first("One."), "One.", "Two.", "entailment"),
        pair("1", first("One."), "One.", "Three.", "not_entailment"),
    ],
    "mrpc": [pair("1", None, "One.", "Two.", "1"), pair("2", None, "One.", "Three.", "0")],
    "qqp": [pair("5", None, "Why?", "How?", "0"), pair("6", None, "Why?", "What for?", "1")],
    "sts-b": [
        RegressionExample(id="0", text="One.", pair="Two.", value=3.8),
        RegressionExample(id="1", text="One.", pair="Three.", value=None),
    ],
    "commonsenseqa": [
        ChoiceExample(id="ab12", context="Where do you sit?", options=CHAIRS, label=2),
        ChoiceExample(id="cd34", context="Where do you sit?", options=CHAIRS, label=None),
    ],
    "socialiqa": [
        ChoiceExample(
            id="1",
            group=first("Kim left."),
            context="Kim left. Why?",
            options=("late", "bored", "ill"),
            label=2,
        )
    ],
    "cosmosqa": [
        ChoiceExample(
            id=own,
            group=first("I slept."),
            context="I slept. Why?",
            options=tuple(f"reason {n}" for n in range(4)),
            label=label,
        )
        for own, label in (("x##1", 3), ("x##2", None))
    ],
    "hellaswag": [
        ChoiceExample(
            id=str(number),
            group="mini~1",
            context="Cooking: A pot boils. she",
            options=("stirs.", "sings.", "flies.", "reads."),
            label=label,
        )
        for number, label in ((1, 0), (2, None))
    ],
    "copa": [
        ChoiceExample(
            id="0",
            group="test-0",
            context="It fell. What was the cause?",
            options=("I dropped it.", "I slept."),
            label=None,
        ),
        ChoiceExample(
            id="1",
            group="test-1",
            context="It fell. What was the effect?",
            options=("I slept.", "It broke."),
            label=1,
        ),
    ],
    "xcopa": [
        ChoiceExample(
            id="4",
            group="dev-4",
            context="Sadas. What was the effect?",
            options=("Märg.", "Kuiv."),
            label=0,
        )
    ],
    "udpos": [
        TaggingExample(id="1", words=("Der", "Hund", "bellt"), tags=("DET", "NOUN", "VERB")),
        TaggingExample(id="2", words=("Ja", "!"), tags=("PART", "PUNCT")),
    ],
    "panx": [
        TaggingExample(
            id="1",
            words=("Dar", "es", "Salaam", "ni", "mji"),
            tags=("B-LOC", "I-LOC", "I-LOC", "O", "O"),
        )
    ],
    "wnut17": [
        TaggingExample(id="1", words=("Ana", "flew"), tags=("B-person", "O")),
        TaggingExample(
            id="2", words=("to", "Oslo", "Town"), tags=("O", "B-location", "I-location")
        ),
    ],
    "squad-v1": [
        span("5b", "5a", "Who met Bo?", "Ann met Bo.", ("Ann", 0)),
        span("5a", "5a", "Whom?", "Ann met Bo.", ("Bo", 8), ("Bo.", 8)),
        span("4c", "4c", "Who ran?", " Cy ran.", ("Cy", 1)),
    ],
    "squad-v2": [
        span("6a", "6a", "Who met Bo?", "Ann met Bo.", ("Ann", 0)),
        span("6b", "6a", "Who met Cy?", "Ann met Bo."),
    ],
    "xquad": [
        span("7b", "7a", "क्या?", "घर बड़ा है", ("घर", 0)),
        span("7a", "7a", "कैसा?", "घर बड़ा है", ("बड़ा", 3)),
    ],
    "mlqa": [span("8a", "8a", "Wen?", "Ann traf Bo.", ("Bo", 9))],
    "tydiqa": [span("arabic-2-1", "arabic-2-1", "ما؟", "بيت كبير", ("بيت", 0))],
    "tatoeba": [
        BitextExample(id="1", group=first("Hello."), source="你好。", target="Hello."),
        BitextExample(id="2", group=first("Thanks."), source="谢谢。", target="Thanks."),
    ],
}


@pytest.fixture
def fake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeHub]:
    with serving() as running:
        connect(monkeypatch, tmp_path, running.endpoint)
        yield running


@pytest.mark.parametrize(
    ("where", "data"), PUBLISHED.items(), ids=["/".join(key) for key in PUBLISHED]
)
def test_rows_become_examples(fake: FakeHub, where: tuple[str, str, str], data: Dataset) -> None:
    name, language, split = where
    sha = fake.put(
        data.repository,
        {data.config: {data.split: data.rows}},
        data.features,
        converted=data.converted,
    )
    loaded = sources.load(get(name), Hub(), language, split)
    assert list(loaded.examples) == EXPECTED[name]
    (file,) = loaded.files
    assert file.path.startswith(f"hf://datasets/{data.repository}@{sha}/{data.config}/")


def test_every_task_with_a_release_has_a_schema_that_is_tested_and_marked_unverified() -> None:
    elsewhere = {"multichecklist", "ccg"}  # generated suites; a licensed corpus
    elsewhere |= {"multi30k", "flores200", "small_parallel_enja"}  # parallel text in its own files
    released = {
        name
        for name in CATALOGUE
        if not name.startswith("pocket-") and not get(name).pools and name not in elsewhere
    }
    assert {name for name, _, _ in PUBLISHED} == released == set(EXPECTED)
    for name in released:
        source = get(name).hub
        assert source is not None
        assert source.verified is False
        assert source.card.startswith("https://huggingface.co/datasets/")
        assert set(source.splits) <= set(get(name).splits)
        assert any(source.has(tag, split) for tag in get(name).languages for split in source.splits)


def read(tmp_path: Path, name: str, rows: list[dict[str, Any]], **columns: Any) -> list[Any]:
    """Rows of a task's dataset, with some features replaced, read directly."""
    (where,) = [key for key in PUBLISHED if key[0] == name]
    data = PUBLISHED[where]
    file = tmp_path / "rows.parquet"
    file.write_bytes(parquet(rows, type(data.features)({**data.features, **columns})))
    source = get(name).hub
    assert source is not None
    return list(hub.read(source, [file], *where[1:]))


def rows_of(name: str) -> list[dict[str, Any]]:
    (found,) = [data.rows for key, data in PUBLISHED.items() if key[0] == name]
    return [dict(row) for row in found]


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import datasets

    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", str(tmp_path / "datasets"))


@pytest.mark.parametrize(
    ("name", "column", "value", "found"),
    [
        ("snli", "premise", " ", "expected text in the column 'premise', found ' '"),
        ("sts-b", "label", 7.0, "between 0 and 5"),
        ("commonsenseqa", "answerKey", "F", "'answerKey' among"),
        ("socialiqa", "label", "4", "'label' to be 1, 2 or 3, found '4'"),
        ("cosmosqa", "label", 4, "'label' from 0 to 3"),
        ("hellaswag", "label", "4", "'label' from 0 to 3 or empty, found 4 and '4'"),
        ("hellaswag", "endings", ["a", "b", "c"], "four texts in 'endings'"),
        ("xcopa", "question", "why", "to be cause or effect, found 'why'"),
        ("wnut17", "tokens", ["", "flew"], "expected words in 'tokens'"),
        ("squad-v1", "answers", {"text": [], "answer_start": []}, "at least one answer"),
        ("squad-v1", "answers", {"text": ["Bo"], "answer_start": [7]}, "at character 7"),
        ("squad-v1", "answers", {"text": ["Bo"], "answer_start": []}, "a start for each"),
        ("xquad", "answers", {"text": ["घर"], "answer_start": [9]}, "at character 9"),
    ],
)
def test_a_row_that_is_not_as_documented_is_named(
    tmp_path: Path, name: str, column: str, value: Any, found: str
) -> None:
    rows = rows_of(name)
    rows[0][column] = value
    with pytest.raises(DataError) as caught:
        read(tmp_path, name, rows)
    assert "rows.parquet:1: " in str(caught.value)
    assert found in str(caught.value)


def test_hidden_tags_are_no_gold(tmp_path: Path) -> None:
    rows = rows_of("wnut17")
    rows[0]["ner_tags"] = [-1, -1]
    assert [example.tags for example in read(tmp_path, "wnut17", rows)] == [
        None,
        ("O", "B-location", "I-location"),
    ]


def test_offsets_of_a_paragraph_are_moved_together_or_not_at_all(tmp_path: Path) -> None:
    """'a' is at 2 and at 4; only two characters to the left put both answers in place."""
    context = "b a a c"
    rows = [question("2", context, "?", ("a", 4)), question("1", context, "?", ("c", 8))]
    found = read(tmp_path, "xquad", rows)
    assert [example.answers[0].start for example in found] == [2, 6]
    unmoved = [question("2", context, "?", ("a", 4))]
    assert read(tmp_path, "xquad", unmoved)[0].answers[0].start == 4


# -- against the official files ------------------------------------------------------------------


def as_the_hub_stores(example: SpanExample) -> dict[str, Any]:
    """What the hub's `xquad.py` and `tydiqa.py` made of it: texts stripped, offsets kept."""
    answers = [(answer.text.strip(), answer.start) for answer in example.answers or ()]
    return question(example.id, example.context.strip(), example.question.strip(), *answers)


@pytest.mark.data
@pytest.mark.skipif(not DATA.is_dir(), reason=ABSENT)
@pytest.mark.parametrize(
    ("name", "language", "split"), [("xquad", "zh", "test"), ("tydiqa", "ar", "dev")]
)
def test_moved_answers_of_real_questions(
    tmp_path: Path, name: str, language: str, split: str
) -> None:
    """Chinese XQuAD has 100 answers off their place there, Arabic TyDiQA 742 of 1620."""
    official = sources.load(get(name), DATA, language, split).examples
    rows = [as_the_hub_stores(example) for example in official]
    off = [
        r
        for r in rows
        if any(
            not r["context"].startswith(text, start)
            for text, start in zip(*r["answers"].values(), strict=True)
        )
    ]
    file = tmp_path / "rows.parquet"
    file.write_bytes(parquet(rows, PUBLISHED["squad-v1", "en", "dev"].features))
    source = get(name).hub
    assert source is not None
    found = list(hub.read(source, [file], language, split))
    assert len(off) > 90
    assert [(e.id, e.group) for e in found] == [(e.id, e.group) for e in official]
    for ours, theirs in zip(found, official, strict=True):
        removed = len(theirs.context) - len(theirs.context.lstrip())
        assert [a.start for a in ours.answers] == [a.start - removed for a in theirs.answers]


@pytest.mark.data
@pytest.mark.skipif(not DATA.is_dir(), reason=ABSENT)
@pytest.mark.parametrize(
    ("name", "language", "split"),
    [
        ("xnli", "de", "test"),
        ("wnut17", "en", "dev"),
        ("tatoeba", "sw", "test"),
        ("sick", "en", "dev"),
        ("rte", "en", "dev"),
        ("mrpc", "en", "dev"),
        ("copa", "en", "dev"),
        ("commonsenseqa", "en", "dev"),
        ("socialiqa", "en", "dev"),
        ("xcopa", "vi", "test"),
    ],
)
def test_rows_of_official_examples_give_those_examples(
    tmp_path: Path, name: str, language: str, split: str
) -> None:
    """Ids, groups, texts and labels are those of the files, where nothing is lost on the hub."""
    (data,) = [data for key, data in PUBLISHED.items() if key[0] == name]
    official = sources.load(get(name), DATA, language, split).examples
    rows = [BACK[name](example, number) for number, example in enumerate(official)]
    file = tmp_path / "rows.parquet"
    filled = [dict.fromkeys(data.features, None) | row for row in rows]
    file.write_bytes(parquet(filled, data.features))
    source = get(name).hub
    assert source is not None
    assert tuple(hub.read(source, [file], language, split)) == official


@pytest.mark.data
@pytest.mark.skipif(not DATA.is_dir(), reason=ABSENT)
def test_scores_of_similarity_keep_eight_digits(tmp_path: Path) -> None:
    official = sources.load(get("sts-b"), DATA, "en", "train").examples
    rows = [
        {"sentence1": e.text, "sentence2": e.pair, "label": e.value, "idx": number}
        for number, e in enumerate(official)
    ]
    found = read(tmp_path, "sts-b", rows)
    assert [(e.id, e.text, e.pair) for e in found] == [(e.id, e.text, e.pair) for e in official]
    assert [e.value for e in found] == pytest.approx([e.value for e in official], rel=1e-7)
    same = sum(ours.value == theirs.value for ours, theirs in zip(found, official, strict=True))
    assert len(official) * 0.95 < same < len(official)


def _nli(first_: str, second: str) -> Any:
    return lambda e, n: {first_: e.text, second: e.pair, "label": e.label, "id": e.id, "idx": n}


def _mrpc(e: ClassificationExample, number: int) -> dict[str, Any]:
    row = {"sentence1": e.text, "sentence2": e.pair, "idx": number}
    return row | {"label": None if e.label is None else int(e.label)}


def _bitext(e: BitextExample, _: int) -> dict[str, Any]:
    return {"source_sentence": f"{e.source}\n", "target_sentence": f"{e.target}\n"}


def _commonsense(e: ChoiceExample, _: int) -> dict[str, Any]:
    letters = list("ABCDE")
    choices, key = {"label": letters, "text": list(e.options)}, letters[e.label or 0]
    return {"id": e.id, "question": e.context, "choices": choices, "answerKey": key}


def _social(e: ChoiceExample, number: int) -> dict[str, Any]:
    path = DATA / "socialiqa/socialiqa-train-dev/dev.jsonl"
    return json.loads(_lines(path)[number]) | {"label": str((e.label or 0) + 1)}


@functools.cache
def _lines(path: Path) -> list[str]:
    return path.read_text("utf-8").split("\n")


def _alternatives(e: ChoiceExample, _: int) -> dict[str, Any]:
    premise, _, ask = e.context.partition(" What was the ")  # type: ignore[assignment]
    row = {"premise": premise, "question": ask.removesuffix("?"), "idx": int(e.id)}
    return row | {"choice1": e.options[0], "choice2": e.options[1], "label": e.label}


BACK: dict[str, Any] = {
    "xnli": _nli("premise", "hypothesis"),
    "sick": _nli("sentence_A", "sentence_B"),
    "rte": _nli("sentence1", "sentence2"),
    "mrpc": _mrpc,
    "wnut17": lambda e, n: {"id": str(n), "tokens": list(e.words), "ner_tags": list(e.tags)},
    "tatoeba": _bitext,
    "commonsenseqa": _commonsense,
    "socialiqa": _social,
    "copa": _alternatives,
    "xcopa": _alternatives,
}
