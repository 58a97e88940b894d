"""The plots of docs/scale.md (matplotlib, extra ``lab``)."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from lookalike.evaluation.plots import check_available
from lookalike_bench.scale_distributions import PROBES, cells_for
from lookalike_bench.scale_fits import Distributions, Fits

__all__ = ["plot_scale"]

_INKS = ("#2f6fde", "#c2571a", "#1f8a4c", "#8a5bd1", "#0f8b8d", "#b7791f")


def plot_scale(found: Distributions, fits: Fits, path: Path) -> Path:
    """Recall by cells and probes, and keypoints in groups too large; dots are measured."""
    check_available()
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, (left, right) = pyplot.subplots(1, 2, figsize=(10, 3.8), layout="constrained")
    cells = np.geomspace(16, cells_for(10**9), 60)
    for ink, probes in zip(_INKS, PROBES, strict=True):
        left.plot(cells, [1 - fits.recall(probes, c) for c in cells], color=ink, label=f"{probes}")
        known = [(f["cells"], 1 - f[f"recall {probes}"]) for f in found["probes"]]
        left.scatter(*zip(*[dot for dot in known if dot[1] > 0], strict=True), color=ink, s=14)
    left.set(xscale="log", yscale="log", xlabel="cells", ylabel="true pairs missed", ylim=(1e-4, 1))
    left.legend(title="probes", fontsize=7, frameon=False)
    widths = (24, 32, 40, 48, 56)
    keypoints = np.geomspace(3e5, 5e11, 60)
    for ink, width in zip(_INKS, widths, strict=False):
        right.plot(keypoints, [fits.dropped(k, width) for k in keypoints], color=ink, label=width)
        known = [
            (f["keypoints"], f["dropped"])
            for f in found["substrings"]
            if f["width"] == width and f["dropped"] > 1e-5
        ]
        if known:
            right.scatter(*zip(*known, strict=True), color=ink, s=14)
    right.set(xscale="log", yscale="log", xlabel="keypoints", ylim=(1e-5, 1.2))
    right.set_ylabel("in groups too large to vote")
    right.legend(title="bits", fontsize=7, frameon=False)
    for axes in (left, right):
        axes.grid(alpha=0.25)
        axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(path, dpi=100, metadata={"Software": None})
    pyplot.close(figure)
    return path
