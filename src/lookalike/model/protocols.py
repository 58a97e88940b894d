"""The plug-in points: a new source, descriptor or index is a class of one of these shapes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Protocol, runtime_checkable

from numpy.typing import NDArray

from lookalike.model.files import Failure
from lookalike.model.image import DescriptorSpec, FileEntry, Picture

__all__ = ["Descriptor", "Source"]


@runtime_checkable
class Source(Protocol):
    """Offers files; opens none of them."""

    def scan(self) -> Iterator[FileEntry | Failure]:
        """Every file once, in no particular order; what cannot be listed as a failure."""
        ...


class Descriptor(Protocol):
    """Turns a picture into one fixed-size row; safe to call from several threads."""

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
