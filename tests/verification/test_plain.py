"""Plain pictures: those that look the same are one, those that only seem blank are not."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from conftest import save, scene
from lookalike import FindConfig, compare, find, search
from lookalike.config import Effort
from lookalike.descriptors.hashes import ORIENTATIONS, THUMB_SPEC
from lookalike.verification.plain import plain_pairs


def slope(width: int, height: int, start: int, end: int) -> np.ndarray:
    """A grey picture that grows lighter from left to right."""
    row = np.linspace(start, end, width)
    return np.tile(np.rint(row).astype(np.uint8)[None, :, None], (height, 1, 3))


@pytest.mark.parametrize("effort", ["fast", "standard"])
def test_plain_pictures_that_look_the_same_are_one(
    tmp_path: Path, db: Path, effort: Effort
) -> None:
    """In any size, orientation and quality; another tone, or a star in the sky, is another one."""
    black = np.zeros((300, 400, 3), np.uint8)
    stars = [black.copy() for _ in range(2)]
    for seed, sky in enumerate(stars):
        for x, y in np.random.default_rng(seed).integers(20, 280, (12, 2)):
            sky[y, x] = 160
    pictures = {
        "black": black,
        "black small": black[:100, :90],
        "slope": slope(400, 300, 60, 160),
        "slope turned": cv2.rotate(slope(400, 300, 60, 160), cv2.ROTATE_90_CLOCKWISE),
        "slope lighter": slope(400, 300, 70, 170),
        "stars 0": stars[0],
        "stars 1": stars[1],
    }
    for name, picture in pictures.items():
        save(tmp_path / "in" / f"{name}.jpg", picture, 70 if "small" in name else 95)
    report = find(tmp_path / "in", db=db, config=FindConfig(effort=effort))
    assert report.funnel["low_information"] == len(pictures)
    assert sorted(cluster.members for cluster in report.clusters) == [
        ("black small.jpg", "black.jpg"),
        ("slope turned.jpg", "slope.jpg"),
    ]
    turned = next(match for match in report.matches if "slope" in match.query)
    assert turned.tier == "copy" and "rotated" in turned.edit


@pytest.mark.parametrize("tone", [0, 128, 255])
def test_plain_pictures_of_another_shape_or_size_are_others(
    tmp_path: Path, db: Path, tone: int
) -> None:
    """A line, a banner and a dot are not the page of their colour; resized ones are."""
    folder = tmp_path / "in"
    folder.mkdir()
    lone = {(1, 1000), (1, 1), (20, 3), (900, 60)}
    sizes = lone | {(1024, 768), (512, 384), (341, 256), (768, 1024), (768, 768), (60, 45)}
    for width, height in sorted(sizes):
        Image.new("RGB", (width, height), (tone,) * 3).save(folder / f"{width}x{height}.png")
    report = find(folder, db=db)
    assert [sorted(c.members) for c in report.clusters] == [
        sorted(f"{width}x{height}.png" for width, height in sizes - lone)
    ]
    for width, height in sorted(lone):
        match, _ = compare(folder / "1024x768.png", folder / f"{width}x{height}.png")
        assert match is None


def test_what_a_hash_says_of_squeezed_frames_is_not_believed(tmp_path: Path, db: Path) -> None:
    """A strip agrees with its picture cell by cell; no edit squeezes a side to a fifth."""
    for name, size in {"whole": (640, 480), "square": (480, 480), "strip": (112, 480)}.items():
        squeezed = cv2.resize(scene(5), size, interpolation=cv2.INTER_AREA)
        save(tmp_path / "in" / f"{name}.jpg", squeezed)
    report = find(tmp_path / "in", db=db)
    assert [cluster.members for cluster in report.clusters] == [("square.jpg", "whole.jpg")]
    hits = search(tmp_path / "in" / "strip.jpg", db=db).hits
    assert {hit.image.id: hit.tier for hit in hits if hit.tier != "exact"} == dict.fromkeys(
        (str(tmp_path / "in" / f"{name}.jpg") for name in ("square", "whole")), "similar"
    )


def test_what_is_transparent_is_not_plain(tmp_path: Path, db: Path) -> None:
    """White drawings on nothing are blank over white, and so is nothing itself."""
    for name, box in {"left": (20, 20, 80, 80), "right": (100, 50, 180, 140), "none": None}.items():
        logo = Image.new("RGBA", (200, 150), (255, 255, 255, 0))
        if box:
            logo.paste((255, 255, 255, 255), box)
        (tmp_path / "in").mkdir(exist_ok=True)
        logo.save(tmp_path / "in" / f"{name}.png")
    Image.new("RGB", (200, 150), "white").save(tmp_path / "in" / "white.png")
    assert not find(tmp_path / "in", db=db).matches


def test_many_equal_ones_are_tied_to_the_first() -> None:
    """Pairs grow with the pictures, not with their square; the preferred one is in all."""
    thumbs = np.full((50, THUMB_SPEC.dim), 200, np.uint8)
    thumbs[::2, 5] += 2
    sizes = np.full((50, 2), 300)
    low, high, turn, levels = plain_pairs(thumbs, sizes, [7, *range(7), *range(8, 50)])
    assert len(low) == 49 and ((low == 7) | (high == 7)).all()
    assert set(turn.tolist()) <= set(range(len(ORIENTATIONS))) and levels.max() == 2
    thumbs[3] += 3
    assert len(plain_pairs(thumbs, sizes, range(50))[0]) == 48


def test_nothing_plain_makes_no_pairs() -> None:
    """Columns are there, and empty."""
    empty = plain_pairs(np.empty((0, THUMB_SPEC.dim), np.uint8), np.empty((0, 2), int), [])
    assert [len(column) for column in empty] == [0, 0, 0, 0]
