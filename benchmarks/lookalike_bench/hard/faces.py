"""Tight crops of faces, and other photos of the same person, simulated."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.random import Generator

from lookalike.evaluation.datasets import photos_in, read_photo, split_photos, without_twins
from lookalike.evaluation.drawing import resized
from lookalike.model.arrays import FloatArray, UInt8Array
from lookalike.model.errors import ConfigError
from lookalike_bench.hard.ingredients import (
    Ingredients,
    SetFolder,
    cover,
    longest,
)
from lookalike_bench.hard.page import Area
from lookalike_bench.hard.relations import another_shot
from lookalike_bench.hard.shots import bend, shipped_picture

__all__ = ["fill_faces", "find_faces", "other_photo"]

_FACES = 40
_SHOTS = 3
_SIDE = 256
_SMALLEST = 48
_PORTRAIT = 700
_SKIN = 0.45
_MARGIN = 0.08
_COPIES = ("jpeg_20", "crop_87", "mirror", "brightness", "resize_50")
_SHIPPED = "astronaut.png"
_DETECTOR = "lbpcascade_frontalface_opencv.xml"


@dataclass(frozen=True, slots=True)
class _Face:
    """A face in a photo.

    Attributes:
        name: of the photo and the face in it.
        rgb: tight crop, ``(256, 256, 3)``.
    """

    name: str
    rgb: UInt8Array


def fill_faces(given: Ingredients, out: SetFolder) -> None:
    """Up to 40 faces, each with three other photos of the person and five edited copies.

    Truth: ``relations.relation_of``: copies are ``copy``, the other photos (edit ``other_photo``)
    ``similar``, different persons ``none``. The faces are real, found in the half's pictures by
    the cascade that scikit-image ships; the other photos are a simulation, for no set of several
    photos of one person comes with the packages: the face through a smooth field (expression) and
    a turn of the head, under another light, with other hair before another background. The skin's
    texture stays, so two real photos are easier to tell from a copy than these. Where the folder
    of canvases has folders ``people/NAME`` with several photos of a person each, the largest face
    of every photo is taken in too (edit ``real_photo``): those are real.

    Raises:
        ConfigError: scikit-image is not installed.
    """
    for number, face in enumerate(_faces(given)):
        out.add(face.name, face.rgb, group=face.name, edit="source", quality=92)
        out.add_copies(face.name, face.rgb, _COPIES, other=given.canvas(0), seed=given.seed)
        for shot in range(_SHOTS):
            random = given.random("face", face.name, shot)
            made = other_photo(face.rgb, given.canvas(_SHOTS * number + shot), random)
            name = f"other_{shot}"
            group = another_shot(face.name, name)
            out.add(f"{face.name}__{name}", made, group=group, edit="other_photo", quality=85)
    _add_people(given, out)


def _add_people(given: Ingredients, out: SetFolder) -> None:
    """Tight crops of the same person in real photos; a person is in one half only."""
    folders = sorted(path for path in given.people.glob("*") if path.is_dir())
    for person in split_photos(folders, given.split):
        group = f"person_{person.name}"
        for path in photos_in(person):
            rgb = read_photo(path)
            factor = min(1.0, _PORTRAIT / max(rgb.shape[:2]))
            areas = find_faces(longest(rgb, factor * max(rgb.shape[:2])))
            if areas:
                area = max(areas, key=lambda found: found.width)
                shot = another_shot(group, path.stem)
                name = f"{group}__{path.stem}"
                tight = _tight(rgb, area, factor)
                out.add(name, tight, group=shot, edit="real_photo", quality=92)


def find_faces(rgb: UInt8Array) -> list[Area]:
    """Upright faces from the front, of at least 48 pixels, of skin and with dark eyes.

    Raises:
        ConfigError: scikit-image, which ships the detector, is not installed.
    """
    cascade = shipped_picture(_DETECTOR)
    if cascade is None:
        raise ConfigError("scikit-image is missing", remedy="pip install 'lookalike[sample]'")
    from skimage.feature import Cascade

    found = Cascade(str(cascade)).detect_multi_scale(
        rgb, scale_factor=1.2, step_ratio=1.3, min_size=(_SMALLEST,) * 2, max_size=(250, 250)
    )
    areas = [Area(face["c"], face["r"], face["width"], face["height"]) for face in found]
    return [area for area in areas if _skin(rgb, area) >= _SKIN and _has_eyes(rgb, area)]


def other_photo(face: UInt8Array, background: UInt8Array, random: Generator) -> UInt8Array:
    """Another photo of the person of a tight crop, simulated.

    Args:
        face: ``(h, w, 3)`` uint8.
        background: another picture.
        random: expression, pose, hair and light.
    """
    height, width = face.shape[:2]
    moved = _posed(bend(face, 0.014, random, cells=6), random)
    mask = np.zeros((height, width), np.float32)
    middle = (width // 2, round(0.53 * height))
    cv2.ellipse(mask, middle, (round(0.37 * width), round(0.47 * height)), 0, 0, 360, 1, -1)
    soft = cv2.GaussianBlur(mask, (0, 0), 0.02 * width)[..., None]
    behind = cv2.GaussianBlur(cover(background, width, height), (0, 0), 3).astype(np.float32)
    behind = _haired(behind, random)
    photo = _relit(behind * (1 - soft) + moved * soft, random)
    photo += random.normal(0, 3, photo.shape)
    return np.clip(photo, 0, 255).astype(np.uint8)


def _faces(given: Ingredients) -> list[_Face]:
    shipped = shipped_picture(_SHIPPED)
    own = split_photos([shipped], given.split) if shipped else []
    with_faces = {}
    for path in [*own, *given.photos, *given.pool]:
        rgb = read_photo(path)
        # the detector looks at every place at many sizes: large pictures take minutes
        factor = min(1.0, 300 / max(rgb.shape[:2]))
        small = resized(rgb, rgb.shape[1] * factor, rgb.shape[0] * factor)
        areas = _apart(find_faces(small))
        if areas:
            with_faces[path] = [_tight(rgb, area, factor) for area in areas]
        if sum(map(len, with_faces.values())) >= _FACES:
            break
    return list(_named(with_faces))[:_FACES]


def _apart(areas: list[Area]) -> list[Area]:
    """Without faces whose tight crop would show a part of an earlier one's."""
    kept: list[Area] = []
    for area in areas:
        grown = area.grown(round(_MARGIN * area.width))
        if not any(grown.meets(other.grown(round(_MARGIN * other.width))) for other in kept):
            kept.append(area)
    return kept


def _named(with_faces: dict[Path, list[UInt8Array]]) -> Iterator[_Face]:
    for path in without_twins(list(with_faces)):
        for number, rgb in enumerate(with_faces[path]):
            yield _Face(f"{path.stem}_face{number}", rgb)


def _tight(rgb: UInt8Array, area: Area, factor: float) -> UInt8Array:
    """The face and a little around it, from the picture at its full size."""
    grown = area.grown(round(_MARGIN * area.width))
    left, top = (max(0, round(start / factor)) for start in (grown.left, grown.top))
    right, bottom = round(grown.right / factor), round(grown.bottom / factor)
    return cover(rgb[top:bottom, left:right], _SIDE, _SIDE)


def _skin(rgb: UInt8Array, area: Area) -> float:
    """Share of the area in the colours of skin, Cr 135–175 and Cb 80–128."""
    part = rgb[area.top : area.bottom, area.left : area.right]
    luma = cv2.cvtColor(np.ascontiguousarray(part), cv2.COLOR_RGB2YCrCb)
    red, blue = luma[..., 1], luma[..., 2]
    return float(((red > 135) & (red < 175) & (blue > 80) & (blue < 128)).mean())


def _has_eyes(rgb: UInt8Array, area: Area) -> bool:
    """Whether it is darker, and busier, where eyes are than on the cheeks below them.

    The cascade alone also takes pots and boxes for faces.
    """
    part = cv2.cvtColor(np.ascontiguousarray(rgb), cv2.COLOR_RGB2GRAY)
    face = cv2.resize(part[area.top : area.bottom, area.left : area.right], (64, 64))
    eyes = [face[18:30, 8:28], face[18:30, 36:56]]
    cheeks = [face[34:44, 10:26], face[34:44, 38:54]]
    return all(
        float(np.percentile(eye, 30)) < 0.92 * float(np.median(cheek))
        and float(eye.std()) > float(cheek.std())
        for eye, cheek in zip(eyes, cheeks, strict=True)
    )


def _posed(face: UInt8Array, random: Generator) -> UInt8Array:
    """The head turned to a side, inclined, a little nearer or farther."""
    height, width = face.shape[:2]
    across = np.linspace(-1, 1, width, dtype=np.float32)
    yaw = random.uniform(0.12, 0.28) * random.choice([-1, 1])
    seen = across + yaw * (1 - across**2)
    x = np.tile((seen + 1) / 2 * (width - 1), (height, 1)).astype(np.float32)
    y = np.tile(np.arange(height, dtype=np.float32)[:, None], (1, width))
    turned = cv2.remap(face, x, y, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT_101)
    inclined = cv2.getRotationMatrix2D(
        (width / 2, height / 2), random.uniform(-9, 9), random.uniform(0.92, 1.1)
    )
    inclined[:, 2] += random.uniform(-0.04, 0.04, 2) * (width, height)
    return np.asarray(
        cv2.warpAffine(turned, inclined, (width, height), borderMode=cv2.BORDER_REFLECT_101)
    )


def _haired(behind: FloatArray, random: Generator) -> FloatArray:
    """A background with a head of hair in it: strands of one colour."""
    height, width = behind.shape[:2]
    mask = np.zeros((height, width), np.float32)
    axes = (round(0.46 * width), round(random.uniform(0.5, 0.6) * height))
    cv2.ellipse(mask, (width // 2, round(0.48 * height)), axes, 0, 0, 360, 1, -1)
    strands = random.normal(0, 1, (height, width)).astype(np.float32)
    strands = cv2.GaussianBlur(strands, (0, 0), sigmaX=0.8, sigmaY=9)
    ink = np.array([92, 66, 44], np.float32) * random.uniform(0.25, 1.9)
    hair = ink * (1 + 1.6 * strands[..., None])
    soft = cv2.GaussianBlur(mask, (0, 0), 2)[..., None]
    return np.asarray(behind * (1 - soft) + hair * soft)


def _relit(photo: FloatArray, random: Generator) -> FloatArray:
    """Light from one side, of another strength and colour."""
    height, width = photo.shape[:2]
    x = np.linspace(-1, 1, width, dtype=np.float32)[None]
    y = np.linspace(-1, 1, height, dtype=np.float32)[:, None]
    angle = random.uniform(0, 2 * np.pi)
    light = 1 + random.uniform(0.2, 0.45) * (np.cos(angle) * x + np.sin(angle) * y)
    toned = 255 * (np.clip(photo, 0, 255) / 255) ** random.uniform(0.75, 1.35)
    return np.asarray(toned * light[..., None] * random.uniform(0.88, 1.1, 3))
