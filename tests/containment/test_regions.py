"""Regions that a detector or edges propose, and what a placement must be, made by hand."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from lookalike.config import InsideConfig
from lookalike.containment.inset import _area_within
from lookalike.containment.regions import load_regions
from lookalike.descriptors.keypoints import Keypoints
from lookalike.model.arrays import FloatArray, UInt8Array
from lookalike.model.errors import ConfigError, ModelError
from lookalike.verification.plane import Plane
from lookalike.verification.side import Side

SIDE = 100
GREY = np.full((SIDE, SIDE, 3), 128, np.uint8)


def seer(path: Path, output: FloatArray, *, shape: tuple[int, ...] = (1, 3, SIDE, SIDE)) -> Path:
    """An ONNX detector that says the same of every picture."""
    pytest.importorskip("onnx", reason="onnx is not installed (extra lab)")
    import onnx
    from onnx import TensorProto, helper

    nothing = np.zeros((1, 3, 1, 1), np.float32)
    nodes = [
        helper.make_node("ReduceMax", ["in"], ["most"], keepdims=0),
        helper.make_node("Mul", ["most", "zero"], ["none"]),
        helper.make_node("Add", ["none", "said"], ["out"]),
    ]
    graph = helper.make_graph(
        nodes,
        "seer",
        [helper.make_tensor_value_info("in", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info("out", TensorProto.FLOAT, output.shape)],
        [
            helper.make_tensor("zero", TensorProto.FLOAT, [], nothing.ravel()[:1]),
            helper.make_tensor("said", TensorProto.FLOAT, output.shape, output.ravel()),
        ],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)])
    model.ir_version = 8
    onnx.save(model, path)
    return path


def proposed(path: Path, boxes: list[tuple[float, ...]], rgb: UInt8Array = GREY) -> list[list[int]]:
    """What a detector of rows of left, top, right, bottom, score proposes, in pixels."""
    rows = np.array([boxes], np.float32)
    found = load_regions(str(seer(path / "seer.onnx", rows))).propose(rgb)
    return np.rint(found * SIDE).astype(int).tolist()


def test_a_detector_of_rows_gives_the_likeliest_first(tmp_path: Path) -> None:
    """From a score of .05, cut at the frame."""
    rows = [
        (0.0, 0.0, 30.0, 30.0, 0.05),
        (50.0, 50.0, 90.0, 90.0, 0.9),
        (70.0, -10.0, 120.0, 20.0, 0.3),
        (0.0, 60.0, 20.0, 90.0, 0.049),
    ]
    assert proposed(tmp_path, rows) == [[50, 50, 90, 90], [70, 0, 100, 20], [0, 0, 30, 30]]


@pytest.mark.parametrize(
    ("box", "kept"),
    [
        ((0, 0, 10, 10), True),
        ((0, 0, 10, 9.9), False),
        ((0, 0, 100, 80), True),
        ((0, 0, 100, 80.5), False),
    ],
)
def test_regions_are_neither_too_small_nor_too_large(
    tmp_path: Path, box: tuple[float, ...], kept: bool
) -> None:
    """From a hundredth to eight tenths of the picture."""
    assert bool(proposed(tmp_path, [(*box, 0.9)])) == kept


@pytest.mark.parametrize(("right", "count"), [(59, 2), (61, 1)])
def test_one_of_two_that_nearly_coincide(tmp_path: Path, right: float, count: int) -> None:
    """Shared area by joint area of .6 is one region."""
    boxes = [(0.0, 0.0, 100.0, 50.0, 0.9), (0.0, 0.0, float(right), 50.0, 0.8)]
    assert len(proposed(tmp_path, boxes)) == count


def test_at_most_sixteen_regions(tmp_path: Path) -> None:
    """Of twenty-five that lie apart, the likeliest."""
    boxes = [
        (x * 20.0, y * 20.0, x * 20.0 + 18, y * 20.0 + 18, 0.9 - 0.01 * (5 * y + x))
        for y in range(5)
        for x in range(5)
    ]
    found = proposed(tmp_path, boxes)
    assert len(found) == 16 and found[0] == [0, 0, 18, 18] and found[-1] == [0, 60, 18, 78]


def test_cells_of_a_map_by_hand(tmp_path: Path) -> None:
    """Middle by tanh from the cell's corner, size by sigmoid, score of both parts."""
    cells = np.zeros((1, 7, 2, 2), np.float32)
    cells[0, 0, 1, 0], cells[0, 5, 1, 0], cells[0, 6, 1, 0] = 0.9, 0.2, 0.8
    cells[0, 1:3, 1, 0] = np.arctanh(0.5)
    cells[0, 3:5, 1, 0] = np.log(0.25 / 0.75), np.log(0.5 / 0.5)
    # objectness alone is no region
    cells[0, 0, 0, 0] = 1.0
    found = load_regions(str(seer(tmp_path / "map.onnx", cells))).propose(GREY)
    assert found == pytest.approx(np.array([[0.125, 0.5, 0.375, 1.0]]))


@pytest.mark.parametrize(
    ("output", "shape", "words"),
    [
        ((1, 4, 4), (1, 3, SIDE, SIDE), "another output"),
        ((1, 5, 2, 2), (1, 3, SIDE, SIDE), "another output"),
        ((2, 8, 6), (1, 3, SIDE, SIDE), "another output"),
        ((1, 4, 5), (1, 1, SIDE, SIDE), "another input"),
        ((1, 4, 5), (3, SIDE, SIDE), "another input"),
    ],
)
def test_other_networks_are_refused(
    tmp_path: Path, output: tuple[int, ...], shape: tuple[int, ...], words: str
) -> None:
    """By what they take or give, in words."""
    path = seer(tmp_path / "other.onnx", np.zeros(output, np.float32), shape=shape)
    with pytest.raises(ModelError, match=words):
        load_regions(str(path)).propose(GREY)


def test_named_regions() -> None:
    """The whole proposes nothing, a grid nine halves; what has no such name is refused."""
    assert load_regions("whole").is_whole and not load_regions("grid").is_whole
    assert load_regions("whole").propose(GREY).shape == (0, 4)
    grid = load_regions("grid").propose(GREY)
    assert grid.shape == (9, 4) and grid[4].tolist() == [0.25, 0.25, 0.75, 0.75]
    assert ((grid[:, 2:] - grid[:, :2]) == 0.5).all() and grid.max() == 1.0
    with pytest.raises(ConfigError, match="unknown regions"):
        load_regions("gird")


@pytest.mark.parametrize("gap", [0.0, 0.7])
def test_rectangles_need_a_border(gap: float) -> None:
    """A frame that is there all round is seen; one whose side mostly fades away is not."""
    rgb = np.full((320, 320, 3), 200, np.uint8)
    rgb[80:200, 60:260] = 90
    # one side fades into the ground along a part of it
    edge = 60 + round(200 * gap)
    rgb[76:84, 60:edge] = np.linspace(200, 90, 8).astype(np.uint8)[:, None, None]
    rgb[60:110, 60:edge] = np.linspace(200, 90, 50).astype(np.uint8)[:, None, None]
    found = load_regions("rectangles").propose(rgb) * 320
    near = [box for box in found if np.abs(box - (60, 80, 260, 200)).max() <= 6]
    assert bool(near) == (gap < 0.5)


def side(width: int, height: int) -> Side:
    """A picture of that size of which nothing else is asked."""
    none = Keypoints.from_rows(np.empty((0, 38), np.uint8))
    return Side(width, height, none, Plane(np.zeros((8, 8), np.uint8)))


def at(x: float, y: float, scale: float = 1.0) -> np.ndarray:
    """A small picture placed there."""
    return np.array([[scale, 0, x], [0, scale, y], [0, 0, 1.0]])


@pytest.mark.parametrize(
    ("transform", "area"),
    [
        (at(100, 100), 10_000),
        (at(-15, 0), 10_000),
        (at(-15.5, 0), None),
        (at(0, 915), 10_000),
        (at(0, 916), None),
        (at(0, 0, 8.3), 688_900),
        (at(0, 0, 8.4), None),
        (at(500, 500, 0.01), 1),
        (at(500, 500, 0.009), None),
        # bent over
        (np.array([[1.0, 0, 0], [0, 1.0, 0], [0.03, -0.015, 1.0]]), None),
    ],
)
def test_what_a_placement_must_be(transform: np.ndarray, area: float | None) -> None:
    """.85 of it within the larger picture, of which it covers .7 at most; not bent, not a point."""
    found = _area_within(transform, side(100, 100), side(1000, 1000), InsideConfig())
    assert found == (area if area is None else pytest.approx(area))
