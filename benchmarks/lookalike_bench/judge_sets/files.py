"""Files of the sets: formats mixed as people have them, and what a camera writes into them."""

from __future__ import annotations

from datetime import datetime, timedelta

import cv2
from numpy.random import Generator
from PIL import Image

from lookalike.model.arrays import UInt8Array
from lookalike_bench.judge_sets.studio import seeded

__all__ = ["camera_notes", "encoded", "noted"]

_DATE, _EXPOSURE, _TAKEN, _PARTS = 306, 33434, 36867, 37521


def encoded(
    pixels: UInt8Array, random: Generator, *, edit: str = "", chance: float | None = None
) -> tuple[str, bytes]:
    """Ending and bytes of a file: JPEG half of the time, else PNG, one in eight WebP.

    Small drawings are PNG but for one in eight.

    Args:
        pixels: ``(h, w, 3)``, or ``(h, w, 4)``, which JPEG never gets.
        random: format and quality.
        chance: format: below .5 JPEG, above .875 WebP, else PNG; drawn where it is not given.
        edit: ``jpeg_15_60`` and ``webp_15_70`` choose theirs.
    """
    chance = random.random() if chance is None else chance
    if max(pixels.shape) < 128 and chance > 0.125:
        chance = 0.6
    clear = pixels.shape[2] == 4
    turn = cv2.COLOR_RGBA2BGRA if clear else cv2.COLOR_RGB2BGR
    ending, flags = ".png", [cv2.IMWRITE_PNG_COMPRESSION, 3]
    if edit == "jpeg_15_60":
        ending, flags = ".jpg", [cv2.IMWRITE_JPEG_QUALITY, int(random.integers(15, 61))]
    elif edit == "webp_15_70":
        ending, flags = ".webp", [cv2.IMWRITE_WEBP_QUALITY, int(random.integers(15, 71))]
    elif not clear and chance < 0.5:
        ending, flags = ".jpg", [cv2.IMWRITE_JPEG_QUALITY, int(random.integers(70, 97))]
    elif not clear and chance > 0.875:
        ending, flags = ".webp", [cv2.IMWRITE_WEBP_QUALITY, int(random.integers(75, 96))]
    done, data = cv2.imencode(ending, cv2.cvtColor(pixels, turn), flags)
    if not done:
        raise ValueError(f"cannot encode a picture of shape {pixels.shape}")
    return ending, data.tobytes()


def camera_notes(layout: str, number: int, *, stops: float = 0.0) -> bytes:
    """EXIF of a series' frame: its moment to a fraction of a second, its exposure.

    Args:
        layout: the series.
        number: of the frame.
        stops: more light than the series' first frame has.
    """
    random = seeded("camera", layout)
    start = datetime(2020, 1, 1) + timedelta(seconds=int(random.integers(100_000_000)))
    moment = start + timedelta(seconds=number * float(random.uniform(0.04, 2.5)))
    exif = Image.Exif()
    exif[_DATE] = f"{moment:%Y:%m:%d %H:%M:%S}"
    inner = exif.get_ifd(0x8769)
    inner[_TAKEN] = f"{moment:%Y:%m:%d %H:%M:%S}"
    inner[_PARTS] = f"{moment.microsecond // 10_000:02d}"
    inner[_EXPOSURE] = round(2**stops / int(random.integers(30, 900)), 6)
    return exif.tobytes()


def noted(data: bytes, notes: bytes) -> bytes:
    """A JPEG with EXIF in it, the picture's bytes as they were."""
    if not data.startswith(b"\xff\xd8") or not notes:
        return data
    # Pillow's block begins with its name already
    block = notes if notes.startswith(b"Exif\0\0") else b"Exif\0\0" + notes
    return data[:2] + b"\xff\xe1" + (len(block) + 2).to_bytes(2, "big") + block + data[2:]
