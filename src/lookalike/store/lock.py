"""Allow one writer a collection, by a lock that ends with its process."""

from __future__ import annotations

import os
from pathlib import Path
from typing import IO

from lookalike.model.errors import CollectionError

__all__ = ["lock"]


def lock(path: Path) -> IO[str]:
    """Hold a lock file until it is closed.

    Raises:
        CollectionError: another process holds it.
    """
    file = path.open("a+", encoding="utf-8")
    try:
        _acquire(file)
    except OSError as error:
        file.seek(0)
        holder = file.read().strip() or "unknown"
        file.close()
        raise CollectionError(
            "the collection is in use",
            got=f"{path.parent} locked by process {holder}",
            remedy="wait for it to end, or choose another --db",
        ) from error
    file.seek(0)
    file.truncate()
    file.write(str(os.getpid()))
    file.flush()
    return file


def _acquire(file: IO[str]) -> None:
    if os.name == "nt":  # pragma: no cover
        import msvcrt

        msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined,unused-ignore]
        return
    import fcntl

    fcntl.flock(file.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
