"""Tagging and sentence retrieval on the hub: the schemas of those tasks there.

Ids are row numbers from 1, which is what the official word-tag files and LASER's line-aligned
files have. `google/xtreme` takes Tatoeba from LASER, pair by pair: its rows are parallel, unlike
the files that XTREME's own script writes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Final

from waystation.examples import BitextExample, TaggingExample, digest
from waystation.hub import HubSource, Row
from waystation.languages import LANGUAGES, listed
from waystation.tasks.hub_pairs import always

_SAME: Final = {"train": "train", "dev": "validation", "test": "test"}
_XTREME: Final = "google/xtreme"


def _tagged(tags: str) -> Callable[[Iterable[Row], str, str], Iterator[TaggingExample]]:
    """Reader of `tokens` with a list of ClassLabels; one -1 means that the row has no gold."""

    def read(rows: Iterable[Row], _: str, split: str) -> Iterator[TaggingExample]:
        for row in rows:
            words, given = row.values["tokens"], row.values[tags]
            if not words or not all(isinstance(word, str) and word.strip() for word in words):
                raise row.fault(f"expected words in 'tokens', found {words!r}")
            gold = None if given is None or None in given else tuple(given)
            yield TaggingExample(id=str(row.number), words=tuple(words), tags=gold)

    return read


def _tatoeba(rows: Iterable[Row], _: str, split: str) -> Iterator[BitextExample]:
    """Sentences come with their line ends; the group is that of the files' reader."""
    for row in rows:
        source, target = (
            row.text(f"{side}_sentence").removesuffix("\n").removesuffix("\r")
            for side in ("source", "target")
        )
        yield BitextExample(
            id=str(row.number), group=digest(target)[:12], source=source, target=target
        )


# XTREME's languages in each of its tasks, https://huggingface.co/datasets/google/xtreme
_UDPOS: Final = listed(
    "af ar eu bg nl en et fi fr de el he hi hu id it ja kk ko zh mr fa pt ru es tl ta te th tr ur"
    " vi yo"
)
_TATOEBA: Final = listed(
    "af ar bn bg de zh el et eu fi fr he hi hu id it jv ja ka kk ko ml mr nl fa pt ru es sw ta te"
    " tl th tr ur vi"
)


def _configurations(tags: tuple[str, ...], name: Callable[[str], str]) -> Mapping[str, str]:
    return {tag: name(tag) for tag in tags}


UDPOS: Final[HubSource[Any]] = HubSource(
    repository=_XTREME,
    config=_configurations(_UDPOS, lambda tag: f"udpos.{LANGUAGES[tag].name}").get,
    splits=_SAME,
    columns={
        "tokens": ["text"],
        "pos_tags": [
            listed("ADJ ADP ADV AUX CCONJ DET INTJ NOUN NUM PART PRON PROPN PUNCT SCONJ SYM VERB X")
        ],
    },
    read=_tagged("pos_tags"),
    schema="xtreme",
    absent=frozenset(
        {*((tag, split) for tag in ("th", "tl", "yo") for split in ("train", "dev")), ("kk", "dev")}
    ),
    notes=(
        "Universal Dependencies 2.5, all treebanks of a language together, words of fused tokens"
        " apart; ids are row numbers and PUD's parallel sentences have no groups.",
        "Thai, Tagalog and Yoruba have the test split only, Kazakh has no validation split.",
    ),
)

PANX: Final[HubSource[Any]] = HubSource(
    repository="unimelb-nlp/wikiann",
    config=lambda tag: {"nb": "no", "yue": "zh-yue"}.get(tag, tag),
    splits=_SAME,
    columns={
        "tokens": ["text"],
        "ner_tags": [("O", "B-PER", "I-PER", "B-ORG", "I-ORG", "B-LOC", "I-LOC")],
    },
    read=_tagged("ner_tags"),
    schema="wikiann",
    notes=("The same data as google/xtreme's PAN-X, in XTREME-R's and more languages; with gold.",),
)

WNUT17: Final[HubSource[Any]] = HubSource(
    repository="leondz/wnut_17",
    config=always("wnut_17"),
    splits=_SAME,
    columns={
        "tokens": ["text"],
        "ner_tags": [
            (
                "O",
                *(
                    f"{prefix}-{type_}"
                    for type_ in listed("corporation creative-work group location person product")
                    for prefix in "BI"
                ),
            )
        ],
    },
    read=_tagged("ner_tags"),
    schema="wnut_17",
)

TATOEBA: Final[HubSource[Any]] = HubSource(
    repository=_XTREME,
    config=_configurations(_TATOEBA, lambda tag: f"tatoeba.{LANGUAGES[tag].tatoeba}").get,
    splits={"test": "validation"},
    columns={"source_sentence": "text", "target_sentence": "text"},
    read=_tatoeba,
    schema="xtreme",
    notes=("The hub calls the one split `validation`.",),
)
