"""Read the bytes of a picture, wherever it lies; nothing else opens what a source offers."""

from __future__ import annotations

import logging
import os
import stat
from collections.abc import Sequence
from io import FileIO
from pathlib import Path

from lookalike.config import NO_MEMORY, ReadConfig
from lookalike.model.errors import ConfigError
from lookalike.sources.reading import cache, remote
from lookalike.sources.reading.addresses import is_address, member_of
from lookalike.sources.reading.archives import open_archive

__all__ = [
    "LEADS_OUT",
    "is_one_file",
    "is_there",
    "lies_in",
    "read_again",
    "read_bytes",
    "read_plain",
    "read_start",
]

_LOG = logging.getLogger(__name__)
LEADS_OUT = "it leads out of the folders that may be opened"


def read_bytes(
    address: str,
    config: ReadConfig | None = None,
    *,
    listed: bool = True,
    inside: Sequence[str] | None = None,
) -> bytes:
    """Read a whole picture: a file, a member of an archive, or an object far away.

    Args:
        address: ``FileEntry.path`` or ``ImageRef.path``.
        config: limits; None for ``ReadConfig()``.
        listed: whether a source checked its size; else objects far away are asked for it first.
        inside: as for ``read_plain``.

    Raises:
        OSError: it cannot be read, or is larger than what is read, or than memory.
    """
    config = config or ReadConfig()
    if not is_address(address):
        return read_plain(address, config, inside=inside)
    try:
        member = member_of(address)
        if member is None:
            data, is_far = remote.read_far(address, config, listed=listed), True
        else:
            archive = open_archive(member.archive, config)
            data, is_far = archive.read(member.member, config), archive.is_far
    except MemoryError as error:
        raise OSError(NO_MEMORY) from error
    except ConfigError as error:
        # here it is the failure of one picture
        raise OSError(str(error)) from error
    if is_far:
        cache.save(_name(address), data, config.cache_bytes)
    return data


def read_plain(
    path: str | Path, config: ReadConfig | None = None, *, inside: Sequence[str] | None = None
) -> bytes:
    """Read a file of this machine.

    Args:
        path: of the file.
        config: as for ``read_bytes``.
        inside: real paths of folders; the opened file must lie in one of them, links followed.
            None for anywhere.

    Raises:
        OSError: it cannot be read, is no plain file, lies elsewhere, or is larger than what is
            read, or than memory.
    """
    config = config or ReadConfig()
    with _open(path, inside) as file:
        why = config.too_large(os.fstat(file.fileno()).st_size)
        try:
            data = b"" if why else file.readall()
        except MemoryError as error:
            raise OSError(NO_MEMORY) from error
    # it may have grown meanwhile
    if why := why or config.too_large(len(data)):
        raise OSError(why)
    return data


def read_again(address: str, config: ReadConfig | None = None) -> bytes:
    """Read a picture as it was read last: what came from far away is taken from the cache.

    Args:
        address: ``FileEntry.path`` or ``ImageRef.path``.
        config: limits; None for ``ReadConfig()``.

    Raises:
        OSError: it cannot be read.
    """
    held = cache.load(_name(address)) if is_address(address) else None
    if held is not None:
        _LOG.debug("%s comes from the cache", address)
    return read_bytes(address, config) if held is None else held


def read_start(
    address: str,
    count: int,
    config: ReadConfig | None = None,
    *,
    inside: Sequence[str] | None = None,
) -> bytes:
    """Read at least the first ``count`` bytes of what may be a film; fewer where it is short.

    Args:
        address: as for ``read_bytes``.
        count: how many.
        config: as for ``read_bytes``.
        inside: as for ``read_plain``.

    Raises:
        OSError: it cannot be read.
    """
    if not is_address(address):
        with _open(address, inside) as file:
            return file.read(count)
    if member_of(address) is not None:
        return read_bytes(address, config)
    try:
        return remote.read_far(address, config or ReadConfig(), 0, count)
    except ConfigError as error:
        raise OSError(str(error)) from error


def lies_in(place: str, folders: Sequence[str]) -> bool:
    """Whether a real path is one of some folders, or lies below one."""
    return any(Path(place).is_relative_to(folder) for folder in folders)


def is_there(address: str) -> bool:
    """Whether the picture still exists; of an archive's members, whether the archive does.

    Servers are not asked: what a source listed last counts as present until it is read.
    """
    member = member_of(address)
    path = member.archive if member else address
    return is_address(path) or os.path.isfile(path)  # noqa: PTH113  asked for every image


def is_one_file(name: str, other: str) -> bool:
    """Whether both are names of one existing file of this machine."""
    try:
        return os.path.samefile(name, other)  # noqa: PTH121
    except OSError:
        return False


def _open(path: str | Path, inside: Sequence[str] | None = None) -> FileIO:
    """Open a plain file; never waits for a pipe in its place."""
    file = FileIO(path, opener=_at_once)
    try:
        info = os.fstat(file.fileno())
        if not stat.S_ISREG(info.st_mode):
            raise OSError("not a plain file but a pipe, a socket or a device")
        if inside is not None and not _is_inside(file, info, inside):
            raise OSError(LEADS_OUT)
    except BaseException:
        file.close()
        raise
    return file


def _is_inside(file: FileIO, info: os.stat_result, inside: Sequence[str]) -> bool:
    """Whether the open file lies in these folders, whatever its name leads to by now."""
    try:
        # Linux knows the real path of an open file
        place = os.readlink(f"/proc/self/fd/{file.fileno()}")  # noqa: PTH115
    except OSError:
        place = os.path.realpath(file.name)
    return lies_in(place, inside) and os.path.samestat(os.lstat(place), info)


def _at_once(path: str, flags: int) -> int:
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))


def _name(address: str) -> str:
    return cache.name_of("picture", address)
