"""Verification: correspondences → RANSAC → transform → agreement of the aligned pixels.

Keypoints alone lie: two strangers that share a caption, a texture or a sky leave inliers too.
So keypoints only propose a transform, and the aligned pixels decide: block by block, the textures
of both pictures must correlate over enough of what they share. On edited copies against unrelated
photos the share of agreeing blocks separates where inlier counts overlap.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from lookalike.config import VerifyConfig
from lookalike.engine import byte_product
from lookalike.explain import Alignment, Tone, explain
from lookalike.types import (
    DescriptorSpec,
    FloatArray,
    IntArray,
    Picture,
    UInt8Array,
    Verification,
)

__all__ = [
    "KEYPOINT_SPEC",
    "PLANE_SPEC",
    "VERIFIER",
    "Side",
    "describe_keypoints",
    "verify",
]

VERIFIER = "orb-ransac-agreement/1"
_WORK_SIDE = 320
_PLANE_SIDE = 160
_COORDINATE_STEP = 1 / 64
_BLOCK = 12
_TEXTURE_VARIANCE = 20.0
_AGREEING = 0.6
_BORDER_LEVELS = 4
_BORDER_SHARE = 0.5

KEYPOINT_SPEC = DescriptorSpec(
    "orb",
    "1",
    "keypoints",
    36,
    "uint8",
    f"luma, long side {_WORK_SIDE}; x and y in 1/64 px as uint16, then 256 bits",
)
PLANE_SPEC = DescriptorSpec(
    "plane", "1", "pixels", 1, "uint8", f"luma, long side {_PLANE_SIDE}, area, row by row"
)


@dataclass(frozen=True, slots=True)
class Side:
    """One side of a verification.

    Attributes:
        width: full width of the image, pixels.
        height: full height of the image, pixels.
        points: ``(k, 2)`` float32, x and y in the work plane.
        bits: ``(k, 32)`` uint8 ORB descriptors.
        plane: ``(h, w)`` uint8 luma, long side 160.
    """

    width: int
    height: int
    points: FloatArray
    bits: UInt8Array
    plane: UInt8Array

    @classmethod
    def from_rows(cls, width: int, height: int, keypoints: UInt8Array, plane: UInt8Array) -> Side:
        """Rebuild a side from stored rows of ``KEYPOINT_SPEC`` and ``PLANE_SPEC``."""
        packed = np.ascontiguousarray(keypoints[:, :4]).view(np.uint16)
        shape = _fitted(width, height, _PLANE_SIDE)
        return cls(
            width,
            height,
            packed.astype(np.float32) * np.float32(_COORDINATE_STEP),
            np.ascontiguousarray(keypoints[:, 4:]),
            plane.reshape(shape[1], shape[0]),
        )


def describe_keypoints(picture: Picture, count: int) -> tuple[UInt8Array, UInt8Array]:
    """ORB keypoints and the small plane of one picture, as stored rows.

    Args:
        picture: reduced and upright.
        count: keypoints at most, the strongest first.

    Returns:
        ``(k, 36)`` uint8 of ``KEYPOINT_SPEC`` and ``(h * w, 1)`` uint8 of ``PLANE_SPEC``.
    """
    luma = cv2.cvtColor(picture.rgb, cv2.COLOR_RGB2GRAY)
    size = (picture.width, picture.height)
    work = _resized(luma, _fitted(*size, _WORK_SIDE))
    plane = _resized(work, _fitted(*size, _PLANE_SIDE))
    return _keypoint_rows(work, count), plane.reshape(-1, 1)


def verify(
    query: Side, ref: Side, config: VerifyConfig, *, mirrored: bool = False
) -> Verification | None:
    """Whether ``ref`` shows the pixels of ``query``, and by which edit; None if not.

    Args:
        query: the one image.
        ref: the other.
        config: what a copy must show.
        mirrored: look for a mirrored copy; keypoints by themselves see only upright ones.

    Returns:
        The evidence, its transform in full-size pixels of ``query`` → ``ref``.
    """
    if mirrored:
        query = _mirror(query, config.keypoints)
    pairs = _putative(query, ref, config)
    if len(pairs) < config.min_inliers:
        return None
    fitted = _fit(query.points[pairs[:, 0]], ref.points[pairs[:, 1]])
    if fitted is None:
        return None
    transform, inliers = fitted
    if inliers < config.min_inliers:
        return None
    full = _rescaled(transform, query, ref)
    agreement = _agreement(query, ref, full)
    is_covered = inliers >= config.covered_inliers
    least = config.covered_agreement if is_covered else config.min_agreement
    if agreement is None or agreement.share < least or agreement.blocks < config.min_blocks:
        return None
    upright = full
    if mirrored:
        full = full @ np.array([[-1.0, 0.0, query.width], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]])
    alignment = Alignment(
        transform=full,
        query_size=(query.width, query.height),
        ref_size=(ref.width, ref.height),
        agreement=agreement.share,
        tone=Tone(agreement.gain, agreement.offset),
        flat_query=_is_flat_beyond(query, ref, np.linalg.inv(upright)),
        flat_ref=_is_flat_beyond(ref, query, upright),
    )
    verification = explain(alignment, inliers=inliers, putative=len(pairs))
    shared = max(verification.overlap_query, verification.overlap_ref)
    return verification if shared >= config.min_overlap else None


def _mirror(side: Side, count: int) -> Side:
    """The same image mirrored left to right, its keypoints detected anew in the plane."""
    plane = np.ascontiguousarray(side.plane[:, ::-1])
    work = cv2.resize(
        plane, _fitted(side.width, side.height, _WORK_SIDE), interpolation=cv2.INTER_CUBIC
    )
    rows = _keypoint_rows(work, count).reshape(-1, 36)
    return Side.from_rows(side.width, side.height, rows, plane.reshape(-1, 1))


def _fitted(width: int, height: int, side: int) -> tuple[int, int]:
    scale = side / max(width, height)
    return max(8, round(width * scale)), max(8, round(height * scale))


def _resized(plane: UInt8Array, size: tuple[int, int]) -> UInt8Array:
    shrinks = size[0] < plane.shape[1]
    how = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(plane, size, interpolation=how), dtype=np.uint8)


def _keypoint_rows(work: UInt8Array, count: int) -> UInt8Array:
    orb = cv2.ORB_create(
        count, scaleFactor=1.3, nlevels=6, edgeThreshold=16, patchSize=31, fastThreshold=7
    )
    found, bits = orb.detectAndCompute(work, None)
    if bits is None:
        return np.empty((0, 36), np.uint8)
    points = cv2.KeyPoint_convert(found).reshape(-1, 2)
    packed = np.rint(points / _COORDINATE_STEP).astype(np.uint16)
    return np.concatenate([packed.view(np.uint8).reshape(-1, 4), bits], axis=1)


def _putative(query: Side, ref: Side, config: VerifyConfig) -> IntArray:
    if min(len(query.bits), len(ref.bits)) < max(2, config.min_inliers):
        return np.empty((0, 2), np.int64)
    # bits as 0/1 times bits as ±1: Hamming = ones(ref) − product, see index.hamming
    asked = np.unpackbits(query.bits, axis=1)
    held = np.unpackbits(ref.bits, axis=1)
    signs = (held.astype(np.int8) << 1) - 1
    distance = held.sum(axis=1, dtype=np.int32) - byte_product()(
        asked, np.ascontiguousarray(signs.T)
    )
    rows = np.arange(len(asked))
    first = distance.argmin(axis=1)
    nearest = distance[rows, first]
    distance[rows, first] = 257
    kept = (nearest <= config.max_bits) & (nearest < config.ratio * distance.min(axis=1))
    return np.stack([rows[kept], first[kept]], axis=1)


def _fit(query: FloatArray, ref: FloatArray) -> tuple[NDArray[np.float64], int] | None:
    """Affine first (three points suffice), then a homography where it explains clearly more."""
    cv2.setRNGSeed(0)
    affine, inside = cv2.estimateAffine2D(
        query,
        ref,
        method=cv2.RANSAC,
        ransacReprojThreshold=4.0,
        maxIters=1000,
        confidence=0.995,
        refineIters=5,
    )
    if affine is None:
        return None
    transform = np.vstack([affine, [0.0, 0.0, 1.0]])
    count = _unique_inliers(query, ref, inside)
    if count >= 8 and count < 0.9 * len(query):
        near = np.linalg.norm(query @ affine[:, :2].T + affine[:, 2] - ref, axis=1) < 24.0
        bent, held = cv2.findHomography(query[near], ref[near], cv2.RANSAC, 3.0)
        if bent is not None:
            more = _unique_inliers(query[near], ref[near], held)
            if more > 1.15 * count and _is_orderly(bent, query):
                transform, count = bent, more
    if not _is_orderly(transform, query):
        return None
    return transform, count


def _unique_inliers(query: FloatArray, ref: FloatArray, inside: UInt8Array) -> int:
    """Inliers at different places: a pyramid finds one corner several times."""
    held = inside.reshape(-1).astype(bool)
    spots = np.rint(np.concatenate([query[held], ref[held]], axis=1) / 3.0).astype(np.int64)
    return min(len(np.unique(spots[:, :2], axis=0)), len(np.unique(spots[:, 2:], axis=0)))


def _is_orderly(transform: NDArray[np.float64], points: FloatArray) -> bool:
    """A real edit neither folds the plane nor squeezes it to a line."""
    stretch = np.linalg.svd(transform[:2, :2], compute_uv=False)
    if not stretch[1] > 0.05 or stretch[0] > 20 or stretch[0] > 4 * stretch[1]:
        return False
    depth = points @ transform[2, :2] + transform[2, 2]
    return bool(depth.min() > 0.2 and depth.max() < 5.0)


def _rescaled(transform: NDArray[np.float64], query: Side, ref: Side) -> NDArray[np.float64]:
    """From work planes to full-size pixels."""
    into = _to_plane(query, _WORK_SIDE)
    back = np.linalg.inv(_to_plane(ref, _WORK_SIDE))
    full = back @ transform @ into
    return np.asarray(full / full[2, 2], dtype=np.float64)


def _to_plane(side: Side, length: int) -> NDArray[np.float64]:
    width, height = _fitted(side.width, side.height, length)
    return np.diag([width / side.width, height / side.height, 1.0])


@dataclass(frozen=True, slots=True)
class _Agreement:
    share: float
    blocks: int
    gain: float
    offset: float


def _agreement(query: Side, ref: Side, full: NDArray[np.float64]) -> _Agreement | None:
    """How the textures of both planes agree after alignment, in the coarser frame of the two."""
    transform = _to_plane(ref, _PLANE_SIDE) @ full @ np.linalg.inv(_to_plane(query, _PLANE_SIDE))
    fixed, moving = ref.plane, query.plane
    if abs(np.linalg.det(transform[:2, :2])) < 0.5:
        # the query would shrink to few pixels: compare in its own frame instead
        transform, fixed, moving = np.linalg.inv(transform), moving, fixed
    size = (fixed.shape[1], fixed.shape[0])
    warped = cv2.warpPerspective(moving, transform, size, flags=cv2.INTER_LINEAR)
    inside = cv2.warpPerspective(np.full_like(moving, 255), transform, size) > 127
    correlation, textured = _block_correlation(warped, fixed, inside)
    if textured.sum() < 3:
        return None
    agreeing = (correlation > _AGREEING) & textured
    gain, offset = _tone(warped[inside], fixed[inside], swapped=fixed is query.plane)
    return _Agreement(
        share=float(agreeing.sum() / textured.sum()),
        blocks=int(agreeing.sum()),
        gain=gain,
        offset=offset,
    )


def _block_correlation(
    first: UInt8Array, second: UInt8Array, inside: NDArray[np.bool_]
) -> tuple[NDArray[np.floating], NDArray[np.bool_]]:
    """Correlation in overlapping blocks, and which blocks lie inside and have texture."""
    step = _BLOCK // 2

    def mean(plane: NDArray[np.float32]) -> FloatArray:
        box = cv2.boxFilter(plane, cv2.CV_32F, (_BLOCK, _BLOCK))
        return np.asarray(box[step::step, step::step], dtype=np.float32)

    a, b = (cv2.GaussianBlur(p, (0, 0), 1.2).astype(np.float32) for p in (first, second))
    mean_a, mean_b = mean(a), mean(b)
    variance_a = np.maximum(mean(a * a) - mean_a * mean_a, 0)
    variance_b = np.maximum(mean(b * b) - mean_b * mean_b, 0)
    covariance = mean(a * b) - mean_a * mean_b
    correlation = covariance / np.sqrt((variance_a + 2.0) * (variance_b + 2.0))
    whole = mean(inside.astype(np.float32)) > 0.95
    return correlation, (np.maximum(variance_a, variance_b) > _TEXTURE_VARIANCE) & whole


def _tone(moving: UInt8Array, fixed: UInt8Array, *, swapped: bool) -> tuple[float, float]:
    """Contrast and brightness of the ref relative to the query."""
    query, ref = (fixed, moving) if swapped else (moving, fixed)
    spread = float(query.std())
    gain = float(ref.std()) / spread if spread > 1.0 else 1.0
    return gain, float(ref.mean()) - gain * float(query.mean())


def _is_flat_beyond(side: Side, other: Side, onto: NDArray[np.floating]) -> bool:
    """Whether what ``side`` shows beyond ``other`` is mostly one grey, as a border or page is.

    Args:
        side: where the border would be.
        other: the picture inside.
        onto: full-size pixels of ``other`` → ``side``.
    """
    transform = _to_plane(side, _PLANE_SIDE) @ onto @ np.linalg.inv(_to_plane(other, _PLANE_SIDE))
    size = (side.plane.shape[1], side.plane.shape[0])
    covered = cv2.warpPerspective(np.full_like(other.plane, 255), transform, size) > 0
    beyond = side.plane[~covered]
    if len(beyond) == 0:
        return False
    commonest = int(np.bincount(beyond, minlength=256).argmax())
    near = np.abs(beyond.astype(np.int16) - commonest) <= _BORDER_LEVELS
    return bool(near.mean() >= _BORDER_SHARE)
