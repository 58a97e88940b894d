"""Look at files and change them: the one place that does, each call a step that may fail."""

from __future__ import annotations

import ctypes
import errno
import hashlib
import os
import shutil
import stat
import sys
from pathlib import Path

__all__ = ["Disk", "is_under"]

_FICLONE = 0x40049409
_HERE = -100  # AT_FDCWD


def is_under(path: str, folder: str) -> bool:
    """Whether an absolute path is a folder or lies in it."""
    return path == folder or path.startswith(folder.rstrip(os.sep) + os.sep)


class Disk:
    """Looks at files and changes them; paths are absolute.

    Nothing here overwrites a file but ``replace``, and nothing follows a symlink in the last part
    of a path. Every method may raise ``OSError``.
    """

    # looking

    def info(self, path: str) -> os.stat_result | None:
        """Examine a path without following symlinks; None if nothing is there."""
        try:
            return os.lstat(path)
        except (FileNotFoundError, NotADirectoryError):
            return None

    def real(self, path: str) -> str:
        """Resolve the symlinks of a path."""
        return os.path.realpath(path)

    def holds(self, path: str, sha256: str) -> bool:
        """Whether a plain file of these bytes is there."""
        info = self.info(path)
        return info is not None and stat.S_ISREG(info.st_mode) and self.digest(path) == sha256

    def same(self, path: str, other: str) -> bool:
        """Whether both are names of one file."""
        mine, theirs = self.info(path), self.info(other)
        return mine is not None and theirs is not None and os.path.samestat(mine, theirs)

    def digest(self, path: str) -> str:
        """Compute the hex SHA-256 of a file's bytes."""
        with Path(path).open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()

    def names(self, folder: str) -> list[str]:
        """List the names in a folder, sorted; none if there is no folder."""
        try:
            return sorted(os.listdir(folder))  # noqa: PTH208  names that are no UTF-8 stay as they are
        except (FileNotFoundError, NotADirectoryError):
            return []

    def read(self, path: str) -> bytes:
        """Read a small file."""
        return Path(path).read_bytes()

    # changing

    def make_folder(self, folder: str) -> None:
        """Create a folder with all above it."""
        Path(folder).mkdir(parents=True, exist_ok=True)

    def remove_folder(self, folder: str) -> None:
        """Remove an empty folder."""
        Path(folder).rmdir()

    def link(self, path: str, name: str) -> None:
        """Make a second name of a file; fails if something has that name."""
        os.link(path, name)

    def unlink(self, path: str) -> None:
        """Remove a name."""
        os.unlink(path)  # noqa: PTH108

    def replace(self, path: str, name: str) -> None:
        """Rename over an existing file, in one step."""
        os.replace(path, name)  # noqa: PTH105

    def rename(self, path: str, name: str) -> None:
        """Rename a file; fails if something has that name.

        For file systems without hard links. Atomic where the system can, else right after a check.
        """
        if os.name == "nt":  # pragma: no cover
            os.rename(path, name)  # noqa: PTH104
        elif not _rename_exclusively(path, name):
            if self.info(name) is not None:
                raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), name)
            os.rename(path, name)  # noqa: PTH104

    def copy(self, path: str, to: str) -> None:
        """Copy a file's bytes, times and rights into a new one, on the disk when this returns."""
        with Path(path).open("rb") as source, Path(to).open("xb") as target:
            shutil.copyfileobj(source, target, 1 << 20)
            target.flush()
            os.fsync(target.fileno())
        shutil.copystat(path, to)

    def clone(self, path: str, to: str) -> None:
        """Create a file that shares the blocks of another, where the file system can."""
        if sys.platform == "darwin":  # pragma: no cover
            library = ctypes.CDLL(None, use_errno=True)
            if library.clonefile(os.fsencode(path), os.fsencode(to), 0):
                raise OSError(ctypes.get_errno(), "this file system cannot share blocks", to)
            return
        if not sys.platform.startswith("linux"):  # pragma: no cover
            raise OSError("sharing blocks is not supported on this system")
        import fcntl

        with Path(path).open("rb") as source, Path(to).open("xb") as target:
            try:
                fcntl.ioctl(target.fileno(), _FICLONE, source.fileno())
            except OSError as error:
                raise OSError(error.errno, "this file system cannot share blocks", to) from error
            os.fsync(target.fileno())

    def set_times(self, path: str, modified_ns: int, mode: int) -> None:
        """Set modification time and rights."""
        Path(path).chmod(stat.S_IMODE(mode))
        os.utime(path, ns=(modified_ns, modified_ns))

    def write(self, path: str, text: str) -> None:
        """Create a small file, which is on the disk when this returns."""
        with Path(path).open("x", encoding="utf-8", newline="\n") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())

    def append(self, path: str, line: str) -> None:
        """Append a line to a file, which is on the disk when this returns."""
        with Path(path).open("a", encoding="utf-8", newline="\n") as file:
            file.write(line)
            file.flush()
            os.fsync(file.fileno())

    def cut(self, path: str, n_bytes: int) -> None:
        """Truncate a file."""
        os.truncate(path, n_bytes)

    def flush_folder(self, folder: str) -> None:
        """Flush the names in a folder to disk, where the system can promise it."""
        if os.name == "nt":  # pragma: no cover
            return
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)

    def trash(self, path: str) -> None:
        """Move a file into the system's trash."""
        from send2trash import send2trash

        send2trash(path)


def _rename_exclusively(path: str, name: str) -> bool:
    """Rename to a free name in one step; False where the system or file system cannot.

    Raises:
        OSError: the name is taken, or the file cannot be renamed.
    """
    library = ctypes.CDLL(None, use_errno=True)
    old, new = os.fsencode(path), os.fsencode(name)
    if sys.platform == "darwin":  # pragma: no cover
        failed = library.renamex_np(old, new, 4)
    elif hasattr(library, "renameat2"):
        failed = library.renameat2(_HERE, old, _HERE, new, 1)
    else:  # pragma: no cover
        return False
    code = ctypes.get_errno()
    if failed and code in (errno.EINVAL, errno.ENOSYS, errno.ENOTSUP):
        return False
    if failed:
        raise OSError(code, os.strerror(code), name)
    return True
