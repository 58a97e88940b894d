"""Limits of what is read: from where on a file counts as damaged.

``by eye`` after a field means that it was chosen when it was written and no measurement of it is
kept. How pixels are read is set in ``config.stages.DecodeConfig``; numbers of file formats stand
where the formats are read.
"""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["DAMAGE", "DamageLimits"]


@dataclass(frozen=True, slots=True)
class DamageLimits:
    """Whether what a JPEG's decoder left over is compressed data, and whether its end is there.

    Attributes:
        fewest_left: bytes left over before the end mark; fewer are filler, whatever they are (by
            eye).
        least_variety: share of the different bytes that as many random ones would show, below
            which they are filler, 0..1 (by eye).
        high: value that one of them has at least, else they are filler: text has none, 0..255 (by
            eye).
        end: bytes at the end of a file that hold its end mark (by eye).
    """

    fewest_left: int = 16
    least_variety: float = 0.5
    high: int = 128
    end: int = 4096


DAMAGE = DamageLimits()
