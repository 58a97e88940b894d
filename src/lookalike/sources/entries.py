"""Make file entries of archive members and of objects at addresses."""

from __future__ import annotations

import hashlib
import os

from lookalike.config import ReadConfig
from lookalike.model.files import Failure
from lookalike.model.image import FileEntry
from lookalike.model.protocols import FarFile
from lookalike.sources.reading.addresses import MemberAddress, is_address
from lookalike.sources.reading.archives import Archive
from lookalike.sources.reading.contents import Member, sample_of

__all__ = ["far_entry", "id_of", "is_hidden", "is_label", "key_of", "member_entry"]

# suffixes of what WebDataset puts beside a picture
_LABELS = (".cls", ".json", ".txt")
# these entries have no inode: a digest of place and version stands for one
_NO_DEVICE = -1


def member_entry(member: Member, address: MemberAddress, archive: Archive) -> FileEntry:
    """Make the entry of an archive's member.

    A zip holds its members' checksums, so members that did not change stay known when the zip does;
    a tar has one version as a whole.
    """
    key = address._replace(archive=key_of(address.archive))
    own = key._replace(member=member.target or member.name)
    version = archive.version if member.crc is None else f"{member.crc}"
    return FileEntry(
        id=id_of(member.name),
        path=str(address),
        key=str(key),
        n_bytes=member.n_bytes,
        modified_ns=member.modified_ns,
        inode=_digests(str(own), version),
    )


def key_of(archive: str) -> str:
    """The key of an archive: one path or address, however it was named."""
    if is_address(archive):
        return archive
    folder, name = os.path.split(os.path.abspath(archive))  # noqa: PTH100
    return os.path.join(os.path.realpath(folder), name)  # noqa: PTH118


def far_entry(found: FarFile, config: ReadConfig) -> FileEntry | Failure:
    """Make the entry of an object, or a failure if it is too large."""
    if why := config.too_large(found.n_bytes or 0):
        return Failure(found.address, "scan", why)
    # an object without a version may have changed, so it is new in every run
    version = found.version or os.urandom(8).hex()
    return FileEntry(
        id=_far_id(found.name),
        path=found.address,
        key=found.address,
        n_bytes=found.n_bytes or 0,
        modified_ns=found.modified_ns,
        inode=_digests(found.address, version),
    )


def _digests(place: str, version: str) -> tuple[int, int]:
    text = f"{place}\n{version}".encode("utf-8", "surrogateescape")
    return _NO_DEVICE, int.from_bytes(hashlib.sha256(text).digest()[:8], "big")


def id_of(name: str) -> str:
    """Turn a member's name into an id: never absolute, never leading out of a folder."""
    parts = (part for part in name.split("/") if part not in ("", "."))
    return "/".join("%2E%2E" if part == ".." else part for part in parts)


def _far_id(name: str) -> str:
    """Turn an object's name into an id; ``a/b``, ``a//b`` and ``a/./b`` are three objects."""
    odd = {"": "%2F", ".": "%2E", "..": "%2E%2E"}
    return "/".join(odd.get(part, part) for part in name.split("/"))


def is_hidden(name: str) -> bool:
    """Whether a part of the name starts with a dot."""
    return any(part.startswith(".") and part not in (".", "..") for part in name.split("/"))


def is_label(name: str, pictures: set[str]) -> bool:
    """Whether a file is the label of a picture beside it, by its name."""
    return name.lower().endswith(_LABELS) and sample_of(name) in pictures
