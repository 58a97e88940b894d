"""Which verified pairs count: rules on evidence made by hand, and on small pictures."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from itertools import combinations
from pathlib import Path

import cv2
import numpy as np
import pytest

from conftest import save, scene
from evidence import BOTTOM, TOP, WHOLE
from lookalike import FindConfig, find
from lookalike.clustering.components import components
from lookalike.config import Effort, HashConfig, SettleConfig
from lookalike.descriptors.hashes import THUMB_SPEC
from lookalike.matching.cascade import _few_per_cluster, _parts
from lookalike.matching.match_graph import Lead, Pair, Pairs
from lookalike.matching.shots import add_shots
from lookalike.matching.verify_rounds import settle
from lookalike.model.image import ImageRef
from lookalike.model.match import Match, Verification
from lookalike.verification.whole_frame import agree

HALF = replace(WHOLE, agreement=0.5, likeness=0.95)
FURNITURE = replace(HALF, shared_query=TOP, shared_ref=TOP)
SHOT = replace(WHOLE, agreement=0.8, likeness=0.85, overlap_query=0.95, overlap_ref=0.9)


def settled(
    evidence: Mapping[str, Verification],
) -> tuple[list[list[str]], dict[Pair, Match], Pairs]:
    """Clusters, shots and pairs from evidence named by two letters."""
    names = sorted({name for pair in evidence for name in pair})
    pairs = Pairs({n: ImageRef(n, n, n, 1, 9, 9, "JPEG") for n in names})
    known = {(first, second): seen for (first, second), seen in evidence.items()}

    def verify(asked: Mapping[Pair, bool]) -> dict[Pair, Verification | None]:
        return {pair: known.get(pair) for pair in asked}

    shots = settle(pairs, {pair: Lead(0.1) for pair in known}, verify, SettleConfig())
    return components(names, pairs.matches), shots, pairs


def test_whole_frames_that_agree_are_copies() -> None:
    """Nearly all of two coinciding frames counts by itself."""
    assert settled({"ab": WHOLE})[0] == [["a", "b"]]
    assert settled({"ab": HALF})[0] == []


def test_half_agreement_ties_an_image_to_the_one_cluster_it_points_to() -> None:
    """Not where it points to two."""
    assert settled({"ab": WHOLE, "ac": HALF})[0] == [["a", "b", "c"]]
    two = {"ab": WHOLE, "de": WHOLE, "ac": FURNITURE, "cd": FURNITURE}
    assert settled(two)[0] == [["a", "b"], ["d", "e"]]


def test_furniture_of_clustered_pages_ties_no_other_page() -> None:
    """What pages of two other clusters show too is the template; what none shows is the page's."""
    pages = {"ab": WHOLE, "cd": WHOLE, "ef": WHOLE, "ac": FURNITURE, "ae": FURNITURE}
    assert ["a", "b"] in settled(pages | {"ax": FURNITURE})[0]
    own = replace(HALF, shared_query=BOTTOM, shared_ref=BOTTOM)
    assert ["a", "b", "x"] in settled(pages | {"ax": own})[0]


def test_pages_that_lack_one_part_of_a_third_are_a_template() -> None:
    """Stickers cover one picture in different parts; pages differ where each shows its own."""
    covered = replace(HALF, shared_query=BOTTOM, shared_ref=BOTTOM)
    stickers = {"ab": WHOLE, "ax": FURNITURE, "ay": covered, "xy": HALF}
    assert settled(stickers)[0] == [["a", "b", "x", "y"]]
    pages = {"ab": WHOLE, "ax": FURNITURE, "ay": FURNITURE, "xy": FURNITURE}
    assert settled(pages)[0] == [["a", "b"]]


def test_thin_lines_and_a_sticker_over_one_picture_are_no_template() -> None:
    """What the lines cover the sticker covers too, but not the other way round."""
    dots = "7fffffffffffffff"
    lines = replace(HALF, shared_query=dots, shared_ref=dots)
    sticker = replace(HALF, shared_query=BOTTOM, shared_ref=BOTTOM)
    covered = {"ab": WHOLE, "ax": lines, "ay": sticker, "xy": HALF}
    assert settled(covered)[0] == [["a", "b", "x", "y"]]


def test_parts_that_no_copy_shows_are_lacked_by_nobody() -> None:
    """Where a picture is plain nothing agrees, whatever lies there."""
    upper, left, right = "ffffffff00000000", "f0f0f0f000000000", "0f0f0f0f00000000"
    shown = replace(WHOLE, shared_query=upper, shared_ref=upper)
    leaves = {
        name: replace(HALF, shared_query=part, shared_ref=part)
        for name, part in {"ax": left, "ay": right}.items()
    }
    assert settled({"ab": shown, "xy": HALF} | leaves)[0] == [["a", "b", "x", "y"]]


def test_a_leaf_reaches_a_cluster_by_way_of_another() -> None:
    """It is then looked at with the centre, turned as the way there is."""
    pairs = Pairs({n: ImageRef(n, n, n, 1, 9, 9, "JPEG") for n in "abxy"})
    own = replace(HALF, shared_query=BOTTOM, shared_ref=BOTTOM)
    known = {("a", "b"): WHOLE, ("a", "x"): HALF, ("x", "y"): replace(own, mirrored=True)}
    turned: dict[Pair, bool] = {}

    def verify(asked: Mapping[Pair, bool]) -> dict[Pair, Verification | None]:
        turned.update(asked)
        return {pair: known.get(pair, own if asked[pair] else None) for pair in asked}

    settle(pairs, {pair: Lead(0.1) for pair in known}, verify, SettleConfig())
    assert turned["a", "y"]
    assert components("abxy", pairs.matches) == [["a", "b", "x", "y"]]


def test_a_repeated_texture_agrees_everywhere_and_proves_nothing() -> None:
    """Nearly all blocks agree, and hardly any keypoint corresponds."""
    weave = replace(WHOLE, agreement=0.95, support=0.03, inliers=8)
    assert settled({"ab": WHOLE, "ac": weave})[0] == [["a", "b"]]


def test_another_shot_is_no_copy_and_keeps_its_evidence() -> None:
    """It is returned, and becomes ``similar`` only where it ties two clusters."""
    groups, shots, pairs = settled({"ab": WHOLE, "ac": SHOT})
    assert groups == [["a", "b"]] and list(shots) == [("a", "c")]
    add_shots(pairs, shots)
    match = pairs.matches["a", "c"]
    assert match.tier == "similar" and match.verification == SHOT


def test_other_shots_never_part_copies() -> None:
    """Copies stay with their centre, however many shots point to one of them."""
    groups, shots, pairs = settled(
        {"ab": WHOLE, "ac": WHOLE, "bx": SHOT, "by": SHOT, "bz": SHOT, "bw": SHOT}
    )
    add_shots(pairs, shots)
    assert _parts(pairs, FindConfig()) == [("a", ["a", "b", "c", "w", "x", "y", "z"])]
    assert groups == [["a", "b", "c"]]


def test_the_bare_picture_stands_beside_a_page_that_shows_it() -> None:
    """Other pages are found by it, not by the page; what was cut from the centre does not stand."""
    inset = replace(WHOLE, overlap_query=0.4, overlap_ref=1.0, scale=0.7, frame="cut out")
    cut = replace(inset, overlap_query=0.6, scale=1.0)
    _, _, pairs = settled({"ab": cut, "ac": inset})
    assert _few_per_cluster(pairs) == ["a", "c"]


def test_thumbs_that_differ_in_one_part_are_left_open() -> None:
    """A template's pages may agree in nine parts of ten."""
    page = cv2.resize(cv2.cvtColor(scene(5), cv2.COLOR_RGB2GRAY), (32, 32))
    other = page.copy()
    other[8:16, 8:16] = cv2.resize(cv2.cvtColor(scene(6), cv2.COLOR_RGB2GRAY), (8, 8))
    rows = np.full((2, THUMB_SPEC.dim), 128, np.uint8)
    rows[:, :1024] = page.reshape(-1), other.reshape(-1)
    found = agree(rows, np.array([0, 0]), np.array([0, 1]), np.array([0, 0]))
    assert found.accepted(HashConfig(), np.ones(2)).tolist() == [True, False]
    assert found.least[0] > 0.9 > HashConfig().min_block > found.least[1]


@pytest.mark.slow
def test_pictures_that_show_little_match_but_not_blank_ones(tmp_path: Path, db: Path) -> None:
    """A dark room with one lit corner is known again; fog that differs is not."""
    night = np.full((480, 640, 3), 12, np.uint8)
    night[300:440, 60:260] = 12 + scene(8)[300:440, 60:260] // 5
    save(tmp_path / "in" / "night.jpg", night)
    save(tmp_path / "in" / "night small.jpg", cv2.resize(night, (512, 384)), 80)
    for seed in range(3):
        fog = cv2.GaussianBlur(scene(50 + seed), (0, 0), 90)
        save(tmp_path / "in" / f"fog {seed}.jpg", fog)
    report = find(tmp_path / "in", db=db, config=FindConfig(effort="thorough"))
    assert report.funnel["low_information"] == 3
    assert [cluster.members for cluster in report.clusters] == [("night small.jpg", "night.jpg")]


@pytest.mark.parametrize("effort", ["fast", "standard", "thorough"])
def test_two_skies_in_one_frame_are_strangers_and_copies_of_one_are_not(
    tmp_path: Path, db: Path, effort: Effort
) -> None:
    """The black corners of a turned picture are stronger than all that fog shows."""
    for seed in range(4):
        fog = (150 + 20 * seed + cv2.GaussianBlur(scene(seed), (0, 0), 4) * 0.1).astype(np.uint8)
        around = cv2.getRotationMatrix2D((320, 240), 25, 0.7)
        save(tmp_path / "in" / f"{seed}.jpg", cv2.warpAffine(fog, around, (640, 480)))
        save(tmp_path / "in" / f"{seed} bare.jpg", fog)
        save(tmp_path / "in" / f"{seed} small.jpg", cv2.resize(fog, (400, 300)), 80)
    report = find(tmp_path / "in", db=db, config=FindConfig(effort=effort))
    pairs = {(match.query[0], match.ref[0]) for match in report.matches}
    assert pairs == {(str(seed), str(seed)) for seed in range(4)}
    assert sum(len(cluster.members) for cluster in report.clusters) >= (
        8 if effort == "fast" else 10
    )


@pytest.mark.parametrize(("either", "expected"), [(True, [["a", "b"]]), (False, [])])
def test_symmetric_pictures_are_looked_at_the_other_way_too(
    either: bool, expected: list[list[str]]
) -> None:
    """Once, and only where they met often either way."""
    pairs = Pairs({n: ImageRef(n, n, n, 1, 9, 9, "JPEG") for n in "ab"})
    looks: list[bool] = []

    def verify(asked: Mapping[Pair, bool]) -> dict[Pair, Verification | None]:
        looks.extend(asked.values())
        return {pair: None if mirrored else WHOLE for pair, mirrored in asked.items()}

    settle(pairs, {("a", "b"): Lead(0.1, mirrored=True, either=either)}, verify, SettleConfig())
    assert components("ab", pairs.matches) == expected
    assert looks == [True, False][: 1 + either]


def test_a_few_chance_correspondences_of_very_many_are_no_motion() -> None:
    """Four of sixty are one; four of a hundred are not."""
    moving = replace(WHOLE, moved=4)
    assert settled({"ab": moving})[0] == []
    assert settled({"ab": replace(moving, inliers=100)})[0] == [["a", "b"]]


def test_a_small_copy_does_not_stand_for_its_cluster() -> None:
    """What is cut from the large one is then explained by it."""
    sizes = {"a": (640, 480), "b": (640, 480), "c": (320, 240)}
    pairs = Pairs({n: ImageRef(n, n, n, 1, *size, "JPEG") for n, size in sizes.items()})
    for pair in combinations("abc", 2):
        likeness = 0.99 if "c" in pair else 0.98
        pairs.matches[pair] = Match(*pair, "copy", 0.0, "pdq", replace(WHOLE, likeness=likeness))
    assert min("abc", key=pairs.typical()) != "c"


def test_a_squashed_copy_does_not_stand_for_its_cluster() -> None:
    """It is as like the others as they are to one another, and no part meets it in one pose."""
    images = {name: ImageRef(name, name, name, 1, 640, 480, "JPEG") for name in "abc"}
    pairs = Pairs({**images, "d": ImageRef("d", "d", "d", 1, 640, 360, "JPEG")})
    for pair in combinations("abcd", 2):
        likeness = 0.99 if "d" in pair else 0.98
        pairs.matches[pair] = Match(*pair, "copy", 0.0, "pdq", replace(WHOLE, likeness=likeness))
    assert min("abcd", key=pairs.typical()) != "d"


def test_what_stands_for_a_cluster_is_most_like_the_others() -> None:
    """Not the noisy copy, which has the most bytes and matches as many."""
    pairs = Pairs({n: ImageRef(n, n, n, 1 + 8 * (n == "a"), 9, 9, "JPEG") for n in "abc"})
    likeness = {("a", "b"): 0.9, ("a", "c"): 0.88, ("b", "c"): 0.99}
    pairs.matches = {
        pair: Match(*pair, "copy", 0.03, "agreement", replace(WHOLE, likeness=some))
        for pair, some in likeness.items()
    }
    assert sorted("abc", key=pairs.rank)[0] == "a"
    assert sorted("abc", key=pairs.typical()) == ["b", "c", "a"]
    assert _few_per_cluster(pairs) == ["b"]
