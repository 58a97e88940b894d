"""Verification as a whole: when a transform is refined, and when less need agree."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from lookalike.config import VerifyConfig
from lookalike.descriptors.keypoints import KINDS, Keypoints
from lookalike.model.match import Verification
from lookalike.verification import verify as room
from lookalike.verification.block_correlation import Agreement
from lookalike.verification.plane import Plane
from lookalike.verification.side import Side
from lookalike.verification.verify import verify

CELLS = np.ones((8, 8), bool)
#: places in a frame of 256×192, no two of them near
PLACES = np.array([[x, y] for y in range(16, 176, 40) for x in range(16, 240, 40)], np.float32)


def texture(width: int = 160, height: int = 120) -> NDArray[np.uint8]:
    """Strong texture."""
    noise = np.random.default_rng(5).uniform(20, 230, (height // 6 + 2, width // 6 + 2))
    plane = cv2.resize(noise, (width, height), interpolation=cv2.INTER_CUBIC)
    return np.asarray(np.clip(plane, 0, 255), np.uint8)


def side(places: NDArray[np.float32], plane: NDArray[np.uint8]) -> Side:
    """A picture of 640×480 whose keypoints are as unlike as bits can be."""
    bits = np.random.default_rng(1).integers(0, 256, (len(PLACES), 32)).astype(np.uint8)
    nought = np.zeros(len(places), np.float32)
    return Side(640, 480, Keypoints(places, nought, nought, bits[: len(places)]), Plane(plane))


def seen(share: float, likeness: float) -> Agreement:
    """Hand-made agreement of two planes."""
    return Agreement(share, 100, likeness, 0.9, 1.0, 0.0, CELLS, CELLS)


@pytest.fixture
def is_refined(monkeypatch: pytest.MonkeyPatch) -> Callable[..., bool]:
    """Tells whether verification refines a pair that agrees so."""

    def told(
        share: float = 0.6,
        likeness: float = 0.85,
        inliers: int = 24,
        move: tuple[float, float] = (40.0, 20.0),
    ) -> bool:
        calls: list[int] = []

        def refine(query: Plane, ref: Plane, transform: NDArray[np.float64]) -> object:
            calls.append(1)
            return transform

        monkeypatch.setattr(room, "agree_aligned", lambda *planes: seen(share, likeness))
        monkeypatch.setattr(room, "refine", refine)
        places = PLACES[:inliers]
        verify(
            side(places, texture()),
            side(places + np.array(move, np.float32), texture()),
            VerifyConfig(),
            KINDS["orb"],
        )
        return bool(calls)

    return told


@pytest.mark.parametrize(
    ("share", "expected"), [(0.36, False), (0.44, True), (0.72, True), (0.88, False)]
)
def test_what_agrees_a_little_is_refined(
    is_refined: Callable[..., bool], share: float, expected: bool
) -> None:
    """Less is no copy, more lies well."""
    assert is_refined(share=share) == expected


@pytest.mark.parametrize(("inliers", "expected"), [(13, False), (17, True)])
def test_what_many_keypoints_explain_is_refined(
    is_refined: Callable[..., bool], inliers: int, expected: bool
) -> None:
    """Fewer may be chance."""
    assert is_refined(inliers=inliers) == expected


@pytest.mark.parametrize(("likeness", "expected"), [(0.9, True), (0.96, False)])
def test_what_is_alike_lies_well(
    is_refined: Callable[..., bool], likeness: float, expected: bool
) -> None:
    """There the rest shows something else."""
    assert is_refined(likeness=likeness) == expected


@pytest.mark.parametrize(("off", "expected"), [(0.045, False), (0.055, True)])
def test_frames_that_lie_on_each_other_are_not_refined(
    is_refined: Callable[..., bool], off: float, expected: bool
) -> None:
    """Off by a share of the frame."""
    assert is_refined(move=(256 * off, 0.0)) == expected


def verified(inliers: int) -> Verification | None:
    """A plain drawing with texture in a corner, and another picture that has that corner."""
    drawing = np.full((120, 160), 120, np.uint8)
    drawing[:50, :50] = texture()[:50, :50]
    covered = np.ascontiguousarray(texture()[:, ::-1])
    covered[:50, :50] = drawing[:50, :50]
    places = PLACES[:inliers]
    return verify(side(places, drawing), side(places, covered), VerifyConfig(), KINDS["orb"])


@pytest.mark.parametrize(("inliers", "found"), [(7, False), (8, True)])
def test_where_many_keypoints_lie_in_place_less_need_agree(inliers: int, found: bool) -> None:
    """A seventh of the texture, all that the drawing has."""
    verification = verified(inliers)
    assert (verification is not None) == found
    assert verification is None or verification.agreement < 0.2
