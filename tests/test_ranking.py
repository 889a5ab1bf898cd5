"""Training retrieval: each text finds its partner among those of the batch."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

import toys
from waystation import batching
from waystation.batching import collate
from waystation.examples import BitextExample, Candidate, QueryExample
from waystation.heads import build
from waystation.heads import ranking as heads
from waystation.metrics.retrieval import ACCURACY, MAP20
from waystation.mixture import Member, Mixture
from waystation.predict import Pool, predict
from waystation.settings import TrainConfig
from waystation.task import Task
from waystation.train import finetune


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
    finetune(model, Mixture(members=(own,)), config, toys.NUMERICS, 0, folder)
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
    # What a GPU's dropout is repeated by, see `_vectors`; here there may be none to show it on.
    given: list[tuple[Any, ...]] = []
    kept = heads.checkpoint

    def watched(function: Any, *args: Any, **options: Any) -> Any:
        given.append(args)
        return kept(function, *args, **options)

    monkeypatch.setattr(heads, "checkpoint", watched)
    gradients(monkeypatch, 64)
    assert len(given) > 1
    assert all(isinstance(args[0], torch.Tensor) for args in given)


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
