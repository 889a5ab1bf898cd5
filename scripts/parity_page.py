"""Writes the tables of docs/parity.md: our values beside those that official scripts gave.

    WAYSTATION_XTREME=XTREME python scripts/parity_page.py

Official values are those of tests/parity/golden.json; ours are computed here, on the same items.
Needs the data folder (`WAYSTATION_DATA`) and a checkout of google-research/xtreme for the rows of
real files and of the mock submission; a test computes again what it can and compares.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from functools import reduce
from operator import add
from pathlib import Path
from typing import Any, Final

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT / "tests")]

from parity import perturbed  # noqa: E402
from parity.cases import CASES, GOLDEN, Case, ours  # noqa: E402
from waystation.score import score_files  # noqa: E402
from waystation.task import get  # noqa: E402

PAGE = ROOT / "docs" / "parity.md"
BEGIN, END = "<!-- Written by scripts/parity_page.py. -->\n", "<!-- End. -->\n"
XTREME = os.environ.get("WAYSTATION_XTREME", "")
FUNCTIONS: Final = {
    "accuracy": "`evaluate.py` accuracy",
    "choice": "`evaluate.py` accuracy",
    "seqeval 0.0.12": "`evaluate.py` f1, seqeval 0.0.12",
    "seqeval 1.2.2": "`evaluate.py` f1, seqeval 1.2.2",
    "squad": "`third_party/evaluate_squad.py`",
    "squad-v2": "SQuAD's `evaluate-v2.0.py`",
    "mlqa": "`third_party/evaluate_mlqa.py` and MLQA's `mlqa_evaluation_v1.py`",
    "positions": "`evaluate.py` accuracy",
    "pairs": "`evaluate.py` bucc_f1",
    "threshold": "`third_party/utils_retrieve.py` bucc_optimize, bucc_extract",
    "lareqa": "`third_party/utils_lareqa.py` average_precision_at_k",
    "mewslix": "`third_party/utils_mewslix.py` evaluate",
}
NAMES: Final = {
    "labels": "seeded labels",
    "options": "seeded options",
    "upos": "seeded UPOS tags",
    "bio": "seeded B-/I-/O tags",
    "bioes": "seeded tags of other schemes",
    "questions": "seeded questions in seven languages",
    "positions": "seeded positions",
    "pairs": "seeded pairs",
    "rankings": "seeded rankings",
    "entities": "seeded entities",
    "mlqa-rules": "xquad, by MLQA's rules",
}
HEADER: Final = (
    "| Official function | Items | Number | Value | Ours | Official | Difference |\n"
    "| --- | --- | ---: | --- | ---: | ---: | ---: |\n"
)


def rows(real: bool) -> Iterator[str]:
    """The rows of perturbed items; those of real files only where they are here."""
    for case in CASES:
        if case.real == real and not (real and missing(case)):
            golden = GOLDEN["cases"][case.name]
            mine = {part: ours(case, part) for part in case.parts}
            what = NAMES.get(case.task, case.task)
            if real:
                what = f"{what} ({' '.join(case.parts)})"
            number = sum(golden["items"].values())
            yield row(FUNCTIONS[case.scorer], what, number, mine, golden["values"])


def missing(case: Case) -> bool:
    """Whether a file of a case is not here."""
    paths = perturbed.FILES[case.task].values()
    return not all((perturbed.DATA / path).exists() for path in paths)


def mock_rows() -> Iterator[str]:
    """XTREME's mock submission through `score_files`; nothing without a checkout."""
    folder = Path(XTREME) / "mock_test_data"
    for task, releases in GOLDEN["mock"].items() if XTREME else ():
        suffix = "json" if task in ("xquad", "mlqa", "tydiqa", "mewslix") else "tsv"
        for release, official in releases.items():
            mine, number = {}, 0
            for language in official:
                name = f"{task}/test-{language}.{suffix}"
                predictions, gold = folder / "predictions" / name, folder / "labels" / name
                found: Any = score_files(get(task), predictions, gold, language)
                number += found["count"]
                metrics = found["variants"][""]
                newer = metrics.get("f1_seqeval1") if release == "1.2.2" else None
                values = (newer or metrics[get(task).headline])["values"]
                mine[language] = {k.removesuffix("_seqeval1"): v for k, v in values.items()}
            script = f"`evaluate.py`, seqeval {release}" if release else "`evaluate.py`"
            what = f"{task}, {len(official)} languages"
            yield row(script, what, number, mine, official)


def row(function: str, what: str, number: int, mine: Any, official: Any) -> str:
    """One row: the mean of the first value over parts, and the largest difference of any value."""
    first = next(iter(official.values()))
    name = next(key for key in ("f1", *first) if not isinstance(first.get(key, ""), str))
    means = [mean([v[name] for v in values.values()]) for values in (mine, official)]
    differences = [0.0]
    for part, values in official.items():
        for key, value in values.items():
            if isinstance(value, str):
                assert mine[part][key] == value, f"{function} {what} {part} {key}"
            else:
                differences.append(abs(mine[part][key] - value))
    cells = (
        function,
        what,
        number,
        name,
        *means,
        f"{max(differences):.1e}".replace("0.0e+00", "0"),
    )
    return f"| {' | '.join(str(cell) for cell in cells)} |\n"


def mean(values: Sequence[float]) -> float:
    """Added from first to last, which `sum` does not do from Python 3.12 on."""
    return reduce(add, values) / len(values)


def tables() -> str:
    """All that stands between the marks."""
    parts = (
        ("### Perturbed gold of real files", rows(real=True)),
        ("### Items made by seed", rows(real=False)),
        ("### XTREME's own mock submission", mock_rows()),
    )
    return "\n" + "\n".join(f"{head}\n\n{HEADER}{''.join(body)}" for head, body in parts) + "\n"


def main() -> None:
    """Writes the page; stops where rows would be missing."""
    absent = [case.task for case in CASES if case.real and missing(case)]
    if absent or not XTREME:
        sys.exit(f"expected the data folder and WAYSTATION_XTREME, missing: {absent or 'XTREME'}")
    before, _, rest = PAGE.read_text(encoding="utf-8").partition(BEGIN)
    PAGE.write_text(before + BEGIN + tables() + END + rest.partition(END)[2], encoding="utf-8")


if __name__ == "__main__":
    main()
