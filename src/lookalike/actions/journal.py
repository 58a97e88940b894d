"""The journal: every move is written and flushed before it is made.

One JSON object a line. ``intend`` names a step's moves, ``done`` ends it (with the places where
trashed files lie now), ``undone`` says that every file is back. A step whose last line is
``intend`` was interrupted. A last line without an end was never flushed: nothing was done for it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from lookalike.actions.disk import Disk
from lookalike.actions.moves import Move
from lookalike.actions.records import Step
from lookalike.model.errors import ActionError

__all__ = ["SCHEMA", "Entry", "Journal", "collection_of", "open_journals", "read_journal"]

SCHEMA = "lookalike-journal/1"


@dataclass(frozen=True, slots=True)
class Entry:
    """What the journal knows of one step.

    Attributes:
        path: of the picture.
        state: ``intend`` (interrupted), ``done`` or ``undone``.
        moves: in the order of the work.
        sha256: of the picture.
        keeper: path of the picture that stays for it.
        keeper_sha256: of that.
        when: UTC, ISO 8601, of the last line.
        n_bytes: of the picture.
    """

    path: str
    state: Literal["intend", "done", "undone"]
    moves: tuple[Move, ...]
    sha256: str
    keeper: str
    keeper_sha256: str
    when: str
    n_bytes: int


class Journal:
    """An open journal; every line is on the disk before the method returns.

    Args:
        path: created with its first line.
        disk: through which it is written.
        collection: the collection that remembers what was dropped; empty for none.

    Raises:
        ActionError: not a journal.
    """

    def __init__(self, path: Path, disk: Disk, collection: str = "") -> None:
        self._path = str(path)
        self._disk = disk
        self.entries: dict[str, Entry] = {}
        with self._written():
            data = disk.read(self._path) if disk.info(self._path) is not None else b""
            whole = data[: data.rfind(b"\n") + 1]
            if len(whole) < len(data):
                disk.cut(self._path, len(whole))
            self.entries = _parse(whole, self._path)
            if not whole:
                disk.make_folder(str(path.parent))
                self._write({"op": "begin", "schema": SCHEMA, "collection": collection})
                disk.flush_folder(str(path.parent))

    def intend(self, step: Step, moves: Sequence[Move]) -> None:
        """Write what a step is about to do."""
        self._write(
            {
                "op": "intend",
                "path": step.path,
                "sha256": step.sha256,
                "n_bytes": step.n_bytes,
                "keeper": step.keeper,
                "keeper_sha256": step.keeper_sha256,
                "moves": [asdict(move) for move in moves],
            }
        )

    def done(self, path: str, places: Sequence[str]) -> None:
        """Write that a step is done; ``places`` holds where each of its files is now."""
        self._write({"op": "done", "path": path, "places": list(places)})

    def undone(self, path: str) -> None:
        """Write that every file of a step is back."""
        self._write({"op": "undone", "path": path})

    def _write(self, plain: dict[str, Any]) -> None:
        plain["when"] = datetime.now(UTC).isoformat(timespec="seconds")
        with self._written():
            self._disk.append(self._path, json.dumps(plain) + "\n")
        _take_in(self.entries, plain)

    @contextmanager
    def _written(self) -> Iterator[None]:
        """Turn an error of the disk into the end of the run: without a journal nothing is done."""
        try:
            yield
        except OSError as error:
            raise ActionError.of_system(
                "the journal cannot be written, and without it nothing is done",
                self._path,
                error,
                elsewhere="choose another --journal",
            ) from error


def read_journal(path: Path) -> dict[str, Entry]:
    """Read a journal's steps by the picture's path, in the order they last began.

    Raises:
        ActionError: not a journal.
    """
    data = path.read_bytes()
    return _parse(data[: data.rfind(b"\n") + 1], str(path))


def collection_of(path: Path) -> str:
    """Read the collection that a journal was begun for; empty for none.

    Raises:
        ActionError: not a journal.
    """
    read_journal(path)
    with path.open(encoding="utf-8") as file:
        first = file.readline()
    collection: str = json.loads(first)["collection"] if first else ""
    return collection


def open_journals(folder: Path) -> list[Path]:
    """List the journals of a folder with something to undo, the latest last."""
    found = sorted(folder.glob("*.jsonl"), key=lambda path: (path.stat().st_mtime_ns, path.name))
    return [
        path
        for path in found
        if any(entry.state != "undone" for entry in read_journal(path).values())
    ]


def _parse(data: bytes, path: str) -> dict[str, Entry]:
    entries: dict[str, Entry] = {}
    try:
        for number, line in enumerate(data.splitlines()):
            plain = json.loads(line)
            if number == 0 and plain["schema"] != SCHEMA:
                raise ValueError(f"schema {plain['schema']!r}")
            _take_in(entries, plain)
    except (ValueError, TypeError, KeyError) as error:
        raise ActionError(
            "not a journal, or a damaged one",
            got=f"{path}: {type(error).__name__}: {error}",
            expected=f"lines of JSON of schema {SCHEMA!r}",
        ) from error
    return entries


def _take_in(entries: dict[str, Entry], plain: dict[str, Any]) -> None:
    """Apply one more line."""
    if plain["op"] == "begin":
        return
    path = plain["path"]
    if plain["op"] == "intend":
        entries.pop(path, None)
        entries[path] = Entry(
            path=path,
            state="intend",
            moves=tuple(Move(**move) for move in plain["moves"]),
            sha256=plain["sha256"],
            keeper=plain["keeper"],
            keeper_sha256=plain["keeper_sha256"],
            when=plain["when"],
            n_bytes=plain["n_bytes"],
        )
        return
    moves = entries[path].moves
    if plain["op"] == "done":
        moves = tuple(
            replace(move, to=place) for move, place in zip(moves, plain["places"], strict=True)
        )
    entries[path] = replace(entries[path], state=plain["op"], moves=moves, when=plain["when"])
