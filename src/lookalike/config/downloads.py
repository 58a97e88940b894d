"""Settings of downloads."""

from __future__ import annotations

from dataclasses import dataclass

from lookalike.model.errors import ConfigError

__all__ = ["DownloadConfig"]


@dataclass(frozen=True, slots=True)
class DownloadConfig:
    """How URLs are downloaded.

    Attributes:
        parallel: at most so many requests at once.
        per_host: at most so many of them to one host.
        tries: requests for one URL before it is given up for this run.
        connect_timeout: seconds to find a host and connect to it.
        read_timeout: seconds without a byte.
        total_timeout: seconds for one request; what came is kept for the next.
        backoff: seconds before the second try, about; they double with every further one.
        max_wait: seconds at most between two tries; a server that asks for more is left alone.
        misses: URLs of one host in a row that may fail without an answer; then the rest is not
            tried.
        max_bytes: of one picture.
        max_redirects: followed for one URL.
        allow_private: also connect to this machine and its networks.
        retry_failed: also ask again for what failed for good.
    """

    parallel: int = 16
    per_host: int = 4
    tries: int = 4
    connect_timeout: float = 10.0
    read_timeout: float = 30.0
    total_timeout: float = 300.0
    backoff: float = 0.5
    max_wait: float = 60.0
    misses: int = 3
    max_bytes: int = 100_000_000
    max_redirects: int = 5
    allow_private: bool = False
    retry_failed: bool = False

    def __post_init__(self) -> None:
        counts = (self.parallel, self.per_host, self.tries, self.misses, self.max_bytes)
        if min(counts) < 1 or self.max_redirects < 0:
            raise ConfigError("a count of downloads is out of range", got=str(self))
        timeouts = (self.connect_timeout, self.read_timeout, self.total_timeout)
        if min(timeouts) <= 0 or min(self.backoff, self.max_wait) < 0:
            raise ConfigError("a time of downloads is out of range", got=str(self))
