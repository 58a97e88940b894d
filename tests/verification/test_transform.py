"""Small matrices agree with NumPy's."""

from __future__ import annotations

import numpy as np
import pytest

from lookalike.verification.matrices import growth_of, inverse, stretches


@pytest.mark.parametrize("seed", range(5))
def test_they_agree_with_numpy(seed: int) -> None:
    """Determinant, inverse and singular values."""
    transform = np.random.default_rng(seed).normal(size=(3, 3))
    linear = transform[:2, :2]
    assert np.allclose(inverse(transform), np.linalg.inv(transform))
    assert growth_of(transform) == pytest.approx(np.linalg.det(linear))
    assert stretches(*linear.reshape(-1)) == pytest.approx(np.linalg.svd(linear).S)
