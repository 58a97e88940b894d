"""Regions worth a closer look: the whole, a grid, rectangles, or what a detector sees.

A region only says where keypoints are looked for closely; what lies where is settled by keypoints
and pixels alone, so a wrong region costs time and nothing else.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from lookalike.containment.limits import REGIONS
from lookalike.model.arrays import FloatArray, UInt8Array
from lookalike.model.errors import ConfigError, ModelError
from lookalike.runtime.inference import EngineName, Graph, open_graph

__all__ = ["PROPOSERS", "Regions", "load_regions"]

PROPOSERS = ("whole", "grid", "rectangles")
# weight of being a thing, and of its likeliest kind, in the score of FastestDet
_OBJECT, _KIND = 0.6, 0.4


@dataclass(frozen=True, slots=True)
class Regions:
    """A way to propose regions.

    Attributes:
        name: identifies it: descriptors made with another one are not mixed with these.
        is_whole: whether it proposes nothing, so that the whole picture is looked at closely.
        propose: ``(h, w, 3)`` uint8 sRGB → ``(k, 4)`` float32 left, top, right, bottom, as shares
            of width and height, 0..1; the likeliest first.
    """

    name: str
    is_whole: bool
    propose: Callable[[UInt8Array], FloatArray]


def load_regions(name: str, engine: EngineName = "onnxruntime", *, threads: int = 1) -> Regions:
    """A way to propose regions.

    Args:
        name: one of ``PROPOSERS``, or the path of an ONNX detector. It takes ``(1, 3, h, w)``
            float32 RGB, 0..1, and gives ``(1, 5 + classes, rows, columns)`` as FastestDet does
            (objectness, offsets by tanh, sizes by sigmoid, classes), or ``(1, n, 5 or more)``
            boxes: left, top, right, bottom in input pixels, score.
        engine: that runs it.
        threads: pictures worked on at once.

    Raises:
        ConfigError: neither a name nor a file.
        ModelError: a graph that cannot be loaded, or is no such detector.
    """
    if name == "whole":
        return Regions("whole", True, lambda rgb: np.empty((0, 4), np.float32))
    if name == "grid":
        return Regions("grid", False, lambda rgb: _grid())
    if name == "rectangles":
        return Regions("rectangles", False, _rectangles)
    path = Path(name)
    if path.suffix != ".onnx":
        expected = f"{', '.join(PROPOSERS)}, or an ONNX detector"
        raise ConfigError("unknown regions", got=repr(name), expected=expected)
    detector = _Detector(open_graph(path, engine, threads=threads), name)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()[:12]
    return Regions(f"detector {digest}", False, detector)


def _grid() -> FloatArray:
    """Nine halves that overlap by half."""
    starts = (0.0, 0.25, 0.5)
    return np.array([(x, y, x + 0.5, y + 0.5) for y in starts for x in starts], np.float32)


def _rectangles(rgb: UInt8Array) -> FloatArray:
    """Upright rectangles with edges along their border, as a pasted picture has."""
    height, width = rgb.shape[:2]
    scale = REGIONS.work_side / max(height, width)
    size = (max(8, round(width * scale)), max(8, round(height * scale)))
    luma = cv2.cvtColor(cv2.resize(rgb, size, interpolation=cv2.INTER_AREA), cv2.COLOR_RGB2GRAY)
    boxes: list[tuple[int, int, int, int]] = []
    border = np.zeros(luma.shape, np.uint8)
    for low, high in REGIONS.edges:
        edges = cv2.dilate(cv2.Canny(luma, low, high), np.ones((3, 3), np.uint8))
        # an edge may wander a little off the straight border
        border = np.maximum(border, cv2.dilate(edges, np.ones((3, 3), np.uint8)))
        found, _ = cv2.findContours(edges, cv2.RETR_LIST, cv2.CHAIN_APPROX_SIMPLE)
        boxes += [cv2.boundingRect(contour) for contour in found]
    placed = np.array([(x, y, x + w, y + h) for x, y, w, h in boxes], np.float32).reshape(-1, 4)
    placed /= np.array(size * 2, np.float32)
    score = np.array([_edge_share(border > 0, box) for box in boxes], np.float32)
    kept = score >= REGIONS.least_border
    return _best(placed[kept], score[kept])


def _edge_share(edges: NDArray[np.bool_], box: tuple[int, int, int, int]) -> float:
    """Share of a rectangle's border, its weakest side, that lies on edges."""
    x, y, w, h = box
    right, bottom = x + w - 1, y + h - 1
    rows, columns = slice(y, bottom + 1), slice(x, right + 1)
    sides = (edges[rows, x], edges[rows, right], edges[y, columns], edges[bottom, columns])
    return min(float(side.mean()) for side in sides)


class _Detector:
    """Boxes of an ONNX graph, of any class."""

    def __init__(self, graph: Graph, name: str) -> None:
        shape = graph.input.shape
        if len(shape) != 4 or shape[1] != 3 or graph.input.dtype != "float32":
            raise ModelError(
                "a detector takes another input",
                got=f"{name}: {shape} {graph.input.dtype}",
                expected="(1, 3, height, width) float32",
            )
        self._graph = graph
        self._name = name
        self._size = (shape[3] or REGIONS.work_side, shape[2] or REGIONS.work_side)

    def __call__(self, rgb: UInt8Array) -> FloatArray:
        sized = cv2.resize(rgb, self._size, interpolation=cv2.INTER_AREA)
        given = np.ascontiguousarray(sized.transpose(2, 0, 1)[None], np.float32) / np.float32(255)
        seen = np.asarray(self._graph(given), np.float32)
        if seen.ndim == 4 and seen.shape[0] == 1 and seen.shape[1] > 5:
            return _best(*_from_map(seen[0]))
        if seen.ndim == 3 and seen.shape[0] == 1 and seen.shape[2] >= 5:
            placed = np.asarray(seen[0, :, :4] / np.array(self._size * 2), np.float32)
            return _best(placed, seen[0, :, 4])
        raise ModelError(
            "a detector gives another output",
            got=f"{self._name}: {seen.shape}",
            expected="(1, 5 + classes, rows, columns) or (1, boxes, 5 or more)",
        )


def _from_map(seen: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Boxes and scores of ``(5 + classes, rows, columns)``: every cell places one box."""
    rows, columns = seen.shape[1:]
    y, x = np.mgrid[:rows, :columns]
    middle = np.stack([(x + np.tanh(seen[1])) / columns, (y + np.tanh(seen[2])) / rows], axis=-1)
    half = np.stack([seen[3], seen[4]], axis=-1)
    half = 0.5 / (1 + np.exp(-half))
    placed = np.concatenate([middle - half, middle + half], axis=-1).reshape(-1, 4)
    score = np.maximum(seen[0], 0) ** _OBJECT * np.maximum(seen[5:].max(axis=0), 0) ** _KIND
    return placed.astype(np.float32), np.asarray(score.reshape(-1), np.float32)


def _best(placed: FloatArray, score: FloatArray) -> FloatArray:
    """The likeliest boxes, none too small or too large, none nearly the same as a likelier one."""
    placed = np.clip(placed, 0.0, 1.0)
    area = (placed[:, 2] - placed[:, 0]) * (placed[:, 3] - placed[:, 1])
    kept: list[int] = []
    for number in np.argsort(-score, kind="stable").tolist():
        if len(kept) == REGIONS.most or score[number] < REGIONS.least_score:
            break
        if REGIONS.least_area <= area[number] <= REGIONS.most_area and (
            not kept or _overlaps(placed[number], placed[kept]).max() < REGIONS.same
        ):
            kept.append(number)
    return placed[kept]


def _overlaps(box: FloatArray, others: FloatArray) -> FloatArray:
    """Shared area by joint area, 0..1, of a box with others."""
    corner = np.minimum(box[2:], others[:, 2:]) - np.maximum(box[:2], others[:, :2])
    shared = np.maximum(corner, 0).prod(axis=1)
    areas = (others[:, 2:] - others[:, :2]).prod(axis=1) + (box[2:] - box[:2]).prod()
    return np.asarray(shared / np.maximum(areas - shared, 1e-9), dtype=np.float32)
