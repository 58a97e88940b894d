"""Which of two pictures is likely the parent, that is, which the other was made of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from lookalike.difference.additions import AddedKind
from lookalike.difference.limits import PARENTS
from lookalike.difference.overlay import Detail

__all__ = ["Parent", "Signs", "likely_parent"]

Parent = Literal["query", "ref", "unknown"]


@dataclass(frozen=True, slots=True)
class Signs:
    """What one picture has that speaks for it, or against it.

    Attributes:
        added: what was added to it.
        shows_more: whether the scene goes on in it beyond the other's frame.
        pixels: it has so many for one of the other where both show the same.
        is_grey: whether it is colourless and the other is not.
        detail: of its fine texture, compared with the other's.
        tags: EXIF tags.
    """

    added: Sequence[AddedKind]
    shows_more: bool
    pixels: float
    is_grey: bool
    detail: Detail
    tags: int


def likely_parent(query: Signs, ref: Signs) -> tuple[Parent, str]:
    """Tell the likely parent and why, or ``unknown`` where the evidence is even.

    Nothing tells a mirrored or turned copy from its source by what it shows, and a copy that was
    only enlarged looks like the source.
    """
    for_query, for_ref = _spoken(query, ref), _spoken(ref, query)
    balance = sum(weight for weight, _ in for_query) - sum(weight for weight, _ in for_ref)
    if abs(balance) < PARENTS.clearly:
        return "unknown", "the evidence is even" if for_query or for_ref else "nothing tells"
    reasons = for_query if balance > 0 else for_ref
    return ("query" if balance > 0 else "ref"), "; ".join(words for _, words in reasons)


def _spoken(own: Signs, other: Signs) -> list[tuple[float, str]]:
    """Weigh what speaks for a picture as the parent."""
    said = []
    if other.added and not own.added:
        things = " and ".join(dict.fromkeys(other.added))
        said.append((PARENTS.added, f"the other has {things} added"))
    if own.shows_more and not other.shows_more:
        said.append((PARENTS.scene, "it shows more of the scene"))
    if own.pixels > PARENTS.more_pixels:
        said.append((PARENTS.pixels, f"it has {own.pixels:.1f} pixels for one of the other"))
    if other.is_grey:
        said.append((PARENTS.colour, "it has colour"))
    is_same_size = 1 / PARENTS.more_pixels < own.pixels < PARENTS.more_pixels
    if own.detail.fine > PARENTS.sharper:
        said.append((PARENTS.detail, "it is sharper"))
    elif is_same_size and _holds(other.detail, own.detail):
        said.append((PARENTS.detail, "the other has noise"))
    elif is_same_size and _is_encoded_again(other.detail, own.detail):
        said.append((PARENTS.encoded, "the other was encoded once more"))
    if own.tags > other.tags:
        said.append((PARENTS.tags, "it has more EXIF tags"))
    return said


def _holds(noisy: Detail, clean: Detail) -> bool:
    """Tell whether one shows all fine texture of the other, as strongly, and something besides."""
    is_equal = max(noisy.fine, clean.fine) <= PARENTS.sharper
    has_more = clean.finest < PARENTS.noise * noisy.finest
    return is_equal and noisy.finest > PARENTS.noisier and has_more


def _is_encoded_again(other: Detail, own: Detail) -> bool:
    """Tell whether one keeps the other's finest texture and a little that JPEG leaves besides."""
    is_kept = PARENTS.kept_from <= other.finest <= PARENTS.kept_to
    return is_kept and own.finest < other.finest - PARENTS.remains
