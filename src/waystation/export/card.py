"""The model card of an export: README.md with the front matter that the hub reads.

Pure: everything it says comes from the study's lock, its plan, its results and what was written.
It says which route made the model, on which data and under whose licences, what the model scores
beside the route without a stop, how to load it, and where its numbers end. It gives no legal
advice: it repeats the licences that the tasks and models state and says which of them restrict.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, cast

from waystation import __version__
from waystation.export import training
from waystation.export.facts import (
    Facts,
    bullets,
    languages_of,
    seeds_of,
    split_of,
    stop_stages,
    table,
    text_of,
    trained_languages,
    trained_on,
    unique,
)
from waystation.export.licences import consequences, licence_of
from waystation.export.scores import of_part, worth
from waystation.export.snippets import snippet
from waystation.packaged import PACKAGED
from waystation.report.numbers import language_name, listing, variant
from waystation.translations import translator_of

PIPELINES: Final = {
    "classification": "text-classification",
    "regression": "text-classification",
    "choice": "multiple-choice",
    "tagging": "token-classification",
    "span": "question-answering",
    "bitext": "sentence-similarity",
    "query": "sentence-similarity",
    "text": "text-generation",
    "lm": "text-generation",
}
"""Kind of head -> the hub's name of the task; without a head it is feature-extraction."""


def card(facts: Facts) -> str:
    """The whole README.md."""
    sections = [
        f"---\n{_front_matter(facts)}\n---\n",
        f"# {facts.title}\n",
        _summary(facts),
        _section("How to load", _loading(facts)),
        _section("Intended use", [_use(facts)]),
        _section("Route", training.route(facts)),
        _section("Data and licences", _licences(facts)),
        _section("Results", _results(facts)),
        _section("Limits", bullets(_limits(facts))),
        _section("Versions", _versions(facts)),
    ]
    return "\n".join(sections)


def _section(title: str, lines: Sequence[str]) -> str:
    return "\n".join([f"## {title}", "", *lines, ""])


# -- front matter ----------------------------------------------------------------------------------


def _front_matter(facts: Facts) -> str:
    from huggingface_hub import EvalResult, ModelCardData

    subject = facts.subject
    trained = [facts.tasks[member["task"]] for _, member, _ in facts.members]
    results = [EvalResult(**entry) for entry in _evaluations(facts)]
    source = subject.source
    base = published_as(subject.backbone, source)
    library = {"sentence-transformers": "sentence-transformers", "adapter": "peft"}
    tags = ["waystation", *(["sentence-transformers"] if facts.use.plain.sentences else [])]
    tags += ["lora"] if facts.form == "adapter" else []
    licence, name = licence_of(facts)
    data = ModelCardData(
        language=unique(t.split("-")[0] for t in languages_of(facts)) or None,
        license=licence,
        license_name=name,
        license_link="README.md" if name else None,
        base_model=None if source["origin"] == "folder" else base,
        datasets=unique(t.hub.repository for t in trained if t.hub is not None) or None,
        pipeline_tag=_pipeline(facts),
        library_name=library.get(facts.form, "transformers"),
        metrics=unique(part.headline for part in facts.parts) or None,
        tags=tags,
        model_name=facts.title if results else None,
        eval_results=results or None,
    )
    return str(data.to_yaml(line_break="\n")).strip()


def published_as(backbone: str, source: Mapping[str, Any]) -> str:
    """The name that others know a backbone by; a folder's own name where nobody does."""
    name = backbone.partition("@")[0]
    if source["origin"] == "packaged":
        return PACKAGED[name].publisher
    return name.rstrip("/").rpartition("/")[2] if source["origin"] == "folder" else name


def _pipeline(facts: Facts) -> str:
    kind = facts.subject.head.kind if facts.subject.head else ""
    if kind == "lm" and facts.use.plain.architecture == "encoder":
        return "fill-mask"
    if facts.form == "sentence-transformers":
        return "sentence-similarity"
    return PIPELINES.get(kind, "feature-extraction")


def _evaluations(facts: Facts) -> Iterator[dict[str, Any]]:
    for part in facts.parts:
        task, split = facts.tasks[part.task], split_of(facts, part)
        for one in facts.scores(part):
            if one.seed == facts.subject.seed:
                yield {
                    "task_type": _pipeline(facts),
                    "dataset_type": task.hub.repository if task.hub else task.name,
                    "dataset_name": f"{task.name} ({one.language})",
                    "dataset_config": one.language,
                    "dataset_split": split,
                    "metric_type": part.headline,
                    "metric_name": part.headline,
                    "metric_value": round(one.values[one.headline], 4),
                }


# -- sections --------------------------------------------------------------------------------------


def _summary(facts: Facts) -> str:
    subject, plain = facts.subject, facts.use.plain
    head = f" with a {subject.head.kind} head" if subject.head and subject.head.labels else ""
    made = "as it was published" if not subject.chain else "trained as shown below"
    text = (
        f"`{subject.backbone}`{head}, {made}: `{subject.name}` of the waystation study"
        f" `{subject.opened.study.name}`, {seeds_of(facts)}. "
    )
    if plain.base:
        text += f"A LoRA in peft's format, over `{plain.base}` as it was published"
    else:
        text += f"A plain transformers checkpoint (`{plain.model_class}`, fp32)"
    if plain.head_file and plain.base:
        text += ", its head beside it in `head.safetensors`"
    elif plain.head_file:
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
        _libraries(facts),
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
    if use.plain.sentences and facts.form != "sentence-transformers":
        lines += [
            "",
            "`SentenceTransformer(folder)` of sentence-transformers gives the same vectors, of"
            " length 1.",
        ]
    if use.plain.base:
        digest = facts.subject.source["digest"]
        lines += [
            "",
            f"The adapter fits the backbone with sha256 `{digest}` of all its files' contents;"
            " over other weights of that name it computes something else.",
        ]
    return lines


def _libraries(facts: Facts) -> str:
    if facts.form == "sentence-transformers":
        layered = " (tried with 6.2)" if facts.use.plain.layer is not None else ""
        return (
            f"With `sentence-transformers`{layered}; up to their length these are the vectors that"
            " `waystation predict` compares."
        )
    if facts.use.plain.base:
        return "With `transformers` and `peft`; it gives what `waystation predict` gives."
    if facts.subject.head is not None and facts.subject.head.kind == "lm":
        return "With `transformers` alone."
    return "With `transformers` alone; it gives what `waystation predict` gives."


def _licences(facts: Facts) -> list[str]:
    source = facts.subject.source
    rows = [["backbone", facts.subject.backbone, "", source["licence"], ""]]
    translators: dict[str, list[str]] = {}
    for stage, member, entry in facts.members:
        task = facts.tasks[member["task"]]
        what = f"training ({stage.key})"
        amount = f"{entry['count']} ({member['language']})"
        made = translator_of(facts.subject.opened.plan, member)
        if made is not None:
            amount += f", machine translation from {made[1]} by {made[0]}"
            translators[made[0]] = ["translation", made[0], "", _licence_of(facts, made[0]), ""]
        rows.append([what, task.name, amount, task.licence or "not stated", task.citation])
    rows += translators.values()
    for number, stage in enumerate(facts.subject.stages):
        own = text_of(facts, number)
        for use in own.text if own else ():
            licence, citation = "not stated", use.files or use.hub
            if use.task:
                licence, citation = facts.tasks[use.task].licence, facts.tasks[use.task].citation
            name = use.task or use.files or use.hub
            rows.append([f"text ({stage.key})", name, "", licence or "not stated", citation])
    for name in unique(part.task for part in facts.parts):
        task = facts.tasks[name]
        amount = listing(unique(r.language for r in facts.subject.routes))
        rows.append(["evaluation", name, amount, task.licence or "not stated", task.citation])
    lines = table(["used for", "what", "examples", "licence", "reference"], rows)
    for sentence in consequences(facts):
        lines += ["", sentence]
    remarks = unique(n for _, _, entry in facts.members for n in entry.get("notes", []))
    tasks = [*trained_on(facts), *(facts.tasks[part.task] for part in facts.parts)]
    for task in {t.name: t for t in tasks}.values():
        remarks += [f"{task.name}: {note.rstrip('.')}." for note in task.notes]
    return [*lines, *(["", "Remarks on the data:", ""] if remarks else []), *bullets(remarks)]


def _licence_of(facts: Facts, translator: str) -> str:
    return str(cast("Any", facts.subject.opened.lock)["translators"][translator]["licence"])


USES: Final = {
    "classification": "To classify {inputs} like those of {tasks} as {labels}",
    "regression": "To give {inputs} like those of {tasks} a value",
    "choice": "To choose among options as in {tasks}",
    "tagging": "To tag the words of sentences as in {tasks} ({labels})",
    "span": "To find the answer to a question in a text, as in {tasks}",
    "bitext": "To find translations by the cosine of sentences, as in {tasks}",
    "query": "To find candidates for queries by their cosine, as in {tasks}",
    "text": "To complete prompts like those of {tasks}",
    "lm": "To predict pieces of text, and to be trained on",
    "": "To be trained on for a task of its own, or to compare texts by their cosine",
}
"""Kind of head -> what the model is for; "" has none."""


def _use(facts: Facts) -> str:
    """What it was made for; everything else is somebody else's experiment."""
    head = facts.subject.head
    labels = [label for label in head.labels if label] if head else []
    shown = [*labels[:8], f"{len(labels) - 8} more"] if len(labels) > 9 else labels
    last = unique(m["task"] for stage, m, _ in facts.members if stage is facts.subject.stages[-1])
    targets = unique(part.task for part in facts.parts)
    text = USES[head.kind if head else ""].format(
        inputs="texts or pairs of texts",
        tasks=listing(targets or last or ["this study"]),
        labels=listing(shown),
    )
    return (
        f"{text}, in {listing([language_name(t) for t in languages_of(facts)] or ['no language'])}."
        " It was made to study how training passes between tasks and languages; try it on data of"
        " your own before you rely on it."
    )


def _results(facts: Facts) -> list[str]:
    lines: list[str] = []
    for part in facts.parts:
        lines += [*of_part(facts, part), ""]
    stops = stop_stages(facts)
    if facts.analysis and not facts.subject.target and 0 < stops == len(facts.subject.chain):
        lines += [*worth(facts), ""]
    return lines[:-1] or ["This model itself was not evaluated."]


def _limits(facts: Facts) -> Iterator[str]:
    trained = trained_languages(facts)
    unseen = [t for t in languages_of(facts) if t not in trained]
    if facts.subject.chain:
        text = f"Trained on {listing([language_name(t) for t in trained])} alone."
        if unseen:
            names = listing([language_name(t) for t in unseen])
            text += f" Scores in {names} are zero-shot; other languages were not measured."
        yield text
    own, seeds = seeds_of(facts), len(facts.subject.opened.study.seeds)
    if own.startswith("seeds"):
        yield f"The mean of the trainings with {own}: other seeds make another."
    elif seeds > 1:
        yield (
            f"One training run ({own}) of {seeds}; other seeds score otherwise, as the intervals"
            " show."
        )
    else:
        yield (
            "One training run with one seed: another would score otherwise, and by how much is"
            " not known."
        )
    yield from (f"{facts.subject.backbone}: {note}." for note in facts.subject.source["notes"])
    tasks = unique([t.name for t in trained_on(facts)] + [part.task for part in facts.parts])
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
