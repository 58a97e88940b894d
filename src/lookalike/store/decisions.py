"""What people decided about a collection's pictures.

Deciding takes no lock of the collection: the review page may stay open while ``find`` runs. Every
change is one transaction that also remembers how things were, so that it can be undone.
"""

from __future__ import annotations

import json
import os
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence, Set
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from typing import Any, Literal

from lookalike.store.closing import Closing

__all__ = ["Action", "Apart", "Change", "Choices", "Decisions", "Place", "Step", "pair_of"]

Action = Literal["keeper", "keep", "drop"]
Place = tuple[str, str]
Apart = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Choices:
    """All decisions at one moment; never changed, a later decision makes another one.

    Attributes:
        marks: what a person wants of a file, by (SHA-256 of its bytes, absolute path): ``keeper``
            (it stays and represents its cluster), ``keep`` (it stays too) or ``drop``.
        apart: pairs of SHA-256, the smaller first, that are not the same picture.
    """

    marks: Mapping[Place, Action] = field(default_factory=dict)
    apart: Set[Apart] = frozenset()


@dataclass(frozen=True, slots=True)
class Change:
    """One step of a person's decisions.

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


class Decisions(Closing, ABC):
    """The decisions of one collection; safe to use from several threads and processes.

    A subclass says where they are kept: how a statement is run (values as ``?``), and how others
    are kept from writing meanwhile.
    """

    def __init__(self) -> None:
        self._busy = threading.RLock()
        self._writing = False
        # what was read last, and its edition; None before anything was
        self._known: tuple[int, Choices] | None = None

    @abstractmethod
    def close(self) -> None:
        """Close what they are kept in."""

    @abstractmethod
    def _rows(self, sql: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """Fetch every row of a query."""

    @abstractmethod
    def _write(self, sql: str, rows: Sequence[Sequence[Any]]) -> None:
        """Run one statement for many rows."""

    @abstractmethod
    def _alone(self) -> AbstractContextManager[None]:
        """Begin a transaction during which nobody else writes."""

    @property
    def edition(self) -> int:
        """A number that grows with every change and every undo."""
        with self._busy:
            return int(self._rows("SELECT number FROM edition")[0][0])

    @property
    def choices(self) -> Choices:
        """All decisions now; the same object as long as nothing changes."""
        with self._busy:
            edition = self.edition
            if self._known is None or self._known[0] != edition:
                self._known = edition, self._load()
            return self._known[1]

    @property
    def last(self) -> Step | None:
        """The step that ``undo`` would take back; None if there is none."""
        with self._busy:
            rows = self._rows("SELECT id, words FROM step ORDER BY id DESC LIMIT 1")
        return Step(*rows[0]) if rows else None

    @contextmanager
    def writing(self) -> Iterator[Choices]:
        """Keep others from writing, read what is decided now, and change it in one transaction."""
        with self._busy:
            known = self._known
            try:
                with self._alone():
                    self._writing = True
                    now = self.choices
                    known = self._known
                    yield now
            except BaseException:
                # nothing was written: what was known before still holds
                self._known = known
                raise
            finally:
                self._writing = False

    def change(self, change: Change) -> None:
        """Make one change, on disk when this returns; inside ``writing`` or alone."""
        with self._ours() as choices:
            before = {
                "marks": [[*place, choices.marks.get(place)] for place in change.marks],
                "apart": [[*pair, pair in choices.apart] for pair in change.apart],
            }
            self._record(change, choices)
            self._write(
                "INSERT INTO step(made, words, before) VALUES (?,?,?)",
                [(time.time_ns(), change.words, json.dumps(before))],
            )

    def undo(self, number: int) -> Change | None:
        """Undo the last step if it is this one, else do nothing and return None.

        Returns:
            The step's words, and what everything it changed is now.
        """
        with self._ours() as choices:
            last = self.last
            if last is None or last.number != number:
                return None
            before = json.loads(self._rows("SELECT before FROM step WHERE id = ?", (number,))[0][0])
            back = Change(
                last.words,
                {(sha, key): action for sha, key, action in before["marks"]},
                {(low, high): apart for low, high, apart in before["apart"]},
            )
            self._record(back, choices)
            self._write("DELETE FROM step WHERE id = ?", [(number,)])
            return back

    # below: how

    @contextmanager
    def _ours(self) -> Iterator[Choices]:
        with self._busy:
            if self._writing:
                yield self.choices
                return
            with self.writing() as choices:
                yield choices

    def _record(self, change: Change, before: Choices) -> None:
        gone = [place for place, action in change.marks.items() if action is None]
        made = {place: action for place, action in change.marks.items() if action is not None}
        told = {pair for pair, on in change.apart.items() if on}
        joined = change.apart.keys() - told
        self._write(
            "DELETE FROM mark WHERE sha256 = ? AND key = ?",
            [(sha, os.fsencode(key)) for sha, key in gone],
        )
        self._write(
            "INSERT INTO mark(sha256, key, action) VALUES (?,?,?) "
            "ON CONFLICT(sha256, key) DO UPDATE SET action = excluded.action",
            [(sha, os.fsencode(key), action) for (sha, key), action in made.items()],
        )
        self._write("DELETE FROM apart WHERE low = ? AND high = ?", sorted(joined))
        now = time.time_ns()
        insert = "INSERT INTO apart(low, high, made) VALUES (?,?,?)"
        self._write(f"{insert} ON CONFLICT DO NOTHING", [(*pair, now) for pair in sorted(told)])
        self._write("UPDATE edition SET number = number + 1", [()])
        marks = {**before.marks, **made}
        for place in gone:
            marks.pop(place, None)
        self._known = self.edition, Choices(marks, before.apart - joined | told)

    def _load(self) -> Choices:
        marks = self._rows("SELECT sha256, key, action FROM mark")
        apart = self._rows("SELECT low, high FROM apart")
        return Choices(
            {(sha, os.fsdecode(key)): action for sha, key, action in marks},
            {(low, high) for low, high in apart},
        )


def pair_of(a: str, b: str) -> Apart:
    """Sort two contents into the order in which pairs are remembered."""
    return (a, b) if a < b else (b, a)
