"""TIFFs of any planes, as scanners, microscopes and editors write them."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Sequence

import numpy as np


def tiff(
    planes: np.ndarray,
    colours: int,
    extra: Sequence[int] = (),
    *,
    order: str = "<",
    split: bool = False,
    predictor: int = 0,
    tile: int = 0,
) -> bytes:
    """A TIFF of planes ``(h, w, n)`` of any depth.

    Args:
        planes: colours, and what ``extra`` names.
        colours: tag 262: 0 white is zero, 1 black is zero, 2 RGB, 5 CMYK.
        extra: tag 338, a meaning of every extra plane.
        order: of bytes, ``<`` or ``>``.
        split: whether planes lie one after the other.
        predictor: 0 not compressed, 1 deflate, 2 with differences, 3 with those of floats' bytes.
        tile: side of square tiles; 0 for strips of 7 rows.
    """
    height, width, n = planes.shape
    parts = [planes[..., k : k + 1] for k in range(n)] if split else [planes]
    chunks = [
        _chunk(chunk, order, predictor) for part in parts for chunk in _chunks(part, tile, height)
    ]
    starts = np.cumsum([8, *map(len, chunks)]).tolist()
    kind = {"u": 1, "i": 2, "f": 3}[planes.dtype.kind]
    tags = {256: [width], 257: [height], 258: [planes.dtype.itemsize * 8] * n}
    tags |= {259: [8 if predictor else 1], 262: [colours], 277: [n], 284: [2 if split else 1]}
    tags |= {317: [max(1, predictor)], 338: list(extra), 339: [kind] * n}
    if tile:
        tags |= {322: [tile], 323: [tile], 324: starts[:-1], 325: [len(c) for c in chunks]}
    else:
        tags |= {273: starts[:-1], 278: [7], 279: [len(c) for c in chunks]}
    return _file(b"".join(chunks), {tag: tags[tag] for tag in sorted(tags) if tags[tag]}, order)


def _chunks(part: np.ndarray, tile: int, height: int) -> list[np.ndarray]:
    if not tile:
        return [part[y : y + 7] for y in range(0, height, 7)]
    down, across = (-(-side // tile) * tile for side in part.shape[:2])
    padded = np.zeros((down, across, part.shape[2]), part.dtype)
    padded[: part.shape[0], : part.shape[1]] = part
    corners = [(y, x) for y in range(0, down, tile) for x in range(0, across, tile)]
    return [padded[y : y + tile, x : x + tile] for y, x in corners]


def _chunk(samples: np.ndarray, order: str, predictor: int) -> bytes:
    rows = np.ascontiguousarray(samples.astype(samples.dtype.newbyteorder(order)))
    if predictor == 2:
        values = rows.view(f"{order}u{rows.itemsize}")
        rows = np.diff(values, axis=1, prepend=np.zeros_like(values[:, :1])).astype(values.dtype)
    elif predictor == 3:
        planes = samples.shape[2]
        heavy_first = np.ascontiguousarray(samples.astype(samples.dtype.newbyteorder(">")))
        weights = heavy_first.view(np.uint8).reshape(len(rows), -1, rows.itemsize).swapaxes(1, 2)
        split = weights.reshape(len(rows), -1, planes)
        rows = np.diff(split, axis=1, prepend=np.zeros_like(split[:, :1]))
    return zlib.compress(rows.tobytes()) if predictor else rows.tobytes()


def _file(body: bytes, tags: dict[int, list[int]], order: str) -> bytes:
    body += bytes(len(body) % 2)
    start, entries, behind = 8 + len(body), b"", b""
    for tag, values in tags.items():
        field = struct.pack(f"{order}{len(values)}I", *values)
        if len(field) > 4:
            place = start + 2 + 12 * len(tags) + 4 + len(behind)
            field, behind = struct.pack(order + "I", place), behind + field
        entries += struct.pack(order + "HHI", tag, 4, len(values)) + field
    head = (b"II*\0" if order == "<" else b"MM\0*") + struct.pack(order + "I", start)
    return head + body + struct.pack(order + "H", len(tags)) + entries + bytes(4) + behind
