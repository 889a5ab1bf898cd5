"""A study: which stops, targets, backbones and seeds, as one closed and frozen value.

`Study` is the normal form that resolving and planning work on: short forms of the YAML file are
spelled out, names are given, the baseline is there and first. What reads a file into it lies in
`study_file.py`; `load_study` here is its door. Nothing here reads data or models.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Final, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field

from waystation import task as tasks
from waystation.examples import JSON
from waystation.settings import Numerics, Resources, TrainConfig
from waystation.tasks.own import OwnData

BASELINE: Final = "none"
"""The name of the stop that trains nothing."""

Partial: TypeAlias = dict[str, Any]
"""Some fields of TrainConfig with valid values; the others are left as they are."""


class _Closed(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Translate(_Closed):
    """Examples of a task in another language, made by a translation model."""

    to: str
    """The language to translate to."""
    model: str
    """An encoder-decoder (`with:` in the file): hub id, folder or packaged name."""
    beams: Annotated[int, Field(ge=1, le=64)] = 1
    max_tokens: Annotated[int, Field(ge=8, le=65536)] = 256
    """Longest sentence, in tokens of the translation model; longer ones are split or dropped."""


class TextUse(_Closed):
    """Where unlabelled text comes from: a task's texts, the user's files, or a hub corpus."""

    task: str = ""
    """A task whose texts are taken without their labels."""
    split: str | None = None
    """None is the task's training split."""
    files: str = ""
    """A path beside the study with `{language}` in it, one text a line."""
    hub: str = ""
    """A data set on the hub, `owner/name`."""
    config: str = ""
    """Its configuration; `{language}` stands for the tag."""
    column: str = "text"


class Mlm(_Closed):
    """Language modelling on unlabelled text beside a stage's tasks, or alone."""

    text: Annotated[tuple[TextUse, ...], Field(min_length=1)]
    languages: Annotated[tuple[str, ...], Field(min_length=1)]
    share: Annotated[float, Field(gt=0, le=1)] = 0.25
    """Share of the batches (or of each batch) that is language modelling; 1 where it is alone."""
    smoothing: Annotated[float, Field(ge=0, le=1)] = 0.7
    """Languages are drawn in proportion to size ** smoothing (Conneau & Lample 2019, eq. 1)."""
    batches: Literal["whole", "mixed"] = "whole"
    """Whole batches of text between those of the tasks, or a part of every batch."""
    masked: Annotated[float, Field(gt=0, lt=1)] = 0.15
    """Share of tokens to predict; decoders predict every token."""
    examples: Annotated[int, Field(ge=1)] | None = None
    """Lines per language; None takes all."""


class TaskUse(_Closed):
    """A part of one task's examples to train on: of a named task or of the user's own files."""

    task: str = ""
    """Catalogue name, `module:attribute` or `file.py:attribute`; the data's name for own data."""
    own: OwnData | None = None
    """Set where the examples are the user's own files."""
    language: str = "en"
    split: str | None = None
    """A split or a sum of splits such as `dev+test`; None is the task's training split."""
    examples: Annotated[int, Field(ge=1)] | None = None
    """How many, counted after `skip`; None takes all."""
    skip: Annotated[int, Field(ge=0)] = 0
    """How many to leave out at the beginning (kept for something else)."""
    options: dict[str, str] = {}
    """Options of the head that it is trained under, for instance {"margin": "0.3"}."""
    translate: Translate | None = None
    """Train on a translation of the examples."""
    like: str | None = None
    """A stop whose number of training examples this use takes, for a fair comparison."""

    @property
    def trained_in(self) -> str:
        """The language that is trained on: that of the translation, where there is one."""
        return self.language if self.translate is None else self.translate.to


class Temperature(_Closed):
    """Mixture rates proportional to size ** (1 / temperature)."""

    temperature: Annotated[float, Field(gt=0, le=1000)]


class Stage(_Closed):
    """One training step: a task, or a mixture of several."""

    members: tuple[TaskUse, ...] = ()
    """Empty only where `mlm` is all that it trains."""
    rates: Literal["proportional", "equal"] | Temperature | dict[str, float] = "proportional"
    """How often each member is drawn; a dict names members and sums to 1.

    A member's name is its `task`; where that is in the mixture several times, `task.language`.
    """
    cap: Annotated[int, Field(ge=1)] | None = None
    """The size that a larger member counts as where rates follow sizes."""
    share_head: bool = False
    """Whether all members are trained under the first one's head; their labels must be its own.

    Members whose heads are equal, order of labels and options included, share one unasked.
    """
    mlm: Mlm | None = None
    """Language modelling beside the members."""
    train: Partial = {}
    """This stage's own settings, over the study's and the overrides."""


class Stop(_Closed):
    """An intermediate step of a route: no stage (the baseline), one, or a chain."""

    name: str
    stages: tuple[Stage, ...] = ()


class Target(_Closed):
    """What is evaluated, and how the model is fine-tuned for it."""

    name: str
    task: str = ""
    """As in TaskUse."""
    own: OwnData | None = None
    """Set where the target is the user's own files."""
    languages: tuple[str, ...] | None = None
    """None evaluates all of the task's."""
    split: str | None = None
    """None is the task's test split; sums are allowed."""
    examples: Annotated[int, Field(ge=1)] | None = None
    """Evaluated items per language, the first ones; None takes all."""
    fine_tuned: bool = True
    """False evaluates the backbone as the stop left it."""
    stages: tuple[Stage, ...] | None = None
    """The fine-tuning; None is the task's own recipe (Task.train, or the task itself)."""
    options: dict[str, str] = {}
    """Options of the head, for instance {"first_piece": "non-empty"}."""
    layers: Literal["all"] | tuple[int, ...] = "all"
    """Layers that a retrieval target compares; 0 is the embedding layer."""
    pooling: tuple[str, ...] = ("mean",)
    """Poolings that a retrieval target compares."""
    scoring: tuple[str, ...] = ()
    """Scores that a retrieval target compares; () is cosine, for mining the ratio margin."""
    neighbours: Annotated[int, Field(ge=1)] | None = None
    """Neighbours that margins average over; None is 4, as the official script has it."""
    selections: tuple[str, ...] = ()
    """Ways to choose a checkpoint that are reported beside the training's own `selection`.

    source-dev, oracle-dev (the target language's own dev), last, average-K, average-seeds.
    """
    train: Partial = {}
    """Settings of all its fine-tuning stages, over the study's and the overrides."""


class Probes(_Closed):
    """What is measured of every stop to see what it forgot."""

    text: tuple[TextUse, ...] = ()
    """Text for the language-model loss, where the backbone ships an output layer."""
    parallel: str = "pocket-bitext"
    """A bitext task for retrieval accuracy."""
    languages: Annotated[tuple[str, ...], Field(min_length=1)]
    examples: Annotated[int, Field(ge=1)] = 200
    """Per language."""
    layers: Literal["all"] | tuple[int, ...] = "all"


class Study(_Closed):
    """Everything that a study file says. `path` is where it was read; equality leaves it out."""

    name: str
    backbones: tuple[str, ...] = ("multilingual-e5-small",)
    """Packaged names, hub ids (`owner/name`), or folders, relative to the study's own."""
    seeds: tuple[int, ...] = (0,)
    intermediate: tuple[Stop, ...] = (Stop(name=BASELINE),)
    targets: Annotated[tuple[Target, ...], Field(min_length=1)]
    train: TrainConfig = TrainConfig()
    recipes: Literal["study", "official"] = "study"
    """Whether the official scripts' settings of a task stand above the study's `train`."""
    overrides: dict[str, Partial] = {}
    """Settings per task, for stages that train on that task alone."""
    probes: Probes | None = None
    numerics: Numerics = Numerics()
    resources: Resources = Resources()
    path: Path = Path("study.yaml")

    def config_for(self, stage: Stage, target: Target | None = None) -> TrainConfig:
        """A stage's settings; the last one wins.

        These are the study's, where it says so those of the official scripts (the target's, else
        the stage's only task's), the overrides of its only task, its target's, and its own.
        """
        merged: dict[str, JSON] = self.train.model_dump()
        layers = [self._recipe(stage, target)]
        if len(stage.members) == 1:
            layers.append(self.overrides.get(stage.members[0].task, {}))
        for layer in (*layers, target.train if target is not None else {}, stage.train):
            merged |= {"learning_rates": []} if "learning_rate" in layer else {}
            merged |= layer
        config = TrainConfig.model_validate(merged)
        if len(config.learning_rates) != 1:
            return config
        one = {"learning_rate": config.learning_rates[0], "learning_rates": ()}
        return config.model_copy(update=one)

    def _recipe(self, stage: Stage, target: Target | None) -> Partial:
        uses: list[TaskUse | Target] = [target] if target is not None else []
        uses += stage.members if len(stage.members) == 1 else ()
        if self.recipes == "official":
            for use in uses:
                task = None if use.own else tasks.get(use.task, self.path.resolve().parent)
                if task is not None and task.recipe:
                    return dict(task.recipe)
        return {}

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Study) and self._content() == other._content()

    def _content(self) -> dict[str, Any]:
        return self.model_dump(exclude={"path"})


def load_study(path: Path) -> Study:
    """The study of a file; raises StudyFaults with every fault of it."""
    from waystation.study_file import read

    return read(path)
