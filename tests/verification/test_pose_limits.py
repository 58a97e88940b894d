"""Transforms of keypoints: hand-made correspondences on both sides of every limit."""

from __future__ import annotations

import math

import numpy as np
import pytest
from numpy.typing import ArrayLike

from lookalike.descriptors.keypoints import Keypoints
from lookalike.verification.motion import own_motion
from lookalike.verification.transform import fit_transform, in_place

#: five places in two groups, 100 pixels apart
TWO_GROUPS = np.array([[20, 20], [20, 100], [20, 180], [120, 60], [120, 140]], np.float64)
SECOND_GROUP = np.array([0, 0, 0, 1, 1])
GRID = np.array([[x, y] for x in range(20, 240, 40) for y in range(20, 180, 40)], np.float64)


def keypoints(places: ArrayLike, *, turns: ArrayLike = 0.0, octaves: ArrayLike = 0.0) -> Keypoints:
    """Keypoints at some places; turns in degrees."""
    at = np.asarray(places, np.float32)
    angles, sizes = (np.broadcast_to(np.asarray(v, np.float32), len(at)) for v in (turns, octaves))
    bits = np.zeros((len(at), 32), np.uint8)
    return Keypoints(at, np.radians(angles).astype(np.float32), sizes, bits)


def fitted(
    first: ArrayLike, second: ArrayLike, least: int = 5, *, turn: ArrayLike = 0.0, grow: float = 1.0
) -> tuple[np.ndarray, int] | None:
    """The transform of places that correspond one by one."""
    query = keypoints(first)
    ref = keypoints(second, turns=turn, octaves=math.log2(grow))
    pairs = np.repeat(np.arange(len(query)), 2).reshape(-1, 2)
    return fit_transform(query, ref, pairs, least)


@pytest.mark.parametrize(("off", "found"), [(14.4, True), (17.6, False)])
def test_a_hypothesis_reaches_some_pixels(off: float, found: bool) -> None:
    """A stretch puts the second group off what the first one's pose says."""
    second = TWO_GROUPS * (1 + off / 100, 1.0)
    assert (fitted(TWO_GROUPS, second) is not None) == found


@pytest.mark.parametrize(("turn", "found"), [(22.5, True), (27.5, False)])
def test_correspondences_of_one_pose_turn_alike(turn: float, found: bool) -> None:
    """The second group turns by itself."""
    assert (fitted(TWO_GROUPS, TWO_GROUPS, turn=turn * SECOND_GROUP) is not None) == found


@pytest.mark.parametrize(("octaves", "found"), [(0.54, True), (0.66, False)])
def test_correspondences_of_one_pose_grow_alike(octaves: float, found: bool) -> None:
    """The second group grows by itself."""
    ref = keypoints(TWO_GROUPS, octaves=octaves * SECOND_GROUP)
    pairs = np.repeat(np.arange(5), 2).reshape(-1, 2)
    assert (fit_transform(keypoints(TWO_GROUPS), ref, pairs, 5) is not None) == found


def test_the_surest_correspondences_are_looked_at() -> None:
    """Of twenty that agree, ten lie behind the first 160."""
    random = np.random.default_rng(0)
    wrong = random.uniform(0, 1000, (150, 2)), random.uniform(5000, 9000, (150, 2))
    first, second = (np.concatenate([part, GRID[:20]]) for part in wrong)
    found = fitted(first, second)
    assert found is not None and found[1] == 10


@pytest.mark.parametrize(("count", "found"), [(3, False), (4, True)])
def test_a_map_is_fitted_to_more_than_fix_it(count: int, found: bool) -> None:
    """Three correspondences fix any affine map."""
    places = np.array([[20, 20], [200, 20], [20, 150], [120, 90]], np.float64)[:count]
    assert (fitted(places, places, 1) is not None) == found


@pytest.mark.parametrize(("off", "pulled"), [(2.2, True), (2.7, False)])
def test_what_is_off_the_map_does_not_pull_it(off: float, pulled: bool) -> None:
    """One of 24 correspondences, in a corner, is some pixels off."""
    second = GRID.copy()
    second[0, 0] -= off
    found = fitted(GRID, second)
    assert found is not None
    assert (np.abs(found[0] - np.eye(3)).max() > 1e-3) == pulled


@pytest.mark.parametrize(("off", "places"), [(3.6, 24), (4.4, 23)])
def test_what_is_nearly_right_counts(off: float, places: int) -> None:
    """As explained by a transform, and as in place frame on frame."""
    second = GRID.copy()
    second[0, 0] += off
    found = fitted(GRID, second)
    assert found is not None and found[1] == places
    pairs = np.repeat(np.arange(24), 2).reshape(-1, 2)
    laid = in_place(keypoints(GRID), keypoints(second), pairs, [(256, 192)] * 2, 4)
    assert laid is not None and laid[1] == places


@pytest.mark.parametrize(("width", "found"), [(2585, True), (2637, False)])
def test_frames_of_one_shape_lie_on_each_other(width: int, found: bool) -> None:
    """Ten times as large, and a little wider."""
    second = GRID * (width / 256, 10.0)
    pairs = np.repeat(np.arange(24), 2).reshape(-1, 2)
    sizes = [(256, 192), (width, 1920)]
    laid = in_place(keypoints(GRID), keypoints(second), pairs, sizes, 4)
    assert (laid is not None) == found


@pytest.mark.parametrize(("apart", "places"), [(1.35, 5), (1.65, 6)])
def test_a_corner_that_is_found_twice_counts_once(apart: float, places: int) -> None:
    """On two levels of a pyramid."""
    twice = np.concatenate([TWO_GROUPS[:5] // 3 * 3, [[18 + apart, 18]]])
    found = fitted(twice, twice)
    assert found is not None and found[1] == places


@pytest.mark.parametrize(
    ("growth", "found"), [(0.045, False), (0.055, True), (18.0, True), (22.0, False)]
)
def test_what_shrinks_or_grows_beyond_edits_is_no_copy(growth: float, found: bool) -> None:
    """A frame of 256 pixels shrinks to a dozen, or a dozen grow to a frame."""
    side = 12.0 if growth > 1 else 240.0
    places = np.array([[x, y] for x in range(4) for y in range(4)]) * side / 3
    assert (fitted(places, places * growth, grow=growth) is not None) == found


def bent_by(
    straight: int = 20, bent: int = 8, *, at: int = 200, slip: float = 0.0, wild: int = 0
) -> tuple[int, bool]:
    """Places explained, and whether by a homography, of correspondences under a perspective.

    Args:
        straight: correspondences at the left, where it is nearly affine.
        bent: those farther right, where it is not.
        at: pixels to these.
        slip: pixels by which these miss it, up and down in turn.
        wild: further ones beside them that follow nothing.
    """
    left = np.array([[10 + 11 * (n % 5), 8 + 12 * (n // 5)] for n in range(straight)], np.float64)
    right = np.array([[at + 9 * (n % 3), 6 + 11 * n] for n in range(bent)], np.float64)
    others = np.array([[at - 10, 12 + 13 * n] for n in range(wild)], np.float64).reshape(-1, 2)
    places = np.concatenate([left, right, others])
    second = places / (1 + 0.0005 * places[:, :1])
    second[straight : straight + bent, 1] += slip * (-1.0) ** np.arange(bent)
    second[straight + bent :, 1] += 15 * (-1.0) ** np.arange(wild)
    return explained(fitted(places, second))


def explained(found: tuple[np.ndarray, int] | None) -> tuple[int, bool]:
    """Places explained, and whether by a homography."""
    assert found is not None
    return found[1], bool(abs(found[0][2, 0]) > 1e-6)


def test_a_homography_is_tried_where_much_lies_near() -> None:
    """A quarter more than the map explains."""
    assert bent_by(bent=5) == (20, False)
    assert bent_by(bent=6) == (26, True)


def test_a_homography_is_kept_where_it_explains_clearly_more() -> None:
    """Of what is near, some follow it, the others nothing."""
    assert bent_by(bent=3, wild=6) == (20, False)
    assert bent_by(bent=4, wild=6) == (24, True)


def test_a_homography_wants_a_firm_map() -> None:
    """Eight places that the map explains."""
    assert bent_by(7, 6) == (7, False)
    assert bent_by(8, 6) == (14, True)


def test_a_homography_explains_what_is_near_it() -> None:
    """What misses it by less than three pixels, with some room for its own fit."""
    assert bent_by(slip=2.4) == (28, True)
    assert bent_by(slip=2.8)[0] < 28


def test_a_homography_bends_what_is_not_far_off_the_map() -> None:
    """The farther to the right, the farther off."""
    assert bent_by(at=240) == (28, True)
    assert bent_by(at=270) == (20, False)


@pytest.mark.parametrize(("depth", "kept"), [(4.5, (26, True)), (5.5, (20, False))])
def test_a_perspective_is_not_too_deep(depth: float, kept: tuple[int, bool]) -> None:
    """The last place lies so many times as deep as the first corner."""
    left = [[200 + 5 * (n % 5), 60 + 10 * (n // 5)] for n in range(20)]
    right = [[288 + 4 * (n % 3), 60 + 8 * n] for n in range(6)]
    places = np.array([*left, *right], np.float64)
    bend = (depth - 1) / places[:, 0].max()
    middle = 1 + bend * 210
    second = places / (1 + bend * places[:, :1]) * middle
    # as large as it was in the middle of what is straight
    second[:, 0] *= middle
    second[:, 0] += places[0, 0] - second[0, 0]
    assert explained(fitted(places, second)) == kept


def moved(
    ways: ArrayLike,
    places: ArrayLike | None = None,
    *,
    turn: float = 0.0,
    octaves: float = 0.0,
) -> int:
    """Places of the largest part that moved by itself; the frames lie on each other.

    Args:
        ways: ``(k, 2)`` how far each keypoint moved.
        places: ``(k, 2)`` where it was; four that lie together by default.
        turn: degrees that each turned.
        octaves: by which each grew.
    """
    first = np.array([[60, 60], [60, 70], [70, 60], [70, 70]] if places is None else places)
    second = first + np.asarray(ways, np.float64)
    pairs = np.repeat(np.arange(len(first)), 2).reshape(-1, 2)
    nothing = np.zeros((8, 8), bool)
    return own_motion(
        keypoints(first),
        keypoints(second, turns=turn, octaves=octaves),
        pairs,
        np.eye(3),
        frames=((256, 192), (256, 192)),
        shown=(nothing, nothing),
    )


@pytest.mark.parametrize(("way", "parts"), [(3.6, 0), (4.4, 4), (57.6, 4), (70.4, 0)])
def test_a_part_moves_more_than_a_little_and_not_too_far(way: float, parts: int) -> None:
    """Pixels of a frame of 256."""
    assert moved([[way, 0]] * 4) == parts


@pytest.mark.parametrize(("turn", "parts"), [(10.8, 4), (13.2, 0)])
def test_a_part_turns_little(turn: float, parts: int) -> None:
    """Degrees."""
    assert moved([[20, 0]] * 4, turn=turn) == parts


@pytest.mark.parametrize(("octaves", "parts"), [(0.27, 4), (0.33, 0)])
def test_a_part_keeps_its_size(octaves: float, parts: int) -> None:
    """By octaves."""
    assert moved([[20, 0]] * 4, octaves=octaves) == parts


@pytest.mark.parametrize(
    ("apart", "otherwise", "parts"),
    [(5, 4.1, 2), (5, 4.9, 1), (80, 11.0, 2), (80, 13.0, 1), (85, 0.0, 2), (94, 0.0, 1)],
)
def test_keypoints_of_one_part_go_one_way(apart: int, otherwise: float, parts: int) -> None:
    """The farther they lie apart, the less alike, and not across the picture."""
    places = [[100, 60], [100, 60 + apart]]
    assert moved([[20, 0], [20 + otherwise, 0]], places) == parts


@pytest.mark.parametrize(("apart", "parts"), [(1.8, 4), (2.2, 5)])
def test_a_corner_that_moved_counts_once(apart: float, parts: int) -> None:
    """On two levels of a pyramid."""
    places = [[60, 60], [60, 72], [72, 60], [72, 72], [60 + apart, 60]]
    assert moved([[20, 0]] * 5, places) == parts
