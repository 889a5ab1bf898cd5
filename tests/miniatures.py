"""A folder with a dozen items of every task of XTREME and XTREME-R, and of the stops of
studies/stilts.yaml, in the official layouts.

`write(folder)` makes it: source releases with gold (training parts and stops in English, dev and
test in every language of both lists), so that whole studies run on it. All text is ours: sentences
of the pocket world where it speaks the language, and elsewhere its English with each word replaced
by an invented one in the language's script, so that tags and answers stay where they are. It says
nothing about any language. `python tests/miniatures.py FOLDER [TAG ...]` writes one by hand.
"""

from __future__ import annotations

import hashlib
import json
import re
import sys
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

from waystation import benchmarks, pocket
from waystation.examples import Answer
from waystation.languages import LANGUAGES
from waystation.pocket.tasks import examples

ITEMS = 12
SPLITS = ("train", "dev", "test")
PARTS = {
    name: {part.name: part.languages for part in benchmarks.BENCHMARKS[name].parts}
    for name in benchmarks.BENCHMARKS
}
TASKS = tuple(dict.fromkeys(task for parts in PARTS.values() for task in parts))
TREEBANKS = {"xtreme": "ud-treebanks-v2.5", "xtreme-r": "ud-treebanks-v2.7"}
TYDIQA = {
    "en": "english", "ar": "arabic", "bn": "bengali", "fi": "finnish", "id": "indonesian",
    "ko": "korean", "ru": "russian", "sw": "swahili", "te": "telugu",
}  # fmt: skip
LETTERS = {
    "Latn": "aeioubdfgklmnprstv", "Cyrl": "аеиоубдгклмнпрств", "Grek": "αεηιουβγδκλμνπρστ",
    "Arab": "ابتدرسعفقکلمنهوی", "Hebr": "אבגדהוזחטיכלמנס", "Beng": "কখগঘচজটডতদনপবমর",
    "Mlym": "കഖഗചജടഡതദനപബമരല", "Telu": "కఖగచజటడతదనపబమరల", "Taml": "கசஞடணதநபமயரலவ",
    "Deva": "कखगचजटडतदनपबमरल", "Geor": "აბგდევზთიკლმნოპრსტ", "Mymr": "ကခဂငစဆတထဒနပဖဗမ",
    "Guru": "ਕਖਗਚਜਟਡਤਦਨਪਬਮਰਲ", "Gujr": "કખગચજટડતદનપબમરલ", "Thai": "กขคงจฉชซดตถทนบป",
    "Hans": "天地人山水火木日月田", "Jpan": "あいうえおかきくけこ", "Kore": "가나다라마바사아자차",
}  # fmt: skip


def languages_of(task: str) -> tuple[str, ...]:
    """The languages of a task in either benchmark."""
    found = (tag for parts in PARTS.values() for tag in parts.get(task, ()))
    return tuple(dict.fromkeys(found))


# -- text ------------------------------------------------------------------------------------------


def _invented(word: str, language: str) -> str:
    if not word[:1].isalpha():
        return word
    letters = LETTERS[LANGUAGES[language].script]
    drawn = hashlib.sha256(f"{language} {word.lower()}".encode()).digest()
    return "".join(letters[byte % len(letters)] for byte in drawn[: 2 + drawn[-1] % 5])


def _pieces(text: str) -> list[str]:
    return re.findall(r"\w+|\W+", text)


def said(text: str, language: str) -> str:
    """English text in the invented words of a language."""
    return "".join(_invented(piece, language) for piece in _pieces(text))


def items(kind: str, language: str, split: str, count: int = ITEMS) -> list:
    """The first examples of a pocket task, in any language."""
    spoken = language if language in pocket.LANGUAGES else "en"
    found = list(examples(f"pocket-{kind}", spoken, split, range(count)))
    return found if spoken == language else [_in(language, example) for example in found]


def _in(language: str, example: object) -> object:
    texts = {
        name: said(getattr(example, name), language)
        for name in ("text", "pair", "context", "question", "source", "target")
        if isinstance(getattr(example, name, None), str)
    }
    for name in ("options", "words"):
        if hasattr(example, name):
            texts[name] = tuple(said(text, language) for text in getattr(example, name))
    for answer in getattr(example, "answers", None) or ():
        before = said(example.context[: answer.start], language)
        texts["answers"] = (Answer(text=said(answer.text, language), start=len(before)),)
    return replace(example, **texts)


# -- files -----------------------------------------------------------------------------------------


def _put(path: Path, content: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content, encoding="utf-8", newline="\n")


def _lines(path: Path, rows: Iterable[object]) -> None:
    _put(path, "".join(f"{row}\n" for row in rows))


def _json_lines(path: Path, rows: Iterable[object]) -> None:
    _lines(path, (json.dumps(row, ensure_ascii=False) for row in rows))


def _table(path: Path, header: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    _lines(path, ("\t".join(map(str, row)) for row in [header, *rows]))


def write(folder: Path, languages: Iterable[str] | None = None) -> Path:
    """Every file; `languages` leaves the others out (English training data are always there)."""
    wanted = None if languages is None else set(languages)
    for task in TASKS:
        tags = [tag for tag in languages_of(task) if wanted is None or tag in wanted]
        WRITERS[task](folder, tags)
    _mnli(folder)
    _squad(folder / "squad", {"train": "train-v1.1.json", "dev": "dev-v1.1.json"})
    _commonsense(folder)
    _stops(folder)
    return folder


def _mnli(folder: Path) -> None:
    rows = [(e.text, e.pair, _xnli_label(e.label)) for e in items("nli", "en", "train")]
    train = folder / "xnli/XNLI-MT-1.0/multinli/multinli.train.en.tsv"
    _table(train, ("premise", "hypo", "label"), rows)
    for part, split in (("matched", "dev"), ("mismatched", "test")):
        _table(
            folder / f"glue/MNLI/dev_{part}.tsv",
            ("pairID", "sentence1", "sentence2", "gold_label"),
            [(e.id, e.text, e.pair, e.label) for e in items("nli", "en", split)],
        )


def _xnli_label(label: str) -> str:
    return "contradictory" if label == "contradiction" else label


def _xnli(folder: Path, languages: Sequence[str]) -> None:
    header = ("language", "gold_label", "sentence1", "sentence2", "promptID", "pairID")
    for split in ("dev", "test"):
        rows = [
            (tag, e.label, e.text, e.pair, number, number)
            for tag in languages
            for number, e in enumerate(items("nli", tag, split), 1)
        ]
        _table(folder / f"xnli/XNLI-1.0/xnli.{split}.tsv", header, rows)


def _pawsx(folder: Path, languages: Sequence[str]) -> None:
    for tag in dict.fromkeys(("en", *languages)):
        names = {"dev": "dev_2k", "test": "test_2k"} | ({"train": "train"} if tag == "en" else {})
        for split, name in names.items():
            rows = [
                (number, e.text, e.pair, int(e.label == "paraphrase"))
                for number, e in enumerate(items("paraphrase", tag, split), 1)
            ]
            header = ("id", "sentence1", "sentence2", "label")
            _table(folder / f"x-final/{tag}/{name}.tsv", header, rows)


def _udpos(folder: Path, languages: Sequence[str]) -> None:
    for tag in dict.fromkeys(("en", *languages)):
        release = TREEBANKS["xtreme" if tag in PARTS["xtreme"]["udpos"] else "xtreme-r"]
        name = LANGUAGES[tag].name.replace(" ", "_")
        for split in SPLITS if tag == "en" else ("dev", "test"):
            rows = []
            for example in items("pos", tag, split):
                rows += [f"# sent_id = {example.id}", f"# text = {' '.join(example.words)}"]
                for number, (word, upos) in enumerate(
                    zip(example.words, example.tags, strict=True), 1
                ):
                    head = 0 if number == 1 else 1
                    relation = "root" if number == 1 else "dep"
                    cells = (number, word, "_", upos, "_", "_", head, relation, "_", "_")
                    rows.append("\t".join(map(str, cells)))
                rows.append("")
            _lines(folder / release / f"UD_{name}-Mini/{tag}_mini-ud-{split}.conllu", rows)


def _panx(folder: Path, languages: Sequence[str]) -> None:
    for tag in dict.fromkeys(("en", *languages)):
        for split in SPLITS if tag == "en" else ("dev", "test"):
            rows = []
            for number, example in enumerate(items("ner", tag, split)):
                place = "LOC" if number % 2 else "ORG"
                rows += [
                    f"{tag}:{word}\t{label.replace('LOC', place)}"
                    for word, label in zip(example.words, example.tags, strict=True)
                ]
                rows.append("")
            _lines(folder / f"panx_dataset/{tag}/{split}", rows)


# -- questions -------------------------------------------------------------------------------------


def _paragraphs(language: str, split: str) -> list[dict]:
    """Paragraphs of three stories with a question on each; ids are the same in any language."""
    found = items("qa", language, split)
    paragraphs = []
    for first in range(0, len(found), 3):
        trio = found[first : first + 3]
        context, questions, breaks = "", [], []
        for example in trio:
            begin = len(context)
            context += example.context
            breaks.append([begin, len(context)])
            context += " "
            (answer,) = example.answers
            questions.append(
                {
                    "id": example.id,
                    "question": example.question,
                    "answers": [{"text": answer.text, "answer_start": begin + answer.start}],
                }
            )
        paragraphs.append({"context": context, "qas": questions, "sentence_breaks": breaks})
    return paragraphs


def _squad_json(path: Path, paragraphs: list[dict], *, breaks: bool = False) -> None:
    kept = [
        {key: value for key, value in paragraph.items() if breaks or key != "sentence_breaks"}
        for paragraph in paragraphs
    ]
    data = {"version": "1.1", "data": [{"title": "Miniature", "paragraphs": kept}]}
    _put(path, json.dumps(data, ensure_ascii=False))


def _squad(folder: Path, names: dict[str, str]) -> None:
    for split, name in names.items():
        _squad_json(folder / name, _paragraphs("en", split))


def _xquad(folder: Path, languages: Sequence[str]) -> None:
    for tag in languages:
        _squad_json(folder / f"xquad/xquad.{tag}.json", _paragraphs(tag, "test"))


def _mlqa(folder: Path, languages: Sequence[str]) -> None:
    for split in ("dev", "test"):
        asked = {tag: items("qa", tag, split) for tag in languages}
        for context in languages:
            for question in languages:
                paragraphs = _paragraphs(context, split)
                texts = iter(asked[question])
                for paragraph in paragraphs:
                    for entry in paragraph["qas"]:
                        entry["question"] = next(texts).question
                name = f"{split}-context-{context}-question-{question}.json"
                _squad_json(folder / f"mlqa/MLQA_V1/{split}/{name}", paragraphs)


def _tydiqa(folder: Path, languages: Sequence[str]) -> None:
    train: list[dict] = []
    for tag in dict.fromkeys(("en", *languages)):
        for split in ("train", "dev"):
            paragraphs = _paragraphs(tag, split)
            for entry in (entry for paragraph in paragraphs for entry in paragraph["qas"]):
                entry["id"] = f"{TYDIQA[tag]}-{entry['id']}"
            if split == "train":
                train += paragraphs
            else:
                name = f"tydiqa-goldp-dev-{TYDIQA[tag]}.json"
                _squad_json(folder / f"tydiqa/tydiqa-goldp-v1.1-dev/{name}", paragraphs)
    _squad_json(folder / "tydiqa/tydiqa-goldp-v1.1-train.json", train)


# -- choice ----------------------------------------------------------------------------------------


def _copa_rows(language: str, split: str) -> list[dict]:
    return [
        {
            "premise": example.context,
            "choice1": example.options[0],
            "choice2": example.options[1],
            "question": ("cause", "effect")[number % 2],
            "label": example.label,
            "idx": number,
            "changed": False,
        }
        for number, example in enumerate(items("choice", language, split))
    ]


def _xcopa(folder: Path, languages: Sequence[str]) -> None:
    for tag in languages:
        for split, name in (("dev", "val"), ("test", "test")):
            _json_lines(folder / f"xcopa/{tag}/{name}.{tag}.jsonl", _copa_rows(tag, split))


def _commonsense(folder: Path) -> None:
    for split, name in (("train", "train"), ("dev", "val"), ("test", "test")):
        _json_lines(folder / f"copa/{name}-en.jsonl", _copa_rows("en", split))
    for split, name in (("train", "trn"), ("dev", "dev")):
        rows = [
            {
                "context": example.context.rsplit(". ", 1)[0] + ".",
                "question": example.context.rsplit(". ", 1)[1],
                "answerA": example.options[0],
                "answerB": example.options[1],
                "answerC": "nobody",
                "correct": "AB"[example.label],
            }
            for example in items("choice", "en", split)
        ]
        _json_lines(folder / f"siqa/socialIQa_v1.4_{name}.jsonl", rows)


# -- intermediate tasks ----------------------------------------------------------------------------


def _stops(folder: Path) -> None:
    """The English tasks that are trained on in between and are nobody's training source."""
    for split in SPLITS:
        _inference(folder, split)
        _choices(folder, split)
        rows = [
            (number, 2 * number, 2 * number + 1, e.text, e.pair, int(e.label == "paraphrase"))
            for number, e in enumerate(items("paraphrase", "en", split))
        ]
        header = ("id", "qid1", "qid2", "question1", "question2", "is_duplicate")
        _table(folder / f"glue/QQP/{split}.tsv", header, rows)
    for split in ("train", "dev"):
        paragraphs = _paragraphs("en", split)
        for entry in (entry for paragraph in paragraphs for entry in paragraph["qas"][1:]):
            entry |= {"is_impossible": True, "answers": []}
        _squad_json(folder / f"squad/{split}-v2.0.json", paragraphs)
    sections = dict.fromkeys(range(24), "train") | {0: "dev", 23: "test"}
    for section, split in sections.items():
        found = items("pos", "en", split, 24)
        kept = found[section : section + 1] if split == "train" else found[:ITEMS]
        _derivations(folder / f"ccgbank_1_1/data/AUTO/{section:02}", kept)


def _inference(folder: Path, split: str) -> None:
    found = items("nli", "en", split)
    rows = [
        {"pairID": e.id, "sentence1": e.text, "sentence2": e.pair, "gold_label": e.label}
        for e in found
    ]
    _json_lines(folder / f"snli_1.0/snli_1.0_{split}.jsonl", rows)
    for number in (1, 2, 3):
        rows = [
            {"uid": f"r{number}-{e.id}", "context": e.text, "hypothesis": e.pair,
             "label": e.label[0]}
            for e in found[number - 1 :: 3]
        ]  # fmt: skip
        _json_lines(folder / f"anli_v1.0/R{number}/{split}.jsonl", rows)


def _choices(folder: Path, split: str) -> None:
    """Two more options than the pocket world has, wrong ones, make four; a third five."""
    found = items("choice", "en", split)
    names = {"train": "train", "dev": "val", "test": "test"}
    rows = [
        {"ind": number, "activity_label": "Living", "ctx": e.context, "label": e.label,
         "endings": [*e.options, "nobody", "nothing"], "source_id": f"mini~{number // 2}"}
        for number, e in enumerate(found)
    ]  # fmt: skip
    if split == "test":
        rows = [{key: row[key] for key in row if key != "label"} for row in rows]
    _json_lines(folder / f"hellaswag/hellaswag_{names[split]}.jsonl", rows)
    questions = [
        {"id": e.id, "answerKey": "AB"[e.label], "question": {
            "stem": e.context, "question_concept": "life",
            "choices": [{"label": letter, "text": text} for letter, text in
                        zip("ABCDE", [*e.options, "nobody", "nothing", "never"], strict=True)]}}
        for e in found
    ]  # fmt: skip
    name = {"train": "train_rand_split", "dev": "dev_rand_split"}.get(split)
    if name is None:
        questions = [{key: q[key] for key in q if key != "answerKey"} for q in questions]
    name = name or "test_rand_split_no_answers"
    _json_lines(folder / f"commonsenseqa/{name}.jsonl", questions)
    if split != "test":
        lines = ["id,context,question,answer0,answer1,answer2,answer3,label"]
        for e in found:
            context, question = e.context.rsplit(". ", 1)
            cells = (e.id, context, question, *e.options, "nobody", "nothing", e.label)
            lines.append(",".join(f'"{cell}"' for cell in cells))
        name = {"train": "train", "dev": "valid"}[split]
        _lines(folder / f"cosmosqa/{name}.csv", lines)


CATEGORY = {"NOUN": "N", "PROPN": "N", "VERB": "(S[dcl]\\NP)/NP", "ADP": "PP/NP", "DET": "NP[nb]/N",
            "ADJ": "N/N", "PUNCT": ".", "CCONJ": "conj", "PRON": "NP"}  # fmt: skip


def _derivations(place: Path, found: Sequence) -> None:
    """Sentences with categories by their part of speech; the trees are flat, and nobody's."""
    name, rows = f"wsj_{place.name}01", []
    for number, example in enumerate(found, 1):
        leaves = [
            (CATEGORY.get(tag, "(S\\NP)\\(S\\NP)"), tag, word)
            for word, tag in zip(example.words, example.tags, strict=True)
        ]
        tree = " ".join(f"(<L {cat} {tag} {tag} {word} {cat}>)" for cat, tag, word in leaves)
        rows += [f"ID={name}.{number} PARSER=GOLD NUMPARSE=1", f"(<T S[dcl] 0 2> {tree} )"]
    _lines(place / f"{name}.auto", rows)


# -- retrieval -------------------------------------------------------------------------------------


def _tatoeba(folder: Path, languages: Sequence[str]) -> None:
    for tag in languages:
        code = LANGUAGES[tag].tatoeba
        pairs = _pairs(tag, "test")
        for side, name in enumerate((code, "eng")):
            path = folder / f"tatoeba/tatoeba.{code}-eng.{name}"
            _lines(path, (pair[side] for pair in pairs))


def _pairs(language: str, split: str) -> list[tuple[str, str]]:
    """(sentence, English sentence)."""
    if language in pocket.LANGUAGES:
        return [(e.source, e.target) for e in items("bitext", language, split)]
    english = [e.target for e in items("bitext", "de", split)]
    return [(said(sentence, language), sentence) for sentence in english]


def _bucc2018(folder: Path, languages: Sequence[str]) -> None:
    """Two pairs in three are gold; of every third the two sides lie alone."""
    for tag in languages:
        for split, name in (("dev", "sample"), ("test", "training")):
            foreign, english, gold = [], [], []
            for number, (source, target) in enumerate(_pairs(tag, split), 1):
                ids = f"{tag}-{number:09d}", f"en-{number:09d}"
                if number % 3 != 1:
                    foreign.append(f"{ids[0]}\t{source}")
                if number % 3 != 2:
                    english.append(f"{ids[1]}\t{target}")
                if number % 3 == 0:
                    gold.append("\t".join(ids))
            place = folder / f"bucc2018/{tag}-en"
            for side, rows in ((tag, foreign), ("en", english), ("gold", gold)):
                _lines(place / f"{tag}-en.{name}.{side}", rows)


def _lareqa(folder: Path, languages: Sequence[str]) -> None:
    for tag in languages:
        path = folder / f"lareqa/xquad-r/{tag}.json"
        _squad_json(path, _paragraphs(tag, "test"), breaks=True)


def _mewslix(folder: Path, languages: Sequence[str]) -> None:
    """Every answer of the questions is an entity, and its mention a mention in the news."""
    place = folder / "mewslix"
    entities: dict[str, dict] = {}
    for split in ("dev", "test"):
        rows = []
        for tag in languages:
            for number, example in enumerate(items("qa", tag, split)):
                (answer,) = example.answers
                entity = f"Q{1000 * SPLITS.index(split) + number}"
                entities.setdefault(entity, _entity(entity, tag, example.question))
                rows.append(_mention(tag, f"{split}-{tag}-{number}", entity, example, answer))
        _json_lines(place / f"wikinews_mentions-{split}.jsonl", rows)
    _json_lines(place / "candidate_set_entities.jsonl", entities.values())
    for split in ("train", "dev"):
        rows = []
        for number, example in enumerate(items("qa", "en", split)):
            name = f"Q{3000 + 1000 * SPLITS.index(split) + number}"
            mention = _mention("en", f"{split}-{number}", name, example, example.answers[0])
            contextual = {"context": mention["context"], "mention": mention["mentions"][0]}
            entity = _entity(name, "en", example.question)
            rows.append({"contextual_mention": contextual, "entity": entity})
        _json_lines(place / f"wikipedia_pairs-{split}.jsonl", rows)


def _entity(name: str, language: str, text: str) -> dict:
    return {
        "entity_id": name,
        "title": text.split(" ")[0],
        "description": text,
        "description_language": language,
        "description_url": f"https://example.org/{name}",
        "sentence_spans": [{"start": 0, "end": len(text)}],
    }


def _mention(language: str, name: str, entity: str, example: object, answer: Answer) -> dict:
    text = example.context
    return {
        "context": {
            "document_title": "Miniature",
            "document_url": "https://example.org",
            "document_id": name.rsplit("-", 1)[0],
            "language": language,
            "text": text,
            "sentence_spans": [{"start": 0, "end": len(text)}],
        },
        "mentions": [
            {
                "example_id": name,
                "mention_span": {
                    "start": answer.start,
                    "end": answer.start + len(answer.text),
                    "text": answer.text,
                },
                "entity_id": entity,
            }
        ],
    }


WRITERS = {
    "xnli": _xnli,
    "pawsx": _pawsx,
    "udpos": _udpos,
    "panx": _panx,
    "xquad": _xquad,
    "mlqa": _mlqa,
    "tydiqa": _tydiqa,
    "xcopa": _xcopa,
    "tatoeba": _tatoeba,
    "bucc2018": _bucc2018,
    "lareqa": _lareqa,
    "mewslix": _mewslix,
}

if __name__ == "__main__":
    print(write(Path(sys.argv[1]), sys.argv[2:] or None))
