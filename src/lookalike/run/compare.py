"""Compare two files."""

from __future__ import annotations

import tempfile
from pathlib import Path

from lookalike.config import FindConfig
from lookalike.difference.difference import Difference, difference_of
from lookalike.matching.judge import pair_config
from lookalike.model.errors import ConfigError
from lookalike.model.files import Failure
from lookalike.model.match import Match
from lookalike.model.report import Report
from lookalike.run.find import find
from lookalike.sources.reading import is_one_file
from lookalike.sources.reading.addresses import absolute, is_address

__all__ = ["compare", "explain_pair"]


def compare(
    first: str | Path, second: str | Path, *, config: FindConfig | None = None
) -> tuple[Match | None, Report]:
    """Tell how two files are related.

    Args:
        first: path or address of a picture.
        second: another.
        config: settings; the pair is verified however far apart its descriptors are.

    Returns:
        The match, or None, and the whole report (which lists an unreadable file).

    Raises:
        ConfigError: a file does not exist, or both are one file.
    """
    config = config or FindConfig()
    if _is_same(str(first), str(second)):
        raise ConfigError(
            "nothing to compare", got=f"two names of one file: {first}", expected="two files"
        )
    with tempfile.TemporaryDirectory() as folder:
        report = find([first, second], db=folder, config=pair_config(config), hidden=True)
    return (report.matches[0] if report.matches else None), report


def explain_pair(
    first: str | Path, second: str | Path, *, config: FindConfig | None = None
) -> Difference | None:
    """Explain how two files differ: what both show, what was added to which, the likely parent.

    Args:
        first: an image file; the query of the answer.
        second: another; the ref of the answer.
        config: settings of the comparison.

    Returns:
        None where they are not the same picture.

    Raises:
        ConfigError: a file does not exist or cannot be read, or both are one file.
    """
    match, report = compare(first, second, config=config)
    found: Difference | Failure | None = next(iter(report.failures), None)
    if match is not None:
        sides = report.images[match.query], report.images[match.ref]
        found = difference_of(match, sides, turned=not _is_same(sides[0].path, str(first)))
    if isinstance(found, Failure):
        raise ConfigError("a picture cannot be read", got=f"{found.path}: {found.message}")
    return found


def _is_same(one: str, other: str) -> bool:
    """Tell whether two names are of one file that is there, or one address."""
    if is_address(one) or is_address(other):
        return absolute(one) == absolute(other)
    return is_one_file(one, other)
