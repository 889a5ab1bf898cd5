"""Pairs of sentences on the hub: the schemas of `pairs.py`'s tasks there.

Ids and groups are those of the official files wherever the rows allow it: a dataset's own id, else
the row's number from 1; the group is the first sentence (XNLI: its three hypotheses; PAWS-X: the
pair's id). ClassLabel -1, the hub's sign for hidden gold, is None; in SNLI it means that the
annotators had no majority, and the pair is left out as it is from the files.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Final, TypeAlias

from waystation.examples import ClassificationExample, RegressionExample, digest
from waystation.hub import Feature, HubSource, Row
from waystation.tasks.pair_files import NLI

Read: TypeAlias = "Callable[[Iterable[Row], str, str], Iterator[Any]]"
_LABELS: Final[Mapping[str, str]] = {label: label for label in NLI}
_SAME: Final = {"train": "train", "dev": "validation", "test": "test"}
_GLUE: Final = "nyu-mll/glue"


def first_sentence(text: str) -> str:
    """The group of pairs with the same first sentence, as the file readers name it."""
    return digest(text)[:12]


def always(config: str) -> Callable[[str], str | None]:
    """The one configuration of an English dataset."""
    return {"en": config}.get


def _pairs(
    first: str,
    second: str,
    labels: Mapping[str, str] = _LABELS,
    id_: str | None = None,
    grouped: bool = True,
) -> Read:
    """Reader of rows with a ClassLabel `label`; without `id_`, ids are row numbers from 1."""

    def read(rows: Iterable[Row], _: str, split: str) -> Iterator[ClassificationExample]:
        for row in rows:
            text, gold = row.text(first), row.values["label"]
            yield ClassificationExample(
                id=str(row.values[id_]) if id_ else str(row.number),
                group=first_sentence(text) if grouped else None,
                text=text,
                pair=row.text(second),
                label=None if gold is None else labels[gold],
            )

    return read


def _columns(first: str, second: str, labels: tuple[str, ...], *ids: str) -> dict[str, Feature]:
    """Two texts and a ClassLabel, with whole-numbered ids."""
    found: dict[str, Feature] = {first: "text", second: "text", "label": labels}
    return found | dict.fromkeys(ids, "integer")


def _decided(rows: Iterable[Row], language: str, split: str) -> Iterator[ClassificationExample]:
    """SNLI: pairs with a majority label; row numbers count the others too."""
    examples = _pairs("premise", "hypothesis")(rows, language, split)
    yield from (example for example in examples if example.label is not None)


def _xnli(rows: Iterable[Row], _: str, split: str) -> Iterator[ClassificationExample]:
    """Each premise has three hypotheses, one after the other, in the same order everywhere."""
    for row in rows:
        yield ClassificationExample(
            id=str(row.number),
            group=f"p{(row.number - 1) // 3}",
            text=row.text("premise"),
            pair=row.text("hypothesis"),
            label=row.values["label"],
        )


def _pawsx(rows: Iterable[Row], _: str, split: str) -> Iterator[ClassificationExample]:
    for row in rows:
        own = str(row.values["id"])
        yield ClassificationExample(
            id=own,
            group=f"s{own}",
            text=row.text("sentence1"),
            pair=row.text("sentence2"),
            label=row.values["label"],
        )


def _sts(rows: Iterable[Row], _: str, split: str) -> Iterator[RegressionExample]:
    """Scores are stored in 32 bits: 3.8 comes as 3.7999999523 and is read as 3.8 again.

    Scores of more digits (2.11111111111111) have eight of them on the hub.
    """
    import numpy as np

    for row in rows:
        score = row.values["label"]
        if score is None or not -1 <= score <= 5:
            raise row.fault(f"expected 'label' between 0 and 5, or -1 for none, found {score}")
        yield RegressionExample(
            id=str(row.values["idx"]),
            text=row.text("sentence1"),
            pair=row.text("sentence2"),
            value=None if score < 0 else float(str(np.float32(score))),
        )


def _glue(
    config: str, columns: dict[str, Feature], read: Read, notes: tuple[str, ...] = ()
) -> HubSource[Any]:
    return HubSource(
        repository=_GLUE,
        config=always(config),
        splits=_SAME,
        columns=columns,
        read=read,
        schema="glue",
        notes=notes,
    )


SNLI: Final = HubSource(
    repository="stanfordnlp/snli",
    config=always("plain_text"),
    splits=_SAME,
    columns=_columns("premise", "hypothesis", NLI),
    read=_decided,
    schema="snli",
    notes=("The hub's rows have no pair ids: ids are row numbers.",),
)

MNLI: Final = HubSource(
    repository="nyu-mll/multi_nli",
    config=always("default"),
    splits={
        "train": "train",
        "dev": "validation_matched",
        "dev-mismatched": "validation_mismatched",
    },
    columns={"pairID": "text", **_columns("premise", "hypothesis", NLI)},
    read=_pairs("premise", "hypothesis", id_="pairID"),
    schema="multi_nli",
)

_ANLI_SPLITS: Final = {
    f"{split}{ours}": tuple(f"{split}_r{number}" for number in rounds)
    for split in ("train", "dev", "test")
    for ours, rounds in (("", (1, 2, 3)), ("-r1", (1,)), ("-r2", (2,)), ("-r3", (3,)))
}
ANLI: Final = HubSource(
    repository="facebook/anli",
    config=always("plain_text"),
    splits=_ANLI_SPLITS,
    columns={"uid": "text", **_columns("premise", "hypothesis", NLI)},
    read=_pairs("premise", "hypothesis", id_="uid"),
    schema="anli",
)

XNLI: Final = HubSource(
    repository="facebook/xnli",
    config=lambda tag: tag,
    splits={"dev": "validation", "test": "test"},
    columns=_columns("premise", "hypothesis", NLI),
    read=_xnli,
    schema="xnli",
)

PAWSX: Final = HubSource(
    repository="google-research-datasets/paws-x",
    config=lambda tag: tag,
    splits=_SAME,
    columns=_columns("sentence1", "sentence2", ("0", "1"), "id"),
    read=_pawsx,
    schema="paws-x",
)

SICK: Final = HubSource(
    repository="RobZamp/sick",
    config=always("default"),
    splits=_SAME,
    columns={"id": "text", **_columns("sentence_A", "sentence_B", NLI)},
    read=_pairs("sentence_A", "sentence_B", id_="id", grouped=False),
    schema="sick",
)

_RTE_LABELS: Final = ("entailment", "not_entailment")
RTE: Final = _glue(
    "rte",
    _columns("sentence1", "sentence2", _RTE_LABELS, "idx"),
    _pairs("sentence1", "sentence2", {label: label for label in _RTE_LABELS}, "idx"),
)

MRPC: Final = _glue(
    "mrpc",
    _columns("sentence1", "sentence2", ("not_equivalent", "equivalent")),
    _pairs("sentence1", "sentence2", {"not_equivalent": "0", "equivalent": "1"}, grouped=False),
)

QQP: Final = _glue(
    "qqp",
    _columns("question1", "question2", ("not_duplicate", "duplicate"), "idx"),
    _pairs("question1", "question2", {"not_duplicate": "0", "duplicate": "1"}, "idx", False),
    ("Ids are the hub's row indices; the files have Quora's own.",),
)

STS_B: Final = _glue(
    "stsb",
    {"sentence1": "text", "sentence2": "text", "label": "number", "idx": "integer"},
    _sts,
    ("Scores have eight digits at most, where some of the files' have fifteen.",),
)
