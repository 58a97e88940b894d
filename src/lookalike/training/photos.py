"""Keep the pictures that training sees, small and in memory."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from lookalike.config import DecodeConfig
from lookalike.images.decode import decode
from lookalike.model.arrays import UInt8Array
from lookalike.model.errors import ConfigError
from lookalike.model.files import Failure
from lookalike.runtime.progress import Progress
from lookalike.sources import FolderSource, looks_like_image
from lookalike.sources.reading import read_plain
from lookalike.training.augment import squared

__all__ = ["Photos", "read_photos"]

_LONG_SIDE = 288
_FEWEST = 8


@dataclass(frozen=True, slots=True)
class Photos:
    """The pictures of a folder, shrunk and kept as JPEG (about 30 kB each).

    Attributes:
        names: source-relative paths, sorted.
        data: JPEG bytes, long side at most 288 px.
        failures: what could not be read.
    """

    names: tuple[str, ...]
    data: tuple[bytes, ...]
    failures: tuple[Failure, ...]

    def __len__(self) -> int:
        return len(self.names)

    def picture(self, number: int) -> UInt8Array:
        """Decode one as ``(h, w, 3)`` uint8 RGB."""
        bgr = cv2.imdecode(np.frombuffer(self.data[number], np.uint8), cv2.IMREAD_COLOR)
        return np.asarray(cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB))

    def square(self, number: int, side: int) -> UInt8Array:
        """Decode one as ``(side, side, 3)`` uint8 RGB, as descriptors see it."""
        return squared(self.picture(number), side)


def read_photos(folder: Path, progress: Progress) -> Photos:
    """Read every readable picture under a folder.

    Args:
        folder: looked through recursively.
        progress: called with ("read", files, files in all).

    Raises:
        ConfigError: no folder, or fewer than 8 pictures in it.
    """
    found = list(FolderSource([folder]).scan())
    entries = [e for e in found if not isinstance(e, Failure) and looks_like_image(e.path)]
    failures = [item for item in found if isinstance(item, Failure)]
    names, data = [], []
    for done, entry in enumerate(entries, start=1):
        picture = _small(entry.path)
        if isinstance(picture, Failure):
            failures.append(picture)
        else:
            names.append(entry.id)
            data.append(picture)
        progress("read", done, len(entries))
    if len(names) < _FEWEST:
        raise ConfigError(
            "too few pictures to train on",
            got=f"{len(names)} readable in {folder}",
            expected=f"{_FEWEST} at the very least, thousands for a result",
        )
    return Photos(tuple(names), tuple(data), tuple(failures))


def _small(path: str) -> bytes | Failure:
    try:
        content = read_plain(path)
    except OSError as error:
        return Failure(path, "decode", f"cannot be read: {error.strerror or error}")
    picture = decode(path, content, DecodeConfig(min_side=_LONG_SIDE))
    if isinstance(picture, Failure):
        return picture
    height, width = picture.rgb.shape[:2]
    factor = min(1.0, _LONG_SIDE / max(height, width))
    size = max(1, round(width * factor)), max(1, round(height * factor))
    rgb = cv2.resize(picture.rgb, size, interpolation=cv2.INTER_AREA)
    quality = [cv2.IMWRITE_JPEG_QUALITY, 95]
    _, data = cv2.imencode(".jpg", cv2.cvtColor(rgb, cv2.COLOR_RGB2BGR), quality)
    return data.tobytes()
