"""Find a file again in the trash, as freedesktop.org lays it out on Linux and the BSDs.

On macOS and Windows other programs cannot tell where a file went in the trash; there its own "Put
Back" or "Restore" brings it back.
"""

from __future__ import annotations

import itertools
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote_to_bytes

from lookalike.actions.disk import Disk

__all__ = ["findable", "forget", "locate"]


def findable() -> bool:
    """Whether this system's trash shows where a file went."""
    return sys.platform not in ("darwin", "win32")


def locate(disk: Disk, path: str, sha256: str) -> str | None:
    """Find the file in the trash that was ``path`` and has these bytes, or None.

    Of several that are the same, the latest.
    """
    if not findable():  # pragma: no cover
        return None
    for search in (_likely, _every):
        found = []
        for trash, base in _trashes(disk, path):
            for name in search(disk, trash, path):
                if _was(disk, trash, base, name) == path:
                    place = f"{trash}/files/{name}"
                    info = disk.info(_note(place))
                    if info is not None and disk.holds(place, sha256):
                        found.append((info.st_mtime_ns, place))
        if found:
            return max(found)[1]
    return None


def forget(disk: Disk, place: str) -> None:
    """Remove the note beside a file that left the trash."""
    note = _note(place)
    if disk.info(note) is not None and disk.info(place) is None:
        disk.unlink(note)


def _note(place: str) -> str:
    head, _, name = place.rpartition("/")
    return f"{head.removesuffix('/files')}/info/{name}.trashinfo"


def _trashes(disk: Disk, path: str) -> Iterator[tuple[str, str]]:
    """List the trash folders that may hold it, each with the folder its notes are relative to."""
    data = os.environ.get("XDG_DATA_HOME") or str(Path.home() / ".local" / "share")
    yield f"{data}/Trash", data
    mount = str(Path(path).parent)
    while not os.path.ismount(mount) and len(mount) > 1:
        mount = str(Path(mount).parent)
    top = mount.rstrip("/")
    user = os.getuid()
    yield f"{top}/.Trash/{user}", mount
    yield f"{top}/.Trash-{user}", mount


def _likely(disk: Disk, trash: str, path: str) -> Iterator[str]:
    """List its name, and numbered names as far as they exist."""
    name = Path(path).name
    stem, suffix = os.path.splitext(name)  # noqa: PTH122  as the trash itself splits it
    yield name
    for sign in (" ", "."):
        for number in itertools.count(1):
            numbered = f"{stem}{sign}{number}{suffix}"
            if disk.info(f"{trash}/files/{numbered}") is None:
                break
            yield numbered


def _every(disk: Disk, trash: str, path: str) -> Iterator[str]:
    yield from disk.names(f"{trash}/files")


def _was(disk: Disk, trash: str, base: str, name: str) -> str | None:
    """Read the path that a trashed file had."""
    try:
        lines = disk.read(f"{trash}/info/{name}.trashinfo").splitlines()
    except OSError:
        return None
    for line in lines:
        if line.startswith(b"Path="):
            value = os.fsdecode(unquote_to_bytes(line.removeprefix(b"Path=")))
            return os.path.normpath(os.path.join(base, value))  # noqa: PTH118
    return None
