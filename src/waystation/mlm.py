"""Language modelling in a study: what its lock pins, what its steps are planned with.

The objective follows from the backbone: encoders predict masked tokens, decoders every token.
An output layer that the checkpoint ships is trained on; one that it lacks is drawn from the seed
and the lock says so. Encoder-decoders are refused: span corruption is not built.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, cast

from waystation import mixture
from waystation.corpora import Corpora
from waystation.errors import UserError
from waystation.examples import JSON, HeadSpec, LineExample, from_json, to_json
from waystation.graph import Plan, Step
from waystation.settings import TrainConfig
from waystation.store import Store
from waystation.study import Mlm, Stage, Study
from waystation.tasks import lines

FRESH, SHIPPED = "fresh", "shipped"


def pinned(own: Mlm, alone: bool, corpora: Corpora, config: TrainConfig) -> dict[str, JSON]:
    """The lock's part of a stage: its settings and the lines of each language."""
    if own.batches == "mixed" and config.batch_size < 2:
        corpora.entries.faults.append(
            "expected a `batch_size` of at least 2 where `mlm` has mixed batches, found 1; raise"
            " it, or take whole batches."
        )
    text: list[JSON] = [
        {
            "language": tag,
            "data": corpora.entry(
                own.text, tag, examples=own.examples, dev_examples=config.dev_examples
            ),
        }
        for tag in own.languages
    ]
    found: dict[str, JSON] = {"text": text, "masked": own.masked, "smoothing": own.smoothing}
    return found if alone else found | {"share": own.share, "batches": own.batches}


def check(study: Study, lock: Mapping[str, Any], old: Mapping[str, Any], faults: list[str]) -> None:
    """Whether the backbones can do it; marks their output layers as shipped or fresh.

    An output layer is looked for once: the old lock's word is taken for equal files.
    """
    stages = [(name, stage) for name, stage in _stages(study) if stage.mlm is not None]
    if not stages:
        return
    chosen = [name for name, s in stages if "masked" in cast("Mlm", s.mlm).model_fields_set]
    for name, source in lock["backbones"].items():
        if source["architecture"] == "decoder" and chosen:
            faults.append(
                f"{study.path}: {chosen[0]}: expected no `masked` with the decoder {name}, which"
                " predicts every token, found one; leave it out, or take an encoder."
            )
            continue
        before = old.get("backbones", {}).get(name, {})
        try:
            if before.get("digest") == source["digest"] and "output" in before:
                source["output"] = before["output"]
            else:
                source["output"] = output(name, study.path.resolve().parent)
        except UserError as error:
            faults.append(f"{study.path}: {stages[0][0]}: {error}")
            continue
        if source["output"] == FRESH:
            lock["remarks"].append(
                f"{name} ships no output layer for language modelling: it is trained from the"
                " start, drawn from the seed."
            )


def output(backbone: str, beside: Path) -> str:
    """Whether a backbone's checkpoint ships a language model's output layer; reads the weights."""
    from waystation.backbone import locate
    from waystation.heads import build
    from waystation.model import load

    source = locate(backbone, beside)
    model = load(source, lm=True)
    build(head(source.architecture, 0.15), model.tokenizer, 512, 0)  # refuses a lack of masks
    return FRESH if model.missing else SHIPPED


def _stages(study: Study) -> Iterator[tuple[str, Stage]]:
    for stop in study.intermediate:
        yield from ((f"intermediate.{stop.name}", stage) for stage in stop.stages)
    for target in study.targets:
        yield from ((f"targets.{target.name}", stage) for stage in target.stages or ())


def head(architecture: str, masked: float) -> HeadSpec:
    """The head of language modelling on a backbone."""
    if architecture == "decoder":
        return HeadSpec(kind="lm", options=(("objective", "causal"),))
    return HeadSpec(kind="lm", options=(("masked", f"{masked:g}"), ("objective", "masked")))


def spec(stage: Mapping[str, Any], lock: Mapping[str, Any], backbone: str) -> dict[str, JSON]:
    """What determines language modelling in a train step; nothing where the stage has none."""
    if "mlm" not in stage:
        return {}
    own = {name: value for name, value in stage["mlm"].items() if name not in ("text", "masked")}
    own["head"] = to_json(head(lock["backbones"][backbone]["architecture"], stage["mlm"]["masked"]))
    own["text"] = [
        {
            "language": part["language"],
            "data": lock["data"][part["data"]]["digest"],
            "dev": lock["data"][part["data"]]["dev_digest"],
        }
        for part in stage["mlm"]["text"]
    ]
    return {"mlm": own}


def entries(stage: Mapping[str, Any]) -> dict[str, Any]:
    """The part of a train step's context that names its lines in the lock."""
    return {"text": [part["data"] for part in stage["mlm"]["text"]]} if "mlm" in stage else {}


def told(lock: Mapping[str, Any], plan: Plan) -> list[JSON]:
    """The train steps with language modelling: their steps and the lines of each language."""
    found: list[JSON] = []
    for key, step in plan.steps.items():
        if step.kind != "train" or "mlm" not in step.spec:
            continue
        own = cast("Mapping[str, Any]", step.spec["mlm"])
        counts: dict[str, JSON] = {
            part["language"]: lock["data"][entry]["count"]
            for part, entry in zip(own["text"], step.context["text"], strict=True)
        }
        steps, with_lines = steps_of(lock, step)
        about: dict[str, JSON] = {"key": key, "label": step.label, "lines": counts}
        found.append(about | {"steps": steps, "steps_with_lines": with_lines})
    return found


def steps_of(lock: Mapping[str, Any], step: Step) -> tuple[int, int]:
    """How many optimiser steps a train step takes at most, and in how many there are lines."""
    own, config = cast("Any", step.spec.get("mlm", {})), cast("Any", step.spec["config"])
    counts = [lock["data"][entry]["count"] for entry in step.context["entries"]]
    sizes = mixture.effective(counts, cast("int | None", step.spec["cap"]))
    lines_there = [lock["data"][entry]["count"] for entry in step.context.get("text", ())]
    steps = optimiser_steps(own, config, sizes or lines_there)
    if own and own.get("batches") != "whole":
        return steps, steps
    return steps, steps - optimiser_steps({}, config, sizes)


def mixed(own: Any, store: Store) -> dict[str, Any]:
    """Fields of a Mixture for what `spec` made; nothing where there was nothing."""
    if own is None:
        return {}
    members = [
        mixture.Member(
            name=f"mlm.{part['language']}",
            task=lines.LINES,
            language=part["language"],
            head=cast("HeadSpec", from_json(HeadSpec, own["head"])),
            examples=store.data(part["data"], LineExample),
            dev=store.data(part["dev"], LineExample) if part["dev"] else (),
        )
        for part in own["text"]
    ]
    found = {"text": tuple(members), "smoothing": own["smoothing"]}
    if "share" in own:
        found |= {"share": own["share"], "mixed": own["batches"] == "mixed"}
    return found


def optimiser_steps(own: Mapping[str, Any], config: Mapping[str, Any], sizes: list[int]) -> int:
    """The steps of a stage; `sizes` are those of its tasks, caps considered, or of its text."""
    epochs, batch_size = float(config["epochs"]), int(config["batch_size"])
    if own.get("batches") == "mixed":
        batch_size -= mixture.lines_of(batch_size, own["share"])
    steps = mixture.optimiser_steps(sizes, None, epochs, batch_size)
    return steps + (mixture.beside(steps, own["share"]) if own.get("batches") == "whole" else 0)
