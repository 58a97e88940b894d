"""Bits of corners: the mirror's are the same, swapped; how their pairs are chosen."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from conftest import scene
from lookalike.descriptors.binary import (
    REACH,
    Corners,
    as_text,
    corner_bits,
    from_text,
    swapped,
)
from lookalike.descriptors.keypoints import find_corners
from lookalike.model.arrays import UInt8Array
from lookalike.model.errors import ConfigError
from lookalike_bench.corners import choose_pairs


def grey(seed: int) -> UInt8Array:
    """A drawn picture's luma, 256 pixels wide."""
    return np.asarray(cv2.cvtColor(scene(seed, 256, 192), cv2.COLOR_RGB2GRAY), np.uint8)


def test_a_mirror_swaps_the_halves() -> None:
    """Bits at mirrored places of the mirrored picture are these bits, but for rounding."""
    luma = grey(3)
    corners = find_corners(luma, 200)
    assert len(corners.places) > 100
    places = corners.places.copy()
    places[:, 0] = luma.shape[1] - 1 - places[:, 0]
    turned = corners._replace(places=places, angles=(180 - corners.angles) % 360)
    bits = corner_bits(luma, corners)
    seen = corner_bits(np.ascontiguousarray(luma[:, ::-1]), turned)
    differing = np.unpackbits(swapped(bits) ^ seen, axis=1).sum(axis=1)
    assert np.median(differing) <= 8
    assert (swapped(swapped(bits)) == bits).all()
    # and by themselves the halves say different things
    assert np.median(np.unpackbits(swapped(bits) ^ bits, axis=1).sum(axis=1)) > 60


def test_bits_follow_a_turned_picture() -> None:
    """A quarter turn moves corners and their directions, and leaves their bits."""
    luma = grey(4)
    corners = find_corners(luma, 200)
    x, y = corners.places.T
    turned = corners._replace(
        places=np.column_stack([luma.shape[0] - 1 - y, x]), angles=(corners.angles + 90) % 360
    )
    there = corner_bits(np.asarray(np.rot90(luma, -1).copy()), turned)
    differing = np.unpackbits(corner_bits(luma, corners) ^ there, axis=1).sum(axis=1)
    assert np.median(differing) <= 12


def test_nothing_has_no_bits() -> None:
    """A blank picture has no corners, and no corners have no bits."""
    luma = np.full((100, 256), 128, np.uint8)
    corners = find_corners(luma, 200)
    assert len(corners.places) == 0
    assert corner_bits(luma, corners).shape == (0, 32)


@pytest.mark.slow
def test_chosen_pairs_lie_within_reach_and_come_again() -> None:
    """The choice depends on photos and seed alone, and survives as text."""
    photos = [grey(seed) for seed in range(36)]
    pairs = choose_pairs(photos)
    assert pairs.shape == (128, 4)
    assert max(np.hypot(*pairs[:, :2].T).max(), np.hypot(*pairs[:, 2:].T).max()) <= REACH
    assert (choose_pairs(photos) == pairs).all()
    assert (from_text(as_text(pairs)) == pairs).all()
    with pytest.raises(ConfigError, match="too few photos"):
        choose_pairs(photos[:3])


def test_corners_are_what_find_corners_says() -> None:
    """Places lie in the picture, levels among those asked for."""
    luma = grey(5)
    corners = find_corners(luma, 150)
    assert isinstance(corners, Corners)
    assert len(corners.places) == len(corners.angles) == len(corners.levels) <= 150
    assert (corners.places >= 0).all()
    assert (corners.places < luma.shape[::-1]).all()
    assert corners.levels.min() >= 0
