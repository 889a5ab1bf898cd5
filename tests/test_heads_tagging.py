"""Tagging: pieces of words, the labelled piece, windows in which each word is predicted once."""

from __future__ import annotations

import itertools
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import toys
from waystation.errors import UserError
from waystation.examples import TaggingExample
from waystation.heads import build
from waystation.heads.tagging import IGNORED, windows


def head(kind: str = "encoder", max_tokens: int = 64, stride: int = 16, **options: str) -> Any:
    return build(toys.head("tagging", **options), toys.model(kind).tokenizer, max_tokens, stride)


def example(*words: str) -> TaggingExample:
    return TaggingExample(id="x", words=words, tags=("N",) * len(words))


@given(
    lengths=st.lists(st.integers(1, 9), max_size=60),
    room=st.integers(9, 30),
    stride=st.integers(0, 15),
)
def test_windows_fit_and_predict_every_word_once(
    lengths: list[int], room: int, stride: int
) -> None:
    found = list(windows(lengths, room, stride))
    owned = [word for _, _, words in found for word in words]
    assert owned == list(range(len(lengths)))
    for first, last, words in found:
        assert sum(lengths[first:last]) <= room
        assert first <= words.start < words.stop <= last
    for (_, last, _), (first, after, _) in itertools.pairwise(found):
        assert first <= last < after
        assert sum(lengths[first:last]) <= max(stride, 0)


def test_a_short_sentence_is_one_window() -> None:
    assert list(windows([3, 3, 3], 9, 4)) == [(0, 3, range(3))]
    assert list(windows([], 9, 4)) == []


def test_a_shared_word_belongs_to_the_window_with_more_context() -> None:
    assert list(windows([1] * 12, 8, 4)) == [(0, 8, range(6)), (4, 12, range(6, 12))]


@pytest.mark.parametrize("kind", ["encoder", "decoder", "seq2seq"])
def test_rows_carry_each_words_pieces_and_label_its_first(kind: str) -> None:
    tagger = head(kind)
    words = ("the", "houses", "lives")
    ((row,),) = tagger.encode([example(*words)], True)
    pieces = [tagger.pieces[word][0] for word in words]
    tokens = [*tagger.before, *itertools.chain(*pieces), *tagger.after]
    assert row.tokens.tolist() == tokens
    starts = np.cumsum([len(tagger.before), *map(len, pieces[:-1])])
    assert np.flatnonzero(row.gold != IGNORED).tolist() == starts.tolist()
    assert row.meta[1].tolist() == starts.tolist()
    text = tagger.tokenizer.decode(tokens, skip_special_tokens=True).strip()
    assert text == "the houses lives"


def test_the_first_piece_with_content_may_be_labelled_instead() -> None:
    words = ("the", "中", "q9")
    for option, expected in (("first", [1, 2]), ("non-empty", [1, 3])):
        tagger = head(first_piece=option)
        ((row,),) = tagger.encode([example(*words)], False)
        names = tagger.tokenizer.convert_ids_to_tokens(row.tokens)
        assert names[2] == "▁"
        assert row.meta[1][:2].tolist() == expected


def test_a_word_without_pieces_gets_the_unknown_token() -> None:
    tagger = head()
    ((row,),) = tagger.encode([example("the", "", "is")], True)
    unknown = tagger.tokenizer.unk_token_id
    assert row.tokens.tolist()[2] == unknown
    assert (row.gold != IGNORED).sum() == 3
    empty = head("decoder")
    empty.tokenizer.unk_token = None
    assert empty.words.unknown() == empty.tokenizer("?", add_special_tokens=False)["input_ids"][0]
    empty.tokenizer.unk_token = "<unk>"


def test_long_sentences_are_split_not_truncated() -> None:
    tagger = head(max_tokens=16, stride=6)
    words = tuple(toys.sentence(3, 40).split())
    (rows,) = tagger.encode([example(*words)], True)
    assert len(rows) > 3
    assert max(len(row.tokens) for row in rows) <= 16
    assert sum(int((row.gold != IGNORED).sum()) for row in rows) == 40
    kept = [(row, np.array([int(word) % 2 for word in row.meta[0]])) for row in rows]
    (prediction,) = tagger.decode([example(*words)], [kept])
    assert prediction.tags == tuple("NV"[i % 2] for i in range(40))


def test_a_word_longer_than_a_window_keeps_its_beginning() -> None:
    tagger = head(max_tokens=10)
    (rows,) = tagger.encode([example("the", "zq" * 40, "is")], True)
    assert [len(row.tokens) for row in rows] == [3, 10, 3]
    assert sum(int((row.gold != IGNORED).sum()) for row in rows) == 3


def test_a_sentence_without_words_has_no_rows_and_no_tags() -> None:
    tagger = head()
    assert tagger.encode([example()], True) == [[]]
    assert tagger.decode([example()], [[]])[0].tags == ()


def test_tags_that_are_missing_or_impossible_are_refused_in_training_only() -> None:
    tagger = head()
    for tags, message in [
        (None, "expected one tag for each of 1 words to train on, found none in example 'x'"),
        (("N", "V"), "expected one tag for each of 1 words to train on, found 2 in example 'x'"),
        (("Q",), "expected one of the tags N, V to train on, found 'Q' in example 'x'"),
    ]:
        wrong = replace(example("the"), tags=tags)
        assert tagger.encode([wrong], False)
        with pytest.raises(UserError) as caught:
            tagger.encode([wrong], True)
        assert message in str(caught.value)
