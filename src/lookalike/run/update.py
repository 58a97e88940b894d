"""Bring a collection up to date without looking for pairs: ready to be searched."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from lookalike.config import FindConfig, RunConfig
from lookalike.ingest.ingest import ingest
from lookalike.model.files import Failure
from lookalike.retrieval.session import open_searchable
from lookalike.runtime.progress import Progress, silent
from lookalike.runtime.workers import one_core_each
from lookalike.sources import Inputs, ListForm, gone, open_source, watch
from lookalike.store import open_collection
from lookalike.store.location import default_collection

__all__ = ["Updated", "update"]


@dataclass(frozen=True, slots=True)
class Updated:
    """What an update came to.

    Attributes:
        images: readable images that were offered.
        described: of these, contents that were new.
        forgotten: images of listed archives and far places that are not there any more.
        total: images that the collection now has.
        failures: what could not be read, sorted by path.
    """

    images: int
    described: int
    forgotten: int
    total: int
    failures: tuple[Failure, ...]


def update(
    paths: Inputs,
    *,
    db: str | Path | None = None,
    config: RunConfig | None = None,
    form: ListForm | None = None,
    progress: Progress | None = None,
) -> Updated:
    """Bring a collection up to date with folders, archives, addresses or lists.

    What was described before and did not change is not read again.

    Args:
        paths: as for ``find``.
        db: folder or address of the collection; by default the one of ``find``.
        config: what ``search`` will be asked with: its descriptors are made now.
        form: how lists and folders are read.
        progress: called with (stage, done, total).

    Raises:
        ConfigError: something that does not exist, or a setting that cannot work.
        CollectionError: the collection cannot be used.
    """
    config, told = config or FindConfig(), progress or silent
    source = open_source(paths, form or ListForm(read=config.read))
    listed = list(watch(source, told).scan())
    with open_collection(db or default_collection()) as collection, one_core_each():
        catalogue = ingest(listed, collection, config, progress=told)
        missing = gone(source, listed, collection.keys)
        collection.forget(missing)
        total = len(collection.images())
        if total:
            open_searchable(collection, config, progress=told)
    return Updated(
        images=len(catalogue.images),
        described=catalogue.counts["decoded"],
        forgotten=len(missing),
        total=total,
        failures=catalogue.failures,
    )
