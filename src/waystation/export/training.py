"""How a model was trained, as its card tells it: stages, what of them was trained, who chose.

Facts of the plan and the store in words; a stage that has nothing but the defaults has no line.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, cast

from waystation.export.facts import Facts, bullets, seeds_of, stop_stages, table, text_of
from waystation.report.numbers import count, language_name, listing

HEADER: Final = (
    *("stage", "trained on", "steps", "learning rate", "batch", "epochs", "tokens"),
    *("checkpoint", "step"),
)


def route(facts: Facts) -> list[str]:
    """The section on the route: a table of stages, what is special about each, the optimiser."""
    if not facts.subject.chain:
        return ["Nothing was trained: the backbone as it was published."]
    rows, remarks = [], []
    for number, stage in enumerate(facts.subject.stages):
        spec = cast("Any", stage.spec)
        config = spec["config"]
        names = [m["task"] for m in spec["members"]] + ["text"] * ("mlm" in spec)
        kind = "stop" if number < stop_stages(facts) else "target"
        rows.append(
            [
                kind,
                " + ".join(names),
                f"{facts.training[number]['steps']}",
                f"{config['learning_rate']:g}",
                f"{config['batch_size']}",
                f"{config['epochs']:g}",
                f"{config['max_tokens']}",
                str(facts.picked[number]["checkpoint"]),
                f"`{stage.key}`",
            ]
        )
        said = [*_trained(config), *_text(facts, number), *_chosen(facts, number)]
        remarks += [f"{kind.capitalize()} {' + '.join(names)}: {one}." for one in said]
    last = cast("Any", facts.subject.stages[-1].spec)
    config, numerics = last["config"], last["numerics"]
    dropout = "the backbone's" if config["dropout"] is None else f"{config['dropout']:g}"
    return [
        *table(HEADER, rows),
        "",
        *bullets(remarks),
        *([""] if remarks else []),
        f"AdamW, linear schedule with {config['warmup']:g} warm-up, weight decay"
        f" {config['weight_decay']:g}, clipping {config['clip']}, dropout {dropout},"
        f" {numerics['precision']}, {seeds_of(facts)}.",
    ]


def _trained(config: Mapping[str, Any]) -> Iterator[str]:
    """What of the backbone was trained, where that is not all of it alike."""
    adapter, frozen = config.get("adapter"), config.get("frozen", "nothing")
    if adapter:
        kind = "a bottleneck of width" if adapter["kind"] == "bottleneck" else "a LoRA of rank"
        alpha = f" (alpha {adapter['alpha']:g})" if adapter["kind"] == "lora" else ""
        yield f"{kind} {adapter['rank']}{alpha} in place of the backbone's own weights"
    if frozen != "nothing":
        layers = "" if frozen == "embeddings" else f" and the {count(frozen, 'lowest layer')}"
        yield f"the input embeddings{layers} were frozen"
    if config.get("layer_decay", 1.0) != 1.0:
        yield f"each layer's learning rate was {config['layer_decay']:g} times that above it"
    if config.get("keep_head"):
        yield "began with the head of the stage before, where that was equal"


def _text(facts: Facts, number: int) -> Iterator[str]:
    own, used = cast("Any", facts.subject.stages[number].spec).get("mlm"), text_of(facts, number)
    if own is None or used is None:
        return
    objective = dict(own["head"]["options"])["objective"]
    names = listing([use.task or use.files or use.hub for use in used.text])
    share = f", {own['share']:g} of the batches" if "share" in own else ""
    tongues = listing([language_name(part["language"]) for part in own["text"]])
    yield f"{objective} language modelling on text of {names} in {tongues}{share}"


def _chosen(facts: Facts, number: int) -> Iterator[str]:
    """Which rule chose the checkpoint, and which learning rate a sweep chose."""
    run, _ = facts.subject.chain[number]
    steps, picked = facts.subject.opened.plan.steps, facts.picked[number]
    spec = cast("Any", steps[run].spec)
    if "models" in spec:
        yield f"the mean of what {count(len(spec['models']), 'seed')} came to"
        run = spec["models"][0][0]
    elif "last" in spec:
        yield f"the mean of the last {spec['last']} checkpoints"
        run = spec["run"]
    else:
        yield f"checkpoint chosen by {_rule(picked['rule'])}"
    rates: Sequence[Any] = cast("Any", steps[run].spec).get("runs", ())
    if rates:
        values = ", ".join(f"{rate:g}" for rate, _ in rates)
        yield f"learning rate chosen from {values} by source dev"


def _rule(rule: str) -> str:
    return {
        "source-dev": "source dev (the stage's own dev examples)",
        "oracle-dev": "the target language's own dev, which zero-shot transfer does not have",
        "last": "being the last",
    }.get(rule, rule)
