"""Descriptors of a collection at a server, and ranking by them there."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lookalike.model.errors import CollectionError
from lookalike.model.image import DescriptorSpec
from lookalike.store.postgres.schema import MOST_RANKED
from lookalike.store.postgres.session import Session
from lookalike.store.records import differing_specs
from lookalike.store.rows import Spans

__all__ = ["Described"]

#: contents named in one query, and bytes of rows fetched by one
_NAMED, _FETCHED = 10_000, 16_000_000
_LIKELY_RAGGED = 64_000
_HELD = """
SELECT sha256 FROM unnest(%s::text[]) AS asked(sha) JOIN content ON sha256 = sha
JOIN descriptor ON spec = %s AND content = content.id
"""
_BODIES = """
SELECT n, body FROM unnest(%s::text[]) WITH ORDINALITY AS asked(sha, n)
JOIN content ON sha256 = sha JOIN descriptor ON spec = %s AND content = content.id
"""
_NEAREST = """
SELECT sha256 FROM (
  SELECT content, direction <=> %s::halfvec AS far FROM descriptor
  WHERE spec = %s AND direction IS NOT NULL AND content IN
  (SELECT content FROM file WHERE machine IN ('', %s) AND kind = 'image')
  ORDER BY far LIMIT %s) AS near
JOIN content ON content.id = near.content ORDER BY far, sha256
"""
_INSERT = """
INSERT INTO descriptor(spec, content, body, direction)
SELECT %s::integer, id, %b::bytea, %s::halfvec FROM content WHERE sha256 = %s
ON CONFLICT DO NOTHING
"""


class Described:
    """The descriptors of one collection.

    Args:
        session: open.
        machine: whose files are ranked.
    """

    def __init__(self, session: Session, machine: str) -> None:
        self._session = session
        self._machine = machine
        self._specs: dict[str, tuple[int, str]] = {}

    def check_spec(self, spec: DescriptorSpec) -> None:
        """Refuse to mix descriptors of one name and two versions."""
        self._number(spec)

    def missing(self, spec: DescriptorSpec, shas: Sequence[str]) -> list[str]:
        """List contents that have no descriptor of this spec, in the order asked."""
        number = self._number(spec)
        if number is None:
            return list(shas)
        held: set[str] = set()
        for at in range(0, len(shas), _NAMED):
            some = list(shas[at : at + _NAMED])
            held.update(row[0] for row in self._session.rows(_HELD, (some, number)))
        return [sha for sha in shas if sha not in held]

    def described(self, specs: Sequence[DescriptorSpec]) -> set[str]:
        """Find contents that have all of some descriptors."""
        numbers = [number for spec in specs if (number := self._number(spec)) is not None]
        if len(numbers) < len(specs):
            return set()
        found = self._session.rows(
            "SELECT sha256 FROM content WHERE damage IS NOT NULL AND id IN "
            "(SELECT content FROM descriptor WHERE spec = ANY(%s) "
            "GROUP BY content HAVING count(*) = %s)",
            (numbers, len(numbers)),
        )
        return {row[0] for row in found}

    def rows(self, spec: DescriptorSpec, shas: Sequence[str]) -> NDArray[Any]:
        """Fetch descriptors ``(n, row_width)`` in the order asked."""
        kind = np.dtype(spec.dtype)
        out = np.empty((len(shas), spec.row_width), kind)
        per_query = max(64, _FETCHED // max(1, spec.row_width * kind.itemsize))
        for places, bodies in self._bodies(spec, shas, min(per_query, _NAMED)):
            held = np.frombuffer(b"".join(bodies), kind.newbyteorder("<"))
            out[places] = held.reshape(-1, spec.row_width)
        return out

    def stored(self, spec: DescriptorSpec, shas: Sequence[str]) -> ServerRows:
        """Give access to descriptors ``(n, row_width)`` in the order asked, block by block."""
        return ServerRows(self, spec, shas)

    def ragged(self, spec: DescriptorSpec, shas: Sequence[str]) -> list[NDArray[Any]]:
        """Fetch descriptors of varying length ``(k, row_width)`` in the order asked."""
        kind = np.dtype(spec.dtype).newbyteorder("<")
        found: list[NDArray[Any]] = [np.empty((0, spec.row_width), kind)] * len(shas)
        for places, bodies in self._bodies(spec, shas, _FETCHED // _LIKELY_RAGGED):
            for place, body in zip(places, bodies, strict=True):
                found[place] = np.frombuffer(bytearray(body), kind).reshape(-1, spec.row_width)
        return found

    def spans(self, spec: DescriptorSpec, shas: Sequence[str]) -> Spans:
        """Fetch descriptors of varying length by content."""
        held = dict(zip(shas, self.ragged(spec, shas), strict=True))
        places = {sha: (0, len(rows)) for sha, rows in held.items()}
        return Spans(places, np.dtype(spec.dtype), spec.row_width, held)

    @contextmanager
    def undone_with(self) -> Iterator[None]:
        """Forget specs that a transaction made known, if it fails."""
        try:
            yield
        except BaseException:
            self._specs.clear()
            raise

    def append(
        self, spec: DescriptorSpec, shas: Sequence[str], arrays: Sequence[NDArray[Any]]
    ) -> None:
        """Add descriptors ``(k, row_width)`` of contents that lack one, inside a transaction."""
        number = self._number(spec)
        if number is None:
            number = self._register(spec)
        lacking = set(self.missing(spec, shas))
        fresh = {s: a for s, a in zip(shas, arrays, strict=True) if s in lacking}
        if not fresh:
            return
        kind, ranked = np.dtype(spec.dtype).newbyteorder("<"), _is_ranked(spec)
        self._session.write(
            _INSERT,
            (
                (
                    number,
                    np.ascontiguousarray(array, kind).tobytes(),
                    _direction(array[0]) if ranked else None,
                    sha,
                )
                for sha, array in fresh.items()
            ),
        )

    def nearest(self, spec: DescriptorSpec, row: NDArray[Any], k: int) -> list[str] | None:
        """Rank contents by cosine distance at the server; None where this descriptor cannot be."""
        number, direction = self._number(spec), _direction(row)
        if number is None or direction is None or not _is_ranked(spec):
            return None
        found = self._session.rows(_NEAREST, (direction, number, self._machine, k))
        return [row[0] for row in found]

    # below: how

    def _bodies(
        self, spec: DescriptorSpec, shas: Sequence[str], per_query: int
    ) -> Iterator[tuple[list[int], list[bytes]]]:
        """Fetch bodies with their places in ``shas``, some at a time."""
        number = self._number(spec)
        for at in range(0, len(shas), per_query):
            some = list(shas[at : at + per_query])
            found = [] if number is None else self._session.rows(_BODIES, (some, number))
            if len(found) < len(some):
                there = {n for n, _ in found}
                lacking = next(sha for n, sha in enumerate(some, start=1) if n not in there)
                raise CollectionError(
                    f"the collection holds no {spec.name!r} descriptor of a content", got=lacking
                )
            yield [at + n - 1 for n, _ in found], [body for _, body in found]

    def _number(self, spec: DescriptorSpec) -> int | None:
        """Look up the number of a spec, which another client may just have made known."""
        if spec.name not in self._specs:
            found = self._session.rows("SELECT id, name, key FROM spec")
            self._specs = {name: (number, key) for number, name, key in found}
        held = self._specs.get(spec.name)
        if held is not None and held[1] != spec.key:
            raise differing_specs(spec, held[1])
        return held[0] if held else None

    def _register(self, spec: DescriptorSpec) -> int:
        """Make a spec known, within ``writing``: nobody else does so at the same time."""
        made = self._session.rows(
            "INSERT INTO spec(name, key, dtype, row_width) VALUES (%s, %s, %s, %s) RETURNING id",
            (spec.name, spec.key, spec.dtype, spec.row_width),
        )
        return int(made[0][0])


class ServerRows:
    """Rows ``(n, width)`` at the server that are fetched when asked for, like an array.

    Args:
        described: fetches.
        spec: of the rows.
        shas: contents of the rows, in their order.
    """

    def __init__(self, described: Described, spec: DescriptorSpec, shas: Sequence[str]) -> None:
        self._described = described
        self._spec = spec
        self._shas = shas

    @property
    def shape(self) -> tuple[int, ...]:
        """Number of rows, and values a row."""
        return len(self._shas), self._spec.row_width

    def __getitem__(self, some: slice | NDArray[np.int64]) -> NDArray[Any]:
        """Fetch rows ``(k, width)``."""
        if isinstance(some, slice):
            return self._described.rows(self._spec, self._shas[some])
        return self._described.rows(self._spec, [self._shas[n] for n in some.tolist()])


def _is_ranked(spec: DescriptorSpec) -> bool:
    return spec.metric == "cosine" and spec.dim <= MOST_RANKED


def _direction(row: NDArray[Any]) -> str | None:
    """Normalise a row to length 1 and write it as pgvector reads it; None for a row of zeros."""
    values = np.asarray(row, np.float64)
    length = float(np.linalg.norm(values))
    if not 0 < length < np.inf:
        return None
    return "[" + ",".join(f"{value:.5g}" for value in (values / length).tolist()) + "]"
