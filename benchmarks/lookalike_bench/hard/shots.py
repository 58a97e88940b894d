"""Other shots of a scene: frames of a burst and other viewpoints, simulated from one photo."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.random import Generator

from lookalike.evaluation.datasets import read_photo, split_photos
from lookalike.model.arrays import FloatArray, UInt8Array
from lookalike_bench.hard.ingredients import Ingredients, SetFolder, longest
from lookalike_bench.hard.relations import another_shot

__all__ = ["bend", "fill_bursts", "shipped_picture"]

_SOURCES = 60
_SHOTS = 2
_SIDE = 480
_COPIES = ("jpeg_20", "resize_50", "crop_87", "rotate_5", "brightness", "colour")
_STEREO = ("motorcycle_left.png", "motorcycle_right.png")


@dataclass(frozen=True, slots=True)
class _Motion:
    """How far a shot may differ; shares of the longer side, degrees and factors.

    Attributes:
        camera: the background's corners.
        depth: waves of the background, as of things at many distances.
        subject: least and most way of the subject.
        turn: of the subject, degrees.
        growth: of the subject.
        light: of brightness and every colour.
    """

    camera: float
    depth: float
    subject: tuple[float, float]
    turn: float
    growth: float
    light: float


_MOTIONS = {
    "burst": _Motion(0.012, 0.002, (0.02, 0.06), 4, 0.03, 0.04),
    "viewpoint": _Motion(0.06, 0.02, (0.07, 0.14), 6, 0.16, 0.12),
}


def fill_bursts(given: Ingredients, out: SetFolder) -> None:
    """60 photos with two burst frames, two other viewpoints and six edited copies each.

    Truth: ``relations.relation_of``: copies are ``copy``, the other shots ``similar``, in groups
    named after their photo's. The shots are a simulation from one photo: the subject is cut out
    (GrabCut), what is behind it filled in, and both moved on their own; the background bends as
    things at several distances would; light and noise are new. Textures are still those of the
    one photo, so a real burst is easier to tell from a copy than these. One pair is real where
    scikit-image is installed: the two eyes of its stereo picture of a motorcycle.
    """
    for path, subject in _with_subjects(given.photos):
        out.add_photo(path)
        rgb = read_photo(path)
        out.add_copies(path.stem, rgb, _COPIES, other=given.canvas(0), seed=given.seed)
        sized = longest(rgb, _SIDE)
        for kind, motion in _MOTIONS.items():
            for number in range(_SHOTS):
                random = given.random(kind, path.stem, number)
                shot = f"{kind}_{number}"
                out.add(
                    f"{path.stem}__{shot}",
                    _shoot(sized, subject, motion, random),
                    group=another_shot(path.stem, shot),
                    edit=kind,
                )
    _add_stereo(given, out)


def shipped_picture(name: str) -> Path | None:
    """A picture that scikit-image ships, where it is installed."""
    try:
        import skimage
    except ModuleNotFoundError:
        return None
    path = Path(skimage.__file__).parent / "data" / name
    return path if path.is_file() else None


def bend(rgb: UInt8Array, share: float, random: Generator, *, cells: int = 4) -> UInt8Array:
    """A picture through a smooth random field of displacements.

    Args:
        rgb: ``(h, w, 3)``.
        share: standard deviation of the displacements, as a share of the longer side.
        random: the field.
        cells: waves across the picture.
    """
    height, width = rgb.shape[:2]
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    field = random.normal(0, share * max(height, width), (cells, cells, 2)).astype(np.float32)
    smooth = cv2.resize(field, (width, height), interpolation=cv2.INTER_CUBIC)
    x, y = x + smooth[..., 0], y + smooth[..., 1]
    return np.asarray(cv2.remap(rgb, x, y, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT_101))


def _with_subjects(photos: Sequence[Path]) -> list[tuple[Path, UInt8Array]]:
    """Photos with the mask of their subject, those first where something does stand out."""
    found, others = [], []
    for path in photos:
        rgb = longest(read_photo(path), _SIDE)
        mask = _standing_out(rgb)
        share = float(mask.mean())
        edge = np.concatenate([mask[0], mask[-1], mask[:, 0], mask[:, -1]])
        if 0.04 < share < 0.4 and float(edge.mean()) < 0.1:
            found.append((path, mask))
        else:
            others.append((path, _middle(rgb)))
        if len(found) == _SOURCES:
            break
    return [*found, *others][:_SOURCES]


def _standing_out(rgb: UInt8Array) -> UInt8Array:
    """Mask of the largest thing in the middle, ``(h, w)`` of 0 and 1."""
    small = longest(rgb, 240)
    height, width = small.shape[:2]
    mask = np.zeros((height, width), np.uint8)
    inside = (width // 7, height // 7, width - 2 * (width // 7), height - 2 * (height // 7))
    # GrabCut draws its first clusters from a generator of the library's own
    cv2.setRNGSeed(0)
    models = np.zeros((1, 65)), np.zeros((1, 65))
    cv2.grabCut(small, mask, inside, *models, 3, cv2.GC_INIT_WITH_RECT)
    front = np.isin(mask, (cv2.GC_FGD, cv2.GC_PR_FGD)).astype(np.uint8)
    front = cv2.morphologyEx(front, cv2.MORPH_OPEN, np.ones((5, 5), np.uint8))
    count, parts, figures, _ = cv2.connectedComponentsWithStats(front)
    if count > 1:
        largest = 1 + int(np.argmax(figures[1:, cv2.CC_STAT_AREA]))
        front = (parts == largest).astype(np.uint8)
    size = (rgb.shape[1], rgb.shape[0])
    return np.asarray(cv2.resize(front, size, interpolation=cv2.INTER_NEAREST))


def _middle(rgb: UInt8Array) -> UInt8Array:
    height, width = rgb.shape[:2]
    mask = np.zeros((height, width), np.uint8)
    at = (width // 2, round(height * 0.55))
    return np.asarray(cv2.ellipse(mask, at, (width // 6, height // 5), 0, 0, 360, 1, -1))


def _shoot(rgb: UInt8Array, subject: UInt8Array, motion: _Motion, random: Generator) -> UInt8Array:
    """The scene once more: another background, the subject elsewhere before it."""
    height, width = rgb.shape[:2]
    side = max(height, width)
    hole = cv2.dilate(subject, np.ones((9, 9), np.uint8))
    behind = cv2.inpaint(rgb, hole, 4, cv2.INPAINT_TELEA)
    corners = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float32)
    moved = corners + random.normal(0, motion.camera * side, (4, 2))
    camera = cv2.getPerspectiveTransform(corners, moved.astype(np.float32))
    size = (width, height)
    mirrored = {"flags": cv2.INTER_CUBIC, "borderMode": cv2.BORDER_REFLECT_101}
    scene = bend(cv2.warpPerspective(behind, camera, size, **mirrored), motion.depth, random)
    way = random.uniform(*motion.subject) * side
    angle = random.uniform(0, 2 * np.pi)
    y, x = np.nonzero(subject)
    centre = (float(x.mean()), float(y.mean()))
    turn = cv2.getRotationMatrix2D(
        centre, random.uniform(-1, 1) * motion.turn, 1 + random.uniform(-0.5, 1) * motion.growth
    )
    turn[:, 2] += way * np.array([np.cos(angle), 0.6 * np.sin(angle)])
    front = cv2.warpAffine(rgb, turn, size, **mirrored)
    mask = cv2.warpAffine(subject.astype(np.float32), turn, size, flags=cv2.INTER_LINEAR)
    soft = cv2.GaussianBlur(mask, (0, 0), 1.2)[..., None]
    shot = scene * (1 - soft) + front * soft
    light = random.normal(1, motion.light) * random.normal(1, motion.light / 2, 3)
    shot = shot * light.astype(np.float32) + random.normal(0, 3, shot.shape)
    return _inside(np.clip(shot, 0, 255), motion.camera)


def _inside(shot: FloatArray, camera: float) -> UInt8Array:
    """Without the margin that mirrored pixels fill."""
    height, width = shot.shape[:2]
    away = 0.005 + camera * 0.8
    top, left = round(away * height), round(away * width)
    return np.ascontiguousarray(shot[top : height - top, left : width - left].astype(np.uint8))


def _add_stereo(given: Ingredients, out: SetFolder) -> None:
    left, right = (shipped_picture(name) for name in _STEREO)
    # one half only, as every source: never both tuned on and reported
    if left is None or right is None or not split_photos([left], given.split):
        return
    rgb = read_photo(left)
    out.add(left.stem, rgb, group="motorcycle", edit="source", quality=95)
    out.add(
        right.stem,
        read_photo(right),
        group=another_shot("motorcycle", "other_eye"),
        edit="viewpoint",
        quality=95,
    )
    out.add_copies("motorcycle", rgb, _COPIES, other=given.canvas(0), seed=given.seed)
