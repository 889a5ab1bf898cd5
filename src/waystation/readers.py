"""Strict readers of file formats: what is not as the format promises is a DataError.

Every reader yields what the file says, with line numbers, and mends nothing: bad UTF-8, NUL,
a wrong number of columns, an empty cell, a tag without a word, an answer that is not at its
offset all stop it with file, line, what was expected and what was found. Accepted without a
word, since they carry no content: a byte order mark at the start, CRLF line ends, `.gz` and
`.bz2` compression. Lines end at LF only (U+2028 and the like are text). No task is known here.
"""

from __future__ import annotations

import bz2
import csv
import gzip
import io
import json
import math
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO, Any, Final, TypeAlias, TypeVar, cast

from waystation.errors import DataError, some, suggest
from waystation.examples import Answer, SpanExample

Line: TypeAlias = "tuple[int, str]"
T = TypeVar("T")
_BYTE_ORDER_MARK: Final = b"\xef\xbb\xbf"
_TYPES: Final[Mapping[type, str]] = {
    str: "text",
    int: "a whole number",
    list: "a list",
    dict: "an object",
}


def lines(path: Path) -> Iterator[Line]:
    """(line number from 1, line without its end); no line after a final line end."""
    for number, piece in _pieces(path):
        yield number, piece.removesuffix("\n").removesuffix("\r")


def text(path: Path) -> str:
    """The whole file as text, byte order mark dropped."""
    return "".join(piece for _, piece in _pieces(path))


def _pieces(path: Path) -> Iterator[Line]:
    """Lines with their ends, decoded one by one, so that large files need little memory."""
    for number, raw in enumerate(_raw(path), 1):
        piece = raw.removeprefix(_BYTE_ORDER_MARK) if number == 1 else raw
        if piece:
            yield number, _decoded(piece, path, number)


def _raw(path: Path) -> Iterator[bytes]:
    try:
        with _open(path) as file:
            yield from file
    except (EOFError, zlib.error, OSError) as error:
        if isinstance(error, OSError) and error.errno is not None:
            message = f"expected a readable file, found: {error.strerror}"
        else:
            message = (
                f"expected a complete compressed file, found it damaged or cut off ({error});"
                " download it again"
            )
        raise DataError(message, path) from error


def _open(path: Path) -> IO[bytes]:
    if path.suffix == ".gz":
        return cast("IO[bytes]", gzip.open(path))
    return cast("IO[bytes]", bz2.open(path)) if path.suffix == ".bz2" else path.open("rb")


def _decoded(raw: bytes, path: Path, line: int) -> str:
    try:
        decoded = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise DataError(
            f"expected UTF-8, found the byte 0x{raw[error.start]:02x} at byte {error.start + 1}"
            " of the line; convert the file to UTF-8",
            path,
            line,
        ) from error
    if "\0" in decoded:
        raise DataError(
            "expected text, found a NUL character; the file is damaged or not UTF-8 text",
            path,
            line,
        )
    return decoded


def filled(value: str, what: str, path: Path, line: int) -> str:
    """The value, or a DataError where there is nothing but white space in it."""
    if not value.strip():
        raise DataError(f"expected {what}, found an empty cell; fill or remove the row", path, line)
    return value


def one_of(value: str, table: Mapping[str, T], what: str, path: Path, line: int) -> T:
    """`table[value]`, or a DataError that lists what was expected."""
    if value not in table:
        known = ", ".join(repr(key) for key in table)
        raise DataError(
            f"expected {what} to be one of {known}, found '{value}'.{suggest(value, table)}",
            path,
            line,
        )
    return table[value]


def number(value: str, what: str, path: Path, line: int) -> float:
    """The value as a finite number."""
    try:
        parsed = float(value)
    except ValueError:
        parsed = math.nan
    if not math.isfinite(parsed):
        raise DataError(f"expected {what} to be a number, found '{value}'", path, line)
    return parsed


def fields(path: Path, counts: Sequence[int]) -> Iterator[tuple[int, list[str]]]:
    """Tab-separated rows without header, `counts` columns each, all rows alike, no quoting."""
    expected: int | None = None
    for number, row in lines(path):
        cells = row.split("\t")
        expected = expected or (len(cells) if len(cells) in counts else None)
        if len(cells) != expected:
            wanted = expected or " or ".join(str(count) for count in counts)
            raise DataError(
                f"expected {wanted} tab-separated columns, found {len(cells)};"
                " a tab or line break inside a text must be removed",
                path,
                number,
            )
        yield number, cells


def written_by_csv(path: Path, counts: Sequence[int]) -> Iterator[tuple[int, list[str]]]:
    """Like `fields`, for files that XTREME's preprocessing may have written with `csv.writer`.

    That writer wraps exactly the cells that hold a quote in quotes and doubles those inside
    (google-research/xtreme, utils_preprocess.py). Where every cell with a quote has that form,
    the wrapping is undone; otherwise the file was written plainly and is read as it is.
    """
    rows = list(fields(path, counts))
    quoted = [cell for _, cells in rows for cell in cells if '"' in cell]
    wrapped = bool(quoted) and all(_is_wrapped(cell) for cell in quoted)
    for number, cells in rows:
        yield number, [_unwrap(cell) if wrapped and '"' in cell else cell for cell in cells]


def _is_wrapped(cell: str) -> bool:
    inner = cell[1:-1]
    ends = len(cell) >= 4 and cell[0] == cell[-1] == '"'
    return ends and '"' in inner and '"' not in inner.replace('""', "")


def _unwrap(cell: str) -> str:
    return cell[1:-1].replace('""', '"')


def table(
    path: Path, columns: Sequence[str], may_break: int = 0
) -> Iterator[tuple[int, dict[str, str]]]:
    """Tab-separated rows under a header that has `columns`, no quoting.

    `may_break` rows may have another number of cells and are left out: for releases that are
    known to contain rows broken by line breaks. One more is a DataError.
    """
    rows = lines(path)
    _, first = next(rows, (0, ""))
    header = first.split("\t")
    _check_header(header, columns, path, "tab-separated ")
    for number, row in rows:
        cells = row.split("\t")
        if len(cells) == len(header):
            yield number, dict(zip(header, cells, strict=True))
        elif may_break > 0:
            may_break -= 1
        else:
            raise DataError(
                f"expected {len(header)} tab-separated columns as in the header, found"
                f" {len(cells)}; a tab or line break inside a text must be removed",
                path,
                number,
            )


def _check_header(header: Sequence[str], columns: Sequence[str], path: Path, how: str) -> None:
    missing = [column for column in columns if column not in header]
    if missing:
        shown = ", ".join(f"'{name}'" for name in header[:12])
        raise DataError(
            f"expected a {how}header with the column '{missing[0]}', found {shown}."
            f"{suggest(missing[0], header)}",
            path,
            1,
        )
    twice = sorted({name for name in header if header.count(name) > 1} & set(columns))
    if twice:
        raise DataError(f"expected each column once, found '{twice[0]}' twice", path, 1)


def csv_table(path: Path, columns: Sequence[str]) -> Iterator[tuple[int, dict[str, str]]]:
    """Comma-separated rows with RFC 4180 quoting under a header that has `columns`.

    The line number is that of the row's last line, since a quoted cell may span several.
    """
    csv.field_size_limit(2**31 - 1)
    reader = csv.reader(io.StringIO(text(path), newline=""), strict=True)
    try:
        header = next(reader, [])
        _check_header(header, columns, path, "comma-separated ")
        for row in reader:
            if len(row) != len(header):
                raise DataError(
                    f"expected {len(header)} comma-separated columns as in the header, found"
                    f" {len(row)}; a cell with a comma or line break needs quotes around it",
                    path,
                    reader.line_num,
                )
            yield reader.line_num, dict(zip(header, row, strict=True))
    except csv.Error as error:
        raise DataError(
            f"expected comma-separated values with quotes doubled inside quotes, found: {error}",
            path,
            max(reader.line_num, 1),
        ) from error


def jsonl(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """One JSON object a line; empty lines are faults."""
    for number, row in lines(path):
        try:
            record = json.loads(row)
        except ValueError as error:
            raise DataError(f"expected one JSON object, found: {error}", path, number) from error
        if not isinstance(record, dict):
            raise DataError(
                f"expected one JSON object, found a {type(record).__name__}", path, number
            )
        yield number, record


def take(record: object, key: str, type_: type[T], path: Path, line: int | None) -> T:
    """`record[key]`, checked to be there and of its type (a bool is no int, a str not empty)."""
    if not isinstance(record, dict):
        shown = json.dumps(record, ensure_ascii=False)[:80]
        raise DataError(f"expected an object with the field '{key}', found {shown}", path, line)
    if key not in record:
        raise DataError(
            f"expected the field '{key}', found {some(map(repr, record))}.{suggest(key, record)}",
            path,
            line,
        )
    value = record[key]
    if not isinstance(value, type_) or (isinstance(value, bool) and type_ is int):
        shown = json.dumps(value, ensure_ascii=False)[:80]
        raise DataError(f"expected '{key}' to be {_TYPES[type_]}, found {shown}", path, line)
    if isinstance(value, str) and not value.strip():
        raise DataError(f"expected '{key}' to hold text, found it empty", path, line)
    return value


def conll(path: Path) -> Iterator[tuple[int, tuple[str, ...], tuple[str, ...] | None]]:
    """Sentences of `word<TAB>tag` lines with lines of white space between them.

    Yields (first line, words, tags); tags are None where the file has words only, which must
    then hold for all of it.
    """
    sentence: list[list[str]] = []
    start, columns = 1, 0
    for number, row in lines(path):
        if not row.strip():
            if sentence:
                yield _sentence(start, sentence)
            sentence = []
            continue
        cells = row.split("\t")
        columns = columns or len(cells)
        if len(cells) != columns or columns > 2:
            wanted = columns if columns in (1, 2) else "1 or 2"
            raise DataError(
                f"expected {wanted} tab-separated columns (word, tag), found {len(cells)}",
                path,
                number,
            )
        for cell, what in zip(cells, ("a word", "a tag"), strict=False):
            filled(cell, what, path, number)
        start = start if sentence else number
        sentence.append(cells)
    if sentence:
        yield _sentence(start, sentence)


def _sentence(
    start: int, rows: Sequence[Sequence[str]]
) -> tuple[int, tuple[str, ...], tuple[str, ...] | None]:
    tags = tuple(row[1] for row in rows) if len(rows[0]) == 2 else None
    return start, tuple(row[0] for row in rows), tags


def _words(rows: Sequence[Sequence[str]]) -> list[tuple[str, str]]:
    """(form, universal tag) of the words: rows whose id is a plain number."""
    return [(cells[1], cells[3]) for cells in rows if cells[0].isdecimal()]


def conllu(
    path: Path, words_of: Callable[[Sequence[Sequence[str]]], list[tuple[str, str]]] = _words
) -> Iterator[tuple[int, str, tuple[str, ...], tuple[str, ...]]]:
    """CoNLL-U sentences: (line of its first row, sent_id, forms, universal tags) of the words.

    Rows of multi-word tokens (`1-2`) and empty nodes (`1.1`) are passed over, as the format
    defines them to be beside the words; `words_of` may make other words of a sentence's rows.
    https://universaldependencies.org/format.html
    """
    name, start = "", 1
    rows: list[list[str]] = []
    count = number = 0
    for number, row in [*lines(path), (-1, "")]:
        if row.startswith("#"):
            key, _, value = row[1:].partition("=")
            name = value.strip() if key.strip() == "sent_id" else name
        elif row:
            start = start if count else number
            rows.append(_node(row, count, path, number))
            count += rows[-1][0].isdecimal()
        elif count:
            if not name:
                raise DataError("expected '# sent_id =' before the sentence", path, start)
            forms, tags = zip(*words_of(rows), strict=True)
            yield start, name, forms, tags
            name, rows, count = "", [], 0


def _node(row: str, before: int, path: Path, number: int) -> list[str]:
    cells = row.split("\t")
    if len(cells) != 10:
        raise DataError(f"expected 10 tab-separated columns, found {len(cells)}", path, number)
    if "-" in cells[0] or "." in cells[0]:
        return cells
    if cells[0] != str(before + 1):
        raise DataError(f"expected word {before + 1}, found '{cells[0]}'", path, number)
    filled(cells[1], "a word form in column 2", path, number)
    filled(cells[3], "a universal tag in column 4", path, number)
    return cells


def parallel(paths: Sequence[Path]) -> Iterator[tuple[int, tuple[str, ...]]]:
    """(line number, the lines of that number in each file); all files must be equally long."""
    columns = [list(lines(path)) for path in paths]
    for path, column in zip(paths[1:], columns[1:], strict=True):
        if len(column) != len(columns[0]):
            raise DataError(
                f"expected {len(columns[0])} lines, one for each of {paths[0].name}, found"
                f" {len(column)}; the files must be line-aligned",
                path,
            )
    for rows in zip(*columns, strict=True):
        yield rows[0][0], tuple(row for _, row in rows)


def squad(path: Path) -> Iterator[tuple[str, SpanExample]]:
    """(article title, question) of SQuAD JSON, v1.1 or v2.0; answers are checked at their offsets.

    The group is the smallest question id of the paragraph: the same for all its questions, and
    the same in every language where questions keep their ids (XQuAD). An answer that is empty
    text at 0 is what XTREME's download script leaves of removed gold: it is read as None.
    """
    try:
        release = json.loads(text(path))
    except ValueError as error:
        raise DataError(f"expected SQuAD JSON, found: {error}", path) from error
    for article in take(release, "data", list, path, None):
        paragraphs = take(article, "paragraphs", list, path, None)
        title = str(article.get("title", ""))
        for paragraph in paragraphs:
            context = take(paragraph, "context", str, path, None)
            questions = take(paragraph, "qas", list, path, None)
            ids = [_id(question, path) for question in questions]
            for name, question in zip(ids, questions, strict=True):
                yield (
                    title,
                    SpanExample(
                        id=name,
                        group=min(ids),
                        question=_question(question, name, path),
                        context=context,
                        answers=_answers(question, name, context, path),
                    ),
                )


def _id(question: object, path: Path) -> str:
    name = take(question, "id", object, path, None)
    if isinstance(name, bool) or not isinstance(name, str | int) or name == "":
        raise DataError(f"expected a question's 'id' to be text, found {json.dumps(name)}", path)
    return str(name)


def _question(question: Mapping[str, Any], name: str, path: Path) -> str:
    value = question.get("question")
    if not isinstance(value, str) or not value.strip():
        raise DataError(f"expected question '{name}' to have text, found it empty", path)
    return value


def _answers(
    question: Mapping[str, Any], name: str, context: str, path: Path
) -> tuple[Answer, ...] | None:
    if "answers" not in question:
        return None
    answers = take(question, "answers", list, path, None)
    if question.get("is_impossible"):
        return ()
    found: list[Answer] = []
    for answer in answers:
        given = answer if isinstance(answer, dict) else {}
        start, wanted = given.get("answer_start"), given.get("text")
        if start == 0 and wanted == "":
            return None
        if not isinstance(start, int) or not isinstance(wanted, str) or not wanted:
            raise DataError(
                f"expected each answer of question '{name}' to have 'text' and 'answer_start',"
                f" found {json.dumps(answer, ensure_ascii=False)[:120]}",
                path,
            )
        there = context[start : start + len(wanted)] if start >= 0 else ""
        if there != wanted:
            raise DataError(
                f"expected the answer '{wanted}' of question '{name}' at character {start} of"
                f" its context, found '{there}'; offsets count characters, not bytes",
                path,
            )
        found.append(Answer(text=wanted, start=start))
    if not found and question.get("is_impossible") is None:
        raise DataError(f"expected question '{name}' to have an answer, found none", path)
    return tuple(found)
