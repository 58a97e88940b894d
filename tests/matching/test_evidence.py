"""Every rule about evidence, with evidence on both sides of each of its limits."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pytest

from evidence import WHOLE, image
from lookalike.config import SettleConfig
from lookalike.matching.confirm import confirm_stars, confirm_tied, verified
from lookalike.matching.judge import verdict, weight
from lookalike.matching.match_graph import Pair, Pairs
from lookalike.matching.shots import add_shots, add_similar
from lookalike.model.match import Match, Verification

CONFIG = SettleConfig()
#: neither lies in the other; most of both is shared
COINCIDING = replace(WHOLE, overlap_query=0.9, overlap_ref=0.9)
#: one lies in the other and is a part of it
WITHIN = replace(WHOLE, overlap_query=1.0, overlap_ref=0.4)
#: they share some
OVERLAPPING = replace(WHOLE, overlap_query=0.6, overlap_ref=0.6)


def match_of(seen: Verification) -> Match:
    """A match of a and b with that evidence."""
    return Match("a", "b", "copy", 0.1, "agreement", seen)


@pytest.mark.parametrize(
    ("seen", "expected"),
    [
        (replace(COINCIDING, likeness=0.9), True),
        (replace(COINCIDING, likeness=0.899), False),
        (replace(WITHIN, likeness=0.85), True),
        (replace(WITHIN, likeness=0.849), False),
        (replace(OVERLAPPING, overlap_ref=0.985, likeness=0.87), True),
        (replace(OVERLAPPING, overlap_ref=0.984, likeness=0.87), False),
        (replace(WHOLE, inliers=10, moved=3), True),
        (replace(WHOLE, inliers=10, moved=4), False),
        (replace(WHOLE, inliers=66, moved=4), False),
        (replace(WHOLE, inliers=67, moved=4), True),
    ],
)
def test_a_copy_is_alike_and_nothing_in_it_moved(seen: Verification, expected: bool) -> None:
    """By .9, by .85 within another; up to 3 places may move, or 6 % of many inliers."""
    assert (verdict(seen, "tied", CONFIG) == "copy") == expected


@pytest.mark.parametrize(
    ("seen", "expected"),
    [
        (replace(COINCIDING, agreement=0.9), True),
        (replace(COINCIDING, agreement=0.899), False),
        (replace(WITHIN, agreement=0.65), True),
        (replace(WITHIN, agreement=0.649), False),
        (replace(OVERLAPPING, agreement=0.75, inliers=9), True),
        (replace(OVERLAPPING, agreement=0.749, inliers=60), False),
        (replace(OVERLAPPING, agreement=0.97, inliers=8), False),
        (replace(WHOLE, support=0.1), True),
        (replace(WHOLE, support=0.099), False),
        (replace(COINCIDING, likeness=0.8), False),
        # as whole frames these would have to agree in .9
        (replace(OVERLAPPING, overlap_query=0.88, overlap_ref=0.88, agreement=0.8), False),
        (replace(OVERLAPPING, overlap_query=0.879, overlap_ref=0.88, agreement=0.8), True),
        (replace(OVERLAPPING, overlap_query=0.88, overlap_ref=0.879, agreement=0.8), True),
    ],
)
def test_what_counts_by_itself(seen: Verification, expected: bool) -> None:
    """Whole frames agree in .9, a part in .65, frames that overlap in .75 with 9 inliers."""
    told = verdict(seen, "among", CONFIG)
    assert (told == "copy") == expected
    # what is a copy and does not count by itself waits for others
    assert expected or (told == "weak") == (verdict(seen, "tied", CONFIG) == "copy")
    # what counts by itself also ties a picture that is searched for
    assert not expected or verdict(seen, "alone", CONFIG) == "copy"


@pytest.mark.parametrize(
    ("inliers", "agreement", "support", "expected"),
    [
        (60, 0.8, 0.0, True),
        (60, 0.799, 0.0, False),
        (6, 1.0, 0.0, True),
        (5, 1.0, 0.0, False),
        (7, 0.85, 0.0, False),
        (9, 0.8, 0.0, True),
        (60, 0.7, 0.1, True),
        (60, 0.7, 0.099, False),
    ],
)
def test_what_ties_a_picture_that_is_searched_for(
    inliers: int, agreement: float, support: float, expected: bool
) -> None:
    """.8 must agree and inliers weigh 6, or it counts by itself."""
    seen = replace(WITHIN, inliers=inliers, agreement=agreement, support=support)
    assert (verdict(seen, "alone", CONFIG) == "copy") == expected


@pytest.mark.parametrize(
    ("seen", "expected"),
    [
        (replace(WHOLE, support=0.0, moved=4), True),
        (replace(WHOLE, support=0.1), True),
        (replace(WHOLE, support=0.099), False),
    ],
)
def test_another_shot_shows_one_scene_for_sure(seen: Verification, expected: bool) -> None:
    """A part moved by itself, or one keypoint in ten corresponds."""
    other = replace(seen, inliers=10, likeness=0.7)
    assert verdict(other, "among", CONFIG) == ("shot" if expected else "nothing")


@pytest.mark.parametrize(
    ("seen", "expected"),
    [
        (replace(WITHIN, agreement=0.65, inliers=10), 6.5),
        (replace(WITHIN, agreement=0.649, inliers=10), 0.0),
        (replace(COINCIDING, agreement=0.1, inliers=10), 1.0),
        (replace(OVERLAPPING, agreement=0.97), 0.0),
    ],
)
def test_weak_evidence_weighs_by_inliers_that_agree(seen: Verification, expected: float) -> None:
    """Of whole frames, and of a part of which .65 agrees; what only overlaps weighs nothing."""
    assert weight(seen, CONFIG) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("seen", "tied", "alone"),
    [
        (replace(WHOLE, likeness=0.8), False, False),
        (OVERLAPPING, False, False),
        (replace(WHOLE, agreement=0.6, support=0.08), True, False),
        (replace(WHOLE, agreement=0.6, support=0.079), False, False),
        (replace(WHOLE, agreement=0.599, support=0.0), True, False),
        (replace(WHOLE, agreement=0.8), True, True),
        (replace(WHOLE, agreement=0.799), True, False),
    ],
)
def test_what_ties_a_leaf(seen: Verification, tied: bool, alone: bool) -> None:
    """To a cluster: unless .6 agree and yet few keypoints do. To one that is alone: .8 agree."""
    assert (verdict(seen, "leaf", CONFIG) == "copy") == tied
    assert (verdict(seen, "couple", CONFIG) == "copy") == alone


def pairs_of(names: str, *tied: str) -> Pairs:
    """Pairs of one-letter images, some of them tied by a firm match."""
    pairs = Pairs({name: image(name) for name in names})
    for a, b in tied:
        pairs.matches[a, b] = Match(a, b, "copy", 0.0, "agreement", WHOLE)
    return pairs


class Looked:
    """A verification that answers from what is given, and notes what it was asked."""

    def __init__(self, known: Mapping[str, Verification]) -> None:
        self.known = known
        self.asked: list[dict[str, bool]] = []

    def __call__(self, pairs: Mapping[Pair, bool]) -> dict[Pair, Verification | None]:
        """What is known of every pair."""
        self.asked.append({a + b: mirrored for (a, b), mirrored in pairs.items()})
        return {(a, b): self.known.get(a + b) for a, b in pairs}


def test_members_that_were_skipped_are_compared_with_their_centre() -> None:
    """Only those whom a common match ties to it; what then matches makes one star of two."""
    pairs = pairs_of("abcde", "ab", "ac", "bd", "de")
    look = Looked({"ad": WHOLE})
    confirm_stars(pairs, look, CONFIG)
    # e has no common match with a before d has one
    assert look.asked == [{"ad": False}, {"ae": False}]
    assert set(pairs.matches) == {("a", "b"), ("a", "c"), ("b", "d"), ("d", "e"), ("a", "d")}
    assert pairs.counts["verified"] == 2 and pairs.counts["verified_accepted"] == 1


def test_a_centre_is_compared_turned_as_the_way_there() -> None:
    """Mirrored once on the way is mirrored; mirrored twice is not."""
    pairs = pairs_of("abcd", "ab", "ac", "bd")
    mirrored = replace(WHOLE, mirrored=True)
    pairs.matches["a", "b"] = replace(pairs.matches["a", "b"], verification=mirrored)
    look = Looked({})
    confirm_stars(pairs, look, CONFIG)
    pairs.matches["b", "d"] = replace(pairs.matches["b", "d"], verification=mirrored)
    confirm_stars(pairs, look, CONFIG)
    assert [asked["ad"] for asked in look.asked if "ad" in asked] == [True, False]
    assert len(pairs.matches) == 3


def test_what_is_tied_already_needs_to_be_a_copy_and_no_more() -> None:
    """Weak evidence suffices; another shot does not; nothing is looked at where none is asked."""
    pairs = pairs_of("abc")
    weak = replace(WHOLE, agreement=0.123456, support=0.0)
    look = Looked({"ab": weak, "ac": replace(weak, likeness=0.7)})
    assert confirm_tied(pairs, {("b", "a"): True, ("a", "c"): False}, look, CONFIG) == [("a", "b")]
    assert look.asked == [{"ab": True, "ac": False}]
    assert pairs.matches == {("a", "b"): Match("a", "b", "copy", 0.8765, "agreement", weak)}
    assert verified(pairs, {}, look) == {} and len(look.asked) == 1


def test_shots_and_similar_ones_tie_clusters_not_copies() -> None:
    """Within a cluster of copies they say nothing; a network's distance has its limit."""
    pairs = pairs_of("abcd", "ab")
    shot = replace(match_of(replace(WHOLE, likeness=0.8)), confidence=0.5)
    add_shots(pairs, {("a", "b"): shot, ("a", "c"): replace(shot, ref="c")})
    assert {pair: match.tier for pair, match in pairs.matches.items()} == {
        ("a", "b"): "copy",
        ("a", "c"): "similar",
    }
    near = {("a", "b"): 0.1, ("a", "c"): 0.1, ("a", "d"): 0.2, ("b", "d"): 0.201, ("b", "c"): 0.0}
    before = dict(pairs.matches)
    add_similar(pairs, near, 0.2, "net")
    assert {pair: pairs.matches[pair] for pair in before} == before
    added = pairs.matches.keys() - before.keys()
    assert added == {("a", "d"), ("b", "c")}
    assert pairs.matches["a", "d"] == Match("a", "d", "similar", 0.2, "net")
