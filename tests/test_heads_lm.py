"""Language modelling: masks, losses against `transformers`' own, output layers shipped or fresh."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from transformers import AutoModel, AutoModelForMaskedLM, AutoTokenizer

import toys
from waystation import backbone, mixture
from waystation.adapters import owner, plain
from waystation.batching import collate, derived_seed
from waystation.checkpoint import load_checkpoint
from waystation.errors import ModelError
from waystation.examples import HeadSpec, LineExample
from waystation.heads import build, lm
from waystation.mixture import Member, Mixture
from waystation.mlm import head as spec_of
from waystation.model import ships_output
from waystation.predict import predict
from waystation.settings import Adapter
from waystation.tasks.lines import LINES
from waystation.train import Output, finetune


def load(kind: str | Path) -> Any:
    path = kind if isinstance(kind, Path) else toys.folder(kind)
    return backbone.load(backbone.locate(str(path), Path.cwd()), lm=True)


def lines(count: int = 32, words: int = 9) -> list[LineExample]:
    return [LineExample(id=str(i), text=toys.sentence(i, words)) for i in range(count)]


def head(model: Any, max_tokens: int = 64, masked: float = 0.15) -> Any:
    return build(spec_of(model.architecture, masked), model.tokenizer, max_tokens, 0)


def text(model: Any, count: int = 32, language: str = "en") -> Member:
    return Member(
        name=f"mlm.{language}",
        task=LINES,
        head=spec_of(model.architecture, 0.15),
        examples=lines(count),
        dev=lines(8),
        language=language,
    )


def bare(tmp_path: Path, kind: str = "encoder") -> Path:
    """A tiny encoder without an output layer."""
    folder = toys.folder(kind)
    AutoModel.from_pretrained(folder).save_pretrained(tmp_path / "bare")
    AutoTokenizer.from_pretrained(folder).save_pretrained(tmp_path / "bare")
    return tmp_path / "bare"


def test_a_row_hides_its_share_of_tokens_and_never_a_special_one() -> None:
    model = load("encoder")
    own = head(model, masked=0.15)
    special = model.tokenizer.all_special_ids
    for words in (1, 2, 3, 10, 40):
        ((row,),) = own.encode([LineExample(id="a", text=toys.sentence(3, words))], True)
        hidden = own.hidden(row, 0, 1)
        chosen = hidden.gold != lm.NOTHING
        inner = len(row.tokens) - 2
        assert chosen.sum() == max(1, round(0.15 * inner))
        assert (hidden.gold[chosen] == row.tokens[chosen]).all()
        assert (hidden.tokens[~chosen] == row.tokens[~chosen]).all()
        assert not chosen[np.isin(row.tokens, special)].any()


def test_eight_tenths_are_masks_one_tenth_random_and_one_tenth_as_they_were() -> None:
    model = load("encoder")
    own = head(model)
    rows = [r for parts in own.encode(lines(400, 40), True) for r in parts]
    masks = kept = count = total = 0
    places: list[float] = []
    for row in rows:
        hidden = own.hidden(row, 7, row.example)
        chosen = hidden.gold != lm.NOTHING
        count, total = count + chosen.sum(), total + len(row.tokens) - 2
        masks += (hidden.tokens[chosen] == model.tokenizer.mask_token_id).sum()
        kept += (hidden.tokens[chosen] == row.tokens[chosen]).sum()
        places += list(np.flatnonzero(chosen) / len(row.tokens))
        others = set(model.tokenizer.all_special_ids) - {model.tokenizer.mask_token_id}
        assert not np.isin(hidden.tokens[chosen], sorted(others)).any()
    assert count > 2000
    assert abs(count / total - 0.15) < 0.01
    # four standard deviations of a share among so many
    assert abs(masks / count - 0.8) < 4 * math.sqrt(0.16 / count)
    assert abs(kept / count - 0.1) < 4 * math.sqrt(0.09 / count) + 1 / len(own.pieces)
    assert abs(np.mean(places) - 0.5) < 0.02


def test_masks_are_a_function_of_their_purpose() -> None:
    own = head(load("encoder"))
    ((row,),) = own.encode(lines(1, 30), True)
    same, again, other = own.hidden(row, 0, 5), own.hidden(row, 0, 5), own.hidden(row, 0, 6)
    assert (same.tokens == again.tokens).all()
    assert (same.gold == again.gold).all()
    assert (same.gold != other.gold).any()


def test_at_prediction_masks_follow_the_example_not_its_place() -> None:
    own = head(load("encoder"))
    examples = lines(6, 30)
    forward = own.encode(examples, False)
    backward = own.encode(examples[::-1], False)[::-1]
    for (one,), (other,) in zip(forward, backward, strict=True):
        assert (one.tokens == other.tokens).all()


@pytest.mark.parametrize("kind", ["encoder", "xlm-roberta", "decoder"])
def test_the_loss_is_that_of_transformers(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    model = load(kind)
    own = head(model)
    rows = [own.hidden(r, 0, r.example) for parts in own.encode(lines(6), True) for r in parts]
    batch = collate(rows, model.pad_id)
    labels = torch.full(batch.input_ids.shape, lm.NOTHING)
    for i, row in enumerate(rows):
        gold = row.gold if own.masked else row.tokens
        labels[i, : len(row.tokens)] = torch.from_numpy(np.asarray(gold, dtype=np.int64))
    inputs = {"input_ids": batch.input_ids, "attention_mask": batch.attention_mask}
    theirs = model.lm(**inputs, labels=labels).loss
    loss, weight = own.loss(model, batch)
    assert float(loss) / weight == pytest.approx(float(theirs), rel=1e-6)
    theirs.backward()
    expected = {n: p.grad.clone() for n, p in model.named_parameters() if p.grad is not None}
    # In pieces, as for a large vocabulary: the same loss and the same gradient.
    monkeypatch.setattr(lm, "SCORES", 3 * 400)
    model.zero_grad()
    pieces, weight = own.loss(model, batch)
    assert float(pieces) == pytest.approx(float(loss), rel=1e-6)
    (pieces / weight).backward()
    assert any(name.startswith("lm_head.") for name in expected) == own.masked
    for name, gradient in expected.items():
        found = dict(model.named_parameters())[name].grad
        torch.testing.assert_close(found, gradient, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("kind", ["encoder", "decoder"])
def test_predictions_add_up_to_the_loss(kind: str) -> None:
    model = load(kind)
    spec = spec_of(model.architecture, 0.15)
    found: list[Any] = predict(
        model, spec, lines(9), toys.NUMERICS, max_tokens=64, stride=0, language="en"
    )
    own = head(model)
    rows = [row for parts in own.encode(lines(9), False) for row in parts]
    with torch.inference_mode():
        loss, weight = own.loss(model, collate(rows, model.pad_id))
    assert sum(p.loss for p in found) == pytest.approx(float(loss), rel=1e-5)
    assert sum(p.tokens for p in found) == weight
    if kind == "decoder":
        assert found[0].tokens == len(rows[0].tokens) - 1


def test_long_lines_become_several_rows_and_lose_nothing() -> None:
    model = load("encoder")
    own = head(model, max_tokens=12)
    ((short,), rows) = own.encode(
        [LineExample(id="a", text="the"), LineExample(id="b", text=toys.sentence(1, 40))], True
    )
    assert len(short.tokens) == 3
    assert [row.part for row in rows] == list(range(len(rows)))
    assert max(len(row.tokens) for row in rows) == 12
    whole = model.tokenizer(toys.sentence(1, 40), add_special_tokens=False)["input_ids"]
    assert [int(t) for row in rows for t in row.tokens[1:-1]] == whole
    assert own.cuts["tokens_cut"] == 0
    assert own.cuts["tokens"] == len(whole) + 1


def test_a_row_without_anything_to_predict_is_none() -> None:
    own = head(load("encoder"))
    assert own.encode([LineExample(id="a", text="<mask>")], True) == [[]]


def test_an_output_layer_that_is_not_shipped_is_drawn_from_the_seed(tmp_path: Path) -> None:
    folder = bare(tmp_path)
    model = load(folder)
    assert model.untrained
    assert not load("encoder").untrained
    assert not load("decoder").untrained
    draws = []
    for seed in (1, 1, 2):
        model = load(folder)
        model.draw_output(seed)
        draws.append(dict(model.lm_head.named_parameters()))
        assert not model.untrained
    name = "predictions.transform.dense.weight"
    assert torch.equal(draws[0][name], draws[1][name])
    assert not torch.equal(draws[0][name], draws[2][name])
    assert float(draws[0][name].std()) == pytest.approx(0.02, rel=0.15)
    assert (draws[0]["predictions.transform.LayerNorm.weight"] == 1).all()
    # The table is the input embedding's own, which was not drawn.
    assert model.lm_head.predictions.decoder.weight is model.backbone.get_input_embeddings().weight
    trained = AutoModel.from_pretrained(folder).get_input_embeddings().weight
    assert torch.equal(model.backbone.get_input_embeddings().weight, trained)


def test_what_a_checkpoint_ships_is_told(tmp_path: Path) -> None:
    for kind in ("encoder", "xlm-roberta", "decoder"):
        assert ships_output(backbone.locate(str(toys.folder(kind)), Path.cwd()))
    for kind in ("encoder", "xlm-roberta"):
        folder = bare(tmp_path / kind, kind)
        assert not ships_output(backbone.locate(str(folder), Path.cwd()))


def test_an_untrained_output_layer_predicts_nothing(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="output layer was trained, found one that its checkpoint"):
        predict(
            load(bare(tmp_path)), spec_of("encoder", 0.15), lines(2), toys.NUMERICS,
            max_tokens=64, stride=0, language="en",
        )  # fmt: skip


def test_a_model_loaded_without_its_output_layer_says_so() -> None:
    with pytest.raises(
        ModelError, match=r"expected a model loaded as a language model .* an encoder without"
    ):
        _ = toys.model("encoder").lm


def test_an_encoder_decoder_is_refused() -> None:
    with pytest.raises(ModelError, match="expected an encoder or a decoder for language modelling"):
        load("seq2seq")


def test_a_tokenizer_without_a_mask_is_refused() -> None:
    tokenizer = toys.model("decoder").tokenizer
    with pytest.raises(ModelError, match="whose tokenizer has a mask token"):
        build(HeadSpec(kind="lm"), tokenizer, 64, 0)


def test_a_fresh_layer_starts_near_chance_and_learns_and_is_handed_on(tmp_path: Path) -> None:
    folder = bare(tmp_path)
    model = load(folder)
    model.draw_output(0)
    spec = spec_of("encoder", 0.15)

    def paid(own: Any) -> float:
        found: list[Any] = predict(
            own, spec, lines(32), toys.NUMERICS, max_tokens=64, stride=0, language="en"
        )
        return float(sum(p.loss for p in found) / sum(p.tokens for p in found))

    assert paid(model) == pytest.approx(math.log(400), abs=1.0)
    model = load(folder)
    made = Mixture(members=(), text=(text(model),))
    config = toys.config(epochs=40, evaluations=2)
    finetune(model, made, config, toys.NUMERICS, 0, Output(folder=tmp_path / "one"))
    after = paid(model)
    assert after < 4.5
    # A stage that does not need the layer carries it; the next one goes on from it.
    last = sorted((tmp_path / "one" / "checkpoints").iterdir())[-1]
    plain = backbone.load(backbone.locate(str(folder), Path.cwd()))
    load_checkpoint(plain, last, heads=False)
    between = toys.mixture(toys.member("classification"))
    finetune(
        plain, between, toys.config(epochs=1), toys.NUMERICS, 0, Output(folder=tmp_path / "two")
    )
    last = sorted((tmp_path / "two" / "checkpoints").iterdir())[-1]
    again = load(folder)
    load_checkpoint(again, last, heads=False)
    assert not again.untrained
    name = "lm_head.predictions.transform.dense.weight"
    assert torch.equal(dict(again.named_parameters())[name], dict(model.named_parameters())[name])


@pytest.mark.parametrize("mixed", [False, True])
def test_an_adapter_learns_beside_a_layer_drawn_for_its_stage(tmp_path: Path, mixed: bool) -> None:
    folder = bare(tmp_path)

    def stage(parent: Path | None, out: Path) -> tuple[Any, Path]:
        model = load(folder)
        if parent is not None:
            load_checkpoint(model, parent, heads=False)
        made = Mixture(
            members=(toys.member("classification", dev=False),), text=(text(model),), mixed=mixed
        )
        config = toys.config(epochs=2, adapter=Adapter(rank=2, after="merge"))
        finetune(model, made, config, toys.NUMERICS, 0, Output(folder=out))
        (checkpoint,) = (out / "checkpoints").iterdir()
        return model, checkpoint

    def own(model: Any, prefix: str) -> dict[str, torch.Tensor]:
        named = model.named_parameters()
        return {plain(n): p for n, p in named if n.startswith(prefix) and owner(n) is None}

    start = load(folder)
    start.draw_output(derived_seed(0, "output layer"))
    first, one = stage(None, tmp_path / "one")
    for name, value in own(start, "backbone.").items():
        assert torch.equal(own(first, "backbone.")[name], value), name
    # The layer was drawn from the seed, and trained with the adapter.
    drawn = own(start, "lm_head.")
    assert set(first.drawn) == set(start.drawn) <= set(drawn)
    assert not any(torch.equal(own(first, "lm_head.")[n], drawn[n]) for n in first.drawn)
    loaded = load(folder)
    load_checkpoint(loaded, one)
    assert not loaded.untrained
    for name, value in own(first, "lm_head.").items():
        assert torch.equal(own(loaded, "lm_head.")[name], value), name
    # For the next stage it is a layer like any other, which its adapter leaves as it is.
    second, _ = stage(one, tmp_path / "two")
    for prefix in ("lm_head.", "backbone."):
        for name, value in own(loaded, prefix).items():
            assert torch.equal(own(second, prefix)[name], value), name
    assert [a.name for a in second.adapters] == ["s1"]


def test_equal_trainings_beside_tasks_have_equal_bytes(tmp_path: Path) -> None:
    for mixed in (False, True):
        files = []
        for run in ("one", "two"):
            model = load("encoder")
            made = Mixture(
                members=(toys.member("classification"), toys.member("tagging")),
                text=(text(model, 20, "de"), text(model, 30, "sw")),
                mixed=mixed,
            )
            folder = tmp_path / f"{run}-{mixed}"
            finetune(model, made, toys.config(epochs=2), toys.NUMERICS, 3, Output(folder=folder))
            (checkpoint,) = (folder / "checkpoints").iterdir()
            files.append((checkpoint / "changed.safetensors").read_bytes())
        assert files[0] == files[1]


def test_a_mixed_batch_has_the_gradient_of_both_mean_losses(tmp_path: Path) -> None:
    """One step of plain gradient descent, seen through AdamW's first moment."""
    share = 0.25
    model = load("encoder")
    member = toys.member("classification", count=12, dev=False)
    made = Mixture(members=(member,), text=(text(model, 4),), mixed=True, share=share)
    config = toys.config(epochs=1, batch_size=16, clip=None, warmup=0.0)
    plan = mixture.schedule(made, [12, 4], 1, 16, 0)
    assert plan.batch_sizes == [12, 4]
    assert plan.steps == 1
    seen: dict[str, torch.Tensor] = {}
    step = torch.optim.AdamW.step

    def spy(self: Any, *arguments: Any) -> Any:
        names = {id(p): n for n, p in model.named_parameters()}
        for group in self.param_groups:
            seen.update({names[id(p)]: p.grad.clone() for p in group["params"]})
        return step(self, *arguments)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(torch.optim.AdamW, "step", spy)
        finetune(model, made, config, toys.NUMERICS, 0, Output(folder=tmp_path / "run"))

    other = load("encoder")
    own: Any = head(other)
    fresh = toys.mixture(member)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(torch.optim.AdamW, "step", lambda *_: None)
        finetune(other, fresh, config, toys.NUMERICS, 0, Output(folder=tmp_path / "plain"))
    other.zero_grad()
    task: Any = build(member.head, other.tokenizer, 64, 16)
    total: Any = 0.0
    for part, examples, weight in ((task, member.examples, 1 - share), (own, lines(4), share)):
        rows = [row for parts in part.encode(examples, True) for row in parts]
        if part is own:
            rows = [own.hidden(row, 0, "mlm.en", 1, row.example) for row in rows]
        loss, count = part.loss(other.eval(), collate(rows, other.pad_id, 64))
        total = total + weight * loss / count
    total.backward()
    for name, parameter in other.named_parameters():
        torch.testing.assert_close(seen[name], parameter.grad, rtol=1e-4, atol=1e-6)


def test_transformers_reads_its_own_shipped_layer_as_we_do() -> None:
    own = load("encoder")
    theirs = AutoModelForMaskedLM.from_pretrained(toys.folder("encoder")).eval()
    ids = torch.tensor([[0, 20, 4, 30, 2]])
    with torch.inference_mode():
        states = own.backbone(input_ids=ids).last_hidden_state[0]
        torch.testing.assert_close(own.scores(states), theirs(input_ids=ids).logits[0])
