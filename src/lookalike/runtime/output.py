"""Files that were asked for: whole or not at all, and what the disk refuses in words."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from lookalike.model.errors import OutputError

__all__ = ["writing"]


@contextmanager
def writing(path: Path) -> Iterator[Path]:
    """A place to write a file to, which has its name once it is whole; its folder is made.

    Args:
        path: where it shall lie. A device or pipe there is written to as it is.

    Raises:
        OutputError: it cannot be written, and then what lay there is as it was.
    """
    # a symlink stays one
    target = Path(os.path.realpath(path))
    as_it_is = target.exists() and not target.is_file()
    place = target if as_it_is else target.parent / f".lookalike-{secrets.token_hex(6)}.part"
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            yield place
            if not as_it_is:
                place.replace(target)
        finally:
            if not as_it_is:
                place.unlink(missing_ok=True)
    except OSError as error:
        # what was to be copied may be the trouble
        other = error.filename not in (None, str(place))
        raise OutputError.of_system(
            "a file cannot be written",
            error.filename if other else path,
            error,
            elsewhere="name another place",
        ) from error
