"""Translations in a study: pinned while resolving, steps of the plan, run, and told of afterwards.

A member of a stage that is translated reads the results of translate steps in place of its
examples: one step for the training examples, one for the dev examples, which are translated too so
that a checkpoint is selected in the language that it is trained on. A step's result is
`examples.jsonl` and `translation.json`, which counts what was lost and why. The translation itself
is translate.py's. No torch at module level.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, cast

from waystation.errors import ModelError, UserError
from waystation.examples import JSON, KINDS, canonical, from_json, to_json
from waystation.graph import Plan, Step, add
from waystation.settings import Numerics
from waystation.store import Store
from waystation.study import Study, TaskUse, Translate

if TYPE_CHECKING:
    from waystation.backbone import Source
    from waystation.model import Model

PASSES: Final = 10
"""What generating a translation costs, roughly, in forward passes of an example."""


# ---------------------------------------------------------------------------- resolving


def used(study: Study) -> list[TaskUse]:
    """Every use of a task that is translated, in the study's order."""
    stages = [stage for stop in study.intermediate for stage in stop.stages]
    stages += [stage for target in study.targets for stage in target.stages or ()]
    return [use for stage in stages for use in stage.members if use.translate is not None]


def located(study: Study, faults: list[str]) -> dict[str, JSON]:
    """The translation models of a study, pinned like backbones; what is wrong goes to `faults`."""
    from waystation import backbone

    beside = study.path.resolve().parent
    found: dict[str, JSON] = {}
    sources: dict[str, Source | None] = {}
    for use in used(study):
        wanted = cast("Translate", use.translate)
        try:
            if wanted.model not in sources:
                sources[wanted.model] = None
                sources[wanted.model] = source = backbone.locate(wanted.model, beside)
                found[wanted.model] = _pinned(source)
            if (source_of := sources[wanted.model]) is not None:
                _check(study, source_of, use, wanted)
        except UserError as error:
            faults.append(str(error))
    return found


def asked(member: dict[str, JSON], translate: Translate) -> dict[str, JSON]:
    """A member of a stage with what is asked of its translation."""
    return member | {"translate": cast("JSON", translate.model_dump(mode="json"))}


def _pinned(source: Source) -> JSON:
    if source.architecture != "encoder-decoder":
        raise ModelError(
            f"expected a translation model, which is an encoder-decoder, found '{source.name}', a"
            f" mere {source.architecture}; take one such as facebook/nllb-200-distilled-600M."
        )
    return source.pinned()


def _check(study: Study, source: Source, use: TaskUse, wanted: Translate) -> None:
    """The model must have both languages, and positions for what it is asked to read."""
    from waystation.translator import spoken

    if source.architecture == "encoder-decoder":
        spoken(source.path, source.name).pair(use.language, wanted.to)
    if source.max_tokens is not None and wanted.max_tokens > source.max_tokens:
        raise ModelError(
            f"{study.path}: expected max_tokens of at most {source.max_tokens}, the positions of"
            f" translation model {source.name}, found {wanted.max_tokens}; lower max_tokens."
        )


# ---------------------------------------------------------------------------- planning


def translated(
    steps: dict[str, Step],
    lock: Mapping[str, Any],
    member: Mapping[str, Any],
    found: dict[str, JSON],
) -> tuple[dict[str, JSON], tuple[str, ...]]:
    """What determines a member's part in a training, its examples replaced by their translations.

    With the translate steps that it reads. A member that is not translated is left as it is.
    """
    wanted = member.get("translate")
    if wanted is None:
        return found, ()
    inputs = []
    for part in ("data", "dev"):
        if found[part] is not None:
            found = found | {part: _step(steps, lock, member, cast("str", found[part]), part)}
            inputs.append(cast("str", found[part]))
    return found | {"language": wanted["to"]}, tuple(inputs)


def _step(
    steps: dict[str, Step], lock: Mapping[str, Any], member: Mapping[str, Any], data: str, part: str
) -> str:
    wanted = member["translate"]
    source = lock["translators"][wanted["model"]]
    spec: dict[str, JSON] = {
        "translator": source["digest"],
        "from": member["language"],
        "to": wanted["to"],
        "beams": wanted["beams"],
        "max_tokens": wanted["max_tokens"],
        "kind": member["head"]["kind"],
        "data": data,
        "numerics": lock["numerics"],
    }
    name = wanted["model"]
    if source["origin"] == "hub":
        name = f"{name.partition('@')[0]}@{source['revision']}"
    label = f"translate {member['task']} {member['language']}-{wanted['to']}"
    return add(
        steps,
        "translate",
        spec,
        label=label + (" (dev)" if part == "dev" else ""),
        context={"translator": wanted["model"], "pinned": name, "entry": member["data"]},
        unit=f"translate-{source['digest'][:12]}-{wanted['to']}",
    )


# ---------------------------------------------------------------------------- running


def work(
    store: Store,
    step: Step,
    model: Model,
    folder: Path,
    progress: Callable[[int, int, str], None],
) -> None:
    """Run a translate step: its examples from the store to `folder`."""
    from waystation.translate import Direction, translate

    spec = cast("Any", step.spec)
    direction = Direction(
        source=spec["from"],
        target=spec["to"],
        beams=spec["beams"],
        max_tokens=spec["max_tokens"],
    )
    examples = store.data(spec["data"], KINDS[spec["kind"]][0])
    numerics = Numerics.model_validate(spec["numerics"])
    made = translate(model, examples, direction, numerics, progress)
    with (folder / "examples.jsonl").open("w", encoding="utf-8") as file:
        file.writelines(canonical(to_json(e)) + "\n" for e in made.examples)
    (folder / "translation.json").write_text(canonical(made.counts) + "\n", encoding="utf-8")


def examples_of(store: Store, name: str, example: type) -> Sequence[Any]:
    """A member's examples: those of a digest, or what a translate step made."""
    if not name.startswith("translate-"):
        return store.data(name, example)
    lines = store.read(name, "examples.jsonl").decode().split("\n")
    return [from_json(example, json.loads(line)) for line in lines if line]


# ---------------------------------------------------------------------------- telling


def translator_of(plan: Plan, member: Mapping[str, Any]) -> tuple[str, str] | None:
    """(translation model, language translated from) of a train step's member; None as it was."""
    step = plan.steps.get(str(member["data"]))
    if step is None:
        return None
    return str(step.context["translator"]), str(step.spec["from"])


def counts(store: Store, key: str) -> dict[str, Any] | None:
    """What a finished translate step counted; None before."""
    if store.state(key) != "done":
        return None
    return cast("dict[str, Any]", store.read_json(key, "translation.json"))


def warnings(plan: Plan, store: Store) -> tuple[str, ...]:
    """A sentence for each finished translation: by which model, and what it lost."""
    said = []
    for key, step in plan.steps.items():
        found = counts(store, key) if step.kind == "translate" else None
        if found is not None:
            said.append(f"{step.label}: machine translation by {_told(step, found)}")
    return tuple(said)


def _told(step: Step, found: Mapping[str, Any]) -> str:
    lost = ", ".join(f"{count:,} {why}" for why, count in found["lost"].items())
    gone = found["examples"] - found["kept"]
    share = f"{gone / found['examples']:.1%}"
    text = f"{step.context['translator']}; {gone:,} of {found['examples']:,} examples lost"
    text += f" ({share}: {lost})" if lost else ""
    moved = ", ".join(f"{count:,} {_WAYS[way]}" for way, count in found["answers"].items())
    return text + (f"; answers: {moved}." if moved else ".")


_WAYS: Final = {
    "markers": "by marks",
    "exact": "found exactly",
    "loose": "found but for case, spaces and punctuation",
    "overlap": "by overlapping words",
    "lost": "lost",
}


def seconds_of(lock: Mapping[str, Any], store: Store, plan: Plan, step: Step) -> float | None:
    """How long a translate step takes by the finished ones of its model; None without any."""
    found = []
    for key, other in plan.steps.items():
        if other.kind == "translate" and other.spec["translator"] == step.spec["translator"]:
            info, counted = store.run_info(key), counts(store, key)
            if counted is not None and "seconds" in info:
                found.append(float(cast("float", info["seconds"])) / max(1, counted["examples"]))
    return None if not found else sum(found) / len(found) * size_of(lock, step)


def size_of(lock: Mapping[str, Any], step: Step) -> int:
    """How many examples a translate step reads."""
    entry = lock["data"][step.context["entry"]]
    return int(entry["count"] if entry["digest"] == step.spec["data"] else entry["dev_count"])
