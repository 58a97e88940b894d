"""Decisions and dropped pictures at a server, shared by everyone."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager
from typing import Any

from lookalike.store.closing import Closing
from lookalike.store.decisions import Decisions
from lookalike.store.dropped import Dropped
from lookalike.store.location import Server
from lookalike.store.postgres.session import Session

__all__ = ["PostgresDecisions", "PostgresDropped"]

_CAME_BACK = """
SELECT file.key, dropped.sha256, path, dropped_at, keeper, keeper_sha256 FROM dropped
JOIN content ON content.sha256 = dropped.sha256 JOIN file ON file.content = content.id
WHERE machine IN ('', %s) ORDER BY file.key, dropped_at
"""
_DROP = """
INSERT INTO dropped(sha256, path, dropped_at, keeper, keeper_sha256) VALUES (%s, %s, %s, %s, %s)
ON CONFLICT(sha256, path) DO UPDATE SET
dropped_at = excluded.dropped_at, keeper = excluded.keeper, keeper_sha256 = excluded.keeper_sha256
"""


class PostgresDecisions(Decisions):
    """The decisions of a collection at a server.

    Args:
        server: where.

    Raises:
        CollectionError: the server cannot be reached, refuses, or holds something else.
    """

    def __init__(self, server: Server) -> None:
        super().__init__()
        self._session = Session(server)

    def close(self) -> None:
        """Close the connection."""
        with self._busy:
            self._session.close()

    def _rows(self, sql: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        return self._session.rows(sql.replace("?", "%s"), values)

    def _write(self, sql: str, rows: Sequence[Sequence[Any]]) -> None:
        self._session.write(sql.replace("?", "%s"), rows)

    def _alone(self) -> AbstractContextManager[None]:
        return self._session.writing()


class PostgresDropped(Closing):
    """The dropped pictures of a collection at a server.

    Args:
        server: where.

    Raises:
        CollectionError: the server cannot be reached, refuses, or holds something else.
    """

    def __init__(self, server: Server) -> None:
        self._session = Session(server)
        self._machine = server.machine

    def close(self) -> None:
        """Close the connection."""
        self._session.close()

    def update(self, dropped: Iterable[Dropped], brought_back: Iterable[Dropped]) -> None:
        """Remember pictures that went, and forget those that an undo brought back."""
        with self._session.writing():
            self._session.write(
                "DELETE FROM dropped WHERE sha256 = %s AND path = %s",
                [(one.sha256, os.fsencode(one.path)) for one in brought_back],
            )
            self._session.write(
                _DROP,
                [
                    (
                        one.sha256,
                        os.fsencode(one.path),
                        one.dropped_at,
                        os.fsencode(one.keeper),
                        one.keeper_sha256,
                    )
                    for one in dropped
                ],
            )

    def came_back(self) -> dict[str, Dropped]:
        """List files of this machine with the bytes of a dropped picture, by key."""
        return {
            os.fsdecode(key): Dropped(sha, os.fsdecode(path), when, os.fsdecode(keeper), keeper_sha)
            for key, sha, path, when, keeper, keeper_sha in self._session.rows(
                _CAME_BACK, (self._machine,)
            )
        }
