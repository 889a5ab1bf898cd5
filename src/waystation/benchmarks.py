"""XTREME and XTREME-R as literal values: tasks, languages, groups, data versions, layout.

Source of names, languages, suffixes, groups and averages: google-research/xtreme@838c13b,
`evaluate.py`; of the data versions and sizes, its `scripts/` and the two papers (Hu et al. 2020,
ICML; Ruder et al. 2021, EMNLP). A benchmark is fixed, whatever else a task of the same name can
read. Where the official script has no value (XTREME-R's overall, LAReQA's languages and file),
`notes` says what is done here. Nothing is scored or read here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from waystation.errors import UserError, suggest
from waystation.languages import listed


@dataclass(frozen=True, kw_only=True)
class Part:
    """One task of a benchmark; `name` is its folder and its name in the catalogue.

    `values` are the official values in the script's order, and `score` those whose mean is the
    task's score. `size` is the number of test items where it is the same in every language.
    """

    name: str
    languages: tuple[str, ...]
    values: tuple[str, ...]
    score: tuple[str, ...]
    suffix: str = "tsv"
    size: int | None = None
    data: str = ""

    def file(self, language: str) -> str:
        """Where predictions and gold of a language lie in the official layout."""
        return f"{self.name}/test-{language}.{self.suffix}"


@dataclass(frozen=True, kw_only=True)
class Benchmark:
    """Tasks in the official order, and the groups of them that have a score of their own."""

    name: str
    title: str
    parts: tuple[Part, ...]
    groups: Mapping[str, tuple[str, ...]]
    notes: tuple[str, ...] = ()

    @property
    def tasks(self) -> tuple[str, ...]:
        """The names of its tasks."""
        return tuple(part.name for part in self.parts)

    @property
    def languages(self) -> tuple[str, ...]:
        """Every language that any of its tasks has, in the order of their first task."""
        return tuple(dict.fromkeys(tag for part in self.parts for tag in part.languages))

    def part(self, task: str) -> Part:
        """The task of a name; raises KeyError for any other."""
        return next(part for part in self.parts if part.name == task)


def _accuracy(
    name: str, languages: str, size: int | None = None, data: str = "", suffix: str = "tsv"
) -> Part:
    return Part(
        name=name, languages=listed(languages), values=("accuracy",), score=("accuracy",),
        suffix=suffix, size=size, data=data,
    )  # fmt: skip


def _f1(name: str, languages: str, data: str = "") -> Part:
    return Part(
        name=name, languages=listed(languages), values=("f1", "precision", "recall"),
        score=("f1",), data=data,
    )  # fmt: skip


def _answers(name: str, languages: str, size: int | None = None, data: str = "") -> Part:
    return Part(
        name=name, languages=listed(languages), values=("exact_match", "f1"),
        score=("exact_match", "f1"), suffix="json", size=size, data=data,
    )  # fmt: skip


def _ranking(name: str, languages: str, size: int | None = None, data: str = "") -> Part:
    return Part(
        name=name, languages=listed(languages), values=("map@20",), score=("map@20",),
        suffix="json", size=size, data=data,
    )  # fmt: skip


_XNLI: Final = _accuracy(
    "xnli", "ar bg de el en es fr hi ru sw th tr ur vi zh", 5010, "XNLI 1.0, test"
)
_PANX: Final = (
    "ar he vi id jv ms tl eu ml ta te af nl en de el bn hi mr ur fa fr it pt es bg ru ja ka ko th"
    " sw yo my zh kk tr et fi hu"
)
_UDPOS: Final = (
    "af ar bg de el en es et eu fa fi fr he hi hu id it ja kk ko mr nl pt ru ta te th tl tr ur vi"
    " yo zh"
)
_TATOEBA: Final = (
    "ar he vi id jv tl eu ml ta te af nl de el bn hi mr ur fa fr it pt es bg ru ja ka ko th sw zh"
    " kk tr et fi hu"
)
_XQUAD: Final = "en es de el ru tr ar vi th zh hi"
_MLQA: Final = _answers("mlqa", "en es de ar hi vi zh", None, "MLQA 1.0, test, one language each")
_TYDIQA: Final = _answers(
    "tydiqa", "en ar bn fi id ko ru sw te", None, "TyDiQA-GoldP 1.1, the public dev part"
)
_WIKIANN: Final = "WikiAnn, splits of Rahimi et al. 2019, test"

XTREME: Final = Benchmark(
    name="xtreme",
    title="XTREME",
    parts=(
        _accuracy("pawsx", "de en es fr ja ko zh", 2000, "PAWS-X, test_2k"),
        _XNLI,
        _f1("panx", _PANX, _WIKIANN),
        _f1("udpos", _UDPOS, "UD 2.5, test"),
        _f1("bucc2018", "de fr ru zh", "BUCC 2018: training as test, sample as dev"),
        _accuracy("tatoeba", _TATOEBA, None, "LASER data/tatoeba/v1"),
        _answers("xquad", _XQUAD, 1190, "XQuAD 1.0"),
        _MLQA,
        _TYDIQA,
    ),
    groups={
        "classification": ("pawsx", "xnli"),
        "tagging": ("udpos", "panx"),
        "qa": ("xquad", "mlqa", "tydiqa"),
        "retrieval": ("bucc2018", "tatoeba"),
    },
    notes=(
        "The official script adds up the overall score in an order that changes from process to"
        " process, and its last digit with it; here it is the order of the script's own table.",
    ),
)

XTREME_R: Final = Benchmark(
    name="xtreme-r",
    title="XTREME-R",
    parts=(
        _XNLI,
        _f1("panx", f"{_PANX} qu pl uk az lt pa gu ro", _WIKIANN),
        _f1(
            "udpos",
            f"{_UDPOS} lt pl uk wo ro",
            "UD 2.5; lt pl uk wo ro: UD 2.7; test",
        ),
        _accuracy("tatoeba", f"{_TATOEBA} az lt pl uk ro", None, "LASER data/tatoeba/v1"),
        _accuracy("xcopa", "et ht id it qu sw ta th tr vi zh", 500, "XCOPA, test", "jsonl"),
        # The official table has no languages for it; these are XQuAD-R's.
        _ranking("lareqa", "ar de el en es hi ru th tr vi zh", 1190, "XQuAD-R"),
        _ranking("mewslix", "ar de en es fa ja pl ro ta tr uk", None, "Mewsli-X, test"),
        _answers("xquad", f"{_XQUAD} ro", 1190, "XQuAD 1.2"),
        _MLQA,
        _TYDIQA,
    ),
    groups={
        "classification": ("xnli", "xcopa"),
        "tagging": ("udpos", "panx"),
        "qa": ("xquad", "mlqa", "tydiqa"),
        "retrieval": ("tatoeba", "mewslix"),
        "multi_choice": ("xcopa",),
        # Not in the official table; the paper's group of the three retrieval tasks.
        "retrieval_with_lareqa": ("tatoeba", "mewslix", "lareqa"),
    },
    notes=(
        "Overall: the mean of the ten tasks' scores, as the paper averages them; the official"
        " script ends in an error instead.",
        "LAReQA: the official script lists no language and defines no file; here the 11"
        " languages of XQuAD-R, a JSON object of question id to ranked candidate ids.",
        "Groups are the official ones, in which xcopa is both a classification and a group of its"
        " own and lareqa is in none; retrieval_with_lareqa is ours, the paper's third group.",
    ),
)

BENCHMARKS: Final[Mapping[str, Benchmark]] = {b.name: b for b in (XTREME, XTREME_R)}


def get(name: str) -> Benchmark:
    """The benchmark of a name; raises UserError for any other."""
    if name not in BENCHMARKS:
        raise UserError(
            f"expected a benchmark ({', '.join(BENCHMARKS)}), found '{name}'."
            f"{suggest(name, BENCHMARKS)}"
        )
    return BENCHMARKS[name]
