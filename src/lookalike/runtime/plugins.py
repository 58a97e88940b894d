"""Find and load what other packages add: entry points of the groups that lookalike names."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from functools import lru_cache
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from lookalike.model.errors import ConfigError

__all__ = ["DESCRIPTORS", "SOURCES", "load_plugin", "plugin_names"]

_LOG = logging.getLogger(__name__)
#: groups of entry points; the name of one is that of the descriptor, or the scheme of addresses
DESCRIPTORS, SOURCES = "lookalike.descriptors", "lookalike.sources"


def plugin_names(group: str) -> tuple[str, ...]:
    """List the names that installed packages offer in a group, sorted."""
    return tuple(sorted(_installed(group)))


@lru_cache(maxsize=64)
def load_plugin(group: str, name: str, shape: type) -> Any:
    """Load and make what a package offers under a name, once in a process.

    Args:
        group: of entry points.
        name: of one that is installed.
        shape: runtime-checkable protocol that what it makes must have.

    Raises:
        ConfigError: two packages offer the name, it cannot be imported or made, or it is of
            another shape; names the package.
    """
    found = _installed(group)[name]
    if len(found) > 1:
        raise ConfigError(
            "two plug-ins have one name",
            got=" and ".join(sorted(map(_named, found))),
            remedy="uninstall one of the packages",
        )
    entry = found[0]
    try:
        made = entry.load()()
    except Exception as error:  # foreign code fails in any way
        raise ConfigError(
            "a plug-in cannot be loaded",
            got=f"{_named(entry)}: {type(error).__name__}: {error}",
            expected="a class or function that is called without arguments",
            remedy="upgrade its package, or uninstall it",
        ) from error
    if not isinstance(made, shape):
        raise ConfigError(
            "a plug-in is not what its group needs",
            got=f"{_named(entry)}: {type(made).__name__}",
            expected=f"an object with {', '.join(_members(shape))}, see docs/plugins.md",
            remedy="upgrade its package, or uninstall it",
        )
    _LOG.info("loaded %s", _named(entry))
    return made


@lru_cache(maxsize=2)
def _installed(group: str) -> Mapping[str, tuple[EntryPoint, ...]]:
    """List entry points by name; a package found twice on the path counts once."""
    found: dict[str, dict[str, EntryPoint]] = {}
    for entry in entry_points(group=group):
        found.setdefault(entry.name, {}).setdefault(_named(entry), entry)
    return {name: tuple(entries.values()) for name, entries in found.items()}


def _named(entry: EntryPoint) -> str:
    package = f"{entry.dist.name} {entry.dist.version}" if entry.dist else "an unknown package"
    return f"{entry.name!r} ({entry.value}) of {package}"


def _members(shape: type) -> list[str]:
    return sorted(name for name in vars(shape) if not name.startswith("_"))
