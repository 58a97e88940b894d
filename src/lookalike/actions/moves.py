"""Carry out one change of one file, and take it back from any state.

A move is written to the journal before it begins, with every name it may use. Taking it back does
not rely on the journal for what happened: it looks at the files themselves, and compares bytes.
"""

from __future__ import annotations

import errno
import os
import stat
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from lookalike.actions import trash
from lookalike.actions.disk import Disk
from lookalike.model.errors import ActionError

__all__ = ["Move", "carry_out", "finish_delete", "take_back"]

_NO_LINKS = {errno.EXDEV, errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.EMLINK, errno.ENOSYS}


@dataclass(frozen=True, slots=True)
class Move:
    """What happens to one file.

    Attributes:
        kind: a ``How.kind``, or ``create`` for a new sidecar.
        path: of the file, absolute; of the sidecar that is made.
        sha256: hex digest of its bytes.
        token: names the temporary files of this move, and of no other.
        to: where it goes, for ``move``; filled in afterwards for ``trash``.
        keeper: for ``hardlink`` and ``reflink``; for ``delete`` if its bytes are the same.
        modified_ns: modification time of the file.
        mode: type and rights of the file.
        text: of the sidecar.
    """

    kind: Literal["trash", "move", "hardlink", "reflink", "delete", "create"]
    path: str
    sha256: str
    token: str
    to: str = ""
    keeper: str = ""
    modified_ns: int = 0
    mode: int = 0
    text: str = ""

    def temporary(self, path: str) -> str:
        """Make a name beside ``path`` that only this move uses."""
        folder, name = os.path.split(path)
        return os.path.join(folder, f".{name[:80]}.{self.token}.lookalike")  # noqa: PTH118


def carry_out(disk: Disk, move: Move) -> Move:
    """Carry out a move; returns it with the place where the file is now.

    Raises:
        OSError, ActionError: it could not be done; ``take_back`` puts everything right.
    """
    if move.kind == "trash":
        disk.trash(move.path)
        return replace(move, to=trash.locate(disk, move.path, move.sha256) or "")
    if move.kind == "move":
        disk.make_folder(str(Path(move.to).parent))
        _relocate(disk, move, move.path, move.to)
    elif move.kind == "delete":
        disk.unlink(move.path)
        _flush(disk, move.path)
    elif move.kind == "create":
        disk.write(move.temporary(move.path), move.text)
        _place(disk, move.temporary(move.path), move.path)
    else:
        _become(disk, move)
    return move


def take_back(disk: Disk, move: Move) -> None:
    """Put the file back into its place, whatever part of the move was done.

    Raises:
        ActionError: it cannot be found, or something else lies in its place; nothing was touched.
        OSError: it could not be done.
    """
    places = [move.path, move.to] if move.kind == "move" else [move.path]
    for path in places:
        folder = str(Path(path).parent)
        if disk.real(folder) != folder:
            raise ActionError(
                "a folder on the way is a symlink now",
                got=folder,
                remedy="put the folder back as it was, then undo again",
            )
    for path in places:
        # an unfinished copy, or a second name of a file that is still in place
        if disk.info(move.temporary(path)) is not None:
            disk.unlink(move.temporary(path))
    if move.kind == "create":
        if disk.holds(move.path, move.sha256):
            disk.unlink(move.path)
    elif move.kind in ("hardlink", "reflink"):
        _stand_alone(disk, move)
    elif disk.info(move.path) is not None:
        _keep_one(disk, move)
    elif move.kind == "delete":
        _recreate(disk, move)
    else:
        _fetch(disk, move)


def finish_delete(disk: Disk, move: Move) -> None:
    """Finish an interrupted deletion, which cannot be taken back."""
    if disk.holds(move.path, move.sha256):
        carry_out(disk, move)


def _relocate(disk: Disk, move: Move, path: str, to: str) -> None:
    """Move a file to a free name; at every moment its bytes have a complete name."""
    try:
        disk.link(path, to)
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
        if error.errno != errno.EXDEV:
            disk.rename(path, to)
            _flush(disk, path, to)
            return
        partial = move.temporary(to)
        disk.copy(path, partial)
        if not disk.holds(partial, move.sha256):
            raise ActionError("a copy differs from its file", got=path) from error
        _place(disk, partial, to)
    _flush(disk, to)
    if not disk.same(path, to) and not disk.holds(path, move.sha256):
        raise ActionError("the file changed while it was moved", got=path)
    disk.unlink(path)
    _flush(disk, path)


def _flush(disk: Disk, *paths: str) -> None:
    """Flush the folders of some files to disk."""
    for path in paths:
        disk.flush_folder(str(Path(path).parent))


def _place(disk: Disk, partial: str, to: str) -> None:
    """Rename a finished temporary file to its name, which must be free."""
    try:
        disk.link(partial, to)
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
        disk.rename(partial, to)
        return
    disk.unlink(partial)


def _become(disk: Disk, move: Move) -> None:
    """Replace a file by a link to, or a clone of, its equal."""
    before = disk.info(move.path)
    partial = move.temporary(move.path)
    if move.kind == "hardlink":
        disk.link(move.keeper, partial)
    else:
        disk.clone(move.keeper, partial)
        disk.set_times(partial, move.modified_ns, move.mode)
    if not disk.holds(partial, move.sha256) or not disk.holds(move.path, move.sha256):
        raise ActionError("the file or its keeper changed", got=move.path)
    if not _unchanged(before, disk.info(move.path)):
        raise ActionError("the file changed while it was looked at", got=move.path)
    disk.replace(partial, move.path)
    _flush(disk, move.path)


def _unchanged(before: os.stat_result | None, after: os.stat_result | None) -> bool:
    if before is None or after is None:
        return False
    return os.path.samestat(before, after) and before.st_mtime_ns == after.st_mtime_ns


def _stand_alone(disk: Disk, move: Move) -> None:
    """Make a file that became another name of its keeper a file of its own again."""
    info = disk.info(move.path)
    if info is None or not stat.S_ISREG(info.st_mode) or disk.digest(move.path) != move.sha256:
        raise ActionError(
            "the file is gone or has other bytes now", got=move.path, remedy="nothing was touched"
        )
    if move.kind == "hardlink" and disk.same(move.path, move.keeper):
        partial = move.temporary(move.path)
        disk.copy(move.path, partial)
        disk.set_times(partial, move.modified_ns, move.mode)
        if not disk.holds(partial, move.sha256):
            raise ActionError("a copy differs from its file", got=move.path)
        disk.replace(partial, move.path)
        _flush(disk, move.path)


def _keep_one(disk: Disk, move: Move) -> None:
    """Handle a file that is in place already, perhaps with a second name or copy."""
    if not disk.holds(move.path, move.sha256):
        raise ActionError(
            "something else lies in its place now",
            got=move.path,
            remedy=f"move that away, then undo again; the file is at {_whereabouts(disk, move)}",
        )
    place = _whereabouts(disk, move) if move.kind in ("move", "trash") else ""
    # a file of the same path and bytes in the trash may be an older one
    if place and (place == move.to or disk.same(place, move.path)):
        disk.unlink(place)
        _flush(disk, place)
    if move.kind == "trash" and (place or move.to):
        trash.forget(disk, place or move.to)


def _recreate(disk: Disk, move: Move) -> None:
    """Restore a deleted file from its keeper, which has the same bytes."""
    if not move.keeper or not disk.holds(move.keeper, move.sha256):
        raise ActionError("it was deleted, which cannot be undone", got=move.path)
    disk.make_folder(str(Path(move.path).parent))
    partial = move.temporary(move.path)
    disk.copy(move.keeper, partial)
    disk.set_times(partial, move.modified_ns, move.mode)
    if not disk.holds(partial, move.sha256):
        raise ActionError("a copy differs from its file", got=move.keeper)
    _place(disk, partial, move.path)
    _flush(disk, move.path)


def _fetch(disk: Disk, move: Move) -> None:
    """Bring a file back from where it went."""
    place = _whereabouts(disk, move)
    if not place:
        where = "the trash" if move.kind == "trash" else move.to
        remedy = "" if trash.findable() else "use Put Back or Restore of the system's trash"
        raise ActionError(
            "it is not where it went", got=f"{move.path}, sent to {where}", remedy=remedy
        )
    disk.make_folder(str(Path(move.path).parent))
    _relocate(disk, move, place, move.path)
    if move.kind == "trash":
        trash.forget(disk, place)


def _whereabouts(disk: Disk, move: Move) -> str:
    """Find the moved or trashed file; empty if it cannot be found."""
    if move.to and disk.holds(move.to, move.sha256):
        return move.to
    if move.kind == "trash":
        return trash.locate(disk, move.path, move.sha256) or ""
    return ""
