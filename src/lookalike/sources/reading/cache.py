"""A bounded cache on disk of bytes from far away; everything in it can be fetched again.

When it is full, files that were not used for a day go first, then in the order of their names,
which are digests. So of a set that is larger than the cache and read again and again, the same part
stays; "oldest first" would drop every file before it is read again.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import IO

import platformdirs

__all__ = ["fetch", "folder", "load", "make", "name_of", "save"]

_DAY = 86_400.0
_SWEEPS = 16
_guard = threading.Lock()
_added: dict[Path, int] = {}


def folder() -> Path:
    """The cache's folder: under ``LOOKALIKE_CACHE``, or under the user's caches."""
    told = os.environ.get("LOOKALIKE_CACHE")
    return Path(told or platformdirs.user_cache_dir("lookalike", appauthor=False)) / "fetched"


def name_of(*parts: str) -> str:
    """Digest words into the name of a file."""
    return hashlib.sha256("\n".join(parts).encode("utf-8", "surrogateescape")).hexdigest()


def fetch(name: str) -> Path | None:
    """Find the file of a name, if the cache still has it."""
    path = _place(name)
    try:
        os.utime(path)
    except OSError:
        return None
    return path


def load(name: str) -> bytes | None:
    """Read the bytes of a name, if the cache still has them."""
    path = fetch(name)
    try:
        return path.read_bytes() if path else None
    except OSError:
        return None


def save(name: str, data: bytes, most: int) -> None:
    """Keep bytes, if they are small enough; a full or broken disk is no error.

    Args:
        name: under which they are kept.
        data: the bytes.
        most: bytes that the cache may hold; 0 turns it off.
    """
    if len(data) * _SWEEPS <= most:
        try:
            make(name, lambda file: file.write(data), most)
        except OSError:
            return


def make(name: str, write: Callable[[IO[bytes]], object], most: int) -> Path:
    """Write a file of a name by ``write``, and put it in place when it is whole.

    Args:
        name: of the file.
        write: fills it.
        most: bytes that the cache may hold.

    Raises:
        OSError: it cannot be written; nothing is left behind.
    """
    path = _place(name)
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    handle, partial = tempfile.mkstemp(dir=path.parent, suffix=".part")
    try:
        with os.fdopen(handle, "wb") as file:
            write(file)
        size = Path(partial).stat().st_size
        Path(partial).replace(path)
    except BaseException:
        Path(partial).unlink(missing_ok=True)
        raise
    _make_room(path, size, most)
    return path


def _place(name: str) -> Path:
    return folder() / name[:2] / name


def _make_room(newest: Path, size: int, most: int) -> None:
    """Now and then, and the first time, measure the cache and delete what is too much."""
    top = folder()
    with _guard:
        added = _added.get(top, most) + size
        due = added > most // _SWEEPS
        _added[top] = 0 if due else added
    if not due:
        return
    held: list[tuple[bool, str, int]] = []
    old = time.time() - _DAY
    for path in top.glob("??/*"):
        try:
            info = path.stat()
        except OSError:
            continue
        if path != newest:
            held.append((info.st_mtime > old, str(path), info.st_size))
    total = size + sum(each for _, _, each in held)
    for _, victim, freed in sorted(held):
        if total <= most:
            break
        # another process may have deleted it first
        Path(victim).unlink(missing_ok=True)
        total -= freed
