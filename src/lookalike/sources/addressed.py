"""Archives, what lies far away, and patterns: sources of what is more than a folder."""

from __future__ import annotations

import glob
import hashlib
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import takewhile
from pathlib import Path, PurePosixPath

from lookalike.addresses import (
    MemberAddress,
    archive_kind,
    is_address,
    is_pattern,
    member_of,
)
from lookalike.archives import Archive, open_archive
from lookalike.contents import Member, sample_of
from lookalike.errors import ConfigError
from lookalike.protocols import Source
from lookalike.read_config import ReadConfig
from lookalike.remote import FarFile, examine, found_under
from lookalike.sources.folder import FolderSource, file_entry, in_order, looks_like_image, once
from lookalike.types import Failure, FileEntry

__all__ = [
    "ArchiveSource",
    "FarSource",
    "PatternSource",
    "entries_at",
    "gone",
    "is_addressed",
    "open_addressed",
    "scopes_of",
]

_CONFIG = ReadConfig()
_OPENED_AT_ONCE = 4
# what WebDataset puts beside a picture
_LABELS = (".cls", ".json", ".txt")
# neither device nor inode: digests of what tells versions apart
_NO_DEVICE = -1


def is_addressed(name: str) -> bool:
    """Whether a name is of an archive, an address or a pattern, rather than of a file or folder."""
    if is_address(name):
        return True
    if os.path.exists(name):  # noqa: PTH110
        return bool(archive_kind(name)) and os.path.isfile(name)  # noqa: PTH113
    return is_pattern(name) or bool(archive_kind(name))


def open_addressed(name: str, *, hidden: bool = False, every_name: bool = False) -> Source:
    """The source that such a name means.

    Args:
        name: path of an archive, address, or pattern.
        hidden: also what has a name that starts with a dot.
        every_name: offer what has several names under each.

    Raises:
        ConfigError: it does not exist, or names what cannot be read in place.
    """
    member = member_of(name)
    if member is not None:
        return ArchiveSource(member.archive, only=member.member)
    if archive_kind(name) and not is_pattern(name):
        return ArchiveSource(name, hidden=hidden, every_name=every_name)
    if is_address(name):
        return FarSource(name, hidden=hidden, every_name=every_name)
    return PatternSource(name, hidden=hidden, every_name=every_name)


def entries_at(addresses: Iterable[str]) -> Iterator[FileEntry | Failure]:
    """What is at some addresses, each of one picture; the address is its id.

    Args:
        addresses: of members and objects; an archive of many is opened once.
    """
    wanted = dict.fromkeys(addresses)
    members: dict[str, list[str]] = {}
    far = []
    for address in wanted:
        member = member_of(address)
        if member is None:
            far.append(address)
        else:
            members.setdefault(member.archive, []).append(address)
    for archive, named in members.items():
        try:
            found = list(ArchiveSource(archive, hidden=True, every_name=True).scan())
        except ConfigError as error:
            found = [Failure(archive, "scan", str(error))]
        at = {item.path: item for item in found}
        nothing = at.get(archive)
        for address in named:
            why = nothing.message if isinstance(nothing, Failure) else "there is no such member"
            item = at.get(address, Failure(address, "scan", why))
            yield replace(item, id=address) if isinstance(item, FileEntry) else item
    with ThreadPoolExecutor(_CONFIG.at_once) as pool:
        yield from pool.map(_entry_at, far)


def _entry_at(address: str) -> FileEntry | Failure:
    try:
        item = _far_entry(examine(address))
    except (OSError, ConfigError) as error:
        return Failure(address, "scan", f"cannot be examined: {error}")
    return replace(item, id=address) if isinstance(item, FileEntry) else item


class ArchiveSource:
    """The members of a zip, a tar or a WebDataset shard.

    Args:
        archive: its path or address.
        only: name of the one member to offer; empty for all.
        hidden: also members in whose name a part starts with a dot.
        every_name: offer a member under each name that links give it.

    Raises:
        ConfigError: there is no such archive, or its path has the ``::`` that ends members' names.
    """

    def __init__(
        self, archive: str, *, only: str = "", hidden: bool = False, every_name: bool = False
    ) -> None:
        self.name = archive
        if "::" in archive:
            raise ConfigError(
                "an archive's path must not have '::'", got=archive, remedy="rename it"
            )
        if not is_address(archive) and not os.path.isfile(archive):  # noqa: PTH113
            raise ConfigError("an archive to look at does not exist", got=repr(archive))
        self.scopes: tuple[str, ...] = ()
        self._only = only
        self._hidden = hidden
        self._every_name = every_name

    def scan(self) -> Iterator[FileEntry | Failure]:
        """Members sorted by id, each once, then what cannot be read."""
        items = self._members()
        return in_order(items) if self._every_name else once(items)

    def _members(self) -> Iterator[FileEntry | Failure]:
        try:
            archive = open_archive(self.name, again=True)
        except OSError as error:
            yield Failure(self.name, "scan", f"cannot be listed: {error.strerror or error}")
            return
        if not self._only:
            self.scopes = (f"::{_key_of(self.name)}",)
            yield from archive.failures
        kind = archive_kind(self.name)
        wanted = [m for m in archive.members.values() if self._wants(m.name)]
        if self._only and not wanted:
            path = str(MemberAddress(kind, self._only, self.name))
            yield Failure(path, "scan", "the archive has no such member")
        pictures = {sample_of(m.name) for m in wanted if looks_like_image(m.name)}
        last = {_id_of(m.name): m.name for m in wanted}
        for member in wanted:
            address = MemberAddress(kind, member.name, self.name)
            if _is_label(member.name, pictures):
                continue
            if last[_id_of(member.name)] != member.name:
                yield Failure(str(address), "scan", "a later member of the same name hides it")
            elif member.trouble:
                yield Failure(str(address), "scan", member.trouble)
            else:
                yield _member_entry(member, address, archive)

    def _wants(self, name: str) -> bool:
        return name == self._only if self._only else self._hidden or not _is_hidden(name)


class FarSource:
    """Every object under an address, at any depth, or those that a pattern fits.

    Archives that a pattern names, or the address itself, are looked into.

    Args:
        address: of fsspec's forms, ``s3://bucket/prefix``.
        hidden: also objects in whose name, below the address, a part starts with a dot.
        every_name: as of ``ArchiveSource``.
    """

    def __init__(self, address: str, *, hidden: bool = False, every_name: bool = False) -> None:
        self.name = address
        self.scopes: tuple[str, ...] = ()
        self._hidden = hidden
        self._every_name = every_name

    def scan(self) -> Iterator[FileEntry | Failure]:
        """Objects sorted by id, then what cannot be read.

        Raises:
            ConfigError: nothing is there, or it cannot be listed.
        """
        found = list(found_under(self.name))
        names = {item.name for item in found if isinstance(item, FarFile)}
        pictures = {sample_of(name) for name in names if looks_like_image(name)}
        items: list[FileEntry | Failure] = []
        archives: dict[str, ArchiveSource] = {}
        for item in found:
            if isinstance(item, Failure):
                items.append(item)
            elif is_pattern(self.name) and archive_kind(item.address):
                archives[item.name] = ArchiveSource(
                    item.address, hidden=self._hidden, every_name=self._every_name
                )
            elif not _is_label(item.name, pictures) and (self._hidden or not _is_hidden(item.name)):
                items.append(_far_entry(item))
        items += _each_labelled(archives)
        self.scopes = scopes_of(archives.values()) or _prefix(self.name, found)
        return in_order(items) if self._every_name else once(items)


class PatternSource:
    """The files, folders and archives of this machine that a pattern fits: ``photos/**/*.jpg``.

    Args:
        pattern: with ``*``, ``?``, ``[…]``, and ``**`` for folders at any depth.
        hidden: also what has a name that starts with a dot.
        every_name: as of ``ArchiveSource``.

    Raises:
        ConfigError: it fits nothing.
    """

    def __init__(self, pattern: str, *, hidden: bool = False, every_name: bool = False) -> None:
        self.name = pattern
        self.scopes: tuple[str, ...] = ()
        self._hidden = hidden
        self._every_name = every_name
        # without it, Python's glob would leave out what "hidden" asks for
        self._paths = sorted(glob.glob(pattern, recursive=True, include_hidden=hidden))  # noqa: PTH207
        if not self._paths:
            raise ConfigError(
                "nothing fits this pattern", got=pattern, remedy="check it, or name the folder"
            )

    def scan(self) -> Iterator[FileEntry | Failure]:
        """Files sorted by id, each once, then what cannot be listed."""
        items = self._entries()
        return in_order(items) if self._every_name else once(items)

    def _entries(self) -> Iterator[FileEntry | Failure]:
        base = _fixed_part(self.name)
        ids = {path: path.removeprefix(base).lstrip(os.sep) for path in self._paths}
        # "**" names folders beside what is in them
        within = "**" in PurePosixPath(self.name).parts[-1:]
        inside: dict[str, Source] = {}
        real: dict[str, str] = {}
        for path in self._paths:
            folder, name = os.path.split(path)
            if os.path.isdir(path):  # noqa: PTH112
                if not within:
                    inside[ids[path]] = FolderSource(
                        [path], hidden=self._hidden, every_name=self._every_name
                    )
            elif archive_kind(path) and os.path.isfile(path):  # noqa: PTH113
                inside[ids[path]] = ArchiveSource(
                    path, hidden=self._hidden, every_name=self._every_name
                )
            else:
                if folder not in real:
                    real[folder] = os.path.realpath(folder)
                yield from file_entry(path, ids[path], os.path.join(real[folder], name))  # noqa: PTH118
        yield from _each_labelled(inside)
        self.scopes = scopes_of(inside.values())


def scopes_of(sources: Iterable[Source]) -> tuple[str, ...]:
    """Which keys some sources would have offered, had they been there; as of their last scan.

    ``::`` and an archive for all of its members, else what the keys of all objects begin with.
    What lies in folders is looked for where it lies, and has none.
    """
    return tuple(scope for source in sources for scope in getattr(source, "scopes", ()))


def gone(
    source: Source, listed: Iterable[FileEntry | Failure], keys: Callable[[], Iterable[str]]
) -> list[str]:
    """Keys of what was remembered, and is in no archive or place that was just listed, any more.

    Args:
        source: was scanned.
        listed: what it offered; a failure is there.
        keys: gives what was remembered; asked only where it matters.
    """
    scopes = scopes_of([source])
    ends = tuple(scope for scope in scopes if scope.startswith("::"))
    starts = tuple(scope for scope in scopes if not scope.startswith("::"))
    if not scopes:
        return []
    there = {item.key if isinstance(item, FileEntry) else item.path for item in listed}
    covered = (key for key in keys() if key.endswith(ends) or key.startswith(starts))
    return [key for key in covered if key not in there]


def _prefix(address: str, found: Sequence[FarFile | Failure]) -> tuple[str, ...]:
    """What the addresses of all objects under an address begin with; none for one object."""
    first = next((item for item in found if isinstance(item, FarFile)), None)
    if first is None or is_pattern(address) or first.address == address:
        return ()
    return (first.address.removesuffix(first.name),)


def _each_labelled(sources: Mapping[str, Source]) -> Iterator[FileEntry | Failure]:
    """What several sources offer; the id of each begins with that of its source."""
    # the first look at an archive that lies far away may fetch it
    with ThreadPoolExecutor(_OPENED_AT_ONCE) as pool:
        scans = pool.map(lambda source: [*source.scan()], sources.values())
        for label, items in zip(sources, scans, strict=True):
            for item in items:
                yield item if isinstance(item, Failure) else _under(label, item)


def _under(label: str, entry: FileEntry) -> FileEntry:
    return replace(entry, id=f"{label}/{entry.id}")


def _member_entry(member: Member, address: MemberAddress, archive: Archive) -> FileEntry:
    """A member as sources offer it.

    A zip tells its members' checksums, so that in a changed zip the others are known; of a tar
    only the whole is.
    """
    key = address._replace(archive=_key_of(address.archive))
    own = key._replace(member=member.target or member.name)
    version = archive.version if member.crc is None else f"{member.crc}"
    return FileEntry(
        id=_id_of(member.name),
        path=str(address),
        key=str(key),
        n_bytes=member.n_bytes,
        modified_ns=member.modified_ns,
        inode=_digests(str(own), version),
    )


def _key_of(archive: str) -> str:
    """Where an archive lies, however it is addressed."""
    if is_address(archive):
        return archive
    folder, name = os.path.split(os.path.abspath(archive))  # noqa: PTH100
    return os.path.join(os.path.realpath(folder), name)  # noqa: PTH118


def _far_entry(found: FarFile) -> FileEntry | Failure:
    if found.n_bytes is not None and found.n_bytes > _CONFIG.largest:
        message = f"{found.n_bytes:,} bytes; the most that is read at once is {_CONFIG.largest:,}"
        return Failure(found.address, "scan", message)
    # what does not tell its version may have changed every time
    version = found.version or os.urandom(8).hex()
    return FileEntry(
        id=_id_of(found.name),
        path=found.address,
        key=found.address,
        n_bytes=found.n_bytes or 0,
        modified_ns=found.modified_ns,
        inode=_digests(found.address, version),
    )


def _digests(place: str, version: str) -> tuple[int, int]:
    text = f"{place}\n{version}".encode("utf-8", "surrogateescape")
    return _NO_DEVICE, int.from_bytes(hashlib.sha256(text).digest()[:8], "big")


def _id_of(name: str) -> str:
    """A member's name as an id: never absolute, and never leading out of a folder."""
    parts = (part for part in name.split("/") if part not in ("", "."))
    return "/".join("%2E%2E" if part == ".." else part for part in parts)


def _is_hidden(name: str) -> bool:
    return any(part.startswith(".") and part not in (".", "..") for part in name.split("/"))


def _is_label(name: str, pictures: set[str]) -> bool:
    """Whether it says something of a picture beside it; a picture itself may have any name."""
    return name.lower().endswith(_LABELS) and sample_of(name) in pictures


def _fixed_part(pattern: str) -> str:
    """The folders of a pattern before its first ``*``, ``?`` or ``[``."""
    fixed = takewhile(lambda part: not is_pattern(part), Path(pattern).parts)
    return os.path.join("", *fixed)  # noqa: PTH118
