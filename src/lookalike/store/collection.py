"""A collection: what was learned of a set of files, on disk, so that nothing is done twice.

Content-addressed: descriptors belong to a SHA-256 and files point to one, so a moved or copied
file is never decoded again. Row files are appended and flushed first, then one SQLite transaction
makes the batch real: kill -9 at any moment loses at most the batch in hand.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Mapping, Sequence
from operator import attrgetter
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self

import numpy as np
from numpy.typing import NDArray

from lookalike.errors import CollectionError, SpecMismatchError
from lookalike.store.catalogue import Catalogue
from lookalike.store.decisions import Choices, Decisions
from lookalike.store.lock import lock
from lookalike.store.records import Batch, Content, KnownFile, stamp_of, text_of, verification_from
from lookalike.store.rows import MemoryRows, RowFile, Spans, StoredRows
from lookalike.types import DescriptorSpec, FileEntry, Verification

__all__ = ["Collection"]

_REPORTS_KEPT = 2
_ALL_AT_ONCE = 2000
_COLUMNS = (
    "sha256, n_bytes, width, height, format, lossless, exif_fields, sharpness, low_information, "
    "pixel_digest"
)
_CONTENT = attrgetter(*_COLUMNS.split(", "))


class Collection:
    """An open collection; used from one thread, written by one process.

    Args:
        directory: created when missing; None for one that lives in memory, empty and unlocked.

    Raises:
        CollectionError: in use by another process, foreign, newer, or not writable.
    """

    def __init__(self, directory: Path | None) -> None:
        self._directory = directory
        self._lock: IO[str] | None = None
        self._specs: dict[str, tuple[int, str, RowFile | MemoryRows, int]] = {}
        #: what a person decided, and a number that grows with every decision
        self.edition, self.choices = 0, Choices()
        if directory is None:
            self._catalogue = Catalogue(Path(":memory:"))
            return
        try:
            (directory / "rows").mkdir(parents=True, exist_ok=True)
            self._lock = lock(directory / "LOCK")
        except OSError as error:
            raise CollectionError(
                "cannot use the collection's folder",
                got=f"{directory}: {error.strerror or error}",
                expected="a folder that can be written",
                remedy="choose another --db",
            ) from error
        try:
            self.edition, self.choices = Decisions.with_edition(directory)
            self._catalogue = Catalogue(directory / "catalogue.sqlite")
        except CollectionError:
            self._unlock()
            raise
        self._load_specs()

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
        """Close files and release the lock."""
        self._catalogue.close()
        self._unlock()

    def _unlock(self) -> None:
        if self._lock is not None:
            self._lock.close()

    # files and contents

    def unchanged(self, entries: Sequence[FileEntry]) -> dict[str, KnownFile]:
        """What is known of the entries whose size, time and inode are as remembered, by key."""
        select = (
            "SELECT key, file.n_bytes, modified_ns, device, inode, kind, sha256, stage, message "
            "FROM file LEFT JOIN content ON content.id = file.content"
        )
        if len(entries) > _ALL_AT_ONCE:
            rows = self._catalogue.rows(select)
        else:
            keys = [os.fsencode(entry.key) for entry in entries]
            rows = self._catalogue.rows_in(f"{select} WHERE key IN (?)", keys)
        remembered = {row[0]: row[1:] for row in rows}
        known = {}
        for entry in entries:
            row = remembered.get(os.fsencode(entry.key))
            if row is not None and row[:4] == stamp_of(entry):
                known[entry.key] = KnownFile(*row[4:])
        return known

    def keys(self) -> set[str]:
        """Every file remembered, by absolute path."""
        return {os.fsdecode(row[0]) for row in self._catalogue.rows("SELECT key FROM file")}

    def images(self) -> dict[str, str]:
        """SHA-256 of every image file remembered, by absolute path."""
        select = "SELECT key, sha256 FROM file JOIN content ON content.id = file.content"
        rows = self._catalogue.rows(f"{select} WHERE kind = 'image' ORDER BY key")
        return {os.fsdecode(key): sha for key, sha in rows}

    @property
    def reductions(self) -> Path:
        """Folder of fitted reductions.

        Raises:
            CollectionError: the collection has no folder.
        """
        if self._directory is None:
            raise CollectionError(
                "a collection in memory keeps no reductions", remedy="name a --db"
            )
        return self._directory / "reductions"

    def forget(self, keys: Iterable[str]) -> None:
        """Drop files; their contents stay, so that a returning file is free."""
        with self._catalogue.transaction():
            self._catalogue.write(
                "DELETE FROM file WHERE key = ?", ((os.fsencode(key),) for key in keys)
            )

    def contents(self, shas: Iterable[str]) -> dict[str, Content]:
        """What is known of some contents; unknown ones are left out."""
        wanted = list(shas)
        select = f"SELECT {_COLUMNS} FROM content"
        if len(wanted) > _ALL_AT_ONCE:
            asked = set(wanted)
            rows = [row for row in self._catalogue.rows(select) if row[0] in asked]
        else:
            rows = self._catalogue.rows_in(f"{select} WHERE sha256 IN (?)", wanted)
        return {
            sha: Content(
                sha, size, wide, tall, kind, bool(lossless), tags, sharp, bool(low), pixels
            )
            for sha, size, wide, tall, kind, lossless, tags, sharp, low, pixels in rows
        }

    def set_pixel_digests(self, digests: Mapping[str, str]) -> None:
        """Remember full-size pixel digests."""
        with self._catalogue.transaction():
            self._catalogue.write(
                "UPDATE content SET pixel_digest = ? WHERE sha256 = ?",
                ((digest, sha) for sha, digest in digests.items()),
            )

    # descriptors

    def check_spec(self, spec: DescriptorSpec) -> None:
        """Refuse to mix descriptors of one name and two versions.

        Raises:
            SpecMismatchError: the collection holds another version.
        """
        held = self._specs.get(spec.name)
        if held is not None and held[1] != spec.key:
            raise SpecMismatchError(
                f"the collection holds other {spec.name!r} descriptors",
                got=held[1],
                expected=spec.key,
                remedy="choose another --db, or delete this one to describe anew",
            )

    def missing(self, spec: DescriptorSpec, shas: Iterable[str]) -> list[str]:
        """Which contents have no descriptor of this spec, in the order asked."""
        held = self._places(spec, shas)
        return [sha for sha in shas if sha not in held]

    def described(self, specs: Sequence[DescriptorSpec]) -> set[str]:
        """Contents that have every one of these descriptors."""
        ids = [self._specs[spec.name][0] for spec in specs if spec.name in self._specs]
        if len(ids) < len(specs):
            return set()
        found: list[tuple[Any, ...]] = self._catalogue.rows_in(
            "SELECT sha256 FROM descriptor JOIN content ON content.id = descriptor.content "
            "WHERE spec IN (?) GROUP BY content HAVING count(*) = " + str(len(ids)),
            ids,
        )
        return {row[0] for row in found}

    def rows(self, spec: DescriptorSpec, shas: Sequence[str]) -> NDArray[Any]:
        """Descriptors ``(n, row_width)`` in the order asked.

        Raises:
            CollectionError: a content has none.
        """
        at = np.array([row for row, _ in self._asked(spec, shas)], np.int64)
        return np.asarray(self._map(spec)[at])

    def stored(self, spec: DescriptorSpec, shas: Sequence[str]) -> StoredRows | NDArray[Any]:
        """As ``rows``, read block by block when asked for.

        Raises:
            CollectionError: a content has none.
        """
        at = np.array([row for row, _ in self._asked(spec, shas)], np.int64)
        return self._specs[spec.name][2].at(at)

    def ragged(self, spec: DescriptorSpec, shas: Sequence[str]) -> list[NDArray[Any]]:
        """Descriptors of varying length ``(k, row_width)``, in the order asked."""
        spans, mapped = self._asked(spec, shas), self._map(spec)
        return [np.array(mapped[row : row + count]) for row, count in spans]

    def spans(self, spec: DescriptorSpec, shas: Sequence[str]) -> Spans:
        """As ``ragged``, by content, read when asked for.

        Raises:
            CollectionError: a content has none.
        """
        asked = dict(zip(shas, self._asked(spec, shas), strict=True))
        # of nothing asked, nothing may ever have been described
        file = self._specs[spec.name][2] if asked else MemoryRows(spec.dtype, spec.row_width)
        return file.spans(asked)

    def commit(self, batch: Batch) -> None:
        """Add one batch, all or nothing; a descriptor that is there already is left alone."""
        for spec in (*batch.rows, *batch.ragged):
            self.check_spec(spec)
        with self._catalogue.transaction():
            self._catalogue.write(
                f"INSERT OR IGNORE INTO content({_COLUMNS}) VALUES (?,?,?,?,?,?,?,?,?,?)",
                map(_CONTENT, batch.contents),
            )
            for spec, (shas, values) in batch.rows.items():
                self._append(spec, shas, list(values[:, None]))
            for spec, (shas, arrays) in batch.ragged.items():
                self._append(spec, shas, arrays)
            self._write_files(batch)
        self._load_specs()

    # verdicts and reports

    def verdicts(
        self, pairs: Sequence[tuple[str, str]], verifier: str
    ) -> dict[tuple[str, str], Verification | None]:
        """Remembered verdicts; None is a refusal, an absent pair was never verified."""
        select = "SELECT query, ref, verification FROM verdict WHERE verifier = ?"
        wanted = set(pairs)
        if len(pairs) > _ALL_AT_ONCE:
            rows = self._catalogue.rows(select, (verifier,))
        else:
            queries = sorted({query for query, _ in pairs})
            rows = self._catalogue.rows_in(f"{select} AND query IN (?)", queries, (verifier,))
        return {
            (query, ref): verification_from(text)
            for query, ref, text in rows
            if (query, ref) in wanted
        }

    def add_verdicts(
        self, verdicts: Mapping[tuple[str, str], Verification | None], verifier: str
    ) -> None:
        """Remember verdicts, refusals too."""
        with self._catalogue.transaction():
            self._catalogue.write(
                "INSERT OR REPLACE INTO verdict VALUES (?,?,?,?)",
                (
                    (verifier, query, ref, text_of(seen) if seen else None)
                    for (query, ref), seen in verdicts.items()
                ),
            )

    def save_report(self, fingerprint: str, text: str) -> None:
        """Keep a report; only the latest few stay."""
        body = text.encode("utf-8", "surrogateescape")
        with self._catalogue.transaction():
            self._catalogue.write(
                "INSERT OR REPLACE INTO report VALUES (?,?,?)",
                [(fingerprint, time.time_ns(), body)],
            )
            self._catalogue.write(
                "DELETE FROM report WHERE fingerprint NOT IN "
                "(SELECT fingerprint FROM report ORDER BY made DESC LIMIT ?)",
                [(_REPORTS_KEPT,)],
            )

    def load_report(self, fingerprint: str) -> str | None:
        """A kept report, or None."""
        rows = self._catalogue.rows("SELECT body FROM report WHERE fingerprint = ?", (fingerprint,))
        return rows[0][0].decode("utf-8", "surrogateescape") if rows else None

    def last_report(self) -> str | None:
        """The body of the report that was made last, or None."""
        rows = self._catalogue.rows("SELECT body FROM report ORDER BY made DESC LIMIT 1")
        return rows[0][0].decode("utf-8", "surrogateescape") if rows else None

    # below: how

    def _load_specs(self) -> None:
        for number, name, key, dtype, width, committed in self._catalogue.rows(
            "SELECT id, name, key, dtype, row_width, committed FROM spec"
        ):
            if self._directory is not None:
                path = self._directory / "rows" / f"{number}.bin"
                self._specs[name] = (number, key, RowFile(path, dtype, width), committed)
            else:
                # rows in memory are only here: the same object goes on
                held = self._specs.get(name)
                rows = held[2] if held else MemoryRows(dtype, width)
                self._specs[name] = (number, key, rows, committed)

    def _append(
        self, spec: DescriptorSpec, shas: Sequence[str], arrays: Sequence[NDArray[Any]]
    ) -> None:
        if spec.name not in self._specs:
            self._catalogue.write(
                "INSERT INTO spec(name, key, dtype, row_width) VALUES (?,?,?,?)",
                [(spec.name, spec.key, spec.dtype, spec.row_width)],
            )
            self._load_specs()
        number, _, file, committed = self._specs[spec.name]
        held = self._places(spec, shas)
        fresh = {s: a for s, a in zip(shas, arrays, strict=True) if s not in held}
        if not fresh:
            return
        end = file.append(np.concatenate(list(fresh.values())), committed)
        counts = [len(array) for array in fresh.values()]
        starts = committed + np.cumsum([0, *counts[:-1]])
        self._catalogue.write(
            "INSERT INTO descriptor SELECT ?, id, ?, ? FROM content WHERE sha256 = ?",
            (
                (number, int(start), count, sha)
                for sha, start, count in zip(fresh, starts, counts, strict=True)
            ),
        )
        self._catalogue.write("UPDATE spec SET committed = ? WHERE id = ?", [(end, number)])

    def _write_files(self, batch: Batch) -> None:
        insert = "INSERT OR REPLACE INTO file SELECT ?,?,?,?,?,?,id,?,? FROM content "
        self._catalogue.write(
            insert + "WHERE sha256 = ?",
            (
                (os.fsencode(entry.key), *stamp_of(entry), "image", "", "", sha)
                for entry, sha in batch.files
            ),
        )
        self._catalogue.write(
            "INSERT OR REPLACE INTO file VALUES (?,?,?,?,?,?,NULL,?,?)",
            (
                (os.fsencode(entry.key), *stamp_of(entry), file.kind, file.stage, file.message)
                for entry, file in batch.failures
            ),
        )

    def _places(self, spec: DescriptorSpec, shas: Iterable[str]) -> dict[str, tuple[int, int]]:
        """First row and number of rows of every content that has a descriptor of this spec."""
        self.check_spec(spec)
        held = self._specs.get(spec.name)
        if held is None:
            return {}
        wanted = list(shas)
        select = (
            "SELECT sha256, row, count FROM descriptor "
            "JOIN content ON content.id = descriptor.content WHERE spec = ?"
        )
        if len(wanted) > _ALL_AT_ONCE:
            rows = self._catalogue.rows(select, (held[0],))
        else:
            rows = self._catalogue.rows_in(f"{select} AND sha256 IN (?)", wanted, (held[0],))
        return {row[0]: (row[1], row[2]) for row in rows}

    def _asked(self, spec: DescriptorSpec, shas: Sequence[str]) -> list[tuple[int, int]]:
        """As ``_places`` in the order asked, where none may lack."""
        places = self._places(spec, shas)
        for sha in shas:
            if sha not in places:
                raise CollectionError(
                    f"the collection holds no {spec.name!r} descriptor of a content", got=sha
                )
        return [places[sha] for sha in shas]

    def _map(self, spec: DescriptorSpec) -> NDArray[Any]:
        if spec.name not in self._specs:
            return np.empty((0, spec.row_width), spec.dtype)
        _, _, file, committed = self._specs[spec.name]
        return file.read(committed)
