"""The trimmed table: same states, ids outside refused. Training under it: see test_train."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

import toys
from waystation.batching import collate
from waystation.heads import Row, build
from waystation.vocabulary import full_table, reachable, trimmed, untrimmed


def rows(model: Any) -> list[Row]:
    head = build(toys.head("classification"), model.tokenizer, 64, 0)
    return [row for parts in head.encode(toys.classification(8), False) for row in parts]


@pytest.mark.parametrize("kind", ["encoder", "xlm-roberta", "decoder", "seq2seq"])
def test_states_are_those_of_the_full_table(kind: str) -> None:
    model = toys.model(kind)
    batch = collate(rows(model), model.pad_id)
    with torch.inference_mode():
        full = model.states(batch)
    ids = reachable(rows(model), model.tokenizer, model.pad_id)
    with trimmed(model, ids) as table:
        assert len(table.weight) == len(ids) < len(table.full)
        with torch.inference_mode():
            assert torch.equal(model.states(batch), full)
        assert full_table(model) is table.weight
    with torch.inference_mode():
        assert torch.equal(model.states(batch), full)


def test_reachable_ids_are_those_of_the_rows_and_the_specials() -> None:
    model = toys.model()
    row = Row(example=0, part=0, tokens=np.array([77, 50, 77], dtype=np.int32))
    found = reachable([row], model.tokenizer, model.pad_id)
    assert found.tolist() == sorted({50, 77, *model.tokenizer.all_special_ids})


def test_an_id_outside_the_table_is_an_error() -> None:
    model = toys.model()
    outside = Row(example=0, part=0, tokens=np.array([0, 399 - 50], dtype=np.int32))
    with trimmed(model, np.array([0, 1, 2, 3])), pytest.raises(IndexError):
        model.states(collate([outside], model.pad_id))


def test_changed_rows_are_laid_over_and_the_others_decayed() -> None:
    model = toys.model()
    before = full_table(model).detach().clone()
    with trimmed(model, np.array([2, 5])) as table:
        with torch.no_grad():
            table.weight.fill_(7.0)
        table.factor = 0.5
    expected = before * 0.5
    expected[[2, 5]] = 7.0
    assert torch.equal(full_table(model), expected)


def test_the_untrimmed_table_is_the_whole_one() -> None:
    model = toys.model()
    with untrimmed(model) as table:
        assert table.weight is table.full is full_table(model)
        assert len(table.rows) == 400
