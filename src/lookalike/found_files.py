"""Records of single files beyond images; ``types`` names them with all others."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Failure", "Returned"]


@dataclass(frozen=True, slots=True)
class Failure:
    """Something that could not be read, and why.

    Attributes:
        path: as the user addressed it.
        stage: ``scan``, ``read``, ``decode`` or ``describe``.
        message: reason in words.
    """

    path: str
    stage: str
    message: str


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
    keeper_sha256: str

    @property
    def in_words(self) -> str:
        """When it was dropped, and for what."""
        return f"you dropped this on {self.dropped_at[:10]} (kept {self.keeper})"
