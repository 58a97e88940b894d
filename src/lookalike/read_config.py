"""How pictures in archives and far away are read."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["ReadConfig"]


@dataclass(frozen=True, slots=True)
class ReadConfig:
    """Limits of reading what is no plain file.

    Attributes:
        largest: bytes of the largest member or object that is read; checked before it is.
        at_once: objects that are fetched at the same time: what lies far away is slow to begin.
        attempts: times that something far away is asked for before it is a failure.
        first_wait: seconds before it is asked for again; doubled every time.
        connect_timeout: seconds to wait for a server to answer.
        read_timeout: seconds to wait for the next bytes.
        held_archives: archives whose table of contents stays in memory, at most, and
        held_members: members of these together.
        cache_bytes: size of the cache, unless ``LOOKALIKE_CACHE_MB`` says otherwise.
    """

    largest: int = 512 << 20
    at_once: int = 32
    attempts: int = 4
    first_wait: float = 0.25
    connect_timeout: float = 10.0
    read_timeout: float = 30.0
    held_archives: int = 64
    held_members: int = 400_000
    cache_bytes: int = 4 << 30
