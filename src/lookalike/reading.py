"""The bytes of a picture, wherever it lies: the one place that opens what a source offers."""

from __future__ import annotations

from pathlib import Path

__all__ = ["is_there", "read_bytes"]


def read_bytes(address: str) -> bytes:
    """The whole picture.

    Args:
        address: ``FileEntry.path`` or ``ImageRef.path``.

    Raises:
        OSError: it cannot be read.
    """
    return Path(address).read_bytes()


def is_there(address: str) -> bool:
    """Whether the picture still exists."""
    return Path(address).is_file()
