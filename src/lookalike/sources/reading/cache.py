"""Bytes from far away, kept on disk so that they are fetched once: bounded, and never needed.

When it is full, what nobody used for a day goes first, then by name: names are digests, so of a set
that is larger than the cache, and read again and again, the same part stays, where "oldest first"
would keep none of it in time.
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
    """Where it lies: ``LOOKALIKE_CACHE``, or below the user's caches."""
    told = os.environ.get("LOOKALIKE_CACHE")
    return Path(told or platformdirs.user_cache_dir("lookalike", appauthor=False)) / "fetched"


def name_of(*parts: str) -> str:
    """The name of what these words describe."""
    return hashlib.sha256("\n".join(parts).encode("utf-8", "surrogateescape")).hexdigest()


def fetch(name: str) -> Path | None:
    """The file of that name, if it is still there."""
    path = _place(name)
    try:
        os.utime(path)
    except OSError:
        return None
    return path


def load(name: str) -> bytes | None:
    """The bytes of that name, if they are still there."""
    path = fetch(name)
    try:
        return path.read_bytes() if path else None
    except OSError:
        return None


def save(name: str, data: bytes, most: int) -> None:
    """Keep some bytes, if they may be kept; a full or broken disk loses only time.

    Args:
        name: theirs.
        data: the bytes.
        most: bytes that the cache may hold; 0 turns it off.
    """
    if len(data) * _SWEEPS <= most:
        try:
            make(name, lambda file: file.write(data), most)
        except OSError:
            return


def make(name: str, write: Callable[[IO[bytes]], object], most: int) -> Path:
    """A file of that name, written by ``write`` and then put in place at once.

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
    """Every now and then, and at first, look how full it is and let go what is too much."""
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
        # another process may have been quicker
        Path(victim).unlink(missing_ok=True)
        total -= freed
