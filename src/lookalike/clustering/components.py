"""Find connected components: what is tied together, directly or by others."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from lookalike.model.arrays import IntArray

__all__ = ["components", "label_components", "parts_of"]


def components(nodes: Iterable[str], pairs: Iterable[tuple[str, str]]) -> list[list[str]]:
    """Find connected components of two or more nodes, each sorted, sorted by first node."""
    names = sorted(nodes)
    number = {name: n for n, name in enumerate(names)}
    ends = np.array([(number[a], number[b]) for a, b in pairs], np.int64).reshape(-1, 2)
    labels = label_components(len(names), ends[:, 0], ends[:, 1])
    return [[names[n] for n in group.tolist()] for group in parts_of(labels)]


def label_components(count: int, left: IntArray, right: IntArray) -> IntArray:
    """Label every node with the smallest node of its component.

    Args:
        count: nodes.
        left: ``(k,)`` node numbers.
        right: ``(k,)`` node numbers.

    Returns:
        ``(count,)`` node numbers.
    """
    labels = np.arange(count)
    while True:
        before = labels.copy()
        a, b = labels[left], labels[right]
        np.minimum.at(labels, a, b)
        np.minimum.at(labels, b, a)
        while not np.array_equal(shorter := labels[labels], labels):
            labels = shorter
        if (labels == before).all():
            return labels


def parts_of(labels: IntArray) -> list[IntArray]:
    """Group nodes that share a label, two or more each, ascending; sorted by their label."""
    order = np.argsort(labels, kind="stable")
    bounds = np.flatnonzero(np.diff(labels[order])) + 1
    return [group for group in np.split(order, bounds) if len(group) > 1]
