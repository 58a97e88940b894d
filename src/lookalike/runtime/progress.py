"""The callback by which long work reports its progress."""

from __future__ import annotations

from collections.abc import Callable

__all__ = ["Progress", "silent"]

#: called with the stage, how much of it is done, and how much there is, in units of the stage
Progress = Callable[[str, int, int], None]


def silent(stage: str, done: int, total: int) -> None:
    """Ignore progress."""
