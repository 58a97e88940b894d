"""Which of two is the parent: signs made by hand, on both sides of every limit."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from lookalike.difference.additions import AddedKind
from lookalike.difference.overlay import Detail
from lookalike.difference.parent import Signs, likely_parent


def signs(
    added: Sequence[AddedKind] = (),
    *,
    more: bool = False,
    pixels: float = 1.0,
    grey: bool = False,
    fine: float = 1.0,
    finest: float = 0.9,
    tags: int = 0,
) -> Signs:
    """Signs of a picture that has nothing over an equal one but what is told."""
    return Signs(added, more, pixels, grey, Detail(fine, finest), tags)


PLAIN = signs()
#: its finest texture is a little less than the other's
CLEAN = signs(finest=0.6)


@pytest.mark.parametrize(
    ("query", "ref", "parent", "words"),
    [
        (PLAIN, PLAIN, "unknown", "nothing tells"),
        (PLAIN, signs(["text"]), "query", "the other has text added"),
        (PLAIN, signs(["text", "lines", "text"]), "query", "the other has text and lines added"),
        (signs(["text"]), signs(["lines"]), "unknown", "nothing tells"),
        (signs(more=True), PLAIN, "query", "it shows more of the scene"),
        (signs(more=True), signs(more=True), "unknown", "nothing tells"),
        (signs(pixels=1.05), PLAIN, "query", "it has 1.1 pixels for one of the other"),
        (signs(pixels=1.04), PLAIN, "unknown", "nothing tells"),
        (PLAIN, signs(grey=True), "query", "it has colour"),
        (signs(fine=1.16), PLAIN, "query", "it is sharper"),
        (signs(fine=1.15), PLAIN, "unknown", "nothing tells"),
        (signs(tags=2), signs(tags=1), "query", "it has more EXIF tags"),
        (signs(tags=1), signs(tags=1), "unknown", "nothing tells"),
        # the other holds all of its texture, and something besides
        (signs(finest=0.6), signs(finest=0.81), "query", "the other has noise"),
        (signs(finest=0.61), signs(finest=0.81), "unknown", "nothing tells"),
        (signs(finest=0.5), signs(finest=0.8), "unknown", "nothing tells"),
        (signs(finest=0.5), signs(finest=0.9, fine=1.15), "query", "the other has noise"),
        (signs(finest=0.6, pixels=0.97), signs(finest=0.81), "query", "the other has noise"),
        (signs(finest=0.6, pixels=0.96), signs(finest=0.81), "unknown", "nothing tells"),
        (signs(finest=0.6, pixels=1.04), signs(finest=0.81), "unknown", "nothing tells"),
        (signs(finest=0.6, pixels=1 / 1.04), signs(finest=0.81), "unknown", "nothing tells"),
        # the other keeps its texture but for what JPEG takes
        (signs(finest=0.93), signs(finest=0.97), "query", "the other was encoded once more"),
        (signs(finest=0.93), signs(finest=0.969), "unknown", "nothing tells"),
        (signs(finest=0.98), signs(finest=1.02), "query", "the other was encoded once more"),
        (signs(finest=0.98), signs(finest=1.021), "unknown", "nothing tells"),
        (signs(finest=0.96), signs(finest=0.99), "unknown", "nothing tells"),
        (signs(finest=0.957), signs(finest=0.99), "query", "the other was encoded once more"),
    ],
)
def test_every_sign_has_its_limit(query: Signs, ref: Signs, parent: str, words: str) -> None:
    """And says the same of the two whichever is asked first."""
    assert likely_parent(query, ref) == (parent, words)
    turned = {"query": "ref", "ref": "query", "unknown": "unknown"}[parent]
    assert likely_parent(ref, query) == (turned, words)


@pytest.mark.parametrize(
    ("query", "ref", "parent"),
    [
        # 3 of what was added, 2.5 of scene, 2 of pixels and colour, 1.5 of detail, 1 of tags
        (PLAIN, signs(["text"], more=True), "unknown"),
        (PLAIN, signs(["text"], pixels=2.0), "query"),
        (signs(grey=True), signs(["text"], tags=1), "unknown"),
        (signs(more=True), signs(pixels=2.0), "unknown"),
        (signs(more=True), signs(fine=1.3), "query"),
        (signs(more=True, tags=0), signs(pixels=2.0, tags=1), "unknown"),
        (signs(pixels=2.0), signs(tags=1), "query"),
        (signs(pixels=2.0), signs(fine=1.3), "unknown"),
        (signs(pixels=2.0, tags=1), signs(fine=1.3), "query"),
        (PLAIN, signs(["text"], fine=1.3), "query"),
        (PLAIN, signs(["text"], fine=1.3, tags=1), "unknown"),
        (signs(grey=True, tags=1), signs(), "ref"),
        (PLAIN, signs(grey=True, fine=1.3), "unknown"),
        (signs(fine=1.3), signs(more=True, grey=True), "query"),
        (signs(finest=0.97), signs(grey=True, finest=0.93), "query"),
    ],
)
def test_signs_are_weighed_against_each_other(query: Signs, ref: Signs, parent: str) -> None:
    """A balance of 1 decides; less is even evidence."""
    found, words = likely_parent(query, ref)
    assert found == parent
    assert (words == "the evidence is even") == (parent == "unknown")
