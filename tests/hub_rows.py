"""What each dataset's page publishes (features, exactly) and a few rows of our own making.

Features are those of `dataset_infos.json` in github.com/huggingface/datasets at commit
61258078bcb8, the last that had them all; `datasets` reads its `Sequence` of records as a record
of lists, as it does in the hub's parquet files.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from datasets import ClassLabel, Features, Sequence, Value

TEXT, INT32 = Value("string"), Value("int32")
NLI = ClassLabel(names=["entailment", "neutral", "contradiction"])
ANSWERS = Sequence({"text": TEXT, "answer_start": INT32})
UPOS = ClassLabel(
    names=[
        *("ADJ", "ADP", "ADV", "AUX", "CCONJ", "DET", "INTJ", "NOUN", "NUM", "PART", "PRON"),
        *("PROPN", "PUNCT", "SCONJ", "SYM", "VERB", "X"),
    ]
)
WIKIANN = ClassLabel(names=["O", "B-PER", "I-PER", "B-ORG", "I-ORG", "B-LOC", "I-LOC"])
WNUT = ClassLabel(
    names=[
        *("O", "B-corporation", "I-corporation", "B-creative-work", "I-creative-work", "B-group"),
        *("I-group", "B-location", "I-location", "B-person", "I-person", "B-product", "I-product"),
    ]
)


class Dataset(NamedTuple):
    """A repository as published, one configuration and split of it, and rows there."""

    repository: str
    config: str
    split: str
    features: Features
    rows: list[dict[str, Any]]
    converted: bool = False


def texts(*names: str) -> dict[str, Value]:
    """Columns of text."""
    return dict.fromkeys(names, TEXT)


def question(id_: str, context: str, ask: str, *answers: tuple[str, int]) -> dict[str, Any]:
    """A row of SQuAD and its relatives."""
    starts = [start for _, start in answers]
    return {
        "id": id_,
        "title": "A page",
        "context": context,
        "question": ask,
        "answers": {"text": [text for text, _ in answers], "answer_start": starts},
    }


def glue(config: str, columns: tuple[str, str], label: Any, *rows: tuple[Any, ...]) -> Dataset:
    """A configuration of GLUE's with (first, second, label, idx) rows, as validation."""
    features = Features({**texts(*columns), "label": label, "idx": INT32})
    named = [dict(zip((*columns, "label", "idx"), row, strict=True)) for row in rows]
    return Dataset("nyu-mll/glue", config, "validation", features, named)


_SENTENCES = ("sentence1", "sentence2")
_PAIR = Features({**texts("premise", "hypothesis"), "label": NLI})
_SQUAD = Features({**texts("id", "title", "context", "question"), "answers": ANSWERS})
_UNTITLED = Features({**texts("id", "context", "question"), "answers": ANSWERS})
_XCOPA = {**texts("premise", "choice1", "choice2", "question")}
_MULTINLI = {
    "promptID": INT32,
    **texts("pairID", "premise", "premise_binary_parse", "premise_parse"),
    **texts("hypothesis", "hypothesis_binary_parse", "hypothesis_parse", "genre"),
    "label": NLI,
}
_SICK = {
    **texts("id", "sentence_A", "sentence_B"),
    "label": NLI,
    "relatedness_score": Value("float32"),
    **texts("entailment_AB", "entailment_BA", "sentence_A_original", "sentence_B_original"),
    **texts("sentence_A_dataset", "sentence_B_dataset"),
}


def _full(features: dict[str, Any], **values: Any) -> dict[str, Any]:
    """A row with fillers in the columns that nobody reads."""
    fillers = {n: 0.5 if f.dtype == "float32" else "-" for n, f in features.items()}
    return fillers | {"promptID": 7} | values if "promptID" in features else fillers | values


def _tokens(column: str, words: str, *tags: int) -> dict[str, Any]:
    return {"tokens": words.split(), column: list(tags), "langs": [], "spans": []}


def _tagged(column: str, label: ClassLabel, *more: str) -> Features:
    lists = {name: Sequence(TEXT) for name in more}
    return Features({"tokens": Sequence(TEXT), column: Sequence(label), **lists})


# task, language, split -> the dataset that it comes from
PUBLISHED: dict[tuple[str, str, str], Dataset] = {
    ("snli", "en", "dev"): Dataset(
        "stanfordnlp/snli",
        "plain_text",
        "validation",
        _PAIR,
        [
            {"premise": "A cat sleeps.", "hypothesis": "An animal sleeps.", "label": 0},
            {"premise": "A cat sleeps.", "hypothesis": "It dreams.", "label": -1},
            {"premise": "A cat sleeps.", "hypothesis": "A cat runs.", "label": 2},
        ],
    ),
    ("mnli", "en", "dev-mismatched"): Dataset(
        "nyu-mll/multi_nli",
        "default",
        "validation_mismatched",
        Features(_MULTINLI),
        [_full(_MULTINLI, pairID="75290c", premise="It rains.", hypothesis="It is wet.", label=1)],
    ),
    ("anli", "en", "test-r2"): Dataset(
        "facebook/anli",
        "plain_text",
        "test_r2",
        Features({**texts("uid", "premise", "hypothesis"), "label": NLI, "reason": TEXT}),
        [
            {"uid": "a-1", "premise": "P", "hypothesis": "H", "label": 2, "reason": ""},
            {"uid": "a-2", "premise": "P", "hypothesis": "I", "label": 0, "reason": ""},
        ],
    ),
    ("xnli", "de", "test"): Dataset(
        "facebook/xnli",
        "de",
        "test",
        _PAIR,
        [
            {"premise": "Es regnet.", "hypothesis": hypothesis, "label": label}
            for hypothesis, label in (("Nass.", 0), ("Kalt.", 1), ("Trocken.", 2))
        ]
        + [{"premise": "Nacht.", "hypothesis": "Tag.", "label": 2}],
    ),
    ("pawsx", "fr", "dev"): Dataset(
        "google-research-datasets/paws-x",
        "fr",
        "validation",
        Features({"id": INT32, **texts(*_SENTENCES), "label": ClassLabel(names=["0", "1"])}),
        [
            {"id": 11, "sentence1": "Un.", "sentence2": "Deux.", "label": 0},
            {"id": 12, "sentence1": "Un.", "sentence2": "Un !", "label": 1},
        ],
    ),
    ("sick", "en", "test"): Dataset(
        "RobZamp/sick",
        "default",
        "test",
        Features(_SICK),
        [_full(_SICK, id="24", sentence_A="A.", sentence_B="B.", label=1)],
        converted=True,
    ),
    ("rte", "en", "dev"): glue(
        "rte",
        _SENTENCES,
        ClassLabel(names=["entailment", "not_entailment"]),
        ("One.", "Two.", 0, 0),
        ("One.", "Three.", 1, 1),
    ),
    ("mrpc", "en", "dev"): glue(
        "mrpc",
        _SENTENCES,
        ClassLabel(names=["not_equivalent", "equivalent"]),
        ("One.", "Two.", 1, 9),
        ("One.", "Three.", 0, 25),
    ),
    ("qqp", "en", "dev"): glue(
        "qqp",
        ("question1", "question2"),
        ClassLabel(names=["not_duplicate", "duplicate"]),
        ("Why?", "How?", 0, 5),
        ("Why?", "What for?", 1, 6),
    ),
    ("sts-b", "en", "dev"): glue(
        "stsb",
        _SENTENCES,
        Value("float32"),
        ("One.", "Two.", 3.8, 0),
        ("One.", "Three.", -1.0, 1),
    ),
    ("commonsenseqa", "en", "dev"): Dataset(
        "tau/commonsense_qa",
        "default",
        "validation",
        Features(
            {
                **texts("id", "question", "question_concept"),
                "choices": Sequence({"label": TEXT, "text": TEXT}),
                "answerKey": TEXT,
            }
        ),
        [
            {
                "id": own,
                "question": "Where do you sit?",
                "question_concept": "sit",
                "choices": {"label": list("ABCDE"), "text": ["bed", "sky", "chair", "sea", "box"]},
                "answerKey": key,
            }
            for own, key in (("ab12", "C"), ("cd34", ""))
        ],
    ),
    ("socialiqa", "en", "dev"): Dataset(
        "allenai/social_i_qa",
        "default",
        "validation",
        Features(texts("context", "question", "answerA", "answerB", "answerC", "label")),
        [
            {
                "context": "Kim left.",
                "question": "Why?",
                "answerA": "late",
                "answerB": "bored",
                "answerC": "ill",
                "label": "3\n",
            }
        ],
        converted=True,
    ),
    ("cosmosqa", "en", "train"): Dataset(
        "allenai/cosmos_qa",
        "default",
        "train",
        Features(
            {
                **texts("id", "context", "question", *(f"answer{n}" for n in range(4))),
                "label": INT32,
            }
        ),
        [
            {"id": own, "context": "I slept.", "question": "Why?", "label": label}
            | {f"answer{n}": f"reason {n}" for n in range(4)}
            for own, label in (("x##1", 3), ("x##2", -1))
        ],
        converted=True,
    ),
    ("hellaswag", "en", "dev"): Dataset(
        "Rowan/hellaswag",
        "default",
        "validation",
        Features(
            {
                "ind": INT32,
                **texts("activity_label", "ctx_a", "ctx_b", "ctx"),
                "endings": Sequence(TEXT),
                **texts("source_id", "split", "split_type", "label"),
            }
        ),
        [
            {"ind": 4, "activity_label": "Cooking", "ctx_a": "A pot boils.", "ctx_b": "she"}
            | {"ctx": "A pot boils. she", "endings": ["stirs.", "sings.", "flies.", "reads."]}
            | {"source_id": "mini~1", "split": "val", "split_type": "indomain", "label": label}
            for label in ("0", "")
        ],
        converted=True,
    ),
    ("copa", "en", "test"): Dataset(
        "aps/super_glue",
        "copa",
        "test",
        Features({**_XCOPA, "idx": INT32, "label": ClassLabel(names=["choice1", "choice2"])}),
        [
            {"premise": "It fell.", "choice1": "I dropped it.", "choice2": "I slept."}
            | {"question": "cause", "idx": 0, "label": -1},
            {"premise": "It fell.", "choice1": "I slept.", "choice2": "It broke."}
            | {"question": "effect", "idx": 1, "label": 1},
        ],
        converted=True,
    ),
    ("xcopa", "et", "dev"): Dataset(
        "cambridgeltl/xcopa",
        "et",
        "validation",
        Features({**_XCOPA, "label": INT32, "idx": INT32, "changed": Value("bool")}),
        [
            {"premise": "Sadas.", "choice1": "Märg.", "choice2": "Kuiv."}
            | {"question": "effect", "idx": 4, "label": 0, "changed": False}
        ],
    ),
    ("udpos", "de", "test"): Dataset(
        "google/xtreme",
        "udpos.German",
        "test",
        _tagged("pos_tags", UPOS),
        [_tokens("pos_tags", "Der Hund bellt", 5, 7, 15), _tokens("pos_tags", "Ja !", 9, 12)],
    ),
    ("panx", "sw", "dev"): Dataset(
        "unimelb-nlp/wikiann",
        "sw",
        "validation",
        _tagged("ner_tags", WIKIANN, "langs", "spans"),
        [_tokens("ner_tags", "Dar es Salaam ni mji", 5, 6, 6, 0, 0)],
    ),
    ("wnut17", "en", "test"): Dataset(
        "leondz/wnut_17",
        "wnut_17",
        "test",
        Features({"id": TEXT, **_tagged("ner_tags", WNUT)}),
        [
            {"id": "0"} | _tokens("ner_tags", "Ana flew", 9, 0),
            {"id": "1"} | _tokens("ner_tags", "to Oslo Town", 0, 7, 8),
        ],
        converted=True,
    ),
    ("squad-v1", "en", "dev"): Dataset(
        "rajpurkar/squad",
        "plain_text",
        "validation",
        _SQUAD,
        [
            question("5b", "Ann met Bo.", "Who met Bo?", ("Ann", 0)),
            question("5a", "Ann met Bo.", "Whom?", ("Bo", 8), ("Bo.", 8)),
            question("4c", " Cy ran.", "Who ran?", ("Cy", 1)),
        ],
    ),
    ("squad-v2", "en", "dev"): Dataset(
        "rajpurkar/squad_v2",
        "squad_v2",
        "validation",
        _SQUAD,
        [
            question("6a", "Ann met Bo.", "Who met Bo?", ("Ann", 0)),
            question("6b", "Ann met Bo.", "Who met Cy?"),
        ],
    ),
    ("xquad", "hi", "test"): Dataset(
        "google/xquad",
        "xquad.hi",
        "validation",
        _UNTITLED,
        # The paragraph lost two spaces in front; its offsets still count them.
        [
            question("7b", "घर बड़ा है", "क्या?", ("घर", 2)),
            question("7a", "घर बड़ा है", "कैसा?", ("बड़ा", 5)),
        ],
    ),
    ("mlqa", "de", "dev"): Dataset(
        "facebook/mlqa",
        "mlqa.de.de",
        "validation",
        _UNTITLED,
        [question("8a", "Ann traf Bo.", "Wen?", ("Bo", 9))],
        converted=True,
    ),
    ("tydiqa", "ar", "dev"): Dataset(
        "google-research-datasets/tydiqa",
        "secondary_task",
        "validation",
        _SQUAD,
        [
            question("finnish-1-0", "Talo on iso.", "Mikä?", ("Talo", 0)),
            question("arabic-2-1", "بيت كبير", "ما؟", ("بيت", 3)),
        ],
    ),
    ("tatoeba", "zh", "test"): Dataset(
        "google/xtreme",
        "tatoeba.cmn",
        "validation",
        Features(texts("source_sentence", "target_sentence", "source_lang", "target_lang")),
        [
            {"source_sentence": source, "target_sentence": target}
            | {"source_lang": "cmn", "target_lang": "eng"}
            for source, target in (("你好。\n", "Hello.\n"), ("谢谢。\n", "Thanks.\n"))
        ],
    ),
}
