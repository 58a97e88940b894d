"""Aligned planes: hand-made ones on both sides of every limit of what their blocks show."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from lookalike.verification.block_correlation import Agreement, agree_aligned, is_flat_beyond
from lookalike.verification.plane import Plane

Grey = NDArray[np.float64]
#: blocks of a plane of 160×120, and of its left three fifths and three tenths
ALL, LEFT, FAINT_LEFT = 494, 304, 152


def agreement(query: Grey, ref: Grey, move: Grey | None = None) -> Agreement:
    """Of two planes, laid on each other as they are."""
    first, second = (
        Plane(np.clip(np.rint(plane), 0, 255).astype(np.uint8)) for plane in (query, ref)
    )
    found = agree_aligned(first, second, np.eye(3) if move is None else move)
    assert found is not None
    return found


def counted(found: Agreement) -> tuple[int, int]:
    """Blocks that agree, and those that tell."""
    return found.blocks, round(found.blocks / found.share)


def texture(seed: int, width: int = 160, height: int = 120, cell: int = 6, to: float = 60) -> Grey:
    """Strong texture around a middle grey."""
    shape = (height // cell + 2, width // cell + 2)
    noise = np.random.default_rng(seed).uniform(-to, to, shape)
    return 128 + np.asarray(cv2.resize(noise, (width, height), interpolation=cv2.INTER_CUBIC))


def dots(levels: int, size: int = 1, width: int = 112, by: tuple[int, int] = (0, 0)) -> Grey:
    """Squares of some pixels, six apart: no slope in any block, one variance in all."""
    plane = np.full((120, width), 128.0)
    for row in range(size):
        for column in range(size):
            plane[row::6, column::6] += levels
    return np.roll(plane, by, (0, 1))


def beside_texture(query: Grey, ref: Grey) -> tuple[int, int]:
    """Blocks that agree and that tell of two parts, right of what is textured in both."""
    left = texture(0, 96)
    return counted(agreement(np.hstack([left, query]), np.hstack([left, ref])))


def beside_faint(query: Grey, ref: Grey) -> tuple[int, int]:
    """Blocks that agree and that tell of two parts, right of what is faint in both."""
    left = dots(16, 4, 48)
    return counted(agreement(np.hstack([left, query]), np.hstack([left, ref])))


@pytest.mark.parametrize(("levels", "is_texture"), [(24, False), (26, True)])
def test_a_block_has_texture_from_some_variance(levels: int, is_texture: bool) -> None:
    """18 or 22, smoothed."""
    board = 128 + levels * (1 - 2.0 * ((np.indices((120, 64)) // 3).sum(axis=0) % 2))
    agreeing, telling = beside_texture(board, board)
    assert (agreeing == ALL) == is_texture and telling == agreeing


def test_blocks_are_twelve_pixels_and_overlap_by_half() -> None:
    """All of a plane; and those that a small spot lies in."""
    assert counted(agreement(texture(1), texture(1))) == (ALL, ALL)
    spots = np.full((120, 64), 100.0)
    for row in (13, 14):
        for column in (13, 14):
            spots[row::30, column::30] = 250
    assert beside_texture(spots, spots) == (343, 343)


@pytest.mark.parametrize(("width", "is_faint"), [(72, True), (88, False)])
def test_what_is_faint_tells_in_planes_that_are_mostly_plain(width: int, is_faint: bool) -> None:
    """.47 or .58 of the blocks are textured."""
    plane = np.hstack([texture(0, width), dots(16, 4, 160 - width)])
    assert (agreement(plane, plane).blocks == ALL) == is_faint


@pytest.mark.parametrize(("levels", "size", "told"), [(8, 5, False), (32, 1, True)])
def test_a_faint_block_tells_from_some_variance(levels: int, size: int, told: bool) -> None:
    """.87 or 1.18."""
    plane = dots(levels, size)
    assert (beside_faint(plane, plane)[1] == ALL) == told


@pytest.mark.parametrize(("rows", "is_grain"), [(5, True), (6, False)])
def test_grain_tells_where_little_else_does(rows: int, is_grain: bool) -> None:
    """Beside 20 or 24 faint blocks that agree."""
    plane = np.hstack([dots(4, 5), np.full((120, 48), 128.0)])
    plane[: 6 * rows, 112:124] = dots(16, 4, 12)[: 6 * rows]
    found = counted(agreement(plane, plane))
    assert found[0] > 300 if is_grain else found == (24, 24)


@pytest.mark.parametrize(("size", "told"), [(4, False), (5, True)])
def test_grain_tells_from_some_variance(size: int, told: bool) -> None:
    """.21 or .27."""
    grain = np.hstack([dots(0, width=48), dots(3, size)])
    assert (agreement(grain, grain).blocks > 300) == told


def test_likeness_of_grain_is_corrected_for_noise() -> None:
    """What correlates at .7 is nearly alike."""
    assert agreement(dots(4, 5, 160), dots(4, 4, 160)).likeness == pytest.approx(0.89, abs=0.04)


@pytest.mark.parametrize(("levels", "counts"), [(10, False), (12, True)])
def test_what_is_faint_in_one_alone_counts_against_the_pair(levels: int, counts: bool) -> None:
    """From a variance of 1.7 or 2.5 on."""
    for pair in ((dots(levels, 5), dots(0)), (dots(0), dots(levels, 5))):
        assert beside_faint(*pair) == (FAINT_LEFT, ALL if counts else FAINT_LEFT)


@pytest.mark.parametrize(("levels", "by", "counts"), [(5, (3, 2), True), (14, (3, 1), False)])
def test_what_correlates_a_little_does_not(levels: int, by: tuple[int, int], counts: bool) -> None:
    """.26 or .33: dots that touch."""
    found = beside_faint(dots(16, 4), dots(levels, 1, by=by))
    # where both parts meet, some blocks have something of either
    assert (found[1] > 450) == counts


@pytest.mark.parametrize(
    ("query", "ref", "counts"),
    [(dots(16, 4), dots(23, 1, by=(1, 0)), True), (dots(16, 3), dots(1, 3), False)],
    ids=["below", "above"],
)
def test_what_is_hardly_there_correlates_less(query: Grey, ref: Grey, counts: bool) -> None:
    """By a fiftieth of a variance: just below .3, and just above."""
    assert (beside_faint(query, ref)[1] > 450) == counts


@pytest.mark.parametrize(("shift", "blocks"), [(0, ALL), (1, ALL - 19)])
def test_a_block_lies_in_both_pictures(shift: int, blocks: int) -> None:
    """A pixel of twelve beside the frame is too much."""
    move = np.eye(3)
    move[0, 2] = shift
    found = agreement(texture(1), np.roll(texture(1), shift, axis=1), move)
    assert found.blocks == blocks


@pytest.mark.parametrize(("growth", "is_own"), [(0.46, True), (0.54, False)])
def test_a_picture_that_would_shrink_much_is_compared_in_its_own_frame(
    growth: float, is_own: bool
) -> None:
    """To less than half its area: then all of its blocks are there."""
    scale = growth**0.5
    large = texture(1, 320, 240, 12)
    query = cv2.resize(large, (160, 120), interpolation=cv2.INTER_AREA)
    small = cv2.resize(
        large, (round(160 * scale), round(120 * scale)), interpolation=cv2.INTER_AREA
    )
    ref = texture(9)
    ref[: small.shape[0], : small.shape[1]] = small
    found = agreement(query, ref, np.diag([scale, scale, 1.0]))
    assert found.blocks == ALL if is_own else found.blocks < 300


@pytest.mark.parametrize(("growth", "least", "most"), [(1.8, 0.7, 0.78), (2.2, 0.78, 0.83)])
def test_detail_that_a_magnified_picture_lacks_does_not_count(
    growth: float, least: float, most: float
) -> None:
    """Fine stripes over the larger one; from twice the area on both are averaged."""
    scale = growth**0.5
    small = texture(1, cell=10, to=50)[: round(120 / scale), : round(160 / scale)]
    large = cv2.resize(small, None, fx=scale, fy=scale, interpolation=cv2.INTER_LINEAR)
    large = large[:120, :160]
    stripes = 40 * np.sin(np.pi / 3 * np.arange(large.shape[1]))
    found = agreement(small, large + stripes, np.diag([scale, scale, 1.0]))
    assert least < found.likeness < most


def test_a_cell_is_shown_where_some_of_it_agrees() -> None:
    """Two squares have a corner of 48 pixels in common, eighths of 15 and 20."""
    query, ref = np.full((120, 160), 100.0), texture(8) - 28
    query[:48, :48] = ref[:48, :48] = texture(3, 48, 48, to=80)
    found = agreement(query, ref)
    assert (found.query_cells.sum(), found.ref_cells.sum()) == (9, 9)


@pytest.mark.parametrize(
    ("same", "near", "levels", "is_flat"),
    [(0.4, 0.2, 4, True), (0.4, 0.2, 5, False), (0.55, 0, 0, True), (0.45, 0, 0, False)],
)
def test_a_border_is_mostly_one_grey(same: float, near: float, levels: int, is_flat: bool) -> None:
    """Within some levels; the rest is far from it, and of all greys."""
    plane = np.tile(np.arange(160) % 80 + 140, (120, 1)).astype(np.uint8)
    border = np.ones((120, 160), bool)
    border[20:100, 30:130] = False
    rows, columns = np.nonzero(border)
    count = len(rows)
    first, second = round(same * count), round((same + near) * count)
    plane[rows[:first], columns[:first]] = 100
    plane[rows[first:second], columns[first:second]] = 100 + levels
    move = np.eye(3)
    move[:2, 2] = 30, 20
    inner = Plane(np.zeros((80, 100), np.uint8))
    assert is_flat_beyond(Plane(plane), inner, move) == is_flat
