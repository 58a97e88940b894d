"""Walk folders recursively and list every inode once."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from lookalike.config import ReadConfig
from lookalike.model.errors import ConfigError
from lookalike.model.files import Failure
from lookalike.model.image import FileEntry
from lookalike.sources.reading import LEADS_OUT, lies_in

__all__ = [
    "RESULT_MARK",
    "FolderSource",
    "file_entry",
    "in_order",
    "looks_like_image",
    "once",
    "root_labels",
    "why_unseen",
]

# a folder with a file of this name was made by an earlier run and is not looked at
RESULT_MARK = ".lookalike-result"

_SUFFIXES = frozenset(
    [
        ".jpg",
        ".jpeg",
        ".jpe",
        ".jfif",
        ".png",
        ".apng",
        ".webp",
        ".gif",
        ".bmp",
        ".dib",
        ".tif",
        ".tiff",
        ".heic",
        ".heif",
        ".hif",
        ".avif",
        ".avifs",
        ".jxl",
    ]
)


def looks_like_image(name: str) -> bool:
    """Whether the suffix is that of an image, in upper or lower case."""
    return os.path.splitext(name)[1].lower() in _SUFFIXES  # noqa: PTH122  hot path


class FolderSource:
    """Lists every regular file under some folders, recursively, whatever its content.

    Folders that a run marked as its result are left out.

    Hard links and symlinks to one inode are one image: the plain file is offered rather than a
    symlink, then the smallest id. Symlinked folders are followed once.

    Args:
        roots: folders or files. With several, ids start with the root's name.
        hidden: also files and folders whose name starts with a dot.
        every_name: offer an inode under each of its names, as where labels are names of folders.
        inside: real paths of folders; what leads out of all of them is a failure, and nothing
            behind it is looked at. None for no such limit.
        read: how large pictures may be; None for ``ReadConfig()``.

    Raises:
        ConfigError: no roots, or a root that does not exist.
    """

    def __init__(
        self,
        roots: Sequence[str | Path],
        *,
        hidden: bool = False,
        every_name: bool = False,
        inside: Sequence[str] | None = None,
        read: ReadConfig | None = None,
    ) -> None:
        if not roots:
            raise ConfigError("nothing to look at", expected="one or more folders or files")
        self._roots = [str(root) for root in roots]
        for root in self._roots:
            try:
                os.stat(root)  # noqa: PTH116
            except (OSError, ValueError) as error:
                raise ConfigError(
                    "a folder to look at does not exist"
                    if isinstance(error, FileNotFoundError)
                    else "a folder to look at cannot be examined",
                    got=f"{root!r}: {getattr(error, 'strerror', None) or error}",
                    remedy="check the spelling and the rights, or mount the drive it lies on",
                ) from error
        self._hidden = hidden
        self._every_name = every_name
        self._inside = inside
        self._read = read or ReadConfig()

    def scan(self) -> Iterator[FileEntry | Failure]:
        """List files sorted by id, each inode once, then failures."""
        visited: set[tuple[int, int]] = set()
        # plain folders first, so that a symlink to one of them never renames its files
        items = (
            item
            for root, label in zip(self._roots, root_labels(self._roots), strict=True)
            for item in self._walk(root, label, visited)
        )
        return in_order(items) if self._every_name else once(items)

    def _walk(
        self, root: str, label: str, visited: set[tuple[int, int]]
    ) -> Iterator[FileEntry | Failure]:
        if not os.path.isdir(root):  # noqa: PTH112
            yield from self._file(root, label or Path(root).name, root)
            return
        key_root = os.path.realpath(root)
        pending: list[tuple[str, str, str]] = [(root, label, key_root)]
        linked: list[tuple[str, str, str]] = []
        while pending or linked:
            # linked folders last: what they hold may lie in a plain folder too
            folder, prefix, key = pending.pop() if pending else linked.pop(0)
            if self._leads_out(folder):
                yield Failure(folder, "scan", LEADS_OUT)
                continue
            try:
                info = os.stat(folder)  # noqa: PTH116
                if (info.st_dev, info.st_ino) in visited:
                    continue
                visited.add((info.st_dev, info.st_ino))
                items = sorted(os.scandir(folder), key=lambda item: item.name)
            except OSError as error:
                yield Failure(folder, "scan", f"cannot be listed: {error.strerror or error}")
                continue
            if any(item.name == RESULT_MARK for item in items):
                continue
            for item in items:
                if item.name.startswith(".") and not self._hidden:
                    continue
                child_id = f"{prefix}/{item.name}" if prefix else item.name
                child_key = os.path.join(key, item.name)  # noqa: PTH118
                if not _is_folder(item):
                    yield from self._file(item.path, child_id, child_key)
                elif os.path.islink(item.path):  # noqa: PTH114
                    linked.append((item.path, child_id, child_key))
                else:
                    pending.append((item.path, child_id, child_key))

    def _file(self, path: str, file_id: str, key: str) -> Iterator[FileEntry | Failure]:
        if self._leads_out(path):
            yield Failure(path, "scan", LEADS_OUT)
        else:
            yield from file_entry(path, file_id, key, self._read)

    def _leads_out(self, path: str) -> bool:
        inside = self._inside
        return inside is not None and not lies_in(os.path.realpath(path), inside)


def _is_folder(item: os.DirEntry[str]) -> bool:
    """Whether it is a folder or a link to one; errors are left to ``file_entry``."""
    try:
        return item.is_dir()
    except OSError:
        return False


def file_entry(
    path: str, file_id: str, key: str, read: ReadConfig
) -> Iterator[FileEntry | Failure]:
    """Make the entry of one file, or a failure; nothing where it is no regular file.

    Args:
        path: by which it can be opened.
        file_id: its id.
        key: a path that stays the same however the file is addressed.
        read: how large it may be.
    """
    try:
        info = os.stat(path)  # noqa: PTH116
    except OSError as error:
        yield Failure(path, "scan", why_unseen(path, error))
        return
    if not stat.S_ISREG(info.st_mode):
        return  # a pipe, socket or device is never opened
    # of a file without an image's suffix only the first bytes are read, whatever its size
    if looks_like_image(path) and (why := read.too_large(info.st_size)):
        yield Failure(path, "scan", why)
        return
    yield FileEntry(
        id=file_id.replace(os.sep, "/"),
        path=path,
        key=os.path.abspath(key),  # noqa: PTH100
        n_bytes=info.st_size,
        modified_ns=info.st_mtime_ns,
        inode=(info.st_dev, info.st_ino),
    )


def why_unseen(path: str, error: OSError) -> str:
    """Say why a path cannot be examined."""
    if error.errno == errno.ELOOP:
        return "a symlink that leads in a circle"
    if error.errno in (errno.ENOENT, errno.ENOTDIR) and os.path.islink(path):  # noqa: PTH114
        return "a symlink whose target does not exist"
    return f"cannot be examined: {error.strerror or error}"


def once(items: Iterable[FileEntry | Failure]) -> Iterator[FileEntry | Failure]:
    """Keep every inode once, preferring plain files to symlinks, then the smallest id; sorted."""
    found: dict[tuple[int, int], FileEntry] = {}
    failures: list[FileEntry | Failure] = []
    for item in items:
        if isinstance(item, Failure):
            failures.append(item)
            continue
        other = found.get(item.inode)
        if other is None or _preference(item) < _preference(other):
            found[item.inode] = item
    return in_order([*found.values(), *failures])


def in_order(items: Iterable[FileEntry | Failure]) -> Iterator[FileEntry | Failure]:
    """Sort files by their ids, and put failures last."""
    failures: list[Failure] = []
    entries: list[FileEntry] = []
    for item in items:
        if isinstance(item, Failure):
            failures.append(item)
        else:
            entries.append(item)
    yield from sorted(entries, key=lambda entry: entry.id)
    yield from failures


def _preference(entry: FileEntry) -> tuple[bool, str]:
    return os.path.islink(entry.path), entry.id  # noqa: PTH114


def root_labels(roots: Sequence[str]) -> list[str]:
    """Make prefixes of ids: none for one root, else as many trailing parts as differ."""
    if len(roots) == 1:
        return [""]
    parts = [Path(os.path.realpath(root)).parts for root in roots]
    distinct = sorted(set(parts))
    depth = 1
    while depth < max(map(len, distinct)) and len({p[-depth:] for p in distinct}) < len(distinct):
        depth += 1
    return ["/".join(part.strip("/\\") for part in p[-depth:]).strip("/") for p in parts]
