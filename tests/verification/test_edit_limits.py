"""Words for edits and what evidence counts for: numbers on both sides of every limit."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from lookalike.model.match import Verification
from lookalike.verification.confidence import features_of
from lookalike.verification.edit import Alignment, Seen, Tone, explain, tone_words, whole_frame

EVERYWHERE = np.ones((8, 8), bool)


def explained(
    *,
    grow: float = 1.0,
    stretch: float = 1.0,
    bend: float = 0.0,
    turn: float = 0.0,
    down: float = 0,
) -> Verification:
    """A query of 400×300 laid on a ref of 400×300.

    Args:
        grow: how much larger it is there.
        stretch: how much more so across.
        bend: how much its last corner lies deeper, in all.
        turn: degrees that it is turned.
        down: pixels that it lies lower.
    """
    cosine, sine = np.cos(np.radians(turn)), np.sin(np.radians(turn))
    turned = np.array([[cosine, sine, 0], [-sine, cosine, 0], [0, 0, 1]])
    transform = turned @ np.diag([grow * stretch, grow, 1.0])
    transform[1, 2] += down
    transform[2, :2] = bend / 800, bend / 600
    alignment = Alignment(transform, (400, 300), (400, 300), Tone(), lambda: False, lambda: False)
    return explain(alignment, Seen(20, 0.5, 1.0, 1.0, 1.0, EVERYWHERE, EVERYWHERE))


@pytest.mark.parametrize(("off", "frame"), [(15, "overlapping"), (6, "same")])
def test_a_frame_that_is_nearly_there_is_all_there(off: float, frame: str) -> None:
    """.95 of either, or .98."""
    assert explained(down=off).frame == frame


@pytest.mark.parametrize(("grow", "frame"), [(0.81, "inset"), (0.95, "extended")])
def test_what_is_smaller_was_placed_inside(grow: float, frame: str) -> None:
    """Else it only got more around it."""
    assert explained(grow=grow).frame == frame


@pytest.mark.parametrize(("stretch", "expected"), [(1.02, False), (1.06, True)])
def test_one_side_grew_more(stretch: float, expected: bool) -> None:
    """Worth a word."""
    assert ("stretched" in explained(stretch=stretch).edit) == expected


@pytest.mark.parametrize(("change", "expected"), [(0.027, False), (0.033, True)])
def test_both_sides_grew(change: float, expected: bool) -> None:
    """Worth a word, either way."""
    for grow in (1 - change, 1 + change):
        assert ("resized" in explained(grow=grow).edit) == expected
    wide = whole_frame(
        (1000, 1000), (round(1000 * (1 + change)),) * 2, (False,) * 3, (1, 1), Tone()
    )
    assert ("resized" in wide.edit) == expected


@pytest.mark.parametrize(("bend", "expected"), [(0.045, False), (0.055, True)])
def test_a_corner_lies_deeper(bend: float, expected: bool) -> None:
    """Then it is a perspective."""
    assert ("perspective" in explained(bend=bend).edit) == expected


@pytest.mark.parametrize(("turn", "expected"), [(0.9, False), (1.1, True)])
def test_a_turn_is_worth_a_word(turn: float, expected: bool) -> None:
    """From a degree on."""
    assert ("rotated" in explained(turn=turn).edit) == expected


@pytest.mark.parametrize(("off", "expected"), [(1.8, True), (2.2, False)])
def test_a_mirrored_copy_that_stands_on_its_head_is_flipped(off: float, expected: bool) -> None:
    """Nearly."""
    angle = np.radians(off)
    flip = np.array([[np.cos(angle), np.sin(angle)], [np.sin(angle), -np.cos(angle)]])
    transform = np.eye(3)
    transform[:2, :2] = flip
    transform[1, 2] = 300
    alignment = Alignment(transform, (400, 300), (400, 300), Tone(), lambda: False, lambda: False)
    found = explain(alignment, Seen(20, 0.5, 1.0, 1.0, 1.0, EVERYWHERE, EVERYWHERE))
    assert ("flipped top to bottom" in found.edit) == expected


@pytest.mark.parametrize(
    ("tone", "agreement", "words"),
    [
        (Tone(), 0.8, ["partly covered"]),
        (Tone(), 0.9, []),
        (Tone(tint=10.8), 1.0, []),
        (Tone(tint=13.2), 1.0, ["recoloured"]),
        (Tone(offset=10.8), 1.0, []),
        (Tone(offset=13.2), 1.0, ["brighter"]),
        (Tone(offset=-10.8), 1.0, []),
        (Tone(offset=-13.2), 1.0, ["darker"]),
        (Tone(gain=0.86, offset=17.9), 1.0, []),
        (Tone(gain=0.8, offset=25.6), 1.0, ["less contrast"]),
        (Tone(gain=1.15, offset=-19.2), 1.0, []),
        (Tone(gain=1.25, offset=-32.0), 1.0, ["more contrast"]),
    ],
)
def test_light_and_colours_that_changed_are_worth_a_word(
    tone: Tone, agreement: float, words: list[str]
) -> None:
    """From some levels and shares on."""
    assert tone_words(tone, agreement) == words


def evidence(**numbers: float) -> Verification:
    """Evidence of a match by keypoints."""
    return replace(explained(), **numbers)  # type: ignore[arg-type]


def test_little_support_is_as_good_as_a_hundredth() -> None:
    """No evidence is infinitely bad."""
    none, less, more = (features_of(evidence(support=share)) for share in (0, 0.009, 0.011))
    assert none == less != more


def test_no_share_is_infinitely_good() -> None:
    """In log odds, from .99 to 1 is as far as from .5 to .81."""

    def of(share: float) -> float:
        return features_of(evidence(agreement=share))[2]

    assert of(1.0) - of(0.99) == pytest.approx(of(0.81) - of(0.5), abs=0.05)
