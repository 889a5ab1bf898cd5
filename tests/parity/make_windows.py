"""Writes windows.json: what the official scripts make of the long inputs of long_inputs.py.

Run from the repository root with a checkout of google-research/xtreme (commit below) and with
transformers 2.4.0, the release nearest to the commit that its install_tools.sh names, unpacked in
a folder of its own (its modules are read, none of its dependencies is needed):

    pip download --no-deps transformers==2.4.0 && unzip transformers-2.4.0*.whl -d TRANSFORMERS24
    PYTHONPATH=tests:src python tests/parity/make_windows.py XTREME TRANSFORMERS24

Word pieces come from this project's tokenizers (that they are XLM-R's is tested elsewhere): the
official tokenizer class is made with its SentencePiece model replaced by them.
"""

from __future__ import annotations

import importlib
import json
import sys
import tempfile
import types
from pathlib import Path
from typing import Any

import toys
from parity.long_inputs import (
    REAL,
    SETTINGS,
    fingerprint,
    logits,
    real_questions,
    sentences,
    synthetic_questions,
    synthetic_sentences,
)
from waystation import backbone, packaged

COMMIT = "838c13b69daafb9328785d16caae2711e4012123"
GOLDEN = Path(__file__).with_name("windows.json")


def tokenizers() -> dict[str, Any]:
    folder = packaged.get("multilingual-e5-small")
    return {
        "e5": backbone.load(backbone.locate(str(folder), Path.cwd())).tokenizer,
        "tiny": toys.model().tokenizer,
    }


def official_modules(xtreme: Path, transformers24: Path) -> tuple[Any, Any, Any, Any]:
    """(processors.squad, squad_metrics, utils_preprocess, tokenization_xlm_roberta)."""
    for name in [n for n in sys.modules if n.split(".")[0] == "transformers"]:
        del sys.modules[name]
    sys.path[:0] = [str(xtreme), str(xtreme / "third_party"), str(transformers24)]
    for absent in (
        "boto3",
        "botocore",
        "botocore.config",
        "botocore.exceptions",
        "sacremoses",
        "sentencepiece",
        "networkx",
        "conllu",
        "six",
    ):
        sys.modules.setdefault(absent, types.ModuleType(absent))
    sys.modules["botocore.config"].Config = object  # type: ignore[attr-defined]
    sys.modules["botocore.exceptions"].ClientError = Exception  # type: ignore[attr-defined]
    squad = importlib.import_module("processors.squad")
    metrics = importlib.import_module("transformers.data.metrics.squad_metrics")
    preprocess = importlib.import_module("utils_preprocess")
    return (
        squad,
        metrics,
        preprocess,
        importlib.import_module("transformers.tokenization_xlm_roberta"),
    )


def official_tokenizer(module: Any, ours: Any) -> Any:
    """The official XLM-R tokenizer over our pieces."""

    class Pieces(module.XLMRobertaTokenizer):  # type: ignore[misc]
        def __init__(self) -> None:
            module.PreTrainedTokenizer.__init__(
                self,
                bos_token="<s>",
                eos_token="</s>",
                sep_token="</s>",
                cls_token="<s>",
                unk_token="<unk>",
                pad_token="<pad>",
                mask_token="<mask>",
                max_len=512,
            )
            self.max_len_single_sentence, self.max_len_sentences_pair = 510, 508
            self.known: dict[str, list[str]] = {}

        vocab_size = property(len)

        def __len__(self) -> int:
            return len(ours)

        def _tokenize(self, text: str, **_: Any) -> list[str]:
            if text not in self.known:
                ids = ours(text, add_special_tokens=False)["input_ids"]
                self.known[text] = ours.convert_ids_to_tokens(ids)
            return self.known[text]

        def _convert_token_to_id(self, token: str) -> int:
            return int(ours.convert_tokens_to_ids(token))

        def _convert_id_to_token(self, index: int) -> str:
            return str(ours.convert_ids_to_tokens(index))

        def convert_tokens_to_string(self, tokens: list[str]) -> str:
            return str(ours.convert_tokens_to_string(tokens))

    made = Pieces()
    assert "roberta" in str(type(made).__mro__[1])
    Pieces.__module__ = module.__name__  # the scripts look for "roberta" in it
    return made


def spans(modules: Any, tokenizer: Any, examples: Any, setting: tuple[int, int]) -> list[str]:
    """Of each question: how many windows, and fingerprints of windows, golds, two answers."""
    squad, metrics, _, _ = modules
    squad.tokenizer = tokenizer
    official = []
    for example in examples:
        answer = example.answers[0]
        official.append(
            squad.SquadExample(
                example.id, example.question, example.context, answer.text, answer.start, ""
            )
        )

    def features(example: Any, training: bool) -> Any:
        return squad.squad_convert_example_to_features(
            example, setting[0], setting[1], 64, training, None
        )

    found = [[features(example, False), features(example, True)] for example in official]
    answers = []
    for kind in ("peak", "ties"):
        flat: list[Any] = []
        results: list[Any] = []
        for index, ((rows, _), example) in enumerate(zip(found, examples, strict=True)):
            for part, row in enumerate(rows):
                row.example_index, row.unique_id = index, len(flat)
                flat.append(row)
                values = logits(kind, example, part, len(row.tokens), min(row.token_to_orig_map))
                padding = [-1e9] * (setting[0] - len(row.tokens))
                start, end = (values[:, i].tolist() + padding for i in (0, 1))
                results.append(squad.SquadResult(row.unique_id, start, end))
        with tempfile.TemporaryDirectory() as scratch:
            names = [f"{scratch}/{name}" for name in "abc"]
            answers.append(
                metrics.compute_predictions_logits(
                    official,
                    flat,
                    results,
                    20,
                    30,
                    False,
                    *names[:2],
                    None,
                    False,
                    False,
                    0.0,
                    tokenizer,
                )
                or json.loads(Path(names[0]).read_text())
            )
    lines = []
    for (rows, golds), example in zip(found, examples, strict=True):
        windows = [
            [
                row.input_ids[: len(row.tokens)],
                min(row.token_to_orig_map),
                [int(row.token_is_max_context[i]) for i in sorted(row.token_to_orig_map)],
            ]
            for row in rows
        ]
        trained = [[row.start_position, row.end_position] for row in golds]
        texts = [fingerprint(a[example.id]) for a in answers]
        lines.append(f"{len(rows)} {fingerprint(windows)} {fingerprint(trained)} {' '.join(texts)}")
    return lines


def tags(modules: Any, tokenizer: Any, examples: Any, size: int) -> list[str]:
    """Of each sentence: how many windows, and the fingerprint of their words' indices."""
    _, _, preprocess, module = modules
    preprocess.XLMRobertaTokenizer = module.XLMRobertaTokenizer
    preprocess.TOKENIZERS = {
        "xlmr": types.SimpleNamespace(from_pretrained=lambda *_, **__: tokenizer)
    }
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        text = "\n".join("".join(f"{w}\tX\n" for w in e.words) for e in examples)
        (folder / "dev-en.tsv").write_text(text, encoding="utf-8")
        preprocess.panx_tokenize_preprocess(
            types.SimpleNamespace(
                model_type="xlmr",
                model_name_or_path="m",
                do_lower_case=False,
                cache_dir="",
                languages="en",
                output_dir=scratch,
                data_dir=scratch,
                max_len=size,
            )
        )
        lines = (folder / "en" / "dev.m").read_text(encoding="utf-8").split("\n")
        index = (folder / "en" / "dev.m.idx").read_text().split("\n")
    parts: dict[int, list[list[str]]] = {}
    fresh = True
    for line, number in zip(lines, index, strict=True):
        if not number:
            fresh = True
            continue
        own = parts.setdefault(int(number), [])
        if fresh:
            own.append([])
        own[-1].append(line.split("\t")[0])
        fresh = False
    return [f"{len(own)} {fingerprint(own)}" for own in parts.values()]


def main(xtreme: str, transformers24: str) -> None:
    ours = tokenizers()
    real = {f"{n} {tag}": real_questions(n, tag) for n in REAL for tag in REAL[n].split()}
    long = {tag: sentences(tag) for tag in ("ar", "de", "hi", "ru", "tr", "zh", "en")}
    modules = official_modules(Path(xtreme), Path(transformers24))
    made = {name: official_tokenizer(modules[3], one) for name, one in ours.items()}
    golden: dict[str, Any] = {
        "source": f"github.com/google-research/xtreme@{COMMIT}, utils_preprocess.py,"
        " third_party/processors/squad.py; transformers 2.4.0, data/metrics/squad_metrics.py",
        "command": "see make_windows.py",
        "synthetic": [
            spans(modules, made["tiny"], synthetic_questions(), setting) for setting in SETTINGS
        ],
        "real": {
            name: [spans(modules, made["e5"], examples, s) for s in SETTINGS]
            for name, examples in real.items()
        },
        "sentences": {tag: tags(modules, made["e5"], e, 128) for tag, e in long.items()},
        "synthetic sentences": tags(modules, made["tiny"], synthetic_sentences(), 64),
    }
    GOLDEN.write_text(json.dumps(golden, indent=0, sort_keys=True, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
