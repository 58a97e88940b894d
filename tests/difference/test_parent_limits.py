"""Which picture is the parent: signs on both sides of every limit, and weights against weights."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from lookalike.difference import difference as room
from lookalike.difference.additions import Patch
from lookalike.difference.difference import Difference, describe_difference
from lookalike.difference.overlay import Detail, Laid
from lookalike.difference.parent import Signs, likely_parent
from lookalike.model.image import Picture
from lookalike.verification.edit import Tone, whole_frame

NOTHING = Signs([], False, 1.0, False, Detail(1.0, 1.0), 0)
#: what makes each sign speak for a picture: what it has, and what the other has
SIGNS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "added": ({}, {"added": ["text"]}),
    "scene": ({"shows_more": True}, {}),
    "pixels": ({"pixels": 2.0}, {"pixels": 0.5}),
    "colour": ({}, {"is_grey": True}),
    "detail": ({"detail": Detail(1.5, 1.0)}, {}),
    "tags": ({"tags": 3}, {}),
    "encoded": ({"detail": Detail(1.0, 0.9)}, {"detail": Detail(1.0, 1.0)}),
}


def parent(for_query: str, for_ref: str = "") -> str:
    """Which one it is, where signs speak for the query and for the ref."""
    query = ref = NOTHING
    for name in for_query.split():
        own, other = SIGNS[name]
        query, ref = replace(query, **own), replace(ref, **other)
    for name in for_ref.split():
        own, other = SIGNS[name]
        query, ref = replace(query, **other), replace(ref, **own)
    return likely_parent(query, ref)[0]


@pytest.mark.parametrize(
    ("for_query", "for_ref", "expected"),
    [
        ("tags", "", "query"),
        ("encoded", "", "query"),
        ("added", "pixels", "query"),
        ("added", "scene", "unknown"),
        ("scene", "detail", "query"),
        ("scene", "pixels", "unknown"),
        ("pixels", "tags", "query"),
        ("pixels", "detail", "unknown"),
        ("colour", "tags", "query"),
        ("colour", "detail", "unknown"),
        ("colour", "encoded", "query"),
        ("detail scene", "added", "query"),
        ("detail", "tags", "unknown"),
    ],
)
def test_signs_are_weighed_against_each_other(for_query: str, for_ref: str, expected: str) -> None:
    """By one at least, whichever picture comes first."""
    assert parent(for_query, for_ref) == expected
    turned = {"query": "ref", "unknown": "unknown"}[expected]
    if for_ref:
        assert parent(for_ref, for_query) == turned


def said(own: Detail, other: Detail = NOTHING.detail, pixels: float = 1.0) -> str:
    """What speaks for a picture, beside the other one."""
    query = replace(NOTHING, detail=own, pixels=pixels)
    return likely_parent(query, replace(NOTHING, detail=other, pixels=1 / pixels))[1]


@pytest.mark.parametrize(("pixels", "told"), [(1.02, False), (1.06, True)])
def test_more_pixels_speak(pixels: float, told: bool) -> None:
    """For one of the other."""
    assert ("pixels" in said(NOTHING.detail, pixels=pixels)) == told


@pytest.mark.parametrize(("fine", "told"), [(1.1, False), (1.2, True)])
def test_sharpness_speaks(fine: float, told: bool) -> None:
    """More than noise and compression make."""
    assert ("sharper" in said(Detail(fine, 1.0))) == told


@pytest.mark.parametrize(
    ("finest", "share", "told"),
    [(0.76, 0.7, False), (0.84, 0.7, True), (1.1, 0.71, True), (1.1, 0.79, False)],
)
def test_noise_of_the_other_speaks(finest: float, share: float, told: bool) -> None:
    """It has all of the finest texture, and something besides."""
    assert ("noise" in said(Detail(1.0, share * finest), Detail(1.0, finest))) == told


@pytest.mark.parametrize(
    ("finest", "less", "told"),
    [
        (0.95, 0.1, False),
        (0.99, 0.1, True),
        (1.01, 0.1, True),
        (1.04, 0.1, False),
        (1.0, 0.029, False),
        (1.0, 0.035, True),
    ],
)
def test_what_jpeg_leaves_speaks(finest: float, less: float, told: bool) -> None:
    """The other keeps the finest texture, and has a little besides."""
    assert ("encoded" in said(Detail(1.0, finest - less), Detail(1.0, finest))) == told


def picture(width: int = 480, height: int = 360, tags: int = 0) -> Picture:
    """A blank one."""
    rgb = np.full((height, width, 3), 120, np.uint8)
    return Picture(rgb, width, height, "PNG", True, tags)


def difference(query: Picture, ref: Picture, move: float = 0.0) -> Difference:
    """Of two pictures, the ref lying so many pixels to the right in the query."""
    sizes = (query.width, query.height), (ref.width, ref.height)
    seen = whole_frame(*sizes, (False, False, False), (1.0, 1.0), Tone())
    transform = (1.0, 0.0, -move, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0)
    return describe_difference(query, ref, replace(seen, transform=transform))


def test_pictures_are_compared_at_one_size() -> None:
    """Larger ones are shrunk."""
    found = difference(picture(960, 720), picture(960, 720))
    assert found.query_mask.shape == found.ref_mask.shape == (360, 480)


@pytest.mark.parametrize(("off", "left"), [(2.6, 0), (3.2, 3)])
def test_a_box_ends_at_the_rim(off: float, left: int) -> None:
    """From .006 of the long side on it is not the rim."""
    assert difference(picture(), picture(), off).query_box[0] == left


@pytest.mark.parametrize(("share", "expected"), [(0.0036, "unknown"), (0.0044, "ref")])
def test_crumbs_tell_no_parent(
    monkeypatch: pytest.MonkeyPatch, share: float, expected: str
) -> None:
    """What was added to the query covers so much of it."""
    mask = np.zeros((360, 480), bool)
    mask.reshape(-1)[: round(share * mask.size)] = True
    monkeypatch.setattr(room, "patches_within", lambda *given: [Patch("text", mask, False)])
    assert difference(picture(), picture()).parent == expected


@pytest.mark.parametrize(
    ("tone", "expected"),
    [
        (Tone(tint=7.2), "ref"),
        (Tone(tint=8.8), "unknown"),
        (Tone(gain=1.054), "ref"),
        (Tone(gain=0.946), "ref"),
        (Tone(gain=1.066), "unknown"),
        (Tone(gain=0.934), "unknown"),
        (Tone(grey=1), "query"),
    ],
)
def test_a_curve_of_tones_leaves_the_finest_texture_out(
    monkeypatch: pytest.MonkeyPatch, tone: Tone, expected: str
) -> None:
    """The query has what JPEG leaves; where tones changed too, that may be theirs."""
    plane, nothing = np.zeros((360, 480), np.float32), np.zeros((360, 480), bool)
    details = Detail(1.0, 0.9), Detail(1.0, 1.0)
    laid = Laid(False, plane, plane, np.eye(3), ~nothing, nothing, tone, details)
    monkeypatch.setattr(room, "lay_over", lambda *given: laid)
    assert difference(picture(), picture()).parent == expected
