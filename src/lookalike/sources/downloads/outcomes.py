"""The outcomes of one request for a URL."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Fetched", "Later", "Outcome", "Refused"]


@dataclass(frozen=True, slots=True)
class Fetched:
    """The picture was downloaded.

    Attributes:
        path: of its file.
    """

    path: str


@dataclass(frozen=True, slots=True)
class Refused:
    """Asking again in this run would not help.

    Attributes:
        reason: in words.
        final: whether later runs do not ask either, unless told to.
        max_bytes: the limit that it is larger than; 0 for any other reason.
    """

    reason: str
    final: bool = True
    max_bytes: int = 0


@dataclass(frozen=True, slots=True)
class Later:
    """A later request may succeed.

    Attributes:
        reason: in words.
        wait: seconds after which the server wants to be asked again; None where it did not say.
        silent: whether there was no connection, or no byte came.
    """

    reason: str
    wait: float | None = None
    silent: bool = False


Outcome = Fetched | Refused | Later
