"""The packaged decoders themselves, where they can be had: read, classify, embed, write, learn.

Golden tokens: tests/parity/decoder_tokens.json, which names its source. One model is in memory
at a time.
"""

from __future__ import annotations

import gc
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

import toys
from waystation import model as models
from waystation import packaged
from waystation.backbone import load, locate
from waystation.batching import collate
from waystation.checkpoint import load_checkpoint
from waystation.errors import ModelError
from waystation.examples import BitextExample, ClassificationExample, HeadSpec, TextExample
from waystation.heads import Row, build
from waystation.predict import predict
from waystation.train import Output, finetune

pytestmark = [pytest.mark.model, pytest.mark.slow]

SMOLLM, QWEN = "smollm2-135m-instruct", "qwen2.5-coder-0.5b-instruct"
GEMMA = "gemma-3-270m"
PAIRS = [
    ("The cat sleeps on the sofa.", "猫在沙发上睡觉。"),
    ("Share prices fell sharply yesterday.", "昨天股价大幅下跌。"),
    ("The river floods the valley every spring.", "河水每年春天都会淹没山谷。"),
    ("She is learning to play the violin.", "她在学拉小提琴。"),
    ("The train to Berlin leaves at eight.", "去柏林的火车八点开。"),
    ("I do not like cold coffee.", "我不喜欢冷咖啡。"),
]
PARAPHRASES = [  # SmolLM2 knows English alone
    ("The cat sleeps on the sofa.", "A cat is asleep on the couch."),
    ("Share prices fell sharply yesterday.", "Stocks dropped a lot the day before today."),
    ("The river floods the valley every spring.", "Each spring the valley is under water."),
    ("She is learning to play the violin.", "She takes violin lessons."),
    ("The train to Berlin leaves at eight.", "At eight o'clock the Berlin train departs."),
    ("I do not like cold coffee.", "Coffee that is cold tastes bad to me."),
]
PARITY = Path(__file__).parent / "parity" / "decoder_tokens.json"


@pytest.fixture(autouse=True)
def one_at_a_time() -> Iterator[None]:
    yield
    models._WARM.clear()
    gc.collect()


def fetched(name: str) -> Any:
    """The model with its output layer, from the cache or the network; skipped where neither.

    Gemma is tested where its user has fetched it: tests accept no terms for anyone.
    """
    try:
        return load(locate(name, Path("/")), text=True)
    except ModelError as error:
        pytest.skip(str(error))


def written(model: Any, prompts: list[str], count: int, **options: str) -> list[str]:
    options["max_new_tokens"] = str(count)
    spec = HeadSpec(kind="text", options=tuple(sorted(options.items())))
    examples = [TextExample(id=str(i), prompt=p, completion=None) for i, p in enumerate(prompts)]
    found: Any = predict(
        model, spec, examples, toys.NUMERICS, max_tokens=512, stride=0, language="en"
    )
    return [prediction.text for prediction in found]


def check_states(model: Any, pairs: list[tuple[str, str]]) -> None:
    """A batch of several lengths classifies as its rows alone do; embeddings find translations."""
    spec = HeadSpec(kind="classification", labels=("a", "b", "c"))
    head: Any = build(spec, model.tokenizer, 64, 0)
    torch.manual_seed(1)
    model.heads[spec.name] = head.module(model.hidden_size, 0.0)
    texts = [*(english for english, _ in pairs), ""]
    examples = [ClassificationExample(id=t, text=t, pair=None, label=None) for t in texts]
    rows = [row for (row,) in head.encode(examples, False)]
    with torch.inference_mode():
        together = head.outputs(model, collate(rows, model.pad_id))
        alone = [head.outputs(model, collate([row], model.pad_id))[0] for row in rows]
    for one, other in zip(together, alone, strict=True):
        assert one.shape == (3,)
        assert abs(one - other).max() < 1e-3 * max(1.0, abs(other).max())
    bitext = [BitextExample(id=e, source=e, target=o) for e, o in pairs]
    found: Any = predict(
        model,
        HeadSpec(kind="bitext", options=(("layers", "all"),)),
        bitext,
        toys.NUMERICS,
        max_tokens=64,
        stride=0,
        language="zh",
    )
    right = {
        variant: sum(p.variants[variant].forward[0] == p.id for p in found)
        for variant in found[0].variants
    }
    assert max(right.values()) >= 5, right


def check_tokens(name: str, model: Any) -> None:
    for case in json.loads(PARITY.read_text(encoding="utf-8"))[name]:
        assert model.tokenizer(case["text"])["input_ids"] == case["ids"], case["text"]
        back = model.tokenizer.decode(case["ids"], skip_special_tokens=True)
        assert back == case.get("decoded", case["text"])


def test_smollm_reads_classifies_embeds_and_chats() -> None:
    model = fetched(SMOLLM)
    check_tokens(SMOLLM, model)
    check_states(model, PARAPHRASES)
    assert model.lm.get_output_embeddings().weight is model.backbone.get_input_embeddings().weight
    question = "What is the capital of France? Answer with one word."
    (chat,) = written(model, [question], 16, chat="yes")
    assert "Paris" in chat
    alone, *_ = written(model, ["The capital of France is", "One, two, three, four,"], 16)
    assert alone == written(model, ["The capital of France is"], 16)[0], "padding changes nothing"


def test_smollm_learns_and_is_a_plain_checkpoint(tmp_path: Path) -> None:
    """Three steps under a classification head with trimmed vocabulary, then its text."""
    fetched(SMOLLM)
    source = locate(SMOLLM, Path("/"))
    model = load(source)
    member = toys.member("classification", count=12, dev=False)
    config = toys.config(epochs=1, batch_size=4, max_tokens=32, learning_rate=1e-4)
    finetune(model, toys.mixture(member), config, toys.NUMERICS, 0, Output(folder=tmp_path))
    training = json.loads((tmp_path / "training.json").read_text())
    assert (training["steps"], training["trained_rows"] < 200) == (3, True)
    (checkpoint,) = (tmp_path / "checkpoints").iterdir()
    trained = load(source, text=True)
    load_checkpoint(trained, checkpoint)
    table = trained.backbone.get_input_embeddings().weight
    assert trained.lm.get_output_embeddings().weight is table
    assert not torch.equal(table, load(source).backbone.get_input_embeddings().weight)
    batch = collate([Row(example=0, part=0, tokens=trained.tokenizer("the cat")["input_ids"])], 0)
    with torch.no_grad():
        expected = trained.logits(batch)
    trained.lm.save_pretrained(tmp_path / "plain")
    trained.tokenizer.save_pretrained(tmp_path / "plain")
    alone = """
import sys, torch
from transformers import AutoModelForCausalLM, AutoTokenizer
model = AutoModelForCausalLM.from_pretrained(sys.argv[1], local_files_only=True)
ids = AutoTokenizer.from_pretrained(sys.argv[1])("the cat", return_tensors="pt")["input_ids"]
torch.save(model(ids).logits, sys.argv[2])
assert not any(name.split(".")[0] in ("waystation", "gguf") for name in sys.modules)
"""
    command = [sys.executable, "-c", alone, str(tmp_path / "plain"), str(tmp_path / "logits.pt")]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    found = torch.load(tmp_path / "logits.pt")
    torch.testing.assert_close(found, expected[:, : found.shape[1]], atol=1e-4, rtol=1e-4)


def test_qwen_reads_classifies_embeds_and_programs(tmp_path: Path) -> None:
    model = fetched(QWEN)
    check_tokens(QWEN, model)
    check_states(model, PAIRS)
    prompt = (
        "Complete the following Python function. Answer with the whole function in one code"
        ' block.\n\ndef add(a, b):\n    """Return the sum of a and b."""\n'
    )
    (answer,) = written(model, [prompt], 64, chat="yes")
    code = answer.partition("```python\n")[2].partition("```")[0]
    # As a program of its own: the model wrote it.
    done = subprocess.run(
        [sys.executable, "-I", "-c", f"{code}\nassert add(2, 3) == 5 and add(-1, 1) == 0"],
        capture_output=True,
        timeout=60,
        cwd=tmp_path,
    )
    assert done.returncode == 0, answer


def test_gemma_reads_classifies_embeds_and_continues() -> None:
    if not packaged.is_here(GEMMA):
        pytest.skip("its terms have not been accepted on this machine")
    model = fetched(GEMMA)
    check_tokens(GEMMA, model)
    check_states(model, PAIRS)
    weeks = {
        "Monday, Tuesday, Wednesday,": "Thursday",
        "Montag, Dienstag, Mittwoch,": "Donnerstag",
        "星期一、星期二、星期三、": "星期四",
    }
    days = written(model, list(weeks), 16)
    for day, text in zip(weeks.values(), days, strict=True):
        assert text.strip().startswith(day), days
    with pytest.raises(ModelError, match=r"a backbone with a chat template .* found one without"):
        written(model, ["a"], 1, chat="yes")
