"""Readers of the files in which retrieval queries and their candidates are released.

BUCC's sentences, and questions with the sentences that answer them. For LAReQA what is embedded
is what the official script embeds (google-research/xtreme@838c13b, `third_party/utils_lareqa.py`):
a question, and a sentence with its paragraph beside it as context; ids are its own too. See
`mentions.py` for Mewsli-X and `retrieval.py` for the tasks.
"""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

from waystation import readers
from waystation.errors import DataError
from waystation.examples import Candidate, QueryExample, SpanExample
from waystation.task import Layout

_END: Final = re.compile(r"[.!?]+[\"'”’)\]]*(?=\s+[\"'“‘(\[]*[^\W_a-z])")
_NO_END: Final = re.compile(
    r"(?:^|[\s(\"“])(?:\w|\w\.\w|Mr|Mrs|Ms|Dr|St|Jr|Sr|vs|c|ca|No|Gen|Col|Lt|Rev|Prof|Mt|Ft|Gov|Sen"
    r"|Rep|Capt|Sgt|approx|[Ff]ig|[Vv]ol|U\.S|U\.K|D\.C)\.$"
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


def _answers(path: Path, prefix: str) -> Iterator[tuple[SpanExample, tuple[str, ...]]]:
    """Each question with the ids of the sentences of its paragraph that equal the answer's."""
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
                    f"{prefix}_{paragraph.number}_{place}"
                    for place, sentence in enumerate(paragraph.sentences)
                    if sentence in holding
                ),
            )


def lareqa_pool(files: Sequence[Path], language: str, split: str) -> Iterator[Candidate]:
    """The sentences of one language, each with its paragraph."""
    yield from _sentences_of(files[0], language, language)


def _sentences_of(path: Path, language: str, prefix: str) -> Iterator[Candidate]:
    for paragraph in _paragraphs(path):
        for place, sentence in enumerate(paragraph.sentences):
            yield Candidate(
                id=f"{prefix}_{paragraph.number}_{place}",
                language=language,
                text=sentence,
                context=paragraph.context,
            )


def squad(
    files: Sequence[Path], language: str, split: str, *, source: Layout[SpanExample]
) -> Iterator[QueryExample]:
    """SQuAD's questions, to be answered by the sentence that the first answer begins in."""
    numbers: dict[str, int] = {}
    for question in source.read(files, language, split):
        number = numbers.setdefault(question.context, len(numbers) + 1)
        breaks = sentence_breaks(question.context)
        texts = [question.context[begin:end] for begin, end in breaks]
        start = question.answers[0].start if question.answers else -1
        holding = [t for t, (begin, end) in zip(texts, breaks, strict=True) if begin <= start < end]
        places = [place for place, text in enumerate(texts) if text in holding[:1]]
        if places:
            yield QueryExample(
                id=question.id,
                group=question.group,
                query=question.question,
                relevant=tuple(f"{split}_{number}_{place}" for place in places),
            )


def squad_pool(
    files: Sequence[Path], language: str, split: str, *, source: Layout[SpanExample]
) -> Iterator[Candidate]:
    """The sentences of SQuAD's paragraphs, by `sentence_breaks`."""
    contexts = dict.fromkeys(e.context for e in source.read(files, language, split))
    for number, context in enumerate(contexts, 1):
        for place, (begin, end) in enumerate(sentence_breaks(context)):
            yield Candidate(
                id=f"{split}_{number}_{place}",
                language=language,
                text=context[begin:end],
                context=context,
            )


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


def _paragraphs(path: Path) -> Iterator[_Paragraph]:
    """SQuAD JSON whose paragraphs carry `sentence_breaks`: pairs of first and past-last."""
    questions = iter([question for _, question in readers.squad(path)])
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
