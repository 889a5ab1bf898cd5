"""Training: one stage of a route, from a mixture of tasks to numbered checkpoints.

`finetune` is the whole loop and is meant to be read from top to bottom. AdamW, a linear schedule
with warm-up, clipping, exact accumulation (gradients of the batch's mean whatever the passes),
dev evaluation with early stopping. Devices and mixed precision are `accelerate`'s. Random draws
are functions of (seed, purpose) or (seed, step), so equal arguments give equal bytes, and runs
that differ in their data alone start from equal heads.

Writes `checkpoints/NUMBER/`, `evaluations.json`, `curve.json`, `lengths.json` (what was cut) and
`training.json`, which hold nothing that two equal runs could differ in (no times). Chooses no
checkpoint: select steps do.
"""

from __future__ import annotations

import json
import logging
import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import torch
from accelerate import Accelerator
from accelerate.state import AcceleratorState

from waystation import mixture as mixtures
from waystation.batching import collate, derived_seed
from waystation.checkpoint import changed_since_raw, save_checkpoint
from waystation.encoded import Encoded, encode, orders_of, passes_of, too_large
from waystation.errors import StepFailed
from waystation.examples import HeadSpec
from waystation.heads import WHOLE_BATCH
from waystation.metrics import measure, total
from waystation.mixture import Mixture
from waystation.model import recomputing, set_dropout
from waystation.negatives import mined
from waystation.parameters import optimizer_of, place_heads, vocabulary
from waystation.partial import Partial, Position
from waystation.predict import Pool, memory_advice, predict
from waystation.settings import Numerics, TrainConfig

if TYPE_CHECKING:
    from waystation.model import Model

CURVE_POINTS: Final = 100
log = logging.getLogger("waystation")


@dataclass(frozen=True, kw_only=True)
class TrainProgress:
    """How far a training is. Rates are means since its first step."""

    step: int
    steps: int
    loss: float
    learning_rate: float
    examples_per_s: float
    tokens_per_s: float
    seconds_left: float


@dataclass(frozen=True, kw_only=True)
class Output:
    """Where a training leaves what it makes, and whom it tells how far it is.

    It goes on from `partial`, where an interrupted training of the same arguments left its state,
    and keeps its own there; the bytes are those of a training that was never interrupted.
    """

    folder: Path
    progress: Callable[[TrainProgress], None] | None = None
    partial: Partial | None = None


def finetune(
    model: Model,
    mixture: Mixture,
    config: TrainConfig,
    numerics: Numerics,
    seed: int,
    output: Output,
) -> None:
    """Train `model` on a mixture and write its checkpoints and records into the output's folder.

    The model trains on the device where it is and is left as the last step made it. Raises
    StepFailed where the work fails (loss not finite, out of memory, nothing to train on) and
    UserError where an example lacks gold.
    """
    # -- examples to rows, the order of batches, the steps ---------------------------------------
    folder, partial = output.folder, output.partial
    torch.set_num_threads(int(numerics.threads))
    torch.use_deterministic_algorithms(True, warn_only=True)
    accelerator = _accelerator(model, numerics)
    members = mined(model, encode(model, mixture, config), config, numerics)
    sizes = [len(m.rows) for m in members]
    plan = mixtures.schedule(mixture, sizes, config.epochs, config.batch_size, seed)
    steps = plan.steps
    seen_before = [np.cumsum((plan.drawn == i).any(axis=0)) for i in range(len(members))]
    orders = orders_of(members, plan, seed)
    counted = len(mixture.counted)
    epoch = sum(mixtures.effective(sizes[:counted], mixture.cap))
    specs = tuple({m.member.head.name: m.member.head for m in members}.values())
    place_heads(model, {m.member.head.name: m.head for m in members}, config, seed)
    evaluate_at = {
        round(steps * (n + 1) / config.evaluations) for n in range(config.evaluations)
    } - {0}

    if config.dropout is not None:
        set_dropout(model.backbone, config.dropout)
    with vocabulary(model, members, config) as table:
        optimizer = optimizer_of(model, config)
        parameters = [p for group in optimizer.param_groups for p in group["params"]]
        # -- the position: all that is not a function of (seed, step) ---------------------------
        at = Position(steps=steps)
        if partial is not None:
            at = partial.load(model, optimizer, folder, steps)
            table.factor = at.factor
        begun_at, started = replace(at), time.monotonic()
        for step in range(at.step + 1, steps + 1):
            # -- the batch: a function of (seed, step); in two parts where lines are mixed in ----
            torch.manual_seed(derived_seed(seed, "dropout", step))
            model.train()
            aside: list[Any] = []
            examples, shown = 0, 0.0
            for which, share in zip(plan.drawn[:, step - 1], plan.weights, strict=True):
                member, head = members[which], members[which].head
                batch = orders[which].batch(int(seen_before[which][step - 1]) - 1)

                # -- gradients of the sum, then divided by the part's whole weight --------------
                loss = weight = 0.0
                doing = f"step {step} of {steps} on task {member.label}"
                with memory_advice("training", doing):
                    for rows in passes_of(batch, member, config, seed, step):
                        inputs = collate(rows, model.pad_id, config.max_tokens, accelerator.device)
                        with recomputing(model, too_large(inputs, member, config)):
                            with accelerator.autocast():
                                part, part_weight = head.loss(model, inputs)
                            accelerator.backward(part)
                        loss, weight = loss + float(part.detach()), weight + part_weight
                        at.tokens_seen += sum(len(row.tokens) for row in rows)
                if not math.isfinite(loss):
                    if partial is not None:
                        partial.remove()  # from there it would only come here again
                    raise StepFailed(
                        f"expected a finite loss, found {loss} at {doing}; lower `learning_rate`"
                        " or set `numerics: {precision: fp32}`."
                    )
                gradients = [p.grad for p in parameters if p.grad is not None]
                torch._foreach_div_(gradients, weight / share)
                shown += share * loss / weight
                if which < counted:  # the curve is of what epochs count
                    examples += len(batch)
                    at.loss_since, at.weight_since = at.loss_since + loss, at.weight_since + weight
                if len(plan.weights) > 1:
                    aside = _set_aside(parameters, aside)

            with memory_advice("training", doing):
                for parameter, gradient in zip(parameters, aside, strict=False):
                    parameter.grad = gradient
                if config.clip is not None:
                    accelerator.clip_grad_norm_(parameters, config.clip)
                rate = learning_rate(step, steps, config)
                for group in optimizer.param_groups:
                    group["lr"] = rate * group.get("scale", 1.0)
                optimizer.step()
                optimizer.zero_grad(set_to_none=True)
            if table.full is not table.weight:
                table.factor *= 1 - rate * table.scale * config.weight_decay

            # -- records ------------------------------------------------------------------------
            at.step, at.examples_seen = step, at.examples_seen + examples
            if (step % math.ceil(steps / CURVE_POINTS) == 0 or step == steps) and at.weight_since:
                at.curve.append([step, at.loss_since / at.weight_since, rate])
                at.loss_since = at.weight_since = 0.0
            if output.progress is not None:
                passed = time.monotonic() - started
                output.progress(_progress(at, begun_at, passed, shown, rate))

            # -- dev, a checkpoint, early stopping ----------------------------------------------
            if step in evaluate_at:
                name = f"{step:06d}"
                dev = {m.label: _on_dev(model, m, config, numerics) for m in members}
                dev = {label: values for label, values in dev.items() if values}
                save_checkpoint(model, table, specs, step, folder / "checkpoints" / name)
                at.evaluations.append(
                    {
                        "checkpoint": name,
                        "step": step,
                        "epoch": at.examples_seen / epoch,
                        "dev": dev,
                        "score": _score(dev, [m.label for m in members], mixture),
                    }
                )
                if config.patience is not None and at.without_gain >= config.patience:
                    log.info("stopped at step %d: no better dev score", step)
                    break
            if partial is not None and step < steps and partial.due(model, step in evaluate_at):
                at.factor = table.factor
                partial.save(at, model, optimizer, folder)
        model.changes = changed_since_raw(model, table)

    _write(folder / "evaluations.json", at.evaluations)
    _write(folder / "curve.json", at.curve)
    _write(folder / "lengths.json", {m.label: m.lengths for m in members})
    _write(
        folder / "training.json",
        {
            "steps": at.step,
            "planned_steps": steps,
            "examples_seen": at.examples_seen,
            "tokens_seen": at.tokens_seen,
            "trained_rows": len(table.rows),
            "members": [
                {
                    "task": m.label,
                    "examples": len(m.rows),
                    "dropped": m.dropped,
                    "rate": plan.rates[i],
                    "batches": int(seen_before[i][at.step - 1]),
                }
                for i, m in enumerate(members)
            ],
        },
    )


def _progress(
    at: Position, begun_at: Position, seconds: float, loss: float, rate: float
) -> TrainProgress:
    return TrainProgress(
        step=at.step,
        steps=at.steps,
        loss=loss,
        learning_rate=rate,
        examples_per_s=(at.examples_seen - begun_at.examples_seen) / seconds,
        tokens_per_s=(at.tokens_seen - begun_at.tokens_seen) / seconds,
        seconds_left=seconds / (at.step - begun_at.step) * (at.steps - at.step),
    )


def learning_rate(step: int, steps: int, config: TrainConfig) -> float:
    """Linear from 0 to the peak over the warm-up, then linearly to 0 one step past the last.

    Steps count from 1, so no step has rate 0 (transformers' schedule wastes its first).
    """
    warm = max(1, math.ceil(config.warmup * steps))
    if step <= warm:
        return config.learning_rate * step / warm
    return config.learning_rate * (steps + 1 - step) / (steps + 1 - warm)


def _accelerator(model: Model, numerics: Numerics) -> Any:
    """An Accelerator on the model's own device; the last stage's must not set this one's."""
    AcceleratorState._reset_state(reset_partial_state=True)
    cpu = model.device.type == "cpu"
    precision = "bf16" if numerics.precision == "bf16" else "no"
    return Accelerator(mixed_precision=precision, cpu=cpu)


def _on_dev(
    model: Model, member: Encoded, config: TrainConfig, numerics: Numerics
) -> dict[str, float]:
    """The headline metric's values on a member's dev examples; empty where it has none."""
    examples = member.member.dev[: config.dev_examples]
    if not examples:
        return {}
    task = member.member.task
    language = member.member.language or task.source_language
    predictions: Sequence[Any] = predict(
        model,
        _last_layer(member.member.head),
        examples,
        numerics,
        max_tokens=config.max_tokens,
        stride=config.stride,
        language=language,
        pool=Pool(member.member.dev_pool) if member.member.dev_pool else None,
    )
    if member.member.head.kind in WHOLE_BATCH:
        predictions = [next(iter(p.variants.values())) for p in predictions]
    metric = task.metrics[0]
    return metric.reduce(total(measure(metric, predictions, examples, language)))


def _set_aside(parameters: Sequence[Any], earlier: Sequence[Any]) -> list[Any]:
    """The gradients so far, `earlier` ones added, taken off the parameters."""
    found = []
    for i, parameter in enumerate(parameters):
        before = earlier[i] if earlier else None
        own, parameter.grad = parameter.grad, None
        found.append(own if before is None else before if own is None else before.add_(own))
    return found


def _score(
    dev: Mapping[str, Mapping[str, float]], labels: Sequence[str], mixture: Mixture
) -> float | None:
    """What checkpoints are compared by: the mean headline of the tasks, or of text alone its loss.

    Language modelling beside tasks does not enter it.
    """
    counted = [label for label in labels[: len(mixture.counted)] if label in dev]
    if not counted:
        return None
    mean = sum(next(iter(dev[label].values())) for label in counted) / len(counted)
    return mean if mixture.members else -mean


def _last_layer(spec: HeadSpec) -> HeadSpec:
    """A retrieval head as it is trained: its first pooling, on the last layer."""
    if spec.kind not in WHOLE_BATCH:
        return spec
    pooling = spec.option("pooling", "mean").split(",")[0]
    own = {"layers": "last", "pooling": pooling, "scoring": "cosine"}
    return replace(spec, options=tuple(sorted((dict(spec.options) | own).items())))


def _write(path: Path, value: Any) -> None:
    path.write_text(json.dumps(value, indent=1, allow_nan=False) + "\n", encoding="utf-8")
