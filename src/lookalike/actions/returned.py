"""Recognise pictures that were dropped before and are there again."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from lookalike.model.files import Failure, Returned
from lookalike.model.image import FileEntry
from lookalike.sources.reading import is_one_file
from lookalike.store import open_dropped

__all__ = ["find_returned"]


def find_returned(
    listed: Sequence[FileEntry | Failure], db: str | Path
) -> tuple[tuple[Returned, str], ...]:
    """Find the listed files with bytes that were dropped, each with its path, by id.

    A keeper of the same bytes is left out, and so is a file of these bytes once its keeper is gone:
    it is the last one then.

    Args:
        listed: what the source offers, taken into the collection before.
        db: folder or address of the collection.
    """
    with open_dropped(db) as memory:
        known = memory.came_back()
    found = []
    for entry in listed if known else ():
        dropped = known.get(entry.key) if isinstance(entry, FileEntry) else None
        if dropped is None or not isinstance(entry, FileEntry):
            continue
        if dropped.sha256 == dropped.keeper_sha256 and not os.path.isfile(dropped.keeper):  # noqa: PTH113
            continue
        if is_one_file(dropped.keeper, entry.path):
            continue
        again = Returned(entry.id, dropped.dropped_at, dropped.keeper, dropped.keeper_sha256)
        found.append((again, entry.path))
    return tuple(sorted(found, key=lambda one: one[0].image))
