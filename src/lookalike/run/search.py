"""Search a collection for one picture."""

from __future__ import annotations

from pathlib import Path

from lookalike.config import FindConfig, RunConfig
from lookalike.model.answer import Answer
from lookalike.retrieval.query import Question
from lookalike.retrieval.session import search_collection
from lookalike.runtime.progress import Progress, silent
from lookalike.runtime.workers import one_core_each
from lookalike.sources.downloads import with_urls
from lookalike.store import open_collection
from lookalike.store.location import default_collection

__all__ = ["search"]


def search(
    question: str | Path | Question,
    *,
    db: str | Path | None = None,
    config: RunConfig | None = None,
    progress: Progress | None = None,
) -> Answer:
    """Find the images of a collection nearest to a picture, in it or not.

    Args:
        question: path or address of a picture, or a ``Question`` that also says how many hits,
            ranked by which metrics, and which part of the picture counts.
        db: folder or address of the collection, filled by ``find``.
        config: the cascade (verified copies first), or a recipe's published system.
        progress: called with (stage, done, total).

    Raises:
        ConfigError: an unreadable query, an empty collection, or a setting that cannot work.
    """
    asked = question if isinstance(question, Question) else Question(question)
    with open_collection(db or default_collection()) as collection, one_core_each():
        answer = search_collection(
            asked, collection, config or FindConfig(), progress=progress or silent
        )
    return with_urls(answer)
