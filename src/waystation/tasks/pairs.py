"""Pairs of sentences: natural-language inference, paraphrase, similarity.

All inference tasks say "entailment", "neutral", "contradiction", whatever their files say, so
that they share a head; RTE has its own two. Texts are kept as released. SNLI and MNLI pairs
without a majority label ("-") are left out, as in every published use of them.
Formats: the releases named in each task's `source`; XTREME's are what google-research/xtreme
`utils_preprocess.py` writes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

from waystation import readers
from waystation.errors import DataError
from waystation.examples import ClassificationExample, RegressionExample, digest
from waystation.languages import listed
from waystation.metrics.labels import ACCURACY, CORRELATION, f1_binary
from waystation.task import Task
from waystation.tasks import Read, layouts, under

NLI: Final = ("entailment", "neutral", "contradiction")
_NLI_NAMES: Final[Mapping[str, str]] = {
    **{label: label for label in NLI},
    "contradictory": "contradiction",  # XNLI and its MNLI training file
}
_LETTERS: Final = {"e": "entailment", "n": "neutral", "c": "contradiction"}
_BINARY: Final = {"0": "0", "1": "1"}
_XNLI_LANGUAGES: Final = listed("ar bg de el en es fr hi ru sw th tr ur vi zh")
_GLUE: Final = ("glue", "glue_data", "GLUE", "")
_GLUE_CITATION: Final = "Wang et al. 2019, GLUE, ICLR"


def _group(text: str) -> str:
    """The group of pairs with the same first sentence."""
    return digest(text)[:12]


def _pair(
    path: Path, line: int, id_: str, texts: tuple[str, str], label: str | None, group: str | None
) -> ClassificationExample:
    text, pair = (readers.filled(t, "a sentence", path, line) for t in texts)
    return ClassificationExample(id=id_, group=group, text=text, pair=pair, label=label)


def _table(
    columns: tuple[str, str, str],
    names: Mapping[str, str],
    id_: str | None = None,
    grouped: bool = False,
    may_break: int = 0,
) -> Read:
    """Reader of tables with a header; the label may be missing in the test split only.

    Without a column `id_` a pair's id is its row's number, from 1.
    """
    first, second, gold = columns

    def read(files: Sequence[Path], _: str, split: str) -> Iterator[ClassificationExample]:
        needed = (first, second) if split == "test" else columns
        for path in files:
            rows = readers.table(path, needed, may_break)
            for number, (line, row) in enumerate(rows, 1):
                if row.get(gold) == "-" and "-" not in names:
                    continue
                label = row.get(gold)
                if label is not None:
                    label = readers.one_of(label, names, f"'{gold}'", path, line)
                own = row[id_] if id_ in row else str(number)
                group = _group(row[first]) if grouped else None
                yield _pair(path, line, own, (row[first], row[second]), label, group)

    return read


def _jsonl(keys: tuple[str, str, str, str], names: Mapping[str, str]) -> Read:
    """Reader of JSON lines with (id, first, second, label); "-" is left out."""
    id_, first, second, gold = keys

    def read(files: Sequence[Path], _: str, split: str) -> Iterator[ClassificationExample]:
        for path in files:
            for line, row in readers.jsonl(path):
                value = readers.take(row, gold, str, path, line)
                if value == "-":
                    continue
                label = readers.one_of(value, names, f"'{gold}'", path, line)
                texts = tuple(readers.take(row, key, str, path, line) for key in (first, second))
                own = readers.take(row, id_, str, path, line)
                yield _pair(path, line, own, (texts[0], texts[1]), label, _group(texts[0]))

    return read


def _xtreme(names: Mapping[str, str], group: str) -> Read:
    """Reader of XTREME's header-less pairs; `group` says what is parallel across languages."""

    def read(files: Sequence[Path], _: str, split: str) -> Iterator[ClassificationExample]:
        path = files[0]
        counts = (2, 3) if split == "test" else (3,)
        golds = [*readers.lines(files[1])] if len(files) > 1 else []
        rows = [*readers.written_by_csv(path, counts)]
        if golds and len(golds) != len(rows):
            raise DataError(
                f"expected {len(rows)} labels, one for each line of {path.name}, found"
                f" {len(golds)}; the files must be line-aligned",
                files[1],
            )
        for line, cells in rows:
            label = cells[2] if len(cells) == 3 else None
            where = path
            if golds:
                label, where = golds[line - 1][1], files[1]
            if label is not None:
                label = readers.one_of(label.strip(), names, "the label", where, line)
            yield _pair(
                path, line, str(line), (cells[0], cells[1]), label, _parallel(group, line, cells[0])
            )

    return read


def _parallel(group: str, line: int, text: str) -> str:
    if group == "triple":  # XNLI gives each premise three hypotheses, one after the other
        return f"p{(line - 1) // 3}"
    return f"s{line}" if group == "line" else _group(text)


def _xnli_release(
    files: Sequence[Path], language: str, split: str
) -> Iterator[ClassificationExample]:
    """XNLI-1.0's own tables, all languages in one file; ids count a language's rows from 1."""
    columns = ("language", "gold_label", "sentence1", "sentence2")
    number = 0
    for line, row in readers.table(files[0], columns):
        if row["language"] == language:
            number += 1
            label = readers.one_of(row["gold_label"], _NLI_NAMES, "'gold_label'", files[0], line)
            texts = (row["sentence1"], row["sentence2"])
            group = _parallel("triple", number, row["sentence1"])
            yield _pair(files[0], line, str(number), texts, label, group)


def _pawsx_release(
    files: Sequence[Path], language: str, split: str
) -> Iterator[ClassificationExample]:
    """PAWS-X's own tables; an id stands for the same pair in every language."""
    for line, row in readers.table(files[0], ("id", "sentence1", "sentence2", "label")):
        label = readers.one_of(row["label"], _BINARY, "'label'", files[0], line)
        texts = (row["sentence1"], row["sentence2"])
        yield _pair(files[0], line, row["id"], texts, label, f"s{row['id']}")


def _infersent(files: Sequence[Path], _: str, split: str) -> Iterator[ClassificationExample]:
    """Three line-aligned files: premises, hypotheses, labels."""
    for line, (text, pair, gold) in readers.parallel(files):
        if gold != "-":
            label = readers.one_of(gold, _NLI_NAMES, "the label", files[2], line)
            yield _pair(files[0], line, str(line), (text, pair), label, _group(text))


def _anli_csv(files: Sequence[Path], _: str, split: str) -> Iterator[ClassificationExample]:
    for path in files:
        for line, row in readers.csv_table(path, ("uid", "context", "statement", "gold_label")):
            label = readers.one_of(row["gold_label"], _LETTERS, "'gold_label'", path, line)
            texts = (row["context"], row["statement"])
            yield _pair(path, line, row["uid"], texts, label, _group(texts[0]))


def _sts(files: Sequence[Path], _: str, split: str) -> Iterator[RegressionExample]:
    path = files[0]
    columns = ("index", "sentence1", "sentence2", "score")[: 3 if split == "test" else 4]
    for line, row in readers.table(path, columns):
        score = row.get("score")
        value = None if score is None else readers.number(score, "'score'", path, line)
        if value is not None and not 0 <= value <= 5:
            raise DataError(f"expected 'score' between 0 and 5, found {score}", path, line)
        text, pair = (
            readers.filled(row[key], "a sentence", path, line) for key in ("sentence1", "sentence2")
        )
        yield RegressionExample(id=row["index"], text=text, pair=pair, value=value)


def _each(template: str, **names: str) -> dict[str, str]:
    return {split: template.replace("{s}", name) for split, name in names.items()}


_SNLI_TEXT: Final = ("sentence1", "sentence2", "gold_label")
SNLI: Final = Task(
    name="snli",
    version=1,
    summary="Does an image caption entail, contradict or leave open a sentence?",
    example=ClassificationExample,
    layouts=(
        *layouts(
            _jsonl(("pairID", *_SNLI_TEXT), _NLI_NAMES),
            *under(
                ("snli/snli_1.0", "snli", "snli_1.0"),
                _each("snli_1.0_{s}.jsonl", train="train", dev="dev", test="test"),
            ),
        ),
        *layouts(
            _table(_SNLI_TEXT, _NLI_NAMES, "pairID", grouped=True),
            *under(
                ("snli/snli_1.0", "snli", "snli_1.0"),
                _each("snli_1.0_{s}.txt", train="train", dev="dev", test="test"),
            ),
        ),
        *layouts(
            _infersent,
            *under(
                ("esnli/dataset/eSNLI", "dataset/SNLI", "SNLI", "snli"),
                {s: (f"s1.{s}", f"s2.{s}", f"labels.{s}") for s in ("train", "dev", "test")},
            ),
        ),
    ),
    languages=("en",),
    splits=("train", "dev", "test"),
    labels=NLI,
    metrics=(ACCURACY,),
    chance=100 / 3,
    licence="CC BY-SA 4.0",
    citation="Bowman et al. 2015, A large annotated corpus for learning natural language inference",
    source="https://nlp.stanford.edu/projects/snli/snli_1.0.zip",
    notes=(
        "Pairs without a majority label ('-') are left out, as in all published use.",
        "Read from three line-aligned files (s1, s2, labels) as well: ids are then line numbers.",
    ),
)

MNLI: Final = Task(
    name="mnli",
    version=1,
    summary="Inference over ten genres of English.",
    example=ClassificationExample,
    layouts=(
        *layouts(
            _table(("sentence1", "sentence2", "gold_label"), _NLI_NAMES, "pairID", grouped=True),
            *under(
                _GLUE,
                {
                    "train": "MNLI/train.tsv",
                    "dev": "MNLI/dev_matched.tsv",
                    "dev-mismatched": "MNLI/dev_mismatched.tsv",
                },
            ),
        ),
        *layouts(
            _jsonl(("pairID", "sentence1", "sentence2", "gold_label"), _NLI_NAMES),
            *under(
                ("mnli/multinli_1.0", "mnli", "multinli_1.0"),
                {
                    "train": "multinli_1.0_train.jsonl",
                    "dev": "multinli_1.0_dev_matched.jsonl",
                    "dev-mismatched": "multinli_1.0_dev_mismatched.jsonl",
                },
            ),
        ),
        *layouts(_xtreme(_NLI_NAMES, "text"), {"train": "xnli/train-en.tsv"}),
        *layouts(
            _table(("premise", "hypo", "label"), _NLI_NAMES, grouped=True),
            *under(("xnli", ""), {"train": "XNLI-MT-1.0/multinli/multinli.train.en.tsv"}),
        ),
    ),
    languages=("en",),
    splits=("train", "dev", "dev-mismatched"),
    labels=NLI,
    metrics=(ACCURACY,),
    test_split="dev-mismatched",
    chance=100 / 3,
    licence="OANC and others, see the release",
    citation="Williams et al. 2018, A Broad-Coverage Challenge Corpus for Sentence Understanding",
    source="https://cims.nyu.edu/~sbowman/multinli/multinli_1.0.zip",
    notes=("`dev` is dev_matched; the test sets have no public labels.",),
)

XNLI: Final = Task(
    name="xnli",
    version=1,
    summary="MNLI-style dev and test pairs, human-translated into 15 languages.",
    example=ClassificationExample,
    layouts=(
        *layouts(
            _xtreme(_NLI_NAMES, "triple"), {"test": ("xnli/test-{l}.tsv", "xnli/test-labels.txt")}
        ),
        *layouts(
            _xnli_release,
            *under(
                ("xnli/XNLI-1.0", "xnli", "XNLI-1.0"),
                {"dev": "xnli.dev.tsv", "test": "xnli.test.tsv"},
            ),
        ),
        *layouts(
            _xtreme(_NLI_NAMES, "triple"),
            {"dev": "xnli/dev-{l}.tsv", "test": "xnli/test-{l}.tsv"},
        ),
    ),
    languages=_XNLI_LANGUAGES,
    splits=("dev", "test"),
    labels=NLI,
    metrics=(ACCURACY,),
    train=("mnli",),
    chance=100 / 3,
    licence="CC BY-NC 4.0",
    citation="Conneau et al. 2018, XNLI: Evaluating Cross-lingual Sentence Representations, EMNLP",
    source="https://dl.fbaipublicfiles.com/XNLI/XNLI-1.0.zip",
    notes=(
        "XTREME's download strips the test labels; with xnli/test-labels.txt (one label a line,"
        " line-aligned with every test-XX.tsv) or XNLI-1.0 beside it they are there.",
        "Ids are a language's row numbers and groups its premises: both are parallel.",
    ),
)

PAWSX: Final = Task(
    name="pawsx",
    version=1,
    summary="Are two sentences with many words in common paraphrases? Seven languages.",
    example=ClassificationExample,
    layouts=(
        *layouts(
            _pawsx_release,
            *under(
                ("pawsx/x-final", "x-final", "pawsx/labelled"),
                {"train": "{l}/train.tsv", "dev": "{l}/dev_2k.tsv", "test": "{l}/test_2k.tsv"},
            ),
        ),
        *layouts(
            _pawsx_release,
            *under(("pawsx/x-final", "x-final"), {"train": "{l}/translated_train.tsv"}),
        ),
        *layouts(
            _xtreme(_BINARY, "line"),
            _each("pawsx/{s}-{l}.tsv", train="train", dev="dev", test="test"),
        ),
    ),
    languages=listed("de en es fr ja ko zh"),
    splits=("train", "dev", "test"),
    labels=("0", "1"),
    metrics=(ACCURACY,),
    chance=50.0,
    licence="free for any purpose, attribution asked",
    citation="Yang et al. 2019, PAWS-X: A Cross-lingual Adversarial Dataset, EMNLP",
    source="https://storage.googleapis.com/paws/pawsx/x-final.tar.gz",
    notes=(
        "Label 1 is a paraphrase. Labels differ slightly between languages, as released.",
        "XTREME's files wrap cells with quotes in quotes (`csv.writer`): undone here, so that"
        " the texts are PAWS-X's own; the official scripts train and test on the wrapped text.",
        "Training files of other languages are machine translations.",
    ),
)

SICK: Final = Task(
    name="sick",
    version=1,
    summary="Inference over simplified captions.",
    example=ClassificationExample,
    layouts=layouts(
        _table(
            ("sentence_A", "sentence_B", "entailment_judgment"),
            {label.upper(): label for label in NLI},
            "pair_ID",
        ),
        *under(
            ("sick", "SICK", ""),
            {
                "train": "SICK_train.txt",
                "dev": "SICK_trial.txt",
                "test": "SICK_test_annotated.txt",
            },
        ),
    ),
    languages=("en",),
    splits=("train", "dev", "test"),
    labels=NLI,
    metrics=(ACCURACY,),
    chance=100 / 3,
    licence="CC BY-NC-SA 3.0",
    citation="Marelli et al. 2014, A SICK cure for the evaluation of compositional semantics, LREC",
    source="http://marcobaroni.org/composes/sick.html",
    notes=("`dev` is the release's trial file.",),
)

RTE: Final = Task(
    name="rte",
    version=1,
    summary="Recognising textual entailment, 2006 to 2010, in GLUE's two labels.",
    example=ClassificationExample,
    layouts=layouts(
        _table(
            ("sentence1", "sentence2", "label"),
            {label: label for label in ("entailment", "not_entailment")},
            "index",
            grouped=True,
        ),
        *under(_GLUE, _each("RTE/{s}.tsv", train="train", dev="dev", test="test")),
    ),
    languages=("en",),
    splits=("train", "dev", "test"),
    labels=("entailment", "not_entailment"),
    metrics=(ACCURACY,),
    test_split="dev",
    dev_split=None,
    chance=50.0,
    licence="see GLUE",
    citation=_GLUE_CITATION,
    source="https://dl.fbaipublicfiles.com/glue/data/RTE.zip",
    notes=("The test file has no labels: dev is what it is tested on.",),
)

MRPC: Final = Task(
    name="mrpc",
    version=1,
    summary="Are two news sentences paraphrases?",
    example=ClassificationExample,
    layouts=layouts(
        _table(("#1 String", "#2 String", "Quality"), _BINARY),
        *under(_GLUE, _each("MRPC/{s}.tsv", train="train", dev="dev", test="test")),
    ),
    languages=("en",),
    splits=("train", "dev", "test"),
    labels=("0", "1"),
    metrics=(ACCURACY, f1_binary("1")),
    test_split="dev",
    dev_split=None,
    chance=50.0,
    licence="Microsoft Research Paraphrase Corpus terms",
    citation="Dolan and Brockett 2005, Automatically Constructing a Corpus of Paraphrases",
    source="https://dl.fbaipublicfiles.com/glue/data/MRPC.zip",
    notes=(
        "Label 1 is a paraphrase. GLUE's test file has no labels: dev is what it is tested on.",
    ),
)

QQP: Final = Task(
    name="qqp",
    version=1,
    summary="Do two Quora questions ask the same?",
    example=ClassificationExample,
    layouts=layouts(
        _table(("question1", "question2", "is_duplicate"), _BINARY, "id", may_break=10),
        *under(_GLUE, _each("QQP/{s}.tsv", train="train", dev="dev", test="test")),
    ),
    languages=("en",),
    splits=("train", "dev", "test"),
    labels=("0", "1"),
    metrics=(ACCURACY, f1_binary("1")),
    test_split="dev",
    dev_split=None,
    chance=50.0,
    licence="Quora terms, non-commercial",
    citation=_GLUE_CITATION,
    source="https://dl.fbaipublicfiles.com/glue/data/QQP-clean.zip",
    notes=(
        "Label 1 is a duplicate. The test file has no labels: dev is what it is tested on.",
        "GLUE's files hold a few rows broken by line breaks inside a question; up to 10 rows of"
        " the wrong width are left out, as the official scripts do.",
    ),
)

STS_B: Final = Task(
    name="sts-b",
    version=1,
    summary="How similar are two sentences, from 0 to 5?",
    example=RegressionExample,
    layouts=layouts(
        _sts, *under(_GLUE, _each("STS-B/{s}.tsv", train="train", dev="dev", test="test"))
    ),
    languages=("en",),
    splits=("train", "dev", "test"),
    metrics=(CORRELATION,),
    test_split="dev",
    dev_split=None,
    chance=0.0,
    licence="CC BY-SA 4.0",
    citation="Cer et al. 2017, SemEval-2017 Task 1: Semantic Textual Similarity",
    source="https://dl.fbaipublicfiles.com/glue/data/STS-B.zip",
    notes=("GLUE's test file has no scores: dev is what it is tested on.",),
)


def _anli_jsonl(split: str, rounds: Sequence[int]) -> tuple[str, ...]:
    return tuple(f"R{number}/{split}.jsonl" for number in rounds)


_ANLI_SPLITS: Final = ("train", "dev", "test")
ANLI: Final = Task(
    name="anli",
    version=1,
    summary="Inference pairs that were written to fool models, in three rounds.",
    example=ClassificationExample,
    layouts=(
        *layouts(
            _jsonl(("uid", "context", "hypothesis", "label"), _LETTERS),
            *under(
                ("anli/anli_v1.0", "anli", "anli_v1.0"),
                {s: _anli_jsonl(s, (1, 2, 3)) for s in _ANLI_SPLITS}
                | {f"{s}-r{n}": _anli_jsonl(s, (n,)) for s in _ANLI_SPLITS for n in (1, 2, 3)},
            ),
        ),
        *layouts(
            _anli_csv,
            {"dev": "anli/ANLI_analysis_r?_dev.csv"}
            | {f"dev-r{n}": f"anli/ANLI_analysis_r{n}_dev.csv" for n in (1, 2, 3)},
        ),
    ),
    languages=("en",),
    splits=(*_ANLI_SPLITS, *(f"{s}-r{n}" for s in _ANLI_SPLITS for n in (1, 2, 3))),
    labels=NLI,
    metrics=(ACCURACY,),
    chance=100 / 3,
    licence="CC BY-NC 4.0",
    citation="Nie et al. 2020, Adversarial NLI: A New Benchmark, ACL",
    source="https://dl.fbaipublicfiles.com/anli/anli_v1.0.zip",
    notes=(
        "`dev` is all rounds that are there, `dev-r1` one of them, and so for train and test.",
        "The annotated dev files (ANLI_analysis_rN_dev.csv) are read as well; round 3 has 1,198"
        " of its 1,200 pairs there.",
    ),
)
