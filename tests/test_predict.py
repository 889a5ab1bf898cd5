"""Prediction: order, independence of batching, progress, and what a model cannot do."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

import toys
from waystation import predict as module
from waystation.errors import ModelError, StepFailed
from waystation.settings import Numerics
from waystation.train import Output, finetune

ARGUMENTS: dict[str, Any] = {"max_tokens": 32, "stride": 8, "language": "en"}


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A model with a head of every kind, trained a little."""
    model = toys.model()
    members = [toys.member(k, dev=False) for k in ("classification", "choice", "tagging", "span")]
    folder: Path = tmp_path_factory.mktemp("trained")
    finetune(
        model,
        toys.mixture(*members),
        toys.config(epochs=3),
        toys.NUMERICS,
        0,
        Output(folder=folder),
    )
    return model


@pytest.mark.parametrize("kind", ["classification", "choice", "tagging", "span", "bitext"])
def test_predictions_do_not_depend_on_the_batches(
    kind: str, trained: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    examples = toys.EXAMPLES[kind](20)
    found = {}
    for budget in (1, 100, 100_000):
        monkeypatch.setattr(module, "TOKENS", budget)
        found[budget] = module.predict(
            trained, toys.head(kind), examples, toys.NUMERICS, **ARGUMENTS
        )
    for predictions in found.values():
        assert [p.id for p in predictions] == [e.id for e in examples]
    # Probabilities and cosines differ in their last digits; what is decided does not.
    decided = {b: [decision(p) for p in predictions] for b, predictions in found.items()}
    assert decided[1] == decided[100] == decided[100_000]
    again = module.predict(trained, toys.head(kind), examples, toys.NUMERICS, **ARGUMENTS)
    assert again == found[100_000]


def decision(prediction: Any) -> object:
    for name in ("label", "tags", "text"):
        if hasattr(prediction, name):
            return getattr(prediction, name)
    return {name: n.forward[0] for name, n in prediction.variants.items()}


def test_no_examples_make_no_predictions(trained: Any) -> None:
    assert module.predict(trained, toys.head("tagging"), [], toys.NUMERICS, **ARGUMENTS) == []


def test_progress_counts_rows_and_ends_at_all(trained: Any) -> None:
    seen: list[tuple[int, int]] = []
    module.predict(
        trained,
        toys.head("choice"),
        toys.choice(4),
        toys.NUMERICS,
        progress=lambda done, total: seen.append((done, total)),
        **ARGUMENTS,
    )
    assert seen[-1] == (10, 10)


def test_bf16_predicts_nearly_the_same(trained: Any) -> None:
    numerics = Numerics(precision="bf16", threads=1)
    exact = module.predict(
        trained, toys.head("classification"), toys.classification(), toys.NUMERICS, **ARGUMENTS
    )
    rough = module.predict(
        trained, toys.head("classification"), toys.classification(), numerics, **ARGUMENTS
    )
    pairs = [(a.scores, b.scores) for a, b in zip(exact, rough, strict=True)]
    differences = [abs(x - y) for a, b in pairs for x, y in zip(a, b, strict=True)]
    assert 0 < max(differences) < 0.1


def test_a_head_that_was_never_trained_is_refused() -> None:
    with pytest.raises(ModelError, match="expected a model trained for a tagging head with labels"):
        module.predict(
            toys.model(), toys.head("tagging"), toys.tagging(2), toys.NUMERICS, **ARGUMENTS
        )


def test_out_of_memory_names_the_setting_to_lower(
    trained: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any) -> None:
        raise torch.OutOfMemoryError("out of memory")

    monkeypatch.setattr("waystation.heads.tagging.Tagging.outputs", fail)
    with pytest.raises(StepFailed, match=r"predicting tagging in en, .* lower `max_tokens`"):
        module.predict(trained, toys.head("tagging"), toys.tagging(2), toys.NUMERICS, **ARGUMENTS)


def test_embeddings_that_cannot_fit_are_refused_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    spec, model = toys.head("bitext", layers="0,1", pooling="mean,cls"), toys.model()
    wanted = 2 * 3 * 4 * model.hidden_size * 4  # sides, pairs, variants, float32
    monkeypatch.setattr(module, "memory_bytes", lambda: wanted)
    found = module.predict(model, spec, toys.bitext(3), toys.NUMERICS, **ARGUMENTS)
    assert len(found) == 3
    monkeypatch.setattr(module, "memory_bytes", lambda: wanted - 1)
    with pytest.raises(
        StepFailed, match=r"embeddings of 6 texts under 4 layers and poolings, 0\.0"
    ):
        module.predict(model, spec, toys.bitext(3), toys.NUMERICS, **ARGUMENTS)
