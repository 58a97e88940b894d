"""Records of single files: failures, and pictures that came back."""

from __future__ import annotations

import re
from dataclasses import dataclass

from lookalike.model.serialization import Digest

__all__ = ["Addressed", "Failure", "Returned"]


class Addressed:
    """A base for what has an id and a path."""

    __slots__ = ()
    id: str
    path: str

    @property
    def url(self) -> str:
        """The URL it was downloaded from; empty for a file of the user's."""
        found = [at for at in map(self.id.find, ("http://", "https://")) if at >= 0]
        return self.id[min(found) :] if found else ""

    @property
    def shown(self) -> str:
        """Its name for users: the URL, else the path."""
        return self.url or self.path


@dataclass(frozen=True, slots=True)
class Failure:
    """A file that could not be read, and why.

    Attributes:
        path: as the user addressed it.
        stage: ``scan``, ``download``, ``read``, ``decode`` or ``describe``.
        message: reason in words, the same in every run.
    """

    path: str
    stage: str
    message: str

    def __post_init__(self) -> None:
        # libraries name objects by where they lie in memory, which differs from run to run
        object.__setattr__(self, "message", _IN_MEMORY.sub(">", self.message))


_IN_MEMORY = re.compile(r" (?:object )?at 0x[0-9A-Fa-f]+>")


@dataclass(frozen=True, slots=True)
class Returned:
    """An image whose bytes were dropped before, and which is there again.

    Attributes:
        image: image id.
        dropped_at: when it was dropped, UTC, ISO 8601.
        keeper: absolute path of the image that stayed for it.
        keeper_sha256: hex digest of that one's bytes.
    """

    image: str
    dropped_at: str
    keeper: str
    keeper_sha256: Digest

    @property
    def in_words(self) -> str:
        """Say when it was dropped, and in whose favour."""
        return f"you dropped this on {self.dropped_at[:10]} (kept {self.keeper})"
