"""Write files completely or not at all, and put what the disk refuses into words."""

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
    """Give a temporary place that gets the file's name once it is complete; creates its folder.

    Args:
        path: of the file. A device or pipe is written to directly.

    Raises:
        OutputError: it cannot be written; the file that was there is unchanged.
    """
    # write through a symlink, which stays
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
        # the error may be of a file that was to be copied
        other = error.filename not in (None, str(place))
        raise OutputError.of_system(
            "a file cannot be written",
            error.filename if other else path,
            error,
            elsewhere="name another place",
        ) from error
