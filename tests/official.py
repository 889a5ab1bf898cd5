"""Where tests find official data; it is no part of the repository and may be absent."""

from __future__ import annotations

import os
from pathlib import Path

DATA = Path(
    os.environ.get("WAYSTATION_DATA", Path(__file__).parents[1] / "../shared/data")
).resolve()
ABSENT = "official data not here (set WAYSTATION_DATA)"
