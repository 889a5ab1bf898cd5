"""MultiCheckList: the official verdicts and rates, suites made from templates, suites as published.

The templates here are a handful of sentences of our own in the official format.
"""

from __future__ import annotations

import json
import pickle
from collections import OrderedDict
from pathlib import Path

import numpy as np
import pytest

from multichecklist_pairs import LANGUAGES, TESTS, outcomes, pairs
from waystation import sources
from waystation.errors import DataError, UserError
from waystation.examples import Answer, SpanExample, SpanPrediction
from waystation.metrics import measure, total
from waystation.metrics import multichecklist as metric
from waystation.metrics.multichecklist import CHECKLIST, normalise
from waystation.score import score
from waystation.score.files import score_files
from waystation.task import get
from waystation.tasks import multichecklist_templates

GOLDEN = json.loads(
    Path(__file__).with_name("multichecklist_golden.json").read_text(encoding="utf-8")
)
TASK = get("multichecklist")


@pytest.mark.parametrize("language", LANGUAGES)
def test_verdicts_are_the_official_ones(language):
    verdicts = "".join(
        str(int(normalise(predicted, language) == normalise(gold, language)))
        for predicted, gold in pairs(language)
    )
    assert hex(int("1" + verdicts, 2)) == GOLDEN["clean"][language]
    assert "0" in verdicts
    assert "1" in verdicts


def made(cases, test, language="en"):
    """Examples and predictions of cases of (prediction, gold)."""
    examples, predictions = [], []
    for number, case in enumerate(cases):
        for place, (predicted, gold) in enumerate(case):
            name = f"{language}/{test}/{number}/{place}"
            examples.append(
                SpanExample(
                    id=name, question="?", context=gold, answers=(Answer(text=gold, start=0),),
                    group=f"{language}/{test}/{number}",
                )
            )  # fmt: skip
            predictions.append(SpanPrediction(id=name, text=predicted))
    return examples, predictions


@pytest.mark.parametrize("language", ["en", "de", "sw"])
@pytest.mark.parametrize("name", TESTS)
def test_failure_rates_are_the_official_ones(language, name):
    short = dict(zip(TESTS, ("comp", "intense", "props"), strict=True))[name]
    examples, predictions = made(outcomes(language + name), short, language)
    values = score(TASK, predictions, examples, language)["variants"][""]["success"]["values"]
    assert values[f"error_{short}"] == GOLDEN["rates"][f"{language}|{name}"]
    assert values["success"] == pytest.approx(100 - values[f"error_{short}"])
    assert set(values) == {"success", f"error_{short}"}  # tests that are not there are not there


def test_a_case_fails_by_one_wrong_answer_and_bears_one_share():
    examples, predictions = made([[("A", "A"), ("B", "A"), ("A", "A")], [("A", "A")]], "comp")
    statistics = measure(CHECKLIST, predictions, examples, "en")
    assert statistics[:, 0].tolist() == [0, 0, 0, 1]
    assert total(statistics)[6] == pytest.approx(2)
    assert CHECKLIST.reduce(total(statistics)) == {"success": 50.0, "error_comp": 50.0}


def test_ids_must_name_a_test():
    examples, predictions = made([[("A", "A")]], "zebra")
    with pytest.raises(
        UserError, match=r"expected ids of MultiCheckList such as 'en/comp/1/1'.*zeb"
    ):
        score(TASK, predictions, examples, "en")


def test_headline_is_the_mean_of_tests_however_many_cases_they_have():
    examples, predictions = made([[("A", "A")]] * 3 + [[("B", "A")]], "comp")
    more, others = made([[("A", "A")]], "props")
    statistics = measure(CHECKLIST, [*predictions, *others], [*examples, *more], "en")
    assert CHECKLIST.reduce(total(statistics))["success"] == (75 + 100) / 2
    many = CHECKLIST.of_many(np.stack([total(statistics), total(statistics[:4])]))
    assert many.tolist() == [87.5, 75.0]


# ---------------------------------------------------------------------------- templates

COLUMNS = ["en", "de", "de-placeholders", "de", "de-placeholders", "yo"]
ROWS = {
    "A is COMP than B. Who is more / less COMP?": [
        ("Context", "{first_name} beats {first_name1}, being {adj[0]}.", ""),
        ("Question", "Who loses for not being {adj[1]}?", ""),
        ("Answer", "{first_name1}", ""),
        ("adj", "wittier, witty", ""),
        ("adj", "calmer, calm", ""),
    ],
    "Intensifiers (very, super, extremely) and reducers (somewhat, kinda, etc)?": [
        ("Context", "{first_name} is {very} {s}. {first_name1} is {somewhat} {s}.", "loud, shy"),
        ("Question", "Who is the most {s}?", "loud, shy"),
        ("Answer", "{first_name}", ""),
        ("state", "loud", ""),
        ("state", "shy", ""),
        ("very", "awfully", ""),
        ("somewhat", "hardly", ""),
    ],
    "size, shape, age, color": [
        ("Context", "See {obj[0]}: {obj[1]} is {p.v1} and {p.v2}.", ""),
        ("Question", "What {p.p1} has {obj[1]}?", "color, size"),
        ("Answer", "{p.v1}", ""),
        ("Question", "What {p.p2} has {obj[1]}?", "color, size"),
        ("Answer", "{p.v2}", ""),
        ("obj", "a boat, the boat", ""),
        ("color", "teal", ""),
        ("color", "mauve", ""),
        ("size", "slim", "boat"),
        ("property", "color", ""),
        ("property", "size", ""),
    ],
    "Profession vs nationality": [
        ("Context", "{first_name}, {nationality}, is {profession}.", ""),
        ("Question", "What does {first_name} do?", ""),
        ("Answer", "{profession}", ""),
        ("nationality", "Dutch", ""),
        ("nationality", "Welsh", ""),
        ("profession", "a baker", ""),
    ],
    "Animal vs Vehicle": [
        ("Context", "{first_name} keeps {animal} beside {vehicle}.", ""),
        ("Question", "Which animal does {first_name} keep?", ""),
        ("Answer", "{animal}", ""),
        ("animal", "a goat", ""),
        ("vehicle", "a canoe", ""),
    ],
    "Animal vs Vehicle v2": [
        ("Context", "{first_name} sold {animal}. {first_name2} sold {vehicle}.", ""),
        ("Question", "Who sold an animal?", ""),
        ("Answer", "{first_name}", ""),
    ],
}


def templates(folder, rows=None, columns=COLUMNS):
    """A file of templates whose German is English with an umlaut."""
    lines = ["\t".join(["Field", *columns])]
    for name, own in (rows or ROWS).items():
        lines += [f"Name\t{name}" + "\t" * (len(columns) - 1), "Capability\tany"]
        for kind, text, condition in own:
            # Russian and the like have a second column, which is empty here.
            lines.append("\t".join([kind, text, text, condition, "", "", text]))
        lines.append("\t" * len(columns))
    path = folder / "multichecklist/checklist_templates.tsv"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(lines), encoding="utf-8")
    return path


def by_test(examples):
    """test -> its examples."""
    found = {}
    for example in examples:
        found.setdefault(example.id.split("/")[1], []).append(example)
    return found


def test_suites_are_made_from_templates(tmp_path):
    templates(tmp_path)
    found = by_test(sources.load(TASK, tmp_path, "en", "test").examples)
    assert list(found) == list(metric.TESTS)
    assert {e.answers[0].text for e in found["animal_vehicle"]} == {"a goat"}
    comp = found["comp"][0]
    loser = comp.answers[0].text
    assert comp.context.endswith("wittier.") or comp.context.endswith("calmer.")
    assert comp.context.startswith(comp.context.split(" beats ")[0] + f" beats {loser}, being ")
    assert comp.context[comp.answers[0].start :].startswith(loser)
    assert len({e.group for e in found["profession_nationality"]}) == 200
    props = found["props"]
    assert len({e.group for e in props}) == 200
    assert len(props) == 400
    assert [e.question.split()[1] for e in props[:2]] == ["color", "size"]


def test_no_case_fills_two_gaps_alike(tmp_path):
    templates(tmp_path)
    found = by_test(sources.load(TASK, tmp_path, "en", "test").examples)
    assert 150 < len(found["comp"]) <= 200
    for example in found["comp"]:
        winner, rest = example.context.split(" beats ")
        assert winner != rest.split(",")[0]


def test_a_suite_is_the_same_every_time_and_languages_draw_apart(tmp_path):
    templates(tmp_path)
    one, again, other = (
        [e.context for e in sources.load(TASK, tmp_path, language, "test").examples]
        for language in ("en", "en", "yo")
    )
    assert one == again
    assert one != other  # Yoruba takes English names, in another draw


def test_conditions_choose_words(tmp_path):
    templates(tmp_path)
    found = by_test(sources.load(TASK, tmp_path, "de", "test").examples)
    states = [e.question.removeprefix("Who is the most ")[:-1] for e in found["intense"]]
    assert states[0] == "loud"
    assert states.index("shy") > 50
    assert len(set(states)) == 2
    assert {e.answers[0].text for e in found["props"]} == {"teal", "mauve", "slim"}


def test_all_the_languages_of_the_official_columns_have_names():
    names = multichecklist_templates.first_names()
    assert names["en", "male"][0] == "John"
    assert names["ru", "first_name"][1] == "Татьяна"
    assert ("yo", "male") not in names
    assert set(TASK.languages) == set(LANGUAGES)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            lambda rows: {"Zebras": rows["Animal vs Vehicle"]},
            "expected the name of one of MultiCheckList's six tests, found 'Zebras'",
        ),
        (
            lambda rows: {k: v for k, v in rows.items() if "v2" not in k},
            "expected the templates of the test 'Animal vs Vehicle v2', found none",
        ),
    ],
)
def test_faults_in_templates(tmp_path, change, message):
    templates(tmp_path, change(ROWS))
    with pytest.raises(DataError, match=message.replace("?", r"\?")):
        sources.load(TASK, tmp_path, "en", "test")


def test_a_language_without_a_column(tmp_path):
    templates(tmp_path)
    with pytest.raises(DataError, match=r"expected a column 'zh' in the first line of Multi.*en"):
        sources.load(TASK, tmp_path, "zh", "test")


# ---------------------------------------------------------------------------- published suites


class Suite:
    """Stands for CheckList's TestSuite and MFT, whose pickles hold their attributes."""

    def __init__(self, **state):
        self.__dict__.update(state)


class Trap:
    """What a pickle must never be able to do."""

    def __reduce__(self):
        return (Path.write_text, (Path(TRAP), "sprung"))


TRAP = "trap.txt"


def suite(folder, names=multichecklist_templates.NAMES):
    tests = OrderedDict()
    for name in names:
        tests[name] = Suite(
            data=[[("A goat sleeps.", "Who sleeps?"), ("A goat eats.", "Who eats?")]],
            labels=[["goat", "A goat"]],
            expect=Trap(),
        )
    path = folder / "multichecklist/lang_suites/sw_squad_suite.pkl"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(pickle.dumps(Suite(tests=tests, info={})))
    return path


def test_published_suites_are_read_without_running_them(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    templates(tmp_path)
    suite(tmp_path)
    examples = sources.load(TASK, tmp_path, "sw", "test").examples
    assert [e.id for e in examples[:3]] == ["sw/comp/1/1", "sw/comp/1/2", "sw/intense/1/1"]
    assert examples[1].context == "A goat eats."
    assert examples[1].answers == (Answer(text="A goat", start=0),)
    assert not (tmp_path / TRAP).exists()


def test_faults_in_suites(tmp_path):
    path = suite(tmp_path, multichecklist_templates.NAMES[:2])
    with pytest.raises(DataError, match="expected the test 'size, shape, age, color' in a suite"):
        sources.load(TASK, tmp_path, "sw", "test")
    for content in (b"", b"no pickle", path.read_bytes()[:-40], pickle.dumps([1, 2])):
        path.write_bytes(content)
        with pytest.raises(DataError, match="expected a suite as MultiCheckList publishes them"):
            sources.load(TASK, tmp_path, "sw", "test")


# ---------------------------------------------------------------------------- scoring files


def test_published_predictions_are_scored_line_by_line(tmp_path):
    references = suite(tmp_path)
    predictions = tmp_path / "sw_animal_vehicle_v2_xlmr_preds.txt"
    predictions.write_text("goat\nA goat.\n", encoding="utf-8")
    found = score_files(TASK, predictions, references, "sw")
    assert found["variants"][""]["success"]["values"] == {
        "success": 100.0,
        "error_animal_vehicle_v2": 0.0,
    }
    predictions.write_text("goat\n", encoding="utf-8")
    with pytest.raises(
        DataError, match=r"expected 2 lines, one for each question of the test 'ani"
    ):
        score_files(TASK, predictions, references, "sw")
    other = tmp_path / "sw_zebras_xlmr_preds.txt"
    other.write_text("goat\n", encoding="utf-8")
    with pytest.raises(
        DataError, match=r"expected a name such as de_comp_xlmr_preds\.txt, with one"
    ):
        score_files(TASK, other, references, "sw")


def test_own_predictions_are_scored_against_templates(tmp_path):
    references = templates(tmp_path)
    examples = sources.load(TASK, tmp_path, "en", "test").examples
    predictions = tmp_path / "predictions.json"
    predictions.write_text(json.dumps({e.id: e.answers[0].text for e in examples}))
    values = score_files(TASK, predictions, references, "en")["variants"][""]["success"]["values"]
    assert values == {"success": 100.0, **{f"error_{t}": 0.0 for t in metric.TESTS}}
