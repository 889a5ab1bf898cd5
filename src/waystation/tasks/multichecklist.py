"""MultiCheckList of XTREME-R: six tests of question answering, made from published templates.

The templates (google-research/xtreme@838c13b, `multichecklist/checklist_templates.tsv`,
Apache-2.0) are read under the data folder; nothing of them is kept here. How tests are made of
them is in `multichecklist_templates.py`.

A published suite itself (`lang_suites/xx_squad_suite.pkl`) is read where it lies in place of the
templates. It is a pickle: classes in it are never imported, see `_Inert`.
"""

from __future__ import annotations

import pickle
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

from waystation import readers
from waystation.errors import DataError
from waystation.examples import SpanExample, SpanPrediction
from waystation.languages import listed
from waystation.metrics.multichecklist import CHECKLIST, TESTS
from waystation.task import Task
from waystation.tasks import layouts, under
from waystation.tasks.multichecklist_templates import NAMES, examples_of, made_of


class _Inert:
    """What every class and function of a suite's pickle is read as: it keeps its state, no more.

    Suites are pickles of objects with code. To run that code is to trust whoever wrote the file,
    and would need CheckList as it was in 2021; all that is wanted is lists of texts in it.
    """

    items: dict[object, Any]
    state: Any

    def __new__(cls, *_: object, **__: object) -> _Inert:
        made = super().__new__(cls)  # a pickle calls this alone, without __init__
        made.items, made.state = {}, {}
        return made

    def __call__(self, *_: object, **__: object) -> _Inert:
        return _Inert()

    def __setitem__(self, key: object, value: object) -> None:
        self.items[key] = value

    def __setstate__(self, state: object) -> None:
        self.state = state

    def __hash__(self) -> int:
        return id(self)

    def append(self, _: object) -> None:
        """Part of lists that are read as this class, which nothing asks for."""

    extend = append


class _Unpickler(pickle.Unpickler):
    """Reads data alone: no class or function that a pickle names is looked up or called."""

    def find_class(self, module: str, name: str) -> Any:
        return _Inert

    def persistent_load(self, pid: object) -> Any:
        return _Inert()


def _suite(path: Path, language: str) -> Iterator[SpanExample]:
    try:
        with path.open("rb") as file:
            tests = _tests(_Unpickler(file).load())
    except (pickle.UnpicklingError, EOFError, ValueError, TypeError, AttributeError) as error:
        raise DataError(
            f"expected a suite as MultiCheckList publishes them, found: {error or 'an early end'}",
            path,
        ) from error
    for short, name in zip(TESTS, NAMES, strict=True):
        if name not in tests:
            raise DataError(f"expected the test '{name}' in a suite, found none", path)
        data, labels = tests[name]
        cases = (
            [(c, q, str(a)) for (c, q), a in zip(pairs, answers, strict=True)]
            for pairs, answers in zip(data, labels, strict=True)
        )
        yield from examples_of(language, short, iter(cases))


def _tests(suite: Any) -> dict[str, tuple[Any, Any]]:
    """Test -> (its cases, their answers) of an unpickled suite."""
    found = {}
    for name, test in suite.state["tests"].items.items():
        found[name] = test.state["data"], test.state["labels"]
    return found


def published_answers(
    path: Path, examples: Sequence[SpanExample]
) -> tuple[list[SpanExample], list[SpanPrediction]]:
    """The examples of the one test that a file such as `de_comp_xlmr_preds.txt` answers, and these.

    Its lines are in the order of a suite's questions, without ids (test_models.py).
    """
    test = next((t for t in TESTS if re.match(rf"[a-z]+_{t}_[^_]+_preds\.txt$", path.name)), None)
    if test is None:
        raise DataError(
            "expected a name such as de_comp_xlmr_preds.txt, with one of the tests"
            f" {', '.join(TESTS)}, found '{path.name}'",
            path,
        )
    asked = [e for e in examples if e.id.split("/")[-3:-2] == [test]]
    answers = [line for _, line in readers.lines(path)]
    if len(answers) != len(asked):
        raise DataError(
            f"expected {len(asked)} lines, one for each question of the test '{test}', found"
            f" {len(answers)}; score answers on the suite that they were given to",
            path,
        )
    pairs = zip(asked, answers, strict=True)
    return asked, [SpanPrediction(id=e.id, text=text) for e, text in pairs]


def _read_templates(files: Sequence[Path], language: str, _: str) -> Iterator[SpanExample]:
    yield from made_of(files[0], language)


def _read_suite(files: Sequence[Path], language: str, _: str) -> Iterator[SpanExample]:
    yield from _suite(files[0], language)


MULTICHECKLIST: Final = Task(
    name="multichecklist",
    version=1,
    summary="Six tests of question answering in 50 languages, made from templates.",
    example=SpanExample,
    layouts=(
        *layouts(_read_suite, {"test": "multichecklist/lang_suites/{l}_squad_suite.pkl"}),
        *layouts(
            _read_templates, *under(("multichecklist", ""), {"test": "checklist_templates.tsv"})
        ),
    ),
    languages=listed(
        "en af ar az bg bn de el es et eu fa fi fr gu ha he hi ht hu id it ja jv ka kk ko lt ml mr"
        " ms my nl pa pl pt qu ru sw ta te th tl tr uk ur vi wo yo zh"
    ),
    splits=("test",),
    metrics=(CHECKLIST,),
    train=("squad-v1",),
    licence="Apache-2.0 (templates); names: CC0",
    citation="Ruder et al. 2021, XTREME-R, EMNLP; Ribeiro et al. 2020, CheckList, ACL",
    source="https://github.com/google-research/xtreme/tree/master/multichecklist",
    notes=(
        "A case passes if all of its questions are answered rightly; failure rates are shares of"
        " cases, as the official script prints them. The headline is the mean success of the six"
        " tests.",
        "Made from the templates by the official rules, except that draws are the same everywhere;"
        " a published suite is read where it is there.",
        "The templates have Hausa and not Romanian, unlike XTREME-R's list of languages.",
    ),
)
