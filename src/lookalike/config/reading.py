"""Settings of reading pictures, and how large they may be."""

from __future__ import annotations

import os
from dataclasses import dataclass, field

from lookalike.model.errors import ConfigError

__all__ = ["NO_MEMORY", "ReadConfig"]

#: why a picture within the limit of sizes was not read
NO_MEMORY = "it does not fit into memory"


def _told(variable: str, default: int, least: int) -> int:
    """Read a number of megabytes from a variable of the environment.

    Raises:
        ConfigError: it is no such number.
    """
    told = os.environ.get(variable, "")
    if not told:
        return default
    if not told.isdecimal() or int(told) < least:
        raise ConfigError(
            f"{variable} is no limit", got=repr(told), expected=f"megabytes, {least} or more"
        )
    return int(told)


@dataclass(frozen=True, slots=True)
class ReadConfig:
    """How files, members of archives and objects far away are read.

    Attributes:
        max_mb: MiB of the largest picture that is read, and of the largest list; by default what
            ``LOOKALIKE_MAX_MB`` says. Checked before it is read, or while it comes where nothing
            tells its size. 300 megapixels, the default of ``max_pixels``, are 0.9 GB.
        at_once: objects that are fetched at the same time, as servers are slow to begin.
        attempts: requests for something far away before it is a failure.
        first_wait: seconds before the second request; doubled every time.
        connect_timeout: seconds to wait for a server to answer.
        read_timeout: seconds to wait for the next bytes.
        held_archives: archives whose table of contents stays in memory, at most.
        held_members: members of all these archives together, at most.
        cache_mb: MiB of the cache of what lies far away, 0 for none; by default what
            ``LOOKALIKE_CACHE_MB`` says.
    """

    max_mb: int = field(default_factory=lambda: _told("LOOKALIKE_MAX_MB", 1 << 10, 1))
    at_once: int = 32
    attempts: int = 4
    first_wait: float = 0.25
    connect_timeout: float = 10.0
    read_timeout: float = 30.0
    held_archives: int = 64
    held_members: int = 400_000
    cache_mb: int = field(default_factory=lambda: _told("LOOKALIKE_CACHE_MB", 4 << 10, 0))

    def __post_init__(self) -> None:
        counts = (self.max_mb, self.at_once, self.attempts, self.held_archives, self.held_members)
        if min(counts) < 1 or self.cache_mb < 0:
            raise ConfigError("a count of reading is out of range", got=str(self))
        if min(self.connect_timeout, self.read_timeout) <= 0 or self.first_wait < 0:
            raise ConfigError("a time of reading is out of range", got=str(self))

    @property
    def cache_bytes(self) -> int:
        """Size of the cache in bytes."""
        return self.cache_mb << 20

    def too_large(self, n_bytes: int) -> str:
        """Say why so many bytes are not read; empty where they are."""
        most = self.max_mb << 20
        if n_bytes <= most:
            return ""
        return f"{n_bytes:,} bytes; the most that is read at once is {most:,}, see LOOKALIKE_MAX_MB"
