"""Speak to the stores that plug-ins add: ``nas://…`` of another package, by its scheme."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import IO, Any, TypeVar

from lookalike.config import ReadConfig
from lookalike.model.errors import ConfigError
from lookalike.model.protocols import FarFile, Store
from lookalike.runtime.plugins import SOURCES, load_plugin, plugin_names
from lookalike.sources.reading.addresses import below, fits, fixed_part, is_pattern, scheme_of

__all__ = ["PluggedStore", "plugged_store"]

Result = TypeVar("Result")
_PIECE = 1 << 20
_BLOCK = 8 << 20
# what lookalike or fsspec read by themselves
_TAKEN = ("file", "gcs", "gs", "http", "https", "local", "memory", "s3", "s3a", "tar", "zip")


def plugged_store(address: str) -> PluggedStore | None:
    """Load the store of the plug-in that claims an address's scheme; None where none does.

    Raises:
        ConfigError: the plug-in cannot be used, or claims a scheme that is taken.
    """
    scheme = scheme_of(address)
    if scheme not in plugin_names(SOURCES):
        return None
    if scheme in _TAKEN:
        raise ConfigError(
            "a plug-in claims a scheme that is taken",
            got=f"{scheme}:// in the group {SOURCES}",
            remedy="uninstall its package",
        )
    return PluggedStore(scheme, load_plugin(SOURCES, scheme, Store))


class PluggedStore:
    """Wraps the store of one plug-in; its mistakes become failures that name it.

    Args:
        scheme: of its addresses.
        store: made by the plug-in.
    """

    def __init__(self, scheme: str, store: Store) -> None:
        self._scheme = scheme
        self._store = store

    def found_under(self, address: str) -> Iterator[FarFile]:
        """List every object under an address, or those that match a pattern.

        Raises:
            ConfigError: nothing is there, or it cannot be listed.
        """
        base = fixed_part(address) if is_pattern(address) else address
        parts = address.removeprefix(base).strip("/").split("/") if base != address else []
        try:
            listed = self._ask(lambda: [*self._store.find(base)])
            found = [self._checked(one, base) for one in listed]
        except OSError as error:
            raise ConfigError("this cannot be listed", got=f"{address}: {error}") from error
        fitting = [one for one in found if fits(one.name.split("/"), parts)]
        if not fitting:
            raise ConfigError(
                "nothing is there", got=address, expected="objects that can be listed"
            )
        yield from sorted(fitting, key=lambda one: one.address)

    def examine(self, address: str) -> FarFile:
        """Look up one object without reading it.

        Raises:
            OSError: it is not there, or the plug-in fails.
        """
        return self._checked(self._ask(lambda: self._store.examine(address)), address)

    def read(self, address: str, start: int = 0, end: int | None = None) -> bytes:
        """Read bytes from ``start`` up to ``end``.

        Raises:
            OSError: they cannot be read, or the plug-in fails.
        """
        data = self._ask(lambda: self._store.read(address, start, end))
        if not isinstance(data, bytes):
            raise self._wrong(f"read gives {type(data).__name__}, expected bytes")
        return data

    def read_whole(self, address: str, config: ReadConfig, *, listed: bool) -> bytes:
        """Read a whole object, within the limit of sizes.

        Raises:
            OSError: it cannot be read, or is too large.
        """
        why = "" if listed else config.too_large(self.examine(address).n_bytes or 0)
        data = b"" if why else self.read(address)
        if why := why or config.too_large(len(data)):
            raise OSError(why)
        return data

    def copy_to(self, address: str, target: IO[bytes], most: int) -> None:
        """Write a whole object into a file that is empty, piece by piece.

        Raises:
            OSError: it cannot be read, or has more than ``most`` bytes.
        """
        while piece := self.read(address, target.tell(), target.tell() + _PIECE):
            target.write(piece)
            if target.tell() > most:
                raise OSError(f"larger than {most:,} bytes")

    def open(self, address: str) -> IO[bytes]:
        """Open an object as a seekable file that is read block by block.

        Raises:
            OSError: it is not there, or its size is unknown.
        """
        size = self.examine(address).n_bytes
        if size is None:
            raise OSError("it does not fit into the cache, and its size is unknown")
        return io.BufferedReader(_Seekable(self, address, size), _BLOCK)

    def _ask(self, ask: Callable[[], Result]) -> Result:
        try:
            return ask()
        except (OSError, ConfigError, MemoryError):
            raise
        except Exception as error:  # foreign code fails in any way
            raise self._wrong(f"{type(error).__name__}: {error}") from error

    def _checked(self, one: Any, base: str) -> FarFile:
        if not isinstance(one, FarFile):
            raise self._wrong(f"it gives {type(one).__name__}, expected FarFile")
        if not (isinstance(one.n_bytes, int | None) and isinstance(one.modified_ns, int)):
            raise self._wrong(f"it gives {one}, expected FarFile with numbers")
        if not one.address.startswith(base):
            raise self._wrong(f"it gives {one.address}, expected what lies under {base}")
        return replace(one, name=below(base, one.address))

    def _wrong(self, what: str) -> OSError:
        return OSError(f"the plug-in for {self._scheme}:// fails: {what}")


class _Seekable(io.RawIOBase):
    """An object of a plug-in as a seekable file."""

    def __init__(self, store: PluggedStore, address: str, size: int) -> None:
        self._store, self._address, self._size = store, address, size
        self._at = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        begin = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._size}[whence]
        self._at = max(0, begin + offset)
        return self._at

    def readinto(self, buffer: Any) -> int:
        end = min(self._size, self._at + len(buffer))
        data = self._store.read(self._address, self._at, end) if end > self._at else b""
        buffer[: len(data)] = data
        self._at += len(data)
        return len(data)
