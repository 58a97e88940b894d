"""What a file that opens lacks for all that: parts of its scans, whole scans, frames.

Decoders go on behind what is missing or corrupt, and fill the gap with grey or garbage. What they
complain of is told here from what is harmless, and what they say nothing of is looked for.
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
# bits of a coefficient that are still to come before its first scan: more than there can be
_NEVER_SENT = 15
_LEFT_OVER = re.compile(r"(\d+) extraneous bytes before marker 0xd9")


def scan_damage(data: bytes, complaint: str) -> str:
    """What is wrong with the scans of a JPEG, in words; empty where nothing is.

    What is left over behind the last scan is harmless where it is little, or does not look like
    compressed data; else a decoder that lost step came to its end too early. Of corrupt codes that
    keep step nothing tells.

    Args:
        data: the whole file.
        complaint: what libjpeg said of it first; empty where nothing.
    """
    left = _LEFT_OVER.search(complaint)
    if complaint and not (left and _is_filler(data, int(left[1]))):
        return complaint
    return "cut: its last scans are missing" if _lacks_scans(data) else ""


def frames_damage(data: bytes, kind: str) -> str:
    """Whether frames or pages behind the first are missing, in words; empty where none is known to.

    Args:
        data: the whole file, whose first frame decodes.
        kind: sniffed container.
    """
    lacks = {"GIF": _gif_lacks_frames, "PNG": _png_lacks_frames, "TIFF": lacks_pages}.get(kind)
    return "cut: frames behind the first are missing" if lacks and lacks(data) else ""


def _is_filler(data: bytes, size: int) -> bool:
    """Whether the bytes before a JPEG's end mark are no compressed data, by their looks.

    Such data is as good as random: half of all bytes that so many random ones would show, with
    high ones among them.
    """
    start = data.find(b"\xff\xda")
    end = data.find(b"\xff\xd9", start)
    left = data[max(start, end - size) : end]
    expected = 256 * (1 - (1 - 1 / 256) ** len(left))
    is_varied = len(set(left)) >= DAMAGE.least_variety * expected
    return len(left) < DAMAGE.fewest_left or not is_varied or max(left) < DAMAGE.high


def _lacks_scans(data: bytes) -> bool:
    """Whether some bits of some coefficients were never sent, as in a file cut behind a scan.

    libjpeg takes that for a coarser picture.
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
            # the end mark, or something that decoders do not go beyond
            return False
    return frames > 1


def _png_lacks_frames(data: bytes) -> bool:
    """Whether the file of an animation has fewer frames than it says, or ends before its end."""
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
    """Bytes of the table of colours that a GIF's flags announce."""
    flags = data[at] if at < len(data) else 0
    return 3 << (flags % 8 + 1) if flags >= 128 else 0


def _behind_blocks(data: bytes, at: int) -> int:
    """Behind a chain of blocks that each say their length, the last one 0."""
    while at < len(data) and data[at]:
        at += 1 + data[at]
    return at + 1
