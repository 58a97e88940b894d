"""A collection in a folder: SQLite and append-only row files.

Row files are appended and flushed first, then one SQLite transaction makes the batch real: kill -9
at any moment loses at most the batch in hand.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import IO

from lookalike.model.errors import CollectionError
from lookalike.model.image import FileEntry
from lookalike.model.match import Verification
from lookalike.model.serialization import to_json
from lookalike.store.catalogue import Catalogue
from lookalike.store.closing import Closing
from lookalike.store.decisions import Choices
from lookalike.store.described import ALL_AT_ONCE, Described
from lookalike.store.descriptors import Describing
from lookalike.store.embedded_decisions import EmbeddedDecisions
from lookalike.store.lock import lock
from lookalike.store.records import (
    ADD_LOOKS,
    CONTENT_COLUMNS,
    READ_COLUMNS,
    Batch,
    Content,
    KnownFile,
    content_from,
    content_row,
    stamp_of,
    verification_from,
)

__all__ = ["EmbeddedCollection"]

_REPORTS_KEPT = 2


class EmbeddedCollection(Describing[Described], Closing):
    """An open collection; used from one thread, written by one process.

    Args:
        directory: created when missing; None for one that lives in memory, empty and unlocked.

    Raises:
        CollectionError: in use by another process, foreign, newer, or not writable.
    """

    def __init__(self, directory: Path | None) -> None:
        self._directory = directory
        self._lock: IO[str] | None = None
        # what was fitted, by shelf and name, if there is no folder for it
        self._fitted: dict[tuple[str, str], bytes] = {}
        #: what a person decided, and a number that grows with every decision
        self.edition, self.choices = 0, Choices()
        #: counts our own changes: nobody else writes meanwhile
        self.revision = 0
        if directory is None:
            self._catalogue = Catalogue(Path(":memory:"))
            self._described = Described(self._catalogue, None)
            return
        try:
            (directory / "rows").mkdir(parents=True, exist_ok=True)
            self._lock = lock(directory / "LOCK")
        except OSError as error:
            raise CollectionError.of_system(
                "cannot use the collection's folder",
                directory,
                error,
                elsewhere="choose another --db",
            ) from error
        try:
            self.edition, self.choices = EmbeddedDecisions.with_edition(directory)
            self._catalogue = Catalogue(directory / "catalogue.sqlite")
        except CollectionError:
            self._unlock()
            raise
        self._described = Described(self._catalogue, directory / "rows")

    def close(self) -> None:
        """Close files and release the lock."""
        self._catalogue.close()
        self._unlock()

    def _unlock(self) -> None:
        if self._lock is not None:
            self._lock.close()

    # files and contents

    def unchanged(self, entries: Sequence[FileEntry]) -> dict[str, KnownFile]:
        """Look up entries whose size, time and inode are as remembered, by key."""
        select = (
            "SELECT key, file.n_bytes, modified_ns, device, inode, kind, sha256, stage, message "
            "FROM file LEFT JOIN content ON content.id = file.content "
            "WHERE (content.id IS NULL OR damage IS NOT NULL)"
        )
        if len(entries) > ALL_AT_ONCE:
            rows = self._catalogue.rows(select)
        else:
            keys = [os.fsencode(entry.key) for entry in entries]
            rows = self._catalogue.rows_in(f"{select} AND key IN (?)", keys)
        remembered = {row[0]: row[1:] for row in rows}
        known = {}
        for entry in entries:
            row = remembered.get(os.fsencode(entry.key))
            if row is not None and row[:4] == stamp_of(entry):
                known[entry.key] = KnownFile(*row[4:])
        return known

    def keys(self) -> set[str]:
        """List the keys of every file remembered, which are absolute paths."""
        return {os.fsdecode(row[0]) for row in self._catalogue.rows("SELECT key FROM file")}

    def images(self) -> dict[str, str]:
        """Map the key of every image file remembered to its SHA-256, sorted."""
        select = "SELECT key, sha256 FROM file JOIN content ON content.id = file.content"
        rows = self._catalogue.rows(f"{select} WHERE kind = 'image' ORDER BY key")
        return {os.fsdecode(key): sha for key, sha in rows}

    def forget(self, keys: Iterable[str]) -> None:
        """Forget files; their contents stay, so a file that returns costs nothing."""
        self.revision += 1
        with self._catalogue.transaction():
            self._catalogue.write(
                "DELETE FROM file WHERE key = ?", ((os.fsencode(key),) for key in keys)
            )

    def contents(self, shas: Iterable[str]) -> dict[str, Content]:
        """Look up contents; unknown ones are left out."""
        wanted = list(shas)
        select = f"SELECT {READ_COLUMNS} FROM content"
        if len(wanted) > ALL_AT_ONCE:
            asked = set(wanted)
            rows = [row for row in self._catalogue.rows(select) if row[0] in asked]
        else:
            rows = self._catalogue.rows_in(f"{select} WHERE sha256 IN (?)", wanted)
        return {row[0]: content_from(row) for row in rows}

    def set_pixel_digests(self, digests: Mapping[str, str]) -> None:
        """Remember digests of full-size pixels."""
        with self._catalogue.transaction():
            self._catalogue.write(
                "UPDATE content SET pixel_digest = ? WHERE sha256 = ?",
                ((digest, sha) for sha, digest in digests.items()),
            )

    def commit(self, batch: Batch) -> None:
        """Add one batch atomically; descriptors that exist already are left alone."""
        for spec in (*batch.rows, *batch.ragged):
            self.check_spec(spec)
        self.revision += bool(batch.files or batch.failures)
        try:
            with self._catalogue.transaction():
                self._catalogue.write(
                    f"INSERT INTO content({CONTENT_COLUMNS}) VALUES (?,?,?,?,?,?,?,?,?,?,?,?) "
                    f"{ADD_LOOKS}",
                    map(content_row, batch.contents),
                )
                for spec, (shas, values) in batch.rows.items():
                    self._described.append(spec, shas, list(values[:, None]))
                for spec, (shas, arrays) in batch.ragged.items():
                    self._described.append(spec, shas, arrays)
                self._write_files(batch)
        finally:
            self._described.load()

    # verdicts and reports

    def verdicts(
        self, pairs: Sequence[tuple[str, str]], verifier: str
    ) -> dict[tuple[str, str], Verification | None]:
        """Look up verdicts; None is a refusal, a pair that is absent was never verified."""
        select = "SELECT query, ref, verification FROM verdict WHERE verifier = ?"
        wanted = set(pairs)
        if len(pairs) > ALL_AT_ONCE:
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
                    (verifier, query, ref, to_json(seen) if seen else None)
                    for (query, ref), seen in verdicts.items()
                ),
            )

    def save_report(self, fingerprint: str, text: str) -> None:
        """Keep a report; only the latest few are kept."""
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
        """Look up a kept report; None where there is none."""
        rows = self._catalogue.rows("SELECT body FROM report WHERE fingerprint = ?", (fingerprint,))
        return rows[0][0].decode("utf-8", "surrogateescape") if rows else None

    def last_report(self) -> str | None:
        """Look up the body of the report that was made last; None where there is none."""
        rows = self._catalogue.rows("SELECT body FROM report ORDER BY made DESC LIMIT 1")
        return rows[0][0].decode("utf-8", "surrogateescape") if rows else None

    # what was fitted

    def fitted(self, shelf: str) -> list[str]:
        """List the names of what was fitted for one purpose, the latest last."""
        if self._directory is None:
            return [name for place, name in self._fitted if place == shelf]
        held = sorted(self._shelf(shelf).glob("*.npz"), key=lambda file: file.stat().st_mtime_ns)
        return [file.stem for file in held if ".part" not in file.name]

    def load_fitted(self, shelf: str, name: str) -> bytes:
        """Load what was fitted under a name."""
        if self._directory is None:
            return self._fitted[shelf, name]
        return (self._shelf(shelf) / f"{name}.npz").read_bytes()

    def keep_fitted(self, shelf: str, name: str, data: bytes) -> None:
        """Keep what was fitted, in place of everything else on its shelf."""
        others = [other for other in self.fitted(shelf) if other != name]
        if self._directory is None:
            self._fitted[shelf, name] = data
            for other in others:
                del self._fitted[shelf, other]
            return
        folder = self._shelf(shelf)
        partial = folder / f"{name}.part.npz"
        with self._catalogue.writing():
            folder.mkdir(parents=True, exist_ok=True)
            partial.write_bytes(data)
            partial.replace(folder / f"{name}.npz")
            for other in others:
                (folder / f"{other}.npz").unlink(missing_ok=True)

    # below: how

    def _shelf(self, shelf: str) -> Path:
        assert self._directory is not None
        return self._directory / "reductions" / shelf

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
