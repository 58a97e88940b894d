"""Read TIFFs that Pillow has no mode for, or mixes up: floats, unknown planes, deep planes.

Pillow opens only listed combinations of planes, depths and extra planes, but its decoders undo
every lossless compression. So the file is given to them as one grey picture of bytes, by a second
directory appended to it, and the bytes are interpreted here (TIFF 6.0, and Adobe's technical note 3
for floats).
"""

from __future__ import annotations

import io
import struct
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, TiffTags

from lookalike.images.colours import from_floats
from lookalike.model.arrays import UInt8Array

__all__ = ["PlanarTiff", "UnsupportedTiffError", "is_misread", "lacks_pages", "open_tiff"]

_WIDTH, _HEIGHT, _BITS, _COMPRESSION, _COLOURS, _FILL_ORDER = 256, 257, 258, 259, 262, 266
_ORIENTATION, _PLANES, _ROWS, _LAYOUT, _PREDICTOR, _EXTRA = 274, 277, 278, 284, 317, 338
_STRIPS, _STRIP_SIZES, _TILE_WIDTH, _TILE_HEIGHT, _TILES, _TILE_SIZES = 273, 279, 322, 323, 324, 325
_SAMPLE_KIND, _PROFILE = 339, 34675
_LOSSLESS = {
    1: "none",
    5: "LZW",
    8: "deflate",
    32773: "PackBits",
    32946: "deflate",
    34925: "LZMA",
    50000: "Zstandard",
}
_COLOUR_PLANES = {0: 1, 1: 1, 2: 3, 5: 4}
_KINDS = {1: "u", 2: "i", 3: "f"}
_SIZES = {"u": (8, 16, 32), "i": (8, 16, 32), "f": (16, 32, 64)}
#: of all planes together; files with more bytes a pixel hold measurements
_MOST_BYTES = 64
_BY_DIFFERENCE, _BY_BYTES = 2, 3
_AS_THEY_ARE = (_COMPRESSION, _FILL_ORDER, _ROWS, _TILE_HEIGHT)
_READ = {
    *(_WIDTH, _HEIGHT, _BITS, _COMPRESSION, _COLOURS, _FILL_ORDER, _ORIENTATION, _PLANES, _ROWS),
    *(_LAYOUT, _PREDICTOR, _EXTRA, _STRIPS, _STRIP_SIZES, _TILE_WIDTH, _TILE_HEIGHT, _TILES),
    *(_TILE_SIZES, _SAMPLE_KIND, _PROFILE),
}
#: how integers of a directory are stored, by their kind
_NUMBERS = {1: "B", 3: "H", 4: "I", 7: "B", 16: "Q"}
# limit for a broken directory
_MOST_TAGS, _MOST_PAGES = 4096, 65_536


class UnsupportedTiffError(Exception):
    """Internal: says what cannot be read."""


@dataclass(frozen=True, slots=True)
class PlanarTiff:
    """A TIFF of which only the directory was read.

    Attributes:
        width: stored, before orientation.
        height: likewise.
        data: the whole file.
        tags: the first page's.
        kind: type of a sample, in the file's byte order.
        planes: of colour and extra ones.
    """

    width: int
    height: int
    data: bytes
    tags: dict[int, tuple[int, ...]]
    kind: np.dtype[Any]
    planes: int

    def image(self) -> Image.Image:
        """Decode to 8 bits, with orientation and profile; unknown planes are left out.

        Raises:
            OSError: strips are missing or do not decompress.
        """
        colours = _COLOUR_PLANES[self._first(_COLOURS, 1)]
        extra = self.tags.get(_EXTRA, ())
        alpha = next((n for n, meaning in enumerate(extra) if meaning in (1, 2)), None)
        wanted = [*range(colours), *([] if alpha is None else [colours + alpha])]
        samples = self._samples(wanted)
        values = _to_8_bits(samples[..., :colours])
        if self._first(_COLOURS, 1) == 0:
            values = 255 - values
        mode = {1: "L", 3: "RGB", 4: "CMYK"}[colours]
        if alpha is not None and mode != "CMYK":
            values = np.dstack([values, _to_8_bits(samples[..., colours:])])
            mode += "a" if extra[alpha] == 1 else "A"
        image = Image.frombytes(mode, (self.width, self.height), values.tobytes())
        image.getexif()[_ORIENTATION] = self._first(_ORIENTATION, 1)
        image.info["icc_profile"] = bytes(self.tags.get(_PROFILE, ()))
        return image

    def _samples(self, wanted: list[int]) -> NDArray[Any]:
        """Decode planes ``(h, w, k)`` in the order asked."""
        if self._first(_LAYOUT, 1) == 1:
            return self._decoded(0, self.planes)[..., wanted]
        return np.concatenate([self._decoded(plane, 1) for plane in wanted], axis=2)

    def _decoded(self, part: int, planes: int) -> NDArray[Any]:
        """Decode samples ``(h, w, planes)`` of the strips or tiles that hold some of the planes."""
        wide = planes * self.kind.itemsize
        tile = self._first(_TILE_WIDTH, 0)
        width = -(-self.width // tile) * tile if tile else self.width
        shown = Image.open(io.BytesIO(self._as_grey(part, width, wide)), formats=["TIFF"])
        rows = np.asarray(shown).reshape(self.height, -1, (tile or width) * wide)
        predictor = self._first(_PREDICTOR, 1)
        if predictor == _BY_BYTES:
            rows = _joined_bytes(rows, planes, self.kind)
        samples = rows.view(self.kind).reshape(*rows.shape[:2], -1, planes)
        if predictor == _BY_DIFFERENCE:
            unsigned = samples.view(f"{self.kind.byteorder}u{self.kind.itemsize}")
            summed = np.cumsum(unsigned, axis=2, dtype=unsigned.dtype)
            samples = summed.astype(unsigned.dtype).view(self.kind)
        return samples.reshape(self.height, width, planes)[:, : self.width]

    def _as_grey(self, part: int, width: int, wide: int) -> bytes:
        """Append a directory that describes one plane of bytes, ``wide`` times as wide."""
        shown = {tag: self.tags[tag] for tag in _AS_THEY_ARE if tag in self.tags}
        shown |= {_WIDTH: (width * wide,), _HEIGHT: (self.height,)}
        shown |= {_BITS: (8,), _COLOURS: (1,), _PLANES: (1,)}
        if _TILE_WIDTH in self.tags:
            shown[_TILE_WIDTH] = (self._first(_TILE_WIDTH, 1) * wide,)
        parts = 1 if self._first(_LAYOUT, 1) == 1 else self.planes
        for tag in (_STRIPS, _STRIP_SIZES, _TILES, _TILE_SIZES):
            if tag in self.tags:
                each = len(self.tags[tag]) // parts
                shown[tag] = self.tags[tag][part * each : (part + 1) * each]
        start = len(self.data) + len(self.data) % 2
        body = self.data[8:].ljust(start - 8, b"\0")
        return b"II*\0" + struct.pack("<I", start) + body + _directory(shown, start)

    def _first(self, tag: int, otherwise: int) -> int:
        return (self.tags.get(tag) or (otherwise,))[0]


def open_tiff(data: bytes) -> PlanarTiff:
    """Read a TIFF's first directory.

    Raises:
        UnsupportedTiffError: says what is not read here.
        ValueError: there is no such directory.
    """
    try:
        tags, _ = _read_directory(data, _first_directory(data))
        width, height = tags[_WIDTH][0], tags[_HEIGHT][0]
    except (struct.error, KeyError, IndexError) as error:
        raise ValueError("its header does not read as TIFF") from error
    bits, kinds = tags.get(_BITS) or (1,), tags.get(_SAMPLE_KIND) or (1,)
    planes, kind = (tags.get(_PLANES) or (1,))[0], _KINDS.get(kinds[0], "")
    colours, compression = (tags.get(tag, (1,))[0] for tag in (_COLOURS, _COMPRESSION))
    is_read = (
        colours in _COLOUR_PLANES
        and compression in _LOSSLESS
        and len(set(bits)) == len(set(kinds)) == 1
        and bits[0] in _SIZES.get(kind, ())
        and _COLOUR_PLANES[colours] <= planes <= _MOST_BYTES // (bits[0] // 8)
    )
    if not is_read:
        raise UnsupportedTiffError(_described(tags))
    order = "<" if data[:2] == b"II" else ">"
    return PlanarTiff(width, height, data, tags, np.dtype(f"{order}{kind}{bits[0] // 8}"), planes)


def is_misread(image: Image.Image) -> bool:
    """Whether Pillow opens a TIFF, but mixes up planes, byte order, or black and white.

    These are planes stored one after the other, 16 bits with 0 for white, and 32 bits.
    """
    tags = getattr(image, "tag_v2", {})
    deepest, colours = max(tags.get(_BITS, (1,))), tags.get(_COLOURS)
    if tags.get(_COMPRESSION, 1) not in _LOSSLESS or colours not in _COLOUR_PLANES:
        return False
    is_split = tags.get(_LAYOUT, 1) == 2
    return deepest > 16 or (deepest == 16 and colours == 0) or (deepest >= 8 and is_split)


def lacks_pages(data: bytes) -> bool:
    """Whether a page behind the first, or one of its strips, lies beyond the end of the file."""
    try:
        _, at = _read_directory(data, _first_directory(data))
        for _ in range(_MOST_PAGES):
            if at == 0:
                return False
            tags, at = _read_directory(data, at)
            for starts, sizes in ((_STRIPS, _STRIP_SIZES), (_TILES, _TILE_SIZES)):
                parts = zip(tags.get(starts, ()), tags.get(sizes, ()), strict=False)
                if any(start + size > len(data) for start, size in parts):
                    return True
    except struct.error:
        return True
    return False


def _first_directory(data: bytes) -> int:
    return int(_unpack(data, "Q" if _is_big(data) else "I", 8 if _is_big(data) else 4)[0])


def _is_big(data: bytes) -> bool:
    return 43 in data[2:4]


def _unpack(data: bytes, form: str, at: int) -> tuple[Any, ...]:
    return struct.unpack_from(("<" if data[:2] == b"II" else ">") + form, data, at)


def _read_directory(data: bytes, at: int) -> tuple[dict[int, tuple[int, ...]], int]:
    """Read the integers of a directory by tag, and where the next directory begins.

    Raises:
        struct.error: it is not within the file.
    """
    entry, offset = ("HHQ8s", "Q") if _is_big(data) else ("HHI4s", "I")
    step, count = struct.calcsize("<" + entry), _unpack(data, "Q" if _is_big(data) else "H", at)[0]
    at += 8 if _is_big(data) else 2
    end = _unpack(data, offset, at + count * step)[0]
    tags = {}
    for number in range(min(count, _MOST_TAGS)):
        tag, kind, n, field = _unpack(data, entry, at + number * step)
        size = _NUMBERS.get(kind)
        if size is None or tag not in _READ:
            continue
        form = f"{min(n, len(data))}{size}"
        place = at + number * step + step - len(field)
        if struct.calcsize("<" + form) > len(field):
            place = _unpack(data, offset, place)[0]
        tags[tag] = _unpack(data, form, place)
    return tags, end


def _directory(tags: dict[int, tuple[int, ...]], start: int) -> bytes:
    """Write a directory of integers that starts at ``start``."""
    entries, behind = [], b""
    for tag in sorted(tags):
        values = struct.pack(f"<{len(tags[tag])}I", *tags[tag])
        if len(values) > 4:
            place = start + 2 + 12 * len(tags) + 4 + len(behind)
            values, behind = struct.pack("<I", place), behind + values
        entries.append(struct.pack("<HHI", tag, 4, len(tags[tag])) + values)
    return struct.pack("<H", len(tags)) + b"".join(entries) + bytes(4) + behind


def _described(tags: dict[int, tuple[int, ...]]) -> str:
    """Describe a file to people who can convert it."""
    bits = "+".join(map(str, sorted(set(tags.get(_BITS, (1,))))))
    kinds = {1: "unsigned", 2: "signed", 3: "floating point"}
    names = {number: name for name, number in TiffTags.lookup(_COLOURS).enum.items()}
    planes, kind, colours, compression = (
        tags.get(tag, (1,))[0] for tag in (_PLANES, _SAMPLE_KIND, _COLOURS, _COMPRESSION)
    )
    return (
        f"a TIFF of {planes} planes of {bits} bits ({kinds.get(kind, f'sample kind {kind}')}), "
        f"colours {names.get(colours, colours)}, "
        f"compression {_LOSSLESS.get(compression, compression)}"
    )


def _joined_bytes(rows: UInt8Array, planes: int, kind: np.dtype[Any]) -> UInt8Array:
    """Undo the predictor of floats, which stores bytes by weight, as differences."""
    split = rows.reshape(*rows.shape[:2], -1, planes)
    whole = np.cumsum(split, axis=2, dtype=np.uint8).reshape(*rows.shape[:2], kind.itemsize, -1)
    weights = whole.swapaxes(2, 3)
    ordered = weights if kind.byteorder == ">" else weights[..., ::-1]
    return np.ascontiguousarray(ordered).reshape(rows.shape)


def _to_8_bits(samples: NDArray[Any]) -> UInt8Array:
    """Scale by the type's range; 32 bits, which are mostly measurements, by their values."""
    if samples.dtype.kind == "f":
        return from_floats(samples.astype(np.float64))
    if samples.dtype == np.uint8:
        return np.ascontiguousarray(samples)
    values = samples.astype(np.float64)
    if samples.dtype.kind == "i":
        return from_floats(values)
    deepest = 65535.0 if samples.dtype.itemsize == 2 else float(values.max(initial=0.0))
    white = next(top for top in (255.0, 65535.0, 4294967295.0) if deepest <= top)
    return from_floats(values / white)
