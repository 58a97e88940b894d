"""What verification needs of a picture: keypoints and a small plane of its luma."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from lookalike.descriptors.keypoints import (
    KeypointKind,
    Keypoints,
    describe_keypoints,
    fitted,
    shrunk,
)
from lookalike.model.arrays import UInt8Array
from lookalike.model.image import DescriptorSpec
from lookalike.store import Spans
from lookalike.verification.plane import Plane

__all__ = ["PLANE_SIDE", "PLANE_SPEC", "Side", "Sides", "describe_side"]

# pixels of the long side
PLANE_SIDE = 160
PLANE_SPEC = DescriptorSpec(
    "plane", "2", "pixels", 1, "uint8", f"luma, long side {PLANE_SIDE}, area, row by row"
)
# sides that a process keeps, some 30 kB each
_HELD = 1024
_held: OrderedDict[tuple[str, str], Side] = OrderedDict()
_guard = threading.Lock()


@dataclass(frozen=True, slots=True)
class Side:
    """One side of a verification.

    Attributes:
        width: full width of the image, pixels.
        height: full height of the image, pixels.
        points: its keypoints.
        plane: luma, long side 160.
    """

    width: int
    height: int
    points: Keypoints
    plane: Plane

    @classmethod
    def from_rows(cls, width: int, height: int, keypoints: UInt8Array, plane: UInt8Array) -> Side:
        """Rebuild a side from stored rows of keypoints and of ``PLANE_SPEC``."""
        shape = fitted(width, height, PLANE_SIDE)
        points = Keypoints.from_rows(keypoints)
        return cls(width, height, points, Plane(plane.reshape(shape[1], shape[0])))


@dataclass(frozen=True, slots=True)
class Sides:
    """Sides by content, rebuilt when asked for; a process keeps the last it used.

    Attributes:
        kind: key of the keypoints' spec.
        sizes: full width and height of the images, pixels.
        keypoints: their rows.
        planes: rows of ``PLANE_SPEC``.
    """

    kind: str
    sizes: Mapping[str, tuple[int, int]]
    keypoints: Spans
    planes: Spans

    def __contains__(self, sha: str) -> bool:
        return sha in self.sizes

    def __getitem__(self, sha: str) -> Side:
        key = self.kind, sha
        with _guard:
            side = _held.get(key)
            if side is not None:
                _held.move_to_end(key)
                return side
        side = Side.from_rows(*self.sizes[sha], self.keypoints[sha], self.planes[sha])
        with _guard:
            _held[key] = side
            if len(_held) > _HELD:
                _held.popitem(last=False)
        return side

    def only(self, shas: Iterable[str]) -> Sides:
        """Take some of them, for a task elsewhere."""
        some = {sha: self.sizes[sha] for sha in shas}
        return Sides(self.kind, some, self.keypoints.only(some), self.planes.only(some))


def describe_side(
    luma: UInt8Array, size: tuple[int, int], kind: KeypointKind
) -> tuple[UInt8Array, UInt8Array]:
    """Describe one picture by keypoints and a small plane, as stored rows.

    Args:
        luma: ``(h, w)`` uint8 of the reduced, upright picture.
        size: its full width and height, pixels.
        kind: of the keypoints.

    Returns:
        ``(k, 38)`` uint8 of ``kind.spec`` and ``(h * w, 1)`` uint8 of ``PLANE_SPEC``.
    """
    plane = shrunk(luma, fitted(*size, PLANE_SIDE))
    return describe_keypoints(luma, size, kind), plane.reshape(-1, 1)
