"""The exception tree: every message says what, got, expected and remedy."""

from __future__ import annotations

__all__ = [
    "ActionError",
    "CollectionError",
    "ConfigError",
    "LookalikeError",
    "ModelError",
    "SpecMismatchError",
]


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


class ConfigError(LookalikeError):
    """A setting that cannot work, found before any work is done."""


class CollectionError(LookalikeError):
    """A collection that cannot be opened, read or written."""


class SpecMismatchError(CollectionError):
    """Descriptors of one spec asked to mix with another."""


class ModelError(LookalikeError):
    """A network file that is missing, unreadable or of the wrong shape."""


class ActionError(LookalikeError):
    """A file that could not be moved, brought back or written about."""
