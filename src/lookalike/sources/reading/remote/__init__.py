"""Objects far away: nothing else speaks to object stores, web servers and plug-ins.

A plug-in that claims the scheme of an address answers for it, fsspec for all others.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import IO

from lookalike.config import ReadConfig
from lookalike.model.files import Failure
from lookalike.model.protocols import FarFile
from lookalike.sources.reading.remote import objects
from lookalike.sources.reading.remote.plugged import plugged_store

__all__ = ["copy_to", "examine", "found_under", "open_far", "read_far"]


def found_under(address: str, config: ReadConfig) -> Iterator[FarFile | Failure]:
    """List every object under an address, at any depth, or those that match a pattern.

    Raises:
        ConfigError: nothing is there, or it cannot be listed.
    """
    store = plugged_store(address)
    yield from store.found_under(address) if store else objects.found_under(address, config)


def examine(address: str, config: ReadConfig) -> FarFile:
    """Look up one object without reading it.

    Raises:
        OSError: it is not there, or nothing answers.
    """
    store = plugged_store(address)
    return store.examine(address) if store else objects.examine(address, config)


def read_far(
    address: str,
    config: ReadConfig,
    start: int = 0,
    end: int | None = None,
    *,
    listed: bool = True,
) -> bytes:
    """Read an object, or its bytes from ``start`` up to ``end``.

    Args:
        address: of the object.
        config: limits, and how long to wait.
        start: first byte.
        end: behind the last; None for all.
        listed: whether its size was checked when it was listed; else it is asked for first.

    Raises:
        OSError: it cannot be read, or is larger than what may be read at once.
    """
    store = plugged_store(address)
    if store is None:
        return objects.read_far(address, config, start, end, listed=listed)
    if end is not None:
        return store.read(address, start, end)
    return store.read_whole(address, config, listed=listed)


def copy_to(address: str, target: IO[bytes], config: ReadConfig, most: int) -> None:
    """Write a whole object into a file that is empty, piece by piece.

    Raises:
        OSError: it cannot be read, or not be written, or has more than ``most`` bytes.
    """
    store = plugged_store(address)
    if store:
        store.copy_to(address, target, most)
    else:
        objects.copy_to(address, target, config, most)


def open_far(address: str, config: ReadConfig) -> IO[bytes]:
    """Open an object as a seekable file that is read block by block.

    Raises:
        OSError: it is not there, or can only be read from its beginning.
    """
    store = plugged_store(address)
    return store.open(address) if store else objects.open_far(address, config)
