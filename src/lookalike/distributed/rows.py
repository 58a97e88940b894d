"""Places of contents' rows in files, and reading them in tasks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from lookalike.distributed.work import Work
from lookalike.model.arrays import IntArray, UInt8Array

__all__ = ["Place", "Span", "fixed_rows", "runs", "spans_of"]


class Place(NamedTuple):
    """The place of one content's row: a file of the work folder, and the row in it."""

    name: str
    row: int


class Span(NamedTuple):
    """Some rows of one file.

    Attributes:
        name: of the file.
        rows: ``(k,)`` rows in it.
        places: ``(k,)`` positions in the list of contents that is asked about.
    """

    name: str
    rows: IntArray
    places: IntArray


def spans_of(shas: Sequence[str], where: Mapping[str, Place]) -> list[Span]:
    """Group contents by the file of their rows, files in the order in which they first occur."""
    found: dict[str, tuple[list[int], list[int]]] = {}
    for place, sha in enumerate(shas):
        name, row = where[sha]
        rows, places = found.setdefault(name, ([], []))
        rows.append(row)
        places.append(place)
    return [
        Span(name, np.array(rows, np.int64), np.array(places, np.int64))
        for name, (rows, places) in found.items()
    ]


def runs(spans: Sequence[Span], size: int) -> Iterator[list[Span]]:
    """Put files together until they hold at least ``size`` rows."""
    some: list[Span] = []
    for span in spans:
        some.append(span)
        if sum(len(one.rows) for one in some) >= size:
            yield some
            some = []
    if some:
        yield some


def fixed_rows(
    work: Work, spans: Sequence[Span], column: str, width: int
) -> tuple[UInt8Array, IntArray]:
    """Read rows ``(n, width)`` uint8 of one column, and the ``(n,)`` places they belong to."""
    parts = []
    for span in spans:
        values = work.table(span.name, [column])[column]
        data = b"".join(values[row] for row in span.rows.tolist())
        parts.append(np.frombuffer(data, np.uint8).reshape(-1, width))
    places = [span.places for span in spans]
    return np.concatenate(parts), np.concatenate(places)
