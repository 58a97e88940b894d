"""Pictures for the page, by SHA-256: thumbnails, large ones, and two laid over each other."""

from __future__ import annotations

import hashlib
from collections import OrderedDict, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from threading import Lock, Semaphore
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from lookalike.config import DecodeConfig
from lookalike.images.decode import decode
from lookalike.model.arrays import UInt8Array
from lookalike.model.files import Failure
from lookalike.model.image import ImageRef
from lookalike.model.match import Match
from lookalike.sources.reading import read_again

__all__ = ["Cache", "Overlay", "Places", "outline", "overlay", "picture_of", "transform_of"]

_SIDE = 1100
_AMPLIFIED = 3
_MOST_GUESTS = 4000
_AT_ONCE = Semaphore(4)


class Cache:
    """The JPEGs that were made last; the oldest are dropped first.

    Args:
        most: bytes to hold.
    """

    def __init__(self, most: int = 192 << 20) -> None:
        self._held: OrderedDict[tuple[Any, ...], bytes] = OrderedDict()
        self._most = most
        self._size = 0
        self._busy = Lock()

    def get(self, key: tuple[Any, ...]) -> bytes | None:
        """Look up a JPEG; None where it is not held any more."""
        with self._busy:
            found = self._held.get(key)
            if found is not None:
                self._held.move_to_end(key)
            return found

    def put(self, key: tuple[Any, ...], data: bytes) -> bytes:
        """Hold a JPEG, and return it."""
        with self._busy:
            self._size += len(data) - len(self._held.pop(key, b""))
            self._held[key] = data
            while self._size > self._most and len(self._held) > 1:
                self._size -= len(self._held.popitem(last=False)[1])
        return data


class Places:
    """The files of the contents that the page may show: the report's, and the latest guests'.

    Args:
        images: of the report.
    """

    def __init__(self, images: Iterable[ImageRef]) -> None:
        self._own: dict[str, list[str]] = defaultdict(list)
        self._guests: OrderedDict[str, str] = OrderedDict()
        for image in images:
            self._own[image.sha256].append(image.path)

    def __contains__(self, sha256: str) -> bool:
        """Whether the page may show this content."""
        return sha256 in self._own or sha256 in self._guests

    def of(self, sha256: str) -> Sequence[str]:
        """List the paths and addresses at which a content was seen."""
        own, guest = self._own.get(sha256, []), self._guests.get(sha256)
        return own if guest is None else [*own, guest]

    def welcome(self, sha256: str, path: str) -> None:
        """Allow a content that is not in the report; the oldest of many is forgotten."""
        self._guests[sha256] = path
        self._guests.move_to_end(sha256)
        if len(self._guests) > _MOST_GUESTS:
            self._guests.popitem(last=False)


def picture_of(path: str, sha256: str, side: int) -> bytes | None:
    """Make a JPEG of an image file, its long side at most so many pixels.

    Returns None where it cannot be read, or its bytes are not those of this SHA-256.
    """
    rgb = _read(path, sha256, side)
    return None if rgb is None else _jpeg(rgb)


@dataclass(frozen=True, slots=True)
class Overlay:
    """Two pictures of one size, the second warped to lie on the first.

    Attributes:
        base: JPEG of the picture that shows more.
        other: JPEG of the other one where it belongs; plain grey elsewhere.
        difference: JPEG of how much they differ where both are, amplified.
        mean: mean difference there, in grey levels 0..255.
    """

    base: bytes
    other: bytes
    difference: bytes
    mean: float


def overlay(base: ImageRef, other: ImageRef, onto: NDArray[np.float64]) -> Overlay | None:
    """Lay ``other`` over ``base``; None where one cannot be read, or changed.

    Args:
        base: the picture that stays as it is.
        other: the picture that is warped.
        onto: ``(3, 3)``, pixels of ``other`` to pixels of ``base``, both full size and upright.
    """
    under, over = (_read(image.path, image.sha256, _SIDE) for image in (base, other))
    if under is None or over is None:
        return None
    size = under.shape[1], under.shape[0]
    shrink = np.diag([size[0] / base.width, size[1] / base.height, 1.0])
    grow = np.diag([other.width / over.shape[1], other.height / over.shape[0], 1.0])
    # the transform speaks of edges, OpenCV of centres of pixels
    inwards = np.array([[1, 0, -0.5], [0, 1, -0.5], [0, 0, 1]])
    transform = inwards @ shrink @ onto @ grow @ np.linalg.inv(inwards)
    laid = cv2.warpPerspective(
        over, transform, size, flags=cv2.INTER_AREA, borderValue=(128, 128, 128)
    )
    inside = np.full(over.shape[:2], 255, np.uint8)
    inside = cv2.warpPerspective(inside, transform, size, flags=cv2.INTER_NEAREST)
    apart = cv2.absdiff(under, laid).max(axis=2)
    mean = float(apart[inside > 0].mean()) if inside.any() else 0.0
    strong = np.minimum(apart.astype(np.uint16) * _AMPLIFIED, 255).astype(np.uint8)
    heat = cv2.cvtColor(cv2.applyColorMap(strong, cv2.COLORMAP_INFERNO), cv2.COLOR_BGR2RGB)
    heat[inside == 0] = 128
    return Overlay(_jpeg(under), _jpeg(np.asarray(laid)), _jpeg(np.asarray(heat)), mean)


def transform_of(match: Match, query: ImageRef, ref: ImageRef) -> NDArray[np.float64]:
    """Query pixels to ref pixels; frames that coincide are only scaled."""
    if match.verification is not None:
        return np.array(match.verification.transform, np.float64).reshape(3, 3)
    return np.diag([ref.width / query.width, ref.height / query.height, 1.0])


def outline(onto: NDArray[np.float64], other: ImageRef, base: ImageRef) -> Sequence[float]:
    """Corners of ``other`` on ``base``, x and y in percent of the frame, in turn."""
    w, h = other.width, other.height
    corners = np.array([[0, 0, 1], [w, 0, 1], [w, h, 1], [0, h, 1]], np.float64)
    placed = corners @ onto.T
    points = 100 * placed[:, :2] / placed[:, 2:] / [base.width, base.height]
    return [round(float(value), 2) for value in np.clip(points, -400, 500).reshape(-1)]


def _read(path: str, sha256: str, side: int) -> UInt8Array | None:
    with _AT_ONCE:
        try:
            data = read_again(path)
        except OSError:
            return None
        if hashlib.sha256(data).hexdigest() != sha256:
            return None
        seen = decode(path, data, DecodeConfig(min_side=max(16, side // 2)))
    if isinstance(seen, Failure):
        return None
    factor = side / max(seen.rgb.shape[:2])
    if factor >= 1:
        return seen.rgb
    size = [max(1, round(length * factor)) for length in seen.rgb.shape[1::-1]]
    return np.asarray(cv2.resize(seen.rgb, size, interpolation=cv2.INTER_AREA))


def _jpeg(rgb: UInt8Array) -> bytes:
    bgr = cv2.cvtColor(rgb, cv2.COLOR_RGB2BGR)
    done, encoded = cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, 85])
    assert done
    return bytes(encoded.tobytes())
