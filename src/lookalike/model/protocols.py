"""The plug-in points: what a source of files, a store of objects and a descriptor must offer."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

from numpy.typing import NDArray

from lookalike.model.files import Failure
from lookalike.model.image import DescriptorSpec, FileEntry, Picture

__all__ = ["Descriptor", "FarFile", "Source", "Store"]


@runtime_checkable
class Source(Protocol):
    """A source of files, which it lists and does not open."""

    def scan(self) -> Iterator[FileEntry | Failure]:
        """List every file once, in any order, and failures for what cannot be listed."""
        ...


@dataclass(frozen=True, slots=True)
class FarFile:
    """One object that is not a file of this machine.

    Attributes:
        address: by which it can be read.
        n_bytes: its size; None where it is unknown.
        modified_ns: when it was changed, nanoseconds since the epoch; 0 where that is unknown.
        version: changes whenever the object does: its ETag, or its time; empty where that is
            unknown, and then the object is read again in every run.
        name: the address below what was listed; a pattern's folders before its first ``*`` are
            that. A ``Store`` may leave it out.
        is_page: whether a web server calls it a page, as it does its lists of files.
    """

    address: str
    n_bytes: int | None
    modified_ns: int
    version: str
    name: str = ""
    is_page: bool = False


@runtime_checkable
class Store(Protocol):
    """A store of objects under addresses of one scheme; called from several threads and processes.

    Failures are ``OSError`` with a text that says why; ``FileNotFoundError`` for missing objects.
    """

    def find(self, address: str) -> Iterable[FarFile]:
        """List every object under an address, at any depth, or the object of that address."""
        ...

    def examine(self, address: str) -> FarFile:
        """Look up one object without reading it."""
        ...

    def read(self, address: str, start: int, end: int | None) -> bytes:
        """Read an object's bytes from ``start`` up to ``end`` (None: all); fewer at its end."""
        ...


@runtime_checkable
class Descriptor(Protocol):
    """Turns a picture into one row of fixed size; called from several threads."""

    @property
    def spec(self) -> DescriptorSpec:
        """The identity of its rows."""
        ...

    @property
    def min_side(self) -> int:
        """Short side in pixels that a picture should keep when decoded for it."""
        ...

    def describe(self, picture: Picture) -> NDArray[Any]:
        """Compute ``(spec.row_width,)`` of ``spec.dtype``."""
        ...
