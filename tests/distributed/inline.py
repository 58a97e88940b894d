"""Tasks run here, one after the other, for tests of what they compute."""

from __future__ import annotations

import pickle
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any


class Inline:
    """As ``distributed.session.Tasks``; every argument and result is pickled, as Ray does.

    Args:
        cores: as many tasks as would run at once.
    """

    def __init__(self, cores: int = 2) -> None:
        self.cores = cores
        self.calls: list[str] = []

    def each(self, work: Callable[..., Any], tasks: Iterable[Sequence[Any]]) -> Iterator[Any]:
        """Results in order."""
        for task in tasks:
            self.calls.append(getattr(work, "__name__", "partial"))
            yield _there_and_back(work(*_there_and_back(tuple(task))))

    def scatter(
        self, work: Callable[..., Sequence[Any]], tasks: Iterable[Sequence[Any]], parts: int
    ) -> list[list[Any]]:
        """Pieces themselves."""
        found = [list(pieces) for pieces in self.each(work, tasks)]
        assert all(len(pieces) == parts for pieces in found)
        return found

    def stream(
        self,
        items: Sequence[Mapping[str, Any]],
        read: Callable[[dict[str, Any]], list[dict[str, Any]]],
        actor: tuple[type, tuple[Any, ...]],
        form: tuple[int, int, float],
    ) -> Iterator[dict[str, Any]]:
        """Rows of one actor."""
        made = actor[0](*actor[1])
        rows = [row for item in items for row in read(dict(item))]
        for at in range(0, len(rows), form[0]):
            some = rows[at : at + form[0]]
            batch = {name: [row[name] for row in some] for name in some[0]}
            columns = made(batch)
            for values in zip(*columns.values(), strict=True):
                yield dict(zip(columns, values, strict=True))


def _there_and_back(value: Any) -> Any:
    return pickle.loads(pickle.dumps(value))
