"""`score_files`: two files against each other, in XTREME's submission layouts or in our own.

References, by what they look like: the official gold file (`official.py`), the data set's own
file under its official name, or our examples as JSONL. Predictions: the official layout (lines
are matched by order, JSON and pairs by id), or our predictions as JSONL (matched by id, which
the references must then have). google-research/xtreme@838c13b, `evaluate.py`, is the reference;
unlike it, nothing here is scored as wrong that is really missing, unknown or double. Byte order
marks and CRLF are no fault.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from fnmatch import fnmatch
from pathlib import Path
from typing import Any, Final

from waystation import readers
from waystation.errors import DataError, UserError, some, suggest
from waystation.examples import GOLD, JSON, KINDS, from_json
from waystation.score import doubts, official
from waystation.score.official import Row
from waystation.score.scoring import score
from waystation.task import Task
from waystation.tasks import multichecklist

# The field of a prediction or example in JSON that must be there, and its type.
_PREDICTED: Final[Mapping[str, tuple[str, type | tuple[type, ...]]]] = {
    "classification": ("label", str),
    "regression": ("value", (int, float)),
    "choice": ("label", int),
    "tagging": ("tags", list),
    "span": ("text", str),
    "bitext": ("variants", dict),
    "query": ("variants", dict),
    "text": ("text", str),
}


ASSUMED: Final = (
    "The answers are scored as English, since neither --language nor a file name such as"
    " test-de.json says another language."
)


def score_files(
    task: Task[Any], predictions: Path, references: Path, language: str | None = None
) -> dict[str, JSON]:
    """The official metric of a task on two files; what `score` returns, and `notes`.

    Without a language, official file names such as `test-de.tsv` say it, else it is English,
    which is said where scores depend on it.
    """
    if task.kind not in _PREDICTED:
        raise UserError(
            f"expected a task that is scored from files, found {task.name} of the kind"
            f" {task.kind}; `waystation tasks` lists kinds."
        )
    known = doubts.language_of(task, language, predictions, references)
    tag = known or "en"
    if tag not in task.languages:
        raise UserError(
            f"expected a language of {task.name} ({some(task.languages)}), found '{tag}';"
            f" give --language.{suggest(tag, task.languages)}"
        )
    for path, what in ((references, "references"), (predictions, "predictions")):
        _check_file(path, what, may_be_empty=task.mines and what == "predictions")
    found, examples, notes = _read(task, predictions, references, tag)
    if known is None and task.kind == "span" and len(task.languages) > 1:
        notes = (*notes, ASSUMED)
    try:
        return score(task, found, examples, tag) | {"notes": list(notes)}
    except DataError:
        raise
    except UserError as error:
        raise DataError(str(error).rstrip("."), predictions) from error


def _check_file(path: Path, what: str, may_be_empty: bool) -> None:
    if path.is_dir():
        raise DataError(
            f"expected a file of {what}, found a folder; name the file in it, or score a whole"
            " benchmark (xtreme, xtreme-r) by its folders",
            path,
        )
    if path.suffix == ".pkl":
        return  # a suite of MultiCheckList, which is no text
    if not may_be_empty and not any(row.strip() for _, row in readers.lines(path)):
        raise DataError(f"expected {what}, found an empty file", path)


def _read(
    task: Task[Any], predictions: Path, references: Path, language: str
) -> tuple[Sequence[Any], Sequence[Any], Sequence[str]]:
    """Predictions and examples with equal ids, and what is to be said of them."""
    if task.kind == "span":
        if references.suffix in (".tsv", ".pkl"):  # MultiCheckList's templates or suites
            asked = _dataset(task, references, language, need_ids=True)
        else:
            asked = [example for _, example in readers.squad(references)]
        if predictions.name.endswith("_preds.txt"):
            asked, answers = multichecklist.published_answers(predictions, asked)
        else:
            answers = official.answers(predictions)
        doubts.check_ids([p.id for p in answers], [e.id for e in asked], predictions)
        doubts.check_scripts(answers, asked, predictions)
        return answers, asked, doubts.notes(answers, asked)
    if task.kind == "query":
        return _queries(task, predictions, references, language)
    gold, ours = _records(references), _records(predictions)
    have_ids = ours is not None and _have(ours, "id")
    # A data set's own JSON lines may have ids too, but not our name of the gold.
    if gold is not None and _have(gold, "id") and _have(gold, GOLD[task.kind]):
        examples = [_example(task, row, references) for row in gold]
    elif have_ids or not _is_gold_alone(task, references):
        examples = _dataset(task, references, language, have_ids)
    else:
        examples = official.examples(task, references, gold)
        return _by_order(task, predictions, ours, examples), examples, ()
    if ours is not None and have_ids:
        return _own(task, ours, examples, predictions), examples, ()
    if task.kind == "bitext":
        raise DataError(
            "expected JSONL predictions with the ids of the references, found positions of lines,"
            " which only a gold file of positions explains",
            predictions,
        )
    return _by_order(task, predictions, ours, examples), examples, ()


def _queries(
    task: Task[Any], predictions: Path, references: Path, language: str
) -> tuple[Sequence[Any], Sequence[Any], Sequence[str]]:
    """Mined pairs against pairs, or rankings against the right candidates."""
    gold, ours = _records(references), _records(predictions)
    if task.mines and gold is None and (ours is None or not _have(ours, "variants")):
        found = official.pairs(predictions)
        right = [pair for _, pair in official.pairs(references)]
        doubts.check_pairs(found, right, predictions)
        note = () if found else ("The file of predictions is empty: no pair was mined.",)
        return *official.mined([pair for _, pair in found], right), note
    if gold is not None and _have(gold, "relevant"):
        examples = [_example(task, row, references) for row in gold]
    elif gold is not None and (listed := official.rankings(references)) is not None:
        examples = list(official.relevant(listed))
    else:
        examples = _dataset(task, references, language, need_ids=True)
    if ours is not None and _have(ours, "variants"):
        return _own(task, ours, examples, predictions), examples, ()
    made = official.rankings(predictions)
    if made is None or task.mines:
        raise DataError(
            f"expected {'lines of source id, tab, target id' if task.mines else 'rankings'} or"
            " our JSONL with 'id' and 'variants', found neither",
            predictions,
        )
    doubts.check_ids([name for name, _ in made], [e.id for e in examples], predictions)
    return official.ranked(made), examples, ()


def _is_gold_alone(task: Task[Any], path: Path) -> bool:
    """Whether a reference file is the gold column only, judged by its first line."""
    first = next((row for _, row in readers.lines(path)), "")
    if task.kind == "bitext":
        return not first.strip() or first.strip().isdecimal()
    return task.kind in ("text", "regression") or not ("\t" in first or first.startswith("#"))


def _dataset(task: Task[Any], path: Path, language: str, need_ids: bool) -> list[Any]:
    """The examples of a data set's own file, known by the name that the task gives it.

    Files that belong to it (the other side of a bitext) are looked for beside it.
    """
    names: dict[str, None] = {}
    for layout in task.layouts:
        for split in task.splits:
            wanted = [Path(p).name for p in layout.paths(language, split)]
            if any(fnmatch(path.name, name) for name in wanted):
                here = [path if fnmatch(path.name, n) else path.parent / n for n in wanted]
                return list(layout.read(here, language, split))
            names |= dict.fromkeys(wanted)
    plain = "JSONL with the ids of the predictions" if need_ids else "one gold value a line"
    raise DataError(
        f"expected {plain}, or a file named as {task.name} names its own for '{language}'"
        f" ({', '.join(names) or 'it has none'}), found neither",
        path,
    )


def _by_order(
    task: Task[Any], path: Path, records: list[Row] | None, examples: Sequence[Any]
) -> list[Any]:
    """Official predictions, which have no ids: the n-th line belongs to the n-th example."""
    rows = official.rows(task, path, records)
    if len(rows) != len(examples):
        what = "sentences" if task.kind == "tagging" else "lines"
        raise DataError(
            f"expected {len(examples)} {what}, as many as the references have, found {len(rows)};"
            " predict the whole split, one prediction per example in the same order",
            path,
        )
    if task.kind == "bitext":
        doubts.check_positions(rows, [example.id for example in examples], path)
    make = official.PREDICTION[task.kind]
    found = []
    for (line, value), example in zip(rows, examples, strict=True):
        if task.kind == "tagging" and len(value) != len(example.tags or value):
            raise DataError(
                f"expected {len(example.tags)} tags in this sentence, as the references have,"
                f" found {len(value)}; predict exactly one tag per word",
                path,
                line,
            )
        found.append(make(example.id, value))
    return found


def _records(path: Path) -> list[Row] | None:
    """The JSON objects of a JSONL file; None where it is not one.

    One JSON object over several lines counts as one record of line 1.
    """
    start = readers.text(path).lstrip()
    if not start.startswith("{"):
        return None
    try:
        return [(1, json.loads(start))]
    except ValueError:
        return list(readers.jsonl(path))


def _have(records: Iterable[Row], key: str) -> bool:
    return any(key in record for _, record in records)


def _own(
    task: Task[Any], records: Iterable[Row], examples: Sequence[Any], path: Path
) -> list[Any]:  # fmt: skip
    """Our own predictions; the field that says something is checked, others may be missing."""
    field, type_ = _PREDICTED[task.kind]
    found: list[Any] = []
    for line, record in records:
        name = readers.take(record, "id", str, path, line)
        value = record.get(field)
        if not isinstance(value, type_) or isinstance(value, bool):
            raise DataError(
                f"expected id '{name}' to have '{field}', as predictions of {task.kind} do, found"
                f" {json.dumps(value, ensure_ascii=False)[:80]}",
                path,
                line,
            )
        found.append(from_json(KINDS[task.kind][1], record))
    doubts.check_ids([p.id for p in found], [e.id for e in examples], path)
    return found


def _example(task: Task[Any], row: Row, path: Path) -> Any:
    line, record = row
    try:
        return from_json(task.example, record)
    except TypeError as error:
        raise DataError(
            f"expected the fields of a {task.example.__name__}, found"
            f" {', '.join(record)} ({error})",
            path,
            line,
        ) from error
