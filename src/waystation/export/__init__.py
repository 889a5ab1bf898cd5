"""Exports: one trained model of a study as a folder that `transformers` loads on its own.

The folder holds full weights, configuration and tokenizer (`waystation.plain`), README.md, the
model card, and `waystation.json`: what it is, by keys and digests. It appears in one rename, whole
or not at all, and only where nothing is, or, with `force`, an older export and nothing else.

Forms: `transformers` (the default: the model with its head, or a stop's encoder), `encoder` (the
backbone without the head), `sentence-transformers` (that with its files beside it),
`language-model` (with the output layer) and `adapter` (`peft`'s own folder, over the backbone as
it was published).
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, cast

from waystation import __version__
from waystation.errors import UserError, suggest
from waystation.examples import JSON, HeadSpec, to_json
from waystation.export.card import card, published_as
from waystation.export.facts import Facts
from waystation.export.folder import FORMAT, RECORD, check_folder, published, written
from waystation.export.snippets import Use
from waystation.export.subject import Subject, find, require, settled
from waystation.lock import task_of
from waystation.plan import Step
from waystation.report.analysis import Analysis, analyse
from waystation.results import collect
from waystation.steps import Place, load_model
from waystation.store import Store, pretty
from waystation.study_parts import RETRIEVAL
from waystation.task import Task
from waystation.task import get as named_task

if TYPE_CHECKING:
    from waystation.plain import Plain

__all__ = ["Exported", "export"]

FORMS: Final = ("transformers", "encoder", "sentence-transformers", "language-model", "adapter")


@dataclass(frozen=True, kw_only=True)
class Exported:
    """What was written where. `files` maps names to [bytes, sha256]."""

    folder: Path
    route: str
    step: str
    kind: str
    form: str
    loader: str
    model_class: str
    head_file: bool
    sentence_transformers: bool
    files: dict[str, tuple[int, str]]

    @property
    def size_bytes(self) -> int:
        """Of all files together."""
        return sum(size for size, _ in self.files.values())

    def to_json(self) -> JSON:
        """What `--json` prints."""
        fields = asdict(self) | {"folder": str(self.folder), "bytes": self.size_bytes}
        fields["files"] = {name: list(entry) for name, entry in self.files.items()}
        return cast("JSON", fields)


def export(
    route: str,
    folder: Path,
    store: Store,
    variant: str | None = None,
    *,
    form: str = "transformers",
    force: bool = False,
) -> Exported:
    """Write the model that a ROUTE names (see export/subject.py) into a folder.

    `variant` is the layer and pooling of an encoder's export, `8/mean`; by default those that
    the report shows, else the last layer's mean. `force` replaces an older export. `form` is one
    of FORMS. Raises UserError or ModelError where the route, the form or the folder do not do.
    """
    _check_form(form)
    subject = find(route, store)
    require(subject, store)
    subject = _formed(settled(subject, store), form)
    _check_variant(subject, variant)
    check_folder(folder, force)
    analysis = _analysis(subject, store)
    chosen = _variant(subject, analysis, variant)
    with published(folder) as scratch:
        plain = _weights(subject, store, chosen, scratch, form)
        if not chosen and plain.pooling:
            chosen = f"{plain.layers}/{plain.pooling}"
        facts = _facts(subject, store, plain, analysis, chosen)
        facts = replace(
            facts,
            form=form,
            use=replace(facts.use, sentences=form == "sentence-transformers"),
        )
        (scratch / "README.md").write_text(card(facts), encoding="utf-8")
        for path in scratch.rglob("*.safetensors"):  # written for their owner alone
            path.chmod((scratch / "README.md").stat().st_mode)
        files = written(scratch)
        (scratch / RECORD).write_text(pretty(_record(facts, files)), encoding="utf-8")
    return Exported(
        folder=folder,
        route=subject.name,
        step=subject.key,
        kind=subject.head.kind if subject.head else "encoder",
        form=form,
        loader=plain.loader,
        model_class=plain.model_class,
        head_file=plain.head_file,
        sentence_transformers=plain.sentences,
        files=files,
    )


# -- what is written -------------------------------------------------------------------------------


def _weights(subject: Subject, store: Store, variant: str, folder: Path, form: str) -> Plain:
    from waystation import lorafolder, plain, sentences

    kind = subject.head.kind if subject.head else ""
    if kind == "lm" and subject.source["architecture"] != "encoder":
        kind = "text"  # its output layer is part of what `text` loads
    spec: dict[str, JSON] = {"backbone": subject.source["digest"], "head": {"kind": kind}}
    context = {"pinned": subject.pinned}
    step = Step(key="", kind="predict", label="", spec=spec, context=context)
    place = Place(root=store.root, beside=subject.beside, device="cpu")
    parent = subject.chain[-1] if subject.chain else None
    model = load_model(store, place, step, parent, keep_heads=True)
    lengths = (subject.max_tokens, subject.stride, variant)
    if form == "adapter":
        base = lorafolder.Base(
            model=load_model(store, place, step, None, keep_heads=False),
            name=published_as(subject.backbone, subject.source),
            revision=str(subject.source["revision"] or ""),
        )
        return lorafolder.write(model, subject.head, folder, base, lengths)
    written = plain.write(model, subject.head, folder, *lengths)
    if form == "sentence-transformers" and not written.sentences:
        written = sentences.describe(written, folder, subject.max_tokens)
    return written


def _analysis(subject: Subject, store: Store) -> Analysis | None:
    opened = subject.opened
    results = collect(opened.lock, opened.plan, store, opened.study)
    return analyse(results) if results.scores else None


def _facts(
    subject: Subject, store: Store, plain: Plain, analysis: Analysis | None, variant: str
) -> Facts:
    tasks: dict[str, Task[Any]] = {}
    for stage in subject.stages:
        for member, ref in zip(
            cast("Any", stage.spec["members"]), stage.context["refs"], strict=True
        ):
            tasks[member["task"]] = task_of(ref, subject.beside)
    study = subject.opened.study
    stages = [stage for stop in study.intermediate for stage in stop.stages]
    stages += [stage for target in study.targets for stage in target.stages or ()]
    for use in (use for stage in stages if stage.mlm for use in stage.mlm.text):
        if use.task:
            tasks.setdefault(use.task, named_task(use.task, subject.beside))
    for target in cast("Any", subject.opened.lock["targets"]):
        tasks.setdefault(target["task"], task_of(target["ref"], subject.beside))
    lock = cast("Any", subject.opened.lock)
    picked = [cast("Any", store.read_json(select, "select.json")) for _, select in subject.chain]
    return Facts(
        subject=subject,
        use=Use(
            plain=plain,
            head=subject.head,
            max_tokens=subject.max_tokens,
            bf16=lock["numerics"]["precision"] == "bf16",
        ),
        tasks=tasks,
        training=[_training(store, train) for train in subject.trains],
        picked=picked,
        analysis=analysis,
        variant=variant,
        versions=lock["versions"],
    )


def _training(store: Store, key: str) -> Mapping[str, Any]:
    """How a stage went; it stays readable where gc has deleted an earlier stage's weights."""
    text = (store.folder(key) / "training.json").read_text(encoding="utf-8")
    return cast("Mapping[str, Any]", json.loads(text))


def _record(facts: Facts, files: Mapping[str, tuple[int, str]]) -> JSON:
    """`waystation.json`: enough to say which steps, data and weights made this folder."""
    subject, plain = facts.subject, facts.use.plain
    data = [
        {
            "step": stage.key,
            "task": member["task"],
            "language": member["language"],
            "examples": entry["count"],
            "digest": entry["digest"],
            "licence": facts.tasks[member["task"]].licence,
        }
        for stage, member, entry in facts.members
    ]
    record = {
        "format": FORMAT,
        "waystation": __version__,
        "route": subject.name,
        "study": subject.opened.study.name,
        "stop": subject.stop,
        "target": subject.target,
        "seed": subject.seed,
        "steps": [list(pair) for pair in subject.chain],
        "head": to_json(subject.head) if subject.head else None,
        "form": facts.form,
        "loader": plain.loader,
        "class": plain.model_class,
        "variant": facts.variant,
        "max_tokens": subject.max_tokens,
        "backbone": {"name": subject.backbone} | dict(subject.source),
        "stages": [dict(stage.spec) for stage in subject.stages],
        "data": data,
        "versions": dict(facts.versions),
        "files": {name: list(entry) for name, entry in files.items()},
    }
    return cast("JSON", record)


# -- which form ------------------------------------------------------------------------------------


def _check_form(form: str) -> None:
    if form not in FORMS:
        raise UserError(
            f"expected a form ({', '.join(FORMS)}), found '{form}'.{suggest(form, FORMS)}"
        )


def _formed(subject: Subject, form: str) -> Subject:
    """The subject with the head that a form keeps of it."""
    if form in ("encoder", "sentence-transformers"):
        searches = subject.head is not None and subject.head.kind in RETRIEVAL
        return subject if searches else replace(subject, head=None)
    if form == "language-model":
        text = subject.head is not None and subject.head.kind == "text"
        return subject if text else replace(subject, head=HeadSpec(kind="lm"))
    return subject


# -- which layer -----------------------------------------------------------------------------------


def _check_variant(subject: Subject, variant: str | None) -> None:
    if variant is None:
        return
    if subject.head is not None and subject.head.kind not in RETRIEVAL:
        raise UserError(
            f"expected --variant for a stop or a retrieval route alone, found it for"
            f" '{subject.name}', which has a {subject.head.kind} head; leave it out, or take the"
            " encoder with --form encoder."
        )
    _check_pooling(variant, subject)
    if not re.fullmatch(r"\d+/(mean|cls)", variant):
        raise UserError(
            f"expected --variant as a layer and a pooling such as 8/mean or 12/cls, found"
            f" '{variant}'."
        )


def _check_pooling(variant: str, subject: Subject) -> None:
    if variant.endswith("/words"):
        raise UserError(
            f"expected a pooling that sentence encoders are saved with (mean, cls), found {variant}"
            f" for '{subject.name}'; choose one with --variant."
        )


def _variant(subject: Subject, analysis: Analysis | None, variant: str | None) -> str:
    """The variant that is asked for, that the report shows, or "" for the last layer's mean."""
    if variant is not None or subject.head is None or subject.head.kind not in RETRIEVAL:
        return variant or ""
    parts = analysis.of(subject.backbone) if analysis else ()
    shown = next((part.variant for part in parts if part.target == subject.target), "")
    layer_and_pooling = "/".join(shown.split("/")[:2])  # a margin score is no part of a model
    _check_pooling(layer_and_pooling, subject)
    return layer_and_pooling
