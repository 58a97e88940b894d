"""Find files that belong to a picture and go with it: sidecars, live-photo clips, RAW files."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from lookalike.actions.disk import Disk
from lookalike.sources import looks_like_image

__all__ = ["Neighbours", "is_pair", "is_raw"]

_RAW = frozenset(
    [
        ".3fr",
        ".arw",
        ".cr2",
        ".cr3",
        ".crw",
        ".dcr",
        ".dng",
        ".erf",
        ".iiq",
        ".kdc",
        ".mef",
        ".mos",
        ".mrw",
        ".nef",
        ".nrw",
        ".orf",
        ".pef",
        ".raf",
        ".raw",
        ".rw2",
        ".rwl",
        ".sr2",
        ".srf",
        ".srw",
        ".x3f",
    ]
)
_OF_STEM = _RAW | {".xmp", ".aae", ".mov"}


def is_raw(path: str) -> bool:
    """Whether the suffix is of a camera's raw format."""
    return _split(path)[1] in _RAW


def is_pair(path: str, other: str) -> bool:
    """Whether two files are one shot of a camera: a raw file, and its JPEG or HEIC."""
    mine, theirs = os.path.split(path), os.path.split(other)
    same = mine[0] == theirs[0] and _split(mine[1])[0] == _split(theirs[1])[0]
    return same and is_raw(path) != is_raw(other)


@dataclass(slots=True)
class Neighbours:
    """Looks for files beside pictures; every folder is listed once.

    Args:
        disk: through which folders are listed.
    """

    disk: Disk
    _names: dict[str, dict[str, list[str]]] = field(default_factory=dict)

    def of(self, path: str, stays: Callable[[str], bool]) -> tuple[str, ...]:
        """List the companions of a picture, absolute and sorted.

        ``IMG_1.JPG.xmp`` belongs to ``IMG_1.JPG`` alone. ``IMG_1.xmp`` belongs to every picture
        called ``IMG_1``, and goes only if none of them stays. Symlinks are nobody's.

        Args:
            path: of the picture, absolute.
            stays: whether a picture beside it stays.
        """
        folder, name = os.path.split(path)
        stem = _split(name)[0]
        around = self._around(folder)
        beside = [os.path.join(folder, other) for other in around.get(stem, ())]  # noqa: PTH118
        others = [one for one in beside if one != path and looks_like_image(one)]
        found = self._sidecars(folder, [name])
        if not any(stays(other) for other in others):
            shared = [one for one in beside if one != path and _split(one)[1] in _OF_STEM]
            raws = [os.path.basename(one) for one in shared if is_raw(one)]  # noqa: PTH119
            found += shared
            found += self._sidecars(folder, raws)
        return tuple(sorted({one for one in found if self._plain(one)}))

    def _sidecars(self, folder: str, names: Sequence[str]) -> list[str]:
        """List ``name.ext.xmp`` of some files, in upper or lower case."""
        around = self._around(folder)
        return [
            os.path.join(folder, other)  # noqa: PTH118
            for name in names
            for other in around.get(name.casefold(), ())
            if _split(other)[1] == ".xmp"
        ]

    def _around(self, folder: str) -> dict[str, list[str]]:
        """List the names in a folder by their stem without case."""
        if folder not in self._names:
            listed: dict[str, list[str]] = {}
            for name in self.disk.names(folder):
                listed.setdefault(_split(name)[0], []).append(name)
            self._names[folder] = listed
        return self._names[folder]

    def _plain(self, path: str) -> bool:
        info = self.disk.info(path)
        return info is not None and stat.S_ISREG(info.st_mode)


def _split(path: str) -> tuple[str, str]:
    """Split a name into its stem, lower case and without folder, and its lower-case suffix."""
    stem, suffix = os.path.splitext(os.path.basename(path))  # noqa: PTH119, PTH122
    return stem.casefold(), suffix.lower()
