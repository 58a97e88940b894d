"""Decode JPEGs by libjpeg-turbo, reduced while decoding, with its complaints."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
import simplejpeg

from lookalike.images.headers import JpegHeader, without_applications
from lookalike.model.arrays import UInt8Array

__all__ = ["Colours", "complaint_about", "decode_jpeg"]

Colours = Literal["RGB", "GRAY", "CMYK"]
# libjpeg reduces by eight at most
_MOST = 8
#: complaint about a file without its end: Pillow says how much is missing
_NO_END = "Premature end of JPEG file"


def decode_jpeg(
    data: bytes, header: JpegHeader, colours: Colours, factor: int = 1, *, is_exact: bool = False
) -> tuple[UInt8Array, str] | None:
    """Decode samples ``(h, w, 3)`` or ``(h, w)`` as stored, with libjpeg's first complaint.

    Args:
        data: the whole file.
        header: of the file.
        colours: the colours wanted.
        factor: 1, 2, 4 or 8, by which it is reduced.
        is_exact: decode as libjpeg does by default, not as fast as it can.

    Returns:
        None where this decoder cannot, or the file ends before its end mark.
    """
    options = _options(header, factor, is_exact)
    try:
        pixels, complaint = simplejpeg.decode_jpeg(data, colours, **options), ""
    except ValueError:
        # a complaint about what applications wrote is harmless, but hides the others
        bare = without_applications(data)
        complaint = complaint_about(bare, header)
        if _NO_END in complaint:
            return None
        try:
            pixels = simplejpeg.decode_jpeg(bare, colours, strict=False, **options)
        except ValueError:
            return None
    shape = pixels.shape[:2] if colours == "GRAY" else pixels.shape
    return np.asarray(pixels).reshape(shape), complaint


def complaint_about(data: bytes, header: JpegHeader) -> str:
    """Get libjpeg's first complaint about a file; empty where there is none."""
    colours = "CMYK" if header.components == 4 else "RGB"
    try:
        simplejpeg.decode_jpeg(data, colours, **_options(header, _MOST, is_exact=False))
    except ValueError as complaint:
        return str(complaint)
    return ""


def _options(header: JpegHeader, factor: int, is_exact: bool) -> dict[str, Any]:
    # a lossless JPEG always decodes at full size, beyond the end of a smaller buffer
    factor = 1 if header.is_lossless else factor
    least = {"min_height": -(-header.height // factor), "min_width": -(-header.width // factor)}
    return {"fastdct": not is_exact, "fastupsample": not is_exact, **least}
