"""What all tests share: a steady environment, and nothing of the user's own caches."""

from __future__ import annotations

import os

# One thread: tests are small, machines are shared, and sums then have one order.
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
# No test may reach a hub; those that need the packaged model say so with a marker.
os.environ.setdefault("HF_HUB_OFFLINE", "1")
