"""How pictures are read, and how large they may be."""

from __future__ import annotations

import os
from dataclasses import dataclass

from lookalike.model.errors import ConfigError

__all__ = ["NO_MEMORY", "ReadConfig", "largest", "too_large"]

#: why a picture within the limit was not read after all
NO_MEMORY = "it does not fit into memory"


@dataclass(frozen=True, slots=True)
class ReadConfig:
    """Limits of reading.

    Attributes:
        largest: bytes of the largest picture that is read, and of the largest list, unless
            ``LOOKALIKE_MAX_MB`` says otherwise; checked before it is read, or while it comes where
            nothing tells its size. 300 megapixels, the default of ``max_pixels``, are 0.9 GB.
        at_once: objects that are fetched at the same time: what lies far away is slow to begin.
        attempts: times that something far away is asked for before it is a failure.
        first_wait: seconds before it is asked for again; doubled every time.
        connect_timeout: seconds to wait for a server to answer.
        read_timeout: seconds to wait for the next bytes.
        held_archives: archives whose table of contents stays in memory, at most, and
        held_members: members of these together.
        cache_bytes: size of the cache, unless ``LOOKALIKE_CACHE_MB`` says otherwise.
    """

    largest: int = 1 << 30
    at_once: int = 32
    attempts: int = 4
    first_wait: float = 0.25
    connect_timeout: float = 10.0
    read_timeout: float = 30.0
    held_archives: int = 64
    held_members: int = 400_000
    cache_bytes: int = 4 << 30


def largest() -> int:
    """Bytes of the largest picture that is read, here and now.

    Raises:
        ConfigError: ``LOOKALIKE_MAX_MB`` is no number.
    """
    told = os.environ.get("LOOKALIKE_MAX_MB", "")
    if not told:
        return ReadConfig().largest
    if not told.isdecimal() or not int(told):
        raise ConfigError(
            "LOOKALIKE_MAX_MB is no limit", got=repr(told), expected="megabytes, 1 or more"
        )
    return int(told) << 20


def too_large(n_bytes: int) -> str:
    """Why so many bytes are not read; empty where they are."""
    most = largest()
    if n_bytes <= most:
        return ""
    return f"{n_bytes:,} bytes; the most that is read at once is {most:,}, see LOOKALIKE_MAX_MB"
