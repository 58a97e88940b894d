"""Refinement lies pixel on pixel, whichever way a picture is turned."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from conftest import save, scene
from lookalike import explain_pair
from lookalike.model.arrays import UInt8Array
from lookalike.verification.block_correlation import refine
from lookalike.verification.plane import Plane


def grey(seed: int, width: int, height: int) -> UInt8Array:
    """Luma of a drawn picture."""
    return np.asarray(cv2.cvtColor(scene(seed, width, height), cv2.COLOR_RGB2GRAY), np.uint8)


@pytest.mark.parametrize("turn", ["none", "mirrored", "upside down"])
def test_refinement_ends_where_the_pixels_lie(turn: str) -> None:
    """From a start that is a pixel off."""
    luma = grey(5, 160, 120)
    across, down = {"none": (1, 1), "mirrored": (-1, 1), "upside down": (-1, -1)}[turn]
    turned = np.ascontiguousarray(luma[::down, ::across])
    truth = np.diag([across, down, 1.0])
    truth[:2, 2] = (159 if across < 0 else 0, 119 if down < 0 else 0)
    start = truth.copy()
    start[:2, 2] += (0.9, -0.7)
    found = refine(Plane(luma), Plane(turned), start, steps=30, halved=False)
    spots = np.array([[[x, y] for x in (40, 80, 120) for y in (30, 60, 90)]], np.float64)
    apart = cv2.perspectiveTransform(spots, found) - cv2.perspectiveTransform(spots, truth)
    assert np.abs(apart).mean() < 0.1


def test_a_mirrored_copy_is_compared_pixel_by_pixel(tmp_path: Path) -> None:
    """What tells the parent is its finest texture: half a pixel off, nothing does."""
    picture = scene(7, 299, 299)
    save(tmp_path / "source.png", picture)
    save(tmp_path / "mirrored.png", np.ascontiguousarray(picture[:, ::-1]))
    found = explain_pair(tmp_path / "source.png", tmp_path / "mirrored.png")
    assert found is not None
    placed = np.array(found.transform).reshape(3, 3) @ [10.0, 20.0, 1.0]
    assert placed[:2] / placed[2] == pytest.approx([288.0, 20.0], abs=0.1)
