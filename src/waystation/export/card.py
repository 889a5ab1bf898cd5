"""The model card of an export: README.md with the front matter that the hub reads.

Pure: everything it says comes from the study's lock, its plan, its results and what was written.
It says which route made the model, on which data and under whose licences, what the model scores
beside the route without a stop, how to load it, and where its numbers end. It gives no legal
advice: it repeats the licences that the tasks and models state and says which of them restrict.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, cast

from waystation import __version__
from waystation.export.snippets import Use, snippet
from waystation.export.subject import Subject
from waystation.packaged import PACKAGED
from waystation.plan import Step
from waystation.report.analysis import BASELINE, MEAN, Analysis, Part
from waystation.report.numbers import (
    count,
    interval,
    language_name,
    listing,
    points,
    score,
    variant,
)
from waystation.report.words import phrase
from waystation.results import Score
from waystation.statistics import Items, Sample, score_interval
from waystation.task import Task

PIPELINES: Final = {
    "classification": "text-classification",
    "regression": "text-classification",
    "choice": "multiple-choice",
    "tagging": "token-classification",
    "span": "question-answering",
    "bitext": "sentence-similarity",
    "text": "text-generation",
}
"""Kind of head -> the hub's name of the task; without a head it is feature-extraction."""

LICENCES: Final = {
    "MIT": "mit",
    "Apache-2.0": "apache-2.0",
    "CC BY 4.0": "cc-by-4.0",
    "CC BY-SA 4.0": "cc-by-sa-4.0",
    "CC BY-NC 4.0": "cc-by-nc-4.0",
}
"""Licences as models state them -> the hub's names; others are `other` there."""

_NON_COMMERCIAL: Final = re.compile(r"\bNC\b|non-?commercial", re.IGNORECASE)
_NOT_SAID: Final = re.compile(r"^$|^see |terms|^per |and others", re.IGNORECASE)
_RESTRICTED_MODEL: Final = re.compile(r"gemma|llama|rail|terms|\bNC\b|non-?comm", re.IGNORECASE)


@dataclass(frozen=True, kw_only=True)
class Facts:
    """What a card is made of.

    `training` is training.json of each stage, `tasks` the tasks by the name that stages (`task`)
    and targets use, `analysis` the study's whole analysis; None where nothing has a score.
    """

    subject: Subject
    use: Use
    tasks: Mapping[str, Task[Any]]
    training: Sequence[Mapping[str, Any]]
    checkpoints: Sequence[str]
    analysis: Analysis | None
    variant: str
    versions: Mapping[str, str]

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


def card(facts: Facts) -> str:
    """The whole README.md."""
    sections = [
        f"---\n{_front_matter(facts)}\n---\n",
        f"# {facts.title}\n",
        _summary(facts),
        _section("How to load", _loading(facts)),
        _section("Route", _route(facts)),
        _section("Data and licences", _licences(facts)),
        _section("Results", _results(facts)),
        _section("Limits", _list(_limits(facts))),
        _section("Versions", _versions(facts)),
    ]
    return "\n".join(sections)


def _section(title: str, lines: Sequence[str]) -> str:
    return "\n".join([f"## {title}", "", *lines, ""])


def _list(lines: Iterable[str]) -> list[str]:
    return [f"- {line}" for line in lines]


def _table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    lines = [header, ["---"] * len(header), *rows]
    return ["| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines]


# -- front matter ----------------------------------------------------------------------------------


def _front_matter(facts: Facts) -> str:
    from huggingface_hub import EvalResult, ModelCardData

    subject = facts.subject
    trained = [facts.tasks[member["task"]] for _, member, _ in facts.members]
    results = [EvalResult(**entry) for entry in _evaluations(facts)]
    source, base = subject.source, subject.backbone.partition("@")[0]
    if source["origin"] == "packaged":
        base = PACKAGED[base].publisher
    tags = ["waystation", *(["sentence-transformers"] if facts.use.plain.sentences else [])]
    licence, name = _licence(facts)
    data = ModelCardData(
        language=_unique(t.split("-")[0] for t in _languages(facts)) or None,
        license=licence,
        license_name=name,
        license_link="README.md" if name else None,
        base_model=None if source["origin"] == "folder" else base,
        datasets=_unique(t.hub.repository for t in trained if t.hub is not None) or None,
        pipeline_tag=PIPELINES.get(subject.head.kind if subject.head else "", "feature-extraction"),
        library_name="transformers",
        metrics=_unique(part.headline for part in facts.parts) or None,
        tags=tags,
        model_name=facts.title if results else None,
        eval_results=results or None,
    )
    return str(data.to_yaml(line_break="\n")).strip()


def _unique(words: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(words))


def _languages(facts: Facts) -> list[str]:
    """The languages that it was trained on, then those that it was evaluated on."""
    trained = [member["language"] for _, member, _ in facts.members]
    return _unique([*trained, *(route.language for route in facts.subject.routes)])


def _licence(facts: Facts) -> tuple[str, str | None]:
    """The hub's name of a licence; `other` with a name of ours where restrictions meet."""
    base = str(facts.subject.source["licence"])
    if any(_NON_COMMERCIAL.search(task.licence) for task in _trained_on(facts)):
        return "other", "non-commercial-training-data"
    if base in LICENCES:
        return LICENCES[base], None
    return ("gemma", None) if "gemma" in base.lower() else ("other", "see-base-model")


def _evaluations(facts: Facts) -> Iterator[dict[str, Any]]:
    kind = facts.subject.head.kind if facts.subject.head else ""
    for part in facts.parts:
        task, split = facts.tasks[part.task], _split(facts, part)
        for one in facts.scores(part):
            if one.seed == facts.subject.seed:
                yield {
                    "task_type": PIPELINES.get(kind, "feature-extraction"),
                    "dataset_type": task.hub.repository if task.hub else task.name,
                    "dataset_name": f"{task.name} ({one.language})",
                    "dataset_config": one.language,
                    "dataset_split": split,
                    "metric_type": part.headline,
                    "metric_name": part.headline,
                    "metric_value": round(one.values[one.headline], 4),
                }


def _split(facts: Facts, part: Part) -> str:
    target = next(t for t in facts.subject.opened.study.targets if t.name == part.target)
    return target.split or facts.tasks[part.task].test_split


# -- sections --------------------------------------------------------------------------------------


def _summary(facts: Facts) -> str:
    subject, plain = facts.subject, facts.use.plain
    head = f" with a {subject.head.kind} head" if subject.head and subject.head.labels else ""
    made = "as it was published" if not subject.chain else "trained as shown below"
    text = (
        f"`{subject.backbone}`{head}, {made}: `{subject.name}` of the waystation study"
        f" `{subject.opened.study.name}`, seed {subject.seed}. A plain transformers checkpoint"
        f" (`{plain.model_class}`, fp32)"
    )
    if plain.head_file:
        text += (
            "; no class of transformers computes its head, which therefore lies beside the weights"
            " in `head.safetensors`"
        )
    if plain.pooling:
        text += f"; an encoder, used here as {variant(facts.variant)}"
        if plain.cut:
            text += ", above which layers are left out"
    return text + ".\n"


def _loading(facts: Facts) -> list[str]:
    use = facts.use
    lines = [
        "With `transformers` alone; it gives what `waystation predict` gives.",
        "",
        "```python",
        *snippet(use).rstrip("\n").split("\n"),
        "```",
    ]
    if use.bf16:
        lines += [
            "",
            "The study predicted under bfloat16 autocast, and so does this code. Without it scores"
            " differ a little, and examples near a tie may change sides.",
        ]
    if use.plain.loader == "AutoModelForMultipleChoice":
        lines += [
            "",
            "Its pooler is the identity scaled by 2**-16, which the classifier undoes: the head"
            " that was trained is linear. Keep float32 or bfloat16; train on with a new head.",
        ]
    if use.plain.sentences:
        lines += [
            "",
            "`modules.json` and `1_Pooling` describe the same pooling to sentence-transformers"
            " (`SentenceTransformer(folder)`); that way of loading was not tested.",
        ]
    return lines


def _route(facts: Facts) -> list[str]:
    if not facts.subject.chain:
        return ["Nothing was trained: the backbone as it was published."]
    stops = _stop_stages(facts)
    rows = []
    for number, (stage, training) in enumerate(
        zip(facts.subject.stages, facts.training, strict=True)
    ):
        config = cast("Any", stage.spec["config"])
        rows.append(
            [
                "stop" if number < stops else "target",
                " + ".join(m["task"] for m in cast("Any", stage.spec["members"])),
                f"{training['steps']}",
                f"{config['learning_rate']:g}",
                f"{config['batch_size']}",
                f"{config['epochs']:g}",
                f"{config['max_tokens']}",
                facts.checkpoints[number],
                f"`{stage.key}`",
            ]
        )
    header = [
        "stage",
        "trained on",
        "steps",
        "learning rate",
        "batch",
        "epochs",
        "tokens",
        "checkpoint",
        "step",
    ]
    last = cast("Any", facts.subject.stages[-1].spec)
    config, numerics = last["config"], last["numerics"]
    dropout = "the backbone's" if config["dropout"] is None else f"{config['dropout']:g}"
    return [
        *_table(header, rows),
        "",
        f"AdamW, linear schedule with {config['warmup']:g} warm-up, weight decay"
        f" {config['weight_decay']:g}, clipping {config['clip']}, dropout {dropout},"
        f" {numerics['precision']}, seed {facts.subject.seed}.",
    ]


def _stop_stages(facts: Facts) -> int:
    stops = cast("Any", facts.subject.opened.lock["stops"])
    return next(len(s["stages"]) for s in stops if s["name"] == facts.subject.stop)


def _trained_on(facts: Facts) -> list[Task[Any]]:
    names = _unique(member["task"] for _, member, _ in facts.members)
    return [facts.tasks[name] for name in names]


def _licences(facts: Facts) -> list[str]:
    source = facts.subject.source
    rows = [["backbone", facts.subject.backbone, "", source["licence"], ""]]
    for stage, member, entry in facts.members:
        task = facts.tasks[member["task"]]
        what = f"training ({stage.key})"
        amount = f"{entry['count']} ({member['language']})"
        rows.append([what, task.name, amount, task.licence or "not stated", task.citation])
    for name in _unique(part.task for part in facts.parts):
        task = facts.tasks[name]
        amount = listing(_unique(r.language for r in facts.subject.routes))
        rows.append(["evaluation", name, amount, task.licence or "not stated", task.citation])
    lines = _table(["used for", "what", "examples", "licence", "reference"], rows)
    for sentence in _consequences(facts):
        lines += ["", sentence]
    remarks = _unique(n for _, _, entry in facts.members for n in entry.get("notes", []))
    tasks = [*_trained_on(facts), *(facts.tasks[part.task] for part in facts.parts)]
    for task in {t.name: t for t in tasks}.values():
        remarks += [f"{task.name}: {note.rstrip('.')}." for note in task.notes]
    return [*lines, *(["", "Remarks on the data:", ""] if remarks else []), *_list(remarks)]


def _consequences(facts: Facts) -> Iterator[str]:
    """What the licences mean for the model, as far as one can say without being a lawyer."""
    base, trained = str(facts.subject.source["licence"]), _trained_on(facts)
    if _RESTRICTED_MODEL.search(base):
        yield (
            f"**The backbone is under {base}: these weights are a derivative of it, so its terms"
            " and use restrictions pass on to them and to whoever receives them.**"
        )
    closed = [t for t in trained if _NON_COMMERCIAL.search(t.licence)]
    if closed:
        names = listing([f"{t.name} ({t.licence})" for t in closed])
        verb = "excludes" if len(closed) == 1 else "exclude"
        yield (
            f"**Trained on {names}, which {verb} commercial use: take this model as"
            " non-commercial unless you have cleared that use yourself.** Whether weights inherit"
            " the terms of training data is not settled; this is no legal advice."
        )
    unclear = [t for t in trained if _NOT_SAID.search(t.licence)]
    if unclear:
        names = listing([f"{t.name} ({t.licence or 'not stated'})" for t in unclear])
        yield f"No single licence is stated for {names}; read its terms before you pass this on."
    if not closed and not unclear and trained:
        yield "No training data here excludes commercial use; attribution and share-alike remain."
    tested = [facts.tasks[p.task] for p in facts.parts if p.task not in {t.name for t in trained}]
    apart = _unique(f"{t.name} ({t.licence})" for t in tested if _NON_COMMERCIAL.search(t.licence))
    if apart:
        yield f"{listing(apart)}, non-commercial data, served for evaluation alone."


def _results(facts: Facts) -> list[str]:
    lines: list[str] = []
    for part in facts.parts:
        lines += [*_of_part(facts, part), ""]
    stops = _stop_stages(facts)
    if facts.analysis and not facts.subject.target and 0 < stops == len(facts.subject.chain):
        lines += [*_worth(facts), ""]
    return lines[:-1] or ["This model itself was not evaluated."]


def _of_part(facts: Facts, part: Part) -> list[str]:
    """A target's scores by language: this seed's, all seeds', the route's without a stop."""
    subject, shown = facts.subject, facts.shown(part)
    found = facts.scores(part)
    if not part.fine_tuned and subject.stop == BASELINE:  # one model, whatever the seed
        found = [s for s in found if s.seed == subject.seed]
    seeds = len({s.seed for s in found})
    compared = subject.stop != BASELINE
    several = f"{count(seeds, 'seed')} [95% interval]" if seeds > 1 else "[95% interval over items]"
    header = ["language", f"this model (seed {subject.seed})", several]
    header += ["no stop", "gain over no stop"] if compared else []
    rows = []
    for language in (MEAN, *part.languages, *part.apart):
        wanted = part.languages if language == MEAN else (language,)
        own = [s for s in found if s.language in wanted]
        values = [s.values[s.headline] for s in own if s.seed == subject.seed]
        mine = sum(values) / len(values) if len(values) == len(wanted) else None
        row = [_language(part, language), score(mine), _spread(own, wanted, seeds > 1)]
        cell = part.cell(subject.stop, language, shown)
        gain = cell.gain if cell else None
        if compared:
            row.append(score(part.mean(BASELINE, language, shown)))
            row.append(f"{points(gain.value)} {interval(gain.low, gain.high)}" if gain else "–")
        rows.append([*row, score(part.floor(language))])
    task = facts.tasks[part.task]
    layer = f", {variant(shown)}" if shown else ""
    examples = max(len(s.ids) for s in found)
    lines = [
        f"### {part.target}",
        "",
        f"{part.headline} of {task.name}, split {_split(facts, part)},"
        f" {count(examples, 'example')} a language at most{layer}.",
        "",
        *_table([*header, "chance or majority"], rows),
    ]
    return [*lines, "", _verdict(facts, part)] if compared else lines


def _language(part: Part, language: str) -> str:
    if language == MEAN:
        return "mean, zero-shot" if part.fine_tuned and part.apart else "mean"
    return language_name(language) + (" (fine-tuned on)" if language in part.apart else "")


def _spread(scores: Sequence[Score], languages: Sequence[str], several: bool) -> str:
    """The mean over seeds and languages with its interval; from seeds with all languages."""
    seeds: dict[int, dict[str, Items]] = {}
    for s in scores:
        seeds.setdefault(s.seed, {})[s.language] = Items(s.statistics, s.groups, s.ids)
    samples = [
        Sample(metric=scores[0].metric, languages=items)
        for items in seeds.values()
        if len(items) == len(languages)
    ]
    if not samples:
        return "–"
    found = score_interval(samples)
    low = found.low if scores[0].headline == "pearson" else max(found.low, 0.0)
    bounds = f"[{score(low)}, {score(min(found.high, 100))}]"  # a normal interval knows no ends
    return f"{score(found.value)} {bounds}" if several else bounds


def _verdict(facts: Facts, part: Part) -> str:
    assert facts.analysis is not None
    cell = part.cell(facts.subject.stop, MEAN, facts.shown(part))
    if cell is None or cell.gain is None:
        return f"No gain can be said: {cell.note if cell else 'no scores without a stop'}."
    many = sum(c.gain is not None for c in facts.analysis.grid)
    return (
        f"The stop `{facts.subject.stop}` over no stop, mean over {', '.join(cell.languages)}:"
        f" {points(cell.gain.value)} {interval(cell.gain.low, cell.gain.high)} points over"
        f" {count(cell.gain.seeds, 'seed')}; {phrase(cell) or 'no verdict for this layer'}"
        f" (corrected over the study's {count(many, 'gain')})."
    )


def _worth(facts: Facts) -> list[str]:
    """What the stop was worth to each target of the study."""
    assert facts.analysis is not None
    rows = []
    for part in facts.analysis.of(facts.subject.backbone):
        cell = part.cell(facts.subject.stop)
        if cell is None or cell.gain is None:
            rows.append([part.target, part.headline, "–", "–", "–", cell.note if cell else ""])
            continue
        gain = f"{points(cell.gain.value)} {interval(cell.gain.low, cell.gain.high)}"
        after = [score(cell.baseline), score(cell.score)]
        rows.append([part.target, part.headline, *after, gain, phrase(cell)])
    header = ["target", "metric", "no stop", "after this stop", "gain [95% interval]", "verdict"]
    return ["What this stop was worth to the targets of the study:", "", *_table(header, rows)]


def _limits(facts: Facts) -> Iterator[str]:
    trained = _unique(member["language"] for _, member, _ in facts.members)
    unseen = [t for t in _languages(facts) if t not in trained]
    if facts.subject.chain:
        text = f"Trained on {listing([language_name(t) for t in trained])} alone."
        if unseen:
            names = listing([language_name(t) for t in unseen])
            text += f" Scores in {names} are zero-shot; other languages were not measured."
        yield text
    seeds = len(facts.subject.opened.study.seeds)
    yield (
        f"One training run (seed {facts.subject.seed}) of {seeds}; other seeds score otherwise,"
        " as the intervals show."
        if seeds > 1
        else "One training run with one seed: another would score otherwise, and by how much is"
        " not known."
    )
    yield from (f"{facts.subject.backbone}: {note}." for note in facts.subject.source["notes"])
    tasks = _unique([t.name for t in _trained_on(facts)] + [part.task for part in facts.parts])
    pocket = [name for name in tasks if name.startswith("pocket-")]
    if pocket:
        yield f"Sentences of {listing(pocket)} come from a small grammar, not from people."
    yield f"Inputs were cut to {facts.use.max_tokens} tokens."
    yield "Not examined for social bias, safety or robustness."


def _versions(facts: Facts) -> list[str]:
    source = facts.subject.source
    revision = f", revision {source['revision']}" if source["revision"] else ""
    found = {"waystation": __version__} | dict(facts.versions)
    return [
        ", ".join(f"{name} {version}" for name, version in found.items()) + ".",
        "",
        f"Backbone: {source['origin']}{revision}, sha256 `{source['digest']}`. `waystation.json`"
        " holds the steps' keys, the digests of data and the sha256 of every file.",
    ]
