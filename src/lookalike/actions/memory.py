"""Record in the collection what a journal did."""

from __future__ import annotations

from pathlib import Path

from lookalike.actions.journal import Entry, collection_of, read_journal
from lookalike.store import Dropped, open_dropped

__all__ = ["remember"]

_STAYS = ("hardlink", "reflink")


def remember(journal: Path) -> None:
    """Bring the collection's memory of dropped pictures up to a journal; may be repeated.

    Args:
        journal: of ``apply_plan`` or ``undo``, finished or interrupted.

    Raises:
        ActionError: not a journal.
        CollectionError: the collection cannot be written.
    """
    collection = collection_of(journal)
    if not collection:
        return
    entries = [e for e in read_journal(journal).values() if e.moves[0].kind not in _STAYS]
    with open_dropped(collection) as memory:
        memory.update(
            [_dropped(entry) for entry in entries if entry.state == "done"],
            [_dropped(entry) for entry in entries if entry.state == "undone"],
        )


def _dropped(entry: Entry) -> Dropped:
    return Dropped(entry.sha256, entry.path, entry.when, entry.keeper, entry.keeper_sha256)
