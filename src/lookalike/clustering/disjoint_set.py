"""Keep track of what is tied together (a disjoint-set forest, Galler and Fischer 1964)."""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from typing import Generic, Self, TypeVar

__all__ = ["Joined"]

Node = TypeVar("Node", bound=Hashable)


class Joined(Generic[Node]):
    """Disjoint sets that only grow together.

    Args:
        nodes: each begins alone.
    """

    def __init__(self, nodes: Iterable[Node] = ()) -> None:
        self._above = {node: node for node in nodes}

    def __contains__(self, node: Node) -> bool:
        return node in self._above

    def root(self, node: Node) -> Node:
        """Find the node that stands for all that are tied to this one."""
        above = self._above
        while above[node] != node:
            above[node] = above[above[node]]
            node = above[node]
        return node

    def join(self, node: Node, onto: Node) -> bool:
        """Tie two; what stands for ``onto`` then stands for both. False if they were tied."""
        first, second = self.root(node), self.root(onto)
        self._above[first] = second
        return first != second

    def parts(self) -> dict[Node, list[Node]]:
        """Group nodes by what stands for them, in the order in which they were given."""
        found: dict[Node, list[Node]] = {}
        for node in self._above:
            found.setdefault(self.root(node), []).append(node)
        return found

    def copy(self) -> Self:
        """Copy the sets, to be joined further without touching these."""
        other = type(self)()
        other._above = dict(self._above)
        return other
