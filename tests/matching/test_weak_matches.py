"""Weak matches, on both sides of each limit: parts of pictures as bits."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from itertools import combinations

import pytest

from evidence import WHOLE, image
from lookalike.config import SettleConfig
from lookalike.matching.match_graph import Lead, Pair, Pairs
from lookalike.matching.verify_rounds import settle
from lookalike.matching.weak_matches import _is_own, _lack_one_part, _without_furniture
from lookalike.model.match import Match, Verification

CONFIG = SettleConfig()
EVERY = (1 << 64) - 1


def showing(query: str, ref: str, cells: int) -> Match:
    """A match that shows these parts of both."""
    bits = f"{cells:016x}"
    seen = replace(WHOLE, shared_query=bits, shared_ref=bits)
    return Match(query, ref, "copy", 0.1, "agreement", seen)


def first(count: int) -> int:
    """As many parts, from the first on."""
    return (1 << count) - 1


@pytest.mark.parametrize(("furniture", "is_own"), [(32, True), (33, False)])
def test_half_of_what_a_match_shows_is_its_own(furniture: int, is_own: bool) -> None:
    """Of either image."""
    match = showing("a", "b", EVERY)
    assert _is_own(match, {"a": first(furniture)}, CONFIG) == is_own
    assert _is_own(match, {"b": first(furniture)}, CONFIG) == is_own


@pytest.mark.parametrize(("strange", "kept"), [(32, True), (33, False)])
def test_half_of_what_a_lead_shows_is_shown_by_no_stranger(strange: int, kept: bool) -> None:
    """What the leaf shares with another that does not lead there is furniture."""
    leads: Mapping[str, Mapping[str, Match]] = {
        "x": {"c": showing("x", "c", EVERY), "d": showing("x", "d", first(strange))}
    }
    shown = {"c": EVERY, "d": EVERY}
    found = _without_furniture("x", leads, shown, CONFIG)
    assert ("c" in found) == kept


@pytest.mark.parametrize(("common", "is_one"), [(8, True), (7, False)])
def test_pages_lack_the_same_part_of_a_third(common: int, is_one: bool) -> None:
    """Of ten parts that either lacks both lack eight."""
    lacked = first(10)
    other = first(common)
    one = ("x", showing("x", "t", EVERY & ~lacked))
    two = ("y", showing("t", "y", EVERY & ~other))
    assert _lack_one_part(one, two, EVERY, CONFIG) == is_one
    # what no copy shows there is lacked by nobody
    assert not _lack_one_part(one, two, EVERY & ~lacked, CONFIG)


def test_images_that_match_nothing_are_looked_at_less() -> None:
    """Two that three looks each left alone are not looked at together."""
    names = "abcdefgh"
    pairs = Pairs({name: image(name) for name in names})
    asked: list[Pair] = []

    def verify(some: Mapping[Pair, bool]) -> dict[Pair, Verification | None]:
        asked.extend(some)
        return dict.fromkeys(some)

    every = {pair: Lead(0.1) for pair in combinations(names, 2)}
    assert settle(pairs, every, verify, CONFIG) == {} and pairs.matches == {}
    looks = {name: sum(name in pair for pair in asked) for name in names}
    # seven with a, six with b, five with c: then every one has looked three times in vain
    assert len(asked) == len(set(asked)) == 7 + 6 + 5
    assert all(count >= 3 for count in looks.values()) and len(looks) == 8
