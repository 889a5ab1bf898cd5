"""Scoring: predictions against gold, with the official metric of the task and its baselines.

`score` works on predictions and examples that carry ids, as every study's score step does;
`score_files` on two files in an official layout or our own, `score_benchmark` on two folders of
them, as `waystation score` does. None needs torch, a GPU or a model. Per-example statistics are
kept, since intervals need them.
"""

from waystation.score.benchmark import score_benchmark
from waystation.score.files import score_files
from waystation.score.scoring import score

__all__ = ["score", "score_benchmark", "score_files"]
