"""What one request for a URL came to."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Fetched", "Later", "Outcome", "Refused"]


@dataclass(frozen=True, slots=True)
class Fetched:
    """The picture is here.

    Attributes:
        path: of its file.
    """

    path: str


@dataclass(frozen=True, slots=True)
class Refused:
    """It will not be had by asking again.

    Attributes:
        reason: in words.
        final: whether later runs do not ask either.
        max_bytes: the limit that it is larger than; 0 for any other reason.
    """

    reason: str
    final: bool = True
    max_bytes: int = 0


@dataclass(frozen=True, slots=True)
class Later:
    """Another request may bring it.

    Attributes:
        reason: in words.
        wait: seconds after which the server wants to be asked again; None where it did not say.
        silent: there was no connection, or nothing came.
    """

    reason: str
    wait: float | None = None
    silent: bool = False


Outcome = Fetched | Refused | Later
