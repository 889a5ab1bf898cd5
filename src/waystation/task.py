"""What a task is: where its examples come from, what they are scored by, whose they are.

A task is one frozen value. The built-in ones lie in `tasks/` and are found through the literal
table `CATALOGUE`, imported on use; a user's own is a `Task` in their own file, named
`module:attribute` or `path/to/file.py:attribute` in a study. No registry, no subclass.

A task may come in several file layouts (the official release, another published copy); the first
whose files are all there is read. Without a data folder it comes from the hub, where it has a
schema there. Floor 2a: no torch.
"""

from __future__ import annotations

import importlib
import importlib.util
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Generic, TypeVar

from waystation.errors import UserError, suggest
from waystation.examples import JSON, Candidate, HeadSpec, kind_of
from waystation.hub import HubSource
from waystation.metrics import Metric

E = TypeVar("E")


@dataclass(frozen=True, kw_only=True)
class Layout(Generic[E]):
    """One way in which a task's files lie under the data folder.

    `paths(language, split)` names the files of one language and split relative to the data
    folder (shell patterns allowed, each must match); an empty tuple says that this layout does
    not have them. `read(files, language, split)` yields examples from the files found, in that
    order, and raises DataError with file and line where they are not as the format promises.
    `reads_folder` is False for tasks that need no files (the built-in benchmark). `note` is what
    the lock and the report say of results on these files, where they are not the official ones.
    """

    paths: Callable[[str, str], tuple[str, ...]]
    read: Callable[[Sequence[Path], str, str], Iterable[E]]
    reads_folder: bool = True
    note: str = ""


@dataclass(frozen=True, kw_only=True)
class Task(Generic[E]):
    """One task. `version` rises whenever labels, files or metrics change meaning.

    `hub` is its schema on the hub, None where it is read from files (or made) alone.
    `train` names the tasks it is fine-tuned on, in order, () being itself: the official recipe,
    which a study may override. `chance` is the headline's value under uniform guessing, on the
    official scale, None where it depends on the examples. `options` shape the head, see HeadSpec.
    `recipe` holds the fine-tuning settings of the official scripts by TrainConfig field, used
    where a study says `recipes: official`.

    `pools` are the layouts of what queries search, read like examples; with `shared_pool` the
    pools of all languages that are there are one, and a file that several have is read once, for
    the first. A task whose head mines pairs (option search=mine) chooses its threshold on
    `tune_split`. `official_variants` pairs a backbone's number of layers with the layer, pooling
    and scoring of the official scripts.
    """

    name: str
    version: int
    summary: str
    example: type[E]
    layouts: tuple[Layout[E], ...]
    hub: HubSource[E] | None = None
    languages: tuple[str, ...]
    splits: tuple[str, ...]
    metrics: tuple[Metric[Any, Any], ...]
    labels: tuple[str, ...] = ()
    options: tuple[tuple[str, str], ...] = ()
    train: tuple[str, ...] = ()
    source_language: str = "en"
    train_split: str = "train"
    dev_split: str | None = "dev"
    test_split: str = "test"
    recipe: tuple[tuple[str, JSON], ...] = ()
    pools: tuple[Layout[Candidate], ...] = ()
    shared_pool: bool = False
    tune_split: str | None = None
    official_variants: tuple[tuple[int, str], ...] = ()
    chance: float | None = None
    licence: str = ""
    citation: str = ""
    source: str = ""
    notes: tuple[str, ...] = field(default=())

    @property
    def kind(self) -> str:
        """The kind of its examples, a key of `waystation.examples.KINDS`."""
        return kind_of(self.example)

    @property
    def head(self) -> HeadSpec:
        """The head that predicts it."""
        return HeadSpec(kind=self.kind, labels=self.labels, options=self.options)

    @property
    def mines(self) -> bool:
        """Whether it is scored by the pairs found in two sets of sentences."""
        return ("search", "mine") in self.options

    def official_variant(self, layers: int) -> str | None:
        """What the official scripts evaluate on a backbone of so many layers, None if unsaid."""
        return dict(self.official_variants).get(layers)

    def official_among(self, variants: Iterable[str]) -> str | None:
        """The official one of these variants, which their highest layer stands for; None if absent.

        A backbone's last layer that was left out makes it another backbone's: whoever shows the
        variant names its layer.
        """
        names = tuple(variants)
        layers = [int(n.partition("/")[0]) for n in names if n.partition("/")[0].isdigit()]
        official = self.official_variant(max(layers)) if layers else None
        return official if official in names else None

    @property
    def headline(self) -> str:
        """The name of the value that reports lead with."""
        return self.metrics[0].names[0]


# name -> "module:attribute"; imported on use, mutated by nothing.
CATALOGUE: Final[dict[str, str]] = {
    "anli": "waystation.tasks.pairs:ANLI",
    "snli": "waystation.tasks.pairs:SNLI",
    "mnli": "waystation.tasks.pairs:MNLI",
    "qqp": "waystation.tasks.pairs:QQP",
    "sick": "waystation.tasks.pairs:SICK",
    "rte": "waystation.tasks.pairs:RTE",
    "mrpc": "waystation.tasks.pairs:MRPC",
    "sts-b": "waystation.tasks.pairs:STS_B",
    "xnli": "waystation.tasks.pairs:XNLI",
    "pawsx": "waystation.tasks.pairs:PAWSX",
    "commonsenseqa": "waystation.tasks.choice:COMMONSENSEQA",
    "socialiqa": "waystation.tasks.choice:SOCIALIQA",
    "cosmosqa": "waystation.tasks.choice:COSMOSQA",
    "hellaswag": "waystation.tasks.hellaswag:HELLASWAG",
    "copa": "waystation.tasks.choice:COPA",
    "xcopa": "waystation.tasks.choice:XCOPA",
    "udpos": "waystation.tasks.tagging:UDPOS",
    "panx": "waystation.tasks.tagging:PANX",
    "wnut17": "waystation.tasks.tagging:WNUT17",
    "ccg": "waystation.tasks.ccg:CCG",
    "squad-v1": "waystation.tasks.qa:SQUAD_V1",
    "squad-v2": "waystation.tasks.qa:SQUAD_V2",
    "xquad": "waystation.tasks.qa:XQUAD",
    "mlqa": "waystation.tasks.qa:MLQA",
    "tydiqa": "waystation.tasks.qa:TYDIQA",
    "multichecklist": "waystation.tasks.multichecklist:MULTICHECKLIST",
    "tatoeba": "waystation.tasks.retrieval:TATOEBA",
    "bucc2018": "waystation.tasks.retrieval:BUCC2018",
    "multi30k": "waystation.tasks.parallel:MULTI30K",
    "flores200": "waystation.tasks.parallel:FLORES200",
    "small_parallel_enja": "waystation.tasks.parallel:SMALL_PARALLEL_ENJA",
    "lareqa": "waystation.tasks.retrieval:LAREQA",
    "squad-r": "waystation.tasks.retrieval:SQUAD_R",
    "mewslix": "waystation.tasks.retrieval:MEWSLIX",
    "mewslix-pairs": "waystation.tasks.retrieval:MEWSLIX_PAIRS",
    "pocket-nli": "waystation.pocket.tasks:NLI",
    "pocket-paraphrase": "waystation.pocket.tasks:PARAPHRASE",
    "pocket-topic": "waystation.pocket.tasks:TOPIC",
    "pocket-choice": "waystation.pocket.tasks:CHOICE",
    "pocket-pos": "waystation.pocket.tasks:POS",
    "pocket-ner": "waystation.pocket.tasks:NER",
    "pocket-qa": "waystation.pocket.tasks:QA",
    "pocket-bitext": "waystation.pocket.tasks:BITEXT",
}

MIXTURES: Final[dict[str, tuple[str, ...]]] = {
    # nyu-mll/jiant@daa5a258, guides/tasks/task_specific.md: in proportion, under one head
    "anli-plus": ("snli", "mnli", "anli"),
}
"""Mixtures that the field has a name for: a stop may be called so, and a `mix:` may hold one."""


def member_names(members: Sequence[tuple[str, str]]) -> list[str]:
    """What explicit rates call the members (task, language) of a mixture.

    The task, and where it is in the mixture several times `task.language`.
    """
    tasks = [name for name, _ in members]
    return [name if tasks.count(name) == 1 else f"{name}.{tag}" for name, tag in members]


def get(name: str, beside: Path | None = None) -> Task[Any]:
    """The task of a catalogue name, a `module:attribute` or a `file.py:attribute`.

    User modules are looked for in the folder `beside` (the study's) first. Raises UserError for
    a name that is nowhere, with the nearest right one.
    """
    if name in CATALOGUE:
        module, _, attribute = CATALOGUE[name].partition(":")
        return _task_of(importlib.import_module(module), attribute, name)
    if name in MIXTURES:
        raise UserError(
            f"expected the name of one task, found '{name}', which is a mixture of"
            f" {', '.join(MIXTURES[name])}; name one of them, or use it as a stop or in a `mix:`."
        )
    module, colon, attribute = name.rpartition(":")
    if not colon:
        raise UserError(
            f"expected the name of a task, found '{name}'.{suggest(name, [*CATALOGUE, *MIXTURES])}"
            " `waystation tasks` lists them; a task of your own is written file.py:NAME."
        )
    return _task_of(_user_module(module, beside or Path.cwd()), attribute, name)


def _user_module(module: str, folder: Path) -> object:
    path = folder / (module if module.endswith(".py") else module.replace(".", "/") + ".py")
    if path.is_file():
        spec = importlib.util.spec_from_file_location(f"waystation_user_{path.stem}", path)
        assert spec is not None
        assert spec.loader is not None
        loaded = importlib.util.module_from_spec(spec)
        sys.modules[spec.name] = loaded
        try:
            spec.loader.exec_module(loaded)
        except Exception as error:  # whatever a user's file may raise
            raise UserError(
                f"{path}: expected a Python file that can be imported, found"
                f" {type(error).__name__}: {error}; correct the file."
            ) from error
        return loaded
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise UserError(
            f"expected a Python file {path} or an importable module '{module}',"
            f" found neither ({error}); name the file that defines the task."
        ) from error


def _task_of(module: object, attribute: str, name: str) -> Task[Any]:
    value = getattr(module, attribute, None)
    if not isinstance(value, Task):
        tasks = [k for k, v in vars(module).items() if isinstance(v, Task)]
        raise UserError(
            f"expected '{name}' to name a waystation.Task, found {type(value).__name__};"
            f" that file defines {', '.join(tasks) or 'no Task'}.{suggest(attribute, tasks)}"
        )
    return value
