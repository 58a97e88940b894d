"""Keypoints and what is made of them: mirrored bits, transforms, parts, templates."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from conftest import save, scene
from lookalike import FindConfig, find
from lookalike.descriptors.keypoints import KINDS, Keypoints, describe_keypoints
from lookalike.model.arrays import UInt8Array
from lookalike.verification.block_correlation import agree_aligned
from lookalike.verification.plane import Plane
from lookalike.verification.transform import fit_transform


def rows_of(rgb: UInt8Array, kind: str) -> UInt8Array:
    """Keypoints as stored."""
    luma = cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY)
    return describe_keypoints(luma, (rgb.shape[1], rgb.shape[0]), KINDS[kind])


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_mirrored_keypoints_are_those_of_the_mirror_image(kind: str) -> None:
    """Places coincide and most bits are equal, though only one image was looked at."""
    rgb = scene(5)
    side = KINDS[kind].side
    made = Keypoints.from_rows(rows_of(rgb, kind)).mirrored(side)
    true = Keypoints.from_rows(rows_of(np.ascontiguousarray(rgb[:, ::-1]), kind))
    gap = np.abs(made.places[:, None] - true.places[None]).max(axis=2)
    found = gap.min(axis=1) < 1.5
    assert found.mean() > 0.8
    differing = [
        min(
            int(np.unpackbits(made.bits[n] ^ true.bits[m]).sum()) for m in np.flatnonzero(row < 1.5)
        )
        for n, row in enumerate(gap)
        if found[n]
    ]
    assert np.median(differing) <= 24


def test_a_busy_part_does_not_take_all_keypoints() -> None:
    """Of a faint picture under a strong sticker keypoints come from every quarter."""
    faint = (scene(5).astype(np.float32) - 128) * 0.08 + 128
    rgb = faint.astype(np.uint8)
    height, width = rgb.shape[0] // 2, rgb.shape[1] // 2
    noise = np.random.default_rng(1).integers(0, 256, (height // 2, width // 2, 1), np.uint8)
    busy = cv2.resize(noise.repeat(3, axis=2), (width, height), interpolation=cv2.INTER_CUBIC)
    rgb[:height, :width] = busy
    places = Keypoints.from_rows(rows_of(rgb, "sift")).places
    quarters = (places > KINDS["sift"].side / 2) @ (1, 2)
    assert np.bincount(quarters, minlength=4).min() >= 15


def test_one_right_correspondence_in_five_is_enough() -> None:
    """A known turn and resize comes back from 40 right and 120 wrong correspondences."""
    random = np.random.default_rng(3)
    places = random.uniform(0, 250, (160, 2)).astype(np.float32)
    angles = random.uniform(0, 6, 160).astype(np.float32)
    octaves = random.uniform(0, 3, 160).astype(np.float32)
    bits = np.zeros((160, 32), np.uint8)
    turn, growth = 0.4, 1.5
    linear = growth * np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    moved = random.uniform(0, 250, (160, 2))
    moved[:40] = places[:40] @ linear.T + [10, 20] + random.normal(0, 0.5, (40, 2))
    turned, sized = random.permutation(angles), random.permutation(octaves)
    turned[:40] = angles[:40] + turn
    sized[:40] = octaves[:40] + np.log2(growth)
    query = Keypoints(places, angles, octaves, bits)
    ref = Keypoints(moved.astype(np.float32), turned, sized, bits)
    order = random.permutation(160)
    fit = fit_transform(query, ref, np.stack([order, order], axis=1), 5)
    assert fit is not None
    transform, inliers = fit
    assert 35 <= inliers <= 50
    assert np.abs(transform[:2, :2] - linear).max() < 0.02
    assert fit_transform(query, ref, np.stack([order, order[::-1]], axis=1), 8) is None


def test_cells_say_which_parts_are_shared() -> None:
    """The right half is covered: only cells of the left half are shared, in both frames."""
    plane = cv2.resize(cv2.cvtColor(scene(8), cv2.COLOR_RGB2GRAY), (160, 120))
    other = plane.copy()
    other[:, 80:] = cv2.resize(cv2.cvtColor(scene(9), cv2.COLOR_RGB2GRAY), (80, 120))
    seen = agree_aligned(Plane(plane), Plane(other), np.eye(3))
    assert seen is not None and 0.3 < seen.share < 0.7 and seen.likeness > 0.95
    for cells in (seen.query_cells, seen.ref_cells):
        assert cells[:, :3].mean() > 0.7 and cells[:, 5:].mean() < 0.15


def page(payload: UInt8Array) -> UInt8Array:
    """A page of one template: the same furniture around every payload."""
    sheet = cv2.resize(scene(77), (600, 800))
    sheet[420:700, 60:460] = cv2.resize(payload, (400, 280), interpolation=cv2.INTER_AREA)
    return sheet


@pytest.mark.slow
@pytest.mark.parametrize("effort", ["standard", "thorough"])
def test_pages_of_one_template_are_strangers(tmp_path: Path, effort: str) -> None:
    """Ten pages share most of their pixels and no picture; with its picture each is a copy."""
    folder = tmp_path / "in"
    for seed in range(10):
        save(folder / f"page_{seed}.jpg", page(scene(100 + seed)))
    config = FindConfig(effort=effort)  # type: ignore[arg-type]
    assert find(folder, db=tmp_path / "db", config=config).matches == ()
    for seed in range(10):
        save(folder / f"picture_{seed}.jpg", scene(100 + seed))
    report = find(folder, db=tmp_path / "db", config=config)
    pairs = {tuple(sorted(Path(member).stem for member in c.members)) for c in report.clusters}
    assert pairs == {(f"page_{seed}", f"picture_{seed}") for seed in range(10)}


def test_a_mirrored_part_is_found_among_many(tmp_path: Path) -> None:
    """A mirrored crop has no hash and no upright keypoint in common with its source."""
    folder = tmp_path / "in"
    for seed in range(12):
        save(folder / f"{seed}.jpg", scene(200 + seed))
    save(folder / "part.jpg", scene(203)[60:400, 80:520][:, ::-1])
    report = find(folder, db=tmp_path / "db")
    assert [sorted(Path(m).stem for m in c.members) for c in report.clusters] == [["3", "part"]]
    assert "mirrored" in report.matches[0].edit


def test_a_shrunk_picture_is_like_its_source() -> None:
    """What a picture lost when it was shrunk is not held against it."""
    luma = cv2.resize(
        cv2.cvtColor(scene(5), cv2.COLOR_RGB2GRAY), (160, 120), interpolation=cv2.INTER_AREA
    )
    grain = cv2.GaussianBlur(np.random.default_rng(5).normal(0, 60, (120, 160)), (0, 0), 0.5)
    luma = np.clip(luma + grain, 0, 255).astype(np.uint8)
    small = cv2.resize(luma, (64, 48), interpolation=cv2.INTER_AREA)
    onto = np.array([[2.5, 0, 0.75], [0, 2.5, 0.75], [0, 0, 1]])
    for seen in (
        agree_aligned(Plane(small), Plane(luma), onto),
        agree_aligned(Plane(luma), Plane(small), np.linalg.inv(onto)),
    ):
        assert seen is not None
        assert seen.share == 1.0
        # .93 where each is compared in its own detail
        assert seen.likeness > 0.94
