"""What was added, on both sides of each limit: pictures made by hand, one limit at a time."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from lookalike.difference.additions import (
    Patch,
    _along_rim,
    _at_one,
    _drawn_share,
    _has_seam,
    _kind_beyond,
    _kind_within,
    _plain_share,
    patches_beyond,
    patches_within,
)

#: corners of a frame that lies nowhere near a picture: then no seam is looked for
AWAY = np.array([[-900, -900], [-800, -900], [-800, -800], [-900, -800]], np.float32)
SIDE = 400


def coloured(count: int, *shares: tuple[float, int], seed: int = 0) -> np.ndarray:
    """Pixels ``(count, 3)``, shares of which have grey levels; the rest is noise of all colours."""
    random = np.random.default_rng(seed)
    pixels = random.integers(0, 256, (count, 3))
    at = 0
    for share, level in shares:
        pixels[at : at + round(share * count)] = level
        at += round(share * count)
    return random.permutation(pixels).astype(np.uint8)


def beyond(share: float, *shares: tuple[float, int]) -> tuple[np.ndarray, np.ndarray]:
    """A picture, and a part of it on top that covers a share and has these colours."""
    part = np.zeros((SIDE, SIDE), bool)
    part[: round(share * SIDE)] = True
    rgb = coloured(SIDE * SIDE, seed=1).reshape(SIDE, SIDE, 3)
    rgb[part] = coloured(int(part.sum()), *shares)
    return rgb, part


@pytest.mark.parametrize(
    ("share", "shares", "kind"),
    [
        # plain: .97 of the pixels
        (0.2, [(0.98, 255)], "border"),
        (0.2, [(0.96, 255)], "caption"),
        # a caption is plain in half of it
        (0.2, [(0.53, 255)], "caption"),
        (0.2, [(0.42, 255)], "background"),
        # and covers .38 of the picture at most
        (0.36, [(0.8, 255)], "caption"),
        (0.40, [(0.8, 255)], "page"),
        # a page has a second colour in .2 of it, which fills .6 of what is not the first
        (0.2, [(0.83, 255), (0.17, 0)], "caption"),
        (0.2, [(0.77, 255), (0.23, 0)], "page"),
        (0.2, [(0.6, 255), (0.22, 0)], "caption"),
        (0.2, [(0.6, 255), (0.26, 0)], "page"),
        # three colours of a page fill .6 of it
        (0.5, [(0.21, 255), (0.21, 128), (0.21, 0)], "page"),
        (0.5, [(0.18, 255), (0.18, 128), (0.18, 0)], "background"),
        (0.5, [(0.16, 255), (0.16, 170), (0.16, 90), (0.16, 0)], "background"),
    ],
)
def test_kinds_of_what_lies_beyond_a_frame(
    share: float, shares: list[tuple[float, int]], kind: str
) -> None:
    """By the colours that fill it, and by how much of the picture it is."""
    assert _kind_beyond(*beyond(share, *shares)) == kind


@pytest.mark.parametrize(("away", "share"), [(24, 1.0), (25, 0.6)])
def test_nearly_one_colour(away: int, share: float) -> None:
    """Within 24 levels of the commonest."""
    assert _plain_share(coloured(1000, (0.6, 100), (0.4, 100 + away))) == share


@pytest.mark.parametrize(("away", "share"), [(2, 1.0), (3, 0.6)])
def test_the_very_same_colour(away: int, share: float) -> None:
    """Within 2 levels of the commonest."""
    assert _drawn_share(coloured(1000, (0.6, 100), (0.4, 100 + away))) == share


@pytest.mark.parametrize(
    ("tones", "each", "single", "share"), [(9, 0.06, 0.45, 0.54), (11, 0.045, 0.45, 0.45)]
)
def test_the_commonest_tone_is_one_of_nine(
    tones: int, each: float, single: float, share: float
) -> None:
    """Nine tones side by side count together, eleven do not."""
    spread = [(each, 60 + n) for n in range(tones)]
    pixels = coloured(4000, (single, 200), *spread)
    assert _plain_share(pixels) == pytest.approx(share, abs=0.02)


@pytest.mark.parametrize(("jump", "is_seam"), [(11, False), (13, True)])
def test_a_seam_jumps_beyond_the_change_beside_it(jump: int, is_seam: bool) -> None:
    """On a slope of 2 levels a pixel, 6 pixels apart, beside 4: from 11.7 levels on."""
    x = np.arange(160)
    row = np.clip(100 + 2 * (x - 80) + jump * (x >= 80), 0, 255)
    rgb = np.repeat(np.tile(row, (100, 1))[..., None], 3, axis=2).astype(np.uint8)
    outline = np.array([[-90, -90], [79.5, -90], [79.5, 190], [-90, 190]], np.float32)
    assert _has_seam(rgb, outline) == is_seam


@pytest.mark.parametrize(("length", "is_seam"), [(7, False), (8, True)])
def test_a_seam_has_a_length(length: int, is_seam: bool) -> None:
    """Sides of a frame below 8 pixels tell nothing."""
    rgb = np.full((60, 60, 3), 250, np.uint8)
    rgb[26 : 26 + length, 26 : 26 + length] = 0
    low, high = 25.5, 25.5 + length
    outline = np.array([[low, low], [high, low], [high, high], [low, high]], np.float32)
    assert _has_seam(rgb, outline) == is_seam


@pytest.mark.parametrize(("columns", "found"), [(7, 0), (9, 1)])
def test_little_beyond_a_frame_is_nothing(columns: int, found: int) -> None:
    """From .008 of the picture on."""
    rgb = coloured(200 * 1000, seed=2).reshape(200, 1000, 3)
    strip = np.zeros((200, 1000), bool)
    strip[:, 1000 - columns :] = True
    rgb[strip] = 255
    edge = 999.5 - columns
    outline = np.array([[-90, -90], [edge, -90], [edge, 290], [-90, 290]], np.float32)
    # texture would hide the seam
    smooth = np.where(strip[..., None], rgb, 60).astype(np.uint8)
    patches, is_scene = patches_beyond(smooth, outline, strip)
    assert [patch.kind for patch in patches] == ["border"] * found and not is_scene


@pytest.mark.parametrize(("columns", "found"), [(7, 1), (9, 2)])
def test_small_parts_beyond_a_frame_are_left_out(columns: int, found: int) -> None:
    """Each is half of the least at least: .004 of the picture."""
    strips = np.zeros((100, 2000), bool)
    strips[:, :columns] = True
    strips[:, 1960:] = True
    rgb = np.where(strips[..., None], 255, 60).astype(np.uint8).repeat(3, axis=2)
    low, high = columns - 0.5, 1959.5
    outline = np.array([[low, -90], [high, -90], [high, 190], [low, 190]], np.float32)
    assert len(patches_beyond(rgb, outline, strips)[0]) == found


@pytest.mark.parametrize(
    ("share", "shares", "kinds", "is_scene"),
    [
        (0.018, [], [], False),
        (0.022, [], [], True),
        # one colour fills half of it: no scene
        (0.3, [(0.45, 90)], [], True),
        (0.3, [(0.56, 90)], [], False),
        # plain, and the very same colour in .9 of it: drawn, although there is no seam
        (0.3, [(0.86, 90), (0.13, 110)], [], False),
        (0.3, [(0.94, 90), (0.05, 110)], ["border"], False),
        (0.3, [(0.94, 90)], [], False),
    ],
)
def test_a_part_without_a_seam(
    share: float, shares: list[tuple[float, int]], kinds: list[str], is_scene: bool
) -> None:
    """More of the scene from .02 of the picture on; or drawn, in the picture's own colour."""
    rgb = coloured(1000 * 100, seed=3).reshape(1000, 100, 3)
    part = np.zeros((1000, 100), bool)
    part[: round(share * 1000)] = True
    rgb[part] = coloured(int(part.sum()), *shares)
    patches, goes_on = patches_beyond(rgb, AWAY, part)
    assert [patch.kind for patch in patches] == kinds and goes_on == is_scene


def laid(*boxes: tuple[int, int, int, int], side: int = SIDE) -> np.ndarray:
    """A mask of boxes: left, top, width, height."""
    mask = np.zeros((side, side), bool)
    for left, top, width, height in boxes:
        mask[top : top + height, left : left + width] = True
    return mask


def found_within(mask: np.ndarray, level: float = 100.0) -> list[Patch]:
    """Patches where one picture has something lighter that the other has not."""
    plain = np.full(mask.shape, 100.0, np.float32)
    return patches_within(np.where(mask, plain + level, plain).astype(np.float32), plain, mask)


@pytest.mark.parametrize(("side", "found"), [(13, 0), (15, 1)])
def test_specks_are_left_out(side: int, found: int) -> None:
    """Of .0012 of the picture, here a square of 14 pixels."""
    assert len(found_within(laid((100, 100, side, side)))) == found


@pytest.mark.parametrize(("size", "gap", "found"), [(400, 9, 1), (400, 12, 2), (60, 3, 2)])
def test_differences_side_by_side_are_one(size: int, gap: int, found: int) -> None:
    """Over .025 of the side of the picture, and over two pixels of a small one."""
    width = size // 12
    mask = laid((10, 10, width, width), (10 + width + gap, 10, width, width), side=size)
    assert len(found_within(mask)) == found


def test_who_has_the_edge_has_the_patch() -> None:
    """Steep from 6 on; where both have it, by likeness .75, nothing was laid on either."""
    mask = laid((100, 100, 120, 120))
    for levels, found in ((2.7, 0), (3.4, 1)):
        flat = np.full(mask.shape, 100.0, np.float32)
        one = np.where(mask, flat + levels, flat).astype(np.float32)
        steep = max(_along_rim(one, flat, mask)[:2])
        assert 4.6 < steep < 6 if not found else 6 < steep < 7.4, steep
        assert len(patches_within(one, flat, mask)) == found
    noise = np.random.default_rng(0).normal(0, 1, mask.shape).astype(np.float32)
    noise = cv2.GaussianBlur(noise, (0, 0), 1.5)
    one = np.where(mask, 200.0, 100.0).astype(np.float32)
    alike = {}
    for strength in np.arange(20.0, 600.0, 4.0):
        other = (one + strength * noise).astype(np.float32)
        alike[_along_rim(one, other, mask)[2]] = other
    below, above = max(a for a in alike if a < 0.75), min(a for a in alike if a > 0.75)
    assert below > 0.7 and above < 0.8
    assert len(patches_within(one, alike[below], mask)) == 1
    assert len(patches_within(one, alike[above], mask)) == 0


@pytest.mark.parametrize(
    ("mask", "kind"),
    [
        # thick from .03 of the side on
        (laid((50, 50, 100, 11)), "lines"),
        (laid((50, 50, 100, 13)), "overlay"),
        # solid where it fills half of its hull
        (laid((50, 50, 200, 40), (50, 50, 40, 200)), "overlay"),
        (laid((50, 50, 200, 30), (50, 50, 30, 200)), "lines"),
        # a thin piece is a line from .3 of the side on, or six times as long as wide
        (laid((50, 100, 111, 3), (104, 46, 3, 111)), "overlay"),
        (laid((50, 110, 131, 3), (114, 46, 3, 131)), "lines"),
        (laid((50, 50, 41, 9)), "overlay"),
        (laid((50, 50, 57, 9)), "lines"),
        # three pieces are text
        (laid((50, 50, 8, 10), (70, 50, 8, 10)), "overlay"),
        (laid((50, 50, 8, 10), (64, 50, 8, 10), (78, 50, 8, 10)), "text"),
    ],
)
def test_kinds_of_what_was_laid_on(mask: np.ndarray, kind: str) -> None:
    """By thickness, how it fills its hull, length, and pieces."""
    assert _kind_within(mask, cv2.morphologyEx(mask.astype(np.uint8), 3, None) > 0, SIDE)[0] == kind


@pytest.mark.parametrize(("height", "kind"), [(37, "text"), (43, "overlay")])
def test_strokes_side_by_side_are_solid_where_they_are_thick(height: int, kind: str) -> None:
    """From .1 of the side on once joined, however thin the strokes are."""
    block = laid((50, 50, 90, height))
    strokes = block.copy()
    strokes[:, ::6] = strokes[:, 1::6] = strokes[:, 2::6] = False
    assert _kind_within(strokes, block, SIDE)[0] == kind


@pytest.mark.parametrize(("share", "kind"), [(0.005, "lines"), (0.007, "text")])
def test_crumbs_are_of_the_largest_ones_kind(share: float, kind: str) -> None:
    """Below .006 of the picture."""
    large, small = laid((0, 0, SIDE, 20)), laid((0, 100, round(share * SIDE * 10), SIDE // 10))
    found = _at_one([Patch("lines", large, True), Patch("text", small, True)])
    assert [patch.kind for patch in found] == ["lines", kind]


@pytest.mark.parametrize(("share", "has"), [(0.018, False), (0.015, True)])
def test_the_picture_that_has_most_has_all(share: float, has: bool) -> None:
    """Three times as much as the other: .05 against .0167."""
    large, small = laid((0, 0, SIDE, 20)), laid((0, 100, round(share * SIDE * 10), SIDE // 10))
    found = _at_one([Patch("overlay", large, True), Patch("overlay", small, False)])
    assert [patch.is_fixed for patch in found] == [True, has]
