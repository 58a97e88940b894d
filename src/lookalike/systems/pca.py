"""Scale and project rows by PCA, fitted once, saved, applied to new images.

A streamed fit reads the rows block by block a few times. It is exact where the rows or the
values are few enough for a square matrix, otherwise a randomised subspace iteration (Halko,
Martinsson, Tropp 2011, https://arxiv.org/abs/0909.4061) that goes on until the captured variance
stands still.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from lookalike.index.blocks import RowSource, blocks_of
from lookalike.model.arrays import FloatArray
from lookalike.model.errors import ConfigError

__all__ = ["SCALES", "Reduction", "Scale", "fit_reduction"]

Scale = Literal["none", "standard", "unit"]
SCALES: tuple[Scale, ...] = ("none", "standard", "unit")
_SQUARE = 5000
_OVERSAMPLE = 16
_PASSES = 8
_STILL = 1e-4
_TELLING = 1e-4
_FEW = 20


@dataclass(frozen=True, slots=True)
class Reduction:
    """A fitted scaling and projection.

    Attributes:
        scale: ``standard`` (every value to mean 0, deviation 1), ``unit`` (every row to length 1)
            or ``none``.
        shift: ``(dim,)`` subtracted from every row.
        factor: ``(dim,)`` multiplied then.
        components: ``(k, dim)`` orthonormal rows, zero where there is no variance left, or
            ``(0, dim)`` for no projection.
        variance: ``(k,)`` variance along each component, falling.
    """

    scale: Scale
    shift: FloatArray
    factor: FloatArray
    components: FloatArray
    variance: FloatArray

    def apply(self, rows: NDArray[np.generic]) -> FloatArray:
        """Project ``(n, dim)`` rows to ``(n, k)`` float32, or only scale them.

        Raises:
            ConfigError: rows of another dimension.
        """
        if rows.shape[1] != len(self.shift):
            raise ConfigError(
                "rows do not fit this reduction",
                got=f"{rows.shape[1]} values a row",
                expected=f"{len(self.shift)}",
                remedy="fit it again for this descriptor",
            )
        scaled = (_unit(rows, self.scale) - self.shift) * self.factor
        moved = scaled @ self.components.T if len(self.components) else scaled
        return np.asarray(moved, np.float32)

    def apply_blocks(self, rows: RowSource) -> FloatArray:
        """Project rows block by block."""
        return np.concatenate([self.apply(rows[block]) for block in blocks_of(rows)])

    def to_bytes(self) -> bytes:
        """Write a file that NumPy reads."""
        written = io.BytesIO()
        np.savez(
            written,
            scale=self.scale,
            shift=self.shift,
            factor=self.factor,
            components=self.components,
            variance=self.variance,
        )
        return written.getvalue()

    @classmethod
    def from_bytes(cls, data: bytes) -> Reduction:
        """Read what ``to_bytes`` made."""
        with np.load(io.BytesIO(data), allow_pickle=False) as held:
            arrays = {name: held[name] for name in ("shift", "factor", "components", "variance")}
            return cls(str(held["scale"]), **arrays)  # type: ignore[arg-type]


def fit_reduction(
    rows: RowSource, *, components: int = 0, scale: Scale = "none", streamed: bool = False
) -> Reduction:
    """Learn scaling and principal components.

    Args:
        rows: ``(n, dim)``, an array or read from disk.
        components: how many to keep; at most ``min(n, dim)``; 0 projects nothing.
        scale: how values are scaled first.
        streamed: never hold all rows, nor a matrix of ``n × n`` or ``dim × dim`` beyond 5,000; few
            components are iterated for.

    Returns:
        The reduction; signs are such that the largest weight of each component is positive.

    Raises:
        ConfigError: more components than ``min(n, dim)``, or an unknown scale.
    """
    count, dim = rows.shape[0], rows.shape[1]
    if scale not in SCALES:
        raise ConfigError("unknown scale", got=repr(scale), expected=f"one of {', '.join(SCALES)}")
    if not 0 <= components <= min(count, dim):
        raise ConfigError(
            "too many components",
            got=f"{components} of {count} rows of {dim} values",
            expected=f"0 to {min(count, dim)}",
        )
    shift, factor = _moments(rows, scale)
    if not components:
        keep = scale == "standard"
        plain = np.zeros_like(shift)
        nothing = np.empty((0, dim), np.float32), np.empty(0, np.float32)
        return Reduction(scale, shift if keep else plain, factor, *nothing)
    scaled = _Scaled(rows, scale, shift, factor)
    few = components * _FEW < min(count, dim)
    if not streamed or (min(count, dim) <= _SQUARE and not few):
        found, variance = _exact(scaled, components)
    else:
        found, variance = _iterated(scaled, components)
    falling = -found.min(axis=1) > found.max(axis=1)
    found[falling] *= -1
    return Reduction(scale, shift, factor, found, (variance / count).astype(np.float32))


@dataclass(frozen=True, slots=True)
class _Scaled:
    """Rows as they are projected: scaled and centred."""

    rows: RowSource
    scale: Scale
    shift: FloatArray
    factor: FloatArray

    @property
    def shape(self) -> tuple[int, ...]:
        return self.rows.shape

    def __getitem__(self, some: slice) -> FloatArray:
        return np.asarray((_unit(self.rows[some], self.scale) - self.shift) * self.factor)


def _unit(rows: NDArray[np.generic], scale: Scale) -> FloatArray:
    plain = np.asarray(rows, np.float32)
    if scale != "unit":
        return plain
    norm = np.linalg.norm(plain, axis=1, keepdims=True)
    return np.asarray(plain / np.where(norm > 0, norm, 1), np.float32)


def _moments(rows: RowSource, scale: Scale) -> tuple[FloatArray, FloatArray]:
    """Compute means, and one over the deviation where values are scaled by it (0 for constants)."""
    count, dim = rows.shape[0], rows.shape[1]
    total, squares = np.zeros(dim), np.zeros(dim)
    for block in blocks_of(rows):
        values = _unit(rows[block], scale)
        total += values.sum(axis=0, dtype=np.float64)
        if scale == "standard":
            squares += np.einsum("ij,ij->j", values, values, dtype=np.float64)
    mean = total / max(1, count)
    if scale != "standard":
        return mean.astype(np.float32), np.ones(dim, np.float32)
    deviation = np.sqrt(np.maximum(squares / max(1, count) - mean**2, 0))
    constant = deviation <= 1e-6 * np.maximum(1.0, np.abs(mean))
    factor = np.where(constant, 0.0, 1.0 / np.where(constant, 1.0, deviation))
    return mean.astype(np.float32), factor.astype(np.float32)


def _exact(rows: _Scaled, components: int) -> tuple[FloatArray, NDArray[np.float64]]:
    """Decompose the smaller of the two square matrices."""
    count, dim = rows.shape[0], rows.shape[1]
    if dim <= count:
        square = np.zeros((dim, dim))
        for block in blocks_of(rows):
            square += _square(rows[block].T)
        values, vectors = np.linalg.eigh(square)
        largest = vectors[:, ::-1][:, :components].T
        return largest.astype(np.float32), _top(values, components)
    slices = list(blocks_of(rows))
    square = np.zeros((count, count))
    for number, first in enumerate(slices):
        left = rows[first]
        for second in slices[number:]:
            part = left @ (left if first == second else rows[second]).T
            square[first, second], square[second, first] = part, part.T
    values, vectors = np.linalg.eigh(square)
    variance = _top(values, components)
    # a direction without variance has no image among the rows, and none is needed
    length = np.sqrt(variance)
    telling = length > _TELLING * length[:1]
    weight = np.divide(1.0, length, out=np.zeros_like(length), where=telling)
    chosen = (vectors[:, ::-1][:, :components] * weight).astype(np.float32)
    found = np.zeros((components, dim), np.float32)
    for block in slices:
        found += chosen[block].T @ rows[block]
    return found, variance


def _square(values: FloatArray) -> NDArray[np.float64]:
    return (values @ values.T).astype(np.float64)


def _top(values: NDArray[np.float64], components: int) -> NDArray[np.float64]:
    return np.maximum(values[::-1][:components], 0.0)


def _iterated(rows: _Scaled, components: int) -> tuple[FloatArray, NDArray[np.float64]]:
    """Iterate a subspace: every pass multiplies a basis by the rows and back."""
    dim = rows.shape[1]
    width = min(components + _OVERSAMPLE, *rows.shape)
    basis = np.random.default_rng(0).standard_normal((dim, width)).astype(np.float32)
    before = 0.0
    for _ in range(_PASSES):
        basis = np.linalg.qr(basis)[0].astype(np.float32)
        turned = np.zeros((dim, width))
        small = np.zeros((width, width))
        for block in blocks_of(rows):
            values = rows[block]
            seen = values @ basis
            turned += values.T @ seen
            small += _square(seen.T)
        variances, rotation = np.linalg.eigh(small)
        captured = float(variances[::-1][:components].sum())
        found = (basis @ rotation[:, ::-1][:, :components].astype(np.float32)).T.copy()
        if captured - before <= _STILL * captured:
            break
        before, basis = captured, turned.astype(np.float32)
    return found, _top(variances, components)
