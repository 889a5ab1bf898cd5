"""Universal Dependencies treebanks as words and tags: as they are, or as XTREME makes them.

XTREME's `download_data.sh` joins all treebanks of a language, puts fused tokens ("zum") in the
place of their words with the tag of one of these, takes zero-width non-joiners and spaces out of
words, and leaves out sentences whose text is withheld (`third_party/ud-conversion-tools` and
`utils_preprocess.py` of google-research/xtreme@838c13b). Whole releases (`ud-treebanks-vN`) are
read so; single treebanks are read as the format has them, by syntactic words.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Final

from waystation import readers
from waystation.errors import DataError
from waystation.examples import TaggingExample
from waystation.languages import listed

UPOS: Final = listed(
    "ADJ ADP ADV AUX CCONJ DET INTJ NOUN NUM PART PRON PROPN PUNCT SCONJ SYM VERB X"
)
# Which word gives a fused token its tag where several lie equally high in the tree.
_PRECEDENCE: Final = listed(
    "VERB NOUN PROPN PRON ADJ NUM ADV INTJ AUX ADP DET PART CCONJ SCONJ X PUNCT"
)
_PRECEDENCE_OF: Final[Mapping[str, tuple[str, ...]]] = {
    "es": listed("VERB AUX PRON ADP DET"),
    "fr": listed("VERB AUX PRON NOUN ADJ ADV ADP DET PART SCONJ CONJ"),
    "it": listed("VERB AUX ADV PRON ADP DET INTJ"),
}


def single(files: Sequence[Path], _: str, split: str) -> Iterator[TaggingExample]:
    """Treebanks by syntactic words, in the order of their paths."""
    for path in files:
        for line, name, words, tags in readers.conllu(path):
            if not _withheld(words):
                yield _example(path, line, name, words, tags, len(files) == 1)


def released(files: Sequence[Path], language: str, split: str) -> Iterator[TaggingExample]:
    """All treebanks of a language in one release, in the order of their file names, as XTREME."""
    folders = dict.fromkeys(path.parent.parent for path in files)
    if len(folders) > 1:
        first, second = (folder.name for folder in list(folders)[:2])
        raise DataError(
            f"expected treebanks of one release, found those of {first} and {second}; keep one of"
            " the folders",
            files[0],
        )
    words_of = partial(fused, precedence=_PRECEDENCE_OF.get(language, _PRECEDENCE))
    for path in sorted(files, key=lambda path: path.name):
        for line, name, words, tags in readers.conllu(path, words_of):
            if not _withheld(words):
                plain = tuple(word.replace("\u200c", "").replace(" ", "") for word in words)
                yield _example(path, line, name, plain, tags, len(files) == 1)


def _withheld(words: Sequence[str]) -> bool:
    """Whether all words are `_`, or all but one: the release does not have the text."""
    hidden = words.count("_")
    return hidden > 0 and hidden >= len(words) - 1


def _example(
    path: Path, line: int, name: str, words: tuple[str, ...], tags: tuple[str, ...], alone: bool
) -> TaggingExample:
    """PUD sentences, parallel in all languages, are their own groups."""
    known = {tag: tag for tag in UPOS}
    for word, tag in zip(words, tags, strict=True):
        readers.filled(word, f"words with letters in sentence {name}", path, line)
        readers.one_of(tag, known, f"the universal tags of sentence {name}", path, line)
    treebank = path.name.split("-ud-")[0]
    return TaggingExample(
        id=name if alone else f"{treebank}/{name}",
        group=name if treebank.endswith("_pud") else None,
        words=words,
        tags=tags,
    )


def fused(
    rows: Sequence[Sequence[str]], precedence: Sequence[str] = _PRECEDENCE
) -> list[tuple[str, str]]:
    """(form, tag) with each fused token in the place of its words.

    Its tag is that of the word with the fewest ancestors, over basic and enhanced dependencies;
    of several such words the one whose tag comes first in `precedence` (where the official tool
    stops at a tag that is not listed, that tag comes last here).
    """
    words = {cells[0]: (cells[1], cells[3]) for cells in rows if cells[0].isdecimal()}
    heads = {cells[0]: _heads(cells) for cells in rows if cells[0] in words}
    # A word that begins two fused tokens belongs to the last, as in the official tool.
    spans = {cells[0].split("-")[0]: cells for cells in rows if "-" in cells[0]}
    for cells in spans.values():
        first, last = cells[0].split("-")
        span = [str(number) for number in range(int(first), int(last) + 1) if str(number) in words]
        if not span:
            continue
        depth = {word: len(_ancestors(word, heads)) for word in span}
        fewest = min(depth.values())
        highest = [word for word in span if depth[word] == fewest]
        head = min(highest, key=lambda word: _rank(words[word][1], precedence))
        tag = words[head][1]
        for word in span:
            del words[word]
        words[head] = (cells[1], tag)
    return [words[number] for number in sorted(words, key=int)]


def _rank(tag: str, precedence: Sequence[str]) -> int:
    return precedence.index(tag) if tag in precedence else len(precedence)


def _heads(cells: Sequence[str]) -> frozenset[str]:
    """The heads of a word: column 7, and those words that column 9 names."""
    enhanced = (pair.split(":")[0] for pair in cells[8].split("|")) if cells[8] != "_" else ()
    return frozenset((cells[6], *(head for head in enhanced if head.isdecimal())))


def _ancestors(word: str, heads: Mapping[str, frozenset[str]]) -> set[str]:
    found: set[str] = set()
    waiting = [word]
    while waiting:
        for head in heads.get(waiting.pop(), ()):
            if head not in found:
                found.add(head)
                waiting.append(head)
    return found - {word}
