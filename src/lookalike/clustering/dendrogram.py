"""Cluster by hierarchical linkages over distances, cut at a threshold (SciPy, extra ``lab``).

Post-conditions at threshold t: *complete*, no pair of a cluster is farther than t; *average*, no
merge was of clusters farther than t on average; *ward* (Ward 1963), likewise in its own unit.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from lookalike.model.arrays import FloatArray, IntArray
from lookalike.model.errors import ConfigError

__all__ = ["check_available", "cut", "outline", "tree"]

_MOST = 20_000


def check_available(linkage: str) -> None:
    """Check that a linkage can be computed here.

    Raises:
        ConfigError: it needs SciPy, which is missing.
    """
    if linkage in ("star", "single"):
        return
    try:
        import scipy  # noqa: F401
    except ImportError as error:
        raise ConfigError(
            f"{linkage} linkage needs SciPy", remedy="pip install 'lookalike[lab]'"
        ) from error


def tree(distances: FloatArray, linkage: str) -> NDArray[np.float64]:
    """Compute the merges of an agglomerative clustering, as SciPy's ``linkage`` gives them.

    Args:
        distances: ``(n, n)`` symmetric; Euclidean for ``ward``.
        linkage: ``single``, ``complete``, ``average`` or ``ward``.

    Returns:
        ``(n − 1, 4)``: the two parts, their distance, and the size of the merged part.

    Raises:
        ConfigError: more than 20,000 images.
    """
    if len(distances) > _MOST:
        raise ConfigError(
            f"{linkage} linkage holds all distances at once",
            got=f"{len(distances):,} images tied to each other",
            expected=f"at most {_MOST:,}",
            remedy="lower max_distance, or use linkage star or single",
        )
    from scipy.cluster.hierarchy import linkage as link
    from scipy.spatial.distance import squareform

    even = (distances.astype(np.float64) + distances.T) / 2
    even = np.maximum(even, 0.0)
    np.fill_diagonal(even, 0.0)
    return np.asarray(link(squareform(even, checks=False), linkage))


def cut(merges: NDArray[np.float64], max_distance: float) -> IntArray:
    """Cut merges beyond ``max_distance``: the part ``(n,)`` of every image."""
    count = len(merges) + 1
    home = np.arange(2 * count - 1)
    for number, (a, b, distance, _) in enumerate(merges):
        if distance <= max_distance:
            home[[int(a), int(b)]] = count + number
    for number in range(len(home) - 1, -1, -1):
        home[number] = home[home[number]]
    return np.unique(home[:count], return_inverse=True)[1]


def outline(merges: NDArray[np.float64]) -> tuple[FloatArray, FloatArray, list[int]]:
    """Lay the merges out for drawing: ``(n − 1, 4)`` places and heights, and the leaves' order.

    Leaf number ``k`` from the left stands at place ``5 + 10 k``.
    """
    from scipy.cluster.hierarchy import dendrogram

    drawn = dendrogram(merges, no_plot=True)
    across, heights = np.array(drawn["icoord"], np.float32), np.array(drawn["dcoord"], np.float32)
    return across, heights, list(drawn["leaves"])
