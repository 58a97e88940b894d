"""Keep rules: each on both sides of what it tells apart, none by the order of the images."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evidence import WHOLE, image
from lookalike.clustering.stars import make_cluster
from lookalike.config import KeepConfig, RunConfig
from lookalike.decisions.keeper import choose, decide
from lookalike.model.errors import ConfigError
from lookalike.model.match import Frame, Match


@pytest.mark.parametrize(
    ("rule", "better", "worse"),
    [
        ("resolution", {"width": 20}, {}),
        ("lossless", {"lossless": True, "format": "PNG"}, {}),
        ("size", {"n_bytes": 110}, {}),
        ("sharpness", {"sharpness": 9.0}, {"sharpness": 8.0}),
        ("exif", {"exif_fields": 2}, {}),
        ("oldest", {"modified_ns": 10**18}, {"modified_ns": 10**18 + 1}),
        ("newest", {"modified_ns": 10**18 + 1}, {"modified_ns": 10**18}),
    ],
)
def test_each_rule_decides(rule: str, better: dict[str, object], worse: dict[str, object]) -> None:
    """Each rule keeps the better one and says so."""
    keep, drop = choose([image("b", **better), image("a", **worse)], [rule])[::-1]
    assert (keep.action, drop.action, drop.keeper) == ("keep", "drop", "b")
    assert keep.reason.startswith(rule) and drop.reason.startswith(rule)


def test_rules_of_the_cluster() -> None:
    """A padded image goes, the centre stays, a shorter path wins, ties go by name."""
    three = [image("a"), image("b"), image("longer/c")]
    assert choose(three, ["unpadded", "path"], padded={"a"})[0].keeper == "b"
    assert choose(three, ["medoid"], center="longer/c")[0].keeper == "longer/c"
    assert choose(three, ["path"])[0].keeper == "a"
    with pytest.raises(ConfigError, match=r"unknown keep rule.*beauty.*resolution"):
        choose(three, ["beauty"])


@given(st.lists(st.floats(0, 100), min_size=2, max_size=8), st.randoms())
def test_tolerance_does_not_depend_on_order(values: list[float], chance: random.Random) -> None:
    """Sharpness within 5 % is equal, whatever the order of the images."""
    images = [image(f"i{n}", sharpness=value) for n, value in enumerate(values)]
    shuffled = list(images)
    chance.shuffle(shuffled)
    rules = ["sharpness", "path"]
    assert choose(images, rules) == choose(shuffled, rules)


@pytest.mark.parametrize(
    ("rule", "field", "best", "equal", "worse"),
    [("size", "n_bytes", 10_000, 9_500, 9_499), ("sharpness", "sharpness", 100.0, 95.0, 94.9)],
)
def test_a_twentieth_less_is_equal(
    rule: str, field: str, best: float, equal: float, worse: float
) -> None:
    """5 % less of bytes or sharpness decides nothing, a little more does."""
    first, second = image("a", **{field: equal}), image("b", **{field: best})
    assert choose([first, second], [rule])[0].keeper == "a"
    assert choose([replace(first, **{field: worse}), second], [rule])[0].keeper == "b"


def test_a_damaged_file_never_stays_for_a_whole_one() -> None:
    """Before every other rule; among damaged ones the others decide."""
    cut = image("a", width=99, damage="cut short")
    keep, drop = choose([cut, image("b")], ["resolution"])[::-1]
    assert (keep.image, keep.reason) == (
        "b",
        "undamaged: nothing missing, whole over damaged (cut short)",
    )
    assert drop.reason == "undamaged: damaged (cut short) against whole"
    assert choose([cut, image("b", damage="cut short")], ["resolution"])[0].keeper == "a"


def test_reasons_name_the_rule_that_decided() -> None:
    """The first that tells two apart, with what is compared; and say where none does."""
    one, other = image("a", width=20, n_bytes=2_000), image("b", width=20, n_bytes=1_000)
    keep, drop = choose([one, other], ["resolution", "size"])
    assert keep.reason == "size: more bytes, 2,000 bytes over 1,000 bytes"
    assert drop.reason == "size: 1,000 bytes against 2,000 bytes"
    keep, drop = choose([image("a"), image("b")], ["resolution", "size"])
    assert keep.reason == "all equal by every rule: first by name"
    assert drop.reason == "equal by every rule: the other comes first by name"


def test_every_reason_shows_what_was_compared() -> None:
    """Dates to the second in UTC, the centre, and what was added around."""
    first, later = image("a", modified_ns=10**18), image("b", modified_ns=10**18 + 10**9)
    keep, drop = choose([first, later], ["oldest"])
    assert keep.reason == "oldest: older, 2001-09-09 01:46:40 over 2001-09-09 01:46:41"
    assert drop.reason == "oldest: 2001-09-09 01:46:41 against 2001-09-09 01:46:40"
    pair = [image("a"), image("b")]
    keep, drop = choose(pair, ["medoid"], center="a")
    assert keep.reason.endswith("centre of the cluster over not the centre")
    assert drop.reason == "medoid: not the centre against centre of the cluster"
    keep, drop = choose(pair, ["unpadded"], padded={"b"})
    assert keep.reason == "unpadded: nothing added around it, bare over padded"
    assert drop.reason == "unpadded: padded against bare"


@pytest.mark.parametrize(
    ("frame", "keeper"),
    [("bordered", "a"), ("unbordered", "b"), ("inset", "a"), ("same", "a"), (None, "a")],
)
def test_a_border_is_padding_and_a_page_around_is_none(frame: Frame | None, keeper: str) -> None:
    """Of query a and ref b the one with the border goes, whatever its size."""
    seen = replace(WHOLE, frame=frame) if frame else None
    match = Match("a", "b", "copy", 0.1, "pdq", seen)
    padded = "b" if frame == "bordered" else "a" if frame == "unbordered" else ""
    images = {name: image(name, width=10 + 10 * (name == padded)) for name in "ab"}
    config = RunConfig(keep=KeepConfig(("unpadded", "resolution")))
    decisions = decide([make_cluster("ab", "a", [match], "star")], images, config)
    assert [decision.keeper for decision in decisions] == [keeper, keeper]
    by_size = RunConfig(keep=KeepConfig(("resolution",)))
    (kept,) = {
        d.keeper for d in decide([make_cluster("ab", "a", [match], "star")], images, by_size)
    }
    assert kept == (padded or "a")
