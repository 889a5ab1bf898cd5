"""Sentences of many scripts, marks around answers, and answers found by looser and looser ways."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from waystation.relocate import Place, find, joined, marked, pieces, unmarked


def cut(text: str, keep: tuple[tuple[int, int], ...] = (), most: int = 10_000) -> list[str]:
    return [text[p.start : p.end] for p in pieces(text, keep, lambda s: len(s) <= most)]


@pytest.mark.parametrize(
    ("text", "sentences"),
    [
        ("It rains. He left!  Why?", ["It rains.", "He left!", "Why?"]),
        ("Dr. Smith met J. R. Jones at 5 p.m. and ate.", None),
        ("He said “No.” She left.", ["He said “No.”", "She left."]),
        ("雨が降る。彼は去った！なぜ？", ["雨が降る。", "彼は去った！", "なぜ？"]),
        ("वह गया। मैं आया।", ["वह गया।", "मैं आया।"]),
        ("لماذا؟ ذهب. جاء.", ["لماذا؟", "ذهب.", "جاء."]),
        ("ሄደ። መጣ።", ["ሄደ።", "መጣ።"]),
        ("One line\nanother", ["One line", "another"]),
        ("3.14 is pi. See example.org, it is.", ["3.14 is pi.", "See example.org, it is."]),
        ("   ", []),
    ],
)
def test_sentences_end_where_the_script_ends_them(text: str, sentences: list[str] | None) -> None:
    assert cut(text) == ([text] if sentences is None else sentences)


def test_long_sentences_are_cut_at_clauses_then_spaces_then_anywhere() -> None:
    assert cut("one two three, four five six", most=16) == ["one two three,", "four five six"]
    assert cut("one two three four", most=10) == ["one two", "three four"]
    assert cut("abcdefgh", most=4) == ["abcd", "efgh"]


def test_no_cut_falls_into_an_answer() -> None:
    text = "He met St. Anne. Smith. Then he left."
    start = text.index("Anne")
    answer = (start, start + len("Anne. Smith"))
    assert cut(text, (answer,)) == ["He met St. Anne. Smith.", "Then he left."]
    assert cut("aa bb cc dd", ((3, 8),), most=4) == ["aa", "bb cc", "dd"]


@settings(max_examples=60, deadline=None)
@given(
    text=st.text(alphabet="ab .!?\n。,", max_size=60),
    span=st.tuples(st.integers(0, 60), st.integers(0, 60)),
    most=st.integers(1, 20),
)
def test_pieces_and_gaps_make_up_the_text(text: str, span: tuple[int, int], most: int) -> None:
    keep = [tuple(sorted(min(s, len(text)) for s in span))]
    found = pieces(text, keep, lambda s: len(s) <= most)  # type: ignore[arg-type]
    rebuilt = "".join(text[p.start : p.end] + p.gap for p in found)
    assert rebuilt == text.strip()
    for one in found:
        inner = text[one.start : one.end]
        assert inner == inner.strip()
        held = keep[0][0] < one.end and one.start < keep[0][1]
        assert len(inner) <= most or held


def test_pieces_are_joined_by_what_the_language_writes() -> None:
    assert joined([("A.", " "), ("B.", "\n"), ("C.", "")], True) == ("A. B.\nC.", [0, 3, 6])
    assert joined([("甲。", " "), ("乙。", "")], False) == ("甲。乙。", [0, 2])


def test_marks_come_off_with_their_place() -> None:
    assert marked("He is in Rome.", 9, 13) == "He is in [Rome]."
    assert marked("He [Bob] is in Rome.", 15, 19) is None
    assert unmarked("Er ist in [Rom].", True) == ("Er ist in Rom.", Place(10, 13, "markers"))
    assert unmarked("Er ist in[ Rom ]heute", True) == (
        "Er ist in Rom heute",
        Place(10, 13, "markers"),
    )
    assert unmarked("他在【罗马】。", False) == ("他在罗马。", Place(2, 4, "markers"))


@pytest.mark.parametrize(
    "text", ["Er ist in Rom.", "Er [ist [in] Rom.", "]Rom[", "Er ist [ . ] da"]
)
def test_marks_that_were_not_kept_show_nothing(text: str) -> None:
    assert unmarked(text, True) is None


@pytest.mark.parametrize(
    ("candidate", "text", "expected", "how"),
    [
        ("Rom", "Er ist in Rom.", "Rom", "exact"),
        ("Rom.", "Er ist in Rom heute.", "Rom", "exact"),
        ("ann", "Ann und Anna", "Ann", "loose"),
        ("Anna Maria", "Die anna-maria kam.", "anna-maria", "loose"),
        ("１２", "Es sind 12 da.", "12", "loose"),
        (
            "der große rote Ball",
            "Sie sah den großen roten Ball.",
            "den großen roten Ball",
            "overlap",
        ),
        ("Hände", "Sie kennt Hänge.", None, ""),  # 3 letters of 5 are not enough
        ("Helsinki", "Hän asuu Helsingissä.", None, ""),
        ("kirjasto", "Hän on kirjastossa.", "kirjasto", "exact"),
        ("罗马", "他在罗马。", "罗马", "exact"),
        ("…", "Er kam …", None, ""),
        ("Rom", "Er ist ein Romantiker.", None, ""),
    ],
)
def test_answers_are_found_by_the_strictest_way(
    candidate: str, text: str, expected: str | None, how: str
) -> None:
    place = find([candidate], text, 0.5, "罗" not in text)
    found = None if place is None else (text[place.start : place.end], place.how)
    assert found == (None if expected is None else (expected, how))


def test_of_several_occurrences_the_nearest_wins_and_the_first_candidate_comes_first() -> None:
    text = "Ben saw Ben and Ben."
    starts = [find(["Ben"], text, near, True) for near in (0.0, 0.5, 1.0)]
    assert [p.start for p in starts if p] == [0, 8, 16]
    place = find(["Tom", "Ben"], text, 0.0, True)
    assert place is not None
    assert text[place.start : place.end] == "Ben"
