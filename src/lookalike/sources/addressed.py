"""Sources of archives and of objects at addresses."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

from lookalike.config import ReadConfig
from lookalike.model.errors import ConfigError
from lookalike.model.files import Failure
from lookalike.model.image import FileEntry
from lookalike.model.protocols import FarFile, Source
from lookalike.runtime.progress import Progress, silent
from lookalike.sources.entries import (
    far_entry,
    id_of,
    is_hidden,
    is_label,
    key_of,
    member_entry,
)
from lookalike.sources.folder import in_order, looks_like_image, once
from lookalike.sources.reading.addresses import (
    MemberAddress,
    archive_kind,
    is_address,
    is_pattern,
    member_of,
)
from lookalike.sources.reading.archives import open_archive
from lookalike.sources.reading.contents import sample_of
from lookalike.sources.reading.remote import examine, found_under

__all__ = [
    "ArchiveSource",
    "FarSource",
    "entries_at",
    "gone",
    "scan_each",
    "scopes_of",
    "watch",
]

_OPENED_AT_ONCE = 4


def entries_at(addresses: Iterable[str], read: ReadConfig) -> Iterator[FileEntry | Failure]:
    """List what is at some addresses, each of one picture; the address becomes its id.

    Args:
        addresses: of members and objects; an archive of many is opened once.
        read: how they are read.
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
            found = list(ArchiveSource(archive, hidden=True, every_name=True, read=read).scan())
        except ConfigError as error:
            found = [Failure(archive, "scan", str(error))]
        at = {item.path: item for item in found}
        nothing = at.get(archive)
        for address in named:
            why = nothing.message if isinstance(nothing, Failure) else "there is no such member"
            item = at.get(address, Failure(address, "scan", why))
            yield replace(item, id=address) if isinstance(item, FileEntry) else item
    with ThreadPoolExecutor(read.at_once) as pool:
        yield from pool.map(lambda address: _entry_at(address, read), far)


def _entry_at(address: str, read: ReadConfig) -> FileEntry | Failure:
    try:
        item = far_entry(examine(address, read), read)
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
        read: how it is read; None for ``ReadConfig()``.

    Raises:
        ConfigError: there is no such archive, or its path has the ``::`` that ends members' names.
    """

    def __init__(
        self,
        archive: str,
        *,
        only: str = "",
        hidden: bool = False,
        every_name: bool = False,
        read: ReadConfig | None = None,
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
        self._read = read or ReadConfig()

    def scan(self) -> Iterator[FileEntry | Failure]:
        """List members sorted by id, each once, then failures."""
        items = self._members()
        return in_order(items) if self._every_name else once(items)

    def _members(self) -> Iterator[FileEntry | Failure]:
        try:
            archive = open_archive(self.name, self._read, again=True)
        except OSError as error:
            yield Failure(self.name, "scan", f"cannot be listed: {error.strerror or error}")
            return
        if not self._only:
            self.scopes = (f"::{key_of(self.name)}",)
            yield from archive.failures
        kind = archive_kind(self.name)
        wanted = [m for m in archive.members.values() if self._wants(m.name)]
        if self._only and not wanted:
            path = str(MemberAddress(kind, self._only, self.name))
            yield Failure(path, "scan", "the archive has no such member")
        pictures = {sample_of(m.name) for m in wanted if looks_like_image(m.name)}
        last = {id_of(m.name): m.name for m in wanted}
        for member in wanted:
            address = MemberAddress(kind, member.name, self.name)
            if is_label(member.name, pictures):
                continue
            if last[id_of(member.name)] != member.name:
                yield Failure(str(address), "scan", "a later member of the same name hides it")
            elif why := member.unreadable(self._read):
                yield Failure(str(address), "scan", why)
            else:
                yield member_entry(member, address, archive)

    def _wants(self, name: str) -> bool:
        return name == self._only if self._only else self._hidden or not is_hidden(name)


class FarSource:
    """Every object under an address, at any depth, or those that a pattern fits.

    Archives that a pattern names, or the address itself, are looked into.

    Args:
        address: of fsspec's forms, ``s3://bucket/prefix``.
        hidden: also objects in whose name, below the address, a part starts with a dot.
        every_name: offer a member of an archive under each name that links give it.
        read: how they are read; None for ``ReadConfig()``.
    """

    def __init__(
        self,
        address: str,
        *,
        hidden: bool = False,
        every_name: bool = False,
        read: ReadConfig | None = None,
    ) -> None:
        self.name = address
        self.told: Progress = silent
        self.scopes: tuple[str, ...] = ()
        self._hidden = hidden
        self._every_name = every_name
        self._read = read or ReadConfig()

    def scan(self) -> Iterator[FileEntry | Failure]:
        """List objects sorted by id, then failures.

        Raises:
            ConfigError: nothing is there, or it cannot be listed.
        """
        found = list(found_under(self.name, self._read))
        names = {item.name for item in found if isinstance(item, FarFile)}
        pictures = {sample_of(name) for name in names if looks_like_image(name)}
        items: list[FileEntry | Failure] = []
        archives: dict[str, ArchiveSource] = {}
        for item in found:
            if isinstance(item, Failure):
                items.append(item)
            elif is_pattern(self.name) and archive_kind(item.address):
                archives[item.name] = ArchiveSource(
                    item.address,
                    hidden=self._hidden,
                    every_name=self._every_name,
                    read=self._read,
                )
            elif not is_label(item.name, pictures) and (self._hidden or not is_hidden(item.name)):
                items.append(far_entry(item, self._read))
        items += scan_each(archives, self.told)
        self.scopes = scopes_of(archives.values()) or _prefix(self.name, found)
        return in_order(items) if self._every_name else once(items)


def scopes_of(sources: Iterable[Source]) -> tuple[str, ...]:
    """List which keys the last scan of some sources covered, present or not.

    A scope is ``::`` and the path of an archive, which ends the keys of its members, or an address
    with which the keys of objects begin. Folders have none: the disk tells which files still exist.
    """
    return tuple(scope for source in sources for scope in getattr(source, "scopes", ()))


def gone(
    source: Source, listed: Iterable[FileEntry | Failure], keys: Callable[[], Iterable[str]]
) -> list[str]:
    """List remembered keys that a scan covered and did not find any more.

    Args:
        source: the one that was scanned.
        listed: what it offered; failures count as present.
        keys: gives the remembered keys; called only for sources that have scopes.
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
    """The prefix of the addresses of all objects under an address; none for one object."""
    first = next((item for item in found if isinstance(item, FarFile)), None)
    if first is None or is_pattern(address) or first.address == address:
        return ()
    return (first.address.removesuffix(first.name),)


def scan_each(sources: Mapping[str, Source], told: Progress) -> Iterator[FileEntry | Failure]:
    """List what several sources offer; ids begin with the source's label.

    Args:
        sources: by label.
        told: called with ("archives", done, total) from the calling thread.
    """
    # the first look at an archive that lies far away may fetch it
    with ThreadPoolExecutor(_OPENED_AT_ONCE) as pool:
        ahead = {
            label: pool.submit(lambda source: [*source.scan()], source)
            for label, source in sources.items()
            if isinstance(source, ArchiveSource)
        }
        done = 0
        for label, source in sources.items():
            for item in ahead[label].result() if label in ahead else source.scan():
                yield item if isinstance(item, Failure) else _under(label, item)
            if label in ahead:
                done += 1
                told("archives", done, len(ahead))


def watch(source: Source, told: Progress) -> Source:
    """Have a source report how many archives it has listed; returns the source."""
    if hasattr(source, "told"):
        source.told = told
    for part in getattr(source, "parts", {}).values():
        watch(part, told)
    return source


def _under(label: str, entry: FileEntry) -> FileEntry:
    return replace(entry, id=f"{label}/{entry.id.lstrip('/')}")
