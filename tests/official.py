"""Where tests find official data, which may be absent; and what the official test expects."""

from __future__ import annotations

import os
from pathlib import Path

DATA = Path(
    os.environ.get("WAYSTATION_DATA", Path(__file__).parents[1] / "../shared/data")
).resolve()
ABSENT = "official data not here (set WAYSTATION_DATA)"

# google-research/xtreme@838c13b, evaluate_test.py: averages over languages.
PUBLISHED = {
    "pawsx": {"accuracy": 51.42857142857143},
    "xnli": {"accuracy": 30.666666666666668},
    "panx": {
        "f1": 57.50793650793652,
        "precision": 54.729166666666664,
        "recall": 62.750000000000014,
    },
    "udpos": {
        "f1": 70.21746048354693,
        "precision": 71.02232625883823,
        "recall": 69.54982073976082,
    },
    "bucc2018": {"f1": 55.0, "precision": 55.0, "recall": 55.0},
    "tatoeba": {"accuracy": 53.611111111111114},
    "xquad": {"exact_match": 77.27272727272727, "f1": 79.9586776859504},
    "mlqa": {"exact_match": 57.142857142857146, "f1": 81.76870748299321},
    "tydiqa": {"exact_match": 88.88888888888889, "f1": 97.22222222222223},
    "mewslix": {"map@20": 14.39025156130419},
}
