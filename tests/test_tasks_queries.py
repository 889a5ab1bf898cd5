"""BUCC, LAReQA and Mewsli-X on small files of ours, and the faults of their files."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

import miniatures
from official import ABSENT, DATA
from waystation import sources
from waystation.errors import DataError, UserError
from waystation.task import get
from waystation.tasks.mentions import marked
from waystation.tasks.queries import sentence_breaks


def put(folder, name, content):
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    if isinstance(content, list) and not isinstance(content[0], str):
        content = [json.dumps(row, ensure_ascii=False) for row in content]
    text = "".join(f"{row}\n" for row in content) if isinstance(content, list) else content
    path.write_text(text, encoding="utf-8")
    return path


def load(folder, name, language, split="test"):
    return sources.load(get(name), folder, language, split).examples


def pool(folder, name, language, split="test"):
    return sources.load_pool(get(name), folder, (language,), split).examples


def refused(folder, name, language, split="test", read=load):
    with pytest.raises(DataError) as caught:
        read(folder, name, language, split)
    return str(caught.value)


# -- BUCC ------------------------------------------------------------------------------------------


def bucc(folder, part="dev", gold=("de-1\ten-2",), names="bucc2018/de-en"):
    put(folder, f"{names}.{part}.de", ["de-1\tHaus", "de-2\tHund"])
    put(folder, f"{names}.{part}.en", ["en-1\tcat", "en-2\thouse"])
    if gold is not None:
        put(folder, f"{names}.{part}.gold", list(gold))


def test_bucc_queries_and_pool(tmp_path):
    bucc(tmp_path)
    first, second = load(tmp_path, "bucc2018", "de", "dev")
    assert (first.id, first.query, first.relevant) == ("de-1", "Haus", ("en-2",))
    assert second.relevant == ()
    assert [(c.id, c.text, c.language) for c in pool(tmp_path, "bucc2018", "de", "dev")] == [
        ("en-1", "cat", "en"),
        ("en-2", "house", "en"),
    ]


@pytest.mark.parametrize(
    ("part", "names", "split"),
    [
        ("test", "bucc2018/de-en", "test"),
        ("training", "bucc2018/de-en/de-en", "test"),
        ("sample", "bucc2018/de-en/de-en", "dev"),
        ("training", "de-en", "test"),
    ],
)
def test_bucc_by_xtremes_names_and_its_own(tmp_path, part, names, split):
    bucc(tmp_path, part, names=names)
    assert load(tmp_path, "bucc2018", "de", split)[0].relevant == ("en-2",)
    assert len(pool(tmp_path, "bucc2018", "de", split)) == 2


def test_without_a_gold_file_nothing_is_known(tmp_path):
    bucc(tmp_path, "test", gold=None)
    assert {e.relevant for e in load(tmp_path, "bucc2018", "de")} == {None}


@pytest.mark.parametrize(
    ("gold", "part"),
    [
        (["de-9\ten-1"], "gold:1: expected an id of de-en.dev.de, found 'de-9'"),
        (["de-1\ten-1", "de-1\tde-1"], "gold:2: expected an id of de-en.dev.en, found 'de-1'"),
        (["de-1\ten-1", "de-1\ten-1"], "gold:2: expected each pair once, found 'de-1' with"),
        (["de-1"], "gold:1: expected 2 tab-separated columns, found 1"),
    ],
)
def test_bucc_gold_faults(tmp_path, gold, part):
    bucc(tmp_path, gold=gold)
    assert part in refused(tmp_path, "bucc2018", "de", "dev")


@pytest.mark.parametrize(
    ("rows", "part"),
    [
        (["de-1\tHaus", "de-1\tHund"], "dev.de:2: expected every id once, found 'de-1' again"),
        (["de-1\t "], "dev.de:1: expected a sentence, found an empty cell"),
        (["de-1\tein\tHaus"], "dev.de:1: expected 2 tab-separated columns, found 3"),
    ],
)
def test_bucc_sentence_faults(tmp_path, rows, part):
    bucc(tmp_path)
    put(tmp_path, "bucc2018/de-en.dev.de", rows)
    assert part in refused(tmp_path, "bucc2018", "de", "dev")


# -- LAReQA ----------------------------------------------------------------------------------------


def paragraph(context, breaks, answer="b", ids=("q1",)):
    found = {"text": answer, "answer_start": context.index(answer)}
    questions = [{"id": id_, "question": "Where?", "answers": [found]} for id_ in ids]
    return {"context": context, "sentence_breaks": breaks, "qas": questions}


def lareqa(folder, language, *paragraphs):
    data = {"data": [{"title": "T", "paragraphs": list(paragraphs)}], "version": "1"}
    put(folder, f"lareqa/xquad-r/{language}.json", json.dumps(data))


def test_relevant_is_the_answers_sentence_in_every_language_that_is_there(tmp_path):
    lareqa(tmp_path, "de", paragraph("a. b.", [[0, 2], [3, 5]]))
    lareqa(tmp_path, "es", paragraph("b? a. c.", [[0, 2], [3, 5], [6, 8]]))
    (german,) = load(tmp_path, "lareqa", "de")
    (spanish,) = load(tmp_path, "lareqa", "es")
    assert german.relevant == spanish.relevant == ("de_1_1", "es_1_0")
    assert (german.id, spanish.id, german.group) == ("q1_de", "q1_es", "q1")
    assert [(c.id, c.text, c.context) for c in pool(tmp_path, "lareqa", "de")] == [
        ("de_1_0", "a.", "a. b."),
        ("de_1_1", "b.", "a. b."),
    ]
    files = sources.load(get("lareqa"), tmp_path, "es", "test").files
    assert [file.path for file in files] == ["lareqa/xquad-r/es.json", "lareqa/xquad-r/de.json"]


def test_equal_sentences_of_a_paragraph_answer_alike_and_none_means_left_out(tmp_path):
    equal = paragraph("b. b.", [[0, 2], [3, 5]])
    lareqa(tmp_path, "de", equal, paragraph("a. b.", [[0, 2]], ids=("q2",)))
    (only,) = load(tmp_path, "lareqa", "de")
    assert only.relevant == ("de_1_0", "de_1_1")


@pytest.mark.parametrize(
    ("content", "part"),
    [
        (paragraph("a. b.", [[0, 9]]), "expected each of 'sentence_breaks' of paragraph 1"),
        (paragraph("a. b.", [3]), "found 3"),
        ({"context": "b", "qas": []}, "expected the field 'sentence_breaks'"),
        (
            {"context": "b", "sentence_breaks": [[0, 1]], "qas": [{
                "id": "q", "question": "?", "answers": [{"text": "b", "answer_start": 0}] * 2}]},
            "de.json: expected one answer of question 'q', found 2",
        ),
    ],
)  # fmt: skip
def test_lareqa_faults(tmp_path, content, part):
    lareqa(tmp_path, "de", content)
    assert part in refused(tmp_path, "lareqa", "de")


def test_lareqa_json_that_is_none(tmp_path):
    put(tmp_path, "lareqa/xquad-r/de.json", "{")
    assert "de.json: expected SQuAD JSON" in refused(tmp_path, "lareqa", "de")
    assert "de.json: expected SQuAD JSON" in refused(tmp_path, "lareqa", "de", read=pool)


def test_squad_is_cut_into_sentences(tmp_path):
    text = 'Mr. J. Smith left (see fig. 2). "Why?" Nobody knew. The U.S. did.'
    parts = [text[start:end] for start, end in sentence_breaks(text)]
    assert parts == ["Mr. J. Smith left (see fig. 2).", '"Why?"', "Nobody knew.", "The U.S. did."]
    assert sentence_breaks("no end") == [[0, 6]]


@pytest.mark.data
@pytest.mark.skipif(not (DATA / "xquad-r/en.json").is_file(), reason=ABSENT)
def test_sentences_by_the_rule_are_mostly_those_of_xquad_r():
    release = json.loads((DATA / "xquad-r/en.json").read_text(encoding="utf-8"))
    found = [
        (len(p["sentence_breaks"]), sum(b in sentence_breaks(p["context"])
         for b in p["sentence_breaks"]))
        for article in release["data"] for p in article["paragraphs"]
    ]  # fmt: skip
    assert tuple(map(sum, zip(*found, strict=True))) == (1180, 1154)


# -- Mewsli-X --------------------------------------------------------------------------------------


def context(text, *spans, language="de"):
    spans = [{"start": start, "end": end} for start, end in spans]
    return {"text": text, "sentence_spans": spans, "language": language, "document_id": "D1"}


def mention(start, text, entity="Q1", name="m1"):
    span = {"start": start, "end": start + len(text), "text": text}
    return {"example_id": name, "mention_span": span, "entity_id": entity}


ROW = {"context": context("A b. C d {e} f.", (0, 4), (5, 15)), "mentions": [mention(7, "d")]}
ENTITY = {
    "entity_id": "Q1", "description": "One.  Two.", "description_language": "es",
    "sentence_spans": [{"start": 0, "end": 4}, {"start": 6, "end": 10}],
}  # fmt: skip


def test_mentions_are_marked_in_their_sentence(tmp_path):
    put(tmp_path, "mewslix/wikinews_mentions-dev.jsonl", [ROW])
    put(tmp_path, "mewslix/candidate_set_entities.jsonl", [ENTITY])
    (query,) = load(tmp_path, "mewslix", "de", "dev")
    assert query.query == "d: C { d } (e) f."
    assert (query.id, query.group, query.relevant) == ("m1", "D1", ("Q1",))
    (entity,) = pool(tmp_path, "mewslix", "de", "dev")
    assert (entity.id, entity.text, entity.language) == ("Q1", "One. Two.", "es")


def test_emptied_gold_is_none_unless_the_labels_have_it(tmp_path):
    row = ROW | {"mentions": [mention(7, "d", entity="")]}
    put(tmp_path, "mewslix/wikinews_mentions/test-de.jsonl", [row])
    assert load(tmp_path, "mewslix", "de")[0].relevant is None
    labels = put(tmp_path, "mewslix/wikinews_labels/test-de.json", '{"m1": [""]}')
    assert load(tmp_path, "mewslix", "de")[0].relevant is None
    labels.write_text('{"m1": ["Q7"]}')
    assert load(tmp_path, "mewslix", "de")[0].relevant == ("Q7",)
    labels.write_text('{"m1": "Q7"}')
    assert "test-de.json: expected a list of one entity id for 'm1', found \"Q7\"" in refused(
        tmp_path, "mewslix", "de"
    )
    labels.write_text("[]")
    assert "expected a JSON object, found a list" in refused(tmp_path, "mewslix", "de")
    labels.write_text("{")
    assert "expected a JSON object, found: " in refused(tmp_path, "mewslix", "de")


@pytest.mark.parametrize(
    ("row", "part"),
    [
        (ROW | {"mentions": [mention(7, "x")]}, "jsonl:1: expected the mention 'x' at characters"),
        (ROW | {"mentions": [mention(2, "b. C")]}, "inside one of the 2 'sentence_spans', found"),
        (ROW | {"context": context("A b.", (0, 9))}, "expected 'sentence_spans' within the 4"),
        (ROW | {"mentions": [{}]}, "expected the field 'example_id'"),
        ({"mentions": []}, "expected the field 'context', found 'mentions'"),
    ],
)
def test_mewslix_faults(tmp_path, row, part):
    if row.get("context", {}).get("text") == "A b.":
        row = row | {"mentions": [mention(0, "A")]}
    put(tmp_path, "mewslix/wikinews_mentions-dev.jsonl", [row])
    assert part in refused(tmp_path, "mewslix", "de", "dev")


def test_the_other_languages_of_a_file_are_passed_over(tmp_path):
    other = {"context": context("x.", (0, 2), language="ja"), "mentions": [mention(0, "x")]}
    put(tmp_path, "mewslix/wikinews_mentions-dev.jsonl", [ROW, other])
    assert load(tmp_path, "mewslix", "ja", "dev")[0].query == "x: { x } ."
    assert "expected at least one example (tr" in refused(tmp_path, "mewslix", "tr", "dev")


def test_line_breaks_become_spaces(tmp_path):
    found = marked(context("a\nb  c", (0, 6)), mention(5, "c"), tmp_path, 1)
    assert found == "c: a b  { c }"  # spaces are halved once, as the official script does


# -- all of them -----------------------------------------------------------------------------------


def test_pairs_of_wikipedia_are_queries_with_their_entities(tmp_path):
    miniatures.write(tmp_path, ["de"])
    queries = load(tmp_path, "mewslix-pairs", "en", "train")
    ids = {candidate.id for candidate in pool(tmp_path, "mewslix-pairs", "en", "train")}
    assert {query.relevant[0] for query in queries} == ids


@pytest.mark.parametrize(
    ("name", "part"),
    [
        ("bucc2018", "bucc2018/de-en.test.de with bucc2018/de-en.test.en"),
        ("lareqa", "lareqa/xquad-r/de.json"),
        ("mewslix", "mewslix/wikinews_mentions-test.jsonl"),
    ],
)
def test_what_is_missing_is_named(tmp_path, name, part):
    with pytest.raises(UserError) as caught:
        load(tmp_path, name, "de")
    assert part in str(caught.value)


def test_of_many_places_six_are_named(tmp_path):
    with pytest.raises(UserError) as caught:
        load(tmp_path, "bucc2018", "de")
    assert str(caught.value).count("; or ") == 6
    assert "; or 6 more places (`waystation tasks bucc2018`);" in str(caught.value)


@pytest.mark.data
@pytest.mark.skipif(not (DATA / "bucc2018").is_dir(), reason=ABSENT)
def test_real_files():
    queries = load(DATA, "bucc2018", "zh", "dev")
    assert (len(queries), sum(len(q.relevant) for q in queries)) == (8624, 257)
    assert len(pool(DATA, "bucc2018", "zh", "dev")) == 13589


def test_a_file_that_every_language_has_is_read_once(tmp_path):
    put(tmp_path, "mewslix/candidate_set_entities.jsonl", [ENTITY])
    mewslix, read = get("mewslix"), []

    def counted(files, language, split):
        read.append(language)
        return mewslix.pools[0].read(files, language, split)

    task = replace(mewslix, pools=(replace(mewslix.pools[0], read=counted),))
    loaded = sources.load_pool(task, tmp_path, task.languages, "test")
    assert read == ["ar"]
    assert len(loaded.examples) == len(loaded.files) == 1
