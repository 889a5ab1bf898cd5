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


class Temperature(_Closed):
    """Mixture rates proportional to size ** (1 / temperature)."""

    temperature: Annotated[float, Field(gt=0, le=1000)]


class Stage(_Closed):
    """One training step: a task, or a mixture of several."""

    members: Annotated[tuple[TaskUse, ...], Field(min_length=1)]
    rates: Literal["proportional", "equal"] | Temperature | dict[str, float] = "proportional"
    """How often each member is drawn; a dict names members by `task` and sums to 1."""
    cap: Annotated[int, Field(ge=1)] | None = None
    """The size that a larger member counts as where rates follow sizes."""
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
    train: Partial = {}
    """Settings of all its fine-tuning stages, over the study's and the overrides."""


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
    numerics: Numerics = Numerics()
    resources: Resources = Resources()
    path: Path = Path("study.yaml")

    def config_for(self, stage: Stage, target: Target | None = None) -> TrainConfig:
        """A stage's settings; the last one wins.

        These are the study's, where it says so those of the official scripts (the target's, else
        the stage's only task's), the overrides of its only task, its target's, and its own.
        """
        merged: dict[str, JSON] = self.train.model_dump()
        merged |= self._recipe(stage, target)
        if len(stage.members) == 1:
            merged |= self.overrides.get(stage.members[0].task, {})
        merged |= (target.train if target is not None else {}) | stage.train
        return TrainConfig.model_validate(merged)

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
