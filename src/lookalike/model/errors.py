"""The exception tree: every message says what, got, expected and remedy."""

from __future__ import annotations

import errno
from pathlib import Path
from typing import Self

__all__ = [
    "ActionError",
    "CollectionError",
    "ConfigError",
    "LookalikeError",
    "ModelError",
    "OutputError",
    "SpecMismatchError",
]


_FULL = (errno.ENOSPC, errno.EDQUOT)


class LookalikeError(Exception):
    """Base of every error that lookalike raises on purpose.

    Args:
        what: what could not be done.
        got: what was found.
        expected: what was needed.
        remedy: what the user can do about it.
    """

    def __init__(self, what: str, *, got: str = "", expected: str = "", remedy: str = "") -> None:
        parts = [what]
        if got:
            parts.append(f"got {got}")
        if expected:
            parts.append(f"expected {expected}")
        if remedy:
            parts.append(remedy)
        super().__init__("; ".join(parts))
        self.what, self.got, self.expected, self.remedy = what, got, expected, remedy

    @classmethod
    def of_system(
        cls, what: str, path: str | Path | None, error: OSError, *, elsewhere: str = ""
    ) -> Self:
        """Put what the operating system refused into words.

        Args:
            what: what could not be done.
            path: of the file or folder; None for the one that the error names.
            error: as it was raised.
            elsewhere: a remedy: what else the user can name.
        """
        reason = error.strerror or str(error) or type(error).__name__
        named = path if path is not None else error.filename
        is_full = error.errno in _FULL
        helps = "free disk space" if is_full else "check its path and rights"
        helps += f", or {elsewhere}" if elsewhere else ""
        return cls(
            what,
            got=reason if named is None else f"{named}: {reason}",
            expected="room on the disk" if is_full else "what can be read and written",
            remedy=f"{helps}, then run this again",
        )


class ConfigError(LookalikeError):
    """A setting that cannot work, found before any work is done."""


class CollectionError(LookalikeError):
    """A collection that cannot be opened, read or written."""


class SpecMismatchError(CollectionError):
    """Descriptors of different specs that would be mixed."""


class ModelError(LookalikeError):
    """A network file that is missing, unreadable or of the wrong shape."""


class OutputError(LookalikeError):
    """A file that was asked for, or the terminal, and cannot be written."""


class ActionError(LookalikeError):
    """A file that could not be moved or brought back, or a journal that failed."""
