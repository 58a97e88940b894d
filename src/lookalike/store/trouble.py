"""Put what SQLite and the disk refuse into words: a full disk, a damaged file, missing rights."""

from __future__ import annotations

import errno
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path

from lookalike.model.errors import CollectionError

__all__ = ["all_or_nothing", "told"]

# SQLite's "disk I/O error" is mostly a full disk, which lacks kilobytes for the log's index
_LITTLE = 1 << 20
_OTHER_DB = "choose another --db"


@contextmanager
def told(what: str, path: Path, *, damaged: str) -> Iterator[None]:
    """Turn errors of SQLite and of the disk into ``CollectionError``.

    Args:
        what: what cannot be done.
        path: of the file.
        damaged: remedy for a damaged file; it must lose nothing.
    """
    try:
        yield
    except OSError as error:
        raise CollectionError.of_system(what, path, error, elsewhere=_OTHER_DB) from error
    except sqlite3.Error as error:
        raise _of_sqlite(what, path, error, damaged) from error


@contextmanager
def all_or_nothing(
    connection: sqlite3.Connection, in_words: Callable[[], AbstractContextManager[None]]
) -> Iterator[None]:
    """Begin a transaction during which nobody else writes; if it cannot be ended, nothing is kept.

    Args:
        connection: to the file.
        in_words: ``told`` of that file, for errors of begin and end.
    """
    with in_words():
        connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        with in_words():
            connection.execute("COMMIT")
    except BaseException:
        # a full disk may have ended the transaction already
        if connection.in_transaction:
            with suppress(sqlite3.Error):
                connection.execute("ROLLBACK")
        raise


def _of_sqlite(what: str, path: Path, error: sqlite3.Error, damaged: str) -> CollectionError:
    # the lower byte is the kind of error; there is none where Python could not read a value
    kind = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_CORRUPT) & 0xFF
    if kind == sqlite3.SQLITE_FULL or (kind == sqlite3.SQLITE_IOERR and _is_full(path)):
        return CollectionError.of_system(what, path, OSError(errno.ENOSPC, str(error)))
    if kind in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        expected = "nobody else writing into it"
        remedy = "wait for the other process to end, then run this again"
    elif kind in (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM):
        expected = "a file and a folder that can be written"
        remedy = f"make both writable, or {_OTHER_DB}"
    elif kind == sqlite3.SQLITE_IOERR:
        expected, remedy = "a disk that works", "check the disk, then run this again"
    else:
        expected, remedy = "an undamaged SQLite file that lookalike made", damaged
    return CollectionError(what, got=f"{path}: {error}", expected=expected, remedy=remedy)


def _is_full(path: Path) -> bool:
    try:
        return shutil.disk_usage(path.parent).free < _LITTLE
    except OSError:
        return False
