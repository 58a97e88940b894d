"""Verification: edits are found and named, strangers stay strangers."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from conftest import save, scene
from lookalike import compare
from lookalike.evaluation.edits import edit_picture
from lookalike.model.errors import ConfigError
from lookalike.model.match import Match
from lookalike.verification.edit import reverse


def matched(tmp_path: Path, first: np.ndarray, second: np.ndarray) -> Match | None:
    """How two pictures are related, through files."""
    a, b = save(tmp_path / "a.jpg", first), save(tmp_path / "b.jpg", second)
    match, report = compare(a, b)
    assert not report.failures
    return match


@pytest.mark.parametrize(
    ("edit", "words", "frame"),
    [
        ("mirror", "mirrored", "same"),
        ("flip", "flipped top to bottom", "same"),
        ("rotate_90", "rotated 90°", "same"),
        ("rotate_180", "rotated 180°", "same"),
        ("transpose", "mirrored, rotated 90°", "same"),
        ("rotate_25", "rotated 25°, border added", "bordered"),
        ("crop_87", "cropped to 7", "cropped"),
        ("crop_50", "cropped to 50%", "cropped"),
        ("resize_50", "resized to 50%", "same"),
        ("squash", "stretched 1.33:1", "same"),
        ("grey", "made grey", "same"),
        ("letterbox", "border added, picture is 7", "bordered"),
        ("caption_bar", "border added, picture is 8", "bordered"),
        ("brightness", "brighter", "same"),
        ("jpeg_20", "re-encoded", "same"),
        ("perspective", "border added", "bordered"),
        ("pasted", "placed inside", "inset"),
        ("screenshot", "added", "bordered"),
    ],
)
def test_edits_are_found_and_named(tmp_path: Path, edit: str, words: str, frame: str) -> None:
    """The match says which edit made the second file of the first."""
    rgb = scene(21)
    match = matched(tmp_path, rgb, edit_picture(rgb, edit, source="x", other=scene(22)))
    assert match is not None and match.tier == "copy" and match.verification is not None
    assert words in match.edit, match.edit
    assert match.verification.frame == frame


def test_what_moved_by_itself_makes_another_shot(tmp_path: Path) -> None:
    """A thing that is elsewhere in the second picture, and what was behind it is seen."""
    behind, thing = scene(21), scene(27)[:240, :200]
    first, second = behind.copy(), behind.copy()
    first[100:340, 80:280] = thing
    second[110:350, 230:430] = thing
    covered = first.copy()
    covered[100:340, 80:280] = scene(25)[:240, :200]
    match = matched(tmp_path, first, second)
    assert match is None, match
    # what only covers a part of it is an edit
    match = matched(tmp_path, first, covered)
    assert match is not None and match.tier == "copy"
    assert match.verification is not None and match.verification.moved == 0


def test_the_transform_maps_the_frames(tmp_path: Path) -> None:
    """A known crop and resize comes back to within two pixels, and its reverse too."""
    rgb = scene(23)
    crop = cv2.resize(rgb[100:400, 200:600], (800, 600), interpolation=cv2.INTER_CUBIC)
    match = matched(tmp_path, rgb, crop)
    assert match is not None and match.verification is not None
    seen = match.verification
    corners = np.array([[200, 100, 1], [600, 400, 1]]) @ np.array(seen.transform).reshape(3, 3).T
    assert np.abs(corners[:, :2] / corners[:, 2:] - [[0, 0], [800, 600]]).max() < 8
    assert seen.scale == pytest.approx(0.5, rel=0.03)
    assert seen.overlap_ref == pytest.approx(1.0, abs=0.03)
    assert seen.overlap_query == pytest.approx(0.39, abs=0.03)
    back = reverse(seen, (640, 480), (800, 600))
    assert back.scale == pytest.approx(2.0, rel=0.03)
    assert (seen.frame, back.frame) == ("cut out", "inset")


def test_a_mirrored_crop_is_found(tmp_path: Path) -> None:
    """Mirrored copies need no other copy as a bridge."""
    rgb = scene(24)
    match = matched(tmp_path, rgb, rgb[40:400, 60:560][:, ::-1])
    assert match is not None and match.verification is not None
    assert match.verification.mirrored and "mirrored" in match.edit


def under_caption(rgb: np.ndarray) -> np.ndarray:
    """A picture under a page's caption bar."""
    bar = np.full((120, rgb.shape[1], 3), 255, np.uint8)
    cv2.putText(bar, "BREAKING: THE SAME HEADLINE", (10, 70), 0, 1.2, (0, 0, 0), 3)
    return np.vstack([bar, rgb])


def with_logo(rgb: np.ndarray) -> np.ndarray:
    """A picture with a textured logo in its corner."""
    copy = rgb.copy()
    copy[20:140, 20:180] = scene(99, 160, 120)
    return copy


def framed(rgb: np.ndarray) -> np.ndarray:
    """A picture in a patterned frame."""
    frame = scene(98, 760, 600)
    frame[60:540, 60:700] = rgb
    return frame


@pytest.mark.parametrize("add", [under_caption, with_logo, framed], ids=lambda f: f.__name__)
def test_sharing_an_addition_joins_no_strangers(tmp_path: Path, add: object) -> None:
    """A caption bar, a logo or a frame in common is not a common picture."""
    assert callable(add)
    save(tmp_path / "in" / "a.jpg", add(scene(31)))
    save(tmp_path / "in" / "b.jpg", add(scene(32)))
    from lookalike import find

    report = find(tmp_path / "in", db=tmp_path / "db")
    assert report.matches == ()


def test_strangers_do_not_match(tmp_path: Path) -> None:
    """Unrelated pictures, texts and stripes have nothing to say to each other."""
    stripes = np.zeros((480, 640, 3), np.uint8)
    stripes[:, ::16] = stripes[:, 1::16] = 255
    assert matched(tmp_path, scene(41), scene(42)) is None
    assert matched(tmp_path, scene(41), stripes) is None


def test_compare_refuses_one_file_twice(tmp_path: Path) -> None:
    """Two names of one file are no pair."""
    path = save(tmp_path / "a.jpg", scene(1))
    with pytest.raises(ConfigError, match="two names of one file"):
        compare(path, path)


def grain(seed: int) -> np.ndarray:
    """A sky: one slope, and the grain of the sensor."""
    height, width = 480, 640
    noise = np.random.default_rng(seed).normal(0, 6, (height // 2, width // 2, 1))
    soft = cv2.resize(cv2.GaussianBlur(noise, (0, 0), 1.0), (width, height))[..., None]
    sky = np.linspace(150, 190, height)[:, None, None] + soft + np.array([0, 10, 30])
    return np.clip(np.rint(sky), 0, 255).astype(np.uint8)


def test_skies_are_told_apart_by_their_grain(tmp_path: Path) -> None:
    """A crop of one is found, another one is not."""
    sky = grain(1)
    match = matched(tmp_path, sky, np.ascontiguousarray(sky[30:420, 60:600]))
    assert match is not None and match.tier == "copy" and "cropped" in match.edit
    assert matched(tmp_path, sky, grain(2)) is None


def test_a_sticker_with_more_texture_than_the_picture_hides_nothing(tmp_path: Path) -> None:
    """Of a plain drawing little is left to agree; it lies where it was."""
    drawing = np.full((480, 640, 3), (230, 226, 214), np.uint8)
    for x, y, size in ((80, 90, 30), (150, 380, 24), (560, 400, 34), (240, 60, 20), (70, 250, 18)):
        cv2.rectangle(drawing, (x, y), (x + size, y + size // 2), (20, 60, 120), -1, cv2.LINE_AA)
        cv2.circle(drawing, (x + size, y), size // 3, (150, 30, 40), -1, cv2.LINE_AA)
    covered = drawing.copy()
    covered[140:340, 270:500] = cv2.resize(scene(31), (230, 200))
    match = matched(tmp_path, drawing, covered)
    assert match is not None and match.tier == "copy" and match.verification is not None
    assert match.verification.frame == "same" and match.verification.agreement < 0.2
    assert matched(tmp_path, scene(30), covered) is None
