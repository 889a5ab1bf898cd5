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
_END: Final = re.compile(r"[.!?]+[\"'”’)\]]*(?=\s+[\"'“‘(\[]*[^\W_a-z])")
_NO_END: Final = re.compile(
    r"(?:^|[\s(\"“])(?:\w|\w\.\w|Mr|Mrs|Ms|Dr|St|Jr|Sr|vs|c|ca|No|Gen|Col|Lt|Rev|Prof|Mt|Ft|Gov|Sen"
    r"|Rep|Capt|Sgt|approx|U\.S|U\.K|D\.C)\.$"
)


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
    for file in sorted(files, key=lambda path: path.name):
        for question, candidates in _answers(file, file.stem):
            relevant.setdefault(question.id, []).extend(candidates)
    for question, candidates in _answers(files[0], language):
        if candidates:
            yield QueryExample(
                id=f"{question.id}_{language}",
                group=question.group,
                query=question.question,
                relevant=tuple(relevant[question.id]),
            )


def _answers(
    path: Path, prefix: str, *, broken: bool = True
) -> Iterator[tuple[SpanExample, tuple[str, ...]]]:
    """Each question with the ids of the sentences of its paragraph that equal the answer's.

    Files that are not `broken` have no sentences of their own, and then the first answer counts.
    """
    for paragraph in _paragraphs(path, broken=broken):
        for question in paragraph.questions:
            answers = question.answers or ()
            if not answers or (broken and len(answers) > 1):
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
                    f"{prefix}_{paragraph.number}_{place}"
                    for place, sentence in enumerate(paragraph.sentences)
                    if sentence in holding
                ),
            )


def lareqa_pool(files: Sequence[Path], language: str, split: str) -> Iterator[Candidate]:
    """The sentences of one language, each with its paragraph."""
    yield from _sentences_of(files[0], language, language)


def _sentences_of(
    path: Path, language: str, prefix: str, *, broken: bool = True
) -> Iterator[Candidate]:
    for paragraph in _paragraphs(path, broken=broken):
        for place, sentence in enumerate(paragraph.sentences):
            yield Candidate(
                id=f"{prefix}_{paragraph.number}_{place}",
                language=language,
                text=sentence,
                context=paragraph.context,
            )


def squad(files: Sequence[Path], language: str, split: str) -> Iterator[QueryExample]:
    """SQuAD's questions, to be answered by the sentence that the first answer begins in."""
    for question, candidates in _answers(files[0], split, broken=False):
        if candidates:
            yield QueryExample(
                id=question.id, group=question.group, query=question.question, relevant=candidates
            )


def squad_pool(files: Sequence[Path], language: str, split: str) -> Iterator[Candidate]:
    """The sentences of SQuAD's paragraphs, by `sentence_breaks`."""
    yield from _sentences_of(files[0], language, split, broken=False)


def sentence_breaks(text: str) -> list[list[int]]:
    """First and past-last characters of English sentences, by a rule of thumb.

    A sentence ends at ., ! or ? (and closing quotes) before white space and a letter that is not
    small, or a digit, unless an initial or a common abbreviation stands before. The official
    script has rules of its own (`third_party/processors/sb_sed.py`).
    """
    starts, begin = [], 0
    for match in _END.finditer(text):
        if not _NO_END.search(text, begin, match.end()):
            starts.append([begin, match.end()])
            begin = match.end() + len(text[match.end() :]) - len(text[match.end() :].lstrip())
    return [*starts, [begin, len(text.rstrip())]] if text[begin:].strip() else starts


def _paragraphs(path: Path, *, broken: bool = True) -> Iterator[_Paragraph]:
    """SQuAD JSON whose paragraphs carry `sentence_breaks`: pairs of first and past-last."""
    questions = (question for _, question in readers.squad(path))
    number = 0
    for article in json.loads(readers.text(path))["data"]:
        for paragraph in article["paragraphs"]:
            number += 1
            context = paragraph["context"]
            breaks = (
                readers.take(paragraph, "sentence_breaks", list, path, None)
                if broken
                else sentence_breaks(context)
            )
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
