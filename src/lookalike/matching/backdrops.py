"""Compare pictures with transparent parts over the grey that suits the other picture best.

Whoever flattens a picture puts something behind it: white, black, any colour, and a hash sees that
as much as the picture. So one with transparent parts is compared over many greys, of which one is
near whatever there is; two that are both transparent are compared over white.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lookalike.descriptors.hashes import ORIENTATIONS
from lookalike.ingest.contents import shade_names
from lookalike.matching.candidates import HashPairs, Stages
from lookalike.matching.limits import CASCADE
from lookalike.model.arrays import IntArray
from lookalike.model.image import ImageRef

__all__ = ["Frames", "with_backdrops"]


@dataclass(frozen=True, slots=True)
class Frames:
    """Whole frames that may be one picture.

    Attributes:
        names: contents, then those with transparent parts over every backdrop.
        owner: ``(n,)`` place of the content that each name belongs to.
        near: pairs of names, those of two contents one after the other, the closest first.
    """

    names: Sequence[str]
    owner: IntArray
    near: HashPairs

    @property
    def contents(self) -> tuple[IntArray, IntArray]:
        """Places ``(k,)`` of the two contents of each pair, the lower first."""
        return self.owner[self.near.query], self.owner[self.near.ref]

    @property
    def is_plain(self) -> NDArray[np.bool_]:
        """``(k,)`` whether the two names of a pair are contents themselves."""
        own = int(self.owner.max(initial=-1)) + 1
        return (self.near.query < own) & (self.near.ref < own)

    def first(self, rows: IntArray) -> IntArray:
        """Keep the first pair of names of every two contents."""
        query, ref = (places[rows] for places in self.contents)
        is_first = np.ones(len(rows), bool)
        is_first[1:] = (query[1:] != query[:-1]) | (ref[1:] != ref[:-1])
        return rows[is_first]


def with_backdrops(images: Sequence[ImageRef], near: HashPairs, stages: Stages) -> Frames:
    """Add near hashes of pictures with transparent parts over every backdrop.

    Args:
        images: one a content, in the order of their places.
        near: pairs of places that are near as they are.
        stages: measures them.
    """
    shas = [image.sha256 for image in images]
    clear = [n for n, image in enumerate(images) if image.transparent]
    opaque = [n for n, i in enumerate(images) if not (i.transparent or i.low_information)]
    if not clear or not opaque:
        return Frames(shas, np.arange(len(shas)), near)
    shades = [name for n in clear for name in shade_names(shas[n])]
    owner = np.concatenate([np.arange(len(shas)), np.repeat(clear, len(shades) // len(clear))])
    found = stages.hashes_between(shades, [shas[n] for n in opaque])
    found = HashPairs(*(column[found.bits <= CASCADE.shade] for column in found))
    shade, other = found.query + len(shas), np.array(opaque, np.int64)[found.ref]
    is_first = owner[shade] < other
    placed = HashPairs(
        np.where(is_first, shade, other),
        np.where(is_first, other, shade),
        np.where(is_first, found.turn, _BACK[found.turn]),
        found.bits,
    )
    columns = [np.concatenate(both) for both in zip(near, placed, strict=True)]
    query, ref, _, bits = columns
    is_shade = np.arange(len(query)) >= len(near.query)
    order = np.lexsort((query, ref, is_shade, bits, owner[ref], owner[query]))
    return Frames([*shas, *shades], owner, HashPairs(*(column[order] for column in columns)))


# which of ``ORIENTATIONS`` turns back what each of them turned: a transposition swaps the flips
_BACK = np.array([ORIENTATIONS.index((t, h, v) if t else (t, v, h)) for t, v, h in ORIENTATIONS])
