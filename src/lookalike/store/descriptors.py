"""What a collection offers of descriptors, and how it leaves them to the part that keeps them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Generic, Protocol, TypeVar

from numpy.typing import NDArray

from lookalike.model.image import DescriptorSpec
from lookalike.store.rows import Spans

__all__ = ["Describing", "Descriptors", "StoredRowSource"]


class StoredRowSource(Protocol):
    """Rows ``(n, row_width)`` that may be read when asked for; an array is one."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Rows and values a row."""
        ...

    def __getitem__(self, some: Any, /) -> Any:
        """Some rows, by a slice or by numbers."""
        ...


class Descriptors(Protocol):
    """Rows of contents, by SHA-256."""

    def check_spec(self, spec: DescriptorSpec) -> None:
        """Refuse to mix descriptors of one name and two versions.

        Raises:
            SpecMismatchError: the collection holds another version.
        """
        ...

    def missing(self, spec: DescriptorSpec, shas: Sequence[str]) -> list[str]:
        """Which contents have no descriptor of this spec, in the order asked."""
        ...

    def described(self, specs: Sequence[DescriptorSpec]) -> set[str]:
        """Contents that have every one of these descriptors, and were looked at for damage."""
        ...

    def rows(self, spec: DescriptorSpec, shas: Sequence[str]) -> NDArray[Any]:
        """Descriptors ``(n, row_width)`` in the order asked.

        Raises:
            CollectionError: a content has none.
        """
        ...

    def stored(self, spec: DescriptorSpec, shas: Sequence[str]) -> StoredRowSource:
        """As ``rows``, read block by block when asked for, from any thread.

        Raises:
            CollectionError: a content has none.
        """
        ...

    def ragged(self, spec: DescriptorSpec, shas: Sequence[str]) -> list[NDArray[Any]]:
        """Descriptors of varying length ``(k, row_width)``, in the order asked."""
        ...

    def spans(self, spec: DescriptorSpec, shas: Sequence[str]) -> Spans:
        """As ``ragged``, by content; another process may read them too.

        Raises:
            CollectionError: a content has none.
        """
        ...


Kept = TypeVar("Kept", bound=Descriptors)


class Describing(Generic[Kept]):
    """A collection whose descriptors a part of it keeps."""

    _described: Kept

    def check_spec(self, spec: DescriptorSpec) -> None:
        """As of ``Descriptors``."""
        self._described.check_spec(spec)

    def missing(self, spec: DescriptorSpec, shas: Sequence[str]) -> list[str]:
        """As of ``Descriptors``."""
        return self._described.missing(spec, shas)

    def described(self, specs: Sequence[DescriptorSpec]) -> set[str]:
        """As of ``Descriptors``."""
        return self._described.described(specs)

    def rows(self, spec: DescriptorSpec, shas: Sequence[str]) -> NDArray[Any]:
        """As of ``Descriptors``."""
        return self._described.rows(spec, shas)

    def stored(self, spec: DescriptorSpec, shas: Sequence[str]) -> StoredRowSource:
        """As of ``Descriptors``."""
        return self._described.stored(spec, shas)

    def ragged(self, spec: DescriptorSpec, shas: Sequence[str]) -> list[NDArray[Any]]:
        """As of ``Descriptors``."""
        return self._described.ragged(spec, shas)

    def spans(self, spec: DescriptorSpec, shas: Sequence[str]) -> Spans:
        """As of ``Descriptors``."""
        return self._described.spans(spec, shas)
