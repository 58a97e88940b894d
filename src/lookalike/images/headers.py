"""Read the first bytes of a file: container, size, orientation, tags; no decoder runs.

Only JPEG is parsed here, as it is on the hot path; headers of other containers are read by Pillow.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

__all__ = ["JpegHeader", "describe_content", "parse_jpeg", "sniff", "without_applications"]

_SIGNATURES: tuple[tuple[bytes, str], ...] = (
    (b"\xff\xd8\xff", "JPEG"),
    (b"\x89PNG\r\n\x1a\n", "PNG"),
    (b"GIF87a", "GIF"),
    (b"GIF89a", "GIF"),
    (b"BM", "BMP"),
    (b"II*\x00", "TIFF"),
    (b"MM\x00*", "TIFF"),
    (b"II+\x00", "TIFF"),
    (b"MM\x00+", "TIFF"),
    (b"\xff\x0a", "JXL"),
    (b"\x00\x00\x00\x0cJXL \r\n\x87\n", "JXL"),
)
_HEIF_BRANDS = {b"heic", b"heix", b"hevc", b"hevx", b"heim", b"heis", b"mif1", b"msf1"}
_AVIF_BRANDS = {b"avif", b"avis"}
_OTHER: tuple[tuple[bytes, str], ...] = (
    (b"%PDF", "a PDF"),
    (b"PK\x03\x04", "a zip archive"),
    (b"<!DOCTYPE", "HTML"),
    (b"<html", "HTML"),
    (b"<?xml", "XML"),
    (b"<svg", "SVG"),
    (b"\x1f\x8b", "gzip data"),
    (b"8BPS", "a Photoshop document"),
)


@dataclass(frozen=True, slots=True)
class JpegHeader:
    """The segments of a JPEG before its pixels.

    Attributes:
        width: stored width, before orientation.
        height: stored height, before orientation.
        components: 1 grey, 3 colour, 4 CMYK or YCCK.
        orientation: EXIF orientation 1..8, 1 where absent or broken.
        exif_fields: tags in IFD0 and the EXIF IFD.
        icc: embedded colour profile, empty where none.
        is_lossless: whether it is of the lossless process, which is never reduced while decoding.
    """

    width: int
    height: int
    components: int
    orientation: int
    exif_fields: int
    icc: bytes
    is_lossless: bool = False


def sniff(head: bytes) -> str | None:
    """Recognise the container by the first 64 bytes; None for anything else.

    Returns:
        JPEG, PNG, WEBP, GIF, BMP, TIFF, HEIF, AVIF, JXL or None.
    """
    for signature, name in _SIGNATURES:
        if head.startswith(signature):
            return name
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "WEBP"
    if head[4:8] == b"ftyp":
        size = min(int.from_bytes(head[:4], "big"), len(head))
        brands = {head[8:12]} | {head[at : at + 4] for at in range(16, size, 4)}
        if brands & _AVIF_BRANDS:
            return "AVIF"
        if brands & _HEIF_BRANDS:
            return "HEIF"
    return None


def describe_content(data: bytes) -> str:
    """Say what a file looks like that is not an image."""
    head = data[:64].lstrip()
    for signature, name in _OTHER:
        if head.lower().startswith(signature.lower()):
            return name
    if not data.strip(b"\x00"):
        return "only zero bytes"
    try:
        data[:512].decode("utf-8")
    except UnicodeDecodeError:
        return "unknown data"
    return "text"


def parse_jpeg(data: bytes) -> JpegHeader | None:
    """Walk a JPEG's segments to its frame header; None where there is none.

    Broken EXIF or colour profiles never fail: they count as absent.
    """
    at, orientation, fields = 2, 1, 0
    profile: dict[int, bytes] = {}
    while at + 4 <= len(data):
        if data[at] != 0xFF:
            return None
        marker = data[at + 1]
        if marker == 0xFF:
            at += 1
            continue
        if marker == 0x01 or 0xD0 <= marker <= 0xD8:
            at += 2
            continue
        size = int.from_bytes(data[at + 2 : at + 4], "big")
        if marker in (0xD9, 0xDA) or size < 2:
            return None
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            if at + 10 > len(data):
                return None
            height, width = struct.unpack(">HH", data[at + 5 : at + 9])
            icc = b"".join(profile[number] for number in sorted(profile))
            is_lossless = marker in (0xC3, 0xC7, 0xCB, 0xCF)
            return JpegHeader(width, height, data[at + 9], orientation, fields, icc, is_lossless)
        body = data[at + 4 : at + 2 + size]
        if marker == 0xE1 and body[:6] == b"Exif\0\0":
            orientation, fields = _parse_exif(body[6:])
        elif marker == 0xE2 and body[:12] == b"ICC_PROFILE\0" and len(body) > 14:
            profile[body[12]] = body[14:]
        at += 2 + size
    return None


def without_applications(data: bytes) -> bytes:
    """Strip a JPEG to frame, tables, colours and scans, without what applications wrote."""
    parts, at = [data[:2]], 2
    while at + 4 <= len(data) and data[at] == 0xFF and data[at + 1] != 0xDA:
        end = at + 2 + int.from_bytes(data[at + 2 : at + 4], "big")
        # Adobe's segment says how colours are stored
        if data[at + 1] not in (*range(0xE0, 0xEE), 0xEF, 0xFE):
            parts.append(data[at:end])
        at = end
    return b"".join([*parts, data[at:]])


def _parse_exif(tiff: bytes) -> tuple[int, int]:
    """Read orientation and number of tags of a TIFF block; (1, n) where broken."""
    order = {b"II": "<", b"MM": ">"}.get(tiff[:2])
    if order is None or len(tiff) < 8:
        return 1, 0
    orientation, total, sub = 1, 0, 0
    offset = struct.unpack(order + "I", tiff[4:8])[0]
    for is_main in (True, False):
        if not is_main:
            if not sub:
                break
            offset = sub
        if offset + 2 > len(tiff):
            break
        count = struct.unpack(order + "H", tiff[offset : offset + 2])[0]
        for number in range(min(count, 512)):
            entry = tiff[offset + 2 + 12 * number : offset + 14 + 12 * number]
            if len(entry) < 12:
                break
            total += 1
            tag, kind = struct.unpack(order + "HH", entry[:4])
            if tag == 0x0112 and is_main and kind in (3, 4):
                size = "H" if kind == 3 else "I"
                value = struct.unpack(order + size, entry[8 : 8 + struct.calcsize(size)])[0]
                orientation = value if 1 <= value <= 8 else 1
            elif tag == 0x8769 and is_main:
                sub = struct.unpack(order + "I", entry[8:12])[0]
    return orientation, total
