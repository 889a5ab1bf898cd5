"""Readers of the files in which retrieval queries and their candidates are released.

What is embedded is what the official scripts embed (google-research/xtreme@838c13b,
`third_party/utils_mewslix.py`, `third_party/utils_lareqa.py`): for Mewsli-X one sentence with the
mention between braces, and an entity's description; for LAReQA a question, and a sentence with
its paragraph beside it as context. Ids are theirs too. See `retrieval.py` for the tasks.
"""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

from waystation import readers
from waystation.errors import DataError
from waystation.examples import Candidate, QueryExample, SpanExample

_BRACES: Final = re.compile(r"\{(.*?)\}")


# -- BUCC ------------------------------------------------------------------------------------------


def bucc(files: Sequence[Path], language: str, split: str) -> Iterator[QueryExample]:
    """Source sentences; files are (source, target) or (source, target, gold).

    Without a gold file no sentence has gold; with it those that it does not name have none there.
    """
    sources = dict(_sentences(files[0]))
    gold: dict[str, list[str]] | None = None
    if len(files) > 2:
        targets = {name for name, _ in _sentences(files[1])}
        gold = {name: [] for name in sources}
        for line, (source, target) in readers.fields(files[2], (2,)):
            for name, known, file in ((source, gold, files[0]), (target, targets, files[1])):
                if name not in known:
                    raise DataError(
                        f"expected an id of {file.name}, found '{name}'; the files must be of one"
                        " release",
                        files[2],
                        line,
                    )
            if target in gold[source]:
                raise DataError(
                    f"expected each pair once, found '{source}' with '{target}' again",
                    files[2],
                    line,
                )
            gold[source].append(target)
    for name, text in sources.items():
        relevant = None if gold is None else tuple(gold[name])
        yield QueryExample(id=name, query=text, relevant=relevant)


def bucc_pool(files: Sequence[Path], language: str, split: str) -> Iterator[Candidate]:
    """The English sentences."""
    for name, text in _sentences(files[0]):
        yield Candidate(id=name, text=text, language="en")


def _sentences(path: Path) -> Iterator[tuple[str, str]]:
    seen: set[str] = set()
    for line, (name, text) in readers.fields(path, (2,)):
        readers.filled(name, "an id", path, line)
        readers.filled(text, "a sentence", path, line)
        if name in seen:
            raise DataError(
                f"expected every id once, found '{name}' again; remove or rename one", path, line
            )
        seen.add(name)
        yield name, text


# -- LAReQA ----------------------------------------------------------------------------------------


class _Paragraph(NamedTuple):
    """A paragraph of XQuAD-R with its number in the file from 1."""

    number: int
    context: str
    sentences: tuple[str, ...]
    breaks: tuple[tuple[int, int], ...]
    questions: tuple[SpanExample, ...]


def lareqa(files: Sequence[Path], language: str, split: str) -> Iterator[QueryExample]:
    """Questions of the first file; relevant is the answer's sentence in every language's file.

    The files after the first are those of all languages that are there, since an answer in any
    language counts. A question whose answer begins in no sentence is left out of its language,
    as the official script does.
    """
    relevant: dict[str, list[str]] = {}
    for file in sorted(dict.fromkeys(files), key=lambda path: path.name):
        for question, candidates in _answers(file):
            relevant.setdefault(question.id, []).extend(candidates)
    for question, candidates in _answers(files[0]):
        if candidates:
            yield QueryExample(
                id=f"{question.id}_{language}",
                group=question.group,
                query=question.question,
                relevant=tuple(relevant[question.id]),
            )


def _answers(path: Path) -> Iterator[tuple[SpanExample, tuple[str, ...]]]:
    """Each question with the ids of the sentences of its paragraph that equal the answer's."""
    language = path.stem
    for paragraph in _paragraphs(path):
        for question in paragraph.questions:
            answers = question.answers or ()
            if len(answers) != 1:
                raise DataError(
                    f"expected one answer of question '{question.id}', found {len(answers)}", path
                )
            start = answers[0].start
            holding = [
                sentence
                for sentence, (begin, end) in zip(
                    paragraph.sentences, paragraph.breaks, strict=True
                )
                if begin <= start < end
            ][:1]
            yield (
                question,
                tuple(
                    f"{language}_{paragraph.number}_{place}"
                    for place, sentence in enumerate(paragraph.sentences)
                    if sentence in holding
                ),
            )


def lareqa_pool(files: Sequence[Path], language: str, split: str) -> Iterator[Candidate]:
    """The sentences of one language, each with its paragraph."""
    for paragraph in _paragraphs(files[0]):
        for place, sentence in enumerate(paragraph.sentences):
            yield Candidate(
                id=f"{language}_{paragraph.number}_{place}",
                language=language,
                text=sentence,
                context=paragraph.context,
            )


def _paragraphs(path: Path) -> Iterator[_Paragraph]:
    """SQuAD JSON whose paragraphs carry `sentence_breaks`: pairs of first and past-last."""
    questions = (question for _, question in readers.squad(path))
    number = 0
    for article in json.loads(readers.text(path))["data"]:
        for paragraph in article["paragraphs"]:
            number += 1
            context = paragraph["context"]
            breaks = readers.take(paragraph, "sentence_breaks", list, path, None)
            spans = tuple(_break(pair, context, number, path) for pair in breaks)
            yield _Paragraph(
                number,
                context,
                tuple(context[begin:end] for begin, end in spans),
                spans,
                tuple(itertools.islice(questions, len(paragraph["qas"]))),
            )


def _break(pair: Any, context: str, number: int, path: Path) -> tuple[int, int]:
    inside = (
        isinstance(pair, list)
        and len(pair) == 2
        and all(isinstance(place, int) for place in pair)
        and 0 <= pair[0] < pair[1] <= len(context)
        and bool(context[pair[0] : pair[1]].strip())
    )
    if not inside:
        raise DataError(
            f"expected each of 'sentence_breaks' of paragraph {number} to be the first and"
            f" past-last character of a sentence, found {json.dumps(pair)[:80]}",
            path,
        )
    return pair[0], pair[1]


# -- Mewsli-X --------------------------------------------------------------------------------------


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
        text = str(row.get("description", ""))
        spans = _spans(row, text, files[0], line)
        yield Candidate(
            id=readers.take(row, "entity_id", str, files[0], line),
            language=readers.take(row, "description_language", str, files[0], line),
            text=_on_one_line(" ".join(text[start:end] for start, end in spans)),
        )


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
