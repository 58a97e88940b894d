"""The bytes of a picture, wherever it lies: the one place that opens what a source offers."""

from __future__ import annotations

import logging
import os
import stat
from collections.abc import Sequence
from io import FileIO
from pathlib import Path

from lookalike.config.reading import NO_MEMORY, ReadConfig
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
    """The whole picture as it is now: of a file, a member of an archive, or from far away.

    Args:
        address: ``FileEntry.path`` or ``ImageRef.path``.
        config: limits; None for ``ReadConfig()``.
        listed: a source looked at its size; what lies far away is else asked for it first.
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
        # in a picture's place it is that picture's failure
        raise OSError(str(error)) from error
    if is_far:
        cache.save(_name(address), data, config.cache_bytes)
    return data


def read_plain(
    path: str | Path, config: ReadConfig | None = None, *, inside: Sequence[str] | None = None
) -> bytes:
    """A file of this machine.

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
    # it may have grown since
    if why := why or config.too_large(len(data)):
        raise OSError(why)
    return data


def read_again(address: str, config: ReadConfig | None = None) -> bytes:
    """The picture as it was read last: from far away it is fetched once, while the cache has it.

    Args:
        address: as for ``read_bytes``.
        config: likewise.

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
    """The first ``count`` bytes at least, where the whole might be a film; fewer where it is short.

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
    """Whether a real path is that of one of some folders, or of something below one."""
    return any(Path(place).is_relative_to(folder) for folder in folders)


def is_there(address: str) -> bool:
    """Whether the picture still exists; of an archive's members, whether the archive does.

    Nothing is asked of far away: what a source listed last counts as there until it is read.
    """
    member = member_of(address)
    path = member.archive if member else address
    return is_address(path) or os.path.isfile(path)  # noqa: PTH113  asked for every image


def is_one_file(name: str, other: str) -> bool:
    """Whether both are names of one file of this machine that is there."""
    try:
        return os.path.samefile(name, other)  # noqa: PTH121
    except OSError:
        return False


def _open(path: str | Path, inside: Sequence[str] | None = None) -> FileIO:
    """A plain file; a pipe that came into its place is not waited for."""
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
    """Whether the file that is open lies there, whatever its name led to before or leads to now."""
    try:
        # Linux knows where it was found
        place = os.readlink(f"/proc/self/fd/{file.fileno()}")  # noqa: PTH115
    except OSError:
        place = os.path.realpath(file.name)
    return lies_in(place, inside) and os.path.samestat(os.lstat(place), info)


def _at_once(path: str, flags: int) -> int:
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))


def _name(address: str) -> str:
    return cache.name_of("picture", address)
