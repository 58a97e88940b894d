"""Show progress on standard error: bars on a terminal, plain lines elsewhere."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from lookalike.cli.saying import warn
from lookalike.model.legible import legible

__all__ = ["show_progress"]

_SECONDS_BETWEEN_LINES = 5.0


@contextmanager
def show_progress() -> Iterator[Callable[[str, int, int], None]]:
    """Give a callback for the progress of stages."""
    if sys.stderr.isatty():
        with _bars() as report:
            yield report
    else:
        yield _lines()


@contextmanager
def _bars() -> Iterator[Callable[[str, int, int], None]]:
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
    )

    columns = (TextColumn("{task.description}", markup=False), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, TimeRemainingColumn(), console=Console(stderr=True)) as progress:
        tasks: dict[str, object] = {}

        def report(stage: str, done: int, total: int) -> None:
            if stage not in tasks:
                tasks[stage] = progress.add_task(legible(stage), total=total)
            progress.update(tasks[stage], completed=done, total=total)  # type: ignore[arg-type]

        yield report


def _lines() -> Callable[[str, int, int], None]:
    last = [time.monotonic()]

    def report(stage: str, done: int, total: int) -> None:
        now = time.monotonic()
        if now - last[0] >= _SECONDS_BETWEEN_LINES:
            last[0] = now
            warn(f"{stage}: {done:,} of {total:,}")

    return report
