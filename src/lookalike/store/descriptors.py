"""The protocol of a collection's descriptors, and the part that hands it on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Generic, Protocol, TypeVar

from numpy.typing import NDArray

from lookalike.model.image import DescriptorSpec
from lookalike.store.rows import Spans

__all__ = ["Describing", "Descriptors", "StoredRowSource"]


class StoredRowSource(Protocol):
    """Rows ``(n, row_width)`` that may be read only when asked for; an array is one."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Number of rows, and values a row."""
        ...

    def __getitem__(self, some: Any, /) -> Any:
        """Read rows, by a slice or by numbers."""
        ...


class Descriptors(Protocol):
    """Descriptor rows of contents, by SHA-256."""

    def check_spec(self, spec: DescriptorSpec) -> None:
        """Refuse to mix descriptors of one name and two versions.

        Raises:
            SpecMismatchError: the collection holds another version.
        """
        ...

    def missing(self, spec: DescriptorSpec, shas: Sequence[str]) -> list[str]:
        """List contents that have no descriptor of this spec, in the order asked."""
        ...

    def described(self, specs: Sequence[DescriptorSpec]) -> set[str]:
        """Find contents that have all of some descriptors and were checked for damage."""
        ...

    def rows(self, spec: DescriptorSpec, shas: Sequence[str]) -> NDArray[Any]:
        """Read descriptors ``(n, row_width)`` in the order asked.

        Raises:
            CollectionError: a content has none.
        """
        ...

    def stored(self, spec: DescriptorSpec, shas: Sequence[str]) -> StoredRowSource:
        """Give access to descriptors ``(n, row_width)`` in the order asked, from any thread.

        Raises:
            CollectionError: a content has none.
        """
        ...

    def ragged(self, spec: DescriptorSpec, shas: Sequence[str]) -> list[NDArray[Any]]:
        """Read descriptors of varying length ``(k, row_width)`` in the order asked."""
        ...

    def spans(self, spec: DescriptorSpec, shas: Sequence[str]) -> Spans:
        """Give access to descriptors of varying length by content; another process may read them.

        Raises:
            CollectionError: a content has none.
        """
        ...


Kept = TypeVar("Kept", bound=Descriptors)


class Describing(Generic[Kept]):
    """A collection that hands questions about descriptors to one of its parts."""

    _described: Kept

    def check_spec(self, spec: DescriptorSpec) -> None:
        """Refuse to mix descriptors of one name and two versions."""
        self._described.check_spec(spec)

    def missing(self, spec: DescriptorSpec, shas: Sequence[str]) -> list[str]:
        """List contents that have no descriptor of this spec, in the order asked."""
        return self._described.missing(spec, shas)

    def described(self, specs: Sequence[DescriptorSpec]) -> set[str]:
        """Find contents that have all of some descriptors and were checked for damage."""
        return self._described.described(specs)

    def rows(self, spec: DescriptorSpec, shas: Sequence[str]) -> NDArray[Any]:
        """Read descriptors ``(n, row_width)`` in the order asked."""
        return self._described.rows(spec, shas)

    def stored(self, spec: DescriptorSpec, shas: Sequence[str]) -> StoredRowSource:
        """Give access to descriptors ``(n, row_width)`` in the order asked, block by block."""
        return self._described.stored(spec, shas)

    def ragged(self, spec: DescriptorSpec, shas: Sequence[str]) -> list[NDArray[Any]]:
        """Read descriptors of varying length ``(k, row_width)`` in the order asked."""
        return self._described.ragged(spec, shas)

    def spans(self, spec: DescriptorSpec, shas: Sequence[str]) -> Spans:
        """Give access to descriptors of varying length by content."""
        return self._described.spans(spec, shas)
