"""Descriptors made from another's rows: a part of it, its hyperplane bits, its turns.

They are computed from stored rows, not from pixels, and are not stored themselves. Hyperplane bits
(Charikar 2002, https://doi.org/10.1145/509907.509965): the share of differing bits estimates the
angle. NeuralHash takes 96 such bits of its network.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lookalike.descriptors.hashes import ORIENTATIONS
from lookalike.model.image import DescriptorSpec, Picture
from lookalike.model.protocols import Descriptor

__all__ = ["Derived", "TurnedDescriptor", "hyperplane_bits", "part_of"]


@dataclass(frozen=True, slots=True)
class Derived:
    """A descriptor computed from another one's rows.

    Attributes:
        base: the descriptor whose rows are stored.
        spec: of the derived rows.
        derive: ``(n, base dim)`` to ``(n, spec.row_width)``.
    """

    base: Descriptor
    spec: DescriptorSpec
    derive: Callable[[NDArray[Any]], NDArray[Any]]

    @property
    def min_side(self) -> int:
        """Short side in pixels that the base needs."""
        return self.base.min_side

    def describe(self, picture: Picture) -> NDArray[Any]:
        """Describe a picture by ``(spec.row_width,)`` values."""
        return self.derive(self.base.describe(picture)[None])[0]


def part_of(base: Descriptor, name: str, values: slice, dim: int) -> Derived:
    """Make a descriptor of some of another's values."""
    spec = replace(base.spec, name=name, dim=dim)
    return Derived(base, spec, lambda rows: rows[:, values])


def hyperplane_bits(base: Descriptor, bits: int, seed: int = 0) -> Derived:
    """Make a descriptor of packed signs of seeded random projections.

    Args:
        base: a descriptor of floats.
        bits: a multiple of 8.
        seed: other seeds give independent bits.
    """
    dim = base.spec.row_width
    planes = np.random.default_rng(seed).standard_normal((dim, bits)).astype(np.float32)
    spec = replace(
        base.spec,
        name=f"{base.spec.name}#{bits}.{seed}",
        metric="hamming",
        dim=bits,
        dtype="uint8",
    )

    def derive(rows: NDArray[Any]) -> NDArray[Any]:
        return np.packbits(rows.astype(np.float32) @ planes > 0, axis=1)

    return Derived(base, spec, derive)


class TurnedDescriptor:
    """Describes a picture in its 8 orientations, one after the other.

    Args:
        base: any descriptor.
    """

    def __init__(self, base: Descriptor) -> None:
        self._base = base
        self.min_side = base.min_side
        self.spec = replace(
            base.spec, name=f"{base.spec.name} in 8 turns", dim=base.spec.dim * len(ORIENTATIONS)
        )

    def describe(self, picture: Picture) -> NDArray[Any]:
        """Compute ``(8 · row_width,)``, in the order of ``ORIENTATIONS``; the first is upright."""
        turned = (np.ascontiguousarray(_turned(picture.rgb, *turn)) for turn in ORIENTATIONS)
        return np.concatenate(
            [self._base.describe(replace(picture, rgb=rgb)).reshape(-1) for rgb in turned]
        )


def _turned(
    rgb: NDArray[np.uint8], transpose: bool, vertical: bool, horizontal: bool
) -> NDArray[np.uint8]:
    turned = rgb.transpose(1, 0, 2) if transpose else rgb
    turned = turned[::-1] if vertical else turned
    return turned[:, ::-1] if horizontal else turned
