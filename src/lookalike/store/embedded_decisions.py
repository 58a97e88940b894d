"""Decisions in a SQLite file of their own, beside the catalogue."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

from lookalike.model.errors import CollectionError
from lookalike.store.decisions import Choices, Decisions
from lookalike.store.location import lies_at
from lookalike.store.trouble import all_or_nothing, told

__all__ = ["EmbeddedDecisions"]

_APPLICATION = 0x6C6F6F64  # "lood"
_SCHEMA = 1
_TABLES = """
CREATE TABLE mark(
  sha256 TEXT NOT NULL, key BLOB NOT NULL, action TEXT NOT NULL,
  PRIMARY KEY(sha256, key)) WITHOUT ROWID;
CREATE TABLE apart(
  low TEXT NOT NULL, high TEXT NOT NULL, made INTEGER NOT NULL,
  PRIMARY KEY(low, high)) WITHOUT ROWID;
CREATE TABLE step(
  id INTEGER PRIMARY KEY AUTOINCREMENT, made INTEGER NOT NULL, words TEXT NOT NULL,
  before TEXT NOT NULL);
CREATE TABLE edition(number INTEGER NOT NULL);
INSERT INTO edition VALUES (0)
"""


class EmbeddedDecisions(Decisions):
    """The decisions of a collection in a folder.

    Args:
        directory: the collection's folder, created when missing.

    Raises:
        CollectionError: the file is foreign, newer, or cannot be written.
    """

    def __init__(self, directory: Path) -> None:
        super().__init__()
        self._path = directory / "decisions.sqlite"
        with self._told():
            directory.mkdir(parents=True, exist_ok=True)
            self._connection = sqlite3.connect(
                self._path, isolation_level=None, timeout=30, check_same_thread=False
            )
            try:
                self._prepare()
            except BaseException:
                self._connection.close()
                raise

    @classmethod
    def with_edition(cls, directory: Path) -> tuple[int, Choices]:
        """Read the decisions of a folder and their edition, without creating anything."""
        if not lies_at(directory / "decisions.sqlite"):
            return 0, Choices()
        with cls(directory) as decisions:
            return decisions.edition, decisions.choices

    def close(self) -> None:
        """Close the file."""
        with self._busy:
            self._connection.close()

    def _rows(self, sql: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        with self._told():
            return self._connection.execute(sql, values).fetchall()

    def _write(self, sql: str, rows: Sequence[Sequence[Any]]) -> None:
        with self._told():
            self._connection.executemany(sql, rows)

    @contextmanager
    def _alone(self) -> Iterator[None]:
        with all_or_nothing(self._connection, self._told):
            yield

    def _prepare(self) -> None:
        run = self._connection.execute
        application = run("PRAGMA application_id").fetchone()[0]
        schema = run("PRAGMA user_version").fetchone()[0]
        run("PRAGMA journal_mode=WAL")
        # decisions are few and precious: they survive a power cut too
        run("PRAGMA synchronous=FULL")
        with all_or_nothing(self._connection, self._told):
            if not run("SELECT count(*) FROM sqlite_master").fetchone()[0]:
                for statement in _TABLES.split(";"):
                    run(statement)
                run(f"PRAGMA application_id={_APPLICATION}")
                run(f"PRAGMA user_version={_SCHEMA}")
            elif application != _APPLICATION or schema > _SCHEMA:
                raise CollectionError(
                    "cannot use the collection's decisions",
                    got=f"{self._path}: application {application:#x}, schema {schema}",
                    expected=f"a file made by lookalike, schema {_SCHEMA} or older",
                    remedy="upgrade lookalike, or choose another --db",
                )

    def _told(self) -> AbstractContextManager[None]:
        return told(
            "the collection's decisions cannot be used",
            self._path,
            damaged="put back a copy of it if there is one; only if not, move decisions.sqlite* "
            "out of this folder and decide anew",
        )
