"""Thumbs: hand-made ones on both sides of every limit."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import ArrayLike

from lookalike.config import HashConfig
from lookalike.model.image import ImageRef
from lookalike.verification.plain import is_plain, plain_pairs
from lookalike.verification.whole_frame import ThumbAgreement, agree

#: eight of sixteen, in no slope
CHECKS = np.indices((4, 4)).sum(axis=0) % 2


def thumb(luma: ArrayLike, colour: float = 0.0) -> np.ndarray:
    """A thumb of one tile of 4×4 over and over, or of a luma of 32×32.

    Args:
        luma: grey levels.
        colour: twice the mean deviation of its chroma.
    """
    plane = np.asarray(luma)
    plane = np.tile(plane, (8, 8)) if plane.shape == (4, 4) else plane
    steps = np.full(128, int(64 * colour) // 128)
    steps[: int(64 * colour) % 128] += 1
    return np.concatenate([plane.reshape(-1), 128 + steps]).astype(np.uint8)


def agreement(query: np.ndarray, ref: np.ndarray) -> ThumbAgreement:
    """Of one pair, upright."""
    nought = np.zeros(1, np.int64)
    return agree(np.stack([query, ref]), nought, nought + 1, nought)


def on(count: int, levels: int) -> np.ndarray:
    """A tile that is so much lighter in some of its sixteen cells, from 100."""
    tile = np.full(16, 100)
    # spread over the tile, so that there is no slope
    tile[[5, 10, 0, 15, 3, 12, 6, 9, 1, 14, 4, 11, 2, 13, 7, 8][:count]] += levels
    return tile.reshape(4, 4)


@pytest.mark.parametrize(("count", "levels", "is_texture"), [(6, 7, False), (5, 8, True)])
def test_a_block_has_texture_from_some_variance(count: int, levels: int, is_texture: bool) -> None:
    """11.5 or 13.8: what has some is not in a plain thumb."""
    found = agreement(thumb(on(count, levels)), thumb(on(0, 0)))
    assert found.share[0] == (0 if is_texture else 1)


@pytest.mark.parametrize(("swapped", "is_one"), [(1, True), (2, False)])
def test_blocks_that_correlate_show_one_texture(swapped: int, is_one: bool) -> None:
    """.75 or .5: light and dark cells that changed places."""
    light, dark = np.argwhere(CHECKS == 1), np.argwhere(CHECKS == 0)
    other = CHECKS.copy()
    for one in (*light[:swapped], *dark[-swapped:]):
        other[tuple(one)] = 1 - other[tuple(one)]
    found = agreement(thumb(60 + 80 * CHECKS), thumb(60 + 80 * other))
    assert found.share[0] == is_one


@pytest.mark.parametrize(("count", "levels", "is_one"), [(8, 2, False), (3, 3, True)])
def test_what_is_nearly_plain_correlates_less(count: int, levels: int, is_one: bool) -> None:
    """One texture, of a variance of 1 or of 1.4 in the ref."""
    found = agreement(thumb(on(count, 80)), thumb(on(count, levels)))
    assert found.share[0] == is_one


@pytest.mark.parametrize(("blocks", "share"), [(2, 1), (3, 0)])
def test_few_blocks_tell_nothing(blocks: int, share: float) -> None:
    """Texture in a corner lies in one block, beside a corner in two."""
    luma = np.full((32, 32), 100)
    luma[:4, 4:8] += 40 * CHECKS
    luma[-4:, -4:] += 40 * CHECKS if blocks == 3 else 0
    assert agreement(thumb(luma), thumb(np.full((32, 32), 100))).share[0] == share


def test_blocks_overlap_by_half() -> None:
    """Of 49 blocks, what differs in 4×4 cells lies in four."""
    tile = np.tile(60 + 80 * CHECKS, (8, 8))
    other = tile.copy()
    other[8:12, 8:12] = 200 - other[8:12, 8:12]
    assert agreement(thumb(tile), thumb(other)).share[0] == pytest.approx(45 / 49)


@pytest.mark.parametrize(
    ("query", "ref", "shown"),
    [
        ([1, 2, 2, 1, 0, 0, 0, 0, 1, 0, 1, 2, 0, 0, 1, 0], "1221200011120120", 0),
        ([2, 0, 2, 2, 1, 1, 2, 0, 2, 0, 0, 1, 2, 0, 1, 2], "1022110120012012", 1),
    ],
)
def test_faint_cells_correlate_less(query: list[int], ref: str, shown: int) -> None:
    """Cells of a variance of some .6 correlate at .58 or .61."""
    tiles = (np.reshape(values, (4, 4)) for values in (query, [int(value) for value in ref]))
    found = agreement(*(thumb(100 + tile) for tile in tiles))
    assert found.shown[0] == shown


@pytest.mark.parametrize(("cells", "rest"), [(1, 1.0), (2, 0.0)])
def test_one_cell_that_differs_is_as_good_as_none(cells: int, rest: float) -> None:
    """In two plain thumbs, of which one has texture somewhere."""
    luma = np.full((32, 32), 100)
    for n in range(cells):
        luma[8:12, 8 * n : 8 * n + 4] += 40 * CHECKS
    found = agreement(thumb(luma), thumb(np.full((32, 32), 100)))
    assert found.rest[0] == pytest.approx(rest, abs=0.01)


@pytest.mark.parametrize(("levels", "rest"), [(7, 1.0), (10, 0.0)])
def test_plain_cells_that_are_lighter_differ(levels: int, rest: float) -> None:
    """Four of 64, in halves of black and white."""
    luma = np.full((32, 32), 50)
    luma[:, 16:] = 200
    other = luma.copy()
    other[8:16, 4:12] += levels
    assert agreement(thumb(luma), thumb(other)).rest[0] == rest


@pytest.mark.parametrize(("cells", "levels", "rest"), [(17, 70, 0.0), (32, 100, 1.0)])
def test_what_has_no_contrast_is_not_stretched_without_bound(
    cells: int, levels: int, rest: float
) -> None:
    """A thumb of two neighbouring tones, of a variance of .2 or .25, and one of two far ones."""
    lighter = np.kron((np.arange(64) < cells).reshape(8, 8), np.ones((4, 4), int))
    found = agreement(thumb(100 + lighter), thumb(50 + levels * lighter))
    assert found.rest[0] == rest


@pytest.mark.parametrize(("colour", "grey"), [(1.8, 1), (2.2, 0)])
def test_a_thumb_is_colourless(colour: float, grey: int) -> None:
    """The ref, where the query has colour."""
    assert agreement(thumb(on(8, 80), 12), thumb(on(8, 80), colour)).grey[0] == grey
    assert agreement(thumb(on(8, 80), colour), thumb(on(8, 80), 12)).grey[0] == -grey


@pytest.mark.parametrize(("colour", "grey"), [(5.4, 0), (6.6, 1)])
def test_a_thumb_is_colourful(colour: float, grey: int) -> None:
    """The query, where the ref has no colour."""
    assert agreement(thumb(on(8, 80), colour), thumb(on(8, 80))).grey[0] == grey
    assert agreement(thumb(on(8, 80)), thumb(on(8, 80), colour)).grey[0] == -grey


@pytest.mark.parametrize(("count", "levels", "gain"), [(4, 2, 4.0), (3, 3, 3.416)])
def test_what_has_no_contrast_has_none_to_lose(count: int, levels: int, gain: float) -> None:
    """A deviation of .87 counts as 1, one of 1.17 as it is; the ref's is 4."""
    found = agreement(thumb(on(count, levels)), thumb(on(8, 8)))
    assert found.gain[0] == pytest.approx(gain, abs=1e-3)


@pytest.mark.parametrize(("stretch", "accepted"), [(3.6, True), (4.4, False)])
def test_no_edit_squeezes_a_side_to_a_quarter(stretch: float, accepted: bool) -> None:
    """However well the thumbs agree."""
    found = agreement(thumb(on(8, 80)), thumb(on(8, 80)))
    assert found.accepted(HashConfig(), np.array([stretch]))[0] == accepted


def plain(levels: int = 0, size: tuple[int, int] = (300, 300)) -> int:
    """Pairs of a grey thumb of 300 pixels a side and of another one."""
    thumbs = np.full((2, 1152), 100, np.uint8)
    thumbs[1, 700] += levels
    return len(plain_pairs(thumbs, np.array([(300, 300), size]), [0, 1])[0])


@pytest.mark.parametrize(("levels", "pairs"), [(2, 1), (3, 0)])
def test_plain_pictures_differ_by_rounding(levels: int, pairs: int) -> None:
    """In any cell."""
    assert plain(levels) == pairs


@pytest.mark.parametrize(
    ("size", "pairs"),
    [((300, 540), 1), ((300, 660), 0), ((5400, 5400), 1), ((6600, 6600), 0), ((14, 14), 0)],
)
def test_plain_pictures_are_of_about_one_shape_and_size(size: tuple[int, int], pairs: int) -> None:
    """At most twice as long, and twenty times as large."""
    assert plain(size=size) == pairs


@pytest.mark.parametrize(("sharpness", "expected"), [(1.8, True), (2.2, False)])
def test_a_plain_picture_shows_no_fine_print(sharpness: float, expected: bool) -> None:
    """Nor a star in the sky."""
    image = ImageRef("a", "a", "0" * 64, 1, 9, 9, "PNG", sharpness=sharpness, low_information=True)
    assert is_plain(image) == expected
