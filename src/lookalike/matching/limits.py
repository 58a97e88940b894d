"""Limits of matching: which pairs are looked at, and which contents stand for others.

``ADR n`` after a field is the decision in ``docs/adr`` that gives the number or why there is one;
``by eye`` means that it was chosen when it was written and no measurement of it is kept. What users
set stands in ``config.stages``.
"""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["CASCADE", "CascadeLimits"]


@dataclass(frozen=True, slots=True)
class CascadeLimits:
    """Which pairs the cascade looks at, and which contents it leaves out.

    Attributes:
        same_way: differing bits of 256 of two files of equal pixels, reduced in one way (ADR 6).
        other_way: the same where the decoder of a JPEG reduced one of them (ADR 6).
        shade: bits of 256 up to which a picture over one of many backdrops counts as near:
            the grey that suits is far nearer, and of many tries some are near by chance (ADR 29).
        small_star: members of a star that keeps every pair (by eye).
        either_way: keypoints that meet in the second orientation too, above which a pair is looked
            at in both, as symmetric pictures need (by eye).
        inside: share of a member that its centre shows, from which it lies in the centre, 0..1
            (by eye).
        not_all: share of the centre that such a member shows at most, 0..1 (by eye).
        same_scale: by how much its scale differs from 1 at least: what is as large as the centre
            shows it was most likely cut from there (by eye).
        small: by how many times fewer pixels a content counts half as typical of its cluster,
            0..1 (by eye).
        most_bits: bits of one substring of keypoints: it is packed with what it belongs to in a
            number of 64 (ADR 9).
    """

    same_way: int = 12
    other_way: int = 31
    shade: int = 32
    small_star: int = 16
    either_way: int = 6
    inside: float = 0.98
    not_all: float = 0.9
    same_scale: float = 0.02
    small: float = 0.5
    most_bits: int = 60


CASCADE = CascadeLimits()
