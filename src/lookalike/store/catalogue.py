"""The SQLite catalogue of a collection: its schema, and the one place with its SQL."""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

from lookalike.model.errors import CollectionError
from lookalike.store.records import FROM_SCHEMA_1
from lookalike.store.trouble import all_or_nothing, told

__all__ = ["Catalogue"]

_LOG = logging.getLogger(__name__)
_APPLICATION = 0x6C6F6F6B  # "look"
_SCHEMA = 2
_TABLES = """
CREATE TABLE content(
  id INTEGER PRIMARY KEY, sha256 TEXT NOT NULL UNIQUE, n_bytes INTEGER NOT NULL,
  width INTEGER NOT NULL, height INTEGER NOT NULL, format TEXT NOT NULL,
  lossless INTEGER NOT NULL, exif_fields INTEGER NOT NULL, sharpness REAL NOT NULL,
  low_information INTEGER NOT NULL, damage TEXT,
  transparent BOOLEAN NOT NULL DEFAULT FALSE, pixel_digest TEXT);
CREATE TABLE file(
  key BLOB PRIMARY KEY, n_bytes INTEGER NOT NULL, modified_ns INTEGER NOT NULL,
  device BLOB NOT NULL, inode BLOB NOT NULL, kind TEXT NOT NULL, content INTEGER REFERENCES content,
  stage TEXT NOT NULL, message TEXT NOT NULL) WITHOUT ROWID;
CREATE INDEX file_content ON file(content);
CREATE TABLE spec(
  id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, key TEXT NOT NULL, dtype TEXT NOT NULL,
  row_width INTEGER NOT NULL, committed INTEGER NOT NULL DEFAULT 0);
CREATE TABLE descriptor(
  spec INTEGER NOT NULL REFERENCES spec, content INTEGER NOT NULL REFERENCES content,
  row INTEGER NOT NULL, count INTEGER NOT NULL, PRIMARY KEY(spec, content)) WITHOUT ROWID;
CREATE TABLE verdict(
  verifier TEXT NOT NULL, query TEXT NOT NULL, ref TEXT NOT NULL, verification TEXT,
  PRIMARY KEY(verifier, query, ref)) WITHOUT ROWID;
CREATE TABLE report(
  fingerprint TEXT PRIMARY KEY, made INTEGER NOT NULL, body BLOB NOT NULL);
"""
_CHUNK = 500


class Catalogue:
    """An open SQLite catalogue; used from one thread.

    WAL with ``synchronous=NORMAL`` never corrupts: a power cut can only undo the last commits,
    and rows that were appended for them are cut off again.

    Args:
        path: the database file, created when missing.

    Raises:
        CollectionError: not a catalogue of ours, of a newer schema, or not readable.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        with self._told("cannot open the collection's catalogue"):
            self._connection = sqlite3.connect(path, isolation_level=None, timeout=30)
            try:
                self._prepare()
            except BaseException:
                self._connection.close()
                raise

    def _prepare(self) -> None:
        run = self._connection.execute
        application = run("PRAGMA application_id").fetchone()[0]
        schema = run("PRAGMA user_version").fetchone()[0]
        tables = run("SELECT count(*) FROM sqlite_master").fetchone()[0]
        if tables and application != _APPLICATION:
            raise CollectionError(
                "this is not a lookalike collection",
                got=str(self._path),
                remedy="choose an empty folder for --db",
            )
        if schema > _SCHEMA:
            raise CollectionError(
                "the collection was made by a newer lookalike",
                got=f"schema {schema}",
                expected=f"schema {_SCHEMA} or older",
                remedy="upgrade lookalike, or choose another --db",
            )
        run("PRAGMA journal_mode=WAL")
        run("PRAGMA synchronous=NORMAL")
        if not tables:
            with self.transaction():
                for statement in _TABLES.split(";"):
                    run(statement)
                run(f"PRAGMA application_id={_APPLICATION}")
                run(f"PRAGMA user_version={_SCHEMA}")
        elif schema < _SCHEMA:
            _LOG.info("bringing %s from schema %d to %d", self._path, schema, _SCHEMA)
            with self.transaction():
                for statement in FROM_SCHEMA_1:
                    run(statement)
                run(f"PRAGMA user_version={_SCHEMA}")

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Run what follows in one transaction."""
        with all_or_nothing(self._connection, self.writing):
            yield

    def rows(self, sql: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """Fetch every row of a query."""
        with self._told("the collection cannot be read"):
            return self._connection.execute(sql, values).fetchall()

    def rows_in(
        self, sql: str, values: Sequence[Any], before: Sequence[Any] = ()
    ) -> list[tuple[Any, ...]]:
        """Fetch every row of a query with ``IN (?)``, asked in chunks."""
        found: list[tuple[Any, ...]] = []
        for at in range(0, len(values), _CHUNK):
            some = values[at : at + _CHUNK]
            marks = ",".join("?" * len(some))
            found += self.rows(sql.replace("IN (?)", f"IN ({marks})"), [*before, *some])
        return found

    def write(self, sql: str, rows: Iterable[Sequence[Any]]) -> None:
        """Run one statement for many rows."""
        with self.writing():
            self._connection.executemany(sql, rows)

    def writing(self) -> AbstractContextManager[None]:
        """Turn errors of writing beside the catalogue into errors of the collection."""
        return self._told("the collection cannot be written")

    def _told(self, what: str) -> AbstractContextManager[None]:
        """Turn errors of SQLite into errors of the collection, with what helps."""
        return told(
            what,
            self._path,
            damaged="move catalogue.sqlite* and rows out of this folder and run this again: "
            "pictures are described anew, and what was decided (decisions.sqlite) stays",
        )
