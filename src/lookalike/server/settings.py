"""Settings of the service."""

from __future__ import annotations

import ipaddress
import os
from dataclasses import dataclass, field
from pathlib import Path

from lookalike.config import FindConfig
from lookalike.http.patience import Patience
from lookalike.model.errors import ConfigError

__all__ = ["LOOPBACK_NAMES", "ServeConfig"]

LOOPBACK_NAMES = frozenset(["127.0.0.1", "localhost", "::1"])


@dataclass(frozen=True, slots=True)
class ServeConfig:
    """How a collection is served.

    Attributes:
        db: folder or address of the collection, held by the service as long as it runs.
        host: address to listen on; another than loopback needs a token.
        port: TCP port, 0 for any free one.
        token: what requests must show as ``Authorization: Bearer TOKEN``; empty for none.
        roots: folders whose files requests may name by path; with none, pictures are only uploaded.
        workers: comparisons and result lists worked on at once.
        waiting: requests that may wait for a turn; more are refused for now (503).
        max_bytes: largest request body.
        max_images: pictures in one request.
        max_seconds: how long a service that stops waits for requests in work.
        patience: how long headers and bodies may take to come.
        find: settings of the cascade.
    """

    db: str | Path
    host: str = "127.0.0.1"
    port: int = 8765
    token: str = ""
    roots: tuple[Path, ...] = ()
    workers: int = 2
    waiting: int = 32
    max_bytes: int = 64_000_000
    max_images: int = 100
    max_seconds: int = 30
    patience: Patience = field(default_factory=Patience)
    find: FindConfig = field(default_factory=FindConfig)

    def __post_init__(self) -> None:
        if not self.is_loopback and not self.token:
            raise ConfigError(
                "a service that others can reach needs a token",
                got=f"host {self.host} without one",
                expected="a loopback host, or a token",
                remedy="add --token, or set LOOKALIKE_TOKEN",
            )
        if min(self.workers, self.waiting, self.max_bytes, self.max_images) < 1:
            raise ConfigError(
                "limits of the service must be positive",
                got=f"workers {self.workers}, waiting {self.waiting}, max_bytes {self.max_bytes}, "
                f"max_images {self.max_images}",
            )
        for root in self.roots:
            if not os.path.isdir(root):  # noqa: PTH112  a locked one is none
                raise ConfigError("a root is no folder", got=str(root), remedy="check --root")

    @property
    def real_roots(self) -> tuple[str, ...]:
        """Real paths of the roots, with links followed."""
        return tuple(os.path.realpath(root) for root in self.roots)

    @property
    def is_loopback(self) -> bool:
        """Whether only this machine can reach the service."""
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return self.host == "localhost"

    def is_own_name(self, host: str) -> bool:
        """Whether a request's ``Host`` names this service.

        A site whose name points to this machine is refused. A service that listens on all
        interfaces cannot know its names, and relies on the token.
        """
        try:
            if ipaddress.ip_address(self.host).is_unspecified:
                return True
        except ValueError:
            pass
        return host in LOOPBACK_NAMES or host == self.host
