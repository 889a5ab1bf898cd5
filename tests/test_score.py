"""Scores, baselines and the file formats of `waystation score`, with every message."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from waystation.errors import DataError, UserError
from waystation.examples import (
    Answer,
    BitextExample,
    ChoiceExample,
    ChoicePrediction,
    ClassificationExample,
    CodeExample,
    LabelPrediction,
    Neighbours,
    QueryExample,
    RegressionExample,
    RetrievalPrediction,
    SpanExample,
    SpanPrediction,
    TaggingExample,
    TagsPrediction,
    TextExample,
    TextPrediction,
    ValuePrediction,
    canonical,
    to_json,
)
from waystation.metrics import Metric, qa, retrieval, text
from waystation.metrics.labels import ACCURACY, CHOICE_ACCURACY, CORRELATION, f1_binary
from waystation.metrics.tagging import CHUNK_F1, TOKEN_ACCURACY
from waystation.score import score, score_files
from waystation.task import Task, get


def task(
    example: type, *metrics: Metric[Any, Any], labels: tuple[str, ...] = (), chance: Any = None
) -> Task[Any]:
    return Task(
        name="mine",
        version=3,
        summary="",
        example=example,
        layouts=(),
        languages=("de",),
        splits=("test",),
        labels=labels,
        metrics=metrics,
        chance=chance,
    )


NLI = task(ClassificationExample, ACCURACY, f1_binary("yes"), labels=("yes", "maybe", "no"))
NER = task(TaggingExample, CHUNK_F1, TOKEN_ACCURACY, labels=("O", "B-X", "I-X"))
CHOICE = task(ChoiceExample, CHOICE_ACCURACY)
SPAN = task(SpanExample, qa.SQUAD)
BITEXT = task(BitextExample, retrieval.ACCURACY)
NUMBER = task(RegressionExample, CORRELATION)
TEXT = task(TextExample, text.EXACT_MATCH)


def labelled(*labels: str) -> list[ClassificationExample]:
    return [ClassificationExample(id=f"e{i}", text="", label=x) for i, x in enumerate(labels)]


def predicted(*labels: str) -> list[LabelPrediction]:
    return [LabelPrediction(id=f"e{i}", label=x) for i, x in enumerate(labels)]


def values(result: Any, metric: str, variant: str = "") -> Any:
    return result["variants"][variant][metric]["values"]


def test_what_a_score_holds() -> None:
    examples = [
        ClassificationExample(id="b", group="g", text="", label="yes"),
        ClassificationExample(id="a", text="", label="no"),
    ]
    found: Any = score(
        NLI,
        [LabelPrediction(id="a", label="no"), LabelPrediction(id="b", label="maybe")],
        examples,
        "de",
    )
    assert found == {
        "task": "mine",
        "version": 3,
        "language": "de",
        "count": 2,
        "ids": ["b", "a"],
        "groups": ["g", "a"],
        "variants": {
            "": {
                "accuracy": {
                    "names": ["accuracy"],
                    "statistics": [[0.0, 1.0], [1.0, 1.0]],
                    "values": {"accuracy": 50.0},
                },
                "f1": {
                    "names": ["f1", "precision", "recall"],
                    "statistics": [[0.0, 0.0, 1.0], [0.0, 0.0, 0.0]],
                    "values": {"f1": 0.0, "precision": 0.0, "recall": 0.0},
                },
            }
        },
        "baselines": {"chance": 100 / 3, "majority": 50.0},
    }
    canonical(found)


def test_retrieval_has_a_variant_per_layer_and_pooling() -> None:
    examples = [BitextExample(id=x, source="", target="") for x in "ab"]
    predictions = [
        RetrievalPrediction(
            id=x,
            variants={
                "8/mean": Neighbours(
                    forward=(), forward_scores=(), backward=(x,), backward_scores=(1.0,)
                ),
                "12/cls": Neighbours(
                    forward=("a",), forward_scores=(1,), backward=(x,), backward_scores=(1,)
                ),
            },
        )
        for x in "ab"
    ]
    found: Any = score(BITEXT, predictions, examples, "de")
    assert list(found["variants"]) == ["8/mean", "12/cls"]
    assert values(found, "accuracy", "8/mean") == {"accuracy": 100.0}
    assert values(found, "accuracy", "12/cls") == {"accuracy": 100.0, "accuracy_forward": 50.0}
    assert found["baselines"] == {"chance": 50.0, "majority": 50.0}


def test_variants_must_agree() -> None:
    examples = [BitextExample(id=x, source="", target="") for x in "ab"]
    neighbours = Neighbours(forward=("a",), forward_scores=(1.0,))
    predictions = [
        RetrievalPrediction(id="a", variants={"8/mean": neighbours}),
        RetrievalPrediction(id="b", variants={}),
    ]
    with pytest.raises(UserError) as error:
        score(BITEXT, predictions, examples, "de")
    assert str(error.value) == "expected the variants 8/mean for every example, found none for 'b'."


REFUSED: list[tuple[Task[Any], list[Any], list[Any], str]] = [
    (NLI, [], [], "expected examples of mine in 'de', found none to score."),
    (
        NLI,
        predicted("yes"),
        labelled("yes", "no"),
        "expected 2 predictions, one per example, found 1: id 'e1' is the first without one;"
        " predict the whole split.",
    ),
    (
        NLI,
        [*predicted("yes"), LabelPrediction(id="e2", label="no")],
        labelled("yes", "no"),
        "expected predictions for the examples of mine, found one for the unknown id 'e2';"
        " predict the same split.",
    ),
    (
        NLI,
        predicted("yes") * 2,
        labelled("yes"),
        "expected one prediction per example, found two for id 'e0'; remove one.",
    ),
    (
        NLI,
        predicted("yes"),
        labelled("yes") * 2,
        "expected every example of mine to have its own id, found 'e0' twice; give each example"
        " one id.",
    ),
    (
        NLI,
        predicted("mayb"),
        labelled("yes"),
        "expected one of mine's labels yes, maybe, no for example 'e0', found 'mayb'. Did you"
        " mean 'maybe'?",
    ),
    (
        NLI,
        [SpanPrediction(id="e0", text="")],
        labelled("yes"),
        "expected predictions of the kind classification (LabelPrediction) for mine, found a"
        " SpanPrediction.",
    ),
    (
        NER,
        [TagsPrediction(id="e0", tags=("O", "B-Y"))],
        [TaggingExample(id="e0", words=("a", "b"), tags=("O", "O"))],
        "expected one of mine's labels O, B-X, I-X for example 'e0', found 'B-Y'. Did you mean"
        " 'B-X'?",
    ),
    (
        CHOICE,
        [ChoicePrediction(id="e0", label=2)],
        [ChoiceExample(id="e0", context="", options=("a", "b"), label=1)],
        "expected an option from 0 to 1 for example 'e0', found 2; options are counted from 0.",
    ),
]


@pytest.mark.parametrize(("task", "predictions", "examples", "message"), REFUSED)
def test_refused(
    task: Task[Any], predictions: list[Any], examples: list[Any], message: str
) -> None:
    with pytest.raises(UserError) as error:
        score(task, predictions, examples, "de")
    assert str(error.value) == message


def test_missing_gold_is_refused() -> None:
    examples = [ClassificationExample(id="e0", text="")]
    with pytest.raises(UserError, match="found example 'e0' without a label"):
        score(NLI, predicted("yes"), examples, "de")


def baselines(task: Task[Any], predictions: list[Any], examples: list[Any]) -> Any:
    return score(task, predictions, examples, "de")["baselines"]


def test_baselines_of_labels() -> None:
    gold = ("yes", "no", "no", "maybe", "no")
    assert baselines(NLI, predicted(*gold), labelled(*gold)) == {
        "chance": 100 / 3,
        "majority": 60.0,
    }
    stated = task(ClassificationExample, ACCURACY, labels=("no", "yes"), chance=12.5)
    assert baselines(stated, predicted("no"), labelled("no")) == {
        "chance": 12.5,
        "majority": 100.0,
    }


def test_chance_of_a_label_f1_is_measured() -> None:
    gold = ("yes", "no") * 200
    one = task(ClassificationExample, f1_binary("yes"), labels=("yes", "no"))
    found = baselines(one, predicted(*gold), labelled(*gold))
    assert found["chance"] == pytest.approx(50, abs=6)
    assert found["majority"] == pytest.approx(200 / 3)


def test_baselines_of_choice() -> None:
    examples = [
        ChoiceExample(id=f"e{i}", context="", options=("x",) * n, label=label)
        for i, (n, label) in enumerate([(2, 1), (4, 1), (4, 3), (5, 1)])
    ]
    predictions = [ChoicePrediction(id=e.id, label=0) for e in examples]
    assert baselines(CHOICE, predictions, examples) == {
        "chance": pytest.approx((50 + 25 + 25 + 20) / 4),
        "majority": 75.0,
    }


def tagged(*sentences: str) -> tuple[list[TagsPrediction], list[TaggingExample]]:
    examples = [
        TaggingExample(id=f"e{i}", words=tuple(s.split()), tags=tuple(s.split()))
        for i, s in enumerate(sentences)
    ]
    return [TagsPrediction(id=e.id, tags=e.tags or ()) for e in examples], examples


def test_baselines_of_tagging() -> None:
    sentences = ["O B-X I-X O O", "B-X O O", "O"] * 40
    accuracy = task(TaggingExample, TOKEN_ACCURACY, labels=NER.labels)
    found = baselines(accuracy, *tagged(*sentences))
    assert found["majority"] == pytest.approx(100 * 6 / 9)
    assert found["chance"] == pytest.approx(100 / 3, abs=5)
    chunked = baselines(NER, *tagged(*sentences))
    assert chunked["majority"] == 0.0
    assert 5 < chunked["chance"] < 40


def question(answer: str | None, context: str = "one two three four five six") -> SpanExample:
    answers = () if answer is None else (Answer(text=answer, start=context.index(answer)),)
    return SpanExample(id=f"q{answer}", question="?", context=context, answers=answers)


def test_baselines_of_spans() -> None:
    whole = 2 * (1 / 6) * 1 / (1 / 6 + 1)
    one = [question("two")]
    found = baselines(SPAN, [SpanPrediction(id="qtwo", text="two")], one)
    assert found["majority"] == pytest.approx(100 * whole)
    assert 0 <= found["chance"] < 100
    mixed = [question("two"), question(None)]
    predictions = [SpanPrediction(id=e.id, text="") for e in mixed]
    assert baselines(SPAN, predictions, mixed)["majority"] == 50.0


def test_baselines_of_numbers_and_text() -> None:
    numbers = [RegressionExample(id=f"e{i}", text="", value=i) for i in range(5)]
    assert baselines(NUMBER, [ValuePrediction(id=e.id, value=1) for e in numbers], numbers) == {
        "chance": 0.0,
        "majority": 0.0,
    }
    texts = [TextExample(id=f"e{i}", prompt="", completion=x) for i, x in enumerate("aab")]
    assert baselines(TEXT, [TextPrediction(id=e.id, text="") for e in texts], texts) == {
        "chance": None,
        "majority": pytest.approx(200 / 3),
    }


def test_chance_is_the_same_every_time() -> None:
    """Fixed by value, so that it is seen to hold over processes and Python versions."""
    found = baselines(NER, *tagged(*["O B-X I-X O O", "B-X O O", "O"] * 40))
    assert found["chance"] == 16.42857142857143


# Files


def write(path: Path, content: str | bytes) -> Path:
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def files(task: Task[Any], tmp: Path, predictions: str | bytes, references: str | bytes) -> Any:
    return score_files(
        task, write(tmp / "predictions", predictions), write(tmp / "references", references), "de"
    )


@pytest.mark.parametrize(
    ("predictions", "references"),
    [
        ("yes\nno\nno\n", "yes\nno\nyes\n"),
        ("yes\nno\nno", "yes\nno\nyes"),
        ("yes\r\nno\r\nno\r\n", b"\xef\xbb\xbfyes\nno\nyes\n"),
        (b"\xef\xbb\xbfyes\nno\nno\n\n", "yes \nno\nyes\n\n"),
    ],
)
def test_labels_one_a_line(
    tmp_path: Path, predictions: str | bytes, references: str | bytes
) -> None:
    """Byte order marks, CRLF and empty lines at the end change nothing."""
    assert values(files(NLI, tmp_path, predictions, references), "accuracy") == {
        "accuracy": 2 / 3 * 100
    }


def test_tags_one_a_line(tmp_path: Path) -> None:
    gold = "O\nB-X\nI-X\n\nB-X\n"
    made = "O\r\nB-X\r\nO\r\n \r\nB-X\r\n\r\n"
    assert values(files(NER, tmp_path, made, gold), "f1")["f1"] == 50.0


def test_squad_json(tmp_path: Path) -> None:
    found = files(SPAN, tmp_path, '{"b": "two", "a": "the one"}', squad(("a", "one"), ("b", "1")))
    assert found["ids"] == ["a", "b"]
    assert values(found, "f1") == {"f1": 50.0, "exact_match": 50.0}


def squad(*questions: tuple[str, str]) -> str:
    context = "one two 1"
    asked = [
        {
            "id": name,
            "question": "?",
            "answers": [{"text": answer, "answer_start": context.index(answer)}],
        }
        for name, answer in questions
    ]
    return json.dumps(
        {"data": [{"title": "t", "paragraphs": [{"context": context, "qas": asked}]}]}
    )


def test_answers_as_json_lines(tmp_path: Path) -> None:
    lines = '{"id": "a", "text": "one"}\n{"id": "b", "text": "2", "score": 0.5}\n'
    found = files(SPAN, tmp_path, lines, squad(("a", "one"), ("b", "two")))
    assert values(found, "f1")["exact_match"] == 50.0
    single = files(SPAN, tmp_path, '{"id": "a", "text": "one"}', squad(("a", "one")))
    assert values(single, "f1")["f1"] == 100.0


def test_indices_one_a_line(tmp_path: Path) -> None:
    found = files(BITEXT, tmp_path, "3\n1\n0\n", "3\n1\n2\n")
    assert values(found, "accuracy") == {"accuracy": 2 / 3 * 100}


def test_numbers_and_text_one_a_line(tmp_path: Path) -> None:
    found = files(NUMBER, tmp_path, "1\n3\n2.5\n", "1\n5\n4\n")
    assert values(found, "pearson")["pearson"] == pytest.approx(100.0)
    found = files(TEXT, tmp_path, "a\n\nb\n", "a\n\nc\n")
    assert values(found, "exact_match") == {"exact_match": 2 / 3 * 100}


def test_xcopa_json_lines(tmp_path: Path) -> None:
    row = '{{"premise": "p", "choice1": "a", "choice2": "b", "label": {}, "idx": {}}}\n'
    gold = "".join(row.format(label, i) for i, label in enumerate((0, 1, 1)))
    made = '{"label": 0}\n{"label": 0}\n{"label": 1}\n'
    found = files(CHOICE, tmp_path, made, gold)
    assert values(found, "accuracy") == {"accuracy": 2 / 3 * 100}
    assert found["baselines"]["chance"] == 50.0
    assert values(files(CHOICE, tmp_path, "0\n0\n1\n", "0\n1\n1\n"), "accuracy") == {
        "accuracy": 2 / 3 * 100
    }


OWN: list[tuple[Task[Any], list[Any], list[Any]]] = [
    (NLI, predicted("yes", "no"), labelled("yes", "no")),
    (NER, *tagged("O B-X", "O")),
    (
        CHOICE,
        [ChoicePrediction(id="e0", label=1)],
        [ChoiceExample(id="e0", context="", options=("a", "b"), label=1)],
    ),
    (
        BITEXT,
        [
            RetrievalPrediction(
                id="e0",
                variants={
                    "8/mean": Neighbours(
                        forward=("e0",),
                        forward_scores=(1.0,),
                        backward=("e0",),
                        backward_scores=(1.0,),
                    )
                },
            )
        ],
        [BitextExample(id="e0", source="", target="")],
    ),
    (
        TEXT,
        [TextPrediction(id="e0", text="a")],
        [TextExample(id="e0", prompt="", completion="a")],
    ),
    (
        NUMBER,
        [ValuePrediction(id="e0", value=1.0), ValuePrediction(id="e1", value=2.0)],
        [RegressionExample(id=f"e{i}", text="", value=float(i)) for i in range(2)],
    ),
]


def as_lines(items: list[Any]) -> str:
    return "".join(canonical(to_json(item)) + "\n" for item in items)


@pytest.mark.parametrize(("task", "predictions", "examples"), OWN)
def test_our_own_json_lines(
    tmp_path: Path, task: Task[Any], predictions: list[Any], examples: list[Any]
) -> None:
    """In any order, since they have ids, and the same as without files."""
    found = files(task, tmp_path, as_lines(predictions[::-1]), as_lines(examples))
    assert found == score(task, predictions, examples, "de") | {"notes": []}


def test_plain_predictions_against_our_own_examples(tmp_path: Path) -> None:
    found = files(NLI, tmp_path, "yes\nyes\n", as_lines(list(labelled("yes", "no"))))
    assert found["ids"] == ["e0", "e1"]
    assert values(found, "accuracy") == {"accuracy": 50.0}


def test_the_data_sets_own_file(tmp_path: Path) -> None:
    """Known by its official name; predictions in order, or ours by id."""
    gold = write(tmp_path / "dev-de.tsv", "Berlin\tB-LOC\nist\tO\n\nda\tO\n")
    made = write(tmp_path / "made.tsv", "B-LOC\nO\n\nB-LOC\n")
    panx = get("panx")
    found = score_files(panx, made, gold, "de")
    assert values(found, "f1")["precision"] == 50.0
    ids: Any = found["ids"]
    ours = [
        TagsPrediction(id=ids[1], tags=("B-LOC",)),
        TagsPrediction(id=ids[0], tags=("B-LOC", "O")),
    ]
    assert score_files(panx, write(tmp_path / "made.jsonl", as_lines(ours)), gold, "de") == found


def test_our_predictions_against_xcopa_go_by_id(tmp_path: Path) -> None:
    row = '{{"premise": "p", "choice1": "a", "choice2": "b", "question": "cause", "label": {}, '
    rows = [row.format(label) + f'"idx": {i}, "changed": false}}' for i, label in enumerate((0, 1))]
    gold = write(tmp_path / "test.it.jsonl", "\n".join(rows) + "\n")
    plain = score_files(get("xcopa"), write(tmp_path / "a.jsonl", '{"label": 0}\n' * 2), gold, "it")
    assert values(plain, "accuracy") == {"accuracy": 50.0}
    examples = list(get("xcopa").layouts[0].read([gold], "it", "test"))
    made = [ChoicePrediction(id=e.id, label=e.label) for e in reversed(examples)]
    found = score_files(get("xcopa"), write(tmp_path / "b.jsonl", as_lines(made)), gold, "it")
    assert values(found, "accuracy") == {"accuracy": 100.0}


def test_both_sides_of_a_bitext(tmp_path: Path) -> None:
    write(tmp_path / "tatoeba.deu-eng.deu", "eins\nzwei\n")
    gold = write(tmp_path / "tatoeba.deu-eng.eng", "one\ntwo\n")
    made = [
        RetrievalPrediction(
            id=x,
            variants={"8/mean": Neighbours(forward=(), forward_scores=(), backward=("1",))},
        )
        for x in ("1", "2")
    ]
    predictions = write(tmp_path / "made.jsonl", as_lines(made))
    found = score_files(get("tatoeba"), predictions, gold, "de")
    assert values(found, "accuracy", "8/mean") == {"accuracy": 50.0}


def test_positions_mean_nothing_for_a_bitext_with_ids(tmp_path: Path) -> None:
    gold = as_lines([BitextExample(id="e0", source="a", target="b")])
    with pytest.raises(DataError) as error:
        files(BITEXT, tmp_path, "0\n", gold)
    assert str(error.value).endswith(
        "predictions: expected JSONL predictions with the ids of the references, found positions"
        " of lines, which only a gold file of positions explains"
    )


def test_a_file_of_unknown_name(tmp_path: Path) -> None:
    gold = write(tmp_path / "gold.tsv", "Berlin\tB-LOC\n")
    with pytest.raises(DataError) as error:
        score_files(get("panx"), write(tmp_path / "made.tsv", "O\n"), gold, "de")
    assert str(error.value).startswith(
        f"{gold}: expected one gold value a line, or a file named as panx names its own for 'de'"
        " (train-de.tsv,"
    )


BAD_FILES: list[tuple[Task[Any], str, str, str, str]] = [
    # task, predictions, references, where, message
    (
        NLI,
        "yes\nno\n",
        "yes\nno\nno\n",
        "predictions",
        "expected 3 lines, as many as the references have, found 2; predict the whole split, one"
        " prediction per example in the same order",
    ),
    (
        NLI,
        "yes\nnope\n",
        "yes\nno\n",
        "predictions:2",
        "expected one of mine's labels yes, maybe, no, found 'nope'.",
    ),
    (
        NLI,
        "yes\n\nno\n",
        "yes\nno\nno\n",
        "predictions:2",
        "expected one of mine's labels yes, maybe, no, found ''.",
    ),
    (
        NLI,
        "yes\n",
        "Yes\n",
        "references:1",
        "expected one of mine's labels yes, maybe, no, found 'Yes'. Did you mean 'yes'?",
    ),
    (NLI, "yes\n", "", "references", "expected references, found an empty file"),
    (
        NLI,
        '{"id": "e0", "label": "yes"}\n',
        "yes\n",
        "references",
        "expected JSONL with the ids of the predictions, or a file named as mine names its own"
        " for 'de' (it has none), found neither",
    ),
    (
        NLI,
        '{"id": "e0", "label": 1}\n',
        '{"id": "e0", "text": "", "label": "yes"}\n',
        "predictions:1",
        "expected id 'e0' to have 'label', as predictions of classification do, found 1",
    ),
    (
        NLI,
        '{"id": "e0", "label": "yes"}\n',
        '{"id": "e0", "label": "yes"}\n',
        "references:1",
        "expected the fields of a ClassificationExample, found id, label (",
    ),
    (
        NER,
        "O\nO\n\nO\n",
        "O\n\nO\n",
        "predictions:1",
        "expected 1 tags in this sentence, as the references have, found 2; predict exactly one"
        " tag per word",
    ),
    (
        NER,
        "O\nO\n",
        "O\n\nO\n",
        "predictions",
        "expected 2 sentences, as many as the references have, found 1;",
    ),
    (
        NER,
        "O\n\nB\n",
        "O\n\nO\n",
        "predictions:3",
        "expected one of mine's labels O, B-X, I-X, found 'B'.",
    ),
    (
        BITEXT,
        "1\n[2]\n",
        "1\n2\n",
        "predictions:2",
        "expected the position of a line, a whole number from 0, found '[2]'",
    ),
    (NUMBER, "1\n\n2\n", "1\n2\n3\n", "predictions:2", "expected a number, found ''"),
    (
        CHOICE,
        "A\n",
        "0\n",
        "predictions:1",
        "expected the position of an option, from 0, found 'A'",
    ),
    (
        SPAN,
        '{"a": 3}',
        squad(("a", "one")),
        "predictions",
        "expected the answer to 'a' to be text, found 3",
    ),
    (
        SPAN,
        '{"id": "a"}\n{"id": "b"}\n',
        squad(("a", "one")),
        "predictions:1",
        "expected one JSON object of id -> answer text, or one line with 'id' and 'text' per"
        " question, found id",
    ),
]


@pytest.mark.parametrize(("task", "predictions", "references", "where", "message"), BAD_FILES)
def test_bad_files(
    tmp_path: Path, task: Task[Any], predictions: str, references: str, where: str, message: str
) -> None:
    with pytest.raises(DataError) as error:
        files(task, tmp_path, predictions, references)
    assert str(error.value).startswith(f"{tmp_path / where}: {message}")
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("predictions", "message"),
    [
        ('{"a": "one"}', "id 'b' is the first without one"),
        ('{"a": "one", "b": "", "c": ""}', "the unknown id 'c'"),
        ('{"a": "one", "b": "x", "a": "two"}', "found two for id 'a'"),
    ],
)
def test_ids_of_answers(tmp_path: Path, predictions: str, message: str) -> None:
    """The official script scores a missing answer as 0 and keeps the last of two in silence."""
    with pytest.raises(UserError, match=message):
        files(SPAN, tmp_path, predictions, squad(("a", "one"), ("b", "two")))


def test_missing_file(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="expected a readable file, found: No such file"):
        score_files(NLI, tmp_path / "none", write(tmp_path / "references", "yes\n"), "de")


def test_bad_utf8(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="predictions:2: expected UTF-8"):
        files(NLI, tmp_path, b"yes\n\xff\n", "yes\nno\n")


def test_kinds_without_files() -> None:
    code = task(CodeExample, text.EXACT_MATCH)
    with pytest.raises(UserError, match="expected a task that is scored from files, found mine"):
        score_files(code, Path("p"), Path("r"), "de")


def test_scoring_starts_without_torch() -> None:
    """`waystation score` must work, and start fast, where no model ever runs."""
    program = (
        "import sys, waystation.score, waystation.statistics;"
        "print([m for m in ('torch', 'transformers', 'sklearn', 'seqeval') if m in sys.modules])"
    )
    found = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert found.stdout.strip() == "[]"


# Pairs and rankings


def named(tmp: Path, task: str, made: str | bytes, gold: str, language: str = "de") -> Any:
    """A catalogue task on two files of that content."""
    found: Any = score_files(
        get(task), write(tmp / "predictions", made), write(tmp / "references", gold), language
    )
    return found


GOLD_PAIRS = "de-1\ten-1\nde-2\ten-2\nde-3\ten-3\nde-3\ten-4\n"


def test_mined_pairs(tmp_path: Path) -> None:
    """As sets of pairs: two of three found are right, of four."""
    found = named(tmp_path, "bucc2018", "de-1\ten-1\nde-3\ten-4\nde-9\ten-9\n", GOLD_PAIRS)
    precision, recall = 2 / 3, 2 / 4
    assert values(found, "f1") == {
        "f1": 2 * precision * recall / (precision + recall) * 100,
        "precision": precision * 100,
        "recall": recall * 100,
    }


def test_no_pair_mined_is_said(tmp_path: Path) -> None:
    found = named(tmp_path, "bucc2018", "\n", GOLD_PAIRS)
    assert values(found, "f1") == {"f1": 0.0, "precision": 0.0, "recall": 0.0}
    assert found["notes"] == ["The file of predictions is empty: no pair was mined."]


@pytest.mark.parametrize("task", ["mewslix", "lareqa"])
def test_rankings(tmp_path: Path, task: str) -> None:
    """On one line or several; average precision of the right candidates."""
    gold = '{"a": ["x"], "b": ["y"]}\n'
    made = json.dumps({"b": ["y", "x"], "a": ["z", "x"]}, indent=1)
    assert values(named(tmp_path, task, made, gold), "map@20") == {"map@20": 75.0}


def test_our_own_rankings(tmp_path: Path) -> None:
    examples = [QueryExample(id=x, query="", relevant=("x",)) for x in "ab"]
    near = {"a": ("x",), "b": ("z", "x")}
    made = [
        RetrievalPrediction(
            id=name, variants={"8/mean": Neighbours(forward=ids, forward_scores=())}
        )
        for name, ids in near.items()
    ]
    found = named(tmp_path, "mewslix", as_lines(made), as_lines(examples))
    assert values(found, "map@20", "8/mean") == {"map@20": 75.0}
    found = named(tmp_path, "mewslix", as_lines(made), '{"a": ["x"], "b": ["x"]}')
    assert values(found, "map@20", "8/mean") == {"map@20": 75.0}


def test_accuracy_of_positions_is_the_official_direction(tmp_path: Path) -> None:
    found = named(tmp_path, "tatoeba", "0\n2\n", "0\n4\n")
    assert values(found, "accuracy") == {"accuracy": 50.0}


# Bad input


def test_the_language_is_that_of_the_names(tmp_path: Path) -> None:
    """MLQA drops the articles of the language that the files' names say."""
    made = write(tmp_path / "test-de.json", '{"a": "der one"}')
    gold = write(tmp_path / "gold.json", squad(("a", "one")))
    found: Any = score_files(get("mlqa"), made, gold)
    assert found["language"] == "de"
    assert values(found, "f1")["exact_match"] == 100.0
    assert score_files(get("mlqa"), write(tmp_path / "x", '{"a": "one"}'), gold)["language"] == "en"


@pytest.mark.parametrize(
    ("language", "references", "message"),
    [
        (
            "es",
            "gold.json",
            "expected files of 'es', found test-de.json; name files of the same language, or"
            " rename them.",
        ),
        (
            None,
            "test-es.json",
            "expected files of one language, found test-de.json and test-es.json; name files of"
            " the same language, or rename them.",
        ),
        (
            "dd",
            "gold.json",
            "expected files of 'dd', found test-de.json; name files of the same language, or"
            " rename them.",
        ),
    ],
)
def test_files_of_two_languages(
    tmp_path: Path, language: str | None, references: str, message: str
) -> None:
    made = write(tmp_path / "test-de.json", '{"a": "one"}')
    gold = write(tmp_path / references, squad(("a", "one")))
    with pytest.raises(UserError) as error:
        score_files(get("mlqa"), made, gold, language)
    assert str(error.value) == message


def test_answers_taken_for_english_are_said_to_be(tmp_path: Path) -> None:
    """Nothing says the language: MLQA is scored by English rules, with a word of it."""
    made = write(tmp_path / "made.json", '{"a": "one"}')
    gold = write(tmp_path / "gold.json", squad(("a", "one")))
    found: Any = score_files(get("mlqa"), made, gold)
    assert found["language"] == "en"
    assert found["notes"] == [
        "The answers are scored as English, since neither --language nor a file name such as"
        " test-de.json says another language."
    ]
    assert score_files(get("mlqa"), made, gold, "en")["notes"] == []
    assert score_files(get("squad-v1"), made, gold)["notes"] == []


@pytest.mark.parametrize(
    ("task_name", "name", "language"),
    [
        ("mlqa", "test-context-hi-question-hi.json", "hi"),
        ("xquad", "xquad.th.json", "th"),
        ("tydiqa", "tydiqa.goldp.te.dev.json", "te"),
    ],
)
def test_the_data_sets_own_name_says_the_language(
    tmp_path: Path, task_name: str, name: str, language: str
) -> None:
    made = write(tmp_path / "made.json", '{"a": "one"}')
    gold = write(tmp_path / name, squad(("a", "one")))
    found: Any = score_files(get(task_name), made, gold)
    assert (found["language"], found["notes"]) == (language, [])
    with pytest.raises(UserError, match=f"expected files of 'en', found {name}"):
        score_files(get(task_name), made, gold, "en")


@pytest.mark.parametrize(
    ("task_name", "made", "message"),
    [
        (
            "xnli",
            "neutral\r" * 20,
            "found '" + "neutral\\r" * 7 + "neut…'. The file's line ends are bare carriage returns:"
            " convert them to line feeds.",
        ),
        ("xnli", "so\tneutral\n", "found 'so\\tneutral'. Give the column of labels alone."),
        ("xnli", "\u200fneutral\n", "found '\\u200fneutral'. Did you mean 'neutral'?"),
        ("tatoeba", "-1\n", "the position of a line, a whole number from 0, found '-1'"),
        (
            "tatoeba",
            "1\n",
            "expected positions from 0 to 0, as the references have, found 1; the first line of a"
            " file is number 0",
        ),
    ],
)
def test_what_was_found_is_shown_in_few_words(
    tmp_path: Path, task_name: str, made: str, message: str
) -> None:
    made_file = tmp_path / "test-de.tsv"
    made_file.write_bytes(made.encode())
    gold = write(tmp_path / "gold", "0\n" if task_name == "tatoeba" else "neutral\n")
    with pytest.raises(DataError) as error:
        score_files(get(task_name), made_file, gold)
    assert message in str(error.value)


def test_an_object_for_an_answer_is_shown_as_one(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"""to be text, found \{"text": "one"\}"""):
        named(tmp_path, "mlqa", '{"a": {"text": "one"}}', squad(("a", "one")), "de")


def test_predictions_for_references(tmp_path: Path) -> None:
    """A few of a thousand ids are named, not all."""
    answers = json.dumps({f"q{n}": "one" for n in range(1000)})
    with pytest.raises(DataError) as error:
        named(tmp_path, "mlqa", answers, answers, "de")
    assert "'q11' and 988 more." in str(error.value)


def test_a_language_that_the_task_does_not_have(tmp_path: Path) -> None:
    with pytest.raises(UserError) as error:
        named(tmp_path, "mlqa", '{"a": "one"}', squad(("a", "one")), "th")
    assert str(error.value) == (
        "expected a language of mlqa (en, es, de, ar, hi, vi, zh), found 'th'; give --language."
    )


def test_mixed_line_ends(tmp_path: Path) -> None:
    found = files(NLI, tmp_path, b"\xef\xbb\xbfyes\r\nno\nno\r\n", "yes\nno\nno\n")
    assert values(found, "accuracy")["accuracy"] == 100.0
    with pytest.raises(DataError, match=r"predictions:1: expected one of mine's labels"):
        files(NLI, tmp_path, "yes\rno\rno\r", "yes\nno\nno\n")


def test_quotes_in_a_column_of_labels(tmp_path: Path) -> None:
    with pytest.raises(DataError) as error:
        files(NLI, tmp_path, '"yes"\nno\n', "yes\nno\n")
    assert str(error.value).endswith("found '\"yes\"'. Did you mean 'yes'?")


def test_quotes_in_the_data_sets_own_file(tmp_path: Path) -> None:
    """Texts with a lone quote, which break csv readers, keep every line apart."""
    rows = ['a "b\tc\t0', "d\te\t1", '"f\tg\t1']
    gold = write(tmp_path / "test-de.tsv", "\n".join(rows) + "\n")
    made = write(tmp_path / "made.tsv", "0\n1\n0\n")
    found: Any = score_files(get("pawsx"), made, gold, "de")
    assert values(found, "accuracy") == {"accuracy": 2 / 3 * 100}


def many(count: int, text: str) -> str:
    return json.dumps({f"q{n}": text for n in range(count)}, ensure_ascii=False)


def asked(count: int, answer: str, context: str) -> str:
    start = context.index(answer)
    questions = [
        {"id": f"q{n}", "question": "?", "answers": [{"text": answer, "answer_start": start}]}
        for n in range(count)
    ]
    return json.dumps({"data": [{"title": "", "paragraphs": [{"context": context,
                                                              "qas": questions}]}]})  # fmt: skip


@pytest.mark.parametrize(
    ("made", "message"),
    [
        (
            '{"x1": "", "x2": "", "q0": ""}',
            "expected the ids of the references, such as 'q0', found 2 of 3 that they do not have,"
            " such as 'x1'; is this the file of another language or split?",
        ),
        (
            '{"x1": "", "q1": "", "q0": ""}',
            "expected only ids of the references, found the unknown id 'x1' (1 in all); remove"
            " what was not asked",
        ),
        (
            '{"q0": "", "q0": "", "q1": ""}',
            "expected one prediction per example, found two for id 'q0'; remove one",
        ),
        (
            '{"q1": ""}',
            "expected 2 predictions, one per example, found 1: id 'q0' is the first without one;"
            " predict the whole split",
        ),
        ('["q0", "q1"]', "expected one JSON object, found a list"),
    ],
)
def test_ids(tmp_path: Path, made: str, message: str) -> None:
    with pytest.raises(DataError) as error:
        named(tmp_path, "xquad", made, asked(2, "Ulm", "in Ulm"))
    assert str(error.value).removeprefix(f"{tmp_path}/predictions").lstrip(":1 ") == message


def test_answers_in_another_script(tmp_path: Path) -> None:
    gold = asked(30, "北京大学", "他在北京大学学习")
    with pytest.raises(DataError) as error:
        named(tmp_path, "mlqa", many(30, "Peking University"), gold, "zh")
    assert str(error.value).endswith(
        "expected answers in the script of the references (cjk), found latin; is this the file of"
        " another language?"
    )
    found = named(tmp_path, "mlqa", many(30, "1952"), gold, "zh")  # numbers have no script
    assert values(found, "f1")["exact_match"] == 0.0


def test_answers_that_stand_nowhere_in_their_contexts(tmp_path: Path) -> None:
    gold = asked(30, "Stadt Ulm", "die Stadt Ulm")
    assert named(tmp_path, "xquad", many(30, "STADT  ulm"), gold)["notes"] == []
    assert named(tmp_path, "xquad", many(30, "ciudad"), gold)["notes"] == [
        "30 of 30 answers stand nowhere in their contexts, the first for 'q0': is this the file of"
        " another language?"
    ]


@pytest.mark.parametrize("made", ["Cafe\u0301", "\u200fCafé"])
def test_answers_that_differ_in_form_only(tmp_path: Path, made: str) -> None:
    """Wrong officially, and so here; a note says so."""
    found = named(tmp_path, "xquad", many(1, made), asked(1, "Café", "im Café dort"))
    assert values(found, "f1") == {"f1": 0.0, "exact_match": 0.0}
    assert found["notes"] == [
        "1 of 1 answers differ from the gold only in Unicode composition or invisible characters,"
        " the first for 'q0'; they count as the official script counts them."
    ]


def test_right_to_left_answers(tmp_path: Path) -> None:
    found = named(
        tmp_path, "xquad", many(1, "في القاهرة"), asked(1, "القاهرة", "ولد في القاهرة"), "ar"
    )
    assert values(found, "f1") == {"f1": 100.0 * (2 * 0.5 * 1.0 / 1.5) / 1, "exact_match": 0.0}


def test_sentences_without_tags(tmp_path: Path) -> None:
    """Runs of empty lines part sentences once; a sentence without tags is one too few."""
    assert values(files(NER, tmp_path, "\nO\n\n\nB-X\n\n", "O\n\nB-X\n"), "f1")["f1"] == 100.0
    with pytest.raises(DataError, match=r"expected 3 sentences, as many as .*, found 2;"):
        files(NER, tmp_path, "O\n\n\n\nB-X\n", "O\n\nO\n\nB-X\n")


EMPTY = ["", "\n\n", "\ufeff"]


@pytest.mark.parametrize("content", EMPTY)
@pytest.mark.parametrize("task", ["xnli", "panx", "xquad", "xcopa", "tatoeba", "mewslix"])
def test_empty_files(tmp_path: Path, task: str, content: str) -> None:
    language = get(task).languages[-1]
    with pytest.raises(DataError) as error:
        named(tmp_path, task, "1\n", content, language)
    assert (
        str(error.value) == f"{tmp_path / 'references'}: expected references, found an empty file"
    )
    with pytest.raises(DataError) as error:
        named(tmp_path, task, content, "{}\n", language)
    assert str(error.value).startswith(
        f"{tmp_path / 'predictions'}: expected predictions, found an empty file"
    )


@pytest.mark.parametrize("task", ["xnli", "panx", "xquad", "bucc2018", "mewslix"])
def test_binary_files(tmp_path: Path, task: str) -> None:
    with pytest.raises(DataError, match=r"predictions:1: expected (UTF-8|text), found"):
        named(tmp_path, task, b"\x80\x02}q\x00.\x00", "{}\n", get(task).languages[0])
    with pytest.raises(DataError, match=r"predictions:1: expected text, found a NUL character"):
        named(tmp_path, task, b"a\x00b\n", "{}\n", get(task).languages[0])


def test_a_folder_for_a_file(tmp_path: Path) -> None:
    gold = write(tmp_path / "gold", "yes\n")
    for made, reference in ((tmp_path, gold), (gold, tmp_path)):
        what = "predictions" if made is tmp_path else "references"
        with pytest.raises(DataError) as error:
            score_files(NLI, made, reference, "de")
        assert str(error.value) == (
            f"{tmp_path}: expected a file of {what}, found a folder; name the file in it, or score"
            " a whole benchmark (xtreme, xtreme-r) by its folders"
        )


@pytest.mark.parametrize(
    ("task", "made", "message"),
    [
        ("bucc2018", "de-1\n", ':1: expected a source id, a tab and a target id, found "de-1"'),
        (
            "bucc2018",
            "de-1\ten-1\nde-1\ten-1\n",
            ":2: expected each pair once, found 'de-1' with 'en-1' again (line 1); remove one",
        ),
        (
            "bucc2018",
            "de-1\ten-1\nfr-1\ten-1\n",
            ":2: expected source ids such as 'de-1', as the references have, found 'fr-1'; are"
            " these pairs of another language, or the columns swapped?",
        ),
        (
            "bucc2018",
            "de-1\tde-1\n",
            ":1: expected target ids such as 'en-1', as the references have, found 'de-1'; are"
            " these pairs of another language, or the columns swapped?",
        ),
        (
            "mewslix",
            '{"a": [], "b": ["y"]}',
            ": expected a list of at least one candidate id for 'a', found []",
        ),
        (
            "mewslix",
            '{"a": "x", "b": ["y"]}',
            ": expected a list of at least one candidate id for 'a', found \"x\"",
        ),
        (
            "mewslix",
            '{"a": ["x", "z", "x"], "b": ["y"]}',
            ": expected each candidate once in the ranking of 'a', found 'x' twice; remove one",
        ),
        (
            "mewslix",
            '{"a": ["x"]}',
            ": expected 2 predictions, one per example, found 1: id 'b' is the first without one;"
            " predict the whole split",
        ),
        (
            "mewslix",
            "a\tx\n",
            ": expected one JSON object of query id -> list of candidate ids, the best first,"
            " found something else",
        ),
        (
            "mewslix",
            '{"id": "a"}\n{"id": "b"}\n',
            ": expected rankings or our JSONL with 'id' and 'variants', found neither",
        ),
    ],
)
def test_bad_pairs_and_rankings(tmp_path: Path, task: str, made: str, message: str) -> None:
    gold = GOLD_PAIRS if task == "bucc2018" else '{"a": ["x"], "b": ["y"]}'
    with pytest.raises(DataError) as error:
        named(tmp_path, task, made, gold)
    assert str(error.value) == f"{tmp_path / 'predictions'}{message}"


@pytest.mark.parametrize("labels", ['{"label": 2}\n', "2\n", '{"label": -1}\n'])
def test_options_that_are_not_there(tmp_path: Path, labels: str) -> None:
    with pytest.raises(DataError, match=r"predictions: expected an option from 0 to 1 for example"):
        named(tmp_path, "xcopa", labels, '{"label": 0}\n', "et")
