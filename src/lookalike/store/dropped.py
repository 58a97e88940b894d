"""Remember dropped pictures, so that one that comes back is recognised by its bytes.

In a folder's catalogue this is a table of its own, made when it is first needed; collections
without it stay as they are. SQLite allows one writer at a time.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from lookalike.model.errors import CollectionError
from lookalike.store.catalogue import Catalogue
from lookalike.store.closing import Closing

__all__ = ["Dropped", "DroppedPictures", "EmbeddedDropped"]

_TABLE = """
CREATE TABLE IF NOT EXISTS dropped(
  sha256 TEXT NOT NULL, path BLOB NOT NULL, dropped_at TEXT NOT NULL, keeper BLOB NOT NULL,
  keeper_sha256 TEXT NOT NULL, PRIMARY KEY(sha256, path)) WITHOUT ROWID
"""
_CAME_BACK = """
SELECT key, dropped.sha256, path, dropped_at, keeper, keeper_sha256 FROM dropped
JOIN content ON content.sha256 = dropped.sha256 JOIN file ON file.content = content.id
ORDER BY key, dropped_at
"""


@dataclass(frozen=True, slots=True)
class Dropped:
    """One picture that was dropped.

    Attributes:
        sha256: hex digest of its bytes.
        path: where it lay.
        dropped_at: UTC, ISO 8601.
        keeper: path of the picture that stayed for it.
        keeper_sha256: hex digest of that one's bytes.
    """

    sha256: str
    path: str
    dropped_at: str
    keeper: str
    keeper_sha256: str


class DroppedPictures(Closing, Protocol):
    """The dropped pictures of a collection; may be open beside the collection itself."""

    def update(self, dropped: Iterable[Dropped], brought_back: Iterable[Dropped]) -> None:
        """Remember pictures that went, and forget those that an undo brought back."""
        ...

    def came_back(self) -> dict[str, Dropped]:
        """List files of the collection with the bytes of a dropped picture, by key.

        Of several drops of the same bytes the latest counts.
        """
        ...


class EmbeddedDropped(Closing):
    """The dropped pictures of a collection in a folder.

    Args:
        directory: of the collection; created when missing.

    Raises:
        CollectionError: it cannot be opened or written.
    """

    def __init__(self, directory: Path) -> None:
        try:
            directory.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise CollectionError.of_system(
                "the collection's memory of dropped pictures cannot be used",
                directory,
                error,
                elsewhere="choose another --db",
            ) from error
        self._catalogue = Catalogue(directory / "catalogue.sqlite")

    def close(self) -> None:
        """Close the connection."""
        self._catalogue.close()

    def update(self, dropped: Iterable[Dropped], brought_back: Iterable[Dropped]) -> None:
        """Remember pictures that went, and forget those that an undo brought back."""
        with self._catalogue.transaction():
            self._catalogue.write(_TABLE, [()])
            self._catalogue.write(
                "DELETE FROM dropped WHERE sha256 = ? AND path = ?",
                ((one.sha256, os.fsencode(one.path)) for one in brought_back),
            )
            self._catalogue.write(
                "INSERT OR REPLACE INTO dropped VALUES (?,?,?,?,?)",
                (
                    (
                        one.sha256,
                        os.fsencode(one.path),
                        one.dropped_at,
                        os.fsencode(one.keeper),
                        one.keeper_sha256,
                    )
                    for one in dropped
                ),
            )

    def came_back(self) -> dict[str, Dropped]:
        """List files of the collection with the bytes of a dropped picture, by key."""
        known = self._catalogue.rows("SELECT 1 FROM sqlite_master WHERE name = 'dropped'")
        rows = self._catalogue.rows(_CAME_BACK) if known else []
        return {
            os.fsdecode(key): Dropped(sha, os.fsdecode(path), when, os.fsdecode(keeper), keeper_sha)
            for key, sha, path, when, keeper, keeper_sha in rows
        }
