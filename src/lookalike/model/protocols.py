"""The plug-in points: a new source, descriptor or index is a class of one of these shapes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Protocol, runtime_checkable

from numpy.typing import NDArray

from lookalike.types import DescriptorSpec, Failure, FileEntry, FloatArray, IntArray, Picture

__all__ = ["Descriptor", "Index", "Source"]


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


class Index(Protocol):
    """Exact or declared-recall search among rows; distances lower is closer, limits inclusive."""

    def pairs_within(self, max_distance: float) -> tuple[IntArray, IntArray, FloatArray]:
        """Every pair ``(i < j, distance)`` of rows with ``distance ≤ max_distance``, sorted."""
        ...
