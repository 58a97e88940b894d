"""Draw plots (matplotlib, extra ``lab``)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lookalike.clustering import dendrogram
from lookalike.clustering.dendrogram import outline, tree
from lookalike.evaluation.ranking import Steps
from lookalike.evaluation.reliability import Bin, wilson
from lookalike.model.errors import ConfigError

__all__ = [
    "check_available",
    "plot_dendrogram",
    "plot_histogram",
    "plot_map",
    "plot_precision_recall",
    "plot_reliability",
    "plot_roc",
]

_LEAVES = 60
_COLOURS = ("#2f6fde", "#c2571a", "#1f8a4c", "#8a5bd1", "#0f8b8d", "#b7791f", "#c23b6f", "#5b6572")


def check_available() -> None:
    """Check that plots can be drawn here.

    Raises:
        ConfigError: matplotlib or SciPy is missing.
    """
    try:
        import matplotlib  # noqa: F401
    except ImportError as error:
        raise ConfigError("plots need matplotlib", remedy="pip install 'lookalike[lab]'") from error
    dendrogram.check_available("average")


def _figure(width: float = 6.0, height: float = 4.2) -> tuple[Any, Any]:
    check_available()
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(width, height), layout="constrained")
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    axes.grid(alpha=0.25)
    return figure, axes


def _saved(figure: Any, path: Path) -> Path:
    from matplotlib import pyplot

    figure.savefig(path, dpi=130, metadata={"Software": None})
    pyplot.close(figure)
    return path


def plot_roc(curves: Mapping[str, Steps], path: Path) -> Path:
    """Plot recall against the false positive rate, from 1e-4 on, of several recipes."""
    figure, axes = _figure(7.5)
    for number, (name, found) in enumerate(curves.items()):
        rate = np.maximum(np.r_[0, found.fpr, 1], 1e-4)
        axes.step(rate, np.r_[0, found.recall, 1], where="post", label=name, **_style(number))
    axes.set(xscale="log", xlabel="false positive rate", ylabel="recall", ylim=(0, 1.02))
    figure.legend(fontsize=7, loc="outside right upper", frameon=False)
    return _saved(figure, path)


def plot_precision_recall(curves: Mapping[str, Steps], path: Path) -> Path:
    """Plot precision against recall of several recipes."""
    figure, axes = _figure(7.5)
    for number, (name, found) in enumerate(curves.items()):
        axes.plot(found.recall, found.precision, label=name, **_style(number))
    axes.set(xlabel="recall", ylabel="precision", xlim=(0, 1.02), ylim=(0, 1.02))
    figure.legend(fontsize=7, loc="outside right upper", frameon=False)
    return _saved(figure, path)


def plot_reliability(bins: Mapping[str, Sequence[Bin]], path: Path) -> Path:
    """Plot how many matches of about one confidence are wrong, against how many should be.

    Both axes are shares of wrong ones, 1e-4..1; the larger a dot, the more matches; bars are 95 %
    Wilson intervals. Dots above the line: the confidence promised too much.
    """
    figure, axes = _figure(5.6, 5.0)
    axes.plot([1e-4, 1], [1e-4, 1], color="#333", linewidth=1, label="as promised")
    for number, (name, some) in enumerate(bins.items()):
        promised = [max(1e-4, 1 - one.predicted) for one in some]
        found = [max(1e-4, 1 - one.observed) for one in some]
        ends = np.array([wilson(one.wrong, one.pairs) for one in some]).clip(1e-4, 1)
        bars = np.abs(ends.T - np.array(found))
        ink = _COLOURS[number % len(_COLOURS)]
        axes.errorbar(promised, found, yerr=bars, fmt="none", color=ink, alpha=0.5, linewidth=1)
        sizes = [12 + 12 * np.log10(one.pairs) for one in some]
        axes.scatter(promised, found, s=sizes, color=ink, label=name, linewidths=0, zorder=3)
    axes.set(
        xscale="log",
        yscale="log",
        xlim=(8e-5, 1.2),
        ylim=(8e-5, 1.2),
        xlabel="expected share of false matches (1 − confidence)",
        ylabel="found share of false matches",
    )
    axes.legend(frameon=False)
    return _saved(figure, path)


def _style(number: int) -> dict[str, Any]:
    style = ("-", "--", ":")[number // len(_COLOURS) % 3]
    return {"color": _COLOURS[number % len(_COLOURS)], "linestyle": style, "linewidth": 1.5}


def plot_histogram(
    distance: NDArray[np.floating], same: NDArray[np.bool_], threshold: float, path: Path
) -> Path:
    """Plot distances of duplicates and of strangers, with the threshold."""
    figure, axes = _figure()
    finite = np.isfinite(distance)
    values = distance[finite]
    edges = np.linspace(values.min(), values.max(), 61) if len(values) else np.linspace(0, 1, 61)
    for label, some, ink in (("duplicates", same, _COLOURS[0]), ("strangers", ~same, _COLOURS[1])):
        axes.hist(distance[finite & some], edges, alpha=0.6, label=label, color=ink)
    if np.isfinite(threshold):
        axes.axvline(threshold, color="#333", linewidth=1, label=f"threshold {threshold:.3g}")
    axes.set(xlabel="distance", ylabel="pairs")
    axes.legend(frameon=False)
    return _saved(figure, path)


def plot_map(points: NDArray[np.floating], groups: Sequence[str], path: Path) -> Path:
    """Plot images by their first two principal components; large groups in colour."""
    figure, axes = _figure()
    names, index, counts = np.unique(groups, return_inverse=True, return_counts=True)
    large = np.argsort(-counts, kind="stable")[: len(_COLOURS)]
    large = large[counts[large] > 1]
    rest = ~np.isin(index, large)
    axes.scatter(*points[rest].T, s=5, color="#b8bcc2", linewidths=0)
    for ink, group in zip(_COLOURS, large.tolist(), strict=False):
        label = str(names[group])[-24:]
        axes.scatter(*points[index == group].T, s=16, color=ink, label=label, linewidths=0)
    axes.set(xlabel="component 1", ylabel="component 2")
    if len(large):
        axes.legend(fontsize=7, frameon=False)
    return _saved(figure, path)


def plot_dendrogram(
    square: NDArray[np.floating],
    names: Sequence[str],
    linkage: str,
    threshold: float,
    path: Path,
) -> Path:
    """Plot merges of at most 60 images, with the threshold line."""
    figure, axes = _figure(9, 4.5)
    known = "average" if linkage == "star" else linkage
    finite = np.where(np.isfinite(square), square, np.nanmax(square[np.isfinite(square)]))
    across, heights, order = outline(tree(finite[:_LEAVES, :_LEAVES].astype(np.float32), known))
    for x, y in zip(across, heights, strict=True):
        within = y.max() <= threshold
        axes.plot(x, y, color=_COLOURS[0] if within else "#9aa0a8", linewidth=1.3)
    places = 5 + 10 * np.arange(len(order))
    axes.set_xticks(places, [names[leaf][-18:] for leaf in order], rotation=90, fontsize=5)
    axes.grid(visible=False, axis="x")
    axes.axhline(threshold, color="#333", linewidth=1)
    axes.set(ylabel=f"distance, {known} linkage")
    return _saved(figure, path)
