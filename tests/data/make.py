"""Makes the pictures of this folder, as README.md tells: photos of originals, the rest of photos.

    python tests/data/make.py photos ORIGINALS
    python tests/data/make.py formats
    python tests/data/make.py orientations

The tests read what is kept here; other versions of the libraries write other bytes.
"""

from __future__ import annotations

import io
import sys
from pathlib import Path

import numpy as np
import pillow_heif
import pillow_jxl  # noqa: F401  registers itself
from PIL import Image

HERE = Path(__file__).parent
PHOTOS, FORMATS, ORIENTATIONS = (HERE / name for name in ("photos", "formats", "orientations"))
LONG_SIDE = 480
#: textures of much detail, which cost more
COARSE = {"brick", "grass", "gravel", "coast"}
#: large originals that give several pictures, in columns and rows that share nothing
CUTS = {"hubble": (2, 2), "dandelion": (3, 1)}
#: what turns stored pixels upright, by number of the EXIF orientation
UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
INVERSE = {Image.Transpose.ROTATE_270: Image.Transpose.ROTATE_90}
INVERSE |= {quarter: three for three, quarter in INVERSE.items()}


def main() -> None:
    """Make one of the folders."""
    pillow_heif.register_heif_opener()
    if sys.argv[1] == "photos":
        make_photos(Path(sys.argv[2]))
    else:
        {"formats": make_formats, "orientations": make_orientations}[sys.argv[1]]()


def make_photos(originals: Path) -> None:
    """Write every original as a small JPEG."""
    PHOTOS.mkdir(exist_ok=True)
    for path in sorted(originals.iterdir()):
        with Image.open(path) as image:
            small = image.convert("L" if image.mode == "L" else "RGB")
        parts = cut(small, *CUTS[path.stem]) if path.stem in CUTS else [small]
        for number, part in enumerate(parts):
            part.thumbnail((LONG_SIDE, LONG_SIDE), Image.Resampling.LANCZOS)
            name = f"{path.stem}_{number}" if len(parts) > 1 else path.stem
            quality = 60 if path.stem in COARSE else 80
            part.save(PHOTOS / f"{name}.jpg", quality=quality, optimize=True)


def cut(image: Image.Image, columns: int, rows: int) -> list[Image.Image]:
    """Parts of a picture, row by row."""
    width, height = image.width // columns, image.height // rows
    corners = [(x * width, y * height) for y in range(rows) for x in range(columns)]
    return [image.crop((x, y, x + width, y + height)) for x, y in corners]


def make_orientations() -> None:
    """Write two photos turned by EXIF, their pixels turned back; number 0 has no EXIF."""
    ORIENTATIONS.mkdir(exist_ok=True)
    for name, numbers in (("coffee", range(9)), ("moose", (1, 6))):
        with Image.open(PHOTOS / f"{name}.jpg") as image:
            image.thumbnail((256, 256))
            for number in numbers:
                turned = image.copy()
                if number in UPRIGHT:
                    turned = image.transpose(INVERSE.get(UPRIGHT[number], UPRIGHT[number]))
                exif = Image.Exif()
                if number:
                    exif[274] = number
                turned.save(ORIENTATIONS / f"{name}_{number}.jpg", quality=75, exif=exif)


def make_formats() -> None:
    """Write a file of every format and kind that is read, and of those that cannot be."""
    FORMATS.mkdir(exist_ok=True)
    with Image.open(PHOTOS / "chelsea.jpg") as image:
        photo = image.convert("RGB")
    photo.thumbnail((160, 160))
    tiny = photo.resize((80, photo.height // 2))

    def save(name: str, picture: Image.Image = photo, **options: object) -> bytes:
        buffer = io.BytesIO()
        picture.save(buffer, **options)  # type: ignore[arg-type]
        (FORMATS / name).write_bytes(buffer.getvalue())
        return buffer.getvalue()

    jpeg = save("plain.jpg", format="JPEG", quality=80)
    save("progressive.jpg", format="JPEG", quality=80, progressive=True)
    save("grey.jpg", photo.convert("L"), format="JPEG", quality=80)
    save("cmyk.jpg", photo.convert("CMYK"), format="JPEG", quality=80)
    png = save("rgb.png", tiny, format="PNG")
    save("a png called.jpg", tiny, format="PNG")
    deep = np.asarray(tiny.convert("L")).astype(np.uint16) * 257
    save("16 bit.png", Image.fromarray(deep), format="PNG")
    clear = tiny.quantize(64)
    save("palette with a clear colour.png", clear, format="PNG", transparency=3)
    shade = Image.linear_gradient("L").resize(tiny.size)
    save("alpha.png", Image.merge("RGBA", (*tiny.split(), shade)), format="PNG")
    frames = [tiny.transpose(Image.Transpose.ROTATE_180), tiny]
    save("animated.gif", tiny, format="GIF", save_all=True, append_images=frames, duration=80)
    save("lossy.webp", format="WEBP", quality=70)
    save("lossless.webp", tiny, format="WEBP", lossless=True)
    save("photo.avif", format="AVIF", quality=70)
    save("photo.heic", format="HEIF", quality=70)
    save("photo.jxl", format="JXL", quality=70)
    save("lzw.tiff", tiny, format="TIFF", compression="tiff_lzw")
    save("plain.bmp", tiny, format="BMP")
    for name, data in {
        "cut short.jpg": jpeg[: len(jpeg) // 2],
        "cut short.png": png[: len(png) // 2],
        "no header.jpg": b"\xff\xd8\xff\xff" + jpeg[64:],
        "empty.jpg": b"",
        "a note.jpg": b"not a picture at all\n",
    }.items():
        (FORMATS / name).write_bytes(data)


if __name__ == "__main__":
    main()
