"""Search with every picture of a source: a list of queries, against one collection."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from lookalike.config import FindConfig, RunConfig
from lookalike.model.answer import Answer
from lookalike.model.errors import ConfigError
from lookalike.model.files import Failure
from lookalike.retrieval.query import Question, read_query
from lookalike.retrieval.session import open_searchable, search_in
from lookalike.runtime.progress import Progress, silent
from lookalike.runtime.workers import one_core_each
from lookalike.sources import Inputs, ListForm, open_source
from lookalike.sources.downloads import with_urls
from lookalike.store import open_collection
from lookalike.store.location import default_collection

__all__ = ["search_each"]


def search_each(
    queries: Inputs,
    question: Question,
    *,
    db: str | Path | None = None,
    config: RunConfig | None = None,
    progress: Progress | None = None,
) -> Iterator[Answer | Failure]:
    """Find the images of a collection nearest to each of many pictures.

    Args:
        queries: as for ``find``; each picture is searched with, in the order of their ids.
        question: what is asked with each; its own query does not count.
        db: folder of the collection, filled by ``find``.
        config: as of ``search``.
        progress: called with (stage, done, total).

    Yields:
        The answer, whose query is the path or the URL, or why there is none.

    Raises:
        ConfigError: an empty collection, or a setting that cannot work.
    """
    told = progress or silent
    config = config or FindConfig()
    items = list(open_source(queries, ListForm(read=config.read)).scan())
    with open_collection(db or default_collection()) as collection, one_core_each():
        ready = open_searchable(collection, config, progress=told)
        for done, item in enumerate(items, start=1):
            if isinstance(item, Failure):
                yield item
            else:
                asked = replace(question, query=item.path)
                try:
                    read_query(asked, config)
                except ConfigError as error:
                    yield Failure(item.shown, "read", str(error))
                else:
                    yield replace(with_urls(search_in(asked, ready)), query=item.shown)
            told("search", done, len(items))
