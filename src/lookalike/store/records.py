"""The records that a collection remembers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from operator import attrgetter
from typing import Any

from numpy.typing import NDArray

from lookalike.model.errors import SpecMismatchError
from lookalike.model.image import DescriptorSpec, FileEntry
from lookalike.model.match import Verification
from lookalike.model.serialization import from_json

__all__ = [
    "ADD_LOOKS",
    "CONTENT_COLUMNS",
    "FROM_SCHEMA_1",
    "READ_COLUMNS",
    "Batch",
    "Content",
    "KnownFile",
    "content_from",
    "content_row",
    "differing_specs",
    "stamp_of",
    "verification_from",
]

CONTENT_COLUMNS = (
    "sha256, n_bytes, width, height, format, lossless, exif_fields, sharpness, low_information, "
    "damage, transparent, pixel_digest"
)
#: as they are read: of a content that nobody looked at for damage, none is known
READ_COLUMNS = CONTENT_COLUMNS.replace("damage", "coalesce(damage, '')")
#: what is known of a content stays, but for what nobody looked for
ADD_LOOKS = (
    "ON CONFLICT(sha256) DO UPDATE SET damage = excluded.damage, "
    "transparent = excluded.transparent WHERE content.damage IS NULL"
)
#: from the first schema, which knew nothing of damage and transparency: files whose content has
#: null there are looked at again, and what did not decode is tried again
FROM_SCHEMA_1 = (
    "ALTER TABLE content ADD COLUMN damage TEXT",
    "ALTER TABLE content ADD COLUMN transparent BOOLEAN NOT NULL DEFAULT FALSE",
    "DELETE FROM file WHERE kind = 'failure' AND stage = 'decode'",
)


@dataclass(frozen=True, slots=True)
class Content:
    """One content: what is known of it, whatever files hold it.

    Attributes: as of ``ImageRef``; ``pixel_digest`` is None until it was asked for.
    """

    sha256: str
    n_bytes: int
    width: int
    height: int
    format: str
    lossless: bool
    exif_fields: int
    sharpness: float
    low_information: bool
    damage: str = ""
    transparent: bool = False
    pixel_digest: str | None = None


#: a content's values in the order of ``CONTENT_COLUMNS``
content_row = attrgetter(*CONTENT_COLUMNS.split(", "))


@dataclass(frozen=True, slots=True)
class KnownFile:
    """What one file turned out to be.

    Attributes:
        kind: ``image``, ``failure`` or ``skipped`` (no image, and none claimed).
        sha256: of its bytes, for an image.
        stage: where it failed.
        message: why it failed.
    """

    kind: str
    sha256: str | None = None
    stage: str = ""
    message: str = ""


@dataclass(frozen=True, slots=True)
class Batch:
    """One atomic step of a collection.

    Attributes:
        contents: newly described contents.
        files: files and the SHA-256 of their bytes, whose content is in this batch or known.
        failures: files that gave no image, and what they turned out to be.
        rows: fixed-size descriptors: contents and ``(n, row_width)``.
        ragged: descriptors of varying length: contents and arrays ``(k, row_width)``.
    """

    contents: tuple[Content, ...] = ()
    files: tuple[tuple[FileEntry, str], ...] = ()
    failures: tuple[tuple[FileEntry, KnownFile], ...] = ()
    rows: Mapping[DescriptorSpec, tuple[tuple[str, ...], NDArray[Any]]] = field(
        default_factory=dict
    )
    ragged: Mapping[DescriptorSpec, tuple[tuple[str, ...], list[NDArray[Any]]]] = field(
        default_factory=dict
    )


def content_from(row: Sequence[Any]) -> Content:
    """Make a content from its values in the order of ``READ_COLUMNS``."""
    sha, size, wide, tall, kind, lossless, tags, sharp, low, damage, clear, pixels = row
    told = bool(lossless), tags, sharp, bool(low), damage, bool(clear), pixels
    return Content(sha, size, wide, tall, kind, *told)


def stamp_of(entry: FileEntry) -> tuple[int, int, bytes, bytes]:
    """The stamp that shows whether a file changed; inode numbers may exceed SQLite's integers."""
    device, inode = entry.inode
    return entry.n_bytes, entry.modified_ns, str(device).encode(), str(inode).encode()


def differing_specs(asked: DescriptorSpec, held: str) -> SpecMismatchError:
    """Make the error of a collection that holds another version of a descriptor."""
    return SpecMismatchError(
        f"the collection holds other {asked.name!r} descriptors",
        got=held,
        expected=asked.key,
        remedy="choose another --db, or delete this one to describe anew",
    )


def verification_from(text: str | None) -> Verification | None:
    """Evidence as it was remembered; None for a refusal."""
    return None if text is None else from_json(text, Verification)
