"""Which pairs the cascade looks at, on both sides of each limit: stages made by hand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from evidence import WHOLE, image
from lookalike.config import FindConfig, LocalConfig
from lookalike.descriptors.keypoints import KINDS
from lookalike.matching.backdrops import Frames, with_backdrops
from lookalike.matching.candidates import HashPairs, vote_settings
from lookalike.matching.cascade import _by_keypoints, _by_whole_frame, _inside, _same_pixels
from lookalike.matching.match_graph import Pairs
from lookalike.model.image import ImageRef
from lookalike.model.match import Match
from lookalike.verification.whole_frame import ThumbAgreement


def hash_pairs(*rows: tuple[int, int, int]) -> HashPairs:
    """Near hashes: query, ref and bits of each."""
    query, ref, bits = np.array(rows, np.int64).reshape(-1, 3).T
    return HashPairs(query, ref, np.zeros_like(query), bits)


def all_agree(count: int) -> ThumbAgreement:
    """Thumbs that agree everywhere."""
    one, zero = np.ones(count, np.float32), np.zeros(count, np.float32)
    return ThumbAgreement(one, one, one, one, one, one, zero, np.zeros(count, np.int8), zero)


def stages_of(near: HashPairs) -> Any:
    """Stages that find these pairs near, all thumbs alike, and all pixels equal."""
    return SimpleNamespace(
        near_hashes=lambda shas: near,
        hashes_between=lambda queries, refs: near,
        equal_thumbs=lambda shas, query, ref: np.ones(len(query), bool),
        thumb_agreement=lambda names, query, ref, turn: all_agree(len(query)),
        pixel_digests=lambda shas: dict.fromkeys(shas, "equal"),
    )


@pytest.mark.parametrize(
    ("formats", "bits", "is_asked"),
    [
        (("PNG", "PNG"), 12, True),
        (("PNG", "PNG"), 13, False),
        (("JPEG", "JPEG"), 12, True),
        (("JPEG", "PNG"), 31, True),
        (("JPEG", "PNG"), 32, False),
    ],
)
def test_full_pixels_are_compared_where_hashes_are_near(
    formats: Sequence[str], bits: int, is_asked: bool
) -> None:
    """Within 12 bits of files that were reduced alike, 31 where a JPEG's decoder reduced one."""
    images = {name: image(name, format=kind) for name, kind in zip("ab", formats, strict=True)}
    near = hash_pairs((0, 1, bits))
    frames = Frames(["a", "b"], np.arange(2), near)
    found = _same_pixels(Pairs(images), ["a", "b"], frames, stages_of(near))
    assert found == ({("a", "b")} if is_asked else set())


@pytest.mark.parametrize(("count", "kept"), [(16, 16 * 15 // 2), (17, 16)])
def test_small_stars_keep_every_pair(count: int, kept: int) -> None:
    """Of 17 alike only those with the centre."""
    names = [chr(ord("a") + n) for n in range(count)]
    near = hash_pairs(*((a, b, 20) for a in range(count) for b in range(a + 1, count)))
    pairs = Pairs({name: image(name) for name in names})
    left = _by_whole_frame(pairs, names, [], stages_of(near), FindConfig())
    assert len(pairs.matches) == kept and left == {}


@pytest.mark.parametrize(("second", "either"), [(7, True), (6, False)])
def test_symmetric_pictures_are_looked_at_both_ways(second: int, either: bool) -> None:
    """Where more than six keypoints meet in the other orientation too."""
    names = [chr(ord("a") + n) for n in range(12)]
    pairs = Pairs({name: image(name) for name in names})

    def votes(shas: Sequence[str], kind: object, least: int) -> Any:
        low, high = np.array([0]), np.array([1])
        return (low, high, np.array([9])), (low, high, np.array([second]))

    stages: Any = SimpleNamespace(votes=votes)
    leads = _by_keypoints(pairs, names, FindConfig(), stages, KINDS["orb"])
    assert leads["a", "b"].either == either and not leads["a", "b"].mirrored


@pytest.mark.parametrize(
    ("own", "shown", "scale", "share"),
    [
        (0.98, 0.5, 2.0, 0.5),
        (0.979, 0.5, 2.0, 0.0),
        (1.0, 0.899, 2.0, 0.899),
        (1.0, 0.9, 2.0, 0.0),
        (1.0, 0.5, 1.021, 0.5),
        (1.0, 0.5, 1.019, 0.0),
        (1.0, 0.5, 0.979, 0.5),
    ],
)
def test_what_lies_inside_a_centre(own: float, shown: float, scale: float, share: float) -> None:
    """All but .02 of it, less than .9 of the centre, and not at the centre's own scale."""
    pairs = Pairs({"a": image("a"), "b": image("b")})
    seen = replace(WHOLE, overlap_query=shown, overlap_ref=own, scale=scale)
    pairs.matches["a", "b"] = Match("a", "b", "copy", 0.1, "agreement", seen)
    assert _inside(pairs, "a", "b") == share
    turned = replace(seen, overlap_query=own, overlap_ref=shown)
    pairs.matches["a", "b"] = Match("a", "b", "copy", 0.1, "agreement", turned)
    assert _inside(pairs, "b", "a") == share


@pytest.mark.parametrize(("height", "alike"), [(50, 0.97), (49, 0.97 / 2)])
def test_a_small_picture_is_half_as_typical(height: int, alike: float) -> None:
    """Below half of the pixels of the other; of other shape both count half."""
    images = {"a": image("a", width=100, height=100), "b": image("b", width=100, height=height)}
    pairs = Pairs(images)
    pairs.matches["a", "b"] = Match("a", "b", "copy", 0.1, "agreement", WHOLE)
    assert pairs.typical()("b")[0] == pytest.approx(-alike / 2)
    assert pairs.typical()("a")[0] == pytest.approx(-0.97 / 2)


def test_a_substring_fits_into_a_number_with_what_it_belongs_to() -> None:
    """Of 60 bits at most, however many keypoints there are."""
    assert vote_settings(LocalConfig(), KINDS["orb"], 2**90, 4).substring == 60


@pytest.mark.parametrize(("bits", "found"), [(32, 1), (33, 0)])
def test_a_backdrop_that_suits_is_near(bits: int, found: int) -> None:
    """Within 32 bits: of many tries some are near by chance."""
    images: list[ImageRef] = [image("a", transparent=True), image("b")]
    nothing = hash_pairs()
    frames = with_backdrops(images, nothing, stages_of(hash_pairs((0, 0, bits))))
    assert len(frames.near.query) == found
