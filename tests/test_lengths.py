"""What is cut: counted by heads, recorded by steps, told in the report."""

from __future__ import annotations

import json
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

import toys
from waystation.examples import Answer, Candidate, QueryExample, SpanExample, TaggingExample
from waystation.heads import build
from waystation.heads.pieces import COUNTED, Cuts, lengths
from waystation.lengths import cuts
from waystation.predict import Pool, predict


def head(kind: str, max_tokens: int, **options: str) -> Any:
    return build(toys.head(kind, **options), toys.model().tokenizer, max_tokens, 4)


def pieces_of(text: str | None) -> int:
    return len(toys.model().tokenizer(text, add_special_tokens=False)["input_ids"])


def test_pairs_and_options_count_the_tokens_that_enter_no_row() -> None:
    short, long = toys.classification(2)
    long = replace(long, text=toys.sentence(1, 40), pair=toys.sentence(2, 9))
    classifier = head("classification", 32)
    rows = classifier.encode([short, long], False)
    kept = len(rows[1][0].tokens) - toys.model().tokenizer.num_special_tokens_to_add(pair=True)
    whole = pieces_of(long.text) + pieces_of(long.pair)
    assert classifier.cuts["inputs_cut"] == 1
    assert classifier.cuts["tokens_cut"] == whole - kept > 0
    assert classifier.cuts["tokens"] == whole + pieces_of(short.text) + pieces_of(short.pair)
    choice = head("choice", 32)
    examples = [replace(toys.choice(1)[0], context=toys.sentence(1, 40))]
    choice.encode(examples, False)
    assert (choice.cuts["inputs"], choice.cuts["inputs_cut"]) == (2, 2)


def test_a_text_that_just_fits_is_not_cut() -> None:
    text = toys.sentence(1, 9)
    example = replace(toys.classification(1)[0], text=text, pair=None)
    room = pieces_of(text) + toys.model().tokenizer.num_special_tokens_to_add(pair=False)
    for max_tokens, lost in ((room, 0), (room - 1, 1)):
        classifier = head("classification", max_tokens)
        classifier.encode([example], False)
        assert classifier.cuts["tokens_cut"] == lost
        assert classifier.cuts["tokens"] == pieces_of(text)


@pytest.mark.parametrize(("windows", "lost"), [("shared", "over"), ("official", "whole")])
def test_only_words_longer_than_a_row_are_cut_from_sentences(windows: str, lost: str) -> None:
    words = (*toys.sentence(1, 50).split(), "x" * 40)
    tagger = head("tagging", 16, windows=windows)
    rows = tagger.encode([TaggingExample(id="x", words=words, tags=None)], False)
    long = len(tagger.words.known["x" * 40])
    assert len(rows[0]) > 3
    assert (tagger.cuts["words_cut"], tagger.cuts["inputs_cut"]) == (1, 1)
    assert tagger.cuts["tokens_cut"] == (long if lost == "whole" else long - tagger.room)


@pytest.mark.parametrize("windows", ["shared", "official"])
def test_of_questions_what_is_over_the_limit_is_cut_and_contexts_are_whole(windows: str) -> None:
    question, context = toys.sentence(1, 100), toys.sentence(2, 400)
    span = head("span", 160, windows=windows)
    answers = (Answer(text=context[:60].strip(), start=0),)
    example = SpanExample(id="x", question=question, context=context, answers=answers)
    rows = span.encode([example, replace(example, question="who")], False)
    assert span.cuts["questions_cut"] == span.cuts["inputs_cut"] == 1
    assert span.cuts["tokens_cut"] == pieces_of(question) - 64
    expected = pieces_of(question) + pieces_of("who") + 2 * pieces_of(context)
    assert span.cuts["tokens"] == expected
    assert len(rows[0]) > len(rows[1]) > 1


@pytest.mark.parametrize("windows", ["shared", "official"])
def test_training_answers_in_no_window_are_counted(windows: str) -> None:
    context = toys.sentence(1, 60)
    whole = SpanExample(
        id="x", question="who", context=context, answers=(Answer(text=context, start=0),)
    )
    span = head("span", 32, windows=windows)
    rows = span.encode([whole, *toys.span(3)], True)
    assert span.cuts["answers_lost"] == 1
    # The official scripts train such an example towards position 0 in every window.
    assert {row.gold for row in rows[0]} == (set() if windows == "shared" else {(0, 0)})


def test_predict_fills_in_what_it_cut() -> None:
    model: Any = toys.model()
    found: dict[str, int] = {}
    predict(
        model,
        toys.head("bitext"),
        toys.bitext(6),
        toys.NUMERICS,
        max_tokens=8,
        stride=0,
        language="de",
        lengths=found,
    )
    assert list(found) == ["examples", "rows", *COUNTED]
    assert (found["examples"], found["rows"], found["inputs"]) == (6, 12, 12)
    assert 0 < found["tokens_cut"] < found["tokens"]


def test_a_pool_counts_the_same_whether_it_is_embedded_now_or_was_before() -> None:
    candidates = [Candidate(id=str(i), text=toys.sentence(i, 20)) for i in range(5)]
    queries = [QueryExample(id="q", group=None, query="who lives", relevant=("1",))]
    pool, found = Pool(candidates), []
    for _ in range(2):
        lengths: dict[str, int] = {}
        predict(
            toys.model(),
            toys.head("query"),
            queries,
            toys.NUMERICS,
            max_tokens=16,
            stride=0,
            language="de",
            pool=pool,
            lengths=lengths,
        )
        found.append(lengths)
    assert found[0] == found[1]
    assert (found[0]["examples"], found[0]["inputs"], found[0]["inputs_cut"]) == (6, 6, 5)


class Stored:
    """A store of which only lengths.json are read."""

    def __init__(self, root: Any, files: dict[str, Any]) -> None:
        self.root = root
        for key, value in files.items():
            (root / key).mkdir()
            if value is not None:
                (root / key / "lengths.json").write_text(json.dumps(value))

    def folder(self, key: str) -> Any:
        return self.root / key

    def state(self, key: str) -> str:
        return "done" if (self.root / key).exists() else "missing"


def counted(**values: int) -> dict[str, int]:
    return lengths(Cuts({"inputs": 100, "tokens": 1000} | values), 100, 100)


def test_each_target_that_lost_more_than_one_percent_is_told_once(tmp_path: Any) -> None:
    routes = [
        SimpleNamespace(target=target, language=language, predict=key)
        for target, language, key in [
            ("xnli", "de", "a"),
            ("xnli", "th", "b"),
            ("xnli", "th", "b2"),
            ("udpos", "de", "c"),
            ("old", "de", "d"),
            ("not-run", "de", "e"),
        ]
    ]
    steps = {k: SimpleNamespace(kind="predict", spec={"max_tokens": 64}) for k in "abcd"}
    steps |= {"b2": steps["b"], "e": steps["a"], "t": SimpleNamespace(kind="train", spec={})}
    plan: Any = SimpleNamespace(routes=routes, steps=steps)
    store: Any = Stored(
        tmp_path,
        {
            "a": counted(tokens_cut=11, inputs_cut=2),
            "b": counted(tokens_cut=321, inputs_cut=40),
            "b2": counted(tokens_cut=321, inputs_cut=40),
            "c": counted(tokens_cut=10, inputs_cut=3),
            "d": None,
            "t": {"squad-v1": counted(answers_lost=3), "snli": counted(answers_lost=1)},
        },
    )
    assert cuts(plan, store) == (
        "xnli: cut at 64 tokens: de 1.1% of tokens (2% of inputs), th 32.1% of tokens"
        " (40% of inputs); raise `max_tokens`.",
        "Training data cut by `max_tokens`: squad-v1 3.0% of answers.",
    )
