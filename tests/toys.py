"""Toy tasks that a tiny backbone can learn by heart, one per kind, and the backbones themselves."""

from __future__ import annotations

import functools
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

import tiny
from waystation import backbone
from waystation.examples import (
    Answer,
    BitextExample,
    ChoiceExample,
    ClassificationExample,
    HeadSpec,
    RegressionExample,
    SpanExample,
    TaggingExample,
    TextExample,
)
from waystation.metrics import Metric
from waystation.mixture import Member, Mixture
from waystation.settings import Numerics, TrainConfig
from waystation.task import Task

NUMERICS = Numerics(precision="fp32", threads=1)
_WORDS = "the is in of to and not for an on at he she was who what where lives"
WORDS = _WORDS.split()


@functools.cache
def folder(kind: str) -> Path:
    """The folder of a tiny backbone, made once per process."""
    make = {
        "encoder": functools.partial(tiny.tiny_encoder, hidden=32),
        "xlm-roberta": functools.partial(tiny.tiny_encoder, model_type="xlm-roberta"),
        "decoder": tiny.tiny_decoder,
        "seq2seq": tiny.tiny_seq2seq,
    }[kind]
    made: Path = make(Path(tempfile.mkdtemp(prefix=f"waystation-{kind}-")))
    return made


def model(kind: str = "encoder", text: bool = False) -> Any:
    """A fresh tiny model of a kind, or of a folder."""
    path = kind if "/" in kind else str(folder(kind))
    return backbone.load(backbone.locate(path, Path.cwd()), text=text)


def sentence(seed: int, count: int = 5) -> str:
    draws = np.random.Philox(key=seed).random_raw(count)
    return " ".join(WORDS[int(d % len(WORDS))] for d in draws)


def classification(count: int = 32) -> list[ClassificationExample]:
    return [
        ClassificationExample(
            id=str(i),
            text=f"{WORDS[i % 3]} " * 3 + sentence(i, 2),
            pair=sentence(i + 99, i % 6),
            label="abc"[i % 3],
        )
        for i in range(count)
    ]


def regression(count: int = 32) -> list[RegressionExample]:
    return [
        RegressionExample(id=str(i), text=f"{WORDS[i % 3]} {sentence(i)}", value=float(i % 3))
        for i in range(count)
    ]


def choice(count: int = 32) -> list[ChoiceExample]:
    return [
        ChoiceExample(
            id=str(i),
            context=sentence(i),
            options=tuple(sentence(1000 * i + j, 3) for j in range(2 + i % 2)),
            label=i % 2,
        )
        for i in range(count)
    ]


def tagging(count: int = 32) -> list[TaggingExample]:
    found = []
    for i in range(count):
        words = tuple(sentence(i, 3 + i % 7).split())
        found.append(
            TaggingExample(
                id=str(i), words=words, tags=tuple("NV"[WORDS.index(word) % 2] for word in words)
            )
        )
    return found


def span(count: int = 32) -> list[SpanExample]:
    found = []
    for i in range(count):
        words = sentence(i, 8).split()
        words[i % 8] = f"n{i}"
        context = " ".join(words)
        answer = Answer(text=f"n{i}", start=context.index(f"n{i}"))
        found.append(
            SpanExample(id=str(i), question="who lives", context=context, answers=(answer,))
        )
    return found


def bitext(count: int = 32) -> list[BitextExample]:
    return [
        BitextExample(id=str(i), source=sentence(i, 7), target=sentence(i, 7)) for i in range(count)
    ]


def text(count: int = 8) -> list[TextExample]:
    return [
        TextExample(id=str(i), prompt=f"n{i}", completion=f" {'xyz'[i % 3]}{i}")
        for i in range(count)
    ]


EXAMPLES = {
    "classification": classification,
    "regression": regression,
    "choice": choice,
    "tagging": tagging,
    "span": span,
    "bitext": bitext,
    "text": text,
}
LABELS = {"classification": ("a", "b", "c"), "tagging": ("N", "V")}


def right(prediction: Any, example: Any) -> float:
    """1 where a prediction is its example's gold."""
    kind = type(example).__name__.removesuffix("Example").lower()
    if kind == "regression":
        return float(abs(prediction.value - example.value) < 0.3)
    if kind == "tagging":
        return float(prediction.tags == example.tags)
    if kind == "span":
        return float(prediction.text == (example.answers[0].text if example.answers else ""))
    if kind == "text":
        return float(prediction.text.strip() == example.completion.strip())
    return float(prediction.label == example.label)


ACCURACY: Metric[Any, Any] = Metric(
    names=("accuracy",),
    statistics=lambda p, e, language: np.array([right(p, e), 1.0]),
    reduce=lambda t: {"accuracy": float(100 * t[0] / t[1])},
)


def head(kind: str, **options: str) -> HeadSpec:
    return HeadSpec(kind=kind, labels=LABELS.get(kind, ()), options=tuple(sorted(options.items())))


def member(
    kind: str, *, dev: bool = True, count: int = 32, name: str = "", **options: str
) -> Member:
    """A mixture's member of one kind; its dev examples are its training examples."""
    examples = EXAMPLES[kind](count)
    task: Task[Any] = Task(
        name=name or f"toy-{kind}",
        version=1,
        summary="",
        example=type(examples[0]),
        layouts=(),
        languages=("en",),
        splits=("train",),
        metrics=(ACCURACY,),
        labels=LABELS.get(kind, ()),
    )
    return Member(
        name=task.name,
        task=task,
        head=head(kind, **options),
        examples=examples,
        dev=examples if dev else (),
    )


def mixture(*members: Member, **fields: Any) -> Mixture:
    return Mixture(members=members, **fields)


def config(**fields: Any) -> TrainConfig:
    """Settings under which a tiny backbone learns a toy task by heart."""
    defaults: dict[str, Any] = {
        "learning_rate": 3e-3,
        "epochs": 30,
        "batch_size": 16,
        "max_tokens": 64,
        "stride": 16,
        "dropout": 0.0,
    }
    return TrainConfig(**{**defaults, **fields})
