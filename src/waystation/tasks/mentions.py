"""Readers of Mewsli-X: mentions in news or Wikipedia, and the entities that they stand for.

What is embedded is what the official script embeds (google-research/xtreme@838c13b,
`third_party/utils_mewslix.py`): one sentence with the mention between braces and once more in
front, and an entity's description. Ids are its own. Format: the dataclasses of that file.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from waystation import readers
from waystation.errors import DataError
from waystation.examples import Candidate, QueryExample

_BRACES: Final = re.compile(r"\{(.*?)\}")


def mewslix(files: Sequence[Path], language: str, split: str) -> Iterator[QueryExample]:
    """Mentions in news; files are (mentions,) or (mentions, labels).

    XTREME-R's download empties the test mentions' `entity_id`; a label file with gold fills them.
    """
    labels = _labels(files[1]) if len(files) > 1 else {}
    for line, row in readers.jsonl(files[0]):
        context = readers.take(row, "context", dict, files[0], line)
        if readers.take(context, "language", str, files[0], line) != language:
            continue
        for mention in readers.take(row, "mentions", list, files[0], line):
            name = readers.take(mention, "example_id", str, files[0], line)
            entity = str(mention.get("entity_id") or "") or labels.get(name, "")
            yield QueryExample(
                id=name,
                group=str(context.get("document_id") or "") or None,
                query=marked(context, mention, files[0], line),
                relevant=(entity,) if entity else None,
            )


def _labels(path: Path) -> dict[str, str]:
    """Example id -> entity of a JSON object of lists of one."""
    try:
        found = json.loads(readers.text(path))
    except ValueError as error:
        raise DataError(f"expected a JSON object, found: {error}", path) from error
    if not isinstance(found, dict):
        raise DataError(f"expected a JSON object, found a {type(found).__name__}", path)
    for name, entities in found.items():
        if not (isinstance(entities, list) and len(entities) == 1 and isinstance(entities[0], str)):
            raise DataError(
                f"expected a list of one entity id for '{name}', found"
                f" {json.dumps(entities, ensure_ascii=False)[:80]}",
                path,
            )
    return {name: entities[0].strip() for name, entities in found.items()}


def marked(context: Mapping[str, Any], mention: Mapping[str, Any], path: Path, line: int) -> str:
    """The mention, a colon, and its sentence with the mention between braces."""
    text = readers.take(context, "text", str, path, line)
    span = readers.take(mention, "mention_span", dict, path, line)
    start, end = (readers.take(span, key, int, path, line) for key in ("start", "end"))
    if not 0 <= start < end <= len(text) or text[start:end] != span.get("text", text[start:end]):
        raise DataError(
            f"expected the mention '{span.get('text')}' at characters {start} to {end} of its"
            f" text, found '{text[max(start, 0) : max(end, 0)][:80]}'; offsets count characters",
            path,
            line,
        )
    sentences = _spans(context, text, path, line)
    holding = next(((a, b) for a, b in sentences if a <= start < end <= b), None)
    if holding is None:
        raise DataError(
            f"expected the mention '{text[start:end]}' inside one of the"
            f" {len(sentences)} 'sentence_spans', found it in none",
            path,
            line,
        )
    left, right = (
        _BRACES.sub(r"(\1)", part) for part in (text[holding[0] : start], text[end : holding[1]])
    )
    name = text[start:end]
    return _on_one_line(f"{name}: {left} {{ {name} }} {right}")


def entities(files: Sequence[Path], language: str, split: str) -> Iterator[Candidate]:
    """Entities with the sentences of their description, in one language each."""
    for line, row in readers.jsonl(files[0]):
        yield _entity(row, files[0], line)


def _entity(row: Mapping[str, Any], path: Path, line: int) -> Candidate:
    text = str(row.get("description", ""))
    spans = _spans(row, text, path, line)
    return Candidate(
        id=readers.take(row, "entity_id", str, path, line),
        language=readers.take(row, "description_language", str, path, line),
        text=_on_one_line(" ".join(text[start:end] for start, end in spans)),
    )


def pairs(files: Sequence[Path], language: str, split: str) -> Iterator[QueryExample]:
    """Mentions in Wikipedia, each on a line with its entity."""
    for line, row in readers.jsonl(files[0]):
        contextual = readers.take(row, "contextual_mention", dict, files[0], line)
        context = readers.take(contextual, "context", dict, files[0], line)
        mention = readers.take(contextual, "mention", dict, files[0], line)
        yield QueryExample(
            id=readers.take(mention, "example_id", str, files[0], line),
            group=str(context.get("document_id") or "") or None,
            query=marked(context, mention, files[0], line),
            relevant=(_entity_of(row, files[0], line).id,),
        )


def pairs_pool(files: Sequence[Path], language: str, split: str) -> Iterator[Candidate]:
    """The entities of those lines; one that several mentions stand for comes as often."""
    for line, row in readers.jsonl(files[0]):
        yield _entity_of(row, files[0], line)


def _entity_of(row: Mapping[str, Any], path: Path, line: int) -> Candidate:
    return _entity(readers.take(row, "entity", dict, path, line), path, line)


def _spans(record: Mapping[str, Any], text: str, path: Path, line: int) -> list[tuple[int, int]]:
    spans = []
    for span in readers.take(record, "sentence_spans", list, path, line):
        start, end = (readers.take(span, key, int, path, line) for key in ("start", "end"))
        if not 0 <= start < end <= len(text):
            raise DataError(
                f"expected 'sentence_spans' within the {len(text)} characters of the text, found"
                f" {start} to {end}",
                path,
                line,
            )
        spans.append((start, end))
    return spans


def _on_one_line(text: str) -> str:
    """Line breaks as spaces and pairs of spaces as one, as the official script leaves them."""
    return " ".join(text.splitlines()).replace("  ", " ").strip()
