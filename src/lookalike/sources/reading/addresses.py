"""Parse addresses of pictures that are not plain files: archive members and objects.

A member is named as fsspec chains names, so that other programs can open it too:
``zip://trip/a.jpg::/home/me/photos.zip``, ``tar://0001.jpg::s3://bucket/shard-00.tar``. The archive
stands behind the last ``::``.
"""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from fnmatch import fnmatchcase
from itertools import takewhile
from typing import NamedTuple
from urllib.request import url2pathname

__all__ = [
    "MemberAddress",
    "absolute",
    "archive_kind",
    "below",
    "fits",
    "fixed_part",
    "is_address",
    "is_far",
    "is_pattern",
    "local_path",
    "member_of",
    "scheme_of",
]

# one letter would be a drive
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+)://")
_MAGIC = re.compile(r"[*?[]")
_ARCHIVES = {
    "zip": (".zip",),
    "tar": (".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tbz2", ".tar.xz", ".txz", ".tar.zst"),
}


class MemberAddress(NamedTuple):
    """One member of an archive.

    Attributes:
        kind: of the archive, ``zip`` or ``tar``.
        member: its name, exactly as the archive has it.
        archive: path or address of the archive.
    """

    kind: str
    member: str
    archive: str

    def __str__(self) -> str:
        """The address."""
        return f"{self.kind}://{self.member}::{self.archive}"


def is_address(name: str) -> bool:
    """Whether a name begins with a scheme, like ``zip://`` or ``s3://``."""
    return _SCHEME.match(name) is not None


def member_of(address: str) -> MemberAddress | None:
    """Split a member's address; None for any other name."""
    for kind in _ARCHIVES:
        if address.startswith(f"{kind}://"):
            member, parted, archive = address[len(kind) + 3 :].rpartition("::")
            if parted and member and archive:
                return MemberAddress(kind, member, archive)
    return None


def is_far(address: str) -> bool:
    """Whether an address is read from elsewhere than this machine's disks."""
    member = member_of(address)
    return is_address(member.archive if member else address)


def absolute(name: str) -> str:
    """Make a path, or the path in an address, absolute."""
    member = member_of(name)
    if member is not None:
        return str(member._replace(archive=absolute(member.archive)))
    return name if is_address(name) else os.path.abspath(name)  # noqa: PTH100


def archive_kind(name: str) -> str:
    """``zip`` or ``tar`` by the suffix of a name; empty for other names."""
    plain = name.partition("?")[0].lower() if is_address(name) else name.lower()
    return next((kind for kind, ends in _ARCHIVES.items() if plain.endswith(ends)), "")


def is_pattern(name: str) -> bool:
    """Whether a name has ``*``, ``?`` or ``[``; in web addresses ``?`` starts the query."""
    return bool(_MAGIC.search(name.partition("?")[0] if name.startswith("http") else name))


def local_path(name: str) -> str:
    """Turn a ``file://`` address into its path; returns anything else as it is."""
    scheme = _SCHEME.match(name)
    if scheme is None or scheme[1].lower() not in ("file", "local"):
        return name
    rest = name[scheme.end() :]
    return url2pathname(rest) if scheme[1].lower() == "file" else rest


def scheme_of(address: str) -> str:
    """The scheme of an address, lower case; empty for any other name."""
    scheme = _SCHEME.match(address)
    return scheme[1].lower() if scheme else ""


def fixed_part(pattern: str) -> str:
    """The folders of a pattern before its first ``*``, ``?`` or ``[``."""
    return "/".join(takewhile(lambda part: not is_pattern(part), pattern.split("/")))


def fits(names: Sequence[str], parts: Sequence[str]) -> bool:
    """Whether a path, or a folder above it, matches a pattern; both given as parts."""
    if not parts:
        return True
    if parts[0] == "**":
        return fits(names, parts[1:]) or (bool(names) and fits(names[1:], parts))
    return bool(names) and fnmatchcase(names[0], parts[0]) and fits(names[1:], parts[1:])


def below(base: str, path: str) -> str:
    """Make a path relative to another; of that other itself it is the last part."""
    rest = path.removeprefix(base)
    # only one slash: object stores allow names that begin with one
    return (rest if base.endswith("/") else rest[1:]) or path.rpartition("/")[2]
