"""Retrieval from a pool in a whole study: ranked candidates, mined pairs, borrowed thresholds."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from miniature import bytes_of

import toys
from tiny import tiny_encoder
from waystation.errors import LockMismatch, StudyFaults, UserError
from waystation.examples import Candidate, Neighbours, QueryExample, RetrievalPrediction
from waystation.excerpts import NOTHING, collect_excerpts
from waystation.metrics.retrieval import BUCC_F1
from waystation.report import analyse, render
from waystation.resolve import resolve
from waystation.run import Options, Outcome, run_study
from waystation.score import score
from waystation.store import Store
from waystation.study import load_study
from waystation.task import Task

TASKS = """
import json
from waystation import readers
from waystation.examples import Candidate, QueryExample
from waystation.metrics.retrieval import BUCC_F1, MAP20
from waystation.task import Layout, Task

def queries(files, language, split):
    for _, row in readers.jsonl(files[0]):
        gold = row["gold"]
        relevant = None if gold is None else tuple(gold)
        yield QueryExample(id=row["id"], query=row["text"], relevant=relevant)

def pool(files, language, split):
    for _, row in readers.jsonl(files[0]):
        yield Candidate(id=row["id"], language=language, text=row["text"])

def layout(name, read):
    return (Layout(paths=lambda l, s: (f"{name}.{s}.{l}.jsonl",), read=read),)

def make(name, files, **more):
    return Task(name=name, version=1, summary="", example=QueryExample, languages=("de", "sw"),
                layouts=layout(files, queries), pools=layout("pool", pool), **more)

RANK = make("rank", "rank", splits=("test",), metrics=(MAP20,), shared_pool=True)
MINE = make("mine", "queries", splits=("dev", "test"), metrics=(BUCC_F1,), tune_split="dev",
            options=(("search", "mine"),))
"""
STUDY = """\
name: queries
backbones: [model]
targets:
  - {task: "tasks.py:RANK", layers: [1, 2], pooling: [mean, words]}
  - {task: "tasks.py:MINE", layers: [2], scoring: [cosine, ratio, distance]}
numerics: {precision: fp32, threads: 1}
train: {max_tokens: 32}
"""


def write(folder: Path) -> Path:
    """A study whose queries stand in their pool word for word, every third of them at least."""
    (folder / "tasks.py").write_text(TASKS)
    (folder / "study.yaml").write_text(STUDY)
    tiny_encoder(folder / "model")
    for number, (language, split) in enumerate(
        [(a, b) for a in ("de", "sw") for b in ("dev", "test")]
    ):
        queries, pool = [], []
        for i in range(24):
            name, text = f"{language}-{i}", toys.sentence(1000 * number + i, 7)
            found = i % 3 == 0
            other = toys.sentence(5000 + 1000 * number + i, 9)
            queries.append({"id": name, "text": text, "gold": [f"t-{name}"] if found else []})
            pool.append({"id": f"t-{name}", "text": text if found else other})
        if split == "test":
            rank = [q for q in queries if q["gold"]]
            (folder / f"rank.{split}.{language}.jsonl").write_text(lines(rank))
        (folder / f"queries.{split}.{language}.jsonl").write_text(lines(queries))
        (folder / f"pool.{split}.{language}.jsonl").write_text(lines(pool))
    return folder / "study.yaml"


def lines(rows: list[dict[str, Any]]) -> str:
    return "".join(json.dumps(row) + "\n" for row in rows)


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write(tmp_path_factory.mktemp("queries"))


@pytest.fixture(scope="module")
def ran(study: Path, tmp_path_factory: pytest.TempPathFactory) -> Outcome:
    options = Options(store=tmp_path_factory.mktemp("store"), data=study.parent)
    return run_study(study, options)


def test_queries_find_their_own_words_in_the_pool_of_all_languages(ran: Outcome) -> None:
    assert ran.count("failed") == 0, ran.finished
    ranked = [s for s in ran.results.scores if s.target == "rank"]
    assert {(s.language, s.variant) for s in ranked} == {
        (tag, f"{layer}/{pooling}")
        for tag in ("de", "sw")
        for layer in (1, 2)
        for pooling in ("mean", "words")
    }
    assert all(s.values == {"map@20": 100.0} for s in ranked)
    steps = [s for s in ran.prepared.plan.steps.values() if s.kind == "predict"]
    pools = {s.spec["pool"] for s in steps if "rank" in s.label}
    assert len(pools) == 1
    (pool,) = pools
    candidates: Any = ran.prepared.store.data(str(pool), Candidate)
    assert {c.language for c in candidates} == {"de", "sw"}


def test_mined_pairs_are_cut_where_the_other_split_says(ran: Outcome) -> None:
    mined = [s for s in ran.results.scores if s.target == "mine"]
    assert {s.variant for s in mined} == {"2/mean", "2/mean/ratio", "2/mean/distance"}
    assert all(s.headline == "f1" and s.values["f1"] > 80 for s in mined)
    assert all(s.values["oracle_f1"] >= s.values["f1"] for s in mined)
    plan, store = ran.prepared.plan, ran.prepared.store
    scored = next(s for s in plan.steps.values() if s.kind == "score" and "mine" in s.label)
    assert len(scored.inputs) == 2
    kept: Any = store.read_json(scored.key, "score.json")
    assert set(kept["thresholds"]) == {"2/mean", "2/mean/ratio", "2/mean/distance"}
    assert kept["variants"]["2/mean"]["oracle_f1"]["values"]["oracle_f1"] > 80


def test_examples_show_the_texts_of_candidates_and_what_the_threshold_left(ran: Outcome) -> None:
    made = ran.prepared
    variants = {(p.backbone, p.target): p.variant for p in analyse(ran.results).parts}
    shown = collect_excerpts(
        ran.results, made.lock, made.plan, made.store, made.study, variants
    )  # fmt: skip
    assert [(e.target, e.language) for e in shown] == [
        ("rank", "de"), ("rank", "sw"), ("mine", "de"), ("mine", "sw"),
    ]  # fmt: skip
    for item in shown[0].items:  # queries stand in the pool word for word
        (query,) = item.texts
        assert item.gold == query.content
        assert item.outputs == ((query.content, 1.0),)
    for excerpt in shown[2:]:
        score = next(
            s
            for s in ran.results.scores
            if (s.target, s.language, s.variant) == ("mine", excerpt.language, excerpt.variant)
        )
        kept = dict(zip(score.ids, score.statistics[:, 1], strict=True))
        assert {kept[i.id] for i in excerpt.items} == {0.0, 1.0}
        for item in excerpt.items:
            ((output, right),) = item.outputs
            assert (output == NOTHING) == (kept[item.id] == 0)
            assert (item.gold == NOTHING) == (int(item.id.split("-")[1]) % 3 != 0)
            assert right == float(output == item.gold)


def test_again_gives_the_same_bytes(ran: Outcome, study: Path, tmp_path: Path) -> None:
    run_study(study, Options(store=tmp_path, data=study.parent))
    assert bytes_of(tmp_path) == bytes_of(ran.prepared.store.root)


def test_a_trial_keeps_what_its_queries_look_for(study: Path, tmp_path: Path) -> None:
    outcome = run_study(study, Options(store=tmp_path, data=study.parent, limit=2))
    assert outcome.count("failed") == 0, outcome.finished
    data: Any = outcome.prepared.lock["data"]
    sizes = {name: entry["count"] for name, entry in data.items() if "pool" in name}
    assert sizes["mine de dev pool limit=2"] == 21  # one relevant, twenty others
    ranked = [s for s in outcome.results.scores if s.target == "rank"]
    assert all(s.values["map@20"] == 100.0 for s in ranked)


def test_a_pool_with_languages_missing_is_said(study: Path, tmp_path: Path) -> None:
    folder = tmp_path / "data"
    folder.mkdir()
    for path in study.parent.glob("*.jsonl"):
        if ".sw." not in path.name:
            (folder / path.name).write_bytes(path.read_bytes())
    outcome = run_study(study, Options(store=tmp_path / "store", data=folder, relock=True))
    remarks: Any = outcome.prepared.lock["remarks"]
    assert any("the candidates are those of 1 of 2 languages (absent: sw)" in r for r in remarks)


def test_resolving_again_reads_no_pool_until_a_file_of_it_changes(
    study: Path, tmp_path: Path
) -> None:
    place = _copied(study, tmp_path)
    own, store = load_study(place / "study.yaml"), Store.open(tmp_path / "store")
    for limit in (None, 2):
        said: list[str] = []
        first = resolve(own, store, data=place, limit=limit, say=said.append)
        assert any("pool" in line for line in said)
        said.clear()
        assert resolve(own, store, data=place, limit=limit, say=said.append) == first
        assert said == []
    pool = place / "pool.test.de.jsonl"
    pool.write_text(pool.read_text() + lines([{"id": "new", "text": "one more"}]))
    with pytest.raises(LockMismatch, match=r"mine de test pool: 24 -> 25 examples"):
        resolve(own, store, data=place)


def test_targets_of_one_trial_each_find_what_their_queries_look_for(
    study: Path, tmp_path: Path
) -> None:
    place = _copied(study, tmp_path)
    both = "".join(
        f'  - {{task: "tasks.py:RANK", name: {tag}, languages: [{tag}], layers: [2]}}\n'
        for tag in ("de", "sw")
    )
    start = STUDY.index("  - {task")
    (place / "study.yaml").write_text(STUDY[:start] + both + STUDY[STUDY.index("numerics") :])
    store = Store.open(tmp_path / "store")
    lock: Any = resolve(load_study(place / "study.yaml"), store, data=place, limit=1)
    for target in lock["targets"]:
        (tag,) = target["evaluate"]
        (query,) = store.data(lock["data"][target["evaluate"][tag]]["digest"], QueryExample)
        pool = store.data(lock["data"][target["pools"][tag]]["digest"], Candidate)
        assert query.relevant[0] in {c.id for c in pool}  # type: ignore[attr-defined]


def test_thresholds_need_gold(study: Path, tmp_path: Path) -> None:
    place = _copied(study, tmp_path)
    path = place / "queries.dev.sw.jsonl"
    rows = [json.loads(row) | {"gold": None} for row in path.read_text().splitlines()]
    path.write_text(lines(rows))
    with pytest.raises(StudyFaults, match=r"expected gold in task mine, sw, split dev, found none"):
        resolve(load_study(place / "study.yaml"), Store.open(tmp_path / "store"), data=place)


def test_training_pins_its_pool_and_needs_an_answer_in_it(study: Path, tmp_path: Path) -> None:
    place = _copied(study, tmp_path)
    more = "\nTRAIN = make('train', 'rank', splits=('test',), metrics=(MAP20,))\n"
    (place / "tasks.py").write_text(TASKS + more)
    start, end = STUDY.index("targets"), STUDY.index("numerics")
    (place / "study.yaml").write_text(
        STUDY[:start]
        + 'intermediate: [{task: "tasks.py:TRAIN", split: test, language: de}]\n'
        + 'targets: [{task: "tasks.py:RANK", languages: [de]}]\n'
        + STUDY[end:]
    )
    own, store = load_study(place / "study.yaml"), Store.open(tmp_path / "store")
    resolve(own, store, data=place)
    pool = place / "pool.test.de.jsonl"
    rows = [json.loads(row) for row in pool.read_text().splitlines()]
    changed = [row | {"text": row["text"] + " x"} for row in rows]
    pool.write_text(lines(changed))
    with pytest.raises(LockMismatch, match=r"data train de test examples=None .* other content"):
        resolve(own, store, data=place)
    pool.write_text(lines(rows[1:]))
    with pytest.raises(StudyFaults, match=r"have a relevant candidate in the pool, .* 'de-0'"):
        resolve(own, store, data=place)


def _copied(study: Path, folder: Path) -> Path:
    """The study with its data in a folder of its own; the model is linked."""
    place = folder / "study"
    place.mkdir()
    for path in (*study.parent.glob("*.jsonl"), study, study.parent / "tasks.py"):
        (place / path.name).write_bytes(path.read_bytes())
    (place / "model").symlink_to(study.parent / "model")
    return place


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "expected candidates in the pool of mine (de, split 'test'), found none"),
        (
            '{"id": "a", "text": "b"}\n{"id": "a", "text": "c"}\n',
            "expected every candidate's id once (pool of mine), found 'a' for two texts",
        ),
    ],
)
def test_a_pool_that_cannot_be_is_refused(
    study: Path, tmp_path: Path, content: str, message: str
) -> None:
    folder = tmp_path / "data"
    folder.mkdir()
    for path in study.parent.glob("*.jsonl"):
        (folder / path.name).write_bytes(path.read_bytes())
    (folder / "pool.test.de.jsonl").write_text(content)
    with pytest.raises(StudyFaults) as found:
        run_study(study, Options(store=tmp_path / "store", data=folder, relock=True))
    assert message in str(found.value)


# -- scores of mined pairs -------------------------------------------------------------------------

TASK: Task[QueryExample] = Task(
    name="mine",
    version=1,
    summary="",
    example=QueryExample,
    layouts=(),
    languages=("de",),
    splits=("dev", "test"),
    metrics=(BUCC_F1,),
    options=(("search", "mine"),),
    tune_split="dev",
)


def pairs(*found: tuple[float | None, bool]) -> tuple[list[Any], list[Any]]:
    """Predictions and examples: a score, or None where nothing was mined; whether it is right."""
    predictions, examples = [], []
    for i, (value, right) in enumerate(found):
        forward = () if value is None else ("t" if right else "f",)
        scores = () if value is None else (value,)
        neighbours = Neighbours(forward=forward, forward_scores=scores)
        predictions.append(RetrievalPrediction(id=str(i), variants={"8/cls": neighbours}))
        examples.append(QueryExample(id=str(i), query="", relevant=("t",) if right else ()))
    return predictions, examples


def test_the_threshold_comes_from_the_tune_split_and_is_inclusive() -> None:
    dev = pairs((0.9, True), (0.7, True), (0.5, False))
    test = pairs((0.6, True), (0.59, True), (0.8, False), (None, True))
    found: Any = score(TASK, *test, "de", dev)
    assert found["thresholds"]["8/cls"] == {"threshold": 0.6, "oracle": 0.59}
    values = found["variants"]["8/cls"]
    assert values["f1"]["values"]["precision"] == 50.0
    assert values["f1"]["values"]["recall"] == pytest.approx(100 / 3)
    assert values["oracle_f1"]["values"]["oracle_recall"] == pytest.approx(200 / 3)


def test_without_another_split_there_is_an_oracle_and_no_headline() -> None:
    found: Any = score(TASK, *pairs((0.9, True), (0.2, False)), "de")
    assert list(found["variants"]["8/cls"]) == ["oracle_f1"]


def test_pairs_without_scores_are_already_cut() -> None:
    neighbours = Neighbours(forward=("t",), forward_scores=())
    prediction = RetrievalPrediction(id="0", variants={"": neighbours})
    example = QueryExample(id="0", query="", relevant=("t",))
    found: Any = score(TASK, [prediction], [example], "de")
    assert found["variants"][""]["f1"]["values"]["f1"] == 100.0


def test_where_nothing_was_mined_there_is_a_threshold_all_the_same() -> None:
    found: Any = score(TASK, *pairs((None, True)), "de", pairs((0.9, True), (0.7, False)))
    assert found["thresholds"]["8/cls"]["threshold"] == pytest.approx(0.8)
    assert found["variants"]["8/cls"]["f1"]["values"]["f1"] == 0.0


def test_a_variant_that_the_tune_split_lacks_is_refused() -> None:
    predictions, examples = pairs((0.9, True))
    other = RetrievalPrediction(id="0", variants={"1/cls": predictions[0].variants["8/cls"]})
    with pytest.raises(UserError, match=r"expected predictions of mine's dev split for variant"):
        score(TASK, predictions, examples, "de", ([other], examples))


def test_hidden_gold_is_predicted_and_not_scored(study: Path, tmp_path: Path) -> None:
    folder = tmp_path / "data"
    folder.mkdir()
    for path in study.parent.glob("*.jsonl"):
        text = path.read_text()
        if path.name.startswith("queries.test"):
            text = lines([json.loads(row) | {"gold": None} for row in text.splitlines()])
        (folder / path.name).write_text(text)
    for name in ("model", "tasks.py"):
        (tmp_path / name).symlink_to(study.parent / name)
    (tmp_path / "study.yaml").write_text(
        STUDY.replace(", layers: [1, 2], pooling: [mean, words]", "")
    )
    outcome = run_study(tmp_path / "study.yaml", Options(store=tmp_path / "store", data=folder))
    assert outcome.count("failed") == 0, outcome.finished
    assert {s.target for s in outcome.results.scores} == {"rank"}
    plan, store = outcome.prepared.plan, outcome.prepared.store
    scored = next(s for s in plan.steps.values() if s.kind == "score" and "mine" in s.label)
    kept: Any = store.read_json(scored.key, "score.json")
    assert kept["variants"] == {}
    assert set(kept["thresholds"]["2/mean"]) == {"threshold"}
    assert any("have no gold in de, as benchmarks hide it" in w for w in outcome.results.warnings)
    found = analyse(outcome.results, resamples=50)
    (part,) = [p for p in found.parts if p.target == "mine"]
    assert part.gaps == {"none": "gold not published"}
    assert "have no gold in de" in render(outcome.results, "md", found)
