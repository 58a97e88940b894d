"""A collection at a server: one transaction a batch, read and written by many at once.

What belongs to a content (descriptors, digests, verdicts) is shared. Files are remembered by
machine, as a path means something else on another one; addresses like ``s3://…`` are shared.
"""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from numpy.typing import NDArray

from lookalike.model.image import DescriptorSpec, FileEntry
from lookalike.model.match import Verification
from lookalike.model.serialization import to_json
from lookalike.store.closing import Closing
from lookalike.store.descriptors import Describing
from lookalike.store.location import Server, is_everywhere
from lookalike.store.postgres.decisions import PostgresDecisions
from lookalike.store.postgres.described import Described
from lookalike.store.postgres.session import Session
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

__all__ = ["PostgresCollection"]

Pair = tuple[str, str]
_REPORTS_KEPT = 2
_NAMED = 10_000
_FILES = """
SELECT key, file.n_bytes, modified_ns, device, inode, kind, sha256, stage, message
FROM file LEFT JOIN content ON content.id = file.content
WHERE machine IN ('', %s) AND key = ANY(%s::bytea[])
AND (content.id IS NULL OR damage IS NOT NULL)
"""
_FILE = """
INSERT INTO file(machine, key, n_bytes, modified_ns, device, inode, kind, content, stage, message)
{} ON CONFLICT(machine, key) DO UPDATE SET
n_bytes = excluded.n_bytes, modified_ns = excluded.modified_ns, device = excluded.device,
inode = excluded.inode, kind = excluded.kind, content = excluded.content, stage = excluded.stage,
message = excluded.message
"""
_IMAGE = _FILE.format(
    "SELECT %s::text, %s::bytea, %s::bigint, %s::bigint, %s::bytea, %s::bytea, 'image', id, '', '' "
    "FROM content WHERE sha256 = %s"
)
_FAILURE = _FILE.format("VALUES (%s, %s, %s, %s, %s, %s, %s, NULL, %s, %s)")
_REVISED = "UPDATE about SET revision = revision + 1"
_VERDICTS = """
SELECT asked.query, asked.ref, verification
FROM unnest(%s::text[], %s::text[]) AS asked(query, ref)
JOIN verdict ON verdict.query = asked.query AND verdict.ref = asked.ref AND verifier = %s
"""


class PostgresCollection(Describing[Described], Closing):
    """An open collection at a server; used from one thread, rows may be read from several.

    Args:
        server: its address.

    Raises:
        CollectionError: the server cannot be reached, refuses, or holds something else.
    """

    def __init__(self, server: Server) -> None:
        self._server = server
        with PostgresDecisions(server) as decisions:
            self.edition, self.choices = decisions.edition, decisions.choices
        self._session = Session(server)
        self._described = Described(self._session, server.machine)

    def close(self) -> None:
        """Close the connection."""
        self._session.close()

    @property
    def revision(self) -> int:
        """A value that changes whenever any client adds, changes or drops files."""
        return int(self._session.rows("SELECT revision FROM about")[0][0])

    # files and contents

    def unchanged(self, entries: Sequence[FileEntry]) -> dict[str, KnownFile]:
        """Look up this machine's entries whose size, time and inode are as remembered, by key."""
        remembered: dict[bytes, tuple[Any, ...]] = {}
        for some in _parts([os.fsencode(entry.key) for entry in entries]):
            for row in self._session.rows(_FILES, (self._server.machine, some)):
                remembered[row[0]] = row[1:]
        known = {}
        for entry in entries:
            held = remembered.get(os.fsencode(entry.key))
            if held is not None and held[:4] == self._stamp(entry):
                known[entry.key] = KnownFile(*held[4:])
        return known

    def keys(self) -> set[str]:
        """List the keys of this machine's files, and shared addresses."""
        select = "SELECT key FROM file WHERE machine IN ('', %s)"
        rows = self._session.rows(select, (self._server.machine,))
        return {os.fsdecode(row[0]) for row in rows}

    def images(self) -> dict[str, str]:
        """Map the key of every image file of this machine to its SHA-256, sorted."""
        rows = self._session.rows(
            "SELECT key, sha256 FROM file JOIN content ON content.id = file.content "
            "WHERE kind = 'image' AND machine IN ('', %s) ORDER BY key",
            (self._server.machine,),
        )
        return {os.fsdecode(key): sha for key, sha in rows}

    def forget(self, keys: Iterable[str]) -> None:
        """Forget files of this machine; their contents stay."""
        with self._session.writing():
            self._session.write(
                "DELETE FROM file WHERE machine = %s AND key = %s",
                [(self._machine(key), os.fsencode(key)) for key in keys],
            )
            self._session.write(_REVISED, [()])

    def contents(self, shas: Iterable[str]) -> dict[str, Content]:
        """Look up contents; unknown ones are left out."""
        select = f"SELECT {READ_COLUMNS} FROM content WHERE sha256 = ANY(%s)"
        found = (self._session.rows(select, (some,)) for some in _parts(list(shas)))
        return {row[0]: content_from(row) for rows in found for row in rows}

    def set_pixel_digests(self, digests: Mapping[str, str]) -> None:
        """Remember digests of full-size pixels."""
        with self._session.writing():
            self._session.write(
                "UPDATE content SET pixel_digest = %s WHERE sha256 = %s",
                [(digest, sha) for sha, digest in digests.items()],
            )

    def nearest(self, spec: DescriptorSpec, row: NDArray[Any], k: int) -> list[str] | None:
        """Rank this machine's contents by cosine distance at the server."""
        return self._described.nearest(spec, row, k)

    def commit(self, batch: Batch) -> None:
        """Add one batch atomically; what another client added meanwhile is left alone."""
        with self._described.undone_with(), self._session.writing():
            self._session.write(
                f"INSERT INTO content({CONTENT_COLUMNS}) "
                f"VALUES (%s,%s,%s,%s,%s,%s,%s,%s,%s,%s,%s,%s) {ADD_LOOKS}",
                map(content_row, batch.contents),
            )
            for spec, (shas, values) in batch.rows.items():
                self._described.append(spec, shas, list(values[:, None]))
            for spec, (shas, arrays) in batch.ragged.items():
                self._described.append(spec, shas, arrays)
            self._session.write(_IMAGE, [(*self._place(entry), sha) for entry, sha in batch.files])
            self._session.write(
                _FAILURE,
                [
                    (*self._place(entry), file.kind, file.stage, _storable(file.message))
                    for entry, file in batch.failures
                ],
            )
            if batch.files or batch.failures:
                self._session.write(_REVISED, [()])

    # verdicts, reports, what was fitted

    def verdicts(self, pairs: Sequence[Pair], verifier: str) -> dict[Pair, Verification | None]:
        """Look up verdicts; None is a refusal, a pair that is absent was never verified."""
        known = {}
        for some in _parts(list(pairs)):
            queries, refs = zip(*some, strict=True)
            asked = (list(queries), list(refs), _short(verifier))
            for query, ref, text in self._session.rows(_VERDICTS, asked):
                known[query, ref] = verification_from(text)
        return known

    def add_verdicts(self, verdicts: Mapping[Pair, Verification | None], verifier: str) -> None:
        """Remember verdicts, refusals too."""
        with self._session.writing():
            self._session.write(
                "INSERT INTO verdict(verifier, query, ref, verification) VALUES (%s,%s,%s,%s) "
                "ON CONFLICT(query, ref, verifier) DO UPDATE SET verification = "
                "excluded.verification",
                [
                    (_short(verifier), query, ref, to_json(seen) if seen else None)
                    for (query, ref), seen in verdicts.items()
                ],
            )

    def save_report(self, fingerprint: str, text: str) -> None:
        """Keep a report; only the latest few of every machine are kept."""
        body, machine = text.encode("utf-8", "surrogateescape"), self._server.machine
        with self._session.writing():
            self._session.write(
                "INSERT INTO report(fingerprint, machine, made, body) VALUES (%s,%s,%s,%b) "
                "ON CONFLICT(fingerprint) DO UPDATE SET made = excluded.made, body = excluded.body",
                [(fingerprint, machine, time.time_ns(), body)],
            )
            self._session.write(
                "DELETE FROM report WHERE machine = %s AND fingerprint NOT IN "
                "(SELECT fingerprint FROM report WHERE machine = %s ORDER BY made DESC LIMIT %s)",
                [(machine, machine, _REPORTS_KEPT)],
            )

    def load_report(self, fingerprint: str) -> str | None:
        """Look up a kept report; None where there is none."""
        rows = self._session.rows("SELECT body FROM report WHERE fingerprint = %s", (fingerprint,))
        return rows[0][0].decode("utf-8", "surrogateescape") if rows else None

    def last_report(self) -> str | None:
        """Look up the body of this machine's last report, or of anyone's if it made none."""
        rows = self._session.rows(
            "SELECT body FROM report ORDER BY machine = %s DESC, made DESC LIMIT 1",
            (self._server.machine,),
        )
        return rows[0][0].decode("utf-8", "surrogateescape") if rows else None

    def fitted(self, shelf: str) -> list[str]:
        """List the names of what was fitted for one purpose, the latest last."""
        rows = self._session.rows(
            "SELECT name FROM fitted WHERE shelf = %s ORDER BY made", (shelf,)
        )
        return [row[0] for row in rows]

    def load_fitted(self, shelf: str, name: str) -> bytes:
        """Load what was fitted under a name."""
        select = "SELECT data FROM fitted WHERE shelf = %s AND name = %s"
        return bytes(self._session.rows(select, (shelf, name))[0][0])

    def keep_fitted(self, shelf: str, name: str, data: bytes) -> None:
        """Keep what was fitted, in place of everything else on its shelf."""
        with self._session.writing():
            self._session.write("DELETE FROM fitted WHERE shelf = %s", [(shelf,)])
            self._session.write(
                "INSERT INTO fitted(shelf, name, data) VALUES (%s, %s, %b)", [(shelf, name, data)]
            )

    # below: how

    def _machine(self, key: str) -> str:
        return "" if is_everywhere(key) else self._server.machine

    def _stamp(self, entry: FileEntry) -> tuple[int, int, bytes, bytes]:
        size, modified, device, inode = stamp_of(entry)
        # machines that share a name see one disk under device numbers of their own
        return size, modified, b"" if self._server.machine_is_shared else device, inode

    def _place(self, entry: FileEntry) -> tuple[Any, ...]:
        return self._machine(entry.key), os.fsencode(entry.key), *self._stamp(entry)


def _parts(items: list[Any]) -> Iterator[list[Any]]:
    return (items[at : at + _NAMED] for at in range(0, len(items), _NAMED))


def _short(verifier: str) -> str:
    """Digest a verifier's name, which holds all its settings and is too long for every pair."""
    return hashlib.sha256(verifier.encode()).hexdigest()[:32]


def _storable(text: str) -> str:
    """Encode text for PostgreSQL, which takes valid Unicode without NUL."""
    return text.replace("\0", "").encode("utf-8", "backslashreplace").decode()
