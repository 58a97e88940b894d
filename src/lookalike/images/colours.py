"""Convert any decoded image to upright 8-bit sRGB and alpha."""

from __future__ import annotations

import io
import warnings
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageCms, ImageOps

from lookalike.model.arrays import UInt8Array

__all__ = ["canonical", "from_floats", "is_srgb"]


def canonical(image: Image.Image) -> tuple[UInt8Array, UInt8Array | None]:
    """Convert to upright 8-bit sRGB ``(h, w, 3)`` and alpha ``(h, w)``, None where opaque."""
    image = _oriented(image)
    profile = image.info.get("icc_profile")
    deep = _from_deep(image)
    if deep is not None:
        return deep, None
    if image.mode == "P" or image.mode == "1" or "transparency" in image.info:
        image = image.convert("RGBA" if "transparency" in image.info else "RGB")
    alpha = None
    if image.mode in ("RGBA", "LA", "PA", "RGBa", "La"):
        image = image.convert({"LA": "LA", "La": "LA"}.get(image.mode, "RGBA"))
        plane = np.asarray(image.getchannel("A"))
        alpha = None if plane.min(initial=255) == 255 else plane
        image = image.convert("RGB") if image.mode == "RGBA" else image.getchannel("L")
    image = _to_srgb(image, profile)
    pixels = np.asarray(image if image.mode == "RGB" else image.convert("RGB"))
    return pixels, alpha


def _oriented(image: Image.Image) -> Image.Image:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            # an upright image is not copied
            is_turned = image.getexif().get(0x0112, 1) in range(2, 9)
            return ImageOps.exif_transpose(image) if is_turned else image
        except Exception:  # broken EXIF must not cost a picture
            return image


def _from_deep(image: Image.Image) -> UInt8Array | None:
    """Scale 16-bit and float planes to 8 bits, which Pillow's convert() would clip."""
    if not image.mode.startswith(("I", "F")):
        return None
    values = np.asarray(image, dtype=np.float64)
    if image.mode == "F":
        plane = from_floats(values)
    else:
        white = 65535.0 if values.max(initial=0) > 255 or "16" in image.mode else 255.0
        plane = _to_bytes(values / white)
    return np.repeat(plane[..., None], 3, axis=2)


def from_floats(values: NDArray[Any]) -> UInt8Array:
    """Scale samples to uint8: from 0..1 or 0..255 if all lie there, else from their own range."""
    finite = values[np.isfinite(values)]
    low, high = (float(finite.min()), float(finite.max())) if finite.size else (0.0, 1.0)
    if low >= 0.0 and high <= 1.0:
        low, high = 0.0, 1.0
    elif low >= 0.0 and high <= 255.0:
        low, high = 0.0, 255.0
    known = np.nan_to_num(values, nan=low, posinf=high, neginf=low)
    return _to_bytes((known - low) / ((high - low) or 1.0))


def _to_bytes(shares: NDArray[Any]) -> UInt8Array:
    return np.clip(np.rint(shares * 255.0), 0, 255).astype(np.uint8)


def _to_srgb(image: Image.Image, profile: Any) -> Image.Image:
    """Convert by the embedded profile, if it is not sRGB and can be read."""
    if not isinstance(profile, bytes) or not profile or is_srgb(profile):
        return image
    if image.mode not in ("RGB", "L", "CMYK", "LAB"):
        return image
    try:
        turned = ImageCms.profileToProfile(
            image,
            ImageCms.ImageCmsProfile(io.BytesIO(profile)),
            ImageCms.createProfile("sRGB"),
            outputMode="RGB",
        )
    except Exception:  # a bad profile must not cost a picture
        return image
    return turned or image


def is_srgb(profile: bytes) -> bool:
    """Whether a profile calls itself sRGB, as nearly all in photographs do."""
    head = profile[:4096]
    return b"sRGB" in head or b"s\0R\0G\0B" in head or b"IEC61966" in head
