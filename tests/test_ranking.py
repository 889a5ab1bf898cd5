"""Training retrieval: each text finds its partner among those of the batch."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

import tiny
import toys
from waystation import batching
from waystation.batching import collate
from waystation.encoded import encode
from waystation.errors import StepFailed, StudyFaults
from waystation.examples import BitextExample, Candidate, QueryExample
from waystation.heads import build
from waystation.heads import ranking as heads
from waystation.heads.retrieval import Pair
from waystation.metrics.retrieval import ACCURACY, MAP20
from waystation.mixture import Member, Mixture
from waystation.model import set_dropout
from waystation.negatives import mined
from waystation.predict import Pool, predict
from waystation.run import Options, prepare, run_study
from waystation.settings import TrainConfig
from waystation.store import Store
from waystation.study import load_study
from waystation.task import Task
from waystation.train import Output, finetune


def translated(text: str) -> str:
    """Another word for every word, always the same one."""
    where = toys.WORDS.index
    return " ".join(toys.WORDS[(where(word) + 5) % len(toys.WORDS)] for word in text.split())


def bitext(count: int = 24) -> list[BitextExample]:
    texts = [toys.sentence(i, 3 + i % 5) for i in range(count)]
    return [BitextExample(id=str(i), source=t, target=translated(t)) for i, t in enumerate(texts)]


def queries(count: int = 24) -> tuple[list[QueryExample], list[Candidate]]:
    pairs = bitext(count)
    found = [QueryExample(id=p.id, query=p.source, relevant=(f"c{p.id}",)) for p in pairs]
    return found, [Candidate(id=f"c{p.id}", text=p.target, context="the") for p in pairs]


def task(example: Any, metric: Any) -> Task[Any]:
    return Task(
        name="toy", version=1, summary="", example=example, layouts=(), languages=("en",),
        splits=("train",), metrics=(metric,),
    )  # fmt: skip


def member(kind: str) -> Member:
    if kind == "bitext":
        examples: Any = bitext()
        return Member(
            name="toy", task=task(BitextExample, ACCURACY), head=toys.head(kind, pooling="mean"),
            examples=examples, dev=examples,
        )  # fmt: skip
    examples, pool = queries()
    return Member(
        name="toy", task=task(QueryExample, MAP20), head=toys.head(kind), examples=examples,
        dev=examples, pool=pool, dev_pool=pool,
    )  # fmt: skip


def train(folder: Path, own: Member, model: Any = None, **settings: Any) -> Any:
    config = TrainConfig(**{"epochs": 60, "batch_size": 24, "max_tokens": 32, "dropout": 0.0,
                            "learning_rate": 3e-3} | settings)  # fmt: skip
    model = model or toys.model()
    finetune(model, Mixture(members=(own,)), config, toys.NUMERICS, 0, Output(folder=folder))
    return model


@pytest.mark.parametrize("kind", ["bitext", "query"])
def test_partners_find_each_other_after_training(kind: str, tmp_path: Path) -> None:
    train(tmp_path / "before", member(kind), epochs=0.5, learning_rate=1e-9)
    train(tmp_path / "after", member(kind))
    scores = [
        json.loads((tmp_path / name / "evaluations.json").read_text())[-1]["score"]
        for name in ("before", "after")
    ]
    assert scores[0] < 60
    assert scores[1] > 95
    curve = json.loads((tmp_path / "after" / "curve.json").read_text())
    assert curve[-1][1] < curve[0][1] / 3


def test_what_was_trained_is_what_the_last_layer_predicts(tmp_path: Path) -> None:
    own = member("query")
    model = train(tmp_path, own)
    predictions: Any = predict(
        model, replace(own.head, options=(("layers", "all"),)), own.dev, toys.NUMERICS,
        max_tokens=32, stride=0, language="en", pool=Pool(own.dev_pool),
    )  # fmt: skip
    right = [p.variants["2/mean"].forward[0] == f"c{p.id}" for p in predictions]
    evaluation = json.loads((tmp_path / "evaluations.json").read_text())[-1]
    assert all(right)
    assert evaluation["score"] == 100


def gradients(monkeypatch: pytest.MonkeyPatch, tokens: int) -> tuple[float, torch.Tensor]:
    """The loss and one gradient of a batch in passes of so many tokens."""
    monkeypatch.setattr(heads, "TOKENS", tokens)
    model = toys.model()
    model.eval()
    head = build(toys.head("bitext"), model.tokenizer, 64, 0)
    rows = [row for parts in head.encode(bitext(), True) for row in parts]
    loss, weight = head.loss(model, collate(rows, model.pad_id))
    assert weight == 24
    loss.backward()
    name = next(n for n, _ in model.backbone.named_parameters() if "query.weight" in n)
    gradient = dict(model.backbone.named_parameters())[name].grad
    assert gradient is not None
    return float(loss), gradient.clone()


def test_passes_change_neither_loss_nor_gradient(monkeypatch: pytest.MonkeyPatch) -> None:
    whole, expected = gradients(monkeypatch, batching.TOKENS)
    split, found = gradients(monkeypatch, 64)
    assert split == pytest.approx(whole, rel=1e-5)
    torch.testing.assert_close(found, expected, rtol=1e-3, atol=1e-5)


def test_dropout_is_the_same_when_embeddings_are_made_again(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(heads, "TOKENS", 64)
    first = train(tmp_path / "a", member("bitext"), epochs=2, dropout=0.2)
    second = train(tmp_path / "b", member("bitext"), epochs=2, dropout=0.2)
    for a, b in zip(first.parameters(), second.parameters(), strict=True):
        assert torch.equal(a, b)


def test_every_pass_hands_over_a_tensor_of_its_device(monkeypatch: pytest.MonkeyPatch) -> None:
    # What a GPU's dropout is repeated by, see `vectors`; here there may be none to show it on.
    given: list[tuple[Any, ...]] = []
    kept = heads.checkpoint

    def watched(function: Any, *args: Any, **options: Any) -> Any:
        given.append(args)
        return kept(function, *args, **options)

    monkeypatch.setattr(heads, "checkpoint", watched)
    gradients(monkeypatch, 64)
    assert len(given) > 1
    assert all(inputs is batch.input_ids for _, inputs, batch in given)


def test_what_is_made_again_keeps_no_graph_and_gives_equal_gradients(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # Nodes of a graph would pin the memory that passes give back.
    kinds = []
    kept = heads.checkpoint

    def watched(*args: Any, use_reentrant: bool) -> Any:
        made = kept(*args, use_reentrant=use_reentrant)
        kinds.append(type(made.grad_fn).__name__)
        return made

    monkeypatch.setattr(heads, "checkpoint", watched)
    _, again = gradients(monkeypatch, 64)
    assert set(kinds) == {"CheckpointFunctionBackward"}
    monkeypatch.setattr(heads, "checkpoint", lambda f, *args, use_reentrant: f(*args))
    _, expected = gradients(monkeypatch, 64)
    assert torch.equal(again, expected)


def test_partners_of_equal_text_are_no_mistakes() -> None:
    model = toys.model()
    model.eval()
    head = build(toys.head("bitext"), model.tokenizer, 64, 0)
    same = [
        BitextExample(id=str(i), source=f"who {w}", target="the cat") for i, w in enumerate("abc")
    ]
    rows = [row for parts in head.encode(same, True) for row in parts]
    loss, _ = head.loss(model, collate(rows, model.pad_id))
    # Neither side has anything left to be mistaken for.
    assert float(loss) == pytest.approx(0, abs=1e-3)


def test_equal_queries_do_not_count_each_others_answers() -> None:
    model = toys.model()
    model.eval()
    head = build(toys.head("bitext"), model.tokenizer, 64, 0)
    same = [BitextExample(id=w, source="who lives", target=f"the {w}") for w in "abc"]
    rows = [row for parts in head.encode(same, True) for row in parts]
    loss, _ = head.loss(model, collate(rows, model.pad_id))
    assert float(loss) == pytest.approx(0, abs=1e-3)


def test_candidates_of_other_pairs_that_answer_a_query_are_no_mistakes() -> None:
    model = toys.model()
    model.eval()
    head = build(toys.head("query"), model.tokenizer, 64, 0)

    def paid(first: tuple[str, ...]) -> float:
        relevant = [first, ("b",), ("c",)]
        pairs = [
            Pair(
                QueryExample(id=str(i), query=toys.sentence(i), relevant=own),
                Candidate(id=own[0], text=toys.sentence(10 + i)),
            )
            for i, own in enumerate(relevant)
        ]
        rows = [row for parts in head.encode(pairs, True) for row in parts]
        loss, _ = head.loss(model, collate(rows, model.pad_id))
        return float(loss.detach())

    near = cosines(
        model, [toys.sentence(i) for i in range(3)], [toys.sentence(10 + i) for i in range(3)]
    )
    scores = 100 * near
    assert paid(("a",)) == pytest.approx(float(-scores.log_softmax(1).diag().sum()), rel=1e-4)
    scores[0, 2] = -torch.inf  # c answers the first query too; what is not in the batch is nothing
    assert paid(("a", "c", "x")) == pytest.approx(
        float(-scores.log_softmax(1).diag().sum()), rel=1e-4
    )


def test_a_query_is_trained_with_its_first_answer_that_is_in_the_pool() -> None:
    examples, pool = queries(2)
    examples[1] = replace(examples[1], relevant=("elsewhere", "c1"))
    pairs: Any = replace(member("query"), examples=examples, pool=pool).trained
    assert [(pair.query.id, pair.candidate.id) for pair in pairs] == [("0", "c0"), ("1", "c1")]


def test_cosines_are_not_rounded_to_bf16() -> None:
    model = toys.model()
    model.eval()
    head = build(toys.head("bitext"), model.tokenizer, 64, 0)
    rows = [row for parts in head.encode(bitext(6), True) for row in parts]
    seen = []
    original = torch.nn.functional.cross_entropy

    def spy(scores: torch.Tensor, *rest: Any, **more: Any) -> torch.Tensor:
        seen.append(scores.dtype)
        return original(scores, *rest, **more)

    with pytest.MonkeyPatch.context() as patch, torch.autocast("cpu", torch.bfloat16):
        patch.setattr(heads.F, "cross_entropy", spy)
        head.loss(model, collate(rows, model.pad_id))
    assert set(seen) == {torch.float32}


# -- margin, scale and hard negatives ------------------------------------------------------------


def rows_of(pairs: list[BitextExample], **options: str) -> tuple[Any, Any, list[Any]]:
    model = toys.model()
    model.eval()
    head = build(toys.head("bitext", **options), model.tokenizer, 64, 0)
    return model, head, head.encode(pairs, True)


def loss_of(model: Any, head: Any, rows: list[Any]) -> torch.Tensor:
    batch = collate([row for parts in rows for row in parts], model.pad_id)
    return head.loss(model, batch)[0]


def cosines(model: Any, texts: list[str], others: list[str]) -> torch.Tensor:
    """What a reader would compute: mean of the last layer's states, unit length, products."""
    pairs = [BitextExample(id=str(i), source=t, target=t) for i, t in enumerate(texts + others)]
    rows = [
        row for row, _ in build(toys.head("bitext"), model.tokenizer, 64, 0).encode(pairs, True)
    ]
    made = []
    with torch.no_grad():
        for row in rows:
            states = model.states(collate([row], model.pad_id))[0][: len(row.tokens)]
            made.append(states.mean(dim=0) / states.mean(dim=0).norm())
    return torch.stack(made[: len(texts)]) @ torch.stack(made[len(texts) :]).T


def test_margin_and_scale_by_hand() -> None:
    pairs = bitext(6)
    model, head, rows = rows_of(pairs, margin="0.3", scale="20")
    found = cosines(model, [p.source for p in pairs], [p.target for p in pairs])
    scores = 20 * (found - 0.3 * torch.eye(6))
    rows_, columns = scores.log_softmax(dim=1), scores.log_softmax(dim=0)
    expected = -(rows_.diag().sum() + columns.diag().sum()) / 2
    assert float(loss_of(model, head, rows).detach()) == pytest.approx(float(expected), rel=1e-5)


def negatives_of(pairs: list[BitextExample], count: int, **more: str) -> tuple[Any, Any, list[Any]]:
    model, head, rows = rows_of(pairs, hard_negatives=str(count), **more)
    mined = heads.with_negatives(model, heads.Mined(pairs=rows), head.embedding.ranking, 64)
    return model, head, mined


def words(tokenizer: Any, row: Any) -> str:
    return str(tokenizer.decode(row.tokens, skip_special_tokens=True)).strip()


def test_the_nearest_wrong_partners_are_mined_on_both_sides() -> None:
    pairs = bitext(12)
    model, _, rows = negatives_of(pairs, 3)
    near = cosines(model, [p.source for p in pairs], [p.target for p in pairs])
    near.fill_diagonal_(-2)
    tokens = build(toys.head("bitext"), model.tokenizer, 64, 0).encode(pairs, True)
    for i, parts in enumerate(rows):
        assert [row.part for row in parts] == [0, 1, 3, 5, 7, 2, 4, 6]
        assert {row.example for row in parts} == {i}
        for scores, side, found in ((near[i], 1, parts[2:5]), (near[:, i], 0, parts[5:])):
            expected = [tokens[int(j)][side].tokens for j in scores.argsort(descending=True)[:3]]
            for row, ids in zip(found, expected, strict=True):
                assert row.tokens.tolist() == ids.tolist()


def test_hard_negatives_stand_in_the_softmax_of_every_text_of_the_batch() -> None:
    pairs = bitext(12)
    model, head, mined = negatives_of(pairs, 2, scale="20")
    batch = mined[:4]
    # Every different wrong text once, without the partners that are in the batch anyway.
    own = {row.tokens.tobytes() for parts in batch for row in parts[:2]}
    right = {r.tokens.tobytes(): r for parts in batch for r in parts[2:] if r.part % 2}
    left = {r.tokens.tobytes(): r for parts in batch for r in parts[2:] if r.part % 2 == 0}
    wrong = [
        [words(model.tokenizer, row) for key, row in side.items() if key not in own]
        for side in (right, left)
    ]
    assert wrong[0]
    assert wrong[1]
    sources, targets = [p.source for p in pairs[:4]], [p.target for p in pairs[:4]]
    ahead = 20 * cosines(model, sources, targets + wrong[0])
    back = 20 * cosines(model, targets, sources + wrong[1])
    expected = -(ahead.log_softmax(1)[:, :4].diag() + back.log_softmax(1)[:, :4].diag()).sum() / 2
    assert float(loss_of(model, head, batch).detach()) == pytest.approx(float(expected), rel=1e-4)


def test_what_is_right_elsewhere_is_no_hard_negative() -> None:
    # Two translations of one text, the second outside the batch: neither is a mistake.
    pairs = bitext(10)
    pairs[9] = replace(pairs[9], source=pairs[0].source)
    model, head, rows = negatives_of(pairs, 8)
    other = rows[9][1].tokens.tobytes()
    assert other not in {row.tokens.tobytes() for row in rows[0][2:] if row.part % 2}
    # Another text of the batch may bring it along; the first text's scores leave it out.
    assert any(row.tokens.tobytes() == other for row in rows[1][2:])
    assert other in rows[0][0].meta
    unaware = [[replace(row, meta=()) for row in parts] for parts in rows[:2]]
    told = float(loss_of(model, head, rows[:2]).detach())
    assert told < float(loss_of(model, head, unaware).detach())


def test_too_few_wrong_partners() -> None:
    with pytest.raises(StepFailed, match=r"expected 12 wrong partners \(`hard_negatives`\).*11"):
        negatives_of(bitext(12), 12)


@pytest.mark.parametrize("kind", ["bitext", "query"])
def test_training_with_margin_and_hard_negatives(kind: str, tmp_path: Path) -> None:
    own = member(kind)
    options = {"hard_negatives": "2", "margin": "0.1", "scale": "20"}
    if kind == "query":  # a pool with candidates that answer nothing
        more = [Candidate(id=f"x{i}", text=toys.sentence(40 + i, 4)) for i in range(8)]
        own = replace(own, pool=[*own.pool, *more])
    head = toys.head(kind, **options)
    first = train(tmp_path / "a", replace(own, head=head))
    second = train(tmp_path / "b", replace(own, head=head))
    for a, b in zip(first.parameters(), second.parameters(), strict=True):
        assert torch.equal(a, b)
    evaluation = json.loads((tmp_path / "a" / "evaluations.json").read_text())[-1]
    assert evaluation["score"] > 95


def test_all_relevant_candidates_of_a_query_are_right(tmp_path: Path) -> None:
    examples, pool = queries(6)
    examples = [replace(e, relevant=(*(e.relevant or ()), "also")) for e in examples]
    pool.append(Candidate(id="also", text="the cat lives in the house"))
    own = Member(
        name="toy", task=task(QueryExample, MAP20), head=toys.head("query", hard_negatives="5"),
        examples=examples, pool=pool,
    )  # fmt: skip
    model = toys.model()
    config = TrainConfig(max_tokens=32)
    members = encode(model, Mixture(members=(own,)), config)
    (found,) = mined(model, members, config, toys.NUMERICS)
    also = build(own.head, model.tokenizer, 32, 0).encode([pool[-1]], True)[0][0].tokens.tobytes()
    for parts in found.rows:
        assert len(parts) == 7  # five other candidates are wrong, the sixth is everyone's
        assert also not in {row.tokens.tobytes() for row in parts}
        assert also in parts[0].meta
    lengths = found.lengths
    assert lengths == encode(model, Mixture(members=(own,)), config)[0].lengths


@pytest.mark.parametrize(
    ("precision", "dropout", "tolerance"),
    [("fp64", 0.0, 1e-6), ("fp64", 0.2, 1e-6), ("fp32", 0.0, 1e-4), ("bf16", 0.0, 0.05)],
)
def test_passes_change_no_gradient_with_margin_and_hard_negatives(
    monkeypatch: pytest.MonkeyPatch, precision: str, dropout: float, tolerance: float
) -> None:
    """Recomputed embeddings against a plain large batch, whose whole graph is kept.

    With dropout the plain batch goes through the very same passes, whose random draws the
    recomputation must repeat. Tolerances are shares of the largest gradient.
    """
    found = []
    for plain in (True, False):
        model, head, rows = negatives_of(bitext(24), 3, margin="0.3", scale="20")
        if precision == "fp64":
            model.double()
        set_dropout(model.backbone, dropout)
        model.train()
        with monkeypatch.context() as patch:
            patch.setattr(heads, "TOKENS", 10**6 if plain and not dropout else 64)
            if plain:
                patch.setattr(heads, "checkpoint", lambda f, *a, use_reentrant: f(*a))
            torch.manual_seed(3)
            with torch.autocast("cpu", torch.bfloat16, enabled=precision == "bf16"):
                loss = loss_of(model, head, rows)
            loss.backward()
        gradients_ = {n: p.grad for n, p in model.named_parameters() if p.grad is not None}
        found.append((loss.detach(), gradients_))
    (whole, expected), (split, again) = found
    assert abs(float(split - whole)) <= tolerance * float(whole)
    assert set(again) == set(expected)
    largest = max(float(g.abs().max()) for g in expected.values())
    for name, gradient in expected.items():
        assert float((again[name] - gradient).abs().max()) <= tolerance * largest, name


# -- in a study ----------------------------------------------------------------------------------

TARGETS = "targets: [{task: pocket-bitext, languages: [de], examples: 8}]\n"


def study_of(folder: Path, intermediate: str, targets: str = TARGETS) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    if not (folder / "model").exists():
        tiny.tiny_encoder(folder / "model")
    path = folder / "ranking.yaml"
    settings = (
        "train: {learning_rate: 1e-3, epochs: 1, batch_size: 8, max_tokens: 64, dev_examples: 8}\n"
        "numerics: {precision: fp32, threads: 1}\nbackbones: [model]\n"
    )
    path.write_text(f"{settings}{targets}intermediate:\n{intermediate}")
    return path


def options_of(folder: Path, options: str, task: str = "pocket-bitext, language: de") -> Any:
    entry = f"  - {{task: {task}, examples: 8, options: {options}}}\n"
    study = load_study(study_of(folder, entry))
    return study.intermediate[1].stages[0].members[0].options


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ("{margin: 0.3, hard_negatives: 4, scale: 20}",
         {"margin": "0.3", "hard_negatives": "4", "scale": "20"}),
        ('{margin: "0.30", hard_negatives: "4", scale: "2e1"}',
         {"margin": "0.3", "hard_negatives": "4", "scale": "20"}),
        ("{pooling: cls}", {"pooling": "cls"}),
        ("{margin: 0, hard_negatives: 0, scale: 100, pooling: mean}", {}),
    ],
)  # fmt: skip
def test_options_of_a_stage(tmp_path: Path, options: str, expected: dict[str, str]) -> None:
    assert options_of(tmp_path, options) == expected


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ("{margin: -0.1}", "options.margin: expected a number at least 0 and at most 1, found"
         " -0.1."),
        ("{margin: 2}", "options.margin: expected a number at least 0 and at most 1, found 2."),
        ("{margin: wide}", "options.margin: expected a number at least 0 and at most 1, found"
         " 'wide'."),
        ("{scale: 0}", "options.scale: expected a number above 0 and at most 1000, found 0."),
        ("{hard_negatives: 1.5}", "options.hard_negatives: expected a whole number at least 0 and"
         " at most 50, found 1.5."),
        ("{hard_negative: 4}", "options.hard_negative: expected one of margin, scale,"
         " hard_negatives, pooling, found 'hard_negative'. Did you mean 'hard_negatives'?"),
        ("{pooling: max}", "options.pooling: expected one of mean, cls, words, found 'max'."),
    ],
)  # fmt: skip
def test_faults_of_options(tmp_path: Path, options: str, expected: str) -> None:
    with pytest.raises(StudyFaults) as caught:
        options_of(tmp_path, options)
    assert expected in str(caught.value)


def test_options_of_heads_that_do_not_rank(tmp_path: Path) -> None:
    with pytest.raises(StudyFaults, match="expected no options, since a classification head"):
        options_of(tmp_path, "{margin: 0.1}", "pocket-nli")
    assert options_of(tmp_path, "{windows: official}", "pocket-qa") == {"windows": "official"}


def test_more_hard_negatives_than_there_are_are_refused_before_training(tmp_path: Path) -> None:
    entry = "  - {task: pocket-bitext, language: de, examples: 8, options: {hard_negatives: 8}}\n"
    with pytest.raises(StudyFaults) as caught:
        prepare(study_of(tmp_path, entry), Options(store=tmp_path / "store"))
    assert (
        "expected `hard_negatives` below the 8 candidates of task pocket-bitext (de), found 8;"
        " lower it or train on more examples." in str(caught.value)
    )


def test_stops_that_rank_alone_in_a_mixture_and_in_two_languages(tmp_path: Path) -> None:
    german = "{task: pocket-bitext, language: de, examples: 24"
    french = "{task: pocket-bitext, language: zh, examples: 24}"
    hard = f"{german}, options: {{hard_negatives: 3, margin: 0.1}}}}"
    path = study_of(
        tmp_path / "study",
        f"  - {german}}}\n"
        f"  - {{mix: [{hard}, {{task: pocket-nli, examples: 24}}], name: bridge}}\n"
        f"  - {{mix: [{german}}}, {french}], name: two}}\n",
        "targets:\n"
        "  - {task: pocket-bitext, languages: [de, zh], examples: 8, layers: all,"
        " pooling: [mean, cls]}\n"
        "  - {task: pocket-bitext, languages: [de], examples: 8, layers: [1], name: one}\n",
    )
    ran = run_study(path, Options(store=tmp_path / "store"))
    assert ran.count("failed") == 0, ran.finished
    trained = [key for key in ran.finished if key.startswith("train-")]
    assert len(trained) == 3  # layers and poolings are compared, not trained again
    store = Store(tmp_path / "store")
    for key in trained:
        (evaluation,) = store.read_json(key, "evaluations.json")
        values = [v for name, v in evaluation["dev"].items() if name.startswith("pocket-bitext")]
        assert values
        assert all(0 <= value["accuracy"] <= 100 for value in values)
        scores = [next(iter(values.values())) for values in evaluation["dev"].values()]
        assert evaluation["score"] == pytest.approx(sum(scores) / len(scores))
    # Again: nothing is left to do, and the margin is in the key.
    again = run_study(path, Options(store=tmp_path / "store"))
    assert again.count("done") == 0
    other = path.read_text().replace("margin: 0.1", "margin: 0.2")
    path.write_text(other)
    changed = run_study(path, Options(store=tmp_path / "store"))
    assert sum(key.startswith("train-") for key in _done(changed)) == 1


def _done(outcome: Any) -> list[str]:
    return [key for key, ended in outcome.finished.items() if ended.state == "done"]


def test_the_best_checkpoint_by_retrieval_on_dev_is_handed_on(tmp_path: Path) -> None:
    entry = (
        "  - {task: pocket-bitext, language: de, examples: 24,"
        " train: {epochs: 3, evaluations: 3, learning_rate: 5e-3}}\n"
    )
    ran = run_study(study_of(tmp_path / "study", entry), Options(store=tmp_path / "store"))
    store = Store(tmp_path / "store")
    train, select = (
        next(key for key in ran.finished if key.startswith(kind)) for kind in ("train-", "select-")
    )
    evaluations = store.read_json(train, "evaluations.json")
    assert len(evaluations) == 3
    best = max(evaluations, key=lambda e: e["score"])
    assert store.read_json(select, "select.json")["checkpoint"] == best["checkpoint"]
