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
    """Offers files; opens none of them."""

    def scan(self) -> Iterator[FileEntry | Failure]:
        """Every file once, in no particular order; what cannot be listed as a failure."""
        ...


@dataclass(frozen=True, slots=True)
class FarFile:
    """One object that is no file of this machine.

    Attributes:
        address: by which it can be read.
        n_bytes: its size; None where nothing tells it.
        modified_ns: when it was changed, nanoseconds since the epoch; 0 where nothing tells it.
        version: changes whenever the object does: its ETag, or its time; empty where nothing tells
            it, and then the object is read again in every run.
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
    """Keeps objects under addresses of one scheme; called from several threads and processes.

    What fails is an ``OSError`` whose text says why; ``FileNotFoundError`` for what is not there.
    """

    def find(self, address: str) -> Iterable[FarFile]:
        """Every object under an address, at any depth; of an object's own address that object."""
        ...

    def examine(self, address: str) -> FarFile:
        """What is known of one object without reading it."""
        ...

    def read(self, address: str, start: int, end: int | None) -> bytes:
        """Bytes of an object from ``start`` up to ``end``, None for its end; fewer at its end."""
        ...


@runtime_checkable
class Descriptor(Protocol):
    """Turns a picture into one fixed-size row; called from several threads."""

    @property
    def spec(self) -> DescriptorSpec:
        """What the rows are."""
        ...

    @property
    def min_side(self) -> int:
        """Short side in pixels that a picture should keep when decoded for it."""
        ...

    def describe(self, picture: Picture) -> NDArray[Any]:
        """``(spec.row_width,)`` of ``spec.dtype``."""
        ...
