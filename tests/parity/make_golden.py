"""Writes golden.json: what the official scripts say about the items of cases.py.

Run from the repository root with the released sources of what it names, none of which is part
of this repository:

    git clone https://github.com/google-research/xtreme XTREME       # COMMITS["xtreme"]
    git clone https://github.com/facebookresearch/MLQA MLQA          # COMMITS["mlqa"]
    git clone https://github.com/ftarlaci/GPT2sQA SQUAD              # COMMITS["squad-v2"]
    pip download --no-deps --no-binary=:all: seqeval==0.0.12 && tar xzf seqeval-0.0.12.tar.gz
    PYTHONPATH=src:tests python tests/parity/make_golden.py XTREME MLQA SQUAD seqeval-0.0.12

seqeval 1.2.2 comes from the environment, the real files from the data folder
(`WAYSTATION_DATA`). SQuAD's own evaluate-v2.0.py is taken from a repository that holds a copy of
it, since its authors distribute it outside version control.
"""

from __future__ import annotations

import importlib.util
import json
import sys
import types
from collections.abc import Callable, Sequence
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np

from parity import perturbed
from parity.cases import CASES, Case, count, digest_of, items
from waystation.examples import SpanExample
from waystation.languages import listed

COMMITS = {
    "xtreme": "github.com/google-research/xtreme@838c13b69daafb9328785d16caae2711e4012123",
    "mlqa": "github.com/facebookresearch/MLQA@24bf470b2e68f2bfb93b2fd31c370bb8ee18d9ed",
    "squad-v2": "github.com/ftarlaci/GPT2sQA@41cd86ef5c2051ad3fda224ac912d97d07f73f61, its copy of"
    " evaluate-v2.0.py",
    "seqeval 0.0.12": "the source distribution on PyPI",
    "seqeval 1.2.2": "the wheel on PyPI",
}
GOLDEN = Path(__file__).with_name("golden.json")
MOCK_TASKS = listed("pawsx xnli panx udpos bucc2018 tatoeba xquad mlqa tydiqa mewslix")


def load(name: str, path: Path) -> Any:
    """A script as a module."""
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class Official:
    """The official functions; evaluate.py once with each release of seqeval."""

    def __init__(self, xtreme: Path, mlqa: Path, squad: Path, seqeval: Path) -> None:
        sys.modules["faiss"] = types.ModuleType("faiss")  # imported there, not used here
        sys.path.insert(0, str(xtreme))
        self.new = load("evaluate_1", xtreme / "evaluate.py")
        for name in [n for n in sys.modules if n.split(".")[0] == "seqeval"]:
            del sys.modules[name]
        sys.path.insert(0, str(seqeval))
        self.old = load("evaluate_0", xtreme / "evaluate.py")
        assert self.old.f1_score is not self.new.f1_score
        self.retrieve = load("utils_retrieve", xtreme / "third_party/utils_retrieve.py")
        self.lareqa = load("utils_lareqa", xtreme / "third_party/utils_lareqa.py")
        self.mlqa = load("mlqa", mlqa / "mlqa_evaluation_v1.py")
        self.squad2 = load("squad2", squad / "evaluate-v2.0.py")
        self.mock = xtreme / "mock_test_data"

    def values(self, case: Case, part: str) -> dict[str, Any]:
        """The official values of one part."""
        gold, predicted = items(case, part)
        scorers: dict[str, Callable[[], dict[str, Any]]] = {
            "accuracy": lambda: self.new.accuracy(gold, predicted),
            "choice": lambda: self.new.accuracy(gold, predicted),
            "positions": lambda: self.new.accuracy(gold, predicted),
            "seqeval 0.0.12": lambda: self.old.f1(gold, predicted),
            "seqeval 1.2.2": lambda: self.new.f1(gold, predicted),
            "squad": lambda: self.new.squad_em_f1(self.dataset(case, part, gold), predicted),
            "squad-v2": lambda: self._squad2(dataset_of(gold), predicted),
            "mlqa": lambda: self._mlqa(self.dataset(case, part, gold), predicted, part),
            "pairs": lambda: self.new.bucc_f1(gold, predicted),
            "threshold": lambda: self._threshold(gold, predicted),
            "lareqa": lambda: self._lareqa(self._relevant(case, part, gold), predicted),
            "mewslix": lambda: self.new.mewslix_map20(gold, predicted),
        }
        return scorers[case.scorer]()

    def dataset(self, case: Case, part: str, gold: Sequence[SpanExample]) -> Any:
        """Real files are read by the official reader."""
        if case.real:
            return self.new.read_squad(str(perturbed.DATA / perturbed.FILES[case.task][part]))
        return dataset_of(gold)

    def _squad2(self, dataset: Any, predicted: dict[str, str]) -> dict[str, Any]:
        found = self.squad2.make_eval_dict(*self.squad2.get_raw_scores(dataset, predicted))
        return {"f1": found["f1"], "exact_match": found["exact"]}

    def _mlqa(self, dataset: Any, predicted: dict[str, str], language: str) -> dict[str, Any]:
        found = self.new.mlqa_em_f1(dataset, predicted, language)
        assert found == self.mlqa.evaluate(dataset, predicted, language), "XTREME changed MLQA"
        return dict(found)

    def _threshold(self, gold: list[str], scored: Any) -> dict[str, Any]:
        candidates = {(source, target): score for source, target, score in scored}
        threshold = self.retrieve.bucc_optimize(candidates, set(gold))
        kept = self.retrieve.bucc_extract(candidates, threshold, None)
        return {"threshold": threshold} | self.new.bucc_f1(gold, kept)

    def _relevant(self, case: Case, part: str, gold: Any) -> dict[str, list[str]]:
        if not case.real:
            return dict(gold)
        files = perturbed.FILES["lareqa"]
        data = {lang: json.loads((perturbed.DATA / files[lang]).read_text()) for lang in files}
        with redirect_stdout(StringIO()):
            questions, candidates = self.lareqa.load_data(data)
        return {
            q.uid: [c.uid for c in candidates.by_xling_id[q.xling_id]]
            for q in questions.by_lang[part]
        }

    def _lareqa(self, gold: dict[str, list[str]], predicted: Any) -> dict[str, Any]:
        each = [self.lareqa.average_precision_at_k(gold[q], predicted[q], 20) for q in gold]
        return {"each": digest_of(each), "map@20": float(np.mean(each)) * 100}

    def mock_values(self, task: str) -> dict[str, dict[str, Any]]:
        """XTREME's own mock submission: release of seqeval -> language -> values."""
        found = {}
        for release, script in (("0.0.12", self.old), ("1.2.2", self.new)):
            version = "xtreme-r" if task == "mewslix" else "xtreme"
            suffix = script.get_suffix(task, script.XTREME_VERSIONS_GROUP_DICT[version])
            languages = script.XTREME_VERSIONS_LANG_DICT[version][task]
            found[release] = {
                language: script.evaluate_one_task(
                    str(self.mock / f"predictions/{task}/test-{language}.{suffix}"),
                    str(self.mock / f"labels/{task}/test-{language}.{suffix}"),
                    task,
                    language,
                )
                for language in languages
            }
        tagging = task in ("udpos", "panx")
        return found if tagging else {"": found["1.2.2"]}


def dataset_of(examples: Sequence[SpanExample]) -> list[dict[str, Any]]:
    """SQuAD JSON of questions, as far as the evaluators read it."""
    return [
        {
            "paragraphs": [
                {"qas": [{"id": e.id, "answers": [{"text": a.text} for a in e.answers or ()]}]}
            ]
        }
        for e in examples
    ]


def main() -> None:
    """Writes all of golden.json."""
    official = Official(*(Path(argument) for argument in sys.argv[1:5]))
    cases = {}
    for case in CASES:
        cases[case.name] = {
            "items": {part: count(case, part) for part in case.parts},
            "values": {part: official.values(case, part) for part in case.parts},
        }
        print(case.name, sum(cases[case.name]["items"].values()))
    golden = {
        "sources": COMMITS,
        "python": sys.version.split()[0],
        "command": "see make_golden.py",
        "cases": cases,
        "mock": {task: official.mock_values(task) for task in MOCK_TASKS},
    }
    GOLDEN.write_text(json.dumps(golden, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
