"""Open names of archives, addresses and patterns."""

from __future__ import annotations

import os

from lookalike.config import ReadConfig
from lookalike.model.errors import ConfigError
from lookalike.model.protocols import Source
from lookalike.sources.addressed import ArchiveSource, FarSource
from lookalike.sources.pattern import PatternSource
from lookalike.sources.reading.addresses import (
    archive_kind,
    is_address,
    is_pattern,
    member_of,
)
from lookalike.sources.tables import is_table

__all__ = ["is_addressed", "open_addressed"]


def is_addressed(name: str) -> bool:
    """Whether a name means an archive, an address or a pattern, not a file or folder."""
    if is_address(name):
        return True
    if os.path.exists(name):  # noqa: PTH110
        return bool(archive_kind(name)) and os.path.isfile(name)  # noqa: PTH113
    return is_pattern(name) or bool(archive_kind(name))


def open_addressed(
    name: str, *, hidden: bool = False, every_name: bool = False, read: ReadConfig | None = None
) -> Source:
    """Open the source that such a name means.

    Args:
        name: path of an archive, address, or pattern.
        hidden: also what has a name that starts with a dot.
        every_name: offer what has several names under each.
        read: how it is read; None for ``ReadConfig()``.

    Raises:
        ConfigError: it does not exist, or names what cannot be read in place.
    """
    member = member_of(name)
    if member is not None:
        return ArchiveSource(member.archive, only=member.member, read=read)
    if archive_kind(name) and not is_pattern(name):
        return ArchiveSource(name, hidden=hidden, every_name=every_name, read=read)
    if is_address(name):
        if is_table(name) and not is_pattern(name):
            raise ConfigError("a list must lie on this machine", got=name, remedy="download it")
        return FarSource(name, hidden=hidden, every_name=every_name, read=read)
    return PatternSource(name, hidden=hidden, every_name=every_name, read=read)
