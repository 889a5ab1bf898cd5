"""Findings on queries and the candidates that they search, on small files in official layouts."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

import miniatures
from waystation.check import check_study, check_task, pools
from waystation.check.reading import Part, Pool
from waystation.examples import Candidate, QueryExample
from waystation.task import get


def put(folder, name, lines):
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def bucc(folder, split, queries, targets, gold):
    """One part of BUCC's German pair: two lists of sentences, and positions that are pairs."""
    for side, texts in (("de", queries), ("en", targets)):
        rows = [f"{side}-{n}\t{text}" for n, text in enumerate(texts)]
        put(folder, f"bucc2018/de-en.{split}.{side}", rows)
    put(folder, f"bucc2018/de-en.{split}.gold", [f"de-{a}\ten-{b}" for a, b in gold])


GERMAN = ["Der Hund schlief den ganzen Tag im Garten.", "Im Jahr 1871 brannte die halbe Stadt ab."]
ENGLISH = ["Half of the town burnt down in 1871.", "The dog slept in the garden all day long."]
OTHER = ["A third sentence that nobody ever translated.", "And one more of these sentences."]


def found(report, code):
    return [f for f in report.findings if f.code == code]


def test_a_clean_pair_has_nothing_to_complain_about(tmp_path):
    bucc(tmp_path, "dev", GERMAN, ENGLISH, [(0, 1), (1, 0)])
    report = check_task(get("bucc2018"), tmp_path, ["de"], ["dev"])
    assert report.findings == ()
    assert [(e.examples, e.candidates) for e in report.entries] == [(2, 2)]


def test_gold_pairs_are_compared_as_translations(tmp_path):
    swapped = [ENGLISH[0], "Der Hund schlief 1999 ganze 300 Tage."]
    bucc(tmp_path, "dev", swapped, [*ENGLISH, swapped[1] + " 17 88"], [(0, 0), (1, 2)])
    report = check_task(get("bucc2018"), tmp_path, ["de"], ["dev"])
    (same,) = found(report, "untranslated")
    assert (same.count, same.examples) == (1, ("de-0 = en-0",))
    bucc(tmp_path, "dev", GERMAN, ENGLISH, [(0, 0), (1, 0)])
    put(tmp_path, "bucc2018/de-en.dev.gold", ["de-0\ten-0", "de-1\ten-0"])
    put(tmp_path, "bucc2018/de-en.dev.de", ["de-0\tEr zahlte 12 Euro.", "de-1\tSeit 1871 so."])
    (numbers,) = found(check_task(get("bucc2018"), tmp_path, ["de"], ["dev"]), "numbers-differ")
    assert numbers.examples == ("de-0 = en-0: 12 / 1871",)


def test_sides_that_have_changed_places(tmp_path):
    english = [f"The {n}th of the dogs was in the garden that it is." for n in range(30)]
    german = [f"Der {n}. Hund schlief." for n in range(30)]
    bucc(tmp_path, "dev", english, german, [(0, 0)])
    (swapped,) = found(check_task(get("bucc2018"), tmp_path, ["de"], ["dev"]), "swapped-sides")
    assert (swapped.severity, swapped.count) == ("error", 30)


def test_copies_of_gold_in_the_pool(tmp_path):
    bucc(tmp_path, "dev", GERMAN, [*ENGLISH, ENGLISH[1].upper(), *OTHER, OTHER[0]], [(0, 1)])
    (copies,) = found(check_task(get("bucc2018"), tmp_path, ["de"], ["dev"]), "repeated-targets")
    assert copies.examples == ("de-0: en-2 = en-1",)  # a copy of what is no gold does no harm
    assert "a right answer can count as wrong" in copies.message


def test_a_tune_split_that_overlaps_with_the_evaluated_one(tmp_path):
    bucc(tmp_path, "dev", GERMAN, [*ENGLISH, OTHER[0]], [(0, 1)])
    bucc(tmp_path, "test", [GERMAN[1], "Ein neuer Satz steht da."], OTHER, [(1, 1)])
    shared = found(check_task(get("bucc2018"), tmp_path, ["de"]), "shared-between-splits")
    texts = [example for f in shared for example in f.examples]
    assert texts == ["test de-0 = dev de-1", "test en-0 = dev en-2"]
    assert "which thresholds are chosen on" in shared[1].message


# ---------------------------------------------------------------------------- LAReQA, Mewsli-X


@pytest.fixture
def data(tmp_path):
    """Miniatures of the benchmarks' files in English and German."""
    return miniatures.write(tmp_path / "data", ["en", "de"])


def test_pools_of_miniatures_fit_their_queries(data):
    for name in ("lareqa", "mewslix"):
        report = check_task(get(name), data, ["en", "de"])
        assert {f.code for f in report.findings if f.severity != "note"} <= {"not-official"}
        assert {e.candidates > 0 for e in report.entries} == {True}
    lareqa = check_task(get("lareqa"), data, ["en", "de"])
    assert len({e.candidates for e in lareqa.entries}) == 1  # one pool for both languages


def test_gold_that_is_no_candidate(data):
    path = data / "mewslix/candidate_set_entities.jsonl"
    entities = path.read_text(encoding="utf-8").splitlines()
    path.write_text("\n".join(entities[1:]) + "\n", encoding="utf-8")
    gone = json.loads(entities[0])["entity_id"]
    findings = found(check_task(get("mewslix"), data, ["en", "de"]), "gold-not-in-pool")
    assert {(f.language, f.split, f.severity, f.count) for f in findings} == {
        ("en", "dev", "error", 1),
        ("de", "dev", "error", 1),
    }
    assert findings[0].examples[0].endswith(f": {gone}")


def test_a_pool_that_is_not_there_or_broken(data):
    path = data / "mewslix/candidate_set_entities.jsonl"
    path.write_text("{}\n", encoding="utf-8")
    (broken, *_) = found(check_task(get("mewslix"), data, ["en", "de"]), "unreadable-file")
    assert broken.message.startswith("no candidates: ")
    path.unlink()
    (absent, *_) = found(check_task(get("mewslix"), data, ["en", "de"]), "missing-files")
    assert absent.severity == "error"
    assert absent.message.startswith("no candidates: expected the files of task 'mewslix'")


def test_queries_that_no_candidate_answers():
    task = replace(get("bucc2018"), name="own", options=(), tune_split=None)
    queries = (QueryExample(id="a", query="?", relevant=()), QueryExample(id="b", query="!"))
    pool = Pool((Candidate(id="x", text="y"),))
    part = Part(task=task, name="own", language="de", split="dev", examples=queries, pool=pool)
    (finding,) = pools.of_part(part)
    assert (finding.code, finding.severity, finding.examples) == ("no-relevant", "warning", ("a",))


def test_candidates_decoded_with_another_character_set():
    queries = (QueryExample(id="a", query="?", relevant=("x",)),)
    pool = Pool((Candidate(id="x", text="fÃ¼r dich"), Candidate(id="z", text="für dich")))
    task = get("bucc2018")
    part = Part(task=task, name="bucc2018", language="de", split="dev", examples=queries, pool=pool)
    (finding,) = pools.of_part(part)
    assert (finding.code, finding.examples) == ("wrong-decoding", ("x",))


def test_lareqa_is_compared_with_the_questions_and_paragraphs_that_are_trained_on(data):
    """LAReQA's items are XQuAD's, so training on XQuAD shows; ids are too short here to name
    a question in other languages as well."""
    study = data / "s.yaml"
    study.write_text(
        "intermediate: [none, {task: xquad, language: de, split: test}]\n"
        "backbones: [nobody/nothing]\n"
        "targets: [{task: lareqa, languages: [en, de]}]\n"
    )
    report = check_study(study, data)
    number = {e.language: e.examples for e in report.entries if e.task == "lareqa"}
    (trained,) = found(report, "overlap-exact")
    (held,) = found(report, "selected-on-evaluated")
    assert trained.language == held.language == "de"
    assert trained.count + held.count == number["de"]


def test_lareqa_is_compared_with_paragraphs_under_other_ids(data):
    release = json.loads((data / "xquad/xquad.en.json").read_text(encoding="utf-8"))
    for article in release["data"]:
        for paragraph in article["paragraphs"]:
            for number, question in enumerate(paragraph["qas"]):
                question["id"] = f"new-{question['id'][-6:]}-{number}"
                question["question"] = "Something else altogether, isn't it?"
    put(data, "squad/train-v1.1.json", [json.dumps(release)])
    study = data / "s.yaml"
    study.write_text("intermediate: [none, squad-v1]\ntargets: [{task: lareqa, languages: [en]}]\n")
    (context,) = found(check_study(study, data), "overlap-context")
    assert context.severity == "error"
    assert context.count > 0
