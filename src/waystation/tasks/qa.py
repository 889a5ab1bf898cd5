"""Answers as spans of a paragraph: SQuAD and its multilingual relatives.

All are SQuAD JSON. Questions are grouped by paragraph (see `readers.squad`), and XQuAD's and
MLQA's keep their ids in every language, so groups are parallel there.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from waystation import readers
from waystation.errors import DataError
from waystation.examples import Answer, SpanExample
from waystation.languages import listed
from waystation.metrics.qa import BY_LANGUAGE, SQUAD
from waystation.metrics.qa import MLQA as MLQA_SCORE
from waystation.metrics.qa import SQUAD_V2 as SQUAD_V2_SCORE
from waystation.task import Task
from waystation.tasks import hub_qa, layouts, translated, under

_SQUAD_CITATION: Final = "Rajpurkar et al. 2016, SQuAD: 100,000+ Questions, EMNLP"
# scripts/train_qa.sh: any model on SQuAD v1.1, 4 x 8 windows
_RECIPE: Final = (
    ("learning_rate", 3e-5),
    ("epochs", 3),
    ("batch_size", 32),
    ("max_tokens", 384),
    ("stride", 128),  # --doc_stride
    ("warmup", 0.06),  # 500 of about 8,300 steps (88,641 windows of SQuAD v1.1 by BERT's tokens)
    ("weight_decay", 1e-4),
    ("selection", "last"),  # --save_steps -1
)
# The same script on 3,696 questions has about 350 steps, so that its 500 steps of warm-up never
# end: the rate rises to about 0.7 of what is asked for.
_TYDIQA_RECIPE: Final = (
    ("learning_rate", 2.1e-5),
    *(setting for setting in _RECIPE[1:] if setting[0] != "warmup"),
    ("warmup", 1.0),
)
# Phang et al. 2020 as nyu-mll/jiant@daa5a258 has it (jiant/scripts/benchmarks/xtreme:
# c_tokenize_and_cache.sh and d_write_configs.sh on SQuAD v1.1, e_run_models.sh): 4 x 4 windows
_STILTS: Final = (
    ("learning_rate", 1e-5),
    ("epochs", 2),
    ("batch_size", 16),
    ("max_tokens", 384),
    ("stride", 128),
    ("warmup", 0.1),
)
_EXPLORER: Final = "https://raw.githubusercontent.com/rajpurkar/SQuAD-explorer/master/dataset/"
# Articles of the 20-article file that XQuAD's evaluation paragraphs are taken from.
_XQUAD_ARTICLES: Final = ("Genghis_Khan", "Huguenot", "Immune_system")
# The file mixes articles of SQuAD's train and dev parts; these four are its dev split here.
_SAMPLE_DEV: Final = ("51st_state", "Communications_in_Somalia", "Neolithic", "Pain")


def _questions(files: Sequence[Path], _: str, split: str) -> Iterator[SpanExample]:
    for path in files:
        for _title, example in readers.squad(path):
            yield example


def _sample(files: Sequence[Path], _: str, split: str) -> Iterator[SpanExample]:
    """The 20-article file cut by article, with the MRQA list joined to the training part.

    Paragraphs of the list that are paragraphs of the 20 articles too come with their articles
    only, so that no dev paragraph is trained on.
    """
    contexts = set()
    for title, example in readers.squad(files[0]):
        contexts.add(example.context)
        part = "dev" if title in _SAMPLE_DEV else "train"
        if ("xquad-articles" if title in _XQUAD_ARTICLES else part) == split:
            yield example
    if len(files) > 1:
        yield from (e for e in _mrqa(files[1]) if e.context not in contexts)


def _mrqa(path: Path) -> Iterator[SpanExample]:
    """A JSON list of context, question, answer without offsets: the first occurrence counts."""
    try:
        records = json.loads(readers.text(path))
    except ValueError as error:
        raise DataError(f"expected a JSON list, found: {error}", path) from error
    if not isinstance(records, list):
        raise DataError("expected a JSON list of questions, found something else", path)
    first: dict[str, str] = {}
    for number, record in enumerate(records, 1):
        context, question, answer = (
            readers.take(record, key, str, path, None) for key in ("context", "question", "answer")
        )
        if answer not in context:
            raise DataError(
                f"expected the answer '{answer}' of entry {number} in its context, found it"
                " nowhere",
                path,
            )
        own = f"mrqa-{number}"
        yield SpanExample(
            id=own,
            group=first.setdefault(context, own),
            question=question,
            context=context,
            answers=(Answer(text=answer, start=context.index(answer)),),
        )


def _tydiqa_train(files: Sequence[Path], language: str, split: str) -> Iterator[SpanExample]:
    """The release's one training file; ids begin with the English name of the language."""
    name = _TYDIQA[language]
    yield from (e for e in _questions(files, language, split) if e.id.startswith(f"{name}-"))


SQUAD_V1: Final = Task(
    name="squad-v1",
    version=1,
    summary="Questions on Wikipedia paragraphs, every one answerable.",
    example=SpanExample,
    layouts=(
        *layouts(
            _questions,
            *under(("squad", ""), {"train": "train-v1.1.json", "dev": "dev-v1.1.json"}),
        ),
        *layouts(
            _sample,
            {
                "train": ("squad/squad_v1.1-20articles.json", "squad/mrqa_squad-4330.list.json"),
                "dev": "squad/squad_v1.1-20articles.json",
                "xquad-articles": "squad/squad_v1.1-20articles.json",
            },
        ),
    ),
    hub=hub_qa.SQUAD_V1,
    languages=("en",),
    splits=("train", "dev", "xquad-articles"),
    metrics=(SQUAD,),
    test_split="dev",
    recipe=_RECIPE,
    licence="CC BY-SA 4.0",
    citation=_SQUAD_CITATION,
    source=_EXPLORER + "train-v1.1.json",
    notes=(
        "XQuAD's English questions are a part of dev-v1.1.json: selecting on it sees the English"
        " test paragraphs of an XQuAD target.",
        "Where the official files are absent, a published sample of 20 articles and an MRQA list"
        " serve: four articles are dev (" + ", ".join(_SAMPLE_DEV) + "), the three that XQuAD is"
        " built on are kept out of both as split `xquad-articles`, the MRQA list joins train"
        " (offsets are first occurrences; its paragraphs from the 20 articles are left out).",
    ),
)

SQUAD_V2: Final = Task(
    name="squad-v2",
    version=1,
    summary="SQuAD with questions that the paragraph does not answer.",
    example=SpanExample,
    layouts=layouts(
        _questions,
        *under(("squad", "squad2", ""), {"train": "train-v2.0.json", "dev": "dev-v2.0.json"}),
    ),
    hub=hub_qa.SQUAD_V2,
    languages=("en",),
    splits=("train", "dev"),
    metrics=(SQUAD_V2_SCORE,),
    test_split="dev",
    recipe=_STILTS,
    licence="CC BY-SA 4.0",
    citation="Rajpurkar et al. 2018, Know What You Don't Know, ACL",
    source=_EXPLORER + "train-v2.0.json",
)

XQUAD: Final = Task(
    name="xquad",
    version=1,
    summary="240 SQuAD paragraphs and their questions, translated into twelve languages.",
    example=SpanExample,
    layouts=(
        *layouts(_questions, *under(("xquad", ""), {"test": "xquad.{l}.json"})),
        *layouts(
            translated.questions,
            *translated.releases("SQuAD", "squad.translate.train.en-{l}.json", "squad"),
            code=translated.not_english,
        ),
    ),
    hub=hub_qa.XQUAD,
    languages=listed("en es de el ru tr ar vi th zh hi ro"),
    splits=("test", translated.SPLIT),
    metrics=(SQUAD, BY_LANGUAGE),
    train=("squad-v1",),
    recipe=_RECIPE,
    licence="CC BY-SA 4.0",
    citation="Artetxe et al. 2020, On the Cross-lingual Transferability of Monolingual"
    " Representations, ACL",
    source="https://github.com/google-deepmind/xquad",
    notes=(
        "XTREME's download removes the answers; the source's own files have them.",
        "Official scoring normalises every language as English; `f1_language` beside it goes by"
        " the language.",
        "`translate-train` is SQuAD v1.1 in XTREME's machine translation; questions whose answer"
        " is nowhere in the translated context are left out.",
    ),
)

_MLQA_LANGUAGES: Final = listed("en es de ar hi vi zh")
_MLQA_FILES: Final = {
    split: f"{split}/{split}-context-{{l}}-question-{{l}}.json" for split in ("dev", "test")
}
_MLQA_CROSS: Final = {
    f"{split}-question-{asked}": f"{split}/{split}-context-{{l}}-question-{asked}.json"
    for split in ("dev", "test")
    for asked in _MLQA_LANGUAGES
}
MLQA: Final = Task(
    name="mlqa",
    version=1,
    summary="Questions on paragraphs written in seven languages, context and question alike.",
    example=SpanExample,
    layouts=layouts(
        _questions, *under(("mlqa/MLQA_V1", "MLQA_V1", "mlqa"), {**_MLQA_FILES, **_MLQA_CROSS})
    ),
    hub=hub_qa.MLQA,
    languages=_MLQA_LANGUAGES,
    splits=("dev", "test", *_MLQA_CROSS),
    metrics=(MLQA_SCORE,),
    train=("squad-v1",),
    recipe=_RECIPE,
    licence="CC BY-SA 3.0",
    citation="Lewis et al. 2020, MLQA: Evaluating Cross-lingual Extractive QA, ACL",
    source="https://dl.fbaipublicfiles.com/MLQA/MLQA_V1.zip",
    notes=(
        "Pairs: a language is that of the context, in which answers are and by which they are"
        " scored. In `dev` and `test` the question is in it too, as XTREME scores it;"
        " `test-question-de` has German questions on contexts of any language.",
        "XTREME's download removes the answers of the test part; MLQA_V1.zip has them.",
    ),
)

_TYDIQA: Final = {
    "en": "english", "ar": "arabic", "bn": "bengali", "fi": "finnish", "id": "indonesian",
    "ko": "korean", "ru": "russian", "sw": "swahili", "te": "telugu",
}  # fmt: skip
TYDIQA: Final = Task(
    name="tydiqa",
    version=1,
    summary="TyDiQA-GoldP: questions asked by native speakers before they saw the paragraph.",
    example=SpanExample,
    layouts=(
        *layouts(
            _questions,
            *under(
                ("tydiqa", ""),
                {
                    "train": "tydiqa-goldp-v1.1-train/tydiqa.goldp.{l}.train.json",
                    "dev": "tydiqa-goldp-v1.1-dev/tydiqa.goldp.{l}.dev.json",
                },
            ),
        ),
        *layouts(
            _tydiqa_train,
            *under(
                ("tydiqa", "tydiqa/tydiqa-goldp-v1.1-train", ""),
                {"train": "tydiqa-goldp-v1.1-train.json"},
            ),
        ),
        *layouts(
            _questions,
            *under(("tydiqa", ""), {"dev": "tydiqa-goldp-v1.1-dev/tydiqa-goldp-dev-{l}.json"}),
            code=_TYDIQA.get,
        ),
        *layouts(
            translated.questions,
            *translated.releases("TyDiQA-GoldP", "tydiqa.translate.train.en-{l}.json", "tydiqa"),
            code=translated.not_english,
        ),
    ),
    hub=hub_qa.tydiqa(_TYDIQA),
    languages=tuple(_TYDIQA),
    splits=("train", "dev", translated.SPLIT),
    metrics=(SQUAD, BY_LANGUAGE),
    test_split="dev",
    dev_split=None,
    recipe=_TYDIQA_RECIPE,
    licence="Apache-2.0",
    citation="Clark et al. 2020, TyDi QA, TACL",
    source="https://storage.googleapis.com/tydiqa/v1.1/tydiqa-goldp-v1.1-train.json",
    notes=(
        "XTREME's download removes the answers of dev: the release's own files have them.",
        "The public dev split is what XTREME tests on; a share of the English training questions"
        " is kept out for selection.",
        "Official scoring normalises every language as English; `f1_language` beside it goes by"
        " the language.",
    ),
)
