"""Limits of decisions: what is too alike to choose by.

``by eye`` means that a number was chosen when it was written and no measurement of it is kept.
"""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["KEEPER", "KeeperLimits"]


@dataclass(frozen=True, slots=True)
class KeeperLimits:
    """When two images of a cluster are alike to a keep rule.

    Attributes:
        tolerance: share of the larger by which sizes in bytes, or sharpness, of two images differ
            at most and yet are alike, 0..1 (by eye).
    """

    tolerance: float = 0.05


KEEPER = KeeperLimits()
