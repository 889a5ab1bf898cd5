"""Reports as numbers, terminal tables, Markdown, CSV and JSON."""

from __future__ import annotations

import csv
import io
import itertools
import json
import re
from importlib import resources

import pytest
from rich.console import Console

from synthetic_results import quick, renamed, synthetic
from waystation.errors import UserError
from waystation.languages import LANGUAGES
from waystation.report import Analysis, analyse, axis, families, numbers, plots, render, show


@pytest.fixture(scope="module")
def whole() -> Analysis:
    return quick(targets=("xnli", "udpos", "xcopa", "tatoeba"), seeds=(0, 1, 2, 3), items=300)


@pytest.fixture(scope="module")
def faulty() -> Analysis:
    return quick(faults=True)


@pytest.mark.parametrize(
    ("value", "text"),
    [(11.52, "+11.5"), (-0.4, "−0.4"), (-0.04, "0.0"), (0.04, "0.0"), (0.0, "0.0"), (None, "–")],
)
def test_points(value: float | None, text: str) -> None:
    assert numbers.points(value) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.4, "0.4 s"), (42, "42 s"), (59.7, "1 min 00 s"), (185, "3 min 05 s"), (7620, "2 h 07 min")],
)
def test_duration(seconds: float, text: str) -> None:
    assert numbers.duration(seconds) == text


def test_numbers() -> None:
    assert numbers.interval(-1.25, 3.0) == "[−1.2, +3.0]"
    assert numbers.interval(None, 3.0) == ""
    assert numbers.interval(float("-inf"), float("inf")) == "[−∞, +∞]"
    assert numbers.memory(2_400_000_000) == "2.4 GB"
    assert numbers.memory(0) == "–"
    assert numbers.variant("8/mean") == "layer 8, mean pooling"
    assert numbers.variant("test/one") == "test/one"
    assert numbers.language_name("de") == "German (de)"
    assert numbers.language_name("x-klingon") == "x-klingon"
    assert numbers.listing(["a", "b", "c"]) == "a, b and c"
    assert numbers.count(1, "seed") == "1 seed"
    assert numbers.count(2, "seed") == "2 seeds"


def test_ticks_are_round_and_cover() -> None:
    assert axis.ticks(-3.0, 12.0) == [0.0, 5.0, 10.0]
    assert axis.ticks(-70.0, 1.0) == [-60.0, -40.0, -20.0, 0.0]


def test_labels_at_line_ends_do_not_overlap() -> None:
    placed = plots.spread([50.0, 51.0, 52.0, 99.0], 14.0, 0.0, 100.0)
    ordered = sorted(placed)
    assert all(b - a >= 13.99 for a, b in itertools.pairwise(ordered))
    assert ordered[-1] <= 100.0


def test_one_wide_interval_does_not_flatten_the_others() -> None:
    bounds = [(1.0, -1.0, 3.0), (0.0, -2.0, 2.0), (2.0, 0.0, 4.0), (1.0, -499.0, 501.0)]
    span = axis.Axis(*axis.domain(bounds))
    assert span.low > -20
    assert span.high < 20
    assert [span.at(-499.0), span.at(501.0)] == ["0", "100"]


def test_languages_come_by_family_and_script() -> None:
    found = families.grouped(["zh-Hant", "ru", "de", "x-klingon", "hi", "zh", "tr"])
    assert [family for family, _ in found] == [
        "Indo-European", "Sino-Tibetan", "Turkic", "Other",
    ]  # fmt: skip
    assert [(r.name, r.script) for r in found[0][1]] == [
        ("Russian", "Cyrillic"), ("Hindi", "Devanagari"), ("German", "Latin"),
    ]  # fmt: skip
    assert [r.script for r in found[1][1]] == ["Chinese", "Chinese, traditional"]
    assert found[3][1][0].name == "x-klingon"


def test_every_script_of_the_table_has_a_name() -> None:
    assert {row.script for row in LANGUAGES.values()} <= set(families.SCRIPTS)


def test_curves_keep_their_ends_when_thinned() -> None:
    line = [(float(x), float(-x)) for x in range(1, 1001)]
    kept = plots.thinned(line)
    assert len(kept) <= 61
    assert (kept[0], kept[-1]) == (line[0], line[-1])
    assert plots.thinned(line[:60]) == line[:60]


def printed(analysis: Analysis, **options: object) -> str:
    out = io.StringIO()
    show(analysis, Console(file=out, **options))  # type: ignore[arg-type]
    return out.getvalue()


def test_terminal_fits_a_hundred_columns_and_is_plain_when_piped(faulty: Analysis) -> None:
    text = printed(faulty, width=160)
    assert max(map(len, text.splitlines())) <= 100
    assert "\x1b" not in text
    for word in ("▲", "▼", "not measured", "majority", "layer 8", faulty.parts[0].target):
        assert word in text
    assert "\x1b" in printed(faulty, width=100, force_terminal=True)


def test_terminal_splits_many_targets_over_tables() -> None:
    results = synthetic(targets=("xnli", "udpos", "pawsx", "xcopa", "tatoeba"), seeds=(0, 1))
    text = printed(analyse(results, resamples=50), width=80)
    assert max(map(len, text.splitlines())) <= 80
    assert text.count("Gains in points over no stop") == 2


def test_terminal_names_failed_steps(faulty: Analysis) -> None:
    text = " ".join(printed(faulty).split())
    assert "failed: train commonsenseqa>udpos@1: expected 2.1 GB of free memory" in text
    assert "75 steps did not run." in text


def test_terminal_prints_names_with_brackets_as_they_are() -> None:
    results = renamed(synthetic(targets=("xnli",), seeds=(0, 1), items=40), "[bold]x[/bold]")
    assert "[bold]x[/bold]" in printed(analyse(results, resamples=50))


def test_markdown_tables_are_rectangular(faulty: Analysis) -> None:
    text = render(faulty.results, "md", faulty)
    tables = re.findall(r"(?:^\|.*\n)+", text, flags=re.M)
    assert len(tables) >= 8
    for table in tables:
        assert len({len(re.findall(r"(?<!\\)\|", line)) for line in table.splitlines()}) == 1
    assert "not measured" in text
    assert "German (de)" in text
    assert "layer 8, mean pooling (in the grid" in text
    assert "English (en) (fine-tuned on)" in text


def test_csv_has_every_value_and_nothing_else(faulty: Analysis) -> None:
    rows = list(csv.DictReader(io.StringIO(render(faulty.results, "csv"))))
    assert len(rows) == len(faulty.results.scores)
    first = faulty.results.scores[0]
    assert float(rows[0]["value"]) == first.values["accuracy"]
    assert (rows[0]["stop"], rows[0]["language"], rows[0]["items"]) == ("none", "en", "200")
    assert not any(r["target"] == "xnli" and r["stop"] == "nli+commonsenseqa" for r in rows)


def schema() -> dict[str, object]:
    path = resources.files("waystation.report") / "report_schema.json"
    return json.loads(path.read_text("utf-8"))  # type: ignore[no-any-return]


TYPES = {
    "object": dict, "array": list, "string": str, "boolean": bool, "integer": int,
    "number": (int, float), "null": type(None),
}  # fmt: skip
KNOWN = {
    "$schema", "$defs", "$ref", "title", "description", "type", "required", "properties",
    "additionalProperties", "items", "enum", "const", "anyOf",
}  # fmt: skip


def faults_of(value: object, rule: dict, root: dict, where: str = "$") -> list[str]:
    """What of `value` breaks the schema; knows the keywords of ours and no others."""
    assert set(rule) <= KNOWN, f"{where}: {set(rule) - KNOWN}"
    if "$ref" in rule:
        rule = root["$defs"][rule["$ref"].rpartition("/")[2]]
    if "anyOf" in rule:
        tried = [faults_of(value, one, root, where) for one in rule["anyOf"]]
        return [] if any(not t for t in tried) else tried[-1]
    wanted = rule.get("type", [])
    wanted = [wanted] if isinstance(wanted, str) else wanted
    if wanted and not any(
        isinstance(value, TYPES[t]) and (t == "boolean" or not isinstance(value, bool))
        for t in wanted
    ):
        return [f"{where}: expected {wanted}, found {value!r}"]
    if "enum" in rule and value not in rule["enum"]:
        return [f"{where}: {value!r} is not one of {rule['enum']}"]
    if "const" in rule and value != rule["const"]:
        return [f"{where}: {value!r} is not {rule['const']}"]
    found = []
    if isinstance(value, dict):
        known, other = rule.get("properties", {}), rule.get("additionalProperties", True)
        found += [f"{where}.{k} is missing" for k in rule.get("required", []) if k not in value]
        for key, inner in value.items():
            if key in known or isinstance(other, dict):
                found += faults_of(inner, known.get(key, other), root, f"{where}.{key}")
            elif not other:
                found.append(f"{where}.{key} is unknown")
    if isinstance(value, list) and "items" in rule:
        for number, inner in enumerate(value):
            found += faults_of(inner, rule["items"], root, f"{where}[{number}]")
    return found


def test_json_follows_its_schema(faulty: Analysis, whole: Analysis) -> None:
    rule = schema()
    for analysis in (faulty, whole, quick(targets=("xnli",), seeds=(0,), items=12)):
        document = json.loads(render(analysis.results, "json", analysis))
        assert faults_of(document, rule, rule) == []
    document["targets"][0]["gains"][0]["gain"]["low"] = "0"
    del document["targets"][0]["sentence"]
    assert len(faults_of(document, rule, rule)) == 2


def test_json_has_gains_and_nulls(faulty: Analysis) -> None:
    document = json.loads(render(faulty.results, "json", faulty))
    cells = {
        (t["target"], c["stop"]): c for t in document["targets"] for c in t["gains"] if c["in_grid"]
    }
    assert len(cells) == 12
    missing = cells["xnli", "nli+commonsenseqa"]
    assert (missing["gain"], missing["score"], missing["verdict"]) == (None, None, "missing")
    loss = cells["tatoeba", "nli"]
    assert loss["verdict"] == "loss"
    assert loss["gain"]["high"] < 0
    assert loss["adjusted_p"] < 0.05


def test_unknown_format_is_one_sentence() -> None:
    with pytest.raises(UserError, match=r"expected a report format out of html, .*found 'htm'"):
        render(synthetic(targets=("xnli",), seeds=(0,)), "htm")
