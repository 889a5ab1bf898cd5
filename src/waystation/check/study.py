"""A study's check: its parts read as a run would read them, then trained against evaluated.

Training parts are cut by `sources.select` and the share for selection by the rule of resolving,
so that what is compared is what a run would train on and evaluate.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from waystation import sources
from waystation import task as tasks
from waystation.check import of_parts, overlap, pools, tokens
from waystation.check.findings import CheckReport, Entry, Finding, TokenRow, in_order
from waystation.check.overlap import Used
from waystation.check.reading import Part, read
from waystation.check.texts import gold
from waystation.entries import hold_out, least
from waystation.hub_files import Hub
from waystation.settings import TrainConfig
from waystation.sources import Place
from waystation.study import Stage, Study, Target, TaskUse, load_study
from waystation.task import Task
from waystation.tasks.own import task_of


@dataclass
class _Reading:
    """What has been read of a study's data, each language and split once."""

    study: Study
    data: Place
    limit: int | None
    say: Callable[[str], None]
    found: dict[str, Task[Any]] = field(default_factory=dict)
    parts: dict[tuple[str, str, str], Part] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)
    asked: list[tokens.Asked] = field(default_factory=list)
    pools: pools.Cache = field(default_factory=dict)
    absent: set[str] = field(default_factory=set)
    """Tasks that the hub could not give."""

    def task(self, used: TaskUse | Target) -> Task[Any]:
        """The task that a part of the study names."""
        if used.task not in self.found:
            beside = self.study.path.resolve().parent
            own = used.own and task_of(used.own, beside)
            self.found[used.task] = own or tasks.get(used.task, beside)
        return self.found[used.task]

    def examples(self, task: Task[Any], name: str, language: str, split: str) -> tuple[Any, ...]:
        """The examples of a split or a sum of splits, ids as `sources.load` gives them."""
        together: list[Any] = []
        for one in sources.parts(split):
            key = (name, language, one)
            if key not in self.parts and name not in self.absent:
                self.say(f"reading {name} {language} {one}")
                self.parts[key] = read(task, name, self.data, language, one)
                if isinstance(self.data, Hub) and _absent(self.parts[key]):
                    self.absent.add(name)  # out of reach for the other parts as well
            if key not in self.parts:
                continue
            examples = self.parts[key].examples
            sum_ = "+" in split
            together += [replace(e, id=f"{one}/{e.id}") for e in examples] if sum_ else examples
        return tuple(together)

    def questions(
        self, task: Task[Any], name: str, language: str, split: str, examples: tuple[Any, ...]
    ) -> tuple[Any, ...]:
        """Evaluated examples as training questions are compared with them, see `as_questions`."""
        if not task.pools or "+" in split:
            return examples
        part = replace(self.parts[name, language, split], examples=examples)
        return pools.as_questions(pools.with_pool(part, self.data, self.pools))

    def titles(self, task: Task[Any], language: str, split: str) -> dict[str, str]:
        return overlap.titles(task, self.data, language, split)


def check(
    path: Path,
    data: Place,
    limit: int | None,
    say: Callable[[str], None],
) -> CheckReport:
    """See `waystation.check.check_study`."""
    study = load_study(path)
    reading = _Reading(study, data, limit, say)
    trained = list(_trained(reading))
    evaluated = [used for target in study.targets for used in _evaluated(reading, target)]
    entries: list[Entry] = []
    findings = list(reading.findings)
    say("comparing splits and languages")
    for name in dict.fromkeys(name for name, _, _ in reading.parts):
        own = [part for (task, _, _), part in reading.parts.items() if task == name]
        some, more = of_parts(own, data, limit, reading.pools)
        entries += some
        findings += more
    say("comparing what is trained on with what is evaluated")
    findings += overlap.check(trained, evaluated)
    rows: list[TokenRow] = []
    for backbone in study.backbones:
        say(f"tokens of {backbone}")
        beside = path.resolve().parent
        found, more = tokens.check(backbone, beside, _once(reading.asked), study.name)
        rows += found
        findings += more
    return CheckReport(
        name=study.name, entries=tuple(entries), tokens=tuple(rows), findings=in_order(findings)
    )


def _absent(part: Part) -> bool:
    return any(finding.code == "missing-files" for finding in part.findings)


def _once(asked: list[tokens.Asked]) -> list[tokens.Asked]:
    """Each language of a task and split once for each max_tokens, with the most examples."""
    most: dict[tuple[str, str, str, int], tokens.Asked] = {}
    for one in asked:
        key = (one.name, one.language, one.split, one.max_tokens)
        if one.examples and (key not in most or len(one.examples) > len(most[key].examples)):
            most[key] = one
    return list(most.values())


def _stages(reading: _Reading) -> Iterator[tuple[str, str | None, Stage, TrainConfig]]:
    """(stop or target, target that it belongs to, stage, its settings) of all training."""
    study = reading.study
    for stop in study.intermediate:
        for stage in stop.stages:
            yield stop.name, None, stage, study.config_for(stage)
    for target in study.targets:
        task, stages = reading.task(target), target.stages
        if target.fine_tuned and stages is None:
            own = TaskUse(task=target.task, own=target.own, language=task.source_language)
            uses = [TaskUse(task=name) for name in task.train] or [own]
            stages = tuple(Stage(members=(use,)) for use in uses)
        for stage in (stages or ()) if target.fine_tuned else ():
            yield target.name, target.name, stage, study.config_for(stage, target)


def _trained(reading: _Reading) -> Iterator[Used]:
    """What every stage trains on and chooses checkpoints by; equal parts of stops once."""
    seen: dict[tuple[str, str | None], None] = {}
    for where, target, stage, config in _stages(reading):
        for use in stage.members:
            key = (repr(use), target)
            if key in seen:
                continue
            seen[key] = None
            task = reading.task(use)
            split = use.split or task.train_split
            everything = reading.examples(task, use.task, use.language, split)
            if not everything or use.skip >= len(everything):
                continue
            chosen = sources.select(task, everything, use.examples, use.skip)[: reading.limit]
            dev = task.dev_split if task.dev_split not in (None, *sources.parts(split)) else None
            count = least(config.dev_examples, reading.limit)
            held: tuple[Any, ...] = ()
            if dev is not None and sources.present(task, reading.data, use.language, dev):
                held = reading.examples(task, use.task, use.language, dev)[:count]
            else:
                dev = None
                chosen, held = hold_out(chosen, config.dev_examples)
            common = Used(
                task=task, name=use.task, language=use.language, split=split, examples=chosen,
                where=where, target=target, titles=reading.titles(task, use.language, split),
            )  # fmt: skip
            yield common
            if held and config.selection != "last":
                yield replace(common, split=dev or split, examples=held, selects=True, titles={})
            reading.asked.append(
                tokens.Asked(
                    task=task, name=use.task, language=use.language, split=split,
                    examples=chosen, max_tokens=config.max_tokens, trained=True,
                )
            )  # fmt: skip


def _evaluated(reading: _Reading, target: Target) -> Iterator[Used]:
    """What a target is evaluated on, language by language; absent files and gold are errors."""
    task = reading.task(target)
    split = target.split or task.test_split
    languages = target.languages
    if languages is None:
        languages = sources.available(task, reading.data, split) or task.languages[:1]
    count = least(target.examples, reading.limit)
    stages = target.stages or (Stage(members=(TaskUse(task=target.task, own=target.own),)),)
    longest = reading.study.config_for(stages[-1], target).max_tokens
    for language in languages:
        examples = reading.examples(task, target.task, language, split)[:count]
        without = [e.id for e in examples if gold(e) is None]
        if without:
            message = (
                f"{len(without)} of the {len(examples)} evaluated examples have no gold, which"
                " stops the study: evaluate a split that has it"
            )
            reading.findings.append(
                Finding(
                    code="no-gold", severity="error", task=target.task, language=language,
                    split=split, count=len(without), message=message, examples=tuple(without),
                )
            )  # fmt: skip
        if not examples:
            continue
        asked = reading.questions(task, target.task, language, split, examples)
        yield Used(
            task=task, name=target.task, language=language, split=split, examples=asked,
            where=target.name, titles=reading.titles(task, language, split),
        )  # fmt: skip
        reading.asked.append(
            tokens.Asked(
                task=task, name=target.task, language=language, split=split, examples=examples,
                max_tokens=longest, trained=False,
            )
        )  # fmt: skip
