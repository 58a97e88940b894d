"""Find what a file that opens lacks nevertheless: parts of its scans, whole scans, frames.

Decoders continue behind what is missing or corrupt, and fill the gap with grey or garbage. Their
complaints are sorted here into damage and harmless ones, and damage they are silent about is looked
for.
"""

from __future__ import annotations

import re

from lookalike.images.limits import DAMAGE
from lookalike.images.tiffs import lacks_pages

__all__ = ["frames_damage", "scan_damage"]

_MARKER = re.compile(rb"\xff[^\x00\xff\xd0-\xd7]")
_FRAMES = {*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC}
_PROGRESSIVE = {0xC2, 0xC6, 0xCA, 0xCE}
_START_OF_SCAN, _END_OF_IMAGE = 0xDA, 0xD9
# bits of a coefficient that are missing before its first scan: more than it can have
_NEVER_SENT = 15
_LEFT_OVER = re.compile(r"(\d+) extraneous bytes before marker 0xd9")


def scan_damage(data: bytes, complaint: str) -> str:
    """Say what is wrong with the scans of a JPEG; empty where nothing is.

    Bytes left over behind the last scan are harmless if they are few or do not look like compressed
    data; else a decoder that got out of step ended too early. Corrupt codes that keep step cannot
    be detected.

    Args:
        data: the whole file.
        complaint: libjpeg's first complaint; empty where there was none.
    """
    left = _LEFT_OVER.search(complaint)
    if complaint and not (left and _is_filler(data, int(left[1]))):
        return complaint
    return "cut: its last scans are missing" if _lacks_scans(data) else ""


def frames_damage(data: bytes, kind: str) -> str:
    """Say whether frames or pages behind the first are missing; empty where none are known to be.

    Args:
        data: the whole file, whose first frame decodes.
        kind: sniffed container.
    """
    lacks = {"GIF": _gif_lacks_frames, "PNG": _png_lacks_frames, "TIFF": lacks_pages}.get(kind)
    return "cut: frames behind the first are missing" if lacks and lacks(data) else ""


def _is_filler(data: bytes, size: int) -> bool:
    """Whether the bytes before a JPEG's end mark do not look like compressed data.

    Compressed data is nearly random: it has at least half of the different bytes that as many
    random ones would have, with high ones among them.
    """
    start = data.find(b"\xff\xda")
    end = data.find(b"\xff\xd9", start)
    left = data[max(start, end - size) : end]
    expected = 256 * (1 - (1 - 1 / 256) ** len(left))
    is_varied = len(set(left)) >= DAMAGE.least_variety * expected
    return len(left) < DAMAGE.fewest_left or not is_varied or max(left) < DAMAGE.high


def _lacks_scans(data: bytes) -> bool:
    """Whether some bits of some coefficients were never sent, as in a file cut after a scan.

    libjpeg decodes that as a coarser picture.
    """
    at, is_progressive = 2, False
    sent: dict[int, list[int]] = {}
    while found := _MARKER.search(data, at):
        at = found.start()
        marker, size = data[at + 1], int.from_bytes(data[at + 2 : at + 4], "big")
        body = data[at + 4 : at + 2 + size]
        if marker == _END_OF_IMAGE:
            break
        if marker in _FRAMES and not sent:
            sent = {component: [_NEVER_SENT] * 64 for component in body[6::3]}
            is_progressive = marker in _PROGRESSIVE
        elif marker == _START_OF_SCAN:
            count = body[0]
            if not is_progressive and count == len(sent):
                return False
            first, last, bits = (body[1 + 2 * count], body[2 + 2 * count], body[3 + 2 * count])
            span = slice(first, last + 1) if is_progressive else slice(64)
            for component in body[1 : 1 + 2 * count : 2]:
                sent[component][span] = [bits & 15] * len(sent[component][span])
        at += 2 + size
    return any(map(any, sent.values()))


def _gif_lacks_frames(data: bytes) -> bool:
    """Whether the file of an animation ends before its end mark."""
    at, frames = 13 + _colours(data, 10), 0
    while at < len(data):
        kind = data[at]
        if kind == 0x2C:
            frames += 1
            at = _behind_blocks(data, at + 11 + _colours(data, at + 9))
        elif kind == 0x21:
            at = _behind_blocks(data, at + 2)
        else:
            # the end mark, or something at which decoders stop
            return False
    return frames > 1


def _png_lacks_frames(data: bytes) -> bool:
    """Whether an animation's file has fewer frames than announced, or ends before its end."""
    at, frames, wanted = 8, 0, 0
    while at + 8 <= len(data):
        size, kind = int.from_bytes(data[at : at + 4], "big"), data[at + 4 : at + 8]
        if kind == b"acTL":
            wanted = int.from_bytes(data[at + 8 : at + 12], "big")
        frames += kind == b"fcTL"
        at += 12 + size
        if kind == b"IEND":
            return frames < wanted
    return wanted > 1


def _colours(data: bytes, at: int) -> int:
    """Size in bytes of the colour table that a GIF's flags announce."""
    flags = data[at] if at < len(data) else 0
    return 3 << (flags % 8 + 1) if flags >= 128 else 0


def _behind_blocks(data: bytes, at: int) -> int:
    """Skip a chain of blocks that each start with their length, the last one with 0."""
    while at < len(data) and data[at]:
        at += 1 + data[at]
    return at + 1
