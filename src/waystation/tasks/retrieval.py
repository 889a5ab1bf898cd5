"""Retrieval without training: Tatoeba, BUCC, LAReQA and Mewsli-X.

Tatoeba as LASER published it: source sentences are in the language, targets in English; a file's
English sentences are the candidate pool. XTREME's processed copy (`de-en.de`, `de-en.en`) sorts
the English side and with it loses which sentence belongs to which, so it is not read. The other
three are queries on a pool of candidates, see `queries.py` and `mentions.py`.
"""

from __future__ import annotations

from functools import partial
from typing import Final

from waystation.examples import BitextExample, QueryExample
from waystation.languages import LANGUAGES, listed
from waystation.metrics.retrieval import ACCURACY, BUCC_F1, MAP20
from waystation.task import Layout, Task
from waystation.tasks import Release, hub_words, layouts, mentions, queries, under
from waystation.tasks.parallel import bitext
from waystation.tasks.qa import SQUAD_V1

_XTREME_R: Final = listed(
    "ar he vi id jv tl eu ml ta te af nl de el bn hi mr ur fa fr it pt es bg ru ja ka ko th sw zh"
    " kk tr et fi hu az lt pl uk ro"
)
# The other languages of LASER's data/tatoeba/v1.
_MORE: Final = listed(
    "am ang arq arz ast awa be ber br bs ca cbk ceb ch cs csb cy da dsb dtp eo fo fy ga gd gl gsw"
    " hr hsb hy ia ie io is kab km ku kw kzj la lfn lv max mhr mk mn ms nb nds nn nov oc orv pam"
    " pms sk sl sq sr sv swg tk tt tzl ug uz war wuu xh yi yue"
)


TATOEBA: Final = Task(
    name="tatoeba",
    version=2,
    summary="Find the sentence that an English one translates, among up to 1,000.",
    example=BitextExample,
    layouts=layouts(
        bitext,
        *under(
            ("tatoeba", "LASER-main/data/tatoeba/v1", "LASER/data/tatoeba/v1", "tatoeba/v1"),
            {"test": ("tatoeba.{l}-eng.{l}", "tatoeba.{l}-eng.eng")},
        ),
        code=lambda tag: LANGUAGES[tag].tatoeba,
    ),
    hub=hub_words.TATOEBA,
    languages=(*_XTREME_R, *_MORE),
    splits=("test",),
    metrics=(ACCURACY,),
    recipe=(("max_tokens", 512),),  # scripts/run_tatoeba.sh
    official_variants=((12, "8/mean"), (24, "14/mean")),  # scripts/run_tatoeba.sh: index from 0
    licence="CC BY 2.0 FR (text); LASER repository: BSD",
    citation="Artetxe and Schwenk 2019, Massively Multilingual Sentence Embeddings, TACL",
    source="https://github.com/facebookresearch/LASER/tree/main/data/tatoeba/v1",
    notes=(
        "`accuracy` is XTREME's direction: for each English sentence the nearest of the language."
        " `accuracy_forward` is the other one, which version 1 of this task called accuracy.",
        "Chance is one in the size of the pool. Sentences and pools differ between languages.",
        "XTREME's copy (tatoeba/{l}-en.{l}, {l}-en.en) has its English side sorted, so that pairs"
        " are lost: put LASER's own files into tatoeba/.",
        "XTREME-R's script takes a model tuned on SQuAD here (scripts/run_tatoeba.sh).",
        "Layer and pooling decide the score by tens of points: sweep and report them.",
    ),
)


# XTREME's names of the parts, then BUCC's own; each download puts them into other folders.
_BUCC_SPLITS: Final = (("dev", "sample"), ("test", "training"))
_BUCC_FOLDERS: Final = ("bucc2018", "bucc2018/{l}-en", "")


def _bucc_files(*sides: str) -> tuple[Release, ...]:
    releases: list[Release] = [
        {
            names[0]: tuple(f"{{l}}-en.{names[own]}.{side}" for side in sides)
            for names in _BUCC_SPLITS
        }
        for own in (0, 1)
    ]
    return tuple(place for release in releases for place in under(_BUCC_FOLDERS, release))


BUCC2018: Final = Task(
    name="bucc2018",
    version=1,
    summary="Find the pairs of translations hidden in two sets of sentences, one of them English.",
    example=QueryExample,
    layouts=(
        *layouts(queries.bucc, *_bucc_files("{l}", "en", "gold")),
        *layouts(queries.bucc, *_bucc_files("{l}", "en")),
    ),
    pools=layouts(queries.bucc_pool, *_bucc_files("en")),
    tune_split="dev",
    options=(("search", "mine"),),
    languages=listed("de fr ru zh"),
    splits=("dev", "test"),
    metrics=(BUCC_F1,),
    recipe=(("max_tokens", 512),),  # scripts/run_bucc2018.sh
    # run_bucc2018.sh: index 7 of the last 12, see the notes; utils_retrieve.py: ratio margin
    official_variants=((12, "8/cls/ratio"), (24, "20/cls/ratio")),
    licence="not stated (text from Wikipedia and news commentary)",
    citation="Zweigenbaum et al. 2018, Overview of the Third BUCC Shared Task, BUCC",
    source="https://comparable.limsi.fr/bucc2018/bucc2018-task.html",
    notes=(
        "`test` is BUCC's training part and `dev` its sample part, as XTREME has them: BUCC's own"
        " test part has no public gold.",
        "Gold pairs of test, dev: de 9,580, 1,038; fr 9,086, 929; ru 14,435, 2,374; zh 1,899, 257"
        " (huggingface/datasets@2656a75c669d, datasets/xtreme). The hub has these pairs alone,"
        " without the sentences that they are hidden among.",
        "XTREME's download removes test.gold; with BUCC's own {l}-en.training.gold beside the"
        " texts the test part is scored. The threshold is chosen on dev.",
        "A language stands for the pair with English, and for the side that queries come from.",
        "XTREME's script takes the first token's state of the eighth of the last 12 layers; its"
        " paper says the mean.",
    ),
)

_LAREQA_LANGUAGES: Final = listed("ar de el en es hi ru th tr vi zh")
_LAREQA_FOLDERS: Final = ("lareqa/xquad-r", "xquad-r", "lareqa-master/xquad-r")


def _all_of_them(language: str, split: str, folder: str) -> tuple[str, ...]:
    """A language's file before those of every language, whose answers count as well."""
    return (f"{folder}/{language}.json", f"{folder}/[a-z][a-z].json") if split == "test" else ()


# scripts/train_lareqa.sh: 4 x 4 questions
_LAREQA_RECIPE: Final = (
    ("learning_rate", 2e-5),
    ("epochs", 3),
    ("batch_size", 16),
    ("max_tokens", 256),  # of answers; the official script cuts questions at 96
    ("warmup", 0.0),
    ("weight_decay", 0.0),
)
SQUAD_R: Final = Task(
    name="squad-r",
    version=2,
    summary="SQuAD v1.1 as retrieval: find the sentence of the paragraphs that answers a question.",
    example=QueryExample,
    layouts=tuple(
        Layout(paths=own.paths, read=partial(queries.squad, source=own)) for own in SQUAD_V1.layouts
    ),
    pools=tuple(
        Layout(paths=own.paths, read=partial(queries.squad_pool, source=own))
        for own in SQUAD_V1.layouts
    ),
    languages=("en",),
    splits=("train", "dev"),
    metrics=(MAP20,),
    test_split="dev",
    recipe=_LAREQA_RECIPE,
    licence="CC BY-SA 4.0",
    citation="Rajpurkar et al. 2016, SQuAD: 100,000+ Questions, EMNLP; made into retrieval as Roy"
    " et al. 2020 do",
    source="https://raw.githubusercontent.com/rajpurkar/SQuAD-explorer/master/dataset/"
    "train-v1.1.json",
    notes=(
        "What LAReQA's dual encoder is trained on. Sentences end by a rule of thumb, which finds"
        " 1,154 of the 1,180 English sentences of XQuAD-R; the official script has another rule.",
        "XQuAD-R's English questions are a part of dev-v1.1.json.",
    ),
)

LAREQA: Final = Task(
    name="lareqa",
    version=1,
    summary="Find the sentences that answer a question, in eleven languages at once (XQuAD-R).",
    example=QueryExample,
    layouts=tuple(
        Layout(paths=partial(_all_of_them, folder=folder), read=queries.lareqa)
        for folder in _LAREQA_FOLDERS
    ),
    pools=layouts(queries.lareqa_pool, *under(_LAREQA_FOLDERS, {"test": "{l}.json"})),
    shared_pool=True,
    languages=_LAREQA_LANGUAGES,
    splits=("test",),
    metrics=(MAP20,),
    train=("squad-r",),
    recipe=_LAREQA_RECIPE,
    official_variants=((12, "12/cls"), (24, "24/cls")),  # scripts/run_eval_lareqa.sh
    licence="CC BY-SA 4.0",
    citation="Roy et al. 2020, LAReQA: Language-Agnostic Answer Retrieval from a Multilingual Pool,"
    " EMNLP",
    source="https://github.com/google-research-datasets/lareqa",
    notes=(
        "The candidates are the sentences of all languages that are there, with their paragraph:"
        " 13,014 in the release. Relevant is the answer's sentence in each of these languages, so"
        " scores on some of the files are not comparable with published ones.",
        "Queries are evaluated per language, the benchmark's value is their mean; the official"
        " script takes the mean of all questions at once, which is the same where every language"
        " has the same number of them.",
        "XTREME-R trains a dual encoder on SQuAD v1.1 first: `fine_tune: true` does so on squad-r;"
        " without it the backbone is taken as the stop left it.",
    ),
)

_MENTIONS: Final = {split: f"wikinews_mentions-{split}.jsonl" for split in ("dev", "test")}
_MENTIONS_R: Final = {split: f"wikinews_mentions/{split}-{{l}}.jsonl" for split in ("dev", "test")}
_LABELS_R: Final = {
    split: (names, f"wikinews_labels/{split}-{{l}}.json") for split, names in _MENTIONS_R.items()
}
_MEWSLIX_FOLDERS: Final = ("mewslix", "mewsli_x/output/dataset", "mewsli-x")
# scripts/train_mewslix.sh: XLM-R Large, 8 x 4 mentions
_MEWSLIX_RECIPE: Final = (
    ("learning_rate", 1e-5),
    ("epochs", 2),
    ("batch_size", 32),
    ("max_tokens", 64),
    ("warmup", 0.0),
    ("weight_decay", 0.0),
)
_PAIRS: Final = {split: f"wikipedia_pairs-{split}.jsonl" for split in ("train", "dev")}
_MEWSLIX_CITATION: Final = (
    "Ruder et al. 2021, XTREME-R: Towards More Challenging and Nuanced Multilingual Evaluation,"
    " EMNLP"
)
_MEWSLIX_SOURCE: Final = (
    "https://github.com/google-research/google-research/tree/master/"
    "dense_representations_for_entity_retrieval/mel (mewsli-x.md)"
)
MEWSLIX_PAIRS: Final = Task(
    name="mewslix-pairs",
    version=2,
    summary="Mentions in English Wikipedia with their entities, which Mewsli-X is trained on.",
    example=QueryExample,
    layouts=layouts(mentions.pairs, *under(_MEWSLIX_FOLDERS, _PAIRS)),
    pools=layouts(mentions.pairs_pool, *under(_MEWSLIX_FOLDERS, _PAIRS)),
    languages=("en",),
    splits=("train", "dev"),
    metrics=(MAP20,),
    test_split="dev",
    recipe=_MEWSLIX_RECIPE,
    licence="CC BY-SA 3.0",
    citation=_MEWSLIX_CITATION,
    source=_MEWSLIX_SOURCE,
    notes=("The candidates are the entities of the split, not Mewsli-X's million.",),
)
MEWSLIX: Final = Task(
    name="mewslix",
    version=1,
    summary="Find the entity that a mention in the news stands for, among a million.",
    example=QueryExample,
    layouts=(
        *layouts(mentions.mewslix, *under(_MEWSLIX_FOLDERS, _MENTIONS)),
        *layouts(mentions.mewslix, *under(_MEWSLIX_FOLDERS, _LABELS_R)),
        *layouts(mentions.mewslix, *under(_MEWSLIX_FOLDERS, _MENTIONS_R)),
    ),
    pools=layouts(
        mentions.entities,
        *under(_MEWSLIX_FOLDERS, dict.fromkeys(("dev", "test"), "candidate_set_entities.jsonl")),
    ),
    shared_pool=True,
    languages=listed("ar de en es fa ja pl ro ta tr uk"),
    splits=("dev", "test"),
    metrics=(MAP20,),
    train=("mewslix-pairs",),
    recipe=_MEWSLIX_RECIPE,
    official_variants=((12, "12/cls"), (24, "24/cls")),  # scripts/run_eval_mewslix.sh
    licence="CC BY-SA 3.0 (Wikipedia), CC BY 2.5 (Wikinews)",
    citation=_MEWSLIX_CITATION,
    source=_MEWSLIX_SOURCE,
    notes=(
        "A query is `mention: sentence` with the mention between braces, a candidate the"
        " description of an entity in one language; one pool serves every language.",
        "XTREME-R's download empties the entity of every test mention: the release's own"
        " wikinews_mentions-test.jsonl, or gold in wikinews_labels/test-XX.json, is scored.",
        "XTREME-R trains a dual encoder on wikipedia_pairs-train.jsonl first: `fine_tune: true`"
        " does so on mewslix-pairs; without it the backbone is taken as the stop left it.",
    ),
)
