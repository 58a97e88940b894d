"""Write a small sample of real photographs and copies of them, for a first look.

    python -m lookalike.evaluation.sample FOLDER

The photographs are public-domain or CC0 ones that scikit-image ships (extra ``bench``).
"""

from __future__ import annotations

import sys
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from lookalike.evaluation.edits import edit_picture, encode_jpeg
from lookalike.model.arrays import UInt8Array

__all__ = ["main", "make_sample"]

# public domain (NASA, SpaceX) or CC0, as scikit-image's documentation of its data says
_PHOTOS = (
    "astronaut.png",
    "coffee.png",
    "chelsea.png",
    "rocket.jpg",
    "camera.png",
    "hubble_deep_field.jpg",
)
_COPIES = {
    "astronaut": ("crop_87", "mirror", "screenshot", "resize_50"),
    "coffee": ("rotate_25", "caption_bar", "jpeg_20"),
    "chelsea": ("grey", "flip", "letterbox", "perspective"),
    "rocket": ("rotate_90", "crop_50"),
}


def make_sample(folder: Path) -> list[Path]:
    """Write photos, edited copies, twins and a few broken files; returns the paths written."""
    photos = {path.stem: _read(path) for path in _shipped()}
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for name, rgb in photos.items():
        written.append(_write(folder / f"{name}.jpg", encode_jpeg(rgb, 92)))
        for edit in _COPIES.get(name, ()):
            other = photos["camera"]
            copy = edit_picture(rgb, edit, source=name, other=other)
            written.append(_write(folder / "copies" / f"{name}_{edit}.jpg", encode_jpeg(copy)))
    if "coffee" in photos:
        data = (folder / "coffee.jpg").read_bytes()
        written.append(_write(folder / "copies" / "coffee again.jpg", data))
        written.append(_write(folder / "broken" / "half of coffee.jpg", data[: len(data) // 2]))
        lossless = folder / "copies" / "coffee lossless.png"
        Image.open(folder / "coffee.jpg").save(lossless)
        written.append(lossless)
    written.append(_write(folder / "broken" / "empty.jpg", b""))
    written.append(_write(folder / "broken" / "notes.jpg", b"not a picture at all\n"))
    return written


def main() -> None:
    """Make the sample in the folder named on the command line."""
    written = make_sample(Path(sys.argv[1]))
    print(f"{len(written)} files of a sample in {sys.argv[1]}")


def _shipped() -> list[Path]:
    import skimage

    folder = Path(skimage.__file__).parent / "data"
    return [folder / name for name in _PHOTOS if (folder / name).is_file()]


def _read(path: Path) -> UInt8Array:
    return np.asarray(cv2.cvtColor(cv2.imread(str(path), cv2.IMREAD_COLOR), cv2.COLOR_BGR2RGB))


def _write(path: Path, data: bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path


if __name__ == "__main__":
    main()
