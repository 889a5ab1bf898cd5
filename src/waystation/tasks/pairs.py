"""Pairs of sentences: natural-language inference, paraphrase, similarity.

All inference tasks say "entailment", "neutral", "contradiction", whatever their files say, so
that they share a head; RTE has its own two. Texts are kept as released. SNLI and MNLI pairs
without a majority label ("-") are left out, as in every published use of them.
Formats: the releases named in each task's `source`; XTREME's are what google-research/xtreme
`utils_preprocess.py` writes.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from waystation.examples import ClassificationExample, RegressionExample
from waystation.languages import listed
from waystation.metrics.labels import ACCURACY, CORRELATION, f1_binary
from waystation.task import Task
from waystation.tasks import hub_pairs, layouts, translated, under
from waystation.tasks.pair_files import (
    BINARY,
    LETTERS,
    NLI,
    NLI_NAMES,
    anli_csv,
    infersent,
    jsonl,
    pawsx_release,
    sts,
    table,
    xnli_release,
    xtreme,
)

_XNLI_LANGUAGES: Final = listed("ar bg de el en es fr hi ru sw th tr ur vi zh")
_GLUE: Final = ("glue", "glue_data", "GLUE", "")
_GLUE_CITATION: Final = "Wang et al. 2019, GLUE, ICLR"


# scripts/train_xnli.sh: XLM-R Large on MNLI, 2 x 16 pairs
_XNLI_RECIPE: Final = (
    ("learning_rate", 3e-5),
    ("epochs", 5),
    ("batch_size", 32),
    ("max_tokens", 128),
    ("warmup", 0.0),  # third_party/run_classify.py
    ("weight_decay", 0.0),  # third_party/run_classify.py
)
# scripts/train_pawsx.sh: the same but for the learning rate
_PAWSX_RECIPE: Final = (("learning_rate", 2e-5), *_XNLI_RECIPE[1:])

# Phang et al. 2020 as nyu-mll/jiant@daa5a258 has it (jiant/scripts/benchmarks/xtreme:
# d_write_configs.sh on MNLI, e_run_models.sh, xtreme_runconfig_writer.py): 4 x 8 pairs
_STILTS: Final = (
    ("learning_rate", 1e-5),
    ("epochs", 2),
    ("batch_size", 32),
    ("max_tokens", 256),
    ("warmup", 0.1),
)


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
            jsonl(("pairID", *_SNLI_TEXT), NLI_NAMES),
            *under(
                ("snli/snli_1.0", "snli", "snli_1.0"),
                _each("snli_1.0_{s}.jsonl", train="train", dev="dev", test="test"),
            ),
        ),
        *layouts(
            table(_SNLI_TEXT, NLI_NAMES, "pairID", grouped=True),
            *under(
                ("snli/snli_1.0", "snli", "snli_1.0"),
                _each("snli_1.0_{s}.txt", train="train", dev="dev", test="test"),
            ),
        ),
        *layouts(
            infersent,
            *under(
                ("esnli/dataset/eSNLI", "dataset/SNLI", "SNLI", "snli"),
                {s: (f"s1.{s}", f"s2.{s}", f"labels.{s}") for s in ("train", "dev", "test")},
            ),
        ),
    ),
    hub=hub_pairs.SNLI,
    languages=("en",),
    splits=("train", "dev", "test"),
    labels=NLI,
    metrics=(ACCURACY,),
    chance=100 / 3,
    recipe=_STILTS,
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
            table(("sentence1", "sentence2", "gold_label"), NLI_NAMES, "pairID", grouped=True),
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
            jsonl(("pairID", "sentence1", "sentence2", "gold_label"), NLI_NAMES),
            *under(
                ("mnli/multinli_1.0", "mnli", "multinli_1.0"),
                {
                    "train": "multinli_1.0_train.jsonl",
                    "dev": "multinli_1.0_dev_matched.jsonl",
                    "dev-mismatched": "multinli_1.0_dev_mismatched.jsonl",
                },
            ),
        ),
        *layouts(xtreme(NLI_NAMES, "text"), {"train": "xnli/train-en.tsv"}),
        *layouts(
            table(("premise", "hypo", "label"), NLI_NAMES, grouped=True),
            *under(("xnli", ""), {"train": "XNLI-MT-1.0/multinli/multinli.train.en.tsv"}),
        ),
    ),
    hub=hub_pairs.MNLI,
    languages=("en",),
    splits=("train", "dev", "dev-mismatched"),
    labels=NLI,
    metrics=(ACCURACY,),
    test_split="dev-mismatched",
    chance=100 / 3,
    recipe=_XNLI_RECIPE,
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
            xtreme(NLI_NAMES, "triple"), {"test": ("xnli/test-{l}.tsv", "xnli/test-labels.txt")}
        ),
        *layouts(
            xnli_release,
            *under(
                ("xnli/XNLI-1.0", "xnli", "XNLI-1.0"),
                {"dev": "xnli.dev.tsv", "test": "xnli.test.tsv"},
            ),
        ),
        *layouts(
            xtreme(NLI_NAMES, "triple"),
            {"dev": "xnli/dev-{l}.tsv", "test": "xnli/test-{l}.tsv"},
        ),
        *layouts(
            translated.pairs(NLI_NAMES),
            *translated.releases("XNLI", "en-{l}-translated.tsv", "xnli"),
            code=translated.not_english,
        ),
    ),
    hub=hub_pairs.XNLI,
    languages=_XNLI_LANGUAGES,
    splits=("dev", "test", translated.SPLIT),
    labels=NLI,
    metrics=(ACCURACY,),
    train=("mnli",),
    chance=100 / 3,
    recipe=_XNLI_RECIPE,
    licence="CC BY-NC 4.0",
    citation="Conneau et al. 2018, XNLI: Evaluating Cross-lingual Sentence Representations, EMNLP",
    source="https://dl.fbaipublicfiles.com/XNLI/XNLI-1.0.zip",
    notes=(
        "XTREME's download strips the test labels; with xnli/test-labels.txt (one label a line,"
        " line-aligned with every test-XX.tsv) or XNLI-1.0 beside it they are there.",
        "Ids are a language's row numbers and groups its premises: both are parallel.",
        "`translate-train` is MNLI in machine translation (XTREME's), in its own order in every"
        " language; rows that went wrong there are left out.",
    ),
)

PAWSX: Final = Task(
    name="pawsx",
    version=1,
    summary="Are two sentences with many words in common paraphrases? Seven languages.",
    example=ClassificationExample,
    layouts=(
        *layouts(
            pawsx_release,
            *under(
                ("pawsx/x-final", "x-final", "pawsx/labelled"),
                {"train": "{l}/train.tsv", "dev": "{l}/dev_2k.tsv", "test": "{l}/test_2k.tsv"},
            ),
        ),
        *layouts(
            pawsx_release,
            *under(("pawsx/x-final", "x-final"), {"train": "{l}/translated_train.tsv"}),
        ),
        *layouts(
            xtreme(BINARY, "line"),
            _each("pawsx/{s}-{l}.tsv", train="train", dev="dev", test="test"),
        ),
        *layouts(
            translated.pairs(BINARY),
            *translated.releases("PAWSX", "en-{l}-translated.tsv", "pawsx"),
            code=translated.not_english,
        ),
    ),
    hub=hub_pairs.PAWSX,
    languages=listed("de en es fr ja ko zh"),
    splits=("train", "dev", "test", translated.SPLIT),
    labels=("0", "1"),
    metrics=(ACCURACY,),
    chance=50.0,
    recipe=_PAWSX_RECIPE,
    licence="free for any purpose, attribution asked",
    citation="Yang et al. 2019, PAWS-X: A Cross-lingual Adversarial Dataset, EMNLP",
    source="https://storage.googleapis.com/paws/pawsx/x-final.tar.gz",
    notes=(
        "XTREME's download removes the test labels (pawsx/test-XX.tsv): x-final/ has them, and is"
        " looked for first.",
        "Label 1 is a paraphrase. Labels differ slightly between languages, as released.",
        "XTREME's files wrap cells with quotes in quotes (`csv.writer`): undone here, so that"
        " the texts are PAWS-X's own; the official scripts train and test on the wrapped text.",
        "Training files of other languages are machine translations; so is `translate-train`,"
        " which is XTREME's own.",
    ),
)

SICK: Final = Task(
    name="sick",
    version=1,
    summary="Inference over simplified captions.",
    example=ClassificationExample,
    layouts=layouts(
        table(
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
    hub=hub_pairs.SICK,
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
        table(
            ("sentence1", "sentence2", "label"),
            {label: label for label in ("entailment", "not_entailment")},
            "index",
            grouped=True,
        ),
        *under(_GLUE, _each("RTE/{s}.tsv", train="train", dev="dev", test="test")),
    ),
    hub=hub_pairs.RTE,
    languages=("en",),
    splits=("train", "dev", "test"),
    labels=("entailment", "not_entailment"),
    metrics=(ACCURACY,),
    test_split="dev",
    chance=50.0,
    licence="see GLUE",
    citation=_GLUE_CITATION,
    source="https://dl.fbaipublicfiles.com/glue/data/RTE.zip",
    notes=("The test file has no labels: dev is both selected and tested on.",),
)

MRPC: Final = Task(
    name="mrpc",
    version=1,
    summary="Are two news sentences paraphrases?",
    example=ClassificationExample,
    layouts=layouts(
        table(("#1 String", "#2 String", "Quality"), BINARY),
        *under(_GLUE, _each("MRPC/{s}.tsv", train="train", dev="dev", test="test")),
    ),
    hub=hub_pairs.MRPC,
    languages=("en",),
    splits=("train", "dev", "test"),
    labels=("0", "1"),
    metrics=(ACCURACY, f1_binary("1")),
    test_split="dev",
    chance=50.0,
    licence="Microsoft Research Paraphrase Corpus terms",
    citation="Dolan and Brockett 2005, Automatically Constructing a Corpus of Paraphrases",
    source="https://dl.fbaipublicfiles.com/glue/data/MRPC.zip",
    notes=(
        "Label 1 is a paraphrase.",
        "GLUE's test file has no labels: dev is both selected and tested on.",
    ),
)

QQP: Final = Task(
    name="qqp",
    version=1,
    summary="Do two Quora questions ask the same?",
    example=ClassificationExample,
    layouts=layouts(
        table(("question1", "question2", "is_duplicate"), BINARY, "id", may_break=10),
        *under(_GLUE, _each("QQP/{s}.tsv", train="train", dev="dev", test="test")),
    ),
    hub=hub_pairs.QQP,
    languages=("en",),
    splits=("train", "dev", "test"),
    labels=("0", "1"),
    metrics=(ACCURACY, f1_binary("1")),
    test_split="dev",
    chance=50.0,
    recipe=_STILTS,
    licence="Quora terms, non-commercial",
    citation=_GLUE_CITATION,
    source="https://dl.fbaipublicfiles.com/glue/data/QQP-clean.zip",
    notes=(
        "Label 1 is a duplicate. The test file has no labels: dev is both selected and tested on.",
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
        sts, *under(_GLUE, _each("STS-B/{s}.tsv", train="train", dev="dev", test="test"))
    ),
    hub=hub_pairs.STS_B,
    languages=("en",),
    splits=("train", "dev", "test"),
    metrics=(CORRELATION,),
    test_split="dev",
    chance=0.0,
    licence="CC BY-SA 4.0",
    citation="Cer et al. 2017, SemEval-2017 Task 1: Semantic Textual Similarity",
    source="https://dl.fbaipublicfiles.com/glue/data/STS-B.zip",
    notes=("GLUE's test file has no scores: dev is both selected and tested on.",),
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
            jsonl(("uid", "context", "hypothesis", "label"), LETTERS),
            *under(
                ("anli/anli_v1.0", "anli", "anli_v1.0"),
                {s: _anli_jsonl(s, (1, 2, 3)) for s in _ANLI_SPLITS}
                | {f"{s}-r{n}": _anli_jsonl(s, (n,)) for s in _ANLI_SPLITS for n in (1, 2, 3)},
            ),
        ),
        *layouts(
            anli_csv,
            {"dev": "anli/ANLI_analysis_r?_dev.csv"}
            | {f"dev-r{n}": f"anli/ANLI_analysis_r{n}_dev.csv" for n in (1, 2, 3)},
        ),
    ),
    hub=hub_pairs.ANLI,
    languages=("en",),
    splits=(*_ANLI_SPLITS, *(f"{s}-r{n}" for s in _ANLI_SPLITS for n in (1, 2, 3))),
    labels=NLI,
    metrics=(ACCURACY,),
    chance=100 / 3,
    recipe=_STILTS,
    licence="CC BY-NC 4.0",
    citation="Nie et al. 2020, Adversarial NLI: A New Benchmark, ACL",
    source="https://dl.fbaipublicfiles.com/anli/anli_v1.0.zip",
    notes=(
        "`dev` is all rounds that are there, `dev-r1` one of them, and so for train and test.",
        "The annotated dev files (ANLI_analysis_rN_dev.csv) are read as well; round 3 has 1,198"
        " of its 1,200 pairs there.",
    ),
)
