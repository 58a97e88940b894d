"""Finds which images are the same picture, says how each pair is related, and which to keep."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lookalike.model.version import __version__

if TYPE_CHECKING:
    from lookalike.config import FindConfig, InsideConfig
    from lookalike.config.recipes import load_recipe
    from lookalike.datasets import conflicts, leaks, unique
    from lookalike.difference.difference import Difference
    from lookalike.model.answer import Answer
    from lookalike.model.report import Report
    from lookalike.retrieval.focus import Focus
    from lookalike.retrieval.query import Question
    from lookalike.run.collapse import Collapsed, acollapse, collapse
    from lookalike.run.compare import compare, explain_pair
    from lookalike.run.find import find
    from lookalike.run.search import search
    from lookalike.run.update import update

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
    "Collapsed": "lookalike.run.collapse",
    "acollapse": "lookalike.run.collapse",
    "collapse": "lookalike.run.collapse",
    "FindConfig": "lookalike.config",
    "InsideConfig": "lookalike.config",
    "Report": "lookalike.model.report",
    "Difference": "lookalike.difference.difference",
    "compare": "lookalike.run.compare",
    "conflicts": "lookalike.datasets",
    "leaks": "lookalike.datasets",
    "unique": "lookalike.datasets",
    "explain_pair": "lookalike.run.compare",
    "find": "lookalike.run.find",
    "search": "lookalike.run.search",
    "update": "lookalike.run.update",
    "Answer": "lookalike.model.answer",
    "Focus": "lookalike.retrieval.focus",
    "Question": "lookalike.retrieval.query",
    "load_recipe": "lookalike.config.recipes",
}


def __getattr__(name: str) -> Any:
    """Load what is asked for when it is asked for, so that importing costs nothing."""
    if name not in _HOMES:
        raise AttributeError(f"module 'lookalike' has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(_HOMES[name]), name)
