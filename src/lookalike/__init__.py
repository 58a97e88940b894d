"""Finds which images are the same picture, says how each pair is related, and which to keep."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lookalike.collapsing import Collapsed, acollapse, collapse
    from lookalike.config import FindConfig, InsideConfig
    from lookalike.datasets import conflicts, leaks, unique
    from lookalike.difference import Difference
    from lookalike.focus import Focus
    from lookalike.pipeline import compare, explain_pair, find, search
    from lookalike.recipes import load_recipe
    from lookalike.retrieval import Question
    from lookalike.types import Answer, Report
    from lookalike.updating import update

__version__ = "0.1.0"
__all__ = [
    "Answer",
    "Collapsed",
    "Difference",
    "FindConfig",
    "Focus",
    "InsideConfig",
    "Question",
    "Report",
    "__version__",
    "acollapse",
    "collapse",
    "compare",
    "conflicts",
    "explain_pair",
    "find",
    "leaks",
    "load_recipe",
    "search",
    "unique",
    "update",
]

_HOMES = {
    "Collapsed": "lookalike.collapsing",
    "acollapse": "lookalike.collapsing",
    "collapse": "lookalike.collapsing",
    "FindConfig": "lookalike.config",
    "InsideConfig": "lookalike.config",
    "Report": "lookalike.types",
    "Difference": "lookalike.difference",
    "compare": "lookalike.pipeline",
    "conflicts": "lookalike.datasets",
    "leaks": "lookalike.datasets",
    "unique": "lookalike.datasets",
    "explain_pair": "lookalike.pipeline",
    "find": "lookalike.pipeline",
    "search": "lookalike.pipeline",
    "update": "lookalike.updating",
    "Answer": "lookalike.types",
    "Focus": "lookalike.focus",
    "Question": "lookalike.retrieval",
    "load_recipe": "lookalike.recipes",
}


def __getattr__(name: str) -> Any:
    """Load what is asked for when it is asked for, so that importing costs nothing."""
    if name not in _HOMES:
        raise AttributeError(f"module 'lookalike' has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(_HOMES[name]), name)
