"""Lines of text without labels: the user's files, a hub corpus, the texts of any task's examples.

What language models are trained and measured on. Lines are stripped, empty ones skipped; nothing
else is done to them. Which of them a study takes, and that equal ones count once, is
`corpora.py`'s business.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np

from waystation import readers
from waystation.errors import UserError
from waystation.examples import LineExample, LossPrediction
from waystation.hub import HubSource, Row
from waystation.languages import LANGUAGES, writes_spaces
from waystation.metrics import Metric, Statistics
from waystation.task import Layout, Task

LANGUAGE: Final = "{language}"
"""What stands for the tag in a path, or in a configuration's name on the hub."""


def _loss(prediction: LossPrediction, example: LineExample, language: str) -> Statistics:
    return np.array([prediction.loss, float(prediction.tokens)])


def _mean(total: Statistics) -> dict[str, float]:
    return {"loss": float(total[0] / total[1])}


LOSS: Metric[LossPrediction, LineExample] = Metric(
    names=("loss",), statistics=_loss, reduce=_mean, headlines=lambda t: t[:, 0] / t[:, 1]
)
"""Nats per predicted token, lower is better."""


def files(path: str, languages: Sequence[str], folder: Path) -> Task[LineExample]:
    """The user's files, one text a line; `{language}` in the path stands for the tag."""

    def paths(language: str, _: str) -> tuple[str, ...]:
        return (str(file_of(path, language, folder)),)

    def read(found: Sequence[Path], _: str, __: str) -> Iterator[LineExample]:
        for file in found:
            for number, line in readers.lines(file):
                if line.strip():
                    yield LineExample(id=str(number), text=line.strip())

    return _task(path, languages, ("train",), layouts=(Layout(paths=paths, read=read),))


def file_of(path: str, language: str, folder: Path) -> Path:
    """The file of one language."""
    return (folder / path.replace(LANGUAGE, language)).absolute()


def corpus(
    repository: str, config: str, column: str, split: str, languages: Sequence[str]
) -> Task[LineExample]:
    """A column of texts of a data set on the hub; `{language}` in the configuration is the tag."""

    def read(rows: Iterable[Row], _: str, __: str) -> Iterator[LineExample]:
        for row in rows:
            text = row.values[column]
            if text is not None and text.strip():
                yield LineExample(id=str(row.number), text=text.strip())

    source = HubSource(
        repository=repository,
        config=lambda language: config.replace(LANGUAGE, language) or "default",
        splits={split: split},
        columns={column: "text"},
        read=read,
        schema="",
    )
    return _task(repository, languages, (split,), hub=source)


def _task(
    name: str, languages: Sequence[str], splits: tuple[str, ...], **where: Any
) -> Task[LineExample]:
    fields: dict[str, Any] = {"layouts": ()} | where
    return Task(
        name=name,
        version=1,
        summary="Lines of text.",
        example=LineExample,
        languages=tuple(languages),
        splits=splits,
        train_split=splits[0],
        metrics=(LOSS,),
        dev_split=None,
        **fields,
    )


LINES: Final = _task("mlm", tuple(LANGUAGES), ("train",))
"""What stands for lines from anywhere once they have been read."""


_TEXTS: Final[Mapping[str, Callable[[Any], tuple[str | None, ...]]]] = {
    "classification": lambda e: (e.text, e.pair),
    "regression": lambda e: (e.text, e.pair),
    "choice": lambda e: (e.context, *e.options),
    "span": lambda e: (e.context, e.question),
    "bitext": lambda e: (e.source,),
    "query": lambda e: (e.query,),
    "text": lambda e: (e.prompt,),
    "code": lambda e: (e.prompt,),
    "lm": lambda e: (e.text,),
}


def texts(example: Any, kind: str, language: str) -> tuple[str, ...]:
    """The texts of an example in its language, without its gold; a bitext's is its source.

    Words of tagged sentences are joined as the language is written, with spaces or without.
    """
    if kind == "tagging":
        found: tuple[str | None, ...] = ((" " * writes_spaces(language)).join(example.words),)
    else:
        found = _TEXTS[kind](example)
    return tuple(text.strip() for text in found if text and text.strip())


def empty(what: str, language: str) -> UserError:
    """What to say of a language without any text."""
    return UserError(
        f"expected text in '{language}' for language modelling, found none in"
        f" {what.replace(LANGUAGE, language)}; give text in that language, or leave it out of"
        " `languages`."
    )
