"""What a model card is made of: the exported model, its tasks, how it was trained, its scores.

Plain data with the questions that several parts of the card ask of it. Reads nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from waystation.export.snippets import Use
from waystation.export.subject import Subject
from waystation.plan import Step
from waystation.report.analysis import Analysis, Part
from waystation.report.numbers import listing
from waystation.results import Score
from waystation.study import Mlm
from waystation.task import Task


@dataclass(frozen=True, kw_only=True)
class Facts:
    """What a card is made of.

    `training` and `picked` are training.json and select.json of each stage, `tasks` the tasks by
    the name that stages (`task`) and targets use, `analysis` the study's whole analysis; None where
    nothing has a score.
    """

    subject: Subject
    use: Use
    tasks: Mapping[str, Task[Any]]
    training: Sequence[Mapping[str, Any]]
    picked: Sequence[Mapping[str, Any]]
    analysis: Analysis | None
    variant: str
    versions: Mapping[str, str]
    form: str = "transformers"

    @property
    def title(self) -> str:
        """The model's name: backbone and route."""
        subject = self.subject
        base = subject.backbone.rstrip("/").rpartition("/")[2]
        route = subject.name.partition("#")[2] or subject.key
        return f"{base}, {route}"

    @property
    def parts(self) -> list[Part]:
        """The targets that were evaluated with exactly this model."""
        targets = {route.target for route in self.subject.routes}
        every = self.analysis.of(self.subject.backbone) if self.analysis else ()
        return [p for p in every if p.target in targets and self.scores(p)]

    def scores(self, part: Part, stop: str | None = None) -> list[Score]:
        """A stop's scores on a part, of every seed, in the variant that is exported."""
        assert self.analysis is not None
        wanted = (part.backbone, part.target, stop or self.subject.stop)
        shown = self.shown(part)
        return [
            s
            for s in self.analysis.results.scores
            if (s.backbone, s.target, s.stop) == wanted and s.variant == shown
        ]

    def shown(self, part: Part) -> str:
        """The variant that this export is: the part's own where that was not evaluated."""
        return self.variant if self.variant in part.variants else part.variant

    @property
    def members(self) -> list[tuple[Step, Mapping[str, Any], Mapping[str, Any]]]:
        """(stage, member, data entry) of everything it was trained on."""
        data = cast("Any", self.subject.opened.lock["data"])
        return [
            (stage, member, data[entry])
            for stage in self.subject.stages
            for member, entry in zip(
                cast("Any", stage.spec["members"]), stage.context["entries"], strict=True
            )
        ]


def unique(words: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(words))


def languages_of(facts: Facts) -> list[str]:
    """The languages that it was trained on, then those that it was evaluated on."""
    evaluated = [route.language for route in facts.subject.routes]
    return unique([*trained_languages(facts), *evaluated])


def trained_languages(facts: Facts) -> list[str]:
    """Those of its examples and of its text, stage by stage."""
    specs = [cast("Any", stage.spec) for stage in facts.subject.stages]
    parts = [[*spec["members"], *spec.get("mlm", {}).get("text", ())] for spec in specs]
    return unique(part["language"] for found in parts for part in found)


def seeds_of(facts: Facts) -> str:
    """`seed 0`, or `seeds 0, 1 and 2` of the mean of several trainings."""
    subject = facts.subject
    spec = cast("Any", subject.opened.plan.steps[subject.key].spec) if subject.chain else {}
    if "models" not in spec:
        return f"seed {subject.seed}"
    return f"seeds {listing([str(seed) for seed in subject.opened.study.seeds])}"


def split_of(facts: Facts, part: Part) -> str:
    target = next(t for t in facts.subject.opened.study.targets if t.name == part.target)
    return target.split or facts.tasks[part.task].test_split


def text_of(facts: Facts, number: int) -> Mlm | None:
    """Where the text of a stage's language modelling came from, as its study says."""
    study, stops = facts.subject.opened.study, stop_stages(facts)
    stop = next(s for s in study.intermediate if s.name == facts.subject.stop)
    if number < stops:
        return stop.stages[number].mlm
    targets = {route.target for route in facts.subject.routes}
    target = next((t for t in study.targets if t.name in targets), None)
    stages = (target.stages or ()) if target else ()
    return stages[number - stops].mlm if number - stops < len(stages) else None


def trained_on(facts: Facts) -> list[Task[Any]]:
    """The tasks of all stages, those whose texts alone were used among them."""
    names = [member["task"] for _, member, _ in facts.members]
    for number in range(len(facts.subject.stages)):
        own = text_of(facts, number)
        names += [use.task for use in own.text if use.task] if own else []
    names = unique(names)
    return [facts.tasks[name] for name in names]


def stop_stages(facts: Facts) -> int:
    stops = cast("Any", facts.subject.opened.lock["stops"])
    return next(len(s["stages"]) for s in stops if s["name"] == facts.subject.stop)


def bullets(lines: Iterable[str]) -> list[str]:
    return [f"- {line}" for line in lines]


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    lines = [header, ["---"] * len(header), *rows]
    return ["| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines]
