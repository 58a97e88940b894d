"""Archives read in place: a table of contents, made once, and members by their offsets.

Zip, tar and WebDataset shards on this machine's disks are read in place; nothing is unpacked.
Compressed tars, which can only be read from the beginning, are copied into the cache once, as one
plain archive, and so are archives that lie far away, unless they are too large: then members are
fetched one by one.
"""

from __future__ import annotations

import logging
import os
import threading
import weakref
import zlib
from collections import OrderedDict
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import IO

from lookalike.config import ReadConfig
from lookalike.model.files import Failure
from lookalike.sources.reading import cache, remote
from lookalike.sources.reading.addresses import archive_kind, is_address
from lookalike.sources.reading.contents import (
    Contents,
    Member,
    contents_of,
    from_text,
    plain_pieces,
    to_text,
)

__all__ = ["Archive", "open_archive"]

_LOG = logging.getLogger(__name__)
_LOCAL_HEADER = 30
_SLACK = 1024


class Archive:
    """One archive; may be used from any number of threads.

    Args:
        version: changes when the archive does.
        contents: what is in it.
        read: reads bytes of it, from the first offset up to the second.
        is_far: whether they come from far away.
        n_bytes: space in the cache that it keeps occupied.
    """

    def __init__(
        self,
        version: str,
        contents: Contents,
        read: Callable[[int, int], bytes],
        *,
        is_far: bool = False,
        n_bytes: int = 0,
    ) -> None:
        self.version = version
        self.contents = contents
        self.is_far = is_far
        self.n_bytes = n_bytes
        self._read = read

    @property
    def members(self) -> Mapping[str, Member]:
        """Members by name; of equal names the last, which an unpacker would keep."""
        return self.contents.members

    @property
    def failures(self) -> tuple[Failure, ...]:
        """What could not be listed."""
        return self.contents.failures

    def read(self, name: str, config: ReadConfig) -> bytes:
        """Read one member, within the limit of sizes.

        Raises:
            OSError: there is no such member, it cannot be read, or its checksum differs.
        """
        member = self.members.get(name)
        if member is None:
            raise FileNotFoundError("the archive has no such member")
        if why := member.unreadable(config):
            raise OSError(why)
        if member.crc is None:
            data = self._read(member.offset, member.offset + member.stored)
        else:
            data = self._unzipped(member)
        if len(data) != member.n_bytes:
            raise OSError(f"the archive ends within it: {len(data):,} of {member.n_bytes:,} bytes")
        return data

    def _unzipped(self, member: Member) -> bytes:
        """Read a zip's member, whose local header may be longer than the directory says."""
        ahead = _LOCAL_HEADER + member.header + _SLACK
        raw = self._read(member.offset, member.offset + ahead + member.stored)
        if raw[:4] != b"PK\x03\x04":
            raise OSError("the archive is damaged: no member begins where its directory says")
        start = _LOCAL_HEADER + int.from_bytes(raw[26:28], "little")
        start += int.from_bytes(raw[28:30], "little")
        end = start + member.stored
        if end > len(raw):
            raw += self._read(member.offset + len(raw), member.offset + end)
        data = raw[start:end]
        if member.deflated:
            try:
                # never more than it claims to be, whatever it would unpack to
                data = zlib.decompressobj(-15).decompress(data, member.n_bytes + 1)
            except zlib.error as error:
                raise OSError(f"it does not decompress: {error}") from error
        if len(data) == member.n_bytes and zlib.crc32(data) != member.crc:
            raise OSError("its bytes are not those that were packed: the checksum differs")
        return data


def open_archive(address: str, config: ReadConfig, *, again: bool = False) -> Archive:
    """Open an archive; its table of contents is read once and kept in this process.

    Args:
        address: path or address of the archive.
        config: how it is read, and how much stays in memory.
        again: check whether it changed, also where it lies far away; archives on this machine's
            disks are always checked.

    Raises:
        OSError: it cannot be read, or is no archive.
        ConfigError: it lies where a package is missing for.
    """
    far = is_address(address)
    with _guard:
        held = _held.get(address)
        if held is not None:
            _held.move_to_end(address)
        lock = _locks.setdefault(address, threading.Lock())
    if held is not None and far and not again:
        return held
    # threads that open one archive wait for each other, but not for those of other archives
    with lock:
        version = _version_of(address, config)
        with _guard:
            held = _held.get(address)
        if held is not None and held.version == version:
            return held
        try:
            opened = _opened(address, version, config)
            _LOG.info("opened %s: %d members", address, len(opened.members))
        except MemoryError as error:
            raise OSError("its table of contents does not fit into memory") from error
    with _guard:
        _held[address] = opened
        _held.move_to_end(address)
        _let_go(config)
    return opened


_guard = threading.Lock()
_held: OrderedDict[str, Archive] = OrderedDict()
_locks: dict[str, threading.Lock] = {}


def _let_go(config: ReadConfig) -> None:
    """Forget the archives that were used least recently, if too many are held."""
    while len(_held) > 1 and (
        len(_held) > config.held_archives
        or sum(len(one.members) for one in _held.values()) > config.held_members
        or sum(one.n_bytes for one in _held.values()) > config.cache_bytes
    ):
        _locks.pop(_held.popitem(last=False)[0], None)


def _version_of(address: str, config: ReadConfig) -> str:
    if is_address(address):
        found = remote.examine(address, config)
        return f"{found.n_bytes} {found.version or os.urandom(8).hex()}"
    return _stamp(os.stat(address))  # noqa: PTH116


def _stamp(info: os.stat_result) -> str:
    return f"{info.st_size} {info.st_mtime_ns} {info.st_dev} {info.st_ino}"


def _opened(address: str, version: str, config: ReadConfig) -> Archive:
    kind = archive_kind(address)
    if not is_address(address) and not _is_packed(address, kind):
        file = _File(address, _stamp)
        with open(address, "rb") as stream:  # noqa: PTH123
            contents = contents_of(stream, kind, address)
        if file.version != version:
            raise OSError("the archive changed while it was listed")
        return Archive(version, contents, file.read)
    return _far(address, version, kind, config)


def _is_packed(address: str, kind: str) -> bool:
    """Whether it is a compressed tar, which can only be read from its beginning."""
    return kind == "tar" and not address.lower().partition("?")[0].endswith(".tar")


def _far(address: str, version: str, kind: str, config: ReadConfig) -> Archive:
    """Open one that is far away or compressed: from a copy in the cache, or piece by piece."""
    packed = _is_packed(address, kind)
    name = cache.name_of("archive", address, version)
    listed = cache.name_of("contents", address, version)
    text = cache.load(listed)
    contents = from_text(text, address) if text else None
    copy = cache.fetch(name)
    _LOG.debug(
        "%s: contents %s, copy %s",
        *(address, *("missing" if one is None else "in the cache" for one in (contents, copy))),
    )
    if contents is None:
        if copy is None and (packed or _fits(version, config)):
            copy = _copied(name, address, config, packed=packed)
        with copy.open("rb") if copy else remote.open_far(address, config) as stream:
            contents = contents_of(stream, kind, address)
        cache.save(listed, to_text(contents), config.cache_bytes)
    if copy is not None:
        file = _copy_file(copy)
        return Archive(version, contents, file.read, n_bytes=int(file.version))
    if packed:
        late = _Late(lambda: _copied(name, address, config, packed=True))
        return Archive(version, contents, late.read)

    def piece(start: int, end: int) -> bytes:
        return remote.read_far(address, config, start, end)

    return Archive(version, contents, piece, is_far=True)


def _copied(name: str, address: str, config: ReadConfig, *, packed: bool) -> Path | None:
    """Copy an archive into the cache; None where a plain one cannot be copied.

    Raises:
        OSError: a compressed one cannot be read, or does not fit.
    """
    try:
        return cache.make(
            name,
            lambda target: _copy(address, target, config, packed=packed),
            config.cache_bytes,
        )
    except OSError:
        if packed:
            raise
        return None


def _copy_file(path: Path) -> _File:
    # using the cache changes the file's time, so only its size tells versions apart
    return _File(str(path), lambda info: str(info.st_size))


def _fits(version: str, config: ReadConfig) -> bool:
    size = version.partition(" ")[0]
    # a web server may not tell the size
    return (int(size) if size.isdigit() else 0) * 4 < config.cache_bytes


def _copy(address: str, target: IO[bytes], config: ReadConfig, *, packed: bool) -> None:
    """Write an archive as one plain file."""
    most = config.cache_bytes
    if not packed:
        remote.copy_to(address, target, config, most)
        return
    is_far = is_address(address)
    with remote.open_far(address, config) if is_far else Path(address).open("rb") as source:
        for piece in plain_pieces(address, source):
            target.write(piece)
            if target.tell() > most:
                raise OSError(
                    f"a compressed tar is read from a plain copy, and this one is larger than the "
                    f"{most >> 20:,} MB of the cache: decompress it, or set LOOKALIKE_CACHE_MB"
                )


class _File:
    """An open file that any thread reads at any offset, even after it is unlinked."""

    def __init__(self, path: str, stamp: Callable[[os.stat_result], str]) -> None:
        self._stamp = stamp
        self._descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_BINARY", 0))
        weakref.finalize(self, os.close, self._descriptor)
        self._turns = threading.Lock()
        self.version = stamp(os.fstat(self._descriptor))

    def read(self, start: int, end: int) -> bytes:
        """Read bytes from ``start`` up to ``end``, fewer at the end of the file."""
        if self._stamp(os.fstat(self._descriptor)) != self.version:
            raise OSError("the archive changed while it was read")
        if hasattr(os, "pread"):
            return os.pread(self._descriptor, end - start, start)
        with self._turns:
            os.lseek(self._descriptor, start, os.SEEK_SET)
            return os.read(self._descriptor, end - start)


class _Late:
    """A copy of an archive that is made when its first byte is read."""

    def __init__(self, make: Callable[[], Path | None]) -> None:
        self._make = make
        self._file: _File | None = None
        self._turns = threading.Lock()

    def read(self, start: int, end: int) -> bytes:
        """Read bytes from ``start`` up to ``end``."""
        with self._turns:
            if self._file is None:
                made = self._make()
                assert made is not None
                self._file = _copy_file(made)
        return self._file.read(start, end)
