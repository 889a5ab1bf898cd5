"""Waystation: which stop should a model make between pretraining and its target task?"""

__version__ = "0.1.0"
