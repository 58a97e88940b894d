"""A base class for what is closed at the end of a ``with``."""

from __future__ import annotations

from types import TracebackType
from typing import Protocol, Self

__all__ = ["Closing"]


class Closing(Protocol):
    """A context manager that closes itself."""

    def close(self) -> None:
        """Close it."""
        ...

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()
