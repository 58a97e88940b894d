"""Open what ``--db`` names, in a folder or at a server."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from lookalike.model.errors import ConfigError
from lookalike.store.collection import Collection
from lookalike.store.decisions import Choices, Decisions
from lookalike.store.dropped import DroppedPictures, EmbeddedDropped
from lookalike.store.embedded import EmbeddedCollection
from lookalike.store.embedded_decisions import EmbeddedDecisions
from lookalike.store.location import Server, lies_at, locate, name_of

__all__ = ["choices_of", "holds_anything", "open_collection", "open_decisions", "open_dropped"]

_LOG = logging.getLogger(__name__)
Opened = TypeVar("Opened")


def open_collection(db: str | Path) -> Collection:
    """Open a collection, or create it.

    Args:
        db: its folder, or ``postgresql://user@host/database``.

    Raises:
        ConfigError: a server, and the extra ``postgres`` is not installed.
        CollectionError: in use by another process (a folder), not reachable (a server), foreign,
            newer, or not writable.
    """
    return _opened(db, EmbeddedCollection, "PostgresCollection")


def open_decisions(db: str | Path) -> Decisions:
    """Open the decisions of a collection; raises as ``open_collection``."""
    return _opened(db, EmbeddedDecisions, "PostgresDecisions")


def open_dropped(db: str | Path) -> DroppedPictures:
    """Open the dropped pictures of a collection; raises as ``open_collection``."""
    return _opened(db, EmbeddedDropped, "PostgresDropped")


def choices_of(db: str | Path) -> Choices:
    """Read what was decided in a collection, without creating anything in a folder."""
    place = locate(db)
    if isinstance(place, Server):
        with open_decisions(db) as decisions:
            return decisions.choices
    return EmbeddedDecisions.with_edition(place)[1]


def holds_anything(db: str | Path) -> bool:
    """Whether a collection may exist there; creates nothing."""
    place = locate(db)
    return isinstance(place, Server) or lies_at(place / "catalogue.sqlite")


def _opened(db: str | Path, embedded: Callable[[Path], Opened], at_server: str) -> Opened:
    place = locate(db)
    _LOG.info("opening %s", name_of(db))
    if isinstance(place, Server):
        opened: Opened = getattr(_postgres(), at_server)(place)
        return opened
    return embedded(place)


def _postgres() -> Any:
    """Import the server store, where it is used."""
    try:
        import lookalike.store.postgres as found
    except ImportError as error:
        raise ConfigError(
            "a collection at a server needs more packages",
            got=str(error),
            remedy="pip install 'lookalike[postgres]'",
        ) from error
    return found
