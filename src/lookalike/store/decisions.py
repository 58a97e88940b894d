"""What a person decided about a collection's pictures, kept in a SQLite file of its own.

It lies beside the catalogue, so that an older collection needs no change, and it takes no lock of
the collection: the review page may stay open while ``find`` runs. Every change is one transaction
that also remembers how things were, so that it can be undone.
"""

from __future__ import annotations

import json
import os
import sqlite3
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Literal, Self

from lookalike.errors import CollectionError

__all__ = ["Action", "Apart", "Change", "Choices", "Decisions", "Place", "Step", "pair_of"]

Action = Literal["keeper", "keep", "drop"]
Place = tuple[str, str]
Apart = tuple[str, str]

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


@dataclass(frozen=True, slots=True)
class Choices:
    """Everything a person decided.

    Attributes:
        marks: what is to become of a file: (SHA-256 of its bytes, absolute path) to ``keeper``
            (stays, and stands for its cluster), ``keep`` (stays too) or ``drop``.
        apart: pairs of SHA-256, the smaller first, that are not the same picture.
    """

    marks: Mapping[Place, Action] = field(default_factory=dict)
    apart: frozenset[Apart] | set[Apart] = frozenset()


@dataclass(frozen=True, slots=True)
class Change:
    """One step of a person.

    Attributes:
        words: what was done, for the undo list.
        marks: new marks; None takes one away.
        apart: pairs that are (True) or are no longer (False) different pictures.
    """

    words: str
    marks: Mapping[Place, Action | None] = field(default_factory=dict)
    apart: Mapping[Apart, bool] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Step:
    """A change that was made and can be undone."""

    number: int
    words: str


class Decisions:
    """The decisions of one collection; safe to use from several threads and processes.

    Args:
        directory: the collection's folder, created when missing.

    Raises:
        CollectionError: the file is foreign, newer, or cannot be written.
    """

    def __init__(self, directory: Path) -> None:
        self._path = directory / "decisions.sqlite"
        self._busy = threading.RLock()
        try:
            directory.mkdir(parents=True, exist_ok=True)
            self._connection = sqlite3.connect(
                self._path, isolation_level=None, timeout=30, check_same_thread=False
            )
        except (OSError, sqlite3.OperationalError) as error:
            raise self._unusable(error) from error
        try:
            self._prepare()
        except sqlite3.DatabaseError as error:
            self._connection.close()
            raise self._unusable(error) from error
        except CollectionError:
            self._connection.close()
            raise
        self._edition = -1
        self._marks: dict[Place, Action] = {}
        self._apart: set[Apart] = set()

    @classmethod
    def of(cls, directory: Path) -> Choices:
        """What was decided in a collection, without making anything there."""
        return cls.with_edition(directory)[1]

    @classmethod
    def with_edition(cls, directory: Path) -> tuple[int, Choices]:
        """As ``of``, with a number that grows with every change; 0 where nothing was decided."""
        if not (directory / "decisions.sqlite").exists():
            return 0, Choices()
        with cls(directory) as decisions:
            return decisions.edition, decisions.choices

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the file."""
        with self._busy:
            self._connection.close()

    @property
    def edition(self) -> int:
        """Grows with every change, undone ones too."""
        with self._busy:
            return int(self._connection.execute("SELECT number FROM edition").fetchone()[0])

    @property
    def choices(self) -> Choices:
        """Everything decided, as of now; a view that later changes alter."""
        with self._busy:
            edition = self.edition
            if edition != self._edition:
                self._load(edition)
            return Choices(self._marks, self._apart)

    @property
    def last(self) -> Step | None:
        """The step that ``undo`` would take back."""
        with self._busy:
            row = self._connection.execute(
                "SELECT id, words FROM step ORDER BY id DESC LIMIT 1"
            ).fetchone()
        return Step(*row) if row else None

    @contextmanager
    def writing(self) -> Iterator[Choices]:
        """Hold everyone else off, look at what is decided now, and change it, all or nothing."""
        with self._busy:
            run = self._connection.execute
            try:
                run("BEGIN IMMEDIATE")
            except sqlite3.OperationalError as error:
                raise self._unusable(error) from error
            try:
                yield self.choices
            except BaseException:
                run("ROLLBACK")
                self._edition = -1
                raise
            run("COMMIT")

    def change(self, change: Change) -> None:
        """Make one change, on disk when this returns; inside ``writing`` or alone."""
        with self._ours() as choices:
            before = {
                "marks": [[*place, choices.marks.get(place)] for place in change.marks],
                "apart": [[*pair, pair in choices.apart] for pair in change.apart],
            }
            self._write(change.marks, change.apart)
            self._connection.execute(
                "INSERT INTO step(made, words, before) VALUES (?,?,?)",
                (time.time_ns(), change.words, json.dumps(before)),
            )

    def undo(self, number: int) -> Change | None:
        """Take back the last step if it is this one, else do nothing and return None.

        Returns:
            The step's words, and how everything that it changed is now.
        """
        with self._ours():
            last = self.last
            if last is None or last.number != number:
                return None
            row = self._connection.execute(
                "SELECT before FROM step WHERE id = ?", (number,)
            ).fetchone()
            before = json.loads(row[0])
            back = Change(
                last.words,
                {(sha, key): action for sha, key, action in before["marks"]},
                {(low, high): apart for low, high, apart in before["apart"]},
            )
            self._write(back.marks, back.apart)
            self._connection.execute("DELETE FROM step WHERE id = ?", (number,))
            return back

    # below: how

    @contextmanager
    def _ours(self) -> Iterator[Choices]:
        with self._busy:
            if self._connection.in_transaction:
                yield self.choices
                return
            with self.writing() as choices:
                yield choices

    def _write(self, marks: Mapping[Place, Action | None], apart: Mapping[Apart, bool]) -> None:
        run = self._connection.executemany
        gone = [(sha, os.fsencode(key)) for (sha, key), action in marks.items() if action is None]
        run("DELETE FROM mark WHERE sha256 = ? AND key = ?", gone)
        made = [(sha, os.fsencode(key), action) for (sha, key), action in marks.items() if action]
        run("INSERT OR REPLACE INTO mark VALUES (?,?,?)", made)
        now = time.time_ns()
        joined = [pair for pair, on in apart.items() if not on]
        run("DELETE FROM apart WHERE low = ? AND high = ?", joined)
        told = [(*pair, now) for pair, on in apart.items() if on]
        run("INSERT OR IGNORE INTO apart VALUES (?,?,?)", told)
        self._connection.execute("UPDATE edition SET number = number + 1")
        for place, action in marks.items():
            if action is None:
                self._marks.pop(place, None)
            else:
                self._marks[place] = action
        self._apart |= {pair for pair, on in apart.items() if on}
        self._apart -= {pair for pair, on in apart.items() if not on}
        self._edition = self.edition

    def _load(self, edition: int) -> None:
        marks = self._connection.execute("SELECT sha256, key, action FROM mark").fetchall()
        self._marks = {(sha, os.fsdecode(key)): action for sha, key, action in marks}
        self._apart = set(self._connection.execute("SELECT low, high FROM apart").fetchall())
        self._edition = edition

    def _prepare(self) -> None:
        run = self._connection.execute
        application = run("PRAGMA application_id").fetchone()[0]
        schema = run("PRAGMA user_version").fetchone()[0]
        run("PRAGMA journal_mode=WAL")
        # a decision is small and dear: it survives a power cut too
        run("PRAGMA synchronous=FULL")
        run("BEGIN IMMEDIATE")
        try:
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
        finally:
            run("COMMIT")

    def _unusable(self, error: Exception) -> CollectionError:
        return CollectionError(
            "the collection's decisions cannot be used",
            got=f"{self._path}: {error}",
            expected="a file in a folder that can be written",
            remedy="free disk space or make the folder writable, or choose another --db",
        )


def pair_of(a: str, b: str) -> Apart:
    """Two contents in the order in which they are remembered."""
    return (a, b) if a < b else (b, a)
