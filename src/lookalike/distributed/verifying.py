"""Verify pairs in tasks that fetch only the keypoints and planes they need."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from lookalike.config import VerifyConfig
from lookalike.descriptors.keypoints import ROW, KeypointKind
from lookalike.distributed.rows import Place
from lookalike.distributed.shards import SIDES
from lookalike.distributed.work import Work, digest
from lookalike.model.match import Verification
from lookalike.model.serialization import to_json
from lookalike.store.records import verification_from
from lookalike.verification.side import Side
from lookalike.verification.verify import VERIFIER, verify

__all__ = ["Asked", "Seat", "verify_pairs"]

_HELD = 2048


@dataclass(frozen=True, slots=True)
class Seat:
    """One side of a pair.

    Attributes:
        sha256: of the content.
        place: of its keypoints and plane, in the work folder.
        size: full width and height, pixels.
    """

    sha256: str
    place: Place
    size: tuple[int, int]


@dataclass(frozen=True, slots=True)
class Asked:
    """The pairs of one task.

    Attributes:
        seats: every content once.
        pairs: positions in ``seats``, query and ref.
        mirrored: whether the query is mirrored.
    """

    seats: tuple[Seat, ...]
    pairs: tuple[tuple[int, int], ...]
    mirrored: bool


# what a worker read last: rounds of verification ask for the same centres again
_sides: OrderedDict[tuple[str, Place], Side] = OrderedDict()


def verify_pairs(
    work: Work, asked: Asked, config: VerifyConfig, kind: KeypointKind
) -> list[Verification | None]:
    """Verify pairs; verdicts come in the order asked and are remembered in the work folder.

    Args:
        work: holds the sides, and remembers.
        asked: the pairs.
        config: what a copy must show.
        kind: of the keypoints.
    """
    shas = [(asked.seats[a].sha256, asked.seats[b].sha256) for a, b in asked.pairs]
    name = f"verdicts/{digest(VERIFIER, kind, config, asked.mirrored, shas)}.parquet"
    if work.has(name):
        return [verification_from(text) for text in work.table(name, ["verdict"])["verdict"]]
    sides = _load(work, asked.seats)
    found = [
        verify(sides[a], sides[b], config, kind, mirrored=asked.mirrored) for a, b in asked.pairs
    ]
    columns = {
        "query": [query for query, _ in shas],
        "ref": [ref for _, ref in shas],
        "verdict": [None if seen is None else to_json(seen) for seen in found],
    }
    work.put(name, columns)
    return found


def _load(work: Work, seats: Sequence[Seat]) -> list[Side]:
    missing: dict[str, list[Seat]] = {}
    for seat in seats:
        if (work.address, seat.place) not in _sides:
            missing.setdefault(seat.place.name, []).append(seat)
    for name, some in missing.items():
        rows = np.array([seat.place.row for seat in some], np.int64)
        read = work.rows(name, rows, ["keypoints", "plane"], SIDES)
        for seat, points, plane in zip(some, read["keypoints"], read["plane"], strict=True):
            _sides[work.address, seat.place] = Side.from_rows(
                *seat.size,
                np.frombuffer(points, np.uint8).reshape(-1, ROW),
                np.frombuffer(plane, np.uint8),
            )
    found = []
    for seat in seats:
        _sides.move_to_end((work.address, seat.place))
        found.append(_sides[work.address, seat.place])
    while len(_sides) > _HELD:
        _sides.popitem(last=False)
    return found
