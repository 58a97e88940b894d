"""Cut files into shards of fixed membership, each read and described once, by one task.

A shard is a run of files in the order of their ids. It ends where the digest of a key says so, not
after a number of files, so a file that is added changes one shard and not all that follow.
"""

from __future__ import annotations

import hashlib
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, fields
from functools import partial
from typing import Any

import numpy as np

from lookalike.config import FindConfig, ReadConfig
from lookalike.descriptors.hashes import BACKDROPS, PDQ_SPEC, THUMB_SPEC
from lookalike.descriptors.keypoints import KeypointKind
from lookalike.distributed.work import Work, digest
from lookalike.images.decode import pixel_digest
from lookalike.ingest.describe import sides_of
from lookalike.ingest.ingest import Outcome, examine, read_entry
from lookalike.model.arrays import IntArray, UInt8Array
from lookalike.model.files import Failure
from lookalike.model.image import FileEntry
from lookalike.sources.reading import read_again
from lookalike.store import Content
from lookalike.verification.side import PLANE_SPEC

__all__ = [
    "SIDES",
    "Shard",
    "Summary",
    "cut",
    "describe_shard",
    "describe_sides",
    "facts",
    "pixel_digests",
    "same_bytes",
    "split_by_bytes",
]

SIDES = 4
_FORMAT = "shard 3"
_READERS, _AHEAD = 4, 8
_LARGEST_TIMES = 4
_CONTENT = [field.name for field in fields(Content) if field.name != "pixel_digest"]
_BYTES = np.dtype([("sha256", "S64"), ("number", "i8")])


@dataclass(frozen=True, slots=True)
class Shard:
    """Some files, and the name of the file that is made of them.

    Attributes:
        name: of its Parquet file.
        first: number of its first file among all.
        entries: the files, sorted by id.
    """

    name: str
    first: int
    entries: tuple[FileEntry, ...]

    @property
    def shades(self) -> str:
        """Name of the file of hashes over backdrops: as many rows a picture as it has."""
        return f"{self.name.removesuffix('.parquet')}.shades.parquet"

    def sides(self, kind: KeypointKind) -> str:
        """Name of the file of keypoints and planes that is made with the shard."""
        made = f"{kind.name}-{digest(kind.spec.key, PLANE_SPEC.key)}"
        return f"{self.name.removesuffix('.parquet')}.{made}.parquet"


@dataclass(frozen=True, slots=True)
class Summary:
    """What became of a shard.

    Attributes:
        images: number of files that are images.
        skipped: rows of files that are not images and have no image's suffix.
        failures: rows of files that gave no image, with stage and message.
        fresh: whether this run described it.
    """

    images: int
    skipped: tuple[int, ...]
    failures: tuple[tuple[int, str, str], ...]
    fresh: bool


def cut(entries: Sequence[FileEntry], config: FindConfig, size: int) -> list[Shard]:
    """Cut all files into shards of about ``size``.

    Args:
        entries: what the source offers.
        config: settings; those that matter are part of a shard's name.
        size: a power of two, so that larger shards consist of whole smaller ones.
    """
    made_with = (_FORMAT, config.decode, config.hashes.min_telling, PDQ_SPEC.key, THUMB_SPEC.key)
    shards: list[Shard] = []
    some: list[FileEntry] = []
    first = 0
    ordered = sorted(entries, key=lambda entry: entry.id)
    for number, entry in enumerate(ordered, start=1):
        some.append(entry)
        mark = hashlib.sha256(entry.key.encode("utf-8", "surrogateescape")).digest()
        is_end = int.from_bytes(mark[:8]) % size == 0 or len(some) == _LARGEST_TIMES * size
        if is_end or number == len(ordered):
            stamps = ((one.key, one.n_bytes, one.modified_ns) for one in some)
            shards.append(
                Shard(f"shards/{digest(*made_with, *stamps)}.parquet", first, tuple(some))
            )
            some, first = [], number
    return shards


def describe_shard(
    work: Work, shard: Shard, config: FindConfig, kind: KeypointKind | None
) -> Summary:
    """Read, decode and describe the files of a shard, unless that is done.

    What could not be read is tried again: permissions and connections change without a trace.

    Args:
        work: where the results go.
        shard: which files.
        config: settings.
        kind: keypoints to look for at once, while the bytes are here.
    """
    if work.has(shard.name):
        found = work.table(shard.name, ["kind", "stage", "message"])
        if "read" not in found["stage"]:
            return _summary(found, fresh=False)
    seen: set[str] = set()

    def is_new(sha256: str) -> bool:
        known = sha256 in seen
        seen.add(sha256)
        return not known

    outcomes: list[Outcome] = []
    sides: list[tuple[UInt8Array, UInt8Array] | None] = []
    for entry, data in _read(shard.entries, partial(read_entry, read=config.read)):
        if isinstance(data, Failure):
            outcomes.append(Outcome(entry, "failure", failure=data))
            sides.append(None)
            continue
        outcome = examine(entry, data, config, is_new)
        outcomes.append(outcome)
        size = (outcome.content.width, outcome.content.height) if outcome.content else None
        sides.append(
            sides_of(entry.path, data, size, config.decode, kind) if kind and size else None
        )
    columns = _columns(outcomes)
    if kind:
        work.put(shard.sides(kind), _side_columns(sides), group=SIDES)
    if any(outcome.shades for outcome in outcomes):
        work.put(shard.shades, _shade_columns(outcomes))
    work.put(shard.name, columns)
    return _summary(columns, fresh=True)


def _shade_columns(outcomes: Sequence[Outcome]) -> dict[str, Any]:
    """Put hashes over every backdrop one after the other; none of opaque pictures."""
    shades = [o.shades or [None] * len(BACKDROPS) for o in outcomes]
    rows = [shade[1] if shade else {} for some in shades for shade in some]
    return {
        name: [row[spec].tobytes() if row else None for row in rows]
        for name, spec in (("pdq", PDQ_SPEC), ("thumb", THUMB_SPEC))
    }


def _columns(outcomes: Sequence[Outcome]) -> dict[str, Any]:
    """Make columns of outcomes; a file with bytes that occurred before shares their results."""
    first = {o.sha256: o for o in outcomes if o.sha256 and o.kind != "seen"}
    settled = [first[o.sha256] if o.kind == "seen" else o for o in outcomes]
    known = [o.known() for o in settled]
    return {
        "kind": [one.kind for one in known],
        "sha256": [one.sha256 for one in known],
        "stage": [one.stage for one in known],
        "message": [one.message for one in known],
        **{name: [getattr(o.content, name, None) for o in outcomes] for name in _CONTENT[1:]},
        "pdq": [o.rows[PDQ_SPEC].tobytes() if o.content else None for o in outcomes],
        "thumb": [o.rows[THUMB_SPEC].tobytes() if o.content else None for o in outcomes],
    }


def _summary(columns: Mapping[str, Sequence[Any]], *, fresh: bool) -> Summary:
    kinds = columns["kind"]
    failures = zip(range(len(kinds)), columns["stage"], columns["message"], strict=True)
    return Summary(
        images=sum(kind == "image" for kind in kinds),
        skipped=tuple(row for row, kind in enumerate(kinds) if kind == "skipped"),
        failures=tuple(failure for failure in failures if kinds[failure[0]] == "failure"),
        fresh=fresh,
    )


def split_by_bytes(work: Work, shard: Shard, parts: int) -> list[Any]:
    """Distribute the images of a shard over ``parts`` by their SHA-256: numbers of files."""
    found = work.table(shard.name, ["kind", "sha256"])
    rows = [row for row, kind in enumerate(found["kind"]) if kind == "image"]
    images = np.zeros(len(rows), _BYTES)
    images["sha256"] = [found["sha256"][row] for row in rows]
    images["number"] = np.array(rows, np.int64) + shard.first
    home = np.array([int(sha[:8], 16) % parts for sha in images["sha256"].tolist()], np.int64)
    return [images[home == part] for part in range(parts)]


def same_bytes(*pieces: Any) -> tuple[IntArray, IntArray, IntArray]:
    """Group the images of one part by their bytes, in one sort.

    Returns:
        The first file of each content; then files that have a content's bytes, and its first file.
    """
    images = np.concatenate(pieces)
    images = images[np.lexsort((images["number"], images["sha256"]))]
    is_first = np.ones(len(images), bool)
    is_first[1:] = images["sha256"][1:] != images["sha256"][:-1]
    numbers = images["number"]
    firsts = numbers[is_first]
    return firsts, numbers[~is_first], firsts[np.cumsum(is_first)[~is_first] - 1]


def facts(
    work: Work, shard: Shard, rows: IntArray, kind: KeypointKind | None
) -> tuple[list[Content], list[int | None] | None]:
    """Read some contents of a shard, and how many keypoints each has, if they were looked for."""
    found = work.table(shard.name, _CONTENT)
    contents = [Content(*(found[name][row] for name in _CONTENT)) for row in rows.tolist()]
    if kind is None or not work.has(shard.sides(kind)):
        return contents, None
    counts = work.table(shard.sides(kind), ["count"])["count"]
    return contents, [counts[row] for row in rows.tolist()]


def describe_sides(
    work: Work,
    name: str,
    images: Sequence[tuple[str, tuple[int, int]]],
    config: FindConfig,
    kind: KeypointKind,
) -> list[int | None]:
    """Make keypoints and planes of some contents, unless they exist; how many keypoints each has.

    Args:
        work: where the results go.
        name: of their file.
        images: address and full size of each.
        config: settings.
        kind: which keypoints.
    """
    if work.has(name):
        found: list[int | None] = work.table(name, ["count"])["count"]
        if None not in found:
            return found
    sides = [
        None if isinstance(data, OSError) else sides_of(address, data, size, config.decode, kind)
        for (address, size), data in _read(images, partial(_bytes_of, read=config.read))
    ]
    columns = _side_columns(sides)
    work.put(name, columns, group=SIDES)
    return list(columns["count"])


def pixel_digests(images: Sequence[str], config: FindConfig) -> list[str | None]:
    """Digest full-size pixels, by address; None where they cannot be read."""
    found = []
    for address, data in _read(
        [(address, (0, 0)) for address in images], partial(_bytes_of, read=config.read)
    ):
        made = None
        if not isinstance(data, OSError):
            made = pixel_digest(address[0], data, config.decode)
        found.append(None if isinstance(made, Failure) else made)
    return found


def _read(items: Sequence[Any], reader: Callable[[Any], Any]) -> Iterator[tuple[Any, Any]]:
    """Yield items with what was read for them; a few are read ahead, as networks are slow."""
    with ThreadPoolExecutor(_READERS) as pool:
        waiting: deque[tuple[Any, Future[Any]]] = deque()
        for item in items:
            waiting.append((item, pool.submit(reader, item)))
            if len(waiting) > _AHEAD:
                done, future = waiting.popleft()
                yield done, future.result()
        while waiting:
            done, future = waiting.popleft()
            yield done, future.result()


def _bytes_of(image: tuple[str, tuple[int, int]], read: ReadConfig) -> bytes | OSError:
    try:
        return read_again(image[0], read)
    except OSError as error:
        return error


def _side_columns(sides: Sequence[tuple[UInt8Array, UInt8Array] | None]) -> dict[str, Any]:
    return {
        "count": [None if side is None else len(side[0]) for side in sides],
        "keypoints": [None if side is None else side[0].tobytes() for side in sides],
        "plane": [None if side is None else side[1].tobytes() for side in sides],
    }
