"""Charts of the same axes and colours with other data, by matplotlib."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.random import Generator

from lookalike.model.arrays import UInt8Array
from lookalike_bench.judge_sets import words as w
from lookalike_bench.judge_sets.studio import Place

__all__ = ["bar_chart", "line_plot"]

_STYLES = ("default", "ggplot", "seaborn-v0_8-whitegrid", "bmh", "dark_background", "fast")


def line_plot(at: Place) -> UInt8Array:
    """Lines, areas or points over an axis."""
    draw = (_lines, _points, _area)[at.layout % 3]
    return _figure(at, draw)


def bar_chart(at: Place) -> UInt8Array:
    """Bars, stacked bars or a pie."""
    draw = (_bars, _pie, _stacked)[at.layout % 3]
    return _figure(at, draw)


def _figure(at: Place, draw: Callable[[Any, Generator, Generator], None]) -> UInt8Array:
    """A chart: title, axes and size of the layout; ``draw`` gets axes, style and content."""
    from matplotlib import style as looks
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    style = at.style
    size = (style.uniform(4, 8), style.uniform(3, 5.5))
    dpi = float(style.uniform(70, 160))
    with looks.context(w.pick(style, _STYLES)):
        figure = Figure(figsize=size, dpi=dpi)
        canvas: Any = FigureCanvasAgg(figure)
        axes = figure.add_subplot()
        axes.set_title(w.title(style))
        draw(axes, style, at.content)
        canvas.draw()
    return np.ascontiguousarray(np.asarray(canvas.buffer_rgba())[..., :3])


def _lines(axes: Any, style: Generator, content: Generator) -> None:
    x = np.linspace(0, 10, 120)
    for name in ("train", "test", "naive")[: int(style.integers(1, 4))]:
        walk = np.cumsum(content.normal(0, 1, 120)) / 6
        axes.plot(x, 5 + walk - walk.mean(), label=name)
    axes.set(ylim=(0, 10), xlabel="epoch", ylabel=w.pick(style, ("loss", "score", "price")))
    axes.legend(loc="upper right")
    axes.grid(bool(style.integers(2)))


def _points(axes: Any, style: Generator, content: Generator) -> None:
    count = int(style.integers(30, 200))
    slope = content.uniform(-1, 1)
    x = content.uniform(0, 10, count)
    y = 5 + slope * (x - 5) + content.normal(0, 1.2, count)
    axes.scatter(x, y, s=float(style.uniform(8, 40)), alpha=0.7)
    axes.set(xlim=(0, 10), ylim=(-2, 12), xlabel="dose", ylabel="response")


def _area(axes: Any, style: Generator, content: Generator) -> None:
    x = np.arange(40)
    layers = np.abs(np.cumsum(content.normal(0, 1, (3, 40)), axis=1)) + 1
    axes.stackplot(x, layers / layers.sum(0), labels=("coal", "gas", "wind"))
    axes.set(xlim=(0, 39), ylim=(0, 1), xlabel="week")
    axes.legend(loc="lower left")


def _bars(axes: Any, style: Generator, content: Generator) -> None:
    names = w.some(style, w.MONTHS, int(style.integers(5, 10)))
    axes.bar([name[:3] for name in names], content.uniform(1, 10, len(names)))
    axes.set(ylim=(0, 10), ylabel="units")


def _pie(axes: Any, style: Generator, content: Generator) -> None:
    names = w.some(style, w.GOODS, int(style.integers(4, 7)))
    axes.pie(content.uniform(1, 10, len(names)), labels=names, autopct="%1.0f%%")


def _stacked(axes: Any, style: Generator, content: Generator) -> None:
    names = [str(2010 + n) for n in range(int(style.integers(5, 9)))]
    low = np.zeros(len(names))
    for label in ("north", "south", "east"):
        part = content.uniform(0.5, 3.3, len(names))
        axes.barh(names, part, left=low, label=label)
        low += part
    axes.set(xlim=(0, 12))
    axes.legend(loc="lower right")
