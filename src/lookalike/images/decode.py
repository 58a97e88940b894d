"""Decode images: upright, sRGB, opaque, reduced; failures are returned, never raised.

JPEGs are reduced by powers of two while decoding (libjpeg-turbo), which is about ten times faster
on photographs of many megapixels. A file that opens although parts of it are missing or corrupt
gives a picture that says so. Everything else is decoded by Pillow. The size in the header is
checked before any decoder runs. OpenCV never decodes here: it returns pictures for corrupt files
and allocates memory before it checks.
"""

from __future__ import annotations

import hashlib
import io
import threading
import warnings

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFile, UnidentifiedImageError

from lookalike.config import NO_MEMORY, DecodeConfig
from lookalike.images.colours import canonical, is_srgb
from lookalike.images.damage import frames_damage, scan_damage
from lookalike.images.headers import (
    JpegHeader,
    describe_content,
    parse_jpeg,
    sniff,
    without_applications,
)
from lookalike.images.jpegs import Colours, complaint_about, decode_jpeg
from lookalike.images.limits import DAMAGE
from lookalike.images.tiffs import (
    UnsupportedTiffError,
    is_misread,
    open_tiff,
)
from lookalike.model.arrays import UInt8Array
from lookalike.model.files import Failure
from lookalike.model.image import Picture

__all__ = [
    "as_file",
    "decode",
    "decode_luma",
    "luma_of",
    "pixel_digest",
    "sniff",
    "stored_channels",
]

_LOSSLESS = {"PNG", "GIF", "BMP"}
_plugins = threading.Lock()
_plugins_loaded = False


class _BadImageError(Exception):
    """Internal: says why an image cannot be used."""


def decode(path: str, data: bytes, config: DecodeConfig) -> Picture | Failure:
    """Decode one image, reduced by a power of two.

    Args:
        path: for the failure.
        data: the whole file.
        config: the short side to keep, and the pixels to allow.

    Returns:
        The picture, or why there is none (stage ``decode``; ``read`` if memory was short).
    """
    try:
        kind = _checked_kind(data)
        if kind == "JPEG":
            decoded = _decode_jpeg(data, config, "RGB")
            if decoded is not None:
                return _jpeg_picture(data, *decoded)
        return _decode_any(data, kind, config)
    except _BadImageError as reason:
        return Failure(path, "decode", str(reason))
    except Exception as error:  # a decoder may raise anything at all on a broken file
        return _failure(path, error)


def decode_luma(path: str, data: bytes, config: DecodeConfig) -> UInt8Array | Failure:
    """Decode only the luma ``(h, w)`` uint8, reduced: the colour of a JPEG is never decoded."""
    try:
        decoded = _decode_jpeg(data, config, "GRAY") if sniff(data[:64]) == "JPEG" else None
    except Exception:  # decode() puts into words what is wrong with the file
        decoded = None
    if decoded is not None:
        return decoded[0]
    picture = decode(path, data, config)
    return picture if isinstance(picture, Failure) else luma_of(picture)


def luma_of(picture: Picture) -> UInt8Array:
    """Compute the luma ``(h, w)`` uint8 of a decoded picture (ITU-R BT.601)."""
    return np.asarray(cv2.cvtColor(picture.rgb, cv2.COLOR_RGB2GRAY), dtype=np.uint8)


def as_file(pixels: UInt8Array | Image.Image) -> bytes:
    """Encode pixels in memory as a file that decodes to them: BMP, or PNG with alpha.

    Args:
        pixels: ``(h, w, 3)`` uint8 RGB, or a Pillow image, turned upright and to sRGB as a file.

    Raises:
        ValueError: an array of another type or shape, or an empty one.
        Exception: whatever Pillow raises for an image that it opened but cannot load.
    """
    if isinstance(pixels, Image.Image):
        _load_plugins()
        rgb, alpha = canonical(pixels)
    else:
        rgb, alpha = pixels, None
    if rgb.dtype != np.uint8 or rgb.ndim != 3 or rgb.shape[2] != 3 or not rgb.size:
        raise ValueError(f"got {rgb.dtype} of shape {rgb.shape}; expected uint8 (h, w, 3), RGB")
    if alpha is None:
        return cv2.imencode(".bmp", cv2.cvtColor(rgb, cv2.COLOR_RGB2BGR))[1].tobytes()
    bgra = np.dstack([rgb[..., ::-1], alpha])
    return cv2.imencode(".png", bgra, [cv2.IMWRITE_PNG_COMPRESSION, 1])[1].tobytes()


def pixel_digest(path: str, data: bytes, config: DecodeConfig) -> str | Failure:
    """Compute the hex SHA-256 of the full-size upright pixels, equal for all containers.

    Alpha counts if the image is not opaque, so a transparent picture never equals a white one.
    """
    try:
        image = _opened(data, _checked_kind(data), config)
        image.load()
        return _digest_of(*canonical(image))
    except _BadImageError as reason:
        return Failure(path, "decode", str(reason))
    except Exception as error:  # as in decode()
        return _failure(path, error)


def _digest_of(pixels: UInt8Array, alpha: UInt8Array | None) -> str:
    digest = hashlib.sha256(f"{pixels.shape[1]}x{pixels.shape[0]}".encode())
    digest.update(np.ascontiguousarray(pixels).data)
    if alpha is not None:
        digest.update(np.ascontiguousarray(alpha).data)
    return digest.hexdigest()


def stored_channels(data: bytes) -> int:
    """Count the channels of a readable image as stored: 1 grey, 2 with alpha, 3 colour, 4.

    Four means colour with alpha, or CMYK; a palette counts as three.
    """
    header = parse_jpeg(data) if sniff(data[:64]) == "JPEG" else None
    if header is not None:
        return header.components
    image = _opened(data, _checked_kind(data), DecodeConfig())
    if image.mode == "P":
        return 4 if "transparency" in image.info else 3
    return len(image.getbands())


def _checked_kind(data: bytes) -> str:
    if not data:
        raise _BadImageError("the file is empty")
    kind = sniff(data[:64])
    if kind is None:
        raise _BadImageError(f"not an image: the content looks like {describe_content(data)}")
    return kind


def _check_size(width: int, height: int, config: DecodeConfig) -> None:
    if width < 1 or height < 1:
        raise _BadImageError(f"the header claims {width}×{height} pixels")
    if width * height > config.max_pixels:
        raise _BadImageError(
            f"the header claims {width}×{height} = {width * height / 1e6:.0f} megapixels, more "
            f"than the limit of {config.max_pixels / 1e6:.0f}; raise max_pixels to allow it"
        )


def _reduction(width: int, height: int, config: DecodeConfig) -> int:
    """Choose the largest of 1, 2, 4, 8, … that leaves the short side at ``min_side`` or more."""
    factor = 1
    while min(width, height) // (factor * 2) >= config.min_side:
        factor *= 2
    return factor


def _decode_jpeg(
    data: bytes, config: DecodeConfig, colours: Colours
) -> tuple[UInt8Array, JpegHeader, str] | None:
    """Decode by libjpeg-turbo, with its complaint; None where the file needs Pillow."""
    header = parse_jpeg(data)
    if header is None:
        return None
    _check_size(header.width, header.height, config)
    if header.components == 4 or (header.icc and not is_srgb(header.icc)):
        return None
    factor = min(8, _reduction(header.width, header.height, config))
    decoded = decode_jpeg(data, header, colours, factor)
    if decoded is None:
        return None
    pixels, complaint = decoded
    pixels = _reduced(pixels, _reduction(pixels.shape[1], pixels.shape[0], config))
    return _upright(pixels, header.orientation), header, complaint


def _jpeg_picture(data: bytes, rgb: UInt8Array, header: JpegHeader, complaint: str) -> Picture:
    width, height = header.width, header.height
    if header.orientation >= 5:
        width, height = height, width
    damage = scan_damage(data, complaint)
    return Picture(rgb, width, height, "JPEG", False, header.exif_fields, damage=damage)


def _upright(rgb: UInt8Array, orientation: int) -> UInt8Array:
    """Undo an EXIF orientation (TIFF 6.0, tag 274)."""
    if orientation >= 5:
        rgb = cv2.transpose(rgb)
    flips = {2: 1, 3: -1, 4: 0, 6: 1, 7: -1, 8: 0}
    if orientation in flips:
        rgb = cv2.flip(rgb, flips[orientation])
    return rgb


def _decode_any(data: bytes, kind: str, config: DecodeConfig) -> Picture:
    image = _opened(data, kind, config)
    factor = _reduction(*image.size, config)
    if kind == "JPEG" and factor > 1 and image.mode == "CMYK":
        image.draft(None, (image.size[0] // factor, image.size[1] // factor))
    full = Image.open(io.BytesIO(data)).size if kind == "JPEG" else image.size
    lossless = kind in _LOSSLESS or _is_lossless(image, kind, data)
    turned = image.getexif().get(0x0112, 1) in (5, 6, 7, 8)
    fields = _exif_fields(image)
    image, damage = _loaded(image, data, kind)
    if kind == "JPEG" and not data.rstrip(b"\x00").endswith(b"\xff\xd9") and _is_cut(data):
        raise _BadImageError("truncated: the picture ends before its end marker")
    pixels, alpha = canonical(image)
    rgb = pixels if alpha is None else _over_white(pixels, alpha)
    again = _reduction(rgb.shape[1], rgb.shape[0], config)
    small = None if alpha is None else _reduced(alpha, again)
    width, height = (full[1], full[0]) if turned else full
    digest = None if kind == "JPEG" else _digest_of(pixels, alpha)
    return Picture(
        _reduced(rgb, again), width, height, kind, lossless, fields, small, digest, damage
    )


def _loaded(image: Image.Image, data: bytes, kind: str) -> tuple[Image.Image, str]:
    """Decode an opened image, and say what is damaged in the file."""
    header = parse_jpeg(data) if kind == "JPEG" else None
    if header is not None and image.mode in ("RGB", "L"):
        # the pixels are the same as Pillow's, which is silent about what it fills in
        decoded = decode_jpeg(data, header, "RGB" if image.mode == "RGB" else "GRAY", is_exact=True)
        if decoded is not None:
            loaded = Image.fromarray(decoded[0])
            loaded.info = image.info
            return loaded, scan_damage(data, decoded[1])
    image.load()
    if header is not None and image.mode == "CMYK":
        return image, scan_damage(data, complaint_about(without_applications(data), header))
    return image, frames_damage(data, kind)


def _opened(data: bytes, kind: str, config: DecodeConfig) -> Image.Image:
    """Open an image, at its first frame, and check the size in its header."""
    _load_plugins()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            image: Image.Image = Image.open(io.BytesIO(data), formats=_FORMATS[kind])
        except UnidentifiedImageError:
            if kind != "TIFF":
                raise _BadImageError(f"broken: its header does not read as {kind}") from None
            return _opened_planes(data, config)
        _check_size(*image.size, config)
        if kind == "TIFF" and is_misread(image):
            return _opened_planes(data, config)
        if getattr(image, "n_frames", 1) > 1:
            image.seek(0)
    return image


def _opened_planes(data: bytes, config: DecodeConfig) -> Image.Image:
    try:
        tiff = open_tiff(data)
    except UnsupportedTiffError as what:
        raise _BadImageError(f"unsupported: {what}") from None
    _check_size(tiff.width, tiff.height, config)
    return tiff.image()


_FORMATS = {
    # also if several pictures are in one file (MPO)
    "JPEG": ["JPEG"],
    "PNG": ["PNG"],
    "GIF": ["GIF"],
    "BMP": ["BMP"],
    "WEBP": ["WEBP"],
    "TIFF": ["TIFF"],
    "HEIF": ["HEIF"],
    "AVIF": ["AVIF"],
    "JXL": ["JXL"],
}


def _load_plugins() -> None:
    global _plugins_loaded
    with _plugins:
        if _plugins_loaded:
            return
        import pillow_heif
        import pillow_jxl  # noqa: F401  registers itself

        pillow_heif.register_heif_opener()
        # our limit is per call and checked right after the header; Pillow's is global, and lower
        Image.MAX_IMAGE_PIXELS = None
        ImageFile.LOAD_TRUNCATED_IMAGES = False
        _plugins_loaded = True


def _is_lossless(image: Image.Image, kind: str, data: bytes) -> bool:
    if kind == "WEBP":
        return b"VP8L" in data[:64] or (b"VP8X" in data[:16] and b"VP8L" in data[:65536])
    if kind == "TIFF":
        return image.info.get("compression") not in ("jpeg", "tiff_jpeg", "webp")
    return False


def _is_cut(data: bytes) -> bool:
    """Whether no end mark stands near the end of the file; bytes after it are harmless."""
    return b"\xff\xd9" not in data[-DAMAGE.end :]


def _exif_fields(image: Image.Image) -> int:
    try:
        exif = image.getexif()
        return len(exif) + len(exif.get_ifd(0x8769))
    except Exception:  # broken EXIF counts as none
        return 0


def _over_white(pixels: UInt8Array, alpha: UInt8Array) -> UInt8Array:
    weight = alpha[..., None].astype(np.uint16)
    return ((pixels * weight + 255 * (255 - weight) + 127) // 255).astype(np.uint8)


def _reduced(rgb: NDArray[np.uint8], factor: int) -> UInt8Array:
    if factor == 1:
        return np.ascontiguousarray(rgb)
    size = (max(1, rgb.shape[1] // factor), max(1, rgb.shape[0] // factor))
    return np.asarray(cv2.resize(rgb, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)


def _failure(path: str, error: Exception) -> Failure:
    no_room = isinstance(error, cv2.error) and error.code == cv2.Error.StsNoMem
    if no_room or isinstance(error, MemoryError):
        # other pictures may use the memory: the file is tried again like one that cannot be read
        return Failure(path, "read", NO_MEMORY)
    return Failure(path, "decode", _in_words(error))


def _in_words(error: Exception) -> str:
    text = " ".join(str(error).split()) or type(error).__name__
    if "truncated" in text.lower():
        return f"truncated: {text}"
    return f"broken: {text}"
