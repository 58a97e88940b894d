"""The bench itself: deterministic edits, honest counts."""

from __future__ import annotations

from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from conftest import save, scene
from lookalike.evaluation.datasets import make_copies, make_speed_set, read_labels
from lookalike.evaluation.edits import EDITS, FIVE, FOURTEEN, edit_picture
from lookalike.evaluation.metrics import PairCounts, count_pairs, recall_by_edit
from lookalike.model.errors import ConfigError


@pytest.mark.parametrize("name", EDITS)
def test_edits_are_deterministic_pictures(name: str) -> None:
    """The same seed gives the same bytes, and the source is not touched."""
    rgb = scene(1, 200, 150)
    before = rgb.copy()
    first, second = (edit_picture(rgb, name, source="s", other=scene(2)) for _ in range(2))
    assert first.dtype == np.uint8 and first.ndim == 3 and first.shape[2] == 3
    assert np.array_equal(first, second) and np.array_equal(rgb, before)


def test_edits_are_what_they_say() -> None:
    """Sizes and shares as documented."""
    rgb = scene(1, 400, 300)
    made = {name: edit_picture(rgb, name, source="s", other=scene(2)) for name in EDITS}
    assert made["crop_87"].shape == (262, 350, 3)
    assert np.prod(made["crop_50"].shape[:2]) == pytest.approx(60_000, rel=0.01)
    assert made["squash"].shape == (300, 300, 3)
    assert edit_picture(scene(1, 300, 300), "squash", source="s", other=rgb).shape == (225, 300, 3)
    assert made["rotate_90"].shape == (400, 300, 3)
    assert (made["sticker"] != rgb).any(axis=2).mean() == pytest.approx(0.4, abs=0.03)
    assert set(FIVE + FOURTEEN) <= set(EDITS) and len(FIVE) == 5 and len(FOURTEEN) == 14


def test_sets_have_the_labels_they_claim(tmp_path: Path) -> None:
    """Sources of one half get copies, the others are distractors, twins are left out."""
    for number in range(12):
        save(tmp_path / "photos" / f"{number}.jpg", scene(number, 240, 200))
        save(tmp_path / "canvases" / f"{number}.jpg", scene(50 + number, 240, 200))
    save(tmp_path / "photos" / "z twin of 0.jpg", scene(0, 240, 200), quality=60)
    made = {}
    for split in ("development", "held-back"):
        out = tmp_path / split
        made[split] = make_copies(
            tmp_path / "photos", out, FIVE, canvases=tmp_path / "canvases", split=split
        )
        assert made[split] == read_labels(out)
        assert sum(label.edit == "source" for label in made[split]) == 12
        assert all((out / label.path).is_file() for label in made[split])
    with_copies = [
        {label.group for label in labels if label.edit != "source"} for labels in made.values()
    ]
    assert not with_copies[0] & with_copies[1] and len(with_copies[0] | with_copies[1]) == 12
    speed = make_speed_set(tmp_path / "photos", tmp_path / "speed", count=20)
    assert len(speed) == 20 and (tmp_path / "speed" / speed[-1].path).is_file()
    with pytest.raises(ConfigError, match="no folder of photos"):
        make_speed_set(tmp_path / "nowhere", tmp_path / "speed")


def test_counts_by_hand() -> None:
    """Three of one group, one stranger among them."""
    counts = count_pairs([["a", "b", "x"]], {"a": "1", "b": "1", "c": "1", "x": "2"})
    assert counts == PairCounts(tp=1, fp=2, fn=2)
    assert (counts.precision, counts.recall) == (1 / 3, 1 / 3)
    assert counts.f1 == pytest.approx(1 / 3)
    assert PairCounts(0, 0, 0).precision == 1 and PairCounts(0, 1, 1).f1 == 0
    edits = {"a": "source", "b": "blur", "c": "blur", "x": "source"}
    groups = {"a": "1", "b": "1", "c": "1", "x": "2"}
    assert recall_by_edit([["a", "b"]], groups, edits) == {"blur": 0.5}


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), max_size=12))
def test_counts_equal_brute_force(images: list[tuple[int, int]]) -> None:
    """Counting by contingency equals looking at every pair."""
    names = [str(number) for number in range(len(images))]
    groups = {name: str(group) for name, (group, _) in zip(names, images, strict=True)}
    clusters: dict[int, list[str]] = {}
    for name, (_, cluster) in zip(names, images, strict=True):
        clusters.setdefault(cluster, []).append(name)
    tp = fp = fn = 0
    for (g1, c1), (g2, c2) in combinations(images, 2):
        tp += g1 == g2 and c1 == c2
        fp += g1 != g2 and c1 == c2
        fn += g1 == g2 and c1 != c2
    assert count_pairs(clusters.values(), groups) == PairCounts(tp, fp, fn)
